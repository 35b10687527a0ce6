/**
 * @file unit/oom_open.c  Memory runs out while a store is opened, filled by
 * many at once, taken over by the child of a fork, and closed
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/oom_unit.h"
#include "../../modules/cpm/engine/engine.h"


enum {
	MANY     = 12,        /* messages at once                         */
	LOOK     = 16,        /* rounds of a full run for one that is
				 looked at closely                        */
	CHILD_OK = 77,
};

/* Beginning of a round: makes the folder, or takes it away */
typedef void (begin_h)(void);


static void nothing(void)
{
	char folder[400];

	snprintf(folder, sizeof(folder), "%s/cpm", fx.dir);
	if (!access(folder, F_OK))
		unit_rmdir(folder);
}


/* What a crash leaves behind goes, whatever else happens */
static void leftovers(void)
{
	static const char *const namev[] = {
		"0123456789abcdef0123456789abcdef",
		"tmp-0123456789abcdef0123456789abcdef",
	};
	size_t i;

	oo_restore();
	for (i=0; i<ARRAY_SIZE(namev); i++) {
		char path[500];
		FILE *f;

		snprintf(path, sizeof(path), "%s/cpm/spool/%s", fx.dir,
			 namev[i]);
		f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		fclose(f);
	}
}


static void check_why(const char *name, int err, char *why)
{
	/* never "damaged": somebody might put it aside */
	ck_assert_msg(err == ENOMEM || err == EIO, "%s %u%s: %d %s", name,
		      oo.at, oo.on ? "+" : "", err, why ? why : "");
	ck_assert(!why || strstr(why, "cannot open message store"));
}


static void ready(unsigned at, bool on)
{
	memset(&oo, 0, sizeof(oo));
	oo.at = at;
	oo.on = on;
}


/* It opens once there is memory, and nothing is missing */
static void look(const char *name, const char *want)
{
	char *now;

	if (!fx.st)
		oo_open();
	now = oo_describe();
	ck_assert_msg(!strcmp(want, now), "%s %u%s: %.900s", name, oo.at,
		      oo.on ? "+" : "", now);
	mem_deref(now);
	oo_works();
}


static int open_once(const char *name)
{
	char *why = NULL;
	int err;

	oo_arm();
	err = cpm_store_open(&fx.st, fx.path, NULL, NULL, NULL, &why);
	(void)oo_end(0);
	if (err) {
		ck_assert_ptr_null(fx.st);
		ck_assert_uint_gt(oo.failed, 0);
		check_why(name, err, why);
	}
	else {
		ck_assert_ptr_nonnull(fx.st);
		ck_assert_ptr_null(why);
	}
	mem_deref(why);

	return err;
}


/* @return true if nothing failed */
static bool open_round(const char *name, begin_h *beginh, const char *want,
		       unsigned at, bool on)
{
	const struct oom_live live = oom_live();
	struct oom_live end;
	int err;

	beginh();
	ready(at, on);
	err = open_once(name);
	if (!err || !oo_full() || at % LOOK == 0)
		look(name, want);
	cpm_store_close(&fx.st);
	end = oom_live();
	ck_assert_msg(live.re == end.re && live.db == end.db, "%s %u%s: %zu "
		      "blocks, %zu of SQLite left", name, at, on ? "+" : "",
		      end.re - live.re, end.db - live.db);

	return !oo.failed;
}


static void open_each(const char *name, begin_h *beginh)
{
	const unsigned files = oo_files();
	unsigned at, total, n = 0;
	char *want;
	int on;

	beginh();
	ready(0, false);
	ck_assert_int_eq(0, open_once(name));
	total = oom_count();
	want = oo_describe();
	cpm_store_close(&fx.st);
	for (on=0; on<2; on++) {
		for (at=1; !open_round(name, beginh, want, at, on);
		     at = oo_next(at, total))
			++n;
	}
	mem_deref(want);
	ck_assert_uint_eq(files, oo_files());
	printf("oom: %-24s %5u failures, of %u\n", name, n, total);
	ck_assert_uint_gt(n, 0);
}


START_TEST(test_new)
{
	open_each("open: new", nothing);
}
END_TEST


START_TEST(test_old)
{
	open_each("open: there", oo_restore);
}
END_TEST


START_TEST(test_leftovers)
{
	open_each("open: leftovers", leftovers);
	/* the last round's success was a start like any other */
	oo_restore();
	oo_open();
	ck_assert_uint_eq(2, fx_spooled());
}
END_TEST


static char released[400];

static void release(void)
{
	oo_restore_from(released);
}


/* Databases of released versions, as far as there are any; each in a folder
   of its own */
START_TEST(test_released)
{
	const char *data = getenv("CPM_TEST_DATA");
	char path[300];
	struct dirent *de;
	unsigned n = 0;
	DIR *dir;

	ck_assert_ptr_nonnull(data);
	snprintf(path, sizeof(path), "%s/store", data);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] != 'v')
			continue;
		snprintf(released, sizeof(released), "%s/%.90s", path,
			 de->d_name);
		open_each(de->d_name, release);
		++n;
	}
	closedir(dir);
	ck_assert_uint_gt(n, 0);
}
END_TEST


/* A file that is none of ours: never touched, never called anything else */
START_TEST(test_foreign)
{
	static const char text[] = "This is no database, and stays so.";
	char *why = NULL, back[sizeof(text)] = "", folder[400];
	unsigned at, n = 0;
	int err, fd, on;

	nothing();
	snprintf(folder, sizeof(folder), "%s/cpm", fx.dir);
	ck_assert_int_eq(0, mkdir(folder, 0700));
	for (on=0; on<2; on++) {
		for (at=1; ; at++) {
			fd = open(fx.path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
			ck_assert_int_eq((int)sizeof(text),
					 write(fd, text, sizeof(text)));
			close(fd);
			ready(at, on);
			oo_arm();
			err = cpm_store_open(&fx.st, fx.path, NULL, NULL,
					     NULL, &why);
			(void)oo_end(0);
			ck_assert_int_ne(0, err);
			ck_assert_ptr_null(fx.st);
			why = mem_deref(why);
			fd = open(fx.path, O_RDONLY);
			ck_assert_int_eq((int)sizeof(text),
					 read(fd, back, sizeof(back)));
			close(fd);
			ck_assert_str_eq(text, back);
			if (!oo.failed)
				break;
			++n;
		}
		ck_assert_int_eq(EMEDIUMTYPE, err);
	}
	ck_assert_uint_gt(n, 0);
}
END_TEST


/*
 * Many at once
 */

static int errv[MANY];
static unsigned resultc;


static void many_handler(int err, const struct cpm_put_result *res, void *arg)
{
	(void)res;
	errv[(size_t)arg] = err;
	if (++resultc == oo.done) {
		(void)oo_end(0);
		re_cancel();
	}
}


/* What is really there */
struct there {
	bool is[MANY];
	unsigned messages;
	unsigned unread;
};

static bool there_handler(const struct cpm_msg *m, void *arg)
{
	struct there *there = arg;
	unsigned i;

	++there->messages;
	there->unread += m->direction == CPM_IN && !m->read;
	if (sscanf(m->msgkey, "many%u", &i) == 1)
		there->is[i] = true;

	return false;
}


/* Each result is true: what is not there was refused, and the other way */
static void check_many(const char *name)
{
	const struct cpm_query all = {.first = true, .limit = 1000};
	struct there there = {.messages = 0};
	unsigned i;

	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &all, there_handler,
					   &there));
	for (i=0; i<MANY; i++) {
		ck_assert_msg((errv[i] == 0) == there.is[i], "%s %u%s: message "
			      "%u: %d", name, oo.at, oo.on ? "+" : "", i,
			      errv[i]);
		ck_assert(!errv[i] || errv[i] == ENOMEM || errv[i] == EIO);
	}
	ck_assert_uint_eq(there.messages, fx_counts().messages);
	ck_assert_uint_eq(there.unread, fx_counts().unread);
}


static void put_many(struct cpm_msg *msgv[MANY])
{
	size_t i;

	resultc = 0;
	for (i=0; i<MANY; i++) {
		errv[i] = cpm_store_put(fx.st, msgv[i], many_handler,
					(void *)i);
		oo.done += !errv[i];
	}
}


static void make_many(struct cpm_msg *msgv[MANY])
{
	char key[16];
	size_t i;

	for (i=0; i<MANY; i++) {
		snprintf(key, sizeof(key), "many%zu", i);
		msgv[i] = fx_msg(key, "x");
		msgv[i]->text = i % 4 != 3;
		msgv[i]->report[CPM_DELIVERED] = CPM_REPORT_DUE;
		if (i % 3 == 2)
			fx_set(&msgv[i]->key, "another");
	}
}


/* @return true if nothing failed */
static bool many_once(const char *name, bool closes, unsigned at, bool on)
{
	struct cpm_msg *msgv[MANY];
	size_t i;

	oo_restore();
	oo_open();
	make_many(msgv);
	ready(at, on);
	if (!closes)
		oo_arm();
	put_many(msgv);
	if (closes) {
		oo_arm();
		cpm_store_close(&fx.st);
	}
	else if (resultc < oo.done) {
		oo.bad = re_main(NULL);
	}
	(void)oo_end(0);
	ck_assert_int_eq(0, oo.bad);
	ck_assert_uint_eq(oo.done, resultc);
	for (i=0; i<MANY; i++)
		mem_deref(msgv[i]);
	if (closes)
		oo_open();
	check_many(name);
	oo_works();
	cpm_store_close(&fx.st);

	return !oo.failed;
}


static void many_each(const char *name, bool closes)
{
	const struct oom_live live = oom_live();
	const unsigned files = oo_files();
	unsigned at, total, n = 0;
	int on;

	ck_assert(many_once(name, closes, 0, false));
	total = oom_count();
	for (on=0; on<2; on++) {
		for (at=1; !many_once(name, closes, at, on);
		     at = oo_next(at, total))
			++n;
	}
	ck_assert_uint_eq(live.re, oom_live().re);
	ck_assert_uint_eq(live.db, oom_live().db);
	ck_assert_uint_eq(files, oo_files());
	printf("oom: %-24s %5u failures, of %u\n", name, n, total);
	ck_assert_uint_gt(n, 0);
}


START_TEST(test_many)
{
	many_each("put: many", false);
}
END_TEST


START_TEST(test_close)
{
	many_each("close: many queued", true);
}
END_TEST


/*
 * The child of a fork opens the database again with its first call
 */

static _Noreturn void child(struct cpm_msg *m, const char *want, int fd)
{
	unsigned count;
	char *now;
	int err;

	oo_arm();
	err = oo_result(cpm_store_put(fx.st, m, oo_put_handler, NULL));
	count = oom_count();
	mem_deref(m);
	if (write(fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		_exit(1);
	if (err) {
		/* it waits: the engine tries again by and by */
		if (err == EAGAIN)
			ck_assert_int_eq(0, cpm_store_start(fx.st));
		else
			check_why("fork", err, NULL);
		now = oo_describe();
		ck_assert_str_eq(want, now);
		mem_deref(now);
	}
	oo_works();
	cpm_store_close(&fx.st);
	_exit(oo.failed ? CHILD_OK : CHILD_OK + 1);
}


/* @return true if nothing failed */
static bool fork_once(const char *want, unsigned at, bool on,
		      unsigned *totalp)
{
	struct cpm_msg *m;
	int status = 0, fd[2];
	pid_t pid;

	oo_restore();
	oo_open();
	m = fx_msg("child", "x");
	ready(at, on);
	ck_assert_int_eq(0, pipe(fd));
	pid = fork();
	if (!pid)
		child(m, want, fd[1]);
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) >= CHILD_OK,
		      "fork %u%s: %d", at, on ? "+" : "", status);
	ck_assert_int_eq(sizeof(*totalp), read(fd[0], totalp,
					       sizeof(*totalp)));
	close(fd[0]);
	close(fd[1]);
	mem_deref(m);
	cpm_store_close(&fx.st);

	return WEXITSTATUS(status) != CHILD_OK;
}


START_TEST(test_fork)
{
	unsigned at, total = 0, last, n = 0;
	char *want;
	int on;

	oo_restore();
	oo_open();
	want = oo_describe();
	cpm_store_close(&fx.st);
	ck_assert(fork_once(want, 0, false, &total));
	for (on=0; on<2; on++) {
		for (at=1; !fork_once(want, at, on, &last);
		     at = oo_next(at, total))
			++n;
	}
	mem_deref(want);
	printf("oom: %-24s %5u failures, of %u\n", "fork", n, total);
	ck_assert_uint_gt(n, 0);
}
END_TEST


/*
 * The engine reads all policies when it starts: none is forgotten
 */

static int policy_once(void)
{
	static const struct cpm_conf conf = {.deferred = CPM_ANSWER_ACCEPT};
	struct policy *pol = NULL;
	struct cpm_policy res;
	int err;

	oo_arm();
	err = policy_alloc(&pol);
	if (!err)
		err = policy_load(pol, fx.st);
	(void)oo_end(0);
	if (err) {
		mem_deref(pol);
		return err;
	}

	policy_resolve(pol, &conf, "sip:alice@example.net",
		       "sip:bob@example.net", &res);
	ck_assert_int_eq(CPM_ANSWER_ASK, res.deferred);
	mem_deref(pol);

	return 0;
}


START_TEST(test_policy)
{
	const struct oom_op op = {"engine: policies", policy_once};
	const unsigned n = oo_each(&op);

	printf("oom: %-24s %5u failures\n", op.name, n);
	ck_assert_uint_gt(n, 0);
}
END_TEST


static void setup(void)
{
	ck_assert_int_eq(0, oom_install());
	fx_setup();
	oo_template();
	/* libre keeps what its main loop takes at its first turn */
	oo_open();
	fx_put_ok("warm", "x");
	cpm_store_close(&fx.st);
}


static void teardown(void)
{
	fx_teardown();
}


TCase *oom_open_case(void)
{
	TCase *tc = tcase_create("open");

	tcase_set_timeout(tc, 1800);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_new);
	tcase_add_test(tc, test_old);
	tcase_add_test(tc, test_leftovers);
	tcase_add_test(tc, test_released);
	tcase_add_test(tc, test_foreign);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_close);
	tcase_add_test(tc, test_fork);
	tcase_add_test(tc, test_policy);

	return tc;
}
