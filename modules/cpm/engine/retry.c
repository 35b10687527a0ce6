/**
 * @file retry.c  When to try again: pure policy
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


enum {
	DELAY_MIN = 1000,     /* ms: a server that restarts is back soon    */
	DELAY_MAX = 3600000,  /* ms: a sender waits an hour at most         */
	TRIES_CAP = 12,       /* 1 s doubled so often is over DELAY_MAX     */
};


uint64_t retry_at(uint64_t now, uint32_t tries, uint32_t rnd)
{
	uint32_t n = tries ? tries - 1 : 0;
	uint64_t delay = DELAY_MIN;

	delay <<= n < TRIES_CAP ? n : TRIES_CAP;
	if (delay > DELAY_MAX)
		delay = DELAY_MAX;

	/* jitter: clients that lost the same server do not come back as one */
	return now + delay - rnd % (delay / 4 + 1);
}


enum retry_verdict retry_verdict(uint16_t scode)
{
	if (scode >= 200 && scode < 300)
		return RETRY_SENT;

	switch (scode) {

	case 401:  /* credentials may be changed */
	case 407:
	case 408:
	case 480:
	case 486:
		return RETRY_LATER;

	default:
		return scode >= 500 && scode < 600 ? RETRY_LATER
			: RETRY_NEVER;
	}
}
