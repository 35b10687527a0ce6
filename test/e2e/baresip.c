/**
 * @file baresip.c  The stock baresip in a folder of its own
 *
 * The folder survives restarts, and with it the module's database. All
 * modules of the system are linked into one folder together with the module
 * under test, because baresip looks in one place only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "e2e.h"
#include "power.h"


enum {
	TRIES = 4,            /* starts, when a port is taken after all   */
};

static const char *const module_dirs[] = {
	"/usr/lib/baresip/modules",
	"/usr/local/lib/baresip/modules",
};


static const char *env_or(const char *name, const char *other)
{
	const char *value = getenv(name);

	return value && *value ? value : other;
}


static void link_one(const char *from, const char *dir, const char *name)
{
	char to[512];

	snprintf(to, sizeof(to), "%s/%s", dir, name);
	if (symlink(from, to) && errno != EEXIST)
		e2e_fail("cannot link %s: %s", to, strerror(errno));
}


static void link_modules(const char *dir)
{
	const char *from = getenv("CPM_BARESIP_MODULES");
	const char *module = env_or("CPM_MODULE", NULL);
	char path[512];
	struct dirent *de;
	DIR *d = NULL;
	size_t i;

	for (i=0; !from && i<ARRAY_SIZE(module_dirs); i++)
		if (!access(module_dirs[i], R_OK))
			from = module_dirs[i];

	folder_make(dir);
	if (!from || !(d = opendir(from)))
		e2e_fail("no modules of baresip found");
	while ((de = readdir(d)) != NULL) {
		if (!strstr(de->d_name, ".so"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", from, de->d_name);
		link_one(path, dir, de->d_name);
	}
	closedir(d);

	if (!module)
		return;
	if (access(module, R_OK))
		e2e_fail("CPM_MODULE: no %s", module);
	link_one(module, dir, "cpm.so");
}


static void write_config(struct baresip *b)
{
	static const char fmt[] =
		"poll_method epoll\n"
		"sip_listen %s\n"
		"net_interface %s\n"
		"call_local_timeout 120\n"
		"call_max_calls 4\n"
		"audio_path %s\n"
		"audio_source ausine,440\n"
		/* ausine knows this rate only; there is no sound card, and
		   a call without source or player is not answered */
		"ausrc_srate 48000\n"
		"ausrc_channels 2\n"
		"audio_player aubridge,none\n"
		"audio_alert aubridge,none\n"
		"audio_level no\n"
		"rtp_ports 10000-20000\n"
		"module_path %s/modules\n"
		"%s"
		"module g711.so\n"
		"module ausine.so\n"
		"module aubridge.so\n"
		"module_app account.so\n"
		"module_app contact.so\n"
		"module_app menu.so\n"
		"module_app ctrl_tcp.so\n"
		"ctrl_tcp_listen %s:%u\n"
		"%s%s\n";
	const char *own = b->args.config ? b->args.config : "";
	const bool cpm = !b->args.plain && env_or("CPM_MODULE", NULL);

	file_write(env_str(b->env, "%s/config", b->dir),
		   env_str(b->env, fmt, b->args.netif
			   ? env_str(b->env, "0.0.0.0:%u", b->sip_port)
			   : b->sip, b->args.netif ? b->args.netif : b->host,
			   b->dir, b->env->dir,
			   cpm ? "module cpm.so\n" : "",
			   b->args.ipv6 ? "[::1]" : b->host, b->ctrl_port,
			   /* no question leaves this machine: nobody answers
			      where discard would be */
			   strstr(own, "dns_server") ? ""
			   : "dns_server 127.0.0.1:9\n", own));
}


static void choose_ports(struct baresip *b)
{
	/* SIP over TLS listens on the port after the one that is configured */
	b->sip_port = port_get(b->env, 2);
	b->ctrl_port = port_get(b->env, 1);
	snprintf(b->sip, sizeof(b->sip), b->args.ipv6 ? "[%s]:%u" : "%s:%u",
		 b->host, b->sip_port);
	write_config(b);
}


static struct proc *run(struct baresip *b)
{
	const char *preload = env_or("CPM_PRELOAD", NULL);
	const char *leaks = env_or("CPM_LEAKS", "0");
	const char *supp = env_data(b->env, "lsan.supp");
	const char *host = env_data(b->env, "asan.supp");
	const char *argv[] = {
		env_or("CPM_BARESIP", "baresip"), "-f", b->dir,
		b->args.trace ? "-s" : NULL, NULL
	};
	const char *envv[] = {
		env_str(b->env, "HOME=%s", b->dir),
		env_str(b->env, "ASAN_OPTIONS=log_path=%s/asan:detect_leaks=%s"
			":detect_odr_violation=0:malloc_context_size=30"
			"%s%s", b->env->dir, leaks,
			access(host, R_OK) ? "" : ":suppressions=",
			access(host, R_OK) ? "" : host),
		env_str(b->env, "UBSAN_OPTIONS=log_path=%s/ubsan"
			":print_stacktrace=1", b->env->dir),
		env_str(b->env, "LSAN_OPTIONS=print_suppressions=0%s%s",
			access(supp, R_OK) ? "" : ":suppressions=",
			access(supp, R_OK) ? "" : supp),
		preload ? env_str(b->env, "LD_PRELOAD=%s", preload) : NULL,
		NULL, NULL, NULL
	};

	if (b->args.power)
		power_envv(b->env, env_str(b->env, "%s/cpm", b->dir),
			   b->args.power, envv + 4);

	return proc_start(b->env, &(struct proc_args){
		.name = b->args.name, .argv = argv, .envv = envv});
}


/* @return false when a port was taken and another try makes sense */
static bool come_up(struct baresip *b)
{
	struct wait w;

	b->ctrl = NULL;
	b->proc = run(b);
	wait_start(&w, E2E_WAIT, "baresip");
	while (wait_more(&w)) {
		const bool alive = proc_alive(b->proc);

		if (file_has(b->proc->log, "Address already in use")) {
			proc_kill(b->proc);
			return false;
		}
		if (!alive && b->args.fails)
			return true;
		if (!alive)
			e2e_fail("%s ended with %d while starting",
				 b->proc->name, b->proc->status);
		/* before it registers: what is delivered then makes events
		   that only who is there hears */
		w.turn = 1;
		if (!b->ctrl)
			b->ctrl = ctrl_open(b->env, b->host, b->ctrl_port, 1);
		if (b->ctrl && file_has(b->proc->log, "baresip is ready"))
			return ctrl_cmd(b->ctrl, "reginfo", NULL, NULL);
	}

	return false;
}


void baresip_launch(struct baresip *b)
{
	ctrl_close(b->ctrl);
	b->ctrl = NULL;
	b->proc = run(b);
	++b->starts;
}


void baresip_restart(struct baresip *b)
{
	unsigned tries;

	ctrl_close(b->ctrl);
	for (tries=0; tries<TRIES; tries++) {
		if (tries)
			choose_ports(b);
		++b->starts;
		if (come_up(b))
			return;
	}

	e2e_fail("baresip finds no free ports");
}


struct baresip *baresip_start(struct env *env,
			      const struct baresip_args *args)
{
	struct baresip *b = env_keep(env, mem_zalloc(sizeof(*b), NULL));

	b->env = env;
	b->args = *args;
	if (!args->name)
		b->args.name = "baresip";
	snprintf(b->dir, sizeof(b->dir), "%s/%s", env->dir, b->args.name);
	snprintf(b->host, sizeof(b->host), "%s",
		 args->ipv6 ? "::1" : "127.0.0.1");

	link_modules(env_path(env, "modules"));
	folder_make(b->dir);
	file_write(env_str(env, "%s/accounts", b->dir),
		   args->accounts ? args->accounts : "");
	file_write(env_str(env, "%s/contacts", b->dir), "");
	choose_ports(b);
	baresip_restart(b);

	return b;
}


int baresip_wait(struct baresip *b)
{
	const int status = proc_wait(b->proc, E2E_STOP);

	ctrl_close(b->ctrl);

	return status;
}


int baresip_quit(struct baresip *b)
{
	if (!ctrl_cmd(b->ctrl, "quit", NULL, NULL))
		e2e_fail("quit: %s", ctrl_data(b->ctrl));

	return baresip_wait(b);
}


int baresip_stop(struct baresip *b)
{
	proc_signal(b->proc, SIGTERM);

	return baresip_wait(b);
}


void baresip_kill(struct baresip *b)
{
	proc_kill(b->proc);
	ctrl_close(b->ctrl);
}


/*
 * reginfo = *( aor "OK" / "ERR" / "zzz" ), coloured. "zzz" has no answer yet
 */
static bool all_registered(const char *text)
{
	return strstr(text, "OK") && !strstr(text, "zzz") &&
		!strstr(text, "ERR");
}


void baresip_registered(struct baresip *b, unsigned ms)
{
	struct wait w;

	wait_start(&w, ms, "the registration");
	do {
		(void)ctrl_cmd(b->ctrl, "reginfo", NULL, NULL);
	} while (!all_registered(ctrl_data(b->ctrl)) && wait_more(&w));
}


char *baresip_account(struct env *env, const char *user, const char *domain,
		      const char *outbound, const char *params)
{
	if (strncmp(outbound, "sip:", 4))
		outbound = env_str(env, "sip:%s;transport=udp", outbound);

	return env_str(env, "\"%c%s\" <sip:%s@%s;transport=udp>;auth_user=%s;"
		       "auth_pass=secret;outbound=\"%s\";regint=600%s\n",
		       user[0] & ~0x20, user + 1, user, domain, user,
		       outbound, params ? params : "");
}
