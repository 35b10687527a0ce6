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
#include <stdlib.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "far.h"
#include "mock/names.h"


#define ICSI "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."

/* What the Contact ends with, always */
static const char tags[] = "+g.3gpp.icsi-ref=\"" ICSI "session," ICSI "msg,"
	ICSI "largemsg," ICSI "deferred\"";

enum {
	DEAD_SEC  = 180,      /* s, only with CPM_LONG                      */
	DEAD_WAIT = 120000,   /* ms: a transaction in vain (32 s), and the
				 softphone's wait for its next try (60 s)   */
};

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


static bool has_socket(pid_t pid, unsigned long inode)
{
	char path[64], link[64], want[64];
	ssize_t n;
	int fd;

	(void)snprintf(want, sizeof(want), "socket:[%lu]", inode);
	for (fd=0; fd<256; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid,
			       fd);
		n = readlink(path, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		if (!strcmp(link, want))
			return true;
	}

	return false;
}


/* The UDP port on 127.0.0.1 that is not its SIP */
static uint16_t inner_port(const struct baresip *b)
{
	FILE *f = fopen("/proc/net/udp", "r");
	unsigned port, found = 0;
	unsigned long inode;
	char line[256];

	ck_assert_ptr_nonnull(f);
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: 0100007F:%x %*s %*s %*s %*s %*s %*s "
			   "%*s %lu", &port, &inode) == 2 &&
		    port != b->sip_port && has_socket(b->proc->pid, inode))
			found = port;
	}
	fclose(f);
	ck_assert_uint_ne(0, found);

	return (uint16_t)found;
}


/* @return the tag of To in the answer, which is 403 */
static const char *forbidden(struct far *f, const struct baresip *to,
			     const char *req)
{
	const char *answer, *tag;

	far_put(f, to, req);
	answer = far_get(f);
	ck_assert_int_eq(0, strncmp(answer, "SIP/2.0 403 ", 12));
	tag = strstr(strstr(answer, "\nTo: "), ";tag=");
	ck_assert_ptr_nonnull(tag);

	return env_str(f->env, "%.21s", tag);
}


/* Other users of the machine reach our port: nothing goes on, and nothing of
   them is kept, not even for the same request once more */
START_TEST(stranger)
{
	struct env *env = env_open();
	struct core *core = open_core(env, false, false);
	struct baresip *b, inner;
	const char *req, *tag;
	struct bound bd;
	struct far f;
	char *log;

	b = baresip_start(env, &(struct baresip_args){
		.accounts = account(env, "alice", core->sip, "")});
	bound_next(&bd, core, "alice");
	inner = *b;
	inner.sip_port = inner_port(b);
	far_udp(&f, env, "127.0.0.1");
	req = env_str(env, "REGISTER sip:" DOMAIN " SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKmallory\r\n"
		"Route: <sip:0000000000000000-1-0@127.0.0.1:%u;lr>\r\n"
		"Route: <sip:%s;lr>\r\n"
		"To: <sip:mallory@" DOMAIN ">\r\n"
		"From: <sip:mallory@" DOMAIN ">;tag=m\r\n"
		"Call-ID: mallory\r\nCSeq: 1 REGISTER\r\n"
		"Contact: <sip:mallory@127.0.0.1:%u>\r\n"
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		f.port, inner.sip_port, core->sip, f.port);
	tag = forbidden(&f, &inner, req);
	ck_assert_str_ne(tag, forbidden(&f, &inner, req));
	bound_next(&bd, core, "alice");
	assert_tagged(&bd);
	log = file_read(core->proc->log, NULL);
	ck_assert_ptr_null(strstr(log, "mallory"));
	mem_deref(log);
	far_close(&f);
	ck_assert_int_eq(0, baresip_quit(b));
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


/* A proxy whose name has IPv6 addresses only, and a softphone with both: its
   calls are of the family that it believes to have registered with */
START_TEST(family)
{
	static const struct names_rr rrv[] = {
		{"proxy.test", NAMES_AAAA, "::1", 300},
		{NULL, 0, NULL, 0},
	};
	struct names *ns;
	struct env *env;
	struct core *core;
	struct baresip *b;

	net_own();
	net_ip(NULL, "addr", "add", "10.9.0.2/24", "dev", "cpm0", NULL);
	net_ip(NULL, "addr", "add", "fd00:9::2/64", "dev", "cpm0", "nodad",
	       NULL);
	env = env_open();
	ns = names_start(rrv);
	ck_assert_ptr_nonnull(ns);
	core = open_core(env, true, false);
	b = baresip_start(env, &(struct baresip_args){
		.netif = "cpm0",
		.config = env_str(env, "dns_server 127.0.0.1:%u\n",
				  names_port(ns)),
		.accounts = account(env, "alice", env_str(env,
			"proxy.test%s", strrchr(core->sip, ':')), "")});
	(void)proc_line(b->proc, "UDP/v6} 200 OK", E2E_WAIT);
	baresip_registered(b, E2E_WAIT);
	ck_assert(is_tagged(b, 0));
	ck_assert_int_eq(0, baresip_quit(b));
	(void)all_tagged(core, "alice");
	names_stop(ns);
	env_close(env);
}
END_TEST


/* The domain's first server says nothing. The softphone gives up when the
   request goes on to the second one: its next try begins there */
START_TEST(first_dead)
{
	struct env *env = env_open();
	struct core *core = open_core(env, false, false);
	const struct names_rr rrv[] = {
		{"_sip._udp." DOMAIN, NAMES_SRV, "1 9 dead.test", 300},
		{"_sip._udp." DOMAIN, NAMES_SRV, env_str(env, "2 %s live.test",
			strchr(core->sip, ':') + 1), 300},
		{"dead.test", NAMES_A, "127.0.0.8", 300},
		{"live.test", NAMES_A, "127.0.0.1", 300},
		{NULL, 0, NULL, 0},
	};
	struct names *ns = names_start(rrv);
	struct baresip *b;

	ck_assert_ptr_nonnull(ns);
	env_limit(env, DEAD_SEC);
	b = baresip_start(env, &(struct baresip_args){
		.config = env_str(env, "dns_server 127.0.0.1:%u\n",
				  names_port(ns)),
		.accounts = "<sip:alice@" DOMAIN ">;auth_user=alice;"
			"auth_pass=secret;regint=600\n"});
	(void)proc_line(core->proc, "bound alice 1 .*deferred\"", DEAD_WAIT);
	baresip_registered(b, E2E_WAIT);
	ck_assert_int_eq(0, baresip_quit(b));
	(void)proc_line(core->proc, "bound alice 0 ", E2E_WAIT);
	names_stop(ns);
	env_close(env);
}
END_TEST


/* Of two proxies one says nothing: that is no sign that nothing comes here */
START_TEST(second_dead)
{
	struct env *env = env_open();
	struct core *core = open_core(env, false, false);
	struct bound bd;
	struct baresip *b;

	env_limit(env, DEAD_SEC);
	b = baresip_start(env, &(struct baresip_args){
		.accounts = account(env, "alice", core->sip, ";sipnat=outbound"
			";outbound2=\"sip:127.0.0.8:9\""),
		.config = "module_tmp uuid.so\n"});
	(void)ctrl_host_event(b->ctrl, "REGISTER_FAIL", DEAD_WAIT);
	/* what it had begun before, and what it has now */
	bound_next(&bd, core, "alice");
	(void)ctrl_host_event(b->ctrl, "REGISTER_OK", E2E_WAIT);
	(void)ctrl_host_event(b->ctrl, "REGISTER_OK", E2E_WAIT);
	ck_assert(is_tagged(b, 0));
	ck_assert_int_eq(0, baresip_quit(b));
	(void)all_tagged(core, "alice");
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
	tcase_add_test(tc, stranger);
	tcase_add_test(tc, two_proxies);
	tcase_add_test(tc, off);
	tcase_add_loop_test(tc, registrar_restart, 0, 2);
	tcase_add_test(tc, no_way);
	tcase_add_test(tc, family);

	if (getenv("CPM_LONG")) {
		tc = suite_case(suite, "dead", DEAD_SEC);
		tcase_add_test(tc, first_dead);
		tcase_add_test(tc, second_dead);
	}

	return suite;
}
