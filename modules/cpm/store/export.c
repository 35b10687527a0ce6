/**
 * @file export.c  Every message handed out once, on a thread of its own
 *
 * With a read connection of its own, so that neither the main loop nor the
 * writer waits. It reads in pages: a read that goes on for minutes would keep
 * the writer from starting its log anew, which would grow all the while. And
 * since one page after the other does so as well while messages keep coming,
 * it makes a pause when the log has grown. What is deleted meanwhile may be
 * missing, and what arrives after the beginning is not in it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "store.h"


enum {
	PAGE  = 1000,     /* messages read in one transaction    */
	SPAN  = 20000,    /* messages looked at in one, if most
			     are of other conversations          */
	PIECE = 65536,    /* octets of a body handed out at once */

	NICE  = 10,       /* less of the processor than others   */

	LOG_MAX  = 33554432,  /* octets of the log: the writer leaves it
				 half of that                         */
	LOG_STEP = 10,        /* ms                                   */
	LOG_WAIT = 2000,      /* ms; without a commit it stays        */
};

struct export {
	struct cpm_store *st;          /* of the main loop only */
	struct mqueue *mq;
	cpm_export_h *h;
	pthread_t thread;
	pid_t pid;

	/* of the thread, until it has ended */
	const struct cpm_export_sink *sink;
	void *arg;
	char *path;
	char *log;                     /* path of SQLite's -wal              */
	uint64_t log_max;              /* octets                             */
	char *spool;                   /* folder, with its "/"               */
	struct db *db;
	uint64_t conv;
	uint64_t after;                /* id up to which all were handed out */
	uint64_t last;                 /* id of the last one there was       */
	uint64_t missing;              /* id whose file was not there        */
	int fd;                        /* the body that is to be handed out  */
	uint64_t size;                 /* of it                              */
	struct cpm_export_result res;
	int err;
	char why[STORE_WHY_MAX];       /* what the database said             */
	uint8_t buf[PIECE];

	atomic_bool stop;              /* of both                            */
};


static void destructor(void *arg)
{
	struct export *ex = arg;

	mem_deref(ex->mq);
	mem_deref(ex->path);
	mem_deref(ex->log);
	mem_deref(ex->spool);
}


static int done(struct export *ex, bool lost)
{
	const int err = ex->sink->endh(lost, ex->arg);

	if (err)
		return err;

	++ex->res.messages;
	ex->res.lost += lost;

	return 0;
}


/* The page has ended: a large file may take its time */
static int body_file(struct export *ex)
{
	int err = 0;

	while (ex->size && !err) {
		const ssize_t n = read(ex->fd, ex->buf, ex->size < PIECE
				       ? (size_t)ex->size : PIECE);

		if (ex->stop)
			err = ECANCELED;
		else if (n > 0)
			err = ex->sink->bodyh(ex->buf, (size_t)n, ex->arg);
		else if (!n || errno != EINTR)
			break;

		if (n > 0)
			ex->size -= (uint64_t)n;
	}

	(void)close(ex->fd);
	ex->fd = -1;

	return err ? err : done(ex, ex->size > 0);
}


static int body_row(struct export *ex, struct dbq *q, uint64_t size)
{
	size_t len = 0;
	const uint8_t *p = dbq_mem(q, READ_MSG_COLS, &len);
	int err = 0;

	if (len > size)
		len = (size_t)size;
	if (len)
		err = ex->sink->bodyh(p, len, ex->arg);

	return err ? err : done(ex, len < size);
}


/* @param endp set if the page is to end here */
static int row(struct export *ex, struct dbq *q, bool *endp)
{
	const char *name = dbq_str(q, READ_MSG_FILE);
	char file[PATH_MAX];
	struct cpm_msg msg;
	int err;

	read_msg(&msg, q);
	if (msg.source) {
		msg.file = msg.source;
		ex->fd = source_open(msg.source, msg.size, msg.source_mtime);
		*endp = true;
	}
	else if (name) {
		(void)snprintf(file, sizeof(file), "%s%s", ex->spool, name);
		msg.file = file;
		ex->fd = open(file, O_RDONLY | O_CLOEXEC);
		*endp = true;

		/* deleted just now, or lost? If it comes again, lost */
		if (ex->fd < 0 && ex->missing != msg.id) {
			ex->missing = msg.id;
			return 0;
		}
	}

	ex->after = msg.id;
	ex->size = msg.size;
	err = ex->sink->msgh(&msg, ex->arg);
	if (err)
		return err;
	if (!msg.file)
		return body_row(ex, q, msg.size);

	return ex->fd < 0 ? done(ex, true) : 0;
}


/* The same, and keeps what the database says */
static int step(struct export *ex, struct dbq *q)
{
	const int err = dbq_step(q);

	if (err && err != ENOENT)
		(void)snprintf(ex->why, sizeof(ex->why), "%s",
			       db_why(ex->db));

	return err;
}


static int page(struct export *ex)
{
	const uint64_t left = ex->last - ex->after;
	const uint64_t upto = left < SPAN ? ex->last : ex->after + SPAN;
	bool end = false;
	struct dbq q;
	int err = 0, n;

	dbq_start(&q, ex->db, SQL_EXPORT);
	dbq_int(&q, 1, ex->after);
	dbq_int(&q, 2, upto);
	dbq_int(&q, 3, ex->conv);
	dbq_int(&q, 4, PAGE);

	for (n=0; n<PAGE && !end && !err; n++) {
		err = ex->stop ? ECANCELED : step(ex, &q);
		if (err == ENOENT) {
			ex->after = upto;
			end = true;
			err = 0;
		}
		else if (!err) {
			err = row(ex, &q, &end);
		}
	}
	dbq_end(&q);

	return err || ex->fd < 0 ? err : body_file(ex);
}


static uint64_t log_size(const struct export *ex)
{
	struct stat st;

	return stat(ex->log, &st) < 0 ? 0 : (uint64_t)st.st_size;
}


/* Between two pages: with nobody reading the writer's next commit copies the
   log and starts anew */
static void log_pause(struct export *ex)
{
	const struct timespec step = {0, LOG_STEP * 1000000L};
	int ms;

	for (ms=0; log_size(ex) > ex->log_max; ms += LOG_STEP) {

		/* nothing is written, or somebody else reads */
		if (ex->stop || ms >= LOG_WAIT) {
			ex->log_max = log_size(ex) + LOG_MAX;
			return;
		}

		(void)nanosleep(&step, NULL);
	}

	if (ms)
		ex->log_max = LOG_MAX;
}


static int all_pages(struct export *ex)
{
	struct dbq q;
	int err;

	err = db_open(&ex->db, ex->path, DB_READ, ex->why, sizeof(ex->why));
	if (!err) {
		dbq_start(&q, ex->db, SQL_LAST);
		err = step(ex, &q);
		if (!err)
			ex->last = dbq_get(&q, 0);
		dbq_end(&q);
	}
	while (!err && ex->after < ex->last) {
		log_pause(ex);
		err = page(ex);
	}

	if (ex->fd >= 0)
		(void)close(ex->fd);
	ex->db = mem_deref(ex->db);

	/* what it was, the fault says */
	return ex->why[0] && err != ENOMEM ? EIO : err;
}


static void *thread_handler(void *arg)
{
	struct export *ex = arg;

	/* nobody waits for it: calls and messages go first */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);

	ex->err = ex->sink->openh(ex->arg);
	if (!ex->err)
		ex->err = ex->sink->closeh(all_pages(ex), ex->arg);

	while (EINTR == mqueue_push(ex->mq, 0, NULL))
		;

	return NULL;
}


/* Its thread has done what it does, or is told to make an end */
static void finish(struct export *ex)
{
	struct cpm_store *st = ex->st;

	/* threads do not come along into the child of a fork */
	if (ex->pid == getpid())
		(void)pthread_join(ex->thread, NULL);
	else
		ex->err = ECANCELED;

	st->export = NULL;
	if (ex->why[0])
		store_fault(st, true, ex->err, ex->why);
	ex->h(ex->err, &ex->res, ex->arg);
	mem_deref(ex);
}


static void mqueue_handler(int id, void *data, void *arg)
{
	(void)id;
	(void)data;

	finish(arg);
}


void export_stop(struct cpm_store *st)
{
	if (!st->export)
		return;

	st->export->stop = true;
	finish(st->export);
}


/* Signals are for the main loop */
static int thread_start(struct export *ex)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&ex->thread, NULL, thread_handler, ex);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);

	return err ? ENOMEM : 0;
}


static bool found_handler(const struct cpm_conv *conv, void *arg)
{
	(void)conv;
	(void)arg;

	return true;
}


static int export_alloc(struct export **exp, struct cpm_store *st)
{
	char spool[PATH_MAX];
	struct export *ex;
	int err;

	err = spool_path(st->spool, spool, sizeof(spool), "");
	if (err)
		return err;

	ex = mem_zalloc(sizeof(*ex), destructor);
	if (!ex)
		return ENOMEM;

	ex->st  = st;
	ex->pid = getpid();
	ex->fd  = -1;
	ex->log_max = LOG_MAX;
	err = mqueue_alloc(&ex->mq, mqueue_handler, ex);
	if (!err)
		err = str_dup(&ex->path, st->path);
	if (!err)
		err = re_sdprintf(&ex->log, "%s-wal", st->path);
	if (!err)
		err = str_dup(&ex->spool, spool);

	if (err)
		mem_deref(ex);
	else
		*exp = ex;

	return err;
}


int cpm_store_export(struct cpm_store *st, uint64_t conv,
		     const struct cpm_export_sink *sink, cpm_export_h *h,
		     void *arg)
{
	struct export *ex;
	int err;

	if (!st || !sink || !sink->openh || !sink->msgh || !sink->bodyh ||
	    !sink->endh || !sink->closeh || !h)
		return EINVAL;
	if (st->closed)
		return ESHUTDOWN;
	if (st->export)
		return EBUSY;

	err = store_enter(st);
	if (!err && conv)
		err = cpm_store_conv(st, conv, found_handler, NULL);
	if (err)
		return err;

	err = export_alloc(&ex, st);
	if (err)
		return err;

	ex->conv = conv;
	ex->sink = sink;
	ex->h    = h;
	ex->arg  = arg;
	err = thread_start(ex);
	if (err)
		mem_deref(ex);
	else
		st->export = ex;

	return err;
}
