/**
 * @file ask.c  What the stack of a play sends, as its far end sees it, and
 * how that is answered
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "play.h"


enum { ASKS = 2048 };

static const char anybody[] = "msrp://192.0.2.1:7001/anybody;tcp";


static struct give *give_find(const struct play *pl, const struct pl *msgid)
{
	struct give *give;
	char str[16];

	for (give = pl->givel; give; give = give->next) {
		(void)re_snprintf(str, sizeof(str), "s%u", give->id);
		if (!pl_strcmp(msgid, str))
			return give;
	}

	return NULL;
}


static uint64_t number(struct pl *pl)
{
	uint64_t n = 0;

	CHECK(pl->l && pl->p[0] >= '0' && pl->p[0] <= '9');
	while (pl->l && pl->p[0] >= '0' && pl->p[0] <= '9') {
		n = n * 10 + (uint64_t)(pl->p[0] - '0');
		pl_advance(pl, 1);
	}

	return n;
}


static void range_check(const struct give *give, const struct frame *fr)
{
	struct pl pl = fr->range;

	CHECK(number(&pl) == give->got + 1);
	CHECK(pl.l && pl.p[0] == '-');
	pl_advance(&pl, 1);
	if (pl.l && pl.p[0] == '*')
		pl_advance(&pl, 1);
	else
		CHECK(number(&pl) == give->got + fr->body.l);
	CHECK(pl.l && pl.p[0] == '/');
	pl_advance(&pl, 1);
	CHECK(number(&pl) == give->size && !pl.l);
}


/* A chunk of a message of ours: in order, each octet once, nothing after its
   end */
static void chunk_recv(struct give *give, const struct frame *fr)
{
	size_t i;

	CHECK(!give->fin);
	CHECK(!pl_strcmp(&fr->from, give->side->own));
	CHECK(fr->has_body == !give->bodiless && fr->has_body ==
	      (fr->ctype.p != NULL));
	range_check(give, fr);
	for (i=0; i<fr->body.l; i++)
		CHECK(fr->body.p[i] == octet(give->id, give->got + i));
	give->got += fr->body.l;
	CHECK(give->got <= give->size);

	if (fr->flag == '#') {
		/* nobody waits for an answer to it */
		CHECK(!pl_strcmp(&fr->freport, "no") && !fr->body.l);
		CHECK(give->ended || give->side->gone || give->side->ended);
		give->fin = '#';
		return;
	}
	CHECK(give->freport == MSRP_FREPORT_YES ? !fr->freport.p
	      : !pl_strcmp(&fr->freport, give->freport == MSRP_FREPORT_NO
			   ? "no" : "partial"));
	CHECK(give->sreport ? !pl_strcmp(&fr->sreport, "yes")
	      : !fr->sreport.p);
	CHECK((fr->flag == '$') == (give->got == give->size));
	if (fr->flag == '$')
		give->fin = '$';
	++give->chunks;
}


/* A SEND or an AUTH of ours */
void ask_recv(struct play *pl, struct far *far, const struct frame *fr)
{
	struct ask *ask = calloc(1, sizeof(*ask)), **p = &far->askl;
	unsigned n = 0;

	CHECK(ask != NULL);
	CHECK(!pl_strcmp(&fr->what, "SEND") || !pl_strcmp(&fr->what, "AUTH"));
	(void)pl_strcpy(&fr->tid, ask->tid, sizeof(ask->tid));
	ask->met = fr->what.p[0];
	if (ask->met == 'S')
		ask->give = give_find(pl, &fr->msgid);
	if (ask->give)
		chunk_recv(ask->give, fr);

	for (; *p; p = &(*p)->next, n++)
		CHECK(strcmp((*p)->tid, ask->tid));
	CHECK(n < ASKS);
	*p = ask;
	/* such a one is not answered */
	if (!pl_strcmp(&fr->freport, "no")) {
		*p = NULL;
		free(ask);
	}
}


/* What an answer to AUTH says besides */
static const char *auth_headers(uint16_t scode, uint8_t how)
{
	static const char *const goodv[] = {
		"Use-Path: msrp://192.0.2.9:2855/u;tcp\r\nExpires: 600\r\n",
		"Use-Path: msrp://192.0.2.8/a;tcp msrp://[::1]:1/b;tcp\r\n"
		"Expires: 1\r\n",
		"Use-Path: msrp://relay.example:2855/u;tcp\r\n",
		"Expires: 600\r\n",
		"Use-Path: nothing\r\n",
		"Use-Path: msrp://192.0.2.9:2855/u;tcp\r\nExpires: 100\r\n"
		"Authentication-Info: nextnonce=\"m\", qop=auth, "
		"rspauth=\"00000000000000000000000000000000\"\r\n",
		"Use-Path: msrp://192.0.2.9:2855/u;tcp\r\n"
		"Authentication-Info: nextnonce=\"m\"\r\n",
		"Use-Path: msrps://192.0.2.9:2855/u;tcp\r\n",
	};
	static const char *const digestv[] = {
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		"qop=\"auth\"\r\n",
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", "
		"qop=\"auth\", stale=true, opaque=\"o\"\r\n",
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n",
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		"qop=\"auth-int,auth\", algorithm=MD5\r\n",
		"WWW-Authenticate: Digest nonce=, realm=\"\r\n",
		"WWW-Authenticate: Basic realm=\"r\"\r\n",
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		"qop=auth, algorithm=SHA-256\r\n",
		"",
	};
	static const char *const boundv[] = {
		"Min-Expires: 900\r\n", "Max-Expires: 5\r\n", "",
		"Min-Expires: 0\r\nMax-Expires: 0\r\n",
	};

	if (scode == 401)
		return digestv[how & 7];
	if (scode == 423)
		return boundv[how & 3];

	return scode < 300 ? goodv[how & 7] : "";
}


/* Answer one that waits, in any order */
void ask_answer(struct far *far, unsigned nth, uint16_t scode, uint8_t how)
{
	struct ask **p = &far->askl, *ask;
	char str[1024];

	while (*p && nth--)
		p = &(*p)->next;
	ask = *p;
	if (!ask || !far->fc)
		return;

	if (re_snprintf(str, sizeof(str), "MSRP %s %03u x\r\n"
			"To-Path: %s\r\nFrom-Path: %s\r\n%s-------%s$\r\n",
			ask->tid, (uint32_t)scode, anybody, anybody,
			ask->met == 'A' ? auth_headers(scode, how) : "",
			ask->tid) < 0)
		return;

	far_put(far, str);
	if (ask->give && scode < 300)
		++ask->give->oks;
	else if (ask->give)
		ask->give->refused = true;
	*p = ask->next;
	free(ask);
}


/* Report about a message of ours, true or not */
void ask_report(struct play *pl, struct far *far, struct give *give,
		uint16_t scode, uint8_t how)
{
	char str[1024];
	uint64_t end;

	if (!give || !far->fc)
		return;

	end = how & 1 ? give->size : how & 2 ? give->got : give->got / 2;
	if (re_snprintf(str, sizeof(str), "MSRP t%07u REPORT\r\nTo-Path: %s\r\n"
			"From-Path: msrp://peer.example:9999/p%u;tcp\r\n"
			"Message-ID: s%u\r\nByte-Range: 1-%llu/%llu\r\n"
			"Status: 00%u %03u x\r\n-------t%07u$\r\n",
			++pl->nums, give->side->own, give->side->slot,
			give->id, (unsigned long long)end,
			(unsigned long long)give->size, how >> 2 & 1,
			(uint32_t)scode, pl->nums) < 0)
		return;

	far_put(far, str);
	if (scode >= 300)
		give->refused = true;
}


void ask_reset(struct far *far)
{
	while (far->askl) {
		struct ask *ask = far->askl;

		far->askl = ask->next;
		free(ask);
	}
}
