/**
 * @file report.h  What the tests of notifications ask for
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef REPORT_H
#define REPORT_H

#include "suite.h"
#include "scene.h"

/** The next notification is this one, for the first time */
void told(struct scene *s, const char *id, const char *status);

/**
 * Notifications that can go, go at once. So when the one for this new message
 * of another sender is the next to come, none was wrongly sent before.
 */
void nothing_else(struct scene *s, const char *id);

/** What the PF has counted, and that it had no complaint */
void stats_are(struct scene *s, int64_t imdn, int64_t repeats);

/** Where the notifications of a message stand */
void states_are(struct scene *s, int id, const char *delivery,
		const char *disp);

#endif
