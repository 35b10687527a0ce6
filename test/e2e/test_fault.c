/**
 * @file test_fault.c  A store that fails: what the user sees, what the PF
 *                     keeps, and how it goes on without a restart
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


enum {
	PAGE        = 4096,
	DAC_OVERRIDE = 1,     /* capability: root may write everywhere    */
	WAL_HEAD    = 32,     /* octets of a log before its first frame   */
	WAL_FRAME   = 24 + PAGE,
	WAL_LOCK    = 120,    /* octet of -shm that a writer locks        */
	VERSION_OFF = 60,
	LIMIT       = 65536,  /* octets: the store's log has more, that of
				 baresip has less                         */
};


/* The PF is told to keep it */
static void kept_back(struct scene *s, const char *id, const char *state)
{
	const struct odict *o;

	scene_leave(s, "from=%s id=%s text=%s", BOB, id, id);
	(void)pf_event_kv(s->pf, "answer", "code", "480", E2E_WAIT);
	ck_assert_int_eq(1, pf_int(pf_ask(s->pf, "pending to=%s", ALICE),
				   "count"));
	ck_assert(file_has(s->b->proc->log, "Retry-After: 30"));
	o = ctrl_ask(s->c, "cpm_status", NULL);
	ck_assert_str_eq(state, j_str(o, "store.state"));
	scene_refused(s, "cpm_messages", NULL, "EAGAIN", "message store");
	scene_refused(s, "cpm_conversations", NULL, "EAGAIN", "cannot open");
	scene_refused(s, "cpm_message", "1", "EAGAIN", "cannot open");
	scene_refused(s, "cpm_display", "1", "EAGAIN", "cannot open");
	scene_refused(s, "cpm_delete", "1", "EAGAIN", "cannot open");
	scene_refused(s, "cpm_imdn", "1 delivered", "EAGAIN", "cannot open");
	scene_refused(s, "cpm_policy", NULL, "EAGAIN", "cannot open");
	(void)ctrl_ask(s->c, "cpm_sessions", NULL);
}


static const struct odict *error_is(struct scene *s, const char *what,
				    const char *text)
{
	const struct odict *o = ctrl_event(s->c, "error", E2E_WAIT);

	ck_assert_str_eq(what, j_str(o, "what"));
	ck_assert_msg(strstr(j_str(o, "text"), text) != NULL, "%s",
		      j_str(o, "text"));
	ck_assert(file_has(s->b->proc->log, env_str(s->env, "cpm: %s: ",
						    what)));

	return o;
}


static void ready_again(struct scene *s)
{
	const struct odict *o = ctrl_event(s->c, "store", E2E_WAIT);

	ck_assert_str_eq("ready", j_str(o, "state"));
	o = ctrl_ask(s->c, "cpm_status", NULL);
	ck_assert_str_eq("ready", j_str(o, "store.state"));
	ck_assert(!j_has(o, "store.fault"));
}


/* What was kept back comes, once; its sender is told, once */
static void delivered_now(struct scene *s, int64_t messages, int64_t imdn)
{
	pf_cmd(s->pf, "deliver to=%s", ALICE);
	scene_delivered(s, messages);
	ck_assert_int_eq(0, scene_notified(s, imdn));
	ck_assert_int_eq(0, pf_int(pf_ask(s->pf, "stats"), "repeats"));
}


static const struct scene_args traced = {.trace = true};


/* Two softphones and one database */
START_TEST(taken)
{
	struct scene s;
	struct baresip *first;
	const char *path;

	scene_open(&s, &traced);
	path = env_path(s.env, "shared/cpm.db");
	s.args.config = env_str(s.env, "cpm_db %s\n", path);
	first = baresip_start(s.env, &(struct baresip_args){
		.name = "first", .config = s.args.config});
	scene_start(&s);
	ck_assert(file_has(s.b->proc->log, "cpm: store-locked: "));
	kept_back(&s, "a", "locked");
	(void)error_is(&s, "store-locked", "another process has it open");

	/* the first one does not care, and ends */
	ck_assert_int_eq(0, j_int(ctrl_ask(first->ctrl, "cpm_status", NULL),
				  "messages"));
	ck_assert_int_eq(0, baresip_quit(first));
	ready_again(&s);
	(void)ctrl_ask(s.c, "cpm_policy", NULL);
	delivered_now(&s, 1, 1);
	scene_close(&s);
}
END_TEST


/* Nothing can be made in the folder */
START_TEST(readonly)
{
	struct scene s;
	const char *folder;

	/* for the programs that this one starts; others are not allowed to
	   drop it, and do not have it */
	if (!geteuid())
		ck_assert_int_eq(0, prctl(PR_CAPBSET_DROP, DAC_OVERRIDE, 0, 0,
					  0));
	scene_open(&s, &traced);
	folder = env_path(s.env, "store");
	folder_make(folder);
	ck_assert_int_eq(0, chmod(folder, 0500));
	s.args.config = env_str(s.env, "cpm_db %s/cpm.db\n", folder);
	scene_start(&s);
	ck_assert(file_has(s.b->proc->log, "cpm: store-readonly: "));
	kept_back(&s, "a", "readonly");
	(void)error_is(&s, "store-readonly", "Permission denied");
	ck_assert_int_eq(0, chmod(folder, 0700));
	ready_again(&s);
	delivered_now(&s, 1, 1);
	scene_close(&s);
}
END_TEST


/* @return The one before */
static uint8_t set_version(const char *path, uint8_t version)
{
	const int fd = open(path, O_RDWR);
	uint8_t was[4] = {0};

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(4, (int)pread(fd, was, 4, VERSION_OFF));
	ck_assert_int_eq(4, (int)pwrite(fd, (const uint8_t[]){0, 0, 0,
		version}, 4, VERSION_OFF));
	close(fd);

	return was[3];
}


/* From a database of a version to come, and back, as with a backup */
START_TEST(newer)
{
	struct scene s;
	uint8_t was;

	scene_open(&s, &traced);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, scene_notified(&s, 1));
	ck_assert_int_eq(0, baresip_quit(s.b));
	was = set_version(scene_file(&s, "cpm.db"), 99);
	scene_restart(&s);
	kept_back(&s, "b", "newer");
	(void)error_is(&s, "store-newer", "its schema is version 99");
	(void)set_version(scene_file(&s, "cpm.db"), was);
	ready_again(&s);
	delivered_now(&s, 2, 2);
	scene_close(&s);
}
END_TEST


/* A file of somebody else is in the way */
START_TEST(foreign)
{
	struct scene s;
	const char *path;

	scene_open(&s, &traced);
	path = env_path(s.env, "diary");
	file_write(path, "Dear diary,\n");
	s.args.config = env_str(s.env, "cpm_db %s\n", path);
	scene_start(&s);
	kept_back(&s, "a", "foreign");
	(void)error_is(&s, "store-foreign", "not a database");
	ck_assert(file_has(path, "Dear diary,"));
	ck_assert_int_eq(0, rename(path, env_path(s.env, "diary.txt")));
	ready_again(&s);
	delivered_now(&s, 1, 1);
	scene_close(&s);
}
END_TEST


static void refused(struct scene *s, const char *id)
{
	scene_leave(s, "from=%s id=%s text=%s", BOB, id, id);
	ck_assert_int_eq(413, pf_int(pf_event_kv(s->pf, "delivered", "id", id,
						 2 * E2E_WAIT), "code"));
	ck_assert_int_eq(1, pf_int(pf_ask(s->pf, "pending to=%s", ALICE),
				   "count"));
}


static void fault_shown(struct scene *s, const char *what)
{
	const struct odict *o = ctrl_ask(s->c, "cpm_status", NULL);

	ck_assert_str_eq("ready", j_str(o, "store.state"));
	ck_assert_str_eq(what, j_str(o, "store.fault"));
}


/* The disk is full: nothing can grow */
START_TEST(full)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	struct scene s;
	int i;

	signal(SIGXFSZ, SIG_IGN);
	scene_open(&s, NULL);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, scene_notified(&s, 1));
	ck_assert_int_eq(0, prlimit(s.b->proc->pid, RLIMIT_FSIZE,
				    &(struct rlimit){LIMIT, RLIM_INFINITY},
				    NULL));
	refused(&s, "b");
	(void)error_is(&s, "disk-full", "no room to keep messages");
	fault_shown(&s, "disk-full");
	/* what is there can be read */
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	(void)ctrl_ask(s.c, "cpm_message", "1");

	/* and still: one line is enough */
	for (i=0; i<3; i++) {
		pf_cmd(s.pf, "deliver to=%s", ALICE);
		(void)pf_event(s.pf, "delivered", E2E_WAIT);
	}
	ck_assert_ptr_null(ctrl_try_event(s.c, "error", 100));
	ck_assert_int_eq(0, prlimit(s.b->proc->pid, RLIMIT_FSIZE, &none,
				    NULL));
	delivered_now(&s, 2, 2);
	ck_assert(!j_has(ctrl_ask(s.c, "cpm_status", NULL), "store.fault"));
	scene_close(&s);
}
END_TEST


/* Another program is in the middle of a transaction */
START_TEST(locked)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET,
			     .l_start = WAL_LOCK, .l_len = 1};
	struct scene s;
	int fd;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, scene_notified(&s, 1));
	fd = open(scene_file(&s, "cpm.db-shm"), O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(0, fcntl(fd, F_SETLK, &lock));
	refused(&s, "b");
	(void)error_is(&s, "store-locked", "another program holds");
	fault_shown(&s, "store-locked");
	ck_assert_int_eq(1, j_count(ctrl_ask(s.c, "cpm_messages", NULL),
				    "messages"));
	close(fd);
	delivered_now(&s, 2, 2);
	scene_close(&s);
}
END_TEST


static void spoil(const char *path, off_t off, off_t end)
{
	const int fd = open(path, O_RDWR);
	uint8_t bad[PAGE];
	struct stat st;

	memset(bad, 0xa5, sizeof(bad));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(0, fstat(fd, &st));
	for (; off < st.st_size && off < end; off += PAGE)
		ck_assert_int_eq(PAGE, (int)pwrite(fd, bad, PAGE, off));
	close(fd);
}


/* @return name of the one entry of the module's folder that begins so */
static const char *beside(struct scene *s, const char *begin, bool wal)
{
	const char *name = NULL;
	struct dirent *de;
	DIR *d = opendir(scene_file(s, ""));

	ck_assert_ptr_nonnull(d);
	while ((de = readdir(d)) != NULL) {
		if (!strncmp(de->d_name, begin, strlen(begin)) &&
		    wal == (strstr(de->d_name, "-wal") != NULL))
			name = env_str(s->env, "%s", de->d_name);
	}
	closedir(d);
	ck_assert_msg(name != NULL, "no %s", begin);

	return name;
}


static void history(struct scene *s)
{
	scene_open(s, NULL);
	scene_leave(s, "from=%s id=a text=1", BOB);
	scene_leave(s, "from=%s id=b type=image/png body=x", BOB);
	scene_leave(s, "from=%s id=c size=50000", BOB);
	scene_start(s);
	scene_delivered(s, 3);
	ck_assert_int_eq(0, scene_notified(s, 3));
	(void)ctrl_ask(s->c, "cpm_policy", "{\"from\":\"%s\","
		       "\"display_imdn\":\"no\"}", CAROL);
	ck_assert_int_eq(0, baresip_quit(s->b));
}


/* The database is damaged while the softphone was away */
START_TEST(corrupt_at_start)
{
	const struct odict *o;
	const char *aside;
	struct scene s;

	history(&s);
	spoil(scene_file(&s, "cpm.db"), PAGE, 1 << 30);
	scene_restart(&s);
	ck_assert(file_has(s.b->proc->log, "cpm: store-corrupt: "));
	aside = beside(&s, "cpm.db.corrupt-", false);
	o = ctrl_ask(s.c, "cpm_status", NULL);
	ck_assert_str_eq("ready", j_str(o, "store.state"));
	ck_assert_ptr_nonnull(strstr(j_str(o, "store.lost"), aside));
	ck_assert_int_eq(0, j_int(o, "messages"));
	(void)beside(&s, "spool.corrupt-", false);

	/* said again when somebody may listen */
	(void)error_is(&s, "store-corrupt", aside);
	scene_leave(&s, "from=%s id=d text=4", BOB);
	delivered_now(&s, 1, 4);
	ck_assert_int_eq(0, baresip_quit(s.b));
	scene_restart(&s);
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	ck_assert(!j_has(ctrl_ask(s.c, "cpm_status", NULL), "store.lost"));
	scene_close(&s);
}
END_TEST


/* Damage that is met by a message that is to be kept */
START_TEST(corrupt_at_work)
{
	const struct odict *o;
	struct scene s;

	history(&s);
	scene_restart(&s);
	/* all but the schema and what is read at the start */
	spoil(scene_file(&s, "cpm.db"), 6 * PAGE, 1 << 30);
	refused(&s, "d");
	o = error_is(&s, "store-corrupt", "kept as");
	ck_assert_ptr_nonnull(strstr(j_str(o, "text"), beside(&s,
		"cpm.db.corrupt-", false)));
	delivered_now(&s, 1, 4);

	/* what the user has set is still so, also at the next start */
	ck_assert_int_eq(0, baresip_quit(s.b));
	scene_restart(&s);
	o = ctrl_ask(s.c, "cpm_policy", "{\"from\":\"%s\"}", CAROL);
	ck_assert(!j_bool(o, "display_imdn"));
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	scene_close(&s);
}
END_TEST


/* How many the log has by now: it depends on what was committed together */
static off_t wal_frames(struct scene *s)
{
	struct stat st;

	ck_assert_int_eq(0, stat(scene_file(s, "cpm.db-wal"), &st));

	return (st.st_size - WAL_HEAD) / WAL_FRAME;
}


/* A power cut, and what was committed before it cannot be read any more */
START_TEST(corrupt_log)
{
	off_t frames = 0;
	struct scene s;
	int64_t n;

	scene_open(&s, NULL);
	scene_start(&s);
	for (n=1; n<=6; n++) {
		scene_leave(&s, "from=%s text=%u", BOB, (unsigned)n);
		scene_delivered(&s, n);
		if (n == 2)
			frames = wal_frames(&s);
	}
	ck_assert_int_eq(0, scene_notified(&s, 6));
	baresip_kill(s.b);
	ck_assert_int_gt(wal_frames(&s), frames);
	/* in front of it are the schema and the first messages */
	spoil(scene_file(&s, "cpm.db-wal"), WAL_HEAD + frames * WAL_FRAME +
	      24, WAL_HEAD + frames * WAL_FRAME + 25);
	scene_restart(&s);
	ck_assert(file_has(s.b->proc->log, "cpm: store-corrupt: "));
	(void)error_is(&s, "store-corrupt", beside(&s, "cpm.db.corrupt-",
						   false));
	(void)beside(&s, "cpm.db.corrupt-", true);
	n = scene_count(&s, "messages");
	ck_assert_int_ge(n, 1);
	ck_assert_int_lt(n, 6);
	ck_assert_int_eq(n, j_count(ctrl_ask(s.c, "cpm_messages", NULL),
				    "messages"));
	scene_leave(&s, "from=%s id=new text=new", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, n + 1);
	scene_close(&s);
}
END_TEST


/* The file of one message is gone: that one is not whole, all else goes on */
START_TEST(file_missing)
{
	const struct odict *o;
	struct scene s;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_leave(&s, "from=%s id=b size=100000", BOB);
	scene_leave(&s, "from=%s id=c type=image/png body=x", BOB);
	scene_start(&s);
	scene_delivered(&s, 3);
	o = ctrl_ask(s.c, "cpm_messages", NULL);
	ck_assert(!j_has(o, "messages.1.missing"));
	folder_remove(scene_file(&s, "spool"));

	o = ctrl_ask(s.c, "cpm_messages", NULL);
	ck_assert_uint_eq(3, j_count(o, "messages"));
	ck_assert_str_eq("1", j_str(o, "messages.0.text"));
	ck_assert(j_bool(o, "messages.1.missing"));
	ck_assert(j_bool(o, "messages.2.missing"));
	(void)error_is(&s, "file-missing", "the file of message 2");
	scene_refused(&s, "cpm_message", "2", "ENOENT",
		      "the file of message 2 is missing");
	scene_refused(&s, "cpm_message", "{\"id\":2,\"offset\":5}", "ENOENT",
		      "the file of message 2 is missing");
	(void)ctrl_ask(s.c, "cpm_message", "1");
	(void)ctrl_ask(s.c, "cpm_conversations", NULL);
	(void)ctrl_ask(s.c, "cpm_display", "2");
	(void)ctrl_ask(s.c, "cpm_delete", "2");
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 2, E2E_WAIT);
	scene_refused(&s, "cpm_message", "2", "ENOENT", "no message 2");
	scene_close(&s);
}
END_TEST


void fault_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "fault", 60);

	tcase_add_test(tc, taken);
	tcase_add_test(tc, readonly);
	tcase_add_test(tc, newer);
	tcase_add_test(tc, foreign);
	tcase_add_test(tc, full);
	tcase_add_test(tc, locked);
	tcase_add_test(tc, corrupt_at_start);
	tcase_add_test(tc, corrupt_at_work);
	tcase_add_test(tc, corrupt_log);
	tcase_add_test(tc, file_missing);
}
