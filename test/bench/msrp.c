/**
 * @file bench/msrp.c  The library alone: without baresip, SIP, CPIM and store
 *
 * Small messages and a big one, plain and TLS, from one that sends what is
 * ready in memory to one that finds the end of each request, answers 200 and
 * looks at nothing else; then each of these with the library in place of the
 * other. What counts are the ratios.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <sys/resource.h>
#include "bench.h"


enum {
	FIRST_PART = 20,  /* window 1 gets fewer messages: it is slow */
	ROWS       = 5,
};

enum way {
	WAY_BARE = 0,     /* neither is the library                   */
	WAY_RECV,
	WAY_SEND,
	WAYS,
};

static const char what[] = "msrp";

static const struct {
	const char *name;
	uint32_t window;  /* 0: one big message                       */
	size_t chunk;     /* the library chooses its own              */
} rowv[ROWS] = {
	{"window 1, msg/s",        1,   0},
	{"window 32, msg/s",       32,  0},
	{"window 256, msg/s",      256, 0},
	{"chunks of 64 KiB, MB/s", 0,   65536},
	{"chunks of 2 KiB, MB/s",  0,   2048},
};

static const char *const variantv[2][WAYS] = {
	{"sink", "library receives", "library sends"},
	{"sink; TLS", "library receives; TLS", "library sends; TLS"},
};
static const char *const bigv[2][WAYS] = {
	{"sink; 2 KiB", "library receives; 2 KiB", ""},
	{"sink; TLS; 2 KiB", "library receives; TLS; 2 KiB", ""},
};


static struct key key_of(enum way way, size_t row, int tls, enum place place)
{
	struct key key = {what, variantv[tls][way], rowv[row].window, place};

	if (rowv[row].chunk == 2048)
		key.variant = bigv[tls][way];

	return key;
}


/* Of the children that have ended */
static double cpu(void)
{
	struct rusage ru;

	if (getrusage(RUSAGE_CHILDREN, &ru))
		return 0;

	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
		(double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}


static uint32_t messages(const struct bench *b, size_t row)
{
	return rowv[row].window == 1 ? b->n / FIRST_PART + 1 : b->n;
}


/* @return seconds */
static double run(const struct bench *b, struct peer *peer, enum way way,
		  size_t row)
{
	const uint32_t window = rowv[row].window, n = messages(b, row);
	struct result res;

	if (!window)
		return way == WAY_SEND ? peer_send(peer, b, 1, 1, b->size)
			: peer_big(peer, b->size, rowv[row].chunk);

	if (way == WAY_SEND)
		return peer_send(peer, b, window, n, BENCH_BODY);

	peer_load(peer, window, n, &res);

	return res.seconds;
}


static void measure(const struct bench *b, enum way way, size_t row,
		    enum place place, const char *pem, unsigned rep)
{
	const struct key key = key_of(way, row, pem != NULL, place);
	const struct peer_args args = {.sink = way != WAY_RECV, .pem = pem,
				       .place = place};
	const double t0 = cpu();
	struct peer peer;
	double seconds;

	peer_start(&peer, b, &args);
	seconds = run(b, &peer, way, row);
	peer_stop(&peer);

	if (rowv[row].window) {
		record(&key, rep, "msg/s", messages(b, row) / seconds);
		record(&key, rep, "CPU us/msg",
		       (cpu() - t0) * 1e6 / messages(b, row));
	}
	else {
		record(&key, rep, "MB/s", (double)b->size / 1e6 / seconds);
		record(&key, rep, "CPU us/MB",
		       (cpu() - t0) * 1e6 / ((double)b->size / 1e6));
	}
}


static double median(enum way way, size_t row, int tls, enum place place,
		     bool time)
{
	const struct key key = key_of(way, row, tls, place);

	if (rowv[row].window)
		return record_median(&key, time ? "CPU us/msg" : "msg/s");

	return record_median(&key, time ? "CPU us/MB" : "MB/s");
}


static void table(enum place place, int tls)
{
	size_t i;

	printf("\n%s; %s\n%-22s %10s %10s %8s %10s %8s  %s\n",
	       tls ? "TLS" : "plain TCP", place_text(place), "",
	       "bare", "receives", "of bare", "sends", "of bare",
	       "receiver's CPU, us a msg or MB");
	for (i=0; i<ROWS; i++) {
		const double bare = median(WAY_BARE, i, tls, place, false);
		const double in = median(WAY_RECV, i, tls, place, false);

		printf("%-22s %10.0f %10.0f %8.2f", rowv[i].name, bare, in,
		       in / bare);
		if (rowv[i].chunk == 2048) {
			printf(" %10s %8s", "", "");
		}
		else {
			const double out = median(WAY_SEND, i, tls, place,
						  false);

			printf(" %10.0f %8.2f", out, out / bare);
		}
		printf("  %.2f bare, %.2f library\n",
		       median(WAY_BARE, i, tls, place, true),
		       median(WAY_RECV, i, tls, place, true));
	}
}


static void measure_all(const struct bench *b, enum place place,
			const char *pem, unsigned rep)
{
	enum way way;
	size_t row;

	for (row=0; row<ROWS; row++) {
		for (way=0; way<WAYS; way++) {
			if (way == WAY_SEND && rowv[row].chunk == 2048)
				continue;
			measure(b, way, row, place, pem, rep);
		}
	}
}


void msrp_bench(const struct bench *b)
{
	enum place place;
	char pem[256];
	unsigned rep;

	printf("\nMSRP: the library without store: %u messages of %u octets "
	       "(%u at window 1), then\none message of %llu octets, median of "
	       "%u runs of each in turn. Bare: what sends has\nall ready in "
	       "memory, what receives finds the end of each request and "
	       "answers 200.\nThe library chooses its chunks.\n"
	       "to be reached: half of bare; receiving 71,000 msg/s (window "
	       "32), 436 MB/s (64 KiB)\n", b->n, BENCH_BODY,
	       b->n / FIRST_PART + 1, (unsigned long long)b->size, b->reps);

	snprintf(pem, sizeof(pem), "%s/cert.pem", b->dir);
	wire_cert(pem);
	for (rep=1; rep<=b->reps; rep++) {
		for (place=0; place<PLACE_MAX; place++) {
			if (!(b->places & 1u << place))
				continue;
			measure_all(b, place, NULL, rep);
			measure_all(b, place, pem, rep);
		}
	}

	for (place=0; place<PLACE_MAX; place++) {
		if (!(b->places & 1u << place))
			continue;
		table(place, 0);
		table(place, 1);
	}
}
