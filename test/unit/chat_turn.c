/**
 * @file unit/chat_turn.c  Messages of ours over MSRP that are not taken, or
 *                         lose their session: in their order, later
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include "unit/pair_unit.h"
#include "../../modules/cpm/msrp/msrp.h"


enum {
	QUOTA = 100000,
	LARGE = 20000000, /* octets: what B has no room for, and what is not
			     all on its way when it says so               */
};

static struct end *const a = &pair.a, *const b = &pair.b;
static unsigned which;


/* What A has sent n-th has been tried in vain */
static bool tried(void)
{
	struct pair_msg m;

	pair_msg(&m, a, which);

	return m.tries > 0;
}


static void wait_tried(unsigned n)
{
	which = n;
	pair_wait(tried, "a try in vain");
}


static uint64_t say_large(void)
{
	char *text = malloc(LARGE + 1);
	uint64_t id;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', LARGE);
	text[LARGE] = '\0';
	id = pair_say(a, text);
	free(text);

	return id;
}


static void has(struct end *e, unsigned n, const char *text)
{
	struct pair_msg m;

	pair_msg(&m, e, n);
	ck_assert_str_eq(text, m.text);
}


/* RFC 4975, 10.4: B has said how large a message may be, so 413 says that it
   has no room now. What is behind it waits, too, and has not been tried */
START_TEST(no_room)
{
	struct cpm_conf conf = pair_conf();
	uint64_t large, id;
	struct pair_msg m;

	conf.limits.quota = QUOTA;
	pair_start(NULL, &conf);
	id = pair_say(a, "one");
	pair_wait_status(a, id, CPM_OUT_SENT);
	large = say_large();
	id = pair_say(a, "three");
	wait_tried(1);
	pair_wait_ms(100);
	pair_msg(&m, a, 1);
	ck_assert_int_eq(CPM_OUT_QUEUED, m.status);
	ck_assert_uint_eq(1, b->messages);
	pair_msg(&m, a, 2);
	ck_assert_uint_eq(0, m.tries);
	/* the session is as good as it was */
	ck_assert_uint_eq(1, b->invites);

	ck_assert_int_eq(0, cpm_cancel(a->cpm, large));
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 2);
	has(b, 1, "three");
	ck_assert_uint_eq(1, b->invites);
}
END_TEST


static bool called_again(void)
{
	return b->invites > 1;
}


/* The connection is dead, and nobody says so: what was on its way over it goes
   over another one, in its order, and arrives once */
START_TEST(dead)
{
	uint64_t id, two;
	uint32_t usual;

	pair_start(NULL, NULL);
	id = pair_say(a, "one");
	pair_wait_status(a, id, CPM_OUT_SENT);
	usual = a->cpm->msrp->conf.trans_timeout;
	a->cpm->msrp->conf.trans_timeout = 300;
	pair_pause(b, true);
	two = pair_say(a, "two");
	pair_say(a, "three");
	id = pair_say(a, "four");
	pair_wait(called_again, "another INVITE");
	a->cpm->msrp->conf.trans_timeout = usual;
	pair_wait_status(a, two, CPM_OUT_SENT);
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 4);
	has(b, 1, "two");
	has(b, 2, "three");
	has(b, 3, "four");
	ck_assert_uint_eq(2, b->invites);
}
END_TEST


/* The next one is refused as well: all wait, behind the first of them */
START_TEST(dead_away)
{
	struct pair_msg m;
	uint32_t usual;
	uint64_t id;

	pair_start(NULL, NULL);
	id = pair_say(a, "one");
	pair_wait_status(a, id, CPM_OUT_SENT);
	usual = a->cpm->msrp->conf.trans_timeout;
	a->cpm->msrp->conf.trans_timeout = 300;
	pair_pause(b, true);
	pair_say(a, "two");
	pair_say(a, "three");
	b->refuse = 480;
	id = pair_say(a, "four");
	wait_tried(1);
	a->cpm->msrp->conf.trans_timeout = usual;
	b->refuse = 0;
	pair_wait_ms(50);
	pair_msg(&m, a, 2);
	ck_assert_uint_eq(0, m.tries);
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 4);
	has(b, 1, "two");
	has(b, 2, "three");
	has(b, 3, "four");
	ck_assert_uint_eq(3, b->invites);
}
END_TEST


static bool all_told(void)
{
	return a->sent == 300000;
}


/* Whoever is told that all of it has left may want it no more */
START_TEST(canceled_as_told)
{
	char *text = malloc(300001);
	uint64_t id;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', 300000);
	text[300000] = '\0';
	pair_start(NULL, NULL);
	a->cancel = true;
	id = pair_say(a, text);
	free(text);
	pair_wait(all_told, "the last event");
	ck_assert_int_eq(EALREADY, a->canceled);
	pair_wait_status(a, id, CPM_OUT_SENT);
}
END_TEST


/* All sessions are taken: it is no try, and no other conversation waits */
START_TEST(sessions_taken)
{
	struct cpm_conf conf = pair_conf();
	struct pair_msg m;
	uint64_t id;

	conf.max_sessions = 1;
	pair_start(&conf, NULL);
	id = pair_say(a, "one");
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_send(a, &(struct cpm_send){
		.account = A_AOR, .to = "sip:c@example.net",
		.body = a->text, .mode = CPM_SEND_SESSION});
	id = pair_send(a, &(struct cpm_send){
		.account = A_AOR, .to = "sip:d@example.net",
		.body = a->text});
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_msg(&m, a, 1);
	ck_assert_uint_eq(0, m.tries);
	ck_assert_int_eq(CPM_OUT_QUEUED, m.status);
}
END_TEST


/* An INVITE finds no way to the server: it goes as soon as the account
   registers again */
START_TEST(woken)
{
	char outbound[80];
	struct pair_msg m;
	struct sa sa;
	uint64_t id;

	pair_start(NULL, NULL);
	ck_assert_int_eq(0, sa_set_str(&sa, "127.0.0.1", 0));
	ck_assert_int_eq(0, sip_transp_add(a->sip, SIP_TRANSP_TCP, &sa));
	str_ncpy(outbound, a->outbound, sizeof(outbound));
	str_ncpy(a->outbound, "sip:127.0.0.1:1;transport=tcp",
		 sizeof(a->outbound));
	cpm_registered(a->cpm, A_AOR);
	id = pair_say(a, "one");
	wait_tried(0);
	/* else it would wait for a second */
	str_ncpy(a->outbound, outbound, sizeof(outbound));
	cpm_registered(a->cpm, A_AOR);
	pair_wait_ms(200);
	ck_assert_uint_eq(1, b->invites);
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_msg(&m, a, 0);
	ck_assert_uint_eq(1, m.tries);
}
END_TEST


/* An account that is taken away, and put back, is registered anew */
START_TEST(account_back)
{
	uint64_t id;

	pair_start(NULL, NULL);
	cpm_registered(a->cpm, A_AOR);
	b->refuse = 480;
	id = pair_say(a, "one");
	wait_tried(0);
	b->refuse = 0;
	cpm_shutdown(a->cpm, A_AOR);
	cpm_registered(a->cpm, A_AOR);
	pair_wait_ms(200);
	ck_assert_uint_eq(2, b->invites);
	pair_wait_status(a, id, CPM_OUT_SENT);
}
END_TEST


TCase *chat_turn_case(void)
{
	TCase *tc = tcase_create("turn");

	tcase_add_checked_fixture(tc, pair_setup, pair_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, dead);
	tcase_add_test(tc, dead_away);
	tcase_add_test(tc, canceled_as_told);
	tcase_add_test(tc, sessions_taken);
	tcase_add_test(tc, woken);
	tcase_add_test(tc, account_back);

	return tc;
}
