/**
 * @file net.c  A network of the test's own, whose addresses may change
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "e2e.h"


enum {
	ARGV_MAX = 16,
};


static void write_id(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		e2e_fail("a network of its own: %s: %s", path,
			 strerror(errno));
	close(fd);
}


/* Whoever is not root is it in a user namespace of his own, if he may */
static void own_namespace(void)
{
	const unsigned uid = getuid(), gid = getgid();
	char text[32];

	if (!unshare(CLONE_NEWNET))
		return;
	if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET))
		e2e_fail("this test needs a network of its own: run it as "
			 "root, or allow user namespaces: %s",
			 strerror(errno));

	write_id("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	write_id("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	write_id("/proc/self/gid_map", text);
}


static void run_ip(const char *const *argv)
{
	const pid_t pid = fork();
	int status;

	if (pid < 0)
		e2e_fail("fork: %s", strerror(errno));
	if (!pid) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		e2e_fail("%s %s %s: status %d", argv[0], argv[1], argv[2],
			 status);
}


void net_own(void)
{
	own_namespace();
	run_ip((const char *[]){"ip", "link", "set", "lo", "up", NULL});
	run_ip((const char *[]){"ip", "link", "add", "cpm0", "type", "veth",
				"peer", "name", "cpm1", NULL});
	run_ip((const char *[]){"ip", "link", "set", "cpm1", "up", NULL});
	run_ip((const char *[]){"ip", "link", "set", "cpm0", "up", NULL});
}


void net_ip(struct env *env, ...)
{
	const char *argv[ARGV_MAX + 1] = {"ip"};
	size_t n = 1;
	va_list ap;
	(void)env;

	va_start(ap, env);
	while (n < ARGV_MAX && (argv[n] = va_arg(ap, const char *)) != NULL)
		++n;
	va_end(ap);
	run_ip(argv);
}
