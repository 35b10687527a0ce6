/**
 * @file unit/store_announced.c  The store: what the server announced
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/store_unit.h"


#define ALICE "sip:alice@example.net"
#define WORK  "sip:a.liddell@work.example.org"

static const uint64_t never = 1ULL << 62;  /* far ahead */


static int announce(const char *account, const struct cpm_announced *v,
		    size_t c, bool whole)
{
	return fx_result(cpm_store_announce(fx.st, account, v, c, whole,
					    fx_done_handler, NULL));
}


static void one(const char *account, const char *ref, uint64_t expires)
{
	char copy[64];
	const struct cpm_announced ann = {
		.reference = copy,
		.expires   = expires,
		.mode      = CPM_SESSION,
	};

	snprintf(copy, sizeof(copy), "%s", ref);
	ck_assert_int_eq(0, announce(account, &ann, 1, false));
}


static int fetched(const char *account, const char *a, const char *b)
{
	const char *const refv[] = {a, b};

	return fx_result(cpm_store_fetched(fx.st, account, refv, !!a + !!b,
					   fx_done_handler, NULL));
}


static bool list_handler(const struct cpm_announced *ann, void *arg)
{
	char *text = arg;
	const size_t len = strlen(text);

	snprintf(text + len, 1024 - len, "%s ", ann->reference);

	return false;
}


static const char *list_at(const char *account, uint64_t now)
{
	static char text[1024];

	text[0] = '\0';
	ck_assert_int_eq(0, cpm_store_announced(fx.st, account, now,
						list_handler, text));

	return text;
}


static const char *list(const char *account)
{
	return list_at(account, 1);
}


static bool fields_handler(const struct cpm_announced *ann, void *arg)
{
	const struct cpm_announced *want = arg;

	ck_assert_uint_gt(ann->id, 0);
	ck_assert_str_eq(ALICE, ann->account);
	ck_assert_str_eq(want->reference, ann->reference);
	ck_assert_pstr_eq(want->from, ann->from);
	ck_assert_pstr_eq(want->subject, ann->subject);
	ck_assert_uint_eq(want->size, ann->size);
	ck_assert_uint_eq(want->time, ann->time);
	ck_assert_uint_eq(want->expires, ann->expires);
	ck_assert_int_eq(want->mode, ann->mode);

	return true;
}


static void check(const struct cpm_announced *want)
{
	struct cpm_announced copy = *want;

	ck_assert_int_eq(0, cpm_store_announced(fx.st, ALICE, 1,
						fields_handler, &copy));
}


/* One that is announced again is changed, not doubled */
START_TEST(test_again)
{
	char ref[] = "r1", from[] = "sip:bob@example.net", subj[] = "Lunch";
	struct cpm_announced ann = {
		.reference = ref, .from = from, .subject = subj, .size = 1234,
		.time = 1000, .expires = never - 1, .mode = CPM_LARGE,
	};

	ck_assert_int_eq(0, announce(ALICE, &ann, 1, false));
	check(&ann);
	one(ALICE, "r2", 0);

	ann.from    = NULL;
	ann.subject = NULL;
	ann.size    = 99;
	ann.expires = never;
	ann.mode    = CPM_PAGE;
	ck_assert_int_eq(0, announce(ALICE, &ann, 1, false));
	fx_reopen();
	check(&ann);
	ck_assert_str_eq("r1 r2 ", list(ALICE));
	ck_assert_uint_eq(2, fx_counts().deferred);
}
END_TEST


START_TEST(test_whole)
{
	char r2[] = "r2", r3[] = "r3";
	const struct cpm_announced v[] = {
		{.reference = r3}, {.reference = r2},
	};

	one(ALICE, "r1", 0);
	one(ALICE, "r2", 0);
	one(WORK, "r1", 0);
	ck_assert_int_eq(0, announce(ALICE, v, 2, true));
	ck_assert_str_eq("r3 r2 ", list(ALICE));
	ck_assert_str_eq("r1 ", list(WORK));
	ck_assert_uint_eq(3, fx_counts().deferred);

	/* there are none any more */
	ck_assert_int_eq(0, announce(ALICE, NULL, 0, true));
	ck_assert_str_eq("", list(ALICE));
	ck_assert_str_eq("r1 ", list(NULL));
	ck_assert_int_eq(0, announce(ALICE, NULL, 0, false));
	ck_assert_uint_eq(1, fx_counts().deferred);
}
END_TEST


START_TEST(test_fetched)
{
	one(ALICE, "r1", 0);
	one(ALICE, "r2", 0);
	one(ALICE, "r3", 0);
	one(WORK, "r1", 0);
	ck_assert_int_eq(ENOENT, fetched(ALICE, "R1", NULL));
	ck_assert_int_eq(0, fetched(ALICE, "r9", "r1"));
	ck_assert_str_eq("r2 r3 ", list(ALICE));
	ck_assert_int_eq(0, fetched(ALICE, NULL, NULL));
	ck_assert_int_eq(ENOENT, fetched(ALICE, NULL, NULL));
	ck_assert_str_eq("r1 ", list(NULL));
	ck_assert_uint_eq(0, fx.faults);
}
END_TEST


/* It goes with the commit of its message, also of one that was there and is
   sent again, and after a restart; not with others' or our own */
START_TEST(test_came)
{
	struct cpm_msg *msg;

	(void)fx_put_ok("r0", "there before");
	one(ALICE, "r0", 0);
	one(ALICE, "r1", 0);
	one(ALICE, "r2", 0);
	one(ALICE, "r3", 0);
	one(WORK, "r1", 0);
	(void)fx_put_ok("r1", "text");
	ck_assert_str_eq("r0 r2 r3 ", list(ALICE));
	ck_assert_int_eq(0, fx_put(fx_msg("r0", "once more")));
	ck_assert(fx.res.duplicate);
	ck_assert_str_eq("r2 r3 ", list(ALICE));

	msg = fx_msg("r3", "ours");
	msg->direction = CPM_OUT;
	ck_assert_int_eq(0, fx_put(msg));
	fx_reopen();
	(void)fx_put_ok("r2", "text");
	ck_assert_str_eq("r3 ", list(ALICE));
	ck_assert_str_eq("r1 ", list(WORK));
	ck_assert_uint_eq(0, fx.faults);
}
END_TEST


/* What has expired is not shown, not counted, and goes with the next one */
START_TEST(test_expired)
{
	one(ALICE, "kept", never);
	one(ALICE, "old", 1000);
	ck_assert_str_eq("kept old ", list_at(ALICE, 999));
	ck_assert_str_eq("kept ", list_at(ALICE, 1000));
	ck_assert_uint_eq(1, fx_counts().deferred);
	ck_assert_int_eq(2, fx_sql("SELECT count(*) FROM announced"));
	one(WORK, "new", 0);
	ck_assert_int_eq(2, fx_sql("SELECT count(*) FROM announced"));
	ck_assert_str_eq("kept new ", list_at(NULL, 999));
}
END_TEST


START_TEST(test_limit)
{
	static struct cpm_announced v[CPM_ANNOUNCED_MAX + 1];
	static char refv[CPM_ANNOUNCED_MAX + 1][16];
	size_t i;

	for (i=0; i<=CPM_ANNOUNCED_MAX; i++) {
		snprintf(refv[i], sizeof(refv[i]), "r%zu", i);
		v[i].reference = refv[i];
	}

	ck_assert_int_eq(EOVERFLOW, cpm_store_announce(
		fx.st, ALICE, v, CPM_ANNOUNCED_MAX + 1, true, NULL, NULL));
	one(WORK, "r1", 0);
	ck_assert_int_eq(0, announce(ALICE, v, CPM_ANNOUNCED_MAX, false));
	ck_assert_uint_eq(CPM_ANNOUNCED_MAX + 1, fx_counts().deferred);

	/* one more: the oldest of the same account goes */
	one(ALICE, "r1000", 0);
	ck_assert_uint_eq(CPM_ANNOUNCED_MAX + 1, fx_counts().deferred);
	ck_assert_int_eq(ENOENT, fetched(ALICE, "r0", NULL));
	ck_assert_int_eq(0, fetched(ALICE, "r1", "r1000"));
	ck_assert_str_eq("r1 ", list(WORK));
}
END_TEST


START_TEST(test_invalid)
{
	char empty[] = "", ref[] = "r";
	struct cpm_announced ann = {.reference = empty};

	ck_assert_int_eq(EINVAL, cpm_store_announce(fx.st, ALICE, &ann, 1,
						    false, NULL, NULL));
	ann.reference = NULL;
	ck_assert_int_eq(EINVAL, cpm_store_announce(fx.st, ALICE, &ann, 1,
						    false, NULL, NULL));
	ann.reference = ref;
	ann.mode = (enum cpm_mode)(CPM_SESSION + 1);
	ck_assert_int_eq(EINVAL, cpm_store_announce(fx.st, ALICE, &ann, 1,
						    false, NULL, NULL));
	ann.mode = CPM_SESSION;
	ck_assert_int_eq(EINVAL, cpm_store_announce(fx.st, NULL, &ann, 1,
						    false, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_announce(fx.st, ALICE, NULL, 1,
						    false, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_announce(NULL, ALICE, &ann, 1,
						    false, NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_fetched(fx.st, ALICE, NULL, 1,
						   NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_fetched(fx.st, NULL, NULL, 0,
						   NULL, NULL));
	ck_assert_int_eq(EINVAL, cpm_store_announced(fx.st, ALICE, 0, NULL,
						     NULL));
	ck_assert_int_eq(EINVAL, cpm_store_announced(NULL, ALICE, 0,
						     list_handler, NULL));
	cpm_store_close(&fx.st);
	ck_assert_int_eq(0, cpm_store_alloc(&fx.st, fx.path, NULL, NULL,
					    NULL));
	ck_assert_int_eq(EAGAIN, cpm_store_announce(fx.st, ALICE, &ann, 1,
						    false, NULL, NULL));
	ck_assert_int_eq(EAGAIN, cpm_store_announced(fx.st, ALICE, 0,
						     list_handler, NULL));
}
END_TEST


TCase *store_announced_case(void)
{
	TCase *tc = tcase_create("announced");

	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_again);
	tcase_add_test(tc, test_whole);
	tcase_add_test(tc, test_fetched);
	tcase_add_test(tc, test_came);
	tcase_add_test(tc, test_expired);
	tcase_add_test(tc, test_limit);
	tcase_add_test(tc, test_invalid);

	return tc;
}
