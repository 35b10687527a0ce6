/**
 * @file test_report.c  Notifications: who gets which, and how often
 *
 * What goes wrong: test_retry.c. Seed 7.3.12, 2; RFC 5438; wire.md 6 and 13.6.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "report.h"


void told(struct scene *s, const char *id, const char *status)
{
	const struct pf_event *ev = pf_event(s->pf, "imdn", E2E_WAIT);

	ck_assert_str_eq(id, pf_str(ev, "id"));
	ck_assert_str_eq(status, pf_str(ev, "status"));
	ck_assert_str_eq(ALICE, pf_str(ev, "from"));
	ck_assert_int_eq(0, pf_int(ev, "repeat"));
}


void nothing_else(struct scene *s, const char *id)
{
	scene_leave(s, "from=%s id=%s ask=positive-delivery text=.", CAROL,
		    id);
	told(s, id, "delivered");
	(void)ctrl_until(s->c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
}


void stats_are(struct scene *s, int64_t imdn, int64_t repeats)
{
	const struct pf_event *ev = pf_ask(s->pf, "stats");

	ck_assert_int_eq(imdn, pf_int(ev, "imdn"));
	ck_assert_int_eq(repeats, pf_int(ev, "repeats"));
	/* nor was there anything wrong with the documents */
	ck_assert_ptr_null(pf_try_event(s->pf, "error", NULL, NULL, 1));
}


void states_are(struct scene *s, int id, const char *delivery,
		const char *disp)
{
	const struct odict *m = ctrl_ask(s->c, "cpm_message", "%d", id);

	ck_assert_str_eq(delivery, j_str(m, "delivery"));
	ck_assert_str_eq(disp, j_str(m, "display"));
}


START_TEST(as_asked)
{
	struct scene s;
	const struct odict *o;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s id=both text=1", BOB);
	scene_leave(&s, "from=%s id=one ask=positive-delivery text=2", BOB);
	scene_leave(&s, "from=%s id=other ask=display text=3", BOB);
	scene_leave(&s, "from=%s id=none ask=none text=4", BOB);
	scene_leave(&s, "from=%s id=odd ask=negative-delivery,processing "
		    "text=5", BOB);
	scene_leave(&s, "from=%s id=hidden anon=yes text=6", BOB);
	scene_leave(&s, "from=sip:anonymous@anonymous.invalid id=nobody "
		    "anon=yes text=7");
	scene_start(&s);
	scene_delivered(&s, 7);

	/* whom the CPIM hides, Referred-By names */
	told(&s, "both", "delivered");
	told(&s, "one", "delivered");
	told(&s, "hidden", "delivered");
	nothing_else(&s, "end-1");
	states_are(&s, 1, "sent", "none");
	states_are(&s, 3, "none", "none");
	states_are(&s, 4, "none", "none");
	states_are(&s, 7, "none", "none");
	ck_assert(!j_has(ctrl_ask(s.c, "cpm_message", "7"), "peer"));
	ck_assert_str_eq(BOB, j_str(ctrl_ask(s.c, "cpm_message", "6"),
				    "peer"));

	o = ctrl_ask(s.c, "cpm_display", "{\"ids\":[1,2,3,4,5,6,7]}");
	ck_assert_int_eq(7, j_int(o, "displayed"));
	told(&s, "both", "displayed");
	told(&s, "other", "displayed");
	told(&s, "hidden", "displayed");
	nothing_else(&s, "end-2");
	states_are(&s, 1, "sent", "sent");
	states_are(&s, 2, "sent", "none");
	states_are(&s, 3, "none", "sent");
	states_are(&s, 7, "none", "none");
	stats_are(&s, 8, 0);
	scene_close(&s);
}
END_TEST


/* To the sender, of its message, by its session's ids, each its own */
START_TEST(content)
{
	const struct pf_event *ev, *ev2;
	const struct odict *m;
	struct scene s;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s id=Mixed.Case-1 conv=Conv-1 text=1", BOB);
	scene_leave(&s, "from=%s id=m2 conv=Conv-1 text=2", BOB);
	scene_start(&s);
	ev = pf_event(s.pf, "imdn", E2E_WAIT);
	ev2 = pf_event(s.pf, "imdn", E2E_WAIT);
	scene_delivered(&s, 2);

	m = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq("Mixed.Case-1", pf_str(ev, "id"));
	ck_assert_str_eq("delivered", pf_str(ev, "status"));
	ck_assert_str_eq(ALICE, pf_str(ev, "from"));
	ck_assert_str_eq(BOB, pf_str(ev, "to"));
	ck_assert_str_eq("Conv-1", pf_str(ev, "conv"));
	ck_assert_str_eq(j_str(m, "contribution_id"), pf_str(ev, "contrib"));
	ck_assert_str_ne("Mixed.Case-1", pf_str(ev, "imdnid"));
	ck_assert_uint_ge(strlen(pf_str(ev, "imdnid")), 16);
	ck_assert_str_ne(pf_str(ev, "imdnid"), pf_str(ev2, "imdnid"));
	ck_assert_str_ne(pf_str(ev, "callid"), pf_str(ev2, "callid"));
	ck_assert_str_eq("Conv-1", pf_str(ev2, "conv"));

	/* later ones still have the ids of the session that brought it */
	(void)ctrl_ask(s.c, "cpm_display", "1");
	ev2 = pf_event_kv(s.pf, "imdn", "status", "displayed", E2E_WAIT);
	ck_assert_str_eq("Mixed.Case-1", pf_str(ev2, "id"));
	ck_assert_str_eq("Conv-1", pf_str(ev2, "conv"));
	ck_assert_str_eq(pf_str(ev, "contrib"), pf_str(ev2, "contrib"));
	ck_assert_str_ne(pf_str(ev, "imdnid"), pf_str(ev2, "imdnid"));
	stats_are(&s, 3, 0);
	scene_close(&s);
}
END_TEST


START_TEST(display_once)
{
	struct scene s;
	int conv;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s id=a ask=display text=1", BOB);
	scene_leave(&s, "from=%s id=b ask=display text=2", BOB);
	scene_leave(&s, "from=%s id=c ask=display text=3", BOB);
	scene_start(&s);
	scene_delivered(&s, 3);
	conv = (int)j_int(ctrl_ask(s.c, "cpm_message", "1"), "conversation");

	/* nobody has read them: delivery alone is no reason */
	nothing_else(&s, "end-1");
	(void)ctrl_ask(s.c, "cpm_display", "1");
	(void)ctrl_ask(s.c, "cpm_display", "1");
	told(&s, "a", "displayed");
	(void)ctrl_ask(s.c, "cpm_display", "{\"ids\":[1,1]}");
	(void)ctrl_ask(s.c, "cpm_display", "c%d", conv);
	(void)ctrl_ask(s.c, "cpm_display", "c%d", conv);
	told(&s, "b", "displayed");
	told(&s, "c", "displayed");
	(void)ctrl_ask(s.c, "cpm_display", "2");
	nothing_else(&s, "end-2");
	stats_are(&s, 5, 0);
	scene_close(&s);
}
END_TEST


/* What came again was notified, and is not notified again */
START_TEST(again)
{
	const struct scene_args args = {.optv = {"-f", "dup", NULL}};
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	told(&s, "a", "delivered");
	pf_cmd(s.pf, "fault none");
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_delivered(&s, 1);
	nothing_else(&s, "end");
	stats_are(&s, 2, 0);
	scene_close(&s);
}
END_TEST


START_TEST(by_hand)
{
	const struct scene_args args = {.config = "cpm_delivery_imdn no\n"};
	const struct odict *o;
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_leave(&s, "from=%s id=b text=2", BOB);
	scene_leave(&s, "from=%s id=c ask=display text=3", BOB);
	scene_start(&s);
	scene_delivered(&s, 3);
	o = ctrl_ask(s.c, "cpm_status", NULL);
	ck_assert(!j_bool(o, "accounts.0.delivery_imdn"));
	ck_assert_int_eq(0, j_int(o, "imdn_pending"));
	states_are(&s, 1, "none", "none");

	/* the first that comes is the one that was asked for */
	o = ctrl_ask(s.c, "cpm_imdn", "2 delivered");
	ck_assert_str_eq("due", j_str(o, "state"));
	told(&s, "b", "delivered");
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	states_are(&s, 2, "sent", "none");
	scene_refused(&s, "cpm_imdn", "2 delivered", "EALREADY",
		      "message 2 has it already");
	scene_refused(&s, "cpm_imdn", "3 delivered", "EINVAL",
		      "did not ask");
	o = ctrl_ask(s.c, "cpm_imdn", "{\"id\":1,\"status\":\"displayed\"}");
	ck_assert_str_eq("due", j_str(o, "state"));
	told(&s, "a", "displayed");
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ck_assert(!j_bool(ctrl_ask(s.c, "cpm_message", "1"), "read"));

	/* the other kind is still automatic, and does not repeat that one */
	(void)ctrl_ask(s.c, "cpm_display", "{\"ids\":[1,2]}");
	told(&s, "b", "displayed");
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	stats_are(&s, 3, 0);
	scene_close(&s);
}
END_TEST


START_TEST(no_display)
{
	const struct scene_args args = {.config = "cpm_display_imdn no\n"};
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	told(&s, "a", "delivered");
	(void)ctrl_ask(s.c, "cpm_display", "1");
	(void)ctrl_until(s.c, "cpm_status", NULL, "unread", 0, E2E_WAIT);
	nothing_else(&s, "end");
	states_are(&s, 1, "sent", "none");
	stats_are(&s, 2, 0);
	scene_close(&s);
}
END_TEST


/* One sender is not told, before and after a restart; then again he is */
START_TEST(per_sender)
{
	struct scene s;
	unsigned i;

	scene_open(&s, NULL);
	scene_start(&s);
	(void)ctrl_ask(s.c, "cpm_policy", "{\"from\":\"%s\",\"delivery_imdn\""
		       ":false,\"display_imdn\":false}", BOB);
	for (i=1; i<=2; i++) {
		scene_leave(&s, "from=%s id=b%u text=.", BOB, i);
		scene_delivered(&s, 3 * i - 2);
		scene_leave(&s, "from=%s id=c%u text=.", CAROL, i);
		told(&s, env_str(s.env, "c%u", i), "delivered");
		(void)ctrl_ask(s.c, "cpm_display", "{\"ids\":[%u,%u]}",
			       3 * i - 2, 3 * i - 1);
		told(&s, env_str(s.env, "c%u", i), "displayed");
		nothing_else(&s, env_str(s.env, "end-%u", i));
		ck_assert_int_eq(0, baresip_quit(s.b));
		scene_restart(&s);
	}

	(void)ctrl_ask(s.c, "cpm_policy", "{\"from\":\"%s\",\"delivery_imdn\""
		       ":\"default\",\"display_imdn\":\"default\"}", BOB);
	scene_leave(&s, "from=%s id=b3 text=.", BOB);
	told(&s, "b3", "delivered");
	stats_are(&s, 7, 0);
	scene_close(&s);
}
END_TEST


Suite *report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *tc = suite_case(suite, "which", 60);

	tcase_add_test(tc, as_asked);
	tcase_add_test(tc, content);
	tcase_add_test(tc, display_once);
	tcase_add_test(tc, again);
	tcase_add_test(tc, by_hand);
	tcase_add_test(tc, no_display);
	tcase_add_test(tc, per_sender);

	retry_cases(suite);

	return suite;
}
