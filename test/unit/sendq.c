/**
 * @file unit/sendq.c  Which message of ours goes when, in page mode
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <sqlite3.h>
#include "unit/sendq_unit.h"
#include "mock/store_fail.h"


/* In a conversation one after another; each has its own */
START_TEST(order)
{
	ob_start();
	sq_put("bob", "b1");
	sq_put("bob", "b2");
	sq_put("carol", "c1");
	sq_put("bob", "b3");
	sq_wait_asked(2);
	ob_wait_ms(50);
	ck_assert_uint_eq(2, t.reqc);
	ck_assert(sq_has(&t.reqv[0], "\r\n\r\nb1"));
	ck_assert(sq_has(&t.reqv[1], "\r\n\r\nc1"));
	ob_answer(&t.reqv[0]);
	sq_wait_asked(3);
	ck_assert(sq_has(&t.reqv[2], "\r\n\r\nb2"));
	ob_answer(&t.reqv[2]);
	sq_wait_asked(4);
	ck_assert(sq_has(&t.reqv[3], "\r\n\r\nb3"));
	ob_answer(&t.reqv[3]);
	ob_answer(&t.reqv[1]);
	sq_wait_sent(4);
	ck_assert_int_eq(0, sq_queued());
	ck_assert_uint_eq(200, t.out.code);
}
END_TEST


/* Who is refused for now waits with all that is behind it, no longer than the
   server says, and nobody else does. It is the same message then */
START_TEST(later)
{
	char was[64], is[64];
	uint64_t begin;

	ob_start();
	sq_put("bob", "b1");
	sq_put("bob", "b2");
	sq_wait_asked(1);
	begin = tmr_jiffies();
	t.scode = 503;
	t.after = 1;
	ob_answer(&t.reqv[0]);
	t.scode = 202;
	t.after = 0;
	sq_put("carol", "c1");
	sq_wait_asked(2);
	ck_assert(sq_has(&t.reqv[1], "\r\n\r\nc1"));
	ob_answer(&t.reqv[1]);
	sq_wait_sent(1);
	ck_assert_uint_eq(202, t.out.code);
	sq_wait_asked(3);
	ck_assert_uint_ge(tmr_jiffies() - begin, 1000);
	sq_field(was, sizeof(was), 0, "imdn.Message-ID: ");
	sq_field(is, sizeof(is), 2, "imdn.Message-ID: ");
	ck_assert_str_eq(was, is);
	sq_field(was, sizeof(was), 0, "Contribution-ID: ");
	sq_field(is, sizeof(is), 2, "Contribution-ID: ");
	ck_assert_str_eq(was, is);
	ob_answer(&t.reqv[2]);
	sq_wait_asked(4);
	ck_assert(sq_has(&t.reqv[3], "\r\n\r\nb2"));
	ob_answer(&t.reqv[3]);
	sq_wait_sent(3);
}
END_TEST


/* Refused for good: it is told why, and the next one goes */
START_TEST(never)
{
	uint64_t id;

	ob_start();
	id = sq_put("bob", "b1");
	sq_put("bob", "b2");
	sq_wait_asked(1);
	t.scode = 403;
	ob_answer(&t.reqv[0]);
	sq_wait_failed(1);
	ck_assert_uint_eq(id, t.out.id);
	ck_assert_uint_eq(403, t.out.code);
	ck_assert_str_eq("not allowed", t.out.reason);
	ck_assert_int_eq(CPM_OUT_FAILED, sq_msg(id).status);
	sq_wait_asked(2);
	t.scode = 200;
	ob_answer(&t.reqv[1]);
	sq_wait_sent(1);
}
END_TEST


/* A server that answers nobody has 16 conversations to think of */
START_TEST(window)
{
	char peer[16];
	unsigned i;

	ob_start();
	for (i=0; i<20; i++) {
		snprintf(peer, sizeof(peer), "p%02u", i);
		sq_put(peer, "x");
	}
	sq_wait_asked(16);
	ob_wait_ms(50);
	ck_assert_uint_eq(16, t.reqc);
	ob_answer(&t.reqv[3]);
	sq_wait_asked(17);
	t.hold = false;
	for (i=0; i<t.reqc; i++)
		ob_answer(&t.reqv[i]);
	sq_wait_sent(20);
	ck_assert_uint_eq(20, t.reqc);
}
END_TEST


static bool is_lost(void)
{
	return !t.registered;
}


/* While the account is not registered nothing goes, and nothing counts */
START_TEST(registration)
{
	unsigned i;
	uint64_t id;

	t.registers = true;
	ob_start();
	id = sq_put("bob", "b1");
	ob_wait_ms(100);
	ck_assert_uint_eq(0, t.reqc);
	ck_assert_int_eq(CPM_OUT_QUEUED, sq_msg(id).status);

	/* refused, as one who is not registered may be: that is not final,
	   and no try */
	for (i=0; i<2; i++) {
		t.registered = true;
		t.lose_at = 0;
		cpm_registered(t.cpm, ALICE);
		sq_wait_asked(i + 1);
		t.scode = i ? 503 : 403;
		t.lose_at = t.asked + 1;
		ob_answer(&t.reqv[i]);
		ob_wait(is_lost);
		ob_wait_ms(50);
		ck_assert_uint_eq(i + 1, t.reqc);
		ck_assert_uint_eq(0, t.out.failed);
		ck_assert_int_eq(1, sq_queued());
		ck_assert_uint_eq(0, sq_msg(id).tries);
	}

	t.registered = true;
	t.lose_at = 0;
	t.scode = 200;
	cpm_registered(t.cpm, ALICE);
	sq_wait_asked(3);
	ob_answer(&t.reqv[2]);
	sq_wait_sent(1);
}
END_TEST


static uint64_t bob1;

static bool bob_tried(void)
{
	return sq_msg(bob1).tries > 0;
}


/* Nobody was there: it goes as soon as the account registers again. What the
   server has put off does not, nor does each registration */
START_TEST(woken)
{
	char outbound[80];
	uint64_t begin;

	strcpy(outbound, t.outbound);
	strcpy(t.outbound, "sip:127.0.0.1:1;transport=tcp");
	t.registers = t.registered = true;
	ob_start();
	cpm_registered(t.cpm, ALICE);
	bob1 = sq_put("bob", "b1");
	ob_wait(bob_tried);
	ck_assert_int_eq(CPM_OUT_QUEUED, sq_msg(bob1).status);
	ck_assert_uint_eq(0, t.reqc);
	strcpy(t.outbound, outbound);
	cpm_registered(t.cpm, ALICE);
	sq_wait_asked(1);

	t.scode = 480;
	ob_answer(&t.reqv[0]);
	ob_wait_ms(50);
	cpm_registered(t.cpm, ALICE);
	ob_wait_ms(100);
	ck_assert_uint_eq(1, t.reqc);
	ck_assert_uint_eq(480, sq_msg(bob1).code);
	sq_wait_asked(2);

	t.scode = 503;
	t.after = 2;
	begin = tmr_jiffies();
	ob_answer(&t.reqv[1]);
	ob_wait_ms(50);
	t.registered = false;
	sq_put("carol", "c1");
	ob_wait_ms(50);
	t.registered = true;
	cpm_registered(t.cpm, ALICE);
	sq_wait_asked(3);
	ck_assert(sq_has(&t.reqv[2], "\r\n\r\nc1"));
	sq_wait_asked(4);
	ck_assert_uint_ge(tmr_jiffies() - begin, 2000);
}
END_TEST


static bool bob_tried_long(void)
{
	return sq_msg(bob1).tries > 12;
}


/* What has been tried for long would wait for an hour: it goes at once */
START_TEST(back)
{
	char outbound[80];

	t.registers = true;
	ob_start();
	bob1 = sq_put("bob", "b1");
	ob_stop();
	fx_sql("UPDATE sent SET tries = 12 WHERE queue IS NOT NULL");
	strcpy(outbound, t.outbound);
	strcpy(t.outbound, "sip:127.0.0.1:1;transport=tcp");
	t.registered = true;
	ob_start();
	cpm_registered(t.cpm, ALICE);
	ob_wait(bob_tried_long);
	strcpy(t.outbound, outbound);
	cpm_registered(t.cpm, ALICE);
	sq_wait_asked(1);
	ob_answer(&t.reqv[0]);
	sq_wait_sent(1);
}
END_TEST


/* The answer cannot be noted: it is kept, and nothing is sent again */
START_TEST(disk_full)
{
	uint64_t id;

	ob_start();
	id = sq_put("bob", "b1");
	sq_put("bob", "b2");
	sq_wait_asked(1);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ob_answer(&t.reqv[0]);
	sq_wait_asked(2);
	ck_assert(sq_has(&t.reqv[1], "\r\n\r\nb2"));
	/* it has left, whatever the store knows */
	ck_assert_int_eq(EALREADY, cpm_cancel(t.cpm, id));
	ob_answer(&t.reqv[1]);
	ob_wait_ms(1200);
	ck_assert_uint_eq(2, t.reqc);
	ck_assert_uint_eq(0, t.out.sent);
	store_fail_set(0, 0);
	sq_wait_sent(2);
	ck_assert_uint_eq(2, t.reqc);
}
END_TEST


static int send_full(void)
{
	struct cpm_send snd = {.account = ALICE, .to = "sip:b@example.net"};
	uint64_t id;

	return sq_send(&snd, "x", &id);
}


/* What was not committed is not sent */
START_TEST(not_kept)
{
	ob_start();
	ob_wait_ms(1);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ck_assert_int_eq(ENOSPC, send_full());
	store_fail_set(0, 0);
	ob_wait_ms(100);
	ck_assert_uint_eq(0, t.reqc);
	ck_assert_int_eq(0, sq_queued());
}
END_TEST


Suite *sendq_suite(void)
{
	Suite *s = suite_create("sendq");
	TCase *tc = tcase_create("order");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, sq_setup, sq_teardown);
	tcase_add_test(tc, order);
	tcase_add_test(tc, later);
	tcase_add_test(tc, never);
	tcase_add_test(tc, window);
	tcase_add_test(tc, registration);
	tcase_add_test(tc, woken);
	tcase_add_test(tc, back);
	tcase_add_test(tc, disk_full);
	tcase_add_test(tc, not_kept);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, sendq_life_case());
	suite_add_tcase(s, sendq_what_case());

	return s;
}
