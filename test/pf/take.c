/**
 * @file take.c  A session with who is not here: we take what is sent
 *
 * As the server in his place we accept (recvonly), keep each message, and
 * deliver it when he is back. Who is here again is talked to by himself: the
 * session ends as soon as nothing is half way.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "net.h"


static void destructor(void *arg)
{
	struct take *take = arg;

	mem_deref(take->inbox);
	mem_deref(take->contrib);
	mem_deref(take->reply);
}


/** Say what an INVITE was answered with */
void take_event(const struct session *sess, const struct sip_msg *msg,
		uint16_t code)
{
	char call[257] = "";

	(void)pl_strcpy(&msg->callid, call, sizeof(call));
	event("take to=%s from=%s call=%s code=%u way=%s conv=%s contrib=%s "
	      "reply=%s", sess->user->aor, sess->sender ? sess->sender : "",
	      call, code, way_name(sess->take->way),
	      sess->conv ? sess->conv : "",
	      sess->take->contrib ? sess->take->contrib : "",
	      sess->take->reply ? sess->take->reply : "");
}


static int header_dup(char **strp, const struct sip_msg *msg, const char *name)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, name);

	return hdr && hdr->val.l ? pl_strdup(strp, &hdr->val) : 0;
}


static int take_alloc(struct session *sess, const struct sip_msg *msg,
		      enum way way)
{
	struct take *take = mem_zalloc(sizeof(*take), destructor);
	int err;

	if (!take)
		return ENOMEM;

	sess->take = take;
	take->sess = sess;
	take->way = way;
	sess->way = way;
	sess->ordinary = true;
	str_ncpy(sess->dir, "recvonly", sizeof(sess->dir));
	err = inbox_alloc(&take->inbox, sess);
	if (!err)
		err = pl_strdup(&sess->sender, &msg->from.auri);
	if (!err)
		err = str_dup(&sess->party, sess->sender);
	if (!err)
		err = header_dup(&sess->conv, msg, "Conversation-ID");
	if (!err && !sess->conv)
		err = str_dup(&sess->conv, NO_CONV);
	if (!err)
		err = header_dup(&take->contrib, msg, "Contribution-ID");
	if (!err)
		err = header_dup(&take->reply, msg,
				 "InReplyTo-Contribution-ID");

	return err ? err : uas_alloc(sess, msg);
}


/* @return 0, or the code that refuses */
static uint16_t offer_check(struct session *sess, const struct sip_msg *msg)
{
	const char *why = NULL;
	struct pl sdp;

	/* a message inside would get lost */
	if (!pl_strcasecmp(&msg->ctyp.type, "multipart"))
		return 415;

	pl_set_mbuf(&sdp, msg->mb);
	(void)sdp_answer_decode(&sess->ans, &sdp, &why);
	if (!why && (!strcmp(sess->ans.dir, "recvonly") ||
		     !strcmp(sess->ans.dir, "inactive")))
		why = "who offers that does not send";
	if (!why && sess->ans.tls != secure_wanted(sess->pf))
		why = "transport of the offer is not ours";
	if (why)
		event("error text=%s", why);

	uas_setup(sess);
	return why ? 488 : 0;
}


/** Take the place of a user who is not here. @param way Of what is sent */
void take_recv(struct user *user, const struct sip_msg *msg, enum way way)
{
	struct session *sess;
	uint16_t code;
	int err;

	err = session_alloc(&sess, user);
	if (err) {
		event("error text=%s", "no memory");
		return;
	}

	err = take_alloc(sess, msg, way);
	if (err) {
		event("error text=%s", "no memory");
		mem_deref(sess);
		return;
	}
	code = offer_check(sess, msg);
	if (!code && uas_start(sess, msg))
		code = 500;
	if (code) {
		uas_refuse(sess, code);
		mem_deref(sess);
	}
}


/** It has ended, and is freed here */
void take_ended(struct session *sess)
{
	static const char *const by[] = {
		[BY_PF] = "pf", [BY_CLIENT] = "client", [BY_ERROR] = "error",
	};

	event("taken to=%s from=%s count=%u by=%s reason=%s",
	      sess->user->aor, sess->sender, sess->take->count,
	      by[sess->by], sess->reason);
	mem_deref(sess);
}


/** A user is back: they may talk to him */
void take_registered(struct user *user)
{
	struct le *le = list_head(&user->pf->sessl);

	while (le) {
		struct session *sess = le->data;

		le = le->next;
		if (sess->user == user && sess->take &&
		    sess->state == SESS_BOUND &&
		    inbox_isempty(sess->take->inbox))
			session_end(sess, BY_PF, "he is back");
	}
}
