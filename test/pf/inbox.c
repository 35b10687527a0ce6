/**
 * @file inbox.c  Chunks to messages (RFC 4975, 7.3), kept for who is not here
 *
 * What is small waits in memory for its last octet, what is larger in a file.
 * A message is answered 200 when it is on the disk: those of one read share a
 * transaction.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "net.h"


enum {
	SMALL     = 65536,       /* octets that wait in memory              */
	HEAD_MAX  = 16384,       /* of CPIM                                 */
	OPEN_MAX  = 64,          /* messages at once                        */
};

/* A message that is on its way to us */
struct parcel {
	struct le le;
	char *mid;
	char *type;
	struct mbuf *mb;         /* all of it, while it is small            */
	struct spool *sp;        /* else NULL: that                         */
	uint64_t have;           /* octets from the first on                */
};

/* One that is in the database, and not committed */
struct fresh {
	struct le le;
	struct kept *m;
	struct spool *sp;
};

struct inbox {
	struct session *sess;    /* borrowed                                */
	struct list parcell;
	struct list freshl;
	struct parcel *cur;      /* of the chunk that comes, or NULL        */
	uint64_t pos;            /* of its next octet                       */
	uint32_t code;           /* what the chunk will be answered         */
};


static void parcel_destructor(void *arg)
{
	struct parcel *pa = arg;

	list_unlink(&pa->le);
	mem_deref(pa->mid);
	mem_deref(pa->type);
	mem_deref(pa->mb);
	mem_deref(pa->sp);
}


static void fresh_destructor(void *arg)
{
	struct fresh *fr = arg;

	list_unlink(&fr->le);
	mem_deref(fr->m);
	mem_deref(fr->sp);
}


static void destructor(void *arg)
{
	struct inbox *in = arg;

	list_flush(&in->parcell);
	list_flush(&in->freshl);
}


/** Allocate one of a session that has a take. @return 0; ENOMEM */
int inbox_alloc(struct inbox **ip, struct session *sess)
{
	struct inbox *in = mem_zalloc(sizeof(*in), destructor);

	if (!in)
		return ENOMEM;

	in->sess = sess;
	*ip = in;
	return 0;
}


/** Nothing is half way */
bool inbox_isempty(const struct inbox *in)
{
	return list_isempty(&in->parcell) && list_isempty(&in->freshl);
}


static struct parcel *parcel_find(const struct inbox *in, const struct pl *mid)
{
	struct le *le;

	for (le = list_head(&in->parcell); le; le = le->next) {
		struct parcel *pa = le->data;

		if (!pl_strcmp(mid, pa->mid))
			return pa;
	}

	return NULL;
}


static int parcel_alloc(struct parcel **pp, struct inbox *in,
			const struct frame *f)
{
	struct parcel *pa;
	int err;

	if (list_count(&in->parcell) == OPEN_MAX)
		return EOVERFLOW;

	pa = mem_zalloc(sizeof(*pa), parcel_destructor);
	if (!pa)
		return ENOMEM;

	list_append(&in->parcell, &pa->le, pa);
	pa->mb = mbuf_alloc(512);
	err = pa->mb ? pl_strdup(&pa->mid, &f->mid) : ENOMEM;
	if (!err)
		err = pl_strdup(&pa->type, &f->ctype);
	if (err)
		mem_deref(pa);
	else
		*pp = pa;

	return err;
}


/** A chunk begins. Octets that we have may come once more; none may be left
    out: who sends in order does neither */
void inbox_begin(struct inbox *in, const struct frame *f)
{
	struct pl start = PL("1");
	struct parcel *pa = parcel_find(in, &f->mid);

	in->code = 200;
	in->cur = NULL;
	if (f->range.l && re_regex(f->range.p, f->range.l, "[0-9]+-", &start))
		in->code = 400;
	in->pos = pl_u64(&start) - 1;
	if (!f->mid.l || !f->ctype.l || in->pos > (pa ? pa->have : 0))
		in->code = 400;
	if (in->code == 200 && !pa && parcel_alloc(&pa, in, f))
		in->code = 413;
	if (in->code == 200)
		in->cur = pa;
	else
		mem_deref(pa);
}


static int write_(struct inbox *in, struct parcel *pa, const uint8_t *p,
		  size_t n)
{
	int err;

	if (!pa->sp && in->pos + n <= SMALL) {
		pa->mb->pos = (size_t)in->pos;
		return mbuf_write_mem(pa->mb, p, n);
	}
	if (!pa->sp) {
		err = spool_alloc(&pa->sp, in->sess->pf->keep);
		if (!err)
			err = spool_write(pa->sp, 0, pa->mb->buf,
					  pa->mb->end);
		if (err)
			return err;
		mbuf_reset(pa->mb);
	}

	return spool_write(pa->sp, in->pos, p, n);
}


/** Some of its octets */
void inbox_data(struct inbox *in, const uint8_t *p, size_t n)
{
	struct parcel *pa = in->cur;
	int err;

	if (!pa || !n)
		return;

	err = write_(in, pa, p, n);
	if (err) {
		event("error text=%s", strerror(err));
		in->code = 413;
		in->cur = mem_deref(pa);
		return;
	}
	in->pos += n;
	pa->have = MAX(pa->have, in->pos);
}


/* The first octets: its head */
static int head_get(struct mbuf **mbp, const struct parcel *pa)
{
	struct mbuf *mb = mbuf_alloc(HEAD_MAX);

	if (!mb)
		return ENOMEM;

	if (pa->sp)
		mb->end = spool_read(pa->sp, mb->buf, HEAD_MAX);
	else
		(void)mbuf_write_mem(mb, pa->mb->buf,
				     MIN(pa->mb->end, (size_t)HEAD_MAX));
	mb->pos = 0;
	*mbp = mb;
	return 0;
}


/* What is not to be kept: who is writing */
static bool is_stale(const struct pl *type)
{
	return pl_has(type, "application/im-iscomposing+xml");
}


static int id_set(struct kept *m, const struct pl *id)
{
	char uuid[ID_SIZE];

	if (id->l)
		return pl_strdup(&m->id, id);

	uuid_make(uuid);
	return str_dup(&m->id, uuid);
}


static int kept_make(struct kept **mp, const struct session *sess,
		     const struct pl *id, const char *type)
{
	const struct take *take = sess->take;
	struct kept *m;
	char date[40];
	int err = kept_alloc(&m);

	if (err)
		return err;

	date_now(date, sizeof(date));
	m->way = take->way;
	m->raw = id != NULL;
	err = id_set(m, id ? id : &pl_null);
	if (!err)
		err = str_dup(&m->user, sess->user->name);
	if (!err)
		err = str_dup(&m->sender, sess->sender);
	if (!err)
		err = str_dup(&m->rcpt, sess->user->aor);
	if (!err)
		err = str_dup(&m->conv, sess->conv);
	if (!err)
		err = str_dup(&m->type, type);
	if (!err)
		err = str_dup(&m->date, date);
	if (!err && take->contrib)
		err = str_dup(&m->contrib, take->contrib);
	if (!err && take->reply)
		err = str_dup(&m->reply, take->reply);
	if (err)
		mem_deref(m);
	else
		*mp = m;

	return err;
}


/* To the database; counts when it is committed. Takes m */
static int put(struct inbox *in, struct parcel *pa, struct kept *m)
{
	struct keep *k = in->sess->pf->keep;
	struct fresh *fr = mem_zalloc(sizeof(*fr), fresh_destructor);
	struct pl text = {(const char *)pa->mb->buf, pa->mb->end};
	int err = 0;

	if (!fr) {
		mem_deref(m);
		return ENOMEM;
	}

	fr->m = m;
	m->size = pa->have;
	if (pa->sp)
		err = spool_sync(pa->sp, &m->spool);
	if (!err && list_isempty(&in->freshl))
		err = keep_begin(k);
	if (!err) {
		list_append(&in->freshl, &fr->le, fr);
		err = keep_put(k, m, pa->sp ? NULL : &text, NULL);
	}
	if (err) {
		mem_deref(fr);
		return err;
	}

	fr->sp = mem_ref(pa->sp);
	return 0;
}


/* All of it is there. @return MSRP status code */
static uint32_t complete(struct inbox *in, struct parcel *pa)
{
	struct pl head, type;
	struct cpim cpim;
	struct mbuf *mb;
	struct kept *m;
	const char *why = NULL;
	bool raw;
	int err;

	pl_set_str(&type, pa->type);
	if (is_stale(&type))
		return 200;
	if (head_get(&mb, pa))
		return 413;

	pl_set_mbuf(&head, mb);
	raw = pl_has(&type, "message/cpim");
	/* of a long one the body is not all there, but the head is */
	if (raw)
		(void)cpim_decode(&cpim, &head, &why);
	if (raw && (!cpim.from.l || !cpim.to.l || !cpim.ctype.l)) {
		event("error text=%s", why);
		mem_deref(mb);
		return 400;
	}
	if (raw && is_stale(&cpim.ctype)) {
		mem_deref(mb);
		return 200;
	}

	err = kept_make(&m, in->sess, raw ? &cpim.id : NULL, pa->type);
	if (!err)
		err = put(in, pa, m);
	mem_deref(mb);
	if (err)
		event("error text=%s", strerror(err));

	return err ? 413 : 200;
}


/**
 * A chunk has ended
 *
 * @param flag   Of its end-line
 * @param totalp Octets of the message when that was the last one, else 0
 *
 * @return MSRP status code, that may leave after inbox_commit()
 */
uint32_t inbox_end(struct inbox *in, const struct frame *f, char flag,
		   uint64_t *totalp)
{
	struct parcel *pa = in->cur;
	uint32_t code = in->code;
	struct pl total;

	*totalp = 0;
	in->cur = NULL;
	if (!pa)
		return code;

	if (flag == '+')
		return 200;
	/* a total that is told is right */
	if (flag == '$' &&
	    !re_regex(f->range.p, f->range.l, "/[0-9]+", &total) &&
	    pl_u64(&total) != pa->have)
		code = 400;
	if (flag == '$' && code == 200) {
		*totalp = pa->have;
		code = complete(in, pa);
	}
	mem_deref(pa);

	return code;
}


/** Commit what came, before anything is answered. @return 0; EIO */
int inbox_commit(struct inbox *in)
{
	struct session *sess = in->sess;
	struct pf *pf = sess->pf;
	struct fresh *fr;
	int err;

	if (list_isempty(&in->freshl))
		return 0;

	err = keep_end(pf->keep);
	while ((fr = list_ledata(list_head(&in->freshl)))) {
		if (!err && fr->sp)
			spool_keep(fr->sp);
		if (!err) {
			pf->taken++;
			sess->take->count++;
			event("kept id=%s from=%s to=%s size=%llu way=%s",
			      fr->m->id, fr->m->sender, fr->m->rcpt,
			      (unsigned long long)fr->m->size,
			      way_name(fr->m->way));
		}
		mem_deref(fr);
	}
	if (!err)
		deliver_kept(sess->user);

	return err;
}
