/**
 * @file test_silo.c  Kamailio's own store for absent users: msilo
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <string.h>
#include "suite.h"
#include "scene.h"
#include "linphone.h"


enum { COUNT = 3 };


/* Nothing but the line that names the columns */
static void emptied(struct env *env)
{
	struct wait w;
	char *text = NULL;
	const char *end;

	wait_start(&w, E2E_WAIT, "the store to be empty");
	do {
		mem_deref(text);
		text = file_read(env_path(env, "silo/silo"), NULL);
		ck_assert_ptr_nonnull(text);
		end = strchr(text, '\n');
	} while (end && end[1] && wait_more(&w));
	mem_deref(text);
}


static unsigned found(const struct odict *o, const char *text)
{
	unsigned i, n = 0;

	for (i=0; i<j_count(o, "messages"); i++) {
		const struct odict *m = j_at(o, "messages", i);

		ck_assert_str_eq("page", j_str(m, "mode"));
		n += !strcmp(text, j_str(m, "text"));
	}

	return n;
}


/* Bob writes with linphone while Alice is away. When she registers, all of it
   is in her store and on the bus once, and he learns of it */
START_TEST(away)
{
	struct env *env = env_open();
	struct core *core = core_alloc(env, DOMAIN, false);
	const struct odict *o;
	struct linphone *lp;
	struct baresip *b;
	int64_t count = 0;
	unsigned i;

	core_silo(core, "alice:secret bob:secret");
	lp = linphone_start(env, core, "bob", true);
	for (i=1; i<=COUNT; i++) {
		linphone_chat(lp, ALICE, env_str(env, "Gr\xc3\xbc\xc3\x9f" "e "
						 "%u", i));
		(void)proc_line(core->proc, "kept for alice", E2E_WAIT);
	}

	b = baresip_start(env, &(struct baresip_args){.name = "alice",
		.accounts = baresip_account(env, "alice", DOMAIN, core->sip,
					    NULL)});
	while (count < COUNT)
		count += j_int(ctrl_event(b->ctrl, "message", E2E_WAIT),
			       "count");
	ck_assert_int_eq(COUNT, count);
	o = ctrl_ask(b->ctrl, "cpm_messages", "{\"peer\":\"" BOB "\"}");
	ck_assert_uint_eq(COUNT, j_count(o, "messages"));
	/* the store sends them all at once: in no order */
	for (i=1; i<=COUNT; i++)
		ck_assert_uint_eq(1, found(o, env_str(env, "Gr\xc3\xbc\xc3\x9f"
						      "e %u", i)));
	linphone_log(lp, "moving from Delivered to DeliveredToUser");
	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	emptied(env);

	/* once more: there is nothing left, and nothing comes again */
	ck_assert_int_eq(0, baresip_quit(b));
	baresip_restart(b);
	baresip_registered(b, E2E_WAIT);
	ck_assert_int_eq(COUNT, j_int(ctrl_ask(b->ctrl, "cpm_status", NULL),
				      "messages"));
	proc_kill(lp->proc);
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


Suite *silo_suite(void)
{
	Suite *suite = suite_create("silo");
	TCase *tc = suite_case(suite, "silo", 60);

	tcase_add_test(tc, away);

	return suite;
}
