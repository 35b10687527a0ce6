/**
 * @file peers.c  What receives without baresip: the library alone (peer.c),
 * or a sink
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"


enum {
	ARGS = 16,
};

static const char from[] = "msrp://127.0.0.1:9/load;tcp";
static uint64_t seed;


static void sink(struct peer *peer, const struct peer_args *args)
{
	int lfd = listen_any(&peer->port);

	peer->pid = child();
	if (!peer->pid) {
		place_receiver(args->place);
		sink_run(SINK_NULL, lfd, NULL, args->pem);
	}
	close(lfd);
	snprintf(peer->path, sizeof(peer->path),
		 "msrp%s://127.0.0.1:%u/sink;tcp", args->pem ? "s" : "",
		 peer->port);
}


static void __attribute__((noreturn))
library_exec(const struct bench *b, const struct peer_args *args, int fd)
{
	const char *argv[ARGS] = {NULL};
	size_t n = 0;

	while (args->tool && args->tool[n] && n < ARGS - 4) {
		argv[n] = args->tool[n];
		++n;
	}
	argv[n++] = b->peer;
	argv[n++] = "recv";
	argv[n++] = args->pem;

	(void)dup2(fd, 1);
	place_receiver(args->place);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}


/* Its first line is its path */
static void library(struct peer *peer, const struct bench *b,
		    const struct peer_args *args)
{
	const char *port;
	FILE *f = NULL;
	int fdv[2];

	if (pipe(fdv))
		die("pipe: %s", strerror(errno));
	peer->pid = child();
	if (!peer->pid)
		library_exec(b, args, fdv[1]);
	close(fdv[1]);

	f = fdopen(fdv[0], "r");
	if (!f || !fgets(peer->path, sizeof(peer->path), f))
		die("%s says no path", b->peer);
	(void)fclose(f);
	peer->path[strcspn(peer->path, "\n")] = '\0';
	port = strstr(peer->path, "//127.0.0.1:");
	if (!port)
		die("%s: a path without port: %s", b->peer, peer->path);
	peer->port = (uint16_t)strtoul(port + 12, NULL, 10);
}


void peer_start(struct peer *peer, const struct bench *b,
		const struct peer_args *args)
{
	memset(peer, 0, sizeof(*peer));
	peer->pem = args->pem;
	if (args->sink)
		sink(peer, args);
	else
		library(peer, b, args);
}


/* It ends with its connection */
void peer_stop(struct peer *peer)
{
	if (child_wait(peer->pid))
		die("the receiver failed");
}


static void open_wire(struct wire *w, const struct peer *peer)
{
	w->fd = connect_to(peer->port);
	if (w->fd < 0)
		die("connect: %s", strerror(errno));
	if (peer->pem)
		wire_tls(w, peer->pem, false);
}


void peer_load(struct peer *peer, uint32_t window, uint32_t count,
	       struct result *res)
{
	struct load load = {.to = peer->path, .from = from, .window = window,
			    .count = count, .seed = ++seed};

	open_wire(&load.wire, peer);
	load_run(&load, res);
	wire_close(&load.wire);
}


double peer_big(struct peer *peer, uint64_t size, size_t chunk)
{
	struct load load = {.to = peer->path, .from = from, .seed = ++seed};
	double seconds = 0;
	unsigned status;

	open_wire(&load.wire, peer);
	status = load_big(&load, size, chunk, &seconds);
	if (status != 200)
		die("a big message is refused with %u", status);
	wire_close(&load.wire);

	return seconds;
}


double peer_send(struct peer *peer, const struct bench *b, uint32_t window,
		 uint32_t count, uint64_t size)
{
	char windowt[16], countt[16], sizet[32], line[64] = "";
	const char *const argv[] = {b->peer, "send", peer->path, windowt,
				    countt, sizet, peer->pem, NULL};
	int fdv[2];
	pid_t pid;
	FILE *f;

	snprintf(windowt, sizeof(windowt), "%u", window);
	snprintf(countt, sizeof(countt), "%u", count);
	snprintf(sizet, sizeof(sizet), "%llu", (unsigned long long)size);
	if (pipe(fdv))
		die("pipe: %s", strerror(errno));
	pid = child();
	if (!pid) {
		/* on our own CPU */
		(void)dup2(fdv[1], 1);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(fdv[1]);
	f = fdopen(fdv[0], "r");
	if (!f || !fgets(line, sizeof(line), f) || child_wait(pid))
		die("%s send failed", b->peer);
	(void)fclose(f);

	return strtod(line, NULL);
}
