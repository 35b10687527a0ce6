/**
 * @file test_soak_start.c  Killed while it brings an older store up to date
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


bool soak_old_there(void)
{
	char path[512];

	return example(path, sizeof(path), 1);
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


static void one_round(struct old *k, const char *from, const char *want,
		      bool power)
{
	unsigned n, count;
	const char *got;

	fresh(k, from);
	for (n = 1 + power_random(&k->state) % KILLS; n; n--) {
		baresip_launch(k->b);
		soak_aim(k->log, k->start, &k->state);
		baresip_kill(k->b);
		++k->kills;
		if (power)
			power_cut(k->store, k->log, power_random(&k->state) %
				  POWER_HOWS, &k->state, &k->sum);
		else
			power_forget(k->log);
	}
	baresip_restart(k->b);
	got = dump(k, &count);
	ck_assert_msg(!strcmp(want, got), "seed %u: %s: after %u kills not "
		      "%s but %s", k->seed, from, k->kills, want, got);
	k->messages += count;
	baresip_kill(k->b);
	power_forget(k->log);
}


static void old_open(struct old *k)
{
	memset(k, 0, sizeof(*k));
	k->rounds = soak_number("CPM_ROUNDS", ROUNDS);
	k->seed = soak_number("CPM_SEED", (unsigned)time(NULL));
	k->state = k->seed | 1;
	k->env = env_open();
	env_limit(k->env, 60 + 8 * k->rounds);
	k->log = env_path(k->env, "notes");
	k->b = baresip_start(k->env, &(struct baresip_args){
		.name = "old", .power = k->log});
	baresip_kill(k->b);
	power_forget(k->log);
	k->store = env_str(k->env, "%s/cpm", k->b->dir);
}


START_TEST(older_store)
{
	unsigned version, round, count, done = 0;
	char from[512];
	struct old k;

	old_open(&k);
	for (version=1; version<=VERSIONS; version++) {
		const char *want;

		if (!example(from, sizeof(from), version))
			continue;
		want = reference(&k, from, &count);
		for (round=0; round<k.rounds; round++, done++)
			one_round(&k, from, want, round & 1);
	}
	printf("soak: %u rounds (older store), baresip killed %u times while "
	       "it started, seed %u: %u messages, 0 missing, 0 doubled; %u "
	       "power cuts, %u took something: %llu writes, %llu names\n",
	       done, k.kills, k.seed, k.messages, k.sum.cuts, k.sum.hurt,
	       (unsigned long long)k.sum.data,
	       (unsigned long long)k.sum.names);
	env_close(k.env);
}
END_TEST


void soak_old_case(Suite *suite, unsigned seconds)
{
	TCase *tc = suite_case(suite, "older", seconds);

	tcase_add_test(tc, older_store);
}
