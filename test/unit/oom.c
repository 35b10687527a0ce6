/**
 * @file unit/oom.c  Memory runs out: rounds, and what is looked at after each
 *
 * After every failure: an error came back and the store is as before, or
 * success came back and all is done; it goes on working; in the end nothing
 * is left of what was taken.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/oom_unit.h"


enum {
	TIMEOUT  = 30000,     /* ms for a result                          */
	FIRST    = 16,        /* allocations of a quick run: these,       */
	LAST     = 48,        /* the last ones,                           */
	BETWEEN  = 16,        /* and so many of the others                */
	LARGE    = 70000,     /* octets of text: it is in a file          */
	ROUNDS   = 1 << 20,   /* an operation that never gets through     */
};

struct oom_ids ids;
struct oom_round oo;


/*
 * One round
 */

void oo_arm(void)
{
	oom_arm(oo.at, oo.on);
}


int oo_end(int err)
{
	oo.failed = oom_disarm();

	return err;
}


static void batch_handler(void *arg)
{
	(void)arg;
	++fx.batches;
}


static void fault_handler(const char *what, const char *text, void *arg)
{
	(void)what;
	(void)text;
	(void)arg;
	++fx.faults;
}


void oo_open(void)
{
	ck_assert_int_eq(0, cpm_store_open(&fx.st, fx.path, batch_handler,
					   fault_handler, NULL, NULL));
}


void oo_reopen(void)
{
	cpm_store_close(&fx.st);
	oo_open();
}


static void result(int err)
{
	(void)oo_end(0);
	oo.err = err;
	++oo.done;
	re_cancel();
}


void oo_put_handler(int err, const struct cpm_put_result *res, void *arg)
{
	(void)arg;
	fx.res = *res;
	result(err);
}


void oo_done_handler(int err, void *arg)
{
	(void)arg;
	result(err);
}


static void timeout_handler(void *arg)
{
	const char *name = arg;

	(void)oo_end(0);
	ck_abort_msg("%s: no result", name);
}


int oo_result(int err)
{
	struct tmr tmr;

	if (err)
		return oo_end(err);

	/* Check takes memory as well: no assertions while armed */
	memset(&tmr, 0, sizeof(tmr));
	tmr_init(&tmr);
	tmr_start(&tmr, TIMEOUT, timeout_handler, (void *)"write");
	if (!oo.done)
		oo.bad = re_main(NULL);
	tmr_cancel(&tmr);
	(void)oo_end(0);
	ck_assert_int_eq(0, oo.bad);
	ck_assert_uint_eq(1, oo.done);

	return oo.err;
}


/*
 * What is in it
 */

static bool conv_handler(const struct cpm_conv *c, void *arg)
{
	(void)mbuf_printf(arg, "conv %s %d %s %s %s %llu %llu %s\n",
			  c->account, c->kind, c->peer, c->name,
			  c->conversation_id, c->messages, c->unread,
			  c->last_text ? "text" : "none");

	return false;
}


static bool msg_handler(const struct cpm_msg *m, void *arg)
{
	(void)mbuf_printf(arg, "msg %s %s %s %s %s %d %d %llu %llu %d %s %d"
			  " %d %s %d %u %s ", m->account, m->key, m->peer,
			  m->name, m->msgkey, m->direction, m->kind, m->time,
			  m->size, m->read, m->type, m->report[0],
			  m->report[1], m->file ? "file" : "row", m->status,
			  m->code, m->reason);
	/* a handler may read in turn */
	oo.bad = cpm_store_body(fx.st, m->id, 0, 2 * LARGE, arg);
	(void)mbuf_printf(arg, "\n");

	return oo.bad != 0;
}


static bool due_handler(const struct cpm_due *d, void *arg)
{
	(void)mbuf_printf(arg, "due %d %s %u %s %s\n", d->kind, d->orig_id,
			  d->tries, d->account, d->peer);

	return false;
}


static bool queued_handler(const struct cpm_queued *q, void *arg)
{
	(void)mbuf_printf(arg, "queued %s %u %llu %d %s\n", q->imdn_id,
			  q->tries, q->next, q->mode, q->contribution_id);

	return false;
}


static bool policy_handler(const struct cpm_policy_row *row, void *arg)
{
	(void)mbuf_printf(arg, "policy %s %s %d %d %d\n", row->account,
			  row->peer, row->deferred, row->delivery_imdn,
			  row->display_imdn);

	return false;
}


static bool announced_handler(const struct cpm_announced *ann, void *arg)
{
	(void)mbuf_printf(arg, "announced %s %s %s %s\n", ann->account,
			  ann->reference, ann->from, ann->subject);

	return false;
}


char *oo_describe(void)
{
	const struct cpm_query all = {.first = true, .limit = 1000};
	const struct cpm_counts c = fx_counts();
	struct mbuf *mb = mbuf_alloc(4 * LARGE);
	char *str = NULL;

	ck_assert_ptr_nonnull(mb);
	oo.bad = 0;
	(void)mbuf_printf(mb, "%llu %llu %llu %llu %llu %llu %llu\n",
			  c.conversations, c.messages, c.unread,
			  c.imdn_pending, c.imdn_failed, c.deferred, c.queued);
	ck_assert_int_eq(0, cpm_store_convs(fx.st, NULL, 0, 100,
					    conv_handler, mb));
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &all, msg_handler, mb));
	ck_assert_int_eq(0, oo.bad);
	ck_assert_int_eq(0, cpm_store_due(fx.st, "sip:alice@example.net", 0,
					  UINT64_MAX, 100, due_handler, mb));
	ck_assert_int_eq(0, cpm_store_queued(fx.st, "sip:alice@example.net",
					     UINT64_MAX, 100, queued_handler,
					     mb));
	ck_assert_int_eq(0, cpm_store_policies(fx.st, policy_handler, mb));
	ck_assert_int_eq(0, cpm_store_announced(fx.st, NULL, 1,
						announced_handler, mb));
	mb->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	mem_deref(mb);

	return str;
}


/*
 * What every round begins with
 */

static void copy_file(const char *to, const char *from)
{
	static char buf[65536];
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			     0600);
	ssize_t n;

	ck_assert_msg(in >= 0 && out >= 0, "%s to %s", from, to);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		ck_assert_int_eq(n, write(out, buf, (size_t)n));
	ck_assert_int_eq(0, n);
	close(in);
	close(out);
}


static void copy_folder(const char *to, const char *from)
{
	DIR *dir = opendir(from);
	struct dirent *de;

	ck_assert_msg(dir != NULL, "%s", from);
	ck_assert_int_eq(0, mkdir(to, 0700));
	while ((de = readdir(dir)) != NULL) {
		char a[600], b[600];
		struct stat st;

		if (de->d_name[0] == '.')
			continue;
		snprintf(a, sizeof(a), "%s/%s", from, de->d_name);
		snprintf(b, sizeof(b), "%s/%s", to, de->d_name);
		ck_assert_int_eq(0, stat(a, &st));
		if (S_ISDIR(st.st_mode))
			copy_folder(b, a);
		else
			copy_file(b, a);
	}
	closedir(dir);
}


void oo_restore_from(const char *folder)
{
	char to[400];

	ck_assert_ptr_null(fx.st);
	snprintf(to, sizeof(to), "%s/cpm", fx.dir);
	if (!access(to, F_OK))
		unit_rmdir(to);
	copy_folder(to, folder);
}


void oo_restore(void)
{
	char from[400];

	snprintf(from, sizeof(from), "%s/template", fx.dir);
	oo_restore_from(from);
}


static uint64_t put_file(const char *key, bool text, size_t size)
{
	struct cpm_msg *m = fx_msg(key, NULL);
	char *body = mem_alloc(size, NULL);

	memset(body, 'x', size);
	m->text = text;
	fx_body(m, body, size);
	mem_deref(body);
	ck_assert_int_eq(0, fx_put(m));

	return fx.res.id;
}


static uint64_t put_asking(const char *key)
{
	struct cpm_msg *m = fx_msg(key, "both asked");

	m->notify = 5;
	m->report[CPM_DELIVERED] = CPM_REPORT_DUE;
	fx_set(&m->name, "Bob");
	fx_set(&m->conversation_id, "conv");
	fx_set(&m->contribution_id, "contrib");
	fx_set(&m->datetime, "2026-11-21T03:11:00Z");
	fx_set(&m->route, "sip:r1");
	ck_assert_int_eq(0, fx_put(m));

	return fx.res.id;
}


void oo_template(void)
{
	const struct cpm_policy_row row = {
		.peer = "sip:bob@example.net", .deferred = CPM_ANSWER_ASK};
	char alice[] = "sip:alice@example.net", r0[] = "r0", r1[] = "r1";
	const struct cpm_announced annv[] = {
		{.reference = r0, .from = alice}, {.reference = r1}};
	char from[400], to[400], sql[128];
	struct cpm_msg *m;
	unsigned n;

	memset(&ids, 0, sizeof(ids));
	oo_open();
	ids.text  = put_asking("k1");
	ids.tried = put_asking("k2");
	ids.large = put_file("k3", true, LARGE);
	ids.image = put_file("k4", false, 300);
	ids.bob   = fx.res.conversation;
	m = fx_msg("k1", "to all");
	m->kind = CPM_GROUP;
	fx_set(&m->key, "g1");
	fx_set(&m->peer, "sip:carol@example.net");
	ck_assert_int_eq(0, fx_put(m));
	ids.group = fx.res.conversation;
	(void)put_asking("k5");
	m = fx_msg("out:mine", "from me");
	fx_set(&m->imdn_id, "mine");
	m->direction = CPM_OUT;
	ck_assert_int_eq(0, fx_put(m));
	ck_assert_int_eq(0, fx_put(fx_out("q1", "q1", "to be sent")));
	ids.queued = fx.res.id;
	ids.waiting = fx.res.conversation;
	ck_assert_int_eq(0, fx_put(fx_out("q1", "q2", "behind it")));
	ck_assert_int_eq(0, fx_result(cpm_store_out_again(
		fx.st, ids.queued, 7000, false, 480, "away", fx_done_handler,
		NULL)));
	ck_assert_int_eq(0, fx_result(cpm_store_announce(
		fx.st, alice, annv, 2, true, fx_done_handler, NULL)));
	ck_assert_int_eq(0, fx_result(cpm_store_policy_set(
		fx.st, &row, fx_done_handler, NULL)));
	/* of one sender only the first one is handed out */
	for (n=0; n<3; n++) {
		snprintf(sql, sizeof(sql), "SELECT id FROM report WHERE "
			 "state = 1 ORDER BY id LIMIT 1 OFFSET %u", n);
		ids.report[n] = (uint64_t)fx_sql(sql);
	}
	ck_assert_int_eq(0, fx_result(cpm_store_report_move(
		fx.st, ids.report[1], CPM_REPORT_DUE, 5000, fx_done_handler,
		NULL)));
	cpm_store_close(&fx.st);
	snprintf(from, sizeof(from), "%s/cpm", fx.dir);
	snprintf(to, sizeof(to), "%s/template", fx.dir);
	copy_folder(to, from);
}


/*
 * All rounds of an operation
 */

unsigned oo_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		++n;
	closedir(dir);

	return n;
}


bool oo_full(void)
{
	const char *how = getenv("CPM_OOM");

	return how && !strcmp(how, "full");
}


unsigned oo_next(unsigned at, unsigned total)
{
	const unsigned stride = (total - FIRST - LAST) / BETWEEN;

	if (oo_full() || total <= FIRST + BETWEEN + LAST || at < FIRST ||
	    at + stride > total - LAST)
		return at + 1;

	return at + stride;
}


void oo_works(void)
{
	static unsigned n;
	char key[16];
	uint64_t id;

	/* what was deleted is still known */
	snprintf(key, sizeof(key), "works%u", ++n);
	id = fx_put_ok(key, "still");
	ck_assert_int_eq(0, fx_result(cpm_store_delete(
		fx.st, id, 0, fx_done_handler, NULL)));
}


/* Each ends with the store open */
static int one(const struct oom_op *op, unsigned at, bool on)
{
	oo.at = at;
	oo.on = on;
	oo.failed = oo.done = 0;
	oo.err = oo.bad = 0;
	oo.text->pos = oo.text->end = 0;

	return op->run();
}


static char *text_now(void)
{
	char *str = NULL;

	oo.text->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(oo.text, &str, oo.text->end));

	return str;
}


struct expect {
	char *before;           /* what is in it                           */
	char *after;
	char *text;             /* what a read says                        */
	unsigned total;         /* allocations when none fails             */
};


static void check_round(const struct oom_op *op, const struct expect *want,
			int err, const char *now)
{
	char *text = text_now();

	if (err) {
		/* ENOMEM on its way through others becomes EIO */
		ck_assert_msg(err == ENOMEM || err == EIO,
			      "%s %u: error %d", op->name, oo.at, err);
		ck_assert_msg(!strcmp(now, want->before),
			      "%s %u%s: failed and changed\n%.900s\n%.900s",
			      op->name, oo.at, oo.on ? "+" : "",
			      want->before, now);
		/* what was handed out before that is right */
		ck_assert_msg(!strncmp(want->text, text, strlen(text)),
			      "%s %u%s: wrong\n%.900s\n%.900s", op->name,
			      oo.at, oo.on ? "+" : "", want->text, text);
	}
	else {
		ck_assert_msg(!strcmp(now, want->after),
			      "%s %u%s: not done\n%.900s\n%.900s",
			      op->name, oo.at, oo.on ? "+" : "",
			      want->after, now);
		ck_assert_msg(!strcmp(want->text, text),
			      "%s %u%s: wrong\n%.900s\n%.900s", op->name,
			      oo.at, oo.on ? "+" : "", want->text, text);
	}

	mem_deref(text);
}


/* @return true if nothing failed: that was the last round */
static bool step(const struct oom_op *op, const struct expect *want,
		 unsigned at, bool on)
{
	const int err = one(op, at, on);
	const unsigned failed = oo.failed;
	char *now = oo_describe();

	check_round(op, want, err, now);
	ck_assert_msg(failed || !err, "%s: error %d", op->name, err);
	if (strcmp(now, want->before)) {
		cpm_store_close(&fx.st);
		oo_restore();
		oo_open();
	}
	else {
		oo_works();
	}
	mem_deref(now);

	return !failed;
}


static void expect_init(struct expect *want, const struct oom_op *op)
{
	oo_restore();
	oo_open();
	want->before = oo_describe();
	ck_assert_msg(!one(op, 0, false), "%s: cannot", op->name);
	want->total = oom_count();
	want->after = oo_describe();
	want->text = text_now();
	cpm_store_close(&fx.st);
	oo_restore();
	oo_open();
}


static void expect_reset(struct expect *want)
{
	want->before = mem_deref(want->before);
	want->after  = mem_deref(want->after);
	want->text   = mem_deref(want->text);
}


static bool is_file_handler(const struct cpm_msg *m, void *arg)
{
	unsigned *n = arg;

	*n += m->file != NULL;

	return false;
}


/* What the next start does not need is not there either */
static void check_folder(void)
{
	const struct cpm_query all = {.first = true, .limit = 1000};
	unsigned n = 0;

	oo_reopen();
	ck_assert_int_eq(0, cpm_store_msgs(fx.st, &all, is_file_handler,
					   &n));
	ck_assert_uint_eq(n, fx_spooled());
	cpm_store_close(&fx.st);
}


unsigned oo_each(const struct oom_op *op)
{
	const struct oom_live live = oom_live();
	const unsigned files = oo_files();
	struct expect want = {NULL, NULL, NULL, 0};
	struct oom_live end;
	unsigned at, total = 0;
	int on;

	oo.text = mbuf_alloc(256);
	ck_assert_ptr_nonnull(oo.text);
	expect_init(&want, op);

	for (on=0; on<2; on++) {
		for (at=1; !step(op, &want, at, on);
		     at = oo_next(at, want.total)) {
			++total;
			ck_assert_uint_lt(at, ROUNDS);
		}
	}

	check_folder();
	expect_reset(&want);
	oo.text = mem_deref(oo.text);
	end = oom_live();
	ck_assert_msg(live.re == end.re, "%s: %zu blocks, %zu before",
		      op->name, end.re, live.re);
	ck_assert_msg(live.db == end.db, "%s: %zu of SQLite, %zu before",
		      op->name, end.db, live.db);
	ck_assert_uint_eq(files, oo_files());

	return total;
}


Suite *oom_suite(void)
{
	Suite *s = suite_create("oom");

	suite_add_tcase(s, oom_store_case());
	suite_add_tcase(s, oom_queue_case());
	suite_add_tcase(s, oom_open_case());
	suite_add_tcase(s, oom_codec_case());
	suite_add_tcase(s, oom_send_case());
	suite_add_tcase(s, oom_relay_case());
	suite_add_tcase(s, oom_status_case());
	suite_add_tcase(s, oom_chat_case());

	return s;
}
