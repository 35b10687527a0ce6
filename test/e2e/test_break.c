/**
 * @file test_break.c  Connections that break; and what comes on them that
 *                     does not belong there
 *
 * wire.md 2.7 and 14.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"


enum {
	ROUND = 3,            /* messages of one round                    */
};


/* A round is cut after so many octets of MSRP, then comes again whole */
static void cut_round(struct scene *s, unsigned octets, unsigned round)
{
	static const char *const sizev[ROUND] = {"40", "5000", "200"};
	const struct pf_event *ev;
	unsigned i;

	for (i=0; i<ROUND; i++)
		scene_leave(s, "from=%s id=r%um%u size=%s", BOB, round, i,
			    sizev[i]);
	pf_cmd(s->pf, "fault drop=%u", octets);
	pf_cmd(s->pf, "deliver to=%s", ALICE);
	ev = pf_event(s->pf, "ended", E2E_WAIT);
	ck_assert_str_eq("error", pf_str(ev, "by"));
	ck_assert_int_gt(pf_int(ev, "left"), 0);
	pf_cmd(s->pf, "fault none");
	pf_cmd(s->pf, "deliver to=%s", ALICE);
	ev = pf_event(s->pf, "ended", E2E_WAIT);
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	scene_delivered(s, ROUND * (round + 1));
}


/* Each message once, as it was left */
static void all_whole(struct scene *s, unsigned rounds)
{
	static const unsigned sizev[ROUND] = {40, 5000, 200};
	unsigned round, i;

	for (round=0; round<rounds; round++) {
		for (i=0; i<ROUND; i++) {
			const struct odict *o;

			o = ctrl_ask(s->c, "cpm_message", "%u",
				     round * ROUND + i + 1);
			ck_assert_str_eq(env_str(s->env, "r%um%u", round, i),
					 j_str(o, "imdn_id"));
			ck_assert_str_eq(scene_text(s->env, 0, sizev[i],
						    sizev[i]),
					 j_str(o, "text"));
		}
	}
}


/* In our bind's answer, in the head, in CPIM, in a chunk, in an end-line */
START_TEST(drop)
{
	static const unsigned octetv[] = {
		1, 20, 100, 150, 170, 200, 240, 280, 330, 400, 480, 560, 640,
		700, 720, 730, 900, 1500, 3000, 3300, 5000, 6000, 7000,
	};
	const struct pf_event *ev;
	struct scene s;
	size_t i;

	scene_open(&s, NULL);
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	for (i=0; i<ARRAY_SIZE(octetv); i++)
		cut_round(&s, octetv[i], (unsigned)i);
	all_whole(&s, ARRAY_SIZE(octetv));
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ev = pf_ask(s.pf, "stats");
	ck_assert_int_eq((int64_t)ARRAY_SIZE(octetv) * ROUND,
			 pf_int(ev, "imdn"));
	ck_assert_int_eq(0, pf_int(ev, "repeats"));
	scene_close(&s);
}
END_TEST


/* The PF dies: no BYE, the connection is closed. We end the session, and the
   PF that comes after it delivers the rest */
START_TEST(pf_dies)
{
	const struct odict *o;
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	scene_halfway(&s);
	proc_kill(s.pf->proc);
	do {
		o = ctrl_event(s.c, "session", E2E_WAIT);
	} while (strcmp("closed", j_str(o, "state")));
	ck_assert_int_eq(1, j_int(o, "messages"));
	ck_assert_int_eq(0, scene_count(&s, "sessions"));

	scene_pf_restart(&s, NULL);
	ck_assert_int_eq(0, baresip_quit(s.b));
	scene_restart(&s);
	scene_delivered(&s, 2);
	scene_close(&s);
}
END_TEST


/* The PF says no BYE when all is delivered: an idle session is ended by us */
START_TEST(idle)
{
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &(struct scene_args){
		.config = "cpm_idle_timeout 1\n", .optv = {"-f", "nobye"}});
	scene_start(&s);
	scene_leave(&s, "from=%s text=one", BOB);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("client", pf_str(ev, "by"));
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* A softphone that is asked to end says BYE, whatever is under way */
START_TEST(quit_in_the_middle)
{
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	scene_halfway(&s);
	/* or it is on its way at the end, and said once more */
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ck_assert_int_eq(0, baresip_quit(s.b));
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("client", pf_str(ev, "by"));
	ck_assert_int_eq(1, pf_int(ev, "left"));

	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "auto on");
	scene_restart(&s);
	scene_delivered(&s, 2);
	ck_assert_int_eq(0, pf_int(pf_ask(s.pf, "stats"), "repeats"));
	scene_close(&s);
}
END_TEST


void break_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "break", 60);

	tcase_add_test(tc, drop);
	tcase_add_test(tc, pf_dies);
	tcase_add_test(tc, idle);
	tcase_add_test(tc, quit_in_the_middle);
}
