/**
 * @file lost.c  Sessions whose address this machine has no more
 *
 * Whoever moves to another network registers from there, and the server
 * delivers again what is left, when the session that it was on has ended. TCP
 * would take minutes to find that nothing comes any more.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"


/* Sessions mostly share their address: the last answer is kept */
struct look {
	struct sa addr;
	bool there;
};


static bool if_handler(const char *ifname, const struct sa *sa, void *arg)
{
	struct look *look = arg;
	(void)ifname;

	look->there = sa_cmp(sa, &look->addr, SA_ADDR);

	return look->there;
}


static bool is_lost(struct look *look, const struct sa *addr)
{
	if (!addr || !sa_isset(addr, SA_ADDR))
		return false;
	if (sa_cmp(&look->addr, addr, SA_ADDR))
		return !look->there;

	look->addr  = *addr;
	look->there = false;
	/* who cannot be asked has not said that it is gone */
	if (net_if_apply(if_handler, look))
		look->there = true;

	return !look->there;
}


void session_close_lost(struct cpm *cpm, const char *aor)
{
	struct look look = {.there = true};
	struct le *le = cpm->sessl.head;

	/* the relay's connection is the relay's affair */
	if (cpm->relay)
		return;

	sa_init(&look.addr, AF_UNSPEC);
	while (le) {
		struct session *s = le->data;

		le = le->next;
		if (str_cmp(s->src->aor, aor) || !s->msrp ||
		    !is_lost(&look, msrp_sess_laddr(s->msrp)))
			continue;

		s->reason = "our address is gone";
		session_end(s, s->asked ? SESS_DECLINED : SESS_FAILED,
			    s->asked ? 480 : 0);
	}
}
