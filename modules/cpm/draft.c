/**
 * @file draft.c  Texts that come in pieces, for a bus that takes 1,000 octets
 *
 * bus.md, cpm_draft. They are in memory only: what is to be kept is sent.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "glue.h"


struct drafts {
	struct list list;
};

struct draft {
	struct le le;
	struct mbuf *mb;
	char name[DRAFT_NAME_MAX + 1];
};


static void drafts_destructor(void *arg)
{
	struct drafts *d = arg;

	list_flush(&d->list);
}


static void draft_destructor(void *arg)
{
	struct draft *draft = arg;

	list_unlink(&draft->le);
	mem_deref(draft->mb);
}


static struct draft *find(const struct drafts *d, const char *name)
{
	struct le *le;

	for (le = d->list.head; le; le = le->next) {
		struct draft *draft = le->data;

		if (!str_cmp(draft->name, name))
			return draft;
	}

	return NULL;
}


static int draft_alloc(struct draft **draftp, const char *name)
{
	struct draft *draft = mem_zalloc(sizeof(*draft), draft_destructor);

	if (!draft)
		return ENOMEM;

	draft->mb = mbuf_alloc(4096);
	if (!draft->mb) {
		mem_deref(draft);
		return ENOMEM;
	}
	str_ncpy(draft->name, name, sizeof(draft->name));
	*draftp = draft;

	return 0;
}


/* One that fails leaves nothing new */
static int append(struct mbuf *mb, const char *str)
{
	const size_t len = strlen(str), end = mb->end;
	int err;

	if (len > DRAFT_SIZE - mb->end)
		return EMSGSIZE;

	mb->pos = mb->end;
	err = mbuf_write_mem(mb, (const uint8_t *)str, len);
	mb->pos = 0;
	if (err)
		mb->end = end;

	return err;
}


int drafts_alloc(struct drafts **dp)
{
	struct drafts *d;

	if (!dp)
		return EINVAL;

	d = mem_zalloc(sizeof(*d), drafts_destructor);
	if (!d)
		return ENOMEM;

	*dp = d;

	return 0;
}


int drafts_append(struct drafts *d, const char *name, const char *str,
		  size_t *sizep)
{
	struct draft *draft, *fresh = NULL;
	int err;

	if (!d || !str || !str_isset(name) || str_len(name) > DRAFT_NAME_MAX)
		return EINVAL;

	draft = find(d, name);
	if (!draft) {
		if (list_count(&d->list) >= DRAFTS_MAX)
			return EBUSY;
		err = draft_alloc(&fresh, name);
		if (err)
			return err;
		draft = fresh;
	}

	err = append(draft->mb, str);
	if (err) {
		mem_deref(fresh);
		return err;
	}
	if (fresh)
		list_append(&d->list, &fresh->le, fresh);
	if (sizep)
		*sizep = draft->mb->end;

	return 0;
}


int drafts_remove(struct drafts *d, const char *name)
{
	struct draft *draft = d ? find(d, name) : NULL;

	if (!draft)
		return ENOENT;

	mem_deref(draft);

	return 0;
}


const struct mbuf *drafts_find(const struct drafts *d, const char *name)
{
	const struct draft *draft = d ? find(d, name) : NULL;

	return draft ? draft->mb : NULL;
}
