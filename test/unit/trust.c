/**
 * @file trust.c  From where requests may come, and the names that say it
 *
 * RFC 3263; RFC 3325, 8. A name server of the test's own answers.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "unit.h"
#include "mock/clock.h"
#include "mock/names.h"
#include "mock/oom.h"
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/trust.h"


enum {
	TURNS = 3,
	TURN  = 2,            /* ms between two looks                       */
	LIMIT = 10000,        /* ms: then what it waits for does not come   */
	MANY  = 100,          /* records, more than are kept                */
	DAY   = 86400,
};

#define ALICE "sip:alice@cpm.test"

static struct {
	struct names *ns;
	struct dnsc *dnsc;
	struct list namel;
	struct name *n;
	struct cpm cpm;
	struct trust *trust;
	struct cpm_account acc;
	bool gone;            /* the softphone has no such account          */
	struct tmr tmr;
	bool (*until)(void);
	uint64_t limit;
	unsigned turns;
} t;

static const struct names_rr nonev[] = {{NULL, 0, NULL, 0}};


static struct sa addr(const char *str)
{
	struct sa sa;

	ck_assert_int_eq(0, sa_set_str(&sa, str, 5060));

	return sa;
}


static void turn_handler(void *arg)
{
	(void)arg;
	ck_assert_msg(tmr_jiffies() < t.limit, "it does not come");
	if (t.until())
		re_cancel();
	else
		tmr_start(&t.tmr, TURN, turn_handler, NULL);
}


static void wait_until(bool (*done)(void))
{
	t.until = done;
	t.limit = tmr_jiffies() + LIMIT;
	tmr_start(&t.tmr, TURN, turn_handler, NULL);
	ck_assert_int_eq(0, re_main(NULL));
}


static bool turned(void)
{
	return ++t.turns > TURNS;
}


/* What the server has sent is in our socket */
static void taken(void)
{
	t.turns = 0;
	wait_until(turned);
}


static struct dnsc *dnsc_handler(void *arg)
{
	(void)arg;

	return t.dnsc;
}


static void open_server(const struct names_rr *rrv)
{
	struct sa srv;

	t.ns = names_start(rrv);
	ck_assert_ptr_nonnull(t.ns);
	ck_assert_int_eq(0, sa_set_str(&srv, "127.0.0.1", names_port(t.ns)));
	ck_assert_int_eq(0, dnsc_alloc(&t.dnsc, NULL, &srv, 1));
}


static void setup(void)
{
	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(0, libre_init());
	tmr_init(&t.tmr);
	open_server(nonev);
}


static void teardown(void)
{
	clock_skip(0);
	mem_deref(t.trust);
	mem_deref(t.n);
	mem_deref(t.dnsc);
	names_stop(t.ns);
	libre_close();
	ck_assert_uint_eq(0, oom_live().re);
}


/* names.c */

static void name_open(const char *host, bool plain)
{
	struct pl pl;

	pl_set_str(&pl, host);
	ck_assert_int_eq(0, name_alloc(&t.n, &t.namel, &pl, plain,
				       dnsc_handler, NULL));
	name_ask(t.n);
}


static bool fresh(void)
{
	return name_isfresh(t.n);
}


static bool has(const char *str)
{
	const struct sa sa = addr(str);

	return name_has(t.n, &sa);
}


/* A host with a port: its own addresses, all of them, and nothing else is
   asked for */
START_TEST(test_plain)
{
	static const struct names_rr rrv[] = {
		{"sip.cpm.test", NAMES_A, "192.0.2.1", 300},
		{"sip.cpm.test", NAMES_A, "192.0.2.2", 300},
		{"sip.cpm.test", NAMES_AAAA, "2001:db8::1", 300},
		{"_sip._udp.sip.cpm.test", NAMES_SRV, "5060 a.cpm.test", 300},
		{"a.cpm.test", NAMES_A, "192.0.2.9", 300},
		{NULL, 0, NULL, 0},
	};

	names_set(t.ns, rrv, NAMES_ANSWER);
	name_open("sip.cpm.test", true);
	ck_assert(!fresh());
	ck_assert(!has("192.0.2.1"));
	wait_until(fresh);
	ck_assert(has("192.0.2.1"));
	ck_assert(has("192.0.2.2"));
	ck_assert(has("2001:db8::1"));
	ck_assert(!has("192.0.2.3"));
	ck_assert(!has("192.0.2.9"));
	ck_assert_uint_eq(0, names_asked(t.ns, NAMES_SRV, NULL));
	ck_assert_uint_eq(0, names_asked(t.ns, NAMES_NAPTR, NULL));
}
END_TEST


/* The targets of the three SRV names; then not the name's own address, which
   may be a web server's */
START_TEST(test_srv)
{
	static const struct names_rr rrv[] = {
		{"_sip._udp.cpm.test", NAMES_SRV, "5060 a.cpm.test", 300},
		{"_sip._udp.cpm.test", NAMES_SRV, "5070 b.cpm.test", 300},
		{"_sip._tcp.cpm.test", NAMES_SRV, "5060 b.cpm.test", 300},
		{"_sips._tcp.cpm.test", NAMES_SRV, "5061 c.cpm.test", 300},
		{"a.cpm.test", NAMES_A, "192.0.2.1", 300},
		{"b.cpm.test", NAMES_CNAME, "d.cpm.test", 300},
		{"d.cpm.test", NAMES_A, "192.0.2.2", 300},
		{"c.cpm.test", NAMES_AAAA, "2001:db8::3", 300},
		{"cpm.test", NAMES_A, "192.0.2.80", 300},
		{NULL, 0, NULL, 0},
	};

	names_set(t.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", false);
	wait_until(fresh);
	ck_assert(has("192.0.2.1"));
	ck_assert(has("192.0.2.2"));
	ck_assert(has("2001:db8::3"));
	ck_assert(!has("192.0.2.80"));
}
END_TEST


/* NAPTR says which they are, or names a host itself */
START_TEST(test_naptr)
{
	static const struct names_rr rrv[] = {
		{"cpm.test", NAMES_NAPTR, "s SIP+D2T _sip._tcp.x.test", 300},
		{"cpm.test", NAMES_NAPTR, "S SIPS+D2T _sips._tcp.x.test", 300},
		{"cpm.test", NAMES_NAPTR, "a SIP+D2U u.x.test", 300},
		{"cpm.test", NAMES_NAPTR, "s E2U+sip _web._tcp.x.test", 300},
		{"_sip._tcp.x.test", NAMES_SRV, "5060 t.x.test", 300},
		{"_sips._tcp.x.test", NAMES_SRV, "5061 s.x.test", 300},
		{"_web._tcp.x.test", NAMES_SRV, "80 w.x.test", 300},
		{"_sip._udp.cpm.test", NAMES_SRV, "5060 o.x.test", 300},
		{"t.x.test", NAMES_A, "192.0.2.1", 300},
		{"s.x.test", NAMES_A, "192.0.2.2", 300},
		{"u.x.test", NAMES_A, "192.0.2.3", 300},
		{"w.x.test", NAMES_A, "192.0.2.4", 300},
		{"o.x.test", NAMES_A, "192.0.2.5", 300},
		{"cpm.test", NAMES_A, "192.0.2.80", 300},
		{NULL, 0, NULL, 0},
	};

	names_set(t.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", false);
	wait_until(fresh);
	ck_assert(has("192.0.2.1"));
	ck_assert(has("192.0.2.2"));
	ck_assert(has("192.0.2.3"));
	ck_assert(!has("192.0.2.4"));
	ck_assert(!has("192.0.2.5"));
	ck_assert(!has("192.0.2.80"));
}
END_TEST


/* No such records, or one that says that there is no service: its own */
START_TEST(test_own)
{
	static const struct names_rr rrv[] = {
		{"_sip._udp.cpm.test", NAMES_SRV, "0 .", 300},
		{"cpm.test", NAMES_A, "192.0.2.80", 300},
		{NULL, 0, NULL, 0},
	};

	names_set(t.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", false);
	wait_until(fresh);
	ck_assert(has("192.0.2.80"));
	ck_assert_uint_eq(1, names_asked(t.ns, NAMES_A, NULL));
}
END_TEST


/* A server that names more than anybody has: so many are asked for */
START_TEST(test_many)
{
	static char targetv[MANY][24];
	static struct names_rr rrv[MANY + 1];
	unsigned i;

	for (i=0; i<MANY; i++) {
		snprintf(targetv[i], sizeof(targetv[i]), "5060 h%u.test", i);
		rrv[i] = (struct names_rr){"_sip._udp.cpm.test", NAMES_SRV,
					   targetv[i], 300};
	}
	names_set(t.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", false);
	wait_until(fresh);
	ck_assert_uint_eq(NAME_ASKS, names_asked(t.ns, NAMES_A, NULL) +
			  names_asked(t.ns, NAMES_AAAA, NULL) +
			  names_asked(t.ns, NAMES_SRV, NULL) +
			  names_asked(t.ns, NAMES_NAPTR, NULL));

	for (i=0; i<MANY; i++) {
		snprintf(targetv[i], sizeof(targetv[i]), "192.0.2.%u", i);
		rrv[i] = (struct names_rr){"cpm.test", NAMES_A, targetv[i],
					   300};
	}
	mem_deref(t.n);
	name_open("cpm.test", true);
	wait_until(fresh);
	ck_assert(has("192.0.2.0"));
	ck_assert(has("192.0.2.63"));
	ck_assert(!has("192.0.2.64"));
}
END_TEST


static const struct {
	uint32_t ttl;
	uint32_t counts;      /* s                                          */
} ttlv[] = {
	{0, NAME_FRESH}, {NAME_FRESH - 1, NAME_FRESH}, {300, 300},
	{DAY, NAME_OLD}, {0x80000000, NAME_OLD},
};

/* It is asked for again when its TTL is over: no more often, no less */
START_TEST(test_ttl)
{
	const struct names_rr rrv[] = {
		{"cpm.test", NAMES_A, "192.0.2.1", DAY},
		{"cpm.test", NAMES_A, "192.0.2.2", ttlv[_i].ttl},
		{NULL, 0, NULL, 0},
	};
	const struct names_rr newv[] = {
		{"cpm.test", NAMES_A, "192.0.2.3", ttlv[_i].ttl},
		{NULL, 0, NULL, 0},
	};

	names_set(t.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", true);
	wait_until(fresh);
	names_set(t.ns, newv, NAMES_ANSWER);
	clock_skip(ttlv[_i].counts * 1000ULL - 500);
	name_ask(t.n);
	taken();
	ck_assert(fresh());
	ck_assert_uint_eq(1, names_asked(t.ns, NAMES_A, NULL));

	clock_skip(500);
	ck_assert(!fresh());
	ck_assert(has("192.0.2.1"));
	name_ask(t.n);
	wait_until(fresh);
	ck_assert_uint_eq(2, names_asked(t.ns, NAMES_A, NULL));
	ck_assert(has("192.0.2.3"));
	ck_assert(!has("192.0.2.1"));
	ck_assert(!has("192.0.2.2"));
}
END_TEST


static bool asked_four(void)
{
	return names_asked(t.ns, NAMES_A, NULL) +
		names_asked(t.ns, NAMES_AAAA, NULL) >= 4;
}


/* What is known stays when the server fails, or suddenly knows nothing */
START_TEST(test_failure)
{
	static const struct names_rr rrv[] = {
		{"cpm.test", NAMES_A, "192.0.2.1", 300},
		{NULL, 0, NULL, 0},
	};

	names_set(t.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", true);
	wait_until(fresh);

	names_set(t.ns, _i ? nonev : rrv, _i ? NAMES_ANSWER : NAMES_FAIL);
	clock_skip(300 * 1000);
	name_ask(t.n);
	wait_until(asked_four);
	taken();
	ck_assert(has("192.0.2.1"));
	ck_assert(_i ? fresh() : !fresh());

	/* it does not ask all the time for that */
	name_ask(t.n);
	clock_skip(NAME_RETRY * 1000 - 500);
	name_ask(t.n);
	taken();
	ck_assert_uint_eq(2, names_asked(t.ns, NAMES_A, NULL));
	names_set(t.ns, rrv, NAMES_ANSWER);
	clock_skip(_i ? NAME_OLD * 1000 : 500);
	name_ask(t.n);
	wait_until(fresh);
	ck_assert_uint_eq(3, names_asked(t.ns, NAMES_A, NULL));
}
END_TEST


/* Nobody answers, nobody to ask: not known, and asked again later. It can be
   given up meanwhile */
START_TEST(test_silence)
{
	names_set(t.ns, nonev, NAMES_SILENT);
	name_open("cpm.test", _i & 1);
	taken();
	ck_assert(!fresh());
	name_stop(t.n);
	ck_assert(!fresh());
	clock_skip(DAY * 1000);
	name_ask(t.n);
	taken();
	ck_assert_uint_eq(_i & 1, names_asked(t.ns, NAMES_A, NULL));
	ck_assert_uint_eq(!(_i & 1), names_asked(t.ns, NAMES_NAPTR, NULL));

	t.n = mem_deref(t.n);
	t.dnsc = mem_deref(t.dnsc);
	name_open("cpm.test", _i & 1);
	ck_assert(!fresh());
}
END_TEST


/* trust.c */

static bool account_handler(struct cpm_account *acc, const char *aor,
			    void *arg)
{
	(void)aor;
	(void)arg;
	*acc = t.acc;

	return !t.gone;
}


static void each_handler(cpm_client_h *h, void *harg, void *arg)
{
	(void)arg;
	h(&t.acc, harg);
}


static void trust_open(const char *aor, const char *proxy1,
		       const char *proxy2)
{
	t.cpm.host.dnsch = dnsc_handler;
	t.cpm.host.accounth = account_handler;
	t.cpm.host.eachh = each_handler;
	t.acc.aor = aor;
	t.acc.proxyv[0] = proxy1;
	t.acc.proxyv[1] = proxy2;
	t.acc.regint = 600;
	ck_assert_int_eq(0, trust_alloc(&t.trust, &t.cpm));
}


static enum trust_verdict check(const char *str)
{
	const struct sa sa = addr(str);

	return trust_check(t.trust, &t.acc, &sa);
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
	names_set(t.ns, cpmv, NAMES_ANSWER);
	trust_open(ALICE, "sip:[2001:db8::9]:5080;transport=tcp",
		   "sip:edge.test:5081;lr");
	taken();
	ck_assert_uint_lt(0, names_asked(t.ns, NAMES_A, "edge.test"));
	wait_until(decided);
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
	names_set(t.ns, cpmv, NAMES_ANSWER);
	trust_open("sip:alice@192.0.2.7", "sip:edge.test", NULL);
	wait_until(decided);
	ck_assert_int_eq(TRUST_YES, check("192.0.2.7"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.2"));

	t.acc.proxyv[0] = "sip:192.0.2.8;maddr=192.0.2.9";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.2"));
	ck_assert_int_eq(TRUST_NO, check("192.0.2.8"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.9"));
	t.acc.proxyv[0] = "no URI";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.9"));
	t.acc.proxyv[0] = NULL;
	ck_assert_int_eq(TRUST_YES, check("192.0.2.7"));

	/* and another account is another one */
	t.acc.aor = "sip:bob@192.0.2.10";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.7"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.10"));
}
END_TEST


/* Nobody knows before the name server has answered, nor when it is away; who
   is known by address is */
START_TEST(test_later)
{
	names_set(t.ns, cpmv, NAMES_SILENT);
	trust_open(ALICE, "sip:192.0.2.9", NULL);
	ck_assert_int_eq(TRUST_LATER, check("192.0.2.1"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.9"));
	trust_stop(t.trust);
	clock_skip(DAY * 1000);
	ck_assert_int_eq(TRUST_LATER, check("192.0.2.1"));
	taken();
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
	msg->src = addr(from);
	mem_deref(mb);

	return msg;
}


static void respond(uint16_t scode, const char *met, const char *from)
{
	struct sip_msg *msg = response(scode, met, from);

	trust_response(t.trust, msg);
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
	trust_registered(t.trust, &t.acc);
	respond(401, "REGISTER", "192.0.2.22");
	trust_registered(t.trust, &t.acc);
	trust_registered(t.trust, &t.acc);
	ck_assert_int_eq(TRUST_NO, check("192.0.2.20"));
	ck_assert_int_eq(TRUST_NO, check("192.0.2.21"));
	ck_assert_int_eq(TRUST_NO, check("192.0.2.22"));

	respond(200, "REGISTER", "::ffff:192.0.2.23");
	trust_registered(t.trust, &t.acc);
	ck_assert_int_eq(TRUST_YES, check("192.0.2.23"));
	trust_registered(t.trust, &t.acc);
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
		trust_registered(t.trust, &t.acc);
		ck_assert_int_eq(TRUST_YES, check(v[i]));
		clock_skip(1);
	}
	ck_assert_int_eq(TRUST_NO, check("192.0.2.22"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.21"));
	ck_assert_int_eq(TRUST_YES, check("192.0.2.24"));

	/* an account that has gone takes it along */
	t.gone = true;
	t.acc.aor = "sip:bob@192.0.2.7";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.21"));
	t.acc.aor = "sip:alice@192.0.2.7";
	ck_assert_int_eq(TRUST_NO, check("192.0.2.21"));
}
END_TEST


/* Check takes memory of its own: no assertions here */
static void armed_handler(void *arg)
{
	(void)arg;
	if (++t.turns > TURNS)
		re_cancel();
	else
		tmr_start(&t.tmr, TURN, armed_handler, NULL);
}


static bool settled(void)
{
	clock_skip(NAME_RETRY * 1000);
	t.limit += NAME_RETRY * 1000;

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
	const struct sa sa = addr("192.0.2.1");
	unsigned at, failed = 1;

	names_set(t.ns, rrv, NAMES_ANSWER);
	for (at=1; failed; at++) {
		const size_t live = oom_live().re;

		trust_open(ALICE, "sip:edge.test:5060", NULL);
		t.turns = 0;
		tmr_start(&t.tmr, TURN, armed_handler, NULL);
		oom_arm(at, false);
		(void)trust_check(t.trust, &t.acc, &sa);
		trust_response(t.trust, msg);
		trust_registered(t.trust, &t.acc);
		(void)re_main(NULL);
		failed = oom_disarm();
		ck_assert_int_ne(TRUST_YES, check("203.0.113.1"));
		wait_until(settled);
		ck_assert_int_eq(TRUST_YES, check("192.0.2.1"));
		t.trust = mem_deref(t.trust);
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
	TCase *tc = tcase_create("names");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_plain);
	tcase_add_test(tc, test_srv);
	tcase_add_test(tc, test_naptr);
	tcase_add_test(tc, test_own);
	tcase_add_test(tc, test_many);
	tcase_add_loop_test(tc, test_ttl, 0, ARRAY_SIZE(ttlv));
	tcase_add_loop_test(tc, test_failure, 0, 2);
	tcase_add_loop_test(tc, test_silence, 0, 2);
	suite_add_tcase(s, tc);

	tc = tcase_create("trust");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_account);
	tcase_add_test(tc, test_changed);
	tcase_add_test(tc, test_later);
	tcase_add_test(tc, test_heard);
	tcase_add_test(tc, test_heard_many);
	tcase_add_test(tc, test_memory);
	suite_add_tcase(s, tc);

	return s;
}
