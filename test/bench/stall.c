/**
 * @file stall.c  A module for baresip: how late is its main loop?
 *
 * A timer of 1 ms; what counts is the delay beyond its time. While the loop
 * stands still no timer runs: so a delay of several ms also counts for the
 * ticks that it swallowed (one ms less each), and the percentiles are over
 * time, not over ticks. Timers of libre are in whole ms: an idle loop shows
 * up to one.
 *
 * Command "stall": what was seen since the last "stall", in microseconds.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <time.h>
#include <cpm_re.h>
#include "../../modules/cpm/host.h"


enum {
	TICK   = 1,       /* ms                                            */
	FINE   = 65536,   /* us: buckets of one                            */
	COARSE = 65536,   /* ms: buckets of one, above                     */
};

static struct tmr tmr;
static uint64_t due;      /* us */
static uint64_t most;     /* us */
static uint64_t samples;
static uint32_t finev[FINE];
static uint32_t coarsev[COARSE];


static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}


static void count(uint64_t us)
{
	++samples;
	if (us < FINE)
		++finev[us];
	else
		++coarsev[us / 1000 < COARSE ? us / 1000 : COARSE - 1];
}


static void tmr_handler(void *arg)
{
	const uint64_t now = now_us();
	uint64_t late = now > due ? now - due : 0;
	(void)arg;

	if (late > most)
		most = late;
	for (; late >= TICK * 1000; late -= TICK * 1000)
		count(late);
	count(late);

	due = now_us() + TICK * 1000;
	tmr_start(&tmr, TICK, tmr_handler, NULL);
}


/* @param part of a thousand */
static uint64_t percentile(uint64_t part)
{
	const uint64_t want = (samples * part + 999) / 1000;
	uint64_t seen = 0;
	size_t i;

	for (i=0; i<FINE; i++) {
		seen += finev[i];
		if (seen >= want)
			return i;
	}
	for (i=0; i<COARSE; i++) {
		seen += coarsev[i];
		if (seen >= want)
			return i * 1000;
	}

	return most;
}


static int cmd_stall(struct re_printf *pf, void *arg)
{
	int err;
	(void)arg;

	err = re_hprintf(pf, "{\"samples\":%llu,\"p50\":%llu,\"p99\":%llu,"
			 "\"p999\":%llu,\"max\":%llu}", samples,
			 percentile(500), percentile(990), percentile(999),
			 most);

	samples = most = 0;
	memset(finev, 0, sizeof(finev));
	memset(coarsev, 0, sizeof(coarsev));
	/* the time that this took is its own */
	due = now_us() + TICK * 1000;

	return err;
}


static const struct cmd cmdv[] = {
	{"stall", 0, 0, "How late the main loop was", cmd_stall},
};


static int module_init(void)
{
	/* every page is there before the clock runs */
	memset(finev, 0, sizeof(finev));
	memset(coarsev, 0, sizeof(coarsev));
	tmr_init(&tmr);
	due = now_us() + TICK * 1000;
	tmr_start(&tmr, TICK, tmr_handler, NULL);

	return cmd_register(baresip_commands(), cmdv, 1);
}


static int module_close(void)
{
	cmd_unregister(baresip_commands(), cmdv);
	tmr_cancel(&tmr);

	return 0;
}


extern const struct mod_export exports;

__attribute__((visibility("default")))
const struct mod_export exports = {
	"stall",
	"application",
	module_init,
	module_close,
};
