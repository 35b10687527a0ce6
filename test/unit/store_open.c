/**
 * @file unit/store_open.c  The store: opening, locking, what a crash leaves
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/store_unit.h"
#include "../../modules/cpm/store/store.h"


enum {
	ROUNDS = 50,
	NOBODY = 65534,
};


static int try_open(const char *path, const char *says)
{
	struct cpm_store *st = NULL;
	char *why = NULL;
	const int err = cpm_store_open(&st, path, NULL, NULL, NULL, &why);

	ck_assert_ptr_null(st);
	ck_assert_msg(why && strstr(why, says), "%d: %s", err,
		      why ? why : "no text");
	ck_assert_ptr_null(strchr(why, '\n'));
	ck_assert_ptr_nonnull(strstr(why, path));
	mem_deref(why);

	return err;
}


START_TEST(test_open_invalid)
{
	struct cpm_store *st = NULL;

	ck_assert_int_eq(EINVAL, cpm_store_open(NULL, fx.path, NULL, NULL,
						NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_open(&st, NULL, NULL, NULL, NULL,
						NULL));
	ck_assert_int_eq(EINVAL, cpm_store_open(&st, "", NULL, NULL, NULL,
						NULL));
	ck_assert_int_eq(EINVAL, cpm_store_open(&st, "/tmp/", NULL, NULL,
						NULL, NULL));
	ck_assert_ptr_null(cpm_store_path(NULL));
}
END_TEST


static unsigned files;

static int mode_handler(const char *path, const struct stat *st, int flag,
			struct FTW *ftw)
{
	const mode_t want = flag == FTW_D || flag == FTW_DP ? 0700 : 0600;
	(void)ftw;

	ck_assert_msg((st->st_mode & 07777) == want, "%s: %o", path,
		      st->st_mode);
	++files;

	return 0;
}


START_TEST(test_modes)
{
	struct cpm_msg *m;

	/* as in a daemon */
	umask(0);
	fx_open();
	ck_assert_str_eq(fx.path, cpm_store_path(fx.st));
	m = fx_msg("k", NULL);
	m->text = false;
	fx_body(m, "x", 1);
	ck_assert_int_eq(0, fx_put(m));
	ck_assert_int_eq(0, nftw(fx.dir, mode_handler, 8, FTW_PHYS));

	/* two folders and their parent; database, -wal, -shm, lock, body */
	ck_assert_uint_eq(8, files);
}
END_TEST


/* A file that was readable for others is not left so */
START_TEST(test_mode_of_old)
{
	fx_open();
	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, chmod(fx.path, 0644));
	fx_open();
	ck_assert_int_eq(0, nftw(fx.dir, mode_handler, 8, FTW_PHYS));
}
END_TEST


START_TEST(test_relative_path)
{
	ck_assert_int_eq(0, chdir(fx.dir));
	ck_assert_int_eq(0, cpm_store_open(&fx.st, "my.db", NULL, NULL, NULL,
					   NULL));
	ck_assert_int_eq(0, chdir("/"));
	ck_assert_int_eq('/', cpm_store_path(fx.st)[0]);
	fx_put_ok("k", "x");
}
END_TEST


START_TEST(test_no_parent)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/no/such/cpm.db", fx.dir);
	ck_assert_int_eq(ENOENT, try_open(path, "No such file"));
}
END_TEST


static int child_status(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(pid, waitpid(pid, &status, 0));

	return status;
}


START_TEST(test_no_access)
{
	pid_t pid;
	int err;

	if (getuid() != 0)
		ck_assert_int_eq(0, chmod(fx.dir, 0500));

	pid = fork();
	if (!pid) {
		struct cpm_store *st = NULL;

		if (getuid() == 0 && setuid(NOBODY))
			_exit(99);
		err = cpm_store_open(&st, fx.path, NULL, NULL, NULL, NULL);
		_exit(err);
	}
	ck_assert_int_eq(EACCES, WEXITSTATUS(child_status(pid)));
	ck_assert_int_eq(0, chmod(fx.dir, 0700));
}
END_TEST


START_TEST(test_lock)
{
	int fd[2];
	pid_t pid;
	char c;

	fx_open();
	ck_assert_int_eq(EBUSY, try_open(fx.path, "another process"));
	fx_put_ok("k", "x");
	cpm_store_close(&fx.st);

	ck_assert_int_eq(0, pipe(fd));
	pid = fork();
	if (!pid) {
		fx_open();
		if (write(fd[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(1, (int)read(fd[0], &c, 1));
	ck_assert_int_eq(EBUSY, try_open(fx.path, "another process"));
	ck_assert_int_eq(0, kill(pid, SIGKILL));
	ck_assert(WIFSIGNALED(child_status(pid)));
	close(fd[0]);
	close(fd[1]);

	fx_open();
	ck_assert_uint_eq(1, fx_counts().messages);
}
END_TEST


static void write_file(const void *p, size_t len)
{
	char dir[300];
	FILE *f;

	snprintf(dir, sizeof(dir), "%.250s/cpm", fx.dir);
	(void)mkdir(dir, 0700);
	f = fopen(fx.path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(len, fwrite(p, 1, len, f));
	ck_assert_int_eq(0, fclose(f));
}


static void check_garbage(size_t len)
{
	uint8_t buf[20000], back[20000];
	size_t i;
	FILE *f;

	for (i=0; i<len; i++)
		buf[i] = (uint8_t)('A' + i % 50);
	write_file(buf, len);
	ck_assert_int_eq(EMEDIUMTYPE, try_open(fx.path, "not a database"));

	f = fopen(fx.path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(len, fread(back, 1, sizeof(back), f));
	ck_assert_mem_eq(buf, back, len);
	fclose(f);
}


START_TEST(test_garbage)
{
	check_garbage(20000);
	check_garbage(4096);
	check_garbage(1000);
	check_garbage(100);
	check_garbage(1);
}
END_TEST


/* An empty file is a new database */
START_TEST(test_empty_file)
{
	write_file("", 0);
	fx_open();
	fx_put_ok("k", "x");
}
END_TEST


START_TEST(test_newer)
{
	char known[32], back[64];

	fx_open();
	fx_put_ok("k", "x");
	cpm_store_close(&fx.st);
	snprintf(known, sizeof(known), "version %d", schema_version);
	snprintf(back, sizeof(back), "PRAGMA user_version = %d",
		 schema_version);
	fx_sql("PRAGMA user_version = 99");
	ck_assert_int_eq(ENOTSUP, try_open(fx.path, "version 99"));
	ck_assert_int_eq(ENOTSUP, try_open(fx.path, known));
	ck_assert_int_eq(99, fx_sql("PRAGMA user_version"));
	ck_assert_int_eq(1, fx_sql("SELECT count(*) FROM msg"));
	fx_sql(back);
	fx_open();
	ck_assert_uint_eq(1, fx_counts().messages);
}
END_TEST


START_TEST(test_foreign)
{
	write_file("", 0);
	fx_sql("CREATE TABLE theirs (x)");
	ck_assert_int_eq(EMEDIUMTYPE, try_open(fx.path, "another program"));
	fx_sql("PRAGMA user_version = 1");
	ck_assert_int_eq(EMEDIUMTYPE, try_open(fx.path, "another program"));
	ck_assert_int_eq(1, fx_sql("SELECT count(*) FROM sqlite_master"));
}
END_TEST


static void touch_spool(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/cpm/spool/%s", fx.dir, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}


START_TEST(test_sweep)
{
	struct cpm_msg *m = fx_msg("k", NULL);
	struct mbuf *mb = mbuf_alloc(8);

	fx_open();
	m->text = false;
	fx_body(m, "abc", 3);
	ck_assert_int_eq(0, fx_put(m));
	cpm_store_close(&fx.st);

	touch_spool("0123456789abcdef0123456789abcdef");
	touch_spool("tmp-0123456789abcdef0123456789abcdef");
	touch_spool("someone-elses-file");
	ck_assert_uint_eq(4, fx_spooled());
	fx_open();
	ck_assert_uint_eq(2, fx_spooled());
	ck_assert_int_eq(0, cpm_store_body(fx.st, fx.res.id, 0, 9, mb));
	ck_assert_uint_eq(3, mb->end);
	mem_deref(mb);
}
END_TEST


/* As baresip -d does: open, fork, parent exits, child works on */
START_TEST(test_daemon)
{
	pid_t pid;

	fx_open();
	ck_assert_uint_eq(0, fx_counts().messages);
	pid = fork();
	if (!pid) {
		fx_put_ok("k1", "x");
		ck_assert_uint_eq(1, fx_counts().messages);
		ck_assert_int_eq(EBUSY, try_open(fx.path, "another"));
		fx_put_ok("k2", "x");
		cpm_store_close(&fx.st);
		_exit(77);
	}
	ck_assert_int_eq(77, WEXITSTATUS(child_status(pid)));
	fx_reopen();
	ck_assert_uint_eq(2, fx_counts().messages);
}
END_TEST


/* Also when the thread ran before */
START_TEST(test_daemon_late)
{
	pid_t pid;

	fx_open();
	fx_put_ok("k0", "x");
	pid = fork();
	if (!pid) {
		fx_put_ok("k1", "x");
		cpm_store_close(&fx.st);
		_exit(77);
	}
	ck_assert_int_eq(77, WEXITSTATUS(child_status(pid)));

	/* and with nothing but a close in the child */
	pid = fork();
	if (!pid) {
		cpm_store_close(&fx.st);
		_exit(78);
	}
	ck_assert_int_eq(78, WEXITSTATUS(child_status(pid)));
	fx_reopen();
	ck_assert_uint_eq(2, fx_counts().messages);
}
END_TEST


static int told;

static void tell_handler(int err, const struct cpm_put_result *res, void *arg)
{
	const uint32_t n = (uint32_t)(uintptr_t)arg;

	if (err || res->duplicate || write(told, &n, sizeof(n)) !=
	    (ssize_t)sizeof(n))
		_exit(1);
}


static struct cpm_msg *numbered(uint32_t n)
{
	static uint8_t large[70000];
	struct cpm_msg *m;
	char key[32];

	snprintf(key, sizeof(key), "n%u", n);
	m = fx_msg(key, "text of some length, to have pages written");
	m->notify = 1;
	m->report[CPM_DELIVERED] = CPM_REPORT_DUE;
	if (n % 8 == 0) {
		m->text = false;
		fx_body(m, large, sizeof(large));
	}

	return m;
}


static void put_more(void *arg)
{
	static struct tmr tmr;
	static uint32_t n;
	uint32_t i;

	if (!n)
		n = (uint32_t)(uintptr_t)arg;

	for (i=0; i<20; i++, n++) {
		struct cpm_msg *m = numbered(n);

		if (cpm_store_put(fx.st, m, tell_handler,
				  (void *)(uintptr_t)n))
			_exit(2);
		mem_deref(m);
	}
	tmr_start(&tmr, 1, put_more, NULL);
}


/* Puts and tells what was reported, until it is killed */
static void putter(uint32_t first)
{
	fx_open();
	put_more((void *)(uintptr_t)first);
	(void)re_main(NULL);
	_exit(3);
}


static uint32_t kill_round(uint32_t first, unsigned reports)
{
	uint32_t n = 0, last = 0;
	int fd[2];
	pid_t pid;

	ck_assert_int_eq(0, pipe(fd));
	told = fd[1];
	pid = fork();
	if (!pid)
		putter(first);
	close(fd[1]);

	while (read(fd[0], &n, sizeof(n)) == (ssize_t)sizeof(n)) {
		last = n;
		if (reports && !--reports)
			ck_assert_int_eq(0, kill(pid, SIGKILL));
	}
	ck_assert(WIFSIGNALED(child_status(pid)));
	close(fd[0]);

	return last;
}


static uint64_t bodies;

static bool body_handler(const struct cpm_msg *m, void *arg)
{
	struct stat st;
	(void)arg;

	if (m->file) {
		ck_assert_int_eq(0, stat(m->file, &st));
		ck_assert_uint_eq(m->size, (uint64_t)st.st_size);
		++bodies;
	}

	return false;
}


/* All that was reported is there, once, with its body and its report */
static void check_kept(uint32_t first, uint32_t last)
{
	const struct cpm_query q = {.limit = 1000000};
	uint32_t n;

	for (n=first; n<=last; n++) {
		ck_assert_int_eq(0, fx_put(numbered(n)));
		ck_assert_msg(fx.res.duplicate, "%u of %u was lost", n, last);
	}
	bodies = 0;
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, body_handler, NULL));
	ck_assert_uint_eq(bodies, fx_spooled());
	ck_assert_uint_eq(fx_counts().messages, fx_counts().imdn_pending);
	ck_assert_uint_eq(fx_counts().messages, (uint64_t)
			  fx_sql("SELECT count(*) FROM msg"));
	ck_assert_uint_eq(fx_counts().messages, (uint64_t)
			  fx_sql("SELECT count(*) FROM report"));
}


START_TEST(test_killed)
{
	uint32_t next = 1, last;
	unsigned round;

	for (round=0; round<ROUNDS; round++) {
		last = kill_round(next, 1 + round * 3);
		ck_assert_uint_ge(last, next + round * 3);
		fx_open();
		check_kept(next, last);
		cpm_store_close(&fx.st);

		/* what came behind the last report may be there or not */
		next = last + 100000;
	}
}
END_TEST


TCase *store_open_case(void)
{
	TCase *tc = tcase_create("open");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, fx_setup, fx_teardown);
	tcase_add_test(tc, test_open_invalid);
	tcase_add_test(tc, test_modes);
	tcase_add_test(tc, test_mode_of_old);
	tcase_add_test(tc, test_relative_path);
	tcase_add_test(tc, test_no_parent);
	tcase_add_test(tc, test_no_access);
	tcase_add_test(tc, test_lock);
	tcase_add_test(tc, test_garbage);
	tcase_add_test(tc, test_empty_file);
	tcase_add_test(tc, test_newer);
	tcase_add_test(tc, test_foreign);
	tcase_add_test(tc, test_sweep);
	tcase_add_test(tc, test_daemon);
	tcase_add_test(tc, test_daemon_late);
	tcase_add_test(tc, test_killed);

	return tc;
}
