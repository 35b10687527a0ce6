/**
 * @file sdp.c  Offer and answer of an MSRP session (RFC 4975, 8; RFC 6135)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


enum { PORT_DISCARD = 9 };   /* of the active side: RFC 4145, 4.1 */


/* Where the client connects to: the relay if there is one */
static const struct sa *addr_of(const struct session *sess)
{
	return sess->told ? &sess->pf->relay : &sess->pf->maddr;
}


static int msrp_print(struct mbuf *mb, const struct session *sess)
{
	const bool *fault = sess->pf->faults.on;
	const bool active = !strcmp(sess->setup, "active");
	const bool tls = secure_wanted(sess->pf) != fault[FAULT_MIXED];
	const char *types = sess->types ? sess->types : sess->ordinary
		? "message/cpim application/im-iscomposing+xml"
		: "message/cpim";
	int err;

	err = mbuf_printf(mb, "m=message %u TCP/%sMSRP *\r\n"
			  "a=accept-types:%s\r\n"
			  "a=accept-wrapped-types:%s\r\n",
			  active ? PORT_DISCARD : sa_port(addr_of(sess)),
			  tls ? "TLS/" : "",
			  fault[FAULT_NOACCEPT] ? "text/html" : types,
			  sess->wrapped ? sess->wrapped : "*");
	if (!err && strcmp(sess->setup, "none"))
		err = mbuf_printf(mb, "a=setup:%s\r\n", sess->setup);
	if (!err && !fault[FAULT_NOPATH])
		err = mbuf_printf(mb, "a=path:%s\r\n", sess->told
				  ? sess->told : sess->path);
	if (!err && !sess->route)
		err = secure_print(mb, sess->pf);
	if (err)
		return err;

	if (sess->ordinary)
		return mbuf_printf(mb, "a=%s\r\n", sess->dir);
	if (fault[FAULT_SENDRECV])
		return mbuf_printf(mb, "a=sendrecv\r\n");
	if (fault[FAULT_SESSIONLEVEL])
		return 0;
	return mbuf_printf(mb, "a=sendonly\r\n");
}


/** Print our offer. The same each time it is asked for. */
int sdp_offer_print(struct mbuf *mb, const struct session *sess)
{
	const struct sa *sa = addr_of(sess);
	const bool *fault = sess->pf->faults.on;
	int err;

	err = mbuf_printf(mb, "v=0\r\n"
			  "o=- %u 1 IN IP%d %j\r\n"
			  "s=-\r\n"
			  "c=IN IP%d %j\r\n"
			  "t=0 0\r\n",
			  rand_u32() >> 1,
			  sa_af(sa) == AF_INET6 ? 6 : 4, sa,
			  sa_af(sa) == AF_INET6 ? 6 : 4, sa);
	if (!err && fault[FAULT_SESSIONLEVEL])
		err = mbuf_printf(mb, "a=sendonly\r\n");
	if (err)
		return err;

	if (fault[FAULT_AUDIO])
		return mbuf_printf(mb, "m=audio 4000 RTP/AVP 0\r\n"
				   "a=rtpmap:0 PCMU/8000\r\n"
				   "a=sendonly\r\n");

	return msrp_print(mb, sess);
}


static bool line_next(struct pl *line, struct pl *src)
{
	const char *p;

	if (!src->l)
		return false;

	p = memchr(src->p, '\n', src->l);
	line->p = src->p;
	line->l = p ? (size_t)(p - src->p) : src->l;
	pl_advance(src, (ssize_t)(p ? line->l + 1 : line->l));
	if (line->l && line->p[line->l - 1] == '\r')
		line->l--;
	return true;
}


static bool starts(struct pl *rest, const struct pl *line, const char *str)
{
	const size_t n = strlen(str);

	if (line->l < n || memcmp(line->p, str, n))
		return false;

	rest->p = line->p + n;
	rest->l = line->l - n;
	return true;
}


/* msrp://host:port/... */
static int path_addr(struct sa *sa, const struct pl *path)
{
	struct pl host, port;

	if (re_regex(path->p, path->l, "msrp[s]*://\\[[0-9a-f:]+\\]:[0-9]+/",
		     NULL, &host, &port) &&
	    re_regex(path->p, path->l, "msrp[s]*://[0-9.]+:[0-9]+/",
		     NULL, &host, &port))
		return EBADMSG;

	return sa_set(sa, &host, (uint16_t)pl_u32(&port));
}


static int attr_decode(struct answer *ans, const struct pl *line, bool media)
{
	static const char *const dirv[] = {
		"sendonly", "recvonly", "sendrecv", "inactive"
	};
	struct pl val;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirv) && starts(&val, line, "a="); i++) {
		if (!pl_strcmp(&val, dirv[i]))
			return pl_strcpy(&val, ans->dir, sizeof(ans->dir));
	}
	if (!media)
		return 0;
	if (starts(&val, line, "a=setup:"))
		return pl_strcpy(&val, ans->setup, sizeof(ans->setup));
	if (starts(&val, line, "a=accept-types:"))
		ans->cpim = pl_has(&val, "message/cpim") ||
			!pl_strcmp(&val, "*");
	else if (starts(&val, line, "a=path:") && !ans->path)
		return pl_strdup(&ans->path, &val);
	else if (starts(&val, line, "a=fingerprint:") && !ans->fp)
		return pl_strdup(&ans->fp, &val);

	return 0;
}


/**
 * Decode an answer
 *
 * @param why What is wrong with it
 *
 * @return 0; EBADMSG
 */
int sdp_answer_decode(struct answer *ans, const struct pl *sdp,
		      const char **why)
{
	struct pl src = *sdp, line, val, path;
	bool media = false;
	uint32_t port = 0;

	while (line_next(&line, &src)) {
		if (starts(&val, &line, "m=")) {
			if (media)
				break;
			media = true;
			if (starts(&val, &line, "m=message "))
				port = pl_number(&val);
			ans->tls = pl_has(&line, " TCP/TLS/MSRP ");
		}
		else if (attr_decode(ans, &line, media)) {
			*why = "attribute of the answer is too long";
			return EBADMSG;
		}
	}

	*why = NULL;
	if (!port)
		*why = "no message line in the answer, or refused";
	else if (!ans->path)
		*why = "no path in the answer";
	else if (!ans->cpim)
		*why = "answer does not accept message/cpim";
	if (*why)
		return EBADMSG;

	pl_set_str(&path, ans->path);
	(void)path_addr(&ans->addr, &path);
	return 0;
}
