/**
 * @file sent.c  Messages of ours: where they stand
 *
 * Runs in the writer, inside a transaction. A notification may come more than
 * once, late, or out of order, and its sender is not always who it should be:
 * a move looks at what is there first.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


#define FROM(status) (1u << (status))

/* From where a status is reached. What its recipient says is true whatever
   the network said before, and who has seen it did not fail to get it. */
static const unsigned legal[] = {
	[CPM_OUT_SENDING]   = FROM(CPM_OUT_QUEUED),
	[CPM_OUT_SENT]      = FROM(CPM_OUT_QUEUED) | FROM(CPM_OUT_SENDING),
	[CPM_OUT_DELIVERED] = FROM(CPM_OUT_QUEUED) | FROM(CPM_OUT_SENDING) |
			      FROM(CPM_OUT_SENT) | FROM(CPM_OUT_FAILED),
	[CPM_OUT_DISPLAYED] = FROM(CPM_OUT_QUEUED) | FROM(CPM_OUT_SENDING) |
			      FROM(CPM_OUT_SENT) | FROM(CPM_OUT_FAILED) |
			      FROM(CPM_OUT_DELIVERED),
	[CPM_OUT_FAILED]    = FROM(CPM_OUT_QUEUED) | FROM(CPM_OUT_SENDING) |
			      FROM(CPM_OUT_SENT),
};


int sent_put(struct write *w, const struct job *job)
{
	const struct cpm_msg *msg = job->msg;
	const bool queued = msg->status == CPM_OUT_QUEUED;
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_SENT_ADD);
	dbq_int(&q, 1, job->res.id);
	dbq_text(&q, 2, msg->imdn_id);
	dbq_int(&q, 3, msg->status ? msg->status : CPM_OUT_SENT);
	dbq_int(&q, 4, msg->code);
	dbq_text(&q, 5, msg->reason);
	if (queued)
		dbq_int(&q, 6, job->res.conversation);
	dbq_int(&q, 7, msg->wish);
	dbq_int(&q, 8, msg->fixed);
	dbq_text(&q, 9, msg->source);
	dbq_int(&q, 10, msg->source_mtime);
	if (msg->source)
		dbq_int(&q, 11, msg->size);
	err = dbq_run(&q, NULL);

	return err || !queued ? err
		: queue_joined(w, job->res.conversation, job->res.id);
}


/* A telephone number and the same as user of a SIP URI (RFC 3261, 19.1.6):
   networks tell the one for the other */
static bool same_number(const char *tel, const char *sip)
{
	const size_t len = strlen(tel) - strlen("tel:");

	return !strncmp(tel, "tel:", 4) && !strncmp(sip, "sip:", 4) && len &&
		!strncmp(sip + 4, tel + 4, len) && sip[4 + len] == '@';
}


static bool same_peer(const char *a, const char *b)
{
	return !strcmp(a, b) || same_number(a, b) || same_number(b, a);
}


/* @param peer Of the message. @return may this one speak for it? */
static bool may_tell(const struct job *job, bool group, const char *peer)
{
	return !job->peer || !peer || group || same_peer(peer, job->peer);
}


/* @return 0; ENOENT */
static int find(struct write *w, struct job *job, struct sent_state *now)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_SENT_FIND);
	dbq_text(&q, 1, job->move->id);
	dbq_text(&q, 2, job->account);
	while (!(err = dbq_step(&q))) {
		if (!may_tell(job, dbq_get(&q, 2) == CPM_GROUP,
			      dbq_str(&q, 3)))
			continue;

		job->res.id = dbq_get(&q, 0);
		now->status = (enum cpm_out)dbq_get(&q, 1);
		now->queue  = dbq_get(&q, 4);
		break;
	}
	dbq_end(&q);

	return err;
}


/* What is not to be sent any more leaves the queue */
int sent_set(struct write *w, uint64_t id, const struct sent_state *now,
	     const struct status_move *move)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_SENT_MOVE);
	dbq_int(&q, 1, id);
	dbq_int(&q, 2, move->to);
	dbq_int(&q, 3, move->code);
	dbq_text(&q, 4, move->reason);
	err = dbq_run(&q, NULL);

	return err || move->to == CPM_OUT_SENDING ? err
		: queue_left(w, id, now);
}


int sent_move(struct write *w, struct job *job)
{
	struct sent_state now = {CPM_OUT_NONE, 0};
	int err;

	memset(&job->res, 0, sizeof(job->res));
	err = find(w, job, &now);
	if (err)
		return err;
	if (!(legal[job->move->to] & FROM(now.status)))
		return EALREADY;

	return sent_set(w, job->res.id, &now, job->move);
}
