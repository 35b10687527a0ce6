/**
 * @file session.c  Fuzz: whole MSRP sessions with the real stack, without
 * sockets
 *
 * The input is a script. Its first two octets say how the stack is set up;
 * then each octet's low five bits name a step ("a" is 1), whose arguments are
 * the octets behind it; digits are themselves in their low four bits, so that
 * a script can be read and written. In the end everything that holds is
 * loosened, and what is owed has to come.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "play/play.h"


enum {
	STEPS = 400,     /* of one script                                   */
	TURNS = 100000,  /* until nothing moves: more is a circle           */
	/* octets that the stack may hold: what is undecoded on each
	   connection and one read of it (64 KiB each), answers of a turn, and
	   what a peer does not take (512 KiB); and its tables */
	HELD_CONN  = 65536 * 4,
	HELD_STUCK = 524288 + 65536,
	HELD_SIDE  = 131072,
	HELD_REST  = 524288,
};

static const uint64_t maxv[] = {100000, 4096, 100, 1};
static const uint32_t sizev[] = {
	5, 1, 16, 100, 300, 2048, 5000, 0, 66000, 20, 21, 22, 23, 24, 25, 26,
};
static const uint16_t codev[] = {
	200, 413, 400, 403, 415, 500, 999, 408, 199, 201, 299, 300, 423, 481,
	501, 506,
};
static const uint32_t timev[] = {
	0, 1, 10, 100, 999, 1000, 1001, 5000, 15000, 30000, 30001, 60000,
	600000, 3600000, 2, 3,
};


static struct far *far_at(struct play *pl, uint8_t b)
{
	return &pl->farv[b % CONNS];
}


static struct side *side_at(struct play *pl, uint8_t b)
{
	return pl->sidev[b % SIDES];
}


static bool side_is(const struct side *side)
{
	return side && !side->gone && !side->ended;
}


/* s: a session. Bits: 1 listens, 2 starts, 4 IPv6, 8 knows no peer */
static void do_sess(struct play *pl, struct fuzz_in *in)
{
	const unsigned slot = fuzz_take(in) % SIDES;
	const uint8_t bits = fuzz_take(in);
	struct side *side = pl->sidev[slot];

	if (side && !side->gone && !side->ended)
		return;

	side = side_alloc(pl, slot, bits & 4, !(bits & 8));
	if (!side)
		return;

	pl->sidev[slot] = side;
	if (bits & 1)
		(void)msrp_sess_listen(side->sess);
	if (bits & 2)
		msrp_sess_start(side->sess);
	side_own(side);
}


/* h: how a session behaves from now on */
static void do_how(struct play *pl, struct fuzz_in *in)
{
	struct side *side = side_at(pl, fuzz_take(in));
	const uint8_t what = fuzz_take(in) & 7, val = fuzz_take(in);

	if (!side)
		return;

	switch (what) {

	case 0: side->keep = val & 1; break;
	case 1: side->scode = codev[val & 15]; break;
	case 2: side->open_code = val & 7 ? codev[val & 7] : 0; break;
	case 3:
		side->data_code = val & 7 ? codev[val & 7] : 0;
		side->data_in = val >> 4;
		break;
	case 4: side->pause_in = val & 15; break;
	case 5:
		side->leave = (val & 7) % (L_CLOSE + 1);
		side->leave_deref = val & 8;
		break;
	case 6: side->size = (uint64_t)val << (val >> 3 & 31); break;
	default:
		side->prank = (val & 15) % P_MAX;
		side->prank_in = val >> 4 & 7;
		side->hungry = val & 128;
		break;
	}
	/* a code below 300 is no refusal */
	if (side->open_code && side->open_code < 300)
		side->open_code = 0;
	if (side->data_code && side->data_code < 300)
		side->data_code = 0;
	if (side->scode < 200)
		side->scode = 200;
}


/* d: a peer dials */
static void do_dial(struct play *pl, struct fuzz_in *in)
{
	struct far *far = far_at(pl, fuzz_take(in));
	struct side *side = side_at(pl, fuzz_take(in));

	if ((far->fc && !far->fc->closed) || !side_is(side))
		return;

	far_reset(far);
	far->fc = fake_dial(msrp_sess_lport(side->sess));
}


/* Connections that we opened get a place, if there is one */
static void adopt(struct play *pl)
{
	unsigned i;

	for (i=0; i<CONNS; i++) {
		struct far *far = &pl->farv[i];
		struct fake_conn *fc;

		if (far->fc && !far->fc->closed)
			continue;
		fc = fake_dialled();
		if (!fc)
			return;
		far_reset(far);
		far->fc = fc;
	}
}


/* o: we open a connection */
static void do_open(struct play *pl, struct fuzz_in *in)
{
	struct side *side = side_at(pl, fuzz_take(in));
	const uint8_t b = fuzz_take(in);
	struct sa sa;

	if (!side_is(side))
		return;

	CHECK(!sa_set_str(&sa, "192.0.2.9", 9999));
	if (b & 8)
		fake_fail_connect(ECONNREFUSED);
	(void)msrp_sess_connect(side->sess, &sa);
	fake_fail_connect(0);
	adopt(pl);
}


/* e: it is established, or refused */
static void do_estab(struct play *pl, struct fuzz_in *in)
{
	struct far *far = far_at(pl, fuzz_take(in));
	const uint8_t b = fuzz_take(in);

	if (!far->fc || !far->fc->active || far->fc->estab)
		return;
	if (b & 1)
		fake_refuse(far->fc, ECONNREFUSED);
	else
		fake_establish(far->fc);
}


static void chunk_init(struct chunk *ch, struct fuzz_in *in)
{
	memset(ch, 0, sizeof(*ch));
	ch->id = fuzz_take(in) & 15;
	ch->start = 1;
	ch->bits = fuzz_take(in);
	ch->flag = '$';
	ch->total = sizev[ch->id];
	ch->total_set = true;
	ch->end_set = true;
}


/* m: a whole message. c: one part of so many. g: any chunk */
static void do_chunk(struct play *pl, struct fuzz_in *in, char how)
{
	static const char flagv[] = "$+#$";
	struct far *far = far_at(pl, fuzz_take(in));
	struct side *side = side_at(pl, fuzz_take(in));
	struct chunk ch;
	uint8_t b;

	chunk_init(&ch, in);
	ch.len = ch.total;
	if (how == 'c') {
		const uint64_t part = fuzz_take(in) & 7;
		uint64_t n;

		b = fuzz_take(in);
		n = 2 + (b & 3);
		if (part < n) {
			ch.start = 1 + ch.total * part / n;
			ch.len = ch.total * (part + 1) / n - (ch.start - 1);
		}
		ch.flag = part + 1 < n ? '+' : '$';
		if (b & 4)
			ch.flag = flagv[b >> 4 & 3];
		if (b & 8)
			ch.end_set = false;
	}
	else if (how == 'g') {
		ch.start = 1 + fuzz_take(in);
		ch.len = fuzz_take(in);
		ch.total = (uint64_t)fuzz_take(in) * fuzz_take(in);
		b = fuzz_take(in);
		ch.flag = flagv[b & 3];
		ch.total_set = b & 4;
		ch.end_set = b & 8;
		if (b & 16)
			ch.start = fuzz_take(in) ? UINT64_MAX : 0;
	}
	ch.end = ch.start + ch.len - 1;
	if (how == 'g' && fuzz_take(in) & 1)
		ch.end = fuzz_take(in);
	if (ch.bits & CB_NORANGE)
		ch.start = 1;
	/* what the body begins with has to be told right */
	if (!ch.start && side)
		side->dirty = true;

	far_chunk(pl, far, side, &ch);
}


/* b: many messages that are whole, or only begun; or one with holes */
static void do_burst(struct play *pl, struct fuzz_in *in)
{
	struct far *far = far_at(pl, fuzz_take(in));
	struct side *side = side_at(pl, fuzz_take(in));
	const uint8_t b = fuzz_take(in);
	const unsigned n = 1U << (fuzz_take(in) & 7);
	struct chunk ch;
	unsigned i;

	chunk_init(&ch, in);
	ch.id += MORE + (b & 2 ? 0 : 16 * ++pl->more);
	ch.total = b & 4 ? 1000 : 3;
	for (i=0; i<n; i++) {
		ch.len = ch.total;
		if (b & 2) {
			ch.bits &= (uint8_t)~CB_NORANGE;
			ch.total = 4000;
			ch.start = 1 + 2 * i + (b & 0xf0) * 16;
			ch.len = 1;
			ch.flag = '+';
		}
		else if (b & 1) {
			ch.len = ch.total / 2;
			ch.flag = '+';
		}
		ch.end = ch.start + ch.len - 1;
		far_chunk(pl, far, side, &ch);
		if (!(b & 2))
			ch.id = MORE + 16 * ++pl->more;
	}
}


/* w: any octets */
static void do_raw(struct play *pl, struct fuzz_in *in)
{
	struct far *far = far_at(pl, fuzz_take(in));
	size_t len = fuzz_take(in);

	len = min(len, in->l);
	far_raw(pl, far, in->p, len);
	in->p += len;
	in->l -= len;
}


/* q: one of: reads nothing; reads again; end of file; reset; size of reads */
static void do_peer(struct play *pl, struct fuzz_in *in)
{
	struct far *far = far_at(pl, fuzz_take(in));
	const uint8_t b = fuzz_take(in);

	if (!far->fc)
		return;

	switch (b & 7) {

	case 0: far->fc->stuck = false; break;
	case 1: far->fc->stuck = true; break;
	case 2: fake_eof(far->fc, 0); break;
	case 3: fake_eof(far->fc, ECONNRESET); break;
	case 4: fake_fail_send(EPIPE); break;
	default:
		far->fc->mtu = b & 8 ? 65536 : 1 + (b >> 4) * 3;
		break;
	}
}


/* k: answer a message. p: pause. u: go on. x: let go. l: start. */
static void do_sess_call(struct play *pl, struct fuzz_in *in, char what)
{
	struct side *side = side_at(pl, fuzz_take(in));
	const uint8_t b = fuzz_take(in);

	if (!side)
		return;
	if (what == 'k') {
		side_answer(side, b >> 4, codev[b & 15]);
		return;
	}
	if (!side_is(side))
		return;

	switch (what) {

	case 'p': msrp_sess_pause(side->sess, true); break;
	case 'u': msrp_sess_pause(side->sess, false); break;
	case 'l': msrp_sess_start(side->sess); break;
	default:  side_leave(side, b & 1); break;
	}
}


/* a: answer a request of ours. i: report about a message of ours */
static void do_answer(struct play *pl, struct fuzz_in *in, char what)
{
	static const uint16_t askv[] = {
		200, 200, 401, 403, 408, 413, 415, 423, 481, 501, 506, 299,
		300, 400, 200, 401,
	};
	struct far *far = far_at(pl, fuzz_take(in));
	const uint8_t b = fuzz_take(in), how = fuzz_take(in);

	if (what == 'a')
		ask_answer(far, b >> 4, askv[b & 15], how);
	else
		ask_report(pl, far, give_at(pl, b >> 4), askv[b & 15], how);
}


/* v: we send. z: what is done with a message. y: relays */
static void do_send(struct play *pl, struct fuzz_in *in, char what)
{
	const uint8_t a = fuzz_take(in), b = fuzz_take(in);
	struct side *side = side_at(pl, a);

	if (what == 'v' && side)
		give_send(side, sizev[a >> 4], b);
	else if (what == 'z')
		give_do(give_at(pl, a), b);
	else if (what == 'y')
		hop_do(pl, a >> 4, b, side);
}


static size_t allowed(const struct play *pl)
{
	size_t n = HELD_REST, i;
	const struct side *side;
	const struct note *note;

	for (i=0; i<CONNS; i++) {
		const struct fake_conn *fc = pl->farv[i].fc;

		if (fc && fc->tc)
			n += HELD_CONN + (fc->stuck || !fc->estab
					  ? HELD_STUCK : 0);
	}
	for (side = pl->sidel; side; side = side->next) {
		if (!side->sess)
			continue;
		n += HELD_SIDE;
		/* what it keeps for later, it holds itself */
		for (note = side->notel; note; note = note->next)
			n += note->arg_gone ? 0 : 1024;
	}

	return n;
}


static bool turn(struct play *pl)
{
	const bool did = fake_turn();
	unsigned i;

	adopt(pl);
	for (i=0; i<CONNS; i++)
		far_read(pl, &pl->farv[i]);
	CHECK(fake_mem_bytes() <= allowed(pl));

	return did;
}


static void turns(struct play *pl, unsigned n)
{
	while (n-- && turn(pl))
		;
}


static void step(struct play *pl, struct fuzz_in *in)
{
	const char c = (char)('a' - 1 + (fuzz_take(in) & 31));
	uint8_t b;

	switch (c) {

	case 's': do_sess(pl, in); break;
	case 'h': do_how(pl, in); break;
	case 'd': do_dial(pl, in); break;
	case 'o': do_open(pl, in); break;
	case 'e': do_estab(pl, in); break;
	case 'm':
	case 'c':
	case 'g': do_chunk(pl, in, c); break;
	case 'b': do_burst(pl, in); break;
	case 'w': do_raw(pl, in); break;
	case 'q': do_peer(pl, in); break;
	case 'k':
	case 'p':
	case 'u':
	case 'l':
	case 'x': do_sess_call(pl, in, c); break;
	case 'a':
	case 'i':
		do_answer(pl, in, c);
		break;
	case 'v':
	case 'z':
	case 'y':
		do_send(pl, in, c);
		break;
	case 't':
		fake_advance(timev[fuzz_take(in) & 15]);
		turns(pl, 1);
		break;
	case 'r': turns(pl, 1U << (fuzz_take(in) & 7)); break;
	case 'n':
		b = fuzz_take(in);
		fake_mem_fail(b & 63, b & 64);
		break;
	default: break;
	}
}


/* @return Whether something had to be answered */
static bool answer_all(struct play *pl)
{
	bool did = false;
	unsigned i;

	for (i=0; i<CONNS; i++) {
		struct far *far = &pl->farv[i];

		while (far->askl) {
			ask_answer(far, 0, 200, 0);
			did = true;
		}
	}

	return did;
}


/* Nothing holds any more: what is owed comes, and memory as well */
static void loosen(struct play *pl)
{
	struct side *side;
	unsigned i, n;

	fake_mem_fail(0, false);
	fake_fail_send(0);
	for (i=0; i<CONNS; i++) {
		if (!pl->farv[i].fc)
			continue;
		pl->farv[i].fc->stuck = false;
		pl->farv[i].fc->mtu = 65536;
	}
	for (n=0; n<TURNS; n++) {
		bool did;

		for (side = pl->sidel; side; side = side->next)
			side_calm(side);
		give_calm(pl);
		did = answer_all(pl);
		if (!turn(pl) && !did)
			break;
	}
	CHECK(n < TURNS);
	give_check(pl);
	for (i=0; i<CONNS; i++)
		far_check(pl, &pl->farv[i]);
	for (side = pl->sidel; side; side = side->next) {
		struct msrp_stats stats = {.bytes = 0};

		if (!side->sess)
			continue;
		msrp_sess_stats(side->sess, &stats);
		CHECK(stats.bytes == side->octets);
		if (side_is(side))
			CHECK(!side->donec);
	}
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct play pl;
	struct side *side;
	unsigned n;
	uint8_t b;

	memset(&pl, 0, sizeof(pl));
	b = fuzz_take(&in);
	pl.conf.max_size = maxv[b & 3];
	pl.conf.idle_timeout = b & 4 ? 5000 : 0;
	pl.conf.trans_timeout = b & 8 ? 1000 : 0;
	b = fuzz_take(&in);

	fake_open();
	CHECK(!msrp_alloc(&pl.msrp, &pl.conf));
	for (n=0; n<STEPS && in.l; n++)
		step(&pl, &in);
	loosen(&pl);

	/* in either order */
	hop_free(&pl);
	if (b & 1)
		pl.msrp = mem_deref(pl.msrp);
	if (b & 2)
		give_free(&pl);
	for (side = pl.sidel; side; side = side->next)
		side_release(side);
	give_free(&pl);
	mem_deref(pl.msrp);
	while (pl.sidel) {
		side = pl.sidel;
		pl.sidel = side->next;
		side_free(side);
	}
	for (n=0; n<CONNS; n++)
		far_reset(&pl.farv[n]);
	fake_close();

	return 0;
}
