/**
 * @file test_edge.c  Each of the ways behind an edge proxy, as a desktop is
 *
 * The edge stands in Path (RFC 3327), or holds the flow that the registration
 * came on (RFC 5626); the registrar and the PF are behind it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <string.h>
#include "suite.h"
#include "scene.h"


enum { BIG = 20000 };         /* octets: more than one chunk of MSRP       */

/* In the order in which they are left, each from another sender */
static const struct {
	const char *way;
	const char *mode;     /* that it came by, and what follows           */
	const char *from;
	const char *text;
} wayv[] = {
	{"page",    "page",    BOB,                 "Grüße"},
	{"large",   "large",   CAROL,               NULL},
	{"session", "session", "sip:dave@" DOMAIN,  "said"},
	{"inline",  "large",   "sip:erin@" DOMAIN,  "inside"},
	{"pull",    "session", "sip:frank@" DOMAIN, "fetched"},
};

static const struct {
	const char *transport;
	bool flow;
} edgev[] = {
	{"udp", false},
	{"udp", true},
	{"tcp", true},
};


static struct core *edge_open(struct scene *s)
{
	struct core *core;

	memset(s, 0, sizeof(*s));
	s->env = env_open();
	core = core_alloc(s->env, DOMAIN, false);
	s->pf = pf_start(s->env, (const char *[]){"-D", DOMAIN, "-l",
			 "127.0.0.1:0", "-c", core->uri, NULL});
	core_run(core, "alice:secret", s->pf);
	core_edge(core);

	return core;
}


static void edge_start(struct scene *s, const struct core *core,
		       const char *transport, bool flow)
{
	s->b = baresip_start(s->env, &(struct baresip_args){
		.name = "alice", .config = flow ? "module_tmp uuid.so\n"
			: NULL,
		.accounts = baresip_account(s->env, "alice", DOMAIN,
			env_str(s->env, "sip:%s;transport=%s", core->edge,
				transport), flow ? ";sipnat=outbound" : NULL)});
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
}


static void leave_all(struct scene *s)
{
	size_t i;

	for (i=0; i<ARRAY_SIZE(wayv); i++)
		scene_leave(s, "from=%s id=m%zu way=%s %s", wayv[i].from, i,
			    wayv[i].way, wayv[i].text
			    ? env_str(s->env, "text=%s", wayv[i].text)
			    : env_str(s->env, "size=%d", BIG));
}


/* What is announced is fetched: our INVITE goes out through the edge */
static void fetch(struct scene *s)
{
	const struct pf_event *ev;

	/* its event may come before anybody listens */
	(void)ctrl_until(s->c, "cpm_status", NULL, "deferred", 1, E2E_WAIT);
	(void)ctrl_ask(s->c, "cpm_pull", NULL);
	ev = pf_event(s->pf, "pull", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	ck_assert_str_eq(ALICE, pf_str(ev, "to"));
}


/* Each is there, came the way that it was left for, and its sender knows */
static void all_there(struct scene *s)
{
	const int64_t count = (int64_t)ARRAY_SIZE(wayv);
	size_t i;

	scene_delivered(s, count);
	(void)ctrl_until(s->c, "cpm_status", NULL, "deferred", 0, E2E_WAIT);
	ck_assert_int_eq(0, scene_notified(s, count));
	for (i=0; i<ARRAY_SIZE(wayv); i++) {
		const struct pf_event *ev;
		const struct odict *o = ctrl_ask(s->c, "cpm_messages",
			"{\"peer\":\"%s\"}", wayv[i].from);

		ck_assert_uint_eq(1, j_count(o, "messages"));
		o = j_at(o, "messages", 0);
		ck_assert_str_eq(wayv[i].mode, j_str(o, "mode"));
		ck_assert_str_eq(env_str(s->env, "m%zu", i),
				 j_str(o, "imdn_id"));
		if (wayv[i].text)
			ck_assert_str_eq(wayv[i].text, j_str(o, "text"));
		else
			ck_assert_int_eq(BIG, j_int(o, "size"));
		ev = pf_event_kv(s->pf, "imdn", "to", wayv[i].from, E2E_WAIT);
		ck_assert_str_eq("delivered", pf_str(ev, "status"));
	}
}


/* What is left while she is away comes by all the ways when she registers, and
   tshark finds no fault with it */
START_TEST(ways)
{
	const bool flow = edgev[_i].flow;
	struct wire_seen seen;
	struct core *core;
	struct wire *w;
	struct scene s;

	core = edge_open(&s);
	w = wire_start(s.env);
	leave_all(&s);
	edge_start(&s, core, edgev[_i].transport, flow);
	fetch(&s);
	all_there(&s);
	/* it was the edge, and it was the flow */
	ck_assert(flow == file_has(core->edge_proc->log,
				   "MESSAGE goes down the flow"));
	ck_assert(flow == file_has(core->edge_proc->log,
				   "INVITE goes down the flow"));
	ck_assert_int_eq(0, baresip_quit(s.b));
	(void)proc_line(core->proc, "bound alice 0 ", E2E_WAIT);
	ck_assert_int_eq(0, pf_quit(s.pf));

	wire_check(w, (const uint16_t[]){core->port, core->edge_port,
					 s.pf->sip_port, s.b->sip_port, 0},
		   (const uint16_t[]){s.pf->msrp_port, 0}, &seen);
	/* three hops: 4 INVITE with 200, ACK, BYE, its 200; a MESSAGE with its
	   200, and as many for the list; 5 notifications, each challenged */
	ck_assert_uint_ge(seen.sip, 3 * (4 * 5 + 2 * 2) + 5 * (3 + 2));
	/* a bind, messages, their answers */
	ck_assert_uint_ge(seen.msrp, 4 * 2);
	ck_assert_uint_ge(seen.cpim, 3 * (1 + 5) + 4);
	/* each BYE found its way, also to the GRUU that a fetch gave */
	ck_assert_uint_eq(0, seen.refused);
	env_close(s.env);
}
END_TEST


Suite *edge_suite(void)
{
	Suite *suite = suite_create("edge");
	TCase *tc = suite_case(suite, "ways", 60);

	tcase_add_loop_test(tc, ways, 0, (int)ARRAY_SIZE(edgev));

	return suite;
}
