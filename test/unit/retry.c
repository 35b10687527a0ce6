/**
 * @file retry.c  When a notification is tried again
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit.h"
#include "../../modules/cpm/engine/engine.h"


START_TEST(doubles_up_to_an_hour)
{
	static const uint64_t delayv[] = {
		1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000,
		512000, 1024000, 2048000, 3600000, 3600000,
	};
	uint32_t i;

	for (i=0; i<sizeof(delayv)/sizeof(delayv[0]); i++)
		ck_assert_uint_eq(5 + delayv[i], retry_at(5, i + 1, 0));

	ck_assert_uint_eq(3600000, retry_at(0, UINT32_MAX, 0));
	ck_assert_uint_eq(1000, retry_at(0, 0, 0));
}
END_TEST


START_TEST(jitter_takes_a_quarter_at_most)
{
	uint64_t least = UINT64_MAX;
	uint32_t rnd;

	for (rnd=0; rnd<10000; rnd++) {
		const uint64_t at = retry_at(0, 4, rnd);

		ck_assert_uint_le(at, 8000);
		ck_assert_uint_ge(at, 6000);
		if (at < least)
			least = at;
	}
	ck_assert_uint_eq(6000, least);
}
END_TEST


/* Not before the server said, and not all of them just then */
START_TEST(server_says_when)
{
	uint64_t least = UINT64_MAX, most = 0;
	uint32_t rnd;

	for (rnd=0; rnd<20000; rnd++) {
		const uint64_t at = retry_next(1000, 1, 80, rnd);

		least = at < least ? at : least;
		most  = at > most ? at : most;
	}
	ck_assert_uint_eq(81000, least);
	ck_assert_uint_eq(91000, most);

	/* nor sooner than without its word: tries do not run out */
	ck_assert_uint_eq(512000, retry_next(0, 10, 1, 0));
	ck_assert_uint_eq(retry_at(7, 10, 99), retry_next(7, 10, 0, 99));
	ck_assert_uint_lt(retry_next(0, 1, 86400, UINT32_MAX), RETRY_FAR);
}
END_TEST


START_TEST(seconds)
{
	static const struct {
		const char *val;
		uint32_t secs;
	} v[] = {
		{"0", 0}, {"1", 1}, {"120", 120},
		{"18000;duration=3600", 18000},
		{"120 (I'm in a meeting)", 120}, {"86399", 86399},
		{"86401", 86400}, {"99999999999999999999", 86400},
		{"4294967297", 86400}, {"", 0}, {"soon", 0}, {"-5", 0},
		{"(5)", 0},
	};
	size_t i;

	for (i=0; i<sizeof(v)/sizeof(v[0]); i++) {
		struct pl pl;

		pl_set_str(&pl, v[i].val);
		ck_assert_uint_eq(v[i].secs, retry_seconds(&pl));
	}
}
END_TEST


/* The tries of one notification take about half a day */
START_TEST(half_a_day)
{
	const uint64_t hour = 3600000;
	uint64_t sum = 0, least = 0;
	uint32_t i;

	for (i=1; i<RETRY_MAX; i++) {
		const uint64_t delay = retry_at(0, i, 0);

		sum   += delay;
		least += retry_at(0, i, (uint32_t)(delay / 4));
	}
	ck_assert_uint_ge(least, 9 * hour);
	ck_assert_uint_le(sum, 14 * hour);
}
END_TEST


START_TEST(verdicts)
{
	static const struct {
		uint16_t scode;
		enum retry_verdict verdict;
	} v[] = {
		{200, RETRY_SENT}, {202, RETRY_SENT}, {299, RETRY_SENT},
		{302, RETRY_NEVER}, {400, RETRY_NEVER}, {401, RETRY_LATER},
		{403, RETRY_NEVER}, {404, RETRY_NEVER}, {407, RETRY_LATER},
		{408, RETRY_LATER}, {415, RETRY_NEVER}, {480, RETRY_LATER},
		{486, RETRY_LATER}, {488, RETRY_NEVER}, {500, RETRY_LATER},
		{503, RETRY_LATER}, {504, RETRY_LATER}, {600, RETRY_NEVER},
		{603, RETRY_NEVER},
	};
	size_t i;

	for (i=0; i<sizeof(v)/sizeof(v[0]); i++)
		ck_assert_int_eq(v[i].verdict, retry_verdict(v[i].scode));
}
END_TEST


Suite *retry_suite(void)
{
	Suite *s = suite_create("retry");
	TCase *tc = tcase_create("retry");

	tcase_add_test(tc, doubles_up_to_an_hour);
	tcase_add_test(tc, jitter_takes_a_quarter_at_most);
	tcase_add_test(tc, server_says_when);
	tcase_add_test(tc, seconds);
	tcase_add_test(tc, half_a_day);
	tcase_add_test(tc, verdicts);
	suite_add_tcase(s, tc);

	return s;
}
