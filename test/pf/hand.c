/**
 * @file hand.c  Who gets what a user sends
 *
 * Somebody who is registered with us gets it by himself; for who is not, or
 * does not take it now, it is kept. Where a core stands in front of us it has
 * tried already.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "net.h"


#define ICSI_LARGE   "oma.cpm.largemsg"
#define ICSI_SESSION "oma.cpm.session"


/* An account, or anybody where we cannot know: a core knows them, or nobody
   does */
static struct user *recipient(struct pf *pf, const struct sip_msg *msg)
{
	struct user *user = user_find_uri(pf, &msg->ruri);
	char *str = NULL, *name = NULL;

	if (user || !(pf->opt.noauth || pf_from_core(pf, msg)))
		return user;

	if (!pl_strdup(&str, &msg->ruri) && !uri_name(&name, str))
		(void)user_add(&user, pf, name, NULL);
	mem_deref(name);
	mem_deref(str);
	return user;
}


static int header_dup(char **strp, const struct sip_msg *msg, const char *name)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, name);

	return hdr && hdr->val.l ? pl_strdup(strp, &hdr->val) : 0;
}


static int type_dup(char **strp, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);

	return hdr ? pl_strdup(strp, &hdr->val)
		: str_dup(strp, "text/plain;charset=UTF-8");
}


static int ids_set(struct kept *m, const struct sip_msg *msg,
		   const struct cpim *cpim)
{
	char id[ID_SIZE];
	int err;

	uuid_make(id);
	err = m->raw && cpim->id.l ? pl_strdup(&m->id, &cpim->id)
		: str_dup(&m->id, id);
	if (!err)
		err = header_dup(&m->conv, msg, "Conversation-ID");
	if (!err && !m->conv)
		err = str_dup(&m->conv, NO_CONV);
	if (!err)
		err = header_dup(&m->contrib, msg, "Contribution-ID");
	if (!err)
		err = header_dup(&m->reply, msg, "InReplyTo-Contribution-ID");

	return err;
}


/* A MESSAGE, as it is to be kept */
static int kept_make(struct kept **mp, const struct user *user,
		     const struct sip_msg *msg)
{
	struct cpim cpim = {.id = PL_INIT};
	struct kept *m;
	struct pl body;
	const char *why;
	char date[40];
	int err = kept_alloc(&m);

	if (err)
		return err;

	pl_set_mbuf(&body, msg->mb);
	m->raw = !pl_strcasecmp(&msg->ctyp.type, "message") &&
		!pl_strcasecmp(&msg->ctyp.subtype, "cpim");
	if (m->raw)
		(void)cpim_decode(&cpim, &body, &why);

	date_now(date, sizeof(date));
	m->way = WAY_PAGE;
	err = ids_set(m, msg, &cpim);
	if (!err)
		err = str_dup(&m->user, user->name);
	if (!err)
		err = pl_strdup(&m->sender, &msg->from.auri);
	if (!err)
		err = str_dup(&m->rcpt, user->aor);
	if (!err)
		err = type_dup(&m->type, msg);
	if (!err)
		err = str_dup(&m->date, date);
	if (err)
		mem_deref(m);
	else
		*mp = m;

	return err;
}


/* 202 leaves when it is on the disk */
static void message_keep(struct user *user, const struct sip_msg *msg,
			 struct sip_strans **stp, bool now)
{
	struct pf *pf = user->pf;
	struct kept *m = NULL;
	struct pl body;
	int err;

	pl_set_mbuf(&body, msg->mb);
	err = kept_make(&m, user, msg);
	if (!err)
		err = keep_put(pf->keep, m, &body, NULL);
	if (err) {
		event("error text=%s", strerror(err));
		(void)sip_treply(stp, pf->sip, msg, 500, "Not Kept");
		mem_deref(m);
		return;
	}

	(void)sip_treply(stp, pf->sip, msg, 202, "Accepted");
	pf->taken++;
	event("kept id=%s from=%s to=%s size=%llu way=%s", m->id, m->sender,
	      m->rcpt, (unsigned long long)m->size, way_name(m->way));
	mem_deref(m);
	if (now)
		deliver_kept(user);
}


/** A MESSAGE for somebody: hand it on. @return false: there is no such user,
    and it is not answered */
bool hand_message(struct pf *pf, const struct sip_msg *msg)
{
	struct user *user = recipient(pf, msg);

	if (!user)
		return false;

	if (!pf_from_core(pf, msg) && user_binding(user) &&
	    !proxy_start(user, msg, true))
		return true;

	message_keep(user, msg, NULL, true);
	return true;
}


static bool tag_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			void *arg)
{
	(void)msg;

	return pl_has(&hdr->val, arg) &&
		!pl_has(&hdr->val, ICSI_SESSION ".group");
}


/* The way that it is to take later; WAY_NONE: it is none of ours */
static enum way way_read(const struct sip_msg *msg)
{
	if (pl_strcmp(&msg->met, "INVITE"))
		return WAY_PAGE;
	if (sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT_CONTACT, tag_handler,
			      (void *)ICSI_LARGE))
		return WAY_LARGE;

	return sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT_CONTACT,
				 tag_handler, (void *)ICSI_SESSION)
		? WAY_SESSION : WAY_NONE;
}


/** An INVITE for somebody */
void hand_invite(struct pf *pf, const struct sip_msg *msg)
{
	const enum way way = way_read(msg);
	struct user *user;

	if (!sender_check(pf, msg))
		return;

	user = recipient(pf, msg);
	if (!user) {
		(void)sip_treply(NULL, pf->sip, msg, 404, "Not Found");
		return;
	}
	if (!pf_from_core(pf, msg) && user_binding(user) &&
	    !proxy_start(user, msg, way != WAY_NONE))
		return;

	if (way == WAY_NONE)
		(void)sip_treply(NULL, pf->sip, msg, 480,
				 "Temporarily Unavailable");
	else
		take_recv(user, msg, way);
}


/** He did not take what was handed on: as if he had been away. What came of
    a registration meanwhile, is tried at once */
void hand_failed(struct leg *leg)
{
	const bool now = leg->regs != leg->user->regs;
	const enum way way = way_read(leg->msg);

	if (way == WAY_PAGE) {
		message_keep(leg->user, leg->msg, &leg->st, now);
		return;
	}

	/* its own transaction takes the place of this one */
	leg->st = mem_deref(leg->st);
	take_recv(leg->user, leg->msg, way);
}
