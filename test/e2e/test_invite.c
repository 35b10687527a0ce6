/**
 * @file test_invite.c  What becomes of the INVITEs that messages go with
 *
 * The other side is SIPp with data/answers.xml: whom a message is to says what
 * it does. All of it happens at the same time, with one softphone.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "suite.h"


#define SDP(port) "Contact: <sip:peer@[local_ip]:[local_port]>\n" \
	"Content-Type: application/sdp\n" \
	"Content-Length: [len]\n\n" \
	"v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n" \
	"m=message " port " TCP/MSRP *\na=accept-types:message/cpim\n" \
	"a=accept-wrapped-types:*\na=setup:active\n" \
	"a=path:msrp://[local_ip]:9/answers;tcp\na=sendrecv\n"

#define N(v) (sizeof(v) / sizeof((v)[0]))

enum {
	CALLS = 1000,         /* as many as SIPp likes: we end it           */
};

/** How a message fares */
struct fare {
	const char *to;       /* user part                                  */
	int code;             /* 0: none                                    */
	const char *reason;
	bool later;           /* it stays queued, for another try           */
};

/* RFC 3261, 21, and what came later: each as it is */
static const struct fare refusalv[] = {
	{"c305", 305, "moved, and nobody there takes it", false},
	{"c380", 380, "moved, and nobody there takes it", false},
	{"c400", 400, "the request was not understood", false},
	{"c401", 401, "wrong user or password", true},
	{"c402", 402, "payment required", false},
	{"c403", 403, "not allowed", false},
	{"c404", 404, "no such user", false},
	{"c405", 405, "the other side takes no such requests", false},
	{"c406", 406, "the other side does not take it", false},
	{"c407", 407, "wrong user or password", true},
	{"c408", 408, "no answer", true},
	{"c410", 410, "the user is gone", false},
	{"c413", 413, "too large", false},
	{"c414", 414, "the address is too long", false},
	{"c415", 415, "the other side does not take this type", false},
	{"c416", 416, "the address is of no use there", false},
	{"c420", 420, "an extension is not supported", false},
	{"c421", 421, "an extension is required", false},
	{"c422", 422, "the session timer was not agreed on", false},
	{"c423", 423, "refused", false},
	{"c433", 433, "anonymous senders are refused", false},
	{"c480", 480, "away", true},
	{"c481", 481, "the session is not known there any more", false},
	{"c482", 482, "the request went round in a loop", false},
	{"c483", 483, "too many hops", false},
	{"c484", 484, "the address is incomplete", false},
	{"c485", 485, "the address is ambiguous", false},
	{"c486", 486, "busy", true},
	{"c487", 487, "ended before it was answered", false},
	{"c488", 488, "the other side does not take it", false},
	{"c491", 491, "both began at once", false},
	{"c493", 493, "refused", false},
	{"c494", 494, "a secured connection is required", false},
	{"c500", 500, "the server cannot now", true},
	{"c501", 501, "the other side takes no such requests", true},
	{"c502", 502, "the server cannot now", true},
	{"c503", 503, "the server cannot now", true},
	{"c504", 504, "the server cannot now", true},
	{"c505", 505, "another SIP version is required", true},
	{"c513", 513, "too large", true},
	{"c580", 580, "the server cannot now", true},
	{"c600", 600, "busy", false},
	{"c603", 603, "declined", false},
	{"c604", 604, "no such user", false},
	{"c606", 606, "the other side does not take it", false},
};

/* Not at the first answer */
static const struct fare otherv[] = {
	{"wrong",   407, "wrong user or password", true},
	{"semore",  422, "the session timer was not agreed on", false},
	{"nowhere", 410, "the user is gone", false},
	{"loop",    302, "moved, and nobody there takes it", false},
	{"none",    302, "moved, and nobody there takes it", false},
	{"nosdp",   0,   "the answer has no SDP", true},
	{"nomsrp",  0,   "the answer refuses MSRP", true},
};

/* Taken in the end: the session is accepted, and we hang up */
static const char *const takenv[] = {
	"answer", "early", "route", "auth", "stale", "both", "se",
	"moved", "cross", "gone",
};

struct scene {
	struct env *env;
	struct baresip *b;
	struct ctrl *c;
	struct proc *sipp;
	uint16_t port;
};


/* The part of the scenario that chooses: each name with its label */
static void choose(struct env *env, char **compare, char **jump,
		   const char *name)
{
	*compare = env_str(env, "%s<strcmp assign_to=\"is\" variable=\"word\" "
			   "value=\"%s\"/>\n<test assign_to=\"is%s\" "
			   "variable=\"is\" compare=\"equal\" value=\"0\"/>\n",
			   *compare, name, name);
	*jump = env_str(env, "%s<nop test=\"is%s\" next=\"%s\"/>\n", *jump,
			name, name);
}


static const char *scenario(struct env *env)
{
	static const char *const wordv[] = {
		"answer", "early", "fork", "cancel", "late", "cross",
		 "gone", "route", "auth", "wrong", "stale", "both",
		"se", "semore", "moved", "nowhere", "loop", "loopb", "none",
		"nosdp", "nomsrp", "change",
	};
	char *compare = env_str(env, "%s", ""), *jump = compare;
	char *refusals = compare;
	const char *path = env_path(env, "answers.xml");
	size_t i;

	for (i=0; i<N(wordv); i++)
		choose(env, &compare, &jump, wordv[i]);
	for (i=0; i<N(refusalv); i++) {
		choose(env, &compare, &jump, refusalv[i].to);
		refusals = env_str(env, "%s<label id=\"%s\"/>\n"
			"<send><![CDATA[\nSIP/2.0 %d As You Say\n"
			"[last_Via:]\n[last_From:]\n"
			"[last_To:];tag=[pid]-[call_number]a\n"
			"[last_Call-ID:]\n[last_CSeq:]\nRetry-After: 3600\n"
			"Content-Length: 0\n\n]]></send>\n"
			"<recv request=\"ACK\" next=\"end\"/>\n", refusals,
			refusalv[i].to, refusalv[i].code);
	}
	file_fill(env, path, env_data(env, "answers.xml"),
		  (const char *[]){"COMPARE", compare, "JUMP", jump,
				   "REFUSALS", refusals, "SDP", SDP("9"),
				   "NOMSRP", SDP("0"), NULL});

	return path;
}


static void open_scene(struct scene *s)
{
	s->env = env_open();
	s->port = port_get(s->env, 1);
	port_release(s->env, s->port);
	s->sipp = sipp_start(s->env, &(struct sipp_args){
		.scenario = scenario(s->env), .port = s->port,
		.calls = CALLS});
	s->b = baresip_start(s->env, &(struct baresip_args){
		.name = "alice", .config = "cpm_trust any\n",
		.accounts = "<sip:alice@127.0.0.1>;regint=0;auth_user=alice;"
			"auth_pass=secret\n"});
	s->c = s->b->ctrl;
}


/* Every call went as its part of the scenario says, and is over */
static void close_scene(struct scene *s)
{
	char text[4096];

	(void)ctrl_until(s->c, "cpm_status", NULL, "sessions", 0, E2E_WAIT);
	proc_signal(s->sipp, SIGUSR1);
	if (proc_wait(s->sipp, E2E_WAIT)) {
		file_head(env_path(s->env, "sipp.0.errors"), text,
			  sizeof(text));
		e2e_fail("SIPp saw something else: %s", text);
	}
	ck_assert_int_eq(0, baresip_quit(s->b));
	env_close(s->env);
}


static int64_t send_to(struct scene *s, const char *user)
{
	return j_int(ctrl_ask(s->c, "cpm_send", "{\"to\":\"sip:%s@127.0.0.1:"
			      "%u\",\"mode\":\"session\",\"text\":\"Hi\"}",
			      user, s->port), "id");
}


static const struct odict *message(struct scene *s, int64_t id)
{
	return ctrl_ask(s->c, "cpm_message", "%d", (int)id);
}


/* What the message itself says in the end */
static void message_is(struct scene *s, int64_t id, const struct fare *f)
{
	const struct odict *o;
	struct wait w;

	wait_start(&w, E2E_WAIT, f->to);
	do {
		o = message(s, id);
	} while (!(j_has(o, "reason") && strcmp("sending",
						j_str(o, "status"))) &&
		 wait_more(&w));

	ck_assert_str_eq(f->later ? "queued" : "failed", j_str(o, "status"));
	ck_assert_str_eq(f->reason, j_str(o, "reason"));
	if (f->code)
		ck_assert_int_eq(f->code, j_int(o, "code"));
}


static bool explains(const struct fare *f, const struct odict *o)
{
	return f->code == (j_has(o, "code") ? j_int(o, "code") : 0) &&
		!strcmp(f->reason, j_str(o, "reason"));
}


/* Each session says that it failed, and why */
static void sessions_are(struct scene *s, const struct fare *v, size_t n)
{
	bool seenv[N(refusalv)] = {false}, known;
	const struct odict *o;
	size_t i, left = n;

	while (left) {
		o = ctrl_event(s->c, "session", E2E_WAIT);
		if (strcmp("failed", j_str(o, "state")))
			continue;

		for (i=0, known=false; i<n; i++) {
			if (!explains(&v[i], o))
				continue;
			/* what is tried again soon may fail again */
			known = true;
			if (seenv[i])
				continue;
			seenv[i] = true;
			--left;
			break;
		}
		ck_assert_msg(known, "nothing explains %s",
			      j_str(o, "reason"));
	}
}


static void fare(struct scene *s, const struct fare *v, size_t n)
{
	int64_t idv[N(refusalv)];
	size_t i;

	for (i=0; i<n; i++)
		idv[i] = send_to(s, v[i].to);
	sessions_are(s, v, n);
	for (i=0; i<n; i++) {
		message_is(s, idv[i], &v[i]);
		if (v[i].later)
			(void)ctrl_ask(s->c, "cpm_cancel", "%d", (int)idv[i]);
	}
}


START_TEST(refused)
{
	struct scene s;

	open_scene(&s);
	fare(&s, refusalv, N(refusalv));
	close_scene(&s);
}
END_TEST


START_TEST(refused_later)
{
	struct scene s;

	open_scene(&s);
	fare(&s, otherv, N(otherv));
	close_scene(&s);
}
END_TEST


static int64_t session_event(struct scene *s, const char *state)
{
	const struct odict *o;

	do {
		o = ctrl_event(s->c, "session", E2E_WAIT);
	} while (strcmp(state, j_str(o, "state")));

	return j_int(o, "session");
}


/* Nothing is to be tried again: all that there is */
static void cancel_all(struct scene *s, size_t n)
{
	size_t i;

	for (i=0; i<n; i++)
		(void)ctrl_ask(s->c, "cpm_cancel", "%zu", i + 1);
}


START_TEST(taken)
{
	struct scene s;
	size_t i;

	open_scene(&s);
	for (i=0; i<N(takenv); i++)
		(void)send_to(&s, takenv[i]);
	for (i=0; i<N(takenv); i++)
		(void)ctrl_ask(s.c, "cpm_close", "%d",
			       (int)session_event(&s, "accepted"));
	cancel_all(&s, N(takenv));
	close_scene(&s);
}
END_TEST


/* These end by themselves, or by the other side */
START_TEST(hung_up)
{
	static const char *const v[] = {"fork", "change"};
	struct scene s;
	size_t i;

	open_scene(&s);
	for (i=0; i<N(v); i++) {
		const int64_t id = send_to(&s, v[i]);

		(void)session_event(&s, "closed");
		/* before it goes once more */
		(void)ctrl_ask(s.c, "cpm_cancel", "%d", (int)id);
	}
	close_scene(&s);
}
END_TEST


/* Before it is answered: the CANCEL is in time, or it is not */
START_TEST(canceled)
{
	static const char *const v[] = {"cancel", "late"};
	struct scene s;
	size_t i;

	open_scene(&s);
	for (i=0; i<N(v); i++)
		(void)send_to(&s, v[i]);
	cancel_all(&s, N(v));
	for (i=0; i<N(v); i++)
		(void)session_event(&s, "closed");
	close_scene(&s);
}
END_TEST


Suite *invite_suite(void)
{
	Suite *suite = suite_create("invite");
	TCase *tc = suite_case(suite, "invite", 60);

	tcase_add_test(tc, refused);
	tcase_add_test(tc, refused_later);
	tcase_add_test(tc, taken);
	tcase_add_test(tc, hung_up);
	tcase_add_test(tc, canceled);
	glare_cases(suite);

	return suite;
}
