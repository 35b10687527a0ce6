/**
 * @file sendq_unit.h  What the suites of the queue share: Alice sends in page
 *                     mode, and the server of outbox_unit.h answers when it is
 *                     told
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SENDQ_UNIT_H
#define SENDQ_UNIT_H

#include "unit/outbox_unit.h"

void sq_setup(void);          /* the server holds its answers back         */
void sq_teardown(void);

struct mbuf *sq_text(const char *text);

/* cpm_send() with that text, NULL: none. @return its result */
int sq_send(struct cpm_send *snd, const char *text, uint64_t *idp);

/* To sip:<peer>@example.net. @return the id */
uint64_t sq_put(const char *peer, const char *text);

/* Is that in a request that is not answered yet? */
bool sq_has(const struct req *req, const char *text);

/* What the i-th request says behind a name, e.g. "imdn.Message-ID: " */
void sq_field(char *buf, size_t size, unsigned i, const char *name);

/* Until there were so many: requests, none more; and events */
void sq_wait_asked(unsigned n);
void sq_wait_sent(unsigned n);
void sq_wait_failed(unsigned n);

/* What the store has. Its strings are gone */
struct cpm_msg sq_msg(uint64_t id);

/* How many are to be sent */
int sq_queued(void);

TCase *sendq_life_case(void);
TCase *sendq_what_case(void);

#endif
