/**
 * @file inline.c  The first message inside of the INVITE: multipart/mixed
 *                 (RFC 2046, 5.1) of SDP and message/cpim
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"


/** Take the first message into the INVITE. @return 0; ENOMEM */
int inline_set(struct session *sess, const struct kept *first)
{
	const struct user *user = sess->user;
	const struct pick pick = {
		.user = user->name, .party = sess->party, .conv = sess->conv,
		.after = first->seq - 1, .upto = first->seq,
	};

	return keep_next(&sess->inl, user->pf->keep, &pick);
}


/** Print the body of the INVITE, and the headers about it. @return 0; EIO;
    ENOMEM */
int inline_print(struct mbuf *mb, const struct session *sess)
{
	struct mbuf *body = mbuf_alloc(2048);
	char mark[25];
	int err;

	if (!body)
		return ENOMEM;

	token_make(mark, sizeof(mark));
	err = mbuf_printf(body, "--%s\r\n"
			  "Content-Type: application/sdp\r\n"
			  "Content-Length: %zu\r\n"
			  "\r\n"
			  "%b\r\n"
			  "--%s\r\n"
			  "Content-Type: message/cpim\r\n"
			  "\r\n",
			  mark, sess->offer->end, sess->offer->buf,
			  sess->offer->end, mark);
	if (!err)
		err = cpim_head_print(body, sess->inl);
	if (!err)
		err = body_append(body, sess->pf->keep, sess->inl);
	if (!err)
		err = mbuf_printf(body, "\r\n--%s--\r\n", mark);
	if (!err)
		err = mbuf_printf(mb, "Content-Type: multipart/mixed;"
				  "boundary=%s\r\n"
				  "Content-Length: %zu\r\n"
				  "\r\n", mark, body->end);
	if (!err)
		err = mbuf_write_mem(mb, body->buf, body->end);

	mem_deref(body);
	return err;
}


/**
 * The INVITE was answered with 200, and so was the message in it. With
 * FAULT_DUP it comes over MSRP as well.
 *
 * @return 0; ENOENT; EIO
 */
int inline_accepted(struct session *sess)
{
	struct pf *pf = sess->pf;
	struct sender *s = &sess->send;
	struct kept *m = sess->inl;
	int err = 0;

	if (!m)
		return 0;

	sess->inl = NULL;
	s->last = m->seq;
	s->begun++;
	event("delivered id=%s to=%s code=%u inline=yes", m->id,
	      sess->user->aor, sess->scode);

	if (pf->faults.on[FAULT_DUP]) {
		s->next = m;
		s->copy = 1;
		return 0;
	}

	err = keep_remove(pf->keep, m->seq);
	if (!err) {
		s->delivered++;
		pf->delivered++;
	}
	mem_deref(m);
	return err;
}
