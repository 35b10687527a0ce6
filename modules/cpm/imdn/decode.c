/**
 * @file imdn/decode.c  IMDN: reading a document
 *
 * RFC 5438, 7 and 11.1. The XML itself: cpm_xml.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_imdn.h>
#include <cpm_xml.h>
#include "imdn.h"


#define IMDN_NS "urn:ietf:params:xml:ns:imdn"

enum {
	/* depths at which something of ours stands */
	DEPTH_ROOT   = 1,
	DEPTH_FIELD  = 2,
	DEPTH_STATUS = 3,
	DEPTH_VALUE  = 4,
};

struct reader {
	struct imdn_doc *doc;
	enum imdn_kind kind;      /**< notification that is open           */
	char **field;             /**< where the open element's text goes  */
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


/* A field or a notification; of two alike the first counts */
static enum xml_take field_open(struct reader *rd, const char *name)
{
	char **field = field_find(rd->doc, name);

	if (field) {
		if (*field)
			return XML_TAKE_SKIP;
		rd->field = field;
		return XML_TAKE_TEXT;
	}

	rd->kind = imdn_kind_find(name);
	if (!rd->kind || rd->doc->kind)
		return XML_TAKE_SKIP;

	rd->doc->kind = rd->kind;

	return XML_TAKE_ENTER;
}


static void status_open(struct reader *rd, const char *name)
{
	const enum imdn_status status = imdn_status_find(name);

	if (!rd->doc->status && imdn_is_legal(rd->kind, status))
		rd->doc->status = status;
}


static int open_handler(enum xml_take *takep, unsigned depth,
			const char *name, const char *const *attrv, void *arg)
{
	struct reader *rd = arg;
	(void)attrv;

	switch (depth) {

	case DEPTH_ROOT:
		if (strcmp(name, "imdn"))
			return EBADMSG;
		*takep = XML_TAKE_ENTER;
		break;

	case DEPTH_FIELD:
		*takep = field_open(rd, name);
		break;

	case DEPTH_STATUS:
		if (!strcmp(name, "status"))
			*takep = XML_TAKE_ENTER;
		break;

	case DEPTH_VALUE:
		status_open(rd, name);
		break;

	default:
		break;
	}

	return 0;
}


static int close_handler(unsigned depth, const char *text, void *arg)
{
	struct reader *rd = arg;
	(void)depth;

	return text ? str_dup(rd->field, text) : 0;
}


static const struct xml_form imdn_form = {
	.ns        = IMDN_NS,
	.doc_max   = IMDN_DOC_MAX,
	.depth_max = IMDN_DEPTH_MAX,
	.text_max  = IMDN_TEXT_MAX,
	.openh     = open_handler,
	.closeh    = close_handler,
};


int imdn_decode(struct imdn_doc **docp, const uint8_t *buf, size_t len)
{
	struct reader rd = {NULL, IMDN_NONE, NULL};
	int err;

	if (!docp || !buf)
		return EINVAL;

	rd.doc = mem_zalloc(sizeof(*rd.doc), destructor);
	if (!rd.doc)
		return ENOMEM;

	err = xml_read(&imdn_form, buf, len, &rd);
	if (!err && !str_isset(rd.doc->message_id))
		err = EBADMSG;

	if (err)
		mem_deref(rd.doc);
	else
		*docp = rd.doc;

	return err;
}
