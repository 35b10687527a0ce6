/**
 * @file act.c  Commands that change something
 *
 * bus.md, Commands.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cmd.h"


int run_display(struct ctx *ctx)
{
	const uint64_t id = args_uint(ctx->in, "id");
	const uint64_t conv = args_uint(ctx->in, "conversation");
	const bool many = args_has(ctx->in, "ids");
	uint64_t count = 0, *idv = NULL;
	size_t idc = 0;
	int err = 0;

	if ((id != 0) + (conv != 0) + many != 1)
		return fail(ctx, EINVAL, "one of \"id\", \"ids\" and "
			    "\"conversation\" is needed");

	if (many)
		err = args_list(&idv, &idc, ctx->in, "ids");
	if (err)
		return err == ENOMEM ? err
			: fail(ctx, EINVAL, "\"ids\" must be numbers");

	if (conv)
		err = cpm_display_conv(ctx->cpm, conv, &count);
	else
		err = cpm_display(ctx->cpm, many ? idv : &id, many ? idc : 1,
				  &count);
	mem_deref(idv);

	if (err == ENOENT)
		return conv ? fail(ctx, err, "no conversation %llu", conv)
			: id ? fail(ctx, err, "no message %llu", id)
			: fail(ctx, err, "no such message");

	return err ? err : show_uint(ctx->out, "displayed", count);
}


int run_imdn(struct ctx *ctx)
{
	const uint64_t id = args_uint(ctx->in, "id");
	const char *status = args_str(ctx->in, "status");
	enum cpm_report kind;
	int err;

	if (!str_cmp(status, "delivered"))
		kind = CPM_DELIVERED;
	else if (!str_cmp(status, "displayed"))
		kind = CPM_DISPLAYED;
	else
		return fail(ctx, EINVAL, "\"status\" must be delivered or "
			    "displayed");

	err = cpm_imdn(ctx->cpm, id, kind);
	switch (err) {

	case 0:
		return show_str(ctx->out, "state",
				cpm_report_name(CPM_REPORT_DUE));
	case ENOENT:
		return fail(ctx, err, "no message %llu", id);
	case EINVAL:
		return fail(ctx, err, "the sender of message %llu did not "
			    "ask for it", id);
	case EALREADY:
		return fail(ctx, err, "message %llu has it already", id);
	default:
		return err;
	}
}


static int answer_decode(enum cpm_answer *answer, const char *str)
{
	enum cpm_answer i;

	for (i = CPM_ANSWER_DEFAULT; i <= CPM_ANSWER_ASK; i++) {
		if (!str_cmp(str, show_answer(i))) {
			*answer = i;
			return 0;
		}
	}

	return EINVAL;
}


/* @param pp Set if it is there */
static int read_answer(struct ctx *ctx, const char *key,
		       enum cpm_answer *answer, const enum cpm_answer **pp)
{
	if (!args_has(ctx->in, key))
		return 0;
	if (answer_decode(answer, args_str(ctx->in, key)))
		return fail(ctx, EINVAL, "\"%s\" must be accept, decline, "
			    "ask or default", key);
	*pp = answer;

	return 0;
}


static int in_force(struct ctx *ctx, const char *aor, const char *from)
{
	struct cpm_policy pol;
	int err;

	err = cpm_policy_get(ctx->cpm, aor, from, &pol);
	if (!err)
		err = show_str(ctx->out, "account", aor);
	if (!err)
		err = show_str(ctx->out, "from", from);

	return err ? err : show_policy(ctx->out, &pol);
}


int run_policy(struct ctx *ctx)
{
	struct cpm_policy_change chg = {
		.account = args_str(ctx->in, "account"),
		.peer    = args_str(ctx->in, "from"),
	};
	enum cpm_answer answer, chat;
	enum cpm_tri delivery, display;
	struct cpm_store_info info;
	int err = 0;

	/* nor are those known that the user has set */
	cpm_store_info(cpm_reader(ctx->cpm), &info);
	if (info.state != CPM_STORE_READY)
		return EAGAIN;

	/* a row for an account that is spelt wrong would never be asked */
	if (chg.account && !uag_find_aor(chg.account))
		return fail(ctx, ENOENT, "no account %s", chg.account);

	err = read_answer(ctx, "deferred", &answer, &chg.deferred);
	if (!err)
		err = read_answer(ctx, "chat", &chat, &chg.chat);
	if (err)
		return err;

	if (args_has(ctx->in, "delivery_imdn")) {
		if (args_tri(&delivery, ctx->in, "delivery_imdn"))
			return fail(ctx, EINVAL, "\"delivery_imdn\" must be "
				    "yes, no or default");
		chg.delivery_imdn = &delivery;
	}
	if (args_has(ctx->in, "display_imdn")) {
		if (args_tri(&display, ctx->in, "display_imdn"))
			return fail(ctx, EINVAL, "\"display_imdn\" must be "
				    "yes, no or default");
		chg.display_imdn = &display;
	}

	if (chg.deferred || chg.chat || chg.delivery_imdn ||
	    chg.display_imdn)
		err = cpm_policy_set(ctx->cpm, &chg);
	if (err == EINVAL)
		return fail(ctx, err, "\"from\" is no URI");

	return err ? err : in_force(ctx, chg.account, chg.peer);
}


static int session_call(struct ctx *ctx, int (*h)(struct cpm *, uint32_t),
			const char *state)
{
	const uint64_t session = args_uint(ctx->in, "session");
	int err = ENOENT;

	if (session <= UINT32_MAX)
		err = h(ctx->cpm, (uint32_t)session);

	if (err == ENOENT)
		return fail(ctx, err, "no session %llu", session);
	if (err == EPROTO)
		return fail(ctx, err, "session %llu does not ask", session);
	if (!err)
		err = show_uint(ctx->out, "session", session);

	return err ? err : show_str(ctx->out, "state", state);
}


int run_accept(struct ctx *ctx)
{
	return session_call(ctx, cpm_accept, "accepted");
}


int run_decline(struct ctx *ctx)
{
	return session_call(ctx, cpm_decline, "declined");
}


int run_close(struct ctx *ctx)
{
	return session_call(ctx, cpm_sess_close, "closed");
}


int run_export(struct ctx *ctx)
{
	const char *path = args_str(ctx->in, "path");
	const uint64_t conv = args_uint(ctx->in, "conversation");
	uint32_t number = 0;
	int err;

	if (args_has(ctx->in, "conversation") && !conv)
		return fail(ctx, ENOENT, "no conversation 0");

	err = cpm_export(ctx->cpm, path, conv, &number);
	switch (err) {

	case 0:
		break;
	case EINVAL:
		return fail(ctx, err, "\"path\" must be the path of a new "
			    "file, from / on");
	case EEXIST:
		return fail(ctx, err, "%s or %s.files is there already",
			    path, path);
	case ENOTDIR:
		return fail(ctx, err, "there is no folder for %s", path);
	case ENOENT:
		return fail(ctx, err, "no conversation %llu", conv);
	case EBUSY:
		return fail(ctx, err, "an export is running");
	default:
		return err;
	}

	err = show_uint(ctx->out, "export", number);

	return err ? err : show_str(ctx->out, "path", path);
}


static const char *composed_why(enum cpm_composed done)
{
	switch (done) {

	case CPM_COMPOSED_KNOWN:
		return "it has been told";
	case CPM_COMPOSED_NOT_TAKEN:
		return "the other side does not take it";
	case CPM_COMPOSED_HELD:
		return "the session only receives now";
	default:
		return NULL;
	}
}


int run_composing(struct ctx *ctx)
{
	const uint64_t conv = args_uint(ctx->in, "conversation");
	const char *state = args_str(ctx->in, "state");
	const bool active = !state || !str_cmp(state, "active");
	enum cpm_composed done = CPM_COMPOSED_SENT;
	int err;

	if (!args_has(ctx->in, "conversation"))
		return fail(ctx, EINVAL, "\"conversation\" is needed");
	if (!active && str_cmp(state, "idle"))
		return fail(ctx, EINVAL, "\"state\" must be active or idle");

	err = cpm_composing(ctx->cpm, conv, active, &done);
	switch (err) {

	case 0:
		break;
	case ENOENT:
		return fail(ctx, err, "no conversation %llu", conv);
	case ENOTCONN:
		return fail(ctx, err, "no session of conversation %llu is "
			    "open", conv);
	case EPROTO:
		return fail(ctx, err, "conversation %llu has only a delivery "
			    "open: nothing is sent on it", conv);
	default:
		return err;
	}

	err = show_uint(ctx->out, "conversation", conv);
	if (!err)
		err = show_str(ctx->out, "state", active ? "active" : "idle");
	if (!err)
		err = show_bool(ctx->out, "sent", done == CPM_COMPOSED_SENT);

	return err ? err : show_str(ctx->out, "why", composed_why(done));
}


int run_delete(struct ctx *ctx)
{
	const uint64_t id = args_uint(ctx->in, "id");
	const uint64_t conv = args_uint(ctx->in, "conversation");
	uint64_t count = 0;
	int err;

	if (!id == !conv)
		return fail(ctx, EINVAL, "one of \"id\" and \"conversation\""
			    " is needed");

	err = cpm_delete(ctx->cpm, id, conv, &count);
	if (err == ENOENT)
		return id ? fail(ctx, err, "no message %llu", id)
			: fail(ctx, err, "no conversation %llu", conv);

	return err ? err : show_uint(ctx->out, "deleted", count);
}
