/**
 * @file slow.c  For LD_PRELOAD: a disk that takes its time
 *
 * SLOW_BELOW  folder; only files below it (a path that ends with a slash)
 * SLOW_MS     what each fsync and fdatasync takes besides
 * SLOW_HOLD   while a file of this name is there, they wait, and put a file
 *             of this name with .waits beside it
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


int fsync(int fd);
int fdatasync(int fd);


static void sleep_ms(long ms)
{
	struct timespec ts = {.tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts))
		;
}


static int below(int fd)
{
	const char *folder = getenv("SLOW_BELOW");
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!folder)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 2);
	if (n <= 0)
		return 0;
	/* the folder itself counts */
	memcpy(path + n, "/", 2);

	return !strncmp(path, folder, strlen(folder));
}


static void wait_for(const char *hold)
{
	char path[PATH_MAX];
	int fd;

	if (access(hold, F_OK))
		return;

	snprintf(path, sizeof(path), "%s.waits", hold);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd >= 0)
		(void)close(fd);
	while (!access(hold, F_OK))
		sleep_ms(1);
}


static void slow(int fd)
{
	const char *ms = getenv("SLOW_MS"), *hold = getenv("SLOW_HOLD");

	if (!below(fd))
		return;
	if (ms)
		sleep_ms(strtol(ms, NULL, 10));
	if (hold)
		wait_for(hold);
}


/* ISO C has no conversion from an object pointer to a function's */
static int real(const char *name, int fd)
{
	int (*func)(int) = NULL;
	void *sym = dlsym(RTLD_NEXT, name);

	memcpy(&func, &sym, sizeof(func));

	return func(fd);
}


__attribute__((visibility("default")))
int fsync(int fd)
{
	slow(fd);

	return real("fsync", fd);
}


__attribute__((visibility("default")))
int fdatasync(int fd)
{
	slow(fd);

	return real("fdatasync", fd);
}
