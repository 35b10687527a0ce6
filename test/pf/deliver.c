/**
 * @file deliver.c  Who gets what, and when
 *
 * A round goes through all conversations of a user that have something kept,
 * one session after another, oldest first. It stops when the client cannot be
 * reached or a session breaks: what is left waits for the next REGISTER. A
 * conversation that the client declines is left for the next round.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


static int deliver_next(struct user *user)
{
	const struct binding *bind = user_binding(user);
	struct kept *first = NULL;
	int err;

	if (user->sess)
		return 0;
	if (!bind)
		return ENOTCONN;

	err = keep_conv_next(&first, user->pf->keep, user->name, user->pos,
			     user->upto);
	if (err)
		return err;

	user->pos = first->seq;
	err = session_start(user, bind, first, NULL);
	if (err)
		event("error text=%s", "INVITE could not be sent");

	mem_deref(first);
	return err;
}


/** Begin a round. While one runs, it is enough to let it go on to the end.
    @return 0; ENOENT: nothing is kept; ENOTCONN: not registered; errno */
int deliver_start(struct user *user)
{
	const struct pf *pf = user->pf;

	user->upto = pf->auto_on ? UINT64_MAX : keep_last(pf->keep);
	if (user->sess) {
		conn_wake(user->sess->conn);
		return 0;
	}

	user->pos = 0;
	user->again = false;
	return deliver_next(user);
}


static void tmr_handler(void *arg)
{
	(void)deliver_start(arg);
}


/** A user has registered. @param uri Contact */
void deliver_registered(struct user *user, const char *uri)
{
	struct session *sess = user->sess;

	if (!user->pf->auto_on)
		return;

	if (!sess) {
		/* the 200 to the REGISTER goes first */
		tmr_start(&user->tmr, 0, tmr_handler, user);
		return;
	}

	/* one who comes from elsewhere has forgotten an INVITE, and the MSRP
	   connection that was to follow his answer */
	user->again = true;
	if (strcmp(sess->target, uri) &&
	    (sess->state == SESS_INVITING ||
	     (sess->state == SESS_ANSWERED && !sess->conn)))
		session_end(sess, BY_ERROR, "registered anew");
}


/** A message has been kept */
void deliver_kept(struct user *user)
{
	if (user->pf->auto_on && user_binding(user))
		(void)deliver_start(user);
}


/* Another conversation may fare better */
static bool goes_on(const struct session *sess)
{
	if (sess->scode >= 300)
		return sess->scode != 408 && sess->scode / 100 != 5;

	return sess->by == BY_PF && !strcmp(sess->reason, "complete");
}


/** A session has ended. It is freed here. */
void deliver_ended(struct session *sess)
{
	struct user *user = sess->user;
	const bool next = !sess->ordinary && goes_on(sess);

	user->sess = mem_deref(user->sess);

	if (next)
		(void)deliver_next(user);
	else if (user->again)
		(void)deliver_start(user);
}
