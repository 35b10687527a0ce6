/**
 * @file transport.c  What carries a connection's octets: TCP
 *
 * The only file that starts, reads, sends on and closes libre's connections.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


static int transport_start(struct msrp_conn *conn)
{
	cpm_tcp_nodelay(conn->tc);
	tcp_conn_rxsz_set(conn->tc, RX_SIZE);

	return 0;
}


/**
 * Take an incoming connection
 *
 * @return 0; ENOMEM; errno
 */
int msrp_transport_accept(struct msrp_conn *conn, struct tcp_sock *ts,
			  tcp_recv_h *recvh, tcp_close_h *closeh)
{
	int err = tcp_accept(&conn->tc, ts, NULL, recvh, closeh, conn);

	return err ? err : transport_start(conn);
}


/**
 * Connect; estabh tells when octets may be sent
 *
 * @return 0; ENOMEM; errno of connect
 */
int msrp_transport_connect(struct msrp_conn *conn, const struct sa *addr,
			   tcp_estab_h *estabh, tcp_recv_h *recvh,
			   tcp_close_h *closeh)
{
	int err = tcp_connect(&conn->tc, addr, estabh, recvh, closeh, conn);

	return err ? err : transport_start(conn);
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
