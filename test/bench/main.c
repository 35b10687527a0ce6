/**
 * @file main.c  make bench: messages over one MSRP session, side by side
 *
 * Every line is measured in turn in one run; what counts are the ratios. The
 * sender runs on one CPU, the receiver on the other.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"


static char dir[200];


void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(1);
}


double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}


int listen_any(uint16_t *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len))
		die("cannot listen");
	*port = ntohs(sa.sin_port);

	return fd;
}


static void pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(pid, sizeof(set), &set);
}


static void run_sink(enum sink_kind kind, uint32_t window, uint32_t count,
		     struct result *res)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	struct load load = {.to = "msrp://127.0.0.1:9/sink;tcp",
			    .from = "msrp://127.0.0.1:9/load;tcp",
			    .window = window, .count = count};
	char folder[256];
	uint16_t port;
	int lfd = listen_any(&port), on = 1;
	pid_t pid;

	snprintf(folder, sizeof(folder), "%s/sinkXXXXXX", dir);
	if (!mkdtemp(folder))
		die("%s", folder);

	pid = fork();
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(0, 1);
		sink_run(kind, lfd, folder);
	}
	close(lfd);

	sa.sin_port = htons(port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	load.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(load.fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect");
	(void)setsockopt(load.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	load_run(&load, res);
	close(load.fd);
	waitpid(pid, NULL, 0);
}


static void run_module(const char *module, uint32_t window, uint32_t count,
		       struct result *res)
{
	static uint64_t seed;
	struct timeval tv = {.tv_sec = 5};
	struct load load = {.window = window, .count = count};
	char own[300], peer[300], folder[256];
	struct host h;
	int usock = socket(AF_INET, SOCK_DGRAM, 0);

	(void)setsockopt(usock, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	snprintf(folder, sizeof(folder), "%s/host%llu", dir,
		 (unsigned long long)++seed);
	host_start(&h, folder, module);
	pin(h.pid, 1);
	load.seed = seed;
	load.fd = host_call(&h, usock, own, peer, sizeof(own));
	load.to = peer;
	load.from = own;
	load_run(&load, res);
	host_bye(&h, usock);
	close(load.fd);
	close(usock);
	host_stop(&h);
}


static void line(const char *name, uint32_t window, const struct result *res,
		 double base, FILE *csv)
{
	printf("%-10s %6u %10.0f/s", name, window, res->rate);
	if (window == 1)
		printf("  median %6.0f us  p99 %6.0f us", res->median_us,
		       res->p99_us);
	printf("   %.2f of the sqlite sink\n", res->rate / base);
	fprintf(csv, "%s,%u,%.0f,%.1f,%.1f\n", name, window, res->rate,
		res->median_us, res->p99_us);
}


int main(int argc, char **argv)
{
	static const uint32_t windowv[] = {1, 32, 256};
	const char *tmp = getenv("TMPDIR");
	const uint32_t total = argc > 3 ? (uint32_t)atoi(argv[3]) : 100000;
	char cmd[300];
	FILE *csv;
	size_t i;

	if (argc < 3)
		die("usage: bench cpm.so results.csv [messages]");

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(dir, sizeof(dir), "%s/cpm-bench-XXXXXX", tmp ? tmp : P_tmpdir);
	if (!mkdtemp(dir))
		die("mkdtemp");
	csv = fopen(argv[2], "w");
	if (!csv)
		die("%s", argv[2]);
	fprintf(csv, "what,window,per_second,median_us,p99_us\n");

	printf("%u messages of %u octets of text, one session; sender on CPU "
	       "0, receiver on CPU 1\n", total, BENCH_BODY);
	pin(0, 0);

	for (i=0; i<sizeof(windowv)/sizeof(windowv[0]); i++) {
		const uint32_t w = windowv[i];
		const uint32_t n = w == 1 ? total / 20 : total;
		struct result null, sq, mod;

		run_sink(SINK_NULL, w, n, &null);
		run_sink(SINK_SQLITE, w, n, &sq);
		run_module(argv[1], w, n, &mod);
		line("null sink", w, &null, sq.rate, csv);
		line("sqlite", w, &sq, sq.rate, csv);
		line("cpm.so", w, &mod, sq.rate, csv);
	}
	fclose(csv);

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	if (system(cmd))
		die("%s", cmd);

	return 0;
}
