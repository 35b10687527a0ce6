/**
 * @file pager.c  A SIP MESSAGE of ours on its way
 *
 * RFC 3428; wire.md 4.1, 6.1 and 7. What notifications and messages in page
 * mode have in common.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "engine.h"
#include "pager.h"
#include "redirect.h"


static const char icsi_msg[] = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";
static const char icsi_msg_escaped[] =
	"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg";

struct pager {
	struct cpm *cpm;
	char *aor;
	char *to;             /* whom it is for                             */
	char *uri;            /* who it was sent to first                   */
	char *outbound;       /* NULL: there is none                        */
	struct targets targets;  /* of redirections                         */
	char *hdrs;           /* SIP headers of the MESSAGE                 */
	struct mbuf *body;
	struct sip_dialog *dlg;
	struct sip_auth *auth;
	struct sip_request *req;
	uint32_t authc;       /* challenges followed                        */
	pager_h *h;
	void *arg;
};


static int send_request(struct pager *pg);


static void destructor(void *arg)
{
	struct pager *pg = arg;

	mem_deref(pg->req);
	mem_deref(pg->auth);
	mem_deref(pg->dlg);
	mem_deref(pg->body);
	mem_deref(pg->hdrs);
	targets_reset(&pg->targets);
	mem_deref(pg->outbound);
	mem_deref(pg->uri);
	mem_deref(pg->to);
	mem_deref(pg->aor);
}


static uint32_t retry_after(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);

	return hdr ? retry_seconds(&hdr->val) : 0;
}


static bool authenticate(struct pager *pg, const struct sip_msg *msg)
{
	if (msg->scode != 401 && msg->scode != 407)
		return false;
	if (++pg->authc > CPM_AUTH_MAX)
		return false;

	return !sip_auth_authenticate(pg->auth, msg) && !send_request(pg);
}


int tel_route(char **strp, const char *aor)
{
	const char *at = strchr(aor, '@');

	return re_sdprintf(strp, "sip:%s;lr", at ? at + 1 : aor);
}


static int dialog_set(struct pager *pg, const char *uri)
{
	const char *routev[1] = {pg->outbound};
	char *domain = NULL;
	int err = 0;

	pg->dlg = mem_deref(pg->dlg);
	if (!routev[0] && !strncmp(uri, "tel:", 4)) {
		err = tel_route(&domain, pg->aor);
		routev[0] = domain;
	}
	if (!err)
		err = sip_dialog_alloc(&pg->dlg, uri, pg->to, NULL, pg->aor,
				       routev[0] ? routev : NULL,
				       routev[0] ? 1 : 0);
	mem_deref(domain);

	return err;
}


/* RFC 3261, 8.1.3.4: those that it names, one after another, unless somebody
   refuses it for all of them */
static bool redirected(struct pager *pg, const struct sip_msg *msg)
{
	const char *uri;

	if (msg->scode < 300 || msg->scode >= 600)
		return false;
	if (msg->scode < 400 && targets_add(&pg->targets, msg, pg->uri))
		return false;

	while ((uri = targets_next(&pg->targets))) {
		if (!dialog_set(pg, uri) && !send_request(pg))
			return true;
	}

	return false;
}


static void resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct pager *pg = arg;

	/* one that times out says nothing about the way to it */
	struct pager_answer ans = {.lost = err && err != ETIMEDOUT};

	if (!err && (msg->scode < 200 || authenticate(pg, msg) ||
		     redirected(pg, msg)))
		return;

	/* as if it had been answered so: RFC 3261, 8.1.3.1 */
	ans.scode = !err ? msg->scode : err == ETIMEDOUT ? 408 : 503;
	ans.after = !err ? retry_after(msg) : 0;
	pg->h(&ans, pg->arg);
}


static int send_request(struct pager *pg)
{
	const size_t len = mbuf_get_left(pg->body);

	return sip_drequestf(&pg->req, pg->cpm->host.sip, true, "MESSAGE",
			     pg->dlg, 0, pg->auth, NULL, resp_handler, pg,
			     "%s"
			     "Content-Type: message/cpim\r\n"
			     "Content-Length: %zu\r\n"
			     "\r\n"
			     "%b",
			     pg->hdrs, len, mbuf_buf(pg->body), len);
}


static int auth_handler(char **user, char **pass, const char *realm,
			void *arg)
{
	struct pager *pg = arg;
	const struct cpm_host *host = &pg->cpm->host;

	return host->authh(user, pass, realm, pg->aor, host->arg);
}


static int header(struct mbuf *mb, const char *name, const char *val)
{
	return val ? mbuf_printf(mb, "%s: %s\r\n", name, val) : 0;
}


static int headers_set(struct pager *pg, const struct pager_args *args)
{
	struct mbuf *mb = mbuf_alloc(512);
	int err;

	if (!mb)
		return ENOMEM;

	err = header(mb, "P-Preferred-Service", icsi_msg);
	if (!err)
		err = mbuf_printf(mb, "P-Preferred-Identity: <%s>\r\n"
				  "Accept-Contact: *;+g.3gpp.icsi-ref="
				  "\"%s\"\r\n", args->aor, icsi_msg_escaped);
	if (!err)
		err = header(mb, "Conversation-ID", args->conversation_id);
	if (!err)
		err = header(mb, "Contribution-ID", args->contribution_id);
	if (!err)
		err = header(mb, "InReplyTo-Contribution-ID",
			     args->in_reply_to);
	if (!err) {
		mb->pos = 0;
		err = mbuf_strdup(mb, &pg->hdrs, mb->end);
	}
	mem_deref(mb);

	return err;
}


int pager_send(struct pager **pgp, const struct pager_args *args, pager_h *h,
	       void *arg)
{
	struct pager *pg;
	int err;

	pg = mem_zalloc(sizeof(*pg), destructor);
	if (!pg)
		return ENOMEM;

	pg->cpm  = args->cpm;
	pg->body = mem_ref(args->body);
	pg->h    = h;
	pg->arg  = arg;

	err = str_dup(&pg->aor, args->aor);
	if (!err)
		err = str_dup(&pg->to, args->to);
	if (!err)
		err = str_dup(&pg->uri, args->uri ? args->uri : args->to);
	if (!err && args->acc->outbound)
		err = str_dup(&pg->outbound, args->acc->outbound);
	if (!err)
		err = headers_set(pg, args);
	if (!err)
		err = dialog_set(pg, pg->uri);
	if (!err)
		err = sip_auth_alloc(&pg->auth, auth_handler, pg, false);
	if (!err)
		err = send_request(pg);

	if (err)
		mem_deref(pg);
	else
		*pgp = pg;

	return err;
}
