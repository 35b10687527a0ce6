/**
 * @file unit/compose_out.c  The CPIM of a message of ours, and its body
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mock/oom.h"
#include "unit.h"
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/compose_out.h"
#include "../../modules/cpm/engine/sendq.h"


#define HEAD "From: <sip:alice@example.net>\r\nTo: <tel:+491234>\r\n" \
	"DateTime: 2026-11-21T03:11:00Z\r\n" \
	"NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m-1\r\n" \
	"imdn.Disposition-Notification: positive-delivery, " \
	"negative-delivery, display\r\n\r\n"

static char aor[] = "sip:alice@example.net";
static char peer[] = "tel:+491234";
static char id[] = "m-1";

static const struct {
	const char *type;
	bool text;
	const char *name;
	const char *want;
} headv[] = {
	/* what does not say is ASCII to who reads it */
	{"text/plain", true, NULL,
	 "Content-Type: text/plain;charset=UTF-8\r\n"},
	{"text/plain; charset=utf-8", true, NULL,
	 "Content-Type: text/plain; charset=utf-8\r\n"},
	{"text/plain", false, "a.txt",
	 "Content-Type: text/plain\r\n"
	 "Content-Disposition: attachment; filename=\"a.txt\"\r\n"},
	{"image/png", false, "a \"b\\.png",
	 "Content-Type: image/png\r\n"
	 "Content-Disposition: attachment; filename=\"a \\\"b\\\\.png\"\r\n"},
	{"image/png", false, "caf\xc3\xa9 (1).png",
	 "Content-Type: image/png\r\n"
	 "Content-Disposition: attachment; filename=\"caf_ (1).png\"; "
	 "filename*=UTF-8''caf%C3%A9%20%281%29.png\r\n"},
	{"image/png", false, "a\r\nb\x7f.png",
	 "Content-Type: image/png\r\n"
	 "Content-Disposition: attachment; filename=\"ab.png\"\r\n"},
};


static struct out_msg msg_of(char *type, bool text, char *name)
{
	const struct out_msg m = {
		.account = aor, .peer = peer, .imdn_id = id, .type = type,
		.filename = name, .text = text, .size = 5000000000,
		.time = 1795230660000,
		.notify = CPIM_POSITIVE_DELIVERY | CPIM_NEGATIVE_DELIVERY |
			CPIM_DISPLAY,
	};

	return m;
}


START_TEST(test_head)
{
	char type[64], name[64] = "", *want = NULL;
	struct mbuf *mb = mbuf_alloc(64);
	struct out_msg m;

	snprintf(type, sizeof(type), "%s", headv[_i].type);
	snprintf(name, sizeof(name), "%s",
		 headv[_i].name ? headv[_i].name : "");
	m = msg_of(type, headv[_i].text, headv[_i].name ? name : NULL);
	ck_assert_int_eq(0, re_sdprintf(&want, HEAD "%s"
					"Content-Length: 5000000000\r\n\r\n",
					headv[_i].want));
	ck_assert_int_eq(0, mbuf_write_str(mb, "before"));
	ck_assert_int_eq(0, out_cpim_head(mb, &m));
	ck_assert_uint_eq(mb->end, mb->pos);
	mb->buf[mb->end - 1] = '\0';
	want[strlen(want) - 1] = '\0';
	ck_assert_str_eq(want, (char *)mb->buf + 6);
	mem_deref(want);
	mem_deref(mb);
}
END_TEST


START_TEST(test_never)
{
	char type[] = "text/plain", bad[] = "text/plain\r\nX: y";
	struct mbuf *mb = mbuf_alloc(64);
	struct out_msg m = msg_of(bad, true, NULL);

	ck_assert_int_eq(EINVAL, out_cpim_head(mb, &m));
	m.type = NULL;
	ck_assert_int_eq(EINVAL, out_cpim_head(mb, &m));
	m.type = type;
	m.peer = NULL;
	ck_assert_int_eq(EINVAL, out_cpim_head(mb, &m));
	ck_assert_uint_eq(0, mb->end);
	mem_deref(mb);
}
END_TEST


static int head_once(struct mbuf *mb)
{
	char type[] = "image/png", name[] = "caf\xc3\xa9.png";
	const struct out_msg m = msg_of(type, false, name);
	int err;

	err = out_cpim_head(mb, &m);
	if (!err) {
		const struct out_msg text = msg_of(type, true, NULL);

		err = out_cpim_head(mb, &text);
	}

	return err;
}


/* Each allocation fails, alone and with all that follow */
START_TEST(test_oom)
{
	const struct oom_live live = oom_live();
	unsigned at, failures = 0;
	struct mbuf *mb;
	int err = ENOMEM;

	for (at=1; err; at++) {
		mb = mbuf_alloc(1);
		ck_assert_ptr_nonnull(mb);
		oom_arm(at, _i);
		err = head_once(mb);
		failures += oom_disarm() > 0;
		ck_assert_int_eq(err ? ENOMEM : 0, err);
		mem_deref(mb);
		ck_assert_uint_lt(at, 1000);
	}
	ck_assert_uint_gt(failures, 3);
	ck_assert_uint_eq(live.re, oom_live().re);
}
END_TEST


static void file_make(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(0, fclose(f));
}


static void file_of(struct out_msg *m, char *path)
{
	struct stat st;

	ck_assert_int_eq(0, stat(path, &st));
	memset(m, 0, sizeof(*m));
	m->source = path;
	m->size = (uint64_t)st.st_size;
	m->source_mtime = cpm_source_mtime(&st);
}


/* In pieces, up to its end and not beyond */
START_TEST(test_file)
{
	char dir[256], path[300];
	struct mbuf *mb = mbuf_alloc(4);
	struct cpm cpm;
	struct out_msg m;

	memset(&cpm, 0, sizeof(cpm));
	unit_mkdir(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	file_make(path, "0123456789");
	file_of(&m, path);
	ck_assert_int_eq(0, out_body(mb, &cpm, &m, 0, 4));
	ck_assert_int_eq(0, out_body(mb, &cpm, &m, 4, 4));
	ck_assert_int_eq(0, out_body(mb, &cpm, &m, 8, 4));
	ck_assert_int_eq(0, out_body(mb, &cpm, &m, 10, 4));
	ck_assert_uint_eq(10, mb->end);
	ck_assert_uint_eq(10, mb->pos);
	ck_assert_mem_eq("0123456789", mb->buf, 10);
	mem_deref(mb);
	unit_rmdir(dir);
}
END_TEST


static void change(const char *path, int how)
{
	const struct timespec tv[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	switch (how) {

	case 0:
		file_make(path, "01234567890");
		break;
	case 1:
		ck_assert_int_eq(0, utimensat(AT_FDCWD, path, tv, 0));
		break;
	case 2:
		ck_assert_int_eq(0, unlink(path));
		break;
	case 3:
		ck_assert_int_eq(0, unlink(path));
		ck_assert_int_eq(0, mkfifo(path, 0600));
		break;
	default:
		ck_assert_int_eq(0, unlink(path));
		ck_assert_int_eq(0, mkdir(path, 0700));
		break;
	}
}


/* It is not what was to be sent: longer, written again, gone, a pipe, a
   folder */
START_TEST(test_changed)
{
	char dir[256], path[300];
	struct mbuf *mb = mbuf_alloc(16);
	struct cpm cpm;
	struct out_msg m;

	memset(&cpm, 0, sizeof(cpm));
	unit_mkdir(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	file_make(path, "0123456789");
	file_of(&m, path);
	ck_assert_int_eq(0, out_body(mb, &cpm, &m, 0, 10));
	change(path, _i);
	ck_assert_int_eq(ESTALE, out_body(mb, &cpm, &m, 0, 10));
	ck_assert_uint_eq(10, mb->end);
	mem_deref(mb);
	unit_rmdir(dir);
}
END_TEST


Suite *compose_suite(void)
{
	Suite *s = suite_create("compose");
	TCase *tc = tcase_create("compose");

	tcase_add_loop_test(tc, test_head, 0, ARRAY_SIZE(headv));
	tcase_add_test(tc, test_never);
	tcase_add_loop_test(tc, test_oom, 0, 2);
	tcase_add_test(tc, test_file);
	tcase_add_loop_test(tc, test_changed, 0, 5);
	suite_add_tcase(s, tc);

	return s;
}
