/**
 * @file store/body.c  A large body on its way to its file: the main loop's
 *                     side
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include "store.h"


struct cpm_body {
	struct le le;           /* of spooler.bodyl */
	struct cpm_store *st;   /* borrowed; NULL: closed */
	struct bodyf *file;     /* NULL: put, or closed */
	struct block *block;    /* being filled */

	uint64_t off;
	cpm_filter_h *filterh;
	void *arg;
};


static void destructor(void *arg)
{
	struct cpm_body *body = arg;

	list_unlink(&body->le);
	free(body->block);
	if (body->file)
		bodyf_drop(body->file, false);
	mem_deref(body->arg);
}


int cpm_body_open(struct cpm_body **bodyp, struct cpm_store *st,
		  uint64_t size)
{
	struct cpm_body *body;
	int err;

	if (!bodyp || !st)
		return EINVAL;
	if (st->closed)
		return ESHUTDOWN;

	err = store_enter(st);
	if (err)
		return err;

	body = mem_zalloc(sizeof(*body), destructor);
	if (!body)
		return ENOMEM;

	err = spooler_start(&st->spooler, spool_fd(st->spool));
	if (!err)
		err = bodyf_open(&body->file, &st->spooler, size);
	if (err) {
		mem_deref(body);
		return err;
	}

	body->st = st;
	list_append(&st->spooler.bodyl, &body->le, body);
	*bodyp = body;

	return 0;
}


/* Small pieces do not keep the room of a whole block */
static void block_flush(struct cpm_body *body)
{
	struct block *blk = body->block, *small;

	if (!blk)
		return;

	body->block = NULL;
	if (blk->len <= BODY_BLOCK / 2) {
		small = realloc(blk, sizeof(*blk) + blk->len);
		blk = small ? small : blk;
		blk->size = blk->len;
	}

	bodyf_write(body->file, blk);
}


/* @return a block with room at off, NULL without memory */
static struct block *block_at(struct cpm_body *body, uint64_t off)
{
	struct block *blk = body->block;

	if (blk && (blk->off + blk->len != off || blk->len == BODY_BLOCK)) {
		block_flush(body);
		blk = NULL;
	}

	if (!blk) {
		blk = block_alloc(&body->st->spooler);
		if (!blk)
			return NULL;

		blk->off = off;
		body->block = blk;
	}

	return blk;
}


static int body_err(struct cpm_body *body)
{
	if (!body->st)
		return ESHUTDOWN;
	if (!body->file)
		return EPROTO;

	return atomic_load(&body->file->err);
}


/* The same as a fault that the user is told */
static int body_fault(struct cpm_body *body)
{
	const int err = body_err(body);
	char buf[128];

	if (err && body->st && body->file)
		store_fault(body->st, false, err,
			    str_error(err, buf, sizeof(buf)));

	return err;
}


int cpm_body_write(struct cpm_body *body, uint64_t off, const uint8_t *buf,
		   size_t len)
{
	int err;

	if (!body || (!buf && len) || off > INT64_MAX ||
	    len > INT64_MAX - off)
		return EINVAL;

	err = body_fault(body);
	if (err)
		return err;

	while (len) {
		struct block *blk = block_at(body, off);
		size_t n;

		if (!blk)
			return ENOMEM;

		n = min(len, BODY_BLOCK - blk->len);
		memcpy(blk->data + blk->len, buf, n);
		blk->len += n;
		off += n;
		buf += n;
		len -= n;
	}

	return 0;
}


void cpm_body_filter(struct cpm_body *body, uint64_t off, cpm_filter_h *h,
		     void *arg)
{
	if (!body || !body->file || off > INT64_MAX)
		return;

	mem_ref(arg);
	mem_deref(body->arg);
	body->off     = off;
	body->filterh = h;
	body->arg     = arg;
}


bool cpm_body_full(struct cpm_store *st)
{
	return st && spooler_full(&st->spooler);
}


void cpm_store_set_room(struct cpm_store *st, cpm_room_h *h, void *arg)
{
	if (!st)
		return;

	st->spooler.roomh = h;
	st->spooler.arg   = arg;
}


/* Can its message be put? */
int body_check(struct cpm_body *body, struct cpm_store *st)
{
	if (body->st && body->st != st)
		return EINVAL;

	return body_fault(body);
}


void body_put(struct cpm_body *body, struct job *job)
{
	struct bodyf *f = body->file;

	block_flush(body);
	body->file = NULL;
	bodyf_finish(f, job, body->off, body->filterh, body->arg);
}


/* They outlive the store, and have no files any more */
void body_close_all(struct cpm_store *st)
{
	struct le *le = st->spooler.bodyl.head;

	while (le) {
		struct cpm_body *body = le->data;

		le = le->next;
		list_unlink(&body->le);
		body->st = NULL;
		if (body->file)
			bodyf_drop(body->file, false);
		body->file = NULL;
	}
}
