/**
 * @file send.c  Sending messages (RFC 4975, 7.1): what is on the wire
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "send_unit.h"


/* All that has come is this request, exactly; rest stands behind From-Path */
static void golden(const char *to, const char *rest, const char *tail)
{
	char *want, *got;
	size_t pos = 0;
	struct frame f;

	frame_next(&f, &pos);
	loop_settle(10);
	ck_assert_int_eq(0, re_sdprintf(&want, "MSRP %s SEND\r\n"
		"To-Path: %s\r\nFrom-Path: %s\r\n%s-------%s%s\r\n", f.tid,
		to, msrp_sess_path(s1.sess), rest, f.tid, tail));
	p1.rx->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(p1.rx, &got, p1.rx->end));
	ck_assert_str_eq(want, got);
	mbuf_rewind(p1.rx);
	answer(f.tid, "200 OK");
	mem_deref(want);
	mem_deref(got);
}


START_TEST(test_short)
{
	struct msrp_send send;

	send_estab();
	msg_text(&send, &m1, "hello");
	send.msgid = "m1";
	msg_send(&s1, &m1, &send);
	ck_assert_uint_eq(0, msrp_tx_sent(m1.tx));
	ck_assert_str_eq("m1", msrp_tx_msgid(m1.tx));
	golden(PEER, "Message-ID: m1\r\nByte-Range: 1-5/5\r\n"
	       "Content-Type: text/plain\r\n\r\nhello\r\n", "$");
	msg_end(&m1, 0, 200);
	ck_assert_uint_eq(5, msrp_tx_sent(m1.tx));
	ck_assert_uint_eq(5, msrp_tx_acked(m1.tx));

	/* and so on */
	m1.tx = mem_deref(m1.tx);
	msg_text(&send, &m2, "world");
	send.msgid = "m1";
	msg_send(&s1, &m2, &send);
	golden(PEER, "Message-ID: m1\r\nByte-Range: 1-5/5\r\n"
	       "Content-Type: text/plain\r\n\r\nworld\r\n", "$");
	msg_end(&m2, 0, 200);
}
END_TEST


static const struct {
	const char *ctype;
	const char *text;
	enum msrp_freport freport;
	bool sreport;
	const char *want;
} formv[] = {
	{"message/cpim", "x", MSRP_FREPORT_YES, true,
	 "Message-ID: m1\r\nSuccess-Report: yes\r\nByte-Range: 1-1/1\r\n"
	 "Content-Type: message/cpim\r\n\r\nx\r\n"},
	{"a/b;c=\"d e\"", "x", MSRP_FREPORT_NO, false,
	 "Message-ID: m1\r\nFailure-Report: no\r\nByte-Range: 1-1/1\r\n"
	 "Content-Type: a/b;c=\"d e\"\r\n\r\nx\r\n"},
	{"a/b", "x", MSRP_FREPORT_PARTIAL, true,
	 "Message-ID: m1\r\nSuccess-Report: yes\r\nFailure-Report: partial"
	 "\r\nByte-Range: 1-1/1\r\nContent-Type: a/b\r\n\r\nx\r\n"},
	{"a/b", "", MSRP_FREPORT_YES, false,
	 "Message-ID: m1\r\nByte-Range: 1-0/0\r\n"
	 "Content-Type: a/b\r\n\r\n\r\n"},
	{NULL, "", MSRP_FREPORT_YES, false,
	 "Message-ID: m1\r\nByte-Range: 1-0/0\r\n"},
};

START_TEST(test_form)
{
	struct msrp_send send;

	send_estab();
	msg_text(&send, &m1, formv[_i].text);
	send.msgid = "m1";
	send.ctype = formv[_i].ctype;
	send.failure_report = formv[_i].freport;
	send.success_report = formv[_i].sreport;
	msg_send(&s1, &m1, &send);
	golden(PEER, formv[_i].want, "$");
	if (send.failure_report != MSRP_FREPORT_PARTIAL)
		msg_end(&m1, 0, 200);
}
END_TEST


/* Both paths stand there whole, and no chunk is too long for a relay */
START_TEST(test_relay)
{
	static const char path[] =
		"msrp://relay.example:2855/r;tcp " PEER;
	struct msrp_send send;
	size_t pos = 0, n = 0;
	struct frame f;

	send_estab();
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess, path));
	msg_text(&send, &m1, "hello");
	send.msgid = "m1";
	msg_send(&s1, &m1, &send);
	golden(path, "Message-ID: m1\r\nByte-Range: 1-5/5\r\n"
	       "Content-Type: text/plain\r\n\r\nhello\r\n", "$");
	msg_end(&m1, 0, 200);

	msg_read(&send, &m2, 100000);
	msg_send(&s1, &m2, &send);
	do {
		frame_next(&f, &pos);
		ck_assert_uint_le(f.body.l, 8192);
		ck_assert(is_pattern(f.off, f.body.p, f.body.l));
		ck_assert_uint_eq(n, f.off);
		n += f.body.l;
		answer(f.tid, "200 OK");
	} while (f.flag == MSRP_CONTINUE);
	ck_assert_uint_eq(100000, n);
	msg_end(&m2, 0, 200);
}
END_TEST


/* In chunks as the reader has octets; Content-Type in each; transaction ids
   are fresh. Over 2,048 octets the end is open (RFC 4975, 5.1). */
START_TEST(test_chunks)
{
	const size_t size = _i ? 2500 : 2048;
	char last[MSRP_TID_MAX + 1] = "";
	struct msrp_send send;
	size_t pos = 0, n = 0;
	struct frame f;

	send_estab();
	m1.most = size;
	msg_read(&send, &m1, 10 * size + 1);
	msg_send(&s1, &m1, &send);
	do {
		frame_next(&f, &pos);
		ck_assert_str_eq(msrp_tx_msgid(m1.tx), f.msgid);
		ck_assert(!pl_strcmp(&f.head.ctype, "text/plain"));
		ck_assert_uint_eq(n, f.off);
		ck_assert_uint_eq(min(size, 10 * size + 1 - n), f.body.l);
		ck_assert(is_pattern(f.off, f.body.p, f.body.l));
		n += f.body.l;
		ck_assert_uint_eq(10 * size + 1, f.head.range.total);
		ck_assert_int_eq(f.body.l <= 2048, f.head.range.end_set);
		if (f.head.range.end_set)
			ck_assert_uint_eq(n, f.head.range.end);
		ck_assert_str_ne(last, f.tid);
		memcpy(last, f.tid, sizeof(last));
		answer(f.tid, "200 OK");
	} while (f.flag == MSRP_CONTINUE);
	ck_assert_int_eq(MSRP_COMPLETE, f.flag);
	ck_assert_uint_eq(10 * size + 1, n);
	msg_end(&m1, 0, 200);
}
END_TEST


/* From where the peer has it (RFC 4975, 7.1.1): all of it, some, nothing */
START_TEST(test_resume)
{
	static const uint64_t startv[] = {0, 1, 4096, 9999, 10000};
	const uint64_t start = startv[_i];
	struct msrp_send send;
	size_t pos = 0;
	struct frame f;

	send_estab();
	msg_read(&send, &m1, 10000);
	send.start = start;
	msg_send(&s1, &m1, &send);
	ck_assert_uint_eq(start, msrp_tx_sent(m1.tx));
	ck_assert_uint_eq(start, msrp_tx_acked(m1.tx));
	frame_next(&f, &pos);
	ck_assert_uint_eq(start, f.off);
	ck_assert_uint_eq(10000, f.head.range.total);
	ck_assert_uint_eq(10000 - start, f.body.l);
	ck_assert(is_pattern(start, f.body.p, f.body.l));
	ck_assert_int_eq(MSRP_COMPLETE, f.flag);
	answer(f.tid, "200 OK");
	msg_end(&m1, 0, 200);
	ck_assert_uint_eq(10000, msrp_tx_acked(m1.tx));
}
END_TEST


/* Nothing leaves before the session is established, either way */
START_TEST(test_wait_estab)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;
	struct sa sa;

	if (_i) {
		peer_listen(&p1, &sa, "127.0.0.1");
		sess_make(&s1, "127.0.0.1");
	}
	else {
		side_passive("127.0.0.1");
	}
	msg_text(&send, &m1, "hello");
	msg_send(&s1, &m1, &send);
	if (_i) {
		ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
		frame_next(&f, &pos);
		ck_assert(!f.head.body);
	}
	loop_settle(20);
	ck_assert_uint_eq(pos, p1.rx->end);
	if (_i)
		answer(f.tid, "200 OK");
	else
		put(&p1, &s1, "bind0001", "SEND", "Failure-Report: no\r\n"
		    BIND);
	frame_next(&f, &pos);
	ck_assert(!pl_strcmp(&f.body, "hello"));
	answer(f.tid, "200 OK");
	msg_end(&m1, 0, 200);
	ck_assert_uint_eq(1, s1.estabc);
}
END_TEST


static void refuse(const struct msrp_send *send)
{
	struct msrp_tx *tx = NULL;

	ck_assert_int_eq(EINVAL, msrp_send(&tx, s1.sess, send));
	ck_assert_ptr_null(tx);
}


START_TEST(test_errors)
{
	static const char *const badv[] = {"", "a\r\nb", " a", "a ", "a\x7f"};
	struct msrp_send send, bad;
	char longer[MSRP_MSGID_MAX + 2];
	struct msrp_tx *tx = NULL;
	size_t i;

	send_estab();
	msg_text(&send, &m1, "hello");
	send.msgid = "m1";
	ck_assert_int_eq(EINVAL, msrp_send(&tx, NULL, &send));
	ck_assert_int_eq(EINVAL, msrp_send(&tx, s1.sess, NULL));
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (i=0; i<COUNT(badv); i++) {
		bad = send;
		bad.msgid = badv[i];
		refuse(&bad);
		bad = send;
		bad.ctype = badv[i];
		refuse(&bad);
	}
	bad = send; bad.msgid = "a b";            refuse(&bad);
	bad = send; bad.msgid = longer;           refuse(&bad);
	bad = send; bad.ctype = NULL;             refuse(&bad);
	bad = send; bad.start = 6;                refuse(&bad);
	bad = send; bad.size = 4;                 refuse(&bad);
	bad = send; bad.readh = read_handler;     refuse(&bad);
	bad = send; bad.mb = NULL; bad.size = 5;  refuse(&bad);

	longer[MSRP_MSGID_MAX] = '\0';
	bad = send; bad.msgid = longer;
	ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &bad));
	ck_assert_int_eq(0, msrp_send(&m1.tx, s1.sess, &send));
	ck_assert_int_eq(EALREADY, msrp_send(&tx, s1.sess, &send));
	s1.sess->peer = mem_deref(s1.sess->peer);
	bad = send; bad.msgid = NULL;
	ck_assert_int_eq(EPROTO, msrp_send(&tx, s1.sess, &bad));
	msrp_sess_close(s1.sess);
	ck_assert_int_eq(ENOTCONN, msrp_send(&tx, s1.sess, &bad));
	ck_assert_ptr_null(tx);
	msrp_tx_wake(NULL);
	msrp_tx_abort(NULL);
	mem_deref(send.mb);
}
END_TEST


static TCase *tcase(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, send_setup, send_teardown);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);

	return tc;
}


Suite *send_suite(void)
{
	Suite *s = suite_create("send");
	TCase *tc = tcase(s, "wire");

	tcase_add_test(tc, test_short);
	tcase_add_loop_test(tc, test_form, 0, COUNT(formv));
	tcase_add_test(tc, test_relay);
	tcase_add_loop_test(tc, test_chunks, 0, 2);
	tcase_add_loop_test(tc, test_resume, 0, 5);
	tcase_add_loop_test(tc, test_wait_estab, 0, 2);
	tcase_add_test(tc, test_errors);
	send_answer_tests(tcase(s, "answer"));
	send_turn_tests(tcase(s, "turns"));
	send_life_tests(tcase(s, "life"));
	send_report_tests(tcase(s, "report"));

	return s;
}
