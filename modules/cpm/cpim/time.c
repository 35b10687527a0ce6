/**
 * @file time.c  CPIM: DateTime
 *
 * RFC 3862, 4.4; RFC 3339, 5.6. The calendar is counted here and not by the
 * C library, whose timegm() no standard has and whose locale and zone are
 * those of the process.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include "cpim.h"


enum {
	DAY_SECS = 86400,
	YEAR_MAX = 9999,   /* RFC 3339, 5.6: four digits */
};


static bool is_leap(unsigned y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}


static unsigned month_days(unsigned y, unsigned m)
{
	static const uint8_t daysv[12] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	return daysv[m - 1] + (m == 2 && is_leap(y) ? 1 : 0);
}


/* Days from 1970-01-01 to the first of January of a later year */
static uint64_t year_day(unsigned y)
{
	const unsigned p = y - 1;

	return (uint64_t)365 * (y - 1970) + (p/4 - p/100 + p/400)
		- (1969/4 - 1969/100 + 1969/400);
}


/* A fixed number of digits */
static int digits_read(unsigned *n, struct pl *pl, size_t len)
{
	if (pl->l < len)
		return EBADMSG;

	for (*n = 0; len; --len) {

		if (pl->p[0] < '0' || pl->p[0] > '9')
			return EBADMSG;

		*n = *n * 10 + (unsigned)(pl->p[0] - '0');
		pl_advance(pl, 1);
	}

	return 0;
}


static bool char_read(struct pl *pl, const char *set)
{
	if (!pl->l || !pl->p[0] || !strchr(set, pl->p[0]))
		return false;

	pl_advance(pl, 1);

	return true;
}


/* full-date = 4DIGIT "-" 2DIGIT "-" 2DIGIT */
static int date_read(uint64_t *days, struct pl *pl)
{
	unsigned y, m, d, i;

	if (digits_read(&y, pl, 4) || !char_read(pl, "-") ||
	    digits_read(&m, pl, 2) || !char_read(pl, "-") ||
	    digits_read(&d, pl, 2))
		return EBADMSG;

	if (y < 1970 || m < 1 || m > 12 || d < 1 || d > month_days(y, m))
		return EBADMSG;

	*days = year_day(y) + d - 1;
	for (i=1; i<m; i++)
		*days += month_days(y, i);

	return 0;
}


/* time-secfrac = "." 1*DIGIT */
static int fraction_read(unsigned *msec, struct pl *pl)
{
	unsigned scale = 100, n;

	*msec = 0;
	if (!char_read(pl, "."))
		return 0;

	if (digits_read(&n, pl, 1))
		return EBADMSG;

	do {
		*msec += n * scale;
		scale /= 10;
	} while (!digits_read(&n, pl, 1));

	return 0;
}


/* partial-time = 2DIGIT ":" 2DIGIT ":" 2DIGIT [ time-secfrac ] */
static int time_read(uint64_t *msec, struct pl *pl)
{
	unsigned h, m, s, frac;

	if (digits_read(&h, pl, 2) || !char_read(pl, ":") ||
	    digits_read(&m, pl, 2) || !char_read(pl, ":") ||
	    digits_read(&s, pl, 2) || fraction_read(&frac, pl))
		return EBADMSG;

	/* 60 is a leap second */
	if (h > 23 || m > 59 || s > 60)
		return EBADMSG;

	*msec = ((uint64_t)h * 3600 + m * 60 + s) * 1000 + frac;

	return 0;
}


/* time-offset = "Z" / ( ( "+" / "-" ) 2DIGIT ":" 2DIGIT ), or nothing */
static int zone_read(int64_t *msec, struct pl *pl)
{
	bool west;
	unsigned h, m;

	*msec = 0;
	if (!pl->l || char_read(pl, "Zz"))
		return 0;

	west = pl->p[0] == '-';
	if (!char_read(pl, "+-") || digits_read(&h, pl, 2))
		return EBADMSG;

	(void)char_read(pl, ":");
	if (digits_read(&m, pl, 2) || h > 23 || m > 59)
		return EBADMSG;

	*msec = ((int64_t)h * 3600 + m * 60) * 1000;
	if (west)
		*msec = -*msec;

	return 0;
}


int cpim_time_decode(uint64_t *ms, const struct pl *pl)
{
	uint64_t days, msec;
	int64_t zone, t;
	struct pl val;

	if (!ms || !pl)
		return EINVAL;

	if (!pl_isset(pl))
		return EBADMSG;

	val = *pl;
	cpim_trim(&val);
	if (date_read(&days, &val) || !char_read(&val, "Tt ") ||
	    time_read(&msec, &val) || zone_read(&zone, &val) || val.l)
		return EBADMSG;

	/* local time is ahead of UTC in the east */
	t = (int64_t)(days * DAY_SECS * 1000 + msec) - zone;
	if (t < 0)
		return EBADMSG;

	*ms = (uint64_t)t;

	return 0;
}


int cpim_time_print(struct re_printf *pf, const uint64_t *ms)
{
	uint64_t days, sec;
	unsigned y = 1970, m = 1, d, s, msec;
	int err;

	if (!pf || !ms)
		return EINVAL;

	sec  = *ms / 1000;
	msec = (unsigned)(*ms % 1000);
	days = sec / DAY_SECS;
	s    = (unsigned)(sec % DAY_SECS);

	if (days >= year_day(YEAR_MAX + 1))
		return EINVAL;

	while (days >= year_day(y + 1))
		++y;
	d = (unsigned)(days - year_day(y));
	while (d >= month_days(y, m))
		d -= month_days(y, m++);

	err = re_hprintf(pf, "%04u-%02u-%02uT%02u:%02u:%02u", y, m, d + 1,
			 s / 3600, s / 60 % 60, s % 60);
	if (!err && msec)
		err = re_hprintf(pf, ".%03u", msec);
	if (!err)
		err = re_hprintf(pf, "Z");

	return err;
}
