/**
 * @file bench/util.c  Small things that all need
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"


enum {
	CHILDREN = 8,  /* at once: a receiver, a proxy, a program */
};

static char log_path[512];
static pid_t childv[CHILDREN];  /* 0: free */


void die_log(const char *path)
{
	snprintf(log_path, sizeof(log_path), "%s", path ? path : "");
}


void die(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);

	f = log_path[0] ? fopen(log_path, "r") : NULL;
	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "  %s", line);

	exit(1);
}


double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}


int listen_any(uint16_t *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len))
		die("cannot listen");
	*port = ntohs(sa.sin_port);

	return fd;
}


int connect_to(uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

	return fd;
}


void descriptors(uint32_t n)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_max < n)
		die("it takes %u descriptors, the system allows fewer: see "
		    "ulimit -Hn", n);
	rl.rlim_cur = rl.rlim_cur < n ? n : rl.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &rl))
		die("setrlimit: %s", strerror(errno));
}


static void pin(int first, int last)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (; first<=last; first++)
		CPU_SET(first, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity: %s", strerror(errno));
}


void place_receiver(enum place place)
{
	if (place == PLACE_FIXED)
		pin(1, 1);
	else
		pin(0, (int)sysconf(_SC_NPROCESSORS_CONF) - 1);
}


void place_sender(void)
{
	pin(0, 0);
}


const char *place_text(enum place place)
{
	switch (place) {

	case PLACE_FIXED: return "sender on CPU 0, receiver on CPU 1";
	case PLACE_FREE:  return "sender on CPU 0, receiver on any CPU";
	default:          return "any CPU";
	}
}


pid_t child(void)
{
	const pid_t parent = getpid();
	pid_t pid;
	size_t i;

	/* what is in a buffer is written once */
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid) {
		for (i=0; i<CHILDREN && childv[i]; i++)
			;
		if (i < CHILDREN)
			childv[i] = pid;
		return pid;
	}

	/* it must not outlive a bench that gives up */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (getppid() != parent)
		_exit(1);

	return 0;
}


int child_wait(pid_t pid)
{
	int status = 0;
	size_t i;

	while (waitpid(pid, &status, 0) != pid && errno == EINTR)
		;
	for (i=0; i<CHILDREN; i++) {
		if (childv[i] == pid)
			childv[i] = 0;
	}

	return status;
}


void children_end(void)
{
	size_t i;

	for (i=0; i<CHILDREN; i++) {
		const pid_t pid = childv[i];

		if (!pid)
			continue;
		/* and those that it started, if they are a group */
		(void)kill(-pid, SIGKILL);
		(void)kill(pid, SIGKILL);
		(void)child_wait(pid);
	}
}


void run_program(const char *const *argv, const char *out)
{
	pid_t pid;

	pid = child();
	if (!pid) {
		if (out) {
			int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

			(void)dup2(fd, 1);
		}
		place_receiver(PLACE_FREE);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (child_wait(pid))
		die("%s failed", argv[0]);
}


void folder_remove(const char *path)
{
	const char *const argv[] = {"rm", "-rf", path, NULL};

	run_program(argv, NULL);
}


void file_sync(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0 || fsync(fd) || close(fd))
		die("%s: %s", path, strerror(errno));
}


void file_make(const char *path, uint64_t size)
{
	static char buf[1 << 20];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t i;

	for (i=0; i<sizeof(buf); i++)
		buf[i] = (char)(i * 2654435761u >> 16);
	while (size) {
		const size_t len = size < sizeof(buf) ? (size_t)size
			: sizeof(buf);

		if (write(fd, buf, len) != (ssize_t)len)
			die("%s: %s", path, strerror(errno));
		size -= len;
	}
	close(fd);
	file_sync(path);
}


int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}
