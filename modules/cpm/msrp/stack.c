/**
 * @file stack.c  The MSRP stack: its listeners and what it knows
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


enum {
	BACKLOG = 128,   /* connections that come in one turn               */
};


static void destructor(void *arg)
{
	struct msrp *msrp = arg;

	/* sessions hold the stack: only connections without one are left */
	while (msrp->connl.head)
		msrp_conn_end(msrp->connl.head->data, 0);

	mem_deref(msrp->lsnv[0][0].ts);
	mem_deref(msrp->lsnv[0][1].ts);
	mem_deref(msrp->lsnv[1][0].ts);
	mem_deref(msrp->lsnv[1][1].ts);
	if (msrp->conf.tls)
		msrp_tls_close(msrp);
	mem_deref(msrp->conf.tls);
	msrp_queue_close(&msrp->idleq);
	msrp_queue_close(&msrp->bindq);
	msrp_queue_close(&msrp->headq);
	msrp_queue_close(&msrp->stallq);
	mem_deref(msrp->addrh);
	mem_deref(msrp->rxh);
	mem_deref(msrp->spare);
	mem_deref(msrp->sessh);
	mem_deref(msrp->txh);
}


static void conf_default(struct msrp_conf *conf)
{
	if (!conf->max_size)
		conf->max_size = MAX_SIZE;
	if (!conf->trans_timeout)
		conf->trans_timeout = TRANS_TIMEOUT;
	if (!conf->head_timeout)
		conf->head_timeout = HEAD_TIMEOUT;
	if (!conf->stall_timeout)
		conf->stall_timeout = STALL_TIMEOUT;
	if (!conf->dead_timeout)
		conf->dead_timeout = DEAD_TIMEOUT;
	if (!conf->buffer_max)
		conf->buffer_max = BUFFER_MAX;
}


int msrp_alloc(struct msrp **mp, const struct msrp_conf *conf)
{
	struct msrp *msrp;
	int err;

	if (!mp)
		return EINVAL;

	msrp = mem_zalloc(sizeof(*msrp), destructor);
	if (!msrp)
		return ENOMEM;

	if (conf)
		msrp->conf = *conf;
	mem_ref(msrp->conf.tls);
	conf_default(&msrp->conf);
	msrp_queue_init(&msrp->idleq, msrp, msrp->conf.idle_timeout);
	msrp_queue_init(&msrp->bindq, msrp, msrp->conf.trans_timeout);
	msrp_queue_init(&msrp->headq, msrp, msrp->conf.head_timeout);
	msrp_queue_init(&msrp->stallq, msrp, msrp->conf.stall_timeout);

	err = hash_alloc(&msrp->sessh, SESS_HASH);
	if (!err)
		err = hash_alloc(&msrp->rxh, RX_HASH);
	if (!err)
		err = hash_alloc(&msrp->addrh, ADDR_HASH);
	if (!err && msrp->conf.tls)
		err = msrp_tls_open(msrp);
	if (err)
		mem_deref(msrp);
	else
		*mp = msrp;

	return err;
}


static void conn_handler(const struct sa *peer, void *arg)
{
	struct listener *lsn = arg;
	struct msrp *msrp = lsn->msrp;

	if (!msrp_watch_room(msrp, peer) ||
	    msrp_conn_accept(msrp, lsn->ts, lsn->tls, peer))
		tcp_reject(lsn->ts);
}


/* Where to listen. The port that is configured is that of TCP, the next one
   that of TLS, as SIP has it in the softphone. */
static void listen_addr(struct sa *laddr, const struct msrp *msrp, int af,
			bool tls)
{
	const struct sa *want = &msrp->conf.laddr;
	const uint16_t port = sa_port(want);

	/* an address of the other family says nothing for this one */
	if (sa_af(want) == af)
		*laddr = *want;
	else
		(void)sa_set_str(laddr, af == AF_INET6 ? "::" : "0.0.0.0", 0);

	if (tls && sa_af(want) == af && port)
		sa_set_port(laddr, (uint16_t)(port + 1));
}


static int listener_start(struct listener *lsn, const struct sa *laddr)
{
	struct tcp_sock *ts = NULL;
	int err;

	err = tcp_sock_alloc(&ts, laddr, conn_handler, lsn);
	if (!err)
		err = tcp_sock_bind(ts, laddr);
	if (!err)
		err = tcp_sock_listen(ts, BACKLOG);
	if (err)
		mem_deref(ts);
	else
		lsn->ts = ts;

	return err;
}


/**
 * Make sure that the stack listens
 *
 * @param port Set to the listener's port
 */
int msrp_listen(struct msrp *msrp, int af, bool tls, uint16_t *port)
{
	struct listener *lsn = &msrp->lsnv[af == AF_INET6][tls];
	struct sa laddr;
	int err = 0;

	lsn->msrp = msrp;
	lsn->tls  = tls;
	if (!lsn->ts) {
		listen_addr(&laddr, msrp, af, tls);
		err = listener_start(lsn, &laddr);
	}
	if (!err)
		err = tcp_sock_local_get(lsn->ts, &laddr);
	if (!err)
		*port = sa_port(&laddr);

	return err;
}
