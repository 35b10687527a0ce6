/**
 * @file aside.c  A damaged database is set aside, never overwritten
 *
 * "x.db" becomes "x.db.corrupt-20261121T031100Z", its WAL the same with
 * "-wal", so that SQLite's own tools find both, and the folder "spool"
 * becomes "spool.corrupt-20261121T031100Z".
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include "store.h"


enum {
	NAMES_MAX = 100,     /* sets with the same second in their names */
	COPY_SIZE = 1 << 18, /* octets read at a time                    */
};

/* What goes, and where to */
struct aside {
	char db[PATH_MAX];
	char wal[PATH_MAX];
	char shm[PATH_MAX];
	char spool[PATH_MAX];
	char to_db[PATH_MAX];
	char to_wal[PATH_MAX];
	char to_spool[PATH_MAX];
};


static int join(char path[PATH_MAX], const char *a, const char *b,
		const char *c, const char *d)
{
	const int n = snprintf(path, PATH_MAX, "%s%s%s%s", a, b, c, d);

	return n < 0 || n >= PATH_MAX ? ENAMETOOLONG : 0;
}


static bool taken(const char *path)
{
	struct stat st;

	return !lstat(path, &st) || errno != ENOENT;
}


static int from_set(struct aside *as, const char *path, const char *folder)
{
	int err = join(as->db, path, "", "", "");

	if (!err)
		err = join(as->wal, path, "-wal", "", "");
	if (!err)
		err = join(as->shm, path, "-shm", "", "");
	if (!err)
		err = join(as->spool, folder, "/spool", "", "");

	return err;
}


static int to_set(struct aside *as, const char *path, const char *folder,
		  const char *suffix)
{
	int err = join(as->to_db, path, suffix, "", "");

	if (!err)
		err = join(as->to_wal, path, suffix, "-wal", "");
	if (!err)
		err = join(as->to_spool, folder, "/spool", suffix, "");

	return err;
}


/* A name that nothing has yet */
static int names_find(struct aside *as, const char *path,
		      const char *folder)
{
	const time_t now = time(NULL);
	char stamp[32], suffix[64];
	unsigned i;
	struct tm tm;
	int err;

	err = from_set(as, path, folder);
	if (err)
		return err;

	if (!gmtime_r(&now, &tm) ||
	    !strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm))
		return EINVAL;

	for (i=0; i<NAMES_MAX; i++) {
		if (i)
			snprintf(suffix, sizeof(suffix), ".corrupt-%s-%u",
				 stamp, i);
		else
			snprintf(suffix, sizeof(suffix), ".corrupt-%s",
				 stamp);

		err = to_set(as, path, folder, suffix);
		if (err || (!taken(as->to_db) && !taken(as->to_wal) &&
			    !taken(as->to_spool)))
			return err;
	}

	return EEXIST;
}


/* What is not there need not go */
static int move(const char *from, const char *to)
{
	if (!rename(from, to) || errno == ENOENT)
		return 0;

	return store_errno(errno);
}


/* The database first: whatever is left of it then is not taken for a good
   one by the next start, if this one ends here */
int aside_move(const char *path, const char *folder, char *where,
	       size_t size)
{
	struct aside as;
	int err;

	err = names_find(&as, path, folder);
	if (!err)
		err = move(as.db, as.to_db);
	if (!err)
		err = move(as.wal, as.to_wal);
	if (!err && unlink(as.shm) < 0 && errno != ENOENT)
		err = store_errno(errno);
	if (!err)
		err = move(as.spool, as.to_spool);
	if (!err)
		err = folder_sync(folder);
	if (!err)
		snprintf(where, size, "%s", as.to_db);

	return err;
}


static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return store_errno(errno);

		p   += n;
		len -= (size_t)n;
	}

	return 0;
}


static int copy_octets(int to, int from)
{
	char *buf = malloc(COPY_SIZE);
	ssize_t n;
	int err = 0;

	if (!buf)
		return ENOMEM;

	while (!err && (n = read(from, buf, COPY_SIZE)) != 0) {
		if (n > 0)
			err = write_all(to, buf, (size_t)n);
		else if (errno != EINTR)
			err = EIO;
	}
	if (!err && fsync(to) < 0)
		err = store_errno(errno);

	free(buf);

	return err;
}


/* What is not there need not be copied */
static int copy(const char *from, const char *to)
{
	int in, out, err;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return errno == ENOENT ? 0 : store_errno(errno);

	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0) {
		err = store_errno(errno);
	}
	else {
		err = copy_octets(out, in);
		if (close(out) < 0 && !err)
			err = store_errno(errno);
		if (err)
			(void)unlink(to);
	}

	(void)close(in);

	return err;
}


/* A body never changes, so that another name for it is as good as a copy */
static int body_keep(const struct aside *as, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	int err;

	err = join(from, as->spool, "/", name, "");
	if (!err)
		err = join(to, as->to_spool, "/", name, "");
	if (err || !link(from, to))
		return err;

	return copy(from, to);
}


/* Undoes it */
static void spool_unkeep(const struct aside *as)
{
	char path[PATH_MAX];
	struct dirent *de;
	DIR *dir;

	dir = opendir(as->to_spool);
	while (dir && (de = readdir(dir)) != NULL) {
		if (de->d_name[0] != '.' &&
		    !join(path, as->to_spool, "/", de->d_name, ""))
			(void)unlink(path);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(as->to_spool);
}


static int spool_keep(const struct aside *as)
{
	struct dirent *de;
	int err = 0;
	DIR *dir;

	dir = opendir(as->spool);
	if (!dir)
		return errno == ENOENT ? 0 : store_errno(errno);

	if (mkdir(as->to_spool, 0700) < 0)
		err = store_errno(errno);

	while (!err && (de = readdir(dir)) != NULL) {
		if (de->d_name[0] != '.' && de->d_type != DT_DIR)
			err = body_keep(as, de->d_name);
	}

	(void)closedir(dir);

	return err ? err : folder_sync(as->to_spool);
}


/* Without this each try would fill the disk, and be long about it */
static int copy_fits(const struct aside *as)
{
	struct stat db, wal;
	struct statvfs fs;
	uint64_t need = 0;

	if (!stat(as->db, &db))
		need += (uint64_t)db.st_size;
	if (!stat(as->wal, &wal))
		need += (uint64_t)wal.st_size;
	if (statvfs(as->db, &fs) < 0)
		return EIO;

	return need > (uint64_t)fs.f_bavail * fs.f_frsize ? ENOSPC : 0;
}


int aside_copy(const char *path, const char *folder, char *where,
	       size_t size)
{
	struct aside as;
	int err;

	err = names_find(&as, path, folder);
	if (err)
		return err;

	err = copy_fits(&as);
	if (err)
		return err;

	err = copy(as.db, as.to_db);
	if (!err)
		err = copy(as.wal, as.to_wal);
	if (!err)
		err = spool_keep(&as);
	if (!err)
		err = folder_sync(folder);

	/* half of a copy is of no use, and takes the room of the next try */
	if (err) {
		(void)unlink(as.to_db);
		(void)unlink(as.to_wal);
		spool_unkeep(&as);
	}
	else {
		snprintf(where, size, "%s", as.to_db);
	}

	return err;
}
