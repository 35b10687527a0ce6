/**
 * @file test/unit/fthttp.c  Descriptions of files on web servers
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include <cpm_fthttp.h>
#include "unit.h"


#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))
#define FILE_(x) "<file><file-info type=\"file\">" x "</file-info></file>"
#define DATA "<data url=\"https://h/x\" until=\"2026-11-30T00:00:00Z\"/>"


/* In memory that ends where the document ends */
static int decode(struct fthttp_doc *doc, const void *p, size_t len)
{
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);
	int err;

	ck_assert_ptr_nonnull(buf);
	if (len)
		memcpy(buf, p, len);
	memset(doc, 0xff, sizeof(*doc));
	err = fthttp_decode(doc, buf, len);
	mem_deref(buf);

	return err;
}


/* What Linphone sent: whole, then each beginning */
START_TEST(test_real)
{
	struct mbuf *mb = unit_file("vectors/15-cpim-fthttp-linphone-LF.txt");
	struct cpim_msg *cpim = NULL;
	struct fthttp_doc doc;
	size_t n, len;

	ck_assert_int_eq(0, cpim_decode_all(&cpim, mb));
	ck_assert_int_eq(0, pl_strcmp(&cpim->ctype, FTHTTP_TYPE));
	len = mb->end - cpim->body;
	ck_assert_int_eq(0, decode(&doc, mb->buf + cpim->body, len));
	ck_assert_str_eq("finn.png", doc.file.name);
	ck_assert_str_eq("image/png", doc.file.type);
	ck_assert_uint_eq(286271, doc.file.size);
	ck_assert_str_eq("2023-05-17T22:48:07Z", doc.file.until);
	ck_assert_str_eq("https://www.linphone.org:444//tmp/"
			 "645c1f2741cff_dd766e8879da39b69c76.png",
			 doc.file.url);
	ck_assert_str_eq("", doc.thumbnail.url);

	for (n=0; n<len; n++)
		ck_assert_int_eq(ENODATA, decode(&doc, mb->buf + cpim->body,
						 n));
	mem_deref(cpim);
	mem_deref(mb);
}
END_TEST


/* As phones write it: the small picture first, extensions between */
START_TEST(test_thumbnail)
{
	static const char str[] = "\r\n<?xml version=\"1.0\"?>"
		"<file xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:fthttp\" "
		"xmlns:x=\"urn:gsma:params:xml:ns:rcs:rcs:up:fthttpext\">"
		"<file-info type=\"thumbnail\"><file-size>7</file-size>"
		"<content-type>image/jpeg</content-type>"
		"<data url=\"http://h/t\" until=\"u\"/></file-info>"
		"<file-info type=\"file\" file-disposition=\"render\">"
		"<file-size> 123 </file-size><file-name>a&amp;b</file-name>"
		"<content-type>video/mp4</content-type>"
		"<x:branded-url>https://b/</x:branded-url>"
		DATA "</file-info>"
		"<file-info type=\"file\"><file-name>two</file-name>"
		"<data url=\"https://second/\"/></file-info></file>";
	struct fthttp_doc doc;

	ck_assert_int_eq(0, decode(&doc, str, strlen(str)));
	ck_assert_str_eq("http://h/t", doc.thumbnail.url);
	ck_assert_str_eq("image/jpeg", doc.thumbnail.type);
	ck_assert_uint_eq(7, doc.thumbnail.size);
	ck_assert_str_eq("", doc.thumbnail.name);
	ck_assert_str_eq("https://h/x", doc.file.url);
	ck_assert_str_eq("a&b", doc.file.name);
	ck_assert_uint_eq(123, doc.file.size);
}
END_TEST


static const struct {
	const char *doc;
	int err;
	const char *url;
	uint64_t size;
} vecv[] = {
	{FILE_(DATA), 0, "https://h/x", 0},
	{"<file><file-info>" DATA "</file-info></file>", 0, "https://h/x", 0},
	{FILE_("<file-size>18446744073709551616</file-size>" DATA), 0,
	 "https://h/x", 0},
	{FILE_("<file-size>-1</file-size>" DATA), 0, "https://h/x", 0},
	{FILE_("<file-size>5</file-size><file-size>6</file-size>" DATA), 0,
	 "https://h/x", 5},
	{FILE_("<data url='HTTPS://h/'/>" DATA), 0, "HTTPS://h/", 0},
	/* nothing that a program should open */
	{FILE_("<data url='file:///etc/passwd'/>" DATA), 0, "https://h/x", 0},
	{FILE_("<data url='javascript:alert(1)'/>"), EBADMSG, NULL, 0},
	{FILE_("<data url='https://'/>"), EBADMSG, NULL, 0},
	{FILE_("<data url='https:/'/>"), EBADMSG, NULL, 0},
	{FILE_("<data url='https://h/ x'/>"), EBADMSG, NULL, 0},
	{FILE_("<data url='https://h/&#10;x'/>"), EBADMSG, NULL, 0},
	{FILE_("<data url='https://h/\xc3\xa9'/>"), EBADMSG, NULL, 0},
	{FILE_("<data url='https://h/&lt;'/>"), EBADMSG, NULL, 0},
	{FILE_("<data/>"), EBADMSG, NULL, 0},
	{"<file/>", EBADMSG, NULL, 0},
	{"<file><file-info type='other'>" DATA "</file-info></file>", EBADMSG,
	 NULL, 0},
	{"<file><file-info type='thumbnail'>" DATA "</file-info></file>",
	 EBADMSG, NULL, 0},
	{"<files><file-info>" DATA "</file-info></files>", EBADMSG, NULL, 0},
	{"<!DOCTYPE file>" FILE_(DATA), EOVERFLOW, NULL, 0},
	{"<file>", ENODATA, NULL, 0},
};


START_TEST(test_vectors)
{
	struct fthttp_doc doc;
	const int err = decode(&doc, vecv[_i].doc, strlen(vecv[_i].doc));

	ck_assert_msg(err == vecv[_i].err, "%s: %d", vecv[_i].doc, err);
	if (!err) {
		ck_assert_str_eq(vecv[_i].url, doc.file.url);
		ck_assert_uint_eq(vecv[_i].size, doc.file.size);
	}
}
END_TEST


/* A URL of its largest size, and one octet more; a name that is cut */
START_TEST(test_limits)
{
	char str[6000], url[FTHTTP_URL_MAX + 2];
	struct fthttp_doc doc;
	int i;

	for (i=0; i<2; i++) {
		memset(url, 'x', sizeof(url));
		memcpy(url, "https://", 8);
		url[FTHTTP_URL_MAX + i] = '\0';
		ck_assert_int_gt(re_snprintf(str, sizeof(str),
			FILE_("<file-name>%s</file-name><data url=\"%s\"/>"),
			url, url), 0);
		ck_assert_int_eq(i ? EBADMSG : 0,
				 decode(&doc, str, strlen(str)));
		if (!i) {
			ck_assert_str_eq(url, doc.file.url);
			ck_assert_uint_eq(FTHTTP_TEXT_MAX,
					  strlen(doc.file.name));
		}
	}

	ck_assert_int_eq(EINVAL, fthttp_decode(NULL, (uint8_t *)str, 1));
	ck_assert_int_eq(EINVAL, fthttp_decode(&doc, NULL, 0));
}
END_TEST


Suite *fthttp_suite(void)
{
	Suite *s = suite_create("fthttp");
	TCase *tc = tcase_create("decode");

	tcase_add_test(tc, test_real);
	tcase_add_test(tc, test_thumbnail);
	tcase_add_loop_test(tc, test_vectors, 0, N(vecv));
	tcase_add_test(tc, test_limits);
	suite_add_tcase(s, tc);

	return s;
}
