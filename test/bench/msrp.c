/**
 * @file bench/msrp.c  The library alone: without baresip, SIP, CPIM and store
 *
 * Small messages and a big one, plain and TLS, into the library and into a
 * sink that finds the end of each request, answers 200 and looks at nothing
 * else. What counts are the ratios.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "bench.h"


enum {
	FIRST_PART = 20,  /* window 1 gets fewer messages: it is slow */
};

enum { TLS = 0 };
static const char what[] = "msrp";
static const uint32_t windowv[] = {1, 32, 256};
enum { WINDOWS = sizeof(windowv) / sizeof(windowv[0]) };

static const struct {
	size_t size;
	const char *name;
} chunkv[] = {
	{65536, "64 KiB"},
	{2048,  "2 KiB"},
};
enum { CHUNKS = sizeof(chunkv) / sizeof(chunkv[0]) };

/* By what receives, TLS, and chunk (0: small messages) */
static const char *const namev[2][2][1 + CHUNKS] = {
	{{"library", "library; 64 KiB", "library; 2 KiB"},
	 {"library, TLS", "library, TLS; 64 KiB", "library, TLS; 2 KiB"}},
	{{"sink", "sink; 64 KiB", "sink; 2 KiB"},
	 {"sink, TLS", "sink, TLS; 64 KiB", "sink, TLS; 2 KiB"}},
};


static void small(const struct bench *b, const struct peer_args *args,
		  uint32_t window, unsigned rep)
{
	const struct key key = {what, namev[args->sink][args->pem != NULL][0],
				window, args->place};
	const uint32_t n = window == 1 ? b->n / FIRST_PART + 1 : b->n;
	struct result res;
	struct peer peer;

	peer_start(&peer, b, args);
	peer_load(&peer, window, n, &res);
	peer_stop(&peer);
	record(&key, rep, "msg/s", res.rate);
	if (window == 1)
		record(&key, rep, "median us", res.median_us);
}


static void big(const struct bench *b, const struct peer_args *args,
		size_t chunk, unsigned rep)
{
	const struct key key = {
		what, namev[args->sink][args->pem != NULL][1 + chunk], 0,
		args->place};
	struct peer peer;
	double seconds;

	peer_start(&peer, b, args);
	seconds = peer_big(&peer, b->size, chunkv[chunk].size);
	peer_stop(&peer);
	record(&key, rep, "MB/s", (double)b->size / 1e6 / seconds);
}


static void measure(const struct bench *b, enum place place, const char *pem,
		    unsigned rep)
{
	struct peer_args args = {.pem = pem, .place = place};
	size_t i;
	int sink;

	for (i=0; i<WINDOWS; i++) {
		for (sink=1; sink>=0; sink--) {
			args.sink = sink;
			small(b, &args, windowv[i], rep);
		}
	}
	for (i=0; i<CHUNKS; i++) {
		for (sink=1; sink>=0; sink--) {
			args.sink = sink;
			big(b, &args, i, rep);
		}
	}
}


static double median(int sink, int tls, size_t chunk, uint32_t window,
		     enum place place, const char *unit)
{
	const struct key key = {what, namev[sink][tls][chunk], window, place};

	return record_median(&key, unit);
}


static void line(const char *name, double sink, double library)
{
	printf("%-22s %12.0f %12.0f %10.2f\n", name, sink, library,
	       library / sink);
}


static void table(enum place place, int tls)
{
	char name[64];
	size_t i;

	printf("\n%s; %s\n%-22s %12s %12s %10s\n", tls ? "TLS" : "plain TCP",
	       place_text(place), "", "sink", "library", "of sink");
	for (i=0; i<WINDOWS; i++) {
		snprintf(name, sizeof(name), "window %u, msg/s", windowv[i]);
		line(name, median(1, tls, 0, windowv[i], place, "msg/s"),
		     median(0, tls, 0, windowv[i], place, "msg/s"));
	}
	for (i=0; i<CHUNKS; i++) {
		snprintf(name, sizeof(name), "chunks of %s, MB/s",
			 chunkv[i].name);
		line(name, median(1, tls, 1 + i, 0, place, "MB/s"),
		     median(0, tls, 1 + i, 0, place, "MB/s"));
	}
}


void msrp_bench(const struct bench *b)
{
	enum place place;
	char pem[256];
	unsigned rep;
	int tls;

	printf("\nMSRP: the library alone receives %u messages of %u octets "
	       "(%u at window 1), then\none message of %llu octets; median of "
	       "%u runs of each in turn\n"
	       "to be reached: half of the sink, 71,000 msg/s (window 32), "
	       "436 MB/s (64 KiB)\n", b->n, BENCH_BODY, b->n / FIRST_PART + 1,
	       (unsigned long long)b->size, b->reps);

	snprintf(pem, sizeof(pem), "%s/cert.pem", b->dir);
	wire_cert(pem);
	for (rep=1; rep<=b->reps; rep++) {
		for (place=0; place<PLACE_MAX; place++) {
			if (!(b->places & 1u << place))
				continue;
			measure(b, place, NULL, rep);
			if (TLS)
				measure(b, place, pem, rep);
		}
	}

	for (place=0; place<PLACE_MAX; place++) {
		if (!(b->places & 1u << place))
			continue;
		for (tls=0; tls<1+TLS; tls++)
			table(place, tls);
	}
}
