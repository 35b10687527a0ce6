/**
 * @file store_conv.c  The store: whose a conversation is
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "unit/store_unit.h"


static struct {
	char peer[64];
	char name[64];
	char cid[64];
	enum cpm_kind kind;
} got;


static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "-");
}


static bool conv_handler(const struct cpm_conv *c, void *arg)
{
	(void)arg;
	copy(got.peer, sizeof(got.peer), c->peer);
	copy(got.name, sizeof(got.name), c->name);
	copy(got.cid, sizeof(got.cid), c->conversation_id);
	got.kind = c->kind;

	return true;
}


static void put_named(const char *key, const char *conv, enum cpm_dir dir,
		      enum cpm_kind kind, const char *peer, const char *name,
		      const char *cid)
{
	struct cpm_msg *m = fx_msg(key, "x");

	fx_set(&m->key, conv);
	fx_set(&m->peer, peer);
	fx_set(&m->name, name);
	fx_set(&m->conversation_id, cid);
	m->direction = dir;
	m->kind = kind;
	ck_assert_int_eq(0, fx_put(m));
	ck_assert(!fx.res.duplicate);
}


static void check_conv(const char *peer, const char *name, const char *cid)
{
	ck_assert_int_eq(0, cpm_store_conv(fx.st, fx.res.conversation,
					   conv_handler, NULL));
	ck_assert_str_eq(peer, got.peer);
	ck_assert_str_eq(name, got.name);
	ck_assert_str_eq(cid, got.cid);
}


START_TEST(test_names)
{
	put_named("1", "c1", CPM_OUT, CPM_CHAT, "bob", "Me", NULL);
	check_conv("bob", "-", "-");
	put_named("2", "c1", CPM_IN, CPM_CHAT, "bob", "Bob", "cid");
	check_conv("bob", "Bob", "cid");
	put_named("3", "c1", CPM_IN, CPM_CHAT, NULL, NULL, NULL);
	check_conv("bob", "Bob", "cid");
	put_named("4", "c1", CPM_OUT, CPM_CHAT, "bob3", "Me", NULL);
	check_conv("bob", "Bob", "cid");
	put_named("4b", "c1", CPM_IN, CPM_CHAT, "bob", "Bobby", NULL);
	check_conv("bob", "Bobby", "cid");

	/* what is sent to it does not go to whoever knows its id */
	put_named("4c", "c1", CPM_IN, CPM_CHAT, "mallory", "Bob", NULL);
	check_conv("bob", "Bobby", "cid");
	put_named("4d", "c2", CPM_IN, CPM_CHAT, NULL, "Nobody", NULL);
	check_conv("-", "Nobody", "-");
	put_named("4e", "c2", CPM_IN, CPM_CHAT, "bob", "Bob", NULL);
	check_conv("bob", "Bob", "-");

	put_named("5", "g1", CPM_IN, CPM_GROUP, "carol", "Carol", "gid");
	check_conv("-", "-", "gid");
	ck_assert_int_eq(CPM_GROUP, got.kind);
}
END_TEST


/* The same if they are in one commit */
START_TEST(test_names_batch)
{
	static const char *const peerv[] = {"bob", "mallory", "bob"};
	static const char *const namev[] = {"Bob", "Mallory", "Bobby"};
	unsigned i;

	for (i=0; i<3; i++) {
		char key[2] = {(char)('0' + i), '\0'};
		struct cpm_msg *m = fx_msg(key, "x");

		fx_set(&m->peer, peerv[i]);
		fx_set(&m->name, namev[i]);
		ck_assert_int_eq(0, cpm_store_put(fx.st, m, fx_put_handler,
						  NULL));
		mem_deref(m);
	}
	fx_wait(3);
	ck_assert_uint_eq(1, fx.batches);
	check_conv("bob", "Bobby", "-");
}
END_TEST


TCase *store_conv_case(void)
{
	TCase *tc = tcase_create("conv");

	tcase_add_checked_fixture(tc, fx_setup_open, fx_teardown);
	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_names_batch);

	return tc;
}
