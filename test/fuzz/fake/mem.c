/**
 * @file mem.c  Blocks with a count of references, as in re_mem.h, that are
 * counted, and that fail when told to
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include "../fuzz.h"
#include "fake.h"


enum { MAGIC = 0x66616b65 };

struct block {
	_Alignas(max_align_t) size_t size;
	mem_destroy_h *dh;
	uint32_t nrefs;
	uint32_t magic;
};

static size_t blocks, bytes;
static unsigned fail_in;
static bool fail_on, held;


static bool fails(void)
{
	if (held || !fail_in)
		return false;

	if (fail_in > 1) {
		--fail_in;
		return false;
	}
	if (!fail_on)
		fail_in = 0;

	return true;
}


void fake_mem_fail(unsigned n, bool on)
{
	fail_in = n;
	fail_on = on;
}


void fake_mem_hold(bool hold)
{
	held = hold;
}


size_t fake_mem_blocks(void)
{
	return blocks;
}


size_t fake_mem_bytes(void)
{
	return bytes;
}


static struct block *block_of(const void *data)
{
	struct block *b = (struct block *)(uintptr_t)data - 1;

	CHECK(b->magic == MAGIC && b->nrefs);

	return b;
}


void *mem_alloc(size_t size, mem_destroy_h *dh)
{
	struct block *b = fails() ? NULL : malloc(sizeof(*b) + size);

	if (!b)
		return NULL;

	b->size = size;
	b->dh = dh;
	b->nrefs = 1;
	b->magic = MAGIC;
	++blocks;
	bytes += size;

	return b + 1;
}


void *mem_zalloc(size_t size, mem_destroy_h *dh)
{
	void *p = mem_alloc(size, dh);

	if (p)
		memset(p, 0, size);

	return p;
}


void *mem_realloc(void *data, size_t size)
{
	struct block *b;

	if (!data || fails())
		return NULL;

	b = block_of(data);
	bytes = bytes - b->size + size;
	b = realloc(b, sizeof(*b) + size);
	CHECK(b != NULL);
	b->size = size;

	return b + 1;
}


void *mem_reallocarray(void *ptr, size_t nmemb, size_t membsize,
		       mem_destroy_h *dh)
{
	if (membsize && nmemb > SIZE_MAX / membsize)
		return NULL;

	return ptr ? mem_realloc(ptr, nmemb * membsize)
		: mem_alloc(nmemb * membsize, dh);
}


void *mem_ref(void *data)
{
	if (data)
		++block_of(data)->nrefs;

	return data;
}


void *mem_deref(void *data)
{
	struct block *b;

	if (!data)
		return NULL;

	b = block_of(data);
	if (b->nrefs > 1) {
		--b->nrefs;
		return NULL;
	}

	/* a destructor that takes a reference revives its block: libre's own
	   do, ours must not, and nothing of libre's that does is played */
	if (b->dh)
		b->dh(data);
	CHECK(b->nrefs == 1);
	--blocks;
	bytes -= b->size;
	b->magic = 0;
	free(b);

	return NULL;
}


uint32_t mem_nrefs(const void *data)
{
	return data ? block_of(data)->nrefs : 0;
}
