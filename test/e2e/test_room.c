/**
 * @file test_room.c  No room: quota of an account, reserve of the disk
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "suite.h"
#include "scene.h"


static void error_is(struct scene *s, const char *what, const char *text)
{
	const struct odict *o = ctrl_event(s->c, "error", E2E_WAIT);

	ck_assert_str_eq(what, j_str(o, "what"));
	ck_assert_ptr_nonnull(strstr(j_str(o, "text"), text));
}


static void pending_is(struct scene *s, int64_t n)
{
	ck_assert_int_eq(n, pf_int(pf_ask(s->pf, "pending to=%s", ALICE),
				   "count"));
}


static void deliver_refused(struct scene *s, const char *code)
{
	pf_cmd(s->pf, "deliver to=%s", ALICE);
	(void)pf_event_kv(s->pf, "answer", "code", code, E2E_WAIT);
}


/* The server keeps what does not fit, and is told before it calls in vain */
START_TEST(quota)
{
	const struct scene_args args = {.config = "cpm_quota 1000\n"};
	struct scene s;

	scene_open(&s, &args);
	pf_cmd(s.pf, "auto off");
	scene_leave(&s, "from=%s ask=none size=600", BOB);
	scene_leave(&s, "from=%s ask=none size=401", BOB);
	scene_start(&s);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	error_is(&s, "quota", "has 600 of 1000 octets");
	(void)pf_event_kv(s.pf, "delivered", "code", "413", E2E_WAIT);
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	pending_is(&s, 1);
	ck_assert_int_eq(1, scene_count(&s, "messages"));

	(void)ctrl_ask(s.c, "cpm_delete", "1");
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 0, E2E_WAIT);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	scene_delivered(&s, 1);
	pending_is(&s, 0);
	scene_leave(&s, "from=%s ask=none size=599", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 2);

	/* not an octet more: the call itself is refused */
	scene_leave(&s, "from=%s ask=none size=1", BOB);
	deliver_refused(&s, "480");
	pending_is(&s, 1);
	(void)ctrl_ask(s.c, "cpm_delete", "3");
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 1, E2E_WAIT);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 2);
	pending_is(&s, 0);
	scene_close(&s);
}
END_TEST


START_TEST(reserve)
{
	const struct scene_args args = {
		.config = "cpm_disk_reserve 1000000000000\n"};
	struct scene s;

	scene_open(&s, &args);
	pf_cmd(s.pf, "auto off");
	scene_leave(&s, "from=%s ask=none text=Hello", BOB);
	scene_start(&s);
	deliver_refused(&s, "480");
	error_is(&s, "disk-full", "cpm_disk_reserve");
	pending_is(&s, 1);
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	scene_close(&s);
}
END_TEST


void room_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "room", 60);

	tcase_add_test(tc, quota);
	tcase_add_test(tc, reserve);
}
