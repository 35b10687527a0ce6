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


int main(void)
{
	static Suite *(*const suitev[])(void) = {
		codec_suite, chunk_suite, sess_suite, relay_suite, send_suite,
		sdp_suite, cpim_suite, imdn_suite, iscomp_suite, store_suite,
		xml_suite, mime_suite, fthttp_suite, filename_suite,
		announce_suite,
		tag_suite, policy_suite, retry_suite, leg_suite,
		content_suite,
		composing_suite, outbox_suite, text_suite, trust_suite,
		oom_suite,
	};
	SRunner *sr = srunner_create(NULL);
	int failed, ran;
	size_t i;

	for (i=0; i<sizeof(suitev)/sizeof(suitev[0]); i++)
		srunner_add_suite(sr, suitev[i]());

	srunner_run_all(sr, CK_ENV);
	ran = srunner_ntests_run(sr);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	printf("unit: %d passed, %d failed\n", ran - failed, failed);

	return (failed || !ran) ? 1 : 0;
}
