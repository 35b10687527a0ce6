/**
 * @file guard.c  Cleans up when a test dies without a word
 *
 * A test that is killed (Check's time-out, Ctrl-C in the demo) cannot remove
 * its folder. A child that holds the other end of a pipe notices and does it.
 * The programs need no such help: they get a signal when their parent dies.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "e2e.h"


enum {
	DYING = 500,          /* ms until the programs are gone           */
};


static void guard_run(const char *dir, int fd)
{
	char word;
	ssize_t n;

	/* own group: what kills the test's group must not reach us */
	setpgid(0, 0);
	while ((n = read(fd, &word, 1)) < 0 && errno == EINTR)
		;
	if (n == 0 && !getenv("CPM_KEEP")) {
		e2e_sleep(DYING);
		folder_remove(dir);
	}
	_exit(0);
}


void guard_start(struct env *env)
{
	int fdv[2];

	if (pipe2(fdv, O_CLOEXEC))
		e2e_fail("no pipe");

	env->guard = fork();
	if (env->guard < 0)
		e2e_fail("cannot fork");
	if (!env->guard) {
		close(fdv[1]);
		guard_run(env->dir, fdv[0]);
	}

	close(fdv[0]);
	env->guard_fd = fdv[1];
}


void guard_end(struct env *env)
{
	const ssize_t n = write(env->guard_fd, ".", 1);

	if (n < 0)
		return;

	close(env->guard_fd);
	while (waitpid(env->guard, NULL, 0) < 0 && errno == EINTR)
		;
}
