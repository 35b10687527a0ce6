/**
 * @file store/db.h  A database: its schema, its statements, a connection
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <cpm_store.h>

enum {
	STORE_TEXT_MAX = CPM_PREVIEW,  /* in the row of a larger text    */
	STORE_WHY_MAX  = 256,   /* one line about an error               */
	FAULT_WORDS    = 10,    /* words for what is wrong               */
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
	SQL_CONV_SET_PEER,
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
	SQL_SWEEP,
	SQL_FILE,
	SQL_FILES_CONV,
	SQL_FILE_USED,
	SQL_REPORT_PUT,
	SQL_REPORTABLE,
	SQL_REPORTABLE_CONV,
	SQL_REPORT_HOLD,
	SQL_REPORT_MOVE,
	SQL_REPORT_RETRY,
	SQL_REPORT_RELEASE,
	SQL_SENDER_FIND,
	SQL_SENDER_ADD,
	SQL_SENDER_SET,
	SQL_POLICY_SET,
	SQL_POLICY_DEL,
	SQL_SEEN_FIND,
	SQL_SEEN_ADD,
	SQL_SEEN_UPTO,
	SQL_SEEN_SET_UPTO,
	SQL_SEEN_REST,
	SQL_LAST_ID,
	SQL_USAGE,
	SQL_REPORTS,
	SQL_SALT,
	SQL_SENT_ADD,
	SQL_SENT_FIND,
	SQL_SENT_MOVE,
	SQL_SENT_STATE,
	SQL_OUT_SENDING,
	SQL_OUT_AGAIN,
	SQL_QUEUED_SUM,
	SQL_QUEUED_SUM_CONV,
	SQL_TURN_BEGIN,
	SQL_TURN_LEFT,
	SQL_TURN_WAIT,
	SQL_TURN_WAKE,
	SQL_SENT_DEL,
	SQL_SENT_DEL_CONV,
	SQL_ANNOUNCE,
	SQL_ANNOUNCED_EXPIRE,
	SQL_ANNOUNCED_LIMIT,
	SQL_ANNOUNCED_DEL,
	SQL_ANNOUNCED_DEL_ALL,
	SQL_ANNOUNCED_ANY,

	SQL_CONVS,
	SQL_CONVS_ACCOUNT,
	SQL_CONV,
	SQL_CONV_KEY,
	SQL_CONV_PEER,
	SQL_MSG,
	SQL_BODY,
	SQL_DUE_ACCOUNT,
	SQL_EXPORT,
	SQL_LAST,
	SQL_DUE,
	SQL_DUE_NEXT,
	SQL_QUEUED_ACCOUNT,
	SQL_QUEUED,
	SQL_QUEUED_CONV,
	SQL_QUEUED_NEXT,
	SQL_POLICIES,
	SQL_ANNOUNCED,
	SQL_ANNOUNCED_COUNT,
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

/* Every page and index read. @param agep grows with what the store has kept
   since it is there. @return 0; EBADMSG: damaged; errno */
int  db_check(struct db *db, uint64_t *agep, char *why, size_t size);

/* The same for the file without its log, which stays as it is */
int  db_check_alone(const char *path, uint64_t *agep);

/* Numbers given from now on are above all that any store gave before */
int  db_seed(struct db *db, char *why, size_t size);

/* When it is closed its files stay as they are. db may be NULL */
void db_keep(struct db *db);

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

#endif
