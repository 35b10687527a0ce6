/**
 * @file test/unit/cpim_encode.c  CPIM messages written: RFC 3862, 2 and 3
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cpim.h"


static const char *const routes[] = {"sip:r1@x;lr", "im:r2@x"};

static const struct cpim_out good = {
	.from = "sip:alice@example.com",
	.to = "tel:+33674538159",
	.time = 1795230660123,
	.imdn_msgid = "34jk324j",
	.notify = CPIM_POSITIVE_DELIVERY | CPIM_NEGATIVE_DELIVERY |
		  CPIM_DISPLAY | CPIM_PROCESSING,
	.routev = routes,
	.routec = 2,
	.ctype = "text/plain;charset=UTF-8",
	.cdisp = "render",
	.body = (const uint8_t *)"a\0\r\n\r\nb",
	.len = 7,
};


START_TEST(test_encode)
{
	static const char expect[] = "xx"
		"From: <sip:alice@example.com>\r\n"
		"To: <tel:+33674538159>\r\n"
		"DateTime: 2026-11-21T03:11:00.123Z\r\n"
		"NS: imdn <urn:ietf:params:imdn>\r\n"
		"imdn.Message-ID: 34jk324j\r\n"
		"imdn.Disposition-Notification: positive-delivery, "
		"negative-delivery, processing, display\r\n"
		"imdn.IMDN-Route: <sip:r1@x;lr>\r\n"
		"imdn.IMDN-Route: <im:r2@x>\r\n"
		"\r\n"
		"Content-Type: text/plain;charset=UTF-8\r\n"
		"Content-Disposition: render\r\n"
		"Content-Length: 7\r\n"
		"\r\n"
		"a\0\r\n\r\nb";
	struct mbuf *mb = mbuf_alloc(16);

	ck_assert_int_eq(0, mbuf_write_str(mb, "xx"));
	ck_assert_int_eq(0, cpim_encode(mb, &good));
	ck_assert_uint_eq(mb->pos, mb->end);
	ck_assert_uint_eq(mb->end, sizeof(expect) - 1);
	ck_assert_mem_eq(mb->buf, expect, mb->end);
	mem_deref(mb);
}
END_TEST


START_TEST(test_encode_least)
{
	static const struct cpim_out out = {
		.from = "sip:a@b", .to = "sip:c@d", .ctype = "text/plain",
	};
	static const char expect[] =
		"From: <sip:a@b>\r\nTo: <sip:c@d>\r\n\r\n"
		"Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n";
	struct mbuf *mb = mbuf_alloc(16);

	ck_assert_int_eq(0, cpim_encode(mb, &out));
	ck_assert_uint_eq(mb->end, sizeof(expect) - 1);
	ck_assert_mem_eq(mb->buf, expect, mb->end);
	mem_deref(mb);
}
END_TEST


START_TEST(test_round)
{
	struct mbuf *mb = mbuf_alloc(16);
	struct cpim_out out = good;
	struct cpim_msg *msg;
	uint64_t ms = 0;
	unsigned notify;
	size_t n;

	for (notify=0; notify<16; notify++) {

		out.notify = notify;
		mbuf_rewind(mb);
		ck_assert_int_eq(0, cpim_encode(mb, &out));
		ck_assert_int_eq(0, cpim_try(&msg, mb->buf, mb->end, false));
		ASSERT_PL(msg->from.uri, out.from);
		ASSERT_PL(msg->to.uri, out.to);
		ASSERT_PL(msg->imdn_msgid, out.imdn_msgid);
		ASSERT_PL(msg->ctype, out.ctype);
		ASSERT_PL(msg->cdisp, out.cdisp);
		ASSERT_PL(msg->clen, "7");
		ck_assert_uint_eq(msg->notify, notify);
		ck_assert_int_eq(0, cpim_time_decode(&ms, &msg->datetime));
		ck_assert_uint_eq(ms, out.time);
		ck_assert_uint_eq(cpim_content(msg).l, out.len);
		ck_assert_mem_eq(cpim_content(msg).p, out.body, out.len);
		mem_deref(msg);
	}

	for (n=0; n<mb->end - out.len; n++)
		ck_assert_int_eq(ENODATA, cpim_try(&msg, mb->buf, n, false));

	mem_deref(mb);
}
END_TEST


/* Nothing is written, nothing is injected */
static void check_refused(const struct cpim_out *out, const char *value,
			  const char *field)
{
	struct mbuf *mb = mbuf_alloc(16);

	ck_assert_int_eq(0, mbuf_write_str(mb, "xx"));
	ck_assert_msg(EINVAL == cpim_encode(mb, out), "%s: '%s'", field,
		      value);
	ck_assert_uint_eq(2, mb->pos);
	ck_assert_uint_eq(2, mb->end);
	mem_deref(mb);
}


START_TEST(test_encode_injection)
{
	static const char *const v[] = {
		"", "sip:a@b\r\nX: y", "sip:a\rb", "sip:a\nb", "sip:a\tb",
		"sip:a\x01", "sip:a\x7f",
	};
	static const char *const uriv[] = {
		"a", "<sip:a@b>", "sip:a b", "sip:a>b", "sip:a\"b",
		"sip:a\\b",
	};
	const char *route;
	struct cpim_out out;
	size_t i;

	for (i=0; i<sizeof(v)/sizeof(v[0]); i++) {

		out = good; out.from = v[i]; check_refused(&out, v[i], "from");
		out = good; out.to = v[i]; check_refused(&out, v[i], "to");
		out = good; out.imdn_msgid = v[i];
		check_refused(&out, v[i], "msgid");
		out = good; out.ctype = v[i];
		check_refused(&out, v[i], "ctype");
		out = good; out.cdisp = v[i];
		check_refused(&out, v[i], "cdisp");
		route = v[i];
		out = good; out.routev = &route; out.routec = 1;
		check_refused(&out, v[i], "route");
	}

	for (i=0; i<sizeof(uriv)/sizeof(uriv[0]); i++) {

		out = good; out.from = uriv[i];
		check_refused(&out, uriv[i], "from");
		out = good; out.to = uriv[i];
		check_refused(&out, uriv[i], "to");
		route = uriv[i];
		out = good; out.routev = &route; out.routec = 1;
		check_refused(&out, uriv[i], "route");
	}
}
END_TEST


START_TEST(test_encode_inval)
{
	struct mbuf *mb = mbuf_alloc(16);
	const char *route = NULL;
	struct cpim_out out;

	ck_assert_int_eq(EINVAL, cpim_encode(NULL, &good));
	ck_assert_int_eq(EINVAL, cpim_encode(mb, NULL));
	mem_deref(mb);

	out = good; out.from = NULL; check_refused(&out, "NULL", "from");
	out = good; out.to = NULL; check_refused(&out, "NULL", "to");
	out = good; out.ctype = NULL; check_refused(&out, "NULL", "ctype");
	out = good; out.body = NULL; check_refused(&out, "NULL", "body");
	out = good; out.routev = NULL; check_refused(&out, "NULL", "routev");
	out = good; out.routev = &route; out.routec = 1;
	check_refused(&out, "NULL", "route");
	out = good; out.imdn_msgid = "a b"; check_refused(&out, "", "msgid");
	out = good; out.notify = CPIM_INTERWORKING;
	check_refused(&out, "", "notify");
	out = good; out.notify = 1 << 5; check_refused(&out, "", "notify");
	/* a year of five digits */
	out = good; out.time = 253402300800000;
	check_refused(&out, "", "time");
}
END_TEST


TCase *cpim_encode_case(void)
{
	TCase *tc = tcase_create("encode");

	tcase_add_test(tc, test_encode);
	tcase_add_test(tc, test_encode_least);
	tcase_add_test(tc, test_round);
	tcase_add_test(tc, test_encode_injection);
	tcase_add_test(tc, test_encode_inval);

	return tc;
}
