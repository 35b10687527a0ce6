/**
 * @file hold.c  A disk that stands still for as long as a test likes
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "e2e.h"
#include "hold.h"


static void set(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		e2e_fail("setenv: %s", strerror(errno));
}


char *hold_open(struct env *env, const char *below)
{
	const char *slow = getenv("CPM_SLOW"), *other = getenv("CPM_PRELOAD");
	char *hold = env_path(env, "hold");

	if (!slow || access(slow, R_OK))
		e2e_fail("CPM_SLOW: no slow.so");

	set("SLOW_BELOW", env_path(env, "%s", below));
	set("SLOW_HOLD", hold);
	/* sanitizers come first */
	set("CPM_PRELOAD", other && *other
	    ? env_str(env, "%s:%s", other, slow) : slow);

	return hold;
}


void hold_wait(struct env *env, const char *hold)
{
	const char *waits = env_str(env, "%s.waits", hold);
	struct wait w;

	wait_start(&w, E2E_WAIT, "a commit that is held");
	while (wait_more(&w) && access(waits, F_OK))
		;
}
