/**
 * @file oom_queue.c  Memory runs out while messages are to be sent
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/oom_unit.h"


static struct cpm_msg *source_msg(void)
{
	struct cpm_msg *m = fx_out("q2", "new", NULL);

	fx_set(&m->source, "/proc/self/exe");
	m->text = false;

	return m;
}


static int put_queued(void)
{
	struct cpm_msg *m = source_msg();
	int err;

	oo_arm();
	err = oo_result(cpm_store_put(fx.st, m, oo_put_handler, NULL));
	mem_deref(m);

	return err;
}


/* Whoever waits has no main loop to end it */
static int put_wait(void)
{
	struct cpm_put_result res = {.id = 0};
	struct cpm_msg *m = source_msg();
	int err;

	oo_arm();
	err = cpm_store_put_wait(fx.st, m, 30000, &res);
	(void)oo_end(err);
	ck_assert_int_ne(ETIMEDOUT, err);
	ck_assert(err || res.id);
	mem_deref(m);

	return err;
}


static int out_sending(void)
{
	oo_arm();

	return oo_result(cpm_store_out_sending(fx.st, ids.queued, CPM_SESSION,
					       "another", oo_done_handler,
					       NULL));
}


static int out_again(void)
{
	oo_arm();

	return oo_result(cpm_store_out_again(fx.st, ids.queued, 8000, true,
					     503, "later", oo_done_handler,
					     NULL));
}


static int out_end(void)
{
	oo_arm();

	return oo_result(cpm_store_out_end(fx.st, ids.queued, CPM_OUT_FAILED,
					   404, "nobody", oo_done_handler,
					   NULL));
}


static int out_wake(void)
{
	oo_arm();

	return oo_result(cpm_store_out_wake(fx.st, "sip:alice@example.net",
					    oo_done_handler, NULL));
}


static int delete(uint64_t msg, uint64_t conv)
{
	oo_arm();

	return oo_result(cpm_store_delete(fx.st, msg, conv, oo_done_handler,
					  NULL));
}


static int delete_queued(void)
{
	return delete(ids.queued, 0);
}


static int delete_waiting(void)
{
	return delete(0, ids.waiting);
}


static const struct oom_op opv[] = {
	{"put: to be sent", put_queued},
	{"put: waited for", put_wait},
	{"out: sending", out_sending},
	{"out: again", out_again},
	{"out: end", out_end},
	{"out: wake", out_wake},
	{"delete: to be sent", delete_queued},
	{"delete: queue", delete_waiting},
};


static void setup(void)
{
	ck_assert_int_eq(0, oom_install());
	fx_setup();
	oo_template();
}


static void teardown(void)
{
	fx_teardown();
}


START_TEST(test_each)
{
	const struct oom_op *op = &opv[_i];
	const unsigned n = oo_each(op);

	printf("oom: %-24s %5u failures\n", op->name, n);
	ck_assert_uint_gt(n, 0);
}
END_TEST


TCase *oom_queue_case(void)
{
	TCase *tc = tcase_create("queue");

	tcase_set_timeout(tc, 1800);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_each, 0, ARRAY_SIZE(opv));

	return tc;
}
