/**
 * @file history.c  What a long history costs: start, commands, arrival
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench.h"


enum {
	CONVS = 1000,
	CALLS = 1000,     /* of each command                     */
	FEW   = 50,       /* if they take longer than this:      */
	LONG  = 4,        /* s                                   */
	STARTS = 5,       /* of each kind                        */
	PART   = 2,       /* of the messages of an arrival's run */
};

static const char what[] = "history";
static const uint32_t windowv[] = {1, 32, 256};
enum { WINDOWS = sizeof(windowv) / sizeof(windowv[0]) };

/** Its parameters: %u is replaced, in this order, by numbers below these */
struct command {
	const char *name;
	const char *cmd;
	const char *fmt;
	uint32_t maxv[2];
};


static void fill(const struct bench *b, const char *dir)
{
	char path[300], count[16], convs[16];
	const char *const argv[] = {b->fill, path, count, convs, NULL};
	const struct key key = {what, "fill", 0, PLACE_NONE};
	const double t0 = now();

	if (mkdir(dir, 0700))
		die("%s: %s", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/cpm/cpm.db", dir);
	snprintf(count, sizeof(count), "%u", b->history);
	snprintf(convs, sizeof(convs), "%d", CONVS);
	run_program(argv, NULL);
	record(&key, 1, "s", now() - t0);
	printf("made in %.0f s\n", now() - t0);
}


/* As after the machine was started */
static void forget(const char *dir)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/cpm/cpm.db", dir);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	(void)fsync(fd);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}


/*
 * Start
 */

static void start(const char *variant, const char *dir, const char *module,
		  unsigned rep)
{
	const struct key key = {what, variant, 0, PLACE_FREE};
	const struct host_args args = {.dir = dir, .module = module,
				       .place = PLACE_FREE};
	struct host h;

	host_start(&h, &args);
	record(&key, rep, "ms", h.start_ms);
	host_stop(&h);
}


static void start_line(const char *variant, const char *base)
{
	const struct key key = {what, variant, 0, PLACE_FREE};
	const struct key ref = {what, base, 0, PLACE_FREE};
	const double ms = record_median(&key, "ms");

	printf("%-36s %9.1f %9.1f %+9.1f\n", variant, ms,
	       record_max(&key, "ms"), ms - record_median(&ref, "ms"));
}


static void starts(const struct bench *b, const char *full,
		   const char *empty, const char *plain)
{
	static const char none[] = "start, baresip alone",
		small[] = "start, empty store", hot[] = "start, history",
		cold[] = "start, history, not in memory";
	unsigned rep;

	start("first start", empty, b->module, 1);
	for (rep=1; rep<=STARTS; rep++) {
		start(none, plain, NULL, rep);
		start(small, empty, b->module, rep);
		start(hot, full, b->module, rep);
		forget(full);
		start(cold, full, b->module, rep);
	}

	printf("\nfrom exec to the first command answered, ms (%d starts of "
	       "each in turn)\n%-36s %9s %9s %9s\n", STARTS, "", "median",
	       "max", "beyond");
	start_line(none, none);
	start_line(small, none);
	start_line(hot, small);
	start_line(cold, small);
}


/*
 * Commands
 */

static uint32_t below(uint32_t max)
{
	return (uint32_t)(((uint64_t)random() * max) >> 31);
}


static void command(struct host *h, const struct command *c)
{
	const struct key key = {what, c->name, 0, PLACE_FREE};
	const double start = now();
	double timev[CALLS];
	char prm[256];
	size_t i;

	for (i=0; i<CALLS && (i < FEW || now() - start < LONG); i++) {
		const unsigned a = c->maxv[0] ? 1 + below(c->maxv[0]) : 0;
		const unsigned d = c->maxv[1] ? 1 + below(c->maxv[1]) : 0;
		const char *seen;
		double t0;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (c->fmt)
			snprintf(prm, sizeof(prm), c->fmt, a, d);
#pragma GCC diagnostic pop
		t0 = now();
		seen = ctrl_ask(h->ctrl, c->cmd, c->fmt ? prm : NULL);
		timev[i] = (now() - t0) * 1e3;
		if (!strstr(seen, "\"ok\":true"))
			die("%s %s: %.300s", c->cmd, prm, seen);
	}

	qsort(timev, i, sizeof(timev[0]), by_value);
	record(&key, 1, "calls", (double)i);
	record(&key, 1, "median ms", timev[i / 2]);
	record(&key, 1, "p99 ms", timev[i * 99 / 100]);
	printf("%-46s %9.2f %9.2f %9.2f %6zu\n", c->name, timev[i / 2],
	       timev[i * 99 / 100], timev[i - 1], i);
}


static void commands(const struct bench *b, const char *dir)
{
	const uint32_t all = b->history;
	const struct command cmdv[] = {
		{"cpm_sessions", "cpm_sessions", NULL, {0, 0}},
		{"cpm_status", "cpm_status", NULL, {0, 0}},
		{"cpm_policy", "cpm_policy", NULL, {0, 0}},
		{"cpm_conversations", "cpm_conversations", NULL, {0, 0}},
		{"cpm_conversations limit=80", "cpm_conversations",
		 "{\"limit\":80}", {0, 0}},
		{"cpm_conversations before", "cpm_conversations",
		 "{\"before\":%u}", {all, 0}},
		{"cpm_conversations account", "cpm_conversations",
		 "{\"account\":\"sip:alice@bench.test\"}", {0, 0}},
		{"cpm_messages", "cpm_messages", NULL, {0, 0}},
		{"cpm_messages limit=100", "cpm_messages", "{\"limit\":100}",
		 {0, 0}},
		{"cpm_messages before", "cpm_messages", "{\"before\":%u}",
		 {all, 0}},
		{"cpm_messages after", "cpm_messages", "{\"after\":%u}",
		 {all, 0}},
		{"cpm_messages unread", "cpm_messages", "{\"unread\":true}",
		 {0, 0}},
		{"cpm_messages unread before", "cpm_messages",
		 "{\"unread\":true,\"before\":%u}", {all, 0}},
		{"cpm_messages conversation", "cpm_messages",
		 "{\"conversation\":%u}", {CONVS, 0}},
		{"cpm_messages conversation limit=100", "cpm_messages",
		 "{\"conversation\":%u,\"limit\":100}", {CONVS, 0}},
		{"cpm_messages conversation before", "cpm_messages",
		 "{\"conversation\":%u,\"before\":%u}", {CONVS, all}},
		{"cpm_messages conversation after", "cpm_messages",
		 "{\"conversation\":%u,\"after\":%u}", {CONVS, all}},
		{"cpm_messages conversation unread", "cpm_messages",
		 "{\"conversation\":%u,\"unread\":true}", {CONVS, 0}},
		{"cpm_messages peer", "cpm_messages",
		 "{\"peer\":\"sip:peer%u@bench.test\"}", {CONVS - 1, 0}},
		{"cpm_messages peer unread", "cpm_messages",
		 "{\"peer\":\"sip:peer%u@bench.test\",\"unread\":true}",
		 {CONVS - 1, 0}},
		{"cpm_messages peer before", "cpm_messages",
		 "{\"peer\":\"sip:peer%u@bench.test\",\"before\":%u}",
		 {CONVS - 1, all}},
		{"cpm_message", "cpm_message", "{\"id\":%u}", {all, 0}},
		{"cpm_message offset length", "cpm_message",
		 "{\"id\":%u,\"offset\":100,\"length\":100}", {all, 0}},
	};
	const struct host_args args = {.dir = dir, .module = b->module,
				       .place = PLACE_FREE};
	struct host h;
	size_t i;

	printf("\n%d calls of each command over ctrl_tcp (fewer if they take "
	       "longer than %d s), ms;\nto be reached: below 3\n"
	       "%-46s %9s %9s %9s %6s\n", CALLS, LONG, "", "median", "p99",
	       "max", "calls");
	host_start(&h, &args);
	for (i=0; i<sizeof(cmdv)/sizeof(cmdv[0]); i++)
		command(&h, &cmdv[i]);
	host_stop(&h);
}


/*
 * Arrival
 */

static void arrive(const struct bench *b, const char *variant,
		   const char *dir, enum place place, uint32_t window,
		   unsigned rep)
{
	const struct key key = {what, variant, window, place};
	const uint32_t n = b->n / (window == 1 ? 40 : PART) + 1;
	const struct host_args args = {.dir = dir, .module = b->module,
				       .place = place};
	struct result res;
	struct host h;

	host_start(&h, &args);
	run_load(&h, window, n, false, &res);
	host_stop(&h);
	record(&key, rep, "msg/s", res.rate);
}


static void arrivals(const struct bench *b, const char *full)
{
	static const char empty[] = "arrival, empty store";
	static const char hist[] = "arrival, history";
	char folder[256];
	enum place place;
	unsigned rep;
	size_t i;

	printf("\narrival of %u messages (%u at window 1), a second, median of "
	       "%u runs of each in turn; to be\nreached: 0.8\n",
	       b->n / PART + 1, b->n / 40 + 1, b->reps);
	printf("%8s %12s %12s %12s\n", "window", "empty", "history", "ratio");
	for (place=0; place<PLACE_MAX; place++) {
		if (!(b->places & 1u << place))
			continue;
		printf("%s\n", place_text(place));
		for (i=0; i<WINDOWS; i++) {
			const uint32_t w = windowv[i];
			const struct key ke = {what, empty, w, place};
			const struct key kh = {what, hist, w, place};

			for (rep=1; rep<=b->reps; rep++) {
				(void)run_folder(b, folder, sizeof(folder));
				arrive(b, empty, folder, place, w, rep);
				folder_remove(folder);
				arrive(b, hist, full, place, w, rep);
			}
			printf("%8u %12.0f %12.0f %12.2f\n", w,
			       record_median(&ke, "msg/s"),
			       record_median(&kh, "msg/s"),
			       record_median(&kh, "msg/s") /
			       record_median(&ke, "msg/s"));
		}
	}
}


void history_bench(const struct bench *b)
{
	char full[256], empty[256], plain[256];

	printf("\nHISTORY: %u messages of %u octets in %d conversations, a "
	       "tenth of them unread\nto be reached: start within 100 ms\n",
	       b->history, BENCH_BODY, CONVS);
	srandom(1);
	run_folder(b, full, sizeof(full));
	run_folder(b, empty, sizeof(empty));
	run_folder(b, plain, sizeof(plain));

	fill(b, full);
	starts(b, full, empty, plain);
	commands(b, full);
	arrivals(b, full);
	folder_remove(full);
	folder_remove(empty);
	folder_remove(plain);
}
