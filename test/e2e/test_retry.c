/**
 * @file test_retry.c  Notifications that are refused, or find nobody: kept
 *                     until a 2xx, across restarts, and sent once
 *
 * wire.md 6.1 and 13.6.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include "report.h"


enum {
	FIRST_GAP  = 700,     /* ms at least before the second try        */
	SECOND_GAP = 1400,    /* and before the third                     */
	BUSY       = 5000,    /* ms that a server says it is busy for     */
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
	uint64_t begin;

	scene_open(&s, &args);
	scene_start(&s);
	/* before the first one: what is seen late makes no gap smaller */
	begin = e2e_now();
	scene_leave(&s, "from=%s id=a text=1", BOB);
	next_is(&s, "declined", "delivered");
	states_are(&s, 1, "due", "none");
	ck_assert_int_eq(1, scene_count(&s, "imdn_pending"));
	next_is(&s, "declined", "delivered");
	ck_assert_uint_ge(e2e_now() - begin, FIRST_GAP);
	next_is(&s, "imdn", "delivered");
	ck_assert_uint_ge(e2e_now() - begin, FIRST_GAP + SECOND_GAP);

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


/* What was due when the softphone ended goes when it is back, and once. Five
   senders: of one, the first notification would hold up the others */
static void softphone_away(bool killed)
{
	const struct scene_args args = {.optv = {"-f", "refuse=1000", NULL}};
	struct scene s;
	unsigned i;

	scene_open(&s, &args);
	for (i=0; i<5; i++)
		scene_leave(&s, "from=sip:b%u@%s id=m%u text=%u", i, DOMAIN,
			    i, i);
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


/* The lines of the PF about a sender: "declined m1", "imdn m1" */
static void told_is(struct scene *s, const char *to, const char *word,
		    const char *id)
{
	const char *line = proc_line(s->pf->proc, env_str(
		s->env, "^(imdn|declined) .* to=%s( |$)", to), E2E_WAIT);

	ck_assert_msg(!strncmp(line, word, strlen(word)) &&
		      strstr(line, env_str(s->env, " id=%s ", id)),
		      "not %s %s: %s", word, id, line);
}


/* The server is busy in the middle of Bob's, and says for how long. His go on
   where they stood; Carol's were not held up */
START_TEST(busy_server)
{
	struct scene s;
	uint64_t begin, busy;
	unsigned i;

	scene_open(&s, NULL);
	busy = (uint64_t)BUSY * s.env->scale;
	scene_start(&s);
	for (i=0; i<2; i++)
		scene_leave(&s, "from=%s id=b%u text=.", BOB, i);
	for (i=0; i<2; i++)
		told_is(&s, BOB, "imdn", env_str(s.env, "b%u", i));
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);

	pf_cmd(s.pf, "fault refuse=1,503,%u",
	       (unsigned)busy / 1000);
	scene_leave(&s, "from=%s id=b2 text=.", BOB);
	told_is(&s, BOB, "declined", "b2");
	begin = e2e_now();
	for (i=3; i<6; i++)
		scene_leave(&s, "from=%s id=b%u text=.", BOB, i);
	for (i=0; i<3; i++) {
		scene_leave(&s, "from=%s id=c%u text=.", CAROL, i);
		told_is(&s, CAROL, "imdn", env_str(s.env, "c%u", i));
	}
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 4,
			 E2E_WAIT);
	ck_assert_uint_lt(e2e_now() - begin, busy);
	for (i=2; i<6; i++) {
		told_is(&s, BOB, "imdn", env_str(s.env, "b%u", i));
		ck_assert_uint_ge(e2e_now() - begin, busy - 100);
	}
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	stats_are(&s, 9, 0);
	scene_close(&s);
}
END_TEST


enum { PEERS = 20 };

/* Senders whose notification the PF has seen and ignored */
static unsigned ignored(struct pf *pf, bool seen[PEERS])
{
	const struct pf_event *ev;
	unsigned n = 0, i;

	while ((ev = pf_try_event(pf, "ignored", NULL, NULL, 300)) != NULL) {
		i = (unsigned)atoi(pf_str(ev, "id") + 1);
		ck_assert_uint_lt(i, PEERS);
		seen[i] = true;
	}
	for (i=0; i<PEERS; i++)
		n += seen[i];

	return n;
}


/* Two accounts with a server each. One of them answers no notification: it
   gets 16 at a time, and the other account does not notice */
START_TEST(two_accounts)
{
	const char *argv[] = {"-D", "mute.test", "-u", "dave:secret", "-f",
			      "silent", NULL};
	struct baresip_args args = {.name = "both"};
	bool seen[PEERS] = {false};
	struct scene s;
	struct pf *mute;
	unsigned i;

	scene_open(&s, NULL);
	mute = pf_start(s.env, argv);
	for (i=0; i<PEERS; i++) {
		pf_cmd(mute, "leave to=sip:dave@mute.test"
		       " from=sip:p%u@mute.test id=d%u text=.", i, i);
		(void)pf_event(mute, "kept", E2E_WAIT);
	}
	/* a second one of the first sender, which waits for the first */
	pf_cmd(mute, "leave to=sip:dave@mute.test from=sip:p0@mute.test"
	       " id=d99 text=.");
	(void)pf_event(mute, "kept", E2E_WAIT);

	args.accounts = env_str(s.env, "%s%s",
				baresip_account(s.env, "alice", DOMAIN,
						s.pf->sip, NULL),
				baresip_account(s.env, "dave", "mute.test",
						mute->sip, NULL));
	s.b = baresip_start(s.env, &args);
	s.c = s.b->ctrl;
	baresip_registered(s.b, E2E_WAIT);
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", PEERS + 1,
			 E2E_WAIT);
	for (i=0; i<30; i++) {
		scene_leave(&s, "from=%s id=a%u text=.", BOB, i);
		told(&s, env_str(s.env, "a%u", i), "delivered");
	}
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", PEERS + 1,
			 E2E_WAIT);
	ck_assert_uint_eq(16, ignored(mute, seen));
	stats_are(&s, 30, 0);

	/* it finds its voice: the rest goes, the second one last */
	pf_cmd(mute, "fault none");
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ck_assert_int_eq(PEERS + 1, pf_int(pf_ask(mute, "stats"), "imdn"));
	ck_assert_int_eq(0, pf_int(pf_ask(mute, "stats"), "repeats"));
	ck_assert_int_eq(0, baresip_quit(s.b));
	ck_assert_int_eq(0, pf_quit(mute));
	s.b = NULL;
	scene_close(&s);
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
	tcase_add_test(tc, busy_server);
	tcase_add_test(tc, two_accounts);
}
