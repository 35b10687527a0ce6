/**
 * @file sender.c  To whom reports are due
 *
 * Runs in the writer. The rows that were used last stay in memory from one
 * transaction to the next, so that a message of a sender who is owed a report
 * already costs no statement; a row that changes is written once a
 * transaction. Only the writer changes the rows, and after a rollback it
 * forgets what it knew.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


static struct sender *by_id(struct senders *snd, uint64_t id)
{
	unsigned i;

	for (i=0; i<SENDER_CACHE; i++) {
		if (snd->v[i].id == id)
			return &snd->v[i];
	}

	return NULL;
}


static struct sender *by_key(struct senders *snd, const char *key, size_t len)
{
	unsigned i;

	for (i=0; i<SENDER_CACHE; i++) {
		const unsigned n = (snd->last + i) % SENDER_CACHE;
		struct sender *s = &snd->v[n];

		if (s->id && s->keyl == len && !memcmp(s->key, key, len)) {
			snd->last = n;
			return s;
		}
	}

	return NULL;
}


/* Both with their final zeros. @return 0 if they do not fit */
static size_t key_set(char key[SENDER_KEY], const char *account,
		      const char *peer)
{
	const size_t a = strlen(account) + 1, p = strlen(peer) + 1;

	if (a > SENDER_KEY || p > SENDER_KEY - a)
		return 0;

	memcpy(key, account, a);
	memcpy(key + a, peer, p);

	return a + p;
}


static int row_write(struct write *w, struct sender *s)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_SENDER_SET);
	dbq_int(&q, 1, s->id);
	dbq_int(&q, 2, s->next);
	err = dbq_step(&q);
	if (!err) {
		s->due   = dbq_get(&q, 0);
		s->dirty = false;
		return dbq_run(&q, NULL);
	}
	dbq_end(&q);

	return err == ENOENT ? EIO : err;
}


/* A place for another one; who had it is written if need be */
static int place(struct write *w, struct sender **sp, uint64_t id)
{
	struct senders *snd = &w->senders;
	const unsigned n = snd->turn++ % SENDER_CACHE;
	struct sender *s = &snd->v[n];
	int err;

	if (s->id && s->dirty) {
		err = row_write(w, s);
		if (err)
			return err;
	}

	s->id    = id;
	s->next  = 0;
	s->due   = false;
	s->dirty = false;
	s->keyl  = 0;
	snd->last = n;
	*sp = s;

	return 0;
}


static int row_add(struct write *w, const char *account, const char *peer,
		   uint64_t *idp)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_SENDER_ADD);
	dbq_text(&q, 1, account);
	dbq_text(&q, 2, peer);
	err = dbq_run(&q, NULL);
	if (!err)
		*idp = db_last_id(w->db);

	return err;
}


static int row_find(struct write *w, const char *account, const char *peer,
		    uint64_t *idp, bool *duep)
{
	struct dbq q;
	int err;

	dbq_start(&q, w->db, SQL_SENDER_FIND);
	dbq_text(&q, 1, account);
	dbq_text(&q, 2, peer);
	err = dbq_step(&q);
	if (!err) {
		*idp  = dbq_get(&q, 0);
		*duep = dbq_get(&q, 1);
	}
	dbq_end(&q);

	return err == ENOENT ? row_add(w, account, peer, idp) : err;
}


static int row_get(struct write *w, struct sender **sp, const char *account,
		   const char *peer)
{
	struct sender *s;
	bool due = false;
	uint64_t id = 0;
	int err;

	err = row_find(w, account, peer, &id, &due);
	if (err)
		return err;

	s = by_id(&w->senders, id);
	if (!s) {
		err = place(w, &s, id);
		if (err)
			return err;
		s->due = due;
	}
	s->keyl = key_set(s->key, account, peer);
	*sp = s;

	return 0;
}


/* A report to this one becomes due: at once if it is the first; else it waits
   behind the others */
int sender_due(struct write *w, const char *account, const char *peer,
	       uint64_t *idp)
{
	char key[SENDER_KEY];
	const size_t len = key_set(key, account, peer);
	struct sender *s = len ? by_key(&w->senders, key, len) : NULL;
	int err;

	if (!s) {
		err = row_get(w, &s, account, peer);
		if (err)
			return err;
	}

	if (!s->due && !s->dirty) {
		s->next  = 0;
		s->dirty = true;
	}
	*idp = s->id;

	return 0;
}


/* One of its reports was sent or tried: who comes next, and when, is known
   once all jobs are done */
int sender_moved(struct write *w, uint64_t id, uint64_t next)
{
	struct sender *s;
	int err;

	/* of a message that there is no more: nobody */
	if (!id)
		return 0;

	s = by_id(&w->senders, id);
	if (!s) {
		err = place(w, &s, id);
		if (err)
			return err;
	}

	s->next  = next;
	s->dirty = true;

	return 0;
}


/* Before the commit */
int sender_flush(struct write *w)
{
	unsigned i;
	int err;

	for (i=0; i<SENDER_CACHE; i++) {
		struct sender *s = &w->senders.v[i];

		if (!s->id || !s->dirty)
			continue;

		err = row_write(w, s);
		if (err)
			return err;
	}

	return 0;
}


/* After a rollback */
void sender_forget(struct write *w)
{
	unsigned i;

	for (i=0; i<SENDER_CACHE; i++) {
		w->senders.v[i].id    = 0;
		w->senders.v[i].dirty = false;
	}
}
