/**
 * @file uuid.c  New ids: random UUIDs as text (RFC 4122, 4.4; wire.md 13.10)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


void uuid_make(char id[UUID_SIZE])
{
	uint8_t b[16];

	rand_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	(void)re_snprintf(id, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-"
			  "%02x%02x-%02x%02x%02x%02x%02x%02x",
			  b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
			  b[8], b[9], b[10], b[11], b[12], b[13], b[14],
			  b[15]);
}
