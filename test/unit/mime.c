/**
 * @file test/unit/mime.c  Multipart bodies and parameters: RFC 2046, RFC 2231
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <cpm_mime.h>
#include "unit.h"


#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))
#define B "multipart/mixed; boundary=b"


static bool part_handler(const struct mime_part *part, void *arg)
{
	struct mbuf *mb = arg;
	const struct pl none = PL("-");
	const struct pl *ct = pl_isset(&part->ctype) ? &part->ctype : &none;

	ck_assert_int_eq(0, mbuf_printf(mb, "{%r|%r}", ct, &part->body));

	return false;
}


/* What was found, as text: {type|body} a part. The body ends where its memory
   ends. */
static int read_parts(char **strp, const char *ctype, const void *p, size_t l)
{
	struct mbuf *mb = mbuf_alloc(64);
	char *buf = mem_alloc(l ? l : 1, NULL);
	struct pl ct, body = {buf, l};
	int err;

	ck_assert_ptr_nonnull(mb);
	ck_assert_ptr_nonnull(buf);
	if (l)
		memcpy(buf, p, l);
	pl_set_str(&ct, ctype);
	err = mime_multipart(&ct, &body, part_handler, mb);
	mb->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(mb, strp, mb->end));
	mem_deref(buf);
	mem_deref(mb);

	return err;
}


static const struct vec {
	const char *ctype;
	const char *body;
	int err;
	const char *parts;
} vecv[] = {
	{B, "--b\r\nContent-Type: a/b\r\n\r\none\r\n"
	 "--b\r\ncontent-TYPE :c/d;x=y \r\n\r\ntwo\r\n\r\n--b--\r\n", 0,
	 "{a/b|one}{c/d;x=y|two\r\n}"},
	/* preamble, epilogue, padding */
	{B, "pre\r\n--bb\r\n\r\n--b \t\r\n\r\none\r\n--b--\t\r\n"
	 "--b\r\n\r\nepi", 0, "{-|one}"},
	/* LF alone; both in one body */
	{B, "--b\nContent-Type: a/b\n\none\n--b--\n", 0, "{a/b|one}"},
	{B, "--b\n\none\r\n--b\r\n\r\ntwo\n--b--", 0, "{-|one}{-|two}"},
	/* a line that only begins with the delimiter; one that is not at the
	   start of a line */
	{B, "--b\r\n\r\n--bb\r\n --b\r\nx--b\r\n--b-\r\n--b--x\r\n--b--", 0,
	 "{-|--bb\r\n --b\r\nx--b\r\n--b-\r\n--b--x}"},
	/* no delimiter at the end: the carrier knows the length */
	{B, "--b\r\n\r\none\r\n", 0, "{-|one\r\n}"},
	{B, "--b\r\n\r\none\r\n--b\r\n", 0, "{-|one}"},
	{B, "--b\r\n\r\none\r\n--b\r\nContent-Type: a/b\r\n", EBADMSG,
	 "{-|one}"},
	/* heads: none, without a body, folded, the first of two counts */
	{B, "--b\r\n\r\n--b--", 0, "{-|}"},
	{B, "--b\r\n--b--", 0, "{-|}"},
	{B, "--b\r\nContent-Type: a/b\r\n--b--", 0, "{a/b|}"},
	{B, "--b\r\nContent-Type: a/b\r\n\r\n--b--", 0, "{a/b|}"},
	{B, "--b\r\nContent-Type:\r\n a/b;\r\n\tx=y\r\nX: z\r\n\r\n1\r\n--b--",
	 0, "{a/b;\r\n\tx=y|1}"},
	{B, "--b\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n1\n--b--", 0,
	 "{a/b|1}"},
	{B, "--b\r\nno head\r\n\r\none\r\n--b--", EBADMSG, ""},
	{B, "--b\r\n Content-Type: a/b\r\n\r\none\r\n--b--", EBADMSG, ""},
	{B, "--b\r\n: a/b\r\n\r\none\r\n--b--", EBADMSG, ""},
	/* a nested one is one part, also if its boundary is a longer one */
	{B, "--b\r\nContent-Type: multipart/mixed; boundary=bc\r\n\r\n"
	 "--bc\r\n\r\n1\r\n--bc--\r\n--b--", 0,
	 "{multipart/mixed; boundary=bc|--bc\r\n\r\n1\r\n--bc--}"},
	/* nothing at all */
	{B, "", EBADMSG, ""},
	{B, "--b", EBADMSG, ""},
	{B, "--b\r\n", EBADMSG, ""},
	{B, "--b--\r\n", EBADMSG, ""},
	{B, "one\r\ntwo", EBADMSG, ""},
	/* the boundary: quoted, escaped, in any case, of 1 to 70 octets */
	{"a/b;x=\"; boundary=z\" ; BOUNDARY = \"b c:\\?\"; boundary=y",
	 "--b c:?\r\n\r\n1\r\n--b c:?--", 0, "{-|1}"},
	{"a/b;\r\n boundary=b", "--b\r\n\r\n1\r\n--b--", 0, "{-|1}"},
	{"a/b; boundary=\"b \"", "--b\r\n\r\n1\r\n--b--", 0, "{-|1}"},
	{"a/b; boundary=1234567890123456789012345678901234567890123456789012"
	 "345678901234567890",
	 "--1234567890123456789012345678901234567890123456789012345678901234"
	 "567890\n\n1", 0, "{-|1}"},
	{"a/b; boundary=1234567890123456789012345678901234567890123456789012"
	 "3456789012345678901",
	 "--1234567890123456789012345678901234567890123456789012345678901234"
	 "5678901\n\n1", EBADMSG, ""},
	{"a/b; boundary=\"\"", "--\r\n\r\n1\r\n----", EBADMSG, ""},
	{"a/b; boundary", "--\r\n\r\n1\r\n----", EBADMSG, ""},
	{"a/b", "--b\r\n\r\n1\r\n--b--", EBADMSG, ""},
	{"", "--b\r\n\r\n1\r\n--b--", EBADMSG, ""},
};


START_TEST(test_vectors)
{
	const struct vec *v = &vecv[_i];
	char *str = NULL;
	const int err = read_parts(&str, v->ctype, v->body, strlen(v->body));

	ck_assert_msg(err == v->err, "%d: %d", _i, err);
	ck_assert_str_eq(str, v->parts);
	mem_deref(str);
}
END_TEST


struct sdpcpim {
	unsigned n;
	size_t sdp, cpim;
};


static bool vector_handler(const struct mime_part *part, void *arg)
{
	struct sdpcpim *sc = arg;

	++sc->n;
	if (mime_type_is(&part->ctype, "application/sdp"))
		sc->sdp = part->body.l;
	else if (mime_type_is(&part->ctype, "message/cpim"))
		sc->cpim = part->body.l;

	return false;
}


/* An INVITE's body as it was on a real wire: whole, then each beginning */
START_TEST(test_real)
{
	struct mbuf *mb =
		unit_file("vectors/12-multipart-sdp-plus-cpim-rcsjta.txt");
	struct pl ct, body = {(const char *)mb->buf, mb->end};
	struct sdpcpim sc = {0, 0, 0};
	unsigned last = 0;
	size_t n;

	pl_set_str(&ct, "multipart/mixed;boundary=\"----=_Part_3144_497651830"
		   ".1459426876307\"");
	ck_assert_int_eq(0, mime_multipart(&ct, &body, vector_handler, &sc));
	ck_assert_uint_eq(2, sc.n);
	ck_assert_uint_eq(325, sc.sdp);
	ck_assert_uint_eq(326, sc.cpim);

	for (n=0; n<mb->end; n++) {

		char *exact = mem_alloc(n ? n : 1, NULL);
		int err;

		memcpy(exact, mb->buf, n);
		body.p = exact;
		body.l = n;
		memset(&sc, 0, sizeof(sc));
		err = mime_multipart(&ct, &body, vector_handler, &sc);
		mem_deref(exact);
		ck_assert_msg(!err || err == EBADMSG, "%zu: %d", n, err);
		ck_assert_uint_ge(sc.n, last);
		ck_assert_uint_le(sc.n, 2);
		last = sc.n;
	}
	ck_assert_uint_eq(2, last);
	mem_deref(mb);
}
END_TEST


static bool count_handler(const struct mime_part *part, void *arg)
{
	unsigned *n = arg;
	(void)part;

	return ++*n == 3;
}


START_TEST(test_many)
{
	struct mbuf *mb = mbuf_alloc(512);
	char *str = NULL;
	struct pl ct, body;
	unsigned i, n = 0;

	pl_set_str(&ct, B);
	for (i=0; i<MIME_PARTS_MAX; i++)
		ck_assert_int_eq(0, mbuf_write_str(mb, "--b\r\n\r\nx\r\n"));
	ck_assert_int_eq(0, read_parts(&str, B, mb->buf, mb->end));
	ck_assert_uint_eq(5 * MIME_PARTS_MAX + 2, strlen(str));
	str = mem_deref(str);

	ck_assert_int_eq(0, mbuf_write_str(mb, "--b\r\n\r\nx\r\n"));
	ck_assert_int_eq(EOVERFLOW, read_parts(&str, B, mb->buf, mb->end));
	str = mem_deref(str);

	/* stopped by the handler before that */
	body.p = (const char *)mb->buf;
	body.l = mb->end;
	ck_assert_int_eq(0, mime_multipart(&ct, &body, count_handler, &n));
	ck_assert_uint_eq(3, n);

	ck_assert_int_eq(EINVAL, mime_multipart(NULL, &body, count_handler,
						&n));
	ck_assert_int_eq(EINVAL, mime_multipart(&ct, NULL, count_handler,
						&n));
	ck_assert_int_eq(EINVAL, mime_multipart(&ct, &body, NULL, &n));
	mem_deref(mb);
}
END_TEST


static const struct param {
	const char *val;
	const char *name;
	const char *res;          /* NULL: not there                        */
} paramv[] = {
	{"attachment; filename=a.jpg", "filename", "a.jpg"},
	{"attachment;FileName = \"a \\\"b\\\" ;c\" ; x=y", "filename",
	 "a \"b\" ;c"},
	{"attachment; filename=\"open", "filename", "open"},
	{"attachment; filename=\"\"", "filename", ""},
	{"attachment; filename=", "filename", ""},
	{"attachment; filename", "filename", NULL},
	{"attachment; xfilename=a", "filename", NULL},
	{"attachment", "filename", NULL},
	{"", "filename", NULL},
	{"a; x=\"; filename=b\"", "filename", NULL},
	{"image/jpeg;\r\n name=x", "name", "x"},
	/* RFC 8187: with a charset it goes first */
	{"a; filename=a; filename*=UTF-8''%e2%82%AC%20x", "filename",
	 "\xe2\x82\xac x"},
	{"a; filename*=iso-8859-1'en'%A3-\xe9", "filename",
	 "\xc2\xa3-\xc3\xa9"},
	{"a; filename*=koi8-r''%c1; filename=a", "filename", "a"},
	{"a; filename*=koi8-r''%c1", "filename", NULL},
	{"a; filename*=UTF-8''%zz; filename=a", "filename", "a"},
	{"a; filename*=UTF-8''x%4; filename=a", "filename", "a"},
	{"a; filename*=UTF-8''x%00y; filename=a", "filename", "a"},
	{"a; filename*=UTF-8''%41", "filename", "A"},
	{"a; filename*=UTF-8", "filename", ""},
	{"a; filename*=; filename=a", "filename", "a"},
};


START_TEST(test_param)
{
	const struct param *p = &paramv[_i];
	char *str = NULL;
	struct pl val;
	const int err = (pl_set_str(&val, p->val),
			 mime_param(&str, &val, p->name));

	ck_assert_msg(err == (p->res ? 0 : ENOENT), "%s: %d", p->val, err);
	if (p->res)
		ck_assert_str_eq(str, p->res);
	else
		ck_assert_ptr_null(str);
	mem_deref(str);
}
END_TEST


START_TEST(test_type)
{
	static const struct {
		const char *ctype;
		bool is;
	} typev[] = {
		{"message/cpim", true},
		{" Message/CPIM ;charset=utf-8", true},
		{"message/cpim\r\n ; x=y", true},
		{"message/cpimx", false},
		{"message", false},
		{"x; message/cpim", false},
		{"", false},
	};
	struct pl pl;
	int i;

	for (i=0; i<N(typev); i++) {
		pl_set_str(&pl, typev[i].ctype);
		ck_assert_msg(typev[i].is == mime_type_is(&pl, "message/cpim"),
			      "%s", typev[i].ctype);
	}
	ck_assert(!mime_type_is(&pl_null, "message/cpim"));
	ck_assert(!mime_type_is(NULL, "message/cpim"));
}
END_TEST


START_TEST(test_is_multipart)
{
	static const struct pl alt = PL("Multipart/alternative;boundary=b"),
		bare = PL("multipart"), other = PL("message/multipart/"),
		cut = {"multipart/mixed", 9};

	ck_assert(mime_is_multipart(&alt));
	ck_assert(!mime_is_multipart(&bare));
	ck_assert(!mime_is_multipart(&other));
	ck_assert(!mime_is_multipart(&cut));
	ck_assert(!mime_is_multipart(&pl_null));
	ck_assert(!mime_is_multipart(NULL));
}
END_TEST


Suite *mime_suite(void)
{
	Suite *s = suite_create("mime");
	TCase *tc = tcase_create("multipart");

	tcase_add_loop_test(tc, test_vectors, 0, N(vecv));
	tcase_add_test(tc, test_real);
	tcase_add_test(tc, test_many);
	suite_add_tcase(s, tc);

	tc = tcase_create("param");
	tcase_add_loop_test(tc, test_param, 0, N(paramv));
	tcase_add_test(tc, test_type);
	tcase_add_test(tc, test_is_multipart);
	suite_add_tcase(s, tc);

	return s;
}
