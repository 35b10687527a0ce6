/**
 * @file command.c  What the commands that send are given: words and JSON,
 *                  drafts, files
 *
 * Only what of the glue does without the host is linked.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "unit.h"
#include "mock/oom.h"
#include "../../modules/cpm/glue.h"


enum { HEAD = 65536 };  /* octets of a file that are looked at */

static char dir[256], path[512];


/* The host's: there must be a database of types here */
void warning(const char *fmt, ...)
{
	ck_abort_msg("%s", fmt);
}


/*
 * Parameters
 */

static const struct arg_spec spec = {
	.keyv = {{"to", ARG_STR}, {"conversation", ARG_UINT},
		 {"reply_to", ARG_UINT}, {"text", ARG_STR}},
	.posv = {"to|c|r", "text"}, .rest = true, .needed = true,
};

/* unset: it must not be there */
static const struct {
	const char *prm;
	const char *to;
	uint64_t conversation;
	uint64_t reply_to;
	const char *text;
} goodv[] = {
	{"sip:bob@x hello", "sip:bob@x", 0, 0, "hello"},
	{" sip:bob@x \t two  words, \"{and}\" more \r\n", "sip:bob@x", 0, 0,
	 "two  words, \"{and}\" more"},
	{"tel:+123", "tel:+123", 0, 0, NULL},
	{"c17 yes", NULL, 17, 0, "yes"},
	{"r18 no 19", NULL, 0, 18, "no 19"},
	/* names begin with these letters, too */
	{"carol x", "carol", 0, 0, "x"},
	{"r x", "r", 0, 0, "x"},
	{"c12x x", "c12x", 0, 0, "x"},
	{"c9999999999999999999 x", "c9999999999999999999", 0, 0, "x"},
	{"{\"to\":\"sip:b@x\",\"text\":\" a\\nb \"}", "sip:b@x", 0, 0,
	 " a\nb "},
	{"{\"reply_to\":3,\"text\":\"\\ud83d\\ude00\\u00e9\"}", NULL, 0, 3,
	 "\xf0\x9f\x98\x80\xc3\xa9"},
	/* no NUL, but a backslash and what is not one */
	{"{\"text\":\"a\\\\u0000\\\\\"}", NULL, 0, 0, "a\\u0000\\"},
};


START_TEST(args_good)
{
	struct odict *o = NULL;
	char text[256] = "";

	ck_assert_int_eq(0, args_decode(&o, &spec, goodv[_i].prm, text,
					sizeof(text)));
	ck_assert_pstr_eq(goodv[_i].to, args_str(o, "to"));
	ck_assert_pstr_eq(goodv[_i].text, args_str(o, "text"));
	ck_assert_uint_eq(goodv[_i].conversation,
			  args_uint(o, "conversation"));
	ck_assert_uint_eq(goodv[_i].reply_to, args_uint(o, "reply_to"));
	mem_deref(o);
}
END_TEST


static const struct {
	const char *prm;
	const char *text;
} badv[] = {
	{"", "over about 1000 bytes: longer texts go by cpm_draft"},
	{"{}", "cpm_draft"},
	{"{\"text\":\"a\\u0000b\"}", "\\u0000 cannot be taken"},
	{"{\"text\":\"a\\\\\\u0000b\"}", "\\u0000 cannot be taken"},
	{"{\"txt\":\"a\"}", "unknown key \"txt\""},
	{"{\"text\":1}", "\"text\" must be a string"},
	{"{\"conversation\":\"1\"}", "\"conversation\" must be a number"},
	{"{\"text\":\"\\", "no JSON object"},
};


START_TEST(args_bad)
{
	struct odict *o = NULL;
	char text[256] = "";

	ck_assert_int_eq(EINVAL, args_decode(&o, &spec, badv[_i].prm, text,
					     sizeof(text)));
	ck_assert_ptr_null(o);
	ck_assert_msg(strstr(text, badv[_i].text) != NULL, "%s", text);
}
END_TEST


/* Only where the last word takes the rest */
START_TEST(args_words)
{
	static const struct arg_spec words = {
		.keyv = {{"id", ARG_UINT}, {"conversation", ARG_UINT},
			 {"state", ARG_STR}},
		.posv = {"id|c", "state"},
	};
	struct odict *o = NULL;
	char text[256] = "";

	ck_assert_int_eq(EINVAL, args_decode(&o, &words, "1 a b", text,
					     sizeof(text)));
	ck_assert_str_eq("too many words", text);
	ck_assert_int_eq(EINVAL, args_decode(&o, &words, "cx", text,
					     sizeof(text)));
	ck_assert_str_eq("\"conversation\" must be a number", text);
	ck_assert_int_eq(0, args_decode(&o, &words, "c2 a ", text,
					sizeof(text)));
	ck_assert_uint_eq(2, args_uint(o, "conversation"));
	ck_assert_str_eq("a", args_str(o, "state"));
	mem_deref(o);
}
END_TEST


/*
 * Drafts
 */

static size_t draft_size(const struct drafts *d, const char *name)
{
	const struct mbuf *mb = drafts_find(d, name);

	ck_assert_ptr_nonnull(mb);
	ck_assert_uint_eq(0, mb->pos);

	return mb->end;
}


START_TEST(draft)
{
	const struct mbuf *mb;
	struct drafts *d;
	size_t size = 0;

	ck_assert_int_eq(0, drafts_alloc(&d));
	ck_assert_ptr_null(drafts_find(d, "a"));
	ck_assert_int_eq(ENOENT, drafts_remove(d, "a"));
	ck_assert_int_eq(0, drafts_append(d, "a", "one ", &size));
	ck_assert_uint_eq(4, size);
	ck_assert_int_eq(0, drafts_append(d, "b", "", &size));
	ck_assert_uint_eq(0, size);
	ck_assert_int_eq(0, drafts_append(d, "a", "two", &size));
	ck_assert_uint_eq(7, size);
	ck_assert_uint_eq(0, draft_size(d, "b"));
	mb = drafts_find(d, "a");
	ck_assert_uint_eq(7, mb->end);
	ck_assert_uint_eq(0, mb->pos);
	ck_assert_mem_eq("one two", mb->buf, 7);
	ck_assert_int_eq(0, drafts_remove(d, "a"));
	ck_assert_ptr_null(drafts_find(d, "a"));
	ck_assert_uint_eq(0, draft_size(d, "b"));
	mem_deref(d);
}
END_TEST


START_TEST(draft_limits)
{
	char name[DRAFT_NAME_MAX + 2], *piece;
	struct drafts *d;
	size_t size = 0;
	unsigned i;

	ck_assert_int_eq(0, drafts_alloc(&d));
	memset(name, 'n', sizeof(name));
	name[DRAFT_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(EINVAL, drafts_append(d, name, "x", NULL));
	ck_assert_int_eq(EINVAL, drafts_append(d, "", "x", NULL));
	ck_assert_int_eq(EINVAL, drafts_append(d, "a", NULL, NULL));
	name[DRAFT_NAME_MAX] = '\0';
	ck_assert_int_eq(0, drafts_append(d, name, "x", NULL));
	ck_assert_uint_eq(1, draft_size(d, name));

	/* as many as there may be, and room again */
	for (i=1; i<DRAFTS_MAX; i++) {
		(void)re_snprintf(name, sizeof(name), "%u", i);
		ck_assert_int_eq(0, drafts_append(d, name, "x", NULL));
	}
	ck_assert_int_eq(EBUSY, drafts_append(d, "more", "x", NULL));
	ck_assert_ptr_null(drafts_find(d, "more"));
	ck_assert_int_eq(0, drafts_append(d, "1", "y", &size));
	ck_assert_uint_eq(2, size);
	ck_assert_int_eq(0, drafts_remove(d, "2"));
	ck_assert_int_eq(0, drafts_append(d, "more", "", NULL));

	/* as long as one may be: one octet more, and it stays */
	piece = mem_zalloc(DRAFT_SIZE + 1, NULL);
	ck_assert_ptr_nonnull(piece);
	memset(piece, 'x', DRAFT_SIZE);
	ck_assert_int_eq(0, drafts_append(d, "more", piece, &size));
	ck_assert_uint_eq(DRAFT_SIZE, size);
	ck_assert_int_eq(EMSGSIZE, drafts_append(d, "more", "x", NULL));
	ck_assert_int_eq(EMSGSIZE, drafts_append(d, "1", piece, NULL));
	ck_assert_uint_eq(DRAFT_SIZE, draft_size(d, "more"));
	ck_assert_uint_eq(2, draft_size(d, "1"));
	mem_deref(piece);
	mem_deref(d);
}
END_TEST


/* Each allocation fails in turn: the draft is as before */
START_TEST(draft_oom)
{
	char piece[8192];
	struct drafts *d;
	unsigned at, n = 0;
	int err = ENOMEM;

	memset(piece, 'x', sizeof(piece));
	piece[sizeof(piece) - 1] = '\0';
	for (at=1; err; at++) {
		ck_assert_int_eq(0, drafts_alloc(&d));
		ck_assert_int_eq(0, drafts_append(d, "old", "12", NULL));
		oom_arm(at, true);
		err = drafts_append(d, "old", piece, NULL);
		if (!err)
			err = drafts_append(d, "new", piece, NULL);
		n += oom_disarm() > 0;
		ck_assert(!err || err == ENOMEM);
		ck_assert(draft_size(d, "old") == 2 ||
			  draft_size(d, "old") == 2 + sizeof(piece) - 1);
		ck_assert_int_eq(err != 0, !drafts_find(d, "new"));
		mem_deref(d);
	}
	ck_assert_uint_ge(n, 3);
}
END_TEST


/*
 * Files
 */

static void setup(void)
{
	unit_mkdir(dir, sizeof(dir));
	(void)re_snprintf(path, sizeof(path), "%s/file", dir);
}


static void teardown(void)
{
	unit_rmdir(dir);
}


static void put(const void *buf, size_t len, size_t times)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	while (times--)
		ck_assert_uint_eq(len, fwrite(buf, 1, len, f));
	ck_assert_int_eq(0, fclose(f));
}


static void type_is(const char *want)
{
	char type[CPM_TYPE_MAX + 1] = "";
	const char *why = NULL;
	struct filetype *ft;

	ck_assert_int_eq(0, filetype_alloc(&ft));
	ck_assert_int_eq(0, filetype_get(ft, type, sizeof(type), path, &why));
	ck_assert_str_eq(want, type);
	ck_assert_ptr_null(why);
	mem_deref(ft);
}


static const struct {
	const char *octets;
	size_t len;
	const char *type;
} typev[] = {
#define OCTETS(str) (str), sizeof(str) - 1
	{OCTETS("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\6\0\0\0"),
	 "image/png"},
	{OCTETS("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"),
	 "image/jpeg"},
	{OCTETS("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "application/pdf"},
	{OCTETS("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	 "application/zip"},
	{OCTETS("just a text\n"), "text/plain;charset=UTF-8"},
	{OCTETS("caf\xc3\xa9 \xe6\xbc\xa2\n"), "text/plain;charset=UTF-8"},
	{OCTETS("caf\xe9 na\xefve\n"), "text/plain;charset=iso-8859-1"},
	{OCTETS("<!DOCTYPE html>\n<html><head><title>x</title></head></html>"),
	 "text/html;charset=UTF-8"},
	{OCTETS("\0\1\2\3\4\5\6\7\x80\x81\xfe\xff"),
	 "application/octet-stream"},
	{OCTETS("x"), "application/octet-stream"},
};


START_TEST(types)
{
	put(typev[_i].octets, typev[_i].len, 1);
	type_is(typev[_i].type);
}
END_TEST


/* What the text is behind the part that libmagic is asked about */
START_TEST(types_long)
{
	static const char line[] = "a line of a long text\n";
	FILE *f;

	/* a character across the end of what is looked at */
	put("\xc3\xa9", 2, HEAD);
	type_is("text/plain;charset=UTF-8");
	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	fputc('a', f);
	while (ftell(f) < HEAD + 100)
		fputs("\xc3\xa9", f);
	fclose(f);
	type_is("text/plain;charset=UTF-8");

	/* no UTF-8 later, and no text at all */
	put(line, sizeof(line) - 1, 1000);
	f = fopen(path, "ab");
	ck_assert_ptr_nonnull(f);
	fputs("caf\xe9\n", f);
	fclose(f);
	type_is("text/plain");
	f = fopen(path, "ab");
	ck_assert_ptr_nonnull(f);
	fputc('\0', f);
	fclose(f);
	type_is("application/octet-stream");

	/* without a limit libmagic would take half a second */
	put("\n", 1, HEAD);
	type_is("text/plain;charset=UTF-8");
}
END_TEST


static void path_is(const char *file, int want, const char *text)
{
	char type[CPM_TYPE_MAX + 1] = "";
	const char *why = NULL;
	struct filetype *ft;

	ck_assert_int_eq(0, filetype_alloc(&ft));
	ck_assert_int_eq(want, filetype_get(ft, type, sizeof(type), file,
					    &why));
	ck_assert_str_eq("", type);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, text) != NULL, "%s", why);
	/* also if it is known what it is */
	ck_assert_int_eq(want, filetype_get(ft, NULL, 0, file, &why));
	mem_deref(ft);
}


/* Nothing of it is opened: a FIFO without a writer would wait for ever */
START_TEST(paths)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char under[600], there[600];
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	path_is("file", EINVAL, "no path from / on");
	path_is("", EINVAL, "no path from / on");
	path_is("~/file", EINVAL, "no path from / on");
	path_is(path, ENOENT, "is not there");
	path_is(dir, EISDIR, "is a folder");
	path_is("/dev/null", EINVAL, "no regular file");
	put("", 0, 1);
	path_is(path, EINVAL, "is empty");
	snprintf(under, sizeof(under), "%s/x", path);
	path_is(under, ENOTDIR, "is not there");

	snprintf(there, sizeof(there), "%s/fifo", dir);
	ck_assert_int_eq(0, mkfifo(there, 0600));
	path_is(there, EINVAL, "no regular file");

	snprintf(there, sizeof(there), "%s/s", dir);
	ck_assert_uint_lt(strlen(there), sizeof(un.sun_path));
	memcpy(un.sun_path, there, strlen(there));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(0, bind(fd, (struct sockaddr *)&un, sizeof(un)));
	path_is(there, EINVAL, "no regular file");
	close(fd);

	/* the user's links are his business */
	put("text", 4, 1);
	snprintf(there, sizeof(there), "%s/link", dir);
	ck_assert_int_eq(0, symlink(path, there));
	snprintf(path, sizeof(path), "%s", there);
	type_is("text/plain;charset=UTF-8");
}
END_TEST


static const struct {
	const char *type;
	bool valid;
} validv[] = {
	{"text/plain", true},
	{"text/plain;charset=UTF-8", true},
	{"text/plain ; charset=\"UTF-8\" ;format=flowed", true},
	{"application/vnd.x-y+xml;a=\"q\\\"uo;te\"", true},
	{"", false},
	{"text", false},
	{"text/", false},
	{"/plain", false},
	{"text/plain;", false},
	{"text/plain;charset", false},
	{"text/plain;charset=", false},
	{"text/plain;charset=\"", false},
	{"text/plain;charset=\"x\\", false},
	{"text/plain;charset=a b", false},
	{"text/plain\r\nX-Evil: 1", false},
	{"text/plain;a=\"\r\n\"", false},
	{"text/pl\xc3\xa4in", false},
	{"te xt/plain", false},
	{"text/plain/x", false},
	{" text/plain", false},
};


START_TEST(type_valid)
{
	ck_assert_int_eq(validv[_i].valid, filetype_isvalid(validv[_i].type));
}
END_TEST


START_TEST(type_length)
{
	char type[CPM_TYPE_MAX + 2];

	memset(type, 'x', sizeof(type));
	type[1] = '/';
	type[CPM_TYPE_MAX] = '\0';
	ck_assert(filetype_isvalid(type));
	type[CPM_TYPE_MAX] = 'x';
	type[CPM_TYPE_MAX + 1] = '\0';
	ck_assert(!filetype_isvalid(type));
	ck_assert(!filetype_isvalid(NULL));
}
END_TEST


Suite *command_suite(void)
{
	Suite *s = suite_create("command");
	TCase *tc = tcase_create("args");

	tcase_add_loop_test(tc, args_good, 0, ARRAY_SIZE(goodv));
	tcase_add_loop_test(tc, args_bad, 0, ARRAY_SIZE(badv));
	tcase_add_test(tc, args_words);
	suite_add_tcase(s, tc);

	tc = tcase_create("draft");
	tcase_add_test(tc, draft);
	tcase_add_test(tc, draft_limits);
	tcase_add_test(tc, draft_oom);
	suite_add_tcase(s, tc);

	tc = tcase_create("file");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, types, 0, ARRAY_SIZE(typev));
	tcase_add_test(tc, types_long);
	tcase_add_test(tc, paths);
	tcase_add_loop_test(tc, type_valid, 0, ARRAY_SIZE(validv));
	tcase_add_test(tc, type_length);
	suite_add_tcase(s, tc);

	return s;
}
