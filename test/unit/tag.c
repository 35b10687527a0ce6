/**
 * @file tag.c  Feature tags (wire.md 1)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "unit.h"
#include "../../modules/cpm/engine/engine.h"


#define ICSI "3gpp-service.ims.icsi.oma.cpm."
#define ESC "urn%3Aurn-7%3A" ICSI
#define URN "urn:urn-7:" ICSI

static const struct {
	const char *val;
	unsigned tags;
} contactv[] = {
	{"*;+g.3gpp.icsi-ref=\"" ESC "session\"", TAG_SESSION},
	{"*;+g.3gpp.icsi-ref=\"" ESC "session\";require;explicit",
	 TAG_SESSION},
	{"*;explicit;require;+g.3gpp.icsi-ref=\"" ESC "session\"",
	 TAG_SESSION},
	{"*;+g.3gpp.icsi-ref=\"" URN "session\"", TAG_SESSION},
	{"*;+g.3gpp.icsi-ref=" ESC "session", TAG_SESSION},
	{"*;+G.3GPP.ICSI-REF=\"URN%3aURN-7%3a3GPP-SERVICE.IMS.ICSI.OMA.CPM."
	 "SESSION\"", TAG_SESSION},
	{"*;+g.3gpp.icsi-ref=\"" ESC "msg," ESC "largemsg," ESC
	 "deferred\";+g.gsma.rcs.cpm.pager-large",
	 TAG_MSG | TAG_LARGE | TAG_DEFERRED},
	{"*;+g.3gpp.icsi-ref=\"" ESC "msg , " ESC "session\"",
	 TAG_MSG | TAG_SESSION},
	{"*;+g.3gpp.icsi-ref=\"" ESC "msg\";+g.3gpp.icsi-ref=\"" ESC
	 "session\"", TAG_MSG | TAG_SESSION},
	{"*;+g.3gpp.icsi-ref=\"" ESC "msg\",*;+g.3gpp.icsi-ref=\"" ESC
	 "session\"", TAG_MSG | TAG_SESSION},
	/* as the change request writes it */
	{"*;+g.3gpp.icsi-ref=\"" ICSI "session\"", TAG_SESSION},
	{"*;" ICSI "session", TAG_SESSION},
	{"*;+g.3gpp.icsi-ref=\"" ESC "session\";+sip.instance="
	 "\"<urn:gsma:imei:1,2;3>\"", TAG_SESSION},
	/* whole tokens only */
	{"*;+g.3gpp.icsi-ref=\"" ESC "session.group\"", TAG_GROUP},
	{"*;+g.3gpp.icsi-ref=\"" ESC "msg.group\"", TAG_MSG | TAG_GROUP},
	{"*;+g.3gpp.icsi-ref=\"" ESC "largemsg.group\"",
	 TAG_LARGE | TAG_GROUP},
	{"*;+g.3gpp.icsi-ref=\"" ESC "sessions\"", 0},
	{"*;+g.3gpp.icsi-ref=\"x" ESC "session\"", 0},
	{"*;+g.3gpp.icsi-ref=\"" ESC "session" ESC "session\"", 0},
	{"*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"",
	 0},
	{"*;+g.3gpp.iari-ref=\"" ESC "session\"", 0},
	{"*;other=\"+g.3gpp.icsi-ref=" ESC "session\"", 0},
	{"*", 0},
	{"", 0},
	{";;;,,,===\"\"\"", 0},
	{"*;+g.3gpp.icsi-ref=", 0},
	{"*;+g.3gpp.icsi-ref=\"%\"", 0},
	{"*;+g.3gpp.icsi-ref=\"" ESC "session", TAG_SESSION},
};


START_TEST(contact)
{
	struct pl pl;

	pl_set_str(&pl, contactv[_i].val);
	ck_assert_uint_eq(contactv[_i].tags, tag_contact(&pl));
}
END_TEST


START_TEST(service)
{
	static const struct {
		const char *val;
		unsigned tags;
	} v[] = {
		{URN "session", TAG_SESSION},
		{URN "largemsg", TAG_LARGE},
		{ICSI "deferred", TAG_DEFERRED},
		{"+g.3gpp.icsi-ref=\"" ESC "msg\"", TAG_MSG},
		{URN "session.group", TAG_GROUP},
		{"urn:urn-7:3gpp-service.ims.icsi.mmtel", 0},
	};
	size_t i;

	for (i=0; i<sizeof(v)/sizeof(v[0]); i++) {
		struct pl pl;

		pl_set_str(&pl, v[i].val);
		ck_assert_uint_eq(v[i].tags, tag_service(&pl));
	}
}
END_TEST


/* each line of the collected variants, and what it stands for */
START_TEST(vector_31)
{
	static const unsigned tagv[] = {
		TAG_SESSION, TAG_SESSION, TAG_MSG | TAG_LARGE | TAG_DEFERRED,
		TAG_GROUP, TAG_DEFERRED, 0,
	};
	struct mbuf *mb = unit_file("vectors/31-feature-tag-variants.txt");
	size_t n = 0;

	while (mbuf_get_left(mb)) {
		struct pl pl = {(char *)mbuf_buf(mb), 0};

		while (pl.l < mbuf_get_left(mb) && pl.p[pl.l] != '\n')
			++pl.l;
		mbuf_advance(mb, (ssize_t)pl.l +
			     (mbuf_get_left(mb) > pl.l));
		if (pl.l && pl.p[pl.l-1] == '\r')
			--pl.l;

		ck_assert_uint_lt(n, sizeof(tagv)/sizeof(tagv[0]));
		ck_assert_uint_eq(tagv[n++], tag_contact(&pl));
	}

	ck_assert_uint_eq(n, sizeof(tagv)/sizeof(tagv[0]));
	mem_deref(mb);
}
END_TEST


/* several services in one quoted value; cut anywhere, none is made up */
START_TEST(vector_30)
{
	const unsigned all = TAG_SESSION | TAG_GROUP | TAG_MSG | TAG_LARGE;
	struct mbuf *mb = unit_file("vectors/30-contact-register-rust-rcs.txt");
	struct pl pl = {(char *)mb->buf, mb->end};

	ck_assert_uint_gt(pl.l, 0);
	ck_assert_uint_eq(all, tag_contact(&pl));
	while (pl.l--)
		ck_assert_uint_eq(0, tag_contact(&pl) & ~all);

	mem_deref(mb);
}
END_TEST


static const struct {
	const char *file;
	const char *peer;
	const char *conv;
	const char *contrib;
	bool standfw;
} invitev[] = {
	{"vectors/03-sip-invite-chat-compact-headers.txt",
	 "sip:310410123456789@sharetechnote.com",
	 "6b79b8bc937e4985b1dffd062b687bd7",
	 "d5e4121aeec2cc59546ebaef8966ef185a2f37f0", false},
	{"vectors/90-SYNTHETIC-deferred-invite.txt", "tel:+15550000001",
	 "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
	 "abcdef00-1234-5678-90ab-cdef01234567", true},
};


/* Whole INVITEs: the service, the sender, the ids. A cut head is no INVITE */
START_TEST(vector_invite)
{
	struct mbuf *mb = unit_file(invitev[_i].file);
	struct sip_msg *msg = NULL;
	struct origin org;
	size_t head, n;

	ck_assert_int_eq(0, sip_msg_decode(&msg, mb));
	head = mb->pos;
	ck_assert_uint_eq(TAG_SESSION, tag_msg(msg));
	ck_assert_int_eq(0, origin_decode(&org, msg, true));
	ck_assert_pstr_eq(invitev[_i].peer, org.peer);
	ck_assert_pstr_eq(invitev[_i].conv, org.conversation_id);
	ck_assert_pstr_eq(invitev[_i].contrib, org.contribution_id);
	ck_assert_int_eq(invitev[_i].standfw, org.standfw);
	origin_reset(&org);
	msg = mem_deref(msg);

	for (n=0; n<head; n++) {
		mb->pos = 0;
		mb->end = n;
		ck_assert_int_ne(0, sip_msg_decode(&msg, mb));
		ck_assert_ptr_null(msg);
	}
	ck_assert_uint_gt(n, 500);
	mem_deref(mb);
}
END_TEST


static unsigned tags_of(const char *headers)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;
	unsigned tags;

	ck_assert_int_eq(0, mbuf_printf(mb,
		"INVITE sip:a@example.net SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
		"From: <sip:b@example.net>;tag=1\r\n"
		"To: <sip:a@example.net>\r\n"
		"Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s\r\n", headers));
	mb->pos = 0;
	ck_assert_int_eq(0, sip_msg_decode(&msg, mb));
	tags = tag_msg(msg);
	mem_deref(msg);
	mem_deref(mb);

	return tags;
}


START_TEST(message)
{
	/* one header, several, compact, a list in one */
	ck_assert_uint_eq(TAG_SESSION, tags_of(
		"Accept-Contact: *;+g.3gpp.icsi-ref=\"" ESC "session\"\r\n"));
	ck_assert_uint_eq(TAG_SESSION | TAG_MSG, tags_of(
		"Accept-Contact: *;+g.3gpp.icsi-ref=\"" ESC "session\"\r\n"
		"Accept-Contact: *;+g.3gpp.icsi-ref=\"" ESC "msg\"\r\n"));
	ck_assert_uint_eq(TAG_SESSION, tags_of(
		"a: *;+g.3gpp.icsi-ref=\"" ESC "session\"\r\n"));
	ck_assert_uint_eq(TAG_LARGE | TAG_DEFERRED, tags_of(
		"a: *;+g.3gpp.icsi-ref=\"" ESC "largemsg," ESC
		"deferred\"\r\n"));
	ck_assert_uint_eq(TAG_LARGE | TAG_DEFERRED, tags_of(
		"a: *;+g.3gpp.icsi-ref=\"" ESC "largemsg\", "
		"*;+g.3gpp.icsi-ref=\"" ESC "deferred\"\r\n"));

	/* P-Asserted-Service counts only without Accept-Contact tags */
	ck_assert_uint_eq(TAG_DEFERRED, tags_of(
		"P-Asserted-Service: " URN "deferred\r\n"));
	ck_assert_uint_eq(TAG_SESSION, tags_of(
		"P-Asserted-Service: " URN "deferred\r\n"
		"a: *;+g.3gpp.icsi-ref=\"" ESC "session\"\r\n"));
	ck_assert_uint_eq(0, tags_of(
		"P-Preferred-Service: " URN "session\r\n"));
	ck_assert_uint_eq(0, tags_of(""));
}
END_TEST


Suite *tag_suite(void)
{
	Suite *s = suite_create("tag");
	TCase *tc = tcase_create("tag");

	tcase_add_loop_test(tc, contact, 0,
			    sizeof(contactv)/sizeof(contactv[0]));
	tcase_add_test(tc, service);
	tcase_add_test(tc, vector_30);
	tcase_add_test(tc, vector_31);
	tcase_add_loop_test(tc, vector_invite, 0,
			    sizeof(invitev)/sizeof(invitev[0]));
	tcase_add_test(tc, message);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, contact_case());

	return s;
}
