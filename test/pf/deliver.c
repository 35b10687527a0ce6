/**
 * @file deliver.c  Who gets what, and when
 *
 * A round goes through all conversations of a user that have something kept:
 * each is a lane, in which messages keep their order. MSRP sessions run one
 * after another, oldest lane first; MESSAGEs of several lanes beside them. A
 * round stops when the client cannot be reached or a session breaks: what is
 * left waits for the next REGISTER. A lane that the client declines is left
 * for the next round.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"
#include "net.h"


enum {
	PAGE_WINDOW = 8,         /* MESSAGEs on their way to one user      */
	AGAIN_WAIT  = 500,       /* ms: a round still runs                 */
};


static void lane_destructor(void *arg)
{
	struct lane *lane = arg;

	list_unlink(&lane->le);
	mem_deref(lane->party);
	mem_deref(lane->conv);
}


static struct lane *lane_find(const struct user *user, const char *party,
			      const char *conv)
{
	struct le *le;

	for (le = list_head(&user->lanel); le; le = le->next) {
		struct lane *lane = le->data;

		if (!strcmp(lane->party, party) && !strcmp(lane->conv, conv))
			return lane;
	}

	return NULL;
}


static int lane_handler(const char *party, const char *conv, void *arg)
{
	struct user *user = arg;
	struct lane *lane;
	int err;

	if (lane_find(user, party, conv))
		return 0;

	lane = mem_zalloc(sizeof(*lane), lane_destructor);
	if (!lane)
		return ENOMEM;

	lane->user = user;
	err = str_dup(&lane->party, party);
	if (!err)
		err = str_dup(&lane->conv, conv);
	if (err)
		mem_deref(lane);
	else
		list_append(&user->lanel, &lane->le, lane);

	return err;
}


static int lane_next(struct kept **mp, const struct lane *lane,
		     uint64_t after)
{
	const struct user *user = lane->user;
	const struct pick pick = {
		.user = user->name, .party = lane->party,
		.conv = lane->conv, .after = after, .upto = user->upto,
	};

	return expire_next(mp, user->pf, &pick);
}


static void round_stop(struct user *user)
{
	list_flush(&user->lanel);
	user->failed = true;
}


static uint32_t window(const struct pf *pf, uint32_t n)
{
	return pf->faults.on[FAULT_BURST] ? pf->faults.arg[FAULT_BURST] : n;
}


/* This one, and with FAULT_REORDER the one behind it before it */
static int page_start(struct lane *lane, struct kept *m,
		      const struct binding *bind)
{
	struct kept *second = NULL;
	int err = 0;

	lane->last = m->seq;
	if (lane->user->pf->faults.on[FAULT_REORDER] &&
	    !lane_next(&second, lane, m->seq) &&
	    way_of(lane->user, second) == way_of(lane->user, m)) {
		lane->last = second->seq;
		err = pager_send(lane, second, bind);
	}
	if (!err)
		err = pager_send(lane, m, bind);

	mem_deref(second);
	return err;
}


/* Send what its turn is. @return 0: that was done; EAGAIN: not now; ENOENT:
   the lane is empty; errno */
static int lane_start(struct lane *lane, const struct binding *bind)
{
	struct user *user = lane->user;
	struct kept *m = NULL;
	enum way way;
	int err;

	if (lane->busy >= window(user->pf, 1) || lane->held || lane->stopped)
		return EAGAIN;

	err = lane_next(&m, lane, lane->last);
	if (err)
		return err == ENOENT && lane->busy ? EAGAIN : err;

	way = way_choose(lane, m);
	if (way == WAY_PULL) {
		lane->last = m->seq;
	}
	else if (way == WAY_PAGE) {
		if (list_count(&user->pagel) >= window(user->pf, PAGE_WINDOW))
			err = EAGAIN;
		else
			err = page_start(lane, m, bind);
	}
	else if (user->sess || lane->busy ||
		 (way == WAY_ALL && user->all_off)) {
		err = EAGAIN;
	}
	else {
		m->way = way;
		err = session_start(user, bind, m, NULL);
		if (!err)
			lane->held = true;
	}
	if (err && err != EAGAIN)
		event("error text=%s", way == WAY_PAGE
		      ? "MESSAGE could not be sent"
		      : "INVITE could not be sent");

	mem_deref(m);
	return err;
}


/* Start what can be started now */
static int round_run(struct user *user)
{
	const struct binding *bind = user_binding(user);
	struct le *le = list_head(&user->lanel);
	int err;

	if (!bind) {
		round_stop(user);
		return ENOTCONN;
	}

	while (le) {
		struct lane *lane = le->data;
		struct le *next = le->next;

		do {
			err = lane_start(lane, bind);
		} while (!err);
		if (err != EAGAIN && err != ENOENT) {
			round_stop(user);
			return err;
		}
		/* who started this may still hold it */
		if (err == ENOENT) {
			list_unlink(&lane->le);
			mem_deref(lane);
		}
		le = next;
	}

	return 0;
}


static bool any_stopped(const struct user *user)
{
	struct le *le;

	for (le = list_head(&user->lanel); le; le = le->next) {
		const struct lane *lane = le->data;

		if (lane->stopped)
			return true;
	}

	return false;
}


/* Go on, and see whether that was all */
static int round_go(struct user *user)
{
	const int err = round_run(user);
	bool anew;

	if (user->sess || !list_isempty(&user->pagel))
		return err;

	/* declined ones are left, but for who has registered since: it may
	   have been nobody any more who declined */
	anew = user->again && (user->failed || any_stopped(user));
	list_flush(&user->lanel);
	if (anew)
		return deliver_start(user);

	expire_sweep(user->pf);
	return err;
}


/** Begin a round. While one runs, it is enough to let it go on to the end.
    @return 0; ENOENT: nothing is kept; ENOTCONN: not registered; errno */
int deliver_start(struct user *user)
{
	const struct pf *pf = user->pf;
	int err;

	(void)announce_news(user);
	user->upto = pf->auto_on ? UINT64_MAX : keep_last(pf->keep);
	if (user->sess)
		conn_wake(user->sess->conn);
	else if (list_isempty(&user->pagel)) {
		user->again = user->failed = user->all_off = false;
		list_flush(&user->lanel);
	}
	/* what is still on its way must not be sent a second time */
	if (user->failed) {
		user->again = true;
		return 0;
	}

	err = keep_lanes(pf->keep, user->name, user->upto, lane_handler,
			 user);
	if (err)
		return err;
	if (list_isempty(&user->lanel))
		return user_binding(user) ? ENOENT : ENOTCONN;

	return round_go(user);
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

	tmr_cancel(&user->tmr_retry);
	pager_moved(user, uri);
	take_registered(user);
	if (!sess && list_isempty(&user->pagel)) {
		/* the 200 to the REGISTER goes first */
		tmr_start(&user->tmr, 0, tmr_handler, user);
		return;
	}

	/* one who comes from elsewhere has forgotten an INVITE, and the MSRP
	   connection that was to follow his answer */
	user->again = true;
	if (sess && strcmp(sess->target, uri) &&
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
static bool code_goes_on(uint16_t scode)
{
	return scode != 408 && scode / 100 != 5;
}


static bool goes_on(const struct session *sess)
{
	if (sess->scode >= 300)
		return code_goes_on(sess->scode);

	return sess->by == BY_PF && !strcmp(sess->reason, "complete");
}


/* What the session was for, as far as the round still knows it */
static void lane_release(const struct session *sess)
{
	struct lane *lane = lane_find(sess->user, sess->party, sess->conv);

	if (!lane)
		return;

	lane->held = false;
	lane->last = MAX(lane->last, sess->send.last);
	if (sess->scode >= 300)
		lane->stopped = true;
}


/** What a session is for: of one conversation, or of many; one message only,
    or more. @return 0; EIO; ENOMEM */
int deliver_scope(struct session *sess)
{
	const struct user *user = sess->user;
	struct pick pick = {
		.user = user->name, .after = 0, .upto = user->upto,
	};
	struct kept *m = NULL;
	int err;

	sess->single = true;
	if (sess->way != WAY_ALL && sess->way != WAY_INLINE)
		return 0;

	while (!(err = keep_next(&m, user->pf->keep, &pick))) {
		const bool same = !strcmp(sess->conv, m->conv) &&
			!strcmp(sess->party, m->group ? m->group : m->sender);

		if (sess->way == way_of(user, m) && m->seq != sess->first) {
			sess->single = sess->single && !same;
			sess->many = sess->many ||
				(!same && sess->way == WAY_ALL);
		}
		pick.after = m->seq;
		m = mem_deref(m);
	}
	/* others come before the first of this conversation */
	if (sess->many)
		sess->send.last = 0;

	return err == ENOENT ? 0 : err;
}


/** The next message for a session. @return 0; ENOENT; EIO; ENOMEM */
int deliver_next(struct kept **mp, struct session *sess, uint64_t after)
{
	const struct user *user = sess->user;
	struct pick pick = {
		.user = user->name, .party = sess->many ? NULL : sess->party,
		.conv = sess->conv, .after = after, .upto = user->upto,
	};
	int err;

	if (sess->pull)
		return pull_next(mp, sess, after);
	/* that one was all of it */
	if (sess->way == WAY_LARGE && after >= sess->first)
		return ENOENT;

	for (;;) {
		enum way way;

		err = expire_next(mp, user->pf, &pick);
		if (err)
			return err;

		way = way_of(user, *mp);
		if (way == sess->way || (way == WAY_AUTO && !sess->many))
			return 0;

		/* a lane keeps its order; many know of none */
		pick.after = (*mp)->seq;
		*mp = mem_deref(*mp);
		if (!sess->many)
			return ENOENT;
	}
}


/** A session has ended. It is freed here. */
void deliver_ended(struct session *sess)
{
	struct user *user = sess->user;
	const bool ordinary = sess->ordinary, good = goes_on(sess);

	if (sess->take) {
		take_ended(sess);
		return;
	}
	if (sess->pull) {
		/* what was not fetched is announced again */
		if (sess->scode < 300 && !good)
			user->told = 0;
		mem_deref(sess);
		return;
	}
	if (!ordinary) {
		lane_release(sess);
		if (sess->way == WAY_ALL && sess->scode >= 300)
			user->all_off = true;
	}
	user->sess = mem_deref(user->sess);

	if (!ordinary && !good)
		round_stop(user);
	/* what he was told on registering again is still to be done */
	if (ordinary && user->again)
		user->failed = true;
	(void)round_go(user);
}


static void retry_handler(void *arg)
{
	struct user *user = arg;

	if (user->sess || !list_isempty(&user->pagel)) {
		tmr_start(&user->tmr_retry, AGAIN_WAIT, retry_handler, user);
		return;
	}

	event("retry user=%s", user->name);
	(void)deliver_start(user);
}


/**
 * A MESSAGE has its final answer
 *
 * @param scode That; 408 when there was none
 * @param after Retry-After in seconds, 0: none
 */
void deliver_paged(struct lane *lane, uint16_t scode, uint32_t after)
{
	struct user *user = lane->user;

	lane->busy--;
	if (scode >= 300)
		lane->stopped = true;
	if (scode >= 300 && !code_goes_on(scode))
		round_stop(user);
	if (after && (!tmr_isrunning(&user->tmr_retry) ||
		      tmr_get_expire(&user->tmr_retry) > after * 1000ULL))
		tmr_start(&user->tmr_retry, after * 1000ULL, retry_handler,
			  user);

	(void)round_go(user);
}
