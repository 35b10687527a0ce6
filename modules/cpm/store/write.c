/**
 * @file write.c  What a job does to the database, inside a transaction
 *
 * Runs in the writer. A job returns ENOENT or EALREADY only if it changed
 * nothing; after any other error the transaction has to be rolled back.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


static int salt_read(struct write *w)
{
	const void *salt;
	struct dbq q;
	size_t len = 0;
	int err;

	dbq_start(&q, w->db, SQL_SALT);
	err = dbq_step(&q);
	if (!err) {
		salt = dbq_mem(&q, 0, &len);
		if (salt && len == sizeof(w->salt))
			memcpy(w->salt, salt, len);
		else
			err = EBADMSG;
	}
	dbq_end(&q);

	return err == ENOENT ? EBADMSG : err;
}


static int announced_read(struct write *w)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_ANNOUNCED_ANY);
	err = dbq_step(&q);
	if (!err)
		w->announced = dbq_get(&q, 0) > 0;
	dbq_end(&q);

	return err;
}


static int last_id_read(struct write *w)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_LAST_ID);
	err = dbq_step(&q);
	if (!err)
		w->last_id = dbq_get(&q, 0);
	dbq_end(&q);

	return err;
}


int write_init(struct write *w, struct db *db, struct spool *spool,
	       const struct cpm_limits *lim)
{
	int err;

	memset(w, 0, sizeof(*w));
	w->db    = db;
	w->spool = spool;
	w->lim   = lim;

	err = salt_read(w);
	if (!err)
		err = last_id_read(w);
	if (!err)
		err = announced_read(w);
	if (!err)
		err = seen_alloc(&w->seen, db);
	if (!err)
		err = convs_alloc(&w->convs, db);
	if (!err)
		err = usage_alloc(&w->usage, db);
	if (err) {
		write_close(w);
		return err;
	}

	w->add = usage_totals(w->usage);

	return 0;
}


void write_close(struct write *w)
{
	seen_free(w->seen);
	convs_free(w->convs);
	usage_free(w->usage);
	memset(w, 0, sizeof(*w));
}


void write_begin(struct write *w)
{
	w->kept_id = w->last_id;
	w->free = room_free(w->lim, w->spool);
	w->refused.err = 0;
}


int write_flush(struct write *w)
{
	int err = convs_flush(w->convs);

	return err ? err : sender_flush(w);
}


void write_end(struct write *w, bool committed)
{
	if (!committed) {
		w->last_id = w->kept_id;
		sender_forget(w);
	}

	convs_drop(w->convs);
	seen_end(w->seen, committed);
	usage_end(w->usage, committed);
}


/* One statement with up to two numbers */
static int run(struct write *w, enum sql id, uint64_t a, uint64_t b,
	       int argc, uint64_t *rowsp)
{
	struct dbq q;

	dbq_start(&q, w->db, id);
	dbq_int(&q, 1, a);
	if (argc > 1)
		dbq_int(&q, 2, b);

	return dbq_run(&q, rowsp);
}


static int unread_sub(struct write *w, uint64_t conv, uint64_t n)
{
	w->add->unread -= (int64_t)n;

	return n ? run(w, SQL_CONV_UNREAD, conv, n, 2, NULL) : 0;
}


struct msg_state {
	uint64_t conv;
	bool in;
	bool unread;
	uint64_t size;
};


static int msg_state(struct write *w, uint64_t id, struct msg_state *ms)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_MSG_STATE);
	dbq_int(&q, 1, id);
	err = dbq_step(&q);
	if (!err) {
		ms->conv   = dbq_get(&q, 0);
		ms->in     = dbq_get(&q, 1) == CPM_IN;
		ms->unread = !dbq_get(&q, 2);
		ms->size   = dbq_get(&q, 3);
	}
	dbq_end(&q);

	return err;
}


static int display_one(struct write *w, uint64_t id, bool report)
{
	struct msg_state ms;
	uint64_t rows = 0;
	int err;

	err = msg_state(w, id, &ms);
	if (err)
		return err;
	if (!ms.in)
		return ENOENT;

	if (ms.unread) {
		err = run(w, SQL_MSG_READ, id, 0, 1, NULL);
		if (!err)
			err = unread_sub(w, ms.conv, 1);
	}
	if (!err && report)
		err = report_make(w, id, CPM_DISPLAYED, &rows);

	return err;
}


static int job_display(struct write *w, struct job *job)
{
	bool any = false;
	size_t i;
	int err;

	for (i=0; i<job->idc; i++) {
		err = display_one(w, job->idv[i], job->report);
		if (err && err != ENOENT)
			return err;

		any |= !err;
	}

	return any ? 0 : ENOENT;
}


/* ENOENT if there is no such conversation.
   @param octets that its account gets, if not 0 */
static int conv_account(struct write *w, uint64_t conv, int64_t octets)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_CONV_IS);
	dbq_int(&q, 1, conv);
	err = dbq_step(&q);
	if (!err && octets)
		err = usage_octets(w->usage, dbq_str(&q, 0), octets);
	dbq_end(&q);

	return err;
}


static int job_display_conv(struct write *w, struct job *job)
{
	uint64_t rows = 0;
	int err;

	err = conv_account(w, job->conv, 0);
	if (!err && job->report)
		err = report_make_conv(w, job->conv, job->last,
				       CPM_DISPLAYED);
	if (err)
		return err;

	err = run(w, SQL_MSG_READ_CONV, job->conv, job->last, 2, &rows);
	if (err)
		return err;

	return unread_sub(w, job->conv, rows);
}


/* What goes with rows that are deleted */
struct dropped {
	uint64_t rows;
	uint64_t unread;
	uint64_t octets;
};


/* Notes the files */
static int files_drop(struct write *w, enum sql id, uint64_t row,
		      struct dropped *dp)
{
	struct dbq q;
	int err;

	memset(dp, 0, sizeof(*dp));
	dbq_start(&q, w->db, id);
	dbq_int(&q, 1, row);
	while (!(err = dbq_step(&q))) {
		dp->rows   += 1;
		dp->unread += !dbq_get(&q, 0);
		dp->octets += dbq_get(&q, 1);
		err = spool_drop(w->spool, dbq_str(&q, 2));
		if (err)
			break;
	}
	dbq_end(&q);

	return err == ENOENT ? 0 : err;
}


static int delete_conv(struct write *w, uint64_t conv)
{
	struct dropped d;
	int err;

	err = files_drop(w, SQL_FILES_CONV, conv, &d);
	if (err)
		return err;
	if (!d.rows)
		return ENOENT;

	err = conv_account(w, conv, -(int64_t)d.octets);
	if (!err)
		err = run(w, SQL_GONE_ADD_CONV, conv, 0, 1, NULL);
	if (!err)
		err = queue_left_all(w, conv);
	if (!err)
		err = run(w, SQL_SENT_DEL_CONV, conv, 0, 1, NULL);
	if (!err)
		err = run(w, SQL_MSG_DEL_CONV, conv, 0, 1, NULL);
	if (!err)
		err = run(w, SQL_CONV_EMPTY, conv, 0, 1, NULL);

	w->add->messages      -= (int64_t)d.rows;
	w->add->unread        -= (int64_t)d.unread;
	w->add->conversations -= 1;

	return err;
}


/* @param leftp messages that remain */
static int conv_drop(struct write *w, const struct msg_state *ms,
		     uint64_t *leftp)
{
	struct dbq q;
	int err;

	err = conv_account(w, ms->conv, -(int64_t)ms->size);
	if (err)
		return err == ENOENT ? EIO : err;

	dbq_start(&q, w->db, SQL_CONV_DROP);
	dbq_int(&q, 1, ms->conv);
	dbq_int(&q, 2, ms->unread);
	dbq_int(&q, 3, ms->size);
	err = dbq_step(&q);
	if (!err)
		*leftp = dbq_get(&q, 0);
	if (err) {
		dbq_end(&q);
		return err == ENOENT ? EIO : err;
	}

	return dbq_run(&q, NULL);
}


/* Deleted is not to be sent any more */
static int sent_drop(struct write *w, uint64_t id)
{
	struct sent_state was;
	int err;

	err = queue_state(w, id, &was);
	if (err)
		return err == ENOENT ? 0 : err;

	err = run(w, SQL_SENT_DEL, id, 0, 1, NULL);

	return err ? err : queue_left(w, id, &was);
}


int write_delete(struct write *w, uint64_t id)
{
	struct msg_state ms;
	struct dropped d;
	uint64_t left = 0;
	int err;

	err = msg_state(w, id, &ms);
	if (err)
		return err;

	err = files_drop(w, SQL_FILE, id, &d);
	if (!err)
		err = run(w, SQL_GONE_ADD, id, 0, 1, NULL);
	if (!err && !ms.in)
		err = sent_drop(w, id);
	if (!err)
		err = run(w, SQL_MSG_DEL, id, 0, 1, NULL);
	if (!err)
		err = conv_drop(w, &ms, &left);

	w->add->messages      -= 1;
	w->add->unread        -= ms.unread;
	w->add->conversations -= !left;

	return err;
}


static int job_delete(struct write *w, struct job *job)
{
	return job->id ? write_delete(w, job->id) : delete_conv(w, job->conv);
}


static int job_policy(struct write *w, struct job *job)
{
	const bool none = job->deferred == CPM_ANSWER_DEFAULT &&
		job->delivery_imdn == CPM_TRI_DEFAULT &&
		job->display_imdn == CPM_TRI_DEFAULT &&
		job->chat == CPM_ANSWER_DEFAULT;
	struct dbq q;

	/* a line that says nothing is no line */
	dbq_start(&q, w->db, none ? SQL_POLICY_DEL : SQL_POLICY_SET);
	dbq_text(&q, 1, job->account);
	dbq_text(&q, 2, job->peer);
	if (!none) {
		dbq_int(&q, 3, job->deferred);
		dbq_int(&q, 4, job->delivery_imdn);
		dbq_int(&q, 5, job->display_imdn);
		dbq_int(&q, 6, job->chat);
	}

	return dbq_run(&q, NULL);
}


int write_job(struct write *w, struct job *job)
{
	static int (*const jobv[])(struct write *, struct job *) = {
		[JOB_PUT]          = write_put,
		[JOB_DISPLAY]      = job_display,
		[JOB_DISPLAY_CONV] = job_display_conv,
		[JOB_REPORT_ADD]   = report_add,
		[JOB_REPORT_MOVE]  = report_move,
		[JOB_DELETE]       = job_delete,
		[JOB_POLICY]       = job_policy,
		[JOB_SWEEP]        = write_sweep,
		[JOB_STATUS]       = sent_move,
		[JOB_ANNOUNCE]     = write_announce,
		[JOB_FETCHED]      = write_fetched,
		[JOB_OUT]          = write_out,
		[JOB_WAKE]         = write_wake,
	};
	const bool apart = job->type == JOB_PUT || job->type >= JOB_STATUS;
	int err;

	/* it may ask for, and change, what is noted for later */
	if (!apart) {
		err = convs_flush(w->convs);
		if (err)
			return err;
	}

	return jobv[job->type](w, job);
}
