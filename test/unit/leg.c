/**
 * @file leg.c  TLS for the MSRP leg, or not
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit.h"
#include "../../modules/cpm/engine/engine.h"


START_TEST(test_offer)
{
	static const enum sip_transp plainv[] = {SIP_TRANSP_UDP,
		SIP_TRANSP_TCP, SIP_TRANSP_NONE};
	size_t i;

	for (i=0; i<sizeof(plainv)/sizeof(plainv[0]); i++) {
		ck_assert(!leg_offer_tls(CPM_MSRP_AUTO, plainv[i]));
		ck_assert(!leg_offer_tls(CPM_MSRP_TCP, plainv[i]));
		ck_assert(leg_offer_tls(CPM_MSRP_TLS, plainv[i]));
	}
	ck_assert(leg_offer_tls(CPM_MSRP_AUTO, SIP_TRANSP_TLS));
	ck_assert(!leg_offer_tls(CPM_MSRP_TCP, SIP_TRANSP_TLS));
	ck_assert(leg_offer_tls(CPM_MSRP_TLS, SIP_TRANSP_TLS));
}
END_TEST


START_TEST(test_takes)
{
	ck_assert(leg_takes(CPM_MSRP_AUTO, true));
	ck_assert(leg_takes(CPM_MSRP_AUTO, false));
	ck_assert(leg_takes(CPM_MSRP_TCP, true));
	ck_assert(leg_takes(CPM_MSRP_TCP, false));
	ck_assert(leg_takes(CPM_MSRP_TLS, true));
	ck_assert(!leg_takes(CPM_MSRP_TLS, false));
}
END_TEST


Suite *leg_suite(void)
{
	Suite *s = suite_create("leg");
	TCase *tc = tcase_create("leg");

	tcase_add_test(tc, test_offer);
	tcase_add_test(tc, test_takes);
	suite_add_tcase(s, tc);

	return s;
}
