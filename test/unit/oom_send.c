/**
 * @file oom_send.c  Memory runs out while messages are sent over MSRP
 *
 * Whatever fails: each message is refused by msrp_send() or told its end,
 * once, and nothing is left of what was taken.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "unit/oom_unit.h"
#include <cpm_msrp.h>


enum {
	GUARD_MS = 10000,    /* until a message without an end is a failure */
	TRANS_MS = 60,       /* to wait for answers that nobody can give    */
	LARGE    = 200000,   /* octets                                      */
	MSGS     = 4,
};

static struct {
	struct msrp *msrp;
	struct msrp_sess *from, *to;
	struct mbuf *text, *large;
	struct msrp_tx *txv[MSGS];
	int errv[MSGS];          /* of msrp_send()                          */
	unsigned sentv[MSGS];    /* calls of senth                          */
	unsigned open;           /* messages without an end                 */
	bool estab;
	bool late;
} w;


static void maybe_done(void)
{
	if (!w.open)
		re_cancel();
}


static int read_handler(uint64_t off, uint8_t *buf, size_t *len, void *arg)
{
	(void)off;
	(void)arg;
	*len = min(*len, (size_t)30000);
	memset(buf, 'x', *len);

	return 0;
}


static void sent_handler(int err, uint16_t scode, void *arg)
{
	unsigned *n = arg;
	(void)err;
	(void)scode;

	if (!(*n)++)
		--w.open;
	maybe_done();
}


static void report_handler(uint16_t scode, const struct msrp_range *range,
			   void *arg)
{
	(void)scode;
	(void)range;
	(void)arg;
}


static void done_handler(struct msrp_rx *rx, void *arg)
{
	(void)arg;
	(void)msrp_rx_answer(rx, 200, NULL);
}


static void estab_handler(void *arg)
{
	(void)arg;
	w.estab = true;
	re_cancel();
}


static void late_handler(void *arg)
{
	(void)arg;
	w.late = true;
	re_cancel();
}


static void loop(void)
{
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, GUARD_MS, late_handler, NULL);
	(void)re_main(NULL);
	tmr_cancel(&tmr);
}


static void begin(void)
{
	static const struct msrp_sess_h h = {
		.doneh = done_handler, .estabh = estab_handler,
	};
	static const struct msrp_sess_h to_h = {.doneh = done_handler};
	const struct msrp_conf conf = {.trans_timeout = TRANS_MS};
	struct sa sa;

	memset(&w, 0, sizeof(w));
	ck_assert_int_eq(0, msrp_alloc(&w.msrp, &conf));
	ck_assert_int_eq(0, sa_set_str(&sa, "127.0.0.1", 0));
	ck_assert_int_eq(0, msrp_sess_alloc(&w.to, w.msrp, &sa, false, &to_h,
					    NULL));
	ck_assert_int_eq(0, msrp_sess_listen(w.to));
	ck_assert_int_eq(0, msrp_sess_alloc(&w.from, w.msrp, &sa, false, &h,
					    NULL));
	ck_assert_int_eq(0, msrp_sess_set_peer(w.from,
					       msrp_sess_path(w.to)));
	ck_assert_int_eq(0, msrp_sess_set_peer(w.to,
					       msrp_sess_path(w.from)));
	msrp_sess_start(w.to);
	sa_set_port(&sa, msrp_sess_lport(w.to));
	ck_assert_int_eq(0, msrp_sess_connect(w.from, &sa));
	loop();
	ck_assert(w.estab);

	w.text = mbuf_alloc(16);
	ck_assert_int_eq(0, mbuf_write_str(w.text, "hello"));
	w.large = mbuf_alloc(LARGE);
	ck_assert_int_eq(0, mbuf_fill(w.large, 'x', LARGE));
	w.text->pos = w.large->pos = 0;
}


/* No assertions while armed */
static void send_all(void)
{
	struct msrp_send v[MSGS] = {
		{.mb = w.text},
		{.mb = w.large},
		{.readh = read_handler, .size = LARGE,
		 .success_report = true},
		{.mb = w.text, .success_report = true},
	};
	unsigned i;

	for (i=0; i<MSGS; i++) {
		v[i].ctype = "text/plain";
		v[i].senth = sent_handler;
		v[i].reporth = report_handler;
		v[i].arg = &w.sentv[i];
		++w.open;
		/* the last one is the session's */
		w.errv[i] = msrp_send(i + 1 < MSGS ? &w.txv[i] : NULL,
				      w.from, &v[i]);
		if (w.errv[i])
			--w.open;
	}
	if (w.open)
		loop();
}


static void end(void)
{
	unsigned i;

	for (i=0; i<MSGS; i++)
		mem_deref(w.txv[i]);
	mem_deref(w.text);
	mem_deref(w.large);
	mem_deref(w.from);
	mem_deref(w.to);
	mem_deref(w.msrp);
}


/* One round. @return failures */
static unsigned round_run(unsigned at, bool on, unsigned *total)
{
	const struct oom_live live = oom_live();
	const unsigned files = oo_files();
	unsigned i, failed;

	begin();
	oom_arm(at, on);
	send_all();
	failed = oom_disarm();
	*total = oom_count();
	ck_assert_msg(!w.late, "allocation %u: a message has no end", at);
	for (i=0; i<MSGS; i++) {
		ck_assert_uint_eq(w.errv[i] ? 0 : 1, w.sentv[i]);
		ck_assert(!w.errv[i] || w.errv[i] == ENOMEM ||
			  w.errv[i] == ENOTCONN);
	}
	end();
	ck_assert_uint_eq(live.re, oom_live().re);
	ck_assert_uint_eq(files, oo_files());

	return failed;
}


START_TEST(test_send)
{
	unsigned at, total, n = 0;

	/* what libre keeps from the first use on */
	begin();
	end();
	ck_assert_uint_eq(0, round_run(0, false, &total));
	ck_assert_uint_gt(total, 0);
	for (at=1; round_run(at, _i, &total); at = oo_next(at, total))
		++n;
	printf("oom: %-24s %5u failures\n", _i ? "send, and on" : "send", n);
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


TCase *oom_send_case(void)
{
	TCase *tc = tcase_create("send");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_send, 0, 2);

	return tc;
}
