/**
 * @file test_soak.c  kill -9 at any moment: nothing missing, nothing double
 *
 * Rounds of a delivery that is cut off by killing one side, each followed by
 * restart and redelivery. CPM_ROUNDS says how many, CPM_SEED repeats a run.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "suite.h"
#include "scene.h"


enum {
	ROUNDS    = 8,        /* when nobody says                         */
	MESSAGES  = 20,       /* of a round                               */
	LARGE     = 65537,    /* octets: a body this long is a file       */
	LINE      = 31,       /* octets of a generated line               */
	KILLS     = 3,        /* of one delivery, at most                 */
	CALM      = 2,        /* first rounds, without a kill             */
	DELAY     = 4,        /* ms between messages of a slow delivery   */
	ROUND_SEC = 8,        /* s for one round                          */
	FIRST_SEC = 90,       /* s for all else                           */
	LAST      = 25,       /* rounds that take longer than a 200 waits
				 for its ACK                              */
	NO_ACK    = 40000,    /* ms that it waits, and a little more      */
};

struct soak {
	struct scene s;
	unsigned rounds;
	unsigned seed;
	uint32_t state;       /* of the random numbers                    */
	unsigned windowv[2];  /* us that a delivery takes: fast and slow  */
	unsigned kills;
	unsigned cuts;        /* of them with something still to deliver  */
	int64_t after;        /* last message id that was looked at       */
	unsigned sizev[MESSAGES];
	unsigned messages;
	unsigned missing;
	unsigned doubled;
	unsigned wrong;       /* content is not what was sent             */
	unsigned files;
};


static uint32_t next_random(struct soak *k)
{
	/* xorshift: the same everywhere */
	k->state ^= k->state << 13;
	k->state ^= k->state >> 17;
	k->state ^= k->state << 5;

	return k->state;
}


static unsigned env_number(const char *name, unsigned other)
{
	const char *value = getenv(name);

	return value && *value ? (unsigned)strtoul(value, NULL, 10) : other;
}


static void sleep_us(unsigned us)
{
	const struct timespec ts = {us / 1000000, (long)us % 1000000 * 1000};

	(void)nanosleep(&ts, NULL);
}


/* regint: how soon a PF that was away sees the softphone again */
static void soak_open(struct soak *k, unsigned regint)
{
	const struct scene_args args = {.optv = {"-w", "4", NULL}};
	struct scene *s = &k->s;

	memset(k, 0, sizeof(*k));
	k->rounds = env_number("CPM_ROUNDS", ROUNDS);
	k->seed = env_number("CPM_SEED", (unsigned)time(NULL));
	k->state = k->seed | 1;
	scene_open(s, &args);
	env_limit(s->env, FIRST_SEC + k->rounds * ROUND_SEC);
	pf_cmd(s->pf, "auto off");
	s->b = baresip_start(s->env, &(struct baresip_args){
		.name = "alice", .accounts = env_str(s->env,
			"<sip:alice@%s;transport=udp>;auth_user=alice;"
			"auth_pass=secret;outbound=\"sip:%s\";regint=%u\n",
			DOMAIN, s->pf->sip, regint)});
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
}


static void leave_round(struct soak *k, unsigned round)
{
	unsigned i;

	for (i=0; i<MESSAGES; i++) {
		unsigned size = 1 + next_random(k) % 3000;

		if (i % 7 == 3)
			size = LARGE + next_random(k) % 150000;
		k->files += size >= LARGE;
		k->sizev[i] = size;
		scene_leave(&k->s, "from=%s id=r%u-%u size=%u",
			    i % 3 ? BOB : CAROL, round, i, size);
	}
	k->messages += MESSAGES;
}


static void deliver(struct soak *k)
{
	pf_cmd(k->s.pf, "auto on");
	pf_cmd(k->s.pf, "deliver to=%s", ALICE);
}


/* The beginning as in the list, and the last line by offset */
static bool is_whole(struct soak *k, const struct odict *m, unsigned size)
{
	const size_t off = (size - 1) / LINE * LINE;
	struct env *env = k->s.env;
	const char *text = j_str(m, "text");
	const struct odict *o;

	if (j_int(m, "size") != (int64_t)size)
		return false;
	if (strcmp(text, scene_text(env, 0, strlen(text), size)))
		return false;

	o = ctrl_ask(k->s.c, "cpm_message", "{\"id\":%d,\"offset\":%zu}",
		     (int)j_int(m, "id"), off);

	return !strcmp(j_str(o, "text"), scene_text(env, off, size - off,
						    size));
}


/* Look through what is new in the store */
static void check_round(struct soak *k, unsigned round)
{
	unsigned seenv[MESSAGES] = {0}, i;
	const struct odict *o;

	do {
		o = ctrl_ask(k->s.c, "cpm_messages",
			     "{\"after\":%d,\"limit\":50}", (int)k->after);
		for (i=0; i<j_count(o, "messages"); i++) {
			const struct odict *m = j_at(o, "messages", i);
			unsigned r, n;

			if (j_int(m, "id") > k->after)
				k->after = j_int(m, "id");
			if (sscanf(j_str(m, "imdn_id"), "r%u-%u", &r, &n) != 2
			    || r != round || n >= MESSAGES) {
				++k->doubled;  /* of a round before */
				continue;
			}
			++seenv[n];
			k->wrong += !is_whole(k, m, k->sizev[n]);
		}
	} while (j_bool(o, "more"));

	for (i=0; i<MESSAGES; i++) {
		k->missing += !seenv[i];
		k->doubled += seenv[i] > 1;
	}
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
	check_round(k, round);
	read_round(k);
	pf_cmd(k->s.pf, "auto off");
	/* what is not asked for again need not be remembered */
	(void)pf_ask(k->s.pf, "pending to=%s", ALICE);
	proc_skip(k->s.pf->proc);
}


/* Every other delivery is slowed down, so that each kill meets messages on
   their way; in the others they go in a bunch */
static bool is_slow(unsigned round)
{
	return round & 1;
}


static void set_pace(struct soak *k, unsigned round)
{
	pf_cmd(k->s.pf, "fault none");
	if (is_slow(round))
		pf_cmd(k->s.pf, "fault delay=%u", DELAY);
}


/* How long a delivery takes when nobody disturbs it: that is when to kill */
static void calibrate(struct soak *k)
{
	unsigned round;
	uint64_t t;

	for (round=0; round<CALM; round++) {
		leave_round(k, round);
		set_pace(k, round);
		t = e2e_now();
		deliver(k);
		(void)pf_event(k->s.pf, "ended", E2E_WAIT);
		(void)pf_event(k->s.pf, "ended", E2E_WAIT);
		k->windowv[is_slow(round)] =
			(unsigned)(e2e_now() - t) * 1000;
		round_end(k, round);
	}
}


static void wait_moment(struct soak *k, unsigned round)
{
	sleep_us(next_random(k) % (k->windowv[is_slow(round)] + 1000));
}


static void killed(struct soak *k)
{
	const struct pf_event *ev = pf_ask(k->s.pf, "pending to=%s", ALICE);

	++k->kills;
	k->cuts += pf_int(ev, "count") > 0;
}


static unsigned count_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *de;
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	closedir(dir);

	return n;
}


static void soak_close(struct soak *k, const char *who)
{
	int64_t repeats;

	ck_assert_msg(!k->missing && !k->doubled && !k->wrong,
		      "seed %u: of %u messages %u missing, %u doubled, %u "
		      "damaged", k->seed, k->messages, k->missing, k->doubled,
		      k->wrong);
	repeats = scene_notified(&k->s, 2 * k->messages);
	(void)ctrl_until(k->s.c, "cpm_status", NULL, "sessions", 0, NO_ACK);
	ck_assert_int_eq(0, scene_count(&k->s, "imdn_failed"));
	ck_assert_int_eq(k->messages, scene_count(&k->s, "messages"));
	/* each file belongs to a message */
	ck_assert_uint_eq(k->files, count_files(scene_file(&k->s, "spool")));
	/* it was worth it */
	ck_assert_uint_gt(k->cuts, 0);

	printf("soak: %u rounds, %s killed %u times (%u deliveries cut off), "
	       "seed %u: %u messages, %u missing, %u doubled; %u "
	       "notifications, %lld repeats\n", k->rounds, who, k->kills,
	       k->cuts, k->seed, k->messages, k->missing, k->doubled,
	       2 * k->messages, (long long)repeats);
	scene_close(&k->s);
}


START_TEST(softphone_killed)
{
	struct soak k;
	unsigned round, n;

	soak_open(&k, 600);
	calibrate(&k);
	for (round=CALM; round<k.rounds + CALM; round++) {
		leave_round(&k, round);
		set_pace(&k, round);
		deliver(&k);
		/* also while it starts and is found again */
		for (n = 1 + next_random(&k) % KILLS; n; n--) {
			wait_moment(&k, round);
			baresip_kill(k.s.b);
			killed(&k);
			scene_restart(&k.s);
		}
		round_end(&k, round);
	}
	soak_close(&k, "baresip");
}
END_TEST


START_TEST(server_killed)
{
	struct soak k;
	unsigned round;

	soak_open(&k, 2);
	calibrate(&k);
	/* counted from where most of it is still to come */
	k.windowv[0] = k.windowv[0] * 2 / 3;
	k.windowv[1] = k.windowv[1] * 2 / 3;
	for (round=CALM; round<k.rounds + CALM; round++) {
		leave_round(&k, round);
		set_pace(&k, round);
		deliver(&k);
		/* without an ACK the softphone cannot end soon: so not at
		   the end of the run */
		if (round + LAST >= k.rounds + CALM)
			(void)pf_event(k.s.pf, "established", E2E_WAIT);
		wait_moment(&k, round);
		proc_kill(k.s.pf->proc);
		scene_pf_restart(&k.s, "secret");
		killed(&k);
		round_end(&k, round);
	}
	soak_close(&k, "pf");
}
END_TEST


Suite *soak_suite(void)
{
	Suite *suite = suite_create("soak");
	const unsigned rounds = env_number("CPM_ROUNDS", ROUNDS);
	TCase *tc = suite_case(suite, "kill",
			       FIRST_SEC + rounds * ROUND_SEC);

	tcase_add_test(tc, softphone_killed);
	tcase_add_test(tc, server_killed);

	return suite;
}
