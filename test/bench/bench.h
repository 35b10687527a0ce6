/**
 * @file bench.h  What make bench is made of
 *
 * main.c chooses; arrival.c, stalls.c, big.c and history.c each measure one
 * thing, with load.c as the sender, sink.c as what is compared with, host.c
 * and call.c for the real baresip. stall.c and slow.c are loaded into it;
 * fill.c is a program of its own.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	BENCH_BODY = 400,  /* octets of a message's text */
};

/** Where sender and receiver run */
enum place {
	PLACE_FIXED,   /* sender on CPU 0, all of the receiver on CPU 1     */
	PLACE_FREE,    /* sender on CPU 0, the receiver wherever it likes   */
	PLACE_MAX,
	PLACE_NONE,    /* in a record: it does not matter                   */
};

/** What was asked for */
struct bench {
	char *module;      /* paths, absolute                               */
	char *alone;
	char *stall;
	char *slow;
	char *fill;
	const char *what;
	uint32_t n;        /* messages a run                                */
	uint32_t reps;
	unsigned places;   /* bits by enum place                            */
	uint64_t size;     /* octets of the big message                     */
	uint32_t history;  /* messages                                      */
	uint32_t delay;    /* ms that a slow fsync takes                    */
	uint32_t sessions; /* that are idle                                 */
	char dir[200];     /* temporary                                     */
};


/*
 * record.c  Each measurement: a line of CSV, and kept for the tables
 */
struct key {
	const char *what;
	const char *variant;
	uint32_t window;   /* 0: none */
	enum place place;
};

void record_open(const char *path);
void record_close(void);
void record(const struct key *key, unsigned rep, const char *unit,
	    double value);
/** Over the repetitions. NAN if there is none */
double record_median(const struct key *key, const char *unit);
double record_max(const struct key *key, const char *unit);


/*
 * load.c  The sender
 */
struct load {
	int fd;            /* connected, bound                              */
	const char *to;    /* peer's path                                   */
	const char *from;  /* own path                                      */
	uint32_t window;   /* messages on their way without their 200       */
	uint32_t count;
	uint64_t seed;     /* no two runs use the same message ids          */
	bool ask;          /* for a delivery notification                   */
};

struct result {
	double seconds;
	double rate;       /* messages a second                             */
	double median_us;  /* from SEND to its 200; window 1 only           */
	double p99_us;
};

/** Send and wait for every 200. Exits with a line on anything else. */
void load_run(const struct load *load, struct result *res);

/** Answer the peer's bodiless SEND (the active side's first octets) */
void load_bind(int fd, const char *own_path, const char *peer_path);

/** One message in chunks. @return its last status: 200, or what refused it */
unsigned load_big(const struct load *load, uint64_t size, size_t chunk,
		  double *secondsp);


/*
 * sink.c  What is compared with
 */
enum sink_kind {
	SINK_NULL,    /* answers 200, stores nothing                        */
	SINK_SQLITE,  /* a row with a unique key, one commit a read batch   */
};

/** Serve one connection on a listening socket; never returns */
void sink_run(enum sink_kind kind, int lfd, const char *folder);


/*
 * ctrl.c  A client of ctrl_tcp
 */
struct ctrl;

/** @return NULL if nobody listens */
struct ctrl *ctrl_open(uint16_t port);
void ctrl_close(struct ctrl *c);
/** @return the answer's JSON text, borrowed until the next call */
const char *ctrl_ask(struct ctrl *c, const char *cmd, const char *prm);
/** A number of the answer. -1 if it is not there */
double ctrl_number(const char *answer, const char *key);


/*
 * host.c  The real baresip
 */
struct host_args {
	const char *dir;      /* made if it is not there                    */
	const char *config;   /* more lines of it, or NULL                  */
	const char *module;   /* NULL: baresip without cpm.so               */
	const char *stall;    /* NULL: without the timer                    */
	const char *slow;     /* NULL: fsync as it is                       */
	uint32_t delay;       /* ms                                         */
	uint16_t outbound;    /* port of a SIP proxy, 0: none               */
	enum place place;
};

struct host {
	pid_t pid;
	char dir[256];
	uint16_t sip_port;
	uint16_t ctrl_port;
	struct ctrl *ctrl;
	double start_ms;      /* from exec to the first command answered    */
};

void host_start(struct host *h, const struct host_args *args);
void host_stop(struct host *h);
/** Its memory now, or the most since host_peak_reset(), in MiB */
double host_mem(const struct host *h, bool peak);
void host_peak_reset(const struct host *h);


/*
 * call.c  Called as a PF calls it
 */
struct call {
	struct host *host;
	int usock;
	unsigned n;           /* tells calls apart                          */
	char to[256];
	char contact[256];
	char own[300];        /* MSRP paths                                 */
	char peer[300];
	int fd;               /* MSRP, bound                                */
};

void call_open(struct call *call, struct host *h);
void call_close(struct call *call);
/** Without a word: the host is about to be stopped. usock is closed */
void call_drop(struct call *call);
/** Have it wait for our connection. @return The port where it does */
uint16_t call_listener(struct call *call, struct host *h);


/*
 * sipd.c  Answers 200 to every SIP request
 */
struct sipd {
	pid_t pid;
	uint16_t port;
	volatile uint32_t *count;  /* requests so far, shared               */
};

void sipd_start(struct sipd *d);
void sipd_stop(struct sipd *d);


/*
 * run.c  One run
 */
void run_sink(const struct bench *b, enum sink_kind kind, enum place place,
	      uint32_t window, uint32_t count, struct result *res);
/** Messages into a host that runs */
void run_load(struct host *h, uint32_t window, uint32_t count, bool ask,
	      struct result *res);
/** A host in a new folder, which is removed again */
void run_module(const struct bench *b, const char *module, enum place place,
		uint32_t window, uint32_t count, struct result *res);
/** A name for a new folder */
const char *run_folder(const struct bench *b, char *path, size_t size);


/*
 * What is measured
 */
void arrival_bench(const struct bench *b);
void stalls_bench(const struct bench *b);
void big_bench(const struct bench *b);
void history_bench(const struct bench *b);
void idle_bench(const struct bench *b);
void drip_bench(const struct bench *b);


/*
 * util.c
 */
void die(const char *fmt, ...) __attribute__((noreturn,
					      format(printf, 1, 2)));
/** What to show if it comes to die(): a log; NULL: nothing */
void die_log(const char *path);
double now(void);
/** Listening TCP socket on 127.0.0.1 */
int listen_any(uint16_t *port);
/** Make room for that many descriptors */
void descriptors(uint32_t n);
/** Connected, TCP_NODELAY. @return -1 if nobody listens */
int connect_to(uint16_t port);
/** In a child: where it belongs */
void place_receiver(enum place place);
void place_sender(void);
const char *place_text(enum place place);
/** A child that does not outlive us. @return as fork() */
pid_t child(void);
/** Wait for its end. @return Its status, 0: all well */
int child_wait(pid_t pid);
/** Kill those that are left */
void children_end(void);
/** Run a program to its end, on any CPU; die() if it fails */
void run_program(const char *const *argv, const char *out);
void folder_remove(const char *path);
int by_value(const void *a, const void *b);

#endif
