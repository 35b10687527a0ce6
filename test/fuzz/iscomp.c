/**
 * @file iscomp.c  Fuzz: isComposing documents; what is written is read back
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_iscomp.h>
#include "fuzz.h"


static void again(const struct iscomp_doc *doc)
{
	struct mbuf *mb = mbuf_alloc(64);
	struct iscomp_doc copy;

	if (iscomp_encode(mb, doc)) {
		CHECK(!mb->pos && !mb->end);
		mem_deref(mb);
		return;
	}

	CHECK(!iscomp_decode(&copy, mb->buf, mb->end));
	CHECK(copy.state == doc->state && copy.refresh == doc->refresh);
	CHECK(!strcmp(copy.contenttype, doc->contenttype));
	CHECK(!strcmp(copy.lastactive, doc->lastactive));
	mem_deref(mb);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct iscomp_doc doc;
	int err;

	memset(&doc, 0xff, sizeof(doc));
	err = iscomp_decode(&doc, mb->buf, size);
	CHECK(err == 0 || err == ENODATA || err == EBADMSG ||
	      err == EOVERFLOW);
	if (!err) {
		CHECK(size <= ISCOMP_DOC_MAX);
		CHECK(doc.state == ISCOMP_IDLE || doc.state == ISCOMP_ACTIVE);
		CHECK(memchr(doc.contenttype, 0, sizeof(doc.contenttype)));
		CHECK(memchr(doc.lastactive, 0, sizeof(doc.lastactive)));
		CHECK(str_isset(iscomp_state_name(doc.state)));
		again(&doc);
	}
	mem_deref(mb);

	return 0;
}
