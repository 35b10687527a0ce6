/**
 * @file contact.c  What the Contact of a REGISTER says about us
 *
 * RFC 3840 (feature tags), RFC 5626, 4.1 (+sip.instance), 3GPP TS 24.229,
 * 7.2A.8 (+g.3gpp.icsi-ref: one quoted list, ':' as %3A); wire.md 1.2.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


#define ICSI "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."

static const char services[] =
	ICSI "session," ICSI "msg," ICSI "largemsg," ICSI "deferred";
static const char list_name[] = "+g.3gpp.icsi-ref";
static const char instance_name[] = "+sip.instance";


/* One parameter off the front of "*( ; name [ = token / quoted ] )" */
static bool param_next(struct pl *name, struct pl *val, struct pl *params)
{
	const char *p = params->p, *end = p + params->l, *eq = NULL;
	bool quoted = false;

	while (p < end && (*p == ';' || *p == ' ' || *p == '\t'))
		++p;
	name->p = p;
	for (; p < end && (quoted || *p != ';'); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (quoted && *p == '\\' && p + 1 < end)
			++p;
		else if (*p == '=' && !eq)
			eq = p;
	}

	name->l = (size_t)((eq ? eq : p) - name->p);
	val->p = eq ? eq + 1 : p;
	val->l = (size_t)(p - val->p);
	pl_advance(params, p - params->p);

	return name->l > 0;
}


/* "list" or token: what is between the quotes */
static struct pl unquoted(struct pl val)
{
	if (val.l >= 2 && val.p[0] == '"' && val.p[val.l - 1] == '"') {
		++val.p;
		val.l -= 2;
	}

	return val;
}


int cpm_contact_params(struct mbuf *mb, const struct pl *params,
		       const char *uuid)
{
	struct pl rest, name, val, list = PL_INIT;
	bool instance = false;
	int err = 0;

	if (!mb || !params || !uuid)
		return EINVAL;

	rest = *params;
	while (!err && param_next(&name, &val, &rest)) {
		if (!pl_strcasecmp(&name, list_name)) {
			/* the user has services of his own: one list */
			list = unquoted(val);
			continue;
		}
		instance |= !pl_strcasecmp(&name, instance_name);
		err = mbuf_printf(mb, ";%r%s%r", &name, val.l ? "=" : "",
				  &val);
	}

	if (!err && !instance)
		err = mbuf_printf(mb, ";%s=\"<urn:uuid:%s>\"", instance_name,
				  uuid);
	if (!err)
		err = mbuf_printf(mb, ";%s=\"%r%s%s\"", list_name, &list,
				  list.l ? "," : "", services);

	return err;
}
