/**
 * @file test_page_pf.c  Page mode from the PF, as it would come: on
 *                       registration, through a core, over each transport
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <signal.h>
#include "mock/cert.h"
#include "suite.h"
#include "scene.h"
#include "pager.h"
#include "invite.h"


static const char *const page_way[] = {"-W", "page"};


static void all_are_paged(struct scene *s, int64_t messages)
{
	const struct odict *o = ctrl_ask(s->c, "cpm_messages",
					 "{\"limit\":100}");
	unsigned i;

	ck_assert_int_eq(messages, scene_count(s, "messages"));
	for (i=0; i<j_count(o, "messages"); i++)
		ck_assert_str_eq("page", j_str(j_at(o, "messages", i),
					       "mode"));
}


/* What was kept while she was away comes when she registers: over UDP, TCP */
START_TEST(away)
{
	enum { N = 40 };
	struct scene s;

	scene_open(&s, &(struct scene_args){.tcp = _i,
		.optv = {page_way[0], page_way[1]}});
	scene_leave(&s, "from=%s count=%u id=b text=b", BOB, N);
	scene_leave(&s, "from=%s count=%u id=c text=c", CAROL, N);
	scene_start(&s);
	scene_delivered(&s, 2 * N);
	all_are_paged(&s, 2 * N);
	ck_assert_int_eq(0, scene_notified(&s, 2 * N));
	ck_assert_int_eq(2, scene_count(&s, "conversations"));

	/* and what comes while she is there */
	scene_leave(&s, "from=%s id=now text=now", BOB);
	scene_delivered(&s, 2 * N + 1);
	ck_assert_int_eq(0, scene_notified(&s, 2 * N + 1));
	scene_close(&s);
}
END_TEST


/* The same through Kamailio, as tshark sees it */
START_TEST(through)
{
	struct scene s = {.env = env_open()};
	struct core *core = core_alloc(s.env, DOMAIN, false);
	struct wire_seen seen;
	struct wire *w;

	s.pf = pf_start(s.env, (const char *[]){"-D", DOMAIN, "-l",
			"127.0.0.1:0", "-c", core->uri, "-W", "page", NULL});
	core_run(core, "alice:secret", s.pf);
	w = wire_start(s.env);
	scene_leave(&s, "from=%s id=b text=Grüße", BOB);
	scene_leave(&s, "from=%s id=c text=c", CAROL);
	s.b = baresip_start(s.env, &(struct baresip_args){.name = "alice",
		.accounts = baresip_account(s.env, "alice", DOMAIN,
			env_str(s.env, "%s;transport=udp", core->uri),
			NULL)});
	s.c = s.b->ctrl;
	baresip_registered(s.b, E2E_WAIT);
	scene_delivered(&s, 2);
	all_are_paged(&s, 2);
	ck_assert_int_eq(0, scene_notified(&s, 2));
	ck_assert_int_eq(0, baresip_quit(s.b));
	ck_assert_int_eq(0, pf_quit(s.pf));

	wire_check(w, (const uint16_t[]){core->port, s.pf->sip_port,
					 s.b->sip_port, 0}, NULL, &seen);
	/* both sides of the core: 2 MESSAGE with 200, 2 notifications with
	   407, and again with 200; REGISTER */
	ck_assert_uint_ge(seen.sip, 24);
	ck_assert_uint_ge(seen.cpim, 8);
	ck_assert_uint_eq(0, seen.msrp);
	ck_assert_uint_eq(0, seen.refused);
	env_close(s.env);
}
END_TEST


/* Killed while they come, and started again: none is lost, none is there
   twice */
START_TEST(killed)
{
	enum { N = 150 };
	struct scene s;
	unsigned i;

	scene_open(&s, &(struct scene_args){
		.optv = {page_way[0], page_way[1]}});
	scene_leave(&s, "from=%s count=%u id=b text=b", BOB, N);
	scene_leave(&s, "from=%s count=%u id=c text=c", CAROL, N);
	scene_start(&s);
	for (i=0; i<20; i++)
		(void)pf_event_kv(s.pf, "page", "code", "200", E2E_WAIT);
	baresip_kill(s.b);
	scene_restart(&s);
	for (i=0; i<20; i++)
		(void)pf_event_kv(s.pf, "page", "code", "200", E2E_WAIT);
	baresip_kill(s.b);
	scene_restart(&s);
	scene_delivered(&s, 2 * N);
	all_are_paged(&s, 2 * N);
	/* what was on its way when it was killed may have come twice */
	(void)scene_notified(&s, 2 * N);
	scene_close(&s);
}
END_TEST


/* Over TLS, by hand: openssl is the other side */
START_TEST(tls)
{
	struct env *env = env_open();
	const char *pem = env_path(env, "sip.pem");
	const char *argv[] = {"openssl", "s_client", "-quiet", "-connect",
			      NULL, NULL};
	const char *body;
	struct baresip *b;
	struct pager p;
	struct proc *c;

	ck_assert_int_eq(0, cert_make(pem, &(struct cert_args){
		.name = "alice", .ip = "127.0.0.1"}));
	b = invite_alice(env, env_str(env, "sip_certificate %s\n", pem));
	/* who is told */
	pager_open(&p, env, b->sip, false);
	body = pager_cpim(&p, "bob", "tls", "over TLS");

	argv[4] = env_str(env, "127.0.0.1:%u", b->sip_port + 1);
	c = proc_start(env, &(struct proc_args){
		.name = "openssl", .argv = argv, .input = true});
	proc_put(c, env_str(env, "MESSAGE sip:alice@127.0.0.1 SIP/2.0\r\n"
		"Via: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKtls\r\n"
		"From: <sip:bob@127.0.0.1>;tag=t\r\n"
		"To: <sip:alice@127.0.0.1>\r\nCall-ID: tls\r\n"
		"CSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n"
		"Content-Type: message/cpim\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body));
	(void)proc_line(c, "^SIP/2.0 200 OK", E2E_WAIT);
	ck_assert_str_eq("over TLS", j_str(ctrl_ask(b->ctrl, "cpm_message",
						    "1"), "text"));
	pager_told(&p, 1);
	pager_close(&p);
	proc_kill(c);
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


void page_pf_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "pf", 60);

	tcase_add_loop_test(tc, away, 0, 2);
	tcase_add_test(tc, through);
	tcase_add_test(tc, killed);
	tcase_add_test(tc, tls);
}
