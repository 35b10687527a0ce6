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


int room_quota(struct fault *why, const struct cpm_limits *lim,
	       const char *aor, uint64_t used, uint64_t more)
{
	const uint64_t quota = lim->quota;
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


int room_disk(struct fault *why, const struct cpm_limits *lim, uint64_t free,
	      uint64_t more)
{
	const uint64_t reserve = lim->reserve;
	char text[STORE_WHY_MAX];

	if (free >= reserve && more <= free - reserve)
		return 0;

	snprintf(text, sizeof(text), "%" PRIu64 " octets are free on the disk,"
		 " %" PRIu64 " are to stay so (cpm_disk_reserve)", free,
		 reserve);

	return refuse(why, ENOSPC, text);
}
