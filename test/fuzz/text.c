/**
 * @file text.c  Fuzz: text of strangers: made safe, cut, written as JSON in
 * pieces, and URIs of people made one
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/json.h"
#include "fuzz.h"


enum { SIZE_MAX_ = 40000 };


static void clean_check(const uint8_t *data, size_t size)
{
	struct mbuf *a = mbuf_alloc(64), *b = mbuf_alloc(64);
	size_t i;

	CHECK(!cpm_text_clean(a, data, size));
	for (i=0; i<a->end; i++)
		CHECK((a->buf[i] >= 0x20 || a->buf[i] == '\n' ||
		       a->buf[i] == '\t') && a->buf[i] != 0x7f);

	/* what is clean stays as it is */
	CHECK(!cpm_text_clean(b, a->buf, a->end));
	CHECK(a->end == b->end && !memcmp(a->buf, b->buf, a->end));
	mem_deref(a);
	mem_deref(b);
}


static void cut_check(const uint8_t *data, size_t size, struct fuzz_rnd *rnd)
{
	const size_t max = fuzz_rnd_next(rnd, (uint32_t)size + 2);
	const size_t n = cpm_text_cut(data, size, max);

	CHECK(n <= max && n <= size);
	CHECK(size > max || n == size);
	CHECK(size <= max || n + 3 >= max);
}


static void norm_check(const uint8_t *data, size_t size)
{
	const struct pl pl = {(const char *)data, size};
	struct pl again;
	char *one, *two;

	if (cpm_uri_norm(&one, &pl))
		return;

	pl_set_str(&again, one);
	CHECK(!cpm_uri_norm(&two, &again));
	CHECK(!strcmp(one, two) || strstr(one, ":506"));
	mem_deref(one);
	mem_deref(two);
}


static void json_write(char **bufp, size_t *sizep, const uint8_t *data,
		       size_t size, struct fuzz_rnd *rnd, uint32_t most)
{
	FILE *f = open_memstream(bufp, sizep);
	struct json *js;
	size_t off = 0;

	CHECK(f != NULL);
	CHECK(!json_alloc(&js));
	json_file(js, f);
	json_open(js);
	json_uint(js, "n", size);
	json_text_start(js, "text");
	while (off < size) {
		size_t n = most ? 1 + fuzz_rnd_next(rnd, most) : size;
		struct mbuf *in;

		n = min(n, size - off);
		in = fuzz_mbuf(data + off, n);
		json_text(js, in->buf, n);
		mem_deref(in);
		off += n;
	}
	json_text_end(js);
	json_bool(js, "b", true);
	json_close(js);
	CHECK(!js->err);
	mem_deref(js);
	CHECK(!fclose(f));
}


static void json_check(const uint8_t *data, size_t size, struct fuzz_rnd *rnd)
{
	struct mbuf *clean = mbuf_alloc(64);
	struct odict *o = NULL;
	size_t alen, blen;
	const char *text;
	char *a, *b;
	int err;

	json_write(&a, &alen, data, size, rnd, 0);
	json_write(&b, &blen, data, size, rnd, 9000);
	CHECK(alen == blen && !memcmp(a, b, alen));

	/* a reader finds the same text */
	CHECK(!cpm_text_clean(clean, data, size));
	err = json_decode_odict(&o, 16, a, alen, 4);
	CHECK(!err);
	text = odict_string(o, "text");
	CHECK(text && strlen(text) == clean->end &&
	      !memcmp(text, clean->buf, clean->end));

	mem_deref(o);
	mem_deref(clean);
	free(a);
	free(b);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct fuzz_rnd rnd;

	if (size <= SIZE_MAX_) {
		fuzz_rnd_init(&rnd, data, size);
		clean_check(mb->buf, size);
		cut_check(mb->buf, size, &rnd);
		norm_check(mb->buf, size);
		json_check(mb->buf, size, &rnd);
	}
	mem_deref(mb);

	return 0;
}
