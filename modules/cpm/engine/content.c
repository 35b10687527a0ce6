/**
 * @file content.c  What a SIP MESSAGE carries: CPIM or text, also as a part of
 *                  something; pure
 *
 * RFC 3261, 7.4, 18.3, 20.12 and 20.17; RFC 2046, 5.1; wire.md 4.1.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <string.h>
#include <cpm_mime.h>
#include "engine.h"
#include "content.h"
#include "inflate.h"
#include "take.h"


enum {
	DATAGRAM_MAX = 8192,  /* octets that libre reads of one: what is as
				 long may have been longer                  */
};


static bool isnum(const struct pl *pl)
{
	size_t i;

	for (i=0; i<pl->l; i++) {
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return false;
	}

	return pl->l > 0 && pl->l < 10;
}


int content_body(struct pl *body, const struct sip_msg *msg)
{
	size_t n;

	pl_set_mbuf(body, msg->mb);
	if (!msg->clen.p)
		return msg->tp == SIP_TRANSP_UDP &&
			msg->mb->end >= DATAGRAM_MAX ? EBADMSG : 0;
	if (!isnum(&msg->clen))
		return EBADMSG;

	n = pl_u32(&msg->clen);
	if (n > body->l)
		return EBADMSG;
	body->l = n;

	return 0;
}


static bool coding_handler(const struct sip_hdr *hdr,
			   const struct sip_msg *msg, void *arg)
{
	enum coding *coding = arg;

	(void)msg;
	if (!pl_strcasecmp(&hdr->val, "identity"))
		return false;

	*coding = *coding == CODING_NONE &&
		(!pl_strcasecmp(&hdr->val, "deflate") ||
		 !pl_strcasecmp(&hdr->val, "gzip")) ? CODING_ZLIB
		: CODING_OTHER;

	return false;
}


enum coding content_coding(const struct sip_msg *msg)
{
	enum coding coding = CODING_NONE;

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTENT_ENCODING,
				coding_handler, &coding);

	return coding;
}


/*
 * CPIM under the name of plain text: Kamailio's store for absent users (msilo)
 * forgets that a message was CPIM, and passes it on so. Nobody writes by hand
 * what has an id of RFC 5438 in a namespace, addresses and a type.
 */
static int isdisguised(bool *res, const struct pl *body)
{
	static const char ns[] = "urn:ietf:params:imdn";
	struct cpim_msg *cpim = NULL;
	struct mbuf *mb;
	int err;

	*res = false;
	if (!body->l || !memmem(body->p, body->l, ns, strlen(ns)))
		return 0;

	/* reading it unfolds its lines: a text is not to be changed */
	mb = mbuf_alloc(body->l);
	if (!mb)
		return ENOMEM;

	err = mbuf_write_mem(mb, (const uint8_t *)body->p, body->l);
	mb->pos = 0;
	if (!err)
		err = cpim_decode_all(&cpim, mb);
	*res = !err && pl_isset(&cpim->from.uri) && pl_isset(&cpim->to.uri) &&
		pl_isset(&cpim->imdn_msgid) && pl_isset(&cpim->ctype);
	mem_deref(cpim);
	mem_deref(mb);

	return err == ENOMEM ? err : 0;
}


/* @param body of the request, all of it. @return 0; ENOMEM */
static int iscpim(bool *res, const struct pl *ctype, const struct pl *body)
{
	*res = mime_type_is(ctype, "message/cpim");
	if (*res || !mime_type_is(ctype, "text/plain"))
		return 0;

	return isdisguised(res, body);
}


bool content_iscpim(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);
	struct pl body;
	bool res;

	if (!hdr)
		return false;
	if (content_body(&body, msg))
		return mime_type_is(&hdr->val, "message/cpim");

	/* without memory it is to come again */
	return iscpim(&res, &hdr->val, &body) || res;
}


/* What is of use in a multipart body */
struct parts {
	struct mime_part cpim, text;  /* the first ones                     */
	unsigned cpimc, allc;
};


static bool part_handler(const struct mime_part *part, void *arg)
{
	struct parts *parts = arg;

	++parts->allc;
	if (mime_type_is(&part->ctype, "message/cpim")) {
		if (!parts->cpimc++)
			parts->cpim = *part;
	}
	else if (!parts->text.body.p && (!pl_isset(&part->ctype) ||
					 mime_type_is(&part->ctype,
						  "text/plain"))) {
		parts->text = *part;
	}

	return false;
}


/* The part that is the message: CPIM, and what is beside it only goes with it;
   else text, the only part or one way to read what the others say. Of several
   messages some would be lost.
   @return 0; EBADMSG, EOVERFLOW; ENOTSUP */
static int part_find(struct content *c, struct pl *body)
{
	const bool alternative = mime_type_is(&c->ctype,
					      "multipart/alternative");
	const struct mime_part *part;
	struct parts parts;
	int err;

	memset(&parts, 0, sizeof(parts));
	err = mime_multipart(&c->ctype, body, part_handler, &parts);
	if (err)
		return err;

	c->bare = !parts.cpimc;
	part = c->bare ? &parts.text : &parts.cpim;
	if (parts.cpimc > 1 || !part->body.p ||
	    (c->bare && parts.allc > 1 && !alternative))
		return ENOTSUP;

	c->ctype = part->ctype;
	c->cte   = part->cte;
	*body    = part->body;

	return 0;
}


/* A text is decoded with what is made of it; CPIM has to be read first */
static int decode(struct content *c, const struct pl *body)
{
	const struct pl *cte = c->bare ? NULL : &c->cte;

	return cpim_body_decode(&c->mb, cte, (const uint8_t *)body->p,
				body->l);
}


/* @param body made plain. @return 0; EBADMSG; EMSGSIZE; ENOMEM */
static int plain_alloc(struct mbuf **mbp, struct pl *body)
{
	struct mbuf *mb = mbuf_alloc(CONTENT_PLAIN_MAX);
	size_t len = CONTENT_PLAIN_MAX;
	int err;

	if (!mb)
		return ENOMEM;

	err = inflate_whole(mb->buf, &len, (const uint8_t *)body->p, body->l);
	mb->end = len;
	/* most are short, and may wait for the disk */
	if (!err)
		err = mbuf_resize(mb, len ? len : 1);
	if (err) {
		mem_deref(mb);
		return err;
	}

	pl_set_mbuf(body, mb);
	*mbp = mb;

	return 0;
}


/* @param body of the request; made plain */
static int uncode(struct content *c, struct pl *body,
		  const struct sip_msg *msg)
{
	switch (content_coding(msg)) {

	case CODING_NONE:
		return 0;

	case CODING_ZLIB:
		return plain_alloc(&c->plain, body);

	default:
		return ENOTSUP;
	}
}


static int look(struct content *c, struct pl *body)
{
	bool cpim;
	int err;

	err = iscpim(&cpim, &c->ctype, body);
	if (err)
		return err;

	c->bare = !cpim;
	if (mime_is_multipart(&c->ctype))
		return part_find(c, body);

	return c->bare && !mime_type_is(&c->ctype, "text/plain") ? ENOTSUP : 0;
}


int content_decode(struct content *c, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);
	struct pl body;
	int err;

	memset(c, 0, sizeof(*c));
	err = content_body(&body, msg);
	if (err)
		return err;
	if (!body.l || !hdr)
		return EBADMSG;

	c->ctype = hdr->val;
	err = uncode(c, &body, msg);
	if (!err)
		err = look(c, &body);
	if (!err)
		err = decode(c, &body);
	if (err)
		content_reset(c);

	return err;
}


void content_reset(struct content *c)
{
	c->mb    = mem_deref(c->mb);
	c->plain = mem_deref(c->plain);
}


/* SIP-date = wkday "," SP 2DIGIT SP month SP 4DIGIT SP 2DIGIT ":" 2DIGIT ":"
   2DIGIT SP "GMT"   (RFC 3261, 25.1) */
int content_date(uint64_t *ms, const struct pl *val)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct pl day, mon, year, clock, iso;
	char buf[32], name[4];
	const char *at;

	if (re_regex(val->p, val->l, "[A-Za-z]3,[ ]+[0-9]2[ ]+[A-Za-z]3[ ]+"
		     "[0-9]4[ ]+[0-9:]8[ ]+GMT", NULL, NULL, &day, NULL, &mon,
		     NULL, &year, NULL, &clock, NULL))
		return EBADMSG;

	(void)pl_strcpy(&mon, name, sizeof(name));
	at = strstr(months, name);
	if (!at || (at - months) % 3)
		return EBADMSG;

	if (re_snprintf(buf, sizeof(buf), "%r-%02u-%rT%rZ", &year,
			(unsigned)(at - months) / 3 + 1, &day, &clock) < 0)
		return EBADMSG;
	pl_set_str(&iso, buf);

	return cpim_time_decode(ms, &iso);
}
