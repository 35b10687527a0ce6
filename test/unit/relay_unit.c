/**
 * @file relay_unit.c  What the tests of relays share: p1 plays the relay
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "relay_unit.h"


struct msrp_relay *relay;
struct told told;


void relay_handler(int err, uint16_t scode, void *arg)
{
	struct told *t = arg;

	if (err)
		++t->downc;
	else
		++t->upc;
	t->err = err;
	t->scode = scode;
	if (t->deref)
		relay = mem_deref(relay);
}


void relay_setup(void)
{
	sess_setup();
	relay = NULL;
	memset(&told, 0, sizeof(told));
}


void relay_teardown(void)
{
	relay = mem_deref(relay);
	sess_teardown();
}


/* The relay listens; it is being connected to */
void relay_make(uint32_t retry)
{
	struct msrp_relay_conf conf = {
		.user = "bob", .pass = "secret", .retry = retry,
	};
	char uri[64];
	struct sa sa;

	peer_listen(&p1, &sa, "127.0.0.1");
	(void)re_snprintf(uri, sizeof(uri), "msrp://relay.test:%u;tcp",
			  (uint32_t)sa_port(&sa));
	conf.uri  = uri;
	conf.addr = sa;
	ck_assert_int_eq(0, msrp_relay_alloc(&relay, sess_stack, &conf,
					     relay_handler, &told));
}


void got_free(struct got *got)
{
	got->to = mem_deref(got->to);
	got->from = mem_deref(got->from);
}


void relay_take(struct got *got, const char *met)
{
	struct msrp_head head;

	expect(&p1, "$\r\n");
	p1.rx->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, p1.rx));
	ck_assert(!pl_strcmp(&head.met, met));
	ck_assert_uint_eq(p1.rx->end, p1.rx->pos);
	ck_assert_int_eq(0, pl_strcpy(&head.tid, got->tid, ID_SIZE));
	ck_assert_int_eq(0, pl_strdup(&got->to, &head.to_path));
	ck_assert_int_eq(0, pl_strdup(&got->from, &head.from_path));
	mbuf_rewind(p1.rx);
}


void relay_answer(const struct got *got, const char *status,
		   const char *rest)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s %s\r\nTo-Path: %s\r\n"
		"From-Path: " B_URI "\r\n%s-------%s$\r\n", got->tid, status,
		got->from, rest, got->tid));
	peer_puts(&p1, str);
	mem_deref(str);
}


/* Take one AUTH and answer it */
void relay_auth(const char *status, const char *rest)
{
	struct got got;

	relay_take(&got, "AUTH");
	relay_answer(&got, status, rest);
	got_free(&got);
}


void relay_up(void)
{
	const unsigned n = told.upc;

	relay_auth("401 Unauthorized", CHALL);
	relay_auth("200 OK", GRANT);
	while (told.upc == n)
		loop_settle(1);
	ck_assert(msrp_relay_isup(relay));
}


void relay_behind(struct side *s)
{
	sess_make(s, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_peer(s->sess, A_URI " " ALICE));
	ck_assert_int_eq(0, msrp_sess_use_relay(s->sess, relay));
}


/* From Alice through both relays, as the second one sends it */
void relay_send_msg(const struct side *s, const char *tid, const char *rest)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s SEND\r\nTo-Path: %s\r\n"
		"From-Path: " B_URI " " A_URI " " ALICE "\r\n%s"
		"-------%s$\r\n", tid, s->sess->path, rest, tid));
	peer_puts(&p1, str);
	mem_deref(str);
}


void relay_answered(const struct side *s, const char *tid,
		     const char *status)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s %s\r\n"
		"To-Path: " B_URI "\r\nFrom-Path: %s\r\n-------%s$\r\n", tid,
		status, s->sess->path, tid));
	expect_all(&p1, str);
	mem_deref(str);
}
