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
	tcase_add_test(tc, verdicts);
	suite_add_tcase(s, tc);

	return s;
}
