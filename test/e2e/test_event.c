/**
 * @file test_event.c  Events on the bus, and the sessions they speak of
 *
 * bus.md, Events; cpm_sessions, cpm_accept, cpm_decline, cpm_close.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include "suite.h"
#include "scene.h"


enum {
	EVENT_MAX = 255,      /* octets                                   */
	INTERVAL  = 50,       /* ms: 20 message events a second           */
	BACKLOG   = 300,
	CHATS     = 30,
};

struct seen {
	char name[16];
	const struct odict *o;
};


/* The next event of ours, of any name: as it must be for any program */
static struct seen next_event(struct scene *s)
{
	const struct odict *host = ctrl_host_event(s->c, "?", E2E_WAIT);
	const char *prm = j_str(host, "param");
	struct seen seen;
	int n = 0;

	ck_assert_uint_le(strlen(prm), EVENT_MAX);
	ck_assert_int_eq(1, sscanf(prm, "cpm,%15[a-z],%n", seen.name, &n));
	ck_assert_int_gt(n, 0);
	seen.o = env_keep(s->env, j_decode(prm + n, strlen(prm + n)));
	if (strcmp(seen.name, "error"))
		ck_assert_str_eq(ALICE, j_str(host, "accountaor"));

	return seen;
}


static void session_is(struct scene *s, const char *state, int64_t code,
		       int64_t messages)
{
	struct seen seen;

	do {
		seen = next_event(s);
	} while (strcmp(seen.name, "session"));

	ck_assert_str_eq(state, j_str(seen.o, "state"));
	ck_assert_int_gt(j_int(seen.o, "session"), 0);
	ck_assert(j_bool(seen.o, "deferred"));
	ck_assert_int_eq(messages, j_int(seen.o, "messages"));
	ck_assert_int_eq(code != 0, j_has(seen.o, "code"));
	if (code)
		ck_assert_int_eq(code, j_int(seen.o, "code"));
	ck_assert_int_eq(messages != 0, j_has(seen.o, "conversation"));
}


/* Nothing comes before there is somebody to see it. @return When */
static uint64_t start_watching(struct scene *s)
{
	uint64_t begin;

	scene_start(s);
	ctrl_skip(s->c);
	begin = e2e_now();
	pf_cmd(s->pf, "auto on");
	pf_cmd(s->pf, "deliver to=%s", ALICE);

	return begin;
}


START_TEST(in_order)
{
	struct scene s;
	struct seen ev;

	scene_open(&s, NULL);
	scene_start(&s);
	ctrl_skip(s.c);
	scene_leave(&s, "from=%s text=Hello", BOB);

	session_is(&s, "accepted", 0, 0);
	session_is(&s, "established", 0, 0);
	ev = next_event(&s);
	ck_assert_str_eq("message", ev.name);
	ck_assert_int_eq(1, j_int(ev.o, "conversation"));
	ck_assert_int_eq(1, j_int(ev.o, "first"));
	ck_assert_int_eq(1, j_int(ev.o, "last"));
	ck_assert_int_eq(1, j_int(ev.o, "count"));
	ck_assert(j_bool(ev.o, "deferred"));
	ck_assert_uint_eq(5, odict_count(ev.o, false));
	session_is(&s, "closed", 0, 1);

	ev.o = ctrl_ask(s.c, "cpm_display", "1");
	do {
		ev = next_event(&s);
		ck_assert_str_eq("imdn", ev.name);
		ck_assert_int_eq(1, j_int(ev.o, "id"));
		ck_assert_str_eq("sent", j_str(ev.o, "state"));
		ck_assert_int_eq(200, j_int(ev.o, "code"));
		ck_assert_uint_eq(4, odict_count(ev.o, false));
	} while (strcmp("displayed", j_str(ev.o, "status")));
	scene_close(&s);
}
END_TEST


START_TEST(asked)
{
	const struct scene_args args = {.config = "cpm_deferred ask\n"};
	const struct odict *o;
	struct scene s;
	int64_t id;

	scene_open(&s, &args);
	scene_start(&s);
	ctrl_skip(s.c);
	scene_leave(&s, "from=%s text=Hello", BOB);

	session_is(&s, "asking", 0, 0);
	o = ctrl_ask(s.c, "cpm_sessions", NULL);
	ck_assert_uint_eq(1, j_count(o, "sessions"));
	ck_assert_str_eq("asking", j_str(o, "sessions.0.state"));
	id = j_int(o, "sessions.0.session");
	o = ctrl_ask(s.c, "cpm_decline", "%d", (int)id);
	ck_assert_int_eq(id, j_int(o, "session"));
	ck_assert_str_eq("declined", j_str(o, "state"));
	session_is(&s, "declined", 480, 0);
	(void)pf_event_kv(s.pf, "answer", "code", "480", E2E_WAIT);

	pf_cmd(s.pf, "deliver to=%s", ALICE);
	session_is(&s, "asking", 0, 0);
	o = ctrl_ask(s.c, "cpm_accept", "{\"session\":%d}", (int)id + 1);
	ck_assert_int_eq(id + 1, j_int(o, "session"));
	ck_assert_str_eq("accepted", j_str(o, "state"));
	session_is(&s, "accepted", 0, 0);
	/* it may have ended by now: either way it does not ask any more */
	ck_assert(!ctrl_cmd(s.c, "cpm_accept", env_str(s.env, "%d",
						       (int)id + 1), &o));
	session_is(&s, "established", 0, 0);
	session_is(&s, "closed", 0, 1);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* One that lasts: what cpm_sessions says of it, and the end of it by us */
START_TEST(sessions)
{
	const struct scene_args args = {.optv = {"-f", "delay=200", NULL}};
	const struct pf_event *ev;
	const struct odict *o;
	struct scene s;
	unsigned i;

	scene_open(&s, &args);
	pf_cmd(s.pf, "auto off");
	for (i=0; i<30; i++)
		scene_leave(&s, "from=%s text=number %u", BOB, i);
	(void)start_watching(&s);
	(void)ctrl_event(s.c, "message", E2E_WAIT);

	o = ctrl_ask(s.c, "cpm_sessions", NULL);
	ck_assert_uint_eq(1, j_count(o, "sessions"));
	ck_assert_int_gt(j_int(o, "sessions.0.session"), 0);
	ck_assert_str_eq(ALICE, j_str(o, "sessions.0.account"));
	ck_assert_str_eq(BOB, j_str(o, "sessions.0.peer"));
	ck_assert_str_eq("in", j_str(o, "sessions.0.direction"));
	ck_assert(j_bool(o, "sessions.0.deferred"));
	ck_assert_str_eq("established", j_str(o, "sessions.0.state"));
	ck_assert_str_eq("tcp", j_str(o, "sessions.0.transport"));
	ck_assert_int_ge(j_int(o, "sessions.0.messages"), 1);
	ck_assert_int_ge(j_int(o, "sessions.0.bytes"), 100);
	ck_assert_int_eq(1, scene_count(&s, "sessions"));
	scene_refused(&s, "cpm_accept", env_str(s.env, "%d",
		      (int)j_int(o, "sessions.0.session")), "EPROTO",
		      "does not ask");

	o = ctrl_ask(s.c, "cpm_close", "%d",
		     (int)j_int(o, "sessions.0.session"));
	ck_assert_str_eq("closed", j_str(o, "state"));
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("client", pf_str(ev, "by"));
	ck_assert_int_eq(30, pf_int(ev, "delivered") + pf_int(ev, "left"));
	ck_assert_int_gt(pf_int(ev, "left"), 0);
	o = ctrl_ask(s.c, "cpm_sessions", NULL);
	ck_assert_uint_eq(0, j_count(o, "sessions"));
	/* what the PF counts as delivered is what is here, and the rest is
	   still there */
	ck_assert_int_eq(pf_int(ev, "delivered"),
			 scene_count(&s, "messages"));
	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 30);
	scene_close(&s);
}
END_TEST


/* @return events; their counts add up to total, and no id is missing */
static unsigned add_up(struct scene *s, unsigned total)
{
	unsigned n = 0, sum = 0;
	int64_t last = 0;

	while (sum < total) {
		const struct odict *o = ctrl_event(s->c, "message", E2E_WAIT);

		ck_assert_int_eq(last + 1, j_int(o, "first"));
		last = j_int(o, "last");
		ck_assert_int_eq(last - j_int(o, "first") + 1,
				 j_int(o, "count"));
		sum += (unsigned)j_int(o, "count");
		++n;
	}
	ck_assert_uint_eq(total, sum);

	return n;
}


START_TEST(backlog)
{
	const struct scene_args args = {.optv = {"-w", "32", NULL}};
	struct scene s;
	uint64_t begin;
	unsigned i, n;

	scene_open(&s, &args);
	pf_cmd(s.pf, "auto off");
	for (i=0; i<BACKLOG; i++)
		scene_leave(&s, "from=%s ask=none text=number %u", BOB, i);
	begin = start_watching(&s);
	n = add_up(&s, BACKLOG);
	ck_assert_uint_le(n, 2 + (e2e_now() - begin) / INTERVAL);
	ck_assert_uint_lt(n, BACKLOG);
	scene_delivered(&s, BACKLOG);
	ck_assert_ptr_null(ctrl_try_event(s.c, "message", 2 * INTERVAL));
	scene_close(&s);
}
END_TEST


/* More conversations than may speak at once: the rate holds all the same */
START_TEST(event_rate)
{
	bool seenv[CHATS + 1] = {false};
	uint64_t begin, t = 0;
	struct scene s;
	unsigned i;

	scene_open(&s, NULL);
	pf_cmd(s.pf, "auto off");
	for (i=0; i<CHATS; i++) {
		scene_leave(&s, "from=%s conv=c%u ask=none text=1", BOB, i);
		scene_leave(&s, "from=%s conv=c%u ask=none text=2", BOB, i);
	}
	begin = start_watching(&s);

	for (i=0; i<2 * CHATS; ) {
		const struct odict *o = ctrl_event(s.c, "message", E2E_WAIT);

		ck_assert_int_le(j_int(o, "count"), 2);
		i += (unsigned)j_int(o, "count");
		seenv[j_int(o, "conversation")] = true;
		t = e2e_now();
	}
	ck_assert_uint_eq(2 * CHATS, i);
	for (i=1; i<=CHATS; i++)
		ck_assert(seenv[i]);
	ck_assert_uint_ge(t - begin, (CHATS - 1) * INTERVAL * 9 / 10);
	scene_delivered(&s, 2 * CHATS);
	scene_close(&s);
}
END_TEST


static void file_limit(struct scene *s, rlim_t octets)
{
	const struct rlimit lim = {octets, RLIM_INFINITY};

	ck_assert_int_eq(0, prlimit(s->b->proc->pid, RLIMIT_FSIZE, &lim,
				    NULL));
}


/* No room: an event says so, and the server keeps what was not stored */
START_TEST(disk_full)
{
	struct scene s;
	struct seen ev;

	signal(SIGXFSZ, SIG_IGN);  /* inherited by what we start */
	scene_open(&s, NULL);
	scene_start(&s);
	file_limit(&s, 1000000);
	ctrl_skip(s.c);
	scene_leave(&s, "from=%s size=2000000", BOB);
	do {
		ev = next_event(&s);
	} while (strcmp(ev.name, "error"));
	ck_assert_str_eq("disk-full", j_str(ev.o, "what"));
	ck_assert_uint_gt(strlen(j_str(ev.o, "text")), 0);
	ck_assert_int_ne(200, pf_int(pf_event(s.pf, "delivered", E2E_WAIT),
				     "code"));
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_int_eq(1, pf_int(pf_ask(s.pf, "pending to=%s", ALICE),
				   "count"));
	ck_assert_int_eq(0, scene_count(&s, "messages"));

	/* somebody made room */
	file_limit(&s, RLIM_INFINITY);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 1);
	ck_assert_int_eq(2000000, j_int(ctrl_ask(s.c, "cpm_message", "1"),
					"size"));
	scene_close(&s);
}
END_TEST


void event_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "event", 60);

	tcase_add_test(tc, in_order);
	tcase_add_test(tc, asked);
	tcase_add_test(tc, sessions);
	tcase_add_test(tc, backlog);
	tcase_add_test(tc, event_rate);
	tcase_add_test(tc, disk_full);
}
