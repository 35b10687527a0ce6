/**
 * @file uas.c  A session that the client has begun: its INVITE, our answer
 *
 * What follows is as in a session of ours. Who fetches is in pull.c, who
 * sends in take.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"
#include "net.h"


struct uas {
	struct session *sess;    /* borrowed: owns us                       */
	struct sip_strans *st;   /* INVITE without final answer             */
	const struct sip_msg *msg;
	struct mbuf *mb;         /* the 200                                 */
	struct tmr tmr;          /* until its ACK (RFC 3261, 13.3.1.4)      */
	uint32_t txc;
};


static void destructor(void *arg)
{
	struct uas *uas = arg;

	tmr_cancel(&uas->tmr);
	mem_deref(uas->st);
	mem_deref(uas->mb);
	mem_deref((void *)uas->msg);
}


static void answer_event(const struct session *sess, uint16_t code)
{
	if (sess->pull)
		pull_event(sess, sess->uas->msg, code);
	else
		take_event(sess, sess->uas->msg, code);
}


static const char *reason_text(uint16_t code)
{
	switch (code) {

	case 400: return "Bad Request";
	case 415: return "Unsupported Media Type";
	case 480: return "Temporarily Unavailable";
	case 487: return "Request Terminated";
	case 488: return "Not Acceptable Here";
	default:  return "Refused On Purpose";
	}
}


/** A final answer that refuses; nothing else happens */
void uas_refuse(struct session *sess, uint16_t code)
{
	struct uas *uas = sess->uas;

	if (!uas || !uas->st)
		return;

	sess->scode = code;
	answer_event(sess, code);
	(void)sip_treply(&uas->st, sess->pf->sip, uas->msg, code,
			 reason_text(code));
}


static void cancel_handler(void *arg)
{
	struct session *sess = arg;

	uas_refuse(sess, 487);
	session_end(sess, BY_CLIENT, "cancel");
}


/** A transaction for the INVITE. @return 0; ENOMEM */
int uas_alloc(struct session *sess, const struct sip_msg *msg)
{
	struct uas *uas = mem_zalloc(sizeof(*uas), destructor);
	int err;

	if (!uas)
		return ENOMEM;

	sess->uas = uas;
	uas->sess = sess;
	err = sip_strans_alloc(&uas->st, sess->pf->sip, msg, cancel_handler,
			       sess);
	if (err)
		return err;

	uas->msg = mem_ref((void *)msg);
	return 0;
}


static void tmr_handler(void *arg)
{
	struct uas *uas = arg;

	(void)sip_send(uas->sess->pf->sip, uas->msg->sock, uas->msg->tp,
		       &uas->msg->src, uas->mb);
	uas->txc++;
	tmr_start(&uas->tmr, MIN(SIP_T1 << MIN(uas->txc, (uint32_t)8),
				 SIP_T2), tmr_handler, uas);
}


/** Our path is known: answer 200. @return 0; errno */
int uas_answer(struct session *sess)
{
	struct uas *uas = sess->uas;
	struct pf *pf = sess->pf;
	struct mbuf *mb = NULL;
	int err;

	sess->state = SESS_INVITING;
	sess->offer = mbuf_alloc(512);
	mb = mbuf_alloc(1024);
	err = sess->offer && mb ? sdp_offer_print(sess->offer, sess) : ENOMEM;
	if (!err)
		err = relay_path(sess);
	if (!err)
		err = dialog_answer_print(mb, sess, uas->msg);
	if (!err)
		err = sip_treplyf(&uas->st, &uas->mb, pf->sip, uas->msg,
				  true, 200, "OK", "%b", mb->buf, mb->end);
	mem_deref(mb);
	if (err)
		return err;

	answer_event(sess, 200);
	sess->scode = 200;
	session_pulled(sess);
	tmr_start(&uas->tmr, SIP_T1, tmr_handler, uas);
	return 0;
}


/** The ACK has come */
void uas_acked(struct session *sess)
{
	tmr_cancel(&sess->uas->tmr);
}


/** What the offer says about who connects (RFC 4145, 4.1) decides what we may
    answer; where it leaves the choice, the option does */
void uas_setup(struct session *sess)
{
	const char *offer = sess->ans.setup;
	bool active = !strcmp(offer, "passive");

	if (!strcmp(offer, "actpass"))
		active = !strcmp(sess->pf->opt.setup, "active");
	str_ncpy(sess->setup, active ? "active" : "passive",
		 sizeof(sess->setup));
}


static int target_set(struct session *sess, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;

	if (!hdr || sip_addr_decode(&addr, &hdr->val))
		return EBADMSG;

	return pl_strdup(&sess->target, &addr.auri);
}


/** The offer is good: answer it, or ask our relay first. @return 0; errno */
int uas_start(struct session *sess, const struct sip_msg *msg)
{
	int err = target_set(sess, msg);

	if (!err)
		err = sip_dialog_accept(&sess->dlg, msg);
	if (err)
		return err;

	return sess->pf->opt.relay ? relay_open(sess) : uas_answer(sess);
}


/** Let go of those that run */
void uas_close(struct pf *pf)
{
	struct le *le = list_head(&pf->sessl);

	while (le) {
		struct session *sess = le->data;

		le = le->next;
		if (sess->uas)
			mem_deref(sess);
	}
}
