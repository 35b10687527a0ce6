/**
 * @file unit/store_sent.c  The store: messages of ours, and where they stand
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/store_unit.h"


#define ALICE "sip:alice@example.net"
#define BOB   "sip:bob@example.net"
#define CAROL "sip:carol@example.net"
#define DAVE  "tel:+15550100"

/* every status that a message may have */
enum { STATUSES = CPM_OUT_FAILED + 1 };


static struct cpm_msg *out_msg(const char *id, const char *peer)
{
	struct cpm_msg *msg = fx_msg(id, "from me");
	char key[64];

	snprintf(key, sizeof(key), "out:%s", id);
	fx_set(&msg->msgkey, key);
	fx_set(&msg->peer, peer);
	msg->direction = CPM_OUT;
	msg->status    = CPM_OUT_QUEUED;

	return msg;
}


static uint64_t put_out(const char *id, const char *peer, enum cpm_out status)
{
	struct cpm_msg *msg = out_msg(id, peer);

	msg->status = status;
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert(!fx.res.duplicate);

	return fx.res.id;
}


static uint64_t moved;

static void status_handler(int err, uint64_t id, void *arg)
{
	moved = id;
	fx_done_handler(err, arg);
}


static int move(const char *account, const char *peer, const char *id,
		enum cpm_out to)
{
	moved = 0;

	return fx_result(cpm_store_status(fx.st, account, peer, id, to, 0,
					  NULL, status_handler, NULL));
}


struct stand {
	enum cpm_out status;
	uint16_t code;
	char reason[64];
};


static bool stand_handler(const struct cpm_msg *msg, void *arg)
{
	struct stand *stand = arg;

	ck_assert_int_eq(CPM_OUT, msg->direction);
	stand->status = msg->status;
	stand->code   = msg->code;
	snprintf(stand->reason, sizeof(stand->reason), "%s",
		 msg->reason ? msg->reason : "-");

	return true;
}


static struct stand stand(uint64_t id)
{
	struct stand stand = {CPM_OUT_NONE, 0, ""};

	ck_assert_int_eq(0, cpm_store_msg(fx.st, id, stand_handler, &stand));

	return stand;
}


START_TEST(test_put)
{
	struct cpm_msg *msg = out_msg("k1", BOB);
	struct cpm_query q = {.limit = 10, .peer = BOB};
	struct stand list = {CPM_OUT_NONE, 0, ""}, got;
	uint64_t id;

	msg->status = CPM_OUT_FAILED;
	msg->code   = 488;
	fx_set(&msg->reason, "Not Acceptable Here");
	ck_assert_int_eq(0, fx_put(msg));
	id = fx.res.id;
	fx_reopen();
	got = stand(id);
	ck_assert_int_eq(CPM_OUT_FAILED, got.status);
	ck_assert_uint_eq(488, got.code);
	ck_assert_str_eq("Not Acceptable Here", got.reason);
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &q, stand_handler, &list));
	ck_assert_uint_eq(488, list.code);
	ck_assert_uint_eq(0, fx_counts().unread);

	/* where it stands is said of one of ours only */
	msg = fx_msg("k2", "in");
	msg->status = CPM_OUT_SENT;
	ck_assert_int_eq(EINVAL, cpm_store_put(fx.st, msg, NULL, NULL));
	mem_deref(msg);
	msg = out_msg("k2", BOB);
	msg->status = (enum cpm_out)STATUSES;
	ck_assert_int_eq(EINVAL, cpm_store_put(fx.st, msg, NULL, NULL));
	mem_deref(msg);

	id = put_out("k3", BOB, CPM_OUT_NONE);
	ck_assert_int_eq(CPM_OUT_SENT, stand(id).status);
}
END_TEST


/* A message to oneself goes out, arrives, and is no repeat of itself */
START_TEST(test_oneself)
{
	struct cpm_msg *msg = fx_msg("imdn:k1", "from me");
	const uint64_t out = put_out("k1", ALICE, CPM_OUT_SENT);

	fx_set(&msg->peer, ALICE);
	fx_set(&msg->imdn_id, "k1");
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert(!fx.res.duplicate);
	ck_assert_uint_ne(out, fx.res.id);

	/* but each of them is known */
	ck_assert_int_eq(0, fx_put(out_msg("k1", ALICE)));
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(out, fx.res.id);

	/* and a notification means the one that went out */
	ck_assert_int_eq(0, move(ALICE, ALICE, "k1", CPM_OUT_DISPLAYED));
	ck_assert_uint_eq(out, moved);
}
END_TEST


/* From each status to each other one: who may go where */
START_TEST(test_moves)
{
	/* to:              sending, sent, delivered, displayed, failed */
	static const char *const wantv[STATUSES] = {
		[CPM_OUT_QUEUED]    = "+++++",
		[CPM_OUT_SENDING]   = "-++++",
		[CPM_OUT_SENT]      = "--+++",
		[CPM_OUT_DELIVERED] = "---+-",
		[CPM_OUT_DISPLAYED] = "-----",
		[CPM_OUT_FAILED]    = "--++-",
	};
	int from, to;

	for (from = CPM_OUT_QUEUED; from < STATUSES; from++) {
		for (to = CPM_OUT_SENDING; to < STATUSES; to++) {
			const bool may = wantv[from][to - CPM_OUT_SENDING] ==
				'+';
			char id[32];
			uint64_t n;

			snprintf(id, sizeof(id), "k-%d-%d", from, to);
			n = put_out(id, BOB, (enum cpm_out)from);
			ck_assert_msg(move(ALICE, BOB, id, (enum cpm_out)to)
				      == (may ? 0 : EALREADY), "%s", id);
			ck_assert_uint_eq(n, moved);
			ck_assert_int_eq(may ? to : from,
					 (int)stand(n).status);
		}
	}
}
END_TEST


START_TEST(test_code)
{
	const uint64_t id = put_out("k1", BOB, CPM_OUT_SENDING);
	struct stand got;

	ck_assert_int_eq(0, fx_result(cpm_store_status(
		fx.st, ALICE, NULL, "k1", CPM_OUT_FAILED, 480, "gone",
		status_handler, NULL)));
	fx_reopen();
	got = stand(id);
	ck_assert_int_eq(CPM_OUT_FAILED, got.status);
	ck_assert_uint_eq(480, got.code);
	ck_assert_str_eq("gone", got.reason);

	/* what is refused changes nothing */
	ck_assert_int_eq(EALREADY, fx_result(cpm_store_status(
		fx.st, ALICE, NULL, "k1", CPM_OUT_SENT, 200, "OK",
		status_handler, NULL)));
	ck_assert_uint_eq(480, stand(id).code);

	/* it arrived all the same: nothing is left of the failure */
	ck_assert_int_eq(0, move(ALICE, BOB, "k1", CPM_OUT_DELIVERED));
	got = stand(id);
	ck_assert_int_eq(CPM_OUT_DELIVERED, got.status);
	ck_assert_uint_eq(0, got.code);
	ck_assert_str_eq("-", got.reason);
}
END_TEST


START_TEST(test_who)
{
	struct cpm_msg *group = out_msg("k5", NULL);
	const uint64_t bob = put_out("k1", BOB, CPM_OUT_SENT);
	const uint64_t carol = put_out("k1", CAROL, CPM_OUT_SENT);
	const uint64_t dave = put_out("k2", DAVE, CPM_OUT_SENT);
	const uint64_t sip = put_out("k3", "sip:+15550100@a.example",
				     CPM_OUT_SENT);
	const uint64_t any = put_out("k4", NULL, CPM_OUT_SENT);

	group->kind = CPM_GROUP;
	group->status = CPM_OUT_SENT;
	fx_set(&group->key, "g1");
	fx_set(&group->peer, "sip:room@example.net");
	ck_assert_int_eq(0, fx_put(group));

	ck_assert_int_eq(ENOENT, move(ALICE, DAVE, "k1", CPM_OUT_DELIVERED));
	ck_assert_uint_eq(0, moved);
	ck_assert_int_eq(ENOENT, move(ALICE, BOB, "k9", CPM_OUT_DELIVERED));
	ck_assert_int_eq(ENOENT, move(BOB, BOB, "k1", CPM_OUT_DELIVERED));
	ck_assert_int_eq(CPM_OUT_SENT, stand(bob).status);
	ck_assert_int_eq(0, move(ALICE, CAROL, "k1", CPM_OUT_DELIVERED));
	ck_assert_uint_eq(carol, moved);
	ck_assert_int_eq(CPM_OUT_SENT, stand(bob).status);

	/* one number, two ways to write it */
	ck_assert_int_eq(0, move(ALICE, "sip:+15550100@b.example", "k2",
				 CPM_OUT_DELIVERED));
	ck_assert_uint_eq(dave, moved);
	ck_assert_int_eq(0, move(ALICE, DAVE, "k3", CPM_OUT_DELIVERED));
	ck_assert_uint_eq(sip, moved);
	ck_assert_int_eq(ENOENT, move(ALICE, "sip:+155501001@b.example", "k2",
				      CPM_OUT_DISPLAYED));
	ck_assert_int_eq(ENOENT, move(ALICE, "tel:+155501", "k3",
				      CPM_OUT_DISPLAYED));
	ck_assert_int_eq(ENOENT, move(ALICE, "sip:+15550100@b.example", "k3",
				      CPM_OUT_DISPLAYED));

	ck_assert_int_eq(0, move(ALICE, CAROL, "k4", CPM_OUT_DELIVERED));
	ck_assert_uint_eq(any, moved);
	ck_assert_int_eq(0, move(ALICE, CAROL, "k5", CPM_OUT_DELIVERED));
}
END_TEST


START_TEST(test_invalid)
{
	ck_assert_int_eq(EINVAL, cpm_store_status(NULL, ALICE, BOB, "k",
		CPM_OUT_SENT, 0, NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_status(fx.st, NULL, BOB, "k",
		CPM_OUT_SENT, 0, NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_status(fx.st, ALICE, BOB, "",
		CPM_OUT_SENT, 0, NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_status(fx.st, ALICE, BOB, "k",
		CPM_OUT_QUEUED, 0, NULL, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_status(fx.st, ALICE, BOB, "k",
		(enum cpm_out)STATUSES, 0, NULL, NULL, NULL));
}
END_TEST


/* Nothing is moved that was deleted, and nothing is left of it */
START_TEST(test_deleted)
{
	const uint64_t one = put_out("k1", BOB, CPM_OUT_SENT);
	uint64_t conv;

	(void)put_out("k2", BOB, CPM_OUT_SENT);
	(void)fx_put_ok("k3", "and one from him");
	conv = fx.res.conversation;
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, one, 0, fx_done_handler, NULL)));
	ck_assert_int_eq(1, fx_sql("SELECT count(*) FROM sent"));
	ck_assert_int_eq(ENOENT, move(ALICE, BOB, "k1", CPM_OUT_DELIVERED));
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, 0, conv, fx_done_handler, NULL)));
	ck_assert_int_eq(0, fx_sql("SELECT count(*) FROM sent"));
	ck_assert_int_eq(0, fx_put(out_msg("k1", BOB)));
	ck_assert(fx.res.duplicate);
}
END_TEST


/* What is still to be sent stays, however old; the rest makes room */
START_TEST(test_sweep)
{
	uint64_t idv[STATUSES], other;
	int i;

	for (i = CPM_OUT_QUEUED; i < STATUSES; i++) {
		char id[16];

		snprintf(id, sizeof(id), "k%d", i);
		idv[i] = put_out(id, BOB, (enum cpm_out)i);
	}
	other = put_out("k9", BOB, CPM_OUT_SENDING);

	ck_assert_int_eq(0, fx_result(cpm_store_sweep(
		fx.st, 2000, fx_done_handler, NULL)));
	ck_assert_uint_eq(3, fx_counts().messages);
	ck_assert_int_eq(CPM_OUT_QUEUED, stand(idv[CPM_OUT_QUEUED]).status);
	ck_assert_int_eq(CPM_OUT_SENDING, stand(idv[CPM_OUT_SENDING]).status);
	ck_assert_int_eq(ENOENT, fx_result(cpm_store_sweep(
		fx.st, 2000, fx_done_handler, NULL)));
	ck_assert_int_eq(0, move(ALICE, NULL, "k9", CPM_OUT_SENT));
	ck_assert_uint_eq(other, moved);
	ck_assert_int_eq(0, fx_result(cpm_store_sweep(
		fx.st, 2000, fx_done_handler, NULL)));
	ck_assert_uint_eq(2, fx_counts().messages);
	ck_assert_int_eq(2, fx_sql("SELECT count(*) FROM sent"));
}
END_TEST


static void count_handler(int err, uint64_t id, void *arg)
{
	unsigned *n = arg;

	ck_assert_int_eq(*n ? EALREADY : 0, err);
	ck_assert_uint_gt(id, 0);
	++*n;
	fx_done_handler(err, NULL);
}


/* A message, and notifications for one of ours, in one commit: each has its
   own result, and one that does nothing spoils nothing */
START_TEST(test_one_commit)
{
	const uint64_t id = put_out("k1", BOB, CPM_OUT_SENT);
	struct cpm_msg *msg = fx_msg("in", "text");
	unsigned i, n = 0, batches = fx.batches;

	fx.done = 0;
	for (i=0; i<3; i++)
		ck_assert_int_eq(0, cpm_store_status(
			fx.st, ALICE, BOB, "k1", CPM_OUT_DISPLAYED, 0, NULL,
			count_handler, &n));
	ck_assert_int_eq(0, cpm_store_put(fx.st, msg, fx_put_handler, NULL));
	mem_deref(msg);
	fx_wait(4);
	ck_assert_uint_eq(3, n);
	ck_assert_uint_eq(batches + 1, fx.batches);
	ck_assert_int_eq(0, fx.err);
	ck_assert_int_eq(CPM_OUT_DISPLAYED, stand(id).status);
	ck_assert_uint_eq(2, fx_counts().messages);
	ck_assert_uint_eq(0, fx.faults);
}
END_TEST


static bool name_handler(const struct cpm_msg *msg, void *arg)
{
	(void)arg;
	ck_assert_str_eq("caf\xc3\xa9.png", msg->filename);
	ck_assert_int_eq(CPM_OUT_NONE, msg->status);

	return true;
}


START_TEST(test_filename)
{
	struct cpm_msg *msg = fx_msg("k1", "PNG");

	msg->text = false;
	fx_set(&msg->filename, "caf\xc3\xa9.png");
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert_int_eq(0, cpm_store_msg(fx.st, fx.res.id, name_handler,
					  NULL));
}
END_TEST


/* What arrives has no row there: it costs no more than before */
START_TEST(test_incoming)
{
	(void)fx_put_ok("k1", "text");
	ck_assert_int_eq(0, fx_sql("SELECT count(*) FROM sent"));
	ck_assert_int_eq(ENOENT, move(ALICE, BOB, "k1", CPM_OUT_DELIVERED));
}
END_TEST


static uint64_t by_peer(const char *account, const char *peer)
{
	uint64_t id = 0;
	const int err = cpm_store_conv_peer(fx.st, account, peer, &id);

	ck_assert_int_eq(id ? 0 : ENOENT, err);

	return id;
}


START_TEST(test_conv_peer)
{
	struct cpm_msg *msg;

	ck_assert_uint_eq(0, by_peer(ALICE, BOB));
	ck_assert_int_eq(0, fx_put(fx_out("a", "k1", "x")));
	ck_assert_int_eq(0, fx_put(fx_out("b", "k2", "x")));
	ck_assert_uint_eq(2, by_peer(ALICE, BOB));
	ck_assert_uint_eq(0, by_peer(ALICE, CAROL));
	ck_assert_uint_eq(0, by_peer(BOB, BOB));

	/* what arrives counts as well, and a group does not */
	msg = fx_msg("k3", "in");
	fx_set(&msg->key, "a");
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert_uint_eq(1, by_peer(ALICE, BOB));
	msg = fx_msg("k4", "in");
	fx_set(&msg->key, "g");
	fx_set(&msg->group, BOB);
	msg->kind = CPM_GROUP;
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert_uint_eq(1, by_peer(ALICE, BOB));

	/* somebody else does not make it his */
	msg = fx_msg("k5", "in");
	fx_set(&msg->key, "a");
	fx_set(&msg->peer, CAROL);
	ck_assert_int_eq(0, fx_put(msg));
	ck_assert_uint_eq(0, by_peer(ALICE, CAROL));
	ck_assert_uint_eq(1, by_peer(ALICE, BOB));
}
END_TEST


TCase *store_sent_case(void)
{
	TCase *tc = tcase_create("sent");

	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_put);
	tcase_add_test(tc, test_oneself);
	tcase_add_test(tc, test_moves);
	tcase_add_test(tc, test_code);
	tcase_add_test(tc, test_who);
	tcase_add_test(tc, test_invalid);
	tcase_add_test(tc, test_deleted);
	tcase_add_test(tc, test_sweep);
	tcase_add_test(tc, test_one_commit);
	tcase_add_test(tc, test_filename);
	tcase_add_test(tc, test_incoming);
	tcase_add_test(tc, test_conv_peer);

	return tc;
}
