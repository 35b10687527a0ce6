/**
 * @file submit.c  Write calls: checked, turned into jobs, queued
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


static void msg_destructor(void *arg)
{
	struct cpm_msg *msg = arg;

	mem_deref(msg->account);
	mem_deref(msg->key);
	mem_deref(msg->peer);
	mem_deref(msg->name);
	mem_deref(msg->group);
	mem_deref(msg->group_name);
	mem_deref(msg->msgkey);
	mem_deref(msg->imdn_id);
	mem_deref(msg->conversation_id);
	mem_deref(msg->contribution_id);
	mem_deref(msg->in_reply_to);
	mem_deref(msg->datetime);
	mem_deref(msg->route);
	mem_deref(msg->type);
	mem_deref(msg->file);
	mem_deref(msg->filename);
	mem_deref(msg->reason);
	mem_deref(msg->source);
	mem_deref(msg->body);
	mem_deref(msg->large);
}


static void job_destructor(void *arg)
{
	struct job *job = arg;

	list_unlink(&job->gle);
	if (job->file)
		bodyf_drop(job->file, job->doubt ||
			   (!job->err && !job->res.duplicate));
	mem_deref(job->msg);
	mem_deref(job->idv);
	mem_deref(job->account);
	mem_deref(job->peer);
	mem_deref(job->move);
	mem_deref(job->annl);
}


int cpm_msg_alloc(struct cpm_msg **msgp)
{
	if (!msgp)
		return EINVAL;

	*msgp = mem_zalloc(sizeof(**msgp), msg_destructor);

	return *msgp ? 0 : ENOMEM;
}


int job_alloc(struct job **jobp, struct cpm_store *st, enum job_type type,
	      cpm_done_h *h, void *arg)
{
	struct job *job;

	if (!st)
		return EINVAL;

	if (st->closed)
		return ESHUTDOWN;

	job = mem_zalloc(sizeof(*job), job_destructor);
	if (!job)
		return ENOMEM;

	job->type  = type;
	job->doneh = h;
	job->arg   = arg;
	*jobp = job;

	return 0;
}


int job_queue(struct cpm_store *st, struct job *job)
{
	int err = store_enter(st);

	if (!err)
		err = writer_queue(&st->writer, job);
	if (err)
		mem_deref(job);

	return err;
}


static bool msg_isvalid(const struct cpm_msg *msg)
{
	int i;

	for (i=0; i<2; i++) {
		if (msg->report[i] != CPM_REPORT_NONE &&
		    msg->report[i] != CPM_REPORT_DUE)
			return false;
	}

	/* where it stands is said of an outgoing one */
	if (msg->direction == CPM_OUT ? (unsigned)msg->status > CPM_OUT_FAILED
	    : msg->status != CPM_OUT_NONE)
		return false;

	/* what is to be sent has to go somewhere, and be known again */
	if (msg->status == CPM_OUT_QUEUED &&
	    (msg->kind != CPM_CHAT || !str_isset(msg->peer) ||
	     !str_isset(msg->imdn_id)))
		return false;

	if (msg->source && (msg->direction != CPM_OUT || msg->body ||
			    msg->large || msg->source[0] != '/'))
		return false;

	return str_isset(msg->account) && str_isset(msg->key) &&
		str_isset(msg->msgkey) &&
		(unsigned)msg->direction <= CPM_OUT &&
		(unsigned)msg->kind <= CPM_GROUP &&
		(unsigned)msg->mode <= CPM_SESSION &&
		!(msg->body && msg->large);
}


/* Its file is finished before the writer gets the job */
static int large_queue(struct cpm_store *st, struct job *job)
{
	int err = store_enter(st);

	if (!err)
		err = body_check(job->msg->large, st);
	if (!err)
		err = writer_start(&st->writer);
	if (err)
		mem_deref(job);
	else
		body_put(job->msg->large, job);

	return err;
}


int put_job(struct job **jobp, struct cpm_store *st, struct cpm_msg *msg,
	    cpm_put_h *h, void *arg)
{
	struct job *job;
	int err;

	if (!msg || !msg_isvalid(msg))
		return EINVAL;

	err = job_alloc(&job, st, JOB_PUT, NULL, arg);
	if (err)
		return err;

	job->puth = h;
	job->msg = mem_ref(msg);
	if (msg->body) {
		job->body  = mbuf_buf(msg->body);
		job->bodyl = mbuf_get_left(msg->body);
	}

	*jobp = job;

	return 0;
}


int put_queue(struct cpm_store *st, struct job *job)
{
	return job->msg->large ? large_queue(st, job) : job_queue(st, job);
}


int cpm_store_put(struct cpm_store *st, struct cpm_msg *msg, cpm_put_h *h,
		  void *arg)
{
	struct job *job;
	int err;

	err = put_job(&job, st, msg, h, arg);

	return err ? err : put_queue(st, job);
}


int cpm_store_display(struct cpm_store *st, const uint64_t *idv, size_t idc,
		      bool report, cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	if (!idv || !idc || idc > SIZE_MAX / sizeof(*idv))
		return EINVAL;

	err = job_alloc(&job, st, JOB_DISPLAY, h, arg);
	if (err)
		return err;

	job->idv = mem_alloc(idc * sizeof(*idv), NULL);
	if (!job->idv) {
		mem_deref(job);
		return ENOMEM;
	}

	memcpy(job->idv, idv, idc * sizeof(*idv));
	job->idc    = idc;
	job->report = report;

	return job_queue(st, job);
}


int cpm_store_display_conv(struct cpm_store *st, uint64_t conv, uint64_t last,
			   bool report, cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	if (!conv)
		return EINVAL;

	err = job_alloc(&job, st, JOB_DISPLAY_CONV, h, arg);
	if (err)
		return err;

	job->conv   = conv;
	job->last   = last;
	job->report = report;

	return job_queue(st, job);
}


int cpm_store_report_add(struct cpm_store *st, uint64_t msg,
			 enum cpm_report kind, cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	if (!msg || (unsigned)kind > CPM_DISPLAYED)
		return EINVAL;

	err = job_alloc(&job, st, JOB_REPORT_ADD, h, arg);
	if (err)
		return err;

	job->id   = msg;
	job->kind = kind;

	return job_queue(st, job);
}


int cpm_store_report_move(struct cpm_store *st, uint64_t id,
			  enum cpm_report_state to, uint64_t next,
			  cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	if (!id || to < CPM_REPORT_DUE || to > CPM_REPORT_FAILED)
		return EINVAL;

	err = job_alloc(&job, st, JOB_REPORT_MOVE, h, arg);
	if (err)
		return err;

	job->id   = id;
	job->to   = to;
	job->next = next;

	return job_queue(st, job);
}


int cpm_store_delete(struct cpm_store *st, uint64_t msg, uint64_t conv,
		     cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	if (!msg == !conv)
		return EINVAL;

	err = job_alloc(&job, st, JOB_DELETE, h, arg);
	if (err)
		return err;

	job->id   = msg;
	job->conv = conv;

	return job_queue(st, job);
}


int cpm_store_sweep(struct cpm_store *st, uint64_t before, cpm_done_h *h,
		    void *arg)
{
	struct job *job;
	int err;

	if (!before)
		return EINVAL;

	err = job_alloc(&job, st, JOB_SWEEP, h, arg);
	if (err)
		return err;

	job->next = before;

	return job_queue(st, job);
}


int cpm_store_policy_set(struct cpm_store *st,
			 const struct cpm_policy_row *row, cpm_done_h *h,
			 void *arg)
{
	struct job *job;
	int err;

	if (!row || (unsigned)row->deferred > CPM_ANSWER_ASK ||
	    (unsigned)row->chat > CPM_ANSWER_ASK ||
	    (unsigned)row->delivery_imdn > CPM_TRI_NO ||
	    (unsigned)row->display_imdn > CPM_TRI_NO)
		return EINVAL;

	err = job_alloc(&job, st, JOB_POLICY, h, arg);
	if (err)
		return err;

	job->deferred      = row->deferred;
	job->delivery_imdn = row->delivery_imdn;
	job->display_imdn  = row->display_imdn;
	job->chat          = row->chat;

	err = str_dup(&job->account, row->account ? row->account : "");
	if (!err)
		err = str_dup(&job->peer, row->peer ? row->peer : "");
	if (err) {
		mem_deref(job);
		return err;
	}

	return job_queue(st, job);
}


static void move_destructor(void *arg)
{
	struct status_move *move = arg;

	mem_deref(move->id);
	mem_deref(move->reason);
	mem_deref(move->contrib);
}


int move_alloc(struct status_move **movep, const char *id, enum cpm_out to,
	       uint16_t code, const char *reason)
{
	struct status_move *move;
	int err = 0;

	move = mem_zalloc(sizeof(*move), move_destructor);
	if (!move)
		return ENOMEM;

	move->to   = to;
	move->code = code;
	if (id)
		err = str_dup(&move->id, id);
	if (!err && reason)
		err = str_dup(&move->reason, reason);

	if (err)
		mem_deref(move);
	else
		*movep = move;

	return err;
}


int cpm_store_status(struct cpm_store *st, const char *account,
		     const char *peer, const char *id, enum cpm_out to,
		     uint16_t code, const char *reason, cpm_status_h *h,
		     void *arg)
{
	struct job *job;
	int err;

	if (!account || !str_isset(id) || to < CPM_OUT_SENDING ||
	    to > CPM_OUT_FAILED)
		return EINVAL;

	err = job_alloc(&job, st, JOB_STATUS, NULL, arg);
	if (err)
		return err;

	job->statush = h;
	err = move_alloc(&job->move, id, to, code, reason);
	if (!err)
		err = str_dup(&job->account, account);
	if (!err && peer)
		err = str_dup(&job->peer, peer);
	if (err) {
		mem_deref(job);
		return err;
	}

	return job_queue(st, job);
}
