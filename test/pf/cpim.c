/**
 * @file cpim.c  message/cpim (RFC 3862) and message/imdn+xml (RFC 5438)
 *
 * Kept simple and strict on purpose: it judges what cpm.so writes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


#define ANONYMOUS "<sip:anonymous@anonymous.invalid>"
#define IMDN_NS   "urn:ietf:params:imdn"
#define XML_NS    "urn:ietf:params:xml:ns:imdn"


/** Print the headers of a kept message, up to where its body begins.
    @return 0; ENOMEM */
int cpim_head_print(struct mbuf *mb, const struct kept *m)
{
	int err;

	/* the body has them: they are its sender's */
	if (m->raw)
		return 0;

	if (m->anon)
		err = mbuf_printf(mb, "From: " ANONYMOUS "\r\n"
				  "To: " ANONYMOUS "\r\n");
	else if (m->name)
		err = mbuf_printf(mb, "From: \"%s\" <%s>\r\nTo: <%s>\r\n",
				  m->name, m->sender, m->rcpt);
	else
		err = mbuf_printf(mb, "From: <%s>\r\nTo: <%s>\r\n",
				  m->sender, m->rcpt);
	if (err)
		return err;

	err = mbuf_printf(mb, "DateTime: %s\r\n"
			  "NS: imdn <" IMDN_NS ">\r\n"
			  "imdn.Message-ID: %s\r\n", m->date, m->id);
	if (!err && m->ask)
		err = mbuf_printf(mb, "imdn.Disposition-Notification: %s\r\n",
				  m->ask);
	if (err)
		return err;

	err = mbuf_printf(mb, "\r\nContent-Type: %s\r\n", m->type);
	if (!err && m->disp)
		err = mbuf_printf(mb, "Content-Disposition: %s\r\n", m->disp);
	if (err)
		return err;

	return mbuf_printf(mb, "Content-Length: %llu\r\n\r\n",
			   (unsigned long long)m->size);
}


/* Next line of src, without its end. False: no line end is left */
static bool line_next(struct pl *line, struct pl *src)
{
	const char *p = memchr(src->p, '\n', src->l);

	if (!p || p == src->p || p[-1] != '\r')
		return false;

	line->p = src->p;
	line->l = (size_t)(p - src->p) - 1;
	pl_advance(src, p + 1 - src->p);
	return true;
}


static bool header_split(struct pl *name, struct pl *val,
			 const struct pl *line)
{
	const char *p = memchr(line->p, ':', line->l);

	if (!p || p == line->p)
		return false;

	name->p = line->p;
	name->l = (size_t)(p - line->p);
	val->p = p + 1;
	val->l = line->l - name->l - 1;
	while (val->l && *val->p == ' ')
		pl_advance(val, 1);
	return true;
}


/* The prefix that a NS header gives to the IMDN name space */
static bool ns_prefix(struct pl *prefix, const struct pl *val)
{
	struct pl uri;

	if (re_regex(val->p, val->l, "[^ <]+[ ]*<[^>]+>", prefix, NULL, &uri))
		return false;

	return !pl_strcmp(&uri, IMDN_NS);
}


static bool prefixed(const struct pl *name, const struct pl *prefix,
		     const char *word)
{
	struct pl rest;

	if (!prefix->l || name->l <= prefix->l + 1 ||
	    memcmp(name->p, prefix->p, prefix->l) ||
	    name->p[prefix->l] != '.')
		return false;

	rest.p = name->p + prefix->l + 1;
	rest.l = name->l - prefix->l - 1;
	return !pl_strcmp(&rest, word);
}


/* The message headers, then the content headers: each block ends with an
   empty line */
static const char *block_decode(struct cpim *cpim, struct pl *src,
				bool content, uint64_t *clen)
{
	struct pl line, name, val, prefix = PL_INIT, ns;

	for (;;) {
		if (!line_next(&line, src))
			return "header block without end";
		if (!line.l)
			return NULL;
		if (!header_split(&name, &val, &line))
			return "line that is no header";

		if (content) {
			if (!pl_strcasecmp(&name, "Content-Type"))
				cpim->ctype = val;
			else if (!pl_strcasecmp(&name, "Content-Disposition"))
				cpim->disp = val;
			else if (!pl_strcasecmp(&name, "Content-Length"))
				*clen = pl_u64(&val);
			continue;
		}
		if (!pl_strcmp(&name, "From"))
			cpim->from = val;
		else if (!pl_strcmp(&name, "To"))
			cpim->to = val;
		else if (!pl_strcmp(&name, "NS") && ns_prefix(&ns, &val))
			prefix = ns;
		else if (prefixed(&name, &prefix, "Message-ID"))
			cpim->id = val;
	}
}


/** Decode a whole message/cpim. @param why What is wrong with it.
    @return 0; EBADMSG */
int cpim_decode(struct cpim *cpim, const struct pl *pl, const char **why)
{
	struct pl src = *pl;
	uint64_t clen = UINT64_MAX;

	memset(cpim, 0, sizeof(*cpim));

	*why = block_decode(cpim, &src, false, &clen);
	if (!*why)
		*why = block_decode(cpim, &src, true, &clen);
	if (*why)
		return EBADMSG;

	if (!cpim->from.l || !cpim->to.l)
		*why = "no From or no To";
	else if (!cpim->id.l)
		*why = "no imdn.Message-ID in a declared name space";
	else if (!cpim->ctype.l)
		*why = "no Content-Type";
	else if (clen != UINT64_MAX && clen != src.l)
		*why = "Content-Length is not that of the body";

	cpim->body = src;
	return *why ? EBADMSG : 0;
}


/* Local name of an element, and where its tag ends */
static bool tag_next(struct pl *name, struct pl *src, bool *close)
{
	const char *p, *e;
	size_t i;

	for (;;) {
		p = memchr(src->p, '<', src->l);
		if (!p)
			return false;
		pl_advance(src, p + 1 - src->p);
		e = memchr(src->p, '>', src->l);
		if (!e)
			return false;

		name->p = src->p;
		name->l = (size_t)(e - src->p);
		pl_advance(src, e + 1 - src->p);
		if (name->l && *name->p != '?' && *name->p != '!')
			break;
	}

	*close = *name->p == '/';
	if (*close)
		pl_advance(name, 1);
	for (i = 0; i < name->l && !strchr(" \t\r\n/", name->p[i]); i++)
		;
	name->l = i;

	p = memchr(name->p, ':', name->l);
	if (p)
		pl_advance(name, p + 1 - name->p);
	return true;
}


/** Undo the five entities of XML in place */
void entities_undo(char *str)
{
	static const struct { const char *ent; char ch; } table[] = {
		{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'},
		{"&quot;", '"'}, {"&apos;", '\''},
	};
	char *dst = str;
	size_t i;

	while (*str) {
		for (i = 0; i < ARRAY_SIZE(table); i++) {
			const size_t n = strlen(table[i].ent);

			if (strncmp(str, table[i].ent, n))
				continue;
			*dst++ = table[i].ch;
			str += n;
			break;
		}
		if (i == ARRAY_SIZE(table))
			*dst++ = *str++;
	}
	*dst = '\0';
}


static void text_take(char *buf, size_t size, const struct pl *src)
{
	const char *e = memchr(src->p, '<', src->l);
	struct pl pl = {src->p, e ? (size_t)(e - src->p) : 0};

	while (pl.l && strchr(" \t\r\n", *pl.p))
		pl_advance(&pl, 1);
	while (pl.l && strchr(" \t\r\n", pl.p[pl.l - 1]))
		pl.l--;

	(void)pl_strcpy(&pl, buf, size);
	entities_undo(buf);
}


/* RFC 5438: which notification may hold which status */
static bool status_fits(const struct pl *kind, const struct pl *status)
{
	static const char *const table[][5] = {
		{"delivery-notification", "delivered", "failed", "forbidden",
		 "error"},
		{"display-notification", "displayed", "forbidden", "error",
		 ""},
		{"processing-notification", "processed", "stored",
		 "forbidden", "error"},
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (pl_strcmp(kind, table[i][0]))
			continue;
		for (j = 1; j < ARRAY_SIZE(table[i]); j++) {
			if (!pl_strcmp(status, table[i][j]))
				return true;
		}
	}

	return false;
}


/**
 * Decode a message/imdn+xml into id and status
 *
 * @return 0; EBADMSG
 */
int imdn_decode(struct notice *notice, const struct pl *xml, const char **why)
{
	struct pl src = *xml, name, kind = PL_INIT, status = PL_INIT;
	bool root = false, date = false, in_status = false, end;

	notice->id[0] = notice->status[0] = '\0';

	while (tag_next(&name, &src, &end)) {
		if (end) {
			if (!pl_strcmp(&name, "status"))
				in_status = false;
			continue;
		}
		if (!pl_strcmp(&name, "imdn"))
			root = true;
		else if (!pl_strcmp(&name, "message-id"))
			text_take(notice->id, sizeof(notice->id), &src);
		else if (!pl_strcmp(&name, "datetime"))
			date = true;
		else if (!pl_strcmp(&name, "status"))
			in_status = true;
		else if (in_status && !status.l)
			status = name;
		else if (pl_has(&name, "-notification"))
			kind = name;
	}

	*why = NULL;
	if (!root || !pl_has(xml, XML_NS))
		*why = "no imdn element in its name space";
	else if (!notice->id[0])
		*why = "no message-id";
	else if (!date)
		*why = "no datetime";
	else if (!status_fits(&kind, &status) ||
		 pl_strcpy(&status, notice->status, sizeof(notice->status)))
		*why = "no status, or not one of its notification";

	return *why ? EBADMSG : 0;
}
