/**
 * @file keep.c  How long messages are kept (cpm_keep_days)
 *
 * A while after the start and then hourly the store is told to delete what is
 * too old, a few at a time with a pause in between: so what arrives meanwhile
 * shares its commit with a few deletions at most. Nothing is said on the bus:
 * who wants to know reads the counts.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "engine.h"


struct keep {
	struct cpm_store *store;  /* borrowed */
	struct keep_times times;
	uint64_t age;             /* ms */
	struct tmr tmr;
};


static void tmr_handler(void *arg);


static void destructor(void *arg)
{
	struct keep *keep = arg;

	tmr_cancel(&keep->tmr);
}


/* There may be more. An error has been told by the store: later again. */
static void done_handler(int err, void *arg)
{
	struct keep *keep = arg;

	tmr_start(&keep->tmr, err ? keep->times.again : keep->times.pause,
		  tmr_handler, keep);
}


static void tmr_handler(void *arg)
{
	struct keep *keep = arg;
	const uint64_t now = engine_now();

	/* a clock that was never set: then nothing is old */
	if (now <= keep->age ||
	    cpm_store_sweep(keep->store, now - keep->age, done_handler, keep))
		done_handler(EAGAIN, keep);
}


int keep_alloc(struct keep **keepp, struct cpm_store *store, uint32_t days,
	       const struct keep_times *times)
{
	static const struct keep_times usual = {
		.first = 2000, .pause = 50, .again = 3600000};
	struct keep *keep;

	if (!keepp || !store)
		return EINVAL;

	keep = mem_zalloc(sizeof(*keep), destructor);
	if (!keep)
		return ENOMEM;

	keep->store = store;
	keep->times = times ? *times : usual;
	keep->age   = (uint64_t)days * 86400000;
	tmr_init(&keep->tmr);
	if (days)
		tmr_start(&keep->tmr, keep->times.first, tmr_handler, keep);

	*keepp = keep;

	return 0;
}
