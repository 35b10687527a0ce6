/**
 * @file send.c  Commands that send: cpm_send, cpm_draft, cpm_cancel
 *
 * bus.md, Commands. Whatever is wrong is one line that says what to do.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cmd.h"


/** What cpm_send is to do, and what it holds meanwhile */
struct job {
	struct cpm_send snd;
	struct mbuf *body;              /* owned */
	const char *draft;
	char type[CPM_TYPE_MAX + 1];
};


/* What is there of these keys; more or less than one is refused */
static const char *one_of(struct ctx *ctx, const char *const keyv[3])
{
	const char *found = NULL;
	size_t i, n = 0;

	for (i=0; i<3; i++) {
		if (!args_has(ctx->in, keyv[i]))
			continue;
		found = keyv[i];
		++n;
	}

	if (n == 1)
		return found;

	(void)fail(ctx, EINVAL, "one of \"%s\", \"%s\" and \"%s\" is needed%s",
		   keyv[0], keyv[1], keyv[2], n ? ", not several" : "");

	return NULL;
}


/* The softphone's current account, which it may have let go of since; else
   the first one */
static const char *current_account(void)
{
	const struct ua *cur = uag_current();
	struct le *le;

	for (le = list_head(uag_list()); le; le = le->next) {
		if (le->data == cur)
			return account_aor(ua_account(cur));
	}

	le = list_head(uag_list());

	return le ? account_aor(ua_account(le->data)) : NULL;
}


static int set_account(struct ctx *ctx, struct cpm_send *snd)
{
	snd->account = args_str(ctx->in, "account");
	if (snd->account && !uag_find_aor(snd->account))
		return fail(ctx, ENOENT, "no account %s", snd->account);

	/* an answer goes from where the message came to */
	if (snd->account || !snd->to)
		return 0;

	snd->account = current_account();

	return snd->account ? 0 : fail(ctx, ENOTCONN, "the softphone has no "
				       "account");
}


static int set_to(struct ctx *ctx, struct cpm_send *snd)
{
	static const char *const keyv[] = {"to", "conversation", "reply_to"};

	if (!one_of(ctx, keyv))
		return EINVAL;

	snd->to           = args_str(ctx->in, "to");
	snd->conversation = args_uint(ctx->in, "conversation");
	snd->reply_to     = args_uint(ctx->in, "reply_to");
	if (args_has(ctx->in, "conversation") && !snd->conversation)
		return fail(ctx, ENOENT, "no conversation 0");
	if (args_has(ctx->in, "reply_to") && !snd->reply_to)
		return fail(ctx, ENOENT, "no message 0");

	return set_account(ctx, snd);
}


static int set_mode(struct ctx *ctx, struct cpm_send *snd)
{
	static const char *const namev[] = {
		[CPM_SEND_AUTO]    = "auto",
		[CPM_SEND_PAGE]    = "page",
		[CPM_SEND_LARGE]   = "large",
		[CPM_SEND_SESSION] = "session",
	};
	const char *mode = args_str(ctx->in, "mode");
	size_t i;

	if (!mode)
		return 0;

	for (i=0; i<ARRAY_SIZE(namev); i++) {
		if (!strcmp(namev[i], mode)) {
			snd->mode = (enum cpm_send_mode)i;
			return 0;
		}
	}

	return fail(ctx, EINVAL, "\"mode\" must be auto, page, large or "
		    "session");
}


/* Also a draft's: it may be longer before all of this one is on disk */
static int set_text(struct ctx *ctx, struct job *job, const uint8_t *buf,
		    size_t len)
{
	const size_t valid = cpm_text_valid(buf, len);

	if (!len)
		return fail(ctx, EINVAL, "there is no text");
	if (valid < len)
		return fail(ctx, EINVAL, "the text is no UTF-8 at octet %zu",
			    valid);

	job->body = mbuf_alloc(len);
	if (!job->body)
		return ENOMEM;

	job->snd.body = job->body;
	if (mbuf_write_mem(job->body, buf, len))
		return ENOMEM;
	job->body->pos = 0;

	return 0;
}


static int set_draft(struct ctx *ctx, struct job *job, const char *name)
{
	const struct mbuf *mb = drafts_find(ctx->drafts, name);

	if (!mb)
		return fail(ctx, ENOENT, "no draft %s", name);

	job->draft = name;

	return set_text(ctx, job, mb->buf, mb->end);
}


/* What the user says that it is counts */
static int set_file(struct ctx *ctx, struct job *job, const char *path,
		    bool known)
{
	const char *why = NULL;
	int err;

	job->snd.file = path;
	err = filetype_get(ctx->filetype, known ? NULL : job->type,
			   sizeof(job->type), path, &why);
	if (why)
		return fail(ctx, err, "the file \"%s\" %s", path, why);
	if (err)
		return err == ENOMEM ? err
			: fail(ctx, err, "the file \"%s\": %m", path, err);

	job->snd.type = job->type;

	return 0;
}


static int set_content(struct ctx *ctx, struct job *job)
{
	static const char *const keyv[] = {"text", "draft", "file"};
	const char *key = one_of(ctx, keyv);
	const char *type = args_str(ctx->in, "type");
	const char *val;
	int err;

	if (!key)
		return EINVAL;
	if (type && !filetype_isvalid(type))
		return fail(ctx, EINVAL, "\"type\" must be a media type, as "
			    "text/plain, of at most %u octets", CPM_TYPE_MAX);

	val = args_str(ctx->in, key);
	if (!strcmp(key, "text"))
		err = set_text(ctx, job, (const uint8_t *)val, strlen(val));
	else if (!strcmp(key, "draft"))
		err = set_draft(ctx, job, val);
	else
		err = set_file(ctx, job, val, type != NULL);
	if (type)
		job->snd.type = type;

	return err;
}


/* Whom or what there is not */
static int send_none(struct ctx *ctx, const struct cpm_send *snd, int err)
{
	/* a file was there when its type was looked for */
	return snd->reply_to
		? fail(ctx, err, "no message %llu", snd->reply_to)
		: snd->conversation
		? fail(ctx, err, "no conversation %llu", snd->conversation)
		: fail(ctx, err, "the file \"%s\" is not there any more",
		       snd->file);
}


/* What the engine says of these is its number only */
static const char *send_text(const struct cpm_send *snd, int err)
{
	switch (err) {

	case ENOTSUP:   return "nothing can be sent to a group";
	case EMSGSIZE:
		return snd->mode == CPM_SEND_PAGE
			? "it is over cpm_page_limit, or cpm_max_size"
			: "it is over cpm_max_size";
	case EACCES:
	case EROFS:     return "the message store cannot be written";
	case EBUSY:     return "another program holds the message store";
	case EBADMSG:   return "the message store is damaged";
	case ENOTCONN:  return "its account is not there any more";
	case ETIMEDOUT: return "the disk did not take it in time: it will not "
			       "be sent";
	case EDQUOT:    return "the account has as many octets as cpm_quota "
			       "allows";
	case ENOSPC:    return "the disk is full";
	default:        return NULL;
	}
}


static int send_why(struct ctx *ctx, const struct cpm_send *snd, int err,
		    const char *why)
{
	if (err == ENOENT)
		return send_none(ctx, snd, err);
	/* the store says why */
	if (err == EAGAIN)
		return err;
	if (!why)
		why = send_text(snd, err);

	return why ? fail(ctx, err, "%s", why) : err;
}


static int job_do(struct ctx *ctx, const struct job *job)
{
	const char *why = NULL;
	int err;

	err = cpm_send(ctx->cpm, &job->snd, &ctx->id, &why);
	if (err)
		return send_why(ctx, &job->snd, err, why);

	if (job->draft)
		(void)drafts_remove(ctx->drafts, job->draft);

	return 0;
}


int run_send(struct ctx *ctx)
{
	struct job job;
	int err;

	memset(&job, 0, sizeof(job));
	err = set_to(ctx, &job.snd);
	if (!err)
		err = set_mode(ctx, &job.snd);
	if (!err)
		err = set_content(ctx, &job);
	if (!err)
		err = job_do(ctx, &job);
	mem_deref(job.body);

	return err;
}


int run_cancel(struct ctx *ctx)
{
	const uint64_t id = args_uint(ctx->in, "id");
	int err;

	err = id ? cpm_cancel(ctx->cpm, id) : ENOENT;
	switch (err) {

	case 0:
		break;
	case ENOENT:
		return fail(ctx, err, "no message %llu", id);
	case EINVAL:
		return fail(ctx, err, "message %llu is not yours", id);
	case EALREADY:
		return fail(ctx, err, "message %llu does not wait to be sent "
			    "any more", id);
	default:
		return err;
	}

	return show_uint(ctx->out, "canceled", id);
}


static int draft_append(struct ctx *ctx, const char *name, const char *piece)
{
	const int err = drafts_append(ctx->drafts, name, piece, NULL);

	switch (err) {

	case EMSGSIZE:
		return fail(ctx, err, "draft %s would be over %u octets: it "
			    "is as before", name, DRAFT_SIZE);
	case EBUSY:
		return fail(ctx, err, "%u drafts are there: send or clear one",
			    DRAFTS_MAX);
	default:
		return err;
	}
}


int run_draft(struct ctx *ctx)
{
	const char *name = args_str(ctx->in, "draft");
	const char *piece = args_str(ctx->in, "append");
	const bool clear = args_bool(ctx->in, "clear");
	const struct mbuf *mb;
	int err = 0;

	if (!str_isset(name) || str_len(name) > DRAFT_NAME_MAX)
		return fail(ctx, EINVAL, "\"draft\" must be a name of 1 to %u "
			    "octets", DRAFT_NAME_MAX);
	if (clear && piece)
		return fail(ctx, EINVAL, "one of \"append\" and \"clear\", "
			    "not both");

	if (piece)
		err = draft_append(ctx, name, piece);
	else if (clear)
		(void)drafts_remove(ctx->drafts, name);
	if (err)
		return err;

	mb = drafts_find(ctx->drafts, name);
	if (!mb && !clear)
		return fail(ctx, ENOENT, "no draft %s", name);

	err = show_str(ctx->out, "draft", name);

	return err ? err : show_uint(ctx->out, "size", mb ? mb->end : 0);
}
