/**
 * @file test/unit/cpim_body.c  CPIM bodies: RFC 2045, 6
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cpim.h"


static const struct {
	const char *cte;
	const char *in;
	int err;
	const char *out;
} bodyv[] = {
	{NULL, "a=\r\n\xff", 0, "a=\r\n\xff"},
	{"", "abc", 0, "abc"},
	{" ", "abc", 0, "abc"},
	{"7bit", "abc", 0, "abc"},
	{"8BIT", "\xc3\xa9", 0, "\xc3\xa9"},
	{" Binary ", "abc", 0, "abc"},
	{"7bit", "", 0, ""},
	{"x-uuencode", "abc", ENOTSUP, NULL},
	{"base64x", "abc", ENOTSUP, NULL},
	{"base64", "TGFsYWxh", 0, "Lalala"},
	{"BASE64", "TGFs\r\nYWxh\r\n", 0, "Lalala"},
	{"base64", " T\tG F\ns", 0, "Lal"},
	{"base64", "TGFsYQ==", 0, "Lala"},
	{"base64", "TGFsYWw=", 0, "Lalal"},
	{"base64", "TGFsYWw=\r\n", 0, "Lalal"},
	{"base64", "TGFsYQ=\r\n=", 0, "Lala"},
	{"base64", "TGFsYQ", 0, "Lala"},
	{"base64", "TGFsYWw", 0, "Lalal"},
	{"base64", "w6k+Pz8/", 0, "\xc3\xa9>???"},
	{"base64", "", 0, ""},
	{"base64", "\r\n", 0, ""},
	{"base64", "T", EBADMSG, NULL},
	{"base64", "TGFsY", EBADMSG, NULL},
	{"base64", "TGFsY===", EBADMSG, NULL},
	{"base64", "TGFsYQ=", EBADMSG, NULL},
	{"base64", "TGFs=", EBADMSG, NULL},
	{"base64", "====", EBADMSG, NULL},
	{"base64", "TG==TGFs", EBADMSG, NULL},
	{"base64", "TGF-", EBADMSG, NULL},
	{"base64", "TGF\xff", EBADMSG, NULL},
	{"base64", "Hello, world", EBADMSG, NULL},
	{"quoted-printable", "abc", 0, "abc"},
	{"Quoted-Printable", "caf=C3=A9=3d", 0, "caf\xc3\xa9="},
	{"quoted-printable", "a=c3=a9", 0, "a\xc3\xa9"},
	{"quoted-printable", "a=\r\nb=\nc= \t\r\nd", 0, "abcd"},
	{"quoted-printable", "a \t\r\nb \nc ", 0, "a\r\nb\nc"},
	{"quoted-printable", "a b\tc=20\r\n", 0, "a b\tc \r\n"},
	{"quoted-printable", "a=", 0, "a"},
	{"quoted-printable", "a=\r", 0, "a"},
	{"quoted-printable", "a= ", 0, "a"},
	{"quoted-printable", "a=4", 0, "a=4"},
	{"quoted-printable", "a=4g=zz==41", 0, "a=4g=zz=A"},
	{"quoted-printable", "a= b", 0, "a= b"},
	{"quoted-printable", "", 0, ""},
};


START_TEST(test_body)
{
	const size_t len = strlen(bodyv[_i].in);
	struct mbuf *in = cpim_exact(bodyv[_i].in, len), *mb = NULL;
	struct pl cte = PL_INIT;

	if (bodyv[_i].cte)
		pl_set_str(&cte, bodyv[_i].cte);

	ck_assert_int_eq(bodyv[_i].err,
			 cpim_body_decode(&mb, bodyv[_i].cte ? &cte : NULL,
					  mbuf_buf(in), len));
	if (bodyv[_i].err) {
		ck_assert_ptr_null(mb);
	}
	else {
		ck_assert_uint_eq(0, mb->pos);
		ck_assert_uint_eq(mb->end, strlen(bodyv[_i].out));
		ck_assert_mem_eq(mb->buf, bodyv[_i].out, mb->end);
	}
	mem_deref(mb);
	mem_deref(in);
}
END_TEST


/* In pieces of n octets; @return what the whole of it returns */
static int decode_pieces(struct mbuf *mb, struct cpim_dec *dec,
			 const uint8_t *buf, size_t len, size_t n)
{
	size_t off = 0, k, out;
	int err;

	do {
		k = min(n, len - off);
		out = 0;
		err = cpim_dec_block(dec, mb->buf + mb->end, &out, buf + off,
				     k, off + k == len);
		off += k;
		mb->end += out;
		ck_assert(err || mb->end <= off);
	} while (!err && off < len);

	return err;
}


/* Cut anywhere, it is the same; also in its last octet, and with nothing in
   the last piece */
START_TEST(test_pieces)
{
	const size_t len = strlen(bodyv[_i].in);
	struct pl cte = PL_INIT;
	struct cpim_dec dec;
	size_t n;

	if (bodyv[_i].cte)
		pl_set_str(&cte, bodyv[_i].cte);

	for (n=1; n<=len+1; n++) {
		struct mbuf *in = cpim_exact(bodyv[_i].in, len);
		struct mbuf *mb = mbuf_alloc(len + 2 * CPIM_DEC_MORE);
		int err = cpim_dec_init(&dec, &cte);

		ck_assert_int_eq(bodyv[_i].err == ENOTSUP ? ENOTSUP : 0, err);
		if (!err)
			err = decode_pieces(mb, &dec, mbuf_buf(in), len, n);
		ck_assert_int_eq(bodyv[_i].err, err);
		if (!err) {
			ck_assert_uint_eq(strlen(bodyv[_i].out), mb->end);
			ck_assert_mem_eq(bodyv[_i].out, mb->buf, mb->end);
		}
		mem_deref(mb);
		mem_deref(in);
	}
}
END_TEST


/* White space longer than what is held back is content, wherever it is */
START_TEST(test_long_blanks)
{
	static const struct pl cte = PL("quoted-printable");
	const size_t len = 3 * CPIM_DEC_MORE + 1;
	struct mbuf *mb = mbuf_alloc(2 * len);
	struct cpim_dec dec;
	char in[3 * CPIM_DEC_MORE + 1];

	memset(in, ' ', len);
	in[len - 1] = 'x';
	ck_assert_int_eq(0, cpim_dec_init(&dec, &cte));
	ck_assert_int_eq(0, decode_pieces(mb, &dec, (uint8_t *)in, len,
					  100));
	ck_assert_uint_eq(len, mb->end);
	ck_assert_mem_eq(in, mb->buf, len);

	/* an end of line takes no more than that along */
	in[len - 1] = '\n';
	mb->end = 0;
	ck_assert_int_eq(0, cpim_dec_init(&dec, &cte));
	ck_assert_int_eq(0, decode_pieces(mb, &dec, (uint8_t *)in, len,
					  len));
	ck_assert_uint_eq(2 * CPIM_DEC_MORE + 1, mb->end);
	ck_assert_int_eq('\n', mb->buf[mb->end - 1]);
	mem_deref(mb);
}
END_TEST


START_TEST(test_body_inval)
{
	struct mbuf *mb = NULL;
	struct cpim_dec dec;
	uint8_t c = 'x';
	size_t n;

	ck_assert_int_eq(EINVAL, cpim_body_decode(NULL, NULL,
						  (const uint8_t *)"x", 1));
	ck_assert_int_eq(EINVAL, cpim_body_decode(&mb, NULL, NULL, 1));
	ck_assert_ptr_null(mb);
	ck_assert_int_eq(0, cpim_body_decode(&mb, NULL, NULL, 0));
	ck_assert_uint_eq(0, mb->end);
	mem_deref(mb);

	ck_assert_int_eq(EINVAL, cpim_dec_init(NULL, NULL));
	ck_assert_int_eq(0, cpim_dec_init(&dec, NULL));
	ck_assert_int_eq(CPIM_ENC_NONE, dec.enc);
	ck_assert_int_eq(EINVAL, cpim_dec_block(NULL, &c, &n, &c, 1, true));
	ck_assert_int_eq(EINVAL, cpim_dec_block(&dec, NULL, &n, &c, 1,
						true));
	ck_assert_int_eq(EINVAL, cpim_dec_block(&dec, &c, NULL, &c, 1,
						true));
	ck_assert_int_eq(EINVAL, cpim_dec_block(&dec, &c, &n, NULL, 1,
						true));
}
END_TEST


START_TEST(test_body_base64_all_octets)
{
	static const struct pl cte = PL("base64");
	uint8_t buf[256];
	char b64[400];
	size_t i, n;

	for (i=0; i<sizeof(buf); i++)
		buf[i] = (uint8_t)(255 - i);

	for (i=0; i<=sizeof(buf); i++) {

		struct mbuf *mb = NULL;

		n = sizeof(b64);
		ck_assert_int_eq(0, base64_encode(buf, i, b64, &n));
		ck_assert_int_eq(0, cpim_body_decode(&mb, &cte,
						     (uint8_t *)b64, n));
		ck_assert_uint_eq(mb->end, i);
		ck_assert_mem_eq(mb->buf, buf, i);
		mem_deref(mb);
	}
}
END_TEST


TCase *cpim_body_case(void)
{
	TCase *tc = tcase_create("body");

	tcase_add_loop_test(tc, test_body, 0, COUNT(bodyv));
	tcase_add_loop_test(tc, test_pieces, 0, COUNT(bodyv));
	tcase_add_test(tc, test_long_blanks);
	tcase_add_test(tc, test_body_inval);
	tcase_add_test(tc, test_body_base64_all_octets);

	return tc;
}
