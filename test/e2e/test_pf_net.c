/**
 * @file test_pf_net.c  The Participating Function as the network between two:
 *                      handed on, or kept for who is away
 *
 * Both sides are by hand, so that nothing of cpm.so takes part.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <string.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "phone.h"
#include "power.h"
#include "pager.h"
#include "caller.h"


enum { BIG = 300000 };        /* octets in one chunk: more than is held    */

#define SDP(setup) "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n" \
	"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\n" \
	"a=accept-types:message/cpim\r\na=setup:" setup "\r\n" \
	"a=path:msrp://127.0.0.1:9/bob;tcp\r\n"

#define SERVICE(icsi) PAGER_CPM(icsi) "Contact: <sip:bob@127.0.0.1>\r\n" \
	"Conversation-ID: conv1\r\nContribution-ID: contr1\r\n" \
	"InReplyTo-Contribution-ID: contr0\r\n" \
	"Content-Type: application/sdp\r\n"


static void net_open(struct scene *s, struct phone *alice)
{
	scene_open(s, &(struct scene_args){.optv = {"-A", "-K", "-p",
						    "300"}});
	phone_open(alice, s->pf);
}


static void net_close(struct scene *s, struct phone *alice)
{
	phone_close(alice);
	scene_close(s);
}


/* The next request is that, and holds the text */
static char *want(struct phone *ph, const char *met, const char *text)
{
	char *req = phone_request(ph, E2E_WAIT);

	ck_assert_msg(req != NULL, "no %s", met);
	ck_assert_msg(!strncmp(req, met, strlen(met)), "no %s: %.300s", met,
		      req);
	ck_assert_msg(strstr(req, text) != NULL, "no %s: %.900s", text, req);

	return req;
}


static char *reply(struct phone *ph, unsigned code)
{
	char *text = phone_reply(ph, E2E_WAIT);

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(!strncmp(text, env_str(ph->pf->env, "SIP/2.0 %u ",
					     code), 12), "not %u: %.300s",
		      code, text);
	return text;
}


static int64_t stat_of(struct scene *s, const char *key)
{
	return pf_int(pf_ask(s->pf, "stats"), key);
}


/* Killed and started again where it was */
static void again(struct scene *s, struct phone *alice)
{
	proc_kill(s->pf->proc);
	scene_pf_restart(s, NULL);
	alice->pf = s->pf;
}


/* The one file of a large body is what was sent */
static void spooled_is(struct scene *s, const char *folder, const char *cpim)
{
	DIR *dir = opendir(env_path(s->env, "%s", folder));
	struct dirent *de;
	char *got = NULL;
	size_t size = 0;

	while (dir && !got && (de = readdir(dir))) {
		if (*de->d_name != '.')
			got = file_read(env_path(s->env, "%s/%s", folder,
						 de->d_name), &size);
	}
	if (dir)
		closedir(dir);
	ck_assert_uint_eq(strlen(cpim), size);
	ck_assert(!memcmp(cpim, got, size));
	mem_deref(got);
}


/* For who is away: 202 once, how often it may come; it survives the server,
   and comes by MESSAGE as it was sent */
START_TEST(page_kept)
{
	struct scene s;
	struct phone alice;
	struct pager p;
	unsigned n;

	net_open(&s, &alice);
	pager_open(&p, s.env, s.pf->sip, false);
	n = pager_post(&p, &(struct pager_args){
		.head = PAGER_CPM("msg") "Conversation-ID: conv1\r\n"
			"Contribution-ID: contr1\r\n", .once = true,
		.body = pager_cpim(&p, "bob", "id1", "Grüße")});
	ck_assert_uint_eq(202, pager_code(&p, n));
	pager_again(&p, n);
	while (p.shotv[n].answers < 2)
		pager_turn(&p, 20);
	ck_assert_int_eq(1, stat_of(&s, "taken"));

	again(&s, &alice);
	ck_assert_int_eq(1, stat_of(&s, "kept"));
	phone_register(&alice);
	char *req = want(&alice, "MESSAGE sip:alice@127.0.0.1",
			 "\r\n\r\nGrüße");
	ck_assert_ptr_nonnull(strstr(req, "imdn.Message-ID: id1\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "Conversation-ID: conv1\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "Contribution-ID: contr1\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "\r\nTo: <sip:alice@cpm.test>\r\n"
				     "DateTime: 2026-11-20T03:11:00Z\r\n"));
	phone_answer(&alice, req, 200, NULL);
	(void)pf_event_kv(s.pf, "page", "id", "id1", E2E_WAIT);
	ck_assert_int_eq(0, stat_of(&s, "kept"));
	pager_close(&p);
	net_close(&s, &alice);
}
END_TEST


/* For who is here: handed on, and what he says handed back; 480, 503 or
   nothing at all, and it is kept */
START_TEST(page_proxied)
{
	struct scene s;
	struct phone alice;
	struct pager p;
	unsigned n;
	char *req;

	net_open(&s, &alice);
	pager_open(&p, s.env, s.pf->sip, false);
	phone_register(&alice);

	n = pager_post(&p, &(struct pager_args){.once = true});
	req = want(&alice, "MESSAGE sip:alice@127.0.0.1",
		   "\r\nP-Asserted-Identity: <sip:bob@127.0.0.1:");
	ck_assert_ptr_nonnull(strstr(req, "\r\nMax-Forwards: 69\r\n"));
	phone_answer(&alice, req, 415, "Accept: text/html\r\n");
	ck_assert_uint_eq(415, pager_code(&p, n));
	ck_assert_ptr_nonnull(strstr(pager_answer(&p),
				     "\r\nAccept: text/html\r\n"));
	ck_assert_int_eq(1, stat_of(&s, "proxied"));
	ck_assert_int_eq(0, stat_of(&s, "taken"));

	n = pager_post(&p, &(struct pager_args){.once = true});
	phone_answer(&alice, want(&alice, "MESSAGE", "\r\n"), 480, NULL);
	ck_assert_uint_eq(202, pager_code(&p, n));
	n = pager_post(&p, &(struct pager_args){.once = true});
	(void)want(&alice, "MESSAGE", ": m2\r\n");
	ck_assert_uint_eq(202, pager_code(&p, n));
	ck_assert_int_eq(2, stat_of(&s, "taken"));
	ck_assert_int_eq(2, stat_of(&s, "kept"));

	phone_register(&alice);
	do {
		req = phone_request(&alice, E2E_WAIT);
		ck_assert_ptr_nonnull(req);
		phone_answer(&alice, req, 200, NULL);
	} while (!strstr(req, ": m1\r\n"));
	(void)pf_event_kv(s.pf, "page", "id", "m1", E2E_WAIT);
	pager_close(&p);
	net_close(&s, &alice);
}
END_TEST


/* An INVITE to who is here: the way that the dialog takes is told, what he
   says goes back, and a CANCEL goes on */
START_TEST(invite_proxied)
{
	struct scene s;
	struct phone alice, bob;
	char *req, *text;

	net_open(&s, &alice);
	phone_open(&bob, s.pf);
	phone_register(&alice);
	phone_send(&bob, "INVITE", "bob", SERVICE("session"), SDP("actpass"));
	text = reply(&bob, 100);
	req = want(&alice, "INVITE sip:alice@127.0.0.1",
		   env_str(s.env, "\r\nRecord-Route: <sip:%s;lr>\r\n",
			   s.pf->sip));
	phone_answer(&alice, req, 180, NULL);
	text = reply(&bob, 180);
	ck_assert_ptr_nonnull(strstr(text, ";tag=t\r\n"));
	phone_send(&bob, "CANCEL", "bob", "", "");
	(void)reply(&bob, 200);
	(void)want(&alice, "CANCEL", "\r\n");
	phone_answer(&alice, req, 487, NULL);
	(void)reply(&bob, 487);
	phone_send(&bob, "ACK", "bob", "", "");
	(void)want(&alice, "ACK", "");

	/* a refusal is his own */
	phone_send(&bob, "INVITE", "bob", SERVICE("session"), SDP("actpass"));
	(void)reply(&bob, 100);
	phone_answer(&alice, want(&alice, "INVITE", "\r\n"), 603, NULL);
	(void)reply(&bob, 603);
	ck_assert_int_eq(0, stat_of(&s, "taken"));
	phone_close(&bob);
	net_close(&s, &alice);
}
END_TEST


static void invite(struct scene *s, struct phone *bob, struct caller *c,
		   const char *more)
{
	const char *p;
	char *text;

	phone_send(bob, "INVITE", "bob", more, SDP("active"));
	do {
		text = phone_reply(bob, E2E_WAIT);
		ck_assert_ptr_nonnull(text);
	} while (!strncmp(text, "SIP/2.0 1", 9));
	ck_assert_msg(!strncmp(text, "SIP/2.0 200", 11), "%.300s", text);
	ck_assert_ptr_nonnull(strstr(text, "\r\na=recvonly\r\n"));
	p = strstr(text, "\r\na=path:");
	ck_assert_ptr_nonnull(p);
	memset(c, 0, sizeof(*c));
	c->env = s->env;
	snprintf(c->host, sizeof(c->host), "127.0.0.1");
	snprintf(c->path, sizeof(c->path), "msrp://127.0.0.1:9/bob;tcp");
	snprintf(c->peer, sizeof(c->peer), "%.*s",
		 (int)strcspn(p + 9, "\r\n"), p + 9);
	phone_send(bob, "ACK", "bob", "", "");
	caller_connect(c, "127.0.0.1");
}


static char *chunk(struct caller *c, const char *tid, const char *range,
		   const char *body, const char *end)
{
	return env_str(c->env, "MSRP %s SEND\r\nTo-Path: %s\r\n"
		       "From-Path: %s\r\nMessage-ID: big\r\n"
		       "Success-Report: yes\r\nByte-Range: %s\r\n"
		       "Content-Type: message/cpim\r\n\r\n%s%s", tid, c->peer,
		       c->path, range, body, end);
}


/* A message of two chunks; the second holds what looks like the end of the
   first, and is larger than what is held in memory */
static void send_big(struct caller *c, const char *cpim)
{
	const size_t n = strlen(cpim);

	caller_write(c, chunk(c, "tidAAAA", env_str(c->env, "1-*/%zu", n),
			      env_str(c->env, "%.100s", cpim),
			      "\r\n-------tidAAAA+\r\n"));
	caller_write(c, chunk(c, "tidBBBB", env_str(c->env, "101-%zu/%zu", n,
						    n), cpim + 100,
			      "\r\n-------tidBBBB$\r\n"));
}


static size_t spooled(struct scene *s)
{
	DIR *dir = opendir(env_path(s->env, "pf.db.spool"));
	struct dirent *de;
	size_t n = 0;

	while (dir && (de = readdir(dir)))
		n += *de->d_name != '.';
	if (dir)
		closedir(dir);

	return n;
}


/* Everything that was sent so far has had its answer */
static void answered(struct caller *c, const char *tid)
{
	struct wait w;

	wait_start(&w, E2E_WAIT, "an answer");
	do {
		ck_assert(caller_read(c, E2E_WAIT));
	} while (!strstr(c->text, env_str(c->env, "MSRP %s 200", tid)) &&
		 wait_more(&w));
}


static char *big_cpim(struct scene *s)
{
	char *text = scene_text(s->env, 0, BIG, BIG);

	memcpy(text + 1000, "\r\n-------tidAAAA$\r\n", 19);
	return env_str(s->env, "From: <sip:bob@cpm.test>\r\n"
		"To: <sip:alice@cpm.test>\r\nNS: imdn <urn:ietf:params:imdn>"
		"\r\nimdn.Message-ID: id1\r\nX.Odd: kept\r\n"
		"DateTime: 2026-11-21T03:11:00Z\r\n\r\n"
		"Content-Type: text/plain\r\n\r\n%s", text);
}


/* A session with who is away: one that breaks off leaves nothing; what had
   its 200 survives the server, and comes octet by octet as it was */
START_TEST(session_kept)
{
	static const char *const service[] = {
		SERVICE("session"), SERVICE("largemsg")};
	struct scene s;
	struct phone alice, bob;
	struct caller c;
	char *cpim, *req;

	net_open(&s, &alice);
	phone_open(&bob, s.pf);
	cpim = big_cpim(&s);

	invite(&s, &bob, &c, service[_i]);
	caller_write(&c, chunk(&c, "tidCCCC", "1-*/999999", cpim, ""));
	while (!spooled(&s))
		e2e_sleep(5);
	proc_kill(s.pf->proc);
	close(c.fd);
	again(&s, &alice);
	bob.pf = s.pf;
	ck_assert_uint_eq(0, spooled(&s));
	ck_assert_int_eq(0, stat_of(&s, "kept"));

	invite(&s, &bob, &c, service[_i]);
	send_big(&c, cpim);
	answered(&c, "tidBBBB");
	if (!strstr(c.text, "\r\nStatus: 000 200"))
		ck_assert(caller_read(&c, E2E_WAIT));
	ck_assert_ptr_nonnull(strstr(c.text, "\r\nStatus: 000 200"));
	ck_assert_int_eq(1, stat_of(&s, "taken"));
	ck_assert_uint_eq(1, spooled(&s));
	proc_kill(s.pf->proc);
	close(c.fd);
	again(&s, &alice);
	ck_assert_int_eq(1, stat_of(&s, "kept"));
	phone_register(&alice);
	req = want(&alice, "INVITE", "\r\nConversation-ID: conv1\r\n");
	ck_assert_ptr_nonnull(strstr(req, _i ? "cpm.largemsg\"" :
				     "cpm.session\""));
	ck_assert_ptr_nonnull(strstr(req, _i ? "Contribution-ID: contr1\r\n" :
				     "Referred-By: <" BOB ">\r\n"));
	ck_assert(!_i == !strstr(req, "\r\nInReplyTo-Contribution-ID: contr0"
				 "\r\n"));
	phone_answer(&alice, req, 480, NULL);
	(void)want(&alice, "ACK", "");
	ck_assert_int_eq(1, stat_of(&s, "kept"));
	spooled_is(&s, "pf.db.spool", cpim);
	phone_close(&bob);
	net_close(&s, &alice);
}
END_TEST


/* The last one is only looked at */
static void start_watched(struct scene *s, bool last)
{
	const char *envv[3] = {NULL};

	if (!last)
		power_envv(s->env, env_path(s->env, "pf"),
			   env_path(s->env, "notes"), envv);
	s->pf = pf_start_env(s->env, (const char *[]){"-D", DOMAIN, "-l",
		s->pf ? env_str(s->env, "%s", s->pf->sip) : "127.0.0.1:0",
		"-d", env_path(s->env, "pf/pf.db"), "-u", "alice:secret",
		"-A", "-K", NULL}, envv);
}


/* The plug is pulled */
static void plug(struct scene *s, bool last)
{
	uint32_t state = 1;

	proc_kill(s->pf->proc);
	power_cut(env_path(s->env, "pf"), env_path(s->env, "notes"),
		  POWER_NOTHING, &state, NULL);
	start_watched(s, last);
}


/* Of what had its 202 or 200 nothing is lost with the power */
START_TEST(power_cut_off)
{
	struct scene s = {.env = env_open()};
	struct phone bob;
	struct caller c;
	struct pager p;
	unsigned n;

	folder_make(env_path(s.env, "pf"));
	start_watched(&s, false);
	phone_open(&bob, s.pf);
	pager_open(&p, s.env, s.pf->sip, false);
	n = pager_post(&p, &(struct pager_args){.once = true});
	ck_assert_uint_eq(202, pager_code(&p, n));
	plug(&s, false);
	ck_assert_int_eq(1, stat_of(&s, "kept"));

	bob.pf = s.pf;
	invite(&s, &bob, &c, SERVICE("session"));
	send_big(&c, big_cpim(&s));
	answered(&c, "tidBBBB");
	plug(&s, true);
	close(c.fd);
	ck_assert_int_eq(2, stat_of(&s, "kept"));
	spooled_is(&s, "pf/pf.db.spool", big_cpim(&s));
	pager_close(&p);
	phone_close(&bob);
	scene_close(&s);
}
END_TEST


/* An INVITE that he does not answer, or answers 480, is ours; nobody else's
   name is */
START_TEST(invite_kept)
{
	struct scene s;
	struct phone alice, bob;
	struct caller c;
	char *req;

	net_open(&s, &alice);
	phone_open(&bob, s.pf);
	phone_register(&alice);
	invite(&s, &bob, &c, SERVICE("session"));
	caller_message(&c, "first");
	ck_assert_int_eq(1, stat_of(&s, "taken"));
	/* he did not answer that either, so he is told when he comes back */
	req = want(&alice, "INVITE", "<sip:bob@cpm.test>;tag=p");
	phone_register(&alice);
	(void)pf_event_kv(s.pf, "taken", "reason", "he is back", E2E_WAIT);
	do {
		req = phone_request(&alice, E2E_WAIT);
		ck_assert_ptr_nonnull(req);
	} while (!strstr(req, "Referred-By"));
	phone_answer(&alice, req, 486, NULL);
	close(c.fd);
	phone_close(&bob);
	net_close(&s, &alice);
}
END_TEST


/* Digest for what users send; nobody who is not known */
START_TEST(strangers)
{
	struct scene s;
	struct pager p;

	scene_open(&s, &(struct scene_args){.optv = {"-K"}});
	pager_open(&p, s.env, s.pf->sip, false);
	ck_assert_uint_eq(407, pager_ask(&p, &(struct pager_args){
		.once = true}));
	pager_close(&p);
	scene_close(&s);
}
END_TEST


void pf_net_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "net", 60);

	tcase_add_test(tc, page_kept);
	tcase_add_test(tc, page_proxied);
	tcase_add_test(tc, invite_proxied);
	tcase_add_loop_test(tc, session_kept, 0, 2);
	tcase_add_test(tc, power_cut_off);
	tcase_add_test(tc, invite_kept);
	tcase_add_test(tc, strangers);
}
