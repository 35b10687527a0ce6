/**
 * @file chunk_limit.c  Reassembly: what is refused, and every limit
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "chunk_unit.h"


/* What is refused for its headers; 20 octets of body */
static const struct {
	const char *hdrs;
	uint16_t scode;
} refusev[] = {
	{"Content-Type: a/b", 400},
	{"Message-ID: x", 400},
	{"Message-ID: x\r\nByte-Range: 1/0-0\r\nContent-Type: a/b", 400},
	{"Message-ID: x\r\nByte-Range: 0-20/20\r\nContent-Type: a/b", 423},
	{"Message-ID: x\r\nByte-Range: 5-3/20\r\nContent-Type: a/b", 423},
	{"Message-ID: x\r\nByte-Range: 1-20/19\r\nContent-Type: a/b", 423},
	{"Message-ID: x\r\nByte-Range: 21-*/19\r\nContent-Type: a/b", 423},
	{"Message-ID: x\r\nByte-Range: 1-*/19\r\nContent-Type: a/b", 423},
	{"Message-ID: x\r\nByte-Range: 1-20/100001\r\nContent-Type: a/b",
		413},
	{"Message-ID: x\r\nByte-Range: 1-100001/*\r\nContent-Type: a/b",
		413},
	{"Message-ID: x\r\nByte-Range: 100002-*/*\r\nContent-Type: a/b",
		413},
	{"Message-ID: x\r\nByte-Range: 99990-*/*\r\nContent-Type: a/b", 413},
	{"Message-ID: x\r\nByte-Range: 18446744073709551615-*/*\r\n"
		"Content-Type: a/b", 413},
};


START_TEST(test_refuse)
{
	ck_assert_uint_eq(refusev[_i].scode,
			  chunk_feed(refusev[_i].hdrs, 0, 20, '$', 3));
	ck_assert_uint_eq(0, chunk_seen.donec);
	ck_assert_uint_eq(chunk_seen.openc, chunk_seen.dropc);
	ck_assert_uint_eq(0, chunk_sess->openc);
	ck_assert_uint_eq(0, chunk_sess->refusedc);
	ck_assert_uint_eq(0, chunk("y", 1, MAX, MAX, '$'));
}
END_TEST


/* Refused in the middle: dropped once, the rest gets the same code */
START_TEST(test_refuse_middle)
{
	static const struct {
		const char *hdrs;
		uint16_t scode;
	} v[] = {
		{"Message-ID: m\r\nByte-Range: 51-70/99\r\n"
			"Content-Type: a/b", 423},
		{"Message-ID: m\r\nByte-Range: 91-*/100\r\n"
			"Content-Type: a/b", 423},
		{"Message-ID: m\r\nByte-Range: 60-50/100\r\n"
			"Content-Type: a/b", 423},
	};

	ck_assert_uint_eq(200, chunk("m", 1, 50, 100, '+'));
	ck_assert_uint_eq(v[_i].scode,
			  chunk_feed(v[_i].hdrs, 50, 20, '+', 100));
	ck_assert_uint_eq(1, chunk_seen.dropc);
	ck_assert_uint_eq(v[_i].scode, chunk("m", 51, 60, 100, '+'));
	ck_assert_uint_eq(1, chunk_sess->refusedc);
	ck_assert_uint_eq(v[_i].scode, chunk("m", 61, 100, 100, '$'));
	ck_assert_uint_eq(0, chunk_sess->refusedc);
	ck_assert_uint_eq(1, chunk_seen.dropc);
	ck_assert_uint_eq(1, chunk_seen.openc);
	ck_assert_uint_eq(0, chunk_seen.donec);
}
END_TEST


/* A $ before octets that are there already */
START_TEST(test_flag_inside)
{
	ck_assert_uint_eq(200, chunk("m", 51, 100, 0, '+'));
	ck_assert_uint_eq(423, chunk("m", 1, 50, 0, '$'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
}
END_TEST


/* A total below what is there */
START_TEST(test_total_inside)
{
	ck_assert_uint_eq(200, chunk("m", 51, 100, 0, '+'));
	ck_assert_uint_eq(423, chunk("m", 1, 50, 90, '+'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
}
END_TEST


START_TEST(test_open_refuses)
{
	chunk_seen.open_code = 415;
	ck_assert_uint_eq(415, chunk("m", 1, 50, 100, '+'));
	ck_assert_uint_eq(415, chunk("m", 51, 60, 100, '+'));
	ck_assert_uint_eq(1, chunk_seen.openc);
	ck_assert_uint_eq(0, chunk_seen.dropc);
	ck_assert_uint_eq(0, chunk_seen.octets);
	ck_assert_uint_eq(415, chunk("m", 61, 100, 100, '$'));
	ck_assert_uint_eq(0, chunk_sess->refusedc);

	chunk_seen.open_code = 0;
	ck_assert_uint_eq(0, chunk("m", 1, 100, 100, '$'));
	ck_assert_uint_eq(2, chunk_seen.openc);
}
END_TEST


START_TEST(test_data_refuses)
{
	chunk_seen.data_code = 413;
	chunk_seen.data_at = 50;
	ck_assert_uint_eq(200, chunk("m", 1, 50, 100, '+'));
	ck_assert_uint_eq(413, chunk("m", 51, 60, 100, '+'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
	ck_assert_uint_eq(413, chunk("m", 61, 100, 100, '$'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
	ck_assert_uint_eq(0, chunk_seen.donec);
	ck_assert_uint_eq(50, chunk_seen.octets);
}
END_TEST


/* The application thinks again while a message is open */
START_TEST(test_answer_open)
{
	struct pl id;
	struct msrp_rx *rx;
	struct msrp_conn conn;

	pl_set_str(&id, "m");
	ck_assert_uint_eq(200, chunk("m", 1, 50, 100, '+'));
	rx = msrp_rx_find(chunk_sess, &id);
	ck_assert_ptr_nonnull(rx);
	ck_assert_int_eq(ENOTCONN, msrp_rx_answer(rx, 413, NULL));

	memset(&conn, 0, sizeof(conn));
	chunk_sess->conn = &conn;
	ck_assert_int_eq(EINVAL, msrp_rx_answer(rx, 200, NULL));
	ck_assert_int_eq(0, msrp_rx_answer(rx, 413, NULL));
	ck_assert_int_eq(EALREADY, msrp_rx_answer(rx, 413, NULL));
	chunk_sess->conn = NULL;
	ck_assert_uint_eq(0, chunk_seen.dropc);
	ck_assert_uint_eq(413, chunk("m", 51, 100, 100, '$'));
}
END_TEST


START_TEST(test_answer_einval)
{
	ck_assert_uint_eq(0, chunk("m", 1, 50, 50, '$'));
	ck_assert_int_eq(EINVAL, msrp_rx_answer(NULL, 200, NULL));
	ck_assert_int_eq(EINVAL, msrp_rx_answer(chunk_seen.last, 199, NULL));
	ck_assert_int_eq(EINVAL, msrp_rx_answer(chunk_seen.last, 1000, NULL));
	ck_assert_int_eq(ENOTCONN, msrp_rx_answer(chunk_seen.last, 200, NULL));
	ck_assert_ptr_null(msrp_rx_msgid(NULL));
	ck_assert_ptr_null(msrp_rx_ctype(NULL));
	ck_assert_ptr_null(msrp_rx_arg(NULL));
	ck_assert_uint_eq(0, msrp_rx_total(NULL));
	msrp_rx_set_arg(NULL, NULL);
}
END_TEST


START_TEST(test_open_max)
{
	char id[16];
	int i;

	for (i=0; i<MSRP_OPEN_MAX; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		ck_assert_uint_eq(200, chunk(id, 1, 50, 100, '+'));
	}
	ck_assert_uint_eq(423, chunk("more", 1, 50, 100, '$'));
	ck_assert_uint_eq(423, chunk("more2", 1, 50, 100, '+'));
	ck_assert_uint_eq(MSRP_OPEN_MAX, chunk_seen.openc);

	/* whole ones do not count */
	ck_assert_uint_eq(0, chunk("m0", 51, 100, 100, '$'));
	ck_assert_uint_eq(0, chunk("more3", 1, 50, 50, '$'));

	/* and what has lost its beginning stays refused */
	ck_assert_uint_eq(423, chunk("more2", 51, 100, 100, '+'));
}
END_TEST


START_TEST(test_hole_max)
{
	uint64_t i;

	for (i=0; i<MSRP_HOLE_MAX; i++)
		ck_assert_uint_eq(200, chunk("m", 2 + 2*i, 2 + 2*i, 0, '+'));
	/* filling a hole is always possible */
	ck_assert_uint_eq(200, chunk("m", 3, 3, 0, '+'));
	ck_assert_uint_eq(200, chunk("m", 2 + 2*i, 2 + 2*i, 0, '+'));
	ck_assert_uint_eq(0, chunk_seen.dropc);
	ck_assert_uint_eq(423, chunk("m", 4 + 2*i, 4 + 2*i, 0, '+'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
}
END_TEST


/* Refused ones are remembered, but not without end */
START_TEST(test_refused_max)
{
	char id[16];
	int i;

	chunk_seen.open_code = 415;
	for (i=0; i<=REFUSED_MAX; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		ck_assert_uint_eq(415, chunk(id, 1, 50, 100, '+'));
	}
	ck_assert_uint_eq(REFUSED_MAX, chunk_sess->refusedc);
	ck_assert_uint_eq(415, chunk("m1", 51, 60, 100, '+'));
	ck_assert_uint_eq(REFUSED_MAX + 1, chunk_seen.openc);
}
END_TEST


/* Chunks with $ that leave holes are held, up to a limit */
START_TEST(test_held_max)
{
	unsigned i;

	for (i=0; i<HELD_MAX; i++)
		ck_assert_uint_eq(0, chunk("m", 51, 100, 100, '$'));
	ck_assert_uint_eq(423, chunk("m", 51, 100, 100, '$'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
}
END_TEST


/* Any handler may close the session */
START_TEST(test_close_in_handler)
{
	if (_i == 1)
		ck_assert_uint_eq(200, chunk("m", 1, 10, 100, '+'));
	if (_i == 2)
		ck_assert_uint_eq(200, chunk("m", 1, 99, 100, '+'));
	if (_i == 3)
		chunk_seen.data_code = 413;
	chunk_seen.close = true;
	(void)chunk("m", 11, 100, 100, '$');
	ck_assert_int_eq(SESS_CLOSED, chunk_sess->state);
	ck_assert_uint_eq(0, chunk_sess->openc);
	ck_assert_uint_eq(0, chunk_sess->donec);
	ck_assert_uint_eq(0, chunk_sess->doneb);
	ck_assert_uint_eq(481, chunk("m", 1, 10, 100, '+'));
	ck_assert_uint_eq(1, chunk_seen.openc);
	ck_assert_uint_eq(0, chunk_seen.donec);
}
END_TEST


START_TEST(test_stats)
{
	struct msrp_stats stats;

	ck_assert_uint_eq(0, chunk("a", 1, 100, 100, '$'));
	ck_assert_uint_eq(200, chunk("b", 1, 50, 100, '+'));
	ck_assert_uint_eq(200, chunk("b", 1, 50, 100, '+'));
	msrp_sess_stats(chunk_sess, &stats);
	ck_assert_uint_eq(1, stats.messages);
	ck_assert_uint_eq(150, stats.bytes);
	ck_assert_uint_eq(2, stats.begun);
	ck_assert_uint_eq(0, stats.taken);
	ck_assert_uint_eq(0, stats.refused);

	/* too large, and the rest of it; taken by nobody */
	ck_assert_uint_eq(413, chunk("c", 1, 50, MAX + 1, '+'));
	ck_assert_uint_eq(413, chunk("c", 51, 100, MAX + 1, '$'));
	chunk_seen.open_code = 415;
	ck_assert_uint_eq(415, chunk("d", 1, 10, 10, '$'));
	msrp_sess_stats(chunk_sess, &stats);
	ck_assert_uint_eq(2, stats.begun);
	ck_assert_uint_eq(3, stats.refused);
}
END_TEST


#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))

void chunk_limit_tests(Suite *s)
{
	TCase *tc = tcase_create("limits");

	tcase_add_checked_fixture(tc, chunk_setup, chunk_teardown);
	tcase_add_loop_test(tc, test_refuse, 0, N(refusev));
	tcase_add_loop_test(tc, test_refuse_middle, 0, 3);
	tcase_add_test(tc, test_flag_inside);
	tcase_add_test(tc, test_total_inside);
	tcase_add_test(tc, test_open_refuses);
	tcase_add_test(tc, test_data_refuses);
	tcase_add_test(tc, test_answer_open);
	tcase_add_test(tc, test_answer_einval);
	tcase_add_test(tc, test_open_max);
	tcase_add_test(tc, test_hole_max);
	tcase_add_test(tc, test_refused_max);
	tcase_add_test(tc, test_held_max);
	tcase_add_loop_test(tc, test_close_in_handler, 0, 4);
	tcase_add_test(tc, test_stats);
	suite_add_tcase(s, tc);
}
