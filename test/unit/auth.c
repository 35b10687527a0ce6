/**
 * @file auth.c  AUTH to a relay and its answers (RFC 4976, 5.1 and 9.1)
 *
 * The exchange of the RFC's examples: Alice, behind intra.example.com, behind
 * extra.example.com. Each digest was computed by another program.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "relay_unit.h"
#include "../../modules/cpm/msrp/relay.h"


#define NONCE "dcd98b7102dd2f0e8b11d0f600bfb0c093"
#define INTRA "msrps://alice@intra.example.com;tcp"
#define EXTRA "msrps://extra.example.com;tcp"
#define OWN   "msrps://alice.example.com:9892/98cjs;tcp"
#define USE1  "msrps://intra.example.com:9000/jui787s2f;tcp"
#define USE2  "msrps://extra.example.com:9000/mywdEe1233;tcp"
#define CHALLENGE "WWW-Authenticate: Digest realm=\"intra.example.com\", " \
	"qop=\"auth\", nonce=\"" NONCE "\"\r\n"
#define GRANTED "Use-Path: " USE1 "\r\nExpires: 900\r\n"
#define CRED(uri, response, nc) "Authorization: Digest username=\"Alice\", " \
	"realm=\"intra.example.com\", nonce=\"" NONCE "\", uri=\"" uri "\", " \
	"response=\"" response "\", algorithm=MD5, qop=auth, nc=" nc ", " \
	"cnonce=\"0a4f113b\"\r\n"
#define DIGEST1 "5d086d5ec6ee47a18ba63bb8adf57364"
#define DIGEST2 "1fa07ba3d2ee10155815272b19bd6f1c"
#define RSPAUTH "697d90b24aaae85160a24c46a6a27112"

static struct msrp_auth *au;


static void make(const char *relays, uint32_t want)
{
	ck_assert_int_eq(0, msrp_auth_alloc(&au, relays, "Alice", "sesame",
					    want));
	ck_assert_int_eq(0, msrp_auth_begin(au, OWN));
}


static void setup(void)
{
	au = NULL;
}


static void teardown(void)
{
	au = mem_deref(au);
}


/* The next request is exactly this */
static void asks(const char *to, const char *rest)
{
	struct mbuf *mb = mbuf_alloc(256);
	char *want, *str;

	ck_assert_int_eq(0, msrp_auth_request(mb, au, "49fh"));
	mb->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	ck_assert_int_eq(0, re_sdprintf(&want, "MSRP 49fh AUTH\r\n"
					"To-Path: %s\r\n"
					"From-Path: " OWN "\r\n%s"
					"-------49fh$\r\n", to, rest));
	ck_assert_str_eq(want, str);
	mem_deref(want);
	mem_deref(str);
	mem_deref(mb);
}


static void sent(void)
{
	struct mbuf *mb = mbuf_alloc(256);

	ck_assert_int_eq(0, msrp_auth_request(mb, au, "49fh"));
	mem_deref(mb);
}


/* It is answered with this */
static int gets(const char *status, const char *rest)
{
	struct mbuf *mb = mbuf_alloc(256);
	struct msrp_head head;
	int err;

	ck_assert_int_eq(0, mbuf_printf(mb, "MSRP 49fh %s\r\n"
					"To-Path: " OWN "\r\n"
					"From-Path: " INTRA "\r\n%s"
					"-------49fh$\r\n", status, rest));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_head_decode(&head, mb));
	err = msrp_auth_response(au, &head);
	mem_deref(mb);

	return err;
}


static void cnonce(const char *str)
{
	str_ncpy(au->cnonce, str, sizeof(au->cnonce));
}


/* RFC 2617, 3.5 */
START_TEST(test_digest)
{
	uint8_t md[MD5_SIZE];
	char hex[2 * MD5_SIZE + 1];
	struct pl uri;

	ck_assert_int_eq(0, msrp_auth_alloc(&au, INTRA, "Mufasa",
					    "Circle Of Life", 0));
	ck_assert_int_eq(0, msrp_auth_begin(au, OWN));
	sent();
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized",
		"WWW-Authenticate: Digest realm=\"testrealm@host.com\", "
		"qop=\"auth,auth-int\", nonce=\"" NONCE "\", "
		"opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"\r\n"));
	cnonce("0a4f113b");
	au->nc = 1;
	pl_set_str(&uri, "/dir/index.html");
	ck_assert_int_eq(0, msrp_auth_digest(md, au, "GET", &uri));
	(void)re_snprintf(hex, sizeof(hex), "%w", md, sizeof(md));
	ck_assert_str_eq("6629fae49393a05397450978507c4ef1", hex);
	ck_assert_str_eq("5ccc069c403ebaf9f0171e9517f40e41",
			 au->chall.opaque);
}
END_TEST


START_TEST(test_one_relay)
{
	make(INTRA, 0);
	asks(INTRA, "");
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized", CHALLENGE));
	cnonce("0a4f113b");
	asks(INTRA, CRED(INTRA, DIGEST1, "00000001"));
	ck_assert_int_eq(0, gets("200 OK", GRANTED));
	ck_assert_str_eq(USE1, au->use_path);
	ck_assert_uint_eq(900, au->granted);

	/* and again, before it ends: without another challenge */
	ck_assert_int_eq(0, msrp_auth_begin(au, OWN));
	asks(INTRA, CRED(INTRA, DIGEST2, "00000002"));
	ck_assert_int_eq(0, gets("200 OK", GRANTED));
	ck_assert_str_eq(USE1, au->use_path);
}
END_TEST


/* extra is asked through intra. Some relays tell the whole path, some their
   own part; a=path has it in the other direction (5.2) */
START_TEST(test_two_relays)
{
	char *path;

	make(INTRA " " EXTRA, 0);
	sent();
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized", CHALLENGE));
	sent();
	ck_assert_int_eq(EAGAIN, gets("200 OK", GRANTED));
	asks(USE1 " " EXTRA, "");
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized",
		"WWW-Authenticate: Digest realm=\"extra.example.com\", "
		"nonce=\"4f1a\",qop=auth, algorithm=md5, opaque=\"x y\"\r\n"));
	cnonce("1b2c");
	asks(USE1 " " EXTRA, "Authorization: Digest username=\"Alice\", "
	     "realm=\"extra.example.com\", nonce=\"4f1a\", uri=\"" EXTRA
	     "\", response=\"3e5eba3628c0419cc97ee4aa959ef186\", "
	     "algorithm=MD5, opaque=\"x y\", qop=auth, nc=00000001, "
	     "cnonce=\"1b2c\"\r\n");
	ck_assert_int_eq(0, gets("200 OK", _i
		? "Use-Path: " USE1 " " USE2 "\r\nExpires: 1800\r\n"
		: "use-path:" USE2 "\r\nExpires: 1800\r\n"));
	ck_assert_str_eq(USE1 " " USE2, au->use_path);
	ck_assert_uint_eq(900, au->granted);
	ck_assert_int_eq(0, msrp_path_reverse(&path, au->use_path));
	ck_assert_str_eq(USE2 " " USE1, path);
	mem_deref(path);

	/* all over again: no nonce is one for the other */
	ck_assert_int_eq(0, msrp_auth_begin(au, OWN));
	asks(INTRA, "");
}
END_TEST


/* Without qop: as RFC 2069 had it */
START_TEST(test_no_qop)
{
	make(INTRA, 0);
	sent();
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized",
		"WWW-Authenticate: Digest realm=\"intra.example.com\", "
		"nonce=\"" NONCE "\"\r\n"));
	asks(INTRA, "Authorization: Digest username=\"Alice\", "
	     "realm=\"intra.example.com\", nonce=\"" NONCE "\", uri=\"" INTRA
	     "\", response=\"fe3f5b2de1ee8f2c7ce431fa50adc58c\", "
	     "algorithm=MD5\r\n");
	ck_assert_int_eq(0, gets("200 OK", GRANTED));
}
END_TEST


/* A nonce that is too old is answered with a new one; a wrong password with
   the end. After a while the nonce is old, and none of this is new */
START_TEST(test_stale)
{
	make(INTRA, 0);
	sent();
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized", CHALLENGE));
	sent();
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized",
		"WWW-Authenticate: Digest realm=\"intra.example.com\", "
		"qop=\"auth\", nonce=\"n2\", stale=true\r\n"));
	sent();
	ck_assert_int_eq(EACCES, gets("401 Unauthorized", CHALLENGE));

	ck_assert_int_eq(0, msrp_auth_begin(au, OWN));
	sent();
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized", CHALLENGE));
	sent();
	ck_assert_int_eq(0, gets("200 OK", GRANTED));
}
END_TEST


/* A relay that finds every nonce stale */
START_TEST(test_loop)
{
	struct mbuf *mb = mbuf_alloc(256);
	unsigned i;

	make(INTRA, 0);
	for (i=0; i<AUTH_TURNS; i++) {
		sent();
		ck_assert_int_eq(EAGAIN, gets("401 Unauthorized",
			"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
			"stale=TRUE\r\n"));
	}
	ck_assert_int_eq(EPROTO, msrp_auth_request(mb, au, "49fh"));
	mem_deref(mb);
}
END_TEST


/* 423: as long as the relay wants; what is wrong all the same is left out,
   and then it is over */
START_TEST(test_bounds)
{
	make(INTRA, 10);
	asks(INTRA, "Expires: 10\r\n");
	ck_assert_int_eq(EAGAIN, gets("423 Out Of Bounds",
				      "Min-Expires: 60\r\n"));
	asks(INTRA, "Expires: 60\r\n");
	ck_assert_int_eq(EAGAIN, gets("423 Out Of Bounds",
				      "Max-Expires: 30\r\n"));
	asks(INTRA, "Expires: 30\r\n");
	ck_assert_int_eq(EAGAIN, gets("423 Out Of Bounds",
				      "Min-Expires: 30\r\n"));
	asks(INTRA, "");
	ck_assert_int_eq(EPROTO, gets("423 Out Of Bounds", ""));

	/* the next round begins with what was wanted */
	ck_assert_int_eq(0, msrp_auth_begin(au, OWN));
	asks(INTRA, "Expires: 10\r\n");
}
END_TEST


static const struct {
	const char *expires;
	uint32_t want;
	uint32_t granted;
} ttlv[] = {
	{"Expires: 1\r\n", 0, 1},
	{"", 0, AUTH_DEFAULT},
	{"", 77, 77},
	{"Expires: 0\r\n", 0, AUTH_DEFAULT},
	{"Expires: soon\r\n", 0, AUTH_DEFAULT},
	{"Expires: 4294967297\r\n", 0, AUTH_DEFAULT},
	{"Expires: 999999999\r\n", 0, AUTH_LONGEST},
};

START_TEST(test_expires)
{
	char *rest;

	make(INTRA, ttlv[_i].want);
	sent();
	ck_assert_int_eq(0, re_sdprintf(&rest, "Use-Path: " USE1 "\r\n%s",
					ttlv[_i].expires));
	ck_assert_int_eq(0, gets("200 OK", rest));
	ck_assert_uint_eq(ttlv[_i].granted, au->granted);
	mem_deref(rest);
}
END_TEST


/* Authentication-Info: the relay knows the password, or only says so */
START_TEST(test_info)
{
	make(INTRA, 0);
	sent();
	ck_assert_int_eq(EAGAIN, gets("401 Unauthorized", CHALLENGE));
	cnonce("0a4f113b");
	asks(INTRA, CRED(INTRA, DIGEST1, "00000001"));
	ck_assert_int_eq(0, gets("200 OK", GRANTED "Authentication-Info: "
		"nextnonce=\"n2\", qop=auth, cnonce=\"0a4f113b\", "
		"nc=00000001, rspauth=\"" RSPAUTH "\"\r\n"));

	ck_assert_int_eq(0, msrp_auth_begin(au, OWN));
	cnonce("cafe");
	asks(INTRA, "Authorization: Digest username=\"Alice\", "
	     "realm=\"intra.example.com\", nonce=\"n2\", uri=\"" INTRA
	     "\", response=\"cb7a0effbf6f1b827a5926676b6412f5\", "
	     "algorithm=MD5, qop=auth, nc=00000001, cnonce=\"cafe\"\r\n");
	ck_assert_int_eq(EKEYREJECTED, gets("200 OK", GRANTED
		"Authentication-Info: rspauth=\"" RSPAUTH "\"\r\n"));
}
END_TEST


static const struct {
	const char *status;
	const char *rest;
	int err;
} badv[] = {
	{"401 Unauthorized", "", EBADMSG},
	{"401 Unauthorized", "WWW-Authenticate: Basic realm=\"r\"\r\n",
	 EBADMSG},
	{"401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\"\r\n",
	 EBADMSG},
	{"401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\", "
	 "nonce=\"n\", algorithm=SHA-256\r\n", ENOTSUP},
	{"401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\", "
	 "nonce=\"n\", qop=\"auth-int\"\r\n", ENOTSUP},
	{"403 Forbidden", "", EACCES},
	{"501 Unknown Method", "", EPROTO},
	{"481 No", "", EPROTO},
	{"200 OK", "", EBADMSG},
	{"200 OK", "Use-Path: \r\n", EBADMSG},
	{"200 OK", "Use-Path: http://x/\r\n", EBADMSG},
	{"200 OK", "Use-Path: " USE1 " http://x/\r\n", EBADMSG},
	{"200 OK", "Use-Path: " USE1 " " USE1 " " USE1 " " USE1 " " USE1 " "
	 USE1 " " USE1 " " USE1 " " USE1 "\r\n", EBADMSG},
};

START_TEST(test_bad)
{
	make(INTRA, 0);
	sent();
	ck_assert_int_eq(badv[_i].err, gets(badv[_i].status, badv[_i].rest));
}
END_TEST


START_TEST(test_errors)
{
	ck_assert_int_eq(EINVAL, msrp_auth_alloc(&au, "", "a", "b", 0));
	ck_assert_int_eq(EINVAL, msrp_auth_alloc(&au, INTRA, NULL, "b", 0));
	ck_assert_int_eq(EINVAL, msrp_auth_alloc(&au, INTRA, "a\"", "b", 0));
	ck_assert_int_eq(EINVAL, msrp_auth_alloc(&au, INTRA, "a\r\nX: y",
						 "b", 0));
	ck_assert_int_eq(EBADMSG, msrp_auth_alloc(&au, "sip:x", "a", "b", 0));
	ck_assert_ptr_null(au);
}
END_TEST


void relay_auth_tests(Suite *suite)
{
	TCase *tc = tcase_create("auth");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_digest);
	tcase_add_test(tc, test_one_relay);
	tcase_add_loop_test(tc, test_two_relays, 0, 2);
	tcase_add_test(tc, test_no_qop);
	tcase_add_test(tc, test_stale);
	tcase_add_test(tc, test_loop);
	tcase_add_test(tc, test_bounds);
	tcase_add_loop_test(tc, test_expires, 0, N(ttlv));
	tcase_add_test(tc, test_info);
	tcase_add_loop_test(tc, test_bad, 0, N(badv));
	tcase_add_test(tc, test_errors);
	suite_add_tcase(suite, tc);
}
