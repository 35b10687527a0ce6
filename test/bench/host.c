/**
 * @file bench/host.c  The real baresip in a folder of its own
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"


enum {
	START_MAX = 60,  /* s */
	TRIES     = 5,
};


static uint16_t free_port(void)
{
	uint16_t port;

	close(listen_any(&port));

	return port;
}


/* SIP over TLS listens on the port after the one that is configured */
static uint16_t free_pair(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	uint16_t port;
	int fd, err;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	do {
		port = free_port();
		sa.sin_port = htons((uint16_t)(port + 1));
		fd = socket(AF_INET, SOCK_STREAM, 0);
		err = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
		close(fd);
	} while (err);

	return port;
}


static void put(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		die("%s: %s", path, strerror(errno));
}


static void link_to(const char *dir, const char *name, const char *from)
{
	char to[512];

	snprintf(to, sizeof(to), "%s/modules/%s", dir, name);
	(void)unlink(to);
	if (symlink(from, to))
		die("%s: %s", to, strerror(errno));
}


static void folder(struct host *h, const struct host_args *args)
{
	static const char *const modv[] = {"account.so", "ctrl_tcp.so"};
	char text[2048], path[512];
	size_t i;

	snprintf(path, sizeof(path), "%s/modules", h->dir);
	if ((mkdir(h->dir, 0700) && errno != EEXIST) ||
	    (mkdir(path, 0700) && errno != EEXIST))
		die("%s: %s", path, strerror(errno));
	for (i=0; i<sizeof(modv)/sizeof(modv[0]); i++) {
		snprintf(path, sizeof(path), "/usr/lib/baresip/modules/%s",
			 modv[i]);
		link_to(h->dir, modv[i], path);
	}
	if (args->module)
		link_to(h->dir, "cpm.so", args->module);
	if (args->stall)
		link_to(h->dir, "stall.so", args->stall);

	snprintf(text, sizeof(text), "poll_method epoll\n"
		 "sip_listen 127.0.0.1:%u\nmodule_path %s/modules\n"
		 "%s%smodule_app account.so\n"
		 "module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:%u\n"
		 /* its domain is no name: no question leaves this machine */
		 "dns_server 127.0.0.1:9\ncpm_trust any\n"
		 "cpm_max_size 1000000000000\n%s",
		 h->sip_port, h->dir, args->module ? "module cpm.so\n" : "",
		 args->stall ? "module stall.so\n" : "", h->ctrl_port,
		 args->config ? args->config : "");
	put(h->dir, "config", text);

	snprintf(text, sizeof(text), "<sip:alice@bench.test>;regint=0");
	if (args->outbound)
		snprintf(text + strlen(text), 100, ";outbound=\""
			 "sip:127.0.0.1:%u;transport=udp\"", args->outbound);
	strcat(text, "\n");
	put(h->dir, "accounts", text);
}


static void slow_down(const struct host *h, const struct host_args *args)
{
	char text[300];

	if (!args->slow)
		return;

	setenv("LD_PRELOAD", args->slow, 1);
	snprintf(text, sizeof(text), "%s/cpm/", h->dir);
	setenv("SLOW_BELOW", text, 1);
	snprintf(text, sizeof(text), "%u", args->delay);
	setenv("SLOW_MS", text, 1);
}


static bool ended(const struct host *h)
{
	siginfo_t si = {.si_pid = 0};

	/* left to be reaped with the others */
	return waitid(P_PID, (id_t)h->pid, &si, WEXITED | WNOHANG | WNOWAIT)
		|| si.si_pid;
}


/* Until the first command is answered. @return false if it has ended */
static bool ready(struct host *h, double t0, bool module)
{
	const char *answer;

	while (!(h->ctrl = ctrl_open(h->ctrl_port))) {
		if (ended(h))
			return false;
		if (now() - t0 > START_MAX)
			die("baresip does not start");
		usleep(200);
	}

	answer = ctrl_ask(h->ctrl, "cpm_status", NULL);
	h->start_ms = (now() - t0) * 1e3;
	if (module && !strstr(answer, "\"ok\":true"))
		die("cpm.so does not load");

	return true;
}


static bool start(struct host *h, const struct host_args *args)
{
	char log[512];
	double t0;
	int fd;

	h->sip_port = free_pair();
	h->ctrl_port = free_port();
	folder(h, args);

	snprintf(log, sizeof(log), "%s/log", h->dir);
	die_log(log);
	t0 = now();
	h->pid = child();
	if (!h->pid) {
		place_receiver(args->place);
		fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		slow_down(h, args);
		execlp("baresip", "baresip", "-f", h->dir, (char *)NULL);
		_exit(127);
	}
	if (ready(h, t0, args->module != NULL))
		return true;

	(void)child_wait(h->pid);

	return false;
}


void host_start(struct host *h, const struct host_args *args)
{
	unsigned i;

	memset(h, 0, sizeof(*h));
	snprintf(h->dir, sizeof(h->dir), "%s", args->dir);

	/* a port may be taken between our look and its bind */
	for (i=0; i<TRIES; i++) {
		if (start(h, args))
			return;
	}

	die("baresip does not start");
}


void host_stop(struct host *h)
{
	ctrl_close(h->ctrl);
	h->ctrl = NULL;
	kill(h->pid, SIGTERM);
	(void)child_wait(h->pid);
	die_log(NULL);
}


void host_kill(struct host *h)
{
	ctrl_close(h->ctrl);
	h->ctrl = NULL;
	kill(h->pid, SIGKILL);
	(void)child_wait(h->pid);
	die_log(NULL);
}


double host_cpu(const struct host *h)
{
	unsigned long user, sys;
	char path[64];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)h->pid);
	f = fopen(path, "r");
	if (!f)
		die("%s: %s", path, strerror(errno));
	n = fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
		   "%*u %lu %lu", &user, &sys);
	fclose(f);
	if (n != 2)
		die("%s: unreadable", path);

	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}


double host_mem(const struct host *h, bool peak)
{
	const char *key = peak ? "VmHWM:" : "VmRSS:";
	char path[64], line[256];
	double kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)h->pid);
	f = fopen(path, "r");
	if (!f)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			kib = strtod(line + strlen(key), NULL);
	}
	fclose(f);
	if (kib < 0)
		die("no %s in %s", key, path);

	return kib / 1024;
}


void host_peak_reset(const struct host *h)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)h->pid);
	f = fopen(path, "w");
	if (!f || fputs("5", f) < 0 || fclose(f))
		die("%s: %s", path, strerror(errno));
}
