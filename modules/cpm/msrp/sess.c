/**
 * @file sess.c  An MSRP session (RFC 4975, RFC 6135)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


/* Forget the messages: what is open dies, what waits for an answer gets none
   any more */
static void rx_flush(struct msrp_sess *sess)
{
	while (sess->rxl.head)
		msrp_rx_detach(sess->rxl.head->data);
}


/* Out of the stack and off the connection */
static void sess_leave(struct msrp_sess *sess, bool flush)
{
	sess->state = SESS_CLOSED;
	msrp_wait_cancel(&sess->wait_idle);
	sess->bind = mem_deref(sess->bind);
	hash_unlink(&sess->he);
	msrp_conn_leave(sess, flush);
	msrp_conn_unhold(sess);
	rx_flush(sess);
}


static void destructor(void *arg)
{
	struct msrp_sess *sess = arg;

	memset(&sess->h, 0, sizeof(sess->h));
	if (sess->msrp) {
		sess_leave(sess, false);
		msrp_out_flush(sess, false);
	}
	mem_deref(sess->path);
	mem_deref(sess->told);
	mem_deref(sess->peer);
	mem_deref(sess->route);
	mem_deref(sess->to_path);
	mem_deref(sess->fp);
	mem_deref(sess->msrp);
}


static int path_print(struct msrp_sess *sess)
{
	const bool v6 = sa_af(&sess->laddr) == AF_INET6;
	char *path;
	int err;

	err = re_sdprintf(&path, "msrp%s://%s%j%s:%u/%s;tcp",
			  sess->tls ? "s" : "", v6 ? "[" : "",
			  &sess->laddr, v6 ? "]" : "",
			  (uint32_t)sess->lport, sess->sid);
	if (err)
		return err;

	mem_deref(sess->path);
	sess->path = path;

	return 0;
}


int msrp_sess_alloc(struct msrp_sess **sessp, struct msrp *msrp,
		    const struct sa *laddr, bool tls,
		    const struct msrp_sess_h *h, void *arg)
{
	struct msrp_sess *sess;
	int err;

	if (!sessp || !msrp || !h || !sa_isset(laddr, SA_ADDR))
		return EINVAL;
	if (tls && !msrp->conf.tls)
		return ENOTSUP;

	sess = mem_zalloc(sizeof(*sess), destructor);
	if (!sess)
		return ENOMEM;

	sess->msrp  = mem_ref(msrp);
	sess->tls   = tls;
	sess->laddr = *laddr;
	sess->lport = PORT_DISCARD;
	sess->h     = *h;
	sess->arg   = arg;
	msrp_ident(sess->sid, sizeof(sess->sid));
	sess->key = hash_joaat_str(sess->sid);
	hash_append(msrp->sessh, sess->key, &sess->he, sess);

	err = path_print(sess);
	if (err)
		mem_deref(sess);
	else
		*sessp = sess;

	return err;
}


int msrp_sess_listen(struct msrp_sess *sess)
{
	int err;

	if (!sess || sess->state == SESS_CLOSED)
		return EINVAL;
	/* the relay does that */
	if (sess->route)
		return 0;

	err = msrp_listen(sess->msrp, sa_af(&sess->laddr), sess->tls,
			  &sess->lport);
	if (err)
		return err;

	return path_print(sess);
}


const char *msrp_sess_peer(const struct msrp_sess *sess)
{
	return sess ? sess->peer : NULL;
}


const char *msrp_sess_path(const struct msrp_sess *sess)
{
	return !sess ? NULL : sess->told ? sess->told : sess->path;
}


uint16_t msrp_sess_lport(const struct msrp_sess *sess)
{
	return sess ? sess->lport : 0;
}


const struct sa *msrp_sess_laddr(const struct msrp_sess *sess)
{
	return sess ? &sess->laddr : NULL;
}


/* Both paths together, as far as they are there */
static int to_path_set(struct msrp_sess *sess, const char *route,
		       const char *peer)
{
	char *str = NULL;
	int err;

	if (route && peer) {
		err = re_sdprintf(&str, "%s %s", route, peer);
		if (err)
			return err;
	}

	mem_deref(sess->to_path);
	sess->to_path = str;

	return 0;
}


/**
 * Relays of ours, in the order of a To-Path
 *
 * @param route Given
 */
int msrp_sess_set_route(struct msrp_sess *sess, char *route)
{
	int err = to_path_set(sess, route, sess->peer);

	if (err)
		return err;

	mem_deref(sess->route);
	sess->route = route;

	return 0;
}


int msrp_sess_set_peer(struct msrp_sess *sess, const char *path)
{
	struct pl pl, u;
	struct msrp_uri uri;
	size_t n = 0;
	char *peer;
	int err;

	if (!sess || !path)
		return EINVAL;

	pl_set_str(&pl, path);
	while (msrp_path_next(&pl, &u)) {
		if (msrp_uri_decode(&uri, &u))
			return EBADMSG;
		++n;
	}
	if (!n)
		return EBADMSG;

	err = str_dup(&peer, path);
	if (err)
		return err;

	err = to_path_set(sess, sess->route, peer);
	if (err) {
		mem_deref(peer);
		return err;
	}

	mem_deref(sess->peer);
	sess->peer = peer;

	return 0;
}


static void idle_handler(void *arg)
{
	struct msrp_sess *sess = arg;

	/* while we do not read, or owe an answer, the peer is not idle */
	if (sess->paused || sess->donec)
		msrp_sess_touch(sess);
	else
		msrp_sess_ended(sess, ETIMEDOUT);
}


/* There was traffic */
void msrp_sess_touch(struct msrp_sess *sess)
{
	if (sess->state != SESS_IDLE && sess->state != SESS_CLOSED)
		msrp_wait_start(&sess->wait_idle, &sess->msrp->idleq,
				idle_handler, sess);
}


/* From here on requests are taken */
static void sess_open(struct msrp_sess *sess, enum sess_state state)
{
	sess->state = state;
	msrp_sess_touch(sess);
	msrp_conn_unhold(sess);
}


static void connect_handler(void *arg)
{
	msrp_sess_ended(arg, ETIMEDOUT);
}


static void bind_handler(int err, const struct msrp_head *head, void *arg)
{
	struct msrp_sess *sess = arg;

	sess->bind = mem_deref(sess->bind);
	if (!err)
		msrp_sess_touch(sess);
	if (!err && head->scode >= 300)
		err = EPROTO;

	/* the peer's first request did as well */
	if (sess->state != SESS_BIND)
		return;

	if (err) {
		sess->scode = head ? head->scode : 0;
		msrp_sess_ended(sess, err);
	}
	else {
		msrp_sess_bound(sess);
	}
}


/**
 * The transport is there: send the SEND that binds it to the session
 */
int msrp_sess_bind(struct msrp_sess *sess)
{
	char tid[ID_SIZE];
	int err;

	msrp_wait_cancel(&sess->conn->wait_bind);
	msrp_ident(tid, sizeof(tid));
	err = msrp_trans_alloc(&sess->bind, sess->conn, tid, bind_handler,
			       sess);
	if (err)
		return err;

	return msrp_tx_bind(sess->conn, sess, tid);
}


/* The connection is there already, and a request of the peer's may have come
   on it */
static int relay_bind(struct msrp_sess *sess)
{
	if (!sess->peer || !sess->conn || sess->bind)
		return EPROTO;
	if (sess->state == SESS_ESTAB)
		return 0;

	sess_open(sess, SESS_BIND);

	return msrp_sess_bind(sess);
}


int msrp_sess_connect(struct msrp_sess *sess, const struct sa *addr)
{
	int err;

	if (sess && sess->route)
		return relay_bind(sess);
	if (!sess || !sa_isset(addr, SA_ALL))
		return EINVAL;
	if (!sess->peer || sess->conn || sess->state == SESS_CLOSED)
		return EPROTO;
	if (sess->tls && !sess->fp && !sess->msrp->conf.tls_verify)
		return ENOKEY;

	err = msrp_conn_connect(sess, addr);
	if (err)
		return err;

	msrp_wait_start(&sess->conn->wait_bind, &sess->msrp->bindq,
			connect_handler, sess);
	sess_open(sess, SESS_BIND);

	return 0;
}


void msrp_sess_start(struct msrp_sess *sess)
{
	if (!sess || sess->state != SESS_IDLE)
		return;

	sess_open(sess, SESS_READY);
}


void msrp_sess_close(struct msrp_sess *sess)
{
	if (!sess)
		return;

	memset(&sess->h, 0, sizeof(sess->h));
	sess_leave(sess, true);
	msrp_out_flush(sess, false);
}


/* Does it wait for the application? Its connection counts those */
void msrp_sess_load(struct msrp_sess *sess)
{
	const bool busy = sess->paused || sess->donec >= WAIT_MAX ||
		sess->doneb >= WAIT_SIZE;

	if (sess->busy == busy)
		return;

	sess->busy = busy;
	if (sess->conn)
		sess->conn->busyc += busy ? 1 : -1u;
}


void msrp_sess_pause(struct msrp_sess *sess, bool pause)
{
	if (!sess || sess->paused == pause)
		return;

	sess->paused = pause;
	msrp_sess_load(sess);
	msrp_sess_touch(sess);
	if (!sess->conn)
		return;

	if (pause)
		sess->conn->stopped = true;
	else
		msrp_conn_wake(sess->conn);
}


void msrp_sess_stats(const struct msrp_sess *sess, struct msrp_stats *stats)
{
	if (!sess || !stats)
		return;

	*stats = sess->stats;
}


static bool cmp_handler(struct le *le, void *arg)
{
	const struct msrp_sess *sess = le->data;

	return !pl_strcmp(arg, sess->sid);
}


struct msrp_sess *msrp_sess_find(const struct msrp *msrp,
				 const struct pl *sid)
{
	return list_ledata(hash_lookup(msrp->sessh, hash_joaat_pl(sid),
				       cmp_handler, (void *)sid));
}


/* Is one of the path's URIs the same? */
static bool path_has(struct pl path, const struct msrp_uri *uri)
{
	struct msrp_uri u;
	struct pl pl;

	while (msrp_path_next(&path, &pl)) {
		if (!msrp_uri_decode(&u, &pl) && msrp_uri_cmp(&u, uri))
			return true;
	}

	return false;
}


/**
 * Does a From-Path come from the peer? The last hop's or the end's URI has to
 * be one of those that it told.
 */
bool msrp_sess_is_peer(const struct msrp_sess *sess, const struct pl *from)
{
	struct pl path = *from, first, last, pl, peer;
	struct msrp_uri uri;

	if (!sess->peer || !pl_strcmp(from, sess->peer))
		return true;

	if (!msrp_path_next(&path, &first))
		return false;
	last = first;
	while (msrp_path_next(&path, &pl))
		last = pl;

	pl_set_str(&peer, sess->peer);

	return (!msrp_uri_decode(&uri, &first) && path_has(peer, &uri)) ||
		(!msrp_uri_decode(&uri, &last) && path_has(peer, &uri));
}


/**
 * Does a From-Path come from a relay of ours? It may tell what became of a
 * message (RFC 4976, 6.4).
 */
bool msrp_sess_is_ours(const struct msrp_sess *sess, const struct pl *from)
{
	struct pl path = *from, pl, route;
	struct msrp_uri uri;

	if (!sess->route || !msrp_path_next(&path, &pl))
		return false;
	while (msrp_path_next(&path, &pl))
		;

	pl_set_str(&route, sess->route);

	return !msrp_uri_decode(&uri, &pl) && path_has(route, &uri);
}


/**
 * The connection is bound to the session
 */
void msrp_sess_bound(struct msrp_sess *sess)
{
	sess->state = SESS_ESTAB;
	msrp_out_start(sess);
	if (sess->h.estabh)
		sess->h.estabh(sess->arg);
}


/**
 * The session ends by itself
 */
void msrp_sess_ended(struct msrp_sess *sess, int err)
{
	msrp_close_h *closeh = sess->h.closeh;
	void *arg = sess->arg;

	memset(&sess->h, 0, sizeof(sess->h));
	sess->h.closeh = closeh;
	sess_leave(sess, true);

	/* the messages' handlers may close or free it */
	mem_ref(sess);
	msrp_out_flush(sess, true);
	if (!sess->h.closeh || mem_nrefs(sess) == 1)
		closeh = NULL;
	sess->h.closeh = NULL;
	mem_deref(sess);

	if (closeh)
		closeh(err, arg);
}
