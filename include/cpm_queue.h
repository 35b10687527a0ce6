/**
 * @file cpm_queue.h  What is kept: messages of ours that are to be sent
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_QUEUE_H
#define CPM_QUEUE_H

#include <cpm_store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Messages to be sent: the queue. They are in it while QUEUED or SENDING. In
 * a conversation they go in the order of their ids, and while its first one
 * waits for its next try, the others wait behind it. Whatever else moves or
 * deletes a message (cpm_store_status(), cpm_store_delete()) takes it off the
 * queue as well. A process that dies leaves SENDING ones behind: those are due
 * again. The handlers get ENOENT: there is no such outgoing message;
 * EALREADY: it is not in the queue any more.
 */

/** It is on its way: SENDING, also if it was before
    @param mode            How it goes
    @param contribution_id Of the session, or of the request: kept with it;
                           NULL: stays as it is */
int cpm_store_out_sending(struct cpm_store *st, uint64_t id,
			  enum cpm_mode mode, const char *contribution_id,
			  cpm_done_h *h, void *arg);

/** It did not get through: QUEUED, with one more try. Its conversation waits.
    @param next   Until then, ms since 1970
    @param told   The server said when: cpm_store_out_wake() does not end that
    @param code   SIP or MSRP status, 0: none
    @param reason Or NULL */
int cpm_store_out_again(struct cpm_store *st, uint64_t id, uint64_t next,
			bool told, uint16_t code, const char *reason,
			cpm_done_h *h, void *arg);

/** It leaves the queue. @param to SENT or FAILED */
int cpm_store_out_end(struct cpm_store *st, uint64_t id, enum cpm_out to,
		      uint16_t code, const char *reason, cpm_done_h *h,
		      void *arg);

/** The account is back: its conversations wait no longer, but for those whose
    time the server told */
int cpm_store_out_wake(struct cpm_store *st, const char *account,
		       cpm_done_h *h, void *arg);

/** A message to be sent, of a CHAT; borrowed while the handler runs */
struct cpm_queued {
	uint64_t id;
	uint64_t conversation;
	uint32_t tries;         /**< failed so far                          */
	uint64_t next;          /**< when its conversation's turn comes, ms
				     since 1970; 0: at once                */
	uint8_t wish;
	enum cpm_mode mode;     /**< as put, or how it went last            */
	char *account;
	char *peer;
	char *imdn_id;
	char *conversation_id;
	char *contribution_id;  /**< as put, or of the last try             */
	char *in_reply_to;
	char *type;
	char *filename;
	char *datetime;
	char *source;
	bool text;
	bool fixed;
	uint64_t size;
	uint64_t time;
	uint64_t source_mtime;
	unsigned notify;
};
typedef bool (cpm_queued_h)(const struct cpm_queued *q, void *arg);

/* No call walks through what is queued. SENDING counts as QUEUED: who sends
   knows what is on its way. */

/** Accounts with a message in the queue. The AOR is borrowed. */
int cpm_store_queued_accounts(struct cpm_store *st, cpm_account_h *h,
			      void *arg);

/** The first message (lowest id) of each conversation of an account whose turn
    is now: those that do not wait in the order of these ids, then those whose
    time has come, earliest first. @param now ms since 1970 */
int cpm_store_queued(struct cpm_store *st, const char *account, uint64_t now,
		     uint32_t limit, cpm_queued_h *h, void *arg);

/** Those of one conversation behind an id, in order: whoever can have several
    on their way. Also of one that waits */
int cpm_store_queued_conv(struct cpm_store *st, uint64_t conversation,
			  uint64_t after, uint32_t limit, cpm_queued_h *h,
			  void *arg);

/** The earliest time of a conversation of the account that is behind now
    @param nextp ms since 1970; 0: there is none */
int cpm_store_queued_next(struct cpm_store *st, const char *account,
			  uint64_t now, uint64_t *nextp);

#ifdef __cplusplus
}
#endif
#endif
