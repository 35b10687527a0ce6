/**
 * @file iscomp/decode.c  isComposing: reading a document
 *
 * RFC 3994, 3 and 4. Expat reads the XML; a document type declaration ends
 * the reading, so there are no entities but the five of XML itself.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <expat.h>
#include <cpm_iscomp.h>


#define ISCOMP_NS "urn:ietf:params:xml:ns:im-iscomposing"

enum {
	NS_SEP = '\n',     /* between namespace and name: in neither     */

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
	XML_Parser xml;
	struct iscomp_doc *doc;
	int err;                  /**< what stopped the reading            */
	unsigned depth;           /**< elements open                       */
	unsigned seen;            /**< set of fields that were there       */
	enum field field;         /**< the one that is open                */
	size_t textl;
	char text[ISCOMP_TEXT_MAX + 1];
};


static void reader_stop(struct reader *rd, int err)
{
	if (rd->err)
		return;

	rd->err = err;
	(void)XML_StopParser(rd->xml, XML_FALSE);
}


/* Name without namespace; "" if it is of a foreign one */
static const char *local_name(const char *name)
{
	const char *sep = strchr(name, NS_SEP);
	const size_t n = sizeof(ISCOMP_NS) - 1;

	if (!sep)
		return name;

	if ((size_t)(sep - name) != n || memcmp(name, ISCOMP_NS, n))
		return "";

	return sep + 1;
}


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


static void field_open(struct reader *rd, const char *name)
{
	const enum field field = field_find(name);

	/* of two alike the first counts */
	if (rd->seen & (1u << field))
		return;

	rd->field = field;
	rd->textl = 0;
}


static void start_handler(void *arg, const XML_Char *name,
			  const XML_Char **attrv)
{
	struct reader *rd = arg;
	const char *local = local_name(name);
	(void)attrv;

	if (rd->err)
		return;

	if (++rd->depth > ISCOMP_DEPTH_MAX)
		reader_stop(rd, EOVERFLOW);
	else if (rd->depth == DEPTH_ROOT && strcmp(local, "isComposing"))
		reader_stop(rd, EBADMSG);
	else if (rd->depth == DEPTH_FIELD)
		field_open(rd, local);
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


static void field_close(struct reader *rd)
{
	struct iscomp_doc *doc = rd->doc;
	const char *p = rd->text;
	size_t n = rd->textl;

	while (n && strchr(" \t\r\n", p[0])) {
		++p;
		--n;
	}
	while (n && strchr(" \t\r\n", p[n - 1]))
		--n;
	rd->text[(size_t)(p - rd->text) + n] = '\0';
	rd->seen |= 1u << rd->field;

	switch (rd->field) {

	case FIELD_STATE:
		doc->state = strcmp(p, "active") ? ISCOMP_IDLE
			: ISCOMP_ACTIVE;
		break;

	case FIELD_TYPE:
		str_ncpy(doc->contenttype, p, sizeof(doc->contenttype));
		break;

	case FIELD_LAST:
		str_ncpy(doc->lastactive, p, sizeof(doc->lastactive));
		break;

	case FIELD_REFRESH:
		doc->refresh = seconds(p);
		break;

	default:
		break;
	}
}


static void end_handler(void *arg, const XML_Char *name)
{
	struct reader *rd = arg;
	(void)name;

	if (rd->err)
		return;

	if (rd->depth == DEPTH_FIELD && rd->field) {
		field_close(rd);
		rd->field = FIELD_NONE;
	}

	--rd->depth;
}


static void text_handler(void *arg, const XML_Char *s, int len)
{
	struct reader *rd = arg;

	/* what stands in an element inside of ours is not its value */
	if (rd->err || !rd->field || rd->depth != DEPTH_FIELD)
		return;

	if ((size_t)len > ISCOMP_TEXT_MAX - rd->textl) {
		reader_stop(rd, EOVERFLOW);
		return;
	}

	memcpy(rd->text + rd->textl, s, (size_t)len);
	rd->textl += (size_t)len;
}


static void doctype_handler(void *arg, const XML_Char *name,
			    const XML_Char *sysid, const XML_Char *pubid,
			    int has_subset)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_subset;

	reader_stop(arg, EOVERFLOW);
}


static int xml_error(const struct reader *rd)
{
	if (rd->err)
		return rd->err;

	return XML_GetErrorCode(rd->xml) == XML_ERROR_NO_MEMORY ? ENOMEM
		: EBADMSG;
}


/* Read all as if more could come. What is well formed so far, but cannot end
   here, is a beginning: an open root, or an unfinished comment behind it. */
static int reader_run(struct reader *rd, const char *p, size_t len)
{
	if (XML_Parse(rd->xml, p, (int)len, XML_FALSE) != XML_STATUS_OK)
		return xml_error(rd);

	if (XML_Parse(rd->xml, p, 0, XML_TRUE) != XML_STATUS_OK) {
		const int err = xml_error(rd);

		return err == EBADMSG ? ENODATA : err;
	}

	return rd->seen & (1u << FIELD_STATE) ? 0 : EBADMSG;
}


int iscomp_decode(struct iscomp_doc *doc, const uint8_t *buf, size_t len)
{
	const char *p = (const char *)buf;
	struct reader rd;
	int err;

	if (!doc || !buf)
		return EINVAL;

	if (len > ISCOMP_DOC_MAX)
		return EOVERFLOW;

	/* XML has its declaration at the very start; MSRP bodies of real
	   clients have empty lines there */
	while (len && strchr(" \t\r\n", *p) && *p) {
		++p;
		--len;
	}

	memset(&rd, 0, sizeof(rd));
	memset(doc, 0, sizeof(*doc));
	rd.doc = doc;
	rd.xml = XML_ParserCreateNS(NULL, NS_SEP);
	if (!rd.xml)
		return ENOMEM;

	XML_SetUserData(rd.xml, &rd);
	XML_SetElementHandler(rd.xml, start_handler, end_handler);
	XML_SetCharacterDataHandler(rd.xml, text_handler);
	XML_SetStartDoctypeDeclHandler(rd.xml, doctype_handler);
	err = reader_run(&rd, p, len);
	XML_ParserFree(rd.xml);

	return err;
}
