/**
 * @file writer.c  The store thread: queue, group commit, results back
 *
 * The thread takes all that is queued, commits once, and hands the results
 * to the main loop. A job that waits for nothing but itself is written at
 * once. The main loop is told by one message in libre's mqueue, and not
 * again before it has taken it: so the pipe cannot fill.
 *
 * The thread starts with the first job, because a softphone that becomes a
 * daemon forks after its modules were loaded, and threads do not come along.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include "store.h"


static int run(struct write *w, enum sql id)
{
	struct dbq q;

	dbq_start(&q, w->db, id);

	return dbq_run(&q, NULL);
}


static void fault_note(struct fault *fault, const struct write *w, int err)
{
	const char *why = db_why(w->db);
	char buf[128];

	fault->err = err;
	snprintf(fault->text, sizeof(fault->text), "%s",
		 why[0] ? why : str_error(err, buf, sizeof(buf)));
}


/* What nobody waits for any more is not to be written */
static int job_write(struct writer *wr, struct job *job)
{
	if (wait_over(wr, job)) {
		job->refused = true;
		return ETIMEDOUT;
	}

	return write_job(&wr->write, job);
}


/* 0, or the error of the first job that spoiled the transaction */
static int apply(struct writer *wr, struct job **jobv, size_t jobc)
{
	size_t i;

	for (i=0; i<jobc; i++) {
		struct job *job = jobv[i];

		job->refused = false;
		job->err = job_write(wr, job);
		if (job->err && job->err != ENOENT && job->err != EALREADY &&
		    !job->refused)
			return job->err;
	}

	return 0;
}


/*
 * @param begunp set if it was not the beginning that failed
 *
 * @return 0: each job has its own result. Else nothing was done.
 */
static int transact(struct writer *wr, struct job **jobv, size_t jobc,
		    bool *begunp, struct fault *fault)
{
	struct write *w = &wr->write;
	bool commit = false;
	size_t i;
	int err;

	db_forget(w->db);
	write_begin(w);

	err = run(w, SQL_BEGIN);
	*begunp = !err;
	if (err) {
		fault_note(fault, w, err);
		return err;
	}

	err = apply(wr, jobv, jobc);
	if (!err)
		err = write_flush(w);
	if (!err)
		err = spool_sync(w->spool);
	if (!err && !wait_check(wr, jobv, jobc))
		err = ECANCELED;
	if (!err) {
		commit = true;
		err = run(w, SQL_COMMIT);
	}

	if (err) {
		if (err != ECANCELED)
			fault_note(fault, w, err);
		(void)run(w, SQL_ROLLBACK);
		spool_rollback(w->spool, commit);
		for (i=0; i<jobc; i++)
			jobv[i]->doubt |= commit;
	}
	else {
		spool_commit(w->spool);
		if (w->refused.err)
			*fault = w->refused;
	}
	write_end(w, !err);

	return err;
}


static void fail(struct job *job, int err)
{
	memset(&job->res, 0, sizeof(job->res));
	job->err = err;
}


static void fail_all(struct job **jobv, size_t jobc, int err)
{
	size_t i;

	for (i=0; i<jobc; i++)
		fail(jobv[i], err);
}


/* One that fails must not take the others with it: they get a second chance,
   each alone. Not so in a damaged database, which is set aside: what it still
   takes would be acknowledged, and gone. */
static void batch(struct writer *wr, struct job **jobv, size_t jobc,
		  struct fault *fault)
{
	bool begun = false, failed = false;
	size_t i;
	int err;

	err = transact(wr, jobv, jobc, &begun, fault);
	if (!err)
		return;

	for (i=0; i<jobc && err != EBADMSG; i++) {

		if (begun && jobc > 1)
			err = transact(wr, &jobv[i], 1, &begun, fault);

		if (err) {
			fail(jobv[i], err);
			failed = true;
		}
		failed |= jobv[i]->refused;
	}

	if (err == EBADMSG)
		fail_all(jobv, jobc, err);
	else if (!failed)
		fault->err = 0;
}


/* @return false to end */
static bool take(struct writer *wr, bool *brokenp)
{
	pthread_mutex_lock(&wr->mutex);

	while (!wr->queue.head && !wr->stop)
		pthread_cond_wait(&wr->cond, &wr->mutex);

	*brokenp = wr->broken;
	wr->takenc = 0;
	while (wr->queue.head && wr->takenc < CPM_BATCH_MAX) {
		struct job *job = list_ledata(wr->queue.head);

		list_unlink(&job->le);
		wr->takenv[wr->takenc++] = job;
	}

	pthread_mutex_unlock(&wr->mutex);

	return wr->takenc > 0;
}


void writer_tell(struct writer *wr)
{
	/* the pipe holds one message at most: only a signal is in the way */
	while (EINTR == mqueue_push(wr->mq, STORE_DONE, NULL))
		;
}


static void give(struct writer *wr, const struct fault *fault)
{
	bool push;
	size_t i;

	pthread_mutex_lock(&wr->mutex);

	if (wr->takenc)
		wr->takenv[wr->takenc - 1]->end = true;
	for (i=0; i<wr->takenc; i++)
		list_append(&wr->done, &wr->takenv[i]->le, wr->takenv[i]);

	wr->takenc = 0;
	if (fault->err)
		wr->fault = *fault;
	if (fault->err == EBADMSG)
		wr->broken = true;

	push = !wr->pushed;
	wr->pushed = true;

	pthread_mutex_unlock(&wr->mutex);

	if (push)
		writer_tell(wr);
}


static void work(struct writer *wr, struct fault *fault)
{
	/* it may have failed before: then this is the next try */
	seen_load(wr->write.seen);
	batch(wr, wr->takenv, wr->takenc, fault);
}


/* What was given up while its COMMIT was under way goes again: now, or with
   the next work if the disk fails */
static void undo(struct writer *wr)
{
	while (wr->undol.head) {
		struct job *job = list_ledata(wr->undol.head);
		struct job del = {.type = JOB_DELETE, .id = job->res.id};
		struct job *delp = &del;
		struct fault fault = {.err = 0};
		bool begun;

		if (transact(wr, &delp, 1, &begun, &fault))
			return;

		list_unlink(&job->le);
		fail(job, ETIMEDOUT);
		wr->takenv[wr->takenc++] = job;
		give(wr, &fault);
	}
}


static void *thread_handler(void *arg)
{
	struct writer *wr = arg;
	bool broken = false;

	while (take(wr, &broken)) {
		struct fault fault = {.err = 0};

		if (broken)
			fail_all(wr->takenv, wr->takenc, EBADMSG);
		else
			work(wr, &fault);
		wait_settle(wr);
		give(wr, &fault);
		if (!broken && fault.err != EBADMSG) {
			undo(wr);
			seen_settle(wr->write.seen);
		}
	}
	if (!broken) {
		undo(wr);
		seen_finish(wr->write.seen);
	}

	return NULL;
}


/* Signals are for the main loop */
static int thread_start(struct writer *wr)
{
	sigset_t all, old;
	int err;

	if (wr->running)
		return 0;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&wr->thread, NULL, thread_handler, wr);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);

	wr->running = !err;

	return err ? ENOMEM : 0;
}


/* Whoever waits has a time until which he does: no clock that is set */
static void sync_init(struct writer *wr)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&wr->mutex, NULL);
	pthread_cond_init(&wr->cond, NULL);

	pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&wr->waitcond, &attr);
	pthread_condattr_destroy(&attr);
}


int writer_init(struct writer *wr, mqueue_h *h, void *arg)
{
	sync_init(wr);
	tmr_init(&wr->tmr);

	return mqueue_alloc(&wr->mq, h, arg);
}


/* In the child of a fork: there is no thread, and the locks are in whatever
   state it left them. What it was writing is written again. */
void writer_reset(struct writer *wr)
{
	sync_init(wr);
	wr->running = false;

	while (wr->takenc) {
		struct job *job = wr->takenv[--wr->takenc];

		if (job->le.list)
			list_unlink(&job->le);
		list_prepend(&wr->queue, &job->le, job);
	}

	wr->pushed = wr->done.head != NULL;
	if (wr->pushed)
		writer_tell(wr);
}


/* At the end of this turn of the main loop: what one read from a connection
   brought is one commit, and not the first of it alone */
static void inbox_pass(struct writer *wr)
{
	pthread_mutex_lock(&wr->mutex);

	while (wr->inbox.head) {
		struct job *job = list_ledata(wr->inbox.head);

		list_unlink(&job->le);
		list_append(&wr->queue, &job->le, job);
	}

	pthread_cond_signal(&wr->cond);
	pthread_mutex_unlock(&wr->mutex);
}


static void inbox_handler(void *arg)
{
	inbox_pass(arg);
}


/* The main loop waits for what it has queued */
void writer_hurry(struct writer *wr)
{
	tmr_cancel(&wr->tmr);
	inbox_pass(wr);
}


/* Takes the job over if it returns 0 */
int writer_queue(struct writer *wr, struct job *job)
{
	int err = thread_start(wr);

	if (err)
		return err;

	list_append(&wr->inbox, &job->le, job);
	if (!tmr_isrunning(&wr->tmr))
		tmr_start(&wr->tmr, 0, inbox_handler, wr);

	return 0;
}


int writer_start(struct writer *wr)
{
	return thread_start(wr);
}


/* The same from any thread, after writer_start() */
void writer_push(struct writer *wr, struct job *job)
{
	pthread_mutex_lock(&wr->mutex);
	list_append(&wr->queue, &job->le, job);
	pthread_cond_signal(&wr->cond);
	pthread_mutex_unlock(&wr->mutex);
}


/* A job that failed before the writer had it; from any thread */
void writer_refuse(struct writer *wr, struct job *job, int err)
{
	char buf[128];
	bool push;

	fail(job, err);
	job->end = true;

	pthread_mutex_lock(&wr->mutex);
	wait_end(wr, job);
	list_append(&wr->done, &job->le, job);
	/* a filter's refusal is no fault of ours */
	if (err != EILSEQ) {
		wr->fault.err = err;
		snprintf(wr->fault.text, sizeof(wr->fault.text), "%s",
			 str_error(err, buf, sizeof(buf)));
	}
	push = !wr->pushed;
	wr->pushed = true;
	pthread_mutex_unlock(&wr->mutex);

	if (push)
		writer_tell(wr);
}


/* There is no thread, and no database for one */
void writer_abort(struct writer *wr, int err)
{
	inbox_pass(wr);
	while (wr->queue.head) {
		struct job *job = list_ledata(wr->queue.head);

		list_unlink(&job->le);
		fail(job, err);
		list_append(&wr->done, &job->le, job);
	}
}


/* After all that is queued was written */
void writer_stop(struct writer *wr)
{
	inbox_pass(wr);
	if (wr->queue.head && thread_start(wr))
		writer_abort(wr, ENOMEM);

	if (!wr->running)
		return;

	pthread_mutex_lock(&wr->mutex);
	wr->stop = true;
	pthread_cond_signal(&wr->cond);
	pthread_mutex_unlock(&wr->mutex);

	(void)pthread_join(wr->thread, NULL);
	wr->running = false;
}


/* What is queued is refused from now on */
void writer_break(struct writer *wr)
{
	pthread_mutex_lock(&wr->mutex);
	wr->broken = true;
	pthread_mutex_unlock(&wr->mutex);
}


/* Stopped, to begin again with another database */
void writer_halt(struct writer *wr)
{
	writer_stop(wr);
	list_flush(&wr->undol);
	wr->stop = false;
	wr->broken = false;
	wr->fault.err = 0;
}


/* The next result, NULL when there is none: then the next one is told */
struct job *writer_done(struct writer *wr)
{
	struct job *job = NULL;

	pthread_mutex_lock(&wr->mutex);

	if (wr->done.head) {
		job = list_ledata(wr->done.head);
		list_unlink(&job->le);
	}
	else {
		wr->pushed = false;
	}

	pthread_mutex_unlock(&wr->mutex);

	return job;
}


bool writer_fault(struct writer *wr, struct fault *fault)
{
	pthread_mutex_lock(&wr->mutex);
	*fault = wr->fault;
	wr->fault.err = 0;
	pthread_mutex_unlock(&wr->mutex);

	return fault->err != 0;
}


/* The thread has been stopped */
void writer_close(struct writer *wr)
{
	tmr_cancel(&wr->tmr);
	wr->mq = mem_deref(wr->mq);
	list_flush(&wr->inbox);
	list_flush(&wr->queue);
	list_flush(&wr->done);
	list_flush(&wr->undol);
	write_close(&wr->write);
	pthread_cond_destroy(&wr->waitcond);
	pthread_cond_destroy(&wr->cond);
	pthread_mutex_destroy(&wr->mutex);
}
