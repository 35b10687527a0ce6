/**
 * @file tcp.c  TCP without a network
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "../fuzz.h"
#include "fake.h"


enum {
	TXQ_MAX  = 524288,  /* libre's default                              */
	RXSZ     = 8192,
	FD_FIRST = 100000,  /* no descriptor that is open                   */
	PORT     = 7000,
	TRIES    = 64,      /* turns that memory may fail to be there       */
};

struct tcp_sock {
	struct tcp_sock *next;
	tcp_conn_h *connh;
	void *arg;
	struct sa laddr;
	bool listening;
	struct fake_conn *pending;
};

struct tcp_conn {
	struct fake_conn *fc;
	tcp_estab_h *estabh;
	tcp_recv_h *recvh;
	tcp_close_h *closeh;
	tcp_send_h *sendh;
	void *arg;
	struct mbuf *sendq;   /* what the far end does not take             */
	struct sa peer;
	size_t rxsz, txmax;
	int fd;               /* -1: closed                                 */
	int poll;             /* FD_READ, FD_WRITE                          */
	bool connected;
};

static struct tcp_sock *sockl;
static struct fake_conn *connl;
static int fd_last, send_err, connect_err;
static uint16_t port_last;


void fake_open(void)
{
	fake_tmr_reset();
	fake_rand_reset();
	fake_mem_fail(0, false);
	fake_mem_hold(false);
	CHECK(!fake_mem_blocks());
	fd_last = FD_FIRST;
	port_last = PORT;
	send_err = connect_err = 0;
}


void fake_close(void)
{
	CHECK(!sockl);
	CHECK(!fake_tmr_count());
	CHECK(!fake_mem_blocks() && !fake_mem_bytes());
	while (connl) {
		struct fake_conn *fc = connl;

		CHECK(!fc->tc);
		connl = fc->next;
		free(fc->in);
		free(fc->out);
		free(fc);
	}
}


void fake_fail_send(int err)
{
	send_err = err;
}


void fake_fail_connect(int err)
{
	connect_err = err;
}


static void append(uint8_t **v, size_t *l, size_t *s, const void *p,
		   size_t len)
{
	if (!len)
		return;

	if (*l + len > *s) {
		*s = 2 * (*l + len);
		*v = realloc(*v, *s);
		CHECK(*v != NULL);
	}
	memcpy(*v + *l, p, len);
	*l += len;
}


static struct fake_conn *fc_alloc(void)
{
	struct fake_conn *fc = calloc(1, sizeof(*fc));
	struct fake_conn **p = &connl;

	CHECK(fc != NULL);
	fc->mtu = 65536;
	while (*p)
		p = &(*p)->next;
	*p = fc;

	return fc;
}


/*
 * Listening
 */

static void sock_destructor(void *arg)
{
	struct tcp_sock *ts = arg, **p = &sockl;

	while (*p && *p != ts)
		p = &(*p)->next;
	if (*p)
		*p = ts->next;
	if (ts->pending)
		ts->pending->closed = true;
}


int tcp_sock_alloc(struct tcp_sock **tsp, const struct sa *local,
		   tcp_conn_h *ch, void *arg)
{
	struct tcp_sock *ts = mem_zalloc(sizeof(*ts), sock_destructor);

	(void)local;
	if (!ts)
		return ENOMEM;

	ts->connh = ch;
	ts->arg = arg;
	ts->next = sockl;
	sockl = ts;
	*tsp = ts;

	return 0;
}


int tcp_sock_bind(struct tcp_sock *ts, const struct sa *local)
{
	ts->laddr = *local;
	if (!sa_port(&ts->laddr))
		sa_set_port(&ts->laddr, ++port_last);

	return 0;
}


int tcp_sock_listen(struct tcp_sock *ts, int backlog)
{
	(void)backlog;
	ts->listening = true;

	return 0;
}


int tcp_listen(struct tcp_sock **tsp, const struct sa *local,
	       tcp_conn_h *ch, void *arg)
{
	int err = tcp_sock_alloc(tsp, local, ch, arg);

	if (!err)
		err = tcp_sock_bind(*tsp, local);

	return err ? err : tcp_sock_listen(*tsp, 5);
}


int tcp_sock_local_get(const struct tcp_sock *ts, struct sa *local)
{
	*local = ts->laddr;

	return 0;
}


int tcp_local_get(const struct tcp_sock *ts, struct sa *local)
{
	return tcp_sock_local_get(ts, local);
}


struct fake_conn *fake_dial(uint16_t port)
{
	struct fake_conn *fc;
	struct tcp_sock *ts;
	struct sa peer;

	for (ts = sockl; ts; ts = ts->next) {
		if (ts->listening && sa_port(&ts->laddr) == port)
			break;
	}
	if (!ts)
		return NULL;

	fc = fc_alloc();
	fc->estab = fc->claimed = true;
	ts->pending = fc;
	(void)sa_set_str(&peer, "192.0.2.9", ++port_last);
	ts->connh(&peer, ts->arg);
	CHECK(fc->tc || fc->closed);

	return fc;
}


void tcp_reject(struct tcp_sock *ts)
{
	if (ts->pending)
		ts->pending->closed = true;
	ts->pending = NULL;
}


/*
 * Connections
 */

static void conn_destructor(void *arg)
{
	struct tcp_conn *tc = arg;

	tc->fc->tc = NULL;
	tc->fc->closed = true;
	mem_deref(tc->sendq);
}


static struct tcp_conn *conn_alloc(struct fake_conn *fc, tcp_estab_h *eh,
				   tcp_recv_h *rh, tcp_close_h *ch, void *arg)
{
	struct tcp_conn *tc = mem_zalloc(sizeof(*tc), conn_destructor);

	if (!tc)
		return NULL;

	tc->fc = fc;
	tc->estabh = eh;
	tc->recvh = rh;
	tc->closeh = ch;
	tc->arg = arg;
	tc->fd = ++fd_last;
	tc->rxsz = RXSZ;
	tc->txmax = TXQ_MAX;
	tc->poll = FD_READ | FD_WRITE;
	(void)sa_set_str(&tc->peer, "192.0.2.9", 9999);
	fc->tc = tc;

	return tc;
}


int tcp_accept(struct tcp_conn **tcp, struct tcp_sock *ts, tcp_estab_h *eh,
	       tcp_recv_h *rh, tcp_close_h *ch, void *arg)
{
	if (!ts->pending)
		return EINVAL;

	*tcp = conn_alloc(ts->pending, eh, rh, ch, arg);
	if (!*tcp)
		return ENOMEM;
	ts->pending = NULL;

	return 0;
}


int tcp_conn_alloc(struct tcp_conn **tcp, const struct sa *peer,
		   tcp_estab_h *eh, tcp_recv_h *rh, tcp_close_h *ch,
		   void *arg)
{
	struct fake_conn *fc = fc_alloc();

	fc->active = true;
	*tcp = conn_alloc(fc, eh, rh, ch, arg);
	if (!*tcp) {
		fc->closed = fc->claimed = true;
		return ENOMEM;
	}
	(*tcp)->peer = *peer;

	return 0;
}


int tcp_conn_bind(struct tcp_conn *tc, const struct sa *local)
{
	(void)tc;
	(void)local;

	return 0;
}


int tcp_conn_connect(struct tcp_conn *tc, const struct sa *peer)
{
	const int err = connect_err;

	(void)tc;
	(void)peer;
	connect_err = 0;

	return err;
}


int tcp_connect(struct tcp_conn **tcp, const struct sa *peer,
		tcp_estab_h *eh, tcp_recv_h *rh, tcp_close_h *ch, void *arg)
{
	struct tcp_conn *tc;
	int err;

	err = tcp_conn_alloc(&tc, peer, eh, rh, ch, arg);
	if (err)
		return err;

	err = tcp_conn_connect(tc, peer);
	if (err)
		mem_deref(tc);
	else
		*tcp = tc;

	return err;
}


struct fake_conn *fake_dialled(void)
{
	struct fake_conn *fc;

	for (fc = connl; fc && (fc->claimed || !fc->tc); fc = fc->next)
		;
	if (fc)
		fc->claimed = true;

	return fc;
}


void tcp_set_handlers(struct tcp_conn *tc, tcp_estab_h *eh, tcp_recv_h *rh,
		      tcp_close_h *ch, void *arg)
{
	if (!tc)
		return;

	tc->estabh = eh;
	tc->recvh = rh;
	tc->closeh = ch;
	tc->arg = arg;
}


void tcp_conn_rxsz_set(struct tcp_conn *tc, size_t rxsz)
{
	tc->rxsz = rxsz;
}


void tcp_conn_txqsz_set(struct tcp_conn *tc, size_t txqsz)
{
	tc->txmax = txqsz;
}


size_t tcp_conn_txqsz(const struct tcp_conn *tc)
{
	return tc && tc->sendq ? mbuf_get_left(tc->sendq) : 0;
}


int tcp_conn_local_get(const struct tcp_conn *tc, struct sa *local)
{
	(void)tc;

	return sa_set_str(local, "192.0.2.1", PORT);
}


int tcp_conn_peer_get(const struct tcp_conn *tc, struct sa *peer)
{
	*peer = tc->peer;

	return 0;
}


int tcp_conn_fd(const struct tcp_conn *tc)
{
	return tc ? tc->fd : -1;
}


int fd_listen(int fd, int flags, fd_h *fh, void *arg)
{
	struct fake_conn *fc;

	(void)fh;
	(void)arg;
	for (fc = connl; fc; fc = fc->next) {
		if (fc->tc && fd >= 0 && fc->tc->fd == fd)
			fc->tc->poll = flags;
	}

	return 0;
}


void fd_close(int fd)
{
	(void)fd_listen(fd, 0, NULL, NULL);
}


static int enqueue(struct tcp_conn *tc, const struct mbuf *mb)
{
	const size_t left = mbuf_get_left(mb), end = tcp_conn_txqsz(tc);
	size_t pos;
	int err;

	if (end + left > tc->txmax)
		return ENOSPC;
	if (!end && !tc->sendh)
		tc->poll = FD_READ | FD_WRITE;

	if (!tc->sendq) {
		tc->sendq = mbuf_alloc(left);
		if (!tc->sendq)
			return ENOMEM;
	}

	pos = tc->sendq->pos;
	tc->sendq->pos = tc->sendq->end;
	err = mbuf_write_mem(tc->sendq, mbuf_buf(mb), left);
	tc->sendq->pos = pos;

	return err;
}


int tcp_send(struct tcp_conn *tc, struct mbuf *mb)
{
	struct fake_conn *fc;
	int err;

	if (!tc || !mb)
		return EINVAL;
	if (tc->fd < 0)
		return ENOTCONN;

	CHECK(mbuf_get_left(mb) > 0);
	fc = tc->fc;
	err = send_err;
	send_err = 0;
	if (err)
		return err;
	if (fc->stuck || !fc->estab || tcp_conn_txqsz(tc))
		return enqueue(tc, mb);

	append(&fc->out, &fc->outl, &fc->outs, mbuf_buf(mb),
	       mbuf_get_left(mb));

	return 0;
}


int tcp_set_send(struct tcp_conn *tc, tcp_send_h *sendh)
{
	if (!tc)
		return EINVAL;

	tc->sendh = sendh;
	if (sendh && !tcp_conn_txqsz(tc))
		tc->poll = FD_READ | FD_WRITE;

	return 0;
}


/*
 * What the far end and the loop do
 */

void fake_establish(struct fake_conn *fc)
{
	fc->estab = true;
}


static void conn_close(struct tcp_conn *tc, int err)
{
	tc->sendq = mem_deref(tc->sendq);
	tc->fd = -1;
	tc->poll = 0;
	if (tc->closeh)
		tc->closeh(err, tc->arg);
}


void fake_refuse(struct fake_conn *fc, int err)
{
	if (fc->tc && !fc->estab && fc->tc->fd >= 0)
		conn_close(fc->tc, err);
}


void fake_write(struct fake_conn *fc, const void *p, size_t len)
{
	if (!fc->eof && !fc->closed)
		append(&fc->in, &fc->inl, &fc->ins, p, len);
}


void fake_eof(struct fake_conn *fc, int err)
{
	fc->eof = true;
	fc->err = err;
}


/* Writable: what waits, or the one who waits for it. @return as fake_turn() */
static bool writable(struct tcp_conn *tc)
{
	struct fake_conn *fc = tc->fc;
	struct mbuf *q = tc->sendq;

	if (!tc->connected) {
		tc->connected = true;
		tc->poll = FD_READ;
		if (tc->estabh)
			tc->estabh(tc->arg);
		return true;
	}

	if (q && mbuf_get_left(q)) {
		append(&fc->out, &fc->outl, &fc->outs, mbuf_buf(q),
		       mbuf_get_left(q));
		tc->sendq = mem_deref(q);
	}
	else if (tc->sendh) {
		tc->sendh(tc->arg);
	}

	tc = fc->tc;
	if (tc && tc->fd >= 0 && !tcp_conn_txqsz(tc) && !tc->sendh)
		tc->poll = FD_READ;

	return true;
}


static bool readable(struct tcp_conn *tc)
{
	struct fake_conn *fc = tc->fc;
	size_t n = min(fc->inl - fc->ino, tc->rxsz);
	struct mbuf *mb;

	n = min(n, fc->mtu);
	if (fc->eof && fc->err) {
		/* a reset overtakes what was sent */
		conn_close(tc, fc->err);
		return true;
	}
	if (!n) {
		if (!fc->eof)
			return false;
		conn_close(tc, 0);
		return true;
	}

	mb = mbuf_alloc(n);
	if (!mb)
		return true;

	memcpy(mb->buf, fc->in + fc->ino, n);
	mb->end = n;
	fc->ino += n;
	if (tc->recvh)
		tc->recvh(mb, tc->arg);
	mem_deref(mb);

	return true;
}


bool fake_turn(void)
{
	struct fake_conn *fc;
	bool did = false;

	for (fc = connl; fc; fc = fc->next) {
		if (!fc->tc || fc->tc->fd < 0 || !fc->estab)
			continue;

		/* the first event is that it is there; then both in one turn:
		   first what can be written */
		if (!fc->tc->connected) {
			did |= writable(fc->tc);
			continue;
		}
		if (fc->tc->poll & FD_WRITE && !fc->stuck)
			did |= writable(fc->tc);
		if (fc->tc && fc->tc->fd >= 0 && fc->tc->poll & FD_READ)
			did |= readable(fc->tc);
	}

	return fake_tmr_poll() || did;
}
