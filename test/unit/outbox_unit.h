/**
 * @file outbox_unit.h  The engine, and a server on loopback that answers as it
 *                      is told
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef OUTBOX_UNIT_H
#define OUTBOX_UNIT_H

#include "unit/store_unit.h"
#include "../../modules/cpm/engine/engine.h"


#define ALICE "sip:alice@example.net"
#define DAVE  "sip:dave@example.net"

enum { REQS = 512 };

/* A notification that the server got; answered if st is gone */
struct req {
	struct sip_strans *st;
	struct sip_msg *msg;
	char from[64];
	char to[64];
	uint64_t time;
};

struct ob {
	struct cpm *cpm;
	struct sip *sip;          /* of the softphone                      */
	struct sipsess_sock *sock;
	struct sip *server;
	struct sip_lsnr *lsnr;
	char outbound[80];
	struct req reqv[REQS];
	unsigned reqc;
	bool hold;                /* answer nobody                         */
	const char *hold_from;    /* nor this one                          */
	uint16_t scode;
	unsigned after;           /* Retry-After                           */
	bool registers;
	bool registered;
	unsigned asked;           /* times that somebody wanted to know    */
	const char *nobody;       /* an account that is not there          */
	unsigned lose_at;         /* lost when asked so often; 0: never    */
	unsigned sent;            /* events                                */
	unsigned failed;
	uint16_t code;            /* of the last one                       */
	uint64_t msg;
	struct {                  /* of messages of ours                   */
		unsigned sent;
		unsigned failed;
		uint64_t id;      /* of the last one                       */
		uint16_t code;
		char reason[64];
	} out;
};

extern struct ob t;

void ob_setup(void);          /* SIP, nothing opened                       */
void ob_teardown(void);
void ob_start(void);          /* the engine                                */
void ob_stop(void);

/* Answer one that waits with t.scode; no harm if it does not */
void ob_answer(struct req *req);

/* The main loop until a condition holds; the test fails if that takes long */
void ob_wait(bool (*done)(void));
void ob_wait_ms(unsigned ms);

/* A message that asks, from sip:<peer>@example.net */
void ob_put(struct cpm_store *st, const char *aor, const char *peer,
	    const char *key);

/* Mixed: each of them from sip:p00@.. on, named a00-000 and so on in its
   Contribution-ID */
void ob_put_many(const char *aor, unsigned peers, unsigned each);

#endif
