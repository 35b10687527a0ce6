/**
 * @file fds.c  More descriptors than libre's table has room for
 *
 * libre 1.x and 2.0 poll as many descriptors as select() could: 1,024, and
 * refuse any with a higher number. The size is set once, before the first is
 * polled, which is long before a module is loaded. But the table can be given
 * up and made anew, and fd_debug() says what is in it: it is taken down,
 * made larger, and filled again with what was there. All through libre's
 * public calls; if anything is not as it should be nothing is touched.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  /* open_memstream() */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "glue.h"


/* As fd_debug() says it */
struct entry {
	int fd;
	unsigned flags;
	void *fh;
	void *arg;
};

struct table {
	int size;
	int method;
	int used;             /* highest number + 1                          */
	struct entry *entryv;
	size_t entryc;
};


static int number_after(int *np, const char *text, const char *name)
{
	const char *p = text ? strstr(text, name) : NULL;

	return p && sscanf(p + strlen(name), " %d", np) == 1 ? 0 : ENOTSUP;
}


/* Size and method. "maxfds:  1024", "nfds:    17", "method:  3 (epoll)" */
static int table_size(struct table *t)
{
	char *text = NULL;
	int err;

	err = re_sdprintf(&text, "%H", re_debug, NULL);
	if (!err)
		err = number_after(&t->size, text, "maxfds:");
	if (!err)
		err = number_after(&t->used, text, " nfds:");
	if (!err)
		err = number_after(&t->method, text, "method:");
	mem_deref(text);

	return err;
}


static int entry_add(struct table *t, const char *line)
{
	struct entry e, *v;

	/* "fd 5 in use: flags=1 fh=0x7f00 arg=0x5600" */
	if (sscanf(line, "fd %d in use: flags=%x fh=%p arg=%p", &e.fd,
		   &e.flags, &e.fh, &e.arg) != 4 ||
	    e.fd < 0 || e.fd >= t->used || !e.fh || !e.flags ||
	    e.flags & ~(unsigned)(FD_READ | FD_WRITE | FD_EXCEPT))
		return ENOTSUP;

	v = mem_reallocarray(t->entryv, t->entryc + 1, sizeof(e), NULL);
	if (!v)
		return ENOMEM;

	t->entryv = v;
	v[t->entryc++] = e;

	return 0;
}


/* What is polled. libre prints to stderr, which is ours for the moment */
static int table_read(struct table *t)
{
	char *text = NULL, *line, *save = NULL;
	FILE *own = stderr, *f;
	size_t size;
	int err = 0;

	f = open_memstream(&text, &size);
	if (!f)
		return ENOMEM;
	stderr = f;
	fd_debug();
	stderr = own;
	if (fclose(f))
		err = ENOMEM;

	line = err ? NULL : strtok_r(text, "\n", &save);
	for (; line && !err; line = strtok_r(NULL, "\n", &save))
		err = entry_add(t, line);
	free(text);

	return err;
}


/* fd_setsize(0) prints the table to stderr: nobody wants to see that */
static void table_drop(void)
{
	FILE *own = stderr, *f = fopen("/dev/null", "w");

	if (f)
		stderr = f;
	(void)fd_setsize(0);
	stderr = own;
	if (f)
		(void)fclose(f);
}


static int table_make(const struct table *t, int size)
{
	size_t i;
	int err;

	err = fd_setsize(size);
	if (!err)
		err = poll_method_set((enum poll_method)t->method);

	for (i=0; i<t->entryc && !err; i++) {
		const struct entry *e = &t->entryv[i];
		fd_h *fh;

		memcpy(&fh, &e->fh, sizeof(fh));
		err = fd_listen(e->fd, (int)e->flags, fh, e->arg);
	}

	return err;
}


static int table_grow(int size)
{
	struct table t = {.entryv = NULL};
	int err;

	err = table_size(&t);
	if (err || t.size >= size)
		return err;
#ifdef HAVE_RE_ARG
	/* a libre that knows more is told by its own softphone */
	return ENOTSUP;
#endif

	err = table_read(&t);
	if (err)
		goto out;

	table_drop();
	err = table_make(&t, size);
	if (err) {
		table_drop();
		(void)table_make(&t, t.size);
	}
 out:
	mem_deref(t.entryv);

	return err;
}


/**
 * Make room for that many descriptors: in libre, and in what the system
 * allows this process
 *
 * @return 0; EMFILE: the system does not allow so many; ENOTSUP: this libre
 *         cannot be told; ENOMEM
 */
int fds_grow(unsigned count)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return errno;
	if (rl.rlim_max < count)
		return EMFILE;

	if (rl.rlim_cur < count) {
		rl.rlim_cur = count;
		if (setrlimit(RLIMIT_NOFILE, &rl))
			return errno;
	}

	return table_grow((int)count);
}
