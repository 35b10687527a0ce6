/**
 * @file test_glare.c  Sessions begun from both sides, and those that come
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <string.h>
#include "suite.h"
#include "caller.h"
#include "server.h"


#define BOB "sip:bob@cpm.test"

/* Contribution-IDs below and above all of ours */
#define LOW  "!"
#define HIGH "~"


static const struct odict *state(struct server *s, const char *name)
{
	const struct odict *o;

	do {
		o = ctrl_event(s->b->ctrl, "session", E2E_WAIT);
	} while (strcmp(name, j_str(o, "state")));

	return o;
}


static void begin(struct server *s, const char *config)
{
	server_open(s, env_open(), config);
	s->chat = true;
}


static void end(struct server *s)
{
	ck_assert_int_eq(0, j_int(ctrl_until(s->b->ctrl, "cpm_status", NULL,
					     "sessions", 0, E2E_WAIT),
				  "sessions"));
	server_close(s);
	ck_assert_int_eq(0, baresip_quit(s->b));
	env_close(s->env);
}


static int say(struct server *s, const char *text)
{
	return (int)j_int(ctrl_ask(s->b->ctrl, "cpm_send", "{\"to\":\"" BOB
				   "\",\"mode\":\"session\",\"text\":\"%s\"}",
				   text), "id");
}


/* Answer what comes over MSRP, up to the message with this text */
static void take(struct caller *c, const char *text)
{
	const char *id;
	bool found;

	do {
		if (!caller_read(c, E2E_WAIT))
			e2e_fail("no more came, but for %s", text);
		found = strstr(c->text, text) != NULL;
		id = env_str(c->env, "%.*s", (int)strcspn(c->text + 5, " "),
			     c->text + 5);
		caller_write(c, env_str(c->env, "MSRP %s 200 OK\r\n"
			"To-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n", id,
			c->peer, c->path, id));
	} while (!found);
}


static void sent(struct server *s, int id)
{
	const char *prm = env_str(s->env, "%d", id);
	struct wait w;

	wait_start(&w, E2E_WAIT, "sent");
	while (strcmp("sent", j_str(ctrl_ask(s->b->ctrl, "cpm_message", "%s",
					     prm), "status")) &&
	       wait_more(&w))
		;
}


/* Bob's INVITE of the conversation that ours is of, while ours is pending */
static unsigned cross(struct server *s, struct caller *c, const char *id)
{
	const struct caller_args args = {
		.from = BOB, .chat = true,
		.head = env_str(s->env, "Conversation-ID: %s\r\n"
				"Contribution-ID: %s\r\n",
				server_field(s, s->invite,
					     "Conversation-ID: "), id)};

	return caller_invite(c, s->b, &args);
}


START_TEST(theirs)
{
	struct caller c;
	struct server s;
	int id;

	begin(&s, NULL);
	id = say(&s, "both at once");
	server_wait(&s, "INVITE");
	server_answer(&s, "180 Ringing", NULL, NULL);
	(void)state(&s, "calling");
	ck_assert_uint_eq(200, cross(&s, &c, LOW));
	server_wait(&s, "CANCEL");
	server_wait(&s, "ACK");
	caller_bind(&c);
	take(&c, "both at once");
	sent(&s, id);
	/* there is just that one */
	ck_assert_int_eq(1, j_int(ctrl_ask(s.b->ctrl, "cpm_status", NULL),
				  "sessions"));
	caller_message(&c, "and I to you");
	ck_assert_int_eq(1, j_int(ctrl_ask(s.b->ctrl, "cpm_status", NULL),
				  "conversations"));
	caller_bye(&c);
	caller_close(&c);
	end(&s);
}
END_TEST


START_TEST(ours)
{
	struct caller c;
	struct server s;
	int id;

	begin(&s, NULL);
	id = say(&s, "me first");
	server_wait(&s, "INVITE");
	ck_assert_uint_eq(486, cross(&s, &c, HIGH));
	caller_close(&c);
	server_answer(&s, "200 OK", NULL, server_sdp(&s, "passive"));
	server_wait(&s, "ACK");
	caller_bind(&s.msrp);
	take(&s.msrp, "me first");
	sent(&s, id);
	server_bye(&s);
	end(&s);
}
END_TEST


/* Of another conversation: both are */
START_TEST(another)
{
	const struct caller_args args = {.from = BOB, .chat = true};
	struct caller c;
	struct server s;
	int id;

	begin(&s, NULL);
	id = say(&s, "one");
	server_wait(&s, "INVITE");
	caller_open(&c, s.b, &args);
	server_answer(&s, "200 OK", NULL, server_sdp(&s, "passive"));
	server_wait(&s, "ACK");
	caller_bind(&s.msrp);
	take(&s.msrp, "one");
	sent(&s, id);
	server_bye(&s);
	caller_bye(&c);
	caller_close(&c);
	end(&s);
}
END_TEST


static void open_conv(struct server *s, struct caller *c, const char *id)
{
	const struct caller_args args = {
		.from = BOB, .chat = true,
		.head = env_str(s->env, "Conversation-ID: %s\r\n"
				"Contribution-ID: of-%s\r\n", id, id)};

	caller_open(c, s->b, &args);
	caller_message(c, env_str(s->env, "in %s", id));
}


/* Bob's session is of another conversation that we have with him: what is said
   in this one does not go over it */
START_TEST(not_that_one)
{
	struct caller c;
	struct server s;
	int id;

	begin(&s, NULL);
	open_conv(&s, &c, "x");
	caller_bye(&c);
	caller_close(&c);
	open_conv(&s, &c, "y");
	(void)ctrl_until(s.b->ctrl, "cpm_status", NULL, "conversations", 2,
			 E2E_WAIT);
	id = (int)j_int(ctrl_ask(s.b->ctrl, "cpm_send", "{\"conversation\":1,"
				 "\"mode\":\"session\",\"text\":\"one\"}"),
			"id");
	server_wait(&s, "INVITE");
	ck_assert_str_eq("x", server_field(&s, s.invite,
					   "Conversation-ID: "));
	server_answer(&s, "200 OK", NULL, server_sdp(&s, "passive"));
	server_wait(&s, "ACK");
	caller_bind(&s.msrp);
	take(&s.msrp, "one");
	sent(&s, id);
	server_bye(&s);
	caller_bye(&c);
	caller_close(&c);
	end(&s);
}
END_TEST


/* BYE behind the 200, before anybody has connected; and while a message is on
   its way, which then goes over another session, as the same one */
START_TEST(bye)
{
	const char *first;
	struct server s;
	int id;

	begin(&s, NULL);
	id = say(&s, "through all of it");
	server_wait(&s, "INVITE");
	server_answer(&s, "200 OK", NULL, server_sdp(&s, "active"));
	server_bye(&s);
	(void)state(&s, "closed");

	server_wait(&s, "INVITE");
	server_answer(&s, "200 OK", NULL, server_sdp(&s, "passive"));
	server_wait(&s, "ACK");
	caller_bind(&s.msrp);
	if (!caller_read(&s.msrp, E2E_WAIT))
		e2e_fail("no message");
	first = server_field(&s, env_str(s.env, "%s", s.msrp.text),
			     "imdn.Message-ID: ");
	server_bye(&s);

	server_wait(&s, "INVITE");
	server_answer(&s, "200 OK", NULL, server_sdp(&s, "passive"));
	server_wait(&s, "ACK");
	caller_bind(&s.msrp);
	take(&s.msrp, "through all of it");
	ck_assert_str_eq(first, server_field(&s, env_str(s.env, "%s",
		s.msrp.text), "imdn.Message-ID: "));
	sent(&s, id);
	server_bye(&s);
	end(&s);
}
END_TEST


static void policy(struct server *s, const char *chat)
{
	ck_assert_str_eq(chat, j_str(ctrl_ask(s->b->ctrl, "cpm_policy",
		"{\"chat\":\"%s\"}", chat), "chat"));
}


/* Who wants to talk; what was kept is another matter */
START_TEST(wanted)
{
	const struct caller_args chat = {.from = BOB, .chat = true};
	const struct caller_args kept = {.from = BOB};
	struct caller c;
	struct server s;

	begin(&s, "cpm_chat decline\ncpm_ask_timeout 1\n");
	ck_assert_uint_eq(480, caller_invite(&c, s.b, &chat));
	caller_close(&c);
	caller_open(&c, s.b, &kept);
	caller_bye(&c);
	caller_close(&c);

	policy(&s, "ask");
	ck_assert_uint_eq(480, caller_invite(&c, s.b, &chat));
	ck_assert_uint_eq(180, c.early);
	caller_close(&c);
	(void)state(&s, "asking");
	(void)state(&s, "declined");
	caller_open(&c, s.b, &kept);
	caller_bye(&c);
	caller_close(&c);

	ck_assert_str_eq("accept", j_str(ctrl_ask(s.b->ctrl, "cpm_policy",
		"{\"from\":\"" BOB "\",\"chat\":\"accept\","
		"\"deferred\":\"decline\"}"), "chat"));
	caller_open(&c, s.b, &chat);
	caller_bye(&c);
	caller_close(&c);
	ck_assert_uint_eq(480, caller_invite(&c, s.b, &kept));
	caller_close(&c);
	end(&s);
}
END_TEST


void glare_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "glare", 60);

	tcase_add_test(tc, theirs);
	tcase_add_test(tc, ours);
	tcase_add_test(tc, another);
	tcase_add_test(tc, not_that_one);
	tcase_add_test(tc, bye);
	tcase_add_test(tc, wanted);
}
