/**
 * @file composing.c  Who is writing: isComposing, both ways
 *
 * RFC 3994; wire.md 8. In ordinary sessions only: what was kept for delivery
 * is stale, and a delivery does not send. Nothing is stored, nothing is
 * notified.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "composing.h"


struct composing {
	struct session *sess;   /* borrowed: it owns us                     */
	struct comp_in in;
	struct comp_out out;
	struct tmr tmr;
	uint64_t tell_at;       /* not before                               */
	bool told;              /* state that the last event had            */
	bool refused;           /* the peer did not take what it said it
				   would: it is not bothered again          */
};


/*
 * Pure
 */

bool comp_in_status(struct comp_in *in, uint64_t now,
		    const struct iscomp_doc *doc)
{
	const uint32_t secs = doc->refresh ? min(doc->refresh, COMP_MAX)
		: ISCOMP_REFRESH;
	const bool was = in->active;

	in->active = doc->state == ISCOMP_ACTIVE;
	in->until = now + secs * 1000ULL;

	return in->active != was;
}


bool comp_in_end(struct comp_in *in)
{
	const bool was = in->active;

	in->active = false;

	return was;
}


bool comp_in_tick(struct comp_in *in, uint64_t now)
{
	return in->active && now >= in->until && comp_in_end(in);
}


enum comp_send comp_out_tell(struct comp_out *out, uint64_t now, bool active)
{
	if (!active) {
		const bool was = out->active;

		out->active = false;
		return was ? COMP_SEND_IDLE : COMP_SEND_NONE;
	}

	out->idle_at = now + COMP_IDLE;
	if (out->active && now < out->again_at)
		return COMP_SEND_NONE;

	out->active = true;
	out->again_at = now + COMP_AGAIN;

	return COMP_SEND_ACTIVE;
}


enum comp_send comp_out_tick(struct comp_out *out, uint64_t now)
{
	if (!out->active)
		return COMP_SEND_NONE;

	if (now >= out->idle_at)
		return comp_out_tell(out, now, false);

	if (now < out->again_at)
		return COMP_SEND_NONE;

	out->again_at = now + COMP_AGAIN;

	return COMP_SEND_ACTIVE;
}


uint64_t comp_due(const struct comp_in *in, const struct comp_out *out)
{
	uint64_t due = UINT64_MAX;

	if (in->active)
		due = in->until;
	if (out->active)
		due = min(due, min(out->idle_at, out->again_at));

	return due == UINT64_MAX ? 0 : due;
}


/* Does a list of media types, separated by blanks, have this one?
   accept-types = ( accept-format *(SP accept-format) ), "*" and "type/" "*"
   stand for many (RFC 4975, 9) */
static bool types_have(const char *types, const char *type, const char *many)
{
	struct pl list, word;
	const char *p;

	if (!types)
		return false;

	pl_set_str(&list, types);
	while (list.l) {
		p = pl_strchr(&list, ' ');
		word.p = list.p;
		word.l = p ? (size_t)(p - list.p) : list.l;
		pl_advance(&list, (ssize_t)(p ? word.l + 1 : word.l));
		if (!pl_strcmp(&word, "*") || !pl_strcasecmp(&word, type) ||
		    !pl_strcasecmp(&word, many))
			return true;
	}

	return false;
}


unsigned comp_forms(const char *accept_types, const char *accept_wrapped)
{
	unsigned set = COMP_FORM_NONE;

	if (types_have(accept_types, ISCOMP_TYPE, "application/*"))
		set |= COMP_FORM_BARE;

	/* what may stand alone may stand in a wrapper as well */
	if (types_have(accept_types, "message/cpim", "message/*") &&
	    ((set & COMP_FORM_BARE) ||
	     types_have(accept_wrapped, ISCOMP_TYPE, "application/*")))
		set |= COMP_FORM_CPIM;

	return set;
}


/*
 * A session's
 */

static void destructor(void *arg)
{
	struct composing *c = arg;

	tmr_cancel(&c->tmr);
}


static struct composing *composing_get(struct session *s)
{
	if (s->comp)
		return s->comp;

	s->comp = mem_zalloc(sizeof(*s->comp), destructor);
	if (!s->comp)
		return NULL;

	tmr_init(&s->comp->tmr);
	s->comp->sess = s;

	return s->comp;
}


/* Its conversation, if there is one already */
static uint64_t conversation(struct source *src)
{
	char *key = NULL;

	if (src->conversation)
		return src->conversation;

	if (!conv_key(&key, &src->org, src->org.peer))
		(void)cpm_store_conv_find(src->cpm->store, src->aor, key,
					  &src->conversation);
	mem_deref(key);

	return src->conversation;
}


static void tell(const struct composing *c)
{
	struct source *src = c->sess->src;
	const struct cpm_event ev = {
		.id      = CPM_EV_COMPOSING,
		.account = src->aor,
		.u.composing = {
			.conversation = conversation(src),
			.session      = c->sess->id,
			.active       = c->in.active,
		},
	};

	engine_event(src->cpm, &ev);
}


static int cpim_wrap(struct mbuf **mbp, const struct session *s,
		     const struct mbuf *doc)
{
	static const char nobody[] = "sip:anonymous@anonymous.invalid";
	const struct source *src = s->src;
	struct mbuf *mb = mbuf_alloc(1024);
	int err;

	if (!mb)
		return ENOMEM;

	err = cpim_encode(mb, &(struct cpim_out){
		.from  = src->aor,
		.to    = src->org.peer ? src->org.peer : nobody,
		.time  = engine_now(),
		.ctype = ISCOMP_TYPE,
		.body  = doc->buf,
		.len   = doc->end,
	});
	mb->pos = 0;
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct composing *c = arg;

	if (err == EPROTO && (scode == 403 || scode == 415))
		c->refused = true;
}


/* Failures only are answered: nobody waits for these */
static int put(struct composing *c, const char *ctype, struct mbuf *mb)
{
	return msrp_send(NULL, c->sess->msrp, &(struct msrp_send){
		.ctype = ctype, .mb = mb,
		.failure_report = MSRP_FREPORT_PARTIAL,
		.senth = sent_handler, .arg = c,
	});
}


static int status_send(struct composing *c, enum comp_send what)
{
	struct iscomp_doc doc = {.state = ISCOMP_IDLE};
	const bool bare = c->sess->forms & COMP_FORM_BARE;
	struct mbuf *mb, *cpim = NULL;
	int err;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	if (what == COMP_SEND_ACTIVE) {
		doc.state = ISCOMP_ACTIVE;
		doc.refresh = COMP_REFRESH;
		str_ncpy(doc.contenttype, "text/plain",
			 sizeof(doc.contenttype));
	}

	err = iscomp_encode(mb, &doc);
	mb->pos = 0;
	if (!err && !bare)
		err = cpim_wrap(&cpim, c->sess, mb);
	if (!err)
		err = put(c, bare ? ISCOMP_TYPE : "message/cpim",
			  bare ? mb : cpim);

	mem_deref(cpim);
	mem_deref(mb);

	return err;
}


static bool may_send(const struct composing *c)
{
	const struct session *s = c->sess;

	return s->state == SESS_ESTABLISHED && (s->dir & SDP_SENDONLY) &&
		s->forms && !c->refused;
}


static void tmr_handler(void *arg);


static void timer_set(struct composing *c, uint64_t now)
{
	uint64_t due = comp_due(&c->in, &c->out);

	if (c->in.active != c->told && (!due || c->tell_at < due))
		due = c->tell_at;

	if (due)
		tmr_start(&c->tmr, due > now ? due - now : 0, tmr_handler, c);
	else
		tmr_cancel(&c->tmr);
}


/* Something may have changed. Last in what calls it: who is told may do
   anything */
static void update(struct composing *c, uint64_t now)
{
	const bool news = c->in.active != c->told && now >= c->tell_at;

	if (news) {
		c->told = c->in.active;
		c->tell_at = now + COMP_TELL;
	}

	timer_set(c, now);
	if (news)
		tell(c);
}


static void tmr_handler(void *arg)
{
	struct composing *c = arg;
	const uint64_t now = tmr_jiffies();
	const enum comp_send what = comp_out_tick(&c->out, now);

	/* if there is no memory now, the other side's timer does it */
	if (what && may_send(c))
		(void)status_send(c, what);

	(void)comp_in_tick(&c->in, now);
	update(c, now);
}


uint16_t composing_recv(struct source *src, const uint8_t *buf, size_t len)
{
	const uint64_t now = tmr_jiffies();
	struct composing *c;
	struct iscomp_doc doc;
	int err;

	if (src->deferred || !src->sess)
		return 200;

	err = iscomp_decode(&doc, buf, len);
	if (err)
		return err == ENOMEM ? 413 : 400;

	c = composing_get(src->sess);
	if (!c)
		return 413;

	(void)comp_in_status(&c->in, now, &doc);
	update(c, now);

	return 200;
}


void composing_content(struct source *src)
{
	struct composing *c = src->sess ? src->sess->comp : NULL;

	if (c && comp_in_end(&c->in))
		update(c, tmr_jiffies());
}


void composing_sent(struct session *s)
{
	struct composing *c = s->comp;

	if (!c || !c->out.active)
		return;

	c->out.active = false;
	timer_set(c, tmr_jiffies());
}


void composing_end(struct session *s)
{
	struct composing *c = s->comp;

	if (!c)
		return;

	tmr_cancel(&c->tmr);
	(void)comp_in_end(&c->in);
	if (c->told)
		tell(c);
}


/* Which conversation of ours */
struct wanted {
	struct cpm *cpm;
	struct session *sess;   /* NULL: none that is no delivery           */
	bool delivery;
};


/* As conv_key() has it */
static bool same_conv(const struct source *src, const struct cpm_conv *conv)
{
	const struct origin *org = &src->org;

	if (src->conversation)
		return src->conversation == conv->id;

	if (str_cmp(src->aor, conv->account))
		return false;

	if (org->conversation_id || conv->conversation_id)
		return org->conversation_id && conv->conversation_id &&
			!str_cmp(org->conversation_id, conv->conversation_id);

	return org->peer && conv->peer && !str_cmp(org->peer, conv->peer);
}


static bool conv_handler(const struct cpm_conv *conv, void *arg)
{
	struct wanted *w = arg;
	struct le *le;

	for (le = w->cpm->sessl.head; le && !w->sess; le = le->next) {
		struct session *s = le->data;

		if (s->state != SESS_ESTABLISHED || !same_conv(s->src, conv))
			continue;
		if (s->src->deferred)
			w->delivery = true;
		else if (s->src->mode == CPM_SESSION)
			w->sess = s;
	}

	return true;
}


int cpm_composing(struct cpm *cpm, uint64_t conv, bool active,
		  enum cpm_composed *donep)
{
	struct wanted w = {.cpm = cpm};
	enum comp_send what;
	struct composing *c;
	uint64_t now;
	int err;

	if (!cpm || !donep)
		return EINVAL;

	err = cpm_store_conv(cpm->store, conv, conv_handler, &w);
	if (err)
		return err;
	if (!w.sess)
		return w.delivery ? EPROTO : ENOTCONN;

	c = composing_get(w.sess);
	if (!c)
		return ENOMEM;

	if (!may_send(c)) {
		*donep = w.sess->dir & SDP_SENDONLY ? CPM_COMPOSED_NOT_TAKEN
			: CPM_COMPOSED_HELD;
		return 0;
	}

	now = tmr_jiffies();
	what = comp_out_tell(&c->out, now, active);
	timer_set(c, now);
	*donep = what ? CPM_COMPOSED_SENT : CPM_COMPOSED_KNOWN;

	return what ? status_send(c, what) : 0;
}
