/**
 * @file power.h  A power cut: what was not synced is thrown away
 *
 * A program runs with power.so (test/shim) and is killed with SIGKILL; then
 * power_cut() takes from the watched folder what a loss of power may take.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef E2E_POWER_H
#define E2E_POWER_H

#include "e2e.h"

enum power_how {
	POWER_NOTHING,    /* of what was not synced is left                 */
	POWER_PREFIX,     /* is left but the first changes, the last torn   */
	POWER_SCATTER,    /* names in order, of the data here and there a
			     sector: as disks with a cache do it            */
	POWER_HOWS,
};

/* Sums: what the cuts took */
struct power_sum {
	unsigned cuts;
	unsigned hurt;        /* of them, those that took anything          */
	uint64_t data;        /* changes of data that were undone           */
	uint64_t names;       /* changes of names                           */
	uint64_t octets;      /* of data                                    */
};

/** Is there a power.so (CPM_POWER)? */
bool power_there(void);

/**
 * Environment of a program under watch
 *
 * @param env    Environment
 * @param folder That is watched, with all below; need not be there. A path
 *               without links
 * @param log    Folder for the notes on the same file system; is made
 * @param envv   3 strings: LD_PRELOAD (behind CPM_PRELOAD), folder and log
 */
void power_envv(struct env *env, const char *folder, const char *log,
		const char *envv[3]);

/**
 * The cut. The program is dead. What is left counts as synced from now on.
 *
 * @param folder As for power_envv()
 * @param log    As well
 * @param how    What is left
 * @param state  Of the random numbers (xorshift, not 0)
 * @param sum    Added to; may be NULL
 */
void power_cut(const char *folder, const char *log, enum power_how how,
	       uint32_t *state, struct power_sum *sum);

/** Forget the notes: the machine lives on, only the program had died */
void power_forget(const char *log);

/** The next random number */
uint32_t power_random(uint32_t *state);

#endif
