/**
 * @file sess_active.c  Sessions: the active side (RFC 4975, 5.4)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "sess_unit.h"


static void active(const char *addr)
{
	struct sa sa;

	peer_listen(&p1, &sa, addr);
	sess_make(&s1, addr);
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
}


/* The bind SEND, exactly; @return its transaction id */
static char *bind_take(void)
{
	char *tid, *msgid, *want, *str;
	struct msrp_head head;

	expect(&p1, "$\r\n");
	loop_settle(10);
	p1.rx->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, p1.rx));
	ck_assert_int_eq(0, pl_strdup(&tid, &head.tid));
	ck_assert_int_eq(0, pl_strdup(&msgid, &head.msgid));
	ck_assert_int_eq(0, re_sdprintf(&want, "MSRP %s SEND\r\n"
		"To-Path: " PEER "\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n"
		"Byte-Range: 1-0/0\r\n-------%s$\r\n", tid,
		msrp_sess_path(s1.sess), msgid, tid));
	p1.rx->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(p1.rx, &str, p1.rx->end));
	ck_assert_str_eq(want, str);
	mbuf_rewind(p1.rx);
	mem_deref(str);
	mem_deref(want);
	mem_deref(msgid);

	return tid;
}


static void bind_answer(const char *tid, const char *status)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s %s\r\nTo-Path: %s\r\n"
		"From-Path: " PEER "\r\n-------%s$\r\n", tid, status,
		msrp_sess_path(s1.sess), tid));
	peer_puts(&p1, str);
	mem_deref(str);
}


START_TEST(test_active)
{
	char *tid;

	active(addrv[_i]);
	tid = bind_take();
	ck_assert_uint_eq(0, s1.estabc);
	bind_answer("wrong", "200 OK");
	loop_settle(20);
	ck_assert_uint_eq(0, s1.estabc);
	bind_answer(tid, "200 OK");
	WAIT(is_set, &s1.estabc);
	bind_answer(tid, "200 OK");
	talk(&p1, &s1, HELLO, "200 OK");
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(1, s1.donec);
	msrp_sess_close(s1.sess);
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(0, s1.closec);
	mem_deref(tid);
}
END_TEST


/* The first request does as well as the answer, which may come later */
START_TEST(test_active_request_first)
{
	char *tid;

	sess_restack(80, 0, 0);
	active("127.0.0.1");
	tid = bind_take();
	talk(&p1, &s1, HELLO, "200 OK");
	ck_assert_uint_eq(1, s1.estabc);
	bind_answer(tid, "200 OK");
	loop_settle(120);
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(0, s1.closec);
	mem_deref(tid);
}
END_TEST


START_TEST(test_active_refused)
{
	char *tid;

	s1.in = _i ? 'c' : 0;
	s1.deref = _i == 2;
	active("127.0.0.1");
	tid = bind_take();
	bind_answer(tid, "481 No");
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(EPROTO, s1.close_err);
	ck_assert_uint_eq(0, s1.estabc);
	WAIT(is_true, &p1.closed);
	mem_deref(tid);
}
END_TEST


START_TEST(test_active_timeout)
{
	char *tid;

	sess_restack(60, 0, 0);
	active("127.0.0.1");
	tid = bind_take();
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ETIMEDOUT, s1.close_err);
	WAIT(is_true, &p1.closed);
	mem_deref(tid);
}
END_TEST


START_TEST(test_active_no_listener)
{
	struct sa sa;

	peer_listen(&p1, &sa, "127.0.0.1");
	p1.ts = mem_deref(p1.ts);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ECONNREFUSED, s1.close_err);
	ck_assert_uint_eq(0, s1.estabc);
}
END_TEST


START_TEST(test_active_leave)
{
	char *tid;

	s1.in = 'e';
	s1.deref = _i;
	active("127.0.0.1");
	tid = bind_take();
	bind_answer(tid, "200 OK");
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(0, s1.closec);
	mem_deref(tid);
}
END_TEST


START_TEST(test_connect_errors)
{
	struct sa sa, none;

	peer_listen(&p1, &sa, "127.0.0.1");
	sa_init(&none, AF_INET);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(EINVAL, msrp_sess_connect(NULL, &sa));
	ck_assert_int_eq(EINVAL, msrp_sess_connect(s1.sess, NULL));
	ck_assert_int_eq(EINVAL, msrp_sess_connect(s1.sess, &none));
	s1.sess->peer = mem_deref(s1.sess->peer);
	ck_assert_int_eq(EPROTO, msrp_sess_connect(s1.sess, &sa));
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess, PEER));
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	ck_assert_int_eq(EPROTO, msrp_sess_connect(s1.sess, &sa));
	msrp_sess_close(s1.sess);
	ck_assert_int_eq(EPROTO, msrp_sess_connect(s1.sess, &sa));
}
END_TEST


void sess_active_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_active, 0, 2);
	tcase_add_test(tc, test_active_request_first);
	tcase_add_loop_test(tc, test_active_refused, 0, 3);
	tcase_add_test(tc, test_active_timeout);
	tcase_add_test(tc, test_active_no_listener);
	tcase_add_loop_test(tc, test_active_leave, 0, 2);
	tcase_add_test(tc, test_connect_errors);
}
