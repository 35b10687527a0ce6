/**
 * @file relay_sess.c  Sessions behind a relay of ours (RFC 4976, 5.2, and the
 * examples of 3), on the loopback
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "relay_unit.h"


/* We bind through the relay: the way is all relays and the peer; we alone are
   From-Path; a=path has the relay first. c= and m= are the relay's */
START_TEST(test_bind)
{
	struct got got;
	char *path;

	relay_make(0);
	relay_up();
	relay_behind(&s1);
	ck_assert_int_eq(0, re_sdprintf(&path, B_URI " %s", s1.sess->path));
	ck_assert_str_eq(path, msrp_sess_path(s1.sess));
	ck_assert_uint_eq(9000, msrp_sess_lport(s1.sess));
	ck_assert(sa_isset(msrp_sess_laddr(s1.sess), SA_ADDR));
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	ck_assert_str_eq(path, msrp_sess_path(s1.sess));
	mem_deref(path);

	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	ck_assert_int_eq(EPROTO, msrp_sess_connect(s1.sess, NULL));
	relay_take(&got, "SEND");
	ck_assert_str_eq(B_URI " " A_URI " " ALICE, got.to);
	ck_assert_str_eq(s1.sess->path, got.from);
	relay_answer(&got, "200 OK", "");
	WAIT(is_set, &s1.estabc);
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	got_free(&got);
}
END_TEST


START_TEST(test_bind_refused)
{
	struct got got;

	relay_make(0);
	relay_up();
	relay_behind(&s1);
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	relay_take(&got, "SEND");
	relay_answer(&got, "481 No", "");
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(EPROTO, s1.close_err);
	ck_assert(!p1.closed && msrp_relay_isup(relay));
	got_free(&got);
}
END_TEST


/* RFC 4976, 3: the answer goes to the last relay, the REPORT all the way */
START_TEST(test_example)
{
	static const char body[] = "Hi Bob, I'm about to send you file.mpeg";
	struct msrp_head head;
	char *rest, *str;

	relay_make(0);
	relay_up();
	relay_behind(&s1);
	msrp_sess_start(s1.sess);
	ck_assert_int_eq(0, re_sdprintf(&rest, "Success-Report: yes\r\n"
		"Message-ID: 87652\r\nByte-Range: 1-39/39\r\n"
		"Content-Type: text/plain\r\n\r\n%s\r\n", body));
	relay_send_msg(&s1, "yh67", rest);
	expect_n(&p1, "$\r\n", 2);
	p1.rx->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, p1.rx));
	ck_assert_uint_eq(200, head.scode);
	ck_assert(!pl_strcmp(&head.to_path, B_URI));
	ck_assert(!pl_strcmp(&head.from_path, s1.sess->path));
	ck_assert_int_eq(0, msrp_head_decode(&head, p1.rx));
	ck_assert(!pl_strcmp(&head.met, "REPORT"));
	ck_assert(!pl_strcmp(&head.to_path, B_URI " " A_URI " " ALICE));
	ck_assert(!pl_strcmp(&head.from_path, s1.sess->path));
	ck_assert(!pl_strcmp(&head.status, "000 200 OK"));
	ck_assert(!pl_strcmp(&head.msgid, "87652"));
	ck_assert_uint_eq(39, head.range.total);
	ck_assert_uint_eq(p1.rx->end, p1.rx->pos);
	s1.body->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(s1.body, &str, s1.body->end));
	ck_assert_str_eq(body, str);
	mem_deref(str);
	mem_deref(rest);
}
END_TEST


/* Two sessions; the one waits for nothing of the other's, and when it goes the
   connection stays, also without any */
START_TEST(test_shared)
{
	relay_make(0);
	relay_up();
	relay_behind(&s1);
	relay_behind(&s2);
	ck_assert_ptr_eq(s1.sess->conn, s2.sess->conn);
	ck_assert_str_ne(s1.sess->path, s2.sess->path);

	/* neither has started, the ACK is late */
	relay_send_msg(&s1, "tid00001", HELLO);
	relay_answered(&s1, "tid00001", "200 OK");
	relay_send_msg(&s2, "tid00002", HELLO);
	relay_answered(&s2, "tid00002", "200 OK");
	ck_assert_uint_eq(1, s1.estabc);
	msrp_sess_start(s1.sess);
	msrp_sess_start(s2.sess);

	msrp_sess_close(s1.sess);
	relay_send_msg(&s2, "tid00003", BIND);
	relay_answered(&s2, "tid00003", "200 OK");
	relay_send_msg(&s1, "tid00004", HELLO);
	relay_answered(&s1, "tid00004", "481 No Such Session");
	msrp_sess_close(s2.sess);
	loop_settle(20);
	ck_assert(!p1.closed && msrp_relay_isup(relay));
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(1, s2.donec);
}
END_TEST


/* An early request is as good as the answer to our bind */
START_TEST(test_early)
{
	relay_make(0);
	relay_up();
	relay_behind(&s1);
	relay_send_msg(&s1, "tid00001", HELLO);
	relay_answered(&s1, "tid00001", "200 OK");
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	loop_settle(10);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_uint_eq(1, s1.estabc);
}
END_TEST


/* Who is not the peer is not heard, through whatever relays; nor is the peer
   beside the relay */
START_TEST(test_stranger)
{
	char *str;

	relay_make(0);
	relay_up();
	relay_behind(&s1);
	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid00001 SEND\r\n"
		"To-Path: %s\r\nFrom-Path: " B_URI " " PEER "\r\n" HELLO
		"-------tid00001$\r\n", s1.sess->path));
	peer_puts(&p1, str);
	mem_deref(str);
	relay_answered(&s1, "tid00001", "481 No Such Session");

	sess_make(&s2, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
	peer_connect(&p2, &s2);
	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid00001 SEND\r\n"
		"To-Path: %s\r\nFrom-Path: " ALICE "\r\n" HELLO
		"-------tid00001$\r\n", s1.sess->path));
	peer_puts(&p2, str);
	mem_deref(str);
	expect(&p2, "MSRP tid00001 506 ");
	ck_assert_uint_eq(0, s1.openc);
}
END_TEST


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct told *t = arg;

	++t->sentc;
	t->err = err;
	t->scode = scode;
}


static void report_handler(uint16_t scode, const struct msrp_range *range,
			   void *arg)
{
	struct told *t = arg;
	(void)range;

	t->reported = scode;
}


static void reports(const struct side *s, const char *from, const char *msgid,
		    const char *code)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid00009 REPORT\r\n"
		"To-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n"
		"Byte-Range: 1-20000/20000\r\nStatus: 000 %s\r\n"
		"-------tid00009$\r\n", s->sess->path, from, msgid, code));
	peer_puts(&p1, str);
	mem_deref(str);
}


/* The next chunk at pos, if it is there whole */
static bool chunk_take(struct got *got, size_t *pos, size_t *len)
{
	struct msrp_body body;
	struct msrp_head head;
	struct pl pl;

	p1.rx->pos = *pos;
	if (msrp_head_decode(&head, p1.rx))
		return false;

	memset(&body, 0, sizeof(body));
	(void)pl_strcpy(&head.tid, body.tid, sizeof(body.tid));
	if (msrp_body_decode(&body, p1.rx, &pl))
		return false;

	ck_assert(!pl_strcmp(&head.to_path, B_URI " " A_URI " " ALICE));
	ck_assert(!pl_strcmp(&head.from_path, s1.sess->path));
	ck_assert_uint_le(pl.l, 8192);
	ck_assert_int_eq(0, pl_strcpy(&head.tid, got->tid, ID_SIZE));
	*pos = p1.rx->pos;
	*len += pl.l;

	return true;
}


/* What we send goes all the way, in chunks that a relay can bear. It is the
   relay that answers; later a REPORT comes, from the peer or from a relay that
   could not hand it on. Of strangers' REPORTs nothing is believed. */
START_TEST(test_send)
{
	struct msrp_send send = {
		.ctype = "text/plain", .msgid = "m1", .success_report = true,
		.senth = sent_handler, .reporth = report_handler,
		.arg = &told,
	};
	struct got got;
	size_t pos = 0, len = 0;

	relay_make(0);
	relay_up();
	relay_behind(&s1);
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	relay_take(&got, "SEND");
	relay_answer(&got, "200 OK", "");
	got_free(&got);
	WAIT(is_set, &s1.estabc);

	send.mb = mbuf_alloc(20000);
	ck_assert_int_eq(0, mbuf_fill(send.mb, 'x', 20000));
	send.mb->pos = 0;
	told.sentc = 0;
	ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &send));
	while (len < 20000) {
		loop_settle(5);
		while (chunk_take(&got, &pos, &len)) {
			got.from = s1.sess->path;
			relay_answer(&got, "200 OK", "");
		}
	}
	ck_assert_uint_eq(20000, len);
	WAIT(is_set, &told.sentc);
	ck_assert_int_eq(0, told.err);

	reports(&s1, PEER, "m1", "408 Timeout");
	loop_settle(20);
	ck_assert_uint_eq(0, told.reported);
	reports(&s1, _i ? B_URI : B_URI " " A_URI " " ALICE, "m1",
		_i ? "408 Timeout" : "200 OK");
	while (!told.reported)
		loop_settle(1);
	ck_assert_uint_eq(_i ? 408 : 200, told.reported);
	mem_deref(send.mb);
}
END_TEST


/* Relays of the peer's alone: we go to the first, with all of the path */
START_TEST(test_peers_relays)
{
	struct got got;
	struct sa sa;

	peer_listen(&p1, &sa, "127.0.0.1");
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess, B_URI " " A_URI " "
					       ALICE));
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	relay_take(&got, "SEND");
	ck_assert_str_eq(B_URI " " A_URI " " ALICE, got.to);
	ck_assert_str_eq(msrp_sess_path(s1.sess), got.from);
	relay_answer(&got, "200 OK", "");
	WAIT(is_set, &s1.estabc);
	relay_send_msg(&s1, "tid00001", HELLO);
	relay_answered(&s1, "tid00001", "200 OK");
	got_free(&got);
}
END_TEST


void relay_sess_tests(Suite *suite)
{
	TCase *tc = tcase_create("sess");

	tcase_add_checked_fixture(tc, relay_setup, relay_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_bind);
	tcase_add_test(tc, test_bind_refused);
	tcase_add_test(tc, test_example);
	tcase_add_test(tc, test_shared);
	tcase_add_test(tc, test_early);
	tcase_add_test(tc, test_stranger);
	tcase_add_loop_test(tc, test_send, 0, 2);
	tcase_add_test(tc, test_peers_relays);
	suite_add_tcase(suite, tc);
}
