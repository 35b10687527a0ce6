/**
 * @file test_alone_tls.c  The MSRP library without a softphone, over TLS
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "alone.h"
#include "mock/cert.h"


/* A certificate of its own, and the arguments with it */
static char *cert(struct env *env, const char *name, const char *issuer)
{
	const struct cert_args args = {
		.name = name, .ip = "127.0.0.1",
		.issuer = issuer ? env_path(env, "%s.pem", issuer) : NULL,
		.ca = !strcmp(name, "ca") || !strcmp(name, "other"),
	};
	char *path = env_path(env, "%s.pem", name);

	ck_assert_int_eq(0, cert_make(path, &args));

	return path;
}


static char *print(struct env *env, const char *path)
{
	char fp[CERT_FP];

	ck_assert_int_eq(0, cert_fingerprint(fp, path, "sha-256"));

	return env_str(env, "%s", fp);
}


/* Both know the other's certificate; the third is none of them */
START_TEST(tls_fingerprints)
{
	struct env *env = env_open();
	char *a = cert(env, "a", NULL), *b = cert(env, "b", NULL);
	char *c = cert(env, "c", NULL), *out = alone_inbox(env), *path;
	char *file = alone_file(env, "big", BIG, 8);
	struct proc *r, *s;

	s = RUN(env, "show", "show", "-c", a);
	(void)proc_line(s, env_str(env, "^fingerprint %s$", print(env, a)),
			E2E_WAIT);
	r = RUN(env, "recv", "recv", "-T", "-o", out, "-c", a, "-p",
		print(env, b));
	path = alone_path(r);
	ck_assert_int_eq(0, strncmp(path, "msrps://", 8));
	s = RUN(env, "send", "send", "-c", b, "-p", print(env, c), path,
		file);
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	(void)proc_line(s, "^closed: certificate has another fingerprint$",
			E2E_SHORT);
	s = RUN(env, "send", "send", "-c", b, path, file);
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	(void)proc_line(s, "cannot send: certificate cannot be checked",
			E2E_SHORT);
	ck_assert_uint_eq(0, alone_entries(out));
	s = RUN(env, "send", "send", "-c", b, "-p", print(env, a), path,
		file);
	ck_assert_int_eq(0, proc_wait(s, E2E_WAIT));
	alone_same(file, env_str(env, "%s/message-1.bin", out));

	/* the receiver refuses whom it does not know */
	s = RUN(env, "send", "send", "-c", c, "-p", print(env, a),
		alone_path(r), file);
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	(void)proc_line(r, "^closed: certificate has another fingerprint$",
			E2E_SHORT);
	ck_assert_uint_eq(1, alone_entries(out));
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


/* The sender has a CA that vouches for the receiver's address */
START_TEST(tls_ca)
{
	struct env *env = env_open();
	char *ca = cert(env, "ca", NULL), *other = cert(env, "other", NULL);
	char *a = cert(env, "a", "ca"), *b = cert(env, "b", "ca");
	char *file = alone_file(env, "small", 1000, 9);
	char *out = alone_inbox(env);
	struct proc *r, *s;
	char *path;

	r = RUN(env, "recv", "recv", "-T", "-o", out, "-c", a, "-p",
		print(env, b));
	path = alone_path(r);
	s = RUN(env, "send", "send", "-c", b, "-a", other, path, file);
	ck_assert_int_eq(1, proc_wait(s, E2E_WAIT));
	(void)proc_line(s, "^closed: certificate is not trusted", E2E_SHORT);
	s = RUN(env, "send", "send", "-c", b, "-a", ca, path, file);
	ck_assert_int_eq(0, proc_wait(s, E2E_WAIT));
	alone_same(file, env_str(env, "%s/message-1.bin", out));
	ck_assert_int_eq(0, proc_stop(r));
	env_close(env);
}
END_TEST


void alone_tls_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "tls", 60);

	tcase_add_test(tc, tls_fingerprints);
	tcase_add_test(tc, tls_ca);
}
