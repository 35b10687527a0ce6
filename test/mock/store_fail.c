/**
 * @file store_fail.c  A disk that fails when told to: SQLite's own, with the
 * calls that read and write replaced
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sqlite3.h>
#include "mock/store_fail.h"


/* SQLite has a few tables of methods, one a way of locking */
enum { TABLES = 8 };

struct table {
	sqlite3_io_methods methods;  /* first: files point here */
	const sqlite3_io_methods *orig;
};

static sqlite3_vfs *real;
static sqlite3_vfs vfs;
static struct table tablev[TABLES];
static atomic_uint fail_ops;
static atomic_int fail_rc;
static atomic_uint fail_left;
static atomic_bool fail_hit;


static const sqlite3_io_methods *orig(const sqlite3_file *f)
{
	return ((const struct table *)f->pMethods)->orig;
}


static bool fails(unsigned op)
{
	unsigned left = fail_left;

	if (!(fail_ops & op))
		return false;

	while (left) {
		if (atomic_compare_exchange_weak(&fail_left, &left, left - 1))
			return false;
	}

	fail_hit = true;
	if (fail_rc == STORE_FAIL_DIE)
		(void)raise(SIGKILL);
	if (fail_rc != STORE_FAIL_HOLD)
		return true;

	while (fail_ops & op)
		(void)poll(NULL, 0, 1);

	return false;
}


static int fail_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 o)
{
	if (fails(STORE_FAIL_WRITE))
		return fail_rc;

	return orig(f)->xWrite(f, p, n, o);
}


static int fail_read(sqlite3_file *f, void *p, int n, sqlite3_int64 o)
{
	if (fails(STORE_FAIL_READ))
		return fail_rc;

	return orig(f)->xRead(f, p, n, o);
}


static int fail_sync(sqlite3_file *f, int flags)
{
	if (fails(STORE_FAIL_SYNC))
		return fail_rc;

	return orig(f)->xSync(f, flags);
}


static int fail_open(sqlite3_vfs *v, const char *name, sqlite3_file *f,
		     int flags, int *out)
{
	const int rc = real->xOpen(real, name, f, flags, out);
	size_t i;
	(void)v;

	for (i=0; i<TABLES && rc == SQLITE_OK && f->pMethods; i++) {
		struct table *t = &tablev[i];

		if (!t->orig) {
			t->orig = f->pMethods;
			t->methods = *t->orig;
			t->methods.xWrite = fail_write;
			t->methods.xSync = fail_sync;
			t->methods.xRead = fail_read;
		}
		if (t->orig == f->pMethods) {
			f->pMethods = &t->methods;
			break;
		}
	}

	return rc;
}


void store_fail_install(void)
{
	if (real)
		return;

	real = sqlite3_vfs_find(NULL);
	vfs = *real;
	vfs.zName = "store_fail";
	vfs.xOpen = fail_open;
	(void)sqlite3_vfs_register(&vfs, 1);
}


void store_fail_after(unsigned ops, int rc, unsigned left)
{
	fail_ops  = 0;
	fail_rc   = rc;
	fail_left = left;
	fail_hit  = false;
	fail_ops  = ops;
}


void store_fail_set(unsigned ops, int rc)
{
	store_fail_after(ops, rc, 0);
}


bool store_fail_hit(void)
{
	return fail_hit;
}
