/**
 * @file sqlite.c  A database connection; the only file that knows SQLite
 *
 * WAL with synchronous=FULL: what is committed survives a crash and a loss
 * of power, and readers see the last commit without waiting. A connection
 * belongs to one thread.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <sqlite3.h>
#include "db.h"


enum {
	BUSY_WRITE = 5000,  /* ms; only another program's transaction can
			       hold the writer up, and it has time       */
	BUSY_MAIN  = 5,     /* ms; the main loop has none: enough for
			       locks that are held for a moment only     */
	NAP_MAIN   = 10,    /* us; longest sleep between two tries for a
			       lock of the log: there may be a hundred   */
};

struct db {
	sqlite3_vfs vfs;    /* of its own, for its way to sleep          */
	char name[32];      /* of that                                   */
	sqlite3 *sq;
	sqlite3_stmt *stmtv[SQL_MAX];
	char why[STORE_WHY_MAX];
};


static void destructor(void *arg)
{
	struct db *db = arg;
	size_t i;

	for (i=0; i<SQL_MAX; i++)
		(void)sqlite3_finalize(db->stmtv[i]);

	(void)sqlite3_close(db->sq);
}


/* @return errno of the last call for one of its files that failed, 0: none */
static int file_errno(sqlite3 *sq, int which)
{
	sqlite3_file *f = NULL;
	int e = 0;

	if (sqlite3_file_control(sq, NULL, which, &f) || !f || !f->pMethods ||
	    f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &e))
		return 0;

	return e;
}


static int known_errno(int e, int other)
{
	switch (e) {

	case ENOSPC:
	case EDQUOT:
	case EFBIG:  return ENOSPC;
	case EPERM:
	case EACCES: return EACCES;
	case EROFS:  return EROFS;
	default:     return other;
	}
}


/* What SQLite notes may be of a later call already: the files know better,
   but not about those that could not be opened */
static int system_errno(struct db *db, int other)
{
	int err = known_errno(file_errno(db->sq,
					 SQLITE_FCNTL_JOURNAL_POINTER), 0);

	if (!err)
		err = known_errno(file_errno(db->sq,
					     SQLITE_FCNTL_FILE_POINTER), 0);

	return err ? err : known_errno(sqlite3_system_errno(db->sq), other);
}


/* Keeps the reason before another call can replace it */
static int db_errno(struct db *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		return 0;

	snprintf(db->why, sizeof(db->why), "%s",
		 db->sq ? sqlite3_errmsg(db->sq) : sqlite3_errstr(rc));

	switch (rc & 0xff) {

	case SQLITE_FULL:     return ENOSPC;
	case SQLITE_READONLY: return EROFS;
	case SQLITE_BUSY:
	case SQLITE_PROTOCOL:
	case SQLITE_LOCKED:   return EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:   return EBADMSG;
	case SQLITE_NOMEM:    return ENOMEM;
	case SQLITE_PERM:
	case SQLITE_AUTH:     return EACCES;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN: return system_errno(db, EIO);
	default:              return EIO;
	}
}


static int db_exec(struct db *db, const char *sql)
{
	return db_errno(db, sqlite3_exec(db->sq, sql, NULL, NULL, NULL));
}


static int db_number(struct db *db, uint64_t *valp, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = db_errno(db, sqlite3_prepare_v2(db->sq, sql, -1, &stmt, NULL));
	if (err)
		return err;

	err = db_errno(db, sqlite3_step(stmt));
	if (!err)
		*valp = (uint64_t)sqlite3_column_int64(stmt, 0);

	(void)sqlite3_finalize(stmt);

	return err;
}


/* Before anything is written: a file that is not ours stays as it is */
static int db_version(struct db *db, int *versionp)
{
	uint64_t version = 0, app = 0, tables = 0;
	int err;

	err = db_number(db, &version, "PRAGMA user_version");
	*versionp = (int)version;
	if (!err)
		err = db_number(db, &app, "PRAGMA application_id");
	if (!err)
		err = db_number(db, &tables,
				"SELECT count(*) FROM sqlite_master");
	if (err)
		return err;

	if (!app && !*versionp && !tables)
		return 0;

	if (app != SCHEMA_APP || *versionp < 1) {
		snprintf(db->why, sizeof(db->why),
			 "it belongs to another program");
		return EMEDIUMTYPE;
	}

	if (*versionp > schema_version) {
		snprintf(db->why, sizeof(db->why), "its schema is version %d,"
			 " newer than version %d that this module knows",
			 *versionp, schema_version);
		return ENOTSUP;
	}

	return 0;
}


static int migrate(struct db *db, int version)
{
	char sql[128];
	int err = 0;

	for (; version < schema_version; version++) {
		snprintf(sql, sizeof(sql), "PRAGMA application_id = %d;"
			 "PRAGMA user_version = %d; COMMIT",
			 SCHEMA_APP, version + 1);

		err = db_exec(db, "BEGIN IMMEDIATE");
		if (!err)
			err = db_exec(db, schema_sql[version]);
		if (!err)
			err = db_exec(db, sql);
		if (err)
			break;
	}

	/* a transaction left open ends with the connection */
	return err;
}


/* Not every file system has what it needs, and SQLite then says nothing */
static int set_wal(struct db *db)
{
	sqlite3_stmt *stmt = NULL;
	const char *mode;
	int err;

	err = db_errno(db, sqlite3_prepare_v2(db->sq,
					      "PRAGMA journal_mode = WAL",
					      -1, &stmt, NULL));
	if (err)
		return err;

	err = db_errno(db, sqlite3_step(stmt));
	mode = err ? NULL : (const char *)sqlite3_column_text(stmt, 0);
	if (!err && (!mode || strcmp(mode, "wal"))) {
		snprintf(db->why, sizeof(db->why),
			 "its file system cannot hold a database in WAL mode");
		err = EIO;
	}

	(void)sqlite3_finalize(stmt);

	return err;
}


static int setup_write(struct db *db)
{
	int version = 0, err;

	/* the main loop opens it; afterwards it belongs to the writer */
	(void)sqlite3_busy_timeout(db->sq, BUSY_MAIN);

	err = db_version(db, &version);
	if (err)
		return err;

	err = set_wal(db);
	if (err)
		return err;

	err = db_exec(db,
		      "PRAGMA synchronous = FULL;"
		      "PRAGMA foreign_keys = ON;"
		      "PRAGMA secure_delete = FAST;"
		      "PRAGMA cache_size = -32768;"
		      "PRAGMA wal_autocheckpoint = 4000;"
		      "PRAGMA journal_size_limit = 16777216");
	if (err)
		return err;

	err = migrate(db, version);
	if (err)
		return err;

	(void)sqlite3_busy_timeout(db->sq, BUSY_WRITE);
	db->vfs.xSleep = sqlite3_vfs_find(NULL)->xSleep;

	return 0;
}


static int setup_read(struct db *db)
{
	(void)sqlite3_busy_timeout(db->sq, BUSY_MAIN);

	return db_exec(db, "PRAGMA query_only = ON");
}


static int prepare(struct db *db, sqlite3_stmt **stmtp, int id)
{
	return db_errno(db, sqlite3_prepare_v3(db->sq, sql_text[id], -1,
					       SQLITE_PREPARE_PERSISTENT,
					       stmtp, NULL));
}


static int prepare_all(struct db *db, enum db_mode mode)
{
	const int first = mode == DB_WRITE ? 0 : SQL_CONVS;
	const int end = mode == DB_WRITE ? SQL_CONVS : SQL_MAX;
	int i, err = 0;

	for (i=first; i<end && !err; i++)
		err = prepare(db, &db->stmtv[i], i);

	return err;
}


static int nap(sqlite3_vfs *vfs, int us)
{
	sqlite3_vfs *sys = sqlite3_vfs_find(NULL);
	(void)vfs;

	return sys->xSleep(sys, us < NAP_MAIN ? us : NAP_MAIN);
}


/* For a lock of the log SQLite tries again by itself, with sleeps that add
   up to ten seconds, and only its operating system layer has a say in that.
   The connection keeps its own; that is known to others while it opens. */
static int open_napping(struct db *db, const char *path, int flags)
{
	sqlite3_vfs *sys = sqlite3_vfs_find(NULL);
	int rc;

	if (!sys)
		return SQLITE_ERROR;

	db->vfs = *sys;
	db->vfs.pNext  = NULL;
	db->vfs.xSleep = nap;
	db->vfs.zName  = db->name;
	snprintf(db->name, sizeof(db->name), "cpm-%p", (void *)db);

	rc = sqlite3_vfs_register(&db->vfs, 0);
	if (rc)
		return rc;

	rc = sqlite3_open_v2(path, &db->sq, flags, db->name);
	(void)sqlite3_vfs_unregister(&db->vfs);

	return rc;
}


int db_open(struct db **dbp, const char *path, enum db_mode mode,
	    char *why, size_t size)
{
	const int flags = mode == DB_WRITE
		? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	struct db *db;
	int err;

	db = mem_zalloc(sizeof(*db), destructor);
	if (!db)
		return ENOMEM;

	err = db_errno(db, open_napping(db, path, flags |
					SQLITE_OPEN_NOMUTEX));
	if (err)
		goto out;

	err = mode == DB_WRITE ? setup_write(db) : setup_read(db);
	if (err)
		goto out;

	err = prepare_all(db, mode);
	if (err)
		goto out;

	*dbp = db;

 out:
	if (err) {
		snprintf(why, size, "%s", db->why);
		if (err == EBADMSG)
			db_keep(db);
		mem_deref(db);
	}

	return err;
}


int db_check(struct db *db, uint64_t *agep, char *why, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	const char *text;
	int err;

	*agep = 0;

	err = db_errno(db, sqlite3_prepare_v2(db->sq,
					      "PRAGMA integrity_check(1)",
					      -1, &stmt, NULL));
	if (!err)
		err = db_errno(db, sqlite3_step(stmt));
	text = err ? db->why : (const char *)sqlite3_column_text(stmt, 0);
	if (!err && (!text || strcmp(text, "ok")))
		err = EBADMSG;
	if (err) {
		snprintf(why, size, "%s", text ? text : "");
		db_keep(db);
	}
	(void)sqlite3_finalize(stmt);

	return err ? err : db_number(db, agep,
		"SELECT CAST(total(n) AS INTEGER) FROM ("
		"SELECT max(id) AS n FROM msg UNION ALL "
		"SELECT max(id) FROM gone UNION ALL "
		"SELECT seq FROM sqlite_sequence"
		" WHERE name IN ('conv', 'report'))");
}


static int hex_escape(char **urip, const char *path)
{
	char *uri = mem_alloc(3 * strlen(path) + 32, NULL), *p = uri;

	if (!uri)
		return ENOMEM;

	p += sprintf(p, "file:");
	for (; *path; path++) {
		if (strchr("?#%", *path))
			p += sprintf(p, "%%%02x", (unsigned char)*path);
		else
			*p++ = *path;
	}
	(void)sprintf(p, "?immutable=1");
	*urip = uri;

	return 0;
}


int db_check_alone(const char *path, uint64_t *agep)
{
	char why[STORE_WHY_MAX], *uri = NULL;
	struct db *db;
	int err;

	db = mem_zalloc(sizeof(*db), destructor);
	if (!db)
		return ENOMEM;

	err = hex_escape(&uri, path);
	if (!err)
		err = db_errno(db, sqlite3_open_v2(uri, &db->sq,
						   SQLITE_OPEN_READONLY |
						   SQLITE_OPEN_URI |
						   SQLITE_OPEN_NOMUTEX,
						   NULL));
	if (!err)
		err = db_check(db, agep, why, sizeof(why));
	mem_deref(uri);
	mem_deref(db);

	return err;
}


/* Milliseconds since 1970 grow faster than messages come */
int db_seed(struct db *db, char *why, size_t size)
{
	int err = db_exec(db,
		"INSERT INTO sqlite_sequence (name, seq)"
		" SELECT name, CAST((julianday('now') - 2440587.5)"
		" * 86400000 AS INTEGER) FROM sqlite_master"
		" WHERE name IN ('conv', 'report');"
		"INSERT OR REPLACE INTO meta"
		" SELECT 'last', max(seq) FROM sqlite_sequence");

	if (err)
		snprintf(why, size, "%s", db->why);

	return err;
}


void db_keep(struct db *db)
{
	if (db)
		(void)sqlite3_db_config(db->sq,
					SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
					1, NULL);
}


const char *db_why(const struct db *db)
{
	return db->why;
}


void db_forget(struct db *db)
{
	db->why[0] = '\0';
}


uint64_t db_last_id(const struct db *db)
{
	return (uint64_t)sqlite3_last_insert_rowid(db->sq);
}


static void note(struct dbq *q, int rc)
{
	if (!q->err)
		q->err = db_errno(q->db, rc);
}


void dbq_start(struct dbq *q, struct db *db, enum sql id)
{
	sqlite3_stmt *stmt = db->stmtv[id];

	memset(q, 0, sizeof(*q));
	q->db = db;

	/* a handler of this very statement asks again */
	if (sqlite3_stmt_busy(stmt)) {
		stmt = NULL;
		q->err = prepare(db, &stmt, id);
		q->own = true;
	}

	q->stmt = stmt;
}


void dbq_int(struct dbq *q, int i, uint64_t val)
{
	dbq_delta(q, i, val > INT64_MAX ? INT64_MAX : (int64_t)val);
}


void dbq_delta(struct dbq *q, int i, int64_t val)
{
	if (!q->err)
		note(q, sqlite3_bind_int64(q->stmt, i, val));
}


void dbq_text(struct dbq *q, int i, const char *str)
{
	if (!q->err)
		note(q, sqlite3_bind_text(q->stmt, i, str, -1,
					  SQLITE_STATIC));
}


void dbq_blob(struct dbq *q, int i, const void *p, size_t len)
{
	if (!q->err)
		note(q, sqlite3_bind_blob64(q->stmt, i, p, len,
					    SQLITE_STATIC));
}


int dbq_step(struct dbq *q)
{
	int rc;

	if (q->err)
		return q->err;

	rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW)
		return 0;
	if (rc == SQLITE_DONE)
		return ENOENT;

	note(q, rc);

	return q->err;
}


uint64_t dbq_get(struct dbq *q, int col)
{
	return (uint64_t)sqlite3_column_int64(q->stmt, col);
}


const char *dbq_str(struct dbq *q, int col)
{
	return (const char *)sqlite3_column_text(q->stmt, col);
}


const void *dbq_mem(struct dbq *q, int col, size_t *lenp)
{
	const void *p = sqlite3_column_blob(q->stmt, col);

	*lenp = (size_t)sqlite3_column_bytes(q->stmt, col);

	return p;
}


void dbq_end(struct dbq *q)
{
	if (!q->stmt)
		return;

	if (q->own) {
		(void)sqlite3_finalize(q->stmt);
	}
	else {
		(void)sqlite3_reset(q->stmt);
		(void)sqlite3_clear_bindings(q->stmt);
	}

	q->stmt = NULL;
}


int dbq_run(struct dbq *q, uint64_t *rowsp)
{
	int err;

	do {
		err = dbq_step(q);
	} while (!err);

	if (err == ENOENT) {
		if (rowsp)
			*rowsp = (uint64_t)sqlite3_changes(q->db->sq);
		err = 0;
	}

	dbq_end(q);

	return err;
}
