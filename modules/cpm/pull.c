/**
 * @file pull.c  What the server announced: commands and keys
 *
 * bus.md, Commands: cpm_deferred, cpm_pull; README.md, Pull.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cmd.h"


struct list_ctx {
	struct odict *arr;
	size_t n;
	int err;
};


static const char *mode_known(const struct cpm_announced *ann)
{
	return strcmp(ann->reference, "all") ? cpm_mode_name(ann->mode)
		: NULL;
}


static int show_announced(struct odict *o, const struct cpm_announced *ann)
{
	int err = show_str(o, "reference", ann->reference);

	if (!err)
		err = show_str(o, "account", ann->account);
	if (!err)
		err = show_str(o, "from", ann->from);
	if (!err)
		err = show_str(o, "subject", ann->subject);
	if (!err && ann->size)
		err = show_uint(o, "size", ann->size);
	if (!err && ann->time)
		err = show_time(o, "time", ann->time);
	if (!err && ann->expires)
		err = show_time(o, "expires", ann->expires);

	return err ? err : show_str(o, "mode", mode_known(ann));
}


static bool announced_handler(const struct cpm_announced *ann, void *arg)
{
	struct list_ctx *lc = arg;
	struct odict *o;
	char key[16];

	if (lc->n == DEFERRED_MAX) {
		++lc->n;  /* there is one more */
		return true;
	}

	lc->err = odict_alloc(&o, 8);
	if (lc->err)
		return true;

	(void)re_snprintf(key, sizeof(key), "%zu", lc->n++);
	lc->err = show_announced(o, ann);
	if (!lc->err)
		lc->err = show_child(lc->arr, key, ODICT_OBJECT, o);
	else
		mem_deref(o);

	return lc->err != 0;
}


int run_deferred(struct ctx *ctx)
{
	const char *account = args_str(ctx->in, "account");
	struct list_ctx lc = {.arr = NULL};
	int err;

	if (account && !uag_find_aor(account))
		return fail(ctx, ENOENT, "no account %s", account);

	err = odict_alloc(&lc.arr, 64);
	if (err)
		return err;

	err = cpm_deferred(ctx->cpm, account, announced_handler, &lc);
	if (!err)
		err = lc.err;
	if (err) {
		mem_deref(lc.arr);
		return err;
	}

	err = show_child(ctx->out, "deferred", ODICT_ARRAY, lc.arr);

	return err ? err : show_bool(ctx->out, "more", lc.n > DEFERRED_MAX);
}


/* The one account that there is */
static const char *only_account(void)
{
	const struct list *list = uag_list();

	return list_count(list) == 1
		? account_aor(ua_account(list->head->data)) : NULL;
}


static int start(struct ctx *ctx, const char *account,
		 const char *const *refv, size_t refc)
{
	uint32_t session = 0;
	size_t bad = 0;
	int err;

	err = cpm_pull(ctx->cpm, account, refv, refc, &session, &bad);
	switch (err) {

	case 0:
		return show_uint(ctx->out, "session", session);
	case ENOENT:
		return fail(ctx, err, "nothing is announced as \"%s\"",
			    refv[bad]);
	case EALREADY:
		return fail(ctx, err, "session %u is a pull of %s already",
			    session, account);
	case ENOTCONN:
		return fail(ctx, err, "%s is not registered", account);
	case EBUSY:
		return fail(ctx, err, "there are cpm_max_sessions already");
	case EOVERFLOW:
		return fail(ctx, EINVAL, "\"references\" may have %u at "
			    "most", CPM_PULL_MAX);
	case EHOSTUNREACH:
		return fail(ctx, err, "there is no way to the server, or "
			    "our relay refuses");
	default:
		return err;
	}
}


int run_pull(struct ctx *ctx)
{
	const char *account = args_str(ctx->in, "account");
	const char **refv = NULL;
	size_t refc = 0;
	int err = 0;

	if (!account)
		account = only_account();
	if (!account)
		return fail(ctx, EINVAL, "\"account\" is needed: there is "
			    "not just one");
	if (!uag_find_aor(account))
		return fail(ctx, ENOENT, "no account %s", account);

	if (args_has(ctx->in, "references"))
		err = args_strings(&refv, &refc, ctx->in, "references");
	if (err == EINVAL)
		return fail(ctx, err, "\"references\" must be strings, one "
			    "at least");
	if (!err)
		err = start(ctx, account, refv, refc);
	mem_deref(refv);

	return err;
}


/* It is put between < and > */
static bool isplain(const struct pl *pl)
{
	size_t i;

	for (i=0; i<pl->l; i++) {
		if (pl->p[i] <= ' ' || strchr("<>\"", pl->p[i]))
			return false;
	}

	return true;
}


static int get_uri(char *uri, size_t size, const char *key)
{
	struct uri u;
	struct pl val;

	uri[0] = '\0';
	if (conf_get(conf_cur(), key, &val))
		return 0;

	if (val.l < size && !uri_decode(&u, &val) && isplain(&val) &&
	    (!pl_strcasecmp(&u.scheme, "sip") ||
	     !pl_strcasecmp(&u.scheme, "sips")))
		return pl_strcpy(&val, uri, size);

	warning("cpm: %s: \"%r\" is wrong, it must be a SIP URI of less than "
		"%zu octets\n", key, &val, size);

	return EINVAL;
}


/**
 * Read the key of whom to ask
 *
 * @param text Lives as long as conf
 */
int pull_config(struct cpm_conf *conf, struct pull_text *text)
{
	int err = get_uri(text->uri, sizeof(text->uri), "cpm_deferred_uri");

	conf->deferred_uri = text->uri[0] ? text->uri : NULL;

	return err;
}
