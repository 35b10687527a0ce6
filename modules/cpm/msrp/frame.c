/**
 * @file frame.c  One chunk of an outgoing message (RFC 4975, 7.1.1)
 *
 * The transaction id, 128 random bits, is chosen when the octets of the chunk
 * have been read: nobody, not even one who hands us octets while we send, can
 * have put its end-line into them. So they are not searched for it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


/* Written to a buffer, or only counted where buf is NULL */
struct out {
	uint8_t *buf;
	size_t n;
};


static void put(struct out *out, const char *p, size_t n)
{
	if (out->buf)
		memcpy(out->buf + out->n, p, n);
	out->n += n;
}


static void put_str(struct out *out, const char *str)
{
	put(out, str, strlen(str));
}


static void put_num(struct out *out, uint64_t v)
{
	char buf[20];
	size_t i = sizeof(buf);

	do {
		buf[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);

	put(out, buf + i, sizeof(buf) - i);
}


/* Any chunk over 2,048 octets has to be interruptible, and says so by "*"
   (RFC 4975, 5.1): who relays it may cut it where he wants */
static void put_range(struct out *out, uint64_t off, size_t len,
		      uint64_t size)
{
	put_str(out, "\r\nByte-Range: ");
	put_num(out, off + 1);
	put_str(out, "-");
	if (len > CHUNK_MIN)
		put_str(out, "*");
	else
		put_num(out, off + len);
	put_str(out, "/");
	put_num(out, size);
	put_str(out, "\r\n");
}


static void put_head(struct out *out, const struct msrp_tx *tx, size_t len,
		     const char *tid)
{
	put_str(out, "MSRP ");
	put(out, tid, ID_SIZE - 1);
	put_str(out, " SEND\r\nTo-Path: ");
	put_str(out, msrp_sess_to(tx->sess));
	put_str(out, "\r\nFrom-Path: ");
	put_str(out, tx->sess->path);
	put_str(out, "\r\nMessage-ID: ");
	put_str(out, tx->msgid);
	if (tx->sreport)
		put_str(out, "\r\nSuccess-Report: yes");
	if (tx->freport == MSRP_FREPORT_NO)
		put_str(out, "\r\nFailure-Report: no");
	else if (tx->freport == MSRP_FREPORT_PARTIAL)
		put_str(out, "\r\nFailure-Report: partial");
	put_range(out, tx->off, len, tx->size);
	if (tx->ctype) {
		put_str(out, "Content-Type: ");
		put_str(out, tx->ctype);
		put_str(out, "\r\n\r\n");
	}
}


static void put_tail(struct out *out, const struct msrp_tx *tx,
		     const char *tid, char flag)
{
	put_str(out, tx->ctype ? "\r\n-------" : "-------");
	put(out, tid, ID_SIZE - 1);
	put(out, &flag, 1);
	put_str(out, "\r\n");
}


static size_t head_size(const struct msrp_tx *tx, size_t len)
{
	char tid[ID_SIZE] = "";
	struct out out = {NULL, 0};

	put_head(&out, tx, len, tid);

	return out.n;
}


/* @return 0; FRAME_NOTHING; or what ends the message */
static int body_read(struct msrp_tx *tx, uint8_t *p, size_t *len)
{
	const size_t want = *len;
	int err;

	if (!want)
		return 0;

	if (!tx->readh) {
		memcpy(p, tx->mb->buf + tx->mbpos + tx->off, want);
		return 0;
	}

	err = tx->readh(tx->off, p, len, tx->arg);
	if (err)
		return err;
	if (!tx->sess || tx->state != TX_SEND)
		return ECANCELED;
	if (*len > want)
		return EINVAL;

	return *len ? 0 : FRAME_NOTHING;
}


/* Room for n octets behind the end */
static int room_make(struct mbuf *mb, size_t n)
{
	const size_t need = mb->end + n;

	if (mb->size >= need)
		return 0;

	return mbuf_resize(mb, max(need, 2 * mb->size));
}


/**
 * Append the next chunk of a message
 *
 * @param mb  Buffer, written from its end on; the end moves if 0 is returned
 * @param max Octets of body at most
 * @param tid Filled with its transaction id, ID_SIZE
 * @param len Set to the octets of body
 *
 * @return 0; FRAME_NOTHING for now; ECANCELED if the message has
 *         ended in the meantime; ENOMEM; EINVAL or errno of readh
 */
int msrp_frame_chunk(struct mbuf *mb, struct msrp_tx *tx, size_t max,
		     char *tid, size_t *len)
{
	const size_t want = (size_t)min((uint64_t)max, tx->size - tx->off);
	const size_t hsize = head_size(tx, want);
	struct out out;
	size_t n = want, h = hsize;
	int err;

	err = room_make(mb, hsize + want + FRAME_TAIL);
	if (err)
		return err;

	err = body_read(tx, mb->buf + mb->end + hsize, &n);
	if (err)
		return err;

	/* readh gives less, or may have told another peer's path */
	if (tx->readh)
		h = head_size(tx, n);
	if (h != hsize) {
		err = room_make(mb, max(h, hsize) + n + FRAME_TAIL);
		if (err)
			return err;
		memmove(mb->buf + mb->end + h, mb->buf + mb->end + hsize, n);
	}

	msrp_ident_next(tx->sess->msrp, tid, ID_SIZE);
	out.buf = mb->buf + mb->end;
	out.n = 0;
	put_head(&out, tx, n, tid);
	out.n += n;
	put_tail(&out, tx, tid, tx->off + n < tx->size ? MSRP_CONTINUE
		 : MSRP_COMPLETE);

	mb->end += out.n;
	*len = n;

	return 0;
}


/**
 * Give up a message of which a part has left: "#" (RFC 4975, 7.1). Nobody
 * waits for an answer to it.
 */
int msrp_frame_abort(struct msrp_conn *conn, const struct msrp_tx *tx)
{
	char tid[ID_SIZE], range[64];
	struct pl v[] = {
		LIT("MSRP "), {NULL, 0}, LIT(" SEND\r\nTo-Path: "),
		{NULL, 0}, LIT("\r\nFrom-Path: "), {NULL, 0},
		LIT("\r\nMessage-ID: "), {NULL, 0},
		LIT("\r\nFailure-Report: no\r\nByte-Range: "), {NULL, 0},
		LIT("\r\nContent-Type: "), {NULL, 0},
		LIT("\r\n\r\n\r\n-------"), {NULL, 0}, LIT("#\r\n"),
	};

	msrp_ident(tid, sizeof(tid));
	(void)re_snprintf(range, sizeof(range), "%llu-%llu/%llu",
			  (unsigned long long)tx->off + 1,
			  (unsigned long long)tx->off,
			  (unsigned long long)tx->size);
	pl_set_str(&v[1], tid);
	pl_set_str(&v[3], msrp_sess_to(tx->sess));
	pl_set_str(&v[5], tx->sess->path);
	pl_set_str(&v[7], tx->msgid);
	pl_set_str(&v[9], range);
	pl_set_str(&v[11], tx->ctype);
	pl_set_str(&v[13], tid);

	return msrp_conn_put(conn, v, COUNT(v));
}
