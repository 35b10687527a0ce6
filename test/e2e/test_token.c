/**
 * @file test_token.c  Which INVITE is ours: feature tags in every encoding
 *
 * wire.md 1.2, 1.3 and 13.1. What is not ours goes on to the softphone,
 * which has no use for it: 488.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"
#include "invite.h"
#include "caller.h"


#define REF     "+g.3gpp.icsi-ref="
#define ESC     "urn%3Aurn-7%3A" ICSI
#define PLAIN   "urn:urn-7:" ICSI
#define MMTEL   "urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"

static const char *const oursv[] = {
	"Accept-Contact: *;" REF "\"" ESC "session\"",
	"Accept-Contact: *;" REF "\"" ESC "session\";require;explicit",
	"Accept-Contact: *;" REF "\"" ESC "session\";explicit;require",
	"Accept-Contact: *;require;explicit;" REF "\"" ESC "session\"",
	"Accept-Contact: *;+sip.instance=\"<urn:gsma:imei:35465506-012345-0>"
		"\";" REF "\"" ESC "session\";require",
	"Accept-Contact: *;" REF "\"" PLAIN "session\"",
	"Accept-Contact: *;" REF "\"urn%3aurn-7%3a" ICSI "session\"",
	"Accept-Contact: *;" REF "\"URN%3AURN-7%3A3GPP-Service.ims.icsi.oma."
		"CPM.Session\"",
	"accept-contact: *; +G.3GPP.ICSI-REF = \"" ESC "session\"",
	/* several: one list, a repeated parameter, several headers, several
	   values */
	"Accept-Contact: *;" REF "\"" ESC "msg," ESC "largemsg," ESC
		"session\"",
	"Accept-Contact: *;" REF "\"" MMTEL ", " ESC "session\";explicit",
	"Accept-Contact: *;" REF "\"" MMTEL "\";" REF "\"" ESC "session\"",
	"Accept-Contact: *;" REF "\"" MMTEL "\";explicit;require\n"
		"Accept-Contact: *;" REF "\"" ESC "session\";explicit",
	"Accept-Contact: *;" REF "\"" MMTEL "\";require, *;" REF "\"" ESC
		"session\"",
	/* compact, and both */
	"a: *;" REF "\"" ESC "session\"",
	"a: *;" REF "\"" MMTEL "\"\nAccept-Contact: *;" REF "\"" ESC
		"session\"",
	"a: *;" REF "\"" ESC "session\"\nb: <sip:bob@cpm.test>\n"
		"k: timer\nx: 1800",
	/* as the change request writes it */
	"Accept-Contact: *;" REF "\"" ICSI "session\"",
	"Accept-Contact: *;" ICSI "session",
	/* no Accept-Contact: the service that the network asserts */
	"P-Asserted-Service: " PLAIN "session",
	"P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel, "
		PLAIN "session",
	"P-Asserted-Service: " REF "\"" ESC "session\"",
	/* the others of ours */
	"Accept-Contact: *;" REF "\"" ESC "session.group\"",
	"Accept-Contact: *;" REF "\"" ESC "largemsg\"",
	"Accept-Contact: *;" REF "\"" ESC "deferred\"",
};

/* Whole tokens only */
static const char *const othersv[] = {
	"Accept-Contact: *;" REF "\"" MMTEL "\"",
	"Accept-Contact: *;" REF "\"" ESC "sessions\"",
	"Accept-Contact: *;" REF "\"" ESC "session.other\"",
	"Accept-Contact: *;" REF "\"" ESC "sessio\"",
	"Accept-Contact: *;" REF "\"" ESC "msg\"",
	"Accept-Contact: *;" REF "\"x" ESC "session\"",
	"Accept-Contact: *;" REF "\"" ESC "filetransfer\"",
	"Accept-Contact: *;+g.3gpp.iari-ref=\"" ESC "session\"",
	"Accept-Contact: *;+sip.instance=\"<" ESC "session>\"",
	"Subject: " PLAIN "session",
	"P-Preferred-Service: " PLAIN "session",
	/* Accept-Contact says what it is for; only else the service counts */
	"P-Asserted-Service: " PLAIN "msg",
};


/* 200; that it is our 200 is seen by what it accepts */
START_TEST(ours)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);

	invite_each(b, &(struct invite_args){
		.code = 200, .compact = _i & 1, .tcp = _i & 2,
		.checkv = {{NULL, "message/imdn.xml"}}},
		oursv, ARRAY_SIZE(oursv));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


START_TEST(others)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);

	invite_each(b, &(struct invite_args){.code = 488}, othersv,
		    ARRAY_SIZE(othersv));
	ck_assert(!ctrl_try_event(b->ctrl, "session", 1));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* session.group is not session: another kind of conversation, and the sender
   is not who the INVITE refers to but who the CPIM is from */
START_TEST(group)
{
	const struct odict *o;
	struct scene s;

	scene_open(&s, &(struct scene_args){.optv = {"-f", "group"}});
	scene_start(&s);
	scene_leave(&s, "from=%s conv=G text=to all", BOB);
	scene_delivered(&s, 1);
	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	ck_assert_uint_eq(1, j_count(o, "conversations"));
	ck_assert_str_eq("group", j_str(o, "conversations.0.kind"));
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq(BOB, j_str(o, "peer"));
	ck_assert(j_bool(o, "deferred"));

	pf_cmd(s.pf, "fault none");
	scene_leave(&s, "from=%s conv=S text=to you", BOB);
	scene_delivered(&s, 2);
	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	ck_assert_uint_eq(2, j_count(o, "conversations"));
	ck_assert_str_eq("chat", j_str(o, "conversations.0.kind"));
	scene_close(&s);
}
END_TEST


/* Nor is it when only the Contact says so (RFC 4579, 5.2) */
START_TEST(focus)
{
	const struct odict *o;
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	struct caller c;
	unsigned i;

	for (i=0; i<2; i++) {
		caller_open(&c, b, &(struct caller_args){.from = BOB,
			    .focus = !i});
		caller_message(&c, "to all, or to you");
		caller_bye(&c);
		caller_close(&c);
		(void)ctrl_until(b->ctrl, "cpm_status", NULL, "messages",
				 i + 1, E2E_WAIT);
		o = ctrl_ask(b->ctrl, "cpm_conversations", NULL);
		ck_assert_uint_eq(i + 1, j_count(o, "conversations"));
		ck_assert_str_eq(i ? "chat" : "group",
				 j_str(o, "conversations.0.kind"));
	}
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


void token_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "token", 60);

	tcase_add_loop_test(tc, ours, 0, 4);
	tcase_add_test(tc, others);
	tcase_add_test(tc, group);
	tcase_add_test(tc, focus);
}
