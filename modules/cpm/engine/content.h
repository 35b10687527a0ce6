/**
 * @file content.h  What a SIP MESSAGE carries
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CONTENT_H
#define CONTENT_H

enum {
	CONTENT_PLAIN_MAX = 262144, /* octets of what came compressed: some
				 times what SIP carries; a few octets may
				 stand for a thousand times as many         */
};

/** What was done to a body (Content-Encoding) */
enum coding {
	CODING_NONE = 0,
	CODING_ZLIB,             /* deflate, gzip                           */
	CODING_OTHER,            /* one that we do not have, or several     */
};

/** The message in it. content_reset() */
struct content {
	struct mbuf *mb;         /* owned; from its pos on                  */
	struct mbuf *plain;      /* body of the request if it was coded     */
	struct pl ctype;         /* of mb; a view into the request or plain */
	struct pl cte;           /* of mb if bare, else it is decoded       */
	bool bare;               /* mb is a text and no CPIM                */
};

/**
 * @param c Filled; empty if this fails
 *
 * @return 0; EBADMSG, EOVERFLOW: malformed, or nothing; ENOTSUP: neither CPIM
 *         nor text, several in CPIM, or an encoding that is not known;
 *         EMSGSIZE: more than CONTENT_PLAIN_MAX; ENOMEM
 */
int content_decode(struct content *c, const struct sip_msg *msg);

/** Let go of what it owns */
void content_reset(struct content *c);

/** Is it CPIM by its type, or by what it is: plain text that is a whole CPIM
    message with imdn.Message-ID? Not in a multipart */
bool content_iscpim(const struct sip_msg *msg);

/** The body of a request: in a datagram, what Content-Length counts, which must
    be there (RFC 3261, 18.3). On a stream libre has cut it already.
    @return 0; EBADMSG: it is not whole, or nobody can know */
int content_body(struct pl *body, const struct sip_msg *msg);

/** Its Content-Encoding (RFC 3261, 20.12) */
enum coding content_coding(const struct sip_msg *msg);

/** Value of a Date header (RFC 3261, 20.17). @param ms since 1970.
    @return 0; EBADMSG */
int content_date(uint64_t *ms, const struct pl *val);

#endif
