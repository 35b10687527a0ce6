/**
 * @file hop.c  Relays of ours in a play
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "play.h"


static void relay_handler(int err, uint16_t scode, void *arg)
{
	struct hop *hop = arg;

	CHECK(hop->relay != NULL);
	CHECK(err || !scode);
	CHECK(err ? true : !hop->up);
	hop->up = !err;
	CHECK(msrp_relay_isup(hop->relay) == hop->up);
	if (hop->leave) {
		hop->up = false;
		hop->relay = mem_deref(hop->relay);
	}
}


static void hop_alloc(struct play *pl, struct hop *hop, uint8_t bits)
{
	struct msrp_relay_conf conf;
	int err;

	memset(&conf, 0, sizeof(conf));
	conf.uri = bits & 4 ? "msrp://192.0.2.9:2855;tcp "
		"msrp://second.example;tcp" : "msrp://192.0.2.9:2855;tcp";
	conf.user = "alice";
	conf.pass = "secret";
	conf.expires = bits & 8 ? 300 : 0;
	CHECK(!sa_set_str(&conf.addr, "192.0.2.9", 2855));
	hop->up = false;
	hop->leave = bits & 16;
	err = msrp_relay_alloc(&hop->relay, pl->msrp, &conf, relay_handler,
			       hop);
	CHECK(err == 0 || err == ENOMEM);
	if (err)
		hop->relay = NULL;
}


/* what: 0 there is one, 1 a session uses it, 2 it goes, 3 it tries again;
   the bits above say how */
void hop_do(struct play *pl, uint8_t slot, uint8_t what, struct side *side)
{
	struct hop *hop = &pl->hopv[slot % RELAYS];
	int err;

	switch (what & 3) {

	case 0:
		if (!hop->relay)
			hop_alloc(pl, hop, what);
		break;

	case 1:
		if (!hop->relay || !side || side->gone || side->ended)
			break;
		err = msrp_sess_use_relay(side->sess, hop->relay);
		CHECK(err == 0 || err == EAGAIN || err == EPROTO ||
		      err == ENOMEM);
		CHECK(err != EAGAIN || !hop->up);
		side->moved = pl->moved = true;
		side_own(side);
		break;

	case 2:
		hop->up = false;
		hop->relay = mem_deref(hop->relay);
		break;

	default:
		msrp_relay_kick(hop->relay);
		break;
	}
}


void hop_free(struct play *pl)
{
	unsigned i;

	for (i=0; i<RELAYS; i++)
		pl->hopv[i].relay = mem_deref(pl->hopv[i].relay);
}
