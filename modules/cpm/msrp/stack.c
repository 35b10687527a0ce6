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

	mem_deref(msrp->tsv[0]);
	mem_deref(msrp->tsv[1]);
	msrp_queue_close(&msrp->idleq);
	msrp_queue_close(&msrp->bindq);
	msrp_queue_close(&msrp->headq);
	msrp_queue_close(&msrp->stallq);
	mem_deref(msrp->addrh);
	mem_deref(msrp->rxh);
	mem_deref(msrp->sessh);
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
	if (err)
		mem_deref(msrp);
	else
		*mp = msrp;

	return err;
}


static void accept_handler(struct msrp *msrp, struct tcp_sock *ts,
			   const struct sa *peer)
{
	if (!msrp_watch_room(msrp, peer) || msrp_conn_accept(msrp, ts, peer))
		tcp_reject(ts);
}


static void conn4_handler(const struct sa *peer, void *arg)
{
	struct msrp *msrp = arg;

	accept_handler(msrp, msrp->tsv[0], peer);
}


static void conn6_handler(const struct sa *peer, void *arg)
{
	struct msrp *msrp = arg;

	accept_handler(msrp, msrp->tsv[1], peer);
}


/**
 * Make sure that the stack listens
 *
 * @param port Set to the listener's port
 */
int msrp_listen(struct msrp *msrp, int af, uint16_t *port)
{
	const int i = af == AF_INET6;
	struct tcp_sock *ts = NULL;
	struct sa laddr;
	int err;

	if (!msrp->tsv[i]) {
		/* an address of the other family says nothing for this one */
		if (sa_af(&msrp->conf.laddr) == af)
			laddr = msrp->conf.laddr;
		else
			(void)sa_set_str(&laddr, i ? "::" : "0.0.0.0", 0);

		err = tcp_sock_alloc(&ts, &laddr,
				     i ? conn6_handler : conn4_handler, msrp);
		if (err)
			return err;
		err = tcp_sock_bind(ts, &laddr);
		if (err)
			goto out;
		err = tcp_sock_listen(ts, BACKLOG);
		if (err)
			goto out;

		msrp->tsv[i] = mem_ref(ts);
	}

	err = tcp_sock_local_get(msrp->tsv[i], &laddr);
	if (!err)
		*port = sa_port(&laddr);

 out:
	mem_deref(ts);

	return err;
}
