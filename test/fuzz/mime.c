/**
 * @file mime.c  Fuzz: multipart bodies, the parameters of a header
 *
 * The first line is the Content-Type, the rest the body.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_mime.h>
#include "fuzz.h"


struct seen {
	const char *bnd;          /* what stands between, without quotes    */
	struct pl all;
	const char *end;          /* of the part before                     */
	struct pl bodyv[MIME_PARTS_MAX];
	unsigned n;
};


/* A line of the body that is a delimiter, found in the plainest way */
static bool has_delim(const struct pl *body, const char *bnd)
{
	const size_t n = strlen(bnd);
	size_t i;

	for (i=0; i + 2 + n<=body->l; i++) {

		size_t j = i + 2 + n;

		if ((i && body->p[i - 1] != '\n') ||
		    memcmp(body->p + i, "--", 2) ||
		    memcmp(body->p + i + 2, bnd, n))
			continue;
		if (body->l - j >= 2 && !memcmp(body->p + j, "--", 2))
			j += 2;
		while (j < body->l && strchr(" \t", body->p[j]) &&
		       body->p[j])
			++j;
		if (j == body->l || body->p[j] == '\n' ||
		    (body->l - j >= 2 && !memcmp(body->p + j, "\r\n", 2)))
			return true;
	}

	return false;
}


static bool part_handler(const struct mime_part *part, void *arg)
{
	struct seen *seen = arg;

	fuzz_inside(&part->ctype, seen->all.p, seen->all.l);
	fuzz_inside(&part->cte, seen->all.p, seen->all.l);
	fuzz_inside(&part->disp, seen->all.p, seen->all.l);
	fuzz_inside(&part->cid, seen->all.p, seen->all.l);
	fuzz_inside(&part->body, seen->all.p, seen->all.l);

	CHECK(seen->n < MIME_PARTS_MAX);
	CHECK(!seen->end || !part->body.p || part->body.p >= seen->end);
	CHECK(!seen->bnd || !has_delim(&part->body, seen->bnd));
	if (part->body.p)
		seen->end = part->body.p + part->body.l;
	seen->bodyv[seen->n++] = part->body;

	return false;
}


static void param(const struct pl *val, const char *name)
{
	char *str = NULL;
	const int err = mime_param(&str, val, name);

	CHECK(err == 0 || err == ENOENT);
	CHECK(!err == (str != NULL));
	if (str)
		CHECK(strlen(str) <= 2 * val->l);
	mem_deref(str);
}


/* A beginning of the body has the same parts, but for the last one */
static void prefix(const struct pl *ctype, const struct seen *whole,
		   size_t len)
{
	struct mbuf *mb = fuzz_mbuf(whole->all.p, len);
	struct seen seen;
	unsigned i;
	int err;

	memset(&seen, 0, sizeof(seen));
	seen.all.p = (const char *)mb->buf;
	seen.all.l = len;
	err = mime_multipart(ctype, &seen.all, part_handler, &seen);
	CHECK(err == 0 || err == EBADMSG || err == EOVERFLOW);
	CHECK(seen.n <= whole->n + 1);
	for (i=0; i + 1<seen.n; i++)
		CHECK(seen.bodyv[i].l == whole->bodyv[i].l);
	mem_deref(mb);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	const struct pl line = fuzz_line(&in);
	struct mbuf *hd = fuzz_mbuf(line.p, line.l);
	struct mbuf *mb = fuzz_mbuf(in.p, in.l);
	const struct pl ctype = {(const char *)hd->buf, hd->end};
	struct fuzz_rnd rnd;
	struct seen seen;
	char *bnd = NULL;
	int err;

	param(&ctype, "filename");
	param(&ctype, "name");
	(void)mime_param(&bnd, &ctype, "boundary");
	/* what is plain enough to look for it in another way */
	if (bnd && (!*bnd || strpbrk(bnd, "\" \r\n*") ||
		    memchr(line.p, '*', line.l)))
		bnd = mem_deref(bnd);

	memset(&seen, 0, sizeof(seen));
	seen.bnd   = bnd;
	seen.all.p = (const char *)mb->buf;
	seen.all.l = mb->end;
	err = mime_multipart(&ctype, &seen.all, part_handler, &seen);
	CHECK(err == 0 || err == EBADMSG || err == EOVERFLOW);
	CHECK(err || seen.n > 0);

	fuzz_rnd_init(&rnd, data, size);
	if (!err && in.l)
		prefix(&ctype, &seen,
		       fuzz_rnd_next(&rnd, (uint32_t)in.l));

	mem_deref(bnd);
	mem_deref(mb);
	mem_deref(hd);

	return 0;
}
