/**
 * @file test_body.c  Texts and files on the bus: whole, in parts, made safe
 *
 * bus.md, "A message" and below.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


enum {
	LIST_MAX   = 2048,    /* octets of a text in a list               */
	ANSWER_MAX = 262144,  /* octets of an answer                      */
	LONG       = 5003,
	LARGE      = 200003,  /* more than is kept in the database's row  */
	BLOB       = 70001,
};


/* Read the rest of a text in parts of at most so many octets */
static char *read_parts(struct scene *s, int64_t id, size_t part,
			size_t size)
{
	char *text = env_keep(s->env, mem_zalloc(size + 1, NULL));
	size_t off = 0;

	while (off < size) {
		const struct odict *o = ctrl_ask(s->c, "cpm_message",
			"{\"id\":%d,\"offset\":%zu,\"length\":%zu}",
			(int)id, off, part);
		const char *piece = j_str(o, "text");
		const size_t n = strlen(piece);

		ck_assert_int_eq((int64_t)off, j_int(o, "offset"));
		ck_assert_int_eq((int64_t)(off + n), j_int(o, "next"));
		ck_assert_uint_gt(n, 0);
		ck_assert_uint_le(n, part);
		ck_assert_uint_le(off + n, size);
		ck_assert_int_eq(off + n < size, j_has(o, "cut"));
		memcpy(text + off, piece, n);
		off += n;
	}

	return text;
}


/* Lists show the beginning, cut between two characters */
static void check_listed(const struct odict *m, const char *whole)
{
	const char *text = j_str(m, "text");
	const size_t n = strlen(text);

	ck_assert(j_bool(m, "cut"));
	ck_assert_uint_le(n, LIST_MAX);
	ck_assert_uint_gt(n, LIST_MAX - 4);
	ck_assert_mem_eq(whole, text, n);
	ck_assert_uint_ne(0x80, (unsigned char)whole[n] & 0xc0);
}


START_TEST(long_text)
{
	const char *whole, *large;
	struct scene s;
	const struct odict *o;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s size=%u", BOB, LONG);
	scene_leave(&s, "from=%s size=%u", BOB, LARGE);
	scene_start(&s);
	scene_delivered(&s, 2);
	whole = scene_text(s.env, 0, LONG, LONG);
	large = scene_text(s.env, 0, LARGE, LARGE);

	o = ctrl_ask(s.c, "cpm_messages", NULL);
	check_listed(j_at(o, "messages", 0), whole);
	check_listed(j_at(o, "messages", 1), large);
	ck_assert_int_eq(LONG, j_int(o, "messages.0.size"));
	ck_assert_int_eq(LARGE, j_int(o, "messages.1.size"));
	ck_assert(!j_has(o, "messages.1.file"));

	/* by itself it is whole, as long as the answer can hold it */
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq(whole, j_str(o, "text"));
	ck_assert(!j_has(o, "cut"));
	ck_assert(!j_has(o, "offset"));
	o = ctrl_ask(s.c, "cpm_message", "2");
	ck_assert(j_bool(o, "cut"));
	ck_assert_uint_gt(strlen(j_str(o, "text")), LIST_MAX);
	ck_assert_mem_eq(large, j_str(o, "text"), strlen(j_str(o, "text")));

	ck_assert_str_eq(whole, read_parts(&s, 1, 1000, LONG));
	ck_assert_str_eq(whole, read_parts(&s, 1, 7, LONG));
	ck_assert_str_eq(large, read_parts(&s, 2, 60001, LARGE));
	ck_assert_str_eq(large, read_parts(&s, 2, 99999999, LARGE));

	/* behind the end there is nothing */
	o = ctrl_ask(s.c, "cpm_message", "{\"id\":1,\"offset\":%u}", LONG);
	ck_assert_str_eq("", j_str(o, "text"));
	ck_assert(!j_has(o, "cut"));
	o = ctrl_ask(s.c, "cpm_message", "{\"id\":2,\"offset\":9999999}");
	ck_assert_str_eq("", j_str(o, "text"));
	scene_close(&s);
}
END_TEST


START_TEST(non_latin)
{
	static const char *const textv[] = {
		"Grüße aus Zürich",
		("Алиса, 你好 — שלום — สวัสดี"
		 " — नमस्ते 😀👩‍👩‍👧"),
		"\"quoted\" and \\ back \\\" slash / {\"json\":[1]}",
		" space before, and behind ",
		"%s %n %d 100%",
		"<b>&amp;</b>",
	};
	static const char name[] = "Zoë 漢字 Müller";
	struct scene s;
	const struct odict *o;
	size_t i;

	scene_open(&s, NULL);
	for (i=0; i<ARRAY_SIZE(textv); i++)
		scene_leave(&s, "from=%s name=%s text=%s", BOB,
			    "Zoë%20漢字%20Müller", textv[i]);
	scene_start(&s);
	scene_delivered(&s, ARRAY_SIZE(textv));

	o = ctrl_ask(s.c, "cpm_messages", NULL);
	for (i=0; i<ARRAY_SIZE(textv); i++) {
		const struct odict *m = j_at(o, "messages", (unsigned)i);

		ck_assert_str_eq(textv[i], j_str(m, "text"));
		ck_assert_str_eq(name, j_str(m, "name"));
		ck_assert_int_eq((int64_t)strlen(textv[i]),
				 j_int(m, "size"));
		m = ctrl_ask(s.c, "cpm_message", "%zu", i + 1);
		ck_assert_str_eq(textv[i], j_str(m, "text"));
	}
	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	ck_assert_str_eq(name, j_str(o, "conversations.0.name"));
	ck_assert_str_eq(textv[i-1], j_str(o, "conversations.0.last.text"));
	scene_close(&s);
}
END_TEST


/* What is no UTF-8 or would move a cursor does not reach a program */
START_TEST(dirty_text)
{
	static const struct {
		const char *body;
		const char *text;
	} v[] = {
		{"ab%FFcd%C0%AFe", "ab\xef\xbf\xbd" "cd\xef\xbf\xbd"
		 "\xef\xbf\xbd" "e"},
		{"%ED%A0%80end%F0%9F%98", "\xef\xbf\xbd\xef\xbf\xbd"
		 "\xef\xbf\xbd" "end\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"red%1B[31mtext%07%7F%01", "red[31mtext"},
		{"csi%C2%9B31m%C2%85x", "csi31mx"},
		{"two%0D%0Alines%0Done%0Alast%0D", "two\nlines\none\nlast\n"},
		{"tab%09stays", "tab\tstays"},
		{"sep%E2%80%A8ara%E2%80%A9tors", "separators"},
		{"%EF%BB%BFbom", "\xef\xbb\xbf" "bom"},
	};
	struct scene s;
	const struct odict *o;
	size_t i;

	scene_open(&s, NULL);
	for (i=0; i<ARRAY_SIZE(v); i++)
		scene_leave(&s, "from=%s ask=none body=%s", BOB, v[i].body);
	scene_leave(&s, "from=%s ask=none name=B%%FFo%%1B[31mb text=.",
		    CAROL);
	scene_start(&s);
	scene_delivered(&s, ARRAY_SIZE(v) + 1);

	o = ctrl_ask(s.c, "cpm_messages", NULL);
	for (i=0; i<ARRAY_SIZE(v); i++)
		ck_assert_str_eq(v[i].text, j_str(j_at(o, "messages",
						       (unsigned)i), "text"));
	ck_assert_str_eq("B\xef\xbf\xbdo [31mb",
			 j_str(j_at(o, "messages", (unsigned)i), "name"));
	scene_close(&s);
}
END_TEST


static uint8_t *make_blob(const char *path)
{
	static uint8_t blob[BLOB];
	FILE *f = fopen(path, "wb");
	uint32_t x = 12345;
	size_t i;

	ck_assert_ptr_nonnull(f);
	for (i=0; i<sizeof(blob); i++) {
		x = x * 1664525 + 1013904223;
		blob[i] = (uint8_t)(x >> 24);
	}
	/* what a careless parser stumbles over */
	memcpy(blob + 1000, "\r\n-------abcd$\r\n", 16);
	memcpy(blob + 2000, "\0\0\0\r\n\r\nMSRP a SEND\r\n", 20);
	ck_assert_uint_eq(sizeof(blob), fwrite(blob, 1, sizeof(blob), f));
	ck_assert_int_eq(0, fclose(f));

	return blob;
}


static void check_file(const char *path, const uint8_t *want, size_t size)
{
	struct stat st;
	size_t n = 0;
	char *got;

	ck_assert_int_eq(0, stat(path, &st));
	ck_assert_uint_eq(S_IFREG | 0600, st.st_mode);
	got = file_read(path, &n);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(size, n);
	ck_assert_mem_eq(want, got, size);
	mem_deref(got);
}


START_TEST(no_text)
{
	struct scene s;
	const struct odict *o;
	const char *path, *pathv[2];
	uint8_t *blob;
	unsigned i;

	scene_open(&s, NULL);
	path = env_path(s.env, "blob");
	blob = make_blob(path);
	scene_leave(&s, "from=%s type=image/png file=%s", BOB, path);
	scene_leave(&s, "from=%s type=application/x.y body=tiny", BOB);
	scene_start(&s);
	scene_delivered(&s, 2);

	o = ctrl_ask(s.c, "cpm_messages", NULL);
	for (i=0; i<2; i++) {
		const struct odict *m = j_at(o, "messages", i);

		pathv[i] = j_str(m, "file");
		ck_assert(!j_has(m, "text"));
		ck_assert(!j_has(m, "cut"));
		ck_assert_str_eq(i ? "application/x.y" : "image/png",
				 j_str(m, "type"));
		ck_assert_str_eq(pathv[i],
				 j_str(ctrl_ask(s.c, "cpm_message", "%u",
						i + 1), "file"));
	}
	ck_assert_int_eq(BLOB, j_int(o, "messages.0.size"));
	check_file(pathv[0], blob, BLOB);
	check_file(pathv[1], (const uint8_t *)"tiny", 4);
	o = ctrl_ask(s.c, "cpm_conversations", NULL);
	ck_assert(!j_has(o, "conversations.0.last.text"));

	/* the files go with their messages */
	(void)ctrl_ask(s.c, "cpm_delete", "1");
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 1, E2E_WAIT);
	ck_assert_int_ne(0, access(pathv[0], F_OK));
	ck_assert_int_eq(0, access(pathv[1], F_OK));
	(void)ctrl_ask(s.c, "cpm_delete", "c%d",
		       (int)j_int(o, "conversations.0.id"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 0, E2E_WAIT);
	ck_assert_int_ne(0, access(pathv[1], F_OK));
	scene_close(&s);
}
END_TEST


static void leave_hundred(struct scene *s, const char *octets, size_t size)
{
	char *text = mem_zalloc(size + 1, NULL);
	const char *path = env_path(s->env, "text");
	size_t i;

	ck_assert_ptr_nonnull(text);
	for (i=0; i<size; i++)
		text[i] = octets[i % strlen(octets)];
	file_write(path, text);
	mem_deref(text);
	for (i=0; i<100; i++)
		scene_leave(s, "from=%s ask=none file=%s", BOB, path);
}


/* Every octet is escaped, first by us and then by the host: the answer has to
   be short of it, and nothing is lost to who asks on */
static void page_through(const char *octets)
{
	const struct scene_args args = {.optv = {"-w", "32", NULL}};
	const struct odict *o;
	struct scene s;
	bool seenv[101] = {false};
	int64_t after = 0;
	unsigned n = 0, i;

	scene_open(&s, &args);
	leave_hundred(&s, octets, 3000);
	scene_start(&s);
	scene_delivered(&s, 100);

	do {
		o = ctrl_ask(s.c, "cpm_messages",
			     "{\"after\":%d,\"limit\":100}", (int)after);
		ck_assert_uint_lt(strlen(ctrl_data(s.c)), ANSWER_MAX);
		ck_assert_uint_gt(j_count(o, "messages"), 0);
		for (i=0; i<j_count(o, "messages"); i++) {
			const int64_t id = j_int(j_at(o, "messages", i),
						 "id");

			ck_assert(!seenv[id]);
			seenv[id] = true;
			after = id > after ? id : after;
			++n;
		}
	} while (j_bool(o, "more"));
	ck_assert_uint_eq(100, n);

	o = ctrl_ask(s.c, "cpm_conversations", "{\"limit\":80}");
	ck_assert_uint_lt(strlen(ctrl_data(s.c)), ANSWER_MAX);
	scene_close(&s);
}


START_TEST(long_answer)
{
	page_through("plain ");
}
END_TEST


START_TEST(long_answer_escaped)
{
	page_through("\"\\");
}
END_TEST


/* One text of escapes only, at the most that cpm_message gives */
START_TEST(large_answer)
{
	const struct odict *o;
	struct scene s;
	char *text = mem_zalloc(150001, NULL);
	size_t n;

	ck_assert_ptr_nonnull(text);
	memset(text, '"', 150000);
	scene_open(&s, NULL);
	file_write(env_path(s.env, "text"), text);
	scene_leave(&s, "from=%s file=%s", BOB, env_path(s.env, "text"));
	scene_start(&s);
	scene_delivered(&s, 1);
	o = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_uint_lt(strlen(ctrl_data(s.c)), ANSWER_MAX);
	n = strlen(j_str(o, "text"));
	ck_assert_uint_gt(n, LIST_MAX);
	ck_assert_mem_eq(text, j_str(o, "text"), n);
	ck_assert(j_bool(o, "cut"));
	ck_assert_str_eq(text, read_parts(&s, 1, 150000, 150000));
	mem_deref(text);
	scene_close(&s);
}
END_TEST


void body_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "body", 60);

	tcase_add_test(tc, long_text);
	tcase_add_test(tc, non_latin);
	tcase_add_test(tc, dirty_text);
	tcase_add_test(tc, no_text);
	tcase_add_test(tc, long_answer);
	tcase_add_test(tc, long_answer_escaped);
	tcase_add_test(tc, large_answer);
}
