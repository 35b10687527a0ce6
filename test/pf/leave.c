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


/** leave: keep a message */
int leave_cmd(const struct args *args)
{
	const struct pl *text = arg_find(args, "text");
	const struct pl *body = arg_find(args, "body");
	char *file = NULL, *str = NULL;
	struct kept *m;
	struct pl pl;
	int err;

	if (!text && !body && !arg_find(args, "size") &&
	    !arg_find(args, "file"))
		return EINVAL;

	err = kept_alloc(&m);
	if (err)
		return err;

	err = kept_fill(m, args);
	if (!err)
		err = arg_get(&file, args, "file");
	if (!err && body) {
		err = percent_decode(&str, body);
		pl_set_str(&pl, str);
		text = &pl;
	}
	if (!err)
		err = keep_put(args->pf->keep, m, text, file);
	if (!err) {
		event("kept id=%s from=%s to=%s size=%llu", m->id, m->sender,
		      m->rcpt, (unsigned long long)m->size);
		expire_sweep(args->pf);
		deliver_kept(user_find(args->pf, m->user));
	}

	mem_deref(str);
	mem_deref(file);
	mem_deref(m);
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
