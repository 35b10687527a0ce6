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


static const char icsi_msg[] = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";
static const char icsi_msg_escaped[] =
	"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg";

enum {
	STORE_TRIES = 6,  /* no more than 32 s until a disk with room again is
			     seen                                          */
};


static int send_request(struct report *rep);
static void store(struct report *rep);


static void destructor(void *arg)
{
	struct report *rep = arg;

	tmr_cancel(&rep->tmr);
	list_unlink(&rep->le);
	mem_deref(rep->req);
	mem_deref(rep->auth);
	mem_deref(rep->dlg);
	mem_deref(rep->body);
	mem_deref(rep->hdrs);
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
	rep->req    = mem_deref(rep->req);
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


static uint32_t retry_after(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);

	return hdr ? retry_seconds(&hdr->val) : 0;
}


static bool authenticate(struct report *rep, const struct sip_msg *msg)
{
	if (msg->scode != 401 && msg->scode != 407)
		return false;
	if (++rep->authc > CPM_AUTH_MAX)
		return false;

	return !sip_auth_authenticate(rep->auth, msg) && !send_request(rep);
}


static void resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct report *rep = arg;

	if (!err && msg->scode < 200)
		return;

	if (err) {
		/* as if it had been answered so: RFC 3261, 8.1.3.1 */
		rep->scode = err == ETIMEDOUT ? 408 : 503;
		in_vain(rep, 0);
		return;
	}

	rep->scode = msg->scode;

	switch (retry_verdict(msg->scode)) {

	case RETRY_SENT:
		settle(rep, CPM_REPORT_SENT, engine_now());
		break;

	case RETRY_NEVER:
		refused(rep);
		break;

	default:
		if (!authenticate(rep, msg))
			in_vain(rep, retry_after(msg));
		break;
	}
}


static int send_request(struct report *rep)
{
	const size_t len = mbuf_get_left(rep->body);

	return sip_drequestf(&rep->req, rep->ob->cpm->host.sip, true,
			     "MESSAGE", rep->dlg, 0, rep->auth, NULL,
			     resp_handler, rep,
			     "%s"
			     "Content-Type: message/cpim\r\n"
			     "Content-Length: %zu\r\n"
			     "\r\n"
			     "%b",
			     rep->hdrs, len, mbuf_buf(rep->body), len);
}


static int auth_handler(char **user, char **pass, const char *realm,
			void *arg)
{
	struct report *rep = arg;
	const struct cpm_host *host = &rep->ob->cpm->host;

	return host->authh(user, pass, realm, rep->aor, host->arg);
}


static int headers_set(struct report *rep, const struct cpm_due *due)
{
	const char *conv = due->conversation_id, *cont = due->contribution_id;

	return re_sdprintf(&rep->hdrs,
			   "P-Preferred-Service: %s\r\n"
			   "P-Preferred-Identity: <%s>\r\n"
			   "Accept-Contact: *;+g.3gpp.icsi-ref=\"%s\"\r\n"
			   "%s%s%s"
			   "%s%s%s",
			   icsi_msg, rep->aor, icsi_msg_escaped,
			   conv ? "Conversation-ID: " : "", conv ? conv : "",
			   conv ? "\r\n" : "",
			   cont ? "Contribution-ID: " : "", cont ? cont : "",
			   cont ? "\r\n" : "");
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


static int body_set(struct report *rep, const struct cpm_due *due,
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

	rep->body = mbuf_alloc(1024);
	err = rep->body ? doc_encode(&doc, due) : ENOMEM;
	if (!err) {
		out.body = doc->buf;
		out.len  = doc->end;
		err = cpim_encode(rep->body, &out);
		rep->body->pos = 0;
	}
	mem_deref(doc);

	return err;
}


static bool istel(const char *uri)
{
	return !strncmp(uri, "tel:", 4);
}


int tel_route(char **strp, const char *aor)
{
	const char *at = strchr(aor, '@');

	return re_sdprintf(strp, "sip:%s;lr", at ? at + 1 : aor);
}


static int dialog_set(struct report *rep, const struct cpm_account *acc,
		      const struct cpm_due *due, const char *topmost)
{
	const char *uri = due->peer, *routev[1] = {acc->outbound};
	char *domain = NULL, *top = NULL;
	struct sip_addr addr;
	struct pl pl;
	int err = 0;

	if (topmost) {
		pl_set_str(&pl, topmost);
		if (!sip_addr_decode(&addr, &pl))
			err = pl_strdup(&top, &addr.auri);
		if (top)
			uri = top;
	}
	if (!err && !routev[0] && istel(uri)) {
		err = tel_route(&domain, due->account);
		routev[0] = domain;
	}
	if (!err)
		err = sip_dialog_alloc(&rep->dlg, uri, due->peer, NULL,
				       due->account,
				       routev[0] ? routev : NULL,
				       routev[0] ? 1 : 0);
	mem_deref(domain);
	mem_deref(top);

	return err;
}


static int report_fill(struct report *rep, const struct cpm_account *acc,
		       const struct cpm_due *due)
{
	const char *routev[CPIM_ROUTE_MAX];
	char *route = NULL;
	size_t routec;
	int err;

	rep->id     = due->id;
	rep->msg    = due->msg;
	rep->sender = due->sender;
	rep->kind   = due->kind;
	rep->tries  = due->tries;

	err = str_dup(&rep->aor, due->account);
	if (!err && due->route)
		err = str_dup(&route, due->route);
	if (err)
		goto out;

	routec = route_split(routev, route);
	err = headers_set(rep, due);
	if (!err)
		err = body_set(rep, due, routev, routec);
	if (!err)
		err = dialog_set(rep, acc, due, routec ? routev[0] : NULL);
	if (!err)
		err = sip_auth_alloc(&rep->auth, auth_handler, rep, false);
 out:
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

	rep->ob = ob;
	tmr_init(&rep->tmr);
	list_append(&ob->reportl, &rep->le, rep);

	err = report_fill(rep, acc, due);
	if (!err)
		err = send_request(rep);

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
