/**
 * @file note.c  The notes of the power-cut layer, from within the program
 *
 * State is global: it belongs to the process, as file descriptors do.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "note.h"


enum {
	FD_MAX = 4096,
};

struct ours {
	bool is;
	ino_t ino;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct ours fdv[FD_MAX];
static char folder[PATH_MAX];     /* that is watched, without links     */
static size_t folder_len;
static int log_fd = -1;
static int obj_fd = -1;           /* folder of the log                  */


/* Neither stdio nor anything else that we stand in front of */
void note_die(const char *what, const char *path)
{
	char text[PATH_MAX + 100];
	const int n = snprintf(text, sizeof(text),
			       "power: cannot follow %s (%s): %s\n", what,
			       path, strerror(errno));

	(void)syscall(SYS_write, 2, text, (size_t)n);
	abort();
}


static __attribute__((constructor)) void note_init(void)
{
	const char *dir = getenv("CPM_POWER_DIR");
	const char *log = getenv("CPM_POWER_LOG");

	if (!dir || !log)
		return;

	snprintf(folder, sizeof(folder), "%s", dir);
	folder_len = strlen(folder);
	obj_fd = (int)syscall(SYS_openat, AT_FDCWD, log,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (obj_fd >= 0)
		log_fd = (int)syscall(SYS_openat, obj_fd, "log", O_WRONLY |
				      O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0)
		note_die("the log", log);
}


void note_lock(void)
{
	pthread_mutex_lock(&mutex);
}


void note_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}


/* One record, before what it is about happens. A kill may leave the last one
   in part: then nothing of it has happened */
static void put(struct power_rec *rec, const void *old, const char *path1,
		const char *path2)
{
	static const char zeros[8];
	struct iovec iov[5] = {
		{rec, sizeof(*rec)},
		{(void *)old, rec->len},
		{(void *)path1, path1 ? strlen(path1) : 0},
		{(void *)path2, path2 ? strlen(path2) : 0},
		{(void *)zeros, 0},
	};
	const size_t text = rec->len + iov[2].iov_len + iov[3].iov_len;

	rec->magic = POWER_MAGIC;
	rec->len1  = (uint32_t)iov[2].iov_len;
	rec->len2  = (uint32_t)iov[3].iov_len;
	iov[4].iov_len = POWER_PAD(text) - text;
	if (syscall(SYS_writev, log_fd, iov, 5) !=
	    (ssize_t)(sizeof(*rec) + POWER_PAD(text)))
		note_die("the log", folder);
}


static bool is_below(const char *path)
{
	return !strncmp(path, folder, folder_len) &&
		(!path[folder_len] || path[folder_len] == '/');
}


/* Memory that SQLite shares; nothing in it outlives the processes */
static bool is_volatile(const char *path)
{
	const size_t n = strlen(path);

	return n > 4 && !strcmp(path + n - 4, "-shm");
}


static bool fd_path(int fd, char path[PATH_MAX])
{
	char proc[40];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';

	return n > 0;
}


/* dir/base, without links and dots in dir */
static bool resolve(struct name *n, int dirfd, const char *path)
{
	char all[PATH_MAX], at[PATH_MAX] = "", *slash;
	struct stat st;
	int len;

	if (path[0] != '/' && dirfd == AT_FDCWD && !getcwd(at, sizeof(at)))
		return false;
	if (path[0] != '/' && dirfd != AT_FDCWD && !fd_path(dirfd, at))
		return false;

	len = snprintf(all, sizeof(all), "%s/%s", at, path);
	if (len < 0 || (size_t)len >= sizeof(all))
		return false;
	while (len > 1 && all[len - 1] == '/')
		all[--len] = '\0';

	slash = strrchr(all, '/');
	*slash = '\0';
	if (!realpath(slash == all ? "/" : all, at) || stat(at, &st))
		return false;

	n->dir = st.st_ino;
	len = snprintf(n->path, sizeof(n->path), "%s/%s", at, slash + 1);

	return len > 0 && (size_t)len < sizeof(n->path);
}


bool note_name(struct name *n, int dirfd, const char *path)
{
	const int e = errno;
	bool ours;

	if (log_fd < 0)
		return false;

	ours = resolve(n, dirfd, path) && is_below(n->path) &&
		!is_volatile(n->path);
	if (ours)
		n->there = !lstat(n->path, &n->st);
	errno = e;

	return ours;
}


void note_fd(int fd, bool ours)
{
	struct stat st;

	if (fd < 0 || fd >= FD_MAX || log_fd < 0) {
		if (ours && fd >= FD_MAX)
			note_die("so many files", folder);
		return;
	}

	if (ours && !fstat(fd, &st))
		fdv[fd].ino = st.st_ino;
	__atomic_store_n(&fdv[fd].is, ours, __ATOMIC_RELEASE);
}


/* The number may be another's by now: the C library closes behind our back */
bool note_is_ours(int fd)
{
	const int e = errno;
	struct stat st;
	bool ours;

	if (fd < 0 || fd >= FD_MAX ||
	    !__atomic_load_n(&fdv[fd].is, __ATOMIC_ACQUIRE))
		return false;

	ours = !fstat(fd, &st) && S_ISREG(st.st_mode) &&
		st.st_ino == fdv[fd].ino;
	if (!ours)
		note_fd(fd, false);
	errno = e;

	return ours;
}


static void keep(const char *path, int flags, uint64_t ino)
{
	const int e = errno;
	char name[24];

	snprintf(name, sizeof(name), "%llu", (unsigned long long)ino);
	if (linkat(AT_FDCWD, path, obj_fd, name, flags) && errno != EEXIST)
		note_die("a file", path);
	errno = e;
}


void note_keep_fd(int fd, uint64_t ino)
{
	char proc[40];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	keep(proc, AT_SYMLINK_FOLLOW, ino);
}


/* Old octets of a piece, as far as there are any */
static void put_piece(int fd, const struct stat *st, uint64_t off,
		      uint64_t end, bool cut)
{
	static char old[POWER_PIECE];  /* guarded by the mutex */
	struct power_rec rec = {.op = POWER_DATA, .ino = st->st_ino,
		.off = off};
	const uint64_t size = (uint64_t)st->st_size;
	uint64_t n = 0;

	if (off < size)
		n = (end < size ? end : size) - off;
	rec.size = cut || size > off ? size : off;
	rec.end  = cut ? 0 : end;
	rec.len  = (uint32_t)n;
	if (n && pread64(fd, old, n, (off64_t)off) != (ssize_t)n)
		note_die("reading", folder);

	put(&rec, old, NULL, NULL);
}


/* To be read through another descriptor: ours may be for writing only */
static int reader(int fd)
{
	char proc[40];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);

	return (int)syscall(SYS_openat, AT_FDCWD, proc,
			    O_RDONLY | O_CLOEXEC, 0);
}


static void put_range(int fd, uint64_t off, uint64_t end, bool cut)
{
	const int e = errno;
	struct stat st;
	int rfd = -1;

	if (fstat(fd, &st))
		note_die("a file", folder);
	if (off < (uint64_t)st.st_size && (rfd = reader(fd)) < 0)
		note_die("a file", folder);

	while (off < end) {
		const uint64_t left = end - off;
		const uint64_t n = left < POWER_PIECE ? left : POWER_PIECE;

		put_piece(rfd, &st, off, off + n, cut);
		off += n;
	}

	if (rfd >= 0)
		(void)syscall(SYS_close, rfd);
	errno = e;
}


void note_data(int fd, uint64_t off, uint64_t len)
{
	put_range(fd, off, off + len, false);
}


void note_size(int fd, uint64_t size)
{
	struct power_rec rec = {.op = POWER_DATA};
	struct stat st;

	if (fstat(fd, &st))
		note_die("a file", folder);

	if (size < (uint64_t)st.st_size) {
		put_range(fd, size, (uint64_t)st.st_size, true);
	}
	else if (size > (uint64_t)st.st_size) {
		rec.ino  = st.st_ino;
		rec.off  = rec.size = (uint64_t)st.st_size;
		rec.end  = size;
		put(&rec, NULL, NULL, NULL);
	}
}


void note_entry(enum power_op op, const struct name *n, uint64_t ino)
{
	struct power_rec rec = {.op = op, .ino = ino, .dir = n->dir};

	put(&rec, NULL, n->path, NULL);
}


void note_unlink(const struct name *n)
{
	if (!S_ISREG(n->st.st_mode))
		note_die("removing what is no file", n->path);

	keep(n->path, 0, n->st.st_ino);
	note_entry(POWER_UNLINK, n, n->st.st_ino);
}


void note_rename(const struct name *from, const struct name *to)
{
	struct power_rec rec = {
		.op = POWER_RENAME, .ino = from->st.st_ino,
		.dir = from->dir, .dir2 = to->dir,
	};

	if (!S_ISREG(from->st.st_mode))
		note_die("renaming what is no file", from->path);

	keep(from->path, 0, from->st.st_ino);
	if (to->there) {
		keep(to->path, 0, to->st.st_ino);
		rec.ino2 = to->st.st_ino;
	}
	put(&rec, NULL, from->path, to->path);
}


uint64_t note_mark(void)
{
	struct stat st = {.st_size = 0};

	if (log_fd < 0)
		return 0;

	note_lock();
	(void)fstat(log_fd, &st);
	note_unlock();

	return (uint64_t)st.st_size;
}


/* A folder need not have been seen before, so each is looked at. The one that
   holds the watched folder counts as well: it has its name */
void note_sync(int fd, uint64_t mark)
{
	struct power_rec rec = {.op = POWER_SYNC, .off = mark};
	const int e = errno;
	char path[PATH_MAX];
	struct stat st;
	size_t n;

	if (log_fd < 0 || fstat(fd, &st) ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return;

	/* also one that was opened only to be synced */
	n = fd_path(fd, path) ? strlen(path) : 0;
	if (!note_is_ours(fd) && !is_below(path) &&
	    (strncmp(path, folder, n) || strrchr(folder, '/') != folder + n))
		return;

	rec.ino = st.st_ino;
	note_lock();
	put(&rec, NULL, NULL, NULL);
	note_unlock();
	errno = e;
}


void note_sync_all(uint64_t mark)
{
	struct power_rec rec = {.op = POWER_SYNC_ALL, .off = mark};

	if (log_fd < 0)
		return;

	note_lock();
	put(&rec, NULL, NULL, NULL);
	note_unlock();
}
