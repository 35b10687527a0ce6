/**
 * @file unit/store_export_fail.c  Export: what is refused, and what is left of
 * one that fails
 *
 * A body that is a FIFO stands still until somebody writes: so a test can act
 * while an export runs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/export_unit.h"


static int try(const char *path, uint64_t conv)
{
	const unsigned n = xp.n;
	uint32_t number = 0;
	const int err = cpm_export(&xp.cpm, path, conv, &number);

	ck_assert_int_ne(0, err);
	ck_assert_uint_eq(0, number);
	ck_assert_uint_eq(n, xp.n);

	return err;
}


static void export_fails(const char *text)
{
	xp_run(0);
	ck_assert(!xp.done);
	ck_assert_str_eq(text, xp.text);
	ck_assert_uint_eq(0, xp_beside());
}


/* Its body stands still until somebody writes it */
static const char *make_fifo(uint64_t id)
{
	const char *path = xp_spool_file(id);

	ck_assert_int_eq(0, unlink(path));
	ck_assert_int_eq(0, mkfifo(path, 0600));

	return path;
}


START_TEST(test_refused)
{
	char path[600];

	ck_assert_int_eq(EINVAL, cpm_export(NULL, xp.out, 0, &(uint32_t){0}));
	ck_assert_int_eq(EINVAL, cpm_export(&xp.cpm, xp.out, 0, NULL));
	ck_assert_int_eq(EINVAL, try(NULL, 0));
	ck_assert_int_eq(EINVAL, try("", 0));
	ck_assert_int_eq(EINVAL, try("out.jsonl", 0));
	ck_assert_int_eq(EINVAL, try("./out.jsonl", 0));
	ck_assert_int_eq(EINVAL, try("/", 0));
	ck_assert_int_eq(EINVAL, try("/tmp/", 0));
	ck_assert_int_eq(EINVAL, try("/tmp/a\nb", 0));
	ck_assert_int_eq(EINVAL, try("/tmp/a\x1b[2J", 0));
	ck_assert_int_eq(EINVAL, try("/tmp/\xff", 0));
	memset(path, 'x', sizeof(path));
	memcpy(path, "/tmp/", 5);
	path[5 + 240] = '\0';
	ck_assert_int_eq(EINVAL, try(path, 0));

	snprintf(path, sizeof(path), "%s/no/out", fx.dir);
	ck_assert_int_eq(ENOTDIR, try(path, 0));
	snprintf(path, sizeof(path), "%s/out", fx.path);
	ck_assert_int_eq(ENOTDIR, try(path, 0));
	ck_assert_int_eq(ENOENT, try(xp.out, 1));

	/* it is there, even if it leads to nothing; or the other name is */
	ck_assert_int_eq(EEXIST, try(fx.path, 0));
	ck_assert_int_eq(0, symlink("/nowhere", xp.out));
	ck_assert_int_eq(EEXIST, try(xp.out, 0));
	ck_assert_int_eq(0, unlink(xp.out));
	ck_assert_int_eq(0, mkdir(xp.files, 0700));
	ck_assert_int_eq(EEXIST, try(xp.out, 0));
	ck_assert_int_eq(0, rmdir(xp.files));

	/* none of them counts */
	xp_run(0);
	ck_assert_uint_eq(1, xp.number);
	ck_assert_int_eq(EEXIST, try(xp.out, 0));
}
END_TEST


START_TEST(test_busy)
{
	const uint64_t id = xp_put_file("k", 5);
	const char *path = make_fifo(id);
	char other[500];
	uint32_t number;
	int fd;

	snprintf(other, sizeof(other), "%s/other", fx.dir);
	ck_assert_int_eq(0, cpm_export(&xp.cpm, xp.out, 0, &number));
	ck_assert_int_eq(EBUSY, try(other, 0));

	/* and the store goes on as if there were none */
	fx_put_ok("k2", "text");
	ck_assert_uint_eq(2, fx_counts().messages);

	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(5, (int)write(fd, "hello", 5));
	close(fd);
	xp_wait();
	ck_assert(xp.done);

	/* what came after its beginning may be in the next one */
	ck_assert_uint_ge(xp.messages, 1);
	ck_assert_int_eq(0, unlink(xp.out));
	unit_rmdir(xp.files);
	ck_assert_int_eq(0, unlink(path));
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, id, 0, fx_done_handler, NULL)));
	xp_run(0);
	ck_assert_uint_eq(2, xp.number);
	ck_assert_uint_eq(1, xp.messages);
}
END_TEST


/* What is deleted before its turn is not in it, and not lost either */
START_TEST(test_deleted)
{
	const uint64_t first = xp_put_file("k", 5);
	const uint64_t second = xp_put_file("k2", 300);
	const char *path = make_fifo(first);
	uint32_t number;
	int fd;

	ck_assert_int_eq(0, cpm_export(&xp.cpm, xp.out, 0, &number));
	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, second, 0, fx_done_handler, NULL)));
	ck_assert_uint_eq(1, fx_spooled());
	ck_assert_int_eq(5, (int)write(fd, "hello", 5));
	close(fd);
	xp_wait();
	ck_assert(xp.done);
	ck_assert_uint_eq(1, xp.messages);
	ck_assert_uint_eq(0, xp.lost);
}
END_TEST


/* Somebody else's file of that name, made meanwhile, is not replaced */
static void taken_meanwhile(bool folder)
{
	const char *path = make_fifo(xp_put_file("k", 5));
	const char *name = folder ? xp.files : xp.out;
	uint32_t number;
	int fd;

	ck_assert_int_eq(0, cpm_export(&xp.cpm, xp.out, 0, &number));
	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(0, mkdir(name, 0700));
	ck_assert_int_eq(5, (int)write(fd, "hello", 5));
	close(fd);
	xp_wait();
	ck_assert(!xp.done);
	ck_assert_str_eq("File exists", xp.text);
	ck_assert_uint_eq(1, xp_beside());
	ck_assert_int_eq(0, rmdir(name));
}


START_TEST(test_taken)
{
	taken_meanwhile(_i);
}
END_TEST


/* The store is closed before it has ended */
static void *feed(void *arg)
{
	static const uint8_t zero[4096];
	const int fd = open(arg, O_WRONLY);

	while (write(fd, zero, sizeof(zero)) > 0)
		;
	close(fd);

	return NULL;
}


START_TEST(test_close)
{
	const char *path = make_fifo(xp_put_file("k", 5));
	uint32_t number;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	fx_sql("UPDATE msg SET size = 1 << 60");
	ck_assert_int_eq(0, pthread_create(&thread, NULL, feed,
					   (void *)path));
	ck_assert_int_eq(0, cpm_export(&xp.cpm, xp.out, 0, &number));
	while (xp_beside() < 2)
		usleep(1000);
	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, pthread_join(thread, NULL));
	ck_assert_uint_eq(1, xp.n);
	ck_assert(!xp.done);
	ck_assert_str_eq("the softphone has ended", xp.text);
	ck_assert_uint_eq(0, xp_beside());
}
END_TEST


/* No room: nothing is left of it, and the messages are all there */
START_TEST(test_full)
{
	const struct rlimit small = {100000, RLIM_INFINITY};
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	const bool text = _i == 0;
	struct cpm_msg *msg;
	struct mbuf *mb;

	(void)xp_put_file("a", 10);
	if (text) {
		msg = fx_msg("t", NULL);
		mb = mbuf_alloc(200000);
		memset(mb->buf, 'z', 200000);
		fx_body(msg, mb->buf, 200000);
		mem_deref(mb);
		ck_assert_int_eq(0, fx_put(msg));
	}
	else {
		(void)xp_put_file("b", 200000);
	}

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &small));
	export_fails("File too large");
	ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &none));
	ck_assert_uint_eq(0, fx.faults);
	xp_run(0);
	ck_assert(xp.done);
	ck_assert_uint_eq(2, xp.messages);
}
END_TEST


START_TEST(test_damaged)
{
	char key[16];
	unsigned i;
	FILE *f;

	for (i=0; i<200; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		fx_put_ok(key, "some text that takes a little room");
	}
	fx_reopen();
	xp.cpm.store = fx.st;
	f = fopen(fx.path, "r+b");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(0, fseek(f, 8192, SEEK_SET));
	for (i=0; i<20 * 4096; i++)
		ck_assert_int_ne(EOF, fputc(0x5a, f));
	ck_assert_int_eq(0, fclose(f));

	export_fails("Input/output error");
	ck_assert_uint_eq(1, fx.faults);
	ck_assert_str_eq("store-unreadable", fx.what);
}
END_TEST


TCase *store_export_fail_case(void)
{
	TCase *tc = tcase_create("export_fail");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, xp_setup_open, fx_teardown);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_busy);
	tcase_add_test(tc, test_deleted);
	tcase_add_loop_test(tc, test_taken, 0, 2);
	tcase_add_test(tc, test_close);
	tcase_add_loop_test(tc, test_full, 0, 2);
	tcase_add_test(tc, test_damaged);

	return tc;
}
