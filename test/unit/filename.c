/**
 * @file test/unit/filename.c  What a stranger calls a file, and says it is
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "unit.h"
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/take.h"


#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))
#define X10 "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

static const struct {
	const char *in;
	const char *out;
} namev[] = {
	{"photo.jpeg", "photo.jpeg"},
	{"caf\xc3\xa9 \xf0\x9f\x98\x80.png", "caf\xc3\xa9 \xf0\x9f\x98\x80.png"},
	{"archive.tar.gz", "archive.tar.gz"},
	{"noext", "noext"},
	/* no path, of any system */
	{"/etc/passwd", "passwd"},
	{"../../.ssh/authorized_keys", "authorized_keys"},
	{"C:\\Windows\\evil.exe", "evil.exe"},
	{"a/b\\c", "c"},
	{"C:evil.exe", "C_evil.exe"},
	{"dir/", ""},
	{"..", ""},
	{".", ""},
	{"", ""},
	/* not hidden, not empty */
	{".bashrc", "bashrc"},
	{"...x", "x"},
	{" . x. ", "x"},
	{".jpg", "jpg"},
	{"x.", "x"},
	/* controls, what turns the text round, what nobody sees */
	{"a\x1b[31m\r\n\tb\x7f.txt", "a[31mb.txt"},
	{"a\xc2\x85z.txt", "az.txt"},
	{"evil\xe2\x80\xaegpj.exe", "evilgpj.exe"},
	{"\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8b\xef\xbb\xbf\xd8\x9c.txt",
	 "x.txt"},
	{"\xe2\x80\x8b.hidden", "hidden"},
	{"x\xf3\xa0\x81\x81y", "xy"},
	{"\xe2\x82\xac\xe2\x80\x90.txt", "\xe2\x82\xac\xe2\x80\x90.txt"},
	/* no UTF-8, what file systems do not take */
	{"caf\xe9.txt", "caf_.txt"},
	{"\xc0\xaf" "etc", "__etc"},
	{"a:b*c?d\"e<f>g|h.txt", "a_b_c_d_e_f_g_h.txt"},
	/* cut, but not the end; within no character; what is no extension */
	{X100 X100 X100 ".jpeg", X100 X100 X10 X10 X10 X10 X10 ".jpeg"},
	{X100 X100 X10 X10 X10 X10 X10 "\xc3\xa9\xc3\xa9.jpeg",
	 X100 X100 X10 X10 X10 X10 X10 ".jpeg"},
	{X100 X100 X10 X10 X10 X10 X10 "x.jpg" X10 X10,
	 X100 X100 X10 X10 X10 X10 X10 "x.jpg"},
};


START_TEST(test_name)
{
	char buf[CPM_FILENAME_MAX + 1];

	memset(buf, 'z', sizeof(buf));
	cpm_filename(buf, namev[_i].in);
	ck_assert_str_eq(namev[_i].out, buf);
}
END_TEST


static const struct {
	const char *cdisp;
	const char *ctype;
	const char *name;
} setv[] = {
	{"attachment; filename=\"a b.jpg\"", "image/jpeg; name=c", "a b.jpg"},
	{"attachment; filename=x; filename*=utf-8''..%2F%E2%82%AC.txt", NULL,
	 "\xe2\x82\xac.txt"},
	{"attachment", "image/jpeg; name=\"../c\"", "c"},
	{NULL, "image/jpeg", NULL},
	{"attachment; filename=\"..\"", NULL, NULL},
	{NULL, NULL, NULL},
};


START_TEST(test_set)
{
	struct cpim_msg cpim;
	char *str = NULL;

	memset(&cpim, 0, sizeof(cpim));
	pl_set_str(&cpim.cdisp, setv[_i].cdisp);
	pl_set_str(&cpim.ctype, setv[_i].ctype);
	ck_assert_int_eq(0, filename_set(&str, &cpim));
	if (setv[_i].name)
		ck_assert_str_eq(setv[_i].name, str);
	else
		ck_assert_ptr_null(str);
	mem_deref(str);
}
END_TEST


static const struct {
	const char *in;
	const char *out;
	int err;
} typev[] = {
	{NULL, "text/plain", 0},
	{"text/plain", "text/plain", 0},
	{"text/plain; charset=\"utf-8\"", "text/plain; charset=\"utf-8\"", 0},
	{"application/vnd.x+xml;a=b", "application/vnd.x+xml;a=b", 0},
	{"image/jpeg; name=\"\xe2\x80\xaegpj.exe\"", "image/jpeg", 0},
	{"image/jpeg; name=x", "image/jpeg", 0},
	{"image/jpeg; a=\x01", "image/jpeg", 0},
	{"image/jpeg; a=\xff", "image/jpeg", 0},
	{"image/jpeg; a=" X100 X100 X100, "image/jpeg", 0},
	{"image", "application/octet-stream", 0},
	{"image/", "application/octet-stream", 0},
	{"/jpeg", "application/octet-stream", 0},
	{"image/../x", "application/octet-stream", 0},
	{"im\x01" "age/jpeg", "application/octet-stream", 0},
	{"<b>/x", "application/octet-stream", 0},
	{" image/jpeg", "application/octet-stream", 0},
	{"image/" X100 X100 X100, NULL, EOVERFLOW},
};


START_TEST(test_type)
{
	char *str = NULL;
	struct pl pl = PL_INIT;

	pl_set_str(&pl, typev[_i].in);
	ck_assert_int_eq(typev[_i].err, type_set(&str, &pl));
	if (typev[_i].out)
		ck_assert_str_eq(typev[_i].out, str);
	else
		ck_assert_ptr_null(str);
	mem_deref(str);
}
END_TEST


Suite *filename_suite(void)
{
	Suite *s = suite_create("filename");
	TCase *tc = tcase_create("safe");

	tcase_add_loop_test(tc, test_name, 0, N(namev));
	tcase_add_loop_test(tc, test_set, 0, N(setv));
	tcase_add_loop_test(tc, test_type, 0, N(typev));
	suite_add_tcase(s, tc);

	return s;
}
