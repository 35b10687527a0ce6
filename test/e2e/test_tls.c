/**
 * @file test_tls.c  MSRP over TLS
 *
 * RFC 4975, 14.4; RFC 8122. In loops: 0 we connect, 1 the PF does.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <unistd.h>
#include "suite.h"
#include "scene.h"
#include "mock/cert.h"


#define PF_NAME "pf." DOMAIN

static const char *const setupv[] = {"actpass", "active"};


/* Alice, and a PF with TLS; nothing is delivered by itself */
static void start(struct scene *s, const char *way,
		  const char *const *optv, const char *config)
{
	struct scene_args args = {.config = config,
		.optv = {"-T", "-s", way}};
	size_t i;

	for (i=0; optv && optv[i]; i++)
		args.optv[3 + i] = optv[i];
	if (!s->env)
		scene_open(s, &args);
	scene_start(s);
	pf_cmd(s->pf, "auto off");
}


static void deliver(struct scene *s)
{
	const struct pf_event *ev;

	pf_cmd(s->pf, "deliver to=%s", ALICE);
	ev = pf_event(s->pf, "answer", E2E_WAIT);
	ck_assert_int_eq(200, pf_int(ev, "code"));
	ck_assert_int_eq(1, pf_int(ev, "tls"));
	ev = pf_event(s->pf, "ended", 3 * E2E_WAIT);
	ck_assert_str_eq("pf", pf_str(ev, "by"));
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	ck_assert_int_eq(0, pf_int(ev, "left"));
}


static void no_complaint(struct scene *s)
{
	const struct pf_event *ev = pf_try_event(s->pf, "error", NULL, NULL,
						 1);

	if (ev)
		ck_abort_msg("%s", pf_str(ev, "text"));
}


/* The leg fails for that reason; the PF keeps what it has, and none of it is
   in our log */
static void failed(struct scene *s, const char *reason)
{
	const struct odict *o;

	scene_leave(s, "from=%s text=Between us", BOB);
	pf_cmd(s->pf, "deliver to=%s", ALICE);
	(void)pf_event(s->pf, "ended", 3 * E2E_WAIT);
	o = ctrl_event(s->c, "session", E2E_WAIT);
	ck_assert_str_eq("accepted", j_str(o, "state"));
	ck_assert(!j_has(o, "reason"));
	o = ctrl_event(s->c, "session", E2E_WAIT);
	ck_assert_str_eq("failed", j_str(o, "state"));
	ck_assert_str_eq(reason, j_str(o, "reason"));
	ck_assert(file_has(s->b->proc->log, env_str(s->env,
		"cpm: session %d: MSRP: %s\n", (int)j_int(o, "session"),
		reason)));
	ck_assert(!file_has(s->b->proc->log, "Between us"));
	ck_assert_int_eq(0, scene_count(s, "messages"));
	ck_assert_int_eq(0, scene_count(s, "sessions"));
	ck_assert_int_eq(1, pf_int(pf_ask(s->pf, "pending to=%s", ALICE),
				   "count"));
}


static void mended(struct scene *s)
{
	(void)pf_try_event(s->pf, "error", NULL, NULL, 1);
	pf_cmd(s->pf, "fault none");
	(void)pf_try_event(s->pf, "answer", NULL, NULL, 1);
	deliver(s);
	scene_delivered(s, 1);
	no_complaint(s);
}


/* One message goes the whole way */
START_TEST(setup)
{
	static const char *const v[][2] = {
		{"actpass", "active"}, {"passive", "active"},
		{"none", "active"}, {"active", "passive"},
	};
	const struct pf_event *ev;
	struct scene s = {.env = NULL};

	start(&s, v[_i][0], NULL, NULL);
	pf_cmd(s.pf, "fault nobye");
	scene_leave(&s, "from=%s text=Hello", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event(s.pf, "answer", E2E_WAIT);
	ck_assert_str_eq(v[_i][1], pf_str(ev, "setup"));
	ck_assert_int_eq(1, pf_int(ev, "tls"));
	ck_assert_int_eq(0, strncmp("sha-256 ", pf_str(ev, "fp"), 8));
	(void)pf_event(s.pf, "delivered", E2E_WAIT);
	ck_assert_str_eq("tls", j_str(ctrl_ask(s.c, "cpm_sessions", NULL),
				      "sessions.0.transport"));
	ck_assert_str_eq("Hello", j_str(ctrl_ask(s.c, "cpm_messages", NULL),
					"messages.0.text"));

	/* the same again changes nothing */
	pf_cmd(s.pf, "reinvite to=%s", ALICE);
	ev = pf_event(s.pf, "answer", E2E_WAIT);
	ck_assert_str_eq("yes", pf_str(ev, "same"));
	pf_cmd(s.pf, "update to=%s", ALICE);
	ev = pf_event(s.pf, "answer", E2E_WAIT);
	ck_assert_str_eq("yes", pf_str(ev, "same"));
	pf_cmd(s.pf, "bye to=%s", ALICE);
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	scene_delivered(&s, 1);
	(void)scene_notified(&s, 1);
	no_complaint(&s);
	scene_close(&s);
}
END_TEST


static const struct {
	const char *fault;
	const char *reason;   /* NULL: it works                           */
} faultv[] = {
	{"badfp", "certificate has another fingerprint"},
	{"nofp", "certificate cannot be checked: no fingerprint, no CA file"},
	{"sha1", NULL},
	{"tls1.2", NULL},
	{"tls1.3", NULL},
};


START_TEST(fault)
{
	const char *reason = faultv[_i >> 1].reason;
	struct scene s = {.env = NULL};

	start(&s, setupv[_i & 1], NULL, NULL);
	pf_cmd(s.pf, "fault %s", faultv[_i >> 1].fault);
	if (reason) {
		failed(&s, reason);
		mended(&s);
	}
	else {
		scene_leave(&s, "from=%s text=1", BOB);
		deliver(&s);
		scene_delivered(&s, 1);
		no_complaint(&s);
	}
	scene_close(&s);
}
END_TEST


/* SHA-1 must match as well */
START_TEST(sha1_wrong)
{
	struct scene s = {.env = NULL};

	start(&s, setupv[_i], NULL, NULL);
	pf_cmd(s.pf, "fault sha1");
	pf_cmd(s.pf, "fault badfp");
	failed(&s, "certificate has another fingerprint");
	mended(&s);
	scene_close(&s);
}
END_TEST


/* TLS 1.1, and none at all: the handshake fails. If the PF connects it is its
   connection that is refused, and it gives up */
START_TEST(no_handshake)
{
	static const char *const v[] = {"tls1.1", "notls"};
	struct scene s = {.env = NULL};

	start(&s, setupv[_i & 1], NULL, NULL);
	pf_cmd(s.pf, "fault %s", v[_i >> 1]);
	if (!(_i & 1)) {
		failed(&s, "refused by the peer, or TLS failed");
		mended(&s);
		scene_close(&s);
		return;
	}

	scene_leave(&s, "from=%s text=1", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	(void)pf_event(s.pf, "ended", 3 * E2E_WAIT);
	ck_assert_int_eq(1, pf_int(pf_ask(s.pf, "pending to=%s", ALICE),
				   "count"));
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	mended(&s);
	scene_close(&s);
}
END_TEST


/* m= and path that do not agree: 488 */
START_TEST(mixed)
{
	struct scene_args args = {.optv = {"-f", "mixed", _i ? "-T" : NULL}};
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &args);
	scene_start(&s);
	pf_cmd(s.pf, "leave from=%s to=%s text=1", BOB, ALICE);
	ev = pf_event(s.pf, "answer", E2E_WAIT);
	ck_assert_int_eq(488, pf_int(ev, "code"));
	scene_close(&s);
}
END_TEST


static const struct {
	const char *mode;
	bool tls;
	int code;
} modev[] = {
	{"auto", true, 200}, {"auto", false, 200},
	{"tcp",  true, 200}, {"tcp",  false, 200},
	{"tls",  true, 200}, {"tls",  false, 488},
};


START_TEST(mode)
{
	struct scene_args args = {.optv = {modev[_i].tls ? "-T" : NULL}};
	const struct pf_event *ev;
	struct scene s;

	scene_open(&s, &args);
	s.args.config = env_str(s.env, "cpm_msrp %s\n", modev[_i].mode);
	scene_start(&s);
	pf_cmd(s.pf, "leave from=%s to=%s text=1", BOB, ALICE);
	ev = pf_event(s.pf, "answer", E2E_WAIT);
	ck_assert_int_eq(modev[_i].code, pf_int(ev, "code"));
	if (modev[_i].code == 200) {
		ck_assert_int_eq(modev[_i].tls, pf_int(ev, "tls"));
		scene_delivered(&s, 1);
	}
	scene_close(&s);
}
END_TEST


/*
 * Certificates of a CA, for a PF that tells no fingerprint
 */

static void cert(struct scene *s, const char *name, const char *host,
		 int days, const char *issuer)
{
	const struct cert_args args = {
		.name = host, .days = days, .ca = !strcmp(host, "Test"),
		.issuer = issuer ? env_path(s->env, "%s", issuer) : NULL,
	};

	if (cert_make(env_path(s->env, "%s", name), &args))
		e2e_fail("no certificate %s", name);
}


static void ca_start(struct scene *s, const char *way, const char *host,
		     int days, const char *issuer)
{
	const char *argv[] = {"-D", DOMAIN, "-l", "127.0.0.1:0", "-u",
		"alice:secret", "-T", "-s", way, "-H", PF_NAME, "-f", "nofp",
		"-C", NULL, NULL};

	memset(s, 0, sizeof(*s));
	s->env = env_open();
	cert(s, "ca.pem", "Test", 0, NULL);
	cert(s, "other.pem", "Test", 0, NULL);
	cert(s, "pf.pem", host, days, issuer);
	argv[14] = env_path(s->env, "pf.pem");
	s->pf = pf_start(s->env, argv);
	s->args.config = env_str(s->env, "cpm_tls_cafile %s\n",
				 env_path(s->env, "ca.pem"));
	start(s, way, NULL, s->args.config);
}


static const struct {
	const char *host;
	int days;
	const char *issuer;
	bool good;
} certv[] = {
	{PF_NAME, 0, "ca.pem", true},
	{"other." DOMAIN, 0, "ca.pem", false},
	{PF_NAME, -1, "ca.pem", false},
	{PF_NAME, 0, "other.pem", false},
	{PF_NAME, 0, NULL, false},
};


START_TEST(ca)
{
	struct scene s;

	ca_start(&s, setupv[_i & 1], certv[_i >> 1].host,
		 certv[_i >> 1].days, certv[_i >> 1].issuer);
	if (certv[_i >> 1].good) {
		scene_leave(&s, "from=%s text=1", BOB);
		deliver(&s);
		scene_delivered(&s, 1);
		no_complaint(&s);
	}
	else {
		failed(&s, "certificate is not trusted, or of another host");
		/* a fingerprint makes it good */
		mended(&s);
	}
	scene_close(&s);
}
END_TEST


/* Whatever the CA says, the fingerprint must match */
START_TEST(ca_fingerprint)
{
	struct scene s;

	ca_start(&s, setupv[_i], PF_NAME, 0, "ca.pem");
	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "fault badfp");
	failed(&s, "certificate has another fingerprint");
	mended(&s);
	scene_close(&s);
}
END_TEST


/* Our certificate from a file is the one in our SDP, and the PF checks that we
   show it */
START_TEST(own_cert)
{
	const struct pf_event *ev;
	char want[CERT_FP];
	struct scene s;
	const struct scene_args args = {.optv = {"-T", "-s", setupv[_i]}};

	scene_open(&s, &args);
	cert(&s, "ca.pem", "Test", 0, NULL);
	cert(&s, "own.pem", "alice." DOMAIN, 0, "ca.pem");
	ck_assert_int_eq(0, cert_fingerprint(want, env_path(s.env, "own.pem"),
					     "sha-256"));
	s.args.config = env_str(s.env, "cpm_tls_cert %s\n",
				env_path(s.env, "own.pem"));
	start(&s, setupv[_i], NULL, s.args.config);
	scene_leave(&s, "from=%s text=1", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event(s.pf, "answer", E2E_WAIT);
	ck_assert_str_eq(want, pf_str(ev, "fp"));
	scene_delivered(&s, 1);
	no_complaint(&s);
	scene_close(&s);
}
END_TEST


/* Next to the port that is configured, as SIP has it; plain MSRP keeps that */
START_TEST(listen_port)
{
	const struct scene_args args = {.optv = {"-s", "active",
		_i ? "-T" : NULL}};
	const struct pf_event *ev;
	struct scene s;
	uint16_t port;

	scene_open(&s, &args);
	port = port_get(s.env, 2);
	s.args.config = env_str(s.env, "cpm_listen 127.0.0.1:%u\n", port);
	scene_leave(&s, "from=%s text=1", BOB);
	scene_start(&s);
	ev = pf_event(s.pf, "answer", E2E_WAIT);
	ck_assert_int_eq(port + _i, pf_int(ev, "port"));
	scene_delivered(&s, 1);
	scene_close(&s);
}
END_TEST


/*
 * Messages
 */

static const struct {
	const char *optv[5];  /* NULL ends them                           */
	unsigned count;
	unsigned size;
} shapev[] = {
	{{"-w", "32"}, 300, 400},
	{{"-f", "interleave"}, 6, 30000},
	{{"-f", "octet"}, 4, 1000},
	{{"-k", "100000", "-w", "4"}, 3, 3000000},
};


START_TEST(shape)
{
	const unsigned size = shapev[_i >> 1].size;
	struct scene s = {.env = NULL};
	unsigned i;

	start(&s, setupv[_i & 1], shapev[_i >> 1].optv, NULL);
	for (i=0; i<shapev[_i >> 1].count; i++)
		scene_leave(&s, "from=%s id=m%u size=%u", BOB, i, size);
	deliver(&s);
	scene_delivered(&s, (int64_t)shapev[_i >> 1].count);
	for (i=1; i<=shapev[_i >> 1].count; i+=50) {
		const struct odict *o = ctrl_ask(s.c, "cpm_message",
			"{\"id\":%u,\"offset\":0,\"length\":300}", i);
		const char *text = j_str(o, "text");

		ck_assert_int_eq(size, j_int(o, "size"));
		ck_assert_mem_eq(text, scene_text(s.env, 0, size, size),
				 strlen(text));
	}
	ck_assert_int_eq(0, scene_notified(&s,
					   (int64_t)shapev[_i >> 1].count));
	no_complaint(&s);
	scene_close(&s);
}
END_TEST


static void file_is(struct scene *s, const char *want, size_t size)
{
	const struct odict *o = ctrl_ask(s->c, "cpm_message", "1");
	size_t n = 0;
	char *got = file_read(j_str(o, "file"), &n);

	ck_assert_uint_eq(size, n);
	ck_assert(got && !memcmp(want, got, n));
	mem_deref(got);
}


START_TEST(twenty_megabytes)
{
	static const char *const optv[] = {"-k", "65536", NULL};
	enum { SIZE = 20000000 };
	struct scene s = {.env = NULL};

	start(&s, setupv[_i], optv, NULL);
	scene_leave(&s, "from=%s type=application/octet-stream size=%u", BOB,
		    SIZE);
	deliver(&s);
	scene_delivered(&s, 1);
	file_is(&s, scene_text(s.env, 0, SIZE, SIZE), SIZE);
	no_complaint(&s);
	scene_close(&s);
}
END_TEST


/* Cut in the midst, again and again; in the end all is there once */
START_TEST(cut)
{
	static const unsigned octetv[] = {1, 100, 600, 3000, 20000, 100000};
	struct scene s = {.env = NULL};
	size_t i;

	start(&s, setupv[_i], NULL, NULL);
	for (i=0; i<40; i++)
		scene_leave(&s, "from=%s id=m%zu size=5000", BOB, i);
	for (i=0; i<ARRAY_SIZE(octetv); i++) {
		pf_cmd(s.pf, "fault drop=%u", octetv[i]);
		pf_cmd(s.pf, "deliver to=%s", ALICE);
		(void)pf_event(s.pf, "ended", E2E_WAIT);
	}
	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 40);
	ck_assert_int_eq(0, scene_notified(&s, 40));
	no_complaint(&s);
	scene_close(&s);
}
END_TEST


/* The softphone goes down in the midst, with TLS up */
START_TEST(quit)
{
	struct scene s = {.env = NULL};

	start(&s, setupv[_i], NULL, NULL);
	scene_halfway(&s);
	ck_assert_str_eq("tls", j_str(ctrl_ask(s.c, "cpm_sessions", NULL),
				      "sessions.0.transport"));
	ck_assert_int_eq(0, baresip_quit(s.b));
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	pf_cmd(s.pf, "fault none");
	scene_restart(&s);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 2);
	no_complaint(&s);
	scene_close(&s);
}
END_TEST


Suite *tls_suite(void)
{
	Suite *suite = suite_create("tls");
	TCase *tc = suite_case(suite, "tls", 60);

	tcase_add_loop_test(tc, setup, 0, 4);
	tcase_add_loop_test(tc, fault, 0, 2 * ARRAY_SIZE(faultv));
	tcase_add_loop_test(tc, sha1_wrong, 0, 2);
	tcase_add_loop_test(tc, no_handshake, 0, 4);
	tcase_add_loop_test(tc, mixed, 0, 2);
	tcase_add_loop_test(tc, mode, 0, ARRAY_SIZE(modev));
	tcase_add_loop_test(tc, ca, 0, 2 * ARRAY_SIZE(certv));
	tcase_add_loop_test(tc, ca_fingerprint, 0, 2);
	tcase_add_loop_test(tc, own_cert, 0, 2);
	tcase_add_loop_test(tc, listen_port, 0, 2);
	tcase_add_loop_test(tc, shape, 0, 2 * ARRAY_SIZE(shapev));
	tcase_add_loop_test(tc, twenty_megabytes, 0, 2);
	tcase_add_loop_test(tc, cut, 0, 2);
	tcase_add_loop_test(tc, quit, 0, 2);

	return suite;
}
