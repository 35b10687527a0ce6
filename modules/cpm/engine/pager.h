/**
 * @file pager.h  A SIP MESSAGE of ours on its way
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PAGER_H
#define PAGER_H

struct pager;

/** What it says. Borrowed */
struct pager_args {
	struct cpm *cpm;
	const struct cpm_account *acc;
	const char *aor;             /**< who we are                        */
	const char *to;              /**< whom it is for: URI               */
	const char *uri;             /**< Request-URI; NULL: as to          */
	const char *conversation_id; /**< these may be NULL                 */
	const char *contribution_id;
	const char *in_reply_to;
	struct mbuf *body;           /**< CPIM, from pos on; shared         */
};

/** The final answer */
struct pager_answer {
	uint16_t scode;              /**< 401, 407: who we are is not taken */
	uint32_t after;              /**< s, Retry-After; 0: none           */
	bool lost;                   /**< there is no way to the server: as if
				          it had been 503 (RFC 3261, 8.1.3.1).
				          Without an answer it is 408       */
};

/** Called once, then nothing is on its way any more. ans is borrowed */
typedef void (pager_h)(const struct pager_answer *ans, void *arg);

/**
 * Send a MESSAGE (RFC 3428; wire.md 4.1 and 7) through the account's proxy, or
 * to the recipient. Challenges are answered, CPM_AUTH_MAX at most, redirections
 * followed, CPM_CALLS at most.
 *
 * @param pgp mem_deref() it: the handler is not called any more then
 *
 * @return 0; EINVAL, EBADMSG: it never can be written; ENOMEM; errno: nobody
 *         can be reached now
 */
int pager_send(struct pager **pgp, const struct pager_args *args, pager_h *h,
	       void *arg);

#endif
