/**
 * @file send_report.c  REPORTs about what we sent (RFC 4975, 7.1.2, 7.3.2)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "send_unit.h"


static void sent_with_report(struct msg *m, const char *msgid)
{
	struct msrp_send send;

	msg_text(&send, m, "hello");
	send.msgid = msgid;
	send.success_report = true;
	send.failure_report = MSRP_FREPORT_NO;
	msg_send(&s1, m, &send);
	msg_end(m, 0, 200);
}


static void none(void)
{
	loop_settle(10);
	ck_assert_uint_eq(0, m1.reportc);
	ck_assert_uint_eq(0, msrp_tx_acked(m1.tx));
}


/* Status = namespace SP code [SP comment] */
START_TEST(test_status)
{
	static const struct {
		const char *status;
		uint16_t scode;
	} v[] = {
		{"Status: 000 200 OK\r\n", 200},
		{"Status: 000 200\r\n", 200},
		{"Status: 000 413 Too Large\r\n", 413},
		{"Status: 001 200 OK\r\n", 0},
		{"Status: 000 20 OK\r\n", 0},
		{"Status: 0000 200 OK\r\n", 0},
		{"Status: x 000 200 OK\r\n", 0},
		{"Status: 000\r\n", 0},
		{"Status: 000  200\r\n", 0},
		{"Status: 000 2000\r\n", 0},
		{"Status: 000 2oo\r\n", 0},
		{"", 0},
	};
	size_t i;
	char *str;

	send_estab();
	for (i=0; i<COUNT(v); i++) {
		memset(&m1, 0, sizeof(m1));
		sent_with_report(&m1, "m1");
		ck_assert_int_eq(0, re_sdprintf(&str, "Message-ID: m1\r\n"
						"Byte-Range: 1-5/5\r\n%s",
						v[i].status));
		report(str);
		mem_deref(str);
		if (v[i].scode)
			WAIT(is_set, &m1.reportc);
		else
			none();
		ck_assert_uint_eq(v[i].scode, m1.rcode);
		ck_assert_uint_eq(1, m1.sentc);
		m1.tx = mem_deref(m1.tx);
	}
	/* never answered (7.3.2) */
	ck_assert_uint_eq(0, count(&p1, "report01"));
}
END_TEST


/* Parts of it, in any order; what is there from the beginning on counts */
START_TEST(test_ranges)
{
	static const struct {
		const char *range;
		uint64_t start, end, acked;
	} v[] = {
		{"Byte-Range: 3-4/5\r\n", 3, 4, 0},
		{"Byte-Range: 1-2/5\r\n", 1, 2, 2},
		{"Byte-Range: 2-4/5\r\n", 2, 4, 4},
		{"Byte-Range: 1-3/5\r\n", 1, 3, 4},
		{"Byte-Range: 1-9/9\r\n", 1, 9, 4},
		{"Byte-Range: 1-*/5\r\n", 1, 0, 4},
		{"Byte-Range: x\r\n", 0, 0, 4},
		{"", 0, 0, 4},
		{"Byte-Range: 1-5/5\r\n", 1, 5, 5},
	};
	unsigned i;
	char *str;

	send_estab();
	sent_with_report(&m1, "m1");
	for (i=0; i<COUNT(v); i++) {
		ck_assert_int_eq(0, re_sdprintf(&str, "Message-ID: m1\r\n%s"
						"Status: 000 200 OK\r\n",
						v[i].range));
		m1.reportc = 0;
		report(str);
		WAIT(is_set, &m1.reportc);
		ck_assert_uint_eq(v[i].start, m1.range.start);
		ck_assert_uint_eq(v[i].end, m1.range.end);
		ck_assert_uint_eq(v[i].acked, msrp_tx_acked(m1.tx));
		mem_deref(str);
	}
	ck_assert_uint_eq(1, m1.sentc);
}
END_TEST


/* About none of ours, or not from the peer, or of another session */
START_TEST(test_foreign)
{
	static const char ok[] = "Byte-Range: 1-5/5\r\n"
		"Status: 000 200 OK\r\n";
	char *str;

	send_estab();
	sent_with_report(&m1, "m1");
	ck_assert_int_eq(0, re_sdprintf(&str, "Message-ID: m2\r\n%s", ok));
	report(str);
	mem_deref(str);
	report(ok);
	none();

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid12345 REPORT\r\n"
		"To-Path: %s\r\nFrom-Path: msrp://a.example:1/other;tcp\r\n"
		"Message-ID: m1\r\n%s-------tid12345$\r\n",
		msrp_sess_path(s1.sess), ok));
	peer_puts(&p1, str);
	mem_deref(str);
	none();

	sess_make(&s2, "127.0.0.1");
	msrp_sess_start(s2.sess);
	ck_assert_int_eq(0, re_sdprintf(&str, "Message-ID: m1\r\n%s", ok));
	put(&p1, &s2, "tid12346", "REPORT", str);
	none();
	report(str);
	mem_deref(str);
	WAIT(is_set, &m1.reportc);
}
END_TEST


/* RFC 4975, 7.1.3: refused by a REPORT while it is on its way */
START_TEST(test_refused)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	m1.hold_at = 4096;
	msg_read(&send, &m1, _i ? 4096 : 10000);
	send.msgid = "m1";
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	report("Message-ID: m1\r\nByte-Range: 1-4096/10000\r\n"
	       "Status: 000 413 No more\r\n");
	msg_end(&m1, EPROTO, 413);
	ck_assert_uint_eq(1, m1.reportc);
	ck_assert_uint_eq(413, m1.rcode);
	if (!_i) {
		frame_next(&f, &pos);
		ck_assert_int_eq(MSRP_ABORT, f.flag);
	}
	loop_settle(10);
	ck_assert_uint_eq(pos, p1.rx->end);
	ck_assert_uint_eq(0, s1.closec);
}
END_TEST


static void own_send(const char *msgid)
{
	struct msrp_send send;

	msg_text(&send, &m1, "hello");
	send.msgid = msgid;
	send.success_report = true;
	send.failure_report = MSRP_FREPORT_NO;
	ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &send));
	mem_deref(send.mb);
}


static void own_report(const char *msgid, const char *range,
		       const char *status, bool there)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "Message-ID: %s\r\n"
					"Byte-Range: %s\r\nStatus: %s\r\n",
					msgid, range, status));
	m1.reportc = 0;
	report(str);
	mem_deref(str);
	if (there)
		WAIT(is_set, &m1.reportc);
	else
		loop_settle(20);
	ck_assert_uint_eq(there, m1.reportc);
}


static bool all_sent(const void *arg)
{
	return m1.sentc >= *(const unsigned *)arg;
}


/* One that only the session holds is kept until a REPORT about all of it, or
   one that says that it failed; so many at most, and as long as the session */
START_TEST(test_own)
{
	unsigned i, n = 1025;
	char id[32];

	send_estab();
	for (i=0; i<n; i++) {
		(void)re_snprintf(id, sizeof(id), "id%u", i);
		own_send(id);
	}
	WAIT(all_sent, &n);
	ck_assert_uint_eq(1024, s1.sess->keptc);
	ck_assert_uint_eq(1024, list_count(&s1.sess->txl));
	own_report("id0", "1-5/5", "000 200 OK", false);
	own_report("id1", "1-2/5", "000 200 OK", true);
	own_report("id1", "1-5/5", "000 200 OK", true);
	own_report("id1", "1-5/5", "000 200 OK", false);
	own_report("id1024", "1-1/5", "000 403 No", true);
	own_report("id1024", "1-5/5", "000 200 OK", false);
	ck_assert_uint_eq(1022, s1.sess->keptc);
	ck_assert_uint_eq(1022, list_count(&s1.sess->keptl));
	p1.tc = mem_deref(p1.tc);
	WAIT(is_set, &s1.closec);
	ck_assert_uint_eq(n, m1.sentc);
	ck_assert_uint_eq(0, s1.sess->keptc);
	ck_assert(list_isempty(&s1.sess->txl));
}
END_TEST


/* The same Message-ID again: REPORTs are about the last one */
START_TEST(test_again)
{
	send_estab();
	sent_with_report(&m1, "m1");
	sent_with_report(&m2, "m1");
	report("Message-ID: m1\r\nByte-Range: 1-5/5\r\n"
	       "Status: 000 200 OK\r\n");
	WAIT(is_set, &m2.reportc);
	ck_assert_uint_eq(0, m1.reportc);
	ck_assert_uint_eq(5, msrp_tx_acked(m2.tx));
}
END_TEST


/* The example of the vectors, with our paths: SEND, 200, REPORT 413 */
START_TEST(test_vector)
{
	struct msrp_send send;
	struct frame f;
	size_t pos = 0;

	send_estab();
	msg_text(&send, &m1, "F");
	send.msgid = "MID-3BCqcBUXKA";
	msg_send(&s1, &m1, &send);
	frame_next(&f, &pos);
	answer(f.tid, "200 OK");
	msg_end(&m1, 0, 200);
	put(&p1, &s1, "n02s00i2t0+1937", "REPORT", "Status: 000 413 413\r\n"
	    "Message-ID: MID-3BCqcBUXKA\r\nByte-Range: 1-305/305\r\n");
	WAIT(is_set, &m1.reportc);
	ck_assert_uint_eq(413, m1.rcode);
	ck_assert_uint_eq(305, m1.range.end);
	ck_assert_uint_eq(1, m1.sentc);
}
END_TEST


void send_report_tests(TCase *tc)
{
	tcase_add_test(tc, test_status);
	tcase_add_test(tc, test_ranges);
	tcase_add_test(tc, test_foreign);
	tcase_add_loop_test(tc, test_refused, 0, 2);
	tcase_add_test(tc, test_own);
	tcase_add_test(tc, test_again);
	tcase_add_test(tc, test_vector);
}
