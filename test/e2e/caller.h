/**
 * @file caller.h  A PF by hand: SIP over UDP and MSRP over TCP, as odd as a
 * test likes
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CALLER_H
#define CALLER_H

#include "e2e.h"

struct caller_args {
	const char *from;     /* Referred-By; NULL: none, and From is the
				 server's                                   */
	const char *host;     /* to send from, and for c=; default 127.0.0.1 */
	const char *to;       /* to send to; default: where baresip listens  */
	const char *path;     /* a=path; default: that of host and port      */
	const char *setup;    /* default passive: we listen                  */
	const char *lines;    /* more of the description, each with \r\n     */
	const char *service;  /* that Accept-Contact names; default session  */
	const char *head;     /* more header lines, each with \r\n          */
	const char *parts;    /* beside the description, each "--b\r\n" and
				 what follows; NULL: it is alone            */
	bool nosdp;           /* the parts are all that there is            */
	bool focus;           /* Contact says that it is a conference       */
	bool chat;            /* it receives as well: no delivery           */
};

struct caller {
	struct env *env;
	struct baresip *b;
	int udp;
	int lfd;
	int fd;               /* MSRP, -1: not connected                     */
	uint16_t port;        /* where we listen                             */
	unsigned n;           /* tells callers apart                         */
	bool focus;           /* as asked for                                */
	unsigned code;        /* of the answer                               */
	unsigned early;       /* of the one before it, 0: there was none     */
	char to[256];         /* header of the answer                        */
	char contact[256];
	char path[256];       /* ours                                        */
	char peer[300];       /* theirs                                      */
	char host[64];
	const char *dst;      /* where the INVITE went                      */
	const char *sent;     /* the INVITE                                 */
	char text[8192];      /* the answer, then what MSRP brought          */
};

/** INVITE, and wait for the final answer; ACK. @return its code */
unsigned caller_invite(struct caller *c, struct baresip *b,
		       const struct caller_args *args);

/** The same INVITE once more, with another branch if that is given.
    @return the code of the answer; 0: none */
unsigned caller_again(struct caller *c, const char *branch);

/** Take its connection and answer its first SEND */
void caller_bind(struct caller *c);

/** The same as the active side */
void caller_connect(struct caller *c, const char *host);

/** Both: INVITE that gets 200, and MSRP is bound */
void caller_open(struct caller *c, struct baresip *b,
		 const struct caller_args *args);

void caller_write(struct caller *c, const char *text);

/** A small message, and its 200 */
void caller_message(struct caller *c, const char *text);

/** Read up to an end-line. @return false when it was closed instead */
bool caller_read(struct caller *c, unsigned ms);

/** Send a BYE, and wait for its 200 */
void caller_bye(struct caller *c);

/** Wait for a BYE and answer it */
void caller_bye_comes(struct caller *c);

void caller_close(struct caller *c);

#endif
