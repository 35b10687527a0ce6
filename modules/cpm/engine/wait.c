/**
 * @file wait.c  A session is answered once all that it needs is there
 *
 * What came in the INVITE in the store, and our relay. Without either that is
 * at once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "relay.h"
#include "call.h"
#include "first.h"


static void late(struct session *s)
{
	if (s->outgoing)
		s->reason = "our relay is not there";
	session_end(s, s->outgoing ? SESS_FAILED : SESS_DECLINED,
		    s->outgoing ? 0 : 480);
}


static void late_handler(void *arg)
{
	late(arg);
}


void session_wait(struct session *s)
{
	tmr_start(&s->tmr, CPM_RELAY_WAIT * 1000, late_handler, s);
}


int session_answer(struct session *s)
{
	int err;

	tmr_cancel(&s->tmr);
	if (s->first) {
		session_move(s, SESS_STORING, 0);
		first_take(s);
		return 0;
	}

	err = relay_use(s->cpm->relay, s->msrp);
	if (err == EAGAIN && !relay_hopeless(s->cpm->relay)) {
		session_move(s, SESS_WAITING, 0);
		session_wait(s);
		return 0;
	}

	if (!err)
		err = s->outgoing ? call_send(s) : dialog_answer(s);
	if (err == EAGAIN)
		late(s);
	else if (err && s->outgoing) {
		s->reason = "the INVITE could not be sent";
		session_end(s, SESS_FAILED, 0);
	}
	else if (err)
		session_end(s, SESS_FAILED, 500);
	else
		s->asked = mem_deref(s->asked);

	return err;
}


void session_relay(struct session *s)
{
	if (s->state == SESS_WAITING)
		(void)session_answer(s);
}
