/**
 * @file test_export.c  Messages taken along (cpm_export), and messages that
 *                      go by themselves (cpm_keep_days)
 *
 * On a copy of the database that 0.1.0 left behind: see
 * test/unit/store_v1.h for what is in it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


enum {
	V1_MESSAGES = 12,
	V1_UNREAD   = 5,
	V1_PENDING  = 4,      /* reports of accounts that are not ours    */
	V1_FILES    = 3,
};


static void copy(const char *from, const char *to)
{
	size_t size = 0;
	char *text = file_read(from, &size);
	FILE *f = fopen(to, "wb");

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(size, fwrite(text, 1, size, f));
	ck_assert_int_eq(0, fclose(f));
	mem_deref(text);
}


/* @return how many files are in a folder */
static unsigned count_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *de;
	unsigned n = 0;

	ck_assert_msg(dir != NULL, "no folder %s", path);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	closedir(dir);

	return n;
}


/* Alice's baresip, with the messages of another day in its store */
static void open_old(struct scene *s, const char *config)
{
	const char *data = getenv("CPM_TEST_DATA");
	struct dirent *de;
	const char *spool;
	DIR *dir;

	ck_assert_ptr_nonnull(data);
	scene_open(s, NULL);
	folder_make(env_path(s->env, "old"));
	folder_make(env_path(s->env, "old/spool"));
	copy(env_str(s->env, "%s/store/v1/cpm.db", data),
	     env_path(s->env, "old/cpm.db"));
	spool = env_str(s->env, "%s/store/v1/spool", data);
	dir = opendir(spool);
	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] != '.')
			copy(env_str(s->env, "%s/%s", spool, de->d_name),
			     env_path(s->env, "old/spool/%s", de->d_name));
	}
	closedir(dir);

	s->args.config = env_str(s->env, "cpm_db %s\n%s",
				 env_path(s->env, "old/cpm.db"), config);
	scene_start(s);
}


/* Ask for one and wait for its end */
static const struct odict *export(struct scene *s, const char *prm)
{
	const int64_t n = j_int(ctrl_ask(s->c, "cpm_export", "%s", prm),
				"export");
	const struct odict *ev = ctrl_event(s->c, "export", E2E_WAIT);

	ck_assert_int_eq(n, j_int(ev, "export"));

	return ev;
}


/* The lines of a file; ids of messages that must be there, 0 ends them */
static void check_lines(struct scene *s, const char *path,
			const unsigned *idv)
{
	char *text = file_read(path, NULL), *p = text;
	struct stat st;

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(0, stat(path, &st));
	ck_assert_uint_eq(0600, st.st_mode & 07777);
	for (; *idv; idv++) {
		char *end = strchr(p, '\n');
		struct odict *o;

		ck_assert_ptr_nonnull(end);
		o = j_decode(p, (size_t)(end - p));
		ck_assert_msg(o != NULL, "no JSON: %.200s", p);
		env_keep(s->env, o);
		ck_assert_int_eq(*idv, j_int(o, "id"));
		ck_assert_int_ne(j_has(o, "text"), j_has(o, "file"));
		ck_assert(!j_has(o, "cut"));
		p = end + 1;
	}
	ck_assert_str_eq("", p);
	mem_deref(text);
}


/* Each field that cpm_message shows is in the file as well */
static void check_same(struct scene *s, const char *path)
{
	char *text = file_read(path, NULL);
	const struct odict *m = ctrl_ask(s->c, "cpm_message", "1");
	struct odict *o;
	struct le *le;

	ck_assert_ptr_nonnull(text);
	o = j_decode(text, strcspn(text, "\n"));
	ck_assert_ptr_nonnull(o);
	env_keep(s->env, o);
	ck_assert_uint_eq(odict_count(m, false), odict_count(o, false));
	for (le = list_head(&m->lst); le; le = le->next) {
		const struct odict_entry *e = le->data;
		char *want = NULL, *got = NULL;

		ck_assert_msg(j_has(o, e->key), "no %s", e->key);
		ck_assert_int_eq(0, re_sdprintf(&want, "%H",
						odict_entry_debug, e));
		ck_assert_int_eq(0, re_sdprintf(&got, "%H", odict_entry_debug,
						odict_lookup(o, e->key)));
		ck_assert_str_eq(want, got);
		mem_deref(want);
		mem_deref(got);
	}
	mem_deref(text);
}


START_TEST(all)
{
	static const unsigned allv[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15,
		0};
	const struct odict *ev;
	const char *path;
	struct scene s;

	open_old(&s, "");
	path = env_path(s.env, "all.jsonl");
	ev = export(&s, path);
	ck_assert_str_eq("done", j_str(ev, "state"));
	ck_assert_str_eq(path, j_str(ev, "path"));
	ck_assert_int_eq(V1_MESSAGES, j_int(ev, "messages"));
	ck_assert(!j_has(ev, "lost"));
	ck_assert(!j_has(ev, "text"));
	check_lines(&s, path, allv);
	check_same(&s, path);
	ck_assert_uint_eq(2, count_files(env_str(s.env, "%s.files", path)));
	ck_assert_int_eq(0, access(env_str(s.env, "%s.files/6", path), R_OK));
	ck_assert_int_eq(0, access(env_str(s.env, "%s.files/15", path),
				   R_OK));

	/* nothing goes that was not asked to */
	ck_assert_int_eq(V1_MESSAGES, scene_count(&s, "messages"));
	ck_assert_int_eq(V1_UNREAD, scene_count(&s, "unread"));
	scene_close(&s);
}
END_TEST


START_TEST(conversation)
{
	static const unsigned groupv[] = {5, 6, 15, 0}, chatv[] = {7, 0};
	const struct odict *ev;
	struct scene s;
	const char *path;

	open_old(&s, "");
	path = env_path(s.env, "group");
	ev = export(&s, env_str(s.env, "%s 2", path));
	ck_assert_int_eq(3, j_int(ev, "messages"));
	check_lines(&s, path, groupv);
	path = env_path(s.env, "a chat");
	ev = export(&s, env_str(s.env, "{\"conversation\":3,\"path\":"
				"\"%s\"}", path));
	ck_assert_int_eq(2, j_int(ev, "export"));
	ck_assert_int_eq(1, j_int(ev, "messages"));
	check_lines(&s, path, chatv);
	scene_close(&s);
}
END_TEST


/* A path that an event cannot hold is left out of it */
START_TEST(long_path)
{
	const struct odict *ev;
	struct scene s;
	char name[220];
	const char *path;

	open_old(&s, "");
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	path = env_path(s.env, "%s", name);
	ev = export(&s, path);
	ck_assert_str_eq("done", j_str(ev, "state"));
	ck_assert_int_eq(V1_MESSAGES, j_int(ev, "messages"));
	ck_assert(!j_has(ev, "path"));
	ck_assert_int_eq(0, access(path, R_OK));
	scene_close(&s);
}
END_TEST


START_TEST(refused)
{
	struct scene s;
	const char *path, *made;

	open_old(&s, "");
	path = env_path(s.env, "x");
	scene_refused(&s, "cpm_export", NULL, "EINVAL", "missing");
	scene_refused(&s, "cpm_export", "{\"conversation\":1}", "EINVAL",
		      "\"path\" must be the path of a new file");
	scene_refused(&s, "cpm_export", "x.jsonl", "EINVAL", "\"path\"");
	scene_refused(&s, "cpm_export", "/tmp/", "EINVAL", "\"path\"");
	scene_refused(&s, "cpm_export", env_str(s.env, "{\"file\":\"%s\"}",
						path),
		      "EINVAL", "unknown key \"file\"");
	scene_refused(&s, "cpm_export", "{\"path\":7}", "EINVAL",
		      "\"path\" must be a string");
	scene_refused(&s, "cpm_export", env_str(s.env, "%s one", path),
		      "EINVAL", "\"conversation\" must be a number");
	scene_refused(&s, "cpm_export", env_str(s.env, "%s 1 2", path),
		      "EINVAL", "too many words");
	scene_refused(&s, "cpm_export", env_str(s.env, "%s 99", path),
		      "ENOENT", "no conversation 99");
	scene_refused(&s, "cpm_export", env_str(s.env, "%s 0", path),
		      "ENOENT", "no conversation 0");
	scene_refused(&s, "cpm_export", env_path(s.env, "no/x"), "ENOTDIR",
		      "there is no folder for");
	ck_assert_int_ne(0, access(path, F_OK));

	made = env_path(s.env, "made");
	file_write(made, "mine");
	scene_refused(&s, "cpm_export", made, "EEXIST", "is there already");
	ck_assert(file_has(made, "mine"));
	folder_make(env_str(s.env, "%s.files", path));
	scene_refused(&s, "cpm_export", path, "EEXIST", "is there already");

	/* none of them has said anything on the bus */
	ck_assert_int_eq(1, j_int(export(&s, env_path(s.env, "y")),
				  "export"));
	scene_close(&s);
}
END_TEST


/* A second one while one runs, which stands still at a body that nobody
   writes */
START_TEST(busy)
{
	const struct odict *m, *ev;
	const char *path, *body;
	struct scene s;
	FILE *f;

	open_old(&s, "");
	m = ctrl_ask(s.c, "cpm_message", "6");
	body = env_str(s.env, "%s", j_str(m, "file"));
	ck_assert_int_eq(0, unlink(body));
	ck_assert_int_eq(0, mkfifo(body, 0600));
	path = env_path(s.env, "one");
	ck_assert_int_eq(1, j_int(ctrl_ask(s.c, "cpm_export", "%s", path),
				  "export"));
	scene_refused(&s, "cpm_export", env_path(s.env, "two"), "EBUSY",
		      "an export is running");

	/* messages arrive as ever */
	scene_leave(&s, "from=%s text=meanwhile", BOB);
	scene_delivered(&s, V1_MESSAGES + 1);

	/* it is lost: nothing came */
	f = fopen(body, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(0, fclose(f));
	ev = ctrl_event(s.c, "export", E2E_WAIT);
	ck_assert_str_eq("done", j_str(ev, "state"));
	ck_assert_int_eq(1, j_int(ev, "lost"));
	ck_assert(file_has(path, "\"lost\":true"));
	ck_assert_int_eq(0, unlink(body));
	scene_close(&s);
}
END_TEST


START_TEST(fails)
{
	const struct odict *ev;
	const char *path;
	struct scene s;

	/* a folder in which nobody can make a file */
	open_old(&s, "");
	path = env_str(s.env, "/proc/%d/cpm", (int)getpid());
	ev = export(&s, path);
	ck_assert_str_eq("failed", j_str(ev, "state"));
	ck_assert_uint_gt(strlen(j_str(ev, "text")), 0);
	ck_assert_int_eq(0, j_int(ev, "messages"));
	ck_assert_str_eq("done", j_str(export(&s, env_path(s.env, "y")),
				       "state"));
	scene_close(&s);
}
END_TEST


START_TEST(keep)
{
	const struct odict *o;
	struct scene s;
	unsigned i;

	open_old(&s, "cpm_keep_days 30\n");
	ck_assert_int_eq(V1_PENDING, scene_count(&s, "imdn_pending"));
	scene_leave(&s, "from=%s text=new", BOB);
	scene_empty(&s);
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", V1_UNREAD + 1,
			 E2E_WAIT);

	/* of the old ones those are left that nobody has read */
	o = ctrl_ask(s.c, "cpm_messages", NULL);
	ck_assert_uint_eq(V1_UNREAD + 1, j_count(o, "messages"));
	for (i=0; i<V1_UNREAD + 1; i++)
		ck_assert(!j_bool(j_at(o, "messages", i), "read"));
	ck_assert_int_eq(V1_UNREAD + 1, scene_count(&s, "unread"));
	ck_assert_int_eq(5, scene_count(&s, "conversations"));
	ck_assert_uint_eq(V1_FILES - 1,
			  count_files(env_path(s.env, "old/spool")));

	/* senders are still to be told, and the new one's is */
	(void)pf_event(s.pf, "imdn", E2E_WAIT);
	(void)ctrl_until(s.c, "cpm_status", NULL, "imdn_pending", V1_PENDING,
			 E2E_WAIT);
	scene_close(&s);
}
END_TEST


void export_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "export", 60);

	tcase_add_test(tc, all);
	tcase_add_test(tc, conversation);
	tcase_add_test(tc, long_path);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, busy);
	tcase_add_test(tc, fails);

	tc = suite_case(suite, "keep", 60);
	tcase_add_test(tc, keep);
}
