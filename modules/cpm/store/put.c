/**
 * @file put.c  Keeping a message, with its conversation and reports
 *
 * Runs in the writer, inside a transaction.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


struct conv_row {
	uint64_t id;           /* 0: there is none yet */
	enum cpm_kind kind;
	uint64_t messages;
};


static int conv_find(struct write *w, struct conv_row *conv,
		     const struct cpm_msg *msg)
{
	struct dbq q;
	int err;

	conv->id = 0;
	conv->kind = msg->kind;
	conv->messages = 0;

	dbq_start(&q, w->db, SQL_CONV_FIND);
	dbq_text(&q, 1, msg->account);
	dbq_text(&q, 2, msg->key);
	err = dbq_step(&q);
	if (!err) {
		conv->id = dbq_get(&q, 0);
		conv->kind = dbq_get(&q, 1) ? CPM_GROUP : CPM_CHAT;
		conv->messages = dbq_get(&q, 2);
	}
	dbq_end(&q);

	return err == ENOENT ? 0 : err;
}


static int conv_add(struct write *w, struct conv_row *conv,
		    const struct cpm_msg *msg)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_CONV_ADD);
	dbq_text(&q, 1, msg->account);
	dbq_text(&q, 2, msg->key);
	dbq_int(&q, 3, msg->kind);
	err = dbq_run(&q, NULL);
	if (!err)
		conv->id = db_last_id(w->db);

	return err;
}


/* The sender of a message to a group says nothing about the group, nor does
   the display name on a message of our own about the other side */
static int conv_put(struct write *w, const struct conv_row *conv,
		    const struct job *job)
{
	const struct cpm_msg *msg = job->msg;
	const bool chat = conv->kind == CPM_CHAT;
	const bool in = msg->direction == CPM_IN;
	struct dbq q;

	dbq_start(&q, w->db, SQL_CONV_PUT);
	dbq_int(&q, 1, conv->id);
	dbq_int(&q, 2, in);
	dbq_int(&q, 3, job->res.id);
	if (chat && (in || job->res.opened))
		dbq_text(&q, 4, msg->peer);
	if (chat && in)
		dbq_text(&q, 5, msg->name);
	dbq_text(&q, 6, msg->conversation_id);

	return dbq_run(&q, NULL);
}


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


static int known(struct write *w, struct job *job,
		 const struct conv_row *conv, uint64_t hash)
{
	const bool group = conv->kind == CPM_GROUP;
	struct dbq q;
	int err;

	dbq_start(&q, w->db, group ? SQL_KNOWN_GROUP : SQL_KNOWN_CHAT);
	dbq_delta(&q, 1, (int64_t)hash);
	dbq_text(&q, 2, job->msg->msgkey);
	if (group) {
		dbq_int(&q, 3, conv->id);
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
	err = dbq_run(&q, NULL);
	if (err)
		return err;

	job->res.id           = db_last_id(w->db);
	job->res.conversation = conv->id;

	return 0;
}


static int reports_put(struct write *w, const struct job *job)
{
	const struct cpm_msg *msg = job->msg;
	int kind, err;

	if (msg->direction != CPM_IN || !msg->peer || !msg->imdn_id)
		return 0;

	for (kind=CPM_DELIVERED; kind<=CPM_DISPLAYED; kind++) {
		struct dbq q;

		if (msg->report[kind] != CPM_REPORT_DUE)
			continue;

		dbq_start(&q, w->db, SQL_REPORT_PUT);
		dbq_int(&q, 1, job->res.id);
		dbq_int(&q, 2, (uint64_t)kind);
		dbq_int(&q, 3, kind == CPM_DISPLAYED &&
			msg->report[CPM_DELIVERED] == CPM_REPORT_DUE);
		err = dbq_run(&q, NULL);
		if (err)
			return err;

		++w->add.pending;
	}

	return 0;
}


int write_put(struct write *w, struct job *job)
{
	struct conv_row conv;
	uint64_t hash;
	int err;

	memset(&job->res, 0, sizeof(job->res));

	err = conv_find(w, &conv, job->msg);
	if (err)
		return err;

	hash = identity(w, job->msg, conv.kind);
	err = known(w, job, &conv, hash);
	if (err != ENOENT)
		return err;

	err = 0;
	if (!conv.id) {
		err = conv_add(w, &conv, job->msg);
		job->res.opened = true;
	}
	if (!err)
		err = msg_add(w, job, &conv, hash);
	if (!err)
		err = conv_put(w, &conv, job);
	if (!err)
		err = reports_put(w, job);
	if (err)
		return err == ENOENT ? EIO : err;

	w->add.messages      += 1;
	w->add.conversations += !conv.messages;
	w->add.unread        += job->msg->direction == CPM_IN;

	return 0;
}
