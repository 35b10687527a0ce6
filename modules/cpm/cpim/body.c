/**
 * @file body.c  CPIM: the transfer encoding of a body
 *
 * RFC 2045, 6.7 and 6.8. A piece at a time: a large body is never in memory
 * as a whole.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include "cpim.h"


enum {
	GROUPS = 1024,   /* characters of base64 decoded at once: whole
			    groups of four                               */
};


/* Where the octets go */
struct sink {
	uint8_t *buf;
	size_t n;
};


static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9') || c == '+' || c == '/';
}


static int groups_decode(struct sink *out, const char *v, size_t n)
{
	size_t len = 3 * n / 4;
	int err;

	if (!n)
		return 0;

	err = base64_decode(v, n, out->buf + out->n, &len);
	if (!err)
		out->n += len;

	return err;
}


/* What is left over is padded to a whole group: libre's decoder does not take
   a missing padding */
static int base64_end(struct cpim_dec *dec, struct sink *out)
{
	const unsigned n = dec->heldc;

	if (n == 1 || dec->padc > 2 || (dec->padc && (n + dec->padc) % 4))
		return EBADMSG;

	while (dec->heldc % 4)
		dec->heldv[dec->heldc++] = '=';

	return groups_decode(out, (const char *)dec->heldv, dec->heldc);
}


/* The characters that count: libre's decoder takes no line breaks, and
   refuses nothing */
static int base64_block(struct cpim_dec *dec, struct sink *out,
			const uint8_t *in, size_t len)
{
	char v[GROUPS];
	size_t i, n = dec->heldc;
	int err = 0;

	memcpy(v, dec->heldv, n);
	for (i=0; i<len && !err; i++) {

		const char c = (char)in[i];

		if (cpim_is_space(c) || c == '\r' || c == '\n')
			continue;

		if (c == '=')
			dec->padc += dec->padc < 3;
		else if (!is_base64(c) || dec->padc)
			return EBADMSG;
		else
			v[n++] = c;

		if (n == sizeof(v)) {
			err = groups_decode(out, v, n);
			n = 0;
		}
	}

	if (!err)
		err = groups_decode(out, v, n - n % 4);
	dec->heldc = n % 4;
	memcpy(dec->heldv, v + n - n % 4, n % 4);

	return err;
}


static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
		(c >= 'A' && c <= 'F');
}


/* What was held back is content after all */
static void held_flush(struct cpim_dec *dec, struct sink *out)
{
	memcpy(out->buf + out->n, dec->heldv, dec->heldc);
	out->n += dec->heldc;
	dec->heldc = 0;
}


static void held_add(struct cpim_dec *dec, struct sink *out, uint8_t c)
{
	if (dec->heldc == sizeof(dec->heldv))
		held_flush(dec, out);

	dec->heldv[dec->heldc++] = c;
}


/*
 * An octet behind white space or "=": is it the end of a line, to which the
 * white space does not belong (a relay may have put it there), and which a
 * "=" makes none?
 *
 * @return true if the octet is dealt with
 */
static bool held_octet(struct cpim_dec *dec, struct sink *out, uint8_t c)
{
	const uint8_t *v = dec->heldv;
	const uint8_t last = v[dec->heldc - 1];
	const bool soft = v[0] == '=';
	const bool half = soft && dec->heldc == 2 && is_hex(last);

	if (c == '\n' && !half) {
		dec->heldc = 0;
		if (!soft && last == '\r')
			out->buf[out->n++] = '\r';
		if (!soft)
			out->buf[out->n++] = '\n';
		return true;
	}

	if (half && is_hex(c)) {
		out->buf[out->n++] = (uint8_t)(ch_hex((char)last) << 4 |
					       ch_hex((char)c));
		dec->heldc = 0;
		return true;
	}

	if ((last == '=' && is_hex(c)) ||
	    ((last == '=' || cpim_is_space((char)last)) &&
	     (c == '\r' || cpim_is_space((char)c)))) {
		held_add(dec, out, c);
		return true;
	}

	held_flush(dec, out);

	return false;
}


/* What is no escape stands for itself, as RFC 2045, 6.7 suggests for robust
   decoders */
static void qp_block(struct cpim_dec *dec, struct sink *out,
		     const uint8_t *in, size_t len)
{
	size_t i;

	for (i=0; i<len; i++) {

		const uint8_t c = in[i];

		if (dec->heldc && held_octet(dec, out, c))
			continue;

		if (c == '=' || cpim_is_space((char)c))
			held_add(dec, out, c);
		else
			out->buf[out->n++] = c;
	}
}


/* The end of the body is the end of a line */
static void qp_end(struct cpim_dec *dec, struct sink *out)
{
	const uint8_t *v = dec->heldv;

	if (!dec->heldc)
		return;

	if (dec->heldc == 2 && is_hex(v[1]))
		held_flush(dec, out);
	else if (v[0] != '=' && v[dec->heldc - 1] == '\r')
		out->buf[out->n++] = '\r';

	dec->heldc = 0;
}


int cpim_dec_init(struct cpim_dec *dec, const struct pl *cte)
{
	struct pl enc = PL_INIT;

	if (!dec)
		return EINVAL;

	memset(dec, 0, sizeof(*dec));
	if (pl_isset(cte)) {
		enc = *cte;
		cpim_trim(&enc);
	}

	if (!pl_isset(&enc) || !pl_strcasecmp(&enc, "7bit") ||
	    !pl_strcasecmp(&enc, "8bit") || !pl_strcasecmp(&enc, "binary"))
		dec->enc = CPIM_ENC_NONE;
	else if (!pl_strcasecmp(&enc, "base64"))
		dec->enc = CPIM_ENC_BASE64;
	else if (!pl_strcasecmp(&enc, "quoted-printable"))
		dec->enc = CPIM_ENC_QP;
	else
		return ENOTSUP;

	return 0;
}


int cpim_dec_block(struct cpim_dec *dec, uint8_t *out, size_t *outl,
		   const uint8_t *in, size_t len, bool end)
{
	struct sink sink = {out, 0};
	int err = 0;

	if (!dec || !out || !outl || (!in && len))
		return EINVAL;

	switch (dec->enc) {

	case CPIM_ENC_BASE64:
		err = base64_block(dec, &sink, in, len);
		if (!err && end)
			err = base64_end(dec, &sink);
		break;

	case CPIM_ENC_QP:
		qp_block(dec, &sink, in, len);
		if (end)
			qp_end(dec, &sink);
		break;

	default:
		if (len)
			memcpy(out, in, len);
		sink.n = len;
		break;
	}

	*outl = sink.n;

	return err;
}


int cpim_body_decode(struct mbuf **mbp, const struct pl *cte,
		     const uint8_t *buf, size_t len)
{
	struct cpim_dec dec;
	struct mbuf *mb;
	int err;

	if (!mbp || (!buf && len))
		return EINVAL;

	err = cpim_dec_init(&dec, cte);
	if (err)
		return err;

	mb = mbuf_alloc(len + CPIM_DEC_MORE);
	if (!mb)
		return ENOMEM;

	err = cpim_dec_block(&dec, mb->buf, &mb->end, buf, len, true);
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}
