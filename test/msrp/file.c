/**
 * @file file.c  A message on its way into a folder
 *
 * No name comes from the network. While a message arrives its file is called
 * by the hex digits of its Message-ID and ".new"; when the session ends before
 * the message does, it is cut to what is there without a hole and called
 * ".part", and the sender may go on from there. Complete, it gets a number.
 * After a crash a ".new" is left, whose octets may have holes: it is not gone
 * on with.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "prog.h"


enum {
	NUMBER_MAX = 1000000,  /* messages in one folder: the search for a
				  free number ends                        */
};

struct infile {
	int dirfd;             /* borrowed                                  */
	int fd;
	uint64_t begun;        /* octets from the beginning on              */
	bool over;             /* the name ".new" is no longer ours         */
	char id[2 * ID_MAX + 1];
};

static const struct {
	const char *type;
	const char *ext;
} extv[] = {
	{"text/plain",      "txt"},
	{"text/html",       "html"},
	{"image/jpeg",      "jpg"},
	{"image/png",       "png"},
	{"application/pdf", "pdf"},
	{"message/cpim",    "cpim"},
};


static void name_get(const struct infile *f, const char *ext, char *buf,
		     size_t size)
{
	(void)re_snprintf(buf, size, "%s.%s", f->id, ext);
}


static void destructor(void *arg)
{
	char new[256], part[256];
	struct infile *f = arg;

	name_get(f, "new", new, sizeof(new));
	name_get(f, "part", part, sizeof(part));
	if (f->fd >= 0 && !f->over) {
		if (!f->begun || ftruncate(f->fd, (off_t)f->begun) ||
		    renameat(f->dirfd, new, f->dirfd, part))
			(void)unlinkat(f->dirfd, new, 0);
	}
	if (f->fd >= 0)
		close(f->fd);
}


/* A file of ours that nobody else writes */
static int file_take(struct infile *f, const char *name, int flags)
{
	struct stat st;

	f->fd = openat(f->dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC |
		       O_NONBLOCK | flags, 0600);
	if (f->fd < 0)
		return errno;
	if (fstat(f->fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EEXIST;

	return flock(f->fd, LOCK_EX | LOCK_NB) ? errno : 0;
}


/* What an earlier session left */
static int part_take(struct infile *f, const char *new, uint64_t *have)
{
	char part[256];
	struct stat st;
	int err;

	name_get(f, "part", part, sizeof(part));
	err = file_take(f, part, 0);
	if (err)
		return err;
	if (renameat(f->dirfd, part, f->dirfd, new) || fstat(f->fd, &st))
		return errno;

	f->begun = *have = (uint64_t)st.st_size;

	return 0;
}


/**
 * Begin a message, or go on with it
 *
 * @param have Octets that are there already
 *
 * @return 0; ENAMETOOLONG; EWOULDBLOCK if it arrives twice at the same time;
 *         errno of open
 */
int infile_open(struct infile **fp, int dirfd, const char *msgid,
		uint64_t *have)
{
	struct infile *f;
	char new[256];
	int err;

	*have = 0;
	if (strlen(msgid) > ID_MAX)
		return ENAMETOOLONG;

	f = mem_zalloc(sizeof(*f), destructor);
	if (!f)
		return ENOMEM;

	f->dirfd = dirfd;
	(void)re_snprintf(f->id, sizeof(f->id), "%w", msgid, strlen(msgid));
	name_get(f, "new", new, sizeof(new));

	err = part_take(f, new, have);
	if (err == ENOENT) {
		err = file_take(f, new, O_CREAT);
		if (!err && ftruncate(f->fd, 0))
			err = errno;
	}
	if (err) {
		f->over = true;
		mem_deref(f);
	}
	else
		*fp = f;

	return err;
}


int infile_write(struct infile *f, uint64_t off, const uint8_t *buf,
		 size_t len)
{
	while (len) {
		const ssize_t n = pwrite(f->fd, buf, len, (off_t)off);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
			off += (uint64_t)n;
		}
	}

	return 0;
}


/** So many octets are there from the beginning on, without a hole */
void infile_begun(struct infile *f, uint64_t begun)
{
	f->begun = begun;
}


static const char *ext_get(const char *ctype)
{
	const size_t n = strcspn(ctype, "; \t");
	size_t i;

	for (i=0; i<ARRAY_SIZE(extv); i++) {
		if (strlen(extv[i].type) == n &&
		    !strncasecmp(extv[i].type, ctype, n))
			return extv[i].ext;
	}

	return "bin";
}


/**
 * The message is complete: on the disk before it is acknowledged, under the
 * next number that is free
 */
int infile_done(struct infile *f, const char *ctype, char *name, size_t size)
{
	char new[256];
	unsigned i;

	if (fsync(f->fd))
		return errno;

	name_get(f, "new", new, sizeof(new));
	for (i=1; i<NUMBER_MAX; i++) {
		(void)re_snprintf(name, size, "message-%u.%s", i,
				  ext_get(ctype));
		/* unlike a rename it takes the place of nothing */
		if (!linkat(f->dirfd, new, f->dirfd, name, 0))
			break;
		if (errno != EEXIST)
			return errno;
	}
	if (i == NUMBER_MAX)
		return ENOSPC;

	f->over = true;
	(void)unlinkat(f->dirfd, new, 0);
	(void)fsync(f->dirfd);

	return 0;
}


/** None of it is to be kept */
void infile_drop(struct infile *f)
{
	f->begun = 0;
}
