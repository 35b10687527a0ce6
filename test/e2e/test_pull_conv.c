/**
 * @file test_pull_conv.c  Which conversation a fetched message belongs to
 *
 * README.md, Fetching what the server keeps.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <string.h>
#include "suite.h"
#include "scene.h"
#include "server.h"


enum {
	CROWD      = 100,        /* in one answer of cpm_deferred         */
	ANSWER_MAX = 262144,     /* octets of it                          */
};

#define ENTRY(id, more) "<entry reference=\"" id "\">" more "</entry>"
#define TAG(service) "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" \
	"3gpp-service.ims.icsi.oma.cpm." service "\"\r\n"
#define CPIM(id) "From: <sip:carol@cpm.test>\r\nTo: <sip:alice@cpm.test>" \
	"\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: " id \
	"\r\n\r\nContent-Type: text/plain\r\n\r\nHi"


static const struct odict *ask(struct server *s, const char *cmd,
			       const char *prm)
{
	return ctrl_ask(s->b->ctrl, cmd, prm ? "%s" : NULL, prm);
}


static void in_conversation(struct server *s, int id, int64_t conversation)
{
	ck_assert_int_eq(conversation, j_int(ctrl_ask(s->b->ctrl,
		"cpm_message", "%d", id), "conversation"));
}


/* It is where it would be if it had been pushed, whichever comes first; what
   is said of it and cannot be is as if it had not been said */
START_TEST(belongs)
{
	struct server s;
	const struct odict *o;

	server_open(&s, env_open(), NULL);
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", "sip:room@cpm.test",
		TAG("msg.group"), "message/cpim", CPIM("g-1")));
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL,
		LIST_TYPE, env_str(s.env, "<deferred-list xmlns=\"" LIST_NS
		"\" state=\"full\">"
		ENTRY("g-1", "<from>sip:room@cpm.test</from>"
		      "<group>SIP:room@CPM.test:5060</group>")
		ENTRY("g-2", "<from>sip:room@cpm.test</from>"
		      "<group>sip:room@cpm.test</group>")
		ENTRY("m-1", "<conversation-id>c 1</conversation-id>")
		ENTRY("m-2", "<conversation-id>c&#10;1</conversation-id>"
		      "<group>sip:anonymous@anonymous.invalid</group>")
		ENTRY("m-3", "<conversation-id>%0257d</conversation-id>"
		      "<group>room</group>") "</deferred-list>", 1)));
	o = ask(&s, "cpm_deferred", NULL);
	ck_assert_str_eq("sip:room@cpm.test", j_str(o, "deferred.0.group"));
	ck_assert(!j_has(o, "deferred.0.conversation_id"));
	ck_assert_str_eq("c 1", j_str(o, "deferred.2.conversation_id"));
	ck_assert(!j_has(o, "deferred.2.group"));
	ck_assert(!j_has(o, "deferred.3.conversation_id"));
	ck_assert(!j_has(o, "deferred.3.group"));
	ck_assert(!j_has(o, "deferred.4.conversation_id"));
	ck_assert(!j_has(o, "deferred.4.group"));

	(void)ask(&s, "cpm_pull", NULL);
	server_take(&s);
	server_message(&s, "g-1", CAROL, "Hi");
	/* who hides in a group is nobody, whoever sends for it */
	server_message(&s, "g-2", NULL, "two");
	server_message(&s, "m-1", CAROL, "three");
	server_message(&s, "m-2", CAROL, "four");
	server_message(&s, "m-3", CAROL, "five");
	server_bye(&s);
	(void)ctrl_until(s.b->ctrl, "cpm_status", NULL, "sessions", 0,
			 E2E_WAIT);
	ck_assert_uint_eq(200, server_say(&s, "MESSAGE", CAROL, TAG("msg")
		"Conversation-ID: c 1\r\n", "message/cpim", CPIM("m-4")));
	ck_assert_int_eq(6, j_int(ask(&s, "cpm_status", NULL), "messages"));
	in_conversation(&s, 2, 1);
	in_conversation(&s, 3, 2);
	in_conversation(&s, 4, 3);
	in_conversation(&s, 5, 3);
	in_conversation(&s, 6, 2);
	ck_assert(!j_has(ask(&s, "cpm_message", "2"), "peer"));
	o = ask(&s, "cpm_message", "3");
	ck_assert_str_eq("c 1", j_str(o, "conversation_id"));
	ck_assert_str_eq(CAROL, j_str(o, "peer"));
	server_close(&s);
	ck_assert_int_eq(0, baresip_quit(s.b));
	env_close(s.env);
}
END_TEST


/* Each as large as it may be: as many as an answer holds, and it says so */
START_TEST(crowded)
{
	char part[512], one[256];
	const char *entry;
	struct server s;
	const struct odict *o;
	size_t n;
	unsigned i;

	memset(part, '\\', sizeof(part));
	memset(one, '\\', sizeof(one));
	server_open(&s, env_open(), NULL);
	for (i=0; i<CROWD; i++) {
		entry = env_str(s.env, "<entry reference=\"%03u%.253s\">"
			"<from>sip:%.506s@c</from><subject>%.256s</subject>"
			"<conversation-id>%.256s</conversation-id>"
			"<group>sip:%.506s@c</group></entry>", i, one, part,
			one, one, part);
		ck_assert_uint_eq(200, server_say(&s, "MESSAGE", NULL, NULL,
			LIST_TYPE, env_str(s.env, "<deferred-list xmlns=\""
			LIST_NS "\">%s</deferred-list>", entry)));
	}
	o = ask(&s, "cpm_deferred", NULL);
	n = j_count(o, "deferred");
	ck_assert_uint_gt(n, CROWD / 2);
	ck_assert_uint_lt(n, CROWD);
	ck_assert(j_bool(o, "more"));
	ck_assert_uint_eq(256, strlen(j_str(o,
					    "deferred.0.conversation_id")));
	ck_assert_uint_eq(512, strlen(j_str(o, "deferred.0.group")));
	ck_assert_uint_lt(strlen(ctrl_data(s.b->ctrl)), ANSWER_MAX);
	server_close(&s);
	ck_assert_int_eq(0, baresip_quit(s.b));
	env_close(s.env);
}
END_TEST


void pull_conv_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "conversation", 60);

	tcase_add_test(tc, belongs);
	tcase_add_test(tc, crowded);
}
