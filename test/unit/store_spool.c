/**
 * @file unit/store_spool.c  Large bodies: a disk that is slow or full, and
 *                           what is left when one is not to be
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sqlite3.h>
#include "mock/disk.h"
#include "mock/store_fail.h"
#include "unit/body_unit.h"


static unsigned rooms;


static void setup(void)
{
	rooms = 0;
	store_fail_install();
	fx_setup_open();
}


static void teardown(void)
{
	disk_hold(0);
	store_fail_set(0, 0);
	fx_teardown();
}


static void file_limit(rlim_t octets)
{
	const struct rlimit lim = {octets, RLIM_INFINITY};

	ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &lim));
}


/* Let go of: nothing is left, whatever was on its way */
START_TEST(test_dropped)
{
	struct cpm_body *b = body_make(10);

	body_files(1, 0);
	mem_deref(b);
	body_files(0, 0);

	b = body_make(3000000);
	mem_deref(b);
	body_files(0, 0);

	disk_hold(DISK_WRITE);
	b = body_make(3000000);
	body_files(1, 0);
	mem_deref(b);
	disk_hold(0);
	body_files(0, 0);
	fx_put_ok("k", "x");
}
END_TEST


static char order[16];

static void large_handler(int err, const struct cpm_put_result *res,
			  void *arg)
{
	ck_assert_int_eq(0, err);
	strcat(order, "L");
	fx_put_handler(err, res, arg);
}


static void small_handler(int err, const struct cpm_put_result *res,
			  void *arg)
{
	ck_assert_int_eq(0, err);
	strcat(order, "s");
	fx_put_handler(err, res, arg);
}


/* What is put behind a large one is committed while that is synced */
START_TEST(test_overtaken)
{
	struct cpm_msg *m;
	unsigned i;

	disk_hold(DISK_SYNC);
	body_put_start("large", body_make(500000), large_handler);
	for (i=0; i<3; i++) {
		char key[8];

		snprintf(key, sizeof(key), "k%u", i);
		m = fx_msg(key, "small");
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, small_handler,
						  NULL));
		mem_deref(m);
	}
	fx_wait(3);
	ck_assert_str_eq("sss", order);
	ck_assert_uint_eq(3, fx_counts().messages);
	/* its thread may not have had a turn yet */
	body_files(1, 0);

	disk_hold(0);
	fx_wait(4);
	ck_assert_str_eq("sssL", order);
	body_whole(fx.res.id, 0, 500000);
}
END_TEST


static void room_handler(void *arg)
{
	ck_assert_ptr_eq(&rooms, arg);
	++rooms;
	re_cancel();
}


/* A disk that does not write: no more than a little waits for it, and who
   asks is told when there is room */
START_TEST(test_full_queue)
{
	struct cpm_body *b = NULL;
	uint64_t off = 0;

	cpm_store_set_room(fx.st, room_handler, &rooms);
	ck_assert_int_eq(0, cpm_body_open(&b, fx.st, 0));
	disk_hold(DISK_WRITE);
	while (!cpm_body_full(fx.st)) {
		body_piece(b, off, 10000);
		off += 10000;
		ck_assert_uint_lt(off, 2 * CPM_BODY_QUEUE);
	}
	ck_assert_uint_gt(off, CPM_BODY_QUEUE / 2);
	body_pause(50);
	ck_assert_uint_eq(0, rooms);
	ck_assert(cpm_body_full(fx.st));

	disk_hold(0);
	ck_assert_int_eq(0, re_main(NULL));
	ck_assert_uint_eq(1, rooms);
	ck_assert(!cpm_body_full(fx.st));
	body_pause(50);
	ck_assert_uint_eq(1, rooms);

	ck_assert_int_eq(0, body_put_try("k", b));
	body_whole(fx.res.id, 0, off);
}
END_TEST


/* Small pieces out of order count as well */
START_TEST(test_full_of_small)
{
	struct cpm_body *b = NULL;
	uint64_t i = 0;

	ck_assert_int_eq(0, cpm_body_open(&b, fx.st, 0));
	disk_hold(DISK_WRITE);
	while (!cpm_body_full(fx.st)) {
		body_piece(b, 2 * i, 1);
		ck_assert_uint_lt(++i, 10000);
	}
	disk_hold(0);
	mem_deref(b);
	body_files(0, 0);
}
END_TEST


/* The error comes with a later piece, and stays; there is room again for
   the next one */
START_TEST(test_no_room)
{
	struct cpm_body *b = NULL;
	uint64_t off = 0;
	int err = 0;

	file_limit(500000);
	ck_assert_int_eq(0, cpm_body_open(&b, fx.st, 0));
	while (!err) {
		err = body_try(b, off, 100000);
		off += 100000;
		body_pause(1);
		ck_assert_uint_lt(off, 100000000);
	}
	ck_assert_int_eq(ENOSPC, err);
	ck_assert_str_eq("disk-full", fx.what);
	ck_assert_int_eq(ENOSPC, body_try(b, off, 1));
	ck_assert_uint_eq(1, fx.faults);
	file_limit(RLIM_INFINITY);
	ck_assert_int_eq(ENOSPC, body_try(b, off, 1));
	mem_deref(b);
	body_files(0, 0);

	ck_assert_int_eq(0, body_put_try("k", body_make(600000)));
	body_whole(fx.res.id, 0, 600000);
}
END_TEST


/* The same when all of it was given already */
START_TEST(test_no_room_late)
{
	struct cpm_body *b;

	disk_hold(DISK_WRITE);
	b = body_make(600000);
	body_put_start("k", b, fx_put_handler);
	file_limit(500000);
	disk_hold(0);
	fx_wait(1);
	ck_assert_int_eq(ENOSPC, fx.err);
	body_pause(5);
	ck_assert_str_eq("disk-full", fx.what);
	file_limit(RLIM_INFINITY);
	body_files(0, 0);
	ck_assert_uint_eq(0, fx_counts().messages);
	fx_put_ok("k", "x");
}
END_TEST


/* More is announced than any disk has */
START_TEST(test_no_room_ahead)
{
	struct cpm_body *b = NULL;
	int err = 0;

	ck_assert_int_eq(0, cpm_body_open(&b, fx.st, 1ull << 60));
	while (!err) {
		err = body_try(b, 0, 0);
		body_pause(1);
	}
	ck_assert_int_eq(ENOSPC, err);
	ck_assert_uint_eq(0, fx_spooled());
	mem_deref(b);
}
END_TEST


/* The database fails: nobody is told that it is stored, and nothing is left
   at the latest after the next start */
START_TEST(test_no_commit)
{
	struct cpm_body *b = body_make(300000);

	store_fail_set(_i ? STORE_FAIL_SYNC : STORE_FAIL_WRITE,
		       _i ? SQLITE_IOERR_FSYNC : SQLITE_FULL);
	ck_assert_int_ne(0, body_put_try("k", b));
	store_fail_set(0, 0);
	fx_reopen();
	ck_assert_uint_eq(fx_counts().messages, fx_spooled());
	ck_assert_int_eq(0, body_put_try("k", body_make(300000)));
	body_whole(fx.res.id, 0, 300000);
	body_files(0, 1);
}
END_TEST


/* Closing finishes what was put, and gives up what was not */
START_TEST(test_closed)
{
	struct cpm_body *b = body_make(200000), *half = body_make(200000);
	uint64_t id;

	body_put_start("k", b, fx_put_handler);
	cpm_store_close(&fx.st);
	ck_assert_uint_eq(1, fx.done);
	ck_assert_int_eq(0, fx.err);
	id = fx.res.id;
	ck_assert_uint_eq(1, fx_spooled());
	ck_assert_int_eq(ESHUTDOWN, body_try(half, 200000, 1));
	mem_deref(half);

	fx_open();
	ck_assert_uint_eq(1, fx_spooled());
	body_whole(id, 0, 200000);
}
END_TEST


static void child_end(pid_t pid, int status)
{
	int got = 0;

	ck_assert_int_eq(pid, waitpid(pid, &got, 0));
	ck_assert(WIFEXITED(got));
	ck_assert_int_eq(status, WEXITSTATUS(got));
}


/* In the child of a fork what was begun fails, and what begins works */
START_TEST(test_forked)
{
	struct cpm_body *b = _i ? body_make(300000) : NULL;
	pid_t pid;

	if (_i)
		body_files(1, 0);
	pid = fork();
	if (!pid) {
		struct cpm_body *mine = body_make(400000);

		if (b)
			ck_assert_int_eq(EIO, body_try(b, 300000, 1));
		ck_assert_int_eq(0, body_put_try("k1", mine));
		body_whole(fx.res.id, 0, 400000);
		mem_deref(b);
		body_files(0, 1);
		cpm_store_close(&fx.st);
		_exit(77);
	}
	child_end(pid, 77);
	mem_deref(b);
	fx_reopen();
	ck_assert_uint_eq(1, fx_counts().messages);
}
END_TEST


/* Killed half way: the next start sweeps */
START_TEST(test_killed)
{
	int status, fd[2];
	pid_t pid;
	char c;

	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, pipe(fd));
	pid = fork();
	if (!pid) {
		struct cpm_body *b;

		fx_open();
		b = body_make(2000000);
		body_files(1, 0);
		body_piece(b, 2000000, 100000);
		if (write(fd[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(1, (int)read(fd[0], &c, 1));
	ck_assert_int_eq(0, kill(pid, SIGKILL));
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	close(fd[0]);
	close(fd[1]);
	ck_assert_uint_eq(1, body_begun());
	fx_open();
	ck_assert_uint_eq(0, fx_spooled());
	ck_assert_uint_eq(0, fx_counts().messages);
}
END_TEST


TCase *store_spool_case(void)
{
	TCase *tc = tcase_create("spool");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_dropped);
	tcase_add_test(tc, test_overtaken);
	tcase_add_test(tc, test_full_queue);
	tcase_add_test(tc, test_full_of_small);
	tcase_add_test(tc, test_no_room);
	tcase_add_test(tc, test_no_room_late);
	tcase_add_test(tc, test_no_room_ahead);
	tcase_add_loop_test(tc, test_no_commit, 0, 2);
	tcase_add_test(tc, test_closed);
	tcase_add_loop_test(tc, test_forked, 0, 2);
	tcase_add_test(tc, test_killed);

	return tc;
}
