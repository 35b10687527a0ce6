/**
 * @file test_file.c  Messages that are no text: pictures, files, and what
 *                    only says where a file lies
 *
 * wire.md 4.2; RFC 2183 (file names), RFC 2045 (encodings), GSMA RCC.07 (file
 * transfer over HTTP). All go through Kamailio.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "suite.h"
#include "scene.h"


enum {
	SIZE   = 10000000,    /* octets of the picture                      */
	NUMBER = 5,           /* messages                                   */
};

#define FTHTTP "application/vnd.gsma.rcs-ft-http+xml"


static void octets_write(const char *path, size_t size)
{
	FILE *f = fopen(path, "wb");
	uint32_t x = 1;
	size_t i;

	ck_assert_ptr_nonnull(f);
	for (i=0; i<size; i++) {
		x = x * 1664525 + 1013904223;
		fputc((int)(x >> 24), f);
	}
	ck_assert_int_eq(0, fclose(f));
}


static void same(const char *a, const char *b)
{
	size_t an, bn;
	char *at = file_read(a, &an), *bt = file_read(b, &bn);

	ck_assert(at && bt);
	ck_assert_uint_eq(an, bn);
	ck_assert_int_eq(0, memcmp(at, bt, an));
	mem_deref(at);
	mem_deref(bt);
}


/* Stored as a file of ours: nothing of what the sender calls it is in its
   path, and nobody else reads it */
static void stored(struct scene *s, const struct odict *m, const char *want)
{
	const char *path = j_str(m, "file");
	const char *spool = scene_file(s, "spool");
	struct stat st;

	ck_assert_int_eq(0, strncmp(path, spool, strlen(spool)));
	ck_assert_uint_eq(33, strlen(path + strlen(spool)));
	ck_assert_uint_eq(32, strspn(path + strlen(spool) + 1,
				     "0123456789abcdef"));
	ck_assert_int_eq(0, stat(path, &st));
	ck_assert_uint_eq(S_IFREG | 0600, st.st_mode);
	same(path, want);
	ck_assert(!j_has(m, "text"));
}


/* Only the description is there, and the server was not asked: the PF's and
   Kamailio's are the only connections of the softphone */
static void described(const struct odict *m)
{
	const struct odict *ft = j_obj(m, "ft");

	ck_assert_str_eq(FTHTTP, j_str(m, "type"));
	ck_assert_str_eq("https://www.linphone.org:444//tmp/"
			 "645c1f2741cff_dd766e8879da39b69c76.png",
			 j_str(ft, "url"));
	ck_assert_str_eq("finn.png", j_str(ft, "name"));
	ck_assert_str_eq("image/png", j_str(ft, "type"));
	ck_assert_int_eq(286271, j_int(ft, "size"));
	ck_assert_str_eq("2023-05-17T22:48:07Z", j_str(ft, "until"));
	ck_assert(!j_has(ft, "thumbnail"));
	ck_assert_ptr_eq(j_str(m, "text"),
			 strstr(j_str(m, "text"), "<?xml "));
	ck_assert(!j_has(m, "file"));
}


static const char *qp_write(const char *path)
{
	static const uint8_t want[] = {'A', 'B', '\r', '\n', 0, 0xff, 'z'};
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(sizeof(want), fwrite(want, 1, sizeof(want), f));
	fclose(f);

	return path;
}


/* What the export has of them */
static void exported(struct scene *s)
{
	const char *path = env_path(s->env, "all.json");
	const char *p;
	char *text;
	struct odict *o;
	unsigned i;

	(void)ctrl_ask(s->c, "cpm_export", "%s", path);
	ck_assert_str_eq("done", j_str(ctrl_event(s->c, "export", E2E_WAIT),
				       "state"));
	p = text = file_read(path, NULL);
	ck_assert_ptr_nonnull(text);
	for (i=1; i<=NUMBER; i++) {
		const struct odict *m = ctrl_ask(s->c, "cpm_message", "%u", i);
		const char *end = strchr(p, '\n');

		ck_assert_ptr_nonnull(end);
		o = j_decode(p, (size_t)(end - p));
		ck_assert_ptr_nonnull(o);
		env_keep(s->env, o);
		ck_assert_int_eq((int64_t)i, j_int(o, "id"));
		ck_assert_str_eq(j_str(m, "type"), j_str(o, "type"));
		ck_assert_int_eq(j_has(m, "filename"), j_has(o, "filename"));
		if (j_has(m, "filename"))
			ck_assert_str_eq(j_str(m, "filename"),
					 j_str(o, "filename"));
		ck_assert_int_eq(j_has(m, "ft"), j_has(o, "ft"));
		if (j_has(m, "ft"))
			described(o);
		p = end + 1;
	}
	mem_deref(text);
}


/* base64 of octets, in lines */
static void base64_write(const char *path, const char *from)
{
	size_t n, size, off;
	char *text = file_read(from, &size), b64[80];
	FILE *f = fopen(path, "wb");

	ck_assert(text && f);
	for (off=0; off<size; off+=57) {
		n = sizeof(b64);
		ck_assert_int_eq(0, base64_encode((uint8_t *)text + off,
			min(size - off, (size_t)57), b64, &n));
		ck_assert_uint_eq(n, fwrite(b64, 1, n, f));
		fputs("\r\n", f);
	}
	fclose(f);
	mem_deref(text);
}


/* The XML of a real message */
static char *fthttp_write(struct env *env)
{
	const char *data = getenv("CPM_TEST_DATA");
	char *path = env_path(env, "ft.xml"), *text;

	ck_assert_ptr_nonnull(data);
	text = file_read(env_str(env, "%s/vectors/"
		"15-cpim-fthttp-linphone-LF.txt", data), NULL);
	ck_assert_ptr_nonnull(text);
	file_write(path, strstr(text, "<?xml"));
	mem_deref(text);

	return path;
}


/* type= and disp= are percent encoded */
static void leave(struct scene *s, const char *file)
{
	scene_leave(s, "from=%s type=image/jpeg%%3B%%20name=evil.exe file=%s"
		    " disp=attachment%%3B%%20filename=%%22../..%%5C%%5Ca%%1B%%E2"
		    "%%80%%AEgpj:%%C3%%A9.jpeg%%22", BOB, file);
	base64_write(env_path(s->env, "b64"), env_path(s->env, "small"));
	scene_leave(s, "from=%s type=application/x-zip%%0D%%0A"
		    "Content-Transfer-Encoding:%%20base64 file=%s"
		    " disp=attachment%%3B%%20filename*=UTF-8''%%25E2%%2582%%25AC"
		    ".zip", BOB, env_path(s->env, "b64"));
	scene_leave(s, "from=%s type=no%%20type%%0D%%0AContent-Transfer-"
		    "Encoding:%%20quoted-printable body==41=42%%0D%%0A=00=FF="
		    "%%0D%%0Az filename=.profile", BOB);
	scene_leave(s, "from=%s type=" FTHTTP " file=%s", BOB,
		    fthttp_write(s->env));
	scene_leave(s, "from=%s type=text/x-notes filename=notes.txt text=n",
		    BOB);
}


START_TEST(kinds)
{
	static const char *const wayv[] = {"all", "large"};
	const char *argv[] = {"-D", DOMAIN, "-l", "127.0.0.1:0", "-W",
		wayv[_i], "-k", "65536", "-c", NULL, NULL};
	const char *big, *small, *qp;
	const struct odict *m;
	struct core *core;
	struct scene s;

	memset(&s, 0, sizeof(s));
	s.env = env_open();
	core = core_alloc(s.env, DOMAIN, false);
	argv[9] = core->uri;
	s.pf = pf_start(s.env, argv);
	core_run(core, "alice:secret", s.pf);
	big   = env_path(s.env, "big");
	small = env_path(s.env, "small");
	qp    = env_path(s.env, "qp");
	octets_write(big, SIZE);
	octets_write(small, 100001);
	leave(&s, big);
	s.b = baresip_start(s.env, &(struct baresip_args){.name = "alice",
		.accounts = baresip_account(s.env, "alice", DOMAIN,
			env_str(s.env, "%s;transport=tcp", core->uri),
			NULL)});
	s.c = s.b->ctrl;
	scene_delivered(&s, NUMBER);
	ck_assert_int_eq(0, scene_notified(&s, NUMBER));

	m = ctrl_ask(s.c, "cpm_message", "1");
	ck_assert_str_eq("agpj_\xc3\xa9.jpeg", j_str(m, "filename"));
	ck_assert_str_eq("image/jpeg", j_str(m, "type"));
	ck_assert_str_eq("large", j_str(m, "mode"));
	stored(&s, m, big);

	m = ctrl_ask(s.c, "cpm_message", "2");
	ck_assert_str_eq("\xe2\x82\xac.zip", j_str(m, "filename"));
	ck_assert_str_eq("application/x-zip", j_str(m, "type"));
	stored(&s, m, small);

	m = ctrl_ask(s.c, "cpm_message", "3");
	ck_assert_str_eq("profile", j_str(m, "filename"));
	ck_assert_str_eq("application/octet-stream", j_str(m, "type"));
	ck_assert_int_eq(7, j_int(m, "size"));
	stored(&s, m, qp_write(qp));

	described(ctrl_ask(s.c, "cpm_message", "4"));
	described(j_at(ctrl_ask(s.c, "cpm_messages", NULL), "messages", 3));

	m = ctrl_ask(s.c, "cpm_message", "5");
	ck_assert_str_eq("n", j_str(m, "text"));
	ck_assert_str_eq("notes.txt", j_str(m, "filename"));
	ck_assert_str_eq("text/x-notes", j_str(m, "type"));
	exported(&s);
	scene_close(&s);
}
END_TEST


Suite *file_suite(void)
{
	Suite *s = suite_create("file");
	TCase *tc = suite_case(s, "kinds", 60);

	tcase_add_loop_test(tc, kinds, 0, 2);

	return s;
}
