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
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "net.h"


enum {
	RX_MAX    = 65536,       /* of one frame; where more may come, a body
				    is taken as it comes                    */
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
	struct mbuf *head;       /* of the chunk whose body comes, or NULL  */
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
	mem_deref(conn->head);
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


/* Whose it is. Answers it if it is nobody's */
static bool request_bind(struct conn *conn, const struct frame *f)
{
	struct session *sess;

	if (!conn->sess && !bind_session(conn, f)) {
		reply(conn, f, 481, "No Such Session");
		return false;
	}

	sess = conn->sess;
	if (!pl_strcmp(&f->to, sess->path) && relay_from(sess, &f->from))
		return true;

	event("error text=%s", "request with another path");
	reply(conn, f, 481, "No Such Session");
	return false;
}


/* RFC 4975, 7.1.2 */
static void report(struct conn *conn, const struct frame *f, uint64_t total)
{
	char tid[17];

	if (pl_strcasecmp(&f->sreport, "yes") || !total)
		return;

	token_make(tid, sizeof(tid));
	conn_printf(conn, "MSRP %s REPORT\r\n"
		    "To-Path: %r\r\n"
		    "From-Path: %r\r\n"
		    "Message-ID: %r\r\n"
		    "Byte-Range: 1-%llu/%llu\r\n"
		    "Status: 000 200 OK\r\n"
		    "-------%s$\r\n", tid, &f->from, &f->to, &f->mid, total,
		    total, tid);
}


/* The rest of a chunk that a client sends to who is not here */
static void chunk_end(struct conn *conn, const struct frame *f, char flag)
{
	uint64_t total;
	const uint32_t code = inbox_end(conn->sess->take->inbox, f, flag,
					&total);

	if (code >= 300 || pl_strcasecmp(&f->freport, "partial"))
		reply(conn, f, code, code == 200 ? "OK" : "Refused");
	if (code == 200)
		report(conn, f, total);
}


static void request_recv(struct conn *conn, const struct frame *f)
{
	const bool first = !conn->sess || conn->sess->route;
	struct session *sess;

	if (!request_bind(conn, f))
		return;
	sess = conn->sess;

	if (!pl_strcmp(&f->met, "REPORT")) {
		sender_report(sess, f);
		return;
	}
	if (pl_strcmp(&f->met, "SEND")) {
		reply(conn, f, 501, "Unknown Method");
		return;
	}

	if (f->body.l && sess->take) {
		inbox_begin(sess->take->inbox, f);
		inbox_data(sess->take->inbox, (const uint8_t *)f->body.p,
			   f->body.l);
		chunk_end(conn, f, f->flag);
	}
	else if (f->body.l && sess->ordinary) {
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


/* A chunk whose end is not there yet: take what is, whatever its size.
   @return 0; ENODATA; EBADMSG: it is for nobody who would have it */
static int chunk_begin(struct conn *conn, const struct pl *pl)
{
	const bool first = !conn->sess || conn->sess->route;
	struct frame f;
	struct mbuf *mb;
	size_t used;
	struct pl head;
	int err;

	if (conn->sess && !conn->sess->take)
		return ENODATA;
	err = frame_head(&f, pl, &used);
	if (err)
		return err;
	if (pl_strcmp(&f.met, "SEND") || !request_bind(conn, &f))
		return EBADMSG;
	if (!conn->sess->take)
		return ENODATA;

	mb = mbuf_alloc(used);
	if (!mb)
		return ENOMEM;
	(void)mbuf_write_mem(mb, (const uint8_t *)pl->p, used);
	mb->pos = 0;
	conn->head = mb;
	conn->rx->pos += used;
	pl_set_mbuf(&head, mb);
	(void)frame_head(&f, &head, &used);
	inbox_begin(conn->sess->take->inbox, &f);
	if (first && conn->sess->state == SESS_ANSWERED)
		session_estab(conn->sess);

	return 0;
}


/* The end-line in what has come, or NULL */
static const char *end_find(const struct pl *pl, const char *end, size_t n)
{
	const char *p = pl->p, *last = pl->p + pl->l;

	while ((p = memmem(p, (size_t)(last - p), end, n))) {
		const char *q = p + n;

		if (last - q >= 3 && strchr("$+#", *q) && q[1] == '\r' &&
		    q[2] == '\n')
			return p;
		++p;
	}

	return NULL;
}


/* More of a chunk. @return 0: its end was there; ENODATA */
static int chunk_recv(struct conn *conn)
{
	struct inbox *in = conn->sess->take->inbox;
	struct pl head, pl;
	struct frame f;
	const char *p;
	char end[48];
	size_t used, n;

	pl_set_mbuf(&head, conn->head);
	(void)frame_head(&f, &head, &used);
	n = (size_t)re_snprintf(end, sizeof(end), "\r\n-------%r", &f.tid);

	pl_set_mbuf(&pl, conn->rx);
	p = end_find(&pl, end, n);
	/* the last octets may be the beginning of it */
	used = p ? (size_t)(p - pl.p) : pl.l - MIN(pl.l, n + 2);
	inbox_data(in, (const uint8_t *)pl.p, used);
	conn->rx->pos += used;
	if (!p)
		return ENODATA;

	chunk_end(conn, &f, p[n]);
	conn->rx->pos += n + 3;
	conn->head = mem_deref(conn->head);
	return 0;
}


/* What came is on the disk before it is answered: the answers wait in out */
static void commit(struct conn *conn)
{
	struct session *sess = conn->sess;

	if (!sess || !sess->take || !inbox_commit(sess->take->inbox))
		return;

	conn->out->end = conn->out->pos;
	session_end(sess, BY_ERROR, "database");
}


static void recv_handler(struct mbuf *mb, void *arg)
{
	struct conn *conn = arg;
	int err = rx_write(conn, mb);

	while (!err && mbuf_get_left(conn->rx)) {
		struct frame f;
		struct pl pl;
		size_t used;

		if (conn->head) {
			err = chunk_recv(conn);
			continue;
		}
		pl_set_mbuf(&pl, conn->rx);
		err = frame_decode(&f, &pl, &used);
		if (err == ENODATA && conn->pf->opt.network) {
			err = chunk_begin(conn, &pl);
			if (!err)
				continue;
		}
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

	commit(conn);
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
