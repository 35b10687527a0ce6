/**
 * @file session.c  One delivery: invited, answered, bound, ended
 *
 * OMA CPM Conversation Functions, 7.3.12: the client answers the INVITE,
 * sets MSRP up after the ACK, and we say BYE when all is delivered.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "pf.h"
#include "net.h"


enum {
	TRY_WAIT    = 40 * 1000,  /* ms for an INVITE that nobody has but a
				     proxy, which may have died of late     */
	RING_WAIT   = 180 * 1000, /* until a client that rings is left      */
	BIND_WAIT   = 15 * 1000,  /* from the ACK to the first SEND         */
	NOACK_WAIT  = 60 * 1000,  /* longer than a client repeats its 200   */
	ANSWER_WAIT = 60 * 1000,  /* without an octet in either direction   */
	BYE_WAIT    = 2 * 1000,   /* our BYE may well find nobody           */
	LOST_WAIT   = 300,        /* the BYE that belongs to a closed TCP
				     connection comes another way           */
	DRAIN_WAIT  = 500,        /* the same the other way round           */
};


static void destructor(void *arg)
{
	struct session *sess = arg;

	list_unlink(&sess->le);
	tmr_cancel(&sess->tmr);
	tmr_cancel(&sess->tmr_sip);
	tmr_cancel(&sess->tmr_ack);
	sender_flush(sess);
	mem_deref(sess->conn);
	mem_deref(sess->req);
	mem_deref(sess->mreq);
	mem_deref(sess->breq);
	mem_deref(sess->dlg);
	mem_deref(sess->offer);
	mem_deref(sess->ans.path);
	mem_deref(sess->ans.fp);
	mem_deref(sess->path);
	mem_deref(sess->told);
	mem_deref(sess->route);
	mem_deref(sess->to);
	mem_deref(sess->next);
	mem_deref(sess->target);
	mem_deref(sess->sender);
	mem_deref(sess->party);
	mem_deref(sess->inl);
	mem_deref(sess->group);
	mem_deref(sess->uas);
	mem_deref(sess->pull);
	mem_deref(sess->take);
	mem_deref(sess->conv);
	mem_deref(sess->kept_contrib);
	mem_deref(sess->reply);
	list_flush(&sess->saidl);
	mem_deref(sess->said);
	mem_deref(sess->types);
	mem_deref(sess->wrapped);
}


/* What the client has not got of what this was for */
static uint64_t left(const struct session *sess)
{
	const struct pick pick = {
		.user = sess->user->name, .party = sess->party,
		.conv = sess->conv,
	};

	if (sess->pull)
		return keep_waiting(sess->pf->keep, sess->user, NULL);

	return sess->many ? keep_count(sess->pf->keep, sess->user->name)
		: keep_left(sess->pf->keep, &pick);
}


/* The very end, outside of all handlers of this session's objects */
static void finish_handler(void *arg)
{
	static const char *const by[] = {
		[BY_PF] = "pf", [BY_CLIENT] = "client", [BY_ERROR] = "error",
	};
	struct session *sess = arg;

	sess->state = SESS_ENDED;
	sender_flush(sess);
	mem_deref(sess->conn);

	if (sess->scode < 300 && !sess->take)
		event("ended to=%s by=%s delivered=%u left=%llu reason=%s",
		      sess->user->aor, by[sess->by], sess->send.delivered,
		      (unsigned long long)left(sess), sess->reason);

	deliver_ended(sess);
}


static void finish(struct session *sess)
{
	sess->state = SESS_ENDED;
	tmr_cancel(&sess->tmr_sip);
	tmr_start(&sess->tmr, 0, finish_handler, sess);
}


static void bye_resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	if (!err && msg->scode < 200)
		return;

	finish(arg);
}


/** End a delivery, with BYE if there is a dialog. @param reason NULL: as it
    was set before */
void session_end(struct session *sess, enum by by, const char *reason)
{
	if (sess->state >= SESS_LEAVING)
		return;

	uas_refuse(sess, 500);
	sess->by = by;
	if (reason)
		str_ncpy(sess->reason, reason, sizeof(sess->reason));
	sess->req = mem_deref(sess->req);
	tmr_cancel(&sess->tmr_sip);

	if (by == BY_CLIENT || sess->state <= SESS_INVITING ||
	    sess->state == SESS_DRAINING) {
		finish(sess);
		return;
	}
	if (by == BY_ERROR) {
		dialog_bye(sess, NULL);
		finish(sess);
		return;
	}

	sess->state = SESS_LEAVING;
	tmr_start(&sess->tmr, BYE_WAIT, finish_handler, sess);
	dialog_bye(sess, bye_resp_handler);
}


static void deadline_handler(void *arg)
{
	struct session *sess = arg;

	switch (sess->state) {

	case SESS_AUTH:
		session_end(sess, BY_ERROR, "relay");
		break;

	case SESS_INVITING:
		session_end(sess, BY_ERROR, "no final answer");
		break;

	case SESS_DRAINING:
		session_end(sess, BY_CLIENT, NULL);
		break;

	case SESS_ANSWERED:
		session_end(sess, BY_ERROR, sess->confirmed ? "no bind"
			    : "noack");
		break;

	default:
		session_end(sess, BY_ERROR, sess->conn ? "no answer"
			    : "connection closed");
		break;
	}
}


/** The MSRP connection is bound: messages may flow */
void session_estab(struct session *sess)
{
	if (sess->state != SESS_ANSWERED)
		return;

	/* our answer tells the client all that it needs */
	if (!sess->confirmed && !sess->uas)
		event("error text=%s", "MSRP before the ACK");

	sess->state = SESS_BOUND;
	if (sess->take) {
		tmr_cancel(&sess->tmr);
		return;
	}
	sess->pf->sessions++;
	event("established to=%s", sess->user->aor);
	session_alive(sess);
	conn_wake(sess->conn);
}


/** Something moved */
void session_alive(struct session *sess)
{
	/* who sends to us says when he is done */
	if (sess->state == SESS_BOUND && !sess->take)
		tmr_start(&sess->tmr, ANSWER_WAIT, deadline_handler, sess);
}


/** Everything is answered */
void session_done(struct session *sess)
{
	if (sess->pf->faults.on[FAULT_NOBYE])
		tmr_cancel(&sess->tmr);
	else
		session_end(sess, BY_PF, "complete");
}


/** The MSRP connection is closed */
void session_lost(struct session *sess, int err)
{
	(void)err;

	if (sess->state == SESS_DRAINING)
		session_end(sess, BY_CLIENT, NULL);
	else if (sess->state < SESS_LEAVING)
		tmr_start(&sess->tmr, LOST_WAIT, deadline_handler, sess);
}


/** The client said BYE */
void session_bye_recv(struct session *sess, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REASON);

	switch (sess->state) {

	case SESS_LEAVING:
		finish(sess);
		return;

	case SESS_AUTH:
	case SESS_INVITING:
	case SESS_ENDED:
		return;

	default:
		break;
	}

	sess->state = SESS_DRAINING;
	str_ncpy(sess->reason, "bye", sizeof(sess->reason));
	if (hdr)
		(void)pl_strcpy(&hdr->val, sess->reason,
				sizeof(sess->reason));
	if (sess->conn)
		tmr_start(&sess->tmr, DRAIN_WAIT, deadline_handler, sess);
	else
		session_end(sess, BY_CLIENT, NULL);
}


static void answer_event(struct session *sess, uint16_t scode,
			 const char *reason)
{
	if (scode < 300)
		event("answer to=%s code=%u reason=%s setup=%s dir=%s "
		      "port=%u tls=%u fp=%s",
		      sess->user->aor, scode, reason, sess->ans.setup,
		      sess->ans.dir, (unsigned)sa_port(&sess->ans.addr),
		      (unsigned)sess->ans.tls,
		      sess->ans.fp ? sess->ans.fp : "");
	else
		event("answer to=%s code=%u reason=%s", sess->user->aor,
		      scode, reason);
}


static void refused(struct session *sess, int err, const struct sip_msg *msg)
{
	char reason[64] = "timeout";

	if (err) {
		sess->scode = err == ETIMEDOUT ? 408 : 503;
		if (err != ETIMEDOUT)
			str_ncpy(reason, "transport", sizeof(reason));
	}
	else {
		sess->scode = msg->scode;
		(void)pl_strcpy(&msg->reason, reason, sizeof(reason));
	}

	answer_event(sess, sess->scode, reason);
	finish(sess);
}


/* Who connects (RFC 4145, 4; the client where nobody says so) */
static const char *msrp_start(struct session *sess)
{
	const char *setup = sess->ans.setup;
	bool active = !strcmp(setup, "passive");

	if (!strcmp(sess->setup, "active") && !*setup)
		active = true;
	if (!strcmp(setup, sess->setup))
		return "answer has the setup of the offer";
	if (sess->ans.tls != secure_wanted(sess->pf) ||
	    sess->ans.tls != !strncmp(sess->ans.path, "msrps:", 6))
		return "answer has another transport than the offer";

	tmr_start(&sess->tmr, BIND_WAIT, deadline_handler, sess);
	if (!active)
		return NULL;
	/* our relay goes there */
	if (sess->route) {
		conn_bind(sess);
		return NULL;
	}
	if (!sa_isset(&sess->ans.addr, SA_ALL))
		return "path of the answer is no address";

	return conn_open(sess, &sess->ans.addr, NULL) ? "connect" : NULL;
}


static void ack_handler(void *arg)
{
	struct session *sess = arg;

	dialog_ack(sess, sess->cseq);
}


static void accepted(struct session *sess, const struct sip_msg *msg)
{
	const bool *fault = sess->pf->faults.on;
	const char *why = NULL;
	char reason[64] = "";
	struct pl sdp;

	sess->scode = msg->scode;
	sess->state = SESS_ANSWERED;
	(void)pl_strcpy(&msg->reason, reason, sizeof(reason));
	pl_set_mbuf(&sdp, msg->mb);
	(void)sdp_answer_decode(&sess->ans, &sdp, &why);
	if (relay_path(sess))
		why = "no memory";
	answer_event(sess, msg->scode, reason);
	if (inline_accepted(sess))
		why = "database";

	if (fault[FAULT_NOACK]) {
		tmr_start(&sess->tmr, NOACK_WAIT, deadline_handler, sess);
		return;
	}

	sess->confirmed = true;
	sess->cseq = msg->cseq.num;
	if (fault[FAULT_LATEACK])
		tmr_start(&sess->tmr_ack, sess->pf->faults.arg[FAULT_LATEACK],
			  ack_handler, sess);
	else
		dialog_ack(sess, sess->cseq);
	if (sess->canceled) {
		session_end(sess, BY_PF, "cancel");
		return;
	}
	if (fault[FAULT_EARLYBYE]) {
		session_end(sess, BY_PF, "early-bye");
		return;
	}

	dialog_timer(sess, msg, true);
	if (!why)
		why = msrp_start(sess);
	if (why) {
		event("error text=%s", why);
		session_end(sess, BY_ERROR, why);
	}
}


/** The INVITE has its final answer */
void session_answered(struct session *sess, int err, const struct sip_msg *msg)
{
	tmr_cancel(&sess->tmr_sip);

	if (!err && msg->scode < 300) {
		err = sip_dialog_create(sess->dlg, msg);
		if (!err) {
			accepted(sess, msg);
			return;
		}
		event("error text=%s", "200 without usable Contact");
	}

	refused(sess, err, msg);
}


/** The INVITE of a client has been answered */
void session_pulled(struct session *sess)
{
	sess->state = SESS_ANSWERED;
	tmr_start(&sess->tmr, BIND_WAIT, deadline_handler, sess);
}


/** The ACK to that has come */
void session_acked(struct session *sess)
{
	if (sess->confirmed)
		return;

	sess->confirmed = true;
	uas_acked(sess);
	if (sess->pf->faults.on[FAULT_EARLYBYE] &&
	    (sess->state == SESS_ANSWERED || sess->state == SESS_BOUND)) {
		session_end(sess, BY_PF, "early-bye");
		return;
	}
	if (sess->state != SESS_ANSWERED)
		return;

	if (strcmp(sess->setup, "active"))
		return;
	else if (sess->route)
		conn_bind(sess);
	else if (conn_open(sess, &sess->ans.addr, NULL))
		session_end(sess, BY_ERROR, "connect");
}


/** The client itself has said something */
void session_rings(struct session *sess)
{
	if (sess->state == SESS_INVITING)
		tmr_start(&sess->tmr, RING_WAIT, deadline_handler, sess);
}


static void cancel_handler(void *arg)
{
	struct session *sess = arg;

	sess->canceled = true;
	sip_request_cancel(sess->req);
}


static int path_make(struct session *sess)
{
	const struct pf *pf = sess->pf;
	const bool tls = secure_wanted(pf);

	if (pf->opt.host)
		return re_sdprintf(&sess->path, "msrp%s://%s:%u/%s;tcp",
				   tls ? "s" : "", pf->opt.host,
				   sa_port(&pf->maddr), sess->sid);

	return re_sdprintf(&sess->path, "msrp%s://%J/%s;tcp", tls ? "s" : "",
			   &pf->maddr, sess->sid);
}


static int chat_set(struct session *sess, const struct chat_args *chat)
{
	int err = 0;

	sess->ordinary = true;
	sess->refuse = chat->refuse;
	str_ncpy(sess->dir, "sendrecv", sizeof(sess->dir));
	if (chat->types)
		err = str_dup(&sess->types, chat->types);
	if (!err && chat->wrapped)
		err = str_dup(&sess->wrapped, chat->wrapped);

	return err;
}


static int session_init(struct session *sess, const struct binding *bind,
			const struct kept *first)
{
	int err;

	err = str_dup(&sess->target, bind->uri);
	if (!err)
		err = str_dup(&sess->sender, first->sender);
	if (!err)
		err = str_dup(&sess->party, first->party ? first->party
			      : first->sender);
	if (!err && first->group)
		err = str_dup(&sess->group, first->group);
	if (!err)
		err = str_dup(&sess->conv, first->conv);
	/* a message by itself is still the one that its sender has sent */
	if (!err && sess->way == WAY_LARGE && first->contrib)
		err = str_dup(&sess->kept_contrib, first->contrib);
	if (!err && sess->way == WAY_LARGE && first->reply)
		err = str_dup(&sess->reply, first->reply);
	if (!err)
		err = deliver_scope(sess);
	if (!err && sess->way == WAY_INLINE)
		err = inline_set(sess, first);

	return err;
}


static int invite(struct session *sess)
{
	int err;

	sess->state = SESS_INVITING;
	sess->offer = mbuf_alloc(512);
	err = sess->offer ? sdp_offer_print(sess->offer, sess) : ENOMEM;
	if (!err)
		err = dialog_invite(sess);
	if (err)
		return err;

	tmr_start(&sess->tmr, TRY_WAIT, deadline_handler, sess);
	if (sess->pf->faults.on[FAULT_CANCEL])
		tmr_start(&sess->tmr_sip, sess->pf->faults.arg[FAULT_CANCEL],
			  cancel_handler, sess);
	return 0;
}


/** Our path is known: invite, or answer */
void session_invite(struct session *sess)
{
	if (sess->uas ? uas_answer(sess) : invite(sess))
		session_end(sess, BY_ERROR, "invite");
}


/** Allocate a session of a user, in the list of all. @return 0; ENOMEM */
int session_alloc(struct session **sp, struct user *user)
{
	struct session *sess = mem_zalloc(sizeof(*sess), destructor);
	struct pf *pf = user->pf;
	int err;

	if (!sess)
		return ENOMEM;

	sess->pf = pf;
	sess->user = user;
	list_append(&pf->sessl, &sess->le, sess);

	uuid_make(sess->contrib);
	token_make(sess->sid, sizeof(sess->sid));
	str_ncpy(sess->setup, pf->opt.setup, sizeof(sess->setup));
	sess->expires = pf->faults.on[FAULT_EXPIRES]
		? pf->faults.arg[FAULT_EXPIRES] : 1800;

	err = path_make(sess);
	if (err)
		mem_deref(sess);
	else
		*sp = sess;

	return err;
}


/** The pull of a user that runs, or NULL */
struct session *session_pull(const struct user *user)
{
	struct le *le;

	for (le = list_head(&user->pf->sessl); le; le = le->next) {
		struct session *sess = le->data;

		if (sess->user == user && sess->pull &&
		    sess->state < SESS_ENDED)
			return sess;
	}

	return NULL;
}


/**
 * Invite a user to take the messages of one conversation
 *
 * @param first The first of them
 * @param chat  An ordinary session with the sender of first; NULL: a delivery
 *
 * @return 0; errno
 */
int session_start(struct user *user, const struct binding *bind,
		  const struct kept *first, const struct chat_args *chat)
{
	struct session *sess;
	struct pf *pf = user->pf;
	int err;

	err = session_alloc(&sess, user);
	if (err)
		return err;

	sess->way = chat ? WAY_SESSION : first->way;
	sess->first = first->seq;
	sess->send.last = first->seq - 1;

	err = chat ? chat_set(sess, chat) : 0;
	if (!err)
		err = session_init(sess, bind, first);
	if (!err)
		err = pf->opt.relay ? relay_open(sess) : invite(sess);
	if (err) {
		mem_deref(sess);
		return err;
	}

	user->sess = sess;
	if (pf->opt.relay)
		tmr_start(&sess->tmr, BIND_WAIT, deadline_handler, sess);
	return 0;
}


/** The session that waits for MSRP on that path, or NULL */
struct session *session_find(const struct pf *pf, const struct pl *path)
{
	struct le *le;

	for (le = list_head(&pf->sessl); le; le = le->next) {
		struct session *sess = le->data;

		if (!pl_strcmp(path, sess->path))
			return sess->state == SESS_ANSWERED ? sess : NULL;
	}

	return NULL;
}
