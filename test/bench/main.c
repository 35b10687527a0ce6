/**
 * @file bench/main.c  make bench: figures, side by side in one run
 *
 * Every line is measured in turn in one run; what counts are the ratios.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "bench.h"


enum {
	TMPFS = 0x01021994,  /* statfs(2): TMPFS_MAGIC */
};

static const struct {
	const char *name;
	void (*benchh)(const struct bench *b);
} benchv[] = {
	{"arrival", arrival_bench},
	{"stall",   stalls_bench},
	{"big",     big_bench},
	{"history", history_bench},
	{"msrp",    msrp_bench},
	{"decode",  decode_bench},
	{"idle",    idle_bench},
	{"slow",    drip_bench},
	{"send",    send_bench},
};
enum { BENCHES = sizeof(benchv) / sizeof(benchv[0]) };

static struct bench bench;
static pid_t self;


static void usage(void)
{
	die("usage: bench --build FOLDER [--csv FILE] [--what NAME,...]\n"
	    "  [-n MESSAGES] [--reps N] [--place fixed|free|both]\n"
	    "  [--size OCTETS] [--history MESSAGES] [--delay MS] "
	    "[--sessions N]\n"
	    "FOLDER holds cpm.so, alone/cpm.so, stall.so, slow.so, fill, peer, "
	    "octets\nand pf; "
	    "NAME: arrival, stall, big, history, msrp, decode, idle, slow, "
	    "send\n"
	    "other programs by hand: bench to --help, bench sink --help");
}


static uint64_t number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max)
		die("%s: a number from %llu to %llu", text,
		    (unsigned long long)min, (unsigned long long)max);

	return n;
}


static char *file(const char *folder, const char *name)
{
	char path[4096], *abs;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	abs = realpath(path, NULL);
	if (!abs)
		die("%s: %s", path, strerror(errno));

	return abs;
}


static void files(struct bench *b, const char *folder)
{
	b->module = file(folder, "cpm.so");
	b->alone  = file(folder, "alone/cpm.so");
	b->stall  = file(folder, "stall.so");
	b->slow   = file(folder, "slow.so");
	b->fill   = file(folder, "fill");
	b->peer   = file(folder, "peer");
	b->octets = file(folder, "octets");
	b->pf     = file(folder, "pf");
}


static void set_what(struct bench *b, const char *list)
{
	const char *p = list;
	size_t i, len;

	for (; *p; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		for (i=0; i<BENCHES; i++) {
			if (strlen(benchv[i].name) == len &&
			    !strncmp(p, benchv[i].name, len))
				break;
		}
		if (i == BENCHES)
			die("%s: one or more of arrival, stall, big, history, "
			    "msrp, decode, idle, slow, send, with commas "
			    "between",
			    list);
	}
	b->what = list;
}


static unsigned places(const char *text)
{
	if (!strcmp(text, "fixed"))
		return 1u << PLACE_FIXED;
	if (!strcmp(text, "free"))
		return 1u << PLACE_FREE;
	if (!strcmp(text, "both"))
		return 1u << PLACE_FIXED | 1u << PLACE_FREE;

	die("%s: fixed, free or both", text);
}


static void options(struct bench *b, const char **csv, int argc, char **argv)
{
	static const struct option optv[] = {
		{"build",   required_argument, NULL, 'b'},
		{"csv",     required_argument, NULL, 'c'},
		{"what",    required_argument, NULL, 'w'},
		{"reps",    required_argument, NULL, 'r'},
		{"place",   required_argument, NULL, 'p'},
		{"size",    required_argument, NULL, 's'},
		{"history", required_argument, NULL, 'H'},
		{"delay",   required_argument, NULL, 'd'},
		{"sessions", required_argument, NULL, 's' + 256},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "n:", optv, NULL)) != -1) {
		switch (c) {

		case 'b': files(b, optarg); break;
		case 'c': *csv = optarg; break;
		case 'w': set_what(b, optarg); break;
		case 'n': b->n = (uint32_t)number(optarg, 100, 5000000); break;
		case 'r': b->reps = (uint32_t)number(optarg, 1, 99); break;
		case 'p': b->places = places(optarg); break;
		case 's': b->size = number(optarg, 1, 1ULL << 39); break;
		case 'H':
			b->history = (uint32_t)number(optarg, 10000,
						      100000000);
			break;
		case 's' + 256:
			b->sessions = (uint32_t)number(optarg, 2, 16000);
			break;
		case 'd': b->delay = (uint32_t)number(optarg, 1, 5000); break;
		default: usage();
		}
	}
	if (optind < argc || !b->module)
		usage();
}


/* A machine with other work gives other ratios */
static void say_load(void)
{
	double load[3];

	if (getloadavg(load, 3) == 3)
		printf("load of the machine (1, 5, 15 minutes): %.1f %.1f "
		       "%.1f\n", load[0], load[1], load[2]);
}


static void clean_up(void)
{
	char dir[sizeof(bench.dir)];

	if (getpid() != self || !bench.dir[0])
		return;

	/* once, also if that fails */
	memcpy(dir, bench.dir, sizeof(dir));
	bench.dir[0] = '\0';
	children_end();
	folder_remove(dir);
}


static void signal_handler(int sig)
{
	/* exit() is not for handlers, but there is nothing better to do here
	   than to end the children and remove the files */
	(void)sig;
	exit(130);
}


static void temporary(struct bench *b)
{
	const char *tmp = getenv("TMPDIR");
	struct statfs fs;

	snprintf(b->dir, sizeof(b->dir), "%s/cpm-bench-XXXXXX",
		 tmp && *tmp ? tmp : P_tmpdir);
	if (!mkdtemp(b->dir))
		die("%s: %s", b->dir, strerror(errno));
	if (!statfs(b->dir, &fs) && fs.f_type == TMPFS)
		printf("%s is in memory: set TMPDIR to a folder on the disk\n",
		       b->dir);
	self = getpid();
	atexit(clean_up);
	signal(SIGINT, signal_handler);
	signal(SIGTERM, signal_handler);
}


int main(int argc, char **argv)
{
	const char *csv = "bench.csv";
	const double t0 = now();
	size_t i;

	bench = (struct bench){
		.what = "arrival,stall,big,history,msrp,decode,idle,slow,send",
		.n = 100000, .reps = 3, .sessions = 10000,
		.places = 1u << PLACE_FIXED | 1u << PLACE_FREE,
		.size = 1000000000, .history = 1000000, .delay = 200};
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (hand_main(argc, argv))
		return 0;
	options(&bench, &csv, argc, argv);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		die("it takes two CPUs");

	signal(SIGPIPE, SIG_IGN);
	record_open(csv);
	temporary(&bench);
	say_load();
	place_sender();
	for (i=0; i<BENCHES; i++) {
		if (strstr(bench.what, benchv[i].name))
			benchv[i].benchh(&bench);
	}
	record_close();
	printf("\n%.0f s; ", now() - t0);
	say_load();

	return 0;
}
