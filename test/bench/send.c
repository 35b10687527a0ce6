/**
 * @file send.c  The other direction: from cpm_send to the PF's disk
 *
 * Each command answers when its message is on our disk, and the PF says that
 * it has one when it is on its own: both are of the same machine here. The
 * plain sender has nothing to lose, and no disk. What is sent alone shows when
 * the PF is held until the messages are all queued.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"


enum {
	PART   = 50,   /* of what was asked for: a message takes some
			  commits of its own                                */
	HELD   = 4,    /* of those: no SIP or MSRP transaction ends
			  meanwhile                                         */
	WARM   = 32,
	WINDOW = 16,   /* of a session, and conversations at once           */
	CHUNK  = 65536,
};

static const char what[] = "send";

static const struct way {
	const char *plain;
	const char *module;
	const char *mode;
	uint32_t users;
} wayv[] = {
	{"plain MESSAGE, 1 user",   "cpm_send page, 1 user",   "page", 1},
	{"plain MESSAGE, 16 users", "cpm_send page, 16 users", "page", WINDOW},
	{"plain MSRP, window 16",   "cpm_send session",     "session", 1},
};
enum { WAYS = sizeof(wayv) / sizeof(wayv[0]) };


static void send_one(struct host *h, const char *mode, unsigned user,
		     uint32_t n)
{
	char prm[1024];
	const char *answer;

	snprintf(prm, sizeof(prm), "{\"account\":\"sip:alice@bench.test\","
		 "\"to\":\"sip:bob%u@bench.test\",\"mode\":\"%s\","
		 "\"text\":\"%0*u\"}", user, mode, BENCH_BODY, n);
	answer = ctrl_ask(h->ctrl, "cpm_send", prm);
	if (!strstr(answer, "\"ok\":true"))
		die("cpm_send: %.300s", answer);
}


static void measure_plain(const struct bench *b, const struct way *way,
			  uint32_t n, unsigned rep)
{
	const struct key key = {what, way->plain, 0, PLACE_NONE};
	struct load load = {.window = WINDOW, .count = n, .seed = rep};
	struct result res;
	struct pfd pf;
	double t;

	pfd_start(&pf, b);
	if (!strcmp(way->mode, "session")) {
		plain_open(&load, &pf, way->mode);
		load_run(&load, &res);
		t = res.seconds;
		plain_close(&load);
	}
	else {
		t = plain_page(&pf, way->users, n);
	}
	(void)pfd_wait(&pf, n);
	record(&key, rep, "msg/s", n / t);
	pfd_stop(&pf);
}


static void module_start(struct host *h, const struct bench *b,
			 const struct pfd *pf, char *folder, size_t size)
{
	const struct host_args args = {.module = b->module,
		.outbound = pf->port, .place = PLACE_FREE,
		.dir = run_folder(b, folder, size)};

	host_start(h, &args);
}


static void commanded(struct host *h, const struct way *way, uint32_t n)
{
	uint32_t i;

	for (i=0; i<n; i++)
		send_one(h, way->mode, i % way->users, i);
}


static void measure_module(const struct bench *b, const struct way *way,
			   uint32_t n, unsigned rep)
{
	const struct key key = {what, way->module, 0, PLACE_NONE};
	char folder[256];
	struct host h;
	struct pfd pf;
	double t0, t1;

	pfd_start(&pf, b);
	module_start(&h, b, &pf, folder, sizeof(folder));
	/* the session is open, the first commits are done */
	commanded(&h, way, WARM);
	(void)pfd_wait(&pf, WARM);

	t0 = now();
	commanded(&h, way, n);
	t1 = now();
	record(&key, rep, "commands/s", n / (t1 - t0));
	t1 = pfd_wait(&pf, WARM + n);
	record(&key, rep, "msg/s", n / (t1 - t0));

	kill(pf.pid, SIGSTOP);
	commanded(&h, way, n / HELD);
	kill(pf.pid, SIGCONT);
	t0 = now();
	t1 = pfd_wait(&pf, WARM + n + n / HELD);
	record(&key, rep, "queued msg/s", n / HELD / (t1 - t0));
	host_kill(&h);
	pfd_stop(&pf);
	folder_remove(folder);
}


/*
 * A big file
 */

static const char big_plain[] = "plain MSRP", big_module[] = "cpm_send file";

static void file_plain(const struct bench *b, unsigned rep)
{
	const struct key key = {what, big_plain, 0, PLACE_NONE};
	struct load load = {.seed = rep};
	double seconds = 0;
	struct pfd pf;

	pfd_start(&pf, b);
	plain_open(&load, &pf, "largemsg");
	if (load_big(&load, b->size, CHUNK, &seconds) != 200)
		die("the PF refuses the big message");
	(void)pfd_wait(&pf, 1);
	plain_close(&load);
	record(&key, rep, "MB/s", (double)b->size / 1e6 / seconds);
	pfd_stop(&pf);
}


static void file_module(const struct bench *b, const char *path, unsigned rep)
{
	const struct key key = {what, big_module, 0, PLACE_NONE};
	char folder[256], prm[512];
	double t0, before, cpu;
	const char *answer;
	struct host h;
	struct pfd pf;
	uint32_t i;

	pfd_start(&pf, b);
	module_start(&h, b, &pf, folder, sizeof(folder));
	for (i=0; i<WARM; i++)
		send_one(&h, "session", 0, i);
	(void)pfd_wait(&pf, WARM);

	host_peak_reset(&h);
	before = host_mem(&h, false);
	cpu = host_cpu(&h);
	snprintf(prm, sizeof(prm), "{\"account\":\"sip:alice@bench.test\","
		 "\"to\":\"sip:bob1@bench.test\",\"file\":\"%s\"}", path);
	t0 = now();
	answer = ctrl_ask(h.ctrl, "cpm_send", prm);
	if (!strstr(answer, "\"ok\":true"))
		die("cpm_send: %.300s", answer);
	t0 = pfd_wait(&pf, WARM + 1) - t0;
	record(&key, rep, "MB/s", (double)b->size / 1e6 / t0);
	record(&key, rep, "CPU s/GB", (host_cpu(&h) - cpu) /
	       ((double)b->size / 1e9));
	record(&key, rep, "MiB before", before);
	record(&key, rep, "MiB peak", host_mem(&h, true));
	record(&key, rep, "MiB after", host_mem(&h, false));
	host_kill(&h);
	pfd_stop(&pf);
	folder_remove(folder);
}


static void table(const struct bench *b)
{
	const struct key plain = {what, big_plain, 0, PLACE_NONE};
	const struct key big = {what, big_module, 0, PLACE_NONE};
	size_t i;

	printf("%-24s %12s %12s %12s %10s\n", "", "commands/s", "msg/s",
	       "queued msg/s", "of plain");
	for (i=0; i<WAYS; i++) {
		const struct key p = {what, wayv[i].plain, 0, PLACE_NONE};
		const struct key m = {what, wayv[i].module, 0, PLACE_NONE};
		const double rate = record_median(&p, "msg/s");

		printf("%-24s %12s %12s %12.0f\n%-24s %12.0f %12.0f %12.0f "
		       "%10.2f\n", p.variant, "", "", rate, m.variant,
		       record_median(&m, "commands/s"),
		       record_median(&m, "msg/s"),
		       record_median(&m, "queued msg/s"),
		       record_median(&m, "queued msg/s") / rate);
	}

	printf("a file of %llu octets\n%-24s %10s %10s %12s %10s %10s %10s\n",
	       (unsigned long long)b->size, "", "MB/s", "of plain", "CPU s/GB",
	       "MiB before", "peak", "after");
	printf("%-24s %10.0f\n", big_plain, record_median(&plain, "MB/s"));
	printf("%-24s %10.0f %10.2f %12.2f %10.1f %10.1f %10.1f\n", big_module,
	       record_median(&big, "MB/s"), record_median(&big, "MB/s") /
	       record_median(&plain, "MB/s"), record_median(&big, "CPU s/GB"),
	       record_max(&big, "MiB before"), record_max(&big, "MiB peak"),
	       record_max(&big, "MiB after"));
}


void send_bench(const struct bench *b)
{
	const uint32_t n = b->n / PART;
	char path[256];
	unsigned rep;
	size_t i;

	printf("\nSEND: %u messages of %u octets each way, from the command "
	       "to the PF's disk; median of\n%u runs of each in turn\n", n,
	       BENCH_BODY, b->reps);

	snprintf(path, sizeof(path), "%s/file.bin", b->dir);
	file_make(path, b->size);
	/* ours is wherever it likes, so the plain one is too */
	place_receiver(PLACE_FREE);
	for (rep=1; rep<=b->reps; rep++) {
		for (i=0; i<WAYS; i++) {
			measure_plain(b, &wayv[i], n, rep);
			measure_module(b, &wayv[i], n, rep);
		}
		file_plain(b, rep);
		file_module(b, path, rep);
	}
	place_sender();
	(void)unlink(path);
	table(b);
}
