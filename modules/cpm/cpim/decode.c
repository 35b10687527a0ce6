/**
 * @file cpim/decode.c  CPIM: the head of a message
 *
 * RFC 3862, 2 and 3; RFC 5438, 6 for the imdn. headers. Lenient: see wire
 * notes for what real networks send.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include "cpim.h"


/** One header. Its value is what follows the colon, untouched at first. */
struct hdr {
	struct pl name;
	struct pl val;
	bool content;      /**< it describes the body                     */
};

struct head {
	struct hdr hdrv[CPIM_HDR_MAX];
	size_t hdrc;
	size_t msgc;       /**< those of the message, not of its content  */
	struct hdr *last;  /**< a folded line continues this one          */
	bool sep;          /**< the empty line between both kinds was read */
	bool content;      /**< a content header was read                 */
	bool done;
};


static const struct pl content_prefix = PL("Content-");


static void destructor(void *arg)
{
	struct cpim_msg *msg = arg;

	mem_deref(msg->mb);
}


/* RFC 3862, 3.1: NAMECHAR, and the "." behind a prefix */
static bool is_namechar(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') ||
		(c && strchr("!#$%&'*+-.^_`|~", c));
}


/* Header = Header-name ":" *( ";" Parameter ) SP Header-value CRLF */
static int header_add(struct head *head, const struct pl *line)
{
	struct pl rest = *line, start;
	struct hdr *hdr;

	while (rest.l && is_namechar(rest.p[0]))
		pl_advance(&rest, 1);

	start.p = line->p;
	start.l = line->l - rest.l;

	while (rest.l && cpim_is_space(rest.p[0]))
		pl_advance(&rest, 1);

	if (!start.l || !rest.l || rest.p[0] != ':')
		return EBADMSG;

	if (head->hdrc >= CPIM_HDR_MAX)
		return EOVERFLOW;

	pl_advance(&rest, 1);
	hdr = &head->hdrv[head->hdrc++];
	hdr->name = start;
	hdr->val = rest;

	if (start.l > content_prefix.l)
		start.l = content_prefix.l;
	hdr->content = head->sep || !pl_casecmp(&start, &content_prefix);

	head->last = hdr;
	if (hdr->content)
		head->content = true;
	else
		++head->msgc;

	return 0;
}


/* An empty line: in front of all, between both kinds of headers, or behind
   them. Where no empty line was between them, the first one is the end. */
static int empty_line(struct head *head)
{
	if (!head->hdrc)
		return 0;

	if (!head->msgc)
		return EBADMSG;

	head->last = NULL;
	if (head->sep || head->content)
		head->done = true;
	else
		head->sep = true;

	return 0;
}


/* @param line One line, with its line end if it has one */
static int line_add(struct head *head, struct pl line)
{
	if (line.l && line.p[line.l - 1] == '\n')
		--line.l;
	while (line.l && line.p[line.l - 1] == '\r')
		--line.l;

	if (!line.l)
		return empty_line(head);

	if (memchr(line.p, '\r', line.l) || memchr(line.p, '\0', line.l))
		return EBADMSG;

	if (!cpim_is_space(line.p[0]))
		return header_add(head, &line);

	if (!head->last)
		return EBADMSG;

	head->last->val.l = (size_t)(line.p + line.l - head->last->val.p);

	return 0;
}


/* The message ends within its head: take what there is. The last line may
   be no header: it is left to the body, so that it is not lost. */
static int head_cut(struct head *head, size_t *lenp, const char *p,
		    size_t left)
{
	const struct pl line = {p, left};
	int err;

	if (left) {
		err = line_add(head, line);
		if (!err)
			*lenp += left;
		else if (err != EBADMSG)
			return err;
	}

	if (!head->msgc || (!head->sep && !head->content))
		return EBADMSG;

	return 0;
}


/* Message = 1*Header CRLF *MIME-header CRLF body */
static int head_read(struct head *head, size_t *lenp, const char *p,
		     size_t len, bool all)
{
	const size_t max = len < CPIM_HEAD_MAX ? len : CPIM_HEAD_MAX;
	size_t pos = 0;
	int err;

	while (!head->done && pos < max) {

		const char *lf = memchr(p + pos, '\n', max - pos);
		struct pl line = {p + pos, 0};

		if (!lf)
			break;

		line.l = (size_t)(lf + 1 - line.p);
		err = line_add(head, line);
		if (err)
			return err;

		pos += line.l;
	}

	*lenp = pos;
	if (head->done)
		return 0;

	if (len > CPIM_HEAD_MAX)
		return EOVERFLOW;

	return all ? head_cut(head, lenp, p + pos, len - pos) : ENODATA;
}


/* Folded lines become one. The values are views into mb, so this is done
   in place; the head is known to be complete by now. */
static void head_unfold(struct head *head, struct mbuf *mb)
{
	size_t i, j;

	for (i=0; i<head->hdrc; i++) {

		struct pl *val = &head->hdrv[i].val;
		uint8_t *p = mb->buf + (val->p - (const char *)mb->buf);

		for (j=0; j<val->l; j++) {

			if (p[j] == '\r' || p[j] == '\n')
				p[j] = ' ';
		}
	}
}


/* RFC 3862, 3.1: the parameters before the value, e.g. ";lang=fr" */
static struct pl header_value(const struct hdr *hdr)
{
	struct pl val = hdr->val;
	bool quoted = false;

	if (val.l && val.p[0] == ';' && !hdr->content) {

		while (val.l && (quoted || !cpim_is_space(val.p[0]))) {

			if (val.p[0] == '"')
				quoted = !quoted;
			else if (quoted && val.p[0] == '\\' && val.l > 1)
				pl_advance(&val, 1);

			pl_advance(&val, 1);
		}
	}

	cpim_trim(&val);

	return val;
}


/* RFC 3862, 4.6: "NS:" [ Name-prefix ] "<" URI ">". May stand anywhere. */
static bool is_imdn_prefix(const struct head *head, const struct pl *prefix)
{
	bool bound = false;
	size_t i;

	for (i=0; i<head->hdrc; i++) {

		const struct hdr *hdr = &head->hdrv[i];
		struct cpim_addr ns;
		struct pl val;

		if (hdr->content || pl_strcasecmp(&hdr->name, "NS"))
			continue;

		val = header_value(hdr);
		if (cpim_addr_decode(&ns, &val) || !pl_isset(&ns.uri) ||
		    ns.dname.l != prefix->l ||
		    (prefix->l && pl_casecmp(&ns.dname, prefix)))
			continue;

		if (!pl_strcasecmp(&ns.uri, "urn:ietf:params:imdn"))
			return true;
		bound = true;
	}

	/* some forget the NS header, none means something else by it */
	return !bound && !pl_strcasecmp(prefix, "imdn");
}


static void set_first(struct pl *dst, const struct pl *val)
{
	if (!pl_isset(dst))
		*dst = *val;
}


static void set_first_addr(struct cpim_addr *addr, const struct pl *val)
{
	if (!pl_isset(&addr->uri) && !pl_isset(&addr->dname))
		(void)cpim_addr_decode(addr, val);
}


/* RFC 5438, 6.2: notify-req *( "," notify-req ), each with parameters */
static unsigned notify_decode(const struct pl *pl)
{
	static const struct {
		const char *name;
		enum cpim_notify bit;
	} tokenv[] = {
		{"positive-delivery", CPIM_POSITIVE_DELIVERY},
		{"negative-delivery", CPIM_NEGATIVE_DELIVERY},
		{"display",           CPIM_DISPLAY},
		{"processing",        CPIM_PROCESSING},
		{"interworking",      CPIM_INTERWORKING},
	};
	struct pl rest = *pl;
	unsigned notify = 0;
	size_t i;

	while (rest.l) {

		struct pl item = rest;

		for (i=0; i<rest.l && rest.p[i] != ','; i++) {
			if (rest.p[i] == ';' && item.l > i)
				item.l = i;
		}
		if (item.l > i)
			item.l = i;
		pl_advance(&rest, (ssize_t)(i < rest.l ? i + 1 : i));

		cpim_trim(&item);
		for (i=0; i<sizeof(tokenv)/sizeof(tokenv[0]); i++) {
			if (!pl_strcasecmp(&item, tokenv[i].name))
				notify |= tokenv[i].bit;
		}
	}

	return notify;
}


/* "<" URI ">" as the RFC has it, or the URI alone as others do */
static struct pl uri_value(const struct pl *val)
{
	struct cpim_addr addr;

	if (!cpim_addr_decode(&addr, val))
		return addr.uri;

	return (memchr(val->p, '<', val->l) || memchr(val->p, ' ', val->l))
		? pl_null : *val;
}


/* RFC 5438, 6 */
static void imdn_header(struct cpim_msg *msg, const struct pl *name,
			const struct pl *val)
{
	struct pl uri;

	if (!pl_strcasecmp(name, "Message-ID")) {
		set_first(&msg->imdn_msgid, val);
	}
	else if (!pl_strcasecmp(name, "Disposition-Notification")) {
		msg->notify |= notify_decode(val);
	}
	else if (!pl_strcasecmp(name, "Original-To")) {
		uri = uri_value(val);
		set_first(&msg->orig_to, &uri);
	}
	else if (!pl_strcasecmp(name, "IMDN-Record-Route")) {
		uri = uri_value(val);
		if (pl_isset(&uri) && msg->routec < CPIM_ROUTE_MAX)
			msg->routev[msg->routec++] = uri;
	}
}


/* RFC 3862, 4 */
static void message_header(struct cpim_msg *msg, const struct head *head,
			   const struct hdr *hdr)
{
	const struct pl *name = &hdr->name;
	const struct pl val = header_value(hdr);
	struct pl prefix = {name->p, 0}, local = *name;
	const char *dot;

	if (!val.l)
		return;

	if (!pl_strcasecmp(name, "From"))
		set_first_addr(&msg->from, &val);
	else if (!pl_strcasecmp(name, "To"))
		set_first_addr(&msg->to, &val);
	else if (!pl_strcasecmp(name, "DateTime"))
		set_first(&msg->datetime, &val);
	else if (!pl_strcasecmp(name, "Subject"))
		set_first(&msg->subject, &val);
	else {
		dot = memchr(name->p, '.', name->l);
		if (dot) {
			prefix.l = (size_t)(dot - name->p);
			pl_advance(&local, (ssize_t)prefix.l + 1);
		}
		if (is_imdn_prefix(head, &prefix))
			imdn_header(msg, &local, &val);
	}
}


/* RFC 2045, 3 */
static void content_header(struct cpim_msg *msg, const struct hdr *hdr)
{
	const struct pl val = header_value(hdr);

	if (!pl_strcasecmp(&hdr->name, "Content-Type"))
		set_first(&msg->ctype, &val);
	else if (!pl_strcasecmp(&hdr->name, "Content-Disposition"))
		set_first(&msg->cdisp, &val);
	else if (!pl_strcasecmp(&hdr->name, "Content-Transfer-Encoding"))
		set_first(&msg->cte, &val);
	else if (!pl_strcasecmp(&hdr->name, "Content-Length"))
		set_first(&msg->clen, &val);
}


static int decode(struct cpim_msg **msgp, struct mbuf *mb, bool all)
{
	struct head head;
	struct cpim_msg *msg;
	size_t i, len = 0;
	int err;

	if (!msgp || !mb)
		return EINVAL;

	if (!mbuf_get_left(mb))
		return all ? EBADMSG : ENODATA;

	memset(&head, 0, sizeof(head));
	err = head_read(&head, &len, (const char *)mbuf_buf(mb),
			mbuf_get_left(mb), all);
	if (err)
		return err;

	msg = mem_zalloc(sizeof(*msg), destructor);
	if (!msg)
		return ENOMEM;

	head_unfold(&head, mb);
	for (i=0; i<head.hdrc; i++) {

		if (head.hdrv[i].content)
			content_header(msg, &head.hdrv[i]);
		else
			message_header(msg, &head, &head.hdrv[i]);
	}

	mb->pos += len;
	msg->mb = mem_ref(mb);
	msg->body = mb->pos;
	*msgp = msg;

	return 0;
}


int cpim_decode(struct cpim_msg **msgp, struct mbuf *mb)
{
	return decode(msgp, mb, false);
}


int cpim_decode_all(struct cpim_msg **msgp, struct mbuf *mb)
{
	return decode(msgp, mb, true);
}
