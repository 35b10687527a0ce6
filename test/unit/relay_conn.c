/**
 * @file relay_conn.c  A relay of ours: found, authenticated, lost (RFC 4976,
 * 5.1), on the loopback
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "relay_unit.h"


/* AUTH goes from our address to the relay's URI; then the path is there */
START_TEST(test_up)
{
	char *own, *to;
	struct got got;
	struct sa sa;

	relay_make(0);
	ck_assert(!msrp_relay_isup(relay));
	ck_assert_ptr_null(msrp_relay_path(relay));
	relay_take(&got, "AUTH");
	ck_assert_int_eq(0, tcp_conn_peer_get(p1.tc, &sa));
	ck_assert_int_eq(0, re_sdprintf(&own, "msrp://%J/", &sa));
	ck_assert_int_eq(0, strncmp(own, got.from, str_len(own)));
	ck_assert_int_eq(0, tcp_local_get(p1.ts, &sa));
	ck_assert_int_eq(0, re_sdprintf(&to, "msrp://relay.test:%u;tcp",
					(uint32_t)sa_port(&sa)));
	ck_assert_str_eq(to, got.to);
	relay_answer(&got, "401 Unauthorized", CHALL);
	got_free(&got);
	relay_take(&got, "AUTH");
	relay_answer(&got, "200 OK", GRANT);
	WAIT(is_set, &told.upc);
	ck_assert_str_eq(B_URI, msrp_relay_path(relay));

	/* sessions are where AUTH came from */
	relay_behind(&s1);
	ck_assert_int_eq(0, strncmp(own, s1.sess->path, str_len(own)));
	got_free(&got);
	mem_deref(own);
	mem_deref(to);
}
END_TEST


/* A relay behind the relay: asked through it. a=path leads through both, and
   c= to the outer one. (Kamailio 5.6 cannot be either: it answers AUTH to the
   previous hop alone.) */
START_TEST(test_chain)
{
	struct msrp_relay_conf conf = {.user = "bob", .pass = "secret"};
	struct got got;
	char *uri, *path;
	struct sa sa;

	peer_listen(&p1, &sa, "127.0.0.1");
	ck_assert_int_eq(0, re_sdprintf(&uri, "msrp://b.example.net:%u;tcp "
		"msrp://192.0.2.7;tcp", (uint32_t)sa_port(&sa)));
	conf.uri  = uri;
	conf.addr = sa;
	ck_assert_int_eq(0, msrp_relay_alloc(&relay, sess_stack, &conf,
					     relay_handler, &told));
	relay_auth("401 Unauthorized", CHALL);
	relay_auth("200 OK", GRANT);
	relay_take(&got, "AUTH");
	ck_assert_str_eq(B_URI " msrp://192.0.2.7;tcp", got.to);
	ck_assert_uint_eq(0, told.upc);
	relay_answer(&got, "200 OK", "Use-Path: " B_URI
	       " msrp://192.0.2.7/x;tcp\r\n");
	WAIT(is_set, &told.upc);
	ck_assert_str_eq("msrp://192.0.2.7/x;tcp " B_URI,
			 msrp_relay_path(relay));
	got_free(&got);

	relay_behind(&s1);
	ck_assert_int_eq(0, re_sdprintf(&path, "msrp://192.0.2.7/x;tcp " B_URI
					" %s", s1.sess->path));
	ck_assert_str_eq(path, msrp_sess_path(s1.sess));
	ck_assert_uint_eq(2855, msrp_sess_lport(s1.sess));
	ck_assert_int_eq(0, sa_set_str(&sa, "192.0.2.7", 2855));
	ck_assert(sa_cmp(&sa, msrp_sess_laddr(s1.sess), SA_ALL));
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	relay_take(&got, "SEND");
	ck_assert_str_eq(B_URI " msrp://192.0.2.7/x;tcp " A_URI " " ALICE,
			 got.to);
	got_free(&got);
	mem_deref(path);
	mem_deref(uri);
}
END_TEST


/* Lost: the sessions end with a reason; it comes back, with new sessions */
START_TEST(test_lost)
{
	relay_make(20);
	relay_up();
	relay_behind(&s1);
	msrp_sess_start(s1.sess);
	relay_behind(&s2);
	p1.tc = mem_deref(p1.tc);
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(ECONNRESET, told.err);
	ck_assert_uint_eq(1, s1.closec);
	ck_assert_uint_eq(1, s2.closec);
	ck_assert_int_eq(ECONNRESET, s1.close_err);
	ck_assert_int_eq(ECONNRESET, s2.close_err);
	ck_assert(!msrp_relay_isup(relay));
	ck_assert_int_eq(EPROTO, msrp_sess_connect(s1.sess, NULL));

	/* what it knew is of no use to another connection */
	s1.sess = mem_deref(s1.sess);
	mbuf_rewind(p1.rx);
	relay_up();
	ck_assert_uint_eq(2, told.upc);
	relay_behind(&s1);
	relay_send_msg(&s1, "tid00001", HELLO);
	relay_answered(&s1, "tid00001", "200 OK");
}
END_TEST


static const struct {
	const char *status;
	const char *rest;
	int err;
	uint16_t scode;
} refusev[] = {
	{"403 Forbidden", "", EACCES, 403},
	{"501 Unknown Method", "", EPROTO, 501},
	{"200 OK", "Expires: 900\r\n", EBADMSG, 200},
};


/* Refused: told, and tried again later */
START_TEST(test_refused)
{
	relay_make(20);
	relay_auth(refusev[_i].status, refusev[_i].rest);
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(refusev[_i].err, told.err);
	ck_assert_uint_eq(refusev[_i].scode, told.scode);
	WAIT(is_true, &p1.closed);
	p1.tc = mem_deref(p1.tc);
	ck_assert_uint_eq(0, told.upc);
	relay_up();
}
END_TEST


START_TEST(test_wrong_password)
{
	relay_make(0);
	relay_auth("401 Unauthorized", CHALL);
	relay_auth("401 Unauthorized", CHALL);
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(EACCES, told.err);
	ck_assert_uint_eq(401, told.scode);
}
END_TEST


START_TEST(test_no_answer)
{
	struct got got;

	sess_restack(60, 0, 0);
	relay_make(0);
	relay_take(&got, "AUTH");
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(ETIMEDOUT, told.err);
	WAIT(is_true, &p1.closed);
	got_free(&got);
}
END_TEST


/* Nobody is there, then somebody is: kicked, it does not wait */
START_TEST(test_no_relay)
{
	const struct msrp_relay_conf conf = {
		.uri = "msrp://relay.test:2855;tcp", .user = "bob",
		.pass = "secret", .retry = 60000,
	};
	struct sa sa;

	peer_listen(&p2, &sa, "127.0.0.1");
	p2.ts = mem_deref(p2.ts);
	ck_assert_int_eq(0, msrp_relay_alloc(&relay, sess_stack, &conf,
					     relay_handler, &told));
	/* without an address there is nothing to be done */
	msrp_relay_kick(relay);
	loop_settle(20);
	ck_assert_uint_eq(0, told.downc);

	msrp_relay_set_addr(relay, &sa);
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(ECONNREFUSED, told.err);
	peer_listen(&p1, &sa, "127.0.0.1");
	msrp_relay_set_addr(relay, &sa);
	msrp_relay_kick(relay);
	relay_up();
	msrp_relay_kick(relay);
	loop_settle(20);
	ck_assert_uint_eq(1, told.upc);
}
END_TEST


/* Before the time is over AUTH is sent again, on the same connection; another
   path is for new sessions */
START_TEST(test_refresh)
{
	char *path;

	relay_make(0);
	relay_auth("401 Unauthorized", CHALL);
	relay_auth("200 OK", "Use-Path: " B_URI "\r\nExpires: 1\r\n");
	WAIT(is_set, &told.upc);
	relay_behind(&s1);
	ck_assert_int_eq(0, str_dup(&path, msrp_sess_path(s1.sess)));
	relay_auth("200 OK", "Use-Path: " A_URI "\r\nExpires: 1\r\n");
	while (!str_cmp(B_URI, msrp_relay_path(relay)))
		loop_settle(1);
	ck_assert_str_eq(A_URI, msrp_relay_path(relay));
	ck_assert_str_eq(path, msrp_sess_path(s1.sess));
	ck_assert_uint_eq(1, told.upc);
	relay_behind(&s2);
	ck_assert_ptr_eq(s1.sess->conn, s2.sess->conn);

	/* until it is not wanted any more */
	relay_auth("403 Forbidden", "");
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(EACCES, told.err);
	ck_assert_int_eq(EACCES, s1.close_err);
	mem_deref(path);
}
END_TEST


/* It goes while a session is on it, which stays; or in its own handler */
START_TEST(test_free)
{
	relay_make(0);
	relay_up();
	relay_behind(&s1);
	relay = mem_deref(relay);
	relay_send_msg(&s1, "tid00001", HELLO);
	relay_answered(&s1, "tid00001", "200 OK");
	msrp_sess_close(s1.sess);
	WAIT(is_true, &p1.closed);
}
END_TEST


START_TEST(test_free_in_handler)
{
	told.deref = true;
	relay_make(0);
	if (_i) {
		relay_auth("403 Forbidden", "");
	}
	else {
		relay_auth("401 Unauthorized", CHALL);
		relay_auth("200 OK", GRANT);
	}
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(1, told.upc + told.downc);
	ck_assert_ptr_null(relay);
}
END_TEST


START_TEST(test_errors)
{
	struct msrp_relay_conf conf = {.user = "bob", .pass = "secret"};

	ck_assert_int_eq(EINVAL, msrp_relay_alloc(&relay, sess_stack, NULL,
						  NULL, NULL));
	ck_assert_int_eq(EINVAL, msrp_relay_alloc(&relay, sess_stack, &conf,
						  NULL, NULL));
	conf.uri = "msrps://relay.test:2855;tcp";
	ck_assert_int_eq(ENOTSUP, msrp_relay_alloc(&relay, sess_stack, &conf,
						   NULL, NULL));
	conf.uri = "sip:relay.test";
	ck_assert_int_eq(EBADMSG, msrp_relay_alloc(&relay, sess_stack, &conf,
						   NULL, NULL));
	relay_make(0);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(EAGAIN, msrp_sess_use_relay(s1.sess, relay));
	ck_assert_int_eq(EINVAL, msrp_sess_use_relay(s1.sess, NULL));
	ck_assert_int_eq(EINVAL, msrp_sess_use_relay(NULL, relay));
	relay_up();
	ck_assert_int_eq(0, msrp_sess_use_relay(s1.sess, relay));
	ck_assert_int_eq(EPROTO, msrp_sess_use_relay(s1.sess, relay));
	sess_make(&s2, "127.0.0.1");
	msrp_sess_start(s2.sess);
	ck_assert_int_eq(EPROTO, msrp_sess_use_relay(s2.sess, relay));
}
END_TEST


void relay_conn_tests(Suite *suite)
{
	TCase *tc = tcase_create("conn");

	tcase_add_checked_fixture(tc, relay_setup, relay_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_up);
	tcase_add_test(tc, test_chain);
	tcase_add_test(tc, test_lost);
	tcase_add_loop_test(tc, test_refused, 0, N(refusev));
	tcase_add_test(tc, test_wrong_password);
	tcase_add_test(tc, test_no_answer);
	tcase_add_test(tc, test_no_relay);
	tcase_add_test(tc, test_refresh);
	tcase_add_test(tc, test_free);
	tcase_add_loop_test(tc, test_free_in_handler, 0, 2);
	tcase_add_test(tc, test_errors);
	suite_add_tcase(suite, tc);
}
