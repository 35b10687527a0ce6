/**
 * @file bench.h  Sender, sinks, and what drives them
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

/** What one run found */
struct result {
	double seconds;
	double rate;       /* messages a second                             */
	double median_us;  /* from SEND to its 200; window 1 only           */
	double p99_us;
};

/** One MSRP session to send on */
struct load {
	int fd;            /* connected, bound                              */
	const char *to;    /* peer's path                                   */
	const char *from;  /* own path                                      */
	uint32_t window;   /* messages on their way without their 200       */
	uint32_t count;
	uint64_t seed;     /* no two runs use the same message ids          */
};

/** Send and wait for every 200. Exits with a line on anything else. */
void load_run(const struct load *load, struct result *res);

/** Answer the peer's bodiless SEND (the active side's first octets) */
void load_bind(int fd, const char *own_path, const char *peer_path);

/* sink.c: what is compared with */

enum sink_kind {
	SINK_NULL,    /* answers 200, stores nothing                        */
	SINK_SQLITE,  /* a row with a unique key, one commit a read batch   */
};

/** Serve one connection on a listening socket; never returns */
void sink_run(enum sink_kind kind, int lfd, const char *folder);

/* host.c: the real baresip */

struct host {
	pid_t pid;
	char dir[256];
	uint16_t sip_port;
	uint16_t ctrl_port;
};

/** Start baresip with a cpm.so in a folder below dir */
void host_start(struct host *h, const char *dir, const char *module);
void host_stop(struct host *h);

/** Call it as a PF does. @return Connected socket, bound; paths filled */
int host_call(struct host *h, int usock, char *own, char *peer, size_t size);
void host_bye(struct host *h, int usock);

/* util.c */

void die(const char *fmt, ...) __attribute__((noreturn,
					      format(printf, 1, 2)));
double now(void);
/** Listening TCP socket on 127.0.0.1 */
int listen_any(uint16_t *port);

#endif
