/**
 * @file pager.c  Page mode: a message is a MESSAGE (RFC 3428; OMA CPM
 *                Conversation Functions, 7.3.2)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


/* One MESSAGE on its way */
struct page {
	struct le le;
	struct lane *lane;
	struct kept *m;
	struct sip_dialog *dlg;      /* its Call-ID, tags and numbers       */
	struct sip_request *req;
	char *target;
	uint32_t copy;
};


static void destructor(void *arg)
{
	struct page *page = arg;

	list_unlink(&page->le);
	mem_deref(page->req);
	mem_deref(page->dlg);
	mem_deref(page->target);
	mem_deref(page->m);
	mem_deref(page->lane);
}


/* No later attempt will fare better */
static bool is_final(uint16_t scode)
{
	static const uint16_t codev[] = {
		400, 405, 406, 413, 414, 415, 416, 420, 421, 488, 606
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(codev); i++) {
		if (scode == codev[i])
			return true;
	}

	return false;
}


static void page_result(const struct page *page, uint16_t scode,
			const char *reason)
{
	struct user *user = page->lane->user;
	const struct kept *m = page->m;

	if (page->copy)
		event("page id=%s to=%s code=%u reason=%s copy=%u", m->id,
		      user->aor, scode, reason, page->copy);
	else
		event("page id=%s to=%s code=%u reason=%s", m->id, user->aor,
		      scode, reason);

	if (scode < 300 && !keep_remove(user->pf->keep, m->seq))
		user->pf->delivered++;
	else if (is_final(scode) && !keep_remove(user->pf->keep, m->seq))
		event("dropped id=%s to=%s code=%u", m->id, user->aor, scode);
}


static void resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct page *page = arg;
	char reason[64] = "timeout";
	const struct sip_hdr *hdr;
	struct lane *lane;
	uint32_t after = 0;
	uint16_t scode;

	if (!err && msg->scode < 200)
		return;

	if (err) {
		scode = err == ETIMEDOUT ? 408 : 503;
		if (err != ETIMEDOUT)
			str_ncpy(reason, "transport", sizeof(reason));
	}
	else {
		scode = msg->scode;
		(void)pl_strcpy(&msg->reason, reason, sizeof(reason));
		hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
		if (hdr && scode >= 300 && !is_final(scode))
			after = pl_number(&hdr->val);
	}

	page_result(page, scode, reason);
	/* what is dropped stands in nobody's way */
	if (is_final(scode))
		scode = 200;

	lane = mem_ref(page->lane);
	mem_deref(page);
	deliver_paged(lane, scode, after);
	mem_deref(lane);
}


static int head_print(struct mbuf *mb, const struct page *page)
{
	const struct pf *pf = page->lane->user->pf;
	const char *service = pf->faults.on[FAULT_DEFERRED] ? "deferred"
		: "msg";
	const struct kept *m = page->m;
	char contrib[ID_SIZE];
	int err;

	uuid_make(contrib);
	err = mbuf_printf(mb, "P-Asserted-Identity: <%s>\r\n"
			  "Contribution-ID: %s\r\n",
			  m->sender, m->contrib ? m->contrib : contrib);
	if (!err && m->reply)
		err = mbuf_printf(mb, "InReplyTo-Contribution-ID: %s\r\n",
				  m->reply);
	if (!err && strcmp(page->m->conv, NO_CONV))
		err = mbuf_printf(mb, "Conversation-ID: %s\r\n",
				  page->m->conv);
	if (err || pf->faults.on[FAULT_UNTAGGED])
		return err;

	return mbuf_printf(mb, "P-Asserted-Service: "
			   "urn:urn-7:" ICSI_CPM "%s\r\n"
			   "Accept-Contact: *;+g.3gpp.icsi-ref="
			   "\"urn%%3Aurn-7%%3A" ICSI_CPM "%s\""
			   ";require;explicit\r\n", service, service);
}


static int message_print(struct mbuf *mb, const struct page *page)
{
	const struct kept *m = page->m;
	struct pf *pf = page->lane->user->pf;
	const bool bare = pf->faults.on[FAULT_BARE];
	struct mbuf *body = mbuf_alloc(1024);
	int err;

	if (!body)
		return ENOMEM;

	err = head_print(mb, page);
	if (!err && !bare)
		err = cpim_head_print(body, m);
	if (!err)
		err = body_append(body, pf->keep, m);
	if (!err)
		err = mbuf_printf(mb, "Content-Type: %s\r\n"
				  "Content-Length: %zu\r\n"
				  "\r\n", bare ? m->type : "message/cpim",
				  body->end);
	if (!err)
		err = mbuf_write_mem(mb, body->buf, body->end);

	mem_deref(body);
	return err;
}


static int page_send(struct page *page)
{
	struct pf *pf = page->lane->user->pf;
	const char *routev[1] = {pf->opt.core};
	struct mbuf *mb = mbuf_alloc(2048);
	int err;

	if (!mb)
		return ENOMEM;

	err = sip_dialog_alloc(&page->dlg, page->target,
			       page->lane->user->aor, NULL, page->m->sender,
			       routev, pf->opt.core ? 1 : 0);
	if (!err)
		err = message_print(mb, page);
	if (!err)
		err = sip_drequestf(&page->req, pf->sip, true, "MESSAGE",
				    page->dlg, 0, NULL, NULL, resp_handler,
				    page, "%b", mb->buf, mb->end);
	mem_deref(mb);
	return err;
}


static int page_start(struct lane *lane, struct kept *m, const char *uri,
		      uint32_t copy)
{
	struct page *page = mem_zalloc(sizeof(*page), destructor);
	int err;

	if (!page)
		return ENOMEM;

	page->lane = mem_ref(lane);
	page->m = mem_ref(m);
	page->copy = copy;
	err = str_dup(&page->target, uri);
	if (!err)
		err = page_send(page);
	if (err) {
		mem_deref(page);
		return err;
	}

	list_append(&lane->user->pagel, &page->le, page);
	lane->busy++;
	return 0;
}


/** Send a message as a MESSAGE; with FAULT_DUP twice, as two of them.
    @return 0; errno */
int pager_send(struct lane *lane, struct kept *m, const struct binding *bind)
{
	int err = page_start(lane, m, bind->uri, 0);

	if (!err && lane->user->pf->faults.on[FAULT_DUP])
		err = page_start(lane, m, bind->uri, 1);

	return err;
}


/** A user has registered: nobody answers any more where he was before */
void pager_moved(struct user *user, const char *uri)
{
	struct le *le = list_head(&user->pagel);

	while (le) {
		struct page *page = le->data;

		le = le->next;
		if (!strcmp(page->target, uri))
			continue;
		page->lane->busy--;
		page->lane->last = MIN(page->lane->last, page->m->seq - 1);
		mem_deref(page);
	}
}
