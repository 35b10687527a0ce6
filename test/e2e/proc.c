/**
 * @file proc.c  Child processes: start, lines, end
 *
 * Output goes to files and is read from there, so that a program never waits
 * for the test to read, and everything is there to be shown on failure.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "e2e.h"


enum { POLITE = 2000 };       /* ms for a program that may be killed */

struct line {
	struct le le;
	char *text;
};


static void line_destructor(void *arg)
{
	struct line *line = arg;

	list_unlink(&line->le);
	mem_deref(line->text);
}


static void proc_destructor(void *arg)
{
	struct proc *p = arg;

	list_unlink(&p->le);
	list_flush(&p->linel);
	mem_deref(p->part);
	if (p->in >= 0)
		close(p->in);
	if (p->rfd >= 0)
		close(p->rfd);
}


static void child_file(int fd, const char *path, int flags)
{
	const int file = open(path, flags, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(126);
	close(file);
}


static void child_run(const struct proc *p, const struct proc_args *args,
		      int in, pid_t parent)
{
	const int create = O_WRONLY | O_CREAT | O_APPEND;
	size_t i;

	/* own group: its children can be killed with it. If the test dies
	   without a word, it dies as well */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, args->deathsig ? args->deathsig : SIGKILL);
	if (getppid() != parent)
		_exit(126);

	if (in >= 0)
		dup2(in, STDIN_FILENO);
	else
		child_file(STDIN_FILENO, "/dev/null", O_RDONLY);
	child_file(STDOUT_FILENO, p->log, create);
	if (p->err[0])
		child_file(STDERR_FILENO, p->err, create);
	else
		dup2(STDOUT_FILENO, STDERR_FILENO);

	signal(SIGPIPE, SIG_DFL);
	if (chdir(args->dir ? args->dir : p->env->dir))
		_exit(126);
	for (i=0; args->envv && args->envv[i]; i++)
		(void)putenv((char *)args->envv[i]);

	execvp(args->argv[0], (char *const *)args->argv);
	fprintf(stderr, "cannot run %s: %s\n", args->argv[0],
		strerror(errno));
	_exit(127);
}


static struct proc *proc_alloc(struct env *env, const struct proc_args *args)
{
	struct proc *p = mem_zalloc(sizeof(*p), proc_destructor);
	unsigned n = 0;
	struct le *le;

	if (!p)
		e2e_fail("no memory");

	for (le = env->procl.head; le; le = le->next) {
		const struct proc *other = le->data;
		const size_t len = strlen(args->name);

		if (!strncmp(other->name, args->name, len) &&
		    (!other->name[len] || other->name[len] == '.'))
			++n;
	}
	if (n)
		snprintf(p->name, sizeof(p->name), "%s.%u", args->name, n + 1);
	else
		snprintf(p->name, sizeof(p->name), "%s", args->name);

	snprintf(p->log, sizeof(p->log), "%s/%s.log", env->dir, p->name);
	if (args->apart)
		snprintf(p->err, sizeof(p->err), "%s/%s.err", env->dir,
			 p->name);
	p->env = env;
	p->in = p->rfd = -1;
	list_append(&env->procl, &p->le, p);

	return p;
}


struct proc *proc_start(struct env *env, const struct proc_args *args)
{
	struct proc *p = proc_alloc(env, args);
	const pid_t parent = getpid();
	int inv[2] = {-1, -1};

	if (args->input && pipe2(inv, O_CLOEXEC))
		e2e_fail("no pipe: %s", strerror(errno));
	p->rfd = open(p->log, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (p->rfd < 0)
		e2e_fail("cannot open %s: %s", p->log, strerror(errno));

	fflush(NULL);
	p->pid = fork();
	if (p->pid < 0)
		e2e_fail("cannot fork: %s", strerror(errno));
	if (!p->pid)
		child_run(p, args, inv[0], parent);

	/* both sides do it: whoever comes first */
	setpgid(p->pid, p->pid);
	if (inv[0] >= 0)
		close(inv[0]);
	p->in = inv[1];

	return p;
}


void proc_put(struct proc *p, const char *line)
{
	const size_t len = strlen(line);
	char *s = mem_zalloc(len + 2, NULL);
	size_t pos = 0;

	if (!s || p->in < 0)
		e2e_fail("%s takes no input", p->name);

	memcpy(s, line, len);
	s[len] = '\n';
	while (pos < len + 1) {
		const ssize_t n = write(p->in, s + pos, len + 1 - pos);

		if (n < 0 && errno != EINTR) {
			mem_deref(s);
			e2e_fail("%s does not read: %s", p->name,
				 strerror(errno));
		}
		pos += n > 0 ? (size_t)n : 0;
	}
	mem_deref(s);
}


static char *join(const struct proc *p, const char *text)
{
	char *all = NULL;

	if (re_sdprintf(&all, "%s%s", p->part ? p->part : "", text))
		e2e_fail("no memory");

	return all;
}


/* A line is complete when its end has come, maybe with a later read */
static void take_text(struct proc *p, char *at)
{
	char *end, *part;

	while ((end = strchr(at, '\n')) != NULL) {
		struct line *line = mem_zalloc(sizeof(*line),
					       line_destructor);

		if (!line)
			e2e_fail("no memory");
		*end = '\0';
		line->text = join(p, at);
		list_append(&p->linel, &line->le, line);
		p->part = mem_deref(p->part);
		at = end + 1;
	}

	if (*at) {
		part = join(p, at);
		mem_deref(p->part);
		p->part = part;
	}
}


/* Take over what is new in the log */
static void read_lines(struct proc *p)
{
	char buf[16384];
	ssize_t n;

	while ((n = read(p->rfd, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		take_text(p, buf);
	}
}


static const char *take_line(struct proc *p, const regex_t *re)
{
	struct le *le;

	for (le = p->linel.head; le; le = le->next) {
		struct line *line = le->data;

		if (!regexec(re, line->text, 0, NULL, 0)) {
			list_unlink(&line->le);
			env_keep(p->env, line);
			return line->text;
		}
	}

	return NULL;
}


const char *proc_try_line(struct proc *p, const char *regex, unsigned ms)
{
	const char *text = NULL;
	struct wait w;
	regex_t re;

	if (regcomp(&re, regex, REG_EXTENDED | REG_NOSUB))
		e2e_fail("bad expression %s", regex);

	wait_start(&w, ms, regex);
	while (wait_quiet(&w)) {
		const bool alive = proc_alive(p);

		read_lines(p);
		text = take_line(p, &re);
		if (text || !alive)
			break;
	}
	regfree(&re);

	return text;
}


const char *proc_line(struct proc *p, const char *regex, unsigned ms)
{
	const char *text = proc_try_line(p, regex, ms);

	if (!text)
		e2e_fail("no line \"%s\" from %s%s", regex, p->name,
			 p->done ? ", which has ended" : "");

	return text;
}


void proc_skip(struct proc *p)
{
	read_lines(p);
	list_flush(&p->linel);
}


/* The zombie stays, so that neither pid nor group can become another's */
bool proc_alive(struct proc *p)
{
	siginfo_t si = {.si_pid = 0};

	if (p->done || waitid(P_PID, (id_t)p->pid, &si,
			      WEXITED | WNOHANG | WNOWAIT) || !si.si_pid)
		return !p->done;

	p->done = true;
	if (si.si_code == CLD_EXITED)
		p->status = si.si_status;
	else
		p->sig = si.si_status;

	return false;
}


int proc_wait(struct proc *p, unsigned ms)
{
	struct wait w;

	wait_start(&w, ms, "the end of a program");
	while (proc_alive(p))
		if (!wait_quiet(&w))
			e2e_fail("%s, pid %d, does not end", p->name,
				 (int)p->pid);
	proc_check(p->env);

	return p->sig ? 128 + p->sig : p->status;
}


void proc_signal(struct proc *p, int sig)
{
	if (!proc_alive(p))
		return;

	p->doom = sig;
	(void)kill(p->pid, sig);
}


int proc_stop(struct proc *p)
{
	proc_signal(p, SIGTERM);

	return proc_wait(p, E2E_STOP);
}


void proc_kill(struct proc *p)
{
	if (p->reaped)
		return;

	if (proc_alive(p))
		p->doom = SIGKILL;
	(void)kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	p->reaped = p->done = true;

	/* a test may have thousands of them */
	read_lines(p);
	close(p->rfd);
	if (p->in >= 0)
		close(p->in);
	p->rfd = p->in = -1;
}


void proc_end(struct proc *p)
{
	struct wait w;

	proc_signal(p, SIGTERM);
	wait_start(&w, POLITE, p->name);
	while (proc_alive(p) && wait_quiet(&w))
		;
	proc_kill(p);
}


void proc_check(struct env *env)
{
	struct le *le;

	for (le = env->procl.head; le; le = le->next) {
		struct proc *p = le->data;

		if (!proc_alive(p) && p->sig && p->sig != p->doom)
			e2e_fail("%s, pid %d, died of signal %d", p->name,
				 (int)p->pid, p->sig);
	}
}
