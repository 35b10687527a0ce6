/**
 * @file dialog.c  What SIP tells a session, and the session timer
 *
 * RFC 3261, RFC 3311 (UPDATE), RFC 4028 (session timer) as far as libre
 * carries them: libre's own re-INVITE and its answers to one have no
 * Session-Expires, so the interval is the one of the first request, and a
 * re-INVITE or UPDATE from the peer counts as a refresh.
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


/* @param us What the refresher parameter calls us */
static int expires_decode(struct session *s, const struct sip_msg *msg,
			  const char *us)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
	struct pl secs, params, refresher;

	if (!hdr)
		return 0;

	/* delta-seconds *(SEMI se-params) */
	if (re_regex(hdr->val.p, hdr->val.l, "[0-9]+[^]*", &secs, &params))
		return 0;

	s->expires = pl_u32(&secs);
	if (s->expires < CPM_MIN_SE) {
		s->expires = 0;
		return EOVERFLOW;
	}

	s->refresher = !msg_param_decode(&params, "refresher", &refresher) &&
		!pl_strcasecmp(&refresher, us);

	return 0;
}


int timer_decode(struct session *s, const struct sip_msg *msg)
{
	if (!sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer") &&
	    !sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "timer"))
		return 0;

	return expires_decode(s, msg, "uas");
}


void timer_answered(struct session *s, const struct sip_msg *msg)
{
	/* a server that has none, or one that cannot be, keeps no time */
	(void)expires_decode(s, msg, "uac");
}


static void refresh_handler(void *arg)
{
	struct session *s = arg;
	struct mbuf *desc = NULL;

	if (s->sip && !session_desc(&desc, s, true) && !call_wrap(&desc, s))
		(void)sipsess_modify(s->sip, desc);

	mem_deref(desc);
	timer_start(s);
}


static void expired_handler(void *arg)
{
	session_end(arg, SESS_CLOSED, 408);
}


void timer_start(struct session *s)
{
	const uint32_t third = s->expires / 3;

	if (!s->expires)
		return;

	/* RFC 4028, 10: refresh at half of it; the other side gives up when
	   a third of it, or 32 s, is left */
	if (s->refresher)
		tmr_start(&s->tmr_se, s->expires * 500ULL, refresh_handler,
			  s);
	else
		tmr_start(&s->tmr_se,
			  (s->expires - (third < 32 ? third : 32)) * 1000ULL,
			  expired_handler, s);
}


static void update_reply(struct session *s, const struct sip_msg *msg)
{
	struct mbuf *desc = NULL;
	struct sip_contact contact;
	struct sip *sip = s->cpm->host.sip;
	const bool offer = mbuf_get_left(msg->mb) > 0;
	size_t len;

	if (offer && (session_reoffer(s, msg->mb) ||
		      session_desc(&desc, s, false))) {
		(void)sip_treply(NULL, sip, msg, 488, "Not Acceptable Here");
		return;
	}

	(void)sip_dialog_update(sipsess_dialog(s->sip), msg);
	timer_start(s);

	len = mbuf_get_left(desc);
	sip_contact_set(&contact, s->cuser, &msg->dst, msg->tp);
	(void)sip_treplyf(NULL, NULL, sip, msg, false, 200, "OK",
			  "%H%s%s"
			  "Content-Length: %zu\r\n"
			  "\r\n"
			  "%b",
			  sip_contact_print, &contact, allow,
			  offer ? "Content-Type: application/sdp\r\n" : "",
			  len, mbuf_buf(desc), len);
	mem_deref(desc);
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
