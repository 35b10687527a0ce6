/**
 * @file test_msrp.c  Messages over MSRP, in every shape that a PF can give
 *                    them
 *
 * RFC 4975, 5.1 and 7.3; wire.md 2.6 and 14.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


enum {
	PART = 60000,         /* octets of text read at once              */
	OPTS = 6,
};


/* A stored text is that which the PF has made for size=N */
static void text_whole(struct scene *s, int64_t id, size_t size)
{
	const char *text = scene_text(s->env, 0, size, size);
	size_t off = 0;

	while (off < size) {
		const struct odict *o = ctrl_ask(s->c, "cpm_message",
			"{\"id\":%d,\"offset\":%zu,\"length\":%u}", (int)id,
			off, PART);
		const char *part = j_str(o, "text");
		const size_t n = strlen(part);

		ck_assert_int_eq((int64_t)size, j_int(o, "size"));
		ck_assert_uint_gt(n, 0);
		ck_assert_uint_le(off + n, size);
		ck_assert_mem_eq(text + off, part, n);
		off += n;
	}
}


static void start(struct scene *s, const char *const optv[OPTS],
		  const char *config)
{
	struct scene_args args = {.config = config};
	size_t i;

	for (i=0; i<OPTS && optv[i]; i++)
		args.optv[i] = optv[i];
	scene_open(s, &args);
	scene_start(s);
	pf_cmd(s->pf, "auto off");
}


static void deliver(struct scene *s)
{
	const struct pf_event *ev;

	pf_cmd(s->pf, "deliver to=%s", ALICE);
	ev = pf_event(s->pf, "ended", 3 * E2E_WAIT);
	ck_assert_str_eq("pf", pf_str(ev, "by"));
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	ck_assert_int_eq(0, pf_int(ev, "left"));
}


/* One IMDN for each, none again, and nothing the PF complains of */
static void noticed(struct scene *s, int64_t count)
{
	const struct pf_event *ev;

	(void)ctrl_until(s->c, "cpm_status", NULL, "imdn_pending", 0,
			 3 * E2E_WAIT);
	ev = pf_ask(s->pf, "stats");
	ck_assert_int_eq(count, pf_int(ev, "imdn"));
	ck_assert_int_eq(0, pf_int(ev, "repeats"));
	ev = pf_try_event(s->pf, "error", NULL, NULL, 1);
	if (ev)
		ck_abort_msg("%s", pf_str(ev, "text"));
}


static const struct {
	const char *optv[OPTS];
	size_t size;          /* of the largest message                   */
} shapev[] = {
	{{"-f", "interleave"}, 30000},
	{{"-f", "interleave", "-k", "300", "-w", "4"}, 30000},
	{{"-f", "shuffle"}, 30000},
	{{"-f", "shuffle", "-k", "100", "-w", "3"}, 30000},
	{{"-f", "octet"}, 3000},
	{{"-f", "octet", "-k", "50"}, 3000},
	{{"-f", "norange"}, 100000},
	{{"-f", "dup", "-w", "4"}, 30000},
	{{"-f", "abort"}, 30000},
	{{"-f", "abort", "-k", "100000", "-w", "4"}, 30000},
	{{"-k", "1"}, 3000},
	{{"-k", "7", "-w", "32"}, 30000},
	{{"-f", "octet", "-f", "interleave", "-f", "report"}, 3000},
};


/* Whatever they come like, they are there, whole and once */
START_TEST(shape)
{
	static const size_t textv[] = {1, 31, 600, 2048, 2900};
	const size_t size = shapev[_i].size;
	struct scene s;
	size_t i;

	start(&s, shapev[_i].optv, NULL);
	for (i=0; i<ARRAY_SIZE(textv); i++)
		scene_leave(&s, "from=%s size=%zu", BOB, textv[i]);
	scene_leave(&s, "from=%s id=large size=%zu", BOB, size);
	deliver(&s);
	scene_delivered(&s, (int64_t)ARRAY_SIZE(textv) + 1);

	/* in which order they were complete depends on the shape */
	for (i=1; i<=ARRAY_SIZE(textv) + 1; i++)
		text_whole(&s, (int64_t)i, (size_t)j_int(ctrl_ask(s.c,
			"cpm_message", "%zu", i), "size"));
	noticed(&s, (int64_t)ARRAY_SIZE(textv) + 1);
	scene_close(&s);
}
END_TEST


/* Every other one is aborted, which is said, and comes again. What is aborted
   is forgotten: more of them than may be open at once */
START_TEST(aborted)
{
	static const char *const optv[OPTS] = {"-f", "abort"};
	enum { MESSAGES = 140 };
	const struct pf_event *ev;
	struct scene s;
	unsigned i;

	start(&s, optv, NULL);
	for (i=1; i<=MESSAGES; i++)
		scene_leave(&s, "from=%s id=m%u size=%u", BOB, i, 50 * i);
	deliver(&s);
	for (i=2; i<=MESSAGES; i+=2) {
		const char *id = env_str(s.env, "m%u", i);

		ev = pf_event(s.pf, "aborted", E2E_SHORT);
		ck_assert_str_eq(id, pf_str(ev, "id"));
		ev = pf_event_kv(s.pf, "delivered", "id", id, E2E_SHORT);
		ck_assert_int_eq(1, pf_int(ev, "copy"));
	}
	scene_delivered(&s, MESSAGES);
	for (i=1; i<=MESSAGES; i+=23)
		text_whole(&s, i, 50 * i);
	noticed(&s, MESSAGES);
	scene_close(&s);
}
END_TEST


/* Success-Report: a REPORT for each message, however many its chunks */
START_TEST(report)
{
	static const char *const optv[OPTS] = {"-f", "report", "-k", "500"};
	const struct pf_event *ev;
	struct scene s;
	unsigned i;

	start(&s, optv, NULL);
	for (i=0; i<3; i++)
		scene_leave(&s, "from=%s id=m%u size=%u", BOB, i, i * 1500);
	deliver(&s);
	for (i=0; i<3; i++) {
		ev = pf_event_kv(s.pf, "report", "id",
				 env_str(s.env, "m%u", i), E2E_SHORT);
		ck_assert_int_eq(200, pf_int(ev, "status"));
	}
	ck_assert(!pf_try_event(s.pf, "report", NULL, NULL, 1));
	scene_delivered(&s, 3);
	noticed(&s, 3);
	scene_close(&s);
}
END_TEST


/* A range that ends behind the message: refused, kept by the PF, and not
   stored */
START_TEST(bad_range)
{
	static const char *const optv[OPTS] = {"-f", "badrange"};
	static const unsigned sizev[] = {100, 10000};
	const struct pf_event *ev;
	struct scene s;
	unsigned i;

	start(&s, optv, NULL);
	for (i=0; i<2; i++) {
		pf_cmd(s.pf, "fault badrange");
		scene_leave(&s, "from=%s size=%u", BOB, sizev[i]);
		pf_cmd(s.pf, "deliver to=%s", ALICE);
		ev = pf_event(s.pf, "ended", E2E_WAIT);
		ck_assert_str_eq("MSRP 423", pf_str(ev, "reason"));
		ck_assert_int_eq(1, pf_int(ev, "left"));
		ck_assert_int_eq(i, scene_count(&s, "messages"));

		pf_cmd(s.pf, "fault none");
		deliver(&s);
		scene_delivered(&s, i + 1);
		text_whole(&s, i + 1, sizev[i]);
	}
	noticed(&s, 2);
	scene_close(&s);
}
END_TEST


/* 200 KB in chunks of 1, 7, 2048 and 65536 octets */
START_TEST(chunks)
{
	static const unsigned chunkv[] = {1, 7, 2048, 65536};
	enum { SIZE = 200000 };
	const char *const optv[OPTS] = {"-w", "2"};
	struct scene s;
	int64_t large;

	start(&s, optv, NULL);
	pf_cmd(s.pf, "set chunk=%u", chunkv[_i]);
	scene_leave(&s, "from=%s size=%u", BOB, SIZE);
	scene_leave(&s, "from=%s size=100", BOB);
	deliver(&s);
	scene_delivered(&s, 2);
	/* the small one need not wait for the other's file */
	large = j_int(ctrl_ask(s.c, "cpm_message", "1"), "size") == SIZE
		? 1 : 2;
	text_whole(&s, large, SIZE);
	text_whole(&s, 3 - large, 100);
	noticed(&s, 2);
	scene_close(&s);
}
END_TEST


/* 300 messages, 32 on their way at once */
START_TEST(window)
{
	static const char *const optv[OPTS] = {"-w", "32"};
	enum { MESSAGES = 300 };
	const struct odict *o;
	struct scene s;
	unsigned i;

	start(&s, optv, NULL);
	for (i=0; i<MESSAGES; i++)
		scene_leave(&s, "from=%s id=m%u text=%u", BOB, i, i);
	deliver(&s);
	scene_delivered(&s, MESSAGES);
	for (i=0; i<MESSAGES; i+=100) {
		unsigned j;

		o = ctrl_ask(s.c, "cpm_messages", "{\"after\":%u,"
			     "\"limit\":100}", i);
		ck_assert_uint_eq(100, j_count(o, "messages"));
		for (j=0; j<100; j++)
			ck_assert_str_eq(env_str(s.env, "%u", i + j),
					 j_str(j_at(o, "messages", j),
					       "text"));
	}
	noticed(&s, MESSAGES);
	scene_close(&s);
}
END_TEST


static void file_is(struct scene *s, int64_t id, const char *want,
		    size_t size)
{
	const struct odict *o = ctrl_ask(s->c, "cpm_message", "%d", (int)id);
	size_t n = 0;
	char *got = file_read(j_str(o, "file"), &n);

	ck_assert_int_eq((int64_t)size, j_int(o, "size"));
	ck_assert_uint_eq(size, n);
	ck_assert(got && !memcmp(want, got, n));
	mem_deref(got);
}


START_TEST(five_megabytes)
{
	static const char *const optv[OPTS] = {"-k", "65536"};
	enum { SIZE = 5000000 };
	struct scene s;

	start(&s, optv, NULL);
	scene_leave(&s, "from=%s type=application/octet-stream size=%u", BOB,
		    SIZE);
	deliver(&s);
	scene_delivered(&s, 1);
	file_is(&s, 1, scene_text(s.env, 0, SIZE, SIZE), SIZE);
	noticed(&s, 1);
	scene_close(&s);
}
END_TEST


/* Every octet there is, and lines that look like ends of chunks */
START_TEST(binary)
{
	static const char *const optv[OPTS] = {"-k", "37", "-w", "8"};
	static const char lines[] =
		"\r\n-------$\r\n-------abcdefgh\r\n-------abcdefgh#x\r\n"
		"\n-------abcdefghijklmnop$\r\n\r\n-------\r\n\r\n\r\n----";
	enum { COPIES = 5 };
	struct scene s;
	size_t i, n = 0;
	char buf[COPIES * (256 + sizeof(lines))];
	const char *path;
	FILE *f;

	start(&s, optv, NULL);
	for (i=0; i<COPIES; i++) {
		unsigned c;

		for (c=0; c<256; c++)
			buf[n++] = (char)(c * (2 * i + 1));
		memcpy(buf + n, lines, sizeof(lines) - 1);
		n += sizeof(lines) - 1;
	}
	path = env_path(s.env, "binary");
	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(n, fwrite(buf, 1, n, f));
	fclose(f);

	scene_leave(&s, "from=%s type=application/octet-stream file=%s", BOB,
		    path);
	deliver(&s);
	pf_cmd(s.pf, "set chunk=100000");
	scene_leave(&s, "from=%s type=application/octet-stream file=%s", BOB,
		    path);
	deliver(&s);
	scene_delivered(&s, 2);
	file_is(&s, 1, buf, n);
	file_is(&s, 2, buf, n);
	noticed(&s, 2);
	scene_close(&s);
}
END_TEST


/* Over cpm_max_size, headers of CPIM counted: 413, and the PF keeps it */
START_TEST(too_large)
{
	static const char *const optv[OPTS] = {NULL};
	const struct pf_event *ev;
	struct scene s;

	start(&s, optv, "cpm_max_size 100000\n");
	scene_leave(&s, "from=%s id=m1 size=99000", CAROL);
	scene_leave(&s, "from=%s id=m2 size=100001", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event_kv(s.pf, "delivered", "id", "m1", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	ev = pf_event_kv(s.pf, "delivered", "id", "m2", E2E_WAIT);
	ck_assert_int_eq(413, pf_int(ev, "code"));
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("MSRP 413", pf_str(ev, "reason"));
	ck_assert_int_eq(1, pf_int(ev, "left"));
	ck_assert_int_eq(1, scene_count(&s, "messages"));

	/* it stays there, however often it is tried */
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("MSRP 413", pf_str(ev, "reason"));
	ck_assert_int_eq(1, pf_int(ev, "left"));
	noticed(&s, 1);
	scene_close(&s);
}
END_TEST


/* A socket to where the module listens for MSRP */
static int raw_open(uint16_t port)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&sin, sizeof(sin)))
		e2e_fail("nobody listens on %u", port);

	return fd;
}


/* What comes back: the first line; "" when the connection is closed */
static char *raw_ask(struct env *env, int fd, const char *text)
{
	char buf[1024] = "";
	struct pollfd pfd = {fd, POLLIN, 0};
	ssize_t n;

	ck_assert_int_eq((ssize_t)strlen(text),
			 send(fd, text, strlen(text), MSG_NOSIGNAL));
	if (poll(&pfd, 1, E2E_WAIT) != 1)
		e2e_fail("no answer to\n%s", text);
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	buf[n > 0 ? n : 0] = '\0';

	return env_str(env, "%.*s", (int)strcspn(buf, "\r"), buf);
}


/* Strangers at the port, who know no session of ours: 481, or nothing at all.
   A delivery goes on meanwhile */
START_TEST(strangers)
{
	static const char *const optv[OPTS] = {"-s", "active", "-f",
		"nobye"};
	struct scene s;
	uint16_t port;
	int fd;

	start(&s, optv, NULL);
	scene_leave(&s, "from=%s text=one", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	port = (uint16_t)pf_int(pf_event(s.pf, "answer", E2E_WAIT), "port");
	(void)pf_event(s.pf, "delivered", E2E_WAIT);

	fd = raw_open(port);
	ck_assert_str_eq("MSRP abcd1234 481 ", env_str(s.env, "%.18s",
		raw_ask(s.env, fd, "MSRP abcd1234 SEND\r\n"
			"To-Path: msrp://127.0.0.1:9/nobody;tcp\r\n"
			"From-Path: msrp://127.0.0.1:9/me;tcp\r\n"
			"Message-ID: 1\r\n"
			"Byte-Range: 1-2/2\r\n"
			"Content-Type: text/plain\r\n"
			"\r\n"
			"Hi\r\n"
			"-------abcd1234$\r\n")));
	close(fd);
	fd = raw_open(port);
	ck_assert_str_eq("", raw_ask(s.env, fd, "GET / HTTP/1.1\r\n\r\n"));
	close(fd);

	scene_leave(&s, "from=%s text=two", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	pf_cmd(s.pf, "bye to=%s", ALICE);
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	scene_delivered(&s, 2);
	noticed(&s, 2);
	scene_close(&s);
}
END_TEST


Suite *msrp_suite(void)
{
	Suite *suite = suite_create("msrp");
	TCase *tc = suite_case(suite, "msrp", 60);

	tcase_add_loop_test(tc, shape, 0, ARRAY_SIZE(shapev));
	tcase_add_test(tc, aborted);
	tcase_add_test(tc, report);
	tcase_add_test(tc, bad_range);
	tcase_add_loop_test(tc, chunks, 0, 4);
	tcase_add_test(tc, window);
	tcase_add_test(tc, five_megabytes);
	tcase_add_test(tc, binary);
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, strangers);
	held_cases(suite);
	large_cases(suite);

	return suite;
}
