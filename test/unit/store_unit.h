/**
 * @file store_unit.h  What the suites of the store share
 *
 * Every test runs in a process of its own, with a folder, a store in it
 * (unless it opens one by itself) and libre's main loop.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef STORE_UNIT_H
#define STORE_UNIT_H

#include <cpm_queue.h>
#include "unit/unit.h"

struct fx {
	char dir[256];
	char path[300];         /* dir/cpm/cpm.db                  */
	struct cpm_store *st;

	unsigned done;          /* results so far                  */
	unsigned want;          /* results that end the main loop  */
	int err;                /* the last result                 */
	struct cpm_put_result res;

	unsigned batches;
	unsigned faults;
	char what[64];
	char text[256];
};

extern struct fx fx;

void fx_setup(void);        /* a folder, nothing opened            */
void fx_setup_open(void);
void fx_teardown(void);
void fx_open(void);
void fx_reopen(void);

/* handlers that count, and the loop until so many came */
void fx_put_handler(int err, const struct cpm_put_result *res, void *arg);
void fx_done_handler(int err, void *arg);
void fx_wait(unsigned n);

/* let the main loop do what waits */
void fx_turn(void);

/* wait for the result of a call that returned err; that result */
int fx_result(int err);

/* A message from sip:bob@example.net in conversation "c1": change it, put it.
   Text is the body. */
struct cpm_msg *fx_msg(const char *msgkey, const char *text);
void fx_set(char **strp, const char *val);
void fx_body(struct cpm_msg *msg, const void *p, size_t len);

/* Put it, release it, wait. Returns the result; fx.res is set. */
int fx_put(struct cpm_msg *msg);
uint64_t fx_put_ok(const char *msgkey, const char *text);

/* Number of files in the spool folder */
unsigned fx_spooled(void);

/* Number of entries beside the database that begin so; path of the one that
   begins and ends so */
unsigned fx_aside(const char *begin);
void fx_aside_path(char *path, size_t size, const char *begin,
		   const char *end);

/* Run SQL on a connection of the test's own; the first column of the first
   row, as number */
int64_t fx_sql(const char *sql);

struct cpm_counts fx_counts(void);

/* A message of ours to Bob that is to be sent */
struct cpm_msg *fx_out(const char *conv, const char *id, const char *text);

/* How many conversations have one whose turn is now */
unsigned fx_heads(const char *account, uint64_t now);

/* The queue is what its messages say */
void fx_queue_sound(void);

TCase *store_write_case(void);
TCase *store_report_case(void);
TCase *store_sender_case(void);
TCase *store_sender_fail_case(void);
TCase *store_sender_migrate_case(void);
TCase *store_read_case(void);
TCase *store_open_case(void);
TCase *store_fail_case(void);
TCase *store_room_case(void);
TCase *store_migrate_case(void);
TCase *store_sweep_case(void);
TCase *store_sent_case(void);
TCase *store_announced_case(void);
TCase *store_export_case(void);
TCase *store_export_fail_case(void);
TCase *store_full_case(void);
TCase *store_wal_case(void);
TCase *store_damage_case(void);
TCase *store_wait_case(void);
TCase *store_body_case(void);
TCase *store_spool_case(void);
TCase *store_queue_case(void);
TCase *store_queue_many_case(void);
TCase *store_put_wait_case(void);
TCase *store_source_case(void);
TCase *store_conv_case(void);

#endif
