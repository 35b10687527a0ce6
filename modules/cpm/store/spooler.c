/**
 * @file spooler.c  The thread that takes large bodies to their files
 *
 * The main loop gives it blocks, and it writes them: so the main loop never
 * waits for the disk, nor does the writer, whose commits go on while a large
 * file is synced here. Files have turns: a block each, or a step of what is
 * to be done at the end.
 *
 * The thread starts with the first body, as the writer's does.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "store.h"


enum {
	BLOCK_COST = 512,  /* octets that a block counts besides its own: many
			      small ones are memory too                     */
	FREE_MAX   = CPM_BODY_QUEUE / BODY_BLOCK,
};

struct work {
	struct bodyf *file;
	struct block *block;   /* NULL: none */
	bool drop;
	bool finish;
};


struct block *block_alloc(struct spooler *sp)
{
	struct block *blk;

	pthread_mutex_lock(&sp->mutex);
	blk = list_ledata(sp->freel.head);
	if (blk) {
		list_unlink(&blk->le);
		--sp->freec;
	}
	pthread_mutex_unlock(&sp->mutex);

	if (!blk)
		blk = malloc(sizeof(*blk) + BODY_BLOCK);
	if (!blk)
		return NULL;

	memset(blk, 0, sizeof(*blk));
	blk->size = BODY_BLOCK;

	return blk;
}


void block_free(struct spooler *sp, struct block *blk)
{
	if (!blk)
		return;

	pthread_mutex_lock(&sp->mutex);
	if (blk->size == BODY_BLOCK && sp->freec < FREE_MAX) {
		++sp->freec;
		list_append(&sp->freel, &blk->le, blk);
		blk = NULL;
	}
	pthread_mutex_unlock(&sp->mutex);

	free(blk);
}


static void blocks_flush(struct list *list)
{
	while (list->head) {
		struct block *blk = list_ledata(list->head);

		list_unlink(&blk->le);
		free(blk);
	}
}


/* Under the mutex */
static void file_ready(struct bodyf *f)
{
	if (f->busy || f->rle.list)
		return;

	list_append(&f->sp->readyl, &f->rle, f);
	pthread_cond_signal(&f->sp->cond);
}


/* Under the mutex */
static bool block_gone(struct spooler *sp, const struct block *blk)
{
	const size_t n = blk->len + BLOCK_COST;
	const size_t left = atomic_fetch_sub(&sp->queued, n) - n;

	if (!sp->waiting || left > CPM_BODY_QUEUE / 2)
		return false;

	sp->waiting = false;

	return true;
}


static void room_tell(struct spooler *sp)
{
	/* the pipe holds one of them at most: see cpm_body_full() */
	while (EINTR == mqueue_push(sp->writer->mq, STORE_ROOM, NULL))
		;
}


/* @return false to end */
static bool take(struct spooler *sp, struct work *w)
{
	struct bodyf *f;

	memset(w, 0, sizeof(*w));

	pthread_mutex_lock(&sp->mutex);
	while (!sp->readyl.head && !sp->stop)
		pthread_cond_wait(&sp->cond, &sp->mutex);

	f = list_ledata(sp->readyl.head);
	if (f) {
		list_unlink(&f->rle);
		f->busy   = true;
		w->file   = f;
		w->block  = list_ledata(f->blockl.head);
		w->drop   = f->drop && !w->block;
		w->finish = f->job && !w->block;
		if (w->block)
			list_unlink(&w->block->le);
	}
	pthread_mutex_unlock(&sp->mutex);

	return f != NULL;
}


static void forget(struct spooler *sp, struct bodyf *f)
{
	pthread_mutex_lock(&sp->mutex);
	list_unlink(&f->le);
	list_unlink(&f->rle);
	if (!--sp->filec) {
		blocks_flush(&sp->freel);
		sp->freec = 0;
	}
	pthread_mutex_unlock(&sp->mutex);

	blocks_flush(&f->blockl);
	bodyf_end(f);
}


/* Its turn is over */
static void give(struct spooler *sp, const struct work *w)
{
	struct bodyf *f = w->file;
	bool tell = false;

	pthread_mutex_lock(&sp->mutex);
	f->busy = false;
	if (w->block)
		tell = block_gone(sp, w->block);
	if (f->blockl.head || f->job || f->drop)
		file_ready(f);
	pthread_mutex_unlock(&sp->mutex);

	block_free(sp, w->block);
	if (tell)
		room_tell(sp);
}


/* The job goes on as soon as the file is there, and may be over, and the file
   be given up, before this returns */
static void finish(struct spooler *sp, struct bodyf *f)
{
	struct job *job = f->job;
	int err;

	if (bodyf_step(f))
		return;

	err = atomic_load(&f->err);
	job->bodyl = f->size;
	pthread_mutex_lock(&sp->mutex);
	f->job = NULL;
	pthread_mutex_unlock(&sp->mutex);

	if (err)
		writer_refuse(sp->writer, job, err);
	else
		writer_push(sp->writer, job);
}


static void *thread_handler(void *arg)
{
	struct spooler *sp = arg;
	struct work w;

	while (take(sp, &w)) {

		if (w.drop) {
			forget(sp, w.file);
			continue;
		}

		if (w.file->state == BODYF_NEW)
			bodyf_begin(w.file);
		if (w.block)
			bodyf_store(w.file, w.block);
		if (w.finish)
			finish(sp, w.file);
		give(sp, &w);
	}

	return NULL;
}


void spooler_init(struct spooler *sp, struct writer *wr)
{
	pthread_mutex_init(&sp->mutex, NULL);
	pthread_cond_init(&sp->cond, NULL);
	sp->writer = wr;
	sp->folder = -1;
}


/* Signals are for the main loop */
int spooler_start(struct spooler *sp, int folder)
{
	sigset_t all, old;
	int err;

	if (sp->running)
		return 0;

	if (sp->folder < 0)
		sp->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	if (sp->folder < 0)
		return errno;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&sp->thread, NULL, thread_handler, sp);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);

	sp->running = !err;

	return err ? ENOMEM : 0;
}


/* In the child of a fork: what was on its way is lost, and its files are
   swept when the spool is opened again */
void spooler_reset(struct spooler *sp)
{
	struct le *le;

	pthread_mutex_init(&sp->mutex, NULL);
	pthread_cond_init(&sp->cond, NULL);
	sp->running = sp->waiting = false;
	atomic_store(&sp->queued, 0);
	list_clear(&sp->readyl);
	if (sp->folder >= 0)
		(void)close(sp->folder);
	sp->folder = -1;

	for (le = sp->filel.head; le; le = le->next) {
		struct bodyf *f = le->data;
		struct job *job = f->job;

		blocks_flush(&f->blockl);
		memset(&f->rle, 0, sizeof(f->rle));
		f->busy  = false;
		f->job   = NULL;
		f->state = BODYF_LEFT;
		atomic_store(&f->err, EIO);
		if (job)
			writer_refuse(sp->writer, job, EIO);
	}
}


/* After all that was put has been finished */
void spooler_stop(struct spooler *sp)
{
	if (!sp->running)
		return;

	pthread_mutex_lock(&sp->mutex);
	sp->stop = true;
	pthread_cond_signal(&sp->cond);
	pthread_mutex_unlock(&sp->mutex);

	(void)pthread_join(sp->thread, NULL);
	sp->running = false;
}


/* The folder is about to be another one */
void spooler_halt(struct spooler *sp)
{
	spooler_stop(sp);
	sp->stop = false;
	if (sp->folder >= 0)
		(void)close(sp->folder);
	sp->folder = -1;
}


/* The thread has been stopped, and all files are dropped */
void spooler_close(struct spooler *sp)
{
	blocks_flush(&sp->freel);
	if (sp->folder >= 0)
		(void)close(sp->folder);
	pthread_cond_destroy(&sp->cond);
	pthread_mutex_destroy(&sp->mutex);
}


/* If so: the room handler is told when it is no more */
bool spooler_full(struct spooler *sp)
{
	bool full;

	if (atomic_load(&sp->queued) <= CPM_BODY_QUEUE)
		return false;

	/* once more: from here on it cannot become less unseen */
	pthread_mutex_lock(&sp->mutex);
	full = atomic_load(&sp->queued) > CPM_BODY_QUEUE;
	if (full)
		sp->waiting = true;
	pthread_mutex_unlock(&sp->mutex);

	return full;
}


int bodyf_open(struct bodyf **fp, struct spooler *sp, uint64_t size)
{
	struct bodyf *f = calloc(1, sizeof(*f));
	int err = 0;

	if (!f)
		return ENOMEM;

	f->sp     = sp;
	f->fd     = -1;
	f->expect = size;

	pthread_mutex_lock(&sp->mutex);
	if (sp->filec >= CPM_BODY_OPEN) {
		err = EMFILE;
	}
	else {
		++sp->filec;
		list_append(&sp->filel, &f->le, f);
		file_ready(f);
	}
	pthread_mutex_unlock(&sp->mutex);

	if (err)
		free(f);
	else
		*fp = f;

	return err;
}


/* Takes the block over */
void bodyf_write(struct bodyf *f, struct block *blk)
{
	struct spooler *sp = f->sp;

	pthread_mutex_lock(&sp->mutex);
	(void)atomic_fetch_add(&sp->queued, blk->len + BLOCK_COST);
	list_append(&f->blockl, &blk->le, blk);
	file_ready(f);
	pthread_mutex_unlock(&sp->mutex);
}


/* When all of it is there the job goes to the writer, or back with an error.
   The file is released with the job. */
void bodyf_finish(struct bodyf *f, struct job *job, uint64_t off,
		  cpm_filter_h *h, void *arg)
{
	struct spooler *sp = f->sp;

	/* what is not run any more has failed */
	job->err  = ESHUTDOWN;
	job->file = f;

	pthread_mutex_lock(&sp->mutex);
	f->base = f->in = off;
	f->filterh = h;
	f->arg     = arg;
	f->job     = job;
	file_ready(f);
	pthread_mutex_unlock(&sp->mutex);
}


/* @param keep a row names it, or may */
void bodyf_drop(struct bodyf *f, bool keep)
{
	struct spooler *sp = f->sp;
	bool now;

	pthread_mutex_lock(&sp->mutex);
	f->keep = keep;
	f->drop = true;
	/* nobody waits for its octets any more */
	if (!keep)
		atomic_store(&f->err, ECANCELED);
	now = !sp->running;
	if (!now)
		file_ready(f);
	pthread_mutex_unlock(&sp->mutex);

	if (now)
		forget(sp, f);
}
