/**
 * @file queued.c  Messages to be sent: read and moved from the main loop
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <cpm_queue.h>
#include "store.h"


/*
 * Writing
 */

static int out_job(struct job **jobp, struct cpm_store *st, uint64_t id,
		   enum cpm_out to, uint16_t code, const char *reason,
		   cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	if (!id)
		return EINVAL;

	err = job_alloc(&job, st, JOB_OUT, h, arg);
	if (err)
		return err;

	job->id = id;
	err = move_alloc(&job->move, NULL, to, code, reason);
	if (err)
		mem_deref(job);
	else
		*jobp = job;

	return err;
}


int cpm_store_out_sending(struct cpm_store *st, uint64_t id,
			  enum cpm_mode mode, const char *contribution_id,
			  cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	if ((unsigned)mode > CPM_SESSION)
		return EINVAL;

	err = out_job(&job, st, id, CPM_OUT_SENDING, 0, NULL, h, arg);
	if (err)
		return err;

	job->move->mode = mode;
	if (contribution_id)
		err = str_dup(&job->move->contrib, contribution_id);
	if (err) {
		mem_deref(job);
		return err;
	}

	return job_queue(st, job);
}


int cpm_store_out_again(struct cpm_store *st, uint64_t id, uint64_t next,
			bool told, uint16_t code, const char *reason,
			cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	err = out_job(&job, st, id, CPM_OUT_QUEUED, code, reason, h, arg);
	if (err)
		return err;

	job->next = next;
	job->move->told = told;

	return job_queue(st, job);
}


int cpm_store_out_end(struct cpm_store *st, uint64_t id, enum cpm_out to,
		      uint16_t code, const char *reason, cpm_done_h *h,
		      void *arg)
{
	struct job *job;
	int err;

	if (to != CPM_OUT_SENT && to != CPM_OUT_FAILED)
		return EINVAL;

	err = out_job(&job, st, id, to, code, reason, h, arg);

	return err ? err : job_queue(st, job);
}


int cpm_store_out_wake(struct cpm_store *st, const char *account,
		       cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	if (!account)
		return EINVAL;

	err = job_alloc(&job, st, JOB_WAKE, h, arg);
	if (err)
		return err;

	err = str_dup(&job->account, account);
	if (err) {
		mem_deref(job);
		return err;
	}

	return job_queue(st, job);
}


/*
 * Reading
 */

/* The contract's strings are not const, but borrowed here */
static char *str(struct dbq *q, int col)
{
	return (char *)dbq_str(q, col);
}


static void queued_get(struct cpm_queued *qd, struct dbq *q)
{
	qd->id              = dbq_get(q, 0);
	qd->conversation    = dbq_get(q, 1);
	qd->tries           = (uint32_t)dbq_get(q, 2);
	qd->next            = dbq_get(q, 3);
	qd->wish            = (uint8_t)dbq_get(q, 4);
	qd->mode            = (enum cpm_mode)dbq_get(q, 5);
	qd->account         = str(q, 6);
	qd->peer            = str(q, 7);
	qd->imdn_id         = str(q, 8);
	qd->conversation_id = str(q, 9);
	qd->contribution_id = str(q, 10);
	qd->in_reply_to     = str(q, 11);
	qd->type            = str(q, 12);
	qd->filename        = str(q, 13);
	qd->datetime        = str(q, 14);
	qd->source          = str(q, 15);
	qd->text            = dbq_get(q, 16);
	qd->fixed           = dbq_get(q, 17);
	qd->size            = dbq_get(q, 18);
	qd->time            = dbq_get(q, 19);
	qd->source_mtime    = dbq_get(q, 20);
	qd->notify          = (unsigned)dbq_get(q, 21);
}


static int queued_read(struct cpm_store *st, struct dbq *q, cpm_queued_h *h,
		       void *arg)
{
	struct cpm_queued qd;
	int err;

	while (!(err = dbq_step(q))) {
		queued_get(&qd, q);
		if (!wait_given(st, qd.account, qd.imdn_id) && h(&qd, arg))
			break;
	}

	return read_end(st, q, err == ENOENT ? 0 : err);
}


int cpm_store_queued_accounts(struct cpm_store *st, cpm_account_h *h,
			      void *arg)
{
	return read_aors(st, SQL_QUEUED_ACCOUNT, h, arg);
}


int cpm_store_queued(struct cpm_store *st, const char *account, uint64_t now,
		     uint32_t limit, cpm_queued_h *h, void *arg)
{
	struct dbq q;
	int err;

	if (!st || !account || !limit || !h)
		return EINVAL;

	err = read_start(st, &q, SQL_QUEUED);
	if (err)
		return err;

	dbq_text(&q, 1, account);
	dbq_int(&q, 2, now);
	dbq_int(&q, 3, limit);

	return queued_read(st, &q, h, arg);
}


int cpm_store_queued_conv(struct cpm_store *st, uint64_t conversation,
			  uint64_t after, uint32_t limit, cpm_queued_h *h,
			  void *arg)
{
	struct dbq q;
	int err;

	if (!st || !conversation || !limit || !h)
		return EINVAL;

	err = read_start(st, &q, SQL_QUEUED_CONV);
	if (err)
		return err;

	dbq_int(&q, 1, conversation);
	dbq_int(&q, 2, after);
	dbq_int(&q, 3, limit);

	return queued_read(st, &q, h, arg);
}


int cpm_store_queued_next(struct cpm_store *st, const char *account,
			  uint64_t now, uint64_t *nextp)
{
	struct dbq q;
	int err;

	if (!st || !account || !nextp)
		return EINVAL;

	*nextp = 0;
	err = read_start(st, &q, SQL_QUEUED_NEXT);
	if (err)
		return err;

	dbq_text(&q, 1, account);
	dbq_int(&q, 2, now);
	err = dbq_step(&q);
	if (!err)
		*nextp = dbq_get(&q, 0);

	return read_end(st, &q, err == ENOENT ? 0 : err);
}


int cpm_store_conv_peer(struct cpm_store *st, const char *account,
			const char *peer, uint64_t *idp)
{
	struct dbq q;
	uint64_t id = 0;
	int err;

	if (!st || !account || !peer || !idp)
		return EINVAL;

	err = read_start(st, &q, SQL_CONV_PEER);
	if (err)
		return err;

	dbq_text(&q, 1, account);
	dbq_text(&q, 2, peer);
	err = dbq_step(&q);
	if (!err)
		id = dbq_get(&q, 0);
	if (id)
		*idp = id;

	/* there is a row of nothing if there is none */
	return read_end(st, &q, !err && !id ? ENOENT : err);
}
