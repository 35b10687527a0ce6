/**
 * @file test_available.c  Who is there gets what is kept
 *
 * Registration is what makes the server deliver: after a time away, from
 * another address, and when registrar or server have been away themselves.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include "suite.h"
#include "scene.h"


enum {
	MOVE_SEC  = 180,      /* s for the test that moves; baresip 1.0.0
				 looks at its addresses each minute         */
	MOVE_WAIT = 80000,    /* ms                                         */
	FLOW_SEC  = 120,      /* s, only with CPM_LONG                      */
	FLOW_WAIT = 40000,    /* ms                                         */
};

static const char *const old_addr[] = {"10.9.0.2/24", "10.9.0.3/24"};


static const char *const *pf_args(struct scene *s, const struct core *core,
				  const char *listen)
{
	const char **argv = env_keep(s->env, mem_zalloc(9 * sizeof(*argv),
							NULL));
	const char *const all[] = {"-D", DOMAIN, "-l", listen, "-c",
		core->uri, "-d", env_path(s->env, "pf.db"), NULL};

	memcpy(argv, all, sizeof(all));

	return argv;
}


/* PF and core; Alice's registration lasts 2 s there, or as params say */
static struct core *open_all(struct scene *s, const char *netif,
			     const char *params)
{
	struct core *core;

	memset(s, 0, sizeof(*s));
	s->env = env_open();
	core = core_alloc(s->env, DOMAIN, false);
	s->pf = pf_start(s->env, pf_args(s, core, "127.0.0.1:0"));
	core_run(core, "alice:secret", s->pf);
	s->b = baresip_start(s->env, &(struct baresip_args){
		.name = "alice", .netif = netif,
		.accounts = env_str(s->env, "<sip:alice@%s>;auth_user=alice;"
			"auth_pass=secret;outbound=\"%s\"%s\n", DOMAIN,
			core->uri, params)});
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
	(void)pf_event(s->pf, "registered", E2E_WAIT);

	return core;
}


/* Its registration runs out while it is away, and what is left then waits */
START_TEST(away)
{
	struct scene s;

	(void)open_all(&s, NULL, ";regint=2");
	baresip_kill(s.b);
	(void)pf_event(s.pf, "unregistered", E2E_WAIT);
	scene_leave(&s, "from=%s text=one", BOB);
	scene_leave(&s, "from=%s text=two", CAROL);
	ck_assert_int_eq(2, pf_int(pf_ask(s.pf, "pending to=%s", ALICE),
				   "count"));
	scene_restart(&s);
	scene_delivered(&s, 2);
	ck_assert_int_eq(0, scene_notified(&s, 2));
	scene_close(&s);
}
END_TEST


/* The core comes back and knows nobody (0); so does the PF (1): the next
   refresh tells them */
START_TEST(forgotten)
{
	struct scene s;
	struct core *core = open_all(&s, NULL, ";regint=2");
	const char *sip = env_str(s.env, "%s", s.pf->sip);

	pf_cmd(s.pf, "auto off");
	scene_leave(&s, "from=%s text=one", BOB);
	if (_i) {
		ck_assert_int_eq(0, pf_quit(s.pf));
		s.pf = pf_start(s.env, pf_args(&s, core, sip));
	}
	else {
		proc_kill(core->proc);
		core_run(core, "alice:secret", s.pf);
		pf_cmd(s.pf, "auto on");
	}
	(void)pf_event(s.pf, "registered", E2E_WAIT);
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, scene_notified(&s, 1));
	scene_close(&s);
}
END_TEST


static void move(struct scene *s, unsigned to)
{
	net_ip(s->env, "addr", "del", old_addr[!to], "dev", "cpm0", NULL);
	net_ip(s->env, "addr", "add", old_addr[to], "dev", "cpm0", NULL);
}


/* Half way through a delivery the address is another one. Baresip registers
   from there; the session that was is over, and the rest comes on a new one */
START_TEST(moved)
{
	struct core *core;
	struct scene s;
	const char *line;

	net_own();
	net_ip(NULL, "addr", "add", old_addr[0], "dev", "cpm0", NULL);
	core = open_all(&s, "cpm0", ";regint=600");
	env_limit(s.env, MOVE_SEC);
	(void)proc_line(core->proc, "bound alice 1 .*@10\\.9\\.0\\.2:",
			E2E_WAIT);
	scene_halfway(&s);
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 1, E2E_WAIT);
	ctrl_skip(s.c);

	move(&s, 1);
	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "auto on");
	/* the old binding goes with the same request */
	line = proc_line(core->proc, "bound alice ", MOVE_WAIT);
	ck_assert_ptr_nonnull(strstr(line, "bound alice 1 "));
	ck_assert_ptr_nonnull(strstr(line, "@10.9.0.3:"));
	ck_assert_ptr_nonnull(strstr(line, env_str(s.env, "@10.9.0.2:%u>;"
						   "expires=0",
						   s.b->sip_port)));
	ck_assert_str_eq("failed", j_str(ctrl_event(s.c, "session", E2E_WAIT),
					 "state"));
	scene_delivered(&s, 2);
	ck_assert_int_eq(0, scene_notified(&s, 2));
	ck_assert_int_eq(0, baresip_quit(s.b));
	(void)proc_line(core->proc, "bound alice 0 ", E2E_WAIT);
	ck_assert_int_eq(0, pf_quit(s.pf));
	env_close(s.env);
}
END_TEST


/* The flow breaks, on which all comes that is for her (RFC 5626): it is set up
   again, after 15 to 30 s */
START_TEST(flow_lost)
{
	struct env *env = env_open();
	struct core *core = core_alloc(env, DOMAIN, false);
	struct baresip *b;

	env_limit(env, FLOW_SEC);
	core_run(core, "alice:secret", NULL);
	core_edge(core);
	b = baresip_start(env, &(struct baresip_args){
		.config = "module_tmp uuid.so\n",
		.accounts = baresip_account(env, "alice", DOMAIN,
			env_str(env, "sip:%s;transport=tcp", core->edge),
			";sipnat=outbound")});
	(void)proc_line(core->proc, "bound alice 1 .*reg-id=1", E2E_WAIT);
	baresip_registered(b, E2E_WAIT);
	proc_kill(core->edge_proc);
	core_edge(core);
	(void)proc_line(core->proc, "bound alice 1 .*reg-id=1", FLOW_WAIT);
	baresip_registered(b, E2E_WAIT);
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


Suite *available_suite(void)
{
	Suite *suite = suite_create("available");
	TCase *tc = suite_case(suite, "back", 60);

	tcase_add_test(tc, away);
	tcase_add_loop_test(tc, forgotten, 0, 2);

	tc = suite_case(suite, "moved", MOVE_SEC);
	tcase_add_test(tc, moved);

	if (getenv("CPM_LONG")) {
		tc = suite_case(suite, "flow", FLOW_SEC);
		tcase_add_test(tc, flow_lost);
	}

	return suite;
}
