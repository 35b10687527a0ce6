/**
 * @file port.c  Ports that the system chose, held until they are used
 *
 * Two runs at once must not meet. A port is held by a TCP socket that is
 * bound with SO_REUSEADDR and does not listen: the system then gives it to
 * nobody, neither for bind(0) nor for an outgoing connection, while a program
 * that binds it by number with SO_REUSEADDR still can.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "e2e.h"


enum {
	TRIES = 200,          /* the system's choices that may not fit    */
};

struct port {
	struct le le;
	uint16_t port;
	int fdv[2];           /* IPv4, IPv6; -1 = not held                */
};

static const int afv[2] = {AF_INET, AF_INET6};


static void port_destructor(void *arg)
{
	struct port *p = arg;
	unsigned i;

	list_unlink(&p->le);
	for (i=0; i<2; i++)
		if (p->fdv[i] >= 0)
			close(p->fdv[i]);
}


static int bind_loopback(int af, int type, uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	const int on = 1, fd = socket(af, type | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -1;

	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof(on));
	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin6.sin6_port = htons(port);
	sin6.sin6_addr = in6addr_loopback;
	err = af == AF_INET
		? bind(fd, (struct sockaddr *)&sin, sizeof(sin))
		: bind(fd, (struct sockaddr *)&sin6, sizeof(sin6));
	if (err) {
		close(fd);
		return -1;
	}

	return fd;
}


static uint16_t bound_port(int fd)
{
	struct sockaddr_in6 ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return 0;

	/* the port is at the same place in both families */
	return ntohs(ss.sin6_port);
}


static bool have_ipv6(void)
{
	const int fd = bind_loopback(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		return false;
	close(fd);

	return true;
}


/* Take this port (0: any) for TCP, and see that UDP is free as well */
static struct port *port_hold(uint16_t port)
{
	struct port *p = mem_zalloc(sizeof(*p), port_destructor);
	const unsigned afc = have_ipv6() ? 2 : 1;
	unsigned i;

	if (!p)
		return NULL;

	p->fdv[0] = p->fdv[1] = -1;
	p->port = port;
	for (i=0; i<afc; i++) {
		int udp;

		p->fdv[i] = bind_loopback(afv[i], SOCK_STREAM, p->port);
		if (p->fdv[i] < 0)
			return mem_deref(p);
		p->port = bound_port(p->fdv[i]);

		udp = bind_loopback(afv[i], SOCK_DGRAM, p->port);
		if (udp < 0)
			return mem_deref(p);
		close(udp);
	}

	return p;
}


uint16_t port_get(struct env *env, unsigned count)
{
	unsigned tries, i;

	for (tries=0; tries<TRIES; tries++) {
		struct list l = LIST_INIT;
		uint16_t first = 0;

		for (i=0; i<count; i++) {
			struct port *p = NULL;

			if (first + i <= 65535)
				p = port_hold(i ? first + i : 0);
			if (!p)
				break;
			if (!i)
				first = p->port;
			list_append(&l, &p->le, p);
		}
		if (i < count) {
			list_flush(&l);
			continue;
		}
		while (l.head) {
			struct port *p = l.head->data;

			list_unlink(&p->le);
			list_append(&env->portl, &p->le, p);
		}
		return first;
	}

	e2e_fail("the system has no %u free ports in a row", count);
}


void port_release(struct env *env, uint16_t port)
{
	struct le *le;

	for (le = env->portl.head; le; le = le->next) {
		struct port *p = le->data;
		unsigned i;

		for (i=0; i<2 && p->port == port; i++) {
			if (p->fdv[i] >= 0)
				close(p->fdv[i]);
			p->fdv[i] = -1;
		}
	}
}


void port_add(struct env *env, uint16_t port)
{
	struct port *p = mem_zalloc(sizeof(*p), port_destructor);

	if (!p)
		e2e_fail("no memory");

	p->port = port;
	p->fdv[0] = p->fdv[1] = -1;
	list_append(&env->portl, &p->le, p);
}


char *port_filter(struct env *env)
{
	char *filter = env_str(env, "%s", "");
	struct le *le;

	for (le = env->portl.head; le; le = le->next) {
		const struct port *p = le->data;

		filter = env_str(env, "%s%sport %u", filter,
				 *filter ? " or " : "", p->port);
	}

	return filter;
}
