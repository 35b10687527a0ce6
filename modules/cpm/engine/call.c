/**
 * @file call.c  An INVITE of ours
 *
 * wire.md 5.3 and 7; RFC 3261, 13.2.1; RFC 3264; RFC 4975, 8; RFC 4028. What
 * becomes of it: answer.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "relay.h"
#include "call.h"
#include "calling.h"
#include "stray.h"
#include "trust.h"


#define ICSI "3gpp-service.ims.icsi.oma.cpm."

static void destructor(void *arg)
{
	struct calling *c = arg;

	if (c->auth)
		c->auth->cpm = NULL;
	mem_deref(c->auth);
	mem_deref(c->first);
	mem_deref(c->uri);
	mem_deref(c->hdrs);
	mem_deref(c->ptype);
	mem_deref(c->boundary);
	mem_deref(c->part);
	targets_reset(&c->targets);
}


/* But for the session timer */
static int headers_set(struct calling *c, const char *aor,
		       const struct call *call)
{
	const char *reply = call->in_reply_to;

	return re_sdprintf(&c->hdrs,
			   "P-Preferred-Service: urn:urn-7:" ICSI "%s\r\n"
			   "P-Preferred-Identity: <%s>\r\n"
			   "Accept-Contact: *;+g.3gpp.icsi-ref=\""
			   "urn%%3Aurn-7%%3A" ICSI "%s\"\r\n"
			   "Conversation-ID: %s\r\n"
			   "Contribution-ID: %s\r\n"
			   "%s%s%s"
			   "Allow: INVITE,ACK,CANCEL,BYE,UPDATE\r\n"
			   "Supported: timer\r\n",
			   call->service, aor, call->service,
			   call->conversation_id, call->contribution_id,
			   reply ? "InReplyTo-Contribution-ID: " : "",
			   reply ? reply : "", reply ? "\r\n" : "");
}


static int auth_set(struct calling *c, struct cpm *cpm, const char *aor)
{
	const size_t n = strlen(aor) + 1;

	c->auth = mem_zalloc(sizeof(*c->auth) + n, NULL);
	if (!c->auth)
		return ENOMEM;

	c->auth->cpm = cpm;
	memcpy(c->auth->aor, aor, n);

	return 0;
}


static int calling_alloc(struct calling **cp, struct cpm *cpm,
			 const char *aor, const struct call *call)
{
	char id[UUID_SIZE];
	struct calling *c;
	int err;

	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;

	err = str_dup(&c->first, call->uri);
	if (!err)
		c->uri = mem_ref(c->first);
	if (!err)
		err = headers_set(c, aor, call);
	if (!err)
		err = auth_set(c, cpm, aor);
	if (!err && call->part) {
		uuid_make(id);
		c->part = mem_ref(call->part);
		err = str_dup(&c->ptype, call->ptype);
		if (!err)
			err = str_dup(&c->boundary, id);
	}

	if (err)
		mem_deref(c);
	else
		*cp = c;

	return err;
}


static int auth_handler(char **user, char **pass, const char *realm,
			void *arg)
{
	struct call_auth *auth = arg;
	const struct cpm_host *host;

	if (!auth->cpm || ++auth->n > CPM_AUTH_MAX)
		return EAUTH;

	host = &auth->cpm->host;

	return host->authh(user, pass, realm, auth->aor, host->arg);
}


/* RFC 2046, 5.1.1. What goes with the SDP goes once, in the INVITE */
static int wrap(struct mbuf **descp, const struct calling *c, bool first)
{
	struct mbuf *mb, *desc = *descp;
	int err;

	if (!c || !c->boundary)
		return 0;

	mb = mbuf_alloc(1024);
	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb, "--%s\r\n"
			  "Content-Type: application/sdp\r\n"
			  "\r\n"
			  "%b\r\n",
			  c->boundary, mbuf_buf(desc), mbuf_get_left(desc));
	if (!err && first)
		err = mbuf_printf(mb, "--%s\r\n"
				  "Content-Type: %s\r\n"
				  "\r\n"
				  "%b\r\n",
				  c->boundary, c->ptype, mbuf_buf(c->part),
				  mbuf_get_left(c->part));
	if (!err)
		err = mbuf_printf(mb, "--%s--\r\n", c->boundary);
	mb->pos = 0;
	if (err) {
		mem_deref(mb);
		return err;
	}

	mem_deref(desc);
	*descp = mb;

	return 0;
}


int call_wrap(struct mbuf **descp, const struct session *s)
{
	return wrap(descp, s->call, false);
}


void call_forget(struct session *s)
{
	if (s->call && s->call->auth)
		s->call->auth->cpm = NULL;
}


static int send_invite(struct session *s, const struct cpm_account *acc,
		       const char *ctype, struct mbuf *desc)
{
	const char *routev[1] = {acc->outbound};
	struct calling *c = s->call;
	const uint32_t expires = c->min_se ? c->min_se : CALLING_SE;
	char *domain = NULL, *min = NULL;
	int err = 0;

	if (c->min_se)
		err = re_sdprintf(&min, "Min-SE: %u\r\n", c->min_se);
	if (!err && !routev[0] && !strncmp(c->uri, "tel:", 4)) {
		err = tel_route(&domain, s->src->aor);
		routev[0] = domain;
	}
	if (!err)
		err = sipsess_connect(&s->sip, s->cpm->host.sock, c->uri,
				      NULL, s->src->aor, s->cuser,
				      routev[0] ? routev : NULL,
				      routev[0] ? 1 : 0, ctype, desc,
				      auth_handler, c->auth, true,
				      dialog_offer_handler,
				      call_answer_handler,
				      NULL, dialog_estab_handler, NULL, NULL,
				      call_close_handler, s, "%s"
				      "Session-Expires: %u;refresher=uac\r\n"
				      "%s", c->hdrs, expires,
				      min ? min : "");
	mem_deref(domain);
	mem_deref(min);

	return err;
}


static int type_print(char **strp, const struct calling *c)
{
	if (!c->boundary)
		return str_dup(strp, "application/sdp");

	return re_sdprintf(strp, "multipart/mixed;boundary=\"%s\"",
			   c->boundary);
}


int call_send(struct session *s)
{
	const struct cpm_host *host = &s->cpm->host;
	struct cpm_account acc;
	struct mbuf *desc = NULL;
	char *ctype = NULL;
	int err;

	memset(&acc, 0, sizeof(acc));
	if (!host->accounth(&acc, s->src->aor, host->arg))
		return ENOTCONN;

	err = session_desc(&desc, s, true);
	if (!err)
		err = wrap(&desc, s->call, true);
	if (!err)
		err = type_print(&ctype, s->call);
	if (!err)
		err = send_invite(s, &acc, ctype, desc);
	if (!err)
		err = sessions_set_callid(s, sip_dialog_callid(
						sipsess_dialog(s->sip)));
	mem_deref(desc);
	mem_deref(ctype);
	if (err)
		return err;

	stray_add(s->cpm, sipsess_dialog(s->sip));
	if (!s->call->calls++)
		tmr_start(&s->tmr, CPM_CALL_WAIT * 1000,
			  call_late_handler, s);
	session_move(s, SESS_CALLING, 0);

	return 0;
}


/* What SIP to this URI goes over */
static enum sip_transp transport(const struct uri *uri)
{
	const enum sip_transp tp = SIP_TRANSP_UDP;
	struct pl val;

	if (!pl_strcasecmp(&uri->scheme, "sips"))
		return SIP_TRANSP_TLS;
	if (msg_param_decode(&uri->params, "transport", &val))
		return tp;
	if (!pl_strcasecmp(&val, "tls"))
		return SIP_TRANSP_TLS;

	return pl_strcasecmp(&val, "tcp") ? tp : SIP_TRANSP_TCP;
}


/* Our address towards the first hop, if that is told as an address; else
   towards where our registration was answered; else the one that we reach the
   rest of the world from */
static int own_address(struct sa *laddr, enum sip_transp *tpp,
		       const struct trust *trust,
		       const struct cpm_account *acc, const char *target)
{
	struct uri uri;
	struct sa dst;
	struct pl pl;

	pl_set_str(&pl, acc->outbound ? acc->outbound : target);
	if (uri_decode(&uri, &pl))
		return EINVAL;

	*tpp = transport(&uri);
	if (!sa_set(&dst, &uri.host, SIP_PORT) ||
	    trust_server(trust, acc->aor, &dst)) {
		sa_set_port(&dst, SIP_PORT);
		sa_init(laddr, sa_af(&dst));
		return source_address(laddr, &dst);
	}

	if (!net_default_source_addr_get(AF_INET, laddr) ||
	    !net_default_source_addr_get(AF_INET6, laddr))
		return 0;

	return EHOSTUNREACH;
}


static int leg_alloc(struct session *s, const struct cpm_account *acc,
		     const char *uri)
{
	const struct relay *relay = s->cpm->relay;
	enum sip_transp tp;
	struct sa laddr;
	int err;

	err = own_address(&laddr, &tp, s->cpm->trust, acc, uri);
	if (err)
		return err;

	/* a relay listens as its own URI says */
	s->tls = relay ? relay_fits(relay, true, true)
		: leg_offer_tls(s->cpm->conf.msrp, tp);
	if (relay && !s->tls && s->cpm->conf.msrp == CPM_MSRP_TLS)
		return ENOTSUP;

	err = msrp_sdp_alloc(&s->sdp, &laddr);
	if (!err)
		err = msrp_sess_alloc(&s->msrp, s->cpm->msrp, &laddr,
				      s->tls && !relay,
				      &session_msrp_handlers, s->src);
	if (!err && !relay)
		err = msrp_sess_listen(s->msrp);

	return err;
}


/* Now, or when the relay is there */
static int leave(struct session *s)
{
	struct relay *relay = s->cpm->relay;
	int err;

	relay_account(relay, s->src->aor);
	err = relay_use(relay, s->msrp);
	if (err != EAGAIN)
		return err ? err : call_send(s);
	if (relay_hopeless(relay))
		return EHOSTUNREACH;

	session_move(s, SESS_WAITING, 0);
	session_wait(s);

	return 0;
}


static int fill(char **strp, const char *str)
{
	return *strp ? 0 : str_dup(strp, str);
}


/* What an INVITE that comes tells of itself, ours does not */
static int origin_fill(struct source *src, const struct call *call)
{
	struct origin *org = &src->org;
	struct pl uri;
	int err = 0;

	if (src->deferred)
		return 0;

	pl_set_str(&uri, call->uri);
	if (!org->peer)
		err = cpm_uri_norm(&org->peer, &uri);
	if (!err)
		err = fill(&org->conversation_id, call->conversation_id);
	if (!err)
		err = fill(&org->contribution_id, call->contribution_id);
	if (!err && call->in_reply_to)
		err = fill(&org->in_reply_to, call->in_reply_to);

	return err == EBADMSG ? EINVAL : err;
}


static int start(struct session **sp, struct cpm *cpm,
		 const struct cpm_account *acc, struct source *src,
		 enum sdp_dir dir, const struct call *call)
{
	struct session *s;
	int err;

	err = session_alloc(&s, cpm, src, acc->cuser);
	if (err)
		return err;

	s->outgoing = true;
	s->dir = dir;
	err = calling_alloc(&s->call, cpm, acc->aor, call);
	if (!err)
		err = leg_alloc(s, acc, call->uri);
	if (!err)
		err = leave(s);

	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}


int call_start(struct session **sp, struct cpm *cpm,
	       const struct cpm_account *acc, struct source *src,
	       enum sdp_dir dir, const struct call *call)
{
	struct call full = *call;
	char conv[UUID_SIZE], cont[UUID_SIZE];
	int err;

	uuid_make(conv);
	uuid_make(cont);
	if (!full.conversation_id)
		full.conversation_id = conv;
	if (!full.contribution_id)
		full.contribution_id = cont;

	err = origin_fill(src, &full);

	return err ? err : start(sp, cpm, acc, src, dir, &full);
}
