/**
 * @file test_restart.c  The softphone, the PF and the SIP core killed at any
 *                       moment, while messages come by each of the ways
 *
 * CPM_ROUNDS says how many rounds there are for each way, CPM_WAY names one
 * and leaves the others out, CPM_SEED repeats a run. All goes through a real
 * core, which forgets who was registered.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "soak.h"


enum {
	COUNT     = 30,       /* messages of a round                        */
	WINDOW    = 90000,    /* us in which they come, about               */
	ROUND_SEC = 20,       /* s for one round                            */
	FIRST_SEC = 60,
	EMPTY     = 120000,   /* ms: a MESSAGE to where nobody is any more
				 stands for 32 s, an INVITE for 20 s, or 40 s
				 if the core dies with it; libre tries a
				 REGISTER that failed again after 30 to 60 s */
};

static const char *const wayv[] = {
	"page", "large", "session", "inline", "all", "pull",
};

enum victim { SOFTPHONE, SERVER, CORE, VICTIMS };

struct restart {
	struct soak k;        /* for its scene and its random numbers       */
	struct core *core;
	unsigned cuts[VICTIMS];
	unsigned slowest;     /* ms of a round                              */
};


static void open_all(struct restart *r, unsigned rounds)
{
	struct scene *s = &r->k.s;

	memset(r, 0, sizeof(*r));
	r->k.seed = soak_number("CPM_SEED", (unsigned)time(NULL));
	r->k.state = r->k.seed | 1;
	s->env = env_open();
	env_limit(s->env, FIRST_SEC + rounds * ROUND_SEC);
	r->core = core_alloc(s->env, DOMAIN, false);
	s->args.optv[0] = "-c";
	s->args.optv[1] = r->core->uri;
	s->args.optv[2] = "-w";
	s->args.optv[3] = "4";
	scene_pf(s);
	core_run(r->core, "alice:secret", s->pf);
	/* soon after one of the others was away it is known again */
	s->b = baresip_start(s->env, &(struct baresip_args){
		.name = "alice", .config = "cpm_auto_pull yes\n",
		.accounts = env_str(s->env,
			"<sip:alice@%s;transport=udp>;auth_user=alice;"
			"auth_pass=secret;outbound=\"%s\";regint=1\n",
			DOMAIN, r->core->uri)});
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
	(void)pf_event(s->pf, "registered", E2E_WAIT);
}


static void strike(struct restart *r, enum victim who)
{
	struct scene *s = &r->k.s;

	switch (who) {

	case SOFTPHONE:
		baresip_kill(s->b);
		scene_restart(s);
		break;

	case SERVER:
		proc_kill(s->pf->proc);
		scene_pf_restart(s, NULL);
		break;

	default:
		proc_kill(r->core->proc);
		core_run(r->core, "alice:secret", s->pf);
		break;
	}
}


static int64_t pending(struct restart *r)
{
	return pf_int(pf_ask(r->k.s.pf, "pending to=%s", ALICE), "count");
}


static void one_round(struct restart *r, unsigned round, const char *way,
		      enum victim who)
{
	struct scene *s = &r->k.s;
	const uint64_t begin = e2e_now();
	struct wait w;

	/* MSRP is fast: a message each 3 ms */
	pf_cmd(s->pf, "fault %s", !strcmp(way, "page") ||
	       !strcmp(way, "large") ? "none" : "delay=3");
	pf_cmd(s->pf, "leave from=sip:w%u@" DOMAIN " to=" ALICE " way=%s "
	       "id=r%u. count=%d size=%d", round, way, round, COUNT,
	       who == SOFTPHONE ? 100 : 1000);
	(void)pf_event(s->pf, "kept", E2E_WAIT);
	soak_sleep(soak_random(&r->k, WINDOW));
	r->cuts[who] += pending(r) > 0;
	strike(r, who);

	wait_start(&w, EMPTY, "the PF to have nothing left");
	while (wait_more(&w) && pending(r))
		;
	(void)ctrl_until(s->c, "cpm_status", NULL, "messages",
			 (round + 1) * COUNT, E2E_WAIT);
	proc_skip(s->pf->proc);
	r->slowest = max(r->slowest, (unsigned)(e2e_now() - begin));
}


/* Each is there, once */
static void check(struct restart *r, unsigned rounds)
{
	struct scene *s = &r->k.s;
	unsigned *seen = env_keep(s->env, mem_zalloc(rounds * COUNT *
						     sizeof(*seen), NULL));
	const struct odict *o;
	int64_t after = 0;
	unsigned i;

	do {
		o = ctrl_ask(s->c, "cpm_messages",
			     "{\"after\":%lld,\"limit\":100}",
			     (long long)after);
		for (i=0; i<j_count(o, "messages"); i++) {
			const struct odict *m = j_at(o, "messages", i);
			unsigned round, n;

			ck_assert_int_eq(2, sscanf(j_str(m, "imdn_id"),
						   "r%u.%u", &round, &n));
			ck_assert(round < rounds && n && n <= COUNT);
			++seen[round * COUNT + n - 1];
			after = max(after, j_int(m, "id"));
		}
	} while (j_bool(o, "more"));

	for (i=0; i<rounds * COUNT; i++)
		ck_assert_msg(seen[i] == 1, "seed %u: r%u.%u is there %u "
			      "times", r->k.seed, i / COUNT, i % COUNT + 1,
			      seen[i]);
}


static void restarts(unsigned from, unsigned ways, unsigned each)
{
	const unsigned rounds = ways * each;
	struct restart r;
	unsigned round;
	int64_t repeats;

	open_all(&r, rounds);
	for (round=0; round<rounds; round++)
		one_round(&r, round, wayv[from + round % ways],
			  (round + round / ways) % VICTIMS);
	check(&r, rounds);
	repeats = scene_notified(&r.k.s, rounds * COUNT);
	ck_assert_int_eq(0, scene_count(&r.k.s, "imdn_failed"));
	/* the softphone does not end before a 200 of it has its ACK, or 32 s
	   have passed: who should acknowledge the last one may be dead */
	(void)ctrl_until(r.k.s.c, "cpm_status", NULL, "sessions", 0, EMPTY);
	printf("restart: %s to %s, %u rounds, seed %u: %u messages, none "
	       "missing, none doubled; cut off by the end of the softphone "
	       "%u, the PF %u, the core %u times; %lld notifications "
	       "repeated; a round took %u ms at most\n", wayv[from],
	       wayv[from + ways - 1], rounds, r.k.seed, rounds * COUNT,
	       r.cuts[SOFTPHONE], r.cuts[SERVER], r.cuts[CORE],
	       (long long)repeats, r.slowest);
	ck_assert_uint_gt(r.cuts[SOFTPHONE] + r.cuts[SERVER] + r.cuts[CORE],
			  0);
	scene_close(&r.k.s);
}


/* Each way once, which is each victim once or twice; with CPM_ROUNDS a way is
   a test of its own, so that a failure tells which */
START_TEST(short_run)
{
	restarts(0, ARRAY_SIZE(wayv), 1);
}
END_TEST


START_TEST(long_run)
{
	restarts((unsigned)_i, 1, soak_number("CPM_ROUNDS", 1));
}
END_TEST


/* That of CPM_WAY, or all */
static unsigned way_end(unsigned *from)
{
	const char *way = getenv("CPM_WAY");
	unsigned i;

	*from = 0;
	for (i=0; way && i<ARRAY_SIZE(wayv); i++) {
		if (strcmp(way, wayv[i]))
			continue;
		*from = i;
		return i + 1;
	}

	return ARRAY_SIZE(wayv);
}


Suite *restart_suite(void)
{
	const unsigned each = soak_number("CPM_ROUNDS", 1);
	unsigned from = 0;
	const unsigned end = way_end(&from);
	Suite *suite = suite_create("restart");
	TCase *tc = suite_case(suite, "ways", FIRST_SEC + ROUND_SEC *
			       max(each, (unsigned)ARRAY_SIZE(wayv)));

	if (each > 1)
		tcase_add_loop_test(tc, long_run, (int)from, (int)end);
	else
		tcase_add_test(tc, short_run);

	return suite;
}
