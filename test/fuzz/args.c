/**
 * @file args.c  Fuzz: parameters of commands, as JSON or as words
 *
 * The first octet chooses among what the commands take.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "../../modules/cpm/glue.h"
#include "fuzz.h"


enum { TEXT = 256, PRM_MAX = 16384 };

/* one of each kind that the commands have */
static const struct arg_spec specv[] = {
	{.needed = false},
	{.keyv = {{"conversation", ARG_UINT}, {"peer", ARG_STR},
		  {"unread", ARG_BOOL}, {"after", ARG_UINT},
		  {"before", ARG_UINT}, {"limit", ARG_UINT}},
	 .posv = {"conversation"}, .needed = true},
	{.keyv = {{"id", ARG_UINT}, {"ids", ARG_LIST},
		  {"conversation", ARG_UINT}},
	 .posv = {"id|c"}, .needed = true},
	{.keyv = {{"account", ARG_STR}, {"deferred", ARG_STR},
		  {"delivery_imdn", ARG_TRI}, {"display_imdn", ARG_TRI}},
	 .posv = {"account", "deferred"}},
	{.keyv = {{"account", ARG_STR}, {"references", ARG_STRS}},
	 .posv = {"account"}},
	{.keyv = {{"to", ARG_STR}, {"conversation", ARG_UINT},
		  {"reply_to", ARG_UINT}, {"text", ARG_STR}},
	 .posv = {"to|c|r", "text"}, .rest = true, .needed = true},
};


static void values_check(const struct odict *o, const struct arg_spec *spec)
{
	const struct arg_key *key;
	enum cpm_tri tri;
	const char **strv;
	uint64_t *idv;
	size_t idc, i;

	for (i=0; i<ARG_KEYS && spec->keyv[i].name; i++) {
		key = &spec->keyv[i];
		if (!args_has(o, key->name))
			continue;

		switch (key->type) {

		case ARG_UINT:
			CHECK(args_uint(o, key->name) <= INT64_MAX);
			break;

		case ARG_STR:
			CHECK(args_str(o, key->name) != NULL);
			break;

		case ARG_BOOL:
			(void)args_bool(o, key->name);
			break;

		case ARG_TRI:
			(void)args_tri(&tri, o, key->name);
			break;

		case ARG_LIST:
			if (!args_list(&idv, &idc, o, key->name)) {
				CHECK(idc > 0);
				mem_deref(idv);
			}
			break;

		case ARG_STRS:
			if (!args_strings(&strv, &idc, o, key->name)) {
				CHECK(idc > 0);
				mem_deref(strv);
			}
			break;
		}
	}
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	const struct arg_spec *spec;
	struct odict *o = NULL;
	char text[TEXT];
	char *prm;
	int err;

	if (size > PRM_MAX)
		return 0;

	spec = &specv[fuzz_take(&in) % (sizeof(specv) / sizeof(specv[0]))];
	prm = fuzz_str(in.p, in.l);
	memset(text, 0, sizeof(text));

	err = args_decode(&o, spec, prm, text, sizeof(text));
	CHECK(err == 0 || err == EINVAL);
	CHECK(memchr(text, 0, sizeof(text)));
	if (!err) {
		CHECK(o != NULL);
		values_check(o, spec);
	}
	else {
		CHECK(!o);
		CHECK(text[0] != '\0');
	}

	mem_deref(o);
	mem_deref(prm);

	return 0;
}
