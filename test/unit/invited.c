/**
 * @file invited.c  What refusals and redirections of our INVITE lead to
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "unit/pair_unit.h"
#include "../../modules/cpm/engine/session.h"
#include "../../modules/cpm/engine/redirect.h"


static struct targets t;


static void setup(void)
{
	ck_assert_int_eq(0, libre_init());
	memset(&t, 0, sizeof(t));
}


static void teardown(void)
{
	targets_reset(&t);
	libre_close();
}


/* @param contacts Header lines, each with its end */
static void redirect(const char *contacts)
{
	struct mbuf *mb = mbuf_alloc(4096);
	struct sip_msg *msg;

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, mbuf_printf(mb, "SIP/2.0 302 Moved\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
		"From: <sip:alice@x>;tag=1\r\nTo: <sip:bob@x>;tag=2\r\n"
		"Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s"
		"Content-Length: 0\r\n\r\n", contacts));
	mb->pos = 0;
	ck_assert_int_eq(0, sip_msg_decode(&msg, mb));
	ck_assert_int_eq(0, targets_add(&t, msg, "sip:bob@x"));
	mem_deref(msg);
	mem_deref(mb);
}


static void next_is(const char *uri)
{
	const char *next = targets_next(&t);

	if (!uri)
		ck_assert_ptr_null(next);
	else
		ck_assert_str_eq(uri, next);
}


START_TEST(in_their_order)
{
	redirect("Contact: <sip:b1@x>;q=0.2, <sip:b2@y:5080;transport=tcp>\r\n"
		 "Contact: sip:b3@z;q=0.75\r\n"
		 "m: \"B\" <sip:b4@z>;q=0.7;expires=3\r\n"
		 "Contact: <sip:b5@z>;q=0\r\n");
	next_is("sip:b2@y:5080;transport=tcp");
	next_is("sip:b3@z");
	next_is("sip:b4@z");
	next_is("sip:b1@x");
	next_is("sip:b5@z");
	next_is(NULL);
}
END_TEST


START_TEST(not_twice)
{
	/* back to where it came from, itself, and the same again */
	redirect("Contact: <sip:bob@x>, <sip:c@x>, <sip:C@X>\r\n");
	next_is("sip:c@x");
	redirect("Contact: <sip:c@x>\r\nContact: <sip:bob@x>\r\n");
	next_is(NULL);
	/* what a second one brings goes before what waits from the first */
	redirect("Contact: <sip:d@x>;q=0.5, <sip:e@x>;q=0.3\r\n");
	next_is("sip:d@x");
	redirect("Contact: <sip:f@x>\r\n");
	next_is("sip:f@x");
	next_is("sip:e@x");
	next_is(NULL);
}
END_TEST


START_TEST(of_no_use)
{
	char line[CPM_URI_MAX + 64];

	redirect("");
	redirect("Contact: *\r\n");
	redirect("Contact: <tel:+1234>, <mailto:a@x>, <http://x/>\r\n");
	redirect("Contact: <sips:a@x>\r\n");
	redirect("Contact: <sip:a b@x>\r\n");
	next_is(NULL);

	memset(line, 'a', sizeof(line));
	memcpy(line, "Contact: <sip:", 14);
	memcpy(line + sizeof(line) - 6, "@x>\r\n", 6);
	redirect(line);
	next_is(NULL);

	/* headers in a URI would be ours to send */
	redirect("Contact: <sip:a@x?Subject=free&Route=y>\r\n");
	next_is("sip:a@x");
}
END_TEST


START_TEST(not_too_many)
{
	char line[64];
	unsigned i;

	for (i=0; i<2 * CPM_CALLS; i++) {
		(void)re_snprintf(line, sizeof(line),
				  "Contact: <sip:%u@x>\r\n", i);
		redirect(line);
	}
	for (i=0; i<CPM_CALLS; i++)
		ck_assert_ptr_nonnull(targets_next(&t));
	next_is(NULL);
}
END_TEST


START_TEST(reasons)
{
	static const struct {
		uint16_t scode;
		const char *text;
	} v[] = {
		{403, "not allowed"},    {404, "no such user"},
		{408, "no answer"},      {480, "away"},
		{486, "busy"},           {603, "declined"},
		{500, "the server cannot now"},
		{503, "the server cannot now"},
		{499, "refused"},        {699, "refused everywhere"},
		{302, "moved, and nobody there takes it"},
		{0, "no usable answer"},
	};
	uint16_t i;

	for (i=0; i<ARRAY_SIZE(v); i++)
		ck_assert_str_eq(v[i].text, sip_reason(v[i].scode));
	/* one line for each, which an event has room for */
	for (i=0; i<700; i++) {
		ck_assert_ptr_nonnull(sip_reason(i));
		ck_assert_uint_ge(60, strlen(sip_reason(i)));
	}
}
END_TEST


/*
 * The session timer, between two engines
 */

static struct session *session(const struct end *e)
{
	return list_ledata(e->cpm->sessl.head);
}


static void talk(void)
{
	pair_start(NULL, NULL);
	(void)pair_say(&pair.a, "Hi");
	pair_wait_messages(&pair.b, 1);
	/* as it was agreed on in the INVITE: we are to refresh it */
	ck_assert_uint_eq(1800, session(&pair.a)->expires);
	ck_assert(session(&pair.a)->refresher);
	ck_assert_uint_eq(1800, session(&pair.b)->expires);
	ck_assert(!session(&pair.b)->refresher);
}


static uint32_t wanted;

static bool agreed(void)
{
	const struct session *a = session(&pair.a), *b = session(&pair.b);

	return a && b && !a->refresh && a->expires == wanted &&
		b->expires == wanted && a->refresher && !b->refresher;
}


static void refresh(uint32_t expires, uint32_t then)
{
	session(&pair.a)->expires = expires;
	wanted = then;
	timer_refresh(session(&pair.a));
	pair_wait(agreed, "a refresh");
	ck_assert(session(&pair.a)->updates);
	ck_assert_int_eq(SESS_ESTABLISHED, session(&pair.b)->state);
}


START_TEST(refreshed)
{
	talk();
	refresh(900, 900);
	/* shorter than the other side has it: 422, and again */
	refresh(CPM_MIN_SE - 1, CPM_MIN_SE);
	/* the session is as it was */
	(void)pair_say(&pair.a, "Still there?");
	pair_wait_messages(&pair.b, 2);
	ck_assert_uint_eq(1, pair.b.invites);
}
END_TEST


static bool restarted(void)
{
	/* by hand it was set to an hour */
	return tmr_get_expire(&session(&pair.b)->tmr_se) < 1800000;
}


static void nothing(void *arg)
{
	(void)arg;
}


/* Whom does not know UPDATE: a re-INVITE, which says no interval */
START_TEST(refreshed_by_invite)
{
	talk();
	session(&pair.a)->updates = false;
	tmr_start(&session(&pair.b)->tmr_se, 3600000, nothing, NULL);
	timer_refresh(session(&pair.a));
	pair_wait(restarted, "a re-INVITE");
	ck_assert_ptr_null(session(&pair.a)->refresh);
	(void)pair_say(&pair.a, "Still there?");
	pair_wait_messages(&pair.b, 2);
}
END_TEST


Suite *invited_suite(void)
{
	Suite *s = suite_create("invited");
	TCase *tc = tcase_create("invited");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, in_their_order);
	tcase_add_test(tc, not_twice);
	tcase_add_test(tc, of_no_use);
	tcase_add_test(tc, not_too_many);
	tcase_add_test(tc, reasons);
	suite_add_tcase(s, tc);

	tc = tcase_create("timer");
	tcase_add_checked_fixture(tc, pair_setup, pair_teardown);
	tcase_add_test(tc, refreshed);
	tcase_add_test(tc, refreshed_by_invite);
	suite_add_tcase(s, tc);

	return s;
}
