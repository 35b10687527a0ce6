/**
 * @file test_soak.c  kill -9 at any moment: nothing missing, nothing double
 *
 * Rounds of a delivery that is cut off by killing one side, each followed by
 * restart and redelivery; the same with the power cut at the kill. CPM_ROUNDS
 * says how many, CPM_SEED repeats a run.
 *
 * What was acknowledged is what the PF saw answered with 200: only that
 * leaves its database. So once that is empty, all must be in the store.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "soak.h"


enum {
	ROUNDS    = 10,       /* when nobody says: two of a kind          */
	SERVER    = 5,        /* the same for the PF: those are slow      */
	ROUND_SEC = 8,        /* s for one round                          */
	FIRST_SEC = 90,       /* s for all else                           */
	LAST      = 25,       /* rounds that take longer than a 200 waits
				 for its ACK                              */
	NO_ACK    = 40000,    /* ms that it waits, and a little more      */
};


/* regint: how soon a PF that was away sees the softphone again */
static void soak_open(struct soak *k, unsigned rounds, unsigned regint,
		      bool power)
{
	const struct scene_args args = {.optv = {"-w", "4", NULL}};
	struct scene *s = &k->s;

	memset(k, 0, sizeof(*k));
	k->rounds = soak_number("CPM_ROUNDS", rounds);
	k->seed = soak_number("CPM_SEED", (unsigned)time(NULL));
	k->state = k->seed | 1;
	scene_open(s, &args);
	env_limit(s->env, FIRST_SEC + k->rounds * ROUND_SEC);
	k->roundv = env_keep(s->env, mem_zalloc((k->rounds + SOAK_CALM) *
						sizeof(*k->roundv), NULL));
	k->log = power ? env_path(s->env, "notes") : NULL;
	pf_cmd(s->pf, "auto off");
	s->b = baresip_start(s->env, &(struct baresip_args){
		.name = "alice", .power = k->log, .accounts = env_str(s->env,
			"<sip:alice@%s;transport=udp>;auth_user=alice;"
			"auth_pass=secret;outbound=\"sip:%s\";regint=%u\n",
			DOMAIN, s->pf->sip, regint)});
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
}


static void read_round(struct soak *k)
{
	const struct odict *o = ctrl_ask(k->s.c, "cpm_conversations", NULL);
	unsigned i;

	for (i=0; i<j_count(o, "conversations"); i++)
		(void)ctrl_ask(k->s.c, "cpm_display", "c%d",
			       (int)j_int(j_at(o, "conversations", i),
					  "id"));
}


static void round_end(struct soak *k, unsigned round)
{
	/* a session whose server is gone may last: it waits for the ACK, as
	   long as SIP does */
	scene_empty(&k->s);
	soak_check(k, round);
	read_round(k);
	pf_cmd(k->s.pf, "auto off");
	/* what is not asked for again need not be remembered */
	(void)pf_ask(k->s.pf, "pending to=%s", ALICE);
	proc_skip(k->s.pf->proc);
}


/* How long a delivery and a start take when nobody disturbs them: that is
   when to kill */
static void calibrate(struct soak *k)
{
	unsigned round;
	uint64_t t;

	for (round=0; round<SOAK_CALM; round++) {
		soak_leave(k, round);
		soak_pace(k, round);
		t = e2e_now();
		soak_deliver(k);
		scene_empty(&k->s);
		k->windowv[k->roundv[round].kind][soak_slow(round)] =
			(unsigned)(e2e_now() - t) * 1000;
		round_end(k, round);
		soak_delete(k, round);
	}

	t = e2e_now();
	(void)baresip_quit(k->s.b);
	soak_restart(k);
	k->start = (unsigned)(e2e_now() - t) * 1000;
}


static void print(const struct soak *k, const char *who, int64_t repeats)
{
	printf("soak: %u rounds (chat %u, large %u, notify %u, start %u, "
	       "delete %u), %s killed %u times (%u deliveries cut off), seed "
	       "%u: %u messages, %u missing, %u doubled, %u damaged; %u "
	       "deleted; %u commands seen done, %u undone; %u notifications, "
	       "%lld repeats\n", k->rounds, k->kindv[SOAK_CHAT],
	       k->kindv[SOAK_LARGE], k->kindv[SOAK_NOTIFY],
	       k->kindv[SOAK_START], k->kindv[SOAK_DELETE], who, k->kills,
	       k->cuts, k->seed, k->messages, k->missing, k->doubled,
	       k->wrong, k->gone, k->acts, k->undone, k->notices,
	       (long long)repeats);
	if (k->log)
		printf("soak: the power was cut each time: %u cuts took "
		       "something, in all %llu writes (%llu octets) and %llu "
		       "names\n", k->sum.hurt,
		       (unsigned long long)k->sum.data,
		       (unsigned long long)k->sum.octets,
		       (unsigned long long)k->sum.names);
}


static void assert_good(const struct soak *k)
{
	ck_assert_msg(!k->missing && !k->doubled && !k->wrong &&
		      !k->undone && !k->torn,
		      "seed %u: after %u kills, of %u messages %u missing, %u "
		      "doubled, %u damaged; %u commands undone, %u half done",
		      k->seed, k->kills, k->messages, k->missing, k->doubled,
		      k->wrong, k->undone, k->torn);
}


static void soak_close(struct soak *k, const char *who)
{
	int64_t repeats;

	soak_check_all(k);
	assert_good(k);
	repeats = scene_notified(&k->s, k->notices);
	(void)ctrl_until(k->s.c, "cpm_status", NULL, "sessions", 0, NO_ACK);
	ck_assert_int_eq(0, scene_count(&k->s, "imdn_failed"));
	ck_assert_int_eq(k->messages - k->gone,
			 scene_count(&k->s, "messages"));
	/* each file belongs to a message */
	ck_assert_uint_eq(k->files, soak_files(k));
	/* it was worth it */
	ck_assert_uint_gt(k->cuts, 0);
	if (k->log)
		ck_assert_uint_gt(k->sum.hurt, 0);

	print(k, who, repeats);
	scene_close(&k->s);
}


static void softphone_rounds(bool power)
{
	struct soak k;
	unsigned round;

	soak_open(&k, ROUNDS, 600, power);
	calibrate(&k);
	for (round=SOAK_CALM; round<k.rounds + SOAK_CALM; round++) {
		soak_leave(&k, round);
		soak_pace(&k, round);
		soak_strike(&k, round);
		round_end(&k, round);
		assert_good(&k);
	}
	soak_close(&k, "baresip");
}


START_TEST(softphone_killed)
{
	softphone_rounds(false);
}
END_TEST


START_TEST(power_cut_off)
{
	softphone_rounds(true);
}
END_TEST


START_TEST(server_killed)
{
	struct soak k;
	unsigned round;

	soak_open(&k, SERVER, 2, false);
	calibrate(&k);
	for (round=SOAK_CALM; round<k.rounds + SOAK_CALM; round++) {
		const bool slow = soak_slow(round);

		soak_leave(&k, round);
		soak_pace(&k, round);
		soak_deliver(&k);
		/* without an ACK the softphone cannot end soon: so not at
		   the end of the run */
		if (round + LAST >= k.rounds + SOAK_CALM)
			(void)pf_event(k.s.pf, "established", E2E_WAIT);
		/* counted from where most of it is still to come */
		soak_sleep(soak_random(&k, 1000 + 2 * k.windowv
				       [k.roundv[round].kind][slow] / 3));
		proc_kill(k.s.pf->proc);
		scene_pf_restart(&k.s, "secret");
		++k.kills;
		k.cuts += pf_int(pf_ask(k.s.pf, "pending to=%s", ALICE),
				 "count") > 0;
		round_end(&k, round);
		soak_delete(&k, round);
		assert_good(&k);
	}
	soak_close(&k, "pf");
}
END_TEST


static void add(Suite *suite, const char *name, const TTest *test)
{
	const unsigned rounds = soak_number("CPM_ROUNDS", ROUNDS);
	TCase *tc = suite_case(suite, name, FIRST_SEC + rounds * ROUND_SEC);

	tcase_add_test(tc, test);
}


/* Each case by itself, so that they may run side by side */
Suite *soak_suite(void)
{
	Suite *suite = suite_create("soak");

	add(suite, "kill", softphone_killed);
	add(suite, "power", power_cut_off);
	add(suite, "server", server_killed);
	soak_old_case(suite, FIRST_SEC + ROUND_SEC *
		      soak_number("CPM_ROUNDS", ROUNDS));

	return suite;
}
