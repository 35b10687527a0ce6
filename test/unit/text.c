/**
 * @file text.c  Text of strangers, and their URIs
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit.h"
#include "../../modules/cpm/engine/engine.h"


#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *in;
	const char *out;
} cleanv[] = {
	{"", ""},
	{"plain\ttext\n", "plain\ttext\n"},
	{"caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80",
	 "caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80"},
	{"a\r\nb\rc", "a\nb\nc"},
	{"\x1b[31mred\x1b[0m\x07\x08\x7f", "[31mred[0m"},
	{"\xc2\x85\xc2\x9b" "x", "x"},
	{"a\xe2\x80\xa8" "b\xe2\x80\xa9" "c", "abc"},
	/* no UTF-8: lone tail, overlong, surrogate, too high, cut */
	{"\x80", FFFD},
	{"\xff\xfe", FFFD FFFD},
	{"\xc0\xaf", FFFD FFFD},
	{"\xe0\x80\xaf", FFFD FFFD FFFD},
	{"\xed\xa0\x80", FFFD FFFD FFFD},
	{"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},
	{"\xf0\x9f\x98", FFFD FFFD FFFD},
	{"a\xe6\xbc", "a" FFFD FFFD},
	{"caf\xe9", "caf" FFFD},
};


START_TEST(clean)
{
	struct mbuf *mb = mbuf_alloc(16);
	const char *in = cleanv[_i].in;

	ck_assert_int_eq(0, cpm_text_clean(mb, (const uint8_t *)in,
					   strlen(in)));
	ck_assert_uint_eq(strlen(cleanv[_i].out), mb->end);
	ck_assert_mem_eq(cleanv[_i].out, mb->buf, mb->end);
	mem_deref(mb);
}
END_TEST


/* The first octet that was replaced is where it stops being valid */
START_TEST(valid)
{
	static const struct {
		const char *in;
		size_t len;
	} v[] = {
		{"", 0}, {"a\r\n\x1b", 4}, {"\x80", 0}, {"ab\xff", 2},
		{"caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80", 14},
		{"a\xc0\xaf", 1}, {"a\xed\xa0\x80", 1},
		{"ab\xf4\x90\x80\x80", 2}, {"ab\xf0\x9f\x98", 2},
		{"caf\xe9", 3},
	};

	ck_assert_uint_eq(v[_i].len, cpm_text_valid((const uint8_t *)v[_i].in,
						    strlen(v[_i].in)));
}
END_TEST


START_TEST(clean_nul)
{
	struct mbuf *mb = mbuf_alloc(16);

	ck_assert_int_eq(0, cpm_text_clean(mb, (const uint8_t *)"a\0b", 3));
	ck_assert_uint_eq(2, mb->end);
	ck_assert_mem_eq("ab", mb->buf, 2);
	ck_assert_int_eq(EINVAL, cpm_text_clean(NULL, NULL, 0));
	mem_deref(mb);
}
END_TEST


START_TEST(cut)
{
	const uint8_t *s = (const uint8_t *)"a\xc3\xa9\xe6\xbc\xa2"
		"\xf0\x9f\x98\x80z";
	static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
	size_t i;

	for (i=0; i<sizeof(want)/sizeof(want[0]); i++)
		ck_assert_uint_eq(want[i], cpm_text_cut(s, 11, i));

	ck_assert_uint_eq(11, cpm_text_cut(s, 11, 100));
	ck_assert_uint_eq(5, cpm_text_cut((const uint8_t *)
					  "\x80\x80\x80\x80\x80\x80\x80",
					  7, 5));
}
END_TEST


static const struct {
	const char *in;
	const char *out;   /* NULL: EBADMSG */
} uriv[] = {
	{"sip:bob@example.com", "sip:bob@example.com"},
	{"SIP:Bob@Example.COM", "sip:Bob@example.com"},
	{"sip:bob@example.com:5060", "sip:bob@example.com"},
	{"sip:bob@example.com:5070", "sip:bob@example.com:5070"},
	{"sips:bob@example.com:5061", "sips:bob@example.com"},
	{"sip:bob@example.com;transport=tcp?x=y", "sip:bob@example.com"},
	{"sip:bob:secret@example.com", "sip:bob@example.com"},
	{"sip:+1555;phone-context=a@example.com;user=phone",
	 "sip:+1555;phone-context=a@example.com"},
	{"sip:bob@[2001:DB8::1]:5070", "sip:bob@[2001:db8::1]:5070"},
	{"sip:example.com", "sip:example.com"},
	{"tel:+1-555-(000).1", "tel:+15550001"},
	{"TEL:+15550000001;phone-context=x", "tel:+15550000001"},
	{"mailto:bob@example.com", NULL},
	{"im:bob@example.com", NULL},
	{"bob", NULL},
	{"", NULL},
	{"sip:", NULL},
	{"tel:", NULL},
	{"sip:bob@", NULL},
	{"sip:bob@exa mple.com", NULL},
	{"sip:bob@example.com\r\nX: y", NULL},
	{"<sip:bob@example.com>", NULL},
	{"sip:bob@exam/ple", NULL},
};


START_TEST(uri)
{
	char *str = NULL;
	struct pl pl;
	int err;

	pl_set_str(&pl, uriv[_i].in);
	err = cpm_uri_norm(&str, &pl);
	ck_assert_int_eq(uriv[_i].out ? 0 : EBADMSG, err);
	ck_assert_pstr_eq(uriv[_i].out, str);
	mem_deref(str);
}
END_TEST


static int origin_of(struct origin *org, const char *headers)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;
	int err;

	ck_assert_int_eq(0, mbuf_printf(mb,
		"INVITE sip:a@example.net SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
		"From: \"Server\" <sip:from@example.net>;tag=1\r\n"
		"To: <sip:a@example.net>\r\n"
		"Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s\r\n", headers));
	mb->pos = 0;
	ck_assert_int_eq(0, sip_msg_decode(&msg, mb));
	err = origin_decode(org, msg, true);
	mem_deref(msg);
	mem_deref(mb);

	return err;
}


static const struct {
	const char *headers;
	const char *peer;
	const char *name;
	bool standfw;
} originv[] = {
	{"Referred-By: <tel:+15550000001>\r\n"
	 "P-Asserted-Identity: <sip:rcse-standfw@ims.example.com>\r\n",
	 "tel:+15550000001", NULL, true},
	{"b: \"Bob B.\" <sip:bob@example.com>\r\n", "sip:bob@example.com",
	 "Bob B.", false},
	{"P-Asserted-Identity: <sip:carol@example.com>\r\n",
	 "sip:carol@example.com", NULL, false},
	{"P-Asserted-Identity: <sip:RCSE-standfw@ims.example.com>\r\n",
	 "sip:from@example.net", "Server", true},
	{"P-Asserted-Identity: <tel:+1555>, <sip:rcse-standfw@x.example>\r\n",
	 "tel:+1555", NULL, true},
	{"Referred-By: <sip:anonymous@anonymous.invalid>\r\n"
	 "P-Asserted-Identity: <sip:dave@example.com>\r\n",
	 "sip:dave@example.com", NULL, false},
	{"", "sip:from@example.net", "Server", false},
};


START_TEST(sender)
{
	struct origin org;

	ck_assert_int_eq(0, origin_of(&org, originv[_i].headers));
	ck_assert_pstr_eq(originv[_i].peer, org.peer);
	ck_assert_pstr_eq(originv[_i].name, org.name);
	ck_assert_int_eq(originv[_i].standfw, org.standfw);
	origin_reset(&org);
	ck_assert_ptr_null(org.peer);
}
END_TEST


START_TEST(ids)
{
	struct origin org;
	char hdr[512], *key = NULL;

	ck_assert_int_eq(0, origin_of(&org,
		"Conversation-ID: Conv-1\r\nContribution-ID: Cont-1\r\n"
		"InReplyTo-Contribution-ID: Cont-0\r\n"));
	ck_assert_str_eq("Conv-1", org.conversation_id);
	ck_assert_str_eq("Cont-1", org.contribution_id);
	ck_assert_str_eq("Cont-0", org.in_reply_to);
	ck_assert_int_eq(0, conv_key(&key, &org, "sip:x@y"));
	ck_assert_str_eq("id:Conv-1", key);
	key = mem_deref(key);
	origin_reset(&org);

	ck_assert_int_eq(0, origin_of(&org, ""));
	ck_assert_ptr_null(org.conversation_id);
	ck_assert_int_eq(0, conv_key(&key, &org, "sip:x@y"));
	ck_assert_str_eq("peer:sip:x@y", key);
	key = mem_deref(key);
	origin_reset(&org);

	/* at the limit, and over it */
	(void)re_snprintf(hdr, sizeof(hdr), "Conversation-ID: ");
	memset(hdr + strlen("Conversation-ID: "), 'x', 257);
	strcpy(hdr + strlen("Conversation-ID: ") + 257, "\r\n");
	ck_assert_int_eq(EOVERFLOW, origin_of(&org, hdr));
	strcpy(hdr + strlen("Conversation-ID: ") + 256, "\r\n");
	ck_assert_int_eq(0, origin_of(&org, hdr));
	ck_assert_uint_eq(256, strlen(org.conversation_id));
	origin_reset(&org);

	ck_assert_int_eq(EBADMSG, origin_of(&org,
					    "Referred-By: <mail bob>\r\n"));
}
END_TEST


Suite *text_suite(void)
{
	Suite *s = suite_create("text");
	TCase *tc = tcase_create("text");

	tcase_add_loop_test(tc, clean, 0, sizeof(cleanv)/sizeof(cleanv[0]));
	tcase_add_loop_test(tc, valid, 0, 10);
	tcase_add_test(tc, clean_nul);
	tcase_add_test(tc, cut);
	tcase_add_loop_test(tc, uri, 0, sizeof(uriv)/sizeof(uriv[0]));
	tcase_add_loop_test(tc, sender, 0,
			    sizeof(originv)/sizeof(originv[0]));
	tcase_add_test(tc, ids);
	suite_add_tcase(s, tc);

	return s;
}
