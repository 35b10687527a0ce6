/**
 * @file sess_tls_unit.c  What the tests of sessions over TLS share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include "sess_tls_unit.h"


static char folder[256];


void tls_setup(void)
{
	unit_mkdir(folder, sizeof(folder));
}


void tls_teardown(void)
{
	unit_rmdir(folder);
}


const char *tls_path(const char *name)
{
	static char path[8][512];
	static unsigned n;
	char *p = path[n++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);

	return p;
}


const char *tls_cert(const char *name, const struct cert_args *args)
{
	static const struct cert_args usual = {.name = PEER_NAME};
	const char *path = tls_path(name);

	ck_assert_int_eq(0, cert_make(path, args ? args : &usual));

	return path;
}


void tls_stack(const char *ca)
{
	sess_stack = mem_deref(sess_stack);
	sess_conf.tls = mem_deref(sess_conf.tls);
	ck_assert_int_eq(0, msrp_tls_alloc(&sess_conf.tls, NULL));
	if (ca)
		ck_assert_int_eq(0, tls_add_ca(sess_conf.tls, ca));
	sess_conf.tls_verify = ca != NULL;
	ck_assert_int_eq(0, msrp_alloc(&sess_stack, &sess_conf));
	s1.tls = s2.tls = true;
}


struct tls *tls_peer(const char *path)
{
	struct tls *tls = NULL;

	ck_assert_int_eq(0, tls_alloc(&tls, TLS_METHOD_SSLV23, path, NULL));
	tls_set_verify_client(tls);

	return tls;
}


int tls_begin(bool passive, const char *addr, const char *fp)
{
	struct sa sa;

	sess_make(&s1, addr);
	if (fp)
		ck_assert_int_eq(0, msrp_sess_set_fingerprint(s1.sess, fp));

	if (!passive) {
		peer_listen(&p1, &sa, addr);
		return msrp_sess_connect(s1.sess, &sa);
	}

	ck_assert_int_eq(0, msrp_sess_listen(s1.sess));
	msrp_sess_start(s1.sess);
	peer_connect(&p1, &s1);
	put(&p1, &s1, "tid00000", "SEND", BIND);

	return 0;
}


void tls_refused(bool passive, int err)
{
	WAIT(is_set, &s1.closec);
	ck_assert_int_eq(err, s1.close_err);
	WAIT(is_true, &p1.closed);
	loop_settle(20);
	ck_assert_uint_eq(1, s1.closec);
	ck_assert_uint_eq(0, s1.estabc);
	ck_assert_uint_eq(0, s1.openc);
	ck_assert_uint_eq(passive, count(&p1, "MSRP tid00000 481 "));
	ck_assert_uint_eq(0, count(&p1, " SEND\r\n"));
	ck_assert_uint_eq(0, sess_stack->unboundc);
}


void tls_works(bool passive)
{
	char *str = resp(&s1, "tid00000", "200 OK");

	if (passive) {
		expect_all(&p1, str);
	}
	else {
		expect(&p1, "$\r\n");
		ck_assert_uint_eq(1, count(&p1, " SEND\r\n"));
		mbuf_rewind(p1.rx);
	}
	talk(&p1, &s1, HELLO, "200 OK");
	ck_assert_uint_eq(1, s1.estabc);
	ck_assert_uint_eq(1, s1.donec);
	ck_assert_uint_eq(5, s1.body->end);
	ck_assert_uint_eq(0, s1.closec);
	mem_deref(str);
}
