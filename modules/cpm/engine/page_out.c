/**
 * @file page_out.c  A message of ours in page mode: one SIP MESSAGE
 *
 * OMA CPM 7.2.1; RFC 3428; wire.md 4.1 and 7. Which message goes when:
 * sendq.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "sendq.h"
#include "compose_out.h"
#include "pager.h"


struct page_out {
	struct pager *pager;
};


static void destructor(void *arg)
{
	struct page_out *po = arg;

	mem_deref(po->pager);
}


static void answer_handler(const struct pager_answer *ans, void *arg)
{
	struct send_result res = {
		.verdict = retry_verdict(ans->scode),
		.code    = ans->scode,
		.after   = ans->after,
		.lost    = ans->lost,
	};

	if (res.verdict != RETRY_SENT)
		res.reason = sip_reason(ans->scode);
	sending_result(arg, &res);
}


/* @param mbp mem_deref() it in any case */
static int body_make(struct mbuf **mbp, const struct sending *snd)
{
	const struct out_msg *m = &snd->m;
	size_t head;
	int err;

	*mbp = mbuf_alloc(512 + (size_t)m->size);
	if (!*mbp)
		return ENOMEM;

	err = out_cpim_head(*mbp, m);
	head = (*mbp)->pos;
	if (!err)
		err = out_body(*mbp, snd->cpm, m, 0, (size_t)m->size);
	/* cut short in the store */
	if (!err && (*mbp)->end - head != m->size)
		err = ENODATA;
	(*mbp)->pos = 0;

	return err;
}


int page_out_send(struct sending *snd, const struct cpm_account *acc)
{
	struct pager_args args = {
		.cpm = snd->cpm,
		.acc = acc,
		.aor = snd->m.account,
		.to  = snd->m.peer,
		.conversation_id = snd->m.conversation_id,
		.contribution_id = snd->m.contribution_id,
		.in_reply_to     = snd->m.in_reply_to,
	};
	struct page_out *po;
	int err;

	/* what was to go so may have been put by another version */
	if (snd->m.size > CPM_PAGE_MOST)
		return EINVAL;

	po = mem_zalloc(sizeof(*po), destructor);
	if (!po)
		return ENOMEM;

	err = body_make(&args.body, snd);
	if (!err)
		err = pager_send(&po->pager, &args, answer_handler, snd);
	mem_deref(args.body);

	if (err)
		mem_deref(po);
	else
		snd->page = po;

	return err;
}


void page_out_stop(struct sending *snd)
{
	snd->page = mem_deref(snd->page);
}
