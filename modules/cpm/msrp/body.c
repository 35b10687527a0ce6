/**
 * @file body.c  The body of an MSRP message, up to its end-line (RFC 4975, 9)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


enum {
	DASHES  = 7,
	LEAD    = 2 + DASHES,                /* CRLF and the dashes         */
	LINEMAX = LEAD + MSRP_TID_MAX + 3,   /* with flag CRLF              */
};

static const char lead[] = "\r\n-------";


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


/*
 * What begins at p, which has a CRLF and a dash: an end-line?
 *
 * @return 0; ENODATA if more octets have to tell; EBADMSG if it is body
 */
static int endline_decode(enum msrp_flag *flag, const char *p, size_t len,
			  const char *tid, size_t tlen)
{
	size_t n = min(len, (size_t)LEAD);

	if (memcmp(p, lead, n))
		return EBADMSG;
	if (len <= LEAD)
		return ENODATA;

	p   += LEAD;
	len -= LEAD;
	n = min(len, tlen);
	if (memcmp(p, tid, n))
		return EBADMSG;

	return len <= tlen ? ENODATA : tail_decode(flag, p + n, len - n);
}


/* Octets at the end of buf, less than all dashes, that may begin an
   end-line */
static size_t partial_len(const char *buf, size_t len)
{
	size_t n;

	for (n = min(len, (size_t)LEAD - 1); n; n--) {
		if (!memcmp(buf + len - n, lead, n))
			return n;
	}

	return 0;
}


/*
 * The next dash among every seventh octet from i on; len or more: there is
 * none. A row of seven cannot hide between those. What else is in a body does
 * not matter: lines, or a transaction id chosen to look like it.
 */
static size_t dash_next(const char *buf, size_t i, size_t len)
{
	while (i + 3 * DASHES < len && buf[i] != '-' &&
	       buf[i + DASHES] != '-' && buf[i + 2 * DASHES] != '-' &&
	       buf[i + 3 * DASHES] != '-')
		i += 4 * DASHES;

	while (i < len && buf[i] != '-')
		i += DASHES;

	return i;
}


/*
 * Find the first end-line
 *
 * @param offp  Octets before it, or before what may become one
 *
 * @return 0; ENODATA
 */
static int endline_find(enum msrp_flag *flag, size_t *offp, const char *buf,
			size_t len, const char *tid, size_t tlen)
{
	size_t i = LEAD - 1, k;
	int err;

	for (; (i = dash_next(buf, i, len)) < len; i += DASHES) {
		/* where the row begins: more than seven are none */
		for (k = i; k > i - (DASHES - 1) && buf[k-1] == '-'; k--)
			;
		if (buf[k-1] != '\n')
			continue;

		k -= 2;
		err = endline_decode(flag, buf + k, len - k, tid, tlen);
		if (err != EBADMSG) {
			*offp = k;
			return err;
		}
	}

	*offp = len - partial_len(buf, len);

	return ENODATA;
}


/* The blank line behind the headers also serves as the CRLF of an end-line
   that follows at once: some stacks write an empty body so */
static int empty_decode(struct msrp_body *body, const char *buf, size_t len,
			size_t tlen)
{
	char line[LINEMAX];
	const size_t n = min(len, (size_t)LINEMAX - 2);

	memcpy(line, lead, 2);
	memcpy(line + 2, buf, n);

	return endline_decode(&body->flag, line, n + 2, body->tid, tlen);
}


int msrp_body_decode(struct msrp_body *body, struct mbuf *mb,
		     struct pl *data)
{
	const size_t tlen = body ? str_len(body->tid) : 0;
	size_t len, off = 0, skip = DASHES + tlen + 3;
	const char *buf;
	int err = EBADMSG;

	if (!body || !mb || !data || !tlen || tlen > MSRP_TID_MAX)
		return EINVAL;

	data->p = buf = (const char *)mbuf_buf(mb);
	data->l = 0;
	len = mbuf_get_left(mb);
	if (!len)
		return ENODATA;

	if (!body->crlf)
		err = empty_decode(body, buf, len, tlen);
	if (err == EBADMSG) {
		body->crlf = true;
		skip += 2;
		err = endline_find(&body->flag, &off, buf, len, body->tid,
				   tlen);
	}

	data->l = off;
	mb->pos += off + (err ? 0 : skip);

	return err;
}
