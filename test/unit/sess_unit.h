/**
 * @file sess_unit.h  What the tests of MSRP sessions share: the loop, a side
 * with its session, and a peer that is written raw
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SESS_UNIT_H
#define SESS_UNIT_H

#include "unit.h"
#include "../../modules/cpm/msrp/msrp.h"

enum {
	GUARD = 20000,   /* ms until a test that waits has failed           */
	KEPT  = 4096,    /* messages kept for a late answer                 */
};

#define PEER "msrp://peer.example:9999/peersid;tcp"

/* the far end of a connection */
struct peer {
	struct tcp_conn *tc;
	struct tls_conn *sc;
	struct tls *tls;        /* given: the connection has TLS            */
	struct tcp_sock *ts;
	struct mbuf *rx;
	unsigned recvc;         /* reads that brought something             */
	bool estab;
	bool closed;
};

/* a session and what its handlers saw */
struct side {
	struct msrp_sess *sess;
	unsigned openc, donec, dropc, estabc, closec;
	int close_err;
	uint64_t octets;
	bool bad;               /* an octet was not the expected one        */
	uint64_t pause_at;      /* octets after which it is paused, 0: not  */
	uint64_t size;          /* msrp_rx_set_size() of what opens, 0: no  */
	bool tls;               /* the session has TLS                      */
	bool late;              /* keep messages; side_answer() them        */
	uint16_t scode;         /* else they are answered with this         */
	uint16_t open_code;
	char in;                /* handler in which to let the session go   */
	bool deref;             /* with mem_deref(), not msrp_sess_close()  */
	struct msrp_rx *keptv[KEPT];
	unsigned keptc;
	struct mbuf *body;      /* of the last message                      */
};

#define HELLO "Message-ID: m1\r\nByte-Range: 1-5/5\r\n" \
	"Content-Type: text/plain\r\n\r\nhello\r\n"
#define BIND "Message-ID: bind\r\nByte-Range: 1-0/0\r\n"

#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))

extern struct msrp *sess_stack;
extern struct msrp_conf sess_conf;
extern struct side s1, s2;
extern struct peer p1, p2;
extern const char *const addrv[];

bool is_true(const void *arg);
bool is_set(const void *arg);
bool loop_run(uint64_t ms, bool (*c)(const void *arg), const void *arg);
void loop_settle(uint64_t ms);
void sess_make(struct side *s, const char *addr);
void side_answer(struct side *s, uint16_t scode, int err);
void side_free(struct side *s);
void peer_connect_from(struct peer *peer, const struct side *s,
		       const char *from);
void peer_connect(struct peer *peer, const struct side *s);
void peer_open(struct peer *peer, const char *addr, uint16_t port);
void peer_listen(struct peer *peer, struct sa *sa, const char *addr);
void peer_write(struct peer *peer, const void *v, size_t len);
void peer_puts(struct peer *peer, const char *str);
void peer_free(struct peer *peer);
bool rx_has(const struct peer *peer, const char *str);
void expect(struct peer *peer, const char *str);
void expect_all(struct peer *peer, const char *str);
size_t count(const struct peer *peer, const char *str);
void expect_n(struct peer *peer, const char *str, size_t n);
char *req(const struct side *s, const char *tid, const char *met,
		 const char *rest);
char *resp(const struct side *s, const char *tid, const char *status);
void put(struct peer *peer, const struct side *s, const char *tid,
		const char *met, const char *rest);
void talk(struct peer *peer, const struct side *s, const char *rest,
		 const char *status);
void sess_setup(void);
void sess_teardown(void);
void sess_restack(uint32_t trans_timeout, uint32_t idle_timeout,
		    uint64_t max_size);
void side_passive(const char *addr);

/* Run until it is true; the test fails if it does not become so */
#define WAIT(c, arg) ck_assert(loop_run(GUARD, (c), (arg)))

/* sess_stream.c: n messages of size octets in one write; one large message,
   "big", in chunks */
void pipeline(unsigned n, size_t size);
void send_large(size_t total, size_t chunk);

void sess_passive_tests(TCase *tc);
void sess_pause_tests(TCase *tc);
void sess_stream_tests(TCase *tc);
void sess_join_tests(TCase *tc);
void sess_life_tests(TCase *tc);
void sess_tls_tests(TCase *tc);
void sess_ca_tests(TCase *tc);
void sess_active_tests(TCase *tc);
void sess_limit_tests(TCase *tc);
void sess_rfc_tests(TCase *tc);
void sess_code_tests(TCase *tc);

#endif
