/**
 * @file test_group.c  Through Kamailio: groups, notifications that were kept,
 *                     and both among other things in one session
 *
 * wire.md 3, 6.4 and 13.1; OMA CPM Conversation Functions, 8.3.2.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include "suite.h"
#include "scene.h"
#include "ours.h"


#define ROOM "sip:room@" DOMAIN

static const struct ours ourv[] = {
	{"o1", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
	{"o2", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
	{"o3", ROOM, "g1", CPM_GROUP, CPM_OUT_SENT},
	{NULL, NULL, NULL, CPM_CHAT, CPM_OUT_NONE},
};


/* PF and core; Alice is away */
static struct core *away(struct scene *s)
{
	const char *argv[] = {"-D", DOMAIN, "-l", "127.0.0.1:0", "-c", NULL,
			      NULL};
	struct core *core;

	memset(s, 0, sizeof(*s));
	s->env = env_open();
	core = core_alloc(s->env, DOMAIN, false);
	argv[5] = core->uri;
	s->pf = pf_start(s->env, argv);
	core_run(core, "alice:secret", s->pf);

	return core;
}


/* Here she is, and has sent these */
static void arrive(struct scene *s, const struct core *core)
{
	struct baresip_args args = {.name = "alice"};

	args.config = ours_db(s->env, ourv);
	args.accounts = baresip_account(s->env, "alice", DOMAIN, env_str(
		s->env, "%s;transport=udp", core->uri), NULL);
	s->b = baresip_start(s->env, &args);
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
	(void)pf_event(s->pf, "registered", E2E_WAIT);
}


static struct core *begin(struct scene *s)
{
	struct core *core = away(s);

	pf_cmd(s->pf, "auto off");
	arrive(s, core);

	return core;
}


static void notice(struct scene *s, const char *more, const char *id,
		   const char *kind, const char *status)
{
	scene_leave(s, "%s ask=none type=message/imdn+xml disp=notification "
		    "body=%s", more, ours_encode(s->env,
		    ours_imdn(s->env, id, kind, status)));
}


/* All that is kept now, in one session; each message is acknowledged */
static void deliver(struct scene *s, unsigned count)
{
	const struct pf_event *ev;
	unsigned i;

	pf_cmd(s->pf, "deliver to=%s", ALICE);
	for (i=0; i<count; i++) {
		ev = pf_event(s->pf, "delivered", E2E_WAIT);
		ck_assert_int_eq(200, pf_int(ev, "code"));
	}
	ev = pf_event(s->pf, "ended", E2E_WAIT);
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	ck_assert_int_eq(count, pf_int(ev, "delivered"));
}


static void moved(struct scene *s, int64_t id, const char *status)
{
	const struct odict *o = ctrl_event(s->c, "status", E2E_WAIT);

	ck_assert_int_eq(id, j_int(o, "id"));
	ck_assert_str_eq(status, j_str(o, "status"));
	ck_assert_str_eq(status, j_str(ctrl_ask(s->c, "cpm_message", "%d",
						(int)id), "status"));
}


/* Bob's notifications come while Alice is away; the server keeps them and
   delivers nothing but them: no message, nothing unread, nobody is told */
START_TEST(notices)
{
	const struct pf_event *ev;
	const struct odict *o;
	struct core *core;
	struct scene s;

	core = away(&s);
	pf_cmd(s.pf, "report to=%s from=%s id=o1 status=delivered conv=c1",
	       ALICE, BOB);
	(void)pf_event(s.pf, "stored", E2E_WAIT);
	pf_cmd(s.pf, "report to=%s from=%s id=o2 status=displayed conv=c1",
	       ALICE, BOB);
	(void)pf_event(s.pf, "stored", E2E_WAIT);
	arrive(&s, core);
	moved(&s, 1, "delivered");
	moved(&s, 2, "displayed");
	do {
		o = ctrl_event(s.c, "session", E2E_WAIT);
	} while (strcmp(j_str(o, "state"), "closed"));
	ck_assert_int_eq(0, j_int(o, "messages"));
	ck_assert(!j_has(o, "conversation"));
	ck_assert(j_bool(o, "deferred"));
	ck_assert_int_eq(3, scene_count(&s, "messages"));
	ck_assert_int_eq(0, scene_count(&s, "unread"));
	ck_assert_ptr_null(ctrl_try_event(s.c, "message", 1));
	ck_assert_ptr_null(ctrl_try_event(s.c, "status", 1));
	ev = pf_ask(s.pf, "stats");
	ck_assert_int_eq(0, pf_int(ev, "imdn"));
	scene_close(&s);
}
END_TEST


/* Text, a picture, a notification, somebody who writes: each as what it is */
START_TEST(mixed)
{
	struct wire_seen seen;
	const struct odict *o;
	struct core *core;
	struct scene s;
	struct wire *w;

	core = begin(&s);
	w = wire_start(s.env);
	scene_leave(&s, "from=%s conv=c1 id=m1 text=One", BOB);
	notice(&s, "from=" BOB " conv=c1", "o1", "display", "displayed");
	scene_leave(&s, "from=%s conv=c1 ask=none type=application/im-"
		    "iscomposing+xml text=<isComposing xmlns=\"urn:ietf:params"
		    ":xml:ns:im-iscomposing\"><state>active</state>"
		    "</isComposing>", BOB);
	scene_leave(&s, "from=%s conv=c1 id=m2 type=image/png size=300", BOB);
	deliver(&s, 4);
	moved(&s, 1, "displayed");
	o = ctrl_event(s.c, "message", E2E_WAIT);
	ck_assert(j_bool(o, "deferred"));
	o = ctrl_ask(s.c, "cpm_messages", NULL);
	ck_assert_uint_eq(5, j_count(o, "messages"));
	ck_assert_str_eq("One", j_str(j_at(o, "messages", 3), "text"));
	o = j_at(o, "messages", 4);
	ck_assert_str_eq("image/png", j_str(o, "type"));
	ck_assert_int_eq(300, j_int(o, "size"));
	ck_assert(j_has(o, "file"));
	ck_assert_int_eq(2, scene_count(&s, "unread"));
	(void)pf_event_kv(s.pf, "imdn", "id", "m1", E2E_WAIT);
	(void)pf_event_kv(s.pf, "imdn", "id", "m2", E2E_WAIT);
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ck_assert_int_eq(2, pf_int(pf_ask(s.pf, "stats"), "imdn"));
	ck_assert_ptr_null(ctrl_try_event(s.c, "composing", 1));
	ck_assert_int_eq(0, baresip_quit(s.b));
	ck_assert_int_eq(0, pf_quit(s.pf));
	wire_check(w, (const uint16_t[]){core->port, s.pf->sip_port,
					 s.b->sip_port, 0},
		   (const uint16_t[]){s.pf->msrp_port, 0}, &seen);
	ck_assert_uint_ge(seen.cpim, 6);
	ck_assert_uint_eq(0, seen.refused);
	env_close(s.env);
}
END_TEST


/* A message of the group: who wrote it, and whose it is */
static void check(struct scene *s, const char *id, const char *from,
		  const char *name, int64_t conv)
{
	const struct odict *o = ctrl_ask(s->c, "cpm_message", "%s", id);

	ck_assert_str_eq(from, j_str(o, "peer"));
	ck_assert_str_eq(name, j_str(o, "name"));
	ck_assert_int_eq(conv, j_int(o, "conversation"));
}


/* Members of a group write: one conversation, each is told himself, and what
   comes again is known whoever brings it */
START_TEST(group)
{
	const struct pf_event *ev;
	const struct odict *o;
	struct scene s;
	int64_t conv;

	(void)begin(&s);
	conv = j_int(ctrl_ask(s.c, "cpm_message", "3"), "conversation");
	scene_leave(&s, "from=%s name=Bob group=%s conv=g1 id=m1 text=Hi all",
		    BOB, ROOM);
	scene_leave(&s, "from=%s name=Carol group=%s conv=g1 id=m2 text=Hi",
		    CAROL, ROOM);
	notice(&s, "from=" CAROL " group=" ROOM " conv=g1", "o3", "delivery",
	       "delivered");
	deliver(&s, 3);
	moved(&s, 3, "delivered");
	check(&s, "4", BOB, "Bob", conv);
	check(&s, "5", CAROL, "Carol", conv);

	o = j_at(ctrl_ask(s.c, "cpm_conversations", NULL), "conversations",
		 0);
	ck_assert_int_eq(conv, j_int(o, "id"));
	ck_assert_str_eq("group", j_str(o, "kind"));
	ck_assert_str_eq(ROOM, j_str(o, "peer"));
	ck_assert_str_eq("g1", j_str(o, "conversation_id"));
	ck_assert_int_eq(3, j_int(o, "messages"));
	ev = pf_event_kv(s.pf, "imdn", "id", "m1", E2E_WAIT);
	ck_assert_str_eq(BOB, pf_str(ev, "to"));
	ev = pf_event_kv(s.pf, "imdn", "id", "m2", E2E_WAIT);
	ck_assert_str_eq(CAROL, pf_str(ev, "to"));

	scene_leave(&s, "from=%s group=%s conv=g1 id=m1 text=Hi all", BOB,
		    ROOM);
	deliver(&s, 1);
	ck_assert_int_eq(5, scene_count(&s, "messages"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ck_assert_int_eq(2, pf_int(pf_ask(s.pf, "stats"), "imdn"));
	scene_close(&s);
}
END_TEST


void group_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "group", 60);

	tcase_add_test(tc, notices);
	tcase_add_test(tc, mixed);
	tcase_add_test(tc, group);
}
