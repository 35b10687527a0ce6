/**
 * @file test_host.c  The softphone goes on as before
 *
 * Everything here holds for the stock baresip, with the module loaded
 * (CPM_MODULE set) and without.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"


static const char domain[] = "cpm.test";


static char *local_account(struct env *env, const char *params)
{
	return env_str(env, "<sip:alice@127.0.0.1>;regint=0%s\n", params);
}


START_TEST(start_and_quit)
{
	struct env *env = env_open();
	struct baresip *b = baresip_start(env, &(struct baresip_args){0});

	ck_assert(ctrl_cmd(b->ctrl, "reginfo", NULL, NULL));
	ck_assert_ptr_nonnull(strstr(ctrl_data(b->ctrl), "User Agents"));
	ck_assert(!ctrl_cmd(b->ctrl, "nonsense", NULL, NULL));
	ck_assert_int_eq(0, baresip_quit(b));
	ck_assert_ptr_nonnull(ctrl_host_event(b->ctrl, "EXIT", E2E_SHORT));
	env_close(env);
}
END_TEST


START_TEST(sigterm)
{
	struct env *env = env_open();
	struct baresip *b;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = local_account(env, "")});
	ck_assert_int_eq(0, baresip_stop(b));
	env_close(env);
}
END_TEST


START_TEST(kill_and_restart)
{
	struct env *env = env_open();
	struct baresip *b = baresip_start(env, &(struct baresip_args){0});
	const pid_t first = b->proc->pid;

	baresip_kill(b);
	baresip_restart(b);
	ck_assert_int_ne(first, b->proc->pid);
	ck_assert(ctrl_cmd(b->ctrl, "about", NULL, NULL));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


START_TEST(ipv6)
{
	struct env *env = env_open();
	struct baresip *b;
	const char *keyv[] = {"uri", "sip:alice@[::1]", NULL};

	b = baresip_start(env, &(struct baresip_args){
		.accounts = "<sip:alice@[::1]>;regint=0;answermode=auto\n",
		.ipv6 = true});
	ck_assert_int_eq(0, sipp_run(env, &(struct sipp_args){
		.scenario = "message.xml", .target = b->sip, .keyv = keyv,
		.ipv6 = true}));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


START_TEST(two_at_once)
{
	struct env *env = env_open();
	struct baresip *a, *b;

	a = baresip_start(env, &(struct baresip_args){.name = "a"});
	b = baresip_start(env, &(struct baresip_args){.name = "b"});
	ck_assert_int_ne(a->sip_port, b->sip_port);
	ck_assert(ctrl_cmd(a->ctrl, "about", NULL, NULL));
	ck_assert(ctrl_cmd(b->ctrl, "about", NULL, NULL));
	ck_assert_int_eq(0, baresip_quit(a));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


static void uanew(struct baresip *b, const char *password,
		  const struct core *core)
{
	const char *prm = env_str(b->env, "<sip:alice@%s>;auth_user=alice;"
				  "auth_pass=%s;outbound=\"%s\";regint=600",
				  domain, password, core->uri);

	ck_assert(ctrl_cmd(b->ctrl, "uanew", prm, NULL));
}


START_TEST(register_digest)
{
	struct env *env = env_open();
	struct core *core = core_alloc(env, domain, false);
	struct baresip *b;
	const struct odict *ev;

	core_run(core, "alice:secret", NULL);
	b = baresip_start(env, &(struct baresip_args){0});
	uanew(b, "secret", core);
	ev = ctrl_host_event(b->ctrl, "REGISTER_OK", E2E_WAIT);
	ck_assert_str_eq("sip:alice@cpm.test", j_str(ev, "accountaor"));
	baresip_registered(b, E2E_WAIT);

	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


START_TEST(register_wrong_password)
{
	struct env *env = env_open();
	struct core *core = core_alloc(env, domain, false);
	struct baresip *b;
	const struct odict *ev;

	core_run(core, "alice:secret", NULL);
	b = baresip_start(env, &(struct baresip_args){0});
	uanew(b, "wrong", core);
	ev = ctrl_host_event(b->ctrl, "REGISTER_FAIL", E2E_WAIT);
	ck_assert_ptr_nonnull(strstr(j_str(ev, "param"), "401"));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


START_TEST(call_is_answered)
{
	struct env *env = env_open();
	const char *keyv[] = {"uri", "sip:alice@127.0.0.1", NULL};
	struct baresip *b;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = local_account(env, ";answermode=auto")});
	ck_assert_int_eq(0, sipp_run(env, &(struct sipp_args){
		.scenario = "call.xml", .target = b->sip, .keyv = keyv}));
	(void)ctrl_host_event(b->ctrl, "CALL_ESTABLISHED", E2E_SHORT);
	(void)ctrl_host_event(b->ctrl, "CALL_CLOSED", E2E_SHORT);
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


START_TEST(message_is_taken)
{
	struct env *env = env_open();
	const char *keyv[] = {"uri", "sip:alice@127.0.0.1", NULL};
	struct baresip *b;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = local_account(env, "")});
	ck_assert_int_eq(0, sipp_run(env, &(struct sipp_args){
		.scenario = "message.xml", .target = b->sip, .keyv = keyv}));
	ck_assert_int_eq(0, sipp_run(env, &(struct sipp_args){
		.scenario = "message.xml", .target = b->sip, .keyv = keyv,
		.tcp = true, .calls = 3}));
	/* menu.so was asked: it looks for its sound, which is not there */
	(void)proc_line(b->proc, "message.wav", E2E_SHORT);
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


START_TEST(through_core)
{
	struct env *env = env_open();
	struct core *core = core_alloc(env, domain, false);
	const char *keyv[] = {"uri", "sip:alice@cpm.test", NULL};
	struct baresip *b;
	struct wire *w;
	struct wire_seen seen;

	core_run(core, "alice:secret", NULL);
	w = wire_start(env);
	b = baresip_start(env, &(struct baresip_args){
		.accounts = baresip_account(env, "alice", domain, core->sip,
					    ";answermode=auto")});
	baresip_registered(b, E2E_WAIT);

	ck_assert_int_eq(0, sipp_run(env, &(struct sipp_args){
		.scenario = "call.xml", .target = core->sip, .keyv = keyv}));
	(void)ctrl_host_event(b->ctrl, "CALL_CLOSED", E2E_SHORT);
	ck_assert_int_eq(0, sipp_run(env, &(struct sipp_args){
		.scenario = "message.xml", .target = core->sip,
		.keyv = keyv}));
	ck_assert_int_eq(0, baresip_quit(b));

	wire_check(w, (const uint16_t[]){core->port, b->sip_port, 0}, NULL,
		   &seen);
	/* REGISTER twice with answers, call, message, and out again */
	ck_assert_uint_ge(seen.sip, 20);
	ck_assert_uint_eq(0, seen.msrp);
	ck_assert_uint_eq(0, seen.cpim);
	env_close(env);
}
END_TEST


/* Among them those that fill the host's buffer to the last octet, which is
   one too many for it: see data/asan.supp */
START_TEST(answers_of_each_length)
{
	const struct odict *o;
	char all[2101] = "";
	struct scene s;
	int64_t id;
	size_t i;

	memset(all, 'x', sizeof(all) - 1);
	scene_open(&s, NULL);
	scene_start(&s);
	scene_leave(&s, "from=%s text=%s", BOB, all);
	scene_delivered(&s, 1);
	o = ctrl_ask(s.c, "cpm_messages", NULL);
	id = j_int(o, "messages.0.id");
	for (i=1; i<sizeof(all); i++) {
		o = ctrl_ask(s.c, "cpm_message", "{\"id\":%d,\"length\":%zu}",
			     (int)id, i);
		ck_assert_str_eq(all + sizeof(all) - 1 - i, j_str(o, "text"));
	}
	scene_close(&s);
}
END_TEST


Suite *host_suite(void)
{
	Suite *suite = suite_create("host");
	TCase *tc = suite_case(suite, "life", 60);

	tcase_add_test(tc, start_and_quit);
	tcase_add_test(tc, sigterm);
	tcase_add_test(tc, kill_and_restart);
	tcase_add_test(tc, two_at_once);
	tcase_add_test(tc, answers_of_each_length);

	tc = suite_case(suite, "sip", 60);
	tcase_add_test(tc, ipv6);
	tcase_add_test(tc, register_digest);
	tcase_add_test(tc, register_wrong_password);
	tcase_add_test(tc, call_is_answered);
	tcase_add_test(tc, message_is_taken);
	tcase_add_test(tc, through_core);

	return suite;
}
