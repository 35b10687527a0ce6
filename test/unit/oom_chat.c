/**
 * @file oom_chat.c  Memory runs out while a message begins to go over MSRP
 *
 * Whatever fails: it is said so, or the message goes, or has a result; and in
 * the end nothing is left of what was taken.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/pair_unit.h"
#include "unit/oom_unit.h"
#include "../../modules/cpm/engine/outbox.h"
#include "../../modules/cpm/engine/sendq.h"


static int fill(struct out_msg *m, const char *conv)
{
	int err;

	m->id = 1000;
	m->conversation = 1;
	m->size = 5;
	err = str_dup(&m->account, A_AOR);
	if (!err)
		err = str_dup(&m->peer, B_AOR);
	if (!err)
		err = str_dup(&m->imdn_id, "i");
	if (!err)
		err = str_dup(&m->conversation_id, conv);
	if (!err)
		err = str_dup(&m->in_reply_to, "r");

	return err ? err : str_dup(&m->type, "text/plain");
}


/* @return How many allocations failed */
static unsigned once(const char *conv, enum cpm_mode mode, unsigned at,
		     bool on)
{
	struct cpm *cpm = pair.a.cpm;
	struct cpm_account acc;
	struct sending *snd;
	unsigned failed;
	int err;

	ck_assert(outbox_isready(cpm->outbox, A_AOR, &acc));
	ck_assert_int_eq(0, sending_alloc(&snd, cpm->sendq));
	ck_assert_int_eq(0, fill(&snd->m, conv));
	snd->mode = mode;

	oom_arm(at, on);
	err = chat_out_send(snd, &acc);
	failed = oom_disarm();

	if (err) {
		/* who cannot look for the way finds none */
		ck_assert(err == ENOMEM || err == EHOSTUNREACH);
		ck_assert_uint_gt(failed, 0);
		ck_assert_ptr_null(snd->chat);
	}
	else {
		ck_assert_ptr_nonnull(snd->chat);
		chat_out_stop(snd);
	}
	mem_deref(snd);

	return failed;
}


/* @return rounds */
static unsigned each(const char *conv, enum cpm_mode mode)
{
	unsigned at, n = 0;
	int on;

	for (on=0; on<2; on++) {
		for (at=1; once(conv, mode, at, on); at++) {
			++n;
			ck_assert_uint_lt(at, 1000);
		}
	}

	return n;
}


START_TEST(begin)
{
	const struct oom_live live = oom_live();
	struct pair_msg m;
	uint64_t id;

	pair_setup();
	pair_start(NULL, NULL);
	id = pair_say(&pair.a, "Hello");
	pair_wait_status(&pair.a, id, CPM_OUT_DELIVERED);
	pair_msg(&m, &pair.a, 0);

	/* on the session that is there; on a new one; on one of its own */
	ck_assert_uint_gt(each(m.conversation_id, CPM_SESSION), 4);
	ck_assert_uint_eq(1, pair_sessions(&pair.a));
	pair.b.refuse = 486;
	ck_assert_uint_gt(each(m.conversation_id, CPM_LARGE), 40);
	pair_wait_ms(50);
	ck_assert_uint_eq(1, pair_sessions(&pair.a));

	/* it goes on working */
	id = pair_say(&pair.a, "again");
	pair_wait_status(&pair.a, id, CPM_OUT_DELIVERED);
	pair_wait_messages(&pair.b, 2);
	pair_teardown();
	ck_assert_uint_eq(live.re, oom_live().re);
}
END_TEST


TCase *oom_chat_case(void)
{
	TCase *tc = tcase_create("chat");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, begin);

	return tc;
}
