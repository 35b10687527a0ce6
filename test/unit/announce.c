/**
 * @file test/unit/announce.c  What a server announces, and what is asked for
 *
 * The formats are assumed, see cpm_announce.h; RFC 3842, 5.2.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <cpm_announce.h>
#include "unit.h"


#define NS "xmlns=\"urn:oma:xml:im:history-list\""
#define LIST(attr, text) "<deferred-list " NS attr ">" text "</deferred-list>"
#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))


/* Copied to where memory ends, so that one octet too many is seen */
static int decode_len(struct announce_list **listp, const char *str,
		      size_t len)
{
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);
	int err;

	ck_assert_ptr_nonnull(buf);
	if (len)
		memcpy(buf, str, len);
	*listp = NULL;
	err = announce_decode(listp, buf, len);
	ck_assert(!err == !!*listp);
	mem_deref(buf);

	return err;
}


static int decode(struct announce_list **listp, const char *str)
{
	return decode_len(listp, str, strlen(str));
}


START_TEST(whole)
{
	struct mbuf *mb = unit_file("announce/list.xml");
	struct announce_list *list;
	const struct announce_entry *e;
	size_t n;

	ck_assert_int_eq(0, decode_len(&list, (char *)mb->buf, mb->end));
	ck_assert(list->whole);
	ck_assert_uint_eq(3, list->entryc);
	e = &list->entryv[0];
	ck_assert_str_eq("m-1", e->reference);
	ck_assert_str_eq("sip:bob@cpm.test", e->from);
	ck_assert_str_eq("Lunch & later", e->subject);
	ck_assert_str_eq("2026-11-21T03:11:00Z", e->date);
	ck_assert_str_eq("2026-11-28T03:11:00Z", e->expiry);
	ck_assert_uint_eq(120, e->size);
	ck_assert_int_eq(ANNOUNCE_PAGE, e->mode);
	e = &list->entryv[1];
	ck_assert_str_eq("m-2", e->reference);
	ck_assert_ptr_null(e->subject);
	ck_assert_uint_eq(70000, e->size);
	ck_assert_int_eq(ANNOUNCE_LARGE, e->mode);
	e = &list->entryv[2];
	ck_assert_str_eq("m-3", e->reference);
	ck_assert_ptr_null(e->from);
	ck_assert_int_eq(ANNOUNCE_UNKNOWN, e->mode);
	mem_deref(list);

	/* a beginning is never taken for the whole */
	for (n=0; n<mb->end - 3; n++)
		ck_assert_int_eq(EBADMSG, decode_len(&list, (char *)mb->buf,
						     n));
	mem_deref(mb);
}
END_TEST


static const struct {
	const char *doc;
	int err;
	size_t entryc;
	bool whole;
} docv[] = {
	{LIST("", ""), 0, 0, false},
	{LIST(" state='full'", ""), 0, 0, true},
	{LIST(" state='partial'", "<entry reference='a'/>"), 0, 1, false},
	{LIST(" state='?'", "<entry reference='a'/>"), 0, 1, false},
	{"<deferred-list><entry reference='a'/></deferred-list>", 0, 1,
	 false},
	/* what is not known is passed over, wherever it stands */
	{LIST("", "<more><entry reference='x'/></more>"
	      "<entry reference='a' x='y'><from><b>c</b></from><z/></entry>"),
	 0, 1, false},
	{LIST("", "<entry/>"), EBADMSG, 0, false},
	{LIST("", "<entry reference=''/>"), EBADMSG, 0, false},
	{LIST("", "<entry reference='a&#x7f;'/>"), EBADMSG, 0, false},
	{LIST("", "<entry reference='a'>"), EBADMSG, 0, false},
	{"<list " NS "/>", EBADMSG, 0, false},
	{"<deferred-list xmlns='urn:x'/>", EBADMSG, 0, false},
	{"", EBADMSG, 0, false},
	{"plain text", EBADMSG, 0, false},
	{"<!DOCTYPE a [<!ENTITY b 'c'>]>" LIST("", ""), EOVERFLOW, 0, false},
};

START_TEST(documents)
{
	struct announce_list *list;

	ck_assert_int_eq(docv[_i].err, decode(&list, docv[_i].doc));
	ck_assert((list != NULL) == !docv[_i].err);
	if (list) {
		ck_assert_uint_eq(docv[_i].entryc, list->entryc);
		ck_assert(docv[_i].whole == list->whole);
	}
	mem_deref(list);
}
END_TEST


/* A value that cannot be understood is not known; of two the first counts */
START_TEST(values)
{
	static const struct {
		const char *text;
		uint64_t size;
	} sizev[] = {
		{"0", 0}, {"12", 12}, {"999999999999999", 999999999999999},
		{"9999999999999999", 0}, {"-1", 0}, {"1.5", 0}, {"", 0},
		{"1 2", 0},
	};
	struct announce_list *list;
	char doc[512];
	int i;

	for (i=0; i<N(sizev); i++) {
		snprintf(doc, sizeof(doc), LIST("", "<entry reference='a'>"
			 "<size>%s</size><mode>Large</mode></entry>"),
			 sizev[i].text);
		ck_assert_int_eq(0, decode(&list, doc));
		ck_assert_uint_eq(sizev[i].size, list->entryv[0].size);
		ck_assert_int_eq(ANNOUNCE_LARGE, list->entryv[0].mode);
		mem_deref(list);
	}

	ck_assert_int_eq(0, decode(&list, LIST("", "<entry reference='a'>"
		"<from> sip:b@c </from><from>sip:d@e</from><subject> "
		"</subject><mode>other</mode></entry>")));
	ck_assert_str_eq("sip:b@c", list->entryv[0].from);
	ck_assert_ptr_null(list->entryv[0].subject);
	ck_assert_int_eq(ANNOUNCE_UNKNOWN, list->entryv[0].mode);
	mem_deref(list);
}
END_TEST


static struct mbuf *many(unsigned count)
{
	struct mbuf *mb = mbuf_alloc(32768);
	unsigned i;

	ck_assert_int_eq(0, mbuf_write_str(mb, "<deferred-list " NS ">"));
	for (i=0; i<count; i++)
		ck_assert_int_eq(0, mbuf_printf(mb, "<entry reference='%u'/>",
						i));
	ck_assert_int_eq(0, mbuf_write_str(mb, "</deferred-list>"));

	return mb;
}


START_TEST(limits)
{
	struct announce_list *list;
	struct mbuf *mb = many(ANNOUNCE_ENTRIES_MAX);
	char doc[8192];

	ck_assert_int_eq(0, decode_len(&list, (char *)mb->buf, mb->end));
	ck_assert_uint_eq(ANNOUNCE_ENTRIES_MAX, list->entryc);
	ck_assert_str_eq("499", list->entryv[499].reference);
	mem_deref(list);
	mem_deref(mb);

	mb = many(ANNOUNCE_ENTRIES_MAX + 1);
	ck_assert_int_eq(EOVERFLOW, decode_len(&list, (char *)mb->buf,
					       mb->end));
	mem_deref(mb);

	mb = mbuf_alloc(ANNOUNCE_DOC_MAX + 1);
	ck_assert_int_eq(0, mbuf_write_str(mb, LIST("", "")));
	ck_assert_int_eq(0, mbuf_fill(mb, ' ', ANNOUNCE_DOC_MAX + 1 -
				      mb->end));
	ck_assert_int_eq(EOVERFLOW, decode_len(&list, (char *)mb->buf,
					       mb->end));
	mem_deref(mb);

	snprintf(doc, sizeof(doc), LIST("", "<entry reference='%0256d'/>"),
		 1);
	ck_assert_int_eq(0, decode(&list, doc));
	mem_deref(list);
	snprintf(doc, sizeof(doc), LIST("", "<entry reference='%0257d'/>"),
		 1);
	ck_assert_int_eq(EBADMSG, decode(&list, doc));
	snprintf(doc, sizeof(doc), LIST("", "<entry reference='a'><from>"
		 "%04097d</from></entry>"), 1);
	ck_assert_int_eq(EOVERFLOW, decode(&list, doc));
}
END_TEST


START_TEST(request)
{
	static const char *const refv[] = {"m-1", "<a&\"b\">", "ä"};
	static const char *const badv[] = {"", "a\nb", "a\x7f", NULL};
	struct mbuf *mb = mbuf_alloc(64);
	struct announce_list *list;
	int i;

	ck_assert_int_eq(0, announce_encode(mb, refv, 3));
	ck_assert_int_eq(0, decode_len(&list, (char *)mb->buf, mb->end));
	ck_assert_uint_eq(3, list->entryc);
	for (i=0; i<3; i++)
		ck_assert_str_eq(refv[i], list->entryv[i].reference);
	mem_deref(list);

	mb->pos = mb->end = 0;
	for (i=0; i<N(badv); i++)
		ck_assert_int_eq(EINVAL, announce_encode(mb, &badv[i], 1));
	ck_assert_int_eq(EINVAL, announce_encode(mb, refv, 0));
	ck_assert_uint_eq(0, mb->end);
	mem_deref(mb);
}
END_TEST


static const struct {
	const char *text;
	int err;
	bool waiting;
} summaryv[] = {
	{"Messages-Waiting: yes\r\n", 0, true},
	{"Messages-Waiting: no\r\n", 0, false},
	{"messages-waiting:YES", 0, true},
	{" Messages-Waiting\t:\tno \n", 0, false},
	{"Message-Account: sip:a@b\r\nMessages-Waiting: yes\r\n"
	 "Text-Message: 2/0 (0/0)\r\n", 0, true},
	{"Messages-Waiting: maybe\r\n", EBADMSG, false},
	{"Messages-Waiting:\r\n", EBADMSG, false},
	{"Text-Message: 2/0\r\n", EBADMSG, false},
	{"Messages-Waiting yes", EBADMSG, false},
	{"", EBADMSG, false},
};

START_TEST(summary)
{
	const char *text = summaryv[_i].text;
	bool waiting = false;

	ck_assert_int_eq(summaryv[_i].err,
			 announce_summary(&waiting, (const uint8_t *)text,
					  strlen(text)));
	ck_assert(waiting == summaryv[_i].waiting);
}
END_TEST


Suite *announce_suite(void)
{
	Suite *suite = suite_create("announce");
	TCase *tc = tcase_create("list");

	tcase_add_test(tc, whole);
	tcase_add_loop_test(tc, documents, 0, N(docv));
	tcase_add_test(tc, values);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, request);
	suite_add_tcase(suite, tc);

	tc = tcase_create("summary");
	tcase_add_loop_test(tc, summary, 0, N(summaryv));
	suite_add_tcase(suite, tc);

	return suite;
}
