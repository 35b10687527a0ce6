/**
 * @file tx.c  What we send: responses, success reports and the SEND that
 * binds a connection (RFC 4975, 7.2, 7.1.2 and 5.4)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


static const struct {
	uint16_t scode;
	const char *reason;
} reasonv[] = {
	{200, "OK"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{408, "Timeout"},
	{413, "Message Too Large"},
	{415, "Unsupported Media Type"},
	{423, "Parameter Out Of Bounds"},
	{481, "No Such Session"},
	{501, "Unknown Method"},
	{506, "Session In Use"},
};


/* Text of the application's, if it fits on the line */
static const char *reason_get(uint16_t scode, const char *reason)
{
	size_t i;

	for (i=0; reason && reason[i]; i++) {
		if ((uint8_t)reason[i] < 0x20 || reason[i] == 0x7f)
			break;
	}
	if (i && !reason[i])
		return reason;

	for (i=0; i<COUNT(reasonv); i++) {
		if (reasonv[i].scode == scode)
			return reasonv[i].reason;
	}

	return "Refused";
}


/* Failure-Report (RFC 4975, 7.1.1): "no" is not answered at all, "partial"
   only when it failed */
bool msrp_freport_allows(enum msrp_freport freport, uint16_t scode)
{
	switch (freport) {

	case MSRP_FREPORT_NO:
		return false;

	case MSRP_FREPORT_PARTIAL:
		return scode >= 300;

	default:
		return true;
	}
}


int msrp_tx_reply(struct msrp_conn *conn, const struct pl *tid,
		  const struct pl *to, const struct pl *from, uint16_t scode,
		  const char *reason)
{
	const char code[3] = {(char)('0' + scode / 100 % 10),
			      (char)('0' + scode / 10 % 10),
			      (char)('0' + scode % 10)};
	struct pl v[] = {
		LIT("MSRP "), *tid, LIT(" "), {code, 3}, LIT(" "), {NULL, 0},
		LIT("\r\nTo-Path: "), *to, LIT("\r\nFrom-Path: "), *from,
		LIT("\r\n-------"), *tid, LIT("$\r\n"),
	};

	if (!conn)
		return ENOTCONN;

	pl_set_str(&v[5], reason_get(scode, reason));

	return msrp_conn_put(conn, v, COUNT(v));
}


/* Answer a request by its own headers, as Failure-Report allows. A SEND is
   answered to the previous hop, other requests all the way back (7.2). */
int msrp_tx_answer(struct msrp_conn *conn, const struct msrp_head *head,
		   uint16_t scode)
{
	struct pl path = head->from_path, own = head->to_path, to, from;

	if (!msrp_freport_allows(head->failure_report, scode))
		return 0;

	/* a head so bad that it does not say where to: nothing to be done */
	if (!msrp_path_next(&path, &to) || !msrp_path_next(&own, &from))
		return 0;

	if (!msrp_pl_is(&head->met, "SEND"))
		to = head->from_path;

	return msrp_tx_reply(conn, &head->tid, &to, &from, scode, NULL);
}


/* Success report for a whole message */
int msrp_tx_report(struct msrp_conn *conn, const struct msrp_rx *rx)
{
	char id[ID_SIZE], range[64];
	struct pl v[] = {
		LIT("MSRP "), {NULL, 0}, LIT(" REPORT\r\nTo-Path: "),
		{NULL, 0}, LIT("\r\nFrom-Path: "), {NULL, 0},
		LIT("\r\nMessage-ID: "), {NULL, 0}, LIT("\r\nByte-Range: "),
		{NULL, 0}, LIT("\r\nStatus: 000 200 OK\r\n-------"),
		{NULL, 0}, LIT("$\r\n"),
	};

	if (!conn || !conn->msrp)
		return ENOTCONN;

	msrp_ident_next(conn->msrp, id, sizeof(id));
	(void)re_snprintf(range, sizeof(range), "1-%llu/%llu",
			  (unsigned long long)rx->total,
			  (unsigned long long)rx->total);
	pl_set_str(&v[1], id);
	pl_set_str(&v[3], rx->from);
	pl_set_str(&v[5], rx->to);
	pl_set_str(&v[7], rx->msgid);
	pl_set_str(&v[9], range);
	pl_set_str(&v[11], id);

	return msrp_conn_put(conn, v, COUNT(v));
}


/* The SEND without body that binds our connection to the session */
int msrp_tx_bind(struct msrp_conn *conn, const struct msrp_sess *sess,
		 const char *tid)
{
	char id[ID_SIZE];
	struct pl v[] = {
		LIT("MSRP "), {NULL, 0}, LIT(" SEND\r\nTo-Path: "),
		{NULL, 0}, LIT("\r\nFrom-Path: "), {NULL, 0},
		LIT("\r\nMessage-ID: "), {NULL, 0},
		LIT("\r\nByte-Range: 1-0/0\r\n-------"), {NULL, 0},
		LIT("$\r\n"),
	};

	msrp_ident(id, sizeof(id));
	pl_set_str(&v[1], tid);
	pl_set_str(&v[3], msrp_sess_to(sess));
	pl_set_str(&v[5], sess->path);
	pl_set_str(&v[7], id);
	pl_set_str(&v[9], tid);

	return msrp_conn_put(conn, v, COUNT(v));
}
