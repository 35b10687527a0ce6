/**
 * @file cpm_fthttp.h  File transfer over HTTP: what a message says of a file
 *
 * GSMA RCC.07, application/vnd.gsma.rcs-ft-http+xml: where a file lies that
 * somebody sent, how large it is and until when it is there; also a small
 * picture of it. Nothing is ever downloaded here. The document is read as the
 * clients in the field write it: elements without a namespace, and of unknown
 * ones, are met. No I/O, no memory of its own, no global state; needs libre
 * only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_FTHTTP_H
#define CPM_FTHTTP_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FTHTTP_TYPE "application/vnd.gsma.rcs-ft-http+xml"

enum {
	FTHTTP_DOC_MAX   = 16384, /**< octets of a document: bounds work; real
				       ones have some 1,000                */
	FTHTTP_DEPTH_MAX = 16,    /**< nested elements: bounds the parser   */
	FTHTTP_URL_MAX   = 2048,  /**< octets of a URL: signed ones are long */
	FTHTTP_TEXT_MAX  = 255,   /**< octets of another value              */
};

/** A file. What is absent is "" or 0. Octets of strangers: no UTF-8 for sure,
    and the name is no path to be trusted. */
struct fthttp_file {
	char url[FTHTTP_URL_MAX + 1];   /**< http or https, nothing else    */
	char name[FTHTTP_TEXT_MAX + 1];
	char type[FTHTTP_TEXT_MAX + 1]; /**< media type                     */
	char until[FTHTTP_TEXT_MAX + 1]; /**< as written: RFC 3339          */
	uint64_t size;                  /**< octets                         */
};

/** What a document tells. Nothing to free: it holds all it has. */
struct fthttp_doc {
	struct fthttp_file file;
	struct fthttp_file thumbnail;   /**< url "": there is none          */
};

/**
 * Decode one document. Of two files, or two values alike, the first counts;
 * what is not known is skipped.
 *
 * @param doc Filled; unspecified when it fails
 *
 * @return 0; ENODATA if it is a proper beginning of a document; EBADMSG if
 *         it is not well formed, not such a document, or has no file with a
 *         proper URL; EOVERFLOW over a limit, or a document type declaration;
 *         EINVAL; ENOMEM
 */
int fthttp_decode(struct fthttp_doc *doc, const uint8_t *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
