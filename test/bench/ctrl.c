/**
 * @file bench/ctrl.c  A client of ctrl_tcp: netstrings with JSON
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"


enum {
	ROOM = 1 << 20,  /* an answer has less than 256 KiB, then escaped */
	LATE = 30000,    /* ms                                            */
};

struct ctrl {
	int fd;
	char in[ROOM + 1];
	size_t inn;
	char text[ROOM + 1];
};


struct ctrl *ctrl_open(uint16_t port)
{
	const int fd = connect_to(port);
	struct ctrl *c;

	if (fd < 0)
		return NULL;

	c = calloc(1, sizeof(*c));
	if (!c)
		die("no memory");
	c->fd = fd;

	return c;
}


void ctrl_close(struct ctrl *c)
{
	if (c)
		(void)close(c->fd);
	free(c);
}


/* The next netstring, into text. @return false if it is not whole */
static bool take(struct ctrl *c)
{
	size_t len, head;
	char *end;

	c->in[c->inn] = '\0';
	len = strtoul(c->in, &end, 10);
	if (end == c->in || *end != ':')
		return false;
	if (len >= ROOM)
		die("ctrl_tcp: an answer of %zu octets", len);
	head = (size_t)(end + 1 - c->in);
	if (c->inn < head + len + 1)
		return false;

	memcpy(c->text, end + 1, len);
	c->text[len] = '\0';
	c->inn -= head + len + 1;
	memmove(c->in, c->in + head + len + 1, c->inn);

	return true;
}


static const char *answer(struct ctrl *c)
{
	const int on = 1;

	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		ssize_t n;

		while (take(c)) {
			/* not an event */
			if (strstr(c->text, "\"response\":true"))
				return c->text;
		}
		if (poll(&p, 1, LATE) <= 0)
			die("ctrl_tcp does not answer");
		n = read(c->fd, c->in + c->inn, ROOM - c->inn);
		if (n <= 0)
			die("ctrl_tcp closes: %s",
			    n ? strerror(errno) : "end");
		c->inn += (size_t)n;
		/* ctrl_tcp leaves Nagle's algorithm on: an answer behind an
		   event would wait 40 ms for our acknowledgement. The system
		   forgets this soon */
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on,
				 sizeof(on));
	}
}


const char *ctrl_ask(struct ctrl *c, const char *cmd, const char *prm)
{
	char json[2048], esc[1536], text[2200];
	size_t n = 0;
	int len;

	for (; prm && *prm && n < sizeof(esc) - 2; prm++) {
		if (*prm == '"')
			esc[n++] = '\\';
		esc[n++] = *prm;
	}
	esc[n] = '\0';

	snprintf(json, sizeof(json), "{\"command\":\"%s\",\"params\":\"%s\"}",
		 cmd, esc);
	len = snprintf(text, sizeof(text), "%zu:%s,", strlen(json), json);
	if (write(c->fd, text, (size_t)len) != len)
		die("ctrl_tcp: %s", strerror(errno));

	return answer(c);
}


double ctrl_number(const char *text, const char *key)
{
	char name[64];
	const char *p;

	/* the answer is JSON inside a JSON string */
	snprintf(name, sizeof(name), "\\\"%s\\\":", key);
	p = strstr(text, name);

	return p ? strtod(p + strlen(name), NULL) : -1;
}
