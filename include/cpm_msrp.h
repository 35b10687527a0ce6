/**
 * @file cpm_msrp.h  Message Session Relay Protocol
 *
 * RFC 4975 (MSRP), RFC 6135 (connection model), RFC 8122 (TLS in the SDP).
 * Three parts: the codec (cpm_msrp_codec.h), which eats bytes and yields views;
 * sessions over libre's TCP and TLS; the SDP that describes them. No global
 * state; needs libre, and the OpenSSL that libre was built with.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_MSRP_H
#define CPM_MSRP_H

#include <cpm_re.h>
#include <cpm_msrp_codec.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Everything runs in the thread of libre's main loop. Two ends in one program;
 * what returns an int returns 0 or an errno, which is not looked at here:
 *
 * @code
 * #include <cpm_msrp.h>
 * static uint16_t data(struct msrp_rx *rx, uint64_t off, const uint8_t *buf,
 *                      size_t len, void *arg)
 * {
 *         printf("received: %.*s\n", (int)len, (const char *)buf);
 *         return 0;                       // or a code that refuses the rest
 * }
 * static void done(struct msrp_rx *rx, void *arg)
 * {
 *         msrp_rx_answer(rx, 200, NULL);  // now or later, once it is safe
 * }
 * static void sent(int err, uint16_t scode, void *arg)
 * {
 *         printf("sent: %d %u\n", err, scode);
 *         re_cancel();
 * }
 * int main(void)
 * {
 *         struct msrp_sess_h bobh = {.datah = data, .doneh = done};
 *         struct msrp_sess_h aliceh = {0};
 *         struct msrp_send hello = {.ctype = "text/plain", .senth = sent};
 *         struct msrp_sess *alice, *bob;
 *         struct msrp *msrp;
 *         struct sa addr;
 *
 *         libre_init();
 *         msrp_alloc(&msrp, NULL);
 *         sa_set_str(&addr, "127.0.0.1", 0);
 *         msrp_sess_alloc(&bob, msrp, &addr, false, &bobh, NULL);
 *         msrp_sess_listen(bob);          // before his path goes into the SDP
 *         msrp_sess_start(bob);           // when Alice's SDP is there
 *         msrp_sess_alloc(&alice, msrp, &addr, false, &aliceh, NULL);
 *         msrp_sess_set_peer(alice, msrp_sess_path(bob));
 *         msrp_sess_set_peer(bob, msrp_sess_path(alice));
 *         hello.mb = mbuf_alloc(5);
 *         mbuf_write_str(hello.mb, "hello");
 *         mbuf_set_pos(hello.mb, 0);
 *         msrp_send(NULL, alice, &hello); // waits until they are connected
 *         sa_set_port(&addr, msrp_sess_lport(bob));
 *         msrp_sess_connect(alice, &addr);
 *         re_main(NULL);
 *         mem_deref(hello.mb);
 *         mem_deref(alice);               // closes it silently
 *         mem_deref(bob);
 *         mem_deref(msrp);
 *         libre_close();
 *         return 0;
 * }
 * @endcode
 */

/** Limits, each with its reason */
enum {
	MSRP_OPEN_MAX  = 64,    /**< messages open at once in one session   */
	MSRP_HOLE_MAX  = 256,   /**< separate ranges in one open message    */
	MSRP_RELAY_MAX = 8,     /**< relays on the way to us: each is in each
				     request                               */
	MSRP_FP_SIZE   = 104,   /**< "sha-256" and 32 octets in hex, and NUL */
	MSRP_CONN_MAX  = 1024,  /**< connections accepted and not yet bound
				     to a session                          */
	MSRP_CONN_ADDR_MAX = 256, /**< of these from one address: one host
				     cannot take the room of all others    */
};

/*
 * Sessions
 */

struct msrp;        /**< a stack: its listeners, connections and sessions  */
struct msrp_sess;   /**< one session, known by the session-id of its path  */
struct msrp_rx;     /**< one incoming message                              */

/** How a stack behaves. Zero means the default. */
struct msrp_conf {
	struct sa laddr;        /**< where to listen; unset: any address,
				     port chosen by the system. TLS listens
				     on the port after a given one         */
	uint64_t max_size;      /**< octets of a message; over it 413.
				     Default 100,000,000                   */
	uint32_t idle_timeout;  /**< ms without traffic until a session
				     closes with ETIMEDOUT. 0: never       */
	uint32_t trans_timeout; /**< ms to wait for an answer to a request of
				     ours. Default 30,000 (RFC 4975, 7.2).
				     Also for a connection to be made and
				     bound, whoever connects               */
	uint32_t head_timeout;  /**< ms from the first octet of a request to
				     the end of its headers; then its
				     connection ends with ETIME.
				     Default 30,000                        */
	uint32_t stall_timeout; /**< ms that a body may stand still while we
				     read; then the same. Default 60,000   */
	uint32_t dead_timeout;  /**< ms until a connection whose peer gives
				     no sign of life ends with ETIMEDOUT:
				     TCP asks for one. Where libre tells
				     the descriptor (up to 2.2.1).
				     Default 180,000                       */
	uint64_t buffer_max;    /**< octets kept undecoded, all connections
				     together: over half of it those that
				     wait are not read, over all of it the
				     one that brings more ends with ENOBUFS.
				     Default 33,554,432                    */
	struct tls *tls;        /**< shared, this stack's own: for msrps, with
				     our certificate for both roles, see
				     msrp_tls_alloc(). NULL: no msrps      */
	bool tls_verify;        /**< tls was given a CA list (tls_add_ca()):
				     peers that tell no fingerprint are
				     checked against it, by the host name of
				     their first URI. Else they are cut off */
};

/**
 * Allocate a TLS context for struct msrp_conf. msrp_alloc() sets the rest in
 * it: TLS 1.2 and 1.3 only, certificates asked for in both roles.
 *
 * @param tlsp     mem_deref() it
 * @param certfile PEM: private key, certificate, and those between it and the
 *                 CA; NULL: a fresh self-signed one, for fingerprints in SDP
 *                 are all that is needed between two peers (RFC 8122)
 *
 * @return 0; ENOENT, EACCES and the like: errno of reading the file; ENOTSUP:
 *         its key has a passphrase; EBADMSG: no certificate and its key in
 *         it; EINVAL; ENOMEM
 */
int msrp_tls_alloc(struct tls **tlsp, const char *certfile);

/** Our certificate's fingerprint for a=fingerprint, with SHA-256 (RFC 8122, 5).
    @param size MSRP_FP_SIZE at least
    @return 0; ENOTSUP without TLS; EOVERFLOW; EINVAL */
int msrp_fingerprint(char *buf, size_t size, const struct msrp *msrp);

/** Allocate a stack. @param mp mem_deref() it; its sessions hold it.
    @return 0; EINVAL, also for a TLS context that cannot be used; ENOMEM */
int msrp_alloc(struct msrp **mp, const struct msrp_conf *conf);

/**
 * A new message begins. Refuse it by returning an MSRP status code (400, 403,
 * 413, 415); 0 takes it. Attach your own state with msrp_rx_set_arg().
 */
typedef uint16_t (msrp_open_h)(struct msrp_rx *rx, void *arg);

/**
 * Octets of a message, in order of arrival, each octet once.
 *
 * @param off Offset in the message, from 0
 *
 * @return 0, or an MSRP status code that refuses the message from here on
 */
typedef uint16_t (msrp_data_h)(struct msrp_rx *rx, uint64_t off,
			       const uint8_t *buf, size_t len, void *arg);

/**
 * All octets are there. The chunk that completed the message (and the one
 * with the $ flag) is answered only by msrp_rx_answer(), now or later: take
 * a reference to rx for that. While 1024 messages of a session, or 16 MiB in
 * them (see msrp_rx_set_size()), wait for it, the connection is not read: TCP
 * slows the sender.
 */
typedef void (msrp_done_h)(struct msrp_rx *rx, void *arg);

/** A message ends without being complete: aborted by the sender or refused
    after open; called once, never after msrp_done_h. Not called when the
    session is closed or freed: what is still open dies with it. */
typedef void (msrp_drop_h)(struct msrp_rx *rx, void *arg);

/** The connection is bound to the session: our first SEND was answered 200,
    or the peer's first request came. Once. */
typedef void (msrp_estab_h)(void *arg);

/** The session has ended by itself. 0: closed by the peer; ETIMEDOUT: no
    traffic, no answer, or no sign of life; ETIME: a request of the peer's was
    not complete in time; ENOBUFS: buffer_max; ECONNREFUSED and the like;
    EPROTO: refused by the peer, or no agreement on TLS with it; EKEYREJECTED:
    its certificate has another fingerprint; EACCES: no CA of ours vouches for
    it, or for another host; ENOKEY: it told no fingerprint and there is no CA.
    At most once, and never from
    msrp_sess_close() or mem_deref(). */
typedef void (msrp_close_h)(int err, void *arg);

/** A few words for an error of msrp_close_h or msrp_sess_connect(), for a
    person. Constant */
const char *msrp_strerror(int err);

/** Handlers of a session; each may be NULL */
struct msrp_sess_h {
	msrp_open_h *openh;
	msrp_data_h *datah;
	msrp_done_h *doneh;
	msrp_drop_h *droph;
	msrp_estab_h *estabh;
	msrp_close_h *closeh;
};

/**
 * Allocate a session with a fresh session-id (80 random bits at least:
 * RFC 4975, 14.1).
 *
 * @param sessp Pointer to the session; mem_deref() it closes silently
 * @param msrp  Stack, shared
 * @param laddr Own address for the path (IPv4 or IPv6); its port is ignored
 * @param tls   msrps over TLS: the own path begins with msrps. It is never
 *              bound to a plain connection, nor a plain session to one with
 *              TLS: such a request is answered 481, and the connection cut
 *
 * @return 0; EINVAL; ENOTSUP: tls, and the stack has none; ENOMEM
 */
int msrp_sess_alloc(struct msrp_sess **sessp, struct msrp *msrp,
		    const struct sa *laddr, bool tls,
		    const struct msrp_sess_h *h, void *arg);

/** Be the passive side (RFC 6135): make sure that the stack listens for this
    session's address family, before the answer leaves. The own path and
    msrp_sess_lport() are final after it. @return 0 or errno of bind/listen */
int msrp_sess_listen(struct msrp_sess *sess);

/** Value of a=path. Own URI: msrp[s]://host:port/session-id;tcp; port 9 when
    we do not listen (RFC 6135, 4.2.2); with a relay of ours the relays stand
    before it. Borrowed, valid until the session is freed or
    msrp_sess_listen() or msrp_sess_use_relay() is called. */
const char *msrp_sess_path(const struct msrp_sess *sess);

/** Port for the m= line: the listener's, else 9; with a relay of ours its
    own */
uint16_t msrp_sess_lport(const struct msrp_sess *sess);

/** Address for the c= line: with a relay of ours that of the relay which the
    peer reaches first, as far as it is known. Port as msrp_sess_lport().
    Borrowed from sess. */
const struct sa *msrp_sess_laddr(const struct msrp_sess *sess);

/** The peer's a=path, whole value, copied. Requests whose From-Path is not
    from it are answered 481. @return 0; EBADMSG if it is no path; EINVAL;
    ENOMEM */
int msrp_sess_set_peer(struct msrp_sess *sess, const char *path);

/** What msrp_sess_set_peer() was given; NULL: nothing yet. Borrowed from sess,
    valid until it is called again. */
const char *msrp_sess_peer(const struct msrp_sess *sess);

/**
 * The peer's a=fingerprint (RFC 8122, 5), to be set before the session is
 * connected or started: the certificate of the connection has to match, in
 * both roles, else closeh() says EKEYREJECTED.
 *
 * @param fp Value of the attribute, "sha-256 AB:CD...", or several separated
 *           by commas: one of the strongest hash has to match. SHA-1 is read
 *           for the sake of old peers. Of more than four the rest is ignored
 *
 * @return 0; EBADMSG: unreadable; ENOTSUP: no hash that we know; EINVAL;
 *         ENOMEM
 */
int msrp_sess_set_fingerprint(struct msrp_sess *sess, const char *fp);

/** Be the active side: connect to addr and send a SEND without body at once
    (RFC 4975, 5.4). estabh or closeh tells the outcome. @return 0; EPROTO
    without peer path or if connected; ENOKEY: over TLS without a fingerprint
    of the peer and without a CA; errno of connect */
int msrp_sess_connect(struct msrp_sess *sess, const struct sa *addr);

/** Start to take requests as the passive side. ACK and MSRP may race: a
    request that comes before it is neither answered nor decoded further, and
    is taken as soon as this is called. */
void msrp_sess_start(struct msrp_sess *sess);

/** Leave the connection, flushing answers; a shared connection stays for the
    other sessions. No handler is called any more. */
void msrp_sess_close(struct msrp_sess *sess);

/** Read no more from the session's connection, or go on. What was read already
    and is not decoded stays; other sessions on the connection wait as well.
    Independent of the limits of msrp_done_h: reading goes on when nothing
    stands against it. */
void msrp_sess_pause(struct msrp_sess *sess, bool pause);

/** Counted since the start */
struct msrp_stats {
	uint64_t messages;      /**< messages completed                     */
	uint64_t bytes;         /**< octets of bodies received              */
	uint64_t begun;         /**< messages that open_h took              */
	uint64_t taken;         /**< of those, answered with 200            */
	uint64_t refused;       /**< SENDs with a body, answered otherwise  */
};
void msrp_sess_stats(const struct msrp_sess *sess, struct msrp_stats *stats);

/**
 * Answer a complete message: 200, or a code that refuses it. Sends the
 * response that Failure-Report allows, and a REPORT where Success-Report
 * asks for one and the code is 200 (RFC 4975, 7.1.2). May be called after
 * the session has gone: nothing is sent then. Answers of one turn of the
 * main loop leave in one write. A message that is still open can be refused
 * with it too (300 and above): its later chunks get that code, and droph is
 * not called.
 *
 * @return 0; EALREADY; ENOTCONN; EINVAL; ENOMEM
 */
int msrp_rx_answer(struct msrp_rx *rx, uint16_t scode, const char *reason);

/** Message-ID. Borrowed from rx */
const char *msrp_rx_msgid(const struct msrp_rx *rx);
/** Content-Type, whole value. Borrowed from rx */
const char *msrp_rx_ctype(const struct msrp_rx *rx);
/** Octets in all, as the Byte-Range says; 0 if not known (yet) */
uint64_t msrp_rx_total(const struct msrp_rx *rx);
/** Octets that are there from the beginning on, without a hole */
uint64_t msrp_rx_begun(const struct msrp_rx *rx);
/** The first len octets are there from an earlier try: the sender goes on
    behind them (Byte-Range), and what it repeats of them is not handed on.
    Only in msrp_open_h. @return 0; EINVAL elsewhere, or len 0; EOVERFLOW
    over the message's total or max_size; ENOMEM */
int msrp_rx_set_begun(struct msrp_rx *rx, uint64_t len);
/** Octets that the application holds in memory for a message that is open:
    they count while it waits for its answer. Default: all there are */
void msrp_rx_set_size(struct msrp_rx *rx, uint64_t size);
/** The application's state: given, rx derefs it with mem_deref() */
void msrp_rx_set_arg(struct msrp_rx *rx, void *arg);
void *msrp_rx_arg(const struct msrp_rx *rx);

/*
 * Sending. Messages of a connection leave in turns, a chunk each: a short one
 * is never stuck behind a long one, be it of another session. Chunks are
 * larger while nothing else waits and the link is fast, see msrp_send().
 */

struct msrp_tx;     /**< one outgoing message                              */

/**
 * Octets to send: fill up to *len octets at buf, those at off of the message,
 * and set *len to how many there are. Asked for in order, each once. *len 0:
 * nothing now; asked again after msrp_tx_wake(). May do anything to the
 * message, session and stack.
 *
 * @return 0, or an errno that ends the message: # on the wire, and senth gets
 *         that errno
 */
typedef int (msrp_read_h)(uint64_t off, uint8_t *buf, size_t *len, void *arg);

/**
 * The end of a message; once, and not after mem_deref() of it nor after
 * msrp_sess_close(). When the session ends by itself it comes before closeh.
 *
 * @param err   0: by Failure-Report, yes: each chunk was answered 2xx;
 *              partial: conf.trans_timeout has gone by since the last chunk
 *              left, and none was refused; no: all octets were handed to the
 *              transport. EPROTO: refused by an answer or a REPORT, or the
 *              session was by the answer to its first SEND, see scode.
 *              ETIMEDOUT: no answer in conf.trans_timeout. ECANCELED:
 *              msrp_tx_abort(). ENOTCONN: the session has ended. Or the
 *              errno of readh, or ENOMEM
 * @param scode 200 with 0; the peer's code with EPROTO; 408 with ETIMEDOUT;
 *              else 0
 */
typedef void (msrp_sent_h)(int err, uint16_t scode, void *arg);

/**
 * A REPORT about the message (RFC 4975, 7.1.3), also after its end, as long as
 * the message or else the session lives. One of 300 and more that comes
 * before the end is followed by senth with EPROTO.
 *
 * @param scode Code of its Status (namespace 000; others are passed over)
 * @param range Its Byte-Range; start 0 if it has none that can be read
 */
typedef void (msrp_report_h)(uint16_t scode, const struct msrp_range *range,
			     void *arg);

/** What to send. Borrowed, but for mb. */
struct msrp_send {
	const char *msgid;      /**< NULL: a fresh one                      */
	const char *ctype;      /**< Content-Type, whole value. NULL: a SEND
				     without body, size 0                   */
	struct mbuf *mb;        /**< shared, from pos to end: the whole body,
				     unchanged until senth; its pos and end
				     may move                               */
	msrp_read_h *readh;     /**< or this                                */
	uint64_t size;          /**< octets in all; 0 with mb: what it has  */
	uint64_t start;         /**< resume: first octet to send, from 0    */
	enum msrp_freport failure_report;
	bool success_report;    /**< ask for a REPORT                       */
	msrp_sent_h *senth;     /**< may be NULL, as reporth                */
	msrp_report_h *reporth;
	void *arg;
};

/**
 * Send a message (RFC 4975, 7.1). It waits for the session to be established
 * and leaves from the main loop, never from this call. No more is taken from
 * readh than TCP takes: memory does not grow with the size.
 *
 * A chunk has 2,048 octets of body at least, unless less is there. It has as
 * many as the link takes in some 20 ms, up to 65,536; up to 8,192 while
 * another message of the connection waits, or if one of the paths goes through
 * a relay. 413, 408 and most others end the message, with # if octets are left
 * (RFC 4975, 10.5); 481 ends the session (10.6).
 *
 * @param txp  May be NULL: the session keeps the message until its end, and
 *             with success_report until a REPORT about all of it (at most
 *             1,024 of these). Else mem_deref() it; before its end that gives
 *             it up silently, use msrp_tx_abort() to let the peer know
 * @param sess Session with a peer's path. Ends with msrp_sess_close(): what
 *             TCP did not take by then does not leave
 *
 * @return 0; EINVAL, also for a Message-ID or Content-Type that cannot stand
 *         in a header; EPROTO without peer's path; ENOTCONN if the session has
 *         ended; EALREADY if that Message-ID is on its way; ENOMEM
 */
int msrp_send(struct msrp_tx **txp, struct msrp_sess *sess,
	      const struct msrp_send *send);

/** There is more for readh to give */
void msrp_tx_wake(struct msrp_tx *tx);

/** Give it up: # if octets have left and not all, senth gets ECANCELED within
    this call. Nothing happens if it has ended. */
void msrp_tx_abort(struct msrp_tx *tx);

/** Message-ID. Borrowed from tx */
const char *msrp_tx_msgid(const struct msrp_tx *tx);
/** Octets handed to the transport, counted from the message's beginning */
uint64_t msrp_tx_sent(const struct msrp_tx *tx);
/** Octets from the beginning on that the peer has, by its answers or REPORTs:
    where another msrp_send() may start. With Failure-Report no or partial only
    REPORTs count. Both stay readable after the end. */
uint64_t msrp_tx_acked(const struct msrp_tx *tx);

/*
 * Relays of ours (RFC 4976). A relay of the peer's needs none of this: its
 * URIs stand in the path that msrp_sess_set_peer() takes.
 */

enum {
	MSRP_RELAY_PORT = 2855, /**< where relays listen (RFC 4976, 12)     */
};

struct msrp_relay;  /**< a relay: one connection for all its sessions      */

/** How a relay is reached. Borrowed. */
struct msrp_relay_conf {
	const char *uri;        /**< msrp[s]://host:port;tcp. Several, with
				     blanks between: each is asked through
				     those before it, the first is ours     */
	struct sa addr;         /**< of the first one. Unset: nothing is done
				     until msrp_relay_set_addr()            */
	const char *user;
	const char *pass;
	uint32_t expires;       /**< s to ask for; 0: as the relay likes    */
	uint32_t retry;         /**< ms until the next try, doubling up to a
				     minute. 0: 1,000                       */
};

/**
 * The relay is up, or not any more, or could not be brought up. It is tried
 * again until it is freed. Sessions on a connection that is lost end then.
 *
 * @param err   0: up. EACCES: wrong user or password, or the user is not
 *              allowed. EKEYREJECTED: the relay cannot show that it knows the
 *              password. ENOTSUP: it asks for another digest than MD5 with qop
 *              auth. EBADMSG: an answer that cannot be used. EPROTO: refused
 *              otherwise. ETIMEDOUT; ECONNRESET; errno of connect, and those
 *              of msrp_close_h for TLS
 * @param scode Of the refusal, else 0
 */
typedef void (msrp_relay_h)(int err, uint16_t scode, void *arg);

/** Connect to a relay, authenticate with AUTH and stay so (RFC 4976, 5.1).
    @param relayp mem_deref() it: sessions keep the connection until they end.
    @return 0; EBADMSG: uri is no path of relays, or longer than
    MSRP_RELAY_MAX; ENOTSUP: msrps, and the stack has no TLS; EINVAL, also for
    a user with quotes or backslashes; ENOMEM */
int msrp_relay_alloc(struct msrp_relay **relayp, struct msrp *msrp,
		     const struct msrp_relay_conf *conf, msrp_relay_h *relayh,
		     void *arg);

/** Its address from the next try on; the first one begins the first try */
void msrp_relay_set_addr(struct msrp_relay *relay, const struct sa *addr);

/** Try now and not later, if it is down */
void msrp_relay_kick(struct msrp_relay *relay);

bool msrp_relay_isup(const struct msrp_relay *relay);

/** msrps: its certificate is checked by its host name, see struct msrp_conf */
bool msrp_relay_tls(const struct msrp_relay *relay);

/** The relays as they stand in a=path before our URI; NULL while it is not up.
    Borrowed, until the next turn of the main loop. */
const char *msrp_relay_path(const struct msrp_relay *relay);

/**
 * Use a relay for all that the session sends and receives. Call it before the
 * path is told. The session is TLS if the relay is. msrp_sess_connect() then
 * binds it through the relay, whatever its addr; requests may come before
 * msrp_sess_start(). When the relay is lost the session ends with ECONNRESET
 * or the relay's error.
 *
 * @return 0; EAGAIN: the relay is not up; EPROTO: the session has begun;
 *         EINVAL; ENOMEM
 */
int msrp_sess_use_relay(struct msrp_sess *sess, struct msrp_relay *relay);

/*
 * SDP (RFC 4975, 8; RFC 4145 setup)
 */

enum msrp_setup {
	MSRP_SETUP_NONE = 0,    /**< no a=setup                             */
	MSRP_SETUP_ACTPASS,
	MSRP_SETUP_ACTIVE,
	MSRP_SETUP_PASSIVE,
	MSRP_SETUP_HOLDCONN,    /**< no connection for now                  */
};

/** What the peer's description says. Strings are owned by the object. */
struct msrp_remote {
	bool tls;               /**< TCP/TLS/MSRP                           */
	enum sdp_dir dir;       /**< as the peer wrote it, media level wins
				     over session level                    */
	enum msrp_setup setup;
	struct sa addr;         /**< c= address and m= port                 */
	char *path;             /**< whole a=path                           */
	char *accept_types;     /**< NULL if absent                         */
	char *accept_wrapped_types;
	char *fingerprint;      /**< media level wins; several are separated
				     by commas                             */
	uint64_t max_size;      /**< 0 if absent                            */
	bool cema;              /**< a=msrp-cema: connects to c= and m=,
				     whatever the path says (RFC 6714)      */
};

/** What ours says. Borrowed. */
struct msrp_local {
	bool tls;               /**< offer TCP/TLS/MSRP; an answer has the
				     protocol of the offer                 */
	uint16_t port;
	const struct sa *addr;  /**< c= of the medium; NULL: that of alloc  */
	enum sdp_dir dir;
	enum msrp_setup setup;
	const char *path;
	const char *accept_types;
	const char *accept_wrapped_types;
	const char *fingerprint; /**< ours; NULL: none                      */
	uint64_t max_size;
	bool cema;              /**< a=msrp-cema: in offers without a relay,
				     and where the offer has it             */
};

struct msrp_sdp;    /**< one offer/answer exchange, over libre's SDP       */

/** @param laddr Own address for c= and o=. @return 0; EINVAL; ENOMEM */
int msrp_sdp_alloc(struct msrp_sdp **sdpp, const struct sa *laddr);

/**
 * Decode a description; again for a re-INVITE, which has to keep to the
 * protocol (TLS or not) of the first.
 *
 * @param offer true for an offer
 *
 * @return 0; EBADMSG if it is no SDP; ENOENT without an m=message line over
 *         MSRP with a port; EPROTO if a path, accept-types or an address is
 *         missing, or msrps in the path and no TLS in the m= line, or the
 *         reverse; EINVAL; ENOMEM
 */
int msrp_sdp_decode(struct msrp_sdp *sdp, struct mbuf *mb, bool offer);

/**
 * Does a peer take a type? (RFC 4975, 8.6)
 *
 * @param types Its accept-types or accept-wrapped-types; NULL: none
 * @param type  Content-Type; parameters, there and here, are not looked at
 */
bool msrp_types_accept(const char *types, const char *type);

/** Nothing is to be decoded or encoded for some time: keep only what the next
    description needs to follow the last one. The strings of msrp_sdp_remote()
    are NULL then. An idle session costs half. */
void msrp_sdp_rest(struct msrp_sdp *sdp);

/** What the last decode found. Borrowed from sdp. */
const struct msrp_remote *msrp_sdp_remote(const struct msrp_sdp *sdp);

/** Encode our description. @param mbp mem_deref() it. @return 0 or errno */
int msrp_sdp_encode(struct mbuf **mbp, struct msrp_sdp *sdp,
		    const struct msrp_local *local, bool offer);

#ifdef __cplusplus
}
#endif
#endif
