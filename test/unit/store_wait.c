/**
 * @file unit/store_wait.c  The store: one that cannot be opened, and then can
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sqlite3.h>
#include "unit/store_unit.h"
#include "mock/store_fail.h"


enum { NOBODY = 65534 };


static void fault_handler(const char *what, const char *text, void *arg)
{
	(void)arg;
	++fx.faults;
	snprintf(fx.what, sizeof(fx.what), "%s", what);
	snprintf(fx.text, sizeof(fx.text), "%s", text);
}


static void begin(void)
{
	ck_assert_int_eq(0, cpm_store_alloc(&fx.st, fx.path, NULL,
					    fault_handler, NULL));
}


/* Nothing is taken and nothing is shown, with a line that says why */
static void waits(int err, enum cpm_store_state state, const char *what,
		  const char *says)
{
	struct cpm_store_info info;
	struct cpm_counts counts;
	struct cpm_msg *m = fx_msg("k", "x");

	ck_assert_int_eq(err, cpm_store_start(fx.st));
	cpm_store_info(fx.st, &info);
	ck_assert_int_eq(state, info.state);
	ck_assert_str_eq(what, info.fault);
	ck_assert_str_eq(what, fx.what);
	ck_assert_str_eq(info.text, fx.text);
	ck_assert_msg(strstr(info.text, says) != NULL, "%s", info.text);
	ck_assert_ptr_nonnull(strstr(info.text, fx.path));
	ck_assert_int_eq(EAGAIN, cpm_store_put(fx.st, m, fx_put_handler,
					       NULL));
	ck_assert_int_eq(EAGAIN, cpm_store_counts(fx.st, &counts));
	ck_assert_int_eq(EAGAIN, cpm_store_delete(fx.st, 1, 0, NULL, NULL));
	mem_deref(m);
}


/* As soon as it can be opened it is as any other */
static void works(uint64_t messages)
{
	struct cpm_store_info info;

	ck_assert_int_eq(0, cpm_store_start(fx.st));
	cpm_store_info(fx.st, &info);
	ck_assert_int_eq(CPM_STORE_READY, info.state);
	ck_assert_ptr_null(info.text);
	ck_assert_ptr_null(info.fault);
	ck_assert_uint_eq(messages, fx_counts().messages);
	fx_put_ok("k", "x");
	ck_assert_uint_eq(messages + 1, fx_counts().messages);
	ck_assert_int_eq(0, cpm_store_start(fx.st));
}


static void made(void)
{
	fx_open();
	fx_put_ok("k0", "x");
	cpm_store_close(&fx.st);
	fx.faults = 0;
}


START_TEST(test_not_started)
{
	struct cpm_counts counts;
	struct cpm_store_info info;

	begin();
	cpm_store_info(fx.st, &info);
	ck_assert_int_eq(CPM_STORE_CLOSED, info.state);
	ck_assert_int_eq(EAGAIN, cpm_store_counts(fx.st, &counts));
	works(0);
	cpm_store_info(NULL, &info);
	ck_assert_int_eq(CPM_STORE_CLOSED, info.state);
	ck_assert_int_eq(EINVAL, cpm_store_start(NULL));
	ck_assert_int_eq(EINVAL, cpm_store_alloc(NULL, fx.path, NULL, NULL,
						 NULL));
}
END_TEST


/* Another process of ours has it: kept is what it keeps */
START_TEST(test_locked)
{
	struct cpm_store *other = NULL;

	made();
	ck_assert_int_eq(0, cpm_store_open(&other, fx.path, NULL, NULL, NULL,
					   NULL));
	begin();
	waits(EBUSY, CPM_STORE_LOCKED, "store-locked", "another process");
	waits(EBUSY, CPM_STORE_LOCKED, "store-locked", "another process");
	cpm_store_close(&other);
	works(1);
}
END_TEST


/* Another program has locked it as a whole */
START_TEST(test_exclusive)
{
	sqlite3 *sq = NULL;

	made();
	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	ck_assert_int_eq(SQLITE_OK, sqlite3_exec(sq,
		"PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;"
		"SELECT count(*) FROM msg", NULL, NULL, NULL));
	begin();
	waits(EBUSY, CPM_STORE_LOCKED, "store-locked", "locked");
	sqlite3_close(sq);
	works(1);
}
END_TEST


/* Said when it begins; at the next try, as nobody may have listened at the
   first; then once a minute; and again when it is something else */
START_TEST(test_pause)
{
	struct cpm_store *other = NULL;
	char back[64];
	int i;

	made();
	snprintf(back, sizeof(back), "PRAGMA user_version = %d",
		 (int)fx_sql("PRAGMA user_version"));
	ck_assert_int_eq(0, cpm_store_open(&other, fx.path, NULL, NULL, NULL,
					   NULL));
	begin();
	for (i=0; i<5; i++)
		waits(EBUSY, CPM_STORE_LOCKED, "store-locked", "another");
	ck_assert_uint_eq(2, fx.faults);
	cpm_store_close(&other);
	fx_sql("PRAGMA user_version = 77");
	for (i=0; i<5; i++)
		waits(ENOTSUP, CPM_STORE_NEWER, "store-newer", "version 77");
	ck_assert_uint_eq(3, fx.faults);
	fx_sql(back);
	works(1);
	ck_assert_uint_eq(3, fx.faults);
}
END_TEST


/* A file of somebody else: not even a lock is put beside it */
START_TEST(test_foreign)
{
	char path[400];
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%.250s/cpm", fx.dir);
	ck_assert_int_eq(0, mkdir(path, 0700));
	f = fopen(fx.path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("Dear diary, today it rained.\n", f);
	fclose(f);
	ck_assert_int_eq(0, chmod(fx.path, 0640));
	begin();
	waits(EMEDIUMTYPE, CPM_STORE_FOREIGN, "store-foreign",
	      "not a database");
	ck_assert_uint_eq(1, fx_aside("cpm.db"));
	ck_assert_uint_eq(0, fx_aside("spool"));
	ck_assert_int_eq(0, stat(fx.path, &st));
	ck_assert_int_eq(29, st.st_size);
	ck_assert_int_eq(0640, st.st_mode & 07777);

	ck_assert_int_eq(0, unlink(fx.path));
	fx_sql("CREATE TABLE theirs (x)");
	waits(EMEDIUMTYPE, CPM_STORE_FOREIGN, "store-foreign",
	      "another program");
	ck_assert_uint_eq(1, fx_aside("cpm.db"));
	ck_assert_int_eq(0, unlink(fx.path));
	works(0);
}
END_TEST


/* Disk full: while it is made, and while it is opened again */
START_TEST(test_full)
{
	store_fail_install();
	begin();
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	waits(ENOSPC, CPM_STORE_FULL, "disk-full", "full");
	store_fail_set(0, 0);
	works(0);
}
END_TEST


/* A folder in which nothing may be made */
START_TEST(test_readonly)
{
	char path[400];
	int status = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%.250s/cpm", fx.dir);
	made();
	ck_assert_int_eq(0, chmod(fx.dir, 0755));
	ck_assert_int_eq(0, chmod(path, 0555));
	pid = fork();
	if (!pid) {
		if (getuid() == 0 && setuid(NOBODY))
			_exit(99);
		if (getuid() == 0)
			_exit(98);
		begin();
		ck_assert_int_eq(EACCES, cpm_store_start(fx.st));
		_exit(strcmp(fx.what, getuid() == NOBODY ? "store-unreadable"
			     : "store-readonly") ? 97 : 77);
	}
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	ck_assert_int_eq(77, WEXITSTATUS(status));
	ck_assert_int_eq(0, chmod(path, 0700));
}
END_TEST


/* Without rights to its own files: it may be looked at, not written */
START_TEST(test_readonly_file)
{
	int status = 0;
	pid_t pid;

	ck_assert_int_eq(0, chmod(fx.dir, 0777));
	pid = fork();
	if (!pid) {
		if (getuid() == 0 && setuid(NOBODY))
			_exit(99);
		made();
		ck_assert_int_eq(0, chmod(fx.path, 0400));
		begin();
		waits(EACCES, CPM_STORE_READONLY, "store-readonly",
		      "Permission denied");
		ck_assert_int_eq(0, chmod(fx.path, 0600));
		works(1);
		cpm_store_close(&fx.st);
		_exit(77);
	}
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	ck_assert_int_eq(77, WEXITSTATUS(status));
}
END_TEST


static bool any_handler(const struct cpm_msg *m, void *arg)
{
	(void)m;
	(void)arg;

	return false;
}


/* Locks of the log's index, as another process holds them in the middle of
   something: a reader does not wait until it is done */
START_TEST(test_read_marks)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET,
			     .l_start = 120, .l_len = 8};
	const struct cpm_query q = {.limit = 1};
	char path[400];
	int fd[2], shm, i;
	pid_t pid;
	char c;

	fx_open();
	fx_put_ok("k0", "x");
	snprintf(path, sizeof(path), "%s-shm", fx.path);
	ck_assert_int_eq(0, pipe(fd));
	pid = fork();
	if (!pid) {
		shm = open(path, O_RDWR);
		if (shm < 0 || fcntl(shm, F_SETLK, &lock) ||
		    write(fd[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(1, (int)read(fd[0], &c, 1));

	/* ten seconds each if SQLite had its way: the case ends before */
	for (i=0; i<5; i++)
		ck_assert_int_eq(EIO, cpm_store_msgs(fx.st, &q, any_handler,
						     NULL));
	ck_assert_str_eq("store-locked", fx.what);
	ck_assert_int_eq(0, kill(pid, SIGKILL));
	ck_assert_int_eq(pid, waitpid(pid, &i, 0));
	ck_assert_uint_eq(1, fx_counts().messages);
	close(fd[0]);
	close(fd[1]);
}
END_TEST


/* As baresip -d does while the store waits */
START_TEST(test_daemon)
{
	struct cpm_store *other = NULL;
	int status = 0;
	pid_t pid;

	made();
	ck_assert_int_eq(0, cpm_store_open(&other, fx.path, NULL, NULL, NULL,
					   NULL));
	begin();
	waits(EBUSY, CPM_STORE_LOCKED, "store-locked", "another process");
	cpm_store_close(&other);
	pid = fork();
	if (!pid) {
		works(1);
		cpm_store_close(&fx.st);
		_exit(77);
	}
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	ck_assert_int_eq(77, WEXITSTATUS(status));
	ck_assert_int_eq(2, fx_sql("SELECT count(*) FROM msg"));
}
END_TEST


/* Closed while it waits */
START_TEST(test_close)
{
	struct cpm_store *other = NULL;

	made();
	ck_assert_int_eq(0, cpm_store_open(&other, fx.path, NULL, NULL, NULL,
					   NULL));
	begin();
	waits(EBUSY, CPM_STORE_LOCKED, "store-locked", "another process");
	cpm_store_close(&fx.st);
	ck_assert_ptr_null(fx.st);
	cpm_store_close(&other);
}
END_TEST


TCase *store_wait_case(void)
{
	TCase *tc = tcase_create("wait");

	tcase_set_timeout(tc, 40);
	tcase_add_checked_fixture(tc, fx_setup, fx_teardown);
	tcase_add_test(tc, test_not_started);
	tcase_add_test(tc, test_locked);
	tcase_add_test(tc, test_exclusive);
	tcase_add_test(tc, test_pause);
	tcase_add_test(tc, test_foreign);
	tcase_add_test(tc, test_full);
	tcase_add_test(tc, test_readonly);
	tcase_add_test(tc, test_readonly_file);
	tcase_add_test(tc, test_read_marks);
	tcase_add_test(tc, test_daemon);
	tcase_add_test(tc, test_close);

	return tc;
}
