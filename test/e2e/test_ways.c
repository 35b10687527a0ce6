/**
 * @file test_ways.c  One message by every way; whose it is in page mode
 *
 * wire.md 13.3 to 13.6.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "caller.h"
#include "page.h"
#include "hold.h"


#define NOBODY "<sip:anonymous@anonymous.invalid>"
#define CPIM(from, id)							\
	"From: " from "\r\nTo: " NOBODY "\r\n"				\
	"NS: imdn <urn:ietf:params:imdn>\r\n"				\
	"imdn.Message-ID: " id "\r\n"					\
	"imdn.Disposition-Notification: positive-delivery\r\n\r\n"	\
	"Content-Type: text/plain\r\n\r\nHi"


/* Whoever it is from, and whatever brings it: one copy, told of once */
START_TEST(every_way)
{
	static const char *const fromv[] = {
		"from=" BOB, "from=" BOB " anon=yes",
		"from=tel:+15550000001 anon=yes",
	};
	static const char *const wayv[] = {
		"page", "session", "large", "inline", "all", "pull", "page",
	};
	struct scene s;
	size_t i;

	scene_open(&s, &(struct scene_args){
		.config = "cpm_auto_pull yes\n"});
	scene_start(&s);
	for (i=0; i<ARRAY_SIZE(wayv); i++) {
		scene_leave(&s, "%s id=m0 way=%s text=Hi", fromv[_i],
			    wayv[i]);
		scene_delivered(&s, 1);
		(void)ctrl_until(s.c, "cpm_status", NULL, "deferred", 0,
				 E2E_WAIT);
	}
	ck_assert_int_eq(1, j_int(ctrl_event(s.c, "message", E2E_WAIT),
				  "count"));
	ck_assert_ptr_null(ctrl_try_event(s.c, "message", 1));
	ck_assert_str_eq("page", j_str(ctrl_ask(s.c, "cpm_message", "1"),
				       "mode"));
	ck_assert_int_eq(0, scene_notified(&s, 1));
	scene_close(&s);
}
END_TEST


/* A member writes to a group in a MESSAGE; the same comes in its session */
START_TEST(group)
{
	const char *const id = CPIM("<sip:carol@cpm.test>", "g1");
	const char *head;
	const struct odict *o;
	struct caller c;
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);

	ck_assert_uint_eq(200, caller_invite(&c, b, &(struct caller_args){
		.from = "sip:room@cpm.test", .service = "session.group",
		.parts = env_str(b->env, "--b\r\nContent-Type: message/cpim"
				 "\r\n\r\n%s\r\n", id)}));
	caller_bye(&c);
	head = env_str(b->env, "%sReferred-By: <sip:room@cpm.test>\r\n"
		       "Conversation-ID: caller-%u\r\n",
		       PAGER_CPM("msg.group"), c.n);
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.from = "room", .body = id,
		.head = head}));
	caller_close(&c);
	/* who hides there is nobody: it is kept, and nobody is told */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.from = "room", .body = CPIM(NOBODY, "g2"),
		.head = head}));
	ck_assert_int_eq(2, page_count(b, "messages"));
	ck_assert_int_eq(1, page_count(b, "conversations"));
	o = j_at(ctrl_ask(b->ctrl, "cpm_conversations", NULL),
		 "conversations", 0);
	ck_assert_str_eq("group", j_str(o, "kind"));
	ck_assert_str_eq("sip:room@cpm.test", j_str(o, "peer"));
	ck_assert_str_eq(CAROL, j_str(page_message(b, 1), "peer"));
	ck_assert(!j_has(page_message(b, 2), "peer"));
	ck_assert_str_eq("page", j_str(page_message(b, 2), "mode"));
	ck_assert_str_eq("none", j_str(page_message(b, 2), "delivery"));
	page_end(&p, b);
}
END_TEST


/* Nobody knows who it is from: nobody can be told, however they ask */
START_TEST(nobody)
{
	const char *const body = CPIM(NOBODY, "n1");
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);

	ck_assert_uint_eq(200, pager_code(&p, pager_raw(&p, env_str(b->env,
		"MESSAGE sip:alice@%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKnobody\r\n"
		"From: \"Anonymous\" " NOBODY ";tag=1\r\n"
		"To: <sip:alice@%s>\r\nCall-ID: nobody\r\nCSeq: 1 MESSAGE\r\n"
		"Content-Type: message/cpim\r\nContent-Length: %zu\r\n\r\n%s",
		b->sip, p.port, b->sip, strlen(body), body))));
	ck_assert(!j_has(page_message(b, 1), "peer"));
	ck_assert_str_eq("none", j_str(page_message(b, 1), "delivery"));
	(void)ctrl_ask(b->ctrl, "cpm_display", "1");
	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "unread", 0, E2E_WAIT);
	ck_assert_int_eq(0, page_count(b, "imdn_pending"));
	page_end(&p, b);
}
END_TEST


/* It is quit, or the account is deleted, while the disk has not written what
   came in an INVITE and in MESSAGEs: nothing is lost, or there twice */
START_TEST(ending)
{
	const struct pager_args text = {.type = "text/plain", .body = "Hi",
					.once = true};
	struct scene s;
	struct pager p;
	char *hold;
	unsigned n, m;

	scene_open(&s, &(struct scene_args){.optv = {"-W", "inline"}});
	hold = hold_open(s.env, "alice/cpm/");
	scene_start(&s);
	pager_open(&p, s.env, s.b->sip, false);
	file_write(hold, "");
	scene_leave(&s, "from=%s id=a text=Hello", BOB);
	hold_wait(s.env, hold);
	n = pager_post(&p, &text);
	m = pager_post(&p, &(struct pager_args){.once = true, .type = "",
		.head = PAGER_CPM("deferred"), .body = ""});
	/* so it has been read */
	page_refused(&p, 415, "", &(struct pager_args){.type = "x/y"});

	if (_i) {
		ck_assert(ctrl_cmd(s.c, "uanew", "<sip:carol@127.0.0.1>;"
				   "regint=0", NULL));
		ck_assert(ctrl_cmd(s.c, "uadel", ALICE, NULL));
		ck_assert_int_eq(0, unlink(hold));
		ck_assert_uint_eq(200, pager_code(&p, n));
		ck_assert_uint_eq(200, pager_code(&p, m));
		(void)pf_event_kv(s.pf, "answer", "code", "200", E2E_WAIT);
		scene_delivered(&s, 2);
	}
	else {
		ck_assert(ctrl_cmd(s.c, "quit", NULL, NULL));
		(void)pf_event_kv(s.pf, "answer", "code", "480", E2E_WAIT);
		ck_assert_int_eq(0, unlink(hold));
		/* what came before is answered yet */
		ck_assert_uint_eq(200, pager_code(&p, n));
		ck_assert_uint_eq(200, pager_code(&p, m));
		ck_assert_int_eq(0, baresip_wait(s.b));
		scene_restart(&s);
		pf_cmd(s.pf, "deliver to=%s", ALICE);
		scene_delivered(&s, 2);
		ck_assert_int_eq(0, scene_notified(&s, 1));
	}
	pager_close(&p);
	scene_close(&s);
}
END_TEST


void page_ways_cases(Suite *s)
{
	TCase *tc = suite_case(s, "ways", 60);

	tcase_add_loop_test(tc, every_way, 0, 3);
	tcase_add_test(tc, group);
	tcase_add_test(tc, nobody);
	tcase_add_loop_test(tc, ending, 0, 2);
}
