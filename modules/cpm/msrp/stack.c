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
	mem_deref(msrp->sessh);
	mem_deref(msrp->txh);
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
	if (!msrp->conf.max_size)
		msrp->conf.max_size = MAX_SIZE;
	if (!msrp->conf.trans_timeout)
		msrp->conf.trans_timeout = TRANS_TIMEOUT;

	err = hash_alloc(&msrp->sessh, SESS_HASH);
	if (err)
		mem_deref(msrp);
	else
		*mp = msrp;

	return err;
}


static void accept_handler(struct msrp *msrp, struct tcp_sock *ts)
{
	if (msrp->unboundc >= MSRP_CONN_MAX || msrp_conn_accept(msrp, ts))
		tcp_reject(ts);
}


static void conn4_handler(const struct sa *peer, void *arg)
{
	struct msrp *msrp = arg;
	(void)peer;

	accept_handler(msrp, msrp->tsv[0]);
}


static void conn6_handler(const struct sa *peer, void *arg)
{
	struct msrp *msrp = arg;
	(void)peer;

	accept_handler(msrp, msrp->tsv[1]);
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
