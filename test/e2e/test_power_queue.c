/**
 * @file test_power_queue.c  What cpm_send has said yes to, after a power cut
 *
 * The softphone is registered nowhere, so all of it waits. It is killed in the
 * moment in which it has said so, and the power goes. Mostly there is nothing
 * left that a cut could take: that is what this is about.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "suite.h"
#include "power.h"


enum {
	ROUNDS = 2 * POWER_HOWS,
	EACH   = 3,           /* messages of a round                       */
	SENT   = ROUNDS * EACH,
};

struct cut {
	struct env *env;
	struct baresip *b;
	const char *log;
	uint32_t state;
	int64_t idv[SENT];
	unsigned idc;
	struct power_sum sum;
};


static void cut_open(struct cut *k)
{
	memset(k, 0, sizeof(*k));
	k->env   = env_open();
	k->state = 1;
	k->log   = env_path(k->env, "notes");
	ck_assert_msg(power_there(), "CPM_POWER is not set");
	k->b = baresip_start(k->env, &(struct baresip_args){
		.name = "alice", .power = k->log,
		.accounts = baresip_account(k->env, "alice", "example.net",
			env_str(k->env, "127.0.0.1:%u",
				port_get(k->env, 1)), NULL)});
}


static const char *text_of(const struct cut *k, unsigned i)
{
	return env_str(k->env, "message %u", i);
}


static void send_some(struct cut *k)
{
	unsigned i;

	for (i=0; i<EACH; i++, k->idc++) {
		const struct odict *o = ctrl_ask(k->b->ctrl, "cpm_send",
			"{\"account\":\"sip:alice@example.net\","
			"\"to\":\"sip:bob@example.net\",\"text\":\"%s\"}",
			text_of(k, k->idc));

		k->idv[k->idc] = j_int(o, "id");
	}
}


static void check(struct cut *k)
{
	const struct odict *o = ctrl_ask(k->b->ctrl, "cpm_status", NULL);
	unsigned i;

	ck_assert_int_eq(k->idc, j_int(o, "queued"));
	for (i=0; i<k->idc; i++) {
		o = ctrl_ask(k->b->ctrl, "cpm_message", "{\"id\":%d}",
			     (int)k->idv[i]);
		ck_assert_str_eq("queued", j_str(o, "status"));
		ck_assert_str_eq(text_of(k, i), j_str(o, "text"));
	}
}


START_TEST(queued_is_kept)
{
	struct cut k;
	unsigned i;

	cut_open(&k);
	for (i=0; i<ROUNDS; i++) {
		send_some(&k);
		baresip_kill(k.b);
		power_cut(env_str(k.env, "%s/cpm", k.b->dir), k.log,
			  (enum power_how)(i % POWER_HOWS), &k.state,
			  &k.sum);
		baresip_restart(k.b);
		check(&k);
	}
	ck_assert_uint_eq(ROUNDS, k.sum.cuts);
	/* it would wait for the answer to its last REGISTER */
	baresip_kill(k.b);
	env_close(k.env);
}
END_TEST


void power_queue_add(Suite *suite)
{
	TCase *tc = suite_case(suite, "queue", 60);

	tcase_add_test(tc, queued_is_kept);
}
