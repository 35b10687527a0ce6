/**
 * @file ctrl.c  Client of baresip's ctrl_tcp: netstrings of JSON
 *
 * One command at a time: the host loses a frame that arrives behind another
 * one. Events that come before the answer wait in a queue.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "e2e.h"


enum {
	FRAME_MAX = 16 << 20, /* sanity: answers stay below 256 KiB       */
	LEN_MAX   = 10,       /* digits of a netstring's length           */
};

struct event {
	struct le le;
	struct odict *o;      /* as the host sent it                      */
};

struct ctrl {
	struct env *env;
	struct list eventl;
	struct mbuf *mb;      /* read and not yet understood              */
	char *data;           /* text of the last answer                  */
	struct odict *answer; /* the whole of it                          */
	unsigned token;
	int fd;
};


static void event_destructor(void *arg)
{
	struct event *ev = arg;

	list_unlink(&ev->le);
	mem_deref(ev->o);
}


static void ctrl_destructor(void *arg)
{
	struct ctrl *c = arg;

	ctrl_close(c);
	list_flush(&c->eventl);
	mem_deref(c->mb);
	mem_deref(c->answer);
}


static int try_connect(const char *host, uint16_t port)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	struct sockaddr_in sin = {.sin_family = AF_INET};
	const int af = strchr(host, ':') ? AF_INET6 : AF_INET;
	const int on = 1, fd = socket(af, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	sin.sin_port = htons(port);
	sin6.sin6_port = htons(port);
	if (af == AF_INET) {
		inet_pton(af, host, &sin.sin_addr);
		err = connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	}
	else {
		inet_pton(af, host, &sin6.sin6_addr);
		err = connect(fd, (struct sockaddr *)&sin6, sizeof(sin6));
	}
	if (err) {
		close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

	return fd;
}


struct ctrl *ctrl_open(struct env *env, const char *host, uint16_t port,
		       unsigned ms)
{
	struct ctrl *c;
	struct wait w;
	int fd = -1;

	wait_start(&w, ms, "ctrl_tcp");
	while (fd < 0 && wait_quiet(&w))
		fd = try_connect(host, port);
	if (fd < 0)
		return NULL;

	c = env_keep(env, mem_zalloc(sizeof(*c), ctrl_destructor));
	c->env = env;
	c->fd = fd;
	c->mb = mbuf_alloc(4096);

	return c;
}


void ctrl_close(struct ctrl *c)
{
	if (c && c->fd >= 0) {
		close(c->fd);
		c->fd = -1;
	}
}


/*
 * netstring = 1*DIGIT ":" octets ","
 *
 * @return false when it is not all there
 */
static bool next_frame(struct ctrl *c, struct pl *frame)
{
	const char *p = (char *)mbuf_buf(c->mb);
	const size_t left = mbuf_get_left(c->mb);
	size_t i, len = 0;

	for (i=0; i<left && p[i] >= '0' && p[i] <= '9'; i++)
		len = len * 10 + (size_t)(p[i] - '0');
	if (i == left && i <= LEN_MAX)
		return false;
	if (!i || i > LEN_MAX || p[i] != ':' || len > FRAME_MAX)
		e2e_fail("ctrl_tcp: broken frame: %.*s",
			 (int)(left > 80 ? 80 : left), p);
	if (left < i + len + 2)
		return false;
	if (p[i + len + 1] != ',')
		e2e_fail("ctrl_tcp: frame of %zu octets has no end", len);

	frame->p = p + i + 1;
	frame->l = len;
	mbuf_advance(c->mb, (ssize_t)(i + len + 2));

	return true;
}


/* The answer becomes c->answer, events are queued */
static void take_frame(struct ctrl *c, const struct pl *frame)
{
	struct odict *o = j_decode(frame->p, frame->l);
	struct event *ev;

	if (!o)
		e2e_fail("ctrl_tcp: no JSON object: %.*s",
			 (int)(frame->l > 1000 ? 1000 : frame->l), frame->p);

	if (j_has(o, "response")) {
		mem_deref(c->answer);
		c->answer = o;
		return;
	}

	ev = mem_zalloc(sizeof(*ev), event_destructor);
	if (!ev)
		e2e_fail("no memory");
	ev->o = o;
	list_append(&c->eventl, &ev->le, ev);
}


/* @return false when the other side has closed */
static bool ctrl_read(struct ctrl *c, int ms)
{
	struct pollfd pfd = {c->fd, POLLIN, 0};
	uint8_t buf[16384];
	struct pl frame;
	ssize_t n;

	if (poll(&pfd, 1, ms) <= 0)
		return true;

	n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		ctrl_close(c);
		return false;
	}
	if (n < 0)
		return true;

	mbuf_skip_to_end(c->mb);
	if (mbuf_write_mem(c->mb, buf, (size_t)n))
		e2e_fail("no memory");
	c->mb->pos = 0;

	while (next_frame(c, &frame))
		take_frame(c, &frame);

	/* what is left moves to the front */
	if (c->mb->pos) {
		const size_t left = mbuf_get_left(c->mb);

		memmove(c->mb->buf, mbuf_buf(c->mb), left);
		c->mb->pos = 0;
		c->mb->end = left;
	}

	return true;
}


static void ctrl_send(struct ctrl *c, const char *cmd, const char *prm)
{
	char *json, *frame;
	size_t len, pos = 0;

	if (c->fd < 0)
		e2e_fail("ctrl_tcp is closed; wanted: %s", cmd);

	json = env_str(c->env, "{\"command\":\"%s\"%s%s%s,\"token\":\"%u\"}",
		       j_escape(c->env, cmd), prm ? ",\"params\":\"" : "",
		       prm ? j_escape(c->env, prm) : "", prm ? "\"" : "",
		       ++c->token);
	frame = env_str(c->env, "%zu:%s,", strlen(json), json);
	for (len = strlen(frame); pos < len; ) {
		const ssize_t n = send(c->fd, frame + pos, len - pos,
				       MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			e2e_fail("ctrl_tcp: %s: %s", cmd, strerror(errno));
		pos += n > 0 ? (size_t)n : 0;
	}
}


void ctrl_post(struct ctrl *c, const char *cmd, const char *prm)
{
	c->answer = mem_deref(c->answer);
	ctrl_send(c, cmd, prm);
}


bool ctrl_cmd(struct ctrl *c, const char *cmd, const char *prm,
	      const struct odict **op)
{
	struct odict *o;
	struct wait w;

	c->answer = mem_deref(c->answer);
	ctrl_send(c, cmd, prm);

	wait_start(&w, E2E_WAIT, cmd);
	while (!c->answer && wait_more(&w))
		if (!ctrl_read(c, 10) && !c->answer)
			e2e_fail("ctrl_tcp closed before the answer to %s",
				 cmd);

	if ((unsigned)atoi(j_str(c->answer, "token")) != c->token)
		e2e_fail("answer to another command than %s", cmd);

	c->data = env_str(c->env, "%s", j_str(c->answer, "data"));
	o = j_decode(c->data, strlen(c->data));
	if (op)
		*op = o;
	if (o)
		env_keep(c->env, o);

	return j_bool(c->answer, "ok");
}


const struct odict *ctrl_ask(struct ctrl *c, const char *cmd,
			     const char *fmt, ...)
{
	const struct odict *o;
	char prm[4096] = "";
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(prm, sizeof(prm), fmt, ap);
		va_end(ap);
	}

	if (!ctrl_cmd(c, cmd, fmt ? prm : NULL, &o) || !o)
		e2e_fail("%s %s: %.1000s", cmd, prm, c->data);

	return o;
}


const struct odict *ctrl_until(struct ctrl *c, const char *cmd,
			       const char *prm, const char *path,
			       int64_t value, unsigned ms)
{
	const struct odict *o = NULL;
	struct wait w;

	wait_start(&w, ms, path);
	while (wait_quiet(&w)) {
		if (ctrl_cmd(c, cmd, prm, &o) && o && j_has(o, path) &&
		    j_int(o, path) == value)
			return o;
	}

	e2e_fail("%s %s: \"%s\" does not become %lld: %.1000s", cmd,
		 prm ? prm : "", path, (long long)value, c->data);
}


const char *ctrl_data(const struct ctrl *c)
{
	return c->data;
}


/* @return JSON of the event if it is "cpm,<name>,{...}", else NULL */
static const char *event_body(const struct odict *o, const char *name)
{
	const size_t n = strlen(name);
	const char *p = odict_string(o, "param");

	if (!p || strncmp(p, "cpm,", 4) || strncmp(p + 4, name, n) ||
	    p[4 + n] != ',')
		return NULL;

	return p + 4 + n + 1;
}


static const struct odict *take_event(struct ctrl *c, const char *name,
				      bool host)
{
	struct le *le;

	for (le = c->eventl.head; le; le = le->next) {
		struct event *ev = le->data;
		const char *type = odict_string(ev->o, "type");
		const char *body = host ? NULL : event_body(ev->o, name);
		struct odict *o;

		if (!body && !(host && type && !strcmp(type, name)))
			continue;

		list_unlink(&ev->le);
		env_keep(c->env, ev);
		if (host)
			return ev->o;

		o = j_decode(body, strlen(body));
		if (!o)
			e2e_fail("event %s without JSON: %s", name, body);
		return env_keep(c->env, o);
	}

	return NULL;
}


static const struct odict *wait_event(struct ctrl *c, const char *name,
				      bool host, unsigned ms)
{
	const struct odict *o;
	struct wait w;

	wait_start(&w, ms, name);
	while (!(o = take_event(c, name, host)) && wait_quiet(&w))
		if (c->fd < 0 || !ctrl_read(c, 10))
			return take_event(c, name, host);

	return o;
}


const struct odict *ctrl_try_event(struct ctrl *c, const char *name,
				   unsigned ms)
{
	return wait_event(c, name, false, ms);
}


static void fail_event(const struct ctrl *c, const char *name)
{
	char text[2000] = "";
	size_t n = 0;
	struct le *le;

	for (le = c->eventl.head; le && n < sizeof(text); le = le->next) {
		const struct event *ev = le->data;
		const char *type = odict_string(ev->o, "type");
		const char *prm = odict_string(ev->o, "param");

		n += (size_t)snprintf(text + n, sizeof(text) - n, "\n%s %s",
				      type ? type : "", prm ? prm : "");
	}

	e2e_fail("no event \"%s\"%s; there were:%s", name,
		 c->fd < 0 ? ", ctrl_tcp closed" : "", text);
}


const struct odict *ctrl_event(struct ctrl *c, const char *name, unsigned ms)
{
	const struct odict *o = wait_event(c, name, false, ms);

	if (!o)
		fail_event(c, name);

	return o;
}


const struct odict *ctrl_host_event(struct ctrl *c, const char *type,
				    unsigned ms)
{
	const struct odict *o = wait_event(c, type, true, ms);

	if (!o)
		fail_event(c, type);

	return o;
}


void ctrl_skip(struct ctrl *c)
{
	while (c->fd >= 0) {
		struct pollfd pfd = {c->fd, POLLIN, 0};

		if (poll(&pfd, 1, 0) <= 0 || !ctrl_read(c, 0))
			break;
	}
	list_flush(&c->eventl);
}
