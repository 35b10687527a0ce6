/**
 * @file spool.c  Large bodies: files in a folder beside the database
 *
 * A file is written under a temporary name, synced, renamed, and only then
 * named by a row. What a crash leaves behind is swept at the next start: all
 * that no row names. File names are random numbers of our own; nothing from
 * the network gets into a path.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "store.h"


/* Names, of the C library's memory: used in the writer */
struct names {
	char (*v)[SPOOL_NAME + 1];
	size_t c;
	size_t size;
};

struct spool {
	char *folder;
	int fd;                /* of the folder                       */
	struct names made;     /* files that no committed row names   */
	struct names dropped;  /* rows are to go, then the files      */
	bool dirty;            /* the folder is to be synced          */
};


static void destructor(void *arg)
{
	struct spool *sp = arg;

	free(sp->made.v);
	free(sp->dropped.v);
	if (sp->fd >= 0)
		(void)close(sp->fd);
	mem_deref(sp->folder);
}


int spool_errno(int e)
{
	switch (e) {

	case EDQUOT:
	case EFBIG:  return ENOSPC;
	case ENOSPC:
	case ENOMEM:
	case EACCES:
	case EROFS:  return e;
	case EPERM:  return EACCES;
	default:     return EIO;
	}
}


/* The room is had first, so that adding cannot fail */
static int names_room(struct names *nm)
{
	void *v;

	if (nm->c < nm->size)
		return 0;

	v = realloc(nm->v, (nm->size + 64) * sizeof(*nm->v));
	if (!v)
		return ENOMEM;

	nm->v = v;
	nm->size += 64;

	return 0;
}


static void names_add(struct names *nm, const char *name)
{
	snprintf(nm->v[nm->c++], sizeof(nm->v[0]), "%s", name);
}


static void names_unlink(struct names *nm, int fd)
{
	while (nm->c)
		(void)unlinkat(fd, nm->v[--nm->c], 0);
}


int spool_random(char name[SPOOL_NAME + 1])
{
	uint8_t rnd[SPOOL_NAME / 2];
	size_t i;

	if (getrandom(rnd, sizeof(rnd), 0) != (ssize_t)sizeof(rnd))
		return EIO;

	for (i=0; i<sizeof(rnd); i++)
		snprintf(name + 2 * i, 3, "%02x", rnd[i]);

	return 0;
}


static bool is_name(const char *str)
{
	return strlen(str) == SPOOL_NAME &&
		strspn(str, "0123456789abcdef") == SPOOL_NAME;
}


static int name_used(struct db *db, const char *name)
{
	struct dbq q;
	int err;

	dbq_start(&q, db, SQL_FILE_USED);
	dbq_text(&q, 1, name);
	err = dbq_step(&q);
	dbq_end(&q);

	return err;
}


/* Only what looks like ours goes: the folder may hold a user's file */
static int sweep(struct spool *sp, struct db *db)
{
	struct dirent *de;
	DIR *dir;
	int err = 0;

	dir = opendir(sp->folder);
	if (!dir)
		return spool_errno(errno);

	while ((de = readdir(dir)) != NULL) {
		const char *name = de->d_name;
		const size_t n = strlen(SPOOL_TMP);

		if (!strncmp(name, SPOOL_TMP, n) && is_name(name + n)) {
			(void)unlinkat(sp->fd, name, 0);
			continue;
		}

		if (!is_name(name))
			continue;

		err = name_used(db, name);
		if (err && err != ENOENT)
			break;
		if (err)
			(void)unlinkat(sp->fd, name, 0);
		err = 0;
	}

	(void)closedir(dir);

	return err;
}


int spool_open(struct spool **spp, const char *folder, struct db *db)
{
	struct spool *sp;
	int err;

	sp = mem_zalloc(sizeof(*sp), destructor);
	if (!sp)
		return ENOMEM;

	sp->fd = -1;
	err = re_sdprintf(&sp->folder, "%s/spool", folder);
	if (err)
		goto out;

	if (mkdir(sp->folder, 0700) < 0 && errno != EEXIST) {
		err = spool_errno(errno);
		goto out;
	}

	sp->fd = open(sp->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sp->fd < 0) {
		err = spool_errno(errno);
		goto out;
	}

	err = sweep(sp, db);
	if (err)
		goto out;

	*spp = sp;

 out:
	if (err)
		mem_deref(sp);

	return err;
}


int spool_path(const struct spool *sp, char *path, size_t size,
	       const char *name)
{
	const int n = snprintf(path, size, "%s/%s", sp->folder, name);

	return (n < 0 || (size_t)n >= size) ? EIO : 0;
}


/* Borrowed */
int spool_fd(const struct spool *sp)
{
	return sp->fd;
}


static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return spool_errno(errno);

		p   += n;
		len -= (size_t)n;
	}

	return fsync(fd) < 0 ? spool_errno(errno) : 0;
}


int spool_put(struct spool *sp, char name[SPOOL_NAME + 1],
	      const uint8_t *p, size_t len)
{
	char tmp[sizeof(SPOOL_TMP) + SPOOL_NAME];
	int fd, err;

	err = names_room(&sp->made);
	if (!err)
		err = spool_random(name);
	if (err)
		return err;

	snprintf(tmp, sizeof(tmp), SPOOL_TMP "%.*s", SPOOL_NAME, name);
	fd = openat(sp->fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return spool_errno(errno);

	err = write_all(fd, p, len);
	if (close(fd) < 0 && !err)
		err = spool_errno(errno);
	if (!err && renameat(sp->fd, tmp, sp->fd, name) < 0)
		err = spool_errno(errno);
	if (err) {
		(void)unlinkat(sp->fd, tmp, 0);
		return err;
	}

	names_add(&sp->made, name);
	sp->dirty = true;

	return 0;
}


int spool_drop(struct spool *sp, const char *name)
{
	int err;

	if (!name || !is_name(name))
		return 0;

	err = names_room(&sp->dropped);
	if (!err)
		names_add(&sp->dropped, name);

	return err;
}


/* For one without privileges */
int spool_free(const struct spool *sp, uint64_t *octetsp)
{
	struct statvfs fs;

	if (fstatvfs(sp->fd, &fs) < 0)
		return spool_errno(errno);

	*octetsp = (uint64_t)fs.f_bavail * fs.f_frsize;

	return 0;
}


/* Before the commit: the new names are on the disk */
int spool_sync(struct spool *sp)
{
	if (!sp->dirty)
		return 0;

	if (fsync(sp->fd) < 0)
		return spool_errno(errno);

	sp->dirty = false;

	return 0;
}


void spool_commit(struct spool *sp)
{
	sp->made.c = 0;
	names_unlink(&sp->dropped, sp->fd);
}


/* keep: a commit failed, and may nevertheless be on the disk. Its rows could
   be back after a crash, so the files stay; else the next start sweeps. */
void spool_rollback(struct spool *sp, bool keep)
{
	sp->dropped.c = 0;
	sp->dirty = false;
	if (keep)
		sp->made.c = 0;
	else
		names_unlink(&sp->made, sp->fd);
}


static int read_all(int fd, uint8_t *p, size_t len, off_t off, size_t *np)
{
	*np = 0;

	while (*np < len) {
		const ssize_t n = pread(fd, p + *np, len - *np,
					off + (off_t)*np);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return EIO;
		if (!n)
			break;

		*np += (size_t)n;
	}

	return 0;
}


/* len is within the body: less than that in the file is damage. Closes fd */
int spool_read_fd(int fd, uint64_t off, size_t len, struct mbuf *mb)
{
	size_t n = 0;
	int err = 0;

	if (mb->size - mb->end < len)
		err = mbuf_resize(mb, mb->end + len);
	if (!err)
		err = read_all(fd, mb->buf + mb->end, len, (off_t)off, &n);
	if (!err && n < len)
		err = ENODATA;
	if (!err)
		mb->pos = mb->end += n;

	(void)close(fd);

	return err;
}


int spool_read(const struct spool *sp, const char *name, uint64_t off,
	       size_t len, struct mbuf *mb)
{
	const int fd = openat(sp->fd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? ENODATA : EIO;

	return spool_read_fd(fd, off, len, mb);
}
