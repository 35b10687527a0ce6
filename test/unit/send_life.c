/**
 * @file send_life.c  Messages and sessions that go in the midst of it
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "send_unit.h"


/* Given up: before a chunk has left, between chunks, with all chunks out */
START_TEST(test_abort)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.hold_at = _i ? 4096 : 1;
	msg_read(&send, &m1, _i == 2 ? 4096 : 10000);
	if (!_i)
		m1.hold_at = 1, m1.fail_at = 0, send.start = 1;
	msg_send(&s1, &m1, &send);
	if (_i)
		frame_next(&f, &pos);
	else
		loop_settle(10);
	msrp_tx_abort(m1.tx);
	ck_assert_uint_eq(1, m1.sentc);
	ck_assert_int_eq(ECANCELED, m1.err);
	ck_assert_uint_eq(0, m1.scode);
	if (_i == 1) {
		frame_next(&f, &pos);
		ck_assert_int_eq(MSRP_ABORT, f.flag);
		ck_assert_uint_eq(4096, f.off);
		ck_assert_uint_eq(0, f.body.l);
		ck_assert_int_eq(MSRP_FREPORT_NO, f.head.failure_report);
		ck_assert_str_eq(msrp_tx_msgid(m1.tx), f.msgid);
	}
	loop_settle(10);
	ck_assert_uint_eq(pos, p1.rx->end);
	msrp_tx_abort(m1.tx);
	msrp_tx_wake(m1.tx);
	loop_settle(10);
	ck_assert_uint_eq(1, m1.sentc);
	ck_assert_uint_eq(pos, p1.rx->end);
}
END_TEST


/* Ours understands that: the message is dropped */
START_TEST(test_abort_both)
{
	struct msrp_send send;
	struct sa sa;

	sess_make(&s2, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess,
					       msrp_sess_path(s2.sess)));
	ck_assert_int_eq(0, msrp_sess_set_peer(s2.sess,
					       msrp_sess_path(s1.sess)));
	msrp_sess_start(s2.sess);
	ck_assert_int_eq(0, sa_set_str(&sa, "127.0.0.1",
				       msrp_sess_lport(s2.sess)));
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	m1.hold_at = 5000;
	msg_read(&send, &m1, 10000);
	msg_send(&s1, &m1, &send);
	WAIT(is_set, &s2.openc);
	msrp_tx_abort(m1.tx);
	WAIT(is_set, &s2.dropc);
	ck_assert_uint_eq(0, s2.donec);
	ck_assert_uint_eq(5000, s2.octets);
}
END_TEST


/* The reader fails, at once or later, with what may mean something inside */
START_TEST(test_reader_fails)
{
	static const int errv[] = {EIO, ENODATA, EAGAIN, ECANCELED};
	const bool later = _i >= 4;
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.fail_at = later ? 3000 : 1;
	m1.fail_err = errv[_i % 4];
	msg_read(&send, &m1, 10000);
	if (!later)
		send.start = 1;
	msg_send(&s1, &m1, &send);
	msg_end(&m1, errv[_i % 4], 0);
	if (later) {
		frame_next(&f, &pos);
		ck_assert_uint_eq(3000, f.body.l);
		frame_next(&f, &pos);
		ck_assert_int_eq(MSRP_ABORT, f.flag);
	}
	loop_settle(10);
	ck_assert_uint_eq(pos, p1.rx->end);
	ck_assert_uint_eq(0, s1.closec);
}
END_TEST


/* What waits for the session hears why there is none; the connection that is
   lost says nothing */
START_TEST(test_bind_refused)
{
	struct msrp_send send;
	struct frame f;
	struct sa sa;
	size_t pos = 0;

	peer_listen(&p1, &sa, "127.0.0.1");
	sess_make(&s1, "127.0.0.1");
	msg_text(&send, &m1, "hello");
	msg_send(&s1, &m1, &send);
	msg_text(&send, &m2, "world");
	msg_send(&s1, &m2, &send);
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	frame_next(&f, &pos);
	if (_i)
		p1.tc = mem_deref(p1.tc);
	else
		answer(f.tid, "481 No Such Session");
	msg_end(&m1, _i ? ENOTCONN : EPROTO, _i ? 0 : 481);
	msg_end(&m2, _i ? ENOTCONN : EPROTO, _i ? 0 : 481);
	WAIT(is_set, &s1.closec);
	ck_assert_uint_eq(1, s1.closec);
	ck_assert_int_eq(_i ? 0 : EPROTO, s1.close_err);
}
END_TEST


static int liar(uint64_t off, uint8_t *buf, size_t *len, void *arg)
{
	(void)off;
	(void)buf;
	(void)arg;
	++*len;

	return 0;
}


START_TEST(test_reader_lies)
{
	struct msrp_send send;

	send_estab();
	msg_read(&send, &m1, 100);
	send.readh = liar;
	msg_send(&s1, &m1, &send);
	msg_end(&m1, EINVAL, 0);
	loop_settle(10);
	ck_assert_uint_eq(0, p1.rx->end);
}
END_TEST


/* Found by fuzzing: what was written behind the octets was counted with the
   path of before */
#define FAR "msrp://another.example:9999/a-longer-one-than-before-"	\
	"so-that-what-stands-in-front-of-the-octets-grows;tcp"

static int mover(uint64_t off, uint8_t *buf, size_t *len, void *arg)
{
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess, FAR));

	return read_handler(off, buf, len, arg);
}


START_TEST(test_reader_moves)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.most = _i ? 99 : 0;
	msg_read(&send, &m1, 100);
	send.readh = mover;
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	ck_assert_int_eq(0, pl_strcmp(&f.head.to_path, FAR));
	ck_assert_uint_eq(_i ? 99 : 100, f.body.l);
	ck_assert(is_pattern(0, f.body.p, f.body.l));
}
END_TEST


/* The connection goes: before the first chunk, in the midst, when all is out.
   Each message is told, then the session's end */
START_TEST(test_lost)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.hold_at = _i == 1 ? 4096 : 0;
	msg_read(&send, &m1, 10000);
	msg_text(&send, &m2, "hello");
	if (_i) {
		struct msrp_send large;

		msg_read(&large, &m1, 10000);
		msg_send(&s1, &m1, &large);
		frame_next(&f, &pos);
	}
	else {
		struct msrp_send large;

		msg_read(&large, &m1, 10000);
		m1.in = 0;
		p1.tc = mem_deref(p1.tc);
		msg_send(&s1, &m1, &large);
	}
	msg_send(&s1, &m2, &send);
	p1.tc = mem_deref(p1.tc);
	msg_end(&m1, ENOTCONN, 0);
	msg_end(&m2, ENOTCONN, 0);
	ck_assert_uint_eq(0, m1.closec);
	ck_assert_uint_eq(0, m2.closec);
	ck_assert_uint_eq(1, s1.closec);
	ck_assert_int_eq(ENOTCONN, msrp_send(NULL, s1.sess,
					     &(struct msrp_send){.ctype =
								 "a/b"}));
	ck_assert_uint_eq(0, msrp_tx_acked(m1.tx));
	msrp_tx_abort(m1.tx);
	msrp_tx_wake(m1.tx);
	ck_assert_uint_eq(1, m1.sentc);
}
END_TEST


/* It lets the message or the session go in each of the handlers */
START_TEST(test_leave)
{
	static const char inv[] = "rsp", whatv[] = "msca";
	const char in = inv[_i / 4], what = whatv[_i % 4];
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.in = in;
	m1.what = what;
	m1.most = 5000;
	msg_read(&send, &m1, 10000);
	send.success_report = true;
	send.msgid = "m1";
	msg_text(&send, &m2, "hello");
	{
		struct msrp_send large;

		msg_read(&large, &m1, 10000);
		large.success_report = true;
		large.msgid = "m1";
		msg_send(&s1, &m1, &large);
	}
	msg_send(&s1, &m2, &send);
	if (in == 'r') {
		loop_settle(20);
	}
	else {
		frame_next(&f, &pos);
		if (in == 'p') {
			report("Message-ID: m1\r\nByte-Range: 1-10/10000\r\n"
			       "Status: 000 200 OK\r\n");
			WAIT(is_set, &m1.reportc);
		}
		else {
			answer(f.tid, "403 No");
			msg_end(&m1, EPROTO, 403);
		}
		loop_settle(20);
	}
	ck_assert_int_eq(0, m1.in);
	ck_assert_uint_eq(what == 'a' || in == 's', m1.sentc);
	ck_assert_uint_eq(0, s1.closec);
	if (what == 'm' || what == 'a') {
		/* the other message and the session know nothing of it */
		do {
			frame_next(&f, &pos);
		} while (strcmp(f.msgid, msrp_tx_msgid(m2.tx)));
		answer(f.tid, "200 OK");
		msg_end(&m2, 0, 200);
	}
	else {
		WAIT(is_true, &p1.closed);
		ck_assert_uint_eq(0, m2.sentc);
	}
}
END_TEST


/* The session ends by itself, and the message's handler lets it go: then its
   own end is not told any more */
START_TEST(test_leave_ended)
{
	static const char whatv[] = "ms c";
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.in = 's';
	m1.what = whatv[_i];
	msg_text(&send, &m1, "hello");
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	msg_text(&send, &m2, "hello");
	msg_send(&s1, &m2, &send);
	p1.tc = mem_deref(p1.tc);
	WAIT(is_set, &m1.sentc);
	loop_settle(10);
	ck_assert_int_eq(ENOTCONN, m1.err);
	ck_assert_uint_eq(_i == 0 || _i == 2, s1.closec);
	ck_assert_uint_eq(_i == 0 || _i == 2, m2.sentc);
}
END_TEST


/* 481 and the session is let go in its turn */
START_TEST(test_leave_481)
{
	static const char whatv[] = "msc";
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.in = 's';
	m1.what = whatv[_i];
	msg_text(&send, &m1, "hello");
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	answer(f.tid, "481 Gone");
	msg_end(&m1, EPROTO, 481);
	loop_settle(10);
	ck_assert_uint_eq(_i == 0, s1.closec);
	WAIT(is_true, &p1.closed);
}
END_TEST


/* Freed or closed from outside: silent, and nothing is told */
START_TEST(test_silent)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.hold_at = 4096;
	msg_read(&send, &m1, 10000);
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &send));
	switch (_i) {

	case 0:
		m1.tx = mem_deref(m1.tx);
		answer(f.tid, "413 Stop");
		break;

	case 1:
		msrp_sess_close(s1.sess);
		break;

	default:
		s1.sess = mem_deref(s1.sess);
		break;
	}
	loop_settle(20);
	ck_assert_uint_eq(0, m1.sentc);
	ck_assert_uint_eq(0, s1.closec);
	ck_assert_uint_eq(_i > 0, p1.closed);
}
END_TEST


/* All sessions and messages of a stack, which outlives none of them */
START_TEST(test_outlives)
{
	struct msrp_send send;

	send_estab();
	msg_text(&send, &m1, "hello");
	msg_send(&s1, &m1, &send);
	loop_settle(10);
	s1.sess = mem_deref(s1.sess);
	sess_stack = mem_deref(sess_stack);
	ck_assert_uint_eq(5, msrp_tx_sent(m1.tx));
	ck_assert_uint_eq(0, m1.sentc);
	msrp_tx_abort(m1.tx);
}
END_TEST


void send_life_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_abort, 0, 3);
	tcase_add_test(tc, test_abort_both);
	tcase_add_loop_test(tc, test_reader_fails, 0, 8);
	tcase_add_loop_test(tc, test_bind_refused, 0, 2);
	tcase_add_test(tc, test_reader_lies);
	tcase_add_loop_test(tc, test_reader_moves, 0, 2);
	tcase_add_loop_test(tc, test_lost, 0, 3);
	tcase_add_loop_test(tc, test_leave, 0, 12);
	tcase_add_loop_test(tc, test_leave_ended, 0, 4);
	tcase_add_loop_test(tc, test_leave_481, 0, 3);
	tcase_add_loop_test(tc, test_silent, 0, 3);
	tcase_add_test(tc, test_outlives);
}
