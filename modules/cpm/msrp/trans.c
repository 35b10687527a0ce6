/**
 * @file trans.c  Requests of ours that wait for their answer (RFC 4975, 7.2)
 *
 * They are kept by connection, in the order in which they left. All have the
 * same time to wait, so that the first one is the first to run out: one timer
 * does for all.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


enum {
	TRANS_HASH = 64,  /* kept only while something waits: an idle
			     connection has none                           */
};


static void destructor(void *arg)
{
	msrp_trans_stop(arg);
}


/**
 * Wait no longer; the handler is not called any more
 */
void msrp_trans_stop(struct msrp_trans *tr)
{
	struct msrp_conn *conn = tr->conn;

	if (!conn)
		return;

	tr->conn = NULL;
	hash_unlink(&tr->he);
	list_unlink(&tr->le);
	if (!conn->transl.head) {
		conn->transh = mem_deref(conn->transh);
		tmr_cancel(&conn->tmr_trans);
	}
}


static void trans_done(struct msrp_trans *tr, int err,
		       const struct msrp_head *head)
{
	msrp_trans_h *transh = tr->transh;
	void *arg = tr->arg;

	msrp_trans_stop(tr);
	transh(err, head, arg);
}


static void tmr_handler(void *arg)
{
	struct msrp_conn *conn = arg;
	const uint64_t now = tmr_jiffies();
	struct msrp_trans *tr;
	struct le *le;

	/* the answers may be here, and we do not look at them */
	for (le = conn->transl.head; le && conn->stopped; le = le->next) {
		tr = le->data;
		tr->due = now + conn->msrp->conf.trans_timeout;
	}

	mem_ref(conn);
	while ((tr = list_ledata(conn->transl.head)) && tr->due <= now)
		trans_done(tr, ETIMEDOUT, NULL);
	if (tr && conn->msrp)
		tmr_start(&conn->tmr_trans, tr->due - now, tmr_handler, conn);
	mem_deref(conn);
}


/**
 * Wait for the answer to a request. It ends with one call of the handler:
 * with the head of the answer; with ETIMEDOUT after conf.trans_timeout; or
 * with ENOTCONN when the connection has ended. The handler may do anything,
 * tr is not touched after it.
 *
 * @param tr   Its memory is the caller's, zeroed or stopped;
 *             msrp_trans_stop() it before it goes
 * @param conn Connection on which the request leaves
 * @param tid  Transaction id of the request, copied
 *
 * @return 0; EINVAL; ENOTCONN; ENOMEM
 */
int msrp_trans_start(struct msrp_trans *tr, struct msrp_conn *conn,
		     const char *tid, msrp_trans_h *transh, void *arg)
{
	struct pl pl;
	int err;

	if (!tr || !conn || !tid || !transh)
		return EINVAL;
	if (!conn->msrp)
		return ENOTCONN;

	pl_set_str(&pl, tid);
	if (pl.l >= sizeof(tr->tid))
		return EINVAL;

	if (!conn->transh) {
		err = hash_alloc(&conn->transh, TRANS_HASH);
		if (err)
			return err;
	}

	(void)pl_strcpy(&pl, tr->tid, sizeof(tr->tid));
	tr->conn   = conn;
	tr->transh = transh;
	tr->arg    = arg;
	tr->due    = tmr_jiffies() + conn->msrp->conf.trans_timeout;
	if (!conn->transl.head)
		tmr_start(&conn->tmr_trans, conn->msrp->conf.trans_timeout,
			  tmr_handler, conn);
	list_append(&conn->transl, &tr->le, tr);
	hash_append(conn->transh, msrp_hash(&pl), &tr->he, tr);

	return 0;
}


/**
 * As msrp_trans_start(), with memory of its own
 *
 * @param trp mem_deref() it, at any time: before the answer that means not to
 *            wait for it any more
 */
int msrp_trans_alloc(struct msrp_trans **trp, struct msrp_conn *conn,
		     const char *tid, msrp_trans_h *transh, void *arg)
{
	struct msrp_trans *tr;
	int err;

	if (!trp)
		return EINVAL;

	tr = mem_zalloc(sizeof(*tr), destructor);
	if (!tr)
		return ENOMEM;

	err = msrp_trans_start(tr, conn, tid, transh, arg);
	if (err)
		mem_deref(tr);
	else
		*trp = tr;

	return err;
}


static bool cmp_handler(struct le *le, void *arg)
{
	const struct msrp_trans *tr = le->data;

	return !pl_strcmp(arg, tr->tid);
}


/**
 * A response has come
 *
 * @return Whether something waited for it
 */
bool msrp_trans_recv(struct msrp_conn *conn, const struct msrp_head *head)
{
	struct msrp_trans *tr;

	tr = list_ledata(hash_lookup(conn->transh, msrp_hash(&head->tid),
				     cmp_handler, (void *)&head->tid));
	if (!tr)
		return false;

	trans_done(tr, 0, head);

	return true;
}


/**
 * The connection has ended: nothing will be answered
 */
void msrp_trans_end(struct msrp_conn *conn)
{
	struct msrp_trans *tr;

	while ((tr = list_ledata(conn->transl.head)))
		trans_done(tr, ENOTCONN, NULL);
}
