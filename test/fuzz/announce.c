/**
 * @file announce.c  Fuzz: deferred lists and message summaries; the references
 *                   that are read are written and read again
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_announce.h>
#include "fuzz.h"


static void str_check(const char *str)
{
	CHECK(!str || (*str && strlen(str) <= ANNOUNCE_TEXT_MAX));
}


static void again(const struct announce_list *list)
{
	const char *refv[ANNOUNCE_ENTRIES_MAX];
	struct mbuf *mb = mbuf_alloc(64);
	struct announce_list *copy;
	size_t i;

	for (i=0; i<list->entryc; i++)
		refv[i] = list->entryv[i].reference;

	if (!list->entryc) {
		CHECK(announce_encode(mb, refv, 0) == EINVAL && !mb->end);
		mem_deref(mb);
		return;
	}

	CHECK(!announce_encode(mb, refv, list->entryc));
	if (mb->end <= ANNOUNCE_DOC_MAX) {
		CHECK(!announce_decode(&copy, mb->buf, mb->end));
		CHECK(copy->entryc == list->entryc && !copy->whole);
		for (i=0; i<list->entryc; i++)
			CHECK(fuzz_same(copy->entryv[i].reference, refv[i]));
		mem_deref(copy);
	}
	mem_deref(mb);
}


static void list_check(const struct announce_list *list)
{
	size_t i;

	CHECK(list->entryc <= ANNOUNCE_ENTRIES_MAX);
	for (i=0; i<list->entryc; i++) {
		const struct announce_entry *e = &list->entryv[i];

		CHECK(str_isset(e->reference));
		CHECK(strlen(e->reference) <= ANNOUNCE_REF_MAX);
		str_check(e->from);
		str_check(e->subject);
		str_check(e->date);
		str_check(e->expiry);
		CHECK((unsigned)e->mode <= ANNOUNCE_SESSION);
	}
	again(list);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct announce_list *list = NULL;
	bool waiting;
	int err;

	err = announce_decode(&list, mb->buf, size);
	CHECK(err == 0 || err == EBADMSG || err == EOVERFLOW);
	CHECK(!err == !!list);
	if (list)
		list_check(list);
	mem_deref(list);

	err = announce_summary(&waiting, mb->buf, size);
	CHECK(err == 0 || err == EBADMSG || err == EOVERFLOW);
	mem_deref(mb);

	return 0;
}
