/**
 * @file relay.c  MSRP relays (RFC 4976)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "relay_unit.h"


Suite *relay_suite(void)
{
	Suite *s = suite_create("relay");

	relay_auth_tests(s);
	relay_conn_tests(s);
	relay_sess_tests(s);

	return s;
}
