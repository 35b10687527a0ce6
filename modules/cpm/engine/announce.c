/**
 * @file announce.c  The server says that messages wait to be fetched
 *
 * wire.md 5 and 13.8. Such a notification is a request tagged deferred, and
 * nothing else tagged so:
 *
 * - MESSAGE without a body, with a deferred list, or with a message summary;
 *   with text only if the server says it: its user part is rcse-standfw, or it
 *   is sent by the address that a pull would ask, or by our own. Any other
 *   text, and message/cpim, is a message (page.c).
 * - NOTIFY outside of a dialog, Event: message-summary, with the same bodies.
 *   One in a dialog belongs to a subscription of the softphone's.
 *
 * A list is kept entry by entry; of the others it is known only that there is
 * something, which is kept as one entry, PULL_ALL. 200 leaves after the
 * commit: a server that has it need not say it again.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_announce.h>
#include <cpm_mime.h>
#include "engine.h"
#include "content.h"
#include "session.h"
#include "pull.h"


#define ACCEPT "Accept: " ANNOUNCE_LIST_TYPE ", " ANNOUNCE_SUMMARY_TYPE \
	", text/plain\r\n"

enum body {
	BODY_NONE = 0,
	BODY_TEXT,
	BODY_LIST,
	BODY_SUMMARY,
	BODY_OTHER,
};

/** A request that is not answered yet */
struct notice {
	struct le le;            /* of cpm->noticel                         */
	struct cpm *cpm;
	struct sip_msg *msg;     /* shared                                  */
	struct sip_strans *st;   /* NULL: answered, or SIP is gone          */
	struct sip *sip;         /* shared, as that of a page               */
	char *aor;
	struct announce_list *list;  /* NULL: there is none                 */
};


static void destructor(void *arg)
{
	struct notice *n = arg;

	list_unlink(&n->le);
	mem_deref(n->st);
	mem_deref(n->list);
	mem_deref(n->aor);
	mem_deref(n->msg);
	mem_deref(n->sip);
}


/* Final; the last thing that is done with it */
static void answer(struct notice *n, uint16_t scode, const char *reason,
		   const char *hdr)
{
	if (n->st)
		(void)sip_treplyf(&n->st, NULL, n->cpm->host.sip, n->msg,
				  false, scode, reason,
				  "%s"
				  "Content-Length: 0\r\n"
				  "\r\n", hdr ? hdr : "");
	n->st = NULL;
	session_forget(n->msg);
	mem_deref(n);
}


static void settle(struct notice *n, int err)
{
	char hdr[32];

	switch (err) {

	case 0:
	case EALREADY:
		answer(n, 200, "OK", NULL);
		break;

	case EBADMSG:
		answer(n, 400, "Unreadable List", NULL);
		break;

	case EOVERFLOW:
		answer(n, 413, "List Too Long", NULL);
		break;

	case ENOTSUP:
		answer(n, 415, "Unsupported Media Type", ACCEPT);
		break;

	default:
		if (re_snprintf(hdr, sizeof(hdr), "Retry-After: %u\r\n",
				(uint32_t)CPM_RETRY_AFTER) < 0)
			hdr[0] = '\0';
		answer(n, err == ENOMEM ? 500 : 503,
		       err == EBUSY ? "Too Many At Once"
		       : "Message Store Not Ready", hdr);
		break;
	}
}


/*
 * What is kept
 */

static void tell(const struct notice *n)
{
	static const char *const all[] = {PULL_ALL};
	const size_t c = n->list ? n->list->entryc : 0;
	const char **refv;
	size_t i;

	if (!n->list) {
		pull_announced(n->cpm, n->aor, all, 1);
		return;
	}

	refv = mem_alloc((c + 1) * sizeof(*refv), NULL);
	if (!refv)
		return;

	for (i=0; i<c; i++)
		refv[i] = n->list->entryv[i].reference;
	pull_announced(n->cpm, n->aor, refv, c);
	mem_deref(refv);
}


/* The server is answered before it is asked */
static void kept_handler(int err, void *arg)
{
	struct notice *n = mem_ref(arg);

	settle(n, err);
	if (!err)
		tell(n);
	mem_deref(n);
}


/* @return 0; EALREADY: there is nothing to be kept; those of the store */
static int keep(struct notice *n, const struct cpm_announced *v, size_t c,
		bool whole)
{
	if (!c && !whole)
		return EALREADY;

	return cpm_store_announce(n->cpm->store, n->aor, v, c, whole,
				  kept_handler, n);
}


static enum cpm_mode mode_of(enum announce_mode mode)
{
	switch (mode) {

	case ANNOUNCE_PAGE:    return CPM_PAGE;
	case ANNOUNCE_SESSION: return CPM_SESSION;
	default:               return CPM_LARGE;
	}
}


/* What cannot be read is not known */
static uint64_t time_of(const char *str)
{
	uint64_t ms = 0;
	struct pl pl;

	if (!str)
		return 0;

	pl_set_str(&pl, str);

	return cpim_time_decode(&ms, &pl) ? 0 : ms;
}


static int entry_set(struct cpm_announced *to, struct announce_entry *from)
{
	struct pl pl;
	int err;

	to->reference = from->reference;
	to->subject   = from->subject;
	to->size      = from->size;
	to->time      = time_of(from->date);
	to->expires   = time_of(from->expiry);
	to->mode      = mode_of(from->mode);

	if (to->subject)
		to->subject[cpm_text_cut((uint8_t *)to->subject,
					 strlen(to->subject),
					 CPM_NAME_MAX)] = '\0';
	if (!from->from)
		return 0;

	pl_set_str(&pl, from->from);
	if (pl.l > CPM_URI_MAX || !cpim_uri_isreal(&pl))
		return 0;

	err = cpm_uri_norm(&to->from, &pl);

	return err == ENOMEM ? err : 0;
}


static int list_keep(struct notice *n)
{
	struct announce_list *list = n->list;
	struct cpm_announced *v;
	size_t i;
	int err = 0;

	v = mem_zalloc((list->entryc + 1) * sizeof(*v), NULL);
	if (!v)
		return ENOMEM;

	for (i=0; i<list->entryc && !err; i++)
		err = entry_set(&v[i], &list->entryv[i]);
	if (!err)
		err = keep(n, list->entryc ? v : NULL, list->entryc,
			   list->whole);

	/* the rest is borrowed */
	for (i=0; i<list->entryc; i++)
		mem_deref(v[i].from);
	mem_deref(v);

	return err;
}


static int some_keep(struct notice *n)
{
	char all[] = PULL_ALL;
	const struct cpm_announced ann = {
		.reference = all, .mode = CPM_LARGE,
	};

	return keep(n, &ann, 1, false);
}


/*
 * What has come
 */

static enum body body_of(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);
	struct pl body;

	if (!content_body(&body, msg) && !body.l)
		return BODY_NONE;
	if (!hdr)
		return BODY_OTHER;
	if (mime_type_is(&hdr->val, "text/plain"))
		return BODY_TEXT;
	if (mime_type_is(&hdr->val, ANNOUNCE_LIST_TYPE))
		return BODY_LIST;
	if (mime_type_is(&hdr->val, ANNOUNCE_SUMMARY_TYPE))
		return BODY_SUMMARY;

	return BODY_OTHER;
}


static int summary_keep(struct notice *n, const struct pl *body)
{
	bool waiting;
	int err;

	err = announce_summary(&waiting, (const uint8_t *)body->p, body->l);
	if (err)
		return err;

	/* nothing waits: whatever was announced is not there any more */
	return waiting ? some_keep(n) : keep(n, NULL, 0, true);
}


/* @return 0: it is answered, or will be */
static int consider(struct notice *n)
{
	struct pl body;
	int err;

	err = content_body(&body, n->msg);
	if (err)
		return err;

	switch (body_of(n->msg)) {

	case BODY_NONE:
	case BODY_TEXT:
		return some_keep(n);

	case BODY_SUMMARY:
		return summary_keep(n, &body);

	case BODY_LIST:
		err = announce_decode(&n->list, (const uint8_t *)body.p,
				      body.l);
		return err ? err : list_keep(n);

	default:
		return ENOTSUP;
	}
}


static void begin(struct cpm *cpm, const char *aor, const struct sip_msg *msg)
{
	struct notice *n = mem_zalloc(sizeof(*n), destructor);
	int err = n ? 0 : ENOMEM;

	if (n) {
		n->cpm = cpm;
		n->msg = mem_ref((void *)msg);
		n->sip = mem_ref(cpm->host.sip);
		list_append(&cpm->noticel, &n->le, n);
		err = str_dup(&n->aor, aor);
	}
	if (!err)
		err = sip_strans_alloc(&n->st, cpm->host.sip, msg, NULL,
				       NULL);
	if (err) {
		mem_deref(n);
		/* it may come again, and find memory */
		(void)sip_reply(cpm->host.sip, msg, 500,
				"Server Internal Error");
		return;
	}

	err = !ready_is(cpm) ? EAGAIN
		: list_count(&cpm->noticel) > CPM_NOTICES ? EBUSY
		: consider(n);
	if (err)
		settle(n, err);
}


static bool same_uri(const struct pl *a, const char *b)
{
	char *na = NULL, *nb = NULL;
	struct pl pl;
	bool same;

	pl_set_str(&pl, b);
	same = !cpm_uri_norm(&na, a) && !cpm_uri_norm(&nb, &pl) &&
		!strcmp(na, nb);
	mem_deref(na);
	mem_deref(nb);

	return same;
}


/* Does the server itself speak? */
static bool isserver(struct cpm *cpm, const struct sip_msg *msg)
{
	static const char standfw[] = "rcse-standfw";
	struct cpm_account acc;
	struct origin org;
	bool server;

	if (!pl_strcasecmp(&msg->from.uri.user, standfw))
		return true;
	/* who is not to be believed is refused by admit() */
	if (origin_decode(&org, msg, true))
		return false;
	server = org.standfw;
	origin_reset(&org);
	if (server)
		return true;

	memset(&acc, 0, sizeof(acc));

	return cpm->host.findh(&acc, msg, cpm->host.arg) &&
		(same_uri(&msg->from.auri, acc.aor) ||
		 same_uri(&msg->from.auri, pull_uri(cpm->pulls, acc.aor)));
}


static bool issummary(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_EVENT);

	return hdr && mime_type_is(&hdr->val, "message-summary");
}


static bool isours(struct cpm *cpm, const struct sip_msg *msg)
{
	if (pl_isset(&msg->to.tag) || !(tag_msg(msg) & TAG_DEFERRED))
		return false;
	if (!pl_strcmp(&msg->met, "NOTIFY"))
		return issummary(msg);

	switch (body_of(msg)) {

	case BODY_OTHER: return false;
	case BODY_TEXT:  return isserver(cpm, msg);
	default:         return true;
	}
}


bool announce_recv(struct cpm *cpm, const struct sip_msg *msg)
{
	struct cpm_account acc;
	bool answered;

	if (!isours(cpm, msg))
		return false;

	if (!admit(&acc, &answered, cpm, msg))
		return answered;

	begin(cpm, acc.aor, msg);

	return true;
}


void announce_stop(struct cpm *cpm)
{
	struct le *le;

	for (le = cpm->noticel.head; le; le = le->next) {
		struct notice *n = le->data;

		n->st  = mem_deref(n->st);
		n->sip = mem_deref(n->sip);
	}
}
