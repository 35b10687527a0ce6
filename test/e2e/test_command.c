/**
 * @file test_command.c  The commands that send, as far as they are commands:
 *                       what they refuse, drafts, types of files
 *
 * bus.md, Commands. What is sent arrives in the tests of sending.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"

#define PIECE 600   /* octets of a piece of a draft */
#define TO "\"to\":\"" BOB "\""


struct refusal {
	const char *prm;      /* @ is the environment's folder            */
	const char *code;
	const char *text;
};


/* With the path of the environment in the place of @ */
static const char *fill(struct env *env, const char *prm)
{
	const char *at = prm ? strstr(prm, "\"@") : NULL;

	return at ? env_str(env, "%.*s%s%s", (int)(at + 1 - prm), prm,
			    env_path(env, "."), at + 2) : prm;
}


static void all_refused(struct scene *s, const char *cmd,
			const struct refusal *v, size_t n)
{
	size_t i;

	for (i=0; i<n; i++)
		scene_refused(s, cmd, fill(s->env, v[i].prm), v[i].code,
			      v[i].text);
}


static const struct refusal sendv[] = {
	{NULL, "EINVAL", "by cpm_draft"},
	{"{}", "EINVAL", "by cpm_draft"},
	{BOB, "EINVAL", "one of \"text\", \"draft\" and \"file\" is needed"},
	{"{\"text\":\"x\"}", "EINVAL",
	 "one of \"to\", \"conversation\" and \"reply_to\" is needed"},
	{"{" TO ",\"conversation\":1,\"text\":\"x\"}", "EINVAL",
	 "not several"},
	{"{" TO ",\"text\":\"x\",\"file\":\"/etc/passwd\"}", "EINVAL",
	 "not several"},
	{"{" TO ",\"txt\":\"x\"}", "EINVAL", "unknown key \"txt\""},
	{"{" TO ",\"text\":7}", "EINVAL", "\"text\" must be a string"},
	{"{\"conversation\":\"1\",\"text\":\"x\"}", "EINVAL",
	 "\"conversation\" must be a number"},
	{"nobody x", "EINVAL", "no sip, sips or tel URI"},
	{"{\"to\":\"http://x/\",\"text\":\"x\"}", "EINVAL",
	 "no sip, sips or tel URI"},
	{"c99 x", "ENOENT", "no conversation 99"},
	{"c0 x", "ENOENT", "no conversation 0"},
	{"r99 x", "ENOENT", "no message 99"},
	{"{\"reply_to\":0,\"text\":\"x\"}", "ENOENT", "no message 0"},
	{"{" TO ",\"account\":\"sip:nobody@x\",\"text\":\"x\"}", "ENOENT",
	 "no account sip:nobody@x"},
	{"{" TO ",\"text\":\"x\",\"mode\":\"fast\"}", "EINVAL",
	 "auto, page, large or session"},
	{"{" TO ",\"text\":\"\"}", "EINVAL", "there is no text"},
	{"{" TO ",\"text\":\"caf\xc3(\"}", "EINVAL", "no UTF-8 at octet 3"},
	{"{" TO ",\"text\":\"a\\u0000b\"}", "EINVAL", "\\u0000"},
	{"{" TO ",\"text\":\"x\",\"type\":\"text\"}", "EINVAL",
	 "must be a media type"},
	{"{" TO ",\"text\":\"x\",\"type\":\"text/plain\\r\\nX: y\"}",
	 "EINVAL", "must be a media type"},
	{"{" TO ",\"text\":\"x\",\"type\":\"message/imdn+xml\"}",
	 "EINVAL", "messages have no such type"},
	{"{" TO ",\"text\":\"x\",\"mode\":\"page\",\"file\":\"@\"}",
	 "EINVAL", "not several"},
	{"{" TO ",\"draft\":\"long\",\"mode\":\"page\"}", "EMSGSIZE",
	 "over cpm_page_limit"},
	{"{" TO ",\"file\":\"@/huge\"}", "EMSGSIZE", "over cpm_max_size"},
	{"{" TO ",\"draft\":\"none\"}", "ENOENT", "no draft none"},
	{"{" TO ",\"draft\":\"empty\"}", "EINVAL", "there is no text"},
	{"{" TO ",\"draft\":\"half\"}", "EINVAL", "no UTF-8 at octet 1"},
	{"{" TO ",\"file\":\"photo.jpg\"}", "EINVAL",
	 "the file \"photo.jpg\" is no path from / on"},
	{"{" TO ",\"file\":\"@/none\"}", "ENOENT", "/none\" is not there"},
	{"{" TO ",\"file\":\"@\"}", "EISDIR", "is a folder"},
	{"{" TO ",\"file\":\"@/fifo\"}", "EINVAL", "is no regular file"},
	{"{" TO ",\"file\":\"/dev/zero\"}", "EINVAL", "is no regular file"},
	{"{" TO ",\"file\":\"@/nothing\"}", "EINVAL", "is empty"},
};

static const struct refusal draftv[] = {
	{NULL, "EINVAL", "parameters are missing"},
	{"x", "EINVAL", "too many words"},
	{"{\"append\":\"x\"}", "EINVAL", "a name of 1 to 64 octets"},
	{"{\"draft\":\"\",\"append\":\"x\"}", "EINVAL", "1 to 64 octets"},
	{"{\"draft\":\"12345678901234567890123456789012345678901234567890"
	 "123456789012345\",\"append\":\"x\"}", "EINVAL", "1 to 64 octets"},
	{"{\"draft\":\"none\"}", "ENOENT", "no draft none"},
	{"{\"draft\":\"a\",\"append\":\"x\",\"clear\":true}", "EINVAL",
	 "not both"},
	{"{\"draft\":\"a\",\"apend\":\"x\"}", "EINVAL",
	 "unknown key \"apend\""},
	{"{\"draft\":\"a\",\"clear\":\"yes\"}", "EINVAL",
	 "\"clear\" must be true or false"},
};

static const struct refusal cancelv[] = {
	{NULL, "EINVAL", "parameters are missing"},
	{"99", "ENOENT", "no message 99"},
	{"0", "ENOENT", "no message 0"},
	{"1", "EINVAL", "message 1 is not yours"},
	{"x", "EINVAL", "\"id\" must be a number"},
};


/* Each line of an error; and nothing of it did anything */
START_TEST(refused)
{
	struct scene s;
	int i;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s ask=none text=still here", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, mkfifo(env_path(s.env, "fifo"), 0600));
	file_write(env_path(s.env, "nothing"), "");
	file_write(env_path(s.env, "huge"), "x");
	ck_assert_int_eq(0, truncate(env_path(s.env, "huge"), 100000001));
	for (i=0; i<2; i++)
		(void)ctrl_ask(s.c, "cpm_draft", "{\"draft\":\"long\","
			       "\"append\":\"%s\"}",
			       scene_text(s.env, 0, 651, 651));
	(void)ctrl_ask(s.c, "cpm_draft",
		       "{\"draft\":\"empty\",\"append\":\"\"}");
	(void)ctrl_ask(s.c, "cpm_draft",
		       "{\"draft\":\"half\",\"append\":\"x\xe6\xbc\"}");

	all_refused(&s, "cpm_send", sendv, ARRAY_SIZE(sendv));
	all_refused(&s, "cpm_draft", draftv, ARRAY_SIZE(draftv));
	all_refused(&s, "cpm_cancel", cancelv, ARRAY_SIZE(cancelv));

	ck_assert_int_eq(1, scene_count(&s, "messages"));
	ck_assert_int_eq(0, scene_count(&s, "queued"));
	/* a draft that was not sent is there still */
	ck_assert_int_eq(3, j_int(ctrl_ask(s.c, "cpm_draft",
					   "{\"draft\":\"half\"}"), "size"));
	scene_close(&s);
}
END_TEST


/* Sixteen drafts, and no more until one was sent or cleared */
START_TEST(drafts)
{
	struct scene s;
	const struct odict *o;
	int i;

	scene_open(&s, NULL);
	scene_start(&s);
	for (i=0; i<16; i++) {
		o = ctrl_ask(s.c, "cpm_draft",
			     "{\"draft\":\"%d\",\"append\":\"text %d\"}", i,
			     i);
		ck_assert_str_eq(env_str(s.env, "%d", i), j_str(o, "draft"));
		ck_assert_int_eq(i < 10 ? 6 : 7, j_int(o, "size"));
	}
	scene_refused(&s, "cpm_draft", "{\"draft\":\"x\",\"append\":\"x\"}",
		      "EBUSY", "16 drafts are there: send or clear one");
	o = ctrl_ask(s.c, "cpm_draft", "{\"draft\":\"3\",\"clear\":true}");
	ck_assert_int_eq(0, j_int(o, "size"));
	scene_refused(&s, "cpm_draft", "{\"draft\":\"3\"}", "ENOENT",
		      "no draft 3");
	(void)ctrl_ask(s.c, "cpm_draft",
		       "{\"draft\":\"x\",\"append\":\"x\"}");
	/* clearing what is not there is no mistake */
	(void)ctrl_ask(s.c, "cpm_draft", "{\"draft\":\"3\",\"clear\":true}");
	scene_close(&s);
}
END_TEST


static const struct odict *message(struct scene *s, const struct odict *sent)
{
	return ctrl_ask(s->c, "cpm_message", "%lld",
			(long long)j_int(sent, "id"));
}


/* A text that no command could hold, piece by piece */
START_TEST(long_text)
{
	enum { TOTAL = 100000 };
	struct scene s;
	const struct odict *o;
	const char *text;
	size_t off = 0;

	scene_open(&s, NULL);
	scene_start(&s);
	text = scene_text(s.env, 0, TOTAL, TOTAL);
	while (off < TOTAL) {
		o = ctrl_ask(s.c, "cpm_draft", "{\"draft\":\"long\","
			     "\"append\":\"%s\"}", j_escape(s.env,
			     scene_text(s.env, off, PIECE < TOTAL - off
					? PIECE : TOTAL - off, TOTAL)));
		off += PIECE < TOTAL - off ? PIECE : TOTAL - off;
		ck_assert_int_eq((int64_t)off, j_int(o, "size"));
	}

	o = ctrl_ask(s.c, "cpm_send", "{" TO ",\"draft\":\"long\"}");
	o = message(&s, o);
	ck_assert_int_eq(TOTAL, j_int(o, "size"));
	ck_assert(!strcmp(text, j_str(o, "text")));
	ck_assert_str_eq("out", j_str(o, "direction"));
	ck_assert_str_eq(ALICE, j_str(o, "account"));
	ck_assert_str_eq(BOB, j_str(o, "peer"));
	/* it is gone by that */
	scene_refused(&s, "cpm_draft", "{\"draft\":\"long\"}", "ENOENT",
		      "no draft long");
	scene_close(&s);
}
END_TEST


/* What is known of a file without being told, and what is told counts more */
START_TEST(files)
{
	static const char pdf[] = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
	struct scene s;
	const struct odict *o;
	const char *path;
	char *in;
	size_t size;

	scene_open(&s, NULL);
	scene_start(&s);
	path = env_path(s.env, "a book.dat");
	file_write(path, pdf);
	o = ctrl_ask(s.c, "cpm_send", "{" TO ",\"file\":\"%s\"}", path);
	o = message(&s, o);
	ck_assert_str_eq("application/pdf", j_str(o, "type"));
	ck_assert_str_eq(path, j_str(o, "file"));
	ck_assert_str_eq("a book.dat", j_str(o, "filename"));
	ck_assert_int_eq(sizeof(pdf) - 1, j_int(o, "size"));

	o = ctrl_ask(s.c, "cpm_send", "{" TO ",\"file\":\"%s\",\"type\":"
		     "\"application/x-mine;a=b\"}", path);
	ck_assert_str_eq("application/x-mine;a=b",
			 j_str(message(&s, o), "type"));

	path = env_path(s.env, "poem.txt");
	file_write(path, "caf\xc3\xa9\n");
	o = ctrl_ask(s.c, "cpm_send", "{" TO ",\"file\":\"%s\"}", path);
	ck_assert_str_eq("text/plain;charset=UTF-8",
			 j_str(message(&s, o), "type"));

	/* it is read where it lies, and nothing happens to it */
	in = file_read(path, &size);
	ck_assert_uint_eq(6, size);
	mem_deref(in);
	scene_close(&s);
}
END_TEST


/* Words and JSON say the same; the current account is the default */
START_TEST(words)
{
	struct scene s;
	const struct odict *o;
	int64_t conv;

	scene_open(&s, NULL);
	scene_start(&s);
	o = message(&s, ctrl_ask(s.c, "cpm_send", "%s  hello  there \"", BOB));
	ck_assert_str_eq("hello  there \"", j_str(o, "text"));
	ck_assert_str_eq(BOB, j_str(o, "peer"));
	conv = j_int(o, "conversation");
	o = message(&s, ctrl_ask(s.c, "cpm_send", "c%d and again",
				 (int)conv));
	ck_assert_str_eq("and again", j_str(o, "text"));
	ck_assert_int_eq(conv, j_int(o, "conversation"));
	o = message(&s, ctrl_ask(s.c, "cpm_send", "{\"to\":\"SIP:bob@CPM.TEST"
				 ";x=y\",\"account\":\"%s\",\"text\":"
				 "\"\\u00e9\\n\"}", ALICE));
	ck_assert_str_eq("\xc3\xa9\n", j_str(o, "text"));
	ck_assert_int_eq(conv, j_int(o, "conversation"));
	o = message(&s, ctrl_ask(s.c, "cpm_send", "{" TO ",\"text\":\"<b>\","
				 "\"type\":\"text/html\"}"));
	ck_assert_str_eq("text/html", j_str(o, "type"));
	ck_assert_str_eq("<b>", j_str(o, "text"));
	scene_close(&s);
}
END_TEST


/* Taken off the queue while nobody answers: told once, and never sent */
START_TEST(cancel)
{
	struct scene s;
	const struct odict *o;
	int64_t a, b;

	scene_open(&s, NULL);
	scene_start(&s);
	ck_assert_int_eq(0, pf_quit(s.pf));
	a = j_int(ctrl_ask(s.c, "cpm_send", "%s one", BOB), "id");
	b = j_int(ctrl_ask(s.c, "cpm_send", "%s two", BOB), "id");
	ck_assert_int_eq(2, scene_count(&s, "queued"));

	o = ctrl_ask(s.c, "cpm_cancel", "%d", (int)a);
	ck_assert_int_eq(a, j_int(o, "canceled"));
	o = ctrl_event(s.c, "status", E2E_WAIT);
	while (strcmp("failed", j_str(o, "status")))
		o = ctrl_event(s.c, "status", E2E_WAIT);
	ck_assert_int_eq(a, j_int(o, "id"));
	ck_assert_str_eq("canceled", j_str(o, "reason"));
	o = ctrl_ask(s.c, "cpm_message", "%d", (int)a);
	ck_assert_str_eq("failed", j_str(o, "status"));
	ck_assert_str_eq("canceled", j_str(o, "reason"));
	ck_assert(!j_has(o, "code"));
	scene_refused(&s, "cpm_cancel", env_str(s.env, "%d", (int)a),
		      "EALREADY", "does not wait to be sent any more");

	/* deleted: without a word */
	o = ctrl_ask(s.c, "cpm_delete", "%d", (int)b);
	ck_assert_int_eq(1, j_int(o, "deleted"));
	(void)ctrl_until(s.c, "cpm_status", NULL, "messages", 1, E2E_WAIT);
	ck_assert_int_eq(0, scene_count(&s, "queued"));

	scene_pf_restart(&s, "secret");
	scene_close(&s);
}
END_TEST


void command_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "command", 60);

	tcase_add_test(tc, refused);
	tcase_add_test(tc, drafts);
	tcase_add_test(tc, long_text);
	tcase_add_test(tc, files);
	tcase_add_test(tc, words);
	tcase_add_test(tc, cancel);
}
