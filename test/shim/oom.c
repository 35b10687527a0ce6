/**
 * @file shim/oom.c  Memory runs out for the module, in the real softphone
 *
 * Loaded before libre (LD_PRELOAD), in front of its mem_alloc(), mem_zalloc()
 * and mem_realloc(), which libre itself calls in the same way. An allocation
 * is the module's if, from the innermost frame outwards, the first one that is
 * neither of libre nor of the C library belongs to cpm.so: so what libre
 * takes on behalf of the module counts, and what the softphone and its other
 * modules take does not, also when the module has called them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cpm_re.h>
#include "shim/oom.h"


#define PUBLIC __attribute__((visibility("default")))

enum { FRAMES = 40 };

static struct oom_shared *shared;
static void *(*real_alloc)(size_t size, mem_destroy_h *dh);
static void *(*real_zalloc)(size_t size, mem_destroy_h *dh);
static void *(*real_realloc)(void *data, size_t size);


static void *next(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		abort();

	return p;
}


__attribute__((constructor))
static void start(void)
{
	const char *path = getenv(OOM_FILE);
	void *framev[1], *p;
	int fd;

	real_alloc   = (void *(*)(size_t, mem_destroy_h *))next("mem_alloc");
	real_zalloc  = (void *(*)(size_t, mem_destroy_h *))next("mem_zalloc");
	real_realloc = (void *(*)(void *, size_t))next("mem_realloc");
	/* the first use loads a library */
	(void)backtrace(framev, 1);

	fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;

	p = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	(void)close(fd);
	if (p != MAP_FAILED)
		shared = p;
}


/* Those between the module and an allocation */
static bool is_passage(const char *file)
{
	static const char *const namev[] = {
		"/libre.so", "/libc.so", "/oom.so", "/libasan.so",
		"/libubsan.so", "/libsqlite3.so",
	};
	size_t i;

	for (i=0; i<ARRAY_SIZE(namev); i++) {
		if (strstr(file, namev[i]))
			return true;
	}

	return false;
}


static bool is_ours(void *const *framev, int n)
{
	int i;

	for (i=1; i<n; i++) {
		Dl_info info;

		if (!dladdr(framev[i], &info) || !info.dli_fname)
			return false;
		if (strstr(info.dli_fname, "/cpm.so"))
			return true;
		if (!is_passage(info.dli_fname))
			return false;
	}

	return false;
}


static bool fails(void)
{
	void *framev[FRAMES];
	unsigned n;
	int c;

	if (!shared || !shared->armed)
		return false;

	c = backtrace(framev, FRAMES);
	if (!is_ours(framev, c))
		return false;

	n = atomic_fetch_add(&shared->counted, 1) + 1;
	if (!shared->at || n < shared->at || (n > shared->at && !shared->on))
		return false;

	atomic_fetch_add(&shared->failed, 1);
	if (getenv(OOM_TRACE))
		backtrace_symbols_fd(framev, c, STDERR_FILENO);

	return true;
}


PUBLIC void *mem_alloc(size_t size, mem_destroy_h *dh)
{
	return fails() ? NULL : real_alloc(size, dh);
}


PUBLIC void *mem_zalloc(size_t size, mem_destroy_h *dh)
{
	return fails() ? NULL : real_zalloc(size, dh);
}


PUBLIC void *mem_realloc(void *data, size_t size)
{
	return fails() ? NULL : real_realloc(data, size);
}
