/**
 * @file cpm_iscomp.h  Indication of message composition: the document
 *
 * RFC 3994, application/im-iscomposing+xml. XML is read with Expat: no entity
 * is ever expanded, depth and length are bounded. No I/O, no global state;
 * needs libre only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_ISCOMP_H
#define CPM_ISCOMP_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ISCOMP_TYPE "application/im-iscomposing+xml"

enum {
	ISCOMP_DOC_MAX   = 16384, /**< octets of a document: bounds work; real
				       ones have some 400                  */
	ISCOMP_DEPTH_MAX = 16,    /**< nested elements: bounds the parser   */
	ISCOMP_TEXT_MAX  = 128,   /**< octets of one value                  */
	ISCOMP_REFRESH   = 120,   /**< seconds that "active" holds when the
				       document does not say (RFC 3994, 3.2) */
};

/** What the other side does (RFC 3994, 3.3). A state that we do not know is
    idle, as the RFC has it. */
enum iscomp_state {
	ISCOMP_IDLE = 0,
	ISCOMP_ACTIVE,
};

/** A status message. Nothing to free: it holds all it has. */
struct iscomp_doc {
	enum iscomp_state state;
	char contenttype[ISCOMP_TEXT_MAX + 1]; /**< "" if absent: a media type,
						    or its first half       */
	char lastactive[ISCOMP_TEXT_MAX + 1];  /**< "" if absent, as written */
	uint32_t refresh;         /**< seconds; 0: absent, or no number     */
};

/**
 * Decode one document. White space in front of it and around values is
 * dropped; elements without any namespace count as ours; of two alike the
 * first counts; what is not known is skipped.
 *
 * @param doc Filled; unspecified when it fails
 *
 * @return 0; ENODATA if it is a proper beginning of a document; EBADMSG if
 *         it is not well formed, no isComposing, or lacks a state; EOVERFLOW
 *         over a limit, or a document type declaration; EINVAL; ENOMEM
 */
int iscomp_decode(struct iscomp_doc *doc, const uint8_t *buf, size_t len);

/**
 * Write a document at mb's pos, in the order of the schema (RFC 3994, 4).
 *
 * @param doc contenttype, lastactive and refresh are left out where unset
 *
 * @return 0; EINVAL if contenttype or lastactive hold an octet that none has;
 *         ENOMEM. When it fails mb is as before
 */
int iscomp_encode(struct mbuf *mb, const struct iscomp_doc *doc);

/** Name of a state as in the document: "active" */
const char *iscomp_state_name(enum iscomp_state state);

#ifdef __cplusplus
}
#endif
#endif
