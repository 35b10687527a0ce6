/**
 * @file fake.h  libre's TCP, timers, memory and random numbers, made of plain
 * memory: deterministic, and thousands of times as fast as sockets
 *
 * The program defines libre's functions itself, so that both our code and
 * libre's own calls come here. What they do follows libre's contract and what
 * libre 1.1.0 does where the contract is silent: one read a turn, a queue of
 * what could not be sent, an end of file that closes at once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FAKE_H
#define FAKE_H

#include <cpm_re.h>

/** One connection as the far end sees it */
struct fake_conn {
	struct fake_conn *next;
	struct tcp_conn *tc;     /**< our end; NULL: not there, or let go   */
	bool active;             /**< we connected                          */
	bool estab;              /**< TCP's handshake is over               */
	bool claimed;            /**< given out by fake_dialled()           */
	bool closed;             /**< our end was closed                    */
	bool stuck;              /**< the far end reads nothing             */
	bool eof;                /**< the far end sends no more ...         */
	int err;                 /**< ... and this is why, 0: in order      */
	size_t mtu;              /**< octets of one read at most            */
	uint8_t *in;             /**< written; from ino on not read yet     */
	size_t ino, inl, ins;
	uint8_t *out;            /**< what arrived at the far end           */
	size_t outl, outs;
};

/** Begin and end; the end checks that nothing is left */
void fake_open(void);
void fake_close(void);

/** A connection to a port of ours. @return NULL: nobody there, or refused */
struct fake_conn *fake_dial(uint16_t port);

/** A connection that we opened; each is given out once. @return NULL: none */
struct fake_conn *fake_dialled(void);
void fake_establish(struct fake_conn *fc);
void fake_refuse(struct fake_conn *fc, int err);
void fake_write(struct fake_conn *fc, const void *p, size_t len);
void fake_eof(struct fake_conn *fc, int err);

/** What tcp_send() and tcp_connect() say the next time, if not 0 */
void fake_fail_send(int err);
void fake_fail_connect(int err);

/** One turn of the main loop. @return false if nothing was to be done */
bool fake_turn(void);

/** Time goes on, without a turn */
void fake_advance(uint64_t ms);

/* mem.c */

/** The next but n allocation fails; those after it as well. 0: none */
void fake_mem_fail(unsigned n, bool on);
/** In between nothing fails: it is not our code that allocates */
void fake_mem_hold(bool hold);
size_t fake_mem_blocks(void);
size_t fake_mem_bytes(void);

/* tmr.c, rand.c */
bool fake_tmr_poll(void);
unsigned fake_tmr_count(void);
void fake_tmr_reset(void);
void fake_rand_reset(void);

#endif
