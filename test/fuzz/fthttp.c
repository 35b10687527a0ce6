/**
 * @file fthttp.c  Fuzz: descriptions of files on web servers; names of files
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm.h>
#include <cpm_fthttp.h>
#include "fuzz.h"


/* Safe, and stays as it is */
static void name(const char *str)
{
	char buf[CPM_FILENAME_MAX + 1], again[CPM_FILENAME_MAX + 1];
	struct mbuf *mb = mbuf_alloc(64);
	size_t i, len;

	memset(buf, 'z', sizeof(buf));
	cpm_filename(buf, str);
	CHECK(memchr(buf, 0, sizeof(buf)));
	len = strlen(buf);
	CHECK(!strpbrk(buf, "/\\:*?\"<>|"));
	CHECK(buf[0] != '.' && buf[0] != ' ');
	CHECK(!len || (buf[len - 1] != '.' && buf[len - 1] != ' '));
	for (i=0; i<len; i++)
		CHECK((uint8_t)buf[i] >= 0x20);

	CHECK(!cpm_text_clean(mb, (const uint8_t *)buf, len));
	CHECK(mb->end == len && !memcmp(mb->buf, buf, len));
	mem_deref(mb);

	cpm_filename(again, buf);
	CHECK(!strcmp(again, buf));
}


static void file(const struct fthttp_file *f)
{
	CHECK(memchr(f->url, 0, sizeof(f->url)));
	CHECK(memchr(f->name, 0, sizeof(f->name)));
	CHECK(memchr(f->type, 0, sizeof(f->type)));
	CHECK(memchr(f->until, 0, sizeof(f->until)));
	name(f->name);
	if (f->url[0])
		CHECK(!strncasecmp(f->url, "http://", 7) ||
		      !strncasecmp(f->url, "https://", 8));
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	char *str = fuzz_str(data, size);
	struct fthttp_doc doc;
	int err;

	memset(&doc, 0xff, sizeof(doc));
	err = fthttp_decode(&doc, mb->buf, size);
	CHECK(err == 0 || err == ENODATA || err == EBADMSG ||
	      err == EOVERFLOW);
	if (!err) {
		CHECK(doc.file.url[0]);
		file(&doc.file);
		file(&doc.thumbnail);
	}
	name(str);
	mem_deref(str);
	mem_deref(mb);

	return 0;
}
