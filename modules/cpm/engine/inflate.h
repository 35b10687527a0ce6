/**
 * @file inflate.h  Bodies that came compressed
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef INFLATE_H
#define INFLATE_H

/**
 * Make plain what is in zlib's format or in gzip's (RFC 1950, RFC 1952)
 *
 * @param dst Room for it
 * @param len Octets of it; then those that were used
 * @param src Compressed
 * @param n   Octets of it
 *
 * @return 0; EBADMSG: it is not that, not whole, or more than that; EMSGSIZE:
 *         there is not room enough; ENOMEM
 */
int inflate_whole(uint8_t *dst, size_t *len, const uint8_t *src, size_t n);

#endif
