/**
 * @file codec.c  MSRP codec: whole streams and bodies (RFC 4975, 9)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include "codec_unit.h"


enum {
	REC_MAX = 8,
};

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


struct mbuf *codec_buf(const char *str)
{
	struct mbuf *mb = mbuf_alloc(str_len(str) + 1);

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, mbuf_write_str(mb, str));
	mb->pos = 0;

	return mb;
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
	struct mbuf *mb = codec_buf(BODY_HEAD);
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
	struct mbuf *mb = codec_buf("xyz\r\n-------ab");
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
	struct mbuf *mb = codec_buf("x");
	struct pl data;

	ck_assert_int_eq(EINVAL, msrp_body_decode(NULL, mb, &data));
	ck_assert_int_eq(EINVAL, msrp_body_decode(&body, NULL, &data));
	ck_assert_int_eq(EINVAL, msrp_body_decode(&body, mb, NULL));
	ck_assert_int_eq(EINVAL, msrp_body_decode(&none, mb, &data));
	mem_deref(mb);
}
END_TEST


Suite *codec_suite(void)
{
	Suite *s = suite_create("codec");
	TCase *tc = tcase_create("codec");

	tcase_add_loop_test(tc, test_vector_20, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_21, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_22, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_24, 0, STEPS);
	tcase_add_loop_test(tc, test_vector_26, 0, STEPS);
	tcase_add_loop_test(tc, test_body, 0, N(bodyv));
	tcase_add_test(tc, test_body_eager);
	tcase_add_test(tc, test_body_einval);
	codec_head_tests(tc);
	codec_uri_tests(tc);
	codec_scan_tests(tc);
	suite_add_tcase(s, tc);

	return s;
}
