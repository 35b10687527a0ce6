/**
 * @file names.h  A name server of a test
 *
 * A thread with a UDP socket on loopback, which knows what it is told and
 * nothing else. Takes no memory while it runs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>

enum { NAMES_A = 1, NAMES_CNAME = 5, NAMES_AAAA = 28, NAMES_SRV = 33,
       NAMES_NAPTR = 35 };

/** A record */
struct names_rr {
	const char *name;
	uint16_t type;
	const char *value;    /**< an address; a name (CNAME); "PORT NAME" or
			           "PRIORITY PORT NAME" (SRV); "FLAG SERVICE
			           NAME" (NAPTR)                            */
	uint32_t ttl;
};

enum names_mode {
	NAMES_ANSWER = 0,
	NAMES_FAIL,           /**< SERVFAIL                                 */
	NAMES_SILENT,
};

struct names;

/** @param rrv borrowed, until names_stop() or names_set(); a name of NULL
    ends it. @return NULL if that failed */
struct names *names_start(const struct names_rr *rrv);

/** Other records, or another mode */
void names_set(struct names *ns, const struct names_rr *rrv,
	       enum names_mode mode);

uint16_t names_port(const struct names *ns);

/** Questions so far of a type, for a name (NULL: any) */
unsigned names_asked(struct names *ns, uint16_t type, const char *name);

void names_stop(struct names *ns);

#endif
