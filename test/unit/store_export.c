/**
 * @file unit/store_export.c  Export: what is written
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/export_unit.h"
#include "unit/store_v1.h"


struct xp xp;


static void event_handler(const struct cpm_event *e, void *arg)
{
	(void)arg;
	ck_assert_int_eq(CPM_EV_EXPORT, e->id);
	++xp.n;
	xp.number   = e->u.exported.number;
	xp.done     = e->u.exported.done;
	xp.messages = e->u.exported.messages;
	xp.lost     = e->u.exported.lost;
	snprintf(xp.path, sizeof(xp.path), "%s", e->u.exported.path);
	snprintf(xp.text, sizeof(xp.text), "%s",
		 e->u.exported.text ? e->u.exported.text : "");
	ck_assert_int_eq(e->u.exported.done, e->u.exported.text == NULL);
	re_cancel();
}


static void setup(void)
{
	fx_setup();
	memset(&xp, 0, sizeof(xp));
	snprintf(xp.out, sizeof(xp.out), "%s/out \xc3\xbc.jsonl", fx.dir);
	snprintf(xp.files, sizeof(xp.files), "%s.files", xp.out);
	xp.cpm.host.eventh = event_handler;
}


void xp_open(void)
{
	fx_open();
	xp.cpm.store = fx.st;
}


void xp_setup_open(void)
{
	setup();
	xp_open();
}


static void late_handler(void *arg)
{
	(void)arg;
	ck_abort_msg("the export does not end");
}


/* Of the export that was begun last */
void xp_wait(void)
{
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, 30000, late_handler, NULL);
	if (!xp.n)
		ck_assert_int_eq(0, re_main(NULL));
	tmr_cancel(&tmr);
	ck_assert_uint_eq(1, xp.n);
}


/* Run one to its end */
void xp_run(uint64_t conv)
{
	uint32_t number = 0;

	xp.n = 0;
	ck_assert_int_eq(0, cpm_export(&xp.cpm, xp.out, conv, &number));
	ck_assert_uint_gt(number, 0);
	xp_wait();
	ck_assert_uint_eq(number, xp.number);
	ck_assert_str_eq(xp.out, xp.path);
}


/* Files and folders beside the database's */
unsigned xp_beside(void)
{
	DIR *dir = opendir(fx.dir);
	struct dirent *de;
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.' && strcmp(de->d_name, "cpm");
	closedir(dir);

	return n;
}


/*
 * What was written
 */

static struct mbuf *file_get(const char *path, mode_t mode)
{
	struct mbuf *mb = mbuf_alloc(100000);
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t buf[4096];
	size_t n;

	ck_assert_ptr_nonnull(mb);
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_int_eq(0, fstat(fileno(f), &st));
	ck_assert_uint_eq(mode, st.st_mode & 07777);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		ck_assert_int_eq(0, mbuf_write_mem(mb, buf, n));
	fclose(f);
	mb->pos = 0;

	return mb;
}


/*
 * RFC 8259, strictly, for what a line may be: libre's decoder lets much pass
 *
 * object = "{" member *( "," member ) "}"
 * member = string ":" ( string / 1*DIGIT / "true" / "false" )
 */
static const char *skip_string(const char *p)
{
	ck_assert_int_eq('"', *p);
	for (++p; *p != '"'; ++p) {
		ck_assert_int_ge((uint8_t)*p, 0x20);
		if (*p != '\\')
			continue;

		++p;
		ck_assert_msg(*p && strchr("\"\\nt", *p), "escape %.9s", p);
	}

	return p + 1;
}


static void check_line(const char *p, size_t len)
{
	const char *start = p;

	ck_assert_int_eq('{', *p);
	do {
		p = skip_string(p + 1);
		ck_assert_int_eq(':', *p++);
		if (*p == '"')
			p = skip_string(p);
		else if (*p == 't' || *p == 'f')
			p += strspn(p, "truefals");
		else
			p += strspn(p, "0123456789");
	} while (*p == ',');
	ck_assert_int_eq('}', *p);
	ck_assert_uint_eq(len, (size_t)(p + 1 - start));
}


struct lines {
	struct mbuf *mb;
	struct odict *v[3000];
	unsigned n;
};

static struct lines lines;


/* Each line is an object, and all of it is safe text */
static void read_lines(void)
{
	struct mbuf *clean = mbuf_alloc(1024);

	lines.n = 0;
	lines.mb = file_get(xp.out, 0600);
	ck_assert_int_eq(0, cpm_text_clean(clean, lines.mb->buf,
					   lines.mb->end));
	ck_assert_uint_eq(lines.mb->end, clean->end);
	ck_assert_mem_eq(lines.mb->buf, clean->buf, clean->end);
	mem_deref(clean);

	while (mbuf_get_left(lines.mb)) {
		const char *p = (const char *)mbuf_buf(lines.mb);
		const char *end = memchr(p, '\n', mbuf_get_left(lines.mb));
		const size_t len = end ? (size_t)(end - p) : 0;

		ck_assert_ptr_nonnull(end);
		check_line(p, len);
		ck_assert_int_eq(0, json_decode_odict(&lines.v[lines.n++], 32,
						      p, len, 4));
		mbuf_advance(lines.mb, (ssize_t)len + 1);
	}
}


static void free_lines(void)
{
	while (lines.n)
		mem_deref(lines.v[--lines.n]);
	lines.mb = mem_deref(lines.mb);
}


static const char *get_str(const struct odict *o, const char *key)
{
	return odict_string(o, key);
}


static uint64_t get_num(const struct odict *o, const char *key)
{
	uint64_t num = 0;

	ck_assert_msg(odict_get_number(o, &num, key), "no number %s", key);

	return num;
}


static bool get_bool(const struct odict *o, const char *key)
{
	bool val = false;

	ck_assert_msg(odict_get_boolean(o, &val, key), "no boolean %s", key);

	return val;
}


static char *cleaned(const struct mbuf *body)
{
	struct mbuf *mb = mbuf_alloc(body->end + 1);
	char *str = NULL;

	ck_assert_int_eq(0, cpm_text_clean(mb, body->buf, body->end));
	mb->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	mem_deref(mb);

	return str;
}


static void check_time(uint64_t ms, const char *got)
{
	char want[64];

	ck_assert_int_gt(re_snprintf(want, sizeof(want), "%H",
				     cpim_time_print, &ms), 0);
	ck_assert_pstr_eq(want, got);
}


static void check_body(const struct odict *o, const struct v1_msg *row)
{
	struct mbuf *body = v1_body(row), *mb;
	char want[500], *text;

	ck_assert_uint_eq(body->end, get_num(o, "size"));
	ck_assert_ptr_null(odict_lookup(o, "lost"));
	ck_assert_ptr_null(odict_lookup(o, "cut"));
	if (row->text) {
		text = cleaned(body);
		ck_assert_pstr_eq(text, get_str(o, "text"));
		ck_assert_ptr_null(odict_lookup(o, "file"));
		mem_deref(text);
	}
	else {
		ck_assert_ptr_null(odict_lookup(o, "text"));
		snprintf(want, sizeof(want), "%s/%u",
			 strrchr(xp.files, '/') + 1,
			 (unsigned)get_num(o, "id"));
		ck_assert_pstr_eq(want, get_str(o, "file"));
		snprintf(want, sizeof(want), "%s/%s", fx.dir,
			 get_str(o, "file"));
		mb = file_get(want, 0600);
		ck_assert_uint_eq(body->end, mb->end);
		ck_assert_mem_eq(body->buf, mb->buf, mb->end);
		mem_deref(mb);
	}
	mem_deref(body);
}


static void check_msg(const struct odict *o, const struct v1_msg *row)
{
	static const char *const modev[] = {"page", "large", "session"};
	static const char *const statev[] = {"none", "due", "sent", "failed"};
	const bool in = row->direction == CPM_IN;

	ck_assert_pstr_eq(row->account, get_str(o, "account"));
	ck_assert_uint_eq(row->conversation, get_num(o, "conversation"));
	ck_assert_pstr_eq(row->direction == CPM_IN ? "in" : "out",
			  get_str(o, "direction"));
	ck_assert_pstr_eq(row->peer, get_str(o, "peer"));
	ck_assert_pstr_eq(row->name, get_str(o, "name"));
	check_time(row->time, get_str(o, "time"));
	check_time(row->received, get_str(o, "received"));
	ck_assert_int_eq(row->deferred, get_bool(o, "deferred"));
	ck_assert_pstr_eq(modev[row->mode], get_str(o, "mode"));
	ck_assert_pstr_eq(row->type, get_str(o, "type"));
	ck_assert_int_eq(row->read, get_bool(o, "read"));
	ck_assert_pstr_eq(row->peer ? row->msgkey : NULL,
			  get_str(o, "imdn_id"));
	ck_assert_pstr_eq(row->conversation_id,
			  get_str(o, "conversation_id"));
	ck_assert_pstr_eq(row->contribution_id,
			  get_str(o, "contribution_id"));
	ck_assert_pstr_eq(row->in_reply_to, get_str(o, "in_reply_to"));
	ck_assert_pstr_eq(in ? statev[row->report[CPM_DELIVERED]] : NULL,
			  get_str(o, "delivery"));
	ck_assert_pstr_eq(in ? statev[row->report[CPM_DISPLAYED]] : NULL,
			  get_str(o, "display"));
	ck_assert_pstr_eq(in ? NULL : "sent", get_str(o, "status"));
	ck_assert_pstr_eq(NULL, get_str(o, "reason"));
	check_body(o, row);
}


/* Those of a conversation, 0: all, in order, and nothing else */
static void check_v1(uint64_t conv)
{
	unsigned i, n = 0;

	ck_assert(xp.done);
	ck_assert_uint_eq(0, xp.lost);
	read_lines();
	for (i=0; i<V1_MSGS; i++) {
		const struct v1_msg *row = &v1_msgv[i];

		if (row->gone || (conv && row->conversation != conv))
			continue;

		ck_assert_uint_lt(n, lines.n);
		ck_assert_uint_eq(i + 1, get_num(lines.v[n], "id"));
		check_msg(lines.v[n++], row);
	}
	ck_assert_uint_eq(n, lines.n);
	ck_assert_uint_eq(n, xp.messages);
	free_lines();
}


static void open_v1(void)
{
	cpm_store_close(&fx.st);
	old_copy(1);
	xp_open();
}


START_TEST(test_all)
{
	struct stat st;

	open_v1();
	xp_run(0);
	check_v1(0);
	ck_assert_int_eq(0, stat(xp.files, &st));
	ck_assert_uint_eq(0700, st.st_mode & 07777);
	ck_assert_uint_eq(2, xp_beside());
}
END_TEST


START_TEST(test_conversation)
{
	open_v1();
	xp_run(1);
	check_v1(1);

	/* no file in it, no folder */
	ck_assert_uint_eq(1, xp_beside());
	ck_assert_int_eq(0, unlink(xp.out));
		xp_run(2);
	check_v1(2);
	ck_assert_uint_eq(2, xp.number);

	/* one that was emptied is there */
	ck_assert_int_eq(0, unlink(xp.out));
	unit_rmdir(xp.files);
	xp_run(5);
	ck_assert(xp.done);
	ck_assert_uint_eq(0, xp.messages);
}
END_TEST


START_TEST(test_empty)
{
	xp_run(0);
	ck_assert(xp.done);
	ck_assert_uint_eq(0, xp.messages);
	read_lines();
	ck_assert_uint_eq(0, lines.n);
	free_lines();
	ck_assert_uint_eq(1, xp_beside());
}
END_TEST


/* More than a page of them */
START_TEST(test_pages)
{
	enum { MANY = 2345 };
	char key[16];
	unsigned i;

	for (i=0; i<MANY; i++) {
		struct cpm_msg *msg;

		snprintf(key, sizeof(key), "k%u", i);
		msg = fx_msg(key, key);
		msg->time = MANY - i;
		ck_assert_int_eq(0, cpm_store_put(fx.st, msg, fx_put_handler,
						  NULL));
		mem_deref(msg);
	}
	fx_wait(MANY);
	xp_run(0);
	ck_assert_uint_eq(MANY, xp.messages);
	read_lines();
	ck_assert_uint_eq(MANY, lines.n);
	for (i=0; i<MANY; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_uint_eq(i + 1, get_num(lines.v[i], "id"));
		ck_assert_pstr_eq(key, get_str(lines.v[i], "text"));
	}
	free_lines();
}
END_TEST


/* Far apart: what is between them is of others, or gone */
START_TEST(test_gap)
{
	struct cpm_msg *msg;

	fx_put_ok("a", "a");
	msg = fx_msg("b", "b");
	fx_set(&msg->key, "c2");
	ck_assert_int_eq(0, fx_put(msg));
	fx_put_ok("c", "c");
	fx_put_ok("d", "d");
	fx_sql("UPDATE msg SET id = 20001 WHERE id = 2");
	fx_sql("UPDATE msg SET id = 70000 WHERE id = 3");
	fx_sql("UPDATE msg SET id = 90000 WHERE id = 4");
	xp_run(1);
	read_lines();
	ck_assert_uint_eq(3, lines.n);
	ck_assert_uint_eq(1, get_num(lines.v[0], "id"));
	ck_assert_uint_eq(70000, get_num(lines.v[1], "id"));
	ck_assert_uint_eq(90000, get_num(lines.v[2], "id"));
	free_lines();
}
END_TEST


/* Where it is cut on its way, nothing is to be seen of it */
START_TEST(test_text)
{
	static const char *const partv[] = {
		"x\r\n", "\xf0\x9f\x98\x80", "ab\xe4\xbd\xa0", "\"\\\t\x01",
		"\xff", "\r", "\xc2\x85z",
	};
	struct mbuf *bodyv[7];
	size_t i;

	for (i=0; i<7; i++) {
		struct cpm_msg *msg = fx_msg(partv[i], NULL);
		struct mbuf *mb = mbuf_alloc(90000);

		while (mb->end < (i & 1 ? 90000 : 30000))
			ck_assert_int_eq(0, mbuf_write_str(mb, partv[i]));
		fx_body(msg, mb->buf, mb->end);
		ck_assert_int_eq(0, fx_put(msg));
		bodyv[i] = mb;
	}
	xp_run(0);
	read_lines();
	ck_assert_uint_eq(7, lines.n);
	for (i=0; i<7; i++) {
		char *text = cleaned(bodyv[i]);

		ck_assert_msg(!strcmp(text, get_str(lines.v[i], "text")),
			      "text %zu", i);
		mem_deref(text);
		mem_deref(bodyv[i]);
	}
	free_lines();
}
END_TEST


uint64_t xp_put_file(const char *key, size_t size)
{
	struct cpm_msg *msg = fx_msg(key, NULL);
	struct mbuf *mb = mbuf_alloc(size);

	memset(mb->buf, 'x', size);
	msg->text = false;
	fx_body(msg, mb->buf, size);
	mem_deref(mb);
	ck_assert_int_eq(0, fx_put(msg));

	return fx.res.id;
}


static char spooled[512];

static bool file_handler(const struct cpm_msg *msg, void *arg)
{
	(void)arg;
	ck_assert_ptr_nonnull(msg->file);
	snprintf(spooled, sizeof(spooled), "%s", msg->file);

	return true;
}


const char *xp_spool_file(uint64_t id)
{
	ck_assert_int_eq(0, cpm_store_msg(fx.st, id, file_handler, NULL));

	return spooled;
}


/* What is damaged is said, and the others are all there */
START_TEST(test_lost)
{
	static char big[70000];
	struct cpm_msg *msg;
	uint64_t whole;

	(void)xp_put_file("gone", 300);
	(void)xp_put_file("short", 300);
	whole = xp_put_file("whole", 300);
	memset(big, 'y', sizeof(big));
	msg = fx_msg("text", NULL);
	fx_body(msg, big, sizeof(big));
	ck_assert_int_eq(0, fx_put(msg));
	fx_put_ok("fine", "fine");

	ck_assert_int_eq(0, unlink(xp_spool_file(1)));
	ck_assert_int_eq(0, truncate(xp_spool_file(2), 299));
	ck_assert_int_eq(0, truncate(xp_spool_file(4), 10));
	xp_run(0);
	ck_assert(xp.done);
	ck_assert_uint_eq(5, xp.messages);
	ck_assert_uint_eq(3, xp.lost);

	read_lines();
	ck_assert_uint_eq(5, lines.n);
	ck_assert(get_bool(lines.v[0], "lost"));
	ck_assert(get_bool(lines.v[1], "lost"));
	ck_assert_ptr_null(odict_lookup(lines.v[0], "file"));
	ck_assert_ptr_null(odict_lookup(lines.v[1], "file"));
	ck_assert_ptr_nonnull(odict_lookup(lines.v[2], "file"));
	ck_assert_uint_eq(whole, get_num(lines.v[2], "id"));
	ck_assert_ptr_null(odict_lookup(lines.v[2], "lost"));
	ck_assert(get_bool(lines.v[3], "lost"));
	ck_assert_str_eq("yyyyyyyyyy", get_str(lines.v[3], "text"));
	ck_assert_str_eq("fine", get_str(lines.v[4], "text"));
	free_lines();
}
END_TEST


TCase *store_export_case(void)
{
	TCase *tc = tcase_create("export");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, xp_setup_open, fx_teardown);
	tcase_add_test(tc, test_all);
	tcase_add_test(tc, test_conversation);
	tcase_add_test(tc, test_empty);
	tcase_add_test(tc, test_pages);
	tcase_add_test(tc, test_gap);
	tcase_add_test(tc, test_text);
	tcase_add_test(tc, test_lost);

	return tc;
}
