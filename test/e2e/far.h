/**
 * @file far.h  Somebody who speaks SIP from an address of his own: over UDP,
 *              a TCP or TLS connection of his, or one of the softphone's
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FAR_H
#define FAR_H

#include "e2e.h"

struct ssl_st;
struct ssl_ctx_st;

struct far {
	struct env *env;
	const char *host;     /* ours                                       */
	const char *tp;       /* "UDP"                                      */
	int fd;
	int lfd;              /* listens, or -1                             */
	uint16_t port;        /* ours                                       */
	struct ssl_ctx_st *ctx;
	struct ssl_st *ssl;   /* NULL: no TLS                               */
	char buf[16384];      /* of a stream, not taken yet                 */
	size_t len;
	unsigned n;           /* tells our requests apart                   */
};

/** What is asked. NULL: the default */
struct far_args {
	const char *met;      /* default INVITE                             */
	const char *user;     /* for whom; default alice                    */
	const char *from;     /* user; default mallory                      */
	const char *head;     /* more lines, each with \r\n; default: the
				 tag of a session                           */
	const char *type;     /* of the body                                */
	const char *body;     /* default: none, which an INVITE of ours is
				 answered 488 for when it may come at all   */
};

void far_udp(struct far *f, struct env *env, const char *host);

/** A TCP connection to where the softphone listens */
void far_connect(struct far *f, const struct baresip *b, const char *host);

/** Wait for one at host. @param pem Key and certificate for TLS, or NULL */
void far_listen(struct far *f, struct env *env, const char *host,
		const char *pem);
void far_accept(struct far *f);

void far_close(struct far *f);

/** Send. UDP goes to the softphone */
void far_put(struct far *f, const struct baresip *b, const char *text);

/** The next message that comes. Lives as long as the environment */
const char *far_get(struct far *f);

/** Answer 200 to a REGISTER as it came, by another way if that is given */
void far_registered(struct far *f, const struct baresip *b, struct far *by);

/** Ask. @return the final code, or 180. @param answerp it, or NULL */
unsigned far_ask(struct far *f, const struct baresip *b,
		 const struct far_args *args, const char **answerp);

/** The same from an address, over UDP, once */
unsigned far_from(const struct baresip *b, const char *host,
		  const struct far_args *args);

/** Quit while it answers for the registrar. @return status */
int far_quit(struct far *f, struct baresip *b, struct far *by);

#endif
