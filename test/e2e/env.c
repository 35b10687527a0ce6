/**
 * @file env.c  The environment of one test: folder, time, end
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "e2e.h"


enum {
	LIMIT    = 60,        /* seconds for a test that names none       */
	SLOWER   = 3,         /* a sanitized baresip takes that much more */
	TEXT_MAX = 7000,      /* Check cuts its messages at 8 KiB         */
	PROC_MAX = 6,         /* programs shown, when there are many      */
	TAIL_MAX = 1500,      /* of that, for one program                 */
	DYING    = 100,       /* ms that a crash may take, with its report */
	TURN_MAX = 5,         /* longest sleep between two looks, ms      */
};

struct keep {
	struct le le;
	void *mem;
};

static struct env *current;
static env_fail_h *fail_h;


static void keep_destructor(void *arg)
{
	struct keep *keep = arg;

	list_unlink(&keep->le);
	mem_deref(keep->mem);
}


static void env_destructor(void *arg)
{
	struct env *env = arg;

	list_flush(&env->portl);
	list_flush(&env->procl);
	list_flush(&env->keepl);
}


static void kill_all(struct env *env)
{
	struct le *le;

	for (le = env->procl.tail; le; le = le->prev)
		proc_kill(le->data);
}


static void leave_folder(struct env *env, bool failed)
{
	guard_end(env);
	if (failed && getenv("CPM_KEEP"))
		fprintf(stderr, "kept: %s\n", env->dir);
	else
		folder_remove(env->dir);
}


static void append(char *text, size_t size, const char *head,
		   const char *tail)
{
	if (tail[0] && strlen(text) + strlen(head) + strlen(tail) < size) {
		strcat(text, head);
		strcat(text, tail);
	}
}


static void print_proc(struct proc *p, char *text, size_t size, size_t max)
{
	char state[40] = "running", head[120], tail[TAIL_MAX];

	if (!proc_alive(p))
		snprintf(state, sizeof(state), p->sig ? "died of signal %d"
			 : "ended with %d", p->sig ? p->sig : p->status);

	snprintf(head, sizeof(head), "\n--- %s, pid %d, %s\n", p->name,
		 (int)p->pid, state);
	file_tail(p->log, tail, max);
	append(text, size, head, tail[0] ? tail : "(silent)\n");

	if (p->err[0]) {
		file_tail(p->err, tail, max);
		append(text, size, "--- its stderr\n", tail);
	}
}


/* asan.<pid>, ubsan.<pid>: @return false when there is no (more) report */
static bool next_report(const struct env *env, DIR *dir, char *text,
			size_t size)
{
	struct dirent *de;
	char path[512];

	while (dir && (de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, "asan.", 5) &&
		    strncmp(de->d_name, "ubsan.", 6))
			continue;

		snprintf(path, sizeof(path), "%s/%s", env->dir, de->d_name);
		file_head(path, text, size);
		return true;
	}

	return false;
}


/* What is known when a test fails: sanitizer reports, then the logs */
static void print_tails(const struct env *env, char *text, size_t size)
{
	size_t n = list_count(&env->procl);
	DIR *dir = opendir(env->dir);
	char report[2 * TAIL_MAX];
	struct le *le;

	while (next_report(env, dir, report, sizeof(report)))
		append(text, size, "\n--- sanitizer report\n", report);
	if (dir)
		closedir(dir);

	/* of many that we have killed, the last ones tell more */
	for (le = env->procl.head; le; le = le->next) {
		const struct proc *p = le->data;
		const size_t max = (size - strlen(text)) /
			(n > PROC_MAX ? PROC_MAX : n);

		if (n > PROC_MAX && p->reaped) {
			--n;
			continue;
		}
		print_proc(le->data, text, size,
			   max > TAIL_MAX ? TAIL_MAX : max < 200 ? 200 : max);
	}
}


/* A test that ends by an assertion of its own comes here as well */
static void exit_handler(void)
{
	struct env *env = current;
	char text[TEXT_MAX] = "";

	if (!env || env->pid != getpid())
		return;

	current = NULL;
	print_tails(env, text, sizeof(text));
	kill_all(env);
	fprintf(stderr, "%s\n", text);
	leave_folder(env, true);
}


void e2e_fail(const char *fmt, ...)
{
	static char text[TEXT_MAX];
	struct env *env = current;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, TEXT_MAX / 2, fmt, ap);
	va_end(ap);

	current = NULL;
	if (env) {
		/* one that crashes right now shall be seen dead */
		e2e_sleep(DYING);
		print_tails(env, text, sizeof(text));
		kill_all(env);
		leave_folder(env, true);
	}

	if (fail_h)
		fail_h(text);

	fprintf(stderr, "%s\n", text);
	exit(1);
}


void env_set_fail(env_fail_h *failh)
{
	fail_h = failh;
}


struct env *env_open(void)
{
	const char *tmp = getenv("TMPDIR"), *preload = getenv("CPM_PRELOAD");
	static bool registered;
	struct env *env;

	if (current)
		e2e_fail("an environment is open already");

	env = mem_zalloc(sizeof(*env), env_destructor);
	if (!env)
		e2e_fail("no memory");

	snprintf(env->dir, sizeof(env->dir), "%s/cpm-e2e-XXXXXX",
		 tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(env->dir))
		e2e_fail("no temporary folder %s", env->dir);

	env->pid = getpid();
	env->scale = preload && *preload ? SLOWER : 1;
	env_limit(env, LIMIT);
	signal(SIGPIPE, SIG_IGN);
	guard_start(env);
	if (!registered)
		atexit(exit_handler);
	registered = true;
	current = env;

	return env;
}


void env_limit(struct env *env, unsigned seconds)
{
	env->end = e2e_now() + 1000ULL * seconds * env->scale;
}


static void check_reports(const struct env *env)
{
	DIR *dir = opendir(env->dir);
	char text[TAIL_MAX];
	const bool found = next_report(env, dir, text, sizeof(text));

	if (dir)
		closedir(dir);
	if (found)
		e2e_fail("a sanitizer has reported");
}


void env_close(struct env *env)
{
	struct le *le;

	proc_check(env);
	for (le = env->procl.tail; le; le = le->prev) {
		struct proc *p = le->data;

		if (p->foreign)
			proc_end(p);
		else if (proc_alive(p))
			(void)proc_stop(p);
	}
	proc_check(env);
	check_reports(env);

	current = NULL;
	kill_all(env);
	leave_folder(env, false);
	mem_deref(env);
}


void *env_keep(struct env *env, void *mem)
{
	struct keep *keep = mem_zalloc(sizeof(*keep), keep_destructor);

	if (!keep || !mem)
		e2e_fail("no memory");

	keep->mem = mem;
	list_append(&env->keepl, &keep->le, keep);

	return mem;
}


static char *vstr(struct env *env, const char *fmt, va_list ap)
{
	va_list copy;
	char *s;
	int n;

	if (!fmt)
		e2e_fail("no format");
	va_copy(copy, ap);
	n = vsnprintf(NULL, 0, fmt, copy);
	va_end(copy);

	s = env_keep(env, mem_zalloc((size_t)n + 1, NULL));
	vsnprintf(s, (size_t)n + 1, fmt, ap);

	return s;
}


char *env_str(struct env *env, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = vstr(env, fmt, ap);
	va_end(ap);

	return s;
}


char *env_path(struct env *env, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = vstr(env, fmt, ap);
	va_end(ap);

	return env_str(env, "%s/%s", env->dir, s);
}


char *env_data(struct env *env, const char *name)
{
	const char *dir = getenv("CPM_E2E_DATA");

	if (name[0] == '/')
		return env_str(env, "%s", name);
	if (!dir)
		e2e_fail("CPM_E2E_DATA is not set");

	return env_str(env, "%s/%s", dir, name);
}


uint64_t e2e_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}


void e2e_sleep(unsigned ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) != 0)
		;
}


void wait_start(struct wait *w, unsigned ms, const char *what)
{
	w->end = e2e_now() + (uint64_t)ms * (current ? current->scale : 1);
	w->turn = 0;
	w->what = what;
}


bool wait_quiet(struct wait *w)
{
	const uint64_t now = e2e_now();

	if (current)
		proc_check(current);
	if (current && now > current->end)
		e2e_fail("the test's time is over; waiting for %s", w->what);
	if (now > w->end)
		return false;

	/* look often at first: most things happen within a millisecond */
	if (w->turn++)
		e2e_sleep(w->turn < 20 ? 1 : TURN_MAX);

	return true;
}


bool wait_more(struct wait *w)
{
	if (!wait_quiet(w))
		e2e_fail("waited in vain for %s", w->what);

	return true;
}
