/**
 * @file unit/outbox.c  Which notification goes when
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <time.h>
#include <sqlite3.h>
#include "unit/outbox_unit.h"
#include "mock/store_fail.h"


static unsigned open_from(const char *from)
{
	unsigned i, n = 0;

	for (i=0; i<t.reqc; i++)
		n += t.reqv[i].st && !strcmp(t.reqv[i].from, from);

	return n;
}


static void contribution(char *buf, size_t size, const struct req *req)
{
	struct mbuf *mb = req->msg->mb;
	struct pl body = {.p = (const char *)mb->buf, .l = mb->end};
	struct pl id;

	ck_assert_int_eq(0, re_regex(body.p, body.l,
				     "Contribution-ID: [^\r]+", &id));
	ck_assert_int_eq(0, pl_strcpy(&id, buf, size));
}


static bool window_is_full(void)
{
	return open_from(ALICE) == 16;
}


static bool dave_is_told(void)
{
	return t.sent == 40 && window_is_full();
}


static bool all_are_told(void)
{
	return t.sent == 120;
}


/* A server that answers nobody holds up one account, not the other, and has
   16 of them to think of, each to another sender */
START_TEST(window)
{
	unsigned i, k, round;

	t.hold_from = ALICE;
	ob_start();
	ob_put_many(ALICE, 40, 2);
	ob_put_many(DAVE, 20, 2);
	ob_wait(dave_is_told);
	ob_wait_ms(50);
	ck_assert_uint_eq(16, open_from(ALICE));
	ck_assert_uint_eq(56, t.reqc);
	for (i=0; i<t.reqc; i++) {
		for (k=i + 1; k<t.reqc; k++)
			ck_assert(!t.reqv[i].st || !t.reqv[k].st ||
				  strcmp(t.reqv[i].to, t.reqv[k].to));
	}

	/* each answer makes room for one */
	for (round=0; round<3; round++) {
		for (i=0; !t.reqv[i].st; i++)
			;
		ob_answer(&t.reqv[i]);
		ob_wait(window_is_full);
	}
	ob_wait_ms(50);
	ck_assert_uint_eq(16, open_from(ALICE));
	ck_assert_uint_eq(59, t.reqc);
	t.hold_from = NULL;
	for (i=0; i<t.reqc; i++)
		ob_answer(&t.reqv[i]);
	ob_wait(all_are_told);
	ck_assert_uint_eq(120, t.reqc);
}
END_TEST


static char lastv[3][24];     /* by sender                                 */
static unsigned answered;
static unsigned refused_at;   /* how many were answered before             */
static uint64_t refused_time;
static char refused_id[24];
static unsigned refused_n;

/* Whoever waits is answered a turn later; so two at once would be seen */
static bool answer_all(void)
{
	unsigned i, k;

	for (i=0; i<t.reqc; i++) {
		struct req *req = &t.reqv[i];
		const unsigned n = (unsigned)(req->to[6] - '0');
		char id[24];

		if (!req->st)
			continue;
		for (k=i + 1; k<t.reqc; k++)
			ck_assert(!t.reqv[k].st ||
				  strcmp(req->to, t.reqv[k].to));

		contribution(id, sizeof(id), req);
		ck_assert_uint_lt(n, 3);
		ck_assert_int_gt(strcmp(id, lastv[n]), 0);
		if (++answered == refused_at) {
			strcpy(refused_id, id);
			refused_n = n;
			refused_time = tmr_jiffies();
			t.scode = 503;
			t.after = 2;
		}
		else {
			if (!strcmp(id, refused_id)) {
				ck_assert_uint_ge(req->time,
						  refused_time + 2000);
				refused_id[0] = '\0';
			}
			strcpy(lastv[n], id);
		}
		ob_answer(req);
		t.scode = 200;
		t.after = 0;
	}

	return t.sent == 60;
}


/* Each sender gets his in their order, one at a time, also when one of them
   is refused for now; meanwhile the others get theirs */
START_TEST(order)
{
	unsigned since[3] = {0}, i;

	t.hold = true;
	refused_at = 31;
	ob_start();
	ob_put_many(ALICE, 3, 20);
	ob_wait(answer_all);
	ck_assert_uint_eq(61, t.reqc);
	ck_assert_uint_eq(60, t.sent);
	ck_assert_str_eq("", refused_id);
	ck_assert_str_eq("a00-019", lastv[0]);
	ck_assert_str_eq("a01-019", lastv[1]);
	ck_assert_str_eq("a02-019", lastv[2]);

	/* meanwhile the others got some, and he got none */
	for (i=0; i<t.reqc; i++) {
		const uint64_t at = t.reqv[i].time;

		if (at > refused_time && at < refused_time + 2000)
			++since[t.reqv[i].to[6] - '0'];
	}
	ck_assert_uint_eq(0, since[refused_n]);
	ck_assert_uint_ge(since[0] + since[1] + since[2], 2);
}
END_TEST


static bool one_was_asked(void)
{
	return t.reqc >= 1;
}


static bool lost(void)
{
	return !t.registered;
}


static bool all_sent(void)
{
	return t.sent == 3;
}


/* While the account is not registered, nothing goes, and nothing counts */
START_TEST(registration)
{
	char outbound[80];

	t.registers = true;
	ob_start();
	ob_put_many(ALICE, 3, 1);
	ob_wait_ms(100);
	ck_assert_uint_eq(0, t.reqc);

	/* lost on the way: found out when the answer is looked at */
	t.registered = true;
	t.scode = 503;
	t.lose_at = t.asked + 2;
	cpm_registered(t.cpm, ALICE);
	ob_wait(lost);
	ob_wait_ms(100);
	ck_assert_uint_eq(3, t.reqc);
	ck_assert_int_eq(0, fx_sql("SELECT sum(tries) FROM report"));
	ck_assert_int_eq(0, fx_sql("SELECT sum(next) FROM sender"));

	/* refused, as one who is not registered may be: that is not final */
	t.registered = true;
	t.scode = 403;
	t.lose_at = t.asked + 2;
	cpm_registered(t.cpm, ALICE);
	ob_wait(lost);
	ob_wait_ms(100);
	ck_assert_uint_eq(6, t.reqc);
	ck_assert_uint_eq(0, t.failed);

	/* nor does a connection that fails count */
	strcpy(outbound, t.outbound);
	strcpy(t.outbound, "sip:127.0.0.1:1;transport=tcp");
	t.registered = true;
	t.lose_at = t.asked + 2;
	cpm_registered(t.cpm, ALICE);
	ob_wait(lost);
	ob_wait_ms(100);
	ck_assert_int_eq(0, fx_sql("SELECT sum(tries) FROM report"));

	/* back again: at once */
	strcpy(t.outbound, outbound);
	t.registered = true;
	t.scode = 200;
	t.lose_at = 0;
	cpm_registered(t.cpm, ALICE);
	ob_wait(all_sent);
	ck_assert_uint_eq(9, t.reqc);
}
END_TEST


static bool tried(void)
{
	return fx_sql("SELECT count(*) FROM report WHERE tries > 0") == 3;
}


/* With the registration, it does */
START_TEST(no_connection)
{
	strcpy(t.outbound, "sip:127.0.0.1:1;transport=tcp");
	t.registers = t.registered = true;
	ob_start();
	ob_put_many(ALICE, 3, 1);
	ob_wait(tried);
	ck_assert_uint_eq(0, t.reqc);
	ck_assert_uint_eq(0, t.failed);
	ck_assert_int_eq(3, fx_sql("SELECT count(*) FROM sender"
				   " WHERE next > 0"));
}
END_TEST


static void aged(unsigned tries)
{
	char sql[80];

	fx_open();
	ob_put(fx.st, ALICE, "bob", "k1");
	ob_put(fx.st, ALICE, "bob", "k2");
	cpm_store_close(&fx.st);
	snprintf(sql, sizeof(sql), "UPDATE report SET tries = %u WHERE id = 1",
		 tries);
	fx_sql(sql);
}


static bool one_failed(void)
{
	return t.failed == 1;
}


static bool one_sent(void)
{
	return t.sent == 1;
}


/* After half a day it is given up, with its last answer; the next one goes,
   and has its own tries */
START_TEST(given_up)
{
	aged(RETRY_MAX - 1);
	t.hold = true;
	t.scode = 503;
	ob_start();
	ob_wait(one_was_asked);
	ob_answer(&t.reqv[0]);
	ob_wait(one_failed);
	ck_assert_uint_eq(503, t.code);
	ck_assert_uint_eq(1, t.msg);
	t.scode = 200;
	t.hold = false;
	if (t.reqc > 1)
		ob_answer(&t.reqv[1]);
	ob_wait(one_sent);
	ck_assert_uint_eq(2, t.msg);
	ck_assert_uint_eq(2, t.reqc);
	ck_assert_int_eq(3, fx_sql("SELECT state FROM report WHERE id = 1"));
	ck_assert_int_eq(0, fx_sql("SELECT tries FROM report WHERE id = 2"));
}
END_TEST


static bool last_try_counted(void)
{
	return fx_sql("SELECT tries FROM report WHERE id = 1") ==
		RETRY_MAX - 1;
}


/* and not one try before that */
START_TEST(not_given_up)
{
	aged(RETRY_MAX - 2);
	t.scode = 503;
	ob_start();
	ob_wait(last_try_counted);
	ob_wait_ms(50);
	ck_assert_uint_eq(1, t.reqc);
	ck_assert_uint_eq(0, t.failed);
	/* an hour, less a quarter at most */
	ck_assert_int_gt(fx_sql("SELECT next FROM sender"),
			 ((int64_t)time(NULL) + 2600) * 1000);
}
END_TEST


static bool all_told(void)
{
	return t.sent == 2;
}


/* The answer cannot be noted: it is kept, not asked for again and again */
START_TEST(disk_full)
{
	t.hold = true;
	ob_start();
	ob_put(cpm_reader(t.cpm), ALICE, "bob", "k1");
	ob_put(cpm_reader(t.cpm), ALICE, "bob", "k2");
	ob_wait(one_was_asked);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	t.hold = false;
	ob_answer(&t.reqv[0]);
	ob_wait_ms(1500);
	ck_assert_uint_eq(1, t.reqc);
	ck_assert_uint_eq(0, t.sent);
	store_fail_set(0, 0);
	ob_wait(all_told);
	ck_assert_uint_eq(2, t.reqc);
}
END_TEST


/* A time far ahead was set by a clock that was wrong */
START_TEST(wrong_clock)
{
	aged(1);
	fx_sql("UPDATE sender SET next = 4102444800000");
	ob_start();
	ob_wait(all_told);
	ck_assert_uint_eq(2, t.reqc);
}
END_TEST


/* A time that has not come is waited for, without anything else happening */
START_TEST(timed)
{
	char sql[100];
	uint64_t next;

	aged(1);
	next = engine_now() + 1000;
	snprintf(sql, sizeof(sql), "UPDATE sender SET next = %lld",
		 (long long)next);
	fx_sql(sql);
	ob_start();
	ob_wait(one_was_asked);
	ck_assert_uint_ge(engine_now(), next);
}
END_TEST


Suite *outbox_suite(void)
{
	Suite *s = suite_create("outbox");
	TCase *tc = tcase_create("outbox");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, ob_setup, ob_teardown);
	tcase_add_test(tc, window);
	tcase_add_test(tc, order);
	tcase_add_test(tc, registration);
	tcase_add_test(tc, no_connection);
	tcase_add_test(tc, given_up);
	tcase_add_test(tc, not_given_up);
	tcase_add_test(tc, disk_full);
	tcase_add_test(tc, wrong_clock);
	tcase_add_test(tc, timed);
	suite_add_tcase(s, tc);

	return s;
}
