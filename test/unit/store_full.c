/**
 * @file unit/store_full.c  The store: a disk that fills at each write in turn
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <sqlite3.h>
#include "unit/store_unit.h"
#include "mock/store_fail.h"


enum {
	PUTS     = 100,    /* of a round: more than the log holds before it
			      is written to the database            */
	TEXT     = 50000,
	STEP     = 131,
};

static const struct {
	unsigned op;
	int rc;
	int err;
} failv[] = {
	{STORE_FAIL_WRITE, SQLITE_FULL,        ENOSPC},
	{STORE_FAIL_SYNC,  SQLITE_IOERR_FSYNC, EIO},
};

static int resv[PUTS];
static bool dupv[PUTS];
static unsigned resc;


static void setup(void)
{
	store_fail_install();
	fx_setup();
}


static void teardown(void)
{
	store_fail_set(0, 0);
	fx_teardown();
}


static void put_handler(int err, const struct cpm_put_result *res, void *arg)
{
	resv[resc] = err;
	dupv[resc++] = res->duplicate;
	fx_put_handler(err, res, arg);
}


static void whole(void)
{
	ck_assert_int_eq(1, fx_sql("SELECT count(*) FROM"
				   " pragma_integrity_check"
				   " WHERE integrity_check = 'ok'"));
	ck_assert_uint_eq(fx_counts().messages, (uint64_t)
			  fx_sql("SELECT count(*) FROM msg"));
	ck_assert_uint_eq(fx_counts().messages, (uint64_t)
			  fx_sql("SELECT sum(messages) FROM conv"));
}


/* One message; each write and each sync of it fails, as do all after it */
static void put_all(int i)
{
	unsigned left, messages;
	char key[24];
	int err;

	fx_open();
	for (left=0; ; left++) {
		snprintf(key, sizeof(key), "%d-%u", i, left);
		messages = (unsigned)fx_counts().messages;
		store_fail_after(failv[i].op, failv[i].rc, left);
		err = fx_put(fx_msg(key, "some text"));
		if (!store_fail_hit())
			break;
		store_fail_set(0, 0);
		ck_assert_msg(!err || err == failv[i].err, "%d", err);
		ck_assert_uint_eq(messages + !err, fx_counts().messages);

		/* it comes again, and is there once */
		ck_assert_int_eq(0, fx_put(fx_msg(key, "some text")));
		ck_assert_int_eq(!err, fx.res.duplicate);
		ck_assert_uint_eq(messages + 1, fx_counts().messages);
	}
	ck_assert_int_eq(0, err);
	ck_assert_uint_gt(left, 0);
	whole();
	fx_reopen();
	ck_assert_uint_eq(left + 1, fx_counts().messages);
}


START_TEST(test_put)
{
	put_all(_i);
}
END_TEST


static void put_many(unsigned round)
{
	static char text[TEXT + 1];
	char key[24];
	unsigned i;

	resc = 0;
	memset(text, 'x', TEXT);
	for (i=0; i<PUTS; i++) {
		struct cpm_msg *m;

		snprintf(key, sizeof(key), "%u-%u", round, i);
		m = fx_msg(key, text);
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, put_handler,
						  NULL));
		mem_deref(m);
		fx_wait(fx.done + 1);
	}
}


/* With what is written behind a commit, from the log to the database */
START_TEST(test_checkpoint)
{
	unsigned round, left, i;
	int errv[PUTS];

	fx_open();
	for (round=0, left=1900; left < 4600; round++, left += 3 * STEP) {
		store_fail_after(failv[_i].op, failv[_i].rc,
				 _i ? left / 100 : left);
		put_many(round);
		ck_assert(store_fail_hit());
		store_fail_set(0, 0);
		memcpy(errv, resv, sizeof(errv));
		put_many(round);
		for (i=0; i<PUTS; i++) {
			ck_assert_int_eq(0, resv[i]);
			ck_assert_msg(errv[i] || dupv[i], "%u of round %u "
				      "was lost", i, round);
		}
		ck_assert_uint_eq((round + 1) * PUTS, fx_counts().messages);
	}
	whole();
	fx_reopen();
	ck_assert_uint_eq(round * PUTS, fx_counts().messages);
}
END_TEST


/* A database that is being made: it waits, and is made when there is room */
START_TEST(test_migrate)
{
	struct cpm_store_info info;
	unsigned left = 0;
	bool hit;

	do {
		unit_rmdir(fx.dir);
		unit_mkdir(fx.dir, sizeof(fx.dir));
		snprintf(fx.path, sizeof(fx.path), "%.250s/cpm/cpm.db",
			 fx.dir);
		ck_assert_int_eq(0, cpm_store_alloc(&fx.st, fx.path, NULL,
						    NULL, NULL));
		store_fail_after(failv[_i].op, failv[_i].rc, left++);
		if (cpm_store_start(fx.st)) {
			cpm_store_info(fx.st, &info);
			ck_assert_int_eq(_i ? CPM_STORE_UNREADABLE
					 : CPM_STORE_FULL, info.state);
		}
		hit = store_fail_hit();
		store_fail_set(0, 0);
		ck_assert_int_eq(0, cpm_store_start(fx.st));
		fx_put_ok("k", "x");
		whole();
		cpm_store_close(&fx.st);
		ck_assert_uint_eq(0, fx_aside("cpm.db.corrupt-"));
	} while (hit);
	ck_assert_uint_gt(left, 3);
}
END_TEST


TCase *store_full_case(void)
{
	TCase *tc = tcase_create("full");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_put, 0, 2);
	tcase_add_loop_test(tc, test_checkpoint, 0, 2);
	tcase_add_loop_test(tc, test_migrate, 0, 2);

	return tc;
}
