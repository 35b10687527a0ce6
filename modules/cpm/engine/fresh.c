/**
 * @file fresh.c  Message events: one per conversation and commit, counted up
 *
 * A backlog of thousands must not flood the programs on the bus: at most
 * 20 events a second leave, and what comes meanwhile adds to the count of
 * the event that waits.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


enum {
	FRESH_INTERVAL = 50,  /* ms between two events: 20 a second */
};


struct fresh {
	struct le le;
	struct cpm_event ev;
	char *account;
};


static void destructor(void *arg)
{
	struct fresh *fr = arg;

	list_unlink(&fr->le);
	mem_deref(fr->account);
}


static struct fresh *find(const struct cpm *cpm, uint64_t conv, bool deferred)
{
	struct le *le;

	for (le = cpm->freshl.head; le; le = le->next) {
		struct fresh *fr = le->data;

		if (fr->ev.u.message.conversation == conv &&
		    fr->ev.u.message.deferred == deferred)
			return fr;
	}

	return NULL;
}


int fresh_add(struct cpm *cpm, const char *account, uint64_t conv,
	      uint64_t id, bool deferred)
{
	struct fresh *fr = find(cpm, conv, deferred);

	if (!fr) {
		int err;

		fr = mem_zalloc(sizeof(*fr), destructor);
		if (!fr)
			return ENOMEM;

		err = str_dup(&fr->account, account);
		if (err) {
			mem_deref(fr);
			return err;
		}

		fr->ev.id = CPM_EV_MESSAGE;
		fr->ev.account = fr->account;
		fr->ev.u.message.conversation = conv;
		fr->ev.u.message.first = id;
		fr->ev.u.message.deferred = deferred;
		list_append(&cpm->freshl, &fr->le, fr);
	}

	fr->ev.u.message.last = id;
	++fr->ev.u.message.count;

	return 0;
}


static void tmr_handler(void *arg)
{
	struct cpm *cpm = arg;

	fresh_flush(cpm);
}


void fresh_flush(struct cpm *cpm)
{
	struct fresh *fr = list_ledata(cpm->freshl.head);

	/* the timer runs: the last event is not 50 ms ago */
	if (!fr || tmr_isrunning(&cpm->tmr_fresh))
		return;

	list_unlink(&fr->le);
	engine_event(cpm, &fr->ev);
	mem_deref(fr);
	tmr_start(&cpm->tmr_fresh, FRESH_INTERVAL, tmr_handler, cpm);
}
