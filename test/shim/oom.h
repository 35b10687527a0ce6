/**
 * @file oom.h  What a test and the shim in the softphone share: a file that
 * both have mapped
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SHIM_OOM_H
#define SHIM_OOM_H

#include <stdatomic.h>

/** Environment variable with the path of the file */
#define OOM_FILE "CPM_OOM_FILE"

/** If it is set each failure is shown: where it is, on standard error */
#define OOM_TRACE "CPM_OOM_TRACE"

struct oom_shared {
	atomic_uint armed;    /**< allocations are counted              */
	atomic_uint at;       /**< which one fails, from 1; 0: none     */
	atomic_uint on;       /**< and all that follow                  */
	atomic_uint counted;
	atomic_uint failed;
};

#endif
