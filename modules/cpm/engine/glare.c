/**
 * @file glare.c  Both sides begin a session of the same conversation at once
 *
 * wire.md 2.8. One session is enough, and both sides have to keep the same one:
 * that with the lower Contribution-ID. Who began the other one takes it back,
 * and what was to go over it goes over this one.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"


static bool isordinary(const struct session *s)
{
	return s->src->kind == CPM_CHAT && s->src->mode == CPM_SESSION &&
		!s->src->deferred;
}


/* Not sent yet, or not answered */
static bool ispending(const struct session *s)
{
	return s->outgoing &&
		(s->state == SESS_WAITING || s->state == SESS_CALLING);
}


struct session *glare_find(const struct session *theirs)
{
	const struct origin *org = &theirs->src->org;
	const struct list *list;
	struct le *le;

	if (!isordinary(theirs) || !org->peer || !org->conversation_id)
		return NULL;

	list = sessions_of(theirs->cpm, theirs->src->aor, org->peer);
	for (le = list_head(list); le; le = le->next) {
		struct session *s = le->data;

		if (isordinary(s) && ispending(s) &&
		    !str_cmp(s->src->org.conversation_id,
			     org->conversation_id))
			return s;
	}

	return NULL;
}


bool glare_wins(const struct session *ours, const struct session *theirs)
{
	const char *a = ours->src->org.contribution_id;
	const char *b = theirs->src->org.contribution_id;

	/* what was not sent, or has no number, is not the one to keep */
	return ours->state == SESS_CALLING && a && b && strcmp(a, b) < 0;
}
