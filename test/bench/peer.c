/**
 * @file peer.c  The library alone, as a program: without baresip, SIP, CPIM
 * and store
 *
 * peer recv: prints its path, answers each message of one session with 200
 * at once, and ends with the session.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <cpm_msrp.h>


struct peer {
	struct msrp *msrp;
	struct msrp_sess *sess;
	int err;
};


static void stop(struct peer *peer, int err)
{
	peer->err = err;
	re_cancel();
}


static void done_handler(struct msrp_rx *rx, void *arg)
{
	int err = msrp_rx_answer(rx, 200, NULL);

	if (err)
		stop(arg, err);
}


static void close_handler(int err, void *arg)
{
	stop(arg, err == ECONNRESET ? 0 : err);
}


static int peer_recv(struct peer *peer)
{
	static const struct msrp_sess_h h = {
		.doneh = done_handler, .closeh = close_handler};
	const struct msrp_conf conf = {.max_size = 1ULL << 40};
	struct sa laddr;
	int err;

	err = sa_set_str(&laddr, "127.0.0.1", 0);
	if (err)
		return err;
	err = msrp_alloc(&peer->msrp, &conf);
	if (err)
		return err;
	err = msrp_sess_alloc(&peer->sess, peer->msrp, &laddr, false, &h,
			      peer);
	if (err)
		return err;
	err = msrp_sess_listen(peer->sess);
	if (err)
		return err;

	msrp_sess_start(peer->sess);
	printf("%s\n", msrp_sess_path(peer->sess));
	(void)fflush(stdout);

	return re_main(NULL);
}


int main(int argc, char **argv)
{
	struct peer peer = {0};
	int err;

	if (argc != 2 || strcmp(argv[1], "recv")) {
		(void)fprintf(stderr, "usage: peer recv\n");
		return 2;
	}

	err = libre_init();
	if (!err)
		err = peer_recv(&peer);
	if (!err)
		err = peer.err;

	mem_deref(peer.sess);
	mem_deref(peer.msrp);
	libre_close();
	if (err)
		(void)re_fprintf(stderr, "peer: %m\n", err);

	return err ? 1 : 0;
}
