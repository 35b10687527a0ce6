/**
 * @file test_answer.c  What is refused, and what is answered later
 *
 * wire.md 2.9, 8, 9 and 13.7.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"
#include "invite.h"


/* The next answer to an INVITE of the PF */
static void answered(struct scene *s, int64_t code)
{
	const struct pf_event *ev = pf_event(s->pf, "answer", E2E_WAIT);

	ck_assert_int_eq(code, pf_int(ev, "code"));
}


static const struct odict *step(struct scene *s, const char *state)
{
	const struct odict *o = ctrl_event(s->c, "session", E2E_WAIT);

	ck_assert_str_eq(state, j_str(o, "state"));

	return o;
}


static void kept(struct scene *s, int64_t count)
{
	ck_assert_int_eq(count, pf_int(pf_ask(s->pf, "pending to=%s", ALICE),
				       "count"));
}


/* Not from Bob: Carol's come, Bob's stay with the PF until he may */
START_TEST(declined_sender)
{
	const struct odict *o;
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	(void)ctrl_ask(s.c, "cpm_policy", "decline %s", BOB);
	scene_leave(&s, "from=%s text=from Bob", BOB);
	answered(&s, 480);
	o = step(&s, "declined");
	ck_assert_int_eq(480, j_int(o, "code"));
	scene_leave(&s, "from=%s text=from Carol", CAROL);
	answered(&s, 480);
	answered(&s, 200);
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	kept(&s, 1);
	ck_assert_int_eq(1, scene_count(&s, "messages"));

	(void)ctrl_ask(s.c, "cpm_policy", "accept %s", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	answered(&s, 200);
	scene_delivered(&s, 2);
	scene_close(&s);
}
END_TEST


/* Not now, from nobody */
START_TEST(declined_all)
{
	struct scene s;

	scene_open(&s, NULL);
	scene_start(&s);
	(void)ctrl_ask(s.c, "cpm_policy", "decline");
	scene_leave(&s, "from=%s text=from Bob", BOB);
	answered(&s, 480);
	ck_assert_int_eq(480, j_int(step(&s, "declined"), "code"));
	scene_leave(&s, "from=%s text=from Carol", CAROL);
	answered(&s, 480);
	answered(&s, 480);
	kept(&s, 2);
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	ck_assert_int_eq(0, scene_count(&s, "sessions"));

	(void)ctrl_ask(s.c, "cpm_policy", "accept");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 2);
	scene_close(&s);
}
END_TEST


/* The user is asked. @return number of the session */
static int64_t asked(struct scene *s, const char *timeout)
{
	const struct odict *o;

	scene_open(s, &(struct scene_args){.config = timeout});
	scene_start(s);
	scene_leave(s, "from=%s text=Hello", BOB);
	o = step(s, "asking");
	ck_assert(j_bool(o, "deferred"));
	ck_assert(!pf_try_event(s->pf, "answer", NULL, NULL, 1));

	return j_int(o, "session");
}


START_TEST(ask_accept)
{
	struct scene s;
	const int64_t id = asked(&s, "cpm_deferred ask\n");
	const struct odict *o = ctrl_ask(s.c, "cpm_sessions", NULL);

	ck_assert_uint_eq(1, j_count(o, "sessions"));
	ck_assert_str_eq("asking", j_str(o, "sessions.0.state"));
	ck_assert_str_eq(BOB, j_str(o, "sessions.0.peer"));
	(void)ctrl_ask(s.c, "cpm_accept", "%d", (int)id);
	answered(&s, 200);
	ck_assert_int_eq(id, j_int(step(&s, "accepted"), "session"));
	(void)step(&s, "established");
	ck_assert_int_eq(1, j_int(step(&s, "closed"), "messages"));
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* Likewise who wants to talk */
START_TEST(ask_chat)
{
	struct scene s;
	const struct odict *o;
	int64_t id;

	scene_open(&s, &(struct scene_args){.config = "cpm_chat ask\n"});
	scene_start(&s);
	pf_cmd(s.pf, "chat to=%s from=%s conv=c1", ALICE, BOB);
	o = step(&s, "asking");
	ck_assert(!j_bool(o, "deferred"));
	id = j_int(o, "session");
	ck_assert(!pf_try_event(s.pf, "answer", NULL, NULL, 1));
	(void)ctrl_ask(s.c, "cpm_accept", "%d", (int)id);
	answered(&s, 200);
	(void)step(&s, "accepted");
	(void)step(&s, "established");
	pf_cmd(s.pf, "bye to=%s", ALICE);
	(void)step(&s, "closed");

	pf_cmd(s.pf, "chat to=%s from=%s conv=c1", ALICE, BOB);
	(void)ctrl_ask(s.c, "cpm_decline", "%d",
		       (int)j_int(step(&s, "asking"), "session"));
	answered(&s, 480);
	scene_close(&s);
}
END_TEST


START_TEST(ask_decline)
{
	struct scene s;
	const int64_t id = asked(&s, "cpm_deferred ask\n");

	(void)ctrl_ask(s.c, "cpm_decline", "{\"session\":%d}", (int)id);
	answered(&s, 480);
	ck_assert_int_eq(480, j_int(step(&s, "declined"), "code"));
	kept(&s, 1);
	ck_assert_int_eq(0, scene_count(&s, "sessions"));
	scene_close(&s);
}
END_TEST


START_TEST(ask_unanswered)
{
	struct scene s;
	const uint64_t start = e2e_now();

	(void)asked(&s, "cpm_deferred ask\ncpm_ask_timeout 1\n");
	answered(&s, 480);
	ck_assert_uint_ge(e2e_now() - start, 1000);
	ck_assert_int_eq(480, j_int(step(&s, "declined"), "code"));
	kept(&s, 1);
	scene_close(&s);
}
END_TEST


/* The PF gives up before the user has answered: 487, and nothing is left to
   answer */
START_TEST(cancel)
{
	const struct odict *o;
	struct scene s;
	int64_t id;

	scene_open(&s, &(struct scene_args){
		.config = "cpm_deferred ask\n",
		.optv = {"-f", "cancel=300"}});
	scene_start(&s);
	scene_leave(&s, "from=%s text=Hello", BOB);
	id = j_int(step(&s, "asking"), "session");
	answered(&s, 487);
	o = step(&s, "closed");
	ck_assert_int_eq(487, j_int(o, "code"));
	scene_refused(&s, "cpm_accept", env_str(s.env, "%d", (int)id),
		      "ENOENT", "no session");
	kept(&s, 1);
	ck_assert_int_eq(0, scene_count(&s, "sessions"));
	scene_close(&s);
}
END_TEST


static const struct {
	const char *fault;
	int64_t code;
} faultv[] = {
	{"nopath",   488},
	{"noaccept", 488},
	{"audio",    488},
	{"require",  420},
};


/* Offers that cannot be taken; afterwards all is as before */
START_TEST(bad_offer)
{
	struct scene s;

	scene_open(&s, &(struct scene_args){
		.optv = {"-f", faultv[_i].fault}});
	scene_start(&s);
	scene_leave(&s, "from=%s text=Hello", BOB);
	answered(&s, faultv[_i].code);
	kept(&s, 1);
	ck_assert_int_eq(0, scene_count(&s, "sessions"));
	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	answered(&s, 200);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* RFC 4028: 422 with what we want at least, and the PF comes again with it */
START_TEST(interval)
{
	struct scene s;

	scene_open(&s, &(struct scene_args){.optv = {"-f", "expires=60"}});
	scene_start(&s);
	scene_leave(&s, "from=%s text=Hello", BOB);
	answered(&s, 422);
	answered(&s, 200);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


static const char multipart[] =
	"--b\n"
	"Content-Type: application/sdp\n"
	"\n"
	"v=0\n"
	"--b--";


/* Who does not take CPIM is no PF: the library lets such offers pass */
START_TEST(without_cpim)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	char *offer = invite_offer(env, "passive", "a=sendonly");

	memcpy(strstr(offer, "message/cpim"), "text/plain;x", 12);
	invite_run(b, &(struct invite_args){.code = 488, .body = offer});
	memcpy(strstr(offer, "text/plain;x"), "message/*;xy", 12);
	invite_run(b, &(struct invite_args){.code = 200, .body = offer});
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* Answers that have more than a code to say */
START_TEST(headers)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	char *offer = invite_offer(env, "passive", "a=sendonly");

	invite_run(b, &(struct invite_args){
		.code = 415, .body = "<p>v=0</p>", .type = "text/html",
		.checkv = {{"Accept:", "application/sdp"}}});
	/* that is read, but its description is none */
	invite_run(b, &(struct invite_args){
		.code = 488, .body = multipart,
		.type = "multipart/mixed;boundary=b"});
	invite_run(b, &(struct invite_args){
		.code = 420, .head = ACCEPT_CONTACT "\nRequire: nonsense",
		.checkv = {{"Unsupported:", "nonsense"}}});
	invite_run(b, &(struct invite_args){
		.code = 422, .head = ACCEPT_CONTACT "\nSupported: timer\n"
			"Session-Expires: 60;refresher=uac",
		.checkv = {{"Min-SE:", "90"}}});
	invite_run(b, &(struct invite_args){
		.code = 486, .head = ACCEPT_CONTACT
			"\nReferred-By: <no uri at all>"});
	invite_run(b, &(struct invite_args){
		.code = 200, .body = offer, .checkv = {
		{NULL, "m=message 9 TCP/MSRP"},
		{NULL, "a=recvonly"},
		{NULL, "a=setup:active"},
		{NULL, "a=accept-types:message/cpim"},
		{NULL, "a=accept-wrapped-types:[^\r\n]*message/imdn.xml"},
		{NULL, "a=path:msrp://127.0.0.1:9/[^\r\n]*;tcp"}}});
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* A line at session level, where it counts for all media */
static char *session_level(struct env *env, const char *offer,
			   const char *line)
{
	const char *m = strstr(offer, "m=");

	return env_str(env, "%.*s%s%s", (int)(m - offer), offer, line, m);
}


/* what was kept does not say who is writing */
#define CPIM_ONLY "a=accept-types:message/cpim[[:cntrl:]]"
#define CPIM_AND "a=accept-types:message/cpim " \
	"application/im-iscomposing[+]xml[[:cntrl:]]"

/* A delivery goes one way: what is sendonly, wherever that is said, and what
   the PF asserts to be its own. Else the session is an ordinary one */
START_TEST(direction)
{
	static const char standfw[] = ACCEPT_CONTACT
		"\nP-Asserted-Identity: <sip:RCSE-standfw@x.test>";
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	const char *plain = invite_offer(env, "actpass", "");
	const char *both = invite_offer(env, "actpass", "a=sendrecv");
	const struct {
		const char *head, *body, *answer, *types;
	} v[] = {
		{NULL, session_level(env, plain, "a=sendonly\n"),
			"a=recvonly", CPIM_ONLY},
		{NULL, session_level(env, both, "a=sendonly\n"),
			"a=sendrecv", CPIM_AND},
		{NULL, plain, "a=sendrecv", CPIM_AND},
		{NULL, both, "a=sendrecv", CPIM_AND},
		{standfw, both, "a=recvonly", CPIM_ONLY},
	};
	size_t i;

	for (i=0; i<ARRAY_SIZE(v); i++) {
		invite_run(b, &(struct invite_args){
			.code = 200, .head = v[i].head, .body = v[i].body,
			.checkv = {{NULL, v[i].answer}, {NULL, v[i].types}}});
		ck_assert_int_eq(!strcmp("a=recvonly", v[i].answer),
				 j_bool(ctrl_event(b->ctrl, "session",
						   E2E_SHORT), "deferred"));
		(void)ctrl_event(b->ctrl, "session", E2E_SHORT);
	}
	invite_run(b, &(struct invite_args){
		.code = 488, .body = invite_offer(env, "actpass",
						  "a=recvonly")});
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* Who keeps the session alive is said in the 200 */
START_TEST(session_expires)
{
	static const struct {
		const char *asked, *granted;
	} v[] = {
		{"90;refresher=uac",   "90;refresher=uac"},
		{"1800;refresher=uas", "1800;refresher=uas"},
		{"1800",               "1800;refresher=uac"},
	};
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	size_t i;

	for (i=0; i<ARRAY_SIZE(v); i++)
		invite_run(b, &(struct invite_args){
			.code = 200, .head = env_str(env, "%s\nSupported: "
				"timer\nSession-Expires: %s", ACCEPT_CONTACT,
				v[i].asked),
			.checkv = {{"Session-Expires:", v[i].granted},
				   {"Require:", "timer"}}});
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* The caller hears that the user is asked */
START_TEST(rings)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, "cpm_deferred ask\n"
					 "cpm_ask_timeout 1\n");

	invite_run(b, &(struct invite_args){.code = 480, .rings = true});
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* We are to connect, and nobody listens */
START_TEST(nobody_listens)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	const struct odict *o;

	invite_run(b, &(struct invite_args){.code = 200});
	o = ctrl_event(b->ctrl, "session", E2E_SHORT);
	ck_assert_str_eq("accepted", j_str(o, "state"));
	o = ctrl_event(b->ctrl, "session", E2E_SHORT);
	ck_assert_str_eq("failed", j_str(o, "state"));
	ck_assert_int_eq(0, j_int(ctrl_ask(b->ctrl, "cpm_status", NULL),
				  "sessions"));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


void answer_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "answer", 60);

	tcase_add_test(tc, declined_sender);
	tcase_add_test(tc, declined_all);
	tcase_add_test(tc, ask_accept);
	tcase_add_test(tc, ask_chat);
	tcase_add_test(tc, ask_decline);
	tcase_add_test(tc, ask_unanswered);
	tcase_add_test(tc, cancel);
	tcase_add_loop_test(tc, bad_offer, 0, ARRAY_SIZE(faultv));
	tcase_add_test(tc, interval);
	tcase_add_test(tc, headers);
	tcase_add_test(tc, without_cpim);
	tcase_add_test(tc, direction);
	tcase_add_test(tc, session_expires);
	tcase_add_test(tc, rings);
	tcase_add_test(tc, nobody_listens);
}
