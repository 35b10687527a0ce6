/**
 * @file host.h  What of baresip this module uses, and how it differs
 *
 * Debian ships no baresip.h, so the few functions needed are declared here
 * for 1.0.0; test/e2e/host.c checks each against the symbols that the
 * installed host exports. Types are opaque but for the two that the command
 * table needs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef HOST_H
#define HOST_H

#include <cpm_re.h>

struct ua;
struct call;
struct account;
struct commands;

/** A command of the softphone's table */
struct cmd {
	const char *name;
	char key;
	int flags;
	const char *desc;
	re_printf_h *h;
};

/** What a command handler gets as its arg */
struct cmd_arg {
	char key;
	char *prm;
	void *data;
};

enum { CMD_PRM = 1 << 0 };

/* enum ua_event by its size; the values are told apart by their names */
typedef void (ua_event_h)(struct ua *ua, unsigned ev, struct call *call,
			  const char *prm, void *arg);

struct commands *baresip_commands(void);
int  cmd_register(struct commands *commands, const struct cmd *cmdv,
		  size_t cmdc);
void cmd_unregister(struct commands *commands, const struct cmd *cmdv);

struct network;
struct network *baresip_network(void);
struct dnsc *net_dnsc(const struct network *net);

struct conf *conf_cur(void);
int  conf_path_get(char *path, size_t sz);

struct sip *uag_sip(void);
struct sipsess_sock *uag_sipsess_sock(void);
struct ua *uag_find(const struct pl *cuser);
struct ua *uag_find_aor(const char *aor);
struct list *uag_list(void);
struct ua *uag_current(void);
int  uag_event_register(ua_event_h *eh, void *arg);
void uag_event_unregister(ua_event_h *eh);
const char *uag_event_str(unsigned ev);

struct account *ua_account(const struct ua *ua);
const char *ua_cuser(const struct ua *ua);
const char *ua_local_cuser(const struct ua *ua);
const char *ua_outbound(const struct ua *ua);
int  ua_register(struct ua *ua);
bool ua_isregistered(const struct ua *ua);
void ua_event(struct ua *ua, unsigned ev, struct call *call,
	      const char *fmt, ...);

const char *account_aor(const struct account *acc);
const char *account_outbound(const struct account *acc, unsigned ix);
int  account_set_outbound(struct account *acc, const char *ob, unsigned ix);
uint32_t account_regint(const struct account *acc);
int  account_auth(const struct account *acc, char **user, char **pass,
		  const char *realm);

void info(const char *fmt, ...);
void warning(const char *fmt, ...);

#endif
