/**
 * @file timer.c  The session timer
 *
 * RFC 4028. A re-INVITE or UPDATE of the peer counts as a refresh; ours is an
 * UPDATE, if the peer takes that.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "call.h"


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


/* Does it take UPDATE? */
static bool updates(const struct sip_msg *msg)
{
	return sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "UPDATE");
}


int timer_decode(struct session *s, const struct sip_msg *msg)
{
	s->updates = updates(msg);
	if (!sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer") &&
	    !sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "timer"))
		return 0;

	return expires_decode(s, msg, "uas");
}


void timer_answered(struct session *s, const struct sip_msg *msg)
{
	s->updates = updates(msg);
	/* a server that has none, or one that cannot be, keeps no time */
	(void)expires_decode(s, msg, "uac");
}


int timer_update(struct session *s, const struct sip_msg *msg, bool *timed)
{
	const uint32_t expires = s->expires;
	const bool refresher = s->refresher;

	*timed = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES) != NULL;
	if (!*timed || !expires_decode(s, msg, "uas"))
		return 0;

	s->expires   = expires;
	s->refresher = refresher;

	return EOVERFLOW;
}


/*
 * A refresh of ours
 */

/* With the interval it needs an UPDATE: libre's re-INVITE takes no header */
struct refresh {
	struct session *s;       /* it owns us                              */
	struct sip_request *req;
	struct sip_auth *auth;
	unsigned asked;          /* times that it was asked who we are      */
};


static void destructor(void *arg)
{
	struct refresh *r = arg;

	mem_deref(r->req);
	mem_deref(r->auth);
}


static int auth_handler(char **user, char **pass, const char *realm,
			void *arg)
{
	struct refresh *r = arg;
	const struct cpm_host *host = &r->s->cpm->host;

	return host->authh(user, pass, realm, r->s->src->aor, host->arg);
}


/* An older way, for whom does not know the other one */
static void reinvite(struct session *s)
{
	struct mbuf *desc = NULL;

	if (s->sip && !session_desc(&desc, s, true) && !call_wrap(&desc, s))
		(void)sipsess_modify(s->sip, desc);

	mem_deref(desc);
}


static int send_handler(enum sip_transp tp, const struct sa *src,
			const struct sa *dst, struct mbuf *mb, void *arg)
{
	const struct refresh *r = arg;
	struct sip_contact contact;
	(void)dst;

	sip_contact_set(&contact, r->s->cuser, src, tp);

	return mbuf_printf(mb, "%H", sip_contact_print, &contact);
}


static void response_handler(int err, const struct sip_msg *msg, void *arg);


static int update(struct refresh *r)
{
	struct session *s = r->s;

	return sip_drequestf(&r->req, s->cpm->host.sip, true, "UPDATE",
			     sipsess_dialog(s->sip), 0, r->auth,
			     send_handler, response_handler, r,
			     "Supported: timer\r\n"
			     "Session-Expires: %u;refresher=uac\r\n"
			     "Min-SE: %u\r\n"
			     "Content-Length: 0\r\n"
			     "\r\n", s->expires, (uint32_t)CPM_MIN_SE);
}


/* Asked again, once for each reason that a server may have
   @return true: it was sent once more */
static bool again(struct refresh *r, const struct sip_msg *msg)
{
	struct session *s = r->s;
	const struct sip_hdr *hdr;

	if (++r->asked > CPM_AUTH_MAX)
		return false;

	if (msg->scode == 401 || msg->scode == 407)
		return !sip_auth_authenticate(r->auth, msg) && !update(r);

	hdr = sip_msg_hdr(msg, SIP_HDR_MIN_SE);
	if (msg->scode != 422 || !hdr || pl_u32(&hdr->val) <= s->expires ||
	    pl_u32(&hdr->val) > CPM_SE_MAX)
		return false;

	s->expires = pl_u32(&hdr->val);

	return !update(r);
}


static void settle(struct session *s, uint16_t scode,
		   const struct sip_msg *msg)
{
	/* RFC 4028, 10: there is no session any more */
	if (scode == 408 || scode == 481) {
		session_end(s, SESS_CLOSED, scode);
		return;
	}

	if (scode < 300) {
		(void)sip_dialog_update(sipsess_dialog(s->sip), msg);
		if (sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES))
			(void)expires_decode(s, msg, "uac");
		timer_start(s);
		return;
	}

	/* the next refresh, too, is better the other way */
	s->updates = false;
	reinvite(s);
}


static void response_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct refresh *r = arg;
	struct session *s = r->s;

	if (!err && (msg->scode < 200 ||
		     (msg->scode >= 300 && again(r, msg))))
		return;

	s->refresh = mem_deref(r);
	/* the end of SIP itself ends the session otherwise */
	if (err != ECONNABORTED && s->sip)
		settle(s, err ? 408 : msg->scode, msg);
}


/* @return 0; errno: it was not begun */
static int refresh(struct session *s)
{
	struct refresh *r;
	int err;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;

	r->s = s;
	err = sip_auth_alloc(&r->auth, auth_handler, r, false);
	if (!err)
		err = update(r);
	if (err)
		mem_deref(r);
	else
		s->refresh = r;

	return err;
}


void timer_refresh(struct session *s)
{
	/* the one before is not answered yet */
	if (!s->sip || s->refresh)
		return;

	if (!s->updates || refresh(s))
		reinvite(s);
}


static void refresh_handler(void *arg)
{
	struct session *s = arg;

	timer_refresh(s);
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
