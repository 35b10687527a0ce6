/**
 * @file frame.c  MSRP framing (RFC 4975, 9), whole frames only
 *
 * What a client sends on a delivery session is small, so a frame is looked
 * at only when all of it has come.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


enum { STARTLINE_MAX = 256 };


/* The first place of str in src, or NULL */
static const char *find(const struct pl *src, const char *str, size_t n)
{
	const char *p = src->p, *e = src->p + src->l;

	while (p && (size_t)(e - p) >= n) {
		p = memchr(p, *str, (size_t)(e - p) - n + 1);
		if (p && !memcmp(p, str, n))
			return p;
		if (p)
			p++;
	}

	return NULL;
}


static void header_set(struct frame *f, const struct pl *line)
{
	static const char *const name[] = {
		"To-Path", "From-Path", "Message-ID", "Byte-Range",
		"Status", "Content-Type", "Failure-Report", "Use-Path",
		"WWW-Authenticate", "Success-Report",
	};
	struct pl *const field[] = {
		&f->to, &f->from, &f->mid, &f->range, &f->status, &f->ctype,
		&f->freport, &f->use, &f->chall, &f->sreport,
	};
	const char *p = memchr(line->p, ':', line->l);
	struct pl pl = {line->p, p ? (size_t)(p - line->p) : 0};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		if (pl_strcasecmp(&pl, name[i]))
			continue;
		pl.p = p + 1;
		pl.l = line->l - (size_t)(p + 1 - line->p);
		while (pl.l && *pl.p == ' ')
			pl_advance(&pl, 1);
		*field[i] = pl;
		return;
	}
}


/* MSRP SP tid SP (method / status-code [SP comment]) */
static int start_decode(struct frame *f, const struct pl *line)
{
	struct pl code;

	if (re_regex(line->p, line->l, "MSRP [^ ]+ [^ ]+", &f->tid,
		     &f->met) || f->tid.p != line->p + 5)
		return EBADMSG;

	code = f->met;
	if (code.l == 3 && *code.p >= '0' && *code.p <= '9') {
		f->code = pl_u32(&code);
		f->met = pl_null;
	}

	return f->tid.l <= 32 ? 0 : EBADMSG;
}


/* Headers and body lie between the start line and the end-line; src begins
   with the CRLF of the start line */
static int rest_decode(struct frame *f, struct pl src)
{
	for (;;) {
		struct pl line;
		const char *p;

		pl_advance(&src, 2);
		if (!src.l)
			return 0;
		p = find(&src, "\r\n", 2);
		if (p == src.p) {
			pl_advance(&src, 2);
			f->body = src;
			return 0;
		}
		line.p = src.p;
		line.l = p ? (size_t)(p - src.p) : src.l;
		header_set(f, &line);
		if (!p)
			return 0;
		pl_advance(&src, (ssize_t)line.l);
	}
}


/**
 * Decode the beginning of a request whose body is still to come
 *
 * @param f     Views into pl; no body
 * @param pl    What has come
 * @param usedp Octets up to the body
 *
 * @return 0; ENODATA: not all of the head has come; EBADMSG
 */
int frame_head(struct frame *f, const struct pl *pl, size_t *usedp)
{
	const char *p = find(pl, "\r\n", 2), *end;
	struct pl line = {pl->p, p ? (size_t)(p - pl->p) : 0}, src;

	memset(f, 0, sizeof(*f));
	end = find(pl, "\r\n\r\n", 4);
	if (!p || !end)
		return ENODATA;
	if (start_decode(f, &line))
		return EBADMSG;

	*usedp = (size_t)(end + 4 - pl->p);
	src.p = p;
	src.l = *usedp - (size_t)(p - pl->p);
	return rest_decode(f, src);
}


/**
 * Decode one frame
 *
 * @param f     Views into pl
 * @param pl    What has come
 * @param usedp Octets of the frame
 *
 * @return 0; ENODATA: not all of it has come; EBADMSG
 */
int frame_decode(struct frame *f, const struct pl *pl, size_t *usedp)
{
	char end[48];
	struct pl src = *pl, line;
	const char *p;
	int n;

	memset(f, 0, sizeof(*f));

	p = find(&src, "\r\n", 2);
	if (!p)
		return src.l > STARTLINE_MAX ? EBADMSG : ENODATA;

	line.p = src.p;
	line.l = (size_t)(p - src.p);
	if (start_decode(f, &line))
		return EBADMSG;
	pl_advance(&src, (ssize_t)line.l);

	n = re_snprintf(end, sizeof(end), "\r\n-------%r", &f->tid);
	if (n < 0)
		return EBADMSG;

	for (line = src; ; pl_advance(&line, p + 1 - line.p)) {
		p = find(&line, end, (size_t)n);
		if (!p || (size_t)(line.p + line.l - p) < (size_t)n + 3)
			return ENODATA;
		if (strchr("$+#", p[n]) && p[n + 1] == '\r' &&
		    p[n + 2] == '\n')
			break;
	}

	f->flag = p[n];
	*usedp = (size_t)(p + n + 3 - pl->p);
	src.l = (size_t)(p - src.p);
	if (!src.l)
		return EBADMSG;

	return rest_decode(f, src);
}
