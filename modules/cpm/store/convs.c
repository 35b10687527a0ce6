/**
 * @file convs.c  Conversations that one transaction changes
 *
 * The messages of a batch mostly belong to few conversations. Each of these
 * is looked up once and written once in a transaction, not with each
 * message.
 *
 * Runs in the writer. The strings are those of the messages being written.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include "store.h"


enum {
	BUCKETS = 2048,  /* a power of two */
	NONE    = 0xffff,
};

struct entry {
	struct conv_row row;   /* first: handed out */
	const char *account;
	const char *key;
	uint32_t hash;
	uint16_t next;         /* of the same bucket */

	/* what the transaction changes */
	uint64_t messages;
	uint64_t unread;
	uint64_t octets;
	uint64_t last;
	const char *peer;      /* the first one */
	const char *name;
	const char *named;     /* whose name that is */
	const char *cid;
};

struct convs {
	struct db *db;
	struct entry v[CPM_BATCH_MAX];  /* no batch has more */
	uint16_t headv[BUCKETS];
	size_t c;
};


int convs_alloc(struct convs **csp, struct db *db)
{
	struct convs *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return ENOMEM;

	cs->db = db;
	convs_drop(cs);
	*csp = cs;

	return 0;
}


void convs_free(struct convs *cs)
{
	free(cs);
}


void convs_drop(struct convs *cs)
{
	memset(cs->headv, 0xff, sizeof(cs->headv));
	cs->c = 0;
}


static int entry_read(struct convs *cs, struct entry *e)
{
	struct dbq q;
	int err;

	dbq_start(&q, cs->db, SQL_CONV_FIND);
	dbq_text(&q, 1, e->account);
	dbq_text(&q, 2, e->key);
	err = dbq_step(&q);
	if (!err) {
		e->row.id       = dbq_get(&q, 0);
		e->row.kind     = dbq_get(&q, 1) ? CPM_GROUP : CPM_CHAT;
		e->row.messages = dbq_get(&q, 2);
	}
	dbq_end(&q);

	return err == ENOENT ? 0 : err;
}


int convs_find(struct convs *cs, struct conv_row **rowp,
	       const struct cpm_msg *msg)
{
	const uint32_t hash = hash_joaat_str(msg->key);
	uint16_t *head = &cs->headv[hash & (BUCKETS - 1)];
	struct entry *e;
	uint16_t i;
	int err;

	for (i=*head; i != NONE; i=cs->v[i].next) {
		e = &cs->v[i];
		if (e->hash == hash && !strcmp(e->key, msg->key) &&
		    !strcmp(e->account, msg->account)) {
			*rowp = &e->row;
			return 0;
		}
	}

	e = &cs->v[cs->c];
	memset(e, 0, sizeof(*e));
	e->account  = msg->account;
	e->key      = msg->key;
	e->hash     = hash;
	e->row.kind = msg->kind;
	err = entry_read(cs, e);
	if (err)
		return err;

	e->next = *head;
	*head = (uint16_t)cs->c++;
	*rowp = &e->row;

	return 0;
}


int convs_open(struct convs *cs, struct conv_row *row)
{
	const struct entry *e = (struct entry *)row;
	struct dbq q;
	int err;

	dbq_start(&q, cs->db, SQL_CONV_ADD);
	dbq_text(&q, 1, e->account);
	dbq_text(&q, 2, e->key);
	dbq_int(&q, 3, row->kind);
	err = dbq_run(&q, NULL);
	if (!err)
		row->id = db_last_id(cs->db);

	return err;
}


/* The sender of a message to a group says nothing about the group, nor does
   the display name on a message of our own about the other side */
void convs_note(struct conv_row *row, const struct job *job)
{
	const struct cpm_msg *msg = job->msg;
	const bool chat = row->kind == CPM_CHAT;
	const bool in = msg->direction == CPM_IN;
	const char *peer = chat ? msg->peer : msg->group;
	const char *name = chat ? msg->name : msg->group_name;
	struct entry *e = (struct entry *)row;

	e->messages += 1;
	e->unread   += in;
	e->octets   += job->bodyl;
	e->last      = job->res.id;
	row->messages += 1;

	if ((in || job->res.opened) && peer && !e->peer)
		e->peer = peer;
	if (in && name && (!e->name || !str_cmp(peer, e->named))) {
		e->name  = name;
		e->named = peer;
	}
	if (msg->conversation_id)
		e->cid = msg->conversation_id;
}


static int peer_write(struct convs *cs, const struct entry *e)
{
	struct dbq q;

	if (!e->peer)
		return 0;

	dbq_start(&q, cs->db, SQL_CONV_SET_PEER);
	dbq_int(&q, 1, e->row.id);
	dbq_text(&q, 2, e->peer);

	return dbq_run(&q, NULL);
}


static int entry_write(struct convs *cs, const struct entry *e)
{
	struct dbq q;
	int err;

	err = peer_write(cs, e);
	if (err)
		return err;

	dbq_start(&q, cs->db, SQL_CONV_PUT);
	dbq_int(&q, 1, e->row.id);
	dbq_int(&q, 2, e->messages);
	dbq_int(&q, 3, e->unread);
	dbq_int(&q, 4, e->octets);
	dbq_int(&q, 5, e->last);
	dbq_text(&q, 6, e->name);
	dbq_text(&q, 7, e->cid);
	dbq_text(&q, 8, e->named);

	return dbq_run(&q, NULL);
}


int convs_flush(struct convs *cs)
{
	size_t i;
	int err = 0;

	for (i=0; i<cs->c && !err; i++) {
		if (cs->v[i].messages)
			err = entry_write(cs, &cs->v[i]);
	}

	convs_drop(cs);

	return err;
}
