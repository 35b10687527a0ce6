/**
 * @file body.c  CPIM: the transfer encoding of a body
 *
 * RFC 2045, 6.7 and 6.8.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include "cpim.h"


static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9') || c == '+' || c == '/';
}


/* The characters that count, padded to whole groups: libre's decoder takes
   neither line breaks nor a missing padding, and refuses nothing */
static int base64_compact(struct mbuf *mb, const uint8_t *buf, size_t len)
{
	size_t i, pad = 0, n = 0;

	for (i=0; i<len; i++) {

		const char c = (char)buf[i];

		if (cpim_is_space(c) || c == '\r' || c == '\n')
			continue;

		if (c == '=')
			++pad;
		else if (!is_base64(c) || pad)
			return EBADMSG;
		else
			mb->buf[n++] = (uint8_t)c;
	}

	if (n % 4 == 1 || pad > 2 || (pad && (n + pad) % 4))
		return EBADMSG;

	while (n % 4)
		mb->buf[n++] = '=';
	mb->end = n;

	return 0;
}


static int base64_body(struct mbuf *out, const uint8_t *buf, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len + 3);
	size_t n = out->size;
	int err;

	if (!mb)
		return ENOMEM;

	err = base64_compact(mb, buf, len);
	if (err)
		goto out;

	err = base64_decode((const char *)mb->buf, mb->end, out->buf, &n);
	if (err)
		goto out;

	out->end = n;

 out:
	mem_deref(mb);
	return err;
}


static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
		(c >= 'A' && c <= 'F');
}


/* Octets of white space and the line end behind it; 0 if the line goes on */
static size_t line_end(const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < len && cpim_is_space((char)p[n]))
		++n;

	if (n < len && p[n] == '\r')
		++n;
	if (n < len && p[n] == '\n')
		return n + 1;

	return (n == len) ? n : 0;
}


/* White space that a relay put at the end of a line is no content */
static size_t blanks_read(struct mbuf *out, const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < len && cpim_is_space((char)p[n]))
		++n;

	if (!line_end(p, len)) {
		memcpy(out->buf + out->end, p, n);
		out->end += n;
	}

	return n;
}


/* The output is never longer than the input. What is no escape stands for
   itself, as RFC 2045, 6.7 suggests for robust decoders. */
static void qp_body(struct mbuf *out, const uint8_t *buf, size_t len)
{
	size_t i = 0, n;

	while (i < len) {

		const uint8_t *p = buf + i;
		const size_t left = len - i;

		if (cpim_is_space((char)*p)) {
			i += blanks_read(out, p, left);
		}
		else if (*p != '=') {
			out->buf[out->end++] = *p;
			++i;
		}
		else if (left > 2 && is_hex(p[1]) && is_hex(p[2])) {
			out->buf[out->end++] = (uint8_t)
				(ch_hex((char)p[1]) << 4 | ch_hex((char)p[2]));
			i += 3;
		}
		else if (left == 1 || (n = line_end(p + 1, left - 1)) == 0) {
			if (left > 1)
				out->buf[out->end++] = *p;
			++i;
		}
		else {
			i += 1 + n;
		}
	}
}


int cpim_body_decode(struct mbuf **mbp, const struct pl *cte,
		     const uint8_t *buf, size_t len)
{
	struct pl enc = PL("8bit");
	struct mbuf *mb;
	int err = 0;

	if (!mbp || (!buf && len))
		return EINVAL;

	if (pl_isset(cte)) {
		enc = *cte;
		cpim_trim(&enc);
	}

	mb = mbuf_alloc(len + 3);
	if (!mb)
		return ENOMEM;

	if (!pl_strcasecmp(&enc, "base64")) {
		err = base64_body(mb, buf, len);
	}
	else if (!pl_strcasecmp(&enc, "quoted-printable")) {
		qp_body(mb, buf, len);
	}
	else if (!enc.l || !pl_strcasecmp(&enc, "7bit") ||
		 !pl_strcasecmp(&enc, "8bit") ||
		 !pl_strcasecmp(&enc, "binary")) {
		if (len)
			err = mbuf_write_mem(mb, buf, len);
		mb->pos = 0;
	}
	else {
		err = ENOTSUP;
	}

	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}
