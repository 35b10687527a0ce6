/**
 * @file test_load.c  Loading: the files made, the databases refused, the order
 *                    of modules, and what stays out of the log
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


enum {
	VERSION_OFF = 60,     /* user_version in an SQLite file           */
	LOG_LEVELS  = 8,
};


static unsigned filec;        /* files seen                               */


static int mode_handler(const char *path, const struct stat *st, int flag,
			struct FTW *ftw)
{
	(void)ftw;

	ck_assert_int_ne(FTW_NS, flag);
	ck_assert_msg((st->st_mode & 07777) == (S_ISDIR(st->st_mode) ? 0700
						: 0600),
		      "%s has mode %o", path, st->st_mode & 07777);
	filec += S_ISREG(st->st_mode);

	return 0;
}


START_TEST(modes)
{
	struct scene s;

	umask(0);
	scene_open(&s, NULL);
	scene_leave(&s, "from=%s size=100000", BOB);
	scene_leave(&s, "from=%s type=image/png body=x", BOB);
	scene_start(&s);
	scene_delivered(&s, 2);

	ck_assert_int_eq(0, access(scene_file(&s, "cpm.db"), F_OK));
	ck_assert_int_eq(0, access(scene_file(&s, "cpm.db-wal"), F_OK));
	ck_assert_int_eq(0, nftw(scene_file(&s, ""), mode_handler, 8,
				 FTW_PHYS));
	/* database, -wal, -shm, lock, two bodies */
	ck_assert_uint_ge(filec, 6);
	scene_close(&s);
}
END_TEST


/* @return a baresip whose store waits, and that says why */
static struct baresip *waiting(struct env *env, const char *name,
			       const char *path, const char *state,
			       const char *why)
{
	struct baresip *b = baresip_start(env, &(struct baresip_args){
		.name = name, .config = env_str(env, "cpm_db %s\n", path)});
	const struct odict *o;

	ck_assert(file_has(b->proc->log, env_str(env,
		"cannot open message store %s: ", path)));
	ck_assert_msg(file_has(b->proc->log, why), "no '%s' in the log", why);
	o = ctrl_ask(b->ctrl, "cpm_status", NULL);
	ck_assert_str_eq(state, j_str(o, "store.state"));
	ck_assert_ptr_nonnull(strstr(j_str(o, "store.text"), why));
	ck_assert(!j_has(o, "messages"));
	ck_assert(ctrl_cmd(b->ctrl, "reginfo", NULL, NULL));

	return b;
}


/* What is not ours stays as it is, octet by octet */
static void untouched(struct env *env, const char *name, const char *path,
		      const char *state, const char *why)
{
	char *before, *after;
	size_t n = 0, m = 0;

	before = file_read(path, &n);
	ck_assert_ptr_nonnull(before);
	ck_assert_int_eq(0, baresip_quit(waiting(env, name, path, state,
						 why)));
	after = file_read(path, &m);
	ck_assert_ptr_nonnull(after);
	ck_assert_uint_eq(n, m);
	ck_assert_mem_eq(before, after, n);
	ck_assert_int_ne(0, access(env_str(env, "%s-wal", path), F_OK));
	mem_deref(before);
	mem_deref(after);
}


/* @return the one that it had */
static uint8_t set_version(const char *path, uint8_t version)
{
	FILE *f = fopen(path, "r+b");
	uint8_t was[4];

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(0, fseek(f, VERSION_OFF, SEEK_SET));
	ck_assert_uint_eq(4, fread(was, 1, 4, f));
	ck_assert_int_eq(0, fseek(f, VERSION_OFF, SEEK_SET));
	ck_assert_uint_eq(4, fwrite((const uint8_t[]){0, 0, 0, version}, 1,
				    4, f));
	ck_assert_int_eq(0, fclose(f));

	return was[3];
}


START_TEST(foreign)
{
	static const char header[] = "SQLite format 3";
	struct scene s;
	const char *path;
	FILE *f;
	int i;

	scene_open(&s, NULL);
	path = env_path(s.env, "garbage");
	file_write(path, "Dear diary,\n");
	untouched(s.env, "a", path, "foreign", "file is not a database");
	ck_assert_int_ne(0, access(env_str(s.env, "%s.lock", path), F_OK));

	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(16, fwrite(header, 1, 16, f));
	for (i=0; i<8192; i++)
		ck_assert_int_ne(EOF, fputc(i * 7 % 251, f));
	ck_assert_int_eq(0, fclose(f));
	untouched(s.env, "b", path, "foreign", "belongs to another program");

	/* a good database, but of the PF */
	ck_assert_int_eq(0, pf_quit(s.pf));
	untouched(s.env, "c", env_path(s.env, "pf.db"), "foreign",
		  "it belongs to another program");
	env_close(s.env);
}
END_TEST


START_TEST(newer)
{
	struct scene s;
	const char *path;
	uint8_t was;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s text=1", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, baresip_quit(s.b));
	path = scene_file(&s, "cpm.db");
	ck_assert_int_ne(0, access(scene_file(&s, "cpm.db-wal"), F_OK));
	was = set_version(path, 99);
	untouched(s.env, "old", path, "newer",
		  "its schema is version 99, newer than");

	/* with the right version it is as good as before */
	(void)set_version(path, was);
	scene_restart(&s);
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	scene_close(&s);
}
END_TEST


/* Behind modules that wait for requests themselves */
START_TEST(loaded_last)
{
	const struct scene_args args = {
		.plain = true, .config = "module_app cpm.so\n"};
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=a text=1", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	(void)pf_event(s.pf, "imdn", E2E_WAIT);
	(void)ctrl_ask(s.c, "cpm_display", "1");
	(void)pf_event_kv(s.pf, "imdn", "status", "displayed", E2E_WAIT);
	scene_close(&s);
}
END_TEST


static void log_all(struct scene *s)
{
	unsigned i;

	for (i=0; i<LOG_LEVELS; i++) {
		ck_assert(ctrl_cmd(s->c, "loglevel", NULL, NULL));
		if (strcasestr(ctrl_data(s->c), "debug"))
			return;
	}
	ck_abort_msg("no level debug: %s", ctrl_data(s->c));
}


/* Whatever is logged: the words of people are not */
START_TEST(discreet)
{
	const struct scene_args args = {
		.config = "module_app debug_cmd.so\ncpm_max_size 90000\n"};
	static const char word[] = "Zwiebelfisch";
	char *text = mem_zalloc(100001, NULL);
	struct scene s;
	size_t i;

	ck_assert_ptr_nonnull(text);
	for (i=0; i + strlen(word) < 100000; i += strlen(word))
		memcpy(text + i, word, strlen(word));
	scene_open(&s, &args);
	scene_start(&s);
	log_all(&s);
	scene_leave(&s, "from=%s text=%s", BOB, word);
	scene_leave(&s, "from=%s name=%s body=%s%%FF", BOB, word, word);
	scene_leave(&s, "from=%s type=image/png body=%s", BOB, word);
	text[80000] = '\0';
	file_write(env_path(s.env, "text"), text);
	scene_leave(&s, "from=%s file=%s", BOB, env_path(s.env, "text"));
	scene_delivered(&s, 4);
	(void)ctrl_ask(s.c, "cpm_display", "{\"ids\":[1,2,3,4]}");
	text[80000] = 'Z';
	file_write(env_path(s.env, "text"), text);
	scene_leave(&s, "from=%s file=%s", BOB, env_path(s.env, "text"));
	(void)pf_event_kv(s.pf, "delivered", "code", "413", E2E_WAIT);
	mem_deref(text);
	ck_assert_int_eq(0, baresip_quit(s.b));
	/* what is said at this level was heard */
	ck_assert(file_has(s.b->proc->log, "ctrl_tcp: handle_command"));
	ck_assert(!file_has(s.b->proc->log, word));
	s.b = NULL;
	scene_close(&s);
}
END_TEST


/* mk/symbols: what the module leaves open is there in the host */
START_TEST(symbols)
{
	struct env *env = env_open();
	const char *module = getenv("CPM_MODULE");
	const char *host = getenv("CPM_BARESIP");
	const char *argv[] = {
		env_data(env, "../../../mk/symbols"), module,
		host && *host ? host : "/usr/bin/baresip", NULL
	};
	struct proc *p;

	ck_assert_ptr_nonnull(module);
	p = proc_start(env, &(struct proc_args){
		.name = "symbols", .argv = argv});
	ck_assert_int_eq(0, proc_wait(p, E2E_STOP));
	ck_assert(file_has(p->log, "symbols of"));

	/* and it would tell: /bin/true has none of the host's */
	argv[2] = "/bin/true";
	p = proc_start(env, &(struct proc_args){
		.name = "symbols", .argv = argv});
	ck_assert_int_eq(1, proc_wait(p, E2E_STOP));
	ck_assert(file_has(p->log, "does not have: "));
	ck_assert(file_has(p->log, "uag_sip"));
	env_close(env);
}
END_TEST


void load_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "load", 60);

	tcase_add_test(tc, modes);
	tcase_add_test(tc, foreign);
	tcase_add_test(tc, newer);
	tcase_add_test(tc, loaded_last);
	tcase_add_test(tc, discreet);
	tcase_add_test(tc, symbols);
}
