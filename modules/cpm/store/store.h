/**
 * @file store/store.h  Private types of the store, one section a file
 *
 * Two threads: that of the main loop, and the writer. Each has a database
 * connection of its own. The writer calls no mem_*() of libre, which is not
 * made for two threads. A third one runs during an export, with a connection
 * of its own that no other thread ever sees: to make and free that is all it
 * does with mem_*().
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef STORE_H
#define STORE_H

#include <pthread.h>
#include <sys/types.h>
#include <cpm_store.h>
#include "db.h"
#include "spool.h"

/* cpim_notify of cpm_cpim.h: codecs and store do not know each other */
enum {
	NOTIFY_DELIVERY = 1 << 0,
	NOTIFY_DISPLAY  = 1 << 2,
};


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
 * seen.c  Which messages are known
 */
struct seen;

/* Is it this one? @return 0: yes; ENOENT: no; else an error, which stops */
typedef int (seen_h)(uint64_t id, void *arg);

int  seen_alloc(struct seen **snp, struct db *db);
void seen_free(struct seen *sn);

/* Ask for each message with this hash. @return 0; ENOENT; that of h */
int  seen_find(struct seen *sn, uint64_t hash, seen_h *h, void *arg);

/* Ids grow. @return 0; what keeps it from making room: ENOSPC, EIO, ... */
int  seen_add(struct seen *sn, uint64_t hash, uint64_t id);

/* The transaction has ended: forget what was added if it failed */
void seen_end(struct seen *sn, bool committed);

/* Outside of a transaction: needed before anything is asked */
void seen_load(struct seen *sn);

/* The same: take in what is young, if that is much */
void seen_settle(struct seen *sn);

/* The same for all, so that the next start has nothing to read */
void seen_finish(struct seen *sn);


/*
 * convs.c  Conversations that one transaction changes
 */
struct convs;
struct job;

struct conv_row {
	uint64_t id;           /* 0: there is none yet */
	enum cpm_kind kind;
	uint64_t messages;     /* with those of this transaction */
};

int  convs_alloc(struct convs **csp, struct db *db);
void convs_free(struct convs *cs);
int  convs_find(struct convs *cs, struct conv_row **rowp,
		const struct cpm_msg *msg);
int  convs_open(struct convs *cs, struct conv_row *row);

/* Count a message that was added */
void convs_note(struct conv_row *row, const struct job *job);

/* Write what was noted, and forget all */
int  convs_flush(struct convs *cs);
void convs_drop(struct convs *cs);


/*
 * usage.c  Totals, and octets by account
 */
struct usage;

struct totals {
	int64_t conversations;
	int64_t messages;
	int64_t unread;
	int64_t pending;
	int64_t failed;
	int64_t queued;
};

int  usage_alloc(struct usage **usp, struct db *db);
void usage_free(struct usage *us);

/* Of the writer: what its transaction adds */
struct totals *usage_totals(struct usage *us);
int  usage_octets(struct usage *us, const char *aor, int64_t n);
uint64_t usage_now(const struct usage *us, const char *aor);
void usage_end(struct usage *us, bool committed);

/* Of the main loop: what the last commit left */
void usage_read(struct usage *us, struct totals *total);
uint64_t usage_read_octets(struct usage *us, const char *aor);


/*
 * sender.c  To whom reports are due; runs in the writer
 */
enum {
	SENDER_CACHE = 16,   /* conversations that come mixed              */
	SENDER_KEY   = 512,  /* octets of account and peer; longer ones are
				looked up each time                        */
};

struct sender {
	uint64_t id;            /* 0: free */
	uint64_t next;
	bool due;               /* as in the database, unless dirty */
	bool dirty;             /* row to be written */
	size_t keyl;            /* 0: not known by name */
	char key[SENDER_KEY];
};

struct senders {
	struct sender v[SENDER_CACHE];
	unsigned last;          /* used last */
	unsigned turn;          /* to be replaced next */
};

struct write;

int  sender_due(struct write *w, const char *account, const char *peer,
		uint64_t *idp);
int  sender_moved(struct write *w, uint64_t id, uint64_t next);
int  sender_flush(struct write *w);
void sender_forget(struct write *w);


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
	JOB_SWEEP,
	JOB_STATUS,
	JOB_ANNOUNCE,
	JOB_FETCHED,
	JOB_OUT,
	JOB_WAKE,
};

/* Of JOB_STATUS and JOB_OUT */
struct status_move {
	char *id;               /* imdn.Message-ID; NULL with JOB_OUT */
	enum cpm_out to;
	uint16_t code;
	char *reason;
	enum cpm_mode mode;     /* the rest: of JOB_OUT */
	char *contrib;
	bool told;
};

/* Of JOB_ANNOUNCE and JOB_FETCHED: which have but references */
struct announced_list {
	bool whole;
	size_t c;
	struct cpm_announced v[];
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
	uint64_t next;          /* or time before which all go */

	char *account;
	char *peer;
	enum cpm_answer deferred;
	enum cpm_tri delivery_imdn;
	enum cpm_tri display_imdn;
	enum cpm_answer chat;
	struct status_move *move;
	struct announced_list *annl;

	cpm_put_h *puth;
	cpm_status_h *statush;
	cpm_done_h *doneh;
	void *arg;

	struct cpm_put_result res;
	int err;
	bool refused;           /* err is about this job, which did nothing */
	bool end;               /* last one of its commit */

	struct le gle;          /* of cpm_store.givenl; of the main loop */
	bool waited;            /* the main loop waits for it, or did */
	/* under the writer's mutex */
	bool finished;          /* waited: the result is there */
	bool given;             /* waited: it was given up before that */
};

struct fault {
	int err;                /* 0: none */
	char text[STORE_WHY_MAX];
};

struct write {
	struct db *db;
	struct spool *spool;
	struct seen *seen;
	struct convs *convs;
	struct usage *usage;
	struct totals *add;     /* what this transaction adds to the totals */
	const struct cpm_limits *lim;
	uint64_t free;          /* on the disk, about */
	struct fault refused;   /* why a job of this transaction was */
	uint64_t last_id;       /* the last one given to a message */
	uint64_t kept_id;       /* before this transaction */
	struct senders senders;
	bool announced;         /* something may be: else it costs nothing */
	uint8_t salt[HASH_KEY];
};

int  write_init(struct write *w, struct db *db, struct spool *spool,
		const struct cpm_limits *lim);
void write_close(struct write *w);
int  write_job(struct write *w, struct job *job);
int  write_delete(struct write *w, uint64_t id);

/* A transaction: begins, is about to be committed, has ended */
void write_begin(struct write *w);
int  write_flush(struct write *w);
void write_end(struct write *w, bool committed);


/*
 * room.c  Is there room for a message?
 */

/* Octets that are free on the disk; UINT64_MAX if that does not matter */
uint64_t room_free(const struct cpm_limits *lim, const struct spool *spool);

/* @return 0; EDQUOT, and why says why */
int room_quota(struct fault *why, const struct cpm_limits *lim,
	       const char *aor, uint64_t used, uint64_t more);

/* @return 0; ENOSPC, and why says why */
int room_disk(struct fault *why, const struct cpm_limits *lim, uint64_t free,
	      uint64_t more);


/*
 * put.c
 */
int write_put(struct write *w, struct job *job);


/*
 * report.c  The reports that a job makes or moves
 */
int report_put(struct write *w, uint64_t msg, enum cpm_report kind,
	       bool held, uint64_t sender);
int report_make(struct write *w, uint64_t msg, enum cpm_report kind,
		uint64_t *rowsp);
int report_make_conv(struct write *w, uint64_t conv, uint64_t last,
		     enum cpm_report kind);
int report_add(struct write *w, struct job *job);
int report_move(struct write *w, struct job *job);


/*
 * sent.c  Messages of ours; runs in the writer
 */
struct sent_state {
	enum cpm_out status;
	uint64_t queue;         /* conversation; 0: it is not to be sent */
};

int sent_put(struct write *w, const struct job *job);
int sent_move(struct write *w, struct job *job);
int sent_set(struct write *w, uint64_t id, const struct sent_state *now,
	     const struct status_move *move);


/*
 * queue.c  Those that are to be sent
 */
int queue_joined(struct write *w, uint64_t conv, uint64_t id);
int queue_left(struct write *w, uint64_t id, const struct sent_state *was);
int queue_left_all(struct write *w, uint64_t conv);
int queue_state(struct write *w, uint64_t id, struct sent_state *state);
int write_out(struct write *w, struct job *job);
int write_wake(struct write *w, struct job *job);


/*
 * announced.c  Messages that the server announced
 */
int write_announce(struct write *w, struct job *job);
int write_fetched(struct write *w, struct job *job);
int write_came(struct write *w, const struct cpm_msg *msg);

/* How many there are now; the database is asked only if that has changed */
int  announced_count(struct cpm_store *st, uint64_t *countp);
void announced_changed(struct cpm_store *st);


/*
 * submit.c
 */

/* @return 0; EINVAL; ESHUTDOWN; ENOMEM */
int job_alloc(struct job **jobp, struct cpm_store *st, enum job_type type,
	      cpm_done_h *h, void *arg);

/* @param id May be NULL. @return 0; ENOMEM */
int move_alloc(struct status_move **movep, const char *id, enum cpm_out to,
	       uint16_t code, const char *reason);

/* Takes the job over, also if it fails */
int job_queue(struct cpm_store *st, struct job *job);

/* The two halves of cpm_store_put(): the second one takes the job over */
int put_job(struct job **jobp, struct cpm_store *st, struct cpm_msg *msg,
	    cpm_put_h *h, void *arg);
int put_queue(struct cpm_store *st, struct job *job);


/*
 * sweep.c
 */
int write_sweep(struct write *w, struct job *job);


/*
 * read.c
 */
enum {
	READ_MSG_FILE = 24,  /* column with the name of the spool file */
	READ_MSG_COLS = 37,  /* columns that read_msg() knows          */
};

/* One use of a statement for reading; all errors end in read_end() */
int read_start(struct cpm_store *st, struct dbq *q, enum sql id);
int read_end(struct cpm_store *st, struct dbq *q, int err);

/* Each account that a statement finds, one after the other */
int read_aors(struct cpm_store *st, enum sql id, cpm_account_h *h,
		  void *arg);

/* All but the path of the file; strings are borrowed from the statement */
void read_msg(struct cpm_msg *msg, struct dbq *q);


/*
 * export.c
 */
void export_stop(struct cpm_store *st);


/*
 * writer.c  The thread
 */
struct writer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	pthread_cond_t waitcond;  /* on the monotonic clock */
	bool running;
	struct mqueue *mq;
	struct list inbox;      /* of the main loop: jobs of this turn */
	struct tmr tmr;         /* the same: hands them over */
	struct write write;     /* of the thread, while it runs */
	struct list undol;      /* likewise: given up, and committed; to be
				   deleted */

	/* below: under the mutex */
	bool stop;
	bool pushed;            /* the main loop has been told */
	bool broken;            /* the database is damaged: nothing is
				   written to it any more */
	struct list queue;
	struct list done;       /* to be handed out */
	struct job *takenv[CPM_BATCH_MAX];  /* being written */
	size_t takenc;
	struct fault fault;
};

int  writer_init(struct writer *wr, mqueue_h *h, void *arg);
void writer_reset(struct writer *wr);
int  writer_queue(struct writer *wr, struct job *job);
void writer_hurry(struct writer *wr);
int  writer_start(struct writer *wr);
void writer_push(struct writer *wr, struct job *job);
void writer_refuse(struct writer *wr, struct job *job, int err);
void writer_stop(struct writer *wr);
void writer_break(struct writer *wr);
void writer_halt(struct writer *wr);
void writer_abort(struct writer *wr, int err);
void writer_tell(struct writer *wr);
struct job *writer_done(struct writer *wr);
bool writer_fault(struct writer *wr, struct fault *fault);
void writer_close(struct writer *wr);


/*
 * wait.c  A message whose commit the main loop waits for
 */

/* In the writer. Was it given up? */
bool wait_over(struct writer *wr, const struct job *job);
bool wait_check(struct writer *wr, struct job *const *jobv, size_t jobc);
void wait_end(struct writer *wr, struct job *job);
void wait_settle(struct writer *wr);

/* On the main loop */
bool wait_given(const struct cpm_store *st, const char *account,
		const char *imdn_id);


/*
 * store.c
 */
struct export;

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
	struct cpm_limits lim;
	char *path;             /* absolute: a daemon leaves its folder */
	char *folder;           /* that holds it; NULL: not yet known */
	int lock;
	pid_t pid;
	bool closed;
	struct export *export;  /* the one that runs, or NULL */
	struct list givenl;     /* jobs without a result that nobody waits
				   for any more */

	enum cpm_store_state state;
	enum cpm_store_state said;  /* that the user knows of */
	char *why;              /* one line: why it is not ready */
	bool damaged;           /* it is to be set aside */
	bool begun;             /* after that a new one is being begun */
	char damage[STORE_WHY_MAX];
	char *lost;             /* to be said once it is open again */
	char *told;             /* that was said */
	const char *unwritten;  /* the last commit failed: word, or NULL */
	uint64_t missing;       /* message whose file may be gone, or 0 */
	uint64_t announcedc;    /* what is announced ...                */
	uint64_t announced_until;  /* until then, ms since 1970; 0: not
				   known                                */
	uint64_t faultv[FAULT_WORDS];  /* when each word was last said */

	cpm_batch_h *batchh;
	cpm_fault_h *faulth;
	void *arg;
};

/* @return 0; EAGAIN: it is not ready */
int  store_enter(struct cpm_store *st);

/* The database is damaged: nothing more is done with it; from the main loop
   it is set aside and a new one begun */
void store_damaged(struct cpm_store *st, const char *why);


/*
 * fault.c  What is wrong, in one word and one line
 */

/* A read or a commit failed */
void store_fault(struct cpm_store *st, bool reading, int err,
		 const char *text);

/* The file of a message is not where it should be: look, and say so */
void store_missing(struct cpm_store *st, uint64_t id);
void fault_missing(struct cpm_store *st);

/* @param news say it even if the word was said a moment ago */
void fault_say(struct cpm_store *st, const char *word, const char *text,
	       bool news);
void fault_forget(struct cpm_store *st);
const char *fault_word(enum cpm_store_state state);
const char *fault_write_word(int err);
enum cpm_store_state fault_state(const struct cpm_store *st, int err);


/*
 * open.c  Files, lock and connections
 */

/* All of it. @return 0; errno, see cpm_store_start() */
int  store_open_all(struct cpm_store *st, char *why, size_t size);

/* The connections and the spool folder only */
int  store_attach(struct cpm_store *st, char *why, size_t size);
void store_detach(struct cpm_store *st);
int  store_errno(int e);
int  folder_sync(const char *folder);


/*
 * aside.c  Damaged files get other names
 */

/* @param where filled with the new name of the database */
int aside_move(const char *path, const char *folder, char *where,
	       size_t size);

/* The same, but what is there stays. Nothing is left if it fails */
int aside_copy(const char *path, const char *folder, char *where,
	       size_t size);


/*
 * wal.c
 */

/* @return 0: what SQLite will not take of it was never committed; EBADMSG:
   something is lost that was; EIO; ENOMEM */
int wal_check(const char *path);

#endif
