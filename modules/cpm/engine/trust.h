/**
 * @file trust.h  From where requests may come, and the names that say it
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TRUST_H
#define TRUST_H

/* names.c: every address behind the name of a SIP server (RFC 3263) */

enum {
	NAME_ADDRS = 64,      /* addresses of a name: a server farm        */
	NAME_ASKS  = 96,      /* questions for a name: its three SRV names,
				 and as many targets in A and AAAA as it may
				 have addresses, with some that have none   */
	NAME_FRESH = 60,      /* s that an answer counts at least, whatever
				 its TTL: strangers make us ask again       */
	NAME_OLD   = 3600,    /* s that it counts at most                  */
	NAME_RETRY = 30,      /* s until it is asked for again when nobody
				 answered                                   */
};

struct name;

/** Whom to ask now, borrowed; NULL: nobody */
typedef struct dnsc *(name_dnsc_h)(void *arg);

/**
 * A name. Nothing is asked before name_ask().
 *
 * @param np    mem_deref() it
 * @param list  Becomes a member of it
 * @param host  Name of the server
 * @param plain A port was given with it: only its own addresses count,
 *              else those of its SRV and NAPTR records if it has some
 *
 * @return 0; ENOMEM
 */
int name_alloc(struct name **np, struct list *list, const struct pl *host,
	       bool plain, name_dnsc_h *dnsch, void *arg);

/** The name in the list, borrowed; NULL: not there */
struct name *name_find(const struct list *list, const struct pl *host,
		       bool plain);

/** Ask for its addresses, if what is known is not fresh. What was known
    stays until there is a whole new answer with an address in it. */
void name_ask(struct name *n);

/** Ask no more */
void name_stop(struct name *n);

bool name_has(const struct name *n, const struct sa *addr);

/** The last answer was whole, and is not too old */
bool name_isfresh(const struct name *n);

/* trust.c */

struct trust;

enum trust_verdict {
	TRUST_NO = 0,
	TRUST_YES,
	TRUST_LATER,          /* its servers' addresses are not known (any
				 more): nobody can say yet                  */
};

/** @param tp mem_deref() it. @return 0; ENOMEM */
int trust_alloc(struct trust **tp, struct cpm *cpm);

/** May a request for this account come from here? The port does not matter */
enum trust_verdict trust_check(struct trust *t, const struct cpm_account *acc,
			       const struct sa *src);

/** Is what the headers of this request assert of its sender true? That of
    the last account with this AOR that trust_check() saw */
bool trust_asserts(const struct trust *t, const char *aor,
		   const struct sip_msg *msg);

/** A response has come, before it has been looked at */
void trust_response(struct trust *t, const struct sip_msg *msg);

/** An account has registered, by the response that came last */
void trust_registered(struct trust *t, const char *aor);

/** Where the last answer to a REGISTER of an account came from
    @return false: none has, lately */
bool trust_server(const struct trust *t, const char *aor, struct sa *addr);

/** Ask no more */
void trust_stop(struct trust *t);

#endif
