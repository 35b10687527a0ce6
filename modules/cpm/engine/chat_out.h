/**
 * @file chat_out.h  Messages of ours over MSRP
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CHAT_OUT_H
#define CHAT_OUT_H

/** Can an open ordinary session of a conversation take one more message now?
    At most CPM_CHAT_WINDOW are on their way on one. Then the next one of that
    conversation need not wait for the answer to the one before. */
bool chat_out_room(struct cpm *cpm, uint64_t conversation);

struct session;

/*
 * Called by session.c, for sessions that are no deliveries, ours and theirs
 */

/** MSRP is bound: messages may go */
void chat_out_session_up(struct session *s);

/** It is over; s is valid until this returns, but neither SIP nor MSRP is to be
    used. After each chat_out_session_up(), and also without one.
    @param code   SIP status, 0: none
    @param after  s, Retry-After; 0: none was said
    @param reason Constant; NULL: it ended in order */
void chat_out_session_over(struct session *s, uint16_t code, uint32_t after,
			   const char *reason);

#endif
