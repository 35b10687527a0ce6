/**
 * @file tag.c  Feature tags: what an INVITE or MESSAGE asks for
 *
 * RFC 3840 and 3841 (Accept-Contact), 3GPP TS 24.229 (ICSI), wire.md 1. An
 * ICSI counts only as a whole token: a substring match would take
 * ...cpm.session.group for ...cpm.session.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


enum {
	TOKEN_MAX = 128,  /* octets of a decoded ICSI: ours are below 60 */
};


static const struct {
	const char *name;
	unsigned tags;
} servicev[] = {
	{"session",        TAG_SESSION},
	{"session.group",  TAG_GROUP},
	{"largemsg",       TAG_LARGE},
	{"largemsg.group", TAG_LARGE | TAG_GROUP},
	{"deferred",       TAG_DEFERRED},
	{"msg",            TAG_MSG},
	{"msg.group",      TAG_MSG | TAG_GROUP},
};


static int hexval(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;

	return -1;
}


static bool isblank_or_quote(char c)
{
	return c == ' ' || c == '\t' || c == '"' || c == '<' || c == '>';
}


static void trim(struct pl *pl)
{
	while (pl->l && isblank_or_quote(pl->p[0]))
		pl_advance(pl, 1);
	while (pl->l && isblank_or_quote(pl->p[pl->l - 1]))
		--pl->l;
}


static size_t unescape(char *buf, size_t size, const struct pl *pl)
{
	size_t i, n = 0;

	for (i=0; i<pl->l && n < size; i++) {

		if (pl->p[i] == '%' && i + 2 < pl->l &&
		    hexval(pl->p[i+1]) >= 0 && hexval(pl->p[i+2]) >= 0) {

			buf[n++] = (char)(hexval(pl->p[i+1]) << 4 |
					  hexval(pl->p[i+2]));
			i += 2;
		}
		else
			buf[n++] = pl->p[i];
	}

	return n;
}


static bool skip_prefix(struct pl *pl, const char *prefix)
{
	struct pl head = {pl->p, strlen(prefix)};

	if (pl->l < head.l || pl_strcasecmp(&head, prefix))
		return false;

	pl_advance(pl, (ssize_t)head.l);

	return true;
}


static unsigned token_tag(const struct pl *token)
{
	char buf[TOKEN_MAX];
	struct pl pl = *token;
	size_t i;

	trim(&pl);
	pl.l = unescape(buf, sizeof(buf), &pl);
	pl.p = buf;
	trim(&pl);

	/* the change request writes the tag without its URN prefix */
	(void)skip_prefix(&pl, "urn:urn-7:");

	if (!skip_prefix(&pl, "3gpp-service.ims.icsi.oma.cpm."))
		return 0;

	for (i=0; i<sizeof(servicev)/sizeof(servicev[0]); i++) {
		if (!pl_strcasecmp(&pl, servicev[i].name))
			return servicev[i].tags;
	}

	return 0;
}


static unsigned list_tags(const struct pl *list)
{
	struct pl left = *list;
	unsigned tags = 0;

	while (left.l) {
		const char *comma = pl_strchr(&left, ',');
		struct pl token = left;

		if (comma)
			token.l = (size_t)(comma - left.p);

		tags |= token_tag(&token);
		pl_advance(&left, (ssize_t)(token.l + (comma ? 1 : 0)));
	}

	return tags;
}


/* feature-param = enc-feature-tag [EQUAL LDQUOT (tag-value-list) RDQUOT] */
static unsigned param_tags(const struct pl *param)
{
	const char *eq = pl_strchr(param, '=');
	struct pl name = *param, val;

	if (!eq)
		return token_tag(param);

	name.l = (size_t)(eq - param->p);
	trim(&name);
	(void)skip_prefix(&name, "+");

	if (pl_strcasecmp(&name, "g.3gpp.icsi-ref"))
		return 0;

	val.p = eq + 1;
	val.l = param->l - (size_t)(val.p - param->p);

	return list_tags(&val);
}


/* Length up to the next separator that stands outside quotes. A quote that
   is never closed ends with the value. */
static size_t param_len(const struct pl *pl)
{
	bool quoted = false;
	size_t i;

	for (i=0; i<pl->l; i++) {

		if (pl->p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (pl->p[i] == ';' || pl->p[i] == ','))
			break;
	}

	return i;
}


unsigned tag_contact(const struct pl *val)
{
	struct pl left;
	unsigned tags = 0;

	if (!val || !val->p)
		return 0;

	left = *val;

	while (left.l) {
		struct pl param = {left.p, param_len(&left)};

		tags |= param_tags(&param);
		pl_advance(&left, (ssize_t)(param.l < left.l ? param.l + 1
						  : param.l));
	}

	return tags;
}


unsigned tag_service(const struct pl *val)
{
	/* some clients put a whole feature parameter there */
	return val && val->p ? list_tags(val) | tag_contact(val) : 0;
}


static bool contact_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	unsigned *tags = arg;
	(void)msg;

	*tags |= tag_contact(&hdr->val);

	return false;
}


static bool service_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	unsigned *tags = arg;
	(void)msg;

	*tags |= tag_service(&hdr->val);

	return false;
}


unsigned tag_wanted(const struct sip_msg *msg)
{
	unsigned tags = 0;

	if (msg)
		(void)sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT_CONTACT,
					contact_handler, &tags);

	return tags;
}


unsigned tag_msg(const struct sip_msg *msg)
{
	unsigned tags = tag_wanted(msg);

	if (!tags && msg)
		(void)sip_msg_xhdr_apply(msg, true, "P-Asserted-Service",
					 service_handler, &tags);

	return tags;
}
