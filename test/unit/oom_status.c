/**
 * @file oom_status.c  Memory runs out while a notification for a message of
 *                     ours is taken
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/oom_unit.h"
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/take.h"


#define HEAD "From: <sip:bob@example.net>\r\nTo: <sip:alice@example.net>\r\n" \
	"\r\n"
#define IMDN "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">" \
	"<message-id>mine</message-id><datetime>2026-11-21T03:11:00Z" \
	"</datetime><delivery-notification><status><failed/></status>" \
	"</delivery-notification></imdn>"

static struct cpm cpm;
static char said[64];


static void event_handler(const struct cpm_event *ev, void *arg)
{
	(void)arg;
	if (ev->id == CPM_EV_STATUS)
		snprintf(said, sizeof(said), "%d %d", ev->u.status.id != 0,
			 ev->u.status.status);
}


static void take_handler(int err, const struct cpm_put_result *res,
			 void *arg)
{
	/* it is no message */
	oo.bad = res != NULL;
	oo_done_handler(err, arg);
}


static struct mbuf *text_mb(const char *text)
{
	struct mbuf *mb = mbuf_alloc(1024);

	ck_assert_ptr_nonnull(mb);
	ck_assert_int_eq(0, mbuf_write_str(mb, text));
	mb->pos = 0;

	return mb;
}


static int take(const char *text)
{
	struct source *src = mem_zalloc(sizeof(*src), NULL);
	struct mbuf *mb = text_mb(text);
	const struct taken how = {.local = "1"};
	char aor[] = "sip:alice@example.net";
	int err;

	ck_assert_ptr_nonnull(src);
	cpm.store = fx.st;
	cpm.host.eventh = event_handler;
	src->cpm = &cpm;
	src->aor = aor;
	said[0] = '\0';

	oo_arm();
	err = oo_result(take_cpim(src, mb, &how, take_handler, NULL));
	ck_assert_str_eq(err ? "" : "1 6", said);
	mem_deref(mb);
	mem_deref(src);

	return err;
}


static int one(void)
{
	return take(HEAD "Content-Type: message/imdn+xml\r\n\r\n" IMDN);
}


static int several(void)
{
	return take(HEAD "Content-Type: multipart/mixed;boundary=b\r\n\r\n"
		    "--b\r\nContent-Type: message/imdn+xml\r\n"
		    "Content-Transfer-Encoding: 8bit\r\n\r\n" IMDN
		    "\r\n--b--\r\n");
}


static const struct oom_op opv[] = {
	{"notification", one},
	{"notification: multipart", several},
};


static void setup(void)
{
	ck_assert_int_eq(0, oom_install());
	fx_setup();
	oo_template();
}


START_TEST(test_each)
{
	const unsigned n = oo_each(&opv[_i]);

	printf("oom: %-24s %5u failures\n", opv[_i].name, n);
	ck_assert_uint_gt(n, 0);
}
END_TEST


TCase *oom_status_case(void)
{
	TCase *tc = tcase_create("status");

	tcase_set_timeout(tc, 300);
	tcase_add_checked_fixture(tc, setup, fx_teardown);
	tcase_add_loop_test(tc, test_each, 0, ARRAY_SIZE(opv));

	return tc;
}
