/**
 * @file trust_unit.h  What the tests of trust and of names share: a name
 *                     server of their own
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TRUST_UNIT_H
#define TRUST_UNIT_H

#include "unit.h"
#include "mock/clock.h"
#include "mock/names.h"
#include "mock/oom.h"
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/trust.h"


enum {
	TURNS = 3,
	TURN  = 2,            /* ms between two looks                       */
	LIMIT = 10000,        /* ms: then what it waits for does not come   */
	DAY   = 86400,        /* s                                          */
};

struct trust_unit {
	struct names *ns;
	struct dnsc *dnsc;
	struct list namel;
	struct name *n;
	struct cpm cpm;
	struct trust *trust;
	struct cpm_account acc;
	bool gone;            /* the softphone has no such account          */
	struct tmr tmr;
	bool (*until)(void);
	uint64_t limit;
	unsigned turns;
};

extern struct trust_unit tu;

void tu_setup(void);
void tu_teardown(void);

struct sa tu_addr(const char *str);

/* The main loop until a condition holds */
void tu_wait(bool (*done)(void));

/* What the server has sent is in our socket: take it */
void tu_taken(void);

struct dnsc *tu_dnsc(void *arg);

void names_tests(Suite *suite);

#endif
