/**
 * @file names.c  Every address behind the name of a SIP server (RFC 3263)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "unit/trust_unit.h"


enum { MANY = 100 };          /* records, more than are kept                */

static const struct names_rr nonev[] = {{NULL, 0, NULL, 0}};


static void name_open(const char *host, bool plain)
{
	struct pl pl;

	pl_set_str(&pl, host);
	ck_assert_int_eq(0, name_alloc(&tu.n, &tu.namel, &pl, plain,
				       tu_dnsc, NULL));
	name_ask(tu.n);
}


static bool fresh(void)
{
	return name_isfresh(tu.n);
}


static bool has(const char *str)
{
	const struct sa sa = tu_addr(str);

	return name_has(tu.n, &sa);
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

	names_set(tu.ns, rrv, NAMES_ANSWER);
	name_open("sip.cpm.test", true);
	ck_assert(!fresh());
	ck_assert(!has("192.0.2.1"));
	tu_wait(fresh);
	ck_assert(has("192.0.2.1"));
	ck_assert(has("192.0.2.2"));
	ck_assert(has("2001:db8::1"));
	ck_assert(!has("192.0.2.3"));
	ck_assert(!has("192.0.2.9"));
	ck_assert_uint_eq(0, names_asked(tu.ns, NAMES_SRV, NULL));
	ck_assert_uint_eq(0, names_asked(tu.ns, NAMES_NAPTR, NULL));
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

	names_set(tu.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", false);
	tu_wait(fresh);
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
		{"_sip._tcp.x.test", NAMES_SRV, "5060 tu.x.test", 300},
		{"_sips._tcp.x.test", NAMES_SRV, "5061 s.x.test", 300},
		{"_web._tcp.x.test", NAMES_SRV, "80 w.x.test", 300},
		{"_sip._udp.cpm.test", NAMES_SRV, "5060 o.x.test", 300},
		{"tu.x.test", NAMES_A, "192.0.2.1", 300},
		{"s.x.test", NAMES_A, "192.0.2.2", 300},
		{"u.x.test", NAMES_A, "192.0.2.3", 300},
		{"w.x.test", NAMES_A, "192.0.2.4", 300},
		{"o.x.test", NAMES_A, "192.0.2.5", 300},
		{"cpm.test", NAMES_A, "192.0.2.80", 300},
		{NULL, 0, NULL, 0},
	};

	names_set(tu.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", false);
	tu_wait(fresh);
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

	names_set(tu.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", false);
	tu_wait(fresh);
	ck_assert(has("192.0.2.80"));
	ck_assert_uint_eq(1, names_asked(tu.ns, NAMES_A, NULL));
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
	names_set(tu.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", false);
	tu_wait(fresh);
	ck_assert_uint_eq(NAME_ASKS, names_asked(tu.ns, NAMES_A, NULL) +
			  names_asked(tu.ns, NAMES_AAAA, NULL) +
			  names_asked(tu.ns, NAMES_SRV, NULL) +
			  names_asked(tu.ns, NAMES_NAPTR, NULL));

	for (i=0; i<MANY; i++) {
		snprintf(targetv[i], sizeof(targetv[i]), "192.0.2.%u", i);
		rrv[i] = (struct names_rr){"cpm.test", NAMES_A, targetv[i],
					   300};
	}
	mem_deref(tu.n);
	name_open("cpm.test", true);
	tu_wait(fresh);
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

	names_set(tu.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", true);
	tu_wait(fresh);
	names_set(tu.ns, newv, NAMES_ANSWER);
	clock_skip(ttlv[_i].counts * 1000ULL - 500);
	name_ask(tu.n);
	tu_taken();
	ck_assert(fresh());
	ck_assert_uint_eq(1, names_asked(tu.ns, NAMES_A, NULL));

	clock_skip(500);
	ck_assert(!fresh());
	ck_assert(has("192.0.2.1"));
	name_ask(tu.n);
	tu_wait(fresh);
	ck_assert_uint_eq(2, names_asked(tu.ns, NAMES_A, NULL));
	ck_assert(has("192.0.2.3"));
	ck_assert(!has("192.0.2.1"));
	ck_assert(!has("192.0.2.2"));
}
END_TEST


static bool asked_four(void)
{
	return names_asked(tu.ns, NAMES_A, NULL) +
		names_asked(tu.ns, NAMES_AAAA, NULL) >= 4;
}


/* What is known stays when the server fails, or suddenly knows nothing */
START_TEST(test_failure)
{
	static const struct names_rr rrv[] = {
		{"cpm.test", NAMES_A, "192.0.2.1", 300},
		{NULL, 0, NULL, 0},
	};

	names_set(tu.ns, rrv, NAMES_ANSWER);
	name_open("cpm.test", true);
	tu_wait(fresh);

	names_set(tu.ns, _i ? nonev : rrv, _i ? NAMES_ANSWER : NAMES_FAIL);
	clock_skip(300 * 1000);
	name_ask(tu.n);
	tu_wait(asked_four);
	tu_taken();
	ck_assert(has("192.0.2.1"));
	ck_assert(_i ? fresh() : !fresh());

	/* it does not ask all the time for that */
	name_ask(tu.n);
	clock_skip(NAME_RETRY * 1000 - 500);
	name_ask(tu.n);
	tu_taken();
	ck_assert_uint_eq(2, names_asked(tu.ns, NAMES_A, NULL));
	names_set(tu.ns, rrv, NAMES_ANSWER);
	clock_skip(_i ? NAME_OLD * 1000 : 500);
	name_ask(tu.n);
	tu_wait(fresh);
	ck_assert_uint_eq(3, names_asked(tu.ns, NAMES_A, NULL));
}
END_TEST


/* Nobody answers, nobody to ask: not known, and asked again later. It can be
   given up meanwhile */
START_TEST(test_silence)
{
	names_set(tu.ns, nonev, NAMES_SILENT);
	name_open("cpm.test", _i & 1);
	tu_taken();
	ck_assert(!fresh());
	name_stop(tu.n);
	ck_assert(!fresh());
	clock_skip(DAY * 1000);
	name_ask(tu.n);
	tu_taken();
	ck_assert_uint_eq(_i & 1, names_asked(tu.ns, NAMES_A, NULL));
	ck_assert_uint_eq(!(_i & 1), names_asked(tu.ns, NAMES_NAPTR, NULL));

	tu.n = mem_deref(tu.n);
	tu.dnsc = mem_deref(tu.dnsc);
	name_open("cpm.test", _i & 1);
	ck_assert(!fresh());
}
END_TEST


void names_tests(Suite *suite)
{
	TCase *tc = tcase_create("names");

	tcase_add_checked_fixture(tc, tu_setup, tu_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_plain);
	tcase_add_test(tc, test_srv);
	tcase_add_test(tc, test_naptr);
	tcase_add_test(tc, test_own);
	tcase_add_test(tc, test_many);
	tcase_add_loop_test(tc, test_ttl, 0, ARRAY_SIZE(ttlv));
	tcase_add_loop_test(tc, test_failure, 0, 2);
	tcase_add_loop_test(tc, test_silence, 0, 2);
	suite_add_tcase(suite, tc);
}
