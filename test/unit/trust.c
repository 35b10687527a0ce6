/**
 * @file trust.c  From where requests may come
 *
 * RFC 3325, 8. A name server of the test's own answers.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit/trust_unit.h"


#define ALICE "sip:alice@cpm.test"

struct trust_unit tu;

static const struct names_rr nonev[] = {{NULL, 0, NULL, 0}};


struct sa tu_addr(const char *str)
{
	struct sa sa;

	ck_assert_int_eq(0, sa_set_str(&sa, str, 5060));

	return sa;
}


static void turn_handler(void *arg)
{
	(void)arg;
	ck_assert_msg(tmr_jiffies() < tu.limit, "it does not come");
	if (tu.until())
		re_cancel();
	else
		tmr_start(&tu.tmr, TURN, turn_handler, NULL);
}


void tu_wait(bool (*done)(void))
{
	tu.until = done;
	tu.limit = tmr_jiffies() + LIMIT;
	tmr_start(&tu.tmr, TURN, turn_handler, NULL);
	ck_assert_int_eq(0, re_main(NULL));
}


static bool turned(void)
{
	return ++tu.turns > TURNS;
}


/* What the server has sent is in our socket */
void tu_taken(void)
{
	tu.turns = 0;
	tu_wait(turned);
}


struct dnsc *tu_dnsc(void *arg)
{
	(void)arg;

	return tu.dnsc;
}


static void open_server(const struct names_rr *rrv)
{
	struct sa srv;

	tu.ns = names_start(rrv);
	ck_assert_ptr_nonnull(tu.ns);
	ck_assert_int_eq(0, sa_set_str(&srv, "127.0.0.1", names_port(tu.ns)));
	ck_assert_int_eq(0, dnsc_alloc(&tu.dnsc, NULL, &srv, 1));
}


void tu_setup(void)
{
	memset(&tu, 0, sizeof(tu));
	ck_assert_int_eq(0, libre_init());
	tmr_init(&tu.tmr);
	open_server(nonev);
}


void tu_teardown(void)
{
	clock_skip(0);
	mem_deref(tu.trust);
	mem_deref(tu.n);
	mem_deref(tu.dnsc);
	names_stop(tu.ns);
	libre_close();
	ck_assert_uint_eq(0, oom_live().re);
}


static bool account_handler(struct cpm_account *acc, const char *aor,
			    void *arg)
{
	(void)aor;
	(void)arg;
	*acc = tu.acc;

	return !tu.gone;
}


static void each_handler(cpm_client_h *h, void *harg, void *arg)
{
	(void)arg;
	h(&tu.acc, harg);
}


static void trust_open(const char *aor, const char *proxy1,
		       const char *proxy2)
{
	tu.cpm.host.dnsch = tu_dnsc;
	tu.cpm.host.accounth = account_handler;
	tu.cpm.host.eachh = each_handler;
	tu.acc.aor = aor;
	tu.acc.proxyv[0] = proxy1;
	tu.acc.proxyv[1] = proxy2;
	tu.acc.regint = 600;
	ck_assert_int_eq(0, trust_alloc(&tu.trust, &tu.cpm));
}


static enum trust_verdict check(const char *str)
{
	const struct sa sa = tu_addr(str);

	return trust_check(tu.trust, &tu.acc, &sa);
}


static bool decided(void)
{
	return check("203.0.113.1") != TRUST_LATER;
}


static const struct names_rr cpmv[] = {
	{"cpm.test", NAMES_A, "192.0.2.1", 300},
	{"cpm.test", NAMES_AAAA, "2001:db8::1", 300},
	{"edge.test", NAMES_A, "192.0.2.2", 300},
	{NULL, 0, NULL, 0},
};

/* Proxies by address and by name, and the domain. The names are asked for as
   soon as the main loop runs */
START_TEST(test_account)
{
	names_set(tu.ns, cpmv, NAMES_ANSWER);
	trust_open(ALICE, "sip:[2001:db8::9]:5080;transport=tcp",
		   "sip:edge.test:5081;lr");
	tu_taken();
	ck_assert_uint_lt(0, names_asked(tu.ns, NAMES_A, "edge.test"));
	tu_wait(decided);
	ck_assert_int_eq(TRUST_YES, check("2001:db8::9"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.2"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.1"));
	ck_assert_int_eq(TRUST_YES, check("2001:db8::1"));
	ck_assert_int_eq(TRUST_YES, check("::ffff:192.0.2.1"));
	ck_assert_int_eq(TRUST_NO, check("192.0.2.3"));
	ck_assert_int_eq(TRUST_NO, check("::ffff:192.0.2.3"));
	ck_assert_int_eq(TRUST_NO, check("::192.0.2.1"));
	ck_assert_int_eq(TRUST_NO, check("2001:db8::2"));
	ck_assert_int_eq(TRUST_NO, check("127.0.0.1"));
}
END_TEST


/* What it has now counts, not what it had */
START_TEST(test_changed)
{
	names_set(tu.ns, cpmv, NAMES_ANSWER);
	trust_open("sip:alice@192.0.2.7", "sip:edge.test", NULL);
	tu_wait(decided);
	ck_assert_int_eq(TRUST_YES, check("192.0.2.7"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.2"));

	tu.acc.proxyv[0] = "sip:192.0.2.8;maddr=192.0.2.9";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.2"));
	ck_assert_int_eq(TRUST_NO, check("192.0.2.8"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.9"));
	tu.acc.proxyv[0] = "no URI";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.9"));
	tu.acc.proxyv[0] = NULL;
	ck_assert_int_eq(TRUST_YES, check("192.0.2.7"));

	/* and another account is another one */
	tu.acc.aor = "sip:bob@192.0.2.10";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.7"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.10"));
}
END_TEST


/* Nobody knows before the name server has answered, nor when it is away; who
   is known by address is */
START_TEST(test_later)
{
	names_set(tu.ns, cpmv, NAMES_SILENT);
	trust_open(ALICE, "sip:192.0.2.9", NULL);
	ck_assert_int_eq(TRUST_LATER, check("192.0.2.1"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.9"));
	trust_stop(tu.trust);
	clock_skip(DAY * 1000);
	ck_assert_int_eq(TRUST_LATER, check("192.0.2.1"));
	tu_taken();
	ck_assert_int_eq(TRUST_YES, check("192.0.2.9"));
}
END_TEST


static struct sip_msg *response(uint16_t scode, const char *met,
				const char *from)
{
	struct sip_msg *msg;
	struct mbuf *mb = mbuf_alloc(512);

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, mbuf_printf(mb, "SIP/2.0 %u OK\r\n"
		"Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKx\r\n"
		"From: <" ALICE ">;tag=1\r\nTo: <" ALICE ">;tag=2\r\n"
		"Call-ID: 1\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
		scode, met));
	mb->pos = 0;
	ck_assert_int_eq(0, sip_msg_decode(&msg, mb));
	msg->src = tu_addr(from);
	mem_deref(mb);

	return msg;
}


static void respond(uint16_t scode, const char *met, const char *from)
{
	struct sip_msg *msg = response(scode, met, from);

	trust_response(tu.trust, msg);
	mem_deref(msg);
}


/* The response by which an account has registered, and no other */
START_TEST(test_heard)
{
	trust_open("sip:alice@192.0.2.7", NULL, NULL);
	respond(200, "REGISTER", "192.0.2.20");
	ck_assert_int_eq(TRUST_NO, check("192.0.2.20"));

	/* anybody may send one: it does not register anything */
	respond(200, "OPTIONS", "192.0.2.21");
	trust_registered(tu.trust, tu.acc.aor);
	respond(401, "REGISTER", "192.0.2.22");
	trust_registered(tu.trust, tu.acc.aor);
	trust_registered(tu.trust, tu.acc.aor);
	ck_assert_int_eq(TRUST_NO, check("192.0.2.20"));
	ck_assert_int_eq(TRUST_NO, check("192.0.2.21"));
	ck_assert_int_eq(TRUST_NO, check("192.0.2.22"));

	respond(200, "REGISTER", "::ffff:192.0.2.23");
	trust_registered(tu.trust, tu.acc.aor);
	ck_assert_int_eq(TRUST_YES, check("192.0.2.23"));
	trust_registered(tu.trust, tu.acc.aor);
	clock_skip(1200 * 1000 - 500);
	ck_assert_int_eq(TRUST_YES, check("192.0.2.23"));
	clock_skip(500);
	ck_assert_int_eq(TRUST_NO, check("192.0.2.23"));
}
END_TEST


/* Again from the same place is one, and so many places count */
START_TEST(test_heard_many)
{
	static const char *const v[] = {"192.0.2.21", "192.0.2.22",
		"192.0.2.23", "192.0.2.24", "192.0.2.21", "192.0.2.25"};
	size_t i;

	trust_open("sip:alice@192.0.2.7", NULL, NULL);
	for (i=0; i<ARRAY_SIZE(v); i++) {
		respond(200, "REGISTER", v[i]);
		trust_registered(tu.trust, tu.acc.aor);
		ck_assert_int_eq(TRUST_YES, check(v[i]));
		clock_skip(1);
	}
	ck_assert_int_eq(TRUST_NO, check("192.0.2.22"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.21"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.24"));

	/* an account that has gone takes it along */
	tu.gone = true;
	tu.acc.aor = "sip:bob@192.0.2.7";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.21"));
	tu.acc.aor = "sip:alice@192.0.2.7";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.21"));
}
END_TEST


/* Check takes memory of its own: no assertions here */
static void armed_handler(void *arg)
{
	(void)arg;
	if (++tu.turns > TURNS)
		re_cancel();
	else
		tmr_start(&tu.tmr, TURN, armed_handler, NULL);
}


static bool settled(void)
{
	clock_skip(NAME_RETRY * 1000);
	tu.limit += NAME_RETRY * 1000;

	return check("203.0.113.1") == TRUST_NO;
}


/* Memory runs out at any point: never trusted for that, and found out as soon
   as there is some again; nothing is left behind */
START_TEST(test_memory)
{
	static const struct names_rr rrv[] = {
		{"_sip._udp.cpm.test", NAMES_SRV, "5060 a.cpm.test", 300},
		{"a.cpm.test", NAMES_A, "192.0.2.1", 300},
		{NULL, 0, NULL, 0},
	};
	struct sip_msg *msg = response(200, "REGISTER", "192.0.2.20");
	const struct sa sa = tu_addr("192.0.2.1");
	unsigned at, failed = 1;

	names_set(tu.ns, rrv, NAMES_ANSWER);
	for (at=1; failed; at++) {
		const size_t live = oom_live().re;

		trust_open(ALICE, "sip:edge.test:5060", NULL);
		tu.turns = 0;
		tmr_start(&tu.tmr, TURN, armed_handler, NULL);
		oom_arm(at, false);
		(void)trust_check(tu.trust, &tu.acc, &sa);
		trust_response(tu.trust, msg);
		trust_registered(tu.trust, tu.acc.aor);
		(void)re_main(NULL);
		failed = oom_disarm();
		ck_assert_int_ne(TRUST_YES, check("203.0.113.1"));
		tu_wait(settled);
		ck_assert_int_eq(TRUST_YES, check("192.0.2.1"));
		tu.trust = mem_deref(tu.trust);
		ck_assert_uint_eq(live, oom_live().re);
		clock_skip(0);
	}
	ck_assert_uint_gt(at, 20);
	mem_deref(msg);
}
END_TEST


Suite *trust_suite(void)
{
	Suite *s = suite_create("trust");
	TCase *tc = tcase_create("trust");

	tcase_add_checked_fixture(tc, tu_setup, tu_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_account);
	tcase_add_test(tc, test_changed);
	tcase_add_test(tc, test_later);
	tcase_add_test(tc, test_heard);
	tcase_add_test(tc, test_heard_many);
	tcase_add_test(tc, test_memory);
	suite_add_tcase(s, tc);
	names_tests(s);

	return s;
}
