/**
 * @file ours.h  Messages of ours that were sent before, as the module keeps
 *               them
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef OURS_H
#define OURS_H

#include <cpm_store.h>
#include "e2e.h"

struct ours {
	const char *id;       /* imdn.Message-ID; NULL ends a list          */
	const char *peer;     /* who got it                                 */
	const char *conv;     /* Conversation-ID                            */
	enum cpm_kind kind;
	enum cpm_out status;
};

/** A database of Alice's that holds these messages, ids from 1 on.
    @return a line for baresip's config that names it */
char *ours_db(struct env *env, const struct ours *v);

/** A notification: an IMDN document. @param kind "delivery", "display", ...
    @param status "delivered", ... */
char *ours_imdn(struct env *env, const char *id, const char *kind,
		const char *status);

/** The same, percent-encoded as the PF's commands want it: text of any kind */
char *ours_encode(struct env *env, const char *text);

#endif
