/**
 * @file cte.c  Fuzz: transfer encodings, whole and in pieces
 *
 * The first line names the encoding.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include "fuzz.h"


static void pieces(const struct pl *cte, const struct mbuf *whole, int err,
		   const uint8_t *data, size_t size, struct fuzz_rnd *rnd,
		   uint32_t most)
{
	struct mbuf *all = mbuf_alloc(size + CPIM_DEC_MORE);
	struct cpim_dec dec;
	size_t off = 0;
	int e = 0;

	CHECK(!cpim_dec_init(&dec, cte));
	do {
		const size_t left = size - off;
		const size_t want = (size_t)1 + fuzz_rnd_next(rnd, most);
		const size_t n = min(left, want);
		const bool end = off + n == size;
		struct mbuf *in = fuzz_mbuf(data + off, n);
		uint8_t *out = mem_alloc(n + CPIM_DEC_MORE, NULL);
		size_t outl = 0;

		e = cpim_dec_block(&dec, out, &outl, in->buf, n, end);
		CHECK(e == 0 || e == EBADMSG);
		off += n;
		if (!e) {
			CHECK(outl <= n + CPIM_DEC_MORE);
			(void)mbuf_write_mem(all, out, outl);
			CHECK(all->end <= off);
		}
		mem_deref(out);
		mem_deref(in);
	} while (!e && off < size);

	CHECK(e == err);
	if (!err) {
		CHECK(all->end == whole->end);
		CHECK(!memcmp(all->buf, whole->buf, all->end));
	}
	mem_deref(all);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size), *whole = NULL;
	struct fuzz_in in = {mb->buf, size};
	struct pl cte = fuzz_line(&in);
	struct fuzz_rnd rnd;
	struct mbuf *body = fuzz_mbuf(in.p, in.l);
	int err;

	err = cpim_body_decode(&whole, &cte, body->buf, in.l);
	CHECK(err == 0 || err == ENOTSUP || err == EBADMSG);
	if (err != ENOTSUP) {
		fuzz_rnd_init(&rnd, data, size);
		pieces(&cte, whole, err, in.p, in.l, &rnd, 1);
		pieces(&cte, whole, err, in.p, in.l, &rnd, 7);
		pieces(&cte, whole, err, in.p, in.l, &rnd, 1500);
	}

	mem_deref(whole);
	mem_deref(body);
	mem_deref(mb);

	return 0;
}
