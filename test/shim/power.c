/**
 * @file power.c  The calls that change files, noted before they happen
 *
 * Stands in front of the C library in all spellings that a program can use.
 * What is not followed and touches a watched file ends the program: a change
 * that nobody saw would be taken for safe.
 *
 * Each change is noted and made under one lock, so that the notes are in the
 * order of the changes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>
#include "note.h"


/* The next one of that name, looked up once */
#define REAL(name) \
	static __typeof__(name) *found; \
	__typeof__(name) *real = found ? found \
		: (found = (__typeof__(name) *)next(__func__))

/* What the headers declare only when they are told to be careful */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);


static void *next(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		note_die(name, "no such function");

	return p;
}


/* ------------------------------------------------------------- names --- */

static int real_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	static int (*real)(int, const char *, int, ...);

	if (!real)
		real = (int (*)(int, const char *, int, ...))next("openat64");

	return real(dirfd, path, flags, mode);
}


static void opened(int fd, int flags, const struct name *n)
{
	struct stat st;

	if (fstat(fd, &st))
		note_die("a file", n->path);
	if (S_ISDIR(st.st_mode) && (flags & O_TMPFILE) != O_TMPFILE)
		return;
	if (!S_ISREG(st.st_mode))
		note_die("what is no file", n->path);

	note_keep_fd(fd, st.st_ino);
	if (!n->there && (flags & O_TMPFILE) != O_TMPFILE)
		note_entry(POWER_CREATE, n, st.st_ino);
	note_fd(fd, true);
}


static int do_open(int dirfd, const char *path, int flags, mode_t mode)
{
	const int acc = flags & O_ACCMODE;
	struct name n;
	int fd, old;

	if ((acc == O_RDONLY && !(flags & (O_CREAT | O_TRUNC))) ||
	    !note_name(&n, dirfd, path)) {
		fd = real_openat(dirfd, path, flags, mode);
		note_fd(fd, false);
		return fd;
	}

	note_lock();
	(void)note_name(&n, dirfd, path);
	if ((flags & O_TRUNC) && n.there && S_ISREG(n.st.st_mode)) {
		old = real_openat(AT_FDCWD, n.path, O_RDONLY | O_CLOEXEC, 0);
		if (old >= 0) {
			note_keep_fd(old, n.st.st_ino);
			note_size(old, 0);
			(void)close(old);
		}
	}
	fd = real_openat(dirfd, path, flags, mode);
	if (fd >= 0)
		opened(fd, flags, &n);
	note_unlock();

	return fd;
}


static mode_t open_mode(int flags, va_list ap)
{
	const bool needed = (flags & O_CREAT) ||
		(flags & O_TMPFILE) == O_TMPFILE;

	return needed ? va_arg(ap, mode_t) : 0;
}


#define OPEN(name) \
int name(const char *path, int flags, ...) \
{ \
	va_list ap; \
	mode_t mode; \
\
	va_start(ap, flags); \
	mode = open_mode(flags, ap); \
	va_end(ap); \
\
	return do_open(AT_FDCWD, path, flags, mode); \
}

#define OPENAT(name) \
int name(int dirfd, const char *path, int flags, ...) \
{ \
	va_list ap; \
	mode_t mode; \
\
	va_start(ap, flags); \
	mode = open_mode(flags, ap); \
	va_end(ap); \
\
	return do_open(dirfd, path, flags, mode); \
}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)


int __open_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}


int __open64_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}


int __openat_2(int dirfd, const char *path, int flags)
{
	return do_open(dirfd, path, flags, 0);
}


int __openat64_2(int dirfd, const char *path, int flags)
{
	return do_open(dirfd, path, flags, 0);
}


int creat(const char *path, mode_t mode)
{
	return do_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}


int creat64(const char *path, mode_t mode)
{
	return do_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}


int unlinkat(int dirfd, const char *path, int flags)
{
	REAL(unlinkat);
	struct name n;
	int ret;

	if (!note_name(&n, dirfd, path))
		return real(dirfd, path, flags);

	note_lock();
	(void)note_name(&n, dirfd, path);
	if (n.there)
		note_unlink(&n);
	ret = real(dirfd, path, flags);
	note_unlock();

	return ret;
}


int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}


int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}


int remove(const char *path)
{
	REAL(remove);
	struct name n;

	return note_name(&n, AT_FDCWD, path) ? unlink(path) : real(path);
}


int renameat2(int fromfd, const char *from, int tofd, const char *to,
	      unsigned flags)
{
	REAL(renameat2);
	struct name a, b;
	const bool ours = note_name(&a, fromfd, from);
	int ret;

	if (ours != note_name(&b, tofd, to))
		note_die("moving across the border", from);
	if (ours && (flags & ~(unsigned)RENAME_NOREPLACE))
		note_die("a special move", from);
	if (!ours)
		return real(fromfd, from, tofd, to, flags);

	note_lock();
	(void)note_name(&a, fromfd, from);
	(void)note_name(&b, tofd, to);
	if (a.there && !(b.there && flags))
		note_rename(&a, &b);
	ret = real(fromfd, from, tofd, to, flags);
	note_unlock();

	return ret;
}


int renameat(int fromfd, const char *from, int tofd, const char *to)
{
	return renameat2(fromfd, from, tofd, to, 0);
}


int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}


int linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	REAL(linkat);
	struct name n;
	int ret;

	if (!note_name(&n, tofd, to))
		return real(fromfd, from, tofd, to, flags);

	note_lock();
	ret = real(fromfd, from, tofd, to, flags);
	(void)note_name(&n, tofd, to);
	if (!ret)
		note_entry(POWER_CREATE, &n, n.st.st_ino);
	note_unlock();

	return ret;
}


int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}


int symlinkat(const char *target, int tofd, const char *to)
{
	REAL(symlinkat);
	struct name n;

	if (note_name(&n, tofd, to))
		note_die("a symbolic link", to);

	return real(target, tofd, to);
}


int symlink(const char *target, const char *to)
{
	return symlinkat(target, AT_FDCWD, to);
}


int mkdirat(int dirfd, const char *path, mode_t mode)
{
	REAL(mkdirat);
	struct name n;
	int ret;

	if (!note_name(&n, dirfd, path))
		return real(dirfd, path, mode);

	note_lock();
	ret = real(dirfd, path, mode);
	(void)note_name(&n, dirfd, path);
	if (!ret)
		note_entry(POWER_MKDIR, &n, n.st.st_ino);
	note_unlock();

	return ret;
}


int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}


/* ----------------------------------------------------------- content --- */

/* Where the next octet goes */
static uint64_t position(int fd)
{
	const int flags = fcntl(fd, F_GETFL);
	struct stat st;
	off64_t off;

	if (flags & O_APPEND)
		return fstat(fd, &st) ? 0 : (uint64_t)st.st_size;

	off = lseek64(fd, 0, SEEK_CUR);

	return off < 0 ? 0 : (uint64_t)off;
}


static size_t iov_sum(const struct iovec *iov, int n)
{
	size_t sum = 0;

	while (n-- > 0)
		sum += iov[n].iov_len;

	return sum;
}


/* Defines a call: what it is to do, note, do. off: -1 = where the file is */
#define CHANGE(type, name, params, args, off, len) \
type name params \
{ \
	REAL(name); \
	type ret; \
\
	if (!note_is_ours(fd)) \
		return real args; \
\
	note_lock(); \
	note_data(fd, (off) < 0 ? position(fd) : (uint64_t)(off), len); \
	ret = real args; \
	note_unlock(); \
\
	return ret; \
}

CHANGE(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n),
       (off64_t)-1, n)
CHANGE(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t off),
       (fd, p, n, off), off, n)
CHANGE(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t off),
       (fd, p, n, off), off, n)
CHANGE(ssize_t, writev, (int fd, const struct iovec *iov, int n),
       (fd, iov, n), (off64_t)-1, iov_sum(iov, n))
CHANGE(ssize_t, pwritev, (int fd, const struct iovec *iov, int n, off_t off),
       (fd, iov, n, off), off, iov_sum(iov, n))
CHANGE(ssize_t, pwritev64,
       (int fd, const struct iovec *iov, int n, off64_t off),
       (fd, iov, n, off), off, iov_sum(iov, n))
CHANGE(ssize_t, pwritev2,
       (int fd, const struct iovec *iov, int n, off_t off, int flags),
       (fd, iov, n, off, flags), off, iov_sum(iov, n))
CHANGE(ssize_t, pwritev64v2,
       (int fd, const struct iovec *iov, int n, off64_t off, int flags),
       (fd, iov, n, off, flags), off, iov_sum(iov, n))
CHANGE(ssize_t, sendfile, (int fd, int from, off_t *at, size_t n),
       (fd, from, at, n), (off64_t)-1, n)
CHANGE(ssize_t, sendfile64, (int fd, int from, off64_t *at, size_t n),
       (fd, from, at, n), (off64_t)-1, n)
CHANGE(ssize_t, copy_file_range,
       (int from, off64_t *at, int fd, off64_t *to, size_t n,
	unsigned flags),
       (from, at, fd, to, n, flags), to ? *to : (off64_t)-1, n)
CHANGE(int, fallocate, (int fd, int mode, off_t off, off_t len),
       (fd, mode, off, len), off, (uint64_t)len)
CHANGE(int, fallocate64, (int fd, int mode, off64_t off, off64_t len),
       (fd, mode, off, len), off, (uint64_t)len)
CHANGE(int, posix_fallocate, (int fd, off_t off, off_t len),
       (fd, off, len), off, (uint64_t)len)
CHANGE(int, posix_fallocate64, (int fd, off64_t off, off64_t len),
       (fd, off, len), off, (uint64_t)len)


static int do_ftruncate(int fd, off64_t size)
{
	static int (*real)(int, off64_t);
	int ret;

	if (!real)
		real = (int (*)(int, off64_t))next("ftruncate64");
	if (!note_is_ours(fd))
		return real(fd, size);

	note_lock();
	note_size(fd, (uint64_t)size);
	ret = real(fd, size);
	note_unlock();

	return ret;
}


int ftruncate(int fd, off_t size)
{
	return do_ftruncate(fd, size);
}


int ftruncate64(int fd, off64_t size)
{
	return do_ftruncate(fd, size);
}


int truncate64(const char *path, off64_t size)
{
	const int fd = do_open(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
	int ret = -1, e;

	if (fd >= 0) {
		ret = do_ftruncate(fd, size);
		e = errno;
		(void)close(fd);
		errno = e;
	}

	return ret;
}


int truncate(const char *path, off_t size)
{
	return truncate64(path, size);
}


/* -------------------------------------------------------------- sync --- */

#define SYNC(name, params, args) \
int name params \
{ \
	REAL(name); \
	const uint64_t mark = note_mark(); \
	const int ret = real args; \
\
	if (!ret) \
		note_sync(fd, mark); \
\
	return ret; \
}

SYNC(fsync, (int fd), (fd))
/* the size of a file is synced with its data, when it has grown */
SYNC(fdatasync, (int fd), (fd))


int syncfs(int fd)
{
	REAL(syncfs);
	const uint64_t mark = note_mark();
	const int ret = real(fd);

	if (!ret)
		note_sync_all(mark);

	return ret;
}


void sync(void)
{
	REAL(sync);
	const uint64_t mark = note_mark();

	real();
	note_sync_all(mark);
}


/* ------------------------------------------------------- descriptors --- */

int close(int fd)
{
	REAL(close);

	note_fd(fd, false);

	return real(fd);
}


int dup(int fd)
{
	REAL(dup);
	const bool ours = note_is_ours(fd);
	const int ret = real(fd);

	note_fd(ret, ours);

	return ret;
}


int dup2(int fd, int to)
{
	REAL(dup2);
	const bool ours = note_is_ours(fd);
	const int ret = real(fd, to);

	note_fd(ret, ours);

	return ret;
}


int dup3(int fd, int to, int flags)
{
	REAL(dup3);
	const bool ours = note_is_ours(fd);
	const int ret = real(fd, to, flags);

	note_fd(ret, ours);

	return ret;
}


static int do_fcntl(int fd, int cmd, void *arg)
{
	static int (*real)(int, int, ...);
	int ret;

	if (!real)
		real = (int (*)(int, int, ...))next("fcntl64");

	ret = real(fd, cmd, arg);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		note_fd(ret, note_is_ours(fd));

	return ret;
}


#define FCNTL(name) \
int name(int fd, int cmd, ...) \
{ \
	va_list ap; \
	void *arg; \
\
	va_start(ap, cmd); \
	arg = va_arg(ap, void *); \
	va_end(ap); \
\
	return do_fcntl(fd, cmd, arg); \
}

FCNTL(fcntl)
FCNTL(fcntl64)


/* ------------------------------------------------- what is not followed */

static void refuse_map(int prot, int flags, int fd)
{
	if ((prot & PROT_WRITE) && (flags & MAP_SHARED) && note_is_ours(fd))
		note_die("writing through memory", "");
}


void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	REAL(mmap);

	refuse_map(prot, flags, fd);

	return real(addr, len, prot, flags, fd, off);
}


void *mmap64(void *addr, size_t len, int prot, int flags, int fd,
	     off64_t off)
{
	REAL(mmap64);

	refuse_map(prot, flags, fd);

	return real(addr, len, prot, flags, fd, off);
}


ssize_t splice(int from, off64_t *at, int fd, off64_t *to, size_t n,
	       unsigned flags)
{
	REAL(splice);

	if (note_is_ours(fd))
		note_die("splice", "");

	return real(from, at, fd, to, n, flags);
}


static void refuse_stdio(const char *path, const char *mode)
{
	struct name n;

	if (strpbrk(mode, "wa+") && note_name(&n, AT_FDCWD, path))
		note_die("stdio", path);
}


FILE *fopen(const char *path, const char *mode)
{
	REAL(fopen);

	refuse_stdio(path, mode);

	return real(path, mode);
}


FILE *fopen64(const char *path, const char *mode)
{
	REAL(fopen64);

	refuse_stdio(path, mode);

	return real(path, mode);
}


#define MKSTEMP(fun, params, args) \
int fun params \
{ \
	REAL(fun); \
	struct name n; \
\
	if (note_name(&n, AT_FDCWD, path)) \
		note_die("a temporary file", path); \
\
	return real args; \
}

MKSTEMP(mkstemp, (char *path), (path))
MKSTEMP(mkstemp64, (char *path), (path))
MKSTEMP(mkostemp, (char *path, int flags), (path, flags))
MKSTEMP(mkostemp64, (char *path, int flags), (path, flags))
