/**
 * @file test_bus.c  The commands that show and change what is there
 *
 * bus.md, Commands. Errors: test_refuse.c; texts and files: test_body.c;
 * events: test_event.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>
#include "suite.h"
#include "scene.h"


#define FIRST "2021-03-04T05:06:07.089Z"
#define LATER "2021-03-04T06:06:08+01:00"  /* 5:06:08 */


static int64_t id_of(const struct odict *o, unsigned i)
{
	return j_int(j_at(o, "messages", i), "id");
}


START_TEST(status)
{
	struct scene s;
	const struct odict *o;
	static const char *const zerov[] = {
		"sessions", "conversations", "messages", "unread",
		"imdn_pending", "imdn_failed", "deferred",
	};
	size_t i;

	scene_open(&s, NULL);
	scene_start(&s);
	o = ctrl_ask(s.c, "cpm_status", NULL);
	ck_assert_uint_gt(strlen(j_str(o, "version")), 0);
	ck_assert_str_eq("baresip 1.0.0", j_str(o, "host"));
	ck_assert_str_eq(scene_file(&s, "cpm.db"), j_str(o, "db"));
	ck_assert_uint_eq(1, j_count(o, "accounts"));
	ck_assert_str_eq(ALICE, j_str(o, "accounts.0.aor"));
	ck_assert(j_bool(o, "accounts.0.registered"));
	ck_assert(j_bool(o, "accounts.0.tagged"));
	ck_assert_int_eq(0, j_int(o, "accounts.0.octets"));
	ck_assert_str_eq("accept", j_str(o, "accounts.0.deferred"));
	ck_assert(j_bool(o, "accounts.0.delivery_imdn"));
	ck_assert(j_bool(o, "accounts.0.display_imdn"));
	for (i=0; i<ARRAY_SIZE(zerov); i++)
		ck_assert_int_eq(0, j_int(o, zerov[i]));

	scene_leave(&s, "from=%s text=one", BOB);
	scene_leave(&s, "from=%s text=two", BOB);
	scene_leave(&s, "from=%s ask=none text=three", CAROL);
	scene_delivered(&s, 3);
	(void)pf_event(s.pf, "imdn", E2E_WAIT);
	(void)pf_event(s.pf, "imdn", E2E_WAIT);
	o = ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0, E2E_WAIT);
	ck_assert_int_eq(2, j_int(o, "conversations"));
	ck_assert_int_eq(3, j_int(o, "messages"));
	ck_assert_int_eq(3 + 3 + 5, j_int(o, "accounts.0.octets"));
	ck_assert_int_eq(3, j_int(o, "unread"));
	ck_assert_int_eq(0, j_int(o, "imdn_failed"));
	ck_assert_int_eq(0, j_int(o, "sessions"));
	scene_close(&s);
}
END_TEST


START_TEST(conversations)
{
	struct scene s;
	const struct odict *o, *cv;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s name=Bob conv=conv-of-bob date=%s text=a",
		    BOB, FIRST);
	scene_leave(&s, "from=%s name=Carol conv=CONV-of-Carol text=b",
		    CAROL);
	scene_leave(&s, "from=sip:dave@%s text=c", DOMAIN);
	scene_start(&s);
	scene_delivered(&s, 3);
	scene_leave(&s, "from=%s name=Robert conv=conv-of-bob date=%s "
		    "text=newest", BOB, LATER);
	scene_delivered(&s, 4);

	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	ck_assert_uint_eq(3, j_count(o, "conversations"));
	ck_assert(!j_bool(o, "more"));
	cv = j_at(o, "conversations", 0);
	ck_assert_int_gt(j_int(cv, "id"), 0);
	ck_assert_str_eq(ALICE, j_str(cv, "account"));
	ck_assert_str_eq("chat", j_str(cv, "kind"));
	ck_assert_str_eq(BOB, j_str(cv, "peer"));
	ck_assert_str_eq("Robert", j_str(cv, "name"));
	ck_assert_str_eq("conv-of-bob", j_str(cv, "conversation_id"));
	ck_assert_int_eq(2, j_int(cv, "messages"));
	ck_assert_int_eq(2, j_int(cv, "unread"));
	ck_assert_int_eq(4, j_int(cv, "last.id"));
	ck_assert_str_eq("2021-03-04T05:06:08Z", j_str(cv, "last.time"));
	ck_assert_str_eq("newest", j_str(cv, "last.text"));
	ck_assert_str_eq("sip:dave@" DOMAIN,
			 j_str(o, "conversations.1.peer"));
	ck_assert(!j_has(o, "conversations.1.name"));
	ck_assert_str_eq(CAROL, j_str(o, "conversations.2.peer"));
	ck_assert_str_eq("CONV-of-Carol",
			 j_str(o, "conversations.2.conversation_id"));

	/* a page at a time */
	o = ctrl_ask(s.c, "cpm_conversations", "{\"limit\":2}");
	ck_assert_uint_eq(2, j_count(o, "conversations"));
	ck_assert(j_bool(o, "more"));
	o = ctrl_ask(s.c, "cpm_conversations", "{\"limit\":2,\"before\":%d}",
		     (int)j_int(o, "conversations.1.last.id"));
	ck_assert_uint_eq(1, j_count(o, "conversations"));
	ck_assert(!j_bool(o, "more"));
	ck_assert_str_eq(CAROL, j_str(o, "conversations.0.peer"));

	o = ctrl_ask(s.c, "cpm_conversations", "{\"account\":\"%s\"}", ALICE);
	ck_assert_uint_eq(3, j_count(o, "conversations"));
	o = ctrl_ask(s.c, "cpm_conversations", "{\"account\":\"%s\"}", BOB);
	ck_assert_uint_eq(0, j_count(o, "conversations"));
	ck_assert(!j_bool(o, "more"));
	scene_close(&s);
}
END_TEST


/* Every field of a message, and what the others must not have */
START_TEST(message)
{
	struct scene s;
	const struct odict *o, *m;
	const struct pf_event *ev;
	char now[32];
	time_t t;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s name=Bob conv=conv-1 id=id-1 date=%s "
		    "ask=positive-delivery text=Hello", BOB, FIRST);
	t = time(NULL);
	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%S", gmtime(&t));
	scene_start(&s);
	scene_delivered(&s, 1);
	ev = pf_event(s.pf, "imdn", E2E_WAIT);
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);

	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	m = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_int_eq(1, j_int(m, "id"));
	ck_assert_str_eq(ALICE, j_str(m, "account"));
	ck_assert_int_eq(j_int(o, "conversations.0.id"),
			 j_int(m, "conversation"));
	ck_assert_str_eq("in", j_str(m, "direction"));
	ck_assert_str_eq(BOB, j_str(m, "peer"));
	ck_assert_str_eq("Bob", j_str(m, "name"));
	ck_assert_str_eq(FIRST, j_str(m, "time"));
	ck_assert_str_ge(j_str(m, "received"), now);
	ck_assert_uint_eq('Z', j_str(m, "received")
			  [strlen(j_str(m, "received")) - 1]);
	ck_assert(j_bool(m, "deferred"));
	ck_assert_str_eq("session", j_str(m, "mode"));
	ck_assert_str_eq("text/plain;charset=UTF-8", j_str(m, "type"));
	ck_assert_int_eq(5, j_int(m, "size"));
	ck_assert_str_eq("Hello", j_str(m, "text"));
	ck_assert(!j_bool(m, "read"));
	ck_assert_str_eq("id-1", j_str(m, "imdn_id"));
	ck_assert_str_eq("conv-1", j_str(m, "conversation_id"));
	ck_assert_str_eq(pf_str(ev, "contrib"), j_str(m, "contribution_id"));
	ck_assert_str_eq("sent", j_str(m, "delivery"));
	ck_assert_str_eq("none", j_str(m, "display"));
	ck_assert(!j_has(m, "file"));
	ck_assert(!j_has(m, "cut"));
	ck_assert(!j_has(m, "in_reply_to"));
	ck_assert(!j_has(m, "status"));
	ck_assert_uint_eq(19, odict_count(m, false));

	/* the same in a list, and by JSON */
	o = ctrl_ask(s.c, "cpm_messages", NULL);
	ck_assert_uint_eq(19, odict_count(j_at(o, "messages", 0), false));
	o = ctrl_ask(s.c, "cpm_message", "{\"id\":1}");
	ck_assert_uint_eq(19, odict_count(o, false));
	scene_close(&s);
}
END_TEST


static void leave_many(struct scene *s)
{
	unsigned i;

	/* Bob's are left in the reverse order of their time */
	for (i=0; i<25; i++)
		scene_leave(s, "from=%s date=2022-01-01T00:00:%02uZ text=b%u",
			    BOB, 59 - i, i);
	for (i=0; i<3; i++)
		scene_leave(s, "from=%s date=2023-01-01T00:00:%02uZ text=c%u",
			    CAROL, i, i);
}


START_TEST(messages)
{
	struct scene s;
	const struct odict *o;
	int64_t carol;
	unsigned i;

	scene_open(&s, NULL);
	leave_many(&s);
	scene_start(&s);
	scene_delivered(&s, 28);
	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	carol = j_int(o, "conversations.0.id");
	ck_assert_str_eq(CAROL, j_str(o, "conversations.0.peer"));

	/* the last 20, in the order of their time */
	o = ctrl_ask(s.c, "cpm_messages", NULL);
	ck_assert_uint_eq(20, j_count(o, "messages"));
	ck_assert(j_bool(o, "more"));
	for (i=1; i<20; i++)
		ck_assert_str_le(j_str(j_at(o, "messages", i-1), "time"),
				 j_str(j_at(o, "messages", i), "time"));
	ck_assert_int_eq(25, id_of(o, 0));
	ck_assert_int_eq(9, id_of(o, 16));
	ck_assert_int_eq(26, id_of(o, 17));

	/* by words, and the same by JSON */
	o = ctrl_ask(s.c, "cpm_messages", "%d", (int)carol);
	ck_assert_uint_eq(3, j_count(o, "messages"));
	ck_assert(!j_bool(o, "more"));
	ck_assert_str_eq("c0", j_str(o, "messages.0.text"));
	ck_assert_str_eq("c2", j_str(o, "messages.2.text"));
	o = ctrl_ask(s.c, "cpm_messages", "{\"conversation\":%d}",
		     (int)carol);
	ck_assert_uint_eq(3, j_count(o, "messages"));
	ck_assert_int_eq(26, id_of(o, 0));

	/* a URI is compared as URIs are */
	o = ctrl_ask(s.c, "cpm_messages", "{\"peer\":\"SIP:carol@CPM.TEST"
		     ";user=phone\"}");
	ck_assert_uint_eq(3, j_count(o, "messages"));
	o = ctrl_ask(s.c, "cpm_messages", "{\"peer\":\"sip:x@y.test\"}");
	ck_assert_uint_eq(0, j_count(o, "messages"));
	ck_assert(!j_bool(o, "more"));
	scene_close(&s);
}
END_TEST


START_TEST(filters)
{
	struct scene s;
	const struct odict *o;
	int64_t after = 0;
	unsigned n = 0, i;

	scene_open(&s, NULL);
	leave_many(&s);
	scene_start(&s);
	scene_delivered(&s, 28);

	/* forward in pages that hold each one once */
	do {
		o = ctrl_ask(s.c, "cpm_messages",
			     "{\"after\":%d,\"limit\":9}", (int)after);
		for (i=0; i<j_count(o, "messages"); i++) {
			if (id_of(o, i) > after)
				after = id_of(o, i);
			++n;
		}
	} while (j_bool(o, "more"));
	ck_assert_uint_eq(28, n);
	ck_assert_int_eq(28, after);

	o = ctrl_ask(s.c, "cpm_messages", "{\"before\":27,\"limit\":1}");
	ck_assert_uint_eq(1, j_count(o, "messages"));
	ck_assert_int_eq(26, id_of(o, 0));
	ck_assert(j_bool(o, "more"));
	o = ctrl_ask(s.c, "cpm_messages", "{\"after\":24,\"before\":27}");
	ck_assert_uint_eq(2, j_count(o, "messages"));
	ck_assert(!j_bool(o, "more"));
	o = ctrl_ask(s.c, "cpm_messages", "{\"limit\":100}");
	ck_assert_uint_eq(28, j_count(o, "messages"));
	ck_assert(!j_bool(o, "more"));
	o = ctrl_ask(s.c, "cpm_messages", "{\"limit\":28}");
	ck_assert(!j_bool(o, "more"));

	/* unread */
	(void)ctrl_ask(s.c, "cpm_display", "28");
	(void)ctrl_until(s.c, "cpm_status", NULL, "unread", 27, E2E_WAIT);
	o = ctrl_ask(s.c, "cpm_messages", "{\"unread\":true,\"peer\":\"%s\"}",
		     CAROL);
	ck_assert_uint_eq(2, j_count(o, "messages"));
	ck_assert_int_eq(27, id_of(o, 1));
	ck_assert(!j_bool(o, "messages.0.read"));
	o = ctrl_ask(s.c, "cpm_messages", "{\"unread\":false,\"peer\":\"%s\"}",
		     CAROL);
	ck_assert_uint_eq(3, j_count(o, "messages"));
	ck_assert(j_bool(o, "messages.2.read"));
	scene_close(&s);
}
END_TEST


static void unread(struct scene *s, const char *prm, int64_t displayed,
		   int64_t left)
{
	const struct odict *o = ctrl_ask(s->c, "cpm_display", "%s", prm);

	ck_assert_int_eq(displayed, j_int(o, "displayed"));
	(void)ctrl_until(s->c, "cpm_status", NULL, "unread", left, E2E_WAIT);
}


START_TEST(display)
{
	struct scene s;
	const struct odict *o;
	int64_t conv;
	unsigned i;

	scene_open(&s, NULL);
	for (i=0; i<100; i++)
		scene_leave(&s, "from=%s ask=none text=%u", BOB, i);
	scene_leave(&s, "from=%s ask=none text=c", CAROL);
	scene_start(&s);
	scene_delivered(&s, 101);
	conv = j_int(ctrl_ask(s.c, "cpm_message", "1"), "conversation");

	unread(&s, "1", 1, 100);
	unread(&s, "1", 0, 100);
	unread(&s, "{\"id\":2}", 1, 99);
	unread(&s, "{\"ids\":[2,3,5,3]}", 2, 97);
	ck_assert(j_bool(ctrl_ask(s.c, "cpm_message", "5"), "read"));
	ck_assert(!j_bool(ctrl_ask(s.c, "cpm_message", "4"), "read"));

	/* one of them is unknown: nothing is done */
	scene_refused(&s, "cpm_display", "{\"ids\":[4,999]}", "ENOENT", "no");
	unread(&s, "6", 1, 96);
	ck_assert(!j_bool(ctrl_ask(s.c, "cpm_message", "4"), "read"));

	/* all that is left of Bob's, and Carol's is not touched */
	unread(&s, env_str(s.env, "c%d", (int)conv), 95, 1);
	unread(&s, env_str(s.env, "{\"conversation\":%d}", (int)conv), 0, 1);
	o = ctrl_ask(s.c, "cpm_messages", "{\"unread\":true}");
	ck_assert_uint_eq(1, j_count(o, "messages"));
	ck_assert_int_eq(101, id_of(o, 0));
	scene_close(&s);
}
END_TEST


START_TEST(delete)
{
	struct scene s;
	const struct odict *o;
	int64_t conv;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s id=x-1 text=1", BOB);
	scene_leave(&s, "from=%s id=x-2 text=2", BOB);
	scene_leave(&s, "from=%s id=x-3 text=3", BOB);
	scene_leave(&s, "from=%s text=4", CAROL);
	scene_start(&s);
	scene_delivered(&s, 4);
	conv = j_int(ctrl_ask(s.c, "cpm_message", "1"), "conversation");

	o = ctrl_ask(s.c, "cpm_delete", "3");
	ck_assert_int_eq(1, j_int(o, "deleted"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 3, E2E_WAIT);
	scene_refused(&s, "cpm_message", "3", "ENOENT", "no message 3");
	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	ck_assert_str_eq("2", j_str(o, "conversations.1.last.text"));

	o = ctrl_ask(s.c, "cpm_delete", "c%d", (int)conv);
	ck_assert_int_eq(2, j_int(o, "deleted"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 1, E2E_WAIT);
	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	ck_assert_uint_eq(1, j_count(o, "conversations"));
	ck_assert_str_eq(CAROL, j_str(o, "conversations.0.peer"));

	/* what comes again was deleted, and stays so */
	scene_leave(&s, "from=%s id=x-2 text=2", BOB);
	scene_delivered(&s, 1);
	/* something new in it does come */
	scene_leave(&s, "from=%s id=x-5 text=5", BOB);
	scene_delivered(&s, 2);
	o = ctrl_ask(s.c, "cpm_messages", "%d", (int)conv);
	ck_assert_uint_eq(1, j_count(o, "messages"));
	ck_assert_int_gt(id_of(o, 0), 4);

	o = ctrl_ask(s.c, "cpm_delete", "{\"conversation\":%d}", (int)conv);
	ck_assert_int_eq(1, j_int(o, "deleted"));
	o = ctrl_ask(s.c, "cpm_delete", "{\"id\":4}");
	ck_assert_int_eq(1, j_int(o, "deleted"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "conversations", 0,
			 E2E_WAIT);
	scene_close(&s);
}
END_TEST


static void policy_is(const struct odict *o, const char *deferred,
		      bool delivery, bool disp)
{
	ck_assert_str_eq(deferred, j_str(o, "deferred"));
	ck_assert_int_eq(delivery, j_bool(o, "delivery_imdn"));
	ck_assert_int_eq(disp, j_bool(o, "display_imdn"));
}


START_TEST(policy)
{
	struct scene s;
	const struct odict *o;

	scene_open(&s, NULL);
	scene_start(&s);

	policy_is(ctrl_ask(s.c, "cpm_policy", NULL), "accept", true, true);
	o = ctrl_ask(s.c, "cpm_policy", "decline %s", BOB);
	policy_is(o, "decline", true, true);
	ck_assert_str_eq(BOB, j_str(o, "from"));
	policy_is(ctrl_ask(s.c, "cpm_policy", NULL), "accept", true, true);

	/* each narrower one says more */
	o = ctrl_ask(s.c, "cpm_policy", "{\"account\":\"%s\",\"from\":\"%s\","
		     "\"display_imdn\":false}", ALICE, BOB);
	policy_is(o, "decline", true, false);
	ck_assert_str_eq(ALICE, j_str(o, "account"));
	policy_is(ctrl_ask(s.c, "cpm_policy", "{\"from\":\"%s\"}", BOB),
		  "decline", true, true);
	policy_is(ctrl_ask(s.c, "cpm_policy", "ask"), "ask", true, true);
	policy_is(ctrl_ask(s.c, "cpm_policy", "{\"account\":\"%s\"}", ALICE),
		  "ask", true, true);
	policy_is(ctrl_ask(s.c, "cpm_policy", "{\"account\":\"%s\",\"from\":"
			   "\"%s\"}", ALICE, BOB), "decline", true, false);
	policy_is(ctrl_ask(s.c, "cpm_policy", "{\"account\":\"%s\","
			   "\"display_imdn\":true}", ALICE), "ask", true,
		  true);
	policy_is(ctrl_ask(s.c, "cpm_policy", "{\"account\":\"%s\",\"from\":"
			   "\"%s\"}", ALICE, BOB), "decline", true, false);
	policy_is(ctrl_ask(s.c, "cpm_policy", "{\"from\":\"%s\"}", CAROL),
		  "ask", true, true);
	policy_is(ctrl_ask(s.c, "cpm_policy", "{\"from\":\"%s\","
			   "\"delivery_imdn\":\"no\"}", CAROL),
		  "ask", false, true);
	o = ctrl_ask(s.c, "cpm_status", NULL);
	ck_assert_str_eq("ask", j_str(o, "accounts.0.deferred"));

	/* and back, "default" being what the wider ones say */
	policy_is(ctrl_ask(s.c, "cpm_policy", "default"), "accept", true,
		  true);
	policy_is(ctrl_ask(s.c, "cpm_policy", "default %s", BOB), "accept",
		  true, true);
	policy_is(ctrl_ask(s.c, "cpm_policy", "{\"from\":\"%s\","
			   "\"delivery_imdn\":\"default\"}", CAROL),
		  "accept", true, true);
	scene_close(&s);
}
END_TEST


Suite *bus_suite(void)
{
	Suite *suite = suite_create("bus");
	TCase *tc = suite_case(suite, "show", 60);

	tcase_add_test(tc, status);
	tcase_add_test(tc, conversations);
	tcase_add_test(tc, message);
	tcase_add_test(tc, messages);
	tcase_add_test(tc, filters);

	tc = suite_case(suite, "act", 60);
	tcase_add_test(tc, display);
	tcase_add_test(tc, delete);
	tcase_add_test(tc, policy);

	refuse_cases(suite);
	command_cases(suite);
	body_cases(suite);
	event_cases(suite);
	room_cases(suite);
	export_cases(suite);

	return suite;
}
