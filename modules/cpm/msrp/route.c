/**
 * @file route.c  Whose is a request, and what it is answered with at once
 * (RFC 4975, 5.4, 7.3)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


/* A code to answer with, or the session of a SEND */
static uint16_t sess_lookup(struct msrp_sess **sessp,
			    const struct msrp_conn *conn,
			    const struct msrp_head *head)
{
	struct pl path = head->to_path, pl, more;
	struct msrp_uri uri;
	struct msrp_sess *sess = list_ledata(conn->sessl.head);

	/* most often: as we told it, and the only one on its connection */
	if (sess && !pl_strcmp(&path, sess->path)) {
		*sessp = sess;
		return 0;
	}

	if (!msrp_path_next(&path, &pl) || msrp_uri_decode(&uri, &pl))
		return 400;

	/* host and port are not compared: behind NAT or a media relay
	   (RFC 6714) they are not those that we told. No relay, we. */
	sess = msrp_sess_find(conn->msrp, &uri.sid);
	if (!sess || msrp_path_next(&path, &more))
		return 481;

	*sessp = sess;

	return 0;
}


/* The connection is not the one that the session was to have: it goes, if
   there is nobody else on it */
static uint16_t conn_refuse(struct msrp_conn *conn)
{
	conn->cut = list_isempty(&conn->sessl);

	return 481;
}


/* Over TLS the first request tells whose certificate it should be. One that
   is not ends the session: its id is known to nobody but the peer, so there
   is no other to wait for. */
static uint16_t conn_check(struct msrp_conn *conn, struct msrp_sess *sess)
{
	int err;

	/* a secret kept is not to be had in plain text, nor the reverse */
	if (sess->tls != conn->tls)
		return conn_refuse(conn);

	err = msrp_transport_check(conn, sess->fp);
	if (!err)
		return 0;

	msrp_sess_ended(sess, err);

	return conn_refuse(conn);
}


/* A SEND for a session: may it have it? */
static uint16_t sess_take(struct msrp_conn *conn, struct msrp_sess *sess)
{
	struct msrp_chunk *ch = conn->ch;

	if (!msrp_sess_is_peer(sess, &ch->head.from_path))
		return 481;

	if (sess->conn && sess->conn != conn)
		return 506;

	if (!sess->conn) {
		const uint16_t scode = conn_check(conn, sess);

		if (scode)
			return scode;
	}

	ch->sess = sess;
	msrp_sess_touch(sess);
	if (!sess->conn)
		msrp_conn_bind(conn, sess);
	if (sess->state != SESS_ESTAB)
		msrp_sess_bound(sess);

	/* a handler may have ended it */
	return ch->sess == sess ? 0 : 481;
}


/* RFC 4975, 7.3.2: never answered */
static void report_recv(struct msrp_conn *conn, const struct msrp_head *head)
{
	struct msrp_sess *sess;

	if (sess_lookup(&sess, conn, head))
		return;

	msrp_sess_touch(sess);
	if (sess->conn == conn &&
	    (msrp_sess_is_peer(sess, &head->from_path) ||
	     msrp_sess_is_ours(sess, &head->from_path)))
		msrp_out_report(sess, head);
}


/**
 * A head has come. Afterwards conn->ch has the session of a SEND, or the code
 * that it is answered with at its end.
 *
 * @param bad What is wrong with it, or 0
 *
 * @return 0; EAGAIN: conn->hold is set, and decides later
 */
int msrp_route(struct msrp_conn *conn, int bad)
{
	struct msrp_chunk *ch = conn->ch;
	const struct msrp_head *head = &ch->head;
	struct msrp_sess *sess = NULL;

	if (!head->req) {
		if (!bad)
			(void)msrp_trans_recv(conn, head);
		return 0;
	}
	if (bad) {
		ch->scode = 400;
		return 0;
	}
	if (msrp_pl_is(&head->met, "REPORT")) {
		report_recv(conn, head);
		return 0;
	}
	if (!msrp_pl_is(&head->met, "SEND")) {
		ch->scode = 501;
		return 0;
	}

	ch->scode = sess_lookup(&sess, conn, head);
	if (ch->scode)
		return 0;

	/* what comes through our relay waits for nobody: others use it too */
	if (sess->state == SESS_IDLE && sess->route && sess->conn == conn)
		msrp_sess_start(sess);
	if (sess->state == SESS_IDLE) {
		msrp_conn_hold(conn, sess);
		return EAGAIN;
	}

	ch->scode = sess_take(conn, sess);
	if (!ch->scode)
		msrp_chunk_begin(ch);

	return 0;
}


/**
 * The end-line has come
 */
void msrp_route_end(struct msrp_conn *conn, enum msrp_flag flag)
{
	struct msrp_chunk *ch = conn->ch;
	const struct msrp_head *head = &ch->head;
	uint16_t scode = ch->scode;

	if (!head->req || msrp_pl_is(&head->met, "REPORT"))
		return;

	if (msrp_pl_is(&head->met, "SEND"))
		scode = msrp_chunk_end(ch, flag);

	/* a handler may have let the connection go */
	if (scode && conn->tc)
		(void)msrp_tx_answer(conn, head, scode);
}
