/**
 * @file content.c  What a SIP MESSAGE carries
 *
 * What becomes of it, end to end: test/e2e/test_page.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <string.h>
/* libre declares one too */
#define crc32 zlib_crc32
#include <zlib.h>
#undef crc32
#include "unit.h"
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/content.h"


static const struct {
	const char *val;
	uint64_t ms;          /* 0: none                                    */
} datev[] = {
	{"Sat, 13 Nov 2010 23:29:00 GMT", 1289690940000},
	{"Thu, 01 Jan 1970 00:00:01 GMT", 1000},
	{"Sat,  24 Oct 2020  02:24:11 GMT", 1603506251000},
	{"Mon, 29 Feb 2016 12:00:00 GMT", 1456747200000},
	{"Sun, 29 Feb 2015 12:00:00 GMT", 0},
	{"Sat, 13 ovD 2010 23:29:00 GMT", 0},
	{"Sat, 13 nov 2010 23:29:00 GMT", 0},
	{"Sat, 32 Nov 2010 23:29:00 GMT", 0},
	{"Sat, 13 Nov 2010 25:29:00 GMT", 0},
	{"Sat, 13 Nov 2010 ::::::00 GMT", 0},
	{"Sat, 13 Nov 2010 23:29:00 CET", 0},
	{"Sat, 13 Nov 10 23:29:00 GMT", 0},
	{"13 Nov 2010 23:29:00 GMT", 0},
	{"2010-11-13T23:29:00Z", 0},
	{"", 0},
};


START_TEST(date)
{
	struct pl pl;
	uint64_t ms = 7;
	int err;

	pl_set_str(&pl, datev[_i].val);
	err = content_date(&ms, &pl);
	ck_assert_int_eq(datev[_i].ms ? 0 : EBADMSG, err);
	ck_assert_uint_eq(datev[_i].ms ? datev[_i].ms : 7, ms);
}
END_TEST


#define CPIM "From: <sip:bob@cpm.test>\r\n\r\nContent-Type: text/plain\r\n" \
	"\r\nHi"
#define IMDN(to) to "NS: imdn <urn:ietf:params:imdn>\r\n" \
	"imdn.Message-ID: x\r\n" CPIM
#define PART(type, body) "\r\n--b\r\n" type "\r\n" body
#define TYPE(type) "Content-Type: " type "\r\n"

static const struct {
	const char *head;
	const char *body;
	int err;
	bool bare;
	const char *ctype;
	const char *mb;
} contentv[] = {
	{TYPE("message/cpim"), CPIM, 0, false, "message/cpim", CPIM},
	{"c: Message/CPIM ;x=y\r\n", CPIM, 0, false, "Message/CPIM ;x=y",
	 CPIM},
	{TYPE("message/cpim\r\n ;x=y"), CPIM, 0, false,
	 "message/cpim\r\n ;x=y", CPIM},
	{TYPE("text/plain;charset=utf-8"), "Hi", 0, true,
	 "text/plain;charset=utf-8", "Hi"},
	/* as msilo passes it on; without an id it may be a letter */
	{TYPE("text/plain"), IMDN("To: <sip:alice@cpm.test>\r\n"), 0, false,
	 "text/plain", IMDN("To: <sip:alice@cpm.test>\r\n")},
	{TYPE("text/plain"), IMDN(""), 0, true, "text/plain", IMDN("")},
	{TYPE("text/plain"), "To: <sip:alice@cpm.test>\r\n" CPIM, 0, true,
	 "text/plain", "To: <sip:alice@cpm.test>\r\n" CPIM},
	{TYPE("text/plain"), "See urn:ietf:params:imdn", 0, true,
	 "text/plain", "See urn:ietf:params:imdn"},
	/* as many octets as are said to be there, or all */
	{TYPE("text/plain") "Content-Length: 1\r\n", "Hi", 0, true,
	 "text/plain", "H"},
	{TYPE("text/plain") "l: 2\r\n", "Hi", 0, true, "text/plain", "Hi"},
	{TYPE("text/plain") "Content-Length: 3\r\n", "Hi", EBADMSG, false,
	 NULL, NULL},
	{TYPE("text/plain") "Content-Length: 0\r\n", "Hi", EBADMSG, false,
	 NULL, NULL},
	{TYPE("text/plain") "Content-Length: -1\r\n", "Hi", EBADMSG, false,
	 NULL, NULL},
	{TYPE("text/plain") "Content-Length: 99999999999\r\n", "Hi", EBADMSG,
	 false, NULL, NULL},
	{"X: y\r\n", "Hi", EBADMSG, false, NULL, NULL},
	{TYPE("text/plain"), "", EBADMSG, false, NULL, NULL},
	{TYPE("text/html"), "Hi", ENOTSUP, false, NULL, NULL},
	{TYPE("message/cpimx"), CPIM, ENOTSUP, false, NULL, NULL},
	/* parts: CPIM, else the first text */
	{TYPE("multipart/mixed;boundary=b"), PART(TYPE("text/plain"), "no")
	 PART(TYPE("message/cpim"), CPIM) "\r\n--b--", 0, false,
	 "message/cpim", CPIM},
	{TYPE("Multipart/Alternative;boundary=b"), PART(TYPE("text/html"),
	 "<b>") PART(TYPE("text/plain"), "1") PART("", "2") "\r\n--b--", 0,
	 true, "text/plain", "1"},
	/* of which one would be lost */
	{TYPE("multipart/mixed;boundary=b"), PART(TYPE("text/plain"), "1")
	 PART(TYPE("image/png"), "2") "\r\n--b--", ENOTSUP, false, NULL,
	 NULL},
	{TYPE("multipart/mixed;boundary=b"), PART(TYPE("text/plain"), "1")
	 PART("", "2") "\r\n--b--", ENOTSUP, false, NULL, NULL},
	{TYPE("multipart/mixed;boundary=b"), PART("", "none said")
	 "\r\n--b--", 0, true, "", "none said"},
	{TYPE("multipart/mixed;boundary=b"), PART(TYPE("message/cpim")
	 "Content-Transfer-Encoding: base64\r\n", "SGk=") "\r\n--b--", 0,
	 false, "message/cpim", "Hi"},
	{TYPE("multipart/mixed;boundary=b"), PART(TYPE("message/cpim")
	 "Content-Transfer-Encoding: x-own\r\n", "SGk=") "\r\n--b--",
	 ENOTSUP, false, NULL, NULL},
	{TYPE("multipart/mixed;boundary=b"), PART(TYPE("message/cpim")
	 "Content-Transfer-Encoding: base64\r\n", "?") "\r\n--b--", EBADMSG,
	 false, NULL, NULL},
	{TYPE("multipart/mixed;boundary=b"), PART(TYPE("message/cpim"), CPIM)
	 PART(TYPE("message/cpim"), CPIM) "\r\n--b--", ENOTSUP, false, NULL,
	 NULL},
	{TYPE("multipart/mixed;boundary=b"), PART(TYPE("image/png"), "x")
	 "\r\n--b--", ENOTSUP, false, NULL, NULL},
	{TYPE("multipart/mixed"), PART("", "x") "\r\n--b--", EBADMSG, false,
	 NULL, NULL},
};


START_TEST(content)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;
	struct content c;

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, mbuf_printf(mb, "MESSAGE sip:a@b SIP/2.0\r\n"
					"%s\r\n%s", contentv[_i].head,
					contentv[_i].body));
	mb->pos = 0;
	ck_assert_int_eq(0, sip_msg_decode(&msg, mb));
	ck_assert_int_eq(contentv[_i].err, content_decode(&c, msg));
	if (contentv[_i].err) {
		ck_assert_ptr_null(c.mb);
	}
	else {
		ck_assert_int_eq(contentv[_i].bare, c.bare);
		ck_assert_int_eq(0, pl_strcmp(&c.ctype, contentv[_i].ctype));
		ck_assert_uint_eq(strlen(contentv[_i].mb),
				  mbuf_get_left(c.mb));
		ck_assert_int_eq(0, memcmp(contentv[_i].mb, mbuf_buf(c.mb),
					   mbuf_get_left(c.mb)));
	}
	content_reset(&c);
	mem_deref(msg);
	mem_deref(mb);
}
END_TEST


/* A request with a body that came compressed; cut: octets less, or more */
static int coded(struct content *c, const char *head, int bits,
		 const struct pl *body, int cut, struct mbuf **mbp,
		 struct sip_msg **msgp)
{
	z_stream z = {.zalloc = Z_NULL};
	uint8_t buf[4096] = {0};
	size_t len;

	ck_assert_int_eq(Z_OK, deflateInit2(&z, 9, Z_DEFLATED, bits, 8,
					    Z_DEFAULT_STRATEGY));
	z.next_in = (Bytef *)body->p;
	z.avail_in = (uInt)body->l;
	z.next_out = buf;
	z.avail_out = sizeof(buf);
	ck_assert_int_eq(Z_STREAM_END, deflate(&z, Z_FINISH));
	len = sizeof(buf) - z.avail_out - (size_t)cut;
	deflateEnd(&z);

	*mbp = mbuf_alloc(8192);
	ck_assert_int_eq(0, mbuf_printf(*mbp, "MESSAGE sip:a@b SIP/2.0\r\n"
		"%sContent-Length: %zu\r\n\r\n", head, len));
	ck_assert_int_eq(0, mbuf_write_mem(*mbp, buf, len));
	(*mbp)->pos = 0;
	*msgp = NULL;
	ck_assert_int_eq(0, sip_msg_decode(msgp, *mbp));

	return content_decode(c, *msgp);
}


#define CODED(coding) TYPE("message/cpim") "Content-Encoding: " coding "\r\n"

static const struct {
	const char *head;
	int bits;             /* of zlib: its format, or +16: gzip's        */
	int cut;
	int err;
	size_t size;          /* 0: a CPIM message                          */
} codedv[] = {
	{CODED("deflate"), 15, 0, 0, 0},
	{CODED("Deflate"), 15 + 16, 0, 0, 0},
	{CODED("gzip"), 15 + 16, 0, 0, 0},
	{CODED("identity") CODED("gzip"), 15 + 16, 0, 0, 0},
	{"c: message/cpim\r\ne: deflate\r\n", 9, 0, 0, 0},
	/* not whole, and more than that */
	{CODED("deflate"), 15, 1, EBADMSG, 0},
	{CODED("gzip"), 15 + 16, 4, EBADMSG, 0},
	{CODED("gzip"), 15 + 16, -1, EBADMSG, 0},
	/* not what it says: no head at all */
	{CODED("deflate"), -15, 0, EBADMSG, 0},
	{CODED("br"), 15, 0, ENOTSUP, 0},
	{CODED("deflate, gzip"), 15, 0, ENOTSUP, 0},
	{CODED("deflate") "Content-Encoding: gzip\r\n", 15, 0, ENOTSUP, 0},
	/* 300 octets that stand for as many thousands */
	{CODED("deflate"), 15, 0, 0, CONTENT_PLAIN_MAX},
	{CODED("deflate"), 15, 0, EMSGSIZE, CONTENT_PLAIN_MAX + 1},
};


START_TEST(inflated)
{
	static char many[CONTENT_PLAIN_MAX + 1];
	struct sip_msg *msg;
	struct content c;
	struct mbuf *mb;
	struct pl body;

	pl_set_str(&body, CPIM);
	if (codedv[_i].size) {
		memset(many, 'x', sizeof(many));
		body.p = many;
		body.l = codedv[_i].size;
	}
	ck_assert_int_eq(codedv[_i].err, coded(&c, codedv[_i].head,
		codedv[_i].bits, &body, codedv[_i].cut, &mb, &msg));
	if (codedv[_i].err) {
		ck_assert_ptr_null(c.mb);
		ck_assert_ptr_null(c.plain);
	}
	else {
		ck_assert(!c.bare);
		ck_assert_uint_eq(body.l, mbuf_get_left(c.mb));
		ck_assert_int_eq(0, memcmp(body.p, mbuf_buf(c.mb), body.l));
	}
	content_reset(&c);
	mem_deref(msg);
	mem_deref(mb);
}
END_TEST


/* What is said of a part is of what was made of the body */
START_TEST(inflated_parts)
{
	struct sip_msg *msg;
	struct content c;
	struct mbuf *mb;
	struct pl body;

	pl_set_str(&body, PART(TYPE("text/plain;x=y"), "the text")
		   "\r\n--b--");
	ck_assert_int_eq(0, coded(&c, TYPE("multipart/alternative;boundary=b")
		"Content-Encoding: deflate\r\n", 15, &body, 0, &mb, &msg));
	ck_assert(c.bare);
	ck_assert_int_eq(0, pl_strcmp(&c.ctype, "text/plain;x=y"));
	ck_assert_uint_eq(8, mbuf_get_left(c.mb));
	ck_assert_int_eq(0, memcmp("the text", mbuf_buf(c.mb), 8));
	content_reset(&c);
	mem_deref(msg);
	mem_deref(mb);
}
END_TEST


Suite *content_suite(void)
{
	Suite *s = suite_create("content");
	TCase *tc = tcase_create("content");

	tcase_add_loop_test(tc, date, 0, (int)ARRAY_SIZE(datev));
	tcase_add_loop_test(tc, content, 0, (int)ARRAY_SIZE(contentv));
	tcase_add_loop_test(tc, inflated, 0, (int)ARRAY_SIZE(codedv));
	tcase_add_test(tc, inflated_parts);
	suite_add_tcase(s, tc);

	return s;
}
