/**
 * @file chat_out.h  Messages of ours over MSRP
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CHAT_OUT_H
#define CHAT_OUT_H

struct session;

/** Can an open ordinary session of a conversation take one more message now?
    At most CPM_CHAT_WINDOW are on their way on one. Then the next one of that
    conversation need not wait for the answer to the one before. */
bool chat_out_room(struct cpm *cpm, uint64_t conversation);

/** An ordinary session with a peer that is open, and on which nothing was said
    yet. @param idp Its Conversation-ID, borrowed; NULL: it has none */
bool chat_out_silent(const struct cpm *cpm, const char *aor, const char *peer,
		     const char **idp);

/** The session is established: what waits for that goes */
void chat_out_session_up(struct session *s);

/**
 * The session has ended: what was on its way over it goes over another one
 * that is there or being begun. If it was established, over a new one, once.
 * Else it has this result.
 *
 * @param code   SIP status; 0: none
 * @param after  s, Retry-After; 0: none
 * @param reason Constant; NULL: nothing is known
 */
void chat_out_session_over(struct session *s, uint16_t code, uint32_t after,
			   const char *reason);

#endif
