/**
 * @file status.c  Notifications for messages of ours: where they stand now
 *
 * RFC 5438, 7.2 and 9; OMA 5.4; wire.md 3 and 6. Whichever way they come. The
 * message moves in the store before the notification is acknowledged, and
 * nothing is ever notified back.
 *
 * Of a display notification only "displayed" says something about the message:
 * one that is "forbidden", or an "error", is not told about, but it was
 * delivered. "processed" and "stored" are of servers on the way.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_mime.h>
#include "engine.h"
#include "take.h"


/** What came in one message, while the store has it */
struct notice {
	struct source *src;
	char *peer;             /* who says so; NULL: the server            */
	unsigned waiting;       /* moves without a result                   */
	int err;                /* of one that could not be kept            */
	int bad;                /* of a document that cannot be read        */
	take_h *h;
	void *arg;
};

/** One move in it */
struct step {
	struct notice *n;
	enum cpm_out to;
	const char *reason;     /* constant                                 */
};


static void notice_destructor(void *arg)
{
	struct notice *n = arg;

	mem_deref(n->src);
	mem_deref(n->peer);
}


static void step_destructor(void *arg)
{
	struct step *step = arg;

	mem_deref(step->n);
}


static void tell(const struct source *src, uint64_t id,
		 const struct step *step)
{
	struct cpm_event ev = {.id = CPM_EV_STATUS, .account = src->aor};

	ev.u.status.id     = id;
	ev.u.status.status = step->to;
	ev.u.status.reason = step->reason;
	engine_event(src->cpm, &ev);
}


/* Of a message that nobody knows, or that has come further: no matter */
static void move_handler(int err, uint64_t id, void *arg)
{
	struct step *step = arg;
	struct notice *n = step->n;

	if (!err)
		tell(n->src, id, step);
	else if (err != ENOENT && err != EALREADY)
		n->err = err;

	if (!--n->waiting)
		n->h(n->err, NULL, n->arg);

	mem_deref(step);
}


static int move(struct notice *n, const char *id, enum cpm_out to,
		const char *reason)
{
	struct step *step;
	int err;

	step = mem_zalloc(sizeof(*step), step_destructor);
	if (!step)
		return ENOMEM;

	step->n      = mem_ref(n);
	step->to     = to;
	step->reason = reason;
	err = cpm_store_status(n->src->cpm->store, n->src->aor, n->peer, id,
			       to, 0, reason, move_handler, step);
	if (err)
		mem_deref(step);
	else
		++n->waiting;

	return err;
}


/* @return CPM_OUT_NONE: it says nothing that is of use here */
static enum cpm_out status_of(const struct imdn_doc *doc)
{
	switch (doc->status) {

	case IMDN_DELIVERED:
		return CPM_OUT_DELIVERED;

	case IMDN_DISPLAYED:
		return CPM_OUT_DISPLAYED;

	case IMDN_FAILED:
	case IMDN_FORBIDDEN:
	case IMDN_ERROR:
		return doc->kind == IMDN_DELIVERY ? CPM_OUT_FAILED
			: CPM_OUT_NONE;

	default:
		return CPM_OUT_NONE;
	}
}


static void doc_take(struct notice *n, const struct pl *pl)
{
	struct imdn_doc *doc = NULL;
	enum cpm_out to;
	int err;

	err = imdn_decode(&doc, (const uint8_t *)pl->p, pl->l);
	if (err == ENOMEM)
		n->err = err;
	if (err) {
		n->bad = EBADMSG;
		return;
	}

	to = status_of(doc);
	if (to != CPM_OUT_NONE && str_len(doc->message_id) <= CPM_ID_MAX) {
		err = move(n, doc->message_id, to, to == CPM_OUT_FAILED
			   ? imdn_status_name(doc->status) : NULL);
		if (err)
			n->err = err;
	}
	mem_deref(doc);
}


/* as RFC 5438 has it, and as some write it (wire.md 6.2) */
bool notification_type(const struct pl *ctype)
{
	return mime_type_is(ctype, "message/imdn+xml") ||
		mime_type_is(ctype, "message/imdn");
}


static bool part_handler(const struct mime_part *part, void *arg)
{
	struct notice *n = arg;
	struct mbuf *mb = NULL;
	struct pl pl;
	int err;

	if (!notification_type(&part->ctype))
		return false;

	err = cpim_body_decode(&mb, &part->cte, (const uint8_t *)part->body.p,
			       part->body.l);
	if (err == ENOMEM)
		n->err = err;
	else if (err)
		n->bad = EBADMSG;
	if (err)
		return false;

	pl_set_mbuf(&pl, mb);
	doc_take(n, &pl);
	mem_deref(mb);

	return false;
}


static bool other_handler(const struct mime_part *part, void *arg)
{
	bool *other = arg;

	*other = !notification_type(&part->ctype);

	return *other;
}


bool notification_is(const struct cpim_msg *cpim)
{
	const struct pl body = {
		(const char *)cpim->mb->buf + cpim->body,
		cpim->mb->end - cpim->body,
	};
	struct cpim_dec dec;
	bool other = true;

	if (notification_type(&cpim->ctype))
		return true;
	/* no multipart is encoded as a whole (RFC 2045, 6.4) */
	if (!mime_is_multipart(&cpim->ctype) ||
	    cpim_dec_init(&dec, &cpim->cte) || dec.enc != CPIM_ENC_NONE)
		return false;

	/* several in one: nothing else is in it */
	(void)mime_multipart(&cpim->ctype, &body, other_handler, &other);

	return !other;
}


/* @return 0; EACCES: nobody knows who says so, and not the server either;
   ENOMEM */
static int who(struct notice *n, const struct source *src,
	       const struct cpim_msg *cpim)
{
	char *name = NULL;
	int err;

	err = record_sender(&n->peer, &name, src, cpim);
	mem_deref(name);
	if (!err && !n->peer && !src->org.standfw)
		err = EACCES;

	return err;
}


static int notice_alloc(struct notice **np, struct source *src,
			const struct cpim_msg *cpim, take_h *h, void *arg)
{
	struct notice *n;
	int err;

	n = mem_zalloc(sizeof(*n), notice_destructor);
	if (!n)
		return ENOMEM;

	n->src = mem_ref(src);
	n->h   = h;
	n->arg = arg;
	err = who(n, src, cpim);
	if (err)
		mem_deref(n);
	else
		*np = n;

	return err;
}


int notification_take(struct source *src, const struct cpim_msg *cpim,
		      take_h *h, void *arg)
{
	struct notice *n = NULL;
	struct mbuf *mb = NULL;
	struct pl body;
	int err;

	err = cpim_body_decode(&mb, &cpim->cte, cpim->mb->buf + cpim->body,
			       cpim->mb->end - cpim->body);
	if (!err)
		err = notice_alloc(&n, src, cpim, h, arg);
	if (err)
		goto out;

	pl_set_mbuf(&body, mb);
	if (mime_is_multipart(&cpim->ctype))
		err = mime_multipart(&cpim->ctype, &body, part_handler, n);
	else
		doc_take(n, &body);
	if (err)
		n->bad = EBADMSG;

	/* what is on its way decides; else what was wrong */
	err = n->waiting ? 0 : n->err ? n->err : n->bad ? n->bad : EALREADY;
 out:
	mem_deref(n);
	mem_deref(mb);

	return err == EACCES ? EALREADY : err;
}
