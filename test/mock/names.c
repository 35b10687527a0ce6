/**
 * @file names.c  A name server of a test (RFC 1035, 2782, 3403)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "mock/names.h"


enum {
	ASKED = 1024,         /* questions that are remembered              */
	CHAIN = 4,            /* CNAMEs one behind the other                */
	SIZE  = 16384,        /* octets of an answer                        */
};

struct asked {
	uint16_t type;
	char name[128];
};

struct names {
	pthread_t thread;
	pthread_mutex_t lock;
	const struct names_rr *rrv;
	enum names_mode mode;
	struct asked askedv[ASKED];
	unsigned askedc;
	int fd;
};

struct out {
	uint8_t buf[SIZE];
	size_t n;
	unsigned answers;
};


static void put(struct out *o, const void *p, size_t n)
{
	if (o->n + n > sizeof(o->buf))
		return;
	memcpy(o->buf + o->n, p, n);
	o->n += n;
}


static void put_u8(struct out *o, unsigned v)
{
	const uint8_t b = (uint8_t)v;

	put(o, &b, 1);
}


static void put_u16(struct out *o, unsigned v)
{
	put_u8(o, v >> 8);
	put_u8(o, v);
}


static void put_str(struct out *o, const char *s, size_t n)
{
	put_u8(o, (unsigned)n);
	put(o, s, n);
}


static void put_name(struct out *o, const char *name)
{
	while (*name && strcmp(name, ".") != 0) {
		const size_t n = strcspn(name, ".");

		put_str(o, name, n);
		name += n + (name[n] == '.');
	}
	put_u8(o, 0);
}


static void put_naptr(struct out *o, const char *value)
{
	char flag[8] = "", service[32] = "", to[128] = "";

	(void)sscanf(value, "%7s %31s %127s", flag, service, to);
	put_u16(o, 10);
	put_u16(o, 10);
	put_str(o, flag, strlen(flag));
	put_str(o, service, strlen(service));
	put_u8(o, 0);
	put_name(o, to);
}


static void put_data(struct out *o, const struct names_rr *rr)
{
	uint8_t addr[16];
	unsigned long port, prio;
	char *end;

	switch (rr->type) {

	case NAMES_A:
		(void)inet_pton(AF_INET, rr->value, addr);
		put(o, addr, 4);
		break;

	case NAMES_AAAA:
		(void)inet_pton(AF_INET6, rr->value, addr);
		put(o, addr, 16);
		break;

	case NAMES_SRV:
		prio = 10;
		port = strtoul(rr->value, &end, 10);
		if (*end && isdigit((unsigned char)end[1])) {
			prio = port;
			port = strtoul(end + 1, &end, 10);
		}
		put_u16(o, (unsigned)prio);
		put_u16(o, 10);
		put_u16(o, (unsigned)port);
		put_name(o, *end ? end + 1 : end);
		break;

	case NAMES_NAPTR:
		put_naptr(o, rr->value);
		break;

	default:
		put_name(o, rr->value);
		break;
	}
}


static void put_rr(struct out *o, const struct names_rr *rr)
{
	size_t at;

	put_name(o, rr->name);
	put_u16(o, rr->type);
	put_u16(o, 1);
	put_u16(o, rr->ttl >> 16);
	put_u16(o, rr->ttl & 0xffff);
	at = o->n;
	put_u16(o, 0);
	put_data(o, rr);
	o->buf[at]     = (uint8_t)((o->n - at - 2) >> 8);
	o->buf[at + 1] = (uint8_t)(o->n - at - 2);
	++o->answers;
}


/* @return false: there is no such name */
static bool search(struct out *o, const struct names *ns, const char *name,
		   unsigned type)
{
	const struct names_rr *rr;
	bool known = false;
	unsigned i;

	for (i=0; name && i<CHAIN; i++) {
		const char *next = NULL;

		for (rr = ns->rrv; rr->name; rr++) {
			if (strcasecmp(rr->name, name))
				continue;
			known = true;
			if (rr->type == type || rr->type == NAMES_CNAME)
				put_rr(o, rr);
			if (rr->type == NAMES_CNAME)
				next = rr->value;
		}
		name = next;
	}

	return known;
}


/* QNAME and QTYPE. @return octets up to the end of the question; 0: none */
static size_t question(struct asked *q, const uint8_t *buf, size_t n)
{
	size_t i = 12, len = 0;

	memset(q, 0, sizeof(*q));
	while (i < n && buf[i]) {
		if (i + buf[i] >= n || len + buf[i] + 2 > sizeof(q->name))
			return 0;
		if (len)
			q->name[len++] = '.';
		memcpy(q->name + len, buf + i + 1, buf[i]);
		len += buf[i];
		i += buf[i] + 1U;
	}
	if (i + 5 > n)
		return 0;
	q->type = (uint16_t)(buf[i + 1] << 8 | buf[i + 2]);

	return i + 5;
}


static void answer(struct names *ns, struct out *o, const struct asked *q)
{
	const bool fail = ns->mode == NAMES_FAIL;
	const bool known = !fail && search(o, ns, q->name, q->type);

	o->buf[2] = 0x81;
	o->buf[3] = fail ? 0x82 : known ? 0x80 : 0x83;
	memset(o->buf + 6, 0, 6);
	o->buf[7] = (uint8_t)o->answers;
}


static void *run(void *arg)
{
	struct names *ns = arg;
	struct sockaddr_in peer;
	struct asked q;
	struct out o;

	for (;;) {
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(ns->fd, o.buf, 512, 0,
				     (struct sockaddr *)&peer, &len);

		if (n < 17)
			return NULL;
		memset(&o.n, 0, sizeof(o) - offsetof(struct out, n));
		o.n = question(&q, o.buf, (size_t)n);
		if (!o.n)
			continue;

		pthread_mutex_lock(&ns->lock);
		if (ns->askedc < ASKED)
			ns->askedv[ns->askedc++] = q;
		if (ns->mode != NAMES_SILENT) {
			answer(ns, &o, &q);
			(void)sendto(ns->fd, o.buf, o.n, 0,
				     (const struct sockaddr *)&peer, len);
		}
		pthread_mutex_unlock(&ns->lock);
	}
}


struct names *names_start(const struct names_rr *rrv)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct names *ns = calloc(1, sizeof(*ns));

	if (!ns)
		return NULL;

	ns->rrv = rrv;
	(void)pthread_mutex_init(&ns->lock, NULL);
	ns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ns->fd < 0 ||
	    bind(ns->fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    pthread_create(&ns->thread, NULL, run, ns)) {
		if (ns->fd >= 0)
			close(ns->fd);
		free(ns);
		return NULL;
	}

	return ns;
}


void names_set(struct names *ns, const struct names_rr *rrv,
	       enum names_mode mode)
{
	pthread_mutex_lock(&ns->lock);
	ns->rrv = rrv;
	ns->mode = mode;
	pthread_mutex_unlock(&ns->lock);
}


uint16_t names_port(const struct names *ns)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (getsockname(ns->fd, (struct sockaddr *)&sin, &len))
		return 0;

	return ntohs(sin.sin_port);
}


unsigned names_asked(struct names *ns, uint16_t type, const char *name)
{
	unsigned i, n = 0;

	pthread_mutex_lock(&ns->lock);
	for (i=0; i<ns->askedc; i++)
		n += ns->askedv[i].type == type &&
			(!name || !strcasecmp(name, ns->askedv[i].name));
	pthread_mutex_unlock(&ns->lock);

	return n;
}


void names_stop(struct names *ns)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (!ns)
		return;

	/* too short for a question */
	(void)getsockname(ns->fd, (struct sockaddr *)&sin, &len);
	(void)sendto(ns->fd, "", 1, 0, (const struct sockaddr *)&sin, len);
	(void)pthread_join(ns->thread, NULL);
	close(ns->fd);
	(void)pthread_mutex_destroy(&ns->lock);
	free(ns);
}
