/**
 * @file test_pull_pf.c  Fetching from the PF, through Kamailio
 *
 * wire.md 5 and 13.8.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include "suite.h"
#include "scene.h"
#include "relay.h"


enum {
	ROUNDS = 2,           /* of what is torn down in the middle      */
};


/* PF and core up, Alice's softphone not yet. optv: options of the PF */
static struct core *core_open(struct scene *s, const char *const *optv)
{
	const char *argv[16] = {"-D", DOMAIN, "-d", NULL, "-c", NULL, "-W",
		"pull"};
	struct core *core;
	size_t n = 8;

	memset(s, 0, sizeof(*s));
	s->env = env_open();
	core = core_alloc(s->env, DOMAIN, false);
	argv[3] = env_path(s->env, "pf.db");
	argv[5] = core->uri;
	for (; optv && *optv; optv++)
		argv[n++] = *optv;
	s->pf = pf_start(s->env, argv);
	core_run(core, "alice:secret", s->pf);

	return core;
}


static void core_start(struct scene *s, const struct core *core,
		       const char *config)
{
	s->b = baresip_start(s->env, &(struct baresip_args){
		.name = "alice", .config = config,
		.accounts = baresip_account(s->env, "alice", DOMAIN,
			env_str(s->env, "%s;transport=udp", core->uri),
			NULL)});
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
}


static void announced(struct scene *s, int64_t count)
{
	const struct pf_event *ev = pf_event(s->pf, "announced", E2E_WAIT);

	ck_assert_int_eq(200, pf_int(ev, "code"));
	ck_assert_int_eq(count, j_int(ctrl_event(s->c, "deferred", E2E_WAIT),
				      "count"));
}


static const struct pf_event *pulled(struct scene *s, int64_t refs)
{
	const struct pf_event *ev = pf_event(s->pf, "pull", E2E_WAIT);

	ck_assert_str_eq(ALICE, pf_str(ev, "to"));
	ck_assert_int_eq(200, pf_int(ev, "code"));
	ck_assert_str_eq(ALICE, pf_str(ev, "uri"));
	ck_assert_str_eq("urn:urn-7:3gpp-service.ims.icsi.oma.cpm.deferred",
			 pf_str(ev, "service"));
	ck_assert_int_eq(refs, pf_int(ev, "refs"));
	ck_assert_str_eq("actpass", pf_str(ev, "setup"));
	ck_assert_str_eq("recvonly", pf_str(ev, "dir"));

	return ev;
}


/* Nothing waits anywhere, and each sender has been told, once */
static void all_there(struct scene *s, int64_t messages)
{
	scene_delivered(s, messages);
	(void)ctrl_until(s->c, "cpm_status", NULL, "deferred", 0, E2E_WAIT);
	ck_assert_int_eq(0, scene_notified(s, messages));
}


/* What is left while we are away is announced when we come; some, then all;
   as tshark sees it */
START_TEST(recorded)
{
	struct scene s;
	struct core *core = core_open(&s, NULL);
	struct wire *w = wire_start(s.env);
	struct wire_seen seen;
	const struct odict *o;

	scene_leave(&s, "from=%s id=m1 text=Grüße", BOB);
	scene_leave(&s, "from=%s id=m2 anon=yes text=two", CAROL);
	scene_leave(&s, "from=%s id=m3 size=20000", BOB);
	core_start(&s, core, NULL);
	/* its event may come before anybody listens */
	ck_assert_int_eq(200, pf_int(pf_event(s.pf, "announced", E2E_WAIT),
				     "code"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "deferred", 3, E2E_WAIT);
	o = ctrl_ask(s.c, "cpm_deferred", NULL);
	ck_assert_str_eq("m1", j_str(o, "deferred.0.reference"));
	ck_assert_str_eq(CAROL, j_str(o, "deferred.1.from"));
	(void)ctrl_ask(s.c, "cpm_pull", "{\"references\":[\"m2\"]}");
	(void)pulled(&s, 1);
	(void)ctrl_until(s.c, "cpm_status", NULL, "sessions", 0, E2E_WAIT);
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq("two", j_str(o, "text"));
	ck_assert_str_eq(CAROL, j_str(o, "peer"));
	ck_assert_uint_eq(2, j_count(ctrl_ask(s.c, "cpm_deferred", NULL),
				     "deferred"));
	(void)ctrl_ask(s.c, "cpm_pull", NULL);
	(void)pulled(&s, 0);
	all_there(&s, 3);
	ck_assert_int_eq(0, baresip_quit(s.b));
	ck_assert_int_eq(0, pf_quit(s.pf));

	wire_check(w, (const uint16_t[]){core->port, s.pf->sip_port,
					 s.b->sip_port, 0},
		   (const uint16_t[]){s.pf->msrp_port, 0}, &seen);
	ck_assert_uint_ge(seen.sip, 40);
	ck_assert_uint_ge(seen.msrp, 8);
	ck_assert_uint_ge(seen.cpim, 6);
	ck_assert_uint_eq(0, seen.refused);
	env_close(s.env);
}
END_TEST


static const char *const kindv[] = {
	"message,none", "message,text", "message,summary", "message,xml",
	"notify,none", "notify,summary", "notify,xml",
};

/* Each way to announce, and each is fetched by itself */
START_TEST(kinds)
{
	struct scene s;
	struct core *core = core_open(&s, NULL);
	size_t i;

	core_start(&s, core, "cpm_auto_pull yes\n");
	for (i=0; i<ARRAY_SIZE(kindv); i++) {
		pf_cmd(s.pf, "set announce=%s", kindv[i]);
		scene_leave(&s, "from=%s text=%s", BOB, kindv[i]);
		announced(&s, 1);
		(void)pulled(&s, 0);
		all_there(&s, (int64_t)i + 1);
	}

	/* one that is pushed meanwhile is kept besides */
	scene_leave(&s, "from=%s way=pull count=20 text=pulled", BOB);
	scene_leave(&s, "from=%s way=session count=20 text=pushed", BOB);
	all_there(&s, (int64_t)i + 40);
	scene_close(&s);
}
END_TEST


/* An event has 255 octets, and is an object whoever the account is */
START_TEST(long_name)
{
	struct env *env = env_open();
	const char *domain = env_str(env, "%058d.%058d.%058d.%058d.test",
				     1, 2, 3, 4);
	const char *const optv[] = {
		"-D", domain, "-l", "127.0.0.1:0", "-W", "pull",
		"-u", "alice:secret", NULL
	};
	struct pf *pf = pf_start(env, optv);
	struct baresip *b;
	const struct odict *ev;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = baresip_account(env, "alice", domain, pf->sip,
					    NULL)});
	(void)pf_event(pf, "registered", E2E_WAIT);
	pf_cmd(pf, "leave to=alice from=%s text=one", BOB);
	ev = ctrl_event(b->ctrl, "deferred", E2E_WAIT);
	ck_assert_int_eq(1, j_int(ev, "count"));
	ck_assert(!j_has(ev, "account"));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* What a PF announces and does not keep so long */
START_TEST(expired)
{
	struct scene s;
	struct core *core = core_open(&s, NULL);

	core_start(&s, core, NULL);
	/* long enough to be told of before, in whole seconds */
	scene_leave(&s, "from=%s id=m1 expires=4 text=one", BOB);
	announced(&s, 1);
	(void)ctrl_until(s.c, "cpm_status", NULL, "deferred", 0, E2E_WAIT);
	scene_empty(&s);
	(void)ctrl_ask(s.c, "cpm_pull", NULL);
	ck_assert_int_eq(480, pf_int(pf_event(s.pf, "pull", E2E_WAIT),
				     "code"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "sessions", 0, E2E_WAIT);
	ck_assert_int_eq(0, scene_count(&s, "messages"));

	/* refused on purpose, ended early */
	scene_leave(&s, "from=%s id=m2 text=two", BOB);
	announced(&s, 1);
	pf_cmd(s.pf, "fault pull-refuse=603");
	(void)ctrl_ask(s.c, "cpm_pull", NULL);
	ck_assert_int_eq(603, pf_int(pf_event(s.pf, "pull", E2E_WAIT),
				     "code"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "sessions", 0, E2E_WAIT);
	ck_assert_int_eq(1, scene_count(&s, "deferred"));
	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "fault early-bye");
	(void)ctrl_ask(s.c, "cpm_pull", NULL);
	(void)pulled(&s, 0);
	(void)ctrl_until(s.c, "cpm_status", NULL, "sessions", 0, E2E_WAIT);
	ck_assert_int_eq(1, scene_count(&s, "deferred"));
	pf_cmd(s.pf, "fault none");
	(void)ctrl_ask(s.c, "cpm_pull", NULL);
	all_there(&s, 1);
	scene_close(&s);
}
END_TEST


/* The fetching stands still half way: two are there, the others wait */
static void halfway(struct scene *s, int64_t before)
{
	pf_cmd(s->pf, "fault delay=150");
	scene_leave(s, "from=%s count=6 text=x", BOB);
	(void)ctrl_until(s->c, "cpm_status", NULL, "messages", before + 2,
			 E2E_WAIT);
}


/* Killed while it fetches, and the PF, and the core: all is there, once */
START_TEST(torn)
{
	const char *more = getenv("CPM_LONG");
	const int rounds = more ? atoi(more) : ROUNDS;
	struct scene s;
	struct core *core = core_open(&s, NULL);
	int64_t n = 0;
	int i;

	env_limit(s.env, 60 + 10 * (unsigned)rounds);
	core_start(&s, core, "cpm_auto_pull yes\n");
	for (i=0; i<rounds; i++) {
		halfway(&s, n);
		if (i % 2) {
			const char *argv[] = {"-D", DOMAIN, "-d",
				env_path(s.env, "pf.db"), "-c", core->uri,
				"-W", "pull", "-l", env_str(s.env, "%s",
							    s.pf->sip), NULL};

			proc_kill(s.pf->proc);
			s.pf = pf_start(s.env, argv);
		}
		else {
			baresip_kill(s.b);
			pf_cmd(s.pf, "fault none");
			scene_restart(&s);
		}
		n += 6;
		scene_delivered(&s, n);
		(void)ctrl_until(s.c, "cpm_status", NULL, "deferred", 0,
				 E2E_WAIT);
		if (i % 2) {
			/* it was fetched from a PF that knows nobody */
			ck_assert_int_eq(0, baresip_quit(s.b));
			scene_restart(&s);
		}
	}
	scene_close(&s);
}
END_TEST


/* Over TLS, and through relays; who connects is the PF's choice */
START_TEST(legs)
{
	static const struct {
		bool tls, relay, active;
	} legv[] = {
		{true, false, false}, {true, false, true},
		{false, true, false}, {false, true, true},
		{true, true, false},
	};
	const char *optv[8] = {"-W", "pull"}, *config = "";
	struct relay *relay = NULL;
	struct scene s;
	size_t n = 2;

	memset(&s, 0, sizeof(s));
	s.env = env_open();
	if (legv[_i].tls) {
		optv[n++] = "-T";
		config = "cpm_msrp tls\n";
	}
	if (legv[_i].active) {
		optv[n++] = "-s";
		optv[n++] = "active";
	}
	if (legv[_i].relay) {
		relay = relay_alloc(s.env, legv[_i].tls);
		config = env_str(s.env, "%scpm_relay %s\n", config,
				 relay->uri);
		relay_run(relay, "alice:secret");
	}
	if (relay && relay->tls) {
		config = env_str(s.env, "%scpm_tls_cafile %s\n", config,
				 relay->ca);
	}
	memcpy(s.args.optv, optv, sizeof(optv));
	s.args.config = config;
	scene_pf(&s);
	scene_leave(&s, "from=%s id=m1 text=one", BOB);
	scene_leave(&s, "from=%s size=100000", CAROL);
	scene_start(&s);
	announced(&s, 2);
	(void)ctrl_ask(s.c, "cpm_pull", NULL);
	ck_assert_int_eq(legv[_i].tls, pf_int(pulled(&s, 0), "tls"));
	all_there(&s, 2);
	scene_close(&s);
}
END_TEST


void pull_pf_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "pf", 60);

	tcase_add_test(tc, recorded);
	tcase_add_test(tc, kinds);
	tcase_add_test(tc, expired);
	tcase_add_test(tc, long_name);

	tc = suite_case(suite, "torn", 60 + 10 * 50);
	tcase_add_test(tc, torn);

	tc = suite_case(suite, "legs", 60);
	tcase_add_loop_test(tc, legs, 0, 5);
}
