/**
 * @file duo.h  Two softphones and the network between them
 *
 * Alice and Bob, each a stock baresip with the module in a folder of its own,
 * register through Kamailio, or at the PF itself; the PF keeps what is for who
 * is away.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef DUO_H
#define DUO_H

#include "scene.h"

struct duo {
	struct env *env;
	struct core *core;    /* NULL: none, they register at the PF      */
	struct pf *pf;
	bool tcp;             /* who is started next registers over TCP   */
	struct baresip *a;    /* Alice                                    */
	struct baresip *b;    /* Bob; NULL until he was started           */
};

/** Network up. core: with Kamailio; patience: ms until who does not answer
    counts as away, 0: 8,000 */
void duo_open(struct duo *d, bool core, unsigned patience);

/** Start the softphone of "alice" or "bob", and wait for its registration.
    config: more lines, or NULL */
struct baresip *duo_phone(struct duo *d, const char *name, const char *config);

/** It goes orderly: the network knows that it is away */
void duo_away(struct duo *d, struct baresip *b);

/** It is back */
void duo_back(struct duo *d, struct baresip *b);

/** cpm_send with these keys besides the braces. @return id */
int64_t duo_send(struct baresip *b, const char *fmt, ...) E2E_FMT(2, 3);

/** Put a long text together with cpm_draft, under the name "d" */
void duo_draft(struct baresip *b, const char *text);

/** Wait until a message of ours has that status */
void duo_status(struct baresip *b, int64_t id, const char *status);

/** Wait until so many messages are there. @return the answer of cpm_messages
    with all (at most 100) */
const struct odict *duo_messages(struct baresip *b, int64_t count);

/** All end orderly */
void duo_close(struct duo *d);

#endif
