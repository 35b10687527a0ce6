/**
 * @file put.c  Keeping a message, with its conversation and reports
 *
 * Runs in the writer, inside a transaction.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


static uint64_t identity(const struct write *w, const struct cpm_msg *msg,
			 enum cpm_kind kind)
{
	const char *who = kind == CPM_GROUP ? msg->key : msg->peer;
	const uint8_t k = (uint8_t)kind;
	struct hash h;

	if (!who)
		who = "";

	/* with their final zeros, so that no two add up to the same */
	hash_start(&h, w->salt);
	hash_add(&h, &k, sizeof(k));
	hash_add(&h, msg->account, strlen(msg->account) + 1);
	hash_add(&h, who, strlen(who) + 1);
	hash_add(&h, msg->msgkey, strlen(msg->msgkey) + 1);

	return hash_end(&h);
}


struct asked {
	struct write *w;
	struct job *job;
	const struct conv_row *conv;
};


/* The same hash: is it the same message? */
static int known_handler(uint64_t id, void *arg)
{
	const struct asked *a = arg;
	const bool group = a->conv->kind == CPM_GROUP;
	struct job *job = a->job;
	struct dbq q;
	int err;

	dbq_start(&q, a->w->db, group ? SQL_KNOWN_GROUP : SQL_KNOWN_CHAT);
	dbq_int(&q, 1, id);
	dbq_text(&q, 2, job->msg->msgkey);
	if (group) {
		dbq_int(&q, 3, a->conv->id);
	}
	else {
		dbq_text(&q, 3, job->msg->account);
		dbq_text(&q, 4, job->msg->peer);
	}

	err = dbq_step(&q);
	if (!err) {
		job->res.id           = dbq_get(&q, 0);
		job->res.conversation = dbq_get(&q, 1);
		job->res.duplicate    = true;
	}
	dbq_end(&q);

	return err;
}


static void msg_bind(struct dbq *q, const struct cpm_msg *msg)
{
	dbq_int(q, 3, msg->direction);
	dbq_int(q, 4, msg->direction == CPM_OUT);
	dbq_text(q, 5, msg->peer);
	dbq_text(q, 6, msg->msgkey);
	dbq_text(q, 7, msg->name);
	dbq_text(q, 8, msg->imdn_id);
	dbq_text(q, 9, msg->conversation_id);
	dbq_text(q, 10, msg->contribution_id);
	dbq_text(q, 11, msg->in_reply_to);
	dbq_text(q, 12, msg->datetime);
	dbq_text(q, 13, msg->route);
	dbq_int(q, 14, msg->time);
	dbq_int(q, 15, msg->received);
	dbq_int(q, 16, msg->deferred);
	dbq_int(q, 17, msg->mode);
	dbq_text(q, 18, msg->type);
	dbq_int(q, 19, msg->notify);
	dbq_int(q, 20, msg->text);
}


static int msg_add(struct write *w, struct job *job,
		   const struct conv_row *conv, uint64_t hash)
{
	const bool text = job->msg->text;
	const struct bodyf *f = job->file;
	const bool spool = !f && job->bodyl &&
		(!text || job->bodyl > CPM_SPOOL_MIN);
	const uint8_t *body = f ? f->head : job->body;
	char name[SPOOL_NAME + 1];
	size_t inrow = f ? (text ? f->headl : 0) : job->bodyl;
	struct dbq q;
	int err;

	if (spool) {
		err = spool_put(w->spool, name, job->body, job->bodyl);
		if (err)
			return err;

		inrow = text ? STORE_TEXT_MAX : 0;
	}

	dbq_start(&q, w->db, SQL_MSG_ADD);
	dbq_delta(&q, 1, (int64_t)hash);
	dbq_int(&q, 2, conv->id);
	msg_bind(&q, job->msg);
	dbq_int(&q, 21, job->bodyl);
	dbq_text(&q, 22, f ? f->name : spool ? name : NULL);
	if (inrow)
		dbq_blob(&q, 23, body, inrow);
	dbq_int(&q, 24, w->last_id + 1);
	dbq_text(&q, 25, job->msg->filename);
	err = dbq_run(&q, NULL);
	if (err)
		return err;

	job->res.id           = ++w->last_id;
	job->res.conversation = conv->id;

	return seen_add(w->seen, hash, job->res.id);
}


static int reports_put(struct write *w, const struct job *job)
{
	const struct cpm_msg *msg = job->msg;
	const bool deliver = msg->report[CPM_DELIVERED] == CPM_REPORT_DUE;
	const bool display = msg->report[CPM_DISPLAYED] == CPM_REPORT_DUE;
	uint64_t sender = 0;
	int err = 0;

	if (!msg->peer || !msg->imdn_id)
		return 0;

	if (deliver || display)
		err = sender_due(w, msg->account, msg->peer, &sender);
	if (!err && deliver)
		err = report_put(w, job->res.id, CPM_DELIVERED, false,
				 sender);
	if (!err && display)
		err = report_put(w, job->res.id, CPM_DISPLAYED, deliver,
				 sender);

	return err;
}


static int add(struct write *w, struct job *job, struct conv_row *conv,
	       uint64_t hash)
{
	const struct cpm_msg *msg = job->msg;
	/* a large one is on the disk already */
	const uint64_t need = job->file ? 0 : job->bodyl;
	int err;

	err = room_quota(&w->refused, w->lim, msg->account,
			 usage_now(w->usage, msg->account), job->bodyl);
	if (!err)
		err = room_disk(&w->refused, w->lim, w->free, need);
	if (err) {
		job->refused = true;
		return err;
	}

	if (!conv->id) {
		err = convs_open(w->convs, conv);
		job->res.opened = true;
	}
	if (!err)
		err = msg_add(w, job, conv, hash);
	if (!err)
		err = msg->direction == CPM_IN ? reports_put(w, job)
			: sent_put(w, job);
	if (!err)
		err = usage_octets(w->usage, msg->account,
				   (int64_t)job->bodyl);
	if (!err)
		err = write_came(w, msg);
	if (err)
		return err == ENOENT ? EIO : err;

	w->free -= need;
	w->add->messages      += 1;
	w->add->conversations += !conv->messages;
	w->add->unread        += msg->direction == CPM_IN;
	convs_note(conv, job);

	return 0;
}


int write_put(struct write *w, struct job *job)
{
	struct conv_row *conv;
	struct asked asked = {.w = w, .job = job};
	uint64_t hash;
	int err;

	memset(&job->res, 0, sizeof(job->res));

	err = convs_find(w->convs, &conv, job->msg);
	if (err)
		return err;

	hash = identity(w, job->msg, conv->kind);
	asked.conv = conv;
	err = seen_find(w->seen, hash, known_handler, &asked);
	if (!err)
		return write_came(w, job->msg);

	return err == ENOENT ? add(w, job, conv, hash) : err;
}
