/**
 * @file auth.c  Digest authentication, the server's side
 *
 * RFC 3261, 22 and RFC 2617 with MD5. A nonce carries the time it was made
 * and a hash over that and a secret, so nothing is kept for it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <time.h>
#include "pf.h"


enum {
	NONCE_AGE = 300,     /* seconds: short enough to see stale=true     */
	NONCE_LEN = 32,
};


struct match {
	const struct pf *pf;
	struct httpauth_digest_resp resp;
};


static void nonce_make(char buf[NONCE_LEN + 1], const struct pf *pf,
		       uint64_t when)
{
	uint8_t md[MD5_SIZE];

	(void)md5_printf(md, "%016llx:%016llx", when, pf->secret);
	(void)re_snprintf(buf, NONCE_LEN + 1, "%016llx%w", when, md,
			  (size_t)8);
}


static bool realm_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	struct match *m = arg;
	(void)msg;

	return !httpauth_digest_response_decode(&m->resp, &hdr->val) &&
		!pl_strcmp(&m->resp.realm, m->pf->domain);
}


/* The account that the credentials name: "name" or "name@domain" */
static struct user *account_find(const struct pf *pf, const struct pl *name)
{
	struct user *user = user_find_uri(pf, name);

	return user && user->pass ? user : NULL;
}


static bool nonce_ours(const struct pf *pf, const struct pl *nonce,
		       uint64_t *when)
{
	char buf[NONCE_LEN + 1];
	struct pl pl = {nonce->p, 16};

	if (nonce->l != NONCE_LEN)
		return false;

	*when = pl_x64(&pl);
	nonce_make(buf, pf, *when);
	return !pl_strcmp(nonce, buf);
}


/**
 * Check the credentials of a request
 *
 * @param up  The user they prove, on AUTH_OK and AUTH_STALE
 * @param id  SIP_HDR_AUTHORIZATION or SIP_HDR_PROXY_AUTHORIZATION
 */
enum auth auth_check(struct user **up, const struct pf *pf,
		     const struct sip_msg *msg, enum sip_hdrid id)
{
	struct match m = {.pf = pf};
	struct user *user;
	uint8_t ha1[MD5_SIZE];
	uint64_t when;

	if (!sip_msg_hdr_apply(msg, true, id, realm_handler, &m))
		return AUTH_NONE;

	user = account_find(pf, &m.resp.username);
	if (!user)
		return AUTH_WRONG;

	if (md5_printf(ha1, "%r:%s:%s", &m.resp.username, pf->domain,
		       user->pass) ||
	    httpauth_digest_response_auth(&m.resp, &msg->met, ha1))
		return AUTH_WRONG;

	*up = user;
	if (!nonce_ours(pf, &m.resp.nonce, &when) ||
	    when + NONCE_AGE < (uint64_t)time(NULL))
		return AUTH_STALE;

	return AUTH_OK;
}


/** Answer with a challenge. @param scode 401 or 407 */
int auth_challenge(const struct pf *pf, const struct sip_msg *msg,
		   uint16_t scode, bool stale)
{
	char nonce[NONCE_LEN + 1];

	nonce_make(nonce, pf, (uint64_t)time(NULL));

	return sip_treplyf(NULL, NULL, pf->sip, msg, false, scode,
			   scode == 401 ? "Unauthorized"
			   : "Proxy Authentication Required",
			   "%s: Digest realm=\"%s\", nonce=\"%s\", "
			   "algorithm=MD5, qop=\"auth\"%s\r\n"
			   "Content-Length: 0\r\n"
			   "\r\n",
			   scode == 401 ? "WWW-Authenticate"
			   : "Proxy-Authenticate",
			   pf->domain, nonce, stale ? ", stale=true" : "");
}
