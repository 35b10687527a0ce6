/**
 * @file chunk.c  Reassembly of MSRP messages (RFC 4975, 5.1 and 7.3.1)
 *
 * Requests go straight into the reassembly; there is no connection.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include "chunk_unit.h"


static struct msrp *msrp;
struct msrp_sess *chunk_sess;

struct chunk_seen chunk_seen;


static void maybe_close(void)
{
	if (chunk_seen.close)
		msrp_sess_close(chunk_sess);
}


static uint16_t open_handler(struct msrp_rx *rx, void *arg)
{
	ck_assert_ptr_eq(arg, &chunk_seen);
	++chunk_seen.openc;
	msrp_rx_set_arg(rx, mbuf_alloc(64));
	if (chunk_seen.begun)
		chunk_seen.begun_err = msrp_rx_set_begun(rx,
							 chunk_seen.begun);
	maybe_close();

	return chunk_seen.open_code;
}


static uint16_t data_handler(struct msrp_rx *rx, uint64_t off,
			     const uint8_t *buf, size_t len, void *arg)
{
	struct mbuf *mb = msrp_rx_arg(rx);
	(void)arg;

	if (chunk_seen.data_code && off >= chunk_seen.data_at)
		return chunk_seen.data_code;

	chunk_seen.octets += len;
	if (off > mb->end) {
		mb->pos = mb->end;
		ck_assert_int_eq(0, mbuf_fill(mb, '?', off - mb->end));
	}
	mb->pos = off;
	ck_assert_int_eq(0, mbuf_write_mem(mb, buf, len));
	maybe_close();

	return 0;
}


static void keep(struct msrp_rx *rx)
{
	mem_deref(chunk_seen.last);
	chunk_seen.last = mem_ref(rx);
	maybe_close();
}


static void done_handler(struct msrp_rx *rx, void *arg)
{
	(void)arg;
	++chunk_seen.donec;
	keep(rx);
}


static void drop_handler(struct msrp_rx *rx, void *arg)
{
	(void)arg;
	++chunk_seen.dropc;
	keep(rx);
}


static void sess_make(void)
{
	static const struct msrp_sess_h h = {
		.openh = open_handler,
		.datah = data_handler,
		.doneh = done_handler,
		.droph = drop_handler,
	};
	struct sa laddr;

	ck_assert_int_eq(0, sa_set_str(&laddr, "127.0.0.1", 0));
	ck_assert_int_eq(0, msrp_sess_alloc(&chunk_sess, msrp, &laddr, false,
					    &h, &chunk_seen));
}


void chunk_setup(void)
{
	static const struct msrp_conf conf = {.max_size = MAX};

	ck_assert_int_eq(0, libre_init());
	memset(&chunk_seen, 0, sizeof(chunk_seen));
	ck_assert_int_eq(0, msrp_alloc(&msrp, &conf));
	sess_make();
}


void chunk_teardown(void)
{
	chunk_seen.last = mem_deref(chunk_seen.last);
	chunk_sess = mem_deref(chunk_sess);
	msrp = mem_deref(msrp);
	libre_close();
}


/*
 * One SEND. The octets of a message are its offsets modulo 251.
 *
 * @param hdrs More headers, and the range as printed
 * @param off  Offset of the octets, to make them up
 * @param step Octets of one call
 */
uint16_t chunk_feed(const char *hdrs, uint64_t off, size_t len, char flag,
		     size_t step)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct msrp_chunk ch;
	uint16_t scode;
	uint8_t *v = malloc(len + 1);
	size_t i;

	memset(&ch, 0, sizeof(ch));
	ck_assert_int_eq(0, mbuf_printf(mb, "MSRP abcd SEND\r\n"
		"To-Path: msrp://a:1/s;tcp\r\n"
		"From-Path: msrp://b:2/s;tcp\r\n%s\r\n\r\n", hdrs));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&ch.head, mb));
	for (i=0; i<len; i++)
		v[i] = (uint8_t)((off + i) % 251);

	ch.sess = chunk_sess;
	msrp_chunk_begin(&ch);
	for (i=0; i<len; i+=step) {
		const struct pl pl = {(char *)v + i, min(step, len - i)};

		if (!ch.sess || chunk_sess->state == SESS_CLOSED)
			ch.sess = NULL;
		msrp_chunk_data(&ch, &pl);
	}
	if (chunk_sess->state == SESS_CLOSED)
		ch.sess = NULL;
	scode = msrp_chunk_end(&ch, (enum msrp_flag)flag);
	msrp_chunk_reset(&ch);
	mem_deref(mb);
	free(v);

	return scode;
}


/* A chunk of message id: octets from to to (from 1), total 0: "*" */
uint16_t chunk(const char *id, uint64_t from, uint64_t to,
		      uint64_t total, char flag)
{
	char hdrs[512], tot[32] = "*";

	if (total)
		snprintf(tot, sizeof(tot), "%llu", (unsigned long long)total);
	snprintf(hdrs, sizeof(hdrs), "Message-ID: %s\r\n"
		 "Byte-Range: %llu-%llu/%s\r\nContent-Type: text/plain", id,
		 (unsigned long long)from, (unsigned long long)to, tot);

	return chunk_feed(hdrs, from - 1, to - from + 1, flag, 1000000);
}


/* The last message is whole, and each octet came once */
void chunk_check(uint64_t total)
{
	const struct mbuf *mb = msrp_rx_arg(chunk_seen.last);
	size_t i;

	ck_assert_uint_eq(total, msrp_rx_total(chunk_seen.last));
	ck_assert_uint_eq(total, mb->end);
	ck_assert_uint_eq(total, chunk_seen.octets);
	for (i=0; i<total; i++)
		ck_assert_uint_eq(i % 251, mb->buf[i]);
}


START_TEST(test_single)
{
	ck_assert_uint_eq(0, chunk("m1", 1, 300, 300, '$'));
	ck_assert_uint_eq(1, chunk_seen.openc);
	ck_assert_uint_eq(1, chunk_seen.donec);
	ck_assert_str_eq("m1", msrp_rx_msgid(chunk_seen.last));
	ck_assert_str_eq("text/plain", msrp_rx_ctype(chunk_seen.last));
	chunk_check(300);
	ck_assert_uint_eq(1, chunk_seen.last->heldc);
	ck_assert_uint_eq(1, chunk_sess->donec);
	ck_assert_uint_eq(300, chunk_sess->doneb);
	ck_assert_uint_eq(0, chunk_sess->openc);
}
END_TEST


/* Any size of read */
START_TEST(test_steps)
{
	static const size_t stepv[] = {1, 2, 7, 299, 300};

	ck_assert_uint_eq(0, chunk_feed("Message-ID: m\r\n"
					"Byte-Range: 1-300/300\r\n"
					"Content-Type: text/plain", 0, 300,
					'$', stepv[_i]));
	chunk_check(300);
}
END_TEST


/* Four chunks in each of the 24 orders */
START_TEST(test_orders)
{
	static const uint64_t v[4][2] = {{1, 10}, {11, 50}, {51, 51},
					 {52, 100}};
	int idx[4], n = _i, i, j, used = 0;

	for (i=0; i<4; i++) {
		int k = n % (4 - i);

		n /= 4 - i;
		for (j=0; ; j++) {
			if (!(used & 1 << j) && !k--)
				break;
		}
		idx[i] = j;
		used |= 1 << j;
	}

	for (i=0; i<4; i++) {
		const bool last = idx[i] == 3;
		const uint16_t scode = chunk("m", v[idx[i]][0], v[idx[i]][1],
					     last || i % 2 ? 100 : 0,
					     last ? '$' : '+');

		/* the chunk with $ and the one that completes are held */
		ck_assert_uint_eq(last || i == 3 ? 0 : 200, scode);
		ck_assert_uint_eq(i == 3, chunk_seen.donec);
	}
	ck_assert_uint_eq(1, chunk_seen.openc);
	chunk_check(100);
	ck_assert_uint_eq(idx[3] == 3 ? 1 : 2, chunk_seen.last->heldc);
}
END_TEST


/* Unknown total: only the $ tells it */
START_TEST(test_unknown_total)
{
	ck_assert_uint_eq(200, chunk("m", 1, 100, 0, '+'));
	ck_assert_uint_eq(200, chunk("m", 101, 200, 0, '+'));
	ck_assert_uint_eq(0, chunk_seen.donec);
	ck_assert_uint_eq(0, chunk("m", 201, 250, 0, '$'));
	chunk_check(250);
}
END_TEST


START_TEST(test_unknown_total_first_last)
{
	ck_assert_uint_eq(0, chunk("m", 201, 250, 0, '$'));
	ck_assert_uint_eq(200, chunk("m", 1, 100, 0, '+'));
	ck_assert_uint_eq(0, chunk_seen.donec);
	ck_assert_uint_eq(0, chunk("m", 101, 200, 0, '+'));
	chunk_check(250);
	ck_assert_uint_eq(2, chunk_seen.last->heldc);
}
END_TEST


/* The end of the range may be unknown, and the chunk be cut short */
START_TEST(test_interrupted)
{
	ck_assert_uint_eq(200, chunk_feed("Message-ID: m\r\n"
		"Byte-Range: 1-*/300\r\nContent-Type: a/b", 0, 120, '+', 50));
	ck_assert_uint_eq(200, chunk_feed("Message-ID: m\r\n"
		"Byte-Range: 121-300/300\r\nContent-Type: a/b", 120, 30, '+',
		50));
	ck_assert_uint_eq(0, chunk_feed("Message-ID: m\r\n"
		"Byte-Range: 151-*/300\r\nContent-Type: a/b", 150, 150, '$',
		50));
	chunk_check(300);
}
END_TEST


/* Without Byte-Range: from 1 on, end and total unknown */
START_TEST(test_no_range)
{
	ck_assert_uint_eq(0, chunk_feed("Message-ID: m\r\nContent-Type: a/b",
					0, 77, '$', 10));
	chunk_check(77);
}
END_TEST


/* An empty chunk may bring the $ */
START_TEST(test_empty_last)
{
	ck_assert_uint_eq(200, chunk("m", 1, 100, 0, '+'));
	ck_assert_uint_eq(0, chunk("m", 101, 100, 0, '$'));
	chunk_check(100);
}
END_TEST


/* Total reached: complete, whatever the flag says */
START_TEST(test_total_without_flag)
{
	ck_assert_uint_eq(200, chunk("m", 51, 100, 100, '+'));
	ck_assert_uint_eq(0, chunk("m", 1, 50, 100, '+'));
	chunk_check(100);
}
END_TEST


/* A stated total wins over a $ that comes early: never kept cut short */
START_TEST(test_early_flag)
{
	ck_assert_uint_eq(0, chunk("m", 1, 50, 100, '$'));
	ck_assert_uint_eq(0, chunk_seen.donec);
	ck_assert_uint_eq(0, chunk("m", 51, 100, 100, '$'));
	chunk_check(100);
}
END_TEST


START_TEST(test_overlap)
{
	ck_assert_uint_eq(200, chunk("m", 1, 60, 200, '+'));
	ck_assert_uint_eq(200, chunk("m", 1, 60, 200, '+'));
	ck_assert_uint_eq(200, chunk("m", 40, 80, 200, '+'));
	ck_assert_uint_eq(200, chunk("m", 100, 120, 200, '+'));
	ck_assert_uint_eq(200, chunk("m", 140, 160, 200, '+'));
	ck_assert_uint_eq(200, chunk("m", 50, 170, 200, '+'));
	ck_assert_uint_eq(170, chunk_seen.octets);
	ck_assert_uint_eq(0, chunk("m", 150, 200, 200, '$'));
	chunk_check(200);
}
END_TEST


/* Random chunks of a message: each octet once, however they lie */
START_TEST(test_random)
{
	unsigned i, seed = 4711u + (unsigned)_i;

	for (i=0; i<5000 && !chunk_seen.donec; i++) {
		const uint64_t from = 1 + (uint64_t)rand_r(&seed) % 1000;
		const uint64_t len = 1 + (uint64_t)rand_r(&seed) % 90;
		const uint64_t to = min(from + len - 1, (uint64_t)1000);
		const uint16_t scode = chunk("m", from, to, 1000, '+');

		ck_assert(scode == (chunk_seen.donec ? 0 : 200));
	}
	ck_assert_uint_eq(1, chunk_seen.donec);
	chunk_check(1000);
}
END_TEST


START_TEST(test_interleaved)
{
	ck_assert_uint_eq(200, chunk("a", 1, 50, 100, '+'));
	ck_assert_uint_eq(200, chunk("b", 1, 50, 100, '+'));
	ck_assert_uint_eq(200, chunk("A", 1, 50, 100, '+'));
	ck_assert_uint_eq(3, chunk_seen.openc);
	chunk_seen.octets = 50;
	ck_assert_uint_eq(0, chunk("b", 51, 100, 100, '$'));
	ck_assert_str_eq("b", msrp_rx_msgid(chunk_seen.last));
	chunk_check(100);
	chunk_seen.octets = 50;
	ck_assert_uint_eq(0, chunk("a", 51, 100, 100, '$'));
	ck_assert_str_eq("a", msrp_rx_msgid(chunk_seen.last));
	chunk_check(100);
	ck_assert_uint_eq(2, chunk_seen.donec);
	ck_assert_uint_eq(1, chunk_sess->openc);
}
END_TEST


/* A repeat of what is complete and not answered: held, nothing twice */
START_TEST(test_repeat)
{
	unsigned i;

	ck_assert_uint_eq(0, chunk("m", 1, 100, 100, '$'));
	for (i=1; i<HELD_MAX; i++)
		ck_assert_uint_eq(0, chunk("m", 1, 100, 100, '$'));
	ck_assert_uint_eq(HELD_MAX, chunk_seen.last->heldc);
	ck_assert_uint_eq(423, chunk("m", 1, 100, 100, '$'));
	ck_assert_uint_eq(423, chunk("m", 101, 110, 110, '$'));
	ck_assert_uint_eq(1, chunk_seen.openc);
	ck_assert_uint_eq(1, chunk_seen.donec);
	ck_assert_uint_eq(0, chunk_seen.dropc);
	chunk_check(100);
}
END_TEST


START_TEST(test_abort)
{
	ck_assert_uint_eq(200, chunk("m", 1, 50, 100, '+'));
	ck_assert_uint_eq(200, chunk("m", 51, 60, 100, '#'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
	ck_assert_uint_eq(0, chunk_seen.donec);
	ck_assert_uint_eq(0, chunk_sess->openc);
	ck_assert_int_eq(EALREADY, msrp_rx_answer(chunk_seen.last, 200, NULL));

	/* the same id again is a new message */
	chunk_seen.octets = 0;
	ck_assert_uint_eq(0, chunk("m", 1, 100, 100, '$'));
	ck_assert_uint_eq(2, chunk_seen.openc);
	chunk_check(100);
}
END_TEST


uint16_t chunk_bodiless(const char *hdrs, char flag)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct msrp_chunk ch;
	uint16_t scode;

	memset(&ch, 0, sizeof(ch));
	ck_assert_int_eq(0, mbuf_printf(mb, "MSRP abcd SEND\r\n"
		"To-Path: msrp://a:1/s;tcp\r\n"
		"From-Path: msrp://b:2/s;tcp\r\n%s-------abcd%c\r\n", hdrs,
		flag));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&ch.head, mb));
	ch.sess = chunk_sess;
	msrp_chunk_begin(&ch);
	scode = msrp_chunk_end(&ch, ch.head.flag);
	msrp_chunk_reset(&ch);
	mem_deref(mb);

	return scode;
}


/* An abort need not have a body, nor a range */
START_TEST(test_abort_bodiless)
{
	ck_assert_uint_eq(200, chunk("m", 1, 50, 100, '+'));
	ck_assert_uint_eq(200, chunk_bodiless("Message-ID: m\r\n", '#'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
	ck_assert_uint_eq(0, chunk_sess->openc);
	ck_assert_uint_eq(200, chunk_bodiless("Message-ID: other\r\n", '#'));
	ck_assert_uint_eq(1, chunk_seen.dropc);
}
END_TEST


/* wire.md 2.5: none of these is ever a message */
START_TEST(test_empty)
{
	static const char *v[] = {
		"", "Message-ID: x\r\n",
		"Message-ID: x\r\nByte-Range: 1-0/0\r\n",
		"Message-ID: x\r\nByte-Range: 1/0-0\r\n",
		"Message-ID: x\r\nContent-Type: text/plain\r\n",
		"Byte-Range: 0-0/0\r\n",
		"Message-ID: x\r\nByte-Range: 5-1/2\r\n",
	};

	ck_assert_uint_eq(200, chunk_bodiless(v[_i], '$'));
	ck_assert_uint_eq(200, chunk_bodiless(v[_i], '+'));
	ck_assert_uint_eq(0, chunk_seen.openc);
}
END_TEST


/* nor is this one, with a body that is empty */
START_TEST(test_empty_body)
{
	ck_assert_uint_eq(200, chunk_feed("Message-ID: x\r\n"
					  "Byte-Range: 1-0/0\r\n"
					  "Content-Type: a/b", 0, 0, '$', 1));
	ck_assert_uint_eq(0, chunk_seen.openc);
	ck_assert_uint_eq(0, chunk_seen.donec);
}
END_TEST


Suite *chunk_suite(void)
{
	Suite *s = suite_create("chunk");
	TCase *tc = tcase_create("chunk");

	tcase_add_checked_fixture(tc, chunk_setup, chunk_teardown);
	tcase_add_test(tc, test_single);
	tcase_add_loop_test(tc, test_steps, 0, 5);
	tcase_add_loop_test(tc, test_orders, 0, 24);
	tcase_add_test(tc, test_unknown_total);
	tcase_add_test(tc, test_unknown_total_first_last);
	tcase_add_test(tc, test_interrupted);
	tcase_add_test(tc, test_no_range);
	tcase_add_test(tc, test_empty_last);
	tcase_add_test(tc, test_total_without_flag);
	tcase_add_test(tc, test_early_flag);
	tcase_add_test(tc, test_overlap);
	tcase_add_loop_test(tc, test_random, 0, 8);
	tcase_add_test(tc, test_interleaved);
	tcase_add_test(tc, test_repeat);
	tcase_add_test(tc, test_abort);
	tcase_add_test(tc, test_abort_bodiless);
	tcase_add_loop_test(tc, test_empty, 0, 7);
	tcase_add_test(tc, test_empty_body);
	suite_add_tcase(s, tc);
	chunk_limit_tests(s);
	chunk_begun_tests(s);

	return s;
}
