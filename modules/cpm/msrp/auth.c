/**
 * @file auth.c  AUTH: a relay learns who we are and tells the way to us
 * (RFC 4976, 5.1 and 9.1; RFC 2617)
 *
 * No I/O: requests go to a buffer, answers come as heads. Behind a relay there
 * may be another one, which is asked through the first, and so on.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"
#include "relay.h"


static void chall_reset(struct msrp_chall *chall)
{
	mem_deref(chall->realm);
	mem_deref(chall->nonce);
	mem_deref(chall->opaque);
	memset(chall, 0, sizeof(*chall));
}


static void destructor(void *arg)
{
	struct msrp_auth *a = arg;

	chall_reset(&a->chall);
	mem_deref(a->relays);
	mem_deref(a->own);
	mem_deref(a->user);
	mem_deref(a->pass);
	mem_deref(a->use_path);
	mem_deref(a->to);
}


/* The i-th URI of a path */
static bool path_at(struct pl *uri, const char *path, size_t i)
{
	struct pl pl;

	pl_set_str(&pl, path);
	while (msrp_path_next(&pl, uri)) {
		if (!i--)
			return true;
	}

	return false;
}


/* @return URIs in it; 0: it is no path, or too long */
static size_t path_count(const struct pl *path)
{
	struct pl pl = *path, u;
	struct msrp_uri uri;
	size_t n = 0;

	while (msrp_path_next(&pl, &u)) {
		if (msrp_uri_decode(&uri, &u) || ++n > MSRP_RELAY_MAX)
			return 0;
	}

	return n;
}


int msrp_path_reverse(char **strp, const char *path)
{
	struct pl pl, uri;
	char *str = NULL;

	pl_set_str(&pl, path);
	while (msrp_path_next(&pl, &uri)) {
		char *all = NULL;
		const int err = re_sdprintf(&all, "%r%s%s", &uri,
					    str ? " " : "", str ? str : "");

		mem_deref(str);
		if (err)
			return err;
		str = all;
	}

	*strp = str;

	return str ? 0 : EINVAL;
}


bool msrp_head_get(struct pl *val, const struct msrp_head *head,
		   const char *name)
{
	const size_t n = str_len(name);
	struct pl all = head->all;
	const char *lf;

	while (all.l && (lf = memchr(all.p, '\n', all.l))) {
		struct pl line = {all.p, (size_t)(lf - all.p)};

		pl_advance(&all, (ssize_t)line.l + 1);
		if (line.l <= n || line.p[n] != ':')
			continue;

		val->p = line.p;
		val->l = n;
		if (pl_strcasecmp(val, name))
			continue;

		pl_advance(&line, (ssize_t)n + 1);
		while (line.l && (*line.p == ' ' || *line.p == '\t'))
			pl_advance(&line, 1);
		while (line.l && strchr(" \t\r", line.p[line.l-1]))
			--line.l;
		*val = line;

		return line.l > 0;
	}

	return false;
}


/* In a quoted string as it is */
static bool is_quotable(const char *str)
{
	for (; *str; str++) {
		const uint8_t c = (uint8_t)*str;

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			return false;
	}

	return true;
}


int msrp_auth_alloc(struct msrp_auth **ap, const char *relays,
		    const char *user, const char *pass, uint32_t want)
{
	struct msrp_auth *a;
	struct pl pl;
	int err;

	if (!ap || !str_isset(relays) || !user || !pass || !is_quotable(user))
		return EINVAL;

	pl_set_str(&pl, relays);
	if (!path_count(&pl))
		return EBADMSG;

	a = mem_zalloc(sizeof(*a), destructor);
	if (!a)
		return ENOMEM;

	a->want = want;
	err = str_dup(&a->relays, relays);
	if (!err)
		err = str_dup(&a->user, user);
	if (!err)
		err = str_dup(&a->pass, pass);
	if (err)
		mem_deref(a);
	else
		*ap = a;

	return err;
}


int msrp_auth_begin(struct msrp_auth *a, const char *own)
{
	struct pl second;
	char *str;
	int err;

	err = str_dup(&str, own);
	if (err)
		return err;

	mem_deref(a->own);
	a->own = str;

	/* a nonce that did for the only relay may do again */
	if (path_at(&second, a->relays, 1))
		chall_reset(&a->chall);
	a->use_path = mem_deref(a->use_path);
	a->asked   = a->want;
	a->granted = 0;
	a->next    = 0;
	a->turns   = 0;
	a->fresh   = false;

	return 0;
}


int msrp_auth_digest(uint8_t md[MD5_SIZE], const struct msrp_auth *a,
		     const char *met, const struct pl *uri)
{
	const struct msrp_chall *ch = &a->chall;
	uint8_t ha1[MD5_SIZE], ha2[MD5_SIZE];
	int err;

	err = md5_printf(ha1, "%s:%s:%s", a->user, ch->realm, a->pass);
	if (!err)
		err = md5_printf(ha2, "%s:%r", met, uri);
	if (err)
		return err;

	if (!ch->qop)
		return md5_printf(md, "%w:%s:%w", ha1, sizeof(ha1),
				  ch->nonce, ha2, sizeof(ha2));

	return md5_printf(md, "%w:%s:%08x:%s:auth:%w", ha1, sizeof(ha1),
			  ch->nonce, a->nc, a->cnonce, ha2, sizeof(ha2));
}


/* The last URI of the To-Path is the one that is digested */
static int credentials_print(struct mbuf *mb, struct msrp_auth *a,
			     const struct pl *uri)
{
	const struct msrp_chall *ch = &a->chall;
	uint8_t md[MD5_SIZE];
	int err;

	++a->nc;
	if (!a->cnonce[0])
		msrp_ident(a->cnonce, sizeof(a->cnonce));

	err = msrp_auth_digest(md, a, "AUTH", uri);
	if (!err)
		err = mbuf_printf(mb, "Authorization: Digest username=\"%s\", "
				  "realm=\"%s\", nonce=\"%s\", uri=\"%r\", "
				  "response=\"%w\", algorithm=MD5", a->user,
				  ch->realm, ch->nonce, uri, md, sizeof(md));
	if (!err && ch->opaque)
		err = mbuf_printf(mb, ", opaque=\"%s\"", ch->opaque);
	if (!err && ch->qop)
		err = mbuf_printf(mb, ", qop=auth, nc=%08x, cnonce=\"%s\"",
				  a->nc, a->cnonce);

	return err ? err : mbuf_write_str(mb, "\r\n");
}


int msrp_auth_request(struct mbuf *mb, struct msrp_auth *a, const char *tid)
{
	struct pl uri;
	int err;

	if (++a->turns > AUTH_TURNS || !path_at(&uri, a->relays, a->next))
		return EPROTO;

	a->to = mem_deref(a->to);
	err = re_sdprintf(&a->to, "%s%s%r", a->use_path ? a->use_path : "",
			  a->use_path ? " " : "", &uri);
	if (!err)
		err = mbuf_printf(mb, "MSRP %s AUTH\r\n"
				  "To-Path: %s\r\n"
				  "From-Path: %s\r\n", tid, a->to, a->own);
	if (!err && a->asked)
		err = mbuf_printf(mb, "Expires: %u\r\n", a->asked);
	if (!err && a->chall.nonce)
		err = credentials_print(mb, a, &uri);
	if (!err)
		err = mbuf_printf(mb, "-------%s$\r\n", tid);

	return err;
}


/* name=token or name="quoted", behind a comma or at the beginning */
static bool param_get(struct pl *val, struct pl pl, const char *name)
{
	struct pl key;

	while (!re_regex(pl.p, pl.l, "[a-zA-Z]+[ \t]*=[ \t]*[~ \t,]*",
			 &key, NULL, NULL, val)) {
		if (!pl_strcasecmp(&key, name))
			return true;

		pl_advance(&pl, val->p + val->l - pl.p);
	}

	return false;
}


/* qop-options = <"> 1#( "auth" / "auth-int" / token ) <"> */
static bool has_auth(struct pl qop)
{
	struct pl word;

	while (!re_regex(qop.p, qop.l, "[^, \t]+", &word)) {
		if (!pl_strcasecmp(&word, "auth"))
			return true;

		pl_advance(&qop, word.p + word.l - qop.p);
	}

	return false;
}


static int chall_set(struct msrp_auth *a,
		     const struct httpauth_digest_chall *hc)
{
	struct msrp_chall ch;
	int err;

	memset(&ch, 0, sizeof(ch));
	ch.qop = pl_isset(&hc->qop);
	err = pl_strdup(&ch.realm, &hc->realm);
	if (!err)
		err = pl_strdup(&ch.nonce, &hc->nonce);
	if (!err && pl_isset(&hc->opaque))
		err = pl_strdup(&ch.opaque, &hc->opaque);
	if (err) {
		chall_reset(&ch);
		return err;
	}

	chall_reset(&a->chall);
	a->chall = ch;
	a->cnonce[0] = '\0';
	a->nc = 0;

	return 0;
}


static int challenged(struct msrp_auth *a, const struct msrp_head *head)
{
	struct httpauth_digest_chall hc;
	struct pl val;
	int err;

	if (!msrp_head_get(&val, head, "WWW-Authenticate") ||
	    httpauth_digest_challenge_decode(&hc, &val))
		return EBADMSG;

	if ((pl_isset(&hc.algorithm) && pl_strcasecmp(&hc.algorithm, "MD5")) ||
	    (pl_isset(&hc.qop) && !has_auth(hc.qop)))
		return ENOTSUP;

	/* the right answer to an old nonce; or a wrong one to a new one */
	if (a->fresh && pl_strcasecmp(&hc.stale, "true"))
		return EACCES;

	err = chall_set(a, &hc);
	if (err)
		return err;

	a->fresh = true;

	return EAGAIN;
}


/* s; 0: not there, or no number */
static uint32_t seconds_get(const struct msrp_head *head, const char *name)
{
	struct pl val;
	size_t i;

	if (!msrp_head_get(&val, head, name) || val.l > 9)
		return 0;

	for (i=0; i<val.l; i++) {
		if (val.p[i] < '0' || val.p[i] > '9')
			return 0;
	}

	return pl_u32(&val);
}


/* Another time to live; what is out of bounds all the same is not said */
static int bounded(struct msrp_auth *a, const struct msrp_head *head)
{
	const uint32_t lo = seconds_get(head, "Min-Expires");
	const uint32_t hi = seconds_get(head, "Max-Expires");
	uint32_t want = a->asked;

	if (lo && want < lo)
		want = lo;
	else if (hi && want > hi)
		want = hi;
	else if (want)
		want = 0;
	else
		return EPROTO;

	a->asked = want;

	return EAGAIN;
}


static int info_check(struct msrp_auth *a, const struct msrp_head *head,
		      const struct pl *uri)
{
	struct pl info, val;
	uint8_t md[MD5_SIZE];
	char want[2 * MD5_SIZE + 1], *nonce;
	int err;

	if (!a->chall.nonce ||
	    !msrp_head_get(&info, head, "Authentication-Info"))
		return 0;

	if (param_get(&val, info, "rspauth")) {
		err = msrp_auth_digest(md, a, "", uri);
		if (err)
			return err;
		(void)re_snprintf(want, sizeof(want), "%w", md, sizeof(md));
		if (pl_strcasecmp(&val, want))
			return EKEYREJECTED;
	}

	if (!param_get(&val, info, "nextnonce") || !val.l)
		return 0;

	err = pl_strdup(&nonce, &val);
	if (err)
		return err;

	mem_deref(a->chall.nonce);
	a->chall.nonce = nonce;
	a->cnonce[0] = '\0';
	a->nc = 0;

	return 0;
}


/* The path as far as this relay: some tell only their own part of it */
static int use_path_add(struct msrp_auth *a, const struct pl *val)
{
	struct pl first, old;
	bool whole = true;
	char *str;
	int err;

	if (a->use_path && path_at(&old, a->use_path, 0)) {
		struct pl pl = *val;

		whole = msrp_path_next(&pl, &first) &&
			!pl_cmp(&first, &old);
	}

	if (whole)
		err = pl_strdup(&str, val);
	else
		err = re_sdprintf(&str, "%s %r", a->use_path, val);
	if (err)
		return err;

	mem_deref(a->use_path);
	a->use_path = str;
	pl_set_str(&old, str);

	return path_count(&old) ? 0 : EBADMSG;
}


static int granted(struct msrp_auth *a, const struct msrp_head *head)
{
	uint32_t secs = seconds_get(head, "Expires");
	struct pl uri, val;
	int err;

	if (!path_at(&uri, a->relays, a->next) ||
	    !msrp_head_get(&val, head, "Use-Path") || !path_count(&val))
		return EBADMSG;

	err = info_check(a, head, &uri);
	if (!err)
		err = use_path_add(a, &val);
	if (err)
		return err;

	if (!secs)
		secs = a->asked ? a->asked : AUTH_DEFAULT;
	secs = min(secs, (uint32_t)AUTH_LONGEST);
	a->granted = a->granted ? min(a->granted, secs) : secs;

	++a->next;
	if (!path_at(&uri, a->relays, a->next))
		return 0;

	/* another relay, another realm */
	chall_reset(&a->chall);
	a->fresh = false;
	a->turns = 0;
	a->asked = a->want;

	return EAGAIN;
}


int msrp_auth_response(struct msrp_auth *a, const struct msrp_head *head)
{
	switch (head->scode) {

	case 200: return granted(a, head);
	case 401: return challenged(a, head);
	case 403: return EACCES;
	case 423: return bounded(a, head);
	default:  return EPROTO;
	}
}
