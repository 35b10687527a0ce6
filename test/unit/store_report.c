/**
 * @file unit/store_report.c  The store: read marks and reports
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/store_unit.h"


#define ALICE "sip:alice@example.net"


struct due {
	uint64_t id[16];
	uint64_t msg[16];
	enum cpm_report kind[16];
	uint32_t tries[16];
	char imdn_id[16][64];
	unsigned n;
	unsigned stop;
	uint64_t next;
};


static bool due_handler(const struct cpm_due *due, void *arg)
{
	struct due *d = arg;

	ck_assert_uint_lt(d->n, 16);
	ck_assert_str_eq("sip:alice@example.net", due->account);
	ck_assert_str_eq("sip:bob@example.net", due->peer);
	ck_assert_str_eq("2026-11-21T03:11:00Z", due->datetime);
	ck_assert_str_eq("sip:r1\nsip:r2", due->route);
	ck_assert_str_eq("conv-id", due->conversation_id);
	ck_assert_str_eq("contrib-id", due->contribution_id);
	ck_assert_int_eq('k', due->orig_id[0]);
	ck_assert_uint_eq(36, strlen(due->imdn_id));
	ck_assert_int_eq('4', due->imdn_id[14]);
	d->id[d->n] = due->id;
	d->msg[d->n] = due->msg;
	d->kind[d->n] = due->kind;
	d->tries[d->n] = due->tries;
	snprintf(d->imdn_id[d->n], sizeof(d->imdn_id[0]), "%s",
		 due->imdn_id);

	return ++d->n == d->stop;
}


static struct due due_at(uint64_t now, uint32_t limit)
{
	struct due d;

	memset(&d, 0, sizeof(d));
	d.next = 4711;
	ck_assert_int_eq(0, cpm_store_due(fx.st, ALICE, 0, now, limit,
					  due_handler, &d));
	ck_assert_int_eq(0, cpm_store_due_next(fx.st, ALICE, now, &d.next));

	return d;
}


static uint64_t put(const char *msgkey, unsigned notify, bool delivery,
		    bool display)
{
	struct cpm_msg *m = fx_msg(msgkey, "text");

	fx_set(&m->datetime, "2026-11-21T03:11:00Z");
	fx_set(&m->route, "sip:r1\nsip:r2");
	fx_set(&m->conversation_id, "conv-id");
	fx_set(&m->contribution_id, "contrib-id");
	m->notify = notify;
	m->report[CPM_DELIVERED] = delivery ? CPM_REPORT_DUE
		: CPM_REPORT_NONE;
	m->report[CPM_DISPLAYED] = display ? CPM_REPORT_DUE
		: CPM_REPORT_NONE;
	ck_assert_int_eq(0, fx_put(m));

	return fx.res.id;
}


static int move(uint64_t id, enum cpm_report_state to, uint64_t next)
{
	return fx_result(cpm_store_report_move(fx.st, id, to, next,
					       fx_done_handler, NULL));
}


static int add(uint64_t msg, enum cpm_report kind)
{
	return fx_result(cpm_store_report_add(fx.st, msg, kind,
					      fx_done_handler, NULL));
}


static int display(const uint64_t *idv, size_t idc, bool report)
{
	return fx_result(cpm_store_display(fx.st, idv, idc, report,
					   fx_done_handler, NULL));
}


struct state {
	bool read;
	enum cpm_report_state report[2];
};

static bool state_handler(const struct cpm_msg *m, void *arg)
{
	struct state *s = arg;

	s->read = m->read;
	s->report[0] = m->report[0];
	s->report[1] = m->report[1];

	return true;
}


static void check_msg(uint64_t id, bool read, enum cpm_report_state delivered,
		      enum cpm_report_state displayed)
{
	struct state s;

	ck_assert_int_eq(0, cpm_store_msg(fx.st, id, state_handler, &s));
	ck_assert_int_eq(read, s.read);
	ck_assert_int_eq(delivered, s.report[0]);
	ck_assert_int_eq(displayed, s.report[1]);
}


/* What is due of one sender goes one after the other */
START_TEST(test_due)
{
	struct due d = due_at(5000, 10);
	uint64_t a, b;

	ck_assert_uint_eq(0, d.n);
	ck_assert_uint_eq(0, d.next);

	a = put("k1", 1, true, false);
	put("k2", 0, false, false);
	b = put("k3", 1, true, false);
	d = due_at(5000, 10);
	ck_assert_uint_eq(1, d.n);
	ck_assert_uint_eq(0, d.next);
	ck_assert_uint_eq(a, d.msg[0]);
	ck_assert_int_eq(CPM_DELIVERED, d.kind[0]);
	ck_assert_uint_eq(0, d.tries[0]);
	ck_assert_uint_eq(2, fx_counts().imdn_pending);

	/* a known message makes no second report */
	put("k1", 1, true, false);
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(2, fx_counts().imdn_pending);

	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_SENT, 5000));
	ck_assert_uint_eq(0, due_at(4999, 10).n);
	d = due_at(5000, 10);
	ck_assert_uint_eq(1, d.n);
	ck_assert_uint_eq(b, d.msg[0]);
	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_SENT, 6000));
	d = due_at(UINT64_MAX, 10);
	ck_assert_uint_eq(0, d.n);

	/* who waits for nothing is not kept waiting by what was */
	put("k4", 1, true, false);
	ck_assert_uint_eq(1, due_at(1, 10).n);
}
END_TEST


START_TEST(test_due_invalid)
{
	uint64_t next;

	ck_assert_int_eq(EINVAL, cpm_store_due(NULL, ALICE, 0, 1, 1,
					       due_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_due(fx.st, NULL, 0, 1, 1,
					       due_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_due(fx.st, ALICE, 0, 1, 0,
					       due_handler, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_due(fx.st, ALICE, 0, 1, 1, NULL,
					       NULL));
	ck_assert_int_eq(EINVAL, cpm_store_due_next(NULL, ALICE, 0, &next));
	ck_assert_int_eq(EINVAL, cpm_store_due_next(fx.st, NULL, 0, &next));
	ck_assert_int_eq(EINVAL, cpm_store_due_next(fx.st, ALICE, 0, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_due_accounts(fx.st, NULL, NULL));
}
END_TEST


/* While the first one waits, the others wait behind it */
START_TEST(test_retry)
{
	uint64_t a = put("k1", 1, true, false);
	uint64_t b = put("k2", 1, true, false);
	struct due d = due_at(5000, 10), e;

	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_DUE, 9000));
	e = due_at(8999, 10);
	ck_assert_uint_eq(0, e.n);
	ck_assert_uint_eq(9000, e.next);
	put("k3", 1, true, false);
	ck_assert_uint_eq(0, due_at(8999, 10).n);

	/* a restart changes nothing, and the id stays */
	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_DUE, 9001));
	fx_reopen();
	put("k4", 1, true, false);
	ck_assert_uint_eq(0, due_at(9000, 10).n);
	e = due_at(9001, 10);
	ck_assert_uint_eq(1, e.n);
	ck_assert_uint_eq(a, e.msg[0]);
	ck_assert_uint_eq(2, e.tries[0]);
	ck_assert_str_eq(d.imdn_id[0], e.imdn_id[0]);
	ck_assert_uint_eq(0, e.next);

	/* the next one has tries of its own */
	ck_assert_int_eq(0, move(e.id[0], CPM_REPORT_FAILED, 9001));
	e = due_at(9001, 10);
	ck_assert_uint_eq(1, e.n);
	ck_assert_uint_eq(b, e.msg[0]);
	ck_assert_uint_eq(0, e.tries[0]);
	ck_assert_str_ne(d.imdn_id[0], e.imdn_id[0]);
}
END_TEST


START_TEST(test_move)
{
	uint64_t a = put("k1", 1, true, false);
	uint64_t b = put("k2", 1, true, false);
	struct due d = due_at(5000, 10);

	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_SENT, 0));
	d.id[1] = due_at(5000, 10).id[0];
	check_msg(a, false, CPM_REPORT_SENT, CPM_REPORT_NONE);
	ck_assert_int_eq(ENOENT, move(d.id[0], CPM_REPORT_SENT, 0));
	ck_assert_int_eq(ENOENT, move(d.id[0], CPM_REPORT_FAILED, 0));
	ck_assert_int_eq(ENOENT, move(d.id[0], CPM_REPORT_DUE, 0));
	ck_assert_int_eq(0, move(d.id[1], CPM_REPORT_FAILED, 0));
	check_msg(b, false, CPM_REPORT_FAILED, CPM_REPORT_NONE);
	ck_assert_int_eq(ENOENT, move(999, CPM_REPORT_SENT, 0));
	ck_assert_uint_eq(0, fx_counts().imdn_pending);
	ck_assert_uint_eq(1, fx_counts().imdn_failed);
	ck_assert_uint_eq(0, due_at(UINT64_MAX, 10).n);

	ck_assert_int_eq(EINVAL, cpm_store_report_move(
		fx.st, 0, CPM_REPORT_SENT, 0, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_report_move(
		fx.st, 1, CPM_REPORT_NONE, 0, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_report_move(
		NULL, 1, CPM_REPORT_SENT, 0, NULL, NULL));
}
END_TEST


/* Display waits for delivery, whichever way the two came about */
START_TEST(test_display_waits)
{
	uint64_t a = put("k1", 5, true, true);
	struct due d = due_at(5000, 10), e;

	ck_assert_uint_eq(1, d.n);
	ck_assert_int_eq(CPM_DELIVERED, d.kind[0]);
	ck_assert_uint_eq(2, fx_counts().imdn_pending);
	check_msg(a, false, CPM_REPORT_DUE, CPM_REPORT_DUE);

	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_DUE, 9000));
	e = due_at(5000, 10);
	ck_assert_uint_eq(0, e.n);
	ck_assert_uint_eq(9000, e.next);
	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_SENT, 0));
	e = due_at(5000, 10);
	ck_assert_uint_eq(1, e.n);
	ck_assert_int_eq(CPM_DISPLAYED, e.kind[0]);
	ck_assert_int_eq(0, move(e.id[0], CPM_REPORT_SENT, 0));

	/* made by display, while delivery is due; a refusal frees it too */
	a = put("k2", 5, true, false);
	ck_assert_int_eq(0, display(&a, 1, true));
	d = due_at(5000, 10);
	ck_assert_uint_eq(1, d.n);
	ck_assert_int_eq(CPM_DELIVERED, d.kind[0]);
	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_FAILED, 0));
	d = due_at(5000, 10);
	ck_assert_uint_eq(1, d.n);
	ck_assert_int_eq(CPM_DISPLAYED, d.kind[0]);
	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_SENT, 0));

	/* delivery by hand, when display is due already, even on its way */
	a = put("k3", 5, false, true);
	e = due_at(5000, 10);
	ck_assert_uint_eq(1, e.n);
	ck_assert_int_eq(CPM_DISPLAYED, e.kind[0]);
	ck_assert_int_eq(0, add(a, CPM_DELIVERED));
	d = due_at(5000, 10);
	ck_assert_uint_eq(1, d.n);
	ck_assert_int_eq(CPM_DELIVERED, d.kind[0]);
	check_msg(a, false, CPM_REPORT_DUE, CPM_REPORT_DUE);
	ck_assert_int_eq(0, move(e.id[0], CPM_REPORT_SENT, 0));
	d = due_at(5000, 10);
	ck_assert_uint_eq(1, d.n);
	ck_assert_int_eq(CPM_DELIVERED, d.kind[0]);
	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_SENT, 0));
	check_msg(a, false, CPM_REPORT_SENT, CPM_REPORT_SENT);
	ck_assert_uint_eq(0, due_at(UINT64_MAX, 10).n);
	ck_assert_uint_eq(0, fx_counts().imdn_pending);
}
END_TEST


START_TEST(test_display)
{
	uint64_t idv[4], none = 999;

	idv[0] = put("k1", 4, false, false);
	idv[1] = put("k2", 1, false, false);
	idv[2] = put("k3", 4, false, false);
	idv[3] = none;
	ck_assert_uint_eq(3, fx_counts().unread);

	ck_assert_int_eq(0, display(idv, 2, true));
	check_msg(idv[0], true, CPM_REPORT_NONE, CPM_REPORT_DUE);
	check_msg(idv[1], true, CPM_REPORT_NONE, CPM_REPORT_NONE);
	check_msg(idv[2], false, CPM_REPORT_NONE, CPM_REPORT_NONE);
	ck_assert_uint_eq(1, fx_counts().unread);
	ck_assert_uint_eq(1, fx_counts().imdn_pending);

	/* again, with one that is not there: at most once each */
	ck_assert_int_eq(0, display(idv, 4, false));
	check_msg(idv[2], true, CPM_REPORT_NONE, CPM_REPORT_NONE);
	ck_assert_uint_eq(0, fx_counts().unread);
	ck_assert_int_eq(0, display(idv, 4, true));
	check_msg(idv[2], true, CPM_REPORT_NONE, CPM_REPORT_DUE);
	ck_assert_uint_eq(2, fx_counts().imdn_pending);
	ck_assert_uint_eq(1, due_at(5000, 10).n);

	ck_assert_int_eq(ENOENT, display(&none, 1, true));
	ck_assert_int_eq(EINVAL, cpm_store_display(fx.st, NULL, 1, true, NULL,
						   NULL));
	ck_assert_int_eq(EINVAL, cpm_store_display(fx.st, idv, 0, true, NULL,
						   NULL));
	ck_assert_int_eq(EINVAL, cpm_store_display(NULL, idv, 1, true, NULL,
						   NULL));
}
END_TEST


static uint64_t put_odd(const char *key, enum cpm_dir dir, bool peer,
			bool imdn_id)
{
	struct cpm_msg *m = fx_msg(key, "text");

	m->direction = dir;
	m->notify = 5;
	m->report[CPM_DELIVERED] = CPM_REPORT_DUE;
	if (!peer)
		m->peer = mem_deref(m->peer);
	if (!imdn_id)
		m->imdn_id = mem_deref(m->imdn_id);
	ck_assert_int_eq(0, fx_put(m));

	return fx.res.id;
}


/* No sender, no Message-ID, or our own: nothing to report on */
START_TEST(test_unreportable)
{
	uint64_t idv[3];
	unsigned i;

	idv[0] = put_odd("o1", CPM_IN, false, true);
	idv[1] = put_odd("o2", CPM_IN, true, false);
	idv[2] = put_odd("o3", CPM_OUT, true, true);
	ck_assert_int_eq(0, display(idv, 3, true));
	ck_assert_int_eq(ENOENT, display(&idv[2], 1, true));
	for (i=0; i<3; i++) {
		ck_assert_int_eq(ENOENT, add(idv[i], CPM_DELIVERED));
		ck_assert_int_eq(ENOENT, add(idv[i], CPM_DISPLAYED));
		check_msg(idv[i], true, CPM_REPORT_NONE, CPM_REPORT_NONE);
	}
	ck_assert_uint_eq(0, due_at(5000, 10).n);
	ck_assert_uint_eq(0, fx_counts().imdn_pending);
}
END_TEST


START_TEST(test_report_add)
{
	uint64_t a = put("k1", 1, false, false);
	uint64_t b = put("k2", 4, false, false);

	ck_assert_int_eq(ENOENT, add(a, CPM_DISPLAYED));
	ck_assert_int_eq(ENOENT, add(b, CPM_DELIVERED));
	ck_assert_int_eq(0, add(a, CPM_DELIVERED));
	ck_assert_int_eq(ENOENT, add(a, CPM_DELIVERED));
	ck_assert_int_eq(0, move(due_at(0, 1).id[0], CPM_REPORT_FAILED, 0));
	ck_assert_int_eq(ENOENT, add(a, CPM_DELIVERED));
	ck_assert_int_eq(0, add(b, CPM_DISPLAYED));
	check_msg(b, false, CPM_REPORT_NONE, CPM_REPORT_DUE);
	ck_assert_int_eq(ENOENT, add(999, CPM_DELIVERED));

	ck_assert_int_eq(EINVAL, cpm_store_report_add(
		fx.st, 0, CPM_DELIVERED, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_report_add(
		fx.st, 1, (enum cpm_report)2, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_report_add(
		NULL, 1, CPM_DELIVERED, NULL, NULL));
}
END_TEST


static int display_conv(uint64_t conv, uint64_t last, bool report)
{
	return fx_result(cpm_store_display_conv(fx.st, conv, last, report,
						fx_done_handler, NULL));
}


START_TEST(test_display_conv)
{
	uint64_t a, b, c, d, conv;
	struct cpm_msg *m;

	a = put("k1", 4, false, false);
	b = put("k2", 5, true, false);
	c = put("k3", 4, false, false);
	conv = fx.res.conversation;
	m = fx_msg("k4", "other");
	fx_set(&m->key, "c2");
	m->notify = 4;
	ck_assert_int_eq(0, fx_put(m));
	d = fx.res.id;

	ck_assert_int_eq(0, display_conv(conv, b, true));
	check_msg(a, true, CPM_REPORT_NONE, CPM_REPORT_DUE);
	check_msg(b, true, CPM_REPORT_DUE, CPM_REPORT_DUE);
	check_msg(c, false, CPM_REPORT_NONE, CPM_REPORT_NONE);
	check_msg(d, false, CPM_REPORT_NONE, CPM_REPORT_NONE);
	ck_assert_uint_eq(2, fx_counts().unread);
	ck_assert_uint_eq(3, fx_counts().imdn_pending);
	ck_assert_uint_eq(b, due_at(5000, 10).msg[0]);

	ck_assert_int_eq(0, display_conv(conv, UINT64_MAX, false));
	check_msg(c, true, CPM_REPORT_NONE, CPM_REPORT_NONE);
	ck_assert_uint_eq(1, fx_counts().unread);
	ck_assert_uint_eq(3, fx_counts().imdn_pending);
	ck_assert_int_eq(0, display_conv(conv, UINT64_MAX, true));
	ck_assert_uint_eq(3, fx_counts().imdn_pending);
	ck_assert_int_eq(1, fx_sql("SELECT sum(unread) FROM conv"));

	ck_assert_int_eq(ENOENT, display_conv(999, 1, true));
	ck_assert_int_eq(EINVAL, cpm_store_display_conv(fx.st, 0, 1, true,
							NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_display_conv(NULL, 1, 1, true,
							NULL, NULL));
}
END_TEST


/* What is due is sent also when the message was deleted meanwhile */
START_TEST(test_due_of_deleted)
{
	uint64_t a = put("k1", 5, true, false), b, conv;
	struct due d;

	b = put("k2", 5, true, true);
	conv = fx.res.conversation;
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, a, 0, fx_done_handler, NULL)));
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, 0, conv, fx_done_handler, NULL)));
	fx_reopen();
	d = due_at(5000, 10);
	ck_assert_uint_eq(1, d.n);
	ck_assert_uint_eq(a, d.msg[0]);
	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_SENT, 0));
	d = due_at(5000, 10);
	ck_assert_uint_eq(b, d.msg[0]);
	ck_assert_int_eq(CPM_DELIVERED, d.kind[0]);
	ck_assert_int_eq(0, move(d.id[0], CPM_REPORT_SENT, 0));
	d = due_at(5000, 10);
	ck_assert_uint_eq(1, d.n);
	ck_assert_uint_eq(b, d.msg[0]);
	ck_assert_int_eq(CPM_DISPLAYED, d.kind[0]);
	ck_assert_int_eq(ENOENT, add(a, CPM_DISPLAYED));
	ck_assert_int_eq(ENOENT, display(&a, 1, true));
}
END_TEST


TCase *store_report_case(void)
{
	TCase *tc = tcase_create("report");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_due);
	tcase_add_test(tc, test_due_invalid);
	tcase_add_test(tc, test_retry);
	tcase_add_test(tc, test_move);
	tcase_add_test(tc, test_display_waits);
	tcase_add_test(tc, test_display);
	tcase_add_test(tc, test_unreportable);
	tcase_add_test(tc, test_report_add);
	tcase_add_test(tc, test_display_conv);
	tcase_add_test(tc, test_due_of_deleted);

	return tc;
}
