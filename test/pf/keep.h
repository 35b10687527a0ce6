/**
 * @file keep.h  What keep.c and body.c share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PF_KEEP_H
#define PF_KEEP_H

#include <stdio.h>
#include <sqlite3.h>

enum stmt {
	ST_PUT, ST_NEXT, ST_NEXT_ANY, ST_LANES, ST_CONV_GET,
	ST_CONV_PUT, ST_REMOVE, ST_SPOOL,
	ST_COUNT, ST_LEFT, ST_LAST, ST_EXPIRED, ST_EXPIRY, ST_NOTICE,
	ST_COUNT_GET, ST_NOTICES, ST_WAITING,
	ST_MAX
};

struct keep {
	sqlite3 *db;
	sqlite3_stmt *st[ST_MAX];
	char *dir;           /* large bodies that clients have sent         */
	bool temp;           /* that goes with us                           */
};

/* body.c */
int  body_fill(struct keep *k, uint64_t seq, FILE *f, uint64_t size);
int  body_size(uint64_t *sizep, FILE *f);
int  spool_open(struct keep *k, const char *file);
void spool_close(struct keep *k);
void spool_remove(const struct keep *k, const char *name);

#endif
