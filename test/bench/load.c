/**
 * @file load.c  An MSRP sender that keeps a window full
 *
 * It must not be what is measured: all requests are made before the clock
 * starts, are of one length and lie in a row, so that what the window allows
 * leaves in one write; answers are read where they end.
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
	IN_SIZE  = 1 << 16,
	LATE     = 60000,  /* ms without anything: something is broken */
	BIG_WAY  = 4 << 20,  /* octets of a big message on their way   */
	BIG_ROOM = 1 << 18,
	BIG_HEAD = 1024,
};

struct sender {
	struct load *load;
	char *frames;          /* all of them                    */
	size_t framel;
	size_t outp;           /* octets written                 */
	char in[IN_SIZE];
	size_t inn;
	size_t answerl;        /* length of the last answer      */
	uint8_t *donev;        /* which have their 200           */
	uint32_t sent, done;
	double *timev;         /* window 1: time of each 200     */
	double start;
};


static int cpim_print(char *buf, size_t size, const struct load *load,
		      uint32_t n)
{
	static char text[BENCH_BODY + 1];

	if (!text[0])
		memset(text, 'x', BENCH_BODY);

	return snprintf(buf, size,
		"From: <sip:bob@bench.test>\r\n"
		"To: <sip:alice@bench.test>\r\n"
		"NS: imdn <urn:ietf:params:imdn>\r\n"
		"imdn.Message-ID: %016llx-%08x\r\n"
		"%s"
		"DateTime: 2026-11-21T03:11:00Z\r\n"
		"\r\n"
		"Content-Type: text/plain;charset=UTF-8\r\n"
		"Content-Length: %d\r\n"
		"\r\n"
		"%s", (unsigned long long)(load->seed * 0x9e3779b97f4a7c15ULL
					   + n * 0xbf58476d1ce4e5b9ULL), n,
		load->ask ? "imdn.Disposition-Notification: "
		"positive-delivery\r\n" : "", BENCH_BODY, text);
}


size_t load_size(void)
{
	const struct load load = {.seed = 1};
	char cpim[1024];

	return (size_t)cpim_print(cpim, sizeof(cpim), &load, 1);
}


static size_t frame(char *buf, size_t size, const struct load *load,
		    uint32_t n)
{
	char cpim[1024];
	const int len = cpim_print(cpim, sizeof(cpim), load, n);

	return (size_t)snprintf(buf, size,
		"MSRP t%08xz SEND\r\n"
		"To-Path: %s\r\n"
		"From-Path: %s\r\n"
		"Message-ID: m%08llx.%08x\r\n"
		"Byte-Range: 1-%d/%d\r\n"
		"Content-Type: %s\r\n"
		"\r\n"
		"%s\r\n"
		"-------t%08xz$\r\n",
		n, load->to, load->from, (unsigned long long)load->seed, n,
		len, len, load->ctype ? load->ctype : "message/cpim", cpim,
		n);
}


static void prepare(struct sender *s, struct load *load)
{
	char one[4096];
	uint32_t i;

	s->load = load;
	s->framel = frame(one, sizeof(one), load, 0);
	s->frames = malloc((size_t)load->count * s->framel + 1);
	s->donev = calloc(load->count, 1);
	if (load->window == 1)
		s->timev = calloc(load->count, sizeof(double));
	if (!s->frames || !s->donev || (load->window == 1 && !s->timev))
		die("no memory");

	for (i=0; i<load->count; i++) {
		if (frame(s->frames + i * s->framel, s->framel + 1, load, i)
		    != s->framel)
			die("requests of more than one length");
	}
	(void)fcntl(load->wire.fd, F_SETFL, O_NONBLOCK);
}


/* What the window allows */
static void flush(struct sender *s)
{
	struct load *load = s->load;
	uint32_t end = s->done + load->window;
	ssize_t n;

	if (end > load->count)
		end = load->count;
	if (end > s->sent) {
		s->sent = end;
		if (s->timev)
			s->start = now();
	}
	if (s->outp == s->sent * s->framel)
		return;

	n = wire_write(&load->wire, s->frames + s->outp,
		       s->sent * s->framel - s->outp);
	if (n < 0 && errno != EAGAIN)
		die("write: %s", strerror(errno));
	if (n > 0)
		s->outp += (size_t)n;
}


/* Where the answer at p ends: most are as long as the one before */
static char *answer_end(struct sender *s, char *p, char *end)
{
	const size_t l = s->answerl;
	char *tail, *eol;

	/* its end-line: 7 dashes, t, 8 digits, z, the flag, CR LF */
	if (l && (size_t)(end - p) >= l &&
	    !memcmp(p + l - 22, "\r\n-------t", 10) &&
	    !memcmp(p + l - 13, p + 5, 10) &&
	    !memcmp(p + l - 3, "$\r\n", 3))
		return p + l;

	tail = memmem(p, (size_t)(end - p), "\r\n-------", 9);
	if (!tail)
		return NULL;
	eol = memmem(tail + 9, (size_t)(end - tail - 9), "\r\n", 2);
	if (!eol)
		return NULL;

	s->answerl = (size_t)(eol + 2 - p);

	return eol + 2;
}


/* Each request has one answer, and it is a 200 */
static void answers(struct sender *s)
{
	char *p = s->in, *end = s->in + s->inn, *next;

	while ((next = answer_end(s, p, end)) != NULL) {
		unsigned long i;

		if (next - p < 40 || memcmp(p, "MSRP t", 6) ||
		    memcmp(p + 14, "z 200", 5))
			die("answer: %.*s", (int)(next - p), p);
		i = strtoul(p + 6, NULL, 16);
		if (i >= s->sent || s->donev[i]++)
			die("two answers, or to no request: %.20s", p);
		if (s->timev)
			s->timev[s->done] = (now() - s->start) * 1e6;
		++s->done;
		p = next;
	}

	s->inn = (size_t)(end - p);
	memmove(s->in, p, s->inn);
}


/* @return true if there was something */
static bool receive(struct sender *s)
{
	ssize_t n = wire_read(&s->load->wire, s->in + s->inn,
			      IN_SIZE - s->inn);

	if (n == 0)
		die("closed after %u of %u", s->done, s->load->count);
	if (n < 0 && errno != EAGAIN)
		die("read: %s", strerror(errno));
	if (n <= 0)
		return false;

	s->inn += (size_t)n;
	answers(s);

	return true;
}


void load_run(struct load *load, struct result *res)
{
	struct sender *s = calloc(1, sizeof(*s));
	double t0;

	if (!s)
		die("no memory");

	prepare(s, load);
	t0 = now();

	while (s->done < load->count) {
		struct pollfd p = {.fd = load->wire.fd, .events = POLLIN};

		flush(s);
		if (s->outp < s->sent * s->framel)
			p.events |= POLLOUT;
		if (poll(&p, 1, LATE) <= 0)
			die("nothing for %d s after %u of %u", LATE / 1000,
			    s->done, load->count);
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			while (receive(s) && load->wire.ssl)
				;
	}

	res->start = t0;
	res->seconds = now() - t0;
	res->rate = load->count / res->seconds;
	res->median_us = res->p99_us = 0;
	if (s->timev) {
		qsort(s->timev, load->count, sizeof(double), by_value);
		res->median_us = s->timev[load->count / 2];
		res->p99_us = s->timev[load->count * 99 / 100];
	}
	free(s->timev);
	free(s->donev);
	free(s->frames);
	free(s);
}


void load_bind(struct wire *w, const char *own_path, const char *peer_path)
{
	char buf[4096], tid[64];
	size_t n = 0;

	/* the peer's SEND without a body: up to its end-line */
	while (n < sizeof(buf) - 1) {
		ssize_t r = wire_read(w, buf + n, sizeof(buf) - 1 - n);

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
	if (wire_write(w, buf, n) != (ssize_t)n)
		die("write: %s", strerror(errno));
}


/*
 * One big message
 */

struct big {
	struct load *load;
	char head[BIG_HEAD];    /* CPIM headers: the message's first octets */
	size_t headl;
	uint64_t total;         /* octets of the message, with them         */
	uint64_t pos;           /* octets of it that are in out             */
	size_t chunk;
	uint32_t sent, done;    /* chunks                                   */
	unsigned status;
	char *noise;            /* a chunk's content                        */
	char *out;
	size_t outn, outp;
	char in[IN_SIZE];
	size_t inn;
};


/* Neither compresses nor looks like the end of a chunk */
static void noise(char *p, size_t size)
{
	uint64_t x = 88172645463325252ULL;
	size_t i;

	for (i=0; i<size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (char)x == '-' ? '_' : (char)x;
	}
}


static void big_chunk(struct big *s)
{
	size_t len = s->chunk, skip = 0;

	if (len > s->total - s->pos)
		len = (size_t)(s->total - s->pos);

	s->outn += (size_t)sprintf(s->out + s->outn,
		"MSRP t%08xz SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\n"
		"Message-ID: big%llu\r\nByte-Range: %llu-%llu/%llu\r\n"
		"Content-Type: %s\r\n\r\n", s->sent, s->load->to,
		s->load->from, (unsigned long long)s->load->seed,
		(unsigned long long)s->pos + 1,
		(unsigned long long)(s->pos + len),
		(unsigned long long)s->total,
		s->load->ctype ? s->load->ctype : "message/cpim");
	if (!s->pos) {
		skip = s->headl;
		memcpy(s->out + s->outn, s->head, skip);
	}
	memcpy(s->out + s->outn + skip, s->noise, len - skip);
	s->outn += len;
	s->pos += len;
	s->outn += (size_t)sprintf(s->out + s->outn, "\r\n-------t%08xz%c\r\n",
				   s->sent++, s->pos < s->total ? '+' : '$');
}


static void big_write(struct big *s)
{
	ssize_t n;

	if (s->outp == s->outn)
		s->outp = s->outn = 0;
	while (s->outn < BIG_ROOM && s->pos < s->total &&
	       (s->sent - s->done) * (uint64_t)s->chunk < BIG_WAY)
		big_chunk(s);
	if (s->outp == s->outn)
		return;

	n = wire_write(&s->load->wire, s->out + s->outp, s->outn - s->outp);
	if (n < 0 && errno != EAGAIN)
		die("write: %s", strerror(errno));
	if (n > 0)
		s->outp += (size_t)n;
}


/* @return true if there was something */
static bool big_read(struct big *s)
{
	ssize_t n = wire_read(&s->load->wire, s->in + s->inn,
			      IN_SIZE - 1 - s->inn);
	char *p = s->in, *end, *tail, *eol;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			die("closed after %u chunks", s->done);
		return false;
	}
	s->inn += (size_t)n;
	end = s->in + s->inn;
	*end = '\0';

	while ((tail = memmem(p, (size_t)(end - p), "\r\n-------", 9)) &&
	       (eol = strstr(tail + 9, "\r\n"))) {
		s->status = (unsigned)strtoul(p + 16, NULL, 10);
		++s->done;
		if (s->status != 200)
			return false;
		p = eol + 2;
	}
	s->inn = (size_t)(end - p);
	memmove(s->in, p, s->inn);

	return true;
}


unsigned load_big(struct load *load, uint64_t size, size_t chunk,
		  double *secondsp)
{
	struct big *s = calloc(1, sizeof(*s));
	unsigned status;
	double t0;

	if (!s || !(s->out = malloc(BIG_ROOM + chunk + 2 * BIG_HEAD)) ||
	    !(s->noise = malloc(chunk)))
		die("no memory");
	s->load = load;
	s->chunk = chunk;
	s->status = 200;
	s->headl = (size_t)snprintf(s->head, sizeof(s->head),
		"From: <sip:bob@bench.test>\r\nTo: <sip:alice@bench.test>\r\n"
		"NS: imdn <urn:ietf:params:imdn>\r\n"
		"imdn.Message-ID: big-%llu\r\n"
		"DateTime: 2026-11-21T03:11:00Z\r\n\r\n"
		"Content-Type: application/octet-stream\r\n"
		"Content-Length: %llu\r\n\r\n",
		(unsigned long long)load->seed, (unsigned long long)size);
	s->total = size + s->headl;
	noise(s->noise, chunk);
	(void)fcntl(load->wire.fd, F_SETFL, O_NONBLOCK);
	t0 = now();

	while (s->status == 200 && (s->pos < s->total || s->done < s->sent)) {
		struct pollfd p = {.fd = load->wire.fd, .events = POLLIN};

		big_write(s);
		if (s->outp < s->outn)
			p.events |= POLLOUT;
		if (poll(&p, 1, LATE) <= 0)
			die("nothing for %d s after %u chunks", LATE / 1000,
			    s->done);
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			while (big_read(s) && load->wire.ssl)
				;
	}

	*secondsp = now() - t0;
	status = s->status;
	free(s->noise);
	free(s->out);
	free(s);

	return status;
}
