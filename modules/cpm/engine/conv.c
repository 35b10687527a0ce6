/**
 * @file conv.c  Who a message is from, and which conversation it belongs to
 *
 * Seed 7.3.12 (Conversation-ID decides whether the 1-1 session is known);
 * wire.md 2.2 and 13.5: sender = Referred-By, else the asserted identity
 * unless it is the server's, else From.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include "engine.h"


static const char standfw_user[] = "rcse-standfw";


static bool scheme(struct pl *rest, const struct pl *uri, const char *name)
{
	const struct pl head = {uri->p, strlen(name)};

	if (uri->l <= head.l || pl_strcasecmp(&head, name))
		return false;

	*rest = *uri;
	pl_advance(rest, (ssize_t)head.l);

	return true;
}


static void cut_at(struct pl *pl, char c)
{
	const char *p = pl_strchr(pl, c);

	if (p)
		pl->l = (size_t)(p - pl->p);
}


static int tel_norm(char **strp, const struct pl *num)
{
	struct mbuf *mb = mbuf_alloc(32);
	struct pl digits = *num;
	size_t i;
	int err;

	if (!mb)
		return ENOMEM;

	cut_at(&digits, ';');
	err = mbuf_write_str(mb, "tel:");

	/* visual-separator = "-" / "." / "(" / ")"  (RFC 3966, 3) */
	for (i=0; i<digits.l && !err; i++) {
		if (!strchr("-.()", digits.p[i]))
			err = mbuf_write_u8(mb, (uint8_t)digits.p[i]);
	}
	if (!err && mb->end == strlen("tel:"))
		err = EBADMSG;
	if (!err) {
		mb->pos = 0;
		err = mbuf_strdup(mb, strp, mb->end);
	}

	mem_deref(mb);

	return err;
}


static bool host_valid(const struct pl *host)
{
	size_t i;

	for (i=0; i<host->l; i++) {
		const unsigned char c = (unsigned char)host->p[i];

		if (!isalnum(c) && !strchr(".-:[]_", c))
			return false;
	}

	return host->l > 0;
}


static int sip_norm(char **strp, const char *name, const struct pl *rest,
		    const char *port)
{
	struct pl host = *rest, user = {NULL, 0};
	const char *at = pl_strchr(rest, '@');
	char *p;
	int err;

	if (at) {
		user.p = rest->p;
		user.l = (size_t)(at - rest->p);
		host.p = at + 1;
		host.l = rest->l - user.l - 1;
		cut_at(&user, ':');  /* a password is nobody's name */
	}

	cut_at(&host, ';');
	cut_at(&host, '?');
	cut_at(&host, '>');
	if (!host_valid(&host))
		return EBADMSG;

	if (host.l > strlen(port) &&
	    !strncmp(host.p + host.l - strlen(port), port, strlen(port)))
		host.l -= strlen(port);

	err = re_sdprintf(strp, "%s:%r%s%r", name, &user, at ? "@" : "",
			  &host);
	if (err)
		return err;

	for (p = *strp + strlen(name) + 1 + user.l; *p; p++)
		*p = (char)tolower((unsigned char)*p);

	return 0;
}


int cpm_uri_norm(char **strp, const struct pl *uri)
{
	struct pl rest;
	size_t i;

	if (!strp || !uri || !uri->p)
		return EINVAL;

	for (i=0; i<uri->l; i++) {
		const unsigned char c = (unsigned char)uri->p[i];

		if (c <= ' ' || c == 0x7f || c == '<' || c == '>' ||
		    c == '"')
			return EBADMSG;
	}

	if (scheme(&rest, uri, "sip:"))
		return sip_norm(strp, "sip", &rest, ":5060");
	if (scheme(&rest, uri, "sips:"))
		return sip_norm(strp, "sips", &rest, ":5061");
	if (scheme(&rest, uri, "tel:"))
		return tel_norm(strp, &rest);

	return EBADMSG;
}


static int id_dup(char **strp, const struct sip_msg *msg, const char *name)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, name);

	if (!hdr || !pl_isset(&hdr->val))
		return 0;
	if (hdr->val.l > CPM_ID_MAX)
		return EOVERFLOW;

	return pl_strdup(strp, &hdr->val);
}


int name_dup(char **strp, const struct pl *name)
{
	struct pl pl = *name;

	pl.l = cpm_text_cut((const uint8_t *)pl.p, pl.l, CPM_NAME_MAX);

	return pl.l ? pl_strdup(strp, &pl) : 0;
}


static bool isstandfw(const struct sip_addr *addr)
{
	return !pl_strcasecmp(&addr->uri.user, standfw_user);
}


/* @return 0; ENOENT if this is nobody; EBADMSG; ENOMEM */
static int take_sender(struct origin *org, const struct pl *val)
{
	struct sip_addr addr;
	struct pl dname;
	int err;

	if (sip_addr_decode(&addr, val) || addr.auri.l > CPM_URI_MAX)
		return EBADMSG;
	if (isstandfw(&addr) || !cpim_uri_isreal(&addr.auri))
		return ENOENT;

	err = cpm_uri_norm(&org->peer, &addr.auri);
	if (err)
		return err;

	dname = addr.dname;
	if (dname.l >= 2 && dname.p[0] == '"' && dname.p[dname.l-1] == '"') {
		pl_advance(&dname, 1);
		--dname.l;
	}

	return name_dup(&org->name, &dname);
}


static bool standfw_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct sip_addr addr;
	(void)msg;
	(void)arg;

	return !sip_addr_decode(&addr, &hdr->val) && isstandfw(&addr);
}


static int sender_decode(struct origin *org, const struct sip_msg *msg,
			 bool asserted)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFERRED_BY);
	int err = ENOENT;

	/* a Referred-By that nobody can read names a sender that we would
	   get wrong: refuse it rather than take the next header */
	if (hdr) {
		err = take_sender(org, &hdr->val);
		if (err == EBADMSG || err == ENOMEM)
			return err;
	}

	hdr = asserted ? sip_msg_hdr(msg, SIP_HDR_P_ASSERTED_IDENTITY) : NULL;
	if (err && hdr)
		err = take_sender(org, &hdr->val);
	if (err)
		err = take_sender(org, &msg->from.val);

	/* nobody known is no error: there is no notification then */
	return err == ENOMEM ? err : 0;
}


int origin_decode(struct origin *org, const struct sip_msg *msg,
		  bool asserted)
{
	int err;

	memset(org, 0, sizeof(*org));

	org->standfw = asserted &&
		sip_msg_hdr_apply(msg, true, SIP_HDR_P_ASSERTED_IDENTITY,
				  standfw_handler, NULL) != NULL;

	err = sender_decode(org, msg, asserted);
	if (!err)
		err = id_dup(&org->conversation_id, msg, "Conversation-ID");
	if (!err)
		err = id_dup(&org->contribution_id, msg, "Contribution-ID");
	if (!err)
		err = id_dup(&org->in_reply_to, msg,
			     "InReplyTo-Contribution-ID");
	if (err)
		origin_reset(org);

	return err;
}


void origin_reset(struct origin *org)
{
	mem_deref(org->peer);
	mem_deref(org->name);
	mem_deref(org->conversation_id);
	mem_deref(org->contribution_id);
	mem_deref(org->in_reply_to);
	memset(org, 0, sizeof(*org));
}


int conv_key(char **keyp, const struct origin *org, const char *peer)
{
	/* the prefixes keep a stranger's id from naming a local key */
	if (org->conversation_id)
		return re_sdprintf(keyp, "id:%s", org->conversation_id);

	return re_sdprintf(keyp, "peer:%s", peer ? peer : "");
}
