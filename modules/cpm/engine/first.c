/**
 * @file first.c  What an INVITE brings beside its SDP: message 0
 *
 * RFC 2046, 5.1.3 (multipart/mixed); RFC 3261, 20.11 (handling); wire.md 2.6,
 * 4.2 and 13.3. A server may put the first message, or the only one, into the
 * INVITE. Our 200 says then that we have it: so it leaves after the commit.
 *
 * A CPIM without a body is no message: it is the head of the one that follows
 * over MSRP. Nothing is stored for it, and where that message does not say
 * itself who it is, the head does: see struct source.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_mime.h>
#include "engine.h"
#include "session.h"
#include "content.h"
#include "first.h"
#include "take.h"


/** Messages that came in an INVITE */
struct first {
	struct cpm *cpm;
	struct session *sess;    /* borrowed; NULL once it has gone         */
	struct cpim_msg *head;   /* of the message that follows, or NULL    */
	struct mbuf *mbv[MIME_PARTS_MAX];
	size_t mbc;
	size_t counted;          /* octets counted in cpm->buffered         */
	size_t waiting;          /* the store has so many of them           */
	int err;                 /* why one cannot be kept                  */
};

struct reading {
	struct first *first;
	struct mbuf *sdp;
	int err;
};


static void destructor(void *arg)
{
	struct first *first = arg;
	size_t i;

	first->cpm->buffered -= first->counted;
	for (i=0; i<first->mbc; i++)
		mem_deref(first->mbv[i]);
	mem_deref(first->head);
}


/* Is a part that we cannot read one that we must read? A part that says
   nothing of it is let pass, though the RFC has it otherwise: pictures and
   cards come so, and a message must not be lost for them */
static bool required(const struct mime_part *part)
{
	char *handling = NULL;
	bool is = false;

	if (!mime_param(&handling, &part->disp, "handling"))
		is = !str_casecmp(handling, "required");
	mem_deref(handling);

	return is;
}


/* the line break in front of a delimiter is no body, and who writes one more
   has none either */
static bool hasbody(const struct cpim_msg *cpim)
{
	size_t i;

	for (i=cpim->body; i<cpim->mb->end; i++) {
		if (!strchr("\r\n", cpim->mb->buf[i]) || !cpim->mb->buf[i])
			return true;
	}

	return false;
}


/* @param mb Given */
static int cpim_add(struct first *first, struct mbuf *mb)
{
	struct cpim_msg *cpim = NULL;
	int err = EMSGSIZE;

	if (mb->end <= first->cpm->conf.max_size)
		err = cpim_decode_all(&cpim, mb);
	if (err)
		goto out;

	if (hasbody(cpim)) {
		mb->pos = 0;
		first->mbv[first->mbc++] = mem_ref(mb);
	}
	else if (!first->head) {
		first->head = mem_ref(cpim);
	}
 out:
	mem_deref(cpim);
	mem_deref(mb);

	return err == EOVERFLOW ? EBADMSG : err;
}


static int part_read(struct reading *rd, const struct mime_part *part)
{
	const bool cpim = mime_type_is(&part->ctype, "message/cpim");
	struct mbuf *mb = NULL;
	int err;

	if (!cpim && !mime_type_is(&part->ctype, "application/sdp"))
		return required(part) ? ENOTSUP : 0;

	err = cpim_body_decode(&mb, &part->cte, (const uint8_t *)part->body.p,
			       part->body.l);
	if (err)
		return err;

	if (cpim)
		return cpim_add(rd->first, mb);

	if (rd->sdp)
		mem_deref(mb);
	else
		rd->sdp = mb;

	return 0;
}


static bool part_handler(const struct mime_part *part, void *arg)
{
	struct reading *rd = arg;

	rd->err = part_read(rd, part);

	return rd->err != 0;
}


/* @return 0; ENOMEM */
static int first_alloc(struct first **firstp, struct cpm *cpm,
		       const struct sip_msg *msg)
{
	/* the request is kept, and its parts are copied */
	const size_t n = msg->mb->size + mbuf_get_left(msg->mb);
	struct first *first;

	if (n > CPM_BUFFER_MAX - cpm->buffered)
		return ENOMEM;

	first = mem_zalloc(sizeof(*first), destructor);
	if (!first)
		return ENOMEM;

	first->cpm = cpm;
	first->counted = n;
	cpm->buffered += n;
	*firstp = first;

	return 0;
}


static int parts_read(struct reading *rd, const struct sip_msg *msg,
		      const struct pl *body)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);

	return mime_multipart(&hdr->val, body, part_handler, rd) ? EBADMSG
		: rd->err;
}


int first_decode(struct first **firstp, struct mbuf **sdpp, struct cpm *cpm,
		 const struct sip_msg *msg)
{
	struct reading rd = {NULL, NULL, 0};
	struct pl body;
	int err;

	err = content_body(&body, msg);
	if (err)
		return err;

	msg->mb->end = msg->mb->pos + body.l;
	if (!msg_ctype_cmp(&msg->ctyp, "multipart", "mixed")) {
		*sdpp = mem_ref(msg->mb);
		return 0;
	}

	err = first_alloc(&rd.first, cpm, msg);
	if (!err)
		err = parts_read(&rd, msg, &body);

	if (err || (!rd.first->mbc && !rd.first->head))
		rd.first = mem_deref(rd.first);
	if (err) {
		mem_deref(rd.sdp);
		return err;
	}

	*firstp = rd.first;
	*sdpp   = rd.sdp;

	return 0;
}


void first_head(struct cpim_msg *cpim, const struct source *src)
{
	const struct cpim_msg *head = src->head;
	size_t i;

	if (!head || pl_isset(&cpim->imdn_msgid))
		return;

	cpim->imdn_msgid = head->imdn_msgid;
	cpim->notify     = head->notify;
	if (!pl_isset(&cpim->datetime))
		cpim->datetime = head->datetime;
	if (!cpim_uri_isreal(&cpim->from.uri))
		cpim->from = head->from;
	for (i=0; i<head->routec && !cpim->routec; i++)
		cpim->routev[i] = head->routev[i];
	if (!cpim->routec)
		cpim->routec = head->routec;
}


void first_begin(struct first *first, struct session *s)
{
	if (!first)
		return;

	if (!first->mbc) {
		s->src->head = mem_ref(first->head);
		return;
	}

	s->first    = mem_ref(first);
	first->sess = s;
}


void first_end(struct session *s)
{
	if (s->first)
		s->first->sess = NULL;

	s->first = mem_deref(s->first);
}


static uint16_t status_of(int err)
{
	switch (err) {

	case EBADMSG:
	case EOVERFLOW:
	case EILSEQ:    return 400;
	case ENOTSUP:   return 415;
	default:        return 480;
	}
}


static void answer(struct session *s, int err)
{
	first_end(s);
	if (err)
		session_end(s, SESS_DECLINED, status_of(err));
	else
		(void)session_answer(s);
}


/* The session may have gone in the meantime: what is stored stays, and is
   known when it comes again */
static void one_done(struct first *first, int err)
{
	if (err && !first->err)
		first->err = err;
	if (!--first->waiting && first->sess)
		answer(first->sess, first->err);
}


static void put_handler(int err, const struct cpm_put_result *res, void *arg)
{
	struct first *first = arg;
	(void)res;

	one_done(first, err);
	mem_deref(first);
}


void first_take(struct session *s)
{
	struct first *first = mem_ref(s->first);
	size_t i;

	/* held until all of them are under way */
	first->waiting = 1;
	for (i=0; i<first->mbc && !first->err; i++) {

		struct taken how = {.local = NULL};
		char local[32];
		int err;

		(void)re_snprintf(local, sizeof(local), "invite-%zu", i);
		how.local = local;
		++first->waiting;
		err = take_cpim(s->src, first->mbv[i], &how, put_handler,
				mem_ref(first));
		if (err)
			put_handler(err == EALREADY ? 0 : err, NULL, first);
	}

	one_done(first, 0);
	mem_deref(first);
}
