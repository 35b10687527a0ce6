/**
 * @file relay_conn.c  A relay of ours and the sessions behind it (RFC 4976,
 * 5.1, 5.2 and the examples of 3), on the loopback. p1 plays the relay.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "relay_unit.h"


#define A_URI "msrp://a.example.org:9000/kjfjan;tcp"
#define B_URI "msrp://b.example.net:9000/aeiug;tcp"
#define ALICE "msrp://alice.example.org:7965/bar;tcp"
#define GRANT "Use-Path: " B_URI "\r\nExpires: 900\r\n"
#define CHALL "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", " \
	"qop=\"auth\"\r\n"

static struct msrp_relay *relay;
static struct told {
	unsigned upc;
	unsigned downc;
	unsigned sentc;
	unsigned reported;
	int err;
	uint16_t scode;
	bool deref;
} told;


static void relay_handler(int err, uint16_t scode, void *arg)
{
	struct told *t = arg;

	if (err)
		++t->downc;
	else
		++t->upc;
	t->err = err;
	t->scode = scode;
	if (t->deref)
		relay = mem_deref(relay);
}


static void setup(void)
{
	sess_setup();
	relay = NULL;
	memset(&told, 0, sizeof(told));
}


static void teardown(void)
{
	relay = mem_deref(relay);
	sess_teardown();
}


/* The relay listens; it is being connected to */
static void relay_make(uint32_t retry)
{
	struct msrp_relay_conf conf = {
		.user = "bob", .pass = "secret", .retry = retry,
	};
	char uri[64];
	struct sa sa;

	peer_listen(&p1, &sa, "127.0.0.1");
	(void)re_snprintf(uri, sizeof(uri), "msrp://relay.test:%u;tcp",
			  (uint32_t)sa_port(&sa));
	conf.uri  = uri;
	conf.addr = sa;
	ck_assert_int_eq(0, msrp_relay_alloc(&relay, sess_stack, &conf,
					     relay_handler, &told));
}


/* Values of the request that has come: one, whole */
struct got {
	char tid[ID_SIZE];
	char *to;
	char *from;
};

static void got_free(struct got *got)
{
	got->to = mem_deref(got->to);
	got->from = mem_deref(got->from);
}


static void take(struct got *got, const char *met)
{
	struct msrp_head head;

	expect(&p1, "$\r\n");
	p1.rx->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, p1.rx));
	ck_assert(!pl_strcmp(&head.met, met));
	ck_assert_uint_eq(p1.rx->end, p1.rx->pos);
	ck_assert_int_eq(0, pl_strcpy(&head.tid, got->tid, ID_SIZE));
	ck_assert_int_eq(0, pl_strdup(&got->to, &head.to_path));
	ck_assert_int_eq(0, pl_strdup(&got->from, &head.from_path));
	mbuf_rewind(p1.rx);
}


static void answer(const struct got *got, const char *status,
		   const char *rest)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s %s\r\nTo-Path: %s\r\n"
		"From-Path: " B_URI "\r\n%s-------%s$\r\n", got->tid, status,
		got->from, rest, got->tid));
	peer_puts(&p1, str);
	mem_deref(str);
}


/* Take one AUTH and answer it */
static void auth(const char *status, const char *rest)
{
	struct got got;

	take(&got, "AUTH");
	answer(&got, status, rest);
	got_free(&got);
}


static void relay_up(void)
{
	const unsigned n = told.upc;

	auth("401 Unauthorized", CHALL);
	auth("200 OK", GRANT);
	while (told.upc == n)
		loop_settle(1);
	ck_assert(msrp_relay_isup(relay));
}


static void behind(struct side *s)
{
	sess_make(s, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_peer(s->sess, A_URI " " ALICE));
	ck_assert_int_eq(0, msrp_sess_use_relay(s->sess, relay));
}


/* From Alice through both relays, as the second one sends it */
static void send_msg(const struct side *s, const char *tid, const char *rest)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s SEND\r\nTo-Path: %s\r\n"
		"From-Path: " B_URI " " A_URI " " ALICE "\r\n%s"
		"-------%s$\r\n", tid, s->sess->path, rest, tid));
	peer_puts(&p1, str);
	mem_deref(str);
}


static void answered(const struct side *s, const char *tid,
		     const char *status)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s %s\r\n"
		"To-Path: " B_URI "\r\nFrom-Path: %s\r\n-------%s$\r\n", tid,
		status, s->sess->path, tid));
	expect_all(&p1, str);
	mem_deref(str);
}


/* AUTH goes from our address to the relay's URI; then the path is there */
START_TEST(test_up)
{
	char *own, *to;
	struct got got;
	struct sa sa;

	relay_make(0);
	ck_assert(!msrp_relay_isup(relay));
	ck_assert_ptr_null(msrp_relay_path(relay));
	take(&got, "AUTH");
	ck_assert_int_eq(0, tcp_conn_peer_get(p1.tc, &sa));
	ck_assert_int_eq(0, re_sdprintf(&own, "msrp://%J/", &sa));
	ck_assert_int_eq(0, strncmp(own, got.from, str_len(own)));
	ck_assert_int_eq(0, tcp_local_get(p1.ts, &sa));
	ck_assert_int_eq(0, re_sdprintf(&to, "msrp://relay.test:%u;tcp",
					(uint32_t)sa_port(&sa)));
	ck_assert_str_eq(to, got.to);
	answer(&got, "401 Unauthorized", CHALL);
	got_free(&got);
	take(&got, "AUTH");
	answer(&got, "200 OK", GRANT);
	WAIT(is_set, &told.upc);
	ck_assert_str_eq(B_URI, msrp_relay_path(relay));

	/* sessions are where AUTH came from */
	behind(&s1);
	ck_assert_int_eq(0, strncmp(own, s1.sess->path, str_len(own)));
	got_free(&got);
	mem_deref(own);
	mem_deref(to);
}
END_TEST


/* We bind through the relay: the way is all relays and the peer; we alone are
   From-Path; a=path has the relay first. c= and m= are the relay's */
START_TEST(test_bind)
{
	struct got got;
	char *path;

	relay_make(0);
	relay_up();
	behind(&s1);
	ck_assert_int_eq(0, re_sdprintf(&path, B_URI " %s", s1.sess->path));
	ck_assert_str_eq(path, msrp_sess_path(s1.sess));
	ck_assert_uint_eq(9000, msrp_sess_lport(s1.sess));
	ck_assert(sa_isset(msrp_sess_laddr(s1.sess), SA_ADDR));
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	ck_assert_str_eq(path, msrp_sess_path(s1.sess));
	mem_deref(path);

	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	ck_assert_int_eq(EPROTO, msrp_sess_connect(s1.sess, NULL));
	take(&got, "SEND");
	ck_assert_str_eq(B_URI " " A_URI " " ALICE, got.to);
	ck_assert_str_eq(s1.sess->path, got.from);
	answer(&got, "200 OK", "");
	WAIT(is_set, &s1.estabc);
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	got_free(&got);
}
END_TEST


START_TEST(test_bind_refused)
{
	struct got got;

	relay_make(0);
	relay_up();
	behind(&s1);
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	take(&got, "SEND");
	answer(&got, "481 No", "");
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(EPROTO, s1.close_err);
	ck_assert(!p1.closed && msrp_relay_isup(relay));
	got_free(&got);
}
END_TEST


/* RFC 4976, 3: the answer goes to the last relay, the REPORT all the way */
START_TEST(test_example)
{
	static const char body[] = "Hi Bob, I'm about to send you file.mpeg";
	struct msrp_head head;
	char *rest, *str;

	relay_make(0);
	relay_up();
	behind(&s1);
	msrp_sess_start(s1.sess);
	ck_assert_int_eq(0, re_sdprintf(&rest, "Success-Report: yes\r\n"
		"Message-ID: 87652\r\nByte-Range: 1-39/39\r\n"
		"Content-Type: text/plain\r\n\r\n%s\r\n", body));
	send_msg(&s1, "yh67", rest);
	expect_n(&p1, "$\r\n", 2);
	p1.rx->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, p1.rx));
	ck_assert_uint_eq(200, head.scode);
	ck_assert(!pl_strcmp(&head.to_path, B_URI));
	ck_assert(!pl_strcmp(&head.from_path, s1.sess->path));
	ck_assert_int_eq(0, msrp_head_decode(&head, p1.rx));
	ck_assert(!pl_strcmp(&head.met, "REPORT"));
	ck_assert(!pl_strcmp(&head.to_path, B_URI " " A_URI " " ALICE));
	ck_assert(!pl_strcmp(&head.from_path, s1.sess->path));
	ck_assert(!pl_strcmp(&head.status, "000 200 OK"));
	ck_assert(!pl_strcmp(&head.msgid, "87652"));
	ck_assert_uint_eq(39, head.range.total);
	ck_assert_uint_eq(p1.rx->end, p1.rx->pos);
	s1.body->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(s1.body, &str, s1.body->end));
	ck_assert_str_eq(body, str);
	mem_deref(str);
	mem_deref(rest);
}
END_TEST


/* Two sessions; the one waits for nothing of the other's, and when it goes the
   connection stays, also without any */
START_TEST(test_shared)
{
	relay_make(0);
	relay_up();
	behind(&s1);
	behind(&s2);
	ck_assert_ptr_eq(s1.sess->conn, s2.sess->conn);
	ck_assert_str_ne(s1.sess->path, s2.sess->path);

	/* neither has started, the ACK is late */
	send_msg(&s1, "tid00001", HELLO);
	answered(&s1, "tid00001", "200 OK");
	send_msg(&s2, "tid00002", HELLO);
	answered(&s2, "tid00002", "200 OK");
	ck_assert_uint_eq(1, s1.estabc);
	msrp_sess_start(s1.sess);
	msrp_sess_start(s2.sess);

	msrp_sess_close(s1.sess);
	send_msg(&s2, "tid00003", BIND);
	answered(&s2, "tid00003", "200 OK");
	send_msg(&s1, "tid00004", HELLO);
	answered(&s1, "tid00004", "481 No Such Session");
	msrp_sess_close(s2.sess);
	loop_settle(20);
	ck_assert(!p1.closed && msrp_relay_isup(relay));
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(1, s2.donec);
}
END_TEST


/* An early request is as good as the answer to our bind */
START_TEST(test_early)
{
	relay_make(0);
	relay_up();
	behind(&s1);
	send_msg(&s1, "tid00001", HELLO);
	answered(&s1, "tid00001", "200 OK");
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	loop_settle(10);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_uint_eq(1, s1.estabc);
}
END_TEST


/* Who is not the peer is not heard, through whatever relays; nor is the peer
   beside the relay */
START_TEST(test_stranger)
{
	char *str;

	relay_make(0);
	relay_up();
	behind(&s1);
	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid00001 SEND\r\n"
		"To-Path: %s\r\nFrom-Path: " B_URI " " PEER "\r\n" HELLO
		"-------tid00001$\r\n", s1.sess->path));
	peer_puts(&p1, str);
	mem_deref(str);
	answered(&s1, "tid00001", "481 No Such Session");

	sess_make(&s2, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
	peer_connect(&p2, &s2);
	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid00001 SEND\r\n"
		"To-Path: %s\r\nFrom-Path: " ALICE "\r\n" HELLO
		"-------tid00001$\r\n", s1.sess->path));
	peer_puts(&p2, str);
	mem_deref(str);
	expect(&p2, "MSRP tid00001 506 ");
	ck_assert_uint_eq(0, s1.openc);
}
END_TEST


/* Lost: the sessions end with a reason; it comes back, with new sessions */
START_TEST(test_lost)
{
	relay_make(20);
	relay_up();
	behind(&s1);
	msrp_sess_start(s1.sess);
	behind(&s2);
	p1.tc = mem_deref(p1.tc);
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(ECONNRESET, told.err);
	ck_assert_uint_eq(1, s1.closec);
	ck_assert_uint_eq(1, s2.closec);
	ck_assert_int_eq(ECONNRESET, s1.close_err);
	ck_assert_int_eq(ECONNRESET, s2.close_err);
	ck_assert(!msrp_relay_isup(relay));
	ck_assert_int_eq(EPROTO, msrp_sess_connect(s1.sess, NULL));

	/* what it knew is of no use to another connection */
	s1.sess = mem_deref(s1.sess);
	mbuf_rewind(p1.rx);
	relay_up();
	ck_assert_uint_eq(2, told.upc);
	behind(&s1);
	send_msg(&s1, "tid00001", HELLO);
	answered(&s1, "tid00001", "200 OK");
}
END_TEST


static const struct {
	const char *status;
	const char *rest;
	int err;
	uint16_t scode;
} refusev[] = {
	{"403 Forbidden", "", EACCES, 403},
	{"501 Unknown Method", "", EPROTO, 501},
	{"200 OK", "Expires: 900\r\n", EBADMSG, 200},
};

/* Refused: told, and tried again later */
START_TEST(test_refused)
{
	relay_make(20);
	auth(refusev[_i].status, refusev[_i].rest);
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(refusev[_i].err, told.err);
	ck_assert_uint_eq(refusev[_i].scode, told.scode);
	WAIT(is_true, &p1.closed);
	p1.tc = mem_deref(p1.tc);
	ck_assert_uint_eq(0, told.upc);
	relay_up();
}
END_TEST


START_TEST(test_wrong_password)
{
	relay_make(0);
	auth("401 Unauthorized", CHALL);
	auth("401 Unauthorized", CHALL);
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(EACCES, told.err);
	ck_assert_uint_eq(401, told.scode);
}
END_TEST


START_TEST(test_no_answer)
{
	struct got got;

	sess_restack(60, 0, 0);
	relay_make(0);
	take(&got, "AUTH");
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(ETIMEDOUT, told.err);
	WAIT(is_true, &p1.closed);
	got_free(&got);
}
END_TEST


/* Nobody is there, then somebody is: kicked, it does not wait */
START_TEST(test_no_relay)
{
	const struct msrp_relay_conf conf = {
		.uri = "msrp://relay.test:2855;tcp", .user = "bob",
		.pass = "secret", .retry = 60000,
	};
	struct sa sa;

	peer_listen(&p2, &sa, "127.0.0.1");
	p2.ts = mem_deref(p2.ts);
	ck_assert_int_eq(0, msrp_relay_alloc(&relay, sess_stack, &conf,
					     relay_handler, &told));
	/* without an address there is nothing to be done */
	msrp_relay_kick(relay);
	loop_settle(20);
	ck_assert_uint_eq(0, told.downc);

	msrp_relay_set_addr(relay, &sa);
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(ECONNREFUSED, told.err);
	peer_listen(&p1, &sa, "127.0.0.1");
	msrp_relay_set_addr(relay, &sa);
	msrp_relay_kick(relay);
	relay_up();
	msrp_relay_kick(relay);
	loop_settle(20);
	ck_assert_uint_eq(1, told.upc);
}
END_TEST


/* Before the time is over AUTH is sent again, on the same connection; another
   path is for new sessions */
START_TEST(test_refresh)
{
	char *path;

	relay_make(0);
	auth("401 Unauthorized", CHALL);
	auth("200 OK", "Use-Path: " B_URI "\r\nExpires: 1\r\n");
	WAIT(is_set, &told.upc);
	behind(&s1);
	ck_assert_int_eq(0, str_dup(&path, msrp_sess_path(s1.sess)));
	auth("200 OK", "Use-Path: " A_URI "\r\nExpires: 1\r\n");
	while (!str_cmp(B_URI, msrp_relay_path(relay)))
		loop_settle(1);
	ck_assert_str_eq(A_URI, msrp_relay_path(relay));
	ck_assert_str_eq(path, msrp_sess_path(s1.sess));
	ck_assert_uint_eq(1, told.upc);
	behind(&s2);
	ck_assert_ptr_eq(s1.sess->conn, s2.sess->conn);

	/* until it is not wanted any more */
	auth("403 Forbidden", "");
	WAIT(is_set, &told.downc);
	ck_assert_int_eq(EACCES, told.err);
	ck_assert_int_eq(EACCES, s1.close_err);
	mem_deref(path);
}
END_TEST


/* It goes while a session is on it, which stays; or in its own handler */
START_TEST(test_free)
{
	relay_make(0);
	relay_up();
	behind(&s1);
	relay = mem_deref(relay);
	send_msg(&s1, "tid00001", HELLO);
	answered(&s1, "tid00001", "200 OK");
	msrp_sess_close(s1.sess);
	WAIT(is_true, &p1.closed);
}
END_TEST


START_TEST(test_free_in_handler)
{
	told.deref = true;
	relay_make(0);
	if (_i) {
		auth("403 Forbidden", "");
	}
	else {
		auth("401 Unauthorized", CHALL);
		auth("200 OK", GRANT);
	}
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(1, told.upc + told.downc);
	ck_assert_ptr_null(relay);
}
END_TEST


START_TEST(test_errors)
{
	struct msrp_relay_conf conf = {.user = "bob", .pass = "secret"};

	ck_assert_int_eq(EINVAL, msrp_relay_alloc(&relay, sess_stack, NULL,
						  NULL, NULL));
	ck_assert_int_eq(EINVAL, msrp_relay_alloc(&relay, sess_stack, &conf,
						  NULL, NULL));
	conf.uri = "sip:relay.test";
	ck_assert_int_eq(EBADMSG, msrp_relay_alloc(&relay, sess_stack, &conf,
						   NULL, NULL));
	relay_make(0);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(EAGAIN, msrp_sess_use_relay(s1.sess, relay));
	ck_assert_int_eq(EINVAL, msrp_sess_use_relay(s1.sess, NULL));
	ck_assert_int_eq(EINVAL, msrp_sess_use_relay(NULL, relay));
	relay_up();
	ck_assert_int_eq(0, msrp_sess_use_relay(s1.sess, relay));
	ck_assert_int_eq(EPROTO, msrp_sess_use_relay(s1.sess, relay));
	sess_make(&s2, "127.0.0.1");
	msrp_sess_start(s2.sess);
	ck_assert_int_eq(EPROTO, msrp_sess_use_relay(s2.sess, relay));
}
END_TEST


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct told *t = arg;

	++t->sentc;
	t->err = err;
	t->scode = scode;
}


static void report_handler(uint16_t scode, const struct msrp_range *range,
			   void *arg)
{
	struct told *t = arg;
	(void)range;

	t->reported = scode;
}


static void reports(const struct side *s, const char *from, const char *msgid,
		    const char *code)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP tid00009 REPORT\r\n"
		"To-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n"
		"Byte-Range: 1-20000/20000\r\nStatus: 000 %s\r\n"
		"-------tid00009$\r\n", s->sess->path, from, msgid, code));
	peer_puts(&p1, str);
	mem_deref(str);
}


/* The next chunk at pos, if it is there whole */
static bool chunk_take(struct got *got, size_t *pos, size_t *len)
{
	struct msrp_body body;
	struct msrp_head head;
	struct pl pl;

	p1.rx->pos = *pos;
	if (msrp_head_decode(&head, p1.rx))
		return false;

	memset(&body, 0, sizeof(body));
	(void)pl_strcpy(&head.tid, body.tid, sizeof(body.tid));
	if (msrp_body_decode(&body, p1.rx, &pl))
		return false;

	ck_assert(!pl_strcmp(&head.to_path, B_URI " " A_URI " " ALICE));
	ck_assert(!pl_strcmp(&head.from_path, s1.sess->path));
	ck_assert_uint_le(pl.l, 8192);
	ck_assert_int_eq(0, pl_strcpy(&head.tid, got->tid, ID_SIZE));
	*pos = p1.rx->pos;
	*len += pl.l;

	return true;
}


/* What we send goes all the way, in chunks that a relay can bear. It is the
   relay that answers; later a REPORT comes, from the peer or from a relay that
   could not hand it on. Of strangers' REPORTs nothing is believed. */
START_TEST(test_send)
{
	struct msrp_send send = {
		.ctype = "text/plain", .msgid = "m1", .success_report = true,
		.senth = sent_handler, .reporth = report_handler,
		.arg = &told,
	};
	struct got got;
	size_t pos = 0, len = 0;

	relay_make(0);
	relay_up();
	behind(&s1);
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, NULL));
	take(&got, "SEND");
	answer(&got, "200 OK", "");
	got_free(&got);
	WAIT(is_set, &s1.estabc);

	send.mb = mbuf_alloc(20000);
	ck_assert_int_eq(0, mbuf_fill(send.mb, 'x', 20000));
	send.mb->pos = 0;
	told.sentc = 0;
	ck_assert_int_eq(0, msrp_send(NULL, s1.sess, &send));
	while (len < 20000) {
		loop_settle(5);
		while (chunk_take(&got, &pos, &len)) {
			got.from = s1.sess->path;
			answer(&got, "200 OK", "");
		}
	}
	ck_assert_uint_eq(20000, len);
	WAIT(is_set, &told.sentc);
	ck_assert_int_eq(0, told.err);

	reports(&s1, PEER, "m1", "408 Timeout");
	loop_settle(20);
	ck_assert_uint_eq(0, told.reported);
	reports(&s1, _i ? B_URI : B_URI " " A_URI " " ALICE, "m1",
		_i ? "408 Timeout" : "200 OK");
	while (!told.reported)
		loop_settle(1);
	ck_assert_uint_eq(_i ? 408 : 200, told.reported);
	mem_deref(send.mb);
}
END_TEST


/* Relays of the peer's alone: we go to the first, with all of the path */
START_TEST(test_peers_relays)
{
	struct got got;
	struct sa sa;

	peer_listen(&p1, &sa, "127.0.0.1");
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess, B_URI " " A_URI " "
					       ALICE));
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	take(&got, "SEND");
	ck_assert_str_eq(B_URI " " A_URI " " ALICE, got.to);
	ck_assert_str_eq(msrp_sess_path(s1.sess), got.from);
	answer(&got, "200 OK", "");
	WAIT(is_set, &s1.estabc);
	send_msg(&s1, "tid00001", HELLO);
	answered(&s1, "tid00001", "200 OK");
	got_free(&got);
}
END_TEST


void relay_conn_tests(Suite *suite)
{
	TCase *tc = tcase_create("relay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_up);
	tcase_add_test(tc, test_bind);
	tcase_add_test(tc, test_bind_refused);
	tcase_add_test(tc, test_example);
	tcase_add_test(tc, test_shared);
	tcase_add_test(tc, test_early);
	tcase_add_test(tc, test_stranger);
	tcase_add_test(tc, test_lost);
	tcase_add_loop_test(tc, test_refused, 0, N(refusev));
	tcase_add_test(tc, test_wrong_password);
	tcase_add_test(tc, test_no_answer);
	tcase_add_test(tc, test_no_relay);
	tcase_add_test(tc, test_refresh);
	tcase_add_test(tc, test_free);
	tcase_add_loop_test(tc, test_free_in_handler, 0, 2);
	tcase_add_test(tc, test_errors);
	tcase_add_loop_test(tc, test_send, 0, 2);
	tcase_add_test(tc, test_peers_relays);
	suite_add_tcase(suite, tc);
}
