/**
 * @file test_session.c  A delivery from its INVITE to its end
 *
 * Seed 7.3.12; wire.md 2 and 13. Recognition: test_token.c; refusals:
 * test_answer.c; the MSRP connection: test_bind.c; who it is for, and which
 * conversation: test_conv.c; breaks: test_break.c; through a core:
 * test_core.c; no ACK, and that we listen before our 200: test_timer.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"


/* The next step of a session on the bus */
static const struct odict *step(struct scene *s, const char *state)
{
	const struct odict *o = ctrl_event(s->c, "session", E2E_WAIT);

	ck_assert_str_eq(state, j_str(o, "state"));
	ck_assert(j_bool(o, "deferred"));

	return o;
}


/* One message goes the whole way: both sides see every step of it */
static void deliver_one(struct scene *s, const char *setup)
{
	const struct pf_event *ev;
	const struct odict *o;
	int64_t id;

	pf_cmd(s->pf, "leave from=%s to=%s text=Hello", BOB, ALICE);
	ev = pf_event(s->pf, "answer", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	ck_assert_str_eq(setup, pf_str(ev, "setup"));
	ck_assert_str_eq("recvonly", pf_str(ev, "dir"));
	(void)pf_event(s->pf, "established", E2E_WAIT);
	ev = pf_event(s->pf, "delivered", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	ev = pf_event(s->pf, "ended", E2E_WAIT);
	ck_assert_str_eq("pf", pf_str(ev, "by"));
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	ck_assert_int_eq(1, pf_int(ev, "delivered"));
	ck_assert_int_eq(0, pf_int(ev, "left"));
	ev = pf_event(s->pf, "imdn", E2E_WAIT);
	ck_assert_str_eq("delivered", pf_str(ev, "status"));

	id = j_int(step(s, "accepted"), "session");
	ck_assert_int_eq(id, j_int(step(s, "established"), "session"));
	o = step(s, "closed");
	ck_assert_int_eq(id, j_int(o, "session"));
	ck_assert_int_eq(1, j_int(o, "messages"));
	ck_assert_int_gt(j_int(o, "conversation"), 0);
	o = ctrl_ask(s->c, "cpm_messages", NULL);
	ck_assert_uint_eq(1, j_count(o, "messages"));
	ck_assert_str_eq("Hello", j_str(o, "messages.0.text"));
	ck_assert_int_eq(0, scene_count(s, "sessions"));
}


static const char *const setupv[][2] = {
	{"actpass", "active"},
	{"passive", "active"},
	{"none",    "active"},
	{"active",  "passive"},
};


START_TEST(setup)
{
	const char *const *v = setupv[_i];
	struct scene s;

	scene_open(&s, &(struct scene_args){.optv = {"-s", v[0]}});
	scene_start(&s);
	deliver_one(&s, v[1]);
	ck_assert(!pf_try_event(s.pf, "error", NULL, NULL, 1));
	scene_close(&s);
}
END_TEST


/* The same on [::1] */
START_TEST(ipv6)
{
	const char *const *v = setupv[_i];
	struct scene s = {.env = env_open()};
	const char *argv[] = {"-D", DOMAIN, "-l", "[::1]:0",
		"-u", "alice:secret", "-s", v[0], NULL};
	struct baresip_args args = {.name = "alice", .ipv6 = true};

	s.pf = pf_start(s.env, argv);
	ck_assert_ptr_eq(s.pf->sip, strstr(s.pf->sip, "[::1]:"));
	args.accounts = baresip_account(s.env, "alice", DOMAIN, env_str(s.env,
		"sip:%s;transport=udp", s.pf->sip), NULL);
	s.b = baresip_start(s.env, &args);
	s.c = s.b->ctrl;
	baresip_registered(s.b, E2E_WAIT);
	deliver_one(&s, v[1]);
	scene_close(&s);
}
END_TEST


START_TEST(sip_over_tcp)
{
	struct scene s;

	scene_open(&s, &(struct scene_args){.tcp = true});
	scene_start(&s);
	deliver_one(&s, "active");
	scene_close(&s);
}
END_TEST


/* sendonly at session level; sendrecv, but from rcse-standfw */
START_TEST(direction)
{
	static const char *const faultv[] = {"session-level", "sendrecv"};
	struct scene s;

	scene_open(&s, &(struct scene_args){.optv = {"-f", faultv[_i]}});
	scene_start(&s);
	deliver_one(&s, "active");
	scene_close(&s);
}
END_TEST


/* The user ends it in the middle: the PF keeps the rest */
START_TEST(close_by_client)
{
	const struct pf_event *ev;
	const struct odict *o;
	struct scene s;
	int64_t id;

	scene_open(&s, NULL);
	scene_start(&s);
	scene_halfway(&s);
	o = ctrl_ask(s.c, "cpm_sessions", NULL);
	ck_assert_uint_eq(1, j_count(o, "sessions"));
	ck_assert_str_eq("established", j_str(o, "sessions.0.state"));
	id = j_int(o, "sessions.0.session");
	(void)ctrl_ask(s.c, "cpm_close", "%d", (int)id);
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("client", pf_str(ev, "by"));
	ck_assert_int_eq(1, pf_int(ev, "delivered"));
	ck_assert_int_eq(1, pf_int(ev, "left"));
	(void)step(&s, "accepted");
	(void)step(&s, "established");
	ck_assert_int_eq(1, j_int(step(&s, "closed"), "messages"));

	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 2);
	ck_assert_int_eq(0, pf_int(pf_ask(s.pf, "stats"), "repeats"));
	scene_close(&s);
}
END_TEST


/* The PF does so: what came in time is there, the rest comes later */
START_TEST(bye_in_the_middle)
{
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	scene_halfway(&s);
	pf_cmd(s.pf, "bye to=%s", ALICE);
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("command", pf_str(ev, "reason"));
	ck_assert_int_eq(1, pf_int(ev, "left"));
	(void)step(&s, "accepted");
	(void)step(&s, "established");
	ck_assert_int_eq(1, j_int(step(&s, "closed"), "messages"));

	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 2);
	scene_close(&s);
}
END_TEST


/* BYE right behind the ACK: MSRP had no time to come up */
START_TEST(early_bye)
{
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &(struct scene_args){.optv = {"-f", "early-bye"}});
	scene_start(&s);
	scene_leave(&s, "from=%s text=Hello", BOB);
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("early-bye", pf_str(ev, "reason"));
	ck_assert_int_eq(1, pf_int(ev, "left"));
	(void)step(&s, "accepted");
	ck_assert_int_eq(0, j_int(step(&s, "closed"), "messages"));
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	ck_assert_int_eq(0, scene_count(&s, "sessions"));

	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


static void changed(struct scene *s, const char *cmd)
{
	const struct pf_event *ev;

	pf_cmd(s->pf, "%s to=%s", cmd, ALICE);
	ev = pf_event_kv(s->pf, "answer", "for", cmd, E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	ck_assert_str_eq("yes", pf_str(ev, "same"));
}


/* A change of the running session is answered with the same session, and
   the messages go on */
START_TEST(modify)
{
	const char *cmd = _i / 2 ? "update" : "reinvite";
	struct scene s;

	scene_open(&s, &(struct scene_args){
		.optv = {"-s", _i % 2 ? "active" : "actpass",
			 "-f", "nobye"}});
	scene_start(&s);
	scene_leave(&s, "from=%s text=one", BOB);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	changed(&s, cmd);
	scene_leave(&s, "from=%s text=two", BOB);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	changed(&s, cmd);
	changed(&s, _i / 2 ? "reinvite" : "update");
	scene_leave(&s, "from=%s text=three", BOB);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	pf_cmd(s.pf, "bye to=%s", ALICE);
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	(void)step(&s, "accepted");
	(void)step(&s, "established");
	ck_assert_int_eq(3, j_int(step(&s, "closed"), "messages"));
	ck_assert_int_eq(1, pf_int(pf_ask(s.pf, "stats"), "sessions"));
	scene_close(&s);
}
END_TEST


Suite *session_suite(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = suite_case(suite, "session", 60);

	tcase_add_loop_test(tc, setup, 0, ARRAY_SIZE(setupv));
	tcase_add_loop_test(tc, ipv6, 0, ARRAY_SIZE(setupv));
	tcase_add_test(tc, sip_over_tcp);
	tcase_add_loop_test(tc, direction, 0, 2);
	tcase_add_test(tc, close_by_client);
	tcase_add_test(tc, bye_in_the_middle);
	tcase_add_test(tc, early_bye);
	tcase_add_loop_test(tc, modify, 0, 4);

	answer_cases(suite);
	token_cases(suite);
	bind_cases(suite);
	conv_cases(suite);
	break_cases(suite);
	core_cases(suite);
	timer_cases(suite);

	return suite;
}
