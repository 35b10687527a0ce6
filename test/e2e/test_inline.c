/**
 * @file test_inline.c  A message inside of the INVITE: there before the 200
 *
 * wire.md 2.6, 4.2 and 13.3; RFC 2046, 5.1; RFC 3261, 20.11.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "caller.h"
#include "hold.h"


#define CPIM_PART "--b\r\nContent-Type: message/cpim\r\n\r\n"
#define CPIM_HEAD(id)							\
	"From: <sip:anonymous@anonymous.invalid>\r\n"			\
	"To: <sip:anonymous@anonymous.invalid>\r\n"			\
	"NS: imdn <urn:ietf:params:imdn>\r\n"				\
	"imdn.Message-ID: " id "\r\n"					\
	"DateTime: 2026-11-20T10:11:12Z\r\n"				\
	"imdn.Disposition-Notification: positive-delivery\r\n\r\n"	\
	"Content-Type: text/plain;charset=utf-8\r\n\r\n"
#define HELLO CPIM_PART CPIM_HEAD("m0") "Hello\r\n"
#define CARD "--b\r\nContent-Type: text/x-vcard\r\n"


/* Alice, and a PF that only registers her */
static void open_scene(struct scene *s, const char *config)
{
	scene_open(s, &(struct scene_args){.config = config});
	scene_start(s);
}


/* The content was in the INVITE, and the server says BYE at once; the same
   message again is no second one and has no second notification */
START_TEST(early_bye)
{
	const struct caller_args args = {.from = BOB, .parts = HELLO};
	const struct odict *o;
	struct caller c;
	struct scene s;
	int i;

	open_scene(&s, NULL);
	for (i=0; i<2; i++) {
		ck_assert_uint_eq(200, caller_invite(&c, s.b, &args));
		ck_assert_uint_eq(183, c.early);
		/* it is there when the 200 is */
		ck_assert_int_eq(1, scene_count(&s, "messages"));
		caller_bye(&c);
		caller_close(&c);
	}

	o = ctrl_event(s.c, "message", E2E_WAIT);
	ck_assert_int_eq(1, j_int(o, "count"));
	ck_assert(j_bool(o, "deferred"));
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq("Hello", j_str(o, "text"));
	ck_assert_str_eq(BOB, j_str(o, "peer"));
	ck_assert_str_eq("m0", j_str(o, "imdn_id"));
	ck_assert_str_eq("session", j_str(o, "mode"));
	ck_assert_str_eq("2026-11-20T10:11:12Z", j_str(o, "time"));
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, scene_notified(&s, 1));
	ck_assert_ptr_null(ctrl_try_event(s.c, "message", 1));
	scene_close(&s);
}
END_TEST


static const struct refused {
	const char *parts;
	bool nosdp;
	unsigned code;
	const char *header;       /* of the answer */
} refusedv[] = {
	{"--b\r\nContent-Type: message/cpim\r\n\r\nno head\r\n", false, 400,
	 NULL},
	{HELLO "--b\r\nno head\r\n\r\n", false, 400, NULL},
	{"--b\r\nContent-Type: message/cpim\r\n"
	 "Content-Transfer-Encoding: base64\r\n\r\n?\r\n", false, 400, NULL},
	{HELLO, true, 488, NULL},
	{HELLO CARD "Content-Disposition: render; handling=required\r\n"
	 "\r\n\r\n", false, 415,
	 "\r\nAccept: application/sdp, multipart/mixed, "},
	/* it could be read, but not be kept as what it is */
	{CPIM_PART CPIM_HEAD("m0") "Hello\r\n" CPIM_PART
	 "From: <sip:bob@cpm.test>\r\n\r\nContent-Type: text/plain\r\n"
	 "Content-Transfer-Encoding: rot13\r\n\r\nx\r\n", false, 415, NULL},
};


/* What is wrong is said; afterwards all is as before */
START_TEST(refused)
{
	const struct refused *r = &refusedv[_i];
	struct caller c;
	struct scene s;

	open_scene(&s, NULL);
	ck_assert_uint_eq(r->code, caller_invite(&c, s.b,
		&(struct caller_args){.from = BOB, .parts = r->parts,
				      .nosdp = r->nosdp}));
	if (r->header)
		ck_assert_ptr_nonnull(strstr(c.text, r->header));
	caller_close(&c);
	ck_assert_int_eq(0, scene_count(&s, "sessions"));

	/* a part that is not to be understood is let pass */
	ck_assert_uint_eq(200, caller_invite(&c, s.b, &(struct caller_args){
		.from = BOB, .service = "largemsg",
		.parts = CARD "\r\ncard\r\n" CPIM_PART CPIM_HEAD("m1")
			"One\r\n" CPIM_PART CPIM_HEAD("m2") "Two\r\n"}));
	caller_bye(&c);
	caller_close(&c);
	scene_delivered(&s, r->code == 415 && !r->header ? 3 : 2);
	ck_assert_str_eq("large", j_str(ctrl_ask(s.c, "cpm_message", "2"),
					"mode"));
	scene_close(&s);
}
END_TEST


/* What is not whole, or too much, is not kept as what it is: libre reads 8,192
   octets of a datagram */
START_TEST(too_large)
{
	const char *big, *cut;
	struct caller c;
	struct scene s;

	open_scene(&s, "cpm_max_size 4000\n");
	big = env_str(s.env, CPIM_PART CPIM_HEAD("m0") "%4000s\r\n", "x");
	cut = env_str(s.env, HELLO CPIM_PART CPIM_HEAD("m1") "%9000s\r\n",
		      "x");
	ck_assert_uint_eq(400, caller_invite(&c, s.b, &(struct caller_args){
		.from = BOB, .parts = cut}));
	caller_close(&c);
	ck_assert_uint_eq(413, caller_invite(&c, s.b, &(struct caller_args){
		.from = BOB, .parts = big}));
	caller_close(&c);
	ck_assert_uint_eq(415, caller_invite(&c, s.b, &(struct caller_args){
		.from = BOB, .parts = HELLO,
		.head = "Content-Encoding: gzip\r\n"}));
	ck_assert_ptr_nonnull(strstr(c.text, "\r\nAccept-Encoding: "));
	caller_close(&c);
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	ck_assert_int_eq(0, scene_count(&s, "sessions"));

	ck_assert_uint_eq(200, caller_invite(&c, s.b, &(struct caller_args){
		.from = BOB, .parts = HELLO,
		.head = "Content-Encoding: identity\r\n"}));
	caller_bye(&c);
	caller_close(&c);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* Nothing is stored before the user wants it; then it is, before the 200 */
START_TEST(asked)
{
	const struct odict *o;
	struct scene s;

	scene_open(&s, &(struct scene_args){.config = "cpm_deferred ask\n",
					    .optv = {"-W", "inline"}});
	scene_start(&s);
	scene_leave(&s, "from=%s id=a text=Hello", BOB);
	o = ctrl_event(s.c, "session", E2E_WAIT);
	ck_assert_str_eq("asking", j_str(o, "state"));
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	(void)ctrl_ask(s.c, "cpm_decline", "%d", (int)j_int(o, "session"));
	(void)pf_event_kv(s.pf, "answer", "code", "480", E2E_WAIT);
	ck_assert_int_eq(0, scene_count(&s, "messages"));

	ctrl_skip(s.c);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	o = ctrl_event(s.c, "session", E2E_WAIT);
	(void)ctrl_ask(s.c, "cpm_accept", "%d", (int)j_int(o, "session"));
	(void)pf_event_kv(s.pf, "answer", "code", "200", E2E_WAIT);
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, scene_notified(&s, 1));
	scene_close(&s);
}
END_TEST


/* While the commit waits there is no 200: the server gives up (CANCEL), or
   the softphone dies. Nothing is lost, and nothing comes twice. */
START_TEST(held)
{
	struct scene s;
	char *hold;

	scene_open(&s, &(struct scene_args){.optv = {"-W", "inline",
		"-f", _i ? "none" : "cancel=200"}});
	hold = hold_open(s.env, "alice/cpm/");
	scene_start(&s);
	file_write(hold, "");
	scene_leave(&s, "from=%s id=a text=Hello", BOB);
	if (_i) {
		hold_wait(s.env, hold);
		ck_assert_int_eq(1, scene_count(&s, "sessions"));
		ck_assert_ptr_null(pf_try_event(s.pf, "answer", NULL, NULL,
						1));
		baresip_kill(s.b);
		ck_assert_int_eq(0, unlink(hold));
		scene_restart(&s);
	}
	else {
		(void)pf_event_kv(s.pf, "answer", "code", "487", E2E_WAIT);
		ck_assert_int_eq(0, scene_count(&s, "sessions"));
		ck_assert_int_eq(0, unlink(hold));
	}

	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, scene_notified(&s, 1));
	scene_close(&s);
}
END_TEST


/* It was answered 200, and the softphone dies in that moment */
START_TEST(killed)
{
	struct caller c;
	struct scene s;

	open_scene(&s, NULL);
	ck_assert_uint_eq(200, caller_invite(&c, s.b, &(struct caller_args){
		.from = BOB, .parts = HELLO}));
	baresip_kill(s.b);
	caller_close(&c);
	scene_restart(&s);
	ck_assert_str_eq("Hello", j_str(ctrl_ask(s.c, "cpm_message", "1"),
					"text"));
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* No room on the disk: the server shall keep it, and says so with 480 */
START_TEST(full)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	const struct caller_args args = {.from = BOB, .parts = HELLO};
	struct caller c;
	struct scene s;

	signal(SIGXFSZ, SIG_IGN);
	open_scene(&s, NULL);
	ck_assert_int_eq(0, prlimit(s.b->proc->pid, RLIMIT_FSIZE,
				    &(struct rlimit){65536, RLIM_INFINITY},
				    NULL));
	ck_assert_uint_eq(480, caller_invite(&c, s.b, &args));
	ck_assert_uint_eq(183, c.early);
	ck_assert_ptr_nonnull(strstr(c.text, "\r\nRetry-After: "));
	caller_close(&c);
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	ck_assert_int_eq(0, scene_count(&s, "sessions"));
	ck_assert_int_eq(0, prlimit(s.b->proc->pid, RLIMIT_FSIZE, &none,
				    NULL));
	ck_assert_uint_eq(200, caller_invite(&c, s.b, &args));
	caller_bye(&c);
	caller_close(&c);
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/* A CPIM without an id, over MSRP. @return the code of its answer */
static unsigned bare_message(struct caller *c, unsigned n, const char *head,
			     const char *body)
{
	const char *cpim = env_str(c->env, "From: <sip:bob@cpm.test>\r\n"
		"To: <sip:alice@cpm.test>\r\n\r\n"
		"Content-Type: text/plain\r\n%s\r\n%s", head, body);
	unsigned code = 0;

	caller_write(c, env_str(c->env, "MSRP bare%u SEND\r\nTo-Path: %s\r\n"
		"From-Path: %s\r\nMessage-ID: x%u\r\nByte-Range: 1-%zu/%zu"
		"\r\nContent-Type: message/cpim\r\n\r\n%s\r\n-------bare%u$"
		"\r\n", n, c->peer, c->path, n, strlen(cpim), strlen(cpim),
		cpim, n));
	ck_assert(caller_read(c, E2E_WAIT));
	ck_assert_int_eq(1, sscanf(c->text, "MSRP bare%*u %u", &code));

	return code;
}


static void head_open(struct caller *c, struct scene *s)
{
	open_scene(s, NULL);
	caller_open(c, s->b, &(struct caller_args){.from = BOB,
		.service = "deferred",
		.parts = CPIM_PART CPIM_HEAD("m0") "\r\n"});
	ck_assert_uint_eq(0, c->early);
	ck_assert_int_eq(0, scene_count(s, "messages"));
}


/* Only the head is in the INVITE: no message, but what the first one over
   MSRP is known by, if it does not say so itself */
START_TEST(head_only)
{
	const struct odict *o;
	struct caller c;
	struct scene s;

	head_open(&c, &s);
	ck_assert_uint_eq(200, bare_message(&c, 1, "", "body"));
	caller_message(&c, "two");
	caller_bye(&c);
	caller_close(&c);

	scene_delivered(&s, 2);
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq("body", j_str(o, "text"));
	ck_assert_str_eq("m0", j_str(o, "imdn_id"));
	ck_assert_str_eq("2026-11-20T10:11:12Z", j_str(o, "time"));
	o = ctrl_ask(s.c, "cpm_message", "2");
	ck_assert_str_ne("m0", j_str(o, "imdn_id"));
	ck_assert_int_eq(0, scene_notified(&s, 1));
	scene_close(&s);
}
END_TEST


/* The first one is refused, or breaks off: the head is not that of the next,
   or the first would be taken for known when it comes again */
START_TEST(head_refused)
{
	struct caller c;
	struct scene s;

	head_open(&c, &s);
	if (_i) {
		caller_write(&c, env_str(s.env, "MSRP stop SEND\r\nTo-Path: "
			"%s\r\nFrom-Path: %s\r\nMessage-ID: y\r\nByte-Range: "
			"1-*/9\r\nContent-Type: message/cpim\r\n\r\nF\r\n"
			"-------stop#\r\n", c.peer, c.path));
		ck_assert(caller_read(&c, E2E_WAIT));
	}
	else {
		ck_assert_uint_eq(415, bare_message(&c, 1,
			"Content-Transfer-Encoding: rot13\r\n", "bar"));
	}
	ck_assert_uint_eq(200, bare_message(&c, 2, "", "next"));
	caller_bye(&c);
	caller_close(&c);
	scene_delivered(&s, 1);
	ck_assert(!j_has(ctrl_ask(s.c, "cpm_message", "1"), "imdn_id"));
	scene_close(&s);
}
END_TEST


static const struct core_way {
	const char *way;
	const char *fault;
	const char *mode;
} wayv[] = {
	{"inline", "none", "session"},
	{"inline", "dup",  "session"},
	{"large",  "none", "large"},
	{"all",    "none", "large"},
};


/* Through Kamailio, as tshark sees it: one large message an INVITE, all that
   is pending in one, the first one inside; also the same id again over MSRP */
START_TEST(through_core)
{
	const struct core_way *v = &wayv[_i];
	const char *argv[] = {"-D", DOMAIN, "-l", "127.0.0.1:0", "-W", v->way,
		"-f", v->fault, "-c", NULL, NULL};
	struct wire_seen seen;
	struct core *core;
	struct wire *w;
	struct scene s;
	unsigned i;

	memset(&s, 0, sizeof(s));
	s.env = env_open();
	core = core_alloc(s.env, DOMAIN, false);
	argv[9] = core->uri;
	s.pf = pf_start(s.env, argv);
	core_run(core, "alice:secret", s.pf);
	w = wire_start(s.env);
	for (i=0; i<3; i++)
		scene_leave(&s, "from=%s id=m%u text=Hello%u", BOB, i, i);
	s.b = baresip_start(s.env, &(struct baresip_args){.name = "alice",
		.accounts = baresip_account(s.env, "alice", DOMAIN,
			env_str(s.env, "%s;transport=tcp", core->uri),
			NULL)});
	s.c = s.b->ctrl;
	scene_delivered(&s, 3);
	ck_assert_int_eq(0, scene_notified(&s, 3));
	for (i=0; i<3; i++) {
		const struct odict *o = ctrl_ask(s.c, "cpm_message", "%u",
						 i + 1);

		ck_assert_str_eq(env_str(s.env, "Hello%u", i),
				 j_str(o, "text"));
		ck_assert_str_eq(v->mode, j_str(o, "mode"));
		ck_assert(j_bool(o, "deferred"));
	}

	wire_check(w, (const uint16_t[]){core->port, s.pf->sip_port,
					 s.b->sip_port, 0},
		   (const uint16_t[]){s.pf->msrp_port, 0}, &seen);
	/* both sides of the core: an INVITE with its 200, ACK, BYE, 200; 3
	   notifications with 407, and again. A bind and two messages, which
	   are acknowledged */
	ck_assert_uint_ge(seen.sip, 2 * 5 + 3 * 4);
	ck_assert_uint_ge(seen.msrp, 3 * 2);
	ck_assert_uint_ge(seen.cpim, 3 + 3);
	ck_assert_uint_eq(0, seen.refused);
	scene_close(&s);
}
END_TEST


Suite *inline_suite(void)
{
	Suite *s = suite_create("inline");
	TCase *tc = suite_case(s, "answer", 60);

	tcase_add_test(tc, early_bye);
	tcase_add_loop_test(tc, refused, 0, (int)ARRAY_SIZE(refusedv));
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, asked);
	tcase_add_test(tc, head_only);
	tcase_add_loop_test(tc, head_refused, 0, 2);

	tc = suite_case(s, "commit", 60);
	tcase_add_loop_test(tc, held, 0, 2);
	tcase_add_test(tc, killed);
	tcase_add_test(tc, full);

	tc = suite_case(s, "core", 60);
	tcase_add_loop_test(tc, through_core, 0, (int)ARRAY_SIZE(wayv));

	return s;
}
