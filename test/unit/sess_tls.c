/**
 * @file sess_tls.c  Sessions over TLS: fingerprints, versions, streams
 *
 * RFC 4975, 14.4; RFC 8122, 5 and 6.2. In loops: 0 is the active side, 1 the
 * passive one.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <openssl/ssl.h>
#include "sess_tls_unit.h"

/* see modules/cpm/msrp/tlsctx.c */
struct ssl_ctx_st *tls_openssl_context(const struct tls *tls);


/* The peer, with its fingerprint */
static void peer_make(char fp[CERT_FP], const char *hash)
{
	const char *path = tls_cert("peer.pem", NULL);

	p1.tls = tls_peer(path);
	ck_assert_int_eq(0, cert_fingerprint(fp, path, hash));
}


/* The peer sees the certificate that our SDP tells, in both roles */
static void check_ours(void)
{
	char fp[MSRP_FP_SIZE], want[MSRP_FP_SIZE] = "sha-256";
	uint8_t md[32];
	size_t i;

	ck_assert_int_eq(0, tls_peer_fingerprint(p1.sc,
						 TLS_FINGERPRINT_SHA256, md,
						 sizeof(md)));
	for (i=0; i<sizeof(md); i++)
		sprintf(want + str_len(want), "%c%02X", i ? ':' : ' ', md[i]);
	ck_assert_int_eq(0, msrp_fingerprint(fp, sizeof(fp), sess_stack));
	ck_assert_str_eq(want, fp);
}


START_TEST(test_works)
{
	const bool passive = _i & 1;
	char fp[CERT_FP];

	tls_stack(NULL);
	peer_make(fp, "sha-256");
	ck_assert_int_eq(0, tls_begin(passive, addrv[_i >> 1], fp));
	ck_assert(!strncmp("msrps://", msrp_sess_path(s1.sess), 8));
	tls_works(passive);
	check_ours();
	msrp_sess_close(s1.sess);
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(0, s1.closec);
}
END_TEST


#define Z8 "00:00:00:00:00:00:00:00:"
#define ZERO32 Z8 Z8 Z8 "00:00:00:00:00:00:00:00"
#define ZERO20 Z8 Z8 "00:00:00:00"

/* %s: the right one */
static const struct {
	const char *fmt;
	const char *hash;
	bool good;
} fpv[] = {
	{"%s", "sha-256", true},
	{"%s", "sha-1", true},
	{"sha-1 " ZERO20 ",%s", "sha-256", true},
	{"%s,sha-1 " ZERO20, "sha-256", true},
	{"sha-512 00:11,%s", "sha-256", true},
	{"sha-256 " ZERO32 ", %s", "sha-256", true},
	{"sha-256 " ZERO32, "sha-256", false},
	{"sha-1 " ZERO20, "sha-1", false},
	{"sha-256 " ZERO32 ",%s", "sha-1", false},
	{"%s,sha-256 " ZERO32, "sha-1", false},
	{"sha-256 " ZERO32 ",sha-256 " ZERO32 ",sha-256 " ZERO32
	 ",sha-256 " ZERO32 ",%s", "sha-256", false},
};


/* It must match, always, and the strongest counts */
START_TEST(test_fingerprint)
{
	const bool passive = _i & 1;
	char fp[CERT_FP], str[1024];

	tls_stack(NULL);
	peer_make(fp, fpv[_i >> 1].hash);
	re_snprintf(str, sizeof(str), fpv[_i >> 1].fmt, fp);
	ck_assert_int_eq(0, tls_begin(passive, "127.0.0.1", str));
	if (fpv[_i >> 1].good)
		tls_works(passive);
	else
		tls_refused(passive, EKEYREJECTED);
}
END_TEST


/* Lower case, and whatever is no fingerprint */
START_TEST(test_fingerprint_text)
{
	static const struct {
		const char *str;
		int err;
	} v[] = {
		{"sha-256 " ZERO32, 0},
		{"SHA-256   " ZERO32 " ", 0},
		{"sha-1 aa:Bb:cC:00:11:22:33:44:55:66:"
		 "77:88:99:dd:ee:ff:00:11:22:33", 0},
		{"", EBADMSG},
		{"sha-256", EBADMSG},
		{"sha-256 ", EBADMSG},
		{"sha-256 00", EBADMSG},
		{"sha-256 " ZERO32 ":00", EBADMSG},
		{"sha-256 " ZERO20, EBADMSG},
		{"sha-1 " ZERO32, EBADMSG},
		{"sha-1 " Z8 Z8 "00:00:00:0g", EBADMSG},
		{"sha-1 " Z8 Z8 "00:00:00-00", EBADMSG},
		{"sha-256 " ZERO32 ",", 0},
		{"sha-256 " ZERO32 ",sha-1 0", EBADMSG},
		{"sha-512 00:11", ENOTSUP},
		{"md5 00:11,sha-384 00", ENOTSUP},
	};
	size_t i;

	tls_stack(NULL);
	sess_make(&s1, "127.0.0.1");
	for (i=0; i<sizeof(v)/sizeof(v[0]); i++)
		ck_assert_msg(msrp_sess_set_fingerprint(s1.sess, v[i].str) ==
			      v[i].err, "'%s'", v[i].str);
	ck_assert_int_eq(EINVAL, msrp_sess_set_fingerprint(NULL, "x"));
	ck_assert_int_eq(EINVAL, msrp_sess_set_fingerprint(s1.sess, NULL));
}
END_TEST


/* Nothing to check against: as the active side not even tried */
START_TEST(test_no_fingerprint)
{
	char fp[CERT_FP];

	tls_stack(NULL);
	peer_make(fp, "sha-256");
	if (_i) {
		ck_assert_int_eq(0, tls_begin(true, "127.0.0.1", NULL));
		tls_refused(true, ENOKEY);
		return;
	}
	ck_assert_int_eq(ENOKEY, tls_begin(false, "127.0.0.1", NULL));
	loop_settle(50);
	ck_assert(!p1.estab);
}
END_TEST


/* A peer that shows no certificate */
START_TEST(test_no_certificate)
{
	tls_stack(NULL);
	p1.tls = tls_peer(NULL);
	ck_assert_int_eq(0, tls_begin(true, "127.0.0.1", "sha-256 " ZERO32));
	tls_refused(true, EKEYREJECTED);
}
END_TEST


/* A session with TLS takes nothing in plain text, nor the reverse: 481, and
   the connection is cut. The session goes on waiting. */
START_TEST(test_other_transport)
{
	char fp[CERT_FP], *str;

	tls_stack(NULL);
	peer_make(fp, "sha-256");
	s1.tls = _i;
	s2.tls = !_i;
	sess_make(&s1, "127.0.0.1");
	sess_make(&s2, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_fingerprint(s1.sess, fp));
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	ck_assert_int_eq(0, msrp_sess_listen(s2.sess));
	ck_assert_uint_ne(msrp_sess_lport(s1.sess), msrp_sess_lport(s2.sess));
	msrp_sess_start(s1.sess);
	msrp_sess_start(s2.sess);

	if (_i) {
		p2.tls = p1.tls;
		p1.tls = NULL;
	}
	/* to the other's port, as the other would */
	peer_connect(&p1, &s2);
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	str = resp(&s1, "tid00001", "481 No Such Session");
	expect(&p1, str);
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(str_len(str), p1.rx->end);
	ck_assert_uint_eq(0, s1.openc + s1.closec);
	mem_deref(str);

	/* with a session of its own on it, it stays */
	p1.sc = mem_deref(p1.sc);
	p1.tc = mem_deref(p1.tc);
	mbuf_rewind(p1.rx);
	if (_i) {
		peer_connect(&p1, &s2);
		talk(&p1, &s2, BIND, "200 OK");
		talk(&p1, &s1, HELLO, "481 No Such Session");
		talk(&p1, &s2, HELLO, "200 OK");
	}

	peer_connect(&p2, &s1);
	talk(&p2, &s1, HELLO, "200 OK");
	ck_assert_uint_eq(1, s1.donec);
}
END_TEST


/*
 * Versions. Security level 0 lets OpenSSL itself speak 1.1: it is we who do
 * not.
 */

static const char *const anything[] = {"ALL:@SECLEVEL=0"};


static void set_versions(struct tls *tls, int version)
{
	SSL_CTX *ctx = tls_openssl_context(tls);

	ck_assert_int_eq(0, tls_set_ciphers(tls, (const char **)anything, 1));
	ck_assert_int_eq(1, SSL_CTX_set_min_proto_version(ctx, version));
	ck_assert_int_eq(1, SSL_CTX_set_max_proto_version(ctx, version));
}


START_TEST(test_version)
{
	static const struct {
		int version;
		bool good;
	} v[] = {
		{TLS1_VERSION, false}, {TLS1_1_VERSION, false},
		{TLS1_2_VERSION, true}, {TLS1_3_VERSION, true},
	};
	const bool passive = _i & 1, good = v[_i >> 1].good;
	char fp[CERT_FP];
	struct sa sa;

	tls_stack(NULL);
	ck_assert_int_eq(0, tls_set_ciphers(sess_conf.tls,
					    (const char **)anything, 1));
	peer_make(fp, "sha-256");
	set_versions(p1.tls, v[_i >> 1].version);
	if (good) {
		ck_assert_int_eq(0, tls_begin(passive, "127.0.0.1", fp));
		tls_works(passive);
		return;
	}

	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_fingerprint(s1.sess, fp));
	if (passive) {
		ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
		msrp_sess_start(s1.sess);
		peer_open(&p1, "127.0.0.1", msrp_sess_lport(s1.sess));
		WAIT(is_true, &p1.closed);
		ck_assert(!p1.estab);
		ck_assert_uint_eq(0, s1.closec);
	}
	else {
		peer_listen(&p1, &sa, "127.0.0.1");
		ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
		WAIT(is_set, &s1.closec);
		ck_assert_int_eq(EPROTO, s1.close_err);
	}
}
END_TEST


static unsigned resumable;

static int session_handler(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	(void)session;
	++resumable;

	return 0;
}


/* No session is offered for later: OpenSSL would cut off who comes back with
   it, as certificates are asked for */
START_TEST(test_resume)
{
	char fp[CERT_FP];
	SSL_CTX *ctx;

	tls_stack(NULL);
	peer_make(fp, "sha-256");
	ctx = tls_openssl_context(p1.tls);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, session_handler);
	set_versions(p1.tls, _i ? TLS1_2_VERSION : TLS1_3_VERSION);
	ck_assert_int_eq(0, tls_begin(true, "127.0.0.1", fp));
	tls_works(true);
	ck_assert_uint_eq(0, resumable);
}
END_TEST


/*
 * What is no TLS
 */

START_TEST(test_garbage)
{
	struct sa sa;

	/* the peer answers in plain text; or closes */
	tls_stack(NULL);
	peer_listen(&p1, &sa, "127.0.0.1");
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_fingerprint(s1.sess,
						      "sha-256 " ZERO32));
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	WAIT(is_true, &p1.estab);
	loop_settle(20);
	if (_i)
		p1.tc = mem_deref(p1.tc);
	else
		peer_puts(&p1, "MSRP abcd 200 OK\r\n-------abcd$\r\n");
	WAIT(is_set, &s1.closec);
	ck_assert(s1.close_err == EPROTO || s1.close_err == ECONNRESET);
	ck_assert_uint_eq(0, s1.estabc);
}
END_TEST


START_TEST(test_garbage_in)
{
	tls_stack(NULL);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_fingerprint(s1.sess,
						      "sha-256 " ZERO32));
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	msrp_sess_start(s1.sess);
	peer_connect(&p1, &s1);
	put(&p1, &s1, "tid00001", "SEND", HELLO);
	WAIT(is_true, &p1.closed);
	loop_settle(20);
	ck_assert_uint_eq(0, s1.closec + s1.openc);
	ck_assert_uint_eq(0, sess_stack->unboundc);
}
END_TEST


/* Nobody talks, on either side */
START_TEST(test_silence)
{
	struct sa sa;

	sess_conf.trans_timeout = 80;
	tls_stack(NULL);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_fingerprint(s1.sess,
						      "sha-256 " ZERO32));
	if (_i) {
		ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
		msrp_sess_start(s1.sess);
		peer_connect(&p1, &s1);
		WAIT(is_true, &p1.closed);
		ck_assert_uint_eq(0, s1.closec);
		ck_assert_uint_eq(0, sess_stack->unboundc);
		return;
	}
	peer_listen(&p1, &sa, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ETIMEDOUT, s1.close_err);
}
END_TEST


/*
 * Streams
 */

/* @param quiet The peer does not say that it ends TLS */
static void begin_passive(bool quiet)
{
	char fp[CERT_FP];

	tls_stack(NULL);
	peer_make(fp, "sha-256");
	SSL_CTX_set_quiet_shutdown(tls_openssl_context(p1.tls), quiet);
	ck_assert_int_eq(0, tls_begin(true, "127.0.0.1", fp));
	expect(&p1, "MSRP tid00000 200 OK");
	loop_settle(10);
	mbuf_rewind(p1.rx);
}


START_TEST(test_stream)
{
	begin_passive(false);
	pipeline(2000, 400);
	expect_n(&p1, "$\r\n", 2000);
	ck_assert_uint_eq(2000, s1.donec);
	ck_assert_uint_eq(800000, s1.octets);
	send_large(5000000, _i ? 2048 : 65536);
	expect(&p1, "MSRP ");
	loop_settle(1);
	while (s1.donec < 2001)
		loop_settle(10);
	ck_assert_uint_eq(5800000, s1.octets);
	ck_assert_uint_eq(5000000, s1.body->end);
}
END_TEST


enum {
	TOTAL = 8 << 20,
	AHEAD = 4 * 65536,
};

/* Nothing is hidden in TLS's own buffers: paused is paused, and what was
   there goes on when it is not */
START_TEST(test_pause)
{
	begin_passive(false);
	s1.pause_at = 1 << 20;
	send_large(TOTAL, 65536);
	loop_settle(200);
	ck_assert_uint_ge(s1.octets, s1.pause_at);
	ck_assert_uint_le(s1.octets, s1.pause_at + AHEAD);
	s1.pause_at = 0;
	msrp_sess_pause(s1.sess, false);
	WAIT(is_set, &s1.donec);
	ck_assert_uint_eq(TOTAL, s1.octets);
}
END_TEST


/* The last octets, the end of TLS (or not) and of TCP, all at once: not one
   is lost, and it is an orderly end */
START_TEST(test_end)
{
	begin_passive(_i);
	s1.late = true;
	pipeline(100, 400);
	p1.sc = mem_deref(p1.sc);
	p1.tc = mem_deref(p1.tc);
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(0, s1.close_err);
	ck_assert_uint_eq(100, s1.donec);
	ck_assert_uint_eq(40000, s1.octets);
	side_answer(&s1, 200, ENOTCONN);
}
END_TEST


/* Our answers reach the peer before the connection ends */
START_TEST(test_close_flushes)
{
	begin_passive(false);
	s1.late = true;
	pipeline(100, 400);
	while (s1.donec < 100)
		loop_settle(1);
	side_answer(&s1, 200, 0);
	msrp_sess_close(s1.sess);
	WAIT(is_true, &p1.closed);
	ck_assert_uint_eq(100, count(&p1, " 200 OK\r\n"));
}
END_TEST


/* The request may be there before the ACK: it waits, and its certificate is
   looked at then */
START_TEST(test_race)
{
	char fp[CERT_FP];

	tls_stack(NULL);
	peer_make(fp, "sha-256");
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	peer_connect(&p1, &s1);
	put(&p1, &s1, "tid00000", "SEND", BIND);
	loop_settle(50);
	ck_assert_uint_eq(0, p1.rx->end);
	ck_assert_int_eq(0, msrp_sess_set_fingerprint(s1.sess, _i ? fp
						      : "sha-256 " ZERO32));
	msrp_sess_start(s1.sess);
	if (_i)
		tls_works(true);
	else
		tls_refused(true, EKEYREJECTED);
}
END_TEST


/* Its session goes in closeh() */
START_TEST(test_leave)
{
	char fp[CERT_FP];

	tls_stack(NULL);
	peer_make(fp, "sha-256");
	s1.in = 'c';
	s1.deref = _i & 2;
	ck_assert_int_eq(0, tls_begin(_i & 1, "127.0.0.1",
				      "sha-256 " ZERO32));
	tls_refused(_i & 1, EKEYREJECTED);
}
END_TEST


START_TEST(test_without)
{
	struct msrp_sess *sess = NULL;
	static const struct msrp_sess_h h;
	char fp[MSRP_FP_SIZE];
	struct sa sa;

	ck_assert_int_eq(0, sa_set_str(&sa, "127.0.0.1", 0));
	ck_assert_int_eq(ENOTSUP, msrp_sess_alloc(&sess, sess_stack, &sa,
						  true, &h, NULL));
	ck_assert_int_eq(ENOTSUP, msrp_fingerprint(fp, sizeof(fp),
						   sess_stack));
	tls_stack(NULL);
	ck_assert_int_eq(EINVAL, msrp_fingerprint(NULL, 200, sess_stack));
	ck_assert_int_eq(EINVAL, msrp_fingerprint(fp, sizeof(fp), NULL));
	ck_assert_int_eq(EOVERFLOW, msrp_fingerprint(fp, sizeof(fp) - 1,
						     sess_stack));
	ck_assert_int_eq(0, msrp_fingerprint(fp, sizeof(fp), sess_stack));
	ck_assert_uint_eq(MSRP_FP_SIZE - 1, str_len(fp));
	ck_assert_int_eq(EINVAL, msrp_tls_alloc(NULL, NULL));
}
END_TEST


void sess_tls_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, tls_setup, tls_teardown);
	tcase_add_loop_test(tc, test_works, 0, 4);
	tcase_add_loop_test(tc, test_fingerprint, 0, 2 * N(fpv));
	tcase_add_test(tc, test_fingerprint_text);
	tcase_add_loop_test(tc, test_no_fingerprint, 0, 2);
	tcase_add_test(tc, test_no_certificate);
	tcase_add_loop_test(tc, test_other_transport, 0, 2);
	tcase_add_loop_test(tc, test_version, 0, 8);
	tcase_add_loop_test(tc, test_resume, 0, 2);
	tcase_add_loop_test(tc, test_garbage, 0, 2);
	tcase_add_test(tc, test_garbage_in);
	tcase_add_loop_test(tc, test_silence, 0, 2);
	tcase_add_loop_test(tc, test_stream, 0, 2);
	tcase_add_test(tc, test_pause);
	tcase_add_loop_test(tc, test_end, 0, 2);
	tcase_add_test(tc, test_close_flushes);
	tcase_add_loop_test(tc, test_race, 0, 2);
	tcase_add_loop_test(tc, test_leave, 0, 4);
	tcase_add_test(tc, test_without);
}
