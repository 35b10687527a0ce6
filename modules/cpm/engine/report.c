/**
 * @file report.c  The outbox of disposition notifications
 *
 * Seed 7.3.12, 2 (each one in its own SIP MESSAGE); OMA 5.4; RFC 5438;
 * wire.md 6 and 13.6. A report is due in the store until a 2xx; what is here
 * is only what is on its way now.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "engine.h"


static const char icsi_msg[] = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";
static const char icsi_msg_escaped[] =
	"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg";

struct outbox {
	struct cpm *cpm;
	struct list reportl;  /* on their way, or their result being stored */
	struct tmr tmr;       /* until the next one is due                  */
	bool looking;         /* results may come while we look             */
};

struct report {
	struct le le;
	struct outbox *ob;
	uint64_t id;
	uint64_t msg;
	enum cpm_report kind;
	uint32_t tries;
	uint32_t authc;       /* challenges followed                        */
	char *aor;
	char *hdrs;           /* SIP headers of the MESSAGE                 */
	struct mbuf *body;    /* CPIM                                       */
	struct sip_dialog *dlg;
	struct sip_auth *auth;
	struct sip_request *req;
	enum cpm_report_state result;
	uint16_t scode;
};


static int send_request(struct report *rep);


static void destructor(void *arg)
{
	struct outbox *ob = arg;

	tmr_cancel(&ob->tmr);
	list_flush(&ob->reportl);
}


static void report_destructor(void *arg)
{
	struct report *rep = arg;

	list_unlink(&rep->le);
	mem_deref(rep->req);
	mem_deref(rep->auth);
	mem_deref(rep->dlg);
	mem_deref(rep->body);
	mem_deref(rep->hdrs);
	mem_deref(rep->aor);
}


static void tmr_handler(void *arg)
{
	outbox_kick(arg);
}


int outbox_alloc(struct outbox **obp, struct cpm *cpm)
{
	struct outbox *ob;

	ob = mem_zalloc(sizeof(*ob), destructor);
	if (!ob)
		return ENOMEM;

	ob->cpm = cpm;
	tmr_init(&ob->tmr);
	/* what a former run left; not before the softphone is up */
	tmr_start(&ob->tmr, 1, tmr_handler, ob);
	*obp = ob;

	return 0;
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


/* only now another look may find the report: before, the store would still
   have shown it as due, and it would have been sent twice */
static void moved_handler(int err, void *arg)
{
	struct report *rep = arg;

	if (!err && rep->result != CPM_REPORT_DUE)
		tell(rep);

	mem_deref(rep);
}


static void settle(struct report *rep, enum cpm_report_state result,
		   uint32_t wait)
{
	struct cpm *cpm = rep->ob->cpm;
	const uint64_t now = engine_now();
	const uint64_t next = wait ? now + wait * 1000ULL
		: retry_at(now, rep->tries + 1, rand_u32());

	rep->req = mem_deref(rep->req);
	rep->result = result;

	/* if that cannot be said now it stays due, and so may repeat */
	if (cpm_store_report_move(cpm->store, rep->id, result, next,
				  moved_handler, rep))
		mem_deref(rep);
}


static uint32_t retry_after(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
	struct pl secs;

	if (!hdr || re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &secs))
		return 0;

	return pl_u32(&secs) < 3600 ? pl_u32(&secs) : 3600;
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
		settle(rep, CPM_REPORT_DUE, 0);
		return;
	}

	rep->scode = msg->scode;

	switch (retry_verdict(msg->scode)) {

	case RETRY_SENT:
		settle(rep, CPM_REPORT_SENT, 0);
		break;

	case RETRY_NEVER:
		settle(rep, CPM_REPORT_FAILED, 0);
		break;

	default:
		if (!authenticate(rep, msg))
			settle(rep, CPM_REPORT_DUE, retry_after(msg));
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


/* A telephone number has no host to send to: our own domain knows the way */
static int tel_route(char **strp, const char *aor)
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

	rep->id    = due->id;
	rep->msg   = due->msg;
	rep->kind  = due->kind;
	rep->tries = due->tries;

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


static void begin(struct outbox *ob, const struct cpm_account *acc,
		  const struct cpm_due *due)
{
	struct report *rep;
	int err;

	rep = mem_zalloc(sizeof(*rep), report_destructor);
	if (!rep)
		return;

	rep->ob = ob;
	list_append(&ob->reportl, &rep->le, rep);

	err = report_fill(rep, acc, due);
	if (!err)
		err = send_request(rep);

	if (err == ENOMEM)
		mem_deref(rep);
	else if (err == EINVAL || err == EBADMSG)
		settle(rep, CPM_REPORT_FAILED, 0);  /* never can be written */
	else if (err)
		settle(rep, CPM_REPORT_DUE, 0);
}


static bool isbusy(const struct outbox *ob, uint64_t id)
{
	struct le *le;

	for (le = ob->reportl.head; le; le = le->next) {
		const struct report *rep = le->data;

		if (rep->id == id)
			return true;
	}

	return false;
}


static bool due_handler(const struct cpm_due *due, void *arg)
{
	struct outbox *ob = arg;
	const struct cpm_host *host = &ob->cpm->host;
	struct cpm_account acc;

	if (list_count(&ob->reportl) >= CPM_WINDOW)
		return true;
	if (isbusy(ob, due->id))
		return false;

	/* without its account, or while that is not registered, it waits */
	memset(&acc, 0, sizeof(acc));
	if (!host->accounth(&acc, due->account, host->arg) ||
	    (acc.registers && !acc.registered))
		return false;

	begin(ob, &acc, due);

	return false;
}


void outbox_kick(struct outbox *ob)
{
	const uint64_t now = engine_now();
	uint64_t next = 0;

	if (!ob || ob->cpm->down || ob->looking)
		return;

	ob->looking = true;
	tmr_cancel(&ob->tmr);

	/* the store stops at the window: its handler says so */
	if (!cpm_store_due(ob->cpm->store, now, UINT32_MAX, &next,
			   due_handler, ob) && next)
		tmr_start(&ob->tmr, next > now ? next - now : 1, tmr_handler,
			  ob);

	ob->looking = false;
}


void outbox_stop(struct outbox *ob, const char *aor)
{
	struct le *le;

	if (!ob)
		return;

	le = ob->reportl.head;
	while (le) {
		struct report *rep = le->data;

		le = le->next;
		/* one without a request is being settled: let it */
		if (rep->req && (!aor || !str_cmp(aor, rep->aor)))
			mem_deref(rep);
	}
}
