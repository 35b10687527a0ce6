/**
 * @file load.c  An MSRP sender that keeps a window full
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"


enum {
	OUT_SIZE = 1 << 18,
	IN_SIZE  = 1 << 16,
};

struct sender {
	const struct load *load;
	char out[OUT_SIZE];
	size_t outn, outp;     /* octets in out, and written of them */
	char in[IN_SIZE];
	size_t inn;
	uint32_t sent, done;
	double *timev;         /* window 1: time of each 200 */
	double start;
};


static size_t frame(char *buf, size_t size, const struct load *load,
		    uint32_t n)
{
	static char text[BENCH_BODY + 1];
	char cpim[1024];
	int len;

	if (!text[0])
		memset(text, 'x', BENCH_BODY);

	len = snprintf(cpim, sizeof(cpim),
		"From: <sip:bob@bench.test>\r\n"
		"To: <sip:alice@bench.test>\r\n"
		"NS: imdn <urn:ietf:params:imdn>\r\n"
		"imdn.Message-ID: %016llx-%08x\r\n"
		"DateTime: 2026-11-21T03:11:00Z\r\n"
		"\r\n"
		"Content-Type: text/plain;charset=UTF-8\r\n"
		"Content-Length: %d\r\n"
		"\r\n"
		"%s", (unsigned long long)(load->seed * 0x9e3779b97f4a7c15ULL
					   + n * 0xbf58476d1ce4e5b9ULL), n,
		BENCH_BODY, text);

	return (size_t)snprintf(buf, size,
		"MSRP t%08xz SEND\r\n"
		"To-Path: %s\r\n"
		"From-Path: %s\r\n"
		"Message-ID: m%llx.%x\r\n"
		"Byte-Range: 1-%d/%d\r\n"
		"Content-Type: message/cpim\r\n"
		"\r\n"
		"%s\r\n"
		"-------t%08xz$\r\n",
		n, load->to, load->from, (unsigned long long)load->seed, n,
		len, len, cpim, n);
}


static void fill(struct sender *s)
{
	const struct load *load = s->load;

	if (s->outp == s->outn)
		s->outp = s->outn = 0;

	while (s->sent < load->count &&
	       s->sent - s->done < load->window &&
	       s->outn + 2048 < OUT_SIZE) {
		s->outn += frame(s->out + s->outn, OUT_SIZE - s->outn, load,
				 s->sent++);
		if (s->timev)
			s->start = now();
	}
}


static void flush(struct sender *s)
{
	ssize_t n;

	if (s->outp == s->outn)
		return;

	n = write(s->load->fd, s->out + s->outp, s->outn - s->outp);
	if (n < 0 && errno != EAGAIN)
		die("write: %s", strerror(errno));
	if (n > 0)
		s->outp += (size_t)n;
}


/* Each answer is counted by its end-line and must be a 200 */
static void answers(struct sender *s)
{
	char *p = s->in, *end = s->in + s->inn;

	for (;;) {
		char *tail = memmem(p, (size_t)(end - p), "\r\n-------", 9);
		char *line;

		if (!tail)
			break;
		line = memmem(tail + 9, (size_t)(end - tail - 9), "\r\n", 2);
		if (!line)
			break;
		if (!memmem(p, (size_t)(tail - p), " 200 ", 5))
			die("answer: %.*s", (int)(tail - p), p);
		if (s->timev)
			s->timev[s->done] = (now() - s->start) * 1e6;
		++s->done;
		p = line + 2;
	}

	s->inn = (size_t)(end - p);
	memmove(s->in, p, s->inn);
}


static void receive(struct sender *s)
{
	ssize_t n = read(s->load->fd, s->in + s->inn, IN_SIZE - s->inn);

	if (n == 0)
		die("closed after %u of %u", s->done, s->load->count);
	if (n < 0 && errno != EAGAIN)
		die("read: %s", strerror(errno));
	if (n > 0) {
		s->inn += (size_t)n;
		answers(s);
	}
}


static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}


void load_run(const struct load *load, struct result *res)
{
	struct sender *s = calloc(1, sizeof(*s));
	double t0;

	if (!s)
		die("no memory");

	s->load = load;
	if (load->window == 1)
		s->timev = calloc(load->count, sizeof(double));
	(void)fcntl(load->fd, F_SETFL, O_NONBLOCK);
	t0 = now();

	while (s->done < load->count) {
		struct pollfd p = {.fd = load->fd, .events = POLLIN};

		fill(s);
		flush(s);
		if (s->outp < s->outn)
			p.events |= POLLOUT;
		if (poll(&p, 1, 30000) <= 0)
			die("nothing for 30 s after %u of %u", s->done,
			    load->count);
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			receive(s);
	}

	res->seconds = now() - t0;
	res->rate = load->count / res->seconds;
	res->median_us = res->p99_us = 0;
	if (s->timev) {
		qsort(s->timev, load->count, sizeof(double), by_value);
		res->median_us = s->timev[load->count / 2];
		res->p99_us = s->timev[load->count * 99 / 100];
	}
	free(s->timev);
	free(s);
}


void load_bind(int fd, const char *own_path, const char *peer_path)
{
	char buf[4096], tid[64];
	size_t n = 0;

	/* the peer's SEND without a body: up to its end-line */
	while (n < sizeof(buf) - 1) {
		ssize_t r = read(fd, buf + n, sizeof(buf) - 1 - n);

		if (r <= 0)
			die("no SEND after the connection");
		n += (size_t)r;
		buf[n] = '\0';
		if (strstr(buf, "\r\n-------"))
			break;
	}
	if (sscanf(buf, "MSRP %63s SEND", tid) != 1)
		die("not a SEND: %s", buf);

	n = (size_t)snprintf(buf, sizeof(buf), "MSRP %s 200 OK\r\n"
			     "To-Path: %s\r\nFrom-Path: %s\r\n"
			     "-------%s$\r\n", tid, peer_path, own_path, tid);
	if (write(fd, buf, n) != (ssize_t)n)
		die("write: %s", strerror(errno));
}
