/**
 * @file sess.c  MSRP sessions over TCP on the loopback (RFC 4975, RFC 6135)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "sess_unit.h"


static TCase *tcase(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, sess_setup, sess_teardown);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);

	return tc;
}


Suite *sess_suite(void)
{
	Suite *s = suite_create("sess");

	sess_passive_tests(tcase(s, "passive"));
	sess_stream_tests(tcase(s, "stream"));
	sess_join_tests(tcase(s, "join"));
	sess_pause_tests(tcase(s, "pause"));
	sess_life_tests(tcase(s, "life"));
	sess_active_tests(tcase(s, "active"));
	sess_rfc_tests(tcase(s, "rfc"));
	sess_code_tests(tcase(s, "code"));
	sess_tls_tests(tcase(s, "tls"));
	sess_ca_tests(tcase(s, "ca"));
	sess_limit_tests(tcase(s, "limit"));

	return s;
}
