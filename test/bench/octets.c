/**
 * @file octets.c  The decoder alone: octets in memory, no connection
 *
 * octets MILLISECONDS: for each kind of body and size of chunk, chunks in a
 * row are decoded in reads of 64 KiB as often as the time allows. Prints
 * lines of size of a chunk, kind and gigabytes a second, headers included.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cpm_msrp.h>


enum {
	TOTAL = 4 << 20,  /* octets decoded in a row: more than the caches
			     near the CPU hold                            */
	READ  = 65536,
	HEAD  = 512,
	LINE  = 72,       /* octets of text in a line                     */
};

/* all of one octet, so that an end-line of it looks like a body of it */
static const char tid[] = "aaaaaaaaaa";


static uint64_t random_next(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;

	return x >> 11;
}


static char noise(size_t i)
{
	(void)i;

	return (char)random_next();
}


static char text(size_t i)
{
	i %= LINE + 2;

	return i == LINE ? '\r' : i == LINE + 1 ? '\n'
		: (char)('b' + random_next() % 25);
}


static char returns(size_t i)
{
	(void)i;

	return '\r';
}


static char dashes(size_t i)
{
	(void)i;

	return '-';
}


static char tids(size_t i)
{
	(void)i;

	return tid[0];
}


/* Lines that lack only the flag */
static char almost(size_t i)
{
	static const char line[] = "\r\n-------aaaaaaaaaa";

	return line[i % (sizeof(line) - 1)];
}


/* Lines that begin like one */
static char begun(size_t i)
{
	static const char line[] = "\r\n-";

	return line[i % (sizeof(line) - 1)];
}


static const struct {
	const char *name;
	char (*octeth)(size_t i);
} kindv[] = {
	{"random octets",            noise},
	{"text in lines of 72",      text},
	{"nothing but CR",           returns},
	{"nothing but dashes",       dashes},
	{"the id over and over",     tids},
	{"almost end-lines",         almost},
	{"CR LF dash over and over", begun},
};

static const size_t sizev[] = {65536, 2048, 400};


/* Other work on the machine does not count */
static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}


static void fail(const char *what)
{
	(void)fprintf(stderr, "octets: %s\n", what);
	exit(1);
}


/* Chunks of a message in a row */
static void fill(struct mbuf *mb, char (*octeth)(size_t), size_t size)
{
	size_t i, n = 0;
	int err = 0;

	while (mb->pos + size + HEAD < TOTAL && !err) {
		err = mbuf_printf(mb, "MSRP %s SEND\r\n"
			"To-Path: msrp://127.0.0.1:9/0123456789abcdef;tcp\r\n"
			"From-Path: msrp://127.0.0.1:9/load;tcp\r\n"
			"Message-ID: m00000001.00000000\r\n"
			"Byte-Range: %zu-%zu/1000000000\r\n"
			"Content-Type: message/cpim\r\n\r\n", tid,
			n * size + 1, (n + 1) * size);
		for (i=0; i<size && !err; i++)
			err = mbuf_write_u8(mb, (uint8_t)octeth(i));
		if (!err)
			err = mbuf_printf(mb, "\r\n-------%s+\r\n", tid);
		++n;
	}
	if (err)
		fail("no memory");
}


/* @return octets of bodies */
static uint64_t decode(const struct mbuf *all)
{
	struct mbuf mb = *all;
	struct msrp_body body;
	struct msrp_head head;
	bool in_body = false;
	uint64_t n = 0;
	struct pl data;
	int err;

	mb.pos = mb.end = 0;
	for (;;) {
		if (in_body) {
			err = msrp_body_decode(&body, &mb, &data);
			n += data.l;
			in_body = err == ENODATA;
		}
		else {
			err = msrp_head_decode(&head, &mb);
			in_body = !err;
			memset(&body, 0, sizeof(body));
			if (!err)
				err = pl_strcpy(&head.tid, body.tid,
						sizeof(body.tid));
		}
		if (!err)
			continue;
		if (err != ENODATA)
			fail("not decoded");
		if (mb.end == all->end)
			break;
		mb.end = min(mb.end + READ, all->end);
	}
	if (in_body || mb.pos != mb.end)
		fail("not decoded to its end");

	return n;
}


static void measure(size_t kind, size_t size, double seconds)
{
	struct mbuf *mb = mbuf_alloc(TOTAL + HEAD);
	double start, end;
	uint64_t n = 0;

	if (!mb)
		fail("no memory");
	fill(mb, kindv[kind].octeth, size);
	if (decode(mb) % size)
		fail("a body is cut");

	start = end = now();
	while (end - start < seconds) {
		(void)decode(mb);
		n += mb->end;
		end = now();
	}
	printf("%zu,%s,%.3f\n", size, kindv[kind].name,
	       (double)n / 1e9 / (end - start));
	mem_deref(mb);
}


int main(int argc, char **argv)
{
	const double ms = argc == 2 ? strtod(argv[1], NULL) : 0;
	size_t i, k;

	if (ms <= 0) {
		(void)fprintf(stderr, "usage: octets MILLISECONDS\n");
		return 2;
	}
	for (i=0; i<sizeof(sizev)/sizeof(sizev[0]); i++) {
		for (k=0; k<sizeof(kindv)/sizeof(kindv[0]); k++)
			measure(k, sizev[i], ms / 1e3);
	}

	return 0;
}
