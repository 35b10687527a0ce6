/**
 * @file stray.c  Answers to our INVITEs that nobody waits for
 *
 * RFC 3261, 13.2.2.4: each 2xx is to be acknowledged, also that of a second
 * branch of a forked INVITE, and one that comes when we have given up. libre
 * does so for the first one only, and for one that comes after a CANCEL. The
 * others would be sent again and again for half a minute, and their senders
 * would have a session that is not there.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "stray.h"


enum {
	/* ms: an INVITE waits CPM_CALL_WAIT s; behind that or its first answer
	   64 T1 in which more may come, and as long in which they repeat */
	KNOWN = CPM_CALL_WAIT * 1000 + 2 * 64 * SIP_T1,
	FORKS = 8,            /* branches whose BYE we remember          */
};

struct stray {
	struct le le;
	struct tmr tmr;
	struct sip_dialog *dlg;  /* shared with libre: the first answer's   */
	uint64_t byev[FORKS];    /* To tags, hashed, that BYE was sent to   */
	size_t byec;
	bool over;
};


static void destructor(void *arg)
{
	struct stray *st = arg;

	list_unlink(&st->le);
	tmr_cancel(&st->tmr);
	mem_deref(st->dlg);
}


static void tmr_handler(void *arg)
{
	mem_deref(arg);
}


void stray_add(struct cpm *cpm, struct sip_dialog *dlg)
{
	struct stray *st;

	if (list_count(&cpm->strayl) >= CPM_STRAYS)
		mem_deref(list_ledata(cpm->strayl.head));

	st = mem_zalloc(sizeof(*st), destructor);
	if (!st)
		return;

	tmr_init(&st->tmr);
	st->dlg = mem_ref(dlg);
	list_append(&cpm->strayl, &st->le, st);
	tmr_start(&st->tmr, KNOWN, tmr_handler, st);
}


void stray_over(struct cpm *cpm, const struct sip_dialog *dlg)
{
	struct le *le;

	for (le = cpm->strayl.head; le; le = le->next) {
		struct stray *st = le->data;

		if (st->dlg == dlg)
			st->over = true;
	}
}


void stray_flush(struct cpm *cpm)
{
	list_flush(&cpm->strayl);
}


/* Where requests in the dialog go (RFC 3261, 12.1.2 and 12.2.1.1) */
struct route {
	struct mbuf *mb;         /* Route headers                           */
	struct sip_addr first;   /* the first of them                       */
	bool any;
};

static bool route_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	struct route *route = arg;
	(void)msg;

	if (!route->any && sip_addr_decode(&route->first, &hdr->val))
		return true;
	route->any = true;

	return mbuf_printf(route->mb, "Route: %r\r\n", &hdr->val) != 0;
}


static int request(struct cpm *cpm, const struct sip_msg *msg,
		   const char *met, uint32_t cseq, const char *uri,
		   const struct uri *hop, const struct mbuf *routes)
{
	const bool ack = !strcmp(met, "ACK");

	return sip_requestf(NULL, cpm->host.sip, !ack, met, uri, hop, NULL,
			    NULL, NULL, NULL,
			    "%b"
			    "To: %r\r\n"
			    "From: %r\r\n"
			    "Call-ID: %r\r\n"
			    "CSeq: %u %s\r\n"
			    "Content-Length: 0\r\n"
			    "\r\n",
			    routes->buf, routes->end, &msg->to.val,
			    &msg->from.val, &msg->callid, cseq, met);
}


static void end(struct cpm *cpm, const struct sip_msg *msg, bool bye)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct route route = {.mb = mbuf_alloc(256)};
	const struct uri *hop;
	struct sip_addr addr;
	char *uri = NULL;
	int err;

	/* without a Contact there is nobody to send to */
	err = !hdr || sip_addr_decode(&addr, &hdr->val) ? EBADMSG : 0;
	if (!err && !route.mb)
		err = ENOMEM;
	if (!err && sip_msg_hdr_apply(msg, false, SIP_HDR_RECORD_ROUTE,
				      route_handler, &route))
		err = EBADMSG;
	if (!err)
		err = pl_strdup(&uri, &addr.auri);
	if (!err) {
		hop = route.any ? &route.first.uri : &addr.uri;
		err = request(cpm, msg, "ACK", msg->cseq.num, uri, hop,
			      route.mb);
		if (!err && bye)
			(void)request(cpm, msg, "BYE", msg->cseq.num + 1,
				      uri, hop, route.mb);
	}

	mem_deref(route.mb);
	mem_deref(uri);
}


/* Has this branch had no BYE yet? */
static bool isnew(struct stray *st, const struct pl *tag)
{
	const uint64_t id = hash_joaat_pl(tag);
	size_t i;

	for (i=0; i<st->byec; i++) {
		if (st->byev[i] == id)
			return false;
	}
	if (st->byec < FORKS)
		st->byev[st->byec++] = id;

	return true;
}


void stray_answer(struct cpm *cpm, const struct sip_msg *msg)
{
	struct le *le;

	for (le = cpm->strayl.head; le; le = le->next) {
		struct stray *st = le->data;

		if (!sip_dialog_cmp_half(st->dlg, msg))
			continue;

		if (sip_dialog_established(st->dlg)
		    ? !sip_dialog_cmp(st->dlg, msg) : st->over)
			end(cpm, msg, isnew(st, &msg->to.tag));
		return;
	}
}
