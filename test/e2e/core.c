/**
 * @file core.c  A SIP core: Kamailio as registrar and proxy
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
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
	core->patience = 8000;
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


/* A certificate of its own, which baresip does not look at */
void core_tls(struct core *core)
{
	struct env *env = core->env;
	const char *const argv[] = {"openssl", "req", "-x509", "-newkey",
		"rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=core",
		"-keyout", "core.key", "-out", "core.pem", NULL};
	struct proc *p = proc_start(env, &(struct proc_args){
		.name = "openssl", .argv = argv});

	if (proc_wait(p, 3 * E2E_WAIT))
		e2e_fail("openssl: %d", p->status);
	core->tls_port = port_get(env, 1);
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
		"PATIENCE", env_str(env, "%u", core->patience),
		"TLS", core->tls_port ? "yes" : "no",
		"LISTEN_TLS", core->tls_port ? env_str(env, "listen=tls:%s:%u",
			core->ipv6 ? "[::1]" : "127.0.0.1", core->tls_port)
			: "",
		"LOAD_TLS", core->tls_port ? env_str(env,
			"loadmodule \"tls.so\"\n"
			"modparam(\"tls\", \"private_key\", \"%s\")\n"
			"modparam(\"tls\", \"certificate\", \"%s\")\n"
			"modparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n",
			env_path(env, "core.key"),
			env_path(env, "core.pem")) : "",
		NULL
	};
	const char *path = env_path(env, "core.cfg");

	file_fill(env, path, env_data(env, "core.cfg"), pairv);

	return path;
}


/* Its script says so when all its processes listen */
static bool is_ready(struct proc *proc, struct wait *w)
{
	while (wait_more(w)) {
		if (file_has(proc->log, " is ready"))
			return true;
		if (!proc_alive(proc))
			return false;
	}

	return false;
}


static struct proc *run_kamailio(struct core *core, const char *name,
				 const char *cfg, uint16_t port)
{
	const char *run = env_path(core->env, "%s", name);
	const char *const argv[] = {
		"kamailio", "-f", cfg, "-DD", "-E", "-m", "32", "-M", "8",
		"-P", env_str(core->env, "%s/pid", run), "-Y", run,
		"-w", run, NULL
	};
	struct proc *proc;
	struct wait w;

	if (access(run, F_OK))
		folder_make(run);
	port_release(core->env, port);
	/* its children end with it only when it is asked politely */
	proc = proc_start(core->env, &(struct proc_args){
		.name = name, .argv = argv, .deathsig = SIGTERM});

	/* now and then its processes wait for each other when asked to end:
	   their signal handlers lock */
	proc->foreign = true;

	wait_start(&w, E2E_WAIT, "Kamailio");
	if (!is_ready(proc, &w))
		e2e_fail("Kamailio did not start");

	return proc;
}


void core_run(struct core *core, const char *users, const struct pf *pf)
{
	core->proc = run_kamailio(core, "core", make_config(core, users, pf),
				  core->port);
}


/* As Debian ships them, but that module msilo does not fill callid and status:
   there they may not be empty */
static const char table_silo[] =
	"id(int,auto) src_addr(string) dst_addr(string) username(string) "
	"domain(string) inc_time(int) exp_time(int) snd_time(int) "
	"ctype(string) body(string,null) extra_hdrs(string,null) "
	"callid(string,null) status(int,null) \n";
static const char table_version[] =
	"id(int,auto) table_name(string) table_version(int) \n"
	"0:version:1\n"
	"0:silo:8\n";


void core_silo(struct core *core, const char *users)
{
	struct env *env = core->env;
	const char *cfg = env_path(env, "silo.cfg");
	const char *db = env_path(env, "silo");

	if (access(db, F_OK)) {
		folder_make(db);
		file_write(env_path(env, "silo/silo"), table_silo);
		file_write(env_path(env, "silo/version"), table_version);
	}
	file_fill(env, cfg, env_data(env, "silo.cfg"), (const char *[]){
		"LISTEN", core->sip, "DOMAIN", core->domain, "USERS",
		user_table(env, users), "DB", db, "PORT",
		env_str(env, "%u", core->port), NULL});
	core->proc = run_kamailio(core, "core", cfg, core->port);
}


void core_edge(struct core *core)
{
	struct env *env = core->env;
	const char *cfg = env_path(env, "edge.cfg");
	const char *host = core->ipv6 ? "[::1]" : "127.0.0.1";

	/* again, after it was killed: where it was */
	if (!core->edge_port)
		core->edge_port = port_get(env, 1);
	snprintf(core->edge, sizeof(core->edge), "%s:%u", host,
		 core->edge_port);
	file_fill(env, cfg, env_data(env, "edge.cfg"), (const char *[]){
		"LISTEN", core->edge, "CORE", core->sip, "COREHOST",
		core->ipv6 ? "::1" : "127.0.0.1", "COREPORT",
		env_str(env, "%u", core->port), NULL});
	core->edge_proc = run_kamailio(core, "edge", cfg, core->edge_port);
}
