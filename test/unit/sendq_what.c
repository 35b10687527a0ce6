/**
 * @file unit/sendq_what.c  What is sent, to whom; what is refused
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "unit/sendq_unit.h"


/* One from Dave, whose client knows no Conversation-ID */
static uint64_t dave_writes(void)
{
	struct cpm_msg *m = fx_msg("imdn:k1", "x");

	fx_set(&m->account, ALICE);
	fx_set(&m->peer, "sip:dave@example.net");
	fx_set(&m->key, "peer:sip:dave@example.net");
	fx_set(&m->contribution_id, "k1");
	m->conversation_id = mem_deref(m->conversation_id);
	ck_assert_int_eq(0, cpm_store_put(cpm_reader(t.cpm), m, NULL, NULL));
	mem_deref(m);
	ob_wait_ms(50);

	return 4;
}


/* The thread goes on, and an answer says what it answers */
START_TEST(threads)
{
	struct cpm_send snd = {.mode = CPM_SEND_PAGE};
	char a[64], b[64];
	uint64_t id;

	ob_start();
	sq_put("bob", "b1");
	sq_wait_asked(1);
	ob_answer(&t.reqv[0]);
	sq_put("bob", "b2");
	sq_wait_asked(2);
	ob_answer(&t.reqv[1]);
	sq_put("carol", "c1");
	sq_wait_asked(3);
	sq_field(a, sizeof(a), 0, "Conversation-ID: ");
	sq_field(b, sizeof(b), 1, "Conversation-ID: ");
	ck_assert_str_eq(a, b);
	sq_field(b, sizeof(b), 2, "Conversation-ID: ");
	ck_assert_str_ne(a, b);
	sq_field(a, sizeof(a), 0, "Contribution-ID: ");
	sq_field(b, sizeof(b), 1, "Contribution-ID: ");
	ck_assert_str_ne(a, b);
	ck_assert(!sq_has(&t.reqv[2], "InReplyTo"));

	/* to one that came, in a conversation that somebody else began */
	snd.reply_to = dave_writes();
	ck_assert_int_eq(0, sq_send(&snd, "d1", &id));
	sq_wait_asked(4);
	ck_assert(sq_has(&t.reqv[3], "\r\n\r\nd1"));
	ck_assert(sq_has(&t.reqv[3],
		      "\r\nInReplyTo-Contribution-ID: k1\r\n"));
	ck_assert(sq_has(&t.reqv[3], "To: <sip:dave@example.net>"));
	sq_field(a, sizeof(a), 3, "Contribution-ID: ");
	ck_assert_str_ne("k1", a);
	ck_assert_uint_eq(sq_msg(4).conversation, sq_msg(id).conversation);
}
END_TEST


/* A file that is not the one any more is not sent */
START_TEST(file)
{
	struct cpm_send snd = {.account = ALICE, .to = "sip:b@example.net",
			       .mode = CPM_SEND_PAGE};
	char path[300];
	uint64_t id;
	FILE *f;

	snprintf(path, sizeof(path), "%s/a b.bin", fx.dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs("body of a file", f), 0);
	ck_assert_int_eq(0, fclose(f));

	ob_start();
	snd.file = path;
	ck_assert_int_eq(0, sq_send(&snd, NULL, &id));
	ck_assert_int_eq(0, sq_send(&snd, NULL, &id));
	sq_wait_asked(1);
	ck_assert(sq_has(&t.reqv[0],
			 "Content-Type: application/octet-stream\r\n"
			 "Content-Disposition: attachment; "
			 "filename=\"a b.bin\"\r\nContent-Length: 14\r\n"
			 "\r\nbody of a file"));
	ck_assert_int_eq(0, truncate(path, 3));
	ob_answer(&t.reqv[0]);
	sq_wait_failed(1);
	ck_assert_uint_eq(id, t.out.id);
	ck_assert_str_eq("the file has changed", t.out.reason);
	ck_assert_uint_eq(1, t.reqc);
	ck_assert_int_eq(0, access(path, F_OK));
}
END_TEST


static const struct {
	struct cpm_send snd;
	const char *text;
	int err;
} wrongv[] = {
	{{.account = ALICE}, "x", EINVAL},
	{{.account = ALICE, .to = "sip:b@x", .conversation = 1}, "x", EINVAL},
	{{.account = ALICE, .to = "sip:b@x"}, NULL, EINVAL},
	{{.account = ALICE, .to = "sip:b@x", .file = "/f"}, "x", EINVAL},
	{{.account = ALICE, .to = "sip:b@x"}, "", EINVAL},
	{{.account = ALICE, .to = "bob"}, "x", EINVAL},
	{{.to = "sip:b@x"}, "x", EINVAL},
	{{.account = ALICE, .to = "sip:b@x"}, "\xff", EINVAL},
	{{.account = ALICE, .to = "sip:b@x", .type = "x"}, "x", EINVAL},
	{{.account = ALICE, .to = "sip:b@x", .type = "a/b\r\nc"}, "x",
	 EINVAL},
	{{.account = ALICE, .to = "sip:b@x", .type = "message/imdn+xml"}, "x",
	 EINVAL},
	{{.account = ALICE, .to = "sip:b@x", .type = "message/imdn"}, "x",
	 EINVAL},
	{{.account = ALICE, .to = "sip:b@x", .type = "Message/CPIM;a=b"}, "x",
	 EINVAL},
	{{.account = ALICE, .to = "sip:b@x",
	  .type = "application/im-iscomposing+xml"}, "x", EINVAL},
	{{.account = "sip:nobody@x", .to = "sip:b@x"}, "x", ENOTCONN},
	{{.conversation = 7}, "x", ENOENT},
	{{.reply_to = 7}, "x", ENOENT},
	{{.account = ALICE, .to = "sip:b@x", .file = "f"}, NULL, EINVAL},
	{{.account = ALICE, .to = "sip:b@x", .file = "/no/such"}, NULL,
	 ENOENT},
	{{.account = ALICE, .to = "sip:b@x", .file = "/dev"}, NULL, EISDIR},
	{{.account = ALICE, .to = "sip:b@x", .file = "/dev/null"}, NULL,
	 EINVAL},
	{{.conversation = 2}, "x", ENOTSUP},
	{{.conversation = 1, .account = DAVE}, "x", EINVAL},
};


static void group_put(void)
{
	struct cpm_msg *m = fx_msg("g1", "x");

	fx_set(&m->account, ALICE);
	fx_set(&m->key, "id:group");
	m->kind = CPM_GROUP;
	ck_assert_int_eq(0, cpm_store_put(cpm_reader(t.cpm), m, NULL, NULL));
	mem_deref(m);
}


START_TEST(wrong)
{
	struct cpm_send snd = wrongv[_i].snd;
	uint64_t id = 0;

	ob_start();
	ob_put(cpm_reader(t.cpm), ALICE, "bob", "k1");
	group_put();
	ob_wait_ms(50);
	t.nobody = "sip:nobody@x";
	ck_assert_int_eq(wrongv[_i].err, sq_send(&snd, wrongv[_i].text, &id));
	ck_assert_uint_eq(0, id);
	ck_assert_int_eq(0, sq_queued());
}
END_TEST


/* At the limit, and over it */
START_TEST(limits)
{
	struct cpm_send snd = {.account = ALICE, .to = "sip:b@example.net",
			       .mode = CPM_SEND_PAGE};
	char text[1302];
	uint64_t id;

	memset(text, 'x', sizeof(text));
	text[1301] = '\0';
	ob_start();
	ck_assert_int_eq(EMSGSIZE, sq_send(&snd, text, &id));
	ck_assert_int_eq(0, sq_send(&snd, text + 1, &id));
	sq_wait_asked(1);
	ck_assert(sq_has(&t.reqv[0], text + 1));
	snd.mode = CPM_SEND_AUTO;
	ck_assert_int_eq(0, sq_send(&snd, text, &id));
	ck_assert_int_eq(CPM_SESSION, sq_msg(id).mode);
	ck_assert_int_eq(0, sq_send(&snd, text + 1, &id));
	ck_assert_int_eq(CPM_PAGE, sq_msg(id).mode);

	snd.body = mbuf_alloc(100001);
	ck_assert_int_eq(0, mbuf_fill(snd.body, 'x', 100001));
	snd.body->pos = 0;
	ck_assert_int_eq(EMSGSIZE, cpm_send(t.cpm, &snd, &id, NULL));
	snd.body->pos = 1;
	ck_assert_int_eq(0, cpm_send(t.cpm, &snd, &id, NULL));
	mem_deref(snd.body);
}
END_TEST


TCase *sendq_what_case(void)
{
	TCase *tc = tcase_create("what");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, sq_setup, sq_teardown);
	tcase_add_test(tc, threads);
	tcase_add_test(tc, file);
	tcase_add_loop_test(tc, wrong, 0, ARRAY_SIZE(wrongv));
	tcase_add_test(tc, limits);

	return tc;
}
