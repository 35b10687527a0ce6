/**
 * @file unit/oom_store.c  Memory runs out in each call of an open store
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/oom_unit.h"


/*
 * Writing
 */

static int put(struct cpm_msg *m)
{
	int err;

	oo_arm();
	err = oo_result(cpm_store_put(fx.st, m, oo_put_handler, NULL));
	mem_deref(m);

	return err;
}


static int put_text(void)
{
	struct cpm_msg *m = fx_msg("new", "text");

	m->notify = 5;
	m->report[CPM_DELIVERED] = CPM_REPORT_DUE;

	return put(m);
}


static int put_stranger(void)
{
	struct cpm_msg *m = fx_msg("new", "text");

	fx_set(&m->key, "c9");
	fx_set(&m->peer, "sip:dave@example.net");
	fx_set(&m->name, "Dave");

	return put(m);
}


static int put_large(void)
{
	static char body[70000];
	struct cpm_msg *m = fx_msg("new", NULL);

	memset(body, 'y', sizeof(body));
	fx_body(m, body, sizeof(body));

	return put(m);
}


static int put_image(void)
{
	struct cpm_msg *m = fx_msg("new", "GIF");

	m->text = false;
	fx_set(&m->type, "image/gif");

	return put(m);
}


static int put_group(void)
{
	struct cpm_msg *m = fx_msg("new", "to all");

	m->kind = CPM_GROUP;
	fx_set(&m->key, "g1");

	return put(m);
}


static int put_ours(void)
{
	struct cpm_msg *m = fx_msg("new", "from me");

	m->direction = CPM_OUT;
	m->status = CPM_OUT_FAILED;
	fx_set(&m->reason, "Gone");

	return put(m);
}


static void oo_status_handler(int err, uint64_t id, void *arg)
{
	(void)id;
	oo_done_handler(err, arg);
}


static int status(void)
{
	oo_arm();

	return oo_result(cpm_store_status(fx.st, "sip:alice@example.net",
					  "sip:bob@example.net", "mine",
					  CPM_OUT_FAILED, 480, "not there",
					  oo_status_handler, NULL));
}


static int announce(bool whole)
{
	char a[] = "r1", b[] = "r9", from[] = "sip:bob@example.net";
	const struct cpm_announced v[] = {
		{.reference = a, .from = from, .subject = from},
		{.reference = b, .from = from},
	};

	oo_arm();

	return oo_result(cpm_store_announce(fx.st, "sip:alice@example.net",
					    v, 2, whole, oo_done_handler,
					    NULL));
}


static int announce_some(void)
{
	return announce(false);
}


static int announce_whole(void)
{
	return announce(true);
}


static int announced_fetched(void)
{
	const char *const refv[] = {"r0", "r1"};

	oo_arm();

	return oo_result(cpm_store_fetched(fx.st, "sip:alice@example.net",
					   refv, 2, oo_done_handler, NULL));
}


static int put_again(void)
{
	const int err = put(fx_msg("k1", "both asked"));

	ck_assert(err || fx.res.duplicate);

	return err;
}


static int display(void)
{
	const uint64_t idv[] = {ids.text, ids.tried, ids.image};

	oo_arm();

	return oo_result(cpm_store_display(fx.st, idv, 3, true,
					   oo_done_handler, NULL));
}


static int display_conv(void)
{
	oo_arm();

	return oo_result(cpm_store_display_conv(fx.st, ids.bob, INT64_MAX,
						true, oo_done_handler, NULL));
}


static int report_add(void)
{
	oo_arm();

	return oo_result(cpm_store_report_add(fx.st, ids.text, CPM_DISPLAYED,
					      oo_done_handler, NULL));
}


static int move(enum cpm_report_state to)
{
	oo_arm();

	return oo_result(cpm_store_report_move(fx.st, ids.report[0], to, 9000,
					       oo_done_handler, NULL));
}


static int report_sent(void)
{
	return move(CPM_REPORT_SENT);
}


static int report_failed(void)
{
	return move(CPM_REPORT_FAILED);
}


static int report_retry(void)
{
	return move(CPM_REPORT_DUE);
}


static int delete(uint64_t msg, uint64_t conv)
{
	oo_arm();

	return oo_result(cpm_store_delete(fx.st, msg, conv, oo_done_handler,
					  NULL));
}


static int delete_msg(void)
{
	return delete(ids.text, 0);
}


static int delete_file(void)
{
	return delete(ids.large, 0);
}


static int delete_conv(void)
{
	return delete(0, ids.bob);
}


static int policy(const char *peer, enum cpm_answer answer)
{
	const struct cpm_policy_row row = {.peer = peer, .deferred = answer};

	oo_arm();

	return oo_result(cpm_store_policy_set(fx.st, &row, oo_done_handler,
					      NULL));
}


static int policy_set(void)
{
	return policy("sip:carol@example.net", CPM_ANSWER_DECLINE);
}


static int policy_unset(void)
{
	return policy("sip:bob@example.net", CPM_ANSWER_DEFAULT);
}


/*
 * Reading: each says what it was handed. That text is made in memory which
 * does not run out: it has room.
 */

static char room[8192];
static size_t used;


static void say(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room + used, sizeof(room) - used, fmt, ap);
	va_end(ap);
	used += (size_t)n;
}


static const char *s(const char *str)
{
	return str ? str : "-";
}


static int said(int err)
{
	(void)oo_end(0);
	ck_assert_uint_lt(used, sizeof(room));
	ck_assert_int_eq(0, mbuf_write_mem(oo.text, (uint8_t *)room, used));

	return err;
}


static void hear(void)
{
	used = 0;
	oo_arm();
}


static bool conv_handler(const struct cpm_conv *c, void *arg)
{
	(void)arg;
	say("%s %d %s %s %s %.20s\n", s(c->account), c->kind, s(c->peer),
	    s(c->name), s(c->conversation_id), s(c->last_text));

	return false;
}


static bool msg_handler(const struct cpm_msg *m, void *arg)
{
	(void)arg;
	say("%s %s %s %s %s %s %s %s %s %s %d %d\n", s(m->account),
	    s(m->key), s(m->peer), s(m->name), s(m->msgkey), s(m->imdn_id),
	    s(m->conversation_id), s(m->datetime), s(m->route), s(m->type),
	    m->file != NULL, (int)m->size);

	return false;
}


static bool due_handler(const struct cpm_due *d, void *arg)
{
	(void)arg;
	say("%s %s %s %s %s %s %s\n", s(d->imdn_id), s(d->account),
	    s(d->peer), s(d->orig_id), s(d->datetime), s(d->route),
	    s(d->contribution_id));

	return false;
}


static bool policy_handler(const struct cpm_policy_row *row, void *arg)
{
	(void)arg;
	say("%s %s %d\n", s(row->account), s(row->peer), row->deferred);

	return false;
}


static bool announced_handler(const struct cpm_announced *ann, void *arg)
{
	(void)arg;
	say("%s %s %s %s\n", s(ann->account), s(ann->reference),
	    s(ann->from), s(ann->subject));

	return false;
}


static int announced(void)
{
	hear();

	return said(cpm_store_announced(fx.st, NULL, 1, announced_handler,
					NULL));
}


static int convs(void)
{
	hear();

	return said(cpm_store_convs(fx.st, NULL, 0, 10, conv_handler, NULL));
}


static int convs_account(void)
{
	hear();

	return said(cpm_store_convs(fx.st, "sip:alice@example.net", 0, 10,
				    conv_handler, NULL));
}


static int conv(void)
{
	hear();

	return said(cpm_store_conv(fx.st, ids.bob, conv_handler, NULL));
}


static int conv_find(void)
{
	uint64_t id = 0;
	int err;

	hear();
	err = cpm_store_conv_find(fx.st, "sip:alice@example.net", "id:none",
				  &id);

	return said(err == ENOENT ? 0 : err);
}


static int msgs(void)
{
	const struct cpm_query q = {.limit = 10};

	hear();

	return said(cpm_store_msgs(fx.st, &q, msg_handler, NULL));
}


static int msgs_some(void)
{
	const struct cpm_query q = {.limit = 10, .conversation = ids.bob,
		.peer = "sip:bob@example.net", .unread = true, .after = 1};

	hear();

	return said(cpm_store_msgs(fx.st, &q, msg_handler, NULL));
}


static int msg(void)
{
	hear();

	return said(cpm_store_msg(fx.st, ids.text, msg_handler, NULL));
}


static bool nested_handler(const struct cpm_msg *m, void *arg)
{
	int *err = arg;

	*err = cpm_store_msg(fx.st, m->id, msg_handler, NULL);

	return *err != 0;
}


static int msg_nested(void)
{
	int err, inner = 0;

	hear();
	err = cpm_store_msg(fx.st, ids.text, nested_handler, &inner);

	return said(err ? err : inner);
}


static int body(uint64_t id)
{
	struct mbuf *mb = mbuf_alloc(1);
	int err;

	hear();
	err = cpm_store_body(fx.st, id, 3, 500, mb);
	(void)oo_end(0);
	/* as much as there was, or nothing */
	say("%zu %.*s\n", mb->end, (int)mb->end, mb->buf);
	if (err) {
		ck_assert_uint_eq(0, mb->end);
		used = 0;
	}
	mem_deref(mb);

	return said(err);
}


static int body_text(void)
{
	return body(ids.text);
}


static int body_file(void)
{
	return body(ids.large);
}


static bool account_handler(const char *account, void *arg)
{
	(void)arg;
	say("%s\n", account);

	return false;
}


static int due(void)
{
	static const char alice[] = "sip:alice@example.net";
	uint64_t next = 0;
	int err;

	hear();
	err = cpm_store_due_accounts(fx.st, account_handler, NULL);
	if (!err)
		err = cpm_store_due(fx.st, alice, 0, 9999, 10, due_handler,
				    NULL);
	if (!err)
		err = cpm_store_due_next(fx.st, alice, 1, &next);
	if (!err)
		say("%d\n", (int)next);

	return said(err);
}


static bool queued_handler(const struct cpm_queued *q, void *arg)
{
	(void)arg;
	say("%s %s %s %s %s %s\n", s(q->account), s(q->peer), s(q->imdn_id),
	    s(q->conversation_id), s(q->contribution_id), s(q->type));

	return false;
}


static int queued(void)
{
	static const char alice[] = "sip:alice@example.net";
	uint64_t n = 0;
	int err;

	hear();
	err = cpm_store_queued_accounts(fx.st, account_handler, NULL);
	if (!err)
		err = cpm_store_queued(fx.st, alice, 9999, 10, queued_handler,
				       NULL);
	if (!err)
		err = cpm_store_queued_conv(fx.st, ids.waiting, 0, 10,
					    queued_handler, NULL);
	if (!err)
		err = cpm_store_queued_next(fx.st, alice, 1, &n);
	if (!err)
		err = cpm_store_conv_peer(fx.st, alice, "sip:bob@example.net",
					  &n);
	if (!err)
		say("%d\n", (int)n);

	return said(err);
}


static int policies(void)
{
	hear();

	return said(cpm_store_policies(fx.st, policy_handler, NULL));
}


static const struct oom_op opv[] = {
	{"put", put_text},
	{"put: new conversation", put_stranger},
	{"put: large", put_large},
	{"put: image", put_image},
	{"put: group", put_group},
	{"put: known", put_again},
	{"put: ours", put_ours},
	{"status", status},
	{"announce", announce_some},
	{"announce: whole", announce_whole},
	{"announced: fetched", announced_fetched},
	{"announced", announced},
	{"display", display},
	{"display: conversation", display_conv},
	{"report: add", report_add},
	{"report: sent", report_sent},
	{"report: failed", report_failed},
	{"report: retry", report_retry},
	{"delete", delete_msg},
	{"delete: file", delete_file},
	{"delete: conversation", delete_conv},
	{"policy: set", policy_set},
	{"policy: unset", policy_unset},
	{"convs", convs},
	{"convs: account", convs_account},
	{"conv", conv},
	{"conv: find", conv_find},
	{"msgs", msgs},
	{"msgs: some", msgs_some},
	{"msg", msg},
	{"msg: nested", msg_nested},
	{"body", body_text},
	{"body: file", body_file},
	{"due", due},
	{"queued", queued},
	{"policies", policies},
};


static void setup(void)
{
	ck_assert_int_eq(0, oom_install());
	fx_setup();
	oo_template();
}


static void teardown(void)
{
	fx_teardown();
}


START_TEST(test_each)
{
	const struct oom_op *op = &opv[_i];
	const unsigned n = oo_each(op);

	printf("oom: %-24s %5u failures\n", op->name, n);
	/* one that takes no memory would prove nothing */
	ck_assert_uint_gt(n, 0);
}
END_TEST


TCase *oom_store_case(void)
{
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 1800);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_each, 0, ARRAY_SIZE(opv));

	return tc;
}
