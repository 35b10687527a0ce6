/**
 * @file codec_unit.h  What the tests of the MSRP codec share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CODEC_UNIT_H
#define CODEC_UNIT_H

#include "unit.h"
#include <cpm_msrp.h>

#define PATHS "To-Path: msrp://a.example:1/s1;tcp\r\n" \
	"From-Path: msrp://b.example:2/s2;tcp\r\n"

#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))

/* A buffer with this text, pos 0 */
struct mbuf *codec_buf(const char *str);

void codec_head_tests(TCase *tc);
void codec_uri_tests(TCase *tc);
void codec_scan_tests(TCase *tc);

#endif
