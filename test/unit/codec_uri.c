/**
 * @file codec_uri.c  MSRP URIs (RFC 4975, 6)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "codec_unit.h"


static struct pl pl_of(const char *str)
{
	struct pl pl;

	pl_set_str(&pl, str);

	return pl;
}


START_TEST(test_uri)
{
	struct msrp_uri u;
	struct pl pl = pl_of("MSRPS://bob@[2001:db8::1]:2855/s%+x;TCP;a=b");

	ck_assert_int_eq(0, msrp_uri_decode(&u, &pl));
	ck_assert(u.tls);
	ck_assert_int_eq(0, pl_strcmp(&u.user, "bob"));
	ck_assert_int_eq(0, pl_strcmp(&u.host, "2001:db8::1"));
	ck_assert_uint_eq(2855, u.port);
	ck_assert_int_eq(0, pl_strcmp(&u.sid, "s%+x"));
	ck_assert_int_eq(0, pl_strcmp(&u.transport, "TCP"));

	pl = pl_of("msrp://host.example;tcp");
	ck_assert_int_eq(0, msrp_uri_decode(&u, &pl));
	ck_assert(!u.tls && !u.port && !u.sid.l);
	ck_assert_int_eq(0, pl_strcmp(&u.host, "host.example"));

	ck_assert_int_eq(EINVAL, msrp_uri_decode(NULL, &pl));
	ck_assert_int_eq(EINVAL, msrp_uri_decode(&u, NULL));
}
END_TEST


static const char *uri_badv[] = {
	"", "msrp", "msrp:", "msrp://", "msrp://;tcp", "http://a/s;tcp",
	"msrp:/a/s;tcp", "msrp://a/s", "msrp://a/s;", "msrp://a/;tcp",
	"msrp://a:/s;tcp", "msrp://a:0/s;tcp", "msrp://a:65536/s;tcp",
	"msrp://a:x/s;tcp", "msrp://[::1/s;tcp", "msrp://[]/s;tcp",
	"msrp://[::1]x/s;tcp", "msrp://a b/s;tcp", "msrp://:5/s;tcp",
	"msrp://a/s\x01;tcp", "msrp://a/s\xff;tcp",
	/* found by fuzzing: whose host is "b@c"? */
	"msrp://a@b@c/s;tcp", "msrp://a@[b@c]/s;tcp",
};


START_TEST(test_uri_bad)
{
	struct msrp_uri u;
	struct pl pl = pl_of(uri_badv[_i]);

	ck_assert_int_eq(EBADMSG, msrp_uri_decode(&u, &pl));
}
END_TEST


START_TEST(test_uri_max)
{
	struct msrp_uri u;
	char str[MSRP_URI_MAX + 2];
	struct pl pl;

	memset(str, 'a', sizeof(str));
	memcpy(str, "msrp://", 7);
	memcpy(str + MSRP_URI_MAX - 4, ";tcp", 4);
	pl.p = str;
	pl.l = MSRP_URI_MAX;
	ck_assert_int_eq(0, msrp_uri_decode(&u, &pl));
	memcpy(str + MSRP_URI_MAX - 4, "a;tcp", 5);
	++pl.l;
	ck_assert_int_eq(EBADMSG, msrp_uri_decode(&u, &pl));
}
END_TEST


static const struct {
	const char *a, *b;
	bool same;
} cmpv[] = {
	{"msrp://a:1/s;tcp", "msrp://a:1/s;tcp", true},
	{"msrp://a:1/s;tcp", "MSRP://A:1/s;TCP;x=y", true},
	{"msrp://u@a:1/s;tcp", "msrp://v@a:1/s;tcp", true},
	{"msrp://[::1]:1/s;tcp", "msrp://[0:0::1]:1/s;tcp", true},
	{"msrp://a:1/s;tcp", "msrp://a:1/S;tcp", false},
	{"msrp://a:1/s;tcp", "msrps://a:1/s;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://a:2/s;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://a/s;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://b:1/s;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://a:1/s;ws", false},
	{"msrp://a:1/s;tcp", "msrp://a:1/s2;tcp", false},
	{"msrp://a:1/s;tcp", "msrp://a:1;tcp", false},
};


START_TEST(test_uri_cmp)
{
	struct pl a = pl_of(cmpv[_i].a), b = pl_of(cmpv[_i].b);
	struct msrp_uri ua, ub;

	ck_assert_int_eq(0, msrp_uri_decode(&ua, &a));
	ck_assert_int_eq(0, msrp_uri_decode(&ub, &b));
	ck_assert_int_eq(cmpv[_i].same, msrp_uri_cmp(&ua, &ub));
	ck_assert_int_eq(cmpv[_i].same, msrp_uri_cmp(&ub, &ua));
	ck_assert(!msrp_uri_cmp(NULL, &ub));
	ck_assert(!msrp_uri_cmp(&ua, NULL));
}
END_TEST


void codec_uri_tests(TCase *tc)
{
	tcase_add_test(tc, test_uri);
	tcase_add_loop_test(tc, test_uri_bad, 0, N(uri_badv));
	tcase_add_test(tc, test_uri_max);
	tcase_add_loop_test(tc, test_uri_cmp, 0, N(cmpv));
}
