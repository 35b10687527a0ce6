/**
 * @file announce.h  What the files of the announcements share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef ANNOUNCE_H
#define ANNOUNCE_H

/** Can it be the name of a message? */
bool announce_ref_valid(const char *ref);

#endif
