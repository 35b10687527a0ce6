/**
 * @file chatter.h  Somebody who is called, by hand: what comes over MSRP, frame
 * by frame
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CHATTER_H
#define CHATTER_H

#include "server.h"

struct chatter {
	struct server s;
	char buf[131072];     /* of the connection, not taken yet           */
	size_t len;
	/* the last SEND that came */
	const char *head;     /* up to its body                             */
	const char *body;     /* text as far as there is no NUL in it       */
	char tid[64];
	char flag;            /* $, + or #                                  */
	uint64_t from;        /* Byte-Range                                 */
	uint64_t total;
	size_t size;          /* of the body of this chunk                  */
};

void chatter_open(struct chatter *c, struct env *env, const char *config);
void chatter_close(struct chatter *c);

/** Our description of that direction. more: lines of it; may be "" */
const char *chatter_sdp(struct chatter *c, const char *dir, const char *more);

/** INVITE comes, 200 with that, ACK, and MSRP is bound */
void chatter_take(struct chatter *c, const char *dir, const char *more);

/** The next chunk with a body that comes. @return false: closed */
bool chatter_get(struct chatter *c);

/** Answer it, e.g. "200 OK" */
void chatter_answer(struct chatter *c, const char *code);

/** A SEND without body comes, and is answered */
void chatter_last(struct chatter *c);

/** A message that has one chunk comes, with that text, and is answered 200.
    @return its imdn.Message-ID */
const char *chatter_text(struct chatter *c, const char *text);

/** A line of the CPIM that came last; the test fails if there is none */
const char *chatter_cpim(struct chatter *c, const char *name);

/** Send a message/cpim with these lines and that body, and wait for its 200 */
void chatter_say(struct chatter *c, const char *lines, const char *type,
		 const char *body);

/** The connection is cut */
void chatter_cut(struct chatter *c);

#endif
