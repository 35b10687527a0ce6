/**
 * @file unit/store.c  The store: what its suites share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sqlite3.h>
#include "unit/store_unit.h"


enum { TIMEOUT = 30000 };

struct fx fx;


static void batch_handler(void *arg)
{
	ck_assert_ptr_eq(&fx, arg);
	++fx.batches;
}


static void fault_handler(const char *what, const char *text, void *arg)
{
	ck_assert_ptr_eq(&fx, arg);
	++fx.faults;
	snprintf(fx.what, sizeof(fx.what), "%s", what);
	snprintf(fx.text, sizeof(fx.text), "%s", text);
}


void fx_setup(void)
{
	memset(&fx, 0, sizeof(fx));
	ck_assert_int_eq(0, libre_init());
	unit_mkdir(fx.dir, sizeof(fx.dir));
	snprintf(fx.path, sizeof(fx.path), "%.250s/cpm/cpm.db", fx.dir);
}


void fx_setup_open(void)
{
	fx_setup();
	fx_open();
}


void fx_teardown(void)
{
	cpm_store_close(&fx.st);
	ck_assert_ptr_null(fx.st);
	unit_rmdir(fx.dir);
	libre_close();
}


void fx_open(void)
{
	char *why = NULL;
	const int err = cpm_store_open(&fx.st, fx.path, batch_handler,
				       fault_handler, &fx, &why);

	ck_assert_msg(err == 0, "open: %d %s", err, why);
	ck_assert_ptr_null(why);
	ck_assert_ptr_nonnull(fx.st);
}


void fx_reopen(void)
{
	cpm_store_close(&fx.st);
	fx_open();
}


static void count(int err)
{
	fx.err = err;
	if (++fx.done == fx.want)
		re_cancel();
}


void fx_put_handler(int err, const struct cpm_put_result *res, void *arg)
{
	(void)arg;
	ck_assert_ptr_nonnull(res);
	fx.res = *res;
	count(err);
}


void fx_done_handler(int err, void *arg)
{
	(void)arg;
	count(err);
}


static void timeout_handler(void *arg)
{
	(void)arg;
	ck_abort_msg("no result: %u of %u", fx.done, fx.want);
}


void fx_wait(unsigned n)
{
	struct tmr tmr;

	memset(&tmr, 0, sizeof(tmr));
	tmr_init(&tmr);
	tmr_start(&tmr, TIMEOUT, timeout_handler, NULL);
	fx.want = n;
	if (fx.done < n)
		ck_assert_int_eq(0, re_main(NULL));
	tmr_cancel(&tmr);
	ck_assert_uint_eq(n, fx.done);
}


static void turn_handler(void *arg)
{
	(void)arg;
	re_cancel();
}


void fx_turn(void)
{
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, 20, turn_handler, NULL);
	fx.want = 0;
	ck_assert_int_eq(0, re_main(NULL));
}


int fx_result(int err)
{
	ck_assert_int_eq(0, err);
	fx_wait(fx.done + 1);

	return fx.err;
}


void fx_set(char **strp, const char *val)
{
	*strp = mem_deref(*strp);
	if (val)
		ck_assert_int_eq(0, str_dup(strp, val));
}


void fx_body(struct cpm_msg *msg, const void *p, size_t len)
{
	msg->body = mem_deref(msg->body);
	msg->body = mbuf_alloc(len ? len : 1);
	ck_assert_ptr_nonnull(msg->body);
	ck_assert_int_eq(0, mbuf_write_mem(msg->body, p, len));
	msg->body->pos = 0;
}


struct cpm_msg *fx_msg(const char *msgkey, const char *text)
{
	struct cpm_msg *msg = NULL;

	ck_assert_int_eq(0, cpm_msg_alloc(&msg));
	fx_set(&msg->account, "sip:alice@example.net");
	fx_set(&msg->key, "c1");
	fx_set(&msg->peer, "sip:bob@example.net");
	fx_set(&msg->msgkey, msgkey);
	fx_set(&msg->imdn_id, msgkey);
	fx_set(&msg->type, "text/plain");
	msg->time = msg->received = 1000;
	msg->text = true;
	if (text)
		fx_body(msg, text, strlen(text));

	return msg;
}


int fx_put(struct cpm_msg *msg)
{
	const int err = cpm_store_put(fx.st, msg, fx_put_handler, NULL);

	mem_deref(msg);

	return fx_result(err);
}


uint64_t fx_put_ok(const char *msgkey, const char *text)
{
	ck_assert_int_eq(0, fx_put(fx_msg(msgkey, text)));
	ck_assert(!fx.res.duplicate);
	ck_assert_uint_gt(fx.res.id, 0);

	return fx.res.id;
}


unsigned fx_spooled(void)
{
	char path[400];
	struct dirent *de;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/cpm/spool", fx.dir);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	closedir(dir);

	return n;
}


static bool has_end(const char *name, const char *end)
{
	const size_t n = strlen(name), m = strlen(end);

	/* the plain one has no more behind its time */
	return m ? n > m && !strcmp(name + n - m, end)
		: name[n - 1] == 'Z' || name[n - 2] == '-';
}


static unsigned beside(char *path, size_t size, const char *begin,
		       const char *end)
{
	char dir[300];
	struct dirent *de;
	unsigned n = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "%.250s/cpm", fx.dir);
	d = opendir(dir);
	ck_assert_ptr_nonnull(d);
	while ((de = readdir(d)) != NULL) {
		if (strncmp(de->d_name, begin, strlen(begin)))
			continue;
		++n;
		if (path && has_end(de->d_name, end))
			snprintf(path, size, "%s/%s", dir, de->d_name);
	}
	closedir(d);

	return n;
}


unsigned fx_aside(const char *begin)
{
	return beside(NULL, 0, begin, "");
}


void fx_aside_path(char *path, size_t size, const char *begin,
		   const char *end)
{
	path[0] = '\0';
	(void)beside(path, size, begin, end);
	ck_assert_msg(path[0] != '\0', "no %s...%s", begin, end);
}


int64_t fx_sql(const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *sq = NULL;
	int64_t val = 0;
	int rc;

	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	sqlite3_busy_timeout(sq, 5000);
	rc = sqlite3_prepare_v2(sq, sql, -1, &stmt, NULL);
	ck_assert_msg(rc == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(sq));
	rc = sqlite3_step(stmt);
	ck_assert_msg(rc == SQLITE_ROW || rc == SQLITE_DONE, "%s: %s", sql,
		      sqlite3_errmsg(sq));
	if (rc == SQLITE_ROW)
		val = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(sq);

	return val;
}


struct cpm_counts fx_counts(void)
{
	struct cpm_counts c;

	ck_assert_int_eq(0, cpm_store_counts(fx.st, &c));

	return c;
}


Suite *store_suite(void)
{
	Suite *s = suite_create("store");

	suite_add_tcase(s, store_write_case());
	suite_add_tcase(s, store_report_case());
	suite_add_tcase(s, store_sender_case());
	suite_add_tcase(s, store_sender_fail_case());
	suite_add_tcase(s, store_sender_migrate_case());
	suite_add_tcase(s, store_read_case());
	suite_add_tcase(s, store_open_case());
	suite_add_tcase(s, store_fail_case());
	suite_add_tcase(s, store_room_case());
	suite_add_tcase(s, store_migrate_case());
	suite_add_tcase(s, store_sweep_case());
	suite_add_tcase(s, store_sent_case());
	suite_add_tcase(s, store_announced_case());
	suite_add_tcase(s, store_export_case());
	suite_add_tcase(s, store_export_fail_case());
	suite_add_tcase(s, store_full_case());
	suite_add_tcase(s, store_wal_case());
	suite_add_tcase(s, store_damage_case());
	suite_add_tcase(s, store_wait_case());
	suite_add_tcase(s, store_body_case());
	suite_add_tcase(s, store_spool_case());
	suite_add_tcase(s, store_queue_case());
	suite_add_tcase(s, store_queue_many_case());
	suite_add_tcase(s, store_put_wait_case());
	suite_add_tcase(s, store_source_case());
	suite_add_tcase(s, store_conv_case());

	return s;
}
