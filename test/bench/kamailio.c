/**
 * @file kamailio.c  Kamailio as an MSRP relay (RFC 4976): what has another
 * hop is handed on to it, and answered 200
 *
 * An open relay, on the loopback interface only: what is measured is the way
 * of the messages, not who may use it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench.h"


enum {
	START_MS = 10000,
};

static const char text[] =
	"#!KAMAILIO\n"
	"debug=0\n"
	"log_stderror=yes\n"
	"fork=yes\n"
	"children=1\n"
	"tcp_children=1\n"
	"auto_aliases=no\n"
	"dns=no\n"
	"rev_dns=no\n"
	"enable_tls=%s\n"
	"tcp_accept_no_cl=yes\n"
	"tcp_connection_lifetime=600\n"
	"tcp_rd_buf_size=65536\n"
	"tcp_conn_wq_max=67108864\n"
	"tcp_wq_max=134217728\n"
	"listen=%s:127.0.0.1:%u\n"
	"loadmodule \"sl.so\"\n"
	"loadmodule \"pv.so\"\n"
	"loadmodule \"kex.so\"\n"
	"%s"
	"loadmodule \"msrp.so\"\n"
	"request_route {\n"
	"	drop;\n"
	"}\n"
	"event_route[msrp:frame-in] {\n"
	"	msrp_reply_flags(\"1\");\n"
	"	if (msrp_is_reply()) {\n"
	"		if ($msrp(nexthops) > 0) {\n"
	"			msrp_relay();\n"
	"		}\n"
	"	} else if (!msrp_relay()) {\n"
	"		msrp_reply(\"481\", \"Not There\");\n"
	"	} else {\n"
	"		msrp_reply(\"200\", \"OK\");\n"
	"	}\n"
	"}\n";


static void config(const char *path, uint16_t port, const char *pem)
{
	char tls[1024] = "";
	FILE *f;

	if (pem)
		snprintf(tls, sizeof(tls), "loadmodule \"tls.so\"\n"
			 "modparam(\"tls\", \"private_key\", \"%s\")\n"
			 "modparam(\"tls\", \"certificate\", \"%s\")\n"
			 "modparam(\"tls\", \"verify_certificate\", 0)\n"
			 "modparam(\"tls\", \"con_ct_wq_max\", 67108864)\n"
			 "modparam(\"tls\", \"ct_wq_max\", 134217728)\n"
			 "modparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n",
			 pem, pem);
	f = fopen(path, "w");
	if (!f || fprintf(f, text, pem ? "yes" : "no", pem ? "tls" : "tcp",
			  port, tls) < 0 || fclose(f))
		die("%s: not written", path);
}


static void __attribute__((noreturn))
relay_exec(const char *dir, const char *cfg, const char *log,
	   enum place place)
{
	char pid[300];
	const char *const argv[] = {
		"kamailio", "-f", cfg, "-DD", "-E", "-m", "256", "-M", "16",
		"-P", pid, "-Y", dir, "-w", dir, NULL
	};
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	snprintf(pid, sizeof(pid), "%s/pid", dir);
	(void)dup2(fd, 1);
	(void)dup2(fd, 2);
	place_receiver(place);
	/* with those that it starts */
	(void)setpgid(0, 0);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}


void relay_start(struct relay *relay, const struct bench *b, const char *pem,
		 enum place place)
{
	char dir[256], cfg[300], log[300];
	int fd, ms;

	(void)run_folder(b, dir, sizeof(dir));
	if (mkdir(dir, 0700))
		die("%s: %s", dir, strerror(errno));
	close(listen_any(&relay->port));
	snprintf(cfg, sizeof(cfg), "%s/relay.cfg", dir);
	snprintf(log, sizeof(log), "%s/relay.log", dir);
	config(cfg, relay->port, pem);
	snprintf(relay->uri, sizeof(relay->uri),
		 "msrp%s://127.0.0.1:%u/relay;tcp", pem ? "s" : "",
		 relay->port);

	die_log(log);
	relay->pid = child();
	if (!relay->pid)
		relay_exec(dir, cfg, log, place);
	for (ms=0; (fd = connect_to(relay->port)) < 0; ms+=10) {
		if (ms >= START_MS)
			die("kamailio does not start");
		usleep(10000);
	}
	close(fd);
}


void relay_stop(struct relay *relay)
{
	/* it may hang when it is asked politely */
	(void)kill(-relay->pid, SIGKILL);
	(void)child_wait(relay->pid);
	die_log(NULL);
}
