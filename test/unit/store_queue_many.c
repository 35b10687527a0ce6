/**
 * @file store_queue_many.c  The store: many messages of ours to be sent
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <sqlite3.h>
#include "unit/store_unit.h"
#include "../../modules/cpm/store/store.h"


#define ALICE "sip:alice@example.net"
#define BOB   "sip:bob@example.net"

enum {
	BACKLOG = 5000,
	STEPS   = 3000,
};


/* queued, not waited for */
static void put(const char *account, const char *conv, const char *id)
{
	struct cpm_msg *msg = fx_out(conv, id, "x");

	fx_set(&msg->account, account);
	ck_assert_int_eq(0, cpm_store_put(fx.st, msg, fx_put_handler, NULL));
	mem_deref(msg);
}


static void status_handler(int err, uint64_t id, void *arg)
{
	(void)id;
	fx_done_handler(err, arg);
}


static uint32_t rnd(uint32_t n)
{
	static uint32_t x = 4711;

	x = x * 1103515245 + 12345;

	return (x >> 16) % n;
}


static void put_any(unsigned i)
{
	char conv[16], id[16];

	snprintf(conv, sizeof(conv), "c%u", rnd(2) ? rnd(4) : rnd(100));
	snprintf(id, sizeof(id), "k%u", i);
	put(rnd(4) ? ALICE : BOB, conv, id);
}


static int out_any(uint64_t id)
{
	if (rnd(2))
		return cpm_store_out_sending(fx.st, id, CPM_PAGE, NULL,
					     fx_done_handler, NULL);

	return cpm_store_out_end(fx.st, id,
				 rnd(2) ? CPM_OUT_SENT : CPM_OUT_FAILED, 0,
				 NULL, fx_done_handler, NULL);
}


static void step(unsigned i)
{
	const uint64_t id = 1 + rnd(i / 3 + 1);
	char name[16];
	int err = 0;

	snprintf(name, sizeof(name), "k%u", 1 + rnd(i));
	switch (rnd(16)) {

	case 0:
		err = cpm_store_delete(fx.st, id, 0, fx_done_handler, NULL);
		break;

	case 1:
		err = rnd(9) ? cpm_store_out_wake(fx.st, ALICE,
						  fx_done_handler, NULL)
			: cpm_store_delete(fx.st, 0, 1 + rnd(30),
					   fx_done_handler, NULL);
		break;

	case 2:
		err = cpm_store_status(fx.st, ALICE, BOB, name,
				       CPM_OUT_SENDING + rnd(4), 0, NULL,
				       status_handler, NULL);
		break;

	case 3:
	case 4:
		err = cpm_store_out_again(fx.st, id, rnd(9000), rnd(2), 503,
					  NULL, fx_done_handler, NULL);
		break;

	case 5:
	case 6:
	case 7:
	case 8:
		err = out_any(id);
		break;

	default:
		put_any(i);
		break;
	}
	ck_assert_int_eq(0, err);
}


/* Whatever happens, in transactions of many and of one */
START_TEST(test_random)
{
	unsigned i;

	for (i=1; i<=STEPS; i++) {
		step(i);
		if (i % 2 && rnd(20))
			continue;
		fx_wait(i);
		if (i % 100 == 0)
			fx_queue_sound();
	}
	fx_wait(STEPS);
	fx_queue_sound();
	ck_assert_int_gt(fx_sql("SELECT count(*) FROM conv WHERE turn < 0"),
			 0);
	ck_assert_int_gt(fx_sql("SELECT count(*) FROM conv WHERE turn >= 0"),
			 0);
	fx_reopen();
	fx_queue_sound();
}
END_TEST


/* Steps of SQLite's machine */
static int cost(enum sql id, int64_t at)
{
	const bool conv = id == SQL_QUEUED_CONV;
	sqlite3_stmt *stmt = NULL;
	sqlite3 *sq = NULL;
	int steps, rows = id == SQL_QUEUED_ACCOUNT || conv ? 2 : 32;

	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	ck_assert_int_eq(SQLITE_OK, sqlite3_prepare_v2(
		sq, sql_text[id], -1, &stmt, NULL));
	if (conv)
		sqlite3_bind_int64(stmt, 1, 1);
	else
		sqlite3_bind_text(stmt, 1, id == SQL_QUEUED_ACCOUNT ? ""
				  : ALICE, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, at);
	sqlite3_bind_int64(stmt, 3, rows);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		;
	steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(sq);
	ck_assert_int_gt(steps, 0);

	return steps;
}


static void costs(int v[4])
{
	v[0] = cost(SQL_QUEUED_ACCOUNT, 1);
	v[1] = cost(SQL_QUEUED, 1);
	v[2] = cost(SQL_QUEUED_NEXT, 1);
	v[3] = cost(SQL_QUEUED_CONV, 1);
}


/* A look costs the same with 40 messages and with 5,000, of one conversation
   or of as many, whether they can go or wait for their time */
START_TEST(test_cost)
{
	int go[2][4], wait[2][4];
	char conv[16], id[16];
	unsigned i = 0, k;

	for (k=0; k<2; k++) {
		const unsigned n = k ? BACKLOG : 40;

		for (; i<n; i++) {
			snprintf(conv, sizeof(conv), "c%u", _i ? i : 0);
			snprintf(id, sizeof(id), "k%u", i);
			put(ALICE, conv, id);
		}
		fx_wait(n);
		costs(go[k]);
		fx_sql("UPDATE conv SET turn = 9");
		costs(wait[k]);
		fx_sql("UPDATE conv SET turn = -4611686018427387904 +"
		       " (SELECT min(id) FROM sent WHERE queue = conv.id)");
	}
	fx_queue_sound();
	for (i=0; i<4; i++) {
		ck_assert_int_eq(go[0][i], go[1][i]);
		ck_assert_int_eq(wait[0][i], wait[1][i]);
	}
}
END_TEST


TCase *store_queue_many_case(void)
{
	TCase *tc = tcase_create("queue-many");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_random);
	tcase_add_loop_test(tc, test_cost, 0, 2);

	return tc;
}
