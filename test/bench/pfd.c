/**
 * @file pfd.c  The PF of the end-to-end tests, for who sends
 *
 * Nobody is registered there: it keeps what comes, and says so when that is
 * on the disk. What it prints goes to a file, so that it waits for nobody.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench.h"


enum {
	LATE  = 120,   /* s without anything: something is broken           */
	LOOK  = 500,   /* us between two looks                              */
	USERS = 16,
};


static void __attribute__((noreturn))
run(const struct bench *b, const struct pfd *d, int in)
{
	const char *argv[16 + 2 * USERS] = {b->pf, "--listen", "127.0.0.1:0",
		"--domain", "bench.test", "--no-auth", "--keep", "--db", NULL,
		"--user", "alice:secret"};
	static char db[300], userv[USERS][16];
	size_t n = 11, i;

	snprintf(db, sizeof(db), "%s/pf.db", d->dir);
	argv[8] = db;
	for (i=0; i<USERS; i++) {
		snprintf(userv[i], sizeof(userv[i]), "bob%zu:x", i);
		argv[n++] = "--user";
		argv[n++] = userv[i];
	}
	argv[n] = NULL;

	place_receiver(PLACE_FREE);
	(void)dup2(in, 0);
	(void)dup2(d->out, 1);
	(void)dup2(d->out, 2);
	execv(b->pf, (char *const *)argv);
	_exit(127);
}


static void line(struct pfd *d)
{
	unsigned port;

	d->line[d->linel] = '\0';
	d->linel = 0;
	if (sscanf(d->line, "ready sip=127.0.0.1:%u", &port) == 1)
		d->port = (uint16_t)port;
	else if (!strncmp(d->line, "kept ", 5))
		++d->kept;
	else if (!strncmp(d->line, "error ", 6))
		die("pf: %s", d->line);
}


/* @return false if there was nothing more */
static bool look(struct pfd *d)
{
	char buf[65536];
	ssize_t n = read(d->out, buf, sizeof(buf)), i;

	for (i=0; i<n; i++) {
		if (buf[i] == '\n')
			line(d);
		else if (d->linel < sizeof(d->line) - 1)
			d->line[d->linel++] = buf[i];
	}

	return n > 0;
}


void pfd_start(struct pfd *d, const struct bench *b)
{
	char log[300];
	int fdv[2], in;
	double t0;

	memset(d, 0, sizeof(*d));
	if (mkdir(run_folder(b, d->dir, sizeof(d->dir)), 0700))
		die("%s: %s", d->dir, strerror(errno));
	snprintf(log, sizeof(log), "%s/log", d->dir);
	in = open(log, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
	d->out = open(log, O_RDONLY | O_CLOEXEC);
	if (in < 0 || d->out < 0 || pipe2(fdv, O_CLOEXEC))
		die("%s: %s", log, strerror(errno));

	d->pid = child();
	if (!d->pid) {
		struct pfd me = *d;

		me.out = in;
		run(b, &me, fdv[0]);
	}
	close(in);
	close(fdv[0]);
	d->in = fdv[1];

	for (t0 = now(); !d->port; usleep(LOOK)) {
		(void)look(d);
		if (now() - t0 > LATE)
			die("pf does not start");
	}
}


void pfd_stop(struct pfd *d)
{
	close(d->in);
	close(d->out);
	kill(d->pid, SIGTERM);
	(void)child_wait(d->pid);
	folder_remove(d->dir);
}


double pfd_wait(struct pfd *d, uint32_t count)
{
	double t = now();

	while (d->kept < count) {
		const uint32_t before = d->kept;

		if (!look(d))
			usleep(LOOK);
		if (d->kept != before)
			t = now();
		if (now() - t > LATE)
			die("pf has kept %u of %u", d->kept, count);
	}

	return now();
}
