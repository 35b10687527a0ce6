/**
 * @file bench/run.c  One run: the sender, and one that receives
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench.h"


static uint64_t seed;


const char *run_folder(const struct bench *b, char *path, size_t size)
{
	static unsigned n;

	snprintf(path, size, "%s/run%u", b->dir, ++n);

	return path;
}


void run_sink(const struct bench *b, enum sink_kind kind, enum place place,
	      uint32_t window, uint32_t count, struct result *res)
{
	struct load load = {.to = "msrp://127.0.0.1:9/sink;tcp",
			    .from = "msrp://127.0.0.1:9/load;tcp",
			    .window = window, .count = count, .seed = ++seed};
	char folder[256];
	uint16_t port;
	int lfd = listen_any(&port);
	pid_t pid;

	if (mkdir(run_folder(b, folder, sizeof(folder)), 0700))
		die("%s", folder);

	pid = child();
	if (!pid) {
		place_receiver(place);
		sink_run(&(struct sink_args){.kind = kind,
						.folder = folder}, lfd);
	}
	close(lfd);

	load.wire.fd = connect_to(port);
	if (load.wire.fd < 0)
		die("connect");
	load_run(&load, res);
	close(load.wire.fd);
	if (child_wait(pid))
		die("the sink failed");
	folder_remove(folder);
}


void run_load(struct host *h, uint32_t window, uint32_t count, bool ask,
	      struct result *res)
{
	struct load load = {.window = window, .count = count,
			    .seed = ++seed, .ask = ask};
	struct call call;

	call_open(&call, h);
	load.wire.fd = call.fd;
	load.to = call.peer;
	load.from = call.own;
	load_run(&load, res);
	call_close(&call);
}


void run_module(const struct bench *b, const char *module, enum place place,
		uint32_t window, uint32_t count, struct result *res)
{
	struct host_args args = {.module = module, .place = place};
	char folder[256];
	struct host h;
	double kept;

	args.dir = run_folder(b, folder, sizeof(folder));
	host_start(&h, &args);
	run_load(&h, window, count, false, res);
	kept = ctrl_number(ctrl_ask(h.ctrl, "cpm_status", NULL), "messages");
	if (kept != count)
		die("%.0f messages are kept, not %u", kept, count);
	host_stop(&h);
	folder_remove(folder);
}
