/**
 * @file show.c  Records as JSON, text made safe
 *
 * bus.md, "A message" and the answers of the commands.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "glue.h"


int show_uint(struct odict *o, const char *key, uint64_t val)
{
	return odict_entry_add(o, key, ODICT_INT, (int64_t)val);
}


int show_bool(struct odict *o, const char *key, bool val)
{
	return odict_entry_add(o, key, ODICT_BOOL, val);
}


static int show_octets(struct odict *o, const char *key, const uint8_t *buf,
		       size_t len)
{
	struct mbuf *mb = mbuf_alloc(len + 1);
	int err;

	if (!mb)
		return ENOMEM;

	err = cpm_text_clean(mb, buf, len);
	if (!err)
		err = mbuf_write_u8(mb, 0);
	if (!err)
		err = odict_entry_add(o, key, ODICT_STRING,
				      (const char *)mb->buf);
	mem_deref(mb);

	return err;
}


int show_str(struct odict *o, const char *key, const char *str)
{
	/* what is not known is left out */
	return str ? show_octets(o, key, (const uint8_t *)str, strlen(str))
		: 0;
}


int show_time(struct odict *o, const char *key, uint64_t ms)
{
	char buf[32];

	if (re_snprintf(buf, sizeof(buf), "%H", cpim_time_print, &ms) < 0)
		return EINVAL;

	return odict_entry_add(o, key, ODICT_STRING, buf);
}


int show_child(struct odict *o, const char *key, int type,
	       struct odict *child)
{
	int err = odict_entry_add(o, key, type, child);

	mem_deref(child);

	return err;
}


const char *show_answer(enum cpm_answer answer)
{
	switch (answer) {

	case CPM_ANSWER_ACCEPT:  return "accept";
	case CPM_ANSWER_DECLINE: return "decline";
	case CPM_ANSWER_ASK:     return "ask";
	default:                 return "default";
	}
}


const char *show_errno(int err)
{
	switch (err) {

	case EINVAL:   return "EINVAL";
	case EAGAIN:   return "EAGAIN";
	case ENOENT:   return "ENOENT";
	case EALREADY: return "EALREADY";
	case EPROTO:   return "EPROTO";
	case EBUSY:    return "EBUSY";
	case EEXIST:   return "EEXIST";
	case ENOTDIR:  return "ENOTDIR";
	case EACCES:   return "EACCES";
	case ENOTCONN: return "ENOTCONN";
	case EHOSTUNREACH: return "EHOSTUNREACH";
	case EISDIR:   return "EISDIR";
	case ENOTSUP:  return "ENOTSUP";
	case EMSGSIZE: return "EMSGSIZE";
	case ETIMEDOUT: return "ETIMEDOUT";
	case ENOMEM:   return "ENOMEM";
	case ENOSPC:   return "ENOSPC";
	case EDQUOT:   return "EDQUOT";
	case EBADMSG:  return "EBADMSG";
	default:       return "EIO";
	}
}


static int show_text(struct odict *o, struct cpm_store *st,
		     const struct cpm_msg *msg, const struct show_part *part)
{
	struct mbuf *mb;
	size_t len;
	int err;

	if (msg->missing)
		return 0;
	if (!msg->size && !part->given)
		return show_str(o, "text", "");
	if (!part->len)
		return msg->size ? show_bool(o, "cut", true)
			: show_str(o, "text", "");

	/* most of a list: no other question to the store */
	if (msg->text_whole.l && msg->size <= part->len && !part->given)
		return show_octets(o, "text",
				   (const uint8_t *)msg->text_whole.p,
				   msg->text_whole.l);

	mb = mbuf_alloc(part->len < 4096 ? part->len + 4 : 4096);
	if (!mb)
		return ENOMEM;

	/* some octets more, to see where the last character begins */
	err = cpm_store_body(st, msg->id, part->off, part->len + 4, mb);
	if (err == ENODATA) {
		err = show_bool(o, "missing", true);
		goto out;
	}
	if (err)
		goto out;

	len = cpm_text_cut(mb->buf, mb->end, part->len);
	err = show_octets(o, "text", mb->buf, len);
	if (!err && part->given) {
		err = show_uint(o, "offset", part->off);
		if (!err)
			err = show_uint(o, "next", part->off + len);
	}
	if (!err && part->off + len < msg->size)
		err = show_bool(o, "cut", true);
 out:
	mem_deref(mb);

	return err;
}


static int show_msg_ids(struct odict *o, const struct cpm_msg *msg)
{
	int err = show_str(o, "imdn_id", msg->imdn_id);

	if (!err)
		err = show_str(o, "conversation_id", msg->conversation_id);
	if (!err)
		err = show_str(o, "contribution_id", msg->contribution_id);
	if (!err)
		err = show_str(o, "in_reply_to", msg->in_reply_to);

	return err;
}


/* The notifications of one that came; where one of ours stands */
static int show_msg_state(struct odict *o, const struct cpm_msg *msg)
{
	int err;

	if (msg->direction == CPM_IN) {
		err = show_str(o, "delivery",
			       cpm_report_name(msg->report[CPM_DELIVERED]));
		return err ? err : show_str(o, "display",
			       cpm_report_name(msg->report[CPM_DISPLAYED]));
	}

	err = show_str(o, "status", cpm_out_name(msg->status));
	if (!err && msg->code)
		err = show_uint(o, "code", msg->code);
	if (!err && msg->tries)
		err = show_uint(o, "tries", msg->tries);

	return err ? err : show_str(o, "reason", msg->reason);
}


static int show_msg_body(struct odict *o, struct cpm_store *st,
			 const struct cpm_msg *msg,
			 const struct show_part *part)
{
	int err = show_str(o, "type", msg->type);

	if (!err)
		err = show_uint(o, "size", msg->size);
	if (!err)
		err = show_str(o, "filename", msg->filename);
	if (!err)
		err = msg->text ? show_text(o, st, msg, part)
			: show_str(o, "file", msg->file);
	if (!err)
		err = show_ft(o, st, msg);
	if (!err && msg->missing)
		err = show_bool(o, "missing", true);
	if (!err)
		err = show_bool(o, "read", msg->read);

	return err;
}


int show_msg(struct odict *o, struct cpm_store *st, const struct cpm_msg *msg,
	     const struct show_part *part)
{
	int err = show_uint(o, "id", msg->id);

	if (!err)
		err = show_str(o, "account", msg->account);
	if (!err)
		err = show_uint(o, "conversation", msg->conversation);
	if (!err)
		err = show_str(o, "direction", msg->direction == CPM_IN
			       ? "in" : "out");
	if (!err)
		err = show_str(o, "peer", msg->peer);
	if (!err)
		err = show_str(o, "name", msg->name);
	if (!err)
		err = show_time(o, "time", msg->time);
	if (!err)
		err = show_time(o, "received", msg->received);
	if (!err)
		err = show_bool(o, "deferred", msg->deferred);
	if (!err)
		err = show_str(o, "mode", cpm_mode_name(msg->mode));
	if (!err)
		err = show_msg_body(o, st, msg, part);
	if (!err)
		err = show_msg_ids(o, msg);
	if (!err)
		err = show_msg_state(o, msg);

	return err;
}


static int show_last(struct odict *o, const struct cpm_conv *conv)
{
	const uint8_t *text = (const uint8_t *)conv->last_text;
	struct odict *last;
	int err;

	if (!conv->last_id)
		return 0;

	err = odict_alloc(&last, 8);
	if (err)
		return err;

	err = show_uint(last, "id", conv->last_id);
	if (!err)
		err = show_time(last, "time", conv->last_time);
	if (!err && text)
		err = show_octets(last, "text", text,
				  cpm_text_cut(text, strlen(conv->last_text),
					       TEXT_LAST_MAX));
	if (err) {
		mem_deref(last);
		return err;
	}

	return show_child(o, "last", ODICT_OBJECT, last);
}


int show_conv(struct odict *o, const struct cpm_conv *conv)
{
	int err = show_uint(o, "id", conv->id);

	if (!err)
		err = show_str(o, "account", conv->account);
	if (!err)
		err = show_str(o, "kind", conv->kind == CPM_GROUP ? "group"
			       : "chat");
	if (!err)
		err = show_str(o, "peer", conv->peer);
	if (!err)
		err = show_str(o, "name", conv->name);
	if (!err)
		err = show_str(o, "conversation_id", conv->conversation_id);
	if (!err)
		err = show_uint(o, "messages", conv->messages);
	if (!err)
		err = show_uint(o, "unread", conv->unread);
	if (!err)
		err = show_last(o, conv);

	return err;
}


int show_session(struct odict *o, const struct cpm_sess_info *info)
{
	int err = show_uint(o, "session", info->session);

	if (!err)
		err = show_str(o, "account", info->account);
	if (!err)
		err = show_str(o, "peer", info->peer);
	if (!err)
		err = show_str(o, "direction", info->incoming ? "in" : "out");
	if (!err)
		err = show_bool(o, "deferred", info->deferred);
	if (!err)
		err = show_str(o, "state", cpm_sess_state_name(info->state));
	if (!err)
		err = show_str(o, "transport", info->transport);
	if (!err)
		err = show_uint(o, "messages", info->messages);
	if (!err)
		err = show_uint(o, "bytes", info->bytes);

	return err;
}


int show_policy(struct odict *o, const struct cpm_policy *pol)
{
	int err = show_str(o, "deferred", show_answer(pol->deferred));

	if (!err)
		err = show_str(o, "chat", show_answer(pol->chat));
	if (!err)
		err = show_bool(o, "delivery_imdn", pol->delivery_imdn);
	if (!err)
		err = show_bool(o, "display_imdn", pol->display_imdn);

	return err;
}
