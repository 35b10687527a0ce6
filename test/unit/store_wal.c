/**
 * @file unit/store_wal.c  The store: a log that was torn, and one that lies
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/store_unit.h"
#include "../../modules/cpm/store/store.h"


enum {
	HEAD   = 32,
	FRAME  = 24 + 4096,
	TX_MAX = 2000,
};

static char wal[400];
static uint8_t *log_buf;         /* what the log was                        */
static size_t log_len;
static uint8_t *db_buf;          /* and the database with it                */
static size_t db_len;
static size_t txv[TX_MAX];    /* frames at the end of each commit        */
static size_t txc;


static uint8_t *slurp(const char *path, size_t *len)
{
	struct stat st;
	uint8_t *p;
	FILE *f;

	ck_assert_int_eq(0, stat(path, &st));
	*len = (size_t)st.st_size;
	p = malloc(*len + 1);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(*len, fread(p, 1, *len, f));
	fclose(f);

	return p;
}


static void spill(const char *path, const uint8_t *p, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(len, fwrite(p, 1, len, f));
	ck_assert_int_eq(0, fclose(f));
}


/* A process that keeps so many messages, one a commit, and is gone */
static void die_after(unsigned from, unsigned n)
{
	int status = 0;
	unsigned i;
	char key[16];
	pid_t pid;

	pid = fork();
	if (!pid) {
		fx_open();
		for (i=0; i<n; i++) {
			snprintf(key, sizeof(key), "k%u", from + i);
			fx_put_ok(key, "some text, not very long");
		}
		_exit(0);
	}
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	ck_assert_int_eq(0, status);
}


static void take_log(void)
{
	const uint8_t *p;
	size_t i;

	snprintf(wal, sizeof(wal), "%s-wal", fx.path);
	free(log_buf);
	free(db_buf);
	log_buf = slurp(wal, &log_len);
	db_buf  = slurp(fx.path, &db_len);
	txc = 0;
	for (i=0; HEAD + (i + 1) * FRAME <= log_len; i++) {
		p = log_buf + HEAD + i * FRAME;
		if (p[4] | p[5] | p[6] | p[7])
			txv[txc++] = i + 1;
	}
}


static void setup(void)
{
	fx_setup();
	die_after(0, 20);
	take_log();
	/* schema and messages: each its commit */
	ck_assert_uint_ge(txc, 21);
	ck_assert_uint_ge(txv[txc - 1] - txv[txc - 2], 3);
}


static void teardown(void)
{
	fx_teardown();
	free(log_buf);
	free(db_buf);
	log_buf = db_buf = NULL;
}


/* With one octet of the log changed */
static int check_changed(size_t off)
{
	int err;

	log_buf[off] ^= 0x10;
	spill(wal, log_buf, log_len);
	log_buf[off] ^= 0x10;
	err = wal_check(wal);

	return err;
}


START_TEST(test_good)
{
	ck_assert_int_eq(0, wal_check(wal));
	ck_assert_int_eq(0, wal_check("/nonexistent"));
}
END_TEST


/* However it is cut off: that is how a loss of power looks */
START_TEST(test_cut)
{
	size_t len;

	for (len = 0; len < log_len; len += 1009) {
		spill(wal, log_buf, len);
		ck_assert_msg(!wal_check(wal), "%zu of %zu", len, log_len);
	}
}
END_TEST


/* Of the last commit any part may be missing, and nothing is amiss */
START_TEST(test_torn)
{
	size_t i, j;

	for (i = txv[txc - 2]; i < txv[txc - 1]; i++) {
		for (j=0; j<FRAME; j += 37)
			ck_assert_int_eq(0, check_changed(HEAD + i * FRAME +
							  j));
	}
}
END_TEST


/* Before it nothing can be missing */
START_TEST(test_lost)
{
	size_t i, j;

	for (i = 0; i < txv[txc - 3]; i++) {
		for (j=0; j<FRAME; j += j < 24 ? 1 : 509)
			ck_assert_msg(check_changed(HEAD + i * FRAME + j) ==
				      EBADMSG, "frame %zu, octet %zu", i, j);
	}
	for (; i < txv[txc - 2]; i++)
		ck_assert_int_eq(EBADMSG, check_changed(HEAD + i * FRAME +
							999));
	for (j=0; j<HEAD; j++) {
		if (j < 4 || j > 7)
			ck_assert_int_eq(EBADMSG, check_changed(j));
	}
}
END_TEST


/* A log that was begun anew has old frames behind the new ones */
START_TEST(test_restarted)
{
	const uint8_t *last;

	die_after(100, 1500);
	take_log();
	ck_assert_int_eq(0, wal_check(wal));
	last = log_buf + HEAD + (log_len / FRAME - 1) * FRAME;
	ck_assert_int_ne(0, memcmp(log_buf + 16, last + 8, 8));
}
END_TEST


/* What a loss of power left of a commit is written over, in part */
START_TEST(test_overwritten)
{
	const size_t first = txv[txc - 2];

	ck_assert_int_eq(0, check_changed(HEAD + first * FRAME + 100));
	die_after(200, 1);
	ck_assert_int_eq(0, wal_check(wal));
	die_after(201, 1);
	ck_assert_int_eq(0, wal_check(wal));
}
END_TEST


/* What a change of the log at this place does to the store */
static void open_changed(size_t off)
{
	char shm[400];

	snprintf(shm, sizeof(shm), "%s-shm", fx.path);
	spill(fx.path, db_buf, db_len);
	ck_assert_int_eq(off ? check_changed(off) : 0,
			 off ? EBADMSG : 0);
	(void)unlink(shm);
	fx_open();
}


/* A torn one is silent, and has all but what was torn */
START_TEST(test_open_torn)
{
	ck_assert_int_eq(0, check_changed(HEAD + txv[txc - 2] * FRAME + 99));
	fx_open();
	ck_assert_uint_eq(0, fx.faults);
	ck_assert_uint_eq(19, fx_counts().messages);
	ck_assert_uint_eq(0, fx_aside("cpm.db.corrupt-"));
}
END_TEST


/* What is before the damage counts; the rest is kept beside, and said */
START_TEST(test_open_lost)
{
	char copy[512];
	uint8_t *p;
	size_t len;

	open_changed(HEAD + txv[txc - 6] * FRAME + 999);
	ck_assert_uint_eq(1, fx.faults);
	ck_assert_str_eq("store-corrupt", fx.what);
	ck_assert_ptr_nonnull(strstr(fx.text, "/cpm/cpm.db.corrupt-"));
	ck_assert_uint_eq(15, fx_counts().messages);
	fx_put_ok("new", "x");

	/* the copy is what was there, octet by octet */
	ck_assert_uint_eq(2, fx_aside("cpm.db.corrupt-"));
	ck_assert_uint_eq(1, fx_aside("spool.corrupt-"));
	fx_aside_path(copy, sizeof(copy), "cpm.db.corrupt-", "");
	p = slurp(copy, &len);
	ck_assert_uint_eq(db_len, len);
	ck_assert_mem_eq(db_buf, p, len);
	free(p);
	fx_aside_path(copy, sizeof(copy), "cpm.db.corrupt-", "-wal");
	p = slurp(copy, &len);
	ck_assert_uint_eq(log_len, len);
	p[HEAD + txv[txc - 6] * FRAME + 999] ^= 0x10;
	ck_assert_mem_eq(log_buf, p, len);
	free(p);

	/* once is enough */
	fx_reopen();
	ck_assert_uint_eq(1, fx.faults);
	ck_assert_uint_eq(16, fx_counts().messages);
}
END_TEST


/* All of the log is in the database already: the start of the log would make
   it older, and wrong; without the log it is whole */
START_TEST(test_open_stale)
{
	/* checkpointed, not closed */
	fx_sql("PRAGMA wal_checkpoint(PASSIVE)");
	free(db_buf);
	db_buf = slurp(fx.path, &db_len);
	open_changed(HEAD + txv[txc - 6] * FRAME + 999);
	ck_assert_str_eq("store-corrupt", fx.what);
	ck_assert_uint_eq(20, fx_counts().messages);
	fx_put_ok("new", "x");
}
END_TEST


/* Its head is gone: SQLite would begin a new one over it */
START_TEST(test_open_headless)
{
	memset(log_buf, 0, HEAD);
	open_changed(HEAD + 5000);
	ck_assert_str_eq("store-corrupt", fx.what);
	ck_assert_uint_eq(2, fx_aside("cpm.db.corrupt-"));
	ck_assert_uint_eq(0, fx_counts().messages);
	fx_put_ok("new", "x");
}
END_TEST


TCase *store_wal_case(void)
{
	TCase *tc = tcase_create("wal");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_good);
	tcase_add_test(tc, test_cut);
	tcase_add_test(tc, test_torn);
	tcase_add_test(tc, test_lost);
	tcase_add_test(tc, test_restarted);
	tcase_add_test(tc, test_overwritten);
	tcase_add_test(tc, test_open_torn);
	tcase_add_test(tc, test_open_lost);
	tcase_add_test(tc, test_open_stale);
	tcase_add_test(tc, test_open_headless);

	return tc;
}
