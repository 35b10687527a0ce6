/**
 * @file store.c  The store: open and close, results handed out, faults
 *
 * One process has a database: it holds a lock on a file beside it, which the
 * kernel lets go however the process ends.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store.h"


enum {
	FAULT_PAUSE = 60000,  /* ms between two of the same word: they are
				 for a person                              */
};


static void destructor(void *arg)
{
	struct cpm_store *st = arg;

	writer_close(&st->writer);
	mem_deref(st->spool);

	/* the last one to close has to be one that may write: it empties
	   the WAL */
	mem_deref(st->rdb);
	mem_deref(st->wdb);
	if (st->lock >= 0)
		(void)close(st->lock);
	mem_deref(st->path);
}


void store_fault(struct cpm_store *st, bool reading, int err,
		 const char *text)
{
	static const char *const whatv[] = {
		"disk-full", "store-unwritable", "store-unreadable"
	};
	const int i = reading ? 2 : (err == ENOSPC ? 0 : 1);
	const uint64_t now = tmr_jiffies();

	if (!st->faulth)
		return;

	if (st->faultv[i] && now < st->faultv[i] + FAULT_PAUSE)
		return;

	st->faultv[i] = now ? now : 1;
	st->faulth(whatv[i], text, st->arg);
}


static void job_result(struct job *job)
{
	if (job->puth)
		job->puth(job->err, &job->res, job->arg);
	if (job->doneh)
		job->doneh(job->err, job->arg);
}


/* A handler may close the store */
static void hand_out(struct cpm_store *st, size_t max, bool closing)
{
	struct fault fault;

	while (max--) {
		struct job *job = writer_done(&st->writer);
		bool end;

		if (!job)
			return;

		end = job->end;
		job_result(job);
		mem_deref(job);

		if (!end || (st->closed && !closing))
			continue;

		if (writer_fault(&st->writer, &fault))
			store_fault(st, false, fault.err, fault.text);
		if (st->batchh && (!st->closed || closing))
			st->batchh(st->arg);
	}

	/* others have a turn in the main loop */
	if (!st->closed)
		writer_tell(&st->writer);
}


static void mqueue_handler(int id, void *data, void *arg)
{
	struct cpm_store *st = mem_ref(arg);
	(void)id;
	(void)data;

	hand_out(st, CPM_BATCH_MAX, false);
	mem_deref(st);
}


static int file_errno(int e)
{
	switch (e) {

	case EPERM:  return EACCES;
	case EDQUOT: return ENOSPC;
	default:     return e;
	}
}


/* What was made in it is there after a loss of power */
static int folder_sync(const char *folder)
{
	int fd, err = 0;

	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return file_errno(errno);

	if (fsync(fd) < 0)
		err = file_errno(errno);

	(void)close(fd);

	return err;
}


/* Its own name lasts as well. That is tried at each start: a crash may have
   come between the two. One that was there before need not be ours */
static int folder_keep(const char *folder, bool made)
{
	char *up = NULL;
	int err;

	err = re_sdprintf(&up, "%s/..", folder);
	if (err)
		return err;

	err = folder_sync(up);
	mem_deref(up);

	return made ? err : 0;
}


/* Its last component is made, and the folder that holds it is not touched */
static int folder_make(char folder[PATH_MAX], const char *path)
{
	char *copy = strdup(path), *dir;
	bool made;
	int err = 0;

	if (!copy)
		return ENOMEM;

	dir = dirname(copy);
	made = !mkdir(dir, 0700);
	if (!made && errno != EEXIST)
		err = file_errno(errno);
	else if (!realpath(dir, folder))
		err = file_errno(errno);
	else
		err = folder_keep(folder, made);

	free(copy);

	return err;
}


static int lock_take(struct cpm_store *st)
{
	char *path = NULL;
	int err;

	err = re_sdprintf(&path, "%s.lock", st->path);
	if (err)
		return err;

	st->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (st->lock < 0)
		err = file_errno(errno);
	else if (flock(st->lock, LOCK_EX | LOCK_NB) < 0)
		err = errno == EWOULDBLOCK ? EBUSY : file_errno(errno);

	mem_deref(path);

	return err;
}


/* SQLite takes a short file for an empty database, and writes into it */
static int file_check(int fd, char *why, size_t size)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)];
	const ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return EIO;

	if (!n || (n == sizeof(head) && !memcmp(head, magic, sizeof(head))))
		return 0;

	snprintf(why, size, "file is not a database");

	return EBADMSG;
}


/* SQLite gives its other files the mode of this one */
static int file_make(const char *path, char *why, size_t size)
{
	int fd, err;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return file_errno(errno);

	err = file_check(fd, why, size);
	if (!err && fchmod(fd, 0600) < 0)
		err = file_errno(errno);

	(void)close(fd);

	return err;
}


static int attach(struct cpm_store *st, char *why, size_t size)
{
	char folder[PATH_MAX];
	int err;

	snprintf(folder, sizeof(folder), "%s", st->path);
	(void)dirname(folder);

	err = db_open(&st->wdb, st->path, DB_WRITE, why, size);
	if (err)
		return err;

	err = spool_open(&st->spool, folder, st->wdb);
	if (err)
		return err;

	err = folder_sync(folder);
	if (err)
		return err;

	err = write_init(&st->writer.write, st->wdb, st->spool);
	if (err)
		return err;

	return db_open(&st->rdb, st->path, DB_READ, why, size);
}


static int open_all(struct cpm_store *st, const char *path, char *why,
		    size_t size)
{
	char folder[PATH_MAX];
	const char *base = strrchr(path, '/');
	int err;

	err = writer_init(&st->writer, mqueue_handler, st);
	if (err)
		return err;

	err = folder_make(folder, path);
	if (err)
		return err;

	err = re_sdprintf(&st->path, "%s/%s", folder,
			  base ? base + 1 : path);
	if (err)
		return err;

	err = lock_take(st);
	if (err == EBUSY)
		snprintf(why, size, "another process has it open");
	if (err)
		return err;

	err = file_make(st->path, why, size);
	if (err)
		return err;

	return attach(st, why, size);
}


static void say(char **errp, const char *path, int err, const char *why)
{
	char buf[128];

	if (errp)
		(void)re_sdprintf(errp, "cannot open message store %s: %s",
				  path, why[0] ? why
				  : str_error(err, buf, sizeof(buf)));
}


int cpm_store_open(struct cpm_store **stp, const char *path,
		   cpm_batch_h *bh, cpm_fault_h *fh, void *arg, char **errp)
{
	char why[STORE_WHY_MAX] = "";
	struct cpm_store *st;
	int err;

	if (!stp || !str_isset(path) || path[strlen(path) - 1] == '/')
		return EINVAL;

	st = mem_zalloc(sizeof(*st), destructor);
	if (!st)
		return ENOMEM;

	st->lock   = -1;
	st->pid    = getpid();
	st->batchh = bh;
	st->faulth = fh;
	st->arg    = arg;

	err = open_all(st, path, why, sizeof(why));
	if (err) {
		say(errp, path, err, why);
		mem_deref(st);
	}
	else {
		*stp = st;
	}

	return err;
}


/* A softphone that becomes a daemon forks with the store open. Neither the
   thread nor SQLite's locks come along, so the child opens the database
   again; the lock on the store is shared and stays. */
int store_enter(struct cpm_store *st)
{
	char why[STORE_WHY_MAX] = "", buf[128];
	int err;

	if (st->pid != getpid()) {
		st->pid = getpid();
		writer_reset(&st->writer);
		st->rdb = mem_deref(st->rdb);
	}

	if (st->rdb)
		return 0;

	st->spool = mem_deref(st->spool);
	st->wdb   = mem_deref(st->wdb);

	err = attach(st, why, sizeof(why));
	if (err)
		store_fault(st, false, err, why[0] ? why
			    : str_error(err, buf, sizeof(buf)));

	return err;
}


void cpm_store_close(struct cpm_store **stp)
{
	struct cpm_store *st;
	int err;

	/* a handler that closes it again has done so already */
	if (!stp || !*stp || (*stp)->closed)
		return;

	st = *stp;
	err = store_enter(st);
	st->closed = true;
	if (err)
		writer_abort(&st->writer, err);

	writer_stop(&st->writer);
	hand_out(st, SIZE_MAX, true);

	*stp = NULL;
	mem_deref(st);
}


const char *cpm_store_path(const struct cpm_store *st)
{
	return st ? st->path : NULL;
}
