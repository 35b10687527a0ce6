/**
 * @file cpm_mime.h  MIME: the parts of a multipart body, and parameters
 *
 * RFC 2046, 5.1; RFC 2045, 5.1; RFC 2231, 4. Lenient on reading. No I/O, no
 * memory of its own but where said, no global state; needs libre only.
 *
 * There are libraries for MIME. The one that Debian has for C, GMime, brings
 * GLib and GPGME into the softphone, for what is here a delimiter and four
 * headers; so this is our own.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_MIME_H
#define CPM_MIME_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	MIME_PARTS_MAX    = 16, /**< parts of a body: bounds work; real ones
				     have two or three                      */
	MIME_BOUNDARY_MAX = 70, /**< octets (RFC 2046, 5.1.1)               */
};

/** One part. Views into the body, without white space around them; a header
    that is not there is unset. Where a header was folded, its line breaks are
    still there: they count as white space. */
struct mime_part {
	struct pl ctype;     /**< Content-Type; unset: text/plain           */
	struct pl cte;       /**< Content-Transfer-Encoding                 */
	struct pl disp;      /**< Content-Disposition                       */
	struct pl cid;       /**< Content-ID                                */
	struct pl body;      /**< as it is, still encoded; may be empty     */
};

/** A part, in the order of the body. @return true to stop */
typedef bool (mime_part_h)(const struct mime_part *part, void *arg);

/**
 * Read a multipart body (RFC 2046, 5.1.1). Lines may end with LF alone. What
 * is in front of the first delimiter and behind the last one is passed over.
 * A line that only begins with the delimiter is none. A part of type multipart
 * is one part: it is not descended into. Where the last delimiter is missing,
 * the last part goes to the end of the body: whoever carries the body knows
 * its length.
 *
 * @param ctype Value of Content-Type, with the parameter boundary
 * @param body  All of the body
 * @param h     Called for each part. If the reading fails behind it, it has
 *              been called for those in front
 *
 * @return 0, also if h stopped; EBADMSG if there is no boundary, no part, or a
 *         part has no proper head; EOVERFLOW over MIME_PARTS_MAX; EINVAL
 */
int mime_multipart(const struct pl *ctype, const struct pl *body,
		   mime_part_h *h, void *arg);

/**
 * A parameter of a header (RFC 2045, 5.1; RFC 2231, 4), e.g. the filename of
 * a Content-Disposition. One with a charset (filename*) goes before a plain
 * one, if it is UTF-8 or ISO-8859-1 and well formed; continuations (filename*0)
 * are not read.
 *
 * @param strp Its value, without quotes and escapes: what a stranger wrote,
 *             no UTF-8 for sure; mem_deref() it
 * @param val  Value of the header
 * @param name Name, in any case
 *
 * @return 0; ENOENT if it is not there; EINVAL; ENOMEM
 */
int mime_param(char **strp, const struct pl *val, const char *name);

/** Is a Content-Type this one, e.g. "message/cpim"? Parameters and case do
    not matter; an unset one is none */
bool mime_type_is(const struct pl *ctype, const char *type);

/** Has a Content-Type parts? An unset one has none */
bool mime_is_multipart(const struct pl *ctype);

#ifdef __cplusplus
}
#endif
#endif
