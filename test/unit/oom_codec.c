/**
 * @file unit/oom_codec.c  Memory runs out while a store is opened and closed
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit/oom_unit.h"
TCase *oom_codec_case(void)
{
	TCase *tc = tcase_create("codec");
	return tc;
}
