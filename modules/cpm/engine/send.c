/**
 * @file send.c  A message of ours: to whom, in which conversation, how
 *
 * OMA CPM 7.2.1 and 7.3.1.1; wire.md 7 and 13.9: an answer goes in a session of
 * its own, with the Conversation-ID of what it answers and the Contribution-ID
 * of that as InReplyTo-Contribution-ID. It is committed before anybody is told
 * that it will be sent.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cpm_fthttp.h>
#include <cpm_mime.h>
#include "engine.h"
#include "chat_out.h"
#include "compose_out.h"
#include "sendq.h"
#include "take.h"


/** Whom it goes to, as it is being found out. Strings are owned */
struct target {
	char *account;
	char *peer;
	char *conversation_id;   /* NULL: that conversation has none        */
	char *in_reply_to;
	uint64_t conversation;   /* 0: a new one                            */
	bool group;
	int err;                 /* of a handler                            */
};


static void target_reset(struct target *t)
{
	mem_deref(t->account);
	mem_deref(t->peer);
	mem_deref(t->conversation_id);
	mem_deref(t->in_reply_to);
}


static int dup_str(char **strp, const char *str)
{
	return str ? str_dup(strp, str) : 0;
}


static int fail(const char **whyp, const char *why, int err)
{
	*whyp = why;

	return err;
}


/*
 * Whom it goes to
 */

static bool conv_handler(const struct cpm_conv *conv, void *arg)
{
	struct target *t = arg;

	t->conversation = conv->id;
	t->group = conv->kind == CPM_GROUP;
	if (!t->account)
		t->err = dup_str(&t->account, conv->account);
	if (!t->err && !t->peer)
		t->err = dup_str(&t->peer, conv->peer);
	if (!t->err)
		t->err = dup_str(&t->conversation_id, conv->conversation_id);

	return true;
}


static int of_conv(struct target *t, struct cpm *cpm, uint64_t id)
{
	const int err = cpm_store_conv(cpm->store, id, conv_handler, t);

	return err ? err : t->err;
}


static bool msg_handler(const struct cpm_msg *msg, void *arg)
{
	struct target *t = arg;

	t->conversation = msg->conversation;
	t->err = dup_str(&t->account, msg->account);
	if (!t->err)
		t->err = dup_str(&t->peer, msg->peer);
	if (!t->err)
		t->err = dup_str(&t->in_reply_to, msg->contribution_id);

	return true;
}


static int of_reply(struct target *t, struct cpm *cpm, uint64_t id)
{
	int err = cpm_store_msg(cpm->store, id, msg_handler, t);

	if (!err)
		err = t->err;

	return err ? err : of_conv(t, cpm, t->conversation);
}


static int of_uri(struct target *t, struct cpm *cpm,
		  const struct cpm_send *snd, const char **whyp)
{
	uint64_t conv;
	struct pl pl;
	int err;

	if (!str_isset(snd->account))
		return fail(whyp, "which account is it to be sent from?",
			    EINVAL);

	pl_set_str(&pl, snd->to);
	if (pl.l > CPM_URI_MAX)
		return fail(whyp, "the address is too long", EINVAL);

	err = cpm_uri_norm(&t->peer, &pl);
	if (err == EBADMSG)
		return fail(whyp, "that is no sip, sips or tel URI", EINVAL);
	if (!err)
		err = str_dup(&t->account, snd->account);
	if (err)
		return err;

	err = cpm_store_conv_peer(cpm->store, t->account, t->peer, &conv);
	if (err == ENOENT)
		return 0;

	return err ? err : of_conv(t, cpm, conv);
}


/* A conversation of its own gets its id here */
static int target_set(struct target *t, struct cpm *cpm,
		      const struct cpm_send *snd, const char **whyp)
{
	const char *theirs = NULL;
	char id[UUID_SIZE];
	int err;

	if (snd->to)
		err = of_uri(t, cpm, snd, whyp);
	else if (snd->conversation)
		err = of_conv(t, cpm, snd->conversation);
	else
		err = of_reply(t, cpm, snd->reply_to);
	if (err)
		return err;

	if (t->group)
		return ENOTSUP;
	if (!t->peer)
		return fail(whyp, "nobody knows who the other side is",
			    EINVAL);
	if (snd->account && str_cmp(snd->account, t->account))
		return fail(whyp, "it belongs to another account", EINVAL);
	if (t->conversation)
		return 0;

	/* the other side may have begun one, and said nothing yet */
	if (chat_out_silent(cpm, t->account, t->peer, &theirs))
		return dup_str(&t->conversation_id, theirs);

	uuid_make(id);

	return str_dup(&t->conversation_id, id);
}


static bool account_is(struct cpm *cpm, const char *aor)
{
	struct cpm_account acc;

	memset(&acc, 0, sizeof(acc));

	return cpm->host.accounth(&acc, aor, cpm->host.arg);
}


/*
 * What it carries
 */

static bool istext(const uint8_t *buf, size_t len)
{
	return !memchr(buf, '\0', len) && cpm_text_valid(buf, len) == len;
}


/* Whoever gets it would take it for something else than a message */
static bool isspecial(const struct pl *type)
{
	return notification_type(type) ||
		mime_type_is(type, "application/im-iscomposing+xml") ||
		mime_type_is(type, "message/cpim");
}


static int type_check(struct cpm_msg *msg, const struct cpm_send *snd,
		      const char **whyp)
{
	static const char none[] = "application/octet-stream";
	const char *type = snd->type ? snd->type
		: snd->file ? none : "text/plain";
	struct pl pl;
	int err;

	pl_set_str(&pl, type);
	err = type_set(&msg->type, &pl);
	if (err == ENOMEM)
		return err;
	/* what can be taken as it stands has not been changed */
	if (err || !pl.l || str_cmp(msg->type, type))
		return fail(whyp, "that is no media type", EINVAL);
	if (isspecial(&pl))
		return fail(whyp, "messages have no such type", EINVAL);

	msg->text = !snd->file &&
		((pl.l > 5 && !strncasecmp(type, "text/", 5)) ||
		 mime_type_is(&pl, FTHTTP_TYPE));

	return 0;
}


static int file_look(struct cpm_msg *msg, const char *path, const char **whyp)
{
	struct stat st;
	int fd, err;

	err = cpm_source_open(&fd, &st, path);
	switch (err) {

	case 0:
		break;
	case ENOTDIR:
		return ENOENT;
	case EACCES:
	case EPERM:
		return fail(whyp, "the file cannot be read", EACCES);
	case EISDIR:
		return fail(whyp, "that is a folder", err);
	case EINVAL:
		return fail(whyp, "that is no regular file", err);
	default:
		return err;
	}

	(void)close(fd);
	msg->size = (uint64_t)st.st_size;
	msg->source_mtime = cpm_source_mtime(&st);

	return 0;
}


static int file_set(struct cpm_msg *msg, const struct cpm_send *snd,
		    const char **whyp)
{
	char name[CPM_FILENAME_MAX + 1];
	int err;

	if (snd->file[0] != '/')
		return fail(whyp, "the path of a file begins with /", EINVAL);

	err = file_look(msg, snd->file, whyp);
	if (!err)
		err = str_dup(&msg->source, snd->file);
	if (err)
		return err;

	cpm_filename(name, snd->file);

	return str_dup(&msg->filename, str_isset(name) ? name : "file");
}


static int body_set(struct cpm_msg *msg, const struct cpm *cpm,
		    const struct cpm_send *snd, const char **whyp)
{
	int err;

	err = type_check(msg, snd, whyp);
	if (!err && snd->file)
		err = file_set(msg, snd, whyp);
	if (err)
		return err;

	if (snd->body) {
		msg->size = mbuf_get_left(snd->body);
		msg->body = mem_ref(snd->body);
		if (msg->text && !istext(mbuf_buf(snd->body),
					 (size_t)msg->size))
			return fail(whyp, "the text is no UTF-8", EINVAL);
	}
	if (!msg->size)
		return fail(whyp, snd->file ? "the file is empty"
			    : "there is nothing to send", EINVAL);
	if (snd->mode == CPM_SEND_PAGE && msg->size > cpm->conf.page_limit)
		return EMSGSIZE;
	if (msg->size > cpm->conf.max_size)
		return EMSGSIZE;

	return 0;
}


/*
 * The message
 */

static int ids_set(struct cpm_msg *msg, const struct target *t)
{
	char id[UUID_SIZE], cont[UUID_SIZE];
	int err;

	uuid_make(id);
	uuid_make(cont);

	err = str_dup(&msg->imdn_id, id);
	if (!err)
		err = re_sdprintf(&msg->msgkey, "out:%s", id);
	if (!err)
		err = str_dup(&msg->contribution_id, cont);
	if (!err)
		err = dup_str(&msg->conversation_id, t->conversation_id);
	if (!err)
		err = dup_str(&msg->in_reply_to, t->in_reply_to);
	if (!err) {
		const struct origin org = {
			.conversation_id = t->conversation_id,
		};

		err = conv_key(&msg->key, &org, t->peer);
	}

	return err;
}


static void form_set(struct cpm_msg *msg, const struct cpm *cpm,
		     const struct cpm_send *snd)
{
	struct send_form form = {
		.wish = (uint8_t)snd->mode,
		.file = snd->file != NULL,
		.text = msg->text,
		.size = msg->size,
	};

	/* an answer has a session of its own, unless it is to go otherwise */
	form.fixed = snd->reply_to && send_mode(cpm, &form) != CPM_LARGE &&
		snd->mode != CPM_SEND_PAGE;

	msg->wish  = form.wish;
	msg->fixed = form.fixed;
	msg->mode  = send_mode(cpm, &form);
}


static int message_make(struct cpm_msg **msgp, const struct cpm *cpm,
			const struct target *t, const struct cpm_send *snd,
			const char **whyp)
{
	struct cpm_msg *msg;
	int err;

	err = cpm_msg_alloc(&msg);
	if (err)
		return err;

	msg->direction = CPM_OUT;
	msg->kind      = CPM_CHAT;
	msg->status    = CPM_OUT_QUEUED;
	msg->time      = msg->received = engine_now();
	msg->notify    = CPIM_POSITIVE_DELIVERY | CPIM_NEGATIVE_DELIVERY |
		CPIM_DISPLAY;

	err = body_set(msg, cpm, snd, whyp);
	if (!err)
		err = str_dup(&msg->account, t->account);
	if (!err)
		err = str_dup(&msg->peer, t->peer);
	if (!err)
		err = ids_set(msg, t);
	if (!err)
		err = re_sdprintf(&msg->datetime, "%H", cpim_time_print,
				  &msg->time);
	if (err) {
		mem_deref(msg);
		return err;
	}

	form_set(msg, cpm, snd);
	*msgp = msg;

	return 0;
}


static bool isone(bool a, bool b, bool c)
{
	return a + b + c == 1;
}


int cpm_send(struct cpm *cpm, const struct cpm_send *snd, uint64_t *idp,
	     const char **whyp)
{
	struct cpm_put_result res = {.id = 0};
	struct cpm_msg *msg = NULL;
	struct target t;
	const char *why = NULL;
	int err;

	if (!cpm || !snd || !idp)
		return EINVAL;
	if (!whyp)
		whyp = &why;
	*whyp = NULL;

	if (!isone(snd->to, snd->conversation, snd->reply_to))
		return fail(whyp, "one of to, conversation and reply_to is"
			    " needed", EINVAL);
	if (!isone(snd->body, snd->file, false))
		return fail(whyp, "either a text or a file is needed", EINVAL);
	if (!ready_is(cpm))
		return EAGAIN;

	memset(&t, 0, sizeof(t));
	err = target_set(&t, cpm, snd, whyp);
	if (!err && !account_is(cpm, t.account))
		err = ENOTCONN;
	if (!err)
		err = message_make(&msg, cpm, &t, snd, whyp);
	if (!err)
		err = cpm_store_put_wait(cpm->store, msg, CPM_SEND_WAIT, &res);
	if (!err) {
		*idp = res.id;
		sendq_soon(cpm->sendq);
	}

	mem_deref(msg);
	target_reset(&t);

	return err;
}


/*
 * Sent no more
 */

/** A message that may be on its way */
struct out_look {
	struct out_msg m;
	bool out;
	bool queued;             /* or on its way                           */
	int err;
};


static bool out_handler(const struct cpm_msg *msg, void *arg)
{
	struct out_look *look = arg;

	look->out    = msg->direction == CPM_OUT;
	look->queued = msg->status == CPM_OUT_QUEUED ||
		msg->status == CPM_OUT_SENDING;
	look->m.id   = msg->id;
	look->m.conversation = msg->conversation;
	look->err    = dup_str(&look->m.account, msg->account);

	return true;
}


/* @return 0; ENOENT; errno. mem_deref() m.account in any case */
static int out_look(struct out_look *look, struct cpm *cpm, uint64_t id)
{
	int err;

	memset(look, 0, sizeof(*look));
	err = cpm_store_msg(cpm->store, id, out_handler, look);

	return err ? err : look->err;
}


int cpm_cancel(struct cpm *cpm, uint64_t id)
{
	struct out_look look;
	int err;

	if (!cpm || !id)
		return EINVAL;

	err = out_look(&look, cpm, id);
	if (!err && !look.out)
		err = EINVAL;
	if (!err && !look.queued)
		err = EALREADY;
	if (!err)
		err = sendq_cancel(cpm->sendq, &look.m);
	mem_deref(look.m.account);

	return err;
}


static void deleted_handler(int err, void *arg)
{
	struct sending *hold = arg;
	struct sendq *q = hold->q;
	(void)err;

	mem_deref(hold);
	sendq_soon(q);
}


int send_delete(struct cpm *cpm, uint64_t msg, uint64_t conv)
{
	struct sending *hold = NULL;
	struct out_look look;
	int err = 0;

	memset(&look, 0, sizeof(look));
	if (msg)
		err = out_look(&look, cpm, msg);
	if (!err && (conv || look.queued))
		err = sendq_hold(&hold, cpm->sendq,
				 conv ? conv : look.m.conversation, msg);
	mem_deref(look.m.account);
	if (err)
		return err;

	err = cpm_store_delete(cpm->store, msg, conv,
			       hold ? deleted_handler : NULL, hold);
	if (err)
		mem_deref(hold);

	return err;
}
