/**
 * @file store_fail.h  A disk that fails when told to
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef STORE_FAIL_H
#define STORE_FAIL_H

#include <stdbool.h>

enum store_fail {
	STORE_FAIL_WRITE = 1,
	STORE_FAIL_SYNC  = 2,
	STORE_FAIL_READ  = 4,
};

/** Put it below every database that is opened from now on */
void store_fail_install(void);

/**
 * From now on these operations fail
 *
 * @param ops Set of enum store_fail; 0: none
 * @param rc  SQLite's result code, e.g. SQLITE_FULL
 */
void store_fail_set(unsigned ops, int rc);

enum {                         /* no result codes: */
	STORE_FAIL_DIE  = -1,  /* SIGKILL to this process                 */
	STORE_FAIL_HOLD = -2,  /* it waits until something else is set,
				  and then succeeds                       */
};

/**
 * The same, but so many of them still succeed
 *
 * @param left Operations until the first one that fails
 */
void store_fail_after(unsigned ops, int rc, unsigned left);

/** @return true if any has failed since it was set */
bool store_fail_hit(void);

#endif
