/**
 * @file relay.c  A relay of our own (RFC 4976, 5.1), one connection a session,
 * and the paths that go through relays, ours or the client's
 *
 * What a relay answers means nothing: it says 200 before it has handed
 * anything on. Through relays a message counts as delivered when its REPORT
 * has come.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


enum {
	PORT      = 2855,
	AUTH_MAX  = 2,           /* requests: one, and one with credentials */
};


/* msrp[s]://address:port;tcp */
static int uri_decode_(struct sa *sa, bool *tls, const char *uri)
{
	struct pl s, host, port;

	if (re_regex(uri, strlen(uri), "msrp[s]*://[0-9.]+:[0-9]+;tcp", &s,
		     &host, &port) &&
	    re_regex(uri, strlen(uri), "msrp[s]*://\\[[0-9a-f:]+\\]:[0-9]+;tcp",
		     &s, &host, &port))
		return EINVAL;

	*tls = s.l == 1;
	return sa_set(sa, &host, (uint16_t)pl_u32(&port));
}


/** As configured. @return 0; EINVAL; errno */
int relay_init(struct pf *pf)
{
	if (!pf->opt.relay)
		return 0;

	if (uri_decode_(&pf->relay, &pf->relay_tls, pf->opt.relay))
		return EINVAL;

	/* whoever it is: it is a test */
	return pf->relay_tls ? tls_alloc(&pf->tls_relay, TLS_METHOD_SSLV23,
					 NULL, NULL) : 0;
}


/** Connect: what follows comes from the connection. @return 0; errno */
int relay_open(struct session *sess)
{
	struct pf *pf = sess->pf;

	sess->state = SESS_AUTH;
	return conn_open(sess, &pf->relay, pf->tls_relay);
}


static int cred_print(char **strp, const struct session *sess,
		      const struct httpauth_digest_chall *ch)
{
	const struct pf *pf = sess->pf;
	uint8_t a1[MD5_SIZE], a2[MD5_SIZE], md[MD5_SIZE];
	char cnonce[17];

	token_make(cnonce, sizeof(cnonce));
	if (md5_printf(a1, "%s:%r:%s", pf->opt.relay_user, &ch->realm,
		       pf->opt.relay_pass) ||
	    md5_printf(a2, "AUTH:%s", pf->opt.relay) ||
	    md5_printf(md, "%w:%r:00000001:%s:auth:%w", a1, sizeof(a1),
		       &ch->nonce, cnonce, a2, sizeof(a2)))
		return ENOMEM;

	return re_sdprintf(strp, "Authorization: Digest username=\"%s\", "
			   "realm=\"%r\", nonce=\"%r\", uri=\"%s\", qop=auth, "
			   "nc=00000001, cnonce=\"%s\", response=\"%w\"\r\n",
			   pf->opt.relay_user, &ch->realm, &ch->nonce,
			   pf->opt.relay, cnonce, md, sizeof(md));
}


/** Send AUTH. @param f The challenge, or NULL */
void relay_auth(struct session *sess, const struct frame *f)
{
	struct httpauth_digest_chall ch;
	char *cred = NULL;

	if (f && (httpauth_digest_challenge_decode(&ch, &f->chall) ||
		  cred_print(&cred, sess, &ch))) {
		session_end(sess, BY_ERROR, "relay");
		return;
	}

	sess->auths++;
	conn_printf(sess->conn, "MSRP %s AUTH\r\n"
		    "To-Path: %s\r\n"
		    "From-Path: %s\r\n"
		    "%s"
		    "-------%s$\r\n", sess->sid, sess->pf->opt.relay,
		    sess->path, cred ? cred : "", sess->sid);
	mem_deref(cred);
}


/* a=path has the relays in the other direction, and then us */
static int paths_set(struct session *sess, const struct pl *use)
{
	struct pl pl = *use, uri;
	char *told;
	int err = str_dup(&told, sess->path);

	while (!err && !re_regex(pl.p, pl.l, "[^ ]+", &uri)) {
		char *all = NULL;

		pl_advance(&pl, uri.p + uri.l - pl.p);
		err = re_sdprintf(&all, "%r %s", &uri, told);
		mem_deref(told);
		told = all;
	}
	if (err)
		return err;

	sess->told = told;
	return pl_strdup(&sess->route, use);
}


/** The relay has answered AUTH */
void relay_answer(struct session *sess, const struct frame *f)
{
	char reason[32];

	if (f->code == 401 && sess->auths < AUTH_MAX) {
		relay_auth(sess, f);
		return;
	}
	if (f->code != 200 || !f->use.l || paths_set(sess, &f->use)) {
		(void)re_snprintf(reason, sizeof(reason), "relay %u", f->code);
		event("error text=%s", reason);
		session_end(sess, BY_ERROR, reason);
		return;
	}

	session_invite(sess);
}


/** The answer tells the client's path: ours to it. @return 0; ENOMEM */
int relay_path(struct session *sess)
{
	const char *path = sess->ans.path ? sess->ans.path : "";
	struct pl uri;
	int err;

	err = sess->route ? re_sdprintf(&sess->to, "%s %s", sess->route, path)
		: str_dup(&sess->to, path);
	if (err)
		return err;

	/* who answers: the next hop */
	if (re_regex(sess->to, strlen(sess->to), "[^ ]+", &uri))
		return 0;

	sess->relayed = uri.l < strlen(sess->to);
	return pl_strdup(&sess->next, &uri);
}


/** It has come from the client: through relays they stand before its path */
bool relay_from(const struct session *sess, const struct pl *from)
{
	const size_t n = sess->ans.path ? strlen(sess->ans.path) : 0;

	if (!n || from->l < n)
		return false;

	return !memcmp(from->p + from->l - n, sess->ans.path, n) &&
		(from->l == n ||
		 (sess->route && from->p[from->l - n - 1] == ' '));
}
