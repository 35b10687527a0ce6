/**
 * @file report.c  One disposition notification on its way
 *
 * Seed 7.3.12, 2 (each one in its own SIP MESSAGE); OMA 5.4; RFC 5438;
 * wire.md 6 and 13.6. It is due in the store until a 2xx or a refusal for
 * good. Which one goes when: outbox.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "engine.h"
#include "outbox.h"
#include "pager.h"


enum {
	STORE_TRIES = 6,  /* no more than 32 s until a disk with room again is
			     seen                                          */
};


static void store(struct report *rep);


static void destructor(void *arg)
{
	struct report *rep = arg;

	tmr_cancel(&rep->tmr);
	list_unlink(&rep->le);
	mem_deref(rep->pager);
	mem_deref(rep->aor);
}


static void tell(const struct report *rep)
{
	struct cpm_event ev = {.id = CPM_EV_IMDN, .account = rep->aor};

	ev.u.imdn.id     = rep->msg;
	ev.u.imdn.status = rep->kind;
	ev.u.imdn.sent   = rep->result == CPM_REPORT_SENT;
	ev.u.imdn.code   = rep->scode;
	engine_event(rep->ob->cpm, &ev);
}


static void tmr_handler(void *arg)
{
	store(arg);
}


/* What was answered is not sent again because the disk is full: the result
   waits here, and so does its sender */
static void store_later(struct report *rep)
{
	if (rep->storec < STORE_TRIES)
		++rep->storec;

	tmr_start(&rep->tmr, retry_at(0, rep->storec, rand_u32()),
		  tmr_handler, rep);
}


/* only now another look may find the next one: before, the store would still
   have shown this as due, and it would have been sent twice */
static void moved_handler(int err, void *arg)
{
	struct report *rep = arg;

	if (err && err != ENOENT && !rep->ob->cpm->down) {
		store_later(rep);
		return;
	}

	if (!err && rep->result != CPM_REPORT_DUE)
		tell(rep);

	mem_deref(rep);
}


static void store(struct report *rep)
{
	const int err = cpm_store_report_move(rep->ob->cpm->store, rep->id,
					      rep->result, rep->next,
					      moved_handler, rep);

	if (err == ESHUTDOWN)
		mem_deref(rep);
	else if (err)
		store_later(rep);
}


static void settle(struct report *rep, enum cpm_report_state result,
		   uint64_t next)
{
	rep->pager  = mem_deref(rep->pager);
	rep->result = result;
	rep->next   = next;

	store(rep);
}


/* A try while the registration is lost says nothing about the other side, and
   is none: the report waits in the store for the account */
static bool isvoid(struct report *rep)
{
	if (outbox_isready(rep->ob, rep->aor, NULL))
		return false;

	mem_deref(rep);

	return true;
}


static void refused(struct report *rep)
{
	if (!isvoid(rep))
		settle(rep, CPM_REPORT_FAILED, engine_now());
}


/* @param after seconds that the server asks for, 0: it does not */
static void in_vain(struct report *rep, uint32_t after)
{
	const uint64_t now = engine_now();
	const uint32_t tries = rep->tries + 1;

	if (isvoid(rep))
		return;

	if (tries >= RETRY_MAX)
		settle(rep, CPM_REPORT_FAILED, now);
	else
		settle(rep, CPM_REPORT_DUE,
		       retry_next(now, tries, after, rand_u32()));
}


static void answer_handler(const struct pager_answer *ans, void *arg)
{
	struct report *rep = arg;

	rep->scode = ans->scode;

	switch (retry_verdict(ans->scode)) {

	case RETRY_SENT:
		settle(rep, CPM_REPORT_SENT, engine_now());
		break;

	case RETRY_NEVER:
		refused(rep);
		break;

	default:
		in_vain(rep, ans->after);
		break;
	}
}


static int doc_encode(struct mbuf **mbp, const struct cpm_due *due)
{
	const struct imdn_out doc = {
		.message_id    = due->orig_id,
		.datetime      = due->datetime,
		.recipient_uri = due->account,
		.kind   = due->kind == CPM_DELIVERED ? IMDN_DELIVERY
			: IMDN_DISPLAY,
		.status = due->kind == CPM_DELIVERED ? IMDN_DELIVERED
			: IMDN_DISPLAYED,
	};
	struct mbuf *mb = mbuf_alloc(512);
	int err;

	if (!mb)
		return ENOMEM;

	err = imdn_encode(mb, &doc);
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}


/* RFC 5438, 8: the recorded route is walked backwards.
   @return entries of routev, views into buf */
static size_t route_split(const char *routev[CPIM_ROUTE_MAX], char *buf)
{
	const char *linev[CPIM_ROUTE_MAX];
	size_t n = 0, i;
	char *save = NULL, *p;

	for (p = buf ? strtok_r(buf, "\n", &save) : NULL;
	     p && n < CPIM_ROUTE_MAX; p = strtok_r(NULL, "\n", &save))
		linev[n++] = p;

	for (i=0; i<n; i++)
		routev[i] = linev[n - 1 - i];

	return n;
}


/* @param mbp mem_deref() it in any case */
static int body_make(struct mbuf **mbp, const struct cpm_due *due,
		     const char *const routev[], size_t routec)
{
	struct mbuf *doc = NULL;
	struct cpim_out out = {
		.from       = due->account,
		.to         = due->peer,
		.time       = engine_now(),
		.imdn_msgid = due->imdn_id,
		.routev     = routev,
		.routec     = routec,
		.ctype      = "message/imdn+xml",
		.cdisp      = "notification",
	};
	int err;

	*mbp = mbuf_alloc(1024);
	err = *mbp ? doc_encode(&doc, due) : ENOMEM;
	if (!err) {
		out.body = doc->buf;
		out.len  = doc->end;
		err = cpim_encode(*mbp, &out);
		(*mbp)->pos = 0;
	}
	mem_deref(doc);

	return err;
}


/* The first stop of the way back is who it is sent to.
   @param strp NULL if there is none; mem_deref() it */
static int topmost(char **strp, const char *route)
{
	struct sip_addr addr;
	struct pl pl;

	if (!route)
		return 0;

	pl_set_str(&pl, route);

	return sip_addr_decode(&addr, &pl) ? 0 : pl_strdup(strp, &addr.auri);
}


static int message_send(struct report *rep, const struct cpm_account *acc,
			const struct cpm_due *due)
{
	struct pager_args args = {
		.cpm = rep->ob->cpm,
		.acc = acc,
		.aor = due->account,
		.to  = due->peer,
		.conversation_id = due->conversation_id,
		.contribution_id = due->contribution_id,
	};
	const char *routev[CPIM_ROUTE_MAX];
	char *route = NULL, *top = NULL;
	size_t routec;
	int err = 0;

	if (due->route)
		err = str_dup(&route, due->route);
	if (err)
		return err;

	routec = route_split(routev, route);
	err = body_make(&args.body, due, routev, routec);
	if (!err)
		err = topmost(&top, routec ? routev[0] : NULL);
	if (!err) {
		args.uri = top;
		err = pager_send(&rep->pager, &args, answer_handler, rep);
	}
	mem_deref(args.body);
	mem_deref(top);
	mem_deref(route);

	return err;
}


int report_send(struct outbox *ob, const struct cpm_account *acc,
		const struct cpm_due *due)
{
	struct report *rep;
	int err;

	rep = mem_zalloc(sizeof(*rep), destructor);
	if (!rep)
		return ENOMEM;

	rep->ob     = ob;
	rep->id     = due->id;
	rep->msg    = due->msg;
	rep->sender = due->sender;
	rep->kind   = due->kind;
	rep->tries  = due->tries;
	tmr_init(&rep->tmr);
	list_append(&ob->reportl, &rep->le, rep);

	err = str_dup(&rep->aor, due->account);
	if (!err)
		err = message_send(rep, acc, due);

	if (err == ENOMEM) {
		mem_deref(rep);
		return ENOMEM;
	}

	if (err == EINVAL || err == EBADMSG) {
		/* never can be written */
		settle(rep, CPM_REPORT_FAILED, engine_now());
	}
	else if (err) {
		rep->scode = 503;
		in_vain(rep, 0);
	}

	return 0;
}
