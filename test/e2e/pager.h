/**
 * @file pager.h  Who sends MESSAGEs by hand, as odd as a test likes, and
 *                takes those that come
 *
 * A SIP user agent for MESSAGE alone, over UDP (with the retransmissions of
 * RFC 3261, 17.1.2) or TCP.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PAGER_H
#define PAGER_H

#include "e2e.h"

#define PAGER_CPM(tag) "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" \
	"3gpp-service.ims.icsi.oma.cpm." tag "\"\r\n"

/** One request of ours */
struct shot {
	char *text;           /* as sent                                    */
	char *answer;         /* the final one, NULL: none yet              */
	unsigned code;        /* of it, 0: none yet                         */
	unsigned answers;     /* final ones that came                       */
	uint64_t next;        /* when it is sent again, 0: never            */
	uint64_t end;         /* when it is given up                        */
	unsigned wait;        /* ms between the last two                    */
};

/** A notification that came */
struct told {
	char *id;             /* imdn.Message-ID that it is about           */
	const char *status;   /* "delivered"                                */
	char *to;             /* user part of its Request-URI               */
	char *callid;
	unsigned count;       /* requests, retransmissions not counted      */
};

struct pager {
	struct env *env;
	int fd;
	bool tcp;
	uint16_t port;        /* ours                                       */
	uint16_t seen;        /* where others reach us; default port        */
	char dst[24];         /* ADDR:PORT                                  */
	struct shot *shotv;   /* by number                                  */
	unsigned shotc, open; /* open: not answered yet                     */
	struct told *toldv;
	unsigned toldc;
	unsigned others;      /* requests that were no notification         */
	char buf[65536];      /* what TCP brought so far                    */
	size_t len;
};

/** What is sent. NULL: the default */
struct pager_args {
	const char *head;     /* more header lines, each with \r\n; default
				 PAGER_CPM("msg")                           */
	const char *from;     /* user; default "bob"                        */
	const char *to;       /* default alice                              */
	const char *callid;   /* default: another one each time             */
	const char *type;     /* default message/cpim; "": none             */
	const char *body;     /* default: pager_cpim() of bob               */
	const char *length;   /* of Content-Length; default: the right one  */
	const char *totag;    /* default: none                              */
	bool once;            /* not sent again by itself                   */
};

/** @param dst "127.0.0.1:port" */
void pager_open(struct pager *p, struct env *env, const char *dst, bool tcp);
void pager_close(struct pager *p);

/** Send a MESSAGE, do not wait. @return its number */
unsigned pager_post(struct pager *p, const struct pager_args *args);

/** Send these octets, a whole request with "@BRANCH@" or without.
    @return its number */
unsigned pager_raw(struct pager *p, const char *text);

/** The same octets once more */
void pager_again(struct pager *p, unsigned n);

/** Take what comes and send again what is due, for a moment */
void pager_turn(struct pager *p, unsigned ms);

/** Wait for its final answer. @return its code */
unsigned pager_code(struct pager *p, unsigned n);

/** Both. @return the code; the answer is that of the last shot */
unsigned pager_ask(struct pager *p, const struct pager_args *args);

/** The last answer */
const char *pager_answer(const struct pager *p);

/** Wait until so many are unanswered at most */
void pager_drain(struct pager *p, unsigned open);

/** Wait until so many messages have been notified of */
void pager_told(struct pager *p, unsigned count);

/** A text in CPIM. @param id NULL: without, and nothing asked for */
const char *pager_cpim(const struct pager *p, const char *from,
		       const char *id, const char *text);

/* ----------------------------------------------------------- lossy.c --- */

/** A path that loses datagrams, as a thread: what comes to one side goes on
    from the other. Which are lost depends on the seed alone. */
struct lossy;

/**
 * @param percent lost in each direction
 * @param ap, bp  Ports of its sides: who sends to a is heard at b, and the
 *                other way round
 */
struct lossy *lossy_open(struct env *env, unsigned percent, uint16_t *ap,
			 uint16_t *bp);

/** Begin. @param a, b where the two sides send to: ports of 127.0.0.1 */
void lossy_run(struct lossy *l, uint16_t a, uint16_t b);

/** End. @param passed, lost datagrams; says them and the seed */
void lossy_stop(struct lossy *l, unsigned *passed, unsigned *lost);

#endif
