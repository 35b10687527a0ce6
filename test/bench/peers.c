/**
 * @file peers.c  What receives without baresip: the library alone (peer.c),
 * or a sink
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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


static void sink(struct peer *peer, const struct peer_args *args, int fd)
{
	int lfd = listen_any(&peer->port);

	peer->pid = child();
	if (!peer->pid) {
		(void)dup2(fd, 1);
		place_receiver(args->place);
		sink_run(&(struct sink_args){.kind = SINK_NULL,
					     .pem = args->pem,
					     .expect = args->expect}, lfd);
	}
	close(lfd);
	snprintf(peer->path, sizeof(peer->path),
		 "msrp%s://127.0.0.1:%u/sink;tcp", args->pem ? "s" : "",
		 peer->port);
}


/* Run the library, below a tool if there is one */
static void __attribute__((noreturn))
below(const char *const *tool, const char *const *args, int fd)
{
	const char *argv[2 * ARGS] = {NULL};
	size_t n = 0, i;

	for (i=0; tool && tool[i] && n < ARGS; i++)
		argv[n++] = tool[i];
	for (i=0; args[i] && i < ARGS - 1; i++)
		argv[n++] = args[i];

	(void)dup2(fd, 1);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}


static void __attribute__((noreturn))
library_exec(const struct bench *b, const struct peer_args *args, int fd)
{
	const char *argv[ARGS] = {b->peer, "recv", NULL, args->pem, NULL};
	char expect[16];

	snprintf(expect, sizeof(expect), "%u", args->expect);
	argv[2] = expect;
	place_receiver(args->place);
	below(args->tool, argv, fd);
}


/* Its first line is its path */
static void library_path(struct peer *peer, const struct bench *b)
{
	const char *port;

	if (!fgets(peer->path, sizeof(peer->path), peer->out))
		die("%s says no path", b->peer);
	peer->path[strcspn(peer->path, "\n")] = '\0';
	port = strstr(peer->path, "//127.0.0.1:");
	if (!port)
		die("%s: a path without port: %s", b->peer, peer->path);
	peer->port = (uint16_t)strtoul(port + 12, NULL, 10);
}


static void through(struct peer *peer, const struct relay *relay)
{
	const size_t n = strlen(relay->uri), l = strlen(peer->path);

	if (n + 1 + l >= sizeof(peer->path))
		die("a long path: %s", peer->path);
	memmove(peer->path + n + 1, peer->path, l + 1);
	memcpy(peer->path, relay->uri, n);
	peer->path[n] = ' ';
	peer->port = relay->port;
}


void peer_start(struct peer *peer, const struct bench *b,
		const struct peer_args *args)
{
	int fdv[2];

	memset(peer, 0, sizeof(*peer));
	peer->pem = args->pem;
	peer->tool = args->tool;
	if (pipe2(fdv, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	peer->out = fdopen(fdv[0], "r");
	if (!peer->out)
		die("no memory");

	if (args->sink) {
		sink(peer, args, fdv[1]);
	}
	else {
		peer->pid = child();
		if (!peer->pid)
			library_exec(b, args, fdv[1]);
		library_path(peer, b);
	}
	close(fdv[1]);
	if (args->relay)
		through(peer, args->relay);
}


double peer_wait(struct peer *peer)
{
	char line[64];

	if (!fgets(line, sizeof(line), peer->out))
		die("the receiver did not get all");

	return strtod(line, NULL);
}


/* It ends with its connection */
void peer_stop(struct peer *peer)
{
	if (child_wait(peer->pid))
		die("the receiver failed");
	(void)fclose(peer->out);
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
		 uint32_t count, uint64_t size, double *startp)
{
	double seconds;
	char windowt[16], countt[16], sizet[32], line[64] = "";
	const char *const argv[] = {b->peer, "send", peer->path, windowt,
				    countt, sizet, peer->pem, NULL};
	int fdv[2];
	pid_t pid;
	FILE *f;

	snprintf(windowt, sizeof(windowt), "%u", window);
	snprintf(countt, sizeof(countt), "%u", count);
	snprintf(sizet, sizeof(sizet), "%llu", (unsigned long long)size);
	if (pipe2(fdv, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = child();
	if (!pid) {
		/* on our own CPU */
		below(peer->tool, argv, fdv[1]);
	}
	close(fdv[1]);
	f = fdopen(fdv[0], "r");
	if (!f || !fgets(line, sizeof(line), f) || child_wait(pid))
		die("%s send failed", b->peer);
	(void)fclose(f);

	if (sscanf(line, "%lf %lf", startp, &seconds) != 2)
		die("%s send: %s", b->peer, line);

	return seconds;
}
