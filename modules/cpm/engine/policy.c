/**
 * @file policy.c  Who may deliver or talk now; which notifications leave
 *
 * Rows are kept in memory and in the store. The narrowest row that says
 * something wins: account and sender, sender, account, every one, then the
 * configuration.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


struct row {
	struct le le;
	char *account;
	char *peer;
	enum cpm_answer deferred;
	enum cpm_answer chat;
	enum cpm_tri delivery_imdn;
	enum cpm_tri display_imdn;
};

struct policy {
	struct list rowl;
	bool loaded;
};


static void destructor(void *arg)
{
	struct policy *pol = arg;

	list_flush(&pol->rowl);
}


static void row_destructor(void *arg)
{
	struct row *row = arg;

	list_unlink(&row->le);
	mem_deref(row->account);
	mem_deref(row->peer);
}


static struct row *row_find(const struct policy *pol, const char *account,
			    const char *peer)
{
	struct le *le;

	for (le = pol->rowl.head; le; le = le->next) {
		struct row *row = le->data;

		if (!str_cmp(row->account, account) &&
		    !str_cmp(row->peer, peer))
			return row;
	}

	return NULL;
}


static int row_get(struct row **rowp, struct policy *pol,
		   const char *account, const char *peer)
{
	struct row *row = row_find(pol, account, peer);
	int err = 0;

	if (row)
		goto out;

	row = mem_zalloc(sizeof(*row), row_destructor);
	if (!row)
		return ENOMEM;

	err = str_dup(&row->account, account);
	if (!err)
		err = str_dup(&row->peer, peer);
	if (err) {
		mem_deref(row);
		return err;
	}

	list_append(&pol->rowl, &row->le, row);
 out:
	*rowp = row;

	return 0;
}


struct load {
	struct policy *pol;
	int err;
};

static bool load_handler(const struct cpm_policy_row *in, void *arg)
{
	struct load *load = arg;
	struct row *row;

	load->err = row_get(&row, load->pol, in->account, in->peer);
	if (load->err)
		return true;

	row->deferred      = in->deferred;
	row->chat          = in->chat;
	row->delivery_imdn = in->delivery_imdn;
	row->display_imdn  = in->display_imdn;

	return false;
}


int policy_alloc(struct policy **polp)
{
	*polp = mem_zalloc(sizeof(**polp), destructor);

	return *polp ? 0 : ENOMEM;
}


int policy_load(struct policy *pol, struct cpm_store *st)
{
	struct load load = {pol, 0};
	int err;

	if (pol->loaded)
		return 0;

	err = cpm_store_policies(st, load_handler, &load);
	if (!err)
		err = load.err;
	if (err)
		list_flush(&pol->rowl);
	else
		pol->loaded = true;

	return err;
}


static int row_save(const struct row *row, struct cpm_store *st)
{
	const struct cpm_policy_row out = {
		.account       = row->account,
		.peer          = row->peer,
		.deferred      = row->deferred,
		.chat          = row->chat,
		.delivery_imdn = row->delivery_imdn,
		.display_imdn  = row->display_imdn,
	};

	return cpm_store_policy_set(st, &out, NULL, NULL);
}


void policy_save(const struct policy *pol, struct cpm_store *st)
{
	struct le *le;

	if (!pol || !pol->loaded)
		return;

	for (le = pol->rowl.head; le; le = le->next)
		(void)row_save(le->data, st);
}


static bool tri(enum cpm_tri say, bool otherwise)
{
	return say == CPM_TRI_DEFAULT ? otherwise : say == CPM_TRI_YES;
}


void policy_resolve(const struct policy *pol, const struct cpm_conf *conf,
		    const char *aor, const char *peer,
		    struct cpm_policy *res)
{
	const char *a = aor ? aor : "", *p = peer ? peer : "";
	const char *const widest_first[][2] = {
		{"", ""}, {a, ""}, {"", p}, {a, p},
	};
	size_t i;

	res->deferred      = conf->deferred;
	res->chat          = conf->chat;
	res->delivery_imdn = conf->delivery_imdn;
	res->display_imdn  = conf->display_imdn;

	for (i=0; i<sizeof(widest_first)/sizeof(widest_first[0]); i++) {
		const struct row *row = row_find(pol, widest_first[i][0],
						 widest_first[i][1]);
		if (!row)
			continue;

		if (row->deferred != CPM_ANSWER_DEFAULT)
			res->deferred = row->deferred;
		if (row->chat != CPM_ANSWER_DEFAULT)
			res->chat = row->chat;
		res->delivery_imdn = tri(row->delivery_imdn,
					 res->delivery_imdn);
		res->display_imdn = tri(row->display_imdn,
					res->display_imdn);
	}
}


int policy_change(struct policy *pol, struct cpm_store *st,
		  const struct cpm_policy_change *chg)
{
	const char *account = chg->account ? chg->account : "";
	struct row *row, old;
	char *peer = NULL;
	struct pl pl;
	int err;

	if (str_isset(chg->peer)) {
		pl_set_str(&pl, chg->peer);
		err = cpm_uri_norm(&peer, &pl);
		if (err)
			return err == ENOMEM ? err : EINVAL;
	}

	err = row_get(&row, pol, account, peer ? peer : "");
	if (err)
		goto out;

	old = *row;
	if (chg->deferred)
		row->deferred = *chg->deferred;
	if (chg->chat)
		row->chat = *chg->chat;
	if (chg->delivery_imdn)
		row->delivery_imdn = *chg->delivery_imdn;
	if (chg->display_imdn)
		row->display_imdn = *chg->display_imdn;

	err = row_save(row, st);
	if (err) {
		/* what cannot be kept is not in force either */
		row->deferred      = old.deferred;
		row->chat          = old.chat;
		row->delivery_imdn = old.delivery_imdn;
		row->display_imdn  = old.display_imdn;
	}
 out:
	mem_deref(peer);

	return err;
}
