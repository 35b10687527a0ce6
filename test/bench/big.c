/**
 * @file big.c  One big message: memory, and speed beside cat to the same disk
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"


static const char what[] = "big";


static void measure_cat(const struct bench *b, const char *from, unsigned rep)
{
	const struct key key = {what, "cat and fsync", 0, PLACE_NONE};
	const char *const argv[] = {"cat", from, NULL};
	char to[256];
	double t0;

	snprintf(to, sizeof(to), "%s/copy", b->dir);
	t0 = now();
	run_program(argv, to);
	file_sync(to);
	record(&key, rep, "MB/s", (double)b->size / 1e6 / (now() - t0));
	(void)unlink(to);
}


static void measure(const struct bench *b, const char *variant, size_t chunk,
		    enum place place, unsigned rep)
{
	const struct key key = {what, variant, 0, place};
	struct host_args args = {.module = b->module, .place = place};
	struct load load = {.seed = rep};
	double before, seconds = 0;
	char folder[256];
	struct result res;
	struct call call;
	struct host h;
	unsigned status;

	args.dir = run_folder(b, folder, sizeof(folder));
	host_start(&h, &args);
	/* thread, connections and caches are there */
	run_load(&h, 32, 5000, false, &res);

	call_open(&call, &h);
	load.wire.fd = call.fd;
	load.to = call.peer;
	load.from = call.own;
	host_peak_reset(&h);
	before = host_mem(&h, false);
	status = load_big(&load, b->size, chunk, &seconds);
	record(&key, rep, "MiB grown", host_mem(&h, true) - before);
	record(&key, rep, "status", status);
	if (status == 200) {
		const char *seen = ctrl_ask(h.ctrl, "cpm_message", "5001");

		if (ctrl_number(seen, "size") != (double)b->size)
			die("not kept as it was sent: %.300s", seen);
		record(&key, rep, "MB/s", (double)b->size / 1e6 / seconds);
	}
	else {
		printf("%s: refused with %u after %.1f s\n", variant, status,
		       seconds);
	}
	call_close(&call);
	host_stop(&h);
	folder_remove(folder);
}


static void table(const char *variant, enum place place)
{
	const struct key cat = {what, "cat and fsync", 0, PLACE_NONE};
	const struct key key = {what, variant, 0, place};
	const double speed = record_median(&key, "MB/s");

	printf("%-18s %10.0f %12.2f %12.1f   %s\n", variant, speed,
	       speed / record_median(&cat, "MB/s"),
	       record_max(&key, "MiB grown"),
	       place == PLACE_NONE ? "" : place_text(place));
}


void big_bench(const struct bench *b)
{
	static const char c64[] = "chunks of 64 KiB", c2[] = "chunks of 2 KiB";
	char from[256];
	enum place place;
	unsigned rep;

	printf("\nBIG: one message of %llu octets, median of %u runs of each "
	       "in turn\nto be reached: 0.5 of cat, memory (largest of all "
	       "runs) grows by less than 4 MiB\n",
	       (unsigned long long)b->size, b->reps);

	snprintf(from, sizeof(from), "%s/source", b->dir);
	file_make(from, b->size);
	for (rep=1; rep<=b->reps; rep++) {
		measure_cat(b, from, rep);
		for (place=0; place<PLACE_MAX; place++) {
			if (!(b->places & 1u << place))
				continue;
			measure(b, c64, 65536, place, rep);
			measure(b, c2, 2048, place, rep);
		}
	}
	(void)unlink(from);

	printf("%-18s %10s %12s %12s\n", "", "MB/s", "of cat", "MiB grown");
	table("cat and fsync", PLACE_NONE);
	for (place=0; place<PLACE_MAX; place++) {
		if (!(b->places & 1u << place))
			continue;
		table(c64, place);
		table(c2, place);
	}
}
