/**
 * @file phone.h  A client of the PF by hand: SIP over UDP, answers as a test
 * likes
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PHONE_H
#define PHONE_H

#include "e2e.h"

struct phone {
	struct pf *pf;
	int fd;
	uint16_t port;
	unsigned n;           /* tells our requests apart                   */
	char tag[64];         /* of the PF, in the last answer              */
};

void phone_open(struct phone *ph, struct pf *pf);
void phone_close(struct phone *ph);

/** REGISTER as Alice, and wait for its 200 */
void phone_register(struct phone *ph);

/** The next request, which is no repetition of the one before.
    @return NULL: none came in time */
char *phone_request(struct phone *ph, unsigned ms);

/** A request of ours to Alice's address, from somebody of the domain.
    @param met  ACK and CANCEL belong to the request before it; an ACK to the
		answer that came last
    @param more Header lines, each with its end */
void phone_send(struct phone *ph, const char *met, const char *from,
		const char *more, const char *body);

/** The next answer to that. @return NULL: none came in time */
char *phone_reply(struct phone *ph, unsigned ms);

/** Answer it. more: header lines, each with its end, or NULL */
void phone_answer(struct phone *ph, const char *req, unsigned code,
		  const char *more);

#endif
