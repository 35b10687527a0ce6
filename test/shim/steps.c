/**
 * @file steps.c  A program that does to files what its arguments say
 *
 * For the test of the power-cut layer. Each argument is one step; the last
 * word of a step takes the rest of it. It ends by SIGKILL, as its like do.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


static int sync_it(const char *path, int flags, int (*syncer)(int))
{
	const int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 || syncer(fd) || close(fd);
}


static int add(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			    0600);

	return fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd);
}


static int put(const char *path, long off, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || pwrite(fd, text, strlen(text), off) < 0 || close(fd);
}


/* Sectors, not a few octets */
static int fill(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char buf[16384];

	memset(buf, text[0], sizeof(buf));

	return fd < 0 || write(fd, buf, sizeof(buf)) < 0 || close(fd);
}


static int empty(const char *path)
{
	const int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	return fd < 0 || close(fd);
}


/* A file that has no name at first */
static int late(const char *path, const char *text)
{
	const int fd = open(".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	char proc[40];

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fdatasync(fd))
		return -1;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);

	return linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) ||
		close(fd);
}


static int step(const char *text)
{
	char verb[20] = "", path[200] = "", rest[200] = "";

	(void)sscanf(text, "%19s %199s %199[^\n]", verb, path, rest);

	if (!strcmp(verb, "add"))
		return add(path, rest);
	if (!strcmp(verb, "put"))
		return put(path, strtol(rest, NULL, 10),
			   strchr(rest, ' ') + 1);
	if (!strcmp(verb, "late"))
		return late(path, rest);
	if (!strcmp(verb, "fill"))
		return fill(path, rest);
	if (!strcmp(verb, "empty"))
		return empty(path);
	if (!strcmp(verb, "cut"))
		return truncate(path, strtol(rest, NULL, 10));
	if (!strcmp(verb, "fsync"))
		return sync_it(path, O_WRONLY, fsync);
	if (!strcmp(verb, "fdatasync"))
		return sync_it(path, O_RDONLY, fdatasync);
	if (!strcmp(verb, "syncdir"))
		return sync_it(path, O_RDONLY | O_DIRECTORY, fsync);
	if (!strcmp(verb, "rename"))
		return rename(path, rest);
	if (!strcmp(verb, "unlink"))
		return unlink(path);
	if (!strcmp(verb, "mkdir"))
		return mkdir(path, 0700);

	errno = EINVAL;

	return -1;
}


int main(int argc, char *argv[])
{
	int i;

	for (i=1; i<argc; i++) {
		if (step(argv[i])) {
			perror(argv[i]);
			return 1;
		}
	}

	return raise(SIGKILL);
}
