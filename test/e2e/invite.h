/**
 * @file invite.h  An INVITE of any form, by SIPp
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef INVITE_H
#define INVITE_H

#include "e2e.h"

#define ICSI "3gpp-service.ims.icsi.oma.cpm."
/** Accept-Contact as most write it */
#define ACCEPT_CONTACT "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" \
	ICSI "session\""

/** What the final answer must have */
struct invite_check {
	const char *header;   /* "Min-SE:"; NULL: the body                  */
	const char *regex;
};

struct invite_args {
	unsigned code;        /* final answer; after 200 and ACK there must
				 be a BYE from the softphone, for nobody
				 listens where MSRP is offered              */
	const char *head;     /* more header lines, joined by newlines;
				 default: ACCEPT_CONTACT                    */
	const char *body;     /* default: a good offer                      */
	const char *type;     /* of the body; default application/sdp       */
	bool compact;         /* header names v, f, t, i, m, c, l           */
	bool rings;           /* 180 comes before                           */
	bool hangs_up;        /* BYE is the caller's, a moment after ACK    */
	bool tcp;
	struct invite_check checkv[6];
};

/** A good offer, with more lines of media, the last without newline */
char *invite_offer(struct env *env, const char *setup, const char *lines);

/** The same for a port where somebody does listen */
char *invite_offer_at(struct env *env, uint16_t port, const char *setup,
		      const char *lines);

/** The INVITE must fare as args say */
void invite_run(struct baresip *b, const struct invite_args *args);

/** The same, not waited for: proc_wait() gives 0 if all was well. May end
    with SIPP_BIND */
struct proc *invite_start(struct baresip *b, const struct invite_args *args);

/** The same with each of these heads */
void invite_each(struct baresip *b, const struct invite_args *args,
		 const char *const *headv, size_t n);

/** A softphone with the account of Alice, who registers nowhere */
struct baresip *invite_alice(struct env *env, const char *config);

#endif
