/**
 * @file test_kill.c  The sender killed again and again while it sends
 *
 * Alice sends to Bob, both at the PF, in page mode, large mode and in
 * sessions, texts and files. She is killed at any moment: while she starts,
 * while she takes a message, while it goes. Now and then so is Bob, or the PF,
 * which keeps what is for who is away. In the end each message that was taken
 * is there once, of its size, and Alice knows that it was delivered.
 *
 * CPM_KILLS says how often, and how many messages; CPM_SEED repeats a run.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "soak.h"
#include "duo.h"


enum {
	KILLS     = 60,       /* when nobody says                           */
	ROUND_MS  = 2000,     /* for each, all in all                       */
	FIRST_SEC = 200,
	CALM      = 25,       /* kills, then all that is left may go        */
	SETTLE    = 120000,   /* ms for that: an INVITE stands for 40 s where
				 the PF was killed, a notification waits for
				 its next try                               */
	START     = 150000,   /* us: a start, with its registration         */
	WINDOW    = 30000,    /* us: some messages, INVITE to BYE           */
	SOON      = 3000,     /* us: the first step of it                   */
	BOB_TURN  = 12,       /* one of so many kills is Bob's, too         */
	PF_TURN   = 30,
	TEXT_MAX  = 600,
	FILE_MIN  = 2000,     /* octets: some are kept as files, some not   */
	FILE_MAX  = 200000,
};

enum way { PAGE, LARGE, SESSION, AUTO, FILES, WAYS };

static const char *const wayv[WAYS] = {
	"page", "large", "session", "auto", "file",
};

struct sent {
	enum way way;
	size_t size;
	bool taken;           /* the softphone has said so                  */
	unsigned seen;        /* with Bob                                   */
	unsigned out;         /* with Alice                                 */
};

struct kill {
	struct soak k;        /* for its random numbers                     */
	struct duo d;
	struct sent *v;
	unsigned n;           /* messages so far                            */
	unsigned total;       /* of them, and of kills                      */
	unsigned kills, taken, bobs, pfs;
	unsigned cuts;        /* of the kills: something was still to go    */
	unsigned wayv[WAYS];
};


static unsigned dice(struct kill *k, unsigned n)
{
	return soak_random(&k->k, n);
}


static void start_pf(struct kill *k)
{
	struct duo *d = &k->d;

	d->pf = pf_start(d->env, (const char *[]){"-D", DOMAIN, "-l",
		d->pf ? env_str(d->env, "%s", d->pf->sip) : "127.0.0.1:0",
		"-K", "-d", env_path(d->env, "pf.db"), "-u", "alice:secret",
		"-u", "bob:secret", "-p", "2000", NULL});
}


/* regint: how soon a PF that was killed knows them again */
static struct baresip *phone(struct kill *k, const char *name)
{
	struct duo *d = &k->d;
	struct baresip *b = baresip_start(d->env, &(struct baresip_args){
		.name = name, .accounts = env_str(d->env,
			"<sip:%s@%s;transport=udp>;auth_user=%s;auth_pass="
			"secret;outbound=\"sip:%s\";regint=2\n", name, DOMAIN,
			name, d->pf->sip)});

	baresip_registered(b, E2E_WAIT);

	return b;
}


static void open_all(struct kill *k)
{
	memset(k, 0, sizeof(*k));
	k->total = soak_number("CPM_KILLS", KILLS);
	k->k.seed = soak_number("CPM_SEED", (unsigned)time(NULL));
	k->k.state = k->k.seed | 1;
	k->d.env = env_open();
	env_limit(k->d.env, FIRST_SEC + k->total * ROUND_MS / 1000);
	k->v = env_keep(k->d.env, mem_zalloc(k->total * sizeof(*k->v), NULL));
	start_pf(k);
	k->d.b = phone(k, "bob");
	k->d.a = phone(k, "alice");
}


/* "n17 ......", as long as that */
static const char *text(struct kill *k, unsigned n, size_t size)
{
	char *s = env_keep(k->d.env, mem_alloc(size + 1, NULL));
	const int len = snprintf(s, size + 1, "n%u ", n);

	memset(s + len, '.', size - (size_t)len);
	s[size] = '\0';

	return s;
}


static const char *keys(struct kill *k, unsigned n)
{
	const struct sent *m = &k->v[n];
	const char *body = text(k, n, m->size), *path;

	if (m->way != FILES)
		return env_str(k->d.env, "{\"to\":\"" BOB "\",\"mode\":\"%s\","
			       "\"text\":\"%s\"}", wayv[m->way], body);

	path = env_path(k->d.env, "n%u.txt", n);
	file_write(path, body);

	return env_str(k->d.env, "{\"to\":\"" BOB "\",\"file\":\"%s\","
		       "\"type\":\"text/plain\"}", path);
}


/* Taken for sure; or told to and not listened to, right before a kill */
static void send_one(struct kill *k, bool listen)
{
	struct ctrl *c = k->d.a->ctrl;
	const unsigned n = k->n++;
	struct sent *m = &k->v[n];
	const char *prm;

	m->way = dice(k, WAYS);
	m->size = m->way == FILES ? FILE_MIN + dice(k, FILE_MAX - FILE_MIN)
		: 12 + dice(k, TEXT_MAX);
	++k->wayv[m->way];
	prm = keys(k, n);
	if (!listen) {
		ctrl_post(c, "cpm_send", prm);
		return;
	}
	if (!ctrl_cmd(c, "cpm_send", prm, NULL))
		e2e_fail("seed %u: n%u (%s) is not taken: %s", k->k.seed, n,
			 wayv[m->way], ctrl_data(c));
	m->taken = true;
	++k->taken;
}


static int64_t queued(struct kill *k)
{
	return j_int(ctrl_ask(k->d.a->ctrl, "cpm_status", NULL), "queued");
}


/* Alice while she starts and goes on with what she has, or while she takes
   messages and sends them */
static void strike(struct kill *k)
{
	struct baresip *a = k->d.a;
	unsigned left = k->total - k->n, n;

	if (!dice(k, 4)) {
		baresip_launch(a);
		soak_sleep(dice(k, START));
		baresip_kill(a);
		return;
	}

	baresip_restart(a);
	k->cuts += queued(k) > 0;
	if (dice(k, 2))
		baresip_registered(a, E2E_WAIT);
	/* as many messages as kills in the end */
	for (n = 1 + !dice(k, 3); n && left; n--, left--)
		send_one(k, n > 1 || dice(k, 3));
	soak_sleep(dice(k, dice(k, 2) ? SOON : WINDOW));
	baresip_kill(a);
}


static void strike_others(struct kill *k)
{
	struct duo *d = &k->d;

	if (!dice(k, BOB_TURN)) {
		baresip_kill(d->b);
		baresip_restart(d->b);
		++k->bobs;
	}
	if (!dice(k, PF_TURN)) {
		proc_kill(d->pf->proc);
		start_pf(k);
		++k->pfs;
	}
}


static void none_left(struct kill *k, struct baresip *b, const char *key)
{
	const struct odict *o;
	struct wait w;

	wait_start(&w, SETTLE, key);
	while (wait_quiet(&w)) {
		o = ctrl_ask(b->ctrl, "cpm_status", NULL);
		if (!j_int(o, key))
			return;
	}
	e2e_fail("seed %u, %u kills: %s of %s does not become 0: %s",
		 k->k.seed, k->kills, key, b->args.name,
		 ctrl_data(b->ctrl));
}


/* All goes where it should */
static void settle(struct kill *k)
{
	struct duo *d = &k->d;
	struct wait w;

	baresip_restart(d->a);
	none_left(k, d->a, "queued");
	wait_start(&w, SETTLE, "the PF to have nothing left for Bob");
	while (pf_int(pf_ask(d->pf, "pending to=%s", BOB), "count"))
		if (!wait_quiet(&w))
			e2e_fail("seed %u, %u kills: %s", k->k.seed, k->kills,
				 w.what);
	none_left(k, d->b, "imdn_pending");
	wait_start(&w, SETTLE, "the PF to have nothing left for Alice");
	while (pf_int(pf_ask(d->pf, "pending to=%s", ALICE), "count"))
		if (!wait_quiet(&w))
			e2e_fail("seed %u, %u kills: %s", k->k.seed, k->kills,
				 w.what);
	proc_skip(d->pf->proc);
}


/* What one of the two has of them */
static void look(struct kill *k, struct baresip *b, bool in)
{
	const struct odict *o;
	int64_t after = 0;
	unsigned i, n;

	do {
		o = ctrl_ask(b->ctrl, "cpm_messages",
			     "{\"after\":%lld,\"limit\":100}",
			     (long long)after);
		for (i=0; i<j_count(o, "messages"); i++) {
			const struct odict *m = j_at(o, "messages", i);
			const char *s = j_has(m, "file") ?
				file_read(j_str(m, "file"), NULL)
				: j_str(m, "text");

			if (j_has(m, "file") && s)
				env_keep(k->d.env, (void *)s);
			after = max(after, j_int(m, "id"));
			ck_assert(s && sscanf(s, "n%u ", &n) == 1);
			ck_assert_uint_lt(n, k->n);
			ck_assert_msg((size_t)j_int(m, "size") ==
				      k->v[n].size, "seed %u: n%u has %lld "
				      "octets", k->k.seed, n,
				      (long long)j_int(m, "size"));
			++*(in ? &k->v[n].seen : &k->v[n].out);
			ck_assert_str_eq(in ? "in" : "out",
					 j_str(m, "direction"));
		}
	} while (j_bool(o, "more"));
}


/* The notifications of Bob that Alice has taken last are still stored */
static void wait_delivered(struct kill *k)
{
	const struct odict *o;
	struct wait w;
	int64_t after = 0;
	unsigned i;

	wait_start(&w, SETTLE, "Alice to know what was delivered");
	do {
		o = ctrl_ask(k->d.a->ctrl, "cpm_messages",
			     "{\"after\":%lld,\"limit\":100}",
			     (long long)after);
		for (i=0; i<j_count(o, "messages"); i++) {
			const struct odict *m = j_at(o, "messages", i);

			if (strcmp("delivered", j_str(m, "status")))
				break;
			after = max(after, j_int(m, "id"));
		}
		if (i == j_count(o, "messages") && !j_bool(o, "more"))
			return;
		if (i < j_count(o, "messages") && !wait_quiet(&w))
			e2e_fail("seed %u: message %lld is %s with Alice",
				 k->k.seed, (long long)j_int(j_at(o, "messages",
					 i), "id"), j_str(j_at(o, "messages",
					 i), "status"));
	} while (true);
}


static void check(struct kill *k)
{
	char bad[1000] = "";
	unsigned n;

	wait_delivered(k);
	look(k, k->d.a, false);
	look(k, k->d.b, true);
	for (n=0; n<k->n; n++) {
		const struct sent *m = &k->v[n];
		const size_t len = strlen(bad);

		if (m->out <= 1 && m->seen == m->out &&
		    (m->out || !m->taken))
			continue;
		snprintf(bad + len, sizeof(bad) - len, "; n%u (%s%s) is there "
			 "%u times with Alice, %u times with Bob", n,
			 wayv[m->way], m->taken ? "" : ", not heard of",
			 m->out, m->seen);
	}
	ck_assert_msg(!bad[0], "seed %u, %u kills%s", k->k.seed, k->kills,
		      bad);
}


/* Orderly, unless a 200 waits for the ACK of one who was killed: for 32 s */
static void end(struct baresip *b)
{
	if (j_int(ctrl_ask(b->ctrl, "cpm_status", NULL), "sessions"))
		baresip_kill(b);
}


START_TEST(sender)
{
	const uint64_t begin = e2e_now();
	struct kill k;

	open_all(&k);
	baresip_kill(k.d.a);
	while (k.kills < k.total) {
		strike(&k);
		strike_others(&k);
		if (++k.kills % CALM || k.kills == k.total)
			continue;
		settle(&k);
		baresip_kill(k.d.a);
	}
	/* those that had to wait for kills that sent none */
	baresip_restart(k.d.a);
	while (k.n < k.total)
		send_one(&k, true);
	baresip_kill(k.d.a);
	settle(&k);
	check(&k);
	ck_assert_uint_gt(k.cuts, 0);
	printf("kill: the sender %u times (with something to go when it was "
	       "back at least %u times), the receiver %u, the PF %u, seed "
	       "%u: %u messages (page %u, large %u, session %u, auto %u, "
	       "files %u), %u taken for sure: none missing, none doubled; "
	       "%llu s\n", k.kills, k.cuts, k.bobs, k.pfs, k.k.seed,
	       k.n,
	       k.wayv[PAGE], k.wayv[LARGE], k.wayv[SESSION], k.wayv[AUTO],
	       k.wayv[FILES], k.taken,
	       (unsigned long long)(e2e_now() - begin) / 1000);
	end(k.d.a);
	end(k.d.b);
	duo_close(&k.d);
}
END_TEST


Suite *kill_suite(void)
{
	Suite *suite = suite_create("kill");
	TCase *tc = suite_case(suite, "sender", FIRST_SEC +
			       soak_number("CPM_KILLS", KILLS) * ROUND_MS /
			       1000);

	tcase_add_test(tc, sender);

	return suite;
}
