/**
 * @file test/unit/composing.c  Who is writing: the states, with time as an
 * argument (RFC 3994, 3), and what a peer takes (RFC 4975, 8.6)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit.h"
#include "../../modules/cpm/engine/composing.h"


#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))

static const struct iscomp_doc active = {.state = ISCOMP_ACTIVE};
static const struct iscomp_doc idle = {.state = ISCOMP_IDLE};


/* Only changes are told; "active" holds for 120 s unless it says otherwise */
START_TEST(test_in)
{
	const struct iscomp_doc short_ = {ISCOMP_ACTIVE, "", "", 3};
	const struct iscomp_doc ever = {ISCOMP_ACTIVE, "", "", UINT32_MAX};
	const struct comp_out out = {.active = false};
	struct comp_in in = {.active = false};

	ck_assert_uint_eq(0, comp_due(&in, &out));
	ck_assert(!comp_in_status(&in, 1000, &idle));
	ck_assert(!comp_in_tick(&in, 999999));
	ck_assert(comp_in_status(&in, 1000, &active));
	ck_assert_uint_eq(121000, comp_due(&in, &out));
	ck_assert(!comp_in_tick(&in, 120999));
	ck_assert(in.active);

	/* told again: later */
	ck_assert(!comp_in_status(&in, 61000, &active));
	ck_assert_uint_eq(181000, comp_due(&in, &out));
	ck_assert(!comp_in_tick(&in, 121000));
	ck_assert(comp_in_tick(&in, 181000));
	ck_assert(!in.active);
	ck_assert(!comp_in_tick(&in, 181001));
	ck_assert_uint_eq(0, comp_due(&in, &out));

	ck_assert(comp_in_status(&in, 200000, &short_));
	ck_assert_uint_eq(203000, comp_due(&in, &out));
	ck_assert(comp_in_status(&in, 201000, &idle));
	ck_assert_uint_eq(0, comp_due(&in, &out));

	ck_assert(comp_in_status(&in, 300000, &ever));
	ck_assert_uint_eq(300000 + COMP_MAX * 1000, comp_due(&in, &out));
	ck_assert(comp_in_end(&in));
	ck_assert(!comp_in_end(&in));
}
END_TEST


/* At once; then each 60 s that it goes on; idle 15 s after the last word */
START_TEST(test_out)
{
	const struct comp_in in = {.active = false};
	struct comp_out out = {.active = false};
	uint64_t t;
	unsigned activec = 0;

	ck_assert_int_eq(COMP_SEND_NONE, comp_out_tell(&out, 5, false));
	ck_assert_int_eq(COMP_SEND_NONE, comp_out_tick(&out, 5));
	ck_assert_int_eq(COMP_SEND_ACTIVE, comp_out_tell(&out, 1000, true));
	ck_assert_uint_eq(16000, comp_due(&in, &out));
	ck_assert_int_eq(COMP_SEND_NONE, comp_out_tick(&out, 15999));
	ck_assert_int_eq(COMP_SEND_IDLE, comp_out_tick(&out, 16000));
	ck_assert_int_eq(COMP_SEND_NONE, comp_out_tick(&out, 16001));
	ck_assert_uint_eq(0, comp_due(&in, &out));

	/* a key each second for five minutes */
	for (t=100000; t<400000; t+=1000) {
		activec += comp_out_tell(&out, t, true) == COMP_SEND_ACTIVE;
		ck_assert_int_eq(COMP_SEND_NONE, comp_out_tick(&out, t));
	}
	ck_assert_uint_eq(5, activec);
	ck_assert_uint_eq(400000, comp_due(&in, &out));

	/* the timer does it where no key comes at that time */
	ck_assert_int_eq(COMP_SEND_IDLE, comp_out_tell(&out, 400000, false));
	ck_assert_int_eq(COMP_SEND_ACTIVE, comp_out_tell(&out, 500000, true));
	for (t=510000; t<560000; t+=10000)
		ck_assert_int_eq(COMP_SEND_NONE, comp_out_tell(&out, t, true));
	ck_assert_uint_eq(560000, comp_due(&in, &out));
	ck_assert_int_eq(COMP_SEND_ACTIVE, comp_out_tick(&out, 560000));
	ck_assert_uint_eq(565000, comp_due(&in, &out));
	ck_assert_int_eq(COMP_SEND_IDLE, comp_out_tick(&out, 565000));

	/* stopping and going on is told each time */
	ck_assert_int_eq(COMP_SEND_ACTIVE, comp_out_tell(&out, 566000, true));
	ck_assert_int_eq(COMP_SEND_IDLE, comp_out_tell(&out, 567000, false));
	ck_assert_int_eq(COMP_SEND_NONE, comp_out_tell(&out, 567500, false));
	ck_assert_int_eq(COMP_SEND_ACTIVE, comp_out_tell(&out, 568000, true));
}
END_TEST


/* Both at once: the earlier one is next */
START_TEST(test_due)
{
	const struct iscomp_doc doc = {ISCOMP_ACTIVE, "", "", 10};
	struct comp_in in = {.active = false};
	struct comp_out out = {.active = false};

	(void)comp_out_tell(&out, 1000, true);
	(void)comp_in_status(&in, 1000, &doc);
	ck_assert_uint_eq(11000, comp_due(&in, &out));
	ck_assert(comp_in_tick(&in, 11000));
	ck_assert_uint_eq(16000, comp_due(&in, &out));
}
END_TEST


START_TEST(test_forms)
{
	static const struct {
		const char *types, *wrapped;
		unsigned set;
	} v[] = {
		{"message/cpim", NULL, COMP_FORM_NONE},
		{"message/cpim", "text/plain", COMP_FORM_NONE},
		{"message/cpim", "text/plain " ISCOMP_TYPE, COMP_FORM_CPIM},
		{"message/cpim", "*", COMP_FORM_CPIM},
		{"message/cpim", "application/*", COMP_FORM_CPIM},
		{"message/cpim " ISCOMP_TYPE, "text/plain",
		 COMP_FORM_BARE | COMP_FORM_CPIM},
		{"text/plain application/IM-isComposing+XML", NULL,
		 COMP_FORM_BARE},
		{"*", NULL, COMP_FORM_BARE | COMP_FORM_CPIM},
		{"message/cpim *", NULL, COMP_FORM_BARE | COMP_FORM_CPIM},
		{"text/plain", "*", COMP_FORM_NONE},
		{"message/* application/*", NULL,
		 COMP_FORM_BARE | COMP_FORM_CPIM},
		{"message/cpim", ISCOMP_TYPE "2", COMP_FORM_NONE},
		{"", "", COMP_FORM_NONE},
		{NULL, NULL, COMP_FORM_NONE},
	};

	int i;

	for (i=0; i<N(v); i++)
		ck_assert_msg(v[i].set == comp_forms(v[i].types, v[i].wrapped),
			      "%s; %s", v[i].types, v[i].wrapped);
}
END_TEST


Suite *composing_suite(void)
{
	Suite *s = suite_create("composing");
	TCase *tc = tcase_create("composing");

	tcase_add_test(tc, test_in);
	tcase_add_test(tc, test_out);
	tcase_add_test(tc, test_due);
	tcase_add_test(tc, test_forms);
	suite_add_tcase(s, tc);

	return s;
}
