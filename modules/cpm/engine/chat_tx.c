/**
 * @file chat_tx.c  One message of ours over MSRP
 *
 * RFC 4975, 7.1; wire.md 7. The body is read as TCP takes it, from the store
 * or from the user's file: memory does not grow with it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "sendq.h"
#include "compose_out.h"
#include "composing.h"
#include "chat.h"


/* What the peer has of the body */
static uint64_t acked(const struct chat_out *o)
{
	const uint64_t n = msrp_tx_acked(o->tx);

	return n > o->headl ? n - o->headl : 0;
}


/* Whoever is told may do anything to it: o may be gone then */
static void tell(struct chat_out *o, uint64_t sent)
{
	const struct out_msg *m = &o->snd->m;
	struct cpm_event ev = {.id = CPM_EV_PROGRESS};
	char *account;

	if (m->size <= PROGRESS_MIN || sent == o->told)
		return;

	account = mem_ref(m->account);
	o->told = sent;
	ev.account         = account;
	ev.u.progress.id   = m->id;
	ev.u.progress.sent = sent;
	ev.u.progress.size = m->size;
	engine_event(o->snd->cpm, &ev);
	mem_deref(account);
}


static void progress_handler(void *arg)
{
	struct chat_out *o = arg;

	tmr_start(&o->tmr, PROGRESS_MS, progress_handler, o);
	tell(o, acked(o));
}


/* Up to len octets of the body, at most as many as it has */
static int body_read(struct chat_out *o, uint64_t off, uint8_t *buf,
		     size_t *len)
{
	const struct out_msg *m = &o->snd->m;
	int err;

	*len = (size_t)min((uint64_t)*len, m->size - off);
	if (!*len)
		return 0;

	if (!o->mb)
		o->mb = mbuf_alloc(*len);
	if (!o->mb)
		return ENOMEM;

	mbuf_rewind(o->mb);
	err = out_body(o->mb, o->snd->cpm, m, off, *len);
	if (err)
		return err;

	/* what is shorter now must not look whole */
	if (o->mb->end != *len)
		return ESTALE;
	memcpy(buf, o->mb->buf, *len);

	return 0;
}


static int read_handler(uint64_t off, uint8_t *buf, size_t *len, void *arg)
{
	struct chat_out *o = arg;
	size_t n = 0, rest;
	int err;

	if (off < o->headl) {
		n = (size_t)min((uint64_t)*len, o->headl - off);
		memcpy(buf, o->head->buf + off, n);
	}

	rest = *len - n;
	err = body_read(o, off + n - o->headl, buf + n, &rest);
	if (err)
		return err;

	*len = n + rest;
	if (off + *len < o->headl + o->snd->m.size)
		return 0;

	o->head = mem_deref(o->head);
	o->mb   = mem_deref(o->mb);
	o->left = true;
	chat_out_pump(o->sess);

	return 0;
}


/* The session is of no use any more: all that is on it goes elsewhere, in its
   order, or later with this result */
static void useless(struct chat_out *o, uint16_t scode)
{
	struct session *s = o->sess;

	chat_tx_end(o);
	o->res.code = scode;
	s->reason = "the session does not work";
	session_end(s, SESS_FAILED, 0);
}


/* The peer does not want it (RFC 4975, 10) */
static void refused(struct chat_out *o, uint16_t scode)
{
	switch (scode) {

	case 408:
	case 506:
		useless(o, scode);
		break;

	case 403:
		chat_out_done(o, RETRY_NEVER, scode, "not allowed");
		break;

	/* whoever has said how large a message may be has no room for it now:
	   larger ones were not sent */
	case 413:
		chat_out_done(o, o->sess->peer_max ? RETRY_LATER
			      : RETRY_NEVER, scode,
			      "the other side takes no more of it");
		break;

	case 415:
		chat_out_done(o, RETRY_NEVER, scode,
			      "the other side does not take this type");
		break;

	default:
		chat_out_done(o, RETRY_NEVER, scode,
			      "refused by the other side");
		break;
	}
}


/* The result first: it is settled when the last event tells that all is
   there */
static void sent(struct chat_out *o)
{
	struct sending *snd = mem_ref(o->snd);

	mem_ref(o);
	chat_out_done(o, RETRY_SENT, 200, NULL);
	tell(o, snd->m.size);
	mem_deref(o);
	mem_deref(snd);
}


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct chat_out *o = arg;

	struct send_result res;

	if (o->stopped)
		return;

	tmr_cancel(&o->tmr);

	switch (err) {

	case 0:
		sent(o);
		break;

	case ENOTCONN:
		/* it is not known whether the peer has it: it goes again when
		   the session's end is told, with the same imdn.Message-ID */
		chat_tx_end(o);
		break;

	case EPROTO:
		if (scode == 481)
			chat_tx_end(o);
		else
			refused(o, scode);
		break;

	case ETIMEDOUT:
		refused(o, 408);
		break;

	/* it could not be read, or there is no memory for it */
	default:
		sending_fault(&res, err);
		chat_out_done(o, res.verdict, 0, res.reason);
		break;
	}
}


static int head_make(struct chat_out *o)
{
	int err;

	o->head = mbuf_alloc(1024);
	if (!o->head)
		return ENOMEM;

	err = out_cpim_head(o->head, &o->snd->m);
	if (err)
		o->head = mem_deref(o->head);
	else
		o->headl = o->head->end;

	return err;
}


/* @return 0; EMSGSIZE, ENOTSUP: the peer has said that it does not take it */
static int fits(const struct session *s, const struct chat_out *o)
{
	const struct out_msg *m = &o->snd->m;

	if (s->peer_max && o->headl + m->size > s->peer_max)
		return EMSGSIZE;

	return !s->takes || msrp_types_accept(s->takes, m->type) ? 0
		: ENOTSUP;
}


int chat_tx_begin(struct chat_out *o)
{
	const struct msrp_send send = {
		.ctype = "message/cpim",
		.readh = read_handler,
		.senth = sent_handler,
		.arg   = o,
	};
	struct msrp_send tmp = send;
	struct send_result res;
	int err;

	err = head_make(o);
	if (!err)
		err = fits(o->sess, o);
	if (!err) {
		tmp.size = o->headl + o->snd->m.size;
		err = msrp_send(&o->tx, o->sess->msrp, &tmp);
	}

	switch (err) {

	case 0:
		composing_sent(o->sess);
		if (o->snd->m.size > PROGRESS_MIN)
			tmr_start(&o->tmr, PROGRESS_MS, progress_handler, o);
		return 0;

	case ENOTCONN:
	case EPROTO:
		o->head = mem_deref(o->head);
		return ENOTCONN;

	case EMSGSIZE:
		chat_out_settle(o, RETRY_NEVER, 413,
				"too large for the other side");
		return 0;

	case ENOTSUP:
		chat_out_settle(o, RETRY_NEVER, 415,
				"the other side does not take this type");
		return 0;

	default:
		sending_fault(&res, err);
		chat_out_settle(o, res.verdict, 0, res.reason);
		return 0;
	}
}


void chat_tx_end(struct chat_out *o)
{
	const bool stopped = o->stopped;
	struct msrp_tx *tx = o->tx;

	tmr_cancel(&o->tmr);
	o->tx = NULL;
	o->stopped = true;
	msrp_tx_abort(tx);
	mem_deref(tx);
	o->stopped = stopped;
	o->left = false;
	o->head = mem_deref(o->head);
	o->mb   = mem_deref(o->mb);
}
