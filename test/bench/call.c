/**
 * @file bench/call.c  The real baresip, called as a PF calls it
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"


static void sip_send(const struct call *call, const char *text)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(call->host->sip_port)};

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (sendto(call->usock, text, strlen(text), 0,
		   (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("sendto: %s", strerror(errno));
}


static void request(const struct call *call, const char *met, unsigned cseq,
		    const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "%s %s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK%u%s%u\r\n"
		 "Max-Forwards: 70\r\n"
		 "From: <sip:rcse-standfw@bench.test>;tag=b%u\r\n"
		 "To: %s\r\n"
		 "Call-ID: bench%u.%d\r\n"
		 "CSeq: %u %s\r\n"
		 "Contact: <sip:pf@127.0.0.1>\r\n"
		 "%s",
		 met, call->contact, call->n, met, cseq, call->n, call->to,
		 call->n, (int)getpid(), cseq, met, more);
	sip_send(call, text);
}


static void invite(const struct call *call, uint16_t port, const char *setup)
{
	char sdp[1024], more[2048];

	snprintf(sdp, sizeof(sdp), "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"
		 "s=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=message %u TCP/MSRP *\r\na=accept-types:message/cpim\r\n"
		 "a=setup:%s\r\na=path:%s\r\na=sendonly\r\n", port, setup,
		 call->own);
	snprintf(more, sizeof(more), "Referred-By: <sip:bob%u@bench.test>\r\n"
		 "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A"
		 "3gpp-service.ims.icsi.oma.cpm.session\"\r\n"
		 "Conversation-ID: bench-%u\r\nContribution-ID: b%u\r\n"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n"
		 "\r\n%s", call->n, call->n, call->n, strlen(sdp), sdp);
	request(call, "INVITE", 1, more);
}


void call_field(char *dst, size_t size, const char *text, const char *name)
{
	const char *p = strstr(text, name);
	size_t n;

	if (!p)
		die("no %s in %s", name, text);
	p += strlen(name);
	n = strcspn(p, "\r\n");
	snprintf(dst, size, "%.*s", (int)n, p);
}


/* The answer's tag, path and address */
static void answered(struct call *call)
{
	char text[8192];
	ssize_t n;

	do {
		n = recv(call->usock, text, sizeof(text) - 1, 0);
		if (n <= 0)
			die("no answer to the INVITE");
		text[n] = '\0';
	} while (!strncmp(text, "SIP/2.0 1", 9));
	if (strncmp(text, "SIP/2.0 200", 11))
		die("INVITE: %.40s", text);

	call_field(call->to, sizeof(call->to), text, "\r\nTo: ");
	call_field(call->peer, sizeof(call->peer), text, "\r\na=path:");
	call_field(call->contact, sizeof(call->contact), text,
		   "\r\nContact: <");
	call->contact[strcspn(call->contact, ">")] = '\0';
}


static void call_init(struct call *call, struct host *h, uint16_t port)
{
	static unsigned calls;
	struct timeval tv = {.tv_sec = 5};

	memset(call, 0, sizeof(*call));
	call->host = h;
	call->n = ++calls;
	call->usock = socket(AF_INET, SOCK_DGRAM, 0);
	(void)setsockopt(call->usock, SOL_SOCKET, SO_RCVTIMEO, &tv,
			 sizeof(tv));

	snprintf(call->to, sizeof(call->to), "<sip:alice@bench.test>");
	snprintf(call->contact, sizeof(call->contact),
		 "sip:alice@127.0.0.1:%u", h->sip_port);
	snprintf(call->own, sizeof(call->own),
		 "msrp://127.0.0.1:%u/bench%u;tcp", port, call->n);
}


uint16_t call_listener(struct call *call, struct host *h)
{
	unsigned port;

	call_init(call, h, 9);
	invite(call, 9, "active");
	answered(call);
	request(call, "ACK", 1, "Content-Length: 0\r\n\r\n");
	close(call->usock);
	if (sscanf(call->peer, "msrp://127.0.0.1:%u", &port) != 1)
		die("no port in %s", call->peer);

	return (uint16_t)port;
}


void call_open(struct call *call, struct host *h)
{
	int lfd, on = 1;
	uint16_t port;

	lfd = listen_any(&port);
	call_init(call, h, port);
	invite(call, port, "passive");
	answered(call);
	request(call, "ACK", 1, "Content-Length: 0\r\n\r\n");

	call->fd = accept(lfd, NULL, NULL);
	close(lfd);
	if (call->fd < 0)
		die("accept: %s", strerror(errno));
	(void)setsockopt(call->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	load_bind(&(struct wire){.fd = call->fd}, call->own, call->peer);
}


void call_close(struct call *call)
{
	char text[4096];

	request(call, "BYE", 2, "Content-Length: 0\r\n\r\n");
	(void)recv(call->usock, text, sizeof(text), 0);
	close(call->fd);
	close(call->usock);
}


void call_drop(struct call *call)
{
	close(call->fd);
}
