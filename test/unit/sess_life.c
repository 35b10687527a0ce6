/**
 * @file sess_life.c  Sessions: sharing, closing, limits
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "sess_unit.h"
#include "mock/oom.h"


/* Two sessions on one connection */
START_TEST(test_shared)
{
	side_passive("127.0.0.1");
	sess_make(&s2, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
	ck_assert_uint_eq(msrp_sess_lport(s1.sess), msrp_sess_lport(s2.sess));
	msrp_sess_start(s2.sess);
	talk(&p1, &s1, HELLO, "200 OK");
	talk(&p1, &s2, HELLO, "200 OK");
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(1, s2.donec);

	msrp_sess_close(s1.sess);
	talk(&p1, &s1, HELLO, "481 No Such Session");
	talk(&p1, &s2, HELLO, "200 OK");
	ck_assert(!p1.closed);
	msrp_sess_close(s2.sess);
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(0, s1.closec + s2.closec);
}
END_TEST


/* Both end when it breaks */
START_TEST(test_shared_close)
{
	side_passive("127.0.0.1");
	sess_make(&s2, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
	msrp_sess_start(s2.sess);
	talk(&p1, &s1, BIND, "200 OK");
	talk(&p1, &s2, BIND, "200 OK");
	s1.in = 'c';
	s1.deref = true;
	p1.tc = mem_deref(p1.tc);
	WAIT(is_set, &s2.closec);
	ck_assert_uint_eq(1, s1.closec);
	ck_assert_ptr_null(s1.sess);
	ck_assert_int_eq(0, s2.close_err);
}
END_TEST


/* The peer closes while a message waits for its answer */
START_TEST(test_peer_closes)
{
	s1.late = true;
	side_passive("127.0.0.1");
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	WAIT(is_set, &s1.donec);
	p1.tc = mem_deref(p1.tc);
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(0, s1.close_err);
	ck_assert_uint_eq(0, s1.dropc);
	side_answer(&s1, 200, ENOTCONN);
	ck_assert_uint_eq(1, s1.closec);
}
END_TEST


/* Answers that are queued leave before the connection does */
START_TEST(test_close_flushes)
{
	char *str;

	s1.late = true;
	side_passive("127.0.0.1");
	str = resp(&s1, "tid00001", "200 OK");
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	WAIT(is_set, &s1.donec);
	side_answer(&s1, 200, 0);
	msrp_sess_close(s1.sess);
	msrp_sess_close(s1.sess);
	WAIT(is_true, &p1.closed);
	expect_all(&p1, str);
	ck_assert_uint_eq(0, s1.closec);
	mem_deref(str);
}
END_TEST


START_TEST(test_answer_after_close)
{
	s1.late = true;
	side_passive("127.0.0.1");
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	WAIT(is_set, &s1.donec);
	if (_i)
		msrp_sess_close(s1.sess);
	else
		s1.sess = mem_deref(s1.sess);
	side_answer(&s1, 200, ENOTCONN);
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(0, p1.rx->end);
}
END_TEST


/* Any handler may let its session go, in both ways */
static const char handlerv[] = "eodnr";

START_TEST(test_leave)
{
	s1.in = handlerv[_i / 2];
	s1.deref = _i % 2;
	s1.late = true;
	side_passive("127.0.0.1");
	put(&p1, &s1, "tid00001", "SEND", "Message-ID: m\r\n"
	    "Byte-Range: 1-2/5\r\nContent-Type: a/b\r\n\r\nhe\r\n");
	if (s1.in == 'r') {
		char *str;

		ck_assert_int_eq(0, re_sdprintf(&str, "MSRP abcd SEND\r\n"
			"To-Path: %s\r\nFrom-Path: " PEER "\r\n"
			"Message-ID: m\r\n-------abcd#\r\n",
			msrp_sess_path(s1.sess)));
		peer_puts(&p1, str);
		mem_deref(str);
	}
	else {
		put(&p1, &s1, "tid00002", "SEND", "Message-ID: m\r\n"
		    "Byte-Range: 3-5/5\r\nContent-Type: a/b\r\n\r\nllo\r\n");
	}
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(0, s1.closec);
	ck_assert(s1.deref == (s1.sess == NULL));
	ck_assert_uint_eq(s1.in == 'n', s1.donec);
}
END_TEST


/* ... and another session on the connection does not notice */
START_TEST(test_leave_shared)
{
	side_passive("127.0.0.1");
	sess_make(&s2, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
	msrp_sess_start(s2.sess);
	talk(&p1, &s2, BIND, "200 OK");

	s1.in = handlerv[_i / 2];
	s1.deref = _i % 2;
	s1.late = true;
	if (s1.in == 'r')
		s1.in = 'd';
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	loop_settle(30);
	ck_assert(s1.deref == (s1.sess == NULL));
	ck_assert_uint_eq(s1.in != 'n', count(&p1, "MSRP tid00001 481 "));
	mbuf_rewind(p1.rx);
	talk(&p1, &s2, HELLO, "200 OK");
	ck_assert_uint_eq(1, s2.donec);
}
END_TEST


START_TEST(test_idle)
{
	sess_restack(0, 60, 0);
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	loop_settle(40);
	talk(&p1, &s1, HELLO, "200 OK");
	loop_settle(30);
	ck_assert_uint_eq(0, s1.closec);
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ETIMEDOUT, s1.close_err);
	WAIT(is_true, &p1.closed);
}
END_TEST


/* A connection that binds to nothing does not stay */
START_TEST(test_unbound)
{
	sess_restack(80, 0, 0);
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	peer_connect(&p2, &s1);
	WAIT(is_true, &p2.closed);
	loop_settle(100);
	ck_assert(!p1.closed);
	ck_assert_uint_eq(0, s1.closec);
	ck_assert_uint_eq(0, sess_stack->unboundc);
}
END_TEST


/* The wait for a start does not count */
START_TEST(test_unbound_hold)
{
	sess_restack(50, 0, 0);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	peer_connect(&p1, &s1);
	put(&p1, &s1, "tid00001", "SEND", BIND);
	loop_settle(150);
	ck_assert(!p1.closed);
	msrp_sess_start(s1.sess);
	expect(&p1, "MSRP tid00001 200 OK\r\n");
}
END_TEST


START_TEST(test_path)
{
	char want[256];
	struct pl pl;
	struct msrp_uri uri, other;

	sess_make(&s1, addrv[_i]);
	sess_make(&s2, addrv[_i]);
	ck_assert_uint_eq(9, msrp_sess_lport(s1.sess));
	pl_set_str(&pl, msrp_sess_path(s1.sess));
	ck_assert_int_eq(0, msrp_uri_decode(&uri, &pl));
	pl_set_str(&pl, msrp_sess_path(s2.sess));
	ck_assert_int_eq(0, msrp_uri_decode(&other, &pl));
	ck_assert_uint_eq(9, uri.port);
	ck_assert_uint_ge(uri.sid.l, 20);
	ck_assert_int_ne(0, pl_cmp(&uri.sid, &other.sid));

	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	ck_assert_uint_ne(9, msrp_sess_lport(s1.sess));
	snprintf(want, sizeof(want), _i ? "msrp://[%s]:%u/" : "msrp://%s:%u/",
		 addrv[_i], msrp_sess_lport(s1.sess));
	ck_assert_int_eq(0, strncmp(want, msrp_sess_path(s1.sess),
				    strlen(want)));
}
END_TEST


/* The port that is configured, and the error if it is taken */
START_TEST(test_laddr)
{
	struct sa sa;

	peer_listen(&p1, &sa, "127.0.0.1");
	sess_conf.laddr = sa;
	sess_restack(0, 0, 0);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(EADDRINUSE, msrp_sess_listen(s1.sess));
	ck_assert_uint_eq(9, msrp_sess_lport(s1.sess));
	p1.ts = mem_deref(p1.ts);
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	ck_assert_uint_eq(sa_port(&sa), msrp_sess_lport(s1.sess));

	/* another family: any address */
	sess_make(&s2, "::1");
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
}
END_TEST


START_TEST(test_set_peer)
{
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(EINVAL, msrp_sess_set_peer(NULL, PEER));
	ck_assert_int_eq(EINVAL, msrp_sess_set_peer(s1.sess, NULL));
	ck_assert_int_eq(EBADMSG, msrp_sess_set_peer(s1.sess, ""));
	ck_assert_int_eq(EBADMSG, msrp_sess_set_peer(s1.sess, "x"));
	ck_assert_int_eq(EBADMSG, msrp_sess_set_peer(s1.sess, PEER " x"));
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess, PEER " " PEER));
}
END_TEST


static int alloc(struct msrp_sess **sessp, struct msrp *msrp,
		 const struct sa *laddr, bool tls,
		 const struct msrp_sess_h *h)
{
	return msrp_sess_alloc(sessp, msrp, laddr, tls, h, NULL);
}


START_TEST(test_einval)
{
	static const struct msrp_sess_h h;
	struct msrp_sess *sess = NULL;
	struct msrp_stats stats;
	struct sa sa, none;

	sa_init(&none, AF_INET);
	none.u.in.sin_family = AF_UNSPEC;
	ck_assert_int_eq(0, sa_set_str(&sa, "127.0.0.1", 0));
	ck_assert_int_eq(EINVAL, msrp_alloc(NULL, &sess_conf));
	ck_assert_int_eq(EINVAL, alloc(NULL, sess_stack, &sa, false, &h));
	ck_assert_int_eq(EINVAL, alloc(&sess, NULL, &sa, false, &h));
	ck_assert_int_eq(EINVAL, alloc(&sess, sess_stack, NULL, false, &h));
	ck_assert_int_eq(EINVAL, alloc(&sess, sess_stack, &none, false, &h));
	ck_assert_int_eq(EINVAL, alloc(&sess, sess_stack, &sa, false, NULL));
	ck_assert_int_eq(ENOTSUP, alloc(&sess, sess_stack, &sa, true, &h));
	ck_assert_ptr_null(sess);
	ck_assert_int_eq(EINVAL, msrp_sess_listen(NULL));
	ck_assert_ptr_null(msrp_sess_path(NULL));
	ck_assert_uint_eq(0, msrp_sess_lport(NULL));
	msrp_sess_start(NULL);
	msrp_sess_close(NULL);
	msrp_sess_stats(NULL, &stats);

	/* no handler at all */
	ck_assert_int_eq(0, alloc(&s1.sess, sess_stack, &sa, false, &h));
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	msrp_sess_start(s1.sess);
	peer_connect(&p1, &s1);
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	loop_settle(20);
	msrp_sess_stats(s1.sess, &stats);
	ck_assert_uint_eq(1, stats.messages);
	ck_assert_uint_eq(5, stats.bytes);
}
END_TEST


/* An answer that there is no memory for: nobody waits for it, the connection
   ends */
START_TEST(test_answer_no_memory)
{
	int err;

	s1.late = true;
	side_passive("127.0.0.1");
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	WAIT(is_set, &s1.donec);
	oom_arm(1, true);
	err = msrp_rx_answer(s1.keptv[0], 200, NULL);
	ck_assert_uint_gt(oom_disarm(), 0);
	ck_assert_int_eq(ENOMEM, err);
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_uint_eq(1, s1.closec);
	ck_assert_int_eq(ENOMEM, s1.close_err);
}
END_TEST


void sess_life_tests(TCase *tc)
{
	tcase_add_test(tc, test_answer_no_memory);
	tcase_add_test(tc, test_shared);
	tcase_add_test(tc, test_shared_close);
	tcase_add_test(tc, test_peer_closes);
	tcase_add_test(tc, test_close_flushes);
	tcase_add_loop_test(tc, test_answer_after_close, 0, 2);
	tcase_add_loop_test(tc, test_leave, 0, 10);
	tcase_add_loop_test(tc, test_leave_shared, 0, 10);
	tcase_add_test(tc, test_idle);
	tcase_add_test(tc, test_unbound);
	tcase_add_test(tc, test_unbound_hold);
	tcase_add_loop_test(tc, test_path, 0, 2);
	tcase_add_test(tc, test_laddr);
	tcase_add_test(tc, test_set_peer);
	tcase_add_test(tc, test_einval);
}
