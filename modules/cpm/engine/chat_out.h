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

#endif
