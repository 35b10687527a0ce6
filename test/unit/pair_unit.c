/**
 * @file pair_unit.c  Two engines that talk to each other over loopback
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include "unit/pair_unit.h"
#include "../../modules/cpm/engine/session.h"


enum {
	TURN  = 2,            /* ms between two looks of a waiting test    */
	LIMIT = 20000,        /* ms: then what it waits for does not come  */
};

struct pair pair;


static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct end *e = arg;

	if (!pl_strcmp(&msg->met, "INVITE") && !pl_isset(&msg->to.tag)) {
		++e->invites;
		mem_deref(e->invite);
		e->invite = mem_ref(msg->mb);
		if (e->refuse) {
			(void)sip_treply(NULL, e->sip, msg, e->refuse,
					 "Refused");
			return true;
		}
	}

	return cpm_request(e->cpm, msg);
}


static bool find_handler(struct cpm_account *acc, const struct sip_msg *msg,
			 void *arg)
{
	const struct end *e = arg;
	(void)msg;

	memset(acc, 0, sizeof(*acc));
	acc->aor        = e->aor;
	acc->cuser      = "me";
	acc->outbound   = e->outbound;
	acc->registers  = true;
	acc->registered = !e->down;

	return true;
}


static bool account_handler(struct cpm_account *acc, const char *aor,
			    void *arg)
{
	const struct end *e = arg;

	return !strcmp(aor, e->aor) && find_handler(acc, NULL, arg);
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


static void status_set(struct end *e, const struct cpm_event *ev)
{
	const char *reason = ev->u.status.reason;
	struct pair_status *ps;
	unsigned i;

	for (i=0; i<e->statusc && e->statusv[i].id != ev->u.status.id; i++)
		;
	ck_assert_uint_lt(i, PAIR_MSGS);
	if (i == e->statusc)
		++e->statusc;

	ps = &e->statusv[i];
	ps->id     = ev->u.status.id;
	ps->status = ev->u.status.status;
	ps->code   = ev->u.status.code;
	snprintf(ps->reason, sizeof(ps->reason), "%s", reason ? reason : "");
}


static void progress_set(struct end *e, const struct cpm_event *ev)
{
	if (!e->progress++)
		e->first = tmr_jiffies();
	ck_assert_uint_le(ev->u.progress.sent, ev->u.progress.size);
	e->sent = ev->u.progress.sent;
	e->size = ev->u.progress.size;
	if (e->cancel && e->sent == e->size)
		e->canceled = cpm_cancel(e->cpm, ev->u.progress.id);
}


static void event_handler(const struct cpm_event *ev, void *arg)
{
	struct end *e = arg;

	switch (ev->id) {

	case CPM_EV_MESSAGE:
		e->messages += ev->u.message.count;
		break;

	case CPM_EV_SESSION:
		e->established += ev->u.session.state ==
			CPM_SESS_ESTABLISHED;
		e->ended += ev->u.session.state == CPM_SESS_CLOSED ||
			ev->u.session.state == CPM_SESS_FAILED;
		break;

	case CPM_EV_STATUS:
		status_set(e, ev);
		break;

	case CPM_EV_PROGRESS:
		progress_set(e, ev);
		break;

	default:
		break;
	}
}


static void stack(struct end *e, const char *aor, const char *db)
{
	e->aor = aor;
	e->text = mbuf_alloc(8);
	ck_assert_ptr_nonnull(e->text);
	ck_assert_int_eq(0, mbuf_write_str(e->text, "text"));
	e->text->pos = 0;
	snprintf(e->db, sizeof(e->db), "%.250s/%s/cpm.db", pair.dir, db);
	ck_assert_int_eq(0, sa_set_str(&e->laddr, "127.0.0.1", 0));
	ck_assert_int_eq(0, sip_alloc(&e->sip, NULL, 32, 32, 32, "unit", NULL,
				      NULL));
	ck_assert_int_eq(0, sip_transp_add(e->sip, SIP_TRANSP_UDP,
					   &e->laddr));
	ck_assert_int_eq(0, sip_transp_laddr(e->sip, &e->laddr,
					     SIP_TRANSP_UDP, NULL));
	/* before libre's own, which takes every INVITE */
	ck_assert_int_eq(0, sip_listen(&e->lsnr, e->sip, true,
				       request_handler, e));
	ck_assert_int_eq(0, sipsess_listen(&e->sock, e->sip, 32, NULL, NULL));
}


void pair_setup(void)
{
	memset(&pair, 0, sizeof(pair));
	ck_assert_int_eq(0, libre_init());
	unit_mkdir(pair.dir, sizeof(pair.dir));
	stack(&pair.a, A_AOR, "a");
	stack(&pair.b, B_AOR, "b");
	(void)re_snprintf(pair.a.outbound, sizeof(pair.a.outbound), "sip:%J",
			  &pair.b.laddr);
	(void)re_snprintf(pair.b.outbound, sizeof(pair.b.outbound), "sip:%J",
			  &pair.a.laddr);
}


struct cpm_conf pair_conf(void)
{
	const struct cpm_conf conf = {
		.deferred = CPM_ANSWER_ACCEPT, .ask_timeout = 60,
		.delivery_imdn = true, .display_imdn = true,
		.trust = CPM_TRUST_ANY, .max_size = 100000000,
		.page_limit = CPM_PAGE_LIMIT, .idle_timeout = 300,
	};

	return conf;
}


void pair_end_start(struct end *e, const struct cpm_conf *conf)
{
	struct cpm_conf c = conf ? *conf : pair_conf();
	const struct cpm_host host = {
		.sip = e->sip, .sock = e->sock, .findh = find_handler,
		.accounth = account_handler, .authh = auth_handler,
		.dndh = dnd_handler, .eventh = event_handler, .arg = e,
	};

	c.db = e->db;
	ck_assert_int_eq(0, cpm_alloc(&e->cpm, &c, &host, NULL));
}


void pair_start(const struct cpm_conf *a, const struct cpm_conf *b)
{
	pair_end_start(&pair.a, a);
	pair_end_start(&pair.b, b);
}


void pair_end_stop(struct end *e)
{
	cpm_shutdown(e->cpm, NULL);
	cpm_close(&e->cpm);
}


static void stack_end(struct end *e)
{
	e->lsnr = mem_deref(e->lsnr);
	e->sock = mem_deref(e->sock);
	sip_close(e->sip, true);
	e->sip = mem_deref(e->sip);
	e->invite = mem_deref(e->invite);
	e->text = mem_deref(e->text);
}


void pair_teardown(void)
{
	pair_end_stop(&pair.a);
	pair_end_stop(&pair.b);
	stack_end(&pair.a);
	stack_end(&pair.b);
	unit_rmdir(pair.dir);
	libre_close();
}


/*
 * Waiting
 */

static bool (*until)(void);
static const char *words;
static uint64_t limit;
static struct tmr tmr;

static void turn_handler(void *arg)
{
	(void)arg;
	ck_assert_msg(tmr_jiffies() < limit, "%s does not come", words);
	if (until())
		re_cancel();
	else
		tmr_start(&tmr, TURN, turn_handler, NULL);
}


void pair_wait(bool (*done)(void), const char *what)
{
	until = done;
	words = what;
	limit = tmr_jiffies() + LIMIT;
	tmr_start(&tmr, 0, turn_handler, NULL);
	ck_assert_int_eq(0, re_main(NULL));
	tmr_cancel(&tmr);
}


static uint64_t moment;

static bool moment_over(void)
{
	return tmr_jiffies() >= moment;
}


void pair_wait_ms(unsigned ms)
{
	moment = tmr_jiffies() + ms;
	pair_wait(moment_over, "time");
}


static struct end *whose;
static uint64_t number;
static enum cpm_out wanted;

static bool messages_there(void)
{
	return whose->messages >= number;
}


void pair_wait_messages(struct end *e, uint64_t n)
{
	whose  = e;
	number = n;
	pair_wait(messages_there, "a message");
	ck_assert_uint_eq(n, e->messages);
}


const struct pair_status *pair_status(const struct end *e, uint64_t id)
{
	static const struct pair_status none;
	unsigned i;

	for (i=0; i<e->statusc; i++) {
		if (e->statusv[i].id == id)
			return &e->statusv[i];
	}

	return &none;
}


static bool status_there(void)
{
	const struct pair_status *ps = pair_status(whose, number);

	ck_assert_msg(ps->status != CPM_OUT_FAILED ||
		      wanted == CPM_OUT_FAILED, "failed: %u %s", ps->code,
		      ps->reason);

	return ps->status >= wanted;
}


void pair_wait_status(struct end *e, uint64_t id, enum cpm_out status)
{
	whose  = e;
	number = id;
	wanted = status;
	pair_wait(status_there, cpm_out_name(status));
}


static bool alone(void)
{
	return !pair_sessions(&pair.a) && !pair_sessions(&pair.b);
}


void pair_wait_alone(void)
{
	pair_wait(alone, "the end of the sessions");
}


void pair_pause(struct end *e, bool pause)
{
	const struct session *s = list_ledata(e->cpm->sessl.head);

	ck_assert_ptr_nonnull(s);
	msrp_sess_pause(s->msrp, pause);
}


unsigned pair_sessions(const struct end *e)
{
	struct cpm_status status;

	ck_assert_int_eq(0, cpm_status(e->cpm, &status));

	return status.sessions;
}


/*
 * Messages
 */

uint64_t pair_send(struct end *e, const struct cpm_send *snd)
{
	const char *why = NULL;
	uint64_t id = 0;
	const int err = cpm_send(e->cpm, snd, &id, &why);

	ck_assert_msg(!err, "cpm_send: %d %s", err, why ? why : "");
	ck_assert_uint_gt(id, 0);

	return id;
}


uint64_t pair_say(struct end *e, const char *text)
{
	struct mbuf *mb = mbuf_alloc(strlen(text) + 1);
	uint64_t id;

	ck_assert_int_eq(0, mbuf_write_str(mb, text));
	mb->pos = 0;
	id = pair_send(e, &(struct cpm_send){
		.account = e->aor, .to = e == &pair.a ? B_AOR : A_AOR,
		.body = mb, .mode = CPM_SEND_SESSION});
	mem_deref(mb);

	return id;
}


struct take {
	struct pair_msg *m;
	unsigned n;
};

#define COPY(member) \
	snprintf(m->member, sizeof(m->member), "%s", \
		 msg->member ? msg->member : "")

static bool msg_handler(const struct cpm_msg *msg, void *arg)
{
	struct take *take = arg;
	struct pair_msg *m = take->m;

	if (take->n--)
		return false;

	m->id           = msg->id;
	m->conversation = msg->conversation;
	m->size         = msg->size;
	m->tries        = msg->tries;
	m->mode         = msg->mode;
	m->status       = msg->status;
	m->deferred     = msg->deferred;
	COPY(conversation_id);
	COPY(contribution_id);
	COPY(in_reply_to);
	COPY(file);
	COPY(filename);
	COPY(type);
	if (pl_isset(&msg->text_whole))
		snprintf(m->text, sizeof(m->text), "%.*s",
			 (int)msg->text_whole.l, msg->text_whole.p);

	return true;
}


void pair_msg(struct pair_msg *m, struct end *e, unsigned n)
{
	const struct cpm_query q = {.first = true, .limit = n + 1};
	struct take take = {m, n};

	memset(m, 0, sizeof(*m));
	ck_assert_int_eq(0, cpm_store_msgs(cpm_reader(e->cpm), &q,
					   msg_handler, &take));
	ck_assert_msg(m->id > 0, "no message %u", n);
}
