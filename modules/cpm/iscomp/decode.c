/**
 * @file iscomp/decode.c  isComposing: reading a document
 *
 * RFC 3994, 3 and 4. The XML itself: cpm_xml.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_iscomp.h>
#include <cpm_xml.h>


#define ISCOMP_NS "urn:ietf:params:xml:ns:im-iscomposing"

enum {
	/* depths at which something of ours stands */
	DEPTH_ROOT  = 1,
	DEPTH_FIELD = 2,
};

enum field {
	FIELD_NONE = 0,
	FIELD_STATE,
	FIELD_TYPE,
	FIELD_LAST,
	FIELD_REFRESH,
};

struct reader {
	struct iscomp_doc *doc;
	unsigned seen;            /**< set of fields that were there       */
	enum field field;         /**< the one that is open                */
};


static enum field field_find(const char *name)
{
	static const char *const namev[] = {
		[FIELD_STATE]   = "state",
		[FIELD_TYPE]    = "contenttype",
		[FIELD_LAST]    = "lastactive",
		[FIELD_REFRESH] = "refresh",
	};
	unsigned i;

	for (i=FIELD_STATE; i<=FIELD_REFRESH; i++) {
		if (!strcmp(name, namev[i]))
			return (enum field)i;
	}

	return FIELD_NONE;
}


static int open_handler(enum xml_take *takep, unsigned depth,
			const char *name, const char *const *attrv, void *arg)
{
	struct reader *rd = arg;
	enum field field;
	(void)attrv;

	if (depth == DEPTH_ROOT) {
		if (strcmp(name, "isComposing"))
			return EBADMSG;
		*takep = XML_TAKE_ENTER;
		return 0;
	}

	/* of two alike the first counts */
	field = field_find(name);
	if (depth == DEPTH_FIELD && field && !(rd->seen & (1u << field))) {
		rd->field = field;
		*takep = XML_TAKE_TEXT;
	}

	return 0;
}


/* RFC 3994, 4: xs:positiveInteger */
static uint32_t seconds(const char *str)
{
	uint64_t n = 0;

	if (*str == '+')
		++str;
	for (; *str >= '0' && *str <= '9' && n <= UINT32_MAX; ++str)
		n = n * 10 + (uint64_t)(*str - '0');

	if (*str && n <= UINT32_MAX)
		return 0;

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}


static int close_handler(unsigned depth, const char *text, void *arg)
{
	struct reader *rd = arg;
	struct iscomp_doc *doc = rd->doc;
	(void)depth;

	if (!text)
		return 0;

	rd->seen |= 1u << rd->field;

	switch (rd->field) {

	case FIELD_STATE:
		doc->state = strcmp(text, "active") ? ISCOMP_IDLE
			: ISCOMP_ACTIVE;
		break;

	case FIELD_TYPE:
		str_ncpy(doc->contenttype, text, sizeof(doc->contenttype));
		break;

	case FIELD_LAST:
		str_ncpy(doc->lastactive, text, sizeof(doc->lastactive));
		break;

	case FIELD_REFRESH:
		doc->refresh = seconds(text);
		break;

	default:
		break;
	}

	return 0;
}


static const struct xml_form iscomp_form = {
	.ns        = ISCOMP_NS,
	.doc_max   = ISCOMP_DOC_MAX,
	.depth_max = ISCOMP_DEPTH_MAX,
	.text_max  = ISCOMP_TEXT_MAX,
	.openh     = open_handler,
	.closeh    = close_handler,
};


int iscomp_decode(struct iscomp_doc *doc, const uint8_t *buf, size_t len)
{
	struct reader rd = {NULL, 0, FIELD_NONE};
	int err;

	if (!doc || !buf)
		return EINVAL;

	memset(doc, 0, sizeof(*doc));
	rd.doc = doc;
	err = xml_read(&iscomp_form, buf, len, &rd);
	if (!err && !(rd.seen & (1u << FIELD_STATE)))
		err = EBADMSG;

	return err;
}
