/**
 * @file outbox.c  Which disposition notification goes when
 *
 * Each account has a window of its own, so that a server that does not answer
 * holds up nobody else's. Within it one notification a sender is on its way:
 * so each sender gets his in their order, and one that cannot be reached does
 * not hold up the others. What is due is in the store; what is here is only
 * what is on its way now, so a look costs the same however much is due.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "engine.h"
#include "outbox.h"


enum {
	AGAIN = 5000,  /* ms: what memory or store refuse may go then      */
};

/* One look at what is due */
struct look {
	struct outbox *ob;
	const struct cpm_account *acc;
	uint64_t now;
	uint64_t next;        /* when to look again; 0: no need             */
	unsigned room;        /* in the account's window                    */
};


static void destructor(void *arg)
{
	struct outbox *ob = arg;

	tmr_cancel(&ob->tmr);
	list_flush(&ob->reportl);
}


static void tmr_handler(void *arg)
{
	outbox_kick(arg);
}


int outbox_alloc(struct outbox **obp, struct cpm *cpm)
{
	struct outbox *ob;

	ob = mem_zalloc(sizeof(*ob), destructor);
	if (!ob)
		return ENOMEM;

	ob->cpm = cpm;
	tmr_init(&ob->tmr);
	/* what a former run left; not before the softphone is up */
	tmr_start(&ob->tmr, 1, tmr_handler, ob);
	*obp = ob;

	return 0;
}


bool outbox_isready(struct outbox *ob, const char *aor,
		    struct cpm_account *acc)
{
	const struct cpm_host *host = &ob->cpm->host;
	struct cpm_account tmp;

	if (!acc)
		acc = &tmp;

	memset(acc, 0, sizeof(*acc));

	return host->accounth(acc, aor, host->arg) &&
		(!acc->registers || acc->registered);
}


static unsigned window_room(const struct outbox *ob, const char *aor)
{
	unsigned room = CPM_WINDOW;
	struct le *le;

	for (le = ob->reportl.head; le && room; le = le->next) {
		const struct report *rep = le->data;

		if (!str_cmp(rep->aor, aor))
			--room;
	}

	return room;
}


static bool isbusy(const struct outbox *ob, uint64_t sender)
{
	struct le *le;

	for (le = ob->reportl.head; le; le = le->next) {
		const struct report *rep = le->data;

		if (rep->sender == sender)
			return true;
	}

	return false;
}


static void look_again(struct look *look, uint64_t at)
{
	if (at && (!look->next || at < look->next))
		look->next = at;
}


static bool due_handler(const struct cpm_due *due, void *arg)
{
	struct look *look = arg;

	if (isbusy(look->ob, due->sender))
		return false;

	if (report_send(look->ob, look->acc, due)) {
		look_again(look, look->now + AGAIN);
		return true;
	}

	return !--look->room;
}


static int look_at(struct look *look, const char *aor, uint64_t from,
		   uint64_t to)
{
	/* those that are busy are passed over: no more than the window */
	return cpm_store_due(look->ob->cpm->store, aor, from, to,
			     2 * CPM_WINDOW, due_handler, look);
}


static int look_account(struct look *look, const char *aor)
{
	struct cpm_store *st = look->ob->cpm->store;
	uint64_t next = 0;
	int err;

	err = look_at(look, aor, 0, look->now);
	if (err || !look->room)
		return err;

	err = cpm_store_due_next(st, aor, look->now, &next);
	if (err)
		return err;

	/* set by a clock that has been put right since then */
	if (next > look->now + RETRY_FAR)
		return look_at(look, aor, next, UINT64_MAX);

	look_again(look, next);

	return 0;
}


static bool account_handler(const char *aor, void *arg)
{
	struct look *look = arg;
	struct cpm_account acc;

	/* a result makes room, and has us look again */
	look->room = window_room(look->ob, aor);
	if (!look->room)
		return false;

	/* without its account, or while that is not registered, it waits */
	if (!outbox_isready(look->ob, aor, &acc))
		return false;

	look->acc = &acc;
	if (look_account(look, aor))
		look_again(look, look->now + AGAIN);
	look->acc = NULL;

	return false;
}


/* Without asking the database: each commit brings us here */
static bool isempty(const struct outbox *ob)
{
	struct cpm_counts counts;

	return !cpm_store_counts(ob->cpm->store, &counts) &&
		!counts.imdn_pending;
}


void outbox_kick(struct outbox *ob)
{
	struct look look = {.ob = ob, .now = engine_now()};

	if (!ob || ob->cpm->down || ob->looking)
		return;

	tmr_cancel(&ob->tmr);
	if (isempty(ob))
		return;

	ob->looking = true;

	if (cpm_store_due_accounts(ob->cpm->store, account_handler, &look))
		look_again(&look, look.now + AGAIN);
	if (look.next)
		tmr_start(&ob->tmr, look.next > look.now
			  ? look.next - look.now : 1, tmr_handler, ob);

	ob->looking = false;
}


void outbox_stop(struct outbox *ob, const char *aor)
{
	struct le *le;

	if (!ob)
		return;

	le = ob->reportl.head;
	while (le) {
		struct report *rep = le->data;

		le = le->next;
		/* one without a pager is being settled: let it */
		if (rep->pager && (!aor || !str_cmp(aor, rep->aor)))
			mem_deref(rep);
	}
}
