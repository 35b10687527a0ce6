/**
 * @file oom.h  Memory that runs out when told to
 *
 * Takes the place of libre's mem_*() in the whole program (calls from within
 * libre come here as well), of the C library's calls that take memory as far
 * as our objects make them (the linker's --wrap, see mk/test.mk), of Expat's
 * and, once installed, of SQLite's allocator. What is in use is counted: a
 * debug build of libre is not needed.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef OOM_H
#define OOM_H

#include <stdbool.h>
#include <stddef.h>

/** Blocks in use */
struct oom_live {
	size_t re;      /**< mem_alloc() and what is made of it       */
	size_t db;      /**< of SQLite, all connections               */
	size_t xml;     /**< of Expat                                 */
};

/** Stand below SQLite; before the first use of it in this process. From then
    on it syncs nothing to the disk, for speed.
    @return 0; SQLite's error */
int oom_install(void);

/**
 * From now on count allocations, of any thread, and let one fail
 *
 * @param at  Which one, from 1; 0: none, they are counted only
 * @param on  And all that come after it, until oom_disarm()
 */
void oom_arm(unsigned at, bool on);

/** No more failures. @return How many there were since oom_arm() */
unsigned oom_disarm(void);

/** Allocations between the last oom_arm() and oom_disarm() */
unsigned oom_count(void);

/** What is in use now */
struct oom_live oom_live(void);

#endif
