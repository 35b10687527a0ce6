/**
 * @file chunk.c  One SEND request and the message that it is a part of
 * (RFC 4975, 5.1 and 7.3.1)
 *
 * Chunks of a message may come in any order and size, overlap, repeat, and
 * stand between chunks of other messages. Octets are handed on as they come,
 * each once. Any handler may close or free the session: ch->sess is NULL
 * then, and is looked at again after each call.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


/* The message fails with this chunk */
static void chunk_refuse(struct msrp_chunk *ch, uint16_t scode)
{
	struct msrp_sess *sess = ch->sess;
	struct msrp_rx *rx = ch->rx;

	ch->scode = scode;
	if (!sess || !rx || rx->sess != sess || rx->state != RX_OPEN)
		return;

	msrp_rx_refuse(rx, scode);
	if (sess->h.droph)
		sess->h.droph(rx, sess->arg);
}


/* Byte-Range against itself and the limits */
static uint16_t range_check(const struct msrp_range *r, uint64_t max)
{
	if (!r->start)
		return 423;
	if (r->end_set && r->end < r->start - 1)
		return 423;
	if (r->total_set && r->start - 1 > r->total)
		return 423;
	if (r->total_set && r->end_set && r->end > r->total)
		return 423;
	if ((r->total_set && r->total > max) || r->start - 1 > max ||
	    (r->end_set && r->end > max))
		return 413;

	return 0;
}


/* The chunk's total against the message's */
static uint16_t total_merge(struct msrp_rx *rx, const struct msrp_range *r)
{
	if (!r->total_set)
		return 0;

	if (rx->total_set)
		return rx->total == r->total ? 0 : 423;

	if (msrp_rx_end(rx) > r->total)
		return 423;

	rx->total = r->total;
	rx->total_set = true;

	return 0;
}


/* A part of a message that is known already */
static void known_begin(struct msrp_chunk *ch)
{
	const struct msrp_range *range = &ch->head.range;
	uint16_t scode;

	switch (ch->rx->state) {

	case RX_OPEN:
		scode = total_merge(ch->rx, range);
		if (scode)
			chunk_refuse(ch, scode);
		break;

	case RX_REFUSED:
		ch->scode = ch->rx->scode;
		break;

	default:
		break;
	}
}


/* A SEND without body opens nothing, but may end what is open */
static void bodiless_begin(struct msrp_chunk *ch)
{
	struct msrp_head *head = &ch->head;

	if (pl_isset(&head->msgid))
		ch->rx = mem_ref(msrp_rx_find(ch->sess, &head->msgid));

	ch->placed = head->range_set && head->range.start > 0;
	ch->off = ch->placed ? head->range.start - 1 : 0;

	if (ch->rx && ch->rx->state == RX_REFUSED)
		ch->scode = ch->rx->scode;
}


/**
 * A SEND begins: ch->head and ch->sess are set
 */
void msrp_chunk_begin(struct msrp_chunk *ch)
{
	struct msrp_head *head = &ch->head;
	struct msrp_sess *sess = ch->sess;
	uint16_t scode;

	if (!head->body) {
		bodiless_begin(ch);
		return;
	}

	if (!pl_isset(&head->msgid) || head->range_bad) {
		ch->scode = 400;
		return;
	}
	if (!head->range_set)
		head->range.start = 1;

	ch->rx = mem_ref(msrp_rx_find(sess, &head->msgid));
	scode = range_check(&head->range, sess->msrp->conf.max_size);
	if (scode) {
		chunk_refuse(ch, scode);
		return;
	}

	ch->placed = true;
	ch->off = head->range.start - 1;
	if (ch->rx)
		known_begin(ch);
	else if (!pl_isset(&head->ctype))
		ch->scode = 400;
	else if (sess->openc >= MSRP_OPEN_MAX)
		ch->scode = 423;
}


/* The first octet of a message is there */
static void chunk_open(struct msrp_chunk *ch)
{
	const struct msrp_range *range = &ch->head.range;
	struct msrp_sess *sess = ch->sess;
	uint16_t scode;

	if (msrp_rx_alloc(&ch->rx, sess, &ch->head)) {
		ch->rx = NULL;
		ch->scode = 413;
		return;
	}

	mem_ref(ch->rx);
	ch->rx->total = range->total;
	ch->rx->total_set = range->total_set;

	++sess->stats.begun;
	if (!sess->h.openh)
		return;

	scode = sess->h.openh(ch->rx, sess->arg);
	if (!scode || !ch->sess)
		return;

	--sess->stats.begun;

	ch->scode = scode;
	if (ch->rx->state == RX_OPEN)
		msrp_rx_refuse(ch->rx, scode);
}


static uint16_t bounds_check(const struct msrp_chunk *ch, uint64_t len)
{
	const uint64_t max = ch->sess->msrp->conf.max_size;
	const struct msrp_rx *rx = ch->rx;

	if (rx->total_set && (ch->off > rx->total ||
			      len > rx->total - ch->off))
		return 423;

	if (ch->off > max || len > max - ch->off)
		return 413;

	return 0;
}


/* Hand on len octets that are new */
static void data_put(struct msrp_chunk *ch, const char *p, size_t len)
{
	struct msrp_sess *sess = ch->sess;
	uint16_t scode;
	int err;

	err = msrp_rx_add(ch->rx, ch->off, len);
	if (err) {
		chunk_refuse(ch, err == EOVERFLOW ? 423 : 413);
		return;
	}

	sess->stats.bytes += len;
	if (!sess->h.datah)
		return;

	scode = sess->h.datah(ch->rx, ch->off, (const uint8_t *)p, len,
			      sess->arg);
	if (scode && ch->sess)
		chunk_refuse(ch, scode);
}


/**
 * The next octets of the chunk
 */
void msrp_chunk_data(struct msrp_chunk *ch, const struct pl *data)
{
	struct pl pl = *data;

	/* a chunk may be as long as a message, and take its time */
	if (ch->sess)
		msrp_sess_touch(ch->sess);

	if (ch->sess && pl.l && !ch->scode && !ch->rx)
		chunk_open(ch);

	if (ch->sess && pl.l && !ch->scode && ch->rx) {
		const uint16_t scode = bounds_check(ch, pl.l);

		if (scode)
			chunk_refuse(ch, scode);
	}

	while (ch->sess && pl.l && !ch->scode) {
		uint64_t n = pl.l;

		if (ch->rx->state == RX_REFUSED)
			ch->scode = ch->rx->scode;
		else if (ch->rx->state == RX_OPEN &&
			 msrp_rx_gap(ch->rx, ch->off, &n))
			data_put(ch, pl.p, (size_t)n);

		ch->off += n;
		pl_advance(&pl, (ssize_t)n);
	}
}


/* Chunks that are on their way get the same code, without asking again */
static void refused_remember(struct msrp_chunk *ch, enum msrp_flag flag)
{
	if (flag != MSRP_CONTINUE) {
		if (ch->rx && ch->rx->state == RX_REFUSED)
			msrp_rx_detach(ch->rx);
	}
	else if (!ch->rx && pl_isset(&ch->head.msgid)) {
		if (msrp_rx_alloc(&ch->rx, ch->sess, &ch->head))
			return;

		mem_ref(ch->rx);
		msrp_rx_refuse(ch->rx, ch->scode);
	}
}


/* All octets are there: from here on the application answers */
static uint16_t chunk_done(struct msrp_chunk *ch)
{
	struct msrp_sess *sess = ch->sess;

	if (msrp_rx_hold(ch->rx, &ch->head)) {
		chunk_refuse(ch, 413);
		return 413;
	}

	msrp_rx_done(ch->rx);
	if (sess->h.doneh)
		sess->h.doneh(ch->rx, sess->arg);

	return 0;
}


static void rx_abort(struct msrp_chunk *ch)
{
	struct msrp_sess *sess = ch->sess;
	struct msrp_rx *rx = ch->rx;

	/* what its chunks are owed: the message is not kept */
	msrp_rx_refuse(rx, 413);
	msrp_rx_detach(rx);
	if (sess->h.droph)
		sess->h.droph(rx, sess->arg);
}


/* The $ says that this is the last octet, and all before it is there: then a
   Byte-Range that is a little too long counts what is no part of the body */
static bool total_slack(const struct msrp_chunk *ch)
{
	const struct msrp_range *range = &ch->head.range;
	const struct msrp_rx *rx = ch->rx;

	return rx->total_set && ch->head.range_set && range->end_set &&
		range->end == rx->total && rx->total > ch->off &&
		rx->total - ch->off <= RANGE_SLACK &&
		rx->spanc == 1 && !rx->spanv[0].a && rx->spanv[0].b == ch->off;
}


/* The end-line of a chunk of an open message */
static uint16_t open_end(struct msrp_chunk *ch, enum msrp_flag flag)
{
	struct msrp_rx *rx = ch->rx;

	if (flag == MSRP_ABORT) {
		rx_abort(ch);
		return 200;
	}

	rx->sreport |= ch->head.success_report;
	if (flag == MSRP_COMPLETE && !rx->total_set && ch->placed) {
		if (msrp_rx_end(rx) > ch->off) {
			chunk_refuse(ch, 423);
			return 423;
		}
		rx->total = ch->off;
		rx->total_set = true;
	}
	if (flag == MSRP_COMPLETE && total_slack(ch))
		rx->total = ch->off;

	if (msrp_rx_complete(rx))
		return chunk_done(ch);

	if (flag == MSRP_COMPLETE && ch->head.body) {
		if (!msrp_rx_hold(rx, &ch->head))
			return 0;

		chunk_refuse(ch, 423);
		return 423;
	}

	return 200;
}


static uint16_t chunk_end(struct msrp_chunk *ch, enum msrp_flag flag)
{
	if (ch->scode) {
		refused_remember(ch, flag);
		return ch->scode;
	}

	if (!ch->rx)
		return 200;

	switch (ch->rx->state) {

	case RX_OPEN:
		return open_end(ch, flag);

	case RX_DONE:
		/* a repeat is as durable as what it repeats */
		return msrp_rx_hold(ch->rx, &ch->head) ? 423 : 0;

	case RX_REFUSED:
		ch->scode = ch->rx->scode;
		refused_remember(ch, flag);
		return ch->scode;

	default:
		return 200;
	}
}


/**
 * The chunk's end-line
 *
 * @return The code to answer with; 0: it is answered with the message
 */
uint16_t msrp_chunk_end(struct msrp_chunk *ch, enum msrp_flag flag)
{
	uint16_t scode;

	if (!ch->sess)
		return ch->scode ? ch->scode : 481;

	scode = chunk_end(ch, flag);
	/* a handler may have let it go */
	if (scode >= 300 && ch->head.body && ch->sess)
		++ch->sess->stats.refused;

	return scode;
}


void msrp_chunk_reset(struct msrp_chunk *ch)
{
	mem_deref(ch->rx);
	mem_deref(ch->hmb);
	memset(ch, 0, sizeof(*ch));
}


static void destructor(void *arg)
{
	msrp_chunk_reset(arg);
}


int msrp_chunk_alloc(struct msrp_chunk **chp)
{
	*chp = mem_zalloc(sizeof(**chp), destructor);

	return *chp ? 0 : ENOMEM;
}
