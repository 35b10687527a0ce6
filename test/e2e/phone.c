/**
 * @file phone.c  A client of the PF by hand
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "phone.h"


enum { PACKET_MAX = 65536 };


void phone_open(struct phone *ph, struct pf *pf)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	memset(ph, 0, sizeof(*ph));
	ph->pf = pf;
	ph->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ph->fd < 0 || bind(ph->fd, (struct sockaddr *)&sin, len) ||
	    getsockname(ph->fd, (struct sockaddr *)&sin, &len))
		e2e_fail("socket: %s", strerror(errno));
	ph->port = ntohs(sin.sin_port);
}


void phone_close(struct phone *ph)
{
	(void)close(ph->fd);
	ph->fd = -1;
}


static void put(const struct phone *ph, const char *text)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(ph->pf->sip_port)};

	if (sendto(ph->fd, text, strlen(text), 0, (struct sockaddr *)&sin,
		   sizeof(sin)) < 0)
		e2e_fail("sendto: %s", strerror(errno));
}


/* The next packet that begins like that, or does not */
static char *get(struct phone *ph, const char *begin, bool like, unsigned ms)
{
	char *text = env_keep(ph->pf->env, mem_zalloc(PACKET_MAX, NULL));
	const uint64_t end = e2e_now() + (uint64_t)ms * ph->pf->env->scale;
	struct pollfd pfd = {ph->fd, POLLIN, 0};

	for (;;) {
		const uint64_t now = e2e_now();
		ssize_t n;

		if (now >= end || poll(&pfd, 1, (int)(end - now)) != 1)
			return NULL;
		n = recv(ph->fd, text, PACKET_MAX - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		if (!strncmp(text, begin, strlen(begin)) == like)
			return text;
	}
}


void phone_register(struct phone *ph)
{
	char *answer;

	ph->n++;

	put(ph, env_str(ph->pf->env, "REGISTER sip:%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bKp%u\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:alice@%s>;tag=p\r\nTo: <sip:alice@%s>\r\n"
		"Call-ID: phone%u\r\nCSeq: %u REGISTER\r\n"
		"Contact: <sip:alice@127.0.0.1:%u>\r\n"
		"Expires: 600\r\nContent-Length: 0\r\n\r\n",
		ph->pf->domain, ph->port, ph->n, ph->pf->domain,
		ph->pf->domain, ph->port, ph->n, ph->port));
	answer = get(ph, "SIP/2.0 ", true, E2E_WAIT);
	if (!answer || strncmp(answer, "SIP/2.0 200", 11))
		e2e_fail("REGISTER: %s", answer ? answer : "no answer");
}


void phone_send(struct phone *ph, const char *met, const char *from,
		const char *more, const char *body)
{
	const char *dom = ph->pf->domain;
	const bool ack = !strcmp(met, "ACK");

	ph->n += !ack && strcmp(met, "CANCEL");
	put(ph, env_str(ph->pf->env, "%s sip:alice@%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bKp%u%s\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:%s@%s>;tag=p%u\r\nTo: <sip:alice@%s>%s%s\r\n"
		"Call-ID: phone%u\r\nCSeq: %u %s\r\n"
		"Contact: <sip:alice@127.0.0.1:%u>\r\n"
		"%sContent-Length: %zu\r\n\r\n%s", met, dom, ph->port,
		ph->n, ack ? "ack" : "", from, dom, ph->n, dom,
		ack ? ";tag=" : "", ack ? ph->tag : "", ph->n, ph->n, met,
		ph->port, more, strlen(body), body));
}


char *phone_reply(struct phone *ph, unsigned ms)
{
	char *text = get(ph, "SIP/2.0 ", true, ms);
	const char *p = text ? strstr(text, "\r\nTo: ") : NULL;

	p = p ? strstr(p, ";tag=") : NULL;
	if (p)
		snprintf(ph->tag, sizeof(ph->tag), "%.*s",
			 (int)strcspn(p + 5, ";\r"), p + 5);

	return text;
}


char *phone_request(struct phone *ph, unsigned ms)
{
	return get(ph, "SIP/2.0 ", false, ms);
}


/* A header line as it is */
static char *line(struct phone *ph, const char *req, const char *name)
{
	const char *p = strstr(req, env_str(ph->pf->env, "\r\n%s: ", name));

	if (!p)
		e2e_fail("no %s in the request", name);

	return env_str(ph->pf->env, "%.*s\r\n", (int)strcspn(p + 2, "\r\n"),
		       p + 2);
}


/* All lines of that name, in their order */
static char *lines(struct phone *ph, const char *req, const char *name)
{
	const char *p = req, *key = env_str(ph->pf->env, "\r\n%s: ", name);
	char *all = env_str(ph->pf->env, "%s", "");

	while ((p = strstr(p, key))) {
		p += 2;
		all = env_str(ph->pf->env, "%s%.*s\r\n", all,
			      (int)strcspn(p, "\r\n"), p);
	}

	return all;
}


void phone_answer(struct phone *ph, const char *req, unsigned code,
		  const char *more)
{
	const char *to = line(ph, req, "To");

	put(ph, env_str(ph->pf->env, "SIP/2.0 %u Said\r\n%s%s%.*s;tag=t\r\n"
			"%s%s%sContent-Length: 0\r\n\r\n", code,
			lines(ph, req, "Via"), line(ph, req, "From"),
			(int)strcspn(to, "\r\n"), to,
			line(ph, req, "Call-ID"), line(ph, req, "CSeq"),
			more ? more : ""));
}
