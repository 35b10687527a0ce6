/**
 * @file power.c  A power cut: what was not synced is thrown away
 *
 * Reads the notes of power.so and undoes, last change first, what no sync
 * made safe. Files are found by the links beside the notes, so that it does
 * not matter what names they had when.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <shim/power.h>
#include "power.h"


enum {
	SECTOR = 512,         /* octets that a disk writes as one          */
};

struct note {
	const struct power_rec *rec;
	uint64_t pos;         /* in the log                                */
	const uint8_t *old;
	char *path1;
	char *path2;
	bool safe;
	bool safe1;           /* RENAME: the folder of the old name        */
	bool safe2;           /* and that of the new one                   */
};

struct cut {
	const char *folder;
	const char *log;
	char *text;           /* the log                                   */
	struct note *notev;
	size_t notec;
	enum power_how how;
	uint32_t *state;
	struct power_sum sum;
};


uint32_t power_random(uint32_t *state)
{
	/* xorshift: the same everywhere */
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;

	return *state;
}


bool power_there(void)
{
	const char *path = getenv("CPM_POWER");

	return path && !access(path, R_OK);
}


/* Its name without links, though it need not be there */
static char *watched(const char *folder)
{
	const char *base = strrchr(folder, '/');
	char *dir = strndup(folder, (size_t)(base - folder));
	char *real = dir ? realpath(dir, NULL) : NULL, *all;

	if (!real || asprintf(&all, "%s%s", real, base) < 0)
		e2e_fail("no folder for %s", folder);
	free(real);
	free(dir);

	return all;
}


void power_envv(struct env *env, const char *folder, const char *log,
		const char *envv[3])
{
	const char *preload = getenv("CPM_PRELOAD");
	char *real = watched(folder);

	if (!power_there())
		e2e_fail("CPM_POWER: no such file");

	folder_make(log);
	/* a sanitizer wants to be the first */
	envv[0] = env_str(env, "LD_PRELOAD=%s%s%s", preload ? preload : "",
			  preload && *preload ? ":" : "",
			  getenv("CPM_POWER"));
	envv[1] = env_str(env, "CPM_POWER_DIR=%s", real);
	envv[2] = env_str(env, "CPM_POWER_LOG=%s", log);
	free(real);
}


/* ------------------------------------------------------------- notes --- */

static char *take_str(const uint8_t *p, size_t len)
{
	char *s = len ? strndup((const char *)p, len) : NULL;

	if (len && !s)
		e2e_fail("no memory");

	return s;
}


/* @return Its length; 0: the kill has cut it short, so that what it tells of
   has not happened */
static size_t note_decode(struct note *n, const uint8_t *p, size_t left)
{
	const struct power_rec *rec = (const void *)p;
	size_t len;

	if (left < sizeof(*rec))
		return 0;
	if (rec->magic != POWER_MAGIC)
		e2e_fail("the notes of the power cut are damaged");

	len = sizeof(*rec) + POWER_PAD((size_t)rec->len + rec->len1 +
				       rec->len2);
	if (left < len)
		return 0;

	memset(n, 0, sizeof(*n));
	p += sizeof(*rec);
	n->rec   = rec;
	n->old   = p;
	n->path1 = take_str(p + rec->len, rec->len1);
	n->path2 = take_str(p + rec->len + rec->len1, rec->len2);

	return len;
}


static void notes_read(struct cut *c)
{
	size_t size = 0, pos = 0, max = 0, len;
	char *path;

	if (asprintf(&path, "%s/log", c->log) < 0)
		e2e_fail("no memory");
	c->text = file_read(path, &size);
	free(path);

	do {
		if (c->notec == max) {
			max += max + 256;
			c->notev = reallocarray(c->notev, max,
						sizeof(*c->notev));
			if (!c->notev)
				e2e_fail("no memory");
		}
		len = note_decode(&c->notev[c->notec],
				  (uint8_t *)c->text + pos, size - pos);
		c->notev[c->notec].pos = pos;
		c->notec += len > 0;
		pos += len;
	} while (len);
}


/* A move is safe when both folders know of it */
static void mark(struct note *n, const struct power_rec *sync)
{
	const struct power_rec *rec = n->rec;
	const bool all = sync->op == POWER_SYNC_ALL;

	switch (rec->op) {

	case POWER_DATA:
		n->safe |= all || sync->ino == rec->ino;
		break;

	case POWER_RENAME:
		n->safe1 |= all || sync->ino == rec->dir;
		n->safe2 |= all || sync->ino == rec->dir2;
		n->safe = n->safe1 && n->safe2;
		break;

	default:
		n->safe |= all || sync->ino == rec->dir;
		break;
	}
}


/* What remains are the changes that a loss of power may take */
static void notes_unsafe(struct cut *c)
{
	size_t i, j, n = 0;

	for (i=0; i<c->notec; i++) {
		const struct power_rec *rec = c->notev[i].rec;

		if (rec->op != POWER_SYNC && rec->op != POWER_SYNC_ALL)
			continue;
		c->notev[i].safe = true;
		for (j=0; j<i && c->notev[j].pos < rec->off; j++)
			if (!c->notev[j].safe)
				mark(&c->notev[j], rec);
	}

	for (i=0; i<c->notec; i++) {
		if (c->notev[i].safe) {
			free(c->notev[i].path1);
			free(c->notev[i].path2);
		}
		else {
			c->notev[n++] = c->notev[i];
		}
	}
	c->notec = n;
}


/* -------------------------------------------------------------- undo --- */

static char *object(const struct cut *c, uint64_t ino)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%llu", c->log,
		 (unsigned long long)ino);

	return path;
}


static bool is_file(const char *path, uint64_t ino)
{
	struct stat st;

	return !lstat(path, &st) && st.st_ino == ino;
}


static void put_back(int fd, const void *p, size_t len, uint64_t off)
{
	if (pwrite(fd, p, len, (off_t)off) != (ssize_t)len)
		e2e_fail("power cut: %s", strerror(errno));
}


/* Octets from..to of the file as they were before; zeros where it has only
   become longer: the disk knew of the room, and no more */
static void sector_undo(int fd, const struct note *n, uint64_t from,
			uint64_t to)
{
	static const uint8_t zeros[SECTOR];
	const uint64_t old = n->rec->off + n->rec->len;
	const uint64_t had = to < old ? to : old > from ? old : from;

	if (had > from)
		put_back(fd, n->old + (from - n->rec->off), had - from, from);
	if (to > had)
		put_back(fd, zeros, to - had, had);
}


static uint64_t data_end(const struct power_rec *rec)
{
	return rec->end ? rec->end : rec->off + rec->len;
}


/* Some sectors are old, some are new; those before min are not touched */
static void data_tear(struct cut *c, const struct note *n, uint64_t min,
		      bool all)
{
	const struct power_rec *rec = n->rec;
	const int fd = open(object(c, rec->ino), O_WRONLY | O_CLOEXEC);
	uint64_t at = rec->off, end = data_end(rec), to;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		e2e_fail("power cut: no file %s", object(c, rec->ino));

	/* it may never have been written */
	if (end > (uint64_t)st.st_size)
		end = (uint64_t)st.st_size;

	for (; at < end; at = to) {
		to = (at / SECTOR + 1) * SECTOR;
		if (to > end)
			to = end;
		if (at >= min && (all || power_random(c->state) & 1)) {
			sector_undo(fd, n, at, to);
			c->sum.octets += to - at;
		}
	}
	close(fd);
	++c->sum.data;
}


static void data_undo(struct cut *c, const struct note *n)
{
	const struct power_rec *rec = n->rec;
	const int fd = open(object(c, rec->ino), O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		e2e_fail("power cut: no file %s", object(c, rec->ino));

	if (rec->len)
		put_back(fd, n->old, rec->len, rec->off);
	if (ftruncate(fd, (off_t)rec->size))
		e2e_fail("power cut: %s", strerror(errno));
	close(fd);
	++c->sum.data;
	c->sum.octets += data_end(rec) - rec->off;
}


static void name_remove(const char *path, uint64_t ino)
{
	if (is_file(path, ino))
		(void)unlink(path);
}


/* It may be there: then what took it away never happened */
static void name_give(struct cut *c, const char *path, uint64_t ino)
{
	if (!is_file(path, ino) && link(object(c, ino), path))
		e2e_fail("power cut: %s: %s", path, strerror(errno));
}


static void name_undo(struct cut *c, const struct note *n)
{
	const struct power_rec *rec = n->rec;

	switch (rec->op) {

	case POWER_CREATE:
		name_remove(n->path1, rec->ino);
		break;

	case POWER_MKDIR:
		if (is_file(n->path1, rec->ino))
			folder_remove(n->path1);
		break;

	case POWER_UNLINK:
		name_give(c, n->path1, rec->ino);
		break;

	case POWER_RENAME:
		name_remove(n->path2, rec->ino);
		name_give(c, n->path1, rec->ino);
		if (rec->ino2)
			name_give(c, n->path2, rec->ino2);
		break;

	default:
		e2e_fail("power cut: a note of type %u", rec->op);
	}
	++c->sum.names;
}


static bool is_data(const struct note *n)
{
	return n->rec->op == POWER_DATA;
}


/* A cut of the size is one change, however many notes it has */
static bool is_joined(const struct note *a, const struct note *b)
{
	return is_data(a) && is_data(b) && !a->rec->end && !b->rec->end &&
		a->rec->ino == b->rec->ino;
}


/* keep: the first so many changes stay. The size of a file whose data come
   and go sector by sector stays as well */
static void undo(struct cut *c, size_t keep)
{
	const bool scatter = c->how == POWER_SCATTER;
	size_t i = c->notec;

	while (keep && keep < c->notec &&
	       is_joined(&c->notev[keep - 1], &c->notev[keep]))
		--keep;

	while (i--) {
		const struct note *n = &c->notev[i];
		const bool torn = is_data(n) && n->rec->end;

		if (scatter && torn) {
			const uint32_t r = power_random(c->state) % 3;

			if (r)
				data_tear(c, n, 0, r == 2);
		}
		else if (i >= keep) {
			if (is_data(n))
				data_undo(c, n);
			else
				name_undo(c, n);
		}
		else if (i == keep - 1 && torn && c->how == POWER_PREFIX) {
			const uint64_t len = n->rec->end - n->rec->off;

			data_tear(c, n, n->rec->off +
				  power_random(c->state) % len, true);
		}
	}
}


/* -------------------------------------------------------------- ends --- */

void power_forget(const char *log)
{
	DIR *dir = opendir(log);
	struct dirent *de;

	if (!dir)
		e2e_fail("power cut: no folder %s", log);
	while ((de = readdir(dir)) != NULL)
		if (de->d_name[0] != '.' && unlinkat(dirfd(dir), de->d_name,
						     0))
			e2e_fail("power cut: %s: %s", de->d_name,
				 strerror(errno));
	closedir(dir);
}


/* Memory that SQLite shares is not on the disk */
static void volatile_remove(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *de;

	while (dir && (de = readdir(dir)) != NULL) {
		const size_t n = strlen(de->d_name);

		if (n > 4 && !strcmp(de->d_name + n - 4, "-shm"))
			(void)unlinkat(dirfd(dir), de->d_name, 0);
	}
	if (dir)
		closedir(dir);
}


void power_cut(const char *folder, const char *log, enum power_how how,
	       uint32_t *state, struct power_sum *sum)
{
	struct cut c = {.folder = folder, .log = log, .how = how,
		.state = state};
	size_t i;

	notes_read(&c);
	notes_unsafe(&c);
	undo(&c, how == POWER_NOTHING ? 0
	     : power_random(state) % (c.notec + 1));
	volatile_remove(folder);
	power_forget(log);

	if (sum) {
		++sum->cuts;
		sum->hurt   += c.sum.data || c.sum.names;
		sum->data   += c.sum.data;
		sum->names  += c.sum.names;
		sum->octets += c.sum.octets;
	}
	for (i=0; i<c.notec; i++) {
		free(c.notev[i].path1);
		free(c.notev[i].path2);
	}
	free(c.notev);
	mem_deref(c.text);
}
