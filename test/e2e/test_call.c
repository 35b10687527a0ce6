/**
 * @file test_call.c  What an audio call notices of messages arriving: nothing
 *
 * Two calls at the same time, between two pairs of softphones: to one callee
 * a message comes every second, the other does not even have the module. So
 * both see the same machine. CPM_CALL_SECONDS says how long.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "suite.h"
#include "scene.h"


enum {
	SECONDS  = 6,         /* RTCP reports come every 5                */
	PTIME    = 20,        /* ms of audio in a packet                  */
	NOISE    = 20,        /* ms of jitter between two calls           */
	SLOW     = 100,       /* ms for an answer on the bus              */
	MORE_SEC = 60,        /* s for all but the call itself            */
};

static const char call_config[] = "rtp_stats yes\n";

/* What a callee prints when the call is over */
struct rtp {
	unsigned sent, received;
	int errors_tx, errors_rx;
	int lost_tx, lost_rx;
	double jitter_tx, jitter_rx;
};

/* ms: the call began and ended somewhere between the two */
struct span {
	uint64_t begin[2], end[2];
};


static unsigned call_seconds(void)
{
	const char *value = getenv("CPM_CALL_SECONDS");

	return value && *value ? (unsigned)strtoul(value, NULL, 10) : SECONDS;
}


static struct baresip *start_caller(struct env *env, const char *name)
{
	return baresip_start(env, &(struct baresip_args){
		.name = name, .plain = true, .config = call_config,
		.accounts = env_str(env, "<sip:%s@127.0.0.1>;regint=0\n",
				    name)});
}


static void dial(struct span *span, struct baresip *from, struct baresip *to)
{
	span->begin[0] = e2e_now();
	ck_assert(ctrl_cmd(from->ctrl, "dial",
			   env_str(from->env, "sip:alice@%s", to->sip),
			   NULL));
	(void)ctrl_host_event(from->ctrl, "CALL_ESTABLISHED", E2E_WAIT);
	(void)ctrl_host_event(to->ctrl, "CALL_ESTABLISHED", E2E_WAIT);
	span->begin[1] = e2e_now();
}


static void hang_up(struct span *span, struct baresip *from,
		    struct baresip *to)
{
	span->end[0] = e2e_now();
	ck_assert(ctrl_cmd(from->ctrl, "hangup", NULL, NULL));
	(void)ctrl_host_event(to->ctrl, "CALL_CLOSED", E2E_WAIT);
	span->end[1] = e2e_now();
}


static void read_stats(struct rtp *rtp, struct baresip *b)
{
	char *log = file_read(b->proc->log, NULL);
	const char *at = log ? strstr(log, "packets:") : NULL;

	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(2, sscanf(at, "packets: %u %u", &rtp->sent,
				   &rtp->received));
	at = strstr(at, "errors:");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(2, sscanf(at, "errors: %d %d", &rtp->errors_tx,
				   &rtp->errors_rx));
	at = strstr(at, "lost:");
	ck_assert_msg(at != NULL, "no RTCP report: the call was too short");
	ck_assert_int_eq(2, sscanf(at, "lost: %d %d", &rtp->lost_tx,
				   &rtp->lost_rx));
	at = strstr(at, "jitter:");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(2, sscanf(at, "jitter: %lf %lf", &rtp->jitter_tx,
				   &rtp->jitter_rx));
	mem_deref(log);
}


static void print_stats(const char *what, const struct rtp *rtp,
			unsigned messages)
{
	printf("call, %u s, %3u messages, %s the module: %u packets sent, "
	       "%u received, lost %d/%d, errors %d/%d, "
	       "jitter %.1f/%.1f ms\n",
	       call_seconds(), messages, what, rtp->sent, rtp->received,
	       rtp->lost_tx, rtp->lost_rx, rtp->errors_tx, rtp->errors_rx,
	       rtp->jitter_tx, rtp->jitter_rx);
}


static void nothing_lost(const struct rtp *rtp)
{
	ck_assert_int_eq(0, rtp->lost_tx);
	ck_assert_int_eq(0, rtp->lost_rx);
	ck_assert_int_eq(0, rtp->errors_tx);
	ck_assert_int_eq(0, rtp->errors_rx);
	/* it was a call: nearly all that such a time should hold */
	ck_assert_uint_ge(rtp->sent, call_seconds() * 1000 / PTIME * 9 / 10);
	ck_assert_uint_ge(rtp->received,
			  call_seconds() * 1000 / PTIME * 9 / 10);
}


/* What a call may hold more than another, by how long they may have lasted */
static unsigned longer(const struct span *a, const struct span *b)
{
	const uint64_t most = a->end[1] - a->begin[0];
	const uint64_t least = b->end[0] - b->begin[1];

	return most > least ? (unsigned)(most - least) / PTIME : 0;
}


/* Within 1 %, and what the two calls differ by in their lengths */
static void same_count(unsigned a, const struct span *as,
		       unsigned b, const struct span *bs)
{
	const unsigned more = a > b ? a - b : b - a;
	const unsigned apart = a > b ? longer(as, bs) : longer(bs, as);

	ck_assert_msg(more <= 2 + max(a, b) / 100 + apart,
		      "%u and %u packets, of %u the length may tell", a, b,
		      apart);
}


/* @return how long a softphone took to answer: its main loop, which also has
   the RTP, is held up meanwhile */
static uint64_t answer_time(struct baresip *b)
{
	const uint64_t t = e2e_now();

	ck_assert(ctrl_cmd(b->ctrl, "reginfo", NULL, NULL));

	return e2e_now() - t;
}


/* One a second, some large, read and notified as they come.
   @return seconds in which an answer was slow, and none of the softphone
   without the module, which has the same machine */
static unsigned send_messages(struct scene *s, struct baresip *other)
{
	const uint64_t begin = e2e_now();
	unsigned i, slow = 0;

	for (i=0; i<call_seconds(); i++) {
		const uint64_t end = begin + 1000 * (i + 1);
		bool ours = false, theirs = false, read = false;

		scene_leave(s, "from=%s size=%u", i % 2 ? BOB : CAROL,
			    i % 5 == 4 ? 200000 : 300);
		while (e2e_now() < end || !read) {
			ours   = ours   || answer_time(s->b) >= SLOW;
			theirs = theirs || answer_time(other) >= SLOW;
			if (!read && scene_count(s, "messages") > i) {
				(void)ctrl_ask(s->c, "cpm_display", "%u",
					       i + 1);
				read = true;
			}
			e2e_sleep(read ? 10 : 1);
		}
		slow += ours && !theirs;
	}

	return slow;
}


START_TEST(statistics)
{
	const struct scene_args args = {
		.config = call_config, .params = ";answermode=auto"};
	struct baresip *busy, *calm, *other;
	struct span span, other_span;
	struct rtp with, without;
	const unsigned n = call_seconds();
	struct scene s;
	unsigned slow;

	scene_open(&s, &args);
	env_limit(s.env, call_seconds() + MORE_SEC);
	scene_start(&s);
	busy = start_caller(s.env, "busy");
	calm = start_caller(s.env, "calm");
	other = baresip_start(s.env, &(struct baresip_args){
		.name = "other", .plain = true, .config = call_config,
		.accounts = "<sip:alice@127.0.0.1>;regint=0;"
			"answermode=auto\n"});

	dial(&span, busy, s.b);
	dial(&other_span, calm, other);
	slow = send_messages(&s, other);
	hang_up(&span, busy, s.b);
	hang_up(&other_span, calm, other);

	ck_assert_int_eq(n, scene_count(&s, "messages"));
	ck_assert_int_eq(0, scene_notified(&s, 2 * n));
	ck_assert_int_eq(0, baresip_quit(busy));
	ck_assert_int_eq(0, baresip_quit(calm));
	ck_assert_int_eq(0, baresip_quit(other));
	read_stats(&with, s.b);
	read_stats(&without, other);
	print_stats("with", &with, n);
	print_stats("without", &without, 0);

	nothing_lost(&with);
	nothing_lost(&without);
	/* a busy machine can be slow now and then, not at every message */
	ck_assert_uint_lt(slow, n / 2);
	same_count(with.sent, &span, without.sent, &other_span);
	same_count(with.received, &span, without.received, &other_span);
	ck_assert_double_le(fabs(with.jitter_rx - without.jitter_rx), NOISE);
	ck_assert_double_le(fabs(with.jitter_tx - without.jitter_tx), NOISE);
	scene_close(&s);
}
END_TEST


/* Other traffic of the account while a delivery runs */
START_TEST(while_delivering)
{
	const struct scene_args args = {
		.params = ";answermode=auto",
		.optv = {"-f", "delay=100", NULL}};
	const char *keyv[] = {"uri", "sip:alice@127.0.0.1", NULL};
	struct scene s;
	unsigned i;

	scene_open(&s, &args);
	for (i=0; i<60; i++)
		scene_leave(&s, "from=%s ask=none text=%u", BOB, i);
	scene_start(&s);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);

	ck_assert_int_eq(0, sipp_run(s.env, &(struct sipp_args){
		.scenario = "message.xml", .target = s.b->sip, .keyv = keyv,
		.calls = 3}));
	ck_assert_int_eq(0, sipp_run(s.env, &(struct sipp_args){
		.scenario = "call.xml", .target = s.b->sip, .keyv = keyv}));
	(void)ctrl_host_event(s.c, "CALL_ESTABLISHED", E2E_SHORT);
	(void)ctrl_host_event(s.c, "CALL_CLOSED", E2E_SHORT);
	/* all of that happened in the middle of it */
	ck_assert_int_eq(1, scene_count(&s, "sessions"));
	pf_cmd(s.pf, "fault none");
	scene_delivered(&s, 60);
	scene_close(&s);
}
END_TEST


Suite *call_suite(void)
{
	Suite *suite = suite_create("call");
	TCase *tc = suite_case(suite, "call", MORE_SEC + call_seconds());

	tcase_add_test(tc, statistics);
	tcase_add_test(tc, while_delivering);

	return suite;
}
