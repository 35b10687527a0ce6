/**
 * @file calling.h  What the files of an INVITE of ours share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CALLING_H
#define CALLING_H

#include "redirect.h"

enum {
	CALLING_SE = 1800,  /* s: Session-Expires that we ask for        */
	/* challenges followed: one a realm, and each once for a nonce that
	   was too old */
	CALLING_ASKED = 2 * CPM_AUTH_MAX,
};

/* Who we are, to a server that asks. It may ask for the sake of the BYE, when
   its session, or even this module, has gone: so nothing in it needs either.
   Without a destructor for the same reason. */
struct call_auth {
	struct cpm *cpm;         /* NULL: nobody any more                  */
	uint32_t n;              /* times that we told                     */
	char aor[];
};

struct calling {
	char *first;             /* whom the caller wants                  */
	char *uri;               /* who is asked now                       */
	char *hdrs;
	char *ptype;
	char *boundary;          /* NULL: the SDP goes alone               */
	struct mbuf *part;
	struct call_auth *auth;
	struct targets targets;
	unsigned calls;          /* INVITEs sent, but for authentication   */
	uint32_t min_se;         /* s: Session-Expires has to be that long */
	unsigned asked;          /* times that this one asked who we are   */
	uint16_t shown;          /* status in place of which libre saw
				    another one; 0: none                   */
};

/* answer.c: handlers of libre's, and of the timer; arg is the struct session */
int  call_answer_handler(const struct sip_msg *msg, void *arg);
void call_close_handler(int err, const struct sip_msg *msg, void *arg);
void call_late_handler(void *arg);

#endif
