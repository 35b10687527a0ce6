/**
 * @file test_pull.c  What a server announces, and how it is fetched
 *
 * The server is the test itself, as odd as it likes. wire.md 5 and 13.8.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "server.h"


#define ENTRY(id, more) "<entry reference=\"" id "\">" more "</entry>"
#define LIST(state, entries) "<?xml version=\"1.0\"?><deferred-list xmlns=\"" \
	LIST_NS "\" state=\"" state "\">" entries "</deferred-list>"
#define TAG(service) "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" \
	"3gpp-service.ims.icsi.oma.cpm." service "\"\r\n"
#define SUMMARY "application/simple-message-summary"
#define EVENT "Event: message-summary\r\nSubscription-State: active\r\n"

static const char two[] = LIST("full",
	ENTRY("m-1", "<from>sip:bob@cpm.test</from><subject>Lunch</subject>"
	      "<size>120</size><date>2026-11-21T03:11:00Z</date>"
	      "<expiry>2099-01-01T00:00:00Z</expiry><mode>page</mode>")
	ENTRY("m-2", "<from>sip:carol@cpm.test</from>"));


static const struct odict *ask(struct server *s, const char *cmd,
			       const char *prm)
{
	return ctrl_ask(s->b->ctrl, cmd, prm ? "%s" : NULL, prm);
}


static void event_is(struct server *s, int64_t count)
{
	const struct odict *o = ctrl_event(s->b->ctrl, "deferred", E2E_WAIT);

	ck_assert_str_eq(ALICE, j_str(o, "account"));
	ck_assert_int_eq(count, j_int(o, "count"));
	ck_assert_int_eq(count, j_int(ask(s, "cpm_status", NULL),
				      "deferred"));
	ck_assert_uint_eq(count, j_count(ask(s, "cpm_deferred", NULL),
					 "deferred"));
}


static void waiting(struct server *s, unsigned i, const char *reference)
{
	const struct odict *o = ask(s, "cpm_deferred", NULL);

	ck_assert_str_eq(reference, j_str(o, env_str(s->env,
				"deferred.%u.reference", i)));
}


static const struct odict *session(struct server *s, const char *state)
{
	const struct odict *o;

	do {
		o = ctrl_event(s->b->ctrl, "session", E2E_WAIT);
	} while (strcmp(state, j_str(o, "state")));
	ck_assert(j_bool(o, "deferred"));

	return o;
}


static void error_is(struct server *s, const char *prm, const char *code,
		     const char *text)
{
	const struct odict *o;

	ck_assert(!ctrl_cmd(s->b->ctrl, "cpm_pull", prm, &o));
	ck_assert_str_eq(code, j_str(o, "error.code"));
	ck_assert_msg(strstr(j_str(o, "error.text"), text) != NULL, "%s",
		      j_str(o, "error.text"));
}


static void end(struct server *s)
{
	server_close(s);
	ck_assert_int_eq(0, baresip_quit(s->b));
	env_close(s->env);
}


/* What announces, what only looks like it, and what becomes of the list */
START_TEST(notified)
{
	struct server s;
	const struct odict *o;

	server_open(&s, env_open(), NULL);

	/* something waits: no more is known */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	event_is(&s, 1);
	waiting(&s, 0, "all");
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL,
		"text/plain", "You have 2 messages"));
	event_is(&s, 1);

	/* all there is; the same octets again are one request */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", ALICE, NULL,
					  LIST_TYPE, two));
	ck_assert_uint_eq(200, server_again(&s));
	event_is(&s, 2);
	o = ask(&s, "cpm_deferred", ALICE);
	ck_assert_str_eq("m-1", j_str(o, "deferred.0.reference"));
	ck_assert_str_eq(ALICE, j_str(o, "deferred.0.account"));
	ck_assert_str_eq(BOB, j_str(o, "deferred.0.from"));
	ck_assert_str_eq("Lunch", j_str(o, "deferred.0.subject"));
	ck_assert_int_eq(120, j_int(o, "deferred.0.size"));
	ck_assert_str_eq("2026-11-21T03:11:00Z",
			 j_str(o, "deferred.0.time"));
	ck_assert_str_eq("2099-01-01T00:00:00Z",
			 j_str(o, "deferred.0.expires"));
	ck_assert_str_eq("page", j_str(o, "deferred.0.mode"));
	ck_assert(!j_has(o, "deferred.1.size"));

	/* known ones change, others come in addition, what expired does
	   not count */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL,
		LIST_TYPE, LIST("partial",
		ENTRY("m-2", "<subject>new</subject>") ENTRY("m-3", "")
		ENTRY("m-4", "<expiry>2020-01-01T00:00:00Z</expiry>"))));
	event_is(&s, 3);
	/* nothing in addition changes nothing */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL,
					  LIST_TYPE, LIST("partial", "")));
	o = ask(&s, "cpm_deferred", NULL);
	ck_assert_str_eq("new", j_str(o, "deferred.1.subject"));
	waiting(&s, 2, "m-3");

	/* nothing new: nothing is told, and all stays */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL,
					  LIST_TYPE, LIST("partial", "")));
	ck_assert_ptr_null(ctrl_try_event(s.b->ctrl, "deferred", 1));

	/* the other method */
	ck_assert_uint_eq(200, server_say(&s, "NOTIFY", NULL, DEFERRED EVENT,
		SUMMARY, "Messages-Waiting: yes\r\nText-Message: 2/0\r\n"));
	event_is(&s, 4);
	baresip_quit(s.b);
	baresip_restart(s.b);
	ck_assert_uint_eq(4, j_count(ask(&s, "cpm_deferred", NULL),
				     "deferred"));
	ck_assert_uint_eq(200, server_say(&s, "NOTIFY", NULL, DEFERRED EVENT,
					  LIST_TYPE, two));
	event_is(&s, 2);
	ck_assert_uint_eq(200, server_say(&s, "NOTIFY", NULL, DEFERRED EVENT,
		SUMMARY, "Messages-Waiting: no\r\n"));
	event_is(&s, 0);
	end(&s);
}
END_TEST


/* What is refused, and what is not for this */
START_TEST(not_notified)
{
	struct server s;

	server_open(&s, env_open(), NULL);
	ck_assert_uint_eq(400, server_say(&s, "MESSAGE", NULL, NULL,
		LIST_TYPE, "<deferred-list><entry/></deferred-list>"));
	ck_assert_uint_eq(400, server_say(&s, "MESSAGE", NULL, NULL, SUMMARY,
					  "Text-Message: 2/0\r\n"));
	ck_assert_uint_eq(413, server_say(&s, "MESSAGE", NULL, NULL,
		LIST_TYPE, env_str(s.env, "<deferred-list><entry "
		"reference=\"a\"><subject>%05000d</subject></entry>"
		"</deferred-list>", 1)));
	ck_assert_uint_eq(415, server_say(&s, "NOTIFY", NULL, DEFERRED EVENT,
					  "text/html", "<p>"));
	ck_assert_ptr_nonnull(strstr(server_heard(), "\r\nAccept: "
				     LIST_TYPE ", " SUMMARY ", text/plain\r"));

	/* the softphone's own */
	ck_assert_uint_ne(200, server_say(&s, "NOTIFY", NULL, EVENT, SUMMARY,
					  "Messages-Waiting: yes\r\n"));
	ck_assert_uint_ne(200, server_say(&s, "NOTIFY", NULL, TAG("session")
		EVENT, SUMMARY, "Messages-Waiting: yes\r\n"));
	ck_assert_uint_ne(200, server_say(&s, "NOTIFY", NULL, DEFERRED
		"Event: presence\r\n", LIST_TYPE, two));

	/* somebody's text is his message, of the same tag */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", BOB, NULL,
					  "text/plain", "late, I know"));
	ck_assert_str_eq("late, I know", j_str(ask(&s, "cpm_message", "1"),
					       "text"));
	ck_assert_int_eq(0, j_int(ask(&s, "cpm_status", NULL), "deferred"));
	ck_assert_ptr_null(ctrl_try_event(s.b->ctrl, "deferred", 100));
	end(&s);
}
END_TEST


static void invite_has(struct server *s, const char *text)
{
	ck_assert_msg(strstr(s->invite, text) != NULL, "no %s in %s", text,
		      s->invite);
}


static void invite_is(struct server *s)
{
	invite_has(s, "INVITE sip:alice@cpm.test SIP/2.0\r\n");
	invite_has(s, "\r\nTo: <sip:alice@cpm.test>\r\n");
	invite_has(s, "\r\nFrom: <sip:alice@cpm.test>;tag=");
	invite_has(s, "\r\n" DEFERRED);
	invite_has(s, "\r\nP-Preferred-Service: urn:urn-7:3gpp-service.ims."
		   "icsi.oma.cpm.deferred\r\n");
	invite_has(s, "\r\nConversation-ID: ");
	invite_has(s, "\r\nContribution-ID: ");
	invite_has(s, "\r\nSupported: timer\r\n");
	invite_has(s, "\r\nSession-Expires: 1800;refresher=uac\r\n");
	invite_has(s, "TCP/MSRP *\r\n");
	invite_has(s, "\r\na=setup:actpass\r\n");
	invite_has(s, "\r\na=recvonly\r\n");
}


/* All: what came is known by what the list says of it; orderly end */
START_TEST(all)
{
	struct server s;
	const struct odict *o;
	int64_t number;

	server_open(&s, env_open(), NULL);
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL,
					  LIST_TYPE, two));
	event_is(&s, 2);
	number = j_int(ask(&s, "cpm_pull", NULL), "session");
	server_wait(&s, "INVITE");
	invite_is(&s);
	invite_has(&s, "\r\nContent-Type: application/sdp\r\n");
	ck_assert_str_eq("calling", j_str(session(&s, "calling"), "state"));
	o = ask(&s, "cpm_sessions", NULL);
	ck_assert_int_eq(number, j_int(o, "sessions.0.session"));
	ck_assert_str_eq("out", j_str(o, "sessions.0.direction"));
	ck_assert_str_eq("calling", j_str(o, "sessions.0.state"));
	error_is(&s, ALICE, "EALREADY", env_str(s.env, "session %d ",
						(int)number));
	server_answer(&s, "200 OK", NULL, server_sdp(&s, "passive"));
	server_wait(&s, "ACK");
	caller_bind(&s.msrp);
	session(&s, "established");

	/* it leaves the list at once */
	server_message(&s, "m-1", NULL, "one");
	ctrl_until(s.b->ctrl, "cpm_status", NULL, "deferred", 1, E2E_WAIT);
	waiting(&s, 0, "m-2");
	o = ask(&s, "cpm_message", "1");
	ck_assert_str_eq("one", j_str(o, "text"));
	ck_assert_str_eq(BOB, j_str(o, "peer"));
	ck_assert_str_eq("page", j_str(o, "mode"));
	ck_assert(j_bool(o, "deferred"));
	/* pushed as well: kept once */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", BOB, TAG("msg"),
		"message/cpim", "From: <sip:bob@cpm.test>\r\n"
		"To: <sip:alice@cpm.test>\r\n"
		"NS: imdn <urn:ietf:params:imdn>\r\n"
		"imdn.Message-ID: m-1\r\n\r\n"
		"Content-Type: text/plain\r\n\r\none"));
	/* one that nobody has told of, and m-2 not at all */
	server_message(&s, "m-9", CAROL, "two");
	o = ask(&s, "cpm_message", "2");
	ck_assert_str_eq(CAROL, j_str(o, "peer"));
	ck_assert_str_eq("large", j_str(o, "mode"));
	server_bye(&s);
	o = session(&s, "closed");
	ck_assert_int_eq(2, j_int(o, "messages"));
	ctrl_until(s.b->ctrl, "cpm_status", NULL, "deferred", 0, E2E_WAIT);
	ck_assert_int_eq(0, j_int(ask(&s, "cpm_status", NULL), "sessions"));
	end(&s);
}
END_TEST


/* Some, by name; the server connects; what is not asked for stays */
START_TEST(some)
{
	struct server s;

	server_open(&s, env_open(), NULL);
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL,
					  LIST_TYPE, two));
	error_is(&s, "{\"references\":[\"m-2\",\"m-7\"]}", "ENOENT",
		 "\"m-7\"");
	error_is(&s, "{\"references\":[1]}", "EINVAL", "strings");
	error_is(&s, "{\"references\":[]}", "EINVAL", "one at least");
	error_is(&s, "sip:dave@cpm.test", "ENOENT", "sip:dave@cpm.test");

	(void)ask(&s, "cpm_pull", "{\"references\":[\"m-2\"]}");
	server_wait(&s, "INVITE");
	invite_is(&s);
	invite_has(&s, "\r\nContent-Type: multipart/mixed;boundary=\"");
	invite_has(&s, "\r\nContent-Type: " LIST_TYPE "\r\n\r\n<?xml");
	invite_has(&s, "<entry reference=\"m-2\"/>");
	ck_assert_ptr_null(strstr(s.invite, "m-1"));
	server_answer(&s, "200 OK", "Supported: timer\r\nRequire: timer\r\n"
		      "Session-Expires: 1800;refresher=uac\r\n",
		      server_sdp(&s, "active"));
	server_wait(&s, "ACK");
	caller_connect(&s.msrp, "127.0.0.1");
	session(&s, "established");
	server_message(&s, "other", BOB, "two");
	server_bye(&s);
	session(&s, "closed");
	ctrl_until(s.b->ctrl, "cpm_status", NULL, "deferred", 1, E2E_WAIT);
	waiting(&s, 0, "m-1");

	/* we end it: nothing is taken for fetched */
	(void)ask(&s, "cpm_pull", NULL);
	server_take(&s);
	(void)ctrl_ask(s.b->ctrl, "cpm_close", "%d",
		       (int)j_int(session(&s, "established"), "session"));
	server_wait(&s, "BYE");
	session(&s, "closed");
	waiting(&s, 0, "m-1");
	/* and nothing once more if it was pushed meanwhile */
	(void)ask(&s, "cpm_pull", NULL);
	server_wait(&s, "INVITE");
	server_answer(&s, "180 Ringing", NULL, NULL);
	(void)ctrl_ask(s.b->ctrl, "cpm_close", "%d",
		       (int)j_int(session(&s, "calling"), "session"));
	server_wait(&s, "CANCEL");
	session(&s, "closed");
	end(&s);
}
END_TEST


static const struct {
	const char *code;
	int n;
	const char *reason;
} refusalv[] = {
	{"404 Not Found", 404, "the server has nothing for us"},
	{"480 Not Now", 480, "the server has nothing for us now"},
	{"488 Not Acceptable", 488, "the server does not take our offer"},
	{"603 Decline", 603, "declined by the server"},
	{"500 Oops", 500, "the server cannot now"},
	{"403 Forbidden", 403, "not allowed"},
};

#define N(v) (sizeof(v) / sizeof((v)[0]))


/* Nobody is asked as long as nobody knows us */
START_TEST(unregistered)
{
	struct env *env = env_open();
	struct baresip *b = baresip_start(env, &(struct baresip_args){
		.name = "alice", .accounts = baresip_account(env, "alice",
			DOMAIN, "127.0.0.1:9", NULL)});
	const struct odict *o;

	ck_assert(!ctrl_cmd(b->ctrl, "cpm_pull", NULL, &o));
	ck_assert_str_eq("ENOTCONN", j_str(o, "error.code"));
	ck_assert_int_eq(0, j_int(ctrl_ask(b->ctrl, "cpm_status", NULL),
				  "sessions"));
	/* in order it waits for the answer to its last REGISTER */
	baresip_kill(b);
	env_close(env);
}
END_TEST


static void failed(struct server *s, int code, const char *reason)
{
	const struct odict *o = session(s, "failed");

	if (code)
		ck_assert_int_eq(code, j_int(o, "code"));
	else
		ck_assert(!j_has(o, "code"));
	ck_assert_str_eq(reason, j_str(o, "reason"));
	ck_assert_int_eq(0, j_int(ask(s, "cpm_status", NULL), "sessions"));
	waiting(s, 0, "all");
}


/* It says no: the list stays */
START_TEST(refused)
{
	struct server s;
	size_t i;

	server_open(&s, env_open(), "cpm_deferred_uri sip:pf@cpm.test\n");
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", "sip:PF@cpm.test",
		NULL, "text/plain", "something"));
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", "sip:pf@cpm.test",
		NULL, "text/plain", "something"));
	for (i=0; i<N(refusalv); i++) {
		(void)ask(&s, "cpm_pull", ALICE);
		server_wait(&s, "INVITE");
		invite_has(&s, "INVITE sip:pf@cpm.test SIP/2.0\r\n");
		server_answer(&s, refusalv[i].code, NULL, NULL);
		server_wait(&s, "ACK");
		failed(&s, refusalv[i].n, refusalv[i].reason);
	}

	/* asked who we are: once, and once more; then it is over */
	(void)ask(&s, "cpm_pull", NULL);
	server_wait(&s, "INVITE");
	server_answer(&s, "407 Who", "Proxy-Authenticate: Digest "
		      "realm=\"cpm.test\", nonce=\"1\"\r\n", NULL);
	server_wait(&s, "INVITE");
	invite_has(&s, "\r\nProxy-Authorization: Digest username=\"alice\"");
	server_answer(&s, "407 Who", "Proxy-Authenticate: Digest "
		      "realm=\"cpm.test\", nonce=\"2\"\r\n", NULL);
	failed(&s, 407, "wrong user or password");
	end(&s);
}
END_TEST


static const char *with(struct env *env, const char *text, const char *from,
			const char *to)
{
	const char *at = strstr(text, from);

	ck_assert_ptr_nonnull(at);

	return env_str(env, "%.*s%s%s", (int)(at - text), text, to,
		       at + strlen(from));
}


/* An answer that cannot be used is acknowledged, and the session ended */
START_TEST(unusable)
{
	static const struct {
		const char *from, *to;  /* in a good answer */
		const char *reason;
	} oddv[] = {
		{NULL, NULL, "the answer has no SDP"},
		{"sendonly", "recvonly",
		 "the server does not want to send"},
		{"sendonly", "inactive",
		 "the server does not want to send"},
		{"setup:passive", "setup:holdconn",
		 "the server wants no connection"},
		{"a=path", "a=way", "the SDP of the answer cannot be used"},
		{"PORT", "m=message 0", "the answer refuses MSRP"},
		{"TCP/MSRP", "TCP/TLS/MSRP", "the answer refuses MSRP"},
	};
	struct server s;
	size_t i;

	server_open(&s, env_open(), NULL);
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	for (i=0; i<N(oddv); i++) {
		const char *sdp = NULL;

		(void)ask(&s, "cpm_pull", NULL);
		server_wait(&s, "INVITE");
		if (oddv[i].from)
			sdp = with(s.env, server_sdp(&s, "passive"),
				   strcmp(oddv[i].from, "PORT") ? oddv[i].from
				   : env_str(s.env, "m=message %u",
					     s.msrp.port), oddv[i].to);
		server_answer(&s, "200 OK", NULL, sdp);
		server_wait(&s, "BYE");
		failed(&s, 0, oddv[i].reason);
	}
	end(&s);
}
END_TEST


/* Of a message of that many octets so many come. @return what they get */
static const char *part(struct server *s, size_t octets, size_t total)
{
	static const char head[] = "From: <sip:bob@cpm.test>\r\n"
		"To: <sip:alice@cpm.test>\r\n\r\nContent-Type: text/plain"
		"\r\n\r\n";
	struct caller *c = &s->msrp;

	caller_write(c, env_str(s->env, "MSRP part SEND\r\nTo-Path: %s\r\n"
		"From-Path: %s\r\nMessage-ID: part%zu\r\n"
		"Byte-Range: 1-%zu/%zu\r\nContent-Type: message/cpim\r\n"
		"\r\n%s%0*d\r\n-------part%c\r\n", c->peer, c->path, total,
		octets, total, head, (int)(octets - (sizeof(head) - 1)), 0,
		octets < total ? '+' : '$'));
	ck_assert(caller_read(c, E2E_WAIT));

	return c->text;
}


/* One is refused, one comes in part: the session ends in order, and the rest
   is still to be fetched */
START_TEST(in_part)
{
	struct server s;

	server_open(&s, env_open(), "cpm_max_size 2000\n");
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	(void)ask(&s, "cpm_pull", NULL);
	server_take(&s);
	server_message(&s, "m-1", BOB, "one");
	ck_assert_ptr_nonnull(strstr(part(&s, 2001, 2001), "MSRP part 413 "));
	server_bye(&s);
	session(&s, "closed");
	waiting(&s, 0, "all");

	(void)ask(&s, "cpm_pull", NULL);
	server_take(&s);
	ck_assert_ptr_nonnull(strstr(part(&s, 500, 1000), "MSRP part 200 "));
	server_message(&s, "m-2", BOB, "two");
	server_bye(&s);
	session(&s, "closed");
	waiting(&s, 0, "all");
	ck_assert_int_eq(2, j_int(ask(&s, "cpm_status", NULL), "messages"));

	(void)ask(&s, "cpm_pull", NULL);
	server_take(&s);
	ck_assert_ptr_nonnull(strstr(part(&s, 1000, 1000), "MSRP part 200 "));
	server_bye(&s);
	session(&s, "closed");
	ctrl_until(s.b->ctrl, "cpm_status", NULL, "deferred", 0, E2E_WAIT);
	ck_assert_int_eq(3, j_int(ask(&s, "cpm_status", NULL), "messages"));
	end(&s);
}
END_TEST


/* What SIP allows besides: a redirection, SDP in a 183 that the 200 does not
   repeat, two answers of which one counts, BYE instead of MSRP */
START_TEST(odd)
{
	struct server s;
	const char *sdp;

	server_open(&s, env_open(), NULL);
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	(void)ask(&s, "cpm_pull", NULL);
	server_wait(&s, "INVITE");
	server_answer(&s, "302 There", NULL, NULL);
	server_wait(&s, "INVITE");
	invite_has(&s, env_str(s.env, "INVITE sip:pf@127.0.0.1:%u ", s.port));
	server_answer(&s, "183 Wait", NULL, env_str(s.env, "v=0\r\n"
		"o=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
		"t=0 0\r\nm=message 9 TCP/MSRP *\r\na=accept-types:*\r\n"
		"a=setup:active\r\na=path:msrp://127.0.0.1:9/early;tcp\r\n"
		"a=sendonly\r\n"));
	sdp = server_sdp(&s, "passive");
	server_answer(&s, "200 OK", NULL, sdp);
	s.tag = "fork";
	server_answer(&s, "200 OK", NULL, sdp);
	s.tag = env_str(s.env, "srv%u", s.invites);
	server_wait(&s, "ACK");
	caller_bind(&s.msrp);
	server_message(&s, "x", BOB, "forked");
	server_bye(&s);
	session(&s, "closed");
	ctrl_until(s.b->ctrl, "cpm_status", NULL, "deferred", 0, E2E_WAIT);

	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	(void)ask(&s, "cpm_pull", NULL);
	server_wait(&s, "INVITE");
	server_answer(&s, "200 OK", NULL, server_sdp(&s, "active"));
	server_wait(&s, "ACK");
	server_bye(&s);
	ck_assert_int_eq(0, j_int(session(&s, "closed"), "messages"));
	waiting(&s, 0, "all");
	end(&s);
}
END_TEST


/* By itself, once for each announcement; again when it was in vain */
START_TEST(by_itself)
{
	struct server s;

	server_open(&s, env_open(), "cpm_auto_pull yes\n");
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	server_wait(&s, "INVITE");
	server_answer(&s, "503 Later", NULL, NULL);
	/* a second or so later */
	server_take(&s);
	server_message(&s, "m-1", NULL, "one");
	/* announced while it runs, by the same name: one more, for that */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	server_message(&s, "m-2", NULL, "two");
	server_bye(&s);
	server_take(&s);
	server_message(&s, "m-5", BOB, "five");
	server_bye(&s);
	ctrl_until(s.b->ctrl, "cpm_status", NULL, "deferred", 0, E2E_WAIT);
	ck_assert_int_eq(3, j_int(ask(&s, "cpm_status", NULL), "messages"));

	/* for good */
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	server_wait(&s, "INVITE");
	server_answer(&s, "603 Decline", NULL, NULL);
	server_quiet(&s, "INVITE", 1500);

	/* not against the user's will */
	(void)ask(&s, "cpm_policy", "decline");
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL, NULL,
					  ""));
	server_quiet(&s, "INVITE", 300);
	end(&s);
}
END_TEST


Suite *pull_suite(void)
{
	Suite *suite = suite_create("pull");
	TCase *tc = suite_case(suite, "announced", 60);

	tcase_add_test(tc, notified);
	tcase_add_test(tc, not_notified);

	tc = suite_case(suite, "fetched", 60);
	tcase_add_test(tc, all);
	tcase_add_test(tc, some);
	tcase_add_test(tc, unregistered);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, unusable);
	tcase_add_test(tc, in_part);
	tcase_add_test(tc, odd);
	tcase_add_test(tc, by_itself);
	pull_pf_cases(suite);

	return suite;
}
