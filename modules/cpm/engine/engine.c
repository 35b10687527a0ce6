/**
 * @file engine.c  Lifetime, public calls, routing of input
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _POSIX_C_SOURCE 200809L
#include <time.h>
#include "engine.h"
#include "relay.h"
#include "pull.h"
#include "sendq.h"
#include "call.h"
#include "stray.h"
#include "trust.h"


static void destructor(void *arg)
{
	struct cpm *cpm = arg;

	tmr_cancel(&cpm->tmr_fresh);
	tmr_cancel(&cpm->tmr_batch);
	tmr_cancel(&cpm->tmr_store);
	sessions_close(cpm);
	stray_flush(cpm);
	mem_deref(cpm->pulls);
	mem_deref(cpm->trust);
	mem_deref(cpm->relay);
	mem_deref(cpm->keep);
	mem_deref(cpm->sendq);
	mem_deref(cpm->outbox);
	mem_deref(cpm->policy);
	mem_deref(cpm->msrp);
	list_flush(&cpm->freshl);
}


uint64_t engine_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);

	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}


void engine_event(struct cpm *cpm, const struct cpm_event *ev)
{
	cpm->host.eventh(ev, cpm->host.arg);
}


static void after_handler(void *arg)
{
	struct cpm *cpm = arg;

	fresh_flush(cpm);
	outbox_kick(cpm->outbox);
	sendq_kick(cpm->sendq);
}


/* Behind the answers to what was committed, which are on a timer too */
static void batch_handler(void *arg)
{
	struct cpm *cpm = arg;

	tmr_start(&cpm->tmr_batch, 0, after_handler, cpm);
}


static void room_handler(void *arg)
{
	session_resume_all(arg);
}


static void fault_handler(const char *what, const char *text, void *arg)
{
	ready_fault(arg, what, text);
}


static int parts_alloc(struct cpm *cpm)
{
	const struct msrp_conf mconf = {
		.laddr        = cpm->conf.listen,
		.max_size     = cpm->conf.max_size,
		.idle_timeout = cpm->conf.idle_timeout * 1000,
		.head_timeout = cpm->conf.stall_timeout * 1000,
		.stall_timeout = cpm->conf.stall_timeout * 1000,
		.tls          = cpm->conf.tls,
		.tls_verify   = cpm->conf.tls_verify,
	};
	int err;

	err = msrp_alloc(&cpm->msrp, &mconf);
	cpm->conf.tls = NULL;  /* it has its own reference */
	if (!err)
		err = sessions_alloc(cpm);
	if (!err)
		err = policy_alloc(&cpm->policy);
	if (!err)
		err = outbox_alloc(&cpm->outbox, cpm);
	if (!err)
		err = sendq_alloc(&cpm->sendq, cpm);
	if (!err)
		err = keep_alloc(&cpm->keep, cpm->store,
				 cpm->conf.keep_days, NULL);
	if (!err)
		err = relay_alloc(&cpm->relay, cpm);
	if (!err)
		err = pulls_alloc(&cpm->pulls, cpm);
	if (!err)
		err = trust_alloc(&cpm->trust, cpm);

	return err;
}


static void text_of(char **errp, const struct cpm_store *st)
{
	struct cpm_store_info info;

	cpm_store_info(st, &info);
	if (errp && info.text)
		(void)str_dup(errp, info.text);
}


int cpm_alloc(struct cpm **cpmp, const struct cpm_conf *conf,
	      const struct cpm_host *host, char **errp)
{
	struct cpm *cpm;
	int err;

	if (!cpmp || !conf || !conf->db || !host || !host->sip ||
	    !host->sock || !host->findh || !host->accounth || !host->authh ||
	    !host->dndh || !host->eventh)
		return EINVAL;

	cpm = mem_zalloc(sizeof(*cpm), destructor);
	if (!cpm)
		return ENOMEM;

	cpm->conf = *conf;
	cpm->host = *host;
	if (!cpm->conf.max_sessions)
		cpm->conf.max_sessions = CPM_SESSIONS;
	if (cpm->conf.chat == CPM_ANSWER_DEFAULT)
		cpm->conf.chat = CPM_ANSWER_ACCEPT;
	if (!cpm->conf.peer_sessions)
		cpm->conf.peer_sessions = CPM_PEER_SESSIONS;
	tmr_init(&cpm->tmr_fresh);
	tmr_init(&cpm->tmr_batch);
	tmr_init(&cpm->tmr_store);

	err = cpm_store_alloc(&cpm->store, conf->db, batch_handler,
			      fault_handler, cpm);
	if (!err) {
		cpm_store_limit(cpm->store, &conf->limits);
		cpm_store_set_room(cpm->store, room_handler, cpm);
		err = parts_alloc(cpm);
	}
	/* who uses them has copies of his own */
	cpm->conf.db = NULL;
	cpm->conf.relay = cpm->conf.relay_user = NULL;
	cpm->conf.relay_pass = NULL;
	cpm->conf.deferred_uri = NULL;
	if (!err)
		err = ready_start(cpm);
	if (err) {
		text_of(errp, cpm->store);
		cpm_close(&cpm);
	}
	else {
		*cpmp = cpm;
	}

	return err;
}


void cpm_shutdown(struct cpm *cpm, const char *aor)
{
	if (!cpm)
		return;

	sendq_stop(cpm->sendq, aor);
	session_close_all(cpm, aor);
	outbox_stop(cpm->outbox, aor);
	if (!aor) {
		page_stop(cpm);
		announce_stop(cpm);
		cpm->down = true;
		cpm->pulls = mem_deref(cpm->pulls);
		cpm->relay = mem_deref(cpm->relay);
		trust_stop(cpm->trust);
		stray_flush(cpm);
	}
}


void cpm_close(struct cpm **cpmp)
{
	struct cpm *cpm;

	if (!cpmp || !*cpmp)
		return;

	cpm = *cpmp;
	*cpmp = NULL;

	page_stop(cpm);
	announce_stop(cpm);
	cpm->down = true;
	/* the results of what is queued still find the parts they belong to */
	cpm_store_close(&cpm->store);
	mem_deref(cpm);
}


bool cpm_request(struct cpm *cpm, const struct sip_msg *msg)
{
	if (!cpm || !msg || cpm->down)
		return false;

	if (!pl_strcmp(&msg->met, "INVITE") && !pl_isset(&msg->to.tag))
		return session_invite(cpm, msg);
	if (!pl_strcmp(&msg->met, "UPDATE"))
		return session_update(cpm, msg);
	if (!pl_strcmp(&msg->met, "MESSAGE"))
		return announce_recv(cpm, msg) || page_recv(cpm, msg);
	if (!pl_strcmp(&msg->met, "NOTIFY"))
		return announce_recv(cpm, msg);

	return false;
}


void cpm_response(struct cpm *cpm, const struct sip_msg *msg)
{
	if (!cpm || !msg || cpm->down)
		return;

	trust_response(cpm->trust, msg);
	call_response(cpm, msg);
}


void cpm_registered(struct cpm *cpm, const char *aor)
{
	if (!cpm)
		return;

	if (!cpm->down)
		trust_registered(cpm->trust, aor);
	session_close_lost(cpm, aor);
	relay_account(cpm->relay, aor);
	outbox_kick(cpm->outbox);
	sendq_registered(cpm->sendq, aor);
	pull_registered(cpm->pulls, aor);
}


struct cpm_store *cpm_reader(const struct cpm *cpm)
{
	return cpm ? cpm->store : NULL;
}


int cpm_policy_get(const struct cpm *cpm, const char *aor,
		   const char *peer, struct cpm_policy *pol)
{
	char *norm = NULL;
	struct pl pl;
	int err;

	if (!cpm || !pol)
		return EINVAL;

	if (str_isset(peer)) {
		pl_set_str(&pl, peer);
		err = cpm_uri_norm(&norm, &pl);
		/* what is no URI has no line of its own */
		if (err == ENOMEM)
			return err;
	}
	policy_resolve(cpm->policy, &cpm->conf, aor, norm, pol);
	mem_deref(norm);

	return 0;
}


int cpm_policy_set(struct cpm *cpm, const struct cpm_policy_change *chg)
{
	if (!cpm || !chg)
		return EINVAL;
	if (!ready_is(cpm))
		return EAGAIN;

	return policy_change(cpm->policy, cpm->store, chg);
}


int cpm_status(const struct cpm *cpm, struct cpm_status *status)
{
	int err;

	if (!cpm || !status)
		return EINVAL;

	status->sessions = cpm->sessc;
	memset(&status->counts, 0, sizeof(status->counts));

	/* what is wrong with the store is what is asked for then */
	err = cpm_store_counts(cpm->store, &status->counts);
	cpm_store_info(cpm->store, &status->store);
	relay_status(cpm->relay, status);

	return err == EAGAIN ? 0 : err;
}
