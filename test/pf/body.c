/**
 * @file body.c  Bodies of kept messages
 *
 * A body is a blob, read a piece at a time, so size costs no memory; one of
 * generated text is not stored at all. What a client sends and is large comes
 * octet by octet: it is a file in a folder of ours beside the database.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "net.h"
#include "keep.h"


enum {
	NAME_SIZE = 25,
	SYNC_STEP = 32 << 20,    /* octets: a long wait for the disk at the
				    end would look like a dead server       */
};

struct body {
	sqlite3_blob *blob;      /* NULL: generated, or a file              */
	int fd;                  /* -1: none                                */
	uint64_t size;
};

struct spool {
	struct keep *k;
	char name[NAME_SIZE];
	int fd;
	uint64_t dirty;          /* octets since the disk had all           */
	bool kept;
};


static void body_destructor(void *arg)
{
	struct body *b = arg;

	(void)sqlite3_blob_close(b->blob);
	if (b->fd >= 0)
		(void)close(b->fd);
}


/** Copy a file into the blob of a row. @return 0; EIO */
int body_fill(struct keep *k, uint64_t seq, FILE *f, uint64_t size)
{
	static uint8_t buf[65536];
	sqlite3_blob *blob = NULL;
	uint64_t off;
	size_t n;
	int err = EIO;

	if (sqlite3_blob_open(k->db, "main", "msg", "body",
			      (sqlite3_int64)seq, 1, &blob))
		goto out;

	for (off = 0; off < size; off += n) {
		n = (size_t)MIN(size - off, (uint64_t)sizeof(buf));
		if (fread(buf, 1, n, f) != n ||
		    sqlite3_blob_write(blob, buf, (int)n, (int)off))
			goto out;
	}
	err = 0;

 out:
	(void)sqlite3_blob_close(blob);
	return err;
}


/** Size of a file that is to become a blob. @return 0; EFBIG; errno */
int body_size(uint64_t *sizep, FILE *f)
{
	long n;

	if (fseek(f, 0, SEEK_END))
		return errno;
	n = ftell(f);
	if (n < 0 || n > INT32_MAX)
		return EFBIG;
	rewind(f);

	*sizep = (uint64_t)n;
	return 0;
}


static int file_open(int *fdp, const struct keep *k, const char *name,
		     int flags)
{
	char *path;
	int err = re_sdprintf(&path, "%s/%s", k->dir, name);

	if (err)
		return err;

	*fdp = open(path, flags | O_CLOEXEC, 0600);
	err = *fdp < 0 ? errno : 0;
	mem_deref(path);
	return err;
}


/** Open the body of a message. Close it before the message is removed.
    @return 0; EIO; errno of its file; ENOMEM */
int body_open(struct body **bp, struct keep *k, const struct kept *m)
{
	struct body *b = mem_zalloc(sizeof(*b), body_destructor);
	int err = 0;

	if (!b)
		return ENOMEM;

	b->fd = -1;
	b->size = m->size;
	if (m->spool)
		err = file_open(&b->fd, k, m->spool, O_RDONLY);
	else if (!m->gen && m->size &&
		 sqlite3_blob_open(k->db, "main", "msg", "body",
				   (sqlite3_int64)m->seq, 0, &b->blob))
		err = EIO;
	if (err)
		mem_deref(b);
	else
		*bp = b;

	return err;
}


/** Append a whole body. @return 0; EIO; ENOMEM */
int body_append(struct mbuf *mb, struct keep *k, const struct kept *m)
{
	uint8_t buf[4096];
	struct body *b;
	uint64_t off, n;
	int err = body_open(&b, k, m);

	if (err)
		return err;

	for (off = 0; off < m->size && !err; off += n) {
		n = MIN(m->size - off, (uint64_t)sizeof(buf));
		err = body_read(b, off, buf, (size_t)n);
		if (!err)
			err = mbuf_write_mem(mb, buf, (size_t)n);
	}

	mem_deref(b);
	return err;
}


/** Read a piece of a body. @return 0; EIO */
int body_read(struct body *b, uint64_t off, uint8_t *buf, size_t len)
{
	if (b->fd >= 0)
		return pread(b->fd, buf, len, (off_t)off) == (ssize_t)len
			? 0 : EIO;
	if (b->blob)
		return sqlite3_blob_read(b->blob, buf, (int)len, (int)off)
			? EIO : 0;

	text_make(buf, off, len, b->size);
	return 0;
}


static bool is_known(struct keep *k, const char *name)
{
	sqlite3_stmt *st = NULL;
	bool known = true;

	if (!sqlite3_prepare_v2(k->db, "SELECT 1 FROM msg WHERE spool=?1", -1,
				&st, NULL) &&
	    !sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC))
		known = sqlite3_step(st) != SQLITE_DONE;
	(void)sqlite3_finalize(st);

	return known;
}


/* What was on its way when the program ended belongs to nobody */
static void sweep(struct keep *k)
{
	DIR *dir = opendir(k->dir);
	struct dirent *de;

	while (dir && (de = readdir(dir))) {
		if (*de->d_name != '.' && !is_known(k, de->d_name))
			spool_remove(k, de->d_name);
	}
	if (dir)
		(void)closedir(dir);
}


/** The folder of large bodies. @param file Of the database, NULL: in memory.
    @return 0; errno */
int spool_open(struct keep *k, const char *file)
{
	const char *tmp = getenv("TMPDIR");
	int err;

	k->temp = !file;
	err = file ? re_sdprintf(&k->dir, "%s.spool", file)
		: re_sdprintf(&k->dir, "%s/pf-XXXXXX",
			      tmp && *tmp ? tmp : "/tmp");
	if (err)
		return err;

	if (k->temp)
		return mkdtemp(k->dir) ? 0 : errno;
	if (mkdir(k->dir, 0700) && errno != EEXIST)
		return errno;

	sweep(k);
	return 0;
}


/** It is not needed any more */
void spool_close(struct keep *k)
{
	DIR *dir = k->temp && k->dir ? opendir(k->dir) : NULL;
	struct dirent *de;

	while (dir && (de = readdir(dir))) {
		if (*de->d_name != '.')
			spool_remove(k, de->d_name);
	}
	if (dir)
		(void)closedir(dir);
	/* an empty one stays behind with nobody */
	if (k->dir)
		(void)rmdir(k->dir);
	k->dir = mem_deref(k->dir);
}


/** Remove a body of that folder */
void spool_remove(const struct keep *k, const char *name)
{
	char *path;

	if (re_sdprintf(&path, "%s/%s", k->dir, name))
		return;

	(void)unlink(path);
	mem_deref(path);
}


static void spool_destructor(void *arg)
{
	struct spool *sp = arg;

	if (sp->fd < 0)
		return;

	(void)close(sp->fd);
	if (!sp->kept)
		spool_remove(sp->k, sp->name);
}


/** Begin a body that comes in pieces; it goes with the object unless
    spool_keep() was called. @return 0; errno */
int spool_alloc(struct spool **spp, struct keep *k)
{
	struct spool *sp = mem_zalloc(sizeof(*sp), spool_destructor);
	int err;

	if (!sp)
		return ENOMEM;

	sp->k = k;
	token_make(sp->name, sizeof(sp->name));
	err = file_open(&sp->fd, k, sp->name, O_RDWR | O_CREAT | O_EXCL);
	if (err)
		mem_deref(sp);
	else
		*spp = sp;

	return err;
}


/** Write a piece. @return 0; errno */
int spool_write(struct spool *sp, uint64_t off, const uint8_t *p, size_t n)
{
	while (n) {
		const ssize_t w = pwrite(sp->fd, p, n, (off_t)off);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w ? errno : EIO;
		p += w;
		n -= (size_t)w;
		off += (uint64_t)w;
		sp->dirty += (uint64_t)w;
	}
	if (sp->dirty < SYNC_STEP)
		return 0;

	sp->dirty = 0;
	return fdatasync(sp->fd) ? errno : 0;
}


/** Read what was written. @return Octets */
size_t spool_read(const struct spool *sp, uint8_t *p, size_t n)
{
	const ssize_t r = pread(sp->fd, p, n, 0);

	return r > 0 ? (size_t)r : 0;
}


/** It is on the disk now, under this name. @return 0; errno */
int spool_sync(struct spool *sp, char **namep)
{
	int dir, err;

	if (fsync(sp->fd))
		return errno;

	dir = open(sp->k->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno;
	err = fsync(dir) ? errno : 0;
	(void)close(dir);

	return err ? err : str_dup(namep, sp->name);
}


/** Its message is in the database: it stays */
void spool_keep(struct spool *sp)
{
	sp->kept = true;
}
