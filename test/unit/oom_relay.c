/**
 * @file oom_relay.c  Memory runs out while a relay is authenticated to and used
 *
 * Whatever fails: as soon as there is memory again the relay comes up, and a
 * session through it is refused with ENOMEM, told its end, or bound.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "unit/oom_unit.h"
#include <cpm_msrp.h>


enum {
	GUARD_MS = 10000,    /* until what does not come has failed         */
	GONE_MS  = 15,       /* for so long there is no memory at all       */
	TRANS_MS = 60,       /* to wait for answers that nobody can give    */
};

static struct {
	struct msrp *msrp;
	struct msrp_relay *relay;
	struct msrp_sess *sess;
	struct tcp_sock *ts;
	struct tcp_conn *tc;
	char rx[4096];
	size_t n;
	int err;                 /* of what was called                      */
	int end;                 /* of the session                          */
	unsigned failed;         /* before the memory came back             */
	bool up, estab, closed, late, gone;
} w;


/*
 * A relay, on the stack: it needs little memory
 */

static void answer(char *req, size_t len)
{
	char from[512] = "", tid[40] = "", met[16] = "", buf[2048];
	struct mbuf mb;
	const char *p = strstr(req, "From-Path: ");
	int n;

	req[len - 1] = '\0';
	if (sscanf(req, "MSRP %39s %15s", tid, met) != 2 || !p ||
	    sscanf(p, "From-Path: %511s", from) != 1)
		return;

	n = snprintf(buf, sizeof(buf), "MSRP %s %s\r\nTo-Path: %s\r\n"
		     "From-Path: msrp://r.test:1;tcp\r\n%s-------%s$\r\n", tid,
		     strcmp(met, "AUTH") || strstr(req, "Authorization")
		     ? "200 OK" : "401 No", from, strcmp(met, "AUTH") ? ""
		     : strstr(req, "Authorization")
		     ? "Use-Path: msrp://r.test:1/x;tcp\r\nExpires: 900\r\n"
		     : "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		     "qop=\"auth\"\r\n", tid);
	mbuf_init(&mb);
	mb.buf = (uint8_t *)buf;
	mb.size = mb.end = (size_t)n;
	(void)tcp_send(w.tc, &mb);
}


static void recv_handler(struct mbuf *mb, void *arg)
{
	const size_t left = min(mbuf_get_left(mb), sizeof(w.rx) - w.n - 1);
	char *end;
	(void)arg;

	memcpy(w.rx + w.n, mbuf_buf(mb), left);
	w.n += left;
	w.rx[w.n] = '\0';
	while ((end = strstr(w.rx, "$\r\n"))) {
		const size_t len = (size_t)(end - w.rx) + 3;

		answer(w.rx, len);
		w.n -= len;
		memmove(w.rx, w.rx + len, w.n + 1);
	}
}


static void gone_handler(int err, void *arg)
{
	(void)err;
	(void)arg;
	w.tc = mem_deref(w.tc);
}


static void accept_handler(const struct sa *peer, void *arg)
{
	(void)peer;
	(void)arg;
	w.tc = mem_deref(w.tc);
	w.n = 0;
	if (tcp_accept(&w.tc, w.ts, NULL, recv_handler, gone_handler, NULL))
		tcp_reject(w.ts);
}


/*
 * We
 */

static void relay_handler(int err, uint16_t scode, void *arg)
{
	(void)scode;
	(void)arg;
	w.up = !err;
	if (w.up)
		re_cancel();
}


static void estab_handler(void *arg)
{
	(void)arg;
	w.estab = true;
	re_cancel();
}


static void close_handler(int err, void *arg)
{
	(void)arg;
	w.end = err;
	w.closed = true;
	re_cancel();
}


static void late_handler(void *arg)
{
	bool *flag = arg;

	*flag = true;
	re_cancel();
}


static void loop(const bool *done, const bool *or, bool on)
{
	struct tmr tmr, gone;

	tmr_init(&tmr);
	tmr_init(&gone);
	tmr_start(&tmr, GUARD_MS, late_handler, &w.late);
	if (on)
		tmr_start(&gone, GONE_MS, late_handler, &w.gone);
	while (!*done && !*or && !w.late) {
		(void)re_main(NULL);
		if (w.gone)
			w.failed += oom_disarm();
		w.gone = false;
	}
	tmr_cancel(&tmr);
	tmr_cancel(&gone);
}


static void begin(void)
{
	const struct msrp_conf conf = {.trans_timeout = TRANS_MS};
	struct sa sa;

	memset(&w, 0, sizeof(w));
	ck_assert_int_eq(0, msrp_alloc(&w.msrp, &conf));
	ck_assert_int_eq(0, sa_set_str(&sa, "127.0.0.1", 0));
	ck_assert_int_eq(0, tcp_listen(&w.ts, &sa, accept_handler, NULL));
}


/* No assertions while armed */
static void use(bool on)
{
	static const struct msrp_sess_h h = {
		.estabh = estab_handler, .closeh = close_handler,
	};
	struct msrp_relay_conf conf = {
		.uri = "msrp://r.test:1;tcp", .user = "a", .pass = "b",
		.retry = 1,
	};
	struct sa sa;

	w.err = tcp_local_get(w.ts, &conf.addr);
	if (!w.err)
		w.err = msrp_relay_alloc(&w.relay, w.msrp, &conf,
					 relay_handler, NULL);
	if (w.err)
		return;

	loop(&w.up, &w.up, on);
	(void)sa_set_str(&sa, "127.0.0.1", 0);
	w.err = msrp_sess_alloc(&w.sess, w.msrp, &sa, false, &h, NULL);
	if (!w.err)
		w.err = msrp_sess_set_peer(w.sess, "msrp://p.test:2/y;tcp");
	if (!w.err)
		w.err = msrp_sess_use_relay(w.sess, w.relay);
	if (!w.err)
		w.err = msrp_sess_connect(w.sess, NULL);
	if (!w.err)
		loop(&w.estab, &w.closed, false);
}


static void end(void)
{
	mem_deref(w.sess);
	mem_deref(w.relay);
	mem_deref(w.msrp);
	mem_deref(w.tc);
	mem_deref(w.ts);
}


/* One round. @return failures */
static unsigned round_run(unsigned at, bool on)
{
	const struct oom_live live = oom_live();
	const unsigned files = oo_files();
	unsigned failed;

	begin();
	oom_arm(at, on);
	use(on);
	failed = w.failed + oom_disarm();
	ck_assert_msg(!w.late, "allocation %u: it does not come", at);
	ck_assert_msg(!w.err || w.err == ENOMEM || w.err == EAGAIN ||
		      w.err == ENOTCONN, "allocation %u: %d", at, w.err);
	if (!at)
		ck_assert(w.up && w.estab && !w.err);
	end();
	ck_assert_uint_eq(live.re, oom_live().re);
	ck_assert_uint_eq(files, oo_files());

	return failed;
}


START_TEST(test_relay)
{
	unsigned at, total, n = 0;

	/* what libre keeps from the first use on */
	begin();
	use(false);
	end();
	ck_assert_uint_eq(0, round_run(0, false));
	total = oom_count();
	for (at=1; at<=total; at = oo_next(at, total))
		n += round_run(at, _i) > 0;
	printf("oom: %-24s %5u failures\n", _i ? "relay, and on" : "relay", n);
	ck_assert_uint_gt(n, 20);
}
END_TEST


static void setup(void)
{
	ck_assert_int_eq(0, libre_init());
}


static void teardown(void)
{
	libre_close();
}


TCase *oom_relay_case(void)
{
	TCase *tc = tcase_create("relay");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_relay, 0, 2);

	return tc;
}
