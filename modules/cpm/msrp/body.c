/**
 * @file body.c  The body of an MSRP message, up to its end-line (RFC 4975, 9)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  /* memmem() */
#endif
#include "msrp.h"


enum {
	MARK_MAX = 2 + 7 + MSRP_TID_MAX,  /* CRLF "-------" transact-id     */
};


/*
 * What stands behind a mark: continuation-flag CRLF
 *
 * @return 0 if it is an end-line; ENODATA; EBADMSG if it is body
 */
static int tail_decode(enum msrp_flag *flag, const char *p, size_t len)
{
	if (!len)
		return ENODATA;
	if (*p != '$' && *p != '+' && *p != '#')
		return EBADMSG;
	if (len < 3)
		return memcmp(p + 1, "\r\n", len - 1) ? EBADMSG : ENODATA;
	if (memcmp(p + 1, "\r\n", 2))
		return EBADMSG;

	*flag = (enum msrp_flag)*p;

	return 0;
}


/* Octets at the end of buf that may be the beginning of mark */
static size_t partial_len(const char *buf, size_t len, const char *mark,
			  size_t n)
{
	const char *end = buf + len;
	const char *p = len >= n ? end - (n - 1) : buf;

	while (p < end) {
		p = memchr(p, '\r', (size_t)(end - p));
		if (!p)
			break;
		if (!memcmp(p, mark, (size_t)(end - p)))
			return (size_t)(end - p);
		++p;
	}

	return 0;
}


/*
 * Find the first end-line.
 *
 * @param offp  Octets before it, or before what may become one
 * @param lenp  Octets of it
 *
 * @return 0; ENODATA
 */
static int endline_find(enum msrp_flag *flag, size_t *offp, size_t *lenp,
			const char *buf, size_t len, const char *mark,
			size_t n)
{
	const char *p = buf, *end = buf + len;
	int err;

	for (;;) {
		p = memmem(p, (size_t)(end - p), mark, n);
		if (!p) {
			*offp = len - partial_len(buf, len, mark, n);
			return ENODATA;
		}

		err = tail_decode(flag, p + n, (size_t)(end - p) - n);
		if (err != EBADMSG) {
			*offp = (size_t)(p - buf);
			*lenp = n + 3;
			return err;
		}

		p += n;
	}
}


/* The blank line behind the headers also serves as the CRLF of an end-line
   that follows at once: some stacks write an empty body so */
static int empty_decode(struct msrp_body *body, size_t *lenp,
			const char *buf, size_t len, const char *mark,
			size_t n)
{
	int err;

	mark += 2;
	n    -= 2;
	if (memcmp(buf, mark, min(len, n)))
		return EBADMSG;
	if (len < n)
		return ENODATA;

	err = tail_decode(&body->flag, buf + n, len - n);
	*lenp = n + 3;

	return err;
}


int msrp_body_decode(struct msrp_body *body, struct mbuf *mb,
		     struct pl *data)
{
	const size_t tlen = body ? str_len(body->tid) : 0;
	const size_t n = 2 + 7 + tlen;
	size_t len, off = 0, skip = 0;
	char mark[MARK_MAX + 1];
	const char *buf;
	int err = EBADMSG;

	if (!body || !mb || !data || !tlen || tlen > MSRP_TID_MAX)
		return EINVAL;

	memcpy(mark, "\r\n-------", 9);
	memcpy(mark + 9, body->tid, tlen);

	data->p = buf = (const char *)mbuf_buf(mb);
	data->l = 0;
	len = mbuf_get_left(mb);
	if (!len)
		return ENODATA;

	if (!body->crlf)
		err = empty_decode(body, &skip, buf, len, mark, n);
	if (err == EBADMSG) {
		body->crlf = true;
		err = endline_find(&body->flag, &off, &skip, buf, len, mark,
				   n);
	}

	data->l = off;
	mb->pos += off + (err ? 0 : skip);

	return err;
}
