/**
 * @file test/unit/xml.c  What the readers of XML documents share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_xml.h>
#include "unit.h"


#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))


/* A trace: "+name" for what was entered, "name=text" for what was taken,
   "-" for an end without text */
struct trace {
	struct mbuf *mb;
	int err;                  /* to be returned at an element "stop"    */
};


static int open_handler(enum xml_take *takep, unsigned depth,
			const char *name, const char *const *attrv, void *arg)
{
	struct trace *tr = arg;
	const char *val = xml_attr(attrv, "a");

	ck_assert_uint_ge(depth, 1);
	if (!strcmp(name, "stop"))
		return tr->err;

	if (!strcmp(name, "text")) {
		*takep = XML_TAKE_TEXT;
		return 0;
	}
	if (!str_isset(name) || !strcmp(name, "skip"))
		return 0;

	*takep = XML_TAKE_ENTER;

	return mbuf_printf(tr->mb, "+%u%s%s%s", depth, name, val ? "@" : "",
			   val ? val : "");
}


static int close_handler(unsigned depth, const char *text, void *arg)
{
	struct trace *tr = arg;

	return text ? mbuf_printf(tr->mb, "=%u<%s>", depth, text)
		: mbuf_printf(tr->mb, "-%u", depth);
}


static const struct xml_form form = {
	.ns = "urn:x", .doc_max = 400, .depth_max = 4, .text_max = 8,
	.openh = open_handler, .closeh = close_handler,
};


/* The document in memory that ends where it ends */
static int read_doc(const struct xml_form *f, struct trace *tr,
		    const char *doc, size_t len)
{
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);
	int err;

	ck_assert_ptr_nonnull(buf);
	if (len)
		memcpy(buf, doc, len);
	tr->mb = mbuf_alloc(64);
	ck_assert_ptr_nonnull(tr->mb);
	err = xml_read(f, buf, len, tr);
	mem_deref(buf);

	return err;
}


static const struct vec {
	const char *doc;
	int err;
	const char *trace;
} vecv[] = {
	{"<r><b a='1'/></r>", 0, "+1r+2b@1-2-1"},
	{"\r\n \t<?xml version='1.0'?><r/>", 0, "+1r-1"},
	/* text, its white space, the five entities, CDATA, character refs */
	{"<r><text> a b\n</text></r>", 0, "+1r=2<a b>-1"},
	{"<r><text/></r>", 0, "+1r=2<>-1"},
	{"<r><text>&lt;&amp;&#65;<![CDATA[<]]></text></r>", 0,
	 "+1r=2<<&A<>-1"},
	/* what is in an element of a text is not the text */
	{"<r><text>a<b>c<text>d</text></b>e</text></r>", 0, "+1r=2<ae>-1"},
	/* what is skipped is skipped with all in it */
	{"<r><skip><b><text>x</text></b></skip><b/></r>", 0,
	 "+1r+2b-2-1"},
	/* ours, under any prefix, or none at all; a foreign one */
	{"<x:r xmlns:x='urn:x'><x:b/></x:r>", 0, "+1r+2b-2-1"},
	{"<r xmlns='urn:x'><o:b xmlns:o='urn:o'><text>1</text></o:b></r>", 0,
	 "+1r-1"},
	{"<r xmlns='urn:xx'/>", 0, ""},
	{"<r xmlns='urn:'/>", 0, ""},
	/* an attribute of a namespace is not ours */
	{"<r xmlns:o='urn:o'><b o:a='1'/></r>", 0, "+1r+2b-2-1"},
	/* limits */
	{"<r><b><b><b/></b></b></r>", 0, "+1r+2b+3b+4b-4-3-2-1"},
	{"<r><b><b><b><b/></b></b></b></r>", EOVERFLOW, NULL},
	{"<r><skip><b><b><b/></b></b></skip></r>", EOVERFLOW, NULL},
	{"<r><text>12345678</text></r>", 0, "+1r=2<12345678>-1"},
	{"<r><text>123456789</text></r>", EOVERFLOW, NULL},
	/* no document type, so no entities */
	{"<!DOCTYPE r><r/>", EOVERFLOW, NULL},
	{"<!DOCTYPE r [<!ENTITY e 'x'>]><r>&e;</r>", EOVERFLOW, NULL},
	/* not well formed */
	{"<r></s>", EBADMSG, NULL},
	{"<r/><r/>", EBADMSG, NULL},
	{"text<r/>", EBADMSG, NULL},
	{"<r>&e;</r>", EBADMSG, NULL},
	{"<r a='1' a='2'/>", EBADMSG, NULL},
	{"<x:r/>", EBADMSG, NULL},
	{"<r>\xff</r>", EBADMSG, NULL},
	/* beginnings */
	{"", ENODATA, NULL},
	{" \r\n", ENODATA, NULL},
	{"<r><b>", ENODATA, NULL},
	{"<r/><!-- ", ENODATA, NULL},
	/* what a handler says is handed on */
	{"<r><stop/></r>", EPROTO, NULL},
};


START_TEST(test_vectors)
{
	const struct vec *v = &vecv[_i];
	struct trace tr = {NULL, EPROTO};
	const int err = read_doc(&form, &tr, v->doc, strlen(v->doc));
	char *str = NULL;

	ck_assert_msg(err == v->err, "%s: %d", v->doc, err);
	tr.mb->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(tr.mb, &str, tr.mb->end));
	if (v->trace)
		ck_assert_str_eq(str, v->trace);

	mem_deref(str);
	mem_deref(tr.mb);
}
END_TEST


/* each proper prefix of a document is a beginning */
START_TEST(test_prefixes)
{
	static const char doc[] = "<?xml version='1.0'?><r xmlns='urn:x'>"
		"<!-- c --><b a='1'>x</b><text>1&amp;2</text></r>";
	size_t n;

	for (n=0; n<=sizeof(doc) - 1; n++) {
		struct trace tr = {NULL, EPROTO};
		const int err = read_doc(&form, &tr, doc, n);

		mem_deref(tr.mb);
		ck_assert_msg(err == (n < sizeof(doc) - 1 ? ENODATA : 0),
			      "%zu octets: %d", n, err);
	}
}
END_TEST


START_TEST(test_limits)
{
	struct xml_form f = form;
	struct trace tr = {NULL, 0};
	char doc[8192];
	int n;

	/* the size of a document */
	f.doc_max = 4;
	ck_assert_int_eq(0, read_doc(&f, &tr, "<r/>", 4));
	mem_deref(tr.mb);
	ck_assert_int_eq(EOVERFLOW, read_doc(&f, &tr, "<r/> ", 5));
	mem_deref(tr.mb);

	/* whatever a reader asks for, a value ends at XML_TEXT_LIMIT */
	f.doc_max  = sizeof(doc);
	f.text_max = SIZE_MAX;
	n = re_snprintf(doc, sizeof(doc), "<text>");
	memset(doc + n, 'x', XML_TEXT_LIMIT + 1);
	strcpy(doc + n + XML_TEXT_LIMIT, "</text>");
	ck_assert_int_eq(0, read_doc(&f, &tr, doc, strlen(doc)));
	mem_deref(tr.mb);
	strcpy(doc + n + XML_TEXT_LIMIT, "x</text>");
	doc[n + XML_TEXT_LIMIT] = 'x';
	ck_assert_int_eq(EOVERFLOW, read_doc(&f, &tr, doc, strlen(doc)));
	mem_deref(tr.mb);

	/* no namespace of ours: each one is */
	f.ns = NULL;
	ck_assert_int_eq(0, read_doc(&f, &tr, "<r xmlns='urn:o'/>", 18));
	ck_assert_uint_eq(5, tr.mb->end);
	mem_deref(tr.mb);

	ck_assert_int_eq(EINVAL, xml_read(NULL, (uint8_t *)doc, 1, &tr));
	ck_assert_int_eq(EINVAL, xml_read(&form, NULL, 0, &tr));
	ck_assert_ptr_null(xml_attr(NULL, "a"));
}
END_TEST


Suite *xml_suite(void)
{
	Suite *s = suite_create("xml");
	TCase *tc = tcase_create("read");

	tcase_add_loop_test(tc, test_vectors, 0, N(vecv));
	tcase_add_test(tc, test_prefixes);
	tcase_add_test(tc, test_limits);
	suite_add_tcase(s, tc);

	return s;
}
