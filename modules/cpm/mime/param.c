/**
 * @file mime/param.c  MIME: a header's value and its parameters
 *
 * RFC 2045, 5.1; RFC 2231, 4; RFC 8187, 3.2.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include <cpm_mime.h>
#include "mime.h"


/* line breaks too: a folded header has them in its value */
bool mime_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


void mime_trim(struct pl *pl)
{
	while (pl->l && mime_is_space(pl->p[0]))
		pl_advance(pl, 1);
	while (pl->l && mime_is_space(pl->p[pl->l - 1]))
		--pl->l;
}


/* Up to c, or to the end; c within quotes is none */
static size_t span(const struct pl *pl, char c)
{
	bool quoted = false;
	size_t i;

	for (i=0; i<pl->l; i++) {

		if (quoted && pl->p[i] == '\\' && i + 1 < pl->l)
			++i;
		else if (pl->p[i] == '"')
			quoted = !quoted;
		else if (!quoted && pl->p[i] == c)
			break;
	}

	return i;
}


static void skip(struct pl *pl, size_t n)
{
	/* what is not there has no address to add to */
	if (pl->l)
		pl_advance(pl, (ssize_t)(n < pl->l ? n : pl->l));
}


/* value *( ";" attribute "=" value ) */
bool mime_param_find(struct pl *raw, const struct pl *val, const char *name)
{
	struct pl rest = *val;

	skip(&rest, span(&rest, ';') + 1);
	while (rest.l) {

		struct pl item = {rest.p, span(&rest, ';')}, attr;

		skip(&rest, item.l + 1);
		attr.p = item.p;
		attr.l = span(&item, '=');
		if (attr.l == item.l)
			continue;

		skip(&item, attr.l + 1);
		mime_trim(&attr);
		mime_trim(&item);
		if (!pl_strcasecmp(&attr, name)) {
			*raw = item;
			return true;
		}
	}

	return false;
}


size_t mime_unquote(char *buf, const struct pl *raw)
{
	size_t i, n = 0;

	if (!raw->l || raw->p[0] != '"') {
		memcpy(buf, raw->p, raw->l);
		return raw->l;
	}

	for (i=1; i<raw->l && raw->p[i] != '"'; i++) {

		if (raw->p[i] == '\\' && i + 1 < raw->l)
			++i;
		buf[n++] = raw->p[i];
	}

	return n;
}


static int pct(const struct pl *pl, size_t i)
{
	const int hi = i + 2 < pl->l ? ch_hex(pl->p[i + 1]) : 0;

	if (i + 2 >= pl->l || !isxdigit((unsigned char)pl->p[i + 1]) ||
	    !isxdigit((unsigned char)pl->p[i + 2]))
		return -1;

	return hi << 4 | ch_hex(pl->p[i + 2]);
}


/*
 * ext-value = charset "'" [ language ] "'" value-chars
 *
 * @return 0; ENOTSUP for another charset; EBADMSG; ENOMEM
 */
static int ext_decode(char **strp, const struct pl *raw)
{
	static const struct pl latin1 = PL("iso-8859-1"), utf8 = PL("utf-8");
	struct pl cs, v = *raw;
	size_t i, n = 0;
	bool latin;
	char *str;
	int c;

	cs.p = v.p;
	cs.l = span(&v, '\'');
	skip(&v, cs.l + 1);
	skip(&v, span(&v, '\'') + 1);
	latin = !pl_casecmp(&cs, &latin1);
	if (!latin && pl_casecmp(&cs, &utf8))
		return ENOTSUP;

	/* an octet of ISO-8859-1 may become two, an escape is three */
	str = mem_alloc(2 * v.l + 1, NULL);
	if (!str)
		return ENOMEM;

	for (i=0; i<v.l; i++) {

		c = (unsigned char)v.p[i];
		if (c == '%') {
			c = pct(&v, i);
			i += 2;
		}
		if (c <= 0) {
			mem_deref(str);
			return EBADMSG;
		}

		if (latin && c >= 0x80) {
			str[n++] = (char)(0xc0 | c >> 6);
			c = 0x80 | (c & 0x3f);
		}
		str[n++] = (char)c;
	}
	str[n] = '\0';
	*strp = str;

	return 0;
}


int mime_param(char **strp, const struct pl *val, const char *name)
{
	char ext[64];
	struct pl raw;
	char *str;
	int err;

	if (!strp || !val || !name)
		return EINVAL;

	if (re_snprintf(ext, sizeof(ext), "%s*", name) < 0)
		return EINVAL;

	if (mime_param_find(&raw, val, ext)) {
		err = ext_decode(strp, &raw);
		if (!err || err == ENOMEM)
			return err;
	}

	if (!mime_param_find(&raw, val, name))
		return ENOENT;

	str = mem_alloc(raw.l + 1, NULL);
	if (!str)
		return ENOMEM;

	str[mime_unquote(str, &raw)] = '\0';
	*strp = str;

	return 0;
}


bool mime_type_is(const struct pl *ctype, const char *type)
{
	struct pl pl;

	if (!ctype || !type || !pl_isset(ctype))
		return false;

	pl.p = ctype->p;
	pl.l = span(ctype, ';');
	mime_trim(&pl);

	return !pl_strcasecmp(&pl, type);
}


bool mime_is_multipart(const struct pl *ctype)
{
	static const struct pl multipart = PL("multipart/");
	struct pl head;

	if (!ctype || !pl_isset(ctype))
		return false;

	head.p = ctype->p;
	head.l = min(ctype->l, multipart.l);

	return !pl_casecmp(&head, &multipart);
}
