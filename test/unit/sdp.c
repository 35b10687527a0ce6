/**
 * @file sdp.c  The SDP of MSRP sessions (RFC 4975, 8)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "unit.h"
#include <cpm_msrp.h>


#define TOP "v=0\r\no=- 0 0 IN IP4 host.example\r\ns= \r\n"
#define C4 "c=IN IP4 192.0.2.1\r\n"
#define T0 "t=0 0\r\n"
#define M "m=message 2855 TCP/MSRP *\r\n"
#define ATTRS "a=accept-types:message/cpim\r\n" \
	"a=path:msrp://192.0.2.7:2855/pf1;tcp\r\n"

#define M_TLS "m=message 2855 TCP/TLS/MSRP *\r\n"
#define ATTRS_TLS "a=accept-types:message/cpim\r\n" \
	"a=path:msrps://192.0.2.7:2855/pf1;tcp\r\n"

static struct msrp_sdp *sdp;


static void setup(void)
{
	struct sa laddr;

	ck_assert_int_eq(0, sa_set_str(&laddr, "192.0.2.9", 0));
	ck_assert_int_eq(0, msrp_sdp_alloc(&sdp, &laddr));
}


static void teardown(void)
{
	sdp = mem_deref(sdp);
}


static int decode(const char *str)
{
	struct mbuf *mb = mbuf_alloc(str_len(str) + 1);
	int err;

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, mbuf_write_str(mb, str));
	mb->pos = 0;
	err = msrp_sdp_decode(sdp, mb, true);
	mem_deref(mb);

	return err;
}


static const struct msrp_remote *remote(void)
{
	return msrp_sdp_remote(sdp);
}


static void check_addr(const char *addr, uint16_t port)
{
	struct sa sa;

	ck_assert_int_eq(0, sa_set_str(&sa, addr, port));
	ck_assert(sa_cmp(&sa, &remote()->addr, SA_ALL));
}


static char *encode(const struct msrp_local *local, bool offer)
{
	struct mbuf *mb = NULL;
	char *str;

	ck_assert_int_eq(0, msrp_sdp_encode(&mb, sdp, local, offer));
	ck_assert_uint_eq(0, mb->pos);
	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	mem_deref(mb);

	return str;
}


static const struct msrp_local answer = {
	.port = 9,
	.dir = SDP_RECVONLY,
	.setup = MSRP_SETUP_ACTIVE,
	.path = "msrp://192.0.2.9:9/own;tcp",
	.accept_types = "message/cpim",
	.accept_wrapped_types = "text/plain message/imdn+xml",
	.max_size = 100000000,
};


/* The session description inside of a file: from v= to the part's end */
static struct mbuf *sdp_file(const char *name)
{
	struct mbuf *mb = unit_file(name);
	char *str, *from, *to;

	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	from = strstr(str, "v=0\r\n");
	ck_assert_ptr_nonnull(from);
	to = strstr(from, "\r\n--");
	mb->pos = mb->end = 0;
	ck_assert_int_eq(0, mbuf_write_mem(mb, (uint8_t *)from,
					   to ? (size_t)(to - from)
					   : str_len(from)));
	mb->pos = 0;
	mem_deref(str);

	return mb;
}


static const struct {
	const char *name;
	const char *addr;
	uint16_t port;
	enum sdp_dir dir;
	enum msrp_setup setup;
	const char *path;
	const char *types;
	const char *wrapped;
} filev[] = {
	{"vectors/14-sdp-chat-rcsjta.txt", "192.168.1.50", 20000,
	 SDP_SENDRECV, MSRP_SETUP_ACTPASS,
	 "msrp://192.168.1.50:20000/1458916144436;tcp",
	 "message/cpim application/im-iscomposing+xml",
	 "text/plain message/imdn+xml "
	 "application/vnd.gsma.rcspushlocation+xml "
	 "application/vnd.gsma.rcs-ft-http+xml"},
	{"vectors/25-sdp-aosp-regex-as-example.txt", "192.168.1.1", 9,
	 SDP_SENDRECV, MSRP_SETUP_ACTIVE, "msrp://192.168.1.1:9/abc123;tcp",
	 "message/cpim application/im-iscomposing+xml",
	 "text/plain message/imdn+xml application/vnd.gsma.rcs-ft-http+xml "
	 "application/vnd.gsma.rcspushlocation+xml"},
	{"vectors/90-SYNTHETIC-deferred-invite.txt", "192.0.2.1", 2855,
	 SDP_SENDONLY, MSRP_SETUP_PASSIVE, "msrp://192.0.2.1:2855/pf1;tcp",
	 "message/cpim", "text/plain message/imdn+xml"},
	{"vectors/12-multipart-sdp-plus-cpim-rcsjta.txt", "80.12.197.204",
	 53358, SDP_SENDRECV, MSRP_SETUP_ACTPASS,
	 "msrp://80.12.197.204:53358/b29w5mku;tcp",
	 "message/cpim application/im-iscomposing+xml",
	 "text/plain message/imdn+xml application/vnd.gsma.rcs-ft-http+xml"},
};


START_TEST(test_file)
{
	struct mbuf *mb = sdp_file(filev[_i].name);

	ck_assert_int_eq(0, msrp_sdp_decode(sdp, mb, true));
	check_addr(filev[_i].addr, filev[_i].port);
	ck_assert_int_eq(filev[_i].dir, remote()->dir);
	ck_assert_int_eq(filev[_i].setup, remote()->setup);
	ck_assert_str_eq(filev[_i].path, remote()->path);
	ck_assert_str_eq(filev[_i].types, remote()->accept_types);
	ck_assert_str_eq(filev[_i].wrapped, remote()->accept_wrapped_types);
	ck_assert(!remote()->tls && !remote()->max_size);
	ck_assert_ptr_null(remote()->fingerprint);

	/* the line end of the last line belongs to it, or does not */
	while (mb->buf[mb->end-1] == '\n')
		mb->end -= 2;
	ck_assert_int_eq(0, msrp_sdp_decode(sdp, mb, true));
	ck_assert_str_eq(filev[_i].path, remote()->path);
	ck_assert_int_eq(filev[_i].dir, remote()->dir);
	mem_deref(mb);
}
END_TEST


static const struct {
	const char *str;
	enum sdp_dir dir;
} dirv[] = {
	{TOP C4 T0 M ATTRS, SDP_SENDRECV},
	{TOP C4 T0 M "a=sendonly\r\n" ATTRS, SDP_SENDONLY},
	{TOP C4 T0 M ATTRS "a=recvonly\r\n", SDP_RECVONLY},
	{TOP C4 T0 M ATTRS "a=inactive\r\n", SDP_INACTIVE},
	{TOP C4 T0 "a=sendonly\r\n" M ATTRS, SDP_SENDONLY},
	{TOP C4 T0 "a=recvonly\r\n" M ATTRS, SDP_RECVONLY},
	{TOP C4 T0 "a=sendonly\r\n" M ATTRS "a=sendrecv\r\n", SDP_SENDRECV},
	{TOP C4 T0 "a=sendrecv\r\n" M ATTRS "a=sendonly\r\n", SDP_SENDONLY},
};


START_TEST(test_direction)
{
	ck_assert_int_eq(0, decode(dirv[_i].str));
	ck_assert_int_eq(dirv[_i].dir, remote()->dir);
}
END_TEST


static const struct {
	const char *str;
	int err;
	const char *addr;
	uint16_t port;
} addrv[] = {
	{TOP C4 T0 M ATTRS, 0, "192.0.2.1", 2855},
	{TOP T0 M C4 ATTRS, 0, "192.0.2.1", 2855},
	{TOP C4 T0 M "c=IN IP4 192.0.2.2\r\n" ATTRS, 0, "192.0.2.2", 2855},
	{TOP "c=IN IP6 2001:db8::1\r\n" T0 M ATTRS, 0, "2001:db8::1", 2855},
	/* a name: the path's host, if it is an address */
	{TOP "c=IN IP4 pf.example\r\n" T0 M ATTRS, 0, "192.0.2.7", 2855},
	{TOP "c=IN IP4 0.0.0.0\r\n" T0 M ATTRS, 0, "192.0.2.7", 2855},
	{TOP T0 M ATTRS, 0, "192.0.2.7", 2855},
	{TOP "c=IN IP4 pf.example\r\n" T0 M "a=accept-types:*\r\n"
	 "a=path:msrp://[2001:db8::2]:1/x;tcp\r\n", 0, "2001:db8::2", 2855},
	{TOP "c=IN IP4 pf.example\r\n" T0 M "a=accept-types:*\r\n"
	 "a=path:msrp://pf.example:1/x;tcp\r\n", EPROTO, NULL, 0},
};


START_TEST(test_addr)
{
	ck_assert_int_eq(addrv[_i].err, decode(addrv[_i].str));
	if (!addrv[_i].err)
		check_addr(addrv[_i].addr, addrv[_i].port);
	else
		ck_assert_ptr_null(remote()->path);
}
END_TEST


#define PATH "a=path:msrp://192.0.2.7:2855/pf1;tcp\r\n"

static const struct {
	const char *str;
	int err;
} errv[] = {
	{"", ENOENT},
	{"hello\r\n", EBADMSG},
	{"v=1\r\n", EBADMSG},
	{TOP C4 T0, ENOENT},
	{TOP C4 T0 "m=audio 4000 RTP/AVP 0\r\n", ENOENT},
	{TOP C4 T0 "m=message 0 TCP/MSRP *\r\n" ATTRS, ENOENT},
	{TOP C4 T0 "m=message 5 SIP/TCP *\r\n" ATTRS, ENOENT},
	{TOP C4 T0 M "a=accept-types:message/cpim\r\n", EPROTO},
	{TOP C4 T0 M PATH, EPROTO},
	{TOP C4 T0 M "a=accept-types:*\r\na=path:x\r\n", EPROTO},
	{TOP C4 T0 M "a=accept-types:*\r\na=path:msrp://a:1/s;tcp x\r\n",
	 EPROTO},
	{TOP C4 T0 M PATH "a=accept-types:text/plain *\r\n", 0},
	{TOP C4 T0 M PATH "a=accept-types:Message/CPIM text/plain\r\n", 0},
	{TOP C4 T0 M PATH "a=accept-types:text/plain message/cpim \r\n", 0},
	{TOP C4 T0 M "a=accept-types:*\r\n"
	 "a=path:msrp://r:1/a;tcp msrp://e:2/b;tcp\r\n", 0},
};


static const struct {
	const char *types, *type;
	bool yes;
} typev[] = {
	{"message/cpim", "message/cpim", true},
	{"text/plain message/cpimx", "message/cpim", false},
	{"text/plain message/cpi", "message/cpim", false},
	{"text/plain *", "message/cpim", true},
	{"Message/CPIM text/plain", "message/cpim", true},
	{"text/plain  message/cpim ", "Message/Cpim", true},
	{"message/*", "message/cpim", true},
	{"message/*", "messages/cpim", false},
	{"messages/*", "message/cpim", false},
	{"message", "message/cpim", false},
	{"message/", "message/cpim", false},
	{"*/*", "message/cpim", false},
	{"text/plain;charset=utf-8 a/b", "text/plain", true},
	{"text/plain", "text/plain; charset=utf-8", true},
	{"text/plain;*", "image/png", false},
	{"", "text/plain", false},
	{NULL, "text/plain", false},
	{"*", NULL, false},
	{"*", "", false},
	{"*", "text", false},
};


START_TEST(test_types)
{
	ck_assert(typev[_i].yes == msrp_types_accept(typev[_i].types,
						     typev[_i].type));
}
END_TEST


START_TEST(test_errors)
{
	ck_assert_int_eq(errv[_i].err, decode(errv[_i].str));
	if (errv[_i].err)
		ck_assert_ptr_null(remote()->path);
}
END_TEST


/* One that fails leaves the object good for the next, with the same lines */
START_TEST(test_again)
{
	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS "a=setup:active\r\n"));
	ck_assert_int_eq(EPROTO, decode(TOP C4 T0 M));
	ck_assert_ptr_null(remote()->path);
	ck_assert_int_eq(ENOENT, decode(TOP C4 T0 "m=message 0 TCP/MSRP *\r\n"
					ATTRS));
	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS "a=sendonly\r\n"));
	ck_assert_int_eq(MSRP_SETUP_NONE, remote()->setup);
	ck_assert_int_eq(SDP_SENDONLY, remote()->dir);
}
END_TEST


START_TEST(test_attributes_tls)
{
	ck_assert_int_eq(0, decode(TOP C4 T0
		"a=fingerprint:SHA-1 00\r\na=setup:passive\r\n"
		"m=message 1 TCP/TLS/MSRP *\r\n" ATTRS_TLS
		"a=fingerprint:SHA-256 11\r\na=max-size:4294967296\r\n"
		"a=setup:active\r\na=x-unknown\r\n"));
	ck_assert(remote()->tls);
	ck_assert_str_eq("SHA-256 11", remote()->fingerprint);
	ck_assert(remote()->max_size == 4294967296ULL);
	ck_assert_int_eq(MSRP_SETUP_ACTIVE, remote()->setup);
	ck_assert_ptr_null(remote()->accept_wrapped_types);
}
END_TEST


/* Each hash and each certificate has its own */
START_TEST(test_fingerprints)
{
	ck_assert_int_eq(0, decode(TOP C4 T0 "a=fingerprint:sha-1 00\r\n"
				   M_TLS ATTRS_TLS
				   "a=fingerprint:sha-1 11\r\n"
				   "a=fingerprint:sha-256 22\r\n"));
	ck_assert_str_eq("sha-1 11,sha-256 22", remote()->fingerprint);
	ck_assert_int_eq(0, decode(TOP C4 T0 "a=fingerprint:sha-1 00\r\n"
				   "a=fingerprint:sha-256 33\r\n" M_TLS
				   ATTRS_TLS));
	ck_assert_str_eq("sha-1 00,sha-256 33", remote()->fingerprint);
}
END_TEST


/* The path and the m= line say the same of TLS */
START_TEST(test_tls_both)
{
	ck_assert_int_eq(EPROTO, decode(TOP C4 T0 M_TLS ATTRS));
	ck_assert_int_eq(EPROTO, decode(TOP C4 T0 M ATTRS_TLS));
	ck_assert_int_eq(0, decode(TOP C4 T0 M_TLS ATTRS_TLS));
}
END_TEST


/* What was settled first stays */
START_TEST(test_tls_settled)
{
	static const char *const v[] = {TOP C4 T0 M ATTRS,
		TOP C4 T0 M_TLS ATTRS_TLS};
	struct msrp_local local = answer;
	char *str;

	local.fingerprint = "sha-256 44";
	ck_assert_int_eq(0, decode(v[_i]));
	ck_assert_int_eq(ENOENT, decode(v[!_i]));
	ck_assert_int_eq(0, decode(v[_i]));
	ck_assert_int_eq(_i, remote()->tls);
	str = encode(&local, false);
	ck_assert_ptr_nonnull(strstr(str, _i
				     ? "\r\nm=message 9 TCP/TLS/MSRP *\r\n"
				     : "\r\nm=message 9 TCP/MSRP *\r\n"));
	ck_assert_int_eq(_i, strstr(str, "\r\na=fingerprint:sha-256 44\r\n")
			 != NULL);
	mem_deref(str);
}
END_TEST


/* Our offer over TLS: an answer without it is none, nor the reverse */
START_TEST(test_tls_offer)
{
	static const char *const v[] = {TOP C4 T0 M ATTRS,
		TOP C4 T0 M_TLS ATTRS_TLS};
	struct msrp_local local = answer;
	struct mbuf *mb = mbuf_alloc(1024);
	char *str;
	int i;

	local.tls = !_i;
	str = encode(&local, true);
	mem_deref(str);
	local.tls = _i;
	local.fingerprint = "sha-256 44";
	str = encode(&local, true);
	ck_assert_ptr_nonnull(strstr(str, _i
				     ? "\r\nm=message 9 TCP/TLS/MSRP *\r\n"
				     : "\r\nm=message 9 TCP/MSRP *\r\n"));
	ck_assert_int_eq(_i, strstr(str, "fingerprint") != NULL);
	ck_assert_ptr_nonnull(strstr(str, "\r\nc=IN IP4 192.0.2.9\r\n"));
	for (i=0; i<2; i++) {
		const int k = i ? _i : !_i;

		mb->pos = mb->end = 0;
		ck_assert_int_eq(0, mbuf_write_str(mb, v[k]));
		mb->pos = 0;
		ck_assert_int_eq(i ? 0 : ENOENT, msrp_sdp_decode(sdp, mb,
								 false));
	}
	ck_assert_int_eq(_i, remote()->tls);
	mem_deref(mb);
	mem_deref(str);
}
END_TEST


START_TEST(test_attributes)
{
	ck_assert_int_eq(0, decode(TOP C4 T0 "a=fingerprint:SHA-1 00\r\n"
				   "a=setup:passive\r\n" M ATTRS));
	ck_assert(!remote()->tls);
	ck_assert_str_eq("SHA-1 00", remote()->fingerprint);
	ck_assert_int_eq(MSRP_SETUP_PASSIVE, remote()->setup);

	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS "a=setup:odd\r\n"));
	ck_assert_int_eq(MSRP_SETUP_NONE, remote()->setup);
	ck_assert_ptr_null(remote()->fingerprint);
}
END_TEST


START_TEST(test_answer)
{
	char *str;

	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS "a=sendonly\r\n"));
	str = encode(&answer, false);
	ck_assert_ptr_nonnull(strstr(str, "\r\nc=IN IP4 192.0.2.9\r\n"));
	ck_assert_ptr_nonnull(strstr(str, "\r\nm=message 9 TCP/MSRP *\r\n"));
	ck_assert_ptr_nonnull(strstr(str, "\r\na=recvonly\r\n"));
	ck_assert_ptr_nonnull(strstr(str, "\r\na=setup:active\r\n"));
	ck_assert_ptr_nonnull(strstr(str, "\r\na=path:"
				     "msrp://192.0.2.9:9/own;tcp\r\n"));
	ck_assert_ptr_nonnull(strstr(str, "\r\na=accept-types:"
				     "message/cpim\r\n"));
	ck_assert_ptr_nonnull(strstr(str, "\r\na=accept-wrapped-types:"
				     "text/plain message/imdn+xml\r\n"));
	ck_assert_ptr_nonnull(strstr(str, "\r\na=max-size:100000000\r\n"));
	ck_assert_ptr_null(strstr(str, "sendrecv"));
	mem_deref(str);

	/* again, as for a re-INVITE: nothing twice */
	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS "a=sendonly\r\n"));
	str = encode(&answer, false);
	ck_assert_ptr_nonnull(strstr(str, "a=path:"));
	ck_assert_ptr_null(strstr(strstr(str, "a=path:") + 1, "a=path:"));
	mem_deref(str);
}
END_TEST


/* RFC 3264: every line is answered, those that are not ours with port 0 */
START_TEST(test_answer_lines)
{
	char *str, *audio, *first, *second;

	ck_assert_int_eq(0, decode(TOP C4 T0 "m=audio 4000 RTP/AVP 0\r\n" M
				   ATTRS "m=message 7777 TCP/MSRP *\r\n"
				   ATTRS));
	check_addr("192.0.2.1", 2855);
	str = encode(&answer, false);
	audio = strstr(str, "m=audio 0 RTP/AVP");
	first = strstr(str, "m=message 9 TCP/MSRP *\r\n");
	second = strstr(str, "m=message 0 TCP/MSRP");
	ck_assert_ptr_nonnull(audio);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_nonnull(second);
	ck_assert(audio < first && first < second);
	mem_deref(str);
}
END_TEST


/* Our offer, and what the peer makes of it */
START_TEST(test_offer)
{
	struct msrp_local local = answer;
	struct msrp_sdp *peer;
	struct mbuf *mb = NULL;
	struct sa laddr;
	char *str;

	local.setup = MSRP_SETUP_ACTPASS;
	local.accept_wrapped_types = NULL;
	local.max_size = 0;
	str = encode(&local, true);
	ck_assert_ptr_nonnull(strstr(str, "\r\na=recvonly\r\n"));
	ck_assert_ptr_null(strstr(str, "wrapped"));
	ck_assert_ptr_null(strstr(str, "max-size"));

	ck_assert_int_eq(0, sa_set_str(&laddr, "192.0.2.10", 0));
	ck_assert_int_eq(0, msrp_sdp_alloc(&peer, &laddr));
	mb = mbuf_alloc(1024);
	ck_assert_int_eq(0, mbuf_write_str(mb, str));
	mb->pos = 0;
	ck_assert_int_eq(0, msrp_sdp_decode(peer, mb, true));
	ck_assert_int_eq(SDP_RECVONLY, msrp_sdp_remote(peer)->dir);
	mb = mem_deref(mb);

	local.dir = SDP_SENDONLY;
	local.port = 4444;
	local.setup = MSRP_SETUP_PASSIVE;
	ck_assert_int_eq(0, msrp_sdp_encode(&mb, peer, &local, false));
	ck_assert_int_eq(0, msrp_sdp_decode(sdp, mb, false));
	ck_assert_int_eq(SDP_SENDONLY, remote()->dir);
	ck_assert_int_eq(MSRP_SETUP_PASSIVE, remote()->setup);
	check_addr("192.0.2.10", 4444);
	mem_deref(mb);
	mem_deref(str);
	mem_deref(peer);
}
END_TEST


/* An answer that is refused, or over another transport than offered */
START_TEST(test_answer_bad)
{
	static const struct {
		const char *str;
		int err;
	} v[] = {
		{TOP C4 T0 "m=message 0 TCP/MSRP *\r\n" ATTRS, ENOENT},
		{TOP C4 T0 "m=message 5 TCP/TLS/MSRP *\r\n" ATTRS, ENOENT},
		{TOP C4 T0 "m=audio 5 TCP/MSRP *\r\n" ATTRS, EBADMSG},
		{TOP C4 T0 M ATTRS M ATTRS, EBADMSG},
	};
	struct mbuf *mb = mbuf_alloc(1024);
	char *str = encode(&answer, true);

	ck_assert_int_eq(0, mbuf_write_str(mb, v[_i].str));
	mb->pos = 0;
	ck_assert_int_eq(v[_i].err, msrp_sdp_decode(sdp, mb, false));
	mem_deref(mb);
	mem_deref(str);
}
END_TEST


START_TEST(test_einval)
{
	struct msrp_local local = answer;
	struct mbuf *mb = mbuf_alloc(16);
	struct sa laddr;

	sa_init(&laddr, AF_INET);
	laddr.u.in.sin_family = AF_UNSPEC;
	ck_assert_int_eq(EINVAL, msrp_sdp_alloc(NULL, &laddr));
	ck_assert_int_eq(EINVAL, msrp_sdp_alloc(&sdp, NULL));
	ck_assert_int_eq(EINVAL, msrp_sdp_decode(NULL, mb, true));
	ck_assert_int_eq(EINVAL, msrp_sdp_decode(sdp, NULL, true));
	ck_assert_int_eq(EINVAL, msrp_sdp_encode(NULL, sdp, &local, true));
	ck_assert_int_eq(EINVAL, msrp_sdp_encode(&mb, NULL, &local, true));
	ck_assert_int_eq(EINVAL, msrp_sdp_encode(&mb, sdp, NULL, true));
	local.path = NULL;
	ck_assert_int_eq(EINVAL, msrp_sdp_encode(&mb, sdp, &local, true));
	ck_assert_ptr_null(msrp_sdp_remote(NULL));
	mem_deref(mb);
}
END_TEST


#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))

/* RFC 6714: the flag both ways; RFC 4145: what else setup may say */
START_TEST(test_model)
{
	struct msrp_local local = {.port = 9, .dir = SDP_RECVONLY,
		.setup = MSRP_SETUP_ACTIVE,
		.path = "msrp://192.0.2.1:9/x;tcp",
		.accept_types = "message/cpim", .cema = true};
	struct mbuf *mb = NULL;
	char *text = NULL;

	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS "a=msrp-cema\r\n"
				   "a=setup:HoldConn\r\n"
				   "a=connection:existing\r\n"));
	ck_assert(remote()->cema);
	ck_assert_int_eq(MSRP_SETUP_HOLDCONN, remote()->setup);
	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS
				   "a=connection:new\r\n"));
	ck_assert(!remote()->cema);
	ck_assert_int_eq(MSRP_SETUP_NONE, remote()->setup);

	ck_assert_int_eq(0, msrp_sdp_encode(&mb, sdp, &local, false));
	ck_assert_int_eq(0, mbuf_strdup(mb, &text, mb->end));
	ck_assert_ptr_nonnull(strstr(text, "\r\na=msrp-cema\r\n"));
	text = mem_deref(text);
	mb = mem_deref(mb);
	local.cema = false;
	ck_assert_int_eq(0, msrp_sdp_encode(&mb, sdp, &local, false));
	ck_assert_int_eq(0, mbuf_strdup(mb, &text, mb->end));
	ck_assert_ptr_null(strstr(text, "cema"));
	mem_deref(text);
	mem_deref(mb);
}
END_TEST


static void origin(uint32_t *id, uint32_t *ver, bool offer)
{
	const struct msrp_local local = {.port = 9, .dir = SDP_RECVONLY,
		.setup = MSRP_SETUP_ACTIVE,
		.path = "msrp://192.0.2.1:9/x;tcp",
		.accept_types = "message/cpim"};
	struct mbuf *mb = NULL;
	char *text = NULL;

	ck_assert_int_eq(0, msrp_sdp_encode(&mb, sdp, &local, offer));
	ck_assert_int_eq(0, mbuf_strdup(mb, &text, mb->end));
	ck_assert_int_eq(2, sscanf(text, "v=0\r\no=- %u %u IN IP4 ", id,
				   ver));
	ck_assert_ptr_nonnull(strstr(text, "\r\ns=-\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "\r\nm=message 9 TCP/MSRP *\r\n"));
	mem_deref(text);
	mem_deref(mb);
}


/* It goes on after a rest as if there had been none: RFC 3264, 8 */
START_TEST(test_rest)
{
	uint32_t id, ver, id2, ver2;

	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS));
	origin(&id, &ver, false);
	msrp_sdp_rest(sdp);
	msrp_sdp_rest(sdp);
	msrp_sdp_rest(NULL);
	ck_assert_ptr_null(remote()->path);
	ck_assert_ptr_null(remote()->accept_types);
	origin(&id2, &ver2, true);
	ck_assert_uint_eq(id, id2);
	ck_assert_uint_eq(ver + 1, ver2);
	msrp_sdp_rest(sdp);
	ck_assert_int_eq(0, decode(TOP C4 T0 M ATTRS "a=setup:active\r\n"));
	ck_assert_int_eq(MSRP_SETUP_ACTIVE, remote()->setup);
	origin(&id2, &ver2, false);
	ck_assert_uint_eq(id, id2);
	ck_assert_uint_eq(ver + 2, ver2);
}
END_TEST


Suite *sdp_suite(void)
{
	Suite *s = suite_create("sdp");
	TCase *tc = tcase_create("sdp");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_file, 0, N(filev));
	tcase_add_loop_test(tc, test_direction, 0, N(dirv));
	tcase_add_loop_test(tc, test_addr, 0, N(addrv));
	tcase_add_loop_test(tc, test_errors, 0, N(errv));
	tcase_add_loop_test(tc, test_types, 0, N(typev));
	tcase_add_test(tc, test_again);
	tcase_add_test(tc, test_attributes_tls);
	tcase_add_test(tc, test_attributes);
	tcase_add_test(tc, test_fingerprints);
	tcase_add_test(tc, test_tls_both);
	tcase_add_loop_test(tc, test_tls_settled, 0, 2);
	tcase_add_loop_test(tc, test_tls_offer, 0, 2);
	tcase_add_test(tc, test_answer);
	tcase_add_test(tc, test_answer_lines);
	tcase_add_test(tc, test_offer);
	tcase_add_loop_test(tc, test_answer_bad, 0, 4);
	tcase_add_test(tc, test_einval);
	tcase_add_test(tc, test_model);
	tcase_add_test(tc, test_rest);
	suite_add_tcase(s, tc);

	return s;
}
