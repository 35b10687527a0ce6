/**
 * @file sess_code.c  Sessions: every status code of RFC 4975, 10
 *
 * What brings it out of our receiver, and what it does to our sender.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include "sess_unit.h"


#define CODED(id, range) "Message-ID: " id "\r\nByte-Range: " range "\r\n" \
	"Content-Type: text/plain\r\n\r\nhello\r\n"

/* 408 is not among them: it tells that a hop did not answer, and we answer
   for nobody else */
static const struct {
	uint16_t scode;
	const char *status;
	const char *rest;      /* of the request                           */
	uint16_t open_code;    /* the application's, when it begins         */
	uint16_t done_code;    /* and when it is whole                      */
} fromv[] = {
	{200, "200 OK", HELLO, 0, 200},
	{200, "200 OK", BIND, 0, 200},
	/* 10.2: unintelligible */
	{400, "400 Bad Request", "Message-ID: x\r\nByte-Range: 1/0-0\r\n"
	 "Content-Type: text/plain\r\n\r\nhello\r\n", 0, 200},
	{400, "400 Bad Request", CODED("m", "1-5/5"), 0, 400},
	/* 10.3: not allowed; 10.5: enough; 10.6: media type. Only the
	   application knows */
	{403, "403 Forbidden", CODED("m", "1-5/5"), 403, 0},
	{403, "403 Forbidden", CODED("m", "1-5/5"), 0, 403},
	{413, "413 Message Too Large", CODED("m", "1-5/100000001"), 0, 0},
	{413, "413 Message Too Large", CODED("m", "1-5/5"), 413, 0},
	{413, "413 Message Too Large", CODED("m", "1-5/5"), 0, 413},
	{415, "415 Unsupported Media Type", CODED("m", "1-5/5"), 415, 0},
	/* 10.7: a parameter out of bounds */
	{423, "423 Parameter Out Of Bounds", CODED("m", "5-1/5"), 0, 0},
	{423, "423 Parameter Out Of Bounds", CODED("m", "1-5/3"), 0, 0},
};


START_TEST(test_receiver)
{
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	s1.open_code = fromv[_i].open_code;
	s1.scode = fromv[_i].done_code;
	talk(&p1, &s1, fromv[_i].rest, fromv[_i].status);
	ck_assert_int_eq(fromv[_i].scode, atoi(fromv[_i].status));

	/* none of them ends the session */
	s1.open_code = 0;
	s1.scode = 200;
	talk(&p1, &s1, CODED("after", "1-5/5"), "200 OK");
	ck_assert_uint_eq(0, s1.closec);
}
END_TEST


/* Those that the session itself cannot give: there is none, or it is bound
   elsewhere; and a method that we do not know, as AUTH to one who is no
   relay */
START_TEST(test_receiver_stack)
{
	static const char *const metv[] = {"AUTH", "NICKNAME", "FETCH"};
	char *str;
	int i;

	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	for (i=0; i<N(metv); i++) {
		str = resp(&s1, "tid00002", "501 Unknown Method");
		put(&p1, &s1, "tid00002", metv[i], "");
		expect_all(&p1, str);
		mem_deref(str);
	}

	peer_connect(&p2, &s1);
	talk(&p2, &s1, HELLO, "506 Session In Use");

	str = req(&s1, "tid00003", "SEND", HELLO);
	s1.sess = mem_deref(s1.sess);
	peer_free(&p2);
	p2 = (struct peer){.rx = mbuf_alloc(64)};
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	msrp_sess_start(s1.sess);
	peer_connect(&p2, &s1);
	peer_puts(&p2, str);
	expect(&p2, "MSRP tid00003 481 No Such Session\r\n");
	ck_assert_uint_eq(0, s1.openc);
	mem_deref(str);
}
END_TEST


struct sent {
	unsigned endc;
	int err;
	uint16_t scode;
};


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct sent *sent = arg;

	++sent->endc;
	sent->err = err;
	sent->scode = scode;
}


static void send_one(struct sent *sent, const char *text)
{
	struct mbuf *mb = mbuf_alloc(64);

	memset(sent, 0, sizeof(*sent));
	ck_assert_int_eq(0, mbuf_write_str(mb, text));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &(struct msrp_send){
		.ctype = "text/plain", .mb = mb, .senth = sent_handler,
		.arg = sent}));
	mem_deref(mb);
}


/* The request that has come. @param id Its Message-ID instead of the
   transaction's */
static void id_take(struct peer *peer, char *id, size_t size, bool msgid)
{
	struct msrp_head head;

	expect(peer, "$\r\n");
	peer->rx->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, peer->rx));
	ck_assert_int_eq(0, pl_strcmp(&head.met, "SEND"));
	ck_assert_int_eq(0, pl_strcpy(msgid ? &head.msgid : &head.tid, id,
				      size));
	mbuf_rewind(peer->rx);
}


static const struct {
	uint16_t scode;
	int err;
} tov[] = {
	{200, 0}, {202, 0}, {400, EPROTO}, {403, EPROTO}, {408, EPROTO},
	{413, EPROTO}, {415, EPROTO}, {423, EPROTO}, {481, EPROTO},
	{501, EPROTO}, {506, EPROTO}, {599, EPROTO},
};


/* As an answer: it reaches the message; 481 and 506 say that there is no
   session any more, the others that there is (10.8) */
START_TEST(test_sender)
{
	char id[MSRP_MSGID_MAX + 1], status[32], *str;
	struct sent sent;

	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	send_one(&sent, "hello");
	id_take(&p1, id, sizeof(id), false);
	ck_assert_uint_eq(0, sent.endc);
	(void)re_snprintf(status, sizeof(status), "%u Text", tov[_i].scode);
	str = req(&s1, id, status, "");
	peer_puts(&p1, str);
	mem_deref(str);
	WAIT(is_set, &sent.endc);
	ck_assert_int_eq(tov[_i].err, sent.err);
	ck_assert_uint_eq(tov[_i].err ? tov[_i].scode : 200, sent.scode);
	loop_settle(10);
	ck_assert_uint_eq(1, sent.endc);
	if (tov[_i].scode == 481) {
		ck_assert_uint_eq(1, s1.closec);
		return;
	}

	ck_assert_uint_eq(0, s1.closec);
	talk(&p1, &s1, HELLO, "200 OK");
}
END_TEST


/* As a REPORT, after our chunk was answered or before */
START_TEST(test_sender_report)
{
	char tid[MSRP_MSGID_MAX + 1], *str, *rest;
	struct mbuf *mb = mbuf_alloc(64);
	struct sent sent = {.endc = 0};

	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	ck_assert_int_eq(0, mbuf_write_str(mb, "hello"));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &(struct msrp_send){
		.msgid = "out1", .ctype = "text/plain", .mb = mb,
		.senth = sent_handler, .arg = &sent}));
	id_take(&p1, tid, sizeof(tid), false);
	ck_assert_int_eq(0, re_sdprintf(&rest, "Message-ID: out1\r\n"
		"Byte-Range: 1-5/5\r\nStatus: 000 %u Text\r\n",
		tov[_i].scode));
	put(&p1, &s1, "report01", "REPORT", rest);
	mem_deref(rest);
	if (!tov[_i].err) {
		loop_settle(20);
		ck_assert_uint_eq(0, sent.endc);
		str = req(&s1, tid, "200 OK", "");
		peer_puts(&p1, str);
		mem_deref(str);
	}
	WAIT(is_set, &sent.endc);
	ck_assert_int_eq(tov[_i].err, sent.err);
	ck_assert_uint_eq(tov[_i].err ? tov[_i].scode : 200, sent.scode);
	loop_settle(10);
	ck_assert_uint_eq(1, sent.endc);
	/* a REPORT is never answered */
	ck_assert_uint_eq(0, p1.rx->end);
	mem_deref(mb);
}
END_TEST


/* 408 is also what we make of no answer at all (7.2) */
START_TEST(test_sender_timeout)
{
	char id[MSRP_MSGID_MAX + 1];
	struct sent sent;

	sess_restack(100, 0, 0);
	side_passive("127.0.0.1");
	talk(&p1, &s1, BIND, "200 OK");
	send_one(&sent, "hello");
	id_take(&p1, id, sizeof(id), false);
	WAIT(is_set, &sent.endc);
	ck_assert_int_eq(ETIMEDOUT, sent.err);
	ck_assert_uint_eq(408, sent.scode);
}
END_TEST


/* A total that is a little too long, as in the RFC's own examples, is no
   reason to wait for ever; a message that is cut short is */
START_TEST(test_slack)
{
	static const struct {
		const char *range;
		bool whole;
	} v[] = {
		{"1-5/5", true}, {"1-6/6", true}, {"1-7/7", true},
		{"1-8/8", false}, {"1-*/7", false}, {"1-5/7", false},
	};
	char *rest;

	side_passive("127.0.0.1");
	ck_assert_int_eq(0, re_sdprintf(&rest, "Message-ID: m\r\n"
		"Byte-Range: %s\r\nContent-Type: a/b\r\n\r\nhello\r\n",
		v[_i].range));
	put(&p1, &s1, "tid00001", "SEND", rest);
	loop_settle(30);
	ck_assert_uint_eq(v[_i].whole, s1.donec);
	ck_assert_uint_eq(v[_i].whole, count(&p1, "MSRP tid00001 200 OK"));
	ck_assert_uint_eq(5, s1.octets);
	mem_deref(rest);
}
END_TEST


void sess_code_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_receiver, 0, N(fromv));
	tcase_add_test(tc, test_receiver_stack);
	tcase_add_loop_test(tc, test_sender, 0, N(tov));
	tcase_add_loop_test(tc, test_sender_report, 0, N(tov));
	tcase_add_test(tc, test_sender_timeout);
	tcase_add_loop_test(tc, test_slack, 0, 6);
}
