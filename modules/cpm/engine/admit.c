/**
 * @file admit.c  Is a request for an account of ours, and may it be asked?
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


bool admit(struct cpm_account *acc, bool *answered, struct cpm *cpm,
	   const struct sip_msg *msg)
{
	*answered = false;
	memset(acc, 0, sizeof(*acc));

	return cpm->host.findh(acc, msg, cpm->host.arg);
}
