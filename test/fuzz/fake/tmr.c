/**
 * @file tmr.c  Timers by a clock that stands still until it is told to go on;
 * and random numbers that are always the same
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "../fuzz.h"
#include "fake.h"


enum {
	START = 1000000,
	LOOPS = 100000,  /* handlers in one turn: more is a circle          */
};

static struct list tmrl;
static uint64_t now, rnd;


void fake_tmr_reset(void)
{
	now = START;
	list_init(&tmrl);
}


void fake_advance(uint64_t ms)
{
	now += ms;
}


unsigned fake_tmr_count(void)
{
	return list_count(&tmrl);
}


uint64_t tmr_jiffies(void)
{
	return now;
}


void tmr_init(struct tmr *tmr)
{
	if (tmr)
		memset(tmr, 0, sizeof(*tmr));
}


void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	struct le *le;

	if (!tmr)
		return;

	if (tmr->th)
		list_unlink(&tmr->le);
	tmr->th = th;
	tmr->arg = arg;
	if (!th)
		return;

	tmr->jfs = now + delay;
	for (le = tmrl.tail; le; le = le->prev) {
		if (((struct tmr *)le->data)->jfs <= tmr->jfs)
			break;
	}
	if (le)
		list_insert_after(&tmrl, le, &tmr->le, tmr);
	else
		list_prepend(&tmrl, &tmr->le, tmr);
}


void tmr_cancel(struct tmr *tmr)
{
	tmr_start(tmr, 0, NULL, NULL);
}


uint64_t tmr_get_expire(const struct tmr *tmr)
{
	if (!tmr || !tmr->th || tmr->jfs <= now)
		return 0;

	return tmr->jfs - now;
}


bool fake_tmr_poll(void)
{
	unsigned n;

	for (n=0; n<LOOPS; n++) {
		struct tmr *tmr = list_ledata(tmrl.head);
		tmr_h *th;

		if (!tmr || tmr->jfs > now)
			return n > 0;

		th = tmr->th;
		tmr->th = NULL;
		list_unlink(&tmr->le);
		th(tmr->arg);
	}

	CHECK(!"timers that never end");

	return true;
}


void fake_rand_reset(void)
{
	rnd = 1;
}


uint64_t rand_u64(void)
{
	rnd = rnd * 6364136223846793005 + 1442695040888963407;

	return rnd ^ rnd >> 29;
}


uint32_t rand_u32(void)
{
	return (uint32_t)(rand_u64() >> 16);
}


uint16_t rand_u16(void)
{
	return (uint16_t)(rand_u64() >> 16);
}


char rand_char(void)
{
	return (char)('a' + rand_u32() % 26);
}


void rand_bytes(uint8_t *p, size_t size)
{
	while (size--)
		*p++ = (uint8_t)rand_u16();
}


void rand_str(char *str, size_t size)
{
	size_t i;

	for (i=0; size && i<size - 1; i++)
		str[i] = rand_char();
	if (size)
		str[size - 1] = '\0';
}
