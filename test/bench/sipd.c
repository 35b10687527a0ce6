/**
 * @file bench/sipd.c  A SIP proxy that answers 200 to everything
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"


/* The header fields that an answer repeats, as they are */
static size_t answer(char *out, size_t size, const char *req)
{
	static const char *const namev[] = {
		"Via:", "From:", "To:", "Call-ID:", "CSeq:"
	};
	size_t n = (size_t)snprintf(out, size, "SIP/2.0 200 OK\r\n"), i;
	const char *p = req;

	while ((p = strstr(p, "\r\n")) != NULL && strncmp(p, "\r\n\r\n", 4)) {
		const size_t len = strcspn(p += 2, "\r");

		for (i=0; i<sizeof(namev)/sizeof(namev[0]); i++) {
			if (strncasecmp(p, namev[i], strlen(namev[i])))
				continue;
			n += (size_t)snprintf(out + n, size - n, "%.*s%s\r\n",
				(int)len, p,
				i == 2 && !memmem(p, len, ";tag=", 5)
				? ";tag=sipd" : "");
		}
	}
	n += (size_t)snprintf(out + n, size - n, "Content-Length: 0\r\n\r\n");

	return n;
}


static void serve(struct sipd *d, int fd)
{
	char in[65536], out[65536];

	for (;;) {
		struct sockaddr_in sa;
		socklen_t len = sizeof(sa);
		ssize_t n = recvfrom(fd, in, sizeof(in) - 1, 0,
				     (struct sockaddr *)&sa, &len);
		size_t l;

		if (n <= 0)
			continue;
		in[n] = '\0';
		if (!strncmp(in, "SIP/2.0", 7) || !strncmp(in, "ACK ", 4))
			continue;
		l = answer(out, sizeof(out), in);
		++*d->count;
		(void)sendto(fd, out, l, 0, (struct sockaddr *)&sa, len);
	}
}


void sipd_start(struct sipd *d)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	d->count = mmap(NULL, sizeof(*d->count), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (d->count == MAP_FAILED ||
	    bind(fd, (struct sockaddr *)&sa, len) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len))
		die("no socket for SIP");
	d->port = ntohs(sa.sin_port);

	d->pid = child();
	if (!d->pid)
		serve(d, fd);
	close(fd);
}


void sipd_stop(struct sipd *d)
{
	kill(d->pid, SIGKILL);
	(void)child_wait(d->pid);
	(void)munmap((void *)d->count, sizeof(*d->count));
}
