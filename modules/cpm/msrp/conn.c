/**
 * @file conn.c  One connection: octets to requests, answers to octets
 *
 * What is read is decoded where libre put it; only what is left over is
 * copied. Any handler may end the connection: conn->tc is NULL then.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


static void destructor(void *arg)
{
	struct msrp_conn *conn = arg;

	tmr_cancel(&conn->tmr_tx);
	tmr_cancel(&conn->tmr_rx);
	tmr_cancel(&conn->tmr_trans);
	msrp_chunk_reset(&conn->ch);
	mem_deref(conn->tx);
	mem_deref(conn->rest);
	msrp_transport_close(conn);
}


static void tx_handler(void *arg);


/**
 * End the connection in the next turn: we may be in a call of the
 * application's
 */
void msrp_conn_fail(struct msrp_conn *conn, int err)
{
	conn->err = err;
	tmr_start(&conn->tmr_tx, 0, tx_handler, conn);
}


static void tx_flush(struct msrp_conn *conn)
{
	struct mbuf *mb = conn->tx;
	int err;

	if (!mb)
		return;

	conn->tx = NULL;
	if (!conn->pumpl.head)
		tmr_cancel(&conn->tmr_tx);
	mb->pos = 0;
	err = msrp_transport_send(conn, mb);
	mem_deref(mb);
	if (err)
		msrp_conn_fail(conn, err);
}


static void tx_handler(void *arg)
{
	struct msrp_conn *conn = arg;

	if (!conn->err)
		tx_flush(conn);
	if (conn->err)
		msrp_conn_end(conn, conn->err);
	else
		msrp_pump(conn);
}


/**
 * There are messages to send: see to it at the end of this turn
 */
void msrp_conn_kick(struct msrp_conn *conn)
{
	if (conn->tc && !conn->polling && !tmr_isrunning(&conn->tmr_tx))
		tmr_start(&conn->tmr_tx, 0, tx_handler, conn);
}


/**
 * Queue octets; they leave at the end of this turn of the main loop. If there
 * is no memory for them the connection ends: a peer that got no answer would
 * wait for it, one that lost the connection delivers again.
 *
 * @return 0; ENOTCONN; ENOMEM
 */
int msrp_conn_put(struct msrp_conn *conn, const struct pl *v, size_t n)
{
	size_t i, len = 0;
	struct mbuf *mb;
	int err = 0;

	if (!conn->tc || conn->err)
		return ENOTCONN;

	if (!conn->tx) {
		conn->tx = mbuf_alloc(1024);
		if (!conn->tx) {
			msrp_conn_fail(conn, ENOMEM);
			return ENOMEM;
		}

		tmr_start(&conn->tmr_tx, 0, tx_handler, conn);
	}

	mb = conn->tx;
	for (i=0; i<n; i++)
		len += v[i].l;
	if (len > mb->size - mb->end)
		err = mbuf_resize(mb, max(2 * mb->size, mb->end + len));
	if (err) {
		tx_flush(conn);
		msrp_conn_fail(conn, err);
		return err;
	}

	for (i=0; i<n; i++) {
		memcpy(mb->buf + mb->end, v[i].p, v[i].l);
		mb->end += v[i].l;
	}
	if (mb->end >= TX_SIZE)
		tx_flush(conn);

	return 0;
}


static void request_end(struct msrp_conn *conn, enum msrp_flag flag)
{
	msrp_route_end(conn, flag);
	msrp_chunk_reset(&conn->ch);
	conn->state = CONN_HEAD;
	conn->stopped = conn->busyc > 0;
	if (conn->cut && conn->tc) {
		tx_flush(conn);
		msrp_conn_end(conn, EPROTO);
	}
}


/* @return 0; ENODATA; EAGAIN to wait; or an error for the connection */
static int head_next(struct msrp_conn *conn, struct mbuf *mb)
{
	const size_t left = mbuf_get_left(mb);
	struct msrp_chunk *ch = &conn->ch;
	int err, bad;

	/* without an end of line in what is new there is no whole head */
	if (conn->scan && left < MSRP_HEAD_MAX &&
	    !memchr(mbuf_buf(mb) + conn->scan, '\n', left - conn->scan)) {
		conn->scan = left;
		return ENODATA;
	}

	conn->hpos = mb->pos;
	err = msrp_head_read(&ch->head, mb, &bad);
	if (err) {
		conn->scan = err == ENODATA ? left : 0;
		return err;
	}

	conn->scan = 0;
	conn->hlen = mb->pos - conn->hpos;
	err = msrp_route(conn, bad);
	if (err) {
		mb->pos = conn->hpos;
		conn->stopped = true;
		msrp_chunk_reset(ch);
		return err;
	}

	if (!ch->head.body) {
		request_end(conn, ch->head.flag);
		return 0;
	}

	conn->state = CONN_BODY;

	return pl_strcpy(&ch->head.tid, ch->body.tid, sizeof(ch->body.tid));
}


static int body_next(struct msrp_conn *conn, struct mbuf *mb)
{
	struct msrp_chunk *ch = &conn->ch;
	struct pl data;
	int err;

	err = msrp_body_decode(&ch->body, mb, &data);
	if (data.l && ch->sess)
		msrp_chunk_data(ch, &data);
	if (!err)
		request_end(conn, ch->body.flag);

	return err;
}


/* @return 0; or an error that ends the connection */
static int decode(struct msrp_conn *conn, struct mbuf *mb)
{
	int err = 0;

	while (!err && !conn->stopped && conn->tc && !conn->err &&
	       mbuf_get_left(mb)) {
		if (conn->state == CONN_HEAD)
			err = head_next(conn, mb);
		else
			err = body_next(conn, mb);
	}

	return (err == ENODATA || err == EAGAIN) ? 0 : err;
}


/* Keep of mb what is not decoded yet, and the head of the open chunk */
static int rest_keep(struct msrp_conn *conn, struct mbuf *mb)
{
	const size_t left = mbuf_get_left(mb);
	int err;

	if (conn->state == CONN_BODY && !conn->ch.hmb) {
		err = msrp_head_own(&conn->ch.head, &conn->ch.hmb,
				    mb->buf + conn->hpos, conn->hlen);
		if (err)
			return err;
	}

	if (!left) {
		conn->rest = mem_deref(conn->rest);
		return 0;
	}
	if (mb == conn->rest)
		return mbuf_shift(mb, -(ssize_t)mb->pos);

	conn->rest = mbuf_alloc(left);
	if (!conn->rest)
		return ENOMEM;

	err = mbuf_write_mem(conn->rest, mbuf_buf(mb), left);
	conn->rest->pos = 0;

	return err;
}


/* Back-pressure: leave the octets to TCP */
static int conn_pause(struct msrp_conn *conn)
{
	const size_t left = conn->rest ? mbuf_get_left(conn->rest) : 0;

	if (left >= REST_SIZE)
		return EOVERFLOW;

	if (left >= msrp_watch_hold(conn->msrp)) {
		msrp_pump_stop(conn);
		msrp_transport_pause(conn);
		conn->paused = true;
	}

	return 0;
}


static void process(struct msrp_conn *conn, struct mbuf *mb)
{
	int err;

	mem_ref(conn);
	err = decode(conn, mb);
	if (!err && conn->tc)
		err = rest_keep(conn, mb);
	if (!err && conn->tc)
		err = msrp_watch_decoded(conn);
	if (!err && conn->tc && conn->stopped)
		err = conn_pause(conn);
	if (err && conn->tc) {
		tx_flush(conn);
		msrp_conn_end(conn, err == EBADMSG ? EPROTO : err);
	}
	mem_deref(conn);
}


/*
 * Complete what was left over with as little as that takes. What else is new
 * stays where it is: a read is not copied because of a few octets before it.
 */
static int rest_join(struct msrp_conn *conn, struct mbuf *mb)
{
	size_t n = JOIN_SIZE;
	int err;

	while (conn->tc && conn->rest && mbuf_get_left(mb)) {
		struct mbuf *rest = conn->rest;

		n = min(n, mbuf_get_left(mb));
		rest->pos = rest->end;
		err = mbuf_write_mem(rest, mbuf_buf(mb), n);
		rest->pos = 0;
		if (err)
			return err;

		mbuf_advance(mb, (ssize_t)n);
		process(conn, rest);
		if (!conn->tc || !conn->rest)
			continue;

		/* only octets of mb are left */
		if (mbuf_get_left(conn->rest) <= n) {
			mbuf_advance(mb,
				     -(ssize_t)mbuf_get_left(conn->rest));
			conn->rest = mem_deref(conn->rest);
		}

		n = mbuf_get_left(mb);
	}

	return 0;
}


static void recv_handler(struct mbuf *mb, void *arg)
{
	struct msrp_conn *conn = arg;
	int err;

	mem_ref(conn);
	msrp_watch_read(conn, mbuf_get_left(mb));
	err = rest_join(conn, mb);
	if (err)
		msrp_conn_end(conn, err);
	else if (conn->tc && mbuf_get_left(mb))
		process(conn, mb);
	mem_deref(conn);
}


static void rx_handler(void *arg)
{
	struct msrp_conn *conn = arg;

	/* paused again since it was woken */
	if (conn->busyc)
		return;

	mem_ref(conn);
	conn->stopped = false;
	if (conn->rest)
		process(conn, conn->rest);
	else
		(void)msrp_watch_decoded(conn);
	if (conn->tc && conn->paused && !conn->stopped) {
		conn->paused = false;
		msrp_transport_resume(conn);
		msrp_conn_kick(conn);
	}
	mem_deref(conn);
}


/**
 * Go on decoding if nothing stands against it any more
 */
void msrp_conn_wake(struct msrp_conn *conn)
{
	if (conn->tc && conn->stopped && !conn->hold && !conn->busyc)
		tmr_start(&conn->tmr_rx, 0, rx_handler, conn);
}


/**
 * Nothing is decoded until the session has started, or gone
 */
void msrp_conn_hold(struct msrp_conn *conn, struct msrp_sess *sess)
{
	conn->hold = sess;
	list_append(&sess->holdl, &conn->hle, conn);
}


/**
 * Connections that wait for the session go on
 */
void msrp_conn_unhold(struct msrp_sess *sess)
{
	while (sess->holdl.head) {
		struct msrp_conn *conn = sess->holdl.head->data;

		list_unlink(&conn->hle);
		conn->hold = NULL;
		msrp_conn_wake(conn);
	}
}


static void close_handler(int err, void *arg)
{
	struct msrp_conn *conn = arg;

	/* what ends while keys are agreed on is no orderly end */
	if (conn->tls && !conn->secured && !err)
		err = EPROTO;

	msrp_conn_end(conn, err);
}


/**
 * End a connection and the sessions on it
 *
 * @param err Given to their closeh
 */
void msrp_conn_end(struct msrp_conn *conn, int err)
{
	if (!conn->msrp)
		return;

	msrp_watch_end(conn);
	conn->msrp = NULL;
	conn->hold = NULL;
	list_unlink(&conn->hle);
	conn->ch.sess = NULL;
	msrp_transport_close(conn);
	conn->tx = mem_deref(conn->tx);
	tmr_cancel(&conn->tmr_tx);
	tmr_cancel(&conn->tmr_rx);
	tmr_cancel(&conn->tmr_trans);
	list_unlink(&conn->le);
	if (conn->relay)
		err = msrp_relay_lost(conn->relay, err);

	while (conn->sessl.head) {
		struct msrp_sess *sess = conn->sessl.head->data;

		list_unlink(&sess->cle);
		list_unlink(&sess->ple);
		sess->conn = NULL;
		msrp_sess_ended(sess, err);
	}
	msrp_trans_end(conn);

	mem_deref(conn);
}


/**
 * Bind a session to the connection
 */
void msrp_conn_bind(struct msrp_conn *conn, struct msrp_sess *sess)
{
	msrp_watch_bound(conn);
	sess->conn = conn;
	list_append(&conn->sessl, &sess->cle, sess);
	if (sess->busy)
		++conn->busyc;
}


/**
 * A session leaves its connection; the last one takes it along
 *
 * @param flush Send what is queued
 */
void msrp_conn_leave(struct msrp_sess *sess, bool flush)
{
	struct msrp_conn *conn = sess->conn;

	if (!conn)
		return;

	list_unlink(&sess->cle);
	list_unlink(&sess->ple);
	sess->conn = NULL;
	if (sess->busy)
		--conn->busyc;
	if (conn->ch.sess == sess)
		conn->ch.sess = NULL;

	if (flush && conn->tc)
		tx_flush(conn);

	if (list_isempty(&conn->sessl) && !conn->relay)
		msrp_conn_end(conn, 0);
	else
		msrp_conn_wake(conn);
}


static void estab_handler(void *arg)
{
	struct msrp_conn *conn = arg;
	struct msrp_sess *sess = list_ledata(conn->sessl.head);
	int err;

	conn->secured = conn->tls;
	if (!conn->relay && (!sess || sess->state != SESS_BIND))
		return;

	/* before anything of ours is said */
	err = msrp_transport_check(conn, conn->relay ? NULL : sess->fp);
	if (err) {
		msrp_conn_end(conn, err);
		return;
	}
	if (conn->relay) {
		msrp_relay_estab(conn->relay);
		return;
	}

	err = msrp_sess_bind(sess);
	if (err)
		msrp_conn_fail(conn, err);
	else
		tx_flush(conn);
}


static struct msrp_conn *conn_alloc(struct msrp *msrp)
{
	struct msrp_conn *conn = mem_zalloc(sizeof(*conn), destructor);

	if (!conn)
		return NULL;

	tmr_init(&conn->tmr_tx);
	tmr_init(&conn->tmr_rx);
	tmr_init(&conn->tmr_trans);
	conn->msrp = msrp;
	list_append(&msrp->connl, &conn->le, conn);

	return conn;
}


/**
 * Take an incoming connection; its first request tells the session
 */
int msrp_conn_accept(struct msrp *msrp, struct tcp_sock *ts, bool tls,
		     const struct sa *peer)
{
	struct msrp_conn *conn = conn_alloc(msrp);
	int err;

	if (!conn)
		return ENOMEM;

	err = msrp_transport_accept(conn, ts, tls, estab_handler,
				    recv_handler, close_handler);
	if (!err)
		err = msrp_watch_unbound(conn, peer);
	if (err)
		msrp_conn_end(conn, err);

	return err;
}


/**
 * Connect
 *
 * @param relay Ours at the other end, or NULL
 * @param host  TLS, to the host of this name; NULL: plain
 */
int msrp_conn_open(struct msrp_conn **connp, struct msrp *msrp,
		   struct msrp_relay *relay, const struct sa *addr,
		   const char *host)
{
	struct msrp_conn *conn = conn_alloc(msrp);
	int err;

	if (!conn)
		return ENOMEM;

	err = msrp_transport_connect(conn, addr, host, estab_handler,
				     recv_handler, close_handler);
	if (err) {
		msrp_conn_end(conn, err);
		return err;
	}

	conn->relay = relay;
	*connp = conn;

	return 0;
}


/**
 * Connect a session
 */
int msrp_conn_connect(struct msrp_sess *sess, const struct sa *addr)
{
	char host[HOST_SIZE] = "";
	struct msrp_conn *conn;
	int err;

	if (sess->tls)
		(void)msrp_path_host(host, sizeof(host), sess->peer);

	err = msrp_conn_open(&conn, sess->msrp, NULL, addr,
			     sess->tls ? host : NULL);
	if (!err)
		msrp_conn_bind(conn, sess);

	return err;
}
