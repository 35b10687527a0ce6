/**
 * @file head.c  MSRP start line and headers (RFC 4975, 9)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


/** Offsets of all views in struct msrp_head */
static const size_t viewv[] = {
	offsetof(struct msrp_head, tid),
	offsetof(struct msrp_head, met),
	offsetof(struct msrp_head, reason),
	offsetof(struct msrp_head, to_path),
	offsetof(struct msrp_head, from_path),
	offsetof(struct msrp_head, msgid),
	offsetof(struct msrp_head, ctype),
	offsetof(struct msrp_head, status),
	offsetof(struct msrp_head, all),
};


static struct pl *head_view(struct msrp_head *head, size_t off)
{
	return (struct pl *)(void *)((uint8_t *)head + off);
}


/* What an ident is made of; looked up, for each request and answer has one of
   up to 32 octets */
enum {
	ALPHANUM = 1,
	OTHER    = 2,
};

static const uint8_t identv[256] = {
	['0'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['A'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['a'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['.'] = OTHER, ['-'] = OTHER, ['+'] = OTHER, ['%'] = OTHER,
	['='] = OTHER,
};


static bool is_ctl(uint8_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}


/* Is one of eight octets below 0x20, or 0x7f? A tab is as well. */
static bool word_ctl(const char *p)
{
	const uint64_t ones = 0x0101010101010101ULL, high = ones << 7;
	uint64_t w, del;

	memcpy(&w, p, sizeof(w));
	del = w ^ (ones * 0x7f);

	return 0 != (((w - ones * 0x20) & ~w & high) |
		     ((del - ones) & ~del & high));
}


static bool has_ctl(const struct pl *pl)
{
	bool maybe = pl->l < 8 || word_ctl(pl->p + pl->l - 8);
	size_t i;

	for (i=0; i + 8 < pl->l && !maybe; i+=8)
		maybe = word_ctl(pl->p + i);

	for (i=0; i<pl->l && maybe; i++) {
		if (is_ctl((uint8_t)pl->p[i]))
			return true;
	}

	return false;
}


/*
 * Take one line off buf.
 *
 * @return 0; ENODATA; EBADMSG if it ends in a bare LF
 */
static int line_next(struct pl *line, struct pl *buf)
{
	const char *lf = buf->l ? memchr(buf->p, '\n', buf->l) : NULL;

	if (!lf)
		return ENODATA;

	line->p = buf->p;
	line->l = lf - buf->p;
	pl_advance(buf, line->l + 1);

	if (!line->l || line->p[line->l - 1] != '\r')
		return EBADMSG;

	--line->l;

	return 0;
}


/* Take what stands before the next space off pl */
static void word_next(struct pl *word, struct pl *pl)
{
	const char *sp = pl->l ? memchr(pl->p, ' ', pl->l) : NULL;

	word->p = pl->p;
	word->l = sp ? (size_t)(sp - pl->p) : pl->l;
	pl_advance(pl, word->l + (sp ? 1 : 0));
}


/* ident      = ALPHANUM 3*31ident-char
   ident-char = ALPHANUM / "." / "-" / "+" / "%" / "=" */
static bool is_ident(const struct pl *pl)
{
	size_t i;

	if (pl->l < MSRP_TID_MIN || pl->l > MSRP_TID_MAX ||
	    identv[(uint8_t)pl->p[0]] != ALPHANUM)
		return false;

	for (i=1; i<pl->l; i++) {
		if (!identv[(uint8_t)pl->p[i]])
			return false;
	}

	return true;
}


/* method = 1*UPALPHA */
static bool is_method(const struct pl *pl)
{
	size_t i;

	for (i=0; i<pl->l; i++) {
		if (pl->p[i] < 'A' || pl->p[i] > 'Z')
			return false;
	}

	return pl->l > 0;
}


/* status-code = 3DIGIT */
static bool is_scode(const struct pl *pl)
{
	size_t i;

	for (i=0; i<pl->l; i++) {
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return false;
	}

	return pl->l == 3;
}


/* req-start  = "MSRP" SP transact-id SP method CRLF
   resp-start = "MSRP" SP transact-id SP status-code [SP comment] CRLF */
static int start_decode(struct msrp_head *head, struct pl line)
{
	struct pl word, tid;

	word_next(&word, &line);
	if (!msrp_pl_is(&word, "MSRP"))
		return EBADMSG;

	word_next(&tid, &line);
	if (!is_ident(&tid))
		return EBADMSG;

	word_next(&word, &line);
	if (is_method(&word) && !line.l) {
		head->req = true;
		head->met = word;
	}
	else if (is_scode(&word) && !has_ctl(&line)) {
		head->scode = (uint16_t)pl_u32(&word);
		head->reason = line;
	}
	else {
		return EBADMSG;
	}

	head->tid = tid;

	return 0;
}


/* number = 1*DIGIT, taken off pl */
static int number_next(uint64_t *np, struct pl *pl)
{
	uint64_t n = 0;
	size_t i;

	for (i=0; i<pl->l && pl->p[i] >= '0' && pl->p[i] <= '9'; i++) {
		const uint64_t d = (uint64_t)(pl->p[i] - '0');

		if (n > (UINT64_MAX - d) / 10)
			return EOVERFLOW;

		n = n * 10 + d;
	}
	if (!i)
		return EBADMSG;

	pl_advance(pl, i);
	*np = n;

	return 0;
}


/* number-or-any = 1*DIGIT / "*", taken off pl */
static int number_any(uint64_t *np, bool *setp, struct pl *pl)
{
	if (pl->l && pl->p[0] == '*') {
		pl_advance(pl, 1);
		return 0;
	}

	*setp = true;

	return number_next(np, pl);
}


static int char_next(struct pl *pl, char c)
{
	if (!pl->l || pl->p[0] != c)
		return EBADMSG;

	pl_advance(pl, 1);

	return 0;
}


/* Byte-Range  = range-start "-" range-end "/" total
   range-start = 1*DIGIT
   range-end   = 1*DIGIT / "*"
   total       = 1*DIGIT / "*" */
static int range_decode(struct msrp_range *range, struct pl pl)
{
	struct msrp_range r;
	int err;

	memset(&r, 0, sizeof(r));

	err = number_next(&r.start, &pl);
	if (err)
		return err;
	err = char_next(&pl, '-');
	if (err)
		return err;
	err = number_any(&r.end, &r.end_set, &pl);
	if (err)
		return err;
	err = char_next(&pl, '/');
	if (err)
		return err;
	err = number_any(&r.total, &r.total_set, &pl);
	if (err)
		return err;
	if (pl.l)
		return EBADMSG;

	*range = r;

	return 0;
}


/* Failure-Report = "yes" / "no" / "partial" */
static int freport_decode(struct msrp_head *head, const struct pl *val)
{
	if (!pl_strcasecmp(val, "yes"))
		head->failure_report = MSRP_FREPORT_YES;
	else if (!pl_strcasecmp(val, "no"))
		head->failure_report = MSRP_FREPORT_NO;
	else if (!pl_strcasecmp(val, "partial"))
		head->failure_report = MSRP_FREPORT_PARTIAL;
	else
		return EBADMSG;

	return 0;
}


/* Success-Report = "yes" / "no" */
static int sreport_decode(struct msrp_head *head, const struct pl *val)
{
	if (!pl_strcasecmp(val, "yes"))
		head->success_report = true;
	else if (pl_strcasecmp(val, "no"))
		return EBADMSG;

	return 0;
}


/* RFC 4975 says ident; longer and shorter ones are in use */
static int msgid_decode(struct msrp_head *head, const struct pl *val)
{
	if (!val->l || memchr(val->p, ' ', val->l) ||
	    memchr(val->p, '\t', val->l))
		return EBADMSG;

	if (val->l > MSRP_MSGID_MAX)
		return EOVERFLOW;

	if (pl_isset(&head->msgid))
		return EBADMSG;

	head->msgid = *val;

	return 0;
}


static int view_set(struct pl *pl, const struct pl *val)
{
	if (!val->l || pl_isset(pl))
		return EBADMSG;

	*pl = *val;

	return 0;
}


/* Most write it as it is here; else it is compared without case */
static inline bool name_is(const struct pl *name, const char *str)
{
	if (name->l != strlen(str))
		return false;

	return !memcmp(name->p, str, name->l) ||
		((*name->p | 0x20) == (*str | 0x20) &&
		 !pl_strcasecmp(name, str));
}


static int header_apply(struct msrp_head *head, const struct pl *name,
			const struct pl *val)
{
	if (name_is(name, "To-Path"))
		return view_set(&head->to_path, val);

	if (name_is(name, "From-Path"))
		return view_set(&head->from_path, val);

	if (name_is(name, "Message-ID"))
		return msgid_decode(head, val);

	if (name_is(name, "Content-Type"))
		return view_set(&head->ctype, val);

	if (name_is(name, "Status"))
		return view_set(&head->status, val);

	if (name_is(name, "Failure-Report"))
		return freport_decode(head, val);

	if (name_is(name, "Success-Report"))
		return sreport_decode(head, val);

	if (name_is(name, "Byte-Range")) {
		if (head->range_set || head->range_bad)
			return EBADMSG;

		/* what it is worth depends on the request: see chunk.c */
		head->range_bad = 0 != range_decode(&head->range, *val);
		head->range_set = !head->range_bad;
		return 0;
	}

	/* not ours; but is it a token? */
	return memchr(name->p, ' ', name->l) || memchr(name->p, '\t', name->l)
		? EBADMSG : 0;
}


/* header = token ":" [SP] value CRLF. The space is missing in some stacks. */
static int header_decode(struct msrp_head *head, const struct pl *line)
{
	const char *colon = line->l ? memchr(line->p, ':', line->l) : NULL;
	struct pl name, val;

	if (!colon || colon == line->p || has_ctl(line))
		return EBADMSG;

	name.p = line->p;
	name.l = (size_t)(colon - line->p);
	val.p = colon + 1;
	val.l = line->l - name.l - 1;
	while (val.l && (*val.p == ' ' || *val.p == '\t'))
		pl_advance(&val, 1);
	while (val.l && (val.p[val.l-1] == ' ' || val.p[val.l-1] == '\t'))
		--val.l;

	return header_apply(head, &name, &val);
}


/* end-line = "-------" transact-id continuation-flag CRLF */
static bool endline_decode(struct msrp_head *head, const struct pl *line)
{
	const size_t n = 7 + head->tid.l;
	char flag;

	if (line->l != n + 1 || memcmp(line->p, "-------", 7) ||
	    memcmp(line->p + 7, head->tid.p, head->tid.l))
		return false;

	flag = line->p[n];
	if (flag != '$' && flag != '+' && flag != '#')
		return false;

	head->flag = (enum msrp_flag)flag;

	return true;
}


/* What cannot become a start line is refused before its end has come */
static int start_check(const struct pl *buf)
{
	const size_t n = min(buf->l, (size_t)5);

	return memcmp(buf->p, "MSRP ", n) ? EBADMSG : ENODATA;
}


/* headers = 1*( header CRLF ), to the blank line or the end-line. A wrong
   one is noted and passed over, so that the request can be answered. */
static int headers_decode(struct msrp_head *head, struct pl *buf, int *badp)
{
	struct pl line;
	size_t n = 0;
	int err;

	for (;;) {
		err = line_next(&line, buf);
		if (err == ENODATA)
			return err;

		if (!err && !line.l) {
			head->body = true;
			return 0;
		}

		if (!err && endline_decode(head, &line))
			return 0;

		if (!err)
			err = ++n > MSRP_HDR_MAX ? EOVERFLOW
				: header_decode(head, &line);
		if (err && !*badp)
			*badp = err;
	}
}


int msrp_head_read(struct msrp_head *head, struct mbuf *mb, int *badp)
{
	const size_t left = mbuf_get_left(mb);
	struct pl buf, line;
	int err;

	memset(head, 0, sizeof(*head));
	*badp = 0;
	if (!left)
		return ENODATA;

	buf.p = (const char *)mbuf_buf(mb);
	buf.l = min(left, (size_t)MSRP_HEAD_MAX);

	err = line_next(&line, &buf);
	if (err == ENODATA)
		err = start_check(&buf);
	else if (!err)
		err = start_decode(head, line);
	if (!err)
		err = headers_decode(head, &buf, badp);
	if (err == ENODATA && left >= MSRP_HEAD_MAX)
		err = EOVERFLOW;
	if (err)
		return err;

	if (!*badp && (!pl_isset(&head->to_path) ||
		       !pl_isset(&head->from_path)))
		*badp = EBADMSG;

	head->all.p = (const char *)mbuf_buf(mb);
	mb->pos = (size_t)((const uint8_t *)buf.p - mb->buf);
	head->all.l = (size_t)(buf.p - head->all.p);

	return 0;
}


int msrp_head_decode(struct msrp_head *head, struct mbuf *mb)
{
	size_t pos;
	int err, bad;

	if (!head || !mb)
		return EINVAL;

	pos = mb->pos;
	err = msrp_head_read(head, mb, &bad);
	if (!err && bad) {
		mb->pos = pos;
		err = bad;
	}

	return err;
}


int msrp_head_own(struct msrp_head *head, struct mbuf **mbp,
		  const uint8_t *p, size_t len)
{
	const char *from = (const char *)p;
	struct mbuf *own;
	size_t i;

	own = mbuf_alloc(len);
	if (!own)
		return ENOMEM;

	memcpy(own->buf, p, len);
	own->end = len;

	for (i=0; i<sizeof(viewv)/sizeof(viewv[0]); i++) {
		struct pl *pl = head_view(head, viewv[i]);

		if (pl->p)
			pl->p = (char *)own->buf + (pl->p - from);
	}

	*mbp = own;

	return 0;
}
