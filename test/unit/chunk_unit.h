/**
 * @file chunk_unit.h  What the tests of reassembly share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CHUNK_UNIT_H
#define CHUNK_UNIT_H

#include "unit.h"
#include "../../modules/cpm/msrp/msrp.h"

enum {
	MAX = 100000,  /* conf.max_size */
};

/* what the handlers saw */
struct chunk_seen {
	unsigned openc, donec, dropc;
	size_t octets;
	uint16_t open_code;     /* what openh returns */
	uint16_t data_code;     /* what datah returns, from octet data_at on */
	uint64_t data_at;
	struct msrp_rx *last;   /* shared */
	bool close;             /* close the session in the next handler */
	uint64_t begun;         /* msrp_rx_set_begun() in openh, 0: not  */
	int begun_err;
};

extern struct chunk_seen chunk_seen;
extern struct msrp_sess *chunk_sess;

void chunk_setup(void);
void chunk_teardown(void);
uint16_t chunk_feed(const char *hdrs, uint64_t off, size_t len, char flag,
		    size_t step);
uint16_t chunk(const char *id, uint64_t from, uint64_t to, uint64_t total,
	       char flag);
uint16_t chunk_bodiless(const char *hdrs, char flag);
void chunk_check(uint64_t total);
void chunk_limit_tests(Suite *s);
void chunk_begun_tests(Suite *s);

#endif
