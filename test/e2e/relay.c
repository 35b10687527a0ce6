/**
 * @file relay.c  An MSRP relay: Kamailio with its msrp module
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "e2e.h"
#include "relay.h"


/* A certificate for 127.0.0.1, and the CA that vouches for it */
static void cert_make(struct relay *relay)
{
	struct env *env = relay->env;
	const char *sh = env_str(env,
		"set -e; umask 077\n"
		"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "
		"'/CN=relay test CA' -keyout ca.key -out ca.pem\n"
		"openssl req -newkey rsa:2048 -nodes -subj '/CN=relay.test' "
		"-keyout relay.key -out relay.csr\n"
		"printf 'subjectAltName=IP:127.0.0.1,DNS:relay.test\\n' "
		">relay.ext\n"
		"openssl x509 -req -in relay.csr -CA ca.pem -CAkey ca.key "
		"-CAcreateserial -days 2 -extfile relay.ext "
		"-out relay.pem\n"
		"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "
		"'/CN=another CA' -keyout other.key -out other.pem\n");
	const char *const argv[] = {"sh", "-c", sh, NULL};
	struct proc *p = proc_start(env, &(struct proc_args){
		.name = "openssl", .argv = argv});
	const int status = proc_wait(p, 3 * E2E_WAIT);

	if (status)
		e2e_fail("openssl: %d", status);
	relay->ca = env_path(env, "ca.pem");
	relay->other_ca = env_path(env, "other.pem");
}


static unsigned relays;      /* a test may have two                   */


struct relay *relay_alloc(struct env *env, bool tls)
{
	struct relay *relay = env_keep(env, mem_zalloc(sizeof(*relay), NULL));

	relay->env = env;
	relay->tls = tls;
	relay->num = relays++;
	relay->expires = 600;
	relay->port = port_get(env, 1);
	snprintf(relay->uri, sizeof(relay->uri), "msrp%s://127.0.0.1:%u;tcp",
		 tls ? "s" : "", relay->port);
	if (tls)
		cert_make(relay);

	return relay;
}


static const char *make_config(struct relay *relay, const char *users)
{
	struct env *env = relay->env;
	char *table = env_str(env, "%s", "");
	char user[64], pass[64];
	const char *path = env_path(env, "relay%u.cfg", relay->num);
	const char *pairv[] = {
		"LISTEN", env_str(env, "127.0.0.1:%u", relay->port),
		"PROTO", relay->tls ? "tls" : "tcp",
		"SCHEME", relay->tls ? "msrps" : "msrp",
		"TLS", relay->tls ? "yes" : "no",
		"EXPIRES", env_str(env, "%u", relay->expires),
		"LOAD_TLS", relay->tls ? env_str(env, "loadmodule \"tls.so\"\n"
			"modparam(\"tls\", \"private_key\", \"%s\")\n"
			"modparam(\"tls\", \"certificate\", \"%s\")\n"
			"modparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n",
			env_path(env, "relay.key"),
			env_path(env, "relay.pem")) : "",
		"USERS", NULL,
		NULL
	};
	int n;

	while (sscanf(users, " %63[^: ]:%63[^ ]%n", user, pass, &n) == 2) {
		table = env_str(env, "%s\t$sht(users=>%s) = \"%s\";\n", table,
				user, pass);
		users += n;
	}
	pairv[13] = table;
	file_fill(env, path, env_data(env, "relay.cfg"), pairv);

	return path;
}


void relay_run(struct relay *relay, const char *users)
{
	const char *cfg = make_config(relay, users);
	const char *run = env_path(relay->env, "relay%u-%u", relay->num,
				   relay->starts++);
	const char *const argv[] = {
		"kamailio", "-f", cfg, "-DD", "-E", "-m", "32", "-M", "16",
		"-P", env_str(relay->env, "%s/pid", run), "-Y", run,
		"-w", run, NULL
	};

	folder_make(run);
	port_release(relay->env, relay->port);
	/* its children end with it only when it is asked politely */
	relay->proc = proc_start(relay->env, &(struct proc_args){
		.name = env_str(relay->env, "relay%u-%u", relay->num,
				relay->starts),
		.argv = argv, .deathsig = SIGTERM});

	/* as in core.c */
	relay->proc->foreign = true;

	(void)proc_line(relay->proc, "relay is ready", E2E_WAIT);
}


void relay_kill(struct relay *relay)
{
	proc_kill(relay->proc);
}


unsigned relay_auths(struct relay *relay)
{
	unsigned n = 0;

	while (proc_try_line(relay->proc, "relay: .* is s\\.", 1))
		++n;

	return n;
}
