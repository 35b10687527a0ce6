/**
 * @file chatter.c  Somebody who is called, by hand
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "suite.h"
#include "chatter.h"


void chatter_open(struct chatter *c, struct env *env, const char *config)
{
	memset(c, 0, sizeof(*c));
	server_open(&c->s, env, config);
}


void chatter_close(struct chatter *c)
{
	server_close(&c->s);
}


const char *chatter_sdp(struct chatter *c, const char *dir, const char *more)
{
	struct server *s = &c->s;

	snprintf(s->msrp.path, sizeof(s->msrp.path),
		 "msrp://127.0.0.1:%u/chat%u;tcp", s->msrp.port, s->invites);

	return env_str(s->env, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
		"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message %u TCP/MSRP *\r\n"
		"a=accept-types:message/cpim application/im-iscomposing+xml"
		"\r\na=setup:passive\r\na=path:%s\r\na=%s\r\n%s",
		s->msrp.port, s->msrp.path, dir, more);
}


void chatter_take(struct chatter *c, const char *dir, const char *more)
{
	server_wait(&c->s, "INVITE");
	server_answer(&c->s, "200 OK", NULL, chatter_sdp(c, dir, more));
	server_wait(&c->s, "ACK");
	c->len = 0;
	caller_bind(&c->s.msrp);
}


static bool more(struct chatter *c)
{
	struct pollfd pfd = {c->s.msrp.fd, POLLIN, 0};
	ssize_t n;

	if (poll(&pfd, 1, (int)(E2E_WAIT * c->s.env->scale)) != 1)
		e2e_fail("silence after %zu octets: %.200s", c->len, c->buf);
	n = recv(pfd.fd, c->buf + c->len, sizeof(c->buf) - 1 - c->len, 0);
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	c->buf[c->len] = '\0';

	return true;
}


/* Take a whole frame from the front. @return false: it is not there yet */
static bool take(struct chatter *c)
{
	char end[80], tid[64];
	char *head, *tail;
	size_t n;

	if (sscanf(c->buf, "MSRP %63[^ ] ", tid) != 1)
		return false;
	n = (size_t)snprintf(end, sizeof(end), "-------%s", tid);
	tail = memmem(c->buf, c->len, end, n);
	if (!tail || (size_t)(c->buf + c->len - tail) < n + 3)
		return false;

	strcpy(c->tid, tid);
	c->flag = tail[n];
	head = memmem(c->buf, (size_t)(tail - c->buf), "\r\n\r\n", 4);
	c->head = env_str(c->s.env, "%.*s", (int)((head ? head : tail)
						  - c->buf), c->buf);
	c->size = head ? (size_t)(tail - head) - 6 : 0;
	c->body = head ? env_str(c->s.env, "%.*s", (int)c->size, head + 4)
		: NULL;
	n = (size_t)(tail - c->buf) + n + 3;
	c->len -= n;
	memmove(c->buf, c->buf + n, c->len + 1);

	return true;
}


bool chatter_get(struct chatter *c)
{
	for (;;) {
		const char *range;

		while (!take(c)) {
			if (!more(c))
				return false;
		}
		if (!strstr(c->head, " SEND\r\n") || !c->body)
			continue;

		range = strstr(c->head, "\r\nByte-Range: ");
		ck_assert_ptr_nonnull(range);
		c->from  = strtoull(range + 14, NULL, 10);
		c->total = strtoull(strchr(range, '/') + 1, NULL, 10);
		return true;
	}
}


void chatter_last(struct chatter *c)
{
	do {
		while (!take(c)) {
			if (!more(c))
				e2e_fail("closed instead of a last SEND");
		}
	} while (!strstr(c->head, " SEND\r\n") || c->body);

	chatter_answer(c, "200 OK");
}


void chatter_answer(struct chatter *c, const char *code)
{
	struct server *s = &c->s;

	caller_write(&s->msrp, env_str(s->env, "MSRP %s %s\r\nTo-Path: %s\r\n"
		"From-Path: %s\r\n-------%s$\r\n", c->tid, code,
		s->msrp.peer, s->msrp.path, c->tid));
}


const char *chatter_cpim(struct chatter *c, const char *name)
{
	const char *p = strstr(env_str(c->s.env, "\r\n%s", c->body),
			       env_str(c->s.env, "\r\n%s: ", name));

	if (!p)
		e2e_fail("no %s in %s", name, c->body);
	p += strlen(name) + 4;

	return env_str(c->s.env, "%.*s", (int)strcspn(p, "\r"), p);
}


const char *chatter_text(struct chatter *c, const char *text)
{
	const char *body;

	if (!chatter_get(c))
		e2e_fail("closed instead of: %s", text);
	ck_assert_uint_eq(1, c->from);
	ck_assert_uint_eq(c->total, c->size);
	ck_assert_int_eq('$', c->flag);
	body = strstr(c->body, "\r\n\r\n");
	body = body ? strstr(body + 4, "\r\n\r\n") : NULL;
	ck_assert_ptr_nonnull(body);
	ck_assert_str_eq(text, body + 4);
	chatter_answer(c, "200 OK");

	return chatter_cpim(c, "imdn.Message-ID");
}


void chatter_say(struct chatter *c, const char *lines, const char *type,
		 const char *body)
{
	static unsigned count;
	const unsigned i = ++count;
	struct server *s = &c->s;
	const char *cpim = env_str(s->env, "From: <sip:bob@cpm.test>\r\n"
		"To: <sip:alice@cpm.test>\r\nNS: imdn <urn:ietf:params:imdn>"
		"\r\nimdn.Message-ID: chatter%u\r\n"
		"DateTime: 2026-11-21T03:11:00Z\r\n%s\r\n"
		"Content-Type: %s\r\n\r\n%s", i, lines, type, body);
	char *answer;

	caller_write(&s->msrp, env_str(s->env, "MSRP say%05u SEND\r\n"
		"To-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: y%u\r\n"
		"Byte-Range: 1-%zu/%zu\r\nContent-Type: message/cpim\r\n\r\n"
		"%s\r\n-------say%05u$\r\n", i, s->msrp.peer, s->msrp.path,
		i, strlen(cpim), strlen(cpim), cpim, i));
	do {
		while (!take(c)) {
			if (!more(c))
				e2e_fail("closed instead of an answer");
		}
		answer = strstr(c->head, env_str(s->env, "MSRP say%05u ", i));
	} while (!answer);
	ck_assert_ptr_nonnull(strstr(c->head, " 200 "));
}


void chatter_cut(struct chatter *c)
{
	close(c->s.msrp.fd);
	c->s.msrp.fd = -1;
}
