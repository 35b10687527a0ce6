/**
 * @file relay_unit.h  What the tests of relays share: p1 plays the relay
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef RELAY_UNIT_H
#define RELAY_UNIT_H

#include "sess_unit.h"

#define A_URI "msrp://a.example.org:9000/kjfjan;tcp"
#define B_URI "msrp://b.example.net:9000/aeiug;tcp"
#define ALICE "msrp://alice.example.org:7965/bar;tcp"
#define GRANT "Use-Path: " B_URI "\r\nExpires: 900\r\n"
#define CHALL "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", " \
	"qop=\"auth\"\r\n"

/* what the handlers of the relay and of messages were told */
struct told {
	unsigned upc;
	unsigned downc;
	unsigned sentc;
	unsigned reported;
	int err;
	uint16_t scode;
	bool deref;
};

/* Values of the request that has come: one, whole */
struct got {
	char tid[ID_SIZE];
	char *to;
	char *from;
};

extern struct msrp_relay *relay;
extern struct told told;
void relay_handler(int err, uint16_t scode, void *arg);

void relay_setup(void);
void relay_teardown(void);
void relay_make(uint32_t retry);
void got_free(struct got *got);
void relay_take(struct got *got, const char *met);
void relay_answer(const struct got *got, const char *status, const char *rest);
void relay_auth(const char *status, const char *rest);
void relay_up(void);
void relay_behind(struct side *s);
void relay_send_msg(const struct side *s, const char *tid, const char *rest);
void relay_answered(const struct side *s, const char *tid, const char *status);

void relay_auth_tests(Suite *suite);
void relay_conn_tests(Suite *suite);
void relay_sess_tests(Suite *suite);

#endif
