/**
 * @file way.c  The way of a message: policies, and what has expired
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <time.h>
#include "pf.h"


enum { SHORT_MAX = 900 };    /* octets of text that fit into a MESSAGE of
				1,300 (RFC 3428, 8) with what is around it  */

static const char *const name[WAY_MAX] = {
	[WAY_AUTO] = "auto",     [WAY_PAGE] = "page",
	[WAY_LARGE] = "large",   [WAY_INLINE] = "inline",
	[WAY_ALL] = "all",       [WAY_SESSION] = "session",
	[WAY_PULL] = "pull",
};


/** The way of that name. @return WAY_NONE: there is none */
enum way way_find(const struct pl *pl)
{
	int i;

	for (i = WAY_AUTO; i < WAY_MAX; i++) {
		if (!pl_strcmp(pl, name[i]))
			return (enum way)i;
	}

	return WAY_NONE;
}


/** Its name */
const char *way_name(enum way way)
{
	return name[way] ? name[way] : "none";
}


/** What is said about a message: by itself, its user, or the options */
enum way way_of(const struct user *user, const struct kept *m)
{
	if (m->notice)
		return WAY_SESSION;
	if (m->way)
		return m->way;

	return user->way ? user->way : user->pf->opt.way;
}


static bool is_short(const struct kept *m)
{
	return m->size <= SHORT_MAX && !strncmp(m->type, "text/", 5);
}


/** The way of a message whose turn it is, where "auto" is none any more */
enum way way_choose(const struct lane *lane, const struct kept *m)
{
	const struct user *user = lane->user;
	const uint32_t few = user->few ? user->few : user->pf->opt.few;
	const enum way way = way_of(user, m);
	bool brief = is_short(m);
	uint32_t n = 1;
	struct pick pick = {
		.user = user->name, .party = lane->party,
		.conv = lane->conv, .after = m->seq, .upto = user->upto,
	};

	if (way != WAY_AUTO)
		return way;

	while (n <= few) {
		struct kept *next = NULL;

		if (keep_next(&next, user->pf->keep, &pick))
			break;
		if (way_of(user, next) == WAY_AUTO) {
			n++;
			brief = brief && is_short(next);
		}
		pick.after = next->seq;
		mem_deref(next);
	}

	if (brief && n <= few)
		return WAY_PAGE;

	return n == 1 ? WAY_LARGE : WAY_SESSION;
}


static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}


/** When a message expires that has so many seconds. 0: never */
uint64_t expire_at(uint64_t seconds)
{
	return seconds ? now_ms() + seconds * 1000 : 0;
}


static int expired(struct pf *pf, const struct kept *m)
{
	event("expired id=%s to=%s", m->id, m->rcpt);
	return keep_remove(pf->keep, m->seq);
}


/** The first message that fits and has not expired; those that have are gone.
    @return 0; ENOENT; EIO; ENOMEM */
int expire_next(struct kept **mp, struct pf *pf, const struct pick *pick)
{
	const uint64_t now = now_ms();
	int err;

	for (;;) {
		err = keep_next(mp, pf->keep, pick);
		if (err || !(*mp)->expires || (*mp)->expires > now)
			return err;

		err = expired(pf, *mp);
		*mp = mem_deref(*mp);
		if (err)
			return err;
	}
}


static void tmr_handler(void *arg)
{
	expire_sweep(arg);
}


/** Remove what has expired, now and whenever something will have. Not of users
    to whom something is on its way: a body must not vanish under a session */
void expire_sweep(struct pf *pf)
{
	const uint64_t now = now_ms();
	struct kept *m = NULL;
	uint64_t next;
	struct le *le;

	for (le = list_head(&pf->userl); le; le = le->next) {
		struct user *user = le->data;

		if (user->sess || session_pull(user) ||
		    !list_isempty(&user->pagel))
			continue;
		while (!keep_expired(&m, pf->keep, user->name, now)) {
			const int err = expired(pf, m);

			m = mem_deref(m);
			if (err)
				break;
		}
	}

	tmr_cancel(&pf->tmr_expire);
	next = keep_expiry(pf->keep);
	/* what is late belongs to one of the busy: his round sweeps */
	if (next > now)
		tmr_start(&pf->tmr_expire, MIN(next - now + 1,
			  (uint64_t)INT32_MAX), tmr_handler, pf);
}
