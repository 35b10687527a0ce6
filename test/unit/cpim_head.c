/**
 * @file test/unit/cpim_head.c  CPIM heads: RFC 3862, 2 and 3; RFC 5438, 6
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "cpim.h"


static int decode_err(const char *str, bool all)
{
	struct cpim_msg *msg;
	const int err = cpim_try(&msg, str, strlen(str), all);

	mem_deref(msg);

	return err;
}


START_TEST(test_rfc3862_subject)
{
	struct mbuf *mb = unit_file("cpim/rfc3862-5.1.txt");
	struct cpim_msg *msg;

	ck_assert_int_eq(0, cpim_try(&msg, mb->buf, mb->end, false));
	ASSERT_PL(msg->subject, "the weather will be fine today");
	ASSERT_PL(msg->to.dname, "Depressed Donkey");
	mem_deref(msg);
	mem_deref(mb);
}
END_TEST


static const struct {
	const char *line;
	const char *subject;
} subjectv[] = {
	{"Subject: a b\r\n", "a b"},
	{"Subject:a b\r\n", "a b"},
	{"Subject \t: \t a b \t\r\n", "a b"},
	{"SUBJECT: a b\n", "a b"},
	{"Subject: a b\r\r\n", "a b"},
	{"Subject:;lang=fr a b\r\n", "a b"},
	{"Subject:;lang=fr;x=\"p q\\\" r\" a b\r\n", "a b"},
	{"Subject:;lang=fr\r\n", NULL},
	{"Subject:;x=\"open a b\r\n", NULL},
	{"Subject: ;a b\r\n", ";a b"},
	{"Subject:\r\nSubject: a b\r\n", "a b"},
	{"Subject: a b\r\nSubject: c\r\n", "a b"},
	{"Subject: a\r\n b\r\n", "a   b"},
	{"Subject: a\n\tb\n", "a \tb"},
	{"Subject:\r\n a b\r\n", "a b"},
	{"Subject: a b\r\n \r\n", "a b"},
	{"Subject:;lang=fr\r\n a b\r\n", "a b"},
	{"x.Subject: a b\r\n", NULL},
	{"Subject: \xc3\xa9\r\n", "\xc3\xa9"},
};


START_TEST(test_subject)
{
	struct cpim_msg *msg;
	char str[512];

	snprintf(str, sizeof(str), MSG_HEAD "%s" MIME_HEAD "text",
		 subjectv[_i].line);
	msg = cpim_must(str);
	ASSERT_PL(msg->subject, subjectv[_i].subject);
	ASSERT_PL(msg->to.uri, "sip:b@example.com");
	ASSERT_PL(cpim_content(msg), "text");
	mem_deref(msg);
}
END_TEST


/* Where content headers begin, and where the body does */
static const struct {
	const char *str;
	const char *ctype;
	const char *body;
} shapev[] = {
	{MSG_HEAD MIME_HEAD "text", "text/plain", "text"},
	{"\r\n\n\r\n" MSG_HEAD MIME_HEAD "text", "text/plain", "text"},
	/* no content headers at all */
	{MSG_HEAD "\r\n\r\ntext", NULL, "text"},
	{MSG_HEAD "\n\ntext", NULL, "text"},
	/* LF */
	{"From: <sip:a@example.com>\nTo: <sip:b@example.com>\n\n"
	 "content-type: a/b\n\ntext", "a/b", "text"},
	/* no empty line between: the first one is the end */
	{MSG_HEAD "Content-Type: a/b\r\n\r\ntext", "a/b", "text"},
	{MSG_HEAD "Content-Type: a/b\r\n\r\n\r\ntext", "a/b", "\r\ntext"},
	{MSG_HEAD "Content-Type: a/b\r\n\r\nContent-Type: c/d\r\n\r\ntext",
	 "a/b", "Content-Type: c/d\r\n\r\ntext"},
	/* a body that looks like headers */
	{MSG_HEAD MIME_HEAD "From: <sip:c@d>\r\n\r\n", "text/plain",
	 "From: <sip:c@d>\r\n\r\n"},
	/* message headers behind the separator are none */
	{MSG_HEAD "\r\nFrom: <sip:c@d>\r\nSubject: s\r\nContent-Type: a/b\r\n"
	 "X-Other: y\r\n\r\ntext", "a/b", "text"},
	/* the first of two; folded */
	{MSG_HEAD "\r\nContent-Type: a/b;\r\n c=d\r\nContent-Type: e/f\r\n"
	 "\r\n", "a/b;   c=d", ""},
	/* no parameters in front of a content header's value */
	{MSG_HEAD "\r\nContent-Type:;a/b c\r\n\r\n", ";a/b c", ""},
	/* Content-Length is no framing */
	{MSG_HEAD "\r\nContent-Length: 2\r\nContent-Type: a/b\r\n\r\ntext",
	 "a/b", "text"},
};


START_TEST(test_shape)
{
	struct cpim_msg *msg = cpim_must(shapev[_i].str);

	ASSERT_PL(msg->from.uri, "sip:a@example.com");
	ASSERT_PL(msg->to.uri, "sip:b@example.com");
	ASSERT_PL(msg->subject, NULL);
	ASSERT_PL(msg->ctype, shapev[_i].ctype);
	ck_assert_uint_eq(cpim_content(msg).l, strlen(shapev[_i].body));
	ck_assert_mem_eq(cpim_content(msg).p, shapev[_i].body,
			 cpim_content(msg).l);
	mem_deref(msg);
}
END_TEST


static const char *const badv[] = {
	"no header\r\n",
	"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
	"<?xml version=\"1.0\"?>\r\n",
	": value\r\n",
	" From: <sip:a@b>\r\n",
	"From: <sip:a@b>\r\nno header\r\n",
	"Fr om: <sip:a@b>\r\n",
	"\xc3\xa9: x\r\n",
	MSG_HEAD "Subject: a\rb\r\n",
	/* no header of a message: some MIME entity */
	"Content-Type: text/plain\r\n\r\ntext",
	/* behind the separator */
	MSG_HEAD "\r\nno header\r\n",
	MSG_HEAD "\r\n folded\r\n",
	MSG_HEAD "\r\nContent-Type: a/b\r\nno header\r\n\r\n",
};


START_TEST(test_bad)
{
	ck_assert_int_eq(EBADMSG, decode_err(badv[_i], false));
	ck_assert_int_eq(EBADMSG, decode_err(badv[_i], true));
}
END_TEST


START_TEST(test_zero_octet)
{
	static const char str[] = MSG_HEAD "Subject: a\0b\r\n" MIME_HEAD;
	struct cpim_msg *msg;

	ck_assert_int_eq(EBADMSG, cpim_try(&msg, str, sizeof(str) - 1, false));
	ck_assert_int_eq(EBADMSG, cpim_try(&msg, str, sizeof(str) - 1, true));
}
END_TEST


/* What the end cuts */
static const struct {
	const char *str;
	int err;
	const char *ctype;
	const char *body;
} cutv[] = {
	{"", EBADMSG, NULL, NULL},
	{"\r\n", EBADMSG, NULL, NULL},
	{"From: <sip:a@example.com>", EBADMSG, NULL, NULL},
	{MSG_HEAD, EBADMSG, NULL, NULL},
	{"Content-Type: a/b", EBADMSG, NULL, NULL},
	{MSG_HEAD "\r\n", 0, NULL, ""},
	{MSG_HEAD "\r", 0, NULL, ""},
	{MSG_HEAD "Content-Type: a/b", 0, "a/b", ""},
	{MSG_HEAD "Content-Type: a/b\r\n", 0, "a/b", ""},
	{MSG_HEAD "\r\nContent-Type: a/b", 0, "a/b", ""},
	{MSG_HEAD "\r\nContent-Type: a/b;\r\n c", 0, "a/b;   c", ""},
	{MSG_HEAD "\r\nContent-Type: a/b\r\n\r", 0, "a/b", ""},
	{MSG_HEAD "\r\nContent-Type: a/b\r\nConte", 0, "a/b", "Conte"},
	{MSG_HEAD "\r\nHello world", 0, NULL, "Hello world"},
};


START_TEST(test_cut)
{
	struct cpim_msg *msg;
	const char *str = cutv[_i].str;

	ck_assert_int_eq(cutv[_i].err, cpim_try(&msg, str, strlen(str), true));
	ck_assert_int_ne(0, decode_err(str, false));
	if (cutv[_i].err)
		return;

	ASSERT_PL(msg->from.uri, "sip:a@example.com");
	ASSERT_PL(msg->ctype, cutv[_i].ctype);
	ck_assert_uint_eq(cpim_content(msg).l, strlen(cutv[_i].body));
	ck_assert_mem_eq(cpim_content(msg).p, cutv[_i].body,
			 cpim_content(msg).l);
	mem_deref(msg);
}
END_TEST


/* imdn headers and the namespace they are in */
static const struct {
	const char *lines;
	const char *msgid;
	unsigned notify;
} nsv[] = {
	{"NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m\r\n",
	 "m", 0},
	{"NS: imdn<urn:ietf:params:imdn>\r\nimdn.Message-ID:m\r\n", "m", 0},
	{"NS:imdn<urn:ietf:params:imdn>\r\nimdn.Message-ID: m\r\n", "m", 0},
	{"ns: imdn <URN:ietf:params:IMDN>\r\nIMDN.message-id: m\r\n",
	 "m", 0},
	{"imdn.Message-ID: m\r\nNS: imdn <urn:ietf:params:imdn>\r\n",
	 "m", 0},
	{"imdn.Message-ID: m\r\n", "m", 0},
	{"NS: d <urn:ietf:params:imdn>\r\nd.Message-ID: m\r\n", "m", 0},
	{"d.Message-ID: m\r\nNS: e <urn:e>\r\nNS: d<urn:ietf:params:imdn>"
	 "\r\n", "m", 0},
	{"NS: <urn:ietf:params:imdn>\r\nMessage-ID: m\r\n", "m", 0},
	{"NS:;x=y imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m\r\n",
	 "m", 0},
	{"NS: imdn <urn:ietf:par\r\nimdn.Message-ID: m\r\n", "m", 0},
	/* another prefix declared, the usual one used as well */
	{"NS: d <urn:ietf:params:imdn>\r\nimdn.Message-ID: m\r\n", "m", 0},
	/* not in the namespace */
	{"NS: imdn <urn:other>\r\nimdn.Message-ID: m\r\n", NULL, 0},
	{"d.Message-ID: m\r\n", NULL, 0},
	{"Message-ID: m\r\n", NULL, 0},
	{"imdnx.Message-ID: m\r\nimd.Message-ID: m\r\n", NULL, 0},
	{".Message-ID: m\r\n", NULL, 0},
	/* the first one */
	{"imdn.Message-ID: m\r\nimdn.Message-ID: n\r\n", "m", 0},
	{"imdn.Message-ID: \r\nimdn.Message-ID: m\r\n", "m", 0},
	/* dispositions */
	{"imdn.Disposition-Notification: positive-delivery\r\n", NULL,
	 CPIM_POSITIVE_DELIVERY},
	{"imdn.Disposition-Notification:negative-delivery,display"
	 "\r\n", NULL, CPIM_NEGATIVE_DELIVERY | CPIM_DISPLAY},
	{"imdn.disposition-notification:  Processing ,\tINTERWORKING,,"
	 "\r\n", NULL, CPIM_PROCESSING | CPIM_INTERWORKING},
	{"imdn.Disposition-Notification: display;a=b;c, unknown, "
	 "positive-delivery ; d\r\n", NULL,
	 CPIM_DISPLAY | CPIM_POSITIVE_DELIVERY},
	{"imdn.Disposition-Notification: display\r\n"
	 "imdn.Disposition-Notification: negative-delivery\r\n", NULL,
	 CPIM_DISPLAY | CPIM_NEGATIVE_DELIVERY},
	{"imdn.Disposition-Notification: display,\r\n processing\r\n",
	 NULL, CPIM_DISPLAY | CPIM_PROCESSING},
	{"imdn.Disposition-Notification: displayed, xdisplay, ;display\r\n",
	 NULL, 0},
	{"Disposition-Notification: display\r\n", NULL, 0},
};


START_TEST(test_ns)
{
	struct cpim_msg *msg;
	char str[512];

	snprintf(str, sizeof(str), MSG_HEAD "%s" MIME_HEAD, nsv[_i].lines);
	msg = cpim_must(str);
	ASSERT_PL(msg->imdn_msgid, nsv[_i].msgid);
	ck_assert_uint_eq(msg->notify, nsv[_i].notify);
	mem_deref(msg);
}
END_TEST


START_TEST(test_routes)
{
	struct cpim_msg *msg = cpim_must(
		MSG_HEAD
		"i.IMDN-Record-Route: One <sip:1@example.com;lr>\r\n"
		"i.Original-To: \"Bob\" <sip:bob@example.com>\r\n"
		"i.Original-To: <sip:second@example.com>\r\n"
		"i.IMDN-Record-Route: im:2@example.com\r\n"
		"i.IMDN-Record-Route: <sip:cut@example\r\n"
		"i.IMDN-Record-Route: no route\r\n"
		"NS: i <urn:ietf:params:imdn>\r\n"
		"i.IMDN-Record-Route: tel:3\r\n" MIME_HEAD);

	ASSERT_PL(msg->orig_to, "sip:bob@example.com");
	ck_assert_uint_eq(3, msg->routec);
	ASSERT_PL(msg->routev[0], "sip:1@example.com;lr");
	ASSERT_PL(msg->routev[1], "im:2@example.com");
	ASSERT_PL(msg->routev[2], "tel:3");
	mem_deref(msg);
}
END_TEST


START_TEST(test_route_max)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct cpim_msg *msg;
	char last[32];
	int i;

	ck_assert_int_eq(0, mbuf_write_str(mb, MSG_HEAD));
	for (i=0; i<CPIM_ROUTE_MAX + 2; i++)
		ck_assert_int_eq(0, mbuf_printf(mb,
			"imdn.IMDN-Record-Route: <sip:%d@x>\r\n", i));
	ck_assert_int_eq(0, mbuf_write_str(mb, MIME_HEAD));

	ck_assert_int_eq(0, cpim_try(&msg, mb->buf, mb->end, false));
	ck_assert_uint_eq(CPIM_ROUTE_MAX, msg->routec);
	snprintf(last, sizeof(last), "sip:%d@x", CPIM_ROUTE_MAX - 1);
	ASSERT_PL(msg->routev[CPIM_ROUTE_MAX - 1], last);
	mem_deref(msg);
	mem_deref(mb);
}
END_TEST


START_TEST(test_first_address)
{
	struct cpim_msg *msg = cpim_must(
		"From: nobody\r\nFrom: <sip:a@x>\r\nFrom: <sip:b@x>\r\n"
		"To: \"C, D\" <sip:c@x>\r\nTo: <sip:d@x>\r\n" MIME_HEAD);

	ASSERT_PL(msg->from.uri, "sip:a@x");
	ASSERT_PL(msg->from.dname, NULL);
	ASSERT_PL(msg->to.uri, "sip:c@x");
	ASSERT_PL(msg->to.dname, "C, D");
	mem_deref(msg);
}
END_TEST


/* The views hold their buffer */
START_TEST(test_shared)
{
	struct mbuf *mb = cpim_exact(MSG_HEAD MIME_HEAD "text",
				strlen(MSG_HEAD MIME_HEAD "text"));
	struct cpim_msg *msg = NULL;

	ck_assert_int_eq(0, cpim_decode(&msg, mb));
	ck_assert_uint_eq(4, mbuf_get_left(mb));
	mem_deref(mb);
	ASSERT_PL(msg->from.uri, "sip:a@example.com");
	ASSERT_PL(cpim_content(msg), "text");
	mem_deref(msg);
}
END_TEST


START_TEST(test_decode_inval)
{
	struct mbuf *mb = mbuf_alloc(8);
	struct cpim_msg *msg = NULL;

	ck_assert_int_eq(EINVAL, cpim_decode(NULL, mb));
	ck_assert_int_eq(EINVAL, cpim_decode(&msg, NULL));
	ck_assert_int_eq(EINVAL, cpim_decode_all(NULL, mb));
	ck_assert_int_eq(EINVAL, cpim_decode_all(&msg, NULL));
	ck_assert_int_eq(ENODATA, cpim_decode(&msg, mb));
	ck_assert_int_eq(EBADMSG, cpim_decode_all(&msg, mb));
	ck_assert_ptr_null(msg);
	mem_deref(mb);
}
END_TEST


/* @param head Octets of the head, without the body behind it */
static int decode_head_size(size_t head, size_t left, bool all)
{
	static const char start[] = MSG_HEAD "Subject: ", end[] =
		"\r\n" MIME_HEAD;
	struct mbuf *mb = mbuf_alloc(head + 100);
	struct cpim_msg *msg;
	int err;

	ck_assert_int_eq(0, mbuf_write_str(mb, start));
	ck_assert_int_eq(0, mbuf_fill(mb, 'x', head + 2 - sizeof(start) -
				      sizeof(end)));
	ck_assert_int_eq(0, mbuf_write_str(mb, end));
	ck_assert_uint_eq(mb->end, head);
	ck_assert_int_eq(0, mbuf_fill(mb, 'y', 100));

	err = cpim_try(&msg, mb->buf, head + 100 - left, all);
	if (!err)
		ck_assert_uint_eq(msg->body, 3 + head);
	mem_deref(msg);
	mem_deref(mb);

	return err;
}


START_TEST(test_head_max)
{
	ck_assert_int_eq(0, decode_head_size(CPIM_HEAD_MAX, 0, false));
	ck_assert_int_eq(0, decode_head_size(CPIM_HEAD_MAX, 100, true));
	ck_assert_int_eq(ENODATA,
			 decode_head_size(CPIM_HEAD_MAX, 101, false));
	ck_assert_int_eq(EOVERFLOW,
			 decode_head_size(CPIM_HEAD_MAX + 1, 0, false));
	ck_assert_int_eq(EOVERFLOW,
			 decode_head_size(CPIM_HEAD_MAX + 1, 100, true));
	/* without an end in sight */
	ck_assert_int_eq(ENODATA,
			 decode_head_size(3 * CPIM_HEAD_MAX,
					  2 * CPIM_HEAD_MAX + 100, false));
	ck_assert_int_eq(EOVERFLOW,
			 decode_head_size(3 * CPIM_HEAD_MAX,
					  2 * CPIM_HEAD_MAX + 99, false));
}
END_TEST


static int decode_headers(unsigned n, bool all)
{
	struct mbuf *mb = mbuf_alloc(4096);
	struct cpim_msg *msg;
	unsigned i;
	int err;

	ck_assert_int_eq(0, mbuf_write_str(mb, MSG_HEAD));
	for (i=3; i<n; i++)
		ck_assert_int_eq(0, mbuf_printf(mb, "X-%u: y\r\n", i));
	ck_assert_int_eq(0, mbuf_write_str(mb, MIME_HEAD));
	err = cpim_try(&msg, mb->buf, mb->end, all);
	mem_deref(msg);
	mem_deref(mb);

	return err;
}


START_TEST(test_hdr_max)
{
	ck_assert_int_eq(0, decode_headers(CPIM_HDR_MAX, false));
	ck_assert_int_eq(EOVERFLOW, decode_headers(CPIM_HDR_MAX + 1, false));
	ck_assert_int_eq(0, decode_headers(CPIM_HDR_MAX, true));
	ck_assert_int_eq(EOVERFLOW, decode_headers(CPIM_HDR_MAX + 1, true));
}
END_TEST


/* Any octet anywhere, in a message that has everything: no crash, no read
   outside, and never more headers or octets than there are */
START_TEST(test_mutations)
{
	static const char str[] =
		"From: \"A\" <sip:a@x>\r\nNS:i<urn:ietf:params:imdn>\r\n"
		"Subject:;lang=\"f\" \\u00e9\r\n s\r\n"
		"i.IMDN-Record-Route: <sip:r@x>\r\n\r\n"
		"Content-Type: a/b\r\n\r\ntext";
	static const char octv[] = "\0\r\n\t :;<>\"\\.=aC\x7f\xff";
	char buf[sizeof(str) - 1];
	struct cpim_msg *msg;
	size_t i, j;
	int all;

	for (i=0; i<sizeof(buf); i++) {
		for (j=0; j<sizeof(octv) - 1; j++) {
			memcpy(buf, str, sizeof(buf));
			buf[i] = octv[j];
			for (all=0; all<2; all++) {
				if (!cpim_try(&msg, buf, sizeof(buf), all))
					ck_assert_uint_le(msg->routec, 1);
				mem_deref(msg);
			}
		}
	}
}
END_TEST


TCase *cpim_head_case(void)
{
	TCase *tc = tcase_create("head");

	tcase_add_test(tc, test_rfc3862_subject);
	tcase_add_loop_test(tc, test_subject, 0, COUNT(subjectv));
	tcase_add_loop_test(tc, test_shape, 0, COUNT(shapev));
	tcase_add_loop_test(tc, test_bad, 0, COUNT(badv));
	tcase_add_test(tc, test_zero_octet);
	tcase_add_loop_test(tc, test_cut, 0, COUNT(cutv));
	tcase_add_loop_test(tc, test_ns, 0, COUNT(nsv));
	tcase_add_test(tc, test_routes);
	tcase_add_test(tc, test_route_max);
	tcase_add_test(tc, test_first_address);
	tcase_add_test(tc, test_shared);
	tcase_add_test(tc, test_decode_inval);
	tcase_add_test(tc, test_head_max);
	tcase_add_test(tc, test_hdr_max);
	tcase_add_test(tc, test_mutations);

	return tc;
}
