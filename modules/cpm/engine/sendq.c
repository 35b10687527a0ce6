/**
 * @file sendq.c  Which message of ours goes when
 *
 * OMA CPM 7.2.1 and 7.3.1; wire.md 7 and 13.9. In a conversation messages go
 * in their order: one at a time, but on an open session several. What cannot
 * go now waits, and holds up its own conversation, no other. What is to be
 * sent is in the store; what is here is only what is on its way now, so a look
 * costs the same however much is queued. A crash finds it queued again, under
 * the same imdn.Message-ID: who has got it already knows it again.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "engine.h"
#include "chat_out.h"
#include "outbox.h"
#include "sendq.h"


enum {
	AGAIN       = 5000,  /* ms: what memory or store refuse may go then */
	STORE_TRIES = 6,     /* no more than 32 s until a disk with room again
				is seen                                     */
};

struct sendq {
	struct cpm *cpm;
	struct list sendl;    /* struct sending                             */
	struct list herel;    /* struct here                                */
	struct tmr tmr;       /* until the next one may go                  */
	bool looking;         /* results may come while we look             */
};

/* An account that is registered, and whose server has answered since then */
struct here {
	struct le le;
	char aor[];
};

/* One look at what is queued */
struct look {
	struct sendq *q;
	const struct cpm_account *acc;
	uint64_t now;
	uint64_t next;        /* when to look again; 0: no need             */
	unsigned room;        /* conversations in the account's window      */
	const struct sending *last;  /* what goes on the same session; NULL */
	bool stop;            /* no memory: not now                         */
};


static void store(struct sending *snd);


static void destructor(void *arg)
{
	struct sendq *q = arg;

	tmr_cancel(&q->tmr);
	list_flush(&q->sendl);
	list_flush(&q->herel);
}


static void tmr_handler(void *arg)
{
	sendq_kick(arg);
}


int sendq_alloc(struct sendq **qp, struct cpm *cpm)
{
	struct sendq *q;

	q = mem_zalloc(sizeof(*q), destructor);
	if (!q)
		return ENOMEM;

	q->cpm = cpm;
	tmr_init(&q->tmr);
	/* what a former run left; not before the softphone is up */
	tmr_start(&q->tmr, 1, tmr_handler, q);
	*qp = q;

	return 0;
}


/*
 * Accounts
 */

static struct here *here_find(const struct sendq *q, const char *aor)
{
	struct le *le;

	for (le = q->herel.head; le; le = le->next) {
		struct here *here = le->data;

		if (!strcmp(here->aor, aor))
			return here;
	}

	return NULL;
}


static void here_destructor(void *arg)
{
	struct here *here = arg;

	list_unlink(&here->le);
}


static void here_add(struct sendq *q, const char *aor)
{
	const size_t n = strlen(aor) + 1;
	struct here *here = mem_zalloc(sizeof(*here) + n, here_destructor);

	/* without memory what waits is woken once too often */
	if (!here)
		return;

	memcpy(here->aor, aor, n);
	list_append(&q->herel, &here->le, here);
}


static bool isready(const struct sendq *q, const char *aor)
{
	return outbox_isready(q->cpm->outbox, aor, NULL);
}


/*
 * One message
 */

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


static void sending_destructor(void *arg)
{
	struct sending *snd = arg;

	tmr_cancel(&snd->tmr);
	list_unlink(&snd->le);
	mem_deref(snd->page);
	mem_deref(snd->chat);
	out_msg_reset(&snd->m);
}


static int sending_alloc(struct sending **sndp, struct sendq *q)
{
	struct sending *snd = mem_zalloc(sizeof(*snd), sending_destructor);

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


static int out_msg_copy(struct out_msg *m, const struct cpm_queued *qd)
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


enum cpm_mode send_mode(const struct cpm *cpm, const struct send_form *form)
{
	switch (form->wish) {

	case CPM_SEND_PAGE:    return CPM_PAGE;
	case CPM_SEND_LARGE:   return CPM_LARGE;
	case CPM_SEND_SESSION: return CPM_SESSION;
	default:               break;
	}

	if (form->file)
		return CPM_LARGE;

	return form->text && !form->fixed &&
		form->size <= cpm->conf.page_limit ? CPM_PAGE : CPM_SESSION;
}


/*
 * Its result
 */

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
	tmr_start(&q->tmr, 0, tmr_handler, q);
}


static void stop(struct sending *snd)
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


/* only now another look may find the next one: before, the store would still
   have shown this as queued */
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
		err = cpm_store_out_again(st, id, snd->next, snd->code,
					  snd->reason, moved_handler, snd);
	else
		err = cpm_store_out_end(st, id, snd->to, snd->code,
					snd->reason, moved_handler, snd);

	if (err == ESHUTDOWN)
		mem_deref(snd);
	else if (err)
		store_later(snd);
}


/* A try while the registration is lost says nothing about the other side, and
   is none: the message waits in the store for the account */
static bool isvoid(struct sending *snd)
{
	struct sendq *q = snd->q;

	if (isready(q, snd->m.account))
		return false;

	mem_deref(here_find(q, snd->m.account));
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
		mem_deref(here_find(snd->q, snd->m.account));

	snd->next = retry_next(now, tries, res->after, rand_u32());
	settle(snd, tries >= RETRY_MAX ? CPM_OUT_FAILED : CPM_OUT_QUEUED,
	       res->code, res->reason);
}


void sending_result(struct sending *snd, const struct send_result *res)
{
	struct cpm_store *st;

	if (!snd || !res || snd->state != SENDING_ON)
		return;

	st = snd->cpm->store;
	switch (res->verdict) {

	case RETRY_SENT:
		/* if this is not kept, only the id of a session is not known */
		if (res->contribution_id)
			(void)cpm_store_out_sending(st, snd->m.id, snd->mode,
						    res->contribution_id,
						    NULL, NULL);
		settle(snd, CPM_OUT_SENT, res->code, NULL);
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


/*
 * A look at what may go
 */

static void look_again(struct look *look, uint64_t at)
{
	if (at && (!look->next || at < look->next))
		look->next = at;
}


static bool isbusy(const struct sendq *q, uint64_t conversation)
{
	struct le *le;

	for (le = q->sendl.head; le; le = le->next) {
		const struct sending *snd = le->data;

		if (snd->m.conversation == conversation)
			return true;
	}

	return false;
}


/* Conversations with something on its way: each is counted at its first */
static unsigned window_room(const struct sendq *q, const char *aor)
{
	unsigned room = CPM_WINDOW;
	struct le *le, *prev;

	for (le = q->sendl.head; le && room; le = le->next) {
		const struct sending *snd = le->data;

		if (str_cmp(snd->m.account, aor))
			continue;
		for (prev = q->sendl.head; prev != le; prev = prev->next) {
			const struct sending *one = prev->data;

			if (one->m.conversation == snd->m.conversation)
				break;
		}
		if (prev == le)
			--room;
	}

	return room;
}


static void begin_failed(struct look *look, struct sending *snd, int err)
{
	struct send_result res = {.verdict = RETRY_NEVER};

	switch (err) {

	case ENOMEM:
		mem_deref(snd);
		look_again(look, look->now + AGAIN);
		look->stop = true;
		return;

	case EINVAL:
	case EBADMSG:
		res.reason = "it cannot be written as a message";
		break;

	case ESTALE:
		res.reason = "the file has changed";
		break;

	case ENODATA:
		res.reason = "its body is gone";
		break;

	case EACCES:
	case EIO:
		res.reason = "it cannot be read";
		break;

	default:
		res.verdict = RETRY_LATER;
		res.reason  = "nobody can be reached";
		res.code    = 503;
		res.lost    = true;
		break;
	}

	sending_result(snd, &res);
}


static int begin(struct sending *snd, const struct cpm_account *acc)
{
	int err;

	err = snd->mode == CPM_PAGE ? page_out_send(snd, acc)
		: chat_out_send(snd, acc);
	/* that is for who looks at it, and if it is lost nothing else is */
	if (!err)
		(void)cpm_store_out_sending(snd->cpm->store, snd->m.id,
					    snd->mode, NULL, NULL, NULL);

	return err;
}


static enum cpm_mode mode_of(const struct cpm *cpm,
			     const struct cpm_queued *qd)
{
	const struct send_form form = {
		.wish  = qd->wish,
		.file  = qd->source != NULL,
		.text  = qd->text,
		.fixed = qd->fixed,
		.size  = qd->size,
	};

	return send_mode(cpm, &form);
}


static void start(struct look *look, const struct cpm_queued *qd)
{
	struct sending *snd;
	int err;

	err = sending_alloc(&snd, look->q);
	if (err) {
		look_again(look, look->now + AGAIN);
		look->stop = true;
		return;
	}

	err = out_msg_copy(&snd->m, qd);
	snd->mode = mode_of(look->q->cpm, qd);
	if (!err)
		err = begin(snd, look->acc);
	if (err)
		begin_failed(look, snd, err);
}


static bool queued_handler(const struct cpm_queued *qd, void *arg)
{
	struct look *look = arg;

	if (isbusy(look->q, qd->conversation))
		return false;

	start(look, qd);

	return look->stop || !--look->room;
}


/* On the session that carries the one before it */
static bool behind_handler(const struct cpm_queued *qd, void *arg)
{
	struct look *look = arg;
	const struct out_msg *last = &look->last->m;
	struct sendq *q = look->q;

	if (mode_of(q->cpm, qd) != CPM_SESSION || qd->fixed != last->fixed ||
	    (qd->fixed && str_cmp(qd->in_reply_to, last->in_reply_to)))
		return true;

	start(look, qd);

	return look->stop || !chat_out_room(q->cpm, qd->conversation);
}


/* The last one of a conversation on its way if all of them go in a session,
   and nothing has come between. NULL: it is not of this account, or no more of
   it may go now */
static const struct sending *last_of(const struct sendq *q,
				     const struct sending *first,
				     const char *aor)
{
	const struct sending *last = NULL;
	struct le *le;

	if (str_cmp(first->m.account, aor))
		return NULL;

	for (le = q->sendl.head; le; le = le->next) {
		const struct sending *snd = le->data;

		if (snd->m.conversation != first->m.conversation)
			continue;
		if (snd->mode != CPM_SESSION || snd->state == SENDING_HELD ||
		    (snd->state == SENDING_SETTLE &&
		     snd->to != CPM_OUT_SENT))
			return NULL;
		if (!last || snd->m.id > last->m.id)
			last = snd;
	}

	return last;
}


static int look_behind(struct look *look, const char *aor)
{
	struct sendq *q = look->q;
	struct le *le = q->sendl.head;
	int err = 0;

	/* what is started here is appended, and is the last of its own */
	while (le && !err && !look->stop) {
		const struct sending *snd = le->data;

		le = le->next;
		look->last = last_of(q, snd, aor);
		if (!look->last || !chat_out_room(q->cpm, snd->m.conversation))
			continue;

		err = cpm_store_queued_conv(q->cpm->store,
					    snd->m.conversation,
					    look->last->m.id,
					    CPM_CHAT_WINDOW, behind_handler,
					    look);
	}

	return err;
}


static int look_at(struct look *look, const char *aor, uint64_t now)
{
	/* those that are busy are passed over: no more than the window */
	return cpm_store_queued(look->q->cpm->store, aor, now,
				2 * CPM_WINDOW, queued_handler, look);
}


static int look_account(struct look *look, const char *aor)
{
	uint64_t next = 0;
	int err;

	err = look_behind(look, aor);
	if (!err && look->room && !look->stop)
		err = look_at(look, aor, look->now);
	if (err || !look->room || look->stop)
		return err;

	err = cpm_store_queued_next(look->q->cpm->store, aor, look->now,
				    &next);
	if (err)
		return err;

	/* set by a clock that has been put right since then */
	if (next > look->now + RETRY_FAR)
		return look_at(look, aor, next);

	look_again(look, next);

	return 0;
}


static bool account_handler(const char *aor, void *arg)
{
	struct look *look = arg;
	struct cpm_account acc;

	/* without its account, or while that is not registered, it waits */
	if (!outbox_isready(look->q->cpm->outbox, aor, &acc)) {
		mem_deref(here_find(look->q, aor));
		return false;
	}

	/* a result makes room, and has us look again */
	look->room = window_room(look->q, aor);
	look->stop = false;
	look->acc  = &acc;
	if (look_account(look, aor))
		look_again(look, look->now + AGAIN);
	look->acc = NULL;

	return false;
}


/* Without asking the database: each commit brings us here */
static bool isempty(const struct sendq *q)
{
	struct cpm_counts counts;

	return !cpm_store_counts(q->cpm->store, &counts) && !counts.queued;
}


void sendq_kick(struct sendq *q)
{
	struct look look = {.q = q, .now = engine_now()};

	if (!q || q->cpm->down || q->looking)
		return;

	tmr_cancel(&q->tmr);
	if (isempty(q))
		return;

	q->looking = true;

	if (cpm_store_queued_accounts(q->cpm->store, account_handler, &look))
		look_again(&look, look.now + AGAIN);
	if (look.next)
		tmr_start(&q->tmr, look.next > look.now
			  ? look.next - look.now : 1, tmr_handler, q);

	q->looking = false;
}


void sendq_registered(struct sendq *q, const char *aor)
{
	if (!q || q->cpm->down || !aor)
		return;

	/* each registration would be a try too many: the first one after the
	   server was lost */
	if (!here_find(q, aor)) {
		here_add(q, aor);
		(void)cpm_store_out_wake(q->cpm->store, aor, NULL, NULL);
	}
	sendq_kick(q);
}


void sendq_stop(struct sendq *q, const char *aor)
{
	struct le *le;

	if (!q)
		return;

	le = q->sendl.head;
	while (le) {
		struct sending *snd = le->data;

		le = le->next;
		if (aor && str_cmp(aor, snd->m.account))
			continue;
		/* one that the store has is let be */
		if (snd->state == SENDING_ON ||
		    (!aor && tmr_isrunning(&snd->tmr))) {
			stop(snd);
			mem_deref(snd);
		}
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

	stop(snd);
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

		stop(snd);
		mem_deref(snd);
	}
	*sndp = hold;

	return 0;
}
