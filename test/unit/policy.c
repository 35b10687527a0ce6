/**
 * @file policy.c  Whose word counts, and that it is kept
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "unit.h"
#include "../../modules/cpm/engine/engine.h"


static const struct cpm_conf conf = {
	.deferred = CPM_ANSWER_ACCEPT,
	.chat = CPM_ANSWER_ACCEPT,
	.delivery_imdn = true,
	.display_imdn = true,
};
static char dir[256], path[512];
static struct cpm_store *st;
static struct policy *pol;


static void setup(void)
{
	ck_assert_int_eq(0, libre_init());
	unit_mkdir(dir, sizeof(dir));
	(void)re_snprintf(path, sizeof(path), "%s/cpm/cpm.db", dir);
	ck_assert_int_eq(0, cpm_store_open(&st, path, NULL, NULL, NULL,
					   NULL));
	ck_assert_int_eq(0, policy_alloc(&pol));
	ck_assert_int_eq(0, policy_load(pol, st));
}


static void teardown(void)
{
	pol = mem_deref(pol);
	cpm_store_close(&st);
	unit_rmdir(dir);
	libre_close();
}


static void change(const char *account, const char *peer,
		   enum cpm_answer answer)
{
	const struct cpm_policy_change chg = {
		.account = account, .peer = peer, .deferred = &answer,
	};

	ck_assert_int_eq(0, policy_change(pol, st, &chg));
}


static enum cpm_answer answer_for(const char *account, const char *peer)
{
	struct cpm_policy res;

	policy_resolve(pol, &conf, account, peer, &res);

	return res.deferred;
}


START_TEST(narrowest_wins)
{
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, answer_for("sip:a@x", NULL));

	change(NULL, NULL, CPM_ANSWER_DECLINE);
	ck_assert_int_eq(CPM_ANSWER_DECLINE, answer_for("sip:a@x", NULL));

	change("sip:a@x", NULL, CPM_ANSWER_ASK);
	ck_assert_int_eq(CPM_ANSWER_ASK, answer_for("sip:a@x", "sip:b@x"));
	ck_assert_int_eq(CPM_ANSWER_DECLINE, answer_for("sip:c@x", NULL));

	change(NULL, "SIP:b@X;transport=tcp", CPM_ANSWER_ACCEPT);
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, answer_for("sip:a@x",
						       "sip:b@x"));
	change("sip:a@x", "sip:b@x", CPM_ANSWER_DECLINE);
	ck_assert_int_eq(CPM_ANSWER_DECLINE, answer_for("sip:a@x",
							"sip:b@x"));
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, answer_for("sip:c@x",
						       "sip:b@x"));

	/* default: the next wider one speaks */
	change("sip:a@x", "sip:b@x", CPM_ANSWER_DEFAULT);
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, answer_for("sip:a@x",
						       "sip:b@x"));
}
END_TEST


START_TEST(notifications)
{
	const enum cpm_tri no = CPM_TRI_NO, yes = CPM_TRI_YES;
	struct cpm_policy_change chg = {.delivery_imdn = &no};
	struct cpm_policy res;

	ck_assert_int_eq(0, policy_change(pol, st, &chg));
	policy_resolve(pol, &conf, "sip:a@x", "sip:b@x", &res);
	ck_assert(!res.delivery_imdn);
	ck_assert(res.display_imdn);

	chg.peer = "sip:b@x";
	chg.delivery_imdn = &yes;
	chg.display_imdn = &no;
	ck_assert_int_eq(0, policy_change(pol, st, &chg));
	policy_resolve(pol, &conf, "sip:a@x", "sip:b@x", &res);
	ck_assert(res.delivery_imdn);
	ck_assert(!res.display_imdn);
	/* what was not named stays */
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, res.deferred);
}
END_TEST


START_TEST(kept_across_restarts)
{
	change("sip:a@x", "sip:b@x", CPM_ANSWER_DECLINE);
	pol = mem_deref(pol);
	cpm_store_close(&st);

	ck_assert_int_eq(0, cpm_store_open(&st, path, NULL, NULL, NULL,
					   NULL));
	ck_assert_int_eq(0, policy_alloc(&pol));
	ck_assert_int_eq(0, policy_load(pol, st));
	ck_assert_int_eq(CPM_ANSWER_DECLINE, answer_for("sip:a@x",
							"sip:b@x"));
}
END_TEST


/* Of deliveries and of sessions apart */
START_TEST(who_wants_to_talk)
{
	const enum cpm_answer ask = CPM_ANSWER_ASK, none = CPM_ANSWER_DEFAULT;
	struct cpm_policy_change chg = {.peer = "sip:b@x", .chat = &ask};
	struct cpm_policy res;

	policy_resolve(pol, &conf, "sip:a@x", "sip:b@x", &res);
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, res.chat);

	ck_assert_int_eq(0, policy_change(pol, st, &chg));
	pol = mem_deref(pol);
	cpm_store_close(&st);
	ck_assert_int_eq(0, cpm_store_open(&st, path, NULL, NULL, NULL,
					   NULL));
	ck_assert_int_eq(0, policy_alloc(&pol));
	ck_assert_int_eq(0, policy_load(pol, st));
	policy_resolve(pol, &conf, "sip:a@x", "sip:b@x", &res);
	ck_assert_int_eq(CPM_ANSWER_ASK, res.chat);
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, res.deferred);
	policy_resolve(pol, &conf, "sip:a@x", "sip:c@x", &res);
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, res.chat);

	chg.chat = &none;
	ck_assert_int_eq(0, policy_change(pol, st, &chg));
	policy_resolve(pol, &conf, "sip:a@x", "sip:b@x", &res);
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, res.chat);
}
END_TEST


START_TEST(bad_sender)
{
	const enum cpm_answer answer = CPM_ANSWER_DECLINE;
	const struct cpm_policy_change chg = {
		.peer = "not a uri", .deferred = &answer,
	};

	ck_assert_int_eq(EINVAL, policy_change(pol, st, &chg));
	ck_assert_int_eq(CPM_ANSWER_ACCEPT, answer_for(NULL, NULL));
}
END_TEST


Suite *policy_suite(void)
{
	Suite *s = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, narrowest_wins);
	tcase_add_test(tc, notifications);
	tcase_add_test(tc, kept_across_restarts);
	tcase_add_test(tc, who_wants_to_talk);
	tcase_add_test(tc, bad_sender);
	suite_add_tcase(s, tc);

	return s;
}
