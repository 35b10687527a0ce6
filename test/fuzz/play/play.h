/**
 * @file play.h  Whole MSRP sessions, played: the application, its peers, and
 * what has to be true
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PLAY_H
#define PLAY_H

#include <cpm_msrp.h>
#include "../fuzz.h"
#include "../fake/fake.h"

enum {
	SIDES    = 4,        /* sessions at once                            */
	CONNS    = 6,        /* connections at once                         */
	BUDGET   = 1 << 18,  /* octets that the peers write in one play     */
	MORE     = 1000,     /* messages of bursts have numbers from here   */
	GIVES    = 64,       /* messages that we send                       */
	RELAYS   = 2,
};

/** One message as the application sees it */
struct note {
	struct note *next;
	struct side *side;
	struct msrp_rx *rx;   /* a reference, while it is kept              */
	uint32_t id;          /* number in its Message-ID; NO_ID: not ours  */
	enum {
		NOTE_OPEN = 0, NOTE_DONE, NOTE_GONE,
	} state;
	bool refused;
	uint16_t scode;       /* it was answered with                       */
	bool arg_gone;
	uint8_t *map;         /* a bit for each octet that came ...         */
	size_t mapl;          /* ... in so many octets                      */
	uint64_t octets;
	uint64_t begun;
	unsigned reports;
};

#define NO_ID UINT32_MAX

/** One session as the application sees it */
struct side {
	struct side *next;
	struct msrp_sess *sess;
	unsigned slot;
	bool gone;            /* let go: no handler may be called           */
	bool ended;           /* by itself                                  */
	bool started;
	bool bound;
	bool paused;
	bool anyone;          /* knows no peer                              */
	bool dirty;           /* octets of no known message may come        */
	char own[256];        /* our URI, the last of the path              */
	bool moved;           /* it was another one at first                */
	struct play *pl;
	struct note *notel;
	unsigned openc, donec;
	uint64_t octets;
	uint64_t max_size;

	/* how the handlers behave */
	uint16_t open_code;
	uint16_t data_code;
	unsigned data_in;     /* calls until data_code                      */
	unsigned pause_in;    /* calls until it pauses itself, 0: never     */
	uint8_t leave;        /* handler in which it is let go: l_...       */
	bool leave_deref;
	bool keep;            /* answer later                               */
	uint16_t scode;       /* otherwise now, with this                   */
	uint64_t size;        /* msrp_rx_set_size(), 0: not                 */
	uint8_t prank;        /* what a handler of sending does: P_...      */
	unsigned prank_in;    /* calls until then                           */
	bool hungry;          /* readh has nothing for now                  */
};

/** What is done in a handler of sending */
enum {
	P_NONE = 0, P_CLOSE, P_FREE_SESS, P_FREE, P_ABORT, P_WAKE, P_ERROR,
	P_SEND, P_FREE_OTHER, P_ABORT_OTHER, P_PEER, P_PAUSE, P_MAX,
};

/** A message that we send */
struct give {
	struct give *next;
	struct side *side;
	struct msrp_tx *tx;   /* NULL: the session has it, or it was freed  */
	uint32_t id;
	uint64_t size, start;
	uint64_t asked;       /* of readh: what comes next                  */
	enum msrp_freport freport;
	bool sreport, freed, aborted, ended, refused, bodiless, failed;
	/* as the far end sees it */
	uint64_t got;
	char fin;
	unsigned chunks, oks;
};

enum { L_NONE = 0, L_OPEN, L_DATA, L_DONE, L_DROP, L_ESTAB, L_CLOSE };

/** A request that a peer wrote */
struct req {
	uint32_t num;         /* in its transaction id                      */
	struct side *side;    /* NULL: no such session                      */
	uint32_t id;
	char flag;
	uint8_t bits;
	unsigned answers;
	uint16_t scode;
};

/** A request of ours that came, and has no answer yet */
struct ask {
	struct ask *next;
	char tid[40];
	char met;             /* its first letter                           */
	struct give *give;
};

/** A relay of ours */
struct hop {
	struct msrp_relay *relay;
	bool up;
	bool leave;           /* freed in its handler                       */
};

/** A connection as its far end sees it */
struct far {
	struct fake_conn *fc;
	struct req *reqv;     /* in the order of their numbers              */
	size_t reqc;
	bool raw;             /* something was written that is no request   */
	size_t read;          /* octets of fc->out that are understood      */
	struct ask *askl;     /* the oldest first                           */
};

struct play {
	struct msrp *msrp;
	struct msrp_conf conf;
	struct side *sidev[SIDES];
	struct side *sidel;   /* all there were                             */
	struct far farv[CONNS];
	uint32_t nums;        /* transaction ids given                      */
	uint32_t more;        /* messages of bursts                         */
	struct give *givel;
	uint32_t gives;
	struct hop hopv[RELAYS];
	size_t written;
	bool moved;           /* a side has                                 */
};

/* app.c */
extern const struct msrp_sess_h play_handlers;
struct side *side_alloc(struct play *pl, unsigned slot, bool v6, bool peer);
void side_own(struct side *side);
void side_leave(struct side *side, bool deref);
void side_answer(struct side *side, unsigned nth, uint16_t scode);
void side_calm(struct side *side);
void side_release(struct side *side);
void side_free(struct side *side);
struct note *note_find(const struct side *side, uint32_t id);

/* far.c */
char octet(uint32_t id, uint64_t off);
struct chunk {
	uint32_t id;
	uint64_t start, len;         /* of the body; start from 1           */
	uint64_t end, total;         /* what Byte-Range says                */
	bool end_set, total_set;
	char flag;
	uint8_t bits;                /* CB_...                              */
};
enum {
	CB_FR_NO = 1, CB_FR_PARTIAL = 2, CB_SREPORT = 4, CB_NORANGE = 8,
	CB_NOTYPE = 16, CB_NOBODY = 32, CB_LOST = 64, CB_OTHER = 128,
};
void far_chunk(struct play *pl, struct far *far, struct side *side,
	       const struct chunk *ch);
void far_raw(struct play *pl, struct far *far, const uint8_t *p, size_t len);
void far_read(struct play *pl, struct far *far);
void far_check(const struct play *pl, const struct far *far);
void far_reset(struct far *far);

/* a frame as the far end reads it */
struct frame {
	struct pl tid, what, to, from, msgid, range, freport, sreport, ctype,
		body;
	bool has_body;
	char flag;
};
size_t frame_next(struct frame *fr, const char *p, size_t len);

/* ask.c: what we send, as its far end sees it, and its answers */
void far_put(struct far *far, const char *str);
void ask_recv(struct play *pl, struct far *far, const struct frame *fr);
void ask_answer(struct far *far, unsigned nth, uint16_t scode, uint8_t how);
void ask_report(struct play *pl, struct far *far, struct give *give,
		uint16_t scode, uint8_t how);
void ask_reset(struct far *far);

/* give.c: the application that sends */
void give_send(struct side *side, uint64_t size, uint8_t bits);
struct give *give_at(const struct play *pl, unsigned nth);
void give_do(struct give *give, uint8_t what);
void give_calm(struct play *pl);
void give_check(const struct play *pl);
void give_free(struct play *pl);

/* hop.c: relays of ours */
void hop_do(struct play *pl, uint8_t slot, uint8_t what, struct side *side);
void hop_free(struct play *pl);

#endif
