/**
 * @file server.c  A server that is asked for what it keeps, by hand
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
#include "server.h"


static const char *heard = "";
static const char *said = "";
static int said_fd = -1;

static int sock(int type, uint16_t *portp)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, len) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len))
		e2e_fail("socket: %s", strerror(errno));
	*portp = ntohs(sin.sin_port);

	return fd;
}


static void put(struct server *s, const char *text)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(s->b->sip_port)};

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (sendto(s->udp, text, strlen(text), 0, (struct sockaddr *)&sin,
		   sizeof(sin)) < 0)
		e2e_fail("sendto: %s", strerror(errno));
}


/* @return NULL if nothing comes in that time */
static const char *get(struct server *s, unsigned ms)
{
	struct pollfd pfd = {s->udp, POLLIN, 0};
	char text[65536];
	ssize_t n;

	if (poll(&pfd, 1, (int)(ms * s->env->scale)) != 1)
		return NULL;
	n = recv(s->udp, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';

	return env_str(s->env, "%s", text);
}


const char *server_field(struct server *s, const char *text,
			 const char *name)
{
	const char *p = strstr(text, env_str(s->env, "\r\n%s", name));

	if (!p)
		return NULL;
	p += strlen(name) + 2;

	return env_str(s->env, "%.*s", (int)strcspn(p, "\r"), p);
}


void server_open(struct server *s, struct env *env, const char *config)
{
	const struct server none = {.env = env, .tag = "", .req = "",
				    .invite = ""};

	*s = none;
	s->udp = sock(SOCK_DGRAM, &s->port);
	port_add(env, s->port);
	s->b = baresip_start(env, &(struct baresip_args){
		.name = "alice", .config = config,
		.accounts = env_str(env, "<sip:alice@cpm.test>;regint=0;"
			"auth_user=alice;auth_pass=secret;"
			"outbound=\"sip:127.0.0.1:%u\"\n", s->port)});
	s->msrp.env = env;
	s->msrp.b = s->b;
	s->msrp.fd = -1;
	snprintf(s->msrp.host, sizeof(s->msrp.host), "127.0.0.1");
	s->msrp.lfd = sock(SOCK_STREAM, &s->msrp.port);
	port_add(env, s->msrp.port);
	if (listen(s->msrp.lfd, 4))
		e2e_fail("listen: %s", strerror(errno));
}


void server_close(struct server *s)
{
	if (s->msrp.fd >= 0)
		close(s->msrp.fd);
	close(s->msrp.lfd);
	close(s->udp);
}


static unsigned exchange(struct server *s, const char *text)
{
	struct server tmp = *s;
	unsigned code = 0;

	tmp.udp = said_fd;
	put(&tmp, text);
	while (code < 200) {
		heard = get(&tmp, E2E_WAIT);
		if (!heard)
			e2e_fail("no answer to %s", text);
		(void)sscanf(heard, "SIP/2.0 %u", &code);
	}

	return code;
}


unsigned server_say(struct server *s, const char *met, const char *from,
		    const char *head, const char *type, const char *body)
{
	static unsigned count;
	const unsigned n = ++count;
	const char *ctype = type ? env_str(s->env, "Content-Type: %s\r\n",
					   type) : "";
	uint16_t port;

	if (said_fd >= 0)
		close(said_fd);
	said_fd = sock(SOCK_DGRAM, &port);

	said = env_str(s->env, "%s sip:alice@cpm.test SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bKs%u\r\n"
		"Max-Forwards: 70\r\nFrom: <%s>;tag=s%u\r\n"
		"To: <sip:alice@cpm.test>\r\nCall-ID: say%u.%u\r\n"
		"CSeq: 1 %s\r\nContact: <sip:pf@127.0.0.1:%u>\r\n%s%s"
		"Content-Length: %zu\r\n\r\n%s", met, s->port, n,
		from ? from : "sip:rcse-standfw@cpm.test", n, n, s->port, met,
		s->port, head ? head : DEFERRED, ctype, strlen(body), body);

	return exchange(s, said);
}


unsigned server_again(struct server *s)
{
	return exchange(s, said);
}


const char *server_heard(void)
{
	return heard;
}


/* 200, and what a dialog's answers have */
static void reply(struct server *s, const char *req, const char *code,
		  const char *tail)
{
	const char *via = server_field(s, req, "Via: ");
	const char *from = server_field(s, req, "From: ");
	const char *to = server_field(s, req, "To: ");
	const char *callid = server_field(s, req, "Call-ID: ");
	const char *cseq = server_field(s, req, "CSeq: ");

	put(s, env_str(s->env, "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\n"
		"To: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n%s", code, via,
		from, to, strstr(to, "tag=") ? "" : ";tag=",
		strstr(to, "tag=") ? "" : s->tag, callid, cseq, tail));
}


static bool is_method(const char *text, const char *met)
{
	const size_t n = strlen(met);

	return !strncmp(text, met, n) && text[n] == ' ';
}


static void seen(struct server *s, const char *text)
{
	s->req = text;
	if (is_method(text, "INVITE")) {
		s->invite = text;
		s->tag = env_str(s->env, "srv%u", ++s->invites);
	}
	if (is_method(text, "BYE") || is_method(text, "CANCEL"))
		reply(s, text, "200 OK", "Content-Length: 0\r\n\r\n");
	if (is_method(text, "CANCEL"))
		reply(s, s->invite, "487 Cancelled",
		      "Content-Length: 0\r\n\r\n");
}


void server_wait(struct server *s, const char *met)
{
	for (;;) {
		const char *text = get(s, E2E_WAIT);

		if (!text)
			e2e_fail("no %s", met);
		if (!strncmp(text, "SIP/2.0", 7))
			continue;
		/* one that comes again, for the answer was slow */
		if (is_method(text, "INVITE") && !strcmp(text, s->invite))
			continue;
		s->acks += is_method(text, "ACK");
		seen(s, text);
		if (is_method(text, met))
			return;
	}
}


void server_quiet(struct server *s, const char *met, unsigned ms)
{
	const uint64_t end = e2e_now() + ms;

	while (e2e_now() < end) {
		const char *text = get(s, 50);

		if (text && is_method(text, met))
			e2e_fail("%s came: %s", met, text);
	}
}


void server_answer(struct server *s, const char *code, const char *head,
		   const char *sdp)
{
	const char *peer = server_field(s, s->invite, "a=path:");

	if (peer)
		snprintf(s->msrp.peer, sizeof(s->msrp.peer), "%s", peer);
	reply(s, s->invite, code, env_str(s->env,
		"Contact: <sip:pf@127.0.0.1:%u>\r\n%s%s"
		"Content-Length: %zu\r\n\r\n%s", s->port, head ? head : "",
		sdp ? "Content-Type: application/sdp\r\n" : "",
		sdp ? strlen(sdp) : 0, sdp ? sdp : ""));
}


void server_reply(struct server *s, const char *req, const char *code,
		  const char *head)
{
	reply(s, req, code, env_str(s->env, "%sContent-Length: 0\r\n\r\n",
				    head ? head : ""));
}


const char *server_sdp(struct server *s, const char *setup)
{
	snprintf(s->msrp.path, sizeof(s->msrp.path),
		 "msrp://127.0.0.1:%u/srv%u;tcp", s->msrp.port, s->invites);

	return env_str(s->env, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
		"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message %u TCP/MSRP *\r\n"
		"a=accept-types:message/cpim\r\na=setup:%s\r\na=path:%s\r\n"
		"a=%s\r\n", s->msrp.port, setup, s->msrp.path,
		s->chat ? "sendrecv" : "sendonly");
}


void server_take(struct server *s)
{
	server_wait(s, "INVITE");
	server_answer(s, "200 OK", NULL, server_sdp(s, "passive"));
	server_wait(s, "ACK");
	caller_bind(&s->msrp);
}


void server_message(struct server *s, const char *id, const char *from,
		    const char *text)
{
	static unsigned count;
	const unsigned i = ++count;
	struct caller *c = &s->msrp;
	const char *cpim = env_str(s->env, "From: <%s>\r\n"
		"To: <sip:alice@cpm.test>\r\nNS: imdn <urn:ietf:params:imdn>"
		"\r\nimdn.Message-ID: %s\r\n"
		"imdn.Disposition-Notification: positive-delivery\r\n"
		"DateTime: 2026-11-21T03:11:00Z\r\n\r\n"
		"Content-Type: text/plain\r\n\r\n%s", from ? from
		: "sip:anonymous@anonymous.invalid", id, text);

	caller_write(c, env_str(s->env, "MSRP srv%05u SEND\r\nTo-Path: %s\r\n"
		"From-Path: %s\r\nMessage-ID: s%u\r\nByte-Range: 1-%zu/%zu\r\n"
		"Content-Type: message/cpim\r\n\r\n%s\r\n-------srv%05u$\r\n",
		i, c->peer, c->path, i, strlen(cpim), strlen(cpim), cpim, i));
	if (!caller_read(c, E2E_WAIT) || !strstr(c->text, " 200 "))
		e2e_fail("the message was answered: %s", c->text);
}


void server_bye(struct server *s)
{
	const char *contact = server_field(s, s->invite, "Contact: <");
	const char *text, *from = server_field(s, s->invite, "From: ");

	put(s, env_str(s->env, "BYE %.*s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bKb%u\r\n"
		"Max-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\n"
		"Call-ID: %s\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
		(int)strcspn(contact, ">"), contact, s->port, s->invites,
		server_field(s, s->invite, "To: "), s->tag, from,
		server_field(s, s->invite, "Call-ID: ")));
	do {
		text = get(s, E2E_WAIT);
		if (!text)
			e2e_fail("no answer to the BYE");
	} while (strncmp(text, "SIP/2.0 200", 11));
	if (s->msrp.fd >= 0)
		close(s->msrp.fd);
	s->msrp.fd = -1;
}
