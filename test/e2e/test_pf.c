/**
 * @file test_pf.c  The Participating Function itself: which way a message
 *                  takes, in which order, how often, and how long
 *
 * The other side is a phone by hand, so that nothing of cpm.so takes part.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <string.h>
#include "suite.h"
#include "scene.h"
#include "phone.h"


static void open_pf(struct scene *s, struct phone *ph, const char *way)
{
	scene_open(s, &(struct scene_args){.optv = {"-A", "-W", way}});
	phone_open(ph, s->pf);
}


static void close_pf(struct scene *s, struct phone *ph)
{
	phone_close(ph);
	scene_close(s);
}


/* The next request is that, and holds the text */
static char *want(struct phone *ph, const char *met, const char *text)
{
	char *req = phone_request(ph, E2E_WAIT);

	ck_assert_msg(req != NULL, "no %s", met);
	ck_assert_msg(!strncmp(req, met, strlen(met)), "no %s: %.300s", met,
		      req);
	ck_assert_msg(strstr(req, text) != NULL, "no %s: %.900s", text, req);

	return req;
}


/* The PF is idle: it has read what came, and sends nothing more */
static void quiet(struct scene *s, struct phone *ph)
{
	(void)pf_ask(s->pf, "stats");
	ck_assert_ptr_null(phone_request(ph, 100));
}


static void paged(struct scene *s, const char *id, int code)
{
	const struct pf_event *ev = pf_event_kv(s->pf, "page", "id", id,
						E2E_WAIT);

	ck_assert_int_eq(code, pf_int(ev, "code"));
}


static int64_t pending(struct scene *s)
{
	return pf_int(pf_ask(s->pf, "pending to=%s", ALICE), "count");
}


START_TEST(page)
{
	struct phone ph;
	struct scene s;
	char *req;

	open_pf(&s, &ph, "page");
	scene_leave(&s, "from=%s name=Bob id=m1 conv=c1 text=Grüße", BOB);
	phone_register(&ph);
	req = want(&ph, "MESSAGE sip:alice@127.0.0.1", "\r\n\r\nGrüße");
	ck_assert_ptr_nonnull(strstr(req, "P-Asserted-Identity: <" BOB ">"));
	ck_assert_ptr_nonnull(strstr(req, "icsi.oma.cpm.msg\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "icsi.oma.cpm.msg\";require"));
	ck_assert_ptr_nonnull(strstr(req, "Conversation-ID: c1\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "Content-Type: message/cpim\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "imdn.Message-ID: m1\r\n"));
	ck_assert_int_eq(1, pending(&s));
	phone_answer(&ph, req, 200, NULL);
	paged(&s, "m1", 200);
	ck_assert_int_eq(0, pending(&s));
	quiet(&s, &ph);
	close_pf(&s, &ph);
}
END_TEST


/* Refused for now, it comes again when it was told to, or he registers; for
   good, and it is dropped */
START_TEST(retry)
{
	struct phone ph;
	struct scene s;

	open_pf(&s, &ph, "page");
	scene_leave(&s, "from=%s id=m1 text=1", BOB);
	phone_register(&ph);
	phone_answer(&ph, want(&ph, "MESSAGE", ": m1\r\n"), 503,
		     "Retry-After: 1\r\n");
	paged(&s, "m1", 503);
	(void)pf_event(s.pf, "retry", E2E_WAIT);
	phone_answer(&ph, want(&ph, "MESSAGE", ": m1\r\n"), 480, NULL);
	paged(&s, "m1", 480);
	quiet(&s, &ph);
	ck_assert_int_eq(1, pending(&s));

	phone_register(&ph);
	phone_answer(&ph, want(&ph, "MESSAGE", ": m1\r\n"), 415, NULL);
	(void)pf_event_kv(s.pf, "dropped", "id", "m1", E2E_WAIT);
	ck_assert_int_eq(0, pending(&s));
	close_pf(&s, &ph);
}
END_TEST


/* One after another of each sender, side by side of two */
START_TEST(order)
{
	struct phone ph;
	struct scene s;
	char *first, *other;

	open_pf(&s, &ph, "page");
	scene_leave(&s, "from=%s id=b1 text=1", BOB);
	scene_leave(&s, "from=%s id=b2 text=2", BOB);
	scene_leave(&s, "from=%s id=c1 text=3", CAROL);
	phone_register(&ph);
	first = want(&ph, "MESSAGE", ": b1\r\n");
	other = want(&ph, "MESSAGE", ": c1\r\n");
	phone_answer(&ph, other, 200, NULL);
	paged(&s, "c1", 200);
	phone_answer(&ph, first, 200, NULL);
	phone_answer(&ph, want(&ph, "MESSAGE", ": b2\r\n"), 200, NULL);
	paged(&s, "b2", 200);
	ck_assert_int_eq(0, pending(&s));
	close_pf(&s, &ph);
}
END_TEST


START_TEST(faults)
{
	static const char *const idv[] = {": m2\r\n", ": m2\r\n", ": m1\r\n",
		": m1\r\n", ": m3\r\n", ": m3\r\n"};
	struct phone ph;
	struct scene s;
	char *reqv[ARRAY_SIZE(idv)];
	size_t i;

	open_pf(&s, &ph, "page");
	pf_cmd(s.pf, "fault burst=6");
	pf_cmd(s.pf, "fault reorder");
	pf_cmd(s.pf, "fault dup");
	for (i=1; i<=3; i++)
		scene_leave(&s, "from=%s id=m%zu text=%zu", BOB, i, i);
	phone_register(&ph);
	/* all on their way at once: no answer yet */
	for (i=0; i<ARRAY_SIZE(idv); i++)
		reqv[i] = want(&ph, "MESSAGE", idv[i]);
	for (i=0; i<ARRAY_SIZE(idv); i++)
		phone_answer(&ph, reqv[i], 200, NULL);
	for (i=0; i<ARRAY_SIZE(idv); i++)
		paged(&s, i < 2 ? "m2" : i < 4 ? "m1" : "m3", 200);
	ck_assert_int_eq(0, pending(&s));
	ck_assert_int_eq(3, pf_int(pf_ask(s.pf, "stats"), "delivered"));
	close_pf(&s, &ph);
}
END_TEST


/* Killed with a MESSAGE on its way: it comes again */
START_TEST(killed)
{
	struct phone ph;
	struct scene s;

	open_pf(&s, &ph, "page");
	scene_leave(&s, "from=%s id=m1 text=1", BOB);
	phone_register(&ph);
	(void)want(&ph, "MESSAGE", ": m1\r\n");
	proc_kill(s.pf->proc);
	scene_pf_restart(&s, NULL);
	ph.pf = s.pf;
	phone_register(&ph);
	phone_answer(&ph, want(&ph, "MESSAGE", ": m1\r\n"), 200, NULL);
	paged(&s, "m1", 200);
	close_pf(&s, &ph);
}
END_TEST


/* He registers from elsewhere, with a MESSAGE to where he was on its way: it
   comes there at once, and what was behind it comes as well */
START_TEST(moved)
{
	struct phone ph, other;
	struct scene s;

	open_pf(&s, &ph, "page");
	phone_open(&other, s.pf);
	scene_leave(&s, "from=%s id=m1 text=1", BOB);
	scene_leave(&s, "from=%s id=m2 text=2", BOB);
	phone_register(&ph);
	(void)want(&ph, "MESSAGE", ": m1\r\n");
	phone_register(&other);
	phone_answer(&other, want(&other, "MESSAGE", ": m1\r\n"), 200, NULL);
	phone_answer(&other, want(&other, "MESSAGE", ": m2\r\n"), 200, NULL);
	paged(&s, "m2", 200);
	ck_assert_int_eq(0, pending(&s));
	phone_close(&other);
	close_pf(&s, &ph);
}
END_TEST


START_TEST(expiry)
{
	struct phone ph;
	struct scene s;

	open_pf(&s, &ph, "page");
	scene_leave(&s, "from=%s id=m1 expires=1 text=1", BOB);
	scene_leave(&s, "from=%s id=m2 expires=100 text=2", BOB);
	(void)pf_event_kv(s.pf, "expired", "id", "m1", E2E_WAIT);
	ck_assert_int_eq(1, pending(&s));
	phone_register(&ph);
	phone_answer(&ph, want(&ph, "MESSAGE", ": m2\r\n"), 200, NULL);
	paged(&s, "m2", 200);
	quiet(&s, &ph);
	close_pf(&s, &ph);
}
END_TEST


/* What "auto" makes of it: each is declined, so the next round has all of it
   once more */
START_TEST(policy)
{
	struct phone ph;
	struct scene s;
	char *req;

	open_pf(&s, &ph, "auto");
	pf_cmd(s.pf, "way to=%s how=auto few=2", ALICE);
	scene_leave(&s, "from=%s id=m1 text=1", BOB);
	scene_leave(&s, "from=%s id=m2 text=2", BOB);
	phone_register(&ph);
	phone_answer(&ph, want(&ph, "MESSAGE", ": m1\r\n"), 480, NULL);
	paged(&s, "m1", 480);

	pf_cmd(s.pf, "auto off");
	scene_leave(&s, "from=%s id=m3 text=3", BOB);
	scene_leave(&s, "from=%s id=m4 type=image/png size=99", CAROL);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	req = want(&ph, "INVITE", "icsi.oma.cpm.session\";");
	ck_assert_ptr_nonnull(strstr(req, "Referred-By: <" BOB ">"));
	phone_answer(&ph, req, 480, NULL);
	(void)want(&ph, "ACK", "");
	req = want(&ph, "INVITE", "icsi.oma.cpm.largemsg\";");
	ck_assert_ptr_nonnull(strstr(req, "P-Asserted-Identity: <" CAROL));
	phone_answer(&ph, req, 480, NULL);
	(void)want(&ph, "ACK", "");
	quiet(&s, &ph);

	/* both in one: nobody is named */
	pf_cmd(s.pf, "way to=%s how=all", ALICE);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	req = want(&ph, "INVITE", "icsi.oma.cpm.deferred\";");
	ck_assert_ptr_null(strstr(req, "Referred-By"));
	ck_assert_ptr_null(strstr(req, "Conversation-ID"));
	phone_answer(&ph, req, 480, NULL);
	(void)want(&ph, "ACK", "");
	quiet(&s, &ph);
	ck_assert_int_eq(4, pending(&s));
	close_pf(&s, &ph);
}
END_TEST


START_TEST(first_inside)
{
	struct phone ph;
	struct scene s;
	char *req;

	open_pf(&s, &ph, "session");
	scene_leave(&s, "from=%s id=m1 way=inline type=image/png "
		    "filename=a%%20b.png body=PNG", BOB);
	phone_register(&ph);
	req = want(&ph, "INVITE", "Content-Type: multipart/mixed;boundary=");
	ck_assert_ptr_nonnull(strstr(req, "icsi.oma.cpm.largemsg\";"));
	ck_assert_ptr_nonnull(strstr(req, "\r\na=sendonly\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "imdn.Message-ID: m1\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "Content-Disposition: attachment; "
				     "filename=\"a b.png\"\r\n"));
	ck_assert_ptr_nonnull(strstr(req, "\r\n\r\nPNG\r\n--"));
	phone_answer(&ph, req, 480, NULL);
	(void)want(&ph, "ACK", "");
	ck_assert_int_eq(1, pending(&s));
	close_pf(&s, &ph);
}
END_TEST


Suite *pf_suite(void)
{
	Suite *suite = suite_create("pf");
	TCase *tc = suite_case(suite, "push", 60);

	tcase_add_test(tc, page);
	tcase_add_test(tc, retry);
	tcase_add_test(tc, order);
	tcase_add_test(tc, faults);
	tcase_add_test(tc, killed);
	tcase_add_test(tc, moved);
	tcase_add_test(tc, expiry);
	tcase_add_test(tc, policy);
	tcase_add_test(tc, first_inside);
	pf_net_cases(suite);

	return suite;
}
