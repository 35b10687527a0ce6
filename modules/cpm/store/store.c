/**
 * @file store.c  The store: begin, wait, end, and results handed out
 *
 * A store that cannot be opened is there all the same: it refuses all that is
 * asked of it with EAGAIN until a later try succeeds. One that is found to be
 * damaged is set aside, and a new one begun, when no statement is at work.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "store.h"


enum {
	TURN_MAX = 1024,  /* results in one turn of the main loop */
};


static void destructor(void *arg)
{
	struct cpm_store *st = arg;

	writer_close(&st->writer);
	spooler_close(&st->spooler);
	store_detach(st);
	if (st->lock >= 0)
		(void)close(st->lock);
	mem_deref(st->told);
	mem_deref(st->lost);
	mem_deref(st->why);
	mem_deref(st->folder);
	mem_deref(st->path);
}


static void job_result(struct job *job)
{
	if (job->puth)
		job->puth(job->err, &job->res, job->arg);
	if (job->statush)
		job->statush(job->err, job->res.id, job->arg);
	if (job->doneh)
		job->doneh(job->err, job->arg);
}


/* How the last commit went, for those who ask */
static void batch_result(struct cpm_store *st)
{
	struct fault fault;

	if (!writer_fault(&st->writer, &fault)) {
		st->unwritten = NULL;
		return;
	}

	st->unwritten = fault_write_word(fault.err);
	if (fault.err == EBADMSG && !st->closed)
		store_damaged(st, fault.text);
	else
		store_fault(st, false, fault.err, fault.text);
}


/* A handler may close the store */
static void hand_out(struct cpm_store *st, size_t max, bool closing)
{
	while (max--) {
		struct job *job = writer_done(&st->writer);
		bool end;

		if (!job)
			return;

		end = job->end;
		if (job->annl)
			announced_changed(st);
		job_result(job);
		mem_deref(job);

		if (!end || (st->closed && !closing))
			continue;

		batch_result(st);
		if (st->batchh && (!st->closed || closing))
			st->batchh(st->arg);
	}

	/* others have a turn in the main loop */
	if (!st->closed)
		writer_tell(&st->writer);
}


/* From the main loop: no statement is at work */
static void mqueue_handler(int id, void *data, void *arg)
{
	struct cpm_store *st = mem_ref(arg);
	(void)data;

	if (id == STORE_DONE)
		hand_out(st, TURN_MAX, false);
	else if (!st->closed && st->spooler.roomh)
		st->spooler.roomh(st->spooler.arg);

	if (!st->closed && st->state == CPM_STORE_CORRUPT &&
	    st->said == CPM_STORE_READY) {
		body_close_all(st);
		spooler_halt(&st->spooler);
		writer_halt(&st->writer);
		(void)cpm_store_start(st);
	}
	if (!st->closed && st->missing)
		fault_missing(st);

	mem_deref(st);
}


static int say(char **errp, const char *path, int err, const char *why)
{
	char buf[128];

	return re_sdprintf(errp, "cannot open message store %s: %s", path,
			   why[0] ? why : str_error(err, buf, sizeof(buf)));
}


/* Not ready: said when it begins, and then from time to time */
static void wait_begin(struct cpm_store *st, int err, const char *why)
{
	const enum cpm_store_state state = fault_state(st, err);
	const bool news = st->said != state;

	store_detach(st);
	st->state = st->said = state;
	st->why = mem_deref(st->why);
	(void)say(&st->why, st->path, err, why);
	fault_say(st, fault_word(state), st->why, news);
}


int cpm_store_alloc(struct cpm_store **stp, const char *path,
		    cpm_batch_h *bh, cpm_fault_h *fh, void *arg)
{
	struct cpm_store *st;
	int err;

	if (!stp || !str_isset(path) || path[strlen(path) - 1] == '/')
		return EINVAL;

	st = mem_zalloc(sizeof(*st), destructor);
	if (!st)
		return ENOMEM;

	st->state  = st->said = CPM_STORE_CLOSED;
	st->lock   = -1;
	st->pid    = getpid();
	st->batchh = bh;
	st->faulth = fh;
	st->arg    = arg;
	spooler_init(&st->spooler, &st->writer);

	err = str_dup(&st->path, path);
	if (!err)
		err = writer_init(&st->writer, mqueue_handler, st);
	if (err)
		mem_deref(st);
	else
		*stp = st;

	return err;
}


/* @return true in the child of a fork, where all has to be opened again */
static bool fork_check(struct cpm_store *st)
{
	if (st->pid == getpid())
		return false;

	st->pid = getpid();
	writer_reset(&st->writer);
	spooler_reset(&st->spooler);
	store_detach(st);

	return true;
}


int cpm_store_start(struct cpm_store *st)
{
	char why[STORE_WHY_MAX] = "";
	const bool first = st && st->said == CPM_STORE_CLOSED;
	int err;

	if (!st)
		return EINVAL;
	if (st->closed)
		return ESHUTDOWN;
	if (st->state == CPM_STORE_READY)
		return 0;

	(void)fork_check(st);
	store_detach(st);
	err = store_open_all(st, why, sizeof(why));
	if (err) {
		wait_begin(st, err, why);
		/* nobody may have listened yet: the next try says it again */
		if (first)
			fault_forget(st);
		return err;
	}

	st->state = st->said = CPM_STORE_READY;
	st->why = mem_deref(st->why);
	st->unwritten = NULL;
	if (st->lost) {
		mem_deref(st->told);
		st->told = st->lost;
		st->lost = NULL;
		fault_say(st, "store-corrupt", st->told, true);
	}

	return 0;
}


int cpm_store_open(struct cpm_store **stp, const char *path,
		   cpm_batch_h *bh, cpm_fault_h *fh, void *arg, char **errp)
{
	struct cpm_store *st = NULL;
	int err;

	if (!stp)
		return EINVAL;

	err = cpm_store_alloc(&st, path, bh, fh, arg);
	if (err)
		return err;

	err = cpm_store_start(st);
	if (err) {
		if (errp)
			*errp = mem_ref(st->why);
		mem_deref(st);
	}
	else {
		*stp = st;
	}

	return err;
}


/* A softphone that becomes a daemon forks with the store open. Neither the
   thread nor SQLite's locks come along, so the child opens the database
   again; the lock on the store is shared and stays. */
int store_enter(struct cpm_store *st)
{
	char why[STORE_WHY_MAX] = "";
	int err;

	if (st->state != CPM_STORE_READY)
		return EAGAIN;

	if (!fork_check(st))
		return 0;

	err = store_attach(st, why, sizeof(why));
	if (!err)
		return 0;

	wait_begin(st, err, why);

	return EAGAIN;
}


/* Statements that are at work end first: see mqueue_handler() */
void store_damaged(struct cpm_store *st, const char *why)
{
	if (st->state != CPM_STORE_READY)
		return;

	writer_break(&st->writer);
	st->damaged = true;
	snprintf(st->damage, sizeof(st->damage), "%s", why);
	st->state = CPM_STORE_CORRUPT;
	st->why = mem_deref(st->why);
	(void)say(&st->why, st->path, EBADMSG, why);
	writer_tell(&st->writer);
}


void cpm_store_close(struct cpm_store **stp)
{
	struct cpm_store *st;
	int err;

	/* a handler that closes it again has done so already */
	if (!stp || !*stp || (*stp)->closed)
		return;

	st = *stp;
	err = store_enter(st);
	st->closed = true;
	body_close_all(st);
	spooler_stop(&st->spooler);
	if (err && !st->writer.running)
		writer_abort(&st->writer, err);

	export_stop(st);
	writer_stop(&st->writer);
	hand_out(st, SIZE_MAX, true);

	*stp = NULL;
	mem_deref(st);
}


void cpm_store_limit(struct cpm_store *st, const struct cpm_limits *lim)
{
	if (st && lim)
		st->lim = *lim;
}


uint64_t cpm_store_octets(struct cpm_store *st, const char *account)
{
	if (!st || !account || store_enter(st))
		return 0;

	return usage_read_octets(st->writer.write.usage, account);
}


int cpm_store_room(struct cpm_store *st, const char *account,
		   uint64_t octets)
{
	struct fault why;
	int err;

	if (!st || !account)
		return EINVAL;

	err = store_enter(st);
	if (err)
		return err;

	err = room_quota(&why, &st->lim, account,
			 usage_read_octets(st->writer.write.usage, account),
			 octets);
	if (!err)
		err = room_disk(&why, &st->lim,
				room_free(&st->lim, st->spool), octets);
	if (err)
		store_fault(st, false, err, why.text);

	return err;
}


const char *cpm_store_path(const struct cpm_store *st)
{
	return st ? st->path : NULL;
}


void cpm_store_info(const struct cpm_store *st, struct cpm_store_info *info)
{
	memset(info, 0, sizeof(*info));
	info->state = CPM_STORE_CLOSED;
	if (!st)
		return;

	info->state = st->state;
	info->text  = st->state == CPM_STORE_READY ? NULL : st->why;
	info->fault = st->state == CPM_STORE_READY ? st->unwritten
		: fault_word(st->state);
	info->lost  = st->told;
}
