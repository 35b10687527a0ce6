/**
 * @file keep.c  What must survive, in SQLite: messages and notifications
 *
 * Bodies are in body.c. What was left by command survives the death of the
 * program, but is not meant to survive that of the machine, so nothing waits
 * for the disk; it does where the message of a client is acknowledged.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "pf.h"
#include "keep.h"


#define COLUMNS "seq,id,user,sender,rcpt,name,conv,ask,type,date,disp,grp," \
	"party,spool,contrib,reply,anon,gen,size,way,expires,notice,raw"

static const char *const sql[ST_MAX] = {
	[ST_PUT] = "INSERT INTO msg(id,user,sender,rcpt,name,conv,ask,type,"
		"date,disp,grp,anon,gen,size,way,expires,notice,body,party,"
		"spool,contrib,reply,raw)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"
		"?16,?17,?18,COALESCE(?19,?11,?3),?20,?21,?22,?23)",
	[ST_NEXT] = "SELECT " COLUMNS " FROM msg WHERE user=?1 AND party=?2"
		" AND conv=?3 AND seq>?4 AND seq<=?5 ORDER BY seq LIMIT 1",
	[ST_NEXT_ANY] = "SELECT " COLUMNS " FROM msg WHERE user=?1"
		" AND seq>?4 AND seq<=?5 ORDER BY seq LIMIT 1",
	[ST_LANES] = "SELECT party,conv,MIN(seq) AS first FROM msg"
		" WHERE user=?1 AND seq<=?2 GROUP BY party,conv"
		" ORDER BY first",
	[ST_CONV_GET] = "SELECT id FROM conv WHERE sender=?1 AND user=?2",
	[ST_CONV_PUT] = "INSERT INTO conv(sender,user,id) VALUES(?1,?2,?3)",
	[ST_REMOVE] = "DELETE FROM msg WHERE seq=?1",
	[ST_SPOOL] = "SELECT spool FROM msg WHERE seq=?1"
		" AND spool IS NOT NULL",
	[ST_COUNT] = "SELECT COUNT(*) FROM msg WHERE ?1 IS NULL OR user=?1",
	[ST_LEFT] = "SELECT COUNT(*) FROM msg WHERE user=?1 AND party=?2"
		" AND conv=?3",
	[ST_LAST] = "SELECT MAX(seq) FROM msg",
	[ST_EXPIRED] = "SELECT " COLUMNS " FROM msg WHERE user=?1"
		" AND expires>0 AND expires<=?2 ORDER BY seq LIMIT 1",
	[ST_EXPIRY] = "SELECT MIN(expires) FROM msg WHERE expires>0",
	[ST_NOTICE] = "INSERT INTO imdn(id,status,sender,rcpt,count)"
		" VALUES(?1,?2,?3,?4,1)"
		" ON CONFLICT(id,status) DO UPDATE SET count=count+1",
	[ST_COUNT_GET] = "SELECT count FROM imdn WHERE id=?1 AND status=?2",
	[ST_NOTICES] = "SELECT id,status,sender,rcpt,count FROM imdn"
		" WHERE ?1 IS NULL OR sender=?1 ORDER BY rowid",
	[ST_WAITING] = "SELECT COUNT(*),MAX(seq) FROM msg WHERE user=?1"
		" AND NOT notice AND (way=?2 OR (way=0 AND ?3))",
};

/* AUTOINCREMENT: a number is never used again, for sessions remember how far
   they have come */
static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"CREATE TABLE IF NOT EXISTS msg("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,"
	" user TEXT NOT NULL, sender TEXT NOT NULL, rcpt TEXT NOT NULL,"
	" name TEXT, conv TEXT NOT NULL, ask TEXT, type TEXT NOT NULL,"
	" date TEXT NOT NULL, anon INTEGER, gen INTEGER, size INTEGER,"
	" disp TEXT, grp TEXT, way INTEGER, expires INTEGER, notice INTEGER,"
	" party TEXT NOT NULL, spool TEXT, contrib TEXT, reply TEXT,"
	" raw INTEGER, body BLOB);"
	"CREATE INDEX IF NOT EXISTS msg_lane ON msg(user,party,conv,seq);"
	"CREATE INDEX IF NOT EXISTS msg_user ON msg(user,seq);"
	"CREATE INDEX IF NOT EXISTS msg_expires ON msg(expires)"
	" WHERE expires>0;"
	"CREATE TABLE IF NOT EXISTS conv("
	" sender TEXT NOT NULL, user TEXT NOT NULL, id TEXT NOT NULL,"
	" PRIMARY KEY(sender,user));"
	"CREATE TABLE IF NOT EXISTS imdn("
	" id TEXT NOT NULL, status TEXT NOT NULL, sender TEXT, rcpt TEXT,"
	" count INTEGER NOT NULL, UNIQUE(id,status));";

static void keep_destructor(void *arg)
{
	struct keep *k = arg;
	size_t i;

	for (i = 0; i < ST_MAX; i++)
		(void)sqlite3_finalize(k->st[i]);
	(void)sqlite3_close(k->db);
	spool_close(k);
}


static void kept_destructor(void *arg)
{
	struct kept *m = arg;

	mem_deref(m->id);
	mem_deref(m->user);
	mem_deref(m->sender);
	mem_deref(m->rcpt);
	mem_deref(m->name);
	mem_deref(m->conv);
	mem_deref(m->ask);
	mem_deref(m->type);
	mem_deref(m->date);
	mem_deref(m->disp);
	mem_deref(m->group);
	mem_deref(m->party);
	mem_deref(m->spool);
	mem_deref(m->contrib);
	mem_deref(m->reply);
}


/**
 * Open or make a database
 *
 * @param file NULL: in memory
 * @param sync What is written is on the disk when it is there: for what
 *             clients have sent
 *
 * @return 0; EIO; ENOMEM
 */
int keep_open(struct keep **kp, const char *file, bool sync)
{
	struct keep *k = mem_zalloc(sizeof(*k), keep_destructor);
	size_t i;

	if (!k)
		return ENOMEM;

	if (sqlite3_open(file ? file : ":memory:", &k->db) ||
	    sqlite3_exec(k->db, schema, NULL, NULL, NULL) ||
	    sqlite3_exec(k->db, sync ? "PRAGMA synchronous=FULL"
			 : "PRAGMA synchronous=OFF", NULL, NULL, NULL) ||
	    spool_open(k, file))
		goto fail;
	for (i = 0; i < ST_MAX; i++) {
		if (sqlite3_prepare_v3(k->db, sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &k->st[i],
				       NULL))
			goto fail;
	}

	*kp = k;
	return 0;

 fail:
	(void)fprintf(stderr, "pf: %s: %s\n", file ? file : "database",
		      sqlite3_errmsg(k->db));
	mem_deref(k);
	return EIO;
}


/** Many messages follow. @return 0; EIO */
int keep_begin(struct keep *k)
{
	return sqlite3_exec(k->db, "BEGIN", NULL, NULL, NULL) ? EIO : 0;
}


/** That were all. @return 0; EIO */
int keep_end(struct keep *k)
{
	return sqlite3_exec(k->db, "COMMIT", NULL, NULL, NULL) ? EIO : 0;
}


static void bind_str(sqlite3_stmt *st, int i, const char *str)
{
	(void)sqlite3_bind_text(st, i, str, -1, SQLITE_STATIC);
}


static void bind_num(sqlite3_stmt *st, int i, uint64_t n)
{
	(void)sqlite3_bind_int64(st, i,
				 (sqlite3_int64)MIN(n, (uint64_t)INT64_MAX));
}


/* One step of a statement that is bound. @return 0: done; EAGAIN: a row is
   there, reset when read; EIO */
static int step(sqlite3_stmt *st)
{
	const int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return EAGAIN;
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);

	return rc == SQLITE_DONE ? 0 : EIO;
}


static void done(sqlite3_stmt *st)
{
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
}


static int column_dup(char **strp, sqlite3_stmt *st, int i)
{
	const char *str = (const char *)sqlite3_column_text(st, i);

	return str ? str_dup(strp, str) : 0;
}


/** Allocate an empty one. @return 0; ENOMEM */
int kept_alloc(struct kept **mp)
{
	*mp = mem_zalloc(sizeof(**mp), kept_destructor);

	return *mp ? 0 : ENOMEM;
}


static int kept_read(struct kept **mp, sqlite3_stmt *st)
{
	static const size_t field[] = {
		offsetof(struct kept, id), offsetof(struct kept, user),
		offsetof(struct kept, sender), offsetof(struct kept, rcpt),
		offsetof(struct kept, name), offsetof(struct kept, conv),
		offsetof(struct kept, ask), offsetof(struct kept, type),
		offsetof(struct kept, date), offsetof(struct kept, disp),
		offsetof(struct kept, group),
		offsetof(struct kept, party), offsetof(struct kept, spool),
		offsetof(struct kept, contrib), offsetof(struct kept, reply),
	};
	const int n = ARRAY_SIZE(field);
	struct kept *m;
	int i, err;

	err = kept_alloc(&m);
	for (i = 0; i < n && !err; i++)
		err = column_dup((char **)(void *)((char *)m + field[i]), st,
				 i + 1);
	if (err) {
		mem_deref(m);
		return err;
	}

	m->seq = (uint64_t)sqlite3_column_int64(st, 0);
	m->anon = sqlite3_column_int(st, n + 1);
	m->gen = sqlite3_column_int(st, n + 2);
	m->size = (uint64_t)sqlite3_column_int64(st, n + 3);
	m->way = (enum way)sqlite3_column_int(st, n + 4);
	m->expires = (uint64_t)sqlite3_column_int64(st, n + 5);
	m->notice = sqlite3_column_int(st, n + 6);
	m->raw = sqlite3_column_int(st, n + 7);

	*mp = m;
	return 0;
}


/* A bound query for one message */
static int kept_query(struct kept **mp, sqlite3_stmt *st)
{
	int err = step(st);

	if (err != EAGAIN)
		return err ? err : ENOENT;

	err = kept_read(mp, st);
	done(st);
	return err;
}


static uint64_t number_query(sqlite3_stmt *st)
{
	uint64_t n;

	if (step(st) != EAGAIN)
		return 0;

	n = (uint64_t)sqlite3_column_int64(st, 0);
	done(st);
	return n;
}


/* All but the body */
static void kept_bind(sqlite3_stmt *st, const struct kept *m)
{
	bind_str(st, 1, m->id);
	bind_str(st, 2, m->user);
	bind_str(st, 3, m->sender);
	bind_str(st, 4, m->rcpt);
	bind_str(st, 5, m->name);
	bind_str(st, 6, m->conv);
	bind_str(st, 7, m->ask);
	bind_str(st, 8, m->type);
	bind_str(st, 9, m->date);
	bind_str(st, 10, m->disp);
	bind_str(st, 11, m->group);
	bind_num(st, 12, m->anon);
	bind_num(st, 13, m->gen);
	bind_num(st, 14, m->size);
	bind_num(st, 15, (uint64_t)m->way);
	bind_num(st, 16, m->expires);
	bind_num(st, 17, m->notice);
	bind_str(st, 19, m->party);
	bind_str(st, 20, m->spool);
	bind_str(st, 21, m->contrib);
	bind_str(st, 22, m->reply);
	bind_num(st, 23, m->raw);
}


/**
 * Keep a message
 *
 * @param m    All but seq is set; seq and, for a file, size are filled in
 * @param text Body, or NULL
 * @param file Path of the body, or NULL. Neither: it is m->spool, or generated;
 *             of m->size
 *
 * @return 0; EIO; errno of the file
 */
int keep_put(struct keep *k, struct kept *m, const struct pl *text,
	     const char *file)
{
	sqlite3_stmt *st = k->st[ST_PUT];
	FILE *f = NULL;
	int err = 0;

	if (file) {
		f = fopen(file, "rb");
		if (!f)
			return errno;
		err = body_size(&m->size, f);
		if (err)
			goto out;
		(void)sqlite3_bind_zeroblob64(st, 18, m->size);
	}
	else if (text) {
		m->size = text->l;
		(void)sqlite3_bind_blob(st, 18, text->p, (int)text->l,
					SQLITE_STATIC);
	}
	else {
		m->gen = !m->spool;
	}

	kept_bind(st, m);
	err = step(st);
	if (err)
		goto out;
	m->seq = (uint64_t)sqlite3_last_insert_rowid(k->db);

	if (f) {
		err = body_fill(k, m->seq, f, m->size);
		if (err)
			(void)keep_remove(k, m->seq);
	}

 out:
	if (f)
		(void)fclose(f);
	return err;
}


static void pick_bind(sqlite3_stmt *st, const struct pick *pick)
{
	bind_str(st, 1, pick->user);
	bind_str(st, 2, pick->party);
	bind_str(st, 3, pick->conv);
}


/** The first message that fits. @return 0; ENOENT; EIO; ENOMEM */
int keep_next(struct kept **mp, struct keep *k, const struct pick *pick)
{
	sqlite3_stmt *st = k->st[pick->party ? ST_NEXT : ST_NEXT_ANY];

	pick_bind(st, pick);
	bind_num(st, 4, pick->after);
	bind_num(st, 5, pick->upto);

	return kept_query(mp, st);
}


/** Tell of every conversation of a user that has a message, the oldest first.
    @param h Gets what is gone when it returns. @return 0; EIO; of h */
int keep_lanes(struct keep *k, const char *user, uint64_t upto, lane_h *h,
	       void *arg)
{
	sqlite3_stmt *st = k->st[ST_LANES];
	int err;

	bind_str(st, 1, user);
	bind_num(st, 2, upto);
	while ((err = step(st)) == EAGAIN) {
		err = h((const char *)sqlite3_column_text(st, 0),
			(const char *)sqlite3_column_text(st, 1), arg);
		if (err) {
			done(st);
			return err;
		}
	}

	return err;
}


/** One message of a user that has expired. @param now ms since 1970.
    @return 0; ENOENT; EIO; ENOMEM */
int keep_expired(struct kept **mp, struct keep *k, const char *user,
		 uint64_t now)
{
	bind_str(k->st[ST_EXPIRED], 1, user);
	bind_num(k->st[ST_EXPIRED], 2, now);

	return kept_query(mp, k->st[ST_EXPIRED]);
}


/** When the next message expires, in ms since 1970; 0: none does */
uint64_t keep_expiry(struct keep *k)
{
	return number_query(k->st[ST_EXPIRY]);
}


/** The Conversation-ID of a sender with a user, made when new.
    @return 0; EIO; ENOMEM */
int keep_conv(char **convp, struct keep *k, const char *sender,
	      const char *user)
{
	sqlite3_stmt *st = k->st[ST_CONV_GET];
	char id[ID_SIZE];
	int err;

	bind_str(st, 1, sender);
	bind_str(st, 2, user);
	err = step(st);
	if (err == EAGAIN) {
		err = column_dup(convp, st, 0);
		done(st);
		return err;
	}
	if (err)
		return err;

	uuid_make(id);
	st = k->st[ST_CONV_PUT];
	bind_str(st, 1, sender);
	bind_str(st, 2, user);
	bind_str(st, 3, id);
	err = step(st);

	return err ? err : str_dup(convp, id);
}


/** Remove a message. @return 0; ENOENT: not there; EIO; ENOMEM */
int keep_remove(struct keep *k, uint64_t seq)
{
	char *spool = NULL;
	int err;

	bind_num(k->st[ST_SPOOL], 1, seq);
	if (step(k->st[ST_SPOOL]) == EAGAIN) {
		err = column_dup(&spool, k->st[ST_SPOOL], 0);
		done(k->st[ST_SPOOL]);
		if (err)
			return err;
	}

	bind_num(k->st[ST_REMOVE], 1, seq);
	err = step(k->st[ST_REMOVE]);
	if (!err && !sqlite3_changes(k->db))
		err = ENOENT;
	/* a file without its row is swept at the next start */
	if (!err && spool)
		spool_remove(k, spool);

	mem_deref(spool);
	return err;
}


/** Messages kept for a user. @param user NULL: for all */
uint64_t keep_count(struct keep *k, const char *user)
{
	bind_str(k->st[ST_COUNT], 1, user);
	return number_query(k->st[ST_COUNT]);
}


/** Messages left of a conversation */
uint64_t keep_left(struct keep *k, const struct pick *pick)
{
	pick_bind(k->st[ST_LEFT], pick);
	return number_query(k->st[ST_LEFT]);
}


/** How many messages wait to be fetched by a user. @param lastp The latest of
    them, 0: none; may be NULL */
uint64_t keep_waiting(struct keep *k, const struct user *user,
		      uint64_t *lastp)
{
	const enum way way = user->way ? user->way : user->pf->opt.way;
	sqlite3_stmt *st = k->st[ST_WAITING];
	uint64_t n;

	bind_str(st, 1, user->name);
	bind_num(st, 2, WAY_PULL);
	bind_num(st, 3, way == WAY_PULL);
	if (step(st) != EAGAIN)
		return 0;

	n = (uint64_t)sqlite3_column_int64(st, 0);
	if (lastp)
		*lastp = (uint64_t)sqlite3_column_int64(st, 1);
	done(st);
	return n;
}


/** The latest message of all */
uint64_t keep_last(struct keep *k)
{
	return number_query(k->st[ST_LAST]);
}


/** Collect a notification. @param notice count is filled in.
    @return 0; EIO */
int keep_notice(struct keep *k, struct notice *notice)
{
	sqlite3_stmt *st = k->st[ST_NOTICE];
	int err;

	bind_str(st, 1, notice->id);
	bind_str(st, 2, notice->status);
	bind_str(st, 3, notice->from);
	bind_str(st, 4, notice->to);
	err = step(st);
	if (err)
		return err;

	st = k->st[ST_COUNT_GET];
	bind_str(st, 1, notice->id);
	bind_str(st, 2, notice->status);
	notice->count = (uint32_t)number_query(st);

	return notice->count ? 0 : EIO;
}


static void column_copy(char *buf, size_t size, sqlite3_stmt *st, int i)
{
	const char *str = (const char *)sqlite3_column_text(st, i);

	str_ncpy(buf, str ? str : "", size);
}


/** Go through what was collected. @param from Sent by that URI, or NULL */
void keep_notices(struct keep *k, const char *from, notice_h *h, void *arg)
{
	sqlite3_stmt *st = k->st[ST_NOTICES];
	struct notice n;

	bind_str(st, 1, from);
	while (step(st) == EAGAIN) {
		column_copy(n.id, sizeof(n.id), st, 0);
		column_copy(n.status, sizeof(n.status), st, 1);
		column_copy(n.from, sizeof(n.from), st, 2);
		column_copy(n.to, sizeof(n.to), st, 3);
		n.count = (uint32_t)sqlite3_column_int(st, 4);
		h(&n, arg);
	}
}
