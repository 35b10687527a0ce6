/**
 * @file read.c  Commands that show what is there
 *
 * bus.md, Commands.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cmd.h"


/** A list that is being made */
struct list_ctx {
	struct odict *arr;
	struct cpm_store *st;
	uint32_t limit;
	uint32_t n;
	size_t text_max;
	uint64_t min, max;     /* ids of messages */
	int err;
};


/* @return 0; ENOMEM */
static int list_add(struct list_ctx *lc, struct odict *entry)
{
	char key[16];

	(void)re_snprintf(key, sizeof(key), "%u", lc->n++);

	return show_child(lc->arr, key, ODICT_OBJECT, entry);
}


static bool conv_handler(const struct cpm_conv *conv, void *arg)
{
	struct list_ctx *lc = arg;
	struct odict *o;

	if (lc->n == lc->limit) {
		++lc->n;  /* there is one more */
		return true;
	}

	lc->err = odict_alloc(&o, 16);
	if (lc->err)
		return true;

	lc->err = show_conv(o, conv);
	if (!lc->err)
		lc->err = list_add(lc, o);
	else
		mem_deref(o);

	return lc->err != 0;
}


int run_conversations(struct ctx *ctx)
{
	struct list_ctx lc = {.limit = CONVS_DEFAULT};
	uint64_t limit;
	int err;

	if (args_has(ctx->in, "limit")) {
		limit = args_uint(ctx->in, "limit");
		if (!limit || limit > CONVS_MAX)
			return fail(ctx, EINVAL, "\"limit\" must be 1 to %u",
				    CONVS_MAX);
		lc.limit = (uint32_t)limit;
	}

	err = odict_alloc(&lc.arr, 64);
	if (err)
		return err;

	err = cpm_store_convs(cpm_reader(ctx->cpm),
			      args_str(ctx->in, "account"),
			      args_uint(ctx->in, "before"), lc.limit + 1,
			      conv_handler, &lc);
	if (!err)
		err = lc.err;
	if (err) {
		mem_deref(lc.arr);
		return err;
	}

	err = show_child(ctx->out, "conversations", ODICT_ARRAY, lc.arr);

	return err ? err : show_bool(ctx->out, "more", lc.n > lc.limit);
}


static bool msg_handler(const struct cpm_msg *msg, void *arg)
{
	struct list_ctx *lc = arg;
	const struct show_part part = {0, lc->text_max, false};
	struct odict *o;

	lc->min = min(lc->min, msg->id);
	lc->max = max(lc->max, msg->id);

	lc->err = odict_alloc(&o, 32);
	if (lc->err)
		return true;

	lc->err = show_msg(o, lc->st, msg, &part);
	if (!lc->err)
		lc->err = list_add(lc, o);
	else
		mem_deref(o);

	return lc->err != 0;
}


static bool found_msg_handler(const struct cpm_msg *msg, void *arg)
{
	bool *found = arg;
	(void)msg;

	*found = true;

	return true;
}


/* Is there one beyond this page? */
static int msgs_more(bool *more, const struct list_ctx *lc,
		     const struct cpm_query *query)
{
	struct cpm_query q = *query;

	*more = false;
	if (!lc->n)
		return 0;

	if (q.after || q.first)
		q.after = lc->max;
	else
		q.before = lc->min;
	q.limit = 1;

	return cpm_store_msgs(lc->st, &q, found_msg_handler, more);
}


/* Octets of a string in JSON, quotes included: RFC 8259, 7 */
static size_t str_size(const char *str)
{
	size_t n = 2;

	for (; *str; str++) {
		const unsigned char c = (unsigned char)*str;

		n += c < 0x20 ? 6 : (c == '"' || c == '\\' || c == '/') ? 2
			: 1;
	}

	return n;
}


/* No less than its JSON has: encoding it to see costs as much as the rest */
static size_t json_size(const struct odict *o)
{
	enum { NUMBER_SIZE = 24 };
	const struct le *le;
	size_t n = 2;

	for (le = o->lst.head; le; le = le->next) {
		const struct odict_entry *e = le->data;

		n += strlen(e->key) + 4;
		if (e->type == ODICT_OBJECT || e->type == ODICT_ARRAY)
			n += json_size(e->u.odict);
		else if (e->type == ODICT_STRING)
			n += str_size(e->u.str);
		else
			n += NUMBER_SIZE;
	}

	return n;
}


/* One try at a page that fits an answer: fewer octets of each text first,
   then fewer messages. @return 0; E2BIG: too large; errno */
static int msgs_page(struct odict **arrp, struct list_ctx *lc,
		     const struct cpm_query *q)
{
	int err;

	lc->n = 0;
	lc->err = 0;
	lc->min = UINT64_MAX;
	lc->max = 0;
	err = odict_alloc(&lc->arr, 64);
	if (err)
		return err;

	err = cpm_store_msgs(lc->st, q, msg_handler, lc);
	if (!err)
		err = lc->err;
	if (!err && json_size(lc->arr) > ANSWER_MAX - 1024)
		err = E2BIG;

	if (err)
		mem_deref(lc->arr);
	else
		*arrp = lc->arr;

	return err;
}


static bool found_handler(const struct cpm_conv *conv, void *arg)
{
	(void)conv;
	(void)arg;

	return true;
}


static int msgs_query(struct ctx *ctx, struct cpm_query *q)
{
	const uint64_t limit = args_has(ctx->in, "limit")
		? args_uint(ctx->in, "limit") : MSGS_DEFAULT;

	if (!limit || limit > MSGS_MAX)
		return fail(ctx, EINVAL, "\"limit\" must be 1 to %u",
			    MSGS_MAX);

	q->conversation = args_uint(ctx->in, "conversation");
	q->unread       = args_bool(ctx->in, "unread");
	q->after        = args_uint(ctx->in, "after");
	q->first        = args_has(ctx->in, "after");  /* also behind 0 */
	q->before       = args_uint(ctx->in, "before");
	q->limit        = (uint32_t)limit;

	/* an empty list would hide that the number is wrong */
	if (q->conversation &&
	    cpm_store_conv(cpm_reader(ctx->cpm), q->conversation,
			   found_handler, NULL) == ENOENT)
		return fail(ctx, ENOENT, "no conversation %llu",
			    q->conversation);

	return 0;
}


int run_messages(struct ctx *ctx)
{
	struct list_ctx lc = {.st = cpm_reader(ctx->cpm),
			      .text_max = TEXT_LIST_MAX};
	struct odict *arr = NULL;
	struct cpm_query q;
	char *peer = NULL;
	bool more = false;
	struct pl pl;
	int err;

	memset(&q, 0, sizeof(q));
	err = msgs_query(ctx, &q);
	if (err)
		return err;

	if (args_has(ctx->in, "peer")) {
		pl_set_str(&pl, args_str(ctx->in, "peer"));
		err = cpm_uri_norm(&peer, &pl);
		if (err)
			return err == ENOMEM ? err
				: fail(ctx, EINVAL, "\"peer\" is no URI");
		q.peer = peer;
	}

	while (!err && (err = msgs_page(&arr, &lc, &q)) == E2BIG) {
		if (lc.text_max)
			lc.text_max /= 2;
		else
			q.limit /= 2;
		err = q.limit ? 0 : E2BIG;
	}
	if (!err)
		err = msgs_more(&more, &lc, &q);
	mem_deref(peer);
	if (err) {
		mem_deref(arr);
		return err;
	}

	err = show_child(ctx->out, "messages", ODICT_ARRAY, arr);

	return err ? err : show_bool(ctx->out, "more", more);
}


/** cpm_message being made */
struct one {
	struct cpm_store *st;
	struct odict *out;
	struct show_part part;
	int err;
};


/* What became of one of ours is known, whatever became of the user's file */
static bool one_handler(const struct cpm_msg *msg, void *arg)
{
	struct one *one = arg;

	one->err = msg->missing && !msg->source ? ENODATA
		: show_msg(one->out, one->st, msg, &one->part);

	return true;
}


int run_message(struct ctx *ctx)
{
	const uint64_t id = args_uint(ctx->in, "id");
	const uint64_t len = args_has(ctx->in, "length")
		? args_uint(ctx->in, "length") : TEXT_MAX;
	struct one one = {
		.st   = cpm_reader(ctx->cpm),
		.out  = ctx->out,
		.part = {
			.off   = args_uint(ctx->in, "offset"),
			.len   = len < TEXT_MAX ? (size_t)len : TEXT_MAX,
			.given = args_has(ctx->in, "offset") ||
				args_has(ctx->in, "length"),
		},
	};
	int err;

	if (!id)
		return fail(ctx, EINVAL, "\"id\" is missing");

	err = cpm_store_msg(one.st, id, one_handler, &one);
	if (err == ENOENT)
		return fail(ctx, err, "no message %llu", id);
	if (!err && one.err == ENODATA)
		return fail(ctx, ENOENT, "the file of message %llu is "
			    "missing", id);

	return err ? err : one.err;
}


struct sessions_ctx {
	struct odict *arr;
	uint64_t after;
	uint64_t limit;
	uint64_t n;
	size_t size;
	bool more;
	int err;
};


static void session_handler(const struct cpm_sess_info *info, void *arg)
{
	struct sessions_ctx *sc = arg;
	struct odict *o;
	char key[16];
	size_t size;

	if (sc->err || sc->more || info->session <= sc->after)
		return;
	if (sc->n >= sc->limit) {
		sc->more = true;
		return;
	}

	sc->err = odict_alloc(&o, 16);
	if (sc->err)
		return;

	sc->err = show_session(o, info);
	size = json_size(o) + sizeof(key);
	if (sc->err || sc->size + size > ANSWER_MAX - 1024) {
		sc->more = true;
		mem_deref(o);
		return;
	}

	sc->size += size;
	(void)re_snprintf(key, sizeof(key), "%llu", sc->n++);
	sc->err = show_child(sc->arr, key, ODICT_OBJECT, o);
}


int run_sessions(struct ctx *ctx)
{
	struct sessions_ctx sc = {
		.after = args_uint(ctx->in, "after"),
		.limit = args_has(ctx->in, "limit")
			? args_uint(ctx->in, "limit") : SESSIONS_DEFAULT,
	};
	int err;

	if (!sc.limit || sc.limit > SESSIONS_MAX)
		return fail(ctx, EINVAL, "\"limit\" must be 1 to %u",
			    SESSIONS_MAX);

	err = odict_alloc(&sc.arr, 64);
	if (err)
		return err;

	cpm_sessions(ctx->cpm, session_handler, &sc);
	if (sc.err) {
		mem_deref(sc.arr);
		return sc.err;
	}

	err = show_child(ctx->out, "sessions", ODICT_ARRAY, sc.arr);

	return err ? err : show_bool(ctx->out, "more", sc.more);
}


/*
 * Status
 */

static int show_account(struct odict *o, const struct cpm *cpm,
			const struct ua *ua)
{
	const char *aor = account_aor(ua_account(ua));
	struct cpm_policy pol;
	int err;

	err = cpm_policy_get(cpm, aor, NULL, &pol);
	if (!err)
		err = show_str(o, "aor", aor);
	if (!err)
		err = show_bool(o, "registered", ua_isregistered(ua));
	if (!err)
		err = show_bool(o, "tagged", register_istagged(ua));
	if (!err)
		err = show_uint(o, "octets",
				cpm_store_octets(cpm_reader(cpm), aor));

	return err ? err : show_policy(o, &pol);
}


static int show_accounts(struct odict *out, const struct cpm *cpm)
{
	struct list_ctx lc = {.arr = NULL};
	struct le *le;
	int err;

	err = odict_alloc(&lc.arr, 16);

	for (le = list_head(uag_list()); le && !err; le = le->next) {
		struct odict *o;

		err = odict_alloc(&o, 8);
		if (err)
			break;

		err = show_account(o, cpm, le->data);
		if (!err)
			err = list_add(&lc, o);
		else
			mem_deref(o);
	}

	if (err) {
		mem_deref(lc.arr);
		return err;
	}

	return show_child(out, "accounts", ODICT_ARRAY, lc.arr);
}


static int show_store(struct odict *out, const struct cpm_store_info *info)
{
	struct odict *o;
	int err;

	err = odict_alloc(&o, 8);
	if (err)
		return err;

	err = show_str(o, "state", cpm_store_state_name(info->state));
	if (!err)
		err = show_str(o, "fault", info->fault);
	if (!err)
		err = show_str(o, "text", info->text);
	if (!err)
		err = show_str(o, "lost", info->lost);
	if (err) {
		mem_deref(o);
		return err;
	}

	return show_child(out, "store", ODICT_OBJECT, o);
}


static int show_relay(struct odict *o, const struct cpm_status *status)
{
	struct odict *relay;
	int err;

	if (!status->relay.uri)
		return 0;

	err = odict_alloc(&relay, 4);
	if (err)
		return err;

	err = show_str(relay, "uri", status->relay.uri);
	if (!err)
		err = show_str(relay, "state", status->relay.state);
	if (!err)
		err = show_str(relay, "text", status->relay.text);
	if (err) {
		mem_deref(relay);
		return err;
	}

	return show_child(o, "relay", ODICT_OBJECT, relay);
}


int run_status(struct ctx *ctx)
{
	struct cpm_status status;
	struct odict *o = ctx->out;
	int err;

	err = cpm_status(ctx->cpm, &status);
	if (!err)
		err = show_str(o, "version", CPM_VERSION);
	if (!err)
		err = show_str(o, "host", "baresip 1.0.0");
	if (!err)
		err = show_str(o, "db", cpm_store_path(cpm_reader(ctx->cpm)));
	if (!err)
		err = show_store(o, &status.store);
	if (!err)
		err = show_accounts(o, ctx->cpm);
	if (!err)
		err = show_uint(o, "sessions", status.sessions);
	if (!err)
		err = show_relay(o, &status);

	/* what is not known is left out */
	if (err || status.store.state != CPM_STORE_READY)
		return err;

	err = show_uint(o, "conversations", status.counts.conversations);
	if (!err)
		err = show_uint(o, "messages", status.counts.messages);
	if (!err)
		err = show_uint(o, "unread", status.counts.unread);
	if (!err)
		err = show_uint(o, "imdn_pending",
				status.counts.imdn_pending);
	if (!err)
		err = show_uint(o, "imdn_failed", status.counts.imdn_failed);
	if (!err)
		err = show_uint(o, "deferred", status.counts.deferred);
	if (!err)
		err = show_uint(o, "queued", status.counts.queued);

	return err;
}
