/**
 * @file open.c  Opening the database: whose it is, whether it is whole
 *
 * One process has a database: it holds a lock on a file beside it, which the
 * kernel lets go however the process ends.
 *
 * Whose a file is that SQLite does not take: ours if its header says so, or
 * if the header is destroyed and our lock and our spool folder are beside
 * it; then it is set aside. Any other file stays exactly as it is, with
 * nothing of ours beside it: the path may have been a slip of the user's.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
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
	HEAD_SIZE   = 100,  /* of a database: sqlite.org/fileformat2.html */
	HEAD_PAGE   = 16,   /* octets of a page; 1: 65536                 */
	HEAD_USER   = 60,   /* user_version                               */
	HEAD_APP    = 68,   /* application_id                             */
};

/* What is found at the path */
enum found {
	FOUND_NOTHING,      /* no file, or an empty one                   */
	FOUND_OURS,         /* the header says so                         */
	FOUND_BEGUN,        /* a database that holds nothing yet; what it
			       is may be in its log                       */
	FOUND_FOREIGN,      /* a database that says it is another's       */
	FOUND_GARBAGE,      /* no database                                */
};


int store_errno(int e)
{
	switch (e) {

	case EPERM:  return EACCES;
	case EDQUOT:
	case EFBIG:  return ENOSPC;
	default:     return e;
	}
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


/* Its last component is made, and the folder that holds it is not touched.
   The path becomes absolute: a daemon leaves its folder */
static int folder_make(struct cpm_store *st)
{
	const char *base = strrchr(st->path, '/');
	char folder[PATH_MAX], *copy, *dir, *path = NULL;
	bool made;
	int err = 0;

	if (st->folder)
		return 0;

	copy = strdup(st->path);
	if (!copy)
		return ENOMEM;

	dir = dirname(copy);
	made = !mkdir(dir, 0700);
	if (!made && errno != EEXIST)
		err = store_errno(errno);
	else if (!realpath(dir, folder))
		err = store_errno(errno);
	else
		err = folder_keep(folder, made);
	free(copy);
	if (err)
		return err;

	err = re_sdprintf(&path, "%s/%s", folder,
			  base ? base + 1 : st->path);
	if (!err)
		err = str_dup(&st->folder, folder);
	if (err) {
		mem_deref(path);
		return err;
	}

	mem_deref(st->path);
	st->path = path;

	return 0;
}


static int beside(char path[PATH_MAX], const struct cpm_store *st,
		  const char *suffix)
{
	const int n = snprintf(path, PATH_MAX, "%s%s", st->path, suffix);

	return n < 0 || n >= PATH_MAX ? ENAMETOOLONG : 0;
}


static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}


/* SQLite takes a short file for an empty database, and writes into it */
static enum found head_look(const uint8_t *head, size_t n, off_t size)
{
	static const char magic[16] = "SQLite format 3";
	off_t page;

	if (!n)
		return FOUND_NOTHING;
	if (n < HEAD_SIZE || memcmp(head, magic, sizeof(magic)))
		return FOUND_GARBAGE;
	if (get32(head + HEAD_APP) == SCHEMA_APP)
		return FOUND_OURS;

	page = head[HEAD_PAGE] << 8 | head[HEAD_PAGE + 1];
	if (get32(head + HEAD_APP) || get32(head + HEAD_USER) ||
	    size > (page == 1 ? 65536 : page))
		return FOUND_FOREIGN;

	return FOUND_BEGUN;
}


static int file_look(enum found *foundp, const char *path)
{
	uint8_t head[HEAD_SIZE];
	struct stat info;
	ssize_t n;
	int fd, err = 0;

	*foundp = FOUND_NOTHING;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : store_errno(errno);

	n = pread(fd, head, sizeof(head), 0);
	if (n < 0 || fstat(fd, &info) < 0)
		err = store_errno(errno);
	else
		*foundp = head_look(head, (size_t)n, info.st_size);

	(void)close(fd);

	return err;
}


/* Was there a store of ours at this path? Asked before anything is made */
static bool lived(const struct cpm_store *st)
{
	char lock[PATH_MAX], spool[PATH_MAX];
	struct stat info;
	const int n = snprintf(spool, sizeof(spool), "%s/spool", st->folder);

	return n > 0 && n < PATH_MAX && !beside(lock, st, ".lock") &&
		!stat(lock, &info) && S_ISREG(info.st_mode) &&
		!stat(spool, &info) && S_ISDIR(info.st_mode);
}


static bool isbody(const char *name)
{
	return strlen(name) == SPOOL_NAME &&
		strspn(name, "0123456789abcdef") == SPOOL_NAME;
}


/* Bodies or a log without their database: it was there once */
static bool orphaned(const struct cpm_store *st)
{
	char path[PATH_MAX];
	struct dirent *de;
	struct stat info;
	bool any = false;
	DIR *dir;

	if (!beside(path, st, "-wal") && !stat(path, &info) && info.st_size)
		return true;

	snprintf(path, sizeof(path), "%s/spool", st->folder);
	dir = opendir(path);
	while (dir && !any && (de = readdir(dir)) != NULL)
		any = isbody(de->d_name);
	if (dir)
		(void)closedir(dir);

	return any;
}


static int lock_take(struct cpm_store *st, char *why, size_t size)
{
	char path[PATH_MAX];
	int err;

	err = beside(path, st, ".lock");
	if (err || st->lock >= 0)
		return err;

	st->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (st->lock < 0)
		return store_errno(errno);

	if (!flock(st->lock, LOCK_EX | LOCK_NB))
		return 0;

	if (errno != EWOULDBLOCK)
		return store_errno(errno);

	snprintf(why, size, "another process has it open");

	return EBUSY;
}


/* SQLite gives its other files the mode of this one */
static int file_make(const char *path)
{
	int fd, err = 0;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return store_errno(errno);

	if (fchmod(fd, 0600) < 0)
		err = store_errno(errno);

	(void)close(fd);

	return err;
}


/* What was made in it is there after a loss of power */
int folder_sync(const char *folder)
{
	int fd, err = 0;

	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return store_errno(errno);

	if (fsync(fd) < 0)
		err = store_errno(errno);

	(void)close(fd);

	return err;
}


void store_detach(struct cpm_store *st)
{
	/* what is damaged is kept as it is */
	if (st->damaged) {
		db_keep(st->rdb);
		db_keep(st->wdb);
	}

	announced_changed(st);
	export_stop(st);
	write_close(&st->writer.write);
	st->spool = mem_deref(st->spool);

	/* the last one to close has to be one that may write: it empties
	   the WAL */
	st->rdb = mem_deref(st->rdb);
	st->wdb = mem_deref(st->wdb);
}


static int attach_rest(struct cpm_store *st, char *why, size_t size)
{
	int err;

	err = spool_open(&st->spool, st->folder, st->wdb);
	if (!err)
		err = folder_sync(st->folder);
	if (!err)
		err = write_init(&st->writer.write, st->wdb, st->spool,
				 &st->lim);

	return err ? err : db_open(&st->rdb, st->path, DB_READ, why, size);
}


int store_attach(struct cpm_store *st, char *why, size_t size)
{
	int err;

	err = db_open(&st->wdb, st->path, DB_WRITE, why, size);
	if (!err && st->begun)
		err = db_seed(st->wdb, why, size);
	if (err)
		return err;

	st->begun = false;

	return attach_rest(st, why, size);
}


/*
 * Damage
 */

/* What the user is told once it is open again */
static int lost_note(struct cpm_store *st, const char *where,
		     const char *what)
{
	char *text = NULL;
	int err;

	err = re_sdprintf(&text, "%s: kept as %s (%s)", what, where,
			  st->damage);
	if (err)
		return err;

	mem_deref(st->lost);
	st->lost = text;

	return 0;
}


static int set_aside(struct cpm_store *st, char *why, size_t size)
{
	char where[PATH_MAX], buf[128];
	int err;

	st->damaged = true;
	err = aside_move(st->path, st->folder, where, sizeof(where));
	if (!err && !st->lost)
		err = lost_note(st, where, "message store damaged, a new one "
				"is begun");
	if (err) {
		snprintf(why, size, "it is damaged (%s) and cannot be set "
			 "aside: %s", st->damage,
			 str_error(err, buf, sizeof(buf)));
		return err;
	}

	st->damaged = false;
	st->begun = true;

	return 0;
}


static int wal_drop(const struct cpm_store *st)
{
	char path[PATH_MAX];
	int err;

	err = beside(path, st, "-shm");
	if (!err && unlink(path) < 0 && errno != ENOENT)
		err = store_errno(errno);
	if (!err)
		err = beside(path, st, "-wal");
	if (!err && unlink(path) < 0 && errno != ENOENT)
		err = store_errno(errno);

	return err;
}


/* What SQLite makes of it */
static int salvage_log(struct cpm_store *st, uint64_t *agep, char *why,
		       size_t size)
{
	int err;

	err = db_open(&st->wdb, st->path, DB_WRITE, why, size);

	return err ? err : db_check(st->wdb, agep, why, size);
}


/* A copy is kept. The log counts up to where it is bad; but if it was written
   to the database already, then this alone has more: whichever is whole, and
   has come further. */
static int salvage_best(struct cpm_store *st, char *why, size_t size)
{
	uint64_t age_alone = 0, age_log = 0;
	const int alone = db_check_alone(st->path, &age_alone);
	int err = salvage_log(st, &age_log, why, size);

	if (err != EBADMSG && (err || alone || age_log >= age_alone))
		return err;

	db_keep(st->wdb);
	st->wdb = mem_deref(st->wdb);
	if (alone)
		return alone;

	err = wal_drop(st);

	return err ? err : db_open(&st->wdb, st->path, DB_WRITE, why, size);
}


static int salvage(struct cpm_store *st, char *why, size_t size)
{
	char where[PATH_MAX], buf[128];
	int err;

	snprintf(st->damage, sizeof(st->damage),
		 "its log had lost what was committed");
	err = aside_copy(st->path, st->folder, where, sizeof(where));
	if (!err)
		err = lost_note(st, where, "message store damaged, the last "
				"messages may be missing");
	if (err) {
		snprintf(why, size, "its log is damaged, and there is no "
			 "copy: %s", str_error(err, buf, sizeof(buf)));
		return err;
	}

	err = salvage_best(st, why, size);

	return err ? err : attach_rest(st, why, size);
}


static int open_whole(struct cpm_store *st, char *why, size_t size)
{
	char path[PATH_MAX];
	int err;

	err = file_make(st->path);
	if (!err)
		err = beside(path, st, "-wal");
	if (err)
		return err;

	/* once the copy is made it is known: no other one at each try */
	err = st->lost ? 0 : wal_check(path);
	if (err == EBADMSG)
		return salvage(st, why, size);
	if (err)
		return err;

	return store_attach(st, why, size);
}


/* After the lock is ours: it and the folder tell whether it ever was */
static int open_locked(struct cpm_store *st, enum found found, bool was,
		       char *why, size_t size)
{
	int err = 0;

	if (found == FOUND_GARBAGE)
		snprintf(st->damage, sizeof(st->damage),
			 "file is not a database");
	if (found == FOUND_NOTHING)
		snprintf(st->damage, sizeof(st->damage),
			 "the database is gone");

	if (st->damaged || found == FOUND_GARBAGE ||
	    (found == FOUND_NOTHING && was && !st->begun && orphaned(st)))
		err = set_aside(st, why, size);
	if (!err)
		err = open_whole(st, why, size);
	if (err != EBADMSG)
		return err;

	store_detach(st);
	if (found != FOUND_OURS && !was)
		return EMEDIUMTYPE;

	snprintf(st->damage, sizeof(st->damage), "%s",
		 why[0] ? why : "it does not hold what it must");
	err = set_aside(st, why, size);

	return err ? err : open_whole(st, why, size);
}


int store_open_all(struct cpm_store *st, char *why, size_t size)
{
	enum found found;
	bool was;
	int err;

	err = folder_make(st);
	if (!err)
		err = file_look(&found, st->path);
	if (err)
		return err;

	was = lived(st);
	if (found == FOUND_FOREIGN || (found == FOUND_GARBAGE && !was)) {
		snprintf(why, size, found == FOUND_FOREIGN ?
			 "it belongs to another program"
			 : "file is not a database");
		return EMEDIUMTYPE;
	}

	err = lock_take(st, why, size);
	if (!err)
		err = open_locked(st, found, was, why, size);
	if (err) {
		store_detach(st);
		if (st->lock >= 0)
			(void)close(st->lock);
		st->lock = -1;
	}

	return err;
}
