/**
 * @file chat_out.c  Messages of ours over MSRP
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "sendq.h"
#include "chat_out.h"


bool chat_out_room(struct cpm *cpm, uint64_t conversation)
{
	(void)cpm;
	(void)conversation;

	return false;
}


int chat_out_send(struct sending *snd, const struct cpm_account *acc)
{
	(void)snd;
	(void)acc;

	return ENOTSUP;
}


void chat_out_stop(struct sending *snd)
{
	snd->chat = mem_deref(snd->chat);
}


void chat_out_session_up(struct session *s)
{
	(void)s;
}


void chat_out_session_over(struct session *s, uint16_t code, uint32_t after,
			   const char *reason)
{
	(void)s;
	(void)code;
	(void)after;
	(void)reason;
}
