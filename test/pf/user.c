/**
 * @file user.c  Accounts and their bindings
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


static void binding_destructor(void *arg)
{
	struct binding *bind = arg;

	list_unlink(&bind->le);
	tmr_cancel(&bind->tmr);
	mem_deref(bind->uri);
}


static void user_destructor(void *arg)
{
	struct user *user = arg;

	list_unlink(&user->le);
	tmr_cancel(&user->tmr);
	tmr_cancel(&user->tmr_retry);
	list_flush(&user->pagel);
	list_flush(&user->passl);
	mem_deref(user->ann);
	list_flush(&user->lanel);
	mem_deref(user->sess);
	list_flush(&user->bindl);
	mem_deref(user->name);
	mem_deref(user->pass);
	mem_deref(user->aor);
}


/** Add a user. @param pass May be NULL: nobody can log in as this one.
    @return 0; ENOMEM */
int user_add(struct user **up, struct pf *pf, const char *name,
	     const char *pass)
{
	struct user *user;
	int err;

	user = mem_zalloc(sizeof(*user), user_destructor);
	if (!user)
		return ENOMEM;

	user->pf = pf;
	err = str_dup(&user->name, name);
	if (!err && pass)
		err = str_dup(&user->pass, pass);
	if (!err)
		err = re_sdprintf(&user->aor, "sip:%s@%s", name, pf->domain);
	if (err) {
		mem_deref(user);
		return err;
	}

	list_append(&pf->userl, &user->le, user);
	if (up)
		*up = user;

	return 0;
}


/** The user of that name, or NULL */
struct user *user_find(const struct pf *pf, const char *name)
{
	struct le *le;

	for (le = list_head(&pf->userl); le; le = le->next) {
		struct user *user = le->data;

		if (!strcmp(user->name, name))
			return user;
	}

	return NULL;
}


/** The user whom a URI names, or NULL. The host does not matter: we serve
    one domain. */
struct user *user_find_uri(const struct pf *pf, const struct pl *uri)
{
	struct user *user = NULL;
	char *str = NULL, *name = NULL;

	if (!pl_strdup(&str, uri) && !uri_name(&name, str))
		user = user_find(pf, name);

	mem_deref(name);
	mem_deref(str);
	return user;
}


/** The latest binding, or NULL: not registered */
struct binding *user_binding(const struct user *user)
{
	return list_ledata(list_head(&user->bindl));
}


/* A client that comes back after a crash has the same address and perhaps
   another user part. Its old binding would be a dead end, so host, port and
   transport decide. */
static bool contact_same(const char *a, const char *b)
{
	struct uri ua, ub;
	struct pl pa, pb, ta = PL("udp"), tb = PL("udp");

	pl_set_str(&pa, a);
	pl_set_str(&pb, b);
	if (uri_decode(&ua, &pa) || uri_decode(&ub, &pb))
		return !strcmp(a, b);

	(void)msg_param_decode(&ua.params, "transport", &ta);
	(void)msg_param_decode(&ub.params, "transport", &tb);

	return !pl_casecmp(&ua.host, &ub.host) && ua.port == ub.port &&
		!pl_casecmp(&ta, &tb);
}


static struct binding *binding_find(const struct user *user, const char *uri)
{
	struct le *le;

	for (le = list_head(&user->bindl); le; le = le->next) {
		struct binding *bind = le->data;

		if (contact_same(bind->uri, uri))
			return bind;
	}

	return NULL;
}


static void binding_remove(struct binding *bind)
{
	struct user *user = bind->user;

	mem_deref(bind);
	if (list_isempty(&user->bindl))
		event("unregistered user=%s", user->name);
}


static void tmr_handler(void *arg)
{
	binding_remove(arg);
}


/** Bind a user to a Contact, or do so again. @return 0; ENOMEM */
int user_bind(struct user *user, const char *uri, uint32_t expires, bool third)
{
	struct binding *bind;
	int err;

	bind = mem_zalloc(sizeof(*bind), binding_destructor);
	if (!bind)
		return ENOMEM;

	err = str_dup(&bind->uri, uri);
	if (err) {
		mem_deref(bind);
		return err;
	}

	/* who comes from elsewhere need not know what another was told */
	if (!binding_find(user, uri))
		user->told = 0;
	mem_deref(binding_find(user, uri));
	bind->user = user;
	++user->regs;
	bind->third = third;
	list_prepend(&user->bindl, &bind->le, bind);
	tmr_start(&bind->tmr, (uint64_t)expires * 1000, tmr_handler, bind);

	event("registered user=%s contact=%s", user->name, uri);
	deliver_registered(user, uri);

	return 0;
}


/** Remove one binding, or all. @param uri NULL: all */
void user_unbind(struct user *user, const char *uri)
{
	struct binding *bind;

	if (!uri) {
		while ((bind = user_binding(user)))
			binding_remove(bind);
		return;
	}

	bind = binding_find(user, uri);
	if (bind)
		binding_remove(bind);
}
