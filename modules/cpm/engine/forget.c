/**
 * @file forget.c  What libre keeps of an INVITE that was answered
 *
 * libre keeps a request whose answer was 2xx for 32 s, to know it if it comes
 * again. Ten thousand of them are more than all else that their sessions take.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"


enum {
	KEPT = 6,   /* what a request is known by: RFC 3261, 17.2.3, 8.2.2.2 */
};


static void kept_put(struct mbuf *mb, struct pl *pl)
{
	const char *p = (const char *)mb->buf + mb->end;

	if (!pl->l)
		return;

	memcpy(mb->buf + mb->end, pl->p, pl->l);
	mb->end += pl->l;
	pl->p = p;
}


/* Only these are looked at any more: nothing else may point to where the
   message was */
static void views_clear(struct sip_msg *msg)
{
	const struct sip_via via = msg->via;
	const struct pl tag = msg->from.tag;

	memset(&msg->via, 0, sizeof(msg->via));
	memset(&msg->from, 0, sizeof(msg->from));
	memset(&msg->to, 0, sizeof(msg->to));
	memset(&msg->uri, 0, sizeof(msg->uri));
	memset(&msg->ctyp, 0, sizeof(msg->ctyp));
	msg->via.branch = via.branch;
	msg->via.sentby = via.sentby;
	msg->via.addr   = via.addr;
	msg->via.tp     = via.tp;
	msg->from.tag   = tag;
	msg->ver = msg->met = msg->reason = pl_null;
	msg->maxfwd = msg->expires = msg->clen = pl_null;
}


void session_forget(const struct sip_msg *cmsg)
{
	struct sip_msg *msg = (struct sip_msg *)cmsg;
	struct pl *keptv[KEPT] = {
		&msg->via.branch, &msg->via.sentby, &msg->cseq.met,
		&msg->callid, &msg->from.tag, &msg->ruri,
	};
	struct mbuf *mb;
	size_t i, n = 1;

	list_flush(&msg->hdrl);
	hash_flush(msg->hdrht);
	msg->hdrht = (struct hash *)mem_deref(msg->hdrht);

	for (i=0; i<KEPT; i++)
		n += keptv[i]->l;
	mb = mbuf_alloc(n);
	if (!mb)
		return;

	views_clear(msg);
	for (i=0; i<KEPT; i++)
		kept_put(mb, keptv[i]);
	mem_deref(msg->mb);
	msg->mb = mb;
}
