/**
 * @file sendq.c  Which message of ours goes when
 *
 * OMA CPM 7.2.1 and 7.3.1; wire.md 7 and 13.9. In a conversation messages go
 * in their order: one at a time, but on an open session several; what was taken
 * need not be noted before the next one goes. What cannot
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
	AGAIN = 5000,  /* ms: what memory or store refuse may go then      */
};

/* An account that is registered, and whose server has answered since then */
struct here {
	struct le le;
	char aor[];
};

/* What a conversation has on its way */
struct conv {
	const struct out_msg *last;  /* of the highest id                   */
	enum cpm_mode mode;   /* of those that have no answer yet           */
	unsigned on;          /* those                                      */
	unsigned all;
};

/* One look at what is queued */
struct look {
	struct sendq *q;
	const struct cpm_account *acc;
	uint64_t now;
	uint64_t next;        /* when to look again; 0: no need             */
	unsigned room;        /* conversations in the account's window      */
	struct conv conv;     /* which is looked at                         */
	bool stop;            /* no memory: not now                         */
};


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


void sendq_soon(struct sendq *q)
{
	tmr_start(&q->tmr, 0, tmr_handler, q);
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


void sendq_lost(struct sendq *q, const char *aor)
{
	mem_deref(here_find(q, aor));
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
	struct send_result res;

	switch (err) {

	/* what is ours to have, and nobody was asked: no try */
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EBUSY:
		mem_deref(snd);
		look_again(look, look->now + AGAIN);
		look->stop = err != EBUSY;
		return;

	case EINVAL:
	case EBADMSG:
	case ESTALE:
	case ENODATA:
	case EACCES:
	case EIO:
		sending_fault(&res, err);
		break;

	default:
		memset(&res, 0, sizeof(res));
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
	if (!err && snd->mode == CPM_PAGE)
		sending_note(snd, NULL);

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


/* @return false if nothing may go behind that */
static bool conv_look(struct conv *conv, const struct sendq *q, uint64_t id)
{
	struct le *le;

	memset(conv, 0, sizeof(*conv));

	for (le = q->sendl.head; le; le = le->next) {
		const struct sending *snd = le->data;

		if (snd->m.conversation != id)
			continue;
		if (snd->state == SENDING_ON)
			conv->mode = ++conv->on > 1 && conv->mode != snd->mode
				? CPM_PAGE : snd->mode;
		else if (snd->state == SENDING_HELD || snd->to != CPM_OUT_SENT)
			return false;

		++conv->all;
		if (!conv->last || snd->m.id > conv->last->id)
			conv->last = &snd->m;
	}

	return conv->all > 0;
}


/* Nothing is on its way but what was sent, and only has to be noted; or all
   goes over one session, which can take more */
static bool conv_room(const struct conv *conv, const struct sendq *q)
{
	if (conv->all >= CPM_CHAT_WINDOW)
		return false;

	return !conv->on || (conv->mode == CPM_SESSION &&
			     chat_out_room(q->cpm, conv->last->conversation));
}


static bool behind_handler(const struct cpm_queued *qd, void *arg)
{
	struct look *look = arg;
	const struct out_msg *last = look->conv.last;
	struct sendq *q = look->q;

	/* it was tried, and what is before it was not answered yet */
	if (qd->next > look->now)
		return true;

	if (look->conv.on &&
	    (mode_of(q->cpm, qd) != CPM_SESSION || qd->fixed != last->fixed ||
	     (qd->fixed && str_cmp(qd->in_reply_to, last->in_reply_to))))
		return true;

	start(look, qd);

	return look->stop || !conv_look(&look->conv, q, qd->conversation) ||
		!conv_room(&look->conv, q);
}


static int look_behind(struct look *look, const char *aor)
{
	struct sendq *q = look->q;
	struct le *le = q->sendl.head;
	int err = 0;

	while (le && !err && !look->stop) {
		const struct sending *snd = le->data;
		const uint64_t id = snd->m.conversation;

		if (!str_cmp(snd->m.account, aor) &&
		    conv_look(&look->conv, q, id) &&
		    conv_room(&look->conv, q))
			err = cpm_store_queued_conv(q->cpm->store, id,
						    look->conv.last->id,
						    CPM_CHAT_WINDOW,
						    behind_handler, look);
		/* what was started is behind it in the list */
		le = le->next;
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
		sendq_lost(look->q, aor);
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
	if (!here_find(q, aor) &&
	    !cpm_store_out_wake(q->cpm->store, aor, NULL, NULL))
		here_add(q, aor);
	sendq_kick(q);
}


void sendq_stop(struct sendq *q, const char *aor)
{
	struct le *le;

	if (!q)
		return;

	/* one that comes back does so with a registration */
	if (aor)
		sendq_lost(q, aor);

	le = q->sendl.head;
	while (le) {
		struct sending *snd = le->data;

		le = le->next;
		if (aor && str_cmp(aor, snd->m.account))
			continue;
		/* one that the store has is let be */
		if (snd->state == SENDING_ON ||
		    (!aor && tmr_isrunning(&snd->tmr))) {
			sending_stop(snd);
			mem_deref(snd);
		}
	}
}
