/**
 * @file test_linphone.c  Messages of linphone-cli, and our notifications to it
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

	linphone_chat(lp, ALICE, "Gr\xc3\xbc\xc3\x9f" "e, Alice");
	m = ctrl_event(b->ctrl, "message", E2E_WAIT);
	ck_assert_int_eq(1, j_int(m, "count"));
	ck_assert(!j_bool(m, "deferred"));
	m = ctrl_ask(b->ctrl, "cpm_message", "1");
	ck_assert_str_eq("Gr\xc3\xbc\xc3\x9f" "e, Alice", j_str(m, "text"));
	ck_assert_str_eq(BOB, j_str(m, "peer"));
	ck_assert_str_eq("page", j_str(m, "mode"));

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

	return suite;
}
