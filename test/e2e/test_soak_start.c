/**
 * @file test_soak_start.c  Killed while it brings an older store up to date,
 *                          and while it sweeps old messages
 *
 * The examples are stores as released versions left them: folders of
 * test/data/store, named v1 and so on. Each round takes a fresh copy.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "soak.h"


enum {
	VERSIONS = 16,        /* examples, at most                         */
	KILLS    = 3,         /* of one start, at most                     */
	ROUNDS   = 4,         /* when nobody says                          */
	SWEEPS   = 20,        /* rounds for one that sweeps: those are slow */
	SWEEP    = 1800000,   /* us until old messages are looked for      */
	SWEEPING = 500000,    /* us that this may take                     */
};

struct old {
	struct env *env;
	struct baresip *b;
	const char *store;    /* its folder                                */
	const char *log;
	uint32_t state;
	unsigned rounds;
	unsigned seed;
	unsigned start;       /* us that it takes                          */
	unsigned kills;
	unsigned cuts;
	unsigned messages;    /* of all rounds                             */
	struct power_sum sum;
};


/* Of test/data/store; @return false if there is none of that version */
static bool example(char *path, size_t size, unsigned version)
{
	const char *data = getenv("CPM_TEST_DATA");

	snprintf(path, size, "%s/store/v%u", data ? data : "", version);

	return data && !access(path, R_OK);
}


static void copy_file(struct env *env, const char *from, const char *to)
{
	size_t size = 0;
	char *text = file_read(from, &size);
	FILE *f = fopen(to, "wb");

	ck_assert_msg(text && f, "cannot copy %s", from);
	ck_assert_uint_eq(size, fwrite(text, 1, size, f));
	ck_assert_int_eq(0, fclose(f));
	ck_assert_int_eq(0, chmod(to, 0600));
	env_keep(env, text);
}


static void copy_folder(struct env *env, const char *from, const char *to)
{
	DIR *dir = opendir(from);
	struct dirent *de;

	ck_assert_ptr_nonnull(dir);
	folder_make(to);
	while ((de = readdir(dir)) != NULL) {
		const char *src = env_str(env, "%s/%s", from, de->d_name);
		const char *dst = env_str(env, "%s/%s", to, de->d_name);
		struct stat st;

		if (de->d_name[0] == '.')
			continue;
		ck_assert_int_eq(0, stat(src, &st));
		if (S_ISDIR(st.st_mode))
			copy_folder(env, src, dst);
		else
			copy_file(env, src, dst);
	}
	closedir(dir);
}


/* All that a program can see of the store */
static const char *dump(struct old *k, unsigned *countp)
{
	const struct odict *o;
	const char *all = "";
	int64_t after = 0;
	unsigned i;

	(void)ctrl_ask(k->b->ctrl, "cpm_conversations", "{\"limit\":80}");
	all = env_str(k->env, "%s\n", ctrl_data(k->b->ctrl));
	*countp = 0;
	do {
		o = ctrl_ask(k->b->ctrl, "cpm_messages",
			     "{\"after\":%d,\"limit\":100}", (int)after);
		all = env_str(k->env, "%s%s\n", all, ctrl_data(k->b->ctrl));
		for (i=0; i<j_count(o, "messages"); i++) {
			const struct odict *m = j_at(o, "messages", i);
			char *text;

			/* in the order of time, not of ids */
			if (j_int(m, "id") > after)
				after = j_int(m, "id");
			++*countp;
			if (!j_has(m, "file"))
				continue;
			text = file_read(j_str(m, "file"), NULL);
			ck_assert_ptr_nonnull(text);
			all = env_str(k->env, "%s%s\n", all, text);
			mem_deref(text);
		}
	} while (j_bool(o, "more"));

	return all;
}


static void fresh(struct old *k, const char *from)
{
	folder_remove(k->store);
	copy_folder(k->env, from, k->store);
}


static unsigned files(const struct old *k)
{
	DIR *dir = opendir(env_str(k->env, "%s/spool", k->store));
	struct dirent *de;
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	closedir(dir);

	return n;
}


/* One start without trouble says what has to come out of it */
static const char *reference(struct old *k, const char *from,
			     unsigned *countp)
{
	const char *all;
	uint64_t t;

	fresh(k, from);
	t = e2e_now();
	baresip_restart(k->b);
	k->start = (unsigned)(e2e_now() - t) * 1000 + 1000;
	all = dump(k, countp);
	ck_assert_uint_gt(*countp, 0);
	baresip_kill(k->b);
	power_forget(k->log);

	return all;
}


static void kill_old(struct old *k, bool power)
{
	baresip_kill(k->b);
	++k->kills;
	if (power)
		power_cut(k->store, k->log, power_random(&k->state) %
			  POWER_HOWS, &k->state, &k->sum);
	else
		power_forget(k->log);
}


static void one_round(struct old *k, const char *from, const char *want,
		      bool power)
{
	unsigned n, count;
	const char *got;

	fresh(k, from);
	for (n = 1 + power_random(&k->state) % KILLS; n; n--) {
		baresip_launch(k->b);
		soak_aim(k->log, k->start, &k->state);
		kill_old(k, power);
	}
	baresip_restart(k->b);
	got = dump(k, &count);
	ck_assert_msg(!strcmp(want, got), "seed %u: %s: after %u kills not "
		      "%s but %s", k->seed, from, k->kills, want, got);
	k->messages += count;
	baresip_kill(k->b);
	power_forget(k->log);
}


static void print(const struct old *k, const char *what, unsigned rounds)
{
	printf("soak: %u rounds (%s), baresip killed %u times, seed %u: %u "
	       "messages, 0 missing, 0 doubled; %u power cuts, %u took "
	       "something: %llu writes, %llu names\n", rounds, what,
	       k->kills, k->seed, k->messages, k->sum.cuts, k->sum.hurt,
	       (unsigned long long)k->sum.data,
	       (unsigned long long)k->sum.names);
}


static void old_open(struct old *k, const char *config)
{
	memset(k, 0, sizeof(*k));
	k->rounds = soak_number("CPM_ROUNDS", ROUNDS);
	k->seed = soak_number("CPM_SEED", (unsigned)time(NULL));
	k->state = k->seed | 1;
	k->env = env_open();
	env_limit(k->env, 60 + 8 * k->rounds);
	k->log = env_path(k->env, "notes");
	k->b = baresip_start(k->env, &(struct baresip_args){
		.name = "old", .power = k->log, .config = config});
	baresip_kill(k->b);
	power_forget(k->log);
	k->store = env_str(k->env, "%s/cpm", k->b->dir);
}


START_TEST(older_store)
{
	unsigned version, round, count, done = 0;
	char from[512];
	struct old k;

	old_open(&k, NULL);
	for (version=1; version<=VERSIONS; version++) {
		const char *want;

		if (!example(from, sizeof(from), version))
			continue;
		want = reference(&k, from, &count);
		ck_assert_uint_gt(count, 0);
		for (round=0; round<k.rounds; round++, done++)
			one_round(&k, from, want, round & 1);
	}
	ck_assert_uint_gt(done, 0);
	print(&k, "older store", done);
	env_close(k.env);
}
END_TEST


/* What was read long ago goes, and nothing else: also when that is cut off */
START_TEST(old_messages)
{
	unsigned round, count, left, kept;
	const char *want;
	char from[512];
	struct old k;
	struct wait w;

	old_open(&k, "cpm_keep_days 30\n");
	ck_assert(example(from, sizeof(from), 1));
	fresh(&k, from);
	baresip_restart(k.b);
	left = (unsigned)j_int(ctrl_ask(k.b->ctrl, "cpm_status", NULL),
			       "unread");
	(void)ctrl_until(k.b->ctrl, "cpm_status", NULL, "messages", left,
			 E2E_WAIT);
	want = dump(&k, &count);
	kept = files(&k);
	ck_assert_uint_eq(left, count);
	ck_assert_uint_gt(count, 0);
	kill_old(&k, false);

	for (round=0; round < 1 + k.rounds / SWEEPS; round++) {
		fresh(&k, from);
		baresip_launch(k.b);
		soak_sleep(SWEEP);
		soak_aim(k.log, SWEEPING, &k.state);
		kill_old(&k, !(round & 1));
		baresip_restart(k.b);
		(void)ctrl_until(k.b->ctrl, "cpm_status", NULL, "messages",
				 left, E2E_WAIT);
		ck_assert_str_eq(want, dump(&k, &count));
		/* they go a moment after their rows */
		wait_start(&w, E2E_WAIT, "the files of what has gone");
		while (files(&k) != kept)
			(void)wait_more(&w);
		k.messages += count;
		kill_old(&k, false);
	}
	print(&k, "old messages", round);
	env_close(k.env);
}
END_TEST


void soak_old_case(Suite *suite, unsigned seconds)
{
	TCase *tc = suite_case(suite, "older", seconds);

	tcase_add_test(tc, older_store);
	tcase_add_test(tc, old_messages);
}
