/**
 * @file cmd.c  The commands: one engine call a row, one JSON object an answer
 *
 * bus.md, Commands.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdarg.h>
#include "cmd.h"


static struct cpm *cpm;
static struct drafts *drafts;
static struct filetype *filetype;


int fail(struct ctx *ctx, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(ctx->text, sizeof(ctx->text), fmt, ap);
	va_end(ap);

	return err;
}


static int print_handler(const char *p, size_t size, void *arg)
{
	return mbuf_write_mem(arg, (const uint8_t *)p, size);
}


/* In one piece or not at all: libre's encoder goes on behind what it had no
   memory for */
static int print(struct re_printf *pf, const struct odict *o)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct re_printf mpf = {print_handler, mb};
	int err;

	if (!mb)
		return ENOMEM;

	err = json_encode_odict(&mpf, o);
	if (!err)
		err = re_hprintf(pf, "%b", mb->buf, mb->end);
	mem_deref(mb);

	return err;
}


static int error_print(struct re_printf *pf, int err, const char *text)
{
	struct odict *o = NULL, *e = NULL;
	char m[TEXT_SIZE];

	if (!odict_alloc(&o, 4) && !odict_alloc(&e, 4) &&
	    !show_str(e, "code", show_errno(err)) &&
	    !show_str(e, "text", str_isset(text) ? text
		      : str_error(err, m, sizeof(m))) &&
	    !odict_entry_add(o, "error", ODICT_OBJECT, e))
		(void)print(pf, o);

	mem_deref(e);
	mem_deref(o);

	return err;
}


/* The store is not ready */
static void why_not(struct ctx *ctx)
{
	struct cpm_store_info info;

	cpm_store_info(cpm_reader(ctx->cpm), &info);
	if (info.text)
		(void)fail(ctx, EAGAIN, "%s", info.text);
}


/* A message that is kept is said to be, whatever there is no memory for: one
   that tries again would send it twice */
static int answer(struct re_printf *pf, const struct ctx *ctx)
{
	return ctx->id ? re_hprintf(pf, "{\"id\":%llu}", ctx->id)
		: print(pf, ctx->out);
}


static int run(struct re_printf *pf, void *arg, const struct arg_spec *spec,
	       run_h *h)
{
	const struct cmd_arg *carg = arg;
	struct ctx ctx = {.cpm = cpm, .drafts = drafts,
			  .filetype = filetype};
	int err;

	err = args_decode(&ctx.in, spec, carg->prm, ctx.text,
			  sizeof(ctx.text));
	if (!err)
		err = odict_alloc(&ctx.out, 16);
	if (!err)
		err = h(&ctx);
	if (!err)
		err = answer(pf, &ctx);
	if (err) {
		if (err == EAGAIN && !ctx.text[0])
			why_not(&ctx);
		(void)error_print(pf, err, ctx.text);
	}

	mem_deref(ctx.in);
	mem_deref(ctx.out);

	return err;
}


/*
 * Table
 */

#define COMMAND(name, ...)						\
	static int cmd_##name(struct re_printf *pf, void *arg)		\
	{								\
		static const struct arg_spec spec = {__VA_ARGS__};	\
									\
		return run(pf, arg, &spec, run_##name);			\
	}

COMMAND(status, .needed = false)
COMMAND(conversations,
	.keyv = {{"account", ARG_STR}, {"limit", ARG_UINT},
		 {"before", ARG_UINT}})
COMMAND(messages,
	.keyv = {{"conversation", ARG_UINT}, {"peer", ARG_STR},
		 {"unread", ARG_BOOL}, {"after", ARG_UINT},
		 {"before", ARG_UINT}, {"limit", ARG_UINT}},
	.posv = {"conversation"})
COMMAND(message,
	.keyv = {{"id", ARG_UINT}, {"offset", ARG_UINT},
		 {"length", ARG_UINT}},
	.posv = {"id"}, .needed = true)
COMMAND(display,
	.keyv = {{"id", ARG_UINT}, {"ids", ARG_LIST},
		 {"conversation", ARG_UINT}},
	.posv = {"id|c"}, .needed = true)
COMMAND(imdn,
	.keyv = {{"id", ARG_UINT}, {"status", ARG_STR}},
	.posv = {"id", "status"}, .needed = true)
COMMAND(policy,
	.keyv = {{"account", ARG_STR}, {"from", ARG_STR},
		 {"deferred", ARG_STR}, {"chat", ARG_STR},
		 {"delivery_imdn", ARG_TRI}, {"display_imdn", ARG_TRI}},
	.posv = {"deferred", "from"})
COMMAND(sessions, .keyv = {{"after", ARG_UINT}, {"limit", ARG_UINT}},
	.posv = {"after"})
COMMAND(accept, .keyv = {{"session", ARG_UINT}}, .posv = {"session"},
	.needed = true)
COMMAND(decline, .keyv = {{"session", ARG_UINT}}, .posv = {"session"},
	.needed = true)
COMMAND(close, .keyv = {{"session", ARG_UINT}}, .posv = {"session"},
	.needed = true)
COMMAND(send,
	.keyv = {{"to", ARG_STR}, {"conversation", ARG_UINT},
		 {"reply_to", ARG_UINT}, {"account", ARG_STR},
		 {"text", ARG_STR}, {"draft", ARG_STR}, {"file", ARG_STR},
		 {"type", ARG_STR}, {"mode", ARG_STR}},
	.posv = {"to|c|r", "text"}, .rest = true, .needed = true)
COMMAND(draft,
	.keyv = {{"draft", ARG_STR}, {"append", ARG_STR},
		 {"clear", ARG_BOOL}},
	.needed = true)
COMMAND(cancel, .keyv = {{"id", ARG_UINT}}, .posv = {"id"},
	.needed = true)
COMMAND(deferred, .keyv = {{"account", ARG_STR}}, .posv = {"account"})
COMMAND(pull, .keyv = {{"account", ARG_STR}, {"references", ARG_STRS}},
	.posv = {"account"})
COMMAND(delete,
	.keyv = {{"id", ARG_UINT}, {"conversation", ARG_UINT}},
	.posv = {"id|c"}, .needed = true)
COMMAND(export,
	.keyv = {{"path", ARG_STR}, {"conversation", ARG_UINT}},
	.posv = {"path", "conversation"}, .needed = true)
COMMAND(composing,
	.keyv = {{"conversation", ARG_UINT}, {"state", ARG_STR}},
	.posv = {"conversation", "state"}, .needed = true)

static const struct cmd cmdv[] = {
	{"cpm_status", 0, 0, "CPM: state and counts", cmd_status},
	{"cpm_conversations", 0, CMD_PRM, "CPM: conversations, newest first",
	 cmd_conversations},
	{"cpm_messages", 0, CMD_PRM, "CPM: messages [conversation]",
	 cmd_messages},
	{"cpm_message", 0, CMD_PRM, "CPM: one message, whole <id>",
	 cmd_message},
	{"cpm_display", 0, CMD_PRM, "CPM: mark as read <id or c+conversation>",
	 cmd_display},
	{"cpm_imdn", 0, CMD_PRM,
	 "CPM: notify the sender <id> <delivered|displayed>", cmd_imdn},
	{"cpm_policy", 0, CMD_PRM,
	 "CPM: who may deliver [accept|decline|ask [uri]]", cmd_policy},
	{"cpm_sessions", 0, CMD_PRM, "CPM: sessions [after]", cmd_sessions},
	{"cpm_accept", 0, CMD_PRM, "CPM: accept a delivery <session>",
	 cmd_accept},
	{"cpm_decline", 0, CMD_PRM, "CPM: decline a delivery <session>",
	 cmd_decline},
	{"cpm_close", 0, CMD_PRM, "CPM: end a session <session>", cmd_close},
	{"cpm_send", 0, CMD_PRM,
	 "CPM: send <uri, c+conversation or r+message> <text...>", cmd_send},
	{"cpm_draft", 0, CMD_PRM, "CPM: a long text, in pieces (JSON)",
	 cmd_draft},
	{"cpm_cancel", 0, CMD_PRM, "CPM: do not send it after all <id>",
	 cmd_cancel},
	{"cpm_deferred", 0, CMD_PRM,
	 "CPM: what the server keeps for you [account]", cmd_deferred},
	{"cpm_pull", 0, CMD_PRM, "CPM: fetch that [account]", cmd_pull},
	{"cpm_delete", 0, CMD_PRM, "CPM: delete <id or c+conversation>",
	 cmd_delete},
	{"cpm_export", 0, CMD_PRM,
	 "CPM: write messages to a file <path> [conversation]", cmd_export},
	{"cpm_composing", 0, CMD_PRM,
	 "CPM: you write, or have stopped <conversation> [active|idle]",
	 cmd_composing},
};


int commands_open(struct cpm *c)
{
	int err;

	cpm = c;
	err = drafts_alloc(&drafts);
	if (!err)
		err = filetype_alloc(&filetype);

	return err ? err : cmd_register(baresip_commands(), cmdv,
				sizeof(cmdv) / sizeof(cmdv[0]));
}


void commands_close(void)
{
	cmd_unregister(baresip_commands(), cmdv);
	drafts   = mem_deref(drafts);
	filetype = mem_deref(filetype);
	cpm = NULL;
}
