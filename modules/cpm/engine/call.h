/**
 * @file call.h  An INVITE of ours
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CALL_H
#define CALL_H

struct session;
struct calling;

/** What is to be asked for. Borrowed, but for part. */
struct call {
	const char *uri;         /* Request-URI and To                      */
	const char *service;     /* last part of the ICSI: "session"        */
	const char *conversation_id;  /* NULL: a fresh one                  */
	const char *contribution_id;  /* NULL: a fresh one                  */
	const char *in_reply_to; /* Contribution-ID; NULL: none             */
	const char *ptype;       /* of what goes with the SDP               */
	struct mbuf *part;       /* that, from pos on; NULL: nothing        */
};

/**
 * Invite (wire.md 7). It leaves now, or once our relay is there. Challenges,
 * redirections and longer session timers are followed, CPM_CALLS INVITEs in
 * all; then it is over, FAILED, with the code and reason of the last answer.
 *
 * Of a source that is no delivery the origin is completed: the ids that go out,
 * and whom it is to, as far as the caller has not set them.
 *
 * @param sp   Borrowed: it ends by itself
 * @param src  Where its messages come from: referenced
 * @param dir  Of our offer
 *
 * @return 0: events tell the rest; EHOSTUNREACH: our relay refuses, or there
 *         is no way to the server; ENOTSUP: MSRP over TLS is asked for and
 *         there is none; EINVAL: uri is none; ENOMEM; errno of a socket
 */
int call_start(struct session **sp, struct cpm *cpm,
	       const struct cpm_account *acc, struct source *src,
	       enum sdp_dir dir, const struct call *call);

/** The relay is there, or there is none: send it. @return 0; errno */
int call_send(struct session *s);

/** A response to an INVITE comes, ours or not; before libre looks at it */
void call_response(struct cpm *cpm, const struct sip_msg *msg);

/** A description as this dialog's Content-Type has it: alone, or in a
    multipart as in the INVITE, for libre keeps to one type in a dialog
    @param descp replaced. @return 0; ENOMEM */
int call_wrap(struct mbuf **descp, const struct session *s);

/** Whom we call is not to ask for us any more: before the session goes */
void call_forget(struct session *s);

#endif
