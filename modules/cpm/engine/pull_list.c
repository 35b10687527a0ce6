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
		mem_deref(p->itemv[i].conversation_id);
		mem_deref(p->itemv[i].group);
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


static int dup(char **strp, const char *str)
{
	return str ? str_dup(strp, str) : 0;
}


static int item_set(struct item *item, const struct cpm_announced *ann)
{
	int err;

	item->mode = ann->mode;
	err = str_dup(&item->reference, ann->reference);
	if (!err)
		err = dup(&item->from, ann->from);
	if (!err)
		err = dup(&item->conversation_id, ann->conversation_id);

	return err ? err : dup(&item->group, ann->group);
}


static bool load_handler(const struct cpm_announced *ann, void *arg)
{
	struct load *load = arg;
	struct pull *p = load->p;

	if (!iswanted(load, ann->reference))
		return false;
	/* it holds no more than that of an account */
	if (p->itemc >= p->room)
		return true;

	load->err = item_set(&p->itemv[p->itemc++], ann);

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


const struct item *pull_describe(const struct pull *p, const struct pl *id)
{
	return p && pl_isset(id) ? item_find(p, id) : NULL;
}
