/**
 * @file pull_list.c  What a pull is to bring, as it was announced
 *
 * Copied when the pull begins: what the list says of a message is asked for
 * each time that one comes, and what is announced later is another pull's.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "pull.h"


static void destructor(void *arg)
{
	struct pull *p = arg;
	size_t i;

	for (i=0; i<p->itemc; i++) {
		mem_deref(p->itemv[i].reference);
		mem_deref(p->itemv[i].from);
	}
	mem_deref(p->itemv);
}


static struct item *item_find(const struct pull *p, const struct pl *ref)
{
	size_t i;

	for (i=0; i<p->itemc; i++) {
		if (!pl_strcmp(ref, p->itemv[i].reference))
			return &p->itemv[i];
	}

	return NULL;
}


struct item *pull_item(const struct pull *p, const char *ref)
{
	struct pl pl;

	pl_set_str(&pl, ref);

	return item_find(p, &pl);
}


struct load {
	struct pull *p;
	const char *const *refv;
	size_t refc;             /* 0: all                                  */
	int err;
};

static bool iswanted(const struct load *load, const char *ref)
{
	size_t i;

	for (i=0; i<load->refc; i++) {
		if (!strcmp(load->refv[i], ref))
			return true;
	}

	return !load->refc;
}


static bool load_handler(const struct cpm_announced *ann, void *arg)
{
	struct load *load = arg;
	struct pull *p = load->p;
	struct item *item;

	if (!iswanted(load, ann->reference))
		return false;
	/* it holds no more than that of an account */
	if (p->itemc >= p->room)
		return true;

	item = &p->itemv[p->itemc++];
	item->mode = ann->mode;
	load->err = str_dup(&item->reference, ann->reference);
	if (!load->err && ann->from)
		load->err = str_dup(&item->from, ann->from);

	return load->err != 0;
}


static bool count_handler(const struct cpm_announced *ann, void *arg)
{
	(void)ann;
	++*(size_t *)arg;

	return false;
}


int pull_load(struct pull **pp, struct cpm *cpm, const char *aor,
	      const char *const *refv, size_t refc)
{
	struct load load = {.refv = refv, .refc = refc};
	const uint64_t now = engine_now();
	struct pull *p;
	int err;

	p = mem_zalloc(sizeof(*p), destructor);
	if (!p)
		return ENOMEM;

	err = cpm_store_announced(cpm->store, aor, now, count_handler,
				  &p->room);
	if (!err && p->room) {
		p->itemv = mem_zalloc(p->room * sizeof(*p->itemv), NULL);
		load.p = p;
		err = p->itemv ? cpm_store_announced(cpm->store, aor, now,
						     load_handler, &load)
			: ENOMEM;
	}
	if (!err)
		err = load.err;

	if (err)
		mem_deref(p);
	else
		*pp = p;

	return err;
}


void pull_describe(const struct pull *p, const struct pl *id,
		   const char **peer, enum cpm_mode *modep)
{
	const struct item *item;

	*peer = NULL;
	item = p && pl_isset(id) ? item_find(p, id) : NULL;
	if (!item)
		return;

	*peer  = item->from;
	*modep = item->mode;
}
