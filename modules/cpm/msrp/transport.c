/**
 * @file transport.c  What carries a connection's octets: TCP or TLS
 *
 * The only file that starts, reads, sends on and closes libre's connections.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


static int transport_start(struct msrp_conn *conn, bool tls)
{
	cpm_tcp_nodelay(conn->tc);
	cpm_tcp_alive(conn->tc, conn->msrp->conf.dead_timeout);
	conn->rxsz = RX_FIRST;
	tcp_conn_rxsz_set(conn->tc, RX_FIRST);

	conn->tls = tls;
	if (!tls)
		return 0;

	return tls_start_tcp(&conn->sc, conn->msrp->conf.tls, conn->tc, 0);
}


/**
 * Take an incoming connection
 *
 * @return 0; ENOMEM; errno
 */
int msrp_transport_accept(struct msrp_conn *conn, struct tcp_sock *ts,
			  bool tls, tcp_estab_h *estabh, tcp_recv_h *recvh,
			  tcp_close_h *closeh)
{
	int err = tcp_accept(&conn->tc, ts, estabh, recvh, closeh, conn);

	return err ? err : transport_start(conn, tls);
}


/**
 * Connect; estabh tells when octets may be sent. The peer's certificate is to
 * be looked at first: msrp_transport_check()
 *
 * @param host TLS, to the host of this name; NULL: plain
 *
 * @return 0; ENOMEM; errno of connect
 */
int msrp_transport_connect(struct msrp_conn *conn, const struct sa *addr,
			   const char *host, tcp_estab_h *estabh,
			   tcp_recv_h *recvh, tcp_close_h *closeh)
{
	int err = tcp_connect(&conn->tc, addr, estabh, recvh, closeh, conn);

	if (!err)
		err = transport_start(conn, host != NULL);
	if (err || !host)
		return err;

	/* a name that is none does no harm if there is a fingerprint */
	conn->checkable = !msrp_tls_expect(conn->sc, host);

	return 0;
}


/**
 * Is the peer who it is to be? (RFC 4975, 14.4; RFC 8122, 6.2). A fingerprint
 * must match. Without one a CA has to vouch for the certificate and for its
 * host name.
 *
 * @param fp What the peer has told, or a CA (msrp_fp_vouch()); NULL: nothing
 *
 * @return 0, for what is not TLS as well; EKEYREJECTED: other fingerprint;
 *         EACCES: not trusted, or other host; ENOKEY: cannot be checked
 */
int msrp_transport_check(const struct msrp_conn *conn,
			 const struct msrp_fp *fp)
{
	if (!conn->tls)
		return 0;

	if (fp && msrp_fp_match(fp, conn->sc))
		return 0;
	if (fp && !fp->vouched)
		return EKEYREJECTED;
	if (!conn->msrp->conf.tls_verify)
		return ENOKEY;

	return conn->checkable && !tls_peer_verify(conn->sc) ? 0 : EACCES;
}


/**
 * Octets to the peer; what cannot leave now is queued by libre
 */
int msrp_transport_send(struct msrp_conn *conn, struct mbuf *mb)
{
	return tcp_send(conn->tc, mb);
}


void msrp_transport_close(struct msrp_conn *conn)
{
	/* first: it says so to the peer, over the other */
	conn->sc = mem_deref(conn->sc);
	conn->tc = mem_deref(conn->tc);
}


/* Stop reading. Not while libre has octets to send: it would not send them
   either, and comes back to reading by itself when it has. */
void msrp_transport_pause(struct msrp_conn *conn)
{
#ifdef CPM_NO_TCP_CONN_FD
	(void)conn;
#else
	if (!tcp_conn_txqsz(conn->tc))
		fd_close(tcp_conn_fd(conn->tc));
#endif
}


#ifndef CPM_NO_TCP_CONN_FD
static void send_handler(void *arg)
{
	(void)arg;
}
#endif


/* Setting and clearing a send handler makes libre poll the socket again */
void msrp_transport_resume(struct msrp_conn *conn)
{
#ifdef CPM_NO_TCP_CONN_FD
	(void)conn;
#else
	(void)tcp_set_send(conn->tc, send_handler);
	(void)tcp_set_send(conn->tc, NULL);
#endif
}


/* Octets that libre has and TCP did not take */
size_t msrp_transport_queued(const struct msrp_conn *conn)
{
	return tcp_conn_txqsz(conn->tc);
}


/* Call it whenever TCP takes octets and none are queued; NULL: never */
void msrp_transport_poll(struct msrp_conn *conn, tcp_send_h *sendh)
{
	(void)tcp_set_send(conn->tc, sendh);
}


/* Let the kernel take no more when it has so many octets that did not leave
   yet: what waits there cannot be overtaken */
void msrp_transport_lowat(struct msrp_conn *conn, size_t size)
{
#if defined(CPM_NO_TCP_CONN_FD) || !defined(TCP_NOTSENT_LOWAT)
	(void)conn;
	(void)size;
#else
	const int n = (int)size;

	(void)setsockopt(tcp_conn_fd(conn->tc), IPPROTO_TCP,
			 TCP_NOTSENT_LOWAT, &n, sizeof(n));
#endif
}
