/**
 * @file uri.c  MSRP URIs and paths (RFC 4975, 6 and 9)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


/* Take n octets and one delimiter off pl */
static void take(struct pl *pl, struct pl *tok, size_t n)
{
	tok->p = pl->p;
	tok->l = n;
	pl_advance(pl, n + (n < pl->l ? 1 : 0));
}


/* Octets before the first c, or all */
static size_t span_until(const struct pl *pl, char c)
{
	const char *p = pl->l ? memchr(pl->p, c, pl->l) : NULL;

	return p ? (size_t)(p - pl->p) : pl->l;
}


static bool is_visible(const struct pl *pl)
{
	size_t i;

	for (i=0; i<pl->l; i++) {
		const uint8_t c = (uint8_t)pl->p[i];

		if (c <= 0x20 || c >= 0x7f)
			return false;
	}

	return pl->l > 0;
}


/* port = 1*5DIGIT, 1 to 65535 */
static int port_decode(uint16_t *portp, const struct pl *pl)
{
	uint32_t port;
	size_t i;

	for (i=0; i<pl->l; i++) {
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return EBADMSG;
	}

	port = (pl->l && pl->l <= 5) ? pl_u32(pl) : 0;
	if (!port || port > 65535)
		return EBADMSG;

	*portp = (uint16_t)port;

	return 0;
}


/* authority = [ userinfo "@" ] host [ ":" port ]
   host      = "[" IPv6address "]" / IPv4address / reg-name */
static int authority_decode(struct msrp_uri *uri, struct pl auth)
{
	const size_t at = span_until(&auth, '@');
	size_t n;

	if (at < auth.l)
		take(&auth, &uri->user, at);

	if (auth.l && auth.p[0] == '[') {
		pl_advance(&auth, 1);
		n = span_until(&auth, ']');
		if (n == auth.l)
			return EBADMSG;
		take(&auth, &uri->host, n);
		if (auth.l && auth.p[0] != ':')
			return EBADMSG;
	}
	else {
		n = span_until(&auth, ':');
		uri->host.p = auth.p;
		uri->host.l = n;
		pl_advance(&auth, n);
	}

	/* with a second "@" others would read another host */
	if (!uri->host.l || memchr(uri->host.p, '@', uri->host.l))
		return EBADMSG;
	if (!auth.l)
		return 0;

	pl_advance(&auth, 1);

	return port_decode(&uri->port, &auth);
}


/* ["/" session-id] ";" transport *( ";" URI-parameter ) */
static int tail_decode(struct msrp_uri *uri, struct pl rest)
{
	if (rest.l && rest.p[0] == '/') {
		pl_advance(&rest, 1);
		uri->sid.p = rest.p;
		uri->sid.l = span_until(&rest, ';');
		pl_advance(&rest, (ssize_t)uri->sid.l);
		if (!uri->sid.l)
			return EBADMSG;
	}

	if (!rest.l)
		return EBADMSG;

	pl_advance(&rest, 1);
	uri->transport.p = rest.p;
	uri->transport.l = span_until(&rest, ';');

	return uri->transport.l ? 0 : EBADMSG;
}


/* MSRP-URI = ("msrp" / "msrps") "://" authority ["/" session-id]
              ";" transport *( ";" URI-parameter ) */
int msrp_uri_decode(struct msrp_uri *uri, const struct pl *pl)
{
	struct pl rest, scheme, auth;
	int err;

	if (!uri || !pl)
		return EINVAL;

	memset(uri, 0, sizeof(*uri));
	if (!pl->p || pl->l > MSRP_URI_MAX || !is_visible(pl))
		return EBADMSG;

	rest = *pl;
	take(&rest, &scheme, span_until(&rest, ':'));
	uri->tls = !pl_strcasecmp(&scheme, "msrps");
	if (!uri->tls && pl_strcasecmp(&scheme, "msrp"))
		return EBADMSG;

	if (rest.l < 2 || memcmp(rest.p, "//", 2))
		return EBADMSG;
	pl_advance(&rest, 2);

	auth.p = rest.p;
	auth.l = span_until(&rest, ';');
	auth.l = span_until(&auth, '/');
	pl_advance(&rest, auth.l);
	err = authority_decode(uri, auth);
	if (err)
		return err;

	return tail_decode(uri, rest);
}


/* Addresses compare as numbers, names as text */
static bool host_cmp(const struct pl *a, const struct pl *b)
{
	struct sa sa, sb;

	if (!pl_casecmp(a, b))
		return true;

	/* sa_set() takes no more than this, and cuts what is longer */
	if (a->l >= 64 || b->l >= 64)
		return false;

	if (sa_set(&sa, a, 0) || sa_set(&sb, b, 0))
		return false;

	return sa_cmp(&sa, &sb, SA_ADDR);
}


bool msrp_uri_cmp(const struct msrp_uri *a, const struct msrp_uri *b)
{
	if (!a || !b)
		return false;

	return a->tls == b->tls && a->port == b->port &&
		a->sid.l == b->sid.l &&
		(!a->sid.l || !memcmp(a->sid.p, b->sid.p, a->sid.l)) &&
		!pl_casecmp(&a->transport, &b->transport) &&
		host_cmp(&a->host, &b->host);
}


bool msrp_path_next(struct pl *path, struct pl *uri)
{
	while (path->l && path->p[0] == ' ')
		pl_advance(path, 1);

	if (!path->l)
		return false;

	take(path, uri, span_until(path, ' '));

	return true;
}


int msrp_path_host(char *host, size_t size, const char *path)
{
	struct msrp_uri uri;
	struct pl list, pl;

	pl_set_str(&list, path);
	if (!msrp_path_next(&list, &pl) || msrp_uri_decode(&uri, &pl) ||
	    pl_strcpy(&uri.host, host, size))
		return EBADMSG;

	return 0;
}
