/**
 * @file unit/store_damage.c  The store: a database that is damaged is set
 *                            aside, and work goes on
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/store_unit.h"


enum {
	PAGE     = 4096,
	MESSAGES = 400,
	QUEUED   = CPM_BATCH_MAX + 500,  /* more than one commit takes     */
	BAD      = 300,                  /* the one of them that meets it  */
	LEAF     = 0x0d,                 /* type of a page that holds rows */
};


/* Overwrite octets of the database */
static void spoil(off_t off, size_t len)
{
	uint8_t bad[PAGE];
	const int fd = open(fx.path, O_RDWR);

	memset(bad, 0xa5, sizeof(bad));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)len, (int)pwrite(fd, bad, len, off));
	close(fd);
}


static const char filler[] = "a text that fills the pages of a database";


/* Pages of rows that hold a text. @return How many */
static unsigned spoil_text(const char *text)
{
	uint8_t page[PAGE];
	const int fd = open(fx.path, O_RDONLY);
	unsigned n = 0;
	off_t off;

	ck_assert_int_ge(fd, 0);
	for (off = PAGE; pread(fd, page, PAGE, off) == PAGE; off += PAGE) {
		if (page[0] == LEAF && memmem(page, PAGE, text,
					      strlen(text))) {
			spoil(off, PAGE);
			++n;
		}
	}
	close(fd);

	return n;
}


/* Every page with the row of a message */
static void spoil_rows(void)
{
	ck_assert_uint_ge(spoil_text(filler), 10);
}


/* The page with the row of this message, and no other */
static void spoil_row(const char *msgkey)
{
	ck_assert_uint_eq(1, spoil_text(msgkey));
}


static void body(const char *key)
{
	struct cpm_msg *m = fx_msg(key, NULL);

	m->text = false;
	fx_body(m, "abc", 3);
	ck_assert_int_eq(0, fx_put(m));
}


static void fill(unsigned n, const char *prefix, const char *text)
{
	char key[16];
	unsigned i;

	for (i=0; i<n; i++) {
		struct cpm_msg *m;

		snprintf(key, sizeof(key), "%s%u", prefix, i);
		m = fx_msg(key, text);
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, fx_put_handler,
						  NULL));
		mem_deref(m);
	}
	fx_wait(fx.done + n);
}


/* All that was there is set aside together, and a new one is at work */
static void check_begun(void)
{
	struct cpm_store_info info;
	char path[512];

	cpm_store_info(fx.st, &info);
	ck_assert_int_eq(CPM_STORE_READY, info.state);
	ck_assert_str_eq("store-corrupt", fx.what);
	fx_aside_path(path, sizeof(path), "cpm.db.corrupt-", "");
	ck_assert_msg(strstr(fx.text, path) != NULL, "%s", fx.text);
	ck_assert_str_eq(fx.text, info.lost);
	fx_aside_path(path, sizeof(path), "spool.corrupt-", "");
	ck_assert_uint_eq(0, fx_spooled());
	ck_assert_uint_eq(0, fx_counts().messages);

	/* numbers are not given twice */
	ck_assert_uint_gt(fx_put_ok("new", "x"), 1000000000);
	body("new body");
	ck_assert_uint_eq(2, fx_counts().messages);
	fx_reopen();
	ck_assert_uint_eq(2, fx_counts().messages);
	ck_assert_uint_eq(1, fx_spooled());
}


static void closed_with(unsigned n)
{
	fx_open();
	fill(n, "k", filler);
	/* the last rows are looked at when it is opened: these are not to be
	   what is damaged */
	fill(n > 1 ? 100 : 0, "z", "x");
	body("b");
	cpm_store_close(&fx.st);
}


/* A header that is right, and nothing behind it that is */
START_TEST(test_at_open)
{
	struct stat before, after;
	char path[512];

	closed_with(1);
	spoil(100, PAGE - 100);
	ck_assert_int_eq(0, stat(fx.path, &before));
	fx_open();
	fx_aside_path(path, sizeof(path), "cpm.db.corrupt-", "");
	ck_assert_int_eq(0, stat(path, &after));
	ck_assert_int_eq(before.st_size, after.st_size);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	check_begun();
}
END_TEST


/* A header that is no more, where a store of ours was */
START_TEST(test_header)
{
	closed_with(1);
	spoil(0, 100);
	fx_open();
	check_begun();
}
END_TEST


/* Nothing is left of the database but its bodies, or its log */
START_TEST(test_gone)
{
	closed_with(1);
	ck_assert_int_eq(0, unlink(fx.path));
	fx_open();
	ck_assert_str_eq("store-corrupt", fx.what);
	ck_assert_uint_eq(0, fx_spooled());
	ck_assert_uint_eq(1, fx_aside("spool.corrupt-"));

	/* an empty one without any is simply new */
	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, truncate(fx.path, 0));
	fx.faults = 0;
	fx_open();
	ck_assert_uint_eq(0, fx.faults);
}
END_TEST


static int errv[QUEUED];
static unsigned errc;

static void deleted_handler(int err, void *arg)
{
	errv[errc++ % QUEUED] = err;
	fx_done_handler(err, arg);
}


static void err_handler(int err, const struct cpm_put_result *res, void *arg)
{
	errv[errc++ % QUEUED] = err;
	fx_put_handler(err, res, arg);
}


/* The writer meets it: nothing is acknowledged that goes aside */
START_TEST(test_writing)
{
	struct cpm_store_info info;
	unsigned i, bad = 0;
	char key[16];

	closed_with(MESSAGES);
	spoil_rows();
	fx_open();
	fx.faults = 0;
	for (i=0; i<50; i++) {
		struct cpm_msg *m;

		snprintf(key, sizeof(key), "k%u", i * 7);
		m = fx_msg(key, "x");
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, err_handler,
						  NULL));
		mem_deref(m);
	}
	fx_wait(fx.done + 50);
	for (i=0; i<50; i++)
		bad += errv[i] == EBADMSG;
	ck_assert_uint_eq(50, bad);

	/* until it is set aside nothing is taken */
	do {
		cpm_store_info(fx.st, &info);
		if (info.state != CPM_STORE_READY)
			ck_assert_int_eq(EAGAIN, cpm_store_delete(fx.st, 1, 0,
				fx_done_handler, NULL));
	} while (info.state != CPM_STORE_READY && (fx_turn(), true));

	ck_assert_uint_eq(1, fx.faults);
	check_begun();
}
END_TEST


/* A write in a queue of good ones meets it: from there on nothing is
   taken, nor what was to be committed with it. Before it all is kept aside */
START_TEST(test_queued)
{
	unsigned i, good = 0;
	char key[16], path[512];

	closed_with(MESSAGES);
	fx_sql("UPDATE taken SET upto = 1000000");  /* not read at start */
	spoil_row("k100");
	fx_open();
	fx_put_ok("in the log", "x");
	fx.faults = 0;
	for (i=0; i<QUEUED; i++) {
		struct cpm_msg *m;

		if (i == BAD) {
			ck_assert_int_eq(0, cpm_store_delete(fx.st, 101, 0,
						deleted_handler, NULL));
			continue;
		}

		snprintf(key, sizeof(key), "n%u", i);
		m = fx_msg(key, "x");
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, err_handler,
						  NULL));
		mem_deref(m);
	}
	fx_wait(fx.done + QUEUED);
	while (good < QUEUED && !errv[good])
		++good;
	ck_assert_uint_le(good, BAD);
	for (i=good; i<QUEUED; i++)
		ck_assert_int_eq(EBADMSG, errv[i]);
	fx_turn();
	ck_assert_uint_eq(1, fx.faults);

	/* the log went along: what it holds is part of the database */
	ck_assert_uint_eq(2, fx_aside("cpm.db.corrupt-"));
	fx_aside_path(path, sizeof(path), "cpm.db.corrupt-", "-wal");
	check_begun();
}
END_TEST


static bool any_handler(const struct cpm_msg *m, void *arg)
{
	(void)m;
	(void)arg;

	return false;
}


/* A read meets it */
START_TEST(test_reading)
{
	const struct cpm_query q = {.limit = 2 * MESSAGES};
	struct cpm_store_info info;

	closed_with(MESSAGES);
	spoil_rows();
	fx_open();
	ck_assert_int_eq(EIO, cpm_store_msgs(fx.st, &q, any_handler, NULL));
	cpm_store_info(fx.st, &info);
	ck_assert_int_eq(CPM_STORE_CORRUPT, info.state);
	ck_assert_int_eq(EAGAIN, cpm_store_msgs(fx.st, &q, any_handler,
						NULL));
	ck_assert_uint_eq(0, fx.faults);
	fx_turn();
	ck_assert_uint_eq(1, fx.faults);
	check_begun();
}
END_TEST


/* And the store is closed before it can be set aside */
START_TEST(test_closing)
{
	const struct cpm_query q = {.limit = 2 * MESSAGES};

	closed_with(MESSAGES);
	spoil_rows();
	fx_open();
	ck_assert_int_eq(EIO, cpm_store_msgs(fx.st, &q, any_handler, NULL));
	cpm_store_close(&fx.st);
	ck_assert_uint_eq(0, fx_aside("cpm.db.corrupt-"));
	ck_assert_uint_eq(1, fx_spooled());
}
END_TEST


static unsigned shown;
static bool missing;

static bool missing_handler(const struct cpm_msg *m, void *arg)
{
	(void)arg;
	++shown;
	missing |= m->missing;

	return false;
}


/* A file that is gone: said, shown, and in nobody's way */
START_TEST(test_missing)
{
	const struct cpm_query q = {.limit = 10};
	struct mbuf *mb = mbuf_alloc(8);
	char path[600];
	uint64_t id;

	fx_open();
	fx_put_ok("1", "x");
	body("2");
	id = fx.res.id;
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, missing_handler, NULL));
	ck_assert_uint_eq(2, shown);
	ck_assert(!missing);
	snprintf(path, sizeof(path), "rm %.400s/cpm/spool/*", fx.dir);
	ck_assert_int_eq(0, system(path));

	ck_assert_int_eq(ENODATA, cpm_store_body(fx.st, id, 0, 9, mb));
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, missing_handler, NULL));
	ck_assert_uint_eq(4, shown);
	ck_assert(missing);
	fx_turn();
	ck_assert_uint_eq(1, fx.faults);
	ck_assert_str_eq("file-missing", fx.what);
	ck_assert_ptr_nonnull(strstr(fx.text, "message 2 "));

	ck_assert_int_eq(0, fx_result(cpm_store_delete(fx.st, id, 0,
		fx_done_handler, NULL)));
	ck_assert_int_eq(ENOENT, cpm_store_body(fx.st, id, 0, 9, mb));
	ck_assert_uint_eq(1, fx_counts().messages);
	mem_deref(mb);
}
END_TEST


TCase *store_damage_case(void)
{
	TCase *tc = tcase_create("damage");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup, fx_teardown);
	tcase_add_test(tc, test_at_open);
	tcase_add_test(tc, test_header);
	tcase_add_test(tc, test_gone);
	tcase_add_test(tc, test_writing);
	tcase_add_test(tc, test_queued);
	tcase_add_test(tc, test_reading);
	tcase_add_test(tc, test_closing);
	tcase_add_test(tc, test_missing);

	return tc;
}
