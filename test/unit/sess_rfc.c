/**
 * @file sess_rfc.c  Sessions: the examples of RFC 4975, sections 4, 5.1 and 11
 *
 * Each exchange goes through a session with the RFC's own paths: what comes
 * out of it is what the RFC shows, octet by octet, but for transaction ids.
 * Several of its Byte-Ranges are one or two octets too long, as if the line
 * end before the end-line were part of the body; they are left as they are.
 * That of 11.6 fits its body only without the line breaks it is shown with.
 *
 * Written down from memory, the text was not at hand: 4, 5.1 and the headers of
 * 11.1 and 11.6 were compared with other programs' tests, the bodies and
 * ranges of 11.2, 11.4 and 11.5 were not.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "sess_unit.h"


#define ALICE "msrp://alicepc.example.com:7777/iau39soe2843z;tcp"
#define BOB "msrp://bob.example.com:8888/9di4eae923wzd;tcp"
#define BOBPC "msrp://bobpc.example.com:8888/9di4eae923wzd;tcp"
#define ADMIN "msrp://example.com:7777/iau39soe2843z;tcp"
#define ATLANTA "msrp://atlanta.example.com:7654/jshA7weztas;tcp"
#define BILOXI "msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp"

#define SEND(tid, to, from) "MSRP " tid " SEND\r\nTo-Path: " to "\r\n" \
	"From-Path: " from "\r\n"
#define OK(tid, to, from) "MSRP " tid " 200 OK\r\nTo-Path: " to "\r\n" \
	"From-Path: " from "\r\n-------" tid "$\r\n"

#define XHTML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n" \
	"<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\"\r\n" \
	"    \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\r\n" \
	"<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" " \
	"lang=\"en\">\r\n  <head>\r\n    <title>FY2005 Results</title>\r\n" \
	"  </head>\r\n  <body>\r\n    <p>See the results at <a\r\n" \
	"          href=\"http://example.org/\">example.org</a>.</p>\r\n" \
	"  </body>\r\n</html>"
#define CPIM "To: Bob <sip:bob@example.com>\r\n" \
	"From: Alice <sip:alice@example.com>\r\n" \
	"DateTime: 2006-05-15T15:02:31-03:00\r\n" \
	"Content-Type: text/plain\r\n\r\nABCD"
#define LINK "<html><body><p>Here is that important link..." \
	"<a href=\"www.example.com/foobar\">foobar</a></p></body></html>"

/* The receiver's side of an example */
static const struct example {
	const char *name;
	const char *sid;        /* of our path                              */
	const char *own;
	const char *peer;
	const char *in[3];      /* what is sent, and what is answered       */
	const char *out[3];
	const char *body;       /* of the message, whole                    */
	const char *report;     /* NULL: none; the id is ours               */
} examplev[] = {
	{"4: overview", "kjhd37s2s20w2a", BILOXI, ATLANTA,
	 {SEND("a786hjs2", BILOXI, ATLANTA)
	  "Message-ID: 87652491\r\nByte-Range: 1-25/25\r\n"
	  "Content-Type: text/plain\r\n\r\n"
	  "Hey Bob, are you there?\r\n-------a786hjs2$\r\n"},
	 {OK("a786hjs2", ATLANTA, BILOXI)},
	 "Hey Bob, are you there?", NULL},

	{"5.1: chunks", "kjhd37s2s20w2a", BILOXI, ATLANTA,
	 {SEND("dkei38sd", BILOXI, ATLANTA)
	  "Message-ID: 4564dpWd\r\nByte-Range: 1-*/8\r\n"
	  "Content-Type: text/plain\r\n\r\nabcd\r\n-------dkei38sd+\r\n",
	  SEND("dkei38ia", BILOXI, ATLANTA)
	  "Message-ID: 4564dpWd\r\nByte-Range: 5-8/8\r\n"
	  "Content-Type: text/plain\r\n\r\nEFGH\r\n-------dkei38ia$\r\n"},
	 {OK("dkei38sd", ATLANTA, BILOXI), OK("dkei38ia", ATLANTA, BILOXI)},
	 "abcdEFGH", NULL},

	{"11.1: basic", "9di4eae923wzd", BOB, ALICE,
	 {SEND("d93kswow", BOB, ALICE)
	  "Message-ID: 12339sdqwer\r\nByte-Range: 1-16/16\r\n"
	  "Content-Type: text/plain\r\n\r\n"
	  "Hi, I'm Alice!\r\n-------d93kswow$\r\n"},
	 {OK("d93kswow", ALICE, BOB)},
	 "Hi, I'm Alice!", NULL},

	{"11.1: the other way", "iau39soe2843z", ALICE, BOB,
	 {SEND("dkei38sd", ALICE, BOB)
	  "Message-ID: 456s9wlk3\r\nByte-Range: 1-21/21\r\n"
	  "Content-Type: text/plain\r\n\r\n"
	  "Hi, Alice!  I'm Bob!\r\n-------dkei38sd$\r\n"},
	 {OK("dkei38sd", BOB, ALICE)},
	 "Hi, Alice!  I'm Bob!", NULL},

	{"11.2: XHTML", "9di4eae923wzd", BOB, ALICE,
	 {SEND("d93kswow", BOB, ALICE)
	  "Message-ID: 12339sdqwer\r\nByte-Range: 1-*/*\r\n"
	  "Content-Type: application/xhtml+xml\r\n\r\n"
	  XHTML "\r\n-------d93kswow$\r\n"},
	 {OK("d93kswow", ALICE, BOB)}, XHTML, NULL},

	{"11.4: CPIM in chunks", "9di4eae923wzd", BOBPC, ALICE,
	 {SEND("d93kswow", BOBPC, ALICE)
	  "Message-ID: 12339sdqwer\r\nByte-Range: 1-137/148\r\n"
	  "Content-Type: message/cpim\r\n\r\n"
	  CPIM "\r\n-------d93kswow+\r\n",
	  SEND("op2nc9a", BOBPC, ALICE)
	  "Message-ID: 12339sdqwer\r\nByte-Range: 138-148/148\r\n"
	  "Content-Type: message/cpim\r\n\r\n"
	  "1234567890\r\n-------op2nc9a$\r\n"},
	 {OK("d93kswow", ALICE, BOBPC), OK("op2nc9a", ALICE, BOBPC)},
	 CPIM "1234567890", NULL},

	{"11.5: system message", "9di4eae923wzd", BOB, ADMIN,
	 {SEND("d93kswow", BOB, ADMIN)
	  "Message-ID: 12339sdqwer\r\nByte-Range: 1-38/38\r\n"
	  "Failure-Report: no\r\nSuccess-Report: no\r\n"
	  "Content-Type: text/plain\r\n\r\n"
	  "This conference will end in 5 minutes\r\n"
	  "-------d93kswow$\r\n"},
	 {""}, "This conference will end in 5 minutes", NULL},

	{"11.6: positive report", "9di4eae923wzd", BOB, ALICE,
	 {SEND("d93kswow", BOB, ALICE)
	  "Message-ID: 12339sdqwer\r\nByte-Range: 1-106/106\r\n"
	  "Success-Report: yes\r\nFailure-Report: no\r\n"
	  "Content-Type: text/html\r\n\r\n"
	  LINK "\r\n-------d93kswow$\r\n"},
	 {""}, LINK,
	 "REPORT\r\nTo-Path: " ALICE "\r\nFrom-Path: " BOB "\r\n"
	 "Message-ID: 12339sdqwer\r\nByte-Range: 1-106/106\r\n"
	 "Status: 000 200 OK\r\n"},
};


/* Take the place of the one in the example */
static void session_be(struct side *s, const char *sid, const char *own,
		       const char *peer)
{
	struct msrp_sess *sess = s->sess;
	char *str;

	hash_unlink(&sess->he);
	str_ncpy(sess->sid, sid, sizeof(sess->sid));
	hash_append(sess_stack->sessh, hash_joaat_str(sess->sid), &sess->he,
		    sess);
	ck_assert_int_eq(0, str_dup(&str, own));
	mem_deref(sess->path);
	sess->path = str;
	ck_assert_int_eq(0, msrp_sess_set_peer(sess, peer));
}


/* The REPORT, with an id of ours */
static void report_expect(struct peer *peer, const char *report)
{
	struct pl tid;
	char *str;

	expect(peer, "$\r\n");
	ck_assert_int_eq(0, re_regex((char *)peer->rx->buf, peer->rx->end,
				     "MSRP [^ ]+ REPORT", &tid));
	ck_assert_uint_le(MSRP_TID_MIN, tid.l);
	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %r %s-------%r$\r\n",
					&tid, report, &tid));
	expect_all(peer, str);
	mem_deref(str);
}


/* whole, and octet by octet */
START_TEST(test_receive)
{
	const struct example *e = &examplev[_i / 2];
	const size_t step = _i % 2 ? 1 : 65536;
	size_t i, off, len;

	side_passive("127.0.0.1");
	session_be(&s1, e->sid, e->own, e->peer);
	for (i=0; i<3 && e->in[i]; i++) {
		len = strlen(e->in[i]);
		for (off=0; off<len; off+=step) {
			peer_write(&p1, e->in[i] + off,
				   len - off < step ? len - off : step);
			if (step == 1)
				loop_settle(0);
		}
		if (*e->out[i])
			expect_all(&p1, e->out[i]);
	}

	WAIT(is_set, &s1.donec);
	if (e->report)
		report_expect(&p1, e->report);
	loop_settle(10);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_msg(s1.body->end == strlen(e->body) &&
		      !memcmp(s1.body->buf, e->body, s1.body->end),
		      "%s: '%.*s'", e->name, (int)s1.body->end,
		      (char *)s1.body->buf);
	ck_assert_uint_eq(1, s1.openc);
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(0, s1.dropc);
}
END_TEST


struct sent {
	unsigned endc, reportc;
	int err;
	uint16_t scode, rcode;
	struct msrp_range range;
};


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct sent *sent = arg;

	++sent->endc;
	sent->err = err;
	sent->scode = scode;
}


static void report_handler(uint16_t scode, const struct msrp_range *range,
			   void *arg)
{
	struct sent *sent = arg;

	++sent->reportc;
	sent->rcode = scode;
	sent->range = *range;
}


/* The sender's side: what leaves is the RFC's request, but for ids and an
   exact Byte-Range; the RFC's answer and REPORT reach their message */
static const struct {
	const char *type, *body, *msgid;
	enum msrp_freport freport;
	bool success;
	const char *want;      /* behind From-Path                          */
	const char *report;
} sendv[] = {
	{"text/plain", "Hi, I'm Alice!", "12339sdqwer", MSRP_FREPORT_YES,
	 false, NULL, NULL},
	{"text/plain", "This conference will end in 5 minutes", "12339sdqwer",
	 MSRP_FREPORT_NO, false, "Failure-Report: no\r\n", NULL},
	{"text/html", LINK, "12339sdqwer", MSRP_FREPORT_NO, true,
	 "Success-Report: yes\r\n",
	 "MSRP dkei38sd REPORT\r\nTo-Path: " ALICE "\r\nFrom-Path: " BOB
	 "\r\nMessage-ID: 12339sdqwer\r\nByte-Range: 1-106/106\r\n"
	 "Status: 000 200 OK\r\n-------dkei38sd$\r\n"},
};


static bool ended(const void *arg)
{
	const struct sent *sent = arg;

	return sent->endc > 0;
}


static bool reported(const void *arg)
{
	const struct sent *sent = arg;

	return sent->reportc > 0;
}


/* What leaves is this request: its id, headers in any order, and the body */
static void request_expect(struct peer *peer, int i, char *tid)
{
	struct mbuf *rx = peer->rx;
	struct msrp_head head;
	struct msrp_body body = {.crlf = false};
	struct pl data;

	expect(peer, "$\r\n");
	if (sendv[i].want)
		expect(peer, sendv[i].want);
	rx->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, rx));
	ck_assert_int_eq(0, pl_strcmp(&head.met, "SEND"));
	ck_assert_int_eq(0, pl_strcmp(&head.to_path, BOB));
	ck_assert_int_eq(0, pl_strcmp(&head.from_path, ALICE));
	ck_assert_int_eq(0, pl_strcmp(&head.msgid, sendv[i].msgid));
	ck_assert_int_eq(0, pl_strcmp(&head.ctype, sendv[i].type));
	ck_assert_uint_eq(1, head.range.start);
	ck_assert_uint_eq(strlen(sendv[i].body), head.range.total);
	ck_assert_int_eq(sendv[i].freport, head.failure_report);
	ck_assert_int_eq(sendv[i].success, head.success_report);
	ck_assert_int_eq(0, pl_strcpy(&head.tid, tid, MSRP_TID_MAX + 1));
	str_ncpy(body.tid, tid, sizeof(body.tid));
	ck_assert_int_eq(0, msrp_body_decode(&body, rx, &data));
	ck_assert_int_eq(0, pl_strcmp(&data, sendv[i].body));
	ck_assert_int_eq(MSRP_COMPLETE, body.flag);
	ck_assert_uint_eq(0, mbuf_get_left(rx));
	mbuf_rewind(rx);
}


START_TEST(test_send)
{
	struct sent sent = {.endc = 0};
	char tid[MSRP_TID_MAX + 1];
	struct mbuf *mb = mbuf_alloc(256);
	char *str;

	side_passive("127.0.0.1");
	session_be(&s1, "iau39soe2843z", ALICE, BOB);
	peer_puts(&p1, SEND("bind0001", ALICE, BOB)
		  "Message-ID: b\r\nByte-Range: 1-0/0\r\n"
		  "-------bind0001$\r\n");
	expect_all(&p1, OK("bind0001", BOB, ALICE));

	ck_assert_int_eq(0, mbuf_write_str(mb, sendv[_i].body));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &(struct msrp_send){
		.msgid = sendv[_i].msgid, .ctype = sendv[_i].type, .mb = mb,
		.failure_report = sendv[_i].freport,
		.success_report = sendv[_i].success,
		.senth = sent_handler, .reporth = report_handler,
		.arg = &sent}));
	request_expect(&p1, _i, tid);
	if (sendv[_i].freport == MSRP_FREPORT_YES) {
		ck_assert_uint_eq(0, sent.endc);
		ck_assert_int_eq(0, re_sdprintf(&str,
			"MSRP %s 200 OK\r\nTo-Path: " ALICE "\r\nFrom-Path: "
			BOB "\r\n-------%s$\r\n", tid, tid));
		peer_puts(&p1, str);
		mem_deref(str);
	}
	WAIT(ended, &sent);
	ck_assert_int_eq(0, sent.err);
	ck_assert_uint_eq(200, sent.scode);
	if (sendv[_i].report) {
		peer_puts(&p1, sendv[_i].report);
		WAIT(reported, &sent);
		ck_assert_uint_eq(200, sent.rcode);
		ck_assert_uint_eq(1, sent.range.start);
		ck_assert_uint_eq(106, sent.range.end);
	}
	loop_settle(10);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_uint_eq(1, sent.endc);
	mem_deref(mb);
}
END_TEST


/* 11.7: a forked INVITE makes two far ends of one offer. Where both come to
   our one path the first has it, and the other is told so (5.4) */
START_TEST(test_forked)
{
	static const char bind[] = SEND("%s", ALICE, BOB)
		"Message-ID: b\r\nByte-Range: 1-0/0\r\n-------%s$\r\n";
	char *str;

	side_passive("127.0.0.1");
	session_be(&s1, "iau39soe2843z", ALICE, BOB);
	peer_connect(&p2, &s1);
	ck_assert_int_eq(0, re_sdprintf(&str, bind, "fork0001", "fork0001"));
	peer_puts(&p1, str);
	mem_deref(str);
	expect_all(&p1, OK("fork0001", BOB, ALICE));
	ck_assert_int_eq(0, re_sdprintf(&str, bind, "fork0002", "fork0002"));
	peer_puts(&p2, str);
	mem_deref(str);
	expect_all(&p2, "MSRP fork0002 506 Session In Use\r\nTo-Path: " BOB
		   "\r\nFrom-Path: " ALICE "\r\n-------fork0002$\r\n");
}
END_TEST


void sess_rfc_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_receive, 0, 2 * N(examplev));
	tcase_add_loop_test(tc, test_send, 0, N(sendv));
	tcase_add_test(tc, test_forked);
}
