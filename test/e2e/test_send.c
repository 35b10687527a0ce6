/**
 * @file test_send.c  Messages of ours in page mode: to whom, in which order,
 *                    what becomes of them
 *
 * OMA CPM 7.2.1; RFC 3428; RFC 5438; wire.md 4.1, 7 and 13.9. The server is
 * played by hand, but where it is the PF.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "server.h"


enum {
	SEEN_MAX = 64,
	BUSY     = 2000,      /* ms that a server says it is busy for     */
};

/** Alice, who registers nowhere, and the server that she sends to */
struct line {
	struct server s;
	struct ctrl *c;
	const char *seenv[SEEN_MAX];
	unsigned seenc;
};


static void line_open(struct line *l)
{
	memset(l, 0, sizeof(*l));
	server_open(&l->s, env_open(), NULL);
	l->c = l->s.b->ctrl;
}


static void line_close(struct line *l)
{
	ck_assert_int_eq(0, baresip_quit(l->s.b));
	server_close(&l->s);
	env_close(l->s.env);
}


static const char *of(struct line *l, const char *req, const char *name)
{
	const char *val = server_field(&l->s, req, name);

	ck_assert_msg(val != NULL, "no %s in: %s", name, req);

	return val;
}


static const char *id_of(struct line *l, const char *req)
{
	return of(l, req, "imdn.Message-ID: ");
}


static const char *body_of(const char *req)
{
	const char *p = NULL, *next = req;

	while ((next = strstr(next, "\r\n\r\n")))
		p = next += 4;
	ck_assert_ptr_nonnull(p);

	return p;
}


/* The next MESSAGE: none that comes again because its answer is slow */
static const char *next(struct line *l)
{
	const char *via;
	unsigned i;

	do {
		server_wait(&l->s, "MESSAGE");
		via = of(l, l->s.req, "Via: ");
		for (i=0; i<l->seenc && strcmp(l->seenv[i], via); i++)
			;
	} while (i < l->seenc);

	ck_assert_uint_lt(l->seenc, SEEN_MAX);
	l->seenv[l->seenc++] = via;

	return l->s.req;
}


static const char *next_is(struct line *l, const char *text)
{
	const char *req = next(l);

	ck_assert_msg(!strcmp(text, body_of(req)), "not \"%s\": \"%s\"", text,
		      body_of(req));

	return req;
}


static void take(struct line *l, const char *text)
{
	server_reply(&l->s, next_is(l, text), "200 OK", NULL);
}


static int put(struct ctrl *c, const char *user, const char *text)
{
	return (int)j_int(ctrl_ask(c, "cpm_send", "{\"to\":\"sip:%s@" DOMAIN
				   "\",\"text\":\"%s\"}", user, text), "id");
}


static const struct odict *moved(struct ctrl *c, int id, const char *status)
{
	const struct odict *o = ctrl_event(c, "status", E2E_WAIT);

	ck_assert_int_eq(id, j_int(o, "id"));
	ck_assert_str_eq(status, j_str(o, "status"));

	return o;
}


static void is(struct ctrl *c, int id, const char *status, int64_t code)
{
	const struct odict *m = ctrl_ask(c, "cpm_message", "%d", id);

	ck_assert_str_eq(status, j_str(m, "status"));
	if (code)
		ck_assert_int_eq(code, j_int(m, "code"));
	else
		ck_assert(!j_has(m, "code"));
}


static void none_left(struct ctrl *c)
{
	(void)ctrl_until(c, "cpm_status", NULL, "queued", 0, E2E_WAIT);
}


/* Bob's client says what became of it */
static void tell(struct line *l, const char *id, const char *kind,
		 const char *status)
{
	const char *doc = env_str(l->s.env, "From: <" BOB ">\r\nTo: <" ALICE
		">\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n"
		"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>%s"
		"</message-id><datetime>2026-11-21T03:11:00Z</datetime>"
		"<%s-notification><status><%s/></status></%s-notification>"
		"</imdn>", id, kind, status, kind);

	ck_assert_uint_eq(200, server_say(&l->s, "MESSAGE", BOB,
		"Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-"
		"service.ims.icsi.oma.cpm.msg\"\r\n", "message/cpim", doc));
}


static const char text_utf8[] = "Gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac";

/* What goes over the wire, and what the bus shows of it until it was read */
START_TEST(content)
{
	const struct odict *m;
	const char *req, *id;
	struct line l;
	int n;

	line_open(&l);
	n = put(l.c, "bob", text_utf8);
	req = next_is(&l, text_utf8);
	(void)ctrl_until(l.c, "cpm_status", NULL, "queued", 1, E2E_WAIT);
	ck_assert_ptr_eq(req, strstr(req, "MESSAGE " BOB " SIP/2.0\r\n"));
	ck_assert_str_eq("<" BOB ">", of(&l, req, "To: "));
	ck_assert_ptr_nonnull(server_field(&l.s, req, "From: <" ALICE
					   ">;tag="));
	ck_assert_str_eq("urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg",
			 of(&l, req, "P-Preferred-Service: "));
	ck_assert_str_eq("<" ALICE ">", of(&l, req, "P-Preferred-Identity: "));
	ck_assert_str_eq("*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims"
			 ".icsi.oma.cpm.msg\"", of(&l, req,
						   "Accept-Contact: "));
	ck_assert_uint_eq(36, strlen(of(&l, req, "Conversation-ID: ")));
	ck_assert_uint_eq(36, strlen(of(&l, req, "Contribution-ID: ")));
	ck_assert_ptr_null(server_field(&l.s, req, "InReplyTo"));
	ck_assert_str_eq("message/cpim", of(&l, req, "Content-Type: "));
	ck_assert_ptr_nonnull(strstr(req, "\r\n\r\nFrom: <" ALICE ">\r\nTo: <"
				     BOB ">\r\nDateTime: "));
	ck_assert_str_eq("positive-delivery, negative-delivery, display",
			 of(&l, req, "imdn.Disposition-Notification: "));
	ck_assert_ptr_nonnull(strstr(req, "Content-Type: text/plain;"
				     "charset=UTF-8\r\nContent-Length: 11\r\n"
				     "\r\n"));
	id = id_of(&l, req);
	server_reply(&l.s, req, "202 Accepted", NULL);
	ck_assert_int_eq(202, j_int(moved(l.c, n, "sent"), "code"));
	none_left(l.c);

	m = ctrl_ask(l.c, "cpm_message", "%d", n);
	ck_assert_str_eq(id, j_str(m, "imdn_id"));
	ck_assert_str_eq("out", j_str(m, "direction"));
	ck_assert_str_eq("page", j_str(m, "mode"));
	ck_assert_str_eq(BOB, j_str(m, "peer"));
	ck_assert_str_eq(text_utf8, j_str(m, "text"));
	ck_assert_str_eq(of(&l, req, "Conversation-ID: "),
			 j_str(m, "conversation_id"));
	tell(&l, id, "delivery", "delivered");
	(void)moved(l.c, n, "delivered");
	tell(&l, id, "display", "displayed");
	(void)moved(l.c, n, "displayed");
	is(l.c, n, "displayed", 0);
	tell(&l, id, "delivery", "delivered");
	is(l.c, n, "displayed", 0);
	line_close(&l);
}
END_TEST


/* Bob's client is faster than the server: where it stands does not go back,
   nor does anybody hear so, and it is not sent again */
START_TEST(overtaken)
{
	struct line l;
	const char *req;
	int n;

	line_open(&l);
	n = put(l.c, "bob", "a");
	req = next_is(&l, "a");
	tell(&l, id_of(&l, req), "delivery", "delivered");
	(void)moved(l.c, n, "delivered");
	server_reply(&l.s, req, "200 OK", NULL);
	none_left(l.c);
	n = put(l.c, "bob", "b");
	take(&l, "b");
	(void)moved(l.c, n, "sent");
	is(l.c, 1, "delivered", 0);
	line_close(&l);
}
END_TEST


/* It was taken, and could not be delivered */
START_TEST(undelivered)
{
	struct line l;
	const char *req;
	int n;

	line_open(&l);
	n = put(l.c, "bob", "a");
	req = next_is(&l, "a");
	server_reply(&l.s, req, "200 OK", NULL);
	(void)moved(l.c, n, "sent");
	tell(&l, id_of(&l, req), "delivery", "failed");
	ck_assert_str_eq("failed", j_str(moved(l.c, n, "failed"), "reason"));
	line_close(&l);
}
END_TEST


static const struct {
	const char *code;
	const char *reason;   /* NULL: it is tried again                    */
} codev[] = {
	{"400 x", "the request was not understood"}, {"403 x", "not allowed"},
	{"404 x", "no such user"}, {"408 x", NULL},
	{"415 x", "the other side does not take this type"}, {"480 x", NULL},
	{"486 x", NULL}, {"500 x", NULL}, {"503 x", NULL},
	{"600 x", "busy"}, {"603 x", "declined"},
};


/* Those that are not final come again, as the same message, and go then */
START_TEST(codes)
{
	const char *idv[ARRAY_SIZE(codev)] = {NULL}, *req;
	const unsigned all = ARRAY_SIZE(codev);
	unsigned i, final = 0, gone = 0;
	struct line l;

	line_open(&l);
	for (i=0; i<all; i++) {
		(void)put(l.c, env_str(l.s.env, "b%u", i), "x");
		final += codev[i].reason != NULL;
	}
	while (gone < all - final) {
		req = next(&l);
		i = (unsigned)atoi(of(&l, req, "To: <sip:b"));
		ck_assert_uint_lt(i, all);
		if (idv[i]) {
			ck_assert_ptr_null(codev[i].reason);
			ck_assert_str_eq(idv[i], id_of(&l, req));
			server_reply(&l.s, req, "200 OK", NULL);
			++gone;
			continue;
		}
		idv[i] = id_of(&l, req);
		server_reply(&l.s, req, codev[i].code, NULL);
	}
	none_left(l.c);
	for (i=0; i<all; i++) {
		const struct odict *m = ctrl_ask(l.c, "cpm_message", "%u",
						 i + 1);

		ck_assert_str_eq(codev[i].reason ? "failed" : "sent",
				 j_str(m, "status"));
		ck_assert_int_eq(codev[i].reason ? atoi(codev[i].code) : 200,
				 j_int(m, "code"));
		if (codev[i].reason)
			ck_assert_str_eq(codev[i].reason,
					 j_str(m, "reason"));
	}
	line_close(&l);
}
END_TEST


/* With 401 or 407, and a nonce of its own each time */
static void challenge(struct line *l, const char *req, bool www)
{
	static unsigned count;

	server_reply(&l->s, req, www ? "401 x" : "407 x", env_str(l->s.env,
		"%s: Digest realm=\"cpm.test\", nonce=\"n%u\", qop=\"auth\", "
		"stale=true, algorithm=MD5\r\n", www ? "WWW-Authenticate"
		: "Proxy-Authenticate", ++count));
}


/* The credentials go; who is challenged all the same begins anew later */
START_TEST(challenged)
{
	const char *req, *id;
	struct line l;
	int n, i;

	line_open(&l);
	n = put(l.c, "bob", "a");
	req = next_is(&l, "a");
	id = id_of(&l, req);
	ck_assert_ptr_null(strstr(req, "uthorization: "));
	challenge(&l, req, _i);
	req = next_is(&l, "a");
	ck_assert_str_eq(id, id_of(&l, req));
	ck_assert_ptr_nonnull(strstr(of(&l, req, _i ? "Authorization: "
					: "Proxy-Authorization: "),
				     "username=\"alice\""));
	server_reply(&l.s, req, "200 OK", NULL);
	(void)moved(l.c, n, "sent");

	n = put(l.c, "bob", "b");
	for (i=0; i<3; i++) {
		req = next_is(&l, "b");
		id = id_of(&l, req);
		challenge(&l, req, _i);
	}
	req = next_is(&l, "b");
	ck_assert_str_eq(id, id_of(&l, req));
	ck_assert_ptr_null(strstr(req, "uthorization: "));
	server_reply(&l.s, req, "200 OK", NULL);
	(void)moved(l.c, n, "sent");
	line_close(&l);
}
END_TEST


/* Bob is elsewhere, at the best place that takes it */
START_TEST(elsewhere)
{
	const char *req, *id;
	struct line l;
	int n;

	line_open(&l);
	n = put(l.c, "bob", "a");
	req = next_is(&l, "a");
	id = id_of(&l, req);
	server_reply(&l.s, req, "302 x", "Contact: <sip:b1@x.test>;q=0.2, "
		     "<sip:b2@x.test>;q=0.8, <" BOB ">\r\n");
	req = next_is(&l, "a");
	ck_assert_ptr_eq(req, strstr(req, "MESSAGE sip:b2@x.test "));
	ck_assert_str_eq("<" BOB ">", of(&l, req, "To: "));
	server_reply(&l.s, req, "404 x", NULL);
	req = next_is(&l, "a");
	ck_assert_ptr_eq(req, strstr(req, "MESSAGE sip:b1@x.test "));
	ck_assert_str_eq(id, id_of(&l, req));
	server_reply(&l.s, req, "200 OK", NULL);
	(void)moved(l.c, n, "sent");
	n = put(l.c, "bob", "b");
	server_reply(&l.s, next_is(&l, "b"), "302 x", "Contact: <" BOB
		     ">\r\n");
	ck_assert_int_eq(302, j_int(moved(l.c, n, "failed"), "code"));
	line_close(&l);
}
END_TEST


/* The server is busy with Bob's, and says for how long; Carol's are not held
   up. Then they go in their order */
START_TEST(busy)
{
	struct line l;
	uint64_t begin;
	int i;

	line_open(&l);
	(void)put(l.c, "bob", "b1");
	(void)put(l.c, "bob", "b2");
	(void)put(l.c, "bob", "b3");
	server_reply(&l.s, next_is(&l, "b1"), "503 x", "Retry-After: 2\r\n");
	begin = e2e_now();
	for (i=0; i<3; i++) {
		(void)put(l.c, "carol", "c");
		take(&l, "c");
	}
	ck_assert_uint_lt(e2e_now() - begin, BUSY);
	(void)ctrl_until(l.c, "cpm_status", NULL, "queued", 3, E2E_WAIT);
	take(&l, "b1");
	ck_assert_uint_ge(e2e_now() - begin, BUSY - 100);
	take(&l, "b2");
	take(&l, "b3");
	none_left(l.c);
	line_close(&l);
}
END_TEST


/* Killed with one on its way and others behind it: nothing is lost, nothing
   goes as another message, and the order stays */
START_TEST(killed)
{
	struct line l;
	const char *id;
	int i;

	line_open(&l);
	for (i=1; i<=5; i++)
		(void)put(l.c, "bob", env_str(l.s.env, "b%d", i));
	take(&l, "b1");
	(void)moved(l.c, 1, "sent");
	id = id_of(&l, next_is(&l, "b2"));
	baresip_kill(l.s.b);
	baresip_restart(l.s.b);
	l.c = l.s.b->ctrl;
	ck_assert_str_eq(id, id_of(&l, next_is(&l, "b2")));
	is(l.c, 1, "sent", 200);
	baresip_kill(l.s.b);
	baresip_restart(l.s.b);
	l.c = l.s.b->ctrl;
	ck_assert_str_eq(id, id_of(&l, next_is(&l, "b2")));
	server_reply(&l.s, l.s.req, "200 OK", NULL);
	for (i=3; i<=5; i++)
		take(&l, env_str(l.s.env, "b%d", i));
	none_left(l.c);
	line_close(&l);
}
END_TEST


/* What is behind the one that nobody answers can still be called back */
START_TEST(called_back)
{
	const struct odict *o;
	struct line l;
	const char *first;
	int n[4], i;

	line_open(&l);
	for (i=0; i<4; i++)
		n[i] = put(l.c, "bob", env_str(l.s.env, "b%d", i + 1));
	first = next_is(&l, "b1");
	(void)ctrl_ask(l.c, "cpm_cancel", "%d", n[1]);
	o = moved(l.c, n[1], "failed");
	ck_assert_str_eq("canceled", j_str(o, "reason"));
	ck_assert(!j_has(o, "code"));
	(void)ctrl_ask(l.c, "cpm_delete", "%d", n[2]);
	(void)ctrl_until(l.c, "cpm_status", NULL, "queued", 2, E2E_WAIT);
	server_reply(&l.s, first, "200 OK", NULL);
	(void)moved(l.c, n[0], "sent");
	take(&l, "b4");
	(void)moved(l.c, n[3], "sent");
	ck_assert(!ctrl_cmd(l.c, "cpm_cancel", "1", NULL));
	none_left(l.c);
	line_close(&l);
}
END_TEST


/* What became of a message is known though its file is not there any more */
START_TEST(file_gone)
{
	const struct odict *m;
	const char *file, *lines;
	struct odict *o;
	struct line l;
	char *text;

	line_open(&l);
	file = env_path(l.s.env, "a file");
	lines = env_path(l.s.env, "all.jsonl");
	file_write(file, "octets");
	(void)ctrl_ask(l.c, "cpm_send", "{\"to\":\"" BOB "\",\"file\":\"%s\","
		       "\"mode\":\"page\"}", file);
	server_reply(&l.s, next_is(&l, "octets"), "503 Not now",
		     "Retry-After: 3600\r\n");
	(void)ctrl_until(l.c, "cpm_message", "1", "tries", 1, E2E_WAIT);
	ck_assert_int_eq(0, unlink(file));

	m = ctrl_ask(l.c, "cpm_message", "1");
	ck_assert_str_eq("queued", j_str(m, "status"));
	ck_assert_int_eq(503, j_int(m, "code"));
	ck_assert_str_eq(file, j_str(m, "file"));
	ck_assert(j_bool(m, "missing"));

	(void)ctrl_ask(l.c, "cpm_export", "{\"path\":\"%s\"}", lines);
	ck_assert_int_eq(1, j_int(ctrl_event(l.c, "export", E2E_WAIT),
				  "lost"));
	text = file_read(lines, NULL);
	ck_assert_ptr_nonnull(text);
	o = j_decode(text, strcspn(text, "\n"));
	ck_assert_ptr_nonnull(o);
	env_keep(l.s.env, o);
	ck_assert_str_eq("queued", j_str(o, "status"));
	ck_assert_int_eq(1, j_int(o, "tries"));
	mem_deref(text);
	line_close(&l);
}
END_TEST


/* The PF is away, and back: what waited goes when Alice has registered again,
   once. She is killed in between */
START_TEST(pf_away)
{
	const struct scene_args args = {
		.optv = {"-K", "-u", "bob:x", "-u", "carol:x", NULL}};
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &args);
	scene_start(&s);
	(void)put(s.c, "bob", "b1");
	ev = pf_event(s.pf, "kept", E2E_WAIT);
	ck_assert_str_eq(BOB, pf_str(ev, "to"));
	ck_assert_int_eq(202, j_int(moved(s.c, 1, "sent"), "code"));
	ck_assert_int_eq(0, pf_quit(s.pf));
	(void)put(s.c, "bob", "b2");
	(void)put(s.c, "carol", "c1");
	baresip_kill(s.b);
	scene_pf_restart(&s, "secret");
	scene_restart(&s);
	(void)pf_event_kv(s.pf, "kept", "to", BOB, E2E_WAIT);
	(void)pf_event_kv(s.pf, "kept", "to", CAROL, E2E_WAIT);
	none_left(s.c);
	is(s.c, 2, "sent", 202);
	is(s.c, 3, "sent", 202);
	ck_assert_ptr_null(pf_try_event(s.pf, "kept", NULL, NULL, 1));
	scene_close(&s);
}
END_TEST


Suite *send_suite(void)
{
	Suite *suite = suite_create("send");
	TCase *tc = suite_case(suite, "send", 60);

	tcase_add_test(tc, content);
	tcase_add_test(tc, overtaken);
	tcase_add_test(tc, undelivered);
	tcase_add_test(tc, codes);
	tcase_add_loop_test(tc, challenged, 0, 2);
	tcase_add_test(tc, elsewhere);
	tcase_add_test(tc, busy);
	tcase_add_test(tc, killed);
	tcase_add_test(tc, file_gone);
	tcase_add_test(tc, called_back);
	tcase_add_test(tc, pf_away);

	return suite;
}
