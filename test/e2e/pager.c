/**
 * @file pager.c  Who sends MESSAGEs by hand
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
#include "pager.h"


enum {
	T1 = 500,             /* ms, RFC 3261, 17.1.1.1                      */
	T2 = 4000,
	GIVE_UP = 64 * T1,
	SHOTS = 8192,
};


void pager_open(struct pager *p, struct env *env, const char *dst, bool tcp)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	const char *colon = strrchr(dst, ':');
	socklen_t len = sizeof(sin);

	memset(p, 0, sizeof(*p));
	p->env = env;
	p->tcp = tcp;
	snprintf(p->dst, sizeof(p->dst), "%s", dst);
	p->shotv = env_keep(env, mem_zalloc(SHOTS * sizeof(*p->shotv), NULL));
	p->toldv = env_keep(env, mem_zalloc(SHOTS * sizeof(*p->toldv), NULL));
	p->fd = socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) |
		       SOCK_CLOEXEC, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&sin, len) ||
	    getsockname(p->fd, (struct sockaddr *)&sin, &len))
		e2e_fail("socket: %s", strerror(errno));
	p->port = p->seen = ntohs(sin.sin_port);

	sin.sin_port = htons((uint16_t)atoi(colon + 1));
	/* UDP is not connected: a softphone that is away makes no error */
	if (tcp && connect(p->fd, (struct sockaddr *)&sin, sizeof(sin)))
		e2e_fail("connect to %s: %s", dst, strerror(errno));
}


void pager_close(struct pager *p)
{
	close(p->fd);
}


static void put(struct pager *p, const char *text)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(strrchr(p->dst, ':') + 1)),
	};
	const size_t len = strlen(text);
	const ssize_t n = p->tcp ? send(p->fd, text, len, MSG_NOSIGNAL)
		: sendto(p->fd, text, len, 0, (struct sockaddr *)&sin,
			 sizeof(sin));

	if (n != (ssize_t)len)
		e2e_fail("send: %s", strerror(errno));
}


/* Value of a header that has its usual name */
static char *header(struct pager *p, const char *text, const char *name)
{
	const char *at = strcasestr(text, env_str(p->env, "\r\n%s: ", name));

	if (!at)
		return NULL;
	at += strlen(name) + 4;

	return env_str(p->env, "%.*s", (int)strcspn(at, "\r"), at);
}


static char *branch(struct pager *p, const char *text)
{
	const char *at = strstr(text, "branch=");

	return at ? env_str(p->env, "%.*s", (int)strcspn(at, "\r;,>"), at)
		: NULL;
}


static void answer_take(struct pager *p, const char *text)
{
	const char *b = branch(p, text);
	unsigned code = 0, i = 0;

	if (sscanf(text, "SIP/2.0 %u", &code) != 1 || !b)
		e2e_fail("no answer: %s", text);
	if (code < 200)
		return;

	/* ours say which */
	(void)sscanf(b, "branch=z9hG4bKp%*u-%u", &i);
	for (; i<p->shotc; i++) {
		struct shot *s = &p->shotv[i];
		const char *at = strstr(s->text, b);

		if (!at || !strchr("\r;,", at[strlen(b)]))
			continue;
		++s->answers;
		if (!s->code)
			--p->open;
		else if (s->code != code)
			e2e_fail("%u, then %u: %s", s->code, code, text);
		s->code = code;
		s->next = 0;
		s->answer = env_str(p->env, "%s", text);
		return;
	}

	e2e_fail("an answer to nothing: %s", text);
}


static char *between(struct pager *p, const char *text, const char *from,
		     const char *to)
{
	const char *at = strstr(text, from), *end;

	at = at ? at + strlen(from) : NULL;
	end = at ? strstr(at, to) : NULL;

	return end ? env_str(p->env, "%.*s", (int)(end - at), at) : NULL;
}


static void notice_take(struct pager *p, const char *text)
{
	char *id = between(p, text, "<message-id>", "</message-id>");
	const char *status = strstr(text, "<delivered/>") ? "delivered"
		: strstr(text, "<displayed/>") ? "displayed" : NULL;
	char *callid = header(p, text, "Call-ID");
	struct told *t = NULL;
	unsigned i;

	if (!id || !status) {
		++p->others;
		return;
	}

	for (i=0; i<p->toldc && !t; i++) {
		if (!strcmp(p->toldv[i].id, id) &&
		    !strcmp(p->toldv[i].status, status))
			t = &p->toldv[i];
	}
	if (!t) {
		t = &p->toldv[p->toldc++];
		t->id = id;
		t->status = status;
		t->to = between(p, text, "MESSAGE sip:", "@");
	}
	/* what comes again on the way is one */
	if (!t->callid || strcmp(t->callid, callid))
		++t->count;
	t->callid = callid;
}


static void request_take(struct pager *p, const char *text)
{
	if (strncmp(text, "MESSAGE ", 8))
		e2e_fail("what is this: %s", text);

	notice_take(p, text);
	put(p, env_str(p->env, "SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\n"
		       "To: %s;tag=pager\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		       "Content-Length: 0\r\n\r\n", header(p, text, "Via"),
		       header(p, text, "From"), header(p, text, "To"),
		       header(p, text, "Call-ID"), header(p, text, "CSeq")));
}


static void take(struct pager *p, const char *text)
{
	if (!strncmp(text, "SIP/2.0 ", 8))
		answer_take(p, text);
	else
		request_take(p, text);
}


/* Answers without a body, one after another */
static void stream_take(struct pager *p)
{
	char *end;

	p->buf[p->len] = '\0';
	while ((end = strstr(p->buf, "\r\n\r\n")) != NULL) {
		const size_t n = (size_t)(end - p->buf) + 4;

		take(p, env_str(p->env, "%.*s", (int)n, p->buf));
		memmove(p->buf, p->buf + n, p->len - n + 1);
		p->len -= n;
	}
}


static bool receive(struct pager *p, unsigned ms)
{
	struct pollfd pfd = {p->fd, POLLIN, 0};
	ssize_t n;

	if (poll(&pfd, 1, (int)ms) != 1)
		return false;

	n = recv(p->fd, p->buf + p->len, sizeof(p->buf) - p->len - 1, 0);
	if (n <= 0)
		e2e_fail("recv: %s", n ? strerror(errno) : "closed");
	p->buf[p->len + (size_t)n] = '\0';
	if (p->tcp) {
		p->len += (size_t)n;
		stream_take(p);
	}
	else {
		take(p, p->buf);
	}

	return true;
}


static void retransmit(struct pager *p)
{
	const uint64_t now = e2e_now();
	unsigned i;

	for (i=0; i<p->shotc && p->open; i++) {
		struct shot *s = &p->shotv[i];

		if (!s->next || now < s->next)
			continue;
		if (now > s->end)
			e2e_fail("no answer to %s", s->text);
		put(p, s->text);
		s->wait = min(2 * s->wait, (unsigned)T2);
		s->next = now + s->wait;
	}
}


void pager_turn(struct pager *p, unsigned ms)
{
	if (receive(p, ms))
		while (receive(p, 0))
			;
	retransmit(p);
}


static unsigned shoot(struct pager *p, const char *text, bool once)
{
	struct shot *s = &p->shotv[p->shotc];

	if (p->shotc == SHOTS)
		e2e_fail("more than %u", SHOTS);

	s->text = env_str(p->env, "%s", text);
	s->wait = T1;
	s->next = once || p->tcp ? 0 : e2e_now() + T1;
	s->end = e2e_now() + GIVE_UP * p->env->scale;
	++p->open;
	put(p, s->text);

	return p->shotc++;
}


unsigned pager_raw(struct pager *p, const char *text)
{
	return shoot(p, text, true);
}


unsigned pager_post(struct pager *p, const struct pager_args *args)
{
	const char *via = p->tcp ? "TCP" : "UDP";
	const char *from = args->from ? args->from : "bob";
	const char *to = args->to ? args->to : "alice";
	const char *type = args->type ? args->type : "message/cpim";
	const char *body = args->body ? args->body
		: pager_cpim(p, from, env_str(p->env, "m%u", p->shotc), ".");
	const char *callid = args->callid ? args->callid
		: env_str(p->env, "pager-%u-%u", p->port, p->shotc);
	const char *length = args->length ? args->length
		: env_str(p->env, "%zu", strlen(body));

	return shoot(p, env_str(p->env, "MESSAGE sip:%s@%s SIP/2.0\r\n"
		"Via: SIP/2.0/%s 127.0.0.1:%u;rport;branch=z9hG4bKp%u-%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:%s@127.0.0.1:%u>;tag=p%u\r\n"
		"To: <sip:%s@%s>%s%s\r\nCall-ID: %s\r\nCSeq: 7 MESSAGE\r\n"
		"%s%s%s%sContent-Length: %s\r\n\r\n%s", to, p->dst, via,
		p->port, p->port, p->shotc, from, p->seen, p->port, to,
		p->dst, args->totag ? ";tag=" : "",
		args->totag ? args->totag : "", callid,
		args->head ? args->head : PAGER_CPM("msg"),
		*type ? "Content-Type: " : "", type, *type ? "\r\n" : "",
		length, body), args->once);
}


void pager_again(struct pager *p, unsigned n)
{
	put(p, p->shotv[n].text);
}


unsigned pager_code(struct pager *p, unsigned n)
{
	struct wait w;

	wait_start(&w, GIVE_UP, "an answer to a MESSAGE");
	while (!p->shotv[n].code && wait_more(&w))
		pager_turn(p, 20);

	return p->shotv[n].code;
}


unsigned pager_ask(struct pager *p, const struct pager_args *args)
{
	return pager_code(p, pager_post(p, args));
}


const char *pager_answer(const struct pager *p)
{
	return p->shotv[p->shotc - 1].answer;
}


void pager_drain(struct pager *p, unsigned open)
{
	struct wait w;

	wait_start(&w, GIVE_UP, "answers to MESSAGEs");
	while (p->open > open && wait_more(&w))
		pager_turn(p, 20);
}


void pager_told(struct pager *p, unsigned count)
{
	struct wait w;

	/* each loss takes half a second, and others of its sender wait */
	wait_start(&w, 4 * GIVE_UP, "notifications");
	while (p->toldc < count && wait_more(&w))
		pager_turn(p, 20);
}


const char *pager_cpim(const struct pager *p, const char *from,
		       const char *id, const char *text)
{
	const char *ids = id ? env_str(p->env, "imdn.Message-ID: %s\r\n"
		"imdn.Disposition-Notification: positive-delivery, display"
		"\r\n", id) : "";

	return env_str(p->env, "From: <sip:%s@127.0.0.1:%u>\r\n"
		"To: <sip:alice@cpm.test>\r\n"
		"DateTime: 2026-11-20T03:11:00Z\r\n"
		"NS: imdn <urn:ietf:params:imdn>\r\n%s\r\n"
		"Content-Type: text/plain;charset=utf-8\r\n\r\n%s", from,
		p->seen, ids, text);
}
