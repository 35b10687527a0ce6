/**
 * @file outbox.h  What the files of the outbox share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef OUTBOX_H
#define OUTBOX_H

struct pager;

struct outbox {
	struct cpm *cpm;
	struct list reportl;  /* on their way, or their result being stored */
	struct tmr tmr;       /* until the next one is due                  */
	bool looking;         /* results may come while we look             */
};

/* One notification on its way, or its result being stored */
struct report {
	struct le le;
	struct outbox *ob;
	uint64_t id;
	uint64_t msg;
	uint64_t sender;
	enum cpm_report kind;
	uint32_t tries;
	char *aor;
	struct pager *pager;  /* NULL: its result is being stored           */
	enum cpm_report_state result;
	uint16_t scode;
	uint64_t next;        /* when its sender's turn comes again         */
	uint32_t storec;      /* times that the store could not say so      */
	struct tmr tmr;       /* until it is told again                     */
};

/* outbox.c */

/** The account can send: it is there, and registered if it is meant to be.
    @param acc may be NULL */
bool outbox_isready(struct outbox *ob, const char *aor,
		    struct cpm_account *acc);

/* report.c */

/** Send it. What becomes of it is told to the store.
    @return 0; ENOMEM: it was not begun */
int report_send(struct outbox *ob, const struct cpm_account *acc,
		const struct cpm_due *due);

#endif
