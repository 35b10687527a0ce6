/**
 * @file seen.c  Which messages are known: hashes of their identities
 *
 * The hashes are random, so an index of them is hit in no order: inserted
 * with each message it would dirty a page a message, and more of them the
 * longer the history is. So only the table of messages is written with a
 * message; its hash waits in memory, and SEEN_YOUNG of them are taken into
 * the index at once and in order, when nobody waits for that. What a crash
 * keeps from being taken in is read from the messages again at start: those
 * with an id above the last one taken in.
 *
 * Runs in the writer.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include "store.h"


enum {
	SEEN_YOUNG  = 16384,   /* bounds memory (0.5 MiB) and what is read
				  at start                               */
	SEEN_MAX    = SEEN_YOUNG + CPM_BATCH_MAX,
	SEEN_BUCKET = 32768,   /* a power of two */
	SEEN_NONE   = 0xffffffff,
};

struct young {
	uint64_t hash;
	uint64_t id;
	uint32_t next;         /* of the same bucket */
};

struct seen {
	struct db *db;
	struct young v[SEEN_MAX];  /* by growing id */
	uint32_t headv[SEEN_BUCKET];
	uint32_t c;
	uint32_t kept;         /* of c: before this transaction */
	bool loaded;
	int err;               /* of the last try to take in */
};


int seen_alloc(struct seen **snp, struct db *db)
{
	struct seen *sn = calloc(1, sizeof(*sn));

	if (!sn)
		return ENOMEM;

	sn->db = db;
	*snp = sn;

	return 0;
}


void seen_free(struct seen *sn)
{
	free(sn);
}


static uint32_t *bucket(struct seen *sn, uint64_t hash)
{
	return &sn->headv[hash & (SEEN_BUCKET - 1)];
}


static void clear(struct seen *sn)
{
	memset(sn->headv, 0xff, sizeof(sn->headv));
	sn->c = sn->kept = 0;
}


int seen_add(struct seen *sn, uint64_t hash, uint64_t id)
{
	uint32_t *head = bucket(sn, hash);

	if (sn->c >= SEEN_MAX)
		return sn->err ? sn->err : ENOSPC;

	sn->v[sn->c].hash = hash;
	sn->v[sn->c].id   = id;
	sn->v[sn->c].next = *head;
	*head = sn->c++;

	return 0;
}


void seen_end(struct seen *sn, bool committed)
{
	/* the last one in is the first of its bucket */
	while (!committed && sn->c > sn->kept) {
		const struct young *y = &sn->v[--sn->c];

		*bucket(sn, y->hash) = y->next;
	}

	sn->kept = sn->c;
}


static int stored(struct seen *sn, uint64_t hash, seen_h *h, void *arg)
{
	struct dbq q;
	int err;

	dbq_start(&q, sn->db, SQL_SEEN_FIND);
	dbq_delta(&q, 1, (int64_t)hash);
	while (!(err = dbq_step(&q))) {
		err = h(dbq_get(&q, 0), arg);
		if (err != ENOENT)
			break;
	}
	dbq_end(&q);

	return err;
}


int seen_find(struct seen *sn, uint64_t hash, seen_h *h, void *arg)
{
	uint32_t i;
	int err;

	if (!sn->loaded)
		return sn->err ? sn->err : EIO;

	for (i=*bucket(sn, hash); i != SEEN_NONE; i=sn->v[i].next) {
		if (sn->v[i].hash != hash)
			continue;

		err = h(sn->v[i].id, arg);
		if (err != ENOENT)
			return err;
	}

	return stored(sn, hash, h, arg);
}


static int by_hash(const void *a, const void *b)
{
	const int64_t x = (int64_t)((const struct young *)a)->hash;
	const int64_t y = (int64_t)((const struct young *)b)->hash;

	return (x > y) - (x < y);
}


static int run(struct seen *sn, enum sql id)
{
	struct dbq q;

	dbq_start(&q, sn->db, id);

	return dbq_run(&q, NULL);
}


static int insert(struct seen *sn, const struct young *v, uint64_t upto)
{
	struct dbq q;
	uint32_t i;
	int err;

	for (i=0; i<sn->c; i++) {
		dbq_start(&q, sn->db, SQL_SEEN_ADD);
		dbq_delta(&q, 1, (int64_t)v[i].hash);
		dbq_int(&q, 2, v[i].id);
		err = dbq_run(&q, NULL);
		if (err)
			return err;
	}

	dbq_start(&q, sn->db, SQL_SEEN_SET_UPTO);
	dbq_int(&q, 1, upto);

	return dbq_run(&q, NULL);
}


/* A transaction of its own */
static int take_in(struct seen *sn)
{
	struct young *v;
	int err;

	v = malloc(sn->c * sizeof(*v));
	if (!v)
		return ENOMEM;

	memcpy(v, sn->v, sn->c * sizeof(*v));
	qsort(v, sn->c, sizeof(*v), by_hash);

	err = run(sn, SQL_BEGIN);
	if (!err) {
		err = insert(sn, v, sn->v[sn->c - 1].id);
		if (!err)
			err = run(sn, SQL_COMMIT);
		if (err)
			(void)run(sn, SQL_ROLLBACK);
	}
	if (!err)
		clear(sn);

	free(v);

	return err;
}


static int upto(struct seen *sn, uint64_t *idp)
{
	struct dbq q;
	int err;

	dbq_start(&q, sn->db, SQL_SEEN_UPTO);
	err = dbq_step(&q);
	if (!err)
		*idp = dbq_get(&q, 0);
	dbq_end(&q);

	return err == ENOENT ? EBADMSG : err;
}


/* @return ENOSPC: there is more, after these were taken in */
static int load_some(struct seen *sn)
{
	uint64_t id = 0;
	struct dbq q;
	int err;

	clear(sn);
	err = upto(sn, &id);
	if (err)
		return err;

	dbq_start(&q, sn->db, SQL_SEEN_REST);
	dbq_int(&q, 1, id);
	while (!(err = dbq_step(&q))) {
		if (sn->c >= SEEN_YOUNG) {
			err = ENOSPC;
			break;
		}
		(void)seen_add(sn, dbq_get(&q, 1), dbq_get(&q, 0));
	}
	dbq_end(&q);
	sn->kept = sn->c;

	return err == ENOENT ? 0 : err;
}


static int load(struct seen *sn)
{
	int err;

	do {
		err = load_some(sn);
		if (err != ENOSPC)
			break;
		err = take_in(sn);
	} while (!err);

	return err;
}


void seen_settle(struct seen *sn)
{
	if (!sn->loaded) {
		sn->err = load(sn);
		sn->loaded = !sn->err;
	}
	else if (sn->c >= SEEN_YOUNG) {
		sn->err = take_in(sn);
	}
}
