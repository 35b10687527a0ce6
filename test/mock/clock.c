/**
 * @file clock.c  A clock that can be put forward
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_re.h>
#include "mock/clock.h"


uint64_t __real_tmr_jiffies(void);
uint64_t __wrap_tmr_jiffies(void);

static uint64_t skipped;


uint64_t __wrap_tmr_jiffies(void)
{
	return __real_tmr_jiffies() + skipped;
}


void clock_skip(uint64_t ms)
{
	skipped = ms ? skipped + ms : 0;
}
