/**
 * @file main.c  Runs every unit suite; the last lines are the totals
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "unit.h"


struct mbuf *unit_file(const char *name)
{
	const char *dir = getenv("CPM_TEST_DATA");
	struct mbuf *mb = mbuf_alloc(4096);
	uint8_t buf[4096];
	char path[1024];
	size_t n;
	FILE *f;

	ck_assert_msg(dir != NULL, "CPM_TEST_DATA is not set");
	ck_assert_ptr_nonnull(mb);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "no test data %s", path);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		ck_assert_int_eq(0, mbuf_write_mem(mb, buf, n));
	fclose(f);
	mb->pos = 0;

	return mb;
}


void unit_mkdir(char *path, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(path, size, "%s/cpm-unit-XXXXXX", tmp ? tmp : P_tmpdir);
	ck_assert_msg(mkdtemp(path) != NULL, "mkdtemp %s", path);
}


static int remove_entry(const char *path, const struct stat *st, int flag,
			struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;

	return remove(path);
}


void unit_rmdir(const char *path)
{
	ck_assert_int_eq(0, nftw(path, remove_entry, 8,
				 FTW_DEPTH | FTW_PHYS));
}


int main(int argc, char *argv[])
{
	/* those that take longest first: mk/suites runs some side by side */
	static const struct {
		const char *name;
		Suite *(*h)(void);
	} suitev[] = {
		{"store", store_suite},
		{"oom", oom_suite},
		{"send", send_suite},
		{"chat", chat_suite},
		{"sess", sess_suite},
		{"relay", relay_suite},
		{"codec", codec_suite},
		{"chunk", chunk_suite},
		{"sdp", sdp_suite},
		{"cpim", cpim_suite},
		{"imdn", imdn_suite},
		{"iscomp", iscomp_suite},
		{"xml", xml_suite},
		{"mime", mime_suite},
		{"fthttp", fthttp_suite},
		{"filename", filename_suite},
		{"announce", announce_suite},
		{"tag", tag_suite},
		{"policy", policy_suite},
		{"invited", invited_suite},
		{"retry", retry_suite},
		{"leg", leg_suite},
		{"content", content_suite},
		{"composing", composing_suite},
		{"compose", compose_suite},
		{"outbox", outbox_suite},
		{"sendq", sendq_suite},
		{"text", text_suite},
		{"command", command_suite},
		{"trust", trust_suite},
	};
	SRunner *sr;
	int failed, ran;
	size_t i;

	if (argc > 1 && !strcmp(argv[1], "--list")) {
		for (i=0; i<sizeof(suitev)/sizeof(suitev[0]); i++)
			puts(suitev[i].name);
		return 0;
	}

	sr = srunner_create(NULL);
	for (i=0; i<sizeof(suitev)/sizeof(suitev[0]); i++)
		srunner_add_suite(sr, suitev[i].h());

	srunner_run_all(sr, CK_ENV);
	ran = srunner_ntests_run(sr);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	printf("unit: %d passed, %d failed\n", ran - failed, failed);

	return (failed || !ran) ? 1 : 0;
}
