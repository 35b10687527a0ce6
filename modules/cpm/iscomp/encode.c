/**
 * @file iscomp/encode.c  isComposing: writing a document
 *
 * RFC 3994, 4. No value that is written needs an escape: one that would is
 * neither a media type nor a time.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include <cpm_iscomp.h>


const char *iscomp_state_name(enum iscomp_state state)
{
	return state == ISCOMP_ACTIVE ? "active" : "idle";
}


/* Letters, digits and those octets */
static bool is_made_of(const char *str, const char *more)
{
	for (; *str; str++) {
		const unsigned char c = (unsigned char)*str;

		if (c >= 0x80 || (!isalnum(c) && !strchr(more, c)))
			return false;
	}

	return true;
}


static int field_encode(struct mbuf *mb, const char *name, const char *val)
{
	if (!*val)
		return 0;

	return mbuf_printf(mb, "<%s>%s</%s>\r\n", name, val, name);
}


static int doc_encode(struct mbuf *mb, const struct iscomp_doc *doc)
{
	int err;

	err = mbuf_printf(mb, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			  "<isComposing xmlns=\"urn:ietf:params:xml:ns:"
			  "im-iscomposing\">\r\n"
			  "<state>%s</state>\r\n",
			  iscomp_state_name(doc->state));
	if (!err)
		err = field_encode(mb, "lastactive", doc->lastactive);
	if (!err)
		err = field_encode(mb, "contenttype", doc->contenttype);
	if (!err && doc->refresh)
		err = mbuf_printf(mb, "<refresh>%u</refresh>\r\n",
				  doc->refresh);
	if (!err)
		err = mbuf_write_str(mb, "</isComposing>\r\n");

	return err;
}


int iscomp_encode(struct mbuf *mb, const struct iscomp_doc *doc)
{
	size_t pos, end;
	int err;

	/* RFC 2045, 5.1: token, and what separates two; RFC 3339 */
	if (!mb || !doc || !is_made_of(doc->contenttype, "!#$%*+-.^_`|~/") ||
	    !is_made_of(doc->lastactive, "+-.:"))
		return EINVAL;

	pos = mb->pos;
	end = mb->end;

	err = doc_encode(mb, doc);
	if (err) {
		mb->pos = pos;
		mb->end = end;
	}

	return err;
}
