/**
 * @file usage.c  What is kept: totals, and octets by account
 *
 * Summed up when the database is opened and counted from then on by the
 * writer: in the database they would cost every commit a page. The main loop
 * reads what the last commit left.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include "store.h"


struct account {
	struct account *next;
	int64_t octets;
	int64_t add;           /* of this transaction */
	char aor[];
};

struct usage {
	pthread_mutex_t mutex; /* the writer changes, the main loop reads */
	struct totals total;
	struct totals add;     /* of this transaction */
	struct account *first;
};


static struct account *find(const struct usage *us, const char *aor)
{
	struct account *acc;

	for (acc = us->first; acc; acc = acc->next) {
		if (!strcmp(acc->aor, aor))
			break;
	}

	return acc;
}


static struct account *add(struct usage *us, const char *aor)
{
	const size_t len = strlen(aor);
	struct account *acc = calloc(1, sizeof(*acc) + len + 1);

	if (!acc)
		return NULL;

	memcpy(acc->aor, aor, len);

	pthread_mutex_lock(&us->mutex);
	acc->next = us->first;
	us->first = acc;
	pthread_mutex_unlock(&us->mutex);

	return acc;
}


static int read_accounts(struct usage *us, struct db *db)
{
	struct dbq q;
	int err;

	dbq_start(&q, db, SQL_USAGE);
	while (!(err = dbq_step(&q))) {
		struct account *acc = add(us, dbq_str(&q, 0));

		if (!acc) {
			err = ENOMEM;
			break;
		}

		acc->octets = (int64_t)dbq_get(&q, 4);
		us->total.conversations += (int64_t)dbq_get(&q, 1);
		us->total.messages      += (int64_t)dbq_get(&q, 2);
		us->total.unread        += (int64_t)dbq_get(&q, 3);
	}
	dbq_end(&q);

	return err == ENOENT ? 0 : err;
}


static int read_reports(struct usage *us, struct db *db)
{
	struct dbq q;
	int err;

	dbq_start(&q, db, SQL_REPORTS);
	err = dbq_step(&q);
	if (!err) {
		us->total.pending = (int64_t)(dbq_get(&q, 0) + dbq_get(&q, 1));
		us->total.failed  = (int64_t)dbq_get(&q, 2);
	}
	dbq_end(&q);

	return err;
}


static int read_queued(struct usage *us, struct db *db)
{
	struct dbq q;
	int err;

	dbq_start(&q, db, SQL_QUEUED_SUM);
	err = dbq_step(&q);
	if (!err)
		us->total.queued = (int64_t)dbq_get(&q, 0);
	dbq_end(&q);

	return err;
}


int usage_alloc(struct usage **usp, struct db *db)
{
	struct usage *us = calloc(1, sizeof(*us));
	int err;

	if (!us)
		return ENOMEM;

	pthread_mutex_init(&us->mutex, NULL);
	err = read_accounts(us, db);
	if (!err)
		err = read_reports(us, db);
	if (!err)
		err = read_queued(us, db);

	if (err)
		usage_free(us);
	else
		*usp = us;

	return err;
}


void usage_free(struct usage *us)
{
	if (!us)
		return;

	while (us->first) {
		struct account *acc = us->first;

		us->first = acc->next;
		free(acc);
	}

	pthread_mutex_destroy(&us->mutex);
	free(us);
}


struct totals *usage_totals(struct usage *us)
{
	return &us->add;
}


int usage_octets(struct usage *us, const char *aor, int64_t n)
{
	struct account *acc = find(us, aor);

	if (!acc)
		acc = add(us, aor);
	if (!acc)
		return ENOMEM;

	acc->add += n;

	return 0;
}


uint64_t usage_now(const struct usage *us, const char *aor)
{
	const struct account *acc = find(us, aor);

	return acc ? (uint64_t)(acc->octets + acc->add) : 0;
}


void usage_end(struct usage *us, bool committed)
{
	struct account *acc;

	pthread_mutex_lock(&us->mutex);

	for (acc = us->first; acc; acc = acc->next) {
		if (committed)
			acc->octets += acc->add;
		acc->add = 0;
	}

	if (committed) {
		us->total.conversations += us->add.conversations;
		us->total.messages      += us->add.messages;
		us->total.unread        += us->add.unread;
		us->total.pending       += us->add.pending;
		us->total.failed        += us->add.failed;
		us->total.queued        += us->add.queued;
	}

	pthread_mutex_unlock(&us->mutex);

	memset(&us->add, 0, sizeof(us->add));
}


void usage_read(struct usage *us, struct totals *total)
{
	pthread_mutex_lock(&us->mutex);
	*total = us->total;
	pthread_mutex_unlock(&us->mutex);
}


uint64_t usage_read_octets(struct usage *us, const char *aor)
{
	const struct account *acc;
	uint64_t n;

	pthread_mutex_lock(&us->mutex);
	acc = find(us, aor);
	n = acc ? (uint64_t)acc->octets : 0;
	pthread_mutex_unlock(&us->mutex);

	return n;
}
