/**
 * @file args.c  Parameters of a command: one JSON object, or words
 *
 * bus.md, Commands. Unknown keys are refused by name: a program that misspells
 * "unread" must not get every message.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include "glue.h"


enum {
	DEPTH_MAX = 4,  /* nested JSON: an array in an object is 2 */
};


static const struct arg_key *key_find(const struct arg_spec *spec,
				      const char *name)
{
	size_t i;

	for (i=0; i<ARG_KEYS && spec->keyv[i].name; i++) {
		if (!strcmp(spec->keyv[i].name, name))
			return &spec->keyv[i];
	}

	return NULL;
}


static bool type_fits(enum arg_type type, const struct odict_entry *e)
{
	switch (type) {

	case ARG_UINT: return e->type == ODICT_INT && e->u.integer >= 0;
	case ARG_STR:  return e->type == ODICT_STRING;
	case ARG_BOOL: return e->type == ODICT_BOOL;
	case ARG_LIST:
	case ARG_STRS: return e->type == ODICT_ARRAY;
	case ARG_TRI:
		return e->type == ODICT_BOOL || e->type == ODICT_STRING;
	default:
		return false;
	}
}


static const char *type_name(enum arg_type type)
{
	switch (type) {

	case ARG_UINT: return "a number";
	case ARG_STR:  return "a string";
	case ARG_BOOL: return "true or false";
	case ARG_LIST: return "an array of numbers";
	case ARG_STRS: return "an array of strings";
	default:       return "true, false or \"default\"";
	}
}


static int check(const struct odict *o, const struct arg_spec *spec,
		 char *text, size_t size)
{
	struct le *le;

	for (le = o->lst.head; le; le = le->next) {
		const struct odict_entry *e = le->data;
		const struct arg_key *key = key_find(spec, e->key);

		if (!key) {
			(void)re_snprintf(text, size, "unknown key \"%s\"",
					  str_len(e->key) < 64 ? e->key
					  : "...");
			return EINVAL;
		}
		if (!type_fits(key->type, e)) {
			(void)re_snprintf(text, size, "\"%s\" must be %s",
					  key->name, type_name(key->type));
			return EINVAL;
		}
	}

	return 0;
}


/* libre's strings end there, and what is behind would be lost unseen */
static bool has_nul(const char *json)
{
	const char *p = json;

	while ((p = strchr(p, '\\')) != NULL) {
		if (!strncmp(p, "\\u0000", 6))
			return true;
		p += p[1] ? 2 : 1;
	}

	return false;
}


static int json_args(struct odict **op, const struct arg_spec *spec,
		     const char *prm, char *text, size_t size)
{
	struct odict *o = NULL;
	int err;

	if (has_nul(prm)) {
		(void)re_snprintf(text, size, "\\u0000 cannot be taken");
		return EINVAL;
	}

	err = json_decode_odict(&o, 16, prm, strlen(prm), DEPTH_MAX);
	if (err == ENOMEM)
		return err;
	if (err || !o) {
		(void)re_snprintf(text, size, "the parameters are no JSON "
				  "object");
		return EINVAL;
	}

	err = check(o, spec, text, size);
	if (err)
		mem_deref(o);
	else
		*op = o;

	return err;
}


static bool isnumber(const struct pl *pl)
{
	size_t i;

	for (i=0; i<pl->l; i++) {
		if (!isdigit((unsigned char)pl->p[i]))
			return false;
	}

	return pl->l > 0 && pl->l < 19;
}


/* Which key a word is for. A URI may begin with the same letters */
static const char *pos_key(const char *pos, struct pl *val)
{
	struct pl num = *val;
	const char c = *val->p;

	pl_advance(&num, 1);
	if (!strcmp(pos, "id|c")) {
		if (c != 'c')
			return "id";
		*val = num;
		return "conversation";
	}
	if (!strcmp(pos, "to|c|r")) {
		if ((c != 'c' && c != 'r') || !isnumber(&num))
			return "to";
		*val = num;
		return c == 'c' ? "conversation" : "reply_to";
	}

	return pos;
}


static int word_add(struct odict *o, const struct arg_spec *spec,
		    const char *pos, const struct pl *word, char *text,
		    size_t size)
{
	const struct arg_key *key;
	struct pl val = *word;
	char *str = NULL;
	int err;

	pos = pos_key(pos, &val);
	key = key_find(spec, pos);
	if (!key)
		return EINVAL;

	if (key->type == ARG_UINT) {
		if (isnumber(&val))
			return odict_entry_add(o, pos, ODICT_INT,
					       (int64_t)pl_u64(&val));

		(void)re_snprintf(text, size, "\"%s\" must be %s", pos,
				  type_name(key->type));
		return EINVAL;
	}

	err = pl_strdup(&str, &val);
	if (!err)
		err = odict_entry_add(o, pos, ODICT_STRING, str);
	mem_deref(str);

	return err;
}


/* All that is left, without white space at its end */
static size_t rest_len(const char *str)
{
	size_t n = strlen(str);

	while (n && strchr(" \t\r\n", str[n-1]))
		--n;

	return n;
}


static int word_args(struct odict **op, const struct arg_spec *spec,
		     const char *prm, char *text, size_t size)
{
	struct odict *o = NULL;
	size_t n = 0;
	int err;

	err = odict_alloc(&o, 16);

	while (!err) {
		struct pl word;

		prm += strspn(prm, " \t\r\n");
		if (!*prm)
			break;

		word.p = prm;
		word.l = spec->rest && n + 1 == ARG_POS ? rest_len(prm)
			: strcspn(prm, " \t\r\n");
		prm += word.l;

		if (n >= ARG_POS || !spec->posv[n]) {
			(void)re_snprintf(text, size, "too many words");
			err = EINVAL;
			break;
		}
		err = word_add(o, spec, spec->posv[n++], &word, text, size);
	}

	if (err)
		mem_deref(o);
	else
		*op = o;

	return err;
}


int args_decode(struct odict **op, const struct arg_spec *spec,
		const char *prm, char *text, size_t size)
{
	struct odict *o = NULL;
	int err;

	prm = prm ? prm + strspn(prm, " \t\r\n") : "";

	if (*prm == '{')
		err = json_args(&o, spec, prm, text, size);
	else
		err = word_args(&o, spec, prm, text, size);
	if (err)
		return err;

	if (spec->needed && list_isempty(&o->lst)) {
		(void)re_snprintf(text, size, "parameters are missing (the "
				  "softphone drops them all when they are "
				  "over about 1000 bytes: longer texts go "
				  "by cpm_draft)");
		mem_deref(o);
		return EINVAL;
	}

	*op = o;

	return 0;
}


bool args_has(const struct odict *o, const char *key)
{
	return odict_lookup(o, key) != NULL;
}


uint64_t args_uint(const struct odict *o, const char *key)
{
	uint64_t num = 0;

	return odict_get_number(o, &num, key) ? num : 0;
}


const char *args_str(const struct odict *o, const char *key)
{
	return odict_string(o, key);
}


bool args_bool(const struct odict *o, const char *key)
{
	bool val = false;

	return odict_get_boolean(o, &val, key) && val;
}


int args_tri(enum cpm_tri *tri, const struct odict *o, const char *key)
{
	const char *str = args_str(o, key);
	bool val;

	if (odict_get_boolean(o, &val, key))
		*tri = val ? CPM_TRI_YES : CPM_TRI_NO;
	else if (!str_casecmp(str, "yes"))
		*tri = CPM_TRI_YES;
	else if (!str_casecmp(str, "no"))
		*tri = CPM_TRI_NO;
	else if (!str_casecmp(str, "default"))
		*tri = CPM_TRI_DEFAULT;
	else
		return EINVAL;

	return 0;
}


static void list_destructor(void *arg)
{
	(void)arg;
}


int args_list(uint64_t **idvp, size_t *idcp, const struct odict *o,
	      const char *key)
{
	const struct odict_entry *arr = odict_lookup(o, key);
	const size_t n = arr ? odict_count(arr->u.odict, false) : 0;
	uint64_t *idv;
	struct le *le;
	size_t i = 0;

	if (!n)
		return EINVAL;

	idv = mem_zalloc(n * sizeof(*idv), list_destructor);
	if (!idv)
		return ENOMEM;

	for (le = arr->u.odict->lst.head; le; le = le->next) {
		const struct odict_entry *e = le->data;

		if (!type_fits(ARG_UINT, e)) {
			mem_deref(idv);
			return EINVAL;
		}
		idv[i++] = (uint64_t)e->u.integer;
	}

	*idvp = idv;
	*idcp = n;

	return 0;
}


int args_strings(const char ***strvp, size_t *strcp, const struct odict *o,
		 const char *key)
{
	const struct odict_entry *arr = odict_lookup(o, key);
	const size_t n = arr ? odict_count(arr->u.odict, false) : 0;
	const char **strv;
	struct le *le;
	size_t i = 0;

	if (!n)
		return EINVAL;

	strv = mem_zalloc(n * sizeof(*strv), list_destructor);
	if (!strv)
		return ENOMEM;

	for (le = arr->u.odict->lst.head; le; le = le->next) {
		const struct odict_entry *e = le->data;

		if (!type_fits(ARG_STR, e)) {
			mem_deref(strv);
			return EINVAL;
		}
		strv[i++] = e->u.str;
	}

	*strvp = strv;
	*strcp = n;

	return 0;
}
