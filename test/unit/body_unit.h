/**
 * @file body_unit.h  What the suites of large bodies share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef BODY_UNIT_H
#define BODY_UNIT_H

#include "unit/store_unit.h"

/* octet off of every large body */
uint8_t body_octet(uint64_t off);

/* write octets off to off+len; what cpm_body_write() says */
int body_try(struct cpm_body *b, uint64_t off, size_t len);
void body_piece(struct cpm_body *b, uint64_t off, size_t len);

/* a body of len octets, written in order */
struct cpm_body *body_make(size_t len);

/* put it as a message, which takes it over; the result */
int body_put_try(const char *key, struct cpm_body *b);

/* the same, not waited for */
void body_put_start(const char *key, struct cpm_body *b, cpm_put_h *h);

/* the stored body is octets from off on, len of them */
void body_whole(uint64_t id, uint64_t off, size_t len);

/* Files of the spool with a temporary name */
unsigned body_begun(void);

/* run the main loop a moment */
void body_pause(unsigned ms);

/* until there are so many files, of both sorts */
void body_files(unsigned begun, unsigned whole);

#endif
