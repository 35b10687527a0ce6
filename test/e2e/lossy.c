/**
 * @file lossy.c  A path that loses datagrams
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "pager.h"


struct lossy {
	pthread_t thread;
	uint64_t seed, state;
	unsigned percent;
	int fdv[2];           /* the sides                                  */
	int pipev[2];         /* closed: end                                */
	struct sockaddr_in tov[2];
	unsigned passed, lost;
};


/* xorshift64* */
static unsigned dice(struct lossy *l)
{
	l->state ^= l->state >> 12;
	l->state ^= l->state << 25;
	l->state ^= l->state >> 27;

	return (unsigned)((l->state * 0x2545f4914f6cdd1dULL) >> 33) % 100;
}


static void pass(struct lossy *l, unsigned side)
{
	static const int flags = MSG_DONTWAIT;
	char buf[65536];
	const ssize_t n = recv(l->fdv[side], buf, sizeof(buf), flags);

	if (n < 0)
		return;
	if (dice(l) < l->percent) {
		++l->lost;
		return;
	}
	++l->passed;
	/* it is UDP: what does not go is lost as well */
	(void)sendto(l->fdv[!side], buf, (size_t)n, 0,
		     (struct sockaddr *)&l->tov[!side], sizeof(l->tov[0]));
}


static void *thread(void *arg)
{
	struct lossy *l = arg;
	struct pollfd pfdv[3] = {
		{l->fdv[0], POLLIN, 0}, {l->fdv[1], POLLIN, 0},
		{l->pipev[0], POLLIN, 0},
	};

	for (;;) {
		if (poll(pfdv, 3, -1) < 0 && errno != EINTR)
			return NULL;
		if (pfdv[2].revents)
			return NULL;
		if (pfdv[0].revents)
			pass(l, 0);
		if (pfdv[1].revents)
			pass(l, 1);
	}
}


static struct sockaddr_in local(uint16_t port)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};

	return sin;
}


static int side(uint16_t *portp)
{
	struct sockaddr_in sin = local(0);
	socklen_t len = sizeof(sin);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, len) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len))
		e2e_fail("socket: %s", strerror(errno));
	*portp = ntohs(sin.sin_port);

	return fd;
}


struct lossy *lossy_open(struct env *env, unsigned percent, uint16_t *ap,
			 uint16_t *bp)
{
	struct lossy *l = env_keep(env, mem_zalloc(sizeof(*l), NULL));
	const char *seed = getenv("CPM_SEED");

	l->seed = seed && *seed ? strtoull(seed, NULL, 10)
		: e2e_now() * 2 + 1;
	l->state = l->seed ? l->seed : 1;
	l->percent = percent;
	l->fdv[0] = side(ap);
	l->fdv[1] = side(bp);
	if (pipe(l->pipev))
		e2e_fail("pipe: %s", strerror(errno));
	printf("lossy: %u %%, CPM_SEED=%llu\n", percent,
	       (unsigned long long)l->seed);

	return l;
}


void lossy_run(struct lossy *l, uint16_t a, uint16_t b)
{
	l->tov[0] = local(a);
	l->tov[1] = local(b);
	if (pthread_create(&l->thread, NULL, thread, l))
		e2e_fail("no thread");
}


void lossy_stop(struct lossy *l, unsigned *passed, unsigned *lost)
{
	close(l->pipev[1]);
	pthread_join(l->thread, NULL);
	close(l->pipev[0]);
	close(l->fdv[0]);
	close(l->fdv[1]);
	*passed = l->passed;
	*lost = l->lost;
	printf("lossy: %u datagrams passed, %u lost, CPM_SEED=%llu\n",
	       l->passed, l->lost, (unsigned long long)l->seed);
}
