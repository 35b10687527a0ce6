/**
 * @file unit/store_sender.c  The store: to whom reports are due
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <sqlite3.h>
#include "unit/store_unit.h"
#include "mock/store_fail.h"
#include "../../modules/cpm/store/store.h"


#define ALICE "sip:alice@example.net"

enum {
	SENDERS = 40,         /* more than the writer keeps in mind        */
	EACH    = 5,
	BACKLOG = 5000,
	STEPS   = 3000,
};


struct heads {
	uint64_t id[BACKLOG];
	char peer[SENDERS][80];
	unsigned n;
};

static struct heads heads;


static bool head_handler(const struct cpm_due *due, void *arg)
{
	struct heads *h = arg;

	ck_assert_uint_lt(h->n, BACKLOG);
	ck_assert_uint_gt(due->sender, 0);
	if (h->n < SENDERS)
		snprintf(h->peer[h->n], sizeof(h->peer[0]), "%.70s",
			 due->peer);
	h->id[h->n++] = due->id;

	return false;
}


static unsigned heads_at(const char *account, uint64_t from, uint64_t to)
{
	memset(&heads, 0, sizeof(heads));
	ck_assert_int_eq(0, cpm_store_due(fx.st, account, from, to,
					  UINT32_MAX, head_handler, &heads));

	return heads.n;
}


/* queued, not waited for */
static void put(const char *account, const char *peer, const char *key)
{
	struct cpm_msg *m = fx_msg(key, "x");

	fx_set(&m->account, account);
	fx_set(&m->peer, peer);
	m->notify = 5;
	m->report[CPM_DELIVERED] = CPM_REPORT_DUE;
	ck_assert_int_eq(0, cpm_store_put(fx.st, m, fx_put_handler, NULL));
	mem_deref(m);
}


static int move(uint64_t id, enum cpm_report_state to, uint64_t next)
{
	return fx_result(cpm_store_report_move(fx.st, id, to, next,
					       fx_done_handler, NULL));
}


/* What a row says is what the reports say */
static void check_rows(void)
{
	ck_assert_int_eq(0, fx_sql(
		"SELECT count(*) FROM sender s WHERE s.due <> EXISTS"
		" (SELECT 1 FROM report r WHERE r.sender = s.id"
		" AND r.state = 1 AND r.held = 0)"));
	ck_assert_int_eq(0, fx_sql(
		"SELECT count(*) FROM report r LEFT JOIN sender s"
		" ON s.id = r.sender JOIN msg m ON m.id = r.msg"
		" WHERE r.state = 1 AND s.peer IS NOT m.peer"));
}


static char names[256];

static bool name_handler(const char *account, void *arg)
{
	const unsigned *stop = arg;
	const size_t len = strlen(names);

	snprintf(names + len, sizeof(names) - len, "%s ", account);

	return stop != NULL;
}


START_TEST(test_accounts)
{
	unsigned stop = 1;

	ck_assert_int_eq(0, cpm_store_due_accounts(fx.st, name_handler,
						   NULL));
	ck_assert_str_eq("", names);
	put("b", "sip:x", "1");
	put("a", "sip:x", "1");
	put("a", "sip:y", "1");
	put("c", "sip:x", "1");
	fx_wait(4);
	ck_assert_int_eq(0, cpm_store_due_accounts(fx.st, name_handler,
						   NULL));
	ck_assert_str_eq("a b c ", names);
	names[0] = '\0';
	ck_assert_int_eq(0, cpm_store_due_accounts(fx.st, name_handler,
						   &stop));
	ck_assert_str_eq("a ", names);

	/* each sees its own; one with nothing left is not there */
	ck_assert_uint_eq(2, heads_at("a", 0, 1));
	ck_assert_uint_eq(1, heads_at("b", 0, 1));
	ck_assert_int_eq(0, move(heads.id[0], CPM_REPORT_SENT, 1));
	names[0] = '\0';
	ck_assert_int_eq(0, cpm_store_due_accounts(fx.st, name_handler,
						   NULL));
	ck_assert_str_eq("a c ", names);
	check_rows();
}
END_TEST


/* Whose time came first goes first: so none is forgotten over the others */
START_TEST(test_turns)
{
	uint64_t next = 0;

	put(ALICE, "sip:x", "1");
	put(ALICE, "sip:x", "2");
	put(ALICE, "sip:y", "1");
	put(ALICE, "sip:y", "2");
	put(ALICE, "sip:z", "1");
	fx_wait(5);
	ck_assert_uint_eq(3, heads_at(ALICE, 0, 1000));
	ck_assert_str_eq("sip:x", heads.peer[0]);
	ck_assert_int_eq(0, move(heads.id[0], CPM_REPORT_SENT, 500));
	ck_assert_uint_eq(3, heads_at(ALICE, 0, 1000));
	ck_assert_str_eq("sip:y", heads.peer[0]);
	ck_assert_str_eq("sip:z", heads.peer[1]);
	ck_assert_str_eq("sip:x", heads.peer[2]);
	ck_assert_int_eq(0, move(heads.id[0], CPM_REPORT_DUE, 2000));
	ck_assert_uint_eq(2, heads_at(ALICE, 0, 1000));
	ck_assert_uint_eq(1, heads_at(ALICE, 1000, UINT64_MAX));
	ck_assert_str_eq("sip:y", heads.peer[0]);
	ck_assert_int_eq(0, cpm_store_due_next(fx.st, ALICE, 1000, &next));
	ck_assert_uint_eq(2000, next);
	ck_assert_int_eq(0, cpm_store_due_next(fx.st, ALICE, 2000, &next));
	ck_assert_uint_eq(0, next);
	check_rows();
}
END_TEST


/* A new one does not end the wait of those before, also if it is committed
   together with the try in vain, by a store that has just been opened */
START_TEST(test_wait_kept)
{
	char key[16];
	unsigned i;

	put(ALICE, "sip:x", "1");
	fx_wait(1);
	ck_assert_uint_eq(1, heads_at(ALICE, 0, 1));
	for (i=0; i<10; i++) {
		fx_reopen();
		fx.done = 0;
		snprintf(key, sizeof(key), "k%u", i);
		/* while this is written the other two get together */
		put("other", "sip:y", key);
		ck_assert_int_eq(0, cpm_store_report_move(
			fx.st, 1, CPM_REPORT_DUE, 9000, NULL, NULL));
		put(ALICE, "sip:x", key);
		fx_wait(2);
		ck_assert_uint_eq(0, heads_at(ALICE, 0, 8999));
		ck_assert_uint_eq(1, heads_at(ALICE, 0, 9000));
	}
	check_rows();
}
END_TEST


static void many_put(void)
{
	char peer[700], key[16];
	unsigned i, k;

	for (k=0; k<EACH; k++) {
		for (i=0; i<SENDERS; i++) {
			/* some are too long to be kept in mind */
			memset(peer, 'x', sizeof(peer));
			snprintf(peer, sizeof(peer), "sip:p%02u", i);
			if (i % 10 == 9)
				snprintf(peer, sizeof(peer), "sip:p%02u%0600u",
					 i, 0);
			snprintf(key, sizeof(key), "k%u", k);
			put(ALICE, peer, key);
		}
	}
	fx_wait(EACH * SENDERS);
}


/* More senders than are kept in mind, mixed: each in its own order */
START_TEST(test_many)
{
	unsigned i, k;

	many_put();
	ck_assert_int_eq(SENDERS, fx_sql("SELECT count(*) FROM sender"));
	check_rows();

	for (k=0; k<EACH; k++) {
		ck_assert_uint_eq(SENDERS, heads_at(ALICE, 0, 1));
		fx.done = 0;
		for (i=0; i<SENDERS; i++) {
			/* ids of a sender are SENDERS apart */
			ck_assert_uint_eq(k * SENDERS + i + 1, heads.id[i]);
			ck_assert_int_eq(0, cpm_store_report_move(
				fx.st, heads.id[i], CPM_REPORT_SENT, 1,
				fx_done_handler, NULL));
		}
		fx_wait(SENDERS);
		ck_assert_int_eq(0, fx.err);
		check_rows();
	}
	ck_assert_uint_eq(0, heads_at(ALICE, 0, UINT64_MAX));
	ck_assert_uint_eq(0, fx_counts().imdn_pending);
}
END_TEST


/* What was undone is not taken for known */
START_TEST(test_undone)
{
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	put(ALICE, "sip:x", "1");
	fx_wait(1);
	ck_assert_int_eq(ENOSPC, fx.err);
	store_fail_set(0, 0);
	put(ALICE, "sip:y", "1");
	fx_wait(2);
	put(ALICE, "sip:x", "1");
	fx_wait(3);
	ck_assert_int_eq(0, fx.err);
	ck_assert_uint_eq(2, heads_at(ALICE, 0, 1));
	check_rows();

	/* nor a move that was */
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ck_assert_int_eq(ENOSPC, move(heads.id[0], CPM_REPORT_DUE, 9));
	store_fail_set(0, 0);
	put(ALICE, "sip:x", "2");
	fx_wait(fx.done + 1);
	ck_assert_uint_eq(2, heads_at(ALICE, 0, 1));
	check_rows();
}
END_TEST


static uint32_t rnd(uint32_t n)
{
	static uint32_t x = 12345;

	x = x * 1103515245 + 12345;

	return (x >> 16) % n;
}


static void put_any(void)
{
	char peer[16], key[16];
	struct cpm_msg *m;

	snprintf(peer, sizeof(peer), "sip:p%u",
		 rnd(2) ? rnd(8) : rnd(300));
	snprintf(key, sizeof(key), "k%u", rnd(100000));
	m = fx_msg(key, "x");
	fx_set(&m->peer, peer);
	m->notify = 5;
	m->report[0] = rnd(2) ? CPM_REPORT_DUE : CPM_REPORT_NONE;
	m->report[1] = rnd(2) ? CPM_REPORT_DUE : CPM_REPORT_NONE;
	ck_assert_int_eq(0, cpm_store_put(fx.st, m, fx_put_handler, NULL));
	mem_deref(m);
}


static void step(unsigned msgs)
{
	const uint64_t id = 1 + rnd(msgs + 1);
	int err = 0;

	switch (rnd(10)) {

	case 0:
		err = cpm_store_display(fx.st, &id, 1, rnd(2),
					fx_done_handler, NULL);
		break;

	case 1:
		err = cpm_store_report_add(fx.st, id, CPM_DELIVERED + rnd(2),
					   fx_done_handler, NULL);
		break;

	case 2:
	case 3:
		put_any();
		break;

	default:
		err = cpm_store_report_move(fx.st, id,
					    CPM_REPORT_DUE + rnd(3), rnd(9),
					    fx_done_handler, NULL);
		break;
	}
	ck_assert_int_eq(0, err);
}


/* Whatever happens, in transactions of many and of one */
START_TEST(test_random)
{
	unsigned i;

	for (i=1; i<=STEPS; i++) {
		step(i / 5);
		if (i % 2 && rnd(20))
			continue;
		fx_wait(i);
		if (i % 100 == 0)
			check_rows();
	}
	fx_wait(STEPS);
	check_rows();
	ck_assert_int_gt(fx_sql("SELECT count(*) FROM sender WHERE due"), 0);
	ck_assert_int_gt(fx_sql("SELECT count(*) FROM sender WHERE NOT due"),
			 0);
}
END_TEST


/* Steps of SQLite's machine */
static int cost(enum sql id, uint64_t now, unsigned rows)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *sq = NULL;
	int steps;

	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	ck_assert_int_eq(SQLITE_OK, sqlite3_prepare_v2(
		sq, sql_text[id], -1, &stmt, NULL));
	sqlite3_bind_text(stmt, 1, id == SQL_DUE_ACCOUNT ? "" : ALICE, -1,
			  SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, id == SQL_DUE ? 0 : (int64_t)now);
	sqlite3_bind_int64(stmt, 3, (int64_t)now);
	sqlite3_bind_int64(stmt, 4, 32);
	while (rows-- && sqlite3_step(stmt) == SQLITE_ROW)
		;
	steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(sq);
	ck_assert_int_gt(steps, 0);

	return steps;
}


/* All that a look asks for, up to so many reports that can go */
static void costs(int v[3], unsigned rows)
{
	v[0] = cost(SQL_DUE_ACCOUNT, 1, 2);
	v[1] = cost(SQL_DUE, 1, rows);
	v[2] = cost(SQL_DUE_NEXT, 1, 2);
}


static void check_cost(unsigned rows)
{
	int go[2][3], wait[2][3];
	char peer[32], key[16];
	unsigned i = 0, k;

	for (k=0; k<2; k++) {
		const unsigned n = k ? BACKLOG : 40;

		for (; i<n; i++) {
			snprintf(peer, sizeof(peer), "sip:p%u",
				 rows > 1 ? i : 0);
			snprintf(key, sizeof(key), "k%u", i);
			put(ALICE, peer, key);
		}
		fx_wait(n);
		costs(go[k], rows);
		fx_sql("UPDATE sender SET next = 9");
		costs(wait[k], rows);
		fx_sql("UPDATE sender SET next = 0");
	}
	for (i=0; i<3; i++) {
		ck_assert_int_eq(go[0][i], go[1][i]);
		ck_assert_int_eq(wait[0][i], wait[1][i]);
	}
}


/* A look costs the same with 40 reports and with 5,000, of one sender or of as
   many, whether they can go or wait for their time */
START_TEST(test_cost)
{
	if (_i)
		check_cost(32);
	else
		check_cost(1);
}
END_TEST


static void setup_fail(void)
{
	store_fail_install();
	fx_setup_open();
}


static void teardown_fail(void)
{
	store_fail_set(0, 0);
	fx_teardown();
}


/* Version 1 as it was released, with rows of each kind */
static const char old[] =
"INSERT INTO conv (id, account, key, kind, peer) VALUES"
" (1, 'sip:alice@example.net', 'c1', 0, 'sip:bob'),"
" (2, 'sip:dave@example.net', 'c1', 0, 'sip:bob');"
"INSERT INTO msg (id, hash, conv, dir, read, peer, msgkey, imdn_id, datetime,"
" time, received, deferred, mode, notify, text, size) VALUES"
" (1, 1, 1, 0, 0, 'sip:bob', 'k1', 'k1', 'd', 1, 1, 1, 2, 5, 1, 0),"
" (2, 2, 1, 0, 0, 'sip:carol', 'k2', 'k2', 'd', 1, 1, 1, 2, 5, 1, 0),"
" (4, 4, 2, 0, 0, 'sip:bob', 'k4', 'k4', 'd', 1, 1, 1, 2, 5, 1, 0),"
" (5, 5, 1, 0, 0, 'sip:eve', 'k5', 'k5', 'd', 1, 1, 1, 2, 5, 1, 0);"
"INSERT INTO gone (id, hash, conv, peer, msgkey, imdn_id, datetime) VALUES"
" (3, 3, 1, 'sip:bob', 'k3', 'k3', 'd');"
"INSERT INTO report (id, msg, kind, state, held, tries, next, imdn_id) VALUES"
" (1, 1, 0, 1, 0, 3, 7000, 'u1'),"      /* bob waits for his next try    */
" (2, 1, 1, 1, 1, 0, 0, 'u2'),"         /* held by the one before        */
" (3, 2, 0, 2, 0, 0, 0, 'u3'),"         /* carol: sent                   */
" (4, 2, 1, 1, 0, 0, 0, 'u4'),"         /* and the other one at once     */
" (5, 3, 0, 1, 0, 0, 0, 'u5'),"         /* bob, of a deleted message     */
" (6, 4, 0, 1, 0, 0, 0, 'u6'),"         /* to another account            */
" (7, 5, 0, 3, 0, 0, 0, 'u7');"         /* eve: refused, nothing due     */
"UPDATE total SET pending = 5, failed = 1, messages = 4;"
"PRAGMA application_id = 0x63706d31; PRAGMA user_version = 1";


static void old_make(void)
{
	sqlite3 *sq = NULL;

	/* the folder is made by the store */
	fx_open();
	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, remove(fx.path));
	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	ck_assert_int_eq(SQLITE_OK, sqlite3_exec(sq, schema_sql[0], NULL,
						 NULL, NULL));
	ck_assert_int_eq(SQLITE_OK, sqlite3_exec(sq, old, NULL, NULL, NULL));
	sqlite3_close(sq);
}


START_TEST(test_migrate)
{
	uint64_t next = 0;

	old_make();
	fx_open();
	ck_assert_int_eq(schema_version, fx_sql("PRAGMA user_version"));
	ck_assert_int_eq(3, fx_sql("SELECT count(*) FROM sender"));
	ck_assert_int_eq(5, fx_sql("SELECT count(*) FROM report"
				   " WHERE sender > 0"));
	ck_assert_int_eq(0, cpm_store_due_accounts(fx.st, name_handler,
						   NULL));
	ck_assert_str_eq(ALICE " sip:dave@example.net ", names);

	ck_assert_uint_eq(1, heads_at(ALICE, 0, 6999));
	ck_assert_uint_eq(4, heads.id[0]);
	ck_assert_str_eq("sip:carol", heads.peer[0]);
	ck_assert_int_eq(0, cpm_store_due_next(fx.st, ALICE, 1, &next));
	ck_assert_uint_eq(7000, next);
	ck_assert_uint_eq(1, heads_at("sip:dave@example.net", 0, 1));
	ck_assert_uint_eq(6, heads.id[0]);

	/* bob's in their order: the display report is free behind its
	   delivery report, and before what came later */
	ck_assert_int_eq(0, move(1, CPM_REPORT_SENT, 1));
	ck_assert_uint_eq(2, heads_at(ALICE, 0, 1));
	ck_assert_uint_eq(2, heads.id[1]);
	ck_assert_int_eq(0, move(2, CPM_REPORT_SENT, 1));
	ck_assert_uint_eq(2, heads_at(ALICE, 0, 1));
	ck_assert_uint_eq(5, heads.id[1]);
	ck_assert_int_eq(0, move(5, CPM_REPORT_SENT, 1));
	ck_assert_int_eq(0, move(4, CPM_REPORT_SENT, 1));
	ck_assert_uint_eq(0, heads_at(ALICE, 0, UINT64_MAX));
	ck_assert_uint_eq(1, fx_counts().imdn_pending);
	put(ALICE, "sip:bob", "k9");
	fx_wait(fx.done + 1);
	ck_assert_int_eq(3, fx_sql("SELECT count(*) FROM sender"));
}
END_TEST


TCase *store_sender_case(void)
{
	TCase *tc = tcase_create("sender");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_accounts);
	tcase_add_test(tc, test_turns);
	tcase_add_test(tc, test_wait_kept);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_random);
	tcase_add_loop_test(tc, test_cost, 0, 2);

	return tc;
}


TCase *store_sender_fail_case(void)
{
	TCase *tc = tcase_create("sender-fail");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup_fail, teardown_fail);
	tcase_add_test(tc, test_undone);

	return tc;
}


TCase *store_sender_migrate_case(void)
{
	TCase *tc = tcase_create("sender-migrate");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup, fx_teardown);
	tcase_add_test(tc, test_migrate);

	return tc;
}
