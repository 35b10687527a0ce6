/**
 * @file wire.c  What went over the wire, as an independent decoder sees it
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "e2e.h"


enum {
	ARGS      = 160,
	FLUSH     = 3000,     /* dumpcap writes every half second         */
	ERROR_SEV = 0x800000, /* Wireshark's expert severity "error"      */
};

static const char mark_text[] = "cpm-e2e: end of the recording";

static const char *const fields[] = {
	"frame.number", "frame.protocols", "sip.Content-Type",
	"msrp.content.type", "_ws.malformed", "_ws.expert.severity",
	"_ws.expert.message", "_ws.col.Info", "sip.Status-Code",
	"udp.port", "tcp.port",
};


/* Held until it is sent: a port of ours, or of another test, that the system
   gives away in between would get it as SIP */
static void mark_open(struct wire *w)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);

	w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0 || bind(w->fd, (struct sockaddr *)&sin, len) ||
	    getsockname(w->fd, (struct sockaddr *)&sin, &len))
		e2e_fail("no port for the end of the recording");
	w->mark = ntohs(sin.sin_port);
	port_add(w->env, w->mark);
}


struct wire *wire_start(struct env *env)
{
	struct wire *w = env_keep(env, mem_zalloc(sizeof(*w), NULL));
	const char *argv[] = {
		"dumpcap", "-q", "-i", "lo", "-B", "16", "-f", NULL,
		"-w", w->file, NULL
	};

	w->env = env;
	mark_open(w);
	snprintf(w->file, sizeof(w->file), "%s/wire.pcapng", env->dir);
	argv[7] = port_filter(env);
	w->proc = proc_start(env, &(struct proc_args){
		.name = "dumpcap", .argv = argv});
	(void)proc_line(w->proc, "^File: ", E2E_WAIT);

	return w;
}


static void send_mark(struct wire *w)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(w->mark),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	(void)sendto(w->fd, mark_text, sizeof(mark_text) - 1, 0,
		     (const struct sockaddr *)&sin, sizeof(sin));
	(void)close(w->fd);
	w->fd = -1;
}


static bool has_mark(const struct wire *w)
{
	size_t size = 0;
	char *all = file_read(w->file, &size);
	const bool has = all && memmem(all, size, mark_text,
				       sizeof(mark_text) - 1);

	mem_deref(all);

	return has;
}


/* What is still on its way to the file comes before the mark */
void wire_stop(struct wire *w)
{
	struct wait wait;

	if (!proc_alive(w->proc))
		return;

	send_mark(w);
	wait_start(&wait, FLUSH, "the recording");
	while (!has_mark(w) && wait_quiet(&wait))
		e2e_sleep(50);

	proc_signal(w->proc, SIGINT);
	if (proc_wait(w->proc, E2E_STOP))
		e2e_fail("dumpcap ended with %d", w->proc->status);
}


static struct proc *run_tshark(struct wire *w, const uint16_t *sipv,
			       const uint16_t *msrpv)
{
	struct env *env = w->env;
	const char *argv[ARGS] = {
		"tshark", "-n", "-r", w->file, "-T", "fields",
		"-E", "separator=/t", "-E", "occurrence=a",
	};
	size_t n = 10, i;

	for (i=0; i<ARRAY_SIZE(fields); i++) {
		argv[n++] = "-e";
		argv[n++] = fields[i];
	}
	for (; sipv && *sipv && n + 6 < ARGS; sipv++) {
		argv[n++] = "-d";
		argv[n++] = env_str(env, "udp.port==%u,sip", *sipv);
		argv[n++] = "-d";
		argv[n++] = env_str(env, "tcp.port==%u,sip", *sipv);
	}
	for (; msrpv && *msrpv && n + 4 < ARGS; msrpv++) {
		argv[n++] = "-d";
		argv[n++] = env_str(env, "tcp.port==%u,msrp", *msrpv);
	}

	return proc_start(env, &(struct proc_args){
		.name = "tshark", .argv = argv, .apart = true});
}


static bool is_error(const char *severities)
{
	while (*severities) {
		char *end;

		if (strtoul(severities, &end, 0) >= ERROR_SEV)
			return true;
		if (end == severities)
			break;
		severities = end + (*end == ',');
	}

	return false;
}


/* Final, and not that somebody shall show who he is */
static bool is_refusal(const char *codes)
{
	const unsigned long code = strtoul(codes, NULL, 10);

	return code >= 400 && code != 401 && code != 407;
}


/* A frame's two ports, "1,2": is one of them in the list? */
static bool is_of(const char *ports, const uint16_t *portv)
{
	const char *second = strchr(ports, ',');
	const unsigned long a = strtoul(ports, NULL, 10);
	const unsigned long b = second ? strtoul(second + 1, NULL, 10) : 0;

	for (; portv && *portv; portv++) {
		if (*portv == a || *portv == b)
			return true;
	}

	return false;
}


static void check_line(const char *line, const uint16_t *sipv,
		       const uint16_t *msrpv, struct wire_seen *seen)
{
	char *copy = strdup(line), *at = copy, *v[ARRAY_SIZE(fields)];
	size_t i;

	for (i=0; i<ARRAY_SIZE(fields); i++) {
		v[i] = at ? strsep(&at, "\t") : NULL;
		if (!v[i])
			v[i] = copy + strlen(line);
	}

	++seen->frames;
	seen->sip += strstr(v[1], ":sip") != NULL;
	seen->msrp += strstr(v[1], ":msrp") != NULL;
	seen->cpim += strcasestr(v[2], "message/cpim") ||
		strcasestr(v[3], "message/cpim");
	seen->refused += is_refusal(v[8]);

	if (*v[4] || is_error(v[5]))
		e2e_fail("on the wire, frame %s: %s %s (%s)", v[0], v[4],
			 v[6], v[7]);
	/* what is so wrong that tshark does not know it is data to it */
	if ((strstr(v[1], "udp:data") && is_of(v[9], sipv)) ||
	    (strstr(v[1], "tcp:data") &&
	     (is_of(v[10], sipv) || is_of(v[10], msrpv))))
		e2e_fail("on the wire, frame %s is neither SIP nor MSRP: %s",
			 v[0], v[7]);
	free(copy);
}


void wire_check(struct wire *w, const uint16_t *sipv, const uint16_t *msrpv,
		struct wire_seen *seen)
{
	struct proc *p;
	const char *line;

	wire_stop(w);
	p = run_tshark(w, sipv, msrpv);
	memset(seen, 0, sizeof(*seen));
	if (proc_wait(p, 3 * E2E_WAIT))
		e2e_fail("tshark ended with %d", p->status);

	while ((line = proc_try_line(p, "", E2E_SHORT)) != NULL)
		check_line(line, sipv, msrpv, seen);
}
