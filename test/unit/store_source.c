/**
 * @file store_source.c  The store: bodies that are files of the user's
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/store_unit.h"


#define TEXT "0123456789"

static char path[300];


static void file_write(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(0, fclose(f));
}


static uint64_t file_time(void)
{
	struct stat st;

	ck_assert_int_eq(0, stat(path, &st));

	return cpm_source_mtime(&st);
}


static void set_time(uint64_t ms)
{
	const struct timespec ts[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = (time_t)(ms / 1000),
		 .tv_nsec = (long)(ms % 1000) * 1000000 + 999999},
	};

	ck_assert_int_eq(0, utimensat(AT_FDCWD, path, ts, 0));
}


static uint64_t put(const char *id)
{
	struct cpm_msg *msg = fx_out("c1", id, NULL);

	fx_set(&msg->source, path);
	fx_set(&msg->type, "application/pdf");
	fx_set(&msg->filename, "a.pdf");
	msg->text = false;
	msg->size = strlen(TEXT);
	msg->source_mtime = file_time();
	ck_assert_int_eq(0, fx_put(msg));

	return fx.res.id;
}


struct look {
	bool missing;
	unsigned n;
};

static bool look_handler(const struct cpm_msg *msg, void *arg)
{
	struct look *look = arg;

	++look->n;
	look->missing = msg->missing;
	ck_assert_str_eq(path, msg->file);
	ck_assert_str_eq(path, msg->source);
	ck_assert_uint_eq(strlen(TEXT), msg->size);

	return false;
}


/* Is it that file? Whichever way one looks */
static void check(uint64_t id, bool there)
{
	struct mbuf *mb = mbuf_alloc(4);
	struct look look = {false, 0};

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, cpm_store_msg(fx.st, id, look_handler, &look));
	ck_assert_int_eq(!there, look.missing);
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &(struct cpm_query){
		.limit = 9}, look_handler, &look));
	ck_assert_int_eq(!there, look.missing);
	ck_assert_uint_eq(2, look.n);

	ck_assert_int_eq(there ? 0 : ENODATA,
			 cpm_store_body(fx.st, id, 3, 100, mb));
	ck_assert_uint_eq(there ? 7 : 0, mb->end);
	if (there)
		ck_assert_mem_eq("3456789", mb->buf, 7);
	mem_deref(mb);

	/* whatever the user does with his files, it is no fault of ours */
	fx_turn();
	ck_assert_uint_eq(0, fx.faults);
}


static bool queued_handler(const struct cpm_queued *q, void *arg)
{
	++*(unsigned *)arg;
	ck_assert_str_eq(path, q->source);
	ck_assert_uint_eq(strlen(TEXT), q->size);
	ck_assert_uint_eq(file_time(), q->source_mtime);

	return false;
}


START_TEST(test_read)
{
	const uint64_t id = put("k1");
	struct mbuf *mb = mbuf_alloc(4);
	unsigned n = 0;

	check(id, true);
	ck_assert_int_eq(0, cpm_store_body(fx.st, id, 2, 3, mb));
	ck_assert_int_eq(0, cpm_store_body(fx.st, id, 99, 3, mb));
	ck_assert_uint_eq(3, mb->end);
	ck_assert_mem_eq("234", mb->buf, 3);
	mem_deref(mb);
	ck_assert_int_eq(0, cpm_store_queued(fx.st, "sip:alice@example.net",
					     0, 9, queued_handler, &n));
	ck_assert_uint_eq(1, n);
	fx_reopen();
	check(id, true);

	/* it is nothing of the store's */
	ck_assert_uint_eq(0, fx_spooled());
	ck_assert_uint_eq(0, cpm_store_octets(fx.st,
					      "sip:alice@example.net"));
	ck_assert_int_eq(0, fx_sql("SELECT sum(octets) FROM conv"));
}
END_TEST


START_TEST(test_changed)
{
	const uint64_t id = put("k1"), time = file_time();

	/* part of a millisecond is no change */
	set_time(time);
	check(id, true);
	set_time(time + 1);
	check(id, false);
	set_time(time);
	check(id, true);

	file_write(TEXT "+");
	set_time(time);
	check(id, false);
	file_write("short");
	set_time(time);
	check(id, false);
	ck_assert_int_eq(0, unlink(path));
	check(id, false);

	/* a pipe with nobody at its other end holds nobody up */
	ck_assert_int_eq(0, mkfifo(path, 0600));
	check(id, false);
	ck_assert_int_eq(0, unlink(path));
	ck_assert_int_eq(0, mkdir(path, 0700));
	check(id, false);
	ck_assert_int_eq(0, rmdir(path));
}
END_TEST


/* Whatever its name has become: opening it may do something */
START_TEST(test_not_opened)
{
	const uint64_t id = put("k1");
	uint8_t buf[256];
	int fd;

	ck_assert_int_eq(0, unlink(path));
	ck_assert_int_eq(0, mkfifo(path, 0600));
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(inotify_add_watch(fd, path, IN_OPEN), 0);
	check(id, false);
	ck_assert_int_lt(read(fd, buf, sizeof(buf)), 0);
	ck_assert_int_eq(EAGAIN, errno);
	(void)close(fd);
}
END_TEST


/* Archives have such files */
START_TEST(test_old)
{
	static const time_t secv[] = {-1000000, -1, 0, 1};
	struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT},
				 {.tv_nsec = 500000000}};
	struct stat st;
	uint64_t id;

	ts[1].tv_sec = secv[_i];
	ck_assert_int_eq(0, utimensat(AT_FDCWD, path, ts, 0));
	ck_assert_int_eq(0, stat(path, &st));
	ck_assert_int_eq(secv[_i], st.st_mtim.tv_sec);
	id = put("k1");
	check(id, true);
	set_time(2000);
	check(id, false);
}
END_TEST


/* It was there before, and stays */
START_TEST(test_deleted)
{
	const struct cpm_limits lim = {.quota = 5};
	const uint64_t id = put("k1");

	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, id, 0, fx_done_handler, NULL)));
	ck_assert_int_eq(0, access(path, F_OK));

	/* no quota is in its way, and none is freed */
	cpm_store_limit(fx.st, &lim);
	(void)put("k2");
	ck_assert_int_eq(EDQUOT, fx_put(fx_msg("in", "123456")));
	ck_assert_int_eq(0, fx_put(fx_msg("in", "12345")));
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, 0, fx.res.conversation, fx_done_handler, NULL)));
	ck_assert_int_eq(0, access(path, F_OK));
	ck_assert_uint_eq(0, cpm_store_octets(fx.st,
					      "sip:alice@example.net"));
	ck_assert_int_eq(0, fx_sql("SELECT count(*) FROM sent"));
	fx_queue_sound();
}
END_TEST


START_TEST(test_swept)
{
	const uint64_t id = put("k1");

	ck_assert_int_eq(ENOENT, fx_result(cpm_store_sweep(
		fx.st, 2000, fx_done_handler, NULL)));
	ck_assert_int_eq(0, fx_result(cpm_store_out_end(
		fx.st, id, CPM_OUT_SENT, 0, NULL, fx_done_handler, NULL)));
	check(id, true);
	ck_assert_int_eq(0, fx_result(cpm_store_sweep(
		fx.st, 2000, fx_done_handler, NULL)));
	ck_assert_uint_eq(0, fx_counts().messages);
	ck_assert_int_eq(0, access(path, F_OK));
}
END_TEST


static struct {
	unsigned messages;
	char body[64];
	unsigned lost;
} out;

static int nothing_handler(void *arg)
{
	(void)arg;

	return 0;
}


static int msg_handler(const struct cpm_msg *msg, void *arg)
{
	(void)arg;
	++out.messages;
	if (msg->source)
		ck_assert_str_eq(path, msg->file);

	return 0;
}


static int body_handler(const uint8_t *buf, size_t len, void *arg)
{
	const size_t n = strlen(out.body);
	(void)arg;

	snprintf(out.body + n, sizeof(out.body) - n, "%.*s", (int)len,
		 (const char *)buf);

	return 0;
}


static int end_handler(bool lost, void *arg)
{
	(void)arg;
	out.lost += lost;

	return 0;
}


static int close_handler(int err, void *arg)
{
	(void)arg;

	return err;
}


static void export_handler(int err, const struct cpm_export_result *res,
			   void *arg)
{
	ck_assert_uint_eq(out.messages, res->messages);
	ck_assert_uint_eq(out.lost, res->lost);
	fx_done_handler(err, arg);
}


static void export(const char *want, unsigned lost)
{
	static const struct cpm_export_sink sink = {
		nothing_handler, msg_handler, body_handler, end_handler,
		close_handler,
	};

	memset(&out, 0, sizeof(out));
	ck_assert_int_eq(0, fx_result(cpm_store_export(
		fx.st, 0, &sink, export_handler, NULL)));
	ck_assert_uint_eq(3, out.messages);
	ck_assert_uint_eq(lost, out.lost);
	ck_assert_str_eq(want, out.body);
}


START_TEST(test_export)
{
	fx_put_ok("in1", "<");
	(void)put("k1");
	fx_put_ok("in2", ">");
	export("<" TEXT ">", 0);
	file_write("another one");
	export("<>", 1);
	ck_assert_int_eq(0, unlink(path));
	export("<>", 1);
}
END_TEST


static void setup(void)
{
	fx_setup_open();
	snprintf(path, sizeof(path), "%.250s/a file", fx.dir);
	file_write(TEXT);
}


TCase *store_source_case(void)
{
	TCase *tc = tcase_create("source");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, fx_teardown);
	tcase_add_test(tc, test_read);
	tcase_add_test(tc, test_changed);
	tcase_add_test(tc, test_not_opened);
	tcase_add_loop_test(tc, test_old, 0, 4);
	tcase_add_test(tc, test_deleted);
	tcase_add_test(tc, test_swept);
	tcase_add_test(tc, test_export);

	return tc;
}
