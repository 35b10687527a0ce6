/**
 * @file test_core.c  Through a SIP core: Kamailio is registrar and proxy
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"


/* PF and core up, Alice's softphone not yet. ADDRESS is [::1] or 127.0.0.1 */
static struct core *core_open(struct scene *s, bool ipv6)
{
	const char *argv[] = {"-D", DOMAIN, "-l",
		ipv6 ? "[::1]:0" : "127.0.0.1:0", "-c", NULL, NULL};
	struct core *core;

	memset(s, 0, sizeof(*s));
	s->env = env_open();
	core = core_alloc(s->env, DOMAIN, ipv6);
	argv[5] = core->uri;
	s->pf = pf_start(s->env, argv);
	core_run(core, "alice:secret", s->pf);

	return core;
}


/* @param params Of the account: NULL, or ";sipnat=outbound" */
static void core_start(struct scene *s, const struct core *core,
		       const char *transport, const char *params)
{
	struct baresip_args args = {.name = "alice", .ipv6 = core->ipv6};

	if (params)
		args.config = "module_tmp uuid.so\n";
	args.accounts = baresip_account(s->env, "alice", DOMAIN,
		env_str(s->env, "sip:%s;transport=%s",
			core->edge_proc ? core->edge : core->sip, transport),
		params);
	s->b = baresip_start(s->env, &args);
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
}


/* Registration tells the PF, it delivers through the core, and what we notify
   goes back through it, with the password that the core wants to see */
static void deliver(struct scene *s, struct core *core, const char *transport,
		    const char *params)
{
	const struct pf_event *ev;

	scene_leave(s, "from=%s id=m1 text=Grüße", BOB);
	core_start(s, core, transport, params);
	ev = pf_event(s->pf, "registered", E2E_WAIT);
	ck_assert_str_eq("alice", pf_str(ev, "user"));
	ev = pf_event(s->pf, "answer", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	ev = pf_event(s->pf, "ended", E2E_WAIT);
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	ev = pf_event(s->pf, "imdn", E2E_WAIT);
	ck_assert_str_eq("m1", pf_str(ev, "id"));
	ck_assert_str_eq("delivered", pf_str(ev, "status"));
	ck_assert_str_eq(ALICE, pf_str(ev, "from"));
	ck_assert_str_eq(BOB, pf_str(ev, "to"));
	(void)proc_line(core->proc, "MESSAGE of alice is challenged",
			E2E_SHORT);
	(void)ctrl_ask(s->c, "cpm_display", "1");
	ev = pf_event(s->pf, "imdn", E2E_WAIT);
	ck_assert_str_eq("displayed", pf_str(ev, "status"));
	ck_assert_str_eq("Grüße", j_str(ctrl_ask(s->c, "cpm_message", "1"),
					"text"));
	scene_delivered(s, 1);
}


START_TEST(delivery)
{
	struct scene s;
	struct core *core = core_open(&s, _i);

	deliver(&s, core, "udp", NULL);
	scene_close(&s);
}
END_TEST


/* Behind an edge proxy, as a desktop is: it stands in Path, and what comes
   goes back down the flow that the registration came on */
START_TEST(edge)
{
	static const char *const transport[] = {"udp", "tcp", "tcp"};
	const char *params = _i == 1 ? NULL : ";sipnat=outbound";
	struct scene s;
	struct core *core = core_open(&s, false);

	core_edge(core);
	deliver(&s, core, transport[_i], params);
	/* it was the edge, and it was the flow */
	ck_assert(file_has(core->edge_proc->log, "down the flow")
		  == (params != NULL));
	scene_close(&s);
}
END_TEST


/* The same, as tshark sees it: SIP, MSRP and CPIM, nothing malformed */
START_TEST(recorded)
{
	struct scene s;
	struct core *core = core_open(&s, false);
	struct wire *w = wire_start(s.env);
	struct wire_seen seen;

	deliver(&s, core, "udp", NULL);
	scene_leave(&s, "from=%s size=20000", CAROL);
	scene_delivered(&s, 2);
	(void)pf_event_kv(s.pf, "imdn", "to", CAROL, E2E_WAIT);
	ck_assert_int_eq(0, baresip_quit(s.b));
	ck_assert_int_eq(0, pf_quit(s.pf));

	wire_check(w, (const uint16_t[]){core->port, s.pf->sip_port,
					 s.b->sip_port, 0},
		   (const uint16_t[]){s.pf->msrp_port, 0}, &seen);
	/* on both sides of the core: 2 INVITE with 100, 200, ACK, BYE; 3
	   MESSAGE with 407 and again; REGISTER */
	ck_assert_uint_ge(seen.sip, 40);
	/* twice: bind, its answer, all chunks at once, their answers */
	ck_assert_uint_ge(seen.msrp, 8);
	ck_assert_uint_ge(seen.cpim, 8);
	ck_assert_uint_eq(0, seen.refused);
	env_close(s.env);
}
END_TEST


void core_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "core", 60);

	tcase_add_loop_test(tc, delivery, 0, 2);
	tcase_add_loop_test(tc, edge, 0, 3);
	tcase_add_test(tc, recorded);
}
