/**
 * @file send_unit.h  What the tests of sending share: a message and what its
 * handlers saw, and the frames that reach the raw peer
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SEND_UNIT_H
#define SEND_UNIT_H

#include "sess_tls_unit.h"

/* an outgoing message */
struct msg {
	struct msrp_tx *tx;
	unsigned sentc, reportc, readc;
	int err;                /* of senth                                 */
	uint16_t scode;         /* of senth                                 */
	uint16_t rcode;         /* of reporth                               */
	struct msrp_range range;
	unsigned closec;        /* s1.closec when senth came                */

	uint64_t given;         /* behind the last octet that was asked for */
	size_t least;           /* size of chunks, when it is asked         */
	size_t most;            /* octets of one read at most, 0: all       */
	uint64_t hold_at;       /* says "nothing now" from there on, 0: no  */
	uint64_t fail_at;       /* fails with EIO from there on             */
	int fail_err;           /* or with this                             */
	bool self;              /* wakes itself when it has nothing         */

	char in;                /* handler that lets something go: readh,
				   senth or reporth                         */
	char what;              /* message, session, or session by close()  */
};

/* a request that has reached the peer */
struct frame {
	char tid[MSRP_TID_MAX + 1];
	char msgid[64];
	struct msrp_head head;  /* views are valid until more comes         */
	enum msrp_flag flag;
	uint64_t off;
	struct pl body;
};

extern struct msg m1, m2;

/* Octet at an offset of what readers give */
uint8_t pattern(uint64_t off);
bool is_pattern(uint64_t off, const void *p, size_t len);

/* s1 is established with the raw peer p1 */
void send_estab(void);
/* Likewise, over TLS if it is true */
void send_estab_tls(bool tls);
/* Fill in a message: of octets that are there, or of a reader */
void msg_text(struct msrp_send *send, struct msg *m, const char *text);
void msg_read(struct msrp_send *send, struct msg *m, uint64_t size);
/* Send it on a session */
void msg_send(struct side *s, struct msg *m, struct msrp_send *send);
/* Wait for its end */
void msg_end(const struct msg *m, int err, uint16_t scode);

/* Wait for the next request that reaches p1, from position *pos on */
void frame_next(struct frame *f, size_t *pos);
bool frame_decode(struct frame *f, size_t *pos);
/* Answer it */
void answer(const char *tid, const char *status);
/* Report about it */
void report(const char *rest);

int read_handler(uint64_t off, uint8_t *buf, size_t *len, void *arg);
void sent_handler(int err, uint16_t scode, void *arg);
void report_handler(uint16_t scode, const struct msrp_range *range,
		    void *arg);

void send_setup(void);
void send_teardown(void);

void send_answer_tests(TCase *tc);
void send_turn_tests(TCase *tc);
void send_life_tests(TCase *tc);
void send_report_tests(TCase *tc);

#endif
