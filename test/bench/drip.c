/**
 * @file drip.c  A thousand peers that send an octet a second: what they cost
 * another delivery
 *
 * Once as connections without a session, whose first head never ends (those
 * that are cut come back), once as sessions whose message never ends.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"


enum {
	PEERS    = 1000,
	ADDRS    = 4,      /* they come from: 127.0.0.2 and so on */
	MESSAGES = 20000,
	ROUNDS   = 5,      /* with and without in turn, a run     */
	SPARE    = 300,
	SETTLE   = 2,      /* s                                   */
};

static const char what[] = "slow";
enum { WITHOUT, WITH };
enum { KINDS = 2 };
static const char *const kindv[KINDS] = {"unbound", "sessions"};
static const char *const variantv[KINDS][2] = {
	{"without unbound", "with unbound"},
	{"without sessions", "with sessions"},
};


static int connect_from(unsigned n, uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + n % ADDRS);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("bind: %s", strerror(errno));
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa.sin_port = htons(port);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect: %s", strerror(errno));
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);

	return fd;
}


/* An octet from each of them in a second, as long as it lives.
   @param port Where to come back to, 0: not */
static void drip(int *fdv, uint16_t port)
{
	const double t0 = now();
	uint64_t n;

	for (n=0;; n++) {
		const unsigned i = (unsigned)(n % PEERS);
		const double wait = t0 + (double)n / PEERS - now();

		if (wait > 0)
			usleep((useconds_t)(wait * 1e6));
		if (send(fdv[i], "x", 1, MSG_NOSIGNAL) == 1 || !port)
			continue;
		close(fdv[i]);
		fdv[i] = connect_from(i, port);
	}
}


static void unbound(struct host *h, int *fdv, uint16_t *port)
{
	struct call call;
	unsigned i;

	/* one that wants to be connected to makes it listen */
	*port = call_listener(&call, h);
	for (i=0; i<PEERS; i++)
		fdv[i] = connect_from(i, *port);
}


static void sessions(struct host *h, int *fdv)
{
	struct call call;
	char text[1024];
	unsigned i;
	int n;

	for (i=0; i<PEERS; i++) {
		call_open(&call, h);
		close(call.usock);
		n = snprintf(text, sizeof(text), "MSRP slow%04u SEND\r\n"
			     "To-Path: %s\r\nFrom-Path: %s\r\n"
			     "Message-ID: s\r\n"
			     "Byte-Range: 1-100000/100000\r\n"
			     "Content-Type: message/cpim\r\n\r\n", i,
			     call.peer, call.own);
		if (write(call.fd, text, (size_t)n) != n)
			die("write: %s", strerror(errno));
		fdv[i] = call.fd;
	}
}


static void run(const struct host *h, struct call *call, const char *variant,
		unsigned rep)
{
	static uint64_t seed = 2000000;
	struct load load = {.wire = {.fd = call->fd}, .to = call->peer,
		.from = call->own, .window = 32, .count = MESSAGES,
		.seed = ++seed};
	struct key key = {what, variant, 32, PLACE_FIXED};
	struct result res;
	double cpu;

	cpu = host_cpu(h);
	load_run(&load, &res);
	record(&key, rep, "cpu us", (host_cpu(h) - cpu) * 1e6 / MESSAGES);
	record(&key, rep, "msg/s", res.rate);

	load.seed = ++seed;
	load.window = key.window = 1;
	load.count = MESSAGES / 10;
	load_run(&load, &res);
	record(&key, rep, "median us", res.median_us);
	record(&key, rep, "p99 us", res.p99_us);
}


static void measure(const struct bench *b, unsigned kind, unsigned rep)
{
	struct host_args args = {.module = b->module, .place = PLACE_FIXED};
	static int fdv[PEERS];
	char folder[256], config[128];
	struct call call;
	uint16_t port = 0;
	struct host h;
	unsigned i;
	pid_t pid;

	snprintf(config, sizeof(config), "cpm_max_sessions %u\n",
		 PEERS + SPARE);
	args.config = config;
	args.dir = run_folder(b, folder, sizeof(folder));
	host_start(&h, &args);
	call_open(&call, &h);
	close(call.usock);
	if (kind)
		sessions(&h, fdv);
	else
		unbound(&h, fdv, &port);

	pid = child();
	if (!pid) {
		place_sender();
		drip(fdv, port);
	}
	for (i=0; i<PEERS; i++)
		close(fdv[i]);

	/* all of them have begun */
	sleep(SETTLE);
	for (i=0; i<ROUNDS; i++) {
		run(&h, &call, variantv[kind][WITH], rep);
		kill(pid, SIGSTOP);
		usleep(50000);
		run(&h, &call, variantv[kind][WITHOUT], rep);
		kill(pid, SIGCONT);
		usleep(50000);
	}
	kill(pid, SIGKILL);
	(void)child_wait(pid);
	call_drop(&call);
	host_kill(&h);
	folder_remove(folder);
}


static double median(unsigned kind, int with, uint32_t window,
		     const char *unit)
{
	const struct key key = {what, variantv[kind][with], window,
				PLACE_FIXED};

	return record_median(&key, unit);
}


void drip_bench(const struct bench *b)
{
	unsigned rep, kind;

	printf("\nSLOW: %d peers that send an octet a second, and %d messages "
	       "of %u octets\non another session; with and without them in "
	       "turn, median of %u\nto be reached: 0.9\n", PEERS, MESSAGES,
	       BENCH_BODY, b->reps * ROUNDS);
	descriptors(PEERS + SPARE);
	for (rep=1; rep<=b->reps; rep++) {
		for (kind=0; kind<KINDS; kind++)
			measure(b, kind, rep);
	}

	printf("%10s %14s %14s %8s %22s %20s\n", "", "without", "with",
	       "ratio", "window 1, median us", "CPU us a message");
	for (kind=0; kind<KINDS; kind++) {
		const double off = median(kind, WITHOUT, 32, "msg/s");
		const double on = median(kind, WITH, 32, "msg/s");

		printf("%10s %12.0f/s %12.0f/s %8.2f %11.0f %10.0f %9.1f "
		       "%10.1f\n", kindv[kind], off, on, on / off,
		       median(kind, WITHOUT, 1, "median us"),
		       median(kind, WITH, 1, "median us"),
		       median(kind, WITHOUT, 32, "cpu us"),
		       median(kind, WITH, 32, "cpu us"));
	}
}
