/**
 * @file test_chat.c  Sending over MSRP: sessions, large messages, files
 *
 * wire.md 4.2, 7 and 13.9; RFC 4975, 7. The other side is played by hand, so
 * that it may be as odd as a test likes; or it is the PF. From one engine to
 * another: test/unit/chat.c
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "suite.h"
#include "scene.h"
#include "relay.h"
#include "chatter.h"


#define ICSI "3gpp-service.ims.icsi.oma.cpm."

/* our notifications are another suite's */
static const char config[] = "cpm_delivery_imdn no\n";


static void open_chat(struct chatter *c)
{
	chatter_open(c, env_open(), config);
}


/* @param open He is the one that hangs up */
static void close_chat(struct chatter *c, bool open)
{
	if (open)
		server_bye(&c->s);
	chatter_close(c);
	ck_assert_int_eq(0, baresip_quit(c->s.b));
	env_close(c->s.env);
}


/* @return its id */
static int64_t say(struct chatter *c, const char *text)
{
	const struct odict *o = ctrl_ask(c->s.b->ctrl, "cpm_send",
		"{\"to\":\"" BOB "\",\"mode\":\"session\",\"text\":\"%s\"}",
		text);

	return j_int(o, "id");
}


static int64_t send_file(struct ctrl *ctrl, const char *path)
{
	return j_int(ctrl_ask(ctrl, "cpm_send", "{\"to\":\"" BOB "\","
			      "\"file\":\"%s\",\"type\":\"image/jpeg\"}",
			      path), "id");
}


/* The next change of a message of ours */
static const struct odict *moved(struct ctrl *ctrl, int64_t id,
				 const char *status)
{
	const struct odict *o = ctrl_event(ctrl, "status", E2E_WAIT);

	ck_assert_int_eq(id, j_int(o, "id"));
	ck_assert_str_eq(status, j_str(o, "status"));

	return o;
}


static const struct odict *message(struct chatter *c, int64_t id)
{
	return ctrl_ask(c->s.b->ctrl, "cpm_message", "%d", (int)id);
}


static void has(struct chatter *c, const char *name, const char *value)
{
	const char *val = server_field(&c->s, c->s.invite, name);

	ck_assert_msg(val != NULL, "no %s in %s", name, c->s.invite);
	ck_assert_str_eq(value, val);
}


/* What is said is on the wire as wire.md 7 has it; what is said back on that
   session is kept, notified, and shown being written */
START_TEST(talk)
{
	const struct odict *o;
	const char *id, *conv, *first;
	struct chatter c;
	int64_t msg;

	open_chat(&c);
	msg = say(&c, "Hello Bob");
	chatter_take(&c, "sendrecv", "");
	has(&c, "P-Preferred-Service: ", "urn:urn-7:" ICSI "session");
	has(&c, "P-Preferred-Identity: ", "<" ALICE ">");
	has(&c, "Accept-Contact: ", "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A"
	    ICSI "session\"");
	has(&c, "a=setup:", "actpass");
	ck_assert_ptr_nonnull(strstr(c.s.invite, "\r\na=accept-types:"
		"message/cpim application/im-iscomposing+xml\r\n"));
	ck_assert_ptr_nonnull(strstr(c.s.invite, "a=sendrecv\r\n"));
	ck_assert_ptr_null(server_field(&c.s, c.s.invite, "InReplyTo"));
	conv = server_field(&c.s, c.s.invite, "Conversation-ID: ");
	first = server_field(&c.s, c.s.invite, "Contribution-ID: ");
	ck_assert(conv && first && strcmp(conv, first));

	id = chatter_text(&c, "Hello Bob");
	ck_assert_str_eq("<" ALICE ">", chatter_cpim(&c, "From"));
	ck_assert_str_eq("<" BOB ">", chatter_cpim(&c, "To"));
	ck_assert_ptr_nonnull(strstr(c.body, "positive-delivery"));
	ck_assert_ptr_nonnull(strstr(c.body, "display"));
	(void)moved(c.s.b->ctrl, msg, "sent");
	o = message(&c, msg);
	ck_assert_str_eq("session", j_str(o, "mode"));
	ck_assert_str_eq(id, j_str(o, "imdn_id"));
	ck_assert_str_eq(conv, j_str(o, "conversation_id"));
	ck_assert_str_eq(first, j_str(o, "contribution_id"));

	/* a notification over the session */
	chatter_say(&c, "", "message/imdn+xml\r\n"
		    "Content-Disposition: notification",
		    env_str(c.s.env, "<imdn xmlns=\"urn:ietf:params:xml:ns:"
			    "imdn\"><message-id>%s</message-id><datetime>"
			    "2026-11-21T03:11:00Z</datetime><delivery-"
			    "notification><status><delivered/></status>"
			    "</delivery-notification></imdn>", id));
	(void)moved(c.s.b->ctrl, msg, "delivered");

	/* and an answer, after it was written */
	chatter_say(&c, "", "application/im-iscomposing+xml",
		    "<?xml version=\"1.0\"?><isComposing xmlns=\"urn:ietf:"
		    "params:xml:ns:im-iscomposing\"><state>active</state>"
		    "</isComposing>");
	o = ctrl_event(c.s.b->ctrl, "composing", E2E_WAIT);
	ck_assert_str_eq("active", j_str(o, "state"));
	ck_assert_int_eq(1, j_int(o, "conversation"));
	chatter_say(&c, "", "text/plain", "Hello Alice");
	o = ctrl_event(c.s.b->ctrl, "message", E2E_WAIT);
	ck_assert_int_eq(1, j_int(o, "conversation"));
	ck_assert(!j_bool(o, "deferred"));
	o = message(&c, j_int(o, "last"));
	ck_assert_str_eq("Hello Alice", j_str(o, "text"));
	ck_assert_str_eq(conv, j_str(o, "conversation_id"));

	/* on the same session */
	o = ctrl_ask(c.s.b->ctrl, "cpm_composing", "1");
	ck_assert(j_bool(o, "sent"));
	msg = say(&c, "How are you");
	ck_assert(chatter_get(&c));
	ck_assert_ptr_nonnull(strstr(c.head, "im-iscomposing"));
	(void)chatter_text(&c, "How are you");
	(void)moved(c.s.b->ctrl, msg, "sent");
	/* with that he knows that it is written: what is next is news */
	o = ctrl_ask(c.s.b->ctrl, "cpm_composing", "1");
	ck_assert(j_bool(o, "sent"));
	ck_assert(chatter_get(&c));
	ck_assert_ptr_nonnull(strstr(c.body, "active"));
	o = ctrl_ask(c.s.b->ctrl, "cpm_sessions", NULL);
	ck_assert_uint_eq(1, j_count(o, "sessions"));
	ck_assert_str_eq("out", j_str(o, "sessions.0.direction"));

	/* he hangs up; what is next begins anew, in the same conversation */
	server_bye(&c.s);
	msg = say(&c, "Are you there?");
	chatter_take(&c, "sendrecv", "");
	has(&c, "Conversation-ID: ", conv);
	ck_assert_str_ne(first, server_field(&c.s, c.s.invite,
					     "Contribution-ID: "));
	(void)chatter_text(&c, "Are you there?");
	(void)moved(c.s.b->ctrl, msg, "sent");
	ck_assert_uint_eq(2, c.s.invites);
	close_chat(&c, true);
}
END_TEST


/* What the answer to a message means */
static const struct {
	const char *code;
	const char *reason;   /* NULL: it goes again, over a new session    */
} answerv[] = {
	{"413 Too Large", "the other side takes no more of it"},
	{"415 No", "the other side does not take this type"},
	{"403 No", "not allowed"},
	{"400 What", "refused by the other side"},
	{"481 Gone", NULL},
	{"408 Late", NULL},
	{"506 Twice", NULL},
};

START_TEST(answered)
{
	const char *code = answerv[_i].code, *reason = answerv[_i].reason;
	const struct odict *o;
	const char *id;
	struct chatter c;
	int64_t msg;

	open_chat(&c);
	msg = say(&c, "Hello Bob");
	chatter_take(&c, "sendrecv", "");
	ck_assert(chatter_get(&c));
	id = chatter_cpim(&c, "imdn.Message-ID");
	chatter_answer(&c, code);
	if (reason) {
		o = moved(c.s.b->ctrl, msg, "failed");
		ck_assert_int_eq(atoi(code), j_int(o, "code"));
		o = message(&c, msg);
		ck_assert_str_eq("failed", j_str(o, "status"));
		ck_assert_str_eq(reason, j_str(o, "reason"));
		/* the next one is not held up, nor the session of no use */
		msg = say(&c, "Pardon");
		(void)chatter_text(&c, "Pardon");
	}
	else {
		chatter_take(&c, "sendrecv", "");
		ck_assert_str_eq(id, chatter_text(&c, "Hello Bob"));
	}
	(void)moved(c.s.b->ctrl, msg, "sent");
	ck_assert_uint_eq(reason ? 1 : 2, c.s.invites);
	close_chat(&c, true);
}
END_TEST


/* The connection breaks before the answer: it goes again, as the same, and
   what was behind it is behind it still */
START_TEST(lost)
{
	const char *id, *next;
	struct chatter c;
	int64_t a, b;

	open_chat(&c);
	a = say(&c, "one");
	chatter_take(&c, "sendrecv", "");
	ck_assert(chatter_get(&c));
	id = chatter_cpim(&c, "imdn.Message-ID");
	b = say(&c, "two");
	ck_assert(chatter_get(&c));
	next = chatter_cpim(&c, "imdn.Message-ID");
	chatter_cut(&c);
	chatter_take(&c, "sendrecv", "");
	ck_assert_str_eq(id, chatter_text(&c, "one"));
	ck_assert_str_eq(next, chatter_text(&c, "two"));
	(void)moved(c.s.b->ctrl, a, "sent");
	(void)moved(c.s.b->ctrl, b, "sent");
	close_chat(&c, true);
}
END_TEST


/* What he says in his SDP counts */
static const struct {
	const char *dir;
	const char *lines;
	int code;             /* 0: it goes                                 */
	const char *reason;
} limitv[] = {
	{"sendrecv", "a=max-size:200\r\n", 413,
	 "too large for the other side"},
	{"sendrecv", "a=accept-wrapped-types:image/png\r\n", 415,
	 "the other side does not take this type"},
	{"sendrecv", "a=accept-wrapped-types:text/*\r\na=max-size:9000\r\n",
	 0, NULL},
	{"recvonly", "", 0, NULL},
};

START_TEST(limits)
{
	const struct odict *o;
	struct chatter c;
	int64_t msg;

	open_chat(&c);
	msg = say(&c, "Hello Bob");
	chatter_take(&c, limitv[_i].dir, limitv[_i].lines);
	if (limitv[_i].code) {
		o = moved(c.s.b->ctrl, msg, "failed");
		ck_assert_int_eq(limitv[_i].code, j_int(o, "code"));
		o = message(&c, msg);
		ck_assert_str_eq(limitv[_i].reason, j_str(o, "reason"));
	}
	else {
		(void)chatter_text(&c, "Hello Bob");
		(void)moved(c.s.b->ctrl, msg, "sent");
	}
	close_chat(&c, true);
}
END_TEST


static const char *file(struct chatter *c, size_t size)
{
	const char *path = env_path(c->s.env, "my picture.jpg");
	char *text = mem_alloc(size + 1, NULL);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', size);
	text[size] = '\0';
	file_write(path, text);
	mem_deref(text);

	return path;
}


/* A file: an INVITE of its own, only to send; the name goes with it; progress
   is told; BYE from us */
START_TEST(large)
{
	enum { SIZE = 2000000 };
	const struct odict *o;
	struct chatter c;
	int64_t msg;

	open_chat(&c);
	msg = send_file(c.s.b->ctrl, file(&c, SIZE));
	chatter_take(&c, "recvonly", "");
	has(&c, "P-Preferred-Service: ", "urn:urn-7:" ICSI "largemsg");
	has(&c, "Accept-Contact: ", "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A"
	    ICSI "largemsg\"");
	ck_assert_ptr_nonnull(strstr(c.s.invite, "a=sendonly\r\n"));
	ck_assert(chatter_get(&c));
	ck_assert_ptr_nonnull(strstr(c.body, "\r\nContent-Type: image/jpeg"
				     "\r\n"));
	ck_assert_ptr_nonnull(strstr(c.body, "Content-Disposition: "
		"attachment; filename=\"my picture.jpg\"\r\n"));
	ck_assert_ptr_nonnull(strstr(c.body, "Content-Length: 2000000\r\n"));
	chatter_answer(&c, "200 OK");
	ck_assert_uint_eq('+', c.flag);
	/* long enough for one event on the way */
	o = ctrl_event(c.s.b->ctrl, "progress", E2E_WAIT);
	ck_assert_int_eq(msg, j_int(o, "id"));
	ck_assert_int_eq(SIZE, j_int(o, "size"));
	ck_assert_int_gt(j_int(o, "sent"), 0);
	ck_assert_int_lt(j_int(o, "sent"), SIZE);
	while (c.flag == '+') {
		ck_assert(chatter_get(&c));
		chatter_answer(&c, "200 OK");
	}
	(void)moved(c.s.b->ctrl, msg, "sent");
	do {
		o = ctrl_event(c.s.b->ctrl, "progress", E2E_WAIT);
	} while (j_int(o, "sent") != SIZE);
	server_wait(&c.s, "BYE");
	(void)ctrl_until(c.s.b->ctrl, "cpm_status", NULL, "sessions", 0,
			 E2E_WAIT);
	close_chat(&c, false);
}
END_TEST


/* Given up half way: what came looks cut, and the session ends */
START_TEST(cancel)
{
	const struct odict *o;
	struct chatter c;
	int64_t msg;

	open_chat(&c);
	msg = send_file(c.s.b->ctrl, file(&c, 30000000));
	chatter_take(&c, "recvonly", "");
	ck_assert(chatter_get(&c));
	(void)ctrl_ask(c.s.b->ctrl, "cpm_cancel", "%d", (int)msg);
	o = moved(c.s.b->ctrl, msg, "failed");
	ck_assert(!j_has(o, "code"));
	o = message(&c, msg);
	ck_assert_str_eq("canceled", j_str(o, "reason"));
	while (c.flag != '#') {
		ck_assert_int_eq('+', c.flag);
		ck_assert(chatter_get(&c));
	}
	/* not before he has seen that */
	chatter_last(&c);
	server_wait(&c.s, "BYE");
	close_chat(&c, false);
}
END_TEST


/* Through the PF, to somebody who is away: with TLS, and through a relay of
   ours */
enum { PLAIN, TLS, RELAY };

static void scene_way(struct scene *s, int way)
{
	static const char *const optv[] = {"-K", "-u", "bob:secret", "-T"};
	struct relay *relay;

	memset(s, 0, sizeof(*s));
	s->env = env_open();
	memcpy(s->args.optv, optv, (way == TLS ? 4 : 3) * sizeof(*optv));
	s->args.config = way == TLS ? "cpm_msrp tls\n" : "";
	relay = way == RELAY ? relay_alloc(s->env, false) : NULL;
	if (relay)
		s->args.config = env_str(s->env, "cpm_relay %s\n",
					 relay->uri);
	scene_pf(s);
	if (relay)
		relay_run(relay, "alice:secret");
	scene_start(s);
}


START_TEST(way)
{
	const struct pf_event *ev;
	const struct odict *o;
	struct scene s;
	int64_t msg;

	scene_way(&s, _i);
	msg = j_int(ctrl_ask(s.c, "cpm_send", "{\"to\":\"sip:bob@cpm.test\","
			     "\"mode\":\"session\",\"text\":\"Hello\"}"),
		    "id");
	ev = pf_event(s.pf, "kept", E2E_WAIT);
	ck_assert_str_eq("session", pf_str(ev, "way"));
	(void)moved(s.c, msg, "sent");
	o = ctrl_ask(s.c, "cpm_sessions", NULL);
	ck_assert_str_eq(_i == TLS ? "tls" : "tcp",
			 j_str(o, "sessions.0.transport"));
	msg = j_int(ctrl_ask(s.c, "cpm_send", "{\"to\":\"sip:bob@cpm.test\","
			     "\"mode\":\"session\",\"text\":\"again\"}"),
		    "id");
	(void)pf_event(s.pf, "kept", E2E_WAIT);
	(void)moved(s.c, msg, "sent");
	o = ctrl_ask(s.c, "cpm_sessions", NULL);
	ck_assert_uint_eq(1, j_count(o, "sessions"));
	scene_close(&s);
}
END_TEST


/* While what was kept is still being delivered: neither an answer to it nor
   what is said in that conversation goes over that session, which is open */
START_TEST(not_there)
{
	const struct odict *o;
	struct scene s;
	int64_t msg;

	scene_open(&s, &(struct scene_args){.optv = {"-K", "-u", "bob:x",
						     NULL}});
	scene_start(&s);
	scene_halfway(&s);
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 1, E2E_WAIT);
	ctrl_skip(s.c);
	msg = j_int(ctrl_ask(s.c, "cpm_send", "{\"conversation\":1,\"mode\":"
			     "\"session\",\"text\":\"Hello\"}"), "id");
	ck_assert_str_eq("", pf_str(pf_event(s.pf, "take", E2E_WAIT),
				    "reply"));
	do {
		o = ctrl_event(s.c, "status", E2E_WAIT);
	} while (j_int(o, "id") != msg);
	ck_assert_str_eq("sent", j_str(o, "status"));
	(void)ctrl_ask(s.c, "cpm_send", "{\"reply_to\":1,\"text\":\"yes\"}");
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_ne("", j_str(o, "contribution_id"));
	ck_assert_str_eq(j_str(o, "contribution_id"),
			 pf_str(pf_event(s.pf, "take", E2E_WAIT), "reply"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "queued", 0, E2E_WAIT);
	ck_assert_int_eq(3, scene_count(&s, "sessions"));
	/* and that one has gone on all the time */
	o = ctrl_ask(s.c, "cpm_sessions", NULL);
	ck_assert(j_bool(o, "sessions.0.deferred"));
	ck_assert_str_eq("established", j_str(o, "sessions.0.state"));
	scene_close(&s);
}
END_TEST


Suite *chat_suite(void)
{
	Suite *s = suite_create("chat");
	TCase *tc = suite_case(s, "chat", 60);

	tcase_add_test(tc, talk);
	tcase_add_loop_test(tc, answered, 0, (int)ARRAY_SIZE(answerv));
	tcase_add_test(tc, lost);
	tcase_add_loop_test(tc, limits, 0, (int)ARRAY_SIZE(limitv));
	tcase_add_test(tc, large);
	tcase_add_test(tc, cancel);
	tcase_add_loop_test(tc, way, PLAIN, RELAY + 1);
	tcase_add_test(tc, not_there);

	return s;
}
