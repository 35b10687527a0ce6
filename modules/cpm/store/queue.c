/**
 * @file queue.c  Messages of ours that are to be sent, one after the other
 *
 * Runs in the writer, inside a transaction. Whoever adds, moves or deletes one
 * says so here: whose turn it is in a conversation is kept with it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


int queue_joined(struct write *w, uint64_t conv, uint64_t id)
{
	struct dbq q;

	++w->add->queued;
	dbq_start(&q, w->db, SQL_TURN_BEGIN);
	dbq_int(&q, 1, conv);
	dbq_int(&q, 2, id);

	return dbq_run(&q, NULL);
}


/* @param was Before: it has left, or is deleted, since */
int queue_left(struct write *w, uint64_t id, const struct sent_state *was)
{
	struct dbq q;

	if (!was->queue)
		return 0;

	--w->add->queued;
	dbq_start(&q, w->db, SQL_TURN_LEFT);
	dbq_int(&q, 1, was->queue);
	dbq_int(&q, 2, id);
	dbq_int(&q, 3, was->status == CPM_OUT_QUEUED);

	return dbq_run(&q, NULL);
}


/* All of it is about to be deleted, and its turn with it */
int queue_left_all(struct write *w, uint64_t conv)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_QUEUED_SUM_CONV);
	dbq_int(&q, 1, conv);
	err = dbq_step(&q);
	if (!err)
		w->add->queued -= (int64_t)dbq_get(&q, 0);
	dbq_end(&q);

	return err;
}


/* @return 0; ENOENT: it is none of ours, or of a version that sent nothing */
int queue_state(struct write *w, uint64_t id, struct sent_state *state)
{
	struct dbq q;
	int err;

	memset(state, 0, sizeof(*state));
	dbq_start(&q, w->db, SQL_SENT_STATE);
	dbq_int(&q, 1, id);
	err = dbq_step(&q);
	if (!err) {
		state->status = (enum cpm_out)dbq_get(&q, 0);
		state->queue  = dbq_get(&q, 1);
	}
	dbq_end(&q);

	return err;
}


static int sending(struct write *w, const struct job *job)
{
	struct dbq q;

	dbq_start(&q, w->db, SQL_OUT_SENDING);
	dbq_int(&q, 1, job->id);
	dbq_int(&q, 2, job->move->mode);
	dbq_text(&q, 3, job->move->contrib);

	return dbq_run(&q, NULL);
}


static int again(struct write *w, const struct job *job, uint64_t conv)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_OUT_AGAIN);
	dbq_int(&q, 1, job->id);
	dbq_int(&q, 2, job->move->code);
	dbq_text(&q, 3, job->move->reason);
	err = dbq_run(&q, NULL);
	if (err)
		return err;

	dbq_start(&q, w->db, SQL_TURN_WAIT);
	dbq_int(&q, 1, conv);
	dbq_int(&q, 2, job->next);
	dbq_int(&q, 3, job->move->told);

	return dbq_run(&q, NULL);
}


int write_out(struct write *w, struct job *job)
{
	struct sent_state now;
	int err;

	err = queue_state(w, job->id, &now);
	if (err)
		return err;
	if (!now.queue)
		return EALREADY;

	switch (job->move->to) {

	case CPM_OUT_QUEUED:
		return again(w, job, now.queue);

	case CPM_OUT_SENDING:
		return sending(w, job);

	default:
		return sent_set(w, job->id, &now, job->move);
	}
}


int write_wake(struct write *w, struct job *job)
{
	struct dbq q;

	dbq_start(&q, w->db, SQL_TURN_WAKE);
	dbq_text(&q, 1, job->account);

	return dbq_run(&q, NULL);
}
