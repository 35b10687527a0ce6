/**
 * @file test_timer.c  What takes its time: no ACK, and the session timer
 *
 * RFC 3261, 13.3.1.4: a 200 is repeated for 64*T1, 32 s, then the session
 * ends; libre has no shorter one. The session timer (RFC 4028) takes a minute
 * at least and is tested only if CPM_LONG is set; what is agreed on is seen
 * in test_answer.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


enum {
	NO_ACK  = 32000,      /* ms, 64*T1                                */
	TIMED   = 60000,      /* 90 s without the third that is kept      */
	SLACK   = 4000,
	SECONDS = 60,         /* limits of the tests                      */
	LONG    = 100,
};


static void both_start(struct scene *s)
{
	struct baresip_args args = {.name = "both"};

	args.accounts = env_str(s->env, "%s%s",
		baresip_account(s->env, "alice", DOMAIN, s->pf->sip, NULL),
		baresip_account(s->env, "bob", DOMAIN, s->pf->sip, NULL));
	s->b = baresip_start(s->env, &args);
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
}


/* The next session event that is in this state */
static const struct odict *state(struct scene *s, const char *name,
				 unsigned ms)
{
	const struct odict *o;

	do {
		o = ctrl_event(s->c, "session", ms);
	} while (strcmp(name, j_str(o, "state")));

	return o;
}


static bool listens(uint16_t port)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int err = connect(fd, (const struct sockaddr *)&sin,
				sizeof(sin));

	close(fd);

	return !err;
}


/* No ACK, once where we would connect and once where we would be connected
   to, so that we listen before the PF has our 200: no MSRP, and both sessions
   end as failed */
START_TEST(no_ack)
{
	const struct odict *o;
	const uint64_t start = e2e_now();
	const struct pf_event *ev;
	struct scene s;
	unsigned i;

	scene_open(&s, &(struct scene_args){
		.optv = {"-u", "bob:secret", "-f", "noack"}});
	env_limit(s.env, SECONDS);
	both_start(&s);
	scene_leave(&s, "from=%s text=Hello", CAROL);
	pf_cmd(s.pf, "set setup=active");
	pf_cmd(s.pf, "leave from=%s to=%s text=Hello", CAROL, BOB);
	for (i=0; i<2; i++) {
		ev = pf_event(s.pf, "answer", E2E_WAIT);
		ck_assert_int_eq(200, pf_int(ev, "code"));
		(void)state(&s, "accepted", E2E_WAIT);
	}
	ck_assert_str_eq("passive", pf_str(ev, "setup"));
	ck_assert(listens((uint16_t)pf_int(ev, "port")));

	for (i=0; i<2; i++) {
		o = ctrl_event(s.c, "session", NO_ACK + SLACK);
		ck_assert_str_eq("failed", j_str(o, "state"));
		ck_assert_int_eq(408, j_int(o, "code"));
		ck_assert_int_eq(0, j_int(o, "messages"));
	}
	ck_assert_uint_ge(e2e_now() - start, NO_ACK);
	ck_assert_int_eq(0, scene_count(&s, "sessions"));
	/* the PF has seen no MSRP (it would say so), but our BYE */
	for (i=0; i<2; i++) {
		ev = pf_event(s.pf, "ended", E2E_WAIT);
		ck_assert_str_eq("client", pf_str(ev, "by"));
		ck_assert_int_eq(1, pf_int(ev, "left"));
	}
	ck_assert(!pf_try_event(s.pf, "error", NULL, NULL, 1));
	ck_assert_int_eq(0, pf_int(pf_ask(s.pf, "stats"), "sessions"));
	scene_close(&s);
}
END_TEST


/* The PF never refreshes, as it has promised to: we end the session */
START_TEST(session_timer)
{
	const uint64_t start = e2e_now();
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &(struct scene_args){
		.optv = {"-f", "expires=90", "-f", "norefresh",
			 "-f", "nobye"}});
	env_limit(s.env, LONG);
	scene_start(&s);
	scene_leave(&s, "from=%s text=Hello", BOB);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	ev = pf_event(s.pf, "ended", TIMED + SLACK);
	ck_assert_str_eq("client", pf_str(ev, "by"));
	ck_assert_uint_ge(e2e_now() - start, TIMED);
	ck_assert_int_eq(408, j_int(state(&s, "closed", E2E_SHORT), "code"));
	scene_close(&s);
}
END_TEST


/* It does: the session lives on */
START_TEST(refreshed)
{
	struct scene s;

	scene_open(&s, &(struct scene_args){
		.optv = {"-f", "expires=90", "-f", "nobye"}});
	env_limit(s.env, LONG);
	scene_start(&s);
	scene_leave(&s, "from=%s text=Hello", BOB);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	ck_assert(!pf_try_event(s.pf, "ended", NULL, NULL, TIMED + SLACK));
	ck_assert_int_eq(1, scene_count(&s, "sessions"));
	pf_cmd(s.pf, "bye to=%s", ALICE);
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	scene_close(&s);
}
END_TEST


void timer_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "timer", SECONDS);

	tcase_add_test(tc, no_ack);
	if (!getenv("CPM_LONG"))
		return;

	tc = suite_case(suite, "long", LONG);
	tcase_add_test(tc, session_timer);
	tcase_add_test(tc, refreshed);
}
