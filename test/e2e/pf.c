/**
 * @file pf.c  Driving the Participating Function of test/pf
 *
 * Commands are lines, events are lines: "name key=value key=value", values
 * percent-encoded where they hold space, '%' or control characters.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include "e2e.h"


enum {
	ARGV_MAX = 64,        /* options of one start                     */
};


static void event_destructor(void *arg)
{
	struct pf_event *ev = arg;

	mem_deref(ev->name);
}


static const struct pf_event *event_decode(struct env *env, const char *line)
{
	struct pf_event *ev = mem_zalloc(sizeof(*ev), event_destructor);
	const char *sp = strchr(line, ' ');

	env_keep(env, ev);
	ev->env = env;
	ev->name = mem_zalloc(strlen(line) + 1, NULL);
	if (!ev->name)
		e2e_fail("no memory");
	memcpy(ev->name, line, sp ? (size_t)(sp - line) : strlen(line));
	pl_set_str(&ev->v, sp ? sp + 1 : "");

	return ev;
}


static const char *program(void)
{
	const char *path = getenv("CPM_PF");

	if (!path || !*path)
		e2e_fail("CPM_PF is not set");

	return path;
}


struct pf *pf_start_env(struct env *env, const char *const *argv,
			const char *const more[3])
{
	struct pf *pf = env_keep(env, mem_zalloc(sizeof(*pf), NULL));
	const char *all[ARGV_MAX + 2] = {program()};
	const char *envv[] = {
		env_str(env, "ASAN_OPTIONS=log_path=%s/asan", env->dir),
		env_str(env, "UBSAN_OPTIONS=log_path=%s/ubsan"
			":print_stacktrace=1", env->dir),
		more[0], more[1], more[2], NULL
	};
	const struct pf_event *ev;
	const char *colon;
	size_t i;

	for (i=0; argv && argv[i] && i<ARGV_MAX; i++)
		all[i + 1] = argv[i];

	pf->env = env;
	pf->proc = proc_start(env, &(struct proc_args){
		.name = "pf", .argv = all, .envv = envv,
		.input = true, .apart = true});

	ev = pf_event(pf, "ready", E2E_WAIT);
	snprintf(pf->sip, sizeof(pf->sip), "%s", pf_str(ev, "sip"));
	snprintf(pf->domain, sizeof(pf->domain), "%s",
		 pf_str(ev, "domain"));
	colon = strrchr(pf->sip, ':');
	pf->sip_port = (uint16_t)atoi(colon ? colon + 1 : "0");
	pf->msrp_port = (uint16_t)pf_int(ev, "msrp");
	port_add(env, pf->sip_port);
	port_add(env, pf->msrp_port);

	return pf;
}


struct pf *pf_start(struct env *env, const char *const *argv)
{
	static const char *const none[3];

	return pf_start_env(env, argv, none);
}


/* What is said over SIP afterwards must not overtake it */
static bool issetting(const char *line)
{
	static const char *const namev[] = {
		"fault ", "set ", "way ", "auto ",
	};
	size_t i;

	for (i=0; i<ARRAY_SIZE(namev); i++) {
		if (!strncmp(line, namev[i], strlen(namev[i])))
			return true;
	}

	return false;
}


void pf_cmd(struct pf *pf, const char *fmt, ...)
{
	bool wait;
	char *line = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0)
		e2e_fail("no memory");

	proc_put(pf->proc, line);
	wait = issetting(line);
	free(line);
	if (wait)
		(void)pf_ask(pf, "stats");
}


/* Characters of a value that mean something in an expression */
static char *regex_escape(struct env *env, const char *value)
{
	char *s = env_keep(env, mem_zalloc(3 * strlen(value) + 1, NULL));
	char *to = s;

	for (; *value; value++) {
		const unsigned char c = (unsigned char)*value;

		if (c == ' ' || c == '%' || c < 0x20) {
			to += sprintf(to, "%%%02X", c);
			continue;
		}
		if (strchr(".*+?()[]{}|^$\\", c))
			*to++ = '\\';
		*to++ = (char)c;
	}

	return s;
}


static const char *event_regex(struct env *env, const char *name,
			       const char *key, const char *value)
{
	if (!key)
		return env_str(env, "^%s( |$)", name);

	return env_str(env, "^%s( .*)? %s=%s( |$)", name, key,
		       regex_escape(env, value));
}


const struct pf_event *pf_try_event(struct pf *pf, const char *name,
				    const char *key, const char *value,
				    unsigned ms)
{
	const char *line;

	line = proc_try_line(pf->proc, event_regex(pf->env, name, key, value),
			     ms);

	return line ? event_decode(pf->env, line) : NULL;
}


const struct pf_event *pf_event_kv(struct pf *pf, const char *name,
				   const char *key, const char *value,
				   unsigned ms)
{
	return event_decode(pf->env, proc_line(pf->proc,
					       event_regex(pf->env, name,
							   key, value),
					       ms));
}


const struct pf_event *pf_event(struct pf *pf, const char *name, unsigned ms)
{
	return pf_event_kv(pf, name, NULL, NULL, ms);
}


const struct pf_event *pf_ask(struct pf *pf, const char *fmt, ...)
{
	char line[1024], *name;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);

	name = env_str(pf->env, "%.*s", (int)strcspn(line, " "), line);
	proc_put(pf->proc, line);

	return pf_event(pf, name, E2E_WAIT);
}


static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}


static char *percent_decode(struct env *env, const char *p, size_t n)
{
	char *s = env_keep(env, mem_zalloc(n + 1, NULL)), *to = s;
	size_t i;

	for (i=0; i<n; i++) {
		if (p[i] == '%' && i + 2 < n) {
			*to++ = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
		}
		else {
			*to++ = p[i];
		}
	}

	return s;
}


const char *pf_str(const struct pf_event *ev, const char *key)
{
	const size_t len = strlen(key);
	const char *p = ev->v.p;

	while (*p) {
		const size_t n = strcspn(p, " ");

		if (n > len && !strncmp(p, key, len) && p[len] == '=')
			return percent_decode(ev->env, p + len + 1,
					      n - len - 1);
		p += n;
		p += *p == ' ';
	}

	return NULL;
}


int64_t pf_int(const struct pf_event *ev, const char *key)
{
	const char *s = pf_str(ev, key);
	char *end = NULL;
	int64_t v;

	v = s ? strtoll(s, &end, 10) : 0;
	if (!s || !*s || *end)
		e2e_fail("%s: no number %s in \"%s\"", ev->name, key,
			 ev->v.p);

	return v;
}


int pf_quit(struct pf *pf)
{
	proc_put(pf->proc, "quit");

	return proc_wait(pf->proc, E2E_STOP);
}
