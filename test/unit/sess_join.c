/**
 * @file sess_join.c  Sessions: what is left over of one read is joined to the
 * next one
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include "sess_unit.h"


/* The middle one is larger than what is joined at once; its lines look like
   the end of the one before */
static const size_t sizev[] = {1, JOIN_SIZE + 200, 300};
enum { MESSAGES = N(sizev) };


static void body_fill(uint8_t *p, size_t n, size_t size)
{
	static const char line[] = "\r\n-------t0000000$\r\n ";
	size_t i;

	for (i=0; i<size; i++)
		p[i] = (uint8_t)(n == 1 ? line[i % (sizeof(line) - 1)]
				 : (int)(i * 7 + 0x80));
}


static struct mbuf *messages(void)
{
	struct mbuf *mb = mbuf_alloc(8192);
	uint8_t body[4096];
	size_t i;

	for (i=0; i<MESSAGES; i++) {
		body_fill(body, i, sizev[i]);
		ck_assert_int_eq(0, mbuf_printf(mb, "MSRP t%07zu SEND\r\n"
			"To-Path: %s\r\nFrom-Path: " PEER "\r\n"
			"Message-ID: m%zu\r\nByte-Range: 1-%zu/%zu\r\n"
			"Content-Type: text/plain\r\n\r\n", i,
			msrp_sess_path(s1.sess), i, sizev[i], sizev[i]));
		ck_assert_int_eq(0, mbuf_write_mem(mb, body, sizev[i]));
		ck_assert_int_eq(0, mbuf_printf(mb, "\r\n-------t%07zu$\r\n",
						i));
	}
	mb->pos = 0;

	return mb;
}


static void check(void)
{
	uint8_t body[4096];
	size_t i;

	ck_assert_uint_eq(MESSAGES, s1.keptc);
	for (i=0; i<MESSAGES; i++) {
		const struct mbuf *mb = msrp_rx_arg(s1.keptv[i]);

		body_fill(body, i, sizev[i]);
		ck_assert_uint_eq(sizev[i], mb->end);
		ck_assert_int_eq(0, memcmp(body, mb->buf, sizev[i]));
	}
	ck_assert(!s1.bad);
	side_answer(&s1, 200, 0);
	expect_n(&p1, "$\r\n", MESSAGES);
	mbuf_rewind(p1.rx);
}


static bool all_kept(const void *arg)
{
	(void)arg;

	return s1.keptc == MESSAGES;
}


/* Two reads, cut at each octet in turn (a stretch of them a test) */
START_TEST(test_join)
{
	struct mbuf *mb;
	size_t cut;

	s1.late = true;
	side_passive("127.0.0.1");
	mb = messages();
	for (cut = 1 + (size_t)_i; cut < mb->end; cut += 16) {
		peer_write(&p1, mb->buf, cut);
		loop_settle(1);
		peer_write(&p1, mb->buf + cut, mb->end - cut);
		WAIT(all_kept, NULL);
		check();
	}
	mem_deref(mb);
}
END_TEST


/* Reads of one size, from one that is less than any head to one of nearly
   all; and paused in the midst of each */
START_TEST(test_join_sizes)
{
	struct mbuf *mb;
	size_t step, i;

	s1.late = true;
	side_passive("127.0.0.1");
	mb = messages();
	for (step=97; step < mb->end; step += 331) {
		for (i=0; i<mb->end; i+=step) {
			msrp_sess_pause(s1.sess, i / step % 3 == 1);
			peer_write(&p1, mb->buf + i, min(step, mb->end - i));
			loop_settle(1);
		}
		msrp_sess_pause(s1.sess, false);
		WAIT(all_kept, NULL);
		check();
	}
	mem_deref(mb);
}
END_TEST


void sess_join_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_join, 0, 16);
	tcase_add_test(tc, test_join_sizes);
}
