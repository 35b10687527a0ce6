/**
 * @file power.h  What the power-cut layer notes, and who reads it
 *
 * power.so is loaded into a program (LD_PRELOAD). Before the program changes
 * a file or a folder below CPM_POWER_DIR, what undoes the change is noted in
 * CPM_POWER_LOG/log; once an fsync() has returned, that is noted as well. The
 * notes are in the page cache: a kill -9 does not hurt them. What is noted
 * and not synced is what a loss of power may take away.
 *
 * Beside the log there is a hard link to each file that was touched, named
 * after its inode, so that it can be found whatever became of its names, and
 * no inode number is used twice.
 *
 * Strict where file systems are kind: a new name is lost unless its folder
 * was synced after that, also when the file itself was.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef POWER_H
#define POWER_H

#include <stdint.h>

enum {
	POWER_MAGIC = 0x72776f70,
	POWER_PIECE = 65536,    /* octets of a file in one record, at most  */
};

/* Records begin where they may be read as such */
#define POWER_PAD(len) (((len) + 7) & ~(size_t)7)

enum power_op {
	POWER_DATA = 1,  /* octets are written, or the size changes         */
	POWER_CREATE,    /* a name for a file: open, link                   */
	POWER_MKDIR,
	POWER_UNLINK,
	POWER_RENAME,
	POWER_SYNC,      /* of a file or folder, as far as it was noted     */
	POWER_SYNC_ALL,
};

/* What follows: len octets of old content, the first path, the second, zeros
   as POWER_PAD() wants them */
struct power_rec {
	uint32_t magic;
	uint32_t op;
	uint64_t ino;    /* the file; SYNC: also a folder                   */
	uint64_t ino2;   /* RENAME: the file that loses the name, or 0      */
	uint64_t dir;    /* the folder that holds the name                  */
	uint64_t dir2;   /* RENAME: the folder of the new name              */
	uint64_t off;    /* DATA: where; SYNC: how far in the log it reaches */
	uint64_t size;   /* DATA: of the file before                        */
	uint64_t end;    /* DATA: end of what is written, 0 = cut off       */
	uint32_t len;
	uint32_t len1;
	uint32_t len2;
	uint32_t pad;
};

#endif
