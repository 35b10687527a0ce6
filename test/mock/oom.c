/**
 * @file oom.c  Memory that runs out when told to
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <expat.h>
#include <sqlite3.h>
#include <cpm_re.h>
#include "mock/oom.h"
#include "mock/store_fail.h"


/* the program's other parts are built with hidden symbols */
#define PUBLIC __attribute__((visibility("default")))

enum { BLOCK_MAGIC = 0x6f6f6d21 };

/* In front of each of libre's blocks */
struct block {
	_Alignas(max_align_t) atomic_size_t nrefs;
	mem_destroy_h *dh;
	unsigned magic;
};

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *str);
char *__real_strndup(const char *str, size_t n);
DIR *__real_opendir(const char *name);
DIR *__real_fdopendir(int fd);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__real_fdopen(int fd, const char *mode);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*h)(void *), void *arg);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *str);
char *__wrap_strndup(const char *str, size_t n);
DIR *__wrap_opendir(const char *name);
DIR *__wrap_fdopendir(int fd);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*h)(void *), void *arg);
XML_Parser __wrap_XML_ParserCreateNS(const XML_Char *enc, XML_Char sep);

static atomic_bool armed;
static atomic_uint counted, failed;
static unsigned fail_at;
static bool fail_on;
static atomic_size_t live_re, live_db, live_xml;
static sqlite3_mem_methods db_real;


/*
 * Which one fails
 */

static bool fails(void)
{
	unsigned n;

	if (!armed)
		return false;

	n = atomic_fetch_add(&counted, 1) + 1;
	if (!fail_at || n < fail_at || (n > fail_at && !fail_on))
		return false;

	atomic_fetch_add(&failed, 1);
	errno = ENOMEM;

	return true;
}


void oom_arm(unsigned at, bool on)
{
	fail_at = at;
	fail_on = on;
	counted = failed = 0;
	armed = true;
}


unsigned oom_disarm(void)
{
	armed = false;

	return failed;
}


unsigned oom_count(void)
{
	return counted;
}


struct oom_live oom_live(void)
{
	return (struct oom_live){live_re, live_db, live_xml};
}


/*
 * libre: the contract of re_mem.h
 */

static struct block *block_of(void *data)
{
	struct block *b = (struct block *)data - 1;

	if (b->magic != BLOCK_MAGIC)
		abort();

	return b;
}


PUBLIC void *mem_alloc(size_t size, mem_destroy_h *dh)
{
	struct block *b = fails() ? NULL : __real_malloc(sizeof(*b) + size);

	if (!b)
		return NULL;

	b->nrefs = 1;
	b->dh    = dh;
	b->magic = BLOCK_MAGIC;
	++live_re;

	return b + 1;
}


PUBLIC void *mem_zalloc(size_t size, mem_destroy_h *dh)
{
	void *p = mem_alloc(size, dh);

	return p ? memset(p, 0, size) : NULL;
}


PUBLIC void *mem_realloc(void *data, size_t size)
{
	struct block *b;

	if (!data)
		return NULL;

	b = block_of(data);
	if (fails())
		return NULL;

	b = __real_realloc(b, sizeof(*b) + size);

	return b ? b + 1 : NULL;
}


PUBLIC void *mem_reallocarray(void *ptr, size_t n, size_t size,
			      mem_destroy_h *dh)
{
	if (size && n > SIZE_MAX / 2 / size)
		return NULL;

	return ptr ? mem_realloc(ptr, n * size) : mem_alloc(n * size, dh);
}


PUBLIC void *mem_ref(void *data)
{
	if (data)
		++block_of(data)->nrefs;

	return data;
}


PUBLIC void *mem_deref(void *data)
{
	struct block *b;

	if (!data)
		return NULL;

	b = block_of(data);
	if (!b->nrefs)
		abort();
	if (--b->nrefs)
		return NULL;

	if (b->dh)
		b->dh(data);
	/* libre lets a destructor take it back */
	if (b->nrefs)
		return NULL;

	b->magic = 0;
	--live_re;
	free(b);

	return NULL;
}


PUBLIC uint32_t mem_nrefs(const void *data)
{
	return data ? (uint32_t)((const struct block *)data - 1)->nrefs : 0;
}


/*
 * The C library, as our objects call it
 */

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}


void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}


void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}


char *__wrap_strdup(const char *str)
{
	return fails() ? NULL : __real_strdup(str);
}


char *__wrap_strndup(const char *str, size_t n)
{
	return fails() ? NULL : __real_strndup(str, n);
}


DIR *__wrap_opendir(const char *name)
{
	return fails() ? NULL : __real_opendir(name);
}


DIR *__wrap_fdopendir(int fd)
{
	return fails() ? NULL : __real_fdopendir(fd);
}


FILE *__wrap_fopen(const char *path, const char *mode)
{
	return fails() ? NULL : __real_fopen(path, mode);
}


FILE *__wrap_fdopen(int fd, const char *mode)
{
	return fails() ? NULL : __real_fdopen(fd, mode);
}


int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*h)(void *), void *arg)
{
	return fails() ? EAGAIN
		: __real_pthread_create(thread, attr, h, arg);
}


/*
 * Expat
 */

static void *xml_malloc(size_t size)
{
	void *p = fails() ? NULL : __real_malloc(size);

	live_xml += p != NULL;

	return p;
}


static void *xml_realloc(void *old, size_t size)
{
	void *p = fails() ? NULL : __real_realloc(old, size);

	live_xml += p && !old;

	return p;
}


static void xml_free(void *p)
{
	live_xml -= p != NULL;
	free(p);
}


XML_Parser __wrap_XML_ParserCreateNS(const XML_Char *enc, XML_Char sep)
{
	static const XML_Memory_Handling_Suite suite = {
		xml_malloc, xml_realloc, xml_free
	};
	const XML_Char sepv[2] = {sep, 0};

	return XML_ParserCreate_MM(enc, &suite, sepv);
}


/*
 * SQLite
 */

static void *db_malloc(int size)
{
	void *p = fails() ? NULL : db_real.xMalloc(size);

	live_db += p != NULL;

	return p;
}


static void *db_realloc(void *old, int size)
{
	return fails() ? NULL : db_real.xRealloc(old, size);
}


static void db_free(void *p)
{
	live_db -= p != NULL;
	db_real.xFree(p);
}


int oom_install(void)
{
	sqlite3_mem_methods methods;
	int rc = sqlite3_shutdown();

	if (!rc)
		rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &db_real);

	methods = db_real;
	methods.xMalloc  = db_malloc;
	methods.xRealloc = db_realloc;
	methods.xFree    = db_free;
	if (!rc)
		rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
	/* else small ones would come from a store of its own, and never fail */
	if (!rc)
		rc = sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);

	if (!rc)
		rc = sqlite3_initialize();
	if (rc)
		return rc;

	/* thousands of rounds need no disk: what is lost with the power is
	   the matter of other tests */
	store_fail_install();
	store_fail_set(STORE_FAIL_SYNC, SQLITE_OK);

	return 0;
}
