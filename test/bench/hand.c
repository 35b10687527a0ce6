/**
 * @file hand.c  The sender and the sink alone, against what others have
 * written: by hand, for a table of figures
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"


struct hand {
	const char *path;
	const char *from;
	const char *ctype;
	const char *pem;
	const char *port;    /* to listen on; NULL: connect */
	uint32_t n;
	uint32_t window;
	uint64_t size;       /* 0: small messages           */
	size_t chunk;
};

static const char to_help[] =
	"usage: bench to PATH [options]: send to an MSRP stack that listens\n"
	"  PATH          its path, for To-Path; connects to the first URI\n"
	"  --from PATH   ours, for From-Path: as the stack was told\n"
	"  --listen PORT it connects to us; its first SEND is answered\n"
	"  -n N          messages of 400 octets of text in CPIM (100000)\n"
	"  --window N    of them on their way without their 200 (32)\n"
	"  --size N      instead: one message of so many octets,\n"
	"  --chunk N     in chunks of so many (65536)\n"
	"  --type TYPE   Content-Type (message/cpim)\n"
	"  --pem FILE    over TLS, with this key and certificate; \"new\": "
	"ones\n"
	"                made for this run\n"
	"Prints messages or megabytes a second, and the time to a 200 (window "
	"1).\n";

static const char sink_help[] =
	"usage: bench sink PORT [--pem FILE]: answer 200 to all that an MSRP "
	"stack sends\n"
	"  PORT          TCP port to listen on, on every IPv4 address; any "
	"session-id will do.\n"
	"                One process a connection, until it is interrupted.\n"
	"  --pem FILE    over TLS, with this key and certificate\n";


static void __attribute__((noreturn)) help(const char *text)
{
	fputs(text, stdout);
	exit(0);
}


static char pem_path[256];


static void pem_remove(void)
{
	(void)unlink(pem_path);
}


/* A key of our own, for as long as we run */
static const char *pem_new(void)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(pem_path, sizeof(pem_path), "%s/cpm-bench-pem-XXXXXX",
		 tmp && *tmp ? tmp : P_tmpdir);
	fd = mkstemp(pem_path);
	if (fd < 0)
		die("%s: %s", pem_path, strerror(errno));
	atexit(pem_remove);
	close(fd);
	wire_cert(pem_path);

	return pem_path;
}


static void set_option(struct hand *h, int c, const char *arg)
{
	switch (c) {

	case 'f': h->from = arg; break;
	case 'l': h->port = arg; break;
	case 'n': h->n = (uint32_t)strtoul(arg, NULL, 10); break;
	case 'w': h->window = (uint32_t)strtoul(arg, NULL, 10); break;
	case 's': h->size = strtoull(arg, NULL, 10); break;
	case 'c': h->chunk = strtoul(arg, NULL, 10); break;
	case 't': h->ctype = arg; break;
	case 'p': h->pem = arg; break;
	default: die("--help tells what there is");
	}
}


/* @return the one argument that is no option */
static char *options(struct hand *h, int argc, char **argv, const char *text)
{
	static const struct option optv[] = {
		{"from",   required_argument, NULL, 'f'},
		{"listen", required_argument, NULL, 'l'},
		{"window", required_argument, NULL, 'w'},
		{"size",   required_argument, NULL, 's'},
		{"chunk",  required_argument, NULL, 'c'},
		{"type",   required_argument, NULL, 't'},
		{"pem",    required_argument, NULL, 'p'},
		{"help",   no_argument,       NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "n:", optv, NULL)) != -1) {
		if (c == 'h')
			help(text);
		set_option(h, c, optarg);
	}
	if (optind + 1 != argc)
		help(text);
	if (!h->n || !h->window || !h->chunk)
		die("-n, --window and --chunk are not 0");

	return argv[optind];
}


static int resolve(const char *host, const char *port, bool passive)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
		.ai_flags = passive ? AI_PASSIVE : 0};
	struct addrinfo *ai, *p;
	int fd = -1, on = 1;

	if (getaddrinfo(host, port, &hints, &ai))
		die("no address for %s port %s", host ? host : "*", port);
	for (p=ai; p && fd < 0; p=p->ai_next) {
		fd = socket(p->ai_family, p->ai_socktype, 0);
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof(on));
		if (passive ? bind(fd, p->ai_addr, p->ai_addrlen) ||
		    listen(fd, 8) : connect(fd, p->ai_addr, p->ai_addrlen)) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(ai);
	if (fd < 0)
		die("%s port %s: %s", host ? host : "*", port,
		    strerror(errno));

	return fd;
}


/* To the first URI of the path: msrp://[user@]host:port/... */
static int connect_path(const char *path)
{
	const char *p = strstr(path, "://"), *end, *at;
	char host[256], *port;
	size_t n;

	if (!p)
		die("%s: no MSRP path", path);
	p += 3;
	end = p + strcspn(p, "/; ");
	at = memchr(p, '@', (size_t)(end - p));
	if (at)
		p = at + 1;
	n = (size_t)(end - p);
	if (n >= sizeof(host))
		die("%s: a long host", path);
	memcpy(host, p, n);
	host[n] = '\0';
	port = strrchr(host, ':');
	if (!port || strchr(port, ']'))
		die("%s: no port", path);
	*port++ = '\0';
	if (host[0] == '[') {
		host[strlen(host) - 1] = '\0';
		return resolve(host + 1, port, false);
	}

	return resolve(host, port, false);
}


static void wire_start(struct load *load, const struct hand *h)
{
	int on = 1, lfd;

	if (h->port) {
		lfd = resolve(NULL, h->port, true);
		load->wire.fd = accept(lfd, NULL, NULL);
		close(lfd);
	}
	else {
		load->wire.fd = connect_path(h->path);
	}
	(void)setsockopt(load->wire.fd, IPPROTO_TCP, TCP_NODELAY, &on,
			 sizeof(on));
	if (h->pem)
		wire_tls(&load->wire, h->pem, h->port != NULL);
	if (h->port)
		load_bind(&load->wire, load->from, load->to);
}


static void hand_to(int argc, char **argv)
{
	struct hand h = {.from = "msrp://127.0.0.1:9/load;tcp",
			 .n = 100000, .window = 32, .chunk = 65536};
	struct load load = {.seed = (uint64_t)getpid()};
	struct result res;
	double seconds;
	unsigned status;

	h.path = options(&h, argc, argv, to_help);
	if (h.pem && !strcmp(h.pem, "new"))
		h.pem = pem_new();
	load.to = h.path;
	load.from = h.from;
	load.ctype = h.ctype;
	load.window = h.window;
	load.count = h.n;
	wire_start(&load, &h);

	if (h.size) {
		status = load_big(&load, h.size, h.chunk, &seconds);
		printf("%u after %.3f s; %.0f MB/s\n", status, seconds,
		       (double)h.size / 1e6 / seconds);
	}
	else {
		load_run(&load, &res);
		printf("%u messages in %.3f s; %.0f/s\n", h.n, res.seconds,
		       res.rate);
		if (h.window == 1)
			printf("to a 200: median %.0f us, p99 %.0f us\n",
			       res.median_us, res.p99_us);
	}
	wire_close(&load.wire);
}


static void hand_sink(int argc, char **argv)
{
	struct hand h = {.n = 1, .window = 1, .chunk = 1};
	struct sink_args args = {.kind = SINK_NULL};
	const char *port = options(&h, argc, argv, sink_help);
	int lfd = resolve(NULL, port, true), fd;

	args.pem = h.pem;
	args.say = true;
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		fd = accept(lfd, NULL, NULL);
		if (fd < 0)
			die("accept: %s", strerror(errno));
		if (!fork()) {
			close(lfd);
			sink_serve(&args, fd);
		}
		close(fd);
	}
}


bool hand_main(int argc, char **argv)
{
	if (argc < 2)
		return false;

	if (!strcmp(argv[1], "to"))
		hand_to(argc - 1, argv + 1);
	else if (!strcmp(argv[1], "sink"))
		hand_sink(argc - 1, argv + 1);
	else
		return false;

	return true;
}
