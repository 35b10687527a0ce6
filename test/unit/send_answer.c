/**
 * @file send_answer.c  Answers to what we send, or none (RFC 4975, 7.2, 10)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "send_unit.h"


static const struct {
	const char *status;
	uint16_t scode;
} refusev[] = {
	{"400 Bad", 400}, {"403 No", 403}, {"408 Late", 408},
	{"413 Stop", 413}, {"415 Type", 415}, {"423 Range", 423},
	{"481 Gone", 481}, {"501 What", 501}, {"506 Bound", 506},
	{"300 Other", 300}, {"699", 699},
};

/* The message has left whole: it ends, and only 481 ends the session */
START_TEST(test_refused)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	msg_text(&send, &m1, "hello");
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	answer(f.tid, refusev[_i].status);
	msg_end(&m1, EPROTO, refusev[_i].scode);
	ck_assert_uint_eq(0, msrp_tx_acked(m1.tx));
	loop_settle(10);
	ck_assert_uint_eq(pos, p1.rx->end);

	if (refusev[_i].scode == 481) {
		WAIT(is_set, &s1.closec);
		ck_assert_int_eq(EPROTO, s1.close_err);
		ck_assert_uint_eq(0, m1.closec);
		WAIT(is_true, &p1.closed);
		return;
	}

	ck_assert_uint_eq(0, s1.closec);
	msg_text(&send, &m2, "again");
	msg_send(&s1, &m2, &send);
	frame_next(&f, &pos);
	answer(f.tid, "200 OK");
	msg_end(&m2, 0, 200);
	ck_assert_uint_eq(1, m1.sentc);
}
END_TEST


/* Octets are left: "#", once, and nothing after it (RFC 4975, 10.5) */
START_TEST(test_refused_midway)
{
	const bool gone = refusev[_i].scode == 481;
	struct msrp_send send;
	char tid[MSRP_TID_MAX + 1];
	struct frame f;
	size_t pos = 0;
	char *want;

	send_estab();
	m1.hold_at = 6000;
	m1.most = 3000;
	msg_read(&send, &m1, 100000);
	send.msgid = "m1";
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	memcpy(tid, f.tid, sizeof(tid));
	frame_next(&f, &pos);
	answer(f.tid, "200 OK");
	answer(tid, refusev[_i].status);
	msg_end(&m1, EPROTO, refusev[_i].scode);
	msrp_tx_wake(m1.tx);
	if (!gone) {
		const size_t from = pos;

		frame_next(&f, &pos);
		ck_assert_int_eq(MSRP_ABORT, f.flag);
		ck_assert_int_eq(0, re_sdprintf(&want, "MSRP %s SEND\r\n"
			"To-Path: " PEER "\r\nFrom-Path: %s\r\n"
			"Message-ID: m1\r\nFailure-Report: no\r\n"
			"Byte-Range: 6001-6000/100000\r\n"
			"Content-Type: text/plain\r\n\r\n\r\n-------%s#\r\n",
			f.tid, msrp_sess_path(s1.sess), f.tid));
		ck_assert_uint_eq(str_len(want), pos - from);
		ck_assert(!memcmp(want, p1.rx->buf + from, pos - from));
		mem_deref(want);
	}
	loop_settle(10);
	ck_assert_uint_eq(pos, p1.rx->end);
	ck_assert_uint_eq(gone, s1.closec);
}
END_TEST


/* Answers in another order, twice, to nothing: what counts is the octets from
   the beginning on */
START_TEST(test_order)
{
	static const struct {
		unsigned n;
		uint64_t acked;
	} v[] = {{1, 0}, {1, 0}, {3, 0}, {0, 5000}, {2, 10000}};
	char tidv[4][MSRP_TID_MAX + 1];
	struct msrp_send send;
	struct frame f;
	size_t i, pos = 0;

	send_estab();
	m1.most = 2500;
	msg_read(&send, &m1, 10000);
	msg_send(&s1, &m1, &send);
	for (i=0; i<COUNT(tidv); i++) {
		frame_next(&f, &pos);
		memcpy(tidv[i], f.tid, sizeof(tidv[i]));
	}
	answer("nothing1", "200 OK");
	answer("nothing1", "413 Stop");
	for (i=0; i<COUNT(v); i++) {
		ck_assert_uint_eq(0, m1.sentc);
		answer(tidv[v[i].n], "200 OK");
		loop_settle(10);
		ck_assert_uint_eq(v[i].acked, msrp_tx_acked(m1.tx));
	}
	msg_end(&m1, 0, 200);
	answer(tidv[0], "413 Stop");
	loop_settle(10);
	ck_assert_uint_eq(1, m1.sentc);
}
END_TEST


/* No answer: 408; with partial that means that it was not refused; with no
   it was over as soon as it had left */
START_TEST(test_silence)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	sess_restack(80, 0, 0);
	send_estab();
	msg_text(&send, &m1, "hello");
	send.failure_report = (enum msrp_freport)_i;
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	ck_assert_uint_eq(_i == MSRP_FREPORT_NO, m1.sentc);
	msg_end(&m1, _i == MSRP_FREPORT_YES ? ETIMEDOUT : 0,
		_i == MSRP_FREPORT_YES ? 408 : 200);
	loop_settle(10);
	ck_assert_uint_eq(pos, p1.rx->end);
	ck_assert_uint_eq(0, s1.closec);
	ck_assert_ptr_null(s1.sess->conn->transh);
}
END_TEST


/* The first chunk is not answered, the second one is; octets are left */
START_TEST(test_timeout_midway)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	sess_restack(80, 0, 0);
	send_estab();
	m1.hold_at = 6000;
	m1.most = 3000;
	msg_read(&send, &m1, 100000);
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	frame_next(&f, &pos);
	answer(f.tid, "200 OK");
	msg_end(&m1, ETIMEDOUT, 408);
	ck_assert_uint_eq(0, msrp_tx_acked(m1.tx));
	frame_next(&f, &pos);
	ck_assert_int_eq(MSRP_ABORT, f.flag);
}
END_TEST


START_TEST(test_partial_refused)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	msg_text(&send, &m1, "hello");
	send.failure_report = MSRP_FREPORT_PARTIAL;
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	answer(f.tid, "415 Type");
	msg_end(&m1, EPROTO, 415);
}
END_TEST


static bool all_left(const void *arg)
{
	(void)arg;

	return msrp_tx_sent(m1.tx) == 100000;
}


/* So many chunks wait for an answer that is not due: the older ones are
   forgotten, the last one decides */
START_TEST(test_partial_many)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	sess_restack(500, 0, 0);
	send_estab();
	m1.most = 100;
	msg_read(&send, &m1, 100000);
	send.failure_report = MSRP_FREPORT_PARTIAL;
	msg_send(&s1, &m1, &send);
	WAIT(all_left, NULL);
	ck_assert_uint_eq(256, m1.tx->chunkc);
	loop_settle(20);
	do {
		ck_assert(frame_decode(&f, &pos));
	} while (f.flag == MSRP_CONTINUE);
	if (_i) {
		answer(f.tid, "403 No");
		msg_end(&m1, EPROTO, 403);
	}
	else {
		msg_end(&m1, 0, 200);
	}
	ck_assert_uint_eq(0, msrp_tx_acked(m1.tx));
}
END_TEST


/* A peer that reads and does not answer stops us */
START_TEST(test_window)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;
	unsigned i;

	send_estab();
	m1.most = 100;
	msg_read(&send, &m1, 30000);
	msg_send(&s1, &m1, &send);
	for (i=0; i<256; i++)
		frame_next(&f, &pos);
	loop_settle(20);
	ck_assert_uint_eq(pos, p1.rx->end);
	ck_assert_uint_eq(25600, m1.given);

	/* another message does not wait for that */
	msg_text(&send, &m2, "hello");
	msg_send(&s1, &m2, &send);
	frame_next(&f, &pos);
	answer(f.tid, "200 OK");
	msg_end(&m2, 0, 200);

	pos = 0;
	for (i=0; i<301; i++) {
		frame_next(&f, &pos);
		answer(f.tid, "200 OK");
	}
	msg_end(&m1, 0, 200);
}
END_TEST


/* While we do not look at answers, they are not late */
START_TEST(test_stopped)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	sess_restack(60, 0, 0);
	send_estab();
	msg_text(&send, &m1, "hello");
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	msrp_sess_pause(s1.sess, true);
	answer(f.tid, "200 OK");
	loop_settle(200);
	ck_assert_uint_eq(0, m1.sentc);
	msrp_sess_pause(s1.sess, false);
	msg_end(&m1, 0, 200);
}
END_TEST


/*
 * Transactions by themselves
 */

struct wait {
	struct msrp_trans *tr;
	unsigned n;
	int err;
	uint16_t scode;
	struct msrp_head head;
};

static void trans_handler(int err, const struct msrp_head *head, void *arg)
{
	struct wait *w = arg;

	++w->n;
	w->err = err;
	w->scode = head ? head->scode : 0;
	w->tr = mem_deref(w->tr);
}


START_TEST(test_trans)
{
	struct wait v[3];
	struct msrp_conn *conn;
	char longer[MSRP_TID_MAX + 2];
	struct msrp_trans *tr = NULL;

	sess_restack(80, 0, 0);
	send_estab();
	conn = s1.sess->conn;
	memset(v, 0, sizeof(v));
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(EINVAL, msrp_trans_alloc(NULL, conn, "tid1",
						  trans_handler, NULL));
	ck_assert_int_eq(EINVAL, msrp_trans_alloc(&tr, NULL, "tid1",
						  trans_handler, NULL));
	ck_assert_int_eq(EINVAL, msrp_trans_alloc(&tr, conn, longer,
						  trans_handler, NULL));
	ck_assert_int_eq(EINVAL, msrp_trans_alloc(&tr, conn, "tid1", NULL,
						  NULL));
	ck_assert_ptr_null(tr);

	ck_assert_int_eq(0, msrp_trans_alloc(&v[0].tr, conn, "tid1",
					     trans_handler, &v[0]));
	ck_assert_int_eq(0, msrp_trans_alloc(&v[1].tr, conn, "tid2",
					     trans_handler, &v[1]));
	ck_assert_int_eq(0, msrp_trans_alloc(&v[2].tr, conn, "tid3",
					     trans_handler, &v[2]));
	v[2].tr = mem_deref(v[2].tr);
	answer("tid2", "401 Unauthorized");
	answer("tid3", "200 OK");
	WAIT(is_set, &v[1].n);
	ck_assert_int_eq(0, v[1].err);
	ck_assert_uint_eq(401, v[1].scode);
	WAIT(is_set, &v[0].n);
	ck_assert_int_eq(ETIMEDOUT, v[0].err);
	ck_assert_uint_eq(0, v[2].n);

	ck_assert_int_eq(0, msrp_trans_alloc(&v[0].tr, conn, "tid1",
					     trans_handler, &v[0]));
	ck_assert_int_eq(0, msrp_trans_alloc(&v[1].tr, conn, "tid2",
					     trans_handler, &v[1]));
	mem_ref(conn);
	msrp_sess_close(s1.sess);
	ck_assert_uint_eq(2, v[0].n);
	ck_assert_int_eq(ENOTCONN, v[0].err);
	ck_assert_uint_eq(2, v[1].n);
	ck_assert_int_eq(ENOTCONN, msrp_trans_alloc(&tr, conn, "tid1",
						    trans_handler, NULL));
	mem_deref(conn);
}
END_TEST


void send_answer_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_refused, 0, COUNT(refusev));
	tcase_add_loop_test(tc, test_refused_midway, 0, COUNT(refusev));
	tcase_add_test(tc, test_order);
	tcase_add_loop_test(tc, test_silence, 0, 3);
	tcase_add_test(tc, test_timeout_midway);
	tcase_add_test(tc, test_partial_refused);
	tcase_add_loop_test(tc, test_partial_many, 0, 2);
	tcase_add_test(tc, test_window);
	tcase_add_test(tc, test_stopped);
	tcase_add_test(tc, test_trans);
}
