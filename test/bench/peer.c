/**
 * @file peer.c  The library alone, as a program: without baresip, SIP, CPIM
 * and store
 *
 * peer recv EXPECT [PEM]: prints its path, answers each message of one session
 * with 200 at once, and ends with the session. After so many messages (0:
 * never) it prints the time.
 *
 * peer send PATH WINDOW COUNT SIZE [PEM]: connects to the path, sends COUNT
 * messages of SIZE octets, at most WINDOW of them on their way, and prints
 * the time of the first one, and the seconds from there to the last answer.
 *
 * With PEM, a key and its certificate, over TLS; the other side has to have
 * the same.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cpm_msrp.h>


enum {
	WHOLE = 65536,  /* a message up to this is held in memory */
};

struct peer {
	struct msrp *msrp;
	struct msrp_sess *sess;
	struct tls *tls;
	struct mbuf *body;
	uint64_t size;      /* of each message       */
	uint32_t window;
	uint32_t count;     /* messages in all       */
	uint32_t sent;
	uint32_t done;      /* received, or answered */
	double start;
	int err;
};


static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}


static void stop(struct peer *peer, int err)
{
	peer->err = err;
	re_cancel();
}


static void done_handler(struct msrp_rx *rx, void *arg)
{
	struct peer *peer = arg;
	int err = msrp_rx_answer(rx, 200, NULL);

	if (err)
		stop(peer, err);
	if (++peer->done == peer->count) {
		printf("%.9f\n", now());
		(void)fflush(stdout);
	}
}


static void close_handler(int err, void *arg)
{
	stop(arg, err == ECONNRESET ? 0 : err);
}


/* The other side of a bench has our own certificate */
static int stack_alloc(struct peer *peer, const char *pem)
{
	struct msrp_conf conf = {.max_size = 1ULL << 40};
	int err;

	if (pem) {
		err = msrp_tls_alloc(&peer->tls, pem);
		if (err)
			return err;
		conf.tls = peer->tls;
	}

	return msrp_alloc(&peer->msrp, &conf);
}


static int sess_alloc(struct peer *peer, const struct msrp_sess_h *h,
		      const char *pem)
{
	char fp[MSRP_FP_SIZE];
	struct sa laddr;
	int err;

	err = sa_set_str(&laddr, "127.0.0.1", 0);
	if (!err)
		err = stack_alloc(peer, pem);
	if (!err)
		err = msrp_sess_alloc(&peer->sess, peer->msrp, &laddr,
				      pem != NULL, h, peer);
	if (err || !pem)
		return err;

	err = msrp_fingerprint(fp, sizeof(fp), peer->msrp);

	return err ? err : msrp_sess_set_fingerprint(peer->sess, fp);
}


static int peer_recv(struct peer *peer, const char *pem)
{
	static const struct msrp_sess_h h = {
		.doneh = done_handler, .closeh = close_handler};
	int err;

	err = sess_alloc(peer, &h, pem);
	if (!err)
		err = msrp_sess_listen(peer->sess);
	if (err)
		return err;

	msrp_sess_start(peer->sess);
	printf("%s\n", msrp_sess_path(peer->sess));
	(void)fflush(stdout);

	return re_main(NULL);
}


static void send_more(struct peer *peer);


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct peer *peer = arg;
	(void)scode;

	if (err) {
		stop(peer, err);
		return;
	}
	if (++peer->done < peer->count) {
		send_more(peer);
		return;
	}

	printf("%.9f %.9f\n", peer->start, now() - peer->start);
	stop(peer, 0);
}


/* Neither compresses nor looks like the end of a chunk */
static int read_handler(uint64_t off, uint8_t *buf, size_t *len, void *arg)
{
	const struct peer *peer = arg;
	(void)off;

	*len = min(*len, peer->body->end);
	memcpy(buf, peer->body->buf, *len);

	return 0;
}


static void send_more(struct peer *peer)
{
	struct msrp_send msg = {.ctype = "message/cpim",
				.senth = sent_handler, .arg = peer};
	int err = 0;

	if (peer->size <= WHOLE) {
		msg.mb = peer->body;
	}
	else {
		msg.readh = read_handler;
		msg.size = peer->size;
	}

	while (peer->sent < peer->count &&
	       peer->sent - peer->done < peer->window && !err) {
		err = msrp_send(NULL, peer->sess, &msg);
		++peer->sent;
	}
	if (err)
		stop(peer, err);
}


static void estab_handler(void *arg)
{
	struct peer *peer = arg;

	peer->start = now();
	send_more(peer);
}


static int body_fill(struct peer *peer)
{
	const size_t n = (size_t)min(peer->size, (uint64_t)WHOLE);
	uint64_t x = 88172645463325252ULL;
	size_t i;
	int err = 0;

	peer->body = mbuf_alloc(n);
	if (!peer->body)
		return ENOMEM;

	for (i=0; i<n && !err; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		err = mbuf_write_u8(peer->body,
				    (uint8_t)x == '-' ? '_' : (uint8_t)x);
	}
	peer->body->pos = 0;

	return err;
}


static int peer_send(struct peer *peer, const char *path, const char *pem)
{
	static const struct msrp_sess_h h = {
		.estabh = estab_handler, .closeh = close_handler};
	struct msrp_uri uri;
	struct sa addr;
	struct pl pl;
	int err;

	/* its first hop is where to */
	pl_set_str(&pl, path);
	pl.l = strcspn(path, " ");
	err = msrp_uri_decode(&uri, &pl);
	if (!err)
		err = sa_set(&addr, &uri.host, uri.port);
	if (!err)
		err = body_fill(peer);
	if (!err)
		err = sess_alloc(peer, &h, pem);
	if (!err)
		err = msrp_sess_set_peer(peer->sess, path);
	if (!err)
		err = msrp_sess_connect(peer->sess, &addr);

	return err ? err : re_main(NULL);
}


static int run(struct peer *peer, int argc, char **argv)
{
	if (argc >= 3 && argc <= 4 && !strcmp(argv[1], "recv")) {
		peer->count = (uint32_t)strtoul(argv[2], NULL, 10);
		return peer_recv(peer, argc > 3 ? argv[3] : NULL);
	}

	if (argc >= 6 && argc <= 7 && !strcmp(argv[1], "send")) {
		peer->window = (uint32_t)strtoul(argv[3], NULL, 10);
		peer->count  = (uint32_t)strtoul(argv[4], NULL, 10);
		peer->size   = strtoull(argv[5], NULL, 10);
		return peer_send(peer, argv[2], argc > 6 ? argv[6] : NULL);
	}

	(void)fprintf(stderr, "usage: peer recv EXPECT [PEM]\n"
		      "       peer send PATH WINDOW COUNT SIZE [PEM]\n");

	return EINVAL;
}


int main(int argc, char **argv)
{
	struct peer peer = {0};
	int err;

	err = libre_init();
	if (!err && argc > 1)
		err = run(&peer, argc, argv);
	if (!err)
		err = peer.err;

	mem_deref(peer.sess);
	mem_deref(peer.msrp);
	mem_deref(peer.tls);
	mem_deref(peer.body);
	libre_close();
	if (err)
		(void)re_fprintf(stderr, "peer: %s\n", msrp_strerror(err));

	return err || argc < 2 ? 1 : 0;
}
