/**
 * @file source.c  Bodies of ours that are files of the user's
 *
 * Read where they lie. One that was changed, or is gone, is not that body any
 * more; which is no fault of the store's, so nobody is told unless he asks.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store.h"


uint64_t cpm_source_mtime(const struct stat *st)
{
	if (st->st_mtim.tv_sec < 0)
		return 0;

	return (uint64_t)st->st_mtim.tv_sec * 1000 +
		(uint64_t)st->st_mtim.tv_nsec / 1000000;
}


static int kind(const struct stat *st)
{
	return S_ISREG(st->st_mode) ? 0 : S_ISDIR(st->st_mode) ? EISDIR
		: EINVAL;
}


/* Looked at again once it is open: it may be another one by then, a pipe
   even, which must not hold anybody up */
int cpm_source_open(int *fdp, struct stat *st, const char *path)
{
	int fd, err;

	if (!fdp || !st || !path)
		return EINVAL;

	err = stat(path, st) ? errno : kind(st);
	if (err)
		return err;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno;

	err = fstat(fd, st) ? errno : kind(st);
	if (err)
		(void)close(fd);
	else
		*fdp = fd;

	return err;
}


static bool same(const struct stat *st, uint64_t size, uint64_t mtime)
{
	return S_ISREG(st->st_mode) && (uint64_t)st->st_size == size &&
		cpm_source_mtime(st) == mtime;
}


bool source_there(const struct cpm_msg *msg)
{
	struct stat st;

	return !stat(msg->source, &st) &&
		same(&st, msg->size, msg->source_mtime);
}


/* @return -1: it is not that file */
int source_open(const char *path, uint64_t size, uint64_t mtime)
{
	struct stat st;
	int fd = -1;

	if (cpm_source_open(&fd, &st, path))
		return -1;
	if (same(&st, size, mtime))
		return fd;

	(void)close(fd);

	return -1;
}


/* len is within it. @return 0; ENODATA: it is not that file; EIO; ENOMEM */
int source_read(const char *path, uint64_t size, uint64_t mtime, uint64_t off,
		size_t len, struct mbuf *mb)
{
	const int fd = source_open(path, size, mtime);

	return fd < 0 ? ENODATA : spool_read_fd(fd, off, len, mb);
}
