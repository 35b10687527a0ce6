/**
 * @file dialog.c  The SIP of a delivery: INVITE, ACK, BYE, changes, timers
 *
 * RFC 3261, 12-15; UPDATE is RFC 3311, the session timer RFC 4028. The
 * INVITE is made by hand and not by libre's sipsess, because its Request-URI
 * is the Contact and its To is not, and because some tests want no ACK.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"
#include "net.h"


#define ICSI_TAG  "+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A" ICSI_CPM
#define ALLOW     "INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS"


/* What the client is to take it for: wire.md 1.1 and 4.2 */
static const char *service(const struct session *sess)
{
	switch (sess->way) {

	case WAY_LARGE:  return "largemsg";
	case WAY_INLINE: return sess->single ? "largemsg" : "session";
	case WAY_ALL:
	case WAY_PULL:   return "deferred";
	default:         return sess->group || sess->pf->faults.on[FAULT_GROUP]
			? "session.group" : "session";
	}
}


/* The way to the client decides what our own Contact has to say */
static int contact_print(struct mbuf *mb, const struct session *sess)
{
	const struct pf *pf = sess->pf;
	struct pl way;

	pl_set_str(&way, pf->opt.core ? pf->opt.core : sess->target);

	return mbuf_printf(mb, "Contact: <sip:pf@%J%s>;" ICSI_TAG "%s\"%s\r\n",
			   &pf->laddr, pl_has(&way, "transport=tcp")
			   ? ";transport=tcp" : "", service(sess),
			   sess->group ? ";isfocus" : "");
}


static int expires_print(struct mbuf *mb, const struct session *sess,
			 bool ours)
{
	return mbuf_printf(mb, "Supported: timer\r\n"
			   "Session-Expires: %u;refresher=%s\r\n",
			   sess->interval ? sess->interval : sess->expires,
			   ours ? "uac" : "uas");
}


static int body_print(struct mbuf *mb, const struct session *sess, bool offer)
{
	if (!offer)
		return mbuf_printf(mb, "Content-Length: 0\r\n\r\n");

	return mbuf_printf(mb, "Content-Type: application/sdp\r\n"
			   "Content-Length: %zu\r\n"
			   "\r\n"
			   "%b", sess->offer->end,
			   sess->offer->buf, sess->offer->end);
}


/* A stand-alone message is its sender's; a channel for many is ours, and then
   Referred-By tells who wrote, if that is one */
static bool from_sender(const struct session *sess)
{
	return sess->ordinary || sess->way == WAY_LARGE ||
		(sess->way == WAY_INLINE && sess->single);
}


/* With whom the client talks */
static const char *peer_of(const struct session *sess)
{
	return sess->group ? sess->group : sess->sender;
}


static int invite_print(struct mbuf *mb, const struct session *sess)
{
	const struct pf *pf = sess->pf;
	int err;

	err = contact_print(mb, sess);
	if (!err && from_sender(sess))
		err = mbuf_printf(mb, "P-Asserted-Identity: <%s>\r\n",
				  peer_of(sess));
	else if (!err)
		err = mbuf_printf(mb, "P-Asserted-Identity: "
				  "<sip:rcse-standfw@%s>\r\n", pf->domain);
	if (!err && !from_sender(sess) && !sess->many)
		err = mbuf_printf(mb, "Referred-By: <%s>\r\n",
				  peer_of(sess));
	if (!err)
		err = mbuf_printf(mb,
				  "P-Asserted-Service: "
				  "urn:urn-7:" ICSI_CPM "%s\r\n"
				  "Accept-Contact: *;" ICSI_TAG "%s\""
				  ";require;explicit\r\n"
				  "Contribution-ID: %s\r\n"
				  "Allow: " ALLOW "\r\n",
				  service(sess), service(sess),
				  sess->kept_contrib ? sess->kept_contrib
				  : sess->contrib);
	if (!err && !sess->many && strcmp(sess->conv, NO_CONV))
		err = mbuf_printf(mb, "Conversation-ID: %s\r\n", sess->conv);
	if (!err && sess->reply)
		err = mbuf_printf(mb, "InReplyTo-Contribution-ID: %s\r\n",
				  sess->reply);
	if (!err && pf->faults.on[FAULT_REQUIRE])
		err = mbuf_printf(mb, "Require: nonsense\r\n");
	if (!err)
		err = expires_print(mb, sess, true);

	if (err)
		return err;

	return sess->way == WAY_INLINE ? inline_print(mb, sess)
		: body_print(mb, sess, true);
}


static int invite_send(struct session *sess);


/* RFC 4028, 7.3: once more with what the client wants at least */
static bool interval_raise(struct session *sess, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_MIN_SE);
	const uint32_t min = hdr ? pl_number(&hdr->val) : 0;

	if (msg->scode != 422 || min <= sess->expires)
		return false;

	event("answer to=%s code=422 reason=%s", sess->user->aor,
	      "Session Interval Too Small");
	sess->expires = min;
	return !invite_send(sess);
}


static void invite_resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct session *sess = arg;

	if (!err && msg->scode > 100 && msg->scode < 200)
		session_rings(sess);
	if (!err && (msg->scode < 200 || interval_raise(sess, msg)))
		return;

	session_answered(sess, err, msg);
}


static int invite_send(struct session *sess)
{
	struct mbuf *mb = mbuf_alloc(2048);
	int err;

	if (!mb)
		return ENOMEM;

	err = invite_print(mb, sess);
	if (!err)
		err = sip_drequestf(&sess->req, sess->pf->sip, true, "INVITE",
				    sess->dlg, 0, NULL, NULL,
				    invite_resp_handler, sess, "%b",
				    mb->buf, mb->end);
	mem_deref(mb);
	return err;
}


/** Send the INVITE. @return 0; errno */
int dialog_invite(struct session *sess)
{
	struct pf *pf = sess->pf;
	const char *routev[1] = {pf->opt.core};
	char *from = NULL;
	int err;

	err = from_sender(sess) || sess->group ? str_dup(&from, peer_of(sess))
		: re_sdprintf(&from, "sip:rcse-standfw@%s", pf->domain);
	if (!err)
		err = sip_dialog_alloc(&sess->dlg, sess->target,
				       sess->user->aor, NULL, from, routev,
				       pf->opt.core ? 1 : 0);
	mem_deref(from);
	if (err)
		return err;

	event("invite to=%s call=%s", sess->user->aor,
	      sip_dialog_callid(sess->dlg));

	return invite_send(sess);
}


/** Acknowledge a 200. @param cseq Of the INVITE */
void dialog_ack(struct session *sess, uint32_t cseq)
{
	if (sip_drequestf(NULL, sess->pf->sip, false, "ACK", sess->dlg, cseq,
			  NULL, NULL, NULL, NULL,
			  "Content-Length: 0\r\n"
			  "\r\n"))
		event("error text=%s", "ACK could not be sent");
}


/** Send the BYE. @param resph NULL: nobody waits for its answer */
void dialog_bye(struct session *sess, sip_resp_h *resph)
{
	if (!sip_dialog_established(sess->dlg))
		return;

	(void)sip_drequestf(resph ? &sess->breq : NULL, sess->pf->sip, true,
			    "BYE", sess->dlg, 0, NULL, NULL, resph, sess,
			    "Content-Length: 0\r\n"
			    "\r\n");
}


static void timer_handler(void *arg)
{
	struct session *sess = arg;

	if (!sess->refresher)
		session_end(sess, BY_ERROR, "session timer");
	else if (!sess->pf->faults.on[FAULT_NOREFRESH])
		(void)dialog_modify(sess, false, false);
}


static void timer_start(struct session *sess)
{
	const uint32_t n = sess->interval;

	tmr_cancel(&sess->tmr_sip);
	if (!n)
		return;

	/* RFC 4028, 10 */
	tmr_start(&sess->tmr_sip, (uint64_t)(sess->refresher ? n / 2
		  : n - MIN(n / 3, (uint32_t)32)) * 1000, timer_handler,
		  sess);
}


/**
 * Agree on the session timer and start it
 *
 * @param msg   Answer to our request, or request of the client
 * @param asked It is the first: without the header in it there is no timer
 */
void dialog_timer(struct session *sess, const struct sip_msg *msg, bool asked)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
	bool uas;

	if (hdr) {
		uas = pl_has(&hdr->val, "refresher=uas");
		sess->interval = pl_number(&hdr->val);
		sess->refresher = msg->req ? uas : !uas;
	}
	else if (asked) {
		sess->interval = 0;
	}

	timer_start(sess);
}


static void modify_event(const struct session *sess, const struct sip_msg *msg)
{
	struct answer ans = {.path = NULL};
	char reason[64] = "";
	const char *why;
	struct pl sdp;
	bool same;

	(void)pl_strcpy(&msg->reason, reason, sizeof(reason));
	pl_set_mbuf(&sdp, msg->mb);
	(void)sdp_answer_decode(&ans, &sdp, &why);
	same = ans.path && !strcmp(ans.path, sess->ans.path) &&
		!strcmp(ans.setup, sess->ans.setup) &&
		ans.tls == sess->ans.tls && !ans.fp == !sess->ans.fp &&
		(!ans.fp || !strcmp(ans.fp, sess->ans.fp)) &&
		!strcmp(ans.dir, sess->ans.dir);

	event("answer to=%s code=%u reason=%s setup=%s dir=%s for=%s same=%s",
	      sess->user->aor, msg->scode, reason, ans.setup, ans.dir,
	      sess->reinvite ? "reinvite" : "update", same ? "yes" : "no");
	mem_deref(ans.path);
	mem_deref(ans.fp);
}


static void modify_resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct session *sess = arg;

	if (!err && msg->scode < 200)
		return;

	if (!err && msg->scode < 300) {
		if (sess->reinvite)
			dialog_ack(sess, msg->cseq.num);
		(void)sip_dialog_update(sess->dlg, msg);
		dialog_timer(sess, msg, false);
	}
	if (sess->asked && err)
		event("answer to=%s code=%u reason=%s for=%s",
		      sess->user->aor, err == ETIMEDOUT ? 408U : 503U,
		      "timeout", sess->reinvite ? "reinvite" : "update");
	else if (sess->asked)
		modify_event(sess, msg);

	/* RFC 3261, 12.2.1.2 */
	if (err || msg->scode == 408 || msg->scode == 481)
		session_end(sess, BY_ERROR, "dialog is gone");
}


/**
 * Send a re-INVITE or an UPDATE
 *
 * @param reinvite That; else UPDATE
 * @param offer    With our offer, and an event for the answer
 *
 * @return 0; EBUSY; EPROTO: not now; errno
 */
int dialog_modify(struct session *sess, bool reinvite, bool offer)
{
	struct mbuf *mb;
	int err;

	if (sess->mreq)
		return EBUSY;
	if (sess->state != SESS_ANSWERED && sess->state != SESS_BOUND)
		return EPROTO;

	mb = mbuf_alloc(1024);
	if (!mb)
		return ENOMEM;

	sess->reinvite = reinvite;
	sess->asked = offer;
	err = contact_print(mb, sess);
	if (!err && (sess->interval || offer))
		err = expires_print(mb, sess, sess->refresher || offer);
	if (!err)
		err = body_print(mb, sess, offer);
	if (!err)
		err = sip_drequestf(&sess->mreq, sess->pf->sip, true,
				    reinvite ? "INVITE" : "UPDATE", sess->dlg,
				    0, NULL, NULL, modify_resp_handler, sess,
				    "%b", mb->buf, mb->end);
	mem_deref(mb);
	return err;
}


/* What the client wants of the session timer: it gets it */
static void timer_agree(struct mbuf *mb, struct session *sess,
			const struct sip_msg *msg)
{
	if (!sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES))
		return;

	dialog_timer(sess, msg, false);
	(void)mbuf_printf(mb, "Require: timer\r\n"
			  "Session-Expires: %u;refresher=%s\r\n",
			  sess->interval, sess->refresher ? "uas" : "uac");
}


/** Print the headers and the body of our 200 to an INVITE. @return 0; errno */
int dialog_answer_print(struct mbuf *mb, struct session *sess,
			const struct sip_msg *msg)
{
	int err = contact_print(mb, sess);

	if (!err)
		err = mbuf_printf(mb, "Allow: " ALLOW "\r\n");
	timer_agree(mb, sess, msg);

	return err ? err : body_print(mb, sess, !sess->pf->faults.on
				      [FAULT_PULLNOSDP]);
}


/* The client changes or refreshes the session: the answer is always what we
   offered, for nothing about it can change */
static void modify_recv(struct session *sess, const struct sip_msg *msg)
{
	const bool sdp = mbuf_get_left(msg->mb) ||
		!pl_strcmp(&msg->met, "INVITE");
	struct mbuf *mb = mbuf_alloc(1024);

	if (!mb)
		return;

	(void)sip_dialog_update(sess->dlg, msg);
	(void)contact_print(mb, sess);
	timer_agree(mb, sess, msg);
	(void)body_print(mb, sess, sdp);

	(void)sip_treplyf(NULL, NULL, sess->pf->sip, msg, true, 200, "OK",
			  "%b", mb->buf, mb->end);
	mem_deref(mb);
}


static struct session *dialog_find(const struct pf *pf,
				   const struct sip_msg *msg)
{
	struct le *le;

	for (le = list_head(&pf->sessl); le; le = le->next) {
		struct session *sess = le->data;

		if (sip_dialog_established(sess->dlg) &&
		    sip_dialog_cmp(sess->dlg, msg))
			return sess;
	}

	return NULL;
}


/** Handle a request that has a tag in To. @return It is handled */
bool dialog_recv(struct pf *pf, const struct sip_msg *msg)
{
	struct session *sess = dialog_find(pf, msg);

	if (!pl_strcmp(&msg->met, "ACK")) {
		if (sess && sess->uas)
			session_acked(sess);
		return true;
	}

	if (!sess || sess->state == SESS_ENDED) {
		(void)sip_treply(NULL, pf->sip, msg, 481,
				 "Call Does Not Exist");
		return true;
	}
	if (!sip_dialog_rseq_valid(sess->dlg, msg)) {
		(void)sip_treply(NULL, pf->sip, msg, 500, "Bad Sequence");
		return true;
	}

	if (!pl_strcmp(&msg->met, "BYE")) {
		(void)sip_treply(NULL, pf->sip, msg, 200, "OK");
		session_bye_recv(sess, msg);
		return true;
	}
	if (!pl_strcmp(&msg->met, "INVITE") ||
	    !pl_strcmp(&msg->met, "UPDATE")) {
		modify_recv(sess, msg);
		return true;
	}

	return false;
}


/** Handle an answer that no transaction of ours wanted: a repeated 200.
    @return It is handled */
bool dialog_resp_recv(struct pf *pf, const struct sip_msg *msg)
{
	struct session *sess;

	sess = dialog_find(pf, msg);
	if (!sess && proxy_response(pf, msg))
		return true;
	if (pl_strcmp(&msg->cseq.met, "INVITE") || msg->scode < 200 ||
	    msg->scode > 299)
		return false;

	if (sess && sess->confirmed)
		dialog_ack(sess, msg->cseq.num);

	return true;
}
