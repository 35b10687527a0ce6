/**
 * @file take.c  A whole message that has come: kept, or otherwise of use
 *
 * Store, then acknowledge: who asks is told after the commit. wire.md 2.6,
 * 6.2 and 13.3; RFC 3862; RFC 5438.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_mime.h>
#include "engine.h"
#include "composing.h"
#include "pull.h"
#include "first.h"
#include "take.h"
#include "trust.h"


/** A message while the store has it */
struct taking {
	struct source *src;
	char *id;                /* imdn.Message-ID, or NULL                */
	take_h *h;
	void *arg;
};


static void source_destructor(void *arg)
{
	struct source *src = arg;

	mem_deref(src->pull);
	mem_deref(src->aor);
	mem_deref(src->callid);
	mem_deref(src->head);
	origin_reset(&src->org);
}


int source_make(struct source **srcp, struct cpm *cpm, const char *aor)
{
	struct source *src;
	int err;

	src = mem_zalloc(sizeof(*src), source_destructor);
	if (!src)
		return ENOMEM;

	src->cpm = cpm;
	err = str_dup(&src->aor, aor);
	if (err)
		mem_deref(src);
	else
		*srcp = src;

	return err;
}


int source_alloc(struct source **srcp, struct cpm *cpm, const char *aor,
		 const struct sip_msg *msg)
{
	struct source *src;
	int err;

	err = source_make(&src, cpm, aor);
	if (err)
		return err;

	err = pl_strdup(&src->callid, &msg->callid);
	if (!err)
		err = origin_decode(&src->org, msg,
				    trust_asserts(cpm->trust, aor, msg));

	if (err)
		mem_deref(src);
	else
		*srcp = src;

	return err;
}


static void destructor(void *arg)
{
	struct taking *tk = arg;

	mem_deref(tk->src);
	mem_deref(tk->id);
}


static void put_handler(int err, const struct cpm_put_result *res, void *arg)
{
	struct taking *tk = arg;
	struct source *src = tk->src;

	if (!err) {
		pull_stored(src->cpm, src->aor, tk->id);
		src->conversation = res->conversation;
		if (!res->duplicate) {
			++src->messages;
			(void)fresh_add(src->cpm, src->aor,
					res->conversation, res->id,
					src->deferred);
		}
	}

	tk->h(err, res, tk->arg);
	mem_deref(tk);
}


static int put(struct source *src, const struct cpim_msg *cpim, size_t start,
	       const struct taken *how, take_h *h, void *arg)
{
	struct cpm_msg *msg = NULL;
	struct taking *tk;
	int err;

	tk = mem_zalloc(sizeof(*tk), destructor);
	if (!tk)
		return ENOMEM;

	tk->src = mem_ref(src);
	tk->h   = h;
	tk->arg = arg;

	err = record(&msg, src, cpim, start, how);
	if (!err && msg->imdn_id)
		err = str_dup(&tk->id, msg->imdn_id);
	if (!err)
		err = cpm_store_put(src->cpm->store, msg, put_handler, tk);
	if (err)
		mem_deref(tk);
	else
		composing_content(src);
	mem_deref(msg);

	return err;
}


/* isComposing in CPIM */
static int status_take(struct source *src, const struct cpim_msg *cpim,
		       const struct taken *how)
{
	struct mbuf *mb = NULL;
	int err;

	if (src->deferred)
		return EALREADY;
	if (how->body)
		return EMSGSIZE;

	err = cpim_body_decode(&mb, &cpim->cte, cpim->mb->buf + cpim->body,
			       cpim->mb->end - cpim->body);
	if (err)
		return err;

	switch (composing_recv(src, mb->buf, mb->end)) {

	case 200: err = EALREADY; break;
	case 400: err = EBADMSG;  break;
	default:  err = ENOMEM;   break;
	}
	mem_deref(mb);

	return err;
}


static int content_take(struct source *src, struct cpim_msg *cpim,
			size_t start, const struct taken *how, take_h *h,
			void *arg)
{
	int err;

	first_head(cpim, src);
	err = put(src, cpim, start, how, h, arg);
	/* kept or not: it is not the head of the next one */
	src->head = mem_deref(src->head);

	return err;
}


int take_cpim(struct source *src, struct mbuf *mb, const struct taken *how,
	      take_h *h, void *arg)
{
	struct cpim_msg *cpim = NULL;
	const size_t start = mb->pos;
	int err;

	err = cpim_decode_all(&cpim, mb);
	if (err)
		return err;

	if (!how->body && notification_is(cpim))
		err = notification_take(src, cpim, h, arg);
	else if (notification_type(&cpim->ctype))
		err = EOVERFLOW;
	else if (mime_type_is(&cpim->ctype, ISCOMP_TYPE))
		err = status_take(src, cpim, how);
	else
		err = content_take(src, cpim, start, how, h, arg);

	mem_deref(cpim);

	return err;
}


int take_bare(struct source *src, struct mbuf *mb, const struct pl *ctype,
	      const struct pl *cte, const struct taken *how, take_h *h,
	      void *arg)
{
	/* as if it were in CPIM, with a head that says nothing */
	const struct cpim_msg cpim = {
		.mb    = mb,
		.ctype = *ctype,
		.cte   = *cte,
		.body  = mb->pos,
	};

	return put(src, &cpim, mb->pos, how, h, arg);
}
