/**
 * @file scene.c  What most tests begin and end with: a PF, and Alice
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include "scene.h"


enum {
	OPTIONS   = 24,
	TEXT_LINE = 31,       /* octets of a generated line, see pf --help */
};


static void start_pf(struct scene *s, const char *listen, const char *pass)
{
	const char *argv[OPTIONS] = {
		"-D", DOMAIN, "-l", listen, "-d", env_path(s->env, "pf.db"),
		"-u", env_str(s->env, "alice:%s", pass ? pass : "secret"),
	};
	size_t i, n = 8;

	for (i=0; i<ARRAY_SIZE(s->args.optv) && s->args.optv[i]; i++)
		argv[n++] = s->args.optv[i];

	s->pf = pf_start(s->env, argv);
}


void scene_open(struct scene *s, const struct scene_args *args)
{
	memset(s, 0, sizeof(*s));
	if (args)
		s->args = *args;
	s->env = env_open();
	scene_pf(s);
}


void scene_pf(struct scene *s)
{
	start_pf(s, "127.0.0.1:0", s->args.pass);
}


void scene_start(struct scene *s)
{
	const char *way = env_str(s->env, "sip:%s;transport=%s", s->pf->sip,
				  s->args.tcp ? "tcp" : "udp");
	struct baresip_args args = {
		.name = "alice", .config = s->args.config,
		.plain = s->args.plain, .trace = s->args.trace,
	};

	args.accounts = baresip_account(s->env, "alice", DOMAIN, way,
					s->args.params);
	s->b = baresip_start(s->env, &args);
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
}


void scene_restart(struct scene *s)
{
	baresip_restart(s->b);
	s->c = s->b->ctrl;
	baresip_registered(s->b, E2E_WAIT);
}


void scene_pf_restart(struct scene *s, const char *pass)
{
	start_pf(s, env_str(s->env, "%s", s->pf->sip), pass);
}


void scene_leave(struct scene *s, const char *fmt, ...)
{
	char *line = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0)
		e2e_fail("no memory");

	pf_cmd(s->pf, "leave to=%s %s", ALICE, line);
	free(line);
	(void)pf_event(s->pf, "kept", E2E_WAIT);
}


void scene_halfway(struct scene *s)
{
	pf_cmd(s->pf, "auto off");
	pf_cmd(s->pf, "fault nobye");
	scene_leave(s, "from=%s text=one", BOB);
	pf_cmd(s->pf, "deliver to=%s", ALICE);
	(void)pf_event(s->pf, "delivered", E2E_WAIT);
	pf_cmd(s->pf, "fault delay=60000");
	scene_leave(s, "from=%s text=two", BOB);
	pf_cmd(s->pf, "deliver to=%s", ALICE);
}


void scene_empty(struct scene *s)
{
	const struct pf_event *ev;
	struct wait w;

	wait_start(&w, 3 * E2E_WAIT, "the PF to have nothing left");
	while (wait_more(&w)) {
		ev = pf_ask(s->pf, "pending to=%s", ALICE);
		if (!pf_int(ev, "count"))
			return;
	}
}


void scene_delivered(struct scene *s, int64_t messages)
{
	scene_empty(s);
	(void)ctrl_until(s->c, "cpm_status", NULL, "sessions", 0, E2E_WAIT);
	(void)ctrl_until(s->c, "cpm_status", NULL, "messages", messages,
			 E2E_WAIT);
}


int64_t scene_notified(struct scene *s, int64_t imdn)
{
	const struct pf_event *ev;
	struct wait w;

	/* what has become due now does not count as due before its commit:
	   so the PF is asked first */
	wait_start(&w, 3 * E2E_WAIT, "the notifications");
	do {
		ev = pf_ask(s->pf, "stats");
		if (!wait_quiet(&w))
			e2e_fail("%lld notifications came, not %lld",
				 (long long)pf_int(ev, "imdn"),
				 (long long)imdn);
	} while (pf_int(ev, "imdn") < imdn);

	(void)ctrl_until(s->c, "cpm_status", NULL, "imdn_pending", 0,
			 3 * E2E_WAIT);
	ev = pf_ask(s->pf, "stats");
	if (pf_int(ev, "imdn") != imdn)
		e2e_fail("%lld notifications came, not %lld",
			 (long long)pf_int(ev, "imdn"), (long long)imdn);

	return pf_int(ev, "repeats");
}


int64_t scene_count(struct scene *s, const char *key)
{
	return j_int(ctrl_ask(s->c, "cpm_status", NULL), key);
}


char *scene_file(struct scene *s, const char *name)
{
	return env_str(s->env, "%s/cpm/%s", s->b->dir, name);
}


void scene_close(struct scene *s)
{
	int status;

	if (s->b) {
		status = baresip_quit(s->b);
		if (status)
			e2e_fail("baresip ended with %d", status);
	}

	status = pf_quit(s->pf);
	if (status)
		e2e_fail("pf ended with %d", status);

	env_close(s->env);
}


/* Lines of 31 octets with a running number; full stops behind the last */
void scene_text_fill(char *text, size_t off, size_t len, size_t total)
{
	const size_t full = total - total % TEXT_LINE;
	char line[] = "0000000 Ünïcødé 漢字 …\n";
	size_t i, n;

	for (; len; text += n, off += n, len -= n) {
		const size_t pos = off % TEXT_LINE;
		size_t num = off / TEXT_LINE % 10000000;

		if (off >= full) {
			memset(text, '.', len);
			return;
		}
		for (i=7; i--; num /= 10)
			line[i] = (char)('0' + num % 10);
		n = min(len, TEXT_LINE - pos);
		memcpy(text, line + pos, n);
	}
}


char *scene_text(struct env *env, size_t off, size_t len, size_t total)
{
	char *text = env_keep(env, mem_zalloc(len + 1, NULL));

	if (off < total)
		scene_text_fill(text, off, min(len, total - off), total);

	return text;
}


void scene_refused(struct scene *s, const char *cmd, const char *prm,
		   const char *code, const char *text)
{
	const struct odict *o;

	if (ctrl_cmd(s->c, cmd, prm, &o) || !o)
		e2e_fail("%s %.200s is not refused: %.500s", cmd,
			 prm ? prm : "", ctrl_data(s->c));
	if (strcmp(code, j_str(o, "error.code")) ||
	    !strstr(j_str(o, "error.text"), text))
		e2e_fail("%s %.200s: not %s, \"%s\" but %.500s", cmd,
			 prm ? prm : "", code, text, ctrl_data(s->c));
}
