/**
 * @file relay_unit.h  What the tests of relays share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef RELAY_UNIT_H
#define RELAY_UNIT_H

#include "sess_unit.h"

void relay_auth_tests(Suite *suite);
void relay_conn_tests(Suite *suite);

#endif
