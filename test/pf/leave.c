/**
 * @file leave.c  Commands: a message is left, and the way that it is to take
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"
#include "cmd.h"


static int default_set(char **strp, const char *str)
{
	return *strp ? 0 : str_dup(strp, str);
}


/* The fields that have a default */
static int kept_default(struct kept *m, const struct args *args)
{
	char id[ID_SIZE], date[40];
	int err;

	uuid_make(id);
	date_now(date, sizeof(date));

	err = default_set(&m->id, id);
	if (!err)
		err = default_set(&m->date, date);
	if (!err)
		err = default_set(&m->type, "text/plain;charset=UTF-8");
	if (!err)
		err = default_set(&m->ask, "positive-delivery,display");
	if (!err && !strcmp(m->ask, "none"))
		m->ask = mem_deref(m->ask);
	if (!err && !m->conv)
		err = keep_conv(&m->conv, args->pf->keep, m->group
				? m->group : m->sender, m->user);

	return err;
}


/* filename=, or disp= as it is; way=, expires= */
static int kept_more(struct kept *m, const struct args *args)
{
	const struct pl *way = arg_find(args, "way");
	uint64_t seconds = 0;
	char *file = NULL;
	int err;

	err = arg_get(&m->disp, args, "disp");
	if (!err)
		err = arg_get(&file, args, "filename");
	if (!err && file && !m->disp)
		err = re_sdprintf(&m->disp, "attachment; filename=\"%s\"",
				  file);
	mem_deref(file);
	if (!err)
		err = arg_uri(&m->group, args, "group");
	if (!err)
		err = arg_num(&seconds, args, "expires");
	if (err)
		return err;

	m->expires = expire_at(seconds);
	m->way = way ? way_find(way) : WAY_NONE;

	return way && !m->way ? EINVAL : 0;
}


static int kept_fill(struct kept *m, const struct args *args)
{
	const struct pl *anon = arg_find(args, "anon");
	struct user *user = NULL;
	int err;

	err = arg_user(&user, args);
	if (!err)
		err = str_dup(&m->user, user->name);
	if (!err)
		err = arg_uri(&m->sender, args, "from");
	if (!err)
		err = arg_uri(&m->rcpt, args, "to");
	if (!err)
		err = arg_get(&m->id, args, "id");
	if (!err)
		err = arg_get(&m->name, args, "name");
	if (!err)
		err = arg_get(&m->conv, args, "conv");
	if (!err)
		err = arg_get(&m->ask, args, "ask");
	if (!err)
		err = arg_get(&m->type, args, "type");
	if (!err)
		err = arg_get(&m->date, args, "date");
	if (err)
		return err;
	if (!m->sender)
		return EINVAL;

	m->anon = anon && !pl_strcasecmp(anon, "yes");
	err = arg_num(&m->size, args, "size");
	if (!err)
		err = kept_more(m, args);
	return err ? err : kept_default(m, args);
}


/* What the message says */
struct content {
	const struct pl *text;   /* or NULL                                 */
	char *file;              /* or NULL                                 */
	char *str;
	struct pl pl;
};


static int content_get(struct content *c, const struct args *args)
{
	const struct pl *body = arg_find(args, "body");
	int err;

	c->text = arg_find(args, "text");
	if (!c->text && !body && !arg_find(args, "size") &&
	    !arg_find(args, "file"))
		return EINVAL;

	err = arg_get(&c->file, args, "file");
	if (err || !body)
		return err;

	err = percent_decode(&c->str, body);
	if (err)
		return err;

	pl_set_str(&c->pl, c->str);
	c->text = &c->pl;
	return 0;
}


static int leave_one(const struct args *args, const struct content *c)
{
	struct kept *m;
	int err = kept_alloc(&m);

	if (err)
		return err;

	err = kept_fill(m, args);
	if (!err)
		err = keep_put(args->pf->keep, m, c->text, c->file);
	if (!err)
		event("kept id=%s from=%s to=%s size=%llu", m->id, m->sender,
		      m->rcpt, (unsigned long long)m->size);
	mem_deref(m);

	return err;
}


/* count=N: each has a number behind its id and its text */
static int leave_many(const struct args *args, const struct content *c,
		      uint64_t count)
{
	struct pf *pf = args->pf;
	uint64_t i;
	int err = keep_begin(pf->keep);

	for (i = 1; i <= count && !err; i++) {
		struct kept *m;
		char *str = NULL, *id = NULL;
		struct pl pl = PL_INIT;

		err = kept_alloc(&m);
		if (err)
			break;
		err = kept_fill(m, args);
		if (!err && arg_find(args, "id"))
			err = re_sdprintf(&id, "%s%llu", m->id, i);
		if (id) {
			mem_deref(m->id);
			m->id = id;
		}
		if (!err && c->text)
			err = re_sdprintf(&str, "%r %llu", c->text, i);
		pl_set_str(&pl, str ? str : "");
		if (!err)
			err = keep_put(pf->keep, m, str ? &pl : NULL,
				       c->file);
		mem_deref(str);
		mem_deref(m);
	}
	if (keep_end(pf->keep) && !err)
		err = EIO;
	if (!err)
		event("kept count=%llu", (unsigned long long)count);

	return err;
}


/** leave: keep a message, or many */
int leave_cmd(const struct args *args)
{
	struct content c = {.text = NULL};
	struct user *user = NULL;
	uint64_t count = 0;
	int err;

	err = content_get(&c, args);
	if (!err)
		err = arg_num(&count, args, "count");
	if (!err)
		err = arg_user(&user, args);
	if (!err)
		err = count ? leave_many(args, &c, count)
			: leave_one(args, &c);
	if (!err) {
		expire_sweep(args->pf);
		deliver_kept(user);
	}

	mem_deref(c.file);
	mem_deref(c.str);
	return err;
}


/** way [to=USER] how=WAY [few=N] */
int leave_cmd_way(const struct args *args)
{
	const struct pl *how = arg_find(args, "how");
	const enum way way = how ? way_find(how) : WAY_NONE;
	struct user *user = NULL;
	uint64_t few = 0;
	int err;

	err = arg_num(&few, args, "few");
	if (!err && (!way || few > UINT32_MAX))
		err = EINVAL;
	if (!err && arg_find(args, "to"))
		err = arg_user(&user, args);
	if (err)
		return err;

	*(user ? &user->way : &args->pf->opt.way) = way;
	if (few)
		*(user ? &user->few : &args->pf->opt.few) = (uint32_t)few;

	event("way to=%s how=%s", user ? user->aor : "all", way_name(way));
	return 0;
}
