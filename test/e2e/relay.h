/**
 * @file relay.h  An MSRP relay: Kamailio with its msrp module
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef RELAY_H
#define RELAY_H

#include "e2e.h"

struct relay {
	struct env *env;
	struct proc *proc;
	char uri[64];         /* msrp[s]://127.0.0.1:port;tcp             */
	const char *ca;       /* PEM file of who vouches for it           */
	const char *other_ca; /* and of somebody else                     */
	uint16_t port;
	uint32_t expires;     /* s that it grants                         */
	unsigned num;
	unsigned starts;
	bool tls;
};

/** A relay to be: has its port, does not run */
struct relay *relay_alloc(struct env *env, bool tls);

/** Start it, also again. @param users "alice:secret pf:secret" */
void relay_run(struct relay *relay, const char *users);

/** SIGKILL, to its children too */
void relay_kill(struct relay *relay);

/** AUTHs it has granted since it was asked last */
unsigned relay_auths(struct relay *relay);

#endif
