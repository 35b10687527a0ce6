/**
 * @file unit/store_read.c  The store: lists, pages, bodies, query plans
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sqlite3.h>
#include "unit/store_unit.h"
#include "../../modules/cpm/store/store.h"


struct ids {
	uint64_t v[64];
	unsigned n;
	unsigned stop;
};


static bool id_handler(const struct cpm_msg *m, void *arg)
{
	struct ids *ids = arg;

	ck_assert_uint_lt(ids->n, 64);
	ids->v[ids->n++] = m->id;

	return ids->n == ids->stop;
}


/* want: digits are indexes into idv; "" for none */
static void check_ids(const struct cpm_query *q, const uint64_t *idv,
		      const char *want)
{
	struct ids ids = {.n = 0};
	size_t i;

	ck_assert_int_eq(0, cpm_store_msgs(fx.st, q, id_handler, &ids));
	ck_assert_uint_eq(strlen(want), ids.n);
	for (i=0; want[i]; i++)
		ck_assert_uint_eq(idv[want[i] - '0'], ids.v[i]);
}


static uint64_t put_at(const char *msgkey, const char *conv, const char *peer,
		       enum cpm_dir dir, uint64_t time)
{
	struct cpm_msg *m = fx_msg(msgkey, msgkey);

	fx_set(&m->key, conv);
	fx_set(&m->peer, peer);
	m->direction = dir;
	m->time = time;
	ck_assert_int_eq(0, fx_put(m));

	return fx.res.id;
}


START_TEST(test_msgs)
{
	uint64_t id[8] = {0}, c1, c2;
	struct ids ids = {.n = 0, .stop = 2};
	struct cpm_query q = {.limit = 10};

	check_ids(&q, id, "");
	id[0] = put_at("0", "c1", "bob", CPM_IN, 300);
	c1 = fx.res.conversation;
	id[1] = put_at("1", "c2", "carol", CPM_IN, 200);
	c2 = fx.res.conversation;
	id[2] = put_at("2", "c1", "bob", CPM_OUT, 200);
	id[3] = put_at("3", "c1", "dave", CPM_IN, 100);
	id[4] = put_at("4", "c2", "bob", CPM_IN, 400);
	ck_assert_int_eq(0, fx_result(cpm_store_display(
		fx.st, &id[0], 1, false, fx_done_handler, NULL)));

	/* by time, then id */
	check_ids(&q, id, "31204");
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, id_handler, &ids));
	ck_assert_uint_eq(2, ids.n);

	check_ids(&(struct cpm_query){.conversation = c1, .limit = 10}, id,
		  "320");
	check_ids(&(struct cpm_query){.conversation = c2, .limit = 10}, id,
		  "14");
	check_ids(&(struct cpm_query){.conversation = 99, .limit = 10}, id,
		  "");
	check_ids(&(struct cpm_query){.peer = "bob", .limit = 10}, id, "204");
	check_ids(&(struct cpm_query){.peer = "bob", .conversation = c1,
		.limit = 10}, id, "20");
	check_ids(&(struct cpm_query){.unread = true, .limit = 10}, id,
		  "314");
	check_ids(&(struct cpm_query){.unread = true, .conversation = c1,
		.limit = 10}, id, "3");
	check_ids(&(struct cpm_query){.unread = true, .peer = "bob",
		.limit = 10}, id, "4");
	check_ids(&(struct cpm_query){.unread = true, .peer = "bob",
		.conversation = c1, .limit = 10}, id, "");

	ck_assert_int_eq(EINVAL, cpm_store_msgs(NULL, &q, id_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_msgs(fx.st, NULL, id_handler,
						NULL));
	ck_assert_int_eq(EINVAL, cpm_store_msgs(fx.st, &q, NULL, NULL));
	q.limit = 0;
	ck_assert_int_eq(EINVAL, cpm_store_msgs(fx.st, &q, id_handler, NULL));
}
END_TEST


START_TEST(test_conv_find)
{
	static const char aor[] = "sip:alice@example.net";
	uint64_t id = 7, c1, c2;

	ck_assert_int_eq(ENOENT, cpm_store_conv_find(fx.st, aor, "c1", &id));
	ck_assert_uint_eq(7, id);
	(void)put_at("0", "c1", "bob", CPM_IN, 1);
	c1 = fx.res.conversation;
	(void)put_at("1", "c2", "bob", CPM_IN, 2);
	c2 = fx.res.conversation;
	ck_assert_int_eq(0, cpm_store_conv_find(fx.st, aor, "c1", &id));
	ck_assert_uint_eq(c1, id);
	ck_assert_int_eq(0, cpm_store_conv_find(fx.st, aor, "c2", &id));
	ck_assert_uint_eq(c2, id);
	ck_assert_int_eq(ENOENT, cpm_store_conv_find(fx.st, "sip:bob@b", "c1",
						     &id));
	ck_assert_int_eq(EINVAL, cpm_store_conv_find(NULL, aor, "c1", &id));
	ck_assert_int_eq(EINVAL, cpm_store_conv_find(fx.st, aor, NULL, &id));
}
END_TEST


START_TEST(test_pages)
{
	uint64_t id[8], conv;
	const char *key[] = {"0", "1", "2", "3", "4", "5"};
	int i, set;

	/* time runs against the ids: pages are cut by id */
	for (i=0; i<6; i++)
		id[i] = put_at(key[i], "c1", "bob", CPM_IN,
			       (uint64_t)(900 - i));
	conv = fx.res.conversation;

	/* with each set of conditions, which all match all */
	for (set=0; set<8; set++) {
		struct cpm_query q = {.limit = 2};

		if (set & 1)
			q.conversation = conv;
		if (set & 2)
			q.peer = "bob";
		q.unread = (set & 4) != 0;

		check_ids(&q, id, "54");
		q.before = id[4];
		check_ids(&q, id, "32");
		q.before = id[1];
		check_ids(&q, id, "0");
		q.before = id[0];
		check_ids(&q, id, "");
		q.before = 0;
		q.after = id[0];
		check_ids(&q, id, "21");
		q.after = id[4];
		check_ids(&q, id, "5");
		q.after = id[5];
		check_ids(&q, id, "");
		q.after = id[1];
		q.before = id[3];
		check_ids(&q, id, "2");
		q.after = UINT64_MAX;
		q.before = 0;
		check_ids(&q, id, "");
	}
}
END_TEST


struct convs {
	uint64_t id[16];
	struct cpm_conv v[16];
	char text[16][2100];
	unsigned n;
	unsigned stop;
};

static struct convs convs;

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "-");
}


static bool conv_handler(const struct cpm_conv *c, void *arg)
{
	const unsigned n = convs.n++;
	(void)arg;

	ck_assert_uint_lt(n, 16);
	convs.id[n] = c->id;
	convs.v[n] = *c;
	copy(convs.text[n], sizeof(convs.text[n]), c->last_text);

	return convs.n == convs.stop;
}


static void get_convs(const char *account, uint64_t before, uint32_t limit,
		      unsigned want)
{
	memset(&convs, 0, sizeof(convs));
	ck_assert_int_eq(0, cpm_store_convs(fx.st, account, before, limit,
					    conv_handler, NULL));
	ck_assert_uint_eq(want, convs.n);
}


START_TEST(test_convs)
{
	uint64_t a, b, c, last;
	struct cpm_msg *m;

	get_convs(NULL, 0, 10, 0);
	put_at("0", "c1", "bob", CPM_IN, 300);
	a = fx.res.conversation;
	put_at("1", "c2", "bob", CPM_OUT, 200);
	b = fx.res.conversation;
	last = put_at("2", "c1", "bob", CPM_IN, 100);
	m = fx_msg("3", "three");
	fx_set(&m->account, "b");
	ck_assert_int_eq(0, fx_put(m));
	c = fx.res.conversation;

	get_convs(NULL, 0, 10, 3);
	ck_assert_uint_eq(c, convs.id[0]);
	ck_assert_uint_eq(a, convs.id[1]);
	ck_assert_uint_eq(b, convs.id[2]);
	ck_assert_uint_eq(2, convs.v[1].messages);
	ck_assert_uint_eq(2, convs.v[1].unread);
	ck_assert_uint_eq(last, convs.v[1].last_id);
	ck_assert_uint_eq(100, convs.v[1].last_time);
	ck_assert_int_eq(CPM_CHAT, convs.v[1].kind);
	ck_assert_str_eq("2", convs.text[1]);
	ck_assert_uint_eq(0, convs.v[2].unread);

	get_convs(NULL, 0, 2, 2);
	get_convs(NULL, last, 10, 1);
	ck_assert_uint_eq(b, convs.id[0]);
	get_convs("sip:alice@example.net", 0, 10, 2);
	ck_assert_uint_eq(a, convs.id[0]);
	get_convs("sip:alice@example.net", last, 10, 1);
	get_convs("nobody", 0, 10, 0);

	memset(&convs, 0, sizeof(convs));
	convs.stop = 1;
	ck_assert_int_eq(0, cpm_store_convs(fx.st, NULL, 0, 10, conv_handler,
					    NULL));
	ck_assert_uint_eq(1, convs.n);

	/* an empty one is not in the list, and still there */
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, 0, a, fx_done_handler, NULL)));
	get_convs(NULL, 0, 10, 2);
	ck_assert_int_eq(0, cpm_store_conv(fx.st, a, conv_handler, NULL));
	ck_assert_int_eq(ENOENT, cpm_store_conv(fx.st, 99, conv_handler,
						NULL));

	ck_assert_int_eq(EINVAL, cpm_store_convs(NULL, NULL, 0, 1,
						 conv_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_convs(fx.st, NULL, 0, 0,
						 conv_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_convs(fx.st, NULL, 0, 1, NULL,
						 NULL));
	ck_assert_int_eq(EINVAL, cpm_store_conv(NULL, a, conv_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_conv(fx.st, a, NULL, NULL));
}
END_TEST


static void check_last(const char *msgkey, const char *text, size_t len,
		       size_t want)
{
	struct cpm_msg *m = fx_msg(msgkey, NULL);

	fx_body(m, text, len);
	ck_assert_int_eq(0, fx_put(m));
	memset(&convs, 0, sizeof(convs));
	ck_assert_int_eq(0, cpm_store_conv(fx.st, fx.res.conversation,
					   conv_handler, NULL));
	ck_assert_uint_eq(want, strlen(convs.text[0]));
	ck_assert_mem_eq(text, convs.text[0], want);
}


START_TEST(test_last_text)
{
	static char buf[100000];
	struct cpm_msg *m;

	memset(buf, 'x', sizeof(buf));
	check_last("0", "", 0, 0);
	check_last("1", buf, 2047, 2047);
	check_last("2", buf, 2048, 2048);
	check_last("3", buf, 2049, 2048);
	check_last("4", buf, sizeof(buf), 2048);

	/* a character across the limit goes as a whole; one before it stays */
	memcpy(buf + 2047, "\xc3\xa4", 2);
	check_last("5", buf, 3000, 2047);
	memcpy(buf + 2045, "\xe2\x82\xac", 3);
	check_last("6", buf, 3000, 2048);
	memcpy(buf + 2045, "x\xe2\x82\xac", 4);
	check_last("7", buf, 3000, 2046);
	memcpy(buf + 2045, "\xf0\x9f\x98\x80", 4);
	check_last("8", buf, sizeof(buf), 2045);
	memcpy(buf + 2044, "\xf0\x9f\x98\x80x", 5);
	check_last("9", buf, sizeof(buf), 2048);

	m = fx_msg("a", NULL);
	m->text = false;
	fx_body(m, "x", 1);
	ck_assert_int_eq(0, fx_put(m));
	memset(&convs, 0, sizeof(convs));
	ck_assert_int_eq(0, cpm_store_conv(fx.st, fx.res.conversation,
					   conv_handler, NULL));
	ck_assert_str_eq("-", convs.text[0]);
}
END_TEST


static char file[400];

static bool file_handler(const struct cpm_msg *m, void *arg)
{
	const uint64_t *size = arg;

	ck_assert_uint_eq(*size, m->size);
	snprintf(file, sizeof(file), "%s", m->file ? m->file : "");

	return true;
}


static void check_body(uint64_t id, const uint8_t *body, uint64_t size,
		       uint64_t off, size_t len)
{
	struct mbuf *mb = mbuf_alloc(8);
	size_t want = off < size ? (size_t)(size - off) : 0;

	if (want > len)
		want = len;

	/* behind what is there, wherever pos is */
	ck_assert_int_eq(0, mbuf_write_str(mb, "head"));
	mb->pos = 0;
	ck_assert_int_eq(0, cpm_store_body(fx.st, id, off, len, mb));
	ck_assert_uint_eq(4 + want, mb->end);
	ck_assert_mem_eq("head", mb->buf, 4);
	if (want)
		ck_assert_mem_eq(body + off, mb->buf + 4, want);
	mem_deref(mb);
}


static void put_body(const char *msgkey, bool text, size_t size, bool spooled)
{
	uint8_t *body = malloc(size ? size : 1);
	struct cpm_msg *m = fx_msg(msgkey, NULL);
	uint64_t id, n = size;
	struct stat st;
	size_t i;

	ck_assert_ptr_nonnull(body);
	for (i=0; i<size; i++)
		body[i] = text ? (uint8_t)('a' + i % 23) : (uint8_t)(i * 7);
	m->text = text;
	fx_body(m, body, size);
	ck_assert_int_eq(0, fx_put(m));
	id = fx.res.id;

	ck_assert_int_eq(0, cpm_store_msg(fx.st, id, file_handler, &n));
	ck_assert_int_eq(spooled, file[0] == '/');
	if (spooled) {
		ck_assert_int_eq(0, stat(file, &st));
		ck_assert_uint_eq(size, (uint64_t)st.st_size);
		ck_assert_uint_eq(0600, st.st_mode & 07777);
	}

	check_body(id, body, size, 0, size);
	check_body(id, body, size, 0, size + 1000);
	check_body(id, body, size, 1, 10);
	check_body(id, body, size, size / 2, 5000);
	check_body(id, body, size, size ? size - 1 : 0, 5000);
	check_body(id, body, size, size, 10);
	check_body(id, body, size, size + 1, 10);
	check_body(id, body, size, UINT64_MAX, SIZE_MAX);
	check_body(id, body, size, 0, 0);
	free(body);
}


START_TEST(test_body)
{
	struct mbuf *mb = mbuf_alloc(8);

	put_body("1", true, 0, false);
	put_body("2", true, 100, false);
	put_body("3", true, CPM_SPOOL_MIN, false);
	put_body("4", true, CPM_SPOOL_MIN + 1, true);
	put_body("5", true, 3000000, true);
	put_body("6", false, 1, true);
	put_body("7", false, 0, false);
	put_body("8", false, 1 << 20, true);
	ck_assert_uint_eq(4, fx_spooled());

	ck_assert_int_eq(ENOENT, cpm_store_body(fx.st, 99, 0, 1, mb));
	ck_assert_int_eq(EINVAL, cpm_store_body(NULL, 1, 0, 1, mb));
	ck_assert_int_eq(EINVAL, cpm_store_body(fx.st, 1, 0, 1, NULL));
	ck_assert_uint_eq(0, fx.faults);
	mem_deref(mb);
}
END_TEST


/* The body is from pos on, and what the caller does later does not matter */
START_TEST(test_body_pos)
{
	struct cpm_msg *m = fx_msg("1", "headbody");

	m->body->pos = 4;
	ck_assert_int_eq(0, cpm_store_put(fx.st, m, fx_put_handler, NULL));
	m->body->pos = 8;
	mem_deref(m);
	fx_wait(1);
	check_body(fx.res.id, (const uint8_t *)"body", 4, 0, 10);
}
END_TEST


START_TEST(test_body_lost)
{
	struct mbuf *mb = mbuf_alloc(8);
	const uint64_t n = 1 << 20;

	put_body("1", false, n, true);
	ck_assert_int_eq(0, truncate(file, 100));
	ck_assert_int_eq(ENODATA, cpm_store_body(fx.st, fx.res.id, 50, 100,
						 mb));
	fx_put_ok("2", "x");
	ck_assert_uint_eq(1, fx.faults);
	ck_assert_str_eq("file-missing", fx.what);
	ck_assert_int_eq(0, unlink(file));
	ck_assert_int_eq(ENODATA, cpm_store_body(fx.st, 1, 0, 10, mb));
	ck_assert_uint_eq(0, mb->end);

	/* at most one a minute of a kind */
	fx_put_ok("3", "x");
	ck_assert_uint_eq(1, fx.faults);
	mem_deref(mb);
}
END_TEST


START_TEST(test_counts)
{
	ck_assert_uint_eq(0, fx_counts().conversations);
	ck_assert_int_eq(EINVAL, cpm_store_counts(NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_counts(fx.st, NULL));
	put_at("0", "c1", "bob", CPM_IN, 1);
	put_at("1", "c2", "bob", CPM_OUT, 1);
	put_at("2", "c2", "bob", CPM_IN, 1);
	fx_reopen();
	ck_assert_uint_eq(2, fx_counts().conversations);
	ck_assert_uint_eq(3, fx_counts().messages);
	ck_assert_uint_eq(2, fx_counts().unread);
	ck_assert_uint_eq(0, fx_counts().imdn_pending);
	ck_assert_uint_eq(0, fx_counts().imdn_failed);
}
END_TEST


static unsigned nested;

static bool nested_handler(const struct cpm_msg *m, void *arg)
{
	const struct cpm_query q = {.limit = 10};
	char key[32];
	(void)arg;

	snprintf(key, sizeof(key), "%s", m->msgkey);
	++nested;
	if (nested == 1)
		ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, nested_handler,
						   NULL));
	ck_assert_str_eq(key, m->msgkey);

	return false;
}


/* A handler that asks the same again does not disturb the outer list */
START_TEST(test_nested)
{
	const struct cpm_query q = {.limit = 10};

	put_at("0", "c1", "bob", CPM_IN, 1);
	put_at("1", "c1", "bob", CPM_IN, 2);
	put_at("2", "c1", "bob", CPM_IN, 3);
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, nested_handler, NULL));
	ck_assert_uint_eq(6, nested);
}
END_TEST


static bool closing_handler(const struct cpm_msg *m, void *arg)
{
	(void)arg;
	cpm_store_close(&fx.st);
	ck_assert_int_eq('0' + (int)nested, m->msgkey[0]);
	++nested;

	return false;
}


START_TEST(test_close_in_read)
{
	const struct cpm_query q = {.limit = 10};

	put_at("0", "c1", "bob", CPM_IN, 1);
	put_at("1", "c1", "bob", CPM_IN, 2);
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, closing_handler, NULL));
	ck_assert_uint_eq(2, nested);
	ck_assert_ptr_null(fx.st);
	fx_open();
}
END_TEST


/* What may walk: a page of a list (p); policies, slices and what is announced,
   which are few; at start the conversations, in indexes of their own the
   reports that are open, and the messages that are not taken in yet, which are
   bounded */
static bool may_walk(int id, const char *plan)
{
	switch (id) {

	case SQL_USAGE:
		return !strncmp(plan, "SCAN conv USING INDEX", 21);

	case SQL_REPORTS:
		return !strncmp(plan, "SCAN report USING ", 18);

	case SQL_SEEN_REST:
	case SQL_EXPORT:
	case SQL_MSGS:
	case SQL_MSGS + QUERY_AFTER:
		return strstr(plan, "(rowid>?") || !strcmp(plan, "SCAN p");

	case SQL_MSGS + QUERY_CONV:
	case SQL_MSGS + QUERY_CONV + QUERY_AFTER:
	case SQL_MSGS + QUERY_PEER:
	case SQL_MSGS + QUERY_PEER + QUERY_AFTER:
	case SQL_MSGS + QUERY_PEER + QUERY_CONV:
	case SQL_MSGS + QUERY_PEER + QUERY_CONV + QUERY_AFTER:
		return !strcmp(plan, "SCAN p") ||
			!strncmp(plan, "SCAN (subquery-", 15);

	default:
		return !strcmp(plan, "SCAN p") ||
			!strcmp(plan, "SCAN policy") ||
			!strcmp(plan, "SCAN announced") ||
			!strcmp(plan, "SCAN taken");
	}
}


/* Nothing else walks through a table, nor along a range of its ids */
static void check_plan(sqlite3 *sq, int id)
{
	sqlite3_stmt *stmt = NULL;
	char sql[4096];

	snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", sql_text[id]);
	ck_assert_int_eq(SQLITE_OK, sqlite3_prepare_v2(sq, sql, -1, &stmt,
						       NULL));
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *plan = (const char *)sqlite3_column_text(stmt, 3);
		const bool scan = (!strncmp(plan, "SCAN ", 5) ||
				   strstr(plan, "(rowid>?") != NULL) &&
			strcmp(plan, "SCAN CONSTANT ROW") &&
			!may_walk(id, plan);
		const bool sort = strstr(plan, "TEMP B-TREE") != NULL &&
			id < SQL_MSGS;

		ck_assert_msg(!scan && !sort, "%s: %s", sql, plan);
	}
	sqlite3_finalize(stmt);
}


START_TEST(test_plans)
{
	sqlite3 *sq = NULL;
	int i;

	ck_assert_int_eq(SQLITE_OK, sqlite3_open(fx.path, &sq));
	for (i=0; i<SQL_MAX; i++) {
		ck_assert_msg(sql_text[i] != NULL, "statement %d", i);
		if (i > SQL_ROLLBACK)
			check_plan(sq, i);
	}
	sqlite3_close(sq);
}
END_TEST


TCase *store_read_case(void)
{
	TCase *tc = tcase_create("read");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_msgs);
	tcase_add_test(tc, test_conv_find);
	tcase_add_test(tc, test_pages);
	tcase_add_test(tc, test_convs);
	tcase_add_test(tc, test_last_text);
	tcase_add_test(tc, test_body);
	tcase_add_test(tc, test_body_pos);
	tcase_add_test(tc, test_body_lost);
	tcase_add_test(tc, test_counts);
	tcase_add_test(tc, test_nested);
	tcase_add_test(tc, test_close_in_read);
	tcase_add_test(tc, test_plans);

	return tc;
}
