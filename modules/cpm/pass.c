/**
 * @file pass.c  One REGISTER through us: with our tags to the registrar, and
 * its answer back to the softphone
 *
 * As a proxy does it (RFC 3261, 16), but for the Contact, which is that of the
 * transport it really leaves on, with the tags. What was bound before with
 * another address goes in the same request, so that one binding is there at
 * any time. With a reg-id (RFC 5626) the registrar does that by itself.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "register.h"


enum {
	REASON_SIZE = 128,
	SILENT_MIN  = 16000,   /* ms without an answer: half of what libre
				  waits for one (RFC 3261, 64 T1)           */
	DEAD_TIME   = 600000,  /* ms until such a server is asked again     */
};

struct pass {
	struct le le;
	struct leg *leg;           /* borrowed: its client ends us          */
	struct sip_msg *msg;       /* shared: what the softphone sent       */
	struct sip_addr contact;   /* of it, into msg                       */
	struct sip_strans *st;
	struct sip_request *req;
	char *uri;                 /* what is to be bound                   */
	struct sa dst;             /* where it was sent to last             */
	uint64_t sent;             /* jiffies; 0: not yet                   */
	bool bind;                 /* else unbound                          */
	bool flow;                 /* it has a reg-id                       */
};


static void destructor(void *arg)
{
	struct pass *p = arg;

	list_unlink(&p->le);
	mem_deref(p->req);
	mem_deref(p->st);
	mem_deref(p->msg);
	mem_deref(p->uri);
}


static bool name_in(const struct pl *name, const char *const *namev)
{
	for (; *namev; namev++)
		if (!pl_strcasecmp(name, *namev))
			return true;

	return false;
}


/* The header lines of a message as they are, but for some */
static int lines_copy(struct mbuf *mb, const struct sip_msg *msg,
		      const char *const *skipv)
{
	const struct sip_hdr *hdr = list_ledata(msg->hdrl.head);
	const char *p, *end, *eol;
	bool skip = false;
	struct pl name;
	int err = 0;

	if (!hdr)
		return EBADMSG;

	end = (const char *)msg->mb->buf + msg->mb->end;
	for (p = hdr->name.p; !err && p < end && *p != '\r' && *p != '\n';
	     p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			return EBADMSG;

		name.p = p;
		name.l = strcspn(p, ": \t\r\n");
		/* a folded line belongs to the one before it */
		if (name.l)
			skip = name_in(&name, skipv);
		if (!skip)
			err = mbuf_write_mem(mb, (const uint8_t *)p,
					     (size_t)(eol + 1 - p));
	}

	return err;
}


/*
 * Servers that say nothing. libre goes on to a name's next address after the
 * very time after which the softphone gives up waiting for us. It begins anew
 * then, and must not do so with the same address: it would never get further.
 */

static bool isdead(const struct leg *leg, const struct sa *addr)
{
	const uint64_t now = tmr_jiffies();
	unsigned i;

	for (i=0; i<DEAD; i++) {
		if (now < leg->deadv[i].until &&
		    sa_cmp(&leg->deadv[i].addr, addr, SA_ALL))
			return true;
	}

	return false;
}


static void dead_add(struct leg *leg, const struct sa *addr)
{
	const unsigned i = leg->dead_next++ % DEAD;

	leg->deadv[i].addr  = *addr;
	leg->deadv[i].until = tmr_jiffies() + DEAD_TIME;
}


/* There is no other one: they are all as good */
static void dead_forget(struct leg *leg)
{
	memset(leg->deadv, 0, sizeof(leg->deadv));
}


/*
 * The answer
 */

static bool reply_contact(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	struct mbuf *mb = ((void **)arg)[0];
	const struct pass *p = ((void **)arg)[1];
	int *errp = ((void **)arg)[2];
	struct sip_addr addr;
	(void)msg;

	/* the softphone looks for the one that it sent */
	if (!sip_addr_decode(&addr, &hdr->val) && p->uri &&
	    !pl_strcasecmp(&addr.auri, p->uri))
		*errp = mbuf_printf(mb, "Contact: <%r>%r\r\n",
				    &p->contact.auri, &addr.params);
	else
		*errp = mbuf_printf(mb, "Contact: %r\r\n", &hdr->val);

	return *errp != 0;
}


/* To, From, Call-ID and CSeq are the same on both sides */
static int answer_print(struct mbuf *mb, const struct pass *p,
			const struct sip_msg *rsp)
{
	/* Require would have it keep a flow alive that is not there */
	static const char *const skipv[] = {"Via", "v", "Contact", "m",
		"Content-Length", "l", "Content-Type", "c", "Require",
		"Flow-Timer", NULL};
	int err;
	void *argv[] = {mb, (void *)p, &err};

	err = mbuf_printf(mb, "SIP/2.0 %u %r\r\nVia: %r\r\n", rsp->scode,
			  &rsp->reason, &p->msg->via.val);
	if (!err)
		err = lines_copy(mb, rsp, skipv);
	if (!err)
		(void)sip_msg_hdr_apply(rsp, true, SIP_HDR_CONTACT,
					reply_contact, argv);

	return err ? err : mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
}


static void answer(struct pass *p, const struct sip_msg *rsp)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sa dst;
	int err;

	err = mb ? answer_print(mb, p, rsp) : ENOMEM;
	/* without an answer it tries again by itself */
	if (!err) {
		mb->pos = 0;
		sip_reply_addr(&dst, p->msg, true);
		(void)sip_strans_reply(&p->st, register_sip(), p->msg, &dst,
				       rsp->scode, mb);
	}
	mem_deref(mb);
}


/* There is no answer that could be passed on */
static void refuse(struct pass *p, int err)
{
	char reason[REASON_SIZE];

	(void)sip_treply(&p->st, register_sip(), p->msg,
			 err == ETIMEDOUT ? 408 : 503,
			 str_error(err, reason, sizeof(reason)));
}


static void keepalive_handler(int err, void *arg)
{
	struct leg *leg = arg;

	info("cpm: %s: the flow to the proxy is lost: %m\n",
	     account_aor(leg->client->acc), err);
	register_flow_lost(leg->client);
}


/* RFC 5626, 4.4: the registrar wants the flow to be kept alive */
static void flow_start(struct leg *leg, const struct sip_msg *rsp)
{
	const struct sip_hdr *hdr = sip_msg_hdr(rsp, SIP_HDR_FLOW_TIMER);

	if (leg->ka || !sip_msg_hdr_has_value(rsp, SIP_HDR_REQUIRE,
					      "outbound"))
		return;

	(void)sip_keepalive_start(&leg->ka, uag_sip(), rsp,
				  hdr ? pl_u32(&hdr->val) : 0,
				  keepalive_handler, leg);
}


/* Challenges and the like are not the end of it */
static bool isfinal(uint16_t scode)
{
	return scode != 401 && scode != 407 && scode != 423;
}


static void bound(struct pass *p, const struct sip_msg *rsp)
{
	struct leg *leg = p->leg;

	leg->contact = mem_deref(leg->contact);
	leg->tagged = p->bind;
	if (!p->bind) {
		leg->ka = mem_deref(leg->ka);
		return;
	}

	leg->contact = mem_ref(p->uri);
	if (sa_af(&rsp->src) != sa_af(&p->msg->src))
		register_family(leg, sa_af(&rsp->src));
	else
		leg->af = sa_af(&rsp->src);
	if (p->flow)
		flow_start(leg, rsp);
}


/* Trust goes by who answers (cpm_trust): without memory, nobody did */
static void answered(struct leg *leg, const struct sip_msg *rsp)
{
	leg->callid = mem_deref(leg->callid);
	leg->src = rsp->src;
	(void)pl_strdup(&leg->callid, &rsp->callid);
}


static void response_handler(int err, const struct sip_msg *rsp, void *arg)
{
	struct pass *p = arg;

	if (!err && rsp->scode < 200)
		return;

	if (err) {
		p->leg->tagged = false;
		dead_forget(p->leg);
		/* baresip's SIP is being closed: nobody listens */
		if (err != ECONNABORTED)
			refuse(p, err);
	}
	else {
		answered(p->leg, rsp);
		if (rsp->scode < 300)
			bound(p, rsp);
		else if (isfinal(rsp->scode))
			p->leg->tagged = false;
		/* it may be the second Contact that is not liked */
		if (rsp->scode == 400 || rsp->scode == 403)
			p->leg->contact = mem_deref(p->leg->contact);
		answer(p, rsp);
	}

	mem_deref(p);
}


/*
 * The request
 */

static int contact_print(struct mbuf *mb, const struct pass *p)
{
	const char *old = p->leg->contact;
	int err;

	err = mbuf_printf(mb, "Contact: <%s>", p->uri);
	if (!err)
		err = cpm_contact_params(mb, &p->contact.params,
					 register_uuid());
	if (!err && !p->flow && old && str_casecmp(old, p->uri))
		err = mbuf_printf(mb, "\r\nContact: <%s>;expires=0", old);

	return err ? err : mbuf_write_str(mb, "\r\n");
}


/* libre asks each time that it tries an address */
static int send_handler(enum sip_transp tp, const struct sa *src,
			const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct pass *p = arg;
	const uint64_t now = tmr_jiffies();

	if (p->sent && now - p->sent >= SILENT_MIN)
		dead_add(p->leg, &p->dst);
	p->sent = 0;
	if (isdead(p->leg, dst))
		return EHOSTDOWN;

	p->sent = now;
	p->dst  = *dst;
	p->uri = mem_deref(p->uri);
	if (re_sdprintf(&p->uri, "sip:%r@%J%s", &p->contact.uri.user, src,
			sip_transp_param(tp)))
		return ENOMEM;

	return contact_print(mb, p);
}


static int request(struct pass *p)
{
	static const char *const skipv[] = {"Via", "v", "Route",
		"Max-Forwards", "Contact", "m", "Content-Length", "l", NULL};
	const char *out = p->leg->route;
	struct sip_addr addr = {.uri = p->msg->uri};
	struct mbuf *mb = mbuf_alloc(1024);
	char *route = NULL;
	struct pl pl;
	int err = mb ? 0 : ENOMEM;

	if (!err)
		err = mbuf_write_str(mb, "Max-Forwards: 70\r\n");
	if (!err && out) {
		err = re_sdprintf(&route, "<%s;lr>", out);
		if (!err) {
			pl_set_str(&pl, route);
			err = sip_addr_decode(&addr, &pl);
		}
		if (!err)
			err = mbuf_printf(mb, "Route: %s\r\n", route);
	}
	if (!err)
		err = lines_copy(mb, p->msg, skipv);
	if (!err)
		err = mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	if (!err) {
		mb->pos = 0;
		err = sip_request(&p->req, uag_sip(), true, "REGISTER", -1,
				  p->msg->ruri.p, (int)p->msg->ruri.l,
				  &addr.uri, mb, (size_t)p->leg, send_handler,
				  response_handler, p);
	}

	mem_deref(route);
	mem_deref(mb);

	return err;
}


static bool contact_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct pass *p = arg;
	(void)msg;

	return !sip_addr_decode(&p->contact, &hdr->val);
}


static void params_read(struct pass *p)
{
	struct pl val;

	if (!msg_param_decode(&p->contact.params, "expires", &val))
		p->bind = pl_u32(&val) > 0;
	else
		p->bind = !pl_isset(&p->msg->expires) ||
			pl_u32(&p->msg->expires) > 0;
	p->flow = !msg_param_decode(&p->contact.params, "reg-id", &val);
}


int pass_start(struct leg *leg, const struct sip_msg *msg)
{
	struct pass *p;
	int err;

	p = mem_zalloc(sizeof(*p), destructor);
	if (!p)
		return ENOMEM;

	p->leg = leg;
	p->msg = mem_ref((void *)msg);
	list_append(&leg->client->passl, &p->le, p);

	if (!sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_handler,
			       p)) {
		err = EBADMSG;
		goto out;
	}
	params_read(p);

	/* what comes again meanwhile is absorbed */
	err = sip_strans_alloc(&p->st, register_sip(), msg, NULL, NULL);
	if (err)
		goto out;

	err = request(p);
	if (err) {
		dead_forget(leg);
		refuse(p, err);
		mem_deref(p);
		return 0;
	}

 out:
	if (err)
		mem_deref(p);

	return err;
}
