/**
 * @file chat_out.c  Messages of ours over MSRP: on which session
 *
 * wire.md 4.2, 7 and 13.9. An ordinary session carries what is said in its
 * conversation, in order: the next message begins when all octets of the one
 * before have left. One in large mode has a session of its own, that we end.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "call.h"
#include "outbox.h"
#include "sendq.h"
#include "chat_out.h"
#include "chat.h"


enum {
	REPLIES = 4,  /* sessions with one peer, begun to answer something,
			 that stay when all is said: well below what he
			 allows (CPM_PEER_SESSIONS)                      */
};


static void destructor(void *arg)
{
	struct chat_out *o = arg;

	tmr_cancel(&o->tmr);
	list_unlink(&o->le);
	mem_deref(o->tx);
	mem_deref(o->head);
	mem_deref(o->mb);
}


static void chat_destructor(void *arg)
{
	struct chat *chat = arg;

	list_clear(&chat->outl);
	mem_deref(chat->reply);
}


static int chat_alloc(struct chat **chatp, const char *reply)
{
	struct chat *chat;
	int err = 0;

	chat = mem_zalloc(sizeof(*chat), chat_destructor);
	if (!chat)
		return ENOMEM;

	if (reply)
		err = str_dup(&chat->reply, reply);
	if (err)
		mem_deref(chat);
	else
		*chatp = chat;

	return err;
}


static bool isempty(const struct session *s)
{
	return !s->chat || !s->chat->outl.head;
}


/* For one message of ours, which has a result now */
static bool isspent(const struct session *s)
{
	return s->outgoing && !s->src->deferred &&
		s->src->mode == CPM_LARGE && isempty(s);
}


/* What was said last has come there, or never will */
static void last_handler(int err, uint16_t scode, void *arg)
{
	struct source *src = arg;
	(void)scode;

	/* else it ends by itself now */
	if (src->sess && err != ENOTCONN)
		session_end(src->sess, SESS_CLOSED, 0);
}


/* It is for nothing any more, and so is what is left of its message. A close
   would overtake the # that says so, if TCP is behind: a last SEND, without
   body, does not, and its answer tells that all of it was read. */
static void give_up(struct session *s)
{
	const struct msrp_send last = {
		.senth = last_handler,
		.arg   = s->src,
	};

	if (s->state != SESS_ESTABLISHED || msrp_send(NULL, s->msrp, &last))
		session_end(s, SESS_CLOSED, 0);
}


/*
 * Which session
 */

/* One that two talk on: never a delivery, nor one for a single message */
static bool isordinary(const struct session *s)
{
	return s->src->kind == CPM_CHAT && s->src->mode == CPM_SESSION &&
		!s->src->deferred;
}


/* It is there, or soon will be, and is for both to send */
static bool isopen(const struct session *s)
{
	switch (s->state) {

	case SESS_WAITING:
	case SESS_CALLING:
		return s->outgoing;

	case SESS_ACCEPTED:
	case SESS_CONNECTING:
	case SESS_ESTABLISHED:
		return s->dir & SDP_SENDONLY;

	default:
		return false;
	}
}


/* Or none in both */
static bool same_id(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : !a && !b;
}


static bool same_conv(const struct source *src, const struct out_msg *m)
{
	if (src->conversation)
		return src->conversation == m->conversation;

	/* nobody has said anything on it yet */
	return same_id(src->org.conversation_id, m->conversation_id);
}


static bool may_carry(const struct session *s, const struct out_msg *m)
{
	if (!isordinary(s) || !isopen(s) || !same_conv(s->src, m))
		return false;

	return !m->fixed || (s->outgoing && s->chat &&
			     same_id(s->chat->reply, m->in_reply_to));
}


/* The last one that was begun; one that is there rather than one to be */
static struct session *find(const struct cpm *cpm, const struct out_msg *m)
{
	const struct list *list = sessions_of(cpm, m->account, m->peer);
	struct session *open = NULL, *soon = NULL;
	struct le *le;

	for (le = list_head(list); le; le = le->next) {
		struct session *s = le->data;

		if (!may_carry(s, m))
			continue;
		if (s->state == SESS_ESTABLISHED)
			open = s;
		else
			soon = s;
	}

	return open ? open : soon;
}


bool chat_out_silent(const struct cpm *cpm, const char *aor, const char *peer,
		     const char **idp)
{
	const struct list *list = sessions_of(cpm, aor, peer);
	struct le *le;

	for (le = list_tail(list); le; le = le->prev) {
		const struct session *s = le->data;

		if (!s->src->conversation && isordinary(s) && isopen(s)) {
			*idp = s->src->org.conversation_id;
			return true;
		}
	}

	return false;
}


bool chat_out_room(struct cpm *cpm, uint64_t conversation)
{
	const struct session *open = NULL, *busy = NULL;
	struct le *le;

	for (le = cpm->sessl.head; le; le = le->next) {
		const struct session *s = le->data;

		if (s->src->conversation != conversation)
			continue;
		if (!isempty(s)) {
			if (busy)
				return false;
			busy = s;
		}
		if (isordinary(s) && s->state == SESS_ESTABLISHED &&
		    isopen(s))
			open = s;
	}

	/* what goes another way must not be overtaken */
	return open && (!busy || (busy == open && list_count(
				&open->chat->outl) < CPM_CHAT_WINDOW));
}


/* Said now: its notification may come before the answer to it */
static void add(struct session *s, struct chat_out *o)
{
	o->sess = s;
	list_append(&s->chat->outl, &o->le, o);
	sending_note(o->snd, s->src->org.contribution_id);
}


static int source_set(struct source **srcp, const struct sending *snd)
{
	const struct out_msg *m = &snd->m;
	char id[UUID_SIZE];
	struct source *src;
	int err;

	err = source_make(&src, snd->cpm, m->account);
	if (err)
		return err;

	uuid_make(id);
	src->kind = CPM_CHAT;
	src->mode = snd->mode;
	src->conversation = m->conversation;
	err = str_dup(&src->org.peer, m->peer);
	if (!err && m->conversation_id)
		err = str_dup(&src->org.conversation_id, m->conversation_id);
	if (!err)
		err = str_dup(&src->org.contribution_id, id);
	if (err)
		mem_deref(src);
	else
		*srcp = src;

	return err;
}


static void spare_handler(void *arg)
{
	session_end(arg, SESS_CLOSED, 0);
}


/* Each answer begins a session of its own, and whoever is answered allows us
   only some: of those that are idle the oldest one goes */
static void make_room(const struct cpm *cpm, const struct out_msg *m)
{
	const struct list *list = sessions_of(cpm, m->account, m->peer);
	struct session *oldest = NULL;
	unsigned n = 0;
	struct le *le;

	for (le = list_head(list); le; le = le->next) {
		struct session *s = le->data;

		if (!s->outgoing || !isordinary(s) || !s->chat ||
		    !s->chat->reply || !isempty(s) ||
		    s->state != SESS_ESTABLISHED)
			continue;
		++n;
		if (!oldest)
			oldest = s;
	}

	/* not now: who asks may be on his way through the sessions */
	if (n >= REPLIES)
		tmr_start(&oldest->tmr, 0, spare_handler, oldest);
}


/* A new session for it */
static int open_for(struct chat_out *o, const struct cpm_account *acc)
{
	const struct sending *snd = o->snd;
	const bool large = snd->mode == CPM_LARGE;
	struct call call = {
		.uri             = snd->m.peer,
		.service         = large ? "largemsg" : "session",
		.conversation_id = snd->m.conversation_id,
		.in_reply_to     = snd->m.in_reply_to,
	};
	struct source *src = NULL;
	struct chat *chat = NULL;
	struct session *s;
	int err;

	make_room(snd->cpm, &snd->m);
	if (sessions_full(snd->cpm))
		return EBUSY;

	err = chat_alloc(&chat, large ? NULL : snd->m.in_reply_to);
	if (!err)
		err = source_set(&src, snd);
	if (!err) {
		call.contribution_id = src->org.contribution_id;
		err = call_start(&s, snd->cpm, acc, src,
				 large ? SDP_SENDONLY : SDP_SENDRECV, &call);
	}
	if (err) {
		mem_deref(src);
		mem_deref(chat);
		return err;
	}

	/* what comes back is of the conversation that has none */
	if (!snd->m.conversation_id)
		src->org.conversation_id = mem_deref(
			src->org.conversation_id);
	mem_deref(src);

	s->chat = chat;
	add(s, o);

	return 0;
}


/* @return 0: it goes over that one */
static int join(struct session *s, struct chat_out *o)
{
	int err = 0;

	if (!s->chat)
		err = chat_alloc(&s->chat, NULL);
	if (err)
		return err;

	if (!s->src->conversation)
		s->src->conversation = o->snd->m.conversation;
	add(s, o);
	chat_out_pump(s);

	return 0;
}


static int begin(struct chat_out *o, const struct cpm_account *acc)
{
	struct session *s = o->snd->mode == CPM_LARGE ? NULL
		: find(o->snd->cpm, &o->snd->m);

	return s ? join(s, o) : open_for(o, acc);
}


int chat_out_send(struct sending *snd, const struct cpm_account *acc)
{
	struct chat_out *o;
	int err;

	o = mem_zalloc(sizeof(*o), destructor);
	if (!o)
		return ENOMEM;

	tmr_init(&o->tmr);
	o->snd = snd;
	err = begin(o, acc);
	if (err)
		mem_deref(o);
	else
		snd->chat = o;

	return err;
}


void chat_out_stop(struct sending *snd)
{
	struct chat_out *o = snd->chat;
	struct session *s = o ? o->sess : NULL;

	if (!o)
		return;

	chat_tx_end(o);
	snd->chat = mem_deref(o);
	if (!s)
		return;

	/* nobody wants one any more that is not there yet, either */
	if (isspent(s) || (s->outgoing && isempty(s) &&
			   s->state < SESS_ESTABLISHED))
		give_up(s);
	else
		chat_out_pump(s);
}


/*
 * Results
 */

static void settle_handler(void *arg)
{
	struct chat_out *o = arg;

	chat_out_done(o, o->res.verdict, o->res.code, o->res.reason);
}


void chat_out_settle(struct chat_out *o, enum retry_verdict verdict,
		     uint16_t code, const char *reason)
{
	chat_tx_end(o);
	o->res.verdict = verdict;
	o->res.code    = code;
	o->res.reason  = reason;
	o->settled = o->left = true;
	tmr_start(&o->tmr, 0, settle_handler, o);
}


void chat_out_done(struct chat_out *o, enum retry_verdict verdict,
		   uint16_t code, const char *reason)
{
	struct sending *snd = o->snd;
	struct cpm *cpm = snd->cpm;
	struct session *s = o->sess;
	const uint32_t id = s ? s->id : 0;
	const struct send_result res = {
		.verdict = verdict,
		.code    = code,
		.after   = o->res.after,
		.lost    = o->res.lost,
		.reason  = reason,
	};

	chat_tx_end(o);
	list_unlink(&o->le);
	o->sess = NULL;
	sending_result(snd, &res);

	/* who was told may have done anything */
	s = id ? sessions_find(cpm, id) : NULL;
	if (!s)
		return;

	if (!isspent(s)) {
		chat_out_pump(s);
	}
	else if (verdict == RETRY_SENT) {
		session_end(s, SESS_CLOSED, 0);
	}
	else {
		give_up(s);
	}
}


void chat_out_pump(struct session *s)
{
	struct le *le;

	if (!s || !s->chat || s->state != SESS_ESTABLISHED)
		return;

	for (le = s->chat->outl.head; le; le = le->next) {
		struct chat_out *o = le->data;

		if (!o->tx && !o->left && chat_tx_begin(o))
			return;
		if (!o->left)
			return;
	}
}


/*
 * What a session tells
 */

void chat_out_session_up(struct session *s)
{
	struct le *le;

	if (!s->chat)
		return;

	for (le = s->chat->outl.head; le && !isopen(s); le = le->next)
		chat_out_settle(le->data, RETRY_NEVER, 488,
				"the other side takes nothing");
	chat_out_pump(s);
}


/* Its session, which was bound or not, ended under it.
   @return 0: it goes on another one */
static int again(struct chat_out *o, bool bound)
{
	const struct sending *snd = o->snd;
	struct cpm *cpm = snd->cpm;
	struct cpm_account acc;
	struct session *s;

	if (cpm->down || snd->mode == CPM_LARGE)
		return EPROTO;

	s = find(cpm, &snd->m);
	if (s)
		return join(s, o);
	if (!bound || o->moved)
		return EALREADY;
	if (!outbox_isready(cpm->outbox, snd->m.account, &acc))
		return ENOTCONN;

	o->moved = true;

	return open_for(o, &acc);
}


void chat_out_session_over(struct session *s, uint16_t code, uint32_t after,
			   const char *reason)
{
	/* one that was there has refused nothing */
	const enum retry_verdict verdict = s->bound || !code ? RETRY_LATER
		: retry_verdict(code);
	struct chat *chat = s->chat;
	struct chat_out *o;
	bool late = false;

	s->chat = NULL;
	while (chat && (o = list_ledata(chat->outl.head))) {
		list_unlink(&o->le);
		o->sess = NULL;
		if (o->settled)
			continue;

		chat_tx_end(o);
		/* what is behind one that waits would overtake it */
		if (!late && !again(o, s->bound))
			continue;

		late = verdict == RETRY_LATER;
		o->res.after = after;
		o->res.lost  = s->lost;
		chat_out_settle(o, verdict, code ? code : o->res.code,
				reason ? reason : "the session has ended");
	}
	mem_deref(chat);
}
