/**
 * @file store/store.h  Private types of the store, one section a file
 *
 * Two threads: that of the main loop, and the writer. Each has a database
 * connection of its own. The writer calls no mem_*() of libre, which is not
 * made for two threads.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef STORE_H
#define STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <cpm_store.h>

enum {
	STORE_TEXT_MAX = 2048,  /* cpm_conv.last_text: a preview         */
	STORE_WHY_MAX  = 256,   /* one line about an error               */
};

/* cpim_notify of cpm_cpim.h: codecs and store do not know each other */
enum {
	NOTIFY_DELIVERY = 1 << 0,
	NOTIFY_DISPLAY  = 1 << 2,
};


/*
 * sql.c  The statements
 */

/* what cpm_query asks for: added to SQL_MSGS */
enum {
	QUERY_CONV   = 1,
	QUERY_PEER   = 2,
	QUERY_UNREAD = 4,
	QUERY_AFTER  = 8,
};

enum sql {
	SQL_BEGIN = 0,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_CONV_FIND,
	SQL_CONV_ADD,
	SQL_CONV_PUT,
	SQL_CONV_UNREAD,
	SQL_CONV_DROP,
	SQL_CONV_EMPTY,
	SQL_CONV_IS,
	SQL_KNOWN_CHAT,
	SQL_KNOWN_GROUP,
	SQL_MSG_ADD,
	SQL_MSG_READ,
	SQL_MSG_READ_CONV,
	SQL_MSG_STATE,
	SQL_GONE_ADD,
	SQL_GONE_ADD_CONV,
	SQL_MSG_DEL,
	SQL_MSG_DEL_CONV,
	SQL_FILE,
	SQL_FILES_CONV,
	SQL_FILE_USED,
	SQL_REPORT_PUT,
	SQL_REPORT_ADD,
	SQL_REPORT_ADD_CONV,
	SQL_REPORT_HOLD,
	SQL_REPORT_MOVE,
	SQL_REPORT_RETRY,
	SQL_REPORT_RELEASE,
	SQL_POLICY_SET,
	SQL_POLICY_DEL,
	SQL_TOTAL_ADD,
	SQL_SALT,

	SQL_CONVS,
	SQL_CONVS_ACCOUNT,
	SQL_CONV,
	SQL_MSG,
	SQL_BODY,
	SQL_DUE_ANY,
	SQL_DUE,
	SQL_DUE_NEXT,
	SQL_POLICIES,
	SQL_TOTAL,
	SQL_MSGS,
	SQL_MAX = SQL_MSGS + 16
};

extern const char *const sql_text[SQL_MAX];


/*
 * schema.c  Migrations
 */
enum {
	SCHEMA_APP = 0x63706d31,  /* PRAGMA application_id: "cpm1" */
};

/* schema_sql[n] makes version n + 1 of version n */
extern const char *const schema_sql[];
extern const int schema_version;


/*
 * sqlite.c  A connection, and one use of a statement
 */
struct db;

enum db_mode {
	DB_WRITE,  /* creates and migrates */
	DB_READ,
};

/* One use of a statement, on the stack. Errors of binding stay in it until
   dbq_step() or dbq_run(). */
struct dbq {
	struct db *db;
	void *stmt;
	int err;
	bool own;
};

int  db_open(struct db **dbp, const char *path, enum db_mode mode,
	     char *why, size_t size);
const char *db_why(const struct db *db);
void db_forget(struct db *db);
uint64_t db_last_id(const struct db *db);

void dbq_start(struct dbq *q, struct db *db, enum sql id);
void dbq_int(struct dbq *q, int i, uint64_t val);
void dbq_delta(struct dbq *q, int i, int64_t val);
void dbq_text(struct dbq *q, int i, const char *str);
void dbq_blob(struct dbq *q, int i, const void *p, size_t len);

/* 0: there is a row; ENOENT: there is none, or no more */
int  dbq_step(struct dbq *q);
uint64_t dbq_get(struct dbq *q, int col);
const char *dbq_str(struct dbq *q, int col);
const void *dbq_mem(struct dbq *q, int col, size_t *lenp);
void dbq_end(struct dbq *q);

/* Run to the end and dbq_end(). @param rowsp rows changed, may be NULL */
int  dbq_run(struct dbq *q, uint64_t *rowsp);


/*
 * hash.c
 */
enum { HASH_KEY = 16 };

struct hash {
	uint64_t v[4];
	uint64_t word;
	uint64_t len;
};

void hash_start(struct hash *h, const uint8_t key[HASH_KEY]);
void hash_add(struct hash *h, const void *p, size_t len);
uint64_t hash_end(struct hash *h);


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
void spool_commit(struct spool *sp);
void spool_rollback(struct spool *sp, bool keep);
int  spool_read(const struct spool *sp, const char *name, uint64_t off,
		size_t len, struct mbuf *mb);


/*
 * write.c  What a job does to the database; runs in the writer
 */
enum job_type {
	JOB_PUT,
	JOB_DISPLAY,
	JOB_DISPLAY_CONV,
	JOB_REPORT_ADD,
	JOB_REPORT_MOVE,
	JOB_DELETE,
	JOB_POLICY,
};

struct job {
	struct le le;
	enum job_type type;

	struct cpm_msg *msg;    /* shared */
	const uint8_t *body;    /* view into msg->body; NULL: in file */
	size_t bodyl;
	struct bodyf *file;     /* of msg->large; released with the job */
	bool doubt;             /* of a commit that failed, and may be on
				   the disk                          */

	uint64_t id;            /* message or report */
	uint64_t conv;
	uint64_t last;
	uint64_t *idv;
	size_t idc;
	bool report;
	enum cpm_report kind;
	enum cpm_report_state to;
	uint64_t next;

	char *account;
	char *peer;
	enum cpm_answer deferred;
	enum cpm_tri delivery_imdn;
	enum cpm_tri display_imdn;

	cpm_put_h *puth;
	cpm_done_h *doneh;
	void *arg;

	struct cpm_put_result res;
	int err;
	bool end;               /* last one of its commit */
};

/* What one transaction adds to the totals */
struct totals {
	int64_t conversations;
	int64_t messages;
	int64_t unread;
	int64_t pending;
	int64_t failed;
};

struct write {
	struct db *db;
	struct spool *spool;
	struct totals add;
	uint8_t salt[HASH_KEY];
};

int write_init(struct write *w, struct db *db, struct spool *spool);
int write_job(struct write *w, struct job *job);
int write_totals(struct write *w);


/*
 * put.c
 */
int write_put(struct write *w, struct job *job);


/*
 * writer.c  The thread
 */
struct fault {
	int err;                /* 0: none */
	char text[STORE_WHY_MAX];
};

struct writer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool running;
	struct mqueue *mq;
	struct write write;     /* of the thread, while it runs */

	/* below: under the mutex */
	bool stop;
	bool pushed;            /* the main loop has been told */
	struct list queue;
	struct list done;       /* to be handed out */
	struct job *takenv[CPM_BATCH_MAX];  /* being written */
	size_t takenc;
	struct fault fault;
};

int  writer_init(struct writer *wr, mqueue_h *h, void *arg);
void writer_reset(struct writer *wr);
int  writer_queue(struct writer *wr, struct job *job);
int  writer_start(struct writer *wr);
void writer_push(struct writer *wr, struct job *job);
void writer_refuse(struct writer *wr, struct job *job, int err);
void writer_stop(struct writer *wr);
void writer_abort(struct writer *wr, int err);
void writer_tell(struct writer *wr);
struct job *writer_done(struct writer *wr);
bool writer_fault(struct writer *wr, struct fault *fault);
void writer_close(struct writer *wr);


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


/*
 * store.c
 */
enum store_id {            /* of a message in the writer's mqueue */
	STORE_DONE = 0,
	STORE_ROOM,
};

struct cpm_store {
	struct writer writer;
	struct spooler spooler;
	struct db *wdb;
	struct db *rdb;
	struct spool *spool;
	char *path;             /* absolute: a daemon leaves its folder */
	int lock;
	pid_t pid;
	bool closed;
	uint64_t faultv[3];     /* when each word was last said */

	cpm_batch_h *batchh;
	cpm_fault_h *faulth;
	void *arg;
};

int  store_enter(struct cpm_store *st);
void store_fault(struct cpm_store *st, bool reading, int err,
		 const char *text);

#endif
