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


static void set(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		e2e_fail("setenv: %s", strerror(errno));
}


/* Alice with a disk that can be held. @return the file that holds it */
static char *held_start(struct scene *s)
{
	const char *slow = getenv("CPM_SLOW"), *other = getenv("CPM_PRELOAD");
	char *hold;

	if (!slow || access(slow, R_OK))
		e2e_fail("CPM_SLOW: no slow.so");

	scene_open(s, NULL);
	hold = env_path(s->env, "hold");
	set("SLOW_BELOW", env_path(s->env, "alice/cpm/"));
	set("SLOW_HOLD", hold);
	/* sanitizers come first */
	set("CPM_PRELOAD", other && *other
	    ? env_str(s->env, "%s:%s", other, slow) : slow);
	scene_start(s);

	return hold;
}


static void wait_held(struct scene *s, const char *hold)
{
	const char *waits = env_str(s->env, "%s.waits", hold);
	struct wait w;

	wait_start(&w, E2E_WAIT, "a commit that is held");
	while (wait_more(&w)) {
		if (!access(waits, F_OK))
			return;
	}
}


/* Commands are answered while a commit waits, and the 200 of its message
   comes after them */
START_TEST(commands)
{
	const struct odict *o;
	struct scene s;
	char *hold;

	hold = held_start(&s);
	file_write(hold, "");
	scene_leave(&s, "from=%s id=held text=one", BOB);
	wait_held(&s, hold);

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


void held_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "held", 60);

	tcase_add_test(tc, commands);
}
