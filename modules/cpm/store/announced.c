/**
 * @file announced.c  Messages that the server announced, to be fetched
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <time.h>
#include "store.h"


/* ms since 1970 */
static uint64_t store_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);

	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}


/*
 * In the writer, inside a transaction
 */

static int drop_all(struct write *w, const char *account, uint64_t *rowsp)
{
	struct dbq q;

	dbq_start(&q, w->db, SQL_ANNOUNCED_DEL_ALL);
	dbq_text(&q, 1, account);

	return dbq_run(&q, rowsp);
}


static int put_one(struct write *w, const char *account,
		   const struct cpm_announced *ann)
{
	struct dbq q;

	dbq_start(&q, w->db, SQL_ANNOUNCE);
	dbq_text(&q, 1, account);
	dbq_text(&q, 2, ann->reference);
	dbq_text(&q, 3, ann->from);
	dbq_text(&q, 4, ann->subject);
	dbq_int(&q, 5, ann->size);
	dbq_int(&q, 6, ann->time);
	dbq_int(&q, 7, ann->expires);
	dbq_int(&q, 8, ann->mode);

	return dbq_run(&q, NULL);
}


int write_announce(struct write *w, struct job *job)
{
	const struct announced_list *list = job->annl;
	struct dbq q;
	size_t i;
	int err;

	w->announced = true;
	dbq_start(&q, w->db, SQL_ANNOUNCED_EXPIRE);
	dbq_int(&q, 1, job->next);
	err = dbq_run(&q, NULL);
	if (!err && list->whole)
		err = drop_all(w, job->account, NULL);

	for (i=0; i<list->c && !err; i++)
		err = put_one(w, job->account, &list->v[i]);
	if (err)
		return err;

	dbq_start(&q, w->db, SQL_ANNOUNCED_LIMIT);
	dbq_text(&q, 1, job->account);
	dbq_int(&q, 2, CPM_ANNOUNCED_MAX);

	return dbq_run(&q, NULL);
}


static int drop_one(struct write *w, const char *account,
		    const char *reference, uint64_t *rowsp)
{
	struct dbq q;

	dbq_start(&q, w->db, SQL_ANNOUNCED_DEL);
	dbq_text(&q, 1, account);
	dbq_text(&q, 2, reference);

	return dbq_run(&q, rowsp);
}


int write_fetched(struct write *w, struct job *job)
{
	const struct announced_list *list = job->annl;
	uint64_t sum = 0, rows;
	size_t i;
	int err = 0;

	if (!list->c)
		err = drop_all(w, job->account, &sum);

	for (i=0; i<list->c && !err; i++) {
		rows = 0;
		err = drop_one(w, job->account, list->v[i].reference, &rows);
		sum += rows;
	}

	return err ? err : sum ? 0 : ENOENT;
}


/* With the message itself: who is killed right behind it would wait for one
   that the server does not have any more */
int write_came(struct write *w, const struct cpm_msg *msg)
{
	if (!w->announced || msg->direction != CPM_IN || !msg->imdn_id)
		return 0;

	return drop_one(w, msg->account, msg->imdn_id, NULL);
}


/*
 * On the main loop
 */

static void list_destructor(void *arg)
{
	struct announced_list *list = arg;
	size_t i;

	for (i=0; i<list->c; i++) {
		mem_deref(list->v[i].reference);
		mem_deref(list->v[i].from);
		mem_deref(list->v[i].subject);
	}
}


static int dup(char **strp, const char *str)
{
	return str ? str_dup(strp, str) : 0;
}


static int entry_copy(struct cpm_announced *to,
		      const struct cpm_announced *from)
{
	int err;

	err = str_dup(&to->reference, from->reference);
	if (!err)
		err = dup(&to->from, from->from);
	if (!err)
		err = dup(&to->subject, from->subject);

	to->size    = from->size;
	to->time    = from->time;
	to->expires = from->expires;
	to->mode    = from->mode;

	return err;
}


static int job_make(struct job **jobp, struct cpm_store *st,
		    enum job_type type, const char *account, size_t c,
		    cpm_done_h *h, void *arg)
{
	struct job *job;
	int err;

	err = job_alloc(&job, st, type, h, arg);
	if (err)
		return err;

	err = str_dup(&job->account, account);
	if (!err) {
		job->annl = mem_zalloc(sizeof(*job->annl) +
				       c * sizeof(job->annl->v[0]),
				       list_destructor);
		err = job->annl ? 0 : ENOMEM;
	}
	if (err) {
		mem_deref(job);
		return err;
	}

	job->annl->c = c;
	job->next = store_now();
	*jobp = job;

	return 0;
}


int cpm_store_announce(struct cpm_store *st, const char *account,
		       const struct cpm_announced *v, size_t c, bool whole,
		       cpm_done_h *h, void *arg)
{
	struct job *job;
	size_t i;
	int err;

	if (!account || !v != !c)
		return EINVAL;
	if (c > CPM_ANNOUNCED_MAX)
		return EOVERFLOW;
	for (i=0; i<c; i++) {
		if (!str_isset(v[i].reference) ||
		    (unsigned)v[i].mode > CPM_SESSION)
			return EINVAL;
	}

	err = job_make(&job, st, JOB_ANNOUNCE, account, c, h, arg);
	if (err)
		return err;

	job->annl->whole = whole;
	for (i=0; i<c && !err; i++)
		err = entry_copy(&job->annl->v[i], &v[i]);
	if (err) {
		mem_deref(job);
		return err;
	}

	return job_queue(st, job);
}


int cpm_store_fetched(struct cpm_store *st, const char *account,
		      const char *const *refv, size_t refc, cpm_done_h *h,
		      void *arg)
{
	struct job *job;
	size_t i;
	int err;

	if (!account || (refc && !refv) || refc > CPM_ANNOUNCED_MAX)
		return EINVAL;

	err = job_make(&job, st, JOB_FETCHED, account, refc, h, arg);
	for (i=0; i<refc && !err; i++) {
		err = refv[i] ? str_dup(&job->annl->v[i].reference, refv[i])
			: EINVAL;
		if (err)
			mem_deref(job);
	}

	return err ? err : job_queue(st, job);
}


/* The contract's strings are not const, but borrowed here */
static char *str(struct dbq *q, int col)
{
	return (char *)dbq_str(q, col);
}


int cpm_store_announced(struct cpm_store *st, const char *account,
			uint64_t now, cpm_announced_h *h, void *arg)
{
	struct cpm_announced ann;
	struct dbq q;
	int err;

	if (!st || !h)
		return EINVAL;

	err = read_start(st, &q, SQL_ANNOUNCED);
	if (err)
		return err;

	if (account)
		dbq_text(&q, 1, account);
	dbq_int(&q, 2, now);
	while (!(err = dbq_step(&q))) {
		ann.id        = dbq_get(&q, 0);
		ann.account   = str(&q, 1);
		ann.reference = str(&q, 2);
		ann.from      = str(&q, 3);
		ann.subject   = str(&q, 4);
		ann.size      = dbq_get(&q, 5);
		ann.time      = dbq_get(&q, 6);
		ann.expires   = dbq_get(&q, 7);
		ann.mode      = (enum cpm_mode)dbq_get(&q, 8);
		if (h(&ann, arg))
			break;
	}

	return read_end(st, &q, err == ENOENT ? 0 : err);
}


/* Each commit brings somebody who asks for this */
int announced_count(struct cpm_store *st, uint64_t *countp)
{
	const uint64_t now = store_now();
	struct dbq q;
	int err;

	*countp = st->announcedc;
	if (now < st->announced_until)
		return 0;

	err = read_start(st, &q, SQL_ANNOUNCED_COUNT);
	if (err)
		return err;

	dbq_int(&q, 1, now);
	err = dbq_step(&q);
	if (!err) {
		st->announcedc = dbq_get(&q, 0);
		st->announced_until = dbq_get(&q, 1);
		if (!st->announced_until)
			st->announced_until = UINT64_MAX;
		*countp = st->announcedc;
	}

	return read_end(st, &q, err);
}


void announced_changed(struct cpm_store *st)
{
	st->announced_until = 0;
}
