/**
 * @file relay.h  Relays (RFC 4976): what auth.c and relay.c share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef MSRP_RELAY_H
#define MSRP_RELAY_H


/* auth.c: AUTH and its answers, without I/O */

enum {
	AUTH_TURNS   = 6,        /* requests to one relay in one round: a
				    challenge, a stale nonce, two other
				    times to live; more is a loop           */
	AUTH_DEFAULT = 1800,     /* s: a relay that does not say how long   */
	AUTH_LONGEST = 86400,    /* s: and one that says too much           */
};

/** A challenge (RFC 2617, 3.2.1). Strings are owned. */
struct msrp_chall {
	char *realm;
	char *nonce;
	char *opaque;            /* NULL: none                              */
	bool qop;                /* "auth" is offered                       */
};

struct msrp_auth {
	char *relays;            /* to be asked, from the inside outwards   */
	char *own;               /* our URI: From-Path                      */
	char *user;
	char *pass;
	char *use_path;          /* granted so far, as in a To-Path         */
	char *to;                /* To-Path of the request that is out      */
	struct msrp_chall chall;
	size_t next;             /* which of relays is asked                */
	uint32_t turns;          /* requests to it in this round            */
	uint32_t nc;             /* requests with this nonce                */
	char cnonce[ID_SIZE];    /* "": to be made                          */
	uint32_t want;           /* s to ask for, 0: not said               */
	uint32_t asked;          /* s, of the request that is out           */
	uint32_t granted;        /* s: the least of all relays              */
	bool fresh;              /* the challenge was got in this round     */
};

/**
 * @param relays URIs, from the inside outwards
 * @param want   s to ask for, 0: as long as the relay likes
 *
 * @return 0; EBADMSG: no such path; EINVAL: none, or a user name that cannot
 *         be quoted; ENOMEM
 */
int msrp_auth_alloc(struct msrp_auth **ap, const char *relays,
		    const char *user, const char *pass, uint32_t want);

/** Ask all relays (again). @param own Our URI. @return 0; ENOMEM */
int msrp_auth_begin(struct msrp_auth *a, const char *own);

/** Append the next request. @return 0; EPROTO: too many; ENOMEM */
int msrp_auth_request(struct mbuf *mb, struct msrp_auth *a, const char *tid);

/**
 * Read the answer to it
 *
 * @return 0: a->use_path and a->granted are there; EAGAIN: the next request
 *         is to be sent; EACCES: refused (wrong user or password, or 403);
 *         EKEYREJECTED: the relay does not know our password; ENOTSUP: it
 *         asks for another digest than MD5 with qop auth; EBADMSG: an answer
 *         that cannot be used; EPROTO: refused otherwise; ENOMEM
 */
int msrp_auth_response(struct msrp_auth *a, const struct msrp_head *head);

/** H(A1), H(A2), and so on (RFC 2617, 3.2.2). @param met "": of an answer
    @return 0; ENOMEM */
int msrp_auth_digest(uint8_t md[MD5_SIZE], const struct msrp_auth *a,
		     const char *met, const struct pl *uri);

/** URIs of a path in the other direction. @param strp mem_deref() it
    @return 0; ENOMEM */
int msrp_path_reverse(char **strp, const char *path);

/** A header of a head. @return false: it is not there */
bool msrp_head_get(struct pl *val, const struct msrp_head *head,
		   const char *name);

#endif
