/**
 * @file incoming.c  From an MSRP message to a stored one
 *
 * Store, then acknowledge: the 200 for a message leaves in take_handler(),
 * after the commit. wire.md 2.6 and 13.3; RFC 4975.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_mime.h>
#include "engine.h"
#include "composing.h"
#include "take.h"


enum {
	/* octets of a message kept in memory: its head, and a body that is no
	   file while it arrives. The rest goes to the spool at once. */
	HOLD_MAX = CPM_SPOOL_MIN + CPIM_HEAD_MAX,
};


/** A message on its way from the wire to the store */
struct incoming {
	struct source *src;
	struct mbuf *mb;        /* its first octets, HOLD_MAX at most       */
	struct cpm_body *body;  /* those behind them; NULL: none so far     */
	uint64_t base;          /* offset in the message where body begins  */
	struct msrp_rx *rx;     /* set while the store has the message      */
	size_t counted;         /* octets of mb counted in cpm->buffered    */
	bool status;            /* isComposing that is not in CPIM          */
};


static void destructor(void *arg)
{
	struct incoming *in = arg;

	in->src->cpm->buffered -= in->counted;
	mem_deref(in->body);
	mem_deref(in->mb);
	mem_deref(in->rx);
	mem_deref(in->src);
}


uint16_t incoming_open(struct msrp_rx *rx, void *arg)
{
	struct source *src = arg;
	struct incoming *in;
	struct pl ctype;
	bool status;

	pl_set_str(&ctype, msrp_rx_ctype(rx));
	status = mime_type_is(&ctype, ISCOMP_TYPE);
	if (!status && !mime_type_is(&ctype, "message/cpim"))
		return 415;

	in = mem_zalloc(sizeof(*in), destructor);
	if (!in)
		return 413;

	in->src = mem_ref(src);
	in->status = status;
	in->mb = mbuf_alloc(512);
	if (!in->mb) {
		mem_deref(in);
		return 413;
	}

	msrp_rx_set_arg(rx, in);

	return 0;
}


static uint16_t status_of(int err)
{
	switch (err) {

	case EBADMSG:
	case EOVERFLOW: return 400;
	case ENOTSUP:   return 415;
	default:        return 413;
	}
}


/* Octets within HOLD_MAX */
static int hold(struct incoming *in, uint64_t off, const uint8_t *buf,
		size_t len)
{
	struct cpm *cpm = in->src->cpm;
	const size_t end = (size_t)off + len;

	/* off is what the peer wrote: count before memory is taken */
	if (end > in->counted) {
		if (end - in->counted > CPM_BUFFER_MAX - cpm->buffered)
			return ENOMEM;

		cpm->buffered += end - in->counted;
		in->counted = end;
	}

	in->mb->pos = (size_t)off;

	return mbuf_write_mem(in->mb, buf, len);
}


/*
 * Where does the body begin, of which the first octets are there?
 *
 * @param basep Unchanged if that is not known yet, or if the body is encoded:
 *              then it has to be decoded when all of it is there
 *
 * @return 0, or what is wrong with the head
 */
static int base_find(uint64_t *basep, struct mbuf *mb, size_t begun)
{
	struct cpim_msg *cpim = NULL;
	const size_t end = mb->end;
	struct cpim_dec dec;
	int err;

	mb->pos = 0;
	mb->end = begun;
	err = cpim_decode(&cpim, mb);
	mb->end = end;
	if (err)
		return (err == ENODATA && begun < HOLD_MAX) ? 0 : err;

	err = cpim_dec_init(&dec, &cpim->cte);
	if (!err && dec.enc == CPIM_ENC_NONE)
		*basep = cpim->body;
	mem_deref(cpim);

	return err;
}


/* The message is larger than what is kept in memory */
static int body_begin(struct incoming *in, struct msrp_rx *rx)
{
	const uint64_t begun = msrp_rx_begun(rx), total = msrp_rx_total(rx);
	int err;

	err = base_find(&in->base, in->mb,
			begun < HOLD_MAX ? (size_t)begun : HOLD_MAX);
	if (err)
		return err;

	/* rather now than when all of it has come */
	err = cpm_store_room(in->src->cpm->store, in->src->aor,
			     total ? total - in->base : 1);
	if (!err)
		err = cpm_body_open(&in->body, in->src->cpm->store,
				    total ? total - in->base : 0);
	if (!err)
		msrp_rx_set_size(rx, HOLD_MAX);

	return err;
}


/* Octets behind HOLD_MAX */
static int spill(struct incoming *in, struct msrp_rx *rx, uint64_t off,
		 const uint8_t *buf, size_t len)
{
	struct source *src = in->src;
	int err = 0;

	if (!in->body)
		err = body_begin(in, rx);
	if (!err)
		err = cpm_body_write(in->body, off - in->base, buf, len);
	if (!err && cpm_body_full(src->cpm->store))
		session_pause(src->sess);

	return err;
}


uint16_t incoming_data(struct msrp_rx *rx, uint64_t off, const uint8_t *buf,
		       size_t len, void *arg)
{
	struct incoming *in = msrp_rx_arg(rx);
	size_t n = 0;
	int err = 0;
	(void)arg;

	if (in->status && off + len > ISCOMP_DOC_MAX)
		return 413;

	if (off < HOLD_MAX) {
		n = min(len, HOLD_MAX - (size_t)off);
		err = hold(in, off, buf, n);
	}
	if (!err && n < len)
		err = spill(in, rx, off + n, buf + n, len - n);

	return err ? status_of(err) : 0;
}


/* It is not to be: its octets go at once, in memory and on the disk */
void incoming_drop(struct msrp_rx *rx, void *arg)
{
	struct source *src = arg;

	/* perhaps it was that of this message */
	src->head = mem_deref(src->head);
	msrp_rx_set_arg(rx, NULL);
}


static void take_handler(int err, const struct cpm_put_result *res, void *arg)
{
	struct incoming *in = arg;
	(void)res;

	if (err == EILSEQ)
		(void)msrp_rx_answer(in->rx, 400, "Bad encoding");
	else if (err)
		/* the sender stops here and keeps it for another time */
		(void)msrp_rx_answer(in->rx, 413, "Cannot store it now");
	else
		(void)msrp_rx_answer(in->rx, 200, "OK");

	/* rx owns in: let go of it, or they keep each other */
	in->rx = mem_deref(in->rx);
	mem_deref(in);
}


/* @return 0: answered once it is stored; else the answer */
static uint16_t take(struct incoming *in, struct msrp_rx *rx)
{
	const struct taken how = {
		.local = msrp_rx_msgid(rx),
		.body  = in->body,
		.base  = in->base,
	};
	int err;

	if (in->status)
		return composing_recv(in->src, in->mb->buf, in->mb->end);

	in->mb->pos = 0;
	err = take_cpim(in->src, in->mb, &how, take_handler, in);
	if (err)
		return err == EALREADY ? 200 : status_of(err);

	mem_ref(in);
	in->rx = mem_ref(rx);
	/* all of it has been copied, or is in the file */
	in->mb = mem_deref(in->mb);

	return 0;
}


void incoming_done(struct msrp_rx *rx, void *arg)
{
	const uint16_t scode = take(msrp_rx_arg(rx), rx);
	(void)arg;

	if (scode)
		(void)msrp_rx_answer(rx, scode, scode == 200 ? "OK"
				     : "Refused");
}
