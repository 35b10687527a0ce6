/**
 * @file oom_unit.h  What the suites about memory that runs out share
 *
 * One operation is done again and again; each time another of its allocations
 * fails: alone, or with all that follow. Nothing here knows how the store is
 * made inside.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef OOM_UNIT_H
#define OOM_UNIT_H

#include "unit/store_unit.h"
#include "mock/oom.h"

/** What is in the store that every round begins with */
struct oom_ids {
	uint64_t text;          /* unread, asks for both notifications     */
	uint64_t large;         /* text in a file                          */
	uint64_t image;         /* in a file                               */
	uint64_t tried;         /* its delivery report has failed once     */
	uint64_t bob;           /* conversation of those                   */
	uint64_t group;         /* another one                             */
	uint64_t queued;        /* of ours, waits for its next try         */
	uint64_t waiting;       /* conversation of that, and of another    */
	uint64_t report[3];     /* that are due                            */
};

struct oom_round {
	unsigned at;            /* which allocation fails                  */
	bool on;                /* and all that follow                     */
	unsigned failed;
	unsigned done;          /* results                                 */
	int err;                /* the last of them                        */
	int bad;                /* what may not happen while armed         */
	struct mbuf *text;      /* what a read hands out                   */
};

struct oom_op {
	const char *name;
	/* Does it once, armed by oo_arm(). @return its result */
	int (*run)(void);
};

extern struct oom_ids ids;
extern struct oom_round oo;

/** Begin and end of the part in which memory runs out */
void oo_arm(void);
int oo_end(int err);

/** For the store's write calls: wait for the result, and end */
void oo_put_handler(int err, const struct cpm_put_result *res, void *arg);
void oo_done_handler(int err, void *arg);
int oo_result(int err);

/** All that the store says about itself. @return mem_deref() it */
char *oo_describe(void);

/** As fx_open(), fx_reopen(): but nothing in it asserts while armed */
void oo_open(void);
void oo_reopen(void);

/** Build the store that every round begins with, closed */
void oo_template(void);

/** That store, closed; a folder of test/data instead of it */
void oo_restore(void);
void oo_restore_from(const char *folder);

/** It is open and takes a message */
void oo_works(void);

/** Each allocation of an operation fails in turn, one way and the other.
    @return how many failures there were */
unsigned oo_each(const struct oom_op *op);

/** Every allocation shall fail, however long that takes (CPM_OOM=full) */
bool oo_full(void);

/** The next allocation to fail: in a quick run of many not each. The last ones
    are all among them: they stand behind the point of no return.
    @param total as many as there are when none fails */
unsigned oo_next(unsigned at, unsigned total);

/** Open files of this process */
unsigned oo_files(void);

TCase *oom_store_case(void);
TCase *oom_queue_case(void);
TCase *oom_open_case(void);
TCase *oom_codec_case(void);
TCase *oom_send_case(void);
TCase *oom_relay_case(void);
TCase *oom_status_case(void);
TCase *oom_chat_case(void);

#endif
