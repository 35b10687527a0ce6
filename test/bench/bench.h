/**
 * @file bench.h  What make bench is made of
 *
 * main.c chooses; arrival.c, stalls.c, big.c, history.c, msrp.c and decode.c
 * each measure one thing, with load.c as the sender, sink.c as what is
 * compared with, host.c and call.c for the real baresip. stall.c and slow.c
 * are loaded into it; fill.c, peer.c and octets.c are programs of their own.
 * send.c is the other direction: pfd.c receives, plain.c is compared with.
 * hand.c is for measurements of other programs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
	char *peer;
	char *octets;
	char *pf;
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
 * wire.c  A connection, plain or TLS
 */
struct ssl_st;
struct wire {
	int fd;
	struct ssl_st *ssl;  /* NULL: plain                                 */
};

/** Make a key and a certificate, in one file */
void wire_cert(const char *path);
/** Start TLS. die() if it fails */
void wire_tls(struct wire *w, const char *pem, bool server);
/** @return as read() and write(). With TLS poll() tells only what comes after
    wire_read() had nothing */
ssize_t wire_read(struct wire *w, void *buf, size_t len);
ssize_t wire_write(struct wire *w, const void *buf, size_t len);
void wire_close(struct wire *w);


/*
 * load.c  The sender
 */
struct load {
	struct wire wire;  /* connected, bound                              */
	const char *to;    /* peer's path                                   */
	const char *from;  /* own path                                      */
	uint32_t window;   /* messages on their way without their 200       */
	uint32_t count;
	uint64_t seed;     /* no two runs use the same message ids          */
	bool ask;          /* for a delivery notification                   */
	const char *ctype; /* Content-Type; NULL: message/cpim              */
};

struct result {
	double start;      /* by now()                                      */
	double seconds;
	double rate;       /* messages a second                             */
	double median_us;  /* from SEND to its 200; window 1 only           */
	double p99_us;
};

/** Send and wait for every 200. Exits with a line on anything else. */
void load_run(struct load *load, struct result *res);

/** Answer the peer's bodiless SEND (the active side's first octets) */
void load_bind(struct wire *w, const char *own_path, const char *peer_path);

/** Octets of each message */
size_t load_size(void);

/** One message in chunks. @return its last status: 200, or what refused it */
unsigned load_big(struct load *load, uint64_t size, size_t chunk,
		  double *secondsp);


/*
 * sink.c  What is compared with
 */
enum sink_kind {
	SINK_NULL,    /* answers 200, stores nothing                        */
	SINK_SQLITE,  /* a row with a unique key, one commit a read batch   */
};

struct sink_args {
	enum sink_kind kind;
	const char *folder;  /* SINK_SQLITE                                 */
	const char *pem;     /* TLS; NULL: plain                            */
	uint32_t expect;     /* messages after which the time is printed    */
	bool say;            /* what came, at the end                       */
};

/** Serve one connection on a listening socket; never returns */
void sink_run(const struct sink_args *args, int lfd)
	__attribute__((noreturn));
/** Serve this connection; never returns */
void sink_serve(const struct sink_args *args, int fd)
	__attribute__((noreturn));


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
/** At once: with many sessions it would wait for the answers to its BYEs */
void host_kill(struct host *h);
/** Processor time it has taken, s: tells more than the clock on a machine
    with other work */
double host_cpu(const struct host *h);
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
/** What is behind that name in a SIP message, to the end of the line */
void call_field(char *dst, size_t size, const char *text, const char *name);
/** Without a word: the host is about to be stopped. usock is closed */
void call_drop(struct call *call);
/** Have it wait for our connection. @return The port where it does */
uint16_t call_listener(struct call *call, struct host *h);


/*
 * pfd.c  The PF of the end-to-end tests: who is not here has it all kept
 */
struct pfd {
	pid_t pid;
	uint16_t port;        /* SIP                                        */
	int in;               /* its commands                               */
	int out;              /* what it prints, a file                     */
	char dir[256];
	uint32_t kept;        /* messages, as far as it was read            */
	char line[512];       /* of which the end was not read              */
	size_t linel;
};

/** Start it with the users alice and bob0 to bob15 of bench.test */
void pfd_start(struct pfd *d, const struct bench *b);
/** With its folder */
void pfd_stop(struct pfd *d);
/** Wait until it has kept so many in all. @return now() */
double pfd_wait(struct pfd *d, uint32_t count);


/*
 * plain.c  A sender that does nothing but send
 */

/** A MESSAGE each to so many users in turn, each with one on its way.
    @return seconds */
double plain_page(const struct pfd *d, uint32_t users, uint32_t count);
/** A session with bob0. Fills in all but what load_run() is asked to do */
void plain_open(struct load *load, const struct pfd *d, const char *service);
/** BYE */
void plain_close(struct load *load);


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
 * kamailio.c  An MSRP relay
 */
struct relay {
	pid_t pid;
	uint16_t port;
	char uri[64];
};

void relay_start(struct relay *relay, const struct bench *b, const char *pem,
		 enum place place);
void relay_stop(struct relay *relay);


/*
 * peers.c  What receives without baresip: the library alone, or a sink
 */
struct peer_args {
	bool sink;         /* the sink that stores nothing, not the library */
	const char *pem;   /* TLS; NULL: plain                              */
	enum place place;
	uint32_t expect;   /* messages; 0: do not wait for them             */
	const struct relay *relay;  /* through it; NULL: straight           */
	const char *const *tool;  /* run the library below it, which is what
				     sends if the sink receives; or NULL    */
};

struct peer {
	pid_t pid;
	uint16_t port;     /* where to connect                              */
	const char *pem;
	FILE *out;         /* what it prints                                */
	const char *const *tool;
	char path[400];
};

void peer_start(struct peer *peer, const struct bench *b,
		const struct peer_args *args);
void peer_stop(struct peer *peer);
/** When it had all that it expected, by now() */
double peer_wait(struct peer *peer);
/** Messages into it */
void peer_load(struct peer *peer, uint32_t window, uint32_t count,
	       struct result *res);
/** One message of so many octets into it. @return seconds */
double peer_big(struct peer *peer, uint64_t size, size_t chunk);
/** The library sends into it. @return seconds, from *startp on */
double peer_send(struct peer *peer, const struct bench *b, uint32_t window,
		 uint32_t count, uint64_t size, double *startp);


/*
 * hand.c  Against what others have written, by hand
 */

/** bench to ..., bench sink ... @return whether it was one of these */
bool hand_main(int argc, char **argv);


/*
 * What is measured
 */
void arrival_bench(const struct bench *b);
void stalls_bench(const struct bench *b);
void big_bench(const struct bench *b);
void history_bench(const struct bench *b);
void msrp_bench(const struct bench *b);
void decode_bench(const struct bench *b);
void idle_bench(const struct bench *b);
void drip_bench(const struct bench *b);
void send_bench(const struct bench *b);


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
/** On the disk, with all that was written */
void file_sync(const char *path);
/** Make one of so many octets, on the disk */
void file_make(const char *path, uint64_t size);
int by_value(const void *a, const void *b);

#endif
