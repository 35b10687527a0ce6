/**
 * @file watch.c  What a peer may cost us: connections without a session,
 * requests that stand still, octets that are kept undecoded
 *
 * A request that takes too long ends the whole connection, for what comes
 * behind it cannot be told from it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


/* An address with connections that belong to no session yet: each of them
   holds a reference */
struct msrp_addr {
	struct le he;             /* of msrp->addrh                         */
	struct sa sa;
};


static void addr_destructor(void *arg)
{
	struct msrp_addr *addr = arg;

	hash_unlink(&addr->he);
}


static bool addr_cmp(struct le *le, void *arg)
{
	const struct msrp_addr *addr = le->data;

	return sa_cmp(&addr->sa, arg, SA_ADDR);
}


static struct msrp_addr *addr_find(const struct msrp *msrp,
				   const struct sa *sa)
{
	return list_ledata(hash_lookup(msrp->addrh, sa_hash(sa, SA_ADDR),
				       addr_cmp, (void *)sa));
}


/**
 * May one more connection come from there?
 */
bool msrp_watch_room(const struct msrp *msrp, const struct sa *peer)
{
	if (msrp->unboundc >= MSRP_CONN_MAX)
		return false;

	/* none: 0 references */
	return mem_nrefs(addr_find(msrp, peer)) < MSRP_CONN_ADDR_MAX;
}


static void bind_handler(void *arg)
{
	struct msrp_conn *conn = arg;

	/* the session's life bounds the wait for its start */
	if (conn->hold)
		msrp_wait_start(&conn->wait_bind, &conn->msrp->bindq,
				bind_handler, conn);
	else
		msrp_conn_end(conn, ETIMEDOUT);
}


/**
 * A connection was accepted: its first request has to come, and soon
 */
int msrp_watch_unbound(struct msrp_conn *conn, const struct sa *peer)
{
	struct msrp *msrp = conn->msrp;
	struct msrp_addr *addr = mem_ref(addr_find(msrp, peer));

	if (!addr) {
		addr = mem_zalloc(sizeof(*addr), addr_destructor);
		if (!addr)
			return ENOMEM;

		addr->sa = *peer;
		hash_append(msrp->addrh, sa_hash(peer, SA_ADDR), &addr->he,
			    addr);
	}

	conn->addr = addr;
	++msrp->unboundc;
	msrp_wait_start(&conn->wait_bind, &msrp->bindq, bind_handler, conn);

	return 0;
}


/**
 * It has a session now, or goes
 */
void msrp_watch_bound(struct msrp_conn *conn)
{
	if (!conn->addr)
		return;

	conn->addr = mem_deref(conn->addr);
	--conn->msrp->unboundc;
	msrp_wait_cancel(&conn->wait_bind);
}


static void still_handler(void *arg)
{
	struct msrp_conn *conn = arg;

	/* it is us who do not read: the wait begins anew when we do */
	if (!conn->stopped)
		msrp_conn_end(conn, ETIME);
}


/* A head has its time from its first octet on, however it drips; a body may
   take as long as it likes while it moves. Not while we do not read. */
static void watch_request(struct msrp_conn *conn)
{
	struct msrp *msrp = conn->msrp;

	if (conn->stopped)
		msrp_wait_cancel(&conn->wait_req);
	else if (conn->state == CONN_BODY)
		msrp_wait_start(&conn->wait_req, &msrp->stallq, still_handler,
				conn);
	else if (!conn->rest)
		msrp_wait_cancel(&conn->wait_req);
	else if (!msrp_wait_is(&conn->wait_req, &msrp->headq))
		msrp_wait_start(&conn->wait_req, &msrp->headq, still_handler,
				conn);
}


/**
 * So many octets have been read in one go. libre takes a buffer as large as
 * the largest read for each: a peer that drips must not cost that.
 */
void msrp_watch_read(struct msrp_conn *conn, size_t n)
{
	uint32_t size = conn->rxsz;

	/* before there is a session it stays small */
	if (conn->addr)
		return;

	if (n >= size)
		size = min(size * 4, (uint32_t)RX_SIZE);
	else if (n < size / 8)
		size = max(size / 2, (uint32_t)RX_FIRST);
	if (size == conn->rxsz)
		return;

	conn->rxsz = size;
	tcp_conn_rxsz_set(conn->tc, size);
}


static void watch_count(struct msrp_conn *conn, size_t kept)
{
	conn->msrp->buffered += kept - conn->kept;
	conn->kept = kept;
}


/**
 * What was read is decoded as far as it goes: is the rest within limits?
 *
 * @return 0; ENOBUFS: no room for what is undecoded
 */
int msrp_watch_decoded(struct msrp_conn *conn)
{
	const struct mbuf *rest = conn->rest;
	const struct mbuf *head = conn->ch ? conn->ch->hmb : NULL;

	watch_request(conn);
	watch_count(conn, (rest ? rest->size : 0) + (head ? head->size : 0));

	/* who keeps nothing is not to blame */
	return conn->kept && conn->msrp->buffered > conn->msrp->conf.buffer_max
		? ENOBUFS : 0;
}


/**
 * Octets after which a connection that has to wait is not read any more
 */
size_t msrp_watch_hold(const struct msrp *msrp)
{
	return msrp->buffered > msrp->conf.buffer_max / 2 ? 1 : HOLD_SIZE;
}


/**
 * The connection goes
 */
void msrp_watch_end(struct msrp_conn *conn)
{
	msrp_watch_bound(conn);
	msrp_wait_cancel(&conn->wait_bind);
	msrp_wait_cancel(&conn->wait_req);
	watch_count(conn, 0);
}
