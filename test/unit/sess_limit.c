/**
 * @file sess_limit.c  Sessions: what a peer may cost, and for how long
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  /* unshare() */
#endif
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "sess_unit.h"


enum {
	MANY = 40,     /* connections or sessions                           */
	FDS  = 4096,
};

static struct peer peerv[MSRP_CONN_MAX + 1];


/* A stack with these settings, and room for many descriptors */
static void stack_make(const struct msrp_conf *conf)
{
	const struct rlimit rl = {FDS, FDS};

	ck_assert_int_eq(0, setrlimit(RLIMIT_NOFILE, &rl));
	sess_stack = mem_deref(sess_stack);
	libre_close();
	ck_assert_int_eq(0, libre_init());
	ck_assert_int_eq(0, fd_setsize(FDS));
	ck_assert_int_eq(0, msrp_alloc(&sess_stack, conf));
}


static void passive(struct side *s)
{
	sess_make(s, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s->sess));
	msrp_sess_start(s->sess);
}


static struct peer *peer_n(unsigned n, const char *from)
{
	peerv[n].rx = mbuf_alloc(16);
	peer_connect_from(&peerv[n], &s1, from);

	return &peerv[n];
}


static void peers_free(void)
{
	size_t i;

	for (i=0; i<ARRAY_SIZE(peerv); i++)
		peer_free(&peerv[i]);
}


/* Connections without a session are limited */
START_TEST(test_conn_max)
{
	char from[16];
	unsigned i;

	stack_make(NULL);
	passive(&s1);
	for (i=0; i<=MSRP_CONN_MAX; i++) {
		snprintf(from, sizeof(from), "127.0.0.%u", 2 + i / 200);
		(void)peer_n(i, from);
	}
	WAIT(is_true, &peerv[MSRP_CONN_MAX].closed);
	ck_assert_uint_eq(MSRP_CONN_MAX, sess_stack->unboundc);
	ck_assert(!peerv[0].closed && !peerv[MSRP_CONN_MAX-1].closed);

	/* one that binds makes room */
	talk(&peerv[0], &s1, BIND, "200 OK");
	peer_connect(&p1, &s1);
	loop_settle(20);
	ck_assert(!p1.closed);
	ck_assert_uint_eq(MSRP_CONN_MAX, sess_stack->unboundc);
	peers_free();
}
END_TEST


/* One address has its own limit, and takes nobody's room */
START_TEST(test_conn_addr)
{
	unsigned i;

	stack_make(NULL);
	passive(&s1);
	for (i=0; i<=MSRP_CONN_ADDR_MAX; i++)
		(void)peer_n(i, "127.0.0.2");
	WAIT(is_true, &peerv[MSRP_CONN_ADDR_MAX].closed);
	ck_assert_uint_eq(MSRP_CONN_ADDR_MAX, sess_stack->unboundc);

	peer_connect_from(&p1, &s1, "127.0.0.3");
	talk(&p1, &s1, BIND, "200 OK");

	/* one that goes makes room */
	peer_free(&peerv[7]);
	loop_settle(20);
	(void)peer_n(7, "127.0.0.2");
	loop_settle(20);
	ck_assert(!peerv[7].closed);
	ck_assert_uint_eq(MSRP_CONN_ADDR_MAX, sess_stack->unboundc);
	peers_free();
	loop_settle(20);
	ck_assert_uint_eq(0, sess_stack->unboundc);
}
END_TEST


/* Octet by octet, as long as it lasts; @return ms */
static uint64_t drip(struct peer *peer, unsigned gap)
{
	static const char text[] = "MSRP drip0001 SEND\r\nTo-Path: msrp://";
	const uint64_t t0 = tmr_jiffies();
	unsigned i;

	for (i=0; !peer->closed && i<500; i++) {
		peer_write(peer, i < sizeof(text) - 1 ? &text[i] : "x", 1);
		loop_settle(gap);
	}
	ck_assert(peer->closed);

	return tmr_jiffies() - t0;
}


/* A head that never ends has its time, bound or not */
START_TEST(test_head_drip)
{
	const struct msrp_conf conf = {.head_timeout = 300};
	uint64_t ms;

	stack_make(&conf);
	passive(&s1);
	peer_connect(&p1, &s1);
	if (_i)
		talk(&p1, &s1, BIND, "200 OK");
	ms = drip(&p1, 10);
	ck_assert_uint_ge(ms, 290);
	ck_assert_uint_lt(ms, 2000);
	ck_assert_uint_eq(_i ? 1 : 0, s1.closec);
	ck_assert_int_eq(_i ? ETIME : 0, s1.close_err);
	ck_assert_uint_eq(0, sess_stack->buffered);
}
END_TEST


/* One that is whole in time does not count for the next */
START_TEST(test_head_slow)
{
	const struct msrp_conf conf = {.head_timeout = 300};
	unsigned i;
	char *str;

	stack_make(&conf);
	passive(&s1);
	peer_connect(&p1, &s1);
	for (i=0; i<6; i++) {
		str = req(&s1, "tid00001", "SEND", HELLO);
		peer_write(&p1, str, 30);
		loop_settle(100);
		peer_puts(&p1, str + 30);
		mem_deref(str);
		expect_n(&p1, " 200 OK\r\n", i + 1);
	}
	loop_settle(400);
	ck_assert_uint_eq(0, s1.closec);
	ck_assert_uint_eq(6, s1.donec);
}
END_TEST


static size_t body_begin(struct peer *peer, const struct side *s)
{
	char *str = req(s, "tid00001", "SEND", "Message-ID: m1\r\n"
			"Byte-Range: 1-100/100\r\nContent-Type: a/b\r\n\r\n"
			"0123456789");
	const char *body = strstr(str, "0123456789");
	const size_t n = (size_t)(body - str) + 10;

	peer_write(peer, str, n);
	mem_deref(str);

	return n;
}


/* A body that stands still ends the session; one that moves does not */
START_TEST(test_stall)
{
	const struct msrp_conf conf = {.stall_timeout = 300};
	unsigned i;

	stack_make(&conf);
	passive(&s1);
	peer_connect(&p1, &s1);
	(void)body_begin(&p1, &s1);
	for (i=0; i<10; i++) {
		loop_settle(60);
		peer_puts(&p1, "x");
	}
	ck_assert_uint_eq(0, s1.closec);
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ETIME, s1.close_err);
	ck_assert_uint_eq(20, s1.octets);
	WAIT(is_true, &p1.closed);
}
END_TEST


/* Not while it is us who do not read; then it has its time anew */
START_TEST(test_stall_pause)
{
	const struct msrp_conf conf = {.stall_timeout = 200};

	stack_make(&conf);
	s1.pause_at = _i ? 0 : 1;
	passive(&s1);
	peer_connect(&p1, &s1);
	(void)body_begin(&p1, &s1);
	loop_settle(50);
	/* in a handler, or some time after */
	msrp_sess_pause(s1.sess, true);
	loop_settle(600);
	ck_assert_uint_eq(0, s1.closec);
	ck_assert_uint_eq(10, s1.octets);

	s1.pause_at = 0;
	msrp_sess_pause(s1.sess, false);
	loop_settle(100);
	ck_assert_uint_eq(0, s1.closec);
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ETIME, s1.close_err);
}
END_TEST


/* On a shared connection nobody can go on behind it */
START_TEST(test_stall_shared)
{
	const struct msrp_conf conf = {.stall_timeout = 200};

	stack_make(&conf);
	passive(&s1);
	passive(&s2);
	peer_connect(&p1, &s1);
	talk(&p1, &s1, BIND, "200 OK");
	talk(&p1, &s2, BIND, "200 OK");
	loop_settle(400);
	ck_assert_uint_eq(0, s1.closec + s2.closec);
	(void)body_begin(&p1, &s1);
	WAIT(is_set, &s2.closec);
	ck_assert_uint_eq(1, s1.closec);
	ck_assert_int_eq(ETIME, s1.close_err);
	ck_assert_int_eq(ETIME, s2.close_err);
}
END_TEST


/* Several sessions on a connection: one that waits for its application holds
   up those behind it, and all go on */
START_TEST(test_shared_pause)
{
	passive(&s1);
	passive(&s2);
	peer_connect(&p1, &s1);
	talk(&p1, &s1, BIND, "200 OK");
	talk(&p1, &s2, BIND, "200 OK");
	msrp_sess_pause(s1.sess, true);
	put(&p1, &s2, "tid00002", "SEND", HELLO);
	loop_settle(50);
	ck_assert_uint_eq(0, s2.donec);
	msrp_sess_pause(s2.sess, true);
	msrp_sess_pause(s1.sess, false);
	loop_settle(50);
	ck_assert_uint_eq(0, s2.donec);
	msrp_sess_pause(s2.sess, false);
	expect(&p1, "MSRP tid00002 200 OK\r\n");

	/* it takes its pause along when it leaves */
	msrp_sess_pause(s1.sess, true);
	msrp_sess_close(s1.sess);
	put(&p1, &s2, "tid00003", "SEND", HELLO);
	expect(&p1, "MSRP tid00003 200 OK\r\n");
}
END_TEST


/* Many sessions, one listener: each request finds its own */
START_TEST(test_shared_listener)
{
	struct side *v = calloc(MANY, sizeof(*v));
	unsigned i;

	for (i=0; i<MANY; i++) {
		v[i].scode = 200;
		passive(&v[i]);
		ck_assert_uint_eq(msrp_sess_lport(v[0].sess),
				  msrp_sess_lport(v[i].sess));
	}
	for (i=MANY; i-- > 0; ) {
		peerv[i].rx = mbuf_alloc(16);
		peer_connect(&peerv[i], &v[i]);
		talk(&peerv[i], &v[i], HELLO, "200 OK");
	}
	/* a second connection for one that has its own, and no session */
	peer_connect(&p1, &v[0]);
	talk(&p1, &v[3], HELLO, "506 Session In Use");
	msrp_sess_close(v[3].sess);
	talk(&p1, &v[3], HELLO, "481 No Such Session");
	for (i=0; i<MANY; i++) {
		ck_assert_uint_eq(1, v[i].donec);
		side_free(&v[i]);
	}
	peers_free();
	free(v);
}
END_TEST


/* What connections keep undecoded is bounded together: first they are not
   read, and nothing is lost */
START_TEST(test_buffer_pause)
{
	enum { SIZE = 60000 };
	const struct msrp_conf conf = {.buffer_max = 4 * SIZE};
	char *hdrs, *body = calloc(1, SIZE + 1);
	unsigned i;

	memset(body, 'x', SIZE);
	stack_make(&conf);
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	for (i=0; i<MANY; i++) {
		(void)peer_n(i, "127.0.0.2");
		ck_assert_int_eq(0, re_sdprintf(&hdrs, "Message-ID: m%u\r\n"
			"Byte-Range: 1-%u/%u\r\nContent-Type: a/b\r\n\r\n"
			"%s\r\n", i, SIZE, SIZE, body));
		put(&peerv[i], &s1, "tid00001", "SEND", hdrs);
		mem_deref(hdrs);
		loop_settle(5);
		if (i == 2)
			ck_assert_uint_gt(sess_stack->buffered, 2 * SIZE);
	}
	loop_settle(50);
	/* one read each at most is over the half */
	ck_assert_uint_le(sess_stack->buffered, conf.buffer_max);

	/* now they are: nothing was lost */
	msrp_sess_start(s1.sess);
	expect(&peerv[0], "MSRP tid00001 200 OK\r\n");
	ck_assert_uint_eq(SIZE, s1.octets);
	ck_assert(!s1.bad);
	for (i=1; i<MANY; i++)
		expect(&peerv[i], "MSRP tid00001 506 Session In Use\r\n");
	free(body);
	peers_free();
	loop_settle(50);
	ck_assert_uint_eq(0, sess_stack->buffered);
}
END_TEST


/* Then the one that brings more ends */
START_TEST(test_buffer_end)
{
	const struct msrp_conf conf = {.buffer_max = 100000};
	char *head = calloc(1, MSRP_HEAD_MAX);
	unsigned i, closed = 0;

	stack_make(&conf);
	passive(&s1);
	peer_connect(&p1, &s1);
	talk(&p1, &s1, BIND, "200 OK");
	memset(head, 'x', MSRP_HEAD_MAX);
	memcpy(head, "MSRP tid00001 SEND\r\n", 20);
	for (i=0; i<MANY; i++) {
		peer_write(peer_n(i, "127.0.0.2"), head, 16000);
		loop_settle(5);
	}
	loop_settle(50);
	for (i=0; i<MANY; i++)
		closed += peerv[i].closed;
	ck_assert_uint_eq(MANY - 6, closed);
	ck_assert_uint_le(sess_stack->buffered, conf.buffer_max);

	/* who keeps nothing goes on */
	talk(&p1, &s1, HELLO, "200 OK");
	ck_assert_uint_eq(0, s1.closec);
	free(head);
	peers_free();
}
END_TEST


/* Too many headers: refused. Too long a head: nothing behind it is looked
   for */
START_TEST(test_head_max)
{
	struct mbuf *mb = mbuf_alloc(1024);
	unsigned i;
	char *str;

	passive(&s1);
	peer_connect(&p1, &s1);
	talk(&p1, &s1, BIND, "200 OK");
	if (_i) {
		for (i=0; i<MSRP_HDR_MAX; i++)
			ck_assert_int_eq(0, mbuf_printf(mb, "X-%u: y\r\n",
							i));
	}
	else {
		ck_assert_int_eq(0, mbuf_write_str(mb, "X: "));
		ck_assert_int_eq(0, mbuf_fill(mb, 'y', MSRP_HEAD_MAX));
		ck_assert_int_eq(0, mbuf_write_str(mb, "\r\n"));
	}
	ck_assert_int_eq(0, mbuf_write_str(mb, HELLO));
	mb->pos = 0;
	ck_assert_int_eq(0, mbuf_strdup(mb, &str, mb->end));
	if (_i) {
		talk(&p1, &s1, str, "400 Bad Request");
		talk(&p1, &s1, HELLO, "200 OK");
	}
	else {
		put(&p1, &s1, "tid00001", "SEND", str);
		WAIT(is_set, &s1.closec);
		ck_assert_int_eq(EOVERFLOW, s1.close_err);
	}
	ck_assert_uint_eq(_i, s1.openc);
	mem_deref(str);
	mem_deref(mb);
}
END_TEST


/* Idle ones end in the order of their last traffic, each in its time */
START_TEST(test_idle_many)
{
	sess_restack(0, 300, 0);
	passive(&s1);
	passive(&s2);
	peer_connect(&p1, &s1);
	peer_connect(&p2, &s2);
	talk(&p1, &s1, BIND, "200 OK");
	talk(&p2, &s2, BIND, "200 OK");
	loop_settle(200);
	talk(&p1, &s1, HELLO, "200 OK");
	WAIT(is_set, &s2.closec);
	ck_assert_uint_eq(0, s1.closec);
	ck_assert_int_eq(ETIMEDOUT, s2.close_err);
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ETIMEDOUT, s1.close_err);
}
END_TEST


/* A connection that never comes about */
START_TEST(test_connect_never)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int lfd, fdv[3], i;
	struct sa sa;

	sess_restack(200, 0, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	lfd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(0, bind(lfd, (struct sockaddr *)&sin, len));
	ck_assert_int_eq(0, listen(lfd, 0));
	ck_assert_int_eq(0, getsockname(lfd, (struct sockaddr *)&sin, &len));
	/* nobody accepts: further SYNs get no answer */
	for (i=0; i<3; i++) {
		fdv[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fdv[i], (struct sockaddr *)&sin, len);
	}
	ck_assert_int_eq(0, sa_set_str(&sa, "127.0.0.1",
				       ntohs(sin.sin_port)));
	sess_make(&s1, "127.0.0.1");
	ck_assert_int_eq(0, msrp_sess_connect(s1.sess, &sa));
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(ETIMEDOUT, s1.close_err);
	ck_assert_uint_eq(0, s1.estabc);
	for (i=0; i<3; i++)
		(void)close(fdv[i]);
	(void)close(lfd);
}
END_TEST


static void lo_set(bool up)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(0, ioctl(fd, SIOCGIFFLAGS, &ifr));
	if (up)
		ifr.ifr_flags |= IFF_UP;
	else
		ifr.ifr_flags = (short)(ifr.ifr_flags & ~IFF_UP);
	ck_assert_int_eq(0, ioctl(fd, SIOCSIFFLAGS, &ifr));
	(void)close(fd);
}


/* A peer whose host is gone says no word: TCP asks */
START_TEST(test_dead)
{
	const struct msrp_conf conf = {.dead_timeout = 2000};
	uint64_t t0;

	/* a network of our own, whose cable can be pulled */
	ck_assert_msg(!unshare(CLONE_NEWNET) ||
		      !unshare(CLONE_NEWUSER | CLONE_NEWNET),
		      "no network namespace: run it as root");
	lo_set(true);
	stack_make(&conf);
	passive(&s1);
	peer_connect(&p1, &s1);
	talk(&p1, &s1, BIND, "200 OK");
	/* silence alone is no reason */
	loop_settle(4000);
	ck_assert_uint_eq(0, s1.closec);
	t0 = tmr_jiffies();
	lo_set(false);
	WAIT(is_set, &s1.closec);
	ck_assert_int_ne(0, s1.close_err);
	ck_assert_uint_lt(tmr_jiffies() - t0, 10000);
}
END_TEST


void sess_limit_tests(TCase *tc)
{
	tcase_add_test(tc, test_conn_max);
	tcase_add_test(tc, test_conn_addr);
	tcase_add_loop_test(tc, test_head_drip, 0, 2);
	tcase_add_test(tc, test_head_slow);
	tcase_add_test(tc, test_stall);
	tcase_add_loop_test(tc, test_stall_pause, 0, 2);
	tcase_add_test(tc, test_stall_shared);
	tcase_add_test(tc, test_shared_pause);
	tcase_add_test(tc, test_shared_listener);
	tcase_add_test(tc, test_buffer_pause);
	tcase_add_test(tc, test_buffer_end);
	tcase_add_loop_test(tc, test_head_max, 0, 2);
	tcase_add_test(tc, test_idle_many);
	tcase_add_test(tc, test_connect_never);
	tcase_add_test(tc, test_dead);
}
