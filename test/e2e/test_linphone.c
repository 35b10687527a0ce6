/**
 * @file test_linphone.c  Talking with linphone-cli, both ways
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"
#include "linphone.h"


/* Alice with the module, Bob with linphone, Kamailio between them */
static struct baresip *begin(struct linphone **lpp, bool cpim)
{
	struct env *env = env_open();
	struct core *core = core_alloc(env, DOMAIN, false);
	struct baresip *b;

	core_run(core, "alice:secret bob:secret", NULL);
	b = baresip_start(env, &(struct baresip_args){.name = "alice",
		.accounts = baresip_account(env, "alice", DOMAIN, core->sip,
					    NULL)});
	*lpp = linphone_start(env, core, "bob", cpim);
	baresip_registered(b, E2E_WAIT);

	return b;
}


static void end(struct baresip *b, struct linphone *lp)
{
	/* in order it waits for the answer to its last REGISTER */
	proc_kill(lp->proc);
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(b->env);
}


/* What it writes is in our store, and it learns what became of it */
START_TEST(cpim)
{
	const struct odict *m;
	struct linphone *lp;
	struct baresip *b = begin(&lp, true);

	/* on its way through two workers of the proxy our notification may
	   overtake our 200: it goes when that has arrived */
	(void)ctrl_ask(b->ctrl, "cpm_policy", "{\"delivery_imdn\":false}");
	linphone_chat(lp, ALICE, "Gr\xc3\xbc\xc3\x9f" "e, Alice");
	m = ctrl_event(b->ctrl, "message", E2E_WAIT);
	ck_assert_int_eq(1, j_int(m, "count"));
	ck_assert(!j_bool(m, "deferred"));
	m = ctrl_ask(b->ctrl, "cpm_message", "1");
	ck_assert_str_eq("Gr\xc3\xbc\xc3\x9f" "e, Alice", j_str(m, "text"));
	ck_assert_str_eq(BOB, j_str(m, "peer"));
	ck_assert_str_eq("page", j_str(m, "mode"));

	linphone_log(lp, "moving from InProgress to Delivered");
	(void)ctrl_ask(b->ctrl, "cpm_imdn", "1 delivered");
	linphone_log(lp, "moving from Delivered to DeliveredToUser");
	(void)ctrl_ask(b->ctrl, "cpm_display", "1");
	linphone_log(lp, "moving from DeliveredToUser to Displayed");
	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ck_assert_int_eq(0, j_int(ctrl_ask(b->ctrl, "cpm_status", NULL),
				  "imdn_failed"));
	end(b, lp);
}
END_TEST


static int64_t send_to(struct baresip *b, const char *key, const char *val,
		       const char *text)
{
	return j_int(ctrl_ask(b->ctrl, "cpm_send", "{\"%s\":%s,\"text\":"
			      "\"%s\"}", key, val, text), "id");
}


/* What is told of the message: its notification may overtake the 200 */
static void delivered(struct baresip *b, int64_t id)
{
	const struct odict *ev = ctrl_event(b->ctrl, "status", E2E_WAIT);

	ck_assert_int_eq(id, j_int(ev, "id"));
	if (!strcmp("sent", j_str(ev, "status"))) {
		ev = ctrl_event(b->ctrl, "status", E2E_WAIT);
		ck_assert_int_eq(id, j_int(ev, "id"));
	}
	ck_assert_str_eq("delivered", j_str(ev, "status"));
}


/* It shows what we write, and says so: compressed, without asking. It knows no
   conversations: what it writes is of the one that we have with it */
START_TEST(talk)
{
	const struct odict *m;
	struct linphone *lp;
	struct baresip *b = begin(&lp, true);
	int64_t id, conv;

	id = send_to(b, "to", "\"" BOB "\"", "Gr\xc3\xbc\xc3\x9f" "e, Bob");
	linphone_shows(lp, ALICE, "Gr\xc3\xbc\xc3\x9f" "e, Bob");
	delivered(b, id);
	m = ctrl_ask(b->ctrl, "cpm_message", "%lld", (long long)id);
	ck_assert_str_eq("page", j_str(m, "mode"));
	ck_assert_str_eq("delivered", j_str(m, "status"));
	conv = j_int(m, "conversation");
	ck_assert(file_has(lp->log, "Content-Encoding: deflate"));

	linphone_chat(lp, ALICE, "and to you");
	m = ctrl_event(b->ctrl, "message", E2E_WAIT);
	ck_assert_int_eq(conv, j_int(m, "conversation"));
	m = ctrl_ask(b->ctrl, "cpm_message", "%lld",
		     (long long)j_int(m, "last"));
	ck_assert_str_eq("and to you", j_str(m, "text"));
	ck_assert_str_eq(BOB, j_str(m, "peer"));

	id = send_to(b, "to", "\"" BOB "\"", "more");
	linphone_shows(lp, ALICE, "more");
	delivered(b, id);
	m = ctrl_ask(b->ctrl, "cpm_message", "%lld", (long long)id);
	ck_assert_int_eq(conv, j_int(m, "conversation"));
	ck_assert_int_eq(0, j_int(ctrl_ask(b->ctrl, "cpm_status", NULL),
				  "queued"));
	end(b, lp);
}
END_TEST


/* It has no MSRP: an answer in a session of its own fails for good, and says
   why; as a MESSAGE it arrives */
START_TEST(no_session)
{
	const struct odict *ev;
	struct linphone *lp;
	struct baresip *b = begin(&lp, true);
	int64_t id;

	linphone_chat(lp, ALICE, "anybody?");
	(void)ctrl_event(b->ctrl, "message", E2E_WAIT);
	id = send_to(b, "reply_to", "1", "me");
	ev = ctrl_event(b->ctrl, "status", E2E_WAIT);
	ck_assert_int_eq(id, j_int(ev, "id"));
	ck_assert_str_eq("failed", j_str(ev, "status"));
	ck_assert_int_eq(488, j_int(ev, "code"));
	ck_assert_str_eq("the other side does not take it",
			 j_str(ev, "reason"));

	id = j_int(ctrl_ask(b->ctrl, "cpm_send", "{\"reply_to\":1,\"mode\":"
			    "\"page\",\"text\":\"me\"}"), "id");
	linphone_shows(lp, ALICE, "me");
	delivered(b, id);
	end(b, lp);
}
END_TEST


/* Its plain text is the softphone's, as without the module */
START_TEST(plain)
{
	struct linphone *lp;
	struct baresip *b = begin(&lp, false);

	linphone_chat(lp, ALICE, "plain words");
	linphone_log(lp, "moving from InProgress to Delivered");
	/* the sound with which it announces one */
	ck_assert(file_has(b->proc->log, "message.wav"));
	ck_assert_int_eq(0, j_int(ctrl_ask(b->ctrl, "cpm_status", NULL),
				  "messages"));
	end(b, lp);
}
END_TEST


Suite *linphone_suite(void)
{
	Suite *suite = suite_create("linphone");
	TCase *tc = suite_case(suite, "linphone", 60);

	tcase_add_test(tc, cpim);
	tcase_add_test(tc, plain);
	tcase_add_test(tc, talk);
	tcase_add_test(tc, no_session);

	return suite;
}
