/**
 * @file idle.c  Ten thousand idle sessions in one baresip: what they cost,
 * and what they cost a message on one of them
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "bench.h"


enum {
	MESSAGES = 10000,
	WARM     = 2000,
	SPARE    = 300,    /* descriptors that are not for sessions */
	PAUSE    = 34,     /* s until SIP has forgotten the INVITEs */
};

static const char what[] = "idle";
static const uint32_t windowv[] = {1, 32};
enum { WINDOWS = sizeof(windowv) / sizeof(windowv[0]) };


static void messages(const struct host *h, struct call *call, uint32_t n,
		     unsigned rep)
{
	const char *const variant = n > 1 ? "many" : "one";
	static uint64_t seed = 1000000;
	struct result res;
	double cpu;
	size_t i;

	for (i=0; i<WINDOWS; i++) {
		const struct key key = {what, variant, windowv[i], PLACE_FIXED};
		struct load load = {.wire = {.fd = call->fd}, .to = call->peer,
			.from = call->own, .window = windowv[i],
			.count = MESSAGES, .seed = ++seed};

		cpu = host_cpu(h);
		load_run(&load, &res);
		record(&key, rep, "cpu us",
		       (host_cpu(h) - cpu) * 1e6 / MESSAGES);
		record(&key, rep, "msg/s", res.rate);
		if (windowv[i] > 1)
			continue;
		record(&key, rep, "median us", res.median_us);
		record(&key, rep, "p99 us", res.p99_us);
	}
}


/* A host with n sessions; messages on the first of them, which was there
   before the others, and on the last */
static void measure(const struct bench *b, uint32_t n, unsigned rep)
{
	const struct key key = {what, n > 1 ? "many" : "one", 0, PLACE_FIXED};
	struct host_args args = {.module = b->module, .place = PLACE_FIXED};
	struct call *v = calloc(n, sizeof(*v));
	char folder[256], config[128];
	struct result res;
	struct load load;
	struct host h;
	double mem, t0;
	uint32_t i;

	if (!v)
		die("no memory");
	snprintf(config, sizeof(config), "cpm_max_sessions %u\n"
		 "cpm_idle_timeout 86400\n", b->sessions + SPARE);
	args.config = config;
	args.dir = run_folder(b, folder, sizeof(folder));
	host_start(&h, &args);

	/* what a first session and first messages need does not count */
	call_open(&v[0], &h);
	close(v[0].usock);
	load = (struct load){.wire = {.fd = v[0].fd}, .to = v[0].peer,
		.from = v[0].own, .window = 32, .count = WARM, .seed = 999};
	load_run(&load, &res);
	mem = host_mem(&h, false);

	t0 = now();
	for (i=1; i<n; i++) {
		call_open(&v[i], &h);
		close(v[i].usock);
	}
	record(&key, rep, "s to open", now() - t0);
	sleep(PAUSE);
	if (n > 1)
		record(&key, rep, "MiB", host_mem(&h, false) - mem);
	if (ctrl_number(ctrl_ask(h.ctrl, "cpm_status", NULL), "sessions")
	    != n)
		die("not all sessions are there");

	messages(&h, &v[n / 2], n, rep);
	for (i=0; i<n; i++)
		call_drop(&v[i]);
	free(v);
	host_kill(&h);
	folder_remove(folder);
}


static double median(const char *variant, uint32_t window, const char *unit)
{
	const struct key key = {what, variant, window, PLACE_FIXED};

	return record_median(&key, unit);
}


void idle_bench(const struct bench *b)
{
	unsigned rep;
	size_t i;

	printf("\nIDLE: %u sessions, each with its connection, and nothing on "
	       "them; then %u\nmessages of %u octets on one, median of %u runs "
	       "in turn\nto be reached: 64 MiB for 10,000; as fast as with one "
	       "session\n", b->sessions, MESSAGES, BENCH_BODY, b->reps);
	descriptors(b->sessions + SPARE);
	for (rep=1; rep<=b->reps; rep++) {
		measure(b, 1, rep);
		measure(b, b->sessions, rep);
	}

	printf("%.1f MiB more, %.2f KiB a session; opened in %.1f s\n",
	       median("many", 0, "MiB"),
	       median("many", 0, "MiB") * 1024 / (b->sessions - 1),
	       median("many", 0, "s to open"));
	printf("%8s %14s %14s %8s %24s %8s\n", "window", "one session",
	       "many", "ratio", "its CPU, us a message", "ratio");
	for (i=0; i<WINDOWS; i++) {
		const uint32_t w = windowv[i];
		const double one = median("one", w, "msg/s");
		const double many = median("many", w, "msg/s");
		const double c1 = median("one", w, "cpu us");
		const double cn = median("many", w, "cpu us");

		printf("%8u %12.0f/s %12.0f/s %8.2f %12.1f %11.1f %8.2f\n",
		       w, one, many, many / one, c1, cn, cn / c1);
	}
	printf("%8s %11.0f us %11.0f us %8.2f\n", "median",
	       median("one", 1, "median us"), median("many", 1, "median us"),
	       median("many", 1, "median us") / median("one", 1, "median us"));
}
