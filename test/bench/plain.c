/**
 * @file plain.c  A sender that does nothing but send: what ours is compared
 *                with
 *
 * No store, no retries; as many on their way as ours has.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"


enum {
	USERS = 16,
	LATE  = 10,    /* s without an answer: something is broken          */
};

#define ICSI "urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm."

static struct {
	int fd;
	uint16_t port;
	unsigned n;           /* tells dialogs apart                        */
	char to[256];
	char contact[256];
	char own[128];        /* MSRP paths                                 */
	char peer[256];
} call;


static int udp(uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	struct timeval tv = {.tv_sec = LATE};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		die("no socket for SIP: %s", strerror(errno));

	return fd;
}


static void put(int fd, const char *text, size_t len)
{
	if (send(fd, text, len, 0) != (ssize_t)len)
		die("send: %s", strerror(errno));
}


/* A final answer of 2xx */
static void get(int fd, char *text, size_t size)
{
	ssize_t n;

	do {
		n = recv(fd, text, size - 1, 0);
		if (n <= 0)
			die("no answer from the PF");
		text[n] = '\0';
	} while (!strncmp(text, "SIP/2.0 1", 9));
	if (strncmp(text, "SIP/2.0 2", 9))
		die("the PF answers %.60s", text);
}


static size_t message(char *buf, size_t size, unsigned user, uint32_t i)
{
	static unsigned long long run;
	char cpim[2048];
	int n;

	if (!i)
		++run;
	n = snprintf(cpim, sizeof(cpim),
		"From: <sip:alice@bench.test>\r\n"
		"To: <sip:bob%u@bench.test>\r\n"
		"DateTime: 2026-11-21T03:11:00Z\r\n"
		"NS: imdn <urn:ietf:params:imdn>\r\n"
		"imdn.Message-ID: p%d-%llu-%u\r\n"
		"imdn.Disposition-Notification: positive-delivery, display"
		"\r\n\r\n"
		"Content-Type: text/plain;charset=UTF-8\r\n"
		"Content-Length: %d\r\n\r\n%0*u", user, (int)getpid(), run, i,
		BENCH_BODY, BENCH_BODY, i);

	return (size_t)snprintf(buf, size,
		"MESSAGE sip:bob%u@bench.test SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKp%llu-%u\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:alice@bench.test>;tag=p%llu\r\n"
		"To: <sip:bob%u@bench.test>\r\n"
		"Call-ID: p%llu-%u-%d\r\nCSeq: 1 MESSAGE\r\n"
		"Accept-Contact: *;+g.3gpp.icsi-ref=\"" ICSI "msg\"\r\n"
		"Conversation-ID: p%llu-%u\r\nContribution-ID: p%llu-%u\r\n"
		"Content-Type: message/cpim\r\nContent-Length: %d\r\n\r\n%s",
		user, run, i, run, user, run, i, (int)getpid(), run, user,
		run, i, n, cpim);
}


double plain_page(const struct pfd *d, uint32_t users, uint32_t count)
{
	uint32_t sent, done;
	char text[8192];
	int fdv[USERS];
	double t0;
	uint32_t i;

	for (i=0; i<users; i++)
		fdv[i] = udp(d->port);
	t0 = now();
	/* each has one on its way; the oldest is waited for */
	for (sent=0; sent<users && sent<count; sent++)
		put(fdv[sent], text, message(text, sizeof(text), sent, sent));
	for (done=0; done<count; done++) {
		const uint32_t u = done % users;

		get(fdv[u], text, sizeof(text));
		if (sent < count) {
			put(fdv[u], text, message(text, sizeof(text), u,
						  sent));
			++sent;
		}
	}
	t0 = now() - t0;
	for (i=0; i<users; i++)
		close(fdv[i]);

	return t0;
}


static void request(const char *met, unsigned cseq, const char *more)
{
	char text[4096];

	put(call.fd, text, (size_t)snprintf(text, sizeof(text),
		"%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKs%u%s\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:alice@bench.test>;tag=s%u\r\nTo: %s\r\n"
		"Call-ID: s%u-%d\r\nCSeq: %u %s\r\n"
		"Contact: <sip:alice@127.0.0.1:9>\r\n%s", met, call.contact,
		call.n, met, call.n, call.to, call.n, (int)getpid(), cseq,
		met, more));
}


static void invite(const char *service)
{
	char sdp[1024], more[2048], text[8192];

	snprintf(sdp, sizeof(sdp), "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"
		 "s=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=message 9 TCP/MSRP *\r\na=accept-types:message/cpim\r\n"
		 "a=accept-wrapped-types:*\r\na=setup:active\r\na=path:%s\r\n"
		 "a=%s\r\n", call.own,
		 strcmp(service, "session") ? "sendonly" : "sendrecv");
	snprintf(more, sizeof(more),
		 "Accept-Contact: *;+g.3gpp.icsi-ref=\"" ICSI "%s\"\r\n"
		 "Conversation-ID: s%u-%d\r\nContribution-ID: s%u-%d\r\n"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n"
		 "\r\n%s", service, call.n, (int)getpid(), call.n,
		 (int)getpid(), strlen(sdp), sdp);
	request("INVITE", 1, more);
	get(call.fd, text, sizeof(text));
	call_field(call.to, sizeof(call.to), text, "\r\nTo: ");
	call_field(call.peer, sizeof(call.peer), text, "\r\na=path:");
	call_field(call.contact, sizeof(call.contact), text,
		   "\r\nContact: <");
	call.contact[strcspn(call.contact, ">")] = '\0';
	request("ACK", 1, "Content-Length: 0\r\n\r\n");
}


void plain_open(struct load *load, const struct pfd *d, const char *service)
{
	unsigned port;

	++call.n;
	call.fd = udp(d->port);
	snprintf(call.to, sizeof(call.to), "<sip:bob0@bench.test>");
	snprintf(call.contact, sizeof(call.contact), "sip:bob0@bench.test");
	snprintf(call.own, sizeof(call.own), "msrp://127.0.0.1:9/s%u;tcp",
		 call.n);
	invite(service);
	if (sscanf(call.peer, "msrp://127.0.0.1:%u", &port) != 1)
		die("no port in %s", call.peer);

	load->wire.ssl = NULL;
	load->wire.fd = connect_to((uint16_t)port);
	if (load->wire.fd < 0)
		die("the PF does not listen on %u", port);
	load->to = call.peer;
	load->from = call.own;
}


void plain_close(struct load *load)
{
	char text[8192];

	request("BYE", 2, "Content-Length: 0\r\n\r\n");
	get(call.fd, text, sizeof(text));
	close(load->wire.fd);
	close(call.fd);
}
