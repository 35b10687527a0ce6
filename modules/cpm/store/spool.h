/**
 * @file spool.h  Private types of the store: bodies that are files
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <cpm_store.h>
#include "db.h"

struct writer;
struct job;


/*
 * spool.c  Large bodies
 */
enum { SPOOL_NAME = 32 };  /* hexadecimal digits of a random number */

#define SPOOL_TMP "tmp-"   /* before the name of what is no body yet */

struct spool;

int  spool_open(struct spool **spp, const char *folder, struct db *db);
int  spool_path(const struct spool *sp, char *path, size_t size,
		const char *name);
int  spool_put(struct spool *sp, char name[SPOOL_NAME + 1],
	       const uint8_t *p, size_t len);
int  spool_drop(struct spool *sp, const char *name);
int  spool_fd(const struct spool *sp);
int  spool_random(char name[SPOOL_NAME + 1]);
int  spool_errno(int e);
int  spool_sync(struct spool *sp);
int  spool_free(const struct spool *sp, uint64_t *octetsp);
void spool_commit(struct spool *sp);
void spool_rollback(struct spool *sp, bool keep);
int  spool_read(const struct spool *sp, const char *name, uint64_t off,
		size_t len, struct mbuf *mb);
int  spool_read_fd(int fd, uint64_t off, size_t len, struct mbuf *mb);


/*
 * source.c  Bodies that are files of the user's
 */
bool source_there(const struct cpm_msg *msg);
int  source_open(const char *path, uint64_t size, uint64_t mtime);
int  source_read(const char *path, uint64_t size, uint64_t mtime,
		 uint64_t off, size_t len, struct mbuf *mb);


/*
 * spooler.c  The other thread: large bodies to files
 */
enum {
	BODY_BLOCK = 131072,  /* octets that go to the disk in one call */
};

/* Octets on their way; of the C library's memory */
struct block {
	struct le le;
	uint64_t off;
	size_t size;            /* room in data */
	size_t len;
	uint8_t data[];
};

/* The file of a body; likewise */
struct bodyf;

struct spooler {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool running;
	struct writer *writer;
	int folder;             /* -1: none */
	struct list bodyl;      /* struct cpm_body; of the main loop */
	cpm_room_h *roomh;      /* likewise */
	void *arg;

	/* below: under the mutex */
	bool stop;
	bool waiting;           /* the main loop, for room */
	struct list filel;
	struct list readyl;     /* those for which there is something to do */
	struct list freel;      /* blocks to be used again: the C library
				   would give their pages back each time */
	uint32_t filec;
	uint32_t freec;
	atomic_size_t queued;   /* octets of blocks */
};

void spooler_init(struct spooler *sp, struct writer *wr);
void spooler_reset(struct spooler *sp);
int  spooler_start(struct spooler *sp, int folder);
void spooler_stop(struct spooler *sp);
void spooler_halt(struct spooler *sp);
void spooler_close(struct spooler *sp);
bool spooler_full(struct spooler *sp);
struct block *block_alloc(struct spooler *sp);
void block_free(struct spooler *sp, struct block *blk);


/*
 * bodyf.c  The file of a body: what the thread does with it
 */
struct bodyf {
	struct spooler *sp;     /* borrowed */
	struct le le;           /* of sp->filel */
	struct le rle;          /* of sp->readyl */
	atomic_int err;         /* the first error; the rest is for nothing */

	/* under the mutex */
	struct list blockl;
	bool busy;              /* the thread is at it */
	bool drop;
	bool keep;              /* its row has come, or may have */
	struct job *job;        /* set while it is to be finished */

	/* of the thread; once the job has gone on, of who has the job */
	int fd;
	enum bodyf_state {
		BODYF_NEW = 0,  /* no file yet                        */
		BODYF_OPEN,     /* it has a temporary name            */
		BODYF_MOVING,   /* being filtered, or moved down      */
		BODYF_WHOLE,    /* it is what it is to be             */
		BODYF_NAMED,    /* on the disk with its own name      */
		BODYF_LEFT,     /* not ours any more                  */
	} state;
	char name[SPOOL_NAME + 1];
	uint64_t expect;        /* octets to come, 0: not known */
	uint64_t size;
	uint64_t dirty;         /* octets written since the last sync */
	uint64_t base;          /* where the body begins */
	uint64_t in, out;       /* how far it was read, and filtered */
	cpm_filter_h *filterh;
	void *arg;
	uint8_t head[STORE_TEXT_MAX];
	size_t headl;
};

int  bodyf_open(struct bodyf **fp, struct spooler *sp, uint64_t size);
void bodyf_write(struct bodyf *f, struct block *blk);
void bodyf_finish(struct bodyf *f, struct job *job, uint64_t off,
		  cpm_filter_h *h, void *arg);
void bodyf_drop(struct bodyf *f, bool keep);

/* the thread's part */
void bodyf_begin(struct bodyf *f);
void bodyf_store(struct bodyf *f, const struct block *blk);
bool bodyf_step(struct bodyf *f);  /* false: nothing is left to do */
void bodyf_end(struct bodyf *f);


/*
 * body.c
 */
int  body_check(struct cpm_body *body, struct cpm_store *st);
void body_put(struct cpm_body *body, struct job *job);
void body_close_all(struct cpm_store *st);

#endif
