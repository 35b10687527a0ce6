/**
 * @file addr.c  CPIM: addresses and the text in them
 *
 * RFC 3862, 2.3 and 3.2; RFC 3323 for who is nobody.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include "cpim.h"


bool cpim_is_space(char c)
{
	return c == ' ' || c == '\t';
}


bool cpim_is_ctl(char c)
{
	return (uint8_t)c < 0x20 || c == 0x7f;
}


void cpim_trim(struct pl *pl)
{
	while (pl->l && cpim_is_space(pl->p[0]))
		pl_advance(pl, 1);

	while (pl->l && cpim_is_space(pl->p[pl->l - 1]))
		--pl->l;
}


/* What ends a URI, or a line, or cannot be in one */
static bool uri_clean(const struct pl *uri)
{
	size_t i;

	for (i=0; i<uri->l; i++) {

		const char c = uri->p[i];

		if (cpim_is_ctl(c) || c == ' ' || c == '<' || c == '>' ||
		    c == '"')
			return false;
	}

	return uri->l > 0;
}


/* RFC 3986, 3.1: scheme ":"; rest is what follows */
static bool has_scheme(const struct pl *uri, const char *scheme,
		       struct pl *rest)
{
	const size_t n = strlen(scheme);
	struct pl pl = *uri;

	if (pl.l <= n || pl.p[n] != ':')
		return false;

	pl.l = n;
	if (pl_strcasecmp(&pl, scheme))
		return false;

	*rest = *uri;
	pl_advance(rest, (ssize_t)n + 1);

	return true;
}


static bool has_known_scheme(const struct pl *uri)
{
	struct pl rest;

	return has_scheme(uri, "sip", &rest) ||
		has_scheme(uri, "sips", &rest) ||
		has_scheme(uri, "tel", &rest);
}


/* RFC 3862, 3.2: String = DQUOTE *( Str-char / Escape ) DQUOTE */
static bool quoted_read(struct pl *name, struct pl *pl)
{
	size_t i;

	if (!pl->l || pl->p[0] != '"')
		return false;

	for (i=1; i<pl->l && pl->p[i] != '"'; i++) {

		if (pl->p[i] == '\\')
			++i;
	}

	if (i >= pl->l)
		return false;

	name->p = pl->p + 1;
	name->l = i - 1;
	pl_advance(pl, (ssize_t)i + 1);
	cpim_trim(pl);

	return true;
}


/* RFC 3862, 3.2: 1*( Token SP ), up to the "<" */
static void tokens_read(struct pl *name, struct pl *pl)
{
	const char *lt = memchr(pl->p, '<', pl->l);

	name->p = pl->p;
	name->l = lt ? (size_t)(lt - pl->p) : pl->l;
	pl_advance(pl, (ssize_t)name->l);

	/* a quote that nobody closed */
	if (name->l && name->p[0] == '"')
		pl_advance(name, 1);
	cpim_trim(name);
}


/* Address = [ Formal-name ] "<" URI ">" */
int cpim_addr_decode(struct cpim_addr *addr, const struct pl *pl)
{
	struct pl val, name = PL_INIT, uri = PL_INIT;
	const char *gt;

	if (!addr || !pl)
		return EINVAL;

	memset(addr, 0, sizeof(*addr));
	if (!pl_isset(pl))
		return EBADMSG;

	val = *pl;
	cpim_trim(&val);
	if (has_known_scheme(&val) && uri_clean(&val)) {
		addr->uri = val;
		return 0;
	}

	if (!quoted_read(&name, &val))
		tokens_read(&name, &val);

	if (!val.l || val.p[0] != '<')
		return EBADMSG;

	pl_advance(&val, 1);
	gt = memchr(val.p, '>', val.l);
	if (gt) {
		uri.p = val.p;
		uri.l = (size_t)(gt - val.p);
		cpim_trim(&uri);
		if (!uri_clean(&uri))
			return EBADMSG;
	}

	addr->dname = name;
	addr->uri = uri;

	return 0;
}


/* RFC 3966, 3: a number has digits */
static bool tel_isreal(const struct pl *number)
{
	size_t i;

	for (i=0; i<number->l; i++) {

		const char c = number->p[i];

		if (c == ';' || c == '?')
			break;
		if (c >= '0' && c <= '9')
			return true;
	}

	return false;
}


/* RFC 3261, 19.1.1: [ userinfo "@" ] hostport uri-parameters [ headers ] */
static bool sip_isreal(const struct pl *rest)
{
	const char *at = memchr(rest->p, '@', rest->l);
	struct pl host = *rest;
	size_t i = 0;

	if (at)
		pl_advance(&host, at + 1 - host.p);

	if (host.l && host.p[0] == '[')
		return memchr(host.p, ']', host.l) != NULL;

	while (i < host.l && !strchr(":;?", host.p[i]))
		++i;
	host.l = i;

	/* the root of the name system may be written */
	if (host.l && host.p[host.l - 1] == '.')
		--host.l;

	return host.l && pl_strcasecmp(&host, "anonymous.invalid");
}


bool cpim_uri_isreal(const struct pl *uri)
{
	struct pl rest;

	if (!pl_isset(uri) || !uri_clean(uri))
		return false;

	if (has_scheme(uri, "tel", &rest))
		return tel_isreal(&rest);

	return (has_scheme(uri, "sip", &rest) ||
		has_scheme(uri, "sips", &rest)) && sip_isreal(&rest);
}


/* RFC 3862, 2.3: "\u" 4(HEXDIG). Octets used, 0 if it is none. */
static size_t hex4_read(unsigned *cp, const struct pl *pl)
{
	size_t i;

	if (pl->l < 6 || pl->p[0] != '\\' || pl->p[1] != 'u')
		return 0;

	*cp = 0;
	for (i=2; i<6; i++) {

		const char c = pl->p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
		      (c >= 'A' && c <= 'F')))
			return 0;

		*cp = *cp << 4 | ch_hex(c);
	}

	return 6;
}


/* A character above U+FFFF is written as two surrogates */
static size_t codepoint_read(unsigned *cp, const struct pl *pl)
{
	const size_t n = hex4_read(cp, pl);
	struct pl next = *pl;
	unsigned low = 0;

	if (!n || *cp < 0xd800 || *cp > 0xdfff)
		return n;

	pl_advance(&next, (ssize_t)n);
	if (*cp < 0xdc00 && hex4_read(&low, &next) &&
	    low >= 0xdc00 && low <= 0xdfff) {
		*cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
		return 2 * n;
	}

	*cp = 0xfffd;

	return n;
}


/* One character, or one escape, to out. Octets used of pl. */
static size_t char_read(char *out, size_t *outl, const struct pl *pl)
{
	unsigned cp = 0;
	size_t n = 1;

	*outl = 1;
	out[0] = pl->p[0];

	if (pl->p[0] == '\\' && pl->l > 1) {

		n = codepoint_read(&cp, pl);
		if (n && cp >= 0x80) {
			*outl = utf8_byteseq(out, cp);
			return n;
		}
		else if (n) {
			out[0] = (char)cp;
		}
		else {
			n = 2;
			out[0] = strchr("btnr", pl->p[1]) ? ' ' : pl->p[1];
		}
	}

	if (cpim_is_ctl(out[0]))
		out[0] = ' ';

	return n;
}


int cpim_text_print(struct re_printf *pf, const struct pl *pl)
{
	struct pl rest;
	int err = 0;

	if (!pf)
		return EINVAL;

	if (!pl_isset(pl))
		return 0;

	rest = *pl;
	while (rest.l && !err) {

		char out[4];
		size_t n, outl;

		n = char_read(out, &outl, &rest);
		err = pf->vph(out, outl, pf->arg);
		pl_advance(&rest, (ssize_t)n);
	}

	return err;
}
