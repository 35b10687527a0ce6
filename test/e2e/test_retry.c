/**
 * @file test_retry.c  Notifications that are refused, or find nobody: kept
 *                     until a 2xx, across restarts, and sent once
 *
 * wire.md 6.1 and 13.6.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "report.h"


enum {
	FIRST_GAP  = 700,     /* ms at least before the second try        */
	SECOND_GAP = 1400,    /* and before the third                     */
};


/* Lines of the PF about notifications, in their order */
static void next_is(struct scene *s, const char *word, const char *status)
{
	const char *line = proc_line(s->pf->proc, "^(imdn|declined) ",
				     E2E_WAIT);

	ck_assert_msg(!strncmp(line, word, strlen(word)) &&
		      strstr(line, env_str(s->env, " status=%s ", status)),
		      "not %s %s: %s", word, status, line);
}


START_TEST(delivery_first)
{
	const struct scene_args args = {.optv = {"-f", "refuse=1", NULL}};
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	next_is(&s, "declined", "delivered");
	(void)ctrl_ask(s.c, "cpm_display", "1");
	next_is(&s, "imdn", "delivered");
	next_is(&s, "imdn", "displayed");
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	stats_are(&s, 2, 0);
	scene_close(&s);
}
END_TEST


START_TEST(backoff)
{
	const struct scene_args args = {.optv = {"-f", "refuse=2", NULL}};
	const struct odict *ev;
	struct scene s;
	uint64_t t[3];

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	next_is(&s, "declined", "delivered");
	t[0] = e2e_now();
	states_are(&s, 1, "due", "none");
	ck_assert_int_eq(1, scene_count(&s, "imdn_pending"));
	next_is(&s, "declined", "delivered");
	t[1] = e2e_now();
	next_is(&s, "imdn", "delivered");
	t[2] = e2e_now();
	ck_assert_uint_ge(t[1] - t[0], FIRST_GAP);
	ck_assert_uint_ge(t[2] - t[1], SECOND_GAP);

	ev = ctrl_event(s.c, "imdn", E2E_WAIT);
	ck_assert_int_eq(1, j_int(ev, "id"));
	ck_assert_str_eq("delivered", j_str(ev, "status"));
	ck_assert_str_eq("sent", j_str(ev, "state"));
	ck_assert_int_eq(200, j_int(ev, "code"));
	states_are(&s, 1, "sent", "none");
	stats_are(&s, 1, 0);
	scene_close(&s);
}
END_TEST


START_TEST(refused_for_good)
{
	const struct scene_args args = {.optv = {"-f", "refuse=1,403", NULL}};
	const struct odict *ev;
	struct scene s;

	scene_open(&s, &args);
	pf_cmd(s.pf, "auto off");
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	pf_cmd(s.pf, "auto on");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	next_is(&s, "declined", "delivered");
	ev = ctrl_event(s.c, "imdn", E2E_WAIT);
	ck_assert_int_eq(1, j_int(ev, "id"));
	ck_assert_str_eq("delivered", j_str(ev, "status"));
	ck_assert_str_eq("failed", j_str(ev, "state"));
	ck_assert_int_eq(403, j_int(ev, "code"));
	states_are(&s, 1, "failed", "none");
	ck_assert_int_eq(0, scene_count(&s, "imdn_pending"));
	ck_assert_int_eq(1, scene_count(&s, "imdn_failed"));

	/* not by hand, not when it comes again, not after a restart */
	scene_refused(&s, "cpm_imdn", "1 delivered", "EALREADY",
		      "has it already");
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_delivered(&s, 1);
	nothing_else(&s, "end-1");
	ck_assert_int_eq(0, baresip_quit(s.b));
	scene_restart(&s);
	nothing_else(&s, "end-2");
	ck_assert_int_eq(1, scene_count(&s, "imdn_failed"));
	stats_are(&s, 2, 0);

	/* display is another matter */
	(void)ctrl_ask(s.c, "cpm_display", "1");
	told(&s, "a", "displayed");
	scene_close(&s);
}
END_TEST


/* Each answer that is final, and each that is not */
START_TEST(codes)
{
	static const struct {
		int code;
		const char *state;
	} v[] = {
		{400, "failed"}, {404, "failed"}, {415, "failed"},
		{603, "failed"}, {408, "due"}, {480, "due"}, {486, "due"},
		{500, "due"}, {504, "due"},
	};
	struct scene s;
	size_t i;

	scene_open(&s, NULL);
	scene_start(&s);
	for (i=0; i<ARRAY_SIZE(v); i++) {
		const int64_t due = scene_count(&s, "imdn_pending");
		const int64_t failed = scene_count(&s, "imdn_failed");
		const bool final = !strcmp(v[i].state, "failed");

		/* tries of the ones before may come between: each is told
		   apart by its id */
		pf_cmd(s.pf, "fault refuse=1000,%d", v[i].code);
		scene_leave(&s, "from=%s id=m%zu text=.", BOB, i);
		(void)pf_event_kv(s.pf, "declined", "id",
				  env_str(s.env, "m%zu", i), E2E_WAIT);
		(void)ctrl_until(s.c, "cpm_status", NULL, final
				 ? "imdn_failed" : "imdn_pending",
				 1 + (final ? failed : due), E2E_WAIT);
		states_are(&s, (int)i + 1, v[i].state, "none");
		pf_cmd(s.pf, "fault none");
		if (!final) {
			(void)pf_event(s.pf, "imdn", E2E_WAIT);
			(void)ctrl_until(s.c, "cpm_status", NULL,
					 "imdn_pending", 0, E2E_WAIT);
		}
	}
	stats_are(&s, 5, 0);
	scene_close(&s);
}
END_TEST


/* With either challenge the credentials go, once */
START_TEST(challenged)
{
	static const int codev[] = {407, 401};
	const struct scene_args args = {
		.optv = {_i ? "-f" : NULL, "www", NULL}};
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	ev = pf_event(s.pf, "challenged", E2E_WAIT);
	ck_assert_int_eq(codev[_i], pf_int(ev, "code"));
	told(&s, "a", "delivered");
	ck_assert_ptr_null(pf_try_event(s.pf, "challenged", NULL, NULL, 1));
	stats_are(&s, 1, 0);
	scene_close(&s);
}
END_TEST


/* The server does not take our password any more: that is no reason to give
   up, for somebody may set it right */
START_TEST(wrong_password)
{
	const struct scene_args args = {.optv = {"-f", "refuse=1", NULL}};
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	next_is(&s, "declined", "delivered");
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, pf_quit(s.pf));
	s.args.optv[0] = NULL;
	scene_pf_restart(&s, "another");
	ev = pf_event(s.pf, "refused", E2E_WAIT);
	ck_assert_str_eq("alice", pf_str(ev, "user"));
	ck_assert_int_eq(407, pf_int(ev, "code"));
	states_are(&s, 1, "due", "none");
	ck_assert_int_eq(0, scene_count(&s, "imdn_failed"));
	ck_assert_int_eq(0, pf_quit(s.pf));
	scene_pf_restart(&s, "secret");
	told(&s, "a", "delivered");
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	stats_are(&s, 1, 0);
	scene_close(&s);
}
END_TEST


static void server_away(bool tcp)
{
	const struct scene_args args = {
		.tcp = tcp, .optv = {"-f", "refuse=1", NULL}};
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	next_is(&s, "declined", "delivered");
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, pf_quit(s.pf));

	/* read while it is away, over the time of the next try */
	(void)ctrl_ask(s.c, "cpm_display", "1");
	e2e_sleep(1300);
	states_are(&s, 1, "due", "due");
	s.args.optv[0] = NULL;
	scene_pf_restart(&s, "secret");
	told(&s, "a", "delivered");
	told(&s, "a", "displayed");
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	states_are(&s, 1, "sent", "sent");
	stats_are(&s, 2, 0);
	scene_close(&s);
}


START_TEST(server_away_udp)
{
	server_away(false);
}
END_TEST


START_TEST(server_away_tcp)
{
	server_away(true);
}
END_TEST


/* What was due when the softphone ended goes when it is back, and once */
static void softphone_away(bool killed)
{
	const struct scene_args args = {.optv = {"-f", "refuse=1000", NULL}};
	struct scene s;
	unsigned i;

	scene_open(&s, &args);
	for (i=0; i<5; i++)
		scene_leave(&s, "from=%s id=m%u text=%u", BOB, i, i);
	scene_start(&s);
	scene_delivered(&s, 5);
	for (i=0; i<5; i++)
		next_is(&s, "declined", "delivered");
	(void)ctrl_ask(s.c, "cpm_display", "1");
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 6,
			 E2E_WAIT);
	if (killed)
		baresip_kill(s.b);
	else
		ck_assert_int_eq(0, baresip_quit(s.b));

	pf_cmd(s.pf, "fault none");
	scene_restart(&s);
	for (i=0; i<6; i++)
		ck_assert_int_eq(0, pf_int(pf_event(s.pf, "imdn", E2E_WAIT),
					   "repeat"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	states_are(&s, 1, "sent", "sent");
	nothing_else(&s, "end");
	stats_are(&s, 7, 0);
	scene_close(&s);
}


START_TEST(softphone_quits)
{
	softphone_away(false);
}
END_TEST


START_TEST(softphone_killed)
{
	softphone_away(true);
}
END_TEST


void retry_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "retry", 60);

	tcase_add_test(tc, delivery_first);
	tcase_add_test(tc, backoff);
	tcase_add_test(tc, refused_for_good);
	tcase_add_test(tc, codes);
	tcase_add_loop_test(tc, challenged, 0, 2);
	tcase_add_test(tc, wrong_password);
	tcase_add_test(tc, server_away_udp);
	tcase_add_test(tc, server_away_tcp);
	tcase_add_test(tc, softphone_quits);
	tcase_add_test(tc, softphone_killed);
}
