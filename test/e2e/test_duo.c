/**
 * @file test_duo.c  Two softphones talk, one of them often away
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include "suite.h"
#include "duo.h"


enum {
	LONG = 100000,        /* octets of a text                          */
	BIG  = 50 * 1000000,  /* of a file                                 */
};


/* What came is what went, wherever the two keep it */
static void same_text(struct baresip *b, int64_t id, const char *text)
{
	const size_t total = strlen(text);
	const struct odict *o;
	size_t n = 0;

	while (n < total) {
		const char *piece;

		o = ctrl_ask(b->ctrl, "cpm_message", "{\"id\":%lld,"
			     "\"offset\":%zu,\"length\":50000}",
			     (long long)id, n);
		piece = j_str(o, "text");
		ck_assert(*piece);
		ck_assert(!strncmp(piece, text + n, strlen(piece)));
		n += strlen(piece);
	}
	ck_assert_uint_eq(total, n);
}


static void same_file(const char *a, const char *b)
{
	size_t an, bn;
	char *at = file_read(a, &an), *bt = file_read(b, &bn);

	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_nonnull(bt);
	ck_assert_uint_eq(an, bn);
	ck_assert(!memcmp(at, bt, an));
	mem_deref(at);
	mem_deref(bt);
}


/* A file of octets of all kinds */
static const char *make_file(struct env *env, size_t size)
{
	const char *path = env_path(env, "photo of Ä.bin");
	uint32_t *p = mem_alloc(size, NULL), x = 1;
	FILE *f = fopen(path, "w");
	size_t i;

	ck_assert(p && f);
	for (i=0; i<size / 4; i++)
		p[i] = x = x * 1664525 + 1013904223;
	ck_assert_uint_eq(size, fwrite(p, 1, size, f));
	ck_assert_int_eq(0, fclose(f));
	mem_deref(p);

	return path;
}


static void kept(struct duo *d, const char *way)
{
	const struct pf_event *ev = pf_event(d->pf, "kept", 6 * E2E_WAIT);

	ck_assert_str_eq(way, pf_str(ev, "way"));
	ck_assert_str_eq(ALICE, pf_str(ev, "from"));
	ck_assert_str_eq(BOB, pf_str(ev, "to"));
}


/* Megabytes that the PF had at most */
static unsigned pf_peak(struct duo *d)
{
	char *text = file_read(env_str(d->env, "/proc/%d/status",
				       (int)d->pf->proc->pid), NULL);
	const char *p = text ? strstr(text, "VmHWM:") : NULL;
	const unsigned n = p ? (unsigned)atoi(p + 6) / 1000 : 0;

	ck_assert_uint_gt(n, 0);
	mem_deref(text);
	return n;
}


static size_t big_size(void)
{
	const char *mb = getenv("CPM_LARGE_MB");

	return mb ? (size_t)atoi(mb) * 1000000 : BIG;
}


static void came(const struct odict *o, const char *mode, bool deferred)
{
	ck_assert_str_eq("in", j_str(o, "direction"));
	ck_assert_str_eq(ALICE, j_str(o, "peer"));
	ck_assert_str_eq(mode, j_str(o, "mode"));
	ck_assert_int_eq(deferred, j_bool(o, "deferred"));
}


/* Bob is away. Alice sends a short text, a long one and a file; each is taken
   by the PF the way that it goes. Bob comes back and has them by the same
   ways, octet by octet; Alice learns that they were delivered, and displayed */
START_TEST(away)
{
	static const char *const modev[] = {"page", "session", "large"};
	static const char more[] = "cpm_max_size 4000000000\n";
	char *text;
	const char *path;
	const struct odict *o;
	struct duo d;
	int64_t idv[3];
	size_t i;

	duo_open(&d, !_i, 0);
	env_limit(d.env, 120);
	text = scene_text(d.env, 0, LONG, LONG);
	path = make_file(d.env, _i ? BIG / 50 : big_size());
	(void)duo_phone(&d, "alice", more);

	idv[0] = duo_send(d.a, "\"to\":\"" BOB "\",\"text\":\"Grüße\"");
	kept(&d, "page");
	duo_status(d.a, idv[0], "sent");
	duo_draft(d.a, text);
	idv[1] = duo_send(d.a, "\"to\":\"" BOB "\",\"draft\":\"d\"");
	kept(&d, "session");
	duo_status(d.a, idv[1], "sent");
	idv[2] = duo_send(d.a, "\"to\":\"" BOB "\",\"file\":\"%s\"", path);
	kept(&d, "large");
	duo_status(d.a, idv[2], "sent");
	ck_assert_int_eq(3, pf_int(pf_ask(d.pf, "stats"), "kept"));

	(void)duo_phone(&d, "bob", more);
	o = duo_messages(d.b, 3);
	/* a MESSAGE says that it was kept by its age alone: 60 s */
	for (i=0; i<3; i++)
		came(j_at(o, "messages", (unsigned)i), modev[i], i > 0);
	ck_assert_str_eq("Grüße", j_str(o, "messages.0.text"));
	same_text(d.b, j_int(o, "messages.1.id"), text);
	same_file(path, j_str(o, "messages.2.file"));
	ck_assert_str_eq("photo of Ä.bin", j_str(o, "messages.2.filename"));
	/* one conversation, on both sides */
	ck_assert_int_eq(j_int(o, "messages.0.conversation"),
			 j_int(o, "messages.2.conversation"));
	for (i=0; i<3; i++)
		duo_status(d.a, idv[i], "delivered");
	(void)ctrl_ask(d.b->ctrl, "cpm_display", "c%lld",
		       (long long)j_int(o, "messages.0.conversation"));
	for (i=0; i<3; i++)
		duo_status(d.a, idv[i], "displayed");
	ck_assert_int_eq(0, pf_int(pf_ask(d.pf, "stats"), "kept"));
	/* in which the file did not have room */
	if (d.env->scale == 1)
		ck_assert_uint_lt(pf_peak(&d), 30);
	duo_close(&d);
}
END_TEST


static void composes(struct baresip *from, int64_t conv, struct baresip *to,
		     const char *state)
{
	const struct odict *o;

	o = ctrl_ask(from->ctrl, "cpm_composing",
		     "{\"conversation\":%lld,\"state\":\"%s\"}",
		     (long long)conv, state);
	ck_assert(j_bool(o, "sent"));
	o = ctrl_event(to->ctrl, "composing", E2E_WAIT);
	ck_assert_str_eq(state, j_str(o, "state"));
}


static int64_t only_conversation(struct baresip *b, const char *id)
{
	const struct odict *o = ctrl_ask(b->ctrl, "cpm_conversations", NULL);

	ck_assert_uint_eq(1, j_count(o, "conversations"));
	ck_assert_str_eq(id, j_str(o, "conversations.0.conversation_id"));

	return j_int(o, "conversations.0.id");
}


/* Something on the wire, as the recording has it */
static bool on_wire(struct wire *w, const char *text)
{
	size_t size = 0;
	char *all = file_read(w->file, &size);
	const bool has = all && memmem(all, size, text, strlen(text));

	mem_deref(all);
	return has;
}


/* The same session, both ways */
static void talk(struct duo *d, int64_t ca, int64_t cb)
{
	const struct odict *o;
	int64_t id;

	composes(d->a, ca, d->b, "active");
	id = duo_send(d->a, "\"conversation\":%lld,\"mode\":\"session\","
		      "\"text\":\"Fine\"", (long long)ca);
	duo_status(d->a, id, "delivered");
	composes(d->b, cb, d->a, "active");
	id = duo_send(d->b, "\"conversation\":%lld,\"mode\":\"session\","
		      "\"text\":\"See you\"", (long long)cb);
	duo_status(d->b, id, "delivered");
	(void)ctrl_ask(d->a->ctrl, "cpm_display", "c%lld", (long long)ca);
	duo_status(d->b, id, "displayed");
	o = ctrl_ask(d->a->ctrl, "cpm_sessions", NULL);
	ck_assert_uint_eq(1, j_count(o, "sessions"));
	ck_assert_int_eq(0, pf_int(pf_ask(d->pf, "stats"), "kept"));
}


/* Bob answers what was kept for him: a new session, of the same conversation
   at both ends, that says which one it answers. Then both talk on it */
START_TEST(answer)
{
	static const char config[] = "cpm_idle_timeout 2\n";
	const char *conv_id, *contrib;
	const struct odict *o;
	struct wire_seen seen;
	struct wire *w;
	struct duo d;
	int64_t id, ca, cb;

	duo_open(&d, true, 0);
	w = wire_start(d.env);
	(void)duo_phone(&d, "alice", config);
	id = duo_send(d.a, "\"to\":\"" BOB "\",\"text\":\"Lunch?\"");
	duo_status(d.a, id, "sent");
	(void)duo_phone(&d, "bob", NULL);
	o = duo_messages(d.b, 1);
	conv_id = j_str(o, "messages.0.conversation_id");
	contrib = j_str(o, "messages.0.contribution_id");
	ca = only_conversation(d.a, conv_id);
	cb = only_conversation(d.b, conv_id);
	duo_status(d.a, id, "delivered");
	ctrl_skip(d.a->ctrl);
	ctrl_skip(d.b->ctrl);

	id = duo_send(d.b, "\"reply_to\":%lld,\"text\":\"At one\"",
		      (long long)j_int(o, "messages.0.id"));
	duo_status(d.b, id, "delivered");
	o = duo_messages(d.a, 2);
	ck_assert_str_eq("At one", j_str(o, "messages.1.text"));
	ck_assert_str_eq("session", j_str(o, "messages.1.mode"));
	ck_assert(!j_bool(o, "messages.1.deferred"));
	ck_assert_str_eq(contrib, j_str(o, "messages.1.in_reply_to"));
	ck_assert_str_ne(contrib, j_str(o, "messages.1.contribution_id"));
	ck_assert_int_eq(ca, only_conversation(d.a, conv_id));
	ck_assert_int_eq(cb, only_conversation(d.b, conv_id));

	talk(&d, ca, cb);
	/* and it ends when nobody says any more */
	(void)ctrl_until(d.a->ctrl, "cpm_status", NULL, "sessions", 0,
			 E2E_WAIT);
	(void)ctrl_until(d.b->ctrl, "cpm_status", NULL, "sessions", 0,
			 E2E_WAIT);
	wire_stop(w);
	ck_assert(on_wire(w, env_str(d.env, "\r\nInReplyTo-Contribution-ID: %s"
				     "\r\n", contrib)));
	wire_check(w, (const uint16_t[]){d.core->port, d.pf->sip_port,
			d.a->sip_port, d.b->sip_port, 0},
		   (const uint16_t[]){d.pf->msrp_port, 0}, &seen);
	ck_assert_uint_eq(0, seen.refused);
	duo_close(&d);
}
END_TEST


/* Both register at the PF itself, which hands on what they say, also from TCP
   to UDP */
START_TEST(direct)
{
	const struct odict *o;
	struct duo d;
	int64_t id, cb;

	duo_open(&d, false, 0);
	d.tcp = _i;
	(void)duo_phone(&d, "alice", NULL);
	d.tcp = false;
	(void)duo_phone(&d, "bob", NULL);
	id = duo_send(d.a, "\"to\":\"" BOB "\",\"text\":\"one\"");
	duo_status(d.a, id, "delivered");
	(void)pf_event_kv(d.pf, "proxied", "then", "answered", E2E_WAIT);
	o = duo_messages(d.b, 1);
	came(j_at(o, "messages", 0), "page", false);
	cb = j_int(o, "messages.0.conversation");
	id = duo_send(d.a, "\"to\":\"" BOB "\",\"text\":\"two\","
		      "\"mode\":\"session\"");
	duo_status(d.a, id, "delivered");
	id = duo_send(d.b, "\"conversation\":%lld,\"mode\":\"session\","
		      "\"text\":\"three\"", (long long)cb);
	duo_status(d.b, id, "delivered");
	o = ctrl_ask(d.b->ctrl, "cpm_sessions", NULL);
	ck_assert_uint_eq(1, j_count(o, "sessions"));
	(void)ctrl_ask(d.b->ctrl, "cpm_close", "%lld",
		       (long long)j_int(o, "sessions.0.session"));
	(void)ctrl_until(d.a->ctrl, "cpm_status", NULL, "sessions", 0,
			 E2E_WAIT);
	ck_assert_int_eq(0, pf_int(pf_ask(d.pf, "stats"), "taken"));
	/* ACK and BYE: the dialog goes through the PF */
	ck_assert_int_eq(2, pf_int(pf_ask(d.pf, "stats"), "routed"));
	duo_close(&d);
}
END_TEST


/* Bob is killed: the network thinks that he is there. What he does not answer
   is kept, and he has it when he comes back */
START_TEST(killed)
{
	const struct odict *o;
	struct duo d;
	int64_t id;

	duo_open(&d, !_i, 1000);
	(void)duo_phone(&d, "alice", NULL);
	(void)duo_phone(&d, "bob", NULL);
	baresip_kill(d.b);
	id = duo_send(d.a, "\"to\":\"" BOB "\",\"text\":\"one\"");
	(void)pf_event_kv(d.pf, "kept", "way", "page", E2E_WAIT);
	duo_status(d.a, id, "sent");
	id = duo_send(d.a, "\"to\":\"" BOB "\",\"text\":\"two\","
		      "\"mode\":\"session\"");
	(void)pf_event_kv(d.pf, "kept", "way", "session", E2E_WAIT);
	duo_back(&d, d.b);
	duo_status(d.a, id, "delivered");
	o = duo_messages(d.b, 2);
	ck_assert_str_eq("one", j_str(o, "messages.0.text"));
	ck_assert_str_eq("two", j_str(o, "messages.1.text"));
	came(j_at(o, "messages", 1), "session", true);
	duo_close(&d);
}
END_TEST


/* Alice is away when Bob reads what she wrote: that waits for her */
START_TEST(told)
{
	struct duo d;
	int64_t id;

	duo_open(&d, !_i, 0);
	(void)duo_phone(&d, "alice", NULL);
	(void)duo_phone(&d, "bob", NULL);
	id = duo_send(d.a, "\"to\":\"" BOB "\",\"text\":\"one\"");
	duo_status(d.a, id, "delivered");
	duo_away(&d, d.a);
	(void)ctrl_ask(d.b->ctrl, "cpm_display", "1");
	(void)pf_event_kv(d.pf, "kept", "to", ALICE, E2E_WAIT);
	duo_back(&d, d.a);
	duo_status(d.a, id, "displayed");
	ck_assert_int_eq(0, pf_int(pf_ask(d.pf, "stats"), "kept"));
	duo_close(&d);
}
END_TEST


Suite *duo_suite(void)
{
	Suite *suite = suite_create("duo");
	TCase *tc;

	tc = suite_case(suite, "away", 120);
	tcase_add_loop_test(tc, away, 0, 2);
	tc = suite_case(suite, "talk", 60);
	tcase_add_test(tc, answer);
	tcase_add_loop_test(tc, direct, 0, 2);
	tcase_add_loop_test(tc, told, 0, 2);
	tcase_add_loop_test(tc, killed, 0, 2);

	return suite;
}
