/**
 * @file bodyf.c  The file of a large body: written, finished, named
 *
 * Runs in the spooler. The file has a temporary name until all of it is
 * there and synced: what a crash leaves is swept at the next start. The first
 * error stays: what comes behind it is for nothing.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "store.h"


enum {
	DIRTY_MAX = 33554432,  /* octets after which the disk is made to begin:
				 what is left for the end is little, and so is
				 what a commit of the writer's may have to
				 wait for                                   */
	STEP      = 16,       /* blocks filtered in one turn                */
};

typedef char tmp_name[sizeof(SPOOL_TMP) + SPOOL_NAME];


static void fail(struct bodyf *f, int err)
{
	int none = 0;

	(void)atomic_compare_exchange_strong(&f->err, &none, err);
}


static bool failed(struct bodyf *f)
{
	return atomic_load(&f->err) != 0;
}


static void tmp_print(tmp_name tmp, const struct bodyf *f)
{
	snprintf(tmp, sizeof(tmp_name), SPOOL_TMP "%.*s", SPOOL_NAME,
		 f->name);
}


/* May so much be written? Here, off the main loop, is the place for whatever
   else limits it. */
static int size_check(const struct bodyf *f)
{
	struct statvfs fs;

	if (!f->expect || fstatvfs(f->sp->folder, &fs) < 0)
		return 0;

	return f->expect / fs.f_frsize >= fs.f_bavail ? ENOSPC : 0;
}


void bodyf_begin(struct bodyf *f)
{
	tmp_name tmp;
	int err;

	if (failed(f))
		return;

	err = size_check(f);
	if (!err)
		err = spool_random(f->name);
	if (err) {
		fail(f, err);
		return;
	}

	tmp_print(tmp, f);
	f->fd = openat(f->sp->folder, tmp,
		       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->fd < 0)
		fail(f, spool_errno(errno));
	else
		f->state = BODYF_OPEN;
}


/* Wait for what was begun last time, and begin with what is there now. An
   error is told once, here or at the end: so it is looked at. */
static int writeback(struct bodyf *f)
{
	f->dirty = 0;
	if (!sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE |
			     SYNC_FILE_RANGE_WRITE))
		return 0;

	switch (errno) {

	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
	case ESPIPE:
		return 0;  /* not on this filesystem: all at the end then */

	default:
		return spool_errno(errno);
	}
}


static int file_put(struct bodyf *f, uint64_t off, const uint8_t *p,
		    size_t len)
{
	f->dirty += len;

	while (len) {
		const ssize_t n = pwrite(f->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return spool_errno(errno);

		p   += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}

	return f->dirty >= DIRTY_MAX ? writeback(f) : 0;
}


/* All of it is there, or it is damaged */
static int file_get(const struct bodyf *f, uint64_t off, uint8_t *p,
		    size_t len)
{
	while (len) {
		const ssize_t n = pread(f->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return EIO;

		p   += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}

	return 0;
}


void bodyf_store(struct bodyf *f, const struct block *blk)
{
	int err;

	if (failed(f))
		return;

	f->size = max(f->size, blk->off + blk->len);
	err = file_put(f, blk->off, blk->data, blk->len);
	if (err)
		fail(f, err);
}


/* A block through the filter. What comes out goes into the same file, for it
   is never ahead of what was read. */
static int filter_block(struct bodyf *f)
{
	uint8_t in[BODY_BLOCK], out[BODY_BLOCK + CPM_FILTER_MORE];
	const uint64_t left = f->size - f->in;
	const size_t n = left < sizeof(in) ? (size_t)left : sizeof(in);
	const uint8_t *p = in;
	size_t len = n;
	int err;

	err = file_get(f, f->in, in, n);
	if (err)
		return err;

	f->in += n;
	if (f->filterh) {
		p = out;
		if (f->filterh(out, &len, in, n, f->in == f->size, f->arg))
			return EILSEQ;
	}
	if (len > f->in - f->base - f->out || len > sizeof(out))
		return EILSEQ;

	err = file_put(f, f->out, p, len);
	f->out += len;

	return err;
}


/* @return 0: done; EAGAIN: not yet */
static int filter_step(struct bodyf *f)
{
	int i, err;

	for (i=0; i<STEP; i++) {
		err = filter_block(f);
		if (err)
			return err;

		if (f->in < f->size)
			continue;

		f->size = f->out;
		f->state = BODYF_WHOLE;

		return ftruncate(f->fd, (off_t)f->size) < 0
			? spool_errno(errno) : 0;
	}

	return EAGAIN;
}


/* The file, its name and the folder are on the disk before the row names it */
static int name_give(struct bodyf *f)
{
	tmp_name tmp;
	int err;

	f->headl = f->size < sizeof(f->head) ? (size_t)f->size
		: sizeof(f->head);
	err = file_get(f, 0, f->head, f->headl);
	if (err)
		return err;

	if (fdatasync(f->fd) < 0)
		return spool_errno(errno);

	err = close(f->fd) < 0 ? spool_errno(errno) : 0;
	f->fd = -1;
	if (err)
		return err;

	tmp_print(tmp, f);
	if (renameat(f->sp->folder, tmp, f->sp->folder, f->name) < 0)
		return spool_errno(errno);
	f->state = BODYF_NAMED;

	return fsync(f->sp->folder) < 0 ? spool_errno(errno) : 0;
}


bool bodyf_step(struct bodyf *f)
{
	int err = 0;

	if (failed(f))
		return false;

	switch (f->state) {

	case BODYF_OPEN:
		f->state = f->in || f->filterh ? BODYF_MOVING : BODYF_WHOLE;
		if (f->in > f->size)
			err = EILSEQ;
		break;

	case BODYF_MOVING:
		err = filter_step(f);
		break;

	case BODYF_WHOLE:
		err = name_give(f);
		break;

	default:
		return false;
	}

	if (err && err != EAGAIN)
		fail(f, err);

	return !failed(f);
}


/* Free it, and its file unless that is to stay */
void bodyf_end(struct bodyf *f)
{
	tmp_name tmp;

	if (f->fd >= 0)
		(void)close(f->fd);

	tmp_print(tmp, f);
	if (f->state == BODYF_NAMED && !f->keep)
		(void)unlinkat(f->sp->folder, f->name, 0);
	else if (f->state > BODYF_NEW && f->state < BODYF_NAMED)
		(void)unlinkat(f->sp->folder, tmp, 0);
	free(f);
}
