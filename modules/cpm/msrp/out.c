/**
 * @file out.c  One outgoing message: what of it has left and was answered
 * (RFC 4975, 7.1, 7.2, 7.3.2)
 *
 * Any handler may free the message or end the session: tx->sess is NULL then.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


enum {
	WINDOW    = 256,   /* chunks of a message without an answer: bounds
			      what is kept when a peer reads and does not
			      answer; 16 MiB on their way are enough for
			      1 Gbit/s over 100 ms                          */
	KEPT_MAX  = 1024,  /* messages that a session keeps for REPORTs only:
			      they may never come                           */
};

/* A chunk that waits for its answer */
struct chunk {
	struct le le;             /* of tx->chunkl                          */
	struct msrp_trans tr;
	struct msrp_tx *tx;       /* borrowed                               */
	uint64_t end;             /* offset behind it                       */
	bool done;                /* answered, but one before it is not     */
};


static void chunk_destructor(void *arg)
{
	struct chunk *ch = arg;

	list_unlink(&ch->le);
	msrp_trans_stop(&ch->tr);
}


/**
 * Out of all lists of the session and the stack
 */
void msrp_out_unlist(struct msrp_tx *tx)
{
	list_unlink(&tx->le);
	list_unlink(&tx->ole);
	hash_unlink(&tx->he);
}


/* The session forgets the message */
static void tx_detach(struct msrp_tx *tx)
{
	struct msrp_sess *sess = tx ? tx->sess : NULL;

	if (!sess)
		return;

	if (tx->kept)
		--sess->keptc;
	tx->kept = false;
	tx->sess = NULL;
	msrp_out_unlist(tx);
	if (tx->own) {
		tx->own = false;
		mem_deref(tx);
	}
}


/* One that only the session holds, for REPORTs */
static void tx_keep(struct msrp_tx *tx)
{
	struct msrp_sess *sess = tx->sess;

	tx->kept = true;
	list_append(&sess->keptl, &tx->ole, tx);
	if (++sess->keptc > KEPT_MAX)
		tx_detach(list_ledata(sess->keptl.head));
}


/**
 * The end of a message: tell it, once
 */
void msrp_out_end(struct msrp_tx *tx, int err, uint16_t scode)
{
	/* 481: there is nobody to give up for */
	const bool begun = tx->state == TX_SEND && tx->off > tx->start &&
		scode != 481;

	if (tx->state == TX_END)
		return;

	mem_ref(tx);
	tx->state = TX_END;
	list_flush(&tx->chunkl);
	tx->chunkc = 0;
	list_unlink(&tx->ole);
	tx->mb = mem_deref(tx->mb);
	if (begun && tx->sess && tx->sess->conn)
		(void)msrp_frame_abort(tx->sess->conn, tx);

	if (tx->own && !err && tx->sreport && tx->reporth)
		tx_keep(tx);
	else if (tx->own)
		tx_detach(tx);

	if (tx->senth)
		tx->senth(err, scode, tx->arg);
	mem_deref(tx);
}


/* May its next chunk leave? */
static bool tx_ready(const struct msrp_tx *tx)
{
	return tx->sess && tx->state == TX_SEND && !tx->idle &&
		(tx->freport != MSRP_FREPORT_YES || tx->chunkc < WINDOW);
}


/**
 * It takes its turns, if it has something to send
 */
void msrp_out_line_up(struct msrp_tx *tx)
{
	if (!tx_ready(tx) || tx->ole.list)
		return;

	list_append(&tx->sess->outl, &tx->ole, tx);
	msrp_pump_add(tx->sess);
}


/* The octets from the beginning on that are answered; those of a message that
   is not answered when all is well were not seen by anyone */
static void chunks_ack(struct msrp_tx *tx)
{
	struct chunk *ch;

	while ((ch = list_ledata(tx->chunkl.head)) && ch->done) {
		if (tx->freport == MSRP_FREPORT_YES)
			tx->acked = max(tx->acked, ch->end);
		--tx->chunkc;
		mem_deref(ch);
	}

	if (tx->state == TX_WAIT && !tx->chunkl.head) {
		msrp_out_end(tx, 0, 200);
		return;
	}

	msrp_out_line_up(tx);
	if (tx->ole.list)
		msrp_conn_kick(tx->sess->conn);
}


/* The peer does not know the session (RFC 4975, 10.6) */
static void tx_sess_gone(struct msrp_tx *tx)
{
	struct msrp_sess *sess = mem_ref(tx->sess);
	bool alive;

	msrp_out_end(tx, EPROTO, 481);

	/* senth may have closed or freed it */
	alive = mem_nrefs(sess) > 1 && sess->state != SESS_CLOSED;
	mem_deref(sess);
	if (alive)
		msrp_sess_ended(sess, EPROTO);
}


static void answer_handler(int err, const struct msrp_head *head, void *arg)
{
	struct chunk *ch = arg;
	struct msrp_tx *tx = ch->tx;

	/* the session's end will tell it */
	if (err == ENOTCONN)
		return;

	if (head)
		msrp_sess_touch(tx->sess);

	if (err && tx->freport != MSRP_FREPORT_PARTIAL) {
		msrp_out_end(tx, err, 408);
	}
	else if (head && head->scode == 481) {
		tx_sess_gone(tx);
	}
	else if (head && head->scode >= 300) {
		msrp_out_end(tx, EPROTO, head->scode);
	}
	else {
		ch->done = true;
		chunks_ack(tx);
	}
}


/* Wait for the answer to the chunk that ends at tx->off */
static int chunk_wait(struct msrp_tx *tx, const char *tid)
{
	struct chunk *ch;
	int err;

	/* answers to these come only if they fail, and not all are needed */
	if (tx->freport == MSRP_FREPORT_PARTIAL && tx->chunkc >= WINDOW) {
		mem_deref(list_ledata(tx->chunkl.head));
		--tx->chunkc;
	}

	ch = mem_zalloc(sizeof(*ch), chunk_destructor);
	if (!ch)
		return ENOMEM;

	err = msrp_trans_start(&ch->tr, tx->sess->conn, tid, answer_handler,
			       ch);
	if (err) {
		mem_deref(ch);
		return err;
	}

	ch->tx  = tx;
	ch->end = tx->off;
	list_append(&tx->chunkl, &ch->le, ch);
	++tx->chunkc;

	return 0;
}


/* The chunk is in the buffer */
static int chunk_left(struct msrp_tx *tx, const char *tid, size_t len,
		      struct list *endl)
{
	int err = 0;

	tx->off += len;
	if (tx->freport != MSRP_FREPORT_NO)
		err = chunk_wait(tx, tid);
	if (err) {
		tx->off -= len;
		return err;
	}

	msrp_sess_touch(tx->sess);
	if (tx->off < tx->size) {
		msrp_out_line_up(tx);
		return 0;
	}

	tx->state = TX_WAIT;
	if (tx->freport == MSRP_FREPORT_NO)
		list_append(endl, &tx->ole, tx);

	return 0;
}


/**
 * The message's turn: append its next chunk, if it has one now
 *
 * @param endl Gets it if it is complete and waits for nothing: to be ended
 *             once the buffer was handed to the transport
 */
void msrp_out_chunk(struct msrp_tx *tx, struct mbuf *mb, size_t max,
		    struct list *endl)
{
	const size_t end = mb->end;
	char tid[ID_SIZE];
	size_t len;
	int err;

	mem_ref(tx);
	tx->idle = true;
	err = msrp_frame_chunk(mb, tx, max, tid, &len);
	/* readh may have woken it */
	list_unlink(&tx->ole);
	if (!err) {
		tx->idle = false;
		err = chunk_left(tx, tid, len, endl);
	}
	if (err == FRAME_NOTHING) {
		msrp_out_line_up(tx);
	}
	else if (err) {
		mb->end = end;
		if (tx->sess)
			msrp_out_end(tx, err, 0);
	}
	mem_deref(tx);
}


/**
 * The session is established: what waited for that takes its turns
 */
void msrp_out_start(struct msrp_sess *sess)
{
	msrp_pump_add(sess);
	if (sess->ple.list)
		msrp_conn_kick(sess->conn);
}


/**
 * The session has gone
 *
 * @param tell Tell the messages' handlers. The caller holds a reference then:
 *             when it is the last one, no more of them are told
 */
void msrp_out_flush(struct msrp_sess *sess, bool tell)
{
	struct msrp_tx *tx;

	list_unlink(&sess->ple);
	while ((tx = list_ledata(sess->txl.head))) {
		mem_ref(tx);
		tx_detach(tx);
		if (!tell || mem_nrefs(sess) == 1)
			tx->senth = NULL;
		msrp_out_end(tx, sess->scode ? EPROTO : ENOTCONN,
			     sess->scode);
		mem_deref(tx);
	}
}


struct key {
	const struct msrp_sess *sess;
	const struct pl *msgid;
};

static bool cmp_handler(struct le *le, void *arg)
{
	const struct msrp_tx *tx = le->data;
	const struct key *key = arg;

	return tx->sess == key->sess && !pl_strcmp(key->msgid, tx->msgid);
}


/**
 * The last message of a Message-ID
 */
struct msrp_tx *msrp_out_find(const struct msrp_sess *sess,
			      const struct pl *msgid)
{
	struct key key = {sess, msgid};

	return list_ledata(hash_lookup(sess->msrp->txh,
				       msrp_hash(msgid), cmp_handler, &key));
}


/* Status = namespace SP status-code [SP comment]; namespace = 3DIGIT
   (RFC 4975, 7.1.2 and 9). @return 0 if it is no code that we know */
static uint16_t status_decode(const struct pl *status)
{
	struct pl pl = *status, ns, code;
	size_t i;

	if (re_regex(pl.p, pl.l, "[0-9]+ [0-9]+", &ns, &code) || ns.p != pl.p)
		return 0;

	for (i=0; i<ns.l; i++) {
		if (ns.p[i] != '0')
			return 0;
	}

	return ns.l == 3 && code.l == 3 ? (uint16_t)pl_u32(&code) : 0;
}


/**
 * A REPORT has come (RFC 4975, 7.3.2)
 */
void msrp_out_report(struct msrp_sess *sess, const struct msrp_head *head)
{
	const struct msrp_range *range = &head->range;
	const uint16_t scode = pl_isset(&head->status)
		? status_decode(&head->status) : 0;
	struct msrp_tx *tx = msrp_out_find(sess, &head->msgid);

	if (!tx || !scode)
		return;

	mem_ref(tx);
	if (scode < 300 && range->start && range->start - 1 <= tx->acked &&
	    range->end_set && range->end <= tx->off)
		tx->acked = max(tx->acked, range->end);

	/* the last one */
	if (tx->kept && (scode >= 300 || tx->acked == tx->size))
		tx_detach(tx);

	if (tx->reporth)
		tx->reporth(scode, range, tx->arg);
	if (scode >= 300)
		msrp_out_end(tx, EPROTO, scode);
	mem_deref(tx);
}
