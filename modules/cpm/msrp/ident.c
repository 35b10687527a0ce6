/**
 * @file ident.c  Ids of our own, and where what has an id is found
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


enum {
	ID_OCTETS = (ID_SIZE - 1) / 2,
};


static void ident_print(char *str, size_t size, const uint8_t *v)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i=0; i<ID_OCTETS && 2*i + 2 < size; i++) {
		str[2*i]     = hex[v[i] >> 4];
		str[2*i + 1] = hex[v[i] & 15];
	}
	str[2*i] = '\0';
}


/**
 * An id that cannot be guessed, and that is an ident (RFC 4975, 9)
 */
void msrp_ident(char *str, size_t size)
{
	uint8_t v[ID_OCTETS];

	rand_bytes(v, sizeof(v));
	ident_print(str, size, v);
}


/**
 * As msrp_ident(), for those of which there are many: asking for random
 * octets costs more than all else that a short message does, and hardly more
 * for many of them. Each is used once, and does not stay in memory.
 */
void msrp_ident_next(struct msrp *msrp, char *str, size_t size)
{
	uint8_t *v;

	if (msrp->randc < ID_OCTETS) {
		rand_bytes(msrp->randv, sizeof(msrp->randv));
		msrp->randc = sizeof(msrp->randv);
	}

	msrp->randc -= ID_OCTETS;
	v = msrp->randv + msrp->randc;
	ident_print(str, size, v);
	memset(v, 0, ID_OCTETS);
}


/**
 * For a table by id, eight octets at a time. A peer who makes all its ids fall
 * together gains little: each such table is bounded.
 */
uint32_t msrp_hash(const struct pl *id)
{
	uint64_t h = 0, w;
	size_t i, n;

	for (i=0; i<id->l; i+=n) {
		n = min(id->l - i, sizeof(w));
		w = n;
		memcpy(&w, id->p + i, n);
		h = (h ^ w) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}

	return (uint32_t)h;
}
