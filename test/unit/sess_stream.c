/**
 * @file sess_stream.c  Sessions: octets as TCP brings them
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include "sess_unit.h"


/* Octet by octet, each in a read of its own */
START_TEST(test_trickle)
{
	char *str, *want;
	size_t i, n;

	side_passive("127.0.0.1");
	str = req(&s1, "tid00001", "SEND", "Message-ID: m1\r\n"
		  "Byte-Range: 1-23/23\r\nContent-Type: text/plain\r\n\r\n"
		  "a\r\n-------tid00001\r\nbcd\r\n");
	n = str_len(str);
	for (i=0; i<n; i++) {
		ck_assert_uint_eq(0, p1.rx->end);
		peer_write(&p1, str + i, 1);
		loop_settle(1);
	}
	want = resp(&s1, "tid00001", "200 OK");
	expect_all(&p1, want);
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(23, s1.octets);
	ck_assert_int_eq(0, memcmp("a\r\n-------tid00001\r\nbcd",
				   s1.body->buf, 23));
	mem_deref(want);
	mem_deref(str);
}
END_TEST


/* Two reads, cut at each octet of the last line and its CRLF */
START_TEST(test_cut)
{
	char *str, *want;
	size_t i, n;

	side_passive("127.0.0.1");
	str = req(&s1, "tid00001", "SEND", HELLO);
	want = resp(&s1, "tid00001", "200 OK");
	n = str_len(str);
	for (i=1; i<30; i++) {
		peer_write(&p1, str, n - i);
		loop_settle(3);
		ck_assert_uint_eq(i - 1, s1.donec);
		peer_write(&p1, str + n - i, i);
		expect_all(&p1, want);
		ck_assert_uint_eq(i, s1.donec);
		ck_assert_uint_eq(5, s1.body->end);
	}
	mem_deref(want);
	mem_deref(str);
}
END_TEST


/* Messages in one go, to the peer's heart's content */
void pipeline(unsigned n, size_t size)
{
	struct mbuf *mb = mbuf_alloc(n * (size + 300));
	char *body = malloc(size + 1);
	unsigned i;

	memset(body, 'x', size);
	body[size] = '\0';
	for (i=0; i<n; i++)
		ck_assert_int_eq(0, mbuf_printf(mb, "MSRP t%07u SEND\r\n"
			"To-Path: %s\r\nFrom-Path: " PEER "\r\n"
			"Message-ID: m%u\r\nByte-Range: 1-%zu/%zu\r\n"
			"Content-Type: text/plain\r\n\r\n%s\r\n"
			"-------t%07u$\r\n", i, msrp_sess_path(s1.sess), i,
			size, size, body, i));
	peer_write(&p1, mb->buf, mb->end);
	free(body);
	mem_deref(mb);
}


static void check_order(unsigned n)
{
	const char *v;
	char want[32];
	unsigned i;

	p1.rx->pos = p1.rx->end;
	ck_assert_int_eq(0, mbuf_write_u8(p1.rx, 0));
	v = (const char *)p1.rx->buf;
	for (i=0; i<n; i++) {
		snprintf(want, sizeof(want), "MSRP t%07u 200 OK\r\n", i);
		v = strstr(v, want);
		ck_assert_ptr_nonnull(v);
	}
	--p1.rx->end;
	ck_assert_uint_eq(n, count(&p1, "MSRP "));
}


START_TEST(test_pipeline)
{
	static const unsigned nv[] = {5, 100, 2000};

	side_passive("127.0.0.1");
	pipeline(nv[_i], 400);
	expect_n(&p1, "$\r\n", nv[_i]);
	ck_assert_uint_eq(nv[_i], s1.donec);
	ck_assert_uint_eq(400ull * nv[_i], s1.octets);
	check_order(nv[_i]);
}
END_TEST


/* What is answered in one turn leaves in one write */
START_TEST(test_one_write)
{
	s1.late = true;
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	pipeline(100, 10);
	loop_settle(50);
	ck_assert_uint_eq(100, s1.donec);
	p1.recvc = 0;
	side_answer(&s1, 200, 0);
	expect_n(&p1, "$\r\n", 100);
	ck_assert_uint_eq(1, p1.recvc);
	check_order(100);
}
END_TEST


static bool kept_full(const void *arg)
{
	(void)arg;

	return s1.keptc >= WAIT_MAX;
}


/* Too many that wait for their answer: no more is read until they have it */
START_TEST(test_back_pressure)
{
	unsigned n;

	s1.late = true;
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	pipeline(4 * WAIT_MAX, 100);
	for (n=1; n<=4; n++) {
		WAIT(kept_full, NULL);
		loop_settle(30);
		ck_assert_uint_eq(n * WAIT_MAX, s1.donec);
		ck_assert_uint_eq(WAIT_MAX, s1.keptc);
		side_answer(&s1, 200, 0);
	}
	expect_n(&p1, "$\r\n", 4 * WAIT_MAX);
	check_order(4 * WAIT_MAX);
}
END_TEST


static uint8_t octet(size_t i)
{
	return (uint8_t)(i * 7 + i / 256 + 0x80);
}


/* A message of all octets there are, in chunks of 64 KiB */
void send_large(size_t total, size_t chunk)
{
	struct mbuf *mb = mbuf_alloc(chunk + 1024);
	size_t off, i;

	for (off=0; off<total; off+=chunk) {
		const size_t n = min(chunk, total - off);

		mb->pos = mb->end = 0;
		ck_assert_int_eq(0, mbuf_printf(mb, "MSRP c%07zu SEND\r\n"
			"To-Path: %s\r\nFrom-Path: " PEER "\r\n"
			"Message-ID: big\r\nByte-Range: %zu-%zu/%zu\r\n"
			"Content-Type: message/cpim\r\n\r\n", off / chunk,
			msrp_sess_path(s1.sess), off + 1, off + n, total));
		for (i=0; i<n; i++)
			mbuf_write_u8(mb, octet(off + i));
		ck_assert_int_eq(0, mbuf_printf(mb, "\r\n-------c%07zu%s\r\n",
			off / chunk, off + n == total ? "$" : "+"));
		peer_write(&p1, mb->buf, mb->end);
	}
	mem_deref(mb);
}


START_TEST(test_large)
{
	static const size_t totalv[] = {1 << 20, 1 << 20, 24 << 20};
	static const size_t chunkv[] = {65536, 2048, 65536};
	const size_t total = totalv[_i], chunk = chunkv[_i];
	const size_t n = (total + chunk - 1) / chunk;
	size_t i;

	s1.late = true;
	side_passive("127.0.0.1");
	send_large(total, chunk);
	WAIT(is_set, &s1.donec);
	expect_n(&p1, " 200 OK\r\n", n - 1);
	loop_settle(30);
	ck_assert_uint_eq(n - 1, count(&p1, " 200 OK\r\n"));
	ck_assert_uint_eq(total, s1.body->end);
	ck_assert_uint_eq(total, s1.octets);
	for (i=0; i<total && s1.body->buf[i] == octet(i); i++)
		;
	ck_assert_uint_eq(total, i);
	side_answer(&s1, 200, 0);
	expect_n(&p1, " 200 OK\r\n", n);
	s1.late = false;
	mbuf_rewind(p1.rx);
	talk(&p1, &s1, HELLO, "200 OK");
}
END_TEST


/* What comes before the start, and is more than is held, waits in TCP */
START_TEST(test_hold_much)
{
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	peer_connect(&p1, &s1);
	send_large(32 << 20, 65536);
	loop_settle(200);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert(!p1.closed);
	msrp_sess_start(s1.sess);
	expect_n(&p1, " 200 OK\r\n", 512);
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(32 << 20, s1.octets);
}
END_TEST


void sess_stream_tests(TCase *tc)
{
	tcase_add_test(tc, test_trickle);
	tcase_add_test(tc, test_cut);
	tcase_add_loop_test(tc, test_pipeline, 0, 3);
	tcase_add_test(tc, test_one_write);
	tcase_add_test(tc, test_back_pressure);
	tcase_add_loop_test(tc, test_large, 0, 3);
	tcase_add_test(tc, test_hold_much);
}
