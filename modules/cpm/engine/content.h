/**
 * @file content.h  What a SIP MESSAGE carries
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CONTENT_H
#define CONTENT_H

/** The message in it */
struct content {
	struct mbuf *mb;         /* owned; from its pos on                  */
	struct pl ctype;         /* of mb; a view into the request          */
	struct pl cte;           /* of mb if bare, else it is decoded       */
	bool bare;               /* mb is a text and no CPIM                */
};

/**
 * @param c Filled; its mb is to be dereferenced, NULL if this fails
 *
 * @return 0; EBADMSG, EOVERFLOW: malformed, or nothing; ENOTSUP: neither CPIM
 *         nor text, several in CPIM, or an encoding that is not known; ENOMEM
 */
int content_decode(struct content *c, const struct sip_msg *msg);

/** Is it CPIM by its type, or by what it is: plain text that is a whole CPIM
    message with imdn.Message-ID? Not in a multipart */
bool content_iscpim(const struct sip_msg *msg);

/** The body of a request: in a datagram, what Content-Length counts, which must
    be there (RFC 3261, 18.3). On a stream libre has cut it already.
    @return 0; EBADMSG: it is not whole, or nobody can know */
int content_body(struct pl *body, const struct sip_msg *msg);

/** Has its body a Content-Encoding (RFC 3261, 20.12)? We have none. */
bool content_iscoded(const struct sip_msg *msg);

/** Value of a Date header (RFC 3261, 20.17). @param ms since 1970.
    @return 0; EBADMSG */
int content_date(uint64_t *ms, const struct pl *val);

#endif
