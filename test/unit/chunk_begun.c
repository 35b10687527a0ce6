/**
 * @file chunk_begun.c  A message whose beginning came in an earlier session
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "chunk_unit.h"


/* The sender goes on exactly there, before it, and from the very beginning */
START_TEST(test_goes_on)
{
	static const uint64_t fromv[] = {41, 30, 1};

	chunk_seen.begun = 40;
	ck_assert_uint_eq(200, chunk("a", fromv[_i], 90, 100, '+'));
	ck_assert_int_eq(0, chunk_seen.begun_err);
	ck_assert_uint_eq(50, chunk_seen.octets);
	ck_assert_uint_eq(0, chunk_seen.donec);
	ck_assert_uint_eq(0, chunk("a", 91, 100, 100, '$'));
	ck_assert_uint_eq(1, chunk_seen.donec);
	ck_assert_uint_eq(60, chunk_seen.octets);
	ck_assert_uint_eq(100, msrp_rx_begun(chunk_seen.last));
	ck_assert_uint_eq(100, msrp_rx_total(chunk_seen.last));
}
END_TEST


START_TEST(test_hole)
{
	chunk_seen.begun = 40;
	ck_assert_uint_eq(0, chunk("a", 51, 100, 100, '$'));
	ck_assert_uint_eq(0, chunk_seen.donec);
	ck_assert_uint_eq(0, chunk("a", 41, 50, 100, '+'));
	ck_assert_uint_eq(1, chunk_seen.donec);
	ck_assert_uint_eq(60, chunk_seen.octets);
}
END_TEST


/* Nothing is missing: the repeat completes it */
START_TEST(test_all_there)
{
	chunk_seen.begun = 100;
	ck_assert_uint_eq(0, chunk("a", 100, 100, 100, '$'));
	ck_assert_int_eq(0, chunk_seen.begun_err);
	ck_assert_uint_eq(1, chunk_seen.donec);
	ck_assert_uint_eq(0, chunk_seen.octets);
}
END_TEST


/* It is another message then, and begins by itself */
START_TEST(test_too_much)
{
	chunk_seen.begun = 101;
	ck_assert_uint_eq(0, chunk("a", 1, 100, 100, '$'));
	ck_assert_int_eq(EOVERFLOW, chunk_seen.begun_err);
	ck_assert_uint_eq(1, chunk_seen.donec);
	chunk_check(100);

	chunk_seen.begun = MAX + 1;
	ck_assert_uint_eq(200, chunk_feed("Message-ID: b\r\n"
		"Byte-Range: 1-*/*\r\nContent-Type: text/plain", 0, 10, '+',
		10));
	ck_assert_int_eq(EOVERFLOW, chunk_seen.begun_err);
}
END_TEST


START_TEST(test_only_in_openh)
{
	struct msrp_rx *rx;
	const struct pl id = PL("a");

	ck_assert_int_eq(EINVAL, msrp_rx_set_begun(NULL, 1));
	ck_assert_uint_eq(200, chunk("a", 1, 50, 100, '+'));
	rx = msrp_rx_find(chunk_sess, &id);
	ck_assert_ptr_nonnull(rx);
	ck_assert_int_eq(EINVAL, msrp_rx_set_begun(rx, 60));
	ck_assert_uint_eq(50, msrp_rx_begun(rx));
	ck_assert_uint_eq(0, chunk("a", 51, 100, 100, '$'));
	ck_assert_int_eq(EINVAL, msrp_rx_set_begun(chunk_seen.last, 60));
	ck_assert_uint_eq(100, chunk_seen.octets);
}
END_TEST


void chunk_begun_tests(Suite *s)
{
	TCase *tc = tcase_create("begun");

	tcase_add_checked_fixture(tc, chunk_setup, chunk_teardown);
	tcase_add_loop_test(tc, test_goes_on, 0, 3);
	tcase_add_test(tc, test_hole);
	tcase_add_test(tc, test_all_there);
	tcase_add_test(tc, test_too_much);
	tcase_add_test(tc, test_only_in_openh);
	suite_add_tcase(s, tc);
}
