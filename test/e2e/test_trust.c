/**
 * @file test_trust.c  From where requests may come (cpm_trust)
 *
 * RFC 3325, 8; RFC 3263. What may not come is answered 403 and leaves no
 * trace; what may, and is no offer, 488.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"
#include "far.h"
#include "invite.h"
#include "mock/cert.h"
#include "mock/names.h"


#define PAGE "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" ICSI \
	"msg\"\r\n"
#define DEFERRED "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" ICSI \
	"deferred\"\r\n"
#define SESSION "urn:urn-7:" ICSI "session\r\n"
#define ASSERTED "P-Asserted-Identity: <sip:boss@cpm.test>\r\n"
#define CPIM "From: <sip:anonymous@anonymous.invalid>\r\n" \
	"To: <sip:alice@cpm.test>\r\n\r\n" \
	"Content-Type: text/plain\r\n\r\nhello"

enum {
	TAKEN = 488,          /* it was looked at                           */
};

static const struct far_args message = {
	.met = "MESSAGE", .head = PAGE, .type = "message/cpim", .body = CPIM,
};

/* That something waits to be fetched */
static const struct far_args noticev[] = {
	{.met = "MESSAGE", .head = DEFERRED},
	{.met = "NOTIFY", .head = DEFERRED "Event: message-summary\r\n"
		"Subscription-State: active\r\n"},
};

static const struct names_rr nonev[] = {{NULL, 0, NULL, 0}};


static struct names *serve(const struct names_rr *rrv)
{
	struct names *ns = names_start(rrv);

	if (!ns)
		e2e_fail("no name server");

	return ns;
}


static char *use(struct env *env, const struct names *ns, const char *more)
{
	return env_str(env, "dns_server 127.0.0.1:%u\n%s", names_port(ns),
		       more ? more : "");
}


/* Once the names have been answered for */
static unsigned settled(const struct baresip *b, const char *host,
			const struct far_args *args)
{
	struct wait w;
	unsigned code;

	wait_start(&w, 2 * E2E_WAIT, "the names");
	do {
		code = far_from(b, host, args);
	} while (code == 480 && wait_more(&w));

	return code;
}


static void nothing(struct ctrl *c)
{
	ck_assert_ptr_null(ctrl_try_event(c, "session", 0));
	ck_assert_ptr_null(ctrl_try_event(c, "message", 0));
	ck_assert_ptr_null(ctrl_try_event(c, "deferred", 0));
	ck_assert_int_eq(0, j_int(ctrl_ask(c, "cpm_status", NULL),
				  "deferred"));
	ck_assert_int_eq(0, j_int(ctrl_ask(c, "cpm_status", NULL),
				  "sessions"));
	ck_assert_int_eq(0, j_int(ctrl_ask(c, "cpm_status", NULL),
				  "messages"));
	ck_assert_uint_eq(0, j_count(ctrl_ask(c, "cpm_conversations", NULL),
				     "conversations"));
}


/* From elsewhere: UDP and TCP, each method. From the proxy: whatever port.
   What is not for us goes on as before */
START_TEST(elsewhere)
{
	const struct far_args plain = {.met = "MESSAGE", .head = "",
		.type = "text/plain", .body = "hello"};
	struct names *ns = serve(nonev);
	struct scene s;
	struct far f;

	scene_open(&s, NULL);
	s.args.config = use(s.env, ns, NULL);
	scene_start(&s);
	ck_assert_uint_eq(403, settled(s.b, "127.0.0.2", NULL));
	ck_assert_uint_eq(403, far_from(s.b, "127.0.0.2", &message));
	ck_assert_uint_eq(403, far_from(s.b, "127.0.0.2", &noticev[0]));
	ck_assert_uint_eq(403, far_from(s.b, "127.0.0.2", &noticev[1]));
	far_connect(&f, s.b, "127.0.0.2");
	ck_assert_uint_eq(403, far_ask(&f, s.b, NULL, NULL));
	ck_assert_uint_eq(403, far_ask(&f, s.b, &message, NULL));
	far_close(&f);
	ck_assert_uint_eq(200, far_from(s.b, "127.0.0.2", &plain));
	nothing(s.c);

	ck_assert_uint_eq(TAKEN, far_from(s.b, "127.0.0.1", NULL));
	ck_assert_uint_eq(200, far_from(s.b, "127.0.0.1", &message));
	ck_assert_uint_eq(200, far_from(s.b, "127.0.0.1", &noticev[0]));
	ck_assert_uint_eq(200, far_from(s.b, "127.0.0.1", &noticev[1]));
	ck_assert_int_eq(1, scene_count(&s, "deferred"));
	scene_leave(&s, "from=%s text=hello", BOB);
	scene_delivered(&s, 2);
	scene_close(&s);
	names_stop(ns);
}
END_TEST


/* A core behind an edge proxy: what comes by that is believed, from elsewhere
   nothing is */
START_TEST(through)
{
	struct names *ns = serve(nonev);
	struct scene s = {.env = env_open()};
	struct core *core = core_alloc(s.env, DOMAIN, false);

	s.pf = pf_start(s.env, (const char *[]){"-D", DOMAIN, "-l",
			"127.0.0.1:0", "-c", core->uri, NULL});
	core_run(core, "alice:secret", s.pf);
	core_edge(core);
	s.b = baresip_start(s.env, &(struct baresip_args){.name = "alice",
		.config = use(s.env, ns, NULL),
		.accounts = baresip_account(s.env, "alice", DOMAIN,
					    core->edge, NULL)});
	s.c = s.b->ctrl;
	baresip_registered(s.b, E2E_WAIT);
	ck_assert_uint_eq(403, settled(s.b, "127.0.0.2", NULL));
	ck_assert_uint_eq(403, far_from(s.b, "127.0.0.2", &message));
	ck_assert_uint_eq(403, far_from(s.b, "127.0.0.2", &noticev[0]));
	nothing(s.c);
	scene_leave(&s, "from=%s way=session text=one", BOB);
	scene_leave(&s, "from=%s way=page text=two", CAROL);
	scene_delivered(&s, 2);
	scene_close(&s);
	names_stop(ns);
}
END_TEST


static const struct names_rr farmv[] = {
	{"proxy.test", NAMES_A, "127.0.0.3", 300},
	{"proxy.test", NAMES_A, "127.0.0.4", 300},
	{"_sip._udp.cpm.test", NAMES_SRV, "5070 pf.test", 300},
	{"pf.test", NAMES_A, "127.0.0.5", 300},
	{"cpm.test", NAMES_A, "127.0.0.6", 300},
	{NULL, 0, NULL, 0},
};

/* A proxy with a name, and a domain whose servers DNS knows. Before it has
   answered nobody is refused for good */
START_TEST(named)
{
	struct names *ns = serve(farmv);
	struct env *env = env_open();
	struct baresip *b;
	struct far f;
	const char *text;

	names_set(ns, farmv, NAMES_SILENT);
	b = baresip_start(env, &(struct baresip_args){.name = "alice",
		.config = use(env, ns, NULL), .accounts = "<sip:alice@cpm."
		"test>;outbound=\"sip:proxy.test:5060\";regint=0\n"});
	far_udp(&f, env, "127.0.0.3");
	ck_assert_uint_eq(480, far_ask(&f, b, NULL, &text));
	ck_assert_ptr_nonnull(strstr(text, "\r\nRetry-After: 5\r\n"));
	far_close(&f);

	names_set(ns, farmv, NAMES_ANSWER);
	ck_assert_uint_eq(TAKEN, settled(b, "127.0.0.3", NULL));
	ck_assert_uint_eq(TAKEN, far_from(b, "127.0.0.4", NULL));
	ck_assert_uint_eq(TAKEN, settled(b, "127.0.0.5", NULL));
	ck_assert_uint_eq(403, settled(b, "127.0.0.6", NULL));
	ck_assert_uint_eq(403, far_from(b, "127.0.0.2", NULL));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
	names_stop(ns);
}
END_TEST


/* The registrar answers from another address: that is one of it. Who answers
   what nobody has asked is not */
START_TEST(heard)
{
	struct names *ns = serve(nonev);
	struct env *env = env_open();
	struct baresip *b;
	struct far front, back, other;

	far_udp(&front, env, "127.0.0.1");
	far_udp(&back, env, "127.0.0.5");
	far_udp(&other, env, "127.0.0.2");
	b = baresip_start(env, &(struct baresip_args){.name = "alice",
		.config = use(env, ns, NULL),
		.accounts = baresip_account(env, "alice", DOMAIN,
			env_str(env, "127.0.0.1:%u", front.port), NULL)});
	ck_assert_uint_eq(403, settled(b, "127.0.0.5", NULL));
	far_put(&other, b, env_str(env, "SIP/2.0 200 OK\r\n"
		"Via: SIP/2.0/UDP %s;rport;branch=z9hG4bKguess\r\n"
		"From: <" ALICE ">;tag=1\r\nTo: <" ALICE ">;tag=2\r\n"
		"Call-ID: guess\r\nCSeq: 1 REGISTER\r\n"
		"Content-Length: 0\r\n\r\n", b->sip));
	far_registered(&front, b, &back);
	baresip_registered(b, E2E_WAIT);
	ck_assert_uint_eq(TAKEN, far_from(b, "127.0.0.5", NULL));
	ck_assert_uint_eq(403, far_from(b, "127.0.0.2", NULL));
	ck_assert_int_eq(0, far_quit(&front, b, &back));
	far_close(&front);
	far_close(&back);
	far_close(&other);
	env_close(env);
	names_stop(ns);
}
END_TEST


/* The connection that the softphone has registered over */
START_TEST(reused)
{
	const char *way = _i ? "tls" : "tcp", *pem = NULL;
	struct names *ns = serve(nonev);
	struct env *env = env_open();
	struct baresip *b;
	struct far f;

	if (_i) {
		pem = env_path(env, "far.pem");
		ck_assert_int_eq(0, cert_make(pem, &(struct cert_args){
			.name = "far", .ip = "127.0.0.7"}));
	}
	far_listen(&f, env, "127.0.0.7", pem);
	b = baresip_start(env, &(struct baresip_args){.name = "alice",
		.config = use(env, ns, NULL),
		.accounts = baresip_account(env, "alice", DOMAIN,
			env_str(env, "sip:127.0.0.7:%u;transport=%s", f.port,
				way), NULL)});
	far_accept(&f);
	far_registered(&f, b, NULL);
	baresip_registered(b, E2E_WAIT);
	ck_assert_uint_eq(TAKEN, far_ask(&f, b, NULL, NULL));
	ck_assert_uint_eq(200, far_ask(&f, b, &message, NULL));
	ck_assert_uint_eq(403, settled(b, "127.0.0.2", NULL));
	ck_assert_int_eq(0, far_quit(&f, b, NULL));
	far_close(&f);
	env_close(env);
	names_stop(ns);
}
END_TEST


/* Alice's domain is here, Bob's is not */
START_TEST(ipv6)
{
	static const struct names_rr rrv[] = {
		{"cpm.test", NAMES_AAAA, "::1", 300},
		{NULL, 0, NULL, 0},
	};
	const struct far_args bob = {.user = "bob"};
	struct names *ns = serve(rrv);
	struct env *env = env_open();
	struct baresip *b = baresip_start(env, &(struct baresip_args){
		.name = "alice", .ipv6 = true, .config = use(env, ns, NULL),
		.accounts = "<sip:alice@cpm.test>;regint=0\n"
			"<sip:bob@[2001:db8::1]>;regint=0\n"});

	ck_assert_uint_eq(TAKEN, settled(b, "::1", NULL));
	ck_assert_uint_eq(403, settled(b, "::1", &bob));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
	names_stop(ns);
}
END_TEST


static void peer_is(struct scene *s, const char *host, const char *head,
		    const char *peer)
{
	const struct odict *o;
	struct far f;

	far_udp(&f, s->env, host);
	ck_assert_uint_eq(180, far_ask(&f, s->b, &(struct far_args){
		.head = head, .type = "application/sdp",
		.body = invite_offer(s->env, "passive", "a=sendonly")},
		NULL));
	o = ctrl_event(s->c, "session", E2E_WAIT);
	ck_assert_str_eq("asking", j_str(o, "state"));
	ck_assert_str_eq(peer, j_str(ctrl_ask(s->c, "cpm_sessions", NULL),
				     "sessions.0.peer"));
	(void)ctrl_ask(s->c, "cpm_decline", "%lld",
		       (long long)j_int(o, "session"));
	ck_assert_str_eq("declined", j_str(ctrl_event(s->c, "session",
						      E2E_WAIT), "state"));
	far_close(&f);
}


/* Anybody may; but whom he says to be counts from the proxy only */
START_TEST(anybody)
{
	static const char head[] = ACCEPT_CONTACT "\r\n" ASSERTED;
	static const char service[] = "P-Asserted-Service: " SESSION ASSERTED;
	struct names *ns = serve(nonev);
	struct far_args page = message;
	struct scene s;

	scene_open(&s, NULL);
	s.args.config = use(s.env, ns, "cpm_trust any\ncpm_deferred ask\n");
	scene_start(&s);
	peer_is(&s, "127.0.0.2", head, "sip:mallory@cpm.test");
	peer_is(&s, "127.0.0.1", head, "sip:boss@cpm.test");
	peer_is(&s, "127.0.0.1", service, "sip:boss@cpm.test");
	/* then it is a call, which has no sound */
	ck_assert_uint_le(400, far_from(s.b, "127.0.0.2", &(struct far_args){
		.head = service, .type = "application/sdp",
		.body = invite_offer(s.env, "passive", "a=sendonly")}));
	ck_assert_ptr_null(ctrl_try_event(s.c, "session", 0));

	page.head = PAGE ASSERTED;
	ck_assert_uint_eq(200, far_from(s.b, "127.0.0.2", &page));
	(void)ctrl_event(s.c, "message", E2E_WAIT);
	ck_assert_str_eq("sip:mallory@cpm.test",
			 j_str(ctrl_ask(s.c, "cpm_message", "1"), "peer"));
	scene_close(&s);
	names_stop(ns);
}
END_TEST


Suite *trust_suite(void)
{
	Suite *suite = suite_create("trust");
	TCase *tc = suite_case(suite, "trust", 60);

	tcase_add_test(tc, elsewhere);
	tcase_add_test(tc, through);
	tcase_add_test(tc, named);
	tcase_add_test(tc, heard);
	tcase_add_loop_test(tc, reused, 0, 2);
	tcase_add_test(tc, ipv6);
	tcase_add_test(tc, anybody);

	return suite;
}
