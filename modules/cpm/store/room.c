/**
 * @file room.c  Is there room for a message?
 *
 * Its own limits are the user's: a quota for each account, and what is to
 * stay free on the disk for others. Nothing is kept of what was found: when
 * there is room again, the next message finds it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "store.h"


static int refuse(struct fault *why, int err, const char *text)
{
	why->err = err;
	snprintf(why->text, sizeof(why->text), "%s", text);

	return err;
}


static int quota_check(struct fault *why, uint64_t quota, const char *aor,
		       uint64_t used, uint64_t more)
{
	char text[STORE_WHY_MAX];

	if (!quota || (used <= quota && more <= quota - used))
		return 0;

	snprintf(text, sizeof(text), "%.100s has %" PRIu64 " of %" PRIu64
		 " octets: delete some, or raise cpm_quota", aor, used,
		 quota);

	return refuse(why, EDQUOT, text);
}


uint64_t room_free(const struct cpm_limits *lim, const struct spool *spool)
{
	uint64_t octets = 0;

	/* what cannot be asked is found out by writing */
	if (!lim->reserve || spool_free(spool, &octets))
		return UINT64_MAX;

	return octets;
}


static int disk_check(struct fault *why, uint64_t reserve, uint64_t free,
		      uint64_t more)
{
	char text[STORE_WHY_MAX];

	if (free >= reserve && more <= free - reserve)
		return 0;

	snprintf(text, sizeof(text), "%" PRIu64 " octets are free on the disk,"
		 " %" PRIu64 " are to stay so (cpm_disk_reserve)", free,
		 reserve);

	return refuse(why, ENOSPC, text);
}


int room_check(struct fault *why, const struct cpm_limits *lim,
	       const char *aor, uint64_t used, uint64_t free, uint64_t more)
{
	int err;

	err = quota_check(why, lim->quota, aor, used, more);
	if (!err)
		err = disk_check(why, lim->reserve, free, more);

	return err;
}
