/**
 * @file fthttp/decode.c  File transfer over HTTP: reading a document
 *
 * GSMA RCC.07, 3.2.5.1, as rcsjta, Linphone and the RCS clients of phones
 * write it. The XML itself: cpm_xml.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_fthttp.h>
#include <cpm_xml.h>


enum {
	/* depths at which something of ours stands */
	DEPTH_ROOT  = 1,
	DEPTH_FILE  = 2,
	DEPTH_FIELD = 3,
};

struct reader {
	struct fthttp_doc *doc;
	struct fthttp_file *file;   /**< that is open                      */
	struct fthttp_file other;   /**< of a kind that is not known, or a
					 second one                        */
	char *text;                 /**< where the open element's goes     */
	bool size;                  /**< it is a number                    */
	unsigned seen;              /**< set of the two that were there    */
};


/* A URL that a program may hand to a browser: no script, no local file */
static bool url_isgood(const char *url)
{
	static const struct pl http = PL("http://"), https = PL("https://");
	struct pl head = {url, strlen(url)};
	const char *p;

	if (head.l > FTHTTP_URL_MAX)
		return false;

	head.l = min(head.l, https.l);
	if (pl_casecmp(&head, &https)) {
		head.l = min(head.l, http.l);
		if (pl_casecmp(&head, &http))
			return false;
	}

	for (p=url; *p; p++) {
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f ||
		    strchr("\"<>\\^`{|}", *p))
			return false;
	}

	return url[head.l] != '\0';
}


static struct fthttp_file *file_open(struct reader *rd, const char *type)
{
	const unsigned bit = type && !strcmp(type, "thumbnail") ? 2 : 1;

	/* one that says nothing is the file */
	if ((type && bit == 1 && strcmp(type, "file")) || (rd->seen & bit)) {
		memset(&rd->other, 0, sizeof(rd->other));
		return &rd->other;
	}

	rd->seen |= bit;

	return bit == 2 ? &rd->doc->thumbnail : &rd->doc->file;
}


static void data_open(struct fthttp_file *file, const char *const *attrv)
{
	const char *url = xml_attr(attrv, "url");
	const char *until = xml_attr(attrv, "until");

	if (file->url[0] || !url || !url_isgood(url))
		return;

	str_ncpy(file->url, url, sizeof(file->url));
	if (until)
		str_ncpy(file->until, until, sizeof(file->until));
}


static enum xml_take field_open(struct reader *rd, const char *name,
				const char *const *attrv)
{
	struct fthttp_file *file = rd->file;

	rd->text = NULL;
	rd->size = false;

	if (!strcmp(name, "data"))
		data_open(file, attrv);
	else if (!strcmp(name, "file-size"))
		rd->size = !file->size;
	else if (!strcmp(name, "file-name"))
		rd->text = file->name;
	else if (!strcmp(name, "content-type"))
		rd->text = file->type;

	/* of two alike the first counts */
	return rd->size || (rd->text && !rd->text[0]) ? XML_TAKE_TEXT
		: XML_TAKE_SKIP;
}


static int open_handler(enum xml_take *takep, unsigned depth,
			const char *name, const char *const *attrv, void *arg)
{
	struct reader *rd = arg;

	switch (depth) {

	case DEPTH_ROOT:
		if (strcmp(name, "file"))
			return EBADMSG;
		*takep = XML_TAKE_ENTER;
		break;

	case DEPTH_FILE:
		if (!strcmp(name, "file-info")) {
			rd->file = file_open(rd, xml_attr(attrv, "type"));
			*takep = XML_TAKE_ENTER;
		}
		break;

	case DEPTH_FIELD:
		*takep = field_open(rd, name, attrv);
		break;

	default:
		break;
	}

	return 0;
}


/* 1*19DIGIT: what is none, or larger, is not known */
static uint64_t number(const char *str)
{
	struct pl pl;
	size_t i;

	pl_set_str(&pl, str);
	for (i=0; i<pl.l; i++) {
		if (str[i] < '0' || str[i] > '9')
			return 0;
	}

	return pl.l > 18 ? 0 : pl_u64(&pl);
}


static int close_handler(unsigned depth, const char *text, void *arg)
{
	struct reader *rd = arg;
	(void)depth;

	if (!text)
		return 0;

	if (rd->size)
		rd->file->size = number(text);
	else
		str_ncpy(rd->text, text, FTHTTP_TEXT_MAX + 1);

	return 0;
}


/* any namespace: what is sent is none, the one with rcs once, or twice */
static const struct xml_form fthttp_form = {
	.ns        = NULL,
	.doc_max   = FTHTTP_DOC_MAX,
	.depth_max = FTHTTP_DEPTH_MAX,
	.text_max  = XML_TEXT_LIMIT,  /* cut to what we have room for */
	.openh     = open_handler,
	.closeh    = close_handler,
};


int fthttp_decode(struct fthttp_doc *doc, const uint8_t *buf, size_t len)
{
	struct reader rd;
	int err;

	if (!doc || !buf)
		return EINVAL;

	memset(doc, 0, sizeof(*doc));
	memset(&rd, 0, sizeof(rd));
	rd.doc = doc;
	err = xml_read(&fthttp_form, buf, len, &rd);
	if (!err && !doc->file.url[0])
		err = EBADMSG;

	/* a picture that lies nowhere is none */
	if (!err && !doc->thumbnail.url[0])
		memset(&doc->thumbnail, 0, sizeof(doc->thumbnail));

	return err;
}
