/**
 * @file json.c  Looking into decoded JSON
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "e2e.h"


enum {
	HASH_SIZE = 32,
	DEPTH     = 16,       /* our answers are at most four deep        */
	KEY_MAX   = 128,
};


/* The only place that looks into a dictionary entry: libre hides it later */
#ifdef HAVE_RE_ARG
#define entry_type(e)  odict_entry_type(e)
#define entry_odict(e) (odict_entry_type(e) == ODICT_ARRAY \
			? odict_entry_array(e) : odict_entry_object(e))
#define entry_int(e)   odict_entry_int(e)
#define entry_bool(e)  odict_entry_boolean(e)
#define entry_str(e)   odict_entry_str(e)
#else
#define entry_type(e)  ((e)->type)
#define entry_odict(e) ((e)->u.odict)
#define entry_int(e)   ((e)->u.integer)
#define entry_bool(e)  ((e)->u.boolean)
#define entry_str(e)   ((e)->u.str)
#endif


/* Arrays are dictionaries with the keys "0", "1", ... */
static const struct odict_entry *entry_find(const struct odict *o,
					    const char *path)
{
	const struct odict_entry *e = NULL;

	while (o) {
		const size_t n = strcspn(path, ".");
		char key[KEY_MAX];

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';

		e = odict_lookup(o, key);
		if (!e || !path[n])
			return e;
		path += n + 1;
		o = odict_type_iscontainer(entry_type(e)) ? entry_odict(e)
							  : NULL;
	}

	return NULL;
}


static const struct odict_entry *entry_get(const struct odict *o,
					   const char *path,
					   enum odict_type type)
{
	const struct odict_entry *e = entry_find(o, path);

	if (!e || entry_type(e) != type) {
		char *text = NULL;

		if (o)
			(void)re_sdprintf(&text, "%H", odict_debug, o);
		e2e_fail("no %s at \"%s\" in:\n%.2000s",
			 odict_type_name(type), path,
			 text ? text : "nothing");
	}

	return e;
}


bool j_has(const struct odict *o, const char *path)
{
	return entry_find(o, path) != NULL;
}


int64_t j_int(const struct odict *o, const char *path)
{
	return entry_int(entry_get(o, path, ODICT_INT));
}


bool j_bool(const struct odict *o, const char *path)
{
	return entry_bool(entry_get(o, path, ODICT_BOOL));
}


const char *j_str(const struct odict *o, const char *path)
{
	return entry_str(entry_get(o, path, ODICT_STRING));
}


const struct odict *j_obj(const struct odict *o, const char *path)
{
	const struct odict_entry *e = entry_find(o, path);

	if (e && entry_type(e) == ODICT_ARRAY)
		return entry_odict(e);

	return entry_odict(entry_get(o, path, ODICT_OBJECT));
}


unsigned j_count(const struct odict *o, const char *path)
{
	return (unsigned)odict_count(j_obj(o, path), false);
}


const struct odict *j_at(const struct odict *o, const char *path, unsigned i)
{
	char key[16];

	snprintf(key, sizeof(key), "%u", i);

	return j_obj(j_obj(o, path), key);
}


struct odict *j_decode(const char *text, size_t len)
{
	struct odict *o = NULL;

	if (!len || text[0] != '{' ||
	    json_decode_odict(&o, HASH_SIZE, text, len, DEPTH))
		return mem_deref(o);

	return o;
}


char *j_escape(struct env *env, const char *text)
{
	char *s = env_keep(env, mem_zalloc(6 * strlen(text) + 1, NULL));
	char *to = s;

	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			*to++ = '\\';
		if (c < 0x20)
			to += sprintf(to, "\\u%04x", c);
		else
			*to++ = (char)c;
	}

	return s;
}
