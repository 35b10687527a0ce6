/**
 * @file note.h  The notes of the power-cut layer, from within the program
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef NOTE_H
#define NOTE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "power.h"

/* A name below the folder that is watched */
struct name {
	char path[PATH_MAX];
	uint64_t dir;        /* inode of the folder that holds it           */
	bool there;
	struct stat st;      /* if it is there                              */
};

/** One that the layer does not understand must not pass for a test */
_Noreturn void note_die(const char *what, const char *path);

void note_lock(void);
void note_unlock(void);

/**
 * Look at a name
 *
 * @return true if what happens to it is to be noted
 */
bool note_name(struct name *n, int dirfd, const char *path);

/** An open file is one of ours, or is none any more */
void note_fd(int fd, bool ours);
bool note_is_ours(int fd);

/** Octets off to off+len are to be written; len 0: see note_size() */
void note_data(int fd, uint64_t off, uint64_t len);

/** The size is to change */
void note_size(int fd, uint64_t size);

/** It gets this name */
void note_entry(enum power_op op, const struct name *n, uint64_t ino);

/** It loses this name */
void note_unlink(const struct name *n);
void note_rename(const struct name *from, const struct name *to);

/** Keep a way to the file, whatever becomes of its names */
void note_keep_fd(int fd, uint64_t ino);

/** How far the log goes, before a sync: what another thread notes while the
    sync runs is not covered. All that is noted has been done as well */
uint64_t note_mark(void);

/** A sync has returned: what is noted before the mark is safe */
void note_sync(int fd, uint64_t mark);
void note_sync_all(uint64_t mark);

#endif
