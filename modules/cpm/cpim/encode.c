/**
 * @file cpim/encode.c  CPIM: writing a message
 *
 * RFC 3862, 2 and 3; RFC 5438, 6 for the imdn. headers. Strict: every value
 * is looked at before the first octet is written.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include "cpim.h"


/* In the order in which they are written */
static const struct {
	enum cpim_notify bit;
	const char *name;
} notifyv[] = {
	{CPIM_POSITIVE_DELIVERY, "positive-delivery"},
	{CPIM_NEGATIVE_DELIVERY, "negative-delivery"},
	{CPIM_PROCESSING,        "processing"},
	{CPIM_DISPLAY,           "display"},
};

enum {
	NOTIFY_OURS = CPIM_POSITIVE_DELIVERY | CPIM_NEGATIVE_DELIVERY |
		      CPIM_PROCESSING | CPIM_DISPLAY,
};


/* At least one character, none of control or of refuse */
static bool is_value(const char *str, const char *refuse)
{
	size_t i;

	for (i=0; str[i]; i++) {
		if (cpim_is_ctl(str[i]) || strchr(refuse, str[i]))
			return false;
	}

	return i > 0;
}


static bool is_uri(const char *str)
{
	return str && is_value(str, " <>\"\\") && strchr(str, ':');
}


static bool is_out(const struct cpim_out *out)
{
	size_t i;

	if (!is_uri(out->from) || !is_uri(out->to) ||
	    !out->ctype || !is_value(out->ctype, ""))
		return false;

	if ((out->imdn_msgid && !is_value(out->imdn_msgid, " <>\"\\")) ||
	    (out->cdisp && !is_value(out->cdisp, "")))
		return false;

	if (out->notify & ~(unsigned)NOTIFY_OURS)
		return false;

	if ((!out->routev && out->routec) || (!out->body && out->len))
		return false;

	for (i=0; i<out->routec; i++) {
		if (!is_uri(out->routev[i]))
			return false;
	}

	return true;
}


static int notify_encode(struct mbuf *mb, unsigned notify)
{
	const char *sep = "";
	size_t i;
	int err;

	if (!notify)
		return 0;

	err = mbuf_write_str(mb, "imdn.Disposition-Notification: ");
	for (i=0; !err && i<sizeof(notifyv)/sizeof(notifyv[0]); i++) {

		if (!(notify & notifyv[i].bit))
			continue;

		err = mbuf_printf(mb, "%s%s", sep, notifyv[i].name);
		sep = ", ";
	}

	return err ? err : mbuf_write_str(mb, "\r\n");
}


/* RFC 5438, 6: Message-ID, Disposition-Notification, IMDN-Route */
static int imdn_encode_headers(struct mbuf *mb, const struct cpim_out *out)
{
	size_t i;
	int err = 0;

	if (!out->imdn_msgid && !out->notify && !out->routec)
		return 0;

	err = mbuf_write_str(mb, "NS: imdn <urn:ietf:params:imdn>\r\n");
	if (!err && out->imdn_msgid)
		err = mbuf_printf(mb, "imdn.Message-ID: %s\r\n",
				  out->imdn_msgid);
	if (!err)
		err = notify_encode(mb, out->notify);

	for (i=0; !err && i<out->routec; i++)
		err = mbuf_printf(mb, "imdn.IMDN-Route: <%s>\r\n",
				  out->routev[i]);

	return err;
}


static int message_encode(struct mbuf *mb, const struct cpim_out *out)
{
	int err;

	err = mbuf_printf(mb, "From: <%s>\r\nTo: <%s>\r\n",
			  out->from, out->to);
	if (!err && out->time)
		err = mbuf_printf(mb, "DateTime: %H\r\n", cpim_time_print,
				  &out->time);
	if (!err)
		err = imdn_encode_headers(mb, out);

	return err ? err : mbuf_write_str(mb, "\r\n");
}


static int content_encode(struct mbuf *mb, const struct cpim_out *out)
{
	int err;

	err = mbuf_printf(mb, "Content-Type: %s\r\n", out->ctype);
	if (!err && out->cdisp)
		err = mbuf_printf(mb, "Content-Disposition: %s\r\n",
				  out->cdisp);
	if (!err)
		err = mbuf_printf(mb, "Content-Length: %llu\r\n\r\n",
				  (unsigned long long)out->len +
				  out->follows);
	if (!err && out->len)
		err = mbuf_write_mem(mb, out->body, out->len);

	return err;
}


int cpim_encode(struct mbuf *mb, const struct cpim_out *out)
{
	size_t pos, end;
	int err;

	if (!mb || !out || !is_out(out))
		return EINVAL;

	pos = mb->pos;
	end = mb->end;

	err = message_encode(mb, out);
	if (!err)
		err = content_encode(mb, out);

	if (err) {
		mb->pos = pos;
		mb->end = end;
	}

	return err;
}
