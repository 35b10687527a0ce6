/**
 * @file unit/oom_open.c  Memory runs out while a store is opened and closed
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit/oom_unit.h"
TCase *oom_open_case(void)
{
	TCase *tc = tcase_create("open");
	return tc;
}
