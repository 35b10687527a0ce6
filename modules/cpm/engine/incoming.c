/**
 * @file incoming.c  From an MSRP message to a stored one
 *
 * Store, then acknowledge: the 200 for a message leaves in put_handler(),
 * after the commit. wire.md 2.6 and 13.3 to 13.6; RFC 3862; RFC 5438, 6.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "trust.h"
#include "composing.h"


enum {
	/* octets of a message kept in memory: its head, and a body that is no
	   file while it arrives. The rest goes to the spool at once. */
	HOLD_MAX = CPM_SPOOL_MIN + CPIM_HEAD_MAX,
};

_Static_assert((int)CPIM_DEC_MORE <= (int)CPM_FILTER_MORE,
	       "what a filter may hold");
/* the store does not know CPIM, but keeps the set of what was asked */
_Static_assert(CPIM_POSITIVE_DELIVERY == 1 && CPIM_DISPLAY == 4,
	       "what the store reads in cpm_msg.notify");


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


static void source_destructor(void *arg)
{
	struct source *src = arg;

	mem_deref(src->aor);
	mem_deref(src->callid);
	origin_reset(&src->org);
}


int source_alloc(struct source **srcp, struct cpm *cpm, const char *aor,
		 const struct sip_msg *msg)
{
	struct source *src;
	int err;

	src = mem_zalloc(sizeof(*src), source_destructor);
	if (!src)
		return ENOMEM;

	src->cpm = cpm;
	err = str_dup(&src->aor, aor);
	if (!err)
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
	struct incoming *in = arg;

	in->src->cpm->buffered -= in->counted;
	mem_deref(in->body);
	mem_deref(in->mb);
	mem_deref(in->rx);
	mem_deref(in->src);
}


static bool type_is(const struct pl *ctype, const char *name)
{
	struct pl type = *ctype;
	size_t i;

	for (i=0; i<type.l; i++) {
		if (strchr("; \t", type.p[i]))
			break;
	}
	type.l = i;

	return !pl_strcasecmp(&type, name);
}


uint16_t incoming_open(struct msrp_rx *rx, void *arg)
{
	struct source *src = arg;
	struct incoming *in;
	struct pl ctype;
	bool status;

	pl_set_str(&ctype, msrp_rx_ctype(rx));
	status = type_is(&ctype, ISCOMP_TYPE);
	if (!status && !type_is(&ctype, "message/cpim"))
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
	(void)arg;

	msrp_rx_set_arg(rx, NULL);
}


static int dup_pl(char **strp, const struct pl *pl)
{
	return pl_isset(pl) ? pl_strdup(strp, pl) : 0;
}


static int dup_str(char **strp, const char *str)
{
	return str ? str_dup(strp, str) : 0;
}


/* escapes of RFC 3862, 2.1 resolved */
static int dname_set(struct cpm_msg *msg, const struct pl *dname)
{
	char *str = NULL;
	struct pl pl;
	int err;

	if (!pl_isset(dname))
		return 0;

	err = re_sdprintf(&str, "%H", cpim_text_print, dname);
	if (err)
		return err;

	pl_set_str(&pl, str);
	err = name_dup(&msg->name, &pl);
	mem_deref(str);

	return err;
}


static int sender_set(struct cpm_msg *msg, const struct source *src,
		      const struct cpim_msg *cpim)
{
	int err = ENOENT;

	if (cpim_uri_isreal(&cpim->from.uri) &&
	    cpim->from.uri.l <= CPM_URI_MAX)
		err = cpm_uri_norm(&msg->peer, &cpim->from.uri);
	if (err == ENOMEM)
		return err;

	if (!err)
		return dname_set(msg, &cpim->from.dname);

	/* in a group the session belongs to nobody in particular */
	if (src->kind == CPM_GROUP)
		return 0;

	err = dup_str(&msg->peer, src->org.peer);

	return err ? err : dup_str(&msg->name, src->org.name);
}


static int route_set(struct cpm_msg *msg, const struct cpim_msg *cpim)
{
	struct mbuf *mb;
	size_t i;
	int err = 0;

	if (!cpim->routec)
		return 0;

	mb = mbuf_alloc(128);
	if (!mb)
		return ENOMEM;

	for (i=0; i<cpim->routec && !err; i++)
		err = mbuf_printf(mb, "%r\n", &cpim->routev[i]);

	if (!err) {
		mb->pos = 0;
		err = mbuf_strdup(mb, &msg->route, mb->end);
	}
	mem_deref(mb);

	return err;
}


static int ids_set(struct cpm_msg *msg, const struct source *src,
		   const struct cpim_msg *cpim, const char *msgid)
{
	const struct origin *org = &src->org;
	int err;

	if (cpim->imdn_msgid.l > CPM_ID_MAX)
		return EOVERFLOW;

	err = dup_pl(&msg->imdn_id, &cpim->imdn_msgid);
	if (!err)
		err = msg->imdn_id
			? re_sdprintf(&msg->msgkey, "imdn:%s", msg->imdn_id)
			: re_sdprintf(&msg->msgkey, "msrp:%s:%s",
				      src->callid, msgid);
	if (!err)
		err = dup_str(&msg->conversation_id, org->conversation_id);
	if (!err)
		err = dup_str(&msg->contribution_id, org->contribution_id);
	if (!err)
		err = dup_str(&msg->in_reply_to, org->in_reply_to);
	if (!err)
		err = conv_key(&msg->key, org, msg->peer);

	return err;
}


static void reports_set(struct cpm_msg *msg, const struct cpm *cpm)
{
	struct cpm_policy pol;

	/* nobody to tell, or nothing to name the message by */
	if (!msg->peer || !msg->imdn_id)
		return;

	policy_resolve(cpm->policy, &cpm->conf, msg->account, msg->peer,
		       &pol);

	if ((msg->notify & CPIM_POSITIVE_DELIVERY) && pol.delivery_imdn)
		msg->report[CPM_DELIVERED] = CPM_REPORT_DUE;
}


/* Runs in a thread of the store's */
static int dec_handler(uint8_t *out, size_t *outl, const uint8_t *in,
		       size_t inl, bool end, void *arg)
{
	return cpim_dec_block(arg, out, outl, in, inl, end);
}


/* What is still in memory follows the rest, and what is in the file is made
   a body: in place, or still to be moved or decoded by the store */
static int large_set(struct cpm_msg *msg, struct incoming *in,
		     const struct cpim_msg *cpim)
{
	const struct mbuf *mb = cpim->mb;
	struct cpim_dec *dec;
	int err;

	if (in->base && in->base != cpim->body)
		return EBADMSG;

	err = cpm_body_write(in->body, cpim->body - in->base,
			     mb->buf + cpim->body, mb->end - cpim->body);
	if (err)
		return err;

	dec = mem_zalloc(sizeof(*dec), NULL);
	if (!dec)
		return ENOMEM;

	err = cpim_dec_init(dec, &cpim->cte);
	if (!err) {
		cpm_body_filter(in->body, cpim->body - in->base,
				dec->enc == CPIM_ENC_NONE ? NULL
				: dec_handler, dec);
		msg->large = mem_ref(in->body);
	}
	mem_deref(dec);

	return err;
}


static int body_set(struct cpm_msg *msg, struct incoming *in,
		    const struct cpim_msg *cpim)
{
	static const struct pl text_type = {"text/", 5};
	struct pl type = cpim->ctype;
	struct mbuf *mb = cpim->mb;
	int err;

	if (type.l > CPM_TYPE_MAX)
		return EOVERFLOW;

	err = pl_isset(&type) ? pl_strdup(&msg->type, &type)
		: str_dup(&msg->type, "text/plain");
	if (err)
		return err;

	if (type.l > text_type.l)
		type.l = text_type.l;
	msg->text = !pl_isset(&type) || !pl_casecmp(&type, &text_type);

	if (in->body)
		return large_set(msg, in, cpim);

	return cpim_body_decode(&msg->body, &cpim->cte, mb->buf + cpim->body,
				mb->end - cpim->body);
}


/* @return 0; EBADMSG, EOVERFLOW, ENOTSUP: the peer's fault; ENOMEM */
static int record(struct cpm_msg **msgp, struct incoming *in,
		  const struct cpim_msg *cpim, const char *msgid)
{
	const struct source *src = in->src;
	struct cpm_msg *msg;
	int err;

	err = cpm_msg_alloc(&msg);
	if (err)
		return err;

	msg->direction = CPM_IN;
	msg->kind      = src->kind;
	msg->mode      = src->mode;
	msg->deferred  = src->deferred;
	msg->notify    = cpim->notify;
	msg->received  = engine_now();
	if (cpim_time_decode(&msg->time, &cpim->datetime))
		msg->time = msg->received;

	err = str_dup(&msg->account, src->aor);
	if (!err)
		err = sender_set(msg, src, cpim);
	if (!err)
		err = ids_set(msg, src, cpim, msgid);
	if (!err)
		err = dup_pl(&msg->datetime, &cpim->datetime);
	if (!err)
		err = route_set(msg, cpim);
	if (!err)
		err = body_set(msg, in, cpim);

	if (err) {
		mem_deref(msg);
		return err;
	}

	reports_set(msg, src->cpm);
	*msgp = msg;

	return 0;
}


static void put_handler(int err, const struct cpm_put_result *res, void *arg)
{
	struct incoming *in = arg;
	struct source *src = in->src;

	if (err == EILSEQ) {
		(void)msrp_rx_answer(in->rx, 400, "Bad encoding");
	}
	else if (err) {
		/* the sender stops here and keeps it for another time */
		(void)msrp_rx_answer(in->rx, 413, "Cannot store it now");
	}
	else {
		src->conversation = res->conversation;
		if (!res->duplicate) {
			++src->messages;
			(void)fresh_add(src->cpm, src->aor,
					res->conversation, res->id,
					src->deferred);
		}
		(void)msrp_rx_answer(in->rx, 200, "OK");
	}

	/* rx owns in: let go of it, or they keep each other */
	in->rx = mem_deref(in->rx);
	mem_deref(in);
}


/* isComposing in CPIM */
static uint16_t status_take(struct incoming *in, const struct cpim_msg *cpim)
{
	struct mbuf *mb = NULL;
	uint16_t scode;
	int err;

	if (in->src->deferred)
		return 200;
	if (in->body)
		return 413;

	err = cpim_body_decode(&mb, &cpim->cte, cpim->mb->buf + cpim->body,
			       cpim->mb->end - cpim->body);
	scode = err ? status_of(err)
		: composing_recv(in->src, mb->buf, mb->end);
	mem_deref(mb);

	return scode;
}


/* @return 0: answered once it is stored; else the answer */
static uint16_t take(struct incoming *in, struct msrp_rx *rx)
{
	struct cpim_msg *cpim = NULL;
	struct cpm_msg *msg = NULL;
	uint16_t scode = 0;
	int err;

	if (in->status)
		return composing_recv(in->src, in->mb->buf, in->mb->end);

	in->mb->pos = 0;
	err = cpim_decode_all(&cpim, in->mb);
	if (err)
		goto out;

	/* notifications for messages of ours: none are sent yet, so none can
	   be known */
	if (type_is(&cpim->ctype, "message/imdn+xml"))
		scode = 200;
	else if (type_is(&cpim->ctype, ISCOMP_TYPE))
		scode = status_take(in, cpim);
	if (scode)
		goto out;

	err = record(&msg, in, cpim, msrp_rx_msgid(rx));
	if (err)
		goto out;

	err = cpm_store_put(in->src->cpm->store, msg, put_handler, in);
	if (err)
		goto out;

	composing_content(in->src);
	mem_ref(in);
	in->rx = mem_ref(rx);
	/* all of it has been copied, or is in the file */
	in->mb = mem_deref(in->mb);
 out:
	mem_deref(cpim);
	mem_deref(msg);

	return err ? status_of(err) : scode;
}


void incoming_done(struct msrp_rx *rx, void *arg)
{
	uint16_t scode = take(msrp_rx_arg(rx), rx);
	(void)arg;

	if (scode)
		(void)msrp_rx_answer(rx, scode, scode == 200 ? "OK"
				     : "Refused");
}
