/**
 * @file sendq.h  What the files that send messages share
 *
 * sendq.c says which message goes when; a transport (page_out.c, chat_out.c)
 * carries it and says once what became of it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SENDQ_H
#define SENDQ_H

struct page_out;
struct chat_out;

struct sendq {
	struct cpm *cpm;
	struct list sendl;       /* struct sending                          */
	struct list herel;       /* accounts whose server is there          */
	struct tmr tmr;          /* until the next one may go               */
	bool looking;            /* results may come while we look          */
};

/** A message to be sent: what the store has of it. Strings are owned */
struct out_msg {
	uint64_t id;
	uint64_t conversation;
	uint32_t tries;          /**< in vain so far                        */
	uint8_t wish;            /**< enum cpm_send_mode                    */
	unsigned notify;         /**< set of enum cpim_notify               */
	char *account;           /**< AOR                                   */
	char *peer;              /**< URI, normalised                       */
	char *imdn_id;           /**< the same at each try                  */
	char *conversation_id;
	char *contribution_id;   /**< as of the last try; NULL: none yet    */
	char *in_reply_to;       /**< NULL: it answers none                 */
	char *type;              /**< Content-Type                          */
	char *filename;          /**< NULL: it is no file                   */
	char *datetime;          /**< CPIM DateTime                         */
	char *source;            /**< path of the user's file; NULL: the body
				      is in the store                       */
	uint64_t source_mtime;   /**< ms                                    */
	uint64_t size;           /**< octets of the body                    */
	uint64_t time;           /**< ms since 1970                         */
	bool text;
	bool fixed;              /**< only a session begun for in_reply_to may
				      carry it                              */
};

/** A message on its way, or its result being stored */
struct sending {
	struct le le;
	struct sendq *q;
	struct cpm *cpm;
	struct out_msg m;
	enum cpm_mode mode;      /**< how it goes this time                 */
	struct page_out *page;   /**< owned; NULL: not in page mode         */
	struct chat_out *chat;   /**< owned; NULL: not over MSRP            */

	/* the rest is of sendq.c */
	enum {
		SENDING_ON = 0,  /**< its transport has it                  */
		SENDING_SETTLE,  /**< its result is being stored            */
		SENDING_HELD,    /**< its conversation waits: something of it
				      is being deleted                      */
	} state;
	enum cpm_out to;         /**< the result: QUEUED, SENT or FAILED    */
	uint64_t next;           /**< with QUEUED: when it may go again     */
	bool told;               /**< the server said when                  */
	uint16_t code;
	const char *reason;      /**< constant                              */
	bool canceled;           /**< meanwhile the user wants it no more   */
	uint32_t storec;         /**< times that the store could not say so */
	struct tmr tmr;          /**< until it is told again                */
};

/** What became of it. Strings are borrowed */
struct send_result {
	enum retry_verdict verdict;
	uint16_t code;           /**< SIP or MSRP status, 0: none           */
	uint32_t after;          /**< s, Retry-After; 0: none was said      */
	bool lost;               /**< no way to the server: it is tried at once
				      when the account registers again      */
	const char *reason;      /**< constant text; NULL with RETRY_SENT   */
};

/* sendq.c */

int sendq_alloc(struct sendq **qp, struct cpm *cpm);

/** Something may go: look */
void sendq_kick(struct sendq *q);

/** Likewise, but not before the main loop goes on */
void sendq_soon(struct sendq *q);

/** Give up what is on its way for an account (NULL: all); it stays queued */
void sendq_stop(struct sendq *q, const char *aor);

/** It has registered: what waited for that goes now */
void sendq_registered(struct sendq *q, const char *aor);

/** Its server does not answer, or it is not registered any more */
void sendq_lost(struct sendq *q, const char *aor);

/** How a message is to go, by what is known of it */
struct send_form {
	uint8_t wish;            /**< enum cpm_send_mode                    */
	bool file;               /**< its body is a file                    */
	bool text;
	bool fixed;              /**< see struct out_msg                    */
	uint64_t size;           /**< octets                                */
};
enum cpm_mode send_mode(const struct cpm *cpm, const struct send_form *form);

/* sending.c */

/** @param sndp Of q: mem_deref() it. @return 0; ENOMEM */
int sending_alloc(struct sending **sndp, struct sendq *q);

int out_msg_copy(struct out_msg *m, const struct cpm_queued *qd);

/** It is on its way, for whoever looks at it.
    @param contribution_id Of the session that it goes over; NULL: as in m */
void sending_note(const struct sending *snd, const char *contribution_id);

/** What it means that a message could not be read or written.
    @param err Of out_cpim_head() or out_body() */
void sending_fault(struct send_result *res, int err);

/** Its transport is to say nothing any more */
void sending_stop(struct sending *snd);

/** The message is not to be sent any more: FAILED, "canceled".
    @param m Its id, conversation and account. @return 0; EALREADY: it has just
    left, or failed; ENOMEM */
int sendq_cancel(struct sendq *q, const struct out_msg *m);

/** Nothing of a conversation goes for now, and what is on its way of it (id 0:
    all; else one) is given up.
    @param sndp mem_deref() it: then it goes on. @return 0; ENOMEM */
int sendq_hold(struct sending **sndp, struct sendq *q, uint64_t conversation,
	       uint64_t id);

/** What became of it; called once by its transport, but not while that is
    being asked to send. snd and what the transport has in it is gone, or soon
    will be, afterwards. */
void sending_result(struct sending *snd, const struct send_result *res);

/*
 * Transports. The one that sends owns what it hangs into the sending, which is
 * dereferenced with it: its destructor must end silently.
 */

/** Send it. @return 0: sending_result() will be called. Else it was not begun:
    ENOMEM, EMFILE, ENFILE: for now; EBUSY: likewise, but others may go; EINVAL,
    EBADMSG, ESTALE, ENODATA, EACCES, EIO: see sending_fault(); others: a try
    in vain */
int page_out_send(struct sending *snd, const struct cpm_account *acc);
int chat_out_send(struct sending *snd, const struct cpm_account *acc);

/** No result any more: it was canceled, or SIP is not to be used any more */
void page_out_stop(struct sending *snd);
void chat_out_stop(struct sending *snd);

#endif
