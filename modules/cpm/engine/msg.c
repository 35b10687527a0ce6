/**
 * @file msg.c  What the user does with a message
 *
 * OMA 5.4 and RFC 5438, 7.1.3: a display notification goes when the message
 * was really shown; read once is read.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


/** What a look at a message finds */
struct look {
	char *account;
	char *peer;
	bool incoming;
	bool read;
	bool asked;             /* for the notification in question         */
	bool known_sender;
	enum cpm_report kind;
	enum cpm_report_state state;
	int err;
};


static bool look_handler(const struct cpm_msg *msg, void *arg)
{
	struct look *look = arg;
	const unsigned bit = look->kind == CPM_DELIVERED
		? CPIM_POSITIVE_DELIVERY : CPIM_DISPLAY;

	look->incoming     = msg->direction == CPM_IN;
	look->read         = msg->read;
	look->asked        = (msg->notify & bit) != 0;
	look->known_sender = msg->peer && msg->imdn_id;
	look->state        = msg->report[look->kind];
	look->err          = str_dup(&look->account, msg->account);
	if (!look->err && msg->peer)
		look->err = str_dup(&look->peer, msg->peer);

	return true;
}


/* @return 0; ENOENT; errno. look_reset() it in any case */
static int look_at(struct look *look, struct cpm *cpm, uint64_t id,
		   enum cpm_report kind)
{
	int err;

	memset(look, 0, sizeof(*look));
	look->kind = kind;
	err = cpm_store_msg(cpm->store, id, look_handler, look);

	return err ? err : look->err;
}


static void look_reset(struct look *look)
{
	look->account = mem_deref(look->account);
	look->peer    = mem_deref(look->peer);
}


static bool report_allowed(const struct cpm *cpm, const struct look *look)
{
	struct cpm_policy pol;

	policy_resolve(cpm->policy, &cpm->conf, look->account, look->peer,
		       &pol);

	return pol.display_imdn;
}


/* what is queued shows only after its commit: no id is counted twice */
static bool isrepeat(const uint64_t *idv, size_t i)
{
	size_t j;

	for (j=0; j<i; j++) {
		if (idv[j] == idv[i])
			return true;
	}

	return false;
}


int cpm_display(struct cpm *cpm, const uint64_t *idv, size_t idc,
		uint64_t *count)
{
	uint64_t n = 0;
	size_t i;
	int err = 0;

	if (!cpm || !idv || !idc || !count)
		return EINVAL;

	for (i=0; i<idc && !err; i++) {
		struct look look;

		err = look_at(&look, cpm, idv[i], CPM_DISPLAYED);
		look_reset(&look);
	}

	for (i=0; i<idc && !err; i++) {
		struct look look;

		err = look_at(&look, cpm, idv[i], CPM_DISPLAYED);
		if (!err && look.incoming && !look.read &&
		    !isrepeat(idv, i)) {
			err = cpm_store_display(cpm->store, &idv[i], 1,
						report_allowed(cpm, &look),
						NULL, NULL);
			++n;
		}
		look_reset(&look);
	}

	*count = n;

	return err;
}


/** The unread messages of a conversation, a page at a time */
struct page {
	uint64_t idv[64];
	size_t idc;
};


static bool page_handler(const struct cpm_msg *msg, void *arg)
{
	struct page *page = arg;

	page->idv[page->idc++] = msg->id;

	return page->idc == sizeof(page->idv) / sizeof(page->idv[0]);
}


static bool count_handler(const struct cpm_conv *conv, void *arg)
{
	uint64_t *n = arg;

	*n = conv->messages;

	return true;
}


int cpm_display_conv(struct cpm *cpm, uint64_t conv, uint64_t *count)
{
	struct cpm_query q = {.conversation = conv, .unread = true,
			      .after = 0, .limit = 64};
	uint64_t total = 0, n;
	struct page page;
	size_t i;
	int err;

	if (!cpm || !conv || !count)
		return EINVAL;

	err = cpm_store_conv(cpm->store, conv, count_handler, &n);

	/* senders differ within a group, and with them the policy */
	while (!err) {
		page.idc = 0;
		err = cpm_store_msgs(cpm->store, &q, page_handler, &page);
		if (err || !page.idc)
			break;

		err = cpm_display(cpm, page.idv, page.idc, &n);
		total += n;

		for (i=0; i<page.idc; i++) {
			if (!q.before || page.idv[i] < q.before)
				q.before = page.idv[i];
		}
	}

	*count = total;

	return err;
}


int cpm_imdn(struct cpm *cpm, uint64_t msg, enum cpm_report kind)
{
	struct look look;
	int err;

	if (!cpm)
		return EINVAL;

	err = look_at(&look, cpm, msg, kind);
	if (!err && (!look.incoming || !look.asked || !look.known_sender))
		err = EINVAL;
	else if (!err && look.state != CPM_REPORT_NONE)
		err = EALREADY;
	look_reset(&look);

	return err ? err : cpm_store_report_add(cpm->store, msg, kind, NULL,
						NULL);
}


int cpm_delete(struct cpm *cpm, uint64_t msg, uint64_t conv,
	       uint64_t *count)
{
	struct look look;
	int err;

	if (!cpm || !count || !msg == !conv)
		return EINVAL;

	if (conv) {
		*count = 0;
		err = cpm_store_conv(cpm->store, conv, count_handler, count);
	}
	else {
		*count = 1;
		err = look_at(&look, cpm, msg, CPM_DISPLAYED);
		look_reset(&look);
	}

	return err ? err : send_delete(cpm, msg, conv);
}


const char *cpm_mode_name(enum cpm_mode mode)
{
	switch (mode) {

	case CPM_PAGE:  return "page";
	case CPM_LARGE: return "large";
	default:        return "session";
	}
}


const char *cpm_out_name(enum cpm_out status)
{
	switch (status) {

	case CPM_OUT_QUEUED:    return "queued";
	case CPM_OUT_SENDING:   return "sending";
	case CPM_OUT_SENT:      return "sent";
	case CPM_OUT_DELIVERED: return "delivered";
	case CPM_OUT_DISPLAYED: return "displayed";
	case CPM_OUT_FAILED:    return "failed";
	default:                return "none";
	}
}


const char *cpm_report_name(enum cpm_report_state state)
{
	switch (state) {

	case CPM_REPORT_DUE:    return "due";
	case CPM_REPORT_SENT:   return "sent";
	case CPM_REPORT_FAILED: return "failed";
	default:                return "none";
	}
}
