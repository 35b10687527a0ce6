/**
 * @file test/unit/imdn.c  IMDN documents: RFC 5438, 7 and 11.1
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <cpm_imdn.h>
#include "unit.h"


#define NS "xmlns=\"urn:ietf:params:xml:ns:imdn\""
#define HEAD "<imdn " NS "><message-id>m</message-id>" \
	"<datetime>2026-11-21T03:11:00Z</datetime>"


/* Copy to a buffer that ends where its memory ends, so that one octet too
   many is seen */
static int decode(struct imdn_doc **docp, const void *p, size_t len)
{
	uint8_t *buf = mem_alloc(len, NULL);
	int err;

	ck_assert_ptr_nonnull(buf);
	if (len)
		memcpy(buf, p, len);
	err = imdn_decode(docp, buf, len);
	mem_deref(buf);

	return err;
}


static int decode_str(const char *str)
{
	struct imdn_doc *doc = NULL;
	const int err = decode(&doc, str, strlen(str));

	ck_assert_int_eq(err != 0, doc == NULL);
	mem_deref(doc);

	return err;
}


/* Every proper prefix up to where the document ends is a beginning; the
   white space behind it changes nothing */
static void check_prefixes(const void *p, size_t len)
{
	size_t n, end = len;

	while (strchr("\r\n", ((const char *)p)[end - 1]))
		--end;

	for (n=0; n<=len; n++) {

		struct imdn_doc *doc = NULL;
		const int err = decode(&doc, p, n);

		ck_assert_msg(err == (n < end ? ENODATA : 0),
			      "prefix of %zu octets: %d", n, err);
		ck_assert_int_eq(err != 0, doc == NULL);
		mem_deref(doc);
	}
}


static const struct golden {
	const char *file;
	const char *message_id;
	const char *datetime;
	const char *recipient_uri;
	const char *subject;
	enum imdn_kind kind;
	enum imdn_status status;
} goldenv[] = {
	{"vectors/13-imdn-display-rcsjta.xml", "34jk324j",
	 "2008-04-04T12:16:49-05:00", NULL, NULL,
	 IMDN_DISPLAY, IMDN_DISPLAYED},
	{"imdn/rfc5438-delivery.xml", "34jk324j",
	 "2008-04-04T12:16:49-05:00", "im:bob@example.com", NULL,
	 IMDN_DELIVERY, IMDN_DELIVERED},
	{"imdn/rfc5438-display.xml", "34jk324j",
	 "2008-04-04T12:16:49-05:00", "im:bob@example.com", NULL,
	 IMDN_DISPLAY, IMDN_DISPLAYED},
	{"imdn/rfc5438-processing.xml", "34jk324j",
	 "2008-04-04T12:16:49-05:00", "im:list@example.com",
	 "what was said & done", IMDN_PROCESSING, IMDN_STORED},
};


START_TEST(test_golden)
{
	const struct golden *g = &goldenv[_i];
	struct mbuf *mb = unit_file(g->file);
	struct imdn_doc *doc = NULL;

	ck_assert_int_eq(0, decode(&doc, mb->buf, mb->end));
	ck_assert_str_eq(doc->message_id, g->message_id);
	ck_assert_str_eq(doc->datetime, g->datetime);
	ck_assert_pstr_eq(doc->recipient_uri, g->recipient_uri);
	ck_assert_pstr_eq(doc->original_recipient_uri, g->recipient_uri);
	ck_assert_pstr_eq(doc->subject, g->subject);
	ck_assert_int_eq(doc->kind, g->kind);
	ck_assert_int_eq(doc->status, g->status);

	check_prefixes(mb->buf, mb->end);

	mem_deref(doc);
	mem_deref(mb);
}
END_TEST


/* 16 has its document inside a CPIM message */
START_TEST(test_vector_16)
{
	struct mbuf *mb = unit_file(
		"vectors/16-cpim-imdn-delivered-in-rcsjta-layout.txt");
	struct imdn_doc *doc = NULL;
	uint8_t *p = memmem(mb->buf, mb->end, "<?xml", 5);
	size_t len;

	ck_assert_ptr_nonnull(p);
	len = mb->end - (size_t)(p - mb->buf);
	ck_assert_int_eq(0, decode(&doc, p, len));
	ck_assert_str_eq(doc->message_id, "ae6926cfcffa40a89e44252ce9e970a2");
	ck_assert_str_eq(doc->datetime, "2016-03-24T08:51:45+01:00");
	ck_assert_int_eq(doc->kind, IMDN_DELIVERY);
	ck_assert_int_eq(doc->status, IMDN_DELIVERED);
	check_prefixes(p, len);

	mem_deref(doc);
	mem_deref(mb);
}
END_TEST


static const struct {
	const char *kind;
	const char *status;
	enum imdn_kind k;
	enum imdn_status s;
} statusv[] = {
	{"delivery", "delivered", IMDN_DELIVERY, IMDN_DELIVERED},
	{"delivery", "failed", IMDN_DELIVERY, IMDN_FAILED},
	{"delivery", "forbidden", IMDN_DELIVERY, IMDN_FORBIDDEN},
	{"delivery", "error", IMDN_DELIVERY, IMDN_ERROR},
	{"display", "displayed", IMDN_DISPLAY, IMDN_DISPLAYED},
	{"display", "forbidden", IMDN_DISPLAY, IMDN_FORBIDDEN},
	{"display", "error", IMDN_DISPLAY, IMDN_ERROR},
	{"processing", "processed", IMDN_PROCESSING, IMDN_PROCESSED},
	{"processing", "stored", IMDN_PROCESSING, IMDN_STORED},
	{"processing", "forbidden", IMDN_PROCESSING, IMDN_FORBIDDEN},
	{"processing", "error", IMDN_PROCESSING, IMDN_ERROR},
	/* not what this notification can say */
	{"delivery", "displayed", IMDN_DELIVERY, IMDN_UNKNOWN},
	{"display", "delivered", IMDN_DISPLAY, IMDN_UNKNOWN},
	{"processing", "failed", IMDN_PROCESSING, IMDN_UNKNOWN},
	{"delivery", "interworking", IMDN_DELIVERY, IMDN_UNKNOWN},
	/* extensions */
	{"interworking", "delivered", IMDN_NONE, IMDN_UNKNOWN},
};


START_TEST(test_status)
{
	struct imdn_doc *doc = NULL;
	char xml[512];

	snprintf(xml, sizeof(xml),
		 HEAD "<%s-notification><status><%s/></status>"
		 "</%s-notification></imdn>", statusv[_i].kind,
		 statusv[_i].status, statusv[_i].kind);

	ck_assert_int_eq(0, decode(&doc, xml, strlen(xml)));
	ck_assert_int_eq(doc->kind, statusv[_i].k);
	ck_assert_int_eq(doc->status, statusv[_i].s);
	mem_deref(doc);
}
END_TEST


/* All of these say: message m, delivered */
static const char *const samev[] = {
	HEAD "<delivery-notification><status><delivered/></status>"
	"</delivery-notification></imdn>",

	/* a prefix */
	"<i:imdn xmlns:i=\"urn:ietf:params:xml:ns:imdn\">"
	"<i:message-id>m</i:message-id><i:delivery-notification><i:status>"
	"<i:delivered/></i:status></i:delivery-notification></i:imdn>",

	/* a prefix for the root alone, and no namespace */
	"<i:imdn xmlns:i=\"urn:ietf:params:xml:ns:imdn\">"
	"<message-id>m</message-id><delivery-notification><status>"
	"<delivered/></status></delivery-notification></i:imdn>",
	"<imdn><message-id>m</message-id><delivery-notification><status>"
	"<delivered/></status></delivery-notification></imdn>",

	/* lines in front, white space around, a character reference, CDATA,
	   a comment, a processing instruction */
	"\r\n\r\n<?xml version=\"1.0\"?><imdn " NS "><!-- c -->"
	"<message-id>\r\n\t m \r\n</message-id><?pi x?>"
	"<delivery-notification><status> <delivered></delivered> </status>"
	"</delivery-notification></imdn> \r\n<!-- end -->",
	"<imdn " NS "><message-id>&#109;</message-id>"
	"<delivery-notification><status><delivered/></status>"
	"</delivery-notification></imdn>",
	"<imdn " NS "><message-id><![CDATA[m]]></message-id>"
	"<delivery-notification><status><delivered/></status>"
	"</delivery-notification></imdn>",

	/* a byte order mark; another encoding */
	"\xef\xbb\xbf" HEAD "<delivery-notification><status><delivered/>"
	"</status></delivery-notification></imdn>",
	"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" HEAD
	"<delivery-notification><status><delivered/></status>"
	"</delivery-notification></imdn>",

	/* elements nobody knows, also with our names inside and beside */
	"<imdn " NS "><ext><message-id>x</message-id><delivery-notification>"
	"<status><failed/></status></delivery-notification></ext>"
	"<message-id>m<sub>not this</sub></message-id>"
	"<f:message-id xmlns:f=\"urn:f\">x</f:message-id>"
	"<delivery-notification><why><failed/></why><status><ext/>"
	"<delivered><failed/></delivered></status></delivery-notification>"
	"</imdn>",
	"<imdn " NS "><message-id>m</message-id>"
	"<f:delivery-notification xmlns:f=\"urn:f\"><f:status><f:failed/>"
	"</f:status></f:delivery-notification>"
	"<interworking-notification><status><failed/></status>"
	"</interworking-notification><delivery-notification><status>"
	"<delivered/></status></delivery-notification></imdn>",

	/* the first of two */
	"<imdn " NS "><message-id>m</message-id><message-id>n</message-id>"
	"<delivery-notification><status><delivered/><failed/></status>"
	"</delivery-notification><display-notification><status><displayed/>"
	"</status></display-notification></imdn>",
};


START_TEST(test_same)
{
	struct imdn_doc *doc = NULL;

	ck_assert_int_eq(0, decode(&doc, samev[_i], strlen(samev[_i])));
	ck_assert_str_eq(doc->message_id, "m");
	ck_assert_int_eq(doc->kind, IMDN_DELIVERY);
	ck_assert_int_eq(doc->status, IMDN_DELIVERED);
	mem_deref(doc);
}
END_TEST


START_TEST(test_prefixes_of_trailer)
{
	static const char doc[] = HEAD "</imdn>";
	static const char more[] = "<!-- x -->";
	char xml[512];
	size_t n;

	for (n=1; n<sizeof(more)-1; n++) {
		snprintf(xml, sizeof(xml), "%s%.*s", doc, (int)n, more);
		ck_assert_int_eq(ENODATA, decode_str(xml));
	}

	snprintf(xml, sizeof(xml), "%s%s", doc, more);
	ck_assert_int_eq(0, decode_str(xml));
}
END_TEST


static const char *const badv[] = {
	"no xml",
	"{\"json\":1}",
	"<imdn " NS "><message-id>m</imdn>",
	"<imdn " NS "><message-id>m</message-id></imdn>x",
	"<imdn " NS "><message-id>m</message-id></imdn>garbage",
	"<imdn " NS "><message-id>m</message-id></imdn><imdn/>",
	"<imdn " NS "><message-id>m</message-id></imdn>&amp;",
	"<imdn " NS "></imdn>",                        /* no message-id     */
	"<imdn " NS "/>",
	"<imdn " NS "><message-id/></imdn>",
	"<imdn " NS "><message-id> </message-id></imdn>",
	"<imdn " NS "><x><message-id>m</message-id></x></imdn>",
	"<imdn xmlns=\"urn:other\"><message-id>m</message-id></imdn>",
	"<imdn xmlns=\"urn:ietf:params:xml:ns:imdx\"><message-id>m"
	"</message-id></imdn>",
	"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn2\"><message-id>m"
	"</message-id></imdn>",
	"<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">"
	"<state>active</state></isComposing>",
	"<i:imdn><i:message-id>m</i:message-id></i:imdn>",  /* unbound      */
	"<imdn " NS "><message-id>&undefined;</message-id></imdn>",
	"<imdn " NS "><message-id>a&#0;</message-id></imdn>",
	"<imdn " NS "><message-id>a\x01</message-id></imdn>",
	"<imdn " NS "><message-id>\xff</message-id></imdn>",
	"<imdn " NS "><message-id>\xc3(</message-id></imdn>",
	"<imdn " NS "><message-id>\xed\xa0\x80</message-id></imdn>",
	"<imdn " NS "><message-id>\xc0\xaf</message-id></imdn>",
	"<?xml version=\"1.0\" encoding=\"x-nothing\"?>" HEAD "</imdn>",
};


START_TEST(test_bad)
{
	ck_assert_int_eq(EBADMSG, decode_str(badv[_i]));
}
END_TEST


static const char *const doctypev[] = {
	"<!DOCTYPE imdn>" HEAD "</imdn>",
	"<!DOCTYPE imdn SYSTEM \"file:///etc/passwd\">" HEAD "</imdn>",
	"<!DOCTYPE imdn [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"
	"<imdn " NS "><message-id>&e;</message-id></imdn>",
	"<!DOCTYPE imdn [<!ENTITY e \"m\">]>"
	"<imdn " NS "><message-id>&e;</message-id></imdn>",
};


START_TEST(test_doctype)
{
	ck_assert_int_eq(EOVERFLOW, decode_str(doctypev[_i]));
}
END_TEST


START_TEST(test_billion_laughs)
{
	struct mbuf *mb = unit_file("imdn/billion-laughs.xml");
	struct imdn_doc *doc = NULL;

	ck_assert_int_eq(EOVERFLOW, decode(&doc, mb->buf, mb->end));
	ck_assert_ptr_null(doc);
	mem_deref(mb);
}
END_TEST


static int decode_depth(unsigned depth)
{
	struct mbuf *mb = mbuf_alloc(256);
	struct imdn_doc *doc = NULL;
	unsigned i;
	int err;

	ck_assert_int_eq(0, mbuf_write_str(mb, HEAD));
	for (i=1; i<depth; i++)
		ck_assert_int_eq(0, mbuf_write_str(mb, "<x>"));
	for (i=1; i<depth; i++)
		ck_assert_int_eq(0, mbuf_write_str(mb, "</x>"));
	ck_assert_int_eq(0, mbuf_write_str(mb, "</imdn>"));

	err = decode(&doc, mb->buf, mb->end);
	mem_deref(doc);
	mem_deref(mb);

	return err;
}


START_TEST(test_depth)
{
	ck_assert_int_eq(0, decode_depth(IMDN_DEPTH_MAX));
	ck_assert_int_eq(EOVERFLOW, decode_depth(IMDN_DEPTH_MAX + 1));
	ck_assert_int_eq(EOVERFLOW, decode_depth(4096));
}
END_TEST


static int decode_text(const char *elem, size_t len)
{
	struct mbuf *mb = mbuf_alloc(256);
	struct imdn_doc *doc = NULL;
	int err;

	ck_assert_int_eq(0, mbuf_printf(mb, HEAD "<%s>", elem));
	ck_assert_int_eq(0, mbuf_fill(mb, 'x', len));
	ck_assert_int_eq(0, mbuf_printf(mb, "</%s></imdn>", elem));

	err = decode(&doc, mb->buf, mb->end);
	if (!err && !strcmp(elem, "subject"))
		ck_assert_uint_eq(strlen(doc->subject), len);
	mem_deref(doc);
	mem_deref(mb);

	return err;
}


START_TEST(test_text)
{
	ck_assert_int_eq(0, decode_text("subject", IMDN_TEXT_MAX));
	ck_assert_int_eq(EOVERFLOW, decode_text("subject",
						IMDN_TEXT_MAX + 1));
	/* what is not kept may be longer */
	ck_assert_int_eq(0, decode_text("note", IMDN_TEXT_MAX + 1));
}
END_TEST


START_TEST(test_size)
{
	const size_t rest = IMDN_DOC_MAX - strlen(HEAD "<note></note></imdn>");

	ck_assert_int_eq(0, decode_text("note", rest));
	ck_assert_int_eq(EOVERFLOW, decode_text("note", rest + 1));
}
END_TEST


START_TEST(test_decode_inval)
{
	struct imdn_doc *doc = NULL;

	ck_assert_int_eq(EINVAL, imdn_decode(NULL, (const uint8_t *)"x", 1));
	ck_assert_int_eq(EINVAL, imdn_decode(&doc, NULL, 0));
	ck_assert_ptr_null(doc);
}
END_TEST


static void check_round(const struct imdn_out *out)
{
	struct mbuf *mb = mbuf_alloc(16);
	struct imdn_doc *doc = NULL;

	ck_assert_int_eq(0, mbuf_write_str(mb, "12345"));
	ck_assert_int_eq(0, imdn_encode(mb, out));
	ck_assert_int_eq(0, memcmp(mb->buf, "12345<?xml", 10));
	ck_assert_uint_eq(mb->pos, mb->end);

	ck_assert_int_eq(0, decode(&doc, mb->buf + 5, mb->end - 5));
	ck_assert_str_eq(doc->message_id, out->message_id);
	ck_assert_str_eq(doc->datetime, out->datetime);
	ck_assert_pstr_eq(doc->recipient_uri, out->recipient_uri);
	ck_assert_pstr_eq(doc->original_recipient_uri,
			  out->original_recipient_uri);
	ck_assert_ptr_null(doc->subject);
	ck_assert_int_eq(doc->kind, out->kind);
	ck_assert_int_eq(doc->status, out->status);
	check_prefixes(mb->buf + 5, mb->end - 5);

	mem_deref(doc);
	mem_deref(mb);
}


START_TEST(test_encode)
{
	static const char expect[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">\r\n"
		"  <message-id>a&lt;b&gt;&amp;&quot;&apos;</message-id>\r\n"
		"  <datetime>2026-11-21T03:11:00Z</datetime>\r\n"
		"  <recipient-uri>sip:bob@example.com</recipient-uri>\r\n"
		"  <original-recipient-uri>tel:+1</original-recipient-uri>\r\n"
		"  <display-notification><status><displayed/></status>"
		"</display-notification>\r\n"
		"</imdn>\r\n";
	static const struct imdn_out out = {
		.message_id = "a<b>&\"'",
		.datetime = "2026-11-21T03:11:00Z",
		.recipient_uri = "sip:bob@example.com",
		.original_recipient_uri = "tel:+1",
		.kind = IMDN_DISPLAY,
		.status = IMDN_DISPLAYED,
	};
	struct mbuf *mb = mbuf_alloc(16);

	ck_assert_int_eq(0, imdn_encode(mb, &out));
	ck_assert_uint_eq(mb->end, sizeof(expect) - 1);
	ck_assert_mem_eq(mb->buf, expect, mb->end);
	mem_deref(mb);

	check_round(&out);
}
END_TEST


/* Each status with each kind: written if and only if it is read again */
START_TEST(test_encode_status)
{
	const struct imdn_out out = {
		.message_id = "id \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		.datetime = "2008-04-04T12:16:49-05:00",
		.kind = statusv[_i].k,
		.status = statusv[_i].s,
	};
	struct mbuf *mb;

	if (out.status != IMDN_UNKNOWN) {
		check_round(&out);
		ck_assert_str_eq(imdn_status_name(out.status),
				 statusv[_i].status);
		return;
	}

	mb = mbuf_alloc(16);
	ck_assert_int_eq(EINVAL, imdn_encode(mb, &out));
	ck_assert_uint_eq(0, mb->end);
	mem_deref(mb);
}
END_TEST


START_TEST(test_encode_mismatch)
{
	static const struct { enum imdn_kind k; enum imdn_status s; } v[] = {
		{IMDN_NONE, IMDN_DELIVERED},
		{IMDN_DELIVERY, IMDN_DISPLAYED},
		{IMDN_DELIVERY, IMDN_STORED},
		{IMDN_DISPLAY, IMDN_DELIVERED},
		{IMDN_DISPLAY, IMDN_FAILED},
		{IMDN_PROCESSING, IMDN_FAILED},
		{IMDN_PROCESSING, IMDN_DELIVERED},
		{(enum imdn_kind)4, IMDN_ERROR},
		{IMDN_DELIVERY, (enum imdn_status)8},
	};
	struct imdn_out out = {.message_id = "m", .datetime = "d"};
	struct mbuf *mb = mbuf_alloc(16);
	size_t i;

	for (i=0; i<sizeof(v)/sizeof(v[0]); i++) {
		out.kind = v[i].k;
		out.status = v[i].s;
		ck_assert_int_eq(EINVAL, imdn_encode(mb, &out));
		ck_assert_uint_eq(0, mb->end);
	}
	mem_deref(mb);
}
END_TEST


static int encode_id(const char *id)
{
	const struct imdn_out out = {
		.message_id = id, .datetime = "d",
		.kind = IMDN_DELIVERY, .status = IMDN_DELIVERED,
	};
	struct mbuf *mb = mbuf_alloc(16);
	int err;

	err = imdn_encode(mb, &out);
	ck_assert_int_eq(err != 0, mb->end == 0);
	mem_deref(mb);

	return err;
}


START_TEST(test_encode_refuses)
{
	static const char *const v[] = {
		"", "a\nb", "a\rb", "a\tb", "\x01", "\x1f", "\x7f",
		"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\x80",
		"\xe2\x82", "\xed\xa0\x80", "\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
		"\xef\xbf\xbe", "\xef\xbf\xbf",
	};
	char id[IMDN_TEXT_MAX + 2];
	size_t i;

	for (i=0; i<sizeof(v)/sizeof(v[0]); i++)
		ck_assert_msg(EINVAL == encode_id(v[i]), "value %zu", i);

	memset(id, 'x', sizeof(id));
	id[IMDN_TEXT_MAX + 1] = '\0';
	ck_assert_int_eq(EINVAL, encode_id(id));
	id[IMDN_TEXT_MAX] = '\0';
	ck_assert_int_eq(0, encode_id(id));
}
END_TEST


START_TEST(test_encode_inval)
{
	const struct imdn_out good = {
		.message_id = "m", .datetime = "d",
		.kind = IMDN_DELIVERY, .status = IMDN_DELIVERED,
	};
	struct mbuf *mb = mbuf_alloc(16);
	struct imdn_out out = good;

	ck_assert_int_eq(EINVAL, imdn_encode(NULL, &good));
	ck_assert_int_eq(EINVAL, imdn_encode(mb, NULL));
	out.message_id = NULL;
	ck_assert_int_eq(EINVAL, imdn_encode(mb, &out));
	out = good;
	out.datetime = NULL;
	ck_assert_int_eq(EINVAL, imdn_encode(mb, &out));
	out = good;
	out.datetime = "d\r\n";
	ck_assert_int_eq(EINVAL, imdn_encode(mb, &out));
	out = good;
	out.recipient_uri = "\n";
	ck_assert_int_eq(EINVAL, imdn_encode(mb, &out));
	out = good;
	out.original_recipient_uri = "\xff";
	ck_assert_int_eq(EINVAL, imdn_encode(mb, &out));
	ck_assert_uint_eq(0, mb->end);
	ck_assert_int_eq(0, imdn_encode(mb, &good));
	mem_deref(mb);
}
END_TEST


START_TEST(test_status_name)
{
	ck_assert_str_eq("", imdn_status_name(IMDN_UNKNOWN));
	ck_assert_str_eq("", imdn_status_name((enum imdn_status)8));
	ck_assert_str_eq("", imdn_status_name((enum imdn_status)-1));
	ck_assert_str_eq("delivered", imdn_status_name(IMDN_DELIVERED));
	ck_assert_str_eq("error", imdn_status_name(IMDN_ERROR));
}
END_TEST


#define COUNT(v) ((int)(sizeof(v) / sizeof((v)[0])))


Suite *imdn_suite(void)
{
	Suite *s = suite_create("imdn");
	TCase *tc = tcase_create("decode");

	tcase_add_loop_test(tc, test_golden, 0, COUNT(goldenv));
	tcase_add_test(tc, test_vector_16);
	tcase_add_loop_test(tc, test_status, 0, COUNT(statusv));
	tcase_add_loop_test(tc, test_same, 0, COUNT(samev));
	tcase_add_test(tc, test_prefixes_of_trailer);
	tcase_add_loop_test(tc, test_bad, 0, COUNT(badv));
	tcase_add_loop_test(tc, test_doctype, 0, COUNT(doctypev));
	tcase_add_test(tc, test_billion_laughs);
	tcase_add_test(tc, test_depth);
	tcase_add_test(tc, test_text);
	tcase_add_test(tc, test_size);
	tcase_add_test(tc, test_decode_inval);
	suite_add_tcase(s, tc);

	tc = tcase_create("encode");
	tcase_add_test(tc, test_encode);
	tcase_add_loop_test(tc, test_encode_status, 0, COUNT(statusv));
	tcase_add_test(tc, test_encode_mismatch);
	tcase_add_test(tc, test_encode_refuses);
	tcase_add_test(tc, test_encode_inval);
	tcase_add_test(tc, test_status_name);
	suite_add_tcase(s, tc);

	return s;
}
