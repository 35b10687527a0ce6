/**
 * @file write.c  What a job does to the database, inside a transaction
 *
 * Runs in the writer. A job returns ENOENT only if it changed nothing; after
 * any other error the transaction has to be rolled back.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


int write_init(struct write *w, struct db *db, struct spool *spool)
{
	const void *salt;
	struct dbq q;
	size_t len = 0;
	int err;

	memset(w, 0, sizeof(*w));
	w->db    = db;
	w->spool = spool;

	dbq_start(&q, db, SQL_SALT);
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
	w->add.unread -= (int64_t)n;

	return n ? run(w, SQL_CONV_UNREAD, conv, n, 2, NULL) : 0;
}


/* @param conv set if there is such a message */
static int msg_state(struct write *w, uint64_t id, uint64_t *conv, bool *in,
		     bool *unread)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_MSG_STATE);
	dbq_int(&q, 1, id);
	err = dbq_step(&q);
	if (!err) {
		*conv   = dbq_get(&q, 0);
		*in     = dbq_get(&q, 1) == CPM_IN;
		*unread = *in && !dbq_get(&q, 2);
	}
	dbq_end(&q);

	return err;
}


static int report_make(struct write *w, uint64_t msg, enum cpm_report kind,
		       uint64_t *rowsp)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_REPORT_ADD);
	dbq_int(&q, 1, msg);
	dbq_int(&q, 2, kind);
	dbq_int(&q, 3, kind == CPM_DELIVERED ? NOTIFY_DELIVERY
		: NOTIFY_DISPLAY);
	err = dbq_run(&q, rowsp);
	if (!err)
		w->add.pending += (int64_t)*rowsp;

	return err;
}


static int display_one(struct write *w, uint64_t id, bool report)
{
	uint64_t conv = 0, rows = 0;
	bool in = false, unread = false;
	int err;

	err = msg_state(w, id, &conv, &in, &unread);
	if (err)
		return err;
	if (!in)
		return ENOENT;

	if (unread) {
		err = run(w, SQL_MSG_READ, id, 0, 1, NULL);
		if (!err)
			err = unread_sub(w, conv, 1);
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


static int conv_exists(struct write *w, uint64_t conv)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_CONV_IS);
	dbq_int(&q, 1, conv);
	err = dbq_step(&q);
	dbq_end(&q);

	return err;
}


static int job_display_conv(struct write *w, struct job *job)
{
	uint64_t rows = 0;
	struct dbq q;
	int err;

	err = conv_exists(w, job->conv);
	if (err)
		return err;

	if (job->report) {
		dbq_start(&q, w->db, SQL_REPORT_ADD_CONV);
		dbq_int(&q, 1, job->conv);
		dbq_int(&q, 2, CPM_DISPLAYED);
		dbq_int(&q, 3, NOTIFY_DISPLAY);
		dbq_int(&q, 4, job->last);
		err = dbq_run(&q, &rows);
		if (err)
			return err;

		w->add.pending += (int64_t)rows;
	}

	err = run(w, SQL_MSG_READ_CONV, job->conv, job->last, 2, &rows);
	if (err)
		return err;

	return unread_sub(w, job->conv, rows);
}


static int job_report_add(struct write *w, struct job *job)
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
		err = run(w, SQL_REPORT_HOLD, job->id, 0, 1, NULL);

	return err;
}


static int job_report_move(struct write *w, struct job *job)
{
	const bool retry = job->to == CPM_REPORT_DUE;
	uint64_t rows = 0;
	int err;

	err = run(w, retry ? SQL_REPORT_RETRY : SQL_REPORT_MOVE, job->id,
		  retry ? job->next : (uint64_t)job->to, 2, &rows);
	if (err)
		return err;
	if (!rows)
		return ENOENT;
	if (retry)
		return 0;

	w->add.pending -= 1;
	w->add.failed  += job->to == CPM_REPORT_FAILED;

	return run(w, SQL_REPORT_RELEASE, job->id, 0, 1, NULL);
}


/* Notes the files that go with the rows */
static int files_drop(struct write *w, enum sql id, uint64_t row,
		      uint64_t *rowsp, uint64_t *unreadp)
{
	struct dbq q;
	int err;

	*rowsp = *unreadp = 0;
	dbq_start(&q, w->db, id);
	dbq_int(&q, 1, row);
	while (!(err = dbq_step(&q))) {
		++*rowsp;
		*unreadp += !dbq_get(&q, 0) && !dbq_get(&q, 1);
		err = spool_drop(w->spool, dbq_str(&q, 2));
		if (err)
			break;
	}
	dbq_end(&q);

	return err == ENOENT ? 0 : err;
}


static int delete_conv(struct write *w, uint64_t conv)
{
	uint64_t rows, unread;
	int err;

	err = files_drop(w, SQL_FILES_CONV, conv, &rows, &unread);
	if (err)
		return err;
	if (!rows)
		return ENOENT;

	err = run(w, SQL_GONE_ADD_CONV, conv, 0, 1, NULL);
	if (!err)
		err = run(w, SQL_MSG_DEL_CONV, conv, 0, 1, NULL);
	if (!err)
		err = run(w, SQL_CONV_EMPTY, conv, 0, 1, NULL);

	w->add.messages      -= (int64_t)rows;
	w->add.unread        -= (int64_t)unread;
	w->add.conversations -= 1;

	return err;
}


/* @param leftp messages that remain */
static int conv_drop(struct write *w, uint64_t conv, bool unread,
		     uint64_t *leftp)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_CONV_DROP);
	dbq_int(&q, 1, conv);
	dbq_int(&q, 2, unread);
	err = dbq_step(&q);
	if (!err)
		*leftp = dbq_get(&q, 0);
	if (err) {
		dbq_end(&q);
		return err == ENOENT ? EIO : err;
	}

	return dbq_run(&q, NULL);
}


int write_delete(struct write *w, uint64_t id)
{
	uint64_t conv = 0, rows = 0, none = 0, left = 0;
	bool in = false, unread = false;
	int err;

	err = msg_state(w, id, &conv, &in, &unread);
	if (err)
		return err;

	err = files_drop(w, SQL_FILE, id, &rows, &none);
	if (!err)
		err = run(w, SQL_GONE_ADD, id, 0, 1, NULL);
	if (!err)
		err = run(w, SQL_MSG_DEL, id, 0, 1, NULL);
	if (!err)
		err = conv_drop(w, conv, unread, &left);

	w->add.messages      -= 1;
	w->add.unread        -= unread;
	w->add.conversations -= !left;

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
		job->display_imdn == CPM_TRI_DEFAULT;
	struct dbq q;

	/* a line that says nothing is no line */
	dbq_start(&q, w->db, none ? SQL_POLICY_DEL : SQL_POLICY_SET);
	dbq_text(&q, 1, job->account);
	dbq_text(&q, 2, job->peer);
	if (!none) {
		dbq_int(&q, 3, job->deferred);
		dbq_int(&q, 4, job->delivery_imdn);
		dbq_int(&q, 5, job->display_imdn);
	}

	return dbq_run(&q, NULL);
}


int write_job(struct write *w, struct job *job)
{
	static int (*const jobv[])(struct write *, struct job *) = {
		[JOB_PUT]          = write_put,
		[JOB_DISPLAY]      = job_display,
		[JOB_DISPLAY_CONV] = job_display_conv,
		[JOB_REPORT_ADD]   = job_report_add,
		[JOB_REPORT_MOVE]  = job_report_move,
		[JOB_DELETE]       = job_delete,
		[JOB_POLICY]       = job_policy,
		[JOB_SWEEP]        = write_sweep,
	};

	return jobv[job->type](w, job);
}


/* The totals change once a transaction */
int write_totals(struct write *w)
{
	static const struct totals none;
	struct dbq q;

	if (!memcmp(&w->add, &none, sizeof(none)))
		return 0;

	dbq_start(&q, w->db, SQL_TOTAL_ADD);
	dbq_delta(&q, 1, w->add.conversations);
	dbq_delta(&q, 2, w->add.messages);
	dbq_delta(&q, 3, w->add.unread);
	dbq_delta(&q, 4, w->add.pending);
	dbq_delta(&q, 5, w->add.failed);

	return dbq_run(&q, NULL);
}
