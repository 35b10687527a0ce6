/**
 * @file sess_unit.c  What the tests of MSRP sessions share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  /* memmem() */
#endif
#include "sess_unit.h"


const char *const addrv[] = {"127.0.0.1", "::1"};

struct msrp *sess_stack;
struct msrp_conf sess_conf;
struct side s1, s2;
struct peer p1, p2;
static struct tmr tmr_guard, tmr_poll_;
static bool (*cond)(const void *arg);
static const void *cond_arg;
static bool timed_out;


/*
 * The loop
 */

static void guard_handler(void *arg)
{
	(void)arg;
	timed_out = true;
	re_cancel();
}


static void poll_handler(void *arg)
{
	(void)arg;
	if (cond(cond_arg))
		re_cancel();
	else
		tmr_start(&tmr_poll_, 1, poll_handler, NULL);
}


/* Run until it is true, or for ms; @return whether it is */
bool loop_run(uint64_t ms, bool (*c)(const void *arg), const void *arg)
{
	timed_out = false;
	cond = c;
	cond_arg = arg;
	tmr_start(&tmr_guard, ms, guard_handler, NULL);
	tmr_start(&tmr_poll_, 0, poll_handler, NULL);
	ck_assert_int_eq(0, re_main(NULL));
	tmr_cancel(&tmr_guard);
	tmr_cancel(&tmr_poll_);

	return !timed_out;
}


static bool never(const void *arg)
{
	(void)arg;
	return false;
}


bool is_true(const void *arg)
{
	return *(const bool *)arg;
}


bool is_set(const void *arg)
{
	return *(const unsigned *)arg != 0;
}


void loop_settle(uint64_t ms)
{
	(void)loop_run(ms, never, NULL);
}


/*
 * The session's handlers
 */

static void maybe_leave(struct side *s, char in)
{
	if (s->in != in)
		return;

	if (s->deref)
		s->sess = mem_deref(s->sess);
	else
		msrp_sess_close(s->sess);
}


static uint16_t open_handler(struct msrp_rx *rx, void *arg)
{
	struct side *s = arg;
	const uint16_t scode = s->open_code;

	++s->openc;
	mem_deref(s->body);
	s->body = mbuf_alloc(64);
	msrp_rx_set_arg(rx, mem_ref(s->body));
	if (s->size)
		msrp_rx_set_size(rx, s->size);
	maybe_leave(s, 'o');

	return scode;
}


static uint16_t data_handler(struct msrp_rx *rx, uint64_t off,
			     const uint8_t *buf, size_t len, void *arg)
{
	struct side *s = arg;
	struct mbuf *mb = msrp_rx_arg(rx);

	s->octets += len;
	mb->pos = off;
	if (mb->pos > mb->end)
		s->bad = true;
	else if (mbuf_write_mem(mb, buf, len))
		s->bad = true;
	if (!s->bad && msrp_rx_begun(rx) != mb->end)
		s->bad = true;
	if (s->pause_at && s->octets >= s->pause_at)
		msrp_sess_pause(s->sess, true);
	maybe_leave(s, 'd');

	return 0;
}


static void done_handler(struct msrp_rx *rx, void *arg)
{
	struct side *s = arg;

	++s->donec;
	if (s->late) {
		ck_assert_uint_lt(s->keptc, KEPT);
		s->keptv[s->keptc++] = mem_ref(rx);
	}
	else {
		ck_assert_int_eq(0, msrp_rx_answer(rx, s->scode, NULL));
	}
	maybe_leave(s, 'n');
}


static void drop_handler(struct msrp_rx *rx, void *arg)
{
	struct side *s = arg;
	(void)rx;

	++s->dropc;
	maybe_leave(s, 'r');
}


static void estab_handler(void *arg)
{
	struct side *s = arg;

	++s->estabc;
	maybe_leave(s, 'e');
}


static void close_handler(int err, void *arg)
{
	struct side *s = arg;

	++s->closec;
	s->close_err = err;
	maybe_leave(s, 'c');
}


void sess_make(struct side *s, const char *addr)
{
	static const struct msrp_sess_h h = {
		open_handler, data_handler, done_handler, drop_handler,
		estab_handler, close_handler,
	};
	struct sa laddr;

	ck_assert_int_eq(0, sa_set_str(&laddr, addr, 0));
	ck_assert_int_eq(0, msrp_sess_alloc(&s->sess, sess_stack, &laddr,
					    s->tls, &h, s));
	ck_assert_int_eq(0, msrp_sess_set_peer(s->sess, PEER));
}


void side_answer(struct side *s, uint16_t scode, int err)
{
	unsigned i;

	for (i=0; i<s->keptc; i++) {
		ck_assert_int_eq(err, msrp_rx_answer(s->keptv[i], scode,
						     NULL));
		mem_deref(s->keptv[i]);
	}
	s->keptc = 0;
}


/*
 * The peer
 */

static void peer_estab(void *arg)
{
	struct peer *peer = arg;

	peer->estab = true;
}


static void peer_recv(struct mbuf *mb, void *arg)
{
	struct peer *peer = arg;

	++peer->recvc;
	peer->rx->pos = peer->rx->end;
	(void)mbuf_write_mem(peer->rx, mbuf_buf(mb), mbuf_get_left(mb));
}


static void peer_closed(int err, void *arg)
{
	struct peer *peer = arg;
	(void)err;

	peer->closed = true;
}


static void peer_secure(struct peer *peer)
{
	cpm_tcp_nodelay(peer->tc);
	if (peer->tls)
		ck_assert_int_eq(0, tls_start_tcp(&peer->sc, peer->tls,
						  peer->tc, 0));
}


static void peer_accept(const struct sa *sa, void *arg)
{
	struct peer *peer = arg;
	(void)sa;

	ck_assert_int_eq(0, tcp_accept(&peer->tc, peer->ts, peer_estab,
				       peer_recv, peer_closed, peer));
	peer_secure(peer);
}


static void peer_dial(struct peer *peer, const char *addr, uint16_t port,
		      const char *from)
{
	struct sa sa, own;

	ck_assert_int_eq(0, sa_set_str(&sa, addr, port));
	ck_assert_int_eq(0, tcp_conn_alloc(&peer->tc, &sa, peer_estab,
					   peer_recv, peer_closed, peer));
	if (from) {
		ck_assert_int_eq(0, sa_set_str(&own, from, 0));
		ck_assert_int_eq(0, tcp_conn_bind(peer->tc, &own));
	}
	ck_assert_int_eq(0, tcp_conn_connect(peer->tc, &sa));
	tcp_conn_rxsz_set(peer->tc, 1 << 20);
	tcp_conn_txqsz_set(peer->tc, 1 << 26);
	peer_secure(peer);
}


void peer_open(struct peer *peer, const char *addr, uint16_t port)
{
	peer_dial(peer, addr, port, NULL);
}


void peer_connect_from(struct peer *peer, const struct side *s,
		       const char *from)
{
	const bool v6 = sa_af(&s->sess->laddr) == AF_INET6;

	peer_dial(peer, v6 ? "::1" : "127.0.0.1", msrp_sess_lport(s->sess),
		  from);
	ck_assert(loop_run(GUARD, is_true, &peer->estab));
}


void peer_connect(struct peer *peer, const struct side *s)
{
	peer_connect_from(peer, s, NULL);
}


void peer_listen(struct peer *peer, struct sa *sa, const char *addr)
{
	ck_assert_int_eq(0, sa_set_str(sa, addr, 0));
	ck_assert_int_eq(0, tcp_listen(&peer->ts, sa, peer_accept, peer));
	ck_assert_int_eq(0, tcp_local_get(peer->ts, sa));
}


void peer_write(struct peer *peer, const void *v, size_t len)
{
	struct mbuf mb;

	mbuf_init(&mb);
	mb.buf = (uint8_t *)v;
	mb.size = mb.end = len;
	ck_assert_int_eq(0, tcp_send(peer->tc, &mb));
}


void peer_puts(struct peer *peer, const char *str)
{
	peer_write(peer, str, str_len(str));
}


bool rx_has(const struct peer *peer, const char *str)
{
	return peer->rx->end && memmem(peer->rx->buf, peer->rx->end, str,
				       str_len(str)) != NULL;
}


struct want {
	const struct peer *peer;
	const char *str;
};

static bool want_handler(const void *arg)
{
	const struct want *w = arg;

	return rx_has(w->peer, w->str);
}


void expect(struct peer *peer, const char *str)
{
	const struct want w = {peer, str};
	const bool ok = loop_run(GUARD, want_handler, &w);

	ck_assert_msg(ok, "no '%s' in '%.*s'", str, (int)peer->rx->end,
		      (char *)peer->rx->buf);
}


/* All that came, exactly; then forgotten */
void expect_all(struct peer *peer, const char *str)
{
	expect(peer, str);
	loop_settle(10);
	ck_assert_uint_eq(str_len(str), peer->rx->end);
	mbuf_rewind(peer->rx);
}


size_t count(const struct peer *peer, const char *str)
{
	const uint8_t *v = peer->rx->buf, *end = v + peer->rx->end;
	size_t n = 0;

	while (v && (v = memmem(v, (size_t)(end - v), str, str_len(str)))) {
		v += str_len(str);
		++n;
	}

	return n;
}


struct wantn {
	const struct peer *peer;
	const char *str;
	size_t n;
};

static bool wantn_handler(const void *arg)
{
	const struct wantn *w = arg;

	return count(w->peer, w->str) >= w->n;
}


void expect_n(struct peer *peer, const char *str, size_t n)
{
	const struct wantn w = {peer, str, n};
	const bool ok = loop_run(GUARD, wantn_handler, &w);

	ck_assert_msg(ok, "%zu of %zu '%s'", count(peer, str), n, str);
}


/* A request to a session, for str_x() style use: mem_deref() it */
char *req(const struct side *s, const char *tid, const char *met,
		 const char *rest)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s %s\r\nTo-Path: %s\r\n"
					"From-Path: " PEER "\r\n%s"
					"-------%s$\r\n", tid, met,
					msrp_sess_path(s->sess), rest, tid));

	return str;
}


/* The answer to it */
char *resp(const struct side *s, const char *tid, const char *status)
{
	char *str;

	ck_assert_int_eq(0, re_sdprintf(&str, "MSRP %s %s\r\nTo-Path: " PEER
					"\r\nFrom-Path: %s\r\n-------%s$\r\n",
					tid, status, msrp_sess_path(s->sess),
					tid));

	return str;
}


void put(struct peer *peer, const struct side *s, const char *tid,
		const char *met, const char *rest)
{
	char *str = req(s, tid, met, rest);

	peer_puts(peer, str);
	mem_deref(str);
}


/* Send it, and get this */
void talk(struct peer *peer, const struct side *s, const char *rest,
		 const char *status)
{
	char *str = resp(s, "tid00001", status);

	put(peer, s, "tid00001", "SEND", rest);
	expect_all(peer, str);
	mem_deref(str);
}


void sess_setup(void)
{
	ck_assert_int_eq(0, libre_init());
	memset(&s1, 0, sizeof(s1));
	memset(&s2, 0, sizeof(s2));
	memset(&p1, 0, sizeof(p1));
	memset(&p2, 0, sizeof(p2));
	s1.scode = s2.scode = 200;
	p1.rx = mbuf_alloc(64);
	p2.rx = mbuf_alloc(64);
	tmr_init(&tmr_guard);
	tmr_init(&tmr_poll_);
	memset(&sess_conf, 0, sizeof(sess_conf));
	ck_assert_int_eq(0, msrp_alloc(&sess_stack, &sess_conf));
}


void side_free(struct side *s)
{
	while (s->keptc)
		mem_deref(s->keptv[--s->keptc]);
	s->sess = mem_deref(s->sess);
	s->body = mem_deref(s->body);
}


void peer_free(struct peer *peer)
{
	peer->sc = mem_deref(peer->sc);
	peer->tc = mem_deref(peer->tc);
	peer->tls = mem_deref(peer->tls);
	peer->ts = mem_deref(peer->ts);
	peer->rx = mem_deref(peer->rx);
}


void sess_teardown(void)
{
	ck_assert(!s1.bad && !s2.bad);

	side_free(&s1);
	side_free(&s2);
	sess_stack = mem_deref(sess_stack);
	peer_free(&p1);
	peer_free(&p2);
	sess_conf.tls = mem_deref(sess_conf.tls);
	libre_close();
}


/* With other settings */
void sess_restack(uint32_t trans_timeout, uint32_t idle_timeout,
		    uint64_t max_size)
{
	sess_conf.trans_timeout = trans_timeout;
	sess_conf.idle_timeout = idle_timeout;
	sess_conf.max_size = max_size;
	sess_stack = mem_deref(sess_stack);
	ck_assert_int_eq(0, msrp_alloc(&sess_stack, &sess_conf));
}


void side_passive(const char *addr)
{
	sess_make(&s1, addr);
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	msrp_sess_start(s1.sess);
	peer_connect(&p1, &s1);
}
