/**
 * @file test_register.c  The registration carries the CPM tags
 *
 * Kamailio is the registrar, and says for each REGISTER that it has taken how
 * many bindings there are now, and what Contact it had.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "suite.h"
#include "scene.h"


#define ICSI "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."

/* What the Contact ends with, always */
static const char tags[] = "+g.3gpp.icsi-ref=\"" ICSI "session," ICSI "msg,"
	ICSI "largemsg," ICSI "deferred\"";

/* One line "bound USER COUNT over PROTO: CONTACT" */
struct bound {
	char user[32];
	int count;
	char proto[8];
	char contact[1024];
};


static void bound_read(struct bound *bd, const char *line)
{
	const char *at = strstr(line, "bound ");

	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(4, sscanf(at, "bound %31s %d over %7[a-z]: "
				   "%1023[^\n]", bd->user, &bd->count,
				   bd->proto, bd->contact));
}


/* The next REGISTER of a user that is taken */
static void bound_next(struct bound *bd, struct core *core, const char *user)
{
	bound_read(bd, proc_line(core->proc,
				 env_str(core->env, "bound %s ", user),
				 E2E_WAIT));
}


static void assert_tagged(const struct bound *bd)
{
	ck_assert_msg(strstr(bd->contact, tags) != NULL, "no tags: %.400s",
		      bd->contact);
	ck_assert_ptr_nonnull(strstr(bd->contact,
				     ";+sip.instance=\"<urn:uuid:"));
	/* one list, one instance */
	ck_assert_ptr_null(strstr(strstr(bd->contact, "icsi-ref") + 1,
				  "icsi-ref"));
	ck_assert_ptr_null(strstr(strstr(bd->contact, "instance") + 1,
				  "instance"));
}


/* Each that was ever taken had the tags, and left one binding; the last none.
   @return how many */
static unsigned all_tagged(struct core *core, const char *user)
{
	const char *want = env_str(core->env, "bound %s ", user);
	char *log = file_read(core->proc->log, NULL);
	struct bound bd = {.count = -1};
	const char *at = log;
	unsigned n = 0;

	while ((at = strstr(at, want)) != NULL) {
		/* more follow: it was not the last */
		if (n)
			ck_assert_int_eq(1, bd.count);
		bound_read(&bd, at);
		assert_tagged(&bd);
		++n;
		++at;
	}
	ck_assert_int_eq(0, bd.count);
	mem_deref(log);

	return n;
}


static bool is_tagged(struct baresip *b, unsigned account)
{
	const struct odict *o = ctrl_ask(b->ctrl, "cpm_status", NULL);

	return j_bool(o, env_str(b->env, "accounts.%u.tagged", account));
}


/* Alice's registration is refreshed each 1.8 s */
static char *account(struct env *env, const char *user, const char *to,
		     const char *params)
{
	return env_str(env, "<sip:%s@%s>;auth_user=%s;auth_pass=secret;"
		       "outbound=\"sip:%s\";regint=2%s\n", user, DOMAIN, user,
		       to, params);
}


static struct core *open_core(struct env *env, bool ipv6, bool tls)
{
	struct core *core = core_alloc(env, DOMAIN, ipv6);

	if (tls)
		core_tls(core);
	core_run(core, "alice:secret carol:secret", NULL);

	return core;
}


/* From the first REGISTER on, on each refresh, and when it unregisters; and
   baresip shows what it always did */
START_TEST(tagged)
{
	static const char *const wayv[] = {"udp", "tcp", "udp", "tls"};
	const bool ipv6 = _i == 2, tls = _i == 3;
	struct env *env = env_open();
	struct core *core = open_core(env, ipv6, tls);
	struct bound bd;
	struct baresip *b;
	const char *to = tls ? env_str(env, "127.0.0.1:%u", core->tls_port)
		: core->sip;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = account(env, "alice", env_str(env,
			"%s;transport=%s", to, wayv[_i]), ""),
		.ipv6 = ipv6});
	ck_assert_str_eq("sip:alice@" DOMAIN,
			 j_str(ctrl_host_event(b->ctrl, "REGISTER_OK",
					       E2E_WAIT), "accountaor"));
	baresip_registered(b, E2E_WAIT);
	ck_assert(is_tagged(b, 0));
	bound_next(&bd, core, "alice");
	ck_assert_str_eq(wayv[_i], bd.proto);
	/* refreshed by baresip itself */
	bound_next(&bd, core, "alice");
	(void)ctrl_host_event(b->ctrl, "REGISTER_OK", E2E_WAIT);
	baresip_registered(b, E2E_WAIT);
	/* a call goes to the account's own proxy, which knows no such user */
	if (!_i) {
		ck_assert(ctrl_cmd(b->ctrl, "dial", "sip:nobody@" DOMAIN,
				   NULL));
		ck_assert_ptr_nonnull(strstr(j_str(ctrl_host_event(b->ctrl,
			"CALL_CLOSED", E2E_WAIT), "param"), "404"));
	}
	ck_assert_int_eq(0, baresip_quit(b));
	ck_assert_uint_ge(all_tagged(core, "alice"), 3);
	env_close(env);
}
END_TEST


static const char *instance(struct env *env, const struct bound *bd)
{
	const char *at = strstr(bd->contact, "urn:uuid:");

	return env_str(env, "%.45s", at ? at : "");
}


/* It is the same softphone after a restart, also when uuid.so says so */
START_TEST(same_instance)
{
	struct env *env = env_open();
	struct core *core = open_core(env, false, false);
	struct bound bd;
	struct baresip *b;
	const char *first;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = account(env, "alice", core->sip, "")});
	bound_next(&bd, core, "alice");
	first = instance(env, &bd);
	/* no farewell: the next start replaces the binding all the same */
	baresip_kill(b);
	b->args.config = "module_tmp uuid.so\n";
	file_write(env_str(env, "%s/accounts", b->dir),
		   account(env, "alice", core->sip, ";regq=0.5"));
	baresip_restart(b);
	do {
		bound_next(&bd, core, "alice");
	} while (!strstr(bd.contact, ";q=0.5"));
	ck_assert_str_eq(first, instance(env, &bd));
	ck_assert_int_eq(1, bd.count);
	ck_assert_int_eq(0, baresip_quit(b));
	(void)all_tagged(core, "alice");
	env_close(env);
}
END_TEST


/* Accounts that register, and do not, and come, and go */
START_TEST(accounts)
{
	struct env *env = env_open();
	struct core *core = open_core(env, false, false);
	struct bound bd;
	struct baresip *b;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = env_str(env, "%s<sip:bob@127.0.0.1>;regint=0\n",
				    account(env, "alice", core->sip, ""))});
	bound_next(&bd, core, "alice");
	ck_assert(ctrl_cmd(b->ctrl, "uanew",
			   account(env, "carol", core->sip, ""), NULL));
	bound_next(&bd, core, "carol");
	ck_assert_int_eq(1, bd.count);
	baresip_registered(b, E2E_WAIT);
	ck_assert(is_tagged(b, 2));
	ck_assert(is_tagged(b, 0));
	ck_assert(!is_tagged(b, 1));
	ck_assert(ctrl_cmd(b->ctrl, "uadel", "sip:carol@" DOMAIN, NULL));
	do {
		bound_next(&bd, core, "carol");
	} while (bd.count);
	ck_assert_int_eq(0, baresip_quit(b));
	(void)all_tagged(core, "alice");
	(void)all_tagged(core, "carol");
	env_close(env);
}
END_TEST


/* Two proxies, each with a flow of its own (RFC 5626) */
START_TEST(two_proxies)
{
	struct env *env = env_open();
	struct core *core = open_core(env, false, false);
	struct baresip *b;

	core_edge(core);
	b = baresip_start(env, &(struct baresip_args){
		.accounts = account(env, "alice", core->edge, env_str(env,
			";sipnat=outbound;outbound2=\"sip:%s;transport=tcp\"",
			core->sip)),
		.config = "module_tmp uuid.so\n"});
	(void)proc_line(core->proc, "bound alice .*;reg-id=1;.*deferred\"",
			E2E_WAIT);
	(void)proc_line(core->proc, "bound alice .* over tcp: .*;reg-id=2;"
			".*deferred\"", E2E_WAIT);
	baresip_registered(b, E2E_WAIT);
	ck_assert_int_eq(0, baresip_quit(b));
	(void)proc_line(core->proc, "bound alice 0 ", E2E_WAIT);
	env_close(env);
}
END_TEST


START_TEST(off)
{
	struct env *env = env_open();
	struct core *core = open_core(env, false, false);
	struct bound bd;
	struct baresip *b;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = account(env, "alice", core->sip, ""),
		.config = "cpm_register no\n"});
	bound_next(&bd, core, "alice");
	ck_assert_ptr_null(strstr(bd.contact, "icsi-ref"));
	ck_assert_ptr_null(strstr(bd.contact, "sip.instance"));
	baresip_registered(b, E2E_WAIT);
	ck_assert(!is_tagged(b, 0));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* The registrar forgets all and comes back; then it goes for good, and the
   softphone sees that as well as ever */
START_TEST(registrar_restart)
{
	struct env *env = env_open();
	struct core *core = open_core(env, false, false);
	struct bound bd;
	struct baresip *b;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = account(env, "alice", env_str(env,
			"%s;transport=%s", core->sip, _i ? "tcp" : "udp"),
			"")});
	bound_next(&bd, core, "alice");
	if (!_i) {
		/* what is sent meanwhile is sent again */
		proc_kill(core->proc);
		core_run(core, "alice:secret", NULL);
		bound_next(&bd, core, "alice");
		ck_assert_int_eq(1, bd.count);
		assert_tagged(&bd);
		baresip_registered(b, E2E_WAIT);
		ck_assert(is_tagged(b, 0));
	}
	else {
		proc_kill(core->proc);
		(void)ctrl_host_event(b->ctrl, "REGISTER_FAIL", E2E_WAIT);
		ck_assert(!is_tagged(b, 0));
		ck_assert(ctrl_cmd(b->ctrl, "reginfo", NULL, NULL));
		ck_assert_ptr_nonnull(strstr(ctrl_data(b->ctrl), "ERR"));
	}
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* Nothing passes on the loopback but TCP: a registration without the tags is
   better than none */
START_TEST(no_way)
{
	struct env *env;
	struct core *core;
	struct bound bd;
	struct baresip *b;

	net_own();
	net_ip(NULL, "rule", "add", "pref", "1", "lookup", "local", NULL);
	net_ip(NULL, "rule", "del", "pref", "0", NULL);
	net_ip(NULL, "rule", "add", "pref", "0", "to", "127.0.0.1", "ipproto",
	       "udp", "prohibit", NULL);
	env = env_open();
	core = open_core(env, false, false);
	b = baresip_start(env, &(struct baresip_args){
		.accounts = account(env, "alice", env_str(env,
			"%s;transport=tcp", core->sip), "")});
	bound_next(&bd, core, "alice");
	ck_assert_ptr_null(strstr(bd.contact, "icsi-ref"));
	baresip_registered(b, E2E_WAIT);
	ck_assert(!is_tagged(b, 0));
	/* and stays */
	bound_next(&bd, core, "alice");
	bound_next(&bd, core, "alice");
	ck_assert_int_eq(1, bd.count);
	ck_assert_int_eq(0, baresip_quit(b));
	(void)proc_line(core->proc, "bound alice 0 ", E2E_WAIT);
	env_close(env);
}
END_TEST


Suite *register_suite(void)
{
	Suite *suite = suite_create("register");
	TCase *tc = suite_case(suite, "tags", 60);

	tcase_add_loop_test(tc, tagged, 0, 4);
	tcase_add_test(tc, same_instance);
	tcase_add_test(tc, accounts);
	tcase_add_test(tc, two_proxies);
	tcase_add_test(tc, off);
	tcase_add_loop_test(tc, registrar_restart, 0, 2);
	tcase_add_test(tc, no_way);

	return suite;
}
