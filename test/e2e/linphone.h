/**
 * @file linphone.h  linphone-cli: somebody else's softphone with CPIM and IMDN
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef LINPHONE_H
#define LINPHONE_H

#include "e2e.h"

struct linphone {
	struct env *env;
	struct proc *proc;
	const char *log;      /* file                                       */
	uint16_t port;
};

/**
 * Start it, and wait until it has registered
 *
 * @param user With the password "secret" at the core
 * @param cpim Its messages are CPIM, and ask for notifications; else plain
 */
struct linphone *linphone_start(struct env *env, const struct core *core,
				const char *user, bool cpim);

/** Write a message */
void linphone_chat(struct linphone *lp, const char *to, const char *text);

/** Wait until it shows a message of theirs */
void linphone_shows(struct linphone *lp, const char *from, const char *text);

/** Wait until its log has this text */
void linphone_log(struct linphone *lp, const char *text);

#endif
