/**
 * @file hash.c  SipHash-2-4 (Aumasson and Bernstein, 2012)
 *
 * A keyed hash: who does not know the key, which never leaves the database,
 * cannot choose message ids that fall together.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "store.h"


static uint64_t rotl(uint64_t x, unsigned n)
{
	return (x << n) | (x >> (64 - n));
}


static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}


static uint64_t word_le(const uint8_t *p)
{
	uint64_t w = 0;
	int i;

	for (i=7; i>=0; i--)
		w = w << 8 | p[i];

	return w;
}


static void compress(struct hash *h, uint64_t word)
{
	h->v[3] ^= word;
	sip_round(h->v);
	sip_round(h->v);
	h->v[0] ^= word;
}


void hash_start(struct hash *h, const uint8_t key[HASH_KEY])
{
	const uint64_t k0 = word_le(key), k1 = word_le(key + 8);

	h->v[0] = k0 ^ 0x736f6d6570736575ULL;
	h->v[1] = k1 ^ 0x646f72616e646f6dULL;
	h->v[2] = k0 ^ 0x6c7967656e657261ULL;
	h->v[3] = k1 ^ 0x7465646279746573ULL;
	h->word = 0;
	h->len  = 0;
}


void hash_add(struct hash *h, const void *p, size_t len)
{
	const uint8_t *b = p;

	while (len--) {
		h->word |= (uint64_t)*b++ << (8 * (h->len & 7));
		if ((++h->len & 7) == 0) {
			compress(h, h->word);
			h->word = 0;
		}
	}
}


uint64_t hash_end(struct hash *h)
{
	int i;

	compress(h, h->word | h->len << 56);
	h->v[2] ^= 0xff;
	for (i=0; i<4; i++)
		sip_round(h->v);

	return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}
