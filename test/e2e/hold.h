/**
 * @file hold.h  A disk that stands still for as long as a test likes
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef HOLD_H
#define HOLD_H

struct env;

/**
 * What is started from now on waits when it is to write to the disk.
 *
 * @param below The folder that it is about, within that of env
 *
 * @return The file: while it is there, it waits
 */
char *hold_open(struct env *env, const char *below);

/** Wait until something waits for it */
void hold_wait(struct env *env, const char *hold);

#endif
