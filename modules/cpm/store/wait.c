/**
 * @file store/wait.c  A message whose commit the main loop waits for
 *
 * Whoever waits may give up. Up to the COMMIT that is a word under the mutex:
 * the writer looks for it when the message's turn comes, and once more right
 * before the COMMIT, and then nothing is written. While the COMMIT is under
 * way nobody can say how it ends; then the row is deleted as soon as that is
 * known, by the writer itself, and until that is done the main loop keeps it
 * out of what it reads from the queue.
 *
 * The message is not put first and let into the queue by a second transaction:
 * that one's COMMIT would be in doubt just the same, and each message would
 * cost two.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <time.h>
#include "store.h"


/*
 * In the writer
 */

bool wait_over(struct writer *wr, const struct job *job)
{
	bool over;

	if (!job->waited)
		return false;

	pthread_mutex_lock(&wr->mutex);
	over = job->given;
	pthread_mutex_unlock(&wr->mutex);

	return over;
}


/* Right before the COMMIT. @return false: one of those that are in it is not
   wanted any more */
bool wait_check(struct writer *wr, struct job *const *jobv, size_t jobc)
{
	size_t i;

	for (i=0; i<jobc; i++) {
		if (!jobv[i]->err && wait_over(wr, jobv[i]))
			return false;
	}

	return true;
}


/* Under the mutex */
void wait_end(struct writer *wr, struct job *job)
{
	if (!job->waited || job->given)
		return;

	job->finished = true;
	pthread_cond_signal(&wr->waitcond);
}


/* After the COMMIT: those that were given up meanwhile have no result yet */
void wait_settle(struct writer *wr)
{
	size_t i, n = 0;

	pthread_mutex_lock(&wr->mutex);

	for (i=0; i<wr->takenc; i++) {
		struct job *job = wr->takenv[i];

		wait_end(wr, job);
		if (job->given && !job->err && !job->res.duplicate)
			list_append(&wr->undol, &job->le, job);
		else
			wr->takenv[n++] = job;
	}
	wr->takenc = n;

	pthread_mutex_unlock(&wr->mutex);
}


/*
 * On the main loop
 */

static void deadline(struct timespec *ts, uint32_t ms)
{
	(void)clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec  += ms / 1000;
	ts->tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec  += 1;
		ts->tv_nsec -= 1000000000;
	}
}


/* The job is with the writer until this loop goes on: it is not gone */
static int wait_for(struct cpm_store *st, struct job *job, uint32_t ms,
		    struct cpm_put_result *resp)
{
	struct writer *wr = &st->writer;
	struct timespec ts;
	int err = 0;

	deadline(&ts, ms);
	writer_hurry(wr);

	pthread_mutex_lock(&wr->mutex);
	while (!job->finished && !err)
		err = pthread_cond_timedwait(&wr->waitcond, &wr->mutex, &ts);
	if (job->finished) {
		err = job->err;
		if (!err && resp)
			*resp = job->res;
	}
	else {
		job->given = true;
		err = ETIMEDOUT;
	}
	pthread_mutex_unlock(&wr->mutex);

	if (err == ETIMEDOUT)
		list_append(&st->givenl, &job->gle, job);

	return err;
}


int cpm_store_put_wait(struct cpm_store *st, struct cpm_msg *msg, uint32_t ms,
		       struct cpm_put_result *resp)
{
	struct job *job;
	int err;

	err = put_job(&job, st, msg, NULL, NULL);
	if (err)
		return err;

	job->waited = true;
	err = put_queue(st, job);

	return err ? err : wait_for(st, job, ms, resp);
}


/* Was it given up, and may be there all the same? */
bool wait_given(const struct cpm_store *st, const char *account,
		const char *imdn_id)
{
	const struct le *le;

	for (le = st->givenl.head; le; le = le->next) {
		const struct cpm_msg *msg = ((struct job *)le->data)->msg;

		if (!str_cmp(msg->imdn_id, imdn_id) &&
		    !str_cmp(msg->account, account))
			return true;
	}

	return false;
}
