/**
 * @file test/unit/cpim.h  What the tests of CPIM share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef UNIT_CPIM_H
#define UNIT_CPIM_H

#include <cpm_cpim.h>
#include "unit.h"

#define COUNT(v) ((int)(sizeof(v) / sizeof((v)[0])))

/** A pl is this string; NULL: it is unset */
#define ASSERT_PL(pl, str) cpim_assert_pl(__LINE__, #pl, (pl), (str))
void cpim_assert_pl(int line, const char *what, struct pl pl,
		    const char *str);

#define MSG_HEAD "From: <sip:a@example.com>\r\nTo: <sip:b@example.com>\r\n"
#define MIME_HEAD "\r\nContent-Type: text/plain\r\n\r\n"

struct mbuf *cpim_exact(const void *p, size_t len);
int cpim_try(struct cpim_msg **msgp, const void *p, size_t len, bool all);
struct cpim_msg *cpim_must(const char *str);
struct pl cpim_content(const struct cpim_msg *msg);

TCase *cpim_head_case(void);
TCase *cpim_addr_case(void);
TCase *cpim_body_case(void);
TCase *cpim_time_case(void);
TCase *cpim_encode_case(void);

#endif
