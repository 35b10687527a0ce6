/**
 * @file unit/store_fail.c  The store: a disk that is full, broken, or busy
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include <sqlite3.h>
#include "unit/store_unit.h"
#include "mock/store_fail.h"


static void setup(void)
{
	store_fail_install();
	fx_setup_open();
}


static void teardown(void)
{
	store_fail_set(0, 0);
	fx_teardown();
}


/* It fails, says so, changes nothing, and works when the disk does again */
static void check_fail(unsigned ops, int rc, int want, const char *what)
{
	static unsigned round;
	const uint64_t messages = fx_counts().messages;
	const unsigned faults = fx.faults;
	char key[16];

	snprintf(key, sizeof(key), "k%u", ++round);
	store_fail_set(ops, rc);
	ck_assert_int_eq(want, fx_put(fx_msg(key, "x")));
	ck_assert_uint_eq(0, fx.res.id);
	ck_assert_int_eq(want, fx_result(cpm_store_policy_set(
		fx.st, &(struct cpm_policy_row){.deferred = CPM_ANSWER_ASK},
		fx_done_handler, NULL)));
	store_fail_set(0, 0);
	fx_put_ok(key, "x");
	ck_assert_uint_eq(messages + 1, fx_counts().messages);
	ck_assert_uint_le(fx.faults, faults + 1);
	ck_assert_str_eq(what, fx.what);
}


START_TEST(test_full)
{
	check_fail(STORE_FAIL_WRITE, SQLITE_FULL, ENOSPC, "disk-full");
	ck_assert_uint_eq(1, fx.faults);
	check_fail(STORE_FAIL_WRITE, SQLITE_FULL, ENOSPC, "disk-full");
	ck_assert_uint_eq(1, fx.faults);
	fx_reopen();
	ck_assert_uint_eq(2, fx_counts().messages);
}
END_TEST


START_TEST(test_broken)
{
	check_fail(STORE_FAIL_WRITE, SQLITE_IOERR_WRITE, EIO,
		   "store-unwritable");
	check_fail(STORE_FAIL_SYNC, SQLITE_IOERR_FSYNC, EIO,
		   "store-unwritable");
	check_fail(STORE_FAIL_WRITE, SQLITE_NOMEM, ENOMEM,
		   "store-unwritable");
	ck_assert_uint_eq(1, fx.faults);
	check_fail(STORE_FAIL_WRITE, SQLITE_READONLY, EROFS,
		   "store-readonly");
	ck_assert_uint_eq(2, fx.faults);
}
END_TEST


/* A body whose row did not get to the disk is not left behind, unless the
   disk may have it all the same */
START_TEST(test_full_with_body)
{
	struct cpm_msg *m = fx_msg("k", NULL);

	m->text = false;
	fx_body(m, "x", 1);
	mem_ref(m);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ck_assert_int_eq(ENOSPC, fx_put(m));
	ck_assert_uint_eq(1, fx_spooled());
	store_fail_set(0, 0);
	fx_reopen();
	ck_assert_uint_eq(0, fx_spooled());
	ck_assert_int_eq(0, fx_put(m));
	ck_assert(!fx.res.duplicate);
	ck_assert_uint_eq(1, fx_spooled());
}
END_TEST


START_TEST(test_spool_full)
{
	const struct rlimit small = {200000, RLIM_INFINITY};
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	static uint8_t large[1 << 20];
	struct cpm_msg *m = fx_msg("k", NULL);

	m->text = false;
	fx_body(m, large, sizeof(large));
	mem_ref(m);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &small));
	ck_assert_int_eq(ENOSPC, fx_put(m));
	ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &none));
	ck_assert_str_eq("disk-full", fx.what);
	ck_assert_uint_eq(0, fx_spooled());
	ck_assert_uint_eq(0, fx_counts().messages);
	ck_assert_int_eq(0, fx_put(m));
	ck_assert(!fx.res.duplicate);
	ck_assert(fx.res.opened);
}
END_TEST


static int errv[64];
static unsigned errc;

static void err_handler(int err, const struct cpm_put_result *res, void *arg)
{
	errv[errc++] = err;
	fx_put_handler(err, res, arg);
}


/* One that cannot be kept does not take the others with it */
START_TEST(test_one_bad)
{
	char path[400], key[16];
	unsigned i;

	snprintf(path, sizeof(path), "%s/cpm/spool", fx.dir);
	ck_assert_int_eq(0, rmdir(path));
	for (i=0; i<40; i++) {
		struct cpm_msg *m;

		snprintf(key, sizeof(key), "k%u", i);
		m = fx_msg(key, "x");
		m->text = i != 20;
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, err_handler,
						  NULL));
		mem_deref(m);
	}
	fx_wait(40);
	for (i=0; i<40; i++)
		ck_assert_int_eq(i == 20 ? EIO : 0, errv[i]);
	ck_assert_uint_eq(39, fx_counts().messages);
	ck_assert_uint_eq(39, fx_counts().unread);
	ck_assert_int_eq(39, fx_sql("SELECT messages FROM conv"));
	ck_assert_str_eq("store-unwritable", fx.what);
	ck_assert_uint_eq(1, fx.faults);
}
END_TEST


/* Another program's transaction: the writer waits, then says so */
START_TEST(test_busy)
{
	sqlite3 *sq = NULL;

	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	ck_assert_int_eq(SQLITE_OK, sqlite3_exec(sq, "BEGIN IMMEDIATE", NULL,
						 NULL, NULL));
	ck_assert_int_eq(EBUSY, fx_put(fx_msg("k", "x")));
	ck_assert_str_eq("store-locked", fx.what);
	/* reading does not wait for it */
	ck_assert_uint_eq(0, fx_counts().messages);
	ck_assert_int_eq(SQLITE_OK, sqlite3_exec(sq, "COMMIT", NULL, NULL,
						 NULL));
	sqlite3_close(sq);
	fx_put_ok("k", "x");
}
END_TEST


static void fault_closes(const char *what, const char *text, void *arg)
{
	(void)what;
	(void)text;
	(void)arg;
	++fx.faults;
	cpm_store_close(&fx.st);
	re_cancel();
}


START_TEST(test_close_in_fault)
{
	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, cpm_store_open(&fx.st, fx.path, NULL,
					   fault_closes, NULL, NULL));
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ck_assert_int_eq(ENOSPC, fx_put(fx_msg("k", "x")));
	if (fx.st)
		ck_assert_int_eq(0, re_main(NULL));
	ck_assert_ptr_null(fx.st);
	ck_assert_uint_eq(1, fx.faults);
}
END_TEST


TCase *store_fail_case(void)
{
	TCase *tc = tcase_create("fail");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_full);
	tcase_add_test(tc, test_broken);
	tcase_add_test(tc, test_full_with_body);
	tcase_add_test(tc, test_spool_full);
	tcase_add_test(tc, test_one_bad);
	tcase_add_test(tc, test_busy);
	tcase_add_test(tc, test_close_in_fault);

	return tc;
}
