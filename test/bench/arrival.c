/**
 * @file arrival.c  Messages a second over one session, and the time to a 200
 *
 * In turn, as often as asked: a sink that stores nothing, one that stores
 * with SQLite, cpm.so, and a cpm.so that commits each message alone. What
 * counts are the ratios.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <unistd.h>
#include "bench.h"


enum {
	ASK_WINDOW = 32,
	ASK_LATE   = 20,  /* s that are waited for notifications */
	ALONE_PART = 10,  /* it gets fewer messages: it is slow  */
	FIRST_PART = 20,  /* so does window 1                    */
};

static const char what[] = "arrival";
static const uint32_t windowv[] = {1, 32, 256};
enum { WINDOWS = sizeof(windowv) / sizeof(windowv[0]) };


static void keep(const char *variant, uint32_t window, enum place place,
		 unsigned rep, const struct result *res)
{
	const struct key key = {what, variant, window, place};

	record(&key, rep, "msg/s", res->rate);
	if (window == 1) {
		record(&key, rep, "median us", res->median_us);
		record(&key, rep, "p99 us", res->p99_us);
	}
}


static void measure(const struct bench *b, uint32_t window, enum place place,
		    unsigned rep)
{
	const uint32_t n = window == 1 ? b->n / FIRST_PART + 1 : b->n;
	struct result res;

	run_sink(b, SINK_NULL, place, window, n, &res);
	keep("null sink", window, place, rep, &res);
	run_sink(b, SINK_SQLITE, place, window, n, &res);
	keep("sqlite sink", window, place, rep, &res);
	run_module(b, b->module, place, window, n, &res);
	keep("cpm.so", window, place, rep, &res);
	if (window == 1)
		return;
	run_module(b, b->alone, place, window, n / ALONE_PART + 1, &res);
	keep("one a commit", window, place, rep, &res);
}


/* For information: each message asks for a notification, which is sent */
static void measure_ask(const struct bench *b, enum place place, unsigned rep)
{
	const struct key key = {what, "with notifications", ASK_WINDOW, place};
	const uint32_t n = b->n / ALONE_PART + 1;
	struct host_args args = {.module = b->module, .place = place};
	struct result res;
	char folder[256];
	struct sipd sipd;
	struct host h;
	double t0 = now();

	sipd_start(&sipd);
	args.outbound = sipd.port;
	args.dir = run_folder(b, folder, sizeof(folder));
	host_start(&h, &args);
	t0 = now();
	run_load(&h, ASK_WINDOW, n, true, &res);
	record(&key, rep, "msg/s", res.rate);

	while (*sipd.count < n && now() - t0 < ASK_LATE)
		usleep(1000);
	record(&key, rep, "notifications/s", *sipd.count / (now() - t0));
	host_stop(&h);
	sipd_stop(&sipd);
	folder_remove(folder);
}


static double rate(const char *variant, uint32_t window, enum place place)
{
	const struct key key = {what, variant, window, place};

	return record_median(&key, "msg/s");
}


static void table_rates(enum place place)
{
	size_t i;

	printf("\n%s; messages a second\n", place_text(place));
	printf("%8s %12s %12s %12s %14s %12s %14s\n", "window", "null sink",
	       "sqlite sink", "cpm.so", "one a commit", "cpm/sqlite",
	       "cpm/one each");
	for (i=0; i<WINDOWS; i++) {
		const uint32_t w = windowv[i];
		const double mod = rate("cpm.so", w, place);
		const double sq = rate("sqlite sink", w, place);
		const double one = rate("one a commit", w, place);

		printf("%8u %12.0f %12.0f %12.0f", w,
		       rate("null sink", w, place), sq, mod);
		if (w == 1)
			printf(" %14s %12.2f\n", "", mod / sq);
		else
			printf(" %14.0f %12.2f %14.1f\n", one, mod / sq,
			       mod / one);
	}
}


static void table_times(enum place place)
{
	static const char *const variantv[] = {
		"null sink", "sqlite sink", "cpm.so"
	};
	const struct key sink = {what, "sqlite sink", 1, place};
	size_t i;

	printf("window 1, microseconds from a message to its 200\n"
	       "%21s %12s %12s %12s %12s\n", "", "median", "p99",
	       "of sqlite's", "of its p99");
	for (i=0; i<sizeof(variantv)/sizeof(variantv[0]); i++) {
		const struct key key = {what, variantv[i], 1, place};
		const double median = record_median(&key, "median us");
		const double p99 = record_median(&key, "p99 us");

		printf("%21s %12.0f %12.0f %12.2f %12.2f\n", key.variant,
		       median, p99, median / record_median(&sink, "median us"),
		       p99 / record_median(&sink, "p99 us"));
	}
}


static void tables(enum place place)
{
	const struct key ask = {what, "with notifications", ASK_WINDOW, place};

	table_rates(place);
	table_times(place);
	printf("each asks for a delivery notification, window %d: %.0f "
	       "messages a second, %.0f notifications\n", ASK_WINDOW,
	       record_median(&ask, "msg/s"),
	       record_median(&ask, "notifications/s"));
}


void arrival_bench(const struct bench *b)
{
	enum place place;
	unsigned rep;
	size_t i;

	printf("\nARRIVAL: %u messages of %u octets over one MSRP session (%u "
	       "at window 1 and %u\nwhere each has its own commit), median of "
	       "%u runs of each in turn\n"
	       "to be reached: cpm/sqlite 0.67, cpm/one each 8 (windows 32 and "
	       "256); window 1: 1.5 of\nsqlite's median\n",
	       b->n, BENCH_BODY, b->n / FIRST_PART + 1, b->n / ALONE_PART + 1,
	       b->reps);

	for (rep=1; rep<=b->reps; rep++) {
		const double t0 = now();

		for (place=0; place<PLACE_MAX; place++) {
			if (!(b->places & 1u << place))
				continue;
			for (i=0; i<WINDOWS; i++)
				measure(b, windowv[i], place, rep);
			measure_ask(b, place, rep);
		}
		printf("run %u took %.0f s\n", rep, now() - t0);
	}

	for (place=0; place<PLACE_MAX; place++) {
		if (b->places & 1u << place)
			tables(place);
	}
}
