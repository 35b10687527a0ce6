/**
 * @file store/report.c  The reports that a job makes or moves
 *
 * Runs in the writer, inside a transaction.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


static int run(struct write *w, enum sql id, uint64_t msg)
{
	struct dbq q;

	dbq_start(&q, w->db, id);
	dbq_int(&q, 1, msg);

	return dbq_run(&q, NULL);
}


int report_put(struct write *w, uint64_t msg, enum cpm_report kind,
	       bool held, uint64_t sender)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_REPORT_PUT);
	dbq_int(&q, 1, msg);
	dbq_int(&q, 2, kind);
	dbq_int(&q, 3, held);
	dbq_int(&q, 4, sender);
	err = dbq_run(&q, NULL);
	if (!err)
		++w->add->pending;

	return err;
}


/* One for each row: message, account, peer, held */
static int put_rows(struct write *w, struct dbq *q, enum cpm_report kind,
		    uint64_t *rowsp)
{
	uint64_t sender = 0;
	int err;

	*rowsp = 0;
	while (!(err = dbq_step(q))) {
		err = sender_due(w, dbq_str(q, 1), dbq_str(q, 2), &sender);
		if (!err)
			err = report_put(w, dbq_get(q, 0), kind,
					 dbq_get(q, 3), sender);
		if (err)
			break;

		++*rowsp;
	}
	dbq_end(q);

	return err == ENOENT ? 0 : err;
}


static uint64_t notify(enum cpm_report kind)
{
	return kind == CPM_DELIVERED ? NOTIFY_DELIVERY : NOTIFY_DISPLAY;
}


/* @param rowsp 0: it did not ask, has no sender, or the report is there */
int report_make(struct write *w, uint64_t msg, enum cpm_report kind,
		uint64_t *rowsp)
{
	struct dbq q;

	dbq_start(&q, w->db, SQL_REPORTABLE);
	dbq_int(&q, 1, msg);
	dbq_int(&q, 2, kind);
	dbq_int(&q, 3, notify(kind));

	return put_rows(w, &q, kind, rowsp);
}


/* For its messages that are not read, up to an id */
int report_make_conv(struct write *w, uint64_t conv, uint64_t last,
		     enum cpm_report kind)
{
	uint64_t rows = 0;
	struct dbq q;

	dbq_start(&q, w->db, SQL_REPORTABLE_CONV);
	dbq_int(&q, 1, conv);
	dbq_int(&q, 2, kind);
	dbq_int(&q, 3, notify(kind));
	dbq_int(&q, 4, last);

	return put_rows(w, &q, kind, &rows);
}


int report_add(struct write *w, struct job *job)
{
	uint64_t rows = 0;
	int err;

	err = report_make(w, job->id, job->kind, &rows);
	if (err)
		return err;
	if (!rows)
		return ENOENT;

	/* delivery goes out before display, also when it comes later */
	if (job->kind == CPM_DELIVERED)
		err = run(w, SQL_REPORT_HOLD, job->id);

	return err;
}


struct moved {
	uint64_t sender;
	uint64_t msg;
	enum cpm_report kind;
};

/* @return ENOENT if it is not due */
static int row_move(struct write *w, const struct job *job,
		    struct moved *moved)
{
	const bool retry = job->to == CPM_REPORT_DUE;
	struct dbq q;
	int err;

	dbq_start(&q, w->db, retry ? SQL_REPORT_RETRY : SQL_REPORT_MOVE);
	dbq_int(&q, 1, job->id);
	if (!retry)
		dbq_int(&q, 2, job->to);

	err = dbq_step(&q);
	if (err) {
		dbq_end(&q);
		return err;
	}

	moved->sender = dbq_get(&q, 0);
	moved->msg    = dbq_get(&q, 1);
	moved->kind   = dbq_get(&q, 2) ? CPM_DISPLAYED : CPM_DELIVERED;

	return dbq_run(&q, NULL);
}


int report_move(struct write *w, struct job *job)
{
	struct moved moved;
	int err;

	err = row_move(w, job, &moved);
	if (err)
		return err;

	if (job->to != CPM_REPORT_DUE) {
		w->add->pending -= 1;
		w->add->failed  += job->to == CPM_REPORT_FAILED;
		if (moved.kind == CPM_DELIVERED)
			err = run(w, SQL_REPORT_RELEASE, moved.msg);
	}

	return err ? err : sender_moved(w, moved.sender, job->next);
}
