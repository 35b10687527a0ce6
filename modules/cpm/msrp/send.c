/**
 * @file send.c  Messages to send, as the application sees them
 * (RFC 4975, 7.1)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


enum {
	TX_HASH   = 4096,  /* of all sessions, by Message-ID                */
	CTYPE_MAX = 1024,  /* Content-Type: no peer takes a longer one      */
};


static void destructor(void *arg)
{
	struct msrp_tx *tx = arg;

	msrp_out_unlist(tx);
	list_flush(&tx->chunkl);
	mem_deref(tx->mb);
}


/* What goes into a header's value, up to max octets */
static bool is_value(const char *str, size_t max, bool space)
{
	size_t i;

	for (i=0; str[i]; i++) {
		const uint8_t c = (uint8_t)str[i];

		if (i >= max || c < 0x20 || c == 0x7f || (c == ' ' && !space))
			return false;
	}

	return i > 0 && str[0] != ' ' && str[i-1] != ' ';
}


static bool send_is_valid(const struct msrp_send *send)
{
	const size_t left = mbuf_get_left(send->mb);

	if (send->msgid && !is_value(send->msgid, MSRP_MSGID_MAX, false))
		return false;
	if (send->ctype ? !is_value(send->ctype, CTYPE_MAX, true)
	    : (left || send->size || send->start))
		return false;
	if (send->mb && (send->readh || (send->size && send->size != left)))
		return false;
	if (send->size && !send->mb && !send->readh)
		return false;

	return send->start <= (send->mb ? left : send->size);
}


/* REPORTs go to the last message of that Message-ID */
static int msgid_claim(const struct msrp_sess *sess, const char *msgid)
{
	struct msrp_tx *tx;
	struct pl pl;

	pl_set_str(&pl, msgid);
	tx = msrp_out_find(sess, &pl);
	if (!tx)
		return 0;
	if (tx->state != TX_END)
		return EALREADY;

	hash_unlink(&tx->he);

	return 0;
}


static int tx_alloc(struct msrp_tx **txp, struct msrp *msrp,
		    const struct msrp_send *send)
{
	const size_t m = send->msgid ? strlen(send->msgid) : ID_SIZE - 1;
	const size_t c = send->ctype ? strlen(send->ctype) : 0;
	struct msrp_tx *tx;

	tx = mem_zalloc(sizeof(*tx) + m + c + 2, destructor);
	if (!tx)
		return ENOMEM;

	tx->msgid = tx->buf;
	if (send->msgid)
		memcpy(tx->buf, send->msgid, m);
	else
		msrp_ident_next(msrp, tx->buf, ID_SIZE);
	if (send->ctype) {
		memcpy(tx->buf + m + 1, send->ctype, c);
		tx->ctype = tx->buf + m + 1;
	}

	tx->mb      = mem_ref(send->mb);
	tx->mbpos   = send->mb ? send->mb->pos : 0;
	tx->size    = send->mb ? mbuf_get_left(send->mb) : send->size;
	tx->readh   = send->readh;
	tx->start   = tx->off = tx->acked = send->start;
	tx->freport = send->failure_report;
	tx->sreport = send->success_report;
	tx->senth   = send->senth;
	tx->reporth = send->reporth;
	tx->arg     = send->arg;

	*txp = tx;

	return 0;
}


int msrp_send(struct msrp_tx **txp, struct msrp_sess *sess,
	      const struct msrp_send *send)
{
	struct msrp_tx *tx;
	struct pl id;
	int err;

	if (!sess || !send || !send_is_valid(send))
		return EINVAL;
	if (sess->state == SESS_CLOSED)
		return ENOTCONN;
	if (!sess->peer)
		return EPROTO;

	if (!sess->msrp->txh) {
		err = hash_alloc(&sess->msrp->txh, TX_HASH);
		if (err)
			return err;
	}
	if (send->msgid) {
		err = msgid_claim(sess, send->msgid);
		if (err)
			return err;
	}

	err = tx_alloc(&tx, sess->msrp, send);
	if (err)
		return err;

	tx->sess = sess;
	tx->own  = !txp;
	list_append(&sess->txl, &tx->le, tx);
	pl_set_str(&id, tx->msgid);
	hash_append(sess->msrp->txh, msrp_hash(&id), &tx->he, tx);
	msrp_out_line_up(tx);
	if (sess->ple.list)
		msrp_conn_kick(sess->conn);
	if (txp)
		*txp = tx;

	return 0;
}


void msrp_tx_wake(struct msrp_tx *tx)
{
	if (!tx || !tx->idle)
		return;

	tx->idle = false;
	msrp_out_line_up(tx);
	if (tx->ole.list && tx->sess->conn)
		msrp_conn_kick(tx->sess->conn);
}


void msrp_tx_abort(struct msrp_tx *tx)
{
	if (tx)
		msrp_out_end(tx, ECANCELED, 0);
}


const char *msrp_tx_msgid(const struct msrp_tx *tx)
{
	return tx ? tx->msgid : NULL;
}


uint64_t msrp_tx_sent(const struct msrp_tx *tx)
{
	return tx ? tx->off : 0;
}


uint64_t msrp_tx_acked(const struct msrp_tx *tx)
{
	return tx ? tx->acked : 0;
}
