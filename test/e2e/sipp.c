/**
 * @file sipp.c  Calls and messages by SIPp
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "e2e.h"


enum {
	ARGS  = 64,
	TRIES = 4,            /* starts, when a port is taken after all   */
	LOOK  = 10,           /* ms                                       */
	LOOKS = 10,
};


/* SIPp binds without SO_REUSEADDR */
static const char *own_port(struct env *env, unsigned count)
{
	const uint16_t port = port_get(env, count);
	unsigned i;

	for (i=0; i<count; i++)
		port_release(env, (uint16_t)(port + i));

	return env_str(env, "%u", port);
}


static struct proc *start(struct env *env, const struct sipp_args *args)
{
	const unsigned calls = args->calls ? args->calls : 1;
	const char *argv[ARGS] = {
		"sipp", "-nostdin", "-sf", env_data(env, args->scenario),
		"-i", args->ipv6 ? "[::1]" : "127.0.0.1",
		"-p", args->port ? env_str(env, "%u", args->port)
			: own_port(env, 1), "-mp", own_port(env, 4),
		"-cp", own_port(env, 1), "-m", env_str(env, "%u", calls),
		"-l", args->target ? "10" : "1000", "-r", env_str(env, "%u",
					  args->rate ? args->rate : 10),
		"-t", args->tcp ? "t1" : "u1", "-trace_err",
		"-error_file", env_path(env, "sipp.%u.errors",
					(unsigned)list_count(&env->procl)),
		"-timeout", env_str(env, "%us", (args->ms ? args->ms
					       : E2E_WAIT) / 1000 *
				    env->scale + 1),
		"-timeout_error", args->target,
	};
	size_t n = 0, i;

	while (argv[n])
		++n;
	for (i=0; args->keyv && args->keyv[i] && n + 4 < ARGS; i+=2) {
		argv[n++] = "-key";
		argv[n++] = args->keyv[i];
		argv[n++] = args->keyv[i + 1];
	}

	return proc_start(env, &(struct proc_args){
		.name = "sipp", .argv = argv});
}


/* It says so at once */
static bool is_taken(const struct env *env, struct proc *p)
{
	unsigned i;

	for (i=0; i<LOOKS * env->scale && proc_alive(p); i++)
		e2e_sleep(LOOK);

	return !proc_alive(p) && p->status == SIPP_BIND;
}


struct proc *sipp_start(struct env *env, const struct sipp_args *args)
{
	struct proc *p;
	unsigned tries;

	for (tries=1, p = start(env, args); tries<TRIES && is_taken(env, p);
	     tries++)
		p = start(env, args);

	return p;
}


int sipp_run(struct env *env, const struct sipp_args *args)
{
	const unsigned ms = (args->ms ? args->ms : E2E_WAIT) + E2E_SHORT;

	return proc_wait(sipp_start(env, args), ms);
}
