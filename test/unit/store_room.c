/**
 * @file unit/store_room.c  The store: quota, reserve, and known messages
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/store_unit.h"


enum {
	MANY = 90000,  /* messages: each slice of them is taken in once */
};

static const char alice[] = "sip:alice@example.net";
static char text[1000];


static void limit(uint64_t quota, uint64_t reserve)
{
	const struct cpm_limits lim = {.quota = quota, .reserve = reserve};

	cpm_store_limit(fx.st, &lim);
}


static int put(const char *key, size_t size)
{
	struct cpm_msg *m = fx_msg(key, NULL);

	memset(text, 'x', sizeof(text));
	fx_body(m, text, size);

	return fx_put(m);
}


/* Up to it, not over it; what is deleted makes room again */
START_TEST(test_quota)
{
	uint64_t first;

	limit(1000, 0);
	ck_assert_int_eq(0, put("1", 600));
	first = fx.res.id;
	ck_assert_int_eq(EDQUOT, put("2", 401));
	ck_assert_uint_eq(0, fx.res.id);
	ck_assert_str_eq("quota", fx.what);
	ck_assert_ptr_nonnull(strstr(fx.text, "600 of 1000"));
	ck_assert_ptr_nonnull(strstr(fx.text, alice));
	ck_assert_int_eq(0, put("2", 400));
	ck_assert_int_eq(EDQUOT, cpm_store_room(fx.st, alice, 1));
	ck_assert_int_eq(0, cpm_store_room(fx.st, "sip:carol@example.net", 1));
	ck_assert_int_eq(EDQUOT, put("3", 1));
	ck_assert_uint_eq(1, fx.faults);

	/* what is there already is there */
	ck_assert_int_eq(0, put("1", 600));
	ck_assert(fx.res.duplicate);
	ck_assert_uint_eq(2, fx_counts().messages);

	fx_reopen();
	limit(1000, 0);
	ck_assert_int_eq(EDQUOT, put("3", 1));
	ck_assert_int_eq(0, fx_result(cpm_store_delete(fx.st, first, 0,
						       fx_done_handler,
						       NULL)));
	ck_assert_int_eq(0, cpm_store_room(fx.st, alice, 1));
	ck_assert_int_eq(0, put("3", 600));
	ck_assert_int_eq(EDQUOT, put("4", 1));
	ck_assert_int_eq(0, fx_result(cpm_store_delete(fx.st, 0, 1,
						       fx_done_handler,
						       NULL)));
	ck_assert_int_eq(0, put("4", 1000));
	ck_assert_int_eq(1000, fx_sql("SELECT octets FROM conv"));
}
END_TEST


/* One that is over it does not take the rest of its batch with it */
START_TEST(test_quota_batch)
{
	unsigned i;

	limit(1000, 0);
	for (i=0; i<20; i++) {
		struct cpm_msg *m;
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		m = fx_msg(key, NULL);
		fx_body(m, text, i == 3 ? 900 : 50);
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, fx_put_handler,
						  NULL));
		mem_deref(m);
	}
	fx_wait(20);
	ck_assert_uint_eq(19, fx_counts().messages);
	ck_assert_int_eq(950, fx_sql("SELECT octets FROM conv"));
	ck_assert_int_eq(0, fx_sql("SELECT count(*) FROM msg WHERE "
				   "msgkey = 'k3'"));
	ck_assert_str_eq("quota", fx.what);
}
END_TEST


static void queue(const char *key, size_t size)
{
	struct cpm_msg *m = fx_msg(key, NULL);

	fx_body(m, text, size);
	ck_assert_int_eq(0, cpm_store_put(fx.st, m, fx_put_handler, NULL));
	mem_deref(m);
}


/* What is counted up for one commit is there for each write in it */
START_TEST(test_mixed_batch)
{
	uint64_t id;

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(0, put("0", 7));
	id = fx.res.id;
	queue("1", 20);
	ck_assert_int_eq(0, cpm_store_delete(fx.st, 0, fx.res.conversation,
					     fx_done_handler, NULL));
	queue("2", 300);
	ck_assert_int_eq(0, cpm_store_display(fx.st, (uint64_t[]){id + 2}, 1,
					      false, fx_done_handler, NULL));
	queue("3", 1);
	fx_wait(fx.done + 5);
	ck_assert_uint_eq(2, fx_counts().messages);
	ck_assert_uint_eq(1, fx_counts().unread);
	ck_assert_uint_eq(1, fx_counts().conversations);
	ck_assert_int_eq(2, fx_sql("SELECT messages FROM conv"));
	ck_assert_int_eq(1, fx_sql("SELECT unread FROM conv"));
	ck_assert_int_eq(301, fx_sql("SELECT octets FROM conv"));
	ck_assert_uint_eq(301, cpm_store_octets(fx.st, alice));
	fx_reopen();
	ck_assert_uint_eq(301, cpm_store_octets(fx.st, alice));
	ck_assert_uint_eq(2, fx_counts().messages);
}
END_TEST


START_TEST(test_accounts)
{
	struct cpm_msg *m = fx_msg("1", "0123456789");

	limit(15, 0);
	ck_assert_int_eq(0, put("1", 10));
	fx_set(&m->account, "sip:carol@example.net");
	ck_assert_int_eq(0, fx_put(m));
	ck_assert(!fx.res.duplicate);
	ck_assert_int_eq(EDQUOT, put("2", 10));
}
END_TEST


/* Less is free than is to stay free */
START_TEST(test_reserve)
{
	struct statvfs fs;
	uint64_t id;

	ck_assert_int_eq(0, statvfs(fx.dir, &fs));
	id = fx_put_ok("1", "x");
	limit(0, (uint64_t)fs.f_blocks * fs.f_frsize + 1);
	ck_assert_int_eq(ENOSPC, cpm_store_room(fx.st, alice, 1));
	ck_assert_str_eq("disk-full", fx.what);
	ck_assert_ptr_nonnull(strstr(fx.text, "cpm_disk_reserve"));
	ck_assert_int_eq(ENOSPC, put("2", 1));

	/* reading it, and making room, goes on */
	ck_assert_int_eq(0, fx_result(cpm_store_display(fx.st, &id, 1, false,
							fx_done_handler,
							NULL)));
	ck_assert_uint_eq(0, fx_counts().unread);
	ck_assert_int_eq(0, fx_result(cpm_store_delete(fx.st, id, 0,
						       fx_done_handler,
						       NULL)));
	limit(0, 1);
	ck_assert_int_eq(0, cpm_store_room(fx.st, alice, 1));
	ck_assert_int_eq(0, put("2", 1));
}
END_TEST


static void put_many(unsigned from, unsigned to)
{
	const unsigned before = fx.done;
	unsigned i;

	for (i=from; i<to; i++) {
		struct cpm_msg *m;
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		m = fx_msg(key, "x");
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, fx_put_handler,
						  NULL));
		mem_deref(m);
	}
	fx_wait(before + to - from);
	ck_assert_int_eq(0, fx.err);
}


static void check_known(unsigned n)
{
	char key[16];

	snprintf(key, sizeof(key), "k%u", n);
	ck_assert_int_eq(0, put(key, 1));
	ck_assert_msg(fx.res.duplicate, "%s is not known", key);
	ck_assert_uint_eq(n + 1, fx.res.id);
}


/* Taken into the index or not, before a restart or behind it */
START_TEST(test_known)
{
	const unsigned v[] = {0, 1, 8191, 8192, 9215, 9216, 32768, 65536,
			      MANY - 2, MANY - 1};
	const uint64_t conv = 1;
	unsigned i;

	put_many(0, MANY);
	ck_assert_uint_eq(MANY, fx_counts().messages);
	for (i=0; i<sizeof(v) / sizeof(v[0]); i++)
		check_known(v[i]);

	ck_assert_int_ge(fx_sql("SELECT count(*) FROM seen"), MANY / 3);
	ck_assert_int_lt(fx_sql("SELECT count(*) FROM seen"), MANY);
	ck_assert_int_gt(fx_sql("SELECT min(upto) FROM taken"), 0);
	fx_reopen();
	ck_assert_int_eq(MANY, fx_sql("SELECT count(*) FROM seen"));
	ck_assert_int_eq(MANY, fx_sql("SELECT min(upto) FROM taken"));
	ck_assert_int_eq(0, fx_sql("SELECT count(*) FROM seen JOIN msg USING "
				   "(id) WHERE seen.hash != msg.hash >> 32"));
	put_many(0, MANY);
	ck_assert_uint_eq(MANY, fx_counts().messages);

	/* deleted ones too, and their ids are not given again */
	ck_assert_int_eq(0, fx_result(cpm_store_delete(fx.st, 0, conv,
						       fx_done_handler,
						       NULL)));
	fx_reopen();
	for (i=0; i<sizeof(v) / sizeof(v[0]); i++)
		check_known(v[i]);
	ck_assert_uint_eq(0, fx_counts().messages);
	ck_assert_uint_eq(MANY + 1, fx_put_ok("new", "x"));
}
END_TEST


/* A process that ends without a word */
static void put_and_die(unsigned from, unsigned to)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		fx_open();
		put_many(from, to);
		_exit(7);
	}
	ck_assert_int_eq(pid, waitpid(pid, &status, 0));
	ck_assert_int_eq(7, WEXITSTATUS(status));
}


/* Crashes before the last slice has its turn: each has it all the same */
START_TEST(test_known_restarts)
{
	enum { RUNS = 6, EACH = 20000 };
	unsigned i;

	cpm_store_close(&fx.st);
	for (i=0; i<RUNS; i++)
		put_and_die(i * EACH, (i + 1) * EACH);
	fx_open();
	ck_assert_uint_eq(RUNS * EACH, fx_counts().messages);
	check_known(0);
	check_known(RUNS * EACH - 1);
	ck_assert_int_lt(RUNS * EACH / 3, fx_sql("SELECT min(upto) FROM "
						 "taken"));
}
END_TEST


/* An index that lost its last entries gets them again */
START_TEST(test_known_behind)
{
	put_many(0, MANY);
	cpm_store_close(&fx.st);
	fx_sql("DELETE FROM seen");
	fx_sql("UPDATE taken SET upto = 0");
	fx_open();
	check_known(0);
	check_known(65535);
	check_known(MANY - 1);
	ck_assert_int_ge(fx_sql("SELECT count(*) FROM seen"), 65536);
}
END_TEST


TCase *store_room_case(void)
{
	TCase *tc = tcase_create("room");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_quota);
	tcase_add_test(tc, test_quota_batch);
	tcase_add_test(tc, test_mixed_batch);
	tcase_add_test(tc, test_accounts);
	tcase_add_test(tc, test_reserve);
	tcase_add_test(tc, test_known);
	tcase_add_test(tc, test_known_restarts);
	tcase_add_test(tc, test_known_behind);

	return tc;
}
