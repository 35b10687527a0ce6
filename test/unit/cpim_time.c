/**
 * @file test/unit/cpim_time.c  CPIM DateTime: RFC 3339
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "cpim.h"


static const struct {
	const char *str;
	uint64_t ms;
	const char *out;
} timev[] = {
	{"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
	{"2000-12-13T13:40:00-08:00", 976743600000, "2000-12-13T21:40:00Z"},
	{"2020-10-24T10:24:11.270+08:00", 1603506251270,
	 "2020-10-24T02:24:11.270Z"},
	{"2012-06-07T17:40:29", 1339090829000, "2012-06-07T17:40:29Z"},
	{"2012-06-07T17:40:29.5", 1339090829500, "2012-06-07T17:40:29.500Z"},
	{"2012-06-07t17:40:29z", 1339090829000, "2012-06-07T17:40:29Z"},
	{"2012-06-07 17:40:29Z", 1339090829000, "2012-06-07T17:40:29Z"},
	{" 2012-06-07T17:40:29Z ", 1339090829000, "2012-06-07T17:40:29Z"},
	{"2012-06-07T17:40:29+0530", 1339071029000, "2012-06-07T12:10:29Z"},
	{"2012-06-07T17:40:29-00:00", 1339090829000, "2012-06-07T17:40:29Z"},
	{"2012-06-07T17:40:29.05Z", 1339090829050,
	 "2012-06-07T17:40:29.050Z"},
	{"2012-06-07T17:40:29.0019999999999999999999999999Z", 1339090829001,
	 "2012-06-07T17:40:29.001Z"},
	{"2000-02-29T00:00:00Z", 951782400000, "2000-02-29T00:00:00Z"},
	{"2000-03-01T00:00:00Z", 951868800000, "2000-03-01T00:00:00Z"},
	{"2024-02-29T23:59:59Z", 1709251199000, "2024-02-29T23:59:59Z"},
	{"2024-12-31T23:59:59.999Z", 1735689599999,
	 "2024-12-31T23:59:59.999Z"},
	{"2100-03-01T00:00:00Z", 4107542400000, "2100-03-01T00:00:00Z"},
	{"2016-12-31T23:59:60Z", 1483228800000, "2017-01-01T00:00:00Z"},
	{"1970-01-01T01:00:00+01:00", 0, "1970-01-01T00:00:00Z"},
	{"9999-12-31T23:59:59Z", 253402300799000, "9999-12-31T23:59:59Z"},
};


START_TEST(test_time)
{
	const size_t len = strlen(timev[_i].str);
	struct mbuf *mb = cpim_exact(timev[_i].str, len);
	const struct pl pl = {(const char *)mbuf_buf(mb), len};
	uint64_t ms = 42;
	char buf[64];

	ck_assert_int_eq(0, cpim_time_decode(&ms, &pl));
	ck_assert_uint_eq(ms, timev[_i].ms);
	ck_assert_int_ge(re_snprintf(buf, sizeof(buf), "%H", cpim_time_print,
				     &ms), 0);
	ck_assert_str_eq(buf, timev[_i].out);
	mem_deref(mb);
}
END_TEST


static const char *const badtimev[] = {
	"", " ", "now", "2012", "2012-06-07", "2012-06-07T", "2012-06-07Z",
	"2012-06-07T17:40", "2012-06-07T17:40:2", "2012-06-07T17:40:29.",
	"2012-06-07T17:40:29.Z", "2012-06-07T17:40:29,5Z",
	"2012-06-07T17:40:29ZZ", "2012-06-07T17:40:29Z x",
	"2012-06-07T17:40:29+", "2012-06-07T17:40:29+1",
	"2012-06-07T17:40:29+01", "2012-06-07T17:40:29+01:",
	"2012-06-07T17:40:29+24:00", "2012-06-07T17:40:29+01:60",
	"2012-06-07T24:00:00Z", "2012-06-07T17:60:29Z",
	"2012-06-07T17:40:61Z", "2012-00-07T17:40:29Z",
	"2012-13-07T17:40:29Z", "2012-06-00T17:40:29Z",
	"2012-06-31T17:40:29Z", "2011-02-29T17:40:29Z",
	"2100-02-29T00:00:00Z", "12-06-07T17:40:29Z",
	"2012-6-7T17:40:29Z", "2012/06/07T17:40:29Z",
	"+012-06-07T17:40:29Z", "20120607T174029Z", "1969-12-31T23:59:59Z",
	"1970-01-01T00:00:00+00:01", "2012-06-07X17:40:29Z",
	"12012-06-07T17:40:29Z",
};


START_TEST(test_time_bad)
{
	const size_t len = strlen(badtimev[_i]);
	struct mbuf *mb = cpim_exact(badtimev[_i], len);
	const struct pl pl = {(const char *)mbuf_buf(mb), len};
	uint64_t ms = 42;

	ck_assert_msg(EBADMSG == cpim_time_decode(&ms, &pl), "'%s'",
		      badtimev[_i]);
	ck_assert_uint_eq(42, ms);
	mem_deref(mb);
}
END_TEST


/* Every day, by another way of counting */
START_TEST(test_time_calendar)
{
	static const int daysv[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	uint64_t day = 0, ms;
	int y, m, d;

	for (y=1970; y<2120; y++) for (m=1; m<=12; m++) {

		const bool leap = (y % 4 == 0 && y != 2100);
		const int n = daysv[m - 1] + (m == 2 && leap);

		for (d=1; d<=n; d++, day++) {

			char str[64], buf[64];
			struct pl pl;

			snprintf(str, sizeof(str), "%04d-%02d-%02dT12:00:00Z",
				 y, m, d);
			pl_set_str(&pl, str);
			ck_assert_int_eq(0, cpim_time_decode(&ms, &pl));
			ck_assert_uint_eq(ms, (day * 24 + 12) * 3600000);
			re_snprintf(buf, sizeof(buf), "%H", cpim_time_print,
				    &ms);
			ck_assert_str_eq(buf, str);
		}
	}
}
END_TEST


static int print_nothing(const char *p, size_t size, void *arg)
{
	(void)p;
	(void)size;
	(void)arg;

	return 0;
}


START_TEST(test_time_inval)
{
	struct re_printf pf = {print_nothing, NULL};
	uint64_t ms = 253402300800000, max = (uint64_t)-1;
	const struct pl pl = PL("1970-01-01T00:00:00Z");

	ck_assert_int_eq(EINVAL, cpim_time_decode(NULL, &pl));
	ck_assert_int_eq(EINVAL, cpim_time_decode(&ms, NULL));
	ck_assert_int_eq(EBADMSG, cpim_time_decode(&ms, &pl_null));
	ck_assert_int_eq(EINVAL, cpim_time_print(NULL, &ms));
	ck_assert_int_eq(EINVAL, cpim_time_print(&pf, NULL));
	ck_assert_int_eq(EINVAL, cpim_time_print(&pf, &ms));
	ck_assert_int_eq(EINVAL, cpim_time_print(&pf, &max));
	--ms;
	ck_assert_int_eq(0, cpim_time_print(&pf, &ms));
}
END_TEST


TCase *cpim_time_case(void)
{
	TCase *tc = tcase_create("time");

	tcase_add_loop_test(tc, test_time, 0, COUNT(timev));
	tcase_add_loop_test(tc, test_time_bad, 0, COUNT(badtimev));
	tcase_add_test(tc, test_time_calendar);
	tcase_add_test(tc, test_time_inval);

	return tc;
}
