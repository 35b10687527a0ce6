/**
 * @file test_relay.c  Deliveries through an MSRP relay: Kamailio's
 *
 * RFC 4976. The PF is behind it, or we are, or both.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "relay.h"
#include "mock/names.h"


#define USERS "alice:secret pf:secret"

enum {
	PF_BEHIND = 1 << 0,
	WE_BEHIND = 1 << 1,
	TLS       = 1 << 2,
	PF_ACTIVE = 1 << 3,   /* the PF begins                            */
	LATE_ACK  = 1 << 4,   /* and its ACK comes behind its MSRP        */
};

static const int wayv[] = {
	PF_BEHIND,
	WE_BEHIND,
	PF_BEHIND | WE_BEHIND,
	PF_BEHIND | PF_ACTIVE,
	WE_BEHIND | PF_ACTIVE,
	PF_BEHIND | WE_BEHIND | PF_ACTIVE,
	WE_BEHIND | PF_ACTIVE | LATE_ACK,
};


/* The relay runs or not, the PF does, Alice does not */
static struct relay *scene_relay(struct scene *s, int way, const char *more)
{
	const char *config = "";
	struct relay *relay;
	size_t n = 0;

	memset(s, 0, sizeof(*s));
	s->env = env_open();
	relay = relay_alloc(s->env, way & TLS);
	if (way & PF_BEHIND) {
		s->args.optv[n++] = "-R";
		s->args.optv[n++] = relay->uri;
	}
	else if (way & TLS) {
		s->args.optv[n++] = "-T";
	}
	if (way & PF_ACTIVE) {
		s->args.optv[n++] = "-s";
		s->args.optv[n++] = "active";
	}
	if (way & LATE_ACK) {
		s->args.optv[n++] = "-f";
		s->args.optv[n++] = "lateack=300";
		s->args.optv[n++] = "-f";
		s->args.optv[n++] = "delay=500";
	}
	if (way & WE_BEHIND)
		config = env_str(s->env, "cpm_relay %s\n", relay->uri);
	if (way & TLS)
		config = env_str(s->env, "%scpm_tls_cafile %s\n", config,
				 relay->ca);
	s->args.config = env_str(s->env, "%s%s", config, more ? more : "");
	scene_pf(s);

	return relay;
}


static const struct odict *status(struct scene *s)
{
	return ctrl_ask(s->c, "cpm_status", NULL);
}


/* Wait until it is up, or something else */
static void relay_is(struct scene *s, const char *state)
{
	struct wait w;

	wait_start(&w, 3 * E2E_WAIT, "the state of the relay");
	while (wait_more(&w)) {
		if (!strcmp(state, j_str(status(s), "relay.state")))
			return;
	}
}


/* Everything that was left arrives, once, and is notified once */
static void delivered(struct scene *s, int64_t messages)
{
	scene_delivered(s, messages);
	ck_assert_int_eq(0, scene_notified(s, messages));
}


static void deliver(struct scene *s)
{
	const struct pf_event *ev;

	pf_cmd(s->pf, "deliver to=%s", ALICE);
	ev = pf_event(s->pf, "ended", 3 * E2E_WAIT);
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	ck_assert_int_eq(0, pf_int(ev, "left"));
}


static void way(int flags)
{
	static const char *const statev[] = {
		"accepted", "established", "closed",
	};
	const struct pf_event *ev;
	struct scene s;
	struct relay *relay = scene_relay(&s, flags, NULL);
	size_t i;

	relay_run(relay, USERS);
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	if (flags & WE_BEHIND)
		relay_is(&s, "up");
	scene_leave(&s, "from=%s id=m1 text=Grüße", BOB);
	scene_leave(&s, "from=%s id=m2 size=100000", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event(s.pf, "answer", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));

	/* where we are: at the relay, if we have one */
	if (flags & WE_BEHIND)
		ck_assert_int_eq(relay->port, pf_int(ev, "port"));
	ev = pf_event(s.pf, "ended", 3 * E2E_WAIT);
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	delivered(&s, 2);
	ck_assert_str_eq("Grüße", j_str(ctrl_ask(s.c, "cpm_message", "1"),
					"text"));
	ck_assert_int_eq(100000, j_int(ctrl_ask(s.c, "cpm_message", "2"),
				       "size"));
	ck_assert(!pf_try_event(s.pf, "error", NULL, NULL, 1));
	for (i=0; i<ARRAY_SIZE(statev); i++)
		ck_assert_str_eq(statev[i], j_str(ctrl_event(s.c, "session",
			E2E_SHORT), "state"));
	scene_close(&s);
}


START_TEST(plain)
{
	way(wayv[_i]);
}
END_TEST


START_TEST(tls)
{
	way(wayv[_i] | TLS);
}
END_TEST


/* A megabyte: chunks of 8 KiB, whatever was asked for */
START_TEST(megabyte)
{
	enum { SIZE = 1000000 };
	struct scene s;
	struct relay *relay = scene_relay(&s, PF_BEHIND | WE_BEHIND, NULL);
	const char *want = scene_text(s.env, 0, SIZE, SIZE);
	char *got;
	size_t n = 0;

	relay_run(relay, USERS);
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	pf_cmd(s.pf, "set chunk=65536");
	relay_is(&s, "up");
	scene_leave(&s, "from=%s type=application/octet-stream size=%u", BOB,
		    SIZE);
	deliver(&s);
	delivered(&s, 1);
	got = file_read(j_str(ctrl_ask(s.c, "cpm_message", "1"), "file"),
			&n);
	ck_assert_uint_eq(SIZE, n);
	ck_assert(got && !memcmp(want, got, n));
	mem_deref(got);
	scene_close(&s);
}
END_TEST


/* The relay knows nothing of us: said once, and the PF keeps what it has */
START_TEST(wrong_password)
{
	const struct pf_event *ev;
	const struct odict *o;
	struct scene s;
	struct relay *relay = scene_relay(&s, WE_BEHIND,
		"cpm_relay_user alice\ncpm_relay_pass wrong\n");

	relay_run(relay, USERS);
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	relay_is(&s, "down");
	o = status(&s);
	ck_assert_str_eq(relay->uri, j_str(o, "relay.uri"));
	ck_assert(strstr(j_str(o, "relay.text"), "password"));
	o = ctrl_try_event(s.c, "error", 1);
	/* it may have come before anybody could hear it */
	if (o)
		ck_assert_str_eq("relay-refused", j_str(o, "what"));
	ck_assert(file_has(s.b->proc->log, "relay-refused"));

	scene_leave(&s, "from=%s text=one", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event(s.pf, "answer", E2E_SHORT);
	ck_assert_int_eq(480, pf_int(ev, "code"));
	ck_assert_str_eq("Relay Not Reachable", pf_str(ev, "reason"));
	ck_assert_int_eq(1, pf_int(pf_ask(s.pf, "pending to=%s", ALICE),
				   "count"));
	scene_close(&s);
}
END_TEST


/* Not there when the INVITE comes: waited for, in vain; then it comes while
   one waits */
START_TEST(late)
{
	const struct odict *o;
	const struct pf_event *ev;
	struct scene s;
	struct relay *relay = scene_relay(&s, WE_BEHIND, NULL);

	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	relay_is(&s, "down");
	ck_assert(file_has(s.b->proc->log, "relay-down"));
	scene_leave(&s, "from=%s text=one", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	o = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("waiting", j_str(o, "state"));
	ck_assert_str_eq("waiting", j_str(ctrl_ask(s.c, "cpm_sessions", NULL),
					  "sessions.0.state"));
	ev = pf_event(s.pf, "answer", 2 * E2E_WAIT);
	ck_assert_int_eq(480, pf_int(ev, "code"));
	ck_assert_str_eq("Relay Not Reachable", pf_str(ev, "reason"));
	o = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("declined", j_str(o, "state"));

	pf_cmd(s.pf, "deliver to=%s", ALICE);
	o = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("waiting", j_str(o, "state"));
	relay_run(relay, USERS);
	o = ctrl_event(s.c, "session", 2 * E2E_WAIT);
	ck_assert_str_eq("accepted", j_str(o, "state"));
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* Asked for, and accepted while the relay is away: waited for; declined while
   it is waited for */
START_TEST(asked)
{
	const struct odict *o;
	struct scene s;
	struct relay *relay = scene_relay(&s, WE_BEHIND,
					  "cpm_deferred ask\n");
	int64_t id;

	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	relay_is(&s, "down");
	scene_leave(&s, "from=%s text=one", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	o = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("asking", j_str(o, "state"));
	id = j_int(o, "session");
	ck_assert(ctrl_cmd(s.c, "cpm_accept", env_str(s.env, "%d", (int)id),
			   NULL));
	o = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("waiting", j_str(o, "state"));
	ck_assert(ctrl_cmd(s.c, "cpm_close", env_str(s.env, "%d", (int)id),
			   NULL));
	ck_assert_int_eq(480, pf_int(pf_event(s.pf, "answer", E2E_WAIT),
				     "code"));
	o = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("declined", j_str(o, "state"));

	pf_cmd(s.pf, "deliver to=%s", ALICE);
	o = ctrl_event(s.c, "session", E2E_WAIT);
	id = j_int(o, "session");
	ck_assert(ctrl_cmd(s.c, "cpm_accept", env_str(s.env, "%d", (int)id),
			   NULL));
	relay_run(relay, USERS);
	(void)pf_event_kv(s.pf, "ended", "reason", "complete", 2 * E2E_WAIT);
	delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* Killed in the middle, and there again: nothing is lost or comes twice */
START_TEST(killed)
{
	enum { MESSAGES = 12 };
	const struct pf_event *ev;
	struct scene s;
	struct relay *relay = scene_relay(&s, wayv[_i], NULL);
	unsigned i;

	relay_run(relay, USERS);
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	if (wayv[_i] & WE_BEHIND)
		relay_is(&s, "up");
	pf_cmd(s.pf, "fault delay=100");
	for (i=0; i<MESSAGES; i++)
		scene_leave(&s, "from=%s id=m%u size=%u", BOB, i, 20000 * i);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	(void)pf_event_kv(s.pf, "delivered", "id", "m4", E2E_WAIT);
	relay_kill(relay);
	ev = pf_event(s.pf, "ended", 2 * E2E_WAIT);
	ck_assert_int_gt(pf_int(ev, "left"), 0);
	if (wayv[_i] & WE_BEHIND)
		relay_is(&s, "down");

	relay_run(relay, USERS);
	if (wayv[_i] & WE_BEHIND)
		relay_is(&s, "up");
	pf_cmd(s.pf, "fault none");
	deliver(&s);
	delivered(&s, MESSAGES);
	scene_close(&s);
}
END_TEST


/* Two accounts, two sessions, one connection; what is slow in one of them does
   not end the other */
START_TEST(shared)
{
	static const char *const userv[] = {"alice", "dave"};
	struct scene s;
	struct relay *relay;
	const char *way_;
	unsigned i;

	memset(&s, 0, sizeof(s));
	s.env = env_open();
	relay = relay_alloc(s.env, false);
	s.args.optv[0] = "-u";
	s.args.optv[1] = "dave:secret";
	s.args.optv[2] = "-R";
	s.args.optv[3] = relay->uri;
	scene_pf(&s);
	relay_run(relay, USERS);
	way_ = env_str(s.env, "sip:%s;transport=udp", s.pf->sip);
	s.b = baresip_start(s.env, &(struct baresip_args){
		.name = "alice",
		.accounts = env_str(s.env, "%s%s",
			baresip_account(s.env, "alice", DOMAIN, way_, NULL),
			baresip_account(s.env, "dave", DOMAIN, way_, NULL)),
		.config = env_str(s.env, "cpm_relay %s\ncpm_relay_user alice\n"
				  "cpm_relay_pass secret\n", relay->uri)});
	s.c = s.b->ctrl;
	baresip_registered(s.b, E2E_WAIT);
	relay_is(&s, "up");
	ck_assert_uint_eq(1, relay_auths(relay));

	pf_cmd(s.pf, "auto off");
	pf_cmd(s.pf, "fault nobye");
	for (i=0; i<2; i++) {
		const char *to = env_str(s.env, "sip:%s@" DOMAIN, userv[i]);

		pf_cmd(s.pf, "leave to=%s from=%s text=one", to, BOB);
		(void)pf_event(s.pf, "kept", E2E_WAIT);
		pf_cmd(s.pf, "deliver to=%s", to);
		(void)pf_event_kv(s.pf, "delivered", "to", to, E2E_WAIT);
	}
	ck_assert_int_eq(2, scene_count(&s, "sessions"));

	/* the PF has a connection for each of its own, we have one */
	ck_assert_uint_eq(2, relay_auths(relay));
	pf_cmd(s.pf, "bye to=sip:alice@" DOMAIN);
	(void)pf_event_kv(s.pf, "ended", "to", ALICE, E2E_WAIT);
	pf_cmd(s.pf, "leave to=sip:dave@" DOMAIN " from=%s size=50000", BOB);
	(void)pf_event(s.pf, "kept", E2E_WAIT);
	pf_cmd(s.pf, "deliver to=sip:dave@" DOMAIN);
	(void)pf_event_kv(s.pf, "delivered", "to", "sip:dave@" DOMAIN,
			  E2E_WAIT);
	pf_cmd(s.pf, "bye to=sip:dave@" DOMAIN);
	(void)pf_event_kv(s.pf, "ended", "to", "sip:dave@" DOMAIN, E2E_WAIT);
	ck_assert_int_eq(3, scene_count(&s, "messages"));
	relay_is(&s, "up");
	ck_assert_uint_eq(0, relay_auths(relay));
	scene_close(&s);
}
END_TEST


/* What the relay grants is short: asked for again before it ends, and it goes
   on meanwhile */
START_TEST(refreshed)
{
	struct scene s;
	struct relay *relay = scene_relay(&s, WE_BEHIND, NULL);
	unsigned n = 0;
	struct wait w;

	relay->expires = 1;
	relay_run(relay, USERS);
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	relay_is(&s, "up");
	wait_start(&w, E2E_WAIT, "AUTH to be repeated");
	while (n < 4 && wait_more(&w))
		n += relay_auths(relay);
	ck_assert_str_eq("up", j_str(status(&s), "relay.state"));
	scene_leave(&s, "from=%s text=one", BOB);
	deliver(&s);
	delivered(&s, 1);
	ck_assert(!file_has(s.b->proc->log, "relay-"));
	scene_close(&s);
}
END_TEST


/* A relay whose certificate nobody vouches for hears no AUTH */
START_TEST(untrusted)
{
	struct scene s;
	struct relay *relay = scene_relay(&s, TLS, NULL);

	relay_run(relay, USERS);
	s.args.config = env_str(s.env, "cpm_relay %s\ncpm_tls_cafile %s\n",
				relay->uri, relay->other_ca);
	scene_start(&s);
	relay_is(&s, "down");
	ck_assert(strstr(j_str(status(&s), "relay.text"), "certificate"));
	ck_assert(file_has(s.b->proc->log, "relay-down"));
	ck_assert_uint_eq(0, relay_auths(relay));
	scene_close(&s);
}
END_TEST


/* By its name, which its certificate has; and one that nobody knows */
START_TEST(named)
{
	static const struct names_rr rrv[] = {
		{"relay.test", NAMES_A, "127.0.0.1", 1},
		{NULL, 0, NULL, 0},
	};
	struct names *ns = names_start(rrv);
	struct scene s;
	struct relay *relay = scene_relay(&s, TLS, NULL);

	ck_assert_ptr_nonnull(ns);
	relay_run(relay, USERS);
	s.args.config = env_str(s.env, "dns_server 127.0.0.1:%u\n"
		"cpm_relay msrps://%s:%u;tcp\ncpm_tls_cafile %s\n",
		names_port(ns), _i ? "nowhere.test" : "relay.test",
		relay->port, relay->ca);
	scene_start(&s);
	relay_is(&s, _i ? "down" : "up");
	ck_assert_uint_eq(_i ? 0 : 1, relay_auths(relay));
	if (_i) {
		ck_assert(strstr(j_str(status(&s), "relay.text"),
				 "nowhere.test: this name has no"));
		ck_assert(file_has(s.b->proc->log, "relay-name"));
	}
	scene_close(&s);
	names_stop(ns);
}
END_TEST


static const struct {
	const char *config;
	const char *text;
} badv[] = {
	{"cpm_relay msrps://a:1;tcp\n", "cpm_tls_cafile is needed"},
	{"cpm_relay sip:relay.test\n", "cpm_relay: \"sip:relay.test\""},
	{"cpm_relay msrp://relay.test:2855\n", "msrp://HOST:PORT;tcp"},
	{"cpm_relay msrp://relay.test/x;tcp\n", "msrp://HOST:PORT;tcp"},
	{"cpm_relay \"msrp://a:1;tcp x\"\n", "msrp://HOST:PORT;tcp"},
	{"cpm_relay msrp://a:1;tcp\ncpm_relay_user x\n", "go together"},
	{"cpm_relay_user x\ncpm_relay_pass y\n", "go together"},
	{"cpm_relay msrp://a:1;tcp\ncpm_relay_user x\\y\ncpm_relay_pass y\n",
	 "cpm_relay_user: it must"},
};

/* Said in one line, and the module is not there */
START_TEST(bad_config)
{
	struct env *env = env_open();
	struct baresip *b = baresip_start(env, &(struct baresip_args){
		.config = badv[_i].config});

	ck_assert(!ctrl_cmd(b->ctrl, "cpm_status", NULL, NULL));
	ck_assert(file_has(b->proc->log, badv[_i].text));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


Suite *relay_suite(void)
{
	Suite *suite = suite_create("relay");
	TCase *tc = suite_case(suite, "relay", 60);

	tcase_add_loop_test(tc, plain, 0, ARRAY_SIZE(wayv));
	tcase_add_loop_test(tc, tls, 0, ARRAY_SIZE(wayv));
	tcase_add_test(tc, megabyte);
	tcase_add_test(tc, wrong_password);
	tcase_add_test(tc, late);
	tcase_add_test(tc, asked);
	tcase_add_loop_test(tc, killed, 0, 3);
	tcase_add_test(tc, shared);
	tcase_add_test(tc, refreshed);
	tcase_add_test(tc, untrusted);
	tcase_add_loop_test(tc, named, 0, 2);
	tcase_add_loop_test(tc, bad_config, 0, ARRAY_SIZE(badv));

	return suite;
}
