/**
 * @file export_unit.h  What the tests of an export share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef EXPORT_UNIT_H
#define EXPORT_UNIT_H

#include "unit/store_unit.h"
#include "../../modules/cpm/engine/engine.h"

struct xp {
	struct cpm cpm;         /* as much of an engine as is needed     */
	char out[400];          /* where to                              */
	char files[420];        /* its bodies                            */

	unsigned n;             /* events; the last one:                 */
	uint32_t number;
	bool done;
	uint64_t messages;
	uint64_t lost;
	char path[512];
	char text[128];
};

extern struct xp xp;

void xp_setup_open(void);
void xp_open(void);

/* Run one to its end */
void xp_run(uint64_t conv);

/* Until the one that runs, the first, has ended */
void xp_wait(void);

/* Files and folders beside the store's */
unsigned xp_beside(void);

/* A message with a body of so many octets that is no text. Its id */
uint64_t xp_put_file(const char *key, size_t size);

/* Path of its body */
const char *xp_spool_file(uint64_t id);

#endif
