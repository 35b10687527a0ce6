/**
 * @file store_put_wait.c  The store: a message whose commit is waited for
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sqlite3.h>
#include "unit/store_unit.h"
#include "mock/store_fail.h"


#define ALICE "sip:alice@example.net"

enum {
	LONG  = 20000,    /* ms that are never over */
	SHORT = 50,       /* ms that are soon       */

	READS_MAX = 100,  /* pages in one transaction */
};


static int put_wait(struct cpm_msg *msg, uint32_t ms)
{
	int err;

	memset(&fx.res, 0, sizeof(fx.res));
	err = cpm_store_put_wait(fx.st, msg, ms, &fx.res);
	mem_deref(msg);

	return err;
}


static int wait_out(const char *id, uint32_t ms)
{
	return put_wait(fx_out("c1", id, "x"), ms);
}


/* It is there when the call is back, without a turn of the main loop */
START_TEST(test_there)
{
	ck_assert_int_eq(0, wait_out("k1", LONG));
	ck_assert_uint_eq(1, fx.res.id);
	ck_assert(fx.res.opened);
	ck_assert(!fx.res.duplicate);
	ck_assert_uint_eq(1, fx_heads(ALICE, 0));
	ck_assert_int_eq(1, fx_sql("SELECT count(*) FROM msg"));
	ck_assert_int_eq(0, wait_out("k1", LONG));
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(1, fx.res.id);
	ck_assert_uint_eq(0, fx.batches);

	/* the rest of the world learns of it from the main loop */
	fx_turn();
	ck_assert_uint_ge(fx.batches, 1);
	ck_assert_uint_eq(1, fx_counts().queued);
	fx_queue_sound();
}
END_TEST


static unsigned order[8], orders;

static void order_handler(int err, const struct cpm_put_result *res,
			  void *arg)
{
	ck_assert_int_eq(0, err);
	ck_assert_uint_eq(orders + 1, res->id);
	order[orders++] = *(unsigned *)arg;
	fx_done_handler(err, NULL);
}


/* What was queued before is written before; its result comes from the main
   loop all the same, in order, and not from inside the call */
START_TEST(test_order)
{
	static unsigned numv[3] = {0, 1, 2};
	struct cpm_msg *msg;
	unsigned i;

	for (i=0; i<3; i++) {
		char id[8];

		snprintf(id, sizeof(id), "in%u", i);
		msg = fx_msg(id, "x");
		ck_assert_int_eq(0, cpm_store_put(fx.st, msg, order_handler,
						  &numv[i]));
		mem_deref(msg);
	}
	ck_assert_int_eq(0, wait_out("k1", LONG));
	ck_assert_uint_eq(4, fx.res.id);
	ck_assert_uint_eq(0, orders);
	ck_assert_uint_eq(4, fx_counts().messages);
	fx_wait(3);
	for (i=0; i<3; i++)
		ck_assert_uint_eq(i, order[i]);
}
END_TEST


static void nested_handler(int err, const struct cpm_put_result *res,
			   void *arg)
{
	const uint64_t id = res->id;

	ck_assert_int_eq(0, err);
	ck_assert_int_eq(0, wait_out("k1", LONG));
	ck_assert_uint_gt(fx.res.id, id);
	fx_done_handler(err, arg);
}


static bool reading_handler(const struct cpm_msg *msg, void *arg)
{
	(void)msg;
	++*(unsigned *)arg;
	ck_assert_int_eq(0, wait_out("k2", LONG));

	return false;
}


/* From inside a handler, of a result or of a read */
START_TEST(test_nested)
{
	struct cpm_msg *msg = fx_msg("in", "x");
	unsigned n = 0;

	ck_assert_int_eq(0, cpm_store_put(fx.st, msg, nested_handler, NULL));
	mem_deref(msg);
	fx_wait(1);
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &(struct cpm_query){
		.limit = 9}, reading_handler, &n));
	ck_assert_uint_eq(2, n);
	ck_assert_uint_eq(3, fx_counts().messages);
	fx_queue_sound();
}
END_TEST


START_TEST(test_refused)
{
	const struct cpm_limits lim = {.quota = 100};
	struct cpm_msg *msg = fx_out("c1", "k1", "x");
	static const char big[200];

	ck_assert_int_eq(EINVAL, cpm_store_put_wait(fx.st, NULL, 1, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_put_wait(NULL, msg, 1, NULL));
	fx_set(&msg->account, "");
	ck_assert_int_eq(EINVAL, put_wait(msg, LONG));
	cpm_store_limit(fx.st, &lim);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ck_assert_int_eq(ENOSPC, wait_out("k1", LONG));
	store_fail_set(0, 0);
	msg = fx_out("c1", "k1", NULL);
	fx_body(msg, big, sizeof(big));
	ck_assert_int_eq(EDQUOT, put_wait(msg, LONG));
	ck_assert_int_eq(0, wait_out("k1", LONG));
	fx_turn();
	ck_assert_str_eq("quota", fx.what);
	ck_assert_uint_eq(1, fx_counts().messages);
}
END_TEST


/* A large body is a file by then, however it comes */
START_TEST(test_large)
{
	static char body[CPM_SPOOL_MIN + 1];
	struct cpm_msg *msg = fx_out("c1", "k1", NULL);

	memset(body, 'y', sizeof(body));
	fx_body(msg, body, sizeof(body));
	ck_assert_int_eq(0, put_wait(msg, LONG));
	ck_assert_uint_eq(1, fx_spooled());

	msg = fx_out("c1", "k2", NULL);
	ck_assert_int_eq(0, cpm_body_open(&msg->large, fx.st, 0));
	ck_assert_int_eq(0, cpm_body_write(msg->large, 0, (uint8_t *)body,
					   sizeof(body)));
	ck_assert_int_eq(0, put_wait(msg, LONG));
	ck_assert_uint_eq(2, fx_spooled());
	fx_reopen();
	ck_assert_uint_eq(2, fx_spooled());
	ck_assert_uint_eq(2, fx_counts().queued);
}
END_TEST


/* A filter refuses it: that is a result as well */
static int refuse_filter(uint8_t *out, size_t *outl, const uint8_t *in,
			 size_t inl, bool end, void *arg)
{
	(void)out;
	(void)outl;
	(void)in;
	(void)inl;
	(void)end;
	(void)arg;

	return EBADMSG;
}


START_TEST(test_filter)
{
	struct cpm_msg *msg = fx_out("c1", "k1", NULL);

	ck_assert_int_eq(0, cpm_body_open(&msg->large, fx.st, 0));
	ck_assert_int_eq(0, cpm_body_write(msg->large, 0, (uint8_t *)"x", 1));
	cpm_body_filter(msg->large, 0, refuse_filter, NULL);
	ck_assert_int_eq(EILSEQ, put_wait(msg, LONG));
	ck_assert_uint_eq(0, fx_counts().messages);
}
END_TEST


static void nothing(void)
{
	ck_assert_uint_eq(0, fx_heads(ALICE, 0));
	ck_assert_uint_eq(0, fx_counts().queued);
	ck_assert_uint_eq(0, fx_counts().messages);
	ck_assert_uint_eq(0, fx_spooled());
	fx_queue_sound();
}


/* Given up before its transaction began: somebody has locked the database.
   It is never written, and what was queued with it is */
START_TEST(test_late_begin)
{
	static char body[CPM_SPOOL_MIN + 1];
	struct cpm_msg *msg = fx_out("c1", "k1", NULL);
	sqlite3 *sq = NULL;

	fx_body(msg, body, sizeof(body));
	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	ck_assert_int_eq(SQLITE_OK, sqlite3_exec(sq, "BEGIN IMMEDIATE", NULL,
						 NULL, NULL));
	ck_assert_int_eq(ETIMEDOUT, put_wait(msg, SHORT));
	ck_assert_int_eq(ETIMEDOUT, wait_out("k2", 0));
	sqlite3_close(sq);
	fx_put_ok("in", "x");
	ck_assert_uint_eq(1, fx_counts().messages);
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, fx.res.id, 0, fx_done_handler, NULL)));
	ck_assert_int_eq(0, fx_sql("SELECT count(*) FROM gone"
				   " WHERE msgkey LIKE 'out:%'"));
	nothing();

	/* nobody knows it: it may be sent once more */
	ck_assert_int_eq(0, wait_out("k1", LONG));
	ck_assert(!fx.res.duplicate);
	ck_assert_uint_eq(1, fx_heads(ALICE, 0));
}
END_TEST


/* Given up while its rows are being written, wherever that is: it is taken
   back before the COMMIT, and what was queued with it is kept */
START_TEST(test_late_rows)
{
	char in[16], out[16];
	unsigned n, held = 0;
	int err = ETIMEDOUT;

	for (n=0; n<READS_MAX && err; n++) {
		struct cpm_msg *msg;

		/* another connection writes: what the writer knew is stale */
		fx_sql("INSERT OR REPLACE INTO meta VALUES ('test', 1)");
		snprintf(in, sizeof(in), "in%u", n);
		snprintf(out, sizeof(out), "k%u", n);
		msg = fx_msg(in, "x");
		ck_assert_int_eq(0, cpm_store_put(fx.st, msg, fx_put_handler,
						  NULL));
		mem_deref(msg);
		store_fail_after(STORE_FAIL_READ, STORE_FAIL_HOLD, n);
		err = wait_out(out, SHORT);
		held += store_fail_hit();
		store_fail_set(0, 0);
		fx_wait(fx.done + 1);
		ck_assert_int_eq(0, fx.err);
		fx_turn();
	}
	ck_assert_int_eq(0, err);
	ck_assert_uint_gt(held, 2);
	ck_assert_uint_eq(n, held + 1);
	ck_assert_int_eq(0, fx_sql("SELECT count(*) FROM gone"));
	ck_assert_uint_eq(n + 1, fx_counts().messages);
	ck_assert_uint_eq(1, fx_counts().queued);
	ck_assert_uint_eq(0, fx.faults);
	fx_queue_sound();
}
END_TEST


static unsigned seen;

static bool seen_handler(const struct cpm_queued *q, void *arg)
{
	(void)q;
	(void)arg;
	++seen;

	return false;
}


static void hold(unsigned left)
{
	store_fail_after(STORE_FAIL_SYNC, STORE_FAIL_HOLD, left);
}


/* Given up while the disk is at it: it is there, is not seen, and goes. */
START_TEST(test_late_commit)
{
	hold(0);
	ck_assert_int_eq(ETIMEDOUT, wait_out("k1", SHORT));
	ck_assert(store_fail_hit());

	/* what comes behind it is written together */
	ck_assert_int_eq(ETIMEDOUT, wait_out("k2", 0));
	ck_assert_uint_eq(0, fx_heads(ALICE, 0));
	store_fail_set(0, 0);
	ck_assert_int_eq(0, wait_out("k3", LONG));
	ck_assert_int_eq(1, fx_sql("SELECT count(*) FROM gone"));
	ck_assert_uint_eq(1, fx_heads(ALICE, 0));
	ck_assert_uint_eq(1, fx_counts().queued);
	ck_assert_uint_eq(1, fx_counts().messages);
	fx_turn();
	fx_queue_sound();
	ck_assert_uint_eq(0, fx.faults);
	fx_reopen();
	ck_assert_uint_eq(1, fx_counts().queued);
}
END_TEST


/* The same, and the disk is full when it is to go: until it is gone it is not
   seen, and the next thing that is written takes it along */
START_TEST(test_late_full)
{
	hold(0);
	ck_assert_int_eq(ETIMEDOUT, wait_out("k1", SHORT));
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	while (!store_fail_hit())
		(void)poll(NULL, 0, 1);
	fx_turn();
	ck_assert_int_eq(1, fx_sql("SELECT count(*) FROM sent"
				   " WHERE queue IS NOT NULL"));
	ck_assert_uint_eq(0, fx_heads(ALICE, 0));
	seen = 0;
	ck_assert_int_eq(0, cpm_store_queued_conv(fx.st, 1, 0, 9,
						  seen_handler, NULL));
	ck_assert_uint_eq(0, seen);
	store_fail_set(0, 0);
	fx_put_ok("in", "x");
	fx_turn();
	ck_assert_int_eq(0, fx_sql("SELECT count(*) FROM sent"));
	ck_assert_uint_eq(1, fx_counts().messages);
	fx_queue_sound();
}
END_TEST


/* Nothing else comes, and the store is closed: then at the latest */
START_TEST(test_late_close)
{
	hold(0);
	ck_assert_int_eq(ETIMEDOUT, wait_out("k1", SHORT));
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	while (!store_fail_hit())
		(void)poll(NULL, 0, 1);
	store_fail_set(0, 0);
	fx_reopen();
	nothing();
}
END_TEST


/* The process dies before the COMMIT: what it gave up is not there. And what
   it did not give up is */
START_TEST(test_killed)
{
	const bool before = _i == 0;
	int status = 0;
	pid_t pid;

	cpm_store_close(&fx.st);
	pid = fork();
	if (!pid) {
		sqlite3 *sq = NULL;

		fx_open();
		(void)sqlite3_open(fx.path, &sq);
		if (before)
			(void)sqlite3_exec(sq, "BEGIN IMMEDIATE", NULL, NULL,
					   NULL);
		if (wait_out("k1", before ? SHORT : LONG) ==
		    (before ? ETIMEDOUT : 0))
			(void)raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	ck_assert(WIFSIGNALED(status));
	fx_open();
	ck_assert_uint_eq(!before, fx_heads(ALICE, 0));
	ck_assert_uint_eq(!before, fx_counts().queued);
}
END_TEST


/* A daemon forks with the store open */
START_TEST(test_fork)
{
	int status = 0;
	pid_t pid;

	ck_assert_int_eq(0, wait_out("k1", LONG));
	pid = fork();
	if (!pid) {
		ck_assert_int_eq(0, wait_out("k2", LONG));
		ck_assert_uint_eq(2, fx_counts().queued);
		cpm_store_close(&fx.st);
		_exit(77);
	}
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	ck_assert_int_eq(77, WEXITSTATUS(status));
}
END_TEST


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


TCase *store_put_wait_case(void)
{
	TCase *tc = tcase_create("put-wait");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_there);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_nested);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_large);
	tcase_add_test(tc, test_filter);
	tcase_add_test(tc, test_late_begin);
	tcase_add_test(tc, test_late_rows);
	tcase_add_test(tc, test_late_commit);
	tcase_add_test(tc, test_late_full);
	tcase_add_test(tc, test_late_close);
	tcase_add_loop_test(tc, test_killed, 0, 2);
	tcase_add_test(tc, test_fork);

	return tc;
}
