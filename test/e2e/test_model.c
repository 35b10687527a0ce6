/**
 * @file test_model.c  The connection model, and what a peer may cost
 *
 * RFC 6135, RFC 6714; README, Limits.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "suite.h"
#include "caller.h"
#include "invite.h"


enum {
	MANY = 1100,   /* more than libre polls by itself */
};


static const char *sender(struct env *env, unsigned n)
{
	return env_str(env, "sip:sender%u@cpm.test", n);
}


static int64_t sessions(struct baresip *b)
{
	return j_int(ctrl_ask(b->ctrl, "cpm_status", NULL), "sessions");
}


/* What the path says is not where it is: c= and m= are */
START_TEST(cema)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	struct caller c;

	ck_assert_uint_eq(200, caller_invite(&c, b, &(struct caller_args){
		.from = sender(env, 1), .lines = "a=msrp-cema\r\n",
		.path = "msrp://192.0.2.9:2855/far;tcp"}));
	ck_assert_ptr_nonnull(strstr(c.text, "\r\na=msrp-cema\r\n"));
	caller_bind(&c);
	caller_message(&c, "anchored");
	caller_close(&c);

	/* who does not speak of it gets no word of it */
	caller_open(&c, b, &(struct caller_args){.from = sender(env, 2)});
	caller_close(&c);
	ck_assert_uint_eq(200, caller_invite(&c, b, &(struct caller_args){
		.from = sender(env, 3), .lines = "a=connection:existing\r\n"}));
	ck_assert_ptr_null(strstr(c.text, "cema"));
	caller_bind(&c);
	caller_message(&c, "plain");
	caller_close(&c);
	ck_assert_uint_eq(488, caller_invite(&c, b, &(struct caller_args){
		.from = sender(env, 4), .setup = "holdconn"}));
	caller_close(&c);
	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "sessions", 0,
			 E2E_WAIT);
	baresip_kill(b);
	env_close(env);
}
END_TEST


/* All sessions together, and those of one sender: the rest is told to come
   later, and may */
/* An INVITE that comes again after its answer (RFC 3261, 17.2.3), and one
   that took two ways (8.2.2.2) */
START_TEST(again)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	struct caller c;

	caller_open(&c, b, &(struct caller_args){.from = sender(env, 1)});
	ck_assert_uint_eq(0, caller_again(&c, NULL));
	ck_assert_uint_eq(482, caller_again(&c, "z9hG4bKotherway"));
	caller_message(&c, "once");
	ck_assert_int_eq(1, sessions(b));
	caller_close(&c);
	baresip_kill(b);
	env_close(env);
}
END_TEST


START_TEST(limits)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, "cpm_max_sessions 5\n"
					 "cpm_peer_sessions 2\n");
	struct caller v[6], c;
	unsigned i;

	for (i=0; i<2; i++)
		caller_open(&v[i], b, &(struct caller_args){
			.from = sender(env, 1)});
	ck_assert_uint_eq(486, caller_invite(&c, b, &(struct caller_args){
		.from = sender(env, 1)}));
	caller_close(&c);
	/* the server itself is nobody in particular */
	for (i=2; i<5; i++)
		caller_open(&v[i], b, &(struct caller_args){.from = NULL});
	ck_assert_int_eq(5, sessions(b));
	ck_assert_uint_eq(486, caller_invite(&c, b, &(struct caller_args){
		.from = sender(env, 2)}));
	caller_close(&c);

	(void)ctrl_ask(b->ctrl, "cpm_close", "1");
	caller_open(&c, b, &(struct caller_args){.from = sender(env, 1)});
	caller_message(&c, "room");
	caller_close(&c);
	for (i=0; i<5; i++)
		caller_close(&v[i]);
	baresip_kill(b);
	env_close(env);
}
END_TEST


/* A head that drips, a body that stands still: the session ends, the others
   do not */
START_TEST(still)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, "cpm_stall_timeout 1\n");
	struct caller c, other;
	uint64_t t;

	caller_open(&other, b, &(struct caller_args){.from = sender(env, 1)});
	caller_open(&c, b, &(struct caller_args){.from = sender(env, 2)});
	t = e2e_now();
	caller_write(&c, env_str(env, "MSRP still%u SEND\r\nTo-Path: %s\r\n"
		"From-Path: %s\r\n%s", c.n, c.peer, c.path, _i ? "" :
		"Message-ID: s\r\nByte-Range: 1-100/100\r\n"
		"Content-Type: message/cpim\r\n\r\nFrom: "));
	ck_assert(!caller_read(&c, E2E_WAIT));
	ck_assert_uint_ge(e2e_now() - t, 900);
	caller_bye_comes(&c);
	caller_message(&other, "goes on");
	ck_assert_int_eq(1, sessions(b));
	caller_close(&c);
	caller_close(&other);
	baresip_kill(b);
	env_close(env);
}
END_TEST


/* More connections than libre has room for by itself */
START_TEST(many)
{
	const struct rlimit rl = {4 * MANY, 4 * MANY};
	struct env *env = env_open();
	struct caller *v = calloc(MANY, sizeof(*v));
	const struct odict *o;
	struct baresip *b;
	unsigned i;

	ck_assert_int_eq(0, setrlimit(RLIMIT_NOFILE, &rl));
	b = invite_alice(env, "cpm_max_sessions 2000\n");
	for (i=0; i<MANY; i++) {
		caller_open(&v[i], b, &(struct caller_args){
			.from = sender(env, i)});
		close(v[i].udp);
		close(v[i].lfd);
	}
	ck_assert_int_eq(MANY, sessions(b));
	caller_message(&v[0], "first");
	caller_message(&v[MANY - 1], "last");

	o = ctrl_ask(b->ctrl, "cpm_sessions", NULL);
	ck_assert_uint_eq(100, j_count(o, "sessions"));
	ck_assert(j_bool(o, "more"));
	ck_assert_int_eq(1, j_int(o, "sessions.0.session"));
	o = ctrl_ask(b->ctrl, "cpm_sessions", "{\"after\":%d,\"limit\":500}",
		     MANY - 30);
	ck_assert_uint_eq(30, j_count(o, "sessions"));
	ck_assert(!j_bool(o, "more"));
	ck_assert(ctrl_cmd(b->ctrl, "reginfo", NULL, NULL));
	for (i=0; i<MANY; i++)
		close(v[i].fd);
	free(v);
	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "sessions", 0,
			 3 * E2E_WAIT);
	baresip_kill(b);
	env_close(env);
}
END_TEST


/* The system does not allow so many: it says so, and does not begin */
START_TEST(few_descriptors)
{
	const struct rlimit rl = {1024, 1024};
	struct env *env = env_open();
	struct baresip *b;
	char *log;

	ck_assert_int_eq(0, setrlimit(RLIMIT_NOFILE, &rl));
	b = invite_alice(env, "cpm_max_sessions 5000\n");
	ck_assert(!ctrl_cmd(b->ctrl, "cpm_status", NULL, NULL));
	log = env_keep(env, file_read(b->proc->log, NULL));
	ck_assert_ptr_nonnull(strstr(log, "cpm: cpm_max_sessions: 5000 "
				     "sessions take 5256 descriptors, the "
				     "system allows fewer: see ulimit -Hn"));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* A PF that connects: the path names the address that SIP came to, whatever
   that is; and where SIP listens on all of them, one that can be reached */
START_TEST(address)
{
	static const char *const hostv[] = {"127.0.0.1", "127.0.0.9"};
	struct env *env = env_open();
	/* what is sent to one loopback address comes from the same: to the
	   account that is a stranger */
	struct baresip *b = invite_alice(env, "cpm_trust any\n");
	struct caller c;

	ck_assert_uint_eq(200, caller_invite(&c, b, &(struct caller_args){
		.from = sender(env, 1), .setup = "active",
		.host = hostv[_i]}));
	ck_assert_ptr_eq(c.peer, strstr(c.peer, "msrp://127.0.0.1:"));
	caller_connect(&c, "127.0.0.1");
	caller_message(&c, "came");
	caller_close(&c);
	baresip_kill(b);
	env_close(env);
}
END_TEST


Suite *model_suite(void)
{
	Suite *suite = suite_create("model");
	TCase *tc = suite_case(suite, "model", 60);

	tcase_add_test(tc, cema);
	tcase_add_loop_test(tc, address, 0, 2);
	tcase_add_test(tc, again);
	tcase_add_test(tc, limits);
	tcase_add_loop_test(tc, still, 0, 2);
	tcase_add_test(tc, many);
	tcase_add_test(tc, few_descriptors);

	return suite;
}
