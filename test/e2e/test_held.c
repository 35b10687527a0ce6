/**
 * @file test_held.c  The disk takes its time: the softphone does not notice
 *
 * slow.so holds each fsync below the module's folder while a file is there.
 * What is asserted is the order of things, not how long they take.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "ours.h"
#include "hold.h"


/* Alice with a disk that can be held. @param ours that she has sent, or NULL
   @return the file that holds it */
static char *held_start(struct scene *s, const struct ours *ours)
{
	char *hold;

	scene_open(s, NULL);
	if (ours)
		s->args.config = ours_db(s->env, ours);
	hold = hold_open(s->env, ours ? "ours/" : "alice/cpm/");
	scene_start(s);

	return hold;
}


/* Commands are answered while a commit waits, and the 200 of its message
   comes after them */
START_TEST(commands)
{
	const struct odict *o;
	struct scene s;
	char *hold;

	hold = held_start(&s, NULL);
	file_write(hold, "");
	scene_leave(&s, "from=%s id=held text=one", BOB);
	hold_wait(s.env, hold);

	o = ctrl_ask(s.c, "cpm_status", NULL);
	ck_assert_int_eq(1, j_int(o, "sessions"));
	ck_assert_int_eq(0, j_int(o, "messages"));
	o = ctrl_ask(s.c, "cpm_messages", NULL);
	ck_assert_uint_eq(0, j_count(o, "messages"));
	/* one that writes as well */
	(void)ctrl_ask(s.c, "cpm_policy", "decline %s", CAROL);
	ck_assert(ctrl_cmd(s.c, "reginfo", NULL, NULL));

	/* all that came before the 200 */
	ck_assert_int_eq(0, pf_int(pf_ask(s.pf, "stats"), "delivered"));
	ck_assert_int_eq(0, access(hold, F_OK));
	ck_assert_ptr_null(ctrl_try_event(s.c, "message", 1));

	ck_assert_int_eq(0, unlink(hold));
	(void)pf_event_kv(s.pf, "delivered", "id", "held", E2E_WAIT);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* A notification for a message of hers is answered when it has moved */
START_TEST(notification)
{
	static const struct ours ourv[] = {
		{"o1", BOB, "c1", CPM_CHAT, CPM_OUT_SENT},
		{NULL, NULL, NULL, CPM_CHAT, CPM_OUT_NONE},
	};
	const struct odict *o;
	struct scene s;
	char *hold;

	hold = held_start(&s, ourv);
	pf_cmd(s.pf, "chat to=%s from=%s conv=c1", ALICE, BOB);
	(void)pf_event(s.pf, "established", E2E_WAIT);
	file_write(hold, "");
	pf_cmd(s.pf, "say to=%s type=message/imdn+xml body=%s", ALICE,
	       ours_encode(s.env, ours_imdn(s.env, "o1", "delivery",
					    "delivered")));
	hold_wait(s.env, hold);
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq("sent", j_str(o, "status"));
	(void)pf_ask(s.pf, "stats");
	ck_assert(!pf_try_event(s.pf, "answered", NULL, NULL, 1));
	ck_assert_ptr_null(ctrl_try_event(s.c, "status", 1));

	ck_assert_int_eq(0, unlink(hold));
	ck_assert_int_eq(200, pf_int(pf_event(s.pf, "answered", E2E_WAIT),
				     "code"));
	(void)ctrl_event(s.c, "status", E2E_WAIT);
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq("delivered", j_str(o, "status"));
	scene_close(&s);
}
END_TEST


void held_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "held", 60);

	tcase_add_test(tc, commands);
	tcase_add_test(tc, notification);
}
