/**
 * @file bench/decode.c  What decoding costs: gigabytes a second of the
 * decoder alone, and instructions of the library for a small message
 *
 * The instructions are counted by valgrind's callgrind, which other work on
 * the machine does not disturb: two runs of the library alone, of which the
 * longer has 4,000 messages more.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"


enum {
	KINDS  = 32,
	SHORT  = 1000,   /* messages */
	LONG   = 5000,
	WINDOW = 256,
};

static const char what[] = "decode";


static void octets(const struct bench *b, unsigned rep)
{
	static char namev[KINDS][64];
	char command[4200], line[256], kind[48];
	unsigned size, i = 0;
	double value;
	FILE *f;

	snprintf(command, sizeof(command), "'%s' 100", b->octets);
	f = popen(command, "r");
	if (!f)
		die("%s", command);
	while (fgets(line, sizeof(line), f) && i < KINDS) {
		struct key key = {what, namev[i], 0, PLACE_NONE};

		if (sscanf(line, "%u,%47[^,],%lf", &size, kind, &value) != 3)
			die("%s: %s", b->octets, line);
		snprintf(namev[i++], sizeof(namev[0]), "%s; chunks of %u",
			 kind, size);
		record(&key, rep, "GB/s", value);
		if (rep == b->reps)
			printf("%-48s %8.2f\n", key.variant,
			       record_median(&key, "GB/s"));
	}
	if (pclose(f))
		die("%s failed", b->octets);
}


/* The number behind "summary:" */
static double summary(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];
	double n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "summary:", 8) ||
		    !strncmp(line, "totals:", 7))
			n = strtod(strchr(line, ':') + 1, NULL);
	}
	if (f)
		(void)fclose(f);
	if (n <= 0)
		die("%s: callgrind counted nothing", path);

	return n;
}


static double counted(const struct bench *b, bool sends, uint32_t count)
{
	char path[256], out[300];
	const char *const tool[] = {"valgrind", "-q", "--tool=callgrind",
				    out, NULL};
	struct result res;
	struct peer peer;

	snprintf(path, sizeof(path), "%s/callgrind.%d.%u", b->dir, sends,
		 count);
	snprintf(out, sizeof(out), "--callgrind-out-file=%s", path);
	peer_start(&peer, b, &(struct peer_args){
		.sink = sends, .tool = tool, .place = PLACE_FREE});
	if (sends)
		(void)peer_send(&peer, b, WINDOW, count, load_size(),
				&res.start);
	else
		peer_load(&peer, WINDOW, count, &res);
	peer_stop(&peer);

	return summary(path);
}


static void instructions(const struct bench *b, bool sends)
{
	const struct key key = {what, sends ? "a small message is sent"
				: "a small message is received", WINDOW,
				PLACE_NONE};
	const double n = (counted(b, sends, LONG) - counted(b, sends, SHORT)) /
		(LONG - SHORT);

	record(&key, 1, "instructions", n);
	printf("%-48s %8.0f\n", key.variant, n);
}


void decode_bench(const struct bench *b)
{
	unsigned rep;

	printf("\nDECODE: gigabytes a second of chunks in memory, in reads of "
	       "64 KiB, median of %u runs\nto be reached: 1 with chunks of "
	       "65536\n", b->reps);
	place_sender();
	for (rep=1; rep<=b->reps; rep++)
		octets(b, rep);

	printf("\ninstructions for one of %u octets, all libraries "
	       "included\n", BENCH_BODY);
	instructions(b, false);
	instructions(b, true);
}
