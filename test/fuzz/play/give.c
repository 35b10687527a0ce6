/**
 * @file give.c  The application of a play, as far as it sends
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "play.h"


struct give *give_at(const struct play *pl, unsigned nth)
{
	struct give *give = pl->givel;

	while (give && nth--)
		give = give->next;

	return give;
}


void give_do(struct give *give, uint8_t what)
{
	if (!give || !give->tx)
		return;

	switch (what & 3) {

	case 0: msrp_tx_wake(give->tx); break;
	case 1:
		give->aborted = true;
		msrp_tx_abort(give->tx);
		CHECK(give->ended || give->side->gone);
		break;
	case 2:
		give->freed = true;
		give->tx = mem_deref(give->tx);
		break;
	default:
		CHECK(msrp_tx_acked(give->tx) <= msrp_tx_sent(give->tx));
		CHECK(msrp_tx_sent(give->tx) <= give->size);
		CHECK(give->got <= msrp_tx_sent(give->tx));
		break;
	}
}


/* What only a careless application does. @return errno for readh */
static int prank(struct give *give)
{
	struct side *side = give->side;
	uint8_t what = side->prank;

	if (!what || side->prank_in--)
		return 0;

	side->prank = P_NONE;
	switch (what) {

	case P_CLOSE:       side_leave(side, false); break;
	case P_FREE_SESS:   side_leave(side, true); break;
	case P_FREE:        give_do(give, 2); break;
	case P_ABORT:       give_do(give, 1); break;
	case P_WAKE:        give_do(give, 0); break;
	case P_ERROR:       return EIO;
	case P_SEND:        give_send(side, 3000, 0x08); break;
	case P_FREE_OTHER:  give_do(give_at(side->pl, 1), 2); break;
	case P_ABORT_OTHER: give_do(give_at(side->pl, 1), 1); break;
	case P_PEER:
		if (!side->gone && !side->ended)
			(void)msrp_sess_set_peer(side->sess,
				"msrp://another.example:9999/much-longer-than-"
				"the-one-before-so-that-lengths-change;tcp");
		break;
	case P_PAUSE:
		if (!side->gone && !side->ended)
			msrp_sess_pause(side->sess, true);
		break;
	default: break;
	}

	return 0;
}


static int read_handler(uint64_t off, uint8_t *buf, size_t *len, void *arg)
{
	struct give *give = arg;
	struct side *side = give->side;
	size_t i, n = *len;
	int err;

	CHECK(!give->freed && !give->ended && !side->gone && !side->ended);
	CHECK(n > 0 && off == give->asked && n <= give->size - off);

	err = prank(give);
	if (err)
		give->failed = true;
	if (err)
		return err;

	if (side->hungry) {
		*len = 0;
		return 0;
	}
	/* sometimes less than there is room for; the room is there whatever
	   was done */
	if (off % 3 == 1)
		n = (n + 1) / 2;
	for (i=0; i<n; i++)
		buf[i] = (uint8_t)octet(give->id, off + i);
	give->asked += n;
	*len = n;

	return 0;
}


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct give *give = arg;
	struct side *side = give->side;

	CHECK(!give->freed && !give->ended && !side->gone && !side->ended);
	give->ended = true;

	switch (err) {

	case 0:
		CHECK(scode == 200);
		if (give->freport == MSRP_FREPORT_YES && !side->dirty)
			CHECK(give->fin == '$' && give->oks == give->chunks);
		if (give->tx)
			CHECK(msrp_tx_sent(give->tx) == give->size);
		break;

	case EPROTO:
		CHECK(scode >= 300);
		CHECK(give->refused || side->dirty);
		break;

	case ETIMEDOUT: CHECK(scode == 408); break;
	case ECANCELED: CHECK(!scode && give->aborted); break;
	case EIO:       CHECK(!scode && give->failed); break;
	default:
		CHECK(!scode);
		CHECK(err == ENOTCONN || err == ENOMEM);
		break;
	}
	(void)prank(give);
}


static void report_handler(uint16_t scode, const struct msrp_range *range,
			   void *arg)
{
	struct give *give = arg;

	CHECK(!give->freed && !give->side->gone && scode >= 100);
	CHECK(range != NULL);
	(void)prank(give);
}


/* Bits: 1, 2 Failure-Report, 4 Success-Report, 8 readh, 16 the session has
   it, 32 from the middle on, 64 no body, 128 an id that is taken */
void give_send(struct side *side, uint64_t size, uint8_t bits)
{
	struct play *pl = side->pl;
	struct give *give;
	struct msrp_send send;
	char msgid[16];
	uint64_t i;
	int err;

	if (side->gone || side->ended || pl->gives >= GIVES)
		return;

	give = calloc(1, sizeof(*give));
	CHECK(give != NULL);
	give->side = side;
	give->id = ++pl->gives;
	give->bodiless = bits & 64;
	give->size = give->bodiless ? 0 : size;
	give->start = give->got = give->asked = bits & 32 ? give->size / 2
		: 0;
	give->freport = (bits & 3) % 3;
	give->sreport = bits & 4;

	memset(&send, 0, sizeof(send));
	(void)re_snprintf(msgid, sizeof(msgid), "s%u", give->id);
	send.msgid = msgid;
	send.ctype = give->bodiless ? NULL : "text/plain";
	send.size = give->size;
	send.start = give->start;
	send.failure_report = give->freport;
	send.success_report = give->sreport;
	send.senth = sent_handler;
	send.reporth = report_handler;
	send.arg = give;
	if (bits & 8 || !give->size) {
		send.readh = read_handler;
	}
	else {
		fake_mem_hold(true);
		send.mb = mbuf_alloc(give->size);
		for (i=0; i<give->size; i++)
			(void)mbuf_write_u8(send.mb,
					    (uint8_t)octet(give->id, i));
		send.mb->pos = 0;
		fake_mem_hold(false);
	}
	err = msrp_send(bits & 16 ? NULL : &give->tx, side->sess, &send);
	if (!err && bits & 128)
		CHECK(msrp_send(NULL, side->sess, &send) == EALREADY);
	mem_deref(send.mb);
	if (err) {
		CHECK(err == ENOMEM || (err == EPROTO && side->anyone));
		free(give);
		return;
	}
	if (give->tx)
		CHECK(!strcmp(msrp_tx_msgid(give->tx), msgid));
	give->next = pl->givel;
	pl->givel = give;
}


void give_calm(struct play *pl)
{
	struct give *give;

	for (give = pl->givel; give; give = give->next) {
		give_do(give, 0);
		give_do(give, 3);
	}
}


/* In the end, when all was answered: each has ended whose end can be known */
void give_check(const struct play *pl)
{
	const struct give *give;

	for (give = pl->givel; give; give = give->next) {
		const struct side *side = give->side;

		if (give->ended || give->freed || side->gone || side->ended ||
		    side->dirty || !side->bound ||
		    give->freport == MSRP_FREPORT_PARTIAL)
			continue;

		/* the session's own: not to be woken */
		if (!give->tx && give->asked < give->size)
			continue;

		fprintf(stderr, "s%u of session %u: %llu of %llu octets "
			"came, %u of %u answered\n", give->id, side->slot,
			(unsigned long long)give->got,
			(unsigned long long)give->size, give->oks,
			give->chunks);
		CHECK(give->ended);
	}
}


void give_free(struct play *pl)
{
	while (pl->givel) {
		struct give *give = pl->givel;

		pl->givel = give->next;
		give->freed = true;
		mem_deref(give->tx);
		free(give);
	}
}
