/**
 * @file linphone.c  linphone-cli, driven
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "linphone.h"


static const char config[] =
	"[sip]\n"
	"sip_port=%u\n"
	"sip_tcp_port=0\n"
	"sip_tls_port=0\n"
	"use_ipv6=0\n"
	"bind_address=127.0.0.1\n"
	"register_only_when_network_is_up=0\n"
	"deliver_imdn=1\n"
	"im_notif_policy=all\n"
	"default_proxy=0\n"
	"[net]\n"
	"dns_srv_enabled=0\n"
	"[storage]\n"
	"backend=sqlite3\n"
	"uri=%s/linphone.db\n"
	"[sound]\n"
	"playback_dev_id=none\n"
	"[auth_info_0]\n"
	"username=%s\n"
	"passwd=secret\n"
	"realm=%s\n"
	"domain=%s\n"
	"[proxy_0]\n"
	"reg_proxy=<%s;transport=udp>\n"
	"reg_route=<%s;transport=udp;lr>\n"
	"reg_identity=<sip:%s@%s>\n"
	"reg_expires=600\n"
	"reg_sendregister=1\n"
	"publish=0\n"
	/* here it looks for it, and nowhere else */
	"[proxy_default_values]\n"
	"cpim_in_basic_chat_rooms_enabled=%d\n";


/* It prints nothing of this: its log does */
void linphone_log(struct linphone *lp, const char *text)
{
	struct wait w;

	wait_start(&w, E2E_WAIT, text);
	while (!file_has(lp->log, text) && wait_more(&w))
		;
}


struct linphone *linphone_start(struct env *env, const struct core *core,
				const char *user, bool cpim)
{
	struct linphone *lp = env_keep(env, mem_zalloc(sizeof(*lp), NULL));
	const char *dir = env_path(env, "linphone");
	const char *conf = env_str(env, "%s/linphonerc", dir);
	const char *envv[] = {
		env_str(env, "HOME=%s", dir),
		env_str(env, "XDG_DATA_HOME=%s", dir),
		env_str(env, "XDG_CONFIG_HOME=%s", dir),
		env_str(env, "XDG_CACHE_HOME=%s", dir),
		"TERM=dumb", NULL
	};
	const char *argv[] = {"linphonec", "-c", conf, "-d", "6", "-l",
			      NULL, NULL};

	lp->env = env;
	lp->log = argv[6] = env_str(env, "%s/log", dir);
	lp->port = port_get(env, 1);
	port_release(env, lp->port);
	folder_make(dir);
	file_write(conf, env_str(env, config, lp->port, dir, user,
		core->domain, core->domain, core->uri, core->uri, user,
		core->domain, cpim));
	lp->proc = proc_start(env, &(struct proc_args){
		.name = "linphone", .argv = argv, .envv = envv,
		.input = true});
	linphone_log(lp, "to [LinphoneRegistrationOk]");

	return lp;
}


void linphone_chat(struct linphone *lp, const char *to, const char *text)
{
	proc_put(lp->proc, env_str(lp->env, "chat %s %s", to, text));
}


void linphone_shows(struct linphone *lp, const char *from, const char *text)
{
	(void)proc_line(lp->proc, env_str(lp->env, "Message received from %s: "
					  "%s$", from, text), E2E_WAIT);
}
