/**
 * @file announce/encode.c  Which ones we want: writing a list of references
 *
 * What is assumed: cpm_announce.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_announce.h>
#include "announce.h"


static const char *entity(char c)
{
	switch (c) {

	case '&':  return "&amp;";
	case '<':  return "&lt;";
	case '>':  return "&gt;";
	case '"':  return "&quot;";
	default:   return NULL;
	}
}


static int ref_encode(struct mbuf *mb, const char *ref)
{
	int err;

	err = mbuf_write_str(mb, "  <entry reference=\"");
	for (; *ref && !err; ref++) {
		const char *ent = entity(*ref);

		err = ent ? mbuf_write_str(mb, ent)
			: mbuf_write_u8(mb, (uint8_t)*ref);
	}

	return err ? err : mbuf_write_str(mb, "\"/>\r\n");
}


static int doc_encode(struct mbuf *mb, const char *const *refv, size_t refc)
{
	size_t i;
	int err;

	err = mbuf_write_str(mb,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		"<deferred-list xmlns=\"urn:oma:xml:im:history-list\">\r\n");
	for (i=0; i<refc && !err; i++)
		err = ref_encode(mb, refv[i]);

	return err ? err : mbuf_write_str(mb, "</deferred-list>\r\n");
}


int announce_encode(struct mbuf *mb, const char *const *refv, size_t refc)
{
	size_t pos, end, i;
	int err;

	if (!mb || !refv || !refc || refc > ANNOUNCE_ENTRIES_MAX)
		return EINVAL;

	for (i=0; i<refc; i++) {
		if (!announce_ref_valid(refv[i]))
			return EINVAL;
	}

	pos = mb->pos;
	end = mb->end;
	err = doc_encode(mb, refv, refc);
	if (err) {
		mb->pos = pos;
		mb->end = end;
	}

	return err;
}
