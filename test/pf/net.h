/**
 * @file net.h  The network between users: what one sends another
 *
 * For a user who is here it is handed on; for one who is not, or does not
 * answer, it is taken and kept.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PF_NET_H
#define PF_NET_H

#include "pf.h"

struct inbox;
struct spool;


/*
 * body.c: bodies that come in pieces
 */

int  spool_alloc(struct spool **spp, struct keep *k);
int  spool_write(struct spool *sp, uint64_t off, const uint8_t *p, size_t n);
size_t spool_read(const struct spool *sp, uint8_t *p, size_t n);
int  spool_sync(struct spool *sp, char **namep);
void spool_keep(struct spool *sp);


/*
 * uas.c: sessions that clients begin
 */

int  uas_alloc(struct session *sess, const struct sip_msg *msg);
int  uas_start(struct session *sess, const struct sip_msg *msg);
int  uas_answer(struct session *sess);
void uas_acked(struct session *sess);
void uas_setup(struct session *sess);
void uas_refuse(struct session *sess, uint16_t code);
void uas_close(struct pf *pf);


/*
 * hand.c: who gets it
 */

bool hand_message(struct pf *pf, const struct sip_msg *msg);
void hand_invite(struct pf *pf, const struct sip_msg *msg);


/*
 * proxy.c: requests handed on
 */

typedef void (leg_h)(struct leg *leg, uint16_t code, void *arg);

/** A request handed on, until its final answer */
struct leg {
	struct le le;
	struct pf *pf;           /**< borrowed                              */
	struct user *user;       /**< borrowed: to whom                     */
	const struct sip_msg *msg;
	struct sip_strans *st;   /**< until its final answer                */
	struct sip_request *req;
	struct tmr tmr;
	uint32_t regs;           /**< of the user when it began             */
	bool cpm;                /**< is kept if he does not take it        */
	bool rang;               /**< something provisional came            */
	bool given_up;           /**< we have cancelled it                  */
	bool canceled;           /**< the client has                        */
};

int  proxy_start(struct user *user, const struct sip_msg *msg, bool cpm);
bool proxy_dialog(struct pf *pf, const struct sip_msg *msg);
bool proxy_response(struct pf *pf, const struct sip_msg *msg);
void proxy_close(struct pf *pf);
void hand_failed(struct leg *leg);


/*
 * take.c, inbox.c: a session with who is not here
 */

/** What a session has besides when the client sends */
struct take {
	struct session *sess;    /**< borrowed: owns us                     */
	struct inbox *inbox;
	enum way way;            /**< that its messages take later          */
	char *contrib;           /**< Contribution-ID, or NULL              */
	char *reply;             /**< InReplyTo-Contribution-ID, or NULL    */
	uint32_t count;          /**< messages kept                         */
};

void take_recv(struct user *user, const struct sip_msg *msg, enum way way);
void take_event(const struct session *sess, const struct sip_msg *msg,
		uint16_t code);
void take_ended(struct session *sess);
void take_registered(struct user *user);

int  inbox_alloc(struct inbox **ip, struct session *sess);
void inbox_begin(struct inbox *in, const struct frame *f);
void inbox_data(struct inbox *in, const uint8_t *p, size_t n);
uint32_t inbox_end(struct inbox *in, const struct frame *f, char flag,
		   uint64_t *totalp);
int  inbox_commit(struct inbox *in);
bool inbox_isempty(const struct inbox *in);

#endif
