/**
 * @file test_alone.c  The MSRP library without a softphone: two processes of
 * build/msrp, as in two terminals
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "alone.h"


enum {
	PART = 9000000,    /* octets of BIG, until the sender is killed     */
	MANY = 4,          /* at once                                       */
};


static const char *program(void)
{
	const char *path = getenv("CPM_MSRP");

	if (!path)
		e2e_fail("CPM_MSRP is not set");

	return path;
}


/* argv ends with NULL and has the program's name left out */
struct proc *alone_run(struct env *env, const char *name,
			const char *const *argv)
{
	const char *all[16] = {program()};
	size_t i;

	for (i=0; argv[i]; i++)
		all[i + 1] = argv[i];

	return proc_start(env, &(struct proc_args){
		.name = name, .argv = all, .input = true});
}


/* The next path that the receiver prints */
char *alone_path(struct proc *p)
{
	return env_str(p->env, "%s", proc_line(p, "^path ", E2E_WAIT) + 5);
}


/* A file of octets that nobody could guess, other ones for each seed */
char *alone_file(struct env *env, const char *name, size_t size,
		       uint64_t seed)
{
	char *path = env_path(env, "%s", name);
	uint8_t *all = mem_alloc(size, NULL);
	FILE *f = fopen(path, "wb");
	size_t i;

	ck_assert(all && f);
	for (i=0; i<size; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		all[i] = (uint8_t)(seed >> 56);
	}
	ck_assert_uint_eq(size, fwrite(all, 1, size, f));
	ck_assert_int_eq(0, fclose(f));
	mem_deref(all);

	return path;
}


void alone_same(const char *a, const char *b)
{
	size_t na, nb;
	char *fa = file_read(a, &na), *fb = file_read(b, &nb);

	ck_assert_msg(fa && fb, "no %s", fa ? b : a);
	ck_assert_uint_eq(na, nb);
	ck_assert_int_eq(0, memcmp(fa, fb, na));
	mem_deref(fa);
	mem_deref(fb);
}


/* Entries of a folder besides . and .. */
unsigned alone_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *de;
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	closedir(dir);

	return n;
}


static unsigned mode(const char *path)
{
	struct stat st;

	ck_assert_int_eq(0, lstat(path, &st));

	return st.st_mode & 0777;
}


char *alone_inbox(struct env *env)
{
	char *path = env_path(env, "inbox");

	folder_make(path);

	return path;
}


START_TEST(large_file)
{
	struct env *env = env_open();
	char *out = alone_inbox(env), *file = alone_file(env, "big", BIG, 1);
	struct proc *r = RUN(env, "recv", "recv", "--out", out), *s;
	const char *got;

	s = RUN(env, "send", "send", alone_path(r), file, "-t", "image/png");
	ck_assert_int_eq(0, proc_wait(s, E2E_WAIT));
	(void)proc_line(s, "^done$", E2E_SHORT);
	(void)proc_line(s, "^sent 20000000 of 20000000 octets, 20000000 ans",
			E2E_SHORT);
	(void)proc_line(r, "^message 20000000 octets, file ", E2E_SHORT);
	got = env_str(env, "%s/message-1.png", out);
	alone_same(file, got);
	ck_assert_uint_eq(0600, mode(got));
	ck_assert_uint_eq(1, alone_entries(out));

	/* the sender has gone: a fresh path waits */
	(void)proc_line(r, "^closed$", E2E_SHORT);
	(void)alone_path(r);
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


START_TEST(shown)
{
	struct env *env = env_open();
	struct proc *r = RUN(env, "recv", "recv", "--once"), *s;
	char *path = alone_path(r);

	/* what would steer the terminal does not reach it */
	s = RUN(env, "send", "send", path, "-", "-t", "text/plain");
	proc_put(s, "Grüße 😀 \033[2J\x07\xc2\x9b\x9b\xed\xa0\x80!");
	close(s->in);
	s->in = -1;
	ck_assert_int_eq(0, proc_wait(s, E2E_WAIT));
	(void)proc_line(r, "^message 26 octets, text/plain$", E2E_SHORT);
	(void)proc_line(r, "^text: Grüße 😀 [?]\\[2J[?]{6}!$",
			E2E_SHORT);
	ck_assert_int_eq(0, proc_wait(r, E2E_SHORT));
	env_close(env);
}
END_TEST


static void feed(struct proc *p, const char *file, size_t from, size_t n)
{
	size_t size, pos;
	char *all = file_read(file, &size);

	ck_assert(all && from + n <= size);
	for (pos=0; pos<n; ) {
		const ssize_t w = write(p->in, all + from + pos, n - pos);

		ck_assert(w > 0 || errno == EINTR);
		pos += w > 0 ? (size_t)w : 0;
	}
	mem_deref(all);
}


/* The file without its last octets is there, under the name that says so */
static char *part_name(const char *out)
{
	DIR *dir = opendir(out);
	struct dirent *de;
	char *name = NULL;

	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL) {
		if (strstr(de->d_name, ".part"))
			(void)re_sdprintf(&name, "%s/%s", out, de->d_name);
	}
	closedir(dir);

	return name;
}


/* What the receiver says about a message that did not end */
struct kept {
	char msgid[64];
	char from[32];
};


static void kept_read(struct kept *k, struct proc *r)
{
	const char *line = proc_line(r, "^kept ", E2E_WAIT);

	ck_assert_int_eq(2, sscanf(line, "kept %*u of 20000000 octets; "
				   "to go on: --msgid %63s --from %31s",
				   k->msgid, k->from));
}


/* Some octets are at the receiver when the sender dies */
static struct proc *killed(struct env *env, const char *file, char *path,
			   const char *out)
{
	struct proc *s;
	struct stat st;
	struct wait w;
	char *name;

	s = RUN(env, "send", "send", path, "-", "--size", "20000000", "-i",
		"ab.+%c=1");
	feed(s, file, 0, PART);
	name = env_str(env, "%s/61622e2b25633d31.new", out);
	wait_start(&w, E2E_WAIT, "some octets of the file");
	while (wait_more(&w)) {
		if (!stat(name, &st) && st.st_size >= PART)
			break;
	}
	proc_kill(s);

	return s;
}


START_TEST(killed_and_resumed)
{
	struct env *env = env_open();
	char *file = alone_file(env, "big", BIG, 2);
	char *out = alone_inbox(env), *part;
	struct proc *r = RUN(env, "recv", "recv", "--out", out), *s;
	struct kept k;
	struct stat st;

	(void)killed(env, file, alone_path(r), out);
	kept_read(&k, r);
	ck_assert_str_eq("ab.+%c=1", k.msgid);
	ck_assert_str_eq("9000000", k.from);
	part = part_name(out);
	ck_assert_ptr_nonnull(part);
	ck_assert_int_eq(0, stat(part, &st));
	ck_assert_int_eq(PART, st.st_size);
	ck_assert_uint_eq(0600, mode(part));
	mem_deref(part);
	ck_assert_uint_eq(1, alone_entries(out));

	s = RUN(env, "send", "send", alone_path(r), file, "--msgid", k.msgid,
		"--from", k.from, "-t", "image/png");
	ck_assert_int_eq(0, proc_wait(s, E2E_WAIT));
	(void)proc_line(r, "^goes on behind 9000000 octets$", E2E_SHORT);
	(void)proc_line(r, "^message 20000000 octets", E2E_SHORT);
	alone_same(file, env_str(env, "%s/message-1.png", out));
	ck_assert_uint_eq(1, alone_entries(out));
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


/* The receiver is stopped and started between, and the sender begins anew:
   what is there is not written twice, and the message is whole */
START_TEST(resumed_after_restart)
{
	struct env *env = env_open();
	char *out = alone_inbox(env), *file = alone_file(env, "big", BIG, 3);
	struct proc *r = RUN(env, "recv", "recv", "--out", out), *s;
	struct kept k;

	(void)killed(env, file, alone_path(r), out);
	kept_read(&k, r);
	ck_assert_int_eq(0, proc_stop(r));

	r = RUN(env, "recv", "recv", "--out", out);
	s = RUN(env, "send", "send", alone_path(r), file, "--msgid", k.msgid);
	ck_assert_int_eq(0, proc_wait(s, E2E_WAIT));
	(void)proc_line(r, "^goes on behind 9000000 octets$", E2E_SHORT);
	alone_same(file, env_str(env, "%s/message-1.bin", out));
	ck_assert_uint_eq(1, alone_entries(out));
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


/* After a crash nobody knows what of the file was written: from the start */
START_TEST(receiver_crashed)
{
	struct env *env = env_open();
	char *out = alone_inbox(env), *file = alone_file(env, "big", BIG, 4);
	struct proc *r = RUN(env, "recv", "recv", "--out", out), *s;
	char *path = alone_path(r);
	struct wait w;

	s = RUN(env, "send", "send", path, "-", "--size", "20000000", "-i",
		"abcd");
	feed(s, file, 0, PART);
	wait_start(&w, E2E_WAIT, "the beginning of a file");
	while (wait_more(&w) && !alone_entries(out))
		;
	proc_kill(r);
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	ck_assert_ptr_null(part_name(out));

	r = RUN(env, "recv", "recv", "--out", out);
	s = RUN(env, "send", "send", alone_path(r), file, "--msgid", "abcd");
	ck_assert_int_eq(0, proc_wait(s, E2E_WAIT));
	alone_same(file, env_str(env, "%s/message-1.bin", out));
	ck_assert_uint_eq(1, alone_entries(out));
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


/* Given up by the sender's user: nothing is kept */
START_TEST(aborted)
{
	struct env *env = env_open();
	char *out = alone_inbox(env), *file = alone_file(env, "big", BIG, 5);
	struct proc *r = RUN(env, "recv", "recv", "--out", out), *s;
	char *path = alone_path(r);
	struct wait w;

	s = RUN(env, "send", "send", path, "-", "--size", "20000000");
	feed(s, file, 0, PART);
	wait_start(&w, E2E_WAIT, "the beginning of a file");
	while (wait_more(&w) && !alone_entries(out))
		;
	/* its standard input ends too early */
	close(s->in);
	s->in = -1;
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	(void)proc_line(s, "^failed: ", E2E_SHORT);
	(void)proc_line(r, "^given up after 9000000 octets$", E2E_SHORT);
	(void)proc_line(r, "^closed$", E2E_SHORT);
	ck_assert_uint_eq(0, alone_entries(out));
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


START_TEST(unknown_session)
{
	struct env *env = env_open();
	char *out = alone_inbox(env), *file = alone_file(env, "small", 1000, 6);
	struct proc *r = RUN(env, "recv", "recv", "--out", out), *s;
	char *path = alone_path(r), *slash = strrchr(path, '/');

	/* another session-id, the same listener */
	slash[1] = slash[1] == '0' ? '1' : '0';
	s = RUN(env, "send", "send", path, file);
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	(void)proc_line(s, "^refused: 481$", E2E_SHORT);
	ck_assert_uint_eq(0, alone_entries(out));

	/* nobody listens */
	ck_assert_int_eq(0, proc_stop(r));
	s = RUN(env, "send", "send", path, file);
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	(void)proc_line(s, "^closed: connection refused$", E2E_SHORT);
	env_close(env);
}
END_TEST


START_TEST(several_at_once)
{
	struct env *env = env_open();
	char *out = alone_inbox(env), *filev[MANY];
	struct proc *r = RUN(env, "recv", "recv", "-o", out, "-n", "4", "-1");
	struct proc *sv[MANY];
	bool seen[MANY] = {false};
	unsigned i, k;

	for (i=0; i<MANY; i++) {
		filev[i] = alone_file(env, env_str(env, "f%u", i), 5000000 + i,
				     100 + i);
		sv[i] = RUN(env, "send", "send", alone_path(r), filev[i]);
	}
	for (i=0; i<MANY; i++)
		ck_assert_int_eq(0, proc_wait(sv[i], E2E_WAIT));
	ck_assert_int_eq(0, proc_wait(r, E2E_SHORT));

	ck_assert_uint_eq(MANY, alone_entries(out));
	for (k=1; k<=MANY; k++) {
		char *got = env_str(env, "%s/message-%u.bin", out, k);
		struct stat st;

		ck_assert_int_eq(0, stat(got, &st));
		i = (unsigned)(st.st_size - 5000000);
		ck_assert_uint_lt(i, MANY);
		ck_assert(!seen[i]);
		seen[i] = true;
		alone_same(filev[i], got);
	}
	env_close(env);
}
END_TEST


/* A peer that writes what it likes */
static void raw(const char *path, const char *msgid, const char *type,
		char *answer, size_t size)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *colon = strchr(strstr(path, "//"), ':');
	char text[2048];
	size_t n = 0;
	int len;

	sin.sin_port = htons((uint16_t)atoi(colon + 1));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(0, connect(fd, (struct sockaddr *)&sin,
				    sizeof(sin)));
	len = snprintf(text, sizeof(text), "MSRP abcd SEND\r\nTo-Path: %s\r\n"
		       "From-Path: msrp://127.0.0.1:9/x;tcp\r\n"
		       "Message-ID: %s\r\nByte-Range: 1-5/5\r\n"
		       "Content-Type: %s\r\n\r\nhello\r\n-------abcd$\r\n",
		       path, msgid, type);
	ck_assert_int_eq(len, send(fd, text, (size_t)len, MSG_NOSIGNAL));
	do {
		const ssize_t got = recv(fd, answer + n, size - 1 - n, 0);

		ck_assert_int_gt(got, 0);
		n += (size_t)got;
		answer[n] = '\0';
	} while (!strstr(answer, "-------abcd$"));
	close(fd);
}


/* What the peer says names nothing, and no link is followed */
START_TEST(names)
{
	static const struct {
		const char *msgid, *type, *name;
		unsigned scode;
	} v[] = {
		{"../../evil",     "text/plain", "message-1.txt", 200},
		{"/etc/evil",      "a/../../e",  "message-2.bin", 200},
		{".",              "image/png;x=../e", "message-1.png", 200},
		{"..",             "Text/Plain; charset=utf-8",
		 "message-2.txt", 200},
		{"%2e%2e%2fevil",  "/",          "message-3.bin", 200},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "a/b", NULL, 400},
	};
	struct env *env = env_open();
	char *out = alone_inbox(env), *linked = env_path(env, "linked");
	struct proc *r = RUN(env, "recv", "recv", "--out", out);
	char answer[1024];
	unsigned i;

	ck_assert_int_eq(0, symlink(linked, env_str(env, "%s/message-1.bin",
						    out)));
	for (i=0; i<ARRAY_SIZE(v); i++) {
		raw(alone_path(r), v[i].msgid, v[i].type, answer,
		    sizeof(answer));
		ck_assert_ptr_nonnull(strstr(answer, env_str(env,
			"MSRP abcd %u ", v[i].scode)));
		if (!v[i].name)
			continue;
		ck_assert(file_has(env_str(env, "%s/%s", out, v[i].name),
				   "hello"));
		ck_assert_uint_eq(0600, mode(env_str(env, "%s/%s", out,
						     v[i].name)));
	}
	ck_assert_uint_eq(6, alone_entries(out));
	ck_assert_int_ne(0, access(linked, F_OK));
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


/* A person takes it over from the terminal */
static char *offer_make(struct env *env)
{
	char *path = env_path(env, "offer"), *text, *end;

	text = file_read(env_path(env, "recv.log"), NULL);
	ck_assert_ptr_nonnull(text);
	end = strstr(text, "\npath ");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	file_write(path, text);
	mem_deref(text);

	return path;
}


START_TEST(description)
{
	struct env *env = env_open();
	char *out = alone_inbox(env), *file = alone_file(env, "small", 1000, 7);
	struct proc *r = RUN(env, "recv", "recv", "--out", out, "--sdp"), *s;
	char *offer;

	(void)proc_line(r, "^path ", E2E_WAIT);
	offer = offer_make(env);
	ck_assert(file_has(offer, "a=setup:passive"));
	ck_assert(file_has(offer, "a=recvonly"));
	s = RUN(env, "send", "send", "--sdp", offer, file);
	ck_assert_int_eq(0, proc_wait(s, E2E_WAIT));
	(void)proc_line(s, "^m=message 9 TCP/MSRP \\*", E2E_SHORT);
	(void)proc_line(s, "^a=setup:active", E2E_SHORT);
	(void)proc_line(s, "^a=sendonly", E2E_SHORT);
	alone_same(file, env_str(env, "%s/message-1.bin", out));
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


/* Nobody would listen */
START_TEST(description_active)
{
	struct env *env = env_open();
	char *file = alone_file(env, "small", 1000, 7);
	char *offer = env_path(env, "offer");
	struct proc *s;

	file_write(offer, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
		   "c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		   "m=message 9 TCP/MSRP *\r\na=accept-types:*\r\n"
		   "a=setup:active\r\n"
		   "a=path:msrp://127.0.0.1:9/abcdefgh;tcp\r\n");
	s = RUN(env, "send", "send", "--sdp", offer, file);
	(void)proc_line(s, "no offer of MSRP by which we can connect",
			E2E_SHORT);
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	env_close(env);
}
END_TEST


START_TEST(usage)
{
	static const struct {
		const char *argv[5];
		int status;
		const char *says;
	} v[] = {
		{{"--help"}, 0, "^  msrp recv "},
		{{"dance"}, 2, "say recv, send or show"},
		{{"send", "msrp://127.0.0.1:1/x;tcp"}, 2, "wants a path and"},
		{{"recv", "x"}, 2, "takes options only"},
		{{"recv", "-n", "0"}, 2, "-n: cannot be 0"},
		{{"recv", "-l", "nowhere"}, 2, "-l: cannot be nowhere"},
		{{"recv", "-T"}, 2, "--tls wants --peer"},
		{{"recv", "-c", "none"}, 1, "none: No such file"},
		{{"recv", "-o", "not-there"}, 1, "not-there: No such file"},
		{{"send", "http://x/", "/proc/version"}, 1,
		 "http://x/: no path"},
		{{"send", "msrp://127.0.0.1:1/x;tcp", "none"}, 1,
		 "none: No such file"},
		{{"send", "msrp://127.0.0.1:1/x;tcp", "/"}, 1, "/: no file"},
		{{"send", "-s", "/dev/null", "/dev/null"}, 1, "no file"},
	};
	struct env *env = env_open();
	struct proc *p = alone_run(env, "msrp", v[_i].argv);

	ck_assert_int_eq(v[_i].status, proc_wait(p, E2E_WAIT));
	(void)proc_line(p, v[_i].says, E2E_SHORT);
	env_close(env);
}
END_TEST


Suite *alone_suite(void)
{
	Suite *suite = suite_create("alone");
	TCase *tc = suite_case(suite, "file", 60);

	tcase_add_test(tc, large_file);
	tcase_add_test(tc, shown);
	tcase_add_test(tc, killed_and_resumed);
	tcase_add_test(tc, resumed_after_restart);
	tcase_add_test(tc, receiver_crashed);
	tcase_add_test(tc, aborted);
	tcase_add_test(tc, several_at_once);

	tc = suite_case(suite, "refuse", 60);
	tcase_add_test(tc, unknown_session);
	tcase_add_test(tc, names);
	tcase_add_test(tc, description);
	tcase_add_test(tc, description_active);
	tcase_add_loop_test(tc, usage, 0, 13);

	alone_tls_cases(suite);

	return suite;
}
