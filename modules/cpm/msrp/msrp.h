/**
 * @file msrp.h  What the files of msrp/ share
 *
 * conn.c and route.c turn octets into requests, chunk.c and rx.c requests
 * into messages, sess.c owns the messages, tx.c writes what leaves. watch.c
 * bounds what a peer may cost, wait.c has the deadlines.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef MSRP_PRIVATE_H
#define MSRP_PRIVATE_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <cpm_msrp.h>

enum {
	RX_SIZE      = 65536,    /* octets of one read: a large chunk in one */
	RX_FIRST     = 2048,     /* of one where little comes, and before
				    there is a session: enough for a head    */
	TX_SIZE      = 65536,    /* answers that do not wait for the turn's
				    end: bounds the buffer                   */
	HOLD_SIZE    = 65536,    /* undecoded octets after which reading
				    stops                                    */
	REST_SIZE    = 16777216, /* undecoded octets where reading cannot be
				    stopped: then the connection goes        */
	WAIT_MAX     = 1024,     /* complete messages that wait for their
				    answer: more, and reading stops          */
	WAIT_SIZE    = 16777216, /* octets in them, likewise                 */
	REFUSED_MAX  = 64,       /* refused messages remembered, so that
				    chunks on their way are refused as well  */
	HELD_MAX     = 16,       /* answers held back for one message        */
	SESS_HASH    = 4096,     /* ten thousand sessions: some in a bucket  */
	RX_HASH      = 4096,     /* messages of all sessions: none costs an
				    idle session anything                    */
	ADDR_HASH    = 64,
	BUFFER_MAX   = 33554432, /* undecoded octets of all connections      */
	HEAD_TIMEOUT = 30000,    /* ms; a head is a packet or some           */
	STALL_TIMEOUT = 60000,   /* ms; longer than TCP takes to come back
				    after a lost packet or a handover        */
	DEAD_TIMEOUT = 180000,   /* ms; a third of it is silence, the rest
				    probes: seldom enough for ten thousand   */
	MAX_SIZE     = 100000000,
	TRANS_TIMEOUT = 30000,
	PORT_DISCARD = 9,        /* RFC 6135, 4.2.2: we do not listen        */
	ID_SIZE      = 33,       /* 128 random bits in hex, and NUL          */
};

/*
 * libre up to 2.2.1 tells a connection's descriptor. Later ones do not: there
 * reading goes on (bounded by REST_SIZE) and Nagle's algorithm is libre's
 * affair. Releases 2.2.2 to 3.4 cannot be told from their headers: configure
 * defines CPM_NO_TCP_CONN_FD for them.
 */
#ifdef HAVE_RE_ARG
#define CPM_NO_TCP_CONN_FD 1
#endif

static inline void cpm_tcp_nodelay(struct tcp_conn *tc)
{
#ifdef CPM_NO_TCP_CONN_FD
	(void)tc;
#else
	const int on = 1;

	(void)setsockopt(tcp_conn_fd(tc), IPPROTO_TCP, TCP_NODELAY, &on,
			 sizeof(on));
#endif
}


/* Stop reading. Not while libre has octets to send: it would not send them
   either, and comes back to reading by itself when it has. */
static inline void cpm_tcp_pause(struct tcp_conn *tc)
{
#ifdef CPM_NO_TCP_CONN_FD
	(void)tc;
#else
	if (!tcp_conn_txqsz(tc))
		fd_close(tcp_conn_fd(tc));
#endif
}


/* Setting and clearing a send handler makes libre poll the socket again */
static inline void cpm_tcp_resume(struct tcp_conn *tc, tcp_send_h *sendh)
{
#ifdef CPM_NO_TCP_CONN_FD
	(void)tc;
	(void)sendh;
#else
	(void)tcp_set_send(tc, sendh);
	(void)tcp_set_send(tc, NULL);
#endif
}


/* A peer whose host has gone says no word: ask for a sign of life when
   nothing came for a third of the time, and give up what we sent when it has
   not been acknowledged for all of it */
static inline void cpm_tcp_alive(struct tcp_conn *tc, uint32_t ms)
{
#ifdef CPM_NO_TCP_CONN_FD
	(void)tc;
	(void)ms;
#else
	const int fd = tcp_conn_fd(tc), on = 1, probes = 4;
	const int idle = ms < 3000 ? 1 : (int)(ms / 3000);
	const int intvl = ms < 6000 ? 1 : (int)(ms / 6000);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &intvl,
			 sizeof(intvl));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes,
			 sizeof(probes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
#endif
}


/* wait.c: deadlines by the thousand */

/* All of one length, oldest first */
struct msrp_queue {
	struct list list;
	struct tmr tmr;
	struct msrp *msrp;        /* borrowed: it owns the queue            */
	uint32_t ms;
};

/* One deadline; zero it first, cancel it last */
struct msrp_wait {
	struct le le;
	uint64_t due;
	tmr_h *h;
	void *arg;
};

void msrp_queue_init(struct msrp_queue *q, struct msrp *msrp, uint32_t ms);
void msrp_queue_close(struct msrp_queue *q);
void msrp_wait_start(struct msrp_wait *wait, struct msrp_queue *q, tmr_h *h,
		     void *arg);
void msrp_wait_cancel(struct msrp_wait *wait);
bool msrp_wait_is(const struct msrp_wait *wait, const struct msrp_queue *q);


/* head.c */

/* Like msrp_head_decode(), but a head that is complete and wrong is decoded
   to its end: then badp says how, pos is behind it, and head has what could
   be read. tid is set whenever *badp is. */
int msrp_head_read(struct msrp_head *head, struct mbuf *mb, int *badp);

/* Copy the len octets at p, which the views of head point to, and repoint */
int msrp_head_own(struct msrp_head *head, struct mbuf **mbp,
		  const uint8_t *p, size_t len);


/* uri.c */

/* Take the next URI off a path */
bool msrp_path_next(struct pl *path, struct pl *uri);


/* rx.c: one incoming message */

enum rx_state {
	RX_OPEN = 0,     /* octets are missing                              */
	RX_DONE,         /* all are there, the application has to answer    */
	RX_REFUSED,      /* later chunks get the same code                  */
	RX_ANSWERED,     /* the session has forgotten it                    */
};

/* Octets a to b-1 are there */
struct span {
	uint64_t a;
	uint64_t b;
};

/* An answer held back */
struct held {
	char tid[MSRP_TID_MAX + 1];
	enum msrp_freport freport;
};

struct msrp_rx {
	struct le he;             /* of msrp->rxh                           */
	struct le sle;            /* of sess->rxl                           */
	struct le le;             /* of sess->refl                          */
	struct msrp_sess *sess;   /* borrowed; NULL: not in a session       */
	void *arg;
	enum rx_state state;
	struct span *spanv;
	struct held *heldv;
	uint32_t spanc;
	uint32_t heldc;
	uint64_t total;
	uint64_t size;            /* octets in the application's memory     */
	bool total_set;
	bool size_set;
	bool sreport;
	uint16_t scode;           /* RX_REFUSED                             */
	const char *msgid;        /* these four into buf                    */
	const char *ctype;
	const char *from;         /* whole From-Path                        */
	const char *to;           /* our URI as the peer writes it          */
	char buf[];
};

int  msrp_rx_alloc(struct msrp_rx **rxp, struct msrp_sess *sess,
		   const struct msrp_head *head);
struct msrp_rx *msrp_rx_find(const struct msrp_sess *sess,
			     const struct pl *msgid);
void msrp_rx_detach(struct msrp_rx *rx);
bool msrp_rx_gap(const struct msrp_rx *rx, uint64_t off, uint64_t *len);
int  msrp_rx_add(struct msrp_rx *rx, uint64_t off, uint64_t len);
uint64_t msrp_rx_end(const struct msrp_rx *rx);
bool msrp_rx_complete(const struct msrp_rx *rx);
int  msrp_rx_hold(struct msrp_rx *rx, const struct msrp_head *head);
void msrp_rx_done(struct msrp_rx *rx);
void msrp_rx_refuse(struct msrp_rx *rx, uint16_t scode);


/* chunk.c: one SEND request */

struct msrp_chunk {
	struct msrp_head head;    /* views into the read buffer or hmb      */
	struct mbuf *hmb;         /* own copy, once the read buffer goes    */
	struct msrp_body body;
	struct msrp_sess *sess;   /* borrowed; NULL: none, or it has gone   */
	struct msrp_rx *rx;       /* shared                                 */
	uint64_t off;             /* of the next octet                      */
	bool placed;              /* off is known                           */
	uint16_t scode;           /* refused with; 0: not refused           */
};

void msrp_chunk_begin(struct msrp_chunk *ch);
void msrp_chunk_data(struct msrp_chunk *ch, const struct pl *data);
uint16_t msrp_chunk_end(struct msrp_chunk *ch, enum msrp_flag flag);
void msrp_chunk_reset(struct msrp_chunk *ch);


/* conn.c */

enum conn_state {
	CONN_HEAD = 0,   /* a start line comes next                         */
	CONN_BODY,       /* the body of conn->ch                            */
};

struct msrp_conn {
	struct le le;             /* of msrp->connl, which owns it          */
	struct list sessl;        /* bound sessions, borrowed               */
	struct msrp *msrp;        /* NULL: closed                           */
	struct tcp_conn *tc;
	struct tmr tmr_tx;
	struct tmr tmr_rx;
	struct mbuf *tx;          /* answers of this turn                   */
	struct mbuf *rest;        /* undecoded                              */
	size_t scan;              /* octets of it without a whole head      */
	size_t hpos;              /* where the head of ch is in the buffer  */
	size_t hlen;
	enum conn_state state;
	struct msrp_chunk ch;
	struct msrp_sess *hold;   /* borrowed; waits for its start          */
	struct le hle;            /* of hold->holdl                         */
	struct msrp_addr *addr;   /* where it is from, until it is bound    */
	struct msrp_wait wait_bind;  /* for a session                       */
	struct msrp_wait wait_req;   /* for the rest of a request           */
	size_t kept;              /* counted in msrp->buffered              */
	uint32_t rxsz;            /* octets of one read at most              */
	uint32_t busyc;           /* sessions that wait for the application */
	bool stopped;             /* nothing is decoded for now             */
	bool paused;              /* nor read                               */
	int err;                  /* of sending; ends it at the turn's end  */
};

int  msrp_conn_accept(struct msrp *msrp, struct tcp_sock *ts,
		      const struct sa *peer);
int  msrp_conn_connect(struct msrp_sess *sess, const struct sa *addr);
void msrp_conn_bind(struct msrp_conn *conn, struct msrp_sess *sess);
void msrp_conn_leave(struct msrp_sess *sess, bool flush);
void msrp_conn_end(struct msrp_conn *conn, int err);
void msrp_conn_wake(struct msrp_conn *conn);
void msrp_conn_hold(struct msrp_conn *conn, struct msrp_sess *sess);
void msrp_conn_unhold(struct msrp_sess *sess);
int  msrp_conn_put(struct msrp_conn *conn, const struct pl *v, size_t n);


/* watch.c: what a peer may cost */

bool msrp_watch_room(const struct msrp *msrp, const struct sa *peer);
int  msrp_watch_unbound(struct msrp_conn *conn, const struct sa *peer);
void msrp_watch_bound(struct msrp_conn *conn);
void msrp_watch_read(struct msrp_conn *conn, size_t n);
int  msrp_watch_decoded(struct msrp_conn *conn);
size_t msrp_watch_hold(const struct msrp *msrp);
void msrp_watch_end(struct msrp_conn *conn);


/* route.c: whose is a request */

int  msrp_route(struct msrp_conn *conn, int bad);
void msrp_route_end(struct msrp_conn *conn, enum msrp_flag flag);


/* tx.c */

int msrp_tx_reply(struct msrp_conn *conn, const struct pl *tid,
		  const struct pl *to, const struct pl *from, uint16_t scode,
		  const char *reason);
int msrp_tx_answer(struct msrp_conn *conn, const struct msrp_head *head,
		   uint16_t scode);
int msrp_tx_report(struct msrp_conn *conn, const struct msrp_rx *rx);
int msrp_tx_bind(struct msrp_conn *conn, const struct msrp_sess *sess);
bool msrp_freport_allows(enum msrp_freport freport, uint16_t scode);


/* sess.c */

enum sess_state {
	SESS_IDLE = 0,   /* neither started nor connecting: requests wait   */
	SESS_READY,      /* passive: the peer's first request may come      */
	SESS_BIND,       /* active: connecting, or our SEND has no answer   */
	SESS_ESTAB,      /* bound to its connection                         */
	SESS_CLOSED,     /* unknown to the stack                            */
};

struct msrp_sess {
	struct le he;             /* of msrp->sessh                         */
	struct le cle;            /* of conn->sessl                         */
	struct msrp *msrp;        /* shared                                 */
	struct msrp_conn *conn;   /* borrowed                               */
	struct list holdl;        /* connections that wait for the start    */
	struct list rxl;          /* messages                               */
	uint32_t key;             /* tells its messages from others'        */
	struct list refl;         /* those refused, oldest first            */
	uint32_t openc;           /* RX_OPEN                                */
	uint32_t refusedc;        /* RX_REFUSED                             */
	uint32_t donec;           /* RX_DONE                                */
	uint64_t doneb;           /* octets in them                         */
	bool paused;              /* by the application                     */
	bool busy;                /* counted in conn->busyc                 */
	enum sess_state state;
	struct msrp_sess_h h;
	void *arg;
	struct tmr tmr;           /* the answer to our SEND                 */
	struct msrp_wait wait_idle;
	char *path;
	char *peer;
	struct sa laddr;
	uint16_t lport;
	char sid[ID_SIZE];
	char tid[ID_SIZE];        /* of our SEND                            */
	struct msrp_stats stats;
};

struct msrp_sess *msrp_sess_find(const struct msrp *msrp,
				 const struct pl *sid);
bool msrp_sess_is_peer(const struct msrp_sess *sess, const struct pl *from);
void msrp_sess_bound(struct msrp_sess *sess);
void msrp_sess_ended(struct msrp_sess *sess, int err);
void msrp_sess_touch(struct msrp_sess *sess);
void msrp_sess_load(struct msrp_sess *sess);
void msrp_ident(char *str, size_t size);


/* stack.c */

struct msrp {
	struct msrp_conf conf;
	struct hash *sessh;       /* sessions by session-id                 */
	struct hash *rxh;         /* their messages by Message-ID           */
	struct hash *addrh;       /* where unbound connections are from     */
	struct msrp_queue idleq;  /* of sessions                            */
	struct msrp_queue bindq;  /* these of connections                   */
	struct msrp_queue headq;
	struct msrp_queue stallq;
	size_t buffered;          /* octets that connections keep           */
	struct list connl;        /* connections, owned                     */
	struct tcp_sock *tsv[2];  /* listeners: IPv4, IPv6                  */
	uint32_t unboundc;        /* accepted connections without session   */
};

int msrp_listen(struct msrp *msrp, int af, uint16_t *port);

#endif
