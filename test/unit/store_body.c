/**
 * @file unit/store_body.c  Large bodies: they come in any order, and are
 *                          stored whole
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/body_unit.h"


enum { WAIT = 20000 };


uint8_t body_octet(uint64_t off)
{
	return (uint8_t)(off * 7 + off / 251 + off / 65536);
}


int body_try(struct cpm_body *b, uint64_t off, size_t len)
{
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);
	size_t i;
	int err;

	for (i=0; i<len; i++)
		buf[i] = body_octet(off + i);
	err = cpm_body_write(b, off, buf, len);
	mem_deref(buf);

	return err;
}


void body_piece(struct cpm_body *b, uint64_t off, size_t len)
{
	ck_assert_int_eq(0, body_try(b, off, len));
}


struct cpm_body *body_make(size_t len)
{
	struct cpm_body *b = NULL;

	ck_assert_int_eq(0, cpm_body_open(&b, fx.st, len));
	body_piece(b, 0, len);

	return b;
}


static struct cpm_msg *msg_make(const char *key, struct cpm_body *b)
{
	struct cpm_msg *m = fx_msg(key, NULL);

	fx_set(&m->type, "application/x");
	m->text = false;
	m->large = b;

	return m;
}


int body_put_try(const char *key, struct cpm_body *b)
{
	return fx_put(msg_make(key, b));
}


void body_put_start(const char *key, struct cpm_body *b, cpm_put_h *h)
{
	struct cpm_msg *m = msg_make(key, b);

	ck_assert_int_eq(0, cpm_store_put(fx.st, m, h, NULL));
	mem_deref(m);
}


static bool file_handler(const struct cpm_msg *m, void *arg)
{
	struct stat st;

	ck_assert_ptr_nonnull(m->file);
	ck_assert_ptr_null(m->large);
	ck_assert_uint_eq(*(size_t *)arg, m->size);
	ck_assert_int_eq(0, stat(m->file, &st));
	ck_assert_uint_eq(S_IFREG | 0600, st.st_mode);
	ck_assert_uint_eq(m->size, (uint64_t)st.st_size);

	return false;
}


void body_whole(uint64_t id, uint64_t off, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len + 1);
	size_t i;

	ck_assert_int_eq(0, cpm_store_msg(fx.st, id, file_handler, &len));
	ck_assert_int_eq(0, cpm_store_body(fx.st, id, 0, len + 1, mb));
	ck_assert_uint_eq(len, mb->end);
	for (i=0; i<len && mb->buf[i] == body_octet(off + i); i++)
		;
	ck_assert_uint_eq(len, i);
	mem_deref(mb);
}


unsigned body_begun(void)
{
	char path[400];
	struct dirent *de;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/cpm/spool", fx.dir);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL)
		n += !strncmp(de->d_name, "tmp-", 4);
	closedir(dir);

	return n;
}


static void pause_handler(void *arg)
{
	(void)arg;
	re_cancel();
}


void body_pause(unsigned ms)
{
	struct tmr tmr;

	memset(&tmr, 0, sizeof(tmr));
	tmr_init(&tmr);
	tmr_start(&tmr, ms, pause_handler, NULL);
	ck_assert_int_eq(0, re_main(NULL));
	tmr_cancel(&tmr);
}


void body_files(unsigned begun, unsigned whole)
{
	const uint64_t end = tmr_jiffies() + WAIT;

	while (body_begun() != begun || fx_spooled() != begun + whole) {
		ck_assert_msg(tmr_jiffies() < end, "%u files begun, %u in "
			      "all, not %u and %u", body_begun(),
			      fx_spooled(), begun, begun + whole);
		body_pause(2);
	}
}


START_TEST(test_pieces)
{
	static const size_t piecev[] = {1, 1000, 65535, 65536, 65537, 200001};
	static const size_t lenv[] = {3000, 1000000, 2000000, 2000000,
		2000000, 2000000};
	const size_t piece = piecev[_i], len = lenv[_i];
	struct cpm_body *b = NULL;
	size_t off, n;

	ck_assert_int_eq(0, cpm_body_open(&b, fx.st, 0));
	for (off=0; off<len; off+=n) {
		n = min(piece, len - off);
		body_piece(b, off, n);
	}
	body_piece(b, off, 0);
	ck_assert_int_eq(0, body_put_try("k", b));
	body_whole(fx.res.id, 0, len);
	body_files(0, 1);
}
END_TEST


/* From the last to the first, and each second one before the others */
START_TEST(test_disorder)
{
	static const size_t piecev[] = {777, 65536, 300000};
	const size_t piece = piecev[_i / 2], c = _i < 2 ? 1000 : 8;
	struct cpm_body *b = NULL;
	size_t i;

	ck_assert_int_eq(0, cpm_body_open(&b, fx.st, c * piece));
	for (i=0; i<c; i++) {
		const size_t k = _i % 2 ? c - 1 - i
			: i < c / 2 ? 2 * i + 1 : 2 * (i - c / 2);

		body_piece(b, k * piece, piece);
	}
	ck_assert_int_eq(0, body_put_try("k", b));
	body_whole(fx.res.id, 0, c * piece);
}
END_TEST


/* What is before the body is cut off when it is put */
START_TEST(test_moved)
{
	static const size_t offv[] = {1, 500, 65536, 100000, 2000000};
	const size_t len = 2000000;
	struct cpm_body *b = body_make(len);

	cpm_body_filter(b, offv[_i], NULL, NULL);
	ck_assert_int_eq(0, body_put_try("k", b));
	body_whole(fx.res.id, offv[_i], len - offv[_i]);
}
END_TEST


/* Holds back as much as it may, and gives every second octet */
struct half {
	uint8_t heldv[CPM_FILTER_MORE];
	size_t heldc;
	uint64_t off;
	int err;
	unsigned more;
};

static int half_handler(uint8_t *out, size_t *outl, const uint8_t *in,
			size_t inl, bool end, void *arg)
{
	struct half *h = arg;
	size_t i, n = h->heldc;

	memcpy(out, h->heldv, n);
	for (i=0; i<inl; i++) {
		if ((h->off + i) % 2)
			out[n++] = in[i];
	}
	h->off += inl;
	h->heldc = end ? 0 : min(n, sizeof(h->heldv));
	n -= h->heldc;
	memcpy(h->heldv, out + n, h->heldc);
	*outl = n + (end ? h->more : 0);

	return end ? h->err : 0;
}


START_TEST(test_filter)
{
	struct half *h = mem_zalloc(sizeof(*h), NULL);
	const size_t len = 1234567, off = 1000;
	struct cpm_body *b = body_make(len);
	struct mbuf *mb = mbuf_alloc(len);
	size_t i;

	cpm_body_filter(b, off, half_handler, h);
	mem_deref(h);
	ck_assert_int_eq(0, body_put_try("k", b));
	ck_assert_int_eq(0, cpm_store_body(fx.st, fx.res.id, 0, len, mb));
	ck_assert_uint_eq((len - off) / 2, mb->end);
	for (i=0; i<mb->end && mb->buf[i] == body_octet(off + 2 * i + 1); i++)
		;
	ck_assert_uint_eq(mb->end, i);
	mem_deref(mb);
}
END_TEST


/* A filter that refuses, or that gives more than it took: the message is not
   stored, and the store has no fault */
START_TEST(test_filter_refuses)
{
	struct half *h = mem_zalloc(sizeof(*h), NULL);
	struct cpm_body *b = body_make(300000);

	if (_i)
		h->more = 51;
	else
		h->err = EBADMSG;
	cpm_body_filter(b, 299900, half_handler, h);
	mem_deref(h);
	ck_assert_int_eq(EILSEQ, body_put_try("k", b));
	ck_assert_uint_eq(0, fx.faults);
	ck_assert_uint_eq(0, fx_counts().messages);
	body_files(0, 0);
	fx_put_ok("k", "x");
}
END_TEST


static char *text;

static bool conv_handler(const struct cpm_conv *c, void *arg)
{
	(void)arg;
	ck_assert_int_eq(0, str_dup(&text, c->last_text));

	return true;
}


/* The beginning of a text is in the row, the rest in the file */
START_TEST(test_text)
{
	struct cpm_msg *m = fx_msg("k", NULL);
	uint8_t buf[100001];

	memset(buf, 'a', sizeof(buf));
	buf[0] = '#';
	buf[1000] = 'b';
	ck_assert_int_eq(0, cpm_body_open(&m->large, fx.st, 0));
	ck_assert_int_eq(0, cpm_body_write(m->large, 0, buf, sizeof(buf)));
	cpm_body_filter(m->large, 1, NULL, NULL);
	ck_assert_int_eq(0, fx_put(m));
	ck_assert_int_eq(0, cpm_store_conv(fx.st, fx.res.conversation,
					   conv_handler, NULL));
	ck_assert_uint_eq(2048, strlen(text));
	ck_assert_mem_eq(buf + 1, text, 2048);
	mem_deref(text);
	ck_assert_int_eq(100000, fx_sql("SELECT size FROM msg"));
}
END_TEST


/* Known already: its file goes, the first one stays */
START_TEST(test_again)
{
	uint64_t id;

	ck_assert_int_eq(0, body_put_try("k", body_make(300000)));
	ck_assert(!fx.res.duplicate);
	id = fx.res.id;
	ck_assert_int_eq(0, body_put_try("k", body_make(400000)));
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(id, fx.res.id);
	body_files(0, 1);
	body_whole(id, 0, 300000);

	ck_assert_int_eq(0, cpm_store_delete(fx.st, id, 0, NULL, NULL));
	body_files(0, 0);
}
END_TEST


START_TEST(test_invalid)
{
	struct cpm_body *b = NULL;
	struct cpm_msg *m;
	uint8_t c = 0;

	ck_assert_int_eq(EINVAL, cpm_body_open(NULL, fx.st, 0));
	ck_assert_int_eq(EINVAL, cpm_body_open(&b, NULL, 0));
	ck_assert_int_eq(EINVAL, cpm_body_write(NULL, 0, &c, 1));
	b = body_make(10);
	ck_assert_int_eq(EINVAL, cpm_body_write(b, 0, NULL, 1));
	ck_assert_int_eq(EINVAL, cpm_body_write(b, UINT64_MAX, &c, 1));
	ck_assert_int_eq(EINVAL, cpm_body_write(b, INT64_MAX, &c, 1));
	ck_assert(!cpm_body_full(NULL));
	ck_assert(!cpm_body_full(fx.st));
	cpm_store_set_room(NULL, NULL, NULL);
	cpm_body_filter(NULL, 0, NULL, NULL);

	/* one body or the other */
	m = fx_msg("k", "text");
	m->large = mem_ref(b);
	ck_assert_int_eq(EINVAL, cpm_store_put(fx.st, m, NULL, NULL));
	mem_deref(m);

	/* once only */
	ck_assert_int_eq(0, body_put_try("k1", mem_ref(b)));
	body_whole(fx.res.id, 0, 10);
	ck_assert_int_eq(EPROTO, body_try(b, 10, 1));
	m = fx_msg("k2", NULL);
	m->large = b;
	ck_assert_int_eq(EPROTO, cpm_store_put(fx.st, m, NULL, NULL));
	mem_deref(m);
	ck_assert_uint_eq(1, fx_counts().messages);
	ck_assert_uint_eq(0, fx.faults);
}
END_TEST


/* The body begins behind what there is */
START_TEST(test_behind)
{
	struct cpm_body *b = body_make(1000);

	cpm_body_filter(b, 1001, NULL, NULL);
	ck_assert_int_eq(EILSEQ, body_put_try("k", b));
	body_files(0, 0);
}
END_TEST


/* Not more at once than there are descriptors for */
START_TEST(test_many)
{
	struct cpm_body *bv[CPM_BODY_OPEN], *b = NULL;
	size_t i;

	for (i=0; i<CPM_BODY_OPEN; i++)
		bv[i] = body_make(100 + i);
	ck_assert_int_eq(EMFILE, cpm_body_open(&b, fx.st, 0));
	ck_assert_ptr_null(b);
	body_files(CPM_BODY_OPEN, 0);

	bv[0] = mem_deref(bv[0]);
	body_files(CPM_BODY_OPEN - 1, 0);
	for (i=1; i<CPM_BODY_OPEN; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%zu", i);
		ck_assert_int_eq(0, body_put_try(key, bv[i]));
		body_whole(fx.res.id, 0, 100 + i);
	}
	body_files(0, CPM_BODY_OPEN - 1);
}
END_TEST


TCase *store_body_case(void)
{
	TCase *tc = tcase_create("body");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_loop_test(tc, test_pieces, 0, 6);
	tcase_add_loop_test(tc, test_disorder, 0, 6);
	tcase_add_loop_test(tc, test_moved, 0, 5);
	tcase_add_test(tc, test_filter);
	tcase_add_loop_test(tc, test_filter_refuses, 0, 2);
	tcase_add_test(tc, test_text);
	tcase_add_test(tc, test_again);
	tcase_add_test(tc, test_invalid);
	tcase_add_test(tc, test_behind);
	tcase_add_test(tc, test_many);

	return tc;
}
