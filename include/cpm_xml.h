/**
 * @file cpm_xml.h  XML documents from the network: what their readers share
 *
 * The one place that sees Expat. A document type declaration ends the reading,
 * so there are no entities but the five of XML itself; size, depth and the
 * text of an element are bounded. A base below the codecs: they may include
 * this one, it includes none of them. No I/O, no global state; needs libre
 * only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_XML_H
#define CPM_XML_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	XML_TEXT_LIMIT = 4096,    /**< octets of one value, at most, whatever
				       a reader asks for: what the stack of
				       one call has room for               */
};

/** What is wanted of an element */
enum xml_take {
	XML_TAKE_SKIP = 0,        /**< nothing, nor of what is in it        */
	XML_TAKE_ENTER,           /**< the elements in it                   */
	XML_TAKE_TEXT,            /**< its own text: handed over at its end;
				       elements in it are skipped          */
};

/**
 * An element begins; not called for what is skipped.
 *
 * @param takep What is wanted of it; XML_TAKE_SKIP if left alone
 * @param depth 1: the root
 * @param name  Without namespace and prefix; "" if it is of a foreign one.
 *              One without any namespace counts as ours
 * @param attrv Attributes: for xml_attr()
 *
 * @return 0; an error ends the reading and is handed on (EBADMSG: the root is
 *         another one)
 */
typedef int (xml_open_h)(enum xml_take *takep, unsigned depth,
			 const char *name, const char *const *attrv,
			 void *arg);

/**
 * The end of an element that was not skipped.
 *
 * @param text Its text without white space around it, if that was wanted;
 *             else NULL. Borrowed
 *
 * @return 0; an error ends the reading and is handed on
 */
typedef int (xml_close_h)(unsigned depth, const char *text, void *arg);

/** How to read a document */
struct xml_form {
	const char *ns;           /**< ours; NULL: each namespace is        */
	size_t doc_max;           /**< octets of a document                 */
	unsigned depth_max;       /**< elements within each other           */
	size_t text_max;          /**< octets of one text; XML_TEXT_LIMIT   */
	xml_open_h *openh;
	xml_close_h *closeh;
};

/**
 * Read one document (XML 1.0). White space in front of it is dropped: it has
 * its declaration at the very start, but MSRP bodies of real clients have
 * empty lines there.
 *
 * @return 0; ENODATA if it is a proper beginning of a document; EBADMSG if it
 *         is not well formed; EOVERFLOW over a limit of the form, or a
 *         document type declaration; what a handler returned; EINVAL; ENOMEM
 */
int xml_read(const struct xml_form *form, const uint8_t *buf, size_t len,
	     void *arg);

/** Value of an attribute that is in no namespace; NULL if absent. Borrowed
    until the handler returns */
const char *xml_attr(const char *const *attrv, const char *name);

#ifdef __cplusplus
}
#endif
#endif
