/**
 * @file page.c  MESSAGE: disposition notifications (RFC 5438) that go back
 *               to a sender, and what users write
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "net.h"


/** The sender has shown who he is, or the request is answered already */
bool sender_check(struct pf *pf, const struct sip_msg *msg)
{
	const bool www = pf->faults.on[FAULT_WWW];
	const uint16_t code = www ? 401 : 407;
	struct user *who = NULL;
	enum auth auth;
	char name[128] = "";

	if (pf->opt.noauth || pf_from_core(pf, msg))
		return true;

	auth = auth_check(&who, pf, msg, www ? SIP_HDR_AUTHORIZATION
			  : SIP_HDR_PROXY_AUTHORIZATION);
	if (auth == AUTH_OK && who == user_find_uri(pf, &msg->from.auri))
		return true;

	(void)pl_strcpy(&msg->from.uri.user, name, sizeof(name));
	if (auth == AUTH_WRONG)
		event("refused user=%s code=%u", name, code);
	if (auth == AUTH_OK) {
		(void)sip_treply(NULL, pf->sip, msg, 403, "Forbidden");
	}
	else {
		event("challenged user=%s code=%u", name, code);
		(void)auth_challenge(pf, msg, code, auth == AUTH_STALE);
	}

	return false;
}


static bool refuse(struct pf *pf, const struct sip_msg *msg,
		   const struct notice *notice)
{
	struct faults *faults = &pf->faults;
	char after[64] = "";

	if (!faults->on[FAULT_REFUSE] || !faults->arg[FAULT_REFUSE])
		return false;

	if (!--faults->arg[FAULT_REFUSE])
		faults->on[FAULT_REFUSE] = false;

	if (faults->after)
		(void)re_snprintf(after, sizeof(after), "Retry-After: %u\r\n",
				  faults->after);

	event("declined id=%s status=%s code=%u to=%s", notice->id,
	      notice->status, faults->code, notice->to);
	(void)sip_treplyf(NULL, NULL, pf->sip, msg, false,
			  (uint16_t)faults->code, "Refused On Purpose",
			  "%sContent-Length: 0\r\n\r\n", after);
	return true;
}


static const char *header_str(char *buf, size_t size,
			      const struct sip_msg *msg, const char *name)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, name);

	buf[0] = '\0';
	if (hdr)
		(void)pl_strcpy(&hdr->val, buf, size);

	return buf;
}


static void notice_recv(struct pf *pf, const struct sip_msg *msg,
			const struct cpim *cpim, struct notice *notice)
{
	char imdnid[257] = "", callid[257] = "", conv[257], contrib[257];
	bool handed;

	(void)pl_strcpy(&msg->from.auri, notice->from, sizeof(notice->from));
	(void)pl_strcpy(&msg->to.auri, notice->to, sizeof(notice->to));
	(void)pl_strcpy(&cpim->id, imdnid, sizeof(imdnid));
	(void)pl_strcpy(&msg->callid, callid, sizeof(callid));

	/* each time that it comes */
	if (pf->faults.on[FAULT_SILENT]) {
		event("ignored id=%s status=%s from=%s to=%s", notice->id,
		      notice->status, notice->from, notice->to);
		return;
	}
	if (refuse(pf, msg, notice))
		return;

	if (keep_notice(pf->keep, notice)) {
		event("error text=%s", "database");
		(void)sip_treply(NULL, pf->sip, msg, 500, "Database");
		return;
	}
	/* like everything that users send, unless an option says how */
	handed = pf->opt.network && pf->opt.notices == NOTICES_OFF &&
		hand_message(pf, msg);
	if (!handed)
		(void)sip_treply(NULL, pf->sip, msg, 200, "OK");

	event("imdn id=%s status=%s from=%s to=%s repeat=%u imdnid=%s "
	      "callid=%s conv=%s contrib=%s",
	      notice->id, notice->status, notice->from, notice->to,
	      notice->count - 1, imdnid, callid,
	      header_str(conv, sizeof(conv), msg, "Conversation-ID"),
	      header_str(contrib, sizeof(contrib), msg, "Contribution-ID"));
	if (!handed)
		notice_hand(pf, notice, cpim, conv, contrib);
}


static void message_recv(struct pf *pf, const struct sip_msg *msg)
{
	if (!hand_message(pf, msg))
		(void)sip_treply(NULL, pf->sip, msg, 404, "Not Found");
}


static void cpim_recv(struct pf *pf, const struct sip_msg *msg)
{
	struct notice notice = {.count = 0};
	struct cpim cpim;
	struct pl pl;
	const char *why;
	int err;

	pl_set_mbuf(&pl, msg->mb);
	err = cpim_decode(&cpim, &pl, &why);
	/* what is no notification is not ours to judge */
	if (pf->opt.network && !pl_has(&cpim.ctype, "message/imdn+xml")) {
		message_recv(pf, msg);
		return;
	}
	if (err)
		goto bad;

	if (!pl_has(&cpim.ctype, "message/imdn+xml")) {
		(void)sip_treply(NULL, pf->sip, msg, 415,
				 "Unsupported Media Type");
		return;
	}
	if (imdn_decode(&notice, &cpim.body, &why))
		goto bad;

	/* RFC 5438, 7.2.1.1: a fault of the client, but no ambiguity */
	if (!pl_has(&cpim.disp, "notification"))
		event("error text=%s",
		      "IMDN without Content-Disposition: notification");

	notice_recv(pf, msg, &cpim, &notice);
	return;

 bad:
	event("error text=%s", why);
	(void)sip_treply(NULL, pf->sip, msg, 400, "Bad CPIM");
}


/** Handle a MESSAGE */
void page_recv(struct pf *pf, const struct sip_msg *msg)
{
	if (!sender_check(pf, msg))
		return;

	if (!pl_strcasecmp(&msg->ctyp.type, "message") &&
	    !pl_strcasecmp(&msg->ctyp.subtype, "cpim")) {
		cpim_recv(pf, msg);
		return;
	}
	if (pf->opt.network) {
		message_recv(pf, msg);
		return;
	}

	(void)sip_treplyf(NULL, NULL, pf->sip, msg, false, 415,
			  "Unsupported Media Type",
			  "Accept: message/cpim\r\n"
			  "Content-Length: 0\r\n"
			  "\r\n");
}
