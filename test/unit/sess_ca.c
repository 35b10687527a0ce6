/**
 * @file sess_ca.c  Sessions over TLS: certificates of a CA, and our own file
 *
 * RFC 4975, 14.2 and 14.4. In loops: 0 is the active side, 1 the passive one.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "sess_tls_unit.h"


#define IP_PATH "msrps://127.0.0.1:9999/peersid;tcp"
#define SUB_PATH "msrps://ab.example.net:9999/peersid;tcp"
#define IP6_PATH "msrps://[::1]:9999/peersid;tcp"


/* A CA, one below it, and one that nobody knows */
static void authorities(void)
{
	tls_cert("ca.pem", &(struct cert_args){.name = "Test", .ca = true});
	tls_cert("sub.pem", &(struct cert_args){.name = "Sub", .ca = true,
			 .issuer = tls_path("ca.pem")});
	tls_cert("other.pem", &(struct cert_args){.name = "Test",
			 .ca = true});
}


static const struct {
	const char *issuer;
	struct cert_args args;
	bool good;
} certv[] = {
	{"ca.pem", {.name = PEER_NAME}, true},
	{"sub.pem", {.name = PEER_NAME}, true},
	{"ca.pem", {.name = "*.example"}, false},
	{"ca.pem", {.name = "PEER.example"}, true},
	{"ca.pem", {.name = "other.example"}, false},
	{"ca.pem", {.name = "example"}, false},
	{"ca.pem", {.name = "pe*.example"}, false},
	{"ca.pem", {.name = "peer.example.net"}, false},
	{"ca.pem", {.name = PEER_NAME, .days = -1}, false},
	{"other.pem", {.name = PEER_NAME}, false},
	{NULL, {.name = PEER_NAME}, false},
};


static const char *peer_cert(size_t i)
{
	struct cert_args args = certv[i].args;

	if (certv[i].issuer)
		args.issuer = tls_path(certv[i].issuer);

	return tls_cert("peer.pem", &args);
}


START_TEST(test_ca)
{
	const bool passive = _i & 1;

	authorities();
	tls_stack(tls_path("ca.pem"));
	p1.tls = tls_peer(peer_cert((size_t)_i >> 1));
	ck_assert_int_eq(0, tls_begin(passive, "127.0.0.1", NULL));
	if (certv[_i >> 1].good)
		tls_works(passive);
	else
		tls_refused(passive, EACCES);
}
END_TEST


/* The path has an address: so must the certificate have. And names that are
   more than a name */
START_TEST(test_ca_address)
{
	static const struct {
		const char *path;
		const char *name;
		const char *ip;
		bool good;
	} v[] = {
		{IP_PATH, PEER_NAME, "127.0.0.1", true},
		{IP6_PATH, PEER_NAME, "::1", true},
		{IP_PATH, "127.0.0.1", "127.0.0.2", false},
		{IP_PATH, "127.0.0.1", NULL, false},
		{PEER, "127.0.0.1", "127.0.0.1", false},
		{SUB_PATH, "*.example.net", NULL, true},
		{SUB_PATH, "*.net", NULL, false},
		{SUB_PATH, "*.a.example.net", NULL, false},
		{SUB_PATH, "a*.example.net", NULL, false},
	};
	const bool passive = _i & 1;
	char msg[512];
	struct sa sa;

	authorities();
	tls_stack(tls_path("ca.pem"));
	p1.tls = tls_peer(tls_cert("peer.pem", &(struct cert_args){
		.name = v[_i >> 1].name, .ip = v[_i >> 1].ip,
		.issuer = tls_path("ca.pem")}));
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_set_peer(s1.sess, v[_i >> 1].path));
	if (passive) {
		ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
		msrp_sess_start(s1.sess);
		peer_connect(&p1, &s1);
		snprintf(msg, sizeof(msg), "MSRP tid1 SEND\r\nTo-Path: %s\r\n"
			 "From-Path: %s\r\n" BIND "-------tid1$\r\n",
			 msrp_sess_path(s1.sess), v[_i >> 1].path);
		peer_puts(&p1, msg);
		expect(&p1, v[_i >> 1].good ? "MSRP tid1 200 OK"
		       : "MSRP tid1 481 ");
	}
	else {
		peer_listen(&p1, &sa, "127.0.0.1");
		ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
		if (v[_i >> 1].good)
			expect(&p1, " SEND\r\n");
	}
	if (v[_i >> 1].good)
		return;

	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(EACCES, s1.close_err);
	ck_assert_uint_eq(0, count(&p1, " SEND\r\n"));
}
END_TEST


/* A fingerprint must match, whatever a CA says; and it is enough */
START_TEST(test_ca_fingerprint)
{
	const bool passive = _i & 1, good = _i & 2;
	char fp[CERT_FP];

	authorities();
	tls_stack(tls_path("ca.pem"));
	p1.tls = tls_peer(peer_cert(good ? 9 : 0));
	ck_assert_int_eq(0, cert_fingerprint(fp, good ? tls_path("peer.pem")
					     : tls_path("ca.pem"),
					     "sha-256"));
	ck_assert_int_eq(0, tls_begin(passive, "127.0.0.1", fp));
	if (good)
		tls_works(passive);
	else
		tls_refused(passive, EKEYREJECTED);
}
END_TEST


START_TEST(test_ca_no_certificate)
{
	authorities();
	tls_stack(tls_path("ca.pem"));
	p1.tls = tls_peer(NULL);
	ck_assert_int_eq(0, tls_begin(true, "127.0.0.1", NULL));
	tls_refused(true, EACCES);
}
END_TEST


/* One that was there before with a certificate of that name does not speak
   for one that comes with another */
START_TEST(test_ca_two)
{
	authorities();
	tls_stack(tls_path("ca.pem"));
	p2.tls = tls_peer(peer_cert(0));
	p1.tls = tls_peer(peer_cert(9));
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	msrp_sess_start(s1.sess);
	peer_connect(&p2, &s1);
	peer_connect(&p1, &s1);
	put(&p1, &s1, "tid00000", "SEND", BIND);
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(EACCES, s1.close_err);
	ck_assert_uint_eq(0, s1.estabc);
}
END_TEST


/*
 * Our own file
 */

static void text_read(char *buf, size_t size, const char *path)
{
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	buf[fread(buf, 1, size - 1, f)] = '\0';
	fclose(f);
}


static void text_write(const char *path, const char *a, const char *b)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(a, f), 0);
	ck_assert_int_ge(fputs(b, f), 0);
	ck_assert_int_eq(0, fclose(f));
}


/* A file's certificate is shown to the peer, with the one above it */
START_TEST(test_file)
{
	const bool passive = _i & 1;
	char fp[CERT_FP], ours[MSRP_FP_SIZE], own[CERT_FP];

	authorities();
	tls_cert("own.pem", &(struct cert_args){.name = "own.example",
		 .issuer = tls_path("sub.pem")});
	tls_stack(NULL);
	sess_stack = mem_deref(sess_stack);
	sess_conf.tls = mem_deref(sess_conf.tls);
	ck_assert_int_eq(0, msrp_tls_alloc(&sess_conf.tls,
					   tls_path("own.pem")));
	ck_assert_int_eq(0, msrp_alloc(&sess_stack, &sess_conf));
	ck_assert_int_eq(0, cert_fingerprint(own, tls_path("own.pem"),
					     "sha-256"));
	ck_assert_int_eq(0, msrp_fingerprint(ours, sizeof(ours),
					     sess_stack));
	ck_assert_str_eq(own, ours);

	/* the peer knows the upper CA only. libre's own way of asking for a
	   client's certificate allows none in between: as a server it sees
	   the certificate, and the fingerprint is what counts */
	p1.tls = tls_peer(peer_cert(0));
	ck_assert_int_eq(0, tls_add_ca(p1.tls, tls_path("ca.pem")));
	ck_assert_int_eq(0, cert_fingerprint(fp, tls_path("peer.pem"),
					     "sha-256"));
	if (passive) {
		/* without it, as a client, any depth */
		mem_deref(p1.tls);
		ck_assert_int_eq(0, tls_alloc(&p1.tls, TLS_METHOD_SSLV23,
					      tls_path("peer.pem"), NULL));
		ck_assert_int_eq(0, tls_add_ca(p1.tls, tls_path("ca.pem")));
	}
	ck_assert_int_eq(0, tls_begin(passive, "127.0.0.1", fp));
	tls_works(passive);
	if (passive)
		ck_assert_int_eq(0, tls_peer_verify(p1.sc));
}
END_TEST


START_TEST(test_file_wrong)
{
	char a[4096], b[4096], *cert;
	const char *p = tls_path("x.pem");
	struct tls *tls = NULL;
	size_t i;
	static const struct {
		const char *text;
		int err;
	} v[] = {
		{"", EBADMSG}, {"nothing of the kind\n", EBADMSG},
		{"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", ENOTSUP},
		{"-----BEGIN EC PRIVATE KEY-----\n"
		 "Proc-Type: 4,ENCRYPTED\n", ENOTSUP},
	};

	ck_assert_int_eq(ENOENT, msrp_tls_alloc(&tls, tls_path("none.pem")));
	ck_assert_int_eq(EISDIR, msrp_tls_alloc(&tls, tls_path(".")));
	for (i=0; i<sizeof(v)/sizeof(v[0]); i++) {
		text_write(p, v[i].text, "");
		ck_assert_int_eq(v[i].err, msrp_tls_alloc(&tls, p));
	}

	/* a key alone, a certificate alone, a key and another's */
	text_read(a, sizeof(a), tls_cert("a.pem", NULL));
	text_read(b, sizeof(b), tls_cert("b.pem", NULL));
	cert = strstr(a, "-----BEGIN CERTIFICATE");
	ck_assert_ptr_nonnull(cert);
	text_write(p, cert, "");
	ck_assert_int_eq(EBADMSG, msrp_tls_alloc(&tls, p));
	text_write(p, cert, b);
	ck_assert_int_eq(EBADMSG, msrp_tls_alloc(&tls, p));
	*cert = '\0';
	text_write(p, a, "");
	ck_assert_int_eq(EBADMSG, msrp_tls_alloc(&tls, p));
	ck_assert_ptr_null(tls);
	text_write(p, b, "");
	ck_assert_int_eq(0, msrp_tls_alloc(&tls, p));
	mem_deref(tls);
}
END_TEST


START_TEST(test_strerror)
{
	static const int v[] = {0, EKEYREJECTED, ENOKEY, EACCES, EPROTO,
		ETIMEDOUT, ECONNREFUSED, ECONNRESET, EHOSTUNREACH,
		ENETUNREACH, EOVERFLOW, EBADMSG, ENOTSUP, ENOMEM, EINVAL};
	size_t i, k;

	for (i=0; i<sizeof(v)/sizeof(v[0]); i++) {
		ck_assert_uint_le(str_len(msrp_strerror(v[i])), 64);
		for (k=0; k<i; k++)
			ck_assert_str_ne(msrp_strerror(v[k]),
					 msrp_strerror(v[i]));
	}
}
END_TEST


void sess_ca_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, tls_setup, tls_teardown);
	tcase_add_loop_test(tc, test_ca, 0, 2 * N(certv));
	tcase_add_loop_test(tc, test_ca_address, 0, 18);
	tcase_add_loop_test(tc, test_ca_fingerprint, 0, 4);
	tcase_add_test(tc, test_ca_no_certificate);
	tcase_add_test(tc, test_ca_two);
	tcase_add_loop_test(tc, test_file, 0, 2);
	tcase_add_test(tc, test_file_wrong);
	tcase_add_test(tc, test_strerror);
}
