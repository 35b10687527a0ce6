/**
 * @file unit/sendq.c  Which message of ours goes when, in page mode
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <sqlite3.h>
#include "unit/outbox_unit.h"
#include "mock/oom.h"
#include "mock/store_fail.h"
#include "../../modules/cpm/engine/sendq.h"


static struct mbuf *text_mb(const char *text)
{
	struct mbuf *mb = mbuf_alloc(32);

	ck_assert_int_eq(0, mbuf_write_str(mb, text));
	mb->pos = 0;

	return mb;
}


static int send_it(struct cpm_send *snd, const char *text, uint64_t *idp)
{
	int err;

	snd->body = text ? text_mb(text) : NULL;
	err = cpm_send(t.cpm, snd, idp, NULL);
	mem_deref(snd->body);

	return err;
}


static uint64_t put(const char *peer, const char *text)
{
	struct cpm_send snd = {.account = ALICE};
	char uri[80];
	uint64_t id = 0;

	snprintf(uri, sizeof(uri), "sip:%s@example.net", peer);
	snd.to = uri;
	ck_assert_int_eq(0, send_it(&snd, text, &id));
	ck_assert_uint_gt(id, 0);

	return id;
}


static bool has(const struct req *req, const char *text)
{
	const struct mbuf *mb = req->msg->mb;

	return memmem(mb->buf, mb->end, text, strlen(text)) != NULL;
}


static struct mbuf *kept[REQS];

/* What a request says behind a name, e.g. "imdn.Message-ID: " */
static void field(char *buf, size_t size, unsigned i, const char *name)
{
	const struct mbuf *mb = kept[i];
	const char *p = memmem(mb->buf, mb->end, name, strlen(name));

	ck_assert_ptr_nonnull(p);
	p += strlen(name);
	snprintf(buf, size, "%.*s", (int)strcspn(p, "\r"), p);
}


/* What was answered has no octets any more */
static void keep_all(void)
{
	unsigned i;

	for (i=0; i<t.reqc; i++) {
		if (!kept[i] && t.reqv[i].msg)
			kept[i] = mem_ref(t.reqv[i].msg->mb);
	}
}


static void kept_reset(void)
{
	size_t i;

	for (i=0; i<REQS; i++)
		kept[i] = mem_deref(kept[i]);
}


static void setup(void)
{
	ob_setup();
	t.hold = true;
}


static void teardown(void)
{
	kept_reset();
	ob_teardown();
}


static unsigned want;

static bool asked(void)
{
	return t.reqc >= want;
}


static bool sent(void)
{
	return t.out.sent >= want;
}


static bool failed(void)
{
	return t.out.failed >= want;
}


static void wait_asked(unsigned n)
{
	want = n;
	ob_wait(asked);
	keep_all();
	ck_assert_uint_eq(n, t.reqc);
}


static void wait_sent(unsigned n)
{
	want = n;
	ob_wait(sent);
}


static void wait_failed(unsigned n)
{
	want = n;
	ob_wait(failed);
}


static bool status_handler(const struct cpm_msg *msg, void *arg)
{
	*(struct cpm_msg *)arg = *msg;

	return true;
}


static enum cpm_out status_of(uint64_t id)
{
	struct cpm_msg msg;

	ck_assert_int_eq(0, cpm_store_msg(cpm_reader(t.cpm), id,
					  status_handler, &msg));

	return msg.status;
}


static int queued(void)
{
	struct cpm_counts counts;

	ck_assert_int_eq(0, cpm_store_counts(cpm_reader(t.cpm), &counts));

	return (int)counts.queued;
}


/* In a conversation one after another; each has its own */
START_TEST(order)
{
	ob_start();
	put("bob", "b1");
	put("bob", "b2");
	put("carol", "c1");
	put("bob", "b3");
	wait_asked(2);
	ob_wait_ms(50);
	ck_assert_uint_eq(2, t.reqc);
	ck_assert(has(&t.reqv[0], "\r\n\r\nb1"));
	ck_assert(has(&t.reqv[1], "\r\n\r\nc1"));
	ob_answer(&t.reqv[0]);
	wait_asked(3);
	ck_assert(has(&t.reqv[2], "\r\n\r\nb2"));
	ob_answer(&t.reqv[2]);
	wait_asked(4);
	ck_assert(has(&t.reqv[3], "\r\n\r\nb3"));
	ob_answer(&t.reqv[3]);
	ob_answer(&t.reqv[1]);
	wait_sent(4);
	ck_assert_int_eq(0, queued());
	ck_assert_uint_eq(200, t.out.code);
}
END_TEST


/* Who is refused for now waits with all that is behind it, no longer than the
   server says, and nobody else does. It is the same message then */
START_TEST(later)
{
	char was[64], is[64];
	uint64_t begin;

	ob_start();
	put("bob", "b1");
	put("bob", "b2");
	wait_asked(1);
	begin = tmr_jiffies();
	t.scode = 503;
	t.after = 1;
	ob_answer(&t.reqv[0]);
	t.scode = 202;
	t.after = 0;
	put("carol", "c1");
	wait_asked(2);
	ck_assert(has(&t.reqv[1], "\r\n\r\nc1"));
	ob_answer(&t.reqv[1]);
	wait_sent(1);
	ck_assert_uint_eq(202, t.out.code);
	wait_asked(3);
	ck_assert_uint_ge(tmr_jiffies() - begin, 1000);
	field(was, sizeof(was), 0, "imdn.Message-ID: ");
	field(is, sizeof(is), 2, "imdn.Message-ID: ");
	ck_assert_str_eq(was, is);
	field(was, sizeof(was), 0, "Contribution-ID: ");
	field(is, sizeof(is), 2, "Contribution-ID: ");
	ck_assert_str_eq(was, is);
	ob_answer(&t.reqv[2]);
	wait_asked(4);
	ck_assert(has(&t.reqv[3], "\r\n\r\nb2"));
	ob_answer(&t.reqv[3]);
	wait_sent(3);
}
END_TEST


/* Refused for good: it is told why, and the next one goes */
START_TEST(never)
{
	uint64_t id;

	ob_start();
	id = put("bob", "b1");
	put("bob", "b2");
	wait_asked(1);
	t.scode = 403;
	ob_answer(&t.reqv[0]);
	wait_failed(1);
	ck_assert_uint_eq(id, t.out.id);
	ck_assert_uint_eq(403, t.out.code);
	ck_assert_str_eq("not allowed", t.out.reason);
	ck_assert_int_eq(CPM_OUT_FAILED, status_of(id));
	wait_asked(2);
	t.scode = 200;
	ob_answer(&t.reqv[1]);
	wait_sent(1);
}
END_TEST


/* A server that answers nobody has 16 conversations to think of */
START_TEST(window)
{
	char peer[16];
	unsigned i;

	ob_start();
	for (i=0; i<20; i++) {
		snprintf(peer, sizeof(peer), "p%02u", i);
		put(peer, "x");
	}
	wait_asked(16);
	ob_wait_ms(50);
	ck_assert_uint_eq(16, t.reqc);
	ob_answer(&t.reqv[3]);
	wait_asked(17);
	t.hold = false;
	for (i=0; i<t.reqc; i++)
		ob_answer(&t.reqv[i]);
	wait_sent(20);
	ck_assert_uint_eq(20, t.reqc);
}
END_TEST


static bool is_lost(void)
{
	return !t.registered;
}


/* While the account is not registered nothing goes, and nothing counts */
START_TEST(registration)
{
	uint64_t id;

	t.registers = true;
	ob_start();
	id = put("bob", "b1");
	ob_wait_ms(100);
	ck_assert_uint_eq(0, t.reqc);
	ck_assert_int_eq(CPM_OUT_QUEUED, status_of(id));

	/* refused, as one who is not registered may be: that is not final */
	t.registered = true;
	cpm_registered(t.cpm, ALICE);
	wait_asked(1);
	t.scode = 403;
	t.lose_at = t.asked + 1;
	ob_answer(&t.reqv[0]);
	ob_wait(is_lost);
	ob_wait_ms(50);
	ck_assert_uint_eq(1, t.reqc);
	ck_assert_uint_eq(0, t.out.failed);
	ck_assert_int_eq(1, queued());

	t.registered = true;
	t.lose_at = 0;
	t.scode = 200;
	cpm_registered(t.cpm, ALICE);
	wait_asked(2);
	ob_answer(&t.reqv[1]);
	wait_sent(1);
}
END_TEST


static uint64_t bob1;

static struct cpm_msg once(uint64_t id)
{
	struct cpm_msg msg;

	ck_assert_int_eq(0, cpm_store_msg(cpm_reader(t.cpm), id,
					  status_handler, &msg));

	return msg;
}


static bool bob_tried(void)
{
	return once(bob1).tries > 0;
}


/* Nobody was there: it goes as soon as the account registers again. What the
   server has put off does not, nor does each registration */
START_TEST(woken)
{
	char outbound[80];

	strcpy(outbound, t.outbound);
	strcpy(t.outbound, "sip:127.0.0.1:1;transport=tcp");
	t.registers = t.registered = true;
	ob_start();
	cpm_registered(t.cpm, ALICE);
	bob1 = put("bob", "b1");
	ob_wait(bob_tried);
	ck_assert_int_eq(CPM_OUT_QUEUED, status_of(bob1));
	ck_assert_uint_eq(0, t.reqc);
	strcpy(t.outbound, outbound);
	cpm_registered(t.cpm, ALICE);
	wait_asked(1);

	t.scode = 480;
	ob_answer(&t.reqv[0]);
	ob_wait_ms(50);
	cpm_registered(t.cpm, ALICE);
	ob_wait_ms(100);
	ck_assert_uint_eq(1, t.reqc);
	ck_assert_uint_eq(480, once(bob1).code);
	wait_asked(2);
}
END_TEST


/* The answer cannot be noted: it is kept, and nothing is sent again */
START_TEST(disk_full)
{
	ob_start();
	put("bob", "b1");
	put("bob", "b2");
	wait_asked(1);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ob_answer(&t.reqv[0]);
	wait_asked(2);
	ck_assert(has(&t.reqv[1], "\r\n\r\nb2"));
	ob_answer(&t.reqv[1]);
	ob_wait_ms(1200);
	ck_assert_uint_eq(2, t.reqc);
	ck_assert_uint_eq(0, t.out.sent);
	store_fail_set(0, 0);
	wait_sent(2);
	ck_assert_uint_eq(2, t.reqc);
}
END_TEST


static int send_full(void)
{
	struct cpm_send snd = {.account = ALICE, .to = "sip:b@example.net"};
	uint64_t id;

	return send_it(&snd, "x", &id);
}


/* What was not committed is not sent */
START_TEST(not_kept)
{
	ob_start();
	ob_wait_ms(1);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	ck_assert_int_eq(ENOSPC, send_full());
	store_fail_set(0, 0);
	ob_wait_ms(100);
	ck_assert_uint_eq(0, t.reqc);
	ck_assert_int_eq(0, queued());
}
END_TEST


/* What is on its way, what waits, what has left */
START_TEST(cancel)
{
	uint64_t id[4];

	ob_start();
	id[0] = put("bob", "b1");
	id[1] = put("bob", "b2");
	id[2] = put("bob", "b3");
	wait_asked(1);
	ck_assert_int_eq(0, cpm_cancel(t.cpm, id[1]));
	wait_failed(1);
	ck_assert_uint_eq(id[1], t.out.id);
	ck_assert_uint_eq(0, t.out.code);
	ck_assert_str_eq("canceled", t.out.reason);
	ck_assert_int_eq(EALREADY, cpm_cancel(t.cpm, id[1]));

	ck_assert_int_eq(0, cpm_cancel(t.cpm, id[0]));
	wait_failed(2);
	ck_assert_uint_eq(id[0], t.out.id);
	wait_asked(2);
	ck_assert(has(&t.reqv[1], "\r\n\r\nb3"));
	/* nobody hears it */
	ob_answer(&t.reqv[0]);
	ob_answer(&t.reqv[1]);
	/* the answer comes first */
	wait_sent(1);
	ck_assert_uint_eq(id[2], t.out.id);
	ck_assert_int_eq(EALREADY, cpm_cancel(t.cpm, id[2]));
	ck_assert_int_eq(ENOENT, cpm_cancel(t.cpm, 99));
	ck_assert_int_eq(0, queued());

	ob_put(cpm_reader(t.cpm), ALICE, "bob", "k1");
	ob_wait_ms(50);
	ck_assert_int_eq(EINVAL, cpm_cancel(t.cpm, id[2] + 1));
}
END_TEST


static bool refused_then_canceled(void)
{
	return once(bob1).tries > 0 || t.out.failed;
}


/* While its way back into the queue is being written */
START_TEST(cancel_between)
{
	ob_start();
	bob1 = put("bob", "b1");
	wait_asked(1);
	store_fail_set(STORE_FAIL_WRITE, SQLITE_FULL);
	t.scode = 480;
	ob_answer(&t.reqv[0]);
	ob_wait_ms(100);
	ck_assert_int_eq(0, cpm_cancel(t.cpm, bob1));
	store_fail_set(0, 0);
	wait_failed(1);
	ck_assert(refused_then_canceled());
	ck_assert_str_eq("canceled", t.out.reason);
	ck_assert_int_eq(0, queued());
	ck_assert_uint_eq(1, t.reqc);
}
END_TEST


static bool gone(void)
{
	struct cpm_msg msg;

	return cpm_store_msg(cpm_reader(t.cpm), bob1, status_handler, &msg) ==
		ENOENT;
}


/* The same, without a word; and a whole conversation */
START_TEST(deleted)
{
	uint64_t n, id;
	struct cpm_msg msg;

	ob_start();
	bob1 = put("bob", "b1");
	id = put("bob", "b2");
	put("bob", "b3");
	wait_asked(1);
	ck_assert_int_eq(0, cpm_delete(t.cpm, id, 0, &n));
	ck_assert_int_eq(0, cpm_delete(t.cpm, bob1, 0, &n));
	ob_wait(gone);
	wait_asked(2);
	ck_assert(has(&t.reqv[1], "\r\n\r\nb3"));
	ck_assert_int_eq(1, queued());

	bob1 = put("bob", "b4");
	msg = once(bob1);
	ck_assert_int_eq(0, cpm_delete(t.cpm, 0, msg.conversation, &n));
	ck_assert_uint_eq(2, n);
	ob_wait(gone);
	ob_answer(&t.reqv[1]);
	ob_wait_ms(50);
	ck_assert_uint_eq(2, t.reqc);
	ck_assert_uint_eq(0, t.out.sent + t.out.failed);
	ck_assert_int_eq(0, queued());
}
END_TEST


/* It was not answered when we ended: it goes again, as the same, first */
START_TEST(restart)
{
	char was[64], is[64];

	ob_start();
	put("bob", "b1");
	put("bob", "b2");
	wait_asked(1);
	ob_stop();
	ob_start();
	wait_asked(2);
	ck_assert(has(&t.reqv[1], "\r\n\r\nb1"));
	field(was, sizeof(was), 0, "imdn.Message-ID: ");
	field(is, sizeof(is), 1, "imdn.Message-ID: ");
	ck_assert_str_eq(was, is);
	ob_answer(&t.reqv[1]);
	wait_asked(3);
	ob_answer(&t.reqv[2]);
	wait_sent(2);
}
END_TEST


/* The thread goes on, and an answer says what it answers */
START_TEST(threads)
{
	struct cpm_send snd = {.mode = CPM_SEND_PAGE};
	char a[64], b[64];
	uint64_t id;

	ob_start();
	put("bob", "b1");
	wait_asked(1);
	ob_answer(&t.reqv[0]);
	put("bob", "b2");
	wait_asked(2);
	ob_answer(&t.reqv[1]);
	put("carol", "c1");
	wait_asked(3);
	field(a, sizeof(a), 0, "Conversation-ID: ");
	field(b, sizeof(b), 1, "Conversation-ID: ");
	ck_assert_str_eq(a, b);
	field(b, sizeof(b), 2, "Conversation-ID: ");
	ck_assert_str_ne(a, b);
	field(a, sizeof(a), 0, "Contribution-ID: ");
	field(b, sizeof(b), 1, "Contribution-ID: ");
	ck_assert_str_ne(a, b);
	ck_assert(!has(&t.reqv[2], "InReplyTo"));

	/* to one that came, in a conversation that somebody else began */
	ob_put(cpm_reader(t.cpm), ALICE, "dave", "k1");
	ob_wait_ms(50);
	snd.reply_to = 4;
	ck_assert_int_eq(0, send_it(&snd, "d1", &id));
	wait_asked(5);
	ck_assert(has(&t.reqv[4], "\r\n\r\nd1"));
	ck_assert(has(&t.reqv[4],
		      "\r\nInReplyTo-Contribution-ID: k1\r\n"));
	ck_assert(has(&t.reqv[4], "To: <sip:dave@example.net>"));
	field(a, sizeof(a), 4, "Contribution-ID: ");
	ck_assert_str_ne("k1", a);
	ck_assert_uint_eq(once(4).conversation, once(id).conversation);
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
	ck_assert_int_eq(0, send_it(&snd, NULL, &id));
	ck_assert_int_eq(0, send_it(&snd, NULL, &id));
	wait_asked(1);
	ck_assert(has(&t.reqv[0], "Content-Type: application/octet-stream\r\n"
		      "Content-Disposition: attachment; "
		      "filename=\"a b.bin\"\r\nContent-Length: 14\r\n\r\n"
		      "body of a file"));
	ck_assert_int_eq(0, truncate(path, 3));
	ob_answer(&t.reqv[0]);
	wait_failed(1);
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
	ck_assert_int_eq(wrongv[_i].err, send_it(&snd, wrongv[_i].text, &id));
	ck_assert_uint_eq(0, id);
	ck_assert_int_eq(0, queued());
}
END_TEST


/* At the limit, and over it */
START_TEST(limits)
{
	struct cpm_send snd = {.account = ALICE, .to = "sip:b@example.net",
			       .mode = CPM_SEND_PAGE};
	char text[1302];
	uint64_t id;
	struct mbuf big;

	memset(text, 'x', sizeof(text));
	text[1301] = '\0';
	ob_start();
	ck_assert_int_eq(EMSGSIZE, send_it(&snd, text, &id));
	ck_assert_int_eq(0, send_it(&snd, text + 1, &id));
	wait_asked(1);
	ck_assert(has(&t.reqv[0], text + 1));
	snd.mode = CPM_SEND_AUTO;
	ck_assert_int_eq(0, send_it(&snd, text, &id));
	ck_assert_int_eq(CPM_SESSION, once(id).mode);
	ck_assert_int_eq(0, send_it(&snd, text + 1, &id));
	ck_assert_int_eq(CPM_PAGE, once(id).mode);

	mbuf_init(&big);
	ck_assert_int_eq(0, mbuf_fill(&big, 'x', 100001));
	big.pos = 0;
	snd.body = &big;
	ck_assert_int_eq(EMSGSIZE, cpm_send(t.cpm, &snd, &id, NULL));
	mbuf_reset(&big);
}
END_TEST


/* After half a day it is given up, with its last answer; the next one goes */
START_TEST(given_up)
{
	uint64_t id;

	ob_start();
	id = put("bob", "b1");
	put("bob", "b2");
	wait_asked(1);
	ob_stop();
	fx_sql("UPDATE queue SET tries = 24");
	ob_start();
	wait_asked(2);
	t.scode = 480;
	ob_answer(&t.reqv[1]);
	wait_failed(1);
	ck_assert_uint_eq(id, t.out.id);
	ck_assert_uint_eq(480, t.out.code);
	ck_assert_str_eq("away", t.out.reason);
	wait_asked(3);
	ck_assert(has(&t.reqv[2], "\r\n\r\nb2"));
}
END_TEST


/* A time far ahead was set by a clock that was wrong */
START_TEST(wrong_clock)
{
	ob_start();
	put("bob", "b1");
	wait_asked(1);
	t.scode = 480;
	ob_answer(&t.reqv[0]);
	ob_wait_ms(100);
	ob_stop();
	fx_sql("UPDATE queue SET next = 4102444800000");
	ob_start();
	wait_asked(2);
}
END_TEST


/* Memory runs out while a message is put: it is there, or it is not */
START_TEST(oom_put)
{
	struct cpm_send snd = {.account = ALICE, .to = "sip:b@example.net"};
	unsigned at, n = 0;
	uint64_t id;
	int err = ENOMEM;

	t.registers = true;
	ob_start();
	ob_wait_ms(50);
	for (at=1; err; at++) {
		snd.body = text_mb("x");
		oom_arm(at, _i);
		err = cpm_send(t.cpm, &snd, &id, NULL);
		(void)oom_disarm();
		mem_deref(snd.body);
		ck_assert_msg(!err || err == ENOMEM, "%d at %u", err, at);
		n += err != 0;
		ck_assert_uint_lt(at, 2000);
		ob_wait_ms(1);
		ck_assert_int_eq(!err, queued());
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST


/* Memory runs out while it is sent: it goes a little later, once */
START_TEST(oom_send)
{
	unsigned at, n = 0, failures = 1;

	ob_start();
	t.hold = false;
	for (at=1; failures; at++) {
		t.registers = true;
		put("bob", "x");
		t.registers = false;
		oom_arm(at, _i);
		sendq_kick(t.cpm->sendq);
		failures = oom_disarm();
		n += failures;
		sendq_kick(t.cpm->sendq);
		wait_sent(at);
		ck_assert_uint_eq(at, t.reqc);
		ck_assert_int_eq(0, queued());
		ck_assert_uint_lt(at, 400);
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST


Suite *sendq_suite(void)
{
	Suite *s = suite_create("sendq");
	TCase *tc = tcase_create("sendq");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, order);
	tcase_add_test(tc, later);
	tcase_add_test(tc, never);
	tcase_add_test(tc, window);
	tcase_add_test(tc, registration);
	tcase_add_test(tc, woken);
	tcase_add_test(tc, disk_full);
	tcase_add_test(tc, not_kept);
	tcase_add_test(tc, cancel);
	tcase_add_test(tc, cancel_between);
	tcase_add_test(tc, deleted);
	tcase_add_test(tc, restart);
	tcase_add_test(tc, threads);
	tcase_add_test(tc, file);
	tcase_add_loop_test(tc, wrong, 0, ARRAY_SIZE(wrongv));
	tcase_add_test(tc, limits);
	tcase_add_test(tc, given_up);
	tcase_add_test(tc, wrong_clock);
	tcase_add_loop_test(tc, oom_put, 0, 2);
	tcase_add_loop_test(tc, oom_send, 0, 2);
	suite_add_tcase(s, tc);

	return s;
}
