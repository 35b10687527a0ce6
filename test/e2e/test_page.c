/**
 * @file test_page.c  Page mode: messages in SIP MESSAGEs
 *
 * Many at once, and what gets lost: test_page_many.c. wire.md 4.1 and 13.3;
 * RFC 3428.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include "suite.h"
#include "scene.h"
#include "page.h"
#include "invite.h"


struct baresip *page_begin(struct pager *p, const char *config)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, config);

	pager_open(p, env, b->sip, false);

	return b;
}


void page_end(struct pager *p, struct baresip *b)
{
	ck_assert_uint_eq(0, p->others);
	pager_close(p);
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(b->env);
}


int64_t page_count(struct baresip *b, const char *key)
{
	return j_int(ctrl_ask(b->ctrl, "cpm_status", NULL), key);
}


const struct odict *page_message(struct baresip *b, unsigned id)
{
	return ctrl_ask(b->ctrl, "cpm_message", "%u", id);
}


static void answer_has(const struct pager *p, const char *text)
{
	ck_assert_msg(strcasestr(pager_answer(p), text) != NULL, "no %s in "
		      "%s", text, pager_answer(p));
}


static const struct told *told_of(const struct pager *p, const char *id)
{
	unsigned i;

	for (i=0; i<p->toldc; i++) {
		if (!strcmp(p->toldv[i].id, id))
			return &p->toldv[i];
	}
	e2e_fail("no notification for %s", id);
}


START_TEST(whole)
{
	const struct odict *m;
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);

	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.head = PAGER_CPM("msg") "Conversation-ID: Conv-1\r\n"
			"Contribution-ID: Contr-1\r\n"
			"InReplyTo-Contribution-ID: Contr-0\r\n",
		.body = pager_cpim(&p, "carol", "first", "Gr\xc3\xbc\xc3\x9f"
				   "e")}));
	/* the request is what was answered, not more */
	ck_assert_ptr_null(strcasestr(pager_answer(&p), "\r\nContact:"));
	answer_has(&p, "\r\nContent-Length: 0\r\n");

	m = ctrl_event(b->ctrl, "message", E2E_WAIT);
	ck_assert_int_eq(1, j_int(m, "count"));
	/* written yesterday */
	ck_assert(j_bool(m, "deferred"));
	m = page_message(b, 1);
	ck_assert_str_eq("page", j_str(m, "mode"));
	ck_assert(j_bool(m, "deferred"));
	ck_assert_str_eq("Gr\xc3\xbc\xc3\x9f" "e", j_str(m, "text"));
	ck_assert_str_eq("Conv-1", j_str(m, "conversation_id"));
	ck_assert_str_eq("Contr-1", j_str(m, "contribution_id"));
	ck_assert_str_eq("Contr-0", j_str(m, "in_reply_to"));
	ck_assert_str_eq(env_str(b->env, "sip:carol@127.0.0.1:%u", p.port),
			 j_str(m, "peer"));
	ck_assert_str_eq("2026-11-20T03:11:00Z", j_str(m, "time"));

	/* its notification goes to who wrote it */
	pager_told(&p, 1);
	ck_assert_str_eq("first", p.toldv[0].id);
	ck_assert_str_eq("delivered", p.toldv[0].status);
	ck_assert_str_eq("carol", p.toldv[0].to);
	(void)ctrl_ask(b->ctrl, "cpm_display", "1");
	pager_told(&p, 2);
	ck_assert_str_eq("displayed", p.toldv[1].status);
	page_end(&p, b);
}
END_TEST


/* As networks wrote them; Content-Length is made right, for it was theirs */
START_TEST(vectors)
{
	static const struct {
		const char *name;
		bool head;          /* there are SIP headers in front     */
		unsigned code;
		const char *text;
	} v[] = {
		{"01-sip-message-pager-cm2020.txt", true, 200, "Lalala"},
		{"02-sip-message-pager-cm2015-malformed-cpim.txt", true, 200,
		 "Hjjjhjjhhhhhh............"},
		/* its end is lost: no body, nor that there is none */
		{"04-sip-message-pager-compact-headers.txt", true, 400, NULL},
		{"10-cpim-text-rcsjta.txt", false, 200, "Bonjour"},
		/* the same id from another sender */
		{"11-cpim-blank-content-rcsjta.txt", false, 200, "  "},
		{"15-cpim-fthttp-linphone-LF.txt", false, 200, NULL},
	};
	const char *folder = getenv("CPM_TEST_DATA");
	unsigned stored = 0;
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);
	size_t i;

	for (i=0; i<ARRAY_SIZE(v); i++) {
		const char *path = env_str(b->env, "%s/vectors/%s", folder,
					   v[i].name);
		const char *text = env_keep(b->env, file_read(path, NULL));
		const char *from = i == 4 ? "carol" : "bob";

		ck_assert_ptr_nonnull(text);
		if (v[i].head)
			text = strstr(text, "\r\n\r\n") + 4;
		ck_assert_uint_eq(v[i].code, pager_ask(&p,
			&(struct pager_args){.body = text, .from = from,
			.callid = env_str(b->env, "vector%zu", i)}));
		if (v[i].code != 200)
			continue;
		++stored;
		if (v[i].text)
			ck_assert_str_eq(v[i].text, j_str(
				page_message(b, stored), "text"));
	}
	ck_assert_int_eq(stored, page_count(b, "messages"));
	ck_assert_str_eq("sip:+8613900000002@bj.ims.mnc000.mcc460."
			 "3gppnetwork.org", j_str(page_message(b, 1), "peer"));
	ck_assert_str_eq("application/vnd.gsma.rcs-ft-http+xml",
			 j_str(page_message(b, 5), "type"));
	p.others = 0;
	page_end(&p, b);
}
END_TEST


/* Whole, with the headers that it came with: compact, long, unknown */
START_TEST(compact)
{
	const struct odict *m;
	const char *cpim;
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);

	cpim = pager_cpim(&p, "bob", "c1", "compact");
	(void)pager_code(&p, pager_raw(&p, env_str(b->env,
		"MESSAGE sip:alice@%s;user=phone SIP/2.0\r\n"
		"P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm"
		".msg\r\nConversation-ID: 1710887c\r\n"
		"Request-Disposition: no-fork\r\nUser-Agent: TEST IMS 5.0\r\n"
		"CSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n"
		"a: *;+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A3gpp-service.ims."
		"icsi.oma.cpm.msg\"\r\nc: message/cpim\r\n"
		"f: <sip:dave@127.0.0.1>;tag=1384874566\r\n"
		"i: 3712948749@compact\r\nl: %zu\r\n"
		"t: <sip:alice@%s;user=phone>\r\n"
		"v: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK2629405539smg"
		"\r\n\r\n%s", b->sip, strlen(cpim), b->sip, p.port, cpim)));
	ck_assert_uint_eq(200, p.shotv[0].code);
	m = page_message(b, 1);
	ck_assert_str_eq("compact", j_str(m, "text"));
	ck_assert_str_eq("1710887c", j_str(m, "conversation_id"));
	pager_told(&p, 1);
	page_end(&p, b);
}
END_TEST


/* What a softphone that has been killed had registered: its contact with
   another number. It is Alice's, whoever comes with it */
START_TEST(former)
{
	static const char *const otherv[] = {
		"alice-0x", "alice-0x12g", "alice-1f00d", "alice-", "alic",
		"bob-0x1f00d", "-0x1f00d",
	};
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);
	size_t i;

	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.to = "alice-0x55d0c0ffee10"}));
	ck_assert_int_eq(1, page_count(b, "messages"));
	for (i=0; i<ARRAY_SIZE(otherv); i++)
		ck_assert_uint_ne(200, pager_ask(&p, &(struct pager_args){
			.to = otherv[i]}));
	ck_assert_int_eq(1, page_count(b, "messages"));
	pager_told(&p, 1);
	page_end(&p, b);
}
END_TEST


/* Who may be anybody else's goes on to the softphone, which says 415 to CPIM
   and takes text by itself */
START_TEST(whose)
{
	const struct odict *m;
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);

	/* text: only with a tag that says so */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.head = "", .type = "text/plain", .body = "not ours"}));
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.head = PAGER_CPM("session"), .type = "text/plain",
		.body = "not ours"}));
	ck_assert_int_eq(0, page_count(b, "messages"));
	/* somebody else's account */
	ck_assert_uint_ne(200, pager_ask(&p, &(struct pager_args){
		.to = "nobody"}));
	ck_assert_int_eq(0, page_count(b, "messages"));

	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.type = "text/plain;charset=utf-8", .body = "ours",
		.head = PAGER_CPM("msg") "Date: Sat, 21 Nov 2026 03:11:00 "
			"GMT\r\nP-Asserted-Identity: \"Carol C\" "
			"<sip:carol@cpm.test>\r\n"}));
	m = page_message(b, 1);
	ck_assert_str_eq("ours", j_str(m, "text"));
	ck_assert_str_eq(CAROL, j_str(m, "peer"));
	ck_assert_str_eq("Carol C", j_str(m, "name"));
	ck_assert_str_eq("2026-11-21T03:11:00Z", j_str(m, "time"));
	ck_assert_str_eq("none", j_str(m, "delivery"));
	ck_assert(!j_has(m, "imdn_id"));
	/* the same request on another way is the same message */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.type = "text/plain", .body = "1", .callid = "t",
		.head = PAGER_CPM("deferred")}));
	ck_assert(j_bool(page_message(b, 2), "deferred"));

	/* by its type alone, as other softphones send it */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.head = "", .type = "Message/CPIM",
		.body = pager_cpim(&p, "bob", "bare", "untagged")}));
	ck_assert_str_eq("untagged", j_str(page_message(b, 3), "text"));
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.head = PAGER_CPM("session"),
		.body = pager_cpim(&p, "bob", "odd", "session")}));
	ck_assert_int_eq(4, page_count(b, "messages"));
	pager_told(&p, 2);
	page_end(&p, b);
}
END_TEST


/* isComposing, and a notification for nothing: acknowledged, not kept */
START_TEST(others)
{
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);
	const char *head = "From: <sip:bob@cpm.test>\r\n"
		"To: <sip:alice@cpm.test>\r\n\r\n";

	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.body = env_str(b->env, "%sContent-Type: application/"
		"im-iscomposing+xml\r\n\r\n<isComposing xmlns=\"urn:ietf:"
		"params:xml:ns:im-iscomposing\"><state>active</state>"
		"</isComposing>", head)}));
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.body = env_str(b->env, "%sContent-Type: message/imdn+xml\r\n"
		"Content-Disposition: notification\r\n\r\n"
		"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>x"
		"</message-id><datetime>2026-11-21T03:11:00Z</datetime>"
		"<delivery-notification><status><delivered/></status>"
		"</delivery-notification></imdn>", head)}));
	ck_assert_int_eq(0, page_count(b, "messages"));
	ck_assert_int_eq(0, page_count(b, "conversations"));
	page_end(&p, b);
}
END_TEST


void page_refused(struct pager *p, unsigned code, const char *has,
		  const struct pager_args *args)
{
	const unsigned got = pager_ask(p, args);

	ck_assert_msg(got == code, "%u, not %u, for %.400s", got, code,
		      p->shotv[p->shotc - 1].text);
	answer_has(p, has);
}


START_TEST(refusals)
{
	struct pager p;
	struct baresip *b = page_begin(&p, "cpm_max_size 2000\n");
	char *big = env_str(b->env, "%2001s", "x");
	const char *good = pager_cpim(&p, "bob", "g", "good");

	page_refused(&p, 420, "\r\nUnsupported: timer\r\n",
		&(struct pager_args){
		.head = PAGER_CPM("msg") "Require: timer\r\n"});
	page_refused(&p, 415, "\r\nAccept-Encoding: deflate, gzip, identity"
		"\r\n", &(struct pager_args){
		.head = PAGER_CPM("msg") "Content-Encoding: br\r\n"});
	page_refused(&p, 400, "", &(struct pager_args){
		.head = PAGER_CPM("msg") "Content-Encoding: gzip\r\n"});
	page_refused(&p, 415, "\r\nAccept: message/cpim", &(struct pager_args){
		.type = "application/json", .body = "{}"});
	page_refused(&p, 415, "\r\nAccept: message/cpim", &(struct pager_args){
		.body = "From: <sip:bob@cpm.test>\r\n\r\nContent-Type: "
			"text/plain\r\nContent-Transfer-Encoding: x-own\r\n"
			"\r\nx"});
	page_refused(&p, 413, "", &(struct pager_args){
		.type = "text/plain", .body = big});
	page_refused(&p, 400, "", &(struct pager_args){.body = "neither\nnor"});
	page_refused(&p, 400, "", &(struct pager_args){.body = ""});
	page_refused(&p, 400, "", &(struct pager_args){.type = ""});
	page_refused(&p, 400, "", &(struct pager_args){
		.length = env_str(b->env, "%zu", strlen(good) + 1),
		.body = good});
	page_refused(&p, 400, "", &(struct pager_args){.length = "1x"});
	page_refused(&p, 400, "", &(struct pager_args){
		.head = PAGER_CPM("msg") "Referred-By: <nobody\r\n"});
	page_refused(&p, 400, "", &(struct pager_args){
		.head = env_str(b->env, "%sConversation-ID: %0300u\r\n",
				PAGER_CPM("msg"), 1U)});
	/* what makes it a request is not there, or not as it should be */
	ck_assert_uint_eq(400, pager_code(&p, pager_raw(&p, env_str(b->env,
		"MESSAGE sip:alice@%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKnocallid\r\n"
		"From: <sip:bob@127.0.0.1>;tag=1\r\nTo: <sip:alice@%s>\r\n"
		"CSeq: 1 MESSAGE\r\nContent-Type: message/cpim\r\n"
		"Content-Length: %zu\r\n\r\n%s", b->sip, p.port, b->sip,
		strlen(good), good))));
	ck_assert_uint_eq(400, pager_code(&p, pager_raw(&p, env_str(b->env,
		"MESSAGE sip:alice@%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKothercseq\r\n"
		"From: <sip:bob@127.0.0.1>;tag=1\r\nTo: <sip:alice@%s>\r\n"
		"Call-ID: x\r\nCSeq: 1 INFO\r\nContent-Type: message/cpim"
		"\r\nContent-Length: %zu\r\n\r\n%s", b->sip, p.port, b->sip,
		strlen(good), good))));
	/* libre reads 8,192 octets of a datagram, and nothing says how many
	   there were */
	ck_assert_uint_eq(400, pager_code(&p, pager_raw(&p, env_str(b->env,
		"MESSAGE sip:alice@%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKcut\r\n"
		"From: <sip:bob@127.0.0.1>;tag=1\r\nTo: <sip:alice@%s>\r\n"
		"Call-ID: cut\r\nCSeq: 1 MESSAGE\r\nX-Long: %7000u\r\n"
		"Content-Type: message/cpim\r\n\r\n%s%1900s", b->sip,
		p.port, b->sip, 0U, good, "x"))));
	ck_assert_int_eq(0, page_count(b, "messages"));
	ck_assert_int_eq(0, page_count(b, "conversations"));

	/* in a dialog it is the softphone's, which has none such */
	ck_assert_uint_ne(200, pager_ask(&p, &(struct pager_args){
		.totag = "x"}));
	ck_assert_int_eq(0, page_count(b, "messages"));

	/* what is too much in the datagram is not the message's */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.head = PAGER_CPM("msg") "Content-Encoding: identity\r\n",
		.length = env_str(b->env, "%zu", strlen(good)),
		.body = env_str(b->env, "%s more", good)}));
	ck_assert_str_eq("good", j_str(page_message(b, 1), "text"));
	pager_told(&p, 1);
	page_end(&p, b);
}
END_TEST


START_TEST(parts)
{
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);
	const char *type = "multipart/mixed;\r\n boundary=\"b 1\"";
	const char *cpim = pager_cpim(&p, "bob", "part", "in a part");

	/* CPIM before text, wherever it is */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.type = type, .body = env_str(b->env, "nothing\r\n--b 1\r\n"
		"Content-Type: text/plain\r\n\r\nno CPIM here?\r\n--b 1\r\n"
		"Content-Type: Message/CPIM\r\n\r\n%s\r\n--b 1--\r\n",
		cpim)}));
	ck_assert_str_eq("in a part", j_str(page_message(b, 1), "text"));
	pager_told(&p, 1);
	/* with an encoding of its own */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.type = type, .body = "--b 1\r\nContent-Type: message/cpim\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n"
		"RnJvbTogPHNpcDpkYXZlQGNwbS50ZXN0Pg0KDQpDb250ZW50LVR5cGU6IHR"
		"leHQvcGxhaW4N\r\nCg0KYmFzZTY0\r\n--b 1--\r\n"}));
	ck_assert_str_eq("base64", j_str(page_message(b, 2), "text"));
	ck_assert_str_eq("sip:dave@cpm.test", j_str(page_message(b, 2),
						    "peer"));
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.type = type, .body = "--b 1\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"a text =3D text\r\n--b 1--\r\n"}));
	ck_assert_str_eq("a text = text", j_str(page_message(b, 3), "text"));

	/* nothing for us; two of which one would be lost; no boundary */
	page_refused(&p, 415, "\r\nAccept: ", &(struct pager_args){
		.type = type, .body = "--b 1\r\nContent-Type: image/png\r\n"
		"\r\nx\r\n--b 1--\r\n"});
	page_refused(&p, 415, "\r\nAccept: ", &(struct pager_args){
		.type = type, .body = env_str(b->env, "--b 1\r\n"
		"Content-Type: message/cpim\r\n\r\n%s\r\n--b 1\r\n"
		"Content-Type: message/cpim\r\n\r\n%s\r\n--b 1--\r\n", cpim,
		cpim)});
	page_refused(&p, 400, "", &(struct pager_args){
		.type = "multipart/mixed", .body = "--b 1--"});
	ck_assert_int_eq(3, page_count(b, "messages"));
	page_end(&p, b);
}
END_TEST


/* Not now: the server keeps it. Asked is nobody, there is nothing to ask
   about while it is held */
START_TEST(policy)
{
	struct pager p;
	struct baresip *b = page_begin(&p, "cpm_deferred decline\n");

	page_refused(&p, 480, "", &(struct pager_args){
		.head = PAGER_CPM("deferred")});
	/* by its age */
	page_refused(&p, 480, "", &(struct pager_args){.type = "text/plain",
		.body = "old", .head = PAGER_CPM("msg") "Date: Sat, 21 Nov "
		"2020 03:11:00 GMT\r\n"});
	ck_assert_int_eq(0, page_count(b, "messages"));
	/* a live one is none of them */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.type = "text/plain", .body = "live"}));
	ck_assert(!j_bool(page_message(b, 1), "deferred"));

	/* whom the message says that it is from */
	(void)ctrl_ask(b->ctrl, "cpm_policy", "{\"from\":\"sip:carol@127.0.0."
		       "1:%u\",\"deferred\":\"ask\"}", p.port);
	page_refused(&p, 480, "", &(struct pager_args){.from = "bob"});
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.from = "carol", .body = pager_cpim(&p, "carol", "c", "1")}));
	ck_assert_int_eq(2, page_count(b, "messages"));
	pager_told(&p, 1);
	page_end(&p, b);
}
END_TEST


/* The same octets: the same answer, without a second look. A new request with
   the same message: 200 as well. Neither is stored nor notified of again. */
START_TEST(again)
{
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);
	const char *body = pager_cpim(&p, "bob", "once", "once");
	char *first;
	unsigned n, i;

	n = pager_post(&p, &(struct pager_args){.body = body, .once = true});
	ck_assert_uint_eq(200, pager_code(&p, n));
	first = p.shotv[n].answer;
	for (i=2; i<5; i++) {
		pager_again(&p, n);
		while (p.shotv[n].answers < i)
			pager_turn(&p, 20);
		/* its To tag as well */
		ck_assert_str_eq(first, p.shotv[n].answer);
	}
	/* a refusal as well */
	n = pager_post(&p, &(struct pager_args){.type = "x/y", .once = true});
	ck_assert_uint_eq(415, pager_code(&p, n));
	first = p.shotv[n].answer;
	pager_again(&p, n);
	while (p.shotv[n].answers < 2)
		pager_turn(&p, 20);
	ck_assert_str_eq(first, p.shotv[n].answer);

	for (i=0; i<3; i++)
		ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
			.body = body}));
	/* without an id, the request is what names it: another one */
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.body = pager_cpim(&p, "bob", NULL, "nameless")}));
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.body = pager_cpim(&p, "bob", NULL, "nameless")}));
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.body = pager_cpim(&p, "bob", "last", "last")}));
	ck_assert_int_eq(4, page_count(b, "messages"));
	pager_told(&p, 2);
	ck_assert_uint_eq(1, told_of(&p, "once")->count);
	ck_assert_uint_eq(1, told_of(&p, "last")->count);
	page_end(&p, b);
}
END_TEST


/* As another program reads it */
START_TEST(on_wire)
{
	struct wire_seen seen;
	struct wire *w;
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);
	const uint16_t sipv[] = {b->sip_port, p.port, 0};

	port_add(b->env, p.port);
	w = wire_start(b->env);
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.body = pager_cpim(&p, "bob", "w", "seen")}));
	pager_told(&p, 1);
	page_refused(&p, 415, "", &(struct pager_args){.type = "x/y"});
	wire_check(w, sipv, NULL, &seen);
	/* message, 200, notification, 200, message, 415 */
	ck_assert_uint_ge(seen.sip, 6);
	ck_assert_uint_ge(seen.cpim, 2);
	ck_assert_uint_eq(1, seen.refused);
	page_end(&p, b);
}
END_TEST


Suite *page_suite(void)
{
	Suite *s = suite_create("page");
	TCase *tc = suite_case(s, "page", 60);

	tcase_add_test(tc, whole);
	tcase_add_test(tc, vectors);
	tcase_add_test(tc, compact);
	tcase_add_test(tc, whose);
	tcase_add_test(tc, former);
	tcase_add_test(tc, others);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, parts);
	tcase_add_test(tc, policy);
	tcase_add_test(tc, again);
	tcase_add_test(tc, on_wire);
	page_pf_cases(s);
	page_ways_cases(s);
	page_many_cases(s);

	return s;
}
