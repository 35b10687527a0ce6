/**
 * @file test_server.c  The Participating Function of test/pf by itself: what
 * it announces, how it is fetched from, and what it does with notifications
 *
 * Played against a client by hand, over UDP and TCP, so that a test of the
 * module does not have to ask whose fault it was.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "phone.h"

#define LIST_TYPE "application/vnd.oma.im.deferred-list+xml"
#define DEFERRED  "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.deferred"

struct client {
	struct env *env;
	struct pf *pf;
	struct phone ph;
	int lfd;              /* MSRP                                     */
	uint16_t mport;
	char got[256];        /* ids of the messages that came            */
	const char *text;     /* what came last                           */
};

/* What a fetch asks for */
struct want {
	const char *setup;    /* default actpass                          */
	const char *dir;      /* default recvonly                         */
	const char *proto;    /* default TCP/MSRP                         */
	const char *list;     /* document behind the SDP, or NULL         */
	const char *from;     /* default alice                            */
};


static int sock(uint16_t *portp)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, len) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len))
		e2e_fail("socket: %s", strerror(errno));
	*portp = ntohs(sin.sin_port);

	return fd;
}


/* What comes next is that */
static const char *want(struct client *c, const char *met)
{
	c->text = phone_request(&c->ph, E2E_WAIT);
	if (!c->text || strncmp(c->text, met, strlen(met)))
		e2e_fail("no %s but %.300s", met, c->text ? c->text : "none");

	return c->text;
}


static bool has(const struct client *c, const char *text)
{
	return strstr(c->text, text) != NULL;
}


static void come(struct client *c)
{
	phone_register(&c->ph);
	(void)pf_event(c->pf, "registered", E2E_WAIT);
}


/* Its database is a file */
static void server_start(struct client *c, const char *const *optv)
{
	const char *argv[16] = {"-A", "-D", DOMAIN, "-d",
				env_path(c->env, "server.db")};
	size_t i;

	for (i=0; optv[i]; i++)
		argv[5 + i] = optv[i];
	c->pf = pf_start(c->env, argv);
}


static void client_open(struct client *c, const char *const *optv)
{
	memset(c, 0, sizeof(*c));
	c->env = env_open();
	server_start(c, optv);
	phone_open(&c->ph, c->pf);
	c->lfd = sock(&c->mport);
	if (listen(c->lfd, 4))
		e2e_fail("listen: %s", strerror(errno));
}


#define OPEN(c, ...) \
	client_open((c), (const char *const []){__VA_ARGS__, NULL})


static void client_close(struct client *c)
{
	phone_close(&c->ph);
	close(c->lfd);
	ck_assert_int_eq(0, pf_quit(c->pf));
	env_close(c->env);
}


static void leave(struct client *c, const char *what)
{
	pf_cmd(c->pf, "leave to=%s %s", ALICE, what);
	(void)pf_event(c->pf, "kept", E2E_SHORT);
}


/* Call for what waits */
static void call(struct client *c, const struct want *want)
{
	const char *from = want->from ? want->from : "alice";
	const char *type = "application/sdp";
	const char *sdp = env_str(c->env, "v=0\r\no=- 1 1 IN IP4 127.0.0.1"
		"\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=message %u %s *\r\na=accept-types:message/cpim\r\n"
		"a=setup:%s\r\na=path:msrp://127.0.0.1:%u/client;tcp\r\n"
		"a=%s\r\n", c->mport, want->proto ? want->proto : "TCP/MSRP",
		want->setup ? want->setup : "actpass", c->mport,
		want->dir ? want->dir : "recvonly");

	if (want->list) {
		type = "multipart/mixed;boundary=\"x y\"";
		sdp = env_str(c->env, "--x y\r\nContent-Type: application/sdp"
			      "\r\n\r\n%s\r\n--x y\r\nContent-Type: "
			      LIST_TYPE "\r\n\r\n%s\r\n--x y--\r\n", sdp,
			      want->list);
	}

	phone_send(&c->ph, "INVITE", from, env_str(c->env, "Accept-Contact: "
		   "*;+g.3gpp.icsi-ref=\"%s\"\r\nContent-Type: %s\r\n",
		   DEFERRED, type), sdp);
}


/* The same, up to the ACK. @return the code of the answer */
static unsigned fetch(struct client *c, const struct want *want)
{
	unsigned code = 0;

	call(c, want);
	c->text = phone_reply(&c->ph, E2E_WAIT);
	if (!c->text || sscanf(c->text, "SIP/2.0 %u", &code) != 1)
		e2e_fail("no answer to the INVITE");
	phone_send(&c->ph, "ACK", want->from ? want->from : "alice", "", "");

	return code;
}


static void msrp_write(int fd, const char *text)
{
	const ssize_t n = (ssize_t)strlen(text);

	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		e2e_fail("send: %s", strerror(errno));
}


/* Answer each whole frame in buf. @return octets used */
static size_t frames(struct client *c, int fd, const char *buf)
{
	const char *start = buf, *end;
	char tid[33], met[10], to[300], from[300], id[65];

	while (sscanf(start, "MSRP %32s %9[^\r]\r\nTo-Path: %299s\r\n"
		      "From-Path: %299s", tid, met, to, from) == 4) {
		const char *p;

		end = strstr(start, env_str(c->env, "\r\n-------%s", tid));
		if (!end || strlen(end) < 12 + strlen(tid))
			break;
		p = strstr(start, "imdn.Message-ID: ");
		if (p && p < end && sscanf(p, "imdn.Message-ID: %64s", id))
			snprintf(c->got + strlen(c->got), sizeof(c->got) -
				 strlen(c->got), "%s ", id);
		if (!strcmp(met, "SEND"))
			msrp_write(fd, env_str(c->env, "MSRP %s 200 OK\r\n"
				"To-Path: %s\r\nFrom-Path: %s\r\n"
				"-------%s$\r\n", tid, from, to, tid));
		start = end + 12 + strlen(tid);
	}

	return (size_t)(start - buf);
}


/* Take what comes until the PF hangs up */
static void take(struct client *c, bool passive)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct pollfd pfdv[2] = {{c->ph.fd, POLLIN, 0}, {-1, POLLIN, 0}};
	char buf[32768], path[300];
	size_t len = 0, used;
	uint16_t port;
	int fd;

	c->got[0] = '\0';
	ck_assert_int_eq(1, sscanf(strstr(c->text, "a=path:"),
				   "a=path:%299s", path));
	if (passive) {
		fd = accept4(c->lfd, NULL, NULL, SOCK_CLOEXEC);
	}
	else {
		sin.sin_port = htons(c->pf->msrp_port);
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = sock(&port);
		ck_assert_int_eq(0, connect(fd, (struct sockaddr *)&sin,
					    sizeof(sin)));
		msrp_write(fd, env_str(c->env, "MSRP bind SEND\r\nTo-Path: "
			"%s\r\nFrom-Path: msrp://127.0.0.1:%u/client;tcp\r\n"
			"Message-ID: b\r\n-------bind$\r\n", path,
			c->mport));
	}

	pfdv[1].fd = fd;
	for (;;) {
		ssize_t n;

		if (poll(pfdv, 2, (int)(E2E_WAIT * c->env->scale)) < 1)
			e2e_fail("nothing comes, got %s", c->got);
		if (pfdv[0].revents) {
			phone_answer(&c->ph, want(c, "BYE "), 200, NULL);
			break;
		}
		n = recv(fd, buf + len, sizeof(buf) - len - 1, 0);
		ck_assert_int_gt(n, 0);
		buf[len += (size_t)n] = '\0';
		used = frames(c, fd, buf);
		memmove(buf, buf + used, len - used + 1);
		len -= used;
	}
	close(fd);
}


/* How it ended, as the PF tells it */
static void ended(struct client *c, int64_t delivered, int64_t left,
		  const char *reason)
{
	const struct pf_event *ev = pf_event(c->pf, "ended", E2E_WAIT);

	ck_assert_int_eq(delivered, pf_int(ev, "delivered"));
	ck_assert_int_eq(left, pf_int(ev, "left"));
	ck_assert_str_eq(reason, pf_str(ev, "reason"));
}


static void announced(struct client *c, const char *met, const char *text)
{
	(void)want(c, met);
	ck_assert(has(c, "\r\nFrom: <sip:rcse-standfw@" DOMAIN ">"));
	ck_assert(has(c, "\r\nAccept-Contact: *;+g.3gpp.icsi-ref=\""
		      DEFERRED "\"\r\n"));
	ck_assert_msg(has(c, text), "no %s in %.1500s", text, c->text);
	phone_answer(&c->ph, c->text, 200, NULL);
}


/* On registration, when more comes, and by command: never twice the same */
START_TEST(announces)
{
	struct client c;

	OPEN(&c, "-W", "pull");
	leave(&c, "from=bob id=m1 text=Grüße <&>");
	leave(&c, "from=carol id=m&2 expires=3000 size=5000");
	come(&c);
	announced(&c, "MESSAGE", "state=\"full\">\r\n"
		  "  <entry reference=\"m1\">\r\n"
		  "    <from>" BOB "</from>\r\n"
		  "    <subject>Grüße &lt;&amp;&gt;</subject>\r\n"
		  "    <size>11</size>\r\n");
	ck_assert_int_eq(2, pf_int(pf_event(c.pf, "announced", E2E_WAIT),
				   "count"));
	ck_assert(has(&c, "<entry reference=\"m&amp;2\">"));
	ck_assert(has(&c, "<expiry>2"));

	/* who only registers again knows it */
	come(&c);
	leave(&c, "from=bob id=m3 text=x");
	announced(&c, "MESSAGE", "<entry reference=\"m3\">");
	(void)pf_event(c.pf, "announced", E2E_WAIT);

	pf_cmd(c.pf, "announce to=alice list=none");
	announced(&c, "MESSAGE", "\r\nContent-Length: 0\r\n\r\n");
	(void)pf_event(c.pf, "announced", E2E_WAIT);
	pf_cmd(c.pf, "announce to=alice list=text");
	announced(&c, "MESSAGE", "\r\n\r\nYou have 3 messages waiting.");
	(void)pf_event(c.pf, "announced", E2E_WAIT);
	pf_cmd(c.pf, "announce to=alice how=notify list=summary");
	announced(&c, "NOTIFY", "\r\n\r\nMessages-Waiting: yes\r\n"
		  "Message-Account: " ALICE "\r\nText-Message: 3/0\r\n");
	ck_assert(has(&c, "\r\nEvent: message-summary\r\n"));
	(void)pf_event(c.pf, "announced", E2E_WAIT);

	/* a refused one is tried again */
	pf_cmd(c.pf, "set announce=message,news");
	leave(&c, "from=bob id=m4 text=x");
	(void)want(&c, "MESSAGE ");
	ck_assert(has(&c, "state=\"partial\""));
	ck_assert(has(&c, "<entry reference=\"m4\">"));
	ck_assert(!has(&c, "<entry reference=\"m3\">"));
	phone_answer(&c.ph, c.text, 480, NULL);
	ck_assert_int_eq(480, pf_int(pf_event(c.pf, "announced", E2E_WAIT),
				     "code"));
	come(&c);
	announced(&c, "MESSAGE", "<entry reference=\"m4\">");
	client_close(&c);
}
END_TEST


/* All, some, whoever connects; then nothing is left */
START_TEST(is_fetched)
{
	struct client c;

	OPEN(&c, "-W", "pull");
	leave(&c, "from=bob id=m1 text=x");
	leave(&c, "from=carol id=m&2 size=5000");
	leave(&c, "from=bob id=m3 text=x");
	leave(&c, "from=bob id=m4 text=x");

	ck_assert_uint_eq(200, fetch(&c, &(struct want){.list =
		"<deferred-list xmlns=\"urn:oma:xml:im:history-list\">"
		"<entry reference='m&amp;2'/><entry reference=\"m3\"/>"
		"<entry reference=\"other\"></entry></deferred-list>"}));
	ck_assert(has(&c, "\r\na=sendonly\r\n"));
	ck_assert(has(&c, "\r\na=setup:passive\r\n"));
	take(&c, false);
	ck_assert_str_eq("m&2 m3 ", c.got);
	ck_assert_int_eq(3, pf_int(pf_event(c.pf, "pull", E2E_SHORT),
				   "refs"));
	ended(&c, 2, 2, "complete");

	ck_assert_uint_eq(200, fetch(&c, &(struct want){.setup = "passive"}));
	ck_assert(has(&c, "\r\na=setup:active\r\n"));
	take(&c, true);
	ck_assert_str_eq("m1 m4 ", c.got);
	ended(&c, 2, 0, "complete");
	ck_assert_uint_eq(480, fetch(&c, &(struct want){.dir = NULL}));
	client_close(&c);
}
END_TEST


START_TEST(refuses)
{
	static const struct {
		struct want want;
		unsigned code;
	} v[] = {
		{{.dir = "sendrecv"}, 488},
		{{.proto = "TCP/TLS/MSRP"}, 488},
		{{.list = "<other/>"}, 400},
		{{.list = "<deferred-list xmlns=\"urn:oma:xml:im:history-list"
		  "\"/>"}, 400},
		{{.list = "<deferred-list xmlns=\"urn:oma:xml:im:history-list"
		  "\"><entry reference=\"none\"/></deferred-list>"}, 480},
		{{.from = "mallory"}, 404},
	};
	struct client c;
	size_t i;

	OPEN(&c, "-W", "pull");
	leave(&c, "from=bob id=m1 text=x");
	for (i=0; i<ARRAY_SIZE(v); i++)
		ck_assert_uint_eq(v[i].code, fetch(&c, &v[i].want));

	pf_cmd(c.pf, "fault pull-refuse=603");
	ck_assert_uint_eq(603, fetch(&c, &v[0].want));
	pf_cmd(c.pf, "fault none");
	pf_cmd(c.pf, "fault early-bye");
	ck_assert_uint_eq(200, fetch(&c, &(struct want){.dir = NULL}));
	phone_answer(&c.ph, want(&c, "BYE "), 200, NULL);
	ended(&c, 0, 1, "early-bye");

	/* what is of another way is not for fetching */
	pf_cmd(c.pf, "way how=session");
	ck_assert_uint_eq(480, fetch(&c, &(struct want){.dir = NULL}));
	client_close(&c);
}
END_TEST


static const char *imdn(struct client *c, const char *id)
{
	const char *xml = env_str(c->env,
		"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>%s"
		"</message-id><datetime>2026-11-21T03:11:00Z</datetime>"
		"<delivery-notification><status><delivered/></status>"
		"</delivery-notification></imdn>", id);

	return env_str(c->env, "From: <%s>\r\nTo: <%s>\r\n"
		       "NS: imdn <urn:ietf:params:imdn>\r\n"
		       "imdn.Message-ID: of-%s\r\n\r\n"
		       "Content-Type: message/imdn+xml\r\n"
		       "Content-Disposition: notification\r\n\r\n%s", BOB,
		       ALICE, id, xml);
}


static void notify(struct client *c, const char *id)
{
	phone_send(&c->ph, "MESSAGE", "bob", "Conversation-ID: c1\r\n"
		   "Content-Type: message/cpim\r\n", imdn(c, id));
	c->text = phone_reply(&c->ph, E2E_WAIT);
	ck_assert_ptr_nonnull(c->text);
	ck_assert(has(c, "SIP/2.0 200"));
	(void)pf_event_kv(c->pf, "imdn", "id", id, E2E_SHORT);
}


static int64_t pending(struct client *c)
{
	return pf_int(pf_ask(c->pf, "pending to=alice"), "count");
}


/* Kept while she is away, each once; passed on while she is here, and kept
   when she does not take it */
START_TEST(notifications)
{
	struct client c;

	OPEN(&c, "-u", "alice:x", "-I");
	notify(&c, "n0");
	ck_assert_int_eq(0, pending(&c));

	pf_cmd(c.pf, "set imdn=apart");
	notify(&c, "n1");
	notify(&c, "n1");
	ck_assert_int_eq(1, pending(&c));
	pf_cmd(c.pf, "auto off");
	come(&c);

	notify(&c, "n2");
	(void)want(&c, "MESSAGE ");
	ck_assert(has(&c, "\r\nP-Asserted-Identity: <" BOB ">\r\n"));
	ck_assert(has(&c, "\r\nConversation-ID: c1\r\n"));
	ck_assert(has(&c, "\r\nimdn.Message-ID: of-n2\r\n"));
	ck_assert(has(&c, "<message-id>n2</message-id>"));
	phone_answer(&c.ph, c.text, 200, NULL);
	ck_assert_int_eq(200, pf_int(pf_event(c.pf, "passed", E2E_WAIT),
				     "code"));
	ck_assert_int_eq(1, pending(&c));

	notify(&c, "n3");
	phone_answer(&c.ph, want(&c, "MESSAGE "), 480, NULL);
	(void)pf_event_kv(c.pf, "stored", "id", "n3", E2E_WAIT);
	ck_assert_int_eq(2, pending(&c));
	client_close(&c);
}
END_TEST


/* No answer, until the client gives up */
START_TEST(silent)
{
	struct client c;

	OPEN(&c, "-W", "pull", "-f", "pull-silent");
	leave(&c, "from=bob id=m1 text=x");
	call(&c, &(struct want){.dir = NULL});
	(void)pf_event_kv(c.pf, "pull", "code", "0", E2E_WAIT);
	phone_send(&c.ph, "CANCEL", "alice", "", "");
	c.text = phone_reply(&c.ph, E2E_WAIT);
	ck_assert(c.text && has(&c, "SIP/2.0 200"));
	c.text = phone_reply(&c.ph, E2E_WAIT);
	ck_assert(c.text && has(&c, "SIP/2.0 487"));
	phone_send(&c.ph, "ACK", "alice", "", "");
	(void)pf_event_kv(c.pf, "pull", "code", "487", E2E_WAIT);
	client_close(&c);
}
END_TEST


/* What waits to be fetched and what was stored of notifications is there
   after a crash, and comes to who registers then */
START_TEST(crashed)
{
	struct client c;

	OPEN(&c, "-W", "pull");
	leave(&c, "from=bob id=m1 text=x");
	pf_cmd(c.pf, "report to=alice from=bob id=n1 status=displayed");
	(void)pf_event(c.pf, "stored", E2E_WAIT);
	proc_kill(c.pf->proc);
	phone_close(&c.ph);

	server_start(&c, (const char *const []){"-W", "pull", NULL});
	phone_open(&c.ph, c.pf);
	ck_assert_int_eq(2, pending(&c));
	come(&c);
	announced(&c, "MESSAGE", "<entry reference=\"m1\">");
	(void)want(&c, "INVITE ");
	ck_assert(has(&c, "\r\nP-Asserted-Identity: <sip:rcse-standfw@"
		      DOMAIN ">\r\nReferred-By: <" BOB ">\r\n"));
	ck_assert(has(&c, "\r\nContent-Type: application/sdp\r\n"));
	ck_assert(has(&c, "\r\na=sendonly\r\n"));
	phone_answer(&c.ph, c.text, 480, NULL);
	(void)pf_event_kv(c.pf, "answer", "code", "480", E2E_WAIT);
	ck_assert_int_eq(2, pending(&c));
	client_close(&c);
}
END_TEST


Suite *server_suite(void)
{
	Suite *suite = suite_create("server");
	TCase *tc = suite_case(suite, "server", 60);

	tcase_add_test(tc, announces);
	tcase_add_test(tc, is_fetched);
	tcase_add_test(tc, refuses);
	tcase_add_test(tc, notifications);
	tcase_add_test(tc, silent);
	tcase_add_test(tc, crashed);

	return suite;
}
