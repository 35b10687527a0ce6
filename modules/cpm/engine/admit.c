/**
 * @file admit.c  Is a request for an account of ours, and may it be asked?
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "trust.h"


enum {
	LATER = 5,  /* s until a server whose address was not known yet may
		       try again: a resolver has answered by then          */
};


static void refuse(struct cpm *cpm, const struct sip_msg *msg, bool later)
{
	/* not now: it may be the account's own proxy, which has to keep what
	   it brings */
	if (later)
		(void)sip_treplyf(NULL, NULL, cpm->host.sip, msg, false,
				  480, "Proxy Not Known Yet",
				  "Retry-After: %u\r\n"
				  "Content-Length: 0\r\n"
				  "\r\n", LATER);
	else
		(void)sip_treply(NULL, cpm->host.sip, msg, 403, "Forbidden");
}


bool admit(struct cpm_account *acc, bool *answered, struct cpm *cpm,
	   const struct sip_msg *msg)
{
	enum trust_verdict verdict;

	*answered = false;
	memset(acc, 0, sizeof(*acc));

	if (!cpm->host.findh(acc, msg, cpm->host.arg))
		return false;

	/* also if anybody may: whom to believe depends on it */
	verdict = trust_check(cpm->trust, acc, &msg->src);
	if (verdict == TRUST_YES || cpm->conf.trust == CPM_TRUST_ANY)
		return true;

	refuse(cpm, msg, verdict == TRUST_LATER);
	*answered = true;

	return false;
}


unsigned admit_tags(const struct cpm *cpm, const char *aor,
		    const struct sip_msg *msg)
{
	return trust_asserts(cpm->trust, aor, msg) ? tag_msg(msg)
		: tag_wanted(msg);
}
