/**
 * @file answer.c  What becomes of an INVITE of ours
 *
 * RFC 3261, 8.1.3 and 13.2.2; RFC 3264; RFC 4028, 7.4. What a 1xx brings is not
 * looked at: the 2xx has the answer, and the first one counts; for others see
 * stray.c.
 *
 * libre would follow the first Contact of a redirection and forget the others,
 * so it is shown a refusal in its place; then each of them is a call of its
 * own in SIP, and the same one to all others. So is one with the longer
 * session timer that a 422 asks for.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "relay.h"
#include "call.h"
#include "calling.h"
#include "stray.h"


/* @return NULL, or why it cannot be used */
static const char *answer_fault(struct session *s, const struct sip_msg *msg)
{
	const struct msrp_remote *rem = msrp_sdp_remote(s->sdp);
	const struct relay *relay = s->cpm->relay;
	int err;

	if (!mbuf_get_left(msg->mb))
		return "the answer has no SDP";
	if (!msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		return "the answer is no SDP";

	err = msrp_sdp_decode(s->sdp, msg->mb, false);
	if (err == ENOENT)
		return "the answer refuses MSRP";
	if (err)
		return "the SDP of the answer cannot be used";

	if (s->dir == SDP_RECVONLY && !(rem->dir & SDP_SENDONLY))
		return "the server does not want to send";
	if ((s->dir & SDP_SENDONLY) && (!(rem->dir & SDP_RECVONLY) ||
	    !msrp_types_accept(rem->accept_types, "message/cpim")))
		return "the other side takes no messages";
	if (rem->setup == MSRP_SETUP_HOLDCONN)
		return "the server wants no connection";

	/* RFC 4145, 4: actpass is no answer, but can be understood */
	s->passive = rem->setup == MSRP_SETUP_ACTIVE;
	if (relay && !relay_fits(relay, rem->tls, s->passive))
		return "our relay does not fit the answer";

	return NULL;
}


static int answer_take(struct session *s)
{
	const struct msrp_remote *rem = msrp_sdp_remote(s->sdp);
	int err;

	err = msrp_sess_set_peer(s->msrp, rem->path);
	if (!err && rem->tls && rem->fingerprint) {
		s->fingerprint = mem_ref(rem->fingerprint);
		if (!s->cpm->relay)
			err = msrp_sess_set_fingerprint(s->msrp,
							s->fingerprint);
	}
	if (err)
		s->reason = "the fingerprint of the answer cannot be used";

	return err;
}


/* An error has libre acknowledge, say BYE, and call call_close_handler() */
int call_answer_handler(const struct sip_msg *msg, void *arg)
{
	struct session *s = arg;
	int err;

	/* our later offers change nothing */
	if (s->state != SESS_CALLING)
		return 0;

	s->reason = answer_fault(s, msg);
	if (s->reason)
		return EPROTO;

	err = answer_take(s);
	if (err)
		return err;

	session_negotiated(s);
	timer_answered(s, msg);
	tmr_cancel(&s->tmr);
	session_move(s, SESS_ACCEPTED, 0);

	return 0;
}


/* Of a server that is asked for what it keeps */
static const char *pull_reason(uint16_t scode)
{
	switch (scode) {

	case 404: return "the server has nothing for us";
	case 480: return "the server has nothing for us now";
	case 486: return "the server is busy";
	case 488:
	case 606: return "the server does not take our offer";
	case 603: return "declined by the server";
	default:  return sip_reason(scode);
	}
}


static const char *refusal(const struct session *s, uint16_t scode)
{
	return s->src->pull ? pull_reason(scode) : sip_reason(scode);
}


/* RFC 4028, 7.4. @return false: there is no use in trying again */
static bool interval_take(struct calling *c, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_MIN_SE);
	uint32_t secs = 0;
	size_t i;

	for (i=0; hdr && i<hdr->val.l && hdr->val.p[i] >= '0' &&
		     hdr->val.p[i] <= '9' && secs <= CPM_SE_MAX; i++)
		secs = secs * 10 + (uint32_t)(hdr->val.p[i] - '0');

	if (secs <= c->min_se || secs <= CALLING_SE || secs > CPM_SE_MAX)
		return false;

	c->min_se = secs;

	return true;
}


/* Nobody is asked again who refuses for all, or who does not believe us */
static bool elsewhere(uint16_t scode)
{
	return scode >= 300 && scode < 600 && scode != 401 && scode != 407;
}


/* @return true: it was sent again, to somewhere else or otherwise */
static bool again(struct session *s, uint16_t scode,
		  const struct sip_msg *msg)
{
	struct calling *c = s->call;
	const char *uri = c->uri;
	char *copy;

	if (c->calls >= CPM_CALLS)
		return false;

	if (scode != 422 || !msg || !interval_take(c, msg))
		uri = elsewhere(scode) ? targets_next(&c->targets) : NULL;
	if (!uri || str_dup(&copy, uri))
		return false;

	mem_deref(c->uri);
	c->uri = copy;
	c->auth->n = 0;
	c->asked = 0;

	return !call_send(s);
}


static void failed(struct session *s, int err, const struct sip_msg *msg)
{
	uint16_t scode = err == ETIMEDOUT ? 408 : 503;
	const struct sip_hdr *hdr;

	if (msg) {
		scode = s->call->shown ? s->call->shown : msg->scode;
		hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
		s->after = hdr ? retry_seconds(&hdr->val) : 0;
	}
	s->call->shown = 0;
	if (scode >= 300 && again(s, scode, msg))
		return;

	if (scode < 300) {
		/* an answer that cannot be used: the reason is there, unless
		   libre found it */
		if (!s->reason)
			s->reason = "the answer cannot be used";
		scode = 0;
	}
	else if (!msg && scode == 503) {
		s->lost = true;
		s->reason = "the server cannot be reached";
	}
	else
		s->reason = refusal(s, scode);

	session_end(s, SESS_FAILED, scode);
}


void call_close_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct session *s = arg;

	stray_over(s->cpm, sipsess_dialog(s->sip));
	s->sip = mem_deref(s->sip);
	if (s->state == SESS_CALLING)
		failed(s, err, msg);
	else
		session_sip_closed(s, err);
}


/* Another one than 300 to 302 names nobody to call (RFC 3261, 21.3). Without
   memory there is nowhere to go, either */
static void moved(struct session *s, const struct sip_msg *msg)
{
	struct calling *c = s->call;

	if (msg->scode <= 302)
		(void)targets_add(&c->targets, msg, c->first);
}


/* libre asks again as long as it is asked, also by whom says not for what.
   Its own end is a realm that asks twice, unless a nonce is stale */
static bool answerable(struct session *s, const struct sip_msg *msg)
{
	return ++s->call->asked <= CALLING_ASKED &&
		(sip_msg_hdr(msg, SIP_HDR_WWW_AUTHENTICATE) ||
		 sip_msg_hdr(msg, SIP_HDR_PROXY_AUTHENTICATE));
}


/* An answer that libre would follow: we do, or nobody */
static void keep_from(struct session *s, struct sip_msg *msg)
{
	if (msg->scode < 400)
		moved(s, msg);
	else if (answerable(s, msg))
		return;

	s->call->shown = msg->scode;
	msg->scode = 480;
}


void call_response(struct cpm *cpm, const struct sip_msg *msg)
{
	const uint16_t scode = msg->scode;
	struct session *s;

	if (scode < 200 || pl_strcmp(&msg->cseq.met, "INVITE"))
		return;

	if (scode < 300) {
		stray_answer(cpm, msg);
		return;
	}
	if (scode >= 400 && scode != 401 && scode != 407)
		return;

	s = sessions_called(cpm, msg);
	if (s)
		keep_from(s, (struct sip_msg *)(void *)msg);
}


/* Answered with 1xx only, or asked to try here and there for too long */
void call_late_handler(void *arg)
{
	struct session *s = arg;

	s->reason = refusal(s, 408);
	session_end(s, SESS_FAILED, 408);
}
