/**
 * @file unit/chat.c  Messages of ours over MSRP, from one engine to another
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>
#include "unit/pair_unit.h"
#include "../../modules/cpm/engine/session.h"
#include "../../modules/cpm/engine/sendq.h"
#include "../../modules/cpm/engine/sendq.h"
#include "../../modules/cpm/engine/chat.h"


static struct end *const a = &pair.a, *const b = &pair.b;


/* The first session of an end */
static struct session *session(const struct end *e)
{
	ck_assert_ptr_nonnull(e->cpm->sessl.head);

	return e->cpm->sessl.head->data;
}


/* The value of a header of the last INVITE that has come; "" if there is
   none */
static const char *invited(const struct end *e, const char *name)
{
	static char val[256];
	char expr[80];
	struct pl pl = {NULL, 0};

	snprintf(expr, sizeof(expr), "%s: [^\r]+", name);
	(void)re_regex((const char *)e->invite->buf, e->invite->end, expr,
		       &pl);
	pl_strcpy(&pl, val, sizeof(val));

	return pl_isset(&pl) ? val : "";
}


/* A file of so many octets, no two of its lines alike. @return its path */
static const char *file_make(const char *name, size_t size)
{
	static char path[400];
	char line[32];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%.250s/%s", pair.dir, name);
	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	while (n < size) {
		const int len = snprintf(line, sizeof(line), "%014zu\n", n);

		ck_assert_int_eq(15, len);
		n += fwrite(line, 1, min((size_t)len, size - n), f);
	}
	ck_assert_int_eq(0, fclose(f));

	return path;
}


static void same_file(const char *path, const char *other)
{
	static uint8_t p[65536], q[65536];
	FILE *f = fopen(path, "rb"), *g = fopen(other, "rb");
	size_t n, m;

	ck_assert_msg(f && g, "%s, %s", path, other);
	do {
		n = fread(p, 1, sizeof(p), f);
		m = fread(q, 1, sizeof(q), g);
		ck_assert_uint_eq(n, m);
		ck_assert(!memcmp(p, q, n));
	} while (n);
	fclose(f);
	fclose(g);
}


static uint64_t send_file(const char *path)
{
	return pair_send(a, &(struct cpm_send){
		.account = a->aor, .to = B_AOR, .file = path,
		.type = "application/octet-stream"});
}


/* Both ways on one session, which is the conversation's at both ends */
START_TEST(talk)
{
	struct pair_msg m, n;
	uint64_t id;

	pair_start(NULL, NULL);
	id = pair_say(a, "Hello");
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 1);
	pair_msg(&m, b, 0);
	pair_msg(&n, a, 0);
	ck_assert_str_eq("Hello", m.text);
	ck_assert(!m.deferred);
	ck_assert_int_eq(CPM_SESSION, m.mode);
	ck_assert_str_ne("", m.conversation_id);
	ck_assert_str_eq(n.conversation_id, m.conversation_id);
	ck_assert_str_eq(m.conversation_id, invited(b, "Conversation-ID"));
	ck_assert_str_eq(m.contribution_id, invited(b, "Contribution-ID"));
	ck_assert_str_eq("", invited(b, "InReplyTo-Contribution-ID"));
	ck_assert_str_eq("*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service."
			 "ims.icsi.oma.cpm.session\"",
			 invited(b, "Accept-Contact"));
	/* notified by MESSAGE */
	pair_wait_status(a, id, CPM_OUT_DELIVERED);

	id = pair_say(b, "Hello yourself");
	pair_wait_status(b, id, CPM_OUT_DELIVERED);
	pair_wait_messages(a, 1);
	pair_msg(&n, a, 1);
	ck_assert_str_eq("Hello yourself", n.text);
	ck_assert_uint_eq(n.conversation, 1);
	ck_assert_str_eq(m.conversation_id, n.conversation_id);
	ck_assert_uint_eq(1, a->established);
	ck_assert_uint_eq(1, b->established);
	ck_assert_uint_eq(0, a->invites);
}
END_TEST


/* What is said in one breath arrives as it was said, short and long, on one
   session, and no more than the window at once */
START_TEST(order)
{
	enum { N = 60 };
	char *text = malloc(200000);
	struct pair_msg m;
	uint64_t idv[N];
	unsigned i;

	ck_assert_ptr_nonnull(text);
	pair_start(NULL, NULL);
	for (i=0; i<N; i++) {
		const size_t len = i % 7 == 3 ? 60000 : 10 + i;

		memset(text, 'x', len);
		text[len] = '\0';
		snprintf(text, 10, "%03u", i);
		text[3] = ' ';
		idv[i] = pair_say(a, text);
	}
	pair_wait_status(a, idv[N-1], CPM_OUT_SENT);
	pair_wait_messages(b, N);
	for (i=0; i<N; i++) {
		struct mbuf *mb = mbuf_alloc(16);
		char want[4];

		snprintf(want, sizeof(want), "%03u", i);
		/* ids grow as they are stored */
		ck_assert_int_eq(0, cpm_store_body(cpm_reader(b->cpm), i + 1,
						   0, 4, mb));
		ck_assert_msg(mb->end == 4 && !memcmp(mb->buf, want, 3),
			      "%u: %.4s", i, (char *)mb->buf);
		mem_deref(mb);
		pair_wait_status(a, idv[i], CPM_OUT_SENT);
	}
	pair_msg(&m, b, 0);
	ck_assert_uint_eq(1, b->invites);
	free(text);
}
END_TEST


static uint64_t other;

static bool other_has_left(void)
{
	return pair_status(a, other)->status != CPM_OUT_NONE;
}


/* Whom much is said to is one of those that something goes to: as much as the
   window holds for him is no reason for another one to wait */
START_TEST(neighbour)
{
	enum { N = 40 };
	struct mbuf *mb = mbuf_alloc(4);
	unsigned i;

	ck_assert_int_eq(0, mbuf_write_str(mb, "x"));
	mb->pos = 0;
	pair_start(NULL, NULL);
	pair_say(a, "first");
	pair_wait_messages(b, 1);
	msrp_sess_pause(session(b)->msrp, true);
	for (i=0; i<N; i++)
		pair_say(a, "more");
	pair_wait_ms(50);
	ck_assert_uint_eq(CPM_CHAT_WINDOW, list_count(&a->cpm->sendq->sendl));
	other = pair_send(a, &(struct cpm_send){.account = a->aor,
		.to = "sip:c@example.net", .mode = CPM_SEND_PAGE,
		.body = mb});
	pair_wait(other_has_left, "what is for another one");
	/* there is but one softphone behind that server */
	ck_assert_uint_le(b->messages, 2);
	msrp_sess_pause(session(b)->msrp, false);
	pair_wait_messages(b, 2 + N);
	mem_deref(mb);
}
END_TEST


/* One message, a session of its own, which ends with it */
START_TEST(large)
{
	const char *path;
	struct pair_msg m;
	uint64_t id;

	pair_start(NULL, NULL);
	path = file_make("a file.bin", 20000000);
	id = send_file(path);
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 1);
	pair_wait_alone();
	pair_msg(&m, b, 0);
	ck_assert_int_eq(CPM_LARGE, m.mode);
	ck_assert_str_eq("application/octet-stream", m.type);
	ck_assert_str_eq("a file.bin", m.filename);
	same_file(path, m.file);
	ck_assert_str_eq("*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service."
			 "ims.icsi.oma.cpm.largemsg\"",
			 invited(b, "Accept-Contact"));
	ck_assert_uint_eq(1, a->established);
	/* where it stands was told, and at the end exactly */
	ck_assert_uint_ge(a->progress, 1);
	ck_assert_uint_eq(20000000, a->sent);
	ck_assert_uint_eq(20000000, a->size);
	ck_assert_uint_le(a->progress, 2 + (tmr_jiffies() - a->first) / 250);
	pair_wait_status(a, id, CPM_OUT_DELIVERED);
}
END_TEST


static bool b_has_begun(void)
{
	struct msrp_stats stats = {.bytes = 0};

	if (b->cpm->sessl.head && session(b)->msrp)
		msrp_sess_stats(session(b)->msrp, &stats);

	return stats.bytes > 1000000;
}


/* The other side reads now and then, for so long */
static void slowly(unsigned ms)
{
	const uint64_t end = tmr_jiffies() + ms;

	while (tmr_jiffies() < end) {
		msrp_sess_pause(session(b)->msrp, true);
		pair_wait_ms(15);
		msrp_sess_pause(session(b)->msrp, false);
		pair_wait_ms(1);
	}
}


/* Where it stands is told at most four times a second, however long it takes;
   and not of what is there in no time */
START_TEST(progress)
{
	uint64_t id;

	pair_start(NULL, NULL);
	id = send_file(file_make("small", 262144));
	pair_wait_status(a, id, CPM_OUT_SENT);
	ck_assert_uint_eq(0, a->progress);

	id = send_file(file_make("big", 90000000));
	pair_wait(b_has_begun, "the first part");
	slowly(1200);
	ck_assert_uint_ge(a->progress, 2);
	ck_assert_uint_gt(a->sent, 0);
	ck_assert_uint_lt(a->sent, 90000000);
	ck_assert_uint_le(a->progress, 1 + (tmr_jiffies() - a->first) / 250);
	ck_assert_int_eq(0, cpm_cancel(a->cpm, id));
	pair_wait_status(a, id, CPM_OUT_FAILED);
	pair_wait_alone();
}
END_TEST


/* What goes another way waits for what was said before it */
START_TEST(behind)
{
	struct mbuf *mb = mbuf_alloc(4);
	struct pair_msg m;
	uint64_t id, last;

	ck_assert_int_eq(0, mbuf_write_str(mb, _i ? "yes" : "two"));
	mb->pos = 0;
	pair_start(NULL, NULL);
	id = pair_say(b, "zero");
	pair_wait_messages(a, 1);
	pair_msg(&m, a, 0);
	(void)pair_say(a, "one");
	pair_wait_messages(b, 1);
	msrp_sess_pause(session(b)->msrp, true);
	id = pair_say(a, "more");
	last = pair_send(a, _i ? &(struct cpm_send){.reply_to = m.id,
						    .body = mb}
			 : &(struct cpm_send){.account = a->aor, .to = B_AOR,
					      .mode = CPM_SEND_PAGE,
					      .body = mb});
	pair_wait_ms(100);
	ck_assert_uint_eq(1, b->messages);
	ck_assert_uint_eq(0, b->invites);
	msrp_sess_pause(session(b)->msrp, false);
	pair_wait_messages(b, 3);
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_status(a, last, CPM_OUT_SENT);
	pair_msg(&m, b, 3);
	ck_assert_str_eq(_i ? "yes" : "two", m.text);
	ck_assert_uint_eq(_i, b->invites);
	mem_deref(mb);
}
END_TEST


/* Given up half way, or deleted, or all of its conversation: the other side
   has nothing of it */
START_TEST(cancel_large)
{
	uint64_t id, n;

	pair_start(NULL, NULL);
	id = send_file(file_make("big", 60000000));
	pair_wait(b_has_begun, "the first part");
	msrp_sess_pause(session(b)->msrp, true);
	if (_i)
		ck_assert_int_eq(0, cpm_delete(a->cpm, _i == 1 ? id : 0,
					       _i == 1 ? 0 : 1, &n));
	else
		ck_assert_int_eq(0, cpm_cancel(a->cpm, id));
	msrp_sess_pause(session(b)->msrp, false);
	if (!_i) {
		pair_wait_status(a, id, CPM_OUT_FAILED);
		ck_assert_str_eq("canceled", pair_status(a, id)->reason);
	}
	pair_wait_alone();
	ck_assert_uint_eq(0, b->messages);
	ck_assert_int_eq(_i ? 0 : 1, a->statusc);
	if (!_i)
		ck_assert_int_eq(EALREADY, cpm_cancel(a->cpm, id));

	/* the next one goes */
	id = pair_say(a, "never mind");
	pair_wait_messages(b, 1);
}
END_TEST


/* Before there is a session: no INVITE that nobody wants any more stays */
START_TEST(cancel_early)
{
	struct cpm_conf conf = pair_conf();
	uint64_t id;

	conf.deferred = CPM_ANSWER_ASK;
	pair_start(NULL, &conf);
	b->refuse = 180;
	id = pair_say(a, "Hello");
	pair_wait_ms(20);
	ck_assert_uint_eq(1, pair_sessions(a));
	ck_assert_int_eq(0, cpm_cancel(a->cpm, id));
	pair_wait_status(a, id, CPM_OUT_FAILED);
	ck_assert_uint_eq(0, pair_sessions(a));
}
END_TEST


static void cut(const char *path)
{
	ck_assert_int_eq(0, truncate(path, 30000000));
}

static void grow(const char *path)
{
	ck_assert_int_eq(0, truncate(path, 60000001));
}

static void remove_it(const char *path)
{
	ck_assert_int_eq(0, unlink(path));
}

static void rewrite(const char *path)
{
	FILE *f = fopen(path, "r+b");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(0, fseek(f, 59999990, SEEK_SET));
	ck_assert_int_ge(fputs("other", f), 0);
	ck_assert_int_eq(0, fclose(f));
}

/* What the user does to his file while it leaves */
static const struct {
	const char *what;
	void (*h)(const char *path);
} changev[] = {
	{"cut", cut}, {"grow", grow}, {"remove", remove_it},
	{"rewrite", rewrite},
};

/* never arrives as if that were all of it */
START_TEST(change)
{
	const char *path;
	uint64_t id;

	pair_start(NULL, NULL);
	path = file_make(changev[_i].what, 60000000);
	id = send_file(path);
	pair_wait(b_has_begun, "the first part");
	changev[_i].h(path);
	pair_wait_status(a, id, CPM_OUT_FAILED);
	ck_assert_str_eq("the file has changed",
			 pair_status(a, id)->reason);
	pair_wait_alone();
	ck_assert_uint_eq(0, b->messages);
}
END_TEST


/* What the other side has said that it does not take is not sent */
START_TEST(too_large)
{
	struct cpm_conf conf = pair_conf();
	uint64_t id, next;

	conf.max_size = 50000;
	pair_start(NULL, &conf);
	id = send_file(file_make("big", 50000));
	pair_wait_status(a, id, CPM_OUT_FAILED);
	ck_assert_uint_eq(413, pair_status(a, id)->code);
	ck_assert_str_eq("too large for the other side",
			 pair_status(a, id)->reason);
	pair_wait_alone();

	/* what is behind it is not held up */
	next = pair_say(a, "small");
	pair_wait_status(a, next, CPM_OUT_SENT);
	pair_wait_messages(b, 1);
}
END_TEST


/* Whoever writes when the session has idled out, or at that very moment, sees
   nothing of it */
START_TEST(idle)
{
	struct cpm_conf conf = pair_conf();
	uint64_t id;

	conf.idle_timeout = 1;
	pair_start(&conf, &conf);
	id = pair_say(a, "one");
	pair_wait_status(a, id, CPM_OUT_DELIVERED);
	pair_wait_alone();
	ck_assert_uint_eq(1, a->ended);
	id = pair_say(b, "two");
	pair_wait_status(b, id, CPM_OUT_SENT);
	pair_wait_messages(a, 1);
	ck_assert_uint_eq(1, a->invites);
	ck_assert_uint_eq(1, b->invites);
}
END_TEST


static bool a_is_sending(void)
{
	return session(a)->chat->outl.head != NULL;
}


/* The session ends under what is on its way: it goes over a new one at once,
   and arrives once */
START_TEST(ended_under_it)
{
	struct pair_msg m;
	uint64_t id;

	pair_start(NULL, NULL);
	id = pair_say(a, "one");
	pair_wait_status(a, id, CPM_OUT_SENT);
	/* it has no answer yet when the other side hangs up */
	msrp_sess_pause(session(b)->msrp, true);
	id = pair_say(a, "two");
	pair_wait(a_is_sending, "the second one's turn");
	ck_assert_int_eq(0, cpm_sess_close(b->cpm, session(b)->id));
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 2);
	pair_msg(&m, b, 1);
	ck_assert_str_eq("two", m.text);
	ck_assert_uint_eq(2, b->invites);
	pair_msg(&m, a, 1);
	ck_assert_int_ge(m.status, CPM_OUT_SENT);
	/* it had not to wait for that */
	ck_assert_uint_eq(0, m.tries);
}
END_TEST


/* A refusal for good is told, and what it is */
START_TEST(refused)
{
	uint64_t id;

	pair_start(NULL, NULL);
	b->refuse = 404;
	id = pair_say(a, "Hello");
	pair_wait_status(a, id, CPM_OUT_FAILED);
	ck_assert_uint_eq(404, pair_status(a, id)->code);
	ck_assert_str_ne("", pair_status(a, id)->reason);

	/* not now: later */
	b->refuse = 480;
	id = pair_say(a, "again");
	pair_wait_ms(50);
	ck_assert_uint_eq(2, b->invites);
	ck_assert_int_eq(CPM_OUT_NONE, pair_status(a, id)->status);
	b->refuse = 0;
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 1);
	ck_assert_uint_eq(3, b->invites);
}
END_TEST


/* An answer has a session of its own: same conversation, and it says what it
   answers; what is said after it goes on there */
START_TEST(reply)
{
	struct pair_msg m, n;
	struct mbuf *mb = mbuf_alloc(16);
	uint64_t id;

	pair_start(NULL, NULL);
	id = pair_say(b, "question");
	pair_wait_messages(a, 1);
	pair_msg(&m, a, 0);
	ck_assert_int_eq(0, mbuf_write_str(mb, "answer"));
	mb->pos = 0;
	id = pair_send(a, &(struct cpm_send){.reply_to = m.id, .body = mb});
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 1);
	ck_assert_uint_eq(1, b->invites);
	ck_assert_str_eq(m.conversation_id, invited(b, "Conversation-ID"));
	ck_assert_str_eq(m.contribution_id,
			 invited(b, "InReplyTo-Contribution-ID"));
	ck_assert_str_ne(m.contribution_id, invited(b, "Contribution-ID"));
	pair_msg(&n, b, 1);
	ck_assert_str_eq("answer", n.text);
	ck_assert_str_eq(m.contribution_id, n.in_reply_to);
	ck_assert_uint_eq(1, n.conversation);

	/* the next answer to the same, and what is simply said: no new one */
	mb->pos = 0;
	id = pair_send(a, &(struct cpm_send){.reply_to = m.id, .body = mb});
	pair_wait_status(a, id, CPM_OUT_SENT);
	id = pair_say(a, "by the way");
	pair_wait_status(a, id, CPM_OUT_SENT);
	pair_wait_messages(b, 3);
	ck_assert_uint_eq(1, b->invites);
	mem_deref(mb);
}
END_TEST


static void core_case(Suite *s, const char *name, const TTest *test, int n)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, pair_setup, pair_teardown);
	tcase_set_timeout(tc, 60);
	if (n)
		tcase_add_loop_test(tc, test, 0, n);
	else
		tcase_add_test(tc, test);
	suite_add_tcase(s, tc);
}


Suite *chat_suite(void)
{
	Suite *s = suite_create("chat");

	core_case(s, "talk", talk, 0);
	core_case(s, "order", order, 0);
	core_case(s, "neighbour", neighbour, 0);
	core_case(s, "large", large, 0);
	core_case(s, "progress", progress, 0);
	core_case(s, "behind", behind, 2);
	core_case(s, "cancel", cancel_large, 3);
	core_case(s, "early", cancel_early, 0);
	core_case(s, "change", change,
		  (int)(sizeof(changev) / sizeof(changev[0])));
	core_case(s, "size", too_large, 0);
	core_case(s, "idle", idle, 0);
	core_case(s, "ended", ended_under_it, 0);
	core_case(s, "refused", refused, 0);
	core_case(s, "reply", reply, 0);
	suite_add_tcase(s, chat_turn_case());
	suite_add_tcase(s, chat_conv_case());

	return s;
}
