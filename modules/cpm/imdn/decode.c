/**
 * @file imdn/decode.c  IMDN: reading a document
 *
 * RFC 5438, 7 and 11.1. Expat reads the XML; a document type declaration
 * ends the reading, so there are no entities but the five of XML itself.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <expat.h>
#include <cpm_imdn.h>
#include "imdn.h"


#define IMDN_NS "urn:ietf:params:xml:ns:imdn"

enum {
	NS_SEP = '\n',     /* between namespace and name: in neither     */

	/* depths at which something of ours stands */
	DEPTH_ROOT   = 1,
	DEPTH_FIELD  = 2,
	DEPTH_STATUS = 3,
	DEPTH_VALUE  = 4,
};

struct reader {
	XML_Parser xml;
	struct imdn_doc *doc;
	int err;                  /**< what stopped the reading            */
	unsigned depth;           /**< elements open                       */
	unsigned skip;            /**< depth of the unknown element that is
				       open, 0 if none                     */
	enum imdn_kind kind;      /**< notification that is open           */
	char **field;             /**< where the open element's text goes  */
	size_t textl;
	char text[IMDN_TEXT_MAX + 1];
};


static void destructor(void *arg)
{
	struct imdn_doc *doc = arg;

	mem_deref(doc->message_id);
	mem_deref(doc->datetime);
	mem_deref(doc->recipient_uri);
	mem_deref(doc->original_recipient_uri);
	mem_deref(doc->subject);
}


static void reader_stop(struct reader *rd, int err)
{
	if (rd->err)
		return;

	rd->err = err;
	(void)XML_StopParser(rd->xml, XML_FALSE);
}


/* Name without namespace; NULL if it is of a foreign one */
static const char *local_name(const char *name)
{
	const char *sep = strchr(name, NS_SEP);
	const size_t n = sizeof(IMDN_NS) - 1;

	if (!sep)
		return name;

	if ((size_t)(sep - name) != n || memcmp(name, IMDN_NS, n))
		return NULL;

	return sep + 1;
}


static char **field_find(struct imdn_doc *doc, const char *name)
{
	if (!strcmp(name, "message-id"))
		return &doc->message_id;
	if (!strcmp(name, "datetime"))
		return &doc->datetime;
	if (!strcmp(name, "recipient-uri"))
		return &doc->recipient_uri;
	if (!strcmp(name, "original-recipient-uri"))
		return &doc->original_recipient_uri;
	if (!strcmp(name, "subject"))
		return &doc->subject;

	return NULL;
}


/* A field or a notification; of two alike the first counts.
   Return true if it is one */
static bool field_open(struct reader *rd, const char *name)
{
	char **field = field_find(rd->doc, name);

	if (field) {
		rd->field = *field ? NULL : field;
		rd->textl = 0;
		return *field == NULL;
	}

	rd->kind = imdn_kind_find(name);
	if (!rd->kind || rd->doc->kind)
		return false;

	rd->doc->kind = rd->kind;

	return true;
}


static bool status_open(struct reader *rd, const char *name)
{
	const enum imdn_status status = imdn_status_find(name);

	if (!rd->doc->status && imdn_is_legal(rd->kind, status))
		rd->doc->status = status;

	return true;
}


/* Return true if the element is known where it stands */
static bool element_open(struct reader *rd, const char *name)
{
	switch (rd->depth) {

	case DEPTH_ROOT:
		if (!strcmp(name, "imdn"))
			return true;
		reader_stop(rd, EBADMSG);
		return false;

	case DEPTH_FIELD:
		return field_open(rd, name);

	case DEPTH_STATUS:
		return rd->kind && !strcmp(name, "status");

	case DEPTH_VALUE:
		return status_open(rd, name);

	default:
		return false;
	}
}


static void start_handler(void *arg, const XML_Char *name,
			  const XML_Char **attrv)
{
	struct reader *rd = arg;
	const char *local = local_name(name);
	(void)attrv;

	if (rd->err)
		return;

	if (++rd->depth > IMDN_DEPTH_MAX) {
		reader_stop(rd, EOVERFLOW);
		return;
	}

	if (!rd->skip && !element_open(rd, local ? local : ""))
		rd->skip = rd->depth;
}


static int field_close(struct reader *rd)
{
	const char *p = rd->text;
	size_t n = rd->textl;

	while (n && strchr(" \t\r\n", p[0])) {
		++p;
		--n;
	}
	while (n && strchr(" \t\r\n", p[n - 1]))
		--n;
	rd->text[(size_t)(p - rd->text) + n] = '\0';

	return str_dup(rd->field, p);
}


static void end_handler(void *arg, const XML_Char *name)
{
	struct reader *rd = arg;
	int err;
	(void)name;

	if (rd->err)
		return;

	if (rd->skip == rd->depth) {
		rd->skip = 0;
	}
	else if (rd->depth == DEPTH_FIELD) {

		if (rd->field) {
			err = field_close(rd);
			if (err)
				reader_stop(rd, err);
		}
		rd->field = NULL;
		rd->kind = IMDN_NONE;
	}

	--rd->depth;
}


static void text_handler(void *arg, const XML_Char *s, int len)
{
	struct reader *rd = arg;

	if (rd->err || rd->skip || !rd->field)
		return;

	if ((size_t)len > IMDN_TEXT_MAX - rd->textl) {
		reader_stop(rd, EOVERFLOW);
		return;
	}

	memcpy(rd->text + rd->textl, s, (size_t)len);
	rd->textl += (size_t)len;
}


static void doctype_handler(void *arg, const XML_Char *name,
			    const XML_Char *sysid, const XML_Char *pubid,
			    int has_subset)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_subset;

	reader_stop(arg, EOVERFLOW);
}


static int xml_error(const struct reader *rd)
{
	if (rd->err)
		return rd->err;

	return XML_GetErrorCode(rd->xml) == XML_ERROR_NO_MEMORY ? ENOMEM
		: EBADMSG;
}


/* Read all as if more could come. What is well formed so far, but cannot end
   here, is a beginning: an open root, or an unfinished comment behind it. */
static int reader_run(struct reader *rd, const char *p, size_t len)
{
	if (XML_Parse(rd->xml, p, (int)len, XML_FALSE) != XML_STATUS_OK)
		return xml_error(rd);

	if (XML_Parse(rd->xml, p, 0, XML_TRUE) != XML_STATUS_OK) {
		const int err = xml_error(rd);

		return err == EBADMSG ? ENODATA : err;
	}

	return str_isset(rd->doc->message_id) ? 0 : EBADMSG;
}


static int reader_init(struct reader *rd)
{
	memset(rd, 0, sizeof(*rd));

	rd->doc = mem_zalloc(sizeof(*rd->doc), destructor);
	rd->xml = XML_ParserCreateNS(NULL, NS_SEP);
	if (!rd->doc || !rd->xml)
		return ENOMEM;

	XML_SetUserData(rd->xml, rd);
	XML_SetElementHandler(rd->xml, start_handler, end_handler);
	XML_SetCharacterDataHandler(rd->xml, text_handler);
	XML_SetStartDoctypeDeclHandler(rd->xml, doctype_handler);

	return 0;
}


int imdn_decode(struct imdn_doc **docp, const uint8_t *buf, size_t len)
{
	const char *p = (const char *)buf;
	struct reader rd;
	int err;

	if (!docp || !buf)
		return EINVAL;

	if (len > IMDN_DOC_MAX)
		return EOVERFLOW;

	/* XML has its declaration at the very start; MSRP bodies of real
	   clients have empty lines there */
	while (len && strchr(" \t\r\n", *p) && *p) {
		++p;
		--len;
	}

	err = reader_init(&rd);
	if (!err)
		err = reader_run(&rd, p, len);

	if (rd.xml)
		XML_ParserFree(rd.xml);

	if (err)
		mem_deref(rd.doc);
	else
		*docp = rd.doc;

	return err;
}
