/**
 * @file leg.c  TLS for the MSRP leg, or not
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


/* A fingerprint is worth what its SIP is: over plain SIP anybody on the way
   could put in his own. So there it is offered only where it is asked for. */
bool leg_offer_tls(enum cpm_msrp mode, enum sip_transp tp)
{
	switch (mode) {

	case CPM_MSRP_TLS: return true;
	case CPM_MSRP_TCP: return false;
	default:           return tp == SIP_TRANSP_TLS;
	}
}


/* It is the peer who chose, and its servers can often do but one */
bool leg_takes(enum cpm_msrp mode, bool tls)
{
	return tls || mode != CPM_MSRP_TLS;
}
