/**
 * @file sending.c  A message of ours on its way, and what became of it
 *
 * It is queued in the store until its result is committed. Which one goes
 * when: sendq.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "engine.h"
#include "outbox.h"
#include "sendq.h"


enum {
	STORE_TRIES = 6,  /* no more than 32 s until a disk with room again is
			     seen                                          */
};


static void store(struct sending *snd);


static void out_msg_reset(struct out_msg *m)
{
	mem_deref(m->account);
	mem_deref(m->peer);
	mem_deref(m->imdn_id);
	mem_deref(m->conversation_id);
	mem_deref(m->contribution_id);
	mem_deref(m->in_reply_to);
	mem_deref(m->type);
	mem_deref(m->filename);
	mem_deref(m->datetime);
	mem_deref(m->source);
}


static void destructor(void *arg)
{
	struct sending *snd = arg;

	tmr_cancel(&snd->tmr);
	list_unlink(&snd->le);
	mem_deref(snd->page);
	mem_deref(snd->chat);
	out_msg_reset(&snd->m);
}


int sending_alloc(struct sending **sndp, struct sendq *q)
{
	struct sending *snd = mem_zalloc(sizeof(*snd), destructor);

	if (!snd)
		return ENOMEM;

	snd->q   = q;
	snd->cpm = q->cpm;
	tmr_init(&snd->tmr);
	list_append(&q->sendl, &snd->le, snd);
	*sndp = snd;

	return 0;
}


static int dup(char **strp, const char *str)
{
	return str ? str_dup(strp, str) : 0;
}


int out_msg_copy(struct out_msg *m, const struct cpm_queued *qd)
{
	int err;

	m->id           = qd->id;
	m->conversation = qd->conversation;
	m->tries        = qd->tries;
	m->wish         = qd->wish;
	m->notify       = qd->notify;
	m->source_mtime = qd->source_mtime;
	m->size         = qd->size;
	m->time         = qd->time;
	m->text         = qd->text;
	m->fixed        = qd->fixed;

	err = dup(&m->account, qd->account);
	if (!err)
		err = dup(&m->peer, qd->peer);
	if (!err)
		err = dup(&m->imdn_id, qd->imdn_id);
	if (!err)
		err = dup(&m->conversation_id, qd->conversation_id);
	if (!err)
		err = dup(&m->contribution_id, qd->contribution_id);
	if (!err)
		err = dup(&m->in_reply_to, qd->in_reply_to);
	if (!err)
		err = dup(&m->type, qd->type);
	if (!err)
		err = dup(&m->filename, qd->filename);
	if (!err)
		err = dup(&m->datetime, qd->datetime);

	return err ? err : dup(&m->source, qd->source);
}


static void tell(const struct sending *snd)
{
	struct cpm_event ev = {.id = CPM_EV_STATUS,
			       .account = snd->m.account};

	ev.u.status.id     = snd->m.id;
	ev.u.status.status = snd->to;
	ev.u.status.code   = snd->code;
	ev.u.status.reason = snd->reason;
	engine_event(snd->cpm, &ev);
}


static void store_handler(void *arg)
{
	store(arg);
}


/* What was answered is not sent again because the disk is full: the result
   waits here, and so does its conversation */
static void store_later(struct sending *snd)
{
	if (snd->storec < STORE_TRIES)
		++snd->storec;

	tmr_start(&snd->tmr, retry_at(0, snd->storec, rand_u32()),
		  store_handler, snd);
}


static void over(struct sending *snd)
{
	struct sendq *q = snd->q;

	mem_deref(snd);
	/* what is behind it may go, also if nothing was committed */
	sendq_soon(q);
}


/* If it is lost, nothing else is */
void sending_note(const struct sending *snd, const char *contribution_id)
{
	(void)cpm_store_out_sending(snd->cpm->store, snd->m.id, snd->mode,
				    contribution_id, NULL, NULL);
}


void sending_fault(struct send_result *res, int err)
{
	memset(res, 0, sizeof(*res));
	res->verdict = RETRY_NEVER;

	switch (err) {

	case EINVAL:
	case EBADMSG:
		res->reason = "it cannot be written as a message";
		break;

	case ESTALE:
		res->reason = "the file has changed";
		break;

	case ENODATA:
		res->reason = "its body is gone";
		break;

	case EACCES:
		res->reason = "it cannot be read";
		break;

	/* a disk, or a folder somewhere else, may be there again */
	default:
		res->verdict = RETRY_LATER;
		res->reason  = "it cannot be read now";
		break;
	}
}


void sending_stop(struct sending *snd)
{
	if (snd->page)
		page_out_stop(snd);
	if (snd->chat)
		chat_out_stop(snd);
}


static void settle(struct sending *snd, enum cpm_out to, uint16_t code,
		   const char *reason)
{
	snd->state  = SENDING_SETTLE;
	snd->page   = mem_deref(snd->page);
	snd->chat   = mem_deref(snd->chat);
	snd->to     = to;
	snd->code   = code;
	snd->reason = reason;

	store(snd);
}


static void cancel(struct sending *snd)
{
	snd->canceled = false;
	settle(snd, CPM_OUT_FAILED, 0, "canceled");
}


/* it is here until now: before, a look would have found it queued */
static void moved_handler(int err, void *arg)
{
	struct sending *snd = arg;

	if (err && err != ENOENT && err != EALREADY && !snd->cpm->down) {
		store_later(snd);
		return;
	}

	if (!err && snd->to == CPM_OUT_QUEUED && snd->canceled) {
		cancel(snd);
		return;
	}

	if (!err && snd->to != CPM_OUT_QUEUED)
		tell(snd);

	over(snd);
}


static void store(struct sending *snd)
{
	struct cpm_store *st = snd->cpm->store;
	const uint64_t id = snd->m.id;
	int err;

	if (snd->to == CPM_OUT_QUEUED)
		err = cpm_store_out_again(st, id, snd->next, snd->told,
					  snd->code, snd->reason,
					  moved_handler, snd);
	else
		err = cpm_store_out_end(st, id, snd->to, snd->code,
					snd->reason, moved_handler, snd);

	if (err == ESHUTDOWN)
		mem_deref(snd);
	else if (err)
		store_later(snd);
}


/* One waits now: none that is behind it may overtake it. What the other side
   has of those already it knows again. The last one first: what is left of a
   session then does not begin the next one */
static void hold_back(const struct sending *first)
{
	struct le *le = first->q->sendl.tail;

	while (le) {
		struct sending *snd = le->data;

		le = le->prev;
		if (snd->m.conversation != first->m.conversation ||
		    snd->m.id <= first->m.id || snd->state != SENDING_ON)
			continue;

		sending_stop(snd);
		mem_deref(snd);
	}
}


/* A try while the registration is lost says nothing about the other side, and
   is none: the message waits in the store for the account */
static bool isvoid(struct sending *snd)
{
	struct sendq *q = snd->q;

	if (outbox_isready(q->cpm->outbox, snd->m.account, NULL))
		return false;

	hold_back(snd);
	sendq_lost(q, snd->m.account);
	over(snd);

	return true;
}


static void in_vain(struct sending *snd, const struct send_result *res)
{
	const uint64_t now = engine_now();
	const uint32_t tries = snd->m.tries + 1;

	if (isvoid(snd))
		return;

	if (res->lost)
		sendq_lost(snd->q, snd->m.account);

	hold_back(snd);
	snd->told = res->after != 0;
	snd->next = retry_next(now, tries, res->after, rand_u32());
	settle(snd, tries >= RETRY_MAX ? CPM_OUT_FAILED : CPM_OUT_QUEUED,
	       res->code, res->reason);
}


void sending_result(struct sending *snd, const struct send_result *res)
{
	struct sendq *q;

	if (!snd || !res || snd->state != SENDING_ON)
		return;

	q = snd->q;
	switch (res->verdict) {

	case RETRY_SENT:
		settle(snd, CPM_OUT_SENT, res->code, NULL);
		sendq_soon(q);
		break;

	case RETRY_NEVER:
		if (!isvoid(snd))
			settle(snd, CPM_OUT_FAILED, res->code, res->reason);
		break;

	default:
		in_vain(snd, res);
		break;
	}
}


static struct sending *find(const struct sendq *q, uint64_t id)
{
	struct le *le;

	for (le = q->sendl.head; le; le = le->next) {
		struct sending *snd = le->data;

		if (snd->m.id == id)
			return snd;
	}

	return NULL;
}


int sendq_cancel(struct sendq *q, const struct out_msg *m)
{
	struct sending *snd;
	int err;

	if (!q || !m)
		return EINVAL;

	snd = find(q, m->id);
	if (snd && snd->state == SENDING_SETTLE) {
		/* it is in the hands of the store */
		if (snd->to != CPM_OUT_QUEUED)
			return EALREADY;
		snd->canceled = true;
		return 0;
	}

	if (!snd) {
		err = sending_alloc(&snd, q);
		if (err)
			return err;

		snd->m.id           = m->id;
		snd->m.conversation = m->conversation;
		err = dup(&snd->m.account, m->account);
		if (err) {
			mem_deref(snd);
			return err;
		}
	}

	sending_stop(snd);
	cancel(snd);

	return 0;
}


int sendq_hold(struct sending **sndp, struct sendq *q, uint64_t conversation,
	       uint64_t id)
{
	struct sending *hold;
	struct le *le;
	int err;

	if (!sndp || !q)
		return EINVAL;

	err = sending_alloc(&hold, q);
	if (err)
		return err;

	hold->state = SENDING_HELD;
	hold->m.conversation = conversation;

	le = q->sendl.head;
	while (le) {
		struct sending *snd = le->data;

		le = le->next;
		if (snd->m.conversation != conversation ||
		    snd->state != SENDING_ON || (id && snd->m.id != id))
			continue;

		sending_stop(snd);
		mem_deref(snd);
	}
	*sndp = hold;

	return 0;
}
