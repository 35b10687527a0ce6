/**
 * @file page.c  Page mode: a SIP MESSAGE that carries a message
 *
 * OMA 7.3.2; RFC 3428; RFC 3261, 8.2 and 17.2.2; wire.md 4.1, 6.2 and 13.3.
 * The server transaction is there before anything is looked at: a request
 * that comes again while the disk is at work is not read again, and gets the
 * same answer afterwards.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_mime.h>
#include "engine.h"
#include "session.h"
#include "composing.h"
#include "content.h"
#include "take.h"


#define ACCEPT "Accept: message/cpim, text/plain, multipart/mixed\r\n"

/** A request that is not answered yet */
struct page {
	struct le le;            /* of cpm->pagel                           */
	struct cpm *cpm;
	struct sip_msg *msg;     /* shared                                  */
	struct sip_strans *st;   /* NULL: answered, or SIP is gone          */
	struct sip *sip;         /* shared: it owns st as well, and is not to
				    go before                               */
	struct source *src;
	struct content c;        /* what it carries                         */
	size_t counted;          /* octets counted in cpm->buffered         */
	uint64_t time;           /* of its Date, ms since 1970; 0: none     */
};

/** What the message in it says */
struct inside {
	char *peer;              /* its sender, NULL: unknown               */
	uint64_t time;           /* ms since 1970; 0: does not say          */
	bool keep;               /* a message: no notification, no status   */
};


static void destructor(void *arg)
{
	struct page *p = arg;

	p->cpm->buffered -= p->counted;
	--p->cpm->pagec;
	list_unlink(&p->le);
	mem_deref(p->st);
	mem_deref(p->src);
	content_reset(&p->c);
	mem_deref(p->msg);
	mem_deref(p->sip);
}


/* Final; the last thing that is done with it */
static void answer(struct page *p, uint16_t scode, const char *reason,
		   const char *hdr)
{
	if (p->st)
		(void)sip_treplyf(&p->st, NULL, p->cpm->host.sip, p->msg,
				  false, scode, reason,
				  "%s"
				  "Content-Length: 0\r\n"
				  "\r\n", hdr ? hdr : "");
	/* or libre dropped it, for want of memory */
	p->st = NULL;
	/* what libre keeps of it for the next 32 s is small */
	session_forget(p->msg);
	mem_deref(p);
}


/* @param after seconds */
static void answer_later(struct page *p, uint16_t scode, const char *reason,
			 uint32_t after)
{
	char hdr[32];

	if (re_snprintf(hdr, sizeof(hdr), "Retry-After: %u\r\n", after) < 0)
		hdr[0] = '\0';
	answer(p, scode, reason, hdr);
}


/* What became of it. Whoever gets no 2xx has the message still. */
static void settle(struct page *p, int err)
{
	switch (err) {

	case 0:
	case EALREADY:
		answer(p, 200, "OK", NULL);
		break;

	case EBADMSG:
	case EOVERFLOW:
	case EILSEQ:
		answer(p, 400, "Unreadable Message", NULL);
		break;

	case ENOTSUP:
		answer(p, 415, "Unsupported Media Type", ACCEPT);
		break;

	case EMSGSIZE:
		answer(p, 413, "Request Entity Too Large", NULL);
		break;

	case ENOMEM:
		answer_later(p, 500, "Server Internal Error", CPM_PAGE_AFTER);
		break;

	case EBUSY:
		answer_later(p, 503, "Too Many At Once", CPM_PAGE_AFTER);
		break;

	case EDQUOT:
	case ENOSPC:
		answer_later(p, 503, "No Room", CPM_ROOM_AFTER);
		break;

	default:
		answer_later(p, 503, "Message Store Not Ready",
			     CPM_RETRY_AFTER);
		break;
	}
}


static void take_handler(int err, const struct cpm_put_result *res, void *arg)
{
	(void)res;

	settle(arg, err);
}


/*
 * Form
 */

static bool any_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			void *arg)
{
	(void)msg;
	(void)arg;

	return pl_isset(&hdr->val);
}


/* What every request has (RFC 3261, 8.1.1); libre does not ask for it */
static bool iswhole(const struct sip_msg *msg)
{
	return pl_isset(&msg->callid) && pl_isset(&msg->from.auri) &&
		pl_isset(&msg->to.auri) && pl_isset(&msg->via.sentby) &&
		!pl_cmp(&msg->cseq.met, &msg->met);
}


/* @return true if it was refused, and is gone, for what it asks of anybody */
static bool refuse_form(struct page *p)
{
	const struct sip_hdr *hdr;
	char unsup[256];

	if (!iswhole(p->msg)) {
		answer(p, 400, "Bad Request", NULL);
		return true;
	}

	hdr = sip_msg_hdr_apply(p->msg, true, SIP_HDR_REQUIRE, any_handler,
				NULL);
	if (hdr) {
		if (re_snprintf(unsup, sizeof(unsup), "Unsupported: %r\r\n",
				&hdr->val) < 0)
			unsup[0] = '\0';
		answer(p, 420, "Bad Extension", unsup);
		return true;
	}

	if (content_coding(p->msg) == CODING_OTHER) {
		answer(p, 415, "Unsupported Media Type",
		       "Accept-Encoding: deflate, gzip, identity\r\n");
		return true;
	}

	return false;
}


/* @return 0; those of content_decode(); EMSGSIZE; EBUSY */
static int content_set(struct page *p)
{
	struct cpm *cpm = p->cpm;
	const size_t got = mbuf_get_left(p->msg->mb);
	const size_t len = content_coding(p->msg) == CODING_NONE ? got
		: CONTENT_PLAIN_MAX;
	int err;

	if (got > cpm->conf.max_size)
		return EMSGSIZE;

	/* it, and what is made of it */
	p->counted = p->msg->mb->size + 2 * len;
	if (p->counted > CPM_BUFFER_MAX - cpm->buffered) {
		p->counted = 0;
		return EBUSY;
	}
	cpm->buffered += p->counted;

	err = content_decode(&p->c, p->msg);
	if (err)
		return err;

	return mbuf_get_left(p->c.mb) > cpm->conf.max_size ? EMSGSIZE : 0;
}


/*
 * What is in it
 */

static int look(struct inside *in, const struct page *p)
{
	struct cpim_msg *cpim = NULL;
	struct cpim_msg none;
	char *name = NULL;
	int err = 0;

	memset(&none, 0, sizeof(none));
	in->keep = true;
	in->time = p->time;
	if (!p->c.bare) {
		err = cpim_decode_all(&cpim, p->c.mb);
		p->c.mb->pos = 0;
		if (err)
			return err;

		(void)cpim_time_decode(&in->time, &cpim->datetime);
		in->keep = !notification_is(cpim) &&
			!mime_type_is(&cpim->ctype, ISCOMP_TYPE);
	}

	err = record_sender(&in->peer, &name, p->src, cpim ? cpim : &none);
	mem_deref(name);
	mem_deref(cpim);

	return err;
}


static bool islate(uint64_t time)
{
	const uint64_t now = engine_now();

	return time && time < now && now - time > CPM_PAGE_LATE * 1000ULL;
}


/* @return 0; ECANCELED: not now; else why it cannot be kept now */
static int wanted(const struct page *p, const struct inside *in)
{
	struct cpm *cpm = p->cpm;
	struct cpm_policy pol;

	if (!ready_is(cpm))
		return EAGAIN;
	/* what is told about our own messages disturbs nobody */
	if (!in->keep)
		return 0;

	/* nothing stays open that the user could be asked about */
	policy_resolve(cpm->policy, &cpm->conf, p->src->aor, in->peer, &pol);
	if (cpm->host.dndh(cpm->host.arg) ||
	    (p->src->deferred && pol.deferred == CPM_ANSWER_DECLINE))
		return ECANCELED;

	return cpm_store_room(cpm->store, p->src->aor,
			      mbuf_get_left(p->c.mb));
}


static void take(struct page *p)
{
	char local[16];
	struct taken how = {.local = local, .time = p->time};
	int err;

	(void)re_snprintf(local, sizeof(local), "%u", p->msg->cseq.num);
	if (p->c.bare)
		err = take_bare(p->src, p->c.mb, &p->c.ctype, &p->c.cte, &how,
				take_handler, p);
	else
		err = take_cpim(p->src, p->c.mb, &how, take_handler, p);

	if (err)
		settle(p, err);
	else
		p->c.mb = mem_deref(p->c.mb);
}


static void consider(struct page *p, unsigned tags)
{
	struct source *src = p->src;
	struct inside in = {.peer = NULL};
	int err;

	src->mode = CPM_PAGE;
	src->kind = tags & TAG_GROUP ? CPM_GROUP : CPM_CHAT;

	err = look(&in, p);
	if (!err) {
		src->deferred = (tags & TAG_DEFERRED) || src->org.standfw ||
			islate(in.time);
		err = wanted(p, &in);
	}
	mem_deref(in.peer);

	if (err == ECANCELED)
		answer(p, 480, "Temporarily not available", NULL);
	else if (err)
		settle(p, err);
	else
		take(p);
}


static int page_alloc(struct page **pp, struct cpm *cpm,
		      const struct sip_msg *msg)
{
	struct page *p = mem_zalloc(sizeof(*p), destructor);
	int err;

	if (!p)
		return ENOMEM;

	p->cpm = cpm;
	p->msg = mem_ref((void *)msg);
	p->sip = mem_ref(cpm->host.sip);
	list_append(&cpm->pagel, &p->le, p);
	++cpm->pagec;
	err = sip_strans_alloc(&p->st, cpm->host.sip, msg, NULL, NULL);
	if (err)
		mem_deref(p);
	else
		*pp = p;

	return err;
}


static void begin(struct cpm *cpm, const struct cpm_account *acc,
		  const struct sip_msg *msg, unsigned tags)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_DATE);
	struct page *p;
	int err;

	if (page_alloc(&p, cpm, msg)) {
		/* it may come again, and find memory */
		(void)sip_reply(cpm->host.sip, msg, 500,
				"Server Internal Error");
		return;
	}

	if (refuse_form(p))
		return;

	if (hdr)
		(void)content_date(&p->time, &hdr->val);

	err = cpm->pagec > CPM_PAGES ? EBUSY : content_set(p);
	if (!err)
		err = source_alloc(&p->src, cpm, acc->aor, msg);
	if (err)
		settle(p, err);
	else
		consider(p, tags);
}


/* Ours by its service; CPIM by its type too, which nobody else here reads.
   Text is, when its service says that it may be for us. */
static bool isours(const struct sip_msg *msg, unsigned tags)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);

	if (tags & (TAG_MSG | TAG_DEFERRED))
		return true;
	if (!hdr)
		return false;
	if (content_iscpim(msg))
		return true;

	return tags && !mime_type_is(&hdr->val, "text/plain");
}


bool page_recv(struct cpm *cpm, const struct sip_msg *msg)
{
	unsigned tags = tag_msg(msg);
	struct cpm_account acc;
	bool answered;

	if (pl_isset(&msg->to.tag) || !isours(msg, tags))
		return false;

	if (!admit(&acc, &answered, cpm, msg))
		return answered;

	tags = admit_tags(cpm, acc.aor, msg);
	if (!isours(msg, tags))
		return false;

	begin(cpm, &acc, msg, tags);

	return true;
}


void page_stop(struct cpm *cpm)
{
	struct le *le;

	for (le = cpm->pagel.head; le; le = le->next) {
		struct page *p = le->data;

		p->st  = mem_deref(p->st);
		p->sip = mem_deref(p->sip);
	}
}
