/**
 * @file test_status.c  Notifications for messages of ours, whichever way
 *
 * RFC 5438; wire.md 3 and 6. Bob tells; Alice's messages were sent before.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "suite.h"
#include "scene.h"
#include "ours.h"


static const char multi[] = "multipart/mixed;boundary=b";


/* Alice, who has sent these */
static void begin(struct scene *s, const struct ours *v)
{
	scene_open(s, NULL);
	s->args.config = ours_db(s->env, v);
	scene_start(s);
}


/* It has moved, and that is told */
static void moved(struct scene *s, int64_t id, const char *status)
{
	const struct odict *o = ctrl_event(s->c, "status", E2E_WAIT);

	ck_assert_int_eq(id, j_int(o, "id"));
	ck_assert_str_eq(status, j_str(o, "status"));
	ck_assert(!j_has(o, "code"));
	o = ctrl_ask(s->c, "cpm_message", "%d", (int)id);
	ck_assert_str_eq("out", j_str(o, "direction"));
	ck_assert_str_eq(status, j_str(o, "status"));
	ck_assert(!j_has(o, "delivery"));
	ck_assert(!j_has(o, "display"));
}


/* Nothing else has come of it: no event, no message, nothing unread, nothing
   that would be notified back */
static void silent(struct scene *s, int64_t messages)
{
	const struct pf_event *ev;

	ck_assert_int_eq(messages, scene_count(s, "messages"));
	ck_assert_int_eq(0, scene_count(s, "unread"));
	ck_assert_int_eq(0, scene_count(s, "imdn_pending"));
	ck_assert_ptr_null(ctrl_try_event(s->c, "status", 1));
	ck_assert_ptr_null(ctrl_try_event(s->c, "message", 1));
	ev = pf_ask(s->pf, "stats");
	ck_assert_int_eq(0, pf_int(ev, "imdn"));
}


/* One notification that the PF keeps, by that way */
static void leave(struct scene *s, const char *from, const char *way,
		  const char *doc)
{
	scene_leave(s, "from=%s conv=c1 ask=none way=%s type=message/imdn+xml"
		    " disp=notification body=%s", from, way,
		    ours_encode(s->env, doc));
	scene_empty(s);
}


static void told(struct scene *s, const char *id, const char *kind,
		 const char *status)
{
	leave(s, BOB, "session", ours_imdn(s->env, id, kind, status));
}


/* In a delivery, an INVITE, a MESSAGE: each the same */
START_TEST(ways)
{
	static const char *const wayv[] = {
		"session", "large", "inline", "all", "page",
	};
	static const struct ours ourv[] = {
		{"o1", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{"o2", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{"o3", BOB, "c1", CPM_CHAT, CPM_OUT_SENDING},
		{"o4", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{"o5", BOB, "c2", CPM_CHAT, CPM_OUT_FAILED},
		{NULL, NULL, NULL, CPM_CHAT, CPM_OUT_NONE},
	};
	struct scene s;
	unsigned i;

	begin(&s, ourv);
	for (i=0; i<ARRAY_SIZE(wayv); i++) {
		leave(&s, BOB, wayv[i], ours_imdn(s.env, ourv[i].id,
						  "delivery", "delivered"));
		moved(&s, i + 1, "delivered");
	}
	silent(&s, 5);

	/* and it lasts */
	ck_assert_int_eq(0, baresip_quit(s.b));
	scene_restart(&s);
	told(&s, "o1", "display", "displayed");
	moved(&s, 1, "displayed");
	ck_assert_str_eq("delivered", j_str(ctrl_ask(s.c, "cpm_message", "5"),
					    "status"));
	scene_close(&s);
}
END_TEST


/* In an ordinary session, between what is said in it; several in one. The
   store has moved when it is acknowledged: the plug is pulled then */
START_TEST(ordinary)
{
	static const struct ours ourv[] = {
		{"o1", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{"o2", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{"o3", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{NULL, NULL, NULL, CPM_CHAT, CPM_OUT_NONE},
	};
	const struct pf_event *ev;
	const char *body, *type = "Content-Type: message/imdn+xml\r\n"
		"Content-Disposition: notification\r\n\r\n";
	struct scene s;

	begin(&s, ourv);
	pf_cmd(s.pf, "chat to=%s from=%s conv=c1", ALICE, BOB);
	(void)pf_event(s.pf, "established", E2E_WAIT);
	pf_cmd(s.pf, "say to=%s text=Hello", ALICE);
	ck_assert_int_eq(200, pf_int(pf_event(s.pf, "answered", E2E_WAIT),
				     "code"));
	(void)ctrl_event(s.c, "message", E2E_WAIT);
	body = env_str(s.env, "--b\r\n%s%s\r\n--b\r\n%s%s\r\n--b\r\n%s%s\r\n"
		       "--b--\r\n", type,
		       ours_imdn(s.env, "o1", "delivery", "delivered"), type,
		       ours_imdn(s.env, "not ours", "display", "displayed"),
		       type, ours_imdn(s.env, "o2", "display", "displayed"));
	pf_cmd(s.pf, "say to=%s type=%s body=%s", ALICE, multi,
	       ours_encode(s.env, body));
	ck_assert_int_eq(200, pf_int(pf_event(s.pf, "answered", E2E_WAIT),
				     "code"));
	moved(&s, 1, "delivered");
	moved(&s, 2, "displayed");

	pf_cmd(s.pf, "say to=%s type=message/imdn+xml body=%s", ALICE,
	       ours_encode(s.env, ours_imdn(s.env, "o3", "delivery",
					    "delivered")));
	ev = pf_event(s.pf, "answered", E2E_WAIT);
	baresip_kill(s.b);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	scene_restart(&s);
	ck_assert_str_eq("delivered", j_str(ctrl_ask(s.c, "cpm_message", "3"),
					    "status"));
	ck_assert_int_eq(4, scene_count(&s, "messages"));
	ck_assert_int_eq(1, scene_count(&s, "unread"));
	scene_close(&s);
}
END_TEST


static void stays(struct scene *s, int64_t id, const char *status)
{
	ck_assert_str_eq(status, j_str(ctrl_ask(s->c, "cpm_message", "%d",
						(int)id), "status"));
}


/* Never back, and nobody but the recipient; all of it is acknowledged */
START_TEST(moves)
{
	static const struct ours ourv[] = {
		{"o1", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{"o2", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{"o3", "sip:room@cpm.test", "g1", CPM_GROUP, CPM_OUT_SENT},
		{NULL, NULL, NULL, CPM_CHAT, CPM_OUT_NONE},
	};
	const struct odict *o;
	struct scene s;

	begin(&s, ourv);
	leave(&s, CAROL, "session",
	      ours_imdn(s.env, "o1", "display", "displayed"));
	told(&s, "o9", "delivery", "delivered");
	told(&s, "o1", "processing", "stored");
	told(&s, "o1", "display", "forbidden");
	silent(&s, 3);
	stays(&s, 1, "sent");

	told(&s, "o1", "display", "displayed");
	moved(&s, 1, "displayed");
	told(&s, "o1", "delivery", "delivered");
	told(&s, "o1", "delivery", "failed");
	told(&s, "o1", "display", "displayed");
	silent(&s, 3);
	stays(&s, 1, "displayed");

	told(&s, "o2", "delivery", "forbidden");
	moved(&s, 2, "failed");
	o = ctrl_ask(s.c, "cpm_message", "2");
	ck_assert_str_eq("forbidden", j_str(o, "reason"));
	/* whoever says so has it */
	told(&s, "o2", "delivery", "delivered");
	moved(&s, 2, "delivered");
	ck_assert(!j_has(ctrl_ask(s.c, "cpm_message", "2"), "reason"));

	/* any member of a group */
	leave(&s, CAROL, "session",
	      ours_imdn(s.env, "o3", "delivery", "delivered"));
	moved(&s, 3, "delivered");
	silent(&s, 3);
	scene_close(&s);
}
END_TEST


static void refused(struct scene *s, const char *type, const char *body,
		    int code)
{
	pf_cmd(s->pf, "say to=%s type=%s body=%s", ALICE, type,
	       ours_encode(s->env, body));
	ck_assert_int_eq(code, pf_int(pf_event(s->pf, "answered", E2E_WAIT),
				      "code"));
}


/* What nobody can read is refused as such; the session goes on */
START_TEST(unreadable)
{
	static const struct ours ourv[] = {
		{"o1", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{"o2", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{NULL, NULL, NULL, CPM_CHAT, CPM_OUT_NONE},
	};
	struct scene s;

	begin(&s, ourv);
	pf_cmd(s.pf, "chat to=%s from=%s conv=c1", ALICE, BOB);
	(void)pf_event(s.pf, "established", E2E_WAIT);
	refused(&s, "message/imdn+xml", "<imdn>", 400);
	refused(&s, "message/imdn+xml", "<!DOCTYPE imdn [<!ENTITY a \"b\">]>"
		"<imdn><message-id>&a;</message-id></imdn>", 400);
	refused(&s, multi, "--b\r\nContent-Type: message/imdn+xml\r\n\r\n"
		"<imdn\r\n--b--\r\n", 400);
	silent(&s, 2);
	refused(&s, "Message/IMDN+xml;charset=UTF-8",
		ours_imdn(s.env, "o1", "delivery", "delivered"), 200);
	moved(&s, 1, "delivered");
	/* as some write it */
	refused(&s, "message/imdn",
		ours_imdn(s.env, "o2", "display", "displayed"), 200);
	moved(&s, 2, "displayed");
	silent(&s, 2);
	pf_cmd(s.pf, "bye to=%s", ALICE);
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	scene_close(&s);
}
END_TEST


Suite *status_suite(void)
{
	Suite *suite = suite_create("status");
	TCase *tc = suite_case(suite, "status", 60);

	tcase_add_test(tc, ways);
	tcase_add_test(tc, ordinary);
	tcase_add_test(tc, moves);
	tcase_add_test(tc, unreadable);
	group_cases(suite);

	return suite;
}
