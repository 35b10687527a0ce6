/**
 * @file cpm_imdn.h  Instant Message Disposition Notification: the document
 *
 * RFC 5438, section 7 and the schema in 11.1. XML is read with Expat: no
 * entity is ever expanded, depth and length are bounded.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_IMDN_H
#define CPM_IMDN_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	IMDN_DOC_MAX   = 65536, /**< octets of a document: bounds work      */
	IMDN_DEPTH_MAX = 16,    /**< nested elements: bounds the parser     */
	IMDN_TEXT_MAX  = 1024,  /**< octets of one value                    */
};

/** Which notification (RFC 5438, 7.2.1.1) */
enum imdn_kind {
	IMDN_NONE = 0,   /**< none that we know: ignore it silently         */
	IMDN_DELIVERY,
	IMDN_DISPLAY,
	IMDN_PROCESSING,
};

/** Its status (RFC 5438, 7.2.1.2) */
enum imdn_status {
	IMDN_UNKNOWN = 0,
	IMDN_DELIVERED,
	IMDN_DISPLAYED,
	IMDN_PROCESSED,
	IMDN_STORED,
	IMDN_FAILED,
	IMDN_FORBIDDEN,
	IMDN_ERROR,
};

/** An IMDN. Strings are owned by the object; NULL if absent. */
struct imdn_doc {
	char *message_id;             /**< of the message it is about       */
	char *datetime;               /**< when that message was sent       */
	char *recipient_uri;
	char *original_recipient_uri;
	char *subject;
	enum imdn_kind kind;
	enum imdn_status status;
};

/**
 * Decode one document. White space in front of it and around values is
 * dropped; elements without any namespace count as ours; a status that does
 * not belong to its notification is IMDN_UNKNOWN.
 *
 * @param docp Pointer to the new document; mem_deref() it
 *
 * @return 0; ENODATA if it is a proper beginning of a document; EBADMSG if
 *         it is not well formed, not an imdn, or lacks message-id;
 *         EOVERFLOW over a limit, or a document type declaration; EINVAL;
 *         ENOMEM
 */
int imdn_decode(struct imdn_doc **docp, const uint8_t *buf, size_t len);

/** What to write. Borrowed. */
struct imdn_out {
	const char *message_id;       /**< mandatory                        */
	const char *datetime;         /**< mandatory: of the original       */
	const char *recipient_uri;    /**< NULL leaves it out               */
	const char *original_recipient_uri;
	enum imdn_kind kind;
	enum imdn_status status;
};

/**
 * Write a document at mb's pos, values escaped (XML 1.0, 2.4).
 *
 * @return 0; EINVAL if something mandatory is missing, the status does not
 *         belong to the kind, or a value is longer than IMDN_TEXT_MAX, holds
 *         a control character or is no UTF-8; ENOMEM. When it fails mb is as
 *         before
 */
int imdn_encode(struct mbuf *mb, const struct imdn_out *out);

/** Name of a status as in the document: "delivered"; "" if unknown */
const char *imdn_status_name(enum imdn_status status);

#ifdef __cplusplus
}
#endif
#endif
