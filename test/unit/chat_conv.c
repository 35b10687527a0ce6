/**
 * @file unit/chat_conv.c  Which conversation and which session a message of
 *                         ours belongs to
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit/pair_unit.h"
#include "../../modules/cpm/engine/call.h"
#include "../../modules/cpm/engine/outbox.h"


static struct end *const a = &pair.a, *const b = &pair.b;


/* The value of a header of the last INVITE that B has got */
static void invited(char *val, size_t size, const char *name)
{
	char expr[80];
	struct pl pl = {NULL, 0};

	ck_assert_int_gt(re_snprintf(expr, sizeof(expr), "%s: [^\r]+", name),
			 0);
	ck_assert_int_eq(0, re_regex((const char *)b->invite->buf,
				     b->invite->end, expr, &pl));
	ck_assert_int_eq(0, pl_strcpy(&pl, val, size));
}


/* What the other one wrote without a Conversation-ID and a Contribution-ID */
static void put(struct end *e, const char *msgid)
{
	struct cpm_store *st = cpm_reader(e->cpm);
	const char *peer = e == a ? B_AOR : A_AOR;
	struct cpm_put_result res;
	struct cpm_msg *msg;

	ck_assert_int_eq(0, cpm_msg_alloc(&msg));
	msg->direction = CPM_IN;
	msg->kind = CPM_CHAT;
	msg->mode = CPM_PAGE;
	msg->text = true;
	msg->time = msg->received = engine_now();
	msg->body = mem_ref(e->text);
	ck_assert_int_eq(0, str_dup(&msg->account, e->aor));
	ck_assert_int_eq(0, str_dup(&msg->peer, peer));
	ck_assert_int_eq(0, re_sdprintf(&msg->key, "peer:%s", peer));
	ck_assert_int_eq(0, str_dup(&msg->msgkey, msgid));
	ck_assert_int_eq(0, str_dup(&msg->type, "text/plain"));
	ck_assert_int_eq(0, cpm_store_put_wait(st, msg, 3000, &res));
	mem_deref(msg);
}


static bool established(void)
{
	return a->established > 0;
}


/* The other side has opened a session, and waits for us to say something */
START_TEST(silent)
{
	struct call call = {.uri = A_AOR, .service = "session"};
	struct cpm_account acc;
	struct pair_msg m, n;
	struct session *s;
	struct source *src;
	uint64_t id;

	pair_start(NULL, NULL);
	ck_assert(outbox_isready(b->cpm->outbox, B_AOR, &acc));
	ck_assert_int_eq(0, source_make(&src, b->cpm, B_AOR));
	src->kind = CPM_CHAT;
	src->mode = CPM_SESSION;
	ck_assert_int_eq(0, call_start(&s, b->cpm, &acc, src, SDP_SENDRECV,
				       &call));
	mem_deref(src);
	pair_wait(established, "the session");

	id = pair_say(a, "Hello");
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 1);
	ck_assert_uint_eq(0, b->invites);
	ck_assert_uint_eq(1, a->invites);
	pair_msg(&m, a, 0);
	pair_msg(&n, b, 0);
	ck_assert_str_ne("", m.conversation_id);
	ck_assert_str_eq(m.conversation_id, n.conversation_id);

	id = pair_say(b, "Hello yourself");
	pair_wait_status(b, id, CPM_OUT_SENT);
	pair_wait_messages(a, 1);
	pair_msg(&n, a, 1);
	ck_assert_uint_eq(m.conversation, n.conversation);
	ck_assert_uint_eq(1, a->invites);
}
END_TEST


/* A conversation without an id stays the one that it is */
START_TEST(nameless)
{
	struct pair_msg m, n;
	uint64_t id;

	pair_start(NULL, NULL);
	pair_wait_ms(1);
	put(a, "k1");
	pair_msg(&m, a, 0);
	id = pair_send(a, &(struct cpm_send){
		.conversation = m.conversation, .body = a->text,
		.mode = CPM_SEND_SESSION});
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 1);
	id = pair_say(b, "Hello yourself");
	pair_wait_status(b, id, CPM_OUT_SENT);
	pair_wait_messages(a, 1);
	pair_msg(&n, a, 2);
	ck_assert_str_eq("Hello yourself", n.text);
	ck_assert_uint_eq(m.conversation, n.conversation);
	ck_assert_uint_eq(0, a->invites);
}
END_TEST


/* Answers to what cannot be named share a session */
START_TEST(nameless_reply)
{
	struct pair_msg m;
	uint64_t id;
	unsigned i;

	pair_start(NULL, NULL);
	pair_wait_ms(1);
	put(a, "k1");
	pair_msg(&m, a, 0);
	for (i=0; i<3; i++) {
		id = pair_send(a, &(struct cpm_send){.reply_to = m.id,
						     .body = a->text});
		pair_wait_status(a, id, CPM_OUT_SENT);
	}
	pair_wait_messages(b, 3);
	ck_assert_uint_eq(1, b->invites);
}
END_TEST


/* Whoever knows no Conversation-ID answers where he was written to */
START_TEST(answer_nameless)
{
	struct pair_msg m, n;
	uint64_t id;

	pair_start(NULL, NULL);
	pair_wait_ms(1);
	id = pair_say(a, "Hello");
	pair_wait_status(a, id, CPM_OUT_SENT);
	put(b, "k1");
	pair_msg(&m, b, 1);
	id = pair_send(b, &(struct cpm_send){
		.conversation = m.conversation, .body = b->text,
		.mode = CPM_SEND_PAGE});
	pair_wait_status(b, id, CPM_OUT_SENT);
	pair_wait_messages(a, 1);
	pair_msg(&m, a, 0);
	pair_msg(&n, a, 1);
	ck_assert_int_eq(CPM_PAGE, n.mode);
	ck_assert_uint_eq(m.conversation, n.conversation);
	ck_assert_str_eq(m.conversation_id, n.conversation_id);
}
END_TEST


static bool invited_b(void)
{
	return b->invites == 1;
}


/* Its notification may come before the answer to it: what it went with is
   known all the same */
START_TEST(delivered_first)
{
	char id[80];
	struct pair_msg m;

	pair_start(NULL, NULL);
	b->refuse = 180;
	pair_say(a, "Hello");
	pair_wait(invited_b, "the INVITE");
	pair_wait_ms(20);
	invited(id, sizeof(id), "Contribution-ID");
	pair_msg(&m, a, 0);
	ck_assert_int_eq(CPM_OUT_SENDING, m.status);
	ck_assert_str_eq(id, m.contribution_id);
}
END_TEST


/* Each answer has a session, but not for ever: the other side has no more than
   some for us */
START_TEST(many_replies)
{
	struct pair_msg m;
	unsigned i;
	uint64_t id;

	pair_start(NULL, NULL);
	for (i=0; i<20; i++) {
		id = pair_send(b, &(struct cpm_send){
			.account = B_AOR, .to = A_AOR, .body = b->text});
		pair_wait_status(b, id, CPM_OUT_SENT);
		pair_wait_messages(a, i + 1);
		pair_msg(&m, a, 2 * i);
		id = pair_send(a, &(struct cpm_send){
			.reply_to = m.id, .body = a->text});
		pair_wait_status(a, id, CPM_OUT_SENT);
		pair_wait_messages(b, i + 1);
		ck_assert_uint_eq(i + 1, b->invites);
		pair_msg(&m, a, 2 * i + 1);
		ck_assert_uint_eq(0, m.tries);
	}
	ck_assert_uint_le(pair_sessions(a), 8);
}
END_TEST


TCase *chat_conv_case(void)
{
	TCase *tc = tcase_create("conversation");

	tcase_add_checked_fixture(tc, pair_setup, pair_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, silent);
	tcase_add_test(tc, nameless);
	tcase_add_test(tc, nameless_reply);
	tcase_add_test(tc, answer_nameless);
	tcase_add_test(tc, delivered_first);
	tcase_add_test(tc, many_replies);

	return tc;
}
