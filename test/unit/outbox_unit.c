/**
 * @file outbox_unit.c  The engine, and a server on loopback
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/outbox_unit.h"
#include "mock/store_fail.h"


enum {
	TURN  = 5,            /* ms between two looks of a waiting test    */
	LIMIT = 20000,        /* ms: then what it waits for does not come  */
};

struct ob t;


void ob_answer(struct req *req)
{
	char after[64] = "";

	if (!req->st)
		return;

	if (t.after)
		snprintf(after, sizeof(after), "Retry-After: %u\r\n",
			 t.after);
	ck_assert_int_eq(0, sip_treplyf(&req->st, NULL, t.server, req->msg,
					false, t.scode, "Answer",
					"%sContent-Length: 0\r\n\r\n",
					after));
	req->st  = NULL;
	req->msg = mem_deref(req->msg);
}


static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct req *req = &t.reqv[t.reqc];
	(void)arg;

	ck_assert_uint_lt(t.reqc, REQS);
	ck_assert_int_eq(0, pl_strcmp(&msg->met, "MESSAGE"));
	ck_assert_int_eq(0, sip_strans_alloc(&req->st, t.server, msg, NULL,
					     NULL));
	req->msg  = mem_ref((void *)msg);
	req->time = tmr_jiffies();
	pl_strcpy(&msg->from.auri, req->from, sizeof(req->from));
	pl_strcpy(&msg->to.auri, req->to, sizeof(req->to));
	++t.reqc;

	if (!t.hold && (!t.hold_from || strcmp(t.hold_from, req->from)))
		ob_answer(req);

	return true;
}


static bool find_handler(struct cpm_account *acc, const struct sip_msg *msg,
			 void *arg)
{
	(void)acc;
	(void)msg;
	(void)arg;

	return false;
}


static bool account_handler(struct cpm_account *acc, const char *aor,
			    void *arg)
{
	(void)arg;

	acc->aor        = aor;
	acc->cuser      = "me";
	acc->outbound   = t.outbound;
	acc->registers  = t.registers;
	acc->registered = t.registered;
	if (++t.asked == t.lose_at)
		acc->registered = t.registered = false;

	return !t.nobody || strcmp(aor, t.nobody) != 0;
}


static int auth_handler(char **user, char **pass, const char *realm,
			const char *aor, void *arg)
{
	(void)user;
	(void)pass;
	(void)realm;
	(void)aor;
	(void)arg;

	return ENOENT;
}


static bool dnd_handler(void *arg)
{
	(void)arg;

	return false;
}


static void status_event(const struct cpm_event *ev)
{
	const char *reason = ev->u.status.reason;

	t.out.sent   += ev->u.status.status == CPM_OUT_SENT;
	t.out.failed += ev->u.status.status == CPM_OUT_FAILED;
	t.out.id      = ev->u.status.id;
	t.out.code    = ev->u.status.code;
	snprintf(t.out.reason, sizeof(t.out.reason), "%s",
		 reason ? reason : "");
}


static void event_handler(const struct cpm_event *ev, void *arg)
{
	(void)arg;

	if (ev->id == CPM_EV_STATUS)
		status_event(ev);
	if (ev->id != CPM_EV_IMDN)
		return;

	t.sent   += ev->u.imdn.sent;
	t.failed += !ev->u.imdn.sent;
	t.code    = ev->u.imdn.code;
	t.msg     = ev->u.imdn.id;
}


static void stack(struct sip **sipp, struct sa *laddr)
{
	ck_assert_int_eq(0, sa_set_str(laddr, "127.0.0.1", 0));
	ck_assert_int_eq(0, sip_alloc(sipp, NULL, 32, 32, 32, "unit", NULL,
				      NULL));
	ck_assert_int_eq(0, sip_transp_add(*sipp, SIP_TRANSP_UDP, laddr));
	ck_assert_int_eq(0, sip_transp_add(*sipp, SIP_TRANSP_TCP, laddr));
	ck_assert_int_eq(0, sip_transp_laddr(*sipp, laddr, SIP_TRANSP_UDP,
					     NULL));
}


void ob_setup(void)
{
	struct sa laddr;

	store_fail_install();
	fx_setup();
	memset(&t, 0, sizeof(t));
	t.scode = 200;
	stack(&t.server, &laddr);
	(void)re_snprintf(t.outbound, sizeof(t.outbound), "sip:%J", &laddr);
	ck_assert_int_eq(0, sip_listen(&t.lsnr, t.server, true,
				       request_handler, NULL));
	stack(&t.sip, &laddr);
	ck_assert_int_eq(0, sipsess_listen(&t.sock, t.sip, 32, NULL, NULL));
}


void ob_start(void)
{
	const struct cpm_conf conf = {
		.db = fx.path, .deferred = CPM_ANSWER_ACCEPT,
		.ask_timeout = 60, .delivery_imdn = true,
		.display_imdn = true, .max_size = 100000,
		.idle_timeout = 300, .page_limit = 1300,
	};
	const struct cpm_host host = {
		.sip = t.sip, .sock = t.sock, .findh = find_handler,
		.accounth = account_handler, .authh = auth_handler,
		.dndh = dnd_handler, .eventh = event_handler,
	};

	ck_assert_int_eq(0, cpm_alloc(&t.cpm, &conf, &host, NULL));
}


void ob_stop(void)
{
	cpm_shutdown(t.cpm, NULL);
	cpm_close(&t.cpm);
}


void ob_teardown(void)
{
	unsigned i;

	store_fail_set(0, 0);
	ob_stop();
	for (i=0; i<t.reqc; i++) {
		mem_deref(t.reqv[i].st);
		mem_deref(t.reqv[i].msg);
	}
	t.lsnr = mem_deref(t.lsnr);
	t.sock = mem_deref(t.sock);
	sip_close(t.sip, true);
	sip_close(t.server, true);
	t.sip    = mem_deref(t.sip);
	t.server = mem_deref(t.server);
	fx_teardown();
}


static bool (*until)(void);
static uint64_t limit;
static struct tmr tmr;

static void turn_handler(void *arg)
{
	(void)arg;
	ck_assert_msg(tmr_jiffies() < limit,
		      "%u requests, %u sent, %u failed", t.reqc,
		      t.sent + t.out.sent, t.failed + t.out.failed);
	if (until())
		re_cancel();
	else
		tmr_start(&tmr, TURN, turn_handler, NULL);
}


void ob_wait(bool (*done)(void))
{
	until = done;
	limit = tmr_jiffies() + LIMIT;
	tmr_start(&tmr, TURN, turn_handler, NULL);
	ck_assert_int_eq(0, re_main(NULL));
	tmr_cancel(&tmr);
}


static uint64_t moment;

static bool moment_over(void)
{
	return tmr_jiffies() >= moment;
}


void ob_wait_ms(unsigned ms)
{
	moment = tmr_jiffies() + ms;
	ob_wait(moment_over);
}


/* A message that asks, from sip:<peer>@example.net */
void ob_put(struct cpm_store *st, const char *aor, const char *peer,
		const char *key)
{
	struct cpm_msg *m = fx_msg(key, "x");
	char uri[80];

	snprintf(uri, sizeof(uri), "sip:%s@example.net", peer);
	fx_set(&m->account, aor);
	fx_set(&m->peer, uri);
	fx_set(&m->contribution_id, key);
	fx_set(&m->datetime, "2026-11-21T03:11:00Z");
	m->notify = 1;
	m->report[CPM_DELIVERED] = CPM_REPORT_DUE;
	ck_assert_int_eq(0, cpm_store_put(st, m, NULL, NULL));
	mem_deref(m);
}


void ob_put_many(const char *aor, unsigned peers, unsigned each)
{
	char peer[16], key[24];
	unsigned i, k;

	for (k=0; k<each; k++) {
		for (i=0; i<peers; i++) {
			snprintf(peer, sizeof(peer), "p%02u", i);
			snprintf(key, sizeof(key), "%c%02u-%03u", aor[4], i,
				 k);
			ob_put(cpm_reader(t.cpm), aor, peer, key);
		}
	}
}
