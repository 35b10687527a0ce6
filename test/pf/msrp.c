/**
 * @file msrp.c  MSRP connections (RFC 4975, 5.4; RFC 6135)
 *
 * One listener for all sessions. A connection that comes in belongs to the
 * session whose path the first SEND names; one that we open says so itself
 * with an empty SEND. A connection lives in the list of pf: whoever lets go
 * of it there closes it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "pf.h"


enum {
	RX_MAX    = 65536,       /* of one frame: a client sends little     */
	RX_SIZE   = 65536,       /* one read                                */
	TX_SIZE   = 131072,      /* one write: libre takes no more than 512
				    KiB that TCP does not, and forgets how
				    much it sent of what it refuses         */
	BIND_WAIT = 10 * 1000,   /* ms from the connection to the SEND      */
};


struct conn {
	struct le le;
	struct pf *pf;           /* borrowed                                */
	struct session *sess;    /* borrowed, NULL: not bound yet           */
	struct tcp_conn *tc;
	struct tls_conn *sc;     /* TLS on it, or NULL                      */
	struct mbuf *rx;         /* not decoded yet                         */
	struct mbuf *out;        /* not written yet                         */
	struct tmr tmr;
	char tid[17];            /* of our own bind                         */
	uint64_t sent;           /* octets                                  */
	bool active;             /* we opened it                            */
	bool ready;              /* TCP is connected                        */
};


static void conn_destructor(void *arg)
{
	struct conn *conn = arg;

	if (conn->sess)
		conn->sess->conn = NULL;
	list_unlink(&conn->le);
	tmr_cancel(&conn->tmr);
	mem_deref(conn->sc);
	mem_deref(conn->tc);
	mem_deref(conn->rx);
	mem_deref(conn->out);
}


/* The functions of libre that give a descriptor went away in 2.2.2; without
   one, a sender waits for acknowledgements of TCP now and then */
static void nodelay_set(const struct conn *conn)
{
#ifndef HAVE_RE_ARG
	const int on = 1;

	(void)setsockopt(tcp_conn_fd(conn->tc), IPPROTO_TCP, TCP_NODELAY, &on,
			 sizeof(on));
#else
	(void)conn;
#endif
}


/** Something of our own to be sent */
void conn_printf(struct conn *conn, const char *fmt, ...)
{
	const size_t pos = conn->out->pos;
	va_list ap;

	conn->out->pos = conn->out->end;
	va_start(ap, fmt);
	(void)mbuf_vprintf(conn->out, fmt, ap);
	va_end(ap);
	conn->out->pos = pos;

	conn_wake(conn);
}


static void reply(struct conn *conn, const struct frame *f, uint32_t code,
		  const char *reason)
{
	if (!pl_strcasecmp(&f->freport, "no"))
		return;

	struct pl to = f->from;
	const char *sp = memchr(to.p, ' ', to.l);

	/* to the previous hop */
	if (sp)
		to.l = (size_t)(sp - to.p);
	conn_printf(conn, "MSRP %r %u %s\r\n"
		    "To-Path: %r\r\n"
		    "From-Path: %r\r\n"
		    "-------%r$\r\n", &f->tid, code, reason, &to,
		    &f->to, &f->tid);
}


/* How many octets may be written at once */
static size_t piece_size(const struct conn *conn)
{
	const struct faults *faults = &conn->pf->faults;
	uint64_t n = MIN(mbuf_get_left(conn->out), (size_t)TX_SIZE);

	if (faults->on[FAULT_OCTET])
		n = MIN(n, (uint64_t)1);
	if (faults->on[FAULT_DROP] && conn->sess)
		n = MIN(n, faults->arg[FAULT_DROP] -
			MIN(conn->sent, (uint64_t)faults->arg[FAULT_DROP]));

	return (size_t)n;
}


/* Called when TCP takes more and nothing of ours waits in libre: so memory
   stays flat however slowly the client reads */
static void send_handler(void *arg)
{
	struct conn *conn = arg;
	struct session *sess = conn->sess;
	struct mbuf mb;
	size_t n;

	if (!mbuf_get_left(conn->out)) {
		mbuf_rewind(conn->out);
		if (sess && sender_fill(sess, conn->out))
			session_end(sess, BY_ERROR, "database");
		conn->out->pos = 0;
	}
	if (!mbuf_get_left(conn->out)) {
		(void)tcp_set_send(conn->tc, NULL);
		return;
	}

	n = piece_size(conn);
	if (!n) {
		(void)tcp_set_send(conn->tc, NULL);
		session_end(sess, BY_ERROR, "drop");
		return;
	}

	mb = *conn->out;
	mb.end = mb.pos + n;
	if (tcp_send(conn->tc, &mb))
		return;
	conn->out->pos += n;
	conn->sent += n;
	if (sess)
		session_alive(sess);
}


/** There may be something to send */
void conn_wake(struct conn *conn)
{
	if (conn && conn->ready)
		(void)tcp_set_send(conn->tc, send_handler);
}


/* The first request says whose connection this is */
static bool bind_session(struct conn *conn, const struct frame *f)
{
	struct session *sess = session_find(conn->pf, &f->to);

	if (!sess || sess->conn || pl_strcmp(&f->met, "SEND"))
		return false;

	if (!relay_from(sess, &f->from)) {
		event("error text=%s", "From-Path is not the path answered");
		return false;
	}

	if (!secure_check(conn->sc, sess))
		return false;

	tmr_cancel(&conn->tmr);
	conn->sess = sess;
	sess->conn = conn;
	return true;
}


static void request_recv(struct conn *conn, const struct frame *f)
{
	const bool first = !conn->sess || conn->sess->route;
	struct session *sess;

	if (!conn->sess && !bind_session(conn, f)) {
		reply(conn, f, 481, "No Such Session");
		return;
	}

	sess = conn->sess;
	if (pl_strcmp(&f->to, sess->path) ||
	    !relay_from(sess, &f->from)) {
		event("error text=%s", "request with another path");
		reply(conn, f, 481, "No Such Session");
		return;
	}

	if (!pl_strcmp(&f->met, "REPORT")) {
		sender_report(sess, f);
		return;
	}
	if (pl_strcmp(&f->met, "SEND")) {
		reply(conn, f, 501, "Unknown Method");
		return;
	}

	if (f->body.l && sess->ordinary) {
		const uint32_t code = chat_recv(sess, f);

		if (code >= 300 || pl_strcasecmp(&f->freport, "partial"))
			reply(conn, f, code, code == 200 ? "OK" : "Refused");
	}
	else if (f->body.l) {
		event("error text=%s", "client sent a message");
		reply(conn, f, 403, "Receive Only");
	}
	else {
		reply(conn, f, 200, "OK");
	}
	if (first && sess->state == SESS_ANSWERED)
		session_estab(sess);
}


static void response_recv(struct conn *conn, const struct frame *f)
{
	struct session *sess = conn->sess;

	if (!sess) {
		event("error text=%s", "answer before any request");
		return;
	}
	if (sess->state == SESS_AUTH) {
		relay_answer(sess, f);
		return;
	}
	if (pl_strcmp(&f->to, sess->path) || pl_strcmp(&f->from, sess->next))
		event("error text=%s", "answer with another path");

	if (pl_strcmp(&f->tid, conn->tid)) {
		sender_answer(sess, f);
		return;
	}

	conn->tid[0] = '\0';
	if (f->code == 200)
		session_estab(sess);
	else
		session_end(sess, BY_ERROR, "bind refused");
}


static int rx_write(struct conn *conn, struct mbuf *mb)
{
	struct mbuf *rx = conn->rx;
	const size_t left = mbuf_get_left(rx);

	if (rx->pos) {
		memmove(rx->buf, mbuf_buf(rx), left);
		rx->end = left;
	}
	rx->pos = rx->end;
	if (mbuf_write_mem(rx, mbuf_buf(mb), mbuf_get_left(mb)))
		return ENOMEM;
	rx->pos = 0;
	return 0;
}


static void recv_handler(struct mbuf *mb, void *arg)
{
	struct conn *conn = arg;
	int err = rx_write(conn, mb);

	while (!err && mbuf_get_left(conn->rx)) {
		struct frame f;
		struct pl pl;
		size_t used;

		pl_set_mbuf(&pl, conn->rx);
		err = frame_decode(&f, &pl, &used);
		if (err == ENODATA && pl.l > RX_MAX)
			err = EBADMSG;
		if (err)
			break;
		conn->rx->pos += used;

		if (conn->sess)
			session_alive(conn->sess);
		if (f.code)
			response_recv(conn, &f);
		else
			request_recv(conn, &f);
	}

	if (err == ENODATA || !err)
		return;

	event("error text=%s", "client does not speak MSRP");
	conn->rx->pos = conn->rx->end;
	if (conn->sess)
		session_end(conn->sess, BY_ERROR, "not MSRP");
	else
		mem_deref(conn);
}


static void estab_handler(void *arg)
{
	struct conn *conn = arg;

	conn->ready = true;
	nodelay_set(conn);

	if (!conn->active)
		return;
	if (!secure_check(conn->sc, conn->sess)) {
		session_end(conn->sess, BY_ERROR, "fingerprint");
		return;
	}

	if (conn->sess->state == SESS_AUTH)
		relay_auth(conn->sess, NULL);
	else
		conn_bind(conn->sess);
}


/** Tell the client whose connection it is */
void conn_bind(struct session *sess)
{
	struct conn *conn = sess->conn;

	token_make(conn->tid, sizeof(conn->tid));
	conn_printf(conn, "MSRP %s SEND\r\n"
		   "To-Path: %s\r\n"
		   "From-Path: %s\r\n"
		   "Message-ID: %s\r\n"
		   "Byte-Range: 1-0/0\r\n"
		   "-------%s$\r\n",
		   conn->tid, sess->to, sess->path,
		   conn->tid, conn->tid);
}


static void close_handler(int err, void *arg)
{
	struct conn *conn = arg;
	struct session *sess = conn->sess;

	mem_deref(conn);
	if (sess)
		session_lost(sess, err);
}


static void tmr_handler(void *arg)
{
	mem_deref(arg);
}


static int conn_alloc(struct conn **cp, struct pf *pf)
{
	struct conn *conn = mem_zalloc(sizeof(*conn), conn_destructor);

	if (!conn)
		return ENOMEM;

	conn->pf = pf;
	conn->rx = mbuf_alloc(1024);
	conn->out = mbuf_alloc(1024);
	list_append(&pf->connl, &conn->le, conn);
	if (!conn->rx || !conn->out) {
		mem_deref(conn);
		return ENOMEM;
	}

	*cp = conn;
	return 0;
}


/** Connect, with TLS if there is one. @return 0; errno */
int conn_open(struct session *sess, const struct sa *addr, struct tls *tls)
{
	struct conn *conn;
	int err;

	err = conn_alloc(&conn, sess->pf);
	if (err)
		return err;

	conn->active = true;
	conn->sess = sess;
	sess->conn = conn;

	err = tcp_connect(&conn->tc, addr, estab_handler, recv_handler,
			  close_handler, conn);
	if (!err)
		err = tls ? tls_start_tcp(&conn->sc, tls, conn->tc, 0)
			: secure_start(&conn->sc, sess->pf, conn->tc);
	if (err)
		mem_deref(conn);
	else
		tcp_conn_rxsz_set(conn->tc, RX_SIZE);
	return err;
}


static void connect_handler(const struct sa *peer, void *arg)
{
	struct pf *pf = arg;
	struct conn *conn;
	(void)peer;

	if (conn_alloc(&conn, pf)) {
		tcp_reject(pf->ts);
		return;
	}

	if (tcp_accept(&conn->tc, pf->ts, estab_handler, recv_handler,
		       close_handler, conn)) {
		tcp_reject(pf->ts);
		mem_deref(conn);
		return;
	}
	if (secure_start(&conn->sc, pf, conn->tc)) {
		mem_deref(conn);
		return;
	}

	tcp_conn_rxsz_set(conn->tc, RX_SIZE);
	tmr_start(&conn->tmr, BIND_WAIT, tmr_handler, conn);
}


/** Listen for MSRP where SIP does, on a port that the system chooses.
    @return 0; errno */
int msrp_listen(struct pf *pf)
{
	struct sa sa = pf->laddr;
	int err;

	sa_set_port(&sa, 0);
	err = tcp_listen(&pf->ts, &sa, connect_handler, pf);
	if (err)
		return err;

	return tcp_local_get(pf->ts, &pf->maddr);
}
