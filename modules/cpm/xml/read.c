/**
 * @file xml/read.c  XML documents from the network: reading
 *
 * XML 1.0, Namespaces in XML 1.0. Expat reads; what it tells is bounded here.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <expat.h>
#include <limits.h>
#include <cpm_xml.h>


enum {
	NS_SEP = '\n',     /* between namespace and name: in neither     */
};

struct reader {
	XML_Parser xml;
	const struct xml_form *form;
	void *arg;                /**< of the handlers                     */
	int err;                  /**< what stopped the reading            */
	unsigned depth;           /**< elements open                       */
	unsigned skip;            /**< depth of the one that is skipped, 0
				       if none is                          */
	unsigned take;            /**< depth of the one whose text is taken */
	size_t textl;
	char text[XML_TEXT_LIMIT + 1];
};


static void reader_stop(struct reader *rd, int err)
{
	if (rd->err)
		return;

	rd->err = err;
	(void)XML_StopParser(rd->xml, XML_FALSE);
}


static const char *local_name(const char *name, const char *ns)
{
	const char *sep = strchr(name, NS_SEP);

	if (!sep)
		return name;

	if (ns && ((size_t)(sep - name) != strlen(ns) ||
		   memcmp(name, ns, strlen(ns))))
		return "";

	return sep + 1;
}


static void start_handler(void *arg, const XML_Char *name,
			  const XML_Char **attrv)
{
	struct reader *rd = arg;
	enum xml_take take = XML_TAKE_SKIP;
	int err;

	if (rd->err)
		return;

	if (++rd->depth > rd->form->depth_max) {
		reader_stop(rd, EOVERFLOW);
		return;
	}

	if (rd->skip)
		return;

	/* what stands in an element inside of a value is not the value */
	if (!rd->take) {
		err = rd->form->openh(&take, rd->depth,
				      local_name(name, rd->form->ns),
				      (const char *const *)attrv, rd->arg);
		if (err) {
			reader_stop(rd, err);
			return;
		}
	}

	if (take == XML_TAKE_SKIP) {
		rd->skip = rd->depth;
	}
	else if (take == XML_TAKE_TEXT) {
		rd->take  = rd->depth;
		rd->textl = 0;
	}
}


/* The text without white space around it */
static const char *text_close(struct reader *rd)
{
	const char *p = rd->text;
	size_t n = rd->textl;

	while (n && strchr(" \t\r\n", p[0])) {
		++p;
		--n;
	}
	while (n && strchr(" \t\r\n", p[n - 1]))
		--n;
	rd->text[(size_t)(p - rd->text) + n] = '\0';

	return p;
}


static void end_handler(void *arg, const XML_Char *name)
{
	struct reader *rd = arg;
	const char *text = NULL;
	int err = 0;
	(void)name;

	if (rd->err)
		return;

	if (rd->take == rd->depth) {
		text = text_close(rd);
		rd->take = 0;
	}

	if (rd->skip == rd->depth)
		rd->skip = 0;
	else if (!rd->skip)
		err = rd->form->closeh(rd->depth, text, rd->arg);

	--rd->depth;
	if (err)
		reader_stop(rd, err);
}


static void text_handler(void *arg, const XML_Char *s, int len)
{
	struct reader *rd = arg;
	const size_t max = rd->form->text_max < XML_TEXT_LIMIT
		? rd->form->text_max : XML_TEXT_LIMIT;

	if (rd->err || rd->skip || !rd->take)
		return;

	if ((size_t)len > max - rd->textl) {
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

		return err == EBADMSG && !rd->err ? ENODATA : err;
	}

	return 0;
}


int xml_read(const struct xml_form *form, const uint8_t *buf, size_t len,
	     void *arg)
{
	const char *p = (const char *)buf;
	struct reader rd;
	int err;

	if (!form || !form->openh || !form->closeh || !buf)
		return EINVAL;

	if (len > form->doc_max || len > INT_MAX)
		return EOVERFLOW;

	while (len && strchr(" \t\r\n", *p) && *p) {
		++p;
		--len;
	}

	memset(&rd, 0, sizeof(rd));
	rd.form = form;
	rd.arg  = arg;
	rd.xml  = XML_ParserCreateNS(NULL, NS_SEP);
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


const char *xml_attr(const char *const *attrv, const char *name)
{
	if (!attrv || !name)
		return NULL;

	for (; *attrv; attrv += 2) {
		if (!strcmp(attrv[0], name))
			return attrv[1];
	}

	return NULL;
}
