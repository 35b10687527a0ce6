/**
 * @file invite.c  An INVITE comes: is it ours, is it acceptable, is it wanted?
 *
 * Seed 7.3.12; wire.md 13.1, 13.2 and 13.7; RFC 3261, 8.2.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "relay.h"
#include "content.h"
#include "first.h"


static void refuse(struct cpm *cpm, const struct sip_msg *msg, uint16_t scode,
		   const char *reason, const char *hdr)
{
	(void)sip_treplyf(NULL, NULL, cpm->host.sip, msg, false, scode,
			  reason,
			  "%s"
			  "Content-Length: 0\r\n"
			  "\r\n", hdr ? hdr : "");
}


/* @return true to stop: this one we do not know */
static bool require_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;

	return pl_strcasecmp(&hdr->val, "timer") != 0;
}


/* @return true if the request was refused for what it asks of any server */
static bool refuse_form(struct cpm *cpm, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr;
	char unsup[256];

	hdr = sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, require_handler,
				NULL);
	if (hdr) {
		if (re_snprintf(unsup, sizeof(unsup), "Unsupported: %r\r\n",
				&hdr->val) < 0)
			unsup[0] = '\0';
		refuse(cpm, msg, 420, "Bad Extension", unsup);
		return true;
	}

	if (mbuf_get_left(msg->mb) &&
	    !msg_ctype_cmp(&msg->ctyp, "application", "sdp") &&
	    !msg_ctype_cmp(&msg->ctyp, "multipart", "mixed")) {
		refuse(cpm, msg, 415, "Unsupported Media Type", SESS_ACCEPT);
		return true;
	}

	if (content_coding(msg) != CODING_NONE) {
		refuse(cpm, msg, 415, "Unsupported Media Type",
		       "Accept-Encoding: identity\r\n");
		return true;
	}

	if (sessions_full(cpm)) {
		refuse(cpm, msg, 486, "Busy Here", NULL);
		return true;
	}

	return false;
}


static int source_decode(struct source **srcp, struct cpm *cpm,
			 const struct cpm_account *acc,
			 const struct sip_msg *msg)
{
	int err = source_alloc(srcp, cpm, acc->aor, msg);

	switch (err) {

	case 0:
		break;

	case EOVERFLOW:
		refuse(cpm, msg, 400, "Conversation-ID Too Long", NULL);
		break;

	case EBADMSG:
		refuse(cpm, msg, 486, "Unreadable Referred-By", NULL);
		break;

	default:
		refuse(cpm, msg, 500, "Server Internal Error", NULL);
		break;
	}

	return err;
}


static bool isfocus(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	struct pl val;

	return hdr && !sip_addr_decode(&addr, &hdr->val) &&
		!msg_param_exists(&addr.params, "isfocus", &val);
}


static void classify(struct session *s, const struct sip_msg *msg,
		     unsigned tags)
{
	const bool sendonly = msrp_sdp_remote(s->sdp)->dir == SDP_SENDONLY;
	struct source *src = s->src;

	src->deferred = sendonly || src->org.standfw ||
		(tags & (TAG_LARGE | TAG_DEFERRED));
	src->mode = (tags & (TAG_LARGE | TAG_DEFERRED)) ? CPM_LARGE
		: CPM_SESSION;
	src->kind = (tags & TAG_GROUP) || isfocus(msg) ? CPM_GROUP : CPM_CHAT;
	session_negotiated(s);
}


int source_address(struct sa *laddr, const struct sa *peer)
{
	struct udp_sock *us = NULL;
	struct sa sa = *laddr;
	int err = EHOSTUNREACH;

	sa_set_port(&sa, 0);
	if (!udp_listen(&us, &sa, NULL, NULL) && !udp_connect(us, peer) &&
	    !udp_local_get(us, &sa) && !sa_is_any(&sa)) {
		*laddr = sa;
		err = 0;
	}
	mem_deref(us);

	return err;
}


/* What the request came to; nobody knows where SIP listens on any address */
static void own_address(struct sa *laddr, const struct sip_msg *msg)
{
	*laddr = msg->dst;
	if (sa_is_any(laddr))
		(void)source_address(laddr, &msg->src);
}


/* @return 0; EBADMSG, ENOENT, EPROTO: 488; ENOMEM */
static int offer_decode(struct session *s, struct mbuf *sdp,
			const struct sa *laddr)
{
	const struct relay *relay = s->cpm->relay;
	const struct msrp_remote *rem;
	int err;

	err = msrp_sdp_alloc(&s->sdp, laddr);
	if (!err)
		err = sdp ? msrp_sdp_decode(s->sdp, sdp, true) : ENOENT;
	if (err)
		return err;

	rem = msrp_sdp_remote(s->sdp);
	/* who wants no connection now (RFC 4145, 4) delivers nothing */
	if (rem->dir == SDP_RECVONLY || rem->dir == SDP_INACTIVE ||
	    rem->setup == MSRP_SETUP_HOLDCONN ||
	    !msrp_types_accept(rem->accept_types, "message/cpim") ||
	    !leg_takes(s->cpm->conf.msrp, rem->tls))
		return EPROTO;

	s->passive = rem->setup == MSRP_SETUP_ACTIVE;
	if (relay && !relay_fits(relay, rem->tls, s->passive))
		return EPROTO;

	s->tls     = rem->tls;
	if (rem->tls)
		s->fingerprint = mem_ref(rem->fingerprint);

	return 0;
}


/* @return 0; ENOMEM; else: 488 */
static int leg_alloc(struct session *s, const struct sip_msg *msg,
		     struct mbuf *sdp)
{
	/* what is between us and the peer is then the relay's affair */
	const bool relay = s->cpm->relay != NULL;
	struct sa laddr;
	int err;

	own_address(&laddr, msg);
	err = offer_decode(s, sdp, &laddr);
	if (!err)
		err = msrp_sess_alloc(&s->msrp, s->cpm->msrp, &laddr,
				      s->tls && !relay,
				      &session_msrp_handlers, s->src);
	if (!err)
		err = msrp_sess_set_peer(s->msrp,
					 msrp_sdp_remote(s->sdp)->path);
	if (!err && s->fingerprint && !relay)
		err = msrp_sess_set_fingerprint(s->msrp, s->fingerprint);
	if (!err && s->passive && !relay)
		err = msrp_sess_listen(s->msrp);

	return err;
}


static void ask_handler(void *arg)
{
	session_end(arg, SESS_DECLINED, 480);
}


static void decline(struct session *s, const struct sip_msg *msg)
{
	refuse(s->cpm, msg, 480, "Temporarily not available", NULL);
	session_end(s, SESS_DECLINED, 480);
}


/* The server shall keep it for now */
static void wait_please(struct session *s, const struct sip_msg *msg,
			const char *reason)
{
	char hdr[32];

	if (re_snprintf(hdr, sizeof(hdr), "Retry-After: %u\r\n",
			CPM_RETRY_AFTER) < 0)
		hdr[0] = '\0';
	refuse(s->cpm, msg, 480, reason, hdr);
	session_end(s, SESS_DECLINED, 480);
}


/* 180, 183 or 200 */
static void accept_as(struct session *s, const struct sip_msg *msg,
		      uint16_t scode)
{
	struct cpm *cpm = s->cpm;

	if (dialog_accept(s, msg, scode)) {
		refuse(cpm, msg, 500, "Server Internal Error", NULL);
		session_end(s, SESS_FAILED, 500);
		return;
	}
	if (scode >= 200)
		return;

	s->asked = mem_ref((void *)msg);
	if (scode == 180)
		tmr_start(&s->tmr, cpm->conf.ask_timeout * 1000ULL,
			  ask_handler, s);
	else if (s->first)
		first_take(s);
	else
		session_wait(s);
}


/* It is wanted: 180, 183 or 200 */
static void welcome(struct session *s, const struct sip_msg *msg, bool ask)
{
	struct cpm *cpm = s->cpm;
	int err;

	relay_account(cpm->relay, s->src->aor);
	if (ask) {
		accept_as(s, msg, 180);
		return;
	}

	if (s->first) {
		accept_as(s, msg, 183);
		return;
	}

	err = relay_use(cpm->relay, s->msrp);
	if (!err)
		accept_as(s, msg, 200);
	else if (err == EAGAIN && !relay_hopeless(cpm->relay))
		accept_as(s, msg, 183);
	else
		wait_please(s, msg, "Relay Not Reachable");
}


/* Both began. Who did wants to talk, and is not asked */
static void glare(struct session *ours, struct session *s,
		  const struct sip_msg *msg)
{
	struct cpm *cpm = s->cpm;
	const uint32_t id = ours->id;

	if (glare_wins(ours, s)) {
		refuse(cpm, msg, 486, "Busy Here", NULL);
		session_end(s, SESS_DECLINED, 486);
		return;
	}

	/* first theirs, so that there is one that ours can move to */
	welcome(s, msg, false);
	ours = sessions_find(cpm, id);
	if (!ours)
		return;

	ours->reason = "both began at once";
	session_end(ours, SESS_CLOSED, 0);
}


static void decide(struct session *s, const struct sip_msg *msg)
{
	struct session *ours = glare_find(s);
	struct cpm *cpm = s->cpm;
	enum cpm_answer answer;
	struct cpm_policy pol;

	policy_resolve(cpm->policy, &cpm->conf, s->src->aor,
		       s->src->org.peer, &pol);
	answer = s->src->deferred ? pol.deferred : pol.chat;

	if (!ready_is(cpm))
		wait_please(s, msg, "Message Store Not Ready");
	else if (cpm->host.dndh(cpm->host.arg) ||
		 answer == CPM_ANSWER_DECLINE)
		decline(s, msg);
	else if (ours)
		glare(ours, s, msg);
	else
		welcome(s, msg, answer == CPM_ANSWER_ASK);
}


/* Before anything is sent here: the server keeps it for another time */
static bool refuse_room(struct cpm *cpm, const char *aor,
			const struct sip_msg *msg)
{
	const int err = cpm_store_room(cpm->store, aor, 1);

	/* a store that is not ready has its own answer */
	if (!err || err == EAGAIN)
		return false;

	refuse(cpm, msg, 480, "Temporarily not available",
	       "Retry-After: 300\r\n");

	return true;
}


/** An INVITE that is ours */
struct invite {
	struct cpm *cpm;
	const struct sip_msg *msg;
	struct cpm_account acc;
	struct source *src;
	unsigned tags;
	struct mbuf *sdp;        /* NULL: it has none                       */
	struct first *first;     /* what came beside it, NULL: nothing      */
};


static void begin(const struct invite *inv)
{
	const struct sip_msg *msg = inv->msg;
	struct cpm *cpm = inv->cpm;
	struct session *s;
	int err;

	if (sessions_sender_full(cpm, inv->src)) {
		refuse(cpm, msg, 486, "Busy Here", NULL);
		return;
	}

	err = session_alloc(&s, cpm, inv->src, inv->acc.cuser);
	if (err) {
		refuse(cpm, msg, 500, "Server Internal Error", NULL);
		return;
	}

	if (timer_decode(s, msg)) {
		refuse(cpm, msg, 422, "Session Interval Too Small",
		       "Min-SE: 90\r\n");
		mem_deref(s);
		return;
	}

	err = leg_alloc(s, msg, inv->sdp);
	if (err == ENOMEM) {
		refuse(cpm, msg, 500, "Server Internal Error", NULL);
		mem_deref(s);
		return;
	}
	else if (err) {
		refuse(cpm, msg, 488, "Not Acceptable Here", NULL);
		mem_deref(s);
		return;
	}

	first_begin(inv->first, s);
	classify(s, msg, inv->tags);
	decide(s, msg);
}


/* The body is read before anything is made of it */
static void read_body(struct invite *inv)
{
	struct cpm *cpm = inv->cpm;

	switch (first_decode(&inv->first, &inv->sdp, cpm, inv->msg)) {

	case 0:
		begin(inv);
		break;

	case EBADMSG:
		refuse(cpm, inv->msg, 400, "Malformed Body", NULL);
		break;

	case ENOTSUP:
		refuse(cpm, inv->msg, 415, "Unsupported Media Type",
		       SESS_ACCEPT);
		break;

	case EMSGSIZE:
		refuse(cpm, inv->msg, 413, "Request Entity Too Large", NULL);
		break;

	default:
		refuse(cpm, inv->msg, 500, "Server Internal Error", NULL);
		break;
	}
}


static bool is_ours(unsigned tags)
{
	return tags & (TAG_SESSION | TAG_GROUP | TAG_LARGE | TAG_DEFERRED);
}


bool session_invite(struct cpm *cpm, const struct sip_msg *msg)
{
	struct invite inv = {.cpm = cpm, .msg = msg, .tags = tag_msg(msg)};
	bool answered;

	if (!is_ours(inv.tags))
		return false;

	if (!admit(&inv.acc, &answered, cpm, msg))
		return answered;

	inv.tags = admit_tags(cpm, inv.acc.aor, msg);
	if (!is_ours(inv.tags))
		return false;

	if (refuse_form(cpm, msg))
		return true;

	if (!refuse_room(cpm, inv.acc.aor, msg) &&
	    !source_decode(&inv.src, cpm, &inv.acc, msg))
		read_body(&inv);

	mem_deref(inv.src);
	mem_deref(inv.sdp);
	mem_deref(inv.first);

	return true;
}
