/**
 * @file unit/store_export.c  Export: what is written, and what is left if it
 * cannot be
 *
 * A body that is a FIFO stands still until somebody writes: so a test can act
 * while an export runs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/store_unit.h"
#include "unit/store_v1.h"
#include "../../modules/cpm/engine/engine.h"


static struct cpm cpm;

static struct {
	unsigned n;
	uint32_t number;
	bool done;
	uint64_t messages;
	uint64_t lost;
	char path[512];
	char text[128];
} ev;

static char out[400], out_files[420];


static void event_handler(const struct cpm_event *e, void *arg)
{
	(void)arg;
	ck_assert_int_eq(CPM_EV_EXPORT, e->id);
	++ev.n;
	ev.number   = e->u.exported.number;
	ev.done     = e->u.exported.done;
	ev.messages = e->u.exported.messages;
	ev.lost     = e->u.exported.lost;
	snprintf(ev.path, sizeof(ev.path), "%s", e->u.exported.path);
	snprintf(ev.text, sizeof(ev.text), "%s",
		 e->u.exported.text ? e->u.exported.text : "");
	ck_assert_int_eq(e->u.exported.done, e->u.exported.text == NULL);
	re_cancel();
}


static void setup(void)
{
	fx_setup();
	memset(&ev, 0, sizeof(ev));
	memset(&cpm, 0, sizeof(cpm));
	snprintf(out, sizeof(out), "%s/out \xc3\xbc.jsonl", fx.dir);
	snprintf(out_files, sizeof(out_files), "%s.files", out);
	cpm.host.eventh = event_handler;
}


static void open_store(void)
{
	fx_open();
	cpm.store = fx.st;
}


static void setup_open(void)
{
	setup();
	open_store();
}


static void late_handler(void *arg)
{
	(void)arg;
	ck_abort_msg("the export does not end");
}


/* Of the export that was begun last */
static void wait_event(void)
{
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, 30000, late_handler, NULL);
	if (!ev.n)
		ck_assert_int_eq(0, re_main(NULL));
	tmr_cancel(&tmr);
	ck_assert_uint_eq(1, ev.n);
}


/* Run one to its end */
static void export(uint64_t conv)
{
	uint32_t number = 0;

	ev.n = 0;
	ck_assert_int_eq(0, cpm_export(&cpm, out, conv, &number));
	ck_assert_uint_gt(number, 0);
	wait_event();
	ck_assert_uint_eq(number, ev.number);
	ck_assert_str_eq(out, ev.path);
}


static int try(const char *path, uint64_t conv)
{
	const unsigned n = ev.n;
	uint32_t number = 0;
	const int err = cpm_export(&cpm, path, conv, &number);

	ck_assert_int_ne(0, err);
	ck_assert_uint_eq(0, number);
	ck_assert_uint_eq(n, ev.n);

	return err;
}


/* Files and folders beside the database's */
static unsigned beside(void)
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


static void export_fails(const char *text)
{
	export(0);
	ck_assert(!ev.done);
	ck_assert_str_eq(text, ev.text);
	ck_assert_uint_eq(0, beside());
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
	lines.mb = file_get(out, 0600);
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
		ck_assert_int_eq('{', p[0]);
		ck_assert_int_eq('}', p[len - 1]);
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
			 strrchr(out_files, '/') + 1,
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
	ck_assert_pstr_eq(statev[row->report[CPM_DELIVERED]],
			  get_str(o, "delivery"));
	ck_assert_pstr_eq(statev[row->report[CPM_DISPLAYED]],
			  get_str(o, "display"));
	check_body(o, row);
}


/* Those of a conversation, 0: all, in order, and nothing else */
static void check_v1(uint64_t conv)
{
	unsigned i, n = 0;

	ck_assert(ev.done);
	ck_assert_uint_eq(0, ev.lost);
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
	ck_assert_uint_eq(n, ev.messages);
	free_lines();
}


START_TEST(test_all)
{
	struct stat st;

	v1_copy();
	open_store();
	export(0);
	check_v1(0);
	ck_assert_int_eq(0, stat(out_files, &st));
	ck_assert_uint_eq(0700, st.st_mode & 07777);
	ck_assert_uint_eq(2, beside());
}
END_TEST


START_TEST(test_conversation)
{
	v1_copy();
	open_store();
	export(1);
	check_v1(1);

	/* no file in it, no folder */
	ck_assert_uint_eq(1, beside());
	ck_assert_int_eq(0, unlink(out));
	ck_assert_int_eq(ENOENT, try(out, 99));
	export(2);
	check_v1(2);
	ck_assert_uint_eq(2, ev.number);

	/* one that was emptied is there */
	ck_assert_int_eq(0, unlink(out));
	unit_rmdir(out_files);
	export(5);
	ck_assert(ev.done);
	ck_assert_uint_eq(0, ev.messages);
}
END_TEST


START_TEST(test_empty)
{
	export(0);
	ck_assert(ev.done);
	ck_assert_uint_eq(0, ev.messages);
	read_lines();
	ck_assert_uint_eq(0, lines.n);
	free_lines();
	ck_assert_uint_eq(1, beside());
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
	export(0);
	ck_assert_uint_eq(MANY, ev.messages);
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
	export(0);
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


/*
 * What is refused, and what fails
 */

START_TEST(test_refused)
{
	char path[600];

	ck_assert_int_eq(EINVAL, cpm_export(NULL, out, 0, &(uint32_t){0}));
	ck_assert_int_eq(EINVAL, cpm_export(&cpm, out, 0, NULL));
	ck_assert_int_eq(EINVAL, try(NULL, 0));
	ck_assert_int_eq(EINVAL, try("", 0));
	ck_assert_int_eq(EINVAL, try("out.jsonl", 0));
	ck_assert_int_eq(EINVAL, try("./out.jsonl", 0));
	ck_assert_int_eq(EINVAL, try("/", 0));
	ck_assert_int_eq(EINVAL, try("/tmp/", 0));
	ck_assert_int_eq(EINVAL, try("/tmp/a\nb", 0));
	ck_assert_int_eq(EINVAL, try("/tmp/a\x1b[2J", 0));
	ck_assert_int_eq(EINVAL, try("/tmp/\xff", 0));
	memset(path, 'x', sizeof(path));
	memcpy(path, "/tmp/", 5);
	path[5 + 240] = '\0';
	ck_assert_int_eq(EINVAL, try(path, 0));

	snprintf(path, sizeof(path), "%s/no/out", fx.dir);
	ck_assert_int_eq(ENOTDIR, try(path, 0));
	snprintf(path, sizeof(path), "%s/out", fx.path);
	ck_assert_int_eq(ENOTDIR, try(path, 0));
	ck_assert_int_eq(ENOENT, try(out, 1));

	/* it is there, even if it leads to nothing; or the other name is */
	ck_assert_int_eq(EEXIST, try(fx.path, 0));
	ck_assert_int_eq(0, symlink("/nowhere", out));
	ck_assert_int_eq(EEXIST, try(out, 0));
	ck_assert_int_eq(0, unlink(out));
	ck_assert_int_eq(0, mkdir(out_files, 0700));
	ck_assert_int_eq(EEXIST, try(out, 0));
	ck_assert_int_eq(0, rmdir(out_files));

	/* none of them counts */
	export(0);
	ck_assert_uint_eq(1, ev.number);
	ck_assert_int_eq(EEXIST, try(out, 0));
}
END_TEST


static uint64_t put_file(const char *key, size_t size)
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


static const char *spool_file(uint64_t id)
{
	ck_assert_int_eq(0, cpm_store_msg(fx.st, id, file_handler, NULL));

	return spooled;
}


/* Its body stands still until somebody writes it */
static const char *make_fifo(uint64_t id)
{
	const char *path = spool_file(id);

	ck_assert_int_eq(0, unlink(path));
	ck_assert_int_eq(0, mkfifo(path, 0600));

	return path;
}


START_TEST(test_busy)
{
	const uint64_t id = put_file("k", 5);
	const char *path = make_fifo(id);
	char other[500];
	uint32_t number;
	int fd;

	snprintf(other, sizeof(other), "%s/other", fx.dir);
	ck_assert_int_eq(0, cpm_export(&cpm, out, 0, &number));
	ck_assert_int_eq(EBUSY, try(other, 0));

	/* and the store goes on as if there were none */
	fx_put_ok("k2", "text");
	ck_assert_uint_eq(2, fx_counts().messages);

	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(5, (int)write(fd, "hello", 5));
	close(fd);
	wait_event();
	ck_assert(ev.done);

	/* what came after its beginning may be in the next one */
	ck_assert_uint_ge(ev.messages, 1);
	ck_assert_int_eq(0, unlink(out));
	unit_rmdir(out_files);
	ck_assert_int_eq(0, unlink(path));
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, id, 0, fx_done_handler, NULL)));
	export(0);
	ck_assert_uint_eq(2, ev.number);
	ck_assert_uint_eq(1, ev.messages);
}
END_TEST


/* Somebody else's file of that name, made meanwhile, is not replaced */
static void taken_meanwhile(bool folder)
{
	const char *path = make_fifo(put_file("k", 5));
	const char *name = folder ? out_files : out;
	uint32_t number;
	int fd;

	ck_assert_int_eq(0, cpm_export(&cpm, out, 0, &number));
	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(0, mkdir(name, 0700));
	ck_assert_int_eq(5, (int)write(fd, "hello", 5));
	close(fd);
	wait_event();
	ck_assert(!ev.done);
	ck_assert_str_eq("File exists", ev.text);
	ck_assert_uint_eq(1, beside());
	ck_assert_int_eq(0, rmdir(name));
}


START_TEST(test_taken)
{
	taken_meanwhile(_i);
}
END_TEST


/* The store is closed before it has ended */
static void *feed(void *arg)
{
	static const uint8_t zero[4096];
	const int fd = open(arg, O_WRONLY);

	while (write(fd, zero, sizeof(zero)) > 0)
		;
	close(fd);

	return NULL;
}


START_TEST(test_close)
{
	const char *path = make_fifo(put_file("k", 5));
	uint32_t number;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	fx_sql("UPDATE msg SET size = 1 << 60");
	ck_assert_int_eq(0, pthread_create(&thread, NULL, feed,
					   (void *)path));
	ck_assert_int_eq(0, cpm_export(&cpm, out, 0, &number));
	while (beside() < 2)
		usleep(1000);
	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, pthread_join(thread, NULL));
	ck_assert_uint_eq(1, ev.n);
	ck_assert(!ev.done);
	ck_assert_str_eq("the softphone has ended", ev.text);
	ck_assert_uint_eq(0, beside());
}
END_TEST


/* What is damaged is said, and the others are all there */
START_TEST(test_lost)
{
	static char big[70000];
	struct cpm_msg *msg;
	uint64_t whole;

	(void)put_file("gone", 300);
	(void)put_file("short", 300);
	whole = put_file("whole", 300);
	memset(big, 'y', sizeof(big));
	msg = fx_msg("text", NULL);
	fx_body(msg, big, sizeof(big));
	ck_assert_int_eq(0, fx_put(msg));
	fx_put_ok("fine", "fine");

	ck_assert_int_eq(0, unlink(spool_file(1)));
	ck_assert_int_eq(0, truncate(spool_file(2), 299));
	ck_assert_int_eq(0, truncate(spool_file(4), 10));
	export(0);
	ck_assert(ev.done);
	ck_assert_uint_eq(5, ev.messages);
	ck_assert_uint_eq(3, ev.lost);

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


/* No room: nothing is left of it, and the messages are all there */
START_TEST(test_full)
{
	const struct rlimit small = {100000, RLIM_INFINITY};
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	const bool text = _i == 0;
	struct cpm_msg *msg;
	struct mbuf *mb;

	(void)put_file("a", 10);
	if (text) {
		msg = fx_msg("t", NULL);
		mb = mbuf_alloc(200000);
		memset(mb->buf, 'z', 200000);
		fx_body(msg, mb->buf, 200000);
		mem_deref(mb);
		ck_assert_int_eq(0, fx_put(msg));
	}
	else {
		(void)put_file("b", 200000);
	}

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &small));
	export_fails("File too large");
	ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &none));
	ck_assert_uint_eq(0, fx.faults);
	export(0);
	ck_assert(ev.done);
	ck_assert_uint_eq(2, ev.messages);
}
END_TEST


START_TEST(test_damaged)
{
	char key[16];
	unsigned i;
	FILE *f;

	for (i=0; i<200; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		fx_put_ok(key, "some text that takes a little room");
	}
	fx_reopen();
	cpm.store = fx.st;
	f = fopen(fx.path, "r+b");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(0, fseek(f, 8192, SEEK_SET));
	for (i=0; i<20 * 4096; i++)
		ck_assert_int_ne(EOF, fputc(0x5a, f));
	ck_assert_int_eq(0, fclose(f));

	export_fails("Input/output error");
	ck_assert_uint_eq(1, fx.faults);
	ck_assert_str_eq("store-unreadable", fx.what);
}
END_TEST


TCase *store_export_case(void)
{
	TCase *tc = tcase_create("export");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, fx_teardown);
	tcase_add_test(tc, test_all);
	tcase_add_test(tc, test_conversation);

	return tc;
}


TCase *store_export_more_case(void)
{
	TCase *tc = tcase_create("export_more");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup_open, fx_teardown);
	tcase_add_test(tc, test_empty);
	tcase_add_test(tc, test_pages);
	tcase_add_test(tc, test_text);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_busy);
	tcase_add_loop_test(tc, test_taken, 0, 2);
	tcase_add_test(tc, test_close);
	tcase_add_test(tc, test_lost);
	tcase_add_loop_test(tc, test_full, 0, 2);
	tcase_add_test(tc, test_damaged);

	return tc;
}
