/**
 * @file sender.c  Messages to chunks, answers to results (RFC 4975, 7.1)
 *
 * A message leaves the database only when the client has answered all of it
 * with 200.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "pf.h"


enum {
	FILL_MAX = 65536,        /* octets made at once: bounds our buffer  */
	DONE_MAX = 64,           /* answered messages whose REPORT we still
				    know by its Message-ID                  */
};


/* One message on its way */
struct out {
	struct le le;
	struct session *sess;    /* borrowed                                */
	struct kept *m;
	struct body *body;       /* until the last chunk is made            */
	struct mbuf *head;
	char mid[25];
	uint64_t total;
	uint64_t chunk;          /* octets of a chunk                       */
	uint32_t count;          /* chunks                                  */
	uint32_t made;           /* of these                                */
	uint32_t waiting;        /* chunks made and not answered            */
	uint32_t code;           /* answer to the last octets               */
	uint32_t copy;
	bool shuffle;
	bool reverse;
	bool cut;                /* will be aborted                         */
	bool hold;               /* stays when answered: a copy follows     */
	bool reported;           /* its REPORT has come                     */
};

/* One chunk on its way */
struct chunk {
	struct le le;
	struct out *out;         /* borrowed: outlives us                   */
	char tid[17];
	bool last;               /* has the last octets                     */
};


static void out_destructor(void *arg)
{
	struct out *o = arg;

	list_unlink(&o->le);
	mem_deref(o->body);
	mem_deref(o->head);
	mem_deref(o->m);
}


static void chunk_destructor(void *arg)
{
	struct chunk *c = arg;

	list_unlink(&c->le);
}


static bool fault(const struct session *sess, enum fault f)
{
	return sess->pf->faults.on[f];
}


static uint32_t fault_arg(const struct session *sess, enum fault f)
{
	return sess->pf->faults.arg[f];
}


/* What else this message suffers */
static void out_plan(struct out *o)
{
	struct session *sess = o->sess;
	struct sender *s = &sess->send;

	if (fault(sess, FAULT_NORANGE))
		o->chunk = o->total;
	o->count = (uint32_t)((o->total + o->chunk - 1) / o->chunk);
	o->shuffle = fault(sess, FAULT_SHUFFLE);
	o->reverse = fault(sess, FAULT_REVERSE);

	if (o->copy)
		return;

	s->begun++;
	o->cut = fault(sess, FAULT_ABORT) && s->begun % 2 == 0;
	o->hold = !o->cut && fault(sess, FAULT_DUP);
	if (o->cut) {
		if (o->count == 1)
			o->chunk = MAX(o->total / 2, (uint64_t)1);
		else
			o->count /= 2;
	}
	if (o->cut || o->hold) {
		s->next = mem_ref(o->m);
		s->copy = 1;
	}
}


/* Takes m */
static int out_alloc(struct session *sess, struct kept *m, uint32_t copy)
{
	struct out *o = mem_zalloc(sizeof(*o), out_destructor);
	int err;

	if (!o) {
		mem_deref(m);
		return ENOMEM;
	}

	o->sess = sess;
	o->m = m;
	o->copy = copy;
	o->chunk = sess->pf->opt.chunk;
	if (sess->relayed)
		o->chunk = MIN(o->chunk, (uint64_t)RELAY_CHUNK);
	token_make(o->mid, sizeof(o->mid));

	o->head = mbuf_alloc(512);
	err = o->head ? cpim_head_print(o->head, m) : ENOMEM;
	if (!err)
		err = body_open(&o->body, sess->pf->keep, m);
	if (err) {
		mem_deref(o);
		return err;
	}

	o->total = o->head->end + m->size;
	out_plan(o);
	list_append(&sess->send.outl, &o->le, o);
	return 0;
}


static void tmr_handler(void *arg)
{
	struct session *sess = arg;

	sess->send.rested = true;
	conn_wake(sess->conn);
}


/* The wait before a message is over, or there is none */
static bool rested(struct session *sess)
{
	struct sender *s = &sess->send;

	if (!fault(sess, FAULT_DELAY) || s->rested) {
		s->rested = false;
		return true;
	}

	if (!tmr_isrunning(&s->tmr))
		tmr_start(&s->tmr, fault_arg(sess, FAULT_DELAY), tmr_handler,
			  sess);
	return false;
}


/* Begin the next message. @return 0; EAGAIN: not now; ENOENT: none is left */
static int out_begin(struct session *sess)
{
	struct sender *s = &sess->send;
	uint32_t window = sess->pf->opt.window;
	struct kept *m;
	int err;

	if (fault(sess, FAULT_LOSE)) {
		if (s->begun >= fault_arg(sess, FAULT_LOSE))
			return EAGAIN;
	}
	else {
		if (fault(sess, FAULT_INTERLEAVE))
			window = MAX(window, (uint32_t)2);
		if (list_count(&s->outl) >= window)
			return EAGAIN;
	}

	if (!s->next) {
		err = deliver_next(&s->next, sess, s->last);
		if (err)
			return err;
		s->copy = 0;
		s->last = s->next->seq;
	}
	if (!rested(sess))
		return EAGAIN;

	m = s->next;
	s->next = NULL;
	return out_alloc(sess, m, s->copy);
}


/* The n-th message that has chunks left to make */
static struct out *out_unmade(const struct sender *s, uint32_t n)
{
	struct le *le;

	for (le = list_head(&s->outl); le; le = le->next) {
		struct out *o = le->data;

		if (o->made < o->count && !n--)
			return o;
	}

	return NULL;
}


/* The message whose chunk is next. @return 0; EAGAIN; ENOENT */
static int out_turn(struct out **op, struct session *sess)
{
	struct sender *s = &sess->send;
	const bool two = fault(sess, FAULT_INTERLEAVE);
	int err = 0;

	while (!err && !out_unmade(s, two ? 1 : 0))
		err = out_begin(sess);
	if (err && err != EAGAIN && err != ENOENT)
		return err;

	*op = out_unmade(s, two ? s->turn++ % 2 : 0);
	if (!*op)
		*op = out_unmade(s, 0);

	return *op ? 0 : err;
}


/* Octets off to off+len of CPIM headers and body together */
static int content_write(struct mbuf *mb, const struct out *o, uint64_t off,
			 uint64_t len)
{
	uint8_t buf[8192];
	uint64_t n;
	int err = 0;

	if (off < o->head->end) {
		n = MIN(len, o->head->end - off);
		err = mbuf_write_mem(mb, o->head->buf + off, (size_t)n);
		off += n;
		len -= n;
	}

	for (; len && !err; off += n, len -= n) {
		n = MIN(len, (uint64_t)sizeof(buf));
		err = body_read(o->body, off - o->head->end, buf, (size_t)n);
		if (!err)
			err = mbuf_write_mem(mb, buf, (size_t)n);
	}

	return err;
}


static int chunk_head_print(struct mbuf *mb, const struct out *o,
			    const char *tid, uint64_t off, uint64_t len)
{
	const struct session *sess = o->sess;
	uint64_t end = off + len;
	int err;

	err = mbuf_printf(mb, "MSRP %s SEND\r\n"
			  "To-Path: %s\r\n"
			  "From-Path: %s\r\n"
			  "Message-ID: %s\r\n",
			  tid, sess->to, sess->path, o->mid);
	if (!err && (fault(sess, FAULT_REPORT) || sess->relayed))
		err = mbuf_printf(mb, "Success-Report: yes\r\n");
	if (!err && !fault(sess, FAULT_NORANGE)) {
		if (fault(sess, FAULT_BADRANGE))
			end += 10;
		err = mbuf_printf(mb, "Byte-Range: %llu-%llu/%llu\r\n",
				  off + 1, end, o->total);
	}
	if (err)
		return err;

	return mbuf_printf(mb, "Content-Type: message/cpim\r\n\r\n");
}


static int chunk_print(struct mbuf *mb, struct out *o)
{
	uint32_t i = o->made++;
	struct chunk *c;
	uint64_t off, len;
	char flag;
	int err;

	if (o->reverse)
		i = o->count - 1 - i;
	/* pairs change places */
	if (o->shuffle && (i ^ 1) < o->count)
		i ^= 1;

	off = i * o->chunk;
	len = MIN(o->chunk, o->total - off);
	flag = off + len == o->total ? '$' : '+';
	if (o->cut && o->made == o->count)
		flag = '#';

	c = mem_zalloc(sizeof(*c), chunk_destructor);
	if (!c)
		return ENOMEM;
	c->out = o;
	c->last = off + len == o->total;
	token_make(c->tid, sizeof(c->tid));
	list_append(&o->sess->send.chunkl, &c->le, c);
	o->waiting++;

	err = chunk_head_print(mb, o, c->tid, off, len);
	if (!err)
		err = content_write(mb, o, off, len);
	if (!err)
		err = mbuf_printf(mb, "\r\n-------%s%c\r\n", c->tid, flag);
	if (o->made == o->count)
		o->body = mem_deref(o->body);

	return err;
}


/**
 * Make what may be sent now
 *
 * @param mb Filled; stays empty when there is nothing
 *
 * @return 0; EIO; ENOMEM
 */
int sender_fill(struct session *sess, struct mbuf *mb)
{
	struct out *o;
	int err = 0;

	if (sess->state != SESS_BOUND)
		return 0;
	/* MSRP may be there before the ACK, which has more hops behind it */
	if (sess->pf->faults.on[FAULT_EARLYBYE] && !sess->confirmed)
		return 0;

	err = chat_fill(sess, mb);
	if (err || sess->ordinary)
		return err;

	while (!err && mb->end < FILL_MAX) {
		err = out_turn(&o, sess);
		if (!err)
			err = chunk_print(mb, o);
	}

	if (err == ENOENT && list_isempty(&sess->send.outl))
		session_done(sess);

	return err == ENOENT || err == EAGAIN ? 0 : err;
}


static void out_finish(struct out *o)
{
	struct session *sess = o->sess;
	int err = 0;

	/* a relay knows nothing of what became of it */
	if (o->waiting || o->made < o->count ||
	    (sess->relayed && !o->reported && !o->cut))
		return;

	list_unlink(&o->le);
	list_append(&sess->send.donel, &o->le, o);
	if (list_count(&sess->send.donel) > DONE_MAX)
		mem_deref(list_ledata(list_head(&sess->send.donel)));

	if (o->cut) {
		event("aborted id=%s to=%s", o->m->id, sess->user->aor);
		return;
	}

	if (!o->hold) {
		err = keep_remove(sess->pf->keep, o->m->seq);
		if (!err) {
			sess->send.delivered++;
			sess->pf->delivered++;
		}
	}
	if (o->copy)
		event("delivered id=%s to=%s code=%u copy=%u", o->m->id,
		      sess->user->aor, o->code, o->copy);
	else
		event("delivered id=%s to=%s code=%u", o->m->id,
		      sess->user->aor, o->code);

	if (err)
		session_end(sess, BY_ERROR, "database");
}


static struct chunk *chunk_find(const struct sender *s, const struct pl *tid)
{
	struct le *le;

	for (le = list_head(&s->chunkl); le; le = le->next) {
		struct chunk *c = le->data;

		if (!pl_strcmp(tid, c->tid))
			return c;
	}

	return NULL;
}


/* The client answered, and we act as if we had never seen it */
static void answer_lose(struct session *sess, const struct chunk *c)
{
	struct sender *s = &sess->send;
	struct kept *m = NULL;

	if (!c->last)
		return;

	s->lost++;
	if (s->lost < fault_arg(sess, FAULT_LOSE) &&
	    (s->lost < s->begun ||
	     !deliver_next(&m, sess, s->last))) {
		mem_deref(m);
		return;
	}

	session_end(sess, BY_ERROR, "lose");
}


/* Refused: it stays kept, and that was it */
static void failed(const struct out *o, uint32_t code)
{
	char reason[32];

	event("delivered id=%s to=%s code=%u", o->m->id, o->sess->user->aor,
	      code);
	(void)snprintf(reason, sizeof(reason), "MSRP %u", code);
	session_end(o->sess, BY_ERROR, reason);
}


/** An answer to one of our chunks came */
void sender_answer(struct session *sess, const struct frame *f)
{
	struct chunk *c = chunk_find(&sess->send, &f->tid);
	struct out *o;

	if (sess->state != SESS_BOUND && sess->state != SESS_DRAINING)
		return;

	if (!c && chat_answer(sess, f))
		return;
	if (!c) {
		event("error text=%s", "answer to nothing that was sent");
		return;
	}
	if (fault(sess, FAULT_LOSE)) {
		answer_lose(sess, c);
		return;
	}

	o = c->out;
	if (c->last)
		o->code = f->code;
	mem_deref(c);
	o->waiting--;

	if (f->code != 200 && !o->cut) {
		failed(o, f->code);
		return;
	}
	out_finish(o);

	conn_wake(sess->conn);
}


static struct out *out_find(const struct list *outl, const struct pl *mid)
{
	struct le *le;

	for (le = list_head(outl); le; le = le->next) {
		struct out *o = le->data;

		if (!pl_strcmp(mid, o->mid))
			return o;
	}

	return NULL;
}


/** A REPORT came */
void sender_report(struct session *sess, const struct frame *f)
{
	struct out *o = out_find(&sess->send.outl, &f->mid);
	const bool open = o != NULL;
	struct pl status;

	if (!o)
		o = out_find(&sess->send.donel, &f->mid);
	if (!o) {
		event("error text=%s", "REPORT about nothing that was sent");
		return;
	}
	if (re_regex(f->status.p, f->status.l, "000 [0-9]+", &status)) {
		event("error text=%s", "REPORT without status");
		return;
	}

	if (!sess->relayed || fault(sess, FAULT_REPORT))
		event("report id=%s status=%u", o->m->id, pl_u32(&status));
	if (!sess->relayed || !open)
		return;

	if (pl_u32(&status) == 200) {
		o->reported = true;
		out_finish(o);
		conn_wake(sess->conn);
	}
	else {
		failed(o, pl_u32(&status));
	}
}


/** Forget what is on its way: it stays kept */
void sender_flush(struct session *sess)
{
	struct sender *s = &sess->send;

	tmr_cancel(&s->tmr);
	list_flush(&s->chunkl);
	list_flush(&s->outl);
	list_flush(&s->donel);
	s->next = mem_deref(s->next);
}
