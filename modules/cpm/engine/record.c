/**
 * @file record.c  What is kept of a message: its row
 *
 * wire.md 2.6 and 13.4 to 13.6; RFC 3862; RFC 5438, 6.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_fthttp.h>
#include <cpm_mime.h>
#include "engine.h"
#include "take.h"
#include "pull.h"


/* the store does not know CPIM, but keeps the set of what was asked */
_Static_assert(CPIM_POSITIVE_DELIVERY == 1 && CPIM_DISPLAY == 4,
	       "what the store reads in cpm_msg.notify");
_Static_assert((int)CPIM_DEC_MORE <= (int)CPM_FILTER_MORE,
	       "what a filter may hold");


static int dup_pl(char **strp, const struct pl *pl)
{
	return pl_isset(pl) ? pl_strdup(strp, pl) : 0;
}


static int dup_str(char **strp, const char *str)
{
	return str ? str_dup(strp, str) : 0;
}


/* escapes of RFC 3862, 2.1 resolved */
static int dname_dup(char **namep, const struct pl *dname)
{
	char *str = NULL;
	struct pl pl;
	int err;

	if (!pl_isset(dname))
		return 0;

	err = re_sdprintf(&str, "%H", cpim_text_print, dname);
	if (err)
		return err;

	pl_set_str(&pl, str);
	err = name_dup(namep, &pl);
	mem_deref(str);

	return err;
}


int record_sender(char **peerp, char **namep, const struct source *src,
		  const struct cpim_msg *cpim)
{
	int err = ENOENT;

	if (cpim_uri_isreal(&cpim->from.uri) &&
	    cpim->from.uri.l <= CPM_URI_MAX)
		err = cpm_uri_norm(peerp, &cpim->from.uri);
	if (err == ENOMEM)
		return err;

	if (!err)
		return dname_dup(namep, &cpim->from.dname);

	/* in a group the session belongs to nobody in particular */
	if (src->kind == CPM_GROUP)
		return 0;

	err = dup_str(peerp, src->org.peer);

	return err ? err : dup_str(namep, src->org.name);
}


/* What the server has said of it when it announced it */
static int announced_set(struct cpm_msg *msg, const struct source *src,
			 const struct cpim_msg *cpim)
{
	const char *peer;

	pull_describe(src->pull, &cpim->imdn_msgid, &peer, &msg->mode);

	return msg->peer ? 0 : dup_str(&msg->peer, peer);
}


static int route_set(struct cpm_msg *msg, const struct cpim_msg *cpim)
{
	struct mbuf *mb;
	size_t i;
	int err = 0;

	if (!cpim->routec)
		return 0;

	mb = mbuf_alloc(128);
	if (!mb)
		return ENOMEM;

	for (i=0; i<cpim->routec && !err; i++)
		err = mbuf_printf(mb, "%r\n", &cpim->routev[i]);

	if (!err) {
		mb->pos = 0;
		err = mbuf_strdup(mb, &msg->route, mb->end);
	}
	mem_deref(mb);

	return err;
}


static bool conv_handler(const struct cpm_conv *conv, void *arg)
{
	char **idp = arg;

	/* without memory it is as if there were none */
	if (conv->conversation_id)
		(void)str_dup(idp, conv->conversation_id);

	return true;
}


/* Whoever knows no Conversation-ID answers in the chat that there is with him,
   as we do who write to him; without one it is of a chat that has none.
   @param idp NULL: there is none; mem_deref() it */
static void conv_join(char **idp, const struct cpm_msg *msg,
		      const struct source *src)
{
	struct cpm_store *st = src->cpm->store;
	uint64_t id;

	if (src->kind == CPM_CHAT && msg->peer &&
	    !cpm_store_conv_peer(st, msg->account, msg->peer, &id))
		(void)cpm_store_conv(st, id, conv_handler, idp);
}


static int conv_set(struct cpm_msg *msg, const struct source *src)
{
	struct origin org = {.conversation_id = src->org.conversation_id};
	char *joined = NULL;
	int err = 0;

	if (!org.conversation_id)
		conv_join(&joined, msg, src);
	if (joined)
		org.conversation_id = joined;

	if (org.conversation_id)
		err = str_dup(&msg->conversation_id, org.conversation_id);
	if (!err)
		err = conv_key(&msg->key, &org, src->kind == CPM_GROUP
			       ? src->org.peer : msg->peer);
	mem_deref(joined);

	return err;
}


static int ids_set(struct cpm_msg *msg, const struct source *src,
		   const struct cpim_msg *cpim, const char *local)
{
	const struct origin *org = &src->org;
	int err;

	if (cpim->imdn_msgid.l > CPM_ID_MAX)
		return EOVERFLOW;

	err = dup_pl(&msg->imdn_id, &cpim->imdn_msgid);
	if (!err)
		err = msg->imdn_id
			? re_sdprintf(&msg->msgkey, "imdn:%s", msg->imdn_id)
			: re_sdprintf(&msg->msgkey, "%s:%s:%s",
				      src->mode == CPM_PAGE ? "sip" : "msrp",
				      src->callid, local);
	if (!err)
		err = dup_str(&msg->contribution_id, org->contribution_id);
	if (!err)
		err = dup_str(&msg->in_reply_to, org->in_reply_to);

	return err ? err : conv_set(msg, src);
}


/* Who sends for all of them: the session is of the group */
static int group_set(struct cpm_msg *msg, const struct source *src)
{
	int err;

	if (src->kind != CPM_GROUP)
		return 0;

	err = dup_str(&msg->group, src->org.peer);

	return err ? err : dup_str(&msg->group_name, src->org.name);
}


static void reports_set(struct cpm_msg *msg, const struct cpm *cpm)
{
	struct cpm_policy pol;

	/* nobody to tell, or nothing to name the message by */
	if (!msg->peer || !msg->imdn_id)
		return;

	policy_resolve(cpm->policy, &cpm->conf, msg->account, msg->peer,
		       &pol);

	if ((msg->notify & CPIM_POSITIVE_DELIVERY) && pol.delivery_imdn)
		msg->report[CPM_DELIVERED] = CPM_REPORT_DUE;
}


/* Runs in a thread of the store's */
static int dec_handler(uint8_t *out, size_t *outl, const uint8_t *in,
		       size_t inl, bool end, void *arg)
{
	return cpim_dec_block(arg, out, outl, in, inl, end);
}


/* What is still in memory follows the rest, and what is in the file is made
   a body: in place, or still to be moved or decoded by the store */
static int large_set(struct cpm_msg *msg, const struct cpim_msg *cpim,
		     size_t start, const struct taken *how)
{
	const struct mbuf *mb = cpim->mb;
	const uint64_t off = cpim->body - start;
	struct cpim_dec *dec;
	int err;

	if (how->base && how->base != off)
		return EBADMSG;

	err = cpm_body_write(how->body, off - how->base,
			     mb->buf + cpim->body, mb->end - cpim->body);
	if (err)
		return err;

	dec = mem_zalloc(sizeof(*dec), NULL);
	if (!dec)
		return ENOMEM;

	err = cpim_dec_init(dec, &cpim->cte);
	if (!err) {
		cpm_body_filter(how->body, off - how->base,
				dec->enc == CPIM_ENC_NONE ? NULL
				: dec_handler, dec);
		msg->large = mem_ref(how->body);
	}
	mem_deref(dec);

	return err;
}


static int body_set(struct cpm_msg *msg, const struct cpim_msg *cpim,
		    size_t start, const struct taken *how)
{
	static const struct pl text_type = {"text/", 5};
	struct pl type;
	struct mbuf *mb = cpim->mb;
	int err;

	err = type_set(&msg->type, &cpim->ctype);
	if (!err)
		err = filename_set(&msg->filename, cpim);
	if (err)
		return err;

	/* a link to a file is read like a text, and is as small */
	pl_set_str(&type, msg->type);
	if (type.l > text_type.l)
		type.l = text_type.l;
	msg->text = !pl_casecmp(&type, &text_type) ||
		mime_type_is(&cpim->ctype, FTHTTP_TYPE);

	if (how->body)
		return large_set(msg, cpim, start, how);

	return cpim_body_decode(&msg->body, &cpim->cte, mb->buf + cpim->body,
				mb->end - cpim->body);
}


int record(struct cpm_msg **msgp, const struct source *src,
	   const struct cpim_msg *cpim, size_t start,
	   const struct taken *how)
{
	struct cpm_msg *msg;
	int err;

	err = cpm_msg_alloc(&msg);
	if (err)
		return err;

	msg->direction = CPM_IN;
	msg->kind      = src->kind;
	msg->mode      = src->mode;
	msg->deferred  = src->deferred;
	msg->notify    = cpim->notify;
	msg->received  = engine_now();
	if (cpim_time_decode(&msg->time, &cpim->datetime))
		msg->time = how->time ? how->time : msg->received;

	err = str_dup(&msg->account, src->aor);
	if (!err)
		err = record_sender(&msg->peer, &msg->name, src, cpim);
	if (!err)
		err = announced_set(msg, src, cpim);
	if (!err)
		err = ids_set(msg, src, cpim, how->local);
	if (!err)
		err = group_set(msg, src);
	if (!err)
		err = dup_pl(&msg->datetime, &cpim->datetime);
	if (!err)
		err = route_set(msg, cpim);
	if (!err)
		err = body_set(msg, cpim, start, how);

	if (err) {
		mem_deref(msg);
		return err;
	}

	reports_set(msg, src->cpm);
	*msgp = msg;

	return 0;
}
