/**
 * @file content.c  What a SIP MESSAGE carries: CPIM or text, also as a part of
 *                  something; pure
 *
 * RFC 3261, 7.4, 18.3 and 20.17; RFC 2046, 5.1; wire.md 4.1.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <string.h>
#include <cpm_mime.h>
#include "engine.h"
#include "content.h"
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


static bool coded_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;

	return pl_strcasecmp(&hdr->val, "identity") != 0;
}


bool content_iscoded(const struct sip_msg *msg)
{
	return sip_msg_hdr_apply(msg, true, SIP_HDR_CONTENT_ENCODING,
				 coded_handler, NULL) != NULL;
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


int content_decode(struct content *c, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);
	struct pl body;
	bool cpim;
	int err;

	memset(c, 0, sizeof(*c));
	err = content_body(&body, msg);
	if (err)
		return err;
	if (!body.l || !hdr)
		return EBADMSG;

	c->ctype = hdr->val;
	err = iscpim(&cpim, &c->ctype, &body);
	if (err)
		return err;

	c->bare = !cpim;
	if (mime_is_multipart(&c->ctype))
		err = part_find(c, &body);
	else if (c->bare && !mime_type_is(&c->ctype, "text/plain"))
		err = ENOTSUP;

	return err ? err : decode(c, &body);
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
