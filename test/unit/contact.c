/**
 * @file contact.c  What the Contact of a REGISTER says about us
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "unit.h"
#include "mock/oom.h"
#include "../../modules/cpm/engine/engine.h"


#define ICSI "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."
#define FOUR ICSI "session," ICSI "msg," ICSI "largemsg," ICSI "deferred\""
#define LIST ";+g.3gpp.icsi-ref=\"" FOUR
#define UUID "00000000-0000-4000-8000-000000000001"
#define MINE ";+sip.instance=\"<urn:uuid:" UUID ">\""
#define HERS ";+sip.instance=\"<urn:gsma:imei:1;2>\""

static const struct {
	const char *from, *to;
} vectorv[] = {
	{"", MINE LIST},
	{";expires=600", ";expires=600" MINE LIST},
	{";expires=600" HERS ";q=0.5;reg-id=1",
	 ";expires=600" HERS ";q=0.5;reg-id=1" LIST},
	{" ; expires=600 ;flag", ";expires=600 ;flag" MINE LIST},
	/* services that are there already stay, in the one list */
	{";+g.3gpp.icsi-ref=\"urn%3Aa,urn%3Ab\";expires=1",
	 ";expires=1" MINE ";+g.3gpp.icsi-ref=\"urn%3Aa,urn%3Ab," FOUR},
	{";+G.3gpp.ICSI-ref=urn%3Aa" HERS,
	 HERS ";+g.3gpp.icsi-ref=\"urn%3Aa," FOUR},
	{";+g.3gpp.icsi-ref=\"\"", MINE LIST},
	{";+g.3gpp.icsi-ref", MINE LIST},
	/* what is quoted is not looked into */
	{";x=\"\\\";+sip.instance=\"", ";x=\"\\\";+sip.instance=\"" MINE LIST},
	{";x=\"a;b=c\"", ";x=\"a;b=c\"" MINE LIST},
	{";x=a=b", ";x=a=b" MINE LIST},
	{";;; ;", MINE LIST},
	{";=x", MINE LIST},
};


START_TEST(contact_params)
{
	struct mbuf *mb = mbuf_alloc(16);
	struct pl pl;

	pl_set_str(&pl, vectorv[_i].from);
	ck_assert_int_eq(0, cpm_contact_params(mb, &pl, UUID));
	(void)mbuf_write_u8(mb, 0);
	ck_assert_str_eq(vectorv[_i].to, (const char *)mb->buf);
	mem_deref(mb);
}
END_TEST


/* The tags that we send are those that we know */
START_TEST(contact_known)
{
	struct mbuf *mb = mbuf_alloc(16);
	struct pl pl = PL_INIT;

	ck_assert_int_eq(0, cpm_contact_params(mb, &pl, UUID));
	pl.p = (const char *)mb->buf;
	pl.l = mb->end;
	ck_assert_uint_eq(TAG_SESSION | TAG_MSG | TAG_LARGE | TAG_DEFERRED,
			  tag_contact(&pl));
	mem_deref(mb);
}
END_TEST


START_TEST(contact_oom)
{
	struct mbuf *mb;
	unsigned at = 0;
	struct pl pl;
	int err;

	pl_set_str(&pl, ";expires=600;+g.3gpp.icsi-ref=\"urn%3Aa\"");
	do {
		mb = mbuf_alloc(1);
		oom_arm(++at, false);
		err = cpm_contact_params(mb, &pl, UUID);
		if (oom_disarm())
			ck_assert_int_eq(ENOMEM, err);
		mem_deref(mb);
	} while (err);
	ck_assert_uint_gt(at, 3);
	ck_assert_int_eq(EINVAL, cpm_contact_params(NULL, &pl, UUID));
}
END_TEST


TCase *contact_case(void)
{
	TCase *tc = tcase_create("contact");

	tcase_add_loop_test(tc, contact_params, 0,
			    sizeof(vectorv)/sizeof(vectorv[0]));
	tcase_add_test(tc, contact_known);
	tcase_add_test(tc, contact_oom);

	return tc;
}
