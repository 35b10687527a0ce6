/**
 * @file mime/multipart.c  MIME: the parts of a multipart body
 *
 * RFC 2046, 5.1.1.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_mime.h>
#include "mime.h"


/** A line that stands between parts */
struct delim {
	size_t at;        /* where it begins                                */
	size_t next;      /* behind it                                      */
	bool last;        /* it ends the body                               */
};


/* boundary := 0*69<bchars> bcharsnospace; quoted or not */
static bool boundary_get(char *buf, size_t *lenp, const struct pl *ctype)
{
	struct pl raw;
	size_t n;

	/* each octet may be escaped, and there are the quotes */
	if (!mime_param_find(&raw, ctype, "boundary") ||
	    raw.l > 2 * MIME_BOUNDARY_MAX + 2)
		return false;

	n = mime_unquote(buf, &raw);
	while (n && buf[n - 1] == ' ')
		--n;
	*lenp = n;

	return n && n <= MIME_BOUNDARY_MAX && !memchr(buf, '\r', n) &&
		!memchr(buf, '\n', n) && !memchr(buf, '\0', n);
}


/* dash-boundary [ "--" ] transport-padding CRLF, at the start of a line. The
   RFC lets a longer line pass for one; then a boundary that is the beginning
   of a nested one would cut that one's parts. */
static bool delim_at(struct delim *d, const struct pl *body, size_t pos,
		     const struct pl *bnd)
{
	const char *p = body->p;
	size_t i = pos;

	if (body->l - pos < 2 + bnd->l || p[i] != '-' || p[i + 1] != '-' ||
	    memcmp(p + i + 2, bnd->p, bnd->l))
		return false;

	i += 2 + bnd->l;
	d->last = body->l - i >= 2 && p[i] == '-' && p[i + 1] == '-';
	if (d->last)
		i += 2;
	while (i < body->l && (p[i] == ' ' || p[i] == '\t'))
		++i;
	if (i + 1 < body->l && p[i] == '\r' && p[i + 1] == '\n')
		++i;
	if (i < body->l && p[i] != '\n')
		return false;

	d->at   = pos;
	d->next = i < body->l ? i + 1 : i;

	return true;
}


/* @param pos Start of a line */
static bool delim_find(struct delim *d, const struct pl *body, size_t pos,
		       const struct pl *bnd)
{
	while (pos < body->l) {

		const char *lf;

		if (delim_at(d, body, pos, bnd))
			return true;

		lf = memchr(body->p + pos, '\n', body->l - pos);
		if (!lf)
			return false;
		pos = (size_t)(lf + 1 - body->p);
	}

	return false;
}


/* The line break in front of a delimiter belongs to it */
static size_t part_end(const struct pl *body, size_t from, size_t at)
{
	if (at > from && body->p[at - 1] == '\n')
		--at;
	if (at > from && body->p[at - 1] == '\r')
		--at;

	return at;
}


static void header_set(struct mime_part *part, const struct pl *name,
		       const struct pl *val)
{
	struct pl *dst;

	if (!pl_strcasecmp(name, "Content-Type"))
		dst = &part->ctype;
	else if (!pl_strcasecmp(name, "Content-Transfer-Encoding"))
		dst = &part->cte;
	else if (!pl_strcasecmp(name, "Content-Disposition"))
		dst = &part->disp;
	else if (!pl_strcasecmp(name, "Content-ID"))
		dst = &part->cid;
	else
		return;

	/* of two alike the first counts */
	if (!pl_isset(dst))
		*dst = *val;
}


/* Take a line off, without its end. @return false if there is none */
static bool line_take(struct pl *line, struct pl *rest)
{
	const char *lf = rest->l ? memchr(rest->p, '\n', rest->l) : NULL;

	if (!rest->l)
		return false;

	line->p = rest->p;
	line->l = lf ? (size_t)(lf - rest->p) : rest->l;
	pl_advance(rest, (ssize_t)(lf ? line->l + 1 : line->l));
	if (line->l && line->p[line->l - 1] == '\r')
		--line->l;

	return true;
}


/* One header with the lines that continue it */
static int header_read(struct mime_part *part, struct pl line,
		       struct pl *rest)
{
	struct pl name, val;
	const char *colon;

	while (rest->l && (rest->p[0] == ' ' || rest->p[0] == '\t')) {

		struct pl more;

		(void)line_take(&more, rest);
		line.l = (size_t)(more.p + more.l - line.p);
	}

	colon = memchr(line.p, ':', line.l);
	if (!colon || mime_is_space(line.p[0]))
		return EBADMSG;

	name.p = line.p;
	name.l = (size_t)(colon - line.p);
	val.p  = colon + 1;
	val.l  = line.l - name.l - 1;
	mime_trim(&name);
	mime_trim(&val);
	if (!name.l)
		return EBADMSG;

	header_set(part, &name, &val);

	return 0;
}


/*
 * body-part := MIME-part-headers [CRLF *OCTET]
 *
 * @param whole A delimiter follows; else its head must be complete
 */
static int part_decode(struct mime_part *part, struct pl rest, bool whole)
{
	struct pl line;
	int err;

	memset(part, 0, sizeof(*part));
	while (line_take(&line, &rest)) {

		if (!line.l) {
			part->body = rest;
			return 0;
		}

		err = header_read(part, line, &rest);
		if (err)
			return err;
	}

	part->body = rest;

	return whole ? 0 : EBADMSG;
}


static int parts_read(const struct pl *body, const struct pl *bnd,
		      mime_part_h *h, void *arg)
{
	struct delim d = {0, 0, false};
	unsigned n = 0;

	if (!delim_find(&d, body, 0, bnd))
		return EBADMSG;

	while (!d.last && d.next < body->l) {

		const size_t from = d.next;
		const bool whole = delim_find(&d, body, from, bnd);
		const size_t to = whole ? part_end(body, from, d.at)
			: body->l;
		const struct pl view = {body->p + from, to - from};
		struct mime_part part;
		int err;

		if (n++ >= MIME_PARTS_MAX)
			return EOVERFLOW;

		err = part_decode(&part, view, whole);
		if (err)
			return err;
		if (h(&part, arg) || !whole)
			return 0;
	}

	return n ? 0 : EBADMSG;
}


int mime_multipart(const struct pl *ctype, const struct pl *body,
		   mime_part_h *h, void *arg)
{
	char buf[2 * MIME_BOUNDARY_MAX + 2];
	struct pl bnd = {buf, 0};

	if (!ctype || !body || !h)
		return EINVAL;

	if (!pl_isset(ctype) || !boundary_get(buf, &bnd.l, ctype))
		return EBADMSG;

	return pl_isset(body) ? parts_read(body, &bnd, h, arg) : EBADMSG;
}
