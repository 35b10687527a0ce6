/**
 * @file notice.c  Disposition notifications for a sender who is a user here
 *
 * He gets them at once by MESSAGE, or, when he is away, once he comes back:
 * stored like a message, in a session of their own (OMA CPM Conversation
 * Functions, 8.3.2) or among the messages of that conversation.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"
#include "cmd.h"


#define ICSI     "3gpp-service.ims.icsi.oma.cpm.msg"
#define XML_NS   "urn:ietf:params:xml:ns:imdn"

/* One on its way to a user who is here */
struct passing {
	struct le le;
	struct user *user;       /* borrowed: owns us                       */
	struct kept *m;          /* what is stored if he does not take it   */
	struct mbuf *xml;
	struct mbuf *mb;         /* the CPIM                                */
	char contrib[257];
	char id[257];            /* of the message that it tells about      */
	char status[33];
	struct sip_dialog *dlg;
	struct sip_request *req;
	struct tmr tmr;
};


static void destructor(void *arg)
{
	struct passing *p = arg;

	list_unlink(&p->le);
	tmr_cancel(&p->tmr);
	mem_deref(p->req);
	mem_deref(p->dlg);
	mem_deref(p->m);
	mem_deref(p->xml);
	mem_deref(p->mb);
}


/** "apart", "mixed", "off". @return 0; EINVAL */
int notice_args(enum notices *np, const struct pl *val)
{
	if (!pl_strcmp(val, "apart"))
		*np = NOTICES_APART;
	else if (!pl_strcmp(val, "mixed"))
		*np = NOTICES_MIXED;
	else if (!pl_strcmp(val, "off"))
		*np = NOTICES_OFF;
	else
		return EINVAL;

	return 0;
}


static int store(struct user *user, struct kept *m, const struct pl *xml,
		 const char *id, const char *status)
{
	int err = keep_put(user->pf->keep, m, xml, NULL);

	if (err)
		return err;

	event("stored id=%s status=%s from=%s to=%s imdnid=%s", id, status,
	      m->sender, m->rcpt, m->id);
	deliver_kept(user);
	return 0;
}


/* The fields that all of them share; sender, rcpt, id and conv are set */
static int kept_finish(struct kept *m, struct user *user)
{
	char date[40];
	int err;

	date_now(date, sizeof(date));
	m->notice = true;
	m->way = WAY_SESSION;
	err = str_dup(&m->user, user->name);
	/* no message has that one: so they come in a session of their own */
	if (!err && user->pf->opt.notices != NOTICES_MIXED)
		err = re_sdprintf(&m->party, "%s imdn", m->sender);
	if (!err)
		err = str_dup(&m->date, date);
	if (!err)
		err = str_dup(&m->type, "message/imdn+xml");
	if (!err)
		err = str_dup(&m->disp, "notification");
	if (!err && !m->conv)
		err = keep_conv(&m->conv, user->pf->keep, m->sender,
				user->name);

	return err;
}


/* He did not take it: as if he had been away */
static void keep_it(struct passing *p)
{
	struct pl xml;

	pl_set_mbuf(&xml, p->xml);
	if (store(p->user, p->m, &xml, p->id, p->status))
		event("error text=%s", "database");
}


static void end_handler(void *arg)
{
	mem_deref(arg);
}


static void resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct passing *p = arg;
	uint16_t code;

	if (!err && msg->scode < 200)
		return;

	code = err ? err == ETIMEDOUT ? 408 : 503 : msg->scode;
	event("passed id=%s status=%s to=%s code=%u", p->id, p->status,
	      p->user->aor, code);
	if (code == 408 || code == 480 || code >= 500)
		keep_it(p);
	tmr_start(&p->tmr, 0, end_handler, p);
}


static int passing_send(struct passing *p)
{
	struct pf *pf = p->user->pf;
	const struct binding *bind = user_binding(p->user);
	const char *routev[1] = {pf->opt.core};
	char contrib[300] = "";
	int err;

	if (!bind)
		return ENOTCONN;

	if (p->contrib[0])
		(void)re_snprintf(contrib, sizeof(contrib),
				  "Contribution-ID: %s\r\n", p->contrib);
	err = sip_dialog_alloc(&p->dlg, bind->uri, p->m->rcpt, NULL,
			       p->m->sender, routev, pf->opt.core ? 1 : 0);
	if (err)
		return err;

	return sip_drequestf(&p->req, pf->sip, true, "MESSAGE", p->dlg, 0,
			     NULL, NULL, resp_handler, p,
			     "P-Asserted-Identity: <%s>\r\n"
			     "P-Asserted-Service: urn:urn-7:" ICSI "\r\n"
			     "Accept-Contact: *;+g.3gpp.icsi-ref="
			     "\"urn%%3Aurn-7%%3A" ICSI "\"\r\n"
			     "Conversation-ID: %s\r\n"
			     "%s"
			     "Content-Type: message/cpim\r\n"
			     "Content-Length: %zu\r\n"
			     "\r\n"
			     "%b", p->m->sender, p->m->conv, contrib,
			     p->mb->end, p->mb->buf, p->mb->end);
}


/* Takes nothing; m is referenced */
static int pass(struct user *user, struct kept *m, const struct pl *xml,
		const struct notice *notice, const char *contrib)
{
	struct passing *p = mem_zalloc(sizeof(*p), destructor);
	int err;

	if (!p)
		return ENOMEM;

	p->user = user;
	p->m = mem_ref(m);
	m->size = xml->l;
	str_ncpy(p->id, notice->id, sizeof(p->id));
	str_ncpy(p->status, notice->status, sizeof(p->status));
	str_ncpy(p->contrib, contrib, sizeof(p->contrib));
	list_append(&user->passl, &p->le, p);

	p->mb = mbuf_alloc(1024);
	p->xml = mbuf_alloc(xml->l + 1);
	err = p->mb && p->xml ? mbuf_write_pl(p->xml, xml) : ENOMEM;
	mbuf_set_pos(p->xml, 0);
	if (!err)
		err = cpim_head_print(p->mb, m);
	if (!err)
		err = mbuf_write_pl(p->mb, xml);
	if (!err)
		err = passing_send(p);
	if (err)
		mem_deref(p);
	return err;
}


/**
 * Hand a notification that was collected on to its recipient, if that is a
 * user of ours, as the options say
 *
 * @param conv    Conversation-ID, empty: none
 * @param contrib Contribution-ID, empty: none
 */
void notice_hand(struct pf *pf, const struct notice *notice,
		 const struct cpim *cpim, const char *conv,
		 const char *contrib)
{
	struct pl to;
	struct user *user;
	struct kept *m;
	bool here;
	int err;

	pl_set_str(&to, notice->to);
	user = user_find_uri(pf, &to);
	here = user && user_binding(user);
	if (!user || notice->count > 1 ||
	    !(here ? pf->opt.pass : pf->opt.notices != NOTICES_OFF))
		return;

	err = kept_alloc(&m);
	if (err)
		return;

	err = str_dup(&m->sender, notice->from);
	if (!err)
		err = str_dup(&m->rcpt, notice->to);
	if (!err)
		err = pl_strdup(&m->id, &cpim->id);
	if (!err && *conv)
		err = str_dup(&m->conv, conv);
	if (!err)
		err = kept_finish(m, user);
	if (!err)
		err = here ? pass(user, m, &cpim->body, notice, contrib)
			: store(user, m, &cpim->body, notice->id,
				notice->status);
	if (err)
		event("error text=%s", "notification is lost");
	mem_deref(m);
}


static const char *kind_of(const char *status)
{
	static const char *const kindv[][2] = {
		{"delivered", "delivery"}, {"failed", "delivery"},
		{"forbidden", "delivery"}, {"error", "delivery"},
		{"displayed", "display"},
		{"processed", "processing"}, {"stored", "processing"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kindv); i++) {
		if (!strcmp(status, kindv[i][0]))
			return kindv[i][1];
	}

	return NULL;
}


static int xml_print(char **xmlp, const char *id, const char *date,
		     const char *status)
{
	const char *kind = kind_of(status);

	if (!kind)
		return EINVAL;

	return re_sdprintf(xmlp,
			   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			   "<imdn xmlns=\"" XML_NS "\">\r\n"
			   "  <message-id>%s</message-id>\r\n"
			   "  <datetime>%s</datetime>\r\n"
			   "  <%s-notification>\r\n"
			   "    <status><%s/></status>\r\n"
			   "  </%s-notification>\r\n"
			   "</imdn>\r\n", id, date, kind, status, kind);
}


static int report_fill(struct kept *m, const struct args *args)
{
	char id[ID_SIZE];
	int err;

	err = arg_uri(&m->sender, args, "from");
	if (!err)
		err = arg_uri(&m->rcpt, args, "to");
	if (!err)
		err = arg_get(&m->id, args, "imdnid");
	if (!err)
		err = arg_get(&m->conv, args, "conv");
	if (!err && !m->sender)
		err = EINVAL;
	if (!err && !m->id) {
		uuid_make(id);
		err = str_dup(&m->id, id);
	}

	return err;
}


/** report to=URI from=URI id=ID [status=STATUS] [conv=ID] [imdnid=ID] */
int notice_cmd_report(const struct args *args)
{
	char *id = NULL, *status = NULL, *xml = NULL;
	struct user *user = NULL;
	struct kept *m;
	struct pl pl;
	int err;

	err = kept_alloc(&m);
	if (err)
		return err;

	err = arg_user(&user, args);
	if (!err)
		err = report_fill(m, args);
	if (!err)
		err = kept_finish(m, user);
	if (!err)
		err = arg_get(&id, args, "id");
	if (!err)
		err = arg_get(&status, args, "status");
	if (!err && !status)
		err = str_dup(&status, "delivered");
	if (!err && !id)
		err = EINVAL;
	if (!err)
		err = xml_print(&xml, id, m->date, status);
	if (!err) {
		pl_set_str(&pl, xml);
		err = store(user, m, &pl, id, status);
	}

	mem_deref(id);
	mem_deref(status);
	mem_deref(xml);
	mem_deref(m);
	return err;
}
