/**
 * @file cmd.h  What the files of the commands share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CMD_H
#define CMD_H

#include "glue.h"

enum {
	CONVS_DEFAULT = 50,
	CONVS_MAX     = 80,   /* each with some 2,500 octets at most        */
	MSGS_DEFAULT  = 20,
	MSGS_MAX      = 100,
	SESSIONS_DEFAULT = 100,
	SESSIONS_MAX  = 500,  /* fewer if they do not fit an answer         */
	DEFERRED_MAX  = 100,  /* each with some 2,000 octets at most        */
	TEXT_SIZE     = 1200, /* octets of an error text: what the host takes
			         as parameters may be in it                 */
};

/** One command being carried out */
struct ctx {
	struct cpm *cpm;
	struct drafts *drafts;
	struct filetype *filetype;
	struct odict *in;
	struct odict *out;
	uint64_t id;           /* of a message that is kept now: this is the
			          answer                                    */
	char text[TEXT_SIZE];  /* what went wrong */
};

/** A command: reads in, fills out. @return 0 or errno, see fail() */
typedef int (run_h)(struct ctx *ctx);

/** Say why. @return err */
int fail(struct ctx *ctx, int err, const char *fmt, ...);

/* read.c */
run_h run_status, run_conversations, run_messages, run_message, run_sessions;

/* act.c */
run_h run_display, run_imdn, run_policy, run_accept, run_decline, run_close,
	run_delete, run_export, run_composing;

/* send.c */
run_h run_send, run_draft, run_cancel;

/* pull.c */
run_h run_deferred, run_pull;

#endif
