/**
 * @file test_conv.c  Whose message it is, and which conversation it joins
 *
 * wire.md 13.4, 13.5 and 13.10.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"


static int64_t conv_of(struct scene *s, int64_t id)
{
	return j_int(ctrl_ask(s->c, "cpm_message", "%d", (int)id),
		     "conversation");
}


/* An unknown Conversation-ID opens a conversation; the same one joins it
   later, after a restart too. Ids are opaque */
START_TEST(joins)
{
	static const char odd[] = "C/1+x=~!$*'(),;:@&.-_";
	const struct odict *o;
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	scene_leave(&s, "from=%s conv=%s text=1", BOB, odd);
	scene_delivered(&s, 1);
	scene_leave(&s, "from=%s conv=%s text=2", BOB, odd);
	scene_delivered(&s, 2);
	scene_leave(&s, "from=%s conv=c/1+x=~!$*'(),;:@&.-_ text=3", BOB);
	scene_delivered(&s, 3);
	ck_assert_int_eq(conv_of(&s, 1), conv_of(&s, 2));
	ck_assert_int_ne(conv_of(&s, 1), conv_of(&s, 3));

	ck_assert_int_eq(0, baresip_quit(s.b));
	scene_restart(&s);
	scene_leave(&s, "from=%s conv=%s text=4", BOB, odd);
	scene_delivered(&s, 4);
	ck_assert_int_eq(conv_of(&s, 1), conv_of(&s, 4));
	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	ck_assert_uint_eq(2, j_count(o, "conversations"));
	ck_assert_str_eq(odd, j_str(o, "conversations.0.conversation_id"));
	ck_assert_int_eq(3, j_int(o, "conversations.0.messages"));
	scene_close(&s);
}
END_TEST


/* Without the header the sender names it */
START_TEST(no_id)
{
	const struct odict *o;
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	scene_leave(&s, "from=%s conv=none text=1", BOB);
	scene_delivered(&s, 1);
	scene_leave(&s, "from=%s conv=none text=2", CAROL);
	scene_delivered(&s, 2);
	scene_leave(&s, "from=%s conv=none text=3", BOB);
	scene_delivered(&s, 3);
	scene_leave(&s, "from=%s conv=peer:%s text=4", BOB, BOB);
	scene_delivered(&s, 4);
	ck_assert_int_eq(conv_of(&s, 1), conv_of(&s, 3));
	ck_assert_int_ne(conv_of(&s, 1), conv_of(&s, 2));
	/* an id cannot name what is made of a sender */
	ck_assert_int_ne(conv_of(&s, 1), conv_of(&s, 4));
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert(!j_has(o, "conversation_id"));
	ck_assert_str_eq(BOB, j_str(o, "peer"));
	scene_close(&s);
}
END_TEST


/* Anonymous in CPIM: it is from whom the INVITE refers to, and he hears of
   it */
START_TEST(anonymous)
{
	const struct pf_event *ev;
	const struct odict *o;
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	scene_leave(&s, "from=tel:+15550000001 anon=yes text=Hello");
	scene_delivered(&s, 1);
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq("tel:+15550000001", j_str(o, "peer"));
	ev = pf_event(s.pf, "imdn", E2E_WAIT);
	ck_assert_str_eq("tel:+15550000001", pf_str(ev, "to"));
	scene_close(&s);
}
END_TEST


/* The texts of all messages, in their order of arrival */
static void texts(struct scene *s, const char *const *textv, unsigned n)
{
	const struct odict *o = ctrl_ask(s->c, "cpm_messages",
					 "{\"after\":0,\"limit\":100}");
	unsigned i;

	ck_assert_uint_eq(n, j_count(o, "messages"));
	for (i=0; i<n; i++)
		ck_assert_str_eq(textv[i], j_str(j_at(o, "messages", i),
						 "text"));
}


/* Each came so often, and no other */
static void noticed(struct scene *s, int64_t count)
{
	const struct pf_event *ev;

	(void)ctrl_until(s->c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ev = pf_ask(s->pf, "stats");
	ck_assert_int_eq(count, pf_int(ev, "imdn"));
	ck_assert_int_eq(0, pf_int(ev, "repeats"));
}


/* Each comes twice in one session: acknowledged both times, kept and
   notified once */
START_TEST(twice)
{
	static const char *const textv[] = {"one", "two", "three"};
	const struct pf_event *ev;
	struct scene s;
	unsigned i;

	scene_open(&s, &(struct scene_args){.optv = {"-f", "dup"}});
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	for (i=0; i<3; i++)
		scene_leave(&s, "from=%s id=m%u text=%s", BOB, i, textv[i]);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	for (i=0; i<3; i++) {
		const char *id = env_str(s.env, "m%u", i);

		ev = pf_event_kv(s.pf, "delivered", "id", id, E2E_WAIT);
		ck_assert_int_eq(200, pf_int(ev, "code"));
		ev = pf_event_kv(s.pf, "delivered", "id", id, E2E_WAIT);
		ck_assert_int_eq(200, pf_int(ev, "code"));
		ck_assert_int_eq(1, pf_int(ev, "copy"));
	}
	scene_delivered(&s, 3);
	texts(&s, textv, 3);
	noticed(&s, 3);
	scene_close(&s);
}
END_TEST


/* The same with its answers lost: the PF comes again with all of them */
START_TEST(again)
{
	static const char *const textv[] = {"a", "b", "c", "d", "e"};
	const struct pf_event *ev;
	struct scene s;
	unsigned i;

	scene_open(&s, &(struct scene_args){.optv = {"-f", "lose=3"}});
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	for (i=0; i<5; i++)
		scene_leave(&s, "from=%s text=%s", BOB, textv[i]);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("lose", pf_str(ev, "reason"));
	ck_assert_int_eq(5, pf_int(ev, "left"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 3, E2E_WAIT);
	noticed(&s, 3);

	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_int_eq(5, pf_int(ev, "delivered"));
	scene_delivered(&s, 5);
	texts(&s, textv, 5);
	noticed(&s, 5);
	scene_close(&s);
}
END_TEST


/* Two accounts on one softphone: the same ids, and nothing mixes */
START_TEST(two_accounts)
{
	const struct odict *o;
	struct scene s;
	struct baresip_args args = {.name = "both"};
	unsigned i;

	scene_open(&s, &(struct scene_args){.optv = {"-u", "bob:secret"}});
	args.accounts = env_str(s.env, "%s%s",
		baresip_account(s.env, "alice", DOMAIN, s.pf->sip, NULL),
		baresip_account(s.env, "bob", DOMAIN, s.pf->sip, NULL));
	s.b = baresip_start(s.env, &args);
	s.c = s.b->ctrl;
	baresip_registered(s.b, E2E_WAIT);
	for (i=0; i<2; i++) {
		pf_cmd(s.pf, "leave from=%s to=%s id=same conv=same text=for "
		       "%s", CAROL, i ? BOB : ALICE, i ? BOB : ALICE);
		(void)pf_event(s.pf, "ended", E2E_WAIT);
		(void)pf_event_kv(s.pf, "imdn", "from", i ? BOB : ALICE,
				  E2E_WAIT);
	}
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 2, E2E_WAIT);
	o = ctrl_ask(s.c, "cpm_conversations", "{\"account\":\"%s\"}", BOB);
	ck_assert_uint_eq(1, j_count(o, "conversations"));
	ck_assert_str_eq("for " BOB, j_str(o, "conversations.0.last.text"));
	o = ctrl_ask(s.c, "cpm_conversations", "{\"account\":\"%s\"}", ALICE);
	ck_assert_uint_eq(1, j_count(o, "conversations"));
	ck_assert_str_eq("for " ALICE,
			 j_str(o, "conversations.0.last.text"));
	scene_close(&s);
}
END_TEST


void conv_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "conv", 60);

	tcase_add_test(tc, joins);
	tcase_add_test(tc, no_id);
	tcase_add_test(tc, anonymous);
	tcase_add_test(tc, twice);
	tcase_add_test(tc, again);
	tcase_add_test(tc, two_accounts);
}
