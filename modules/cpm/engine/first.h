/**
 * @file first.h  What an INVITE brings beside its SDP: message 0
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FIRST_H
#define FIRST_H

struct first;

/**
 * The parts of an INVITE's body: SDP, and messages.
 *
 * @param firstp Unchanged if it brings nothing; mem_deref() it
 * @param sdpp   Unchanged if it has none; from its pos on; mem_deref() it
 * @param msg    What is behind its body (RFC 3261, 18.3) goes
 *
 * @return 0; EBADMSG: malformed, or not whole; ENOTSUP: a part that we have to
 *         understand; EMSGSIZE: a message over cpm_max_size; ENOMEM: also if
 *         too much is in memory already (CPM_BUFFER_MAX)
 */
int first_decode(struct first **firstp, struct mbuf **sdpp, struct cpm *cpm,
		 const struct sip_msg *msg);

/** What the message that follows over MSRP does not say itself, if the INVITE
    had its head. The views live as long as src->head */
void first_head(struct cpim_msg *cpim, const struct source *src);

/** They belong to this session now. @param first NULL: there are none */
void first_begin(struct first *first, struct session *s);

/** No longer */
void first_end(struct session *s);

/** Put them into the store; the session is answered after the commit: 200, or
    why not. It may be over when this returns. */
void first_take(struct session *s);

#endif
