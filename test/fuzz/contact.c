/**
 * @file contact.c  Fuzz: Accept-Contact and P-Asserted-Service, each line
 * one value
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "../../modules/cpm/engine/engine.h"
#include "fuzz.h"


enum {
	LINES    = 16,
	TAGS_ALL = TAG_SESSION | TAG_GROUP | TAG_LARGE | TAG_DEFERRED |
		   TAG_MSG,
};


/* What one value names, it names beside others as well */
static void beside(const struct pl *pl, unsigned tags)
{
	struct mbuf *mb = mbuf_alloc(pl->l + 64);
	struct pl two;

	(void)mbuf_printf(mb, "*;+sip.instance=\"a,b;c\";%r", pl);
	two.p = (const char *)mb->buf;
	two.l = mb->end;
	CHECK(tag_contact(&two) == tags);
	mem_deref(mb);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct fuzz_in in = {mb->buf, size};
	unsigned n;

	for (n=0; in.l && n<LINES; n++) {
		const struct pl line = fuzz_line(&in);
		struct mbuf *own = fuzz_mbuf(line.p, line.l);
		struct pl pl = {(const char *)own->buf, line.l};
		unsigned tags = tag_contact(&pl);

		CHECK(!(tags & ~(unsigned)TAGS_ALL));
		beside(&pl, tags);
		CHECK((tag_service(&pl) & tags) == tags);
		mem_deref(own);
	}
	mem_deref(mb);

	return 0;
}
