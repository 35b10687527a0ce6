/**
 * @file test_page_many.c  Page mode: many at once, what gets lost on the way,
 *                         and a store that is not there
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "suite.h"
#include "hold.h"
#include "page.h"
#include "invite.h"


static void each_is_there(struct baresip *b, struct pager *p, unsigned n)
{
	bool *seenv = env_keep(b->env, mem_zalloc(n * sizeof(bool), NULL));
	unsigned got = 0, i;
	int64_t after = 0;

	ck_assert_int_eq(n, page_count(b, "messages"));
	while (got < n) {
		const struct odict *o = ctrl_ask(b->ctrl, "cpm_messages",
			"{\"after\":%lld,\"limit\":100}", (long long)after);
		const unsigned c = j_count(o, "messages");

		ck_assert_uint_gt(c, 0);
		for (i=0; i<c; i++) {
			const struct odict *m = j_at(o, "messages", i);
			unsigned k;

			ck_assert_int_eq(1, sscanf(j_str(m, "text"),
						   "text %u", &k));
			ck_assert_uint_lt(k, n);
			ck_assert(!seenv[k]);
			seenv[k] = true;
			after = max(after, j_int(m, "id"));
		}
		got += c;
	}
	ck_assert_uint_eq(n, p->toldc);
	for (i=0; i<n; i++)
		ck_assert_uint_eq(1, p->toldv[i].count);
}


static unsigned post_numbered(struct pager *p, unsigned k, unsigned senders,
			      bool once)
{
	const char *from = env_str(p->env, "s%u", k % senders);

	return pager_post(p, &(struct pager_args){
		.from = from, .once = once,
		.head = env_str(p->env, "%sConversation-ID: c%u\r\n",
				PAGER_CPM("deferred"), k % senders),
		.body = pager_cpim(p, from, env_str(p->env, "n%u", k),
				   env_str(p->env, "text %u", k))});
}


/* All at once, from several senders, out of order, each twice */
START_TEST(burst)
{
	enum { N = 200, SENDERS = 10 };
	struct pager p;
	struct baresip *b = page_begin(&p, NULL);
	unsigned i;

	for (i=0; i<N; i++) {
		const unsigned n = post_numbered(&p, i * 67 % N, SENDERS,
						 false);

		pager_again(&p, n);
		/* what the socket's buffer takes */
		if (i % 20 == 19)
			pager_turn(&p, 1);
	}
	pager_drain(&p, 0);
	for (i=0; i<N; i++)
		ck_assert_uint_eq(200, p.shotv[i].code);
	pager_told(&p, N);
	each_is_there(b, &p, N);
	ck_assert_int_eq(SENDERS, page_count(b, "conversations"));
	page_end(&p, b);
}
END_TEST


/* Over a stream, several in one piece */
START_TEST(stream)
{
	enum { N = 60 };
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	struct pager p, back;
	unsigned i;

	pager_open(&p, env, b->sip, true);
	pager_open(&back, env, b->sip, false);
	/* notifications go where the URI says, over UDP */
	p.seen = back.port;
	for (i=0; i<N; i++)
		(void)post_numbered(&p, i, 3, false);
	pager_drain(&p, 0);
	for (i=0; i<N; i++)
		ck_assert_uint_eq(200, p.shotv[i].code);
	pager_told(&back, N);
	each_is_there(b, &back, N);
	pager_close(&back);
	page_end(&p, b);
}
END_TEST


/* The store is another process's: it is kept by who sent it, and taken when
   there is a store again, without a restart */
START_TEST(no_store)
{
	struct env *env = env_open();
	const char *config = env_str(env, "cpm_db %s\n",
				     env_path(env, "shared/cpm.db"));
	struct baresip *first = baresip_start(env, &(struct baresip_args){
		.name = "first", .config = config});
	struct baresip *b = invite_alice(env, config);
	const char *body;
	struct pager p;

	pager_open(&p, env, b->sip, false);
	body = pager_cpim(&p, "bob", "kept", "kept");
	page_refused(&p, 503, "\r\nRetry-After: 30\r\n", &(struct pager_args){
		.body = body});
	ck_assert_int_eq(0, baresip_quit(first));
	ck_assert_str_eq("ready", j_str(ctrl_event(b->ctrl, "store",
						   E2E_WAIT), "state"));
	ck_assert_int_eq(0, page_count(b, "messages"));
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.body = body}));
	ck_assert_int_eq(1, page_count(b, "messages"));
	pager_told(&p, 1);
	ck_assert_uint_eq(1, p.toldv[0].count);
	page_end(&p, b);
}
END_TEST


START_TEST(no_room)
{
	struct pager p;
	struct baresip *b = page_begin(&p, "cpm_quota 10\n");

	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.type = "text/plain", .body = "12345678"}));
	page_refused(&p, 503, "\r\nRetry-After: 300\r\n", &(struct pager_args){
		.type = "text/plain", .body = "12345678"});
	ck_assert_int_eq(1, page_count(b, "messages"));
	(void)ctrl_ask(b->ctrl, "cpm_delete", "1");
	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "messages", 0,
			 E2E_WAIT);
	ck_assert_uint_eq(200, pager_ask(&p, &(struct pager_args){
		.type = "text/plain", .body = "12345678"}));
	page_end(&p, b);
}
END_TEST


/* Alice, whose disk is held. @return the file that holds it */
static char *held_begin(struct env *env, struct baresip **bp)
{
	char *hold = hold_open(env, "alice/cpm/");

	*bp = invite_alice(env, NULL);
	file_write(hold, "");

	return hold;
}


/* The disk has not written it: no answer, and what comes again meanwhile gets
   none either. Then one, for both. */
START_TEST(held)
{
	struct env *env = env_open();
	struct baresip *b;
	struct pager p;
	char *hold = held_begin(env, &b);
	unsigned n;

	pager_open(&p, env, b->sip, false);
	n = pager_post(&p, &(struct pager_args){.once = true});
	hold_wait(env, hold);
	pager_again(&p, n);
	/* other things go on, and what was sent before has been read */
	page_refused(&p, 415, "", &(struct pager_args){.type = "x/y"});
	ck_assert_uint_eq(0, p.shotv[n].answers);
	ck_assert_ptr_null(ctrl_try_event(b->ctrl, "message", 1));
	ck_assert_int_eq(0, access(hold, F_OK));

	ck_assert_int_eq(0, unlink(hold));
	ck_assert_uint_eq(200, pager_code(&p, n));
	/* behind it: no second one was on its way */
	page_refused(&p, 415, "", &(struct pager_args){.type = "x/y"});
	ck_assert_uint_eq(1, p.shotv[n].answers);
	ck_assert_int_eq(1, page_count(b, "messages"));
	pager_told(&p, 1);
	page_end(&p, b);
}
END_TEST


static const struct {
	unsigned most;        /* CPM_PAGES, CPM_NOTICES                     */
	const char *counts;   /* what of cpm_status they are in the end     */
	int64_t kept;
	struct pager_args args;
} crowdv[] = {
	{4096, "messages", 4096, {.type = "text/plain", .body = "."}},
	/* what waits to be fetched: all of them say the same */
	{256,  "deferred", 1,    {.head = PAGER_CPM("deferred"), .type = "",
				  .body = ""}},
};

/* More than may wait for the disk: the rest is told to come later, and those
   that wait are kept */
START_TEST(too_many)
{
	enum { MORE = 20 };
	const unsigned most = crowdv[_i].most;
	struct env *env = env_open();
	unsigned i, later = 0;
	struct baresip *b;
	struct pager p;
	struct wait w;
	char *hold = held_begin(env, &b);

	pager_open(&p, env, b->sip, true);
	for (i=0; i<most + MORE; i++)
		(void)pager_post(&p, &crowdv[_i].args);
	wait_start(&w, 2 * E2E_WAIT, "the answers to those too many");
	while (wait_more(&w) && p.open > most)
		pager_turn(&p, 20);
	ck_assert_int_eq(0, unlink(hold));
	pager_drain(&p, 0);
	for (i=0; i<most + MORE; i++) {
		if (p.shotv[i].code == 200)
			continue;
		ck_assert_uint_eq(503, p.shotv[i].code);
		ck_assert_ptr_nonnull(strstr(p.shotv[i].answer, _i
					     ? "\r\nRetry-After: 30\r\n"
					     : "\r\nRetry-After: 5\r\n"));
		++later;
	}
	ck_assert_uint_eq(MORE, later);
	ck_assert_int_eq(crowdv[_i].kept, page_count(b, crowdv[_i].counts));
	page_end(&p, b);
}
END_TEST


/* 5 % in each direction; CPM_MESSAGES of them: make loss */
START_TEST(loss)
{
	enum { N = 200, SENDERS = 40, WINDOW = 100 };
	const char *many = getenv("CPM_MESSAGES");
	const unsigned n = many && *many ? (unsigned)atoi(many) : N;
	struct env *env = env_open();
	struct baresip *b;
	struct lossy *l;
	struct pager p;
	unsigned passed, lost, i;
	uint16_t ap, bp;
	struct wait w;

	env_limit(env, 600);
	b = invite_alice(env, NULL);
	l = lossy_open(env, 5, &ap, &bp);
	pager_open(&p, env, env_str(env, "127.0.0.1:%u", ap), false);
	p.seen = bp;
	lossy_run(l, p.port, b->sip_port);

	for (i=0; i<n; i++) {
		(void)post_numbered(&p, i, SENDERS, false);
		pager_drain(&p, WINDOW);
	}
	pager_drain(&p, 0);
	for (i=0; i<n; i++)
		ck_assert_uint_eq(200, p.shotv[i].code);
	pager_told(&p, n);
	/* the answer to the last one may be lost as well: go on answering */
	wait_start(&w, 4 * E2E_WAIT, "no notification to be pending");
	while (wait_more(&w) && page_count(b, "imdn_pending"))
		pager_turn(&p, 100);
	lossy_stop(l, &passed, &lost);
	ck_assert_uint_gt(lost, n / 20);
	each_is_there(b, &p, n);
	printf("page: %u messages, each stored once, each notified of once\n",
	       n);
	page_end(&p, b);
}
END_TEST


void page_many_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "many", 60);

	tcase_add_test(tc, burst);
	tcase_add_test(tc, stream);
	tcase_add_test(tc, no_store);
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, held);
	tcase_add_loop_test(tc, too_many, 0, (int)ARRAY_SIZE(crowdv));
	tc = suite_case(suite, "loss", 600);
	tcase_add_test(tc, loss);
}
