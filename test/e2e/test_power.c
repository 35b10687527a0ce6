/**
 * @file test_power.c  The power-cut layer: does it take what it should?
 *
 * A program does what it is told to files and dies of SIGKILL; then the power
 * is cut. What follows from fsync() is written down here, case by case.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "suite.h"
#include "power.h"


enum {
	STEPS  = 24,          /* of a program, at most                     */
	SEEDS  = 30,          /* cuts of a kind that depends on chance     */
	FILLED = 16384,       /* octets of the step "fill"                 */
	SECTOR = 512,
};

struct disk {
	struct env *env;
	char *dir;
	char *log;
	uint32_t state;
	struct power_sum sum;
};


static void disk_open(struct disk *d)
{
	memset(d, 0, sizeof(*d));
	d->env = env_open();
	d->dir = env_path(d->env, "disk");
	d->log = env_path(d->env, "notes");
	d->state = 1;
	folder_make(d->dir);
	ck_assert_msg(power_there(), "CPM_POWER is not set");
}


/* Do the steps, in the folder, and die */
static void do_steps(struct disk *d, const char *const *stepv)
{
	const char *argv[STEPS + 2] = {getenv("CPM_STEPS")}, *envv[4] = {0};
	struct proc *p;
	size_t i;

	ck_assert_ptr_nonnull(argv[0]);
	for (i=0; i<STEPS && stepv[i]; i++)
		argv[i + 1] = stepv[i];

	power_envv(d->env, d->dir, d->log, envv);
	/* the real sanitizers are not for this one */
	envv[0] = env_str(d->env, "LD_PRELOAD=%s", getenv("CPM_POWER"));
	p = proc_start(d->env, &(struct proc_args){
		.name = "steps", .argv = argv, .envv = envv, .dir = d->dir});
	p->doom = SIGKILL;
	ck_assert_int_eq(128 + SIGKILL, proc_wait(p, E2E_WAIT));
	proc_kill(p);
}

#define STEPS_(d, ...) \
	do_steps(d, (const char *const []){__VA_ARGS__, NULL})


static void cut(struct disk *d, enum power_how how)
{
	power_cut(d->dir, d->log, how, &d->state, &d->sum);
}


static char *content(struct disk *d, const char *name, size_t *sizep)
{
	char *text = file_read(env_str(d->env, "%s/%s", d->dir, name),
			       sizep);

	return text ? env_keep(d->env, text) : NULL;
}

#define HAS(d, name, text) ck_assert_str_eq(text, content(d, name, NULL))
#define HASNT(d, name) ck_assert_ptr_null(content(d, name, NULL))


static void disk_close(struct disk *d)
{
	env_close(d->env);
}


START_TEST(unsynced_data_is_lost)
{
	struct disk d;

	disk_open(&d);
	STEPS_(&d, "add a safe", "fsync a", "syncdir .", "add a -lost");
	HAS(&d, "a", "safe-lost");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "safe");
	ck_assert_uint_eq(1, d.sum.data);
	ck_assert_uint_eq(5, d.sum.octets);
	ck_assert_uint_eq(0, d.sum.names);

	/* what an earlier run left counts as safe */
	STEPS_(&d, "put a 1 UNSYNCED", "add a more");
	HAS(&d, "a", "sUNSYNCEDmore");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "safe");

	STEPS_(&d, "put a 1 UN", "fdatasync a", "put a 0 XXX");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "sUNe");

	/* several programs, one cut: a sync is for what others did as well */
	STEPS_(&d, "add a 1", "add b 2");
	STEPS_(&d, "add a 3", "fsync a", "syncdir .", "add a lost");
	STEPS_(&d, "fsync b", "add b lost");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "sUNe13");
	HAS(&d, "b", "2");
	disk_close(&d);
}
END_TEST


START_TEST(sizes_come_back)
{
	struct disk d;

	disk_open(&d);
	STEPS_(&d, "add a 0123456789", "fsync a", "syncdir .", "cut a 4",
	       "add a xy");
	HAS(&d, "a", "0123xy");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "0123456789");

	STEPS_(&d, "empty a", "add a new");
	HAS(&d, "a", "new");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "0123456789");

	STEPS_(&d, "cut a 4", "fsync a", "add a lost");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "0123");
	disk_close(&d);
}
END_TEST


START_TEST(unsynced_names_are_lost)
{
	struct disk d;

	disk_open(&d);
	/* the file was synced, its folder was not, or too early */
	STEPS_(&d, "add early text", "syncdir .", "add a text", "fsync a",
	       "fsync early");
	cut(&d, POWER_NOTHING);
	HASNT(&d, "a");
	HAS(&d, "early", "text");

	/* the other way about: a name without content */
	STEPS_(&d, "add a text", "syncdir .");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "");

	STEPS_(&d, "unlink a", "unlink early");
	HASNT(&d, "a");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "");
	HAS(&d, "early", "text");

	STEPS_(&d, "unlink early", "syncdir .", "unlink a");
	cut(&d, POWER_NOTHING);
	HASNT(&d, "early");
	HAS(&d, "a", "");
	disk_close(&d);
}
END_TEST


START_TEST(moves_are_undone)
{
	struct disk d;

	disk_open(&d);
	STEPS_(&d, "add tmp text", "fsync tmp", "syncdir .",
	       "rename tmp a");
	cut(&d, POWER_NOTHING);
	HAS(&d, "tmp", "text");
	HASNT(&d, "a");

	STEPS_(&d, "rename tmp a", "syncdir .");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "text");
	HASNT(&d, "tmp");

	/* one that takes the place of another */
	STEPS_(&d, "add tmp new", "fsync tmp", "rename tmp a");
	HAS(&d, "a", "new");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "text");
	HASNT(&d, "tmp");

	/* a chain, and data after it */
	STEPS_(&d, "rename a b", "rename b c", "add c -lost");
	HAS(&d, "c", "text-lost");
	cut(&d, POWER_NOTHING);
	HAS(&d, "a", "text");
	HASNT(&d, "b");
	HASNT(&d, "c");
	disk_close(&d);
}
END_TEST


START_TEST(folders_and_late_names)
{
	struct disk d;

	disk_open(&d);
	STEPS_(&d, "mkdir sub", "add sub/a text", "fsync sub/a",
	       "syncdir sub");
	cut(&d, POWER_NOTHING);
	HASNT(&d, "sub/a");
	ck_assert_int_ne(0, access(env_str(d.env, "%s/sub", d.dir), F_OK));

	STEPS_(&d, "mkdir sub", "syncdir .", "add sub/a text", "fsync sub/a",
	       "syncdir sub", "add sub/b text", "fsync sub/b");
	cut(&d, POWER_NOTHING);
	HAS(&d, "sub/a", "text");
	HASNT(&d, "sub/b");

	/* a file that gets its name when it is complete */
	STEPS_(&d, "late x text", "syncdir .", "late y text");
	HAS(&d, "y", "text");
	cut(&d, POWER_NOTHING);
	HAS(&d, "x", "text");
	HASNT(&d, "y");
	disk_close(&d);
}
END_TEST


START_TEST(prefix_is_in_order)
{
	static const char text[] = "one-two-three-four-";
	unsigned i, some = 0, whole = 0;
	struct disk d;
	char *got;

	disk_open(&d);
	STEPS_(&d, "add a 0", "fsync a", "syncdir .");
	for (i=0; i<SEEDS; i++) {
		STEPS_(&d, "empty a", "fsync a", "add a one-", "add a two-",
		       "add a three-", "add a four-");
		cut(&d, POWER_PREFIX);
		got = content(&d, "a", NULL);
		ck_assert_ptr_nonnull(got);
		/* a torn sector is zeros */
		ck_assert_int_eq(0, strncmp(text, got, strlen(got)));
		some  += strlen(got) && strlen(got) < strlen(text);
		whole += !strcmp(got, text);
	}
	ck_assert_uint_gt(some, 0);
	ck_assert_uint_gt(whole, 0);
	ck_assert_uint_lt(whole, SEEDS);
	disk_close(&d);
}
END_TEST


/* Each sector is old or new, and there are both in one file */
START_TEST(sectors_are_scattered)
{
	unsigned i, mixed = 0, fresh = 0, stale = 0;
	struct disk d;
	size_t at, size;

	disk_open(&d);
	STEPS_(&d, "fill a o", "fsync a", "syncdir .");
	for (i=0; i<SEEDS; i++) {
		unsigned old = 0, odd = 0;
		char *got;

		STEPS_(&d, "fill a o", "fsync a", "fill a n");
		cut(&d, POWER_SCATTER);
		got = content(&d, "a", &size);
		ck_assert_uint_eq(FILLED, size);
		for (at=0; at<size; at++) {
			odd += got[at] != got[at - at % SECTOR] ||
				(got[at] != 'o' && got[at] != 'n');
			old += got[at] == 'o';
		}
		ck_assert_uint_eq(0, odd);
		stale += old == FILLED;
		fresh += !old;
		mixed += old && old < FILLED;
	}
	ck_assert_uint_gt(mixed, 0);
	ck_assert_uint_gt(fresh, 0);
	ck_assert_uint_gt(stale, 0);
	disk_close(&d);
}
END_TEST


START_TEST(all_else_is_left_alone)
{
	struct disk d;

	disk_open(&d);
	STEPS_(&d, "add ../other text", "add a text", "rename a b");
	cut(&d, POWER_NOTHING);
	HAS(&d, "../other", "text");
	HASNT(&d, "a");
	HASNT(&d, "b");

	/* no cut: only the program has died */
	STEPS_(&d, "add a text", "rename a b");
	power_forget(d.log);
	STEPS_(&d, "add b -lost");
	cut(&d, POWER_NOTHING);
	HAS(&d, "b", "text");

	/* SQLite's shared memory does not outlive the machine */
	STEPS_(&d, "add x.db-shm text", "fsync x.db-shm", "syncdir .");
	cut(&d, POWER_NOTHING);
	HASNT(&d, "x.db-shm");
	disk_close(&d);
}
END_TEST


Suite *power_suite(void)
{
	Suite *suite = suite_create("power");
	TCase *tc = suite_case(suite, "cut", 60);

	tcase_add_test(tc, unsynced_data_is_lost);
	tcase_add_test(tc, sizes_come_back);
	tcase_add_test(tc, unsynced_names_are_lost);
	tcase_add_test(tc, moves_are_undone);
	tcase_add_test(tc, folders_and_late_names);
	tcase_add_test(tc, prefix_is_in_order);
	tcase_add_test(tc, sectors_are_scattered);
	tcase_add_test(tc, all_else_is_left_alone);
	power_queue_add(suite);

	return suite;
}
