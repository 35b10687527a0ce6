/**
 * @file rx.c  One incoming MSRP message: what of it is there, what answers
 * it is owed (RFC 4975, 7.3)
 *
 * The octets themselves are not kept.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


static void destructor(void *arg)
{
	struct msrp_rx *rx = arg;

	mem_deref(rx->arg);
	if (rx->spanv != &rx->span)
		mem_deref(rx->spanv);
	if (rx->heldv != &rx->held)
		mem_deref(rx->heldv);
}


/* One table for all sessions: an idle one has none of its own */
static uint32_t rx_hash(const struct msrp_sess *sess, const struct pl *msgid)
{
	return msrp_hash(msgid) ^ sess->key;
}


static uint64_t rx_size(const struct msrp_rx *rx)
{
	return rx->size_set ? rx->size : rx->total;
}


/* The only place where a message's state and the session's counts change */
static void rx_count(struct msrp_rx *rx, int n)
{
	struct msrp_sess *sess = rx->sess;

	switch (rx->state) {

	case RX_OPEN:
		sess->openc += (uint32_t)n;
		break;

	case RX_DONE:
		sess->donec += (uint32_t)n;
		sess->doneb += n > 0 ? rx_size(rx) : -rx_size(rx);
		msrp_sess_load(sess);
		break;

	case RX_REFUSED:
		sess->refusedc += (uint32_t)n;
		break;

	case RX_ANSWERED:
		break;
	}
}


static void rx_set_state(struct msrp_rx *rx, enum rx_state state)
{
	rx_count(rx, -1);
	rx->state = state;
	rx_count(rx, 1);
}


/* Room for one more in an array that grows by powers of two; most messages
   have no more than the one that lies in struct msrp_rx */
static int array_grow(void **vp, void *one, uint32_t n, size_t size)
{
	void *v;

	if (!*vp)
		*vp = one;
	if (!n || n & (n - 1))
		return 0;

	if (*vp == one) {
		v = mem_alloc(2 * size, NULL);
		if (v)
			memcpy(v, one, size);
	}
	else {
		v = mem_realloc(*vp, n * 2 * size);
	}
	if (!v)
		return ENOMEM;

	*vp = v;

	return 0;
}


static const char *str_put(char **p, const struct pl *pl)
{
	char *str = *p;

	if (pl->l)
		memcpy(str, pl->p, pl->l);
	str[pl->l] = '\0';
	*p += pl->l + 1;

	return str;
}


/* A message of the session, taking its first chunk's headers */
int msrp_rx_alloc(struct msrp_rx **rxp, struct msrp_sess *sess,
		  const struct msrp_head *head)
{
	struct pl to = head->to_path, uri;
	struct msrp_rx *rx;
	char *p;

	if (!msrp_path_next(&to, &uri))
		return EBADMSG;

	rx = mem_zalloc(sizeof(*rx) + head->msgid.l + head->ctype.l +
			head->from_path.l + uri.l + 4, destructor);
	if (!rx)
		return ENOMEM;

	p = rx->buf;
	rx->msgid = str_put(&p, &head->msgid);
	rx->ctype = str_put(&p, &head->ctype);
	rx->from  = str_put(&p, &head->from_path);
	rx->to    = str_put(&p, &uri);

	rx->sess = sess;
	rx_count(rx, 1);
	hash_append(sess->msrp->rxh, rx_hash(sess, &head->msgid), &rx->he,
		    rx);
	list_append(&sess->rxl, &rx->sle, rx);

	*rxp = rx;

	return 0;
}


struct key {
	const struct msrp_sess *sess;
	const struct pl *msgid;
};

static bool cmp_handler(struct le *le, void *arg)
{
	const struct msrp_rx *rx = le->data;
	const struct key *key = arg;

	return rx->sess == key->sess && !pl_strcmp(key->msgid, rx->msgid);
}


struct msrp_rx *msrp_rx_find(const struct msrp_sess *sess,
			     const struct pl *msgid)
{
	struct key key = {sess, msgid};

	return list_ledata(hash_lookup(sess->msrp->rxh, rx_hash(sess, msgid),
				       cmp_handler, &key));
}


/* The session forgets the message */
void msrp_rx_detach(struct msrp_rx *rx)
{
	if (!rx || !rx->sess)
		return;

	rx_count(rx, -1);
	rx->sess = NULL;
	hash_unlink(&rx->he);
	list_unlink(&rx->sle);
	list_unlink(&rx->le);
	mem_deref(rx);
}


/* The first span that ends behind off */
static uint32_t span_find(const struct msrp_rx *rx, uint64_t off)
{
	uint32_t lo = 0, hi = rx->spanc;

	/* the usual case: behind all that is there */
	if (!hi || rx->spanv[hi-1].b <= off)
		return hi;

	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (rx->spanv[mid].b > off)
			hi = mid;
		else
			lo = mid + 1;
	}

	return lo;
}


/* Are the octets at off new? *len is cut to those for which it is true. */
bool msrp_rx_gap(const struct msrp_rx *rx, uint64_t off, uint64_t *len)
{
	const uint32_t i = span_find(rx, off);
	const struct span *span;

	if (i == rx->spanc)
		return true;

	span = &rx->spanv[i];
	if (span->a <= off) {
		*len = min(*len, span->b - off);
		return false;
	}

	*len = min(*len, span->a - off);

	return true;
}


/* Add octets for which msrp_rx_gap() is true.
   @return 0; EOVERFLOW over MSRP_HOLE_MAX; ENOMEM */
int msrp_rx_add(struct msrp_rx *rx, uint64_t off, uint64_t len)
{
	const uint32_t i = span_find(rx, off);
	const bool prev = i > 0 && rx->spanv[i-1].b == off;
	const bool next = i < rx->spanc && rx->spanv[i].a == off + len;
	struct span *v = rx->spanv;
	int err;

	if (prev && next) {
		v[i-1].b = v[i].b;
		memmove(&v[i], &v[i+1], (rx->spanc - i - 1) * sizeof(*v));
		--rx->spanc;
	}
	else if (prev) {
		v[i-1].b += len;
	}
	else if (next) {
		v[i].a = off;
	}
	else {
		if (rx->spanc >= MSRP_HOLE_MAX)
			return EOVERFLOW;

		err = array_grow((void **)&rx->spanv, &rx->span, rx->spanc,
				 sizeof(*v));
		if (err)
			return err;

		v = &rx->spanv[i];
		memmove(v + 1, v, (rx->spanc - i) * sizeof(*v));
		v->a = off;
		v->b = off + len;
		++rx->spanc;
	}

	return 0;
}


/* Behind the last octet that is there */
uint64_t msrp_rx_end(const struct msrp_rx *rx)
{
	return rx->spanc ? rx->spanv[rx->spanc-1].b : 0;
}


bool msrp_rx_complete(const struct msrp_rx *rx)
{
	return rx->total_set && rx->spanc == 1 && !rx->spanv[0].a &&
		rx->spanv[0].b == rx->total;
}


/* Keep a chunk's answer for msrp_rx_answer().
   @return 0; EOVERFLOW over HELD_MAX; ENOMEM */
int msrp_rx_hold(struct msrp_rx *rx, const struct msrp_head *head)
{
	struct held *held;
	int err;

	if (rx->heldc >= HELD_MAX)
		return EOVERFLOW;

	err = array_grow((void **)&rx->heldv, &rx->held, rx->heldc,
			 sizeof(*held));
	if (err)
		return err;

	held = &rx->heldv[rx->heldc];
	err = pl_strcpy(&head->tid, held->tid, sizeof(held->tid));
	if (err)
		return err;

	held->freport = head->failure_report;
	++rx->heldc;

	return 0;
}


static int held_answer(struct msrp_rx *rx, uint16_t scode,
		       const char *reason)
{
	struct pl tid, to, from, path;
	uint32_t i;
	int err = 0;

	/* RFC 4975, 7.2: to the previous hop only */
	pl_set_str(&path, rx->from);
	(void)msrp_path_next(&path, &to);
	pl_set_str(&from, rx->to);

	for (i=0; i<rx->heldc && !err; i++) {
		if (!msrp_freport_allows(rx->heldv[i].freport, scode))
			continue;

		pl_set_str(&tid, rx->heldv[i].tid);
		err = msrp_tx_reply(rx->sess->conn, &tid, &to, &from, scode,
				    reason);
		if (err)
			break;
	}

	rx->heldc -= i;
	if (i && rx->heldc)
		memmove(rx->heldv, rx->heldv + i,
			rx->heldc * sizeof(rx->heldv[0]));

	return err;
}


void msrp_rx_done(struct msrp_rx *rx)
{
	rx_set_state(rx, RX_DONE);
	++rx->sess->stats.messages;
}


/* Refuse the rest of an open message; its later chunks get the same code */
void msrp_rx_refuse(struct msrp_rx *rx, uint16_t scode)
{
	struct msrp_sess *sess = rx->sess;

	rx_set_state(rx, RX_REFUSED);
	rx->scode = scode;
	list_append(&sess->refl, &rx->le, rx);
	(void)held_answer(rx, scode, NULL);

	if (sess->refusedc > REFUSED_MAX)
		msrp_rx_detach(list_ledata(sess->refl.head));
}


int msrp_rx_answer(struct msrp_rx *rx, uint16_t scode, const char *reason)
{
	struct msrp_conn *conn;
	int err;

	if (!rx || scode < 200 || scode > 999)
		return EINVAL;
	if (rx->state == RX_ANSWERED || rx->state == RX_REFUSED)
		return EALREADY;
	if (!rx->sess || !rx->sess->conn)
		return ENOTCONN;
	if (rx->state == RX_OPEN && scode < 300)
		return EINVAL;

	if (rx->state == RX_OPEN) {
		msrp_rx_refuse(rx, scode);
		return 0;
	}

	conn = rx->sess->conn;
	err = held_answer(rx, scode, reason);
	if (err)
		return err;
	if (rx->sreport && scode == 200) {
		err = msrp_tx_report(conn, rx);
		if (err)
			return err;
	}

	if (scode == 200)
		++rx->sess->stats.taken;
	msrp_sess_touch(rx->sess);
	rx_set_state(rx, RX_ANSWERED);
	msrp_rx_detach(rx);
	msrp_conn_wake(conn);

	return 0;
}


const char *msrp_rx_msgid(const struct msrp_rx *rx)
{
	return rx ? rx->msgid : NULL;
}


const char *msrp_rx_ctype(const struct msrp_rx *rx)
{
	return rx ? rx->ctype : NULL;
}


uint64_t msrp_rx_total(const struct msrp_rx *rx)
{
	return (rx && rx->total_set) ? rx->total : 0;
}


uint64_t msrp_rx_begun(const struct msrp_rx *rx)
{
	return (rx && rx->spanc && !rx->spanv[0].a) ? rx->spanv[0].b : 0;
}


int msrp_rx_set_begun(struct msrp_rx *rx, uint64_t len)
{
	if (!rx || !rx->sess || rx->state != RX_OPEN || rx->spanc || !len)
		return EINVAL;
	if (len > (rx->total_set ? rx->total : rx->sess->msrp->conf.max_size))
		return EOVERFLOW;

	return msrp_rx_add(rx, 0, len);
}


void msrp_rx_set_size(struct msrp_rx *rx, uint64_t size)
{
	if (!rx || rx->state != RX_OPEN)
		return;

	rx->size = size;
	rx->size_set = true;
}


void msrp_rx_set_arg(struct msrp_rx *rx, void *arg)
{
	if (!rx)
		return;

	if (rx->arg != arg)
		mem_deref(rx->arg);
	rx->arg = arg;
}


void *msrp_rx_arg(const struct msrp_rx *rx)
{
	return rx ? rx->arg : NULL;
}
