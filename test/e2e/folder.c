/**
 * @file folder.c  Files and folders of an environment
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include "e2e.h"


void file_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		e2e_fail("cannot write %s: %s", path, strerror(errno));
}


char *file_read(const char *path, size_t *sizep)
{
	char buf[8192], *text = NULL;
	FILE *f = fopen(path, "rb");
	struct mbuf *mb;
	size_t n;

	if (!f)
		return NULL;

	mb = mbuf_alloc(sizeof(buf));
	while (mb && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		if (mbuf_write_mem(mb, (uint8_t *)buf, n))
			e2e_fail("no memory for %s", path);
	fclose(f);

	if (mb) {
		mb->pos = 0;
		if (sizep)
			*sizep = mb->end;
		/* mbuf_strdup() wants at least one octet */
		if (mb->end)
			(void)mbuf_strdup(mb, &text, mb->end);
		else
			text = mem_zalloc(1, NULL);
	}
	mem_deref(mb);

	return text;
}


void file_tail(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n = 0;
	char *line;
	long end;

	text[0] = '\0';
	if (!f)
		return;

	fseek(f, 0, SEEK_END);
	end = ftell(f);
	if (end > (long)size - 1)
		fseek(f, end - ((long)size - 1), SEEK_SET);
	else
		rewind(f);

	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);

	line = end > (long)n ? strchr(text, '\n') : NULL;
	if (line)
		memmove(text, line + 1, strlen(line + 1) + 1);
}


void file_head(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "rb");
	const size_t n = f ? fread(text, 1, size - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
}


bool file_has(const char *path, const char *text)
{
	char *all = file_read(path, NULL);
	const bool has = all && strstr(all, text);

	mem_deref(all);

	return has;
}


void folder_make(const char *path)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		e2e_fail("cannot make %s: %s", path, strerror(errno));
}


static int remove_entry(const char *path, const struct stat *st, int flag,
			struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;

	return remove(path);
}


void folder_remove(const char *path)
{
	(void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}


void file_fill(struct env *env, const char *path, const char *from,
	       const char *const *pairv)
{
	char *text = file_read(from, NULL), *at = text, *mark;
	FILE *f = fopen(path, "w");

	if (!text || !f)
		e2e_fail("cannot make %s from %s", path, from);
	env_keep(env, text);

	while ((mark = strchr(at, '@')) != NULL) {
		char *end = strchr(mark + 1, '@');
		size_t i, n;

		fwrite(at, 1, (size_t)(mark - at), f);
		n = end ? (size_t)(end - mark - 1) : 0;
		for (i=0; n && pairv[i]; i+=2)
			if (strlen(pairv[i]) == n &&
			    !strncmp(pairv[i], mark + 1, n))
				break;

		if (n && pairv[i]) {
			fputs(pairv[i + 1], f);
			at = end + 1;
		}
		else {
			fputc('@', f);
			at = mark + 1;
		}
	}
	fputs(at, f);
	if (fclose(f))
		e2e_fail("cannot write %s", path);
}
