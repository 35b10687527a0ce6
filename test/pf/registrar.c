/**
 * @file registrar.c  REGISTER (RFC 3261, 10)
 *
 * Two kinds: from a client, with digest and Contact; from the core in front
 * of us as a third-party registration, where To alone says who came.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


enum {
	EXPIRES_DEFAULT = 3600,
	EXPIRES_MAX     = 86400,   /* keeps a timer of ours in its range    */
};


struct update {
	struct user *user;
	const struct sip_msg *msg;
	int err;
};


static uint32_t expires_get(const struct sip_msg *msg,
			    const struct sip_addr *addr)
{
	struct pl pl = PL_INIT;

	if (!addr || msg_param_decode(&addr->params, "expires", &pl))
		pl = msg->expires;

	return pl_isset(&pl) ? MIN(pl_u32(&pl), (uint32_t)EXPIRES_MAX)
		: EXPIRES_DEFAULT;
}


static bool contact_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct update *up = arg;
	struct sip_addr addr;
	uint32_t expires;
	char *uri = NULL;

	if (!pl_strcmp(&hdr->val, "*")) {
		user_unbind(up->user, NULL);
		return false;
	}

	up->err = sip_addr_decode(&addr, &hdr->val);
	if (!up->err)
		up->err = pl_strdup(&uri, &addr.auri);
	if (up->err)
		return true;

	expires = expires_get(msg, &addr);
	if (expires)
		up->err = user_bind(up->user, uri, expires, false);
	else
		user_unbind(up->user, uri);

	mem_deref(uri);
	return up->err != 0;
}


static int contacts_print(struct re_printf *pf, void *arg)
{
	const struct user *user = arg;
	struct le *le;
	int err = 0;

	for (le = list_head(&user->bindl); le && !err; le = le->next) {
		struct binding *bind = le->data;
		const uint64_t left = tmr_get_expire(&bind->tmr);

		if (!bind->third)
			err = re_hprintf(pf, "Contact: <%s>;expires=%llu\r\n",
					 bind->uri, (left + 999) / 1000);
	}

	return err;
}


static void reply_ok(struct user *user, const struct sip_msg *msg)
{
	(void)sip_treplyf(NULL, NULL, user->pf->sip, msg, false, 200, "OK",
			  "%H"
			  "Content-Length: 0\r\n"
			  "\r\n", contacts_print, user);
}


static void core_recv(struct pf *pf, const struct sip_msg *msg)
{
	struct user *user = user_find_uri(pf, &msg->to.auri);
	const uint32_t expires = expires_get(msg, NULL);
	char *str = NULL, *name = NULL;
	int err = 0;

	if (!user) {
		err = pl_strdup(&str, &msg->to.auri);
		if (!err)
			err = uri_name(&name, str);
		if (!err)
			err = user_add(&user, pf, name, NULL);
	}
	if (!err)
		reply_ok(user, msg);
	else
		(void)sip_treply(NULL, pf->sip, msg, 400, "Bad Request");

	if (!err && expires)
		err = user_bind(user, user->aor, expires, true);
	else if (!err)
		user_unbind(user, user->aor);
	if (err)
		event("error text=%s", "third-party registration failed");

	mem_deref(name);
	mem_deref(str);
}


/* Who registers, or NULL when the request is answered already */
static struct user *user_check(struct pf *pf, const struct sip_msg *msg)
{
	struct user *user = user_find_uri(pf, &msg->to.auri), *who = NULL;
	char name[128] = "";
	enum auth auth;

	if (pf->opt.noauth && user)
		return user;

	auth = auth_check(&who, pf, msg, SIP_HDR_AUTHORIZATION);
	if (auth == AUTH_OK && who == user)
		return user;

	if (auth == AUTH_WRONG) {
		(void)pl_strcpy(&msg->to.uri.user, name, sizeof(name));
		event("refused user=%s code=401", name);
	}
	if (auth == AUTH_OK || pf->opt.noauth)
		(void)sip_treply(NULL, pf->sip, msg, 403, "Forbidden");
	else
		(void)auth_challenge(pf, msg, 401, auth == AUTH_STALE);

	return NULL;
}


/** Handle a REGISTER */
void registrar_recv(struct pf *pf, const struct sip_msg *msg)
{
	struct update up = {.msg = msg};

	if (pf_from_core(pf, msg)) {
		core_recv(pf, msg);
		return;
	}

	if (pf->opt.noauth && !user_find_uri(pf, &msg->to.auri) &&
	    pl_isset(&msg->to.uri.user)) {
		char *name = NULL;

		if (!pl_strdup(&name, &msg->to.uri.user))
			(void)user_add(NULL, pf, name, NULL);
		mem_deref(name);
	}

	up.user = user_check(pf, msg);
	if (!up.user)
		return;

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_handler,
				&up);
	if (up.err)
		(void)sip_treply(NULL, pf->sip, msg, 400, "Bad Contact");
	else
		reply_ok(up.user, msg);
}
