/**
 * @file unit/store_sweep.c  The store: old messages go
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/store_unit.h"
#include "../../modules/cpm/engine/engine.h"


static int sweep(uint64_t before)
{
	return fx_result(cpm_store_sweep(fx.st, before, fx_done_handler,
					 NULL));
}


static uint64_t put_at(const char *key, uint64_t received, bool read)
{
	struct cpm_msg *msg = fx_msg(key, "text");
	uint64_t id;

	msg->received = received;
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert(!fx.res.duplicate);
	id = fx.res.id;
	if (read)
		ck_assert_int_eq(0, fx_result(cpm_store_display(
			fx.st, &id, 1, false, fx_done_handler, NULL)));

	return id;
}


static bool any_handler(const struct cpm_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;

	return true;
}


static bool there(uint64_t id)
{
	const int err = cpm_store_msg(fx.st, id, any_handler, NULL);

	ck_assert(!err || err == ENOENT);

	return !err;
}


START_TEST(test_invalid)
{
	ck_assert_int_eq(EINVAL, cpm_store_sweep(NULL, 1, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_sweep(fx.st, 0, NULL, NULL));
	ck_assert_int_eq(ENOENT, sweep(1));
}
END_TEST


START_TEST(test_only_old)
{
	const uint64_t old = put_at("a", 999, true);
	const uint64_t edge = put_at("b", 1000, true);
	const uint64_t unread = put_at("c", 1, false);
	struct cpm_counts c;

	ck_assert_int_eq(0, sweep(1000));
	ck_assert(!there(old));
	ck_assert(there(edge));
	ck_assert(there(unread));
	c = fx_counts();
	ck_assert_uint_eq(2, c.messages);
	ck_assert_uint_eq(1, c.unread);
	ck_assert_uint_eq(1, c.conversations);
	ck_assert_int_eq(ENOENT, sweep(1000));

	/* once it is read it may go; so may what we sent */
	ck_assert_int_eq(0, fx_result(cpm_store_display(
		fx.st, &unread, 1, false, fx_done_handler, NULL)));
	ck_assert_int_eq(0, sweep(1000));
	ck_assert(!there(unread));
	ck_assert_uint_eq(0, fx_counts().unread);
}
END_TEST


START_TEST(test_own)
{
	struct cpm_msg *msg = fx_msg("k", "mine");

	msg->direction = CPM_OUT;
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert_int_eq(0, sweep(1001));
	ck_assert_uint_eq(0, fx_counts().messages);
	ck_assert_uint_eq(0, fx_counts().conversations);
}
END_TEST


static bool due_handler(const struct cpm_due *due, void *arg)
{
	ck_assert_str_eq("sip:bob@example.net", due->peer);
	ck_assert_str_eq("k", due->orig_id);
	++*(unsigned *)arg;

	return false;
}


/* Its file goes, its key stays, and its sender is still told */
START_TEST(test_leaves)
{
	struct cpm_msg *msg = fx_msg("k", NULL);
	uint64_t id;
	unsigned n = 0;

	msg->text = false;
	msg->notify = 1;
	msg->report[CPM_DELIVERED] = CPM_REPORT_DUE;
	fx_body(msg, "picture", 7);
	mem_ref(msg);
	ck_assert_int_eq(0, fx_put(msg));
	id = fx.res.id;
	ck_assert_uint_eq(1, fx_spooled());
	ck_assert_int_eq(0, fx_result(cpm_store_display(
		fx.st, &id, 1, false, fx_done_handler, NULL)));

	ck_assert_int_eq(0, sweep(2000));
	ck_assert_uint_eq(0, fx_spooled());
	ck_assert_uint_eq(1, fx_counts().imdn_pending);
	ck_assert_int_eq(0, cpm_store_due(fx.st,
					  "sip:alice@example.net", 0,
					  UINT64_MAX, 10, due_handler,
					  &n));
	ck_assert_uint_eq(1, n);

	ck_assert_int_eq(0, fx_put(msg));
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(id, fx.res.id);
	ck_assert_uint_eq(0, fx_counts().messages);
}
END_TEST


/* The oldest first, and no more at a time than is said */
START_TEST(test_in_parts)
{
	enum { MORE = 7 };
	const uint64_t conv = 1;
	char key[16];
	unsigned i;

	for (i=0; i<CPM_SWEEP_MAX + MORE; i++) {
		struct cpm_msg *msg;

		snprintf(key, sizeof(key), "k%u", i);
		msg = fx_msg(key, "x");
		msg->received = 5000 - i;
		ck_assert_int_eq(0, cpm_store_put(fx.st, msg, fx_put_handler,
						  NULL));
		mem_deref(msg);
	}
	fx_wait(CPM_SWEEP_MAX + MORE);
	ck_assert_int_eq(0, fx_result(cpm_store_display_conv(
		fx.st, conv, 1000, false, fx_done_handler, NULL)));

	ck_assert_int_eq(0, sweep(9000));
	ck_assert_uint_eq(MORE, fx_counts().messages);
	for (i=0; i<MORE; i++)
		ck_assert(there(i + 1));
	ck_assert_int_eq(0, sweep(9000));
	ck_assert_uint_eq(0, fx_counts().messages);
	ck_assert_int_eq(ENOENT, sweep(9000));
	ck_assert_int_eq(CPM_SWEEP_MAX + MORE,
			 fx_sql("SELECT count(*) FROM gone"));
}
END_TEST


/*
 * When: keep.c
 */

/* Until so many are left */
static void left_handler(void *arg)
{
	struct tmr *tmr = arg;

	if (fx_counts().messages == fx.want)
		re_cancel();
	else
		tmr_start(tmr, 5, left_handler, tmr);
}


static void late_handler(void *arg)
{
	(void)arg;
	ck_abort_msg("%u messages left, not %u",
		     (unsigned)fx_counts().messages, fx.want);
}


static void wait_left(unsigned n)
{
	struct tmr tmr, late;

	tmr_init(&tmr);
	tmr_init(&late);
	fx.want = n;
	tmr_start(&tmr, 0, left_handler, &tmr);
	tmr_start(&late, 30000, late_handler, NULL);
	ck_assert_int_eq(0, re_main(NULL));
	tmr_cancel(&tmr);
	tmr_cancel(&late);
}


START_TEST(test_keep)
{
	static const struct keep_times soon = {
		.first = 1, .pause = 1, .again = 10};
	const uint64_t day = 86400000, now = engine_now();
	struct keep *keep = NULL;
	uint64_t last = 0;
	char key[16];
	unsigned i;

	/* more than one part, and three that stay: one is a minute short of
	   three days old, one is unread, one is of tomorrow */
	for (i=0; i<CPM_SWEEP_MAX + 5; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		last = put_at(key, 1000 + i, false);
	}
	ck_assert_int_eq(0, fx_result(cpm_store_display_conv(
		fx.st, 1, last, false, fx_done_handler, NULL)));
	put_at("short", now - 3 * day + 60000, true);
	put_at("unread", 1000, false);
	put_at("tomorrow", now + day, true);

	ck_assert_int_eq(0, keep_alloc(&keep, fx.st, 3, &soon));
	wait_left(3);

	/* and again, and again: what has become old since */
	for (i=0; i<5; i++) {
		snprintf(key, sizeof(key), "old%u", i);
		put_at(key, now - 3 * day - 60000, true);
		wait_left(3);
	}
	cpm_store_close(&fx.st);
	mem_deref(keep);
}
END_TEST


START_TEST(test_keep_for_ever)
{
	static const struct keep_times soon = {
		.first = 1, .pause = 1, .again = 1};
	struct keep *keep = NULL;
	unsigned i;

	put_at("old", 1, true);
	ck_assert_int_eq(EINVAL, keep_alloc(&keep, NULL, 0, NULL));
	ck_assert_int_eq(0, keep_alloc(&keep, fx.st, 0, &soon));
	for (i=0; i<20; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		put_at(key, 1, true);
	}
	ck_assert_uint_eq(21, fx_counts().messages);
	cpm_store_close(&fx.st);
	mem_deref(keep);
}
END_TEST


TCase *store_sweep_case(void)
{
	TCase *tc = tcase_create("sweep");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_invalid);
	tcase_add_test(tc, test_only_old);
	tcase_add_test(tc, test_own);
	tcase_add_test(tc, test_leaves);
	tcase_add_test(tc, test_in_parts);
	tcase_add_test(tc, test_keep);
	tcase_add_test(tc, test_keep_for_ever);

	return tc;
}
