/**
 * @file pair_unit.h  Two engines that talk to each other over loopback
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PAIR_UNIT_H
#define PAIR_UNIT_H

#include "unit/unit.h"
#include "../../modules/cpm/engine/engine.h"


enum { PAIR_MSGS = 256 };

/* What a status event said last of a message */
struct pair_status {
	uint64_t id;
	enum cpm_out status;
	uint16_t code;
	char reason[64];
};

/* One of the two */
struct end {
	struct cpm *cpm;
	struct sip *sip;
	struct sipsess_sock *sock;
	struct sip_lsnr *lsnr;
	struct sa laddr;
	const char *aor;
	char db[300];
	char outbound[80];
	unsigned invites;        /* that have come                         */
	struct mbuf *invite;     /* the last of them                       */
	uint16_t refuse;         /* INVITEs with that; 0: they are taken   */
	bool down;               /* its account is not registered          */
	struct mbuf *text;       /* "text"                                 */
	bool cancel;             /* a message, when all of it has left     */

	/* events */
	uint64_t messages;       /* that have come                         */
	unsigned established;    /* sessions                               */
	unsigned ended;
	struct pair_status statusv[PAIR_MSGS];
	unsigned statusc;
	unsigned progress;       /* events                                 */
	uint64_t sent;           /* of the last one                        */
	uint64_t size;
	uint64_t first;          /* jiffies of the first one               */
	int canceled;            /* what cpm_cancel() said                 */
};

struct pair {
	char dir[256];
	struct end a;
	struct end b;
};

extern struct pair pair;

#define A_AOR "sip:a@example.net"
#define B_AOR "sip:b@example.net"

/* A folder and SIP; the engines are not there */
void pair_setup(void);
/* Whatever they still know of each other ends */
void pair_teardown(void);

/* Begin. confv: of a and b; NULL: the usual one */
struct cpm_conf pair_conf(void);
void pair_start(const struct cpm_conf *a, const struct cpm_conf *b);
void pair_end_start(struct end *e, const struct cpm_conf *conf);
void pair_end_stop(struct end *e);

/* A text to the other end, in session mode, unless snd says otherwise.
   @return its id */
uint64_t pair_say(struct end *e, const char *text);
uint64_t pair_send(struct end *e, const struct cpm_send *snd);

/* The main loop until a condition holds; the test fails if that takes long.
   what: for its words */
void pair_wait(bool (*done)(void), const char *what);
void pair_wait_ms(unsigned ms);

/* Until e has got so many messages; a message of e's has that status */
void pair_wait_messages(struct end *e, uint64_t n);
void pair_wait_status(struct end *e, uint64_t id, enum cpm_out status);
/* Nobody has a session */
void pair_wait_alone(void);

/* Read no more from its first session's connection, or again */
void pair_pause(struct end *e, bool pause);

const struct pair_status *pair_status(const struct end *e, uint64_t id);
unsigned pair_sessions(const struct end *e);

/* A message as the store has it: strings live until the next call */
struct pair_msg {
	uint64_t id;
	uint64_t conversation;
	uint64_t size;
	uint32_t tries;
	enum cpm_mode mode;
	enum cpm_out status;
	bool deferred;
	char text[128];
	char conversation_id[80];
	char contribution_id[80];
	char in_reply_to[80];
	char file[400];
	char filename[80];
	char type[80];
};
/* The n-th that e has, from 0. The test fails if there is none */
void pair_msg(struct pair_msg *m, struct end *e, unsigned n);

/* cases of the suite */
TCase *chat_turn_case(void);
TCase *chat_conv_case(void);

#endif
