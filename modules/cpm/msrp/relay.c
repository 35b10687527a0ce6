/**
 * @file relay.c  A relay of ours: one connection, authenticated and kept, for
 * all sessions that use it (RFC 4976, 5.1 and 5.2)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"
#include "relay.h"


enum {
	RETRY_FIRST = 1000,      /* ms until a relay that went, or did not
				    answer, is tried again; doubles         */
	RETRY_LAST  = 60000,     /* ms at most: a person who mends a relay
				    does not wait longer than that          */
	LEAD_MAX    = 60,        /* s: so long before its end an AUTH is
				    repeated, or at half of it              */
};

enum relay_state {
	RELAY_DOWN = 0,          /* the timer tells when to try             */
	RELAY_CONNECTING,        /* conn is there, not its transport        */
	RELAY_ASKING,            /* AUTH has no good answer yet             */
	RELAY_UP,                /* path is there; AUTH may be out again    */
};

struct msrp_relay {
	struct msrp *msrp;       /* shared                                  */
	struct msrp_conn *conn;  /* borrowed                                */
	struct msrp_auth *auth;
	struct msrp_trans *trans;
	struct tmr tmr;          /* next try, or next AUTH                  */
	char *own;               /* our URI, as AUTH has it                 */
	char *path;              /* for a=path, without our URI             */
	char *use_path;          /* the same as in a To-Path                */
	char *host;              /* of the first URI                        */
	struct sa addr;          /* of the first relay                      */
	struct sa told;          /* of the first URI of path                */
	enum relay_state state;
	uint32_t tries;          /* in vain, since it was up                */
	uint32_t retry;          /* ms, RETRY_FIRST                         */
	bool tls;
	msrp_relay_h *relayh;
	void *arg;
};


static void conn_detach(struct msrp_relay *relay)
{
	struct msrp_conn *conn = relay->conn;

	relay->trans = mem_deref(relay->trans);
	relay->conn = NULL;
	if (!conn)
		return;

	/* its sessions have it as long as they want it */
	conn->relay = NULL;
	if (list_isempty(&conn->sessl))
		msrp_conn_end(conn, 0);
}


static void destructor(void *arg)
{
	struct msrp_relay *relay = arg;

	relay->relayh = NULL;
	tmr_cancel(&relay->tmr);
	conn_detach(relay);
	mem_deref(relay->auth);
	mem_deref(relay->own);
	mem_deref(relay->path);
	mem_deref(relay->use_path);
	mem_deref(relay->host);
	mem_deref(relay->msrp);
}


static void relay_tell(struct msrp_relay *relay, int err, uint16_t scode)
{
	if (relay->relayh)
		relay->relayh(err, scode, relay->arg);
}


static void try_handler(void *arg);


/* @return ms; less up to a quarter, so that all who lost it do not come back
   at once */
static uint64_t retry_delay(const struct msrp_relay *relay)
{
	const uint32_t n = min(relay->tries, (uint32_t)16);
	uint64_t ms = (uint64_t)relay->retry << n;

	ms = min(ms, (uint64_t)RETRY_LAST);

	return ms - rand_u32() % (ms / 4 + 1);
}


/* It is over for now: the sessions on it end too */
static void relay_fail(struct msrp_relay *relay, int err, uint16_t scode)
{
	struct msrp_conn *conn = relay->conn;

	if (relay->state == RELAY_DOWN)
		return;

	relay->state = RELAY_DOWN;
	tmr_start(&relay->tmr, retry_delay(relay), try_handler, relay);
	++relay->tries;

	relay->trans = mem_deref(relay->trans);
	relay->conn = NULL;
	if (conn)
		conn->relay = NULL;

	/* the handler may do anything to both */
	mem_ref(conn);
	mem_ref(relay);
	relay_tell(relay, err, scode);
	if (conn)
		msrp_conn_end(conn, err);
	mem_deref(relay);
	mem_deref(conn);
}


/**
 * The connection has ended; conn->relay is NULL then
 *
 * @return What its sessions are told: the peer did not close them
 */
int msrp_relay_lost(struct msrp_relay *relay, int err)
{
	if (!err)
		err = ECONNRESET;

	relay->conn->relay = NULL;
	relay->conn = NULL;
	relay_fail(relay, err, 0);

	return err;
}


/* Where a path leads first, for c= and m= */
static void told_set(struct msrp_relay *relay)
{
	struct msrp_uri uri;
	struct pl path, pl;

	pl_set_str(&path, relay->path);
	relay->told = relay->addr;
	if (!msrp_path_next(&path, &pl) || msrp_uri_decode(&uri, &pl))
		return;

	/* a name tells no address: the path has it */
	if (uri.host.l < 64)
		(void)sa_set(&relay->told, &uri.host, 0);
	sa_set_port(&relay->told, uri.port ? uri.port : MSRP_RELAY_PORT);
}


static int paths_set(struct msrp_relay *relay)
{
	char *path, *use;
	int err;

	err = str_dup(&use, relay->auth->use_path);
	if (err)
		return err;

	err = msrp_path_reverse(&path, use);
	if (err) {
		mem_deref(use);
		return err;
	}

	mem_deref(relay->use_path);
	mem_deref(relay->path);
	relay->use_path = use;
	relay->path = path;
	told_set(relay);

	return 0;
}


static int auth_send(struct msrp_relay *relay);

static void again_handler(void *arg)
{
	struct msrp_relay *relay = arg;
	int err = msrp_auth_begin(relay->auth, relay->own);

	if (!err)
		err = auth_send(relay);
	if (err)
		relay_fail(relay, err, 0);
}


static void relay_up(struct msrp_relay *relay)
{
	const uint32_t secs = relay->auth->granted;
	const bool first = relay->state != RELAY_UP;
	const int err = paths_set(relay);

	if (err) {
		relay_fail(relay, err, 0);
		return;
	}

	relay->state = RELAY_UP;
	relay->tries = 0;
	tmr_start(&relay->tmr, secs <= 2 * LEAD_MAX ? secs * 500ULL
		  : (secs - LEAD_MAX) * 1000ULL, again_handler, relay);
	if (first)
		relay_tell(relay, 0, 0);
}


static void trans_handler(int err, const struct msrp_head *head, void *arg)
{
	struct msrp_relay *relay = arg;
	uint16_t scode = 0;

	relay->trans = mem_deref(relay->trans);
	if (!err) {
		scode = head->scode;
		err = msrp_auth_response(relay->auth, head);
	}
	if (!err) {
		relay_up(relay);
		return;
	}
	if (err == EAGAIN) {
		scode = 0;
		err = auth_send(relay);
	}
	if (err)
		relay_fail(relay, err, scode);
}


static int auth_send(struct msrp_relay *relay)
{
	struct mbuf *mb = mbuf_alloc(512);
	char tid[ID_SIZE];
	struct pl pl;
	int err;

	if (!mb)
		return ENOMEM;

	msrp_ident(tid, sizeof(tid));
	relay->trans = mem_deref(relay->trans);
	err = msrp_auth_request(mb, relay->auth, tid);
	if (!err)
		err = msrp_trans_alloc(&relay->trans, relay->conn, tid,
				       trans_handler, relay);
	if (!err) {
		pl.p = (const char *)mb->buf;
		pl.l = mb->end;
		err = msrp_conn_put(relay->conn, &pl, 1);
	}
	mem_deref(mb);

	return err;
}


/* Sessions are at the same place, each with an id of its own */
static int own_print(char **strp, const struct msrp_relay *relay,
		     const struct sa *laddr, const char *sid)
{
	const bool v6 = sa_af(laddr) == AF_INET6;

	return re_sdprintf(strp, "%s://%s%j%s:%u/%s;tcp",
			   relay->tls ? "msrps" : "msrp", v6 ? "[" : "",
			   laddr, v6 ? "]" : "", (uint32_t)sa_port(laddr),
			   sid);
}


/**
 * The transport is there
 */
void msrp_relay_estab(struct msrp_relay *relay)
{
	char sid[ID_SIZE];
	struct sa laddr;
	int err;

	relay->state = RELAY_ASKING;
	msrp_ident(sid, sizeof(sid));
	relay->own = mem_deref(relay->own);
	err = tcp_conn_local_get(relay->conn->tc, &laddr);
	if (!err)
		err = own_print(&relay->own, relay, &laddr, sid);
	if (!err)
		err = msrp_auth_begin(relay->auth, relay->own);
	if (!err)
		err = auth_send(relay);
	if (err)
		relay_fail(relay, err, 0);
}


/* Not even a connection, or a relay that does not answer */
static void late_handler(void *arg)
{
	relay_fail(arg, ETIMEDOUT, 0);
}


static void try_handler(void *arg)
{
	struct msrp_relay *relay = arg;
	int err;

	relay->state = RELAY_CONNECTING;
	tmr_start(&relay->tmr, relay->msrp->conf.trans_timeout, late_handler,
		  relay);
	err = msrp_conn_open(&relay->conn, relay->msrp, relay, &relay->addr,
			     relay->tls ? relay->host : NULL);
	if (err)
		relay_fail(relay, err, 0);
}


int msrp_relay_alloc(struct msrp_relay **relayp, struct msrp *msrp,
		     const struct msrp_relay_conf *conf, msrp_relay_h *relayh,
		     void *arg)
{
	struct msrp_relay *relay;
	struct msrp_uri uri;
	struct pl path, pl;
	int err;

	if (!relayp || !msrp || !conf || !conf->uri)
		return EINVAL;

	pl_set_str(&path, conf->uri);
	if (!msrp_path_next(&path, &pl) || msrp_uri_decode(&uri, &pl))
		return EBADMSG;

	if (uri.tls && !msrp->conf.tls)
		return ENOTSUP;

	relay = mem_zalloc(sizeof(*relay), destructor);
	if (!relay)
		return ENOMEM;

	tmr_init(&relay->tmr);
	relay->msrp   = mem_ref(msrp);
	relay->tls    = uri.tls;
	relay->retry  = conf->retry ? conf->retry : RETRY_FIRST;
	relay->relayh = relayh;
	relay->arg    = arg;
	err = pl_strdup(&relay->host, &uri.host);
	if (!err)
		err = msrp_auth_alloc(&relay->auth, conf->uri, conf->user,
				      conf->pass, conf->expires);
	if (err) {
		mem_deref(relay);
		return err;
	}

	if (sa_isset(&conf->addr, SA_ALL))
		msrp_relay_set_addr(relay, &conf->addr);
	*relayp = relay;

	return 0;
}


void msrp_relay_set_addr(struct msrp_relay *relay, const struct sa *addr)
{
	if (!relay || !sa_isset(addr, SA_ALL))
		return;

	/* of use from the next try on; the first one is now */
	if (!sa_isset(&relay->addr, SA_ALL))
		tmr_start(&relay->tmr, 0, try_handler, relay);
	relay->addr = *addr;
}


void msrp_relay_kick(struct msrp_relay *relay)
{
	if (relay && relay->state == RELAY_DOWN &&
	    sa_isset(&relay->addr, SA_ALL))
		tmr_start(&relay->tmr, 0, try_handler, relay);
}


bool msrp_relay_isup(const struct msrp_relay *relay)
{
	return relay && relay->state == RELAY_UP;
}


const char *msrp_relay_path(const struct msrp_relay *relay)
{
	return msrp_relay_isup(relay) ? relay->path : NULL;
}


bool msrp_relay_tls(const struct msrp_relay *relay)
{
	return relay && relay->tls;
}


int msrp_sess_use_relay(struct msrp_sess *sess, struct msrp_relay *relay)
{
	char *own = NULL, *told = NULL, *route = NULL;
	struct sa laddr;
	int err;

	if (!sess || !relay || sess->msrp != relay->msrp)
		return EINVAL;
	if (sess->state != SESS_IDLE || sess->conn)
		return EPROTO;
	if (relay->state != RELAY_UP)
		return EAGAIN;

	err = tcp_conn_local_get(relay->conn->tc, &laddr);
	if (!err)
		err = own_print(&own, relay, &laddr, sess->sid);
	if (!err)
		err = re_sdprintf(&told, "%s %s", relay->path, own);
	if (!err)
		err = str_dup(&route, relay->use_path);
	if (!err)
		err = msrp_sess_set_route(sess, route);
	if (err) {
		mem_deref(own);
		mem_deref(told);
		mem_deref(route);
		return err;
	}

	mem_deref(sess->path);
	mem_deref(sess->told);
	sess->path  = own;
	sess->told  = told;
	sess->tls   = relay->tls;
	sess->laddr = relay->told;
	sess->lport = sa_port(&relay->told);
	msrp_conn_bind(relay->conn, sess);

	return 0;
}
