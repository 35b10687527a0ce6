/**
 * @file host.c  The real baresip, called as a PF calls it
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"


static uint16_t free_port(void)
{
	uint16_t port;

	close(listen_any(&port));

	return port;
}


/* SIP over TLS listens on the port after the one that is configured */
static uint16_t free_pair(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	uint16_t port;
	int fd, err;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	do {
		port = free_port();
		sa.sin_port = htons((uint16_t)(port + 1));
		fd = socket(AF_INET, SOCK_STREAM, 0);
		err = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
		close(fd);
	} while (err);

	return port;
}


static void put(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		die("%s: %s", path, strerror(errno));
}


static void folder(struct host *h, const char *module)
{
	static const char *const modv[] = {"account.so", "ctrl_tcp.so"};
	char text[2048], from[512], to[512];
	size_t i;

	snprintf(to, sizeof(to), "%s/modules", h->dir);
	if (mkdir(h->dir, 0700) || mkdir(to, 0700))
		die("%s: %s", h->dir, strerror(errno));
	for (i=0; i<sizeof(modv)/sizeof(modv[0]); i++) {
		snprintf(from, sizeof(from), "/usr/lib/baresip/modules/%s",
			 modv[i]);
		snprintf(to, sizeof(to), "%s/modules/%s", h->dir, modv[i]);
		if (symlink(from, to))
			die("%s: %s", to, strerror(errno));
	}
	snprintf(to, sizeof(to), "%s/modules/cpm.so", h->dir);
	if (symlink(module, to))
		die("%s: %s", to, strerror(errno));

	snprintf(text, sizeof(text), "poll_method epoll\n"
		 "sip_listen 127.0.0.1:%u\nmodule_path %s/modules\n"
		 "module cpm.so\nmodule_app account.so\n"
		 "module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:%u\n",
		 h->sip_port, h->dir, h->ctrl_port);
	put(h->dir, "config", text);
	put(h->dir, "accounts", "<sip:alice@bench.test>;regint=0\n");
}


void host_start(struct host *h, const char *dir, const char *module)
{
	char log[512], path[512];
	struct stat st;
	int fd, i;

	snprintf(h->dir, sizeof(h->dir), "%s", dir);
	h->sip_port = free_pair();
	h->ctrl_port = free_port();
	folder(h, module);

	snprintf(log, sizeof(log), "%s/log", h->dir);
	snprintf(path, sizeof(path), "%s/cpm/cpm.db", h->dir);
	h->pid = fork();
	if (!h->pid) {
		/* it must not outlive a bench that gives up */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(log, O_WRONLY | O_CREAT, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execlp("baresip", "baresip", "-f", h->dir, (char *)NULL);
		_exit(127);
	}

	for (i=0; stat(path, &st); i++) {
		if (i > 500)
			die("baresip does not start, see %s", log);
		usleep(10000);
	}
	usleep(300000);
}


void host_stop(struct host *h)
{
	kill(h->pid, SIGTERM);
	waitpid(h->pid, NULL, 0);
}


static void sip_send(struct host *h, int usock, const char *text)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(h->sip_port)};

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (sendto(usock, text, strlen(text), 0, (struct sockaddr *)&sa,
		   sizeof(sa)) < 0)
		die("sendto: %s", strerror(errno));
}


static char to_line[256], contact[256];
static unsigned calls;


static void request(struct host *h, int usock, const char *met,
		    unsigned cseq, const char *more)
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
		 met, contact, calls, met, cseq, calls, to_line, calls,
		 (int)getpid(), cseq, met, more);
	sip_send(h, usock, text);
}


static void invite(struct host *h, int usock, const char *own, uint16_t port)
{
	char sdp[1024], more[2048];

	snprintf(sdp, sizeof(sdp), "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"
		 "s=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=message %u TCP/MSRP *\r\na=accept-types:message/cpim\r\n"
		 "a=setup:passive\r\na=path:%s\r\na=sendonly\r\n", port, own);
	snprintf(more, sizeof(more), "Referred-By: <sip:bob@bench.test>\r\n"
		 "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A"
		 "3gpp-service.ims.icsi.oma.cpm.session\"\r\n"
		 "Conversation-ID: bench-%u\r\nContribution-ID: b%u\r\n"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n"
		 "\r\n%s", calls, calls, strlen(sdp), sdp);
	request(h, usock, "INVITE", 1, more);
}


static void field(char *dst, size_t size, const char *text, const char *name)
{
	const char *p = strstr(text, name);
	size_t n;

	if (!p)
		die("no %s in %s", name, text);
	p += strlen(name);
	n = strcspn(p, "\r\n");
	snprintf(dst, size, "%.*s", (int)n, p);
}


int host_call(struct host *h, int usock, char *own, char *peer, size_t size)
{
	char text[8192], uri[256];
	uint16_t port;
	int lfd = listen_any(&port), fd, on = 1;
	ssize_t n;

	++calls;
	snprintf(to_line, sizeof(to_line), "<sip:alice@bench.test>");
	snprintf(contact, sizeof(contact), "sip:alice@127.0.0.1:%u",
		 h->sip_port);
	snprintf(own, size, "msrp://127.0.0.1:%u/bench%u;tcp", port, calls);
	invite(h, usock, own, port);

	do {
		n = recv(usock, text, sizeof(text) - 1, 0);
		if (n <= 0)
			die("no answer to the INVITE");
		text[n] = '\0';
	} while (strncmp(text, "SIP/2.0 2", 9) && !strncmp(text, "SIP/2.0 1",
							  9));
	if (strncmp(text, "SIP/2.0 200", 11))
		die("INVITE: %.40s", text);

	field(to_line, sizeof(to_line), text, "\r\nTo: ");
	field(peer, size, text, "\r\na=path:");
	field(uri, sizeof(uri), text, "\r\nContact: <");
	uri[strcspn(uri, ">")] = '\0';
	snprintf(contact, sizeof(contact), "%s", uri);
	request(h, usock, "ACK", 1, "Content-Length: 0\r\n\r\n");

	fd = accept(lfd, NULL, NULL);
	close(lfd);
	if (fd < 0)
		die("accept: %s", strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	load_bind(fd, own, peer);

	return fd;
}


void host_bye(struct host *h, int usock)
{
	char text[4096];

	request(h, usock, "BYE", 2, "Content-Length: 0\r\n\r\n");
	(void)recv(usock, text, sizeof(text), 0);
}
