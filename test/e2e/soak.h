/**
 * @file soak.h  Rounds of kill -9: what they share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SOAK_H
#define SOAK_H

#include "suite.h"
#include "scene.h"
#include "power.h"

#define DAVE "sip:dave@" DOMAIN

/* What a round is about */
enum soak_kind {
	SOAK_CHAT,            /* many small messages                        */
	SOAK_LARGE,           /* files among them, one above 1 MB           */
	SOAK_NOTIFY,          /* notifications refused, and messages read   */
	SOAK_START,           /* killed again while it starts and sweeps    */
	SOAK_DELETE,          /* a conversation with files is deleted       */
	SOAK_KINDS,
};

enum {
	SOAK_MESSAGES = 20,   /* of a round, at most                        */
	SOAK_CALM = 2 * SOAK_KINDS,  /* first rounds, without a kill        */
};

struct soak_msg {
	unsigned size;
	bool file;            /* no text: is read where it lies             */
	bool gone;            /* its conversation was deleted               */
};

struct soak_round {
	struct soak_msg msgv[SOAK_MESSAGES];
	unsigned n;
	enum soak_kind kind;
};

struct soak {
	struct scene s;
	unsigned rounds;
	unsigned seed;
	uint32_t state;       /* of the random numbers                      */
	struct soak_round *roundv;
	const char *log;      /* the power is cut: notes of power.h; or NULL */
	unsigned windowv[SOAK_KINDS][2];  /* us that a delivery takes: fast
					     and slow                       */
	unsigned start;       /* us that a start takes                      */
	int64_t after;        /* last message id that was looked at         */
	unsigned kills;
	unsigned cuts;        /* of them with something still to deliver    */
	unsigned kindv[SOAK_KINDS];  /* rounds                              */
	unsigned messages;
	unsigned notices;     /* notifications asked for                    */
	unsigned files;       /* that must be there                         */
	unsigned gone;        /* messages deleted                           */
	unsigned missing;
	unsigned doubled;
	unsigned wrong;       /* content is not what was sent               */
	unsigned acts;        /* commands whose effect was seen             */
	unsigned undone;      /* of them, those that were forgotten         */
	unsigned torn;        /* commands of which half was done            */
	struct power_sum sum;
};


/* ------------------------------------------ test_soak_strike.c --- */

unsigned soak_number(const char *name, unsigned other);
unsigned soak_random(struct soak *k, unsigned n);
void soak_sleep(unsigned us);

/** Leave the messages of a round with the PF */
void soak_leave(struct soak *k, unsigned round);

/** Every other turn of a kind is slowed down, so that each kill meets
    messages on their way; in the others they go in a bunch */
bool soak_slow(unsigned round);
void soak_pace(struct soak *k, unsigned round);

void soak_deliver(struct soak *k);

/**
 * Wait for a moment to kill: any, or one soon after the next change to the
 * store, which is when it is opened, or swept
 *
 * @param log   Notes of power.h; NULL: any moment
 * @param us    That what shall be disturbed takes
 * @param state Of the random numbers
 */
void soak_aim(const char *log, unsigned us, uint32_t *state);

/** kill -9, and the power cut if that is what it is about */
void soak_kill(struct soak *k);
void soak_restart(struct soak *k);

/** Delete what a round of that kind has brought */
void soak_delete(struct soak *k, unsigned round);

/** A round with its kills; all but the end of the delivery */
void soak_strike(struct soak *k, unsigned round);


/* ------------------------------------------- test_soak_check.c --- */

/** Look through what is new in the store */
void soak_check(struct soak *k, unsigned round);

/** Look through all of it: each message once, or gone */
void soak_check_all(struct soak *k);

/** Conversation with somebody, 0 = none */
int64_t soak_conv(struct soak *k, const char *peer);

/** Messages in it, or the unread ones; 0 if there is no such conversation */
unsigned soak_count(struct soak *k, int64_t conv, bool unread);

/** Files in the folder of large bodies */
unsigned soak_files(struct soak *k);


/* ------------------------------------------- test_soak_start.c --- */

/** Case: killed while it brings older stores up to date */
void soak_old_case(Suite *suite, unsigned seconds);

#endif
