/**
 * @file chat.h  Messages of ours over MSRP: what the files of it share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CHAT_H
#define CHAT_H

struct session;

enum {
	PROGRESS_MIN = 262144, /* octets of a body up to which nothing is told
				  on the way: it is there at once           */
	PROGRESS_MS  = 250,    /* between two events of a message: more often
				  no person sees                            */
};

/** What of ours goes over a session */
struct chat {
	struct list outl;        /* struct chat_out, in their order         */
	char *reply;             /* it was begun to answer this Contribution-
				    ID; NULL: none                          */
};

/** A message on its way over MSRP */
struct chat_out {
	struct le le;            /* of chat->outl                           */
	struct sending *snd;     /* borrowed: it owns us                    */
	struct session *sess;    /* borrowed; NULL: it has gone             */
	struct msrp_tx *tx;      /* NULL: it has not begun                  */
	struct mbuf *head;       /* its CPIM up to the body, while read     */
	struct mbuf *mb;         /* octets of the body, likewise            */
	uint64_t headl;          /* octets of head                          */
	uint64_t told;           /* octets of the body, by the last event   */
	struct tmr tmr;          /* until the next one, or the result       */
	struct {
		enum retry_verdict verdict;
		uint16_t code;
		uint32_t after;
		bool lost;
		const char *reason;
	} res;                   /* to be told then                         */
	bool settled;            /* it is there                             */
	bool left;               /* all octets were read: the next one may  */
	bool moved;              /* its session ended under it, once        */
	bool stopped;            /* what its msrp_tx says is of no interest */
};

/* chat_tx.c: one message over a session that is there */

/** Begin to send it. It may have a result then.
    @return 0; ENOTCONN: the session is about to end; what is wrong with the
    message is its result */
int chat_tx_begin(struct chat_out *o);

/** End it silently: # if a part has left. It may be begun again */
void chat_tx_end(struct chat_out *o);

/* chat_out.c */

/** The next ones may begin */
void chat_out_pump(struct session *s);

/** It has a result, that is told later: who asks is still busy with it */
void chat_out_settle(struct chat_out *o, enum retry_verdict verdict,
		     uint16_t code, const char *reason);

/** It has a result: now. o, and even its session, may be gone then */
void chat_out_done(struct chat_out *o, enum retry_verdict verdict,
		   uint16_t code, const char *reason);

#endif
