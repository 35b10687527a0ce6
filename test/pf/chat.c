/**
 * @file chat.c  Ordinary sessions: what is said by command, and who is writing
 *
 * An ordinary 1-1 session (OMA CPM Conversation Functions, 7.3.1 and 7.3.2)
 * has no messages of its own: each comes by a command. The same commands work
 * on a delivery, where the client has to ignore who is writing. isComposing
 * is RFC 3994.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"
#include "cmd.h"


#define ISCOMP "application/im-iscomposing+xml"

/* One that waits for its answer */
struct said {
	struct le le;
	char tid[17];
	char kind[16];
};


static void said_destructor(void *arg)
{
	struct said *said = arg;

	list_unlink(&said->le);
}


static int frame_print(struct session *sess, const char *tid,
		       const char *type, const struct mbuf *body)
{
	struct mbuf *mb = sess->said;

	mb->pos = mb->end;
	return mbuf_printf(mb, "MSRP %s SEND\r\n"
			   "To-Path: %s\r\n"
			   "From-Path: %s\r\n"
			   "Message-ID: %s\r\n"
			   "Byte-Range: 1-%zu/%zu\r\n"
			   "Content-Type: %s\r\n\r\n"
			   "%b\r\n-------%s$\r\n",
			   tid, sess->ans.path, sess->path, tid, body->end,
			   body->end, type, body->buf, body->end, tid);
}


/* Queue it; the connection takes it when it can */
static int say(struct session *sess, const char *kind, const char *type,
	       const struct mbuf *body)
{
	struct said *said;
	int err;

	if (sess->state != SESS_BOUND)
		return EPROTO;
	if (!sess->said)
		sess->said = mbuf_alloc(512);
	said = mem_zalloc(sizeof(*said), said_destructor);
	if (!sess->said || !said) {
		mem_deref(said);
		return ENOMEM;
	}

	token_make(said->tid, sizeof(said->tid));
	str_ncpy(said->kind, kind, sizeof(said->kind));
	list_append(&sess->saidl, &said->le, said);
	err = frame_print(sess, said->tid, type, body);
	if (!err)
		conn_wake(sess->conn);

	return err;
}


/** Put what was said where it leaves. @return 0; ENOMEM */
int chat_fill(struct session *sess, struct mbuf *mb)
{
	int err;

	if (!sess->said || !sess->said->end)
		return 0;

	err = mbuf_write_mem(mb, sess->said->buf, sess->said->end);
	mbuf_rewind(sess->said);
	return err;
}


/** Is this the answer to something that was said? */
bool chat_answer(struct session *sess, const struct frame *f)
{
	struct le *le;

	for (le = list_head(&sess->saidl); le; le = le->next) {
		struct said *said = le->data;

		if (pl_strcmp(&f->tid, said->tid))
			continue;

		event("answered kind=%s code=%u", said->kind, f->code);
		mem_deref(said);
		return true;
	}

	return false;
}


/* Text of an element; no more than what the module writes */
static void element(char *buf, size_t size, const struct pl *xml,
		    const char *name)
{
	char expr[64];
	struct pl pl;

	buf[0] = '\0';
	(void)re_snprintf(expr, sizeof(expr), "<%s>[^<]+</%s>", name, name);
	if (!re_regex(xml->p, xml->l, expr, &pl))
		(void)pl_strcpy(&pl, buf, size);
}


/** The client said something. @return MSRP status code */
uint32_t chat_recv(struct session *sess, const struct frame *f)
{
	struct pl type = f->ctype, body = f->body;
	char outer[64] = "", inner[64] = "", state[16], refresh[16];
	struct cpim cpim;
	const char *why = NULL;

	(void)pl_strcpy(&type, outer, sizeof(outer));
	if (!pl_strcasecmp(&type, "message/cpim")) {
		(void)cpim_decode(&cpim, &body, &why);
		if (!cpim.from.l || !cpim.to.l || !cpim.ctype.l) {
			event("error text=%s", why);
			return 400;
		}
		(void)pl_strcpy(&cpim.ctype, inner, sizeof(inner));
		body = cpim.body;
	}

	element(state, sizeof(state), &body, "state");
	element(refresh, sizeof(refresh), &body, "refresh");
	event("said to=%s type=%s inner=%s state=%s refresh=%s freport=%s",
	      sess->user->aor, outer, inner, state, refresh,
	      f->freport.l ? "set" : "none");

	return sess->refuse ? sess->refuse : 200;
}


static int cpim_print(struct mbuf *mb, const struct session *sess,
		      const char *type, const struct mbuf *body)
{
	struct kept *m;
	char id[ID_SIZE], date[40];
	int err = kept_alloc(&m);

	if (err)
		return err;

	uuid_make(id);
	date_now(date, sizeof(date));
	m->size = body->end;
	err = str_dup(&m->sender, sess->sender);
	if (!err)
		err = str_dup(&m->rcpt, sess->user->aor);
	if (!err)
		err = str_dup(&m->id, id);
	if (!err)
		err = str_dup(&m->date, date);
	if (!err)
		err = str_dup(&m->type, type);
	if (!err)
		err = cpim_head_print(mb, m);
	if (!err)
		err = mbuf_write_mem(mb, body->buf, body->end);
	mem_deref(m);

	return err;
}


static int said_print(struct session *sess, const char *kind,
		      const char *type, const struct mbuf *body, bool wrap)
{
	struct mbuf *mb;
	int err;

	if (!wrap)
		return say(sess, kind, type, body);

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	err = cpim_print(mb, sess, type, body);
	if (!err)
		err = say(sess, kind, "message/cpim", mb);
	mem_deref(mb);
	return err;
}


static bool is_yes(const struct args *args, const char *key)
{
	const struct pl *val = arg_find(args, key);

	return val && !pl_strcmp(val, "yes");
}


/** say to=URI [type=MIME] [bare=yes] text=... | body=... */
int chat_cmd_say(const struct args *args)
{
	struct session *sess = arg_session(args);
	const struct pl *text = arg_find(args, "text");
	char *type = NULL, *str = NULL;
	struct mbuf *body;
	int err;

	if (!sess)
		return ESRCH;

	body = mbuf_alloc(256);
	if (!body)
		return ENOMEM;

	err = arg_get(&type, args, "type");
	if (!err && text)
		err = mbuf_write_pl(body, text);
	else if (!err)
		err = arg_get(&str, args, "body");
	if (!err && str)
		err = mbuf_write_str(body, str);
	if (!err && !body->end)
		err = EINVAL;
	if (!err)
		err = said_print(sess, "say", type ? type : "text/plain",
				 body, !is_yes(args, "bare"));

	mem_deref(body);
	mem_deref(type);
	mem_deref(str);
	return err;
}


/** composing to=URI [state=active|idle] [refresh=N] [wrap=yes] */
int chat_cmd_composing(const struct args *args)
{
	struct session *sess = arg_session(args);
	char *state = NULL;
	uint64_t refresh = 0;
	struct mbuf *body;
	int err;

	if (!sess)
		return ESRCH;

	body = mbuf_alloc(512);
	if (!body)
		return ENOMEM;

	err = arg_get(&state, args, "state");
	if (!err)
		err = arg_num(&refresh, args, "refresh");
	/* empty lines in front, as real clients have them */
	if (!err)
		err = mbuf_printf(body, "\r\n\r\n"
				  "<?xml version=\"1.0\"?>\r\n<isComposing "
				  "xmlns=\"urn:ietf:params:xml:ns:"
				  "im-iscomposing\">\r\n<state>%s</state>\r\n",
				  state ? state : "active");
	if (!err && refresh)
		err = mbuf_printf(body, "<refresh>%llu</refresh>\r\n",
				  (unsigned long long)refresh);
	if (!err)
		err = mbuf_printf(body, "</isComposing>\r\n");
	if (!err)
		err = said_print(sess, "composing", ISCOMP, body,
				 is_yes(args, "wrap"));

	mem_deref(body);
	mem_deref(state);
	return err;
}


static int chat_init(struct chat_args *chat, struct kept *first,
		     const struct args *args)
{
	uint64_t refuse = 0;
	int err;

	/* "first" only tells who, and in which conversation */
	first->seq = 1;
	err = arg_uri(&first->sender, args, "from");
	if (!err)
		err = arg_get(&first->conv, args, "conv");
	if (!err)
		err = arg_get(&chat->types, args, "types");
	if (!err)
		err = arg_get(&chat->wrapped, args, "wrapped");
	if (!err)
		err = arg_num(&refuse, args, "refuse");
	chat->refuse = (uint32_t)refuse;
	if (!err && !first->sender)
		err = EINVAL;
	if (!err && !first->conv)
		err = str_dup(&first->conv, NO_CONV);

	return err;
}


/** chat to=URI from=URI [conv=ID] [types=LIST] [wrapped=LIST] [refuse=N] */
int chat_cmd_chat(const struct args *args)
{
	struct chat_args chat = {.types = NULL};
	const struct binding *bind;
	struct user *user = NULL;
	struct kept *first;
	int err;

	err = arg_user(&user, args);
	if (err)
		return err;
	if (user->sess)
		return EBUSY;
	bind = user_binding(user);
	if (!bind)
		return ENOTCONN;

	err = kept_alloc(&first);
	if (err)
		return err;

	err = chat_init(&chat, first, args);
	if (!err)
		err = session_start(user, bind, first, &chat);
	mem_deref(chat.types);
	mem_deref(chat.wrapped);
	mem_deref(first);
	return err;
}


/** dir to=URI way=sendrecv|sendonly|recvonly|inactive: a re-INVITE with it */
int chat_cmd_dir(const struct args *args)
{
	struct session *sess = arg_session(args);
	const struct pl *way = arg_find(args, "way");

	if (!sess)
		return ESRCH;
	if (!way || pl_strcpy(way, sess->dir, sizeof(sess->dir)))
		return EINVAL;

	mbuf_rewind(sess->offer);
	if (sdp_offer_print(sess->offer, sess))
		return ENOMEM;

	return dialog_modify(sess, true, true);
}
