/**
 * @file composing.h  Who is writing: isComposing (RFC 3994), both ways
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COMPOSING_H
#define COMPOSING_H

#include <cpm_iscomp.h>

enum {
	COMP_IDLE    = 15000, /* ms without being told again: our user has
				 stopped (RFC 3994, 3.2: default)            */
	COMP_AGAIN   = 60000, /* ms between two "active": more often would be
				 a load (RFC 3994, 3.4)                      */
	COMP_REFRESH = 90,    /* s that ours hold: longer than COMP_AGAIN, so
				 that nothing blinks                         */
	COMP_TELL    = 200,   /* ms between two events of a session: the last
				 state counts, and no peer floods the bus    */
	COMP_MAX     = 3600,  /* s that theirs hold at most: who is lost does
				 not write for ever                          */
};

/* What is to be sent */
enum comp_send {
	COMP_SEND_NONE = 0,
	COMP_SEND_ACTIVE,
	COMP_SEND_IDLE,
};

/* What the other side does. Zero: nothing. Times are ms of any clock. */
struct comp_in {
	bool active;
	uint64_t until;       /* idle then, unless told again                */
};

/* What our user does. Zero: nothing. */
struct comp_out {
	bool active;          /* told so                                     */
	uint64_t idle_at;
	uint64_t again_at;    /* "active" once more, if still so             */
};

/* Pure; true: the state has changed */
bool comp_in_status(struct comp_in *in, uint64_t now,
		    const struct iscomp_doc *doc);
bool comp_in_end(struct comp_in *in);
bool comp_in_tick(struct comp_in *in, uint64_t now);

/* Pure; what is to be sent now */
enum comp_send comp_out_tell(struct comp_out *out, uint64_t now, bool active);
enum comp_send comp_out_tick(struct comp_out *out, uint64_t now);

/* When comp_*_tick() has something to do next; 0: never */
uint64_t comp_due(const struct comp_in *in, const struct comp_out *out);

/* How a peer takes isComposing, by its SDP (RFC 4975, 8.6). A set. */
enum comp_form {
	COMP_FORM_NONE = 0,
	COMP_FORM_BARE = 1 << 0,
	COMP_FORM_CPIM = 1 << 1,
};
unsigned comp_forms(const char *accept_types, const char *accept_wrapped);

/* One session's */
struct composing;
struct session;
struct source;

/** A document has come. @return status code for its MSRP message */
uint16_t composing_recv(struct source *src, const uint8_t *buf, size_t len);

/** A message has come: whoever wrote it does not write any more */
void composing_content(struct source *src);

/** A message of ours goes: who reads it knows that it is written (RFC 3994,
    3.2), so the next "active" is news again */
void composing_sent(struct session *s);

/** The session ends */
void composing_end(struct session *s);

#endif
