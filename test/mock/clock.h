/**
 * @file clock.h  libre's clock, as our objects see it (the linker's --wrap)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/** Let time pass, in ms. Timers do not notice. 0: back to what it is */
void clock_skip(uint64_t ms);

#endif
