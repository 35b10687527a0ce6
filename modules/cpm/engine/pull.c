/**
 * @file pull.c  What was announced is fetched, by the user or by itself
 *
 * wire.md 5 and 13.8. One pull of an account at a time. What it is to bring is
 * noted when it begins: that leaves the list when it has ended in order, but
 * for what was announced again meanwhile. Whatever comes and has the reference
 * of an announcement as its imdn.Message-ID leaves the list at once, also when
 * it was pushed.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_announce.h>
#include "engine.h"
#include "session.h"
#include "outbox.h"
#include "call.h"
#include "pull.h"


/* What goes on for an account */
struct fetch {
	struct le le;
	struct pulls *ps;
	struct tmr tmr;          /* until the next try by itself            */
	uint32_t session;        /* number of the one that runs; 0: none    */
	struct pull *pull;       /* its                                     */
	uint32_t tries;          /* in vain, by itself                      */
	bool done;               /* no more by itself, until the next
				    announcement                            */
	char *aor;
};

struct pulls {
	struct cpm *cpm;
	struct list fetchl;
	char *uri;               /* NULL: the account's own                 */
	bool counted;            /* waiting is known                        */
	bool waiting;            /* there may be something in the list      */
};


static void kick(struct fetch *f);


/*
 * Accounts
 */

static void fetch_destructor(void *arg)
{
	struct fetch *f = arg;

	list_unlink(&f->le);
	tmr_cancel(&f->tmr);
	mem_deref(f->pull);
	mem_deref(f->aor);
}


static struct fetch *fetch_find(const struct pulls *ps, const char *aor)
{
	struct le *le;

	for (le = ps->fetchl.head; le; le = le->next) {
		struct fetch *f = le->data;

		if (!str_cmp(f->aor, aor))
			return f;
	}

	return NULL;
}


/* @return 0; ENOMEM */
static int fetch_get(struct fetch **fp, struct pulls *ps, const char *aor)
{
	struct fetch *f = fetch_find(ps, aor);
	int err = 0;

	if (!f) {
		f = mem_zalloc(sizeof(*f), fetch_destructor);
		if (!f)
			return ENOMEM;

		tmr_init(&f->tmr);
		f->ps = ps;
		err = str_dup(&f->aor, aor);
		if (err)
			mem_deref(f);
		else
			list_append(&ps->fetchl, &f->le, f);
	}
	if (!err)
		*fp = f;

	return err;
}


static void destructor(void *arg)
{
	struct pulls *ps = arg;

	list_flush(&ps->fetchl);
	mem_deref(ps->uri);
}


int pulls_alloc(struct pulls **psp, struct cpm *cpm)
{
	struct pulls *ps;
	int err = 0;

	ps = mem_zalloc(sizeof(*ps), destructor);
	if (!ps)
		return ENOMEM;

	ps->cpm = cpm;
	if (cpm->conf.deferred_uri)
		err = str_dup(&ps->uri, cpm->conf.deferred_uri);
	if (err)
		mem_deref(ps);
	else
		*psp = ps;

	return err;
}


const char *pull_uri(const struct pulls *ps, const char *aor)
{
	return ps && ps->uri ? ps->uri : aor;
}


/*
 * One pull
 */

/* Which ones: a document, or none for all */
static int part_make(struct mbuf **mbp, const char *const *refv, size_t refc)
{
	struct mbuf *mb;
	int err;

	if (!refc)
		return 0;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	err = announce_encode(mb, refv, refc);
	mb->pos = 0;
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}


static int invite(struct session **sp, struct fetch *f,
		  const struct cpm_account *acc, struct pull *p,
		  struct mbuf *part)
{
	struct cpm *cpm = f->ps->cpm;
	const struct call call = {
		.uri     = pull_uri(f->ps, acc->aor),
		.service = "deferred",
		.ptype   = ANNOUNCE_LIST_TYPE,
		.part    = part,
	};
	struct source *src;
	int err;

	err = source_make(&src, cpm, acc->aor);
	if (err)
		return err;

	/* nobody is known by it but the server, and no conversation; as an
	   INVITE of the same service that comes */
	src->org.standfw = true;
	src->kind     = CPM_CHAT;
	src->mode     = CPM_LARGE;
	src->deferred = true;
	src->pull     = mem_ref(p);
	err = call_start(sp, cpm, acc, src, SDP_RECVONLY, &call);
	mem_deref(src);

	return err;
}


static int begin(struct fetch *f, struct pull *p, const char *const *refv,
		 size_t refc)
{
	struct cpm *cpm = f->ps->cpm;
	struct cpm_account acc;
	struct mbuf *part = NULL;
	struct session *s;
	int err;

	if (!outbox_isready(cpm->outbox, f->aor, &acc))
		return ENOTCONN;
	if (sessions_full(cpm))
		return EBUSY;

	err = part_make(&part, refv, refc);
	if (!err)
		err = invite(&s, f, &acc, p, part);
	mem_deref(part);
	if (err)
		return err;

	tmr_cancel(&f->tmr);
	f->session = s->id;
	f->pull    = mem_ref(p);

	return 0;
}


static bool isall(const char *const *refv, size_t refc)
{
	size_t i;

	for (i=0; i<refc; i++) {
		if (!strcmp(refv[i], PULL_ALL))
			return true;
	}

	return !refc;
}


int cpm_pull(struct cpm *cpm, const char *account, const char *const *refv,
	     size_t refc, uint32_t *session, size_t *bad)
{
	struct pull *p = NULL;
	struct fetch *f;
	size_t i;
	int err;

	if (!cpm || !account || !session || (refc && !refv))
		return EINVAL;
	if (refc > CPM_PULL_MAX)
		return EOVERFLOW;
	if (!ready_is(cpm) || !cpm->pulls)
		return EAGAIN;
	if (!outbox_isready(cpm->outbox, account, NULL))
		return ENOTCONN;

	err = fetch_get(&f, cpm->pulls, account);
	if (err)
		return err;

	*session = f->session;
	if (f->session)
		return EALREADY;

	err = pull_load(&p, cpm, account, refv, isall(refv, refc) ? 0 : refc);
	for (i=0; i<refc && !err; i++) {
		if (pull_item(p, refv[i]))
			continue;
		if (bad)
			*bad = i;
		err = ENOENT;
	}
	if (!err)
		err = begin(f, p, refv, isall(refv, refc) ? 0 : refc);
	if (!err)
		*session = f->session;
	mem_deref(p);

	return err;
}


/*
 * By itself
 */

static bool any_handler(const struct cpm_announced *ann, void *arg)
{
	(void)ann;
	*(bool *)arg = true;

	return true;
}


static bool isempty(const struct fetch *f)
{
	bool any = false;

	return cpm_store_announced(f->ps->cpm->store, f->aor, engine_now(),
				   any_handler, &any) || !any;
}


/* The user wants deliveries, of everybody, and now */
static bool isallowed(const struct fetch *f)
{
	struct cpm *cpm = f->ps->cpm;
	struct cpm_policy pol;

	policy_resolve(cpm->policy, &cpm->conf, f->aor, NULL, &pol);

	return cpm->conf.auto_pull && pol.deferred == CPM_ANSWER_ACCEPT &&
		!cpm->host.dndh(cpm->host.arg);
}


static void tmr_handler(void *arg)
{
	kick(arg);
}


/* @param after seconds that the server asks for, 0: it does not */
static void later(struct fetch *f, uint32_t after)
{
	if (++f->tries >= RETRY_MAX) {
		f->done = true;
		return;
	}

	tmr_start(&f->tmr, retry_next(0, f->tries, after, rand_u32()),
		  tmr_handler, f);
}


static void kick(struct fetch *f)
{
	struct cpm *cpm = f->ps->cpm;
	struct pull *p = NULL;
	int err;

	if (cpm->down || f->done || f->session || tmr_isrunning(&f->tmr) ||
	    !isallowed(f) || isempty(f))
		return;

	err = pull_load(&p, cpm, f->aor, NULL, 0);
	if (!err)
		err = begin(f, p, NULL, 0);
	mem_deref(p);

	/* without its registration it waits for that */
	if (err && err != ENOTCONN)
		later(f, 0);
}


void pull_registered(struct pulls *ps, const char *aor)
{
	struct fetch *f;

	if (ps && aor && ps->cpm->conf.auto_pull && !fetch_get(&f, ps, aor))
		kick(f);
}


static bool count_handler(const struct cpm_announced *ann, void *arg)
{
	(void)ann;
	++*(size_t *)arg;

	return false;
}


static void tell(struct cpm *cpm, const char *aor)
{
	struct cpm_event ev = {.id = CPM_EV_DEFERRED, .account = aor};
	size_t n = 0;

	if (cpm_store_announced(cpm->store, aor, engine_now(), count_handler,
				&n))
		return;

	ev.u.deferred.count = n;
	engine_event(cpm, &ev);
}


void pull_announced(struct cpm *cpm, const char *aor,
		    const char *const *refv, size_t refc)
{
	struct item *item;
	struct fetch *f;
	size_t i;

	if (!cpm->pulls)
		return;

	cpm->pulls->counted = cpm->pulls->waiting = true;
	tell(cpm, aor);
	if (fetch_get(&f, cpm->pulls, aor))
		return;

	for (i=0; i<refc && f->pull; i++) {
		item = pull_item(f->pull, refv[i]);
		if (item)
			item->again = true;
	}

	f->done  = false;
	f->tries = 0;
	tmr_cancel(&f->tmr);
	kick(f);
}


/*
 * What has come
 */

/* Each message asks: not of the store, while nothing waits */
static bool iswaiting(struct pulls *ps)
{
	struct cpm_counts counts;

	if (!ps->counted && !cpm_store_counts(ps->cpm->store, &counts)) {
		ps->waiting = counts.deferred > 0;
		ps->counted = true;
	}

	return ps->waiting;
}


void pull_stored(struct cpm *cpm, const char *aor, const char *id)
{
	if (!id || !cpm->pulls || !iswaiting(cpm->pulls))
		return;

	/* if this cannot be: it is fetched once more, and known then */
	(void)cpm_store_fetched(cpm->store, aor, &id, 1, NULL, NULL);
}


struct cleared {
	struct cpm *cpm;
	char *aor;
};

static void cleared_destructor(void *arg)
{
	struct cleared *cl = arg;

	mem_deref(cl->aor);
}


/* What was announced meanwhile is next */
static void cleared_handler(int err, void *arg)
{
	struct cleared *cl = arg;
	struct pulls *ps = cl->cpm->pulls;
	struct fetch *f = ps ? fetch_find(ps, cl->aor) : NULL;

	if (ps)
		ps->counted = false;
	if (f && (!err || err == ENOENT))
		kick(f);
	mem_deref(cl);
}


static int clear(struct fetch *f, const struct pull *p)
{
	struct cpm *cpm = f->ps->cpm;
	struct cleared *cl;
	const char **refv;
	size_t i, n = 0;
	int err;

	cl = mem_zalloc(sizeof(*cl), cleared_destructor);
	refv = mem_alloc((p->itemc + 1) * sizeof(*refv), NULL);
	err = cl && refv ? str_dup(&cl->aor, f->aor) : ENOMEM;
	if (err)
		goto out;

	cl->cpm = cpm;
	for (i=0; i<p->itemc; i++) {
		if (!p->itemv[i].again)
			refv[n++] = p->itemv[i].reference;
	}

	/* none means all to the store */
	if (n)
		err = cpm_store_fetched(cpm->store, f->aor, refv, n,
					cleared_handler, cl);
	if (n && !err)
		cl = NULL;
	else if (!err)
		kick(f);
 out:
	mem_deref(cl);
	mem_deref(refv);

	return err;
}


/* A refusal for good, or the user's own will: not by itself again */
static bool isfinal(const struct session *s)
{
	return s->unwanted ||
		(s->code && retry_verdict(s->code) == RETRY_NEVER);
}


/* Whatever the server has sent is ours, and it was as much as it had told of:
   what was refused, came in part or not at all, it may have still */
static bool iswhole(const struct session *s, const struct pull *p)
{
	struct msrp_stats stats;

	memset(&stats, 0, sizeof(stats));
	msrp_sess_stats(s->msrp, &stats);

	return !stats.refused && stats.taken == stats.begun && stats.taken &&
		stats.taken >= p->itemc;
}


static void ended(struct fetch *f, const struct session *s, struct pull *p)
{
	const bool order = s->state == SESS_CLOSED && s->bye && s->bound;

	if (order && iswhole(s, p) && !clear(f, p))
		f->tries = 0;
	else if (isfinal(s))
		f->done = true;
	else if (isallowed(f))
		later(f, s->after);
}


void pull_ended(struct session *s)
{
	struct pulls *ps = s->cpm->pulls;
	struct fetch *f;
	struct pull *p;

	f = ps && s->src->pull ? fetch_find(ps, s->src->aor) : NULL;
	if (!f || f->session != s->id)
		return;

	p = f->pull;
	f->pull = NULL;
	f->session = 0;
	if (!s->cpm->down)
		ended(f, s, p);
	mem_deref(p);
}


int cpm_deferred(const struct cpm *cpm, const char *account,
		 cpm_announced_h *h, void *arg)
{
	if (!cpm)
		return EINVAL;

	return cpm_store_announced(cpm->store, account, engine_now(), h, arg);
}
