/**
 * @file proxy.c  Requests handed on (RFC 3261, 16)
 *
 * What begins something (MESSAGE, INVITE) goes to the latest Contact of a user
 * with a transaction on both sides, for if he does not take it we do. What
 * belongs to a dialog goes through without any state: Record-Route brings it
 * to us, Route or its target says where it goes, and Via, with received and
 * rport filled in, where the answer does.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "net.h"


enum {
	RING_WAIT   = 90 * 1000, /* ms: longer than a client lets ring      */
	CANCEL_WAIT = 2 * 1000,  /* for the 487                             */
	LINGER_WAIT = 0,
};


static void destructor(void *arg)
{
	struct leg *leg = arg;

	list_unlink(&leg->le);
	tmr_cancel(&leg->tmr);
	mem_deref(leg->req);
	mem_deref(leg->st);
	mem_deref((void *)leg->msg);
}


static void done_handler(void *arg)
{
	mem_deref(arg);
}


/* Outside of the handlers of its own objects */
static void finish(struct leg *leg)
{
	tmr_start(&leg->tmr, LINGER_WAIT, done_handler, leg);
}


static bool is_ours(const struct pf *pf, const struct uri *uri)
{
	struct sa sa;

	return !sa_set(&sa, &uri->host, uri->port ? uri->port : SIP_PORT) &&
		sa_cmp(&sa, &pf->laddr, SA_ALL);
}


static enum sip_transp transp_of(const struct uri *uri)
{
	struct pl tp;

	if (!msg_param_decode(&uri->params, "transport", &tp) &&
	    !pl_strcasecmp(&tp, "tcp"))
		return SIP_TRANSP_TCP;

	return SIP_TRANSP_UDP;
}


/* RFC 3581, 4: so the answer finds its way back without a state of ours */
static int via_print(struct mbuf *mb, const struct sip_msg *msg,
		     const struct sip_hdr *hdr)
{
	struct pl rp;
	int err;

	if (hdr->val.p != msg->via.val.p)
		return mbuf_printf(mb, "Via: %r\r\n", &hdr->val);

	err = mbuf_printf(mb, "Via: ");
	if (!msg_param_exists(&msg->via.params, "rport", &rp))
		err |= mbuf_write_pl_skip(mb, &hdr->val, &rp);
	else
		err |= mbuf_write_pl(mb, &hdr->val);

	return err ? err : mbuf_printf(mb, ";received=%j;rport=%u\r\n",
				       &msg->src, sa_port(&msg->src));
}


static uint32_t hops_left(const struct sip_msg *msg)
{
	return pl_isset(&msg->maxfwd) ? pl_u32(&msg->maxfwd) : 70;
}


/* What the server says about the sender, nobody else may */
static bool is_claim(const struct sip_hdr *hdr)
{
	return !pl_strcasecmp(&hdr->name, "P-Preferred-Identity") ||
		!pl_strcasecmp(&hdr->name, "P-Asserted-Identity") ||
		!pl_strcasecmp(&hdr->name, "Proxy-Authorization");
}


static int header_print(struct mbuf *mb, const struct sip_msg *msg,
			const struct sip_hdr *hdr, bool first, bool *route)
{
	struct sip_addr addr;

	switch (hdr->id) {

	case SIP_HDR_VIA:
		return via_print(mb, msg, hdr);

	case SIP_HDR_MAX_FORWARDS:
		return 0;

	case SIP_HDR_ROUTE:
		/* those that lead to us */
		if (*route && !sip_addr_decode(&addr, &hdr->val))
			return 0;
		break;

	default:
		if (first && is_claim(hdr))
			return 0;
		if (first && !pl_strcasecmp(&hdr->name, "P-Preferred-Service"))
			return mbuf_printf(mb, "P-Asserted-Service: %r\r\n",
					   &hdr->val);
		break;
	}

	return mbuf_printf(mb, "%r: %r\r\n", &hdr->name, &hdr->val);
}


/* All behind the request line and our Via. first: it begins something, and
   goes to a Contact */
static int request_print(struct mbuf *mb, const struct pf *pf,
			 const struct sip_msg *msg, bool first)
{
	struct le *le;
	bool ours = true;
	int err = 0;

	for (le = list_head(&msg->hdrl); le && !err; le = le->next) {
		const struct sip_hdr *hdr = le->data;
		struct sip_addr addr;

		/* the topmost ones, as long as they are */
		if (hdr->id == SIP_HDR_ROUTE && ours)
			ours = !sip_addr_decode(&addr, &hdr->val) &&
				is_ours(pf, &addr.uri);
		err = header_print(mb, msg, hdr, first, &ours);
	}
	if (!err)
		err = mbuf_printf(mb, "Max-Forwards: %u\r\n",
				  hops_left(msg) - 1);
	if (!err && first)
		err = mbuf_printf(mb, "P-Asserted-Identity: <%r>\r\n",
				  &msg->from.auri);
	if (!err)
		err = mbuf_printf(mb, "\r\n");
	if (!err)
		err = mbuf_write_mem(mb, mbuf_buf(msg->mb),
				     mbuf_get_left(msg->mb));
	mb->pos = 0;
	return err;
}


/* Two where the transport changes (RFC 5658): each side sees its own first */
static int record_route(struct mbuf *mb, const struct pf *pf,
			const struct sip_msg *msg, enum sip_transp tp)
{
	const char *tcp = ";transport=tcp";
	int err;

	if (pl_strcmp(&msg->met, "INVITE"))
		return 0;

	err = mbuf_printf(mb, "Record-Route: <sip:%J;lr%s>\r\n", &pf->laddr,
			  tp == SIP_TRANSP_TCP ? tcp : "");
	if (err || tp == msg->tp)
		return err;

	return mbuf_printf(mb, "Record-Route: <sip:%J;lr%s>\r\n", &pf->laddr,
			   msg->tp == SIP_TRANSP_TCP ? tcp : "");
}


/* The answer as it came, without our Via */
static int response_print(struct mbuf *mb, const struct sip_msg *msg)
{
	struct le *le;
	bool via = false;
	int err;

	err = mbuf_printf(mb, "SIP/2.0 %u %r\r\n", msg->scode, &msg->reason);
	for (le = list_head(&msg->hdrl); le && !err; le = le->next) {
		const struct sip_hdr *hdr = le->data;

		if (hdr->id == SIP_HDR_VIA && !via)
			via = true;
		else
			err = mbuf_printf(mb, "%r: %r\r\n", &hdr->name,
					  &hdr->val);
	}
	if (!err)
		err = mbuf_printf(mb, "\r\n");
	if (!err)
		err = mbuf_write_mem(mb, mbuf_buf(msg->mb),
				     mbuf_get_left(msg->mb));
	mb->pos = 0;
	return err;
}


static void answer_pass(struct leg *leg, const struct sip_msg *msg)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sa dst;

	sip_reply_addr(&dst, leg->msg, true);
	if (!mb || response_print(mb, msg) ||
	    sip_strans_reply(&leg->st, leg->pf->sip, leg->msg, &dst,
			     msg->scode, mb))
		event("error text=%s", "answer could not be handed on");
	mem_deref(mb);
}


/* He is as good as absent: RFC 3261, 21.4.9 and 21.4.18 */
static bool is_absent(uint16_t code)
{
	return code == 408 || code == 480 || code == 500 ||
		(code >= 502 && code <= 504);
}


static void ended(struct leg *leg, uint16_t code, const char *what)
{
	char met[32] = "", from[513] = "", id[257] = "";

	(void)pl_strcpy(&leg->msg->met, met, sizeof(met));
	(void)pl_strcpy(&leg->msg->from.auri, from, sizeof(from));
	(void)pl_strcpy(&leg->msg->callid, id, sizeof(id));
	event("proxied met=%s from=%s to=%s call=%s code=%u then=%s", met,
	      from, leg->user->aor, id, code, what);
}


static void failed(struct leg *leg, uint16_t code)
{
	ended(leg, code, "kept");
	hand_failed(leg);
	finish(leg);
}


static void resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct leg *leg = arg;
	const uint16_t code = err ? err == ETIMEDOUT ? 408 : 503 : msg->scode;

	if (!err && code < 200) {
		leg->rang = true;
		if (code > 100 && leg->st && !leg->given_up)
			answer_pass(leg, msg);
		return;
	}
	if (leg->cpm && !leg->canceled &&
	    (is_absent(code) || (leg->given_up && code >= 300))) {
		failed(leg, code);
		return;
	}

	leg->pf->proxied++;
	ended(leg, code, "answered");
	if (msg)
		answer_pass(leg, msg);
	else
		(void)sip_treply(&leg->st, leg->pf->sip, leg->msg, code,
				 code == 408 ? "Request Timeout"
				 : "Service Unavailable");
	finish(leg);
}


/* He does not answer */
static void tmr_handler(void *arg)
{
	struct leg *leg = arg;
	const bool invite = !pl_strcmp(&leg->msg->met, "INVITE");

	if (invite && leg->rang && !leg->given_up && !leg->canceled) {
		leg->given_up = true;
		sip_request_cancel(leg->req);
		tmr_start(&leg->tmr, CANCEL_WAIT, tmr_handler, leg);
		return;
	}

	/* it goes on by itself, and nobody is told */
	leg->req = mem_deref(leg->req);
	if (leg->cpm && !leg->canceled) {
		failed(leg, 408);
		return;
	}
	(void)sip_treply(&leg->st, leg->pf->sip, leg->msg,
			 leg->canceled ? 487 : 408, leg->canceled
			 ? "Request Terminated" : "Request Timeout");
	finish(leg);
}


static void wait_handler(void *arg)
{
	struct leg *leg = arg;

	/* a softphone says 100 at once and then asks its person */
	if (leg->rang)
		tmr_start(&leg->tmr, RING_WAIT, tmr_handler, leg);
	else
		tmr_handler(leg);
}


static void cancel_handler(void *arg)
{
	struct leg *leg = arg;

	leg->canceled = true;
	sip_request_cancel(leg->req);
	tmr_start(&leg->tmr, CANCEL_WAIT, tmr_handler, leg);
}


static int leg_send(struct leg *leg)
{
	const struct binding *bind = user_binding(leg->user);
	struct pf *pf = leg->pf;
	struct mbuf *mb = mbuf_alloc(2048);
	char met[32];
	struct pl pl;
	struct uri uri;
	int err;

	if (!mb)
		return ENOMEM;

	pl_set_str(&pl, bind->uri);
	err = uri_decode(&uri, &pl);
	if (!err)
		err = pl_strcpy(&leg->msg->met, met, sizeof(met));
	if (!err)
		err = record_route(mb, pf, leg->msg, transp_of(&uri));
	if (!err)
		err = request_print(mb, pf, leg->msg, true);
	if (!err)
		err = sip_request(&leg->req, pf->sip, true, met, -1, bind->uri,
				  -1, &uri, mb, 0, NULL, resp_handler, leg);
	mem_deref(mb);
	return err;
}


/**
 * Hand on what begins something
 *
 * @param user To whom; he is registered
 * @param cpm  It is kept if he does not take it
 *
 * @return 0: it will be answered; errno: it cannot be sent to him
 */
int proxy_start(struct user *user, const struct sip_msg *msg, bool cpm)
{
	struct pf *pf = user->pf;
	struct leg *leg;
	int err;

	if (hops_left(msg) < 2) {
		(void)sip_treply(NULL, pf->sip, msg, 483, "Too Many Hops");
		return 0;
	}

	leg = mem_zalloc(sizeof(*leg), destructor);
	if (!leg)
		return ENOMEM;

	list_append(&pf->legl, &leg->le, leg);
	leg->pf = pf;
	leg->user = user;
	leg->regs = user->regs;
	leg->cpm = cpm;
	leg->msg = mem_ref((void *)msg);
	err = sip_strans_alloc(&leg->st, pf->sip, msg, cancel_handler, leg);
	if (!err)
		err = leg_send(leg);
	if (err) {
		mem_deref(leg);
		return err;
	}

	if (!pl_strcmp(&msg->met, "INVITE"))
		(void)sip_treply(&leg->st, pf->sip, msg, 100, "Trying");
	tmr_start(&leg->tmr, pf->opt.patience, wait_handler, leg);
	return 0;
}


/* Where it goes: the next Route that is not ours, else its target */
static int next_hop(struct sa *dst, enum sip_transp *tp, const struct pf *pf,
		    const struct sip_msg *msg)
{
	struct uri uri = msg->uri;
	struct le *le;

	for (le = list_head(&msg->hdrl); le; le = le->next) {
		const struct sip_hdr *hdr = le->data;
		struct sip_addr addr;

		if (hdr->id != SIP_HDR_ROUTE)
			continue;
		if (sip_addr_decode(&addr, &hdr->val))
			return EBADMSG;
		if (is_ours(pf, &addr.uri))
			continue;
		uri = addr.uri;
		break;
	}

	*tp = transp_of(&uri);
	return sa_set(dst, &uri.host, uri.port ? uri.port : SIP_PORT);
}


static bool is_routed(const struct pf *pf, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_ROUTE);
	struct sip_addr addr;

	return hdr && !sip_addr_decode(&addr, &hdr->val) &&
		is_ours(pf, &addr.uri) && !is_ours(pf, &msg->uri);
}


/* The same for a request, what repeats it, and the CANCEL or ACK of it */
static int via_ours(struct mbuf *mb, const struct pf *pf,
		    const struct sip_msg *msg, enum sip_transp tp)
{
	uint8_t md[MD5_SIZE];
	int err = md5_printf(md, "%r %r", &msg->via.branch, &msg->via.sentby);

	return err ? err : mbuf_printf(mb, "Via: SIP/2.0/%s %J;branch=z9hG4bK"
				       "pf%w\r\n", sip_transp_name(tp),
				       &pf->laddr, md, sizeof(md));
}


/** A request that belongs to a dialog of others: on it goes. @return It is
    handled */
bool proxy_dialog(struct pf *pf, const struct sip_msg *msg)
{
	enum sip_transp tp;
	struct mbuf *mb;
	struct sa dst;
	int err;

	if (!is_routed(pf, msg))
		return false;
	if (next_hop(&dst, &tp, pf, msg) || hops_left(msg) < 2) {
		(void)sip_treply(NULL, pf->sip, msg, 483, "No Way On");
		return true;
	}

	mb = mbuf_alloc(2048);
	if (!mb)
		return true;
	err = mbuf_printf(mb, "%r %r SIP/2.0\r\n", &msg->met, &msg->ruri);
	if (!err)
		err = via_ours(mb, pf, msg, tp);
	if (!err)
		err = request_print(mb, pf, msg, false);
	if (!err)
		err = sip_send(pf->sip, NULL, tp, &dst, mb);
	if (err)
		(void)sip_treply(NULL, pf->sip, msg, 503, "Not Reached");
	else
		pf->routed++;
	mem_deref(mb);
	return true;
}


static bool second_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			   void *arg)
{
	if (hdr->val.p == msg->via.val.p)
		return false;

	*(struct pl *)arg = hdr->val;
	return true;
}


/** An answer without a transaction of ours: back it goes. @return It is
    handled */
bool proxy_response(struct pf *pf, const struct sip_msg *msg)
{
	struct pl pl = PL_INIT, host, port;
	struct sip_via via;
	struct mbuf *mb;
	struct sa dst;

	if (!sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, second_handler, &pl) ||
	    sip_via_decode(&via, &pl))
		return false;
	if (!msg_param_decode(&via.params, "received", &host) &&
	    !msg_param_decode(&via.params, "rport", &port)) {
		if (sa_set(&dst, &host, (uint16_t)pl_u32(&port)))
			return false;
	}
	else {
		dst = via.addr;
	}

	mb = mbuf_alloc(1024);
	if (mb && !response_print(mb, msg))
		(void)sip_send(pf->sip, NULL, via.tp, &dst, mb);
	mem_deref(mb);
	return true;
}


/** Let go of those that run */
void proxy_close(struct pf *pf)
{
	list_flush(&pf->legl);
}
