/**
 * @file core.c  A SIP core: Kamailio as registrar and proxy
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "e2e.h"


enum {
	TRIES = 4,            /* starts, when a port is taken after all   */
};


struct core *core_alloc(struct env *env, const char *domain, bool ipv6)
{
	struct core *core = env_keep(env, mem_zalloc(sizeof(*core), NULL));

	core->env = env;
	core->ipv6 = ipv6;
	core->port = port_get(env, 1);
	snprintf(core->domain, sizeof(core->domain), "%s", domain);
	snprintf(core->sip, sizeof(core->sip), "%s:%u",
		 ipv6 ? "[::1]" : "127.0.0.1", core->port);
	snprintf(core->uri, sizeof(core->uri), "sip:%s", core->sip);

	return core;
}


/* "alice:secret bob:secret" to statements that fill the table */
static char *user_table(struct env *env, const char *users)
{
	char *all = env_str(env, "%s", "");
	char user[64], pass[64];
	int n;

	while (sscanf(users, " %63[^: ]:%63[^ ]%n", user, pass, &n) == 2) {
		all = env_str(env, "%s\t$sht(users=>%s) = \"%s\";\n", all,
			      user, pass);
		users += n;
	}

	return all;
}


static const char *make_config(struct core *core, const char *users,
			       const struct pf *pf)
{
	struct env *env = core->env;
	const char *pairv[] = {
		"LISTEN", core->sip,
		"DOMAIN", core->domain,
		"USERS", user_table(env, users),
		"PF", pf ? pf->sip : "127.0.0.1:9",
		"PFPORT", env_str(env, "%u", pf ? pf->sip_port : 9),
		"HAVE_PF", pf ? "1" : "0",
		NULL
	};
	const char *path = env_path(env, "core.cfg");

	file_fill(env, path, env_data(env, "core.cfg"), pairv);

	return path;
}


/* SIP ping: OPTIONS to the core itself, answered by its script */
static bool answers(struct core *core, struct wait *w)
{
	while (wait_more(w)) {
		if (file_has(core->proc->log, "core is ready"))
			return true;
		if (!proc_alive(core->proc))
			return false;
	}

	return false;
}


void core_run(struct core *core, const char *users, const struct pf *pf)
{
	const char *cfg = make_config(core, users, pf);
	const char *run = env_path(core->env, "core");
	const char *const argv[] = {
		"kamailio", "-f", cfg, "-DD", "-E", "-m", "32", "-M", "8",
		"-P", env_str(core->env, "%s/pid", run), "-Y", run,
		"-w", run, NULL
	};
	struct wait w;

	folder_make(run);
	port_release(core->env, core->port);
	/* its children end with it only when it is asked politely */
	core->proc = proc_start(core->env, &(struct proc_args){
		.name = "core", .argv = argv, .deathsig = SIGTERM});

	/* now and then its processes wait for each other when asked to end:
	   their signal handlers lock */
	core->proc->foreign = true;

	wait_start(&w, E2E_WAIT, "Kamailio");
	if (!answers(core, &w))
		e2e_fail("Kamailio did not start");
}
