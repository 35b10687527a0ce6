/**
 * @file msrp.h  What the files of msrp/ share
 *
 * transport.c brings octets, conn.c and route.c turn them into requests,
 * chunk.c and rx.c requests into messages, sess.c owns the messages, tx.c
 * writes what leaves at once. What we send: send.c takes it, out.c has it,
 * pump.c says whose turn it is, frame.c writes chunks, trans.c waits for
 * answers. watch.c bounds what a peer may cost, wait.c has the deadlines.
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
	JOIN_SIZE    = 1024,     /* octets of a read that are joined to what
				    was left over of the one before: the
				    most that a usual head needs             */
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
	RANGE_SLACK  = 2,        /* octets that a total may be too long: the
				    examples of RFC 4975 count the line end
				    before the end-line, and so do some     */
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
	HOST_SIZE    = 256,      /* a host name has 253 octets at most       */
	FP_SIZE      = 32,       /* octets of a SHA-256                      */
	FP_MAX       = 4,        /* fingerprints of a peer: it may have a
				    certificate for each way (RFC 8122, 5)  */
	CHUNK_MIN    = 2048,     /* octets of a chunk that need not be
				    interruptible: RFC 4975, 5.1             */
	FRAME_TAIL   = 44,       /* CRLF and end-line with one of our ids    */
};

#define LIT(s) {(s), sizeof(s) - 1}
#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

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


struct msrp_fp;


/* For text that is known here: no call is left of it */
static inline bool msrp_pl_is(const struct pl *pl, const char *str)
{
	return pl->l == strlen(str) && !memcmp(pl->p, str, pl->l);
}


/* ident.c */

void msrp_ident(char *str, size_t size);
void msrp_ident_next(struct msrp *msrp, char *str, size_t size);
uint32_t msrp_hash(const struct pl *id);


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

/* Host of a path's first URI, without brackets. @return 0; EBADMSG */
int msrp_path_host(char *host, size_t size, const char *path);


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
	struct span span;         /* spanv and heldv while one is enough    */
	struct held held;
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
int  msrp_chunk_alloc(struct msrp_chunk **chp);


/* trans.c: requests of ours */

/**
 * The end of a wait
 *
 * @param err  0; ETIMEDOUT; ENOTCONN
 * @param head The answer, views that die with the call; NULL if err
 */
typedef void (msrp_trans_h)(int err, const struct msrp_head *head, void *arg);

struct msrp_trans {
	struct le le;             /* of conn->transl, in order of start     */
	struct le he;             /* of conn->transh                        */
	struct msrp_conn *conn;   /* borrowed; NULL: does not wait          */
	uint64_t due;             /* jiffies                                */
	msrp_trans_h *transh;
	void *arg;
	char tid[MSRP_TID_MAX + 1];
};

int  msrp_trans_alloc(struct msrp_trans **trp, struct msrp_conn *conn,
		      const char *tid, msrp_trans_h *transh, void *arg);
int  msrp_trans_start(struct msrp_trans *tr, struct msrp_conn *conn,
		      const char *tid, msrp_trans_h *transh, void *arg);
void msrp_trans_stop(struct msrp_trans *tr);
bool msrp_trans_recv(struct msrp_conn *conn, const struct msrp_head *head);
void msrp_trans_end(struct msrp_conn *conn);


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
	struct tls_conn *sc;      /* TLS on tc; NULL: none                  */
	struct tmr tmr_tx;
	struct tmr tmr_rx;
	struct list transl;       /* requests that wait for their answer    */
	struct hash *transh;      /* by transaction id; NULL: none waits    */
	struct tmr tmr_trans;
	struct list pumpl;        /* sessions that have something to send,
				     borrowed: the next one first           */
	size_t chunk;             /* octets that the link takes in 20 ms    */
	size_t batch;             /* of the last call of TCP: as many again
				     are likely                             */
	uint64_t full;            /* jiffies when TCP took no more; 0: does */
	bool polling;             /* told when TCP takes more               */
	struct mbuf *tx;          /* answers of this turn                   */
	struct mbuf *rest;        /* undecoded                              */
	size_t scan;              /* octets of it without a whole head      */
	size_t hpos;              /* where the head of ch is in the buffer  */
	size_t hlen;
	enum conn_state state;
	struct msrp_chunk *ch;    /* of the request that is decoded; NULL
				     while there is none                   */
	struct msrp_sess *hold;   /* borrowed; waits for its start          */
	struct msrp_relay *relay; /* borrowed; ours is at the other end     */
	bool tls;                 /* for good: sc is NULL once closed       */
	bool secured;             /* TLS: the handshake is over             */
	bool checkable;           /* TLS: libre knows the name to check     */
	bool cut;                 /* ends behind this request               */
	struct le hle;            /* of hold->holdl                         */
	struct msrp_addr *addr;   /* where it is from, until it is bound    */
	struct msrp_wait wait_bind;  /* for a session; to be connected      */
	struct msrp_wait wait_req;   /* for the rest of a request           */
	size_t kept;              /* counted in msrp->buffered              */
	uint32_t rxsz;            /* octets of one read at most              */
	uint32_t busyc;           /* sessions that wait for the application */
	bool stopped;             /* nothing is decoded for now             */
	bool paused;              /* nor read                               */
	int err;                  /* of sending; ends it at the turn's end  */
};

int  msrp_conn_accept(struct msrp *msrp, struct tcp_sock *ts, bool tls,
		      const struct sa *peer);
int  msrp_conn_connect(struct msrp_sess *sess, const struct sa *addr);
int  msrp_conn_open(struct msrp_conn **connp, struct msrp *msrp,
		    struct msrp_relay *relay, const struct sa *addr,
		    const char *host);
void msrp_conn_bind(struct msrp_conn *conn, struct msrp_sess *sess);
void msrp_conn_leave(struct msrp_sess *sess, bool flush);
void msrp_conn_end(struct msrp_conn *conn, int err);
void msrp_conn_wake(struct msrp_conn *conn);
void msrp_conn_hold(struct msrp_conn *conn, struct msrp_sess *sess);
void msrp_conn_unhold(struct msrp_sess *sess);
int  msrp_conn_put(struct msrp_conn *conn, const struct pl *v, size_t n);
void msrp_conn_fail(struct msrp_conn *conn, int err);
void msrp_conn_kick(struct msrp_conn *conn);


/* transport.c: what carries the octets of conn->tc */

int  msrp_transport_accept(struct msrp_conn *conn, struct tcp_sock *ts,
			   bool tls, tcp_estab_h *estabh, tcp_recv_h *recvh,
			   tcp_close_h *closeh);
int  msrp_transport_connect(struct msrp_conn *conn, const struct sa *addr,
			    const char *host, tcp_estab_h *estabh,
			    tcp_recv_h *recvh, tcp_close_h *closeh);
int  msrp_transport_check(const struct msrp_conn *conn,
			  const struct msrp_fp *fp);
int  msrp_transport_send(struct msrp_conn *conn, struct mbuf *mb);
void msrp_transport_close(struct msrp_conn *conn);
void msrp_transport_pause(struct msrp_conn *conn);
void msrp_transport_resume(struct msrp_conn *conn);
size_t msrp_transport_queued(const struct msrp_conn *conn);
void msrp_transport_poll(struct msrp_conn *conn, tcp_send_h *sendh);
void msrp_transport_lowat(struct msrp_conn *conn, size_t size);


/* fp.c: fingerprints */

struct msrp_fp {
	uint32_t n;
	bool sha1;                /* else SHA-256                           */
	bool vouched;             /* by a CA; the peer has told none        */
	uint8_t mdv[FP_MAX][FP_SIZE];
};

int  msrp_fp_decode(struct msrp_fp **fpp, const char *str);
int  msrp_fp_vouch(struct msrp_fp **fpp, const uint8_t *md);
bool msrp_fp_match(const struct msrp_fp *fp, const struct tls_conn *sc);


/* tlsctx.c: the context of conf.tls, and what only OpenSSL knows */

int  msrp_tls_open(struct msrp *msrp);
void msrp_tls_close(struct msrp *msrp);
int  msrp_tls_expect(struct tls_conn *sc, const char *host);


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
int msrp_tx_bind(struct msrp_conn *conn, const struct msrp_sess *sess,
		 const char *tid);
bool msrp_freport_allows(enum msrp_freport freport, uint16_t scode);


/* out.c: one outgoing message */

enum tx_state {
	TX_SEND = 0,     /* octets are left                                 */
	TX_WAIT,         /* all have left, answers are missing              */
	TX_END,          /* told by senth; REPORTs may come                 */
};

struct msrp_tx {
	struct le le;             /* of sess->txl                           */
	struct le ole;            /* of sess->outl: its next chunk may leave;
				     of a list of those to be ended; of
				     sess->keptl                            */
	struct le he;             /* of msrp->txh                           */
	struct msrp_sess *sess;   /* borrowed; NULL: has gone               */
	struct list chunkl;       /* chunks that wait for their answer      */
	uint32_t chunkc;
	enum tx_state state;
	struct mbuf *mb;          /* shared                                 */
	size_t mbpos;
	msrp_read_h *readh;
	uint64_t size;
	uint64_t start;
	uint64_t off;             /* of what leaves next                    */
	uint64_t acked;
	enum msrp_freport freport;
	bool sreport;
	bool idle;                /* readh has nothing for now              */
	bool own;                 /* the session holds it                   */
	bool kept;                /* of sess->keptl                         */
	msrp_sent_h *senth;
	msrp_report_h *reporth;
	void *arg;
	char *msgid;              /* these two into buf                     */
	char *ctype;              /* NULL: no body                          */
	char buf[];
};

void msrp_out_chunk(struct msrp_tx *tx, struct mbuf *mb, size_t max,
		    struct list *endl);
void msrp_out_end(struct msrp_tx *tx, int err, uint16_t scode);
void msrp_out_start(struct msrp_sess *sess);
void msrp_out_flush(struct msrp_sess *sess, bool tell);
void msrp_out_report(struct msrp_sess *sess, const struct msrp_head *head);
void msrp_out_line_up(struct msrp_tx *tx);
void msrp_out_unlist(struct msrp_tx *tx);
struct msrp_tx *msrp_out_find(const struct msrp_sess *sess,
			      const struct pl *msgid);


/* frame.c: a chunk of it on the wire */

enum {
	FRAME_NOTHING = -1,  /* no errno: readh may return any of them      */
};

int msrp_frame_chunk(struct mbuf *mb, struct msrp_tx *tx, size_t max,
		     char *tid, size_t *len);
int msrp_frame_abort(struct msrp_conn *conn, const struct msrp_tx *tx);


/* pump.c: whose turn it is */

void msrp_pump(struct msrp_conn *conn);
void msrp_pump_stop(struct msrp_conn *conn);
void msrp_pump_add(struct msrp_sess *sess);
size_t msrp_pump_size(size_t size, uint64_t ms);


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
	struct list txl;          /* outgoing messages                      */
	struct list outl;         /* those that may go on, the next one first*/
	struct list keptl;        /* those kept for REPORTs, oldest first   */
	struct le ple;            /* of conn->pumpl: has some in outl       */
	uint32_t keptc;           /* of keptl                               */
	uint32_t openc;           /* RX_OPEN                                */
	uint32_t refusedc;        /* RX_REFUSED                             */
	uint32_t donec;           /* RX_DONE                                */
	uint64_t doneb;           /* octets in them                         */
	bool paused;              /* by the application                     */
	bool busy;                /* counted in conn->busyc                 */
	enum sess_state state;
	struct msrp_sess_h h;
	void *arg;
	struct msrp_trans *bind;  /* our first SEND waits for its answer    */
	struct msrp_wait wait_idle;
	char *path;               /* our URI                                */
	char *told;               /* a=path; NULL: path                     */
	char *peer;               /* the peer's a=path                      */
	char *route;              /* relays of ours on the way; or NULL     */
	char *to_path;            /* route and peer; NULL: peer             */
	struct msrp_fp *fp;       /* of the peer's certificate              */
	bool tls;
	struct sa laddr;
	uint16_t lport;
	char sid[ID_SIZE];
	struct msrp_stats stats;
	uint16_t scode;           /* with which our first SEND was refused  */
};

/* To-Path of what we send */
static inline const char *msrp_sess_to(const struct msrp_sess *sess)
{
	return sess->to_path ? sess->to_path : sess->peer;
}

int msrp_sess_set_route(struct msrp_sess *sess, char *route);
struct msrp_sess *msrp_sess_find(const struct msrp *msrp,
				 const struct pl *sid);
bool msrp_sess_is_peer(const struct msrp_sess *sess, const struct pl *from);
bool msrp_sess_is_ours(const struct msrp_sess *sess, const struct pl *from);
int  msrp_sess_bind(struct msrp_sess *sess);
void msrp_sess_bound(struct msrp_sess *sess);
void msrp_sess_ended(struct msrp_sess *sess, int err);
void msrp_sess_touch(struct msrp_sess *sess);
void msrp_sess_load(struct msrp_sess *sess);


/* relay.c */

void msrp_relay_estab(struct msrp_relay *relay);
int  msrp_relay_lost(struct msrp_relay *relay, int err);


/* stack.c */

struct listener {
	struct msrp *msrp;        /* owns it                                */
	struct tcp_sock *ts;      /* NULL: not wanted yet                   */
	bool tls;
};

struct msrp {
	struct msrp_conf conf;
	struct hash *sessh;       /* sessions by session-id                 */
	struct hash *txh;         /* outgoing messages by Message-ID; NULL:
				     none was sent yet                      */
	struct hash *rxh;         /* their messages by Message-ID           */
	struct hash *addrh;       /* where unbound connections are from     */
	struct msrp_queue idleq;  /* of sessions                            */
	struct msrp_queue bindq;  /* these of connections                   */
	struct msrp_queue headq;
	struct msrp_queue stallq;
	size_t buffered;          /* octets that connections keep           */
	struct list connl;        /* connections, owned                     */
	struct msrp_chunk *spare; /* for the next that is read; or NULL     */
	struct listener lsnv[2][2]; /* IPv4, IPv6; plain, TLS               */
	uint32_t unboundc;        /* accepted connections without session   */
	size_t randc;             /* octets of randv not used yet           */
	uint8_t randv[1024];      /* for ids                                */
};

int msrp_listen(struct msrp *msrp, int af, bool tls, uint16_t *port);

#endif
