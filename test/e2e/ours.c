/**
 * @file ours.c  Messages of ours that were sent before
 *
 * There is nothing yet that sends them, so they are put by the store itself
 * before the softphone is there.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "ours.h"
#include "scene.h"


static void set(struct env *env, char **strp, const char *str)
{
	if (str_dup(strp, str))
		e2e_fail("no memory in %s", env_path(env, "."));
}


static void put_handler(int err, const struct cpm_put_result *res, void *arg)
{
	if (err || res->duplicate)
		e2e_fail("a message of ours cannot be kept: %d", err);
	++*(unsigned *)arg;
}


static void put(struct env *env, struct cpm_store *st, const struct ours *o,
		unsigned *done)
{
	struct cpm_msg *msg = NULL;

	if (cpm_msg_alloc(&msg))
		e2e_fail("no memory");

	set(env, &msg->account, ALICE);
	set(env, &msg->key, env_str(env, "id:%s", o->conv));
	set(env, &msg->conversation_id, o->conv);
	set(env, &msg->msgkey, env_str(env, "out:%s", o->id));
	set(env, &msg->imdn_id, o->id);
	set(env, &msg->peer, o->peer);
	set(env, &msg->type, "text/plain");
	msg->direction = CPM_OUT;
	msg->kind   = o->kind;
	msg->status = o->status;
	msg->text   = true;
	msg->time   = msg->received = 1700000000000ULL;
	msg->body   = mbuf_alloc(16);
	if (!msg->body || mbuf_write_str(msg->body, "from Alice"))
		e2e_fail("no memory");
	msg->body->pos = 0;
	if (cpm_store_put(st, msg, put_handler, done))
		e2e_fail("a message of ours cannot be put");
	mem_deref(msg);
}


char *ours_db(struct env *env, const struct ours *v)
{
	char *path = env_path(env, "ours/cpm.db"), *why = NULL;
	struct cpm_store *st = NULL;
	unsigned n = 0, done = 0;

	if (libre_init() ||
	    cpm_store_open(&st, path, NULL, NULL, NULL, &why))
		e2e_fail("no database of ours: %s", why);
	for (; v[n].id; n++)
		put(env, st, &v[n], &done);
	cpm_store_close(&st);
	libre_close();
	if (done != n)
		e2e_fail("%u messages of ours, not %u", done, n);

	return env_str(env, "cpm_db %s\n", path);
}


char *ours_imdn(struct env *env, const char *id, const char *kind,
		const char *status)
{
	return env_str(env, "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">"
		       "<message-id>%s</message-id>"
		       "<datetime>2026-11-21T03:11:00Z</datetime>"
		       "<%s-notification><status><%s/></status>"
		       "</%s-notification></imdn>", id, kind, status, kind);
}


char *ours_encode(struct env *env, const char *text)
{
	char *out = env_str(env, "%*s", (int)(3 * strlen(text) + 1), "");
	char *p = out;

	for (; *text; text++) {
		if (isalnum((unsigned char)*text))
			*p++ = *text;
		else
			p += sprintf(p, "%%%02X", (unsigned char)*text);
	}
	*p = '\0';

	return out;
}
