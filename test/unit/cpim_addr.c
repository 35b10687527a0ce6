/**
 * @file test/unit/cpim_addr.c  CPIM addresses and texts: RFC 3862, 2.3 and 3.2
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cpim.h"


static const struct {
	const char *in;
	int err;
	const char *dname;
	const char *uri;
} addrv[] = {
	{"<sip:a@b>", 0, NULL, "sip:a@b"},
	{" \t<sip:a@b> \t", 0, NULL, "sip:a@b"},
	{"< sip:a@b >", 0, NULL, "sip:a@b"},
	{"Al<sip:a@b>", 0, "Al", "sip:a@b"},
	{"\"Al\"<sip:a@b>;tag=1", 0, "Al", "sip:a@b"},
	{"\"a <b> c\" <sip:a@b>", 0, "a <b> c", "sip:a@b"},
	{"\"a \\\"<b>\\\\\" <sip:a@b>", 0, "a \\\"<b>\\\\", "sip:a@b"},
	{"\"\" <sip:a@b>", 0, NULL, "sip:a@b"},
	{"\"open <sip:a@b>", 0, "open", "sip:a@b"},
	{"\"open\\\" <sip:a@b>", 0, "open\\\"", "sip:a@b"},
	{"\xc3\x89ric <tel:+33>", 0, "\xc3\x89ric", "tel:+33"},
	{"sip:a@b", 0, NULL, "sip:a@b"},
	{"SIPS:a@b;x=y", 0, NULL, "SIPS:a@b;x=y"},
	{"tel:+33", 0, NULL, "tel:+33"},
	/* cut */
	{"Al <sip:a@b", 0, "Al", NULL},
	{"<sip:a@b", 0, NULL, NULL},
	{"<", 0, NULL, NULL},
	{"im:a@b", EBADMSG, NULL, NULL},
	{"a@b", EBADMSG, NULL, NULL},
	{"sip:a b", EBADMSG, NULL, NULL},
	{"Al", EBADMSG, NULL, NULL},
	{"\"Al\" x <sip:a@b>", EBADMSG, NULL, NULL},
	{"\"Al\"", EBADMSG, NULL, NULL},
	{"\"", EBADMSG, NULL, NULL},
	{"\"\\", EBADMSG, NULL, NULL},
	{"<>", EBADMSG, NULL, NULL},
	{"< >", EBADMSG, NULL, NULL},
	{"<sip:a b>", EBADMSG, NULL, NULL},
	{"<sip:a\rb>", EBADMSG, NULL, NULL},
	{"<sip:a\"b>", EBADMSG, NULL, NULL},
	{" ", EBADMSG, NULL, NULL},
	{"", EBADMSG, NULL, NULL},
};


START_TEST(test_addr)
{
	const size_t len = strlen(addrv[_i].in);
	struct mbuf *mb = cpim_exact(addrv[_i].in, len);
	const struct pl pl = {(const char *)mbuf_buf(mb), len};
	struct cpim_addr addr;

	memset(&addr, 0xff, sizeof(addr));
	ck_assert_int_eq(addrv[_i].err, cpim_addr_decode(&addr, &pl));
	ASSERT_PL(addr.dname, addrv[_i].dname);
	ASSERT_PL(addr.uri, addrv[_i].uri);
	mem_deref(mb);
}
END_TEST


START_TEST(test_addr_inval)
{
	struct cpim_addr addr;

	ck_assert_int_eq(EINVAL, cpim_addr_decode(&addr, NULL));
	ck_assert_int_eq(EINVAL, cpim_addr_decode(NULL, &pl_null));
	ck_assert_int_eq(EBADMSG, cpim_addr_decode(&addr, &pl_null));
}
END_TEST


static const struct {
	const char *uri;
	bool real;
} realv[] = {
	{"sip:a@example.com", true},
	{"SIPS:a@example.com:5061;transport=tls?x=y", true},
	{"sip:example.com", true},
	{"sip:a@[2001:db8::1]:5060", true},
	{"sip:+331;phone-context=x@anonymous.example.com", true},
	{"sip:anonymous@anonymous.invalid.example.com", true},
	{"tel:+33674538159", true},
	{"TEL:112;phone-context=+33", true},
	{"sip:anonymous@anonymous.invalid", false},
	{"sip:Anonymous@Anonymous.Invalid:5060", false},
	{"sips:anonymous@anonymous.invalid;user=phone", false},
	{"sip:anonymous@anonymous.invalid?a=b", false},
	{"sip:anonymous@anonymous.invalid.", false},
	{"sip:anonymous.invalid", false},
	{"sip:", false},
	{"sip:a@", false},
	{"sip:a@:5060", false},
	{"sip:a@;x", false},
	{"sip:a@[2001:db8::1", false},
	{"tel:", false},
	{"tel:anonymous", false},
	{"tel:;ext=5", false},
	{"im:a@example.com", false},
	{"mailto:a@example.com", false},
	{"urn:x:1", false},
	{"a@example.com", false},
	{"sip", false},
	{"sipx:a@b", false},
	{"", false},
	{"sip:a@example.com\r\nX: y", false},
	{"sip:a@exam ple.com", false},
	{"sip:<a@example.com", false},
	{"sip:a@example.com>", false},
	{"sip:\"a\"@example.com", false},
	{"sip:a\x7f@example.com", false},
};


START_TEST(test_isreal)
{
	const size_t len = strlen(realv[_i].uri);
	struct mbuf *mb = cpim_exact(realv[_i].uri, len);
	const struct pl pl = {(const char *)mbuf_buf(mb), len};

	ck_assert_msg(cpim_uri_isreal(&pl) == realv[_i].real, "%s",
		      realv[_i].uri);
	mem_deref(mb);
}
END_TEST


START_TEST(test_isreal_unset)
{
	static const struct pl zero = {"sip:a\0b@example.com", 19};

	ck_assert(!cpim_uri_isreal(NULL));
	ck_assert(!cpim_uri_isreal(&pl_null));
	ck_assert(!cpim_uri_isreal(&zero));
}
END_TEST


static const struct {
	const char *in;
	const char *out;
} textv[] = {
	{"plain", "plain"},
	{"\\\"a\\\" \\\\ \\'", "\"a\" \\ '"},
	{"a\\nb\\rc\\td\\be", "a b c d e"},
	{"\\u00e9\\u20AC", "\xc3\xa9\xe2\x82\xac"},
	{"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
	{"\\ud83d", "\xef\xbf\xbd"},
	{"\\ud83dx\\ude00", "\xef\xbf\xbdx\xef\xbf\xbd"},
	{"\\ud83d\\u0041", "\xef\xbf\xbd" "A"},
	{"\\u0000\\u001b\\u007f|", "   |"},
	{"\\u12", "u12"},
	{"\\u12g4", "u12g4"},
	{"\\x", "x"},
	{"end\\", "end\\"},
	{"a\tb\x1b[0m", "a b [0m"},
	{"\xc3\xa9", "\xc3\xa9"},
	{"", ""},
};


START_TEST(test_text)
{
	const size_t len = strlen(textv[_i].in);
	struct mbuf *mb = cpim_exact(textv[_i].in, len);
	const struct pl pl = {(const char *)mbuf_buf(mb), len};
	char buf[64];

	ck_assert_int_ge(re_snprintf(buf, sizeof(buf), "%H", cpim_text_print,
				     &pl), 0);
	ck_assert_str_eq(buf, textv[_i].out);
	mem_deref(mb);
}
END_TEST


START_TEST(test_text_inval)
{
	ck_assert_int_eq(EINVAL, cpim_text_print(NULL, &pl_null));
}
END_TEST


TCase *cpim_addr_case(void)
{
	TCase *tc = tcase_create("address");

	tcase_add_loop_test(tc, test_addr, 0, COUNT(addrv));
	tcase_add_test(tc, test_addr_inval);
	tcase_add_loop_test(tc, test_isreal, 0, COUNT(realv));
	tcase_add_test(tc, test_isreal_unset);
	tcase_add_loop_test(tc, test_text, 0, COUNT(textv));
	tcase_add_test(tc, test_text_inval);

	return tc;
}
