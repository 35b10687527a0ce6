/**
 * @file seen.c  Which messages are known: hashes of their identities
 *
 * The hashes are random, so an index of them is hit in no order: inserted
 * with each message it would dirty a page a message, and more of them the
 * longer the history is. So only the table of messages is written with a
 * message; its hash waits in memory. Every now and then, when nobody waits,
 * those of one slice, an eighth of all values, are taken into the index: in
 * order, many to a page; all of them before an orderly end. What a crash
 * keeps from being taken in is read from the messages again at start: each
 * slice has the id up to which it is complete.
 *
 * The index has but the upper half of a hash: it is smaller for that, and
 * whoever asks compares texts anyway.
 *
 * Runs in the writer.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include "store.h"


enum {
	SLICES = 8,            /* as in table taken; a power of two */
	PERIOD = 8192,         /* additions until the next slice is due */
	HIGH   = 5 * PERIOD,   /* more than come together if each slice has
				  its turn                                */
	FULL   = SLICES * PERIOD,  /* bounds memory (2 MiB) and what is read
				      at start                            */
	SEEN_MAX = FULL + CPM_BATCH_MAX,
	BUCKETS  = 65536,      /* a power of two */
	NONE     = 0xffffffff,
};

struct young {
	uint64_t hash;
	uint64_t id;
	uint32_t next;         /* of the same bucket */
};

struct seen {
	struct db *db;
	struct young v[SEEN_MAX];  /* by growing id */
	uint32_t headv[BUCKETS];
	uint32_t c;
	uint32_t kept;         /* of c: before this transaction */
	uint32_t added;        /* since the last slice */
	uint64_t uptov[SLICES];
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
	return &sn->headv[hash & (BUCKETS - 1)];
}


static unsigned slice_of(uint64_t hash)
{
	return (unsigned)(hash / (UINT64_MAX / SLICES + 1));
}


static int64_t stored_hash(uint64_t hash)
{
	return (int64_t)hash >> 32;
}


static void append(struct seen *sn, uint64_t hash, uint64_t id)
{
	uint32_t *head = bucket(sn, hash);

	sn->v[sn->c].hash = hash;
	sn->v[sn->c].id   = id;
	sn->v[sn->c].next = *head;
	*head = sn->c++;
}


/* Keep but what no slice has taken in */
static void sift(struct seen *sn)
{
	const uint32_t c = sn->c;
	uint32_t i;

	memset(sn->headv, 0xff, sizeof(sn->headv));
	sn->c = 0;

	for (i=0; i<c; i++) {
		const struct young y = sn->v[i];

		if (y.id > sn->uptov[slice_of(y.hash)])
			append(sn, y.hash, y.id);
	}

	sn->kept = sn->c;
}


int seen_add(struct seen *sn, uint64_t hash, uint64_t id)
{
	if (sn->c >= SEEN_MAX)
		return sn->err ? sn->err : ENOSPC;

	append(sn, hash, id);

	return 0;
}


void seen_end(struct seen *sn, bool committed)
{
	/* the last one in is the first of its bucket */
	while (!committed && sn->c > sn->kept) {
		const struct young *y = &sn->v[--sn->c];

		*bucket(sn, y->hash) = y->next;
	}

	sn->added += sn->c - sn->kept;
	sn->kept = sn->c;
}


static int stored(struct seen *sn, uint64_t hash, seen_h *h, void *arg)
{
	struct dbq q;
	int err;

	dbq_start(&q, sn->db, SQL_SEEN_FIND);
	dbq_delta(&q, 1, stored_hash(hash));
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

	for (i=*bucket(sn, hash); i != NONE; i=sn->v[i].next) {
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


static int insert(struct seen *sn, const struct young *v, uint32_t c)
{
	struct dbq q;
	uint32_t i;
	int err;

	for (i=0; i<c; i++) {
		dbq_start(&q, sn->db, SQL_SEEN_ADD);
		dbq_delta(&q, 1, stored_hash(v[i].hash));
		dbq_int(&q, 2, v[i].id);
		err = dbq_run(&q, NULL);
		if (err)
			return err;
	}

	return 0;
}


static int set_upto(struct seen *sn, unsigned slice, uint64_t id)
{
	struct dbq q;

	dbq_start(&q, sn->db, SQL_SEEN_SET_UPTO);
	dbq_int(&q, 1, slice);
	dbq_int(&q, 2, id);

	return dbq_run(&q, NULL);
}


/* A transaction of its own */
static int commit(struct seen *sn, const struct young *v, uint32_t c,
		  unsigned slice, unsigned end, uint64_t upto)
{
	int err;

	err = run(sn, SQL_BEGIN);
	if (err)
		return err;

	err = insert(sn, v, c);
	for (; slice<end && !err; slice++)
		err = set_upto(sn, slice, upto);
	if (!err)
		err = run(sn, SQL_COMMIT);
	if (err)
		(void)run(sn, SQL_ROLLBACK);

	return err;
}


/* The slices from this one to before end */
static int take_in(struct seen *sn, unsigned slice, unsigned end)
{
	const uint64_t upto = sn->c ? sn->v[sn->c - 1].id : 0;
	struct young *v;
	uint32_t i, c = 0;
	int err;

	if (!upto)
		return 0;

	v = malloc(sn->c * sizeof(*v));
	if (!v)
		return ENOMEM;

	for (i=0; i<sn->c; i++) {
		const unsigned s = slice_of(sn->v[i].hash);

		if (s >= slice && s < end)
			v[c++] = sn->v[i];
	}
	qsort(v, c, sizeof(*v), by_hash);

	err = commit(sn, v, c, slice, end, upto);
	free(v);
	if (err)
		return err;

	for (; slice<end; slice++)
		sn->uptov[slice] = upto;
	sift(sn);

	return 0;
}


static int read_upto(struct seen *sn, uint64_t *minp)
{
	unsigned n = 0;
	struct dbq q;
	int err;

	*minp = UINT64_MAX;
	dbq_start(&q, sn->db, SQL_SEEN_UPTO);
	while (!(err = dbq_step(&q))) {
		const uint64_t slice = dbq_get(&q, 0), id = dbq_get(&q, 1);

		if (slice >= SLICES)
			continue;

		sn->uptov[slice] = id;
		*minp = min(*minp, id);
		++n;
	}
	dbq_end(&q);

	return err != ENOENT ? err : n == SLICES ? 0 : EBADMSG;
}


/* @return ENOSPC: that is not all */
static int read_rest(struct seen *sn, uint64_t from)
{
	struct dbq q;
	int err;

	dbq_start(&q, sn->db, SQL_SEEN_REST);
	dbq_int(&q, 1, from);
	while (!(err = dbq_step(&q))) {
		const uint64_t id = dbq_get(&q, 0), hash = dbq_get(&q, 1);

		if (id <= sn->uptov[slice_of(hash)])
			continue;
		if (sn->c >= FULL) {
			err = ENOSPC;
			break;
		}
		append(sn, hash, id);
	}
	dbq_end(&q);

	return err == ENOENT ? 0 : err;
}


static int load(struct seen *sn)
{
	uint64_t from = 0;
	int err;

	for (;;) {
		err = read_upto(sn, &from);
		if (err)
			return err;

		sn->c = 0;
		sift(sn);
		err = read_rest(sn, from);
		sn->kept = sn->c;
		if (err != ENOSPC)
			return err;

		err = take_in(sn, 0, SLICES);
		if (err)
			return err;
	}
}


/* Its turn: also behind a restart, which knows of no turns */
static unsigned oldest(const struct seen *sn)
{
	unsigned i, slice = 0;

	for (i=1; i<SLICES; i++) {
		if (sn->uptov[i] < sn->uptov[slice])
			slice = i;
	}

	return slice;
}


void seen_load(struct seen *sn)
{
	if (sn->loaded)
		return;

	sn->err = load(sn);
	sn->loaded = !sn->err;
}


void seen_settle(struct seen *sn)
{
	while (sn->loaded && (sn->added >= PERIOD || sn->c > HIGH)) {
		const unsigned slice = oldest(sn);

		sn->err = take_in(sn, slice, slice + 1);
		if (sn->err)
			return;

		sn->added = 0;
	}
}


void seen_finish(struct seen *sn)
{
	if (sn->loaded)
		sn->err = take_in(sn, 0, SLICES);
}
