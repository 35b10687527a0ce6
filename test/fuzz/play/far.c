/**
 * @file far.c  The peers of a play: what they write, and whether what comes
 * back is what they are owed
 *
 * Reads and writes MSRP by itself: nothing of the module's codec is trusted.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  /* memmem() */
#endif
#include "play.h"


static const char nobody[] = "msrp://192.0.2.1:7001/nobody;tcp";
static const char tid_fmt[] = "t%07u";
enum { TEXT_MAX = 2048 };


/* What a message has at an offset. No end-line can come of it. */
char octet(uint32_t id, uint64_t off)
{
	return (char)('a' + (off * 7 + off / 251 + id * 3) % 26);
}


static void put(struct play *pl, struct far *far, const void *p, size_t len)
{
	if (!far->fc || pl->written + len > BUDGET)
		return;

	pl->written += len;
	fake_write(far->fc, p, len);
}


static const char *to_of(const struct side *side)
{
	return side ? side->own : nobody;
}


static void from_print(char *str, size_t size, const struct side *side,
		       uint8_t bits)
{
	(void)re_snprintf(str, size, "msrp://peer.example:9999/%s%u;tcp",
			  bits & CB_OTHER ? "q" : "p",
			  side ? side->slot : 0);
}


static void range_print(struct mbuf *mb, const struct chunk *ch)
{
	if (ch->bits & CB_NORANGE)
		return;

	(void)mbuf_printf(mb, "Byte-Range: %llu-",
			  (unsigned long long)ch->start);
	if (ch->end_set)
		(void)mbuf_printf(mb, "%llu", (unsigned long long)ch->end);
	else
		(void)mbuf_write_str(mb, "*");
	if (ch->total_set)
		(void)mbuf_printf(mb, "/%llu\r\n",
				  (unsigned long long)ch->total);
	else
		(void)mbuf_write_str(mb, "/*\r\n");
}


static void req_add(struct far *far, uint32_t num, struct side *side,
		    const struct chunk *ch)
{
	struct req *req;

	/* by powers of two */
	if (!(far->reqc & (far->reqc - 1))) {
		far->reqv = realloc(far->reqv, (2 * far->reqc + 1) *
				    sizeof(*far->reqv));
		CHECK(far->reqv != NULL);
	}

	req = &far->reqv[far->reqc++];
	memset(req, 0, sizeof(*req));
	req->num = num;
	req->side = side;
	req->id = ch->id;
	req->flag = ch->flag;
	req->bits = ch->bits;
}


/* A SEND with a part of a message */
void far_chunk(struct play *pl, struct far *far, struct side *side,
	       const struct chunk *ch)
{
	const uint32_t num = ++pl->nums;
	const uint8_t bits = ch->bits;
	char from[64], tid[16];
	struct mbuf *mb;
	uint64_t i;

	if (!far->fc || far->fc->eof || pl->written + ch->len +
	    TEXT_MAX > BUDGET)
		return;
	if (bits & CB_LOST)
		side = NULL;

	fake_mem_hold(true);
	mb = mbuf_alloc(512 + ch->len);
	(void)re_snprintf(tid, sizeof(tid), tid_fmt, num);
	from_print(from, sizeof(from), side, bits);
	(void)mbuf_printf(mb, "MSRP %s SEND\r\nTo-Path: %s\r\n"
			  "From-Path: %s\r\nMessage-ID: m%u\r\n", tid,
			  to_of(side), from, ch->id);
	range_print(mb, ch);
	if (bits & (CB_FR_NO | CB_FR_PARTIAL))
		(void)mbuf_printf(mb, "Failure-Report: %s\r\n",
				  bits & CB_FR_NO ? "no" : "partial");
	if (bits & CB_SREPORT)
		(void)mbuf_printf(mb, "Success-Report: yes\r\n");
	if (!(bits & (CB_NOTYPE | CB_NOBODY)))
		(void)mbuf_printf(mb, "Content-Type: text/plain\r\n");
	if (!(bits & CB_NOBODY)) {
		(void)mbuf_write_str(mb, "\r\n");
		for (i=0; i<ch->len; i++)
			(void)mbuf_write_u8(mb, (uint8_t)octet(
				ch->id, ch->start - 1 + i));
		(void)mbuf_write_str(mb, "\r\n");
	}
	(void)mbuf_printf(mb, "-------%s%c\r\n", tid, ch->flag);
	put(pl, far, mb->buf, mb->end);
	mem_deref(mb);
	fake_mem_hold(false);
	req_add(far, num, side, ch);
}


/* Any octets; some stand for what cannot be guessed */
void far_raw(struct play *pl, struct far *far, const uint8_t *p, size_t len)
{
	struct side *side;
	char str[64];
	size_t i;

	if (!len || !far->fc)
		return;

	far->raw = true;
	for (side = pl->sidel; side; side = side->next)
		side->dirty = true;

	for (i=0; i<len; i++) {
		const uint8_t c = p[i];

		if (c >= 1 && c <= SIDES && pl->sidev[c - 1]) {
			const char *path = pl->sidev[c - 1]->own;

			put(pl, far, path, strlen(path));
		}
		else if (c == 5) {
			from_print(str, sizeof(str), pl->sidev[0], 0);
			put(pl, far, str, strlen(str));
		}
		else if (c == 6) {
			(void)re_snprintf(str, sizeof(str), tid_fmt,
					  pl->nums);
			put(pl, far, str, strlen(str));
		}
		else if (c == 7) {
			put(pl, far, far->askl ? far->askl->tid : "none",
			    far->askl ? strlen(far->askl->tid) : 4);
		}
		else if (c == '\n') {
			put(pl, far, "\r\n", 2);
		}
		else {
			put(pl, far, &c, 1);
		}
	}
}


/* Answers: what is sent bounds them, not the budget */
void far_put(struct far *far, const char *str)
{
	if (far->fc)
		fake_write(far->fc, str, strlen(str));
}


/*
 * What comes back
 */

/* @return octets of it; 0: not whole yet */
static size_t line_next(struct pl *line, const char *p, size_t len)
{
	const char *lf = memmem(p, len, "\r\n", 2);

	if (!lf)
		return 0;

	line->p = p;
	line->l = (size_t)(lf - p);

	return line->l + 2;
}


static bool header(struct pl *val, const struct pl *line, const char *name)
{
	const size_t n = strlen(name);

	if (line->l < n || memcmp(line->p, name, n))
		return false;

	/* each of them once */
	CHECK(!val->p);
	val->p = line->p + n;
	val->l = line->l - n;

	return true;
}


static bool endline(struct frame *fr, const struct pl *line)
{
	if (line->l != 7 + fr->tid.l + 1 || memcmp(line->p, "-------", 7) ||
	    memcmp(line->p + 7, fr->tid.p, fr->tid.l))
		return false;

	fr->flag = line->p[7 + fr->tid.l];
	CHECK(fr->flag == '$' || fr->flag == '+' || fr->flag == '#');

	return true;
}


static void header_any(struct frame *fr, const struct pl *line)
{
	if (!header(&fr->to, line, "To-Path: ") &&
	    !header(&fr->from, line, "From-Path: ") &&
	    !header(&fr->msgid, line, "Message-ID: ") &&
	    !header(&fr->range, line, "Byte-Range: ") &&
	    !header(&fr->freport, line, "Failure-Report: ") &&
	    !header(&fr->sreport, line, "Success-Report: ") &&
	    !header(&fr->ctype, line, "Content-Type: "))
		CHECK(memchr(line->p, ':', line->l));
}


static bool start(struct frame *fr, const struct pl *line)
{
	CHECK(line->l > 5 && !memcmp(line->p, "MSRP ", 5));
	fr->tid.p = line->p + 5;
	fr->what.p = memchr(fr->tid.p, ' ', line->l - 5);
	CHECK(fr->what.p != NULL);
	fr->tid.l = (size_t)(fr->what.p++ - fr->tid.p);
	fr->what.l = (size_t)(line->p + line->l - fr->what.p);

	return fr->tid.l >= 4 && fr->tid.l <= 32 && fr->what.l >= 3;
}


/* @return octets of the frame; 0: not whole yet */
size_t frame_next(struct frame *fr, const char *p, size_t len)
{
	size_t n, at;
	struct pl line;

	memset(fr, 0, sizeof(*fr));
	at = line_next(&line, p, len);
	if (!at)
		return 0;

	CHECK(start(fr, &line));
	for (;;) {
		n = line_next(&line, p + at, len - at);
		if (!n)
			return 0;

		at += n;
		if (endline(fr, &line))
			break;
		if (fr->has_body)
			continue;
		if (!line.l) {
			fr->has_body = true;
			fr->body.p = p + at;
		}
		else {
			header_any(fr, &line);
		}
	}
	CHECK(fr->to.l && fr->from.l);
	if (fr->has_body) {
		CHECK(line.p >= fr->body.p + 2);
		fr->body.l = (size_t)(line.p - 2 - fr->body.p);
	}

	return at;
}


/* Their numbers rise */
static struct req *req_find(const struct far *far, const struct pl *tid)
{
	size_t lo = 0, hi = far->reqc;
	struct pl pl = *tid;
	uint32_t num;

	if (pl.l != 8 || pl.p[0] != 't')
		return NULL;
	pl_advance(&pl, 1);
	num = pl_u32(&pl);
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (far->reqv[mid].num == num)
			return &far->reqv[mid];
		if (far->reqv[mid].num < num)
			lo = mid + 1;
		else
			hi = mid;
	}

	return NULL;
}


static void response(struct far *far, const struct frame *fr)
{
	struct req *req = req_find(far, &fr->tid);
	char from[64];

	CHECK(fr->flag == '$');
	if (far->raw)
		return;

	/* to a request that is there, once, and only as it allows */
	CHECK(req != NULL);
	CHECK(!req->answers++);
	req->scode = (uint16_t)pl_u32(&(struct pl){fr->what.p, 3});
	CHECK(req->scode >= 200);
	CHECK(!(req->bits & CB_FR_NO));
	CHECK(!(req->bits & CB_FR_PARTIAL) || req->scode >= 300);
	from_print(from, sizeof(from), req->side, req->bits);
	/* who knows no peer takes a message from several, and answers the
	   first */
	CHECK((req->side && req->side->anyone) ||
	      !pl_strcmp(&fr->to, from));
	CHECK((req->side && req->side->moved) ||
	      !pl_strcmp(&fr->from, to_of(req->side)));
	if (!req->side)
		CHECK(req->scode == 481);
}


/* A success report: of a message that was asked for, and taken */
static void report(const struct play *pl, struct far *far,
		   const struct frame *fr)
{
	struct side *side;
	struct note *note;
	struct pl id = fr->msgid;
	uint32_t num;

	CHECK(id.l > 1);
	if (far->raw)
		return;

	for (side = pl->sidel; side; side = side->next) {
		if (!pl_strcmp(&fr->from, side->own))
			break;
	}
	if (!side && pl->moved)
		return;
	CHECK(side != NULL);
	if (side->dirty)
		return;

	pl_advance(&id, 1);
	num = pl_u32(&id);
	for (note = side->notel; note; note = note->next) {
		if (note->id == num && note->scode == 200 && !note->reports)
			break;
	}
	CHECK(note != NULL);
	note->reports = 1;
}


/* Read what has come */
void far_read(struct play *pl, struct far *far)
{
	struct frame fr;
	size_t n;

	while (far->fc && far->fc->outl) {
		n = frame_next(&fr, (char *)far->fc->out + far->read,
			       far->fc->outl - far->read);
		if (!n)
			break;

		far->read += n;
		if (fr.what.p[0] >= '0' && fr.what.p[0] <= '9') {
			response(far, &fr);
			continue;
		}
		if (!pl_strcmp(&fr.what, "REPORT"))
			report(pl, far, &fr);
		else
			ask_recv(pl, far, &fr);
	}
}


/* A $ of a message that is not whole is answered when it is, or never */
static bool is_held(const struct req *req)
{
	const struct note *note = note_find(req->side, req->id);

	return req->flag == '$' && !(req->bits & CB_NOBODY) && note &&
		note->state == NOTE_OPEN;
}


/* In the end, when nothing moves any more: what is owed is there */
void far_check(const struct play *pl, const struct far *far)
{
	size_t i;

	(void)pl;
	if (!far->fc || !far->fc->tc || far->fc->eof || !far->fc->estab ||
	    far->raw)
		return;

	CHECK(far->fc->ino == far->fc->inl);
	CHECK(far->read == far->fc->outl);
	for (i=0; i<far->reqc; i++) {
		const struct req *req = &far->reqv[i];
		const struct side *side = req->side;

		if (side && (side->gone || side->ended || side->dirty))
			continue;

		if (req->bits & CB_FR_NO || req->answers)
			continue;
		if (side && (req->bits & CB_FR_PARTIAL || is_held(req)))
			continue;

		fprintf(stderr, "t%07u of session %u, message %u, flag %c, "
			"bits %02x has no answer\n", req->num,
			side ? side->slot : SIDES, req->id, req->flag,
			req->bits);
		CHECK(req->answers);
	}
}


void far_reset(struct far *far)
{
	ask_reset(far);
	free(far->reqv);
	memset(far, 0, sizeof(*far));
}
