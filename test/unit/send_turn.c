/**
 * @file send_turn.c  Whose turn it is, and how much is on its way
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <sys/resource.h>
#include "send_unit.h"


enum {
	MANY  = 10000,       /* messages                                   */
	LARGE = 200000000,   /* octets                                     */
	AHEAD = 33554432,    /* octets that TCP may take from one who does
				not see them read: its buffers are not ours */
	FLAT  = 16777216,    /* octets of memory that a large message may
				take more                                  */
};


/* The peer reads no more, or again */
static void peer_stop(void)
{
	fd_close(tcp_conn_fd(p1.tc));
}


static void nothing_handler(void *arg)
{
	(void)arg;
}


static void peer_go(void)
{
	ck_assert_int_eq(0, tcp_set_send(p1.tc, nothing_handler));
	ck_assert_int_eq(0, tcp_set_send(p1.tc, NULL));
}


static bool is_full(const void *arg)
{
	(void)arg;

	return s1.sess->conn->polling && s1.sess->conn->full;
}


/* TCP is full of a message that goes on and on. Nobody answers. */
static void fill(void)
{
	struct msrp_send send;

	peer_stop();
	msg_read(&send, &m1, 1ull << 40);
	send.failure_report = MSRP_FREPORT_NO;
	msg_send(&s1, &m1, &send);
	WAIT(is_full, NULL);
	loop_settle(50);
	WAIT(is_full, NULL);
	ck_assert_uint_gt(m1.given, 0);
	ck_assert_uint_le(m1.given, AHEAD);
	ck_assert_uint_le(msrp_transport_queued(s1.sess->conn), 70000);
}


/* A short message leaves after at most one more chunk of the long one; of
   another session on the connection as well. That chunk is a small one. */
START_TEST(test_overtake)
{
	const bool other = _i & 1;
	char fp[CERT_FP];
	struct msrp_send send;
	uint64_t given, n = 0;
	struct frame f;
	size_t pos = 0;

	send_estab_tls(_i & 2);
	if (other) {
		sess_make(&s2, "127.0.0.1");
		if (_i & 2) {
			ck_assert_int_eq(0, cert_fingerprint(fp,
				tls_path("peer.pem"), "sha-256"));
			ck_assert_int_eq(0, msrp_sess_set_fingerprint(s2.sess,
								      fp));
		}
		msrp_sess_start(s2.sess);
		put(&p1, &s2, "bind0002", "SEND", BIND);
		WAIT(is_set, &s2.estabc);
		expect(&p1, "-------bind0002$\r\n");
		mbuf_rewind(p1.rx);
		ck_assert_ptr_eq(s1.sess->conn, s2.sess->conn);
	}
	fill();
	given = m1.given;
	msg_text(&send, &m2, "hello");
	msg_send(other ? &s2 : &s1, &m2, &send);
	loop_settle(20);
	ck_assert_uint_eq(given, m1.given);
	peer_go();
	for (;;) {
		frame_next(&f, &pos);
		if (!strcmp(f.msgid, msrp_tx_msgid(m2.tx)))
			break;
		ck_assert_uint_eq(n, f.off);
		n += f.body.l;
		if (f.off >= given)
			ck_assert_uint_le(f.body.l, 8192);
	}
	ck_assert_uint_ge(n, given);
	ck_assert_uint_le(n, given + 8192);
	ck_assert(!pl_strcmp(&f.body, "hello"));
	answer(f.tid, "200 OK");
	msg_end(&m2, 0, 200);
	ck_assert_uint_eq(0, m1.sentc);
}
END_TEST


/* Answers leave at once since a session goes: the message of another one, of
   the same turn, is not forgotten */
START_TEST(test_flush)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	sess_make(&s2, "127.0.0.1");
	s2.late = true;
	msrp_sess_start(s2.sess);
	put(&p1, &s2, "tid00002", "SEND", HELLO);
	WAIT(is_set, &s2.donec);
	msg_text(&send, &m1, "hello");
	msg_send(&s1, &m1, &send);
	side_answer(&s2, 200, 0);
	msrp_sess_close(s2.sess);
	expect(&p1, "-------tid00002$\r\n");
	frame_next(&f, &pos);
	ck_assert(!f.head.req);
	frame_next(&f, &pos);
	answer(f.tid, "200 OK");
	msg_end(&m1, 0, 200);
}
END_TEST


/* Two long ones take turns, a chunk each; what one gets does not depend on
   how many another session has */
START_TEST(test_turns)
{
	struct msrp_send send;
	unsigned i, last = 0;
	struct frame f;
	struct msg m3;
	size_t pos = 0, n[2] = {0, 0};

	memset(&m3, 0, sizeof(m3));
	send_estab();
	sess_make(&s2, "127.0.0.1");
	msrp_sess_start(s2.sess);
	put(&p1, &s2, "bind0002", "SEND", BIND);
	WAIT(is_set, &s2.estabc);
	expect(&p1, "-------bind0002$\r\n");
	mbuf_rewind(p1.rx);

	msg_read(&send, &m1, 1000000);
	send.msgid = "long1";
	msg_send(&s1, &m1, &send);
	msg_read(&send, &m2, 1000000);
	send.msgid = "long2";
	msg_send(_i ? &s2 : &s1, &m2, &send);
	if (_i) {
		msg_read(&send, &m3, 1000000);
		send.msgid = "long1b";
		msg_send(&s1, &m3, &send);
	}
	for (i=0; i<100; i++) {
		unsigned which;

		frame_next(&f, &pos);
		ck_assert_uint_le(f.body.l, 8192);
		which = strncmp(f.msgid, "long1", 5) ? 2 : 1;
		ck_assert_uint_ne(last, which);
		last = which;
		n[which - 1] += f.body.l;
	}
	ck_assert_uint_eq(n[0], n[1]);
	mem_deref(m3.tx);
}
END_TEST


/* Alone they are longer, up to a limit */
START_TEST(test_longer)
{
	struct msrp_send send;
	size_t pos = 0, most = 0;
	struct frame f;

	send_estab();
	msg_read(&send, &m1, 4000000);
	msg_send(&s1, &m1, &send);
	do {
		frame_next(&f, &pos);
		ck_assert_uint_le(f.body.l, 65536);
		if (f.flag == MSRP_CONTINUE)
			ck_assert_uint_ge(f.body.l, 2048);
		most = max(most, f.body.l);
		answer(f.tid, "200 OK");
	} while (f.flag == MSRP_CONTINUE);
	ck_assert_uint_eq(65536, most);
	msg_end(&m1, 0, 200);
}
END_TEST


START_TEST(test_size)
{
	static const struct {
		size_t size;
		uint64_t ms;
		size_t next;
	} v[] = {
		{16384, 0, 32768}, {16384, 5, 32768}, {16384, 6, 16384},
		{16384, 19, 16384}, {16384, 20, 8192}, {16384, 5000, 8192},
		{65536, 0, 65536}, {65536, 20, 32768}, {40000, 0, 65536},
		{2048, 20, 2048}, {3000, 20, 2048}, {2048, 5, 4096},
	};
	size_t i;

	for (i=0; i<COUNT(v); i++)
		ck_assert_uint_eq(v[i].next, msrp_pump_size(v[i].size,
							    v[i].ms));
}
END_TEST


/* It took long until TCP had taken the last chunk: the next one is shorter */
START_TEST(test_shorter)
{
	size_t before;

	send_estab();
	fill();
	before = s1.sess->conn->chunk;
	ck_assert_uint_gt(before, 2048);
	m1.least = before;
	s1.sess->conn->full = tmr_jiffies() - 30;
	peer_go();
	loop_settle(10);
	ck_assert_uint_eq(before / 2, m1.least);
}
END_TEST


/* In the order in which they were given, before the session is established or
   after; each is told once */
START_TEST(test_many)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;
	char id[32];
	unsigned i;

	if (_i)
		send_estab();
	else
		side_passive("127.0.0.1");
	msg_text(&send, &m1, "hello");
	for (i=0; i<MANY; i++) {
		(void)re_snprintf(id, sizeof(id), "id%u", i);
		send.msgid = id;
		ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &send));
	}
	mem_deref(send.mb);
	if (!_i)
		put(&p1, &s1, "bind0001", "SEND", "Failure-Report: no\r\n"
		    BIND);
	for (i=0; i<MANY; i++) {
		frame_next(&f, &pos);
		(void)re_snprintf(id, sizeof(id), "id%u", i);
		ck_assert_str_eq(id, f.msgid);
		answer(f.tid, "200 OK");
	}
	loop_settle(20);
	ck_assert_uint_eq(MANY, m1.sentc);
	ck_assert_int_eq(0, m1.err);
	ck_assert(list_isempty(&s1.sess->txl));
	ck_assert_ptr_null(s1.sess->conn->transh);
}
END_TEST


/*
 * Between two sessions of ours
 */

static struct {
	uint64_t octets;
	bool bad;
	unsigned done;
	size_t most;            /* queued by libre                          */
} sink;

static uint16_t sink_data(struct msrp_rx *rx, uint64_t off,
			  const uint8_t *buf, size_t len, void *arg)
{
	const struct msrp_conn *conn = s1.sess->conn;
	(void)rx;
	(void)arg;

	/* each octet is looked at in the beginning, then some */
	if (off != sink.octets || !is_pattern(off, buf, off < 10000000
					      ? len : min(len, (size_t)64)))
		sink.bad = true;
	sink.octets += len;
	if (conn)
		sink.most = max(sink.most, msrp_transport_queued(conn));

	return 0;
}


static void sink_done(struct msrp_rx *rx, void *arg)
{
	(void)arg;
	++sink.done;
	ck_assert_int_eq(0, msrp_rx_answer(rx, 200, NULL));
}


/* s1 sends, s2 takes */
static void sink_make(bool tls)
{
	static const struct msrp_sess_h h = {
		.datah = sink_data, .doneh = sink_done,
	};
	char fp[CERT_FP];
	struct sa laddr;

	sess_conf.max_size = 1ull << 40;
	if (tls)
		tls_stack(NULL);
	else
		sess_restack(0, 0, sess_conf.max_size);
	memset(&sink, 0, sizeof(sink));
	ck_assert_int_eq(0, sa_set_str(&laddr, "127.0.0.1", 0));
	ck_assert_int_eq(0, msrp_sess_alloc(&s2.sess, sess_stack, &laddr,
					    tls, &h, NULL));
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess,
					       msrp_sess_path(s2.sess)));
	ck_assert_int_eq(0, msrp_sess_set_peer(s2.sess,
					       msrp_sess_path(s1.sess)));
	if (tls) {
		ck_assert_int_eq(0, msrp_fingerprint(fp, sizeof(fp),
						     sess_stack));
		ck_assert_int_eq(0, msrp_sess_set_fingerprint(s1.sess, fp));
		ck_assert_int_eq(0, msrp_sess_set_fingerprint(s2.sess, fp));
	}
	msrp_sess_start(s2.sess);
	sa_set_port(&laddr, msrp_sess_lport(s2.sess));
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &laddr));
	WAIT(is_set, &s1.estabc);
}


static size_t resident(void)
{
	struct rusage ru;

	ck_assert_int_eq(0, getrusage(RUSAGE_SELF, &ru));

	return (size_t)ru.ru_maxrss * 1024;
}


/* Memory does not grow with the message (CPM_LONG: 1 GB) */
START_TEST(test_flat)
{
	const uint64_t size = getenv("CPM_LONG") ? 1000000000 : LARGE;
	struct msrp_send send;
	size_t before;

	sink_make(_i);
	before = resident();
	msg_read(&send, &m1, size);
	msg_send(&s1, &m1, &send);
	msg_end(&m1, 0, 200);
	ck_assert(!sink.bad);
	ck_assert_uint_eq(size, sink.octets);
	ck_assert_uint_eq(1, sink.done);
	ck_assert_uint_eq(size, msrp_tx_acked(m1.tx));
	ck_assert_uint_le(sink.most, 70000);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_uint_le(resident(), before + FLAT);
#else
	(void)before;
#endif
}
END_TEST


/* What the receiver has of it needs not be sent again */
START_TEST(test_resume_both)
{
	struct msrp_send send;

	sink_make(false);
	m1.hold_at = 30000;
	m1.most = 10000;
	msg_read(&send, &m1, 100000);
	send.msgid = "m1";
	msg_send(&s1, &m1, &send);
	while (msrp_tx_acked(m1.tx) < 30000)
		loop_settle(1);
	ck_assert_uint_eq(30000, sink.octets);
	msrp_tx_abort(m1.tx);
	ck_assert_int_eq(ECANCELED, m1.err);

	msg_read(&send, &m2, 100000);
	send.start = msrp_tx_acked(m1.tx);
	msg_send(&s1, &m2, &send);
	while (sink.octets < 100000)
		loop_settle(1);
	ck_assert(!sink.bad);
	ck_assert_uint_eq(100000, sink.octets);
	ck_assert_uint_eq(30000, send.start);
	ck_assert_uint_eq(0, s1.closec);
}
END_TEST


/* While our side is not read it does not send either, and goes on after it */
START_TEST(test_paused)
{
	static uint8_t junk[300000];
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab_tls(_i);
	msrp_sess_pause(s1.sess, true);
	memset(junk, 'a', sizeof(junk));
	peer_puts(&p1, "MSRP large001 SEND\r\nTo-Path: ");
	peer_puts(&p1, msrp_sess_path(s1.sess));
	peer_puts(&p1, "\r\nFrom-Path: " PEER "\r\nMessage-ID: big\r\n"
		  "Failure-Report: no\r\nContent-Type: a/b\r\n\r\n");
	peer_write(&p1, junk, sizeof(junk));
	peer_puts(&p1, "\r\n-------large001$\r\n");
	loop_settle(50);
	ck_assert(s1.sess->conn->paused);
	msg_read(&send, &m1, 100000);
	msg_send(&s1, &m1, &send);
	loop_settle(50);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_uint_eq(0, m1.readc);

	msrp_sess_pause(s1.sess, false);
	do {
		frame_next(&f, &pos);
		answer(f.tid, "200 OK");
	} while (f.flag == MSRP_CONTINUE);
	msg_end(&m1, 0, 200);
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(sizeof(junk), s1.octets);
}
END_TEST


/* Paused in the midst of sending, with TCP full: reading stops as well, and
   both go on */
START_TEST(test_paused_full)
{
	static uint8_t junk[300000];

	send_estab_tls(_i);
	fill();
	msrp_sess_pause(s1.sess, true);
	memset(junk, 'a', sizeof(junk));
	peer_puts(&p1, "MSRP large001 SEND\r\nTo-Path: ");
	peer_puts(&p1, msrp_sess_path(s1.sess));
	peer_puts(&p1, "\r\nFrom-Path: " PEER "\r\nMessage-ID: big\r\n"
		  "Failure-Report: no\r\nContent-Type: a/b\r\n\r\n");
	peer_write(&p1, junk, sizeof(junk));
	peer_puts(&p1, "\r\n-------large001$\r\n");
	loop_settle(50);
	ck_assert(!s1.sess->conn->polling);
	ck_assert_uint_eq(0, s1.donec);
	peer_go();
	loop_settle(50);
	msrp_sess_pause(s1.sess, false);
	WAIT(is_set, &s1.donec);
	mbuf_rewind(p1.rx);
	loop_settle(20);
	ck_assert_uint_gt(p1.rx->end, 0);
}
END_TEST


/* Nothing now; a wake, also from within readh, asks again */
START_TEST(test_idle)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.hold_at = 100;
	m1.self = _i;
	msg_read(&send, &m1, 300);
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	ck_assert_uint_eq(100, f.body.l);
	loop_settle(20);
	if (_i)
		ck_assert_uint_gt(m1.readc, 2);
	else
		ck_assert_uint_eq(2, m1.readc);
	m1.hold_at = 0;
	if (!_i)
		msrp_tx_wake(m1.tx);
	msrp_tx_wake(m1.tx);
	answer(f.tid, "200 OK");
	frame_next(&f, &pos);
	ck_assert_uint_eq(200, f.body.l);
	ck_assert_int_eq(MSRP_COMPLETE, f.flag);
	answer(f.tid, "200 OK");
	msg_end(&m1, 0, 200);
	msrp_tx_wake(m1.tx);
}
END_TEST


void send_turn_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_overtake, 0, 4);
	tcase_add_test(tc, test_flush);
	tcase_add_loop_test(tc, test_turns, 0, 2);
	tcase_add_test(tc, test_longer);
	tcase_add_test(tc, test_size);
	tcase_add_test(tc, test_shorter);
	tcase_add_loop_test(tc, test_many, 0, 2);
	tcase_add_loop_test(tc, test_flat, 0, 2);
	tcase_add_test(tc, test_resume_both);
	tcase_add_loop_test(tc, test_paused, 0, 2);
	tcase_add_loop_test(tc, test_paused_full, 0, 2);
	tcase_add_loop_test(tc, test_idle, 0, 2);
}
