/**
 * @file imdn.c  Fuzz: IMDN documents; what is written is read back
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_imdn.h>
#include "fuzz.h"


static void str_check(const char *str)
{
	CHECK(!str || strlen(str) <= IMDN_TEXT_MAX);
}


static void again(const struct imdn_doc *doc)
{
	const struct imdn_out out = {
		.message_id = doc->message_id,
		.datetime = doc->datetime,
		.recipient_uri = doc->recipient_uri,
		.original_recipient_uri = doc->original_recipient_uri,
		.kind = doc->kind,
		.status = doc->status,
	};
	struct mbuf *mb = mbuf_alloc(64);
	struct imdn_doc *copy;

	if (imdn_encode(mb, &out)) {
		CHECK(!mb->pos && !mb->end);
		mem_deref(mb);
		return;
	}

	CHECK(!imdn_decode(&copy, mb->buf, mb->end));
	CHECK(fuzz_same(copy->message_id, doc->message_id));
	CHECK(fuzz_same(copy->datetime, doc->datetime));
	CHECK(fuzz_same(copy->recipient_uri, doc->recipient_uri));
	CHECK(fuzz_same(copy->original_recipient_uri,
			doc->original_recipient_uri));
	CHECK(copy->kind == doc->kind && copy->status == doc->status);
	mem_deref(copy);
	mem_deref(mb);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct imdn_doc *doc = NULL;
	int err;

	err = imdn_decode(&doc, mb->buf, size);
	CHECK(err == 0 || err == ENODATA || err == EBADMSG ||
	      err == EOVERFLOW);
	if (!err) {
		CHECK(size <= IMDN_DOC_MAX);
		CHECK(str_isset(doc->message_id));
		str_check(doc->message_id);
		str_check(doc->datetime);
		str_check(doc->recipient_uri);
		str_check(doc->original_recipient_uri);
		str_check(doc->subject);
		(void)imdn_status_name(doc->status);
		again(doc);
	}
	else {
		CHECK(!doc);
	}

	mem_deref(doc);
	mem_deref(mb);

	return 0;
}
