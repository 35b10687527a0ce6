/**
 * @file unit/sendq_life.c  Messages of ours that are called back, outlive
 *                          us, or find no memory
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <sqlite3.h>
#include "unit/sendq_unit.h"
#include "mock/oom.h"
#include "mock/store_fail.h"
#include "../../modules/cpm/engine/sendq.h"


static uint64_t bob1;


/* What is on its way, what waits, what has left */
START_TEST(cancel)
{
	uint64_t id[4];

	ob_start();
	id[0] = sq_put("bob", "b1");
	id[1] = sq_put("bob", "b2");
	id[2] = sq_put("bob", "b3");
	sq_wait_asked(1);
	ck_assert_int_eq(0, cpm_cancel(t.cpm, id[1]));
	sq_wait_failed(1);
	ck_assert_uint_eq(id[1], t.out.id);
	ck_assert_uint_eq(0, t.out.code);
	ck_assert_str_eq("canceled", t.out.reason);
	ck_assert_int_eq(EALREADY, cpm_cancel(t.cpm, id[1]));

	ck_assert_int_eq(0, cpm_cancel(t.cpm, id[0]));
	sq_wait_failed(2);
	ck_assert_uint_eq(id[0], t.out.id);
	sq_wait_asked(2);
	ck_assert(sq_has(&t.reqv[1], "\r\n\r\nb3"));
	/* nobody hears it */
	ob_answer(&t.reqv[0]);
	ob_answer(&t.reqv[1]);
	/* the answer comes first */
	sq_wait_sent(1);
	ck_assert_uint_eq(id[2], t.out.id);
	ck_assert_int_eq(EALREADY, cpm_cancel(t.cpm, id[2]));
	ck_assert_int_eq(ENOENT, cpm_cancel(t.cpm, 99));
	ck_assert_int_eq(0, sq_queued());

	ob_put(cpm_reader(t.cpm), ALICE, "bob", "k1");
	ob_wait_ms(50);
	ck_assert_int_eq(EINVAL, cpm_cancel(t.cpm, id[2] + 1));
}
END_TEST


static bool refused_then_canceled(void)
{
	return sq_msg(bob1).tries > 0 || t.out.failed;
}


/* While its way back into the queue is being written */
START_TEST(cancel_between)
{
	ob_start();
	bob1 = sq_put("bob", "b1");
	sq_wait_asked(1);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	t.scode = 480;
	ob_answer(&t.reqv[0]);
	ob_wait_ms(100);
	ck_assert_int_eq(0, cpm_cancel(t.cpm, bob1));
	store_fail_set(0, 0);
	sq_wait_failed(1);
	ck_assert(refused_then_canceled());
	ck_assert_str_eq("canceled", t.out.reason);
	ck_assert_int_eq(0, sq_queued());
	ck_assert_uint_eq(1, t.reqc);
}
END_TEST


static bool seen_handler(const struct cpm_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;

	return true;
}


static bool gone(void)
{
	return cpm_store_msg(cpm_reader(t.cpm), bob1, seen_handler, NULL) ==
		ENOENT;
}


/* The same, without a word; and a whole conversation */
START_TEST(deleted)
{
	uint64_t n, id;
	struct cpm_msg msg;

	ob_start();
	bob1 = sq_put("bob", "b1");
	id = sq_put("bob", "b2");
	sq_put("bob", "b3");
	sq_wait_asked(1);
	ck_assert_int_eq(0, cpm_delete(t.cpm, id, 0, &n));
	ck_assert_int_eq(0, cpm_delete(t.cpm, bob1, 0, &n));
	ob_wait(gone);
	sq_wait_asked(2);
	ck_assert(sq_has(&t.reqv[1], "\r\n\r\nb3"));
	ck_assert_int_eq(1, sq_queued());

	bob1 = sq_put("bob", "b4");
	msg = sq_msg(bob1);
	ck_assert_int_eq(0, cpm_delete(t.cpm, 0, msg.conversation, &n));
	ck_assert_uint_eq(2, n);
	ob_wait(gone);
	ob_answer(&t.reqv[1]);
	ob_wait_ms(50);
	ck_assert_uint_eq(2, t.reqc);
	ck_assert_uint_eq(0, t.out.sent + t.out.failed);
	ck_assert_int_eq(0, sq_queued());
}
END_TEST


/* It was not answered when we ended: it goes again, as the same, first */
START_TEST(restart)
{
	char was[64], is[64];

	ob_start();
	sq_put("bob", "b1");
	sq_put("bob", "b2");
	sq_wait_asked(1);
	ob_stop();
	ob_start();
	sq_wait_asked(2);
	ck_assert(sq_has(&t.reqv[1], "\r\n\r\nb1"));
	sq_field(was, sizeof(was), 0, "imdn.Message-ID: ");
	sq_field(is, sizeof(is), 1, "imdn.Message-ID: ");
	ck_assert_str_eq(was, is);
	ob_answer(&t.reqv[1]);
	sq_wait_asked(3);
	ob_answer(&t.reqv[2]);
	sq_wait_sent(2);
}
END_TEST


/* After half a day it is given up, with its last answer; the next one goes */
START_TEST(given_up)
{
	uint64_t id;

	ob_start();
	id = sq_put("bob", "b1");
	sq_put("bob", "b2");
	sq_wait_asked(1);
	ob_stop();
	fx_sql("UPDATE sent SET tries = 24 WHERE queue IS NOT NULL");
	ob_start();
	sq_wait_asked(2);
	t.scode = 480;
	ob_answer(&t.reqv[1]);
	sq_wait_failed(1);
	ck_assert_uint_eq(id, t.out.id);
	ck_assert_uint_eq(480, t.out.code);
	ck_assert_str_eq("away", t.out.reason);
	sq_wait_asked(3);
	ck_assert(sq_has(&t.reqv[2], "\r\n\r\nb2"));
}
END_TEST


/* A time far ahead was set by a clock that was wrong */
START_TEST(wrong_clock)
{
	ob_start();
	sq_put("bob", "b1");
	sq_wait_asked(1);
	t.scode = 480;
	ob_answer(&t.reqv[0]);
	ob_wait_ms(100);
	ob_stop();
	fx_sql("UPDATE conv SET turn = 4102444800000"
	       " WHERE turn IS NOT NULL");
	ob_start();
	sq_wait_asked(2);
}
END_TEST


/* Memory runs out while a message is put: it is there, or it is not */
START_TEST(oom_put)
{
	struct cpm_send snd = {.account = ALICE, .to = "sip:b@example.net"};
	unsigned at, n = 0;
	uint64_t id;
	int err = ENOMEM;

	t.registers = true;
	ob_start();
	ob_wait_ms(50);
	for (at=1; err; at++) {
		snd.body = sq_text("x");
		oom_arm(at, _i);
		err = cpm_send(t.cpm, &snd, &id, NULL);
		(void)oom_disarm();
		mem_deref(snd.body);
		ck_assert_msg(!err || err == ENOMEM, "%d at %u", err, at);
		n += err != 0;
		ck_assert_uint_lt(at, 2000);
		ob_wait_ms(1);
		ck_assert_int_eq(!err, sq_queued());
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST


/* Memory runs out while it is sent: it goes a little later, once */
START_TEST(oom_send)
{
	unsigned at, n = 0, failures = 1;

	ob_start();
	t.hold = false;
	for (at=1; failures; at++) {
		t.registers = true;
		sq_put("bob", "x");
		t.registers = false;
		oom_arm(at, _i);
		sendq_kick(t.cpm->sendq);
		failures = oom_disarm();
		n += failures;
		sendq_kick(t.cpm->sendq);
		sq_wait_sent(at);
		ck_assert_uint_eq(at, t.reqc);
		ck_assert_int_eq(0, sq_queued());
		ck_assert_uint_lt(at, 400);
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST


TCase *sendq_life_case(void)
{
	TCase *tc = tcase_create("life");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, sq_setup, sq_teardown);
	tcase_add_test(tc, cancel);
	tcase_add_test(tc, cancel_between);
	tcase_add_test(tc, deleted);
	tcase_add_test(tc, restart);
	tcase_add_test(tc, given_up);
	tcase_add_test(tc, wrong_clock);
	tcase_add_loop_test(tc, oom_put, 0, 2);
	tcase_add_loop_test(tc, oom_send, 0, 2);

	return tc;
}
