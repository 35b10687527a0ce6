/**
 * @file test/unit/cpim.c  CPIM messages of real networks, whole and in pieces
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "cpim.h"


/* NULL: unset */
void cpim_assert_pl(int line, const char *what, struct pl pl,
		    const char *str)
{
	if (!str) {
		ck_assert_msg(!pl_isset(&pl), "line %d: %s is set: '%.*s'",
			      line, what, (int)pl.l, pl.p);
		return;
	}

	ck_assert_msg(pl.l == strlen(str) && !memcmp(pl.p, str, pl.l),
		      "line %d: %s is '%.*s', not '%s'", line, what,
		      (int)pl.l, pl.p, str);
}


/* A buffer that ends where its memory ends, so that one octet too many is
   seen; with octets in front, so that pos counts */
struct mbuf *cpim_exact(const void *p, size_t len)
{
	struct mbuf *mb = mbuf_alloc(3 + len);

	ck_assert_ptr_nonnull(mb);
	memcpy(mb->buf, "\n\n:", 3);
	if (len)
		memcpy(mb->buf + 3, p, len);
	mb->pos = 3;
	mb->end = 3 + len;

	return mb;
}


/* On failure nothing has moved and nothing is handed out */
int cpim_try(struct cpim_msg **msgp, const void *p, size_t len, bool all)
{
	struct mbuf *mb = cpim_exact(p, len);
	struct cpim_msg *msg = NULL;
	int err;

	err = all ? cpim_decode_all(&msg, mb) : cpim_decode(&msg, mb);
	ck_assert_int_eq(err != 0, msg == NULL);
	if (err) {
		ck_assert_uint_eq(3, mb->pos);
		if (len)
			ck_assert_mem_eq(mb->buf + 3, p, len);
	}
	else {
		ck_assert_ptr_eq(mb, msg->mb);
		ck_assert_uint_eq(mb->pos, msg->body);
		ck_assert_uint_le(msg->body, mb->end);
	}
	*msgp = msg;
	mem_deref(mb);

	return err;
}


struct cpim_msg *cpim_must(const char *str)
{
	struct cpim_msg *msg;

	ck_assert_int_eq(0, cpim_try(&msg, str, strlen(str), false));

	return msg;
}


struct pl cpim_content(const struct cpim_msg *msg)
{
	const struct pl pl = {(const char *)msg->mb->buf + msg->body,
			      msg->mb->end - msg->body};

	return pl;
}


/*
 * Vectors
 */

static struct pl between(const struct mbuf *mb, const char *from,
			 const char *to)
{
	const char *p = (const char *)mb->buf, *end = p + mb->end, *q;

	p = memmem(p, mb->end, from, strlen(from));
	ck_assert_ptr_nonnull(p);
	p += strlen(from);
	q = to ? memmem(p, (size_t)(end - p), to, strlen(to)) : end;
	ck_assert_ptr_nonnull(q);

	return (struct pl){p, (size_t)(q - p)};
}


static const struct vector {
	const char *file;
	const char *from;      /* what stands before the CPIM message       */
	const char *to;        /* what stands behind it                     */
	const char *dname;
	const char *from_uri;
	const char *to_uri;
	const char *msgid;
	const char *datetime;
	unsigned notify;
	const char *ctype;
	const char *cdisp;
	const char *cte;
	const char *clen;
	const char *body;      /* how it begins                             */
	size_t bodyl;
} vectorv[] = {
	{"vectors/01-sip-message-pager-cm2020.txt", "\r\n\r\n", NULL, NULL,
	 "sip:+8613900000002@bj.ims.mnc000.mcc460.3gppnetwork.org",
	 "tel:+8613900000001", "ec1d7cf0-f7cd-1038-908d-8b757c563a3f",
	 "2020-10-24T10:24:11.270+08:00",
	 CPIM_DISPLAY | CPIM_INTERWORKING,
	 "text/plain;charset=UTF-8", NULL, "base64", "8", "TGFsYWxh", 8},

	/* the URI is cut: it is of no use */
	{"vectors/02-sip-message-pager-cm2015-malformed-cpim.txt",
	 "\r\n\r\n", NULL, "+8613900000002", NULL,
	 "sip:+8613900000001@zj.ims.mnc000.mcc460.3gppnetwork.org",
	 "JNdcbW81u48Qavgc", "2015-02-05T17:58:30+08:00",
	 CPIM_POSITIVE_DELIVERY | CPIM_DISPLAY,
	 "text/plain;charset=UTF-8", NULL, NULL, "25",
	 "Hjjjhjjhhhhhh............", 25},

	{"vectors/10-cpim-text-rcsjta.txt", "", NULL, NULL,
	 "sip:anonymous@anonymous.invalid",
	 "sip:anonymous@anonymous.invalid",
	 "ae6926cfcffa40a89e44252ce9e970a2", "2016-03-24T08:51:42+01:00",
	 CPIM_POSITIVE_DELIVERY,
	 "text/plain;charset=utf-8", NULL, NULL, "7", "Bonjour", 7},

	{"vectors/11-cpim-blank-content-rcsjta.txt", "", NULL, NULL,
	 "sip:anonymous@anonymous.invalid",
	 "sip:anonymous@anonymous.invalid",
	 "ae6926cfcffa40a89e44252ce9e970a2", "2016-03-24T08:51:42+01:00",
	 CPIM_POSITIVE_DELIVERY,
	 "text/plain;charset=utf-8", NULL, NULL, "2", "  ", 2},

	{"vectors/12-multipart-sdp-plus-cpim-rcsjta.txt",
	 "Content-Type: message/cpim\r\n\r\n", "\r\n------=_Part", NULL,
	 "sip:anonymous@anonymous.invalid",
	 "sip:anonymous@anonymous.invalid",
	 "dd4167b82b864c6ea9def42deada1b54", "2016-03-31T14:21:16+02:00",
	 CPIM_POSITIVE_DELIVERY | CPIM_DISPLAY,
	 "text/plain;charset=utf-8", NULL, NULL, "3", "   ", 3},

	/* LF, a header nobody knows, Content-Length wrong */
	{"vectors/15-cpim-fthttp-linphone-LF.txt", "", NULL, NULL,
	 "sip:1002@acceleratenetworks.sip.callpipe.com",
	 "sip:1009@acceleratenetworks.sip.callpipe.com",
	 "trpQpJEw9GKZ", "2023-05-10T22:48:05Z",
	 CPIM_POSITIVE_DELIVERY | CPIM_NEGATIVE_DELIVERY | CPIM_DISPLAY,
	 "application/vnd.gsma.rcs-ft-http+xml", NULL, NULL, "408",
	 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<file ", 400},

	{"vectors/16-cpim-imdn-delivered-in-rcsjta-layout.txt", "", NULL,
	 NULL, "sip:anonymous@anonymous.invalid",
	 "sip:anonymous@anonymous.invalid",
	 "0123456789abcdef0123456789abcdef", "2016-03-24T08:51:45+01:00",
	 0, "message/imdn+xml", "notification", NULL, "276",
	 "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<imdn ", 276},

	/* content headers before NS, one empty line; the next is content */
	{"vectors/21-msrp-send-cpim-loadtool-malformed.txt", "\r\n\r\n",
	 "\r\n-------mav123456$", NULL,
	 "sip:1001@example.com", "sip:1002@example.com",
	 "imdn12345", "2012-06-07T17:40:29",
	 CPIM_POSITIVE_DELIVERY | CPIM_DISPLAY,
	 "text/plain", NULL, NULL, "5", "\r\naaaaa\r\n", 9},

	{"cpim/rfc3862-5.1.txt", "", NULL, "MR SANDERS",
	 "im:piglet@100akerwood.com", "im:eeyore@100akerwood.com",
	 NULL, "2000-12-13T13:40:00-08:00", 0,
	 "text/xml; charset=utf-8", NULL, NULL, NULL,
	 "<body>\r\nHere is the text of my message.\r\n</body>\r\n", 50},

	{"cpim/rfc5438-request.txt", "", NULL, "Alice",
	 "im:alice@example.com", "im:bob@example.com", "34jk324j",
	 "2006-04-04T12:16:49-05:00",
	 CPIM_POSITIVE_DELIVERY | CPIM_NEGATIVE_DELIVERY,
	 "text/plain", NULL, NULL, "12", "Hello World\r\n", 13},

	{"cpim/rfc5438-delivery.txt", "", NULL, "Bob",
	 "im:bob@example.com", "im:alice@example.com", "d834jied93rf",
	 NULL, 0, "message/imdn+xml", "notification", NULL, "368",
	 "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">\r\n", 368},
};


static void check_vector(const struct cpim_msg *msg, const struct vector *v)
{
	ASSERT_PL(msg->from.dname, v->dname);
	ASSERT_PL(msg->from.uri, v->from_uri);
	ASSERT_PL(msg->to.uri, v->to_uri);
	ASSERT_PL(msg->imdn_msgid, v->msgid);
	ASSERT_PL(msg->datetime, v->datetime);
	ck_assert_uint_eq(msg->notify, v->notify);
	ASSERT_PL(msg->ctype, v->ctype);
	ASSERT_PL(msg->cdisp, v->cdisp);
	ASSERT_PL(msg->cte, v->cte);
	ASSERT_PL(msg->clen, v->clen);
	ASSERT_PL(msg->orig_to, NULL);
	ck_assert_uint_eq(msg->routec, 0);
}


START_TEST(test_vector)
{
	const struct vector *v = &vectorv[_i];
	struct mbuf *mb = unit_file(v->file);
	const struct pl pl = between(mb, v->from, v->to);
	struct cpim_msg *msg;
	struct pl b;
	int all;

	for (all=0; all<2; all++) {
		ck_assert_int_eq(0, cpim_try(&msg, pl.p, pl.l, all));
		check_vector(msg, v);
		b = cpim_content(msg);
		ck_assert_uint_eq(b.l, v->bodyl);
		ck_assert_mem_eq(b.p, v->body, strlen(v->body));
		mem_deref(msg);
	}
	mem_deref(mb);
}
END_TEST


/* Octet by octet: more is needed up to the last octet of the head, and from
   there on the answer is always the same */
START_TEST(test_vector_prefix)
{
	const struct vector *v = &vectorv[_i];
	struct mbuf *mb = unit_file(v->file);
	const struct pl pl = between(mb, v->from, v->to);
	const size_t head = pl.l - v->bodyl;
	struct cpim_msg *msg;
	size_t n;

	for (n=0; n<=pl.l; n++) {

		const int err = cpim_try(&msg, pl.p, n, false);

		ck_assert_msg(err == (n < head ? ENODATA : 0),
			      "prefix of %zu octets: %d", n, err);
		if (!err) {
			check_vector(msg, v);
			ck_assert_uint_eq(msg->body, 3 + head);
		}
		mem_deref(msg);
	}
	mem_deref(mb);
}
END_TEST


/* Octet by octet as if each were all there is: accepted from the empty line
   or the first content header on, and nothing of the message is lost */
START_TEST(test_vector_cut)
{
	const struct vector *v = &vectorv[_i];
	struct mbuf *mb = unit_file(v->file);
	const struct pl pl = between(mb, v->from, v->to);
	const char *first = memmem(pl.p, pl.l, "\nContent-", 9);
	const size_t head = pl.l - v->bodyl;
	struct cpim_msg *msg;
	size_t n;

	ck_assert_ptr_nonnull(first);
	for (n=0; n<=pl.l; n++) {

		const int err = cpim_try(&msg, pl.p, n, true);

		ck_assert_msg(err == 0 || err == EBADMSG,
			      "%zu octets: %d", n, err);
		if (pl.p + n < first)
			ck_assert_int_eq(EBADMSG, err);
		if (n >= head) {
			ck_assert_int_eq(0, err);
			check_vector(msg, v);
			ck_assert_uint_eq(msg->body, 3 + head);
		}
		if (!err) {
			ASSERT_PL(msg->from.uri, v->from_uri);
			ck_assert(msg->ctype.l <= strlen(v->ctype) &&
				  !memcmp(msg->ctype.p ? msg->ctype.p : "",
					  v->ctype, msg->ctype.l));
		}
		mem_deref(msg);
	}
	mem_deref(mb);
}
END_TEST


/* cut behind DateTime: neither a separator nor a content header */
START_TEST(test_vector_04)
{
	struct mbuf *mb = unit_file(
		"vectors/04-sip-message-pager-compact-headers.txt");
	const struct pl pl = between(mb, "\r\n\r\n", NULL);
	struct cpim_msg *msg;
	size_t n;

	for (n=0; n<=pl.l; n++) {
		ck_assert_int_eq(ENODATA, cpim_try(&msg, pl.p, n, false));
		ck_assert_int_eq(EBADMSG, cpim_try(&msg, pl.p, n, true));
	}

	/* one empty line more, and it is a message without content */
	ck_assert_int_eq(0, mbuf_resize(mb, mb->end + 2));
	mb->pos = mb->end;
	ck_assert_int_eq(0, mbuf_write_str(mb, "\r\n"));
	ck_assert_int_eq(0, cpim_try(&msg, strstr((char *)mb->buf, "From: "),
				   pl.l + 2, true));
	ASSERT_PL(msg->from.uri, "sip:310410123456789@sharetechnote.com");
	ASSERT_PL(msg->to.uri, "sip:+14448880011@sharetechnote.com;"
		  "user=phone");
	ASSERT_PL(msg->datetime, "2015-02-17T06:54:27Z");
	ASSERT_PL(msg->ctype, NULL);
	ck_assert_uint_eq(0, cpim_content(msg).l);
	mem_deref(msg);
	mem_deref(mb);
}
END_TEST


START_TEST(test_vector_22)
{
	struct mbuf *mb = unit_file(
		"vectors/22-msrp-send-iscomposing-loadtool.txt");
	const struct pl pl = between(mb, "\r\n\r\n", "\r\n-------mav");
	struct cpim_msg *msg;

	ck_assert_int_eq(EBADMSG, cpim_try(&msg, pl.p, pl.l, false));
	ck_assert_int_eq(EBADMSG, cpim_try(&msg, pl.p, pl.l, true));
	mem_deref(mb);
}
END_TEST


static void check_addr_row(const char *value, const char *expect)
{
	struct cpim_addr addr;
	struct pl pl;
	char got[256] = "REJECT (no angle brackets / unknown scheme)";

	pl_set_str(&pl, value);
	if (!cpim_addr_decode(&addr, &pl))
		snprintf(got, sizeof(got), "display=%.*s uri=%.*s",
			 addr.dname.l ? (int)addr.dname.l : 6,
			 addr.dname.l ? addr.dname.p : "(none)",
			 (int)addr.uri.l, addr.uri.p);
	ck_assert_str_eq(got, expect);
}


START_TEST(test_vector_23)
{
	struct mbuf *mb = unit_file("vectors/23-cpim-identity-uri-cases.tsv");
	char *str, *line, *save = NULL, *tab;
	int rows = 0;

	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	for (line = strtok_r(str, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		tab = strchr(line, '\t');
		ck_assert_ptr_nonnull(tab);
		*tab = '\0';
		check_addr_row(line, tab + 1);
		++rows;
	}
	ck_assert_int_eq(5, rows);
	mem_deref(str);
	mem_deref(mb);
}
END_TEST


static TCase *vector_case(void)
{
	TCase *tc = tcase_create("vectors");

	tcase_add_loop_test(tc, test_vector, 0, COUNT(vectorv));
	tcase_add_loop_test(tc, test_vector_prefix, 0, COUNT(vectorv));
	tcase_add_loop_test(tc, test_vector_cut, 0, COUNT(vectorv));
	tcase_add_test(tc, test_vector_04);
	tcase_add_test(tc, test_vector_22);
	tcase_add_test(tc, test_vector_23);

	return tc;
}


Suite *cpim_suite(void)
{
	Suite *s = suite_create("cpim");

	suite_add_tcase(s, vector_case());
	suite_add_tcase(s, cpim_head_case());
	suite_add_tcase(s, cpim_addr_case());
	suite_add_tcase(s, cpim_body_case());
	suite_add_tcase(s, cpim_time_case());
	suite_add_tcase(s, cpim_encode_case());

	return s;
}
