/**
 * @file wait.c  Deadlines by the thousand
 *
 * libre keeps its timers in one list in order of time: with one for each of
 * ten thousand sessions every start walks past them. Here all deadlines of a
 * kind have the same length, so the oldest is the first: starting, moving and
 * cancelling one costs nothing, and libre sees one timer a kind.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


static void tmr_handler(void *arg)
{
	struct msrp_queue *q = arg;
	struct msrp *msrp = mem_ref(q->msrp);
	uint64_t now = tmr_jiffies();

	/* a handler may end others, and let go of the stack */
	while (q->list.head) {
		struct msrp_wait *wait = q->list.head->data;

		if (wait->due > now) {
			tmr_start(&q->tmr, wait->due - now, tmr_handler, q);
			break;
		}

		list_unlink(&wait->le);
		wait->h(wait->arg);
	}

	mem_deref(msrp);
}


/**
 * @param ms How long each wait of the queue is; 0: for ever
 */
void msrp_queue_init(struct msrp_queue *q, struct msrp *msrp, uint32_t ms)
{
	list_init(&q->list);
	tmr_init(&q->tmr);
	q->msrp = msrp;
	q->ms = ms;
}


void msrp_queue_close(struct msrp_queue *q)
{
	tmr_cancel(&q->tmr);
	list_clear(&q->list);
}


/**
 * Wait from now on, anew if it did already
 */
void msrp_wait_start(struct msrp_wait *wait, struct msrp_queue *q, tmr_h *h,
		     void *arg)
{
	/* several of these a message: the clock is asked only where needed */
	const uint64_t due = q->ms ? tmr_jiffies() + q->ms : 0;

	wait->h = h;
	wait->arg = arg;
	if (wait->le.list == &q->list && wait->due == due)
		return;

	list_unlink(&wait->le);
	if (!q->ms)
		return;

	wait->due = due;
	list_append(&q->list, &wait->le, wait);
	/* for whoever is first; it finds out when it is due */
	if (!tmr_isrunning(&q->tmr))
		tmr_start(&q->tmr, q->ms, tmr_handler, q);
}


void msrp_wait_cancel(struct msrp_wait *wait)
{
	list_unlink(&wait->le);
}


/** Does it wait in that queue? */
bool msrp_wait_is(const struct msrp_wait *wait, const struct msrp_queue *q)
{
	return wait->le.list == &q->list;
}
