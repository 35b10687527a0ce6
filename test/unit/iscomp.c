/**
 * @file test/unit/iscomp.c  isComposing documents: RFC 3994, 3 and 4
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <cpm_iscomp.h>
#include "unit.h"


#define NS "xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\""
#define OPEN "<isComposing " NS ">"
#define HEAD OPEN "<state>active</state>"
#define END "</isComposing>"
#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))


/* Copy to a buffer that ends where its memory ends, so that one octet too
   many is seen */
static int decode(struct iscomp_doc *doc, const void *p, size_t len)
{
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);
	int err;

	ck_assert_ptr_nonnull(buf);
	if (len)
		memcpy(buf, p, len);
	memset(doc, 0xff, sizeof(*doc));
	err = iscomp_decode(doc, buf, len);
	mem_deref(buf);

	return err;
}


static int decode_str(const char *str)
{
	struct iscomp_doc doc;

	return decode(&doc, str, strlen(str));
}


/* Every proper prefix up to where the document ends is a beginning; the
   white space behind it changes nothing */
static void check_prefixes(const void *p, size_t len)
{
	size_t n, end = len;

	while (strchr("\r\n", ((const char *)p)[end - 1]))
		--end;

	for (n=0; n<=len; n++) {
		struct iscomp_doc doc;
		const int err = decode(&doc, p, n);

		ck_assert_msg(err == (n < end ? ENODATA : 0),
			      "prefix of %zu octets: %d", n, err);
	}
}


static const struct golden {
	const char *file;
	struct iscomp_doc doc;
} goldenv[] = {
	{"iscomp/rfc3994-active.xml",
	 {ISCOMP_ACTIVE, "text/plain", "", 90}},
	{"iscomp/rfc3994-idle.xml",
	 {ISCOMP_IDLE, "audio", "2003-01-27T10:43:00Z", 0}},
	/* inside an MSRP request; empty lines in front */
	{"vectors/22-msrp-send-iscomposing-loadtool.txt",
	 {ISCOMP_ACTIVE, "text/plain", "2015-10-28T05:14:29.000Z", 60}},
};


START_TEST(test_golden)
{
	const struct golden *g = &goldenv[_i];
	struct mbuf *mb = unit_file(g->file);
	const uint8_t *p = mb->buf, *body, *end;
	size_t len = mb->end;
	struct iscomp_doc doc;

	body = memmem(p, len, "\n\n", 2);
	if (!body)
		body = memmem(p, len, "\r\n\r\n", 4);
	if (body) {
		end = memmem(p, len, "-------", 7);
		ck_assert_ptr_nonnull(end);
		ck_assert(end > body);
		p = body;
		len = (size_t)(end - body);
	}

	ck_assert_int_eq(0, decode(&doc, p, len));
	ck_assert_int_eq(g->doc.state, doc.state);
	ck_assert_str_eq(g->doc.contenttype, doc.contenttype);
	ck_assert_str_eq(g->doc.lastactive, doc.lastactive);
	ck_assert_uint_eq(g->doc.refresh, doc.refresh);
	check_prefixes(p, len);
	mem_deref(mb);
}
END_TEST


/* All of these say: active, text/plain, 60 */
static const char *const samev[] = {
	HEAD "<contenttype>text/plain</contenttype><refresh>60</refresh>" END,

	/* another order, as none has to be kept */
	OPEN "<refresh>60</refresh><contenttype>text/plain</contenttype>"
	"<state>active</state>" END,

	/* a prefix; one for the root alone; no namespace */
	"<i:isComposing xmlns:i=\"urn:ietf:params:xml:ns:im-iscomposing\">"
	"<i:state>active</i:state><i:contenttype>text/plain</i:contenttype>"
	"<i:refresh>60</i:refresh></i:isComposing>",
	"<i:isComposing xmlns:i=\"urn:ietf:params:xml:ns:im-iscomposing\">"
	"<state>active</state><contenttype>text/plain</contenttype>"
	"<refresh>60</refresh></i:isComposing>",
	"<isComposing><state>active</state><contenttype>text/plain"
	"</contenttype><refresh>60</refresh></isComposing>",

	/* lines in front, white space around, references, CDATA, a comment, a
	   processing instruction */
	"\r\n\r\n<?xml version=\"1.0\"?>" OPEN "<!-- c --><state>\r\n\t"
	"active \r\n</state><?pi x?><contenttype> text/plain </contenttype>"
	"<refresh> 60</refresh>" END " \r\n<!-- end -->",
	OPEN "<state>&#97;ctive</state><contenttype><![CDATA[text/plain]]>"
	"</contenttype><refresh>+060</refresh>" END,

	/* elements nobody knows, with our names inside and beside */
	OPEN "<ext><state>idle</state><refresh>1</refresh></ext>"
	"<state>act<sub>not this</sub>ive</state>"
	"<f:refresh xmlns:f=\"urn:f\">7</f:refresh><contenttype>text/plain"
	"</contenttype><refresh>60</refresh>" END,

	/* the first of two */
	HEAD "<state>idle</state><contenttype>text/plain</contenttype>"
	"<contenttype>audio</contenttype><refresh>60</refresh>"
	"<refresh>1</refresh>" END,
};


START_TEST(test_same)
{
	struct iscomp_doc doc;

	ck_assert_int_eq(0, decode(&doc, samev[_i], strlen(samev[_i])));
	ck_assert_int_eq(ISCOMP_ACTIVE, doc.state);
	ck_assert_str_eq("text/plain", doc.contenttype);
	ck_assert_str_eq("", doc.lastactive);
	ck_assert_uint_eq(60, doc.refresh);
}
END_TEST


/* RFC 3994, 3.3: what is not known is idle */
START_TEST(test_state)
{
	static const struct {
		const char *str;
		enum iscomp_state state;
	} v[] = {
		{"active", ISCOMP_ACTIVE}, {"idle", ISCOMP_IDLE},
		{"dancing", ISCOMP_IDLE}, {"Active", ISCOMP_IDLE},
		{"", ISCOMP_IDLE}, {"activex", ISCOMP_IDLE},
	};
	struct iscomp_doc doc;
	char xml[256];
	int i;

	for (i=0; i<N(v); i++) {
		snprintf(xml, sizeof(xml), OPEN "<state>%s</state>" END,
			 v[i].str);
		ck_assert_int_eq(0, decode(&doc, xml, strlen(xml)));
		ck_assert_int_eq(v[i].state, doc.state);
	}
}
END_TEST


START_TEST(test_refresh)
{
	static const struct {
		const char *str;
		uint32_t sec;
	} v[] = {
		{"1", 1}, {"0", 0}, {"", 0}, {"-1", 0}, {"60s", 0},
		{"1.5", 0}, {"0x10", 0}, {"4294967295", UINT32_MAX},
		{"4294967296", UINT32_MAX},
		{"99999999999999999999999999999999", UINT32_MAX},
	};
	struct iscomp_doc doc;
	char xml[256];
	int i;

	for (i=0; i<N(v); i++) {
		snprintf(xml, sizeof(xml), HEAD "<refresh>%s</refresh>" END,
			 v[i].str);
		ck_assert_int_eq(0, decode(&doc, xml, strlen(xml)));
		ck_assert_uint_eq(v[i].sec, doc.refresh);
	}
}
END_TEST


static const struct {
	const char *str;
	int err;
} badv[] = {
	{"no xml", EBADMSG},
	{"{\"json\":1}", EBADMSG},
	{OPEN "<state>active</isComposing>", EBADMSG},
	{HEAD END "x", EBADMSG},
	{HEAD END HEAD END, EBADMSG},
	{OPEN END, EBADMSG},                           /* no state         */
	{OPEN "<refresh>60</refresh>" END, EBADMSG},
	{OPEN "<x><state>active</state></x>" END, EBADMSG},
	{"<isComposing xmlns=\"urn:other\"><state>active</state>" END,
	 EBADMSG},
	{"<iscomposing><state>active</state></iscomposing>", EBADMSG},
	{"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><state>active</state>"
	 "</imdn>", EBADMSG},
	{"<i:isComposing><i:state>active</i:state></i:isComposing>",
	 EBADMSG},
	{OPEN "<state>&undefined;</state>" END, EBADMSG},
	{OPEN "<state>a\x01</state>" END, EBADMSG},
	{OPEN "<state>\xc0\xaf</state>" END, EBADMSG},
	{"<!DOCTYPE isComposing>" HEAD END, EOVERFLOW},
	{"<!DOCTYPE isComposing SYSTEM \"file:///etc/passwd\">" HEAD END,
	 EOVERFLOW},
	{"<!DOCTYPE isComposing [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"
	 OPEN "<state>&e;</state>" END, EOVERFLOW},
};


START_TEST(test_bad)
{
	ck_assert_int_eq(badv[_i].err, decode_str(badv[_i].str));
}
END_TEST


static int decode_fill(const char *open, const char *elem, size_t len,
		       const char *close)
{
	struct mbuf *mb = mbuf_alloc(256);
	struct iscomp_doc doc;
	int err;

	ck_assert_int_eq(0, mbuf_printf(mb, HEAD "%s", open));
	while (len--)
		ck_assert_int_eq(0, mbuf_write_str(mb, elem));
	ck_assert_int_eq(0, mbuf_printf(mb, "%s" END, close));
	err = decode(&doc, mb->buf, mb->end);
	mem_deref(mb);

	return err;
}


START_TEST(test_limits)
{
	const size_t rest = ISCOMP_DOC_MAX - strlen(HEAD "<x></x>" END);

	ck_assert_int_eq(0, decode_fill("<contenttype>", "x",
					ISCOMP_TEXT_MAX, "</contenttype>"));
	ck_assert_int_eq(EOVERFLOW, decode_fill("<contenttype>", "x",
		ISCOMP_TEXT_MAX + 1, "</contenttype>"));
	/* what is not kept may be longer */
	ck_assert_int_eq(0, decode_fill("<x>", "x", rest, "</x>"));
	ck_assert_int_eq(EOVERFLOW, decode_fill("<x>", "x", rest + 1,
						"</x>"));
	ck_assert_int_eq(EOVERFLOW, decode_fill("", "<x>", ISCOMP_DEPTH_MAX,
						""));
	/* as deep as may be: only not closed */
	ck_assert_int_eq(EBADMSG, decode_fill("", "<x>", ISCOMP_DEPTH_MAX - 1,
					      ""));
}
END_TEST


/* What is written is read */
START_TEST(test_encode)
{
	static const struct iscomp_doc v[] = {
		{ISCOMP_ACTIVE, "text/plain", "", 90},
		{ISCOMP_IDLE, "", "2026-11-21T03:11:00.123Z", 0},
		{ISCOMP_IDLE, "", "", 0},
		{ISCOMP_ACTIVE, "audio", "2026-11-21T03:11:00+01:00", 1},
	};
	struct mbuf *mb = mbuf_alloc(1);
	struct iscomp_doc doc;
	int i;

	for (i=0; i<N(v); i++) {
		mbuf_rewind(mb);
		ck_assert_int_eq(0, iscomp_encode(mb, &v[i]));
		ck_assert_int_eq(0, decode(&doc, mb->buf, mb->end));
		ck_assert_int_eq(v[i].state, doc.state);
		ck_assert_str_eq(v[i].contenttype, doc.contenttype);
		ck_assert_str_eq(v[i].lastactive, doc.lastactive);
		ck_assert_uint_eq(v[i].refresh, doc.refresh);
	}

	mbuf_rewind(mb);
	ck_assert_int_eq(0, iscomp_encode(mb, &v[0]));
	ck_assert_int_eq(0, mbuf_write_u8(mb, 0));
	ck_assert_str_eq("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		OPEN "\r\n<state>active</state>\r\n"
		"<contenttype>text/plain</contenttype>\r\n"
		"<refresh>90</refresh>\r\n" END "\r\n", (char *)mb->buf);
	mem_deref(mb);
}
END_TEST


START_TEST(test_encode_inval)
{
	static const struct iscomp_doc v[] = {
		{ISCOMP_ACTIVE, "text/<plain>", "", 0},
		{ISCOMP_ACTIVE, "text/plain&amp;", "", 0},
		{ISCOMP_ACTIVE, "text/plain\r\n", "", 0},
		{ISCOMP_ACTIVE, "\xc3\xa9/x", "", 0},
		{ISCOMP_ACTIVE, "", "now or never", 0},
		{ISCOMP_ACTIVE, "", "<x>", 0},
	};
	struct mbuf *mb = mbuf_alloc(8);
	struct iscomp_doc doc;
	int i;

	ck_assert_int_eq(0, mbuf_write_str(mb, "abc"));
	for (i=0; i<N(v); i++)
		ck_assert_int_eq(EINVAL, iscomp_encode(mb, &v[i]));
	ck_assert_int_eq(EINVAL, iscomp_encode(NULL, &v[0]));
	ck_assert_int_eq(EINVAL, iscomp_encode(mb, NULL));
	ck_assert_uint_eq(3, mb->end);
	ck_assert_int_eq(EINVAL, iscomp_decode(&doc, NULL, 0));
	ck_assert_int_eq(EINVAL, iscomp_decode(NULL, mb->buf, 1));
	mem_deref(mb);
}
END_TEST


Suite *iscomp_suite(void)
{
	Suite *s = suite_create("iscomp");
	TCase *tc = tcase_create("iscomp");

	tcase_add_loop_test(tc, test_golden, 0, N(goldenv));
	tcase_add_loop_test(tc, test_same, 0, N(samev));
	tcase_add_test(tc, test_state);
	tcase_add_test(tc, test_refresh);
	tcase_add_loop_test(tc, test_bad, 0, N(badv));
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_encode);
	tcase_add_test(tc, test_encode_inval);
	suite_add_tcase(s, tc);

	return s;
}
