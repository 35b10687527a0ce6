/**
 * @file dialog.c  What SIP tells a session
 *
 * RFC 3261, RFC 3311 (UPDATE). libre's answers to a re-INVITE have no
 * Session-Expires, so the interval stays then as it is.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "call.h"


static const char allow[] = "Allow: INVITE,ACK,CANCEL,BYE,UPDATE\r\n";


/* What the MSRP leg does once the ACK is there */
static void leg_start(struct session *s)
{
	int err;

	if (s->passive) {
		msrp_sess_start(s->msrp);
		return;
	}

	err = msrp_sess_connect(s->msrp, &msrp_sdp_remote(s->sdp)->addr);
	if (err) {
		s->reason = msrp_strerror(err);
		session_end(s, SESS_FAILED, 0);
	}
}


void dialog_estab_handler(const struct sip_msg *msg, void *arg)
{
	struct session *s = arg;
	(void)msg;

	session_move(s, SESS_CONNECTING, 0);
	timer_start(s);
	if (!s->early) {
		leg_start(s);
		return;
	}

	session_established(s);
}


int dialog_offer_handler(struct mbuf **descp, const struct sip_msg *msg,
			 void *arg)
{
	struct session *s = arg;
	int err = 0;

	if (mbuf_get_left(msg->mb))
		err = session_reoffer(s, msg->mb);
	if (err)
		return err;

	timer_start(s);

	err = session_desc(descp, s, !mbuf_get_left(msg->mb));

	return err ? err : call_wrap(descp, s);
}


static int answer_handler(const struct sip_msg *msg, void *arg)
{
	/* our offers change nothing, so neither does the answer */
	(void)msg;
	(void)arg;

	return 0;
}


static void close_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct session *s = arg;
	(void)msg;

	s->sip = mem_deref(s->sip);
	session_sip_closed(s, err);
}


static int headers(char **strp, const struct session *s)
{
	if (!s->expires)
		return re_sdprintf(strp, "%s", allow);

	return re_sdprintf(strp, "%s"
			   "Supported: timer\r\n"
			   "Require: timer\r\n"
			   "Session-Expires: %u;refresher=%s\r\n",
			   allow, s->expires, s->refresher ? "uas" : "uac");
}


int dialog_accept(struct session *s, const struct sip_msg *msg,
		  uint16_t scode)
{
	const bool final = scode >= 200;
	struct mbuf *desc = NULL;
	char *hdrs = NULL;
	int err;

	err = headers(&hdrs, s);
	if (!err && final)
		err = session_desc(&desc, s, false);
	if (err)
		goto out;

	/* no credentials: we never send a request in this dialog that a
	   proxy would challenge but BYE, and libre needs none for that */
	err = sipsess_accept(&s->sip, s->cpm->host.sock, msg,
			     scode, final ? "OK" : scode == 180 ? "Ringing"
			     : "Session Progress",
			     s->cuser, "application/sdp", desc, NULL, NULL,
			     false, dialog_offer_handler, answer_handler,
			     dialog_estab_handler, NULL, NULL, close_handler,
			     s,
			     "%s", final ? hdrs : allow);
	if (!err && final)
		session_forget(msg);
	if (!err)
		session_move(s, final ? SESS_ACCEPTED : scode == 180
			     ? SESS_ASKING : s->first ? SESS_STORING
			     : SESS_WAITING, 0);
 out:
	mem_deref(desc);
	mem_deref(hdrs);

	return err;
}


int dialog_answer(struct session *s)
{
	struct mbuf *desc = NULL;
	char *hdrs = NULL;
	int err;

	err = headers(&hdrs, s);
	if (!err)
		err = session_desc(&desc, s, false);
	if (!err)
		err = sipsess_answer(s->sip, 200, "OK", desc, "%s", hdrs);
	if (!err) {
		session_forget(s->asked);
		session_move(s, SESS_ACCEPTED, 0);
	}

	mem_deref(desc);
	mem_deref(hdrs);

	return err;
}


/* 200 to an UPDATE. desc: NULL if it brought no offer */
static void update_accept(struct session *s, const struct sip_msg *msg,
			  struct mbuf *desc, const char *hdrs)
{
	struct sip_contact contact;
	const size_t len = mbuf_get_left(desc);

	sip_contact_set(&contact, s->cuser, &msg->dst, msg->tp);
	(void)sip_treplyf(NULL, NULL, s->cpm->host.sip, msg, false, 200, "OK",
			  "%H%s%s"
			  "Content-Length: %zu\r\n"
			  "\r\n"
			  "%b",
			  sip_contact_print, &contact, hdrs,
			  desc ? "Content-Type: application/sdp\r\n" : "",
			  len, mbuf_buf(desc), len);
}


static void update_reply(struct session *s, const struct sip_msg *msg)
{
	struct sip *sip = s->cpm->host.sip;
	const bool offer = mbuf_get_left(msg->mb) > 0;
	struct mbuf *desc = NULL;
	char *hdrs = NULL;
	bool timed;

	if (timer_update(s, msg, &timed)) {
		(void)sip_treplyf(NULL, NULL, sip, msg, false, 422,
				  "Session Interval Too Small",
				  "Min-SE: %u\r\n"
				  "Content-Length: 0\r\n"
				  "\r\n", (uint32_t)CPM_MIN_SE);
		return;
	}

	if (offer && (session_reoffer(s, msg->mb) ||
		      session_desc(&desc, s, false))) {
		(void)sip_treply(NULL, sip, msg, 488, "Not Acceptable Here");
		return;
	}

	(void)sip_dialog_update(sipsess_dialog(s->sip), msg);
	timer_start(s);

	/* without memory the interval is not said: it is as it was asked */
	if (timed)
		(void)headers(&hdrs, s);
	update_accept(s, msg, desc, hdrs ? hdrs : allow);
	mem_deref(desc);
	mem_deref(hdrs);
}


bool session_update(struct cpm *cpm, const struct sip_msg *msg)
{
	struct session *s = sessions_dialog(cpm, msg);

	if (!s)
		return false;

	if (!sip_dialog_rseq_valid(sipsess_dialog(s->sip), msg)) {
		(void)sip_treply(NULL, cpm->host.sip, msg, 500,
				 "CSeq Out Of Order");
	}
	else if (s->state < SESS_ACCEPTED && mbuf_get_left(msg->mb)) {
		/* RFC 3311, 5.2: the first offer is not answered yet */
		(void)sip_treplyf(NULL, NULL, cpm->host.sip, msg, false, 500,
				  "Offer Not Answered Yet",
				  "Retry-After: 5\r\n"
				  "Content-Length: 0\r\n"
				  "\r\n");
	}
	else
		update_reply(s, msg);

	return true;
}
