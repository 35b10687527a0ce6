/**
 * @file send_unit.c  What the tests of sending share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "send_unit.h"


struct msg m1, m2;


uint8_t pattern(uint64_t off)
{
	return (uint8_t)(off * 7 + (off >> 8) * 3 + (off >> 16));
}


bool is_pattern(uint64_t off, const void *p, size_t len)
{
	const uint8_t *v = p;
	size_t i;

	for (i=0; i<len; i++) {
		if (v[i] != pattern(off + i))
			return false;
	}

	return true;
}


/*
 * The message's handlers
 */

static void maybe_leave(struct msg *m, char in)
{
	if (m->in != in)
		return;

	m->in = 0;
	switch (m->what) {

	case 'm':
		m->tx = mem_deref(m->tx);
		break;

	case 's':
		s1.sess = mem_deref(s1.sess);
		break;

	case 'c':
		msrp_sess_close(s1.sess);
		break;

	case 'a':
		msrp_tx_abort(m->tx);
		break;

	default:
		break;
	}
}


int read_handler(uint64_t off, uint8_t *buf, size_t *len, void *arg)
{
	struct msg *m = arg;
	size_t i, n = *len;

	++m->readc;
	if (m->least)
		m->least = min(m->least, s1.sess->conn->chunk);
	if (m->fail_at && off >= m->fail_at)
		return m->fail_err ? m->fail_err : EIO;
	if (m->most)
		n = min(n, m->most);
	if (m->fail_at)
		n = (size_t)min((uint64_t)n, m->fail_at - off);
	if (m->hold_at)
		n = off < m->hold_at
			? (size_t)min((uint64_t)n, m->hold_at - off) : 0;

	for (i=0; i<n; i++)
		buf[i] = pattern(off + i);
	m->given = off + n;
	*len = n;
	if (!n && m->self)
		msrp_tx_wake(m->tx);
	maybe_leave(m, 'r');

	return 0;
}


void sent_handler(int err, uint16_t scode, void *arg)
{
	struct msg *m = arg;

	++m->sentc;
	m->err = err;
	m->scode = scode;
	m->closec = s1.closec;
	maybe_leave(m, 's');
}


void report_handler(uint16_t scode, const struct msrp_range *range, void *arg)
{
	struct msg *m = arg;

	++m->reportc;
	m->rcode = scode;
	m->range = *range;
	maybe_leave(m, 'p');
}


/*
 * Sending
 */

void send_setup(void)
{
	sess_setup();
	memset(&m1, 0, sizeof(m1));
	memset(&m2, 0, sizeof(m2));
	tls_setup();
}


void send_teardown(void)
{
	m1.tx = mem_deref(m1.tx);
	m2.tx = mem_deref(m2.tx);
	sess_teardown();
	tls_teardown();
}


void send_estab(void)
{
	char *str;

	side_passive("127.0.0.1");
	put(&p1, &s1, "bind0001", "SEND", BIND);
	str = resp(&s1, "bind0001", "200 OK");
	expect_all(&p1, str);
	mem_deref(str);
}


void send_estab_tls(bool tls)
{
	char fp[CERT_FP], *str;
	const char *path;

	if (!tls) {
		send_estab();
		return;
	}

	tls_stack(NULL);
	path = tls_cert("peer.pem", NULL);
	p1.tls = tls_peer(path);
	ck_assert_int_eq(0, cert_fingerprint(fp, path, "sha-256"));
	ck_assert_int_eq(0, tls_begin(true, "127.0.0.1", fp));
	str = resp(&s1, "tid00000", "200 OK");
	expect_all(&p1, str);
	mem_deref(str);
}


static void msg_init(struct msrp_send *send, struct msg *m)
{
	memset(send, 0, sizeof(*send));
	send->ctype = "text/plain";
	send->senth = sent_handler;
	send->reporth = report_handler;
	send->arg = m;
}


void msg_text(struct msrp_send *send, struct msg *m, const char *text)
{
	msg_init(send, m);
	send->mb = mbuf_alloc(16);
	ck_assert_int_eq(0, mbuf_write_str(send->mb, "not "));
	ck_assert_int_eq(0, mbuf_write_str(send->mb, text));
	send->mb->pos = 4;
}


void msg_read(struct msrp_send *send, struct msg *m, uint64_t size)
{
	msg_init(send, m);
	send->readh = read_handler;
	send->size = size;
}


void msg_send(struct side *s, struct msg *m, struct msrp_send *send)
{
	ck_assert_int_eq(0, msrp_send(&m->tx, s->sess, send));
	send->mb = mem_deref(send->mb);
}


void msg_end(const struct msg *m, int err, uint16_t scode)
{
	WAIT(is_set, &m->sentc);
	ck_assert_int_eq(err, m->err);
	ck_assert_uint_eq(scode, m->scode);
	ck_assert_uint_eq(1, m->sentc);
}


/*
 * What reaches the peer
 */

bool frame_decode(struct frame *f, size_t *pos)
{
	struct msrp_body body;
	struct mbuf *mb = p1.rx;
	const size_t end = mb->pos;
	int err;

	mb->pos = *pos;
	memset(f, 0, sizeof(*f));
	err = msrp_head_decode(&f->head, mb);
	if (!err && f->head.body) {
		memset(&body, 0, sizeof(body));
		ck_assert_int_eq(0, pl_strcpy(&f->head.tid, body.tid,
					      sizeof(body.tid)));
		f->body.p = (char *)mbuf_buf(mb);
		for (;;) {
			struct pl pl;

			err = msrp_body_decode(&body, mb, &pl);
			f->body.l += pl.l;
			if (!err || !pl.l)
				break;
		}
		f->flag = body.flag;
	}
	else {
		f->flag = f->head.flag;
	}
	if (!err) {
		*pos = mb->pos;
		f->off = f->head.range.start - 1;
		(void)pl_strcpy(&f->head.tid, f->tid, sizeof(f->tid));
		(void)pl_strcpy(&f->head.msgid, f->msgid, sizeof(f->msgid));
	}
	mb->pos = end;

	return !err;
}


struct want {
	struct frame *f;
	size_t *pos;
};

static bool want_handler(const void *arg)
{
	const struct want *w = arg;

	return frame_decode(w->f, w->pos);
}


void frame_next(struct frame *f, size_t *pos)
{
	const struct want w = {f, pos};

	WAIT(want_handler, &w);
}


void answer(const char *tid, const char *status)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s %s\r\nTo-Path: %s\r\n"
		"From-Path: " PEER "\r\n-------%s$\r\n", tid, status,
		msrp_sess_path(s1.sess), tid));
	peer_puts(&p1, str);
	mem_deref(str);
}


void report(const char *rest)
{
	put(&p1, &s1, "report01", "REPORT", rest);
}
