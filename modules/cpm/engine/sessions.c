/**
 * @file sessions.c  Which sessions there are: found by number and by dialog,
 * and limited for each sender
 *
 * A peer is a sender as SIP tells it (Referred-By, else the asserted
 * identity, else From): the server that delivers has a session for each
 * sender and conversation, and is bounded by the limit of all sessions only.
 * Whoever hides is one peer together.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"


enum {
	/* ten thousand sessions: some in a bucket */
	SESSION_HASH = 4096,
};

/* Each of its sessions holds a reference */
struct sender {
	struct le he;
	const char *aor;          /* these two into buf                     */
	const char *peer;
	struct list sessl;        /* struct session                         */
	char buf[];
};

struct key {
	const char *aor;
	const char *peer;
};


static void destructor(void *arg)
{
	struct sender *sender = arg;

	hash_unlink(&sender->he);
}


static uint32_t key_hash(const struct key *key)
{
	return hash_joaat_str(key->aor) ^ hash_joaat_str(key->peer);
}


static bool sender_cmp(struct le *le, void *arg)
{
	const struct sender *sender = le->data;
	const struct key *key = arg;

	return !str_cmp(sender->peer, key->peer) &&
		!str_cmp(sender->aor, key->aor);
}


static struct sender *sender_find(const struct cpm *cpm, struct key *key)
{
	return list_ledata(hash_lookup(cpm->senderh, key_hash(key),
				       sender_cmp, key));
}


static struct key key_of(const struct source *src)
{
	/* no URI is empty */
	const struct key key = {src->aor,
		src->org.peer ? src->org.peer : ""};

	return key;
}


/* Who only the server is known of is not one sender */
static bool limited(const struct source *src)
{
	return src->org.peer || !src->org.standfw;
}


static int sender_take(struct sender **senderp, struct cpm *cpm,
		       const struct source *src)
{
	struct key key = key_of(src);
	const size_t n = strlen(key.aor) + 1, m = strlen(key.peer) + 1;
	struct sender *sender;

	if (!limited(src))
		return 0;

	sender = mem_ref(sender_find(cpm, &key));
	if (!sender) {
		sender = mem_zalloc(sizeof(*sender) + n + m, destructor);
		if (!sender)
			return ENOMEM;

		sender->aor = memcpy(sender->buf, key.aor, n);
		sender->peer = memcpy(sender->buf + n, key.peer, m);
		hash_append(cpm->senderh, key_hash(&key), &sender->he,
			    sender);
	}

	*senderp = sender;

	return 0;
}


int sessions_alloc(struct cpm *cpm)
{
	int err;

	err = hash_alloc(&cpm->numberh, SESSION_HASH);
	if (!err)
		err = hash_alloc(&cpm->callidh, SESSION_HASH);
	if (!err)
		err = hash_alloc(&cpm->senderh, SESSION_HASH);

	return err;
}


void sessions_close(struct cpm *cpm)
{
	list_flush(&cpm->sessl);
	cpm->numberh = mem_deref(cpm->numberh);
	cpm->callidh = mem_deref(cpm->callidh);
	cpm->senderh = mem_deref(cpm->senderh);
}


bool sessions_full(const struct cpm *cpm)
{
	return cpm->sessc >= cpm->conf.max_sessions;
}


bool sessions_sender_full(const struct cpm *cpm, const struct source *src)
{
	struct key key = key_of(src);

	return limited(src) &&
		mem_nrefs(sender_find(cpm, &key)) >= cpm->conf.peer_sessions;
}


int sessions_add(struct session *s)
{
	struct cpm *cpm = s->cpm;
	int err;

	err = sender_take(&s->sender, cpm, s->src);
	if (err)
		return err;

	s->id = ++cpm->sess_last;
	++cpm->sessc;
	list_append(&cpm->sessl, &s->le, s);
	if (s->sender)
		list_append(&s->sender->sessl, &s->sle, s);
	hash_append(cpm->numberh, s->id, &s->nle, s);
	if (s->src->callid)
		hash_append(cpm->callidh, hash_joaat_str(s->src->callid),
			    &s->cle, s);

	return 0;
}


int sessions_set_callid(struct session *s, const char *callid)
{
	char *copy;
	int err;

	err = str_dup(&copy, callid);
	if (err)
		return err;

	mem_deref(s->src->callid);
	s->src->callid = copy;
	hash_unlink(&s->cle);
	hash_append(s->cpm->callidh, hash_joaat_str(copy), &s->cle, s);

	return 0;
}


void sessions_remove(struct session *s)
{
	/* list_flush() has taken it off its list */
	if (!s->nle.list)
		return;

	--s->cpm->sessc;
	list_unlink(&s->le);
	list_unlink(&s->sle);
	hash_unlink(&s->nle);
	hash_unlink(&s->cle);
	s->sender = mem_deref(s->sender);
}


const struct list *sessions_of(const struct cpm *cpm, const char *aor,
			       const char *peer)
{
	struct key key = {aor, peer ? peer : ""};
	const struct sender *sender = sender_find(cpm, &key);

	return sender ? &sender->sessl : NULL;
}


static bool number_cmp(struct le *le, void *arg)
{
	const struct session *s = le->data;

	return s->id == *(const uint32_t *)arg;
}


struct session *sessions_find(const struct cpm *cpm, uint32_t id)
{
	return cpm ? list_ledata(hash_lookup(cpm->numberh, id, number_cmp,
					     &id)) : NULL;
}


static bool dialog_cmp(struct le *le, void *arg)
{
	const struct session *s = le->data;

	return s->sip && sip_dialog_cmp(sipsess_dialog(s->sip), arg);
}


struct session *sessions_dialog(const struct cpm *cpm,
				const struct sip_msg *msg)
{
	return list_ledata(hash_lookup(cpm->callidh,
				       hash_joaat_pl(&msg->callid),
				       dialog_cmp, (void *)msg));
}


static bool called_cmp(struct le *le, void *arg)
{
	const struct session *s = le->data;

	return s->state == SESS_CALLING && s->sip &&
		sip_dialog_cmp_half(sipsess_dialog(s->sip), arg);
}


struct session *sessions_called(const struct cpm *cpm,
				const struct sip_msg *msg)
{
	return list_ledata(hash_lookup(cpm->callidh,
				       hash_joaat_pl(&msg->callid),
				       called_cmp, (void *)msg));
}
