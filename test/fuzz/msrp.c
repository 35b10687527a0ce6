/**
 * @file msrp.c  Fuzz: MSRP framing, heads and bodies as one stream
 *
 * The same stream read whole, cut in two at each place, and in small pieces
 * has to say the same; the end of a body has to be where a search octet by
 * octet finds it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_msrp.h>
#include "fuzz.h"


enum {
	STREAM_MAX = 1 << 17,  /* longer tells nothing new                  */
	EACH_MAX   = 160,      /* up to here each place is a cut            */
	CUTS       = 8,        /* else that many, here and there            */
};

/* What a stream said */
struct said {
	struct mbuf *mb;
	int err;
};

/* One reading */
struct reader {
	struct mbuf *mb;          /* what came and is not decoded           */
	struct msrp_body body;
	bool in_body;
	struct said said;
};


static void say_pl(struct mbuf *mb, const struct pl *pl)
{
	(void)mbuf_printf(mb, "%zu:%r|", pl->l, pl);
}


static void say_head(struct mbuf *mb, const struct msrp_head *h)
{
	say_pl(mb, &h->tid);
	say_pl(mb, &h->met);
	say_pl(mb, &h->reason);
	say_pl(mb, &h->to_path);
	say_pl(mb, &h->from_path);
	say_pl(mb, &h->msgid);
	say_pl(mb, &h->ctype);
	say_pl(mb, &h->status);
	(void)mbuf_printf(mb, "%d %u %d %d %d %d %d %d %llu %llu %llu\n",
			  h->req, h->scode, h->range_set, h->range_bad,
			  h->failure_report, h->success_report, h->flag,
			  h->body, (unsigned long long)h->range.start,
			  (unsigned long long)h->range.end,
			  (unsigned long long)h->range.total);
}


static void head_check(const struct msrp_head *h, const struct mbuf *mb,
		       size_t pos)
{
	const void *p = mb->buf + pos;
	const size_t len = mb->pos - pos;
	const struct pl *const plv[] = {
		&h->tid, &h->met, &h->reason, &h->to_path, &h->from_path,
		&h->msgid, &h->ctype, &h->status,
	};
	size_t i;

	CHECK(mb->pos > pos && mb->pos <= mb->end);
	for (i=0; i<sizeof(plv)/sizeof(plv[0]); i++)
		fuzz_inside(plv[i], p, len);

	CHECK(h->tid.l >= MSRP_TID_MIN && h->tid.l <= MSRP_TID_MAX);
	CHECK(h->msgid.l <= MSRP_MSGID_MAX);
	CHECK(pl_isset(&h->to_path) && pl_isset(&h->from_path));
	CHECK(h->body != (h->flag != MSRP_FLAG_NONE));
	CHECK(h->req ? pl_isset(&h->met) && !h->scode : !pl_isset(&h->met));
	CHECK(!(h->range_set && h->range_bad));
	CHECK(len <= MSRP_HEAD_MAX);
}


/* @return false when nothing more can be read for now */
static bool head_next(struct reader *r)
{
	const size_t pos = r->mb->pos;
	struct msrp_head head;
	int err;

	err = msrp_head_decode(&head, r->mb);
	if (err) {
		CHECK(r->mb->pos == pos);
		CHECK(err == ENODATA || err == EBADMSG || err == EOVERFLOW);
		if (err != ENODATA)
			r->said.err = err;
		return false;
	}

	head_check(&head, r->mb, pos);
	say_head(r->said.mb, &head);
	if (head.body) {
		memset(&r->body, 0, sizeof(r->body));
		CHECK(!pl_strcpy(&head.tid, r->body.tid,
				 sizeof(r->body.tid)));
		r->in_body = true;
	}

	return true;
}


static bool body_next(struct reader *r)
{
	const size_t pos = r->mb->pos;
	struct pl data;
	int err;

	err = msrp_body_decode(&r->body, r->mb, &data);
	CHECK(err == 0 || err == ENODATA);
	CHECK(r->mb->pos >= pos && r->mb->pos <= r->mb->end);
	fuzz_inside(&data, r->mb->buf + pos, r->mb->pos - pos);
	if (data.l)
		(void)mbuf_write_mem(r->said.mb, (const uint8_t *)data.p,
				     data.l);

	/* what is held back is what may become an end-line, no more */
	if (err) {
		CHECK(mbuf_get_left(r->mb) <
		      2 + 7 + strlen(r->body.tid) + 3);
		return false;
	}

	CHECK(r->body.flag == MSRP_CONTINUE ||
	      r->body.flag == MSRP_COMPLETE || r->body.flag == MSRP_ABORT);
	(void)mbuf_printf(r->said.mb, "\n%c\n", r->body.flag);
	r->in_body = false;

	return true;
}


static void feed(struct reader *r, const uint8_t *p, size_t len)
{
	struct mbuf *mb;

	if (r->said.err)
		return;

	/* memory of its own each time: what was lent is gone */
	mb = mbuf_alloc(mbuf_get_left(r->mb) + len + 1);
	CHECK(mb != NULL);
	(void)mbuf_write_mem(mb, mbuf_buf(r->mb), mbuf_get_left(r->mb));
	if (len)
		(void)mbuf_write_mem(mb, p, len);
	mb->pos = 0;
	mem_deref(r->mb);
	r->mb = mb;

	while (!r->said.err && mbuf_get_left(mb)) {
		if (!(r->in_body ? body_next(r) : head_next(r)))
			break;
	}
}


static void reader_init(struct reader *r)
{
	memset(r, 0, sizeof(*r));
	r->mb = fuzz_mbuf(NULL, 0);
	r->said.mb = mbuf_alloc(1024);
}


static void reader_reset(struct reader *r)
{
	mem_deref(r->mb);
	mem_deref(r->said.mb);
}


static void same(const struct reader *a, const struct reader *b)
{
	CHECK(a->said.err == b->said.err);
	CHECK(a->said.mb->end == b->said.mb->end);
	CHECK(!memcmp(a->said.mb->buf, b->said.mb->buf, a->said.mb->end));
	CHECK(a->in_body == b->in_body);
	if (!a->said.err)
		CHECK(mbuf_get_left(a->mb) == mbuf_get_left(b->mb));
}


static void cut_at(const struct reader *whole, const uint8_t *data,
		   size_t size, size_t at)
{
	struct reader r;

	reader_init(&r);
	feed(&r, data, at);
	feed(&r, data + at, size - at);
	same(whole, &r);
	reader_reset(&r);
}


static void pieces(const struct reader *whole, const uint8_t *data,
		   size_t size, struct fuzz_rnd *rnd, uint32_t most)
{
	struct reader r;
	size_t off = 0;

	reader_init(&r);
	while (off < size) {
		size_t n = 1 + fuzz_rnd_next(rnd, most);

		n = min(n, size - off);
		feed(&r, data + off, n);
		off += n;
	}
	same(whole, &r);
	reader_reset(&r);
}


static bool endline_is(const uint8_t *p, size_t len, const char *tid,
		       size_t tlen)
{
	return len >= 7 + tlen + 3 && !memcmp(p, "-------", 7) &&
		!memcmp(p + 7, tid, tlen) &&
		strchr("$+#", p[7 + tlen]) && p[7 + tlen] &&
		!memcmp(p + 7 + tlen + 1, "\r\n", 2);
}


/* The body of the first request, if it has one: where does it end? */
static void oracle(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct msrp_body body;
	struct msrp_head head;
	size_t i, start, left;
	struct pl got;
	int err;

	if (msrp_head_decode(&head, mb) || !head.body)
		goto out;

	memset(&body, 0, sizeof(body));
	CHECK(!pl_strcpy(&head.tid, body.tid, sizeof(body.tid)));
	start = mb->pos;
	left = mb->end - start;
	err = msrp_body_decode(&body, mb, &got);

	if (endline_is(data + start, left, head.tid.p, head.tid.l)) {
		CHECK(!err && !got.l);
		goto out;
	}
	for (i=0; i + 2 <= left; i++) {
		if (memcmp(data + start + i, "\r\n", 2) ||
		    !endline_is(data + start + i + 2, left - i - 2,
				head.tid.p, head.tid.l))
			continue;

		CHECK(!err && got.l == i);
		goto out;
	}
	CHECK(err == ENODATA);

 out:
	mem_deref(mb);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_rnd rnd;
	struct reader whole;
	size_t i;

	if (size > STREAM_MAX)
		return 0;

	fuzz_rnd_init(&rnd, data, size);
	reader_init(&whole);
	feed(&whole, data, size);

	if (size <= EACH_MAX) {
		for (i=1; i<size; i++)
			cut_at(&whole, data, size, i);
		pieces(&whole, data, size, &rnd, 1);
	}
	else {
		for (i=0; i<CUTS; i++)
			cut_at(&whole, data, size,
			       fuzz_rnd_next(&rnd, (uint32_t)size));
		pieces(&whole, data, size, &rnd, (uint32_t)size / 8);
	}
	pieces(&whole, data, size, &rnd, 40 + (uint32_t)size / 64);
	oracle(data, size);
	reader_reset(&whole);

	return 0;
}
