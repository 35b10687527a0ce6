/**
 * @file imdn/encode.c  IMDN: writing a document
 *
 * RFC 5438, 7 and 11.1. A library that writes XML would not be shorter; what
 * matters is that every value is checked and escaped.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_imdn.h>
#include "imdn.h"


static const char *const statusv[] = {
	[IMDN_UNKNOWN]   = "",
	[IMDN_DELIVERED] = "delivered",
	[IMDN_DISPLAYED] = "displayed",
	[IMDN_PROCESSED] = "processed",
	[IMDN_STORED]    = "stored",
	[IMDN_FAILED]    = "failed",
	[IMDN_FORBIDDEN] = "forbidden",
	[IMDN_ERROR]     = "error",
};

static const char *const kindv[] = {
	[IMDN_NONE]       = "",
	[IMDN_DELIVERY]   = "delivery-notification",
	[IMDN_DISPLAY]    = "display-notification",
	[IMDN_PROCESSING] = "processing-notification",
};

#define SET(x) (1u << (x))

/* RFC 5438, 11.1: what each notification may say */
static const unsigned legal[] = {
	[IMDN_NONE]       = 0,
	[IMDN_DELIVERY]   = SET(IMDN_DELIVERED) | SET(IMDN_FAILED) |
			    SET(IMDN_FORBIDDEN) | SET(IMDN_ERROR),
	[IMDN_DISPLAY]    = SET(IMDN_DISPLAYED) |
			    SET(IMDN_FORBIDDEN) | SET(IMDN_ERROR),
	[IMDN_PROCESSING] = SET(IMDN_PROCESSED) | SET(IMDN_STORED) |
			    SET(IMDN_FORBIDDEN) | SET(IMDN_ERROR),
};


const char *imdn_status_name(enum imdn_status status)
{
	if ((unsigned)status > IMDN_ERROR)
		return "";

	return statusv[status];
}


enum imdn_status imdn_status_find(const char *name)
{
	unsigned i;

	for (i=IMDN_DELIVERED; i<=IMDN_ERROR; i++) {
		if (!strcmp(statusv[i], name))
			return (enum imdn_status)i;
	}

	return IMDN_UNKNOWN;
}


enum imdn_kind imdn_kind_find(const char *name)
{
	unsigned i;

	for (i=IMDN_DELIVERY; i<=IMDN_PROCESSING; i++) {
		if (!strcmp(kindv[i], name))
			return (enum imdn_kind)i;
	}

	return IMDN_NONE;
}


bool imdn_is_legal(enum imdn_kind kind, enum imdn_status status)
{
	if ((unsigned)kind > IMDN_PROCESSING ||
	    (unsigned)status > IMDN_ERROR)
		return false;

	return (legal[kind] & SET(status)) != 0;
}


/* RFC 3629, 4. Octets of the character at p, 0 if it is none. A string ends
   with a zero octet, so no octet behind it is read. */
static size_t utf8_len(const uint8_t *p)
{
	const uint8_t c = p[0];
	size_t i, n;

	if (c < 0x80)
		return 1;

	if (c < 0xc2 || c > 0xf4)
		return 0;

	n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	for (i=1; i<n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}

	/* too long, a surrogate, or above U+10FFFF */
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ||
	    (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
		return 0;

	/* XML 1.0, 2.2: U+FFFE and U+FFFF are no characters */
	if (c == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
		return 0;

	return n;
}


static bool is_value(const char *str)
{
	const uint8_t *p = (const uint8_t *)str;
	size_t n;

	while (*p) {

		n = utf8_len(p);
		if (!n || *p < 0x20 || *p == 0x7f)
			return false;
		p += n;
	}

	n = (size_t)(p - (const uint8_t *)str);

	return n > 0 && n <= IMDN_TEXT_MAX;
}


static bool is_out(const struct imdn_out *out)
{
	return out->message_id && is_value(out->message_id) &&
		out->datetime && is_value(out->datetime) &&
		(!out->recipient_uri || is_value(out->recipient_uri)) &&
		(!out->original_recipient_uri ||
		 is_value(out->original_recipient_uri)) &&
		imdn_is_legal(out->kind, out->status);
}


static const char *entity(char c)
{
	switch (c) {

	case '&':  return "&amp;";
	case '<':  return "&lt;";
	case '>':  return "&gt;";
	case '"':  return "&quot;";
	case '\'': return "&apos;";
	default:   return NULL;
	}
}


static int text_print(struct re_printf *pf, const char *str)
{
	const char *start = str;
	int err = 0;

	for (; *str && !err; str++) {

		const char *ent = entity(*str);

		if (!ent)
			continue;

		if (str > start)
			err = pf->vph(start, (size_t)(str - start), pf->arg);
		if (!err)
			err = pf->vph(ent, strlen(ent), pf->arg);
		start = str + 1;
	}

	if (!err && str > start)
		err = pf->vph(start, (size_t)(str - start), pf->arg);

	return err;
}


static int element_encode(struct mbuf *mb, const char *name, const char *text)
{
	if (!text)
		return 0;

	return mbuf_printf(mb, "  <%s>%H</%s>\r\n", name, text_print, text,
			   name);
}


static int doc_encode(struct mbuf *mb, const struct imdn_out *out)
{
	int err;

	err = mbuf_write_str(mb,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">\r\n");
	if (!err)
		err = element_encode(mb, "message-id", out->message_id);
	if (!err)
		err = element_encode(mb, "datetime", out->datetime);
	if (!err)
		err = element_encode(mb, "recipient-uri",
				     out->recipient_uri);
	if (!err)
		err = element_encode(mb, "original-recipient-uri",
				     out->original_recipient_uri);
	if (!err)
		err = mbuf_printf(mb, "  <%s><status><%s/></status></%s>\r\n"
				  "</imdn>\r\n", kindv[out->kind],
				  statusv[out->status], kindv[out->kind]);

	return err;
}


int imdn_encode(struct mbuf *mb, const struct imdn_out *out)
{
	size_t pos, end;
	int err;

	if (!mb || !out || !is_out(out))
		return EINVAL;

	pos = mb->pos;
	end = mb->end;

	err = doc_encode(mb, out);
	if (err) {
		mb->pos = pos;
		mb->end = end;
	}

	return err;
}
