/**
 * @file test_composing.c  Who is writing, both ways (RFC 3994; wire.md 8)
 *
 * In ordinary sessions only. The states and their times: test/unit/composing.c
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include "suite.h"
#include "scene.h"


/* An ordinary session from Bob, with one message, so that there is a
   conversation. @return Its number */
static int64_t chat(struct scene *s, const char *more)
{
	const struct pf_event *ev;
	const struct odict *o;
	int64_t conv;

	pf_cmd(s->pf, "chat to=%s from=%s conv=c1 %s", ALICE, BOB, more);
	ev = pf_event(s->pf, "answer", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	ck_assert_str_eq("sendrecv", pf_str(ev, "dir"));
	(void)pf_event(s->pf, "established", E2E_WAIT);
	pf_cmd(s->pf, "say to=%s text=Hello", ALICE);
	ev = pf_event(s->pf, "answered", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	o = ctrl_event(s->c, "message", E2E_WAIT);
	conv = j_int(o, "conversation");
	ck_assert(!j_bool(o, "deferred"));

	return conv;
}


static void bye(struct scene *s)
{
	pf_cmd(s->pf, "bye to=%s", ALICE);
	(void)pf_event(s->pf, "ended", E2E_WAIT);
	(void)ctrl_until(s->c, "cpm_status", NULL, "sessions", 0, E2E_WAIT);
	ck_assert(!pf_try_event(s->pf, "error", NULL, NULL, 1));
}


static void composing(struct scene *s, const char *args, int code)
{
	const struct pf_event *ev;

	pf_cmd(s->pf, "composing to=%s %s", ALICE, args);
	ev = pf_event(s->pf, "answered", E2E_WAIT);
	ck_assert_str_eq("composing", pf_str(ev, "kind"));
	ck_assert_int_eq(code, pf_int(ev, "code"));
}


static void told(struct scene *s, int64_t conv, const char *state)
{
	const struct odict *o = ctrl_event(s->c, "composing", E2E_WAIT);

	ck_assert_str_eq(state, j_str(o, "state"));
	ck_assert_int_eq(conv, j_int(o, "conversation"));
	ck_assert_int_gt(j_int(o, "session"), 0);
}


/* Nothing more was told than what was asked for */
static void told_all(struct scene *s)
{
	(void)ctrl_ask(s->c, "cpm_status", NULL);
	ck_assert_ptr_null(ctrl_try_event(s->c, "composing", 1));
}


/* Ours: said once, and idle by itself 15 s after the last word */
static void ours(struct scene *s, int64_t conv, const char *state, bool sent)
{
	const struct odict *o = ctrl_ask(s->c, "cpm_composing",
		"{\"conversation\":%d,\"state\":\"%s\"}", (int)conv, state);

	ck_assert_int_eq(conv, j_int(o, "conversation"));
	ck_assert_str_eq(state, j_str(o, "state"));
	ck_assert_int_eq(sent, j_bool(o, "sent"));
	ck_assert_int_eq(!sent, j_has(o, "why"));
}


static void theirs(struct scene *s, bool bare, const char *state)
{
	const struct pf_event *ev = pf_event(s->pf, "said", 2 * E2E_WAIT);
	static const char type[] = "application/im-iscomposing+xml";

	ck_assert_str_eq(bare ? type : "message/cpim", pf_str(ev, "type"));
	ck_assert_str_eq(bare ? "" : type, pf_str(ev, "inner"));
	ck_assert_str_eq(state, pf_str(ev, "state"));
	ck_assert_str_eq(strcmp(state, "active") ? "" : "90",
			 pf_str(ev, "refresh"));
}


/* Bare, or in CPIM */
static const char *const formv[] = {"", "wrap=yes"};


START_TEST(incoming)
{
	const char *form = formv[_i];
	struct scene s;
	char args[64];
	int64_t conv;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, "");
	told_all(&s);

	snprintf(args, sizeof(args), "state=active refresh=60 %s", form);
	composing(&s, args, 200);
	told(&s, conv, "active");
	/* the same again is no news */
	composing(&s, args, 200);
	told_all(&s);
	snprintf(args, sizeof(args), "state=idle %s", form);
	composing(&s, args, 200);
	told(&s, conv, "idle");
	composing(&s, args, 200);
	told_all(&s);

	/* nothing of it is kept, or notified */
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	ck_assert_int_eq(1, scene_count(&s, "unread"));
	bye(&s);
	told_all(&s);
	scene_close(&s);
}
END_TEST


/* A message says that its writer has written it */
START_TEST(content)
{
	struct scene s;
	int64_t conv;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, "");
	composing(&s, "state=active", 200);
	told(&s, conv, "active");
	pf_cmd(s.pf, "say to=%s text=here it is", ALICE);
	(void)pf_event(s.pf, "answered", E2E_WAIT);
	told(&s, conv, "idle");
	(void)ctrl_event(s.c, "message", E2E_WAIT);
	composing(&s, "state=active", 200);
	told(&s, conv, "active");
	/* the end of the session says so, too */
	bye(&s);
	told(&s, conv, "idle");
	told_all(&s);
	ck_assert_int_eq(2, scene_count(&s, "messages"));
	scene_close(&s);
}
END_TEST


/* Nobody writes for ever: the state that is not told again ends by itself */
START_TEST(refresh)
{
	struct scene s;
	int64_t conv;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, "");
	composing(&s, "state=active refresh=1", 200);
	told(&s, conv, "active");
	told(&s, conv, "idle");
	/* told again in time, which is at once: for long now */
	pf_cmd(s.pf, "composing to=%s state=active refresh=1", ALICE);
	composing(&s, "state=active refresh=600", 200);
	(void)pf_event(s.pf, "answered", E2E_WAIT);
	told(&s, conv, "active");
	e2e_sleep(1500);
	told_all(&s);
	bye(&s);
	told(&s, conv, "idle");
	scene_close(&s);
}
END_TEST


/* Before there is a conversation the session says who; what cannot be read is
   refused, and the session goes on */
START_TEST(first)
{
	static const char *const badv[] = {
		"say to=%s type=application/im-iscomposing+xml bare=yes "
			"text=nonsense",
		"say to=%s type=application/im-iscomposing+xml "
			"text=<isComposing/>",
	};
	const struct pf_event *ev;
	const struct odict *o;
	struct scene s;
	size_t i;

	scene_open(&s, NULL);
	scene_start(&s);
	pf_cmd(s.pf, "chat to=%s from=%s conv=c1", ALICE, BOB);
	(void)pf_event(s.pf, "established", E2E_WAIT);
	composing(&s, "state=active", 200);
	o = ctrl_event(s.c, "composing", E2E_WAIT);
	ck_assert_str_eq("active", j_str(o, "state"));
	ck_assert(!j_has(o, "conversation"));
	i = (size_t)j_int(o, "session");
	o = ctrl_ask(s.c, "cpm_sessions", NULL);
	ck_assert_int_eq((int64_t)i, j_int(o, "sessions.0.session"));
	ck_assert_str_eq(BOB, j_str(o, "sessions.0.peer"));
	ck_assert(!j_bool(o, "sessions.0.deferred"));

	for (i=0; i<ARRAY_SIZE(badv); i++) {
		pf_cmd(s.pf, badv[i], ALICE);
		ev = pf_event(s.pf, "answered", E2E_WAIT);
		ck_assert_int_eq(400, pf_int(ev, "code"));
	}
	pf_cmd(s.pf, "say to=%s type=text/plain bare=yes text=x", ALICE);
	ev = pf_event(s.pf, "answered", E2E_WAIT);
	ck_assert_int_eq(415, pf_int(ev, "code"));
	composing(&s, "state=idle", 200);
	o = ctrl_event(s.c, "composing", E2E_WAIT);
	ck_assert_str_eq("idle", j_str(o, "state"));
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	bye(&s);
	scene_close(&s);
}
END_TEST


/* A new session in a conversation that is there: its number is told before
   anything is said, and is enough to answer */
START_TEST(known)
{
	struct scene s;
	int64_t conv;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, "");
	bye(&s);
	pf_cmd(s.pf, "chat to=%s from=%s conv=c1", ALICE, BOB);
	(void)pf_event(s.pf, "established", E2E_WAIT);
	ours(&s, conv, "active", true);
	theirs(&s, true, "active");
	composing(&s, "state=active", 200);
	told(&s, conv, "active");
	bye(&s);
	told(&s, conv, "idle");
	/* nor is it mixed up with another one */
	pf_cmd(s.pf, "chat to=%s from=%s conv=c2", ALICE, BOB);
	(void)pf_event(s.pf, "established", E2E_WAIT);
	scene_refused(&s, "cpm_composing", env_str(s.env, "%d", (int)conv),
		      "ENOTCONN", "no session");
	bye(&s);
	scene_close(&s);
}
END_TEST


/* A peer that cannot make up its mind: the last word counts */
START_TEST(flood)
{
	enum { N = 60, TELL = 200 };
	const uint64_t start = e2e_now();
	const struct odict *o;
	struct scene s;
	int64_t conv;
	unsigned i, n = 0;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, "");
	for (i=0; i<N; i++)
		pf_cmd(s.pf, "composing to=%s state=%s", ALICE,
		       i % 2 ? "idle" : "active");
	for (i=0; i<N; i++)
		(void)pf_event(s.pf, "answered", E2E_WAIT);
	pf_cmd(s.pf, "composing to=%s state=active", ALICE);
	(void)pf_event(s.pf, "answered", E2E_WAIT);
	e2e_sleep(2 * TELL);
	/* a softphone that was held up reads this first and looks at its
	   timers then */
	for (i=0; i<2; i++)
		(void)ctrl_ask(s.c, "cpm_status", NULL);
	for (; (o = ctrl_try_event(s.c, "composing", 1)); n++)
		ck_assert_str_eq(n % 2 ? "idle" : "active",
				 j_str(o, "state"));
	ck_assert_uint_eq(1, n % 2);
	ck_assert_uint_le(n, 1 + (e2e_now() - start) / TELL);
	bye(&s);
	told(&s, conv, "idle");
	scene_close(&s);
}
END_TEST


/* What was kept is stale: taken and forgotten, even when it is none; and
   nothing is sent on a delivery */
START_TEST(delivery)
{
	const struct pf_event *ev;
	struct scene s;
	const char *prm;

	scene_open(&s, &(struct scene_args){.optv = {"-f", "nobye"}});
	scene_start(&s);
	scene_leave(&s, "from=%s text=one", BOB);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	composing(&s, "state=active", 200);
	composing(&s, "state=active wrap=yes", 200);
	pf_cmd(s.pf, "say to=%s type=application/im-iscomposing+xml bare=yes "
	       "text=nonsense", ALICE);
	ev = pf_event(s.pf, "answered", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	told_all(&s);
	ck_assert_int_eq(1, scene_count(&s, "messages"));

	prm = env_str(s.env, "%d", (int)j_int(ctrl_event(s.c, "message",
							 E2E_WAIT),
					      "conversation"));
	scene_refused(&s, "cpm_composing", prm, "EPROTO", "delivery");
	bye(&s);
	scene_refused(&s, "cpm_composing", prm, "ENOTCONN", "no session");
	scene_close(&s);
}
END_TEST


static const struct {
	const char *args;
	bool bare;
} takev[] = {
	{"", true},
	{"types=message/cpim wrapped=application/im-iscomposing%2Bxml", false},
};


START_TEST(outgoing)
{
	const bool bare = takev[_i].bare;
	struct scene s;
	int64_t conv;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, takev[_i].args);
	ours(&s, conv, "idle", false);
	ours(&s, conv, "active", true);
	theirs(&s, bare, "active");
	ours(&s, conv, "active", false);
	ours(&s, conv, "idle", true);
	theirs(&s, bare, "idle");
	ours(&s, conv, "idle", false);

	/* words by position; without being told again it ends */
	(void)ctrl_ask(s.c, "cpm_composing", "%d", (int)conv);
	theirs(&s, bare, "active");
	theirs(&s, bare, "idle");
	ours(&s, conv, "active", true);
	theirs(&s, bare, "active");
	bye(&s);
	ck_assert(!pf_try_event(s.pf, "said", NULL, NULL, 1));
	scene_close(&s);
}
END_TEST


/* Not to one who did not say that he takes it */
START_TEST(not_taken)
{
	const struct odict *o;
	struct scene s;
	int64_t conv;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, "types=message/cpim wrapped=text/plain");
	o = ctrl_ask(s.c, "cpm_composing", "%d", (int)conv);
	ck_assert(!j_bool(o, "sent"));
	ck_assert_ptr_nonnull(strstr(j_str(o, "why"), "does not take"));
	pf_cmd(s.pf, "say to=%s text=again", ALICE);
	(void)pf_event(s.pf, "answered", E2E_WAIT);
	bye(&s);
	ck_assert(!pf_try_event(s.pf, "said", NULL, NULL, 1));
	scene_close(&s);
}
END_TEST


/* He said it and does not: he is not asked again */
START_TEST(refused)
{
	struct scene s;
	int64_t conv;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, "refuse=415");
	ours(&s, conv, "active", true);
	theirs(&s, true, "active");
	pf_cmd(s.pf, "say to=%s text=again", ALICE);
	(void)pf_event(s.pf, "answered", E2E_WAIT);
	ours(&s, conv, "idle", false);
	ours(&s, conv, "active", false);
	bye(&s);
	ck_assert(!pf_try_event(s.pf, "said", NULL, NULL, 1));
	scene_close(&s);
}
END_TEST


/* RFC 3264, 6.1 and 8.4: what the two agreed on last holds */
START_TEST(direction)
{
	static const char *const wayv[][2] = {
		{"sendonly", "recvonly"}, {"inactive", "inactive"},
		{"recvonly", "sendonly"}, {"sendrecv", "sendrecv"},
	};
	const struct pf_event *ev;
	const struct odict *o;
	struct scene s;
	int64_t conv;
	size_t i;

	scene_open(&s, NULL);
	scene_start(&s);
	conv = chat(&s, "");
	for (i=0; i<ARRAY_SIZE(wayv); i++) {
		const bool may = i >= 2;

		pf_cmd(s.pf, "dir to=%s way=%s", ALICE, wayv[i][0]);
		ev = pf_event_kv(s.pf, "answer", "for", "reinvite", E2E_WAIT);
		ck_assert_int_eq(200, pf_int(ev, "code"));
		ck_assert_str_eq(wayv[i][1], pf_str(ev, "dir"));
		o = ctrl_ask(s.c, "cpm_composing", "%d", (int)conv);
		ck_assert_int_eq(may, j_bool(o, "sent"));
		if (!may) {
			ck_assert_ptr_nonnull(strstr(j_str(o, "why"),
						     "only receives"));
			continue;
		}
		theirs(&s, true, "active");
		ours(&s, conv, "idle", true);
		theirs(&s, true, "idle");
	}
	bye(&s);
	ck_assert(!pf_try_event(s.pf, "said", NULL, NULL, 1));
	scene_close(&s);
}
END_TEST


START_TEST(wrong)
{
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	scene_refused(&s, "cpm_composing", "17", "ENOENT",
		      "no conversation 17");
	scene_refused(&s, "cpm_composing", NULL, "EINVAL", "missing");
	scene_refused(&s, "cpm_composing", "{\"state\":\"idle\"}", "EINVAL",
		      "\"conversation\" is needed");
	scene_refused(&s, "cpm_composing",
		      "{\"conversation\":1,\"state\":\"dancing\"}", "EINVAL",
		      "must be active or idle");
	scene_refused(&s, "cpm_composing", "{\"what\":1}", "EINVAL", "what");
	scene_close(&s);
}
END_TEST


Suite *composing_suite(void)
{
	Suite *suite = suite_create("composing");
	TCase *tc = suite_case(suite, "incoming", 60);

	tcase_add_loop_test(tc, incoming, 0, ARRAY_SIZE(formv));
	tcase_add_test(tc, content);
	tcase_add_test(tc, refresh);
	tcase_add_test(tc, first);
	tcase_add_test(tc, known);
	tcase_add_test(tc, flood);
	tcase_add_test(tc, delivery);
	tcase_add_test(tc, wrong);

	tc = suite_case(suite, "outgoing", 60);
	tcase_add_loop_test(tc, outgoing, 0, ARRAY_SIZE(takev));
	tcase_add_test(tc, not_taken);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, direction);

	return suite;
}
