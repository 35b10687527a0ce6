/**
 * @file test_soak_strike.c  Rounds of kill -9: what happens in a round
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include "soak.h"


enum {
	LARGE  = 65537,       /* octets: a body this long is a file        */
	HUGE   = 1000001,
	KILLS  = 3,           /* of one delivery, at most                  */
	DELAY  = 4,           /* ms between messages of a slow delivery    */
	ACT    = 8000,        /* us in which a command has its effect      */
	OPENING = 6000,       /* us in which a store is opened and swept   */
	LOOK   = 100,         /* us between two looks for that             */
	LITTER = 12,          /* files that no row names                   */
	AGAIN  = 2,           /* deleted messages that are sent once more  */
};


unsigned soak_number(const char *name, unsigned other)
{
	const char *value = getenv(name);

	return value && *value ? (unsigned)strtoul(value, NULL, 10) : other;
}


unsigned soak_random(struct soak *k, unsigned n)
{
	return power_random(&k->state) % n;
}


void soak_sleep(unsigned us)
{
	const struct timespec ts = {us / 1000000, (long)us % 1000000 * 1000};

	(void)nanosleep(&ts, NULL);
}


/* -------------------------------------------------------- messages --- */

static void plan_large(struct soak *k, struct soak_round *r)
{
	unsigned i;

	r->n = 7;
	for (i=0; i<r->n; i++) {
		struct soak_msg *msg = &r->msgv[i];

		if (i % 2)
			msg->size = LARGE + soak_random(k, 150000);
		else if (i == 4)
			msg->size = HUGE + soak_random(k, 300000);
		else
			msg->size = 1 + soak_random(k, 3000);
		msg->file = msg->size >= LARGE && i > 1;
	}
}


static void plan(struct soak *k, struct soak_round *r)
{
	unsigned i;

	++k->kindv[r->kind];
	if (r->kind == SOAK_LARGE) {
		plan_large(k, r);
		return;
	}

	r->n = r->kind == SOAK_DELETE ? 8 : SOAK_MESSAGES;
	for (i=0; i<r->n; i++) {
		struct soak_msg *msg = &r->msgv[i];

		msg->size = 1 + soak_random(k, 3000);
		if (r->kind == SOAK_DELETE)
			msg->file = i % 3 == 1;
		else if (r->kind == SOAK_START)
			msg->file = i % 9 == 4;
		if (msg->file)
			msg->size = LARGE + soak_random(k, 30000);
	}
}


static void leave_one(struct soak *k, unsigned round, unsigned i)
{
	const struct soak_round *r = &k->roundv[round];
	const struct soak_msg *msg = &r->msgv[i];

	scene_leave(&k->s, "from=%s id=r%u-%u size=%u%s%s",
		    r->kind == SOAK_DELETE ? DAVE : i % 3 ? BOB : CAROL,
		    round, i, msg->size,
		    msg->file ? " type=application/octet-stream" : "",
		    r->kind == SOAK_DELETE ? " ask=positive-delivery" : "");
}


void soak_leave(struct soak *k, unsigned round)
{
	struct soak_round *r = &k->roundv[round];
	unsigned i;

	r->kind = round % SOAK_KINDS;
	plan(k, r);
	for (i=0; i<r->n; i++) {
		leave_one(k, round, i);
		k->files += r->msgv[i].size >= LARGE;
	}
	k->messages += r->n;
	k->notices  += r->kind == SOAK_DELETE ? r->n : 2 * r->n;
}


bool soak_slow(unsigned round)
{
	return round / SOAK_KINDS & 1;
}


void soak_pace(struct soak *k, unsigned round)
{
	pf_cmd(k->s.pf, "fault none");
	if (soak_slow(round))
		pf_cmd(k->s.pf, "fault delay=%u", DELAY);
	if (k->roundv[round].kind == SOAK_NOTIFY)
		pf_cmd(k->s.pf, "fault refuse=%u", 1 + soak_random(k, 12));
}


void soak_deliver(struct soak *k)
{
	pf_cmd(k->s.pf, "auto on");
	pf_cmd(k->s.pf, "deliver to=%s", ALICE);
}


/* ----------------------------------------------------------- kills --- */

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_size;
}


void soak_aim(const char *log, unsigned us, uint32_t *state)
{
	const uint64_t end = e2e_now() + us / 1000;
	char path[300];
	off_t size;

	if (!log || power_random(state) & 1) {
		soak_sleep(power_random(state) % us);
		return;
	}

	snprintf(path, sizeof(path), "%s/log", log);
	size = size_of(path);
	while (size_of(path) == size && e2e_now() < end)
		soak_sleep(LOOK);
	soak_sleep(power_random(state) % OPENING);
}


static void cut(struct soak *k)
{
	++k->kills;
	if (k->log)
		power_cut(env_str(k->s.env, "%s/cpm", k->s.b->dir), k->log,
			  power_random(&k->state) % POWER_HOWS, &k->state,
			  &k->sum);
}


void soak_kill(struct soak *k)
{
	const struct pf_event *ev;

	baresip_kill(k->s.b);
	cut(k);
	ev = pf_ask(k->s.pf, "pending to=%s", ALICE);
	k->cuts += pf_int(ev, "count") > 0;
}


void soak_restart(struct soak *k)
{
	scene_restart(&k->s);
}


/* What remains of a conversation once nothing should */
static void wait_none(struct soak *k, int64_t conv, bool unread)
{
	struct wait w;

	wait_start(&w, E2E_WAIT, "the effect of a command");
	while (soak_count(k, conv, unread))
		(void)wait_more(&w);
}


/* A command that leaves nothing in a conversation, and a kill: at some time,
   or once its effect was seen, which then must last */
static void act_and_kill(struct soak *k, const char *cmd, int64_t conv,
			 bool unread)
{
	const char *prm = env_str(k->s.env, "c%d", (int)conv);
	const unsigned before = soak_count(k, conv, unread);
	const bool see = power_random(&k->state) & 1;
	unsigned left;

	if (see) {
		(void)ctrl_ask(k->s.c, cmd, "%s", prm);
		wait_none(k, conv, unread);
		++k->acts;
	}
	else {
		ctrl_post(k->s.c, cmd, prm);
		soak_sleep(soak_random(k, ACT));
	}
	soak_kill(k);
	soak_restart(k);

	left = soak_count(k, conv, unread);
	k->undone  += see && left;
	/* messages are read one by one, and deleted all or none */
	k->torn    += !unread && left && left != before;
}


/* Also while it starts and is found again */
static void strike_delivery(struct soak *k, unsigned round)
{
	const unsigned us = k->windowv[k->roundv[round].kind]
		[soak_slow(round)] + 1000;
	unsigned n;

	soak_deliver(k);
	for (n = 1 + soak_random(k, KILLS); n; n--) {
		soak_sleep(soak_random(k, us));
		soak_kill(k);
		soak_restart(k);
	}
}


static void strike_display(struct soak *k)
{
	int64_t conv;

	scene_empty(&k->s);
	conv = soak_conv(k, BOB);
	ck_assert_int_gt(conv, 0);
	act_and_kill(k, "cpm_display", conv, true);
}


static void litter(struct soak *k)
{
	unsigned i;

	for (i=0; i<LITTER; i++)
		file_write(env_str(k->s.env, "%s/%s%08x%08x%08x%08x",
				   scene_file(&k->s, "spool"),
				   i & 1 ? "tmp-" : "", power_random(
					   &k->state), i, i, i), "litter");
}


/* The store is opened, recovered, brought up to date and swept */
static void strike_start(struct soak *k, unsigned round)
{
	unsigned n;

	soak_deliver(k);
	soak_sleep(soak_random(k, k->windowv[SOAK_START][soak_slow(round)] +
			       1000));
	soak_kill(k);
	litter(k);
	for (n = 1 + soak_random(k, KILLS); n; n--) {
		baresip_launch(k->s.b);
		soak_aim(k->log, k->start, &k->state);
		soak_kill(k);
	}
	soak_restart(k);
	scene_empty(&k->s);
	ck_assert_uint_eq(k->files, soak_files(k));
}


static void forget_round(struct soak *k, struct soak_round *r)
{
	unsigned i;

	ck_assert_int_eq(0, soak_conv(k, DAVE));

	for (i=0; i<r->n; i++) {
		r->msgv[i].gone = true;
		k->files -= r->msgv[i].size >= LARGE;
		++k->gone;
	}
}


/* What was deleted does not come back when it is sent once more */
static void strike_delete(struct soak *k, unsigned round)
{
	struct soak_round *r = &k->roundv[round];
	int64_t conv;
	unsigned i;

	soak_deliver(k);
	soak_sleep(soak_random(k, k->windowv[SOAK_DELETE][soak_slow(round)] +
			       1000));
	soak_kill(k);
	soak_restart(k);
	scene_empty(&k->s);
	soak_check(k, round);

	conv = soak_conv(k, DAVE);
	ck_assert_int_gt(conv, 0);
	ck_assert_uint_eq(r->n, soak_count(k, conv, false));
	act_and_kill(k, "cpm_delete", conv, false);
	if (soak_count(k, conv, false))
		(void)ctrl_ask(k->s.c, "cpm_delete", "c%d", (int)conv);
	wait_none(k, conv, false);

	for (i=0; i<AGAIN; i++)
		leave_one(k, round, 3 * i);
	soak_deliver(k);
	scene_empty(&k->s);
	k->doubled += soak_count(k, conv, false);
	forget_round(k, r);
}


void soak_delete(struct soak *k, unsigned round)
{
	struct soak_round *r = &k->roundv[round];
	int64_t conv;

	if (r->kind != SOAK_DELETE)
		return;

	conv = soak_conv(k, DAVE);
	(void)ctrl_ask(k->s.c, "cpm_delete", "c%d", (int)conv);
	wait_none(k, conv, false);
	forget_round(k, r);
}


void soak_strike(struct soak *k, unsigned round)
{
	switch (k->roundv[round].kind) {

	case SOAK_START:
		strike_start(k, round);
		break;

	case SOAK_DELETE:
		strike_delete(k, round);
		break;

	case SOAK_NOTIFY:
		strike_delivery(k, round);
		strike_display(k);
		break;

	default:
		strike_delivery(k, round);
		break;
	}
}
