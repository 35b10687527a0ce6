/**
 * @file test_bind.c  The MSRP connection as its other end sees it
 *
 * The test is the MSRP side of a PF itself, SIPp its SIP side. wire.md 2.5;
 * RFC 4975, 5.4.
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
#include "invite.h"


/* One MSRP connection, and what has come on it */
struct peer {
	int fd;
	uint16_t port;
	char text[2048];
	char tid[64];
	char to[256];
	char from[256];
};


static void peer_listen(struct peer *p)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);

	memset(p, 0, sizeof(*p));
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(p->fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    listen(p->fd, 1) ||
	    getsockname(p->fd, (struct sockaddr *)&sin, &len))
		e2e_fail("cannot listen");
	p->port = ntohs(sin.sin_port);
}


static bool readable(int fd, unsigned ms)
{
	struct pollfd pfd = {fd, POLLIN, 0};

	return poll(&pfd, 1, (int)ms) == 1;
}


static void peer_accept(struct peer *p)
{
	const int fd = p->fd;

	if (!readable(fd, E2E_WAIT))
		e2e_fail("nobody connects");
	p->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	close(fd);
	ck_assert_int_ge(p->fd, 0);
}


/* Read up to an end-line. @return false when it was closed instead */
static bool peer_read(struct peer *p)
{
	size_t n = 0;

	while (!strstr(p->text, "$\r\n")) {
		ssize_t r;

		if (!readable(p->fd, E2E_WAIT))
			e2e_fail("silence after: %s", p->text);
		r = recv(p->fd, p->text + n, sizeof(p->text) - n - 1, 0);
		if (r <= 0)
			return false;
		n += (size_t)r;
		p->text[n] = '\0';
	}

	return true;
}


/* The first request is a SEND that says whose connection this is, and
   nothing else */
static void peer_bound(struct peer *p)
{
	const char *path = strstr(p->text, "\r\nTo-Path: ");

	ck_assert_int_eq(1, sscanf(p->text, "MSRP %63[^ ] SEND\r\n",
				   p->tid));
	ck_assert_int_eq(2, sscanf(path, "\r\nTo-Path: %255[^\r]\r\n"
				   "From-Path: %255[^\r]\r\n", p->to,
				   p->from));
	ck_assert_ptr_nonnull(strstr(p->to, "/invite;tcp"));
	ck_assert_ptr_nonnull(strstr(p->text, "\r\nMessage-ID: "));
	ck_assert_ptr_null(strstr(p->text, "Content-Type"));
	ck_assert_ptr_null(strstr(p->text, "\r\n\r\n"));
}


static void peer_answer(struct peer *p, const char *code)
{
	char text[1024];
	const int n = snprintf(text, sizeof(text), "MSRP %s %s\r\n"
		"To-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
		p->tid, code, p->from, p->to, p->tid);

	ck_assert_int_eq(n, send(p->fd, text, (size_t)n, MSG_NOSIGNAL));
	p->text[0] = '\0';
}


static void step(struct baresip *b, const char *state)
{
	ck_assert_str_eq(state, j_str(ctrl_event(b->ctrl, "session",
						 E2E_WAIT), "state"));
}


/* A call that is set up so far that we have to answer the SEND */
static struct proc *called(struct peer *p, struct baresip *b, bool hangs_up)
{
	struct proc *sipp;

	peer_listen(p);
	sipp = invite_start(b, &(struct invite_args){
		.code = 200, .hangs_up = hangs_up,
		.body = invite_offer_at(b->env, p->port, "actpass",
					"a=sendonly")});
	peer_accept(p);
	ck_assert(peer_read(p));
	peer_bound(p);
	step(b, "accepted");

	return sipp;
}


/* BYE comes and nothing else: we close the connection */
START_TEST(bye)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	struct peer p;
	struct proc *sipp = called(&p, b, true);

	peer_answer(&p, "200 OK");
	step(b, "established");
	ck_assert(!peer_read(&p));
	close(p.fd);
	step(b, "closed");
	ck_assert_int_eq(0, proc_wait(sipp, E2E_WAIT));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* The connection is closed and no BYE comes: ours does */
START_TEST(closed)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	struct peer p;
	struct proc *sipp = called(&p, b, false);

	peer_answer(&p, "200 OK");
	step(b, "established");
	close(p.fd);
	step(b, "closed");
	ck_assert_int_eq(0, proc_wait(sipp, E2E_WAIT));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


/* The bind is refused: so is the session, with BYE */
START_TEST(refused)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	struct peer p;
	struct proc *sipp = called(&p, b, false);

	peer_answer(&p, "481 No Such Session");
	step(b, "failed");
	ck_assert(!peer_read(&p));
	close(p.fd);
	ck_assert_int_eq(0, proc_wait(sipp, E2E_WAIT));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


#define PART "Content-Type: message/cpim\r\n\r\nHi\r\n"

/* What is wrong, and what the RFC has for it; the session lives on */
static const struct {
	const char *method;
	const char *rest;     /* what follows the paths                     */
	const char *code;
} wrongv[] = {
	{"SEND", "Message-ID: 1\r\nByte-Range: 1-2/2\r\n"
		"Content-Type: text/plain\r\n\r\nHi\r\n", "415"},
	{"SEND", "Message-ID: 2\r\nByte-Range: 1-2/2\r\n" PART, "400"},
	{"SEND", "Message-ID: 3\r\nByte-Range: 1-9/2\r\n" PART, "423"},
	{"SEND", "Message-ID: 4\r\nByte-Range: 1-2/999999999999\r\n" PART,
		"413"},
	{"NONSENSE", "Message-ID: 5\r\n", "501"},
	{"SEND", "Byte-Range: 1-2/2\r\n" PART, "400"},
	{"SEND", "Message-ID: 7\r\n", "200"},
	{"SEND", "Message-ID: 8\r\nByte-Range: 1-0/0\r\n", "200"},
};


static void ask(struct peer *p, unsigned i)
{
	char text[1600];
	const int n = snprintf(text, sizeof(text), "MSRP test%u %s\r\n"
		"To-Path: %s\r\nFrom-Path: %s\r\n%s-------test%u$\r\n",
		i, wrongv[i].method, p->from, p->to, wrongv[i].rest, i);

	ck_assert_int_eq(n, send(p->fd, text, (size_t)n, MSG_NOSIGNAL));
}


START_TEST(codes)
{
	struct env *env = env_open();
	struct baresip *b = invite_alice(env, NULL);
	struct peer p;
	struct proc *sipp = called(&p, b, false);
	unsigned i;

	peer_answer(&p, "200 OK");
	step(b, "established");
	for (i=0; i<ARRAY_SIZE(wrongv); i++) {
		const char *want = env_str(env, "MSRP test%u %s", i,
					   wrongv[i].code);

		p.text[0] = '\0';
		ask(&p, i);
		ck_assert(peer_read(&p));
		ck_assert_str_eq(want, env_str(env, "%.*s",
					       (int)strlen(want), p.text));
	}
	ck_assert_int_eq(0, j_int(ctrl_ask(b->ctrl, "cpm_status", NULL),
				  "messages"));
	close(p.fd);
	step(b, "closed");
	ck_assert_int_eq(0, proc_wait(sipp, E2E_WAIT));
	ck_assert_int_eq(0, baresip_quit(b));
	env_close(env);
}
END_TEST


void bind_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "bind", 60);

	tcase_add_test(tc, bye);
	tcase_add_test(tc, closed);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, codes);
}
