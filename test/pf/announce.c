/**
 * @file announce.c  A user is told that messages wait to be fetched
 *
 * A MESSAGE tagged "deferred", or a NOTIFY of the message-waiting kind (RFC
 * 3842) outside of any dialog; with nothing, a text, a summary or a list in
 * it. One is on its way at a time; what happens meanwhile makes another one
 * follow. The formats are assumptions: the published documents leave them
 * open.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <time.h>
#include "pf.h"
#include "cmd.h"


enum {
	PIECE   = 5000,          /* octets of one list: clients that have
				    libre read 8,192 of a request over UDP  */
	SUBJECT = 48,            /* octets                                  */
};

#define ICSI      "3gpp-service.ims.icsi.oma.cpm.deferred"
#define LIST_TYPE "application/vnd.oma.im.deferred-list+xml"
#define LIST_NS   "urn:oma:xml:im:history-list"
#define SUM_TYPE  "application/simple-message-summary"

static const char *const hows[] = {
	[ANN_MESSAGE] = "message", [ANN_NOTIFY] = "notify",
};

static const char *const lists[] = {
	[ANN_NONE] = "none", [ANN_TEXT] = "text", [ANN_SUMMARY] = "summary",
	[ANN_XML] = "xml", [ANN_NEWS] = "news",
};

/* That of a user, from the first request to the last answer */
struct announce {
	struct user *user;       /* borrowed: owns us                       */
	struct ann_args args;
	struct sip_dialog *dlg;
	struct sip_request *req;
	struct tmr tmr;          /* end, outside of the handlers            */
	uint64_t pos;            /* told up to this one                     */
	uint64_t last;           /* the latest that waits                   */
	uint64_t count;          /* in all                                  */
	uint32_t pieces;         /* sent                                    */
	uint16_t code;
	bool whole;              /* nothing is left to tell                 */
	bool again;              /* something happened meanwhile            */
};


static void destructor(void *arg)
{
	struct announce *ann = arg;

	tmr_cancel(&ann->tmr);
	mem_deref(ann->req);
	mem_deref(ann->dlg);
}


static int value_find(const char *const *v, size_t n, const struct pl *val)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!pl_strcmp(val, v[i]))
			return (int)i;
	}

	return -1;
}


/* @return 0; EINVAL */
static int how_find(struct ann_args *args, const struct pl *val)
{
	const int i = value_find(hows, ARRAY_SIZE(hows), val);

	if (i >= 0)
		args->how = (enum ann_how)i;
	return i < 0 ? EINVAL : 0;
}


/* @return 0; EINVAL */
static int list_find(struct ann_args *args, const struct pl *val)
{
	const int i = value_find(lists, ARRAY_SIZE(lists), val);

	if (i >= 0)
		args->list = (enum ann_list)i;
	return i < 0 ? EINVAL : 0;
}


/** "notify,summary". @return 0; EINVAL */
int announce_args(struct ann_args *args, const struct pl *val)
{
	const char *p = memchr(val->p, ',', val->l);
	struct pl how = *val, list;

	if (!p)
		return how_find(args, val);

	how.l = (size_t)(p - val->p);
	list.p = p + 1;
	list.l = val->l - how.l - 1;

	return how_find(args, &how) || list_find(args, &list)
		? EINVAL : 0;
}


static int xml_escape(struct mbuf *mb, const char *str)
{
	const char *p;
	int err = 0;

	for (p = str; *p && !err; p++) {
		if (*p == '<')
			err = mbuf_write_str(mb, "&lt;");
		else if (*p == '>')
			err = mbuf_write_str(mb, "&gt;");
		else if (*p == '&')
			err = mbuf_write_str(mb, "&amp;");
		else if (*p == '"')
			err = mbuf_write_str(mb, "&quot;");
		else
			err = mbuf_write_u8(mb, (uint8_t)*p);
	}

	return err;
}


static int xml_write(struct mbuf *mb, const char *name, const char *str)
{
	int err = mbuf_printf(mb, "    <%s>", name);

	if (!err)
		err = xml_escape(mb, str);

	return err ? err : mbuf_printf(mb, "</%s>\r\n", name);
}


/* The beginning of a text, up to the first line end */
static void subject_make(char buf[SUBJECT + 1], struct keep *k,
			 const struct kept *m)
{
	size_t n = (size_t)MIN(m->size, (uint64_t)SUBJECT), i;
	struct body *body = NULL;
	struct pl type;

	buf[0] = '\0';
	pl_set_str(&type, m->type);
	if (!pl_has(&type, "text/plain") || body_open(&body, k, m))
		return;
	if (body_read(body, 0, (uint8_t *)buf, n))
		n = 0;
	mem_deref(body);

	/* no half characters */
	while (n && n < m->size && ((uint8_t)buf[n - 1] & 0xc0) == 0x80)
		n--;
	if (n && n < m->size && (uint8_t)buf[n - 1] >= 0xc0)
		n--;
	for (i = 0; i < n && (uint8_t)buf[i] >= ' '; i++)
		;
	buf[i] = '\0';
}


static int time_write(struct mbuf *mb, const char *name, uint64_t ms)
{
	const time_t sec = (time_t)(ms / 1000);
	char buf[32];
	struct tm tm;

	(void)gmtime_r(&sec, &tm);
	(void)strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);

	return xml_write(mb, name, buf);
}


static const char *mode_name(const struct kept *m)
{
	if (m->way == WAY_PAGE)
		return "page";

	return m->way == WAY_LARGE || m->way == WAY_INLINE ||
		m->way == WAY_ALL ? "large" : "session";
}


static int entry_print(struct mbuf *mb, struct keep *k, const struct kept *m)
{
	char subject[SUBJECT + 1], size[24];
	int err;

	subject_make(subject, k, m);
	(void)snprintf(size, sizeof(size), "%llu",
		       (unsigned long long)m->size);

	err = mbuf_write_str(mb, "  <entry reference=\"");
	if (!err)
		err = xml_escape(mb, m->id);
	if (!err)
		err = mbuf_write_str(mb, "\">\r\n");
	if (!err)
		err = xml_write(mb, "from", m->group ? m->group : m->sender);
	if (!err && *subject)
		err = xml_write(mb, "subject", subject);
	if (!err)
		err = xml_write(mb, "size", size);
	if (!err)
		err = xml_write(mb, "date", m->date);
	if (!err && m->expires)
		err = time_write(mb, "expiry", m->expires);
	if (!err)
		err = xml_write(mb, "mode", mode_name(m));

	return err ? err : mbuf_printf(mb, "  </entry>\r\n");
}


/* Some of what waits, behind ann->pos */
static int list_print(struct mbuf *mb, struct announce *ann)
{
	const bool news = ann->args.list == ANN_NEWS;
	struct keep *k = ann->user->pf->keep;
	struct pick pick = {.user = ann->user->name, .upto = UINT64_MAX};
	struct kept *m;
	int err;

	err = mbuf_printf(mb, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			  "<deferred-list xmlns=\"" LIST_NS "\" "
			  "state=\"%s\">\r\n",
			  news || ann->pieces ? "partial" : "full");

	while (!err && mb->end < PIECE && ann->pos < ann->last) {
		pick.after = ann->pos;
		err = expire_next(&m, ann->user->pf, &pick);
		if (err)
			break;
		ann->pos = m->seq;
		if (way_of(ann->user, m) == WAY_PULL)
			err = entry_print(mb, k, m);
		mem_deref(m);
	}
	ann->whole = err == ENOENT || ann->pos >= ann->last;
	if (err && err != ENOENT)
		return err;

	return mbuf_printf(mb, "</deferred-list>\r\n");
}


static const char *type_of(const struct announce *ann)
{
	switch (ann->args.list) {

	case ANN_TEXT:    return "text/plain;charset=UTF-8";
	case ANN_SUMMARY: return SUM_TYPE;
	case ANN_XML:
	case ANN_NEWS:    return LIST_TYPE;
	default:          return NULL;
	}
}


static int body_print(struct mbuf *mb, struct announce *ann)
{
	const unsigned long long n = ann->count;

	ann->whole = true;

	switch (ann->args.list) {

	case ANN_TEXT:
		return mbuf_printf(mb, "You have %llu messages waiting.\r\n",
				   n);

	case ANN_SUMMARY:
		return mbuf_printf(mb, "Messages-Waiting: %s\r\n"
				   "Message-Account: %s\r\n"
				   "Text-Message: %llu/0\r\n",
				   n ? "yes" : "no", ann->user->aor, n);

	case ANN_XML:
	case ANN_NEWS:
		return list_print(mb, ann);

	default:
		return 0;
	}
}


static int request_print(struct mbuf *mb, struct announce *ann)
{
	const struct pf *pf = ann->user->pf;
	const char *type = type_of(ann);
	struct mbuf *body = mbuf_alloc(1024);
	int err;

	err = body ? body_print(body, ann) : ENOMEM;
	if (!err)
		err = mbuf_printf(mb, "P-Asserted-Identity: "
				  "<sip:rcse-standfw@%s>\r\n"
				  "P-Asserted-Service: urn:urn-7:" ICSI "\r\n"
				  "Accept-Contact: *;+g.3gpp.icsi-ref="
				  "\"urn%%3Aurn-7%%3A" ICSI "\"\r\n",
				  pf->domain);
	if (!err && ann->args.how == ANN_NOTIFY)
		err = mbuf_printf(mb, "Contact: <sip:pf@%J>\r\n"
				  "Event: message-summary\r\n"
				  "Subscription-State: active\r\n",
				  &pf->laddr);
	if (!err && type)
		err = mbuf_printf(mb, "Content-Type: %s\r\n", type);
	if (!err)
		err = mbuf_printf(mb, "Content-Length: %zu\r\n\r\n%b",
				  body->end, body->buf, body->end);
	mem_deref(body);
	return err;
}


static int piece_send(struct announce *ann);


static void end_handler(void *arg)
{
	struct announce *ann = arg;
	struct user *user = ann->user;
	const bool again = ann->again;
	const struct ann_args args = ann->args;

	event("announced to=%s count=%llu code=%u how=%s list=%s pieces=%u",
	      user->aor, (unsigned long long)ann->count, ann->code,
	      hows[args.how], lists[args.list], ann->pieces);
	if (ann->code / 100 == 2)
		user->told = ann->last;
	user->ann = mem_deref(ann);

	if (again)
		(void)announce_news(user);
}


static void end(struct announce *ann, uint16_t code)
{
	ann->code = code;
	tmr_start(&ann->tmr, 0, end_handler, ann);
}


static void resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct announce *ann = arg;

	if (err) {
		end(ann, err == ETIMEDOUT ? 408 : 503);
		return;
	}
	if (msg->scode < 200)
		return;
	if (msg->scode >= 300 || ann->whole || piece_send(ann))
		end(ann, msg->scode);
}


/* @return 0; errno */
static int piece_send(struct announce *ann)
{
	struct pf *pf = ann->user->pf;
	const struct binding *bind = user_binding(ann->user);
	const char *routev[1] = {pf->opt.core};
	char from[300];
	struct mbuf *mb;
	int err;

	if (!bind)
		return ENOTCONN;

	mb = mbuf_alloc(2048);
	if (!mb)
		return ENOMEM;

	(void)re_snprintf(from, sizeof(from), "sip:rcse-standfw@%s",
			  pf->domain);
	ann->req = mem_deref(ann->req);
	ann->dlg = mem_deref(ann->dlg);
	err = sip_dialog_alloc(&ann->dlg, bind->uri, ann->user->aor, NULL,
			       from, routev, pf->opt.core ? 1 : 0);
	if (!err)
		err = request_print(mb, ann);
	if (!err)
		err = sip_drequestf(&ann->req, pf->sip, true,
				    ann->args.how == ANN_NOTIFY ? "NOTIFY"
				    : "MESSAGE", ann->dlg, 0, NULL, NULL,
				    resp_handler, ann, "%b", mb->buf,
				    mb->end);
	mem_deref(mb);
	if (!err)
		++ann->pieces;
	return err;
}


static int start(struct user *user, const struct ann_args *args)
{
	struct announce *ann;
	int err;

	if (!user_binding(user))
		return ENOTCONN;

	ann = mem_zalloc(sizeof(*ann), destructor);
	if (!ann)
		return ENOMEM;

	ann->user = user;
	ann->args = *args;
	ann->count = keep_waiting(user->pf->keep, user, &ann->last);
	if (ann->args.list == ANN_NEWS && user->told)
		ann->pos = user->told;
	user->ann = ann;
	err = piece_send(ann);
	if (err)
		user->ann = mem_deref(ann);
	return err;
}


/** Tell a user what waits for him, if there is more than he knows of.
    @return 0; ENOTCONN: not registered; errno */
int announce_news(struct user *user)
{
	uint64_t last = 0;

	(void)keep_waiting(user->pf->keep, user, &last);
	if (last <= user->told)
		return 0;
	if (user->ann) {
		user->ann->again = true;
		return 0;
	}

	return start(user, &user->pf->opt.ann);
}


/** announce to=URI [how=message|notify] [list=none|text|summary|xml|news] */
int announce_cmd(const struct args *args)
{
	const struct pl *how = arg_find(args, "how");
	const struct pl *list = arg_find(args, "list");
	struct ann_args ann = args->pf->opt.ann;
	struct user *user = NULL;
	int err = arg_user(&user, args);

	if (!err && how)
		err = how_find(&ann, how);
	if (!err && list)
		err = list_find(&ann, list);
	if (!err && user->ann)
		err = EBUSY;

	return err ? err : start(user, &ann);
}
