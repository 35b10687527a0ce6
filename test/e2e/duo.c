/**
 * @file duo.c  Two softphones and the network between them
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "duo.h"


enum {
	OPTIONS = 24,
	PIECE   = 600,        /* octets of a text that fit a command, with
				 what escapes them                        */
};


void duo_open(struct duo *d, bool core, unsigned patience)
{
	const char *argv[OPTIONS] = {"-D", DOMAIN, "-l", "127.0.0.1:0", "-K",
		"-k", "65536"};
	size_t n = 7;

	memset(d, 0, sizeof(*d));
	d->env = env_open();
	argv[n++] = "-d";
	argv[n++] = env_path(d->env, "pf.db");
	if (core) {
		d->core = core_alloc(d->env, DOMAIN, false);
		argv[n++] = "-c";
		argv[n++] = d->core->uri;
		if (patience)
			d->core->patience = patience;
	}
	else {
		argv[n++] = "-u";
		argv[n++] = "alice:secret";
		argv[n++] = "-u";
		argv[n++] = "bob:secret";
	}
	if (patience) {
		argv[n++] = "-p";
		argv[n++] = env_str(d->env, "%u", patience);
	}
	d->pf = pf_start(d->env, argv);
	if (core)
		core_run(d->core, "alice:secret bob:secret", d->pf);
}


struct baresip *duo_phone(struct duo *d, const char *name, const char *config)
{
	struct baresip *b = baresip_start(d->env, &(struct baresip_args){
		.name = name, .config = config,
		.accounts = baresip_account(d->env, name, DOMAIN,
			env_str(d->env, "sip:%s;transport=%s", d->core
				? d->core->sip : d->pf->sip,
				d->tcp ? "tcp" : "udp"), NULL)});

	baresip_registered(b, E2E_WAIT);
	/* the PF hears of it after the core has answered */
	(void)pf_event_kv(d->pf, "registered", "user", name, E2E_WAIT);
	if (!strcmp(name, "alice"))
		d->a = b;
	else
		d->b = b;

	return b;
}


void duo_away(struct duo *d, struct baresip *b)
{
	if (baresip_quit(b))
		e2e_fail("%s ended with %d", b->args.name, b->proc->status);
	(void)pf_event_kv(d->pf, "unregistered", "user", b->args.name,
			  E2E_WAIT);
}


void duo_back(struct duo *d, struct baresip *b)
{
	baresip_restart(b);
	baresip_registered(b, E2E_WAIT);
	(void)pf_event_kv(d->pf, "registered", "user", b->args.name,
			  E2E_WAIT);
}


int64_t duo_send(struct baresip *b, const char *fmt, ...)
{
	char *keys = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&keys, fmt, ap);
	va_end(ap);
	if (n < 0)
		e2e_fail("no memory");

	const struct odict *o = ctrl_ask(b->ctrl, "cpm_send", "{%s}", keys);

	free(keys);
	return j_int(o, "id");
}


void duo_draft(struct baresip *b, const char *text)
{
	size_t n, left = strlen(text);

	for (; left; text += n, left -= n) {
		n = left < PIECE ? left : PIECE;
		/* no character is cut */
		while (n < left && ((unsigned char)text[n] & 0xc0) == 0x80)
			--n;
		(void)ctrl_ask(b->ctrl, "cpm_draft", "{\"draft\":\"d\","
			"\"append\":\"%s\"}", j_escape(b->env,
			env_str(b->env, "%.*s", (int)n, text)));
	}
}


void duo_status(struct baresip *b, int64_t id, const char *status)
{
	const struct odict *o;
	struct wait w;

	wait_start(&w, 6 * E2E_WAIT, status);
	do {
		o = ctrl_ask(b->ctrl, "cpm_message", "%lld", (long long)id);
		if (!strcmp(j_str(o, "status"), "failed") &&
		    strcmp(status, "failed"))
			e2e_fail("message %lld has failed: %s", (long long)id,
				 j_has(o, "reason") ? j_str(o, "reason")
				 : "?");
	} while (strcmp(j_str(o, "status"), status) && wait_more(&w));
}


const struct odict *duo_messages(struct baresip *b, int64_t count)
{
	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "messages", count,
			 6 * E2E_WAIT);

	return ctrl_ask(b->ctrl, "cpm_messages", "{\"limit\":100}");
}


void duo_close(struct duo *d)
{
	if (d->b && proc_alive(d->b->proc) && baresip_quit(d->b))
		e2e_fail("bob ended with %d", d->b->proc->status);
	if (d->a && proc_alive(d->a->proc) && baresip_quit(d->a))
		e2e_fail("alice ended with %d", d->a->proc->status);
	if (pf_quit(d->pf))
		e2e_fail("pf ended with %d", d->pf->proc->status);
	env_close(d->env);
}
