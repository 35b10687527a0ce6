/**
 * @file store_queue.c  The store: messages of ours that are to be sent
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <sqlite3.h>
#include "unit/store_unit.h"
#include "mock/store_fail.h"


#define ALICE "sip:alice@example.net"
#define BOB   "sip:bob@example.net"

enum {
	LIST_MAX = 100,
};


/* As the engine makes one */
struct cpm_msg *fx_out(const char *conv, const char *id, const char *text)
{
	struct cpm_msg *msg = fx_msg(id, text);
	char key[300];

	snprintf(key, sizeof(key), "out:%s", id);
	fx_set(&msg->msgkey, key);
	fx_set(&msg->key, conv);
	fx_set(&msg->conversation_id, conv);
	msg->direction = CPM_OUT;
	msg->status    = CPM_OUT_QUEUED;

	return msg;
}


/* queued, not waited for */
static void put(const char *account, const char *conv, const char *id)
{
	struct cpm_msg *msg = fx_out(conv, id, "x");

	fx_set(&msg->account, account);
	ck_assert_int_eq(0, cpm_store_put(fx.st, msg, fx_put_handler, NULL));
	mem_deref(msg);
}


static uint64_t put_ok(const char *conv, const char *id)
{
	ck_assert_int_eq(0, fx_put(fx_out(conv, id, "x")));
	ck_assert(!fx.res.duplicate);

	return fx.res.id;
}


static struct {
	uint64_t id[LIST_MAX];
	uint64_t next;
	uint32_t tries;
	unsigned n;
} list;

static bool list_handler(const struct cpm_queued *q, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(list.n, LIST_MAX);
	list.id[list.n++] = q->id;
	list.next  = q->next;
	list.tries = q->tries;

	return false;
}


unsigned fx_heads(const char *account, uint64_t now)
{
	memset(&list, 0, sizeof(list));
	ck_assert_int_eq(0, cpm_store_queued(fx.st, account, now, UINT32_MAX,
					     list_handler, NULL));

	return list.n;
}


static unsigned heads(uint64_t now)
{
	return fx_heads(ALICE, now);
}


static unsigned behind(uint64_t conv, uint64_t after, uint32_t limit)
{
	memset(&list, 0, sizeof(list));
	ck_assert_int_eq(0, cpm_store_queued_conv(fx.st, conv, after, limit,
						  list_handler, NULL));

	return list.n;
}


static uint64_t next_at(uint64_t now)
{
	uint64_t next = 77;

	ck_assert_int_eq(0, cpm_store_queued_next(fx.st, ALICE, now, &next));

	return next;
}


static int sending(uint64_t id)
{
	return fx_result(cpm_store_out_sending(fx.st, id, CPM_PAGE, NULL,
					       fx_done_handler, NULL));
}


static int again(uint64_t id, uint64_t next, bool told)
{
	return fx_result(cpm_store_out_again(fx.st, id, next, told, 480,
					     "away", fx_done_handler, NULL));
}


static int end(uint64_t id, enum cpm_out to)
{
	return fx_result(cpm_store_out_end(fx.st, id, to, 0, NULL,
					   fx_done_handler, NULL));
}


static int delete(uint64_t id, uint64_t conv)
{
	return fx_result(cpm_store_delete(fx.st, id, conv, fx_done_handler,
					  NULL));
}


static void status_handler(int err, uint64_t id, void *arg)
{
	(void)id;
	fx_done_handler(err, arg);
}


static int status(const char *id, enum cpm_out to)
{
	return fx_result(cpm_store_status(fx.st, ALICE, BOB, id, to, 0, NULL,
					  status_handler, NULL));
}


/* What a conversation says is what its messages say, and so do the counts */
void fx_queue_sound(void)
{
	ck_assert_int_eq(0, fx_sql(
		"SELECT count(*) FROM conv c WHERE (turn IS NULL) = EXISTS"
		" (SELECT 1 FROM sent s WHERE s.queue = c.id)"));
	ck_assert_int_eq(0, fx_sql(
		"SELECT count(*) FROM conv c WHERE turn < 0 AND turn <>"
		" -4611686018427387904 + (SELECT min(id) FROM sent s"
		" WHERE s.queue = c.id)"));
	ck_assert_int_eq(0, fx_sql(
		"SELECT count(*) FROM sent s LEFT JOIN msg m ON m.id = s.id"
		" WHERE queue IS NOT NULL AND (queue IS NOT m.conv"
		" OR status NOT IN (1, 2))"));
	ck_assert_int_eq((int64_t)fx_counts().queued, fx_sql(
		"SELECT count(*) FROM sent WHERE queue IS NOT NULL"));
}


static bool all_handler(const struct cpm_queued *q, void *arg)
{
	++*(unsigned *)arg;
	ck_assert_uint_eq(1, q->id);
	ck_assert_uint_eq(1, q->conversation);
	ck_assert_uint_eq(0, q->tries);
	ck_assert_uint_eq(0, q->next);
	ck_assert_uint_eq(3, q->wish);
	ck_assert_int_eq(CPM_SESSION, q->mode);
	ck_assert_str_eq(ALICE, q->account);
	ck_assert_str_eq(BOB, q->peer);
	ck_assert_str_eq("k1", q->imdn_id);
	ck_assert_str_eq("c1", q->conversation_id);
	ck_assert_str_eq("contrib", q->contribution_id);
	ck_assert_str_eq("earlier", q->in_reply_to);
	ck_assert_str_eq("text/plain", q->type);
	ck_assert_str_eq("a.txt", q->filename);
	ck_assert_str_eq("2026-11-21T00:00:00Z", q->datetime);
	ck_assert_ptr_null(q->source);
	ck_assert(q->text);
	ck_assert(q->fixed);
	ck_assert_uint_eq(1, q->size);
	ck_assert_uint_eq(1000, q->time);
	ck_assert_uint_eq(0, q->source_mtime);
	ck_assert_uint_eq(7, q->notify);

	return false;
}


START_TEST(test_put)
{
	struct cpm_msg *msg = fx_out("c1", "k1", "x");
	unsigned n = 0;

	msg->wish   = 3;
	msg->fixed  = true;
	msg->notify = 7;
	msg->mode   = CPM_SESSION;
	fx_set(&msg->contribution_id, "contrib");
	fx_set(&msg->in_reply_to, "earlier");
	fx_set(&msg->filename, "a.txt");
	fx_set(&msg->datetime, "2026-11-21T00:00:00Z");
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert_uint_eq(1, fx_counts().queued);
	fx_reopen();
	ck_assert_uint_eq(1, fx_counts().queued);
	ck_assert_int_eq(0, cpm_store_queued(fx.st, ALICE, 0, 1, all_handler,
					     &n));
	ck_assert_int_eq(0, cpm_store_queued_conv(fx.st, 1, 0, 1, all_handler,
						  &n));
	ck_assert_uint_eq(2, n);

	/* a repeat is no second one */
	ck_assert_int_eq(0, fx_put(fx_out("c1", "k1", "x")));
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(1, fx_counts().queued);

	/* one that is somewhere else is not in it, nor is what arrives */
	msg = fx_out("c1", "k2", "x");
	msg->status = CPM_OUT_SENT;
	ck_assert_int_eq(0, fx_put(msg));
	(void)fx_put_ok("k3", "in");
	ck_assert_uint_eq(1, fx_counts().queued);
	fx_queue_sound();
}
END_TEST


static void check_invalid(struct cpm_msg *msg)
{
	ck_assert_int_eq(EINVAL, cpm_store_put(fx.st, msg, NULL, NULL));
	mem_deref(msg);
}


START_TEST(test_invalid)
{
	struct cpm_msg *msg = fx_out("c1", "k1", "x");
	uint64_t n;

	msg->kind = CPM_GROUP;
	check_invalid(msg);
	msg = fx_out("c1", "k1", "x");
	fx_set(&msg->peer, NULL);
	check_invalid(msg);
	msg = fx_out("c1", "k1", "x");
	fx_set(&msg->imdn_id, NULL);
	check_invalid(msg);

	/* a body, and a file; a file of somebody else's; one of some folder */
	msg = fx_out("c1", "k1", "x");
	fx_set(&msg->source, "/tmp/x");
	check_invalid(msg);
	msg = fx_msg("k1", NULL);
	fx_set(&msg->source, "/tmp/x");
	check_invalid(msg);
	msg = fx_out("c1", "k1", NULL);
	fx_set(&msg->source, "x");
	check_invalid(msg);

	ck_assert_int_eq(EINVAL, cpm_store_out_sending(fx.st, 0, CPM_PAGE,
						       NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_out_sending(
		fx.st, 1, (enum cpm_mode)3, NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_out_again(fx.st, 0, 1, false, 0,
						     NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_out_end(
		fx.st, 1, CPM_OUT_DELIVERED, 0, NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_out_wake(fx.st, NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_out_wake(NULL, "a", NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_queued(fx.st, NULL, 1, 1,
						  list_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_queued(fx.st, ALICE, 1, 0,
						  list_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_queued_conv(fx.st, 0, 0, 1,
						       list_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_queued_next(fx.st, ALICE, 1,
						       NULL));
	ck_assert_int_eq(EINVAL, cpm_store_queued_accounts(fx.st, NULL,
							   NULL));
	ck_assert_int_eq(EINVAL, cpm_store_conv_peer(fx.st, ALICE, NULL, &n));
	ck_assert_uint_eq(0, fx_counts().messages);
}
END_TEST


/* One of each conversation, and the oldest of all first */
START_TEST(test_order)
{
	const uint64_t a1 = put_ok("a", "a1"), b1 = put_ok("b", "b1");
	const uint64_t a2 = put_ok("a", "a2"), c1 = put_ok("c", "c1");
	uint64_t conv;

	conv = fx.res.conversation;
	ck_assert_uint_eq(3, heads(0));
	ck_assert_uint_eq(a1, list.id[0]);
	ck_assert_uint_eq(b1, list.id[1]);
	ck_assert_uint_eq(c1, list.id[2]);
	memset(&list, 0, sizeof(list));
	ck_assert_int_eq(0, cpm_store_queued(fx.st, ALICE, 0, 2, list_handler,
					     NULL));
	ck_assert_uint_eq(2, list.n);
	ck_assert_uint_eq(0, fx_heads(BOB, 1));

	/* the next one of a is younger than those of the others */
	ck_assert_int_eq(0, end(a1, CPM_OUT_SENT));
	ck_assert_uint_eq(3, heads(0));
	ck_assert_uint_eq(b1, list.id[0]);
	ck_assert_uint_eq(a2, list.id[1]);
	fx_queue_sound();

	ck_assert_uint_eq(1, behind(1, 0, 9));
	ck_assert_uint_eq(a2, list.id[0]);
	ck_assert_uint_eq(0, behind(1, a2, 9));
	(void)put_ok("c", "c2");
	(void)put_ok("c", "c3");
	ck_assert_uint_eq(3, behind(conv, 0, 9));
	ck_assert_uint_eq(2, behind(conv, c1, 9));
	ck_assert_uint_eq(1, behind(conv, c1, 1));
	ck_assert_uint_eq(c1 + 1, list.id[0]);
}
END_TEST


static char names[256];

static bool name_handler(const char *account, void *arg)
{
	const size_t len = strlen(names);
	(void)arg;

	snprintf(names + len, sizeof(names) - len, "%s ", account);

	return false;
}


START_TEST(test_accounts)
{
	put("b", "x", "1");
	put("a", "x", "2");
	put("a", "y", "3");
	put("c", "x", "4");
	fx_wait(4);
	ck_assert_int_eq(0, cpm_store_queued_accounts(fx.st, name_handler,
						      NULL));
	ck_assert_str_eq("a b c ", names);
	ck_assert_uint_eq(2, fx_heads("a", 0));
	ck_assert_uint_eq(1, fx_heads("b", 0));
	ck_assert_int_eq(0, end(list.id[0], CPM_OUT_FAILED));
	names[0] = '\0';
	ck_assert_int_eq(0, cpm_store_queued_accounts(fx.st, name_handler,
						      NULL));
	ck_assert_str_eq("a c ", names);
}
END_TEST


static struct {
	enum cpm_out status;
	enum cpm_mode mode;
	uint16_t code;
	uint32_t tries;
	char reason[32];
	char contrib[32];
} now;

static bool now_handler(const struct cpm_msg *msg, void *arg)
{
	(void)arg;
	now.status = msg->status;
	now.mode   = msg->mode;
	now.code   = msg->code;
	now.tries  = msg->tries;
	snprintf(now.reason, sizeof(now.reason), "%s",
		 msg->reason ? msg->reason : "-");
	snprintf(now.contrib, sizeof(now.contrib), "%s",
		 msg->contribution_id ? msg->contribution_id : "-");

	return true;
}


static void look(uint64_t id)
{
	memset(&now, 0, sizeof(now));
	ck_assert_int_eq(0, cpm_store_msg(fx.st, id, now_handler, NULL));
}


static bool way_handler(const struct cpm_queued *q, void *arg)
{
	(void)arg;
	ck_assert_int_eq(CPM_SESSION, q->mode);
	ck_assert_str_eq("new", q->contribution_id);

	return false;
}


/* What is on its way is still in the queue: after a crash it goes again */
START_TEST(test_sending)
{
	struct cpm_msg *msg = fx_out("c1", "k1", "x");
	const uint64_t id = 1;

	fx_set(&msg->contribution_id, "old");
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert_int_eq(0, sending(id));
	look(id);
	ck_assert_int_eq(CPM_OUT_SENDING, now.status);
	ck_assert_str_eq("old", now.contrib);
	ck_assert_int_eq(0, fx_result(cpm_store_out_sending(
		fx.st, id, CPM_SESSION, "new", fx_done_handler, NULL)));
	ck_assert_int_eq(0, fx_result(cpm_store_out_sending(
		fx.st, id, CPM_SESSION, NULL, fx_done_handler, NULL)));
	fx_reopen();
	ck_assert_uint_eq(1, fx_counts().queued);
	look(id);
	ck_assert_int_eq(CPM_OUT_SENDING, now.status);
	ck_assert_int_eq(CPM_SESSION, now.mode);
	ck_assert_str_eq("new", now.contrib);
	ck_assert_uint_eq(1, heads(0));
	ck_assert_int_eq(0, cpm_store_queued(fx.st, ALICE, 0, 9, way_handler,
					     NULL));
	ck_assert_int_eq(0, end(id, CPM_OUT_SENT));
	look(id);
	ck_assert_int_eq(CPM_OUT_SENT, now.status);
	ck_assert_int_eq(CPM_SESSION, now.mode);
	ck_assert_uint_eq(0, heads(UINT64_MAX));
	ck_assert_uint_eq(0, fx_counts().queued);

	/* what is over is over, and what is not ours never was */
	ck_assert_int_eq(EALREADY, sending(id));
	ck_assert_int_eq(EALREADY, again(id, 1, false));
	ck_assert_int_eq(EALREADY, end(id, CPM_OUT_FAILED));
	look(id);
	ck_assert_int_eq(CPM_OUT_SENT, now.status);
	ck_assert_int_eq(ENOENT, sending(99));
	ck_assert_int_eq(ENOENT, end(fx_put_ok("in", "x"), CPM_OUT_SENT));
	fx_queue_sound();
}
END_TEST


/* While the first one waits for its time the others wait behind it */
START_TEST(test_again)
{
	const uint64_t a1 = put_ok("a", "a1"), a2 = put_ok("a", "a2");
	const uint64_t b1 = put_ok("b", "b1");

	ck_assert_uint_eq(0, next_at(0));
	ck_assert_int_eq(0, sending(a1));
	ck_assert_int_eq(0, again(a1, 5000, false));
	look(a1);
	ck_assert_int_eq(CPM_OUT_QUEUED, now.status);
	ck_assert_uint_eq(480, now.code);
	ck_assert_str_eq("away", now.reason);
	ck_assert_uint_eq(1, now.tries);
	ck_assert_uint_eq(1, heads(4999));
	ck_assert_uint_eq(b1, list.id[0]);
	ck_assert_uint_eq(5000, next_at(4999));
	ck_assert_uint_eq(0, next_at(5000));

	/* also for one that comes now, and after a restart */
	(void)put_ok("a", "a3");
	fx_reopen();
	ck_assert_uint_eq(1, heads(4999));
	ck_assert_uint_eq(2, heads(5000));
	ck_assert_uint_eq(b1, list.id[0]);
	ck_assert_uint_eq(a1, list.id[1]);
	ck_assert_uint_eq(5000, list.next);
	ck_assert_uint_eq(1, list.tries);
	fx_queue_sound();

	/* one behind it that goes does not end the wait; the first one does */
	ck_assert_int_eq(0, end(a2, CPM_OUT_FAILED));
	ck_assert_uint_eq(1, heads(4999));
	ck_assert_int_eq(0, end(a1, CPM_OUT_SENT));
	ck_assert_uint_eq(2, heads(0));
	ck_assert_uint_eq(a2 + 2, list.id[1]);
	fx_queue_sound();
}
END_TEST


START_TEST(test_wake)
{
	const uint64_t a1 = put_ok("a", "a1"), b1 = put_ok("b", "b1");

	put("other", "a", "x1");
	fx_wait(fx.done + 1);
	ck_assert_int_eq(0, again(a1, 5000, false));
	ck_assert_int_eq(0, again(b1, 9000, true));
	ck_assert_int_eq(0, again(fx.res.id, 7000, false));
	ck_assert_uint_eq(0, heads(4999));
	ck_assert_int_eq(0, fx_result(cpm_store_out_wake(
		fx.st, ALICE, fx_done_handler, NULL)));
	ck_assert_uint_eq(1, heads(4999));
	ck_assert_uint_eq(a1, list.id[0]);
	ck_assert_uint_eq(0, list.next);
	ck_assert_uint_eq(9000, next_at(0));
	ck_assert_uint_eq(0, fx_heads("other", 6999));

	/* it is tried, and fails without a word of the server's */
	ck_assert_int_eq(0, sending(b1));
	ck_assert_int_eq(0, again(b1, 12000, false));
	ck_assert_int_eq(0, fx_result(cpm_store_out_wake(
		fx.st, ALICE, fx_done_handler, NULL)));
	ck_assert_uint_eq(2, heads(0));
	ck_assert_int_eq(0, fx_result(cpm_store_out_wake(
		fx.st, "nobody", fx_done_handler, NULL)));
	fx_queue_sound();
}
END_TEST


/* One that leaves before it was tried again does not take the server's word
   with it: the next one waits */
START_TEST(test_told)
{
	const uint64_t a1 = put_ok("a", "a1"), a2 = put_ok("a", "a2");

	(void)put_ok("a", "a3");
	ck_assert_int_eq(0, sending(a1));
	ck_assert_int_eq(0, again(a1, 5000, true));
	ck_assert_int_eq(0, end(a1, CPM_OUT_FAILED));
	ck_assert_uint_eq(0, heads(4999));
	ck_assert_uint_eq(1, heads(5000));
	ck_assert_uint_eq(a2, list.id[0]);
	ck_assert_int_eq(0, delete(a2, 0));
	ck_assert_uint_eq(0, heads(4999));

	/* it was tried, and is through */
	ck_assert_int_eq(0, sending(a2 + 1));
	ck_assert_int_eq(0, end(a2 + 1, CPM_OUT_SENT));
	(void)put_ok("a", "a4");
	ck_assert_uint_eq(1, heads(0));
	fx_queue_sound();
}
END_TEST


/* What the other side says is true, whatever we still want to do */
START_TEST(test_told_by_peer)
{
	const uint64_t k1 = put_ok("a", "k1");
	uint64_t k4;

	(void)put_ok("a", "k2");
	(void)put_ok("a", "k3");
	k4 = put_ok("a", "k4");
	ck_assert_int_eq(0, again(k1, 5000, false));
	ck_assert_int_eq(0, status("k1", CPM_OUT_DELIVERED));
	ck_assert_uint_eq(1, heads(0));
	ck_assert_uint_eq(k1 + 1, list.id[0]);
	ck_assert_int_eq(0, sending(k1 + 1));
	ck_assert_int_eq(0, status("k2", CPM_OUT_DISPLAYED));
	ck_assert_int_eq(0, status("k3", CPM_OUT_FAILED));
	ck_assert_int_eq(0, status("k4", CPM_OUT_SENDING));
	ck_assert_uint_eq(1, heads(0));
	ck_assert_uint_eq(k4, list.id[0]);
	ck_assert_uint_eq(1, fx_counts().queued);
	ck_assert_int_eq(EALREADY, end(k1 + 1, CPM_OUT_SENT));
	look(k1 + 1);
	ck_assert_int_eq(CPM_OUT_DISPLAYED, now.status);
	fx_queue_sound();
}
END_TEST


START_TEST(test_deleted)
{
	const uint64_t a1 = put_ok("a", "a1"), a2 = put_ok("a", "a2");
	uint64_t b1;

	(void)put_ok("a", "a3");
	b1 = put_ok("b", "b1");
	(void)put_ok("b", "b2");
	ck_assert_int_eq(0, again(a1, 5000, false));
	ck_assert_int_eq(0, delete(a2, 0));
	ck_assert_uint_eq(1, heads(4999));
	ck_assert_int_eq(0, delete(a1, 0));
	ck_assert_uint_eq(2, heads(4999));
	ck_assert_uint_eq(a2 + 1, list.id[0]);
	ck_assert_uint_eq(3, fx_counts().queued);
	ck_assert_int_eq(ENOENT, end(a1, CPM_OUT_SENT));
	fx_queue_sound();

	ck_assert_int_eq(0, sending(b1));
	ck_assert_int_eq(0, delete(0, 2));
	ck_assert_uint_eq(1, heads(4999));
	ck_assert_uint_eq(1, fx_counts().queued);
	fx_queue_sound();

	/* deleted is known, and is not sent again */
	ck_assert_int_eq(0, fx_put(fx_out("a", "a1", "x")));
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(1, fx_counts().queued);
	(void)put_ok("b", "b3");
	ck_assert_uint_eq(2, heads(0));
	fx_queue_sound();
}
END_TEST


/* Undone: nothing of it is left, neither in the counts */
START_TEST(test_fails)
{
	const uint64_t id = put_ok("a", "a1");

	ck_assert_int_eq(0, again(put_ok("b", "b1"), 9000, false));
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ck_assert_int_eq(ENOSPC, fx_put(fx_out("a", "a2", "x")));
	ck_assert_int_eq(ENOSPC, sending(id));
	ck_assert_int_eq(ENOSPC, again(id, 9000, false));
	ck_assert_int_eq(ENOSPC, end(id, CPM_OUT_SENT));
	ck_assert_int_eq(ENOSPC, delete(id, 0));
	ck_assert_int_eq(ENOSPC, fx_result(cpm_store_out_wake(
		fx.st, ALICE, fx_done_handler, NULL)));
	store_fail_set(0, 0);
	fx_queue_sound();
	ck_assert_uint_eq(2, fx_counts().queued);
	ck_assert_uint_eq(1, heads(0));
	look(id);
	ck_assert_int_eq(CPM_OUT_QUEUED, now.status);
	ck_assert_uint_eq(0, now.tries);
	ck_assert_int_eq(0, end(id, CPM_OUT_SENT));
	ck_assert_uint_eq(0, heads(0));
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


TCase *store_queue_case(void)
{
	TCase *tc = tcase_create("queue");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_put);
	tcase_add_test(tc, test_invalid);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_accounts);
	tcase_add_test(tc, test_sending);
	tcase_add_test(tc, test_again);
	tcase_add_test(tc, test_wake);
	tcase_add_test(tc, test_told);
	tcase_add_test(tc, test_told_by_peer);
	tcase_add_test(tc, test_deleted);
	tcase_add_test(tc, test_fails);

	return tc;
}
