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
	unsigned n;           /* tells our REGISTERs apart                  */
};

void phone_open(struct phone *ph, struct pf *pf);
void phone_close(struct phone *ph);

/** REGISTER as Alice, and wait for its 200 */
void phone_register(struct phone *ph);

/** The next request, which is no repetition of the one before.
    @return NULL: none came in time */
char *phone_request(struct phone *ph, unsigned ms);

/** Answer it. more: header lines, each with its end, or NULL */
void phone_answer(struct phone *ph, const char *req, unsigned code,
		  const char *more);

#endif
