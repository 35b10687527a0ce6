/**
 * @file sess_pause.c  Sessions: not read for a while
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <time.h>
#include "sess_unit.h"


enum {
	TOTAL = 8 << 20,
	AHEAD = 4 * 65536,  /* octets decoded at most once it is paused */
};


static void pause_handler(void *arg)
{
	(void)arg;
	re_cancel();
}


/* ms of a processor that the main loop takes while nothing comes, in a time
   without even a timer */
static uint64_t idle_cost(unsigned ms)
{
	struct timespec a, b;
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, ms, pause_handler, NULL);
	ck_assert_int_eq(0, clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a));
	ck_assert_int_eq(0, re_main(NULL));
	ck_assert_int_eq(0, clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b));
	tmr_cancel(&tmr);

	return (uint64_t)(b.tv_sec - a.tv_sec) * 1000 +
		(uint64_t)(b.tv_nsec / 1000000) -
		(uint64_t)(a.tv_nsec / 1000000);
}


/* Paused in the middle of a message: no more of it is taken than was read */
START_TEST(test_pause)
{
	static const size_t chunkv[] = {65536, 1000, TOTAL};

	s1.pause_at = 1 << 20;
	side_passive("127.0.0.1");
	send_large(TOTAL, chunkv[_i]);
	loop_settle(150);
	ck_assert_uint_ge(s1.octets, s1.pause_at);
	ck_assert_uint_le(s1.octets, s1.pause_at + AHEAD);

	s1.pause_at = 3 << 20;
	msrp_sess_pause(s1.sess, false);
	loop_settle(150);
	ck_assert_uint_ge(s1.octets, s1.pause_at);
	ck_assert_uint_le(s1.octets, s1.pause_at + AHEAD);

	s1.pause_at = 0;
	msrp_sess_pause(s1.sess, false);
	WAIT(is_set, &s1.donec);
	ck_assert_uint_eq(TOTAL, s1.octets);
	ck_assert_uint_eq(TOTAL, s1.body->end);
}
END_TEST


static bool kept_full(const void *arg)
{
	(void)arg;

	return s1.keptc >= WAIT_MAX;
}


/* Two reasons not to read: one that goes does not take the other along */
START_TEST(test_pause_both)
{
	s1.late = true;
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	pipeline(3 * WAIT_MAX, 100);
	WAIT(kept_full, NULL);
	msrp_sess_pause(s1.sess, true);
	msrp_sess_pause(s1.sess, false);
	loop_settle(30);
	ck_assert_uint_eq(WAIT_MAX, s1.donec);

	msrp_sess_pause(s1.sess, true);
	side_answer(&s1, 200, 0);
	loop_settle(30);
	ck_assert_uint_eq(WAIT_MAX, s1.donec);

	/* and woken up, but paused before it went on */
	msrp_sess_pause(s1.sess, false);
	msrp_sess_pause(s1.sess, true);
	loop_settle(30);
	ck_assert_uint_eq(WAIT_MAX, s1.donec);

	msrp_sess_pause(s1.sess, false);
	WAIT(kept_full, NULL);
	loop_settle(30);
	ck_assert_uint_eq(2 * WAIT_MAX, s1.donec);
}
END_TEST


/* Whatever it was paused for: afterwards it waits for octets, and does not
   run around */
START_TEST(test_pause_cost)
{
	s1.late = true;
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	if (_i) {
		pipeline(4 * WAIT_MAX, 1000);
		WAIT(kept_full, NULL);
		loop_settle(50);
		ck_assert_uint_lt(idle_cost(300), 30);
		while (s1.donec < 4 * WAIT_MAX) {
			side_answer(&s1, 200, 0);
			loop_settle(20);
		}
		side_answer(&s1, 200, 0);
	}
	else {
		s1.pause_at = 100000;
		send_large(TOTAL, 65536);
		loop_settle(150);
		ck_assert_uint_le(s1.octets, s1.pause_at + AHEAD);
		ck_assert_uint_lt(idle_cost(300), 30);
		s1.pause_at = 0;
		msrp_sess_pause(s1.sess, false);
		WAIT(is_set, &s1.donec);
		side_answer(&s1, 200, 0);
	}
	loop_settle(50);
	ck_assert_uint_lt(idle_cost(300), 30);
	mbuf_rewind(p1.rx);
	s1.late = false;
	talk(&p1, &s1, HELLO, "200 OK");
}
END_TEST


/* Octets that are not in memory hold up nobody behind them */
START_TEST(test_pause_size)
{
	s1.late = true;
	s1.size = _i ? 1000 : 0;
	side_passive("127.0.0.1");
	send_large(WAIT_SIZE, 65536);
	WAIT(is_set, &s1.donec);
	put(&p1, &s1, "tid00009", "SEND", HELLO);
	loop_settle(50);
	ck_assert_uint_eq(_i ? 2 : 1, s1.donec);
	side_answer(&s1, 200, 0);
	loop_settle(50);
	ck_assert_uint_eq(2, s1.donec);
}
END_TEST


/* While we do not read the peer cannot be idle */
START_TEST(test_pause_idle)
{
	sess_restack(0, 60, 0);
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	msrp_sess_pause(s1.sess, true);
	loop_settle(250);
	ck_assert_uint_eq(0, s1.closec);
	msrp_sess_pause(s1.sess, false);
	talk(&p1, &s1, HELLO, "200 OK");
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ETIMEDOUT, s1.close_err);
}
END_TEST


/* Nor is one whose chunk takes its time */
START_TEST(test_slow_chunk)
{
	static const char end[] = "\r\n-------tid00001$\r\n";
	char *str;
	unsigned i;

	sess_restack(0, 200, 0);
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	str = req(&s1, "tid00001", "SEND", "Message-ID: m1\r\n"
		  "Byte-Range: 1-10/10\r\nContent-Type: text/plain\r\n\r\n");
	peer_write(&p1, str, (size_t)(strstr(str, "\r\n\r\n") + 4 - str));
	for (i=0; i<10; i++) {
		loop_settle(40);
		peer_write(&p1, &"0123456789"[i], 1);
	}
	ck_assert_uint_eq(0, s1.closec);
	peer_write(&p1, end, sizeof(end) - 1);
	WAIT(is_set, &s1.donec);
	ck_assert_uint_eq(10, s1.octets);
	mem_deref(str);
}
END_TEST


void sess_pause_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_pause, 0, 3);
	tcase_add_test(tc, test_pause_both);
	tcase_add_loop_test(tc, test_pause_cost, 0, 2);
	tcase_add_loop_test(tc, test_pause_size, 0, 2);
	tcase_add_test(tc, test_pause_idle);
	tcase_add_test(tc, test_slow_chunk);
}
