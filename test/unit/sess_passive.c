/**
 * @file sess_passive.c  Sessions: requests and their answers (RFC 4975, 7)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include "sess_unit.h"


START_TEST(test_passive)
{
	side_passive(addrv[_i]);
	ck_assert_uint_eq(0, s1.estabc);
	talk(&p1, &s1, BIND, "200 OK");
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(0, s1.openc);
	talk(&p1, &s1, HELLO, "200 OK");
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(5, s1.body->end);
	ck_assert_int_eq(0, memcmp("hello", s1.body->buf, 5));
	ck_assert_uint_eq(0, s1.closec);
}
END_TEST


/* Nothing but the application decides on the answer, and when */
START_TEST(test_answer_late)
{
	char *str;

	s1.late = true;
	side_passive("127.0.0.1");
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	WAIT(is_set, &s1.donec);
	loop_settle(30);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_int_eq(0, msrp_rx_answer(s1.keptv[0], 413, "No\tRoom"));
	ck_assert_int_eq(EALREADY, msrp_rx_answer(s1.keptv[0], 200, NULL));
	str = resp(&s1, "tid00001", "413 Message Too Large");
	expect_all(&p1, str);
	mem_deref(str);
}
END_TEST


START_TEST(test_answer_reason)
{
	char *str;

	s1.late = true;
	side_passive("127.0.0.1");
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	WAIT(is_set, &s1.donec);
	ck_assert_int_eq(0, msrp_rx_answer(s1.keptv[0], 599, "Disk is full"));
	str = resp(&s1, "tid00001", "599 Disk is full");
	expect_all(&p1, str);
	mem_deref(str);
}
END_TEST


START_TEST(test_success_report)
{
	char *str, *want;
	int n;

	side_passive("127.0.0.1");
	str = resp(&s1, "tid00001", "200 OK");
	put(&p1, &s1, "tid00001", "SEND", "Success-Report: yes\r\n" HELLO);
	expect(&p1, " REPORT\r\n");
	loop_settle(10);
	ck_assert_uint_gt(p1.rx->end, str_len(str));
	ck_assert_int_eq(0, memcmp(str, p1.rx->buf, str_len(str)));
	ck_assert_int_eq(0, re_sdprintf(&want, " REPORT\r\nTo-Path: " PEER
		"\r\nFrom-Path: %s\r\nMessage-ID: m1\r\nByte-Range: 1-5/5\r\n"
		"Status: 000 200 OK\r\n-------", msrp_sess_path(s1.sess)));
	ck_assert(rx_has(&p1, want));
	mem_deref(want);
	mbuf_rewind(p1.rx);

	/* none for what failed; and one without a 200 if so asked */
	for (n=0; n<2; n++) {
		s1.scode = n ? 200 : 413;
		put(&p1, &s1, "tid00001", "SEND", "Success-Report: yes\r\n"
		    "Failure-Report: no\r\n" HELLO);
		loop_settle(30);
		ck_assert_uint_eq(n, count(&p1, " REPORT\r\n"));
		ck_assert_uint_eq(0, count(&p1, "MSRP tid00001"));
	}
	mem_deref(str);
}
END_TEST


static const struct {
	const char *freport;
	uint16_t scode;
	size_t n;
} freportv[] = {
	{"yes", 200, 1}, {"yes", 413, 1},
	{"no", 200, 0}, {"no", 413, 0},
	{"partial", 200, 0}, {"partial", 413, 1},
};


START_TEST(test_failure_report)
{
	char rest[256];

	s1.scode = freportv[_i].scode;
	side_passive("127.0.0.1");
	snprintf(rest, sizeof(rest), "Failure-Report: %s\r\n" HELLO,
		 freportv[_i].freport);
	put(&p1, &s1, "tid00001", "SEND", rest);
	WAIT(is_set, &s1.donec);
	loop_settle(30);
	ck_assert_uint_eq(freportv[_i].n, count(&p1, "MSRP tid00001"));
}
END_TEST


/* An intermediate chunk is answered at once, an empty one as well */
START_TEST(test_failure_report_empty)
{
	char rest[256];

	side_passive("127.0.0.1");
	snprintf(rest, sizeof(rest), "Failure-Report: %s\r\n" BIND,
		 freportv[_i].freport);
	put(&p1, &s1, "tid00001", "SEND", rest);
	loop_settle(30);
	ck_assert_uint_eq(!strcmp(freportv[_i].freport, "yes"),
			  count(&p1, "MSRP tid00001 200 OK"));
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(0, s1.openc);
}
END_TEST


/* Shapes of the empty SEND in the wild (wire.md 2.5) */
START_TEST(test_empty)
{
	static const char *v[] = {
		"", "Message-ID: x\r\n",
		"Message-ID: empty\r\nByte-Range: 1-0/0\r\n"
			"Success-Report: no\r\nFailure-Report: yes\r\n",
		"Message-ID: m1\r\nByte-Range: 1/0-0\r\n",
		"Content-Type: text/plain\r\n\r\n",
		"Message-ID: m1\r\nContent-Type: text/plain\r\n"
			"Byte-Range: 1-0/0\r\n\r\n\r\n",
	};

	side_passive("127.0.0.1");
	talk(&p1, &s1, v[_i], _i == 4 ? "400 Bad Request" : "200 OK");
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(0, s1.openc);
}
END_TEST


/* Requests that do not reach the session, and their answers; %s: our URI */
static const struct {
	const char *str;
	const char *want;
} refusev[] = {
	{"MSRP tid1 SEND\r\nTo-Path: msrp://127.0.0.1:9/nobody;tcp\r\n"
	 "From-Path: " PEER "\r\nMessage-ID: x\r\n-------tid1$\r\n",
	 "MSRP tid1 481 No Such Session\r\nTo-Path: " PEER "\r\n"
	 "From-Path: msrp://127.0.0.1:9/nobody;tcp\r\n-------tid1$\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: msrp://127.0.0.1:9;tcp\r\n"
	 "From-Path: " PEER "\r\nMessage-ID: x\r\n-------tid1$\r\n",
	 "MSRP tid1 481 No Such Session\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: %s\r\n"
	 "From-Path: msrp://peer.example:9999/other;tcp\r\n-------tid1$\r\n",
	 "MSRP tid1 481 No Such Session\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: %s msrp://more.example:1/s;tcp\r\n"
	 "From-Path: " PEER "\r\n-------tid1$\r\n",
	 "MSRP tid1 481 No Such Session\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: nonsense\r\nFrom-Path: " PEER "\r\n"
	 "-------tid1$\r\n", "MSRP tid1 400 Bad Request\r\n"},
	{"MSRP tid1 FOO\r\nTo-Path: %s\r\nFrom-Path: msrp://r:1/a;tcp " PEER
	 "\r\nContent-Type: a/b\r\n\r\nbody\r\n-------tid1$\r\n",
	 "MSRP tid1 501 Unknown Method\r\n"
	 "To-Path: msrp://r:1/a;tcp " PEER "\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
	 "no colon\r\nContent-Type: a/b\r\n\r\nMSRP x\r\n-------tid1$\r\n",
	 "MSRP tid1 400 Bad Request\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
	 "Failure-Report: maybe\r\n-------tid1$\r\n",
	 "MSRP tid1 400 Bad Request\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
	 "Content-Type: a/b\r\n\r\nx\r\n-------tid1$\r\n",
	 "MSRP tid1 400 Bad Request\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
	 "Message-ID: x\r\n\r\nx\r\n-------tid1$\r\n",
	 "MSRP tid1 400 Bad Request\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
	 "Message-ID: x\r\nByte-Range: 1-1/100000001\r\n"
	 "Content-Type: a/b\r\n\r\nx\r\n-------tid1$\r\n",
	 "MSRP tid1 413 Message Too Large\r\n"},
	{"MSRP tid1 SEND\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
	 "Message-ID: x\r\nByte-Range: 9-1/9\r\n"
	 "Content-Type: a/b\r\n\r\nx\r\n-------tid1$\r\n",
	 "MSRP tid1 423 Parameter Out Of Bounds\r\n"},
};


/* and the connection is as good as before */
START_TEST(test_refused)
{
	char *str;

	side_passive("127.0.0.1");
	ck_assert_int_eq(0, re_sdprintf(&str, refusev[_i].str,
					msrp_sess_path(s1.sess)));
	peer_puts(&p1, str);
	expect(&p1, "-------tid1$\r\n");
	ck_assert_int_eq(0, memcmp(refusev[_i].want, p1.rx->buf,
				   str_len(refusev[_i].want)));
	ck_assert_uint_eq(1, count(&p1, "MSRP "));
	ck_assert_uint_eq(0, s1.openc);
	mbuf_rewind(p1.rx);
	talk(&p1, &s1, HELLO, "200 OK");
	mem_deref(str);
}
END_TEST


/* What is never answered */
START_TEST(test_silent)
{
	static const char *v[] = {
		"MSRP tid1 REPORT\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
		"Message-ID: x\r\nByte-Range: 1-5/5\r\nStatus: 000 413 x\r\n"
		"-------tid1$\r\n",
		"MSRP tid1 REPORT\r\nTo-Path: msrp://a/none;tcp\r\n"
		"From-Path: " PEER "\r\n-------tid1$\r\n",
		"MSRP tid1 REPORT\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
		"broken\r\n-------tid1$\r\n",
		"MSRP tid1 200 OK\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
		"-------tid1$\r\n",
		"MSRP tid1 481 No\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
		"-------tid1$\r\n",
		"MSRP tid1 200 OK\r\nbroken\r\n-------tid1$\r\n",
		"MSRP tid1 SEND\r\n-------tid1$\r\n",
		"MSRP tid1 SEND\r\nTo-Path: msrp://a/none;tcp\r\nFrom-Path: "
		PEER "\r\nFailure-Report: no\r\n-------tid1$\r\n",
		"MSRP tid1 SEND\r\nTo-Path: %s\r\nFrom-Path: " PEER "\r\n"
		"broken\r\nFailure-Report: no\r\n-------tid1$\r\n",
	};
	char *str;

	side_passive("127.0.0.1");
	ck_assert_int_eq(0, re_sdprintf(&str, v[_i],
					msrp_sess_path(s1.sess)));
	peer_puts(&p1, str);
	loop_settle(30);
	ck_assert_uint_eq(0, p1.rx->end);
	talk(&p1, &s1, HELLO, "200 OK");
	mem_deref(str);
}
END_TEST


/* No MSRP: the connection goes, and nobody else is harmed */
START_TEST(test_garbage)
{
	static const char *v[] = {
		"GET / HTTP/1.1\r\n\r\n", "\r\n", "MSRP \r\n",
	};

	side_passive("127.0.0.1");
	if (_i == 3) {
		char *str = malloc(MSRP_HEAD_MAX + 2);

		memset(str, 'x', MSRP_HEAD_MAX + 1);
		str[MSRP_HEAD_MAX + 1] = '\0';
		memcpy(str, "MSRP abcd SEND\r\nA: ", 19);
		peer_puts(&p1, str);
		free(str);
	}
	else {
		peer_puts(&p1, v[_i]);
	}
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(0, s1.closec);
	peer_connect(&p2, &s1);
	talk(&p2, &s1, HELLO, "200 OK");
}
END_TEST


/* once bound, the session goes with it */
START_TEST(test_garbage_bound)
{
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	peer_puts(&p1, "garbage\r\n");
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(EPROTO, s1.close_err);
	WAIT(is_true, &p1.closed);
}
END_TEST


/* NAT and relays: our host and port are not compared, the session-id is */
START_TEST(test_to_path_nat)
{
	struct msrp_uri uri;
	struct pl pl;
	char *str;

	side_passive("127.0.0.1");
	pl_set_str(&pl, msrp_sess_path(s1.sess));
	ck_assert_int_eq(0, msrp_uri_decode(&uri, &pl));
	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid1 SEND\r\n"
		"To-Path: msrp://relay.example:1/%r;tcp\r\n"
		"From-Path: " PEER "\r\n-------tid1$\r\n", &uri.sid));
	peer_puts(&p1, str);
	expect(&p1, "MSRP tid1 200 OK\r\n");
	ck_assert(rx_has(&p1, "From-Path: msrp://relay.example:1/"));
	mem_deref(str);
}
END_TEST


/* The peer's path has several hops */
START_TEST(test_from_path)
{
	static const struct {
		const char *from, *want;
	} v[] = {
		{"msrp://r:1/x;tcp msrp://e:2/y;tcp", "MSRP tid1 200 OK\r\n"
			"To-Path: msrp://r:1/x;tcp\r\n"},
		{"msrp://e:2/y;tcp", "MSRP tid1 200 OK\r\n"},
		{"msrp://r:1/x;tcp", "MSRP tid1 200 OK\r\n"},
		{"msrp://own:7/z;tcp MSRP://E:2/y;TCP",
			"MSRP tid1 200 OK\r\nTo-Path: msrp://own:7/z;tcp\r\n"},
		{"msrp://own:7/z;tcp msrp://e:2/other;tcp",
			"MSRP tid1 481 "},
		{"nonsense", "MSRP tid1 481 "},
	};
	char *str;

	side_passive("127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess, "msrp://r:1/x;tcp "
					       "msrp://e:2/y;tcp"));
	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid1 SEND\r\n"
		"To-Path: %s\r\nFrom-Path: %s\r\n-------tid1$\r\n",
		msrp_sess_path(s1.sess), v[_i].from));
	peer_puts(&p1, str);
	expect(&p1, v[_i].want);
	mem_deref(str);
}
END_TEST


START_TEST(test_in_use)
{
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	peer_connect(&p2, &s1);
	talk(&p2, &s1, HELLO, "506 Session In Use");
	ck_assert_uint_eq(0, s1.openc);
	talk(&p1, &s1, HELLO, "200 OK");
}
END_TEST


/* A $ that leaves a hole is answered with the message, by both tids */
START_TEST(test_hole)
{
	char *str;

	s1.late = true;
	side_passive("127.0.0.1");
	put(&p1, &s1, "tid00001", "SEND", "Message-ID: m\r\n"
	    "Byte-Range: 1-2/5\r\nContent-Type: a/b\r\n\r\nhe\r\n");
	put(&p1, &s1, "tid00002", "SEND", "Message-ID: m\r\n"
	    "Byte-Range: 3-5/5\r\nContent-Type: a/b\r\n\r\nllo\r\n");
	WAIT(is_set, &s1.donec);
	loop_settle(20);
	ck_assert_uint_eq(0, p1.rx->end);
	side_answer(&s1, 200, 0);
	str = resp(&s1, "tid00002", "200 OK");
	expect(&p1, "MSRP tid00001 200 OK\r\n");
	expect(&p1, str);
	mem_deref(str);
}
END_TEST


/* ACK and MSRP race: what comes early waits */
START_TEST(test_hold)
{
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	peer_connect(&p1, &s1);
	put(&p1, &s1, "tid00001", "SEND", BIND);
	loop_settle(30);
	put(&p1, &s1, "tid00002", "SEND", HELLO);
	loop_settle(30);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_uint_eq(0, s1.estabc);
	ck_assert_uint_eq(0, s1.openc);
	msrp_sess_start(s1.sess);
	expect(&p1, "MSRP tid00002 200 OK\r\n");
	ck_assert(rx_has(&p1, "MSRP tid00001 200 OK\r\n"));
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(1, s1.donec);
}
END_TEST


START_TEST(test_hold_freed)
{
	char *str, *want;

	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	peer_connect(&p1, &s1);
	str = req(&s1, "tid00001", "SEND", HELLO);
	want = resp(&s1, "tid00001", "481 No Such Session");
	peer_puts(&p1, str);
	loop_settle(30);
	if (_i)
		msrp_sess_close(s1.sess);
	else
		s1.sess = mem_deref(s1.sess);
	expect_all(&p1, want);
	mem_deref(want);
	mem_deref(str);
}
END_TEST


START_TEST(test_max_size)
{
	sess_restack(0, 0, 5);
	side_passive("127.0.0.1");
	talk(&p1, &s1, HELLO, "200 OK");
	talk(&p1, &s1, "Message-ID: m2\r\nByte-Range: 1-*/*\r\n"
	     "Content-Type: text/plain\r\n\r\nhello!\r\n",
	     "413 Message Too Large");
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(1, s1.dropc);
}
END_TEST


void sess_passive_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_passive, 0, 2);
	tcase_add_test(tc, test_answer_late);
	tcase_add_test(tc, test_answer_reason);
	tcase_add_test(tc, test_success_report);
	tcase_add_loop_test(tc, test_failure_report, 0, N(freportv));
	tcase_add_loop_test(tc, test_failure_report_empty, 0, N(freportv));
	tcase_add_loop_test(tc, test_empty, 0, 6);
	tcase_add_loop_test(tc, test_refused, 0, N(refusev));
	tcase_add_loop_test(tc, test_silent, 0, 9);
	tcase_add_loop_test(tc, test_garbage, 0, 4);
	tcase_add_test(tc, test_garbage_bound);
	tcase_add_test(tc, test_to_path_nat);
	tcase_add_loop_test(tc, test_from_path, 0, 6);
	tcase_add_test(tc, test_in_use);
	tcase_add_test(tc, test_hole);
	tcase_add_loop_test(tc, test_hold_freed, 0, 2);
	tcase_add_test(tc, test_hold);
	tcase_add_test(tc, test_max_size);
}
