/**
 * @file session.c  A CPM session: its states, its MSRP leg, its end
 *
 * Seed 7.3.12; wire.md 2. SIP: dialog.c; recognition and refusal: invite.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "composing.h"
#include "call.h"
#include "pull.h"
#include "chat_out.h"
#include "first.h"


enum {
	/* ms to wait for the other half of an orderly end: the last octets
	   after a BYE, the BYE after the connection was closed */
	LINGER = 1000,
};

#define TO(state) (1u << (state))
#define TO_END (TO(SESS_CLOSED) | TO(SESS_DECLINED) | TO(SESS_FAILED))

static const unsigned legal[SESS_STATE_MAX] = {
	[SESS_NEW]         = TO(SESS_ASKING) | TO(SESS_WAITING) |
			     TO(SESS_STORING) | TO(SESS_CALLING) |
			     TO(SESS_ACCEPTED) | TO_END,
	[SESS_ASKING]      = TO(SESS_WAITING) | TO(SESS_STORING) |
			     TO(SESS_ACCEPTED) | TO_END,
	[SESS_STORING]     = TO(SESS_WAITING) | TO(SESS_ACCEPTED) | TO_END,
	[SESS_WAITING]     = TO(SESS_CALLING) | TO(SESS_ACCEPTED) | TO_END,
	[SESS_CALLING]     = TO(SESS_ACCEPTED) | TO_END,
	[SESS_ACCEPTED]    = TO(SESS_CONNECTING) | TO_END,
	[SESS_CONNECTING]  = TO(SESS_ESTABLISHED) | TO_END,
	[SESS_ESTABLISHED] = TO(SESS_BYE_SEEN) | TO(SESS_TCP_GONE) | TO_END,
	[SESS_BYE_SEEN]    = TO_END,
	[SESS_TCP_GONE]    = TO_END,
};

static const enum cpm_sess_state on_bus[SESS_STATE_MAX] = {
	[SESS_NEW]         = CPM_SESS_ASKING,
	[SESS_ASKING]      = CPM_SESS_ASKING,
	[SESS_WAITING]     = CPM_SESS_WAITING,
	[SESS_CALLING]     = CPM_SESS_CALLING,
	[SESS_STORING]     = CPM_SESS_WAITING,
	[SESS_ACCEPTED]    = CPM_SESS_ACCEPTED,
	[SESS_CONNECTING]  = CPM_SESS_ACCEPTED,
	[SESS_ESTABLISHED] = CPM_SESS_ESTABLISHED,
	[SESS_BYE_SEEN]    = CPM_SESS_ESTABLISHED,
	[SESS_TCP_GONE]    = CPM_SESS_ESTABLISHED,
	[SESS_CLOSED]      = CPM_SESS_CLOSED,
	[SESS_DECLINED]    = CPM_SESS_DECLINED,
	[SESS_FAILED]      = CPM_SESS_FAILED,
};


static void destructor(void *arg)
{
	struct session *s = arg;

	sessions_remove(s);
	list_unlink(&s->ple);
	tmr_cancel(&s->tmr);
	tmr_cancel(&s->tmr_se);
	first_end(s);
	if (s->src)
		s->src->sess = NULL;
	mem_deref(s->msrp);
	mem_deref(s->comp);
	mem_deref(s->chat);
	mem_deref(s->takes);
	mem_deref(s->refresh);
	call_forget(s);
	mem_deref(s->sip);
	mem_deref(s->call);
	mem_deref(s->sdp);
	mem_deref(s->src);
	mem_deref(s->cuser);
	mem_deref(s->fingerprint);
	mem_deref(s->asked);
}


int session_alloc(struct session **sp, struct cpm *cpm, struct source *src,
		  const char *cuser)
{
	struct session *s;
	int err;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	tmr_init(&s->tmr);
	tmr_init(&s->tmr_se);
	s->cpm = cpm;
	s->src = mem_ref(src);
	s->src->sess = s;
	s->dir = SDP_RECVONLY;

	err = str_dup(&s->cuser, cuser);
	if (!err)
		err = sessions_add(s);
	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}


void session_move(struct session *s, enum sess_state state, uint16_t code)
{
	struct cpm_event ev = {.id = CPM_EV_SESSION};
	const bool asked = s->outgoing && s->state < SESS_ACCEPTED;
	/* the store is not waited for long enough to tell of it */
	const bool silent = state == SESS_STORING ||
		(s->state != SESS_NEW && s->state != SESS_STORING &&
		 on_bus[s->state] == on_bus[state]);

	if (!(legal[s->state] & TO(state)))
		return;

	s->state = state;
	s->code  = code;
	s->bound = s->bound || state == SESS_ESTABLISHED;
	if (silent)
		return;

	ev.account = s->src->aor;
	ev.u.session.session      = s->id;
	ev.u.session.state        = on_bus[state];
	ev.u.session.conversation = s->src->conversation;
	ev.u.session.deferred     = s->src->deferred;
	ev.u.session.code         = code;
	ev.u.session.messages     = s->src->messages;
	if (state == SESS_FAILED) {
		ev.u.session.reason  = s->reason;
		ev.u.session.refused = asked;
	}
	engine_event(s->cpm, &ev);
}


void session_established(struct session *s)
{
	session_move(s, SESS_ESTABLISHED, 0);
	msrp_sdp_rest(s->sdp);
	chat_out_session_up(s);
}


/* libre drops the transaction of an answer that it has no memory for, and
   then takes no other one: the request must not hang for that */
static void reject(struct session *s, uint16_t code)
{
	const char *reason = code == 400 ? "Malformed Message"
		: code == 415 ? "Unsupported Media Type"
		: "Temporarily not available";
	int err;

	if (s->state >= SESS_WAITING && code == 480)
		err = sipsess_reject(s->sip, code, s->state == SESS_WAITING
				     ? "Relay Not Reachable" : reason,
				     "Retry-After: %u\r\n"
				     "Content-Length: 0\r\n"
				     "\r\n", (uint32_t)CPM_RETRY_AFTER);
	else
		err = sipsess_reject(s->sip, code, reason,
				     "%s"
				     "Content-Length: 0\r\n"
				     "\r\n", code == 415 ? SESS_ACCEPT : "");
	if (err)
		(void)sip_treply(NULL, s->cpm->host.sip, s->asked, code,
				 reason);
}


void session_end(struct session *s, enum sess_state state, uint16_t code)
{
	const bool unanswered = s->state == SESS_ASKING ||
		s->state == SESS_WAITING || s->state == SESS_STORING;

	tmr_cancel(&s->tmr);
	tmr_cancel(&s->tmr_se);

	if (unanswered && s->sip)
		reject(s, code ? code : 480);

	composing_end(s);
	msrp_sess_close(s->msrp);
	session_move(s, state, code);
	pull_ended(s);
	chat_out_session_over(s, code, s->after, s->reason);
	mem_deref(s);
}


static void linger_handler(void *arg)
{
	session_end(arg, SESS_CLOSED, 0);
}


static void estab_handler(void *arg)
{
	struct source *src = arg;

	if (!src->sess)
		return;

	/* through our relay, the PF's first SEND may overtake its ACK, or its
	   200 */
	if (src->sess->state == SESS_ACCEPTED ||
	    src->sess->state == SESS_CALLING) {
		src->sess->early = true;
		return;
	}

	session_established(src->sess);
}


static void close_handler(int err, void *arg)
{
	struct source *src = arg;
	struct session *s = src->sess;

	if (!s)
		return;

	s->reason = msrp_strerror(err);

	switch (s->state) {

	case SESS_BYE_SEEN:
		session_end(s, SESS_CLOSED, 0);
		break;

	case SESS_ESTABLISHED:
		if (err) {
			session_end(s, err == ETIMEDOUT ? SESS_CLOSED
				    : SESS_FAILED, 0);
			break;
		}
		session_move(s, SESS_TCP_GONE, 0);
		tmr_start(&s->tmr, LINGER, linger_handler, s);
		break;

	default:
		session_end(s, SESS_FAILED, 0);
		break;
	}
}


const struct msrp_sess_h session_msrp_handlers = {
	.openh  = incoming_open,
	.datah  = incoming_data,
	.doneh  = incoming_done,
	.droph  = incoming_drop,
	.estabh = estab_handler,
	.closeh = close_handler,
};


int session_desc(struct mbuf **descp, struct session *s, bool offer)
{
	char fp[MSRP_FP_SIZE] = "";
	const struct msrp_local local = {
		.tls   = s->tls,
		.port  = msrp_sess_lport(s->msrp),
		.addr  = s->cpm->relay ? msrp_sess_laddr(s->msrp) : NULL,
		.dir   = s->dir,
		.setup = offer && s->outgoing && s->state < SESS_ACCEPTED
			? MSRP_SETUP_ACTPASS
			: s->passive ? MSRP_SETUP_PASSIVE : MSRP_SETUP_ACTIVE,
		.path  = msrp_sess_path(s->msrp),
		/* what was kept has no use for the other one */
		.accept_types = s->src->deferred ? "message/cpim"
			: "message/cpim " ISCOMP_TYPE,
		/* imdn+xml first and by name: servers look for it before they
		   deliver stored notifications (wire.md 2.4) */
		.accept_wrapped_types = "text/plain message/imdn+xml *",
		.fingerprint = fp,
		.max_size = s->cpm->conf.max_size,
		.cema = offer || msrp_sdp_remote(s->sdp)->cema,
	};
	int err = 0;

	/* a relay has a certificate of its own */
	if (s->tls && !s->cpm->relay)
		err = msrp_fingerprint(fp, sizeof(fp), s->cpm->msrp);
	if (err)
		return err;

	err = msrp_sdp_encode(descp, s->sdp, &local, offer);
	if (s->state >= SESS_ESTABLISHED)
		msrp_sdp_rest(s->sdp);

	return err;
}


/* What we may send (RFC 4975, 8.6). Many tell nothing of what they take in
   CPIM, and take it: so does whom we have no memory to remember it of */
static void takes_set(struct session *s, const struct msrp_remote *rem)
{
	s->takes = mem_deref(s->takes);
	if (s->src->deferred)
		return;

	s->peer_max = rem->max_size;
	if (rem->accept_wrapped_types)
		(void)re_sdprintf(&s->takes, "%s %s", rem->accept_types,
				  rem->accept_wrapped_types);
}


/* RFC 3264, 6.1: what the offer leaves; a delivery never sends */
void session_negotiated(struct session *s)
{
	const struct msrp_remote *rem = msrp_sdp_remote(s->sdp);
	unsigned dir = SDP_INACTIVE;

	if (rem->dir & SDP_SENDONLY)
		dir |= SDP_RECVONLY;
	if ((rem->dir & SDP_RECVONLY) && !s->src->deferred)
		dir |= SDP_SENDONLY;

	/* for one message of ours */
	if (s->outgoing && !s->src->deferred && s->src->mode == CPM_LARGE)
		dir &= SDP_SENDONLY;

	s->dir   = (enum sdp_dir)dir;
	s->forms = comp_forms(rem->accept_types, rem->accept_wrapped_types);
	takes_set(s, rem);
}


int session_reoffer(struct session *s, struct mbuf *mb)
{
	const struct msrp_remote *rem = msrp_sdp_remote(s->sdp);
	int err;

	err = msrp_sdp_decode(s->sdp, mb, true);
	if (err)
		return err;

	/* another path is another MSRP session, another certificate another
	   connection: this one cannot move */
	if (str_cmp(msrp_sess_peer(s->msrp), rem->path) ||
	    !msrp_types_accept(rem->accept_types, "message/cpim") ||
	    (s->tls && str_casecmp(s->fingerprint, rem->fingerprint)))
		return EPROTO;

	session_negotiated(s);

	return 0;
}


/* the connection's end or the linger timer closes it */
static void bye_seen(struct session *s)
{
	tmr_cancel(&s->tmr_se);
	session_move(s, SESS_BYE_SEEN, 0);
	tmr_start(&s->tmr, LINGER, linger_handler, s);
}


void session_sip_closed(struct session *s, int err)
{
	s->bye = err != ETIMEDOUT;

	switch (s->state) {

	case SESS_ASKING:
	case SESS_WAITING:
	case SESS_STORING:
		session_end(s, SESS_CLOSED, 487);  /* CANCEL */
		break;

	case SESS_ACCEPTED:
		/* no ACK, or BYE instead of it */
		session_end(s, err == ETIMEDOUT ? SESS_FAILED : SESS_CLOSED,
			    err == ETIMEDOUT ? 408 : 0);
		break;

	case SESS_ESTABLISHED:
		if (err == ETIMEDOUT)
			session_end(s, SESS_FAILED, 408);
		else
			bye_seen(s);
		break;

	default:
		session_end(s, SESS_CLOSED, 0);
		break;
	}
}


void session_close_all(struct cpm *cpm, const char *aor)
{
	struct le *le = cpm->sessl.head;

	while (le) {
		struct session *s = le->data;

		le = le->next;
		if (!aor || !str_cmp(aor, s->src->aor))
			session_end(s, s->asked ? SESS_DECLINED
				    : SESS_CLOSED, 0);
	}
}


void session_pause(struct session *s)
{
	if (!s || s->ple.list)
		return;

	list_append(&s->cpm->pausedl, &s->ple, s);
	msrp_sess_pause(s->msrp, true);
}


void session_resume_all(struct cpm *cpm)
{
	while (cpm->pausedl.head) {
		struct session *s = cpm->pausedl.head->data;

		list_unlink(&s->ple);
		msrp_sess_pause(s->msrp, false);
	}
}


int cpm_accept(struct cpm *cpm, uint32_t session)
{
	struct session *s = sessions_find(cpm, session);

	if (!s)
		return ENOENT;
	if (s->state != SESS_ASKING)
		return EPROTO;

	return session_answer(s);
}


int cpm_decline(struct cpm *cpm, uint32_t session)
{
	struct session *s = sessions_find(cpm, session);

	if (!s)
		return ENOENT;
	if (s->state != SESS_ASKING)
		return EPROTO;

	session_end(s, SESS_DECLINED, 480);

	return 0;
}


int cpm_sess_close(struct cpm *cpm, uint32_t session)
{
	struct session *s = sessions_find(cpm, session);

	if (!s)
		return ENOENT;
	s->unwanted = true;
	session_end(s, s->asked ? SESS_DECLINED : SESS_CLOSED,
		    s->asked ? 480 : 0);

	return 0;
}


void cpm_sessions(const struct cpm *cpm, cpm_sess_h *h, void *arg)
{
	struct le *le;

	if (!cpm || !h)
		return;

	for (le = cpm->sessl.head; le; le = le->next) {
		const struct session *s = le->data;
		struct msrp_stats stats = {.bytes = 0};
		struct cpm_sess_info info = {
			.session   = s->id,
			.account   = s->src->aor,
			.peer      = s->src->org.peer,
			.incoming  = !s->outgoing,
			.deferred  = s->src->deferred,
			.state     = on_bus[s->state],
			.transport = s->tls ? "tls" : "tcp",
			.messages  = s->src->messages,
		};

		if (s->msrp)
			msrp_sess_stats(s->msrp, &stats);
		info.bytes = stats.bytes;
		h(&info, arg);
	}
}


const char *cpm_sess_state_name(enum cpm_sess_state state)
{
	switch (state) {

	case CPM_SESS_ASKING:      return "asking";
	case CPM_SESS_ACCEPTED:    return "accepted";
	case CPM_SESS_ESTABLISHED: return "established";
	case CPM_SESS_CLOSED:      return "closed";
	case CPM_SESS_DECLINED:    return "declined";
	case CPM_SESS_FAILED:      return "failed";
	case CPM_SESS_WAITING:     return "waiting";
	case CPM_SESS_CALLING:     return "calling";
	default:                   return "?";
	}
}
