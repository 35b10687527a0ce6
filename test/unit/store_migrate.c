/**
 * @file unit/store_migrate.c  The store: databases of released versions
 *
 * test/data/store/v1 was made by 0.1.0, v2 by 0.3.0, v3 by 0.4.0. Each is
 * copied, opened with the present code, and must hold what it held: also when
 * the disk fails, or the process dies, at any write of the migration.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sqlite3.h>
#include "mock/store_fail.h"
#include "unit/store_unit.h"
#include "unit/store_v1.h"
#include "../../modules/cpm/store/store.h"


enum {
	WRITES_MAX = 10000,   /* of a migration: it must come to an end   */
};

static const uint64_t never = 1ULL << 60;


static void check_str(const char *want, const char *got)
{
	ck_assert_pstr_eq(want, got);
}


static bool msg_handler(const struct cpm_msg *m, void *arg)
{
	const struct v1_msg *row = &v1_msgv[m->id - 1];

	ck_assert(!row->gone);
	check_str(row->account, m->account);
	check_str(row->key, m->key);
	check_str(row->peer, m->peer);
	check_str(row->name, m->name);
	check_str(row->msgkey, m->msgkey);
	check_str(row->peer ? row->msgkey : NULL, m->imdn_id);
	check_str(row->conversation_id, m->conversation_id);
	check_str(row->contribution_id, m->contribution_id);
	check_str(row->in_reply_to, m->in_reply_to);
	check_str(row->datetime, m->datetime);
	check_str(row->route, m->route);
	check_str(row->type, m->type);
	ck_assert_uint_eq(row->conversation, m->conversation);
	ck_assert_int_eq(row->kind, m->kind);
	ck_assert_int_eq(row->direction, m->direction);
	ck_assert_uint_eq(row->time, m->time);
	ck_assert_uint_eq(row->received, m->received);
	ck_assert_int_eq(row->deferred, m->deferred);
	ck_assert_int_eq(row->mode, m->mode);
	ck_assert_uint_eq(row->notify, m->notify);
	ck_assert_int_eq(row->text, m->text);
	ck_assert_int_eq(row->read, m->read);
	ck_assert_int_eq(row->file, m->file != NULL);
	ck_assert_ptr_null(m->filename);
	ck_assert_int_eq(row->direction == CPM_OUT ? CPM_OUT_SENT
			 : CPM_OUT_NONE, m->status);
	ck_assert_int_eq(row->report[CPM_DELIVERED],
			 m->report[CPM_DELIVERED]);
	ck_assert_int_eq(row->report[CPM_DISPLAYED],
			 m->report[CPM_DISPLAYED]);
	++*(unsigned *)arg;

	return false;
}


static void check_body(uint64_t id)
{
	struct mbuf *want = v1_body(&v1_msgv[id - 1]);
	struct mbuf *mb = mbuf_alloc(100);

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, cpm_store_body(fx.st, id, 0, 1 << 20, mb));
	ck_assert_uint_eq(want->end, mb->end);
	if (mb->end)
		ck_assert_mem_eq(want->buf, mb->buf, mb->end);
	mem_deref(mb);
	mem_deref(want);
}


static void check_messages(void)
{
	unsigned i, n = 0, live = 0;

	for (i=0; i<V1_MSGS; i++) {
		const int err = cpm_store_msg(fx.st, i + 1, msg_handler, &n);

		ck_assert_int_eq(v1_msgv[i].gone ? ENOENT : 0, err);
		if (!v1_msgv[i].gone)
			check_body(i + 1);
		live += !v1_msgv[i].gone;
	}
	ck_assert_uint_eq(live, n);

	/* and no others */
	n = 0;
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &(struct cpm_query){
		.limit = 100}, msg_handler, &n));
	ck_assert_uint_eq(live, n);
	ck_assert_uint_eq(V1_FILES, fx_spooled());
}


static bool conv_handler(const struct cpm_conv *c, void *arg)
{
	const struct v1_conv *row = &v1_convv[c->id - 1];

	ck_assert_uint_eq(row->id, c->id);
	check_str(row->account, c->account);
	ck_assert_int_eq(row->kind, c->kind);
	check_str(row->peer, c->peer);
	check_str(row->name, c->name);
	check_str(row->conversation_id, c->conversation_id);
	ck_assert_uint_eq(row->messages, c->messages);
	ck_assert_uint_eq(row->unread, c->unread);
	ck_assert_uint_eq(row->last_id, c->last_id);
	if (c->last_id)
		ck_assert_uint_eq(v1_msgv[c->last_id - 1].time,
				  c->last_time);
	++*(unsigned *)arg;

	return false;
}


static void check_convs(void)
{
	unsigned i, n = 0;

	for (i=0; i<V1_CONVS; i++)
		ck_assert_int_eq(0, cpm_store_conv(fx.st, i + 1,
						   conv_handler, &n));
	ck_assert_uint_eq(V1_CONVS, n);

	n = 0;
	ck_assert_int_eq(0, cpm_store_convs(fx.st, NULL, 0, 100,
					    conv_handler, &n));
	ck_assert_uint_eq(V1_CONVS - 1, n);
}


static void check_counts(void)
{
	struct cpm_counts want = {.conversations = V1_CONVS - 1};
	const struct cpm_counts c = fx_counts();
	unsigned i, k;

	for (i=0; i<V1_MSGS; i++) {
		const struct v1_msg *row = &v1_msgv[i];

		want.messages += !row->gone;
		want.unread += !row->gone && !row->read;
		for (k=0; k<2; k++) {
			want.imdn_pending += row->report[k] == CPM_REPORT_DUE;
			want.imdn_failed +=
				row->report[k] == CPM_REPORT_FAILED;
		}
	}

	ck_assert_uint_eq(want.conversations, c.conversations);
	ck_assert_uint_eq(want.messages, c.messages);
	ck_assert_uint_eq(want.unread, c.unread);
	ck_assert_uint_eq(want.imdn_pending, c.imdn_pending);
	ck_assert_uint_eq(want.imdn_failed, c.imdn_failed);
}


/* All are of one sender, so they come one by one. One that was held is told
   by having no row here. */
static uint64_t due_id;
static enum cpm_report due_kind;

static bool due_handler(const struct cpm_due *due, void *arg)
{
	unsigned *n = arg;
	const struct v1_due *row = &v1_duev[*n];
	const struct v1_msg *m = &v1_msgv[due->msg - 1];

	due_id = due->id;
	due_kind = due->kind;
	check_str(m->account, due->account);
	check_str(m->peer, due->peer);
	check_str(m->msgkey, due->orig_id);
	check_str(m->datetime, due->datetime);
	check_str(m->route, due->route);
	check_str(m->conversation_id, due->conversation_id);
	check_str(m->contribution_id, due->contribution_id);
	if (due->kind == CPM_DISPLAYED) {
		ck_assert_uint_eq(4, due->msg);
		return false;
	}

	ck_assert_uint_lt(*n, 3);
	ck_assert_uint_eq(row->msg, due->msg);
	check_str(row->imdn_id, due->imdn_id);
	ck_assert_uint_eq(row->tries, due->tries);
	++*n;

	return false;
}


static bool account_handler(const char *account, void *arg)
{
	unsigned *n = arg;

	ck_assert_str_eq(v1_msgv[0].account, account);
	++*n;

	return false;
}


static unsigned head(uint64_t to, unsigned n)
{
	ck_assert_int_eq(0, cpm_store_due(fx.st, v1_msgv[0].account, 0, to,
					  100, due_handler, &n));

	return n;
}


static void check_due(void)
{
	uint64_t next = 0;
	unsigned n = 0;

	ck_assert_int_eq(0, cpm_store_due_accounts(fx.st, account_handler,
						   &n));
	ck_assert_uint_eq(1, n);
	ck_assert_uint_eq(0, head(v1_duev[0].next - 1, 0));
	ck_assert_uint_eq(1, head(v1_duev[0].next, 0));
	ck_assert_int_eq(0, cpm_store_due_next(fx.st, v1_msgv[0].account, 1,
					       &next));
	ck_assert_uint_eq(v1_duev[0].next, next);
}


static bool policy_handler(const struct cpm_policy_row *row, void *arg)
{
	unsigned i;

	for (i=0; i<V1_POLICIES; i++) {
		const struct cpm_policy_row *want = &v1_policyv[i];

		if (strcmp(want->account, row->account) ||
		    strcmp(want->peer, row->peer))
			continue;

		ck_assert_int_eq(want->deferred, row->deferred);
		ck_assert_int_eq(want->delivery_imdn, row->delivery_imdn);
		ck_assert_int_eq(want->display_imdn, row->display_imdn);
		++*(unsigned *)arg;
	}

	return false;
}


static void check_policies(void)
{
	unsigned n = 0;

	ck_assert_int_eq(0, cpm_store_policies(fx.st, policy_handler, &n));
	ck_assert_uint_eq(V1_POLICIES, n);
}


static void check_all(void)
{
	check_messages();
	check_convs();
	check_counts();
	check_due();
	check_policies();
}


/* The whole file, and its tables as they must stay from now on */
static struct mbuf *file_get(void)
{
	struct mbuf *mb = mbuf_alloc(200000);
	FILE *f = fopen(fx.path, "rb");
	uint8_t buf[4096];
	size_t n;

	ck_assert_ptr_nonnull(mb);
	ck_assert_ptr_nonnull(f);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		ck_assert_int_eq(0, mbuf_write_mem(mb, buf, n));
	fclose(f);

	return mb;
}


START_TEST(test_all_there)
{
	old_copy(_i);
	ck_assert_int_eq(_i, fx_sql("PRAGMA user_version"));
	fx_open();
	check_all();
	ck_assert_int_eq(schema_version, fx_sql("PRAGMA user_version"));
	ck_assert_uint_eq(0, fx.faults);
}
END_TEST


/* What was due is sent, in order, and the held one after what held it */
START_TEST(test_due_sent)
{
	unsigned n = 0, held = 0;

	old_copy(_i);
	fx_open();
	while (n < 3 || !held) {
		due_id = 0;
		n = head(never, n);
		ck_assert_uint_gt(due_id, 0);
		held += due_kind == CPM_DISPLAYED;
		ck_assert(!held || n >= 2);
		ck_assert_int_eq(0, fx_result(cpm_store_report_move(
			fx.st, due_id, CPM_REPORT_SENT, 0, fx_done_handler,
			NULL)));
	}
	ck_assert_uint_eq(3, n);
	ck_assert_uint_eq(1, held);
	ck_assert_uint_eq(0, fx_counts().imdn_pending);
}
END_TEST


START_TEST(test_once)
{
	struct mbuf *first, *second;

	old_copy(_i);
	fx_open();
	cpm_store_close(&fx.st);
	first = file_get();
	fx_open();
	cpm_store_close(&fx.st);
	second = file_get();
	ck_assert_uint_eq(first->end, second->end);
	ck_assert_mem_eq(first->buf, second->buf, first->end);
	mem_deref(first);
	mem_deref(second);
}
END_TEST


/* What a new database has, an old one has got */
START_TEST(test_same_schema)
{
	static const char sql[] =
		"SELECT count(*) FROM sqlite_schema s WHERE NOT EXISTS"
		" (SELECT 1 FROM old.sqlite_schema o WHERE o.type = s.type"
		" AND o.name = s.name AND o.tbl_name = s.tbl_name"
		" AND ifnull(o.sql, '') = ifnull(s.sql, ''))";
	char old[400], attach[500];
	sqlite3_stmt *stmt = NULL;
	sqlite3 *sq = NULL;

	old_copy(_i);
	fx_open();
	cpm_store_close(&fx.st);
	snprintf(old, sizeof(old), "%s", fx.path);
	snprintf(fx.path, sizeof(fx.path), "%.250s/new/cpm.db", fx.dir);
	fx_open();
	cpm_store_close(&fx.st);

	snprintf(attach, sizeof(attach), "ATTACH '%s' AS old", old);
	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	ck_assert_int_eq(SQLITE_OK, sqlite3_exec(sq, attach, NULL, NULL,
						 NULL));
	ck_assert_int_eq(SQLITE_OK, sqlite3_prepare_v2(sq, sql, -1, &stmt,
						       NULL));
	ck_assert_int_eq(SQLITE_ROW, sqlite3_step(stmt));
	ck_assert_int_eq(0, sqlite3_column_int(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(sq);
}
END_TEST


/* What comes again is known, also what was deleted; and nothing changes */
START_TEST(test_known)
{
	struct cpm_msg *msg;
	unsigned i;

	old_copy(_i);
	fx_open();
	for (i=0; i<V1_MSGS; i++) {
		ck_assert_int_eq(0, fx_put(v1_msg(&v1_msgv[i])));
		ck_assert_msg(fx.res.duplicate, "message %u", i + 1);
		ck_assert_uint_eq(i + 1, fx.res.id);
		ck_assert_uint_eq(v1_msgv[i].conversation,
				  fx.res.conversation);
	}
	check_all();

	/* what is new gets a number that was never given */
	msg = v1_msg(&v1_msgv[0]);
	fx_set(&msg->msgkey, "id-new");
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert(!fx.res.duplicate);
	ck_assert_uint_eq(V1_MSGS + 1, fx.res.id);
	ck_assert_uint_eq(1, fx.res.conversation);
	ck_assert(!fx.res.opened);
}
END_TEST


/* Whichever version it has now: it is whole, and not a newer one */
static void check_sound(int version)
{
	const int64_t now = fx_sql("PRAGMA user_version");

	ck_assert_int_ge(now, version);
	ck_assert_int_le(now, schema_version);
	ck_assert_int_eq(1, fx_sql("SELECT integrity_check = 'ok' FROM"
				   " pragma_integrity_check"));
	ck_assert_int_eq(12, fx_sql("SELECT count(*) FROM msg"));
	ck_assert_int_eq(10, fx_sql("SELECT count(*) FROM report"));
}


/* Each write of the migration fails in turn, and with it all that follow */
static void each_fails(int version, unsigned op, int rc, int want)
{
	struct cpm_store *st = NULL;
	unsigned n;
	int err;

	for (n=0; n<WRITES_MAX; n++) {
		old_copy(version);
		store_fail_after(op, rc, n);
		err = cpm_store_open(&st, fx.path, NULL, NULL, NULL, NULL);
		store_fail_set(0, 0);
		if (!err)
			break;

		ck_assert_int_eq(want, err);
		ck_assert_ptr_null(st);
		check_sound(version);
		fx_open();
		check_all();
		cpm_store_close(&fx.st);
	}
	cpm_store_close(&st);
	ck_assert_uint_lt(n, WRITES_MAX);

	ck_assert_uint_gt(n, 0);
	fx_open();
	check_all();
}


START_TEST(test_write_fails)
{
	each_fails(_i, STORE_FAIL_WRITE, SQLITE_FULL, ENOSPC);
}
END_TEST


START_TEST(test_sync_fails)
{
	each_fails(_i, STORE_FAIL_SYNC, SQLITE_IOERR_FSYNC, EIO);
}
END_TEST


/* @return true if the process that opens it dies at write n */
static bool dies_at(unsigned n)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		struct cpm_store *st = NULL;

		store_fail_after(STORE_FAIL_WRITE, STORE_FAIL_DIE, n);
		_exit(cpm_store_open(&st, fx.path, NULL, NULL, NULL, NULL));
	}

	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		return true;

	ck_assert_int_eq(0, WEXITSTATUS(status));

	return false;
}


START_TEST(test_killed)
{
	unsigned n = 0;

	for (old_copy(_i); dies_at(n); old_copy(_i)) {
		check_sound(_i);
		fx_open();
		check_all();
		cpm_store_close(&fx.st);
		ck_assert_uint_lt(++n, WRITES_MAX);
	}

	ck_assert_uint_gt(n, 0);
	fx_open();
	check_all();
}
END_TEST


static void setup(void)
{
	store_fail_install();
	fx_setup();
}


TCase *store_migrate_case(void)
{
	TCase *tc = tcase_create("migrate");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, fx_teardown);
	tcase_add_loop_test(tc, test_all_there,
			    1, schema_version);
	tcase_add_loop_test(tc, test_due_sent,
			    1, schema_version);
	tcase_add_loop_test(tc, test_once,
			    1, schema_version);
	tcase_add_loop_test(tc, test_same_schema,
			    1, schema_version);
	tcase_add_loop_test(tc, test_known,
			    1, schema_version);
	tcase_add_loop_test(tc, test_write_fails,
			    1, schema_version);
	tcase_add_loop_test(tc, test_sync_fails,
			    1, schema_version);
	tcase_add_loop_test(tc, test_killed,
			    1, schema_version);

	return tc;
}
