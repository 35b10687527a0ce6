/**
 * @file test_config.c  Configuration: what a wrong value says, and what a
 *                      right one does
 *
 * bus.md, Configuration. Files, databases and loading: test_load.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


/* The only line of ours in the log of one that did not load */
static void one_line(const struct baresip *b, const char *const *textv)
{
	char *log = file_read(b->proc->log, NULL), *line, *rest;

	ck_assert_ptr_nonnull(log);
	line = strstr(log, "cpm: ");
	ck_assert_msg(line != NULL, "nothing is said: %s", log);
	ck_assert_ptr_null(strstr(line + 1, "cpm: "));
	rest = strchr(line, '\n');
	ck_assert_ptr_nonnull(rest);
	*rest = '\0';
	for (; *textv; textv++)
		ck_assert_msg(strstr(line, *textv) != NULL,
			      "no '%s' in: %s", *textv, line);
	mem_deref(log);
}


/* Its line is there, its commands are not, and the softphone works */
static void not_loaded(struct baresip *b, const char *const *textv)
{
	one_line(b, textv);
	ck_assert(!ctrl_cmd(b->ctrl, "cpm_status", NULL, NULL));
	ck_assert(ctrl_cmd(b->ctrl, "reginfo", NULL, NULL));
	ck_assert_int_eq(0, baresip_quit(b));
}


START_TEST(wrong_value)
{
	static const struct {
		const char *key;
		const char *value;
		const char *allowed;
	} v[] = {
		{"cpm_deferred", "maybe", "accept, decline or ask"},
		{"cpm_chat", "yes", "accept, decline or ask"},
		{"cpm_ask_timeout", "0", "a number from 1 to 3600"},
		{"cpm_ask_timeout", "3601", "a number from 1 to 3600"},
		{"cpm_ask_timeout", "1m", "a number from 1 to 3600"},
		{"cpm_delivery_imdn", "maybe", "yes or no"},
		{"cpm_trust", "all", "proxy or any"},
		{"cpm_display_imdn", "2", "yes or no"},
		{"cpm_listen", "5060", "any:PORT, ADDRESS:PORT or "
		 "[ADDRESS]:PORT"},
		{"cpm_listen", "any:70000", "any:PORT"},
		{"cpm_listen", "host.example:1", "any:PORT"},
		{"cpm_max_size", "0", "a number from 1 to"},
		{"cpm_max_size", "100k", "a number from 1 to"},
		{"cpm_max_size", "99999999999999999999", "a number from 1"},
		{"cpm_idle_timeout", "0", "a number from 1 to 86400"},
		{"cpm_idle_timeout", "-1", "a number from 1 to 86400"},
		{"cpm_msrp", "udp", "auto, tcp or tls"},
		{"cpm_stall_timeout", "0", "a number from 1 to 3600"},
		{"cpm_max_sessions", "16385", "a number from 1 to 16384"},
		{"cpm_peer_sessions", "0", "a number from 1 to 16384"},
		{"cpm_deferred_uri", "tel:+1", "a SIP URI"},
		{"cpm_auto_pull", "maybe", "yes or no"},
		{"cpm_page_limit", "6001", "a number from 0 to 6000"},
		{"cpm_page_limit", "1k", "a number from 0 to 6000"},
		{"cpm_page_limit", "-1", "a number from 0 to 6000"},
		{"cpm_keep_days", "36501", "a number from 0 to 36500"},
		{"cpm_keep_days", "1y", "a number from 0 to 36500"},
	};
	struct env *env = env_open();
	size_t i;

	for (i=0; i<ARRAY_SIZE(v); i++) {
		const char *quoted = env_str(env, "\"%s\"", v[i].value);
		const char *const textv[] = {v[i].key, quoted, v[i].allowed,
			NULL};

		not_loaded(baresip_start(env, &(struct baresip_args){
			.name = env_str(env, "b%zu", i),
			.config = env_str(env, "%s %s\n", v[i].key,
					  v[i].value)}), textv);
		/* it stopped before it made anything */
		ck_assert_int_ne(0, access(env_path(env, "b%zu/cpm", i),
					   F_OK));
	}
	env_close(env);
}
END_TEST


START_TEST(wrong_path)
{
	static const char *const textv[] = {
		"/nonexistent/x/cpm.db", "No such file", NULL};
	static const char *const longv[] = {
		"cpm_db", "a path of less than 1024 octets", NULL};
	struct env *env = env_open();
	char path[1200];

	not_loaded(baresip_start(env, &(struct baresip_args){
		.name = "a", .config = "cpm_db /nonexistent/x/cpm.db\n"}),
		textv);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	not_loaded(baresip_start(env, &(struct baresip_args){
		.name = "b", .config = env_str(env, "cpm_db %s\n", path)}),
		longv);
	env_close(env);
}
END_TEST


/* Files of TLS that are not there, or something else */
START_TEST(wrong_file)
{
	static const struct {
		const char *key;
		const char *path;
		const char *text;
	} v[] = {
		{"cpm_tls_cert", "/nonexistent/x.pem", "No such file"},
		{"cpm_tls_cert", "/", "Is a directory"},
		{"cpm_tls_cert", "/etc/passwd", "no PEM file with a private "
		 "key and its certificate"},
		{"cpm_tls_cert", "@locked.pem", "its key has a passphrase"},
		{"cpm_tls_cafile", "/nonexistent/x.pem", "No such file"},
		{"cpm_tls_cafile", "/etc/passwd", "no PEM file with "
		 "certificates"},
	};
	struct env *env = env_open();
	size_t i;

	file_write(env_path(env, "locked.pem"),
		   "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
	for (i=0; i<ARRAY_SIZE(v); i++) {
		const char *path = v[i].path[0] == '@'
			? env_path(env, "%s", v[i].path + 1) : v[i].path;
		const char *const textv[] = {v[i].key, path, v[i].text,
			NULL};

		not_loaded(baresip_start(env, &(struct baresip_args){
			.name = env_str(env, "b%zu", i),
			.config = env_str(env, "%s %s\n", v[i].key,
					  path)}), textv);
	}
	env_close(env);
}
END_TEST


START_TEST(db)
{
	struct scene_args args = {.config = NULL};
	struct scene s;
	const char *path;

	scene_open(&s, &args);
	path = env_path(s.env, "elsewhere/messages");
	s.args.config = env_str(s.env, "cpm_db %s\n", path);
	scene_leave(&s, "from=%s text=1", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	ck_assert_str_eq(path, j_str(ctrl_ask(s.c, "cpm_status", NULL),
				     "db"));
	ck_assert_int_eq(0, access(path, R_OK));
	ck_assert_int_ne(0, access(scene_file(&s, ""), F_OK));

	/* and it is the one that is read the next time */
	ck_assert_int_eq(0, baresip_quit(s.b));
	scene_restart(&s);
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	scene_close(&s);
}
END_TEST


START_TEST(deferred)
{
	const struct scene_args args = {.config = "cpm_deferred decline\n"};
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s text=1", BOB);
	scene_start(&s);
	ck_assert_int_eq(480, pf_int(pf_event(s.pf, "answer", E2E_WAIT),
				     "code"));
	ck_assert_str_eq("decline", j_str(ctrl_ask(s.c, "cpm_status", NULL),
					  "accounts.0.deferred"));
	ck_assert_int_eq(1, pf_int(pf_ask(s.pf, "pending to=%s", ALICE),
				   "count"));

	/* what the user says later counts more, also for one sender */
	(void)ctrl_ask(s.c, "cpm_policy", "accept %s", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


START_TEST(ask_timeout)
{
	const struct scene_args args = {
		.config = "cpm_deferred ask\ncpm_ask_timeout 1\n"};
	const struct odict *ev;
	struct scene s;
	uint64_t t;

	scene_open(&s, &args);
	scene_start(&s);
	scene_leave(&s, "from=%s text=1", BOB);
	ev = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("asking", j_str(ev, "state"));
	t = e2e_now();
	ck_assert_int_eq(480, pf_int(pf_event(s.pf, "answer", E2E_WAIT),
				     "code"));
	ck_assert_uint_ge(e2e_now() - t, 900);
	ev = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("declined", j_str(ev, "state"));
	scene_close(&s);
}
END_TEST


/* The PF connects to where the answer says that we listen */
START_TEST(listen_port)
{
	const struct scene_args args = {
		.trace = true, .optv = {"-s", "active", NULL}};
	struct scene s;
	uint16_t port;

	scene_open(&s, &args);
	port = port_get(s.env, 1);
	s.args.config = env_str(s.env, "cpm_listen 127.0.0.1:%u\n", port);
	scene_leave(&s, "from=%s text=1", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	ck_assert(file_has(s.b->proc->log,
			   env_str(s.env, "msrp://127.0.0.1:%u/", port)));
	scene_close(&s);
}
END_TEST


START_TEST(max_size)
{
	const struct scene_args args = {.config = "cpm_max_size 2000\n"};
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s id=small size=1000", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	scene_leave(&s, "from=%s id=large size=2001", BOB);
	ev = pf_event_kv(s.pf, "delivered", "id", "large", E2E_WAIT);
	ck_assert_int_eq(413, pf_int(ev, "code"));
	(void)pf_event_kv(s.pf, "ended", "left", "1", E2E_WAIT);
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	scene_close(&s);
}
END_TEST


START_TEST(idle_timeout)
{
	const struct scene_args args = {
		.config = "cpm_idle_timeout 1\n",
		.optv = {"-f", "nobye", NULL}};
	const struct pf_event *ev;
	struct scene s;
	uint64_t t;

	scene_open(&s, &args);
	scene_leave(&s, "from=%s text=1", BOB);
	scene_start(&s);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	t = e2e_now();
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("client", pf_str(ev, "by"));
	ck_assert_uint_ge(e2e_now() - t, 800);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


Suite *config_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = suite_case(suite, "wrong", 60);

	tcase_add_test(tc, wrong_value);
	tcase_add_test(tc, wrong_path);
	tcase_add_test(tc, wrong_file);

	/* cpm_delivery_imdn and cpm_display_imdn: test_report.c */
	tc = suite_case(suite, "right", 60);
	tcase_add_test(tc, db);
	tcase_add_test(tc, deferred);
	tcase_add_test(tc, ask_timeout);
	tcase_add_test(tc, listen_port);
	tcase_add_test(tc, max_size);
	tcase_add_test(tc, idle_timeout);

	load_cases(suite);
	fault_cases(suite);

	return suite;
}
