/**
 * @file unit/store_write.c  The store: keeping, knowing again, deleting,
 * group commit, closing
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "unit/store_unit.h"
#include "../../modules/cpm/store/store.h"


static bool fields_handler(const struct cpm_msg *m, void *arg)
{
	const struct cpm_put_result *res = arg;

	ck_assert_uint_eq(res->id, m->id);
	ck_assert_uint_eq(res->conversation, m->conversation);
	ck_assert_str_eq("sip:alice@example.net", m->account);
	ck_assert_int_eq(CPM_IN, m->direction);
	ck_assert_int_eq(CPM_CHAT, m->kind);
	ck_assert_str_eq("c1", m->key);
	ck_assert_str_eq("sip:bob@example.net", m->peer);
	ck_assert_str_eq("Bob \xc3\xa4", m->name);
	ck_assert_str_eq("k1", m->msgkey);
	ck_assert_str_eq("k1", m->imdn_id);
	ck_assert_str_eq("conv-id", m->conversation_id);
	ck_assert_str_eq("contrib-id", m->contribution_id);
	ck_assert_str_eq("reply-id", m->in_reply_to);
	ck_assert_str_eq("2026-11-21T03:11:00Z", m->datetime);
	ck_assert_str_eq("sip:r1\nsip:r2", m->route);
	ck_assert_uint_eq(123456789012345, m->time);
	ck_assert_uint_eq(123456789012346, m->received);
	ck_assert(m->deferred);
	ck_assert_int_eq(CPM_SESSION, m->mode);
	ck_assert_str_eq("text/plain;charset=UTF-8", m->type);
	ck_assert_uint_eq(5, m->notify);
	ck_assert(m->text);
	ck_assert_uint_eq(5, m->size);
	ck_assert(!m->read);
	ck_assert_ptr_null(m->file);
	ck_assert_ptr_null(m->body);
	ck_assert_int_eq(CPM_REPORT_DUE, m->report[CPM_DELIVERED]);
	ck_assert_int_eq(CPM_REPORT_NONE, m->report[CPM_DISPLAYED]);
	++fx.want;

	return false;
}


START_TEST(test_fields)
{
	struct cpm_msg *m = fx_msg("k1", "hello");
	struct cpm_put_result res;

	fx_set(&m->name, "Bob \xc3\xa4");
	fx_set(&m->conversation_id, "conv-id");
	fx_set(&m->contribution_id, "contrib-id");
	fx_set(&m->in_reply_to, "reply-id");
	fx_set(&m->datetime, "2026-11-21T03:11:00Z");
	fx_set(&m->route, "sip:r1\nsip:r2");
	fx_set(&m->type, "text/plain;charset=UTF-8");
	m->time = 123456789012345;
	m->received = 123456789012346;
	m->deferred = true;
	m->mode = CPM_SESSION;
	m->notify = 5;
	m->report[CPM_DELIVERED] = CPM_REPORT_DUE;
	ck_assert_int_eq(0, fx_put(m));
	ck_assert(fx.res.opened);
	ck_assert(!fx.res.duplicate);

	res = fx.res;
	fx.want = 0;
	ck_assert_int_eq(0, cpm_store_msg(fx.st, res.id, fields_handler,
					  &res));
	ck_assert_uint_eq(1, fx.want);

	fx_put_ok("k2", "again");
	ck_assert(!fx.res.opened);
	ck_assert_uint_eq(res.conversation, fx.res.conversation);
	ck_assert_uint_gt(fx.res.id, res.id);
}
END_TEST


static bool bare_handler(const struct cpm_msg *m, void *arg)
{
	(void)arg;
	ck_assert_ptr_null(m->peer);
	ck_assert_ptr_null(m->name);
	ck_assert_ptr_null(m->imdn_id);
	ck_assert_ptr_null(m->conversation_id);
	ck_assert_ptr_null(m->contribution_id);
	ck_assert_ptr_null(m->in_reply_to);
	ck_assert_ptr_null(m->datetime);
	ck_assert_ptr_null(m->route);
	ck_assert_ptr_null(m->type);
	ck_assert_ptr_null(m->file);
	ck_assert_uint_eq(0, m->size);
	ck_assert(m->read);
	ck_assert_int_eq(CPM_OUT, m->direction);
	++fx.want;

	return false;
}


START_TEST(test_bare)
{
	struct cpm_msg *m = fx_msg("k1", NULL);

	m->direction = CPM_OUT;
	m->peer = mem_deref(m->peer);
	m->imdn_id = mem_deref(m->imdn_id);
	m->type = mem_deref(m->type);
	ck_assert_int_eq(0, fx_put(m));
	fx.want = 0;
	ck_assert_int_eq(0, cpm_store_msg(fx.st, fx.res.id, bare_handler,
					  NULL));
	ck_assert_uint_eq(1, fx.want);
	ck_assert_uint_eq(0, fx_counts().unread);
}
END_TEST


static int put_only(struct cpm_msg *m)
{
	const int err = cpm_store_put(fx.st, m, fx_put_handler, NULL);

	mem_deref(m);

	return err;
}


START_TEST(test_put_invalid)
{
	struct cpm_msg *m;

	ck_assert_int_eq(EINVAL, cpm_msg_alloc(NULL));
	ck_assert_int_eq(EINVAL, cpm_store_put(fx.st, NULL, fx_put_handler,
					       NULL));
	m = fx_msg("k", "x");
	ck_assert_int_eq(EINVAL, cpm_store_put(NULL, m, fx_put_handler,
					       NULL));
	mem_deref(m);

	m = fx_msg("k", "x");
	m->account = mem_deref(m->account);
	ck_assert_int_eq(EINVAL, put_only(m));
	m = fx_msg("k", "x");
	fx_set(&m->key, "");
	ck_assert_int_eq(EINVAL, put_only(m));
	ck_assert_int_eq(EINVAL, put_only(fx_msg("", "x")));
	m = fx_msg("k", "x");
	m->direction = (enum cpm_dir)2;
	ck_assert_int_eq(EINVAL, put_only(m));
	m = fx_msg("k", "x");
	m->kind = (enum cpm_kind)2;
	ck_assert_int_eq(EINVAL, put_only(m));
	m = fx_msg("k", "x");
	m->mode = (enum cpm_mode)3;
	ck_assert_int_eq(EINVAL, put_only(m));
	m = fx_msg("k", "x");
	m->report[1] = CPM_REPORT_SENT;
	ck_assert_int_eq(EINVAL, put_only(m));
	ck_assert_uint_eq(0, fx_counts().messages);
}
END_TEST


static void put_as(const char *account, const char *conv, const char *peer,
		   enum cpm_kind kind, const char *msgkey, uint64_t dup_of)
{
	struct cpm_msg *m = fx_msg(msgkey, "text");

	fx_set(&m->account, account);
	fx_set(&m->key, conv);
	fx_set(&m->peer, peer);
	m->kind = kind;
	ck_assert_int_eq(0, fx_put(m));
	ck_assert_int_eq(dup_of != 0, fx.res.duplicate);
	if (dup_of) {
		ck_assert_uint_eq(dup_of, fx.res.id);
		ck_assert(!fx.res.opened);
	}
}


START_TEST(test_known_chat)
{
	uint64_t id, conv;

	put_as("a", "c1", "bob", CPM_CHAT, "k", 0);
	id = fx.res.id;
	conv = fx.res.conversation;

	put_as("a", "c1", "bob", CPM_CHAT, "k", id);
	ck_assert_uint_eq(conv, fx.res.conversation);
	/* the same in another conversation, which is not made for it */
	put_as("a", "c2", "bob", CPM_CHAT, "k", id);
	ck_assert_uint_eq(conv, fx.res.conversation);
	ck_assert_int_eq(1, fx_sql("SELECT count(*) FROM conv"));

	put_as("a", "c1", "bob", CPM_CHAT, "K", 0);
	put_as("a", "c1", "carol", CPM_CHAT, "k", 0);
	put_as("b", "c1", "bob", CPM_CHAT, "k", 0);
	put_as("a", "c1", NULL, CPM_CHAT, "k", 0);
	put_as("a", "c1", NULL, CPM_CHAT, "k", fx.res.id);
	ck_assert_uint_eq(5, fx_counts().messages);

	fx_reopen();
	put_as("a", "c1", "bob", CPM_CHAT, "k", id);
	ck_assert_uint_eq(5, fx_counts().messages);
	ck_assert_uint_eq(2, fx_counts().conversations);
}
END_TEST


START_TEST(test_known_group)
{
	uint64_t id;

	put_as("a", "g1", "bob", CPM_GROUP, "k", 0);
	id = fx.res.id;
	put_as("a", "g1", "carol", CPM_GROUP, "k", id);
	put_as("a", "g2", "bob", CPM_GROUP, "k", 0);
	put_as("b", "g1", "bob", CPM_GROUP, "k", 0);
	put_as("a", "c1", "bob", CPM_CHAT, "k", 0);
	ck_assert_uint_eq(4, fx_counts().messages);
}
END_TEST


static bool group_handler(const struct cpm_conv *conv, void *arg)
{
	(void)arg;
	ck_assert_int_eq(CPM_GROUP, conv->kind);
	ck_assert_str_eq("sip:room@example.net", conv->peer);
	ck_assert_str_eq("The Room", conv->name);

	return true;
}


/* A group has a name of its own, whoever writes in it */
START_TEST(test_group)
{
	struct cpm_msg *msg = fx_msg("k1", "to all");

	msg->kind = CPM_GROUP;
	fx_set(&msg->name, "Bob");
	fx_set(&msg->group, "sip:room@example.net");
	fx_set(&msg->group_name, "The Room");
	ck_assert_int_eq(0, fx_put(msg));
	msg = fx_msg("k2", "to all");
	msg->kind = CPM_GROUP;
	fx_set(&msg->peer, "sip:carol@example.net");
	fx_set(&msg->name, "Carol");
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert_int_eq(0, cpm_store_conv(fx.st, fx.res.conversation,
					   group_handler, NULL));
	ck_assert_uint_eq(1, fx_counts().conversations);
}
END_TEST


START_TEST(test_known_in_batch)
{
	int i;

	for (i=0; i<10; i++)
		ck_assert_int_eq(0, put_only(fx_msg("same", "x")));
	fx_wait(10);
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(1, fx_counts().messages);
	ck_assert_uint_eq(1, fx_counts().unread);
}
END_TEST


/* Two identities whose hashes are equal */
START_TEST(test_hash_equal)
{
	uint64_t a;

	fx_put_ok("b", "x");
	fx_sql("CREATE TABLE t AS SELECT hash FROM msg");
	ck_assert_int_eq(0, fx_result(cpm_store_delete(fx.st, fx.res.id, 0,
						       fx_done_handler,
						       NULL)));
	fx_sql("DELETE FROM gone");
	a = fx_put_ok("a", "y");
	fx_sql("UPDATE msg SET hash = (SELECT hash FROM t)");

	ck_assert_uint_ne(a, fx_put_ok("b", "x"));
	ck_assert_int_eq(1, fx_sql("SELECT count(DISTINCT hash) FROM msg"));
	ck_assert_int_eq(2, fx_sql("SELECT count(*) FROM msg"));
	ck_assert_int_eq(0, fx_put(fx_msg("b", "x")));
	ck_assert(fx.res.duplicate);
}
END_TEST


/* The reference's own vector: key 00..0f, input 00..0e */
START_TEST(test_hash_vector)
{
	uint8_t key[HASH_KEY], in[15];
	struct hash h;
	unsigned i;

	for (i=0; i<sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (i=0; i<sizeof(in); i++)
		in[i] = (uint8_t)i;

	hash_start(&h, key);
	hash_add(&h, in, sizeof(in));
	ck_assert(hash_end(&h) == 0xa129ca6149be45e5ULL);

	hash_start(&h, key);
	for (i=0; i<sizeof(in); i++)
		hash_add(&h, &in[i], 1);
	ck_assert(hash_end(&h) == 0xa129ca6149be45e5ULL);

	hash_start(&h, key);
	ck_assert(hash_end(&h) == 0x726fdb47dd0e0e31ULL);
}
END_TEST


static int del(uint64_t msg, uint64_t conv)
{
	return fx_result(cpm_store_delete(fx.st, msg, conv, fx_done_handler,
					  NULL));
}


static bool none_handler(const struct cpm_msg *m, void *arg)
{
	(void)arg;
	ck_abort_msg("message %llu", (unsigned long long)m->id);

	return true;
}


static bool conv_copy(const struct cpm_conv *conv, void *arg)
{
	memcpy(arg, conv, sizeof(*conv));

	return true;
}


START_TEST(test_delete_msg)
{
	const struct cpm_query q = {.limit = 10, .after = 1};
	struct mbuf *mb = mbuf_alloc(16);
	struct cpm_conv conv;
	uint64_t a, b, c;

	a = fx_put_ok("a", "one");
	b = fx_put_ok("b", "two");
	ck_assert_int_eq(0, del(b, 0));
	ck_assert_int_eq(ENOENT, del(b, 0));
	ck_assert_int_eq(ENOENT, cpm_store_msg(fx.st, b, none_handler, NULL));
	ck_assert_int_eq(ENOENT, cpm_store_body(fx.st, b, 0, 9, mb));
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, none_handler, NULL));
	ck_assert_uint_eq(1, fx_counts().messages);
	ck_assert_uint_eq(1, fx_counts().unread);

	ck_assert_int_eq(0, cpm_store_conv(fx.st, fx.res.conversation,
					   conv_copy, &conv));
	ck_assert_uint_eq(a, conv.last_id);
	ck_assert_uint_eq(1, conv.messages);
	ck_assert_uint_eq(1, conv.unread);

	/* still known, and its id is not used again */
	ck_assert_int_eq(0, fx_put(fx_msg("b", "two")));
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(b, fx.res.id);
	c = fx_put_ok("c", "three");
	ck_assert_uint_gt(c, b);

	ck_assert_int_eq(0, del(a, 0));
	ck_assert_int_eq(0, del(c, 0));
	ck_assert_uint_eq(0, fx_counts().conversations);
	fx_reopen();
	ck_assert_uint_gt(fx_put_ok("d", "four"), c);
	ck_assert(!fx.res.opened);
	ck_assert_int_eq(0, fx_put(fx_msg("c", "three")));
	ck_assert(fx.res.duplicate);
	mem_deref(mb);
}
END_TEST


static void put_large(const char *msgkey)
{
	struct cpm_msg *m = fx_msg(msgkey, NULL);

	m->text = false;
	fx_body(m, "\0\1\2", 3);
	ck_assert_int_eq(0, fx_put(m));
}


START_TEST(test_delete_conv)
{
	uint64_t conv;
	struct cpm_conv c;

	put_large("f1");
	put_large("f2");
	conv = fx.res.conversation;
	fx_put_ok("t", "text");
	put_as("a", "other", "bob", CPM_CHAT, "k", 0);
	put_large("f1");
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(2, fx_spooled());

	ck_assert_int_eq(0, del(0, conv));
	ck_assert_uint_eq(0, fx_spooled());
	ck_assert_uint_eq(1, fx_counts().messages);
	ck_assert_uint_eq(1, fx_counts().unread);
	ck_assert_uint_eq(1, fx_counts().conversations);
	ck_assert_int_eq(0, cpm_store_conv(fx.st, conv, conv_copy, &c));
	ck_assert_uint_eq(0, c.messages);
	ck_assert_uint_eq(0, c.unread);
	ck_assert_uint_eq(0, c.last_id);
	ck_assert_ptr_null(c.last_text);
	ck_assert_int_eq(ENOENT, del(0, conv));
	ck_assert_int_eq(ENOENT, del(0, 999));

	put_large("f2");
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(0, fx_spooled());

	put_large("f3");
	ck_assert_uint_eq(1, fx_spooled());
	ck_assert_int_eq(0, del(fx.res.id, 0));
	ck_assert_uint_eq(0, fx_spooled());

	ck_assert_int_eq(EINVAL, cpm_store_delete(fx.st, 0, 0, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_delete(fx.st, 1, 1, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_delete(NULL, 1, 0, NULL, NULL));
}
END_TEST


static unsigned policies;

static bool policy_handler(const struct cpm_policy_row *row, void *arg)
{
	const struct cpm_policy_row *want = arg;

	++policies;
	ck_assert_str_eq(want->account, row->account);
	ck_assert_str_eq(want->peer, row->peer);
	ck_assert_int_eq(want->deferred, row->deferred);
	ck_assert_int_eq(want->delivery_imdn, row->delivery_imdn);
	ck_assert_int_eq(want->display_imdn, row->display_imdn);
	ck_assert_int_eq(want->chat, row->chat);

	return false;
}


static void policy_check(struct cpm_policy_row *row, unsigned n)
{
	ck_assert_int_eq(0, fx_result(cpm_store_policy_set(fx.st, row,
							   fx_done_handler,
							   NULL)));
	policies = 0;
	ck_assert_int_eq(0, cpm_store_policies(fx.st, policy_handler, row));
	ck_assert_uint_eq(n, policies);
}


START_TEST(test_policy)
{
	struct cpm_policy_row row = {"a", "bob", CPM_ANSWER_DECLINE,
		CPM_TRI_NO, CPM_TRI_YES, CPM_ANSWER_DEFAULT};

	policy_check(&row, 1);
	row.deferred = CPM_ANSWER_ASK;
	row.display_imdn = CPM_TRI_DEFAULT;
	policy_check(&row, 1);
	fx_reopen();
	policy_check(&row, 1);
	row.deferred = CPM_ANSWER_DEFAULT;
	row.delivery_imdn = CPM_TRI_DEFAULT;
	row.chat = CPM_ANSWER_DECLINE;
	policy_check(&row, 1);
	fx_reopen();
	policy_check(&row, 1);
	row.chat = CPM_ANSWER_DEFAULT;
	policy_check(&row, 0);

	row.account = row.peer = "";
	row.delivery_imdn = CPM_TRI_YES;
	policy_check(&row, 1);

	row.deferred = (enum cpm_answer)4;
	ck_assert_int_eq(EINVAL, cpm_store_policy_set(fx.st, &row, NULL,
						      NULL));
	row.deferred = CPM_ANSWER_ASK;
	row.chat = (enum cpm_answer)4;
	ck_assert_int_eq(EINVAL, cpm_store_policy_set(fx.st, &row, NULL,
						      NULL));
	row.chat = CPM_ANSWER_ASK;
	row.delivery_imdn = (enum cpm_tri)3;
	ck_assert_int_eq(EINVAL, cpm_store_policy_set(fx.st, &row, NULL,
						      NULL));
	ck_assert_int_eq(EINVAL, cpm_store_policy_set(fx.st, NULL, NULL,
						      NULL));
	ck_assert_int_eq(EINVAL, cpm_store_policies(NULL, policy_handler,
						    NULL));
	ck_assert_int_eq(EINVAL, cpm_store_policies(fx.st, NULL, NULL));
}
END_TEST


/* Results come in the order of the calls; the batch handler behind them */
static unsigned order_next, order_batches;

static void order_handler(int err, const struct cpm_put_result *res,
			  void *arg)
{
	ck_assert_int_eq(0, err);
	ck_assert_uint_eq(order_next, (unsigned)(uintptr_t)arg);
	ck_assert_uint_ge(fx.batches, order_batches);
	order_batches = fx.batches;
	++order_next;
	fx_put_handler(err, res, arg);
}


START_TEST(test_group_commit)
{
	const unsigned n = 1000;
	char key[16];
	unsigned i;

	for (i=0; i<n; i++) {
		struct cpm_msg *m;

		snprintf(key, sizeof(key), "k%u", i);
		m = fx_msg(key, "body");
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, order_handler,
						  (void *)(uintptr_t)i));
		mem_deref(m);
	}
	fx_wait(n);

	/* one batch handler a commit; the last one may be yet to come */
	ck_assert_uint_lt(fx.batches, 50);
	ck_assert_uint_eq(n, fx_counts().messages);
	ck_assert_uint_eq(n, fx_counts().unread);
	cpm_store_close(&fx.st);
	ck_assert_uint_ge(fx.batches, 1);
	ck_assert_uint_eq(0, fx.faults);
}
END_TEST


START_TEST(test_close_drains)
{
	char key[16];
	unsigned i;

	for (i=0; i<3000; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(0, put_only(fx_msg(key, "body")));
	}
	ck_assert_uint_eq(0, fx.done);
	cpm_store_close(&fx.st);
	ck_assert_ptr_null(fx.st);
	ck_assert_uint_eq(3000, fx.done);
	ck_assert_int_eq(0, fx.err);
	ck_assert_uint_ge(fx.batches, 3);
	cpm_store_close(&fx.st);
	cpm_store_close(NULL);

	fx_open();
	ck_assert_uint_eq(3000, fx_counts().messages);
}
END_TEST


static void late_handler(int err, const struct cpm_put_result *res, void *arg)
{
	struct cpm_msg *m = fx_msg("late", "x");

	ck_assert_int_eq(ESHUTDOWN, put_only(m));
	ck_assert_int_eq(ESHUTDOWN, cpm_store_delete(fx.st, 1, 0, NULL,
						     NULL));
	ck_assert_uint_eq(2, fx_counts().messages);
	fx_put_handler(err, res, arg);
}


START_TEST(test_write_while_closing)
{
	struct cpm_msg *m = fx_msg("a", "x");

	ck_assert_int_eq(0, cpm_store_put(fx.st, m, late_handler, NULL));
	mem_deref(m);
	m = fx_msg("b", "x");
	ck_assert_int_eq(0, cpm_store_put(fx.st, m, late_handler, NULL));
	mem_deref(m);
	cpm_store_close(&fx.st);
	ck_assert_uint_eq(2, fx.done);
}
END_TEST


static void closing_handler(int err, const struct cpm_put_result *res,
			    void *arg)
{
	cpm_store_close(&fx.st);
	fx_put_handler(err, res, arg);
}


START_TEST(test_close_in_handler)
{
	struct cpm_msg *m = fx_msg("a", "x");
	unsigned i;

	ck_assert_int_eq(0, cpm_store_put(fx.st, m, closing_handler, NULL));
	mem_deref(m);
	for (i=0; i<20; i++)
		ck_assert_int_eq(0, put_only(fx_msg("b", "x")));
	fx_wait(21);
	ck_assert_ptr_null(fx.st);
	fx_open();
	ck_assert_uint_eq(2, fx_counts().messages);
}
END_TEST


START_TEST(test_no_handlers)
{
	struct cpm_msg *m = fx_msg("a", "x");

	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, cpm_store_open(&fx.st, fx.path, NULL, NULL, NULL,
					   NULL));
	ck_assert_int_eq(0, cpm_store_put(fx.st, m, NULL, NULL));
	mem_deref(m);
	cpm_store_close(&fx.st);
	fx_open();
	ck_assert_uint_eq(1, fx_counts().messages);
}
END_TEST


TCase *store_write_case(void)
{
	TCase *tc = tcase_create("write");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_fields);
	tcase_add_test(tc, test_bare);
	tcase_add_test(tc, test_put_invalid);
	tcase_add_test(tc, test_known_chat);
	tcase_add_test(tc, test_known_group);
	tcase_add_test(tc, test_group);
	tcase_add_test(tc, test_known_in_batch);
	tcase_add_test(tc, test_hash_equal);
	tcase_add_test(tc, test_hash_vector);
	tcase_add_test(tc, test_delete_msg);
	tcase_add_test(tc, test_delete_conv);
	tcase_add_test(tc, test_policy);
	tcase_add_test(tc, test_group_commit);
	tcase_add_test(tc, test_close_drains);
	tcase_add_test(tc, test_write_while_closing);
	tcase_add_test(tc, test_close_in_handler);
	tcase_add_test(tc, test_no_handlers);

	return tc;
}
