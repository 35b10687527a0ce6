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
	AFTER_MAX = 86400,    /* s: a server that asks for more is asked
				 once a day                                */
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


uint64_t retry_next(uint64_t now, uint32_t tries, uint32_t after,
		    uint32_t rnd)
{
	const uint64_t wait = after * 1000ULL;
	const uint64_t own = retry_at(now, tries, rnd);
	const uint64_t asked = now + wait + rnd % (wait / 8 + 1);

	return wait && asked > own ? asked : own;
}


uint32_t retry_seconds(const struct pl *val)
{
	uint32_t secs = 0;
	size_t i;

	for (i=0; i<val->l && val->p[i] >= '0' && val->p[i] <= '9'; i++) {
		secs = secs * 10 + (uint32_t)(val->p[i] - '0');
		if (secs >= AFTER_MAX)
			return AFTER_MAX;
	}

	return secs;
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
