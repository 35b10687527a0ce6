/**
 * @file inflate.c  Bodies that came compressed (RFC 3261, 20.12); pure
 *
 * Debian's linphone compresses its notifications, asks nobody before, and does
 * not try again without after a 415.
 * This file does not see libre: both declare a crc32() of their own.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include "inflate.h"


enum {
	WINDOW = 15 + 32,     /* the largest; zlib's format or gzip's       */
};


int inflate_whole(uint8_t *dst, size_t *len, const uint8_t *src, size_t n)
{
	z_stream z;
	int ret;

	memset(&z, 0, sizeof(z));
	if (inflateInit2(&z, WINDOW) != Z_OK)
		return ENOMEM;

	z.next_in   = (Bytef *)src;
	z.avail_in  = (uInt)n;
	z.next_out  = dst;
	z.avail_out = (uInt)*len;
	ret = inflate(&z, Z_FINISH);
	*len -= z.avail_out;
	n = z.avail_in;
	(void)inflateEnd(&z);

	switch (ret) {

	case Z_STREAM_END:
		/* what is behind its end belongs to nothing */
		return n ? EBADMSG : 0;

	case Z_MEM_ERROR:
		return ENOMEM;

	/* room or octets are used up */
	case Z_OK:
	case Z_BUF_ERROR:
		return n || !z.avail_out ? EMSGSIZE : EBADMSG;

	default:
		return EBADMSG;
	}
}
