/**
 * @file ready.c  A store that cannot be opened is waited for
 *
 * Another process has the database, the disk is read-only or full, its file
 * is of a newer version or of another program: a person can mend all of that
 * while the softphone runs. A path that cannot be right is told at once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "sendq.h"


bool ready_is(const struct cpm *cpm)
{
	struct cpm_store_info info;

	cpm_store_info(cpm->store, &info);

	return info.state == CPM_STORE_READY;
}


static void say(struct cpm *cpm, const char *what, const char *text)
{
	struct cpm_event ev = {.id = CPM_EV_ERROR};

	ev.u.error.what = what;
	ev.u.error.text = text;
	engine_event(cpm, &ev);
}


static void check(struct cpm *cpm);

static void tmr_handler(void *arg)
{
	struct cpm *cpm = arg;
	struct cpm_store_info info;

	cpm_store_info(cpm->store, &info);
	if (cpm->store_late && info.lost)
		say(cpm, "store-corrupt", info.lost);
	cpm->store_late = false;

	(void)cpm_store_start(cpm->store);
	check(cpm);
}


static void wait_on(struct cpm *cpm)
{
	if (!tmr_isrunning(&cpm->tmr_store))
		tmr_start(&cpm->tmr_store, CPM_STORE_RETRY * 1000,
			  tmr_handler, cpm);
}


/* What the store has, or should have */
static void begin(struct cpm *cpm)
{
	if (!policy_load(cpm->policy, cpm->store)) {
		outbox_kick(cpm->outbox);
		sendq_kick(cpm->sendq);
	}
}


static void check(struct cpm *cpm)
{
	struct cpm_event ev = {.id = CPM_EV_STORE};
	struct cpm_store_info info;

	cpm_store_info(cpm->store, &info);
	if (info.state != CPM_STORE_READY)
		wait_on(cpm);

	if (info.state == cpm->store_told)
		return;

	cpm->store_told = info.state;
	ev.u.store.state = info.state;
	engine_event(cpm, &ev);
	if (info.state == CPM_STORE_READY)
		begin(cpm);
}


/* A new database is in the place of the old one, whose numbers mean nothing
   to it. What the user has set still holds. */
static void begin_anew(struct cpm *cpm)
{
	outbox_stop(cpm->outbox, NULL);
	sendq_stop(cpm->sendq, NULL);
	policy_save(cpm->policy, cpm->store);
	begin(cpm);
}


void ready_fault(struct cpm *cpm, const char *what, const char *text)
{
	/* whether to wait or to give up is not known yet */
	if (cpm->store_first)
		return;

	say(cpm, what, text);
	if (!str_cmp(what, "store-corrupt") && ready_is(cpm))
		begin_anew(cpm);
	check(cpm);
}


static bool hopeless(int err)
{
	switch (err) {

	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
	case EINVAL:
	case ENOMEM:
		return true;

	default:
		return false;
	}
}


int ready_start(struct cpm *cpm)
{
	struct cpm_store_info info;
	int err;

	cpm->store_first = true;
	err = cpm_store_start(cpm->store);
	cpm->store_first = false;
	if (hopeless(err))
		return err;

	cpm_store_info(cpm->store, &info);
	if (err) {
		say(cpm, info.fault, info.text);
		check(cpm);
		return 0;
	}

	if (info.lost) {
		say(cpm, "store-corrupt", info.lost);
		cpm->store_late = true;
		wait_on(cpm);
	}

	/* what a former run left goes once the softphone is up. If this
	   cannot be read the store says why */
	return policy_load(cpm->policy, cpm->store) == ENOMEM ? ENOMEM : 0;
}


const char *cpm_store_state_name(enum cpm_store_state state)
{
	switch (state) {

	case CPM_STORE_READY:    return "ready";
	case CPM_STORE_CLOSED:   return "closed";
	case CPM_STORE_LOCKED:   return "locked";
	case CPM_STORE_READONLY: return "readonly";
	case CPM_STORE_FULL:     return "full";
	case CPM_STORE_NEWER:    return "newer";
	case CPM_STORE_FOREIGN:  return "foreign";
	case CPM_STORE_CORRUPT:  return "corrupt";
	default:                 return "unreadable";
	}
}
