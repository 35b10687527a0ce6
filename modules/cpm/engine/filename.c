/**
 * @file filename.c  What a stranger calls a file, and what he says it is
 *
 * RFC 2183, 2.3 (filename: never a path, never trusted); RFC 2045, 5.1. Both
 * are shown to people, and programs make names of files of them. No memory is
 * taken where the export, which has a thread of its own, needs it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_mime.h>
#include "engine.h"
#include "take.h"


enum {
	EXT_MAX = 16,   /* octets of ".jpeg": kept when a name is cut       */
};

/** A name that grows; end of string not written yet */
struct name {
	char *buf;
	size_t len;
};


/*
 * Characters that nobody sees, and that let "gpj.exe" look like "exe.jpg":
 * U+061C, U+200B-200F, U+2028-202E, U+2060-206F, U+FEFF, U+FFF9-FFFB,
 * U+E0000-E0FFF; and controls.
 */
static bool ishidden(const uint8_t *c, size_t n)
{
	if (n == 1)
		return c[0] < 0x20 || c[0] == 0x7f;
	if (n == 2)
		return (c[0] == 0xc2 && c[1] < 0xa0) ||
			(c[0] == 0xd8 && c[1] == 0x9c);
	/* language tags */
	if (n == 4)
		return c[0] == 0xf3 && c[1] == 0xa0;

	if (c[0] == 0xe2 && c[1] == 0x80)
		return (c[2] >= 0x8b && c[2] <= 0x8f) ||
			(c[2] >= 0xa8 && c[2] <= 0xae);
	if (c[0] == 0xe2 && c[1] == 0x81)
		return c[2] >= 0xa0 && c[2] <= 0xaf;

	return c[0] == 0xef && ((c[1] == 0xbb && c[2] == 0xbf) ||
				(c[1] == 0xbf && c[2] >= 0xb9 && c[2] <= 0xbb));
}


/* One character; n 0: an octet that is none. @return false if it is full */
static bool name_put(struct name *name, const char *c, size_t n, size_t max)
{
	/* hidden from lists, or of a meaning to those who make a file of it */
	if (!name->len && n == 1 && strchr(". ", *c))
		return true;
	if (!n || (n == 1 && strchr(":*?\"<>|", *c))) {
		c = "_";
		n = 1;
	}

	if (name->len + n > max)
		return false;

	memcpy(name->buf + name->len, c, n);
	name->len += n;

	return true;
}


static void name_add(struct name *name, const struct pl *pl, size_t max)
{
	size_t i = 0;

	while (i < pl->l) {

		const uint8_t *c = (const uint8_t *)pl->p + i;
		const size_t n = text_utf8(c, pl->l - i);

		if (!(n && ishidden(c, n)) &&
		    !name_put(name, (const char *)c, n, max))
			return;
		i += n ? n : 1;
	}
}


/* The same on every system: Windows has paths as well */
static struct pl base_name(const char *str)
{
	struct pl pl;
	size_t i;

	pl_set_str(&pl, str);
	for (i=pl.l; i>0; i--) {
		if (strchr("/\\", str[i - 1])) {
			pl_advance(&pl, (ssize_t)i);
			break;
		}
	}

	return pl;
}


void cpm_filename(char *buf, const char *str)
{
	struct name name = {buf, 0};
	struct pl stem = base_name(str), ext = PL_INIT;
	size_t i;

	for (i=stem.l; i>0 && stem.l - i < EXT_MAX; i--) {
		if (stem.p[i - 1] != '.')
			continue;

		ext.p = stem.p + i - 1;
		ext.l = stem.l - i + 1;
		stem.l = i - 1;
		break;
	}

	name_add(&name, &stem, CPM_FILENAME_MAX - ext.l);
	name_add(&name, &ext, CPM_FILENAME_MAX);
	while (name.len && strchr(". ", buf[name.len - 1]))
		--name.len;
	buf[name.len] = '\0';
}


int filename_set(char **strp, const struct cpim_msg *cpim)
{
	char *str = NULL, buf[CPM_FILENAME_MAX + 1];
	int err;

	err = mime_param(&str, &cpim->cdisp, "filename");
	if (err == ENOENT)
		err = mime_param(&str, &cpim->ctype, "name");
	if (err)
		return err == ENOENT ? 0 : err;

	cpm_filename(buf, str);
	mem_deref(str);

	return str_isset(buf) ? str_dup(strp, buf) : 0;
}


/* RFC 2045, 5.1 */
static bool istoken(const struct pl *pl)
{
	size_t i;

	for (i=0; i<pl->l; i++) {
		if (pl->p[i] <= ' ' || pl->p[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?=", pl->p[i]))
			return false;
	}

	return pl->l > 0;
}


/* type "/" subtype */
static bool istype(const struct pl *pl)
{
	const char *slash = memchr(pl->p, '/', pl->l);
	struct pl type = {pl->p, 0}, sub;

	if (!slash)
		return false;

	type.l = (size_t)(slash - pl->p);
	sub.p  = slash + 1;
	sub.l  = pl->l - type.l - 1;

	return istoken(&type) && istoken(&sub);
}


/* What a type may have besides: nothing that a terminal or a reader of its
   own would stumble over */
static bool isplain(const struct pl *pl)
{
	size_t i;

	for (i=0; i<pl->l; i++) {
		if (pl->p[i] < ' ' || pl->p[i] >= 0x7f)
			return false;
	}

	return true;
}


int type_set(char **strp, const struct pl *ctype)
{
	struct pl type = *ctype;
	char *name = NULL;
	size_t i;
	int err;

	if (!pl_isset(ctype))
		return str_dup(strp, "text/plain");

	for (i=0; i<type.l && !strchr("; \t", type.p[i]); i++)
		;
	type.l = i;
	if (!istype(&type))
		return str_dup(strp, "application/octet-stream");
	if (type.l > CPM_TYPE_MAX)
		return EOVERFLOW;

	/* a name belongs to where it is made safe */
	err = mime_param(&name, ctype, "name");
	mem_deref(name);
	if (err == ENOMEM)
		return err;

	return pl_strdup(strp, err == ENOENT && isplain(ctype) &&
			 ctype->l <= CPM_TYPE_MAX ? ctype : &type);
}
