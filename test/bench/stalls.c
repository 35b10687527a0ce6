/**
 * @file stalls.c  How late the softphone's main loop is meanwhile
 *
 * Measured inside baresip by stall.so; with the disk as it is, and with one
 * whose fsync takes longer.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <unistd.h>
#include "bench.h"


enum {
	IDLE    = 4,    /* s                                                */
	COMMITS = 20,   /* with a slow disk: as many windows are sent       */
};

static const char what[] = "stall";
static const char *const unitv[] = {
	"p50 us", "p99 us", "p99.9 us", "max us"
};
static const uint32_t windowv[] = {1, 32, 256};
enum { WINDOWS = sizeof(windowv) / sizeof(windowv[0]) };


static void line(const struct key *key)
{
	size_t i;

	printf("%-28s %6u", key->variant, key->window);
	for (i=0; i<4; i++)
		printf(" %9.2f", record_max(key, unitv[i]) / 1e3);
	printf("\n");
}


/* @param window 0: nothing is sent */
static void measure(const struct bench *b, const char *variant,
		    const char *slow, enum place place, uint32_t window,
		    uint32_t count)
{
	static const char *const namev[] = {"p50", "p99", "p999", "max"};
	const struct key key = {what, variant, window, place};
	struct host_args args = {
		.module = window || slow || variant[0] == 'c' ? b->module
			: NULL,
		.stall = b->stall, .slow = slow, .delay = b->delay,
		.place = place};
	struct result res;
	char folder[256];
	const char *seen;
	struct host h;
	size_t i;

	args.dir = run_folder(b, folder, sizeof(folder));
	host_start(&h, &args);
	if (window)
		run_load(&h, 1, 1, false, &res);
	(void)ctrl_ask(h.ctrl, "stall", NULL);

	if (window)
		run_load(&h, window, count, false, &res);
	else
		sleep(IDLE);

	seen = ctrl_ask(h.ctrl, "stall", NULL);
	for (i=0; i<4; i++)
		record(&key, 1, unitv[i], ctrl_number(seen, namev[i]));
	record(&key, 1, "samples", ctrl_number(seen, "samples"));
	if (window)
		record(&key, 1, "msg/s", res.rate);
	line(&key);
	host_stop(&h);
	folder_remove(folder);
}


static void at_place(const struct bench *b, enum place place)
{
	size_t i;

	printf("\n%s; ms\n%-28s %6s %9s %9s %9s %9s\n", place_text(place), "",
	       "window", "p50", "p99", "p99.9", "max");
	measure(b, "baresip alone, idle", NULL, place, 0, 0);
	measure(b, "cpm.so, idle", NULL, place, 0, 0);
	for (i=0; i<WINDOWS; i++)
		measure(b, "cpm.so", NULL, place, windowv[i],
			windowv[i] == 1 ? b->n / 10 + 1 : b->n);
	for (i=0; i<WINDOWS; i++)
		measure(b, "cpm.so, slow fsync", b->slow, place, windowv[i],
			windowv[i] * COMMITS);
}


void stalls_bench(const struct bench *b)
{
	enum place place;

	printf("\nSTALL: delay of a 1 ms timer in the main loop beyond its "
	       "time, while messages of %u\noctets arrive; a slow fsync (and "
	       "fdatasync) takes %u ms longer\n"
	       "to be reached: p99.9 below 5 ms, maximum below 20 ms, with "
	       "both disks\n", BENCH_BODY, b->delay);

	for (place=0; place<PLACE_MAX; place++) {
		if (b->places & 1u << place)
			at_place(b, place);
	}
}
