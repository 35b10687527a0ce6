/**
 * @file caller.c  A PF by hand
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
#include "caller.h"


static bool readable(int fd, unsigned ms)
{
	struct pollfd pfd = {fd, POLLIN, 0};

	return poll(&pfd, 1, (int)ms) == 1;
}


static int sock(int type, const char *host, uint16_t *portp)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, host, &sin.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&sin, len) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len))
		e2e_fail("socket on %s: %s", host, strerror(errno));
	*portp = ntohs(sin.sin_port);

	return fd;
}


static void datagram(const struct caller *c, const char *to,
		     const char *text)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(c->b->sip_port)};

	if (inet_pton(AF_INET, to, &sin.sin_addr) != 1 ||
	    sendto(c->udp, text, strlen(text), 0, (struct sockaddr *)&sin,
		   sizeof(sin)) < 0)
		e2e_fail("sendto %s: %s", to, strerror(errno));
}


static const char *target(const struct caller *c,
			  const struct caller_args *args)
{
	return args->to ? args->to : c->b->host;
}


static const char *request(struct caller *c, const char *to,
			   const char *met, const char *more)
{
	uint16_t port;
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	const char *text;

	(void)getsockname(c->udp, (struct sockaddr *)&sin, &len);
	port = ntohs(sin.sin_port);
	text = env_str(c->env, "%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s:%u;rport;branch=z9hG4bK%u%s\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:rcse-standfw@%s>;tag=c%u\r\n"
		"To: %s\r\nCall-ID: caller%u\r\nCSeq: %u %s\r\n"
		"Contact: <sip:pf@%s:%u>%s\r\n%s", met, c->contact, c->host,
		port, c->n, met, "cpm.test", c->n, c->to, c->n,
		strcmp(met, "BYE") ? 1 : 2, met, c->host, port,
		c->focus ? ";isfocus" : "", more);
	datagram(c, to, text);

	return text;
}


static void field(char *dst, size_t size, const char *text, const char *name)
{
	const char *p = strstr(text, name);

	if (!p)
		e2e_fail("no %s in %s", name, text);
	p += strlen(name);
	snprintf(dst, size, "%.*s", (int)strcspn(p, "\r\n>"), p);
}


static void answer(struct caller *c)
{
	ssize_t n;

	do {
		c->early = c->code;
		if (!readable(c->udp, E2E_WAIT))
			e2e_fail("no answer to the INVITE");
		n = recv(c->udp, c->text, sizeof(c->text) - 1, 0);
		c->text[n > 0 ? n : 0] = '\0';
		if (sscanf(c->text, "SIP/2.0 %u", &c->code) != 1)
			e2e_fail("no answer: %s", c->text);
	} while (c->code < 200);

	field(c->to, sizeof(c->to) - 1, c->text, "\r\nTo: ");
	/* field() stops at >: the tag is behind it */
	snprintf(c->to + strlen(c->to), sizeof(c->to) - strlen(c->to),
		 ">%.*s", (int)strcspn(strstr(strstr(c->text, "\r\nTo: "),
					      ">") + 1, "\r\n"),
		 strstr(strstr(c->text, "\r\nTo: "), ">") + 1);
	if (c->code != 200)
		return;
	field(c->peer, sizeof(c->peer), c->text, "\r\na=path:");
	field(c->contact, sizeof(c->contact), c->text, "\r\nContact: <");
}


static char *invite(struct caller *c, const struct caller_args *args)
{
	const char *setup = args->setup ? args->setup : "passive";
	const char *sdp = env_str(c->env, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\n"
		"c=IN IP4 %s\r\nt=0 0\r\nm=message %u TCP/MSRP *\r\n"
		"a=accept-types:message/cpim\r\na=setup:%s\r\n"
		"a=path:%s\r\na=%s\r\n%s", c->host, c->host, c->port,
		setup, c->path, args->chat ? "sendrecv" : "sendonly",
		args->lines ? args->lines : "");
	const char *ref = args->from ? env_str(c->env, "Referred-By: <%s>\r\n",
					       args->from) : "";
	const char *pai = args->from ? "" : "P-Asserted-Identity: "
		"<sip:rcse-standfw@cpm.test>\r\n";

	const char *ctype = "application/sdp";

	if (args->parts) {
		ctype = "multipart/mixed; boundary=b";
		sdp = env_str(c->env, "%s%s%s%s--b--\r\n", args->nosdp ? ""
			      : "--b\r\nContent-Type: application/sdp\r\n\r\n",
			      args->nosdp ? "" : sdp,
			      args->nosdp ? "" : "\r\n", args->parts);
	}

	return env_str(c->env, "%s%s%s"
		"Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A"
		"3gpp-service.ims.icsi.oma.cpm.%s\"\r\n"
		"Conversation-ID: caller-%u\r\nContribution-ID: c%u\r\n"
		"Content-Type: %s\r\nContent-Length: %zu\r\n\r\n"
		"%s", args->head ? args->head : "", ref, pai,
		args->service ? args->service : "session", c->n, c->n,
		ctype, strlen(sdp), sdp);
}


unsigned caller_invite(struct caller *c, struct baresip *b,
		       const struct caller_args *args)
{
	static unsigned callers;
	uint16_t port;
	const char *to;

	memset(c, 0, sizeof(*c));
	c->env = b->env;
	c->focus = args->focus;
	c->b = b;
	c->n = ++callers;
	c->fd = -1;
	snprintf(c->host, sizeof(c->host), "%s",
		 args->host ? args->host : "127.0.0.1");
	to = target(c, args);
	c->udp = sock(SOCK_DGRAM, c->host, &port);
	c->lfd = sock(SOCK_STREAM, c->host, &c->port);
	if (listen(c->lfd, 4))
		e2e_fail("listen: %s", strerror(errno));
	snprintf(c->to, sizeof(c->to), "<sip:alice@%s>", to);
	snprintf(c->contact, sizeof(c->contact), "sip:alice@%s:%u", to,
		 b->sip_port);
	if (args->path)
		snprintf(c->path, sizeof(c->path), "%s", args->path);
	else
		snprintf(c->path, sizeof(c->path), "msrp://%s:%u/c%u;tcp",
			 c->host, c->port, c->n);

	c->dst = to;
	c->sent = request(c, to, "INVITE", invite(c, args));
	answer(c);
	(void)request(c, to, "ACK", "Content-Length: 0\r\n\r\n");

	return c->code;
}


unsigned caller_again(struct caller *c, const char *branch)
{
	const char *p = strstr(c->sent, "z9hG4bK");
	char text[2048] = "";
	unsigned code = 0;

	if (branch)
		datagram(c, c->dst, env_str(c->env, "%.*s%s%s",
			(int)(p - c->sent), c->sent, branch,
			p + strcspn(p, "\r")));
	else
		datagram(c, c->dst, c->sent);
	if (readable(c->udp, 500) &&
	    recv(c->udp, text, sizeof(text) - 1, 0) > 0)
		(void)sscanf(text, "SIP/2.0 %u", &code);

	return code;
}


bool caller_read(struct caller *c, unsigned ms)
{
	size_t n = 0;

	c->text[0] = '\0';
	while (!strstr(c->text, "$\r\n")) {
		ssize_t r;

		if (!readable(c->fd, ms * c->env->scale))
			e2e_fail("silence after: %s", c->text);
		r = recv(c->fd, c->text + n, sizeof(c->text) - n - 1, 0);
		if (r <= 0)
			return false;
		n += (size_t)r;
		c->text[n] = '\0';
	}

	return true;
}


void caller_write(struct caller *c, const char *text)
{
	const ssize_t n = (ssize_t)strlen(text);

	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		e2e_fail("send: %s", strerror(errno));
}


void caller_bind(struct caller *c)
{
	char tid[64], to[300];

	if (!readable(c->lfd, E2E_WAIT))
		e2e_fail("nobody connects");
	c->fd = accept4(c->lfd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert(caller_read(c, E2E_WAIT));
	ck_assert_int_eq(2, sscanf(c->text, "MSRP %63[^ ] SEND\r\n"
				   "To-Path: %299[^\r]\r\n", tid, to));
	ck_assert_str_eq(c->path, to);
	caller_write(c, env_str(c->env, "MSRP %s 200 OK\r\nTo-Path: %s\r\n"
				"From-Path: %s\r\n-------%s$\r\n", tid,
				c->peer, c->path, tid));
}


void caller_connect(struct caller *c, const char *host)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	const char *p = strrchr(c->peer, ':');
	uint16_t port;

	ck_assert_ptr_nonnull(p);
	sin.sin_port = htons((uint16_t)atoi(p + 1));
	ck_assert_int_eq(1, inet_pton(AF_INET, host, &sin.sin_addr));
	c->fd = sock(SOCK_STREAM, c->host, &port);
	if (connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)))
		e2e_fail("connect to %s: %s", c->peer, strerror(errno));
	caller_write(c, env_str(c->env, "MSRP bind%u SEND\r\nTo-Path: %s\r\n"
				"From-Path: %s\r\nMessage-ID: b\r\n"
				"-------bind%u$\r\n", c->n, c->peer, c->path,
				c->n));
	ck_assert(caller_read(c, E2E_WAIT));
	ck_assert_ptr_nonnull(strstr(c->text, " 200 "));
}


void caller_open(struct caller *c, struct baresip *b,
		 const struct caller_args *args)
{
	ck_assert_uint_eq(200, caller_invite(c, b, args));
	caller_bind(c);
}


void caller_message(struct caller *c, const char *text)
{
	static unsigned count;
	const unsigned i = ++count;
	const char *cpim = env_str(c->env, "From: <sip:bob@cpm.test>\r\n"
		"To: <sip:alice@cpm.test>\r\nNS: imdn <urn:ietf:params:imdn>"
		"\r\nimdn.Message-ID: caller%u.%u\r\n"
		"DateTime: 2026-11-21T03:11:00Z\r\n\r\n"
		"Content-Type: text/plain\r\n\r\n%s", c->n, i, text);

	caller_write(c, env_str(c->env, "MSRP msg%05u SEND\r\nTo-Path: %s\r\n"
		"From-Path: %s\r\nMessage-ID: m%u\r\nByte-Range: 1-%zu/%zu\r\n"
		"Content-Type: message/cpim\r\n\r\n%s\r\n-------msg%05u$\r\n",
		i, c->peer, c->path, i, strlen(cpim), strlen(cpim), cpim, i));
	ck_assert(caller_read(c, E2E_WAIT));
	ck_assert_ptr_eq(c->text, strstr(c->text, env_str(c->env,
				"MSRP msg%05u 200 ", i)));
}


void caller_bye(struct caller *c)
{
	ssize_t n;

	(void)request(c, c->dst, "BYE", "Content-Length: 0\r\n\r\n");
	do {
		if (!readable(c->udp, E2E_WAIT))
			e2e_fail("no answer to the BYE");
		n = recv(c->udp, c->text, sizeof(c->text) - 1, 0);
		c->text[n > 0 ? n : 0] = '\0';
	} while (strncmp(c->text, "SIP/2.0 200", 11) ||
		 !strstr(c->text, " BYE\r\n"));
}


void caller_bye_comes(struct caller *c)
{
	ssize_t n;

	do {
		if (!readable(c->udp, E2E_WAIT))
			e2e_fail("no BYE");
		n = recv(c->udp, c->text, sizeof(c->text) - 1, 0);
		c->text[n > 0 ? n : 0] = '\0';
	} while (strncmp(c->text, "BYE ", 4));
}


void caller_close(struct caller *c)
{
	if (c->fd >= 0)
		close(c->fd);
	close(c->lfd);
	close(c->udp);
}
