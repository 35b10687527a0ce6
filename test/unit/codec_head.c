/**
 * @file codec_head.c  MSRP start line and headers (RFC 4975, 9)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "codec_unit.h"


/* Every proper prefix wants more, and leaves pos alone */
static void prefix_check(const char *str)
{
	struct mbuf *mb = codec_buf(str);
	struct msrp_head head;
	size_t i, end = mb->end;

	for (i=0; i<end; i++) {
		mb->end = i;
		ck_assert_int_eq(ENODATA, msrp_head_decode(&head, mb));
		ck_assert_uint_eq(0, mb->pos);
	}
	mb->end = end;
	ck_assert_int_eq(0, msrp_head_decode(&head, mb));
	ck_assert_uint_eq(end, mb->pos);
	mem_deref(mb);
}


START_TEST(test_vector_prefix)
{
	static const char *namev[] = {
		"vectors/20-msrp-empty-send-loadtool.txt",
		"vectors/26-msrp-empty-send-aosp-odd-byte-range.txt",
	};
	struct mbuf *mb = unit_file(namev[_i]);
	char *str;

	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	prefix_check(str);
	mem_deref(str);
	mem_deref(mb);
}
END_TEST


static const char *goodv[] = {
	"MSRP abcd SEND\r\n" PATHS "-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "-------abcd+\r\n",
	"MSRP abcd SEND\r\n" PATHS "-------abcd#\r\n",
	"MSRP abcd SEND\r\n" PATHS "Content-Type: text/plain\r\n\r\n",
	"MSRP abcd SEND\r\n" PATHS "Byte-Range: 1-*/*\r\n-------abcd$\r\n",
	/* no blank behind the colon, names in any case, odd order */
	"MSRP abcd SEND\r\nfrom-path:msrp://b.example:2/s2;tcp\r\n"
		"MESSAGE-ID:x\r\nTO-PATH:\tmsrp://a.example:1/s1;tcp \r\n"
		"failure-report:PARTIAL\r\n-------abcd$\r\n",
	"MSRP abcd 200\r\n" PATHS "-------abcd$\r\n",
	"MSRP abcd 413 Too \xc3\xa4\r\n" PATHS "-------abcd$\r\n",
	"MSRP abcd NICKNAME\r\n" PATHS "X-Other:\r\n-------abcd$\r\n",
	"MSRP a.-+%= SEND\r\n" PATHS "-------a.-+%=$\r\n",
	"MSRP 01234567890123456789012345678901 SEND\r\n" PATHS
		"-------01234567890123456789012345678901$\r\n",
};


START_TEST(test_head_good)
{
	prefix_check(goodv[_i]);
}
END_TEST


static const char *badv[] = {
	"G", "MSRPX", "msrp abcd SEND\r\n",
	"MSRP abc SEND\r\n",                       /* tid too short      */
	"MSRP 012345678901234567890123456789012 SEND\r\n",
	"MSRP +bcd SEND\r\n",
	"MSRP ab/cd SEND\r\n",
	"MSRP abcd\r\n",
	"MSRP abcd SEND x\r\n",
	"MSRP abcd Send\r\n",
	"MSRP abcd 20\r\n",
	"MSRP abcd 2000\r\n",
	"MSRP abcd 20a OK\r\n",
	"MSRP abcd SEND\n",
	"MSRP d93k SEND\r\n-------d93k$\r\n",      /* no paths           */
	"MSRP abcd SEND\r\nTo-Path: msrp://a/s;tcp\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\nFrom-Path: msrp://a/s;tcp\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "To-Path: x\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "no colon\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS ": no name\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "a b: c\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "A: \x01\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "A: b\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Message-ID: a b\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Message-ID:\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Message-ID: a\r\nMessage-ID: a\r\n"
		"-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Byte-Range: 1-1/1\r\n"
		"Byte-Range: 1-1/1\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Failure-Report: x\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "Success-Report: x\r\n-------abcd$\r\n",
	/* the end-line of another one is no header */
	"MSRP abcd SEND\r\n" PATHS "-------abce$\r\n-------abcd$\r\n",
	"MSRP abcd SEND\r\n" PATHS "-------abcd\r\n-------abcd$\r\n",
};


START_TEST(test_head_bad)
{
	struct mbuf *mb = codec_buf(badv[_i]);
	struct msrp_head head;

	ck_assert_int_eq(EBADMSG, msrp_head_decode(&head, mb));
	ck_assert_uint_eq(0, mb->pos);
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_null_octet)
{
	struct mbuf *mb = codec_buf("MSRP abcd SEND\r\n" PATHS
				  "A: xx\r\n-------abcd$\r\n");
	struct msrp_head head;

	mb->buf[mb->end - 20] = '\0';
	ck_assert_int_eq(EBADMSG, msrp_head_decode(&head, mb));
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_limits)
{
	struct mbuf *mb = codec_buf("MSRP abcd SEND\r\n" PATHS);
	struct msrp_head head;
	size_t i, end = mb->end;

	/* two are there already */
	mb->pos = end;
	for (i=2; i<MSRP_HDR_MAX; i++)
		ck_assert_int_eq(0, mbuf_write_str(mb, "X: y\r\n"));
	i = mb->pos;
	ck_assert_int_eq(0, mbuf_write_str(mb, "-------abcd$\r\n"));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, mb));

	mb->pos = i;
	ck_assert_int_eq(0, mbuf_write_str(mb, "X: y\r\n-------abcd$\r\n"));
	mb->pos = 0;
	ck_assert_int_eq(EOVERFLOW, msrp_head_decode(&head, mb));
	ck_assert_uint_eq(0, mb->pos);

	/* a header that does not end */
	mb->pos = end;
	ck_assert_int_eq(0, mbuf_write_str(mb, "X: "));
	ck_assert_int_eq(0, mbuf_fill(mb, 'y', MSRP_HEAD_MAX - mb->pos - 1));
	mb->end = mb->pos;
	mb->pos = 0;
	ck_assert_int_eq(ENODATA, msrp_head_decode(&head, mb));
	mb->pos = mb->end;
	ck_assert_int_eq(0, mbuf_fill(mb, 'y', 1));
	mb->pos = 0;
	ck_assert_int_eq(EOVERFLOW, msrp_head_decode(&head, mb));
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_msgid)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct msrp_head head;
	size_t n;

	for (n=MSRP_MSGID_MAX; n<=MSRP_MSGID_MAX+1; n++) {
		mb->pos = mb->end = 0;
		ck_assert_int_eq(0, mbuf_write_str(mb, "MSRP abcd SEND\r\n"
						   PATHS "Message-ID: "));
		ck_assert_int_eq(0, mbuf_fill(mb, 'm', n));
		ck_assert_int_eq(0, mbuf_write_str(mb,
						   "\r\n-------abcd$\r\n"));
		mb->pos = 0;
		ck_assert_int_eq(n > MSRP_MSGID_MAX ? EOVERFLOW : 0,
				 msrp_head_decode(&head, mb));
	}
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_einval)
{
	struct mbuf *mb = mbuf_alloc(16);
	struct msrp_head head;

	ck_assert_int_eq(EINVAL, msrp_head_decode(NULL, mb));
	ck_assert_int_eq(EINVAL, msrp_head_decode(&head, NULL));
	ck_assert_int_eq(ENODATA, msrp_head_decode(&head, mb));
	mem_deref(mb);
}
END_TEST


static const struct {
	const char *str;
	bool ok;
	struct msrp_range r;
} rangev[] = {
	{"1-10/10", true, {1, 10, 10, true, true}},
	{"1-*/*", true, {1, 0, 0, false, false}},
	{"11-*/20", true, {11, 0, 20, false, true}},
	{"11-20/*", true, {11, 20, 0, true, false}},
	{"1-0/0", true, {1, 0, 0, true, true}},
	{"1-18446744073709551615/*", true,
		{1, UINT64_MAX, 0, true, false}},
	{"1-18446744073709551616/*", false, {0, 0, 0, false, false}},
	{"1/0-0", false, {0, 0, 0, false, false}},
	{"1-10", false, {0, 0, 0, false, false}},
	{"1-10/", false, {0, 0, 0, false, false}},
	{"-10/10", false, {0, 0, 0, false, false}},
	{"*-10/10", false, {0, 0, 0, false, false}},
	{"1-10/10x", false, {0, 0, 0, false, false}},
	{"1 - 10/10", false, {0, 0, 0, false, false}},
	{"-1-10/10", false, {0, 0, 0, false, false}},
	{"x", false, {0, 0, 0, false, false}},
};


START_TEST(test_range)
{
	struct msrp_head head;
	struct mbuf *mb = mbuf_alloc(256);

	ck_assert_int_eq(0, mbuf_printf(mb, "MSRP abcd SEND\r\n" PATHS
					"Byte-Range: %s\r\n-------abcd$\r\n",
					rangev[_i].str));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, mb));
	ck_assert_int_eq(rangev[_i].ok, head.range_set);
	ck_assert_int_eq(!rangev[_i].ok, head.range_bad);
	ck_assert_uint_eq(rangev[_i].r.start, head.range.start);
	ck_assert_uint_eq(rangev[_i].r.end, head.range.end);
	ck_assert_uint_eq(rangev[_i].r.total, head.range.total);
	ck_assert_int_eq(rangev[_i].r.end_set, head.range.end_set);
	ck_assert_int_eq(rangev[_i].r.total_set, head.range.total_set);
	mem_deref(mb);
}
END_TEST


START_TEST(test_head_reports)
{
	struct mbuf *mb = codec_buf("MSRP abcd SEND\r\n" PATHS
				  "Failure-Report: partial\r\n"
				  "Success-Report: yes\r\n"
				  "Status: 000 200 OK\r\n-------abcd+\r\n");
	struct msrp_head head;

	ck_assert_int_eq(0, msrp_head_decode(&head, mb));
	ck_assert_int_eq(MSRP_FREPORT_PARTIAL, head.failure_report);
	ck_assert(head.success_report);
	ck_assert_int_eq(0, pl_strcmp(&head.status, "000 200 OK"));
	ck_assert_int_eq(MSRP_CONTINUE, head.flag);
	mem_deref(mb);
}
END_TEST


void codec_head_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_vector_prefix, 0, 2);
	tcase_add_loop_test(tc, test_head_good, 0, N(goodv));
	tcase_add_loop_test(tc, test_head_bad, 0, N(badv));
	tcase_add_test(tc, test_head_null_octet);
	tcase_add_test(tc, test_head_limits);
	tcase_add_test(tc, test_head_msgid);
	tcase_add_test(tc, test_head_einval);
	tcase_add_loop_test(tc, test_range, 0, N(rangev));
	tcase_add_test(tc, test_head_reports);
}
