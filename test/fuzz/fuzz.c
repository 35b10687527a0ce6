/**
 * @file fuzz.c  What the fuzz targets share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fuzz.h"


void fuzz_broken(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, cond);
	abort();
}


struct mbuf *fuzz_mbuf(const void *p, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len ? len : 1);

	CHECK(mb != NULL);
	if (len)
		memcpy(mb->buf, p, len);
	mb->end = len;

	return mb;
}


char *fuzz_str(const void *p, size_t len)
{
	const void *nul = len ? memchr(p, 0, len) : NULL;
	const size_t n = nul ? (size_t)((const char *)nul - (const char *)p)
		: len;
	char *str = mem_alloc(n + 1, NULL);

	CHECK(str != NULL);
	if (n)
		memcpy(str, p, n);
	str[n] = '\0';

	return str;
}


void fuzz_inside(const struct pl *pl, const void *p, size_t len)
{
	const uintptr_t a = (uintptr_t)p;
	const uintptr_t b = (uintptr_t)pl->p;

	if (!pl->p) {
		CHECK(!pl->l);
		return;
	}

	CHECK(b >= a);
	CHECK(pl->l <= len);
	CHECK(b - a <= len - pl->l);
}


bool fuzz_same(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;

	return !strcmp(a, b);
}


/* FNV-1a */
void fuzz_rnd_init(struct fuzz_rnd *rnd, const uint8_t *data, size_t size)
{
	size_t i;

	rnd->x = 0xcbf29ce484222325;
	for (i=0; i<size; i++)
		rnd->x = (rnd->x ^ data[i]) * 0x100000001b3;
}


uint32_t fuzz_rnd_next(struct fuzz_rnd *rnd, uint32_t below)
{
	rnd->x = rnd->x * 6364136223846793005 + 1442695040888963407;

	return below ? (uint32_t)(rnd->x >> 33) % below : 0;
}


uint8_t fuzz_take(struct fuzz_in *in)
{
	if (!in->l)
		return 0;

	--in->l;

	return *in->p++;
}


struct pl fuzz_line(struct fuzz_in *in)
{
	const void *lf = in->l ? memchr(in->p, '\n', in->l) : NULL;
	struct pl pl;

	pl.p = (const char *)in->p;
	pl.l = lf ? (size_t)((const uint8_t *)lf - in->p) : in->l;
	in->p += pl.l + (lf ? 1 : 0);
	in->l -= pl.l + (lf ? 1 : 0);

	return pl;
}
