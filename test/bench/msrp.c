/**
 * @file bench/msrp.c  The library alone: without baresip, SIP, CPIM and store
 *
 * Small messages and a big one, plain and TLS, from one that sends what is
 * ready in memory to one that finds the end of each request, answers 200 and
 * looks at nothing else; then each of these with the library in place of the
 * other; and all of it through Kamailio's relay. What counts are the ratios.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <sys/resource.h>
#include "bench.h"


enum {
	FIRST_PART = 20,     /* window 1 gets fewer messages: it is slow     */
	RELAY_SIZE = 40000000, /* of a big message through a relay: it takes
				  more than it can pass on, until it drops
				  all                                        */
	CHUNK_RELAY = 8192,  /* a relay loses larger ones                    */
};

enum way {
	WAY_BARE = 0,        /* neither is the library                       */
	WAY_RECV,
	WAY_SEND,
	WAYS,
};

static const char what[] = "msrp";

static const struct row {
	const char *name;
	uint32_t window;     /* 0: one big message                           */
	size_t chunk;        /* the library chooses its own                  */
	bool relay;
	const char *variantv[2][WAYS];
} rowv[] = {
	{"window 1, msg/s", 1, 0, false,
		{{"bare", "receives", "sends"},
		 {"bare TLS", "receives TLS", "sends TLS"}}},
	{"window 32, msg/s", 32, 0, false,
		{{"bare", "receives", "sends"},
		 {"bare TLS", "receives TLS", "sends TLS"}}},
	{"window 256, msg/s", 256, 0, false,
		{{"bare", "receives", "sends"},
		 {"bare TLS", "receives TLS", "sends TLS"}}},
	{"chunks of 64 KiB, MB/s", 0, 65536, false,
		{{"bare 64 KiB", "receives 64 KiB", "sends big"},
		 {"bare TLS 64 KiB", "receives TLS 64 KiB", "sends TLS big"}}},
	{"chunks of 2 KiB, MB/s", 0, 2048, false,
		{{"bare 2 KiB", "receives 2 KiB", NULL},
		 {"bare TLS 2 KiB", "receives TLS 2 KiB", NULL}}},
	{"relay: window 32, msg/s", 32, 0, true,
		{{"relay bare", "relay receives", "relay sends"},
		 {"relay bare TLS", "relay receives TLS", "relay sends TLS"}}},
	{"relay: of 8 KiB, MB/s", 0, CHUNK_RELAY, true,
		{{"relay bare 8 KiB", "relay receives 8 KiB",
		  "relay sends big"},
		 {"relay bare TLS 8 KiB", "relay receives TLS 8 KiB",
		  "relay sends TLS big"}}},
};
enum { ROWS = sizeof(rowv) / sizeof(rowv[0]) };


static struct key key_of(enum way way, const struct row *row, int tls,
			 enum place place)
{
	return (struct key){what, row->variantv[tls][way], row->window,
			    place};
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


static uint32_t messages(const struct bench *b, const struct row *row)
{
	if (!row->window)
		return 1;

	return row->window == 1 ? b->n / FIRST_PART + 1 : b->n;
}


static uint64_t octets(const struct bench *b, const struct row *row)
{
	return row->relay && b->size > RELAY_SIZE ? RELAY_SIZE : b->size;
}


/* @return seconds: to the last answer; through a relay, whose answers tell
   nothing about the receiver, until that had all */
static double run(const struct bench *b, struct peer *peer, enum way way,
		  const struct row *row)
{
	const uint32_t n = messages(b, row);
	struct result res = {.start = now()};

	if (way == WAY_SEND)
		res.seconds = peer_send(peer, b, row->window ? row->window : 1,
					n, row->window ? load_size()
					: octets(b, row), &res.start);
	else if (row->window)
		peer_load(peer, row->window, n, &res);
	else
		res.seconds = peer_big(peer, octets(b, row), row->chunk);

	return row->relay ? peer_wait(peer) - res.start : res.seconds;
}


static void measure(const struct bench *b, enum way way,
		    const struct row *row, enum place place, const char *pem,
		    unsigned rep)
{
	const struct key key = key_of(way, row, pem != NULL, place);
	struct peer_args args = {.sink = way != WAY_RECV, .pem = pem,
				 .place = place};
	double t0, seconds, mb = (double)octets(b, row) / 1e6;
	struct relay relay;
	struct peer peer;

	if (row->relay) {
		relay_start(&relay, b, pem, PLACE_FREE);
		args.relay = &relay;
		/* the library's first SEND has no body */
		args.expect = messages(b, row) + (way == WAY_SEND);
	}
	t0 = cpu();
	peer_start(&peer, b, &args);
	seconds = run(b, &peer, way, row);
	if (row->relay)
		relay_stop(&relay);
	peer_stop(&peer);

	if (row->window)
		record(&key, rep, "msg/s", messages(b, row) / seconds);
	else
		record(&key, rep, "MB/s", mb / seconds);
	if (!row->relay)
		record(&key, rep, "CPU us", (cpu() - t0) * 1e6 /
		       (row->window ? messages(b, row) : mb));
}


static double median(enum way way, const struct row *row, int tls,
		     enum place place)
{
	const struct key key = key_of(way, row, tls, place);

	return record_median(&key, row->window ? "msg/s" : "MB/s");
}


static void line(const struct row *row, enum place place, int tls)
{
	const struct key bare = key_of(WAY_BARE, row, tls, place);
	const struct key recv = key_of(WAY_RECV, row, tls, place);
	const double speed = median(WAY_BARE, row, tls, place);
	const double in = median(WAY_RECV, row, tls, place);

	printf("%-24s %9.0f %9.0f %6.2f", row->name, speed, in, in / speed);
	if (row->variantv[tls][WAY_SEND]) {
		const double out = median(WAY_SEND, row, tls, place);

		printf(" %9.0f %6.2f", out, out / speed);
	}
	else {
		printf(" %9s %6s", "", "");
	}
	if (!row->relay)
		printf(" %9.2f %9.2f", record_median(&bare, "CPU us"),
		       record_median(&recv, "CPU us"));
	printf("\n");
}


static void table(enum place place, int tls)
{
	size_t i;

	printf("\n%s; %s\n%-24s %9s %16s %16s %19s\n%-24s %9s %9s %6s %9s %6s "
	       "%9s %9s\n", tls ? "TLS" : "plain TCP", place_text(place), "",
	       "", "library receives", "library sends",
	       "receiver's CPU, us", "", "bare", "", "of it", "", "of it",
	       "bare", "library");
	for (i=0; i<ROWS; i++)
		line(&rowv[i], place, tls);
}


static void measure_all(const struct bench *b, enum place place,
			const char *pem, unsigned rep)
{
	enum way way;
	size_t row;

	for (row=0; row<ROWS; row++) {
		for (way=0; way<WAYS; way++) {
			if (rowv[row].variantv[0][way])
				measure(b, way, &rowv[row], place, pem, rep);
		}
	}
}


void msrp_bench(const struct bench *b)
{
	enum place place;
	char pem[256];
	unsigned rep;

	printf("\nMSRP: the library without store: %u messages of %u octets "
	       "(%u at window 1), then\none message of %llu octets (40 MB "
	       "through the relay), median of %u runs of each in\nturn. Bare: "
	       "what sends has all ready in memory, what receives finds the "
	       "end of each\nrequest and answers 200. The library chooses its "
	       "chunks. CPU: for a message, or MB.\n"
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
