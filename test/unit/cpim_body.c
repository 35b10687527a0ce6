/**
 * @file test/unit/cpim_body.c  CPIM bodies: RFC 2045, 6
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cpim.h"


static const struct {
	const char *cte;
	const char *in;
	int err;
	const char *out;
} bodyv[] = {
	{NULL, "a=\r\n\xff", 0, "a=\r\n\xff"},
	{"", "abc", 0, "abc"},
	{" ", "abc", 0, "abc"},
	{"7bit", "abc", 0, "abc"},
	{"8BIT", "\xc3\xa9", 0, "\xc3\xa9"},
	{" Binary ", "abc", 0, "abc"},
	{"7bit", "", 0, ""},
	{"x-uuencode", "abc", ENOTSUP, NULL},
	{"base64x", "abc", ENOTSUP, NULL},
	{"base64", "TGFsYWxh", 0, "Lalala"},
	{"BASE64", "TGFs\r\nYWxh\r\n", 0, "Lalala"},
	{"base64", " T\tG F\ns", 0, "Lal"},
	{"base64", "TGFsYQ==", 0, "Lala"},
	{"base64", "TGFsYWw=", 0, "Lalal"},
	{"base64", "TGFsYWw=\r\n", 0, "Lalal"},
	{"base64", "TGFsYQ=\r\n=", 0, "Lala"},
	{"base64", "TGFsYQ", 0, "Lala"},
	{"base64", "TGFsYWw", 0, "Lalal"},
	{"base64", "w6k+Pz8/", 0, "\xc3\xa9>???"},
	{"base64", "", 0, ""},
	{"base64", "\r\n", 0, ""},
	{"base64", "T", EBADMSG, NULL},
	{"base64", "TGFsY", EBADMSG, NULL},
	{"base64", "TGFsY===", EBADMSG, NULL},
	{"base64", "TGFsYQ=", EBADMSG, NULL},
	{"base64", "TGFs=", EBADMSG, NULL},
	{"base64", "====", EBADMSG, NULL},
	{"base64", "TG==TGFs", EBADMSG, NULL},
	{"base64", "TGF-", EBADMSG, NULL},
	{"base64", "TGF\xff", EBADMSG, NULL},
	{"base64", "Hello, world", EBADMSG, NULL},
	{"quoted-printable", "abc", 0, "abc"},
	{"Quoted-Printable", "caf=C3=A9=3d", 0, "caf\xc3\xa9="},
	{"quoted-printable", "a=c3=a9", 0, "a\xc3\xa9"},
	{"quoted-printable", "a=\r\nb=\nc= \t\r\nd", 0, "abcd"},
	{"quoted-printable", "a \t\r\nb \nc ", 0, "a\r\nb\nc"},
	{"quoted-printable", "a b\tc=20\r\n", 0, "a b\tc \r\n"},
	{"quoted-printable", "a=", 0, "a"},
	{"quoted-printable", "a=\r", 0, "a"},
	{"quoted-printable", "a= ", 0, "a"},
	{"quoted-printable", "a=4", 0, "a=4"},
	{"quoted-printable", "a=4g=zz==41", 0, "a=4g=zz=A"},
	{"quoted-printable", "a= b", 0, "a= b"},
	{"quoted-printable", "", 0, ""},
};


START_TEST(test_body)
{
	const size_t len = strlen(bodyv[_i].in);
	struct mbuf *in = cpim_exact(bodyv[_i].in, len), *mb = NULL;
	struct pl cte = PL_INIT;

	if (bodyv[_i].cte)
		pl_set_str(&cte, bodyv[_i].cte);

	ck_assert_int_eq(bodyv[_i].err,
			 cpim_body_decode(&mb, bodyv[_i].cte ? &cte : NULL,
					  mbuf_buf(in), len));
	if (bodyv[_i].err) {
		ck_assert_ptr_null(mb);
	}
	else {
		ck_assert_uint_eq(0, mb->pos);
		ck_assert_uint_eq(mb->end, strlen(bodyv[_i].out));
		ck_assert_mem_eq(mb->buf, bodyv[_i].out, mb->end);
	}
	mem_deref(mb);
	mem_deref(in);
}
END_TEST


START_TEST(test_body_inval)
{
	struct mbuf *mb = NULL;

	ck_assert_int_eq(EINVAL, cpim_body_decode(NULL, NULL,
						  (const uint8_t *)"x", 1));
	ck_assert_int_eq(EINVAL, cpim_body_decode(&mb, NULL, NULL, 1));
	ck_assert_ptr_null(mb);
	ck_assert_int_eq(0, cpim_body_decode(&mb, NULL, NULL, 0));
	ck_assert_uint_eq(0, mb->end);
	mem_deref(mb);
}
END_TEST


START_TEST(test_body_base64_all_octets)
{
	static const struct pl cte = PL("base64");
	uint8_t buf[256];
	char b64[400];
	size_t i, n;

	for (i=0; i<sizeof(buf); i++)
		buf[i] = (uint8_t)(255 - i);

	for (i=0; i<=sizeof(buf); i++) {

		struct mbuf *mb = NULL;

		n = sizeof(b64);
		ck_assert_int_eq(0, base64_encode(buf, i, b64, &n));
		ck_assert_int_eq(0, cpim_body_decode(&mb, &cte,
						     (uint8_t *)b64, n));
		ck_assert_uint_eq(mb->end, i);
		ck_assert_mem_eq(mb->buf, buf, i);
		mem_deref(mb);
	}
}
END_TEST


TCase *cpim_body_case(void)
{
	TCase *tc = tcase_create("body");

	tcase_add_loop_test(tc, test_body, 0, COUNT(bodyv));
	tcase_add_test(tc, test_body_inval);
	tcase_add_test(tc, test_body_base64_all_octets);

	return tc;
}
