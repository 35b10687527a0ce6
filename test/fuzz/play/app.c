/**
 * @file app.c  The application of a play: what its handlers are called with
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "play.h"


static const char peer_fmt[] = "msrp://peer.example:9999/p%u;tcp";


struct note *note_find(const struct side *side, uint32_t id)
{
	struct note *note;

	/* the newest first: an id may come again once it was answered */
	for (note = side->notel; note; note = note->next) {
		if (note->id == id)
			return note;
	}

	return NULL;
}


static void arg_destructor(void *arg)
{
	struct note **notep = arg;

	CHECK(!(*notep)->arg_gone);
	(*notep)->arg_gone = true;
}


static struct note *note_of(const struct msrp_rx *rx, const struct side *side)
{
	struct note **notep = msrp_rx_arg(rx);

	CHECK(notep != NULL);
	CHECK((*notep)->side == side && !(*notep)->arg_gone);

	return *notep;
}


static void note_end(struct note *note)
{
	if (note->state == NOTE_OPEN)
		--note->side->openc;
	else if (note->state == NOTE_DONE)
		--note->side->donec;
	note->state = NOTE_GONE;
}


/* All messages of a session that goes end with it */
static void notes_end(struct side *side)
{
	struct note *note;

	for (note = side->notel; note; note = note->next)
		note_end(note);
}


void side_leave(struct side *side, bool deref)
{
	if (side->gone || side->ended)
		return;

	side->gone = true;
	notes_end(side);
	if (deref)
		side->sess = mem_deref(side->sess);
	else
		msrp_sess_close(side->sess);
}


static bool maybe_leave(struct side *side, uint8_t in)
{
	if (side->leave != in)
		return false;

	side_leave(side, side->leave_deref);

	return true;
}


static uint32_t id_of(const char *msgid)
{
	char *end;
	unsigned long id;

	if (msgid[0] != 'm' || msgid[1] < '0' || msgid[1] > '9')
		return NO_ID;

	id = strtoul(msgid + 1, &end, 10);

	return *end || id >= NO_ID ? NO_ID : (uint32_t)id;
}


static uint16_t open_handler(struct msrp_rx *rx, void *arg)
{
	struct side *side = arg;
	struct note *note = calloc(1, sizeof(*note)), **notep;

	CHECK(note && !side->gone && !side->ended && side->bound);
	CHECK(!msrp_rx_arg(rx));
	CHECK(str_isset(msrp_rx_msgid(rx)) && str_isset(msrp_rx_ctype(rx)));

	note->side = side;
	note->id = id_of(msrp_rx_msgid(rx));
	note->next = side->notel;
	side->notel = note;
	++side->openc;
	CHECK(side->openc <= MSRP_OPEN_MAX);

	fake_mem_hold(true);
	notep = mem_alloc(sizeof(*notep), arg_destructor);
	fake_mem_hold(false);
	*notep = note;
	msrp_rx_set_arg(rx, notep);
	CHECK(msrp_rx_arg(rx) == notep);

	if (side->keep)
		note->rx = mem_ref(rx);
	if (side->size)
		msrp_rx_set_size(rx, side->size);
	if (maybe_leave(side, L_OPEN))
		return side->open_code;

	if (side->open_code) {
		note->refused = true;
		note_end(note);
	}

	return side->open_code;
}


static bool bit(const struct note *note, uint64_t i)
{
	return i / 8 < note->mapl && note->map[i / 8] >> (i % 8) & 1;
}


static void map_grow(struct note *note, uint64_t end)
{
	const size_t n = (size_t)end / 8 + 1;

	if (n <= note->mapl)
		return;

	note->map = realloc(note->map, 2 * n);
	CHECK(note->map != NULL);
	memset(note->map + note->mapl, 0, 2 * n - note->mapl);
	note->mapl = 2 * n;
}


static uint64_t begun(struct note *note, uint64_t most)
{
	while (note->begun < most && bit(note, note->begun))
		++note->begun;

	return note->begun;
}


static uint16_t data_handler(struct msrp_rx *rx, uint64_t off,
			     const uint8_t *buf, size_t len, void *arg)
{
	struct side *side = arg;
	struct note *note = note_of(rx, side);
	const uint64_t total = msrp_rx_total(rx);
	uint64_t i;

	CHECK(!side->gone && !side->ended && note->state == NOTE_OPEN);
	CHECK(len > 0 && off <= side->max_size &&
	      len <= side->max_size - off);
	CHECK(!total || (off <= total && len <= total - off));

	map_grow(note, off + len);
	for (i=0; i<len; i++) {
		CHECK(!bit(note, off + i));
		note->map[(off + i) / 8] |= (uint8_t)(1 << (off + i) % 8);
		CHECK(side->dirty || note->id == NO_ID ||
		      buf[i] == (uint8_t)octet(note->id, off + i));
	}
	note->octets += len;
	side->octets += len;
	CHECK(msrp_rx_begun(rx) == begun(note, side->max_size));

	if (side->pause_in && !--side->pause_in) {
		side->paused = true;
		msrp_sess_pause(side->sess, true);
	}
	if (maybe_leave(side, L_DATA))
		return side->data_code;
	if (!side->data_code)
		return 0;
	if (side->data_in) {
		--side->data_in;
		return 0;
	}

	/* drop_handler() is called for it */
	return side->data_code;
}


static void answer(struct note *note, struct msrp_rx *rx, uint16_t scode)
{
	const bool done = note->state == NOTE_DONE;
	const int err = msrp_rx_answer(rx, scode, NULL);

	if (!err) {
		CHECK(note->state == NOTE_OPEN || done);
		CHECK(done || scode >= 300);
		note->scode = scode;
		note->refused = !done;
		note_end(note);
		CHECK(msrp_rx_answer(rx, 200, NULL) == EALREADY);
		return;
	}

	if (scode < 200)
		CHECK(err == EINVAL);
	else if (note->state == NOTE_OPEN)
		CHECK(err == ENOTCONN || (err == EINVAL && scode < 300));
	else if (done)
		CHECK(err == ENOTCONN || err == ENOMEM);
	else
		CHECK(err == EALREADY || err == ENOTCONN);
}


static void done_handler(struct msrp_rx *rx, void *arg)
{
	struct side *side = arg;
	struct note *note = note_of(rx, side);

	CHECK(!side->gone && !side->ended && note->state == NOTE_OPEN);
	CHECK(note->octets == msrp_rx_total(rx));
	CHECK(begun(note, side->max_size) == note->octets);
	CHECK(note->octets > 0);

	note->state = NOTE_DONE;
	--side->openc;
	++side->donec;
	if (maybe_leave(side, L_DONE))
		return;

	if (!side->keep)
		answer(note, rx, side->scode);
	if (note->state == NOTE_DONE && !note->rx)
		note->rx = mem_ref(rx);
}


static void drop_handler(struct msrp_rx *rx, void *arg)
{
	struct side *side = arg;
	struct note *note = note_of(rx, side);

	CHECK(!side->gone && !side->ended && note->state == NOTE_OPEN);
	note->refused = true;
	note_end(note);
	(void)maybe_leave(side, L_DROP);
}


static void estab_handler(void *arg)
{
	struct side *side = arg;

	CHECK(!side->gone && !side->ended && !side->bound);
	side->bound = true;
	(void)maybe_leave(side, L_ESTAB);
}


static void close_handler(int err, void *arg)
{
	struct side *side = arg;

	(void)err;
	CHECK(!side->gone && !side->ended);
	side->ended = true;
	notes_end(side);
	if (side->leave == L_CLOSE && side->leave_deref)
		side->sess = mem_deref(side->sess);
	else if (side->leave == L_CLOSE)
		msrp_sess_close(side->sess);
}


const struct msrp_sess_h play_handlers = {
	.openh = open_handler,
	.datah = data_handler,
	.doneh = done_handler,
	.droph = drop_handler,
	.estabh = estab_handler,
	.closeh = close_handler,
};


/* Our URI stands behind those of relays */
void side_own(struct side *side)
{
	const char *path = msrp_sess_path(side->sess);
	const char *last = strrchr(path, ' ');

	str_ncpy(side->own, last ? last + 1 : path, sizeof(side->own));
}


struct side *side_alloc(struct play *pl, unsigned slot, bool v6, bool peer)
{
	struct side *side = calloc(1, sizeof(*side));
	char path[64];
	struct sa laddr;
	int err;

	CHECK(side != NULL);
	side->slot = slot;
	side->scode = 200;
	side->anyone = !peer;
	side->max_size = pl->conf.max_size;
	CHECK(!sa_set_str(&laddr, v6 ? "2001:db8::1" : "192.0.2.1", 0));
	err = msrp_sess_alloc(&side->sess, pl->msrp, &laddr, false,
			      &play_handlers, side);
	if (!err && peer) {
		(void)re_snprintf(path, sizeof(path), peer_fmt, slot);
		err = msrp_sess_set_peer(side->sess, path);
	}
	if (err) {
		CHECK(err == ENOMEM);
		mem_deref(side->sess);
		free(side);
		return NULL;
	}

	side->pl = pl;
	side_own(side);
	side->next = pl->sidel;
	pl->sidel = side;

	return side;
}


/* Answer the nth message that is kept or open; those that are gone as well */
void side_answer(struct side *side, unsigned nth, uint16_t scode)
{
	struct note *note = side->notel;

	while (note && nth--)
		note = note->next;
	if (note && note->rx)
		answer(note, note->rx, scode);
}


/* From here on it takes all that comes, and answers what it owes */
void side_calm(struct side *side)
{
	struct note *note;

	side->open_code = side->data_code = 0;
	side->pause_in = 0;
	side->leave = L_NONE;
	side->keep = false;
	side->scode = 200;
	side->prank = P_NONE;
	side->hungry = false;
	if (side->gone || side->ended)
		return;

	msrp_sess_pause(side->sess, false);
	side->paused = false;
	msrp_sess_start(side->sess);
	for (note = side->notel; note; note = note->next) {
		if (note->state == NOTE_DONE)
			answer(note, note->rx, 200);
		if (side->gone || side->ended)
			return;
	}
}


/* Nothing of it is held any more */
void side_release(struct side *side)
{
	struct note *note;

	side->gone = true;
	side->sess = mem_deref(side->sess);
	for (note = side->notel; note; note = note->next)
		note->rx = mem_deref(note->rx);
}


/* When the stack has gone as well */
void side_free(struct side *side)
{
	while (side->notel) {
		struct note *note = side->notel;

		side->notel = note->next;
		CHECK(note->arg_gone);
		free(note->map);
		free(note);
	}
	free(side);
}
