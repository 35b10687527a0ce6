/**
 * @file codec.c  MSRP codec: heads, bodies, URIs (RFC 4975, 6 and 9)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include "unit.h"
#include <cpm_msrp.h>


enum {
	REC_MAX = 8,
};

#define PATHS "To-Path: msrp://a.example:1/s1;tcp\r\n" \
	"From-Path: msrp://b.example:2/s2;tcp\r\n"

/* one message of a stream */
struct rec {
	struct msrp_head head;  /* views die; flag, range and so on stay */
	char met[16];
	char tid[MSRP_TID_MAX + 1];
	char msgid[MSRP_MSGID_MAX + 1];
	char ctype[64];
	char to[256];
	char from[256];
	char status[64];
	struct mbuf *body;
	enum msrp_flag flag;
};

struct stream {
	struct mbuf *mb;
	struct msrp_body body;
	bool in_body;
	struct rec recv[REC_MAX];
	size_t recc;
	int err;
};


static struct mbuf *buf_str(const char *str)
{
	struct mbuf *mb = mbuf_alloc(str_len(str) + 1);

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, mbuf_write_str(mb, str));
	mb->pos = 0;

	return mb;
}


static struct pl pl_of(const char *str)
{
	struct pl pl;

	pl_set_str(&pl, str);

	return pl;
}


static void copy(char *str, size_t size, const struct pl *pl)
{
	str[0] = '\0';
	if (pl->p)
		ck_assert_int_eq(0, pl_strcpy(pl, str, size));
}


static void head_take(struct stream *s, const struct msrp_head *head)
{
	struct rec *rec = &s->recv[s->recc];

	ck_assert_uint_lt(s->recc, REC_MAX);
	rec->head = *head;
	copy(rec->met, sizeof(rec->met), &head->met);
	copy(rec->tid, sizeof(rec->tid), &head->tid);
	copy(rec->msgid, sizeof(rec->msgid), &head->msgid);
	copy(rec->ctype, sizeof(rec->ctype), &head->ctype);
	copy(rec->to, sizeof(rec->to), &head->to_path);
	copy(rec->from, sizeof(rec->from), &head->from_path);
	copy(rec->status, sizeof(rec->status), &head->status);
	rec->flag = head->flag;
	rec->body = mbuf_alloc(64);

	if (head->body) {
		memset(&s->body, 0, sizeof(s->body));
		copy(s->body.tid, sizeof(s->body.tid), &head->tid);
		s->in_body = true;
	}
	else {
		++s->recc;
	}
}


static int stream_next(struct stream *s)
{
	struct rec *rec = &s->recv[s->recc];
	struct msrp_head head;
	struct pl data;
	size_t pos = s->mb->pos;
	int err;

	if (!s->in_body) {
		err = msrp_head_decode(&head, s->mb);
		if (!err)
			head_take(s, &head);
		else
			ck_assert_uint_eq(pos, s->mb->pos);
		return err;
	}

	err = msrp_body_decode(&s->body, s->mb, &data);
	if (data.l)
		ck_assert_int_eq(0, mbuf_write_pl(rec->body, &data));
	if (!err) {
		rec->flag = s->body.flag;
		s->in_body = false;
		++s->recc;
	}

	return err;
}


/* Decode a stream that arrives in pieces */
static void stream_feed(struct stream *s, const uint8_t *p, size_t len,
			size_t step)
{
	memset(s, 0, sizeof(*s));
	s->mb = mbuf_alloc(16);

	while (len && (!s->err || s->err == ENODATA)) {
		const size_t n = step < len ? step : len;
		const size_t pos = s->mb->pos;

		s->mb->pos = s->mb->end;
		ck_assert_int_eq(0, mbuf_write_mem(s->mb, p, n));
		s->mb->pos = pos;
		p += n;
		len -= n;

		do {
			s->err = stream_next(s);
		} while (!s->err && mbuf_get_left(s->mb));
	}
}


static void stream_free(struct stream *s)
{
	size_t i;

	for (i=0; i<REC_MAX; i++)
		mem_deref(s->recv[i].body);
	mem_deref(s->mb);
}


static const size_t stepv[] = {1, 2, 3, 7, 64, 1 << 20};
#define STEPS ((int)(sizeof(stepv) / sizeof(stepv[0])))


static void file_feed(struct stream *s, const char *name, int i)
{
	struct mbuf *mb = unit_file(name);

	stream_feed(s, mb->buf, mb->end, stepv[i]);
	ck_assert_int_eq(0, s->err);
	ck_assert_uint_eq(0, mbuf_get_left(s->mb));
	mem_deref(mb);
}


/* Every proper prefix wants more, and leaves pos alone */
static void prefix_check(const char *str)
{
	struct mbuf *mb = buf_str(str);
	struct msrp_head head;
	size_t i, end = mb->end;

	for (i=0; i<end; i++) {
		mb->end = i;
		ck_assert_int_eq(ENODATA, msrp_head_decode(&head, mb));
		ck_assert_uint_eq(0, mb->pos);
	}
	mb->end = end;
	ck_assert_int_eq(0, msrp_head_decode(&head, mb));
	ck_assert_uint_eq(end, mb->pos);
	mem_deref(mb);
}


START_TEST(test_vector_20)
{
	struct stream s;
	struct rec *r = &s.recv[0];

	file_feed(&s, "vectors/20-msrp-empty-send-loadtool.txt", _i);
	ck_assert_uint_eq(1, s.recc);
	ck_assert_str_eq("SEND", r->met);
	ck_assert_str_eq("empty", r->tid);
	ck_assert_str_eq("empty", r->msgid);
	ck_assert_str_eq("msrp://192.0.2.20:20000/term1;tcp", r->to);
	ck_assert_str_eq("msrp://192.0.2.21:20001/orig1;tcp", r->from);
	ck_assert(r->head.req && !r->head.body && r->head.range_set);
	ck_assert_uint_eq(1, r->head.range.start);
	ck_assert(r->head.range.end_set && r->head.range.total_set);
	ck_assert_uint_eq(0, r->head.range.end);
	ck_assert_uint_eq(0, r->head.range.total);
	ck_assert(!r->head.success_report);
	ck_assert_int_eq(MSRP_FREPORT_YES, r->head.failure_report);
	ck_assert_int_eq(MSRP_COMPLETE, r->flag);
	stream_free(&s);
}
END_TEST


START_TEST(test_vector_21)
{
	struct stream s;
	struct rec *r = &s.recv[0];

	file_feed(&s, "vectors/21-msrp-send-cpim-loadtool-malformed.txt", _i);
	ck_assert_uint_eq(1, s.recc);
	ck_assert_str_eq("message/cpim", r->ctype);
	ck_assert_str_eq("messIdmav123456", r->msgid);
	ck_assert_uint_eq(265, r->head.range.total);
	ck_assert_uint_eq(265, r->body->end);
	ck_assert_int_eq(0, memcmp("From: <sip:1001@", r->body->buf, 16));
	ck_assert_int_eq(0, memcmp("aaaaa\r\n", r->body->buf + 258, 7));
	ck_assert_int_eq(MSRP_COMPLETE, r->flag);
	stream_free(&s);
}
END_TEST


START_TEST(test_vector_22)
{
	struct stream s;
	struct rec *r = &s.recv[0];

	file_feed(&s, "vectors/22-msrp-send-iscomposing-loadtool.txt", _i);
	ck_assert_uint_eq(1, s.recc);
	ck_assert_str_eq("application/im-iscomposing+xml", r->ctype);
	ck_assert_uint_eq(384, r->body->end);
	ck_assert_int_eq(0, memcmp("\r\n<?xml", r->body->buf, 7));
	ck_assert_int_eq(0, memcmp(">\r\n", r->body->buf + 381, 3));
	ck_assert_int_eq(MSRP_COMPLETE, r->flag);
	stream_free(&s);
}
END_TEST


START_TEST(test_vector_24)
{
	struct stream s;
	struct rec *r = s.recv;

	file_feed(&s, "vectors/24-msrp-send-200-report-413-rcsjta.txt", _i);
	ck_assert_uint_eq(3, s.recc);
	ck_assert_str_eq("SEND", r[0].met);
	ck_assert_uint_eq(305, r[0].body->end);
	ck_assert_str_eq("msrp://10.108.25.89:19494/n02s00i2t0+519;tcp",
			 r[0].to);
	ck_assert(!r[1].head.req);
	ck_assert_uint_eq(200, r[1].head.scode);
	ck_assert_str_eq("b276bb5b0adb22f6", r[1].tid);
	ck_assert_int_eq(MSRP_COMPLETE, r[1].flag);
	ck_assert_str_eq("REPORT", r[2].met);
	ck_assert_str_eq("n02s00i2t0+1937", r[2].tid);
	ck_assert_str_eq("000 413 413", r[2].status);
	ck_assert_str_eq("MID-3BCqcBUXKA", r[2].msgid);
	ck_assert_uint_eq(305, r[2].head.range.end);
	stream_free(&s);
}
END_TEST


START_TEST(test_vector_26)
{
	struct stream s;
	struct rec *r = &s.recv[0];

	file_feed(&s, "vectors/26-msrp-empty-send-aosp-odd-byte-range.txt",
		  _i);
	ck_assert_uint_eq(1, s.recc);
	ck_assert_str_eq("m1", r->msgid);
	ck_assert(r->head.range_bad && !r->head.range_set && !r->head.body);
	ck_assert_int_eq(MSRP_FREPORT_NO, r->head.failure_report);
	ck_assert_int_eq(MSRP_COMPLETE, r->flag);
	stream_free(&s);
}
END_TEST


START_TEST(test_vector_prefix)
{
	static const char *namev[] = {
		"vectors/20-msrp-empty-send-loadtool.txt",
		"vectors/26-msrp-empty-send-aosp-odd-byte-range.txt",
	};
	struct mbuf *mb = unit_file(namev[_i]);
	char *str;

	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	prefix_check(str);
	mem_deref(str);
	mem_deref(mb);
}
END_TEST


static const char *goodv[] = {
	"MSRP abcd SEND\r\n" PATHS "-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "-------abcd+\r\n",
	"MSRP abcd SEND\r\n" PATHS "-------abcd#\r\n",
	"MSRP abcd SEND\r\n" PATHS "Content-Type: text/plain\r\n\r\n",
	"MSRP abcd SEND\r\n" PATHS "Byte-Range: 1-*/*\r\n-------abcd$\r\n",
	/* no blank behind the colon, names in any case, odd order */
	"MSRP abcd SEND\r\nfrom-path:msrp://b.example:2/s2;tcp\r\n"
		"MESSAGE-ID:x\r\nTO-PATH:\tmsrp://a.example:1/s1;tcp \r\n"
		"failure-report:PARTIAL\r\n-------abcd$\r\n",
	"MSRP abcd 200\r\n" PATHS "-------abcd$\r\n",
	"MSRP abcd 413 Too \xc3\xa4\r\n" PATHS "-------abcd$\r\n",
	"MSRP abcd NICKNAME\r\n" PATHS "X-Other:\r\n-------abcd$\r\n",
	"MSRP a.-+%= SEND\r\n" PATHS "-------a.-+%=$\r\n",
	"MSRP 01234567890123456789012345678901 SEND\r\n" PATHS
		"-------01234567890123456789012345678901$\r\n",
};


START_TEST(test_head_good)
{
	prefix_check(goodv[_i]);
}
END_TEST


static const char *badv[] = {
	"G", "MSRPX", "msrp abcd SEND\r\n",
	"MSRP abc SEND\r\n",                       /* tid too short      */
	"MSRP 012345678901234567890123456789012 SEND\r\n",
	"MSRP +bcd SEND\r\n",
	"MSRP ab/cd SEND\r\n",
	"MSRP abcd\r\n",
	"MSRP abcd SEND x\r\n",
	"MSRP abcd Send\r\n",
	"MSRP abcd 20\r\n",
	"MSRP abcd 2000\r\n",
	"MSRP abcd 20a OK\r\n",
	"MSRP abcd SEND\n",
	"MSRP d93k SEND\r\n-------d93k$\r\n",      /* no paths           */
	"MSRP abcd SEND\r\nTo-Path: msrp://a/s;tcp\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\nFrom-Path: msrp://a/s;tcp\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "To-Path: x\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "no colon\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS ": no name\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "a b: c\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "A: \x01\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "A: b\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Message-ID: a b\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Message-ID:\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Message-ID: a\r\nMessage-ID: a\r\n"
		"-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Byte-Range: 1-1/1\r\n"
		"Byte-Range: 1-1/1\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Failure-Report: x\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Success-Report: x\r\n-------abcd$\r\n",
	/* the end-line of another one is no header */
	"MSRP abcd SEND\r\n" PATHS "-------abce$\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "-------abcd\r\n-------abcd$\r\n",
};


START_TEST(test_head_bad)
{
	struct mbuf *mb = buf_str(badv[_i]);
	struct msrp_head head;

	ck_assert_int_eq(EBADMSG, msrp_head_decode(&head, mb));
	ck_assert_uint_eq(0, mb->pos);
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_null_octet)
{
	struct mbuf *mb = buf_str("MSRP abcd SEND\r\n" PATHS
				  "A: xx\r\n-------abcd$\r\n");
	struct msrp_head head;

	mb->buf[mb->end - 20] = '\0';
	ck_assert_int_eq(EBADMSG, msrp_head_decode(&head, mb));
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_limits)
{
	struct mbuf *mb = buf_str("MSRP abcd SEND\r\n" PATHS);
	struct msrp_head head;
	size_t i, end = mb->end;

	/* two are there already */
	mb->pos = end;
	for (i=2; i<MSRP_HDR_MAX; i++)
		ck_assert_int_eq(0, mbuf_write_str(mb, "X: y\r\n"));
	i = mb->pos;
	ck_assert_int_eq(0, mbuf_write_str(mb, "-------abcd$\r\n"));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, mb));

	mb->pos = i;
	ck_assert_int_eq(0, mbuf_write_str(mb, "X: y\r\n-------abcd$\r\n"));
	mb->pos = 0;
	ck_assert_int_eq(EOVERFLOW, msrp_head_decode(&head, mb));
	ck_assert_uint_eq(0, mb->pos);

	/* a header that does not end */
	mb->pos = end;
	ck_assert_int_eq(0, mbuf_write_str(mb, "X: "));
	ck_assert_int_eq(0, mbuf_fill(mb, 'y', MSRP_HEAD_MAX - mb->pos - 1));
	mb->end = mb->pos;
	mb->pos = 0;
	ck_assert_int_eq(ENODATA, msrp_head_decode(&head, mb));
	mb->pos = mb->end;
	ck_assert_int_eq(0, mbuf_fill(mb, 'y', 1));
	mb->pos = 0;
	ck_assert_int_eq(EOVERFLOW, msrp_head_decode(&head, mb));
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_msgid)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct msrp_head head;
	size_t n;

	for (n=MSRP_MSGID_MAX; n<=MSRP_MSGID_MAX+1; n++) {
		mb->pos = mb->end = 0;
		ck_assert_int_eq(0, mbuf_write_str(mb, "MSRP abcd SEND\r\n"
						   PATHS "Message-ID: "));
		ck_assert_int_eq(0, mbuf_fill(mb, 'm', n));
		ck_assert_int_eq(0, mbuf_write_str(mb,
						   "\r\n-------abcd$\r\n"));
		mb->pos = 0;
		ck_assert_int_eq(n > MSRP_MSGID_MAX ? EOVERFLOW : 0,
				 msrp_head_decode(&head, mb));
	}
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_einval)
{
	struct mbuf *mb = mbuf_alloc(16);
	struct msrp_head head;

	ck_assert_int_eq(EINVAL, msrp_head_decode(NULL, mb));
	ck_assert_int_eq(EINVAL, msrp_head_decode(&head, NULL));
	ck_assert_int_eq(ENODATA, msrp_head_decode(&head, mb));
	mem_deref(mb);
}
END_TEST


static const struct {
	const char *str;
	bool ok;
	struct msrp_range r;
} rangev[] = {
	{"1-10/10", true, {1, 10, 10, true, true}},
	{"1-*/*", true, {1, 0, 0, false, false}},
	{"11-*/20", true, {11, 0, 20, false, true}},
	{"11-20/*", true, {11, 20, 0, true, false}},
	{"1-0/0", true, {1, 0, 0, true, true}},
	{"1-18446744073709551615/*", true,
		{1, UINT64_MAX, 0, true, false}},
	{"1-18446744073709551616/*", false, {0, 0, 0, false, false}},
	{"1/0-0", false, {0, 0, 0, false, false}},
	{"1-10", false, {0, 0, 0, false, false}},
	{"1-10/", false, {0, 0, 0, false, false}},
	{"-10/10", false, {0, 0, 0, false, false}},
	{"*-10/10", false, {0, 0, 0, false, false}},
	{"1-10/10x", false, {0, 0, 0, false, false}},
	{"1 - 10/10", false, {0, 0, 0, false, false}},
	{"-1-10/10", false, {0, 0, 0, false, false}},
	{"x", false, {0, 0, 0, false, false}},
};


START_TEST(test_range)
{
	struct msrp_head head;
	struct mbuf *mb = mbuf_alloc(256);

	ck_assert_int_eq(0, mbuf_printf(mb, "MSRP abcd SEND\r\n" PATHS
					"Byte-Range: %s\r\n-------abcd$\r\n",
					rangev[_i].str));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, mb));
	ck_assert_int_eq(rangev[_i].ok, head.range_set);
	ck_assert_int_eq(!rangev[_i].ok, head.range_bad);
	ck_assert_uint_eq(rangev[_i].r.start, head.range.start);
	ck_assert_uint_eq(rangev[_i].r.end, head.range.end);
	ck_assert_uint_eq(rangev[_i].r.total, head.range.total);
	ck_assert_int_eq(rangev[_i].r.end_set, head.range.end_set);
	ck_assert_int_eq(rangev[_i].r.total_set, head.range.total_set);
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_reports)
{
	struct mbuf *mb = buf_str("MSRP abcd SEND\r\n" PATHS
				  "Failure-Report: partial\r\n"
				  "Success-Report: yes\r\n"
				  "Status: 000 200 OK\r\n-------abcd+\r\n");
	struct msrp_head head;

	ck_assert_int_eq(0, msrp_head_decode(&head, mb));
	ck_assert_int_eq(MSRP_FREPORT_PARTIAL, head.failure_report);
	ck_assert(head.success_report);
	ck_assert_int_eq(0, pl_strcmp(&head.status, "000 200 OK"));
	ck_assert_int_eq(MSRP_CONTINUE, head.flag);
	mem_deref(mb);
}
END_TEST


#define BODY_HEAD "MSRP abcd SEND\r\n" PATHS \
	"Message-ID: m\r\nContent-Type: text/plain\r\n\r\n"

#define B(s) (s), sizeof(s) - 1

/* what looks like an end-line and is none, and what is one */
static const struct {
	const char *body;
	size_t len;
	const char *tail;
	enum msrp_flag flag;
} bodyv[] = {
	{B("hello"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("hello"), "\r\n-------abcd+\r\n", MSRP_CONTINUE},
	{B("hello"), "\r\n-------abcd#\r\n", MSRP_ABORT},
	{B(""), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B(""), "-------abcd$\r\n", MSRP_COMPLETE},
	{B("\r\n"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("a\r\n-------abcd\r\nb"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("a\r\n-------abcd"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("a\r\n-------abcd$\r"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("a\r\n-------abcd$x\r\n"), "\r\n-------abcd$\r\n",
		MSRP_COMPLETE},
	{B("a\r\n-------abcd$\n"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("a\r\n-------abcd*\r\nb"), "\r\n-------abcd$\r\n",
		MSRP_COMPLETE},
	{B("a\r\n-------abce$\r\nb"), "\r\n-------abcd+\r\n",
		MSRP_CONTINUE},
	{B("a\r\n-------abcdef$\r\nb"), "\r\n-------abcd$\r\n",
		MSRP_COMPLETE},
	{B("a\r\n-------abc$\r\nb"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("a\r\n------abcd$\r\nb"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("a\r\n--------abcd$\r\nb"), "\r\n-------abcd$\r\n",
		MSRP_COMPLETE},
	{B("a\n-------abcd$\r\nb"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("a -------abcd$\r\nb"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("-------abce$\r\nb"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("-------abcd\r\nb"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("-------"), "\r\n-------abcd$\r\n", MSRP_COMPLETE},
	{B("\r\r\r\n\r\n-------\r\n---"), "\r\n-------abcd$\r\n",
		MSRP_COMPLETE},
	{B("a\r\n-------abcd\r\n-------abcd"), "\r\n-------abcd$\r\n",
		MSRP_COMPLETE},
	{B("\x80\xff\xfe\x00\x0d\x80\xc3("), "\r\n-------abcd$\r\n",
		MSRP_COMPLETE},
};


/* whole, and in pieces of each size that there is; two in a row */
START_TEST(test_body)
{
	struct mbuf *mb = buf_str(BODY_HEAD);
	struct stream s;
	size_t step, i;

	mb->pos = mb->end;
	if (bodyv[_i].len)
		ck_assert_int_eq(0, mbuf_write_mem(mb,
					(const uint8_t *)bodyv[_i].body,
					bodyv[_i].len));
	ck_assert_int_eq(0, mbuf_write_str(mb, bodyv[_i].tail));
	ck_assert_int_eq(0, mbuf_write_str(mb, "MSRP abcd 200 OK\r\n" PATHS
					   "-------abcd$\r\n"));

	for (step=1; step<=mb->end; step++) {
		stream_feed(&s, mb->buf, mb->end, step);
		ck_assert_int_eq(0, s.err);
		ck_assert_uint_eq(2, s.recc);
		ck_assert_uint_eq(bodyv[_i].len, s.recv[0].body->end);
		for (i=0; i<bodyv[_i].len; i++)
			ck_assert_uint_eq((uint8_t)bodyv[_i].body[i],
					  s.recv[0].body->buf[i]);
		ck_assert_int_eq(bodyv[_i].flag, s.recv[0].flag);
		ck_assert_uint_eq(200, s.recv[1].head.scode);
		stream_free(&s);
	}
	mem_deref(mb);
}
END_TEST


/* What cannot belong to an end-line is handed on at once */
START_TEST(test_body_eager)
{
	struct msrp_body body = {.tid = "abcd"};
	struct mbuf *mb = buf_str("xyz\r\n-------ab");
	struct pl data;

	ck_assert_int_eq(ENODATA, msrp_body_decode(&body, mb, &data));
	ck_assert_uint_eq(3, data.l);
	ck_assert_uint_eq(3, mb->pos);
	ck_assert_int_eq(ENODATA, msrp_body_decode(&body, mb, &data));
	ck_assert_uint_eq(0, data.l);
	mb->pos = mb->end;
	ck_assert_int_eq(0, mbuf_write_str(mb, "x"));
	mb->pos = 3;
	ck_assert_int_eq(ENODATA, msrp_body_decode(&body, mb, &data));
	ck_assert_uint_eq(12, data.l);
	mem_deref(mb);
}
END_TEST


START_TEST(test_body_einval)
{
	struct msrp_body body = {.tid = "abcd"}, none = {.tid = ""};
	struct mbuf *mb = buf_str("x");
	struct pl data;

	ck_assert_int_eq(EINVAL, msrp_body_decode(NULL, mb, &data));
	ck_assert_int_eq(EINVAL, msrp_body_decode(&body, NULL, &data));
	ck_assert_int_eq(EINVAL, msrp_body_decode(&body, mb, NULL));
	ck_assert_int_eq(EINVAL, msrp_body_decode(&none, mb, &data));
	mem_deref(mb);
}
END_TEST


START_TEST(test_uri)
{
	struct msrp_uri u;
	struct pl pl = pl_of("MSRPS://bob@[2001:db8::1]:2855/s%+x;TCP;a=b");

	ck_assert_int_eq(0, msrp_uri_decode(&u, &pl));
	ck_assert(u.tls);
	ck_assert_int_eq(0, pl_strcmp(&u.user, "bob"));
	ck_assert_int_eq(0, pl_strcmp(&u.host, "2001:db8::1"));
	ck_assert_uint_eq(2855, u.port);
	ck_assert_int_eq(0, pl_strcmp(&u.sid, "s%+x"));
	ck_assert_int_eq(0, pl_strcmp(&u.transport, "TCP"));

	pl = pl_of("msrp://host.example;tcp");
	ck_assert_int_eq(0, msrp_uri_decode(&u, &pl));
	ck_assert(!u.tls && !u.port && !u.sid.l);
	ck_assert_int_eq(0, pl_strcmp(&u.host, "host.example"));

	ck_assert_int_eq(EINVAL, msrp_uri_decode(NULL, &pl));
	ck_assert_int_eq(EINVAL, msrp_uri_decode(&u, NULL));
}
END_TEST


static const char *uri_badv[] = {
	"", "msrp", "msrp:", "msrp://", "msrp://;tcp", "http://a/s;tcp",
	"msrp:/a/s;tcp", "msrp://a/s", "msrp://a/s;", "msrp://a/;tcp",
	"msrp://a:/s;tcp", "msrp://a:0/s;tcp", "msrp://a:65536/s;tcp",
	"msrp://a:x/s;tcp", "msrp://[::1/s;tcp", "msrp://[]/s;tcp",
	"msrp://[::1]x/s;tcp", "msrp://a b/s;tcp", "msrp://:5/s;tcp",
	"msrp://a/s\x01;tcp", "msrp://a/s\xff;tcp",
};


START_TEST(test_uri_bad)
{
	struct msrp_uri u;
	struct pl pl = pl_of(uri_badv[_i]);

	ck_assert_int_eq(EBADMSG, msrp_uri_decode(&u, &pl));
}
END_TEST


START_TEST(test_uri_max)
{
	struct msrp_uri u;
	char str[MSRP_URI_MAX + 2];
	struct pl pl;

	memset(str, 'a', sizeof(str));
	memcpy(str, "msrp://", 7);
	memcpy(str + MSRP_URI_MAX - 4, ";tcp", 4);
	pl.p = str;
	pl.l = MSRP_URI_MAX;
	ck_assert_int_eq(0, msrp_uri_decode(&u, &pl));
	memcpy(str + MSRP_URI_MAX - 4, "a;tcp", 5);
	++pl.l;
	ck_assert_int_eq(EBADMSG, msrp_uri_decode(&u, &pl));
}
END_TEST


static const struct {
	const char *a, *b;
	bool same;
} cmpv[] = {
	{"msrp://a:1/s;tcp", "msrp://a:1/s;tcp", true},
	{"msrp://a:1/s;tcp", "MSRP://A:1/s;TCP;x=y", true},
	{"msrp://u@a:1/s;tcp", "msrp://v@a:1/s;tcp", true},
	{"msrp://[::1]:1/s;tcp", "msrp://[0:0::1]:1/s;tcp", true},
	{"msrp://a:1/s;tcp", "msrp://a:1/S;tcp", false},
	{"msrp://a:1/s;tcp", "msrps://a:1/s;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://a:2/s;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://a/s;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://b:1/s;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://a:1/s;ws", false},
	{"msrp://a:1/s;tcp", "msrp://a:1/s2;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://a:1;tcp", false},
};


START_TEST(test_uri_cmp)
{
	struct pl a = pl_of(cmpv[_i].a), b = pl_of(cmpv[_i].b);
	struct msrp_uri ua, ub;

	ck_assert_int_eq(0, msrp_uri_decode(&ua, &a));
	ck_assert_int_eq(0, msrp_uri_decode(&ub, &b));
	ck_assert_int_eq(cmpv[_i].same, msrp_uri_cmp(&ua, &ub));
	ck_assert_int_eq(cmpv[_i].same, msrp_uri_cmp(&ub, &ua));
	ck_assert(!msrp_uri_cmp(NULL, &ub));
	ck_assert(!msrp_uri_cmp(&ua, NULL));
}
END_TEST


#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))

Suite *codec_suite(void)
{
	Suite *s = suite_create("codec");
	TCase *tc = tcase_create("codec");

	tcase_add_loop_test(tc, test_vector_20, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_21, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_22, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_24, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_26, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_prefix, 0, 2);
	tcase_add_loop_test(tc, test_head_good, 0, N(goodv));
	tcase_add_loop_test(tc, test_head_bad, 0, N(badv));
	tcase_add_test(tc, test_head_null_octet);
	tcase_add_test(tc, test_head_limits);
	tcase_add_test(tc, test_head_msgid);
	tcase_add_test(tc, test_head_einval);
	tcase_add_loop_test(tc, test_range, 0, N(rangev));
	tcase_add_test(tc, test_head_reports);
	tcase_add_loop_test(tc, test_body, 0, N(bodyv));
	tcase_add_test(tc, test_body_eager);
	tcase_add_test(tc, test_body_einval);
	tcase_add_test(tc, test_uri);
	tcase_add_loop_test(tc, test_uri_bad, 0, N(uri_badv));
	tcase_add_test(tc, test_uri_max);
	tcase_add_loop_test(tc, test_uri_cmp, 0, N(cmpv));
	suite_add_tcase(s, tc);

	return s;
}
